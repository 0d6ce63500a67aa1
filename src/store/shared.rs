//! Stores that many users share and none of them writes: `additionalimagestores` of containers-storage.conf(5).
//!
//! Such a store is a data directory of this engine, filled by whoever owns it. What comes from there is taken for what it
//! is by its digest alone: small blobs when they are read, layers while they are unpacked into the user's own store.

use super::blobs;
use super::digest::Digest;
use super::layers::Info;
use crate::engine::Engine;
use crate::fs;
use anyhow::{Context, Result};
use rustix::fs::{CWD, FileType, Mode, OFlags};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// How many stores are looked at.
const STORES_MAX: usize = 16;
/// `storage.conf`.
const SETTINGS_BYTES_MAX: usize = 1 << 20;
/// What is told of a layer.
const INFO_BYTES_MAX: usize = 16 << 10;

/// The stores that this user's settings name and that are there. Others, such as podman's own, are left alone.
pub fn stores(engine: &Engine) -> Result<Vec<Engine>> {
    static PLACES: OnceLock<Vec<PathBuf>> = OnceLock::new();
    let places = match PLACES.get() {
        Some(places) => places,
        None => {
            let found = places(engine.rootless)?;
            PLACES.get_or_init(|| found)
        }
    };
    let at = |place: &PathBuf| Engine { data: place.clone(), ..engine.clone() };
    Ok(places.iter().map(at).filter(|store| is_file(&store.images().join("index.json"))).collect())
}

/// Opens a blob of one of them and says how long it is. Its bytes are anybody's until they have been hashed.
pub fn open_blob(engine: &Engine, digest: &Digest) -> Option<(File, u64)> {
    stores(engine).ok()?.iter().find_map(|store| open_file(&blobs::path(store, digest)))
}

/// How long the files of a layer are by what one of them tells, for who only looks.
pub fn layer_bytes(engine: &Engine, diff_id: &Digest) -> Option<u64> {
    let path = |store: &Engine| store.layers().join(diff_id.hex()).join("info.json");
    let (file, _) = stores(engine).ok()?.iter().find_map(|store| open_file(&path(store)))?;
    let bytes = fs::read_all(file, INFO_BYTES_MAX).ok()?;
    serde_json::from_slice::<Info>(&bytes).ok().map(|info| info.size_bytes)
}

fn open_file(path: &Path) -> Option<(File, u64)> {
    // Not waiting for a writer: it may be a FIFO.
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let file = File::from(rustix::fs::openat(CWD, path, flags, Mode::empty()).ok()?);
    let metadata = file.metadata().ok()?;
    metadata.is_file().then_some((file, metadata.len()))
}

fn is_file(path: &Path) -> bool {
    rustix::fs::stat(path).is_ok_and(|status| FileType::from_raw_mode(status.st_mode) == FileType::RegularFile)
}

fn places(is_rootless: bool) -> Result<Vec<PathBuf>> {
    let own = settings_path(is_rootless)?;
    let system = ["/etc/containers/storage.conf", "/usr/share/containers/storage.conf"].map(PathBuf::from);
    for path in std::iter::once(own).chain(system) {
        if let Some(settings) = settings(&path)? {
            let named = settings.get("storage").and_then(|storage| storage.get("options"));
            let named = named.and_then(|options| options.get("additionalimagestores")?.as_array());
            let paths = named.into_iter().flatten().filter_map(toml::Value::as_str).map(PathBuf::from);
            return Ok(paths.filter(|path| path.is_absolute()).take(STORES_MAX).collect());
        }
    }
    Ok(Vec::new())
}

/// The `storage.conf` of this user, whether it is there or not.
pub fn settings_path(is_rootless: bool) -> Result<PathBuf> {
    match (std::env::var_os("CONTAINERS_STORAGE_CONF"), is_rootless) {
        (Some(file), _) => Ok(PathBuf::from(file)),
        (None, true) => Ok(of_user("XDG_CONFIG_HOME", ".config")?.join("containers/storage.conf")),
        (None, false) => Ok(PathBuf::from("/etc/containers/storage.conf")),
    }
}

/// Reads a `storage.conf`. None if there is none.
pub fn settings(path: &Path) -> Result<Option<toml::Table>> {
    let Some(text) = fs::read_optional(path, SETTINGS_BYTES_MAX)? else { return Ok(None) };
    let reading = || format!("read {}", path.display());
    let text = String::from_utf8(text).with_context(reading)?;
    toml::from_str(&text).with_context(reading).map(Some)
}

/// A directory by a variable of the XDG base directory specification, else below the home directory.
pub fn of_user(variable: &str, below: &str) -> Result<PathBuf> {
    match std::env::var_os(variable).filter(|value| !value.is_empty()) {
        Some(directory) => Ok(directory.into()),
        None => Ok(std::env::var_os("HOME").map(PathBuf::from).context("HOME is not set")?.join(below)),
    }
}

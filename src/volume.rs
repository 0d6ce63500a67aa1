//! Named and anonymous volumes: `volumes/NAME/{volume.json,data/}`.

use crate::engine::Engine;
use crate::fs::{self, Durability};
use anyhow::{Context, Result};
use rustix::io::Errno;
use serde::{Deserialize, Serialize};
use std::os::fd::AsFd;

/// `volume.json`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Volume {
    pub name: String,
    /// Made for one container, and removed with it.
    pub anonymous: bool,
    /// Nanoseconds since 1970.
    pub created: u64,
}

/// Makes a volume if it does not exist: staged as a whole, then renamed into place, so that of two makers one wins.
pub fn ensure(engine: &Engine, name: &str, anonymous: bool) -> Result<()> {
    let place = engine.volumes().join(name);
    if place.is_dir() {
        return Ok(());
    }
    let staged = fs::staging_name(&engine.staging());
    fs::create_dir(&staged)?;
    fs::create_dir(&staged.join("data"))?;
    rustix::fs::chmod(staged.join("data"), rustix::fs::Mode::from_raw_mode(0o755)).context("chmod volume")?;
    let created =
        std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |age| age.as_nanos() as u64);
    let volume = Volume { name: name.to_owned(), anonymous, created };
    fs::write_json(&staged.join("volume.json"), &volume, Durability::Synced)?;
    match rustix::fs::renameat_with(
        rustix::fs::CWD,
        &staged,
        rustix::fs::CWD,
        &place,
        rustix::fs::RenameFlags::NOREPLACE,
    ) {
        Ok(()) => fs::sync_dir(&engine.volumes()),
        Err(Errno::EXIST) => discard(engine, &staged),
        Err(errno) => Err(errno).with_context(|| format!("create volume {name}")),
    }
}

fn discard(engine: &Engine, staged: &std::path::Path) -> Result<()> {
    let name = staged.file_name().context("a staging name has a last part")?.to_string_lossy().into_owned();
    fs::remove_tree(fs::open_dir(&engine.staging())?.as_fd(), &name)
}

/// Removes a volume and all it holds: out of sight by one rename, then off the disk.
pub fn remove(engine: &Engine, name: &str) -> Result<()> {
    let staged = fs::staging_name(&engine.staging());
    match rustix::fs::rename(engine.volumes().join(name), &staged) {
        Ok(()) => discard(engine, &staged),
        Err(Errno::NOENT) => Ok(()),
        Err(errno) => Err(errno).with_context(|| format!("remove volume {name}")),
    }
}

//! Named and anonymous volumes: `volumes/NAME/{volume.json,data/}`, and `fresh` beside them for as long as no container
//! has used it.

mod first_use;
mod mounted;

pub use first_use::{FirstUse, take_into_use};
pub use mounted::{Special, check_options, special};

use crate::engine::Engine;
use crate::error::Kind;
use crate::fs::{self, Durability, Hold, Lock, Staged};
use anyhow::{Context, Result};
use rustix::fs::{CWD, Gid, Mode, RenameFlags, Uid};
use rustix::io::Errno;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// `volume.json`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Volume {
    pub name: String,
    /// Made for one container, and removed with it.
    pub anonymous: bool,
    /// Nanoseconds since 1970.
    pub created: u64,
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
    /// `type`, `device` and `o`, as they were given.
    #[serde(default)]
    pub options: BTreeMap<String, String>,
    /// The owner that was asked for; else the first container's user becomes it.
    #[serde(default)]
    pub uid: Option<u32>,
    #[serde(default)]
    pub gid: Option<u32>,
}

impl Volume {
    /// A volume of nothing but a name.
    pub fn plain(name: &str, anonymous: bool) -> Self {
        let created =
            std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |age| age.as_nanos() as u64);
        let (labels, options) = (BTreeMap::new(), BTreeMap::new());
        Self { name: name.to_owned(), anonymous, created, labels, options, uid: None, gid: None }
    }
}

/// How long a removal of volumes may keep a new container waiting.
const LOCK_TIMEOUT: Duration = Duration::from_secs(60);

/// Held shared by who is about to use volumes until that is visible, and exclusively by who removes one.
pub fn hold(engine: &Engine, hold: Hold) -> Result<Lock> {
    Lock::take(&lock(engine), hold, LOCK_TIMEOUT)
}

fn lock(engine: &Engine) -> PathBuf {
    engine.data.join("volumes.lock")
}

fn place(engine: &Engine, name: &str) -> PathBuf {
    engine.volumes().join(name)
}

/// The directory with the volume's files.
pub fn data(engine: &Engine, name: &str) -> PathBuf {
    place(engine, name).join("data")
}

fn freshness(place: &Path) -> PathBuf {
    place.join("fresh")
}

/// Whether no container has used the volume yet.
pub fn is_fresh(engine: &Engine, name: &str) -> bool {
    freshness(&place(engine, name)).exists()
}

pub fn exists(engine: &Engine, name: &str) -> bool {
    place(engine, name).is_dir()
}

fn sharing(place: &Path) -> PathBuf {
    place.join("shared")
}

/// Notes that another container than the one that it was made for uses an anonymous volume.
pub fn note_sharing(engine: &Engine, name: &str) -> Result<()> {
    let shared = sharing(&place(engine, name));
    if shared.exists() || !read(engine, name)?.is_some_and(|volume| volume.anonymous) {
        return Ok(());
    }
    fs::write_atomic(&shared, b"", Durability::Synced)
}

/// Whether more than one container may use an anonymous volume.
pub fn is_shared(engine: &Engine, name: &str) -> bool {
    sharing(&place(engine, name)).exists()
}

/// Makes a volume: staged as a whole, then renamed into place, so that of two makers one wins. False for the other.
pub fn create(engine: &Engine, volume: &Volume) -> Result<bool> {
    let staged = Staged::dir(&engine.staging())?;
    // Here already, so that a disk on which nothing can be made any more still lets the volume be removed.
    fs::open_append(&lock(engine))?;
    stage(staged.path(), volume)?;
    match rustix::fs::renameat_with(CWD, staged.path(), CWD, place(engine, &volume.name), RenameFlags::NOREPLACE) {
        Ok(()) => fs::sync_dir(&engine.volumes()).map(|()| true),
        Err(Errno::EXIST) => staged.remove().map(|()| false),
        Err(errno) => Err(errno).with_context(|| format!("create volume {}", volume.name)),
    }
}

fn stage(staged: &Path, volume: &Volume) -> Result<()> {
    let data = staged.join("data");
    fs::create_dir(&data)?;
    rustix::fs::chmod(&data, Mode::from_raw_mode(0o755)).context("chmod volume")?;
    if volume.uid.is_some() || volume.gid.is_some() {
        let (uid, gid) = (volume.uid.map(Uid::from_raw), volume.gid.map(Gid::from_raw));
        rustix::fs::chown(&data, uid, gid).with_context(|| format!("give volume {} to its owner", volume.name))?;
    }
    fs::write_plain(&freshness(staged), b"", 0o600)?;
    fs::write_json(&staged.join("volume.json"), volume, Durability::Synced)
}

/// Reads about a volume. None if there is none.
pub fn read(engine: &Engine, name: &str) -> Result<Option<Volume>> {
    fs::read_json(&place(engine, name).join("volume.json"))
}

/// Reads about a volume that must exist.
pub fn find(engine: &Engine, name: &str) -> Result<Volume> {
    let is_name = !name.is_empty() && !name.starts_with('.') && !name.contains('/');
    let found = if is_name { read(engine, name)? } else { None };
    found.ok_or_else(|| Kind::NotFound.error(format!("no volume with name {name:?}")))
}

/// All volumes, by name.
pub fn list(engine: &Engine) -> Result<Vec<Volume>> {
    let mut names = fs::list(&engine.volumes())?;
    names.retain(|name| !name.starts_with('.'));
    names.sort();
    let mut volumes = Vec::new();
    for name in names {
        // One that is removed at this moment is none any more.
        volumes.extend(read(engine, &name)?);
    }
    Ok(volumes)
}

/// Removes a volume and all it holds: out of sight by one rename, then off the disk.
pub fn remove(engine: &Engine, name: &str) -> Result<()> {
    match Staged::hide(&engine.staging(), &place(engine, name)).with_context(|| format!("remove volume {name}"))? {
        Some(hidden) => hidden.remove().and_then(|()| forget_shared(engine, name)),
        None => Ok(()),
    }
}

/// Removes what monitors had for a volume that no container has any more.
fn forget_shared(engine: &Engine, name: &str) -> Result<()> {
    let shared = engine.shared_volume(name);
    match shared.parent().filter(|_| shared.is_dir()) {
        Some(all) => fs::remove_tree(fs::open_dir(all)?.as_fd(), name),
        None => Ok(()),
    }
}

//! Volumes that are file systems in memory: one for all containers that have the volume at the same time, as long as one
//! of them runs.
//!
//! Each monitor has it mounted at `RUN/volumes/NAME/mounted` in its own mount namespace, which no container can change,
//! and says so by the file `RUN/volumes/NAME/ID`. Whoever comes next clones it from there.

use crate::container::config::{Config, Id, MountKind};
use crate::container::root;
use crate::container::state;
use crate::engine::Engine;
use crate::fs::{self, Durability, Hold, Lock};
use crate::sys::mount;
use crate::volume::Special;
use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use std::ffi::CString;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::time::Duration;

/// How long another monitor may take to mount the same volume.
const LOCK_TIMEOUT: Duration = Duration::from_secs(30);

/// A monitor that has the volume mounted.
#[derive(Serialize, Deserialize)]
struct Holder {
    pid: i32,
    start_ticks: u64,
}

/// The volume's file system, as a detached mount: that which a running container has, or a new one.
pub fn open(engine: &Engine, config: &Config, volume: &str, special: &Special) -> Result<OwnedFd> {
    let place = engine.shared_volume(volume);
    let mounted = place.join("mounted");
    fs::create_dir_all(&mounted)?;
    let _lock = Lock::take(&place.join("lock"), Hold::Exclusive, LOCK_TIMEOUT)?;
    let own = place.join(config.id.as_str());
    if own.exists() {
        // A container can have a volume at two places.
        return clone(&fs::open_dir(&mounted)?, volume);
    }
    let found = find(engine, &place, &mounted)?;
    let system = found.map_or_else(|| special.mount(), Ok)?;
    mount::attach(system.as_fd(), fs::open_dir(&mounted)?.as_fd()).context("keep the volume mounted")?;
    let pid = i32::try_from(std::process::id()).context("a pid is positive")?;
    let start_ticks = state::start_ticks(pid).context("read one's own start")?;
    if let Err(error) = fs::write_json(&own, &Holder { pid, start_ticks }, Durability::Cached) {
        mount::detach(&mounted)?;
        return Err(error);
    }
    clone(&fs::open_dir(&mounted)?, volume)
}

fn clone(mounted: &OwnedFd, volume: &str) -> Result<OwnedFd> {
    mount::clone_fd(mounted.as_fd(), false).with_context(|| format!("clone volume {volume}"))
}

/// What one of the holders that still run has. Forgets those that do not.
fn find(engine: &Engine, place: &Path, mounted: &Path) -> Result<Option<OwnedFd>> {
    for id in fs::list(place)?.iter().filter_map(|name| Id::parse(name)) {
        let file = place.join(id.as_str());
        let Some(holder) = fs::read_json::<Holder>(&file)? else { continue };
        // Its lock tells, where a dead process may still be waited for.
        let lives = || state::read(engine, &id).is_ok_and(|container| container.status.is_alive());
        match root::mounted_by(holder.pid, holder.start_ticks, &CString::new(mounted.as_os_str().as_bytes())?) {
            Ok(found) => return Ok(Some(found)),
            Err(error) if lives() => return Err(error).with_context(|| format!("share {}", place.display())),
            Err(_) => fs::remove_file(&file)?,
        }
    }
    Ok(None)
}

/// Lets go of all volumes of a container: before a start and after the end.
pub fn release(engine: &Engine, config: &Config) -> Result<()> {
    for mounted in &config.mounts {
        let MountKind::Volume { name, .. } = &mounted.kind else { continue };
        let place = engine.shared_volume(name.as_str());
        let own = place.join(config.id.as_str());
        if !own.exists() {
            continue;
        }
        // What the file says holds for everybody who has the lock.
        let _lock = Lock::take(&place.join("lock"), Hold::Exclusive, LOCK_TIMEOUT)?;
        let Some(holder) = fs::read_json::<Holder>(&own)? else { continue };
        let is_own = u32::try_from(holder.pid) == Ok(std::process::id());
        if is_own && state::start_ticks(holder.pid) == Some(holder.start_ticks) {
            mount::detach(&place.join("mounted"))?;
        }
        fs::remove_file(&own)?;
    }
    Ok(())
}

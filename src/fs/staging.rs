//! Staging: what is not complete yet, and what is to be removed, under names that nobody else looks at.
//!
//! Whoever made something there, or moved it there, has the lock on it, which the kernel takes back when they die. So
//! what nobody holds is left over from a dead process, in whatever namespace that was. A pid would not tell.

use super::{Hold, Lock, create_dir, create_new, list, open_dir, remove_tree, staging_name};
use anyhow::{Context, Result};
use rustix::fs::{CWD, Mode, OFlags};
use rustix::io::Errno;
use std::fs::File;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Whoever only looks has the lock for a moment; whoever has it for longer is sweeping.
const LOOK_TIMEOUT: Duration = Duration::from_secs(1);

/// How long the maker of something takes at most, when all is well, to have the lock on it.
const LOCKING: Duration = Duration::from_millis(50);

/// A file or directory in staging that is this process's. Dropped, it is removed, unless it has another name by then.
pub struct Staged {
    path: PathBuf,
    is_removed: bool,
    /// None if somebody else has it, who may be sweeping: two may remove the same.
    _lock: Option<Lock>,
}

impl Staged {
    /// Makes a directory, mode 0700.
    pub fn dir(staging: &Path) -> Result<Self> {
        loop {
            let path = staging_name(staging);
            create_dir(&path)?;
            if let Some(lock) = open(&path)?.map(|dir| hold(dir, LOOK_TIMEOUT)).transpose()?.flatten()
                && is_there(&path)?
            {
                return Ok(Self { path, is_removed: true, _lock: Some(lock) });
            }
            // A sweep was faster.
        }
    }

    /// Makes a file, mode 0600, and opens it for reading and writing.
    pub fn file(staging: &Path) -> Result<(Self, File)> {
        loop {
            let path = staging_name(staging);
            let file = create_new(&path)?;
            let same = file.as_fd().try_clone_to_owned().context("dup")?;
            if let Some(lock) = hold(same, LOOK_TIMEOUT)?
                && is_there(&path)?
            {
                return Ok((Self { path, is_removed: true, _lock: Some(lock) }, file));
            }
        }
    }

    /// Takes something out of sight, to be removed. None if it is not there.
    pub fn hide(staging: &Path, from: &Path) -> Result<Option<Self>> {
        let path = staging_name(staging);
        match rustix::fs::rename(from, &path) {
            Ok(()) => {}
            Err(Errno::NOENT) => return Ok(None),
            Err(errno) => return Err(errno).with_context(|| format!("remove {}", from.display())),
        }
        // It is gone from its place, so whatever hinders the lock is no reason to leave it.
        let lock = open(&path).ok().flatten().and_then(|file| hold(file, LOOK_TIMEOUT).ok().flatten());
        Ok(Some(Self { path, is_removed: true, _lock: lock }))
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Removes it, and says why that cannot be done.
    pub fn remove(mut self) -> Result<()> {
        self.remove_now()
    }

    /// Lets it be: it has a name elsewhere.
    pub fn keep(&mut self) {
        self.is_removed = false;
    }

    fn remove_now(&mut self) -> Result<()> {
        match std::mem::take(&mut self.is_removed) {
            true => remove(&self.path),
            false => Ok(()),
        }
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        // What cannot be removed now is for the next sweep.
        let _ = self.remove_now();
    }
}

fn remove(path: &Path) -> Result<()> {
    let (staging, name) = path.parent().zip(path.file_name()).context("a staging name has a directory")?;
    remove_tree(open_dir(staging)?.as_fd(), &name.to_string_lossy())
}

/// None if it is not there.
fn open(path: &Path) -> Result<Option<OwnedFd>> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    match rustix::fs::openat(CWD, path, flags, Mode::empty()) {
        Ok(fd) => Ok(Some(fd)),
        Err(Errno::NOENT) => Ok(None),
        Err(errno) => Err(errno).with_context(|| format!("open {}", path.display())),
    }
}

/// None if somebody else has it.
fn hold(file: OwnedFd, timeout: Duration) -> Result<Option<Lock>> {
    Ok(Lock::wait(&file, Hold::Exclusive, timeout)?.then(|| Lock::from(file)))
}

fn is_there(path: &Path) -> Result<bool> {
    match rustix::fs::lstat(path) {
        Ok(_) => Ok(true),
        Err(Errno::NOENT) => Ok(false),
        Err(errno) => Err(errno).with_context(|| format!("stat {}", path.display())),
    }
}

/// What lies in staging and is nobody's, by name. What only the owner of another id could open counts too.
pub fn abandoned(staging: &Path) -> Result<Vec<String>> {
    let mut names = list(staging)?;
    let is_abandoned = |name: &String| claim(&staging.join(name)).map_or(true, |lock| lock.is_some());
    names.retain(|name| is_name(name) && is_abandoned(name));
    if !names.is_empty() {
        std::thread::sleep(LOCKING);
        names.retain(is_abandoned);
    }
    names.sort();
    Ok(names)
}

/// Removes what is nobody's. Some of it may belong to subordinate ids: the caller has gone through the door.
pub fn sweep(staging: &Path) -> Result<()> {
    for name in abandoned(staging)? {
        let path = staging.join(name);
        if let Some(_lock) = claim(&path)? {
            remove(&path)?;
        }
    }
    Ok(())
}

/// Removes the files that are nobody's, such as blobs, for which nobody need go through the door. True if there are
/// directories that are nobody's.
pub fn sweep_files(staging: &Path) -> Result<bool> {
    let mut has_directories = false;
    for name in abandoned(staging)? {
        let path = staging.join(name);
        let _lock = match claim(&path) {
            Ok(Some(lock)) => lock,
            Ok(None) => continue,
            // Only the owner of another id could open it.
            Err(_) => {
                has_directories = true;
                continue;
            }
        };
        match rustix::fs::unlink(&path) {
            Ok(()) | Err(Errno::NOENT) => {}
            Err(Errno::ISDIR) => has_directories = true,
            Err(errno) => return Err(errno).with_context(|| format!("remove {}", path.display())),
        }
    }
    Ok(has_directories)
}

/// The lock on what nobody holds. None if it is somebody's, or gone.
fn claim(path: &Path) -> Result<Option<Lock>> {
    match open(path)? {
        Some(file) => hold(file, Duration::ZERO),
        None => Ok(None),
    }
}

/// Whether [`staging_name`] has made a name.
fn is_name(name: &str) -> bool {
    let parts: Vec<&str> = name.split('-').collect();
    matches!(parts[..], [pid, counter, time]
        if pid.parse::<u32>().is_ok() && counter.parse::<u32>().is_ok() && u128::from_str_radix(time, 16).is_ok())
}

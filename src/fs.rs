//! Files: bounded reads, atomic writes, kernel locks, and the one way into a directory tree that others control.
//!
//! The functions that take a path are for the engine's own directories only, which nobody else can write to. Anything
//! below a root file system, a volume or a layer is reached through a [`Root`].

#![allow(clippy::disallowed_methods)]

mod copy;
mod lock;
mod output;
mod remove;
mod root;
pub mod staging;
mod walk;

pub use copy::{copy_contents, copy_status};
pub use lock::{Held, Hold, Lock, held, held_at, hold_alive, say_held};
pub use output::{Output, Place};
pub use remove::{remove_tree, remove_tree_named};
pub use root::Root;
pub use staging::Staged;
pub use walk::{Step, change_owner, walk};

use crate::error::Kind;
use anyhow::{Context, Result};
use rustix::buffer::spare_capacity;
use rustix::fs::{CWD, FileType, Mode, OFlags};
use rustix::io::{Errno, retry_on_intr};
use std::io::{Read, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

/// The largest JSON document that the engine writes for itself.
pub const STATE_BYTES_MAX: usize = 16 << 20;

/// Reads a whole file of at most `bytes_max` bytes.
pub fn read(path: &Path, bytes_max: usize) -> Result<Vec<u8>> {
    let file = std::fs::File::open(path).with_context(|| format!("open {}", path.display()))?;
    read_all(file, bytes_max).with_context(|| format!("read {}", path.display()))
}

/// Reads a whole file. None if there is none.
pub fn read_optional(path: &Path, bytes_max: usize) -> Result<Option<Vec<u8>>> {
    match std::fs::File::open(path) {
        Ok(file) => read_all(file, bytes_max).with_context(|| format!("read {}", path.display())).map(Some),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("open {}", path.display())),
    }
}

/// Room for the first read of a file.
const FIRST_READ_BYTES: usize = 4 << 10;

/// Reads to the end of a stream that must end within `bytes_max` bytes.
pub fn read_all(stream: impl Read, bytes_max: usize) -> Result<Vec<u8>> {
    // Most files fit into this, and then take one read; a vector without room is filled by 32 bytes first.
    let mut bytes = Vec::with_capacity(FIRST_READ_BYTES.min(bytes_max.saturating_add(1)));
    stream.take(bytes_max as u64 + 1).read_to_end(&mut bytes)?;
    if bytes.len() > bytes_max {
        return Err(Kind::BadInput.error(format!("more than {bytes_max} bytes")));
    }
    Ok(bytes)
}

/// Reads one of the engine's own JSON files. None if there is none.
pub fn read_json<T: serde::de::DeserializeOwned>(path: &Path) -> Result<Option<T>> {
    read_json_at(CWD, path)
}

/// The same, by a path from a directory.
pub fn read_json_at<T: serde::de::DeserializeOwned>(dir: BorrowedFd<'_>, path: &Path) -> Result<Option<T>> {
    let Some(bytes) = read_own(dir, path)? else { return Ok(None) };
    serde_json::from_slice(&bytes).with_context(|| format!("parse {}", path.display())).map(Some)
}

/// Reads a regular file of the engine's own, most of which fit into one read: a short one has come to the end, which
/// files of the kernel do not promise. None if there is none.
fn read_own(dir: BorrowedFd<'_>, path: &Path) -> Result<Option<Vec<u8>>> {
    let opened = retry_on_intr(|| rustix::fs::openat(dir, path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty()));
    let file = match opened {
        Err(Errno::NOENT) => return Ok(None),
        other => std::fs::File::from(other.with_context(|| format!("open {}", path.display()))?),
    };
    let mut first = Vec::with_capacity(FIRST_READ_BYTES);
    let reading = || format!("read {}", path.display());
    let length = retry_on_intr(|| rustix::io::read(&file, spare_capacity(&mut first))).with_context(reading)?;
    if length < FIRST_READ_BYTES {
        return Ok(Some(first));
    }
    let rest = read_all(file, STATE_BYTES_MAX - FIRST_READ_BYTES).with_context(reading)?;
    Ok(Some([first, rest].concat()))
}

/// The place of a file of the user's that is about to be replaced: a link is followed, to a plain file that is theirs, or
/// to nothing. What is anything else is refused.
pub fn own_file(path: &Path) -> Result<PathBuf> {
    let find = || -> Result<PathBuf> {
        let name = path.file_name().context("a file has a name")?;
        let dir = path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let target = match std::fs::canonicalize(path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                if std::fs::symlink_metadata(path).is_ok() {
                    return Err(Kind::NotFound.error("it is a link to nothing"));
                }
                return Ok(std::fs::canonicalize(dir)?.join(name));
            }
            target => target?,
        };
        let status = rustix::fs::stat(&target)?;
        if FileType::from_raw_mode(status.st_mode) != FileType::RegularFile {
            return Err(Kind::Denied.error("it is no plain file"));
        }
        if status.st_uid != rustix::process::geteuid().as_raw() {
            return Err(Kind::Denied.error("it belongs to another user"));
        }
        Ok(target)
    };
    find().with_context(|| format!("change {}", path.display()))
}

/// A path without links in it; what it names is there.
pub fn real_path(path: &Path) -> Result<PathBuf> {
    std::fs::canonicalize(path).with_context(|| format!("find {}", path.display()))
}

/// Whether a write must survive a power cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// Data and directory entry are on disk when the call returns.
    Synced,
    /// Complete or absent to every reader, but a power cut may lose it.
    Cached,
}

/// Replaces a file as a whole: written beside it, then renamed over it. Mode 0600.
pub fn write_atomic(path: &Path, bytes: &[u8], durability: Durability) -> Result<()> {
    let dir = path.parent().context("a file has a parent directory")?;
    let name = path.file_name().context("a file has a name")?.to_string_lossy();
    let temporary = dir.join(format!(".{name}.{}", std::process::id()));
    let write = || -> Result<()> {
        let mut file = match create_new(&temporary) {
            // One that was killed had our pid.
            Err(error) if is_there(&error) => {
                std::fs::remove_file(&temporary)?;
                create_new(&temporary)?
            }
            other => other?,
        };
        file.write_all(bytes)?;
        if durability == Durability::Synced {
            file.sync_data()?;
        }
        std::fs::rename(&temporary, path)?;
        if durability == Durability::Synced {
            sync_dir(dir)?;
        }
        Ok(())
    };
    write()
        .inspect_err(|_| drop(std::fs::remove_file(&temporary)))
        .with_context(|| format!("write {}", path.display()))
}

fn is_there(error: &anyhow::Error) -> bool {
    error.downcast_ref::<std::io::Error>().is_some_and(|error| error.kind() == std::io::ErrorKind::AlreadyExists)
}

/// Writes one of the engine's own JSON files; never one that is too long to be read again.
pub fn write_json<T: serde::Serialize>(path: &Path, value: &T, durability: Durability) -> Result<()> {
    let bytes = serde_json::to_vec(value).with_context(|| format!("serialise {}", path.display()))?;
    if bytes.len() > STATE_BYTES_MAX {
        let message = format!("{} would become longer than {} MiB", path.display(), STATE_BYTES_MAX >> 20);
        return Err(Kind::BadInput.error(message));
    }
    write_atomic(path, &bytes, durability)
}

/// Replaces the bytes of a file without taking new room on the disk, as far as they fit into what the file has: a reader
/// meanwhile may see some of either. Old bytes beyond the new ones become spaces.
pub fn overwrite(path: &Path, bytes: &[u8]) -> Result<()> {
    use std::os::unix::fs::FileExt;
    let write = || -> std::io::Result<()> {
        let file = std::fs::OpenOptions::new().write(true).open(path)?;
        let length = file.metadata()?.len();
        let mut whole = bytes.to_vec();
        whole.resize(whole.len().max(usize::try_from(length).unwrap_or(0)), b' ');
        file.write_all_at(&whole, 0)?;
        file.sync_data()
    };
    write().with_context(|| format!("write {}", path.display()))
}

/// Whether an error says that the disk, or the user's share of it, is full.
pub fn is_full(error: &anyhow::Error) -> bool {
    use std::io::ErrorKind::{QuotaExceeded, StorageFull};
    let is_full = |error: &std::io::Error| matches!(error.kind(), StorageFull | QuotaExceeded);
    error.downcast_ref::<std::io::Error>().is_some_and(is_full)
}

/// Writes a new file in a directory that no reader looks into yet.
pub fn write_plain(path: &Path, bytes: &[u8], mode: u32) -> Result<()> {
    use std::os::unix::fs::OpenOptionsExt;
    let mut options = std::fs::OpenOptions::new();
    let file = options.write(true).create_new(true).mode(mode).open(path);
    let write = |mut file: std::fs::File| file.write_all(bytes);
    file.and_then(write).with_context(|| format!("write {}", path.display()))
}

/// Creates a file that must not exist, mode 0600, for reading and writing.
pub fn create_new(path: &Path) -> Result<std::fs::File> {
    use std::os::unix::fs::OpenOptionsExt;
    let mut options = std::fs::OpenOptions::new();
    options.read(true).write(true).create_new(true).mode(0o600);
    options.open(path).with_context(|| format!("create {}", path.display()))
}

/// Creates a file in staging that has no name any more: it goes with the process.
pub fn create_unnamed(dir: &Path) -> Result<std::fs::File> {
    let flags = OFlags::RDWR | OFlags::TMPFILE | OFlags::CLOEXEC;
    match rustix::fs::openat(CWD, dir, flags, Mode::from_raw_mode(0o600)) {
        Ok(file) => Ok(file.into()),
        // Not all file systems have files that never had a name.
        Err(Errno::OPNOTSUPP | Errno::ISDIR | Errno::INVAL) => {
            let path = staging_name(dir);
            let file = create_new(&path)?;
            remove_file(&path)?;
            Ok(file)
        }
        Err(errno) => Err(errno).with_context(|| format!("create a file in {}", dir.display())),
    }
}

/// Creates a file that the user names, or empties it, with the mode that their umask gives.
pub fn create(path: &Path) -> Result<std::fs::File> {
    std::fs::File::create(path).with_context(|| format!("create {}", path.display()))
}

/// Removes a file of the engine's. One that is not there is no error.
pub fn remove_file(path: &Path) -> Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("remove {}", path.display()))
        }
        _ => Ok(()),
    }
}

/// Opens a file that the user or the engine names, to hand its descriptor on.
pub fn open_for_reading(path: &Path) -> Result<std::fs::File> {
    std::fs::File::open(path).with_context(|| format!("open {}", path.display()))
}

/// /dev/null, to read nothing from and to write for nobody.
pub fn open_null() -> Result<OwnedFd> {
    rustix::fs::openat(CWD, c"/dev/null", OFlags::RDWR | OFlags::CLOEXEC, Mode::empty()).context("open /dev/null")
}

/// Opens an existing file of the kernel's or the engine's for writing.
pub fn open_for_writing(path: &Path) -> Result<std::fs::File> {
    std::fs::OpenOptions::new().write(true).open(path).with_context(|| format!("open {}", path.display()))
}

/// Opens a file that the user names for output: created, or emptied.
pub fn open_truncated(path: &Path) -> Result<std::fs::File> {
    std::fs::File::create(path).with_context(|| format!("create {}", path.display()))
}

/// Opens a file for appending, mode 0600, and makes it if it is missing.
pub fn open_append(path: &Path) -> Result<std::fs::File> {
    use std::os::unix::fs::OpenOptionsExt;
    let mut options = std::fs::OpenOptions::new();
    options.append(true).create(true).mode(0o600).open(path).with_context(|| format!("open {}", path.display()))
}

/// Opens a log for appending, mode 0600, and makes it if it is missing. Nothing but a file that has no other name will
/// do: a link in its place leads to what was not meant.
pub fn open_log(path: &Path) -> Result<std::fs::File> {
    let flags =
        OFlags::WRONLY | OFlags::APPEND | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let open = || -> Result<std::fs::File> {
        let file = rustix::fs::openat(CWD, path, flags, Mode::from_raw_mode(0o600))?;
        let status = rustix::fs::fstat(&file)?;
        if FileType::from_raw_mode(status.st_mode) != FileType::RegularFile || status.st_nlink > 1 {
            return Err(Kind::Denied.error("it is no file of its own"));
        }
        Ok(std::fs::File::from(file))
    };
    open().with_context(|| format!("open the log {}", path.display()))
}

/// Renames a file of the engine's. False if there is none.
pub fn rename_if_there(from: &Path, to: &Path) -> Result<bool> {
    match rustix::fs::rename(from, to) {
        Ok(()) => Ok(true),
        Err(Errno::NOENT) => Ok(false),
        Err(errno) => Err(errno).with_context(|| format!("rename {}", from.display())),
    }
}

/// Puts a directory's entries on disk.
pub fn sync_dir(path: &Path) -> Result<()> {
    std::fs::File::open(path)?.sync_all().with_context(|| format!("sync {}", path.display()))
}

/// Creates a directory of the engine and its parents, mode 0700.
pub fn create_dir_all(path: &Path) -> Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true).mode(0o700);
    builder.create(path).with_context(|| format!("create directory {}", path.display()))
}

/// Creates a directory that the user names for output and its parents, with the mode that their umask gives. One that is
/// there is as good.
pub fn create_dir_shared(path: &Path) -> Result<()> {
    std::fs::create_dir_all(path).with_context(|| format!("create directory {}", path.display()))
}

/// Creates one directory, mode 0700. False if it was there already.
pub fn create_dir(path: &Path) -> Result<bool> {
    use std::os::unix::fs::DirBuilderExt;
    match std::fs::DirBuilder::new().mode(0o700).create(path) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(error).with_context(|| format!("create directory {}", path.display())),
    }
}

/// Removes a directory of the engine's that is empty.
pub fn remove_empty_dir(path: &Path) -> Result<()> {
    std::fs::remove_dir(path).with_context(|| format!("remove {}", path.display()))
}

/// The names in a directory, in no order. None exist in a directory that does not.
pub fn list(path: &Path) -> Result<Vec<String>> {
    let entries = match std::fs::read_dir(path) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error).with_context(|| format!("list {}", path.display())),
    };
    let mut names = Vec::new();
    for entry in entries {
        let entry = entry.with_context(|| format!("list {}", path.display()))?;
        names.extend(entry.file_name().into_string());
    }
    Ok(names)
}

/// A directory, opened only to name things by it.
pub fn open_dir(path: &Path) -> Result<OwnedFd> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    rustix::fs::openat(CWD, path, flags, Mode::empty()).with_context(|| format!("open directory {}", path.display()))
}

/// Opens a directory once more to read it, which one that is only a name for it (`O_PATH`) cannot be.
pub fn open_here(dir: BorrowedFd<'_>) -> Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    rustix::fs::openat(dir, c".", flags, Mode::empty()).context("open directory")
}

/// A name for staging that no other process uses at this time.
pub fn staging_name(dir: &Path) -> PathBuf {
    use std::sync::atomic::{AtomicU32, Ordering};
    static COUNTER: AtomicU32 = AtomicU32::new(0);
    let nanoseconds =
        std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |age| age.as_nanos());
    dir.join(format!("{}-{}-{nanoseconds:x}", std::process::id(), COUNTER.fetch_add(1, Ordering::Relaxed)))
}

/// The names in an open directory, sorted, so that what is made of it does not depend on its file system.
pub fn names(dir: BorrowedFd<'_>) -> Result<Vec<std::ffi::CString>> {
    let mut names = Vec::new();
    for entry in rustix::fs::Dir::read_from(dir).context("list directory")? {
        let entry = entry.context("list directory")?;
        if entry.file_name() != c"." && entry.file_name() != c".." {
            names.push(entry.file_name().to_owned());
        }
    }
    names.sort_unstable();
    Ok(names)
}

/// A name that somebody else has chosen, fit for a terminal and a line.
pub fn shown(path: &[u8]) -> String {
    const SHOWN_BYTES_MAX: usize = 300;
    let text = String::from_utf8_lossy(&path[..path.len().min(SHOWN_BYTES_MAX)]);
    text.chars().map(|letter| if letter.is_control() { '\u{fffd}' } else { letter }).collect()
}

/// Whether an extended attribute means the same wherever a file is: file capabilities and the user's own. Overlayfs keeps
/// its state in `user.overlay.*`, and the rest belongs to the host's security modules.
pub fn is_portable_attribute(name: &[u8]) -> bool {
    let is_overlay = name.windows(9).any(|part| part == b".overlay.");
    name == b"security.capability" || (name.starts_with(b"user.") && !is_overlay)
}

/// Whether an open descriptor refers to a file of this kind.
pub fn is_kind(fd: impl AsFd, kind: FileType) -> Result<bool> {
    let status = rustix::fs::fstat(fd).context("fstat")?;
    Ok(FileType::from_raw_mode(status.st_mode) == kind)
}

#[cfg(test)]
mod tests;

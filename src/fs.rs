//! Files: bounded reads, atomic writes, kernel locks, and the one way into a directory tree that others control.
//!
//! The functions that take a path are for the engine's own directories only, which nobody else can write to. Anything
//! below a root file system, a volume or a layer is reached through a [`Root`].

#![allow(clippy::disallowed_methods)]

mod copy;
mod walk;

pub use copy::{copy_contents, copy_status};
pub use walk::change_owner;

use crate::error::Kind;
use anyhow::{Context, Result, bail};
use nix::fcntl::{FcntlArg, fcntl};
use rustix::buffer::spare_capacity;
use rustix::fs::{AtFlags, CWD, FileType, FlockOperation, Mode, OFlags, ResolveFlags};
use rustix::io::{Errno, retry_on_intr};
use std::io::{Read, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

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
    let Some(bytes) = read_own(path)? else { return Ok(None) };
    serde_json::from_slice(&bytes).with_context(|| format!("parse {}", path.display())).map(Some)
}

/// Reads a regular file of the engine's own, most of which fit into one read: a short one has come to the end, which
/// files of the kernel do not promise. None if there is none.
fn read_own(path: &Path) -> Result<Option<Vec<u8>>> {
    let file = match std::fs::File::open(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        other => other.with_context(|| format!("open {}", path.display()))?,
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

/// Writes one of the engine's own JSON files.
pub fn write_json<T: serde::Serialize>(path: &Path, value: &T, durability: Durability) -> Result<()> {
    let bytes = serde_json::to_vec(value).with_context(|| format!("serialise {}", path.display()))?;
    write_atomic(path, &bytes, durability)
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

/// The most of /proc/locks that is read to name a process.
const LOCKS_BYTES_MAX: usize = 4 << 20;

/// A lock that the kernel takes back when its holder, and all who inherited it, are gone: flock(2).
#[derive(Debug)]
pub struct Lock(OwnedFd);

/// How a lock is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hold {
    Shared,
    Exclusive,
}

impl Lock {
    /// Takes a lock, waiting for it at most `timeout`.
    pub fn take(path: &Path, hold: Hold, timeout: Duration) -> Result<Self> {
        let file = Self::open(path)?;
        Self::hold(&file, hold, timeout).with_context(|| format!("lock {}", path.display()))?;
        Ok(Self(file))
    }

    /// Takes a shared lock through a descriptor that is open anyway; it lasts as long as that.
    pub fn share(file: &OwnedFd, timeout: Duration) -> Result<()> {
        Self::hold(file, Hold::Shared, timeout)
    }

    fn hold(file: &OwnedFd, hold: Hold, timeout: Duration) -> Result<()> {
        let deadline = Instant::now() + timeout;
        let mut pause = Duration::from_micros(200);
        while !Self::try_hold(file, hold)? {
            if Instant::now() > deadline {
                bail!("still held by {} after {} s", Self::holder(file), timeout.as_secs());
            }
            std::thread::sleep(pause);
            pause = (pause * 2).min(Duration::from_millis(10));
        }
        Ok(())
    }

    /// Takes a lock if nobody is in the way.
    pub fn try_take(path: &Path, hold: Hold) -> Result<Option<Self>> {
        let file = Self::open(path)?;
        Ok(Self::try_hold(&file, hold)?.then_some(Self(file)))
    }

    /// Who has it: `process 123`, as /proc/locks says, proc(5). A file system with device numbers of its own hides that.
    fn holder(file: &OwnedFd) -> String {
        let find = || {
            let status = rustix::fs::fstat(file).ok()?;
            let (major, minor) = (rustix::fs::major(status.st_dev), rustix::fs::minor(status.st_dev));
            let place = format!("{major:02x}:{minor:02x}:{}", status.st_ino);
            let locks = read(Path::new("/proc/locks"), LOCKS_BYTES_MAX).ok()?;
            // `1: FLOCK  ADVISORY  WRITE 123 fe:00:4567 0 EOF`; one that waits has an arrow after its number.
            String::from_utf8_lossy(&locks).lines().find_map(|line| {
                let words: Vec<&str> = line.split_whitespace().collect();
                let is_it = words.get(1) == Some(&"FLOCK") && words.get(5) == Some(&place.as_str());
                words.get(4)?.parse::<i32>().ok().filter(|pid| is_it && *pid > 0)
            })
        };
        match find() {
            Some(pid) if Path::new(&format!("/proc/{pid}")).exists() => format!("process {pid}"),
            // As a monitor does that comes up.
            Some(pid) => format!("who has it from process {pid}"),
            None => "another process".to_owned(),
        }
    }

    fn open(path: &Path) -> Result<OwnedFd> {
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::CLOEXEC;
        rustix::fs::openat(CWD, path, flags, Mode::from_raw_mode(0o600))
            .with_context(|| format!("open {}", path.display()))
    }

    fn try_hold(file: &OwnedFd, hold: Hold) -> Result<bool> {
        let operation = match hold {
            Hold::Shared => FlockOperation::NonBlockingLockShared,
            Hold::Exclusive => FlockOperation::NonBlockingLockExclusive,
        };
        match rustix::fs::flock(file, operation) {
            Ok(()) => Ok(true),
            Err(Errno::WOULDBLOCK | Errno::INTR) => Ok(false),
            Err(errno) => Err(errno).context("flock"),
        }
    }
}

impl AsFd for Lock {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// Holding it takes over a lock that was inherited as a descriptor.
impl From<OwnedFd> for Lock {
    fn from(fd: OwnedFd) -> Self {
        Self(fd)
    }
}

/// What the holder of a lock says by how much of the file it holds. The first byte is always held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Held {
    /// The whole file.
    Alive,
    /// One byte.
    Paused,
}

fn lock_from(kind: i32, start: i64) -> libc::flock {
    libc::flock { l_type: kind as i16, l_whence: libc::SEEK_SET as i16, l_start: start, l_len: 0, l_pid: 0 }
}

/// Marks a file as held by this process for as long as it lives: an open-file-description lock, fcntl(2).
/// False if another holds it.
pub fn hold_alive(file: &OwnedFd) -> Result<bool> {
    match fcntl(file, FcntlArg::F_OFD_SETLK(&lock_from(libc::F_WRLCK, 0))) {
        Ok(_) => Ok(true),
        Err(nix::errno::Errno::EAGAIN | nix::errno::Errno::EACCES) => Ok(false),
        Err(errno) => Err(errno).context("fcntl F_OFD_SETLK"),
    }
}

/// Says more by a lock that this process has: readers see it in the same question that tells them that it is held.
pub fn say_held(file: &OwnedFd, held: Held) -> Result<()> {
    let lock = match held {
        Held::Alive => lock_from(libc::F_WRLCK, 0),
        Held::Paused => lock_from(libc::F_UNLCK, 1),
    };
    fcntl(file, FcntlArg::F_OFD_SETLK(&lock)).context("fcntl F_OFD_SETLK").map(|_| ())
}

/// Whether some process holds the file alive, and what it says by that. Takes no lock. A file that does not exist is
/// held by nobody.
pub fn held(path: &Path) -> Result<Option<Held>> {
    let file = match rustix::fs::openat(CWD, path, OFlags::RDWR | OFlags::CLOEXEC, Mode::empty()) {
        Ok(file) => file,
        Err(Errno::NOENT) => return Ok(None),
        Err(errno) => return Err(errno).with_context(|| format!("open {}", path.display())),
    };
    let mut lock = lock_from(libc::F_WRLCK, 0);
    fcntl(&file, FcntlArg::F_OFD_GETLK(&mut lock)).context("fcntl F_OFD_GETLK")?;
    let is_held = lock.l_type != libc::F_UNLCK as i16;
    Ok(is_held.then_some(if lock.l_len == 1 { Held::Paused } else { Held::Alive }))
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

/// A directory tree that someone else controls. Every path is resolved by the kernel within it: openat2(2)
/// `RESOLVE_IN_ROOT`, Linux 5.6; no link, `..` or magic link leads out.
#[derive(Debug)]
pub struct Root(OwnedFd);

impl Root {
    pub fn new(dir: OwnedFd) -> Self {
        Self(dir)
    }

    /// The tree below a directory of the engine.
    pub fn open(path: &Path) -> Result<Self> {
        Ok(Self(open_dir(path)?))
    }

    /// Opens what `path` resolves to.
    pub fn resolve(&self, path: &Path, flags: OFlags) -> rustix::io::Result<OwnedFd> {
        self.open_at(path, flags, Mode::empty())
    }

    fn open_at(&self, path: &Path, flags: OFlags, mode: Mode) -> rustix::io::Result<OwnedFd> {
        let path = if path.as_os_str().is_empty() { Path::new("/") } else { path };
        self.open_with(path, flags, mode, ResolveFlags::empty())
    }

    /// Opens a path that must not have a single link in it: what is checked by its name is then what is opened.
    pub fn resolve_without_links(&self, path: &Path, flags: OFlags) -> rustix::io::Result<OwnedFd> {
        self.open_with(path, flags, Mode::empty(), ResolveFlags::NO_SYMLINKS)
    }

    fn open_with(&self, path: &Path, flags: OFlags, mode: Mode, more: ResolveFlags) -> rustix::io::Result<OwnedFd> {
        let resolve = ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS | more;
        for _ in 0..RACES_MAX {
            match rustix::fs::openat2(&self.0, path, flags | OFlags::CLOEXEC, mode, resolve) {
                // EAGAIN: a rename raced with the walk, which cannot be proven to have stayed inside; try again.
                Err(Errno::AGAIN | Errno::INTR) => {}
                result => return result,
            }
        }
        Err(Errno::AGAIN)
    }

    /// Reads a regular file of at most `bytes_max` bytes. None if there is none, or if it is no regular file.
    pub fn read(&self, path: &Path, bytes_max: usize) -> Result<Option<Vec<u8>>> {
        let file = match self.resolve(path, OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY) {
            Ok(file) => file,
            Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP | Errno::NXIO | Errno::ISDIR) => return Ok(None),
            Err(errno) => return Err(errno).with_context(|| format!("open {} in the container", path.display())),
        };
        if !is_kind(&file, FileType::RegularFile)? {
            return Ok(None);
        }
        read_all(std::fs::File::from(file), bytes_max)
            .with_context(|| format!("read {} in the container", path.display()))
            .map(Some)
    }

    /// Opens a directory, creating it and its parents within the root where they are missing. A link that leads nowhere
    /// is followed like any other: the directory is created where it points, within the root.
    pub fn make_dir_all(&self, path: &Path, mode: u32) -> Result<OwnedFd> {
        let flags = OFlags::PATH | OFlags::DIRECTORY;
        let (mut wanted, mut links) = (path.to_owned(), 0);
        // Each round creates the first missing component of the path, links within the root followed.
        for _ in 0..PATH_COMPONENTS_MAX {
            match self.resolve(&wanted, flags) {
                Ok(dir) => return Ok(dir),
                Err(Errno::NOENT) => {
                    if let Some(detour) = self.make_first_missing(&wanted, mode)? {
                        (wanted, links) = (detour, links + 1);
                    }
                }
                Err(errno) => {
                    return Err(errno).with_context(|| format!("open directory {} in the container", path.display()));
                }
            }
            if links > LINKS_MAX {
                return Err(Errno::LOOP)
                    .with_context(|| format!("create directory {} in the container", path.display()));
            }
        }
        bail!("create directory {} in the container: too many components", path.display())
    }

    /// Creates one directory. If a link that leads nowhere is in its place, the path that it makes of `path` instead.
    fn make_first_missing(&self, path: &Path, mode: u32) -> Result<Option<PathBuf>> {
        let mut parent = self.resolve(Path::new("/"), OFlags::PATH | OFlags::DIRECTORY)?;
        let mut walked = PathBuf::from("/");
        let mut components = path.components();
        while let Some(component) = components.next() {
            let name = match component {
                std::path::Component::Normal(name) => name,
                std::path::Component::ParentDir => std::ffi::OsStr::new(".."),
                _ => continue,
            };
            let next = walked.join(name);
            match self.resolve(&next, OFlags::PATH | OFlags::DIRECTORY) {
                Ok(dir) => (parent, walked) = (dir, next),
                Err(Errno::NOENT) => {
                    return match rustix::fs::mkdirat(&parent, name, Mode::from_raw_mode(mode)) {
                        Ok(()) => Ok(None),
                        // Someone was faster, or a link that leads nowhere is in the way.
                        Err(Errno::EXIST) => {
                            Ok(link_target(&parent, name)
                                .map(|target| walked.join(target).join(components.as_path())))
                        }
                        Err(errno) => Err(errno)
                            .with_context(|| format!("create directory {} in the container", next.display())),
                    };
                }
                Err(errno) => {
                    return Err(errno).with_context(|| format!("open directory {} in the container", next.display()));
                }
            }
        }
        Ok(None)
    }

    /// Opens a file to mount over, creating an empty one, and its parents, where it is missing; links that lead nowhere
    /// are followed within the root.
    pub fn make_file(&self, path: &Path, mode: u32) -> Result<OwnedFd> {
        let mut wanted = path.to_owned();
        for _ in 0..=LINKS_MAX {
            match self.resolve(&wanted, OFlags::PATH) {
                Ok(file) => return Ok(file),
                Err(Errno::NOENT) => {}
                Err(errno) => return Err(errno).with_context(|| format!("open {} in the container", path.display())),
            }
            let name = wanted.file_name().with_context(|| format!("{} names no file", wanted.display()))?;
            let above = wanted.parent().unwrap_or(Path::new("/"));
            let parent = self.make_dir_all(above, 0o755)?;
            let flags = OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::WRONLY | OFlags::CLOEXEC;
            match rustix::fs::openat(&parent, name, flags, Mode::from_raw_mode(mode)) {
                Ok(_) => {}
                Err(Errno::EXIST) => {
                    if let Some(target) = link_target(&parent, name) {
                        wanted = above.join(target);
                    }
                }
                Err(errno) => {
                    return Err(errno).with_context(|| format!("create {} in the container", path.display()));
                }
            }
        }
        Err(Errno::LOOP).with_context(|| format!("create {} in the container", path.display()))
    }
}

/// Where a link points; None if there is none of this name.
fn link_target(dir: &OwnedFd, name: &std::ffi::OsStr) -> Option<PathBuf> {
    use std::os::unix::ffi::OsStringExt;
    let target = rustix::fs::readlinkat(dir, name, Vec::new()).ok()?;
    Some(std::ffi::OsString::from_vec(target.into_bytes()).into())
}

impl AsFd for Root {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// The most components of a path that is created within a root: PATH_MAX / 2.
const PATH_COMPONENTS_MAX: usize = 2048;
/// The most links that lead nowhere on the way to something that is created: as many as the kernel follows, path_resolution(7).
const LINKS_MAX: usize = 40;
/// How often a walk is begun anew because of renames. Who renames without a pause gets no path of ours at all.
const RACES_MAX: usize = 100_000;

/// Whether an open descriptor refers to a file of this kind.
pub fn is_kind(fd: impl AsFd, kind: FileType) -> Result<bool> {
    let status = rustix::fs::fstat(fd).context("fstat")?;
    Ok(FileType::from_raw_mode(status.st_mode) == kind)
}

/// Removes `name` and all below it. Nothing is followed, no other file system is entered, and the depth is bounded by
/// the disk alone, not by the stack. Nothing there is no error.
pub fn remove_tree(dir: BorrowedFd<'_>, name: &str) -> Result<()> {
    remove_tree_named(dir, &std::ffi::CString::new(name)?)
}

/// The same for a name that need not be text.
pub fn remove_tree_named(dir: BorrowedFd<'_>, name: &std::ffi::CStr) -> Result<()> {
    remove_tree_inner(dir, name).with_context(|| format!("remove {}", name.to_string_lossy()))
}

fn remove_tree_inner(dir: BorrowedFd<'_>, name: &std::ffi::CStr) -> Result<()> {
    match rustix::fs::unlinkat(dir, name, AtFlags::empty()) {
        Ok(()) | Err(Errno::NOENT) => return Ok(()),
        Err(Errno::ISDIR | Errno::PERM) => {}
        Err(errno) => return Err(errno.into()),
    }
    let Some(top) = open_for_removal(dir, name)? else { return Ok(()) };
    let device = rustix::fs::fstat(&top)?.st_dev;
    // A stack of open directories would run out of descriptors in a deep tree, so children of a directory are moved up
    // into the top one before they are emptied: the depth never exceeds two.
    let mut moved = 0u64;
    loop {
        let mut again = false;
        for entry in rustix::fs::Dir::read_from(&top)? {
            let entry = entry?;
            let entry_name = entry.file_name();
            if entry_name == c"." || entry_name == c".." {
                continue;
            }
            match rustix::fs::unlinkat(&top, entry_name, AtFlags::empty()) {
                Ok(()) | Err(Errno::NOENT) => continue,
                Err(Errno::ISDIR | Errno::PERM) => {}
                Err(errno) => return Err(errno).with_context(|| format!("unlink {entry_name:?}")),
            }
            again |= empty_dir(&top, entry_name, device, &mut moved)?;
        }
        if !again {
            break;
        }
    }
    match rustix::fs::unlinkat(dir, name, AtFlags::REMOVEDIR) {
        Ok(()) | Err(Errno::NOENT) => Ok(()),
        Err(errno) => Err(errno).context("rmdir"),
    }
}

/// Empties and removes a directory in `top`, moving its sub-directories up into `top`. True if some were moved.
fn empty_dir(top: &OwnedFd, name: &std::ffi::CStr, device: u64, moved: &mut u64) -> Result<bool> {
    let mut any_moved = false;
    if let Some(child) = open_for_removal(top.as_fd(), name)? {
        if rustix::fs::fstat(&child)?.st_dev != device {
            bail!("{name:?} is on another file system");
        }
        for entry in rustix::fs::Dir::read_from(&child)? {
            let entry = entry?;
            let entry_name = entry.file_name();
            if entry_name == c"." || entry_name == c".." {
                continue;
            }
            match rustix::fs::unlinkat(&child, entry_name, AtFlags::empty()) {
                Ok(()) | Err(Errno::NOENT) => continue,
                Err(Errno::ISDIR | Errno::PERM) => {}
                Err(errno) => return Err(errno).with_context(|| format!("unlink {entry_name:?}")),
            }
            // An empty directory goes at once; most are leaves after their files are gone, but not this one's.
            if rustix::fs::unlinkat(&child, entry_name, AtFlags::REMOVEDIR).is_ok() {
                continue;
            }
            // Renaming a directory rewrites its `..`, for which the owner needs write permission on it.
            drop(open_for_removal(child.as_fd(), entry_name)?);
            loop {
                *moved += 1;
                let new_name = format!(".coracle-removing-{moved}");
                match rustix::fs::renameat(&child, entry_name, top, &new_name) {
                    // A removal that was killed has left one of this name, or somebody has made it.
                    Err(Errno::EXIST | Errno::NOTEMPTY | Errno::NOTDIR) => {}
                    other => break other.with_context(|| format!("rename {entry_name:?}"))?,
                }
            }
            any_moved = true;
        }
    }
    match rustix::fs::unlinkat(top, name, AtFlags::REMOVEDIR) {
        Ok(()) | Err(Errno::NOENT) => Ok(any_moved),
        Err(errno) => Err(errno).with_context(|| format!("rmdir {name:?}")),
    }
}

/// Opens a directory that is about to be emptied, giving its owner the right to if need be. None if it has gone.
fn open_for_removal(dir: BorrowedFd<'_>, name: &std::ffi::CStr) -> Result<Option<OwnedFd>> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let owners = Mode::from_raw_mode(0o700);
    match rustix::fs::openat(dir, name, flags, Mode::empty()) {
        Ok(fd) => {
            if rustix::fs::fstat(&fd)?.st_mode & 0o700 != 0o700 {
                rustix::fs::fchmod(&fd, owners).with_context(|| format!("chmod {name:?}"))?;
            }
            return Ok(Some(fd));
        }
        Err(Errno::NOENT) => return Ok(None),
        Err(Errno::ACCESS) => {}
        Err(errno) => return Err(errno).with_context(|| format!("open {name:?}")),
    }
    // Not even readable: it is given its bits through a descriptor that reads nothing.
    use std::os::fd::AsRawFd;
    let path_fd = match rustix::fs::openat(dir, name, flags | OFlags::PATH, Mode::empty()) {
        Ok(fd) => fd,
        Err(Errno::NOENT) => return Ok(None),
        Err(errno) => return Err(errno).with_context(|| format!("open {name:?}")),
    };
    // An O_PATH descriptor has no fchmod before Linux 6.6, but its name in /proc does.
    let own = format!("/proc/self/fd/{}", path_fd.as_raw_fd());
    rustix::fs::chmodat(CWD, &own, owners, AtFlags::empty()).with_context(|| format!("chmod {name:?}"))?;
    let fd = rustix::fs::openat(&path_fd, c".", flags - OFlags::NOFOLLOW, Mode::empty())
        .with_context(|| format!("open {name:?}"))?;
    Ok(Some(fd))
}

#[cfg(test)]
mod tests;

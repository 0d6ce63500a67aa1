//! Locks that the kernel takes back from whoever dies.

use super::read;
use anyhow::{Context, Result, bail};
use nix::fcntl::{FcntlArg, fcntl};
use rustix::fs::{CWD, FlockOperation, Mode, OFlags};
use rustix::io::Errno;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;
use std::time::{Duration, Instant};

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

    /// Takes a lock on a directory, where there is no file to be locked that is not replaced.
    pub fn take_dir(path: &Path, hold: Hold, timeout: Duration) -> Result<Self> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let dir = rustix::fs::openat(CWD, path, flags, Mode::empty());
        let dir = dir.with_context(|| format!("open directory {}", path.display()))?;
        Self::hold(&dir, hold, timeout).with_context(|| format!("lock {}", path.display()))?;
        Ok(Self(dir))
    }

    /// Takes a shared lock through a descriptor that is open anyway; it lasts as long as that.
    pub fn share(file: &OwnedFd, timeout: Duration) -> Result<()> {
        Self::hold(file, Hold::Shared, timeout)
    }

    fn hold(file: &OwnedFd, hold: Hold, timeout: Duration) -> Result<()> {
        match Self::wait(file, hold, timeout)? {
            true => Ok(()),
            false => bail!("still held by {} after {} s", Self::holder(file), timeout.as_secs()),
        }
    }

    /// Takes a lock through an open descriptor. False if it is still held by another after this time.
    pub(super) fn wait(file: &OwnedFd, hold: Hold, timeout: Duration) -> Result<bool> {
        let deadline = Instant::now() + timeout;
        let mut pause = Duration::from_micros(200);
        while !Self::try_hold(file, hold)? {
            if Instant::now() > deadline {
                return Ok(false);
            }
            std::thread::sleep(pause);
            pause = (pause * 2).min(Duration::from_millis(10));
        }
        Ok(true)
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
    held_at(CWD, path)
}

/// The same, by a path from a directory.
pub fn held_at(dir: BorrowedFd<'_>, path: &Path) -> Result<Option<Held>> {
    let file = match rustix::fs::openat(dir, path, OFlags::RDWR | OFlags::CLOEXEC, Mode::empty()) {
        Ok(file) => file,
        Err(Errno::NOENT) => return Ok(None),
        Err(errno) => return Err(errno).with_context(|| format!("open {}", path.display())),
    };
    let mut lock = lock_from(libc::F_WRLCK, 0);
    fcntl(&file, FcntlArg::F_OFD_GETLK(&mut lock)).context("fcntl F_OFD_GETLK")?;
    let is_held = lock.l_type != libc::F_UNLCK as i16;
    Ok(is_held.then_some(if lock.l_len == 1 { Held::Paused } else { Held::Alive }))
}

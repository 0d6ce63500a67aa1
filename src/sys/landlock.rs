//! landlock(7): rights on files that a process gives up for good.

use anyhow::{Context, Result};
use rustix::io::Errno;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

/// `LANDLOCK_CREATE_RULESET_VERSION`.
const ASK_VERSION: u32 = 1;
/// `LANDLOCK_RULE_PATH_BENEATH`.
const PATH_BENEATH: u32 = 1;

/// `LANDLOCK_ACCESS_FS_*`; `IOCTL_DEV` is of version 5.
const EXECUTE: u64 = 1;
const WRITE_FILE: u64 = 1 << 1;
const READ_FILE: u64 = 1 << 2;
const IOCTL_DEVICE: u64 = 1 << 15;
/// `LANDLOCK_ACCESS_NET_*` of version 4.
const BIND_TCP: u64 = 1;
const CONNECT_TCP: u64 = 1 << 1;
/// `LANDLOCK_SCOPE_*` of version 6: abstract sockets, and signals.
const ABSTRACT_SOCKETS: u64 = 1;
const SIGNALS: u64 = 1 << 1;
/// The first version in which files can be renamed from one directory to another.
const VERSION_MIN: i64 = 2;

/// `struct landlock_ruleset_attr`. A kernel of an older version takes the beginning of it.
#[repr(C)]
struct Ruleset {
    files: u64,
    network: u64,
    scoped: u64,
}

/// `struct landlock_path_beneath_attr`.
#[repr(C, packed)]
struct Beneath {
    allowed: u64,
    parent: i32,
}

/// From now on this thread, and what it starts, does nothing to files but to those beneath these directories, of which it
/// executes none; it has no part in TCP connections, and reaches no abstract socket and no process but its own. What was
/// opened before stays as it is. Needs no_new_privs or CAP_SYS_ADMIN in the user namespace.
///
/// False where the kernel has no Landlock or one that forbids renaming (before Linux 5.19).
pub fn restrict_to(directories: &[BorrowedFd<'_>]) -> Result<bool> {
    let rules: Vec<_> = directories.iter().map(|directory| (*directory, !EXECUTE & !IOCTL_DEVICE)).collect();
    restrict(&rules, BIND_TCP | CONNECT_TCP, ABSTRACT_SOCKETS | SIGNALS)
}

/// As [`restrict_to`] without any directory, but TCP connections stay.
pub fn restrict_files() -> Result<bool> {
    restrict(&[], 0, ABSTRACT_SOCKETS | SIGNALS)
}

/// As [`restrict_files`], but some files may be read, and some written too: these, or those beneath these. Signals are not
/// restricted: the kernel takes one that comes with the end of a parent for the parent's.
pub fn restrict_files_to(readable: &[BorrowedFd<'_>], writable: &[BorrowedFd<'_>]) -> Result<bool> {
    let readable = readable.iter().map(|file| (*file, READ_FILE));
    let rules: Vec<_> = readable.chain(writable.iter().map(|file| (*file, READ_FILE | WRITE_FILE))).collect();
    restrict(&rules, 0, ABSTRACT_SOCKETS)
}

fn restrict(rules: &[(BorrowedFd<'_>, u64)], network: u64, scoped: u64) -> Result<bool> {
    // SAFETY: with this flag the kernel takes no memory, and gives a number.
    let version = unsafe { libc::syscall(libc::SYS_landlock_create_ruleset, std::ptr::null::<u8>(), 0, ASK_VERSION) };
    if version < VERSION_MIN {
        return Ok(false);
    }
    let (bits, size) = match version {
        2 => (14, 8),
        3 => (15, 8),
        4 => (15, 16),
        5 => (16, 16),
        _ => (16, 24),
    };
    let all = Ruleset { files: (1 << bits) - 1, network, scoped };
    // SAFETY: the kernel reads `size` bytes of `all`, which are not more than it has.
    let ruleset = unsafe { libc::syscall(libc::SYS_landlock_create_ruleset, std::ptr::from_ref(&all), size, 0) };
    let ruleset = descriptor(ruleset).context("landlock_create_ruleset")?;
    for (file, allowed) in rules {
        let rule = Beneath { allowed: all.files & allowed, parent: file.as_raw_fd() };
        let (fd, rule) = (ruleset.as_raw_fd(), std::ptr::from_ref(&rule));
        // SAFETY: the kernel reads one rule of this kind, and the descriptor in it is open.
        check(unsafe { libc::syscall(libc::SYS_landlock_add_rule, fd, PATH_BENEATH, rule, 0) })
            .context("landlock_add_rule")?;
    }
    // SAFETY: it takes numbers alone.
    check(unsafe { libc::syscall(libc::SYS_landlock_restrict_self, ruleset.as_fd().as_raw_fd(), 0) })
        .context("landlock_restrict_self")?;
    Ok(true)
}

fn check(result: i64) -> Result<i64, Errno> {
    match result {
        0.. => Ok(result),
        _ => Err(Errno::from_io_error(&std::io::Error::last_os_error()).unwrap_or(Errno::IO)),
    }
}

fn descriptor(result: i64) -> Result<OwnedFd, Errno> {
    let number = check(result)?;
    // SAFETY: the call gave a new descriptor, close-on-exec, that nobody else knows of.
    Ok(unsafe { OwnedFd::from_raw_fd(number as i32) })
}

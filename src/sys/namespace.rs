//! namespaces(7), setns(2), unshare(2).

use anyhow::{Context, Result};
use nix::sched::CloneFlags;
use rustix::fs::{CWD, Mode, OFlags};
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};
use std::path::PathBuf;

/// A set of namespaces, as clone(2) flags.
pub type Namespaces = CloneFlags;

/// Moves this process into new namespaces.
pub fn unshare(flags: Namespaces) -> Result<()> {
    nix::sched::unshare(flags).with_context(|| format!("unshare {flags:?}"))
}

/// Moves this process into namespaces: an nsfs descriptor (one flag), or a pidfd (Linux 5.8, many flags at once).
pub fn enter(fd: BorrowedFd<'_>, flags: Namespaces) -> Result<()> {
    nix::sched::setns(fd, flags).with_context(|| format!("setns {flags:?}"))
}

/// A namespace of a process, by its name under `/proc/PID/ns`; `self` and `thread-self` are processes too.
pub fn open(process: &str, name: &str) -> Result<OwnedFd> {
    let path = format!("/proc/{process}/ns/{name}");
    rustix::fs::openat(CWD, &path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())
        .with_context(|| format!("open {path}"))
}

/// The inode number by which a namespace is known.
pub fn inode(fd: BorrowedFd<'_>) -> Result<u64> {
    Ok(rustix::fs::fstat(fd).context("fstat namespace")?.st_ino)
}

/// Where this process and its children can open a descriptor of this process's anew, for as long as it is open.
pub fn path(fd: &OwnedFd) -> PathBuf {
    format!("/proc/self/fd/{}", fd.as_raw_fd()).into()
}

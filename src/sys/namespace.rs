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

/// Does something in another network namespace, in a thread of its own: who leaves a namespace of the host's cannot come
/// back to it.
pub fn within<T: Send>(namespace: BorrowedFd<'_>, work: impl FnOnce() -> Result<T> + Send) -> Result<T> {
    in_thread(|| {
        enter(namespace, Namespaces::CLONE_NEWNET)?;
        work()
    })
}

/// Makes a network namespace that belongs to this process's user namespace, and does something in it.
pub fn make_network<T: Send>(work: impl FnOnce() -> Result<T> + Send) -> Result<(OwnedFd, T)> {
    in_thread(|| {
        unshare(Namespaces::CLONE_NEWNET)?;
        Ok((open("thread-self", "net")?, work()?))
    })
}

fn in_thread<T: Send>(work: impl FnOnce() -> Result<T> + Send) -> Result<T> {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(STACK_BYTES).spawn_scoped(scope, work);
        thread.context("start a thread")?.join().unwrap_or_else(|_| Err(anyhow::anyhow!("a thread has panicked")))
    })
}

/// For work that asks the kernel for things and does not recurse.
const STACK_BYTES: usize = 128 << 10;

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

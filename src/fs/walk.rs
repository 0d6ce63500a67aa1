//! Walking a tree that others control, and may be changing meanwhile: no link is followed, and the depth is bounded by
//! neither the stack nor the number of descriptors.

use anyhow::{Context, Result};
use rustix::fs::{AtFlags, Dir, FileType, Gid, Mode, OFlags, Stat, Uid};
use rustix::io::Errno;
use std::ffi::{CStr, CString};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

/// One step of a walk.
pub enum Step<'a> {
    /// Something in `dir` that is no directory.
    Leaf { dir: BorrowedFd<'a>, name: &'a CStr, status: &'a Stat },
    /// A directory, before what is in it.
    Enter { opened: BorrowedFd<'a>, name: &'a CStr, status: &'a Stat },
    /// The end of the directory that was entered last.
    Leave,
}

/// How many directories on the way down are held open; those above are opened again by their `..` on the way back.
const OPEN_MAX: usize = 64;

/// A directory on the way down.
struct Level {
    fd: Option<OwnedFd>,
    identity: (u64, u64),
    /// Its directories that have not been entered yet.
    directories: Vec<CString>,
}

/// Walks all that is below `top`, a directory; `top` itself is no step. What goes away meanwhile is passed over.
pub fn walk(top: BorrowedFd<'_>, visit: &mut dyn FnMut(Step<'_>) -> Result<()>) -> Result<()> {
    let mut levels = vec![Level::read(reopen(top, c".")?, visit)?];
    while let Some(level) = levels.last_mut() {
        let Some(name) = level.directories.pop() else {
            let ended = levels.pop().and_then(|level| level.fd);
            let Some(parent) = levels.last_mut() else { break };
            if parent.fd.is_none() {
                parent.open_again(&ended.context("the lowest directory is open")?)?;
            }
            visit(Step::Leave)?;
            continue;
        };
        let fd = level.fd.as_ref().context("the lowest directory is open")?;
        let child = match reopen(fd.as_fd(), &name) {
            Ok(child) => child,
            // It has gone, or something else has taken its place.
            Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => continue,
            Err(errno) => return Err(errno).with_context(|| format!("open {name:?}")),
        };
        let status = rustix::fs::fstat(&child).context("fstat")?;
        visit(Step::Enter { opened: child.as_fd(), name: &name, status: &status })?;
        levels.push(Level::read(child, visit)?);
        if let Some(above) = levels.len().checked_sub(OPEN_MAX) {
            levels[above].fd = None;
        }
    }
    Ok(())
}

fn reopen(dir: BorrowedFd<'_>, name: &CStr) -> rustix::io::Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    rustix::fs::openat(dir, name, flags, Mode::empty())
}

fn identity(status: &Stat) -> (u64, u64) {
    (status.st_dev, status.st_ino)
}

impl Level {
    /// Visits what is in a directory, and notes the directories in it.
    fn read(fd: OwnedFd, visit: &mut dyn FnMut(Step<'_>) -> Result<()>) -> Result<Self> {
        let identity = identity(&rustix::fs::fstat(&fd).context("fstat")?);
        let mut directories = Vec::new();
        for entry in Dir::read_from(&fd).context("read a directory")? {
            let entry = entry.context("read a directory")?;
            let name = entry.file_name();
            if name == c"." || name == c".." {
                continue;
            }
            let status = match rustix::fs::statat(&fd, name, AtFlags::SYMLINK_NOFOLLOW) {
                Ok(status) => status,
                Err(Errno::NOENT) => continue,
                Err(errno) => return Err(errno).with_context(|| format!("stat {name:?}")),
            };
            match FileType::from_raw_mode(status.st_mode) {
                FileType::Directory => directories.push(name.to_owned()),
                _ => visit(Step::Leaf { dir: fd.as_fd(), name, status: &status })?,
            }
        }
        Ok(Self { fd: Some(fd), identity, directories })
    }

    /// Comes back from one of its directories, if that is still where it was.
    fn open_again(&mut self, child: &OwnedFd) -> Result<()> {
        let parent = reopen(child.as_fd(), c"..").context("open ..")?;
        if identity(&rustix::fs::fstat(&parent).context("fstat")?) != self.identity {
            return Err(crate::error::Kind::Denied.error("the directories are being moved while they are walked"));
        }
        self.fd = Some(parent);
        Ok(())
    }
}

/// Gives all of a tree, and `top` itself, to a user and group. Links are changed themselves, never what they lead to.
pub fn change_owner(top: BorrowedFd<'_>, uid: u32, gid: u32) -> Result<()> {
    let (owner, group) = (Some(Uid::from_raw(uid)), Some(Gid::from_raw(gid)));
    let differs = |status: &Stat| (status.st_uid, status.st_gid) != (uid, gid);
    let set = |fd: BorrowedFd<'_>| rustix::fs::fchown(fd, owner, group).context("chown a directory");
    let top = reopen(top, c".").context("open the directory")?;
    if differs(&rustix::fs::fstat(&top).context("fstat")?) {
        set(top.as_fd())?;
    }
    walk(top.as_fd(), &mut |step| match step {
        Step::Leaf { dir, name, status } if differs(status) => {
            match rustix::fs::chownat(dir, name, owner, group, AtFlags::SYMLINK_NOFOLLOW) {
                Ok(()) | Err(Errno::NOENT) => Ok(()),
                Err(errno) => Err(errno).with_context(|| format!("chown {name:?}")),
            }
        }
        Step::Enter { opened, status, .. } if differs(status) => set(opened),
        Step::Leaf { .. } | Step::Enter { .. } | Step::Leave => Ok(()),
    })
}

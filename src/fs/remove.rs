//! Removing trees whatever is in them.

use anyhow::{Context, Result, bail};
use rustix::fs::{AtFlags, CWD, Mode, OFlags};
use rustix::io::Errno;
use std::ffi::{CStr, CString};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

/// Removes `name` and all below it. Nothing is followed, no other file system is entered, and the depth is bounded by
/// the disk alone, not by the stack. Nothing there is no error.
pub fn remove_tree(dir: BorrowedFd<'_>, name: &str) -> Result<()> {
    remove_tree_named(dir, &CString::new(name)?)
}

/// The same for a name that need not be text.
pub fn remove_tree_named(dir: BorrowedFd<'_>, name: &CStr) -> Result<()> {
    remove_tree_inner(dir, name).with_context(|| format!("remove {}", name.to_string_lossy()))
}

fn remove_tree_inner(dir: BorrowedFd<'_>, name: &CStr) -> Result<()> {
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
        unlink_all(&top, |name| {
            again |= empty_dir(&top, name, device, &mut moved)?;
            Ok(())
        })?;
        if !again {
            break;
        }
    }
    match rustix::fs::unlinkat(dir, name, AtFlags::REMOVEDIR) {
        Ok(()) | Err(Errno::NOENT) => Ok(()),
        Err(errno) => Err(errno).context("rmdir"),
    }
}

/// How much of a directory is read at a time.
const NAMES_BYTES: usize = 8 << 10;

/// Unlinks all that is in a directory, and hands on the names of what is a directory itself.
fn unlink_all(dir: &OwnedFd, mut directory: impl FnMut(&CStr) -> Result<()>) -> Result<()> {
    // It is read anew, from its beginning.
    rustix::fs::seek(dir, rustix::fs::SeekFrom::Start(0))?;
    let mut buffer = [MaybeUninit::uninit(); NAMES_BYTES];
    let mut entries = rustix::fs::RawDir::new(dir, &mut buffer);
    while let Some(entry) = entries.next() {
        let entry = entry?;
        let name = entry.file_name();
        if name == c"." || name == c".." {
            continue;
        }
        match rustix::fs::unlinkat(dir, name, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => {}
            Err(Errno::ISDIR | Errno::PERM) => directory(name)?,
            Err(errno) => return Err(errno).with_context(|| format!("unlink {name:?}")),
        }
    }
    Ok(())
}

/// Empties and removes a directory in `top`, moving its sub-directories up into `top`. True if some were moved.
fn empty_dir(top: &OwnedFd, name: &CStr, device: u64, moved: &mut u64) -> Result<bool> {
    let mut any_moved = false;
    if rustix::fs::unlinkat(top, name, AtFlags::REMOVEDIR).is_ok() {
        return Ok(false);
    }
    if let Some(child) = open_for_removal(top.as_fd(), name)? {
        if rustix::fs::fstat(&child)?.st_dev != device {
            bail!("{name:?} is on another file system");
        }
        unlink_all(&child, |entry_name| {
            // An empty directory goes at once; most are leaves after their files are gone, but not this one's.
            if rustix::fs::unlinkat(&child, entry_name, AtFlags::REMOVEDIR).is_ok() {
                return Ok(());
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
            Ok(())
        })?;
    }
    match rustix::fs::unlinkat(top, name, AtFlags::REMOVEDIR) {
        Ok(()) | Err(Errno::NOENT) => Ok(any_moved),
        Err(errno) => Err(errno).with_context(|| format!("rmdir {name:?}")),
    }
}

/// Opens a directory that is about to be emptied, giving its owner the right to if need be. None if it has gone.
fn open_for_removal(dir: BorrowedFd<'_>, name: &CStr) -> Result<Option<OwnedFd>> {
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

//! Copies a tree with all that belongs to its files: owners, modes, times, attributes, hard links and holes.

use super::walk::{Step, walk};
use anyhow::{Context, Result};
use rustix::fs::{AtFlags, FileType, Gid, Mode, OFlags, SeekFrom, Stat, Timespec, Timestamps, Uid, XattrFlags};
use rustix::io::Errno;
use std::collections::HashMap;
use std::ffi::{CStr, OsStr};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

/// The longest list or value of extended attributes: xattr(7).
const XATTR_BYTES_MAX: usize = 64 << 10;

/// How much is copied by one call.
const PIECE_BYTES: usize = 1 << 30;

/// Copies all that is in the directory `from`, which nobody changes meanwhile, into the empty directory `into`, which
/// nobody else can reach. Device nodes are left out.
pub fn copy_contents(from: BorrowedFd<'_>, into: BorrowedFd<'_>) -> Result<()> {
    let directory = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let open = || rustix::fs::openat(into, c".", directory, Mode::empty()).context("open the copy");
    let (top, current) = (open()?, open()?);
    let mut copy = Copy { top, current, path: PathBuf::new(), above: Vec::new(), links: HashMap::new() };
    walk(from, &mut |step| copy.take(step))
}

/// Gives a copy the owner, attributes, mode and times of its original.
pub fn copy_status(from: BorrowedFd<'_>, copy: BorrowedFd<'_>, status: &Stat) -> Result<()> {
    copy_owner(copy, status)?;
    copy_attributes(from, copy)?;
    rustix::fs::fchmod(copy, Mode::from_raw_mode(status.st_mode & 0o7777)).context("set mode")?;
    rustix::fs::futimens(copy, &times(status)).context("set time")
}

/// A copy in the making.
struct Copy {
    top: OwnedFd,
    /// The directory that is being filled, and its path from the top.
    current: OwnedFd,
    path: PathBuf,
    /// The originals of the directories from the top to here. Their times are set on leaving: every entry changes them.
    above: Vec<Stat>,
    /// Where the first name of a file with several lies.
    links: HashMap<(u64, u64), PathBuf>,
}

impl Copy {
    fn take(&mut self, step: Step<'_>) -> Result<()> {
        match step {
            Step::Leaf { dir, name, status } => {
                self.leaf(dir, name, status).with_context(|| format!("copy {}", self.shown(name)))
            }
            Step::Enter { opened, name, status } => {
                self.enter(opened, name, status).with_context(|| format!("copy directory {}", self.shown(name)))
            }
            Step::Leave => self.leave(),
        }
    }

    fn enter(&mut self, original: BorrowedFd<'_>, name: &CStr, status: &Stat) -> Result<()> {
        rustix::fs::mkdirat(&self.current, name, Mode::RWXU)?;
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        self.current = rustix::fs::openat(&self.current, name, flags, Mode::empty())?;
        copy_status(original, self.current.as_fd(), status)?;
        self.path.push(OsStr::from_bytes(name.to_bytes()));
        self.above.push(*status);
        Ok(())
    }

    fn leave(&mut self) -> Result<()> {
        let Some(status) = self.above.pop() else { return Ok(()) };
        rustix::fs::futimens(&self.current, &times(&status)).context("set time")?;
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        self.current = rustix::fs::openat(&self.current, c"..", flags, Mode::empty()).context("open ..")?;
        self.path.pop();
        Ok(())
    }

    fn leaf(&mut self, dir: BorrowedFd<'_>, name: &CStr, status: &Stat) -> Result<()> {
        if status.st_nlink > 1 {
            let identity = (status.st_dev, status.st_ino);
            if let Some(first) = self.links.get(&identity) {
                rustix::fs::linkat(&self.top, first, &self.current, name, AtFlags::empty())?;
                return Ok(());
            }
            self.links.insert(identity, self.path.join(OsStr::from_bytes(name.to_bytes())));
        }
        match FileType::from_raw_mode(status.st_mode) {
            FileType::RegularFile => self.file(dir, name, status),
            FileType::Symlink => {
                let target = rustix::fs::readlinkat(dir, name, Vec::new())?;
                rustix::fs::symlinkat(target.as_c_str(), &self.current, name)?;
                self.finish_by_name(name, status)
            }
            kind @ (FileType::Fifo | FileType::Socket) => {
                let mode = Mode::from_raw_mode(status.st_mode & 0o7777);
                rustix::fs::mknodat(&self.current, name, kind, mode, 0)?;
                rustix::fs::chmodat(&self.current, name, mode, AtFlags::empty())?;
                self.finish_by_name(name, status)
            }
            FileType::Directory | FileType::CharacterDevice | FileType::BlockDevice | FileType::Unknown => Ok(()),
        }
    }

    fn file(&self, dir: BorrowedFd<'_>, name: &CStr, status: &Stat) -> Result<()> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        let original = rustix::fs::openat(dir, name, flags, Mode::empty())?;
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let copy = rustix::fs::openat(&self.current, name, flags, Mode::from_raw_mode(0o600))?;
        copy_data(original.as_fd(), copy.as_fd(), status.st_size as u64)?;
        copy_status(original.as_fd(), copy.as_fd(), status)
    }

    /// For what cannot be opened for writing; nobody else can reach the copy.
    fn finish_by_name(&self, name: &CStr, status: &Stat) -> Result<()> {
        let is = rustix::fs::statat(&self.current, name, AtFlags::SYMLINK_NOFOLLOW)?;
        if (is.st_uid, is.st_gid) != (status.st_uid, status.st_gid) {
            let (uid, gid) = (Uid::from_raw(status.st_uid), Gid::from_raw(status.st_gid));
            rustix::fs::chownat(&self.current, name, Some(uid), Some(gid), AtFlags::SYMLINK_NOFOLLOW)
                .context("set owner")?;
        }
        rustix::fs::utimensat(&self.current, name, &times(status), AtFlags::SYMLINK_NOFOLLOW).context("set time")
    }

    fn shown(&self, name: &CStr) -> String {
        self.path.join(OsStr::from_bytes(name.to_bytes())).display().to_string()
    }
}

/// Where one id is mapped, all files are the caller's own, and stay so.
fn copy_owner(copy: BorrowedFd<'_>, status: &Stat) -> Result<()> {
    let is = rustix::fs::fstat(copy).context("fstat")?;
    if (is.st_uid, is.st_gid) != (status.st_uid, status.st_gid) {
        let (uid, gid) = (Uid::from_raw(status.st_uid), Gid::from_raw(status.st_gid));
        rustix::fs::fchown(copy, Some(uid), Some(gid)).context("set owner")?;
    }
    Ok(())
}

/// Copies extended attributes but for overlayfs's own, as far as the file system of the copy has them.
fn copy_attributes(from: BorrowedFd<'_>, copy: BorrowedFd<'_>) -> Result<()> {
    let mut names = vec![0; XATTR_BYTES_MAX];
    let length = match rustix::fs::flistxattr(from, &mut names[..]) {
        Ok(length) => length,
        Err(Errno::OPNOTSUPP) => return Ok(()),
        Err(errno) => return Err(errno).context("list attributes"),
    };
    let mut value = vec![0; if length == 0 { 0 } else { XATTR_BYTES_MAX }];
    for name in names[..length].split(|byte| *byte == 0).filter(|name| !name.is_empty()) {
        // The label belongs to the place, not to the file.
        let is_foreign = [&b"user.overlay."[..], b"trusted.", b"security.selinux"];
        if is_foreign.iter().any(|prefix| name.starts_with(prefix)) {
            continue;
        }
        let length = match rustix::fs::fgetxattr(from, name, &mut value[..]) {
            Ok(length) => length,
            Err(Errno::NODATA | Errno::OPNOTSUPP) => continue,
            Err(errno) => return Err(errno).context("read an attribute"),
        };
        match rustix::fs::fsetxattr(copy, name, &value[..length], XattrFlags::empty()) {
            Ok(()) | Err(Errno::OPNOTSUPP) => {}
            Err(errno) => return Err(errno).context("set an attribute"),
        }
    }
    Ok(())
}

fn times(status: &Stat) -> Timestamps {
    Timestamps {
        last_access: Timespec { tv_sec: status.st_atime, tv_nsec: status.st_atime_nsec as _ },
        last_modification: Timespec { tv_sec: status.st_mtime, tv_nsec: status.st_mtime_nsec as _ },
    }
}

/// Copies a file's extents and leaves the holes between them.
fn copy_data(from: BorrowedFd<'_>, into: BorrowedFd<'_>, size: u64) -> Result<()> {
    let mut offset = 0;
    while offset < size {
        let start = match rustix::fs::seek(from, SeekFrom::Data(offset)) {
            Ok(start) => start,
            // Nothing but a hole is left.
            Err(Errno::NXIO) => break,
            Err(errno) => return Err(errno).context("find data"),
        };
        let end = rustix::fs::seek(from, SeekFrom::Hole(start)).context("find a hole")?;
        copy_extent(from, into, start, end)?;
        offset = end;
    }
    rustix::fs::ftruncate(into, size).context("set the size")
}

/// The kernel copies, or shares, where it can; across file systems of two kinds the bytes come through here.
fn copy_extent(from: BorrowedFd<'_>, into: BorrowedFd<'_>, start: u64, end: u64) -> Result<()> {
    let (mut source, mut target) = (start, start);
    while source < end {
        let length = usize::try_from(end - source).unwrap_or(PIECE_BYTES).min(PIECE_BYTES);
        match rustix::fs::copy_file_range(from, Some(&mut source), into, Some(&mut target), length) {
            Ok(0) => return Ok(()),
            Ok(_) | Err(Errno::INTR) => {}
            Err(Errno::XDEV | Errno::INVAL | Errno::OPNOTSUPP | Errno::NOSYS) => break,
            Err(errno) => return Err(errno).context("copy data"),
        }
    }
    let mut buffer = vec![0; if source < end { 128 << 10 } else { 0 }];
    while source < end {
        let wanted = usize::try_from(end - source).unwrap_or(buffer.len()).min(buffer.len());
        let length = rustix::io::pread(from, &mut buffer[..wanted], source).context("read")?;
        if length == 0 {
            return Ok(());
        }
        let mut written = 0;
        while written < length {
            written +=
                rustix::io::pwrite(into, &buffer[written..length], source + written as u64).context("write")?;
        }
        source += length as u64;
    }
    Ok(())
}

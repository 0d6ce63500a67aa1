//! The directory that a layer is unpacked into: objects are made by directory descriptor and name, and get their owner,
//! mode, times and attributes through a descriptor of the very object just made.
//!
//! Parents are resolved by the kernel within the root, so a link of the layer may be walked through but leads nowhere
//! else. Hidden entries take overlayfs's form: a character device 0:0, and `user.overlay.opaque` on a directory.

use super::Ids;
use super::header::Time;
use super::tar::Member;
use crate::error::Kind;
use crate::fs;
use anyhow::{Context, Result, bail};
use rustix::fs::{AtFlags, FileType, Gid, Mode, OFlags, RenameFlags, Timespec, Timestamps, Uid, XattrFlags};
use rustix::io::Errno;
use std::collections::HashMap;
use std::ffi::OsStr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::rc::Rc;

/// How many directories are held open. A tree is archived directory by directory, so few are used at a time.
const OPEN_PARENTS_MAX: usize = 64;

/// The most bytes of directory names that are kept for setting their times at the end.
const DIRECTORY_NAME_BYTES_MAX: usize = 64 << 20;

/// Overlayfs's mark of a directory that hides those of the layers below (mount option `userxattr`).
const OPAQUE: &str = "user.overlay.opaque";

/// A tree that is being made.
pub struct Tree {
    root: fs::Root,
    ids: Ids,
    parents: HashMap<Vec<u8>, Rc<OwnedFd>>,
    /// Directories and their times, which every later entry in them would change.
    directories: Vec<(Vec<u8>, Time)>,
    directory_name_bytes: usize,
    /// Directories made because an entry needed them.
    pub implied: u64,
    replaced: u64,
}

impl Tree {
    pub fn new(root: OwnedFd, ids: Ids) -> Self {
        Self {
            root: fs::Root::new(root),
            ids,
            parents: HashMap::new(),
            directories: Vec::new(),
            directory_name_bytes: 0,
            implied: 0,
            replaced: 0,
        }
    }

    /// Makes a regular file of the member's size, empty but for what `fill` writes.
    pub fn file(&mut self, path: &[u8], member: &Member, fill: impl FnOnce(&OwnedFd) -> Result<()>) -> Result<()> {
        let (parent, name) = self.place(path)?;
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = self.make(&parent, name, |parent, name| {
            rustix::fs::openat(parent, name, flags, Mode::from_raw_mode(0o600))
        })?;
        fill(&file)?;
        self.apply(file.as_fd(), member)
    }

    /// Makes a directory, or gives an existing one this owner, mode and attributes.
    pub fn directory(&mut self, path: &[u8], member: &Member) -> Result<()> {
        let directory = if path.is_empty() {
            self.root.resolve(Path::new("/"), OFlags::RDONLY | OFlags::DIRECTORY).context("open the root")?
        } else {
            let (parent, name) = self.place(path)?;
            match rustix::fs::mkdirat(&parent, name, Mode::RWXU) {
                Ok(()) => open_directory(&parent, name)?,
                Err(Errno::EXIST) => self.directory_over(&parent, name)?,
                Err(errno) => return Err(errno.into()),
            }
        };
        self.apply(directory.as_fd(), member)?;
        self.directory_name_bytes += path.len() + size_of::<(Vec<u8>, Time)>();
        if self.directory_name_bytes > DIRECTORY_NAME_BYTES_MAX {
            return Err(Kind::BadInput.error("the layer has too many directories"));
        }
        self.directories.push((path.to_vec(), member.modified));
        Ok(())
    }

    pub fn symlink(&mut self, path: &[u8], member: &Member) -> Result<()> {
        let (parent, name) = self.place(path)?;
        self.make(&parent, name, |parent, name| rustix::fs::symlinkat(member.link.as_slice(), parent, name))?;
        // A link cannot be opened for writing; its parent is held open and nobody else can reach the tree.
        if let Some((uid, gid)) = self.owner(member) {
            rustix::fs::chownat(&*parent, name, uid, gid, AtFlags::SYMLINK_NOFOLLOW)
                .map_err(|errno| unmapped(errno, member))?;
        }
        rustix::fs::utimensat(&*parent, name, &timestamps(member.modified), AtFlags::SYMLINK_NOFOLLOW)
            .context("set time")
    }

    /// Links to an entry of this layer. Overlay layers are made without those below, so it cannot be one of theirs.
    pub fn hard_link(&mut self, path: &[u8], target: &[u8]) -> Result<()> {
        let shown = super::shown(target);
        let missing = || Kind::BadInput.error(format!("hard link to {shown}, which is not in this layer"));
        let (target_dir, target_name) = split(target);
        let target_parent = match self.parent(target_dir) {
            Ok(parent) => parent,
            Err(Errno::NOENT | Errno::NOTDIR) => return Err(missing()),
            Err(errno) => return Err(errno).with_context(|| format!("open directory of {shown}")),
        };
        let (parent, name) = self.place(path)?;
        let target = status(&target_parent, target_name)?.ok_or_else(missing)?;
        if FileType::from_raw_mode(target.st_mode) == FileType::Directory {
            bail!("hard link to a directory");
        }
        if status(&parent, name)?.is_some_and(|there| there.st_ino == target.st_ino) {
            return Ok(());
        }
        self.make(&parent, name, |parent, name| {
            rustix::fs::linkat(&*target_parent, target_name, parent, name, AtFlags::empty())
        })
    }

    pub fn fifo(&mut self, path: &[u8], member: &Member) -> Result<()> {
        let (parent, name) = self.place(path)?;
        self.make(&parent, name, |parent, name| {
            rustix::fs::mknodat(parent, name, FileType::Fifo, Mode::from_raw_mode(0o600), 0)
        })?;
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let fifo = rustix::fs::openat(&*parent, name, flags, Mode::empty())?;
        self.apply(fifo.as_fd(), member)
    }

    /// Hides `name` of the layers below. An entry of this layer stays; a directory of it shows only its own entries.
    pub fn whiteout(&mut self, directory: &[u8], name: &[u8]) -> Result<()> {
        let parent = self.parent_or_make(directory)?;
        match make_whiteout(&parent, name) {
            Ok(()) => Ok(()),
            Err(Errno::EXIST) => match open_directory(&parent, name) {
                Ok(directory) => set_opaque(&directory),
                // Anything else that stands there hides what is below by itself.
                Err(_) => Ok(()),
            },
            Err(errno) => Err(errno).context("make whiteout"),
        }
    }

    /// Hides all entries that the layers below have in a directory.
    pub fn opaque(&mut self, directory: &[u8]) -> Result<()> {
        let parent = self.parent_or_make(directory)?;
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        set_opaque(&rustix::fs::openat(&*parent, ".", flags, Mode::empty())?)
    }

    /// Sets the times of the directories, which nothing changes any more.
    pub fn finish(mut self) -> Result<()> {
        for (path, modified) in std::mem::take(&mut self.directories) {
            let (directory, name) = split(&path);
            // One that was replaced by something else since has no time to get.
            let Ok(parent) = self.parent(directory) else { continue };
            let name = if path.is_empty() { b"." } else { name };
            if let Ok(directory) = open_directory(&parent, name) {
                rustix::fs::futimens(&directory, &timestamps(modified)).context("set the time of a directory")?;
            }
        }
        Ok(())
    }

    /// The directory that an entry belongs in, made if it is missing, and the entry's name there.
    fn place<'a>(&mut self, path: &'a [u8]) -> Result<(Rc<OwnedFd>, &'a [u8])> {
        let (directory, name) = split(path);
        if name.is_empty() {
            return Err(Kind::BadInput.error("an entry other than a directory stands for the root"));
        }
        Ok((self.parent_or_make(directory)?, name))
    }

    fn parent(&mut self, path: &[u8]) -> rustix::io::Result<Rc<OwnedFd>> {
        if let Some(parent) = self.parents.get(path) {
            return Ok(Rc::clone(parent));
        }
        let parent =
            self.root.resolve(Path::new(OsStr::from_bytes(path)), OFlags::PATH | OFlags::DIRECTORY).map(Rc::new)?;
        if self.parents.len() >= OPEN_PARENTS_MAX {
            self.parents.clear();
        }
        self.parents.insert(path.to_vec(), Rc::clone(&parent));
        Ok(parent)
    }

    fn parent_or_make(&mut self, path: &[u8]) -> Result<Rc<OwnedFd>> {
        match self.parent(path) {
            Err(Errno::NOENT | Errno::NOTDIR) => self.make_parents(path),
            result => result.with_context(|| format!("open directory {}", super::shown(path))),
        }
    }

    /// Makes the directories that no entry stood for: 0755, owned by root.
    fn make_parents(&mut self, path: &[u8]) -> Result<Rc<OwnedFd>> {
        let (mut known, mut name) = split(path);
        let mut names = vec![name];
        let mut parent = loop {
            match self.parent(known) {
                Ok(parent) => break parent,
                Err(Errno::NOENT | Errno::NOTDIR) if !known.is_empty() => {
                    (known, name) = split(known);
                    names.push(name);
                }
                Err(errno) => return Err(errno).with_context(|| format!("open directory {}", super::shown(known))),
            }
        };
        while let Some(name) = names.pop() {
            self.implied += 1;
            let directory = match rustix::fs::mkdirat(&parent, name, Mode::RWXU) {
                Ok(()) => open_directory(&parent, name)?,
                Err(Errno::EXIST) if is_whiteout(&parent, name)? => self.directory_over(&parent, name)?,
                Err(Errno::EXIST) => bail!("{} is no directory of this layer", super::shown(path)),
                Err(errno) => return Err(errno).context("create directory"),
            };
            rustix::fs::fchmod(&directory, Mode::from_raw_mode(0o755)).context("chmod")?;
            parent = Rc::new(directory);
        }
        Ok(parent)
    }

    /// A directory entry where something of this layer stands: a directory is kept, all else makes way. What stood
    /// there hid a directory of the layers below, so the new one must not show their entries again.
    fn directory_over(&mut self, parent: &Rc<OwnedFd>, name: &[u8]) -> Result<OwnedFd> {
        match open_directory(parent, name) {
            Ok(directory) => return Ok(directory),
            Err(Errno::NOTDIR | Errno::LOOP) => self.clear(parent, name)?,
            Err(errno) => return Err(errno.into()),
        }
        rustix::fs::mkdirat(&**parent, name, Mode::RWXU)?;
        let directory = open_directory(parent, name)?;
        set_opaque(&directory)?;
        Ok(directory)
    }

    /// Makes an object that must be new; one of the same name makes way for it.
    fn make<T>(
        &mut self,
        parent: &Rc<OwnedFd>,
        name: &[u8],
        create: impl Fn(BorrowedFd<'_>, &[u8]) -> rustix::io::Result<T>,
    ) -> Result<T> {
        match create(parent.as_fd(), name) {
            Err(Errno::EXIST) => {
                self.clear(parent, name)?;
                Ok(create(parent.as_fd(), name)?)
            }
            result => Ok(result?),
        }
    }

    /// Removes what an earlier entry of this layer made.
    fn clear(&mut self, parent: &Rc<OwnedFd>, name: &[u8]) -> Result<()> {
        // A link or a directory may be part of a path that led to an open one.
        self.parents.clear();
        match rustix::fs::unlinkat(&**parent, name, AtFlags::empty()) {
            Err(Errno::ISDIR | Errno::PERM) => {}
            result => return result.context("replace an earlier entry"),
        }
        self.replaced += 1;
        // Under a name that the removal can print; NOREPLACE keeps it from being one of the layer's.
        let aside = format!(".coracle-replaced-{}-{}", std::process::id(), self.replaced);
        rustix::fs::renameat_with(&**parent, name, &self.root, &aside, RenameFlags::NOREPLACE)
            .context("replace an earlier directory")?;
        fs::remove_tree(self.root.as_fd(), &aside)
    }

    /// Whom to give an object to. None leaves it to the caller.
    fn owner(&self, member: &Member) -> Option<(Option<Uid>, Option<Gid>)> {
        let (uid, gid) = match self.ids {
            Ids::All => (member.uid, member.gid),
            Ids::Given { uid, gid } => (uid, gid),
            Ids::One => return None,
        };
        Some((Some(Uid::from_raw(uid)), Some(Gid::from_raw(gid))))
    }

    /// Owner first, since chown(2) clears setuid and capabilities; data was written before, since that does too.
    fn apply(&self, fd: BorrowedFd<'_>, member: &Member) -> Result<()> {
        if let Some((uid, gid)) = self.owner(member) {
            rustix::fs::fchown(fd, uid, gid).map_err(|errno| unmapped(errno, member))?;
        }
        for (name, value) in &member.xattrs {
            rustix::fs::fsetxattr(fd, name.as_slice(), value, XattrFlags::empty())
                .with_context(|| format!("set attribute {}", super::shown(name)))?;
        }
        rustix::fs::fchmod(fd, Mode::from_raw_mode(member.mode)).context("set mode")?;
        rustix::fs::futimens(fd, &timestamps(member.modified)).context("set time")
    }
}

/// Makes overlayfs's whiteout. Unlike other devices it needs no privilege (Linux 5.8).
pub fn make_whiteout(dir: impl AsFd, name: &[u8]) -> rustix::io::Result<()> {
    rustix::fs::mknodat(dir, name, FileType::CharacterDevice, Mode::empty(), 0)
}

/// Marks a directory as hiding those of the layers below.
pub fn set_opaque(directory: &OwnedFd) -> Result<()> {
    rustix::fs::fsetxattr(directory, OPAQUE, b"y", XattrFlags::empty()).with_context(|| format!("set {OPAQUE}"))
}

/// Splits a normalised path at its last slash.
fn split(path: &[u8]) -> (&[u8], &[u8]) {
    match path.iter().rposition(|byte| *byte == b'/') {
        Some(slash) => (&path[..slash], &path[slash + 1..]),
        None => (&[], path),
    }
}

fn open_directory(parent: &OwnedFd, name: &[u8]) -> rustix::io::Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    rustix::fs::openat(parent, name, flags, Mode::empty())
}

fn status(parent: &OwnedFd, name: &[u8]) -> Result<Option<rustix::fs::Stat>> {
    match rustix::fs::statat(parent, name, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(status) => Ok(Some(status)),
        Err(Errno::NOENT) => Ok(None),
        Err(errno) => Err(errno).context("stat"),
    }
}

/// Device entries are never made, so a character device is a whiteout.
fn is_whiteout(parent: &OwnedFd, name: &[u8]) -> Result<bool> {
    let status = status(parent, name)?;
    Ok(status.is_some_and(|status| FileType::from_raw_mode(status.st_mode) == FileType::CharacterDevice))
}

/// chown(2) tells an id without a mapping by EINVAL: user_namespaces(7).
fn unmapped(errno: Errno, member: &Member) -> anyhow::Error {
    if errno != Errno::INVAL {
        return anyhow::Error::new(errno).context("set owner");
    }
    let message = format!("the layer needs uid {} and gid {}, which are not both mapped", member.uid, member.gid);
    Kind::Denied.hinted(message, "give the user a longer range in /etc/subuid and /etc/subgid")
}

fn timestamps(modified: Time) -> Timestamps {
    let omitted = Timespec { tv_sec: 0, tv_nsec: rustix::fs::UTIME_OMIT };
    let last_modification = Timespec { tv_sec: modified.seconds, tv_nsec: modified.nanoseconds.into() };
    Timestamps { last_access: omitted, last_modification }
}

//! What a container has changed: its overlay's upper directory, read beside what lies below it.
//!
//! Whiteouts are character devices 0:0, and a directory with `user.overlay.opaque` hides the one below. Overlayfs sets
//! that on most new directories too, so only what lies below tells whether something is hidden.

use crate::fs;
use crate::store::pack::check_depth;
use anyhow::{Context, Result};
use rustix::fs::{AtFlags, FileType, Mode, OFlags, Stat};
use rustix::io::Errno;
use std::cell::Cell;
use std::collections::HashSet;
use std::ffi::CStr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

/// Paths, without a slash at the beginning, that the engine has put into the upper directory to mount on them.
#[derive(Debug, Default)]
pub struct Stubs {
    places: HashSet<Vec<u8>>,
    above: HashSet<Vec<u8>>,
}

/// One object of the upper directory.
pub struct Seen<'a> {
    pub path: &'a [u8],
    pub dir: BorrowedFd<'a>,
    pub name: &'a CStr,
    pub status: &'a Stat,
    pub what: What<'a>,
}

#[derive(Clone, Copy)]
pub enum What<'a> {
    /// It hides what is below.
    Deleted,
    /// It is there, and stands for what is in `below`, if that is there.
    Present { below: Option<&'a Stat> },
    /// The directory, which was told as present just before, hides all that is in the one below it. `first` is false in a
    /// directory whose parent does already.
    Hides { below: BorrowedFd<'a>, by: BorrowedFd<'a>, first: bool },
}

impl Stubs {
    pub fn add(&mut self, target: &str) {
        let path = target.trim_matches('/').as_bytes();
        for (position, _) in path.iter().enumerate().filter(|(_, byte)| **byte == b'/') {
            self.above.insert(path[..position].to_vec());
        }
        self.places.insert(path.to_vec());
    }

    /// Whether it is nothing but a place to mount on: empty, and of nothing below.
    pub fn is_stub(&self, path: &[u8], status: &Stat, below: Option<&Stat>) -> bool {
        let kind = FileType::from_raw_mode(status.st_mode);
        below.is_none() && self.places.contains(path) && kind == FileType::RegularFile && status.st_size == 0
    }

    /// Whether a directory may be there for places to mount on alone.
    pub fn may_be_stub(&self, path: &[u8], status: &Stat, below: Option<&Stat>) -> bool {
        let as_below = |below: &Stat| {
            (below.st_mode, below.st_uid, below.st_gid) == (status.st_mode, status.st_uid, status.st_gid)
        };
        let is_place = below.is_none() && self.places.contains(path);
        is_place || (self.above.contains(path) && below.is_none_or(as_below))
    }
}

/// A walk through the upper directory.
struct Walk<'a> {
    stubs: &'a Stubs,
    each: &'a mut dyn FnMut(&Seen<'_>) -> Result<()>,
    path: Vec<u8>,
}

/// Tells every object of `upper`, parents first, in the order of their names. `below` is the directory that it lies on.
pub fn walk(
    upper: BorrowedFd<'_>,
    below: Option<BorrowedFd<'_>>,
    stubs: &Stubs,
    each: &mut dyn FnMut(&Seen<'_>) -> Result<()>,
) -> Result<()> {
    let mut walk = Walk { stubs, each, path: Vec::new() };
    let upper = open_directory(upper, c".").context("open the container's files")?;
    walk.directory(upper.as_fd(), below, &Above { depth: 0, hides: false, held: None })
}

/// A directory that is told only when something in it is; told once, before that.
struct Held<'a> {
    is_told: Cell<bool>,
    outer: Option<&'a Held<'a>>,
    dir: BorrowedFd<'a>,
    name: &'a CStr,
    /// How much of the walk's path is its own.
    length: usize,
    status: Stat,
    below: Option<Stat>,
}

/// What a directory has above it.
struct Above<'a> {
    depth: usize,
    /// Whether all of the layers below is hidden here.
    hides: bool,
    held: Option<&'a Held<'a>>,
}

impl Walk<'_> {
    fn directory(&mut self, upper: BorrowedFd<'_>, below: Option<BorrowedFd<'_>>, above: &Above<'_>) -> Result<()> {
        check_depth(&self.path, above.depth)?;
        for name in fs::names(upper)? {
            let length = self.path.len();
            if length > 0 {
                self.path.push(b'/');
            }
            self.path.extend_from_slice(name.to_bytes());
            self.object(upper, &name, below, above)?;
            self.path.truncate(length);
        }
        Ok(())
    }

    fn object(
        &mut self,
        dir: BorrowedFd<'_>,
        name: &CStr,
        below: Option<BorrowedFd<'_>>,
        above: &Above<'_>,
    ) -> Result<()> {
        let held = above.held;
        let Some(status) = status(dir, name).with_context(|| format!("stat {}", fs::shown(&self.path)))? else {
            return Ok(());
        };
        if is_whiteout(&status) {
            return self.tell(held, dir, name, &status, What::Deleted);
        }
        let there = match below {
            Some(below) => status_below(below, name)?,
            None => None,
        };
        let present = What::Present { below: there.as_ref() };
        if FileType::from_raw_mode(status.st_mode) != FileType::Directory {
            if self.stubs.is_stub(&self.path, &status, there.as_ref()) {
                return Ok(());
            }
            return self.tell(held, dir, name, &status, present);
        }
        let directory = match open_directory(dir, name) {
            Ok(directory) => directory,
            // Exchanged or removed meanwhile.
            Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => return Ok(()),
            Err(errno) => return Err(errno).with_context(|| format!("open {}", fs::shown(&self.path))),
        };
        let next_below = match below {
            Some(below) => open_below(below, name)?,
            None => None,
        };
        let is_told = Cell::new(false);
        if !self.stubs.may_be_stub(&self.path, &status, there.as_ref()) {
            self.tell(held, dir, name, &status, present)?;
            is_told.set(true);
        }
        let held = Held { is_told, outer: held, dir, name, length: self.path.len(), status, below: there };
        let hides = above.hides || is_opaque(&directory)?;
        if hides && let Some(hidden) = &next_below {
            let what = What::Hides { below: hidden.as_fd(), by: directory.as_fd(), first: !above.hides };
            self.tell(Some(&held), dir, name, &status, what)?;
        }
        let below = next_below.as_ref().map(OwnedFd::as_fd);
        self.directory(directory.as_fd(), below, &Above { depth: above.depth + 1, hides, held: Some(&held) })
    }

    /// Tells the directories that lead here, if they are not told yet, and then this.
    fn tell(
        &mut self,
        held: Option<&Held<'_>>,
        dir: BorrowedFd<'_>,
        name: &CStr,
        status: &Stat,
        what: What<'_>,
    ) -> Result<()> {
        self.tell_held(held)?;
        (self.each)(&Seen { path: &self.path, dir, name, status, what })
    }

    fn tell_held(&mut self, held: Option<&Held<'_>>) -> Result<()> {
        let Some(held) = held.filter(|held| !held.is_told.replace(true)) else { return Ok(()) };
        self.tell_held(held.outer)?;
        let what = What::Present { below: held.below.as_ref() };
        let (path, dir, name, status) = (&self.path[..held.length], held.dir, held.name, &held.status);
        (self.each)(&Seen { path, dir, name, status, what })
    }
}

pub fn is_whiteout(status: &Stat) -> bool {
    FileType::from_raw_mode(status.st_mode) == FileType::CharacterDevice && status.st_rdev == 0
}

/// What a name stands for in the layers below; a whiteout in a layer that is looked at by itself is nothing.
pub fn status_below(below: BorrowedFd<'_>, name: &CStr) -> Result<Option<Stat>> {
    Ok(status(below, name).context("stat in the image")?.filter(|status| !is_whiteout(status)))
}

fn status(dir: BorrowedFd<'_>, name: &CStr) -> rustix::io::Result<Option<Stat>> {
    match rustix::fs::statat(dir, name, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(status) => Ok(Some(status)),
        Err(Errno::NOENT) => Ok(None),
        Err(errno) => Err(errno),
    }
}

fn open_below(below: BorrowedFd<'_>, name: &CStr) -> Result<Option<OwnedFd>> {
    match open_directory(below, name) {
        Ok(directory) => Ok(Some(directory)),
        Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => Ok(None),
        Err(errno) => Err(errno).context("open a directory of the image"),
    }
}

fn is_opaque(directory: &OwnedFd) -> Result<bool> {
    let mut value = [0; 8];
    match rustix::fs::fgetxattr(directory, "user.overlay.opaque", &mut value[..]) {
        Ok(length) => Ok(&value[..length] == b"y"),
        Err(Errno::NODATA | Errno::OPNOTSUPP) => Ok(false),
        Err(errno) => Err(errno).context("read user.overlay.opaque"),
    }
}

fn open_directory(dir: BorrowedFd<'_>, name: &CStr) -> rustix::io::Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    rustix::fs::openat(dir, name, flags, Mode::empty())
}

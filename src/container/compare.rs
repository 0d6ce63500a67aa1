//! `diff ONE OTHER`: what differs between the whole root file systems of two containers or images.

use super::config::Config;
use super::diff::{self, Change};
use super::root;
use super::state::Container;
use crate::engine::Engine;
use crate::fs;
use crate::image::Image;
use crate::store::changes::{self, Stubs};
use crate::store::layers;
use crate::store::overlay::{self, Lower};
use crate::store::pack::check_depth;
use anyhow::{Context, Result};
use rustix::fs::{FileType, Mode, OFlags, Stat};
use rustix::io::Errno;
use std::collections::BTreeSet;
use std::ffi::CStr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

/// The root file system of a container, as it is at this moment, or of an image.
pub struct Tree<'a> {
    /// None for an image without layers.
    top: Option<OwnedFd>,
    config: Option<&'a Config>,
    /// Where the engine mounts into the container.
    stubs: Stubs,
}

impl<'a> Tree<'a> {
    pub fn of_container(engine: &Engine, container: &'a Container) -> Result<Self> {
        let top = root::alone(engine, container)?;
        Ok(Self { top: Some(top), config: Some(&container.config), stubs: diff::stubs(&container.config) })
    }

    pub fn of_image(engine: &Engine, image: &Image) -> Result<Self> {
        let lower = Lower { layers: layers::stack(engine, &image.layers)?, data: Vec::new() };
        let top = if lower.layers.is_empty() { None } else { Some(overlay::view(&lower, &engine.staging())?) };
        Ok(Self { top, config: None, stubs: Stubs::default() })
    }

    /// The owner that the container's own root sees.
    fn owner(&self, status: &Stat) -> (u32, u32) {
        let raw = (status.st_uid, status.st_gid);
        self.config.and_then(|config| root::owner_inside(config, raw.0, raw.1).ok()).unwrap_or(raw)
    }
}

/// What must be done to `old` to have `new`. What is in a directory that was deleted is not told. Parents come first,
/// names in their order.
pub fn compare(new: &Tree<'_>, old: &Tree<'_>) -> Result<Vec<(Change, String)>> {
    let mut walk = Walk { new, old, path: Vec::new(), changes: Vec::new() };
    let open = |tree: &Tree<'_>| tree.top.as_ref().map(|top| fs::open_here(top.as_fd())).transpose();
    let (new, old) = (open(new)?, open(old)?);
    walk.directory(new.as_ref().map(AsFd::as_fd), old.as_ref().map(AsFd::as_fd), 0)?;
    Ok(walk.changes)
}

struct Walk<'a> {
    new: &'a Tree<'a>,
    old: &'a Tree<'a>,
    /// Without a slash at the beginning.
    path: Vec<u8>,
    changes: Vec<(Change, String)>,
}

impl Walk<'_> {
    fn directory(&mut self, new: Option<BorrowedFd<'_>>, old: Option<BorrowedFd<'_>>, depth: usize) -> Result<()> {
        check_depth(&self.path, depth)?;
        let mut names = BTreeSet::new();
        for dir in [new, old].into_iter().flatten() {
            names.extend(fs::names(dir)?);
        }
        for name in names {
            let length = self.path.len();
            if length > 0 {
                self.path.push(b'/');
            }
            self.path.extend_from_slice(name.to_bytes());
            self.object(new, old, &name, depth)?;
            self.path.truncate(length);
        }
        Ok(())
    }

    fn object(
        &mut self,
        new: Option<BorrowedFd<'_>>,
        old: Option<BorrowedFd<'_>>,
        name: &CStr,
        depth: usize,
    ) -> Result<()> {
        let (here, before) = (status(new, name)?, status(old, name)?);
        let change = match (&here, &before) {
            (None, None) => return Ok(()),
            (Some(here), None) if self.new.stubs.is_stub(&self.path, here, None) => return Ok(()),
            (None, Some(before)) if self.old.stubs.is_stub(&self.path, before, None) => return Ok(()),
            (Some(here), None) => (!self.new.stubs.may_be_stub(&self.path, here, None)).then_some(Change::Added),
            (None, Some(before)) => {
                (!self.old.stubs.may_be_stub(&self.path, before, None)).then_some(Change::Deleted)
            }
            (Some(here), Some(before)) => self.differs(here, before).then_some(Change::Changed),
        };
        let at = self.changes.len();
        if change != Some(Change::Deleted) {
            let (new, old) = (open(new, name, here.as_ref())?, open(old, name, before.as_ref())?);
            if new.is_some() || old.is_some() {
                self.directory(new.as_ref().map(AsFd::as_fd), old.as_ref().map(AsFd::as_fd), depth + 1)?;
            }
        }
        // Something that comes or goes changes the directory that it is in.
        let is_changed_within = self.changes.len() > at;
        let within = match (&here, &before) {
            (Some(_), None) => Change::Added,
            (None, Some(_)) => Change::Deleted,
            _ => Change::Changed,
        };
        let path = format!("/{}", String::from_utf8_lossy(&self.path));
        if let Some(change) = change.or(is_changed_within.then_some(within))
            && !diff::NOT_TOLD.contains(&path.as_str())
        {
            self.changes.insert(at, (change, path));
        }
        Ok(())
    }

    /// A directory differs by its mode and owner alone; the rest by size and time too, whoever wrote it.
    fn differs(&self, new: &Stat, old: &Stat) -> bool {
        let facts = |stat: &Stat| (stat.st_size, stat.st_mtime, stat.st_mtime_nsec as i64);
        let is_directory = FileType::from_raw_mode(new.st_mode) == FileType::Directory;
        (new.st_mode, new.st_rdev, self.new.owner(new)) != (old.st_mode, old.st_rdev, self.old.owner(old))
            || (!is_directory && facts(new) != facts(old))
    }
}

fn status(dir: Option<BorrowedFd<'_>>, name: &CStr) -> Result<Option<Stat>> {
    dir.map_or(Ok(None), |dir| changes::status_below(dir, name))
}

/// Opens it if it is a directory. None too if it has gone meanwhile.
fn open(dir: Option<BorrowedFd<'_>>, name: &CStr, status: Option<&Stat>) -> Result<Option<OwnedFd>> {
    let is_directory = |stat: &Stat| FileType::from_raw_mode(stat.st_mode) == FileType::Directory;
    let Some(dir) = dir.filter(|_| status.is_some_and(is_directory)) else { return Ok(None) };
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    match rustix::fs::openat(dir, name, flags, Mode::empty()) {
        Ok(opened) => Ok(Some(opened)),
        Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => Ok(None),
        Err(errno) => Err(errno).with_context(|| format!("open {name:?}")),
    }
}

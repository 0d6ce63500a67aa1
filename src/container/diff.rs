//! `diff`: what a container has changed of its image, or an image's topmost layer of those below.

use super::config::{Config, Source};
use super::root;
use crate::engine::Engine;
use crate::error::Kind;
use crate::fs;
use crate::image::Image;
use crate::store::changes::{self, Seen, Stubs, What};
use crate::store::layers;
use crate::store::overlay::{self, Lower};
use anyhow::Result;
use rustix::fs::{FileType, Stat};
use std::collections::HashSet;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

/// What has become of a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    Changed,
    Added,
    Deleted,
}

/// Paths that the engine has its hands in, of which podman does not tell either.
pub(super) const NOT_TOLD: [&str; 10] = [
    "/dev",
    "/etc/hostname",
    "/etc/hosts",
    "/etc/resolv.conf",
    "/proc",
    "/run",
    "/run/.containerenv",
    "/run/notify",
    "/run/secrets",
    "/sys",
];

/// Where the engine mounts something into every container, making the place if the image has none.
const PLACES: [&str; 9] = [
    "/dev",
    "/etc/hostname",
    "/etc/hosts",
    "/etc/resolv.conf",
    "/proc",
    "/run/.containerenv",
    "/run/secrets",
    "/sys",
    "/tmp",
];

/// The places that the engine has made in a container's files, to mount on them.
pub fn stubs(config: &Config) -> Stubs {
    let mut stubs = Stubs::default();
    PLACES.iter().for_each(|place| stubs.add(place));
    config.mounts.iter().for_each(|mount| stubs.add(&mount.target));
    stubs
}

/// The changes of a container, in the order of their paths.
pub fn of_container(engine: &Engine, config: &Config) -> Result<Vec<(Change, String)>> {
    if let Source::Directory(dir) = &config.source {
        let message = format!("container {} has {} as its root, and no image", config.name, dir.display());
        return Err(Kind::BadInput.error(message));
    }
    let Some(upper) = root::upper(engine, config)? else { return Ok(Vec::new()) };
    collect(upper.as_fd(), root::below(engine, config)?.as_ref(), &stubs(config))
}

/// What the topmost layer of an image changes.
pub fn of_image(engine: &Engine, image: &Image) -> Result<Vec<(Change, String)>> {
    let Some((top, below)) = image.layers.split_last() else { return Ok(Vec::new()) };
    let top = fs::open_dir(&layers::path(engine, top))?;
    let lower = Lower { layers: layers::stack(engine, below)?, data: Vec::new() };
    let below = if lower.layers.is_empty() { None } else { Some(overlay::view(&lower, &engine.staging())?) };
    collect(top.as_fd(), below.as_ref(), &Stubs::default())
}

fn collect(upper: BorrowedFd<'_>, below: Option<&OwnedFd>, stubs: &Stubs) -> Result<Vec<(Change, String)>> {
    let mut told = Told::default();
    changes::walk(upper, below.map(AsFd::as_fd), stubs, &mut |seen| told.hear(seen))?;
    Ok(told.changes)
}

#[derive(Default)]
struct Told {
    changes: Vec<(Change, String)>,
    /// Directories that are in the list.
    directories: HashSet<Vec<u8>>,
}

impl Told {
    fn hear(&mut self, seen: &Seen<'_>) -> Result<()> {
        match seen.what {
            What::Deleted => self.tell(Change::Deleted, seen.path),
            What::Present { below: None } => {
                self.tell(Change::Added, seen.path);
                self.note(seen);
            }
            What::Present { below: Some(below) } if is_same_directory(seen.status, below) => {}
            What::Present { below: Some(_) } => {
                self.push(Change::Changed, seen.path);
                self.note(seen);
            }
            What::Hides { below, by, .. } => {
                for name in fs::names(fs::open_here(below)?.as_fd())? {
                    if changes::status_below(below, &name)?.is_some() && changes::status_below(by, &name)?.is_none() {
                        self.tell(Change::Deleted, &[seen.path, b"/", name.to_bytes()].concat());
                    }
                }
            }
        }
        Ok(())
    }

    /// Something that comes or goes changes the directory that it is in.
    fn tell(&mut self, change: Change, path: &[u8]) {
        if let Some(slash) = path.iter().rposition(|byte| *byte == b'/')
            && self.directories.insert(path[..slash].to_vec())
        {
            self.push(Change::Changed, &path[..slash]);
        }
        self.push(change, path);
    }

    fn note(&mut self, seen: &Seen<'_>) {
        if FileType::from_raw_mode(seen.status.st_mode) == FileType::Directory {
            self.directories.insert(seen.path.to_vec());
        }
    }

    fn push(&mut self, change: Change, path: &[u8]) {
        let path = format!("/{}", String::from_utf8_lossy(path));
        if !NOT_TOLD.contains(&path.as_str()) {
            self.changes.push((change, path));
        }
    }
}

/// Whether a directory was only carried up because of something in it.
fn is_same_directory(one: &Stat, other: &Stat) -> bool {
    let facts = |stat: &Stat| (stat.st_mode, stat.st_uid, stat.st_gid, stat.st_mtime, stat.st_mtime_nsec as i64);
    FileType::from_raw_mode(one.st_mode) == FileType::Directory && facts(one) == facts(other)
}

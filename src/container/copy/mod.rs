//! `cp`: which object goes where, by the rules of cp(1) as podman and docker have them. [`tree`] then moves it.
//!
//! Each side is a [`Root`], the host's too: every path is resolved by the kernel within it, once.

mod stream;
mod tree;

pub use stream::{pack, unpack};
pub use tree::Rules;

use crate::error::Kind;
use crate::fs::Root;
use anyhow::{Context, Result};
use rustix::fs::{AtFlags, FileType, Mode, OFlags};
use rustix::io::Errno;
use std::ffi::CString;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use tree::Copier;

/// How many links are followed on the way: path_resolution(7).
const LINKS_MAX: usize = 40;

/// One side of a copy.
pub struct Place<'a> {
    pub root: &'a Root,
    /// Absolute within the root.
    pub path: PathBuf,
    /// As it was typed: what its last characters are matters.
    pub typed: &'a str,
    /// For messages: `on the host`, `in container NAME`.
    pub whose: String,
}

/// What a path leads to. A link at its end has been followed, or was not to be.
enum Found {
    Directory(OwnedFd),
    Object {
        parent: OwnedFd,
        name: CString,
    },
    /// Nothing, in a directory that is there.
    Missing {
        parent: OwnedFd,
        name: CString,
    },
}

impl Place<'_> {
    /// Whether what is in the directory is meant, not the directory: `DIR/.`, and the root, which has no name.
    fn means_contents(&self) -> bool {
        self.typed == "." || self.typed.ends_with("/.") || self.base().is_none()
    }

    fn has_slash(&self) -> bool {
        self.typed.ends_with('/')
    }

    fn base(&self) -> Option<CString> {
        self.path.file_name().and_then(|name| CString::new(name.as_bytes()).ok())
    }

    fn missing(&self) -> anyhow::Error {
        Kind::NotFound.error(format!("{:?} could not be found {}: no such file or directory", self.typed, self.whose))
    }

    fn source(&self, follow: bool) -> Result<Found> {
        let found = self.locate(follow || self.has_slash() || self.means_contents())?;
        match found {
            Some(Found::Object { .. }) if self.has_slash() || self.typed.ends_with("/.") => {
                Err(Kind::BadInput.error(format!("{:?} {} is not a directory", self.typed, self.whose)))
            }
            Some(found @ (Found::Directory(_) | Found::Object { .. })) => Ok(found),
            Some(Found::Missing { .. }) | None => Err(self.missing()),
        }
    }

    /// Finds what the path leads to. None if the directory that it would be in is not there.
    fn locate(&self, follow: bool) -> Result<Option<Found>> {
        let mut wanted = self.path.clone();
        for _ in 0..LINKS_MAX {
            let Some(name) = wanted.file_name() else { return self.open(&wanted) };
            let name = CString::new(name.as_bytes()).context("a path has no NUL")?;
            let above = wanted.parent().unwrap_or(Path::new("/")).to_owned();
            let Some(Found::Directory(parent)) = self.open(&above)? else { return Ok(None) };
            let status = match rustix::fs::statat(&parent, &name, AtFlags::SYMLINK_NOFOLLOW) {
                Ok(status) => status,
                Err(Errno::NOENT) => return Ok(Some(Found::Missing { parent, name })),
                Err(errno) => return Err(errno).with_context(|| self.what()),
            };
            match FileType::from_raw_mode(status.st_mode) {
                FileType::Directory => {
                    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
                    match rustix::fs::openat(&parent, &name, flags, Mode::empty()) {
                        Ok(directory) => return Ok(Some(Found::Directory(directory))),
                        // It was exchanged for something else since.
                        Err(Errno::NOTDIR | Errno::LOOP | Errno::NOENT) => {}
                        Err(errno) => return Err(errno).with_context(|| self.what()),
                    }
                }
                FileType::Symlink if follow => {
                    let Ok(target) = rustix::fs::readlinkat(&parent, &name, Vec::new()) else { continue };
                    wanted = above.join(std::ffi::OsString::from_vec(target.into_bytes()));
                }
                _ => return Ok(Some(Found::Object { parent, name })),
            }
        }
        Err(Errno::LOOP).with_context(|| self.what())
    }

    fn open(&self, path: &Path) -> Result<Option<Found>> {
        match self.root.resolve(path, OFlags::PATH | OFlags::DIRECTORY) {
            Ok(directory) => Ok(Some(Found::Directory(directory))),
            Err(Errno::NOENT | Errno::NOTDIR) => Ok(None),
            Err(errno) => Err(errno).with_context(|| self.what()),
        }
    }

    fn what(&self) -> String {
        format!("open {:?} {}", self.typed, self.whose)
    }
}

/// Copies what one path leads to, to another. Gives how many sockets and devices were left out.
pub fn copy(from: &Place<'_>, to: &Place<'_>, rules: Rules, follow: bool) -> Result<u64> {
    let source = from.source(follow)?;
    let target = to.locate(true)?.ok_or_else(|| to.missing())?;
    // A directory is copied as what it is called in itself; any other object by its parent and name.
    let (source_dir, source_name, is_directory) = match source {
        Found::Directory(directory) => (directory, c".".to_owned(), true),
        Found::Object { parent, name } | Found::Missing { parent, name } => (parent, name, false),
    };
    let (into, name) = match target {
        Found::Directory(into) if is_directory && from.means_contents() => {
            let mut copier = Copier::new(&into, rules)?;
            copier.contents(source_dir.as_fd())?;
            return Ok(copier.skipped);
        }
        Found::Directory(into) => (into, from.base().ok_or_else(|| from.missing())?),
        Found::Missing { .. } if to.has_slash() && !is_directory => return Err(to.missing()),
        Found::Object { .. } if is_directory && !rules.overwrite => {
            return Err(Kind::BadInput.error(format!(
                "destination must be a directory when copying a directory: {:?} {} is none",
                to.typed, to.whose
            )));
        }
        Found::Object { .. } if to.has_slash() => {
            return Err(Kind::BadInput.error(format!("{:?} {} is not a directory", to.typed, to.whose)));
        }
        Found::Object { parent, name } | Found::Missing { parent, name } => (parent, name),
    };
    let mut copier = Copier::new(&into, rules)?;
    copier.object(source_dir.as_fd(), &source_name, &name)?;
    Ok(copier.skipped)
}

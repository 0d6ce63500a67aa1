//! The one way into a directory tree that others control.

use super::{is_kind, open_dir, read_all};
use anyhow::{Context, Result, bail};
use rustix::fs::{FileType, Mode, OFlags, ResolveFlags};
use rustix::io::Errno;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

/// A directory tree that someone else controls. Every path is resolved by the kernel within it: openat2(2)
/// `RESOLVE_IN_ROOT`, Linux 5.6; no link, `..` or magic link leads out.
#[derive(Debug)]
pub struct Root(OwnedFd);

impl Root {
    pub fn new(dir: OwnedFd) -> Self {
        Self(dir)
    }

    /// The tree below a directory of the engine.
    pub fn open(path: &Path) -> Result<Self> {
        Ok(Self(open_dir(path)?))
    }

    /// Opens what `path` resolves to.
    pub fn resolve(&self, path: &Path, flags: OFlags) -> rustix::io::Result<OwnedFd> {
        self.open_at(path, flags, Mode::empty())
    }

    fn open_at(&self, path: &Path, flags: OFlags, mode: Mode) -> rustix::io::Result<OwnedFd> {
        let path = if path.as_os_str().is_empty() { Path::new("/") } else { path };
        self.open_with(path, flags, mode, ResolveFlags::empty())
    }

    /// Opens a path that must not have a single link in it: what is checked by its name is then what is opened.
    pub fn resolve_without_links(&self, path: &Path, flags: OFlags) -> rustix::io::Result<OwnedFd> {
        self.open_with(path, flags, Mode::empty(), ResolveFlags::NO_SYMLINKS)
    }

    fn open_with(&self, path: &Path, flags: OFlags, mode: Mode, more: ResolveFlags) -> rustix::io::Result<OwnedFd> {
        let resolve = ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS | more;
        for _ in 0..RACES_MAX {
            match rustix::fs::openat2(&self.0, path, flags | OFlags::CLOEXEC, mode, resolve) {
                // EAGAIN: a rename raced with the walk, which cannot be proven to have stayed inside; try again.
                Err(Errno::AGAIN | Errno::INTR) => {}
                result => return result,
            }
        }
        Err(Errno::AGAIN)
    }

    /// Reads a regular file of at most `bytes_max` bytes. None if there is none, or if it is no regular file.
    pub fn read(&self, path: &Path, bytes_max: usize) -> Result<Option<Vec<u8>>> {
        let file = match self.resolve(path, OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY) {
            Ok(file) => file,
            Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP | Errno::NXIO | Errno::ISDIR) => return Ok(None),
            Err(errno) => return Err(errno).with_context(|| format!("open {} in the container", path.display())),
        };
        if !is_kind(&file, FileType::RegularFile)? {
            return Ok(None);
        }
        read_all(std::fs::File::from(file), bytes_max)
            .with_context(|| format!("read {} in the container", path.display()))
            .map(Some)
    }

    /// Opens a directory, creating it and its parents within the root where they are missing. A link that leads nowhere
    /// is followed like any other: the directory is created where it points, within the root.
    pub fn make_dir_all(&self, path: &Path, mode: u32) -> Result<OwnedFd> {
        let flags = OFlags::PATH | OFlags::DIRECTORY;
        let (mut wanted, mut links) = (path.to_owned(), 0);
        // Each round creates the first missing component of the path, links within the root followed.
        for _ in 0..PATH_COMPONENTS_MAX {
            match self.resolve(&wanted, flags) {
                Ok(dir) => return Ok(dir),
                Err(Errno::NOENT) => {
                    if let Some(detour) = self.make_first_missing(&wanted, mode)? {
                        (wanted, links) = (detour, links + 1);
                    }
                }
                Err(errno) => {
                    return Err(errno).with_context(|| format!("open directory {} in the container", path.display()));
                }
            }
            if links > LINKS_MAX {
                return Err(Errno::LOOP)
                    .with_context(|| format!("create directory {} in the container", path.display()));
            }
        }
        bail!("create directory {} in the container: too many components", path.display())
    }

    /// Creates one directory. If a link that leads nowhere is in its place, the path that it makes of `path` instead.
    fn make_first_missing(&self, path: &Path, mode: u32) -> Result<Option<PathBuf>> {
        let mut parent = self.resolve(Path::new("/"), OFlags::PATH | OFlags::DIRECTORY)?;
        let mut walked = PathBuf::from("/");
        let mut components = path.components();
        while let Some(component) = components.next() {
            let name = match component {
                std::path::Component::Normal(name) => name,
                std::path::Component::ParentDir => std::ffi::OsStr::new(".."),
                _ => continue,
            };
            let next = walked.join(name);
            match self.resolve(&next, OFlags::PATH | OFlags::DIRECTORY) {
                Ok(dir) => (parent, walked) = (dir, next),
                Err(Errno::NOENT) => {
                    return match rustix::fs::mkdirat(&parent, name, Mode::from_raw_mode(mode)) {
                        Ok(()) => Ok(None),
                        // Someone was faster, or a link that leads nowhere is in the way.
                        Err(Errno::EXIST) => {
                            Ok(link_target(&parent, name)
                                .map(|target| walked.join(target).join(components.as_path())))
                        }
                        Err(errno) => Err(errno)
                            .with_context(|| format!("create directory {} in the container", next.display())),
                    };
                }
                Err(errno) => {
                    return Err(errno).with_context(|| format!("open directory {} in the container", next.display()));
                }
            }
        }
        Ok(None)
    }

    /// Opens a file to mount over, creating an empty one, and its parents, where it is missing; links that lead nowhere
    /// are followed within the root.
    pub fn make_file(&self, path: &Path, mode: u32) -> Result<OwnedFd> {
        let mut wanted = path.to_owned();
        for _ in 0..=LINKS_MAX {
            match self.resolve(&wanted, OFlags::PATH) {
                Ok(file) => return Ok(file),
                Err(Errno::NOENT) => {}
                Err(errno) => return Err(errno).with_context(|| format!("open {} in the container", path.display())),
            }
            let name = wanted.file_name().with_context(|| format!("{} names no file", wanted.display()))?;
            let above = wanted.parent().unwrap_or(Path::new("/"));
            let parent = self.make_dir_all(above, 0o755)?;
            let flags = OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::WRONLY | OFlags::CLOEXEC;
            match rustix::fs::openat(&parent, name, flags, Mode::from_raw_mode(mode)) {
                Ok(_) => {}
                Err(Errno::EXIST) => {
                    if let Some(target) = link_target(&parent, name) {
                        wanted = above.join(target);
                    }
                }
                Err(errno) => {
                    return Err(errno).with_context(|| format!("create {} in the container", path.display()));
                }
            }
        }
        Err(Errno::LOOP).with_context(|| format!("create {} in the container", path.display()))
    }
}

/// Where a link points; None if there is none of this name.
fn link_target(dir: &OwnedFd, name: &std::ffi::OsStr) -> Option<PathBuf> {
    use std::os::unix::ffi::OsStringExt;
    let target = rustix::fs::readlinkat(dir, name, Vec::new()).ok()?;
    Some(std::ffi::OsString::from_vec(target.into_bytes()).into())
}

impl AsFd for Root {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// The most components of a path that is created within a root: PATH_MAX / 2.
const PATH_COMPONENTS_MAX: usize = 2048;
/// The most links that lead nowhere on the way to something that is created: as many as the kernel follows, path_resolution(7).
const LINKS_MAX: usize = 40;
/// How often a walk is begun anew because of renames. Who renames without a pause gets no path of ours at all.
const RACES_MAX: usize = 100_000;

//! The sources of mounts that are more than a directory of the host, made before there is a container: volumes that
//! are used for the first time, overlays, images, parts of volumes. Each is a detached mount in the end.

use super::shared;
use crate::container::config::{Config, ImageMount, Mount, MountKind, OverlayPlace};
use crate::container::secrets;
use crate::container::shift;
use crate::container::state::Paths;
use crate::engine::Engine;
use crate::error::Kind;
use crate::fs::{self, Root};
use crate::runtime::Prepared;
use crate::store::overlay::{self, Lifetime};
use crate::sys::mount;
use crate::volume::{self, FirstUse};
use anyhow::{Context, Result};
use oci_spec::runtime::{LinuxIdMapping, Spec};
use rustix::fs::{AtFlags, CWD, FileType, Gid, Mode, OFlags, Uid};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::path::{Path, PathBuf};

/// What the sources are made from.
pub struct Sources<'a> {
    pub engine: &'a Engine,
    pub config: &'a Config,
    pub spec: &'a Spec,
    /// The mounted root file system.
    pub root: &'a Root,
    pub run_dir: &'a Path,
}

/// Where overlays over a container's mounts lie, in its directory.
const OVERLAYS: &str = "overlays";

/// Directories that belong to the whole system; nobody can mean to give all of one to a container's user.
const SYSTEM: &[&str] = &[
    "/",
    "/bin",
    "/boot",
    "/dev",
    "/etc",
    "/home",
    "/lib",
    "/lib64",
    "/media",
    "/mnt",
    "/opt",
    "/proc",
    "/root",
    "/run",
    "/sbin",
    "/srv",
    "/sys",
    "/tmp",
    "/usr",
    "/usr/bin",
    "/usr/lib",
    "/usr/lib64",
    "/usr/local",
    "/usr/sbin",
    "/usr/share",
    "/var",
    "/var/cache",
    "/var/lib",
    "/var/log",
    "/var/run",
    "/var/tmp",
];

impl Sources<'_> {
    /// Makes them all, and writes the files of secrets.
    pub fn prepare(&self) -> Result<Vec<Prepared>> {
        secrets::write_files(self.engine, self.config, self.run_dir, |uid, gid| self.outside(uid, gid))?;
        clear(self.engine, self.config)?;
        let mut prepared = Vec::new();
        for (index, mount) in self.config.mounts.iter().enumerate() {
            let made = self.source(index, mount).with_context(|| format!("prepare mount {}", mount.target))?;
            prepared.extend(made.map(|made| (PathBuf::from(&mount.target), made)));
        }
        Ok(prepared)
    }

    /// The source as a mount, if it is more than the directory that the spec names.
    fn source(&self, index: usize, mount: &Mount) -> Result<Option<OwnedFd>> {
        let (place, made) = match &mount.kind {
            MountKind::Bind { source } => (Some(source.clone()), None),
            MountKind::Volume { name, subpath, .. } => {
                let made = self.volume(name.as_str(), mount)?;
                let place = volume::data(self.engine, name.as_str());
                if subpath.is_empty() {
                    (Some(place), made)
                } else {
                    let part = match made {
                        Some(made) => self.part_of_mount(made, subpath, index)?,
                        None => part(&Root::open(&place)?, subpath)?,
                    };
                    (None, Some(part))
                }
            }
            MountKind::Image(image) => (None, Some(self.image(index, image)?)),
            MountKind::Tmpfs { .. } | MountKind::Devpts(_) => return Ok(None),
        };
        if mount.options.more.chown {
            self.give(place.as_deref(), made.as_ref())?;
        }
        let Some(overlay_place) = &mount.options.more.overlay else { return Ok(made) };
        let lower = match (made, place) {
            (Some(made), _) => made,
            (None, Some(place)) => fs::open_dir(&place).context("an overlay needs a directory")?,
            (None, None) => return Ok(None),
        };
        self.overlay(index, lower, overlay_place).map(Some)
    }

    /// A volume is used: for the first time it gets what the image has at its target. A special one is mounted.
    fn volume(&self, name: &str, mount: &Mount) -> Result<Option<OwnedFd>> {
        let found = volume::read(self.engine, name)?;
        let found = found.ok_or_else(|| Kind::NotFound.error(format!("volume {name} has been removed")))?;
        let special = volume::special(&found)?;
        let special = special.map(|special| match special.is_in_memory() {
            true => shared::open(self.engine, self.config, name, &special),
            false => special.mount(),
        });
        let special = special.transpose()?;
        if volume::is_fresh(self.engine, name) {
            let directory = OFlags::RDONLY | OFlags::DIRECTORY;
            let original = self.root.resolve(Path::new(&mount.target), directory).ok();
            let user = self.spec.process().as_ref().context("the spec has a process")?.user().clone();
            let first = FirstUse {
                original: original.as_ref().map(AsFd::as_fd),
                copies: !mount.options.no_copy && !found.options.contains_key("nocopy"),
                owner: self.outside(user.uid(), user.gid())?,
                mounted: special.as_ref().map(AsFd::as_fd),
                is_durable: !found.anonymous,
            };
            volume::take_into_use(self.engine, name, &first)?;
        }
        Ok(special)
    }

    fn image(&self, index: usize, image: &ImageMount) -> Result<OwnedFd> {
        let dir = self.scratch(index)?;
        let ground = shift::ground(self.engine, self.config, &image.layers)?;
        let made = overlay::mount(&ground.lower, &dir, ground.owner, Lifetime::Mount)?;
        if image.subpath.is_empty() { Ok(made) } else { self.part_of_mount(made, &image.subpath, index) }
    }

    fn overlay(&self, index: usize, lower: OwnedFd, place: &OverlayPlace) -> Result<OwnedFd> {
        let dir = self.scratch(index)?;
        match place {
            OverlayPlace::Nowhere => {
                let (upper, work) = (dir.join("upper"), dir.join("work"));
                fs::create_dir(&upper)?;
                fs::create_dir(&work)?;
                // What is seen is the uppermost directory: it must look like the one below.
                let status = rustix::fs::fstat(&lower).context("fstat")?;
                let copy = open_for_reading(&fs::open_dir(&upper)?)?;
                fs::copy_status(open_for_reading(&lower)?.as_fd(), copy.as_fd(), &status)?;
                overlay::over(lower, &upper, &work, &dir)
            }
            OverlayPlace::Kept { upper, work } => overlay::over(lower, upper, work, &dir),
        }
    }

    /// A directory of the container's for one of its mounts.
    fn scratch(&self, index: usize) -> Result<PathBuf> {
        let all = Paths::of(self.engine, &self.config.id).dir.join(OVERLAYS);
        fs::create_dir(&all)?;
        let dir = all.join(index.to_string());
        fs::create_dir(&dir)?;
        Ok(dir)
    }

    /// A part of a detached mount. Before Linux 6.15 only what is mounted can be cloned, so it is, where nobody sees it.
    fn part_of_mount(&self, made: OwnedFd, subpath: &str, index: usize) -> Result<OwnedFd> {
        let stage = self.run_dir.join(format!("part-{index}"));
        fs::create_dir(&stage)?;
        let target = fs::open_dir(&stage)?;
        mount::attach(made.as_fd(), target.as_fd())?;
        let part = part(&Root::new(made), subpath);
        mount::detach(&stage)?;
        part
    }

    /// Gives the source to the container's user.
    fn give(&self, place: Option<&Path>, made: Option<&OwnedFd>) -> Result<()> {
        let user = self.spec.process().as_ref().context("the spec has a process")?.user();
        let (uid, gid) = self.outside(user.uid(), user.gid())?;
        let source = match (made, place) {
            (Some(made), _) => made.try_clone().context("duplicate mount")?,
            (None, Some(place)) => {
                rustix::fs::openat(CWD, place, OFlags::PATH | OFlags::CLOEXEC, Mode::empty()).context("open")?
            }
            (None, None) => return Ok(()),
        };
        if made.is_none() && is_of_the_system(&source)? {
            let message = "mount option U: the directory belongs to the whole system";
            return Err(Kind::Denied.hinted(message, "change its owner by hand if that is really meant"));
        }
        let changed = if fs::is_kind(&source, FileType::Directory)? {
            fs::change_owner(source.as_fd(), uid, gid)
        } else {
            let (uid, gid) = (Some(Uid::from_raw(uid)), Some(Gid::from_raw(gid)));
            rustix::fs::chownat(&source, c"", uid, gid, AtFlags::EMPTY_PATH).context("chown")
        };
        changed.with_context(|| format!("mount option U: give the files to {uid}:{gid} of the engine's namespace"))
    }

    /// The ids in the engine's namespace of a user in the container's.
    fn outside(&self, uid: u32, gid: u32) -> Result<(u32, u32)> {
        let linux = self.spec.linux().as_ref().context("the spec has a linux section")?;
        let map = |map: &Option<Vec<LinuxIdMapping>>, id: u32| match map.as_deref() {
            None | Some([]) => Some(id),
            Some(lines) => lines.iter().find_map(|line| {
                let offset = id.checked_sub(line.container_id())?;
                (offset < line.size()).then(|| line.host_id() + offset)
            }),
        };
        match (map(linux.uid_mappings(), uid), map(linux.gid_mappings(), gid)) {
            (Some(uid), Some(gid)) => Ok((uid, gid)),
            _ => Err(Kind::BadInput.error(format!("{uid}:{gid} is not in the container's id map"))),
        }
    }
}

/// What a path within a tree leads to, as a mount: resolved once, and never out of the tree.
fn part(root: &Root, subpath: &str) -> Result<OwnedFd> {
    let path = Path::new("/").join(subpath.trim_start_matches('/'));
    let part = root.resolve(&path, OFlags::PATH).with_context(|| format!("open subpath {subpath}"))?;
    mount::clone_fd(part.as_fd(), true).with_context(|| format!("clone subpath {subpath}"))
}

fn open_for_reading(dir: &OwnedFd) -> Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    rustix::fs::openat(dir, c".", flags, Mode::empty()).context("open directory")
}

/// Whether a descriptor is of one of the system's directories, by whatever path it was opened.
fn is_of_the_system(source: &OwnedFd) -> Result<bool> {
    let own = format!("/proc/self/fd/{}", source.as_raw_fd());
    let path = rustix::fs::readlink(&own, Vec::new()).context("readlink")?;
    let path = path.to_string_lossy().into_owned();
    let home = std::env::var("HOME").unwrap_or_default();
    Ok(SYSTEM.contains(&path.as_str()) || path == home)
}

/// Lets go of volumes and throws away what was written to overlays: before a start and after the end.
pub fn clear(engine: &Engine, config: &Config) -> Result<()> {
    shared::release(engine, config)?;
    let uses = |mount: &Mount| mount.options.more.overlay.is_some() || matches!(mount.kind, MountKind::Image(_));
    let dir = &Paths::of(engine, &config.id).dir;
    let mut rooms = Vec::new();
    if config.mounts.iter().any(uses) {
        rooms.push(OVERLAYS);
    }
    if rooms.is_empty() || !dir.is_dir() {
        return Ok(());
    }
    let dir = fs::open_dir(dir)?;
    rooms.into_iter().try_for_each(|room| fs::remove_tree(dir.as_fd(), room))
}

//! The root file system of a container: its image's layers with a directory of its own on top.

use crate::error::{self, Kind};
use crate::fs;
use crate::sys::mount::{self, Attributes, FileSystem};
use anyhow::{Context, Result};
use rustix::io::Errno;
use rustix::mount::MountFlags;
use std::ffi::CString;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::path::{Path, PathBuf};

/// The most lower layers that the kernel takes in one overlay: `OVL_MAX_STACK`.
pub const LAYERS_MAX: usize = 500;

/// What lies below a container's own directory.
#[derive(Clone, Debug, Default)]
pub struct Lower {
    /// Bottom first.
    pub layers: Vec<PathBuf>,
    /// Layers that only have data for files of the others, in the order in which they are asked. Linux 6.16 for an
    /// ordinary user.
    pub data: Vec<PathBuf>,
}

/// How long what is written to an overlay is of use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lifetime {
    Lasting,
    /// It goes with the mount, so that nothing of it has to be on disk: neither when the mount ends nor for an fsync(2).
    Mount,
}

/// Mounts `lower` below `dir/upper` as a detached mount. Makes `upper` and `work` if they are missing; `owner` is whose
/// the root directory is then, if not the engine's user's.
///
/// The directories are named through /proc/self/fd: one fsconfig(2) value ends at 255 bytes, and a store may lie deep.
pub fn mount(lower: &Lower, dir: &Path, owner: Option<(u32, u32)>, lifetime: Lifetime) -> Result<OwnedFd> {
    let layers = &lower.layers;
    if layers.len() + lower.data.len() > LAYERS_MAX {
        return Err(
            Kind::BadInput.error(format!("the image has {} layers, the kernel stacks {LAYERS_MAX}", layers.len()))
        );
    }
    let (upper, work) = (dir.join("upper"), dir.join("work"));
    if fs::create_dir(&upper)? {
        // The root directory of a container is the topmost one: this, made like the one below it.
        let (mode, of_layer) = match layers.last().map(rustix::fs::stat) {
            Some(Ok(top)) => (top.st_mode & 0o7777, (top.st_uid, top.st_gid)),
            // What is wrong with the layer is told when it is opened.
            Some(Err(_)) | None => (0o755, (0, 0)),
        };
        let (uid, gid) = owner.unwrap_or(of_layer);
        if (uid, gid) != (0, 0) {
            let (uid, gid) = (rustix::fs::Uid::from_raw(uid), rustix::fs::Gid::from_raw(gid));
            rustix::fs::chown(&upper, Some(uid), Some(gid)).context("chown upper")?;
        }
        rustix::fs::chmod(&upper, rustix::fs::Mode::from_raw_mode(mode)).context("chmod upper")?;
    }
    if !fs::create_dir(&work)? && lifetime == Lifetime::Mount {
        // The kernel has marked it, and does not take it again.
        fs::remove_tree(fs::open_dir(dir)?.as_fd(), "work")?;
        fs::create_dir(&work)?;
    }
    // The overlay lists its layers from the top down; an image without layers has an empty one.
    let empty = dir.join("empty");
    let mut stack = Vec::new();
    if layers.is_empty() {
        fs::create_dir(&empty)?;
        stack.push(fs::open_dir(&empty)?);
    }
    for layer in layers.iter().rev() {
        stack.push(open_layer(layer)?);
    }
    let data = lower.data.iter().map(|layer| open_layer(layer)).collect::<Result<Vec<_>>>()?;
    let (upper, work) = (fs::open_dir(&upper)?, fs::open_dir(&work)?);
    mount_stack(&stack, &data, Some(&Upper { upper: &upper, work: &work, lifetime }), dir)
}

/// Shows `lower` as one directory that cannot be written to. One layer alone is given as it is, its whiteouts in plain
/// sight. `dir` is where an old kernel mounts for a moment.
pub fn view(lower: &Lower, dir: &Path) -> Result<OwnedFd> {
    if let ([layer], []) = (lower.layers.as_slice(), lower.data.as_slice()) {
        return open_layer(layer);
    }
    let stack = lower.layers.iter().rev().map(|layer| open_layer(layer)).collect::<Result<Vec<_>>>()?;
    let data = lower.data.iter().map(|layer| open_layer(layer)).collect::<Result<Vec<_>>>()?;
    mount_stack(&stack, &data, None, dir)
}

/// The same, with no whiteout in sight. An overlay has two layers at least: those that are added are empty, in `dir`, and
/// at the bottom, since the root has the mode of the topmost.
pub fn view_merged(mut lower: Lower, dir: &Path) -> Result<OwnedFd> {
    for name in ["empty", "bare"].iter().take(2_usize.saturating_sub(lower.layers.len() + lower.data.len())) {
        fs::create_dir(&dir.join(name))?;
        lower.layers.insert(0, dir.join(name));
    }
    view(&lower, dir)
}

/// Where an overlay is written to.
struct Upper<'a> {
    upper: &'a OwnedFd,
    work: &'a OwnedFd,
    lifetime: Lifetime,
}

/// `stack` from the top down, what only has data, and if it is to be written to, the upper and the work directory.
fn mount_stack(stack: &[OwnedFd], data: &[OwnedFd], upper: Option<&Upper<'_>>, dir: &Path) -> Result<OwnedFd> {
    match mount_new(stack, data, upper) {
        Err(error) if is_unknown_option(&error) && data.is_empty() => mount_old(stack, upper, dir),
        other => other,
    }
    .map_err(|error| explain(error, dir))
}

fn open_layer(layer: &Path) -> Result<OwnedFd> {
    fs::open_dir(layer).context("open a layer (the store is damaged: pull or load the image again)")
}

fn own_path(fd: &OwnedFd) -> String {
    format!("/proc/self/fd/{}", fd.as_raw_fd())
}

/// Linux 6.5 and later: `lowerdir+` adds one layer at a time.
fn mount_new(lower: &[OwnedFd], data: &[OwnedFd], upper: Option<&Upper<'_>>) -> Result<OwnedFd> {
    let mut system = FileSystem::open("overlay")?.set("source", "coracle")?;
    for layer in lower {
        system = system.set("lowerdir+", &own_path(layer))?;
    }
    for layer in data {
        system = system.set("datadir+", &own_path(layer))?;
    }
    if let Some(Upper { upper, work, lifetime }) = upper {
        system = system.set("upperdir", &own_path(upper))?.set("workdir", &own_path(work))?;
        if *lifetime == Lifetime::Mount {
            system = system.set_flag("volatile")?;
        }
    }
    system.set_flag("userxattr")?.mount(Attributes::NODEV)
}

fn is_unknown_option(error: &anyhow::Error) -> bool {
    let text = format!("{error:#}");
    text.contains("lowerdir+") && error.chain().any(|cause| cause.downcast_ref::<Errno>() == Some(&Errno::INVAL))
}

/// Before Linux 6.5: all options in one page, mounted by path and then cloned away from there.
fn mount_old(lower: &[OwnedFd], upper: Option<&Upper<'_>>, dir: &Path) -> Result<OwnedFd> {
    let lower = lower.iter().map(own_path).collect::<Vec<_>>().join(":");
    let mut options = format!("lowerdir={lower},userxattr");
    if let Some(Upper { upper, work, lifetime }) = upper {
        // Linux 5.10.
        options.push_str(if *lifetime == Lifetime::Mount { ",volatile" } else { "" });
        options.push_str(&format!(",upperdir={},workdir={}", own_path(upper), own_path(work)));
    }
    if options.len() >= 4096 {
        return Err(Kind::BadInput.error("the image has more layers than this kernel's mount(2) takes in one page"));
    }
    let target = dir.join("merged");
    fs::create_dir(&target)?;
    let target_fd = fs::open_dir(&target)?;
    let (target, options) = (CString::new(own_path(&target_fd))?, CString::new(options)?);
    mount::mount_old("overlay", &target, &options, MountFlags::NODEV)?;
    let detached = mount::clone_tree(mount::here(), &target, false).context("clone the overlay")?;
    mount::detach(&target)?;
    Ok(detached)
}

fn explain(error: anyhow::Error, dir: &Path) -> anyhow::Error {
    let unsupported =
        error.chain().any(|cause| matches!(cause.downcast_ref::<Errno>(), Some(&(Errno::INVAL | Errno::OPNOTSUPP))));
    if !unsupported {
        return error.context("mount the overlay");
    }
    let hint = "move the store to a local ext4, xfs, btrfs or tmpfs directory: coracle --root DIR, or XDG_DATA_HOME";
    error::with_hint(
        error.context(format!("mount the overlay: the file system of {} cannot carry one", dir.display())),
        hint,
    )
}

/// Mounts an overlay over one directory, for a container that must not change it. What it writes goes into `upper`.
/// `scratch` is a directory of the engine's.
pub fn over(lower: OwnedFd, upper: &Path, work: &Path, scratch: &Path) -> Result<OwnedFd> {
    let (upper, work) = (fs::open_dir(upper)?, fs::open_dir(work)?);
    let lower = [lower];
    let above = Upper { upper: &upper, work: &work, lifetime: Lifetime::Lasting };
    match mount_new(&lower, &[], Some(&above)) {
        Err(error) if is_unknown_option(&error) => mount_old(&lower, Some(&above), scratch),
        other => other,
    }
    .map_err(|error| explain(error, scratch))
}

/// A directory of the host as a root, a detached clone of it.
pub fn bind(dir: &Path) -> Result<OwnedFd> {
    let dir_fd = fs::open_dir(dir).context("open the root file system")?;
    let mount = mount::clone_fd(dir_fd.as_fd(), true).with_context(|| format!("clone {}", dir.display()))?;
    mount::set_attributes(mount.as_fd(), Attributes::NODEV, true)?;
    Ok(mount)
}

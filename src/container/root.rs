//! A container's files as a directory: the root that it lives in while it runs, else an overlay of this process's own.
//!
//! Whoever works with them has gone through the door, has a mount namespace of their own, and resolves every path
//! within the [`Root`] that they are given.

use super::config::{Config, MountKind, Source};
use super::control::{Connection, Request};
use super::spec::SHARED_MEMORY;
use super::state::{self, Container, Paths, State, Status};
use super::{shift, stop};
use crate::engine::Engine;
use crate::error::{self, Kind};
use crate::fs::{self, Hold, Lock, Root};
use crate::rootless;
use crate::rootless::map::{self, Extent};
use crate::store::overlay::{self, Lifetime, Lower};
use crate::sys::mount::{self, Attributes};
use crate::sys::namespace::{self, Namespaces};
use crate::sys::process::{self, Cloned};
use crate::sys::socket;
use anyhow::{Context, Result};
use rustix::fs::{AtFlags, OFlags, StatxAttributes, StatxFlags};
use rustix::io::Errno;
use std::ffi::CStr;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::time::{Duration, Instant};

/// How long a container that starts or stops at this moment is waited for.
const SETTLE_TIMEOUT: Duration = Duration::from_secs(10);
const SETTLE_PAUSE: Duration = Duration::from_millis(5);

/// Mounts the root that a container lives in, detached.
pub fn mount(engine: &Engine, config: &Config) -> Result<OwnedFd> {
    let lifetime = if config.auto_remove { Lifetime::Mount } else { Lifetime::Lasting };
    let root = match &config.source {
        Source::Directory(dir) if config.mount_defaults.root_overlay => {
            let lower = Lower { layers: vec![dir.clone()], data: Vec::new() };
            overlay::mount(&lower, &Paths::of(engine, &config.id).dir, None, lifetime)?
        }
        Source::Directory(dir) => overlay::bind(dir)?,
        Source::Image(image) => {
            let ground = shift::ground(engine, config, &image.layers)?;
            overlay::mount(&ground.lower, &Paths::of(engine, &config.id).dir, ground.owner, lifetime)?
        }
    };
    if config.security.no_new_privileges {
        // The kernel ignores set-user-ID bits then; the mount says so too.
        mount::set_attributes(root.as_fd(), Attributes::NOSUID, false)?;
    }
    Ok(root)
}

/// What a container's image is made of, with the container's owners.
pub fn image_layers(engine: &Engine, config: &Config) -> Result<Lower> {
    match &config.source {
        Source::Directory(_) => Ok(Lower::default()),
        Source::Image(image) => Ok(shift::ground(engine, config, &image.layers)?.lower),
    }
}

/// The image's files alone, below what the container has written. None if there are none.
pub fn below(engine: &Engine, config: &Config) -> Result<Option<OwnedFd>> {
    let lower = image_layers(engine, config)?;
    match lower.layers.is_empty() {
        true => Ok(None),
        false => overlay::view(&lower, &Paths::of(engine, &config.id).dir).map(Some),
    }
}

/// The owner that a file has for the container's own root.
pub fn owner_inside(config: &Config, uid: u32, gid: u32) -> Result<(u32, u32)> {
    let users = &config.users;
    translate(&users.uids, &users.gids, map::to_inside, uid, gid)
}

/// The owner that a file must have to belong to a user of the container.
pub fn owner_outside(config: &Config, uid: u32, gid: u32) -> Result<(u32, u32)> {
    let users = &config.users;
    translate(&users.uids, &users.gids, map::to_outside, uid, gid)
}

/// A container without a map of its own has the engine's ids.
fn translate(
    uids: &[Extent],
    gids: &[Extent],
    by: fn(&[Extent], u32) -> Option<u32>,
    uid: u32,
    gid: u32,
) -> Result<(u32, u32)> {
    if uids.is_empty() || map::total(&rootless::read_map("uid")?) <= 1 {
        return Ok((uid, gid));
    }
    let found = by(uids, uid).zip(by(gids, gid));
    found.ok_or_else(|| Kind::Denied.error(format!("uid {uid} or gid {gid} is none of the container's")))
}

/// What the container itself has written: the top of its overlay. None if it has never been started, or if a directory
/// of the host is its root.
pub fn upper(engine: &Engine, config: &Config) -> Result<Option<OwnedFd>> {
    let dir = Paths::of(engine, &config.id).dir.join("upper");
    match (&config.source, dir.is_dir()) {
        (Source::Image(_), true) => fs::open_dir(&dir).map(Some),
        _ => Ok(None),
    }
}

/// The files of a container, with everything that is mounted into it, and what keeps them from changing hands.
pub struct Files {
    pub root: Root,
    /// No monitor takes the files of a container at rest while they are worked with.
    _at_rest: Option<Lock>,
}

/// Opens a container's files for reading and writing.
pub fn open(engine: &Engine, container: &Container) -> Result<Files> {
    settle(engine, container, |now| match now.status {
        Status::Running | Status::Paused => {
            match Connection::open(now)?.ask(Request::Root, &[])?.1.into_iter().next() {
                Some(root) => Ok(Some(Files { root: Root::new(root), _at_rest: None })),
                None => Err(Kind::Engine.error("the monitor has not handed out the container's root")),
            }
        }
        _ => at_rest(engine, now),
    })
}

/// Opens the root file system alone, as it is at this moment, with nothing that is mounted into it. Read-only if the
/// container is at rest.
pub fn alone(engine: &Engine, container: &Container) -> Result<OwnedFd> {
    settle(engine, container, |now| match (now.status, &now.state) {
        (Status::Running | Status::Paused, Some(state)) => clone_live(state).map(Some),
        // Its monitor has not got that far.
        (Status::Running | Status::Paused, None) => Ok(None),
        _ => {
            let dir = Paths::of(engine, &now.config.id).dir;
            let mut lower = image_layers(engine, &now.config)?;
            match &now.config.source {
                Source::Directory(dir) => return overlay::bind(dir).map(Some),
                Source::Image(_) if dir.join("upper").is_dir() => lower.layers.push(dir.join("upper")),
                Source::Image(_) => {}
            }
            overlay::view_merged(lower, &dir).map(Some)
        }
    })
}

/// Does something with a container that may be starting or stopping meanwhile, until it can be done.
fn settle<T>(engine: &Engine, container: &Container, attempt: impl Fn(&Container) -> Result<Option<T>>) -> Result<T> {
    let until = Instant::now() + SETTLE_TIMEOUT;
    loop {
        let now = state::read(engine, &container.config.id)?;
        if now.status == Status::Elsewhere {
            return Err(Kind::InUse.error(format!("container {} belongs to another machine", now.config.name)));
        }
        match attempt(&now) {
            Ok(Some(found)) => return Ok(found),
            Ok(None) if Instant::now() < until => {}
            Ok(None) => {
                let message = format!("the files of container {} are in use by another command", now.config.name);
                return Err(Kind::InUse.error(message));
            }
            // It has just ended: its files are at rest now.
            Err(error) if error::kind(&error) == Kind::InUse && Instant::now() < until => {}
            Err(error) => return Err(error),
        }
        std::thread::sleep(SETTLE_PAUSE);
    }
}

/// Mounts the root of a container that does not run, and into it what it would have there. None if another is faster.
fn at_rest(engine: &Engine, now: &Container) -> Result<Option<Files>> {
    let config = &now.config;
    let paths = Paths::of(engine, &config.id);
    let Some(lock) = Lock::try_take(&paths.alive(), Hold::Exclusive)? else { return Ok(None) };
    if let Some(state) = &now.state {
        stop::end_lost(state)?;
    }
    let root = mount(engine, config)?;
    // Only what is attached somewhere can carry mounts before Linux 6.15; nobody else sees this namespace.
    let stage = paths.dir.join("merged");
    fs::create_dir(&stage)?;
    mount::attach(root.as_fd(), fs::open_dir(&stage)?.as_fd()).context("mount the root file system")?;
    let root = Root::new(root);
    mount_data(engine, config, &root)?;
    if config.read_only {
        mount::set_attributes(root.as_fd(), Attributes::RDONLY, false)?;
    }
    Ok(Some(Files { root, _at_rest: Some(lock) }))
}

/// Mounts the volumes and the host's directories that a container has.
fn mount_data(engine: &Engine, config: &Config, root: &Root) -> Result<()> {
    let mut mounts: Vec<_> = config.mounts.iter().collect();
    mounts.sort_by_key(|mount| Path::new(&mount.target).components().count());
    for asked in mounts {
        // What is written to an overlay goes away with the end of the container, and must not reach its source.
        if asked.options.more.overlay.is_some() {
            continue;
        }
        let source = match &asked.kind {
            MountKind::Bind { source } => source.clone(),
            MountKind::Volume { name, subpath, .. } if subpath.is_empty() => {
                crate::volume::data(engine, name.as_str())
            }
            MountKind::Volume { .. } | MountKind::Tmpfs { .. } | MountKind::Image(_) | MountKind::Devpts(_) => {
                continue;
            }
        };
        // What is not there is told when the container starts; its other files can be worked with.
        let Ok(source) = rustix::fs::openat(
            rustix::fs::CWD,
            &source,
            rustix::fs::OFlags::PATH | rustix::fs::OFlags::CLOEXEC,
            rustix::fs::Mode::empty(),
        ) else {
            continue;
        };
        let target = Path::new(&asked.target);
        let target = if fs::is_kind(&source, rustix::fs::FileType::Directory)? {
            root.make_dir_all(target, 0o755)?
        } else {
            root.make_file(target, 0o644)?
        };
        let source = mount::clone_fd(source.as_fd(), true).with_context(|| format!("mount {}", asked.target))?;
        if asked.read_only {
            mount::set_attributes(source.as_fd(), Attributes::RDONLY, true)?;
        }
        mount::attach(source.as_fd(), target.as_fd()).with_context(|| format!("mount {}", asked.target))?;
    }
    Ok(())
}

/// The longest answer of the process that looks into a container's mount namespace.
const ANSWER_BYTES_MAX: usize = 4 << 10;

/// How long that process may take: a file system that answers from within the container may never do so.
const INSIDE_TIMEOUT: Duration = Duration::from_secs(10);

/// How long it may take to end once it is killed.
const KILLED_TIMEOUT: Duration = Duration::from_secs(1);

/// A clone of a running container's root without what is mounted into it.
fn clone_live(state: &State) -> Result<OwnedFd> {
    from_inside(state.pid, state.pid_start_ticks, || {
        mount::clone_tree(mount::here(), c"/", false).context("open_tree /")
    })
    .context("open the container's root")
}

/// A clone of a running container's shared memory, for one that shares its IPC namespace. It must be the file system in
/// memory that is mounted there: no link, and no directory that the container has put in its place.
pub fn shared_memory(state: &State) -> Result<OwnedFd> {
    from_inside(state.pid, state.pid_start_ticks, || {
        let flags = OFlags::PATH | OFlags::DIRECTORY;
        let found = Root::open(Path::new("/"))?.resolve_without_links(Path::new(SHARED_MEMORY), flags);
        let found = found.context("open it")?;
        let status = rustix::fs::statx(&found, c"", AtFlags::EMPTY_PATH, StatxFlags::TYPE).context("statx")?;
        let is_mounted = status.stx_attributes.contains(StatxAttributes::MOUNT_ROOT);
        if !is_mounted || mount::file_system_magic(found.as_fd())? != mount::TMPFS_MAGIC {
            return Err(Kind::Denied.error("no tmpfs is mounted there"));
        }
        mount::clone_fd(found.as_fd(), false).context("open_tree")
    })
}

/// A clone of what another process of the engine's has mounted at a path, in a mount namespace that no container changes.
pub fn mounted_by(pid: i32, start_ticks: u64, path: &CStr) -> Result<OwnedFd> {
    from_inside(pid, start_ticks, || mount::clone_tree(mount::here(), path, false).context("open_tree"))
}

/// A mount out of a running container. Only a process in its mount namespace can clone one (EINVAL from outside), so one
/// is forked that does nothing else and executes nothing.
fn from_inside(pid: i32, start_ticks: u64, take: impl FnOnce() -> Result<OwnedFd>) -> Result<OwnedFd> {
    let gone = || Kind::InUse.error("the container has just ended");
    let pidfd = process::open_pidfd(pid).map_err(|_| gone())?;
    if state::start_ticks(pid) != Some(start_ticks) {
        return Err(gone());
    }
    let (ours, theirs) = socket::pair()?;
    socket::set_receive_timeout(&ours, Some(INSIDE_TIMEOUT))?;
    match process::fork()? {
        Cloned::Parent(child) => {
            drop(theirs);
            let answer = socket::receive(ours.as_fd(), ANSWER_BYTES_MAX);
            process::end_child(&child, KILLED_TIMEOUT)?;
            let (text, descriptors) = match answer {
                Err(Errno::AGAIN) => {
                    let message = format!("no answer in {} s", INSIDE_TIMEOUT.as_secs());
                    return Err(Kind::Engine.hinted(message, "see what is mounted in that container"));
                }
                other => other.context("hear of it")?.ok_or_else(gone)?,
            };
            let mounted = descriptors.into_iter().next();
            mounted.ok_or_else(|| Kind::Engine.error(String::from_utf8_lossy(&text).into_owned()))
        }
        Cloned::Child => {
            let cloned = namespace::enter(pidfd.as_fd(), Namespaces::CLONE_NEWNS).and_then(|()| take());
            let sent = match cloned {
                Ok(mount) => socket::send(theirs.as_fd(), b"mount", &[mount.as_fd()]),
                Err(error) => socket::send(theirs.as_fd(), error::line(&error).as_bytes(), &[]),
            };
            process::exit_now(i32::from(sent.is_err()))
        }
    }
}

//! The container's mounts: every source a detached mount, every target a descriptor resolved once within the root.

use super::{Inner, devices};
use crate::error::{self, Kind};
use crate::fs::{Root, is_kind};
use crate::sys::mount::{self, Attributes, FileSystem, Propagation};
use crate::sys::namespace::Namespaces;
use anyhow::{Context, Result};
use oci_spec::runtime::{Mount, Spec};
use rustix::fs::{FileType, Mode, OFlags};
use rustix::io::Errno;
use std::ffi::CString;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// The fstab-style options of a mount, sorted by what they do.
#[derive(Default)]
struct Options {
    set: Attributes,
    clear: Attributes,
    propagation: Option<Propagation>,
    /// `key=value` and flags for the file system itself.
    data: Vec<(String, Option<String>)>,
    bind: bool,
    /// Whether a bind leaves out what is mounted below its source.
    is_single: bool,
    /// Whether a new tmpfs starts with what the image has at this place.
    copy_up: bool,
}

impl Options {
    fn parse(options: &[String]) -> Self {
        let mut parsed = Self::default();
        for option in options {
            match option.as_str() {
                "defaults" | "async" | "relatime" | "mand" | "nomand" | "noiversion" | "silent" | "loud" => {}
                "ro" | "rro" => parsed.set |= Attributes::RDONLY,
                "rw" | "rrw" => parsed.clear |= Attributes::RDONLY,
                "nosuid" | "rnosuid" => parsed.set |= Attributes::NOSUID,
                "suid" | "rsuid" => parsed.clear |= Attributes::NOSUID,
                "nodev" | "rnodev" => parsed.set |= Attributes::NODEV,
                "dev" | "rdev" => parsed.clear |= Attributes::NODEV,
                "noexec" | "rnoexec" => parsed.set |= Attributes::NOEXEC,
                "exec" | "rexec" => parsed.clear |= Attributes::NOEXEC,
                "noatime" => parsed.set |= Attributes::NOATIME,
                "nodiratime" => parsed.set |= Attributes::NODIRATIME,
                "strictatime" => parsed.set |= Attributes::STRICTATIME,
                "nosymfollow" => parsed.set |= Attributes::NOSYMFOLLOW,
                "rbind" => parsed.bind = true,
                "bind" => (parsed.bind, parsed.is_single) = (true, true),
                "tmpcopyup" => parsed.copy_up = true,
                "notmpcopyup" => parsed.copy_up = false,
                "private" | "rprivate" => parsed.propagation = Some(Propagation::Private),
                "shared" | "rshared" => parsed.propagation = Some(Propagation::Shared),
                "slave" | "rslave" => parsed.propagation = Some(Propagation::Slave),
                "unbindable" | "runbindable" => parsed.propagation = Some(Propagation::Unbindable),
                other => parsed.data.push(match other.split_once('=') {
                    Some((key, value)) => (key.to_owned(), Some(value.to_owned())),
                    None => (other.to_owned(), None),
                }),
            }
        }
        parsed.set.0 &= !parsed.clear.0;
        parsed
    }
}

/// A mount whose source the caller has made: where it goes, and the detached mount.
pub type Prepared = (PathBuf, OwnedFd);

/// Mounts all that the spec lists, in its order.
pub fn mount_all(root: &Root, spec: &Spec, sources: Vec<Option<OwnedFd>>, inner: &Inner) -> Result<()> {
    for (mount, source) in spec.mounts().iter().flatten().zip(sources) {
        mount_one(root, mount, source, inner).with_context(|| format!("mount {}", mount.destination().display()))?;
    }
    Ok(())
}

/// What the spec's binds are of, as detached mounts; None for a mount that is no bind.
pub fn bind_sources(spec: &Spec, prepared: &[Prepared]) -> Result<Vec<Option<OwnedFd>>> {
    let source = |mount: &Mount| {
        let options = Options::parse(mount.options().as_deref().unwrap_or_default());
        if !options.bind && mount.typ().as_deref().unwrap_or("bind") != "bind" {
            return Ok(None);
        }
        if let Some((_, made)) = prepared.iter().find(|(target, _)| target == mount.destination()) {
            return shape(made.try_clone().context("duplicate mount")?, &options).map(Some);
        }
        bind_source(mount, &options).with_context(|| format!("mount {}", mount.destination().display())).map(Some)
    };
    spec.mounts().iter().flatten().map(source).collect()
}

/// /dev is written to until all devices are in it; a spec that wants it read-only gets it so at the end.
pub fn seal_dev(root: &Root, spec: &Spec) -> Result<()> {
    let is_sealed = |mount: &Mount| {
        is_dev(mount)
            && Options::parse(mount.options().as_deref().unwrap_or_default()).set.contains(Attributes::RDONLY)
    };
    if !spec.mounts().iter().flatten().any(is_sealed) {
        return Ok(());
    }
    let dev = root.resolve(Path::new("/dev"), OFlags::PATH | OFlags::DIRECTORY).context("open /dev")?;
    mount::set_attributes(dev.as_fd(), Attributes::RDONLY, false).context("make /dev read-only")
}

fn is_dev(mount: &Mount) -> bool {
    mount.destination() == Path::new("/dev") && mount.typ().as_deref() == Some("tmpfs")
}

fn mount_one(root: &Root, mount: &Mount, bind: Option<OwnedFd>, inner: &Inner) -> Result<()> {
    let kind = mount.typ().as_deref().unwrap_or("bind");
    let mut options = Options::parse(mount.options().as_deref().unwrap_or_default());
    if is_dev(mount) {
        options.set.0 &= !Attributes::RDONLY.0;
    }
    let source = match kind {
        _ if let Some(source) = bind => source,
        "tmpfs" | "ramfs" if options.copy_up => memory(root, kind, mount.destination(), &options)?,
        "proc" if inner.shares(Namespaces::CLONE_NEWPID) => share(Path::new("/proc"), &options)?,
        "sysfs" if inner.shares(Namespaces::CLONE_NEWNET) => share(Path::new("/sys"), &options)?,
        "mqueue" if inner.shares(Namespaces::CLONE_NEWIPC) => {
            match share(Path::new("/dev/mqueue"), &options) {
                // Not every host has one.
                Err(error) if error.downcast_ref() == Some(&Errno::NOENT) => return Ok(()),
                other => other?,
            }
        }
        "cgroup2" | "cgroup" if inner.shares(Namespaces::CLONE_NEWCGROUP) => {
            share(Path::new("/sys/fs/cgroup"), &options)?
        }
        "cgroup" => new("cgroup2", &options)?,
        "proc" => match new("proc", &options) {
            // A /proc that is itself partly covered may not be mounted anew: mount_namespaces(7). Nested engines see it.
            Err(error) if is_permission(&error) => share(Path::new("/proc"), &options)?,
            other => other?,
        },
        "sysfs" => match new("sysfs", &options) {
            Err(error) if is_permission(&error) => share(Path::new("/sys"), &options)?,
            other => other?,
        },
        _ => new(kind, &options)?,
    };
    let target = if is_kind(&source, FileType::Directory)? {
        root.make_dir_all(mount.destination(), 0o755)?
    } else {
        root.make_file(mount.destination(), 0o644)?
    };
    let target = checked_target(root, mount, target)?;
    mount::attach(source.as_fd(), target.as_fd())?;
    match options.propagation {
        Some(propagation) if propagation != Propagation::Private => {
            mount::set_propagation(source.as_fd(), propagation, true)
        }
        _ => Ok(()),
    }
}

/// A target that the masks, which go by names, will find again: /proc and /sys are mounted on no link's target, and
/// nothing gets onto /proc by a link (CVE-2019-16884, CVE-2019-19921).
fn checked_target(root: &Root, mount: &Mount, target: OwnedFd) -> Result<OwnedFd> {
    let path = mount.destination();
    if [Path::new("/proc"), Path::new("/sys")].contains(&path.as_path()) {
        return match root.resolve_without_links(path, OFlags::PATH | OFlags::DIRECTORY) {
            Err(Errno::LOOP) => {
                Err(Kind::Denied.error(format!("{} of the container is a link, not a directory", path.display())))
            }
            other => other.with_context(|| format!("open {} in the container", path.display())),
        };
    }
    if !path.starts_with("/proc") && mount::file_system_magic(target.as_fd())? == mount::PROC_MAGIC {
        return Err(Kind::Denied.error(format!("{} leads to /proc, which must be the kernel's own", path.display())));
    }
    Ok(target)
}

fn is_permission(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| cause.downcast_ref::<Errno>() == Some(&Errno::PERM))
}

/// A new file system of the kernel's.
fn new(kind: &str, options: &Options) -> Result<OwnedFd> {
    // What /proc/mounts shows as the device; a kernel file system has none.
    let mut system = FileSystem::open(kind)?.set("source", kind)?;
    for (key, value) in &options.data {
        system = match value {
            Some(value) => system.set(key, value)?,
            None => system.set_flag(key)?,
        };
    }
    system.mount(options.set)
}

/// A detached clone of something of the host's, with all that is mounted below it.
fn bind_source(mount: &Mount, options: &Options) -> Result<OwnedFd> {
    let source = mount.source().as_deref().context("a bind mount has a source")?;
    let tree = clone(source, options).map_err(|error| match error.downcast_ref() {
        // mount_namespaces(7), "Restrictions on mount namespaces": what they cover must not come to light.
        Some(&Errno::INVAL) if options.is_single => {
            error::with_hint(error, "something is mounted below it: mount it with rbind")
        }
        Some(&Errno::NOENT) => error::with_hint(error, "create it first"),
        _ => error,
    })?;
    shape(tree, options)
}

fn share(source: &Path, options: &Options) -> Result<OwnedFd> {
    shape(clone(source, options)?, options)
}

fn clone(source: &Path, options: &Options) -> Result<OwnedFd> {
    let name = CString::new(source.as_os_str().as_bytes()).context("mount source with a NUL byte")?;
    mount::clone_tree(mount::here(), &name, !options.is_single).with_context(|| format!("open {}", source.display()))
}

/// Gives a detached mount, and all below it, the attributes and the propagation that were asked for.
fn shape(tree: OwnedFd, options: &Options) -> Result<OwnedFd> {
    // A clone receives the events of what it was cloned from, and goes on to if it is a slave, or slave and shared.
    if !matches!(options.propagation, Some(Propagation::Slave | Propagation::Shared)) {
        mount::set_propagation(tree.as_fd(), Propagation::Private, true)?;
    }
    mount::change_attributes(tree.as_fd(), options.set, Attributes::default(), true)?;
    Ok(tree)
}

/// A file system in memory that begins with what the image has at its place, and with that directory's owner and mode
/// where none are given.
fn memory(root: &Root, kind: &str, target: &Path, options: &Options) -> Result<OwnedFd> {
    let writable = Attributes(options.set.0 & !Attributes::RDONLY.0);
    let made = new(kind, &Options { set: writable, data: options.data.clone(), ..Options::default() })?;
    let directory = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    match root.resolve(target, directory) {
        Ok(original) => {
            let copy = rustix::fs::openat(&made, c".", directory, Mode::empty()).context("open")?;
            crate::fs::copy_contents(original.as_fd(), copy.as_fd()).context("copy what the image has there")?;
            let given = rustix::fs::fstat(&copy).context("fstat")?;
            let mut status = rustix::fs::fstat(&original).context("fstat")?;
            let is_given = |name: &str| options.data.iter().any(|(key, _)| key == name);
            if is_given("mode") {
                status.st_mode = given.st_mode;
            }
            if is_given("uid") || is_given("gid") {
                (status.st_uid, status.st_gid) = (given.st_uid, given.st_gid);
            }
            crate::fs::copy_status(original.as_fd(), copy.as_fd(), &status)?;
        }
        Err(Errno::NOENT | Errno::NOTDIR) => {}
        Err(errno) => return Err(errno).with_context(|| format!("open {}", target.display())),
    }
    mount::set_attributes(made.as_fd(), options.set, false)?;
    Ok(made)
}

/// Covers the spec's masked paths: files by /dev/null, directories by an empty read-only tmpfs.
///
/// A path that does not exist needs no mask. Any other trouble stops the start: half a mask is none.
pub fn mask(root: &Root, paths: &[String]) -> Result<()> {
    for path in paths {
        let target = match root.resolve(Path::new(path), OFlags::PATH) {
            Ok(target) => target,
            Err(Errno::NOENT | Errno::NOTDIR) => continue,
            Err(errno) => return Err(errno).with_context(|| format!("mask {path}")),
        };
        let cover = if is_kind(&target, FileType::Directory)? {
            let attributes = Attributes::RDONLY | Attributes::NOSUID | Attributes::NODEV | Attributes::NOEXEC;
            FileSystem::open("tmpfs")?
                .set("size", "0")?
                .set("nr_inodes", "1")?
                .set("mode", "0555")?
                .mount(attributes)?
        } else {
            devices::null()?
        };
        mount::attach(cover.as_fd(), target.as_fd()).with_context(|| format!("mask {path}"))?;
    }
    Ok(())
}

/// Makes the spec's read-only paths so, by a read-only bind of each over itself.
pub fn make_read_only(root: &Root, paths: &[String]) -> Result<()> {
    for path in paths {
        let target = match root.resolve(Path::new(path), OFlags::PATH) {
            Ok(target) => target,
            Err(Errno::NOENT | Errno::NOTDIR) => continue,
            Err(errno) => return Err(errno).with_context(|| format!("make {path} read-only")),
        };
        let cover = mount::clone_fd(target.as_fd(), true).with_context(|| format!("clone {path}"))?;
        mount::set_attributes(cover.as_fd(), Attributes::RDONLY, true)?;
        mount::attach(cover.as_fd(), target.as_fd()).with_context(|| format!("make {path} read-only"))?;
    }
    Ok(())
}

/// A private handle on this pid namespace's /proc, whatever the container's own /proc is or has been covered with.
pub struct Proc(Root);

impl Proc {
    pub fn open() -> Result<Self> {
        let attributes = Attributes::NOSUID | Attributes::NODEV | Attributes::NOEXEC;
        match FileSystem::open("proc")?.mount(attributes) {
            Ok(proc) => Ok(Self(Root::new(proc))),
            Err(error) if is_permission(&error) => {
                let host = mount::clone_tree(mount::here(), c"/proc", true).context("open /proc")?;
                Ok(Self(Root::new(host)))
            }
            Err(error) => Err(error),
        }
    }

    /// The file into which this process writes the AppArmor profile that its next exec gets.
    pub fn apparmor(&self) -> Result<OwnedFd> {
        let file = self.0.resolve(Path::new("self/attr/apparmor/exec"), OFlags::WRONLY).map_err(|_| {
            Kind::Denied.hinted("set the AppArmor profile: this kernel does not use AppArmor", "leave it out")
        })?;
        if mount::file_system_magic(file.as_fd())? != mount::PROC_MAGIC {
            return Err(Kind::Denied.error("/proc/self/attr is not on a proc file system"));
        }
        Ok(file)
    }

    /// Writes one of its files, once it is proven to lie on a proc file system.
    pub fn write(&self, path: &str, text: &str) -> Result<()> {
        let file = self.0.resolve(Path::new(path), OFlags::WRONLY).with_context(|| format!("open /proc/{path}"))?;
        if mount::file_system_magic(file.as_fd())? != mount::PROC_MAGIC {
            return Err(Kind::Denied.error(format!("/proc/{path} is not on a proc file system")));
        }
        rustix::io::write(&file, text.as_bytes()).with_context(|| format!("write {text:?} to /proc/{path}"))?;
        Ok(())
    }
}

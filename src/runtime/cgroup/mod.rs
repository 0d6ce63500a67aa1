//! Cgroups, version 2: the one that was delegated to us, its leaves for monitor and container, and what is asked of
//! a leaf.
//!
//! ```text
//! coracle-<id>.scope    delegated; holds no process itself, as the kernel wants of one that hands on controllers
//!   monitor/            never limited, so that a container's memory limit cannot end its monitor
//!   container/          the root of the container's cgroup namespace
//! ```
//!
//! The rules are those of the kernel's Documentation/admin-guide/cgroup-v2.rst.

mod explain;
mod limits;
#[cfg(test)]
mod scope_tests;
mod usage;

pub use limits::refuse_limits;
pub use usage::{of_container, usage};

use crate::error::Kind;
use crate::fs;
use crate::sys::namespace;
use anyhow::{Context, Result, bail, ensure};
use nix::poll::{PollFd, PollFlags, PollTimeout};
use rustix::fs::{Access, AtFlags, Mode, OFlags};
use rustix::io::Errno;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Where every init system mounts cgroups; systemd's documentation calls the place fixed.
const MOUNT_POINT: &str = "/sys/fs/cgroup";

/// The longest file that is read: `cgroup.procs` of a cgroup with some hundred thousand processes.
const FILE_BYTES_MAX: usize = 4 << 20;

/// How often the processes of a cgroup are moved on while some of them fork.
const MOVE_ROUNDS_MAX: usize = 32;

/// How deep a container may nest cgroups in its own and still have them removed before its scope goes.
const DEPTH_MAX: usize = 64;

/// `/proc/self/ns/user` of the host: PROC_USER_INIT_INO of the kernel's sources.
const INITIAL_USER_NAMESPACE: u64 = 0xEFFF_FFFD;

/// The cgroup of this process, which it may divide.
#[derive(Debug)]
pub struct Delegated {
    cgroup: Cgroup,
}

/// The two leaves of a delegated cgroup.
#[derive(Debug)]
pub struct Split {
    /// This process, and who was in the delegated cgroup with it.
    pub monitor: Cgroup,
    /// Still empty.
    pub container: Cgroup,
}

/// A cgroup. As a descriptor it is what `clone` takes for a child that is to start in it; a cgroup namespace made by that
/// same clone has it as its root (Linux 5.7).
#[derive(Debug)]
pub struct Cgroup {
    dir: OwnedFd,
    /// As /proc/self/cgroup spells it.
    path: PathBuf,
}

impl Delegated {
    /// Finds this process's own cgroup. The error tells why there is none that may be divided.
    ///
    /// To be called in a scope or unit of our own only: whatever else runs in the cgroup will be moved.
    pub fn find() -> Result<Self> {
        refuse_version_1()?;
        let own = fs::read(Path::new("/proc/self/cgroup"), FILE_BYTES_MAX)?;
        let path = own_path(&own).context("/proc/self/cgroup names no cgroup of version 2")?;
        let root = fs::Root::open(Path::new(MOUNT_POINT))?;
        let flags = OFlags::RDONLY | OFlags::DIRECTORY;
        let dir = root.resolve(&path, flags).with_context(|| format!("open cgroup {}", path.display()))?;
        let cgroup = Cgroup { dir, path };
        cgroup.refuse_foreign()?;
        cgroup.refuse_undelegated()?;
        Ok(Self { cgroup })
    }

    /// Makes the leaves, moves every process into that of the monitor and passes on the controllers there are.
    ///
    /// A second call makes a removed leaf again.
    pub fn split(&self) -> Result<Split> {
        let split = Split { monitor: self.cgroup.child("monitor")?, container: self.cgroup.child("container")? };
        self.cgroup.move_all_to(&split.monitor)?;
        self.cgroup.pass_on_controllers()?;
        Ok(split)
    }

    /// Ends whatever is left in the container's leaf and removes it. The monitor's goes with the scope or unit, once
    /// the monitor has left it.
    pub fn remove_container(&self, timeout: Duration) -> Result<()> {
        let Some(container) = self.cgroup.existing("container")? else { return Ok(()) };
        container.kill()?;
        container.wait_until_empty(timeout)?;
        remove_dir(self.cgroup.as_fd(), Path::new("container"), 0)
            .with_context(|| format!("remove cgroup {}", container.path.display()))
    }
}

impl Cgroup {
    /// The one of a process in it: this or one below it.
    pub fn below(&self, pid: i32) -> Result<Self> {
        let text = fs::read(Path::new(&format!("/proc/{pid}/cgroup")), FILE_BYTES_MAX)?;
        let path = own_path(&text).with_context(|| format!("process {pid} has no cgroup"))?;
        let rest = path.strip_prefix(&self.path).map_err(|_| {
            Kind::Denied.error(format!(
                "process {pid} is in cgroup {}, not in {}",
                path.display(),
                self.path.display()
            ))
        })?;
        let within = fs::Root::new(self.dir.try_clone().context("duplicate cgroup")?);
        let dir = within.resolve_without_links(rest, OFlags::RDONLY | OFlags::DIRECTORY);
        Ok(Self { dir: dir.with_context(|| format!("open cgroup {}", path.display()))?, path })
    }

    /// Kills every process in this cgroup and below, those that are just forking too (Linux 5.14).
    pub fn kill(&self) -> Result<()> {
        self.write("cgroup.kill", "1")
    }

    /// How many processes the kernel has killed in here for want of memory. 0 without the memory controller.
    pub fn oom_kills(&self) -> Result<u64> {
        match self.read_optional("memory.events")? {
            Some(events) => Ok(keyed(&events, "oom_kill").unwrap_or(0)),
            None => Ok(0),
        }
    }

    /// Whether limits of this controller can be set here.
    pub fn has(&self, controller: &str) -> Result<bool> {
        Ok(self.controllers()?.iter().any(|name| name == controller))
    }

    /// Holds every process in this cgroup and below still, or lets them go on, and waits until that is so.
    pub fn freeze(&self, frozen: bool, timeout: Duration) -> Result<()> {
        self.write("cgroup.freeze", if frozen { "1" } else { "0" })?;
        self.wait_for_event("frozen", u64::from(frozen), timeout, "its processes do not obey the freezer")
    }

    /// Waits until no process is left here or below.
    pub fn wait_until_empty(&self, timeout: Duration) -> Result<()> {
        self.wait_for_event("populated", 0, timeout, "processes are left in it")
    }

    fn wait_for_event(&self, key: &str, value: u64, timeout: Duration, otherwise: &str) -> Result<()> {
        let deadline = Instant::now() + timeout;
        let events = self.open("cgroup.events", OFlags::RDONLY).context("open cgroup.events")?;
        loop {
            if keyed(&read_again(&events)?, key) == Some(value) {
                return Ok(());
            }
            let left = deadline.saturating_duration_since(Instant::now());
            ensure!(!left.is_zero(), "cgroup {}: {otherwise}", self.path.display());
            // The kernel tells of every change of cgroup.events by POLLPRI.
            let mut watched = [PollFd::new(events.as_fd(), PollFlags::POLLPRI)];
            // Rounded up: the last wait would otherwise be a spin of less than a millisecond.
            let left = PollTimeout::try_from(left + Duration::from_millis(1)).unwrap_or(PollTimeout::MAX);
            match nix::poll::poll(&mut watched, left) {
                Ok(_) | Err(nix::errno::Errno::EINTR) => {}
                Err(errno) => return Err(errno).context("poll cgroup.events"),
            }
        }
    }

    /// The controllers that may be limited in here.
    fn controllers(&self) -> Result<Vec<String>> {
        let names = self.read("cgroup.controllers")?;
        Ok(names.split_whitespace().map(str::to_owned).collect())
    }

    /// A cgroup below this one, made if need be.
    fn child(&self, name: &str) -> Result<Self> {
        match rustix::fs::mkdirat(&self.dir, name, Mode::from_raw_mode(0o755)) {
            Ok(()) | Err(Errno::EXIST) => {}
            Err(errno) => {
                return Err(errno).with_context(|| format!("create cgroup {}", self.path.join(name).display()));
            }
        }
        self.existing(name)?.with_context(|| format!("cgroup {} has gone again", self.path.join(name).display()))
    }

    fn existing(&self, name: &str) -> Result<Option<Self>> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let path = self.path.join(name);
        match rustix::fs::openat(&self.dir, name, flags, Mode::empty()) {
            Ok(dir) => Ok(Some(Self { dir, path })),
            Err(Errno::NOENT) => Ok(None),
            Err(errno) => Err(errno).with_context(|| format!("open cgroup {}", path.display())),
        }
    }

    /// A cgroup namespace that the mount does not belong to, or a mount of a part, can make a path mean another
    /// cgroup. Ours is the one that we are in.
    fn refuse_foreign(&self) -> Result<()> {
        let own = std::process::id().to_string();
        let processes = self.read("cgroup.procs")?;
        ensure!(processes.lines().any(|pid| pid == own), "cgroup {} is another's", self.path.display());
        Ok(())
    }

    /// Delegation is ownership: "Model of Delegation" in cgroup-v2.rst. Root owns all, so there systemd's mark counts.
    fn refuse_undelegated(&self) -> Result<()> {
        let user_namespace = namespace::open("self", "user")?;
        let by_mark = rustix::process::geteuid().is_root()
            && namespace::inode(user_namespace.as_fd())? == INITIAL_USER_NAMESPACE;
        let delegated = if by_mark { self.has_delegation_mark() } else { self.is_writable() };
        if delegated {
            return Ok(());
        }
        let message = format!("cgroup {} is not delegated to this process", self.path.display());
        Err(Kind::Denied.hinted(message, "in a unit, set Delegate=yes; else run where systemd can make a scope"))
    }

    /// systemd's CGROUP_DELEGATION.md, "trusted.delegate".
    fn has_delegation_mark(&self) -> bool {
        let mut value = [0u8; 8];
        ["trusted.delegate", "user.delegate"].iter().any(|name| {
            rustix::fs::fgetxattr(&self.dir, *name, &mut value[..]).is_ok_and(|length| value[..length] == *b"1")
        })
    }

    fn is_writable(&self) -> bool {
        ["cgroup.procs", "cgroup.subtree_control", "."]
            .iter()
            .all(|name| rustix::fs::accessat(&self.dir, *name, Access::WRITE_OK, AtFlags::EACCESS).is_ok())
    }

    fn move_all_to(&self, leaf: &Self) -> Result<()> {
        for _ in 0..MOVE_ROUNDS_MAX {
            let processes = self.read("cgroup.procs")?;
            if processes.is_empty() {
                return Ok(());
            }
            for pid in processes.lines() {
                ensure!(pid != "0", "cgroup {} has processes of another pid namespace", self.path.display());
                match leaf.try_write("cgroup.procs", pid) {
                    // It has ended meanwhile.
                    Ok(()) | Err(Errno::SRCH) => {}
                    Err(errno) => return Err(errno).with_context(|| format!("move process {pid} to its cgroup")),
                }
            }
        }
        bail!("cgroup {}: its processes fork faster than they are moved", self.path.display())
    }

    /// Passes on one controller after the other, since one that cannot be had (cpu, with real-time processes about)
    /// would take the others with it. Whoever then asks for one that is missing is told.
    fn pass_on_controllers(&self) -> Result<()> {
        for controller in self.controllers()? {
            if self.try_write("cgroup.subtree_control", &format!("+{controller}")) == Err(Errno::BUSY) {
                bail!("cgroup {}: a process has come back into it", self.path.display());
            }
        }
        Ok(())
    }

    fn write(&self, file: &str, value: &str) -> Result<()> {
        self.try_write(file, value).with_context(|| format!("write {value} to {}", self.path.join(file).display()))
    }

    /// The kernel takes a value in one write(2) or not at all.
    fn try_write(&self, file: &str, value: &str) -> rustix::io::Result<()> {
        let written = rustix::io::write(self.open(file, OFlags::WRONLY)?, value.as_bytes())?;
        if written == value.len() { Ok(()) } else { Err(Errno::IO) }
    }

    fn read(&self, file: &str) -> Result<String> {
        self.read_optional(file)?.with_context(|| format!("{} does not exist", self.path.join(file).display()))
    }

    fn read_optional(&self, file: &str) -> Result<Option<String>> {
        let name = || format!("read {}", self.path.join(file).display());
        match self.open(file, OFlags::RDONLY) {
            Ok(fd) => {
                let bytes = fs::read_all(std::fs::File::from(fd), FILE_BYTES_MAX).with_context(name)?;
                String::from_utf8(bytes).with_context(name).map(Some)
            }
            Err(Errno::NOENT) => Ok(None),
            Err(errno) => Err(errno).with_context(name),
        }
    }

    fn open(&self, file: &str, flags: OFlags) -> rustix::io::Result<OwnedFd> {
        rustix::fs::openat(&self.dir, file, flags | OFlags::NOFOLLOW | OFlags::CLOEXEC, Mode::empty())
    }
}

impl AsFd for Cgroup {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.dir.as_fd()
    }
}

/// Only a host with version 2 alone is served: on a hybrid one the controllers are bound to version 1.
fn refuse_version_1() -> Result<()> {
    let is_version_2 = |path: &str| -> Result<Option<bool>> {
        match rustix::fs::statfs(path) {
            Ok(status) => Ok(Some(status.f_type as u64 == libc::CGROUP2_SUPER_MAGIC as u64)),
            Err(Errno::NOENT) => Ok(None),
            Err(errno) => Err(errno).with_context(|| format!("statfs {path}")),
        }
    };
    let hint = "boot with systemd.unified_cgroup_hierarchy=1";
    match is_version_2(MOUNT_POINT)? {
        Some(true) => Ok(()),
        None => Err(Kind::Denied.error("no cgroups are mounted here")),
        Some(false) if is_version_2("/sys/fs/cgroup/unified")? == Some(true) => {
            Err(Kind::Denied.hinted("this host has cgroups of versions 1 and 2 side by side (hybrid)", hint))
        }
        Some(false) if Path::new("/sys/fs/cgroup/memory").exists() => {
            Err(Kind::Denied.hinted("this host has cgroups of version 1", hint))
        }
        Some(false) => Err(Kind::Denied.error("no cgroups are mounted here")),
    }
}

/// The path in the line `0::PATH` of /proc/PID/cgroup. None for one that is not below the root that we see, or that is
/// removed: cgroup_namespaces(7), cgroups(7).
fn own_path(file: &[u8]) -> Option<PathBuf> {
    use std::os::unix::ffi::OsStrExt;
    let path = file.split(|byte| *byte == b'\n').find_map(|line| line.strip_prefix(b"0::"))?;
    let path = Path::new(std::ffi::OsStr::from_bytes(path));
    let outside = path.components().any(|component| component == std::path::Component::ParentDir);
    (path.is_absolute() && !outside && !path.as_os_str().as_bytes().ends_with(b" (deleted)")).then(|| path.to_owned())
}

/// The number after a key in a file of lines `KEY NUMBER`.
fn keyed(text: &str, key: &str) -> Option<u64> {
    text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(' ')?.trim().parse().ok())
}

/// A small file from its start, which also marks its present state as seen for poll(2).
fn read_again(file: &OwnedFd) -> Result<String> {
    let mut bytes = [0; 4096];
    let length = rustix::io::pread(file, &mut bytes[..], 0).context("read cgroup.events")?;
    Ok(String::from_utf8_lossy(&bytes[..length]).into_owned())
}

/// Removes a cgroup and those that a container has made in it. The files in them are no entries: rmdir(2) suffices.
fn remove_dir(parent: BorrowedFd<'_>, name: &Path, depth: usize) -> Result<()> {
    ensure!(depth < DEPTH_MAX, "more than {DEPTH_MAX} cgroups within each other");
    match rustix::fs::unlinkat(parent, name, AtFlags::REMOVEDIR) {
        Ok(()) | Err(Errno::NOENT) => return Ok(()),
        Err(Errno::BUSY | Errno::NOTEMPTY) => {}
        Err(errno) => return Err(errno).context("rmdir"),
    }
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let dir = rustix::fs::openat(parent, name, flags, Mode::empty()).context("open")?;
    for entry in rustix::fs::Dir::read_from(&dir).context("list")? {
        let entry = entry.context("list")?;
        let entry_name = entry.file_name();
        if entry.file_type().is_dir() && entry_name != c"." && entry_name != c".." {
            use std::os::unix::ffi::OsStrExt;
            let entry_name = Path::new(std::ffi::OsStr::from_bytes(entry_name.to_bytes()));
            remove_dir(dir.as_fd(), entry_name, depth + 1)?;
        }
    }
    rustix::fs::unlinkat(parent, name, AtFlags::REMOVEDIR).context("rmdir")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_own_cgroup_is_the_one_of_version_2() {
        for (file, path) in [
            ("0::/user.slice/a.scope\n", Some("/user.slice/a.scope")),
            ("4:memory:/x\n1:name=systemd:/y\n0::/\n", Some("/")),
            ("0::/with:colon and space\n", Some("/with:colon and space")),
            ("4:memory:/x\n", None),
            ("0::/../outside\n", None),
            ("0::/gone (deleted)\n", None),
            ("0::relative\n", None),
            ("", None),
        ] {
            assert_eq!(own_path(file.as_bytes()).as_deref(), path.map(Path::new), "{file}");
        }
    }

    #[test]
    fn keyed_files_are_read_by_whole_keys() {
        let events = "low 0\noom 3\noom_kill 2\noom_group_kill 1\n";
        assert_eq!(keyed(events, "oom_kill"), Some(2));
        assert_eq!(keyed(events, "oom"), Some(3));
        assert_eq!(keyed(events, "kill"), None);
    }
}

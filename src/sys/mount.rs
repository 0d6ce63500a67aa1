//! mount(2), fsopen(2), open_tree(2), move_mount(2), mount_setattr(2), pivot_root(2): mounts by file descriptor.

use crate::error::Kind;
use anyhow::{Context, Result};
use rustix::fs::CWD;
use rustix::io::Errno;
use rustix::mount::{
    FsMountFlags, FsOpenFlags, MountAttrFlags, MountFlags, MoveMountFlags, OpenTreeFlags, UnmountFlags,
};
use std::ffi::CStr;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

/// Mount attributes as mount_setattr(2) names them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Attributes(pub u64);

impl Attributes {
    pub const RDONLY: Self = Self(0x01);
    pub const NOSUID: Self = Self(0x02);
    pub const NODEV: Self = Self(0x04);
    pub const NOEXEC: Self = Self(0x08);
    pub const NOATIME: Self = Self(0x10);
    pub const STRICTATIME: Self = Self(0x20);
    pub const NODIRATIME: Self = Self(0x80);
    pub const NOSYMFOLLOW: Self = Self(0x20_0000);
    /// The two-bit access-time field; it must be cleared before one of its values is set.
    const ATIME_FIELD: u64 = 0x70;

    pub fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

impl std::ops::BitOr for Attributes {
    type Output = Self;
    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl std::ops::BitOrAssign for Attributes {
    fn bitor_assign(&mut self, other: Self) {
        self.0 |= other.0;
    }
}

/// A file system being configured: fsopen(2) and fsconfig(2), Linux 5.2.
pub struct FileSystem {
    context: OwnedFd,
    kind: String,
}

impl FileSystem {
    pub fn open(kind: &str) -> Result<Self> {
        let context =
            rustix::mount::fsopen(kind, FsOpenFlags::FSOPEN_CLOEXEC).with_context(|| format!("fsopen {kind}"))?;
        Ok(Self { context, kind: kind.to_owned() })
    }

    pub fn set(self, key: &str, value: &str) -> Result<Self> {
        rustix::mount::fsconfig_set_string(self.context.as_fd(), key, value)
            .map_err(|errno| self.explain(errno))
            .with_context(|| format!("fsconfig {} {key}={value}", self.kind))?;
        Ok(self)
    }

    pub fn set_flag(self, key: &str) -> Result<Self> {
        rustix::mount::fsconfig_set_flag(self.context.as_fd(), key)
            .map_err(|errno| self.explain(errno))
            .with_context(|| format!("fsconfig {} {key}", self.kind))?;
        Ok(self)
    }

    /// Makes the superblock and a detached mount of it.
    pub fn mount(self, attributes: Attributes) -> Result<OwnedFd> {
        rustix::mount::fsconfig_create(self.context.as_fd())
            .map_err(|errno| self.explain(errno))
            .with_context(|| format!("make {} file system", self.kind))?;
        let flags = MountAttrFlags::from_bits_retain(attributes.0 as u32);
        rustix::mount::fsmount(self.context.as_fd(), FsMountFlags::FSMOUNT_CLOEXEC, flags)
            .with_context(|| format!("fsmount {}", self.kind))
    }

    /// The kernel's own words about the last failure, which it leaves on the context, or the bare errno.
    fn explain(&self, errno: Errno) -> anyhow::Error {
        let mut text = [0u8; 1024];
        match rustix::io::read(&self.context, &mut text) {
            Ok(length) if length > 2 => {
                let said = String::from_utf8_lossy(&text[2..length]);
                anyhow::Error::new(errno).context(said.trim().to_owned())
            }
            _ => anyhow::Error::new(errno),
        }
    }
}

/// A detached clone of the mount that `path`, relative to `dir`, lies on, with that path as its root.
pub fn clone_tree(dir: BorrowedFd<'_>, path: &CStr, recursive: bool) -> rustix::io::Result<OwnedFd> {
    let mut flags = OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC | OpenTreeFlags::AT_EMPTY_PATH;
    if recursive {
        flags |= OpenTreeFlags::AT_RECURSIVE;
    }
    rustix::mount::open_tree(dir, path, flags)
}

/// A detached clone of what an open descriptor refers to.
pub fn clone_fd(fd: BorrowedFd<'_>, recursive: bool) -> rustix::io::Result<OwnedFd> {
    clone_tree(fd, c"", recursive)
}

/// Attaches a detached mount onto what `target` refers to; no path is resolved.
pub fn attach(mount: BorrowedFd<'_>, target: BorrowedFd<'_>) -> Result<()> {
    let flags = MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH | MoveMountFlags::MOVE_MOUNT_T_EMPTY_PATH;
    rustix::mount::move_mount(mount, c"", target, c"", flags).map_err(explain_limit).context("move_mount")
}

/// The kernel says ENOSPC of too many mounts in a namespace: move_mount(2), mount(2). That is no full disk.
fn explain_limit(errno: Errno) -> anyhow::Error {
    match errno {
        Errno::NOSPC => Kind::Denied.hinted(
            "there are as many mounts as fs.mount-max allows",
            "unmount some, or allow more: sudo sysctl fs.mount-max=200000",
        ),
        errno => errno.into(),
    }
}

#[repr(C)]
struct MountAttr {
    attr_set: u64,
    attr_clr: u64,
    propagation: u64,
    userns_fd: u64,
}

fn mount_setattr(mount: BorrowedFd<'_>, attr: &MountAttr, recursive: bool) -> rustix::io::Result<()> {
    let mut flags = libc::AT_EMPTY_PATH;
    if recursive {
        flags |= libc::AT_RECURSIVE;
    }
    // SAFETY: `attr` is a valid `struct mount_attr` of the size passed and outlives the call, the path is a
    // NUL-terminated literal, and the kernel writes to neither.
    let result = unsafe {
        libc::syscall(
            libc::SYS_mount_setattr,
            mount.as_raw_fd(),
            c"".as_ptr(),
            flags,
            std::ptr::from_ref(attr),
            size_of::<MountAttr>(),
        )
    };
    if result == 0 { Ok(()) } else { Err(last_errno()) }
}

/// Adds attributes to a mount, or to all mounts of a tree: mount_setattr(2), Linux 5.12.
pub fn set_attributes(mount: BorrowedFd<'_>, set: Attributes, recursive: bool) -> Result<()> {
    change_attributes(mount, set, Attributes::default(), recursive)
}

/// Sets and clears attributes of a mount, or of all mounts of a tree.
pub fn change_attributes(mount: BorrowedFd<'_>, set: Attributes, clear: Attributes, recursive: bool) -> Result<()> {
    let mut attr = MountAttr { attr_set: set.0, attr_clr: clear.0, propagation: 0, userns_fd: 0 };
    if set.0 & Attributes::ATIME_FIELD != 0 {
        attr.attr_clr |= Attributes::ATIME_FIELD;
    }
    mount_setattr(mount, &attr, recursive)
        .with_context(|| format!("mount_setattr set {:#x} clear {:#x}", set.0, clear.0))
}

/// How mount events travel, as mount(2) names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Propagation {
    Private,
    Shared,
    Slave,
    Unbindable,
}

impl Propagation {
    fn flags(self) -> u64 {
        match self {
            Self::Private => libc::MS_PRIVATE,
            Self::Shared => libc::MS_SHARED,
            Self::Slave => libc::MS_SLAVE,
            Self::Unbindable => libc::MS_UNBINDABLE,
        }
    }
}

/// Changes the propagation of a mount, or of all mounts of a tree.
pub fn set_propagation(mount: BorrowedFd<'_>, propagation: Propagation, recursive: bool) -> Result<()> {
    let attr = MountAttr { attr_set: 0, attr_clr: 0, propagation: propagation.flags(), userns_fd: 0 };
    mount_setattr(mount, &attr, recursive).with_context(|| format!("mount_setattr {propagation:?}"))
}

/// Makes every mount of this mount namespace a receiver of its origin's events and a sender of none.
pub fn make_all_slaves() -> Result<()> {
    let flags = rustix::mount::MountPropagationFlags::DOWNSTREAM | rustix::mount::MountPropagationFlags::REC;
    rustix::mount::mount_change(c"/", flags).context("mount / MS_SLAVE|MS_REC")
}

/// Mounts with the old mount(2), for what the new interface of this kernel cannot take.
pub fn mount_old(kind: &str, target: &CStr, options: &CStr, flags: MountFlags) -> Result<()> {
    let mounted = rustix::mount::mount(kind, target, kind, flags, options).map_err(explain_limit);
    mounted.with_context(|| format!("mount {kind} on {target:?}"))
}

/// Makes `root`, a mount point, the root of this mount namespace and drops the old one.
pub fn pivot_into(root: BorrowedFd<'_>) -> Result<()> {
    rustix::process::fchdir(root).context("fchdir to the new root")?;
    // pivot_root(2), NOTES: `.` twice stacks the old root on the new one, whence it is detached.
    rustix::process::pivot_root(c".", c".").context("pivot_root")?;
    rustix::mount::unmount(c".", UnmountFlags::DETACH).context("umount old root")?;
    rustix::process::chdir(c"/").context("chdir /")
}

/// Detaches whatever is mounted at `path`.
pub fn detach(path: impl rustix::path::Arg + std::fmt::Debug + Copy) -> Result<()> {
    rustix::mount::unmount(path, UnmountFlags::DETACH).with_context(|| format!("umount {path:?}"))
}

/// The file system type (`statfs.f_type`) that a descriptor lies on.
pub fn file_system_magic(fd: BorrowedFd<'_>) -> Result<i64> {
    Ok(rustix::fs::fstatfs(fd).context("fstatfs")?.f_type as i64)
}

/// `PROC_SUPER_MAGIC` of statfs(2).
pub const PROC_MAGIC: i64 = 0x9fa0;

/// `TMPFS_MAGIC` of statfs(2).
pub const TMPFS_MAGIC: i64 = 0x0102_1994;

/// A directory descriptor that path-based calls take as "here".
pub fn here() -> BorrowedFd<'static> {
    CWD
}

fn last_errno() -> Errno {
    Errno::from_io_error(&std::io::Error::last_os_error()).unwrap_or(Errno::IO)
}

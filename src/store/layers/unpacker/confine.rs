//! What the unpacker gives up before the first byte comes: whoever finds a fault in it gets the layers that are being
//! unpacked, and nothing else of the user's.
//!
//! Three fences, each enough for most of what the others keep out: a root directory in which there is the store alone,
//! Landlock within that, and no system call that makes, enters or asks for anything else.

use crate::engine::Engine;
use crate::fs;
use crate::sys::mount::{self, Attributes, FileSystem};
use crate::sys::namespace::{self, Namespaces};
use crate::sys::{landlock, process, seccomp};
use anyhow::{Context, Result};
use rustix::fs::{Mode, OFlags};
use std::os::fd::AsFd;
use std::path::{Component, Path};

/// To connect, and to enter what others are in.
const REFUSED: &[i64] = &[
    libc::SYS_socket,
    libc::SYS_socketpair,
    libc::SYS_connect,
    libc::SYS_bind,
    libc::SYS_listen,
    libc::SYS_accept,
    libc::SYS_accept4,
    libc::SYS_setns,
];

/// Puts up the fences. The caller has one thread, and no mount that is shared with others.
pub fn confine(engine: &Engine) -> Result<()> {
    see_only(&engine.data).context("leave everything but the store")?;
    process::set_no_new_privileges()?;
    let (layers, staging) = (fs::open_dir(&engine.layers())?, fs::open_dir(&engine.staging())?);
    // A kernel without it has the other fences.
    landlock::restrict_to(&[layers.as_fd(), staging.as_fd()])?;
    seccomp::install(&seccomp::refusing(&[REFUSED, seccomp::OTHERS].concat()), 0).map(drop)
}

/// Makes a root directory in which there is this one alone, at its own path.
fn see_only(dir: &Path) -> Result<()> {
    // Whoever forked this one may be in the same mount namespace.
    namespace::unshare(Namespaces::CLONE_NEWNS)?;
    let here = fs::open_dir(dir)?;
    let store = mount::clone_fd(here.as_fd(), true).context("clone the mount of the store")?;
    let root = FileSystem::open("tmpfs")?.set("mode", "0755")?.mount(Attributes::NOSUID | Attributes::NODEV)?;
    // Any directory will do: all that is mounted here goes with the old root.
    mount::attach(root.as_fd(), here.as_fd())?;
    let mut place = root.try_clone().context("dup")?;
    for component in dir.components() {
        if let Component::Normal(name) = component {
            rustix::fs::mkdirat(&place, name, Mode::RWXU).context("mkdir")?;
            let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            place = rustix::fs::openat(&place, name, flags, Mode::empty()).context("open")?;
        }
    }
    mount::attach(store.as_fd(), place.as_fd())?;
    mount::pivot_into(root.as_fd())
}

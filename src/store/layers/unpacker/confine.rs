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

/// To connect, to execute, to look into other processes or signal them, to mount, to enter or to ask the kernel for more.
const REFUSED: &[i64] = &[
    libc::SYS_socket,
    libc::SYS_socketpair,
    libc::SYS_connect,
    libc::SYS_bind,
    libc::SYS_listen,
    libc::SYS_accept,
    libc::SYS_accept4,
    libc::SYS_execve,
    libc::SYS_execveat,
    libc::SYS_ptrace,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_process_madvise,
    libc::SYS_pidfd_open,
    libc::SYS_pidfd_getfd,
    libc::SYS_pidfd_send_signal,
    libc::SYS_kcmp,
    libc::SYS_kill,
    libc::SYS_tkill,
    libc::SYS_rt_sigqueueinfo,
    libc::SYS_rt_tgsigqueueinfo,
    libc::SYS_setpriority,
    libc::SYS_prlimit64,
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_pivot_root,
    libc::SYS_chroot,
    libc::SYS_open_tree,
    libc::SYS_move_mount,
    libc::SYS_mount_setattr,
    libc::SYS_fsopen,
    libc::SYS_fsconfig,
    libc::SYS_fsmount,
    libc::SYS_fspick,
    libc::SYS_setns,
    libc::SYS_unshare,
    libc::SYS_open_by_handle_at,
    libc::SYS_bpf,
    libc::SYS_perf_event_open,
    libc::SYS_userfaultfd,
    libc::SYS_io_uring_setup,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
    libc::SYS_add_key,
    libc::SYS_request_key,
    libc::SYS_keyctl,
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_kexec_load,
    libc::SYS_reboot,
    libc::SYS_swapon,
    libc::SYS_swapoff,
    libc::SYS_sethostname,
    libc::SYS_setdomainname,
    libc::SYS_settimeofday,
    libc::SYS_clock_settime,
    libc::SYS_fanotify_init,
];

/// Puts up the fences. The caller has one thread, and no mount that is shared with others.
pub fn confine(engine: &Engine) -> Result<()> {
    see_only(&engine.data).context("leave everything but the store")?;
    process::set_no_new_privileges()?;
    let (layers, staging) = (fs::open_dir(&engine.layers())?, fs::open_dir(&engine.staging())?);
    // A kernel without it has the other fences.
    landlock::restrict_to(&[layers.as_fd(), staging.as_fd()])?;
    seccomp::install(&seccomp::refusing(REFUSED), 0).map(drop)
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

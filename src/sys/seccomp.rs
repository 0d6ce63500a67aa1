//! seccomp(2).

use anyhow::{Context, Result, ensure};
use seccompiler::sock_filter;
use std::os::fd::{FromRawFd, OwnedFd};

/// `BPF_MAXINSNS`: the longest program that the kernel takes.
const INSTRUCTIONS_MAX: usize = 4096;

/// Puts this thread and all it will execute under a filter. Needs no_new_privs or CAP_SYS_ADMIN in the user namespace.
///
/// Gives the descriptor of `SECCOMP_FILTER_FLAG_NEW_LISTENER`, by which others answer calls, if that is among the flags.
pub fn install(program: &[sock_filter], flags: u32) -> Result<Option<OwnedFd>> {
    ensure!(
        !program.is_empty() && program.len() <= INSTRUCTIONS_MAX,
        "seccomp program of {} instructions",
        program.len()
    );
    let program = libc::sock_fprog {
        len: program.len() as u16,
        filter: program.as_ptr().cast::<libc::sock_filter>().cast_mut(),
    };
    // SAFETY: `program` describes `len` instructions (checked to fit) that outlive the call; seccompiler's
    // `sock_filter` is `repr(C)` with the kernel's four fields, and the kernel only reads them.
    let result = unsafe {
        libc::syscall(libc::SYS_seccomp, libc::SECCOMP_SET_MODE_FILTER, flags, std::ptr::from_ref(&program))
    };
    if result < 0 {
        return Err(std::io::Error::last_os_error()).context("seccomp SET_MODE_FILTER");
    }
    let listens = flags & libc::SECCOMP_FILTER_FLAG_NEW_LISTENER as u32 != 0;
    // SAFETY: with this flag the result is a new descriptor, close-on-exec, that nobody else knows of.
    Ok(listens.then(|| unsafe { OwnedFd::from_raw_fd(result as i32) }))
}

/// What no fenced part of the engine has to do: to execute, to look into other processes or signal them, to mount, to enter
/// a new namespace, or to ask the kernel for more.
pub const OTHERS: &[i64] = &[
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

/// `AUDIT_ARCH_*` of this architecture, linux/audit.h.
#[cfg(target_arch = "x86_64")]
const ARCHITECTURE: u32 = 0xc000_003e;
#[cfg(target_arch = "aarch64")]
const ARCHITECTURE: u32 = 0xc000_00b7;

/// The numbers of the x32 ABI begin here, under the architecture of x86-64.
const X32_FIRST: u32 = 0x4000_0000;

// Classic BPF: linux/bpf_common.h; offsets in `struct seccomp_data`: linux/seccomp.h.
const LOAD_WORD: u16 = 0x20;
const JUMP_EQUAL: u16 = 0x15;
const JUMP_GREATER_EQUAL: u16 = 0x35;
const AND: u16 = 0x54;
const RETURN: u16 = 0x06;
const NUMBER_AT: u32 = 0;
const ARCHITECTURE_AT: u32 = 4;
/// The lower half of the first two arguments.
const FIRST_AT: u32 = 16;
const SECOND_AT: u32 = 24;

fn step(code: u16, jt: u8, jf: u8, k: u32) -> sock_filter {
    sock_filter { code, jt, jf, k }
}

fn allow() -> sock_filter {
    step(RETURN, 0, 0, libc::SECCOMP_RET_ALLOW)
}

fn refuse() -> sock_filter {
    step(RETURN, 0, 0, libc::SECCOMP_RET_ERRNO | libc::EPERM as u32)
}

/// Refuses calls of other architectures, and leaves the number of the call to be looked at.
fn of_this_architecture() -> Vec<sock_filter> {
    vec![
        step(LOAD_WORD, 0, 0, ARCHITECTURE_AT),
        step(JUMP_EQUAL, 1, 0, ARCHITECTURE),
        refuse(),
        step(LOAD_WORD, 0, 0, NUMBER_AT),
        step(JUMP_GREATER_EQUAL, 0, 1, X32_FIRST),
        refuse(),
    ]
}

/// A program that lets all system calls pass but these, and those of other architectures: they are not permitted.
pub fn refusing(calls: &[i64]) -> Vec<sock_filter> {
    let mut program = of_this_architecture();
    for call in calls {
        program.extend([step(JUMP_EQUAL, 0, 1, *call as u32), refuse()]);
    }
    program.push(allow());
    program
}

/// As [`refusing`], and sockets are of these families alone.
pub fn refusing_but_sockets(calls: &[i64], families: &[i32]) -> Vec<sock_filter> {
    let mut program = refusing(calls);
    // The last step is the one that allows what is left.
    program.pop();
    program.extend([step(JUMP_EQUAL, 1, 0, libc::SYS_socket as u32), allow(), step(LOAD_WORD, 0, 0, FIRST_AT)]);
    for family in families {
        program.extend([step(JUMP_EQUAL, 0, 1, *family as u32), allow()]);
    }
    program.push(refuse());
    program
}

/// A program that lets no system call pass but these and socket(2) for TCP and UDP over IPv4 and IPv6.
pub fn allowing_internet(calls: &[i64]) -> Vec<sock_filter> {
    let mut program = of_this_architecture();
    for call in calls {
        program.extend([step(JUMP_EQUAL, 0, 1, *call as u32), allow()]);
    }
    program.extend([
        step(JUMP_EQUAL, 1, 0, libc::SYS_socket as u32),
        refuse(),
        step(LOAD_WORD, 0, 0, FIRST_AT),
        step(JUMP_EQUAL, 2, 0, libc::AF_INET as u32),
        step(JUMP_EQUAL, 1, 0, libc::AF_INET6 as u32),
        refuse(),
        step(LOAD_WORD, 0, 0, SECOND_AT),
        // The flags are above the type: linux/net.h, SOCK_TYPE_MASK.
        step(AND, 0, 0, 0xf),
        step(JUMP_EQUAL, 2, 0, libc::SOCK_STREAM as u32),
        step(JUMP_EQUAL, 1, 0, libc::SOCK_DGRAM as u32),
        refuse(),
        allow(),
    ]);
    program
}

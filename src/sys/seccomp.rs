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

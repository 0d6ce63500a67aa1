//! keyctl(2).

use std::ffi::CStr;

const KEYCTL_JOIN_SESSION_KEYRING: libc::c_long = 1;

/// Gives this process a session keyring of its own, so that it sees none of its parent's keys.
///
/// Errors with ENOSYS where the kernel has no keyrings, and EDQUOT where the user has too many.
pub fn join_new_session(name: &CStr) -> std::io::Result<()> {
    // SAFETY: `name` is NUL-terminated and outlives the call; the kernel only reads it.
    let result = unsafe { libc::syscall(libc::SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, name.as_ptr()) };
    if result >= 0 { Ok(()) } else { Err(std::io::Error::last_os_error()) }
}

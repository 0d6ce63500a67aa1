//! signal(7), signalfd(2), pidfd_send_signal(2).

use anyhow::{Context, Result};
use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, SigmaskHow, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use std::os::fd::{AsRawFd, BorrowedFd};

/// Blocks these signals and delivers them through a descriptor instead.
pub fn to_descriptor(signals: &[Signal]) -> Result<SignalFd> {
    let mut set = SigSet::empty();
    signals.iter().for_each(|signal| set.add(*signal));
    nix::sys::signal::sigprocmask(SigmaskHow::SIG_BLOCK, Some(&set), None).context("sigprocmask")?;
    SignalFd::with_flags(&set, SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK).context("signalfd")
}

/// Signals that wait until this is dropped.
pub struct Held(SigSet);

/// Lets signals wait.
pub fn hold(signals: &[Signal]) -> Result<Held> {
    let (mut set, mut before) = (SigSet::empty(), SigSet::empty());
    signals.iter().for_each(|signal| set.add(*signal));
    nix::sys::signal::sigprocmask(SigmaskHow::SIG_BLOCK, Some(&set), Some(&mut before)).context("sigprocmask")?;
    Ok(Held(before))
}

impl Drop for Held {
    fn drop(&mut self) {
        // Fails for arguments alone that are not valid: sigprocmask(2).
        let _ = nix::sys::signal::sigprocmask(SigmaskHow::SIG_SETMASK, Some(&self.0), None);
    }
}

/// Lets a signal do nothing.
pub fn ignore(signal: Signal) -> Result<()> {
    set(signal, SigHandler::SigIgn)
}

/// Every signal unblocked and at its default, as a program expects at its start.
pub fn reset_all() -> Result<()> {
    for signal in Signal::iterator() {
        if signal != Signal::SIGKILL && signal != Signal::SIGSTOP {
            set(signal, SigHandler::SigDfl)?;
        }
    }
    nix::sys::signal::sigprocmask(SigmaskHow::SIG_SETMASK, Some(&SigSet::empty()), None).context("sigprocmask")
}

fn set(signal: Signal, handler: SigHandler) -> Result<()> {
    let action = SigAction::new(handler, SaFlags::empty(), SigSet::empty());
    // SAFETY: the handlers used here are SIG_IGN and SIG_DFL; no Rust code ever runs in signal context.
    unsafe { nix::sys::signal::sigaction(signal, &action) }.with_context(|| format!("sigaction {signal}"))?;
    Ok(())
}

/// Sends a signal, by number (real-time signals have no name), to the process a pidfd refers to.
pub fn send(pidfd: BorrowedFd<'_>, signal: i32) -> std::io::Result<()> {
    // SAFETY: the call takes no pointers but the null `siginfo`, which asks for the default one.
    let result = unsafe {
        libc::syscall(libc::SYS_pidfd_send_signal, pidfd.as_raw_fd(), signal, std::ptr::null::<libc::siginfo_t>(), 0)
    };
    if result == 0 { Ok(()) } else { Err(std::io::Error::last_os_error()) }
}

/// `PIDFD_SIGNAL_PROCESS_GROUP` of pidfd_send_signal(2), Linux 6.9.
const PROCESS_GROUP: u32 = 1 << 2;

/// Sends a signal to the process group that a process leads; before Linux 6.9 to the process alone.
pub fn send_to_group(pidfd: BorrowedFd<'_>, signal: i32) -> std::io::Result<()> {
    // SAFETY: as above.
    let result = unsafe {
        let none = std::ptr::null::<libc::siginfo_t>();
        libc::syscall(libc::SYS_pidfd_send_signal, pidfd.as_raw_fd(), signal, none, PROCESS_GROUP)
    };
    match std::io::Error::last_os_error() {
        _ if result == 0 => Ok(()),
        error if error.raw_os_error() == Some(libc::EINVAL) => send(pidfd, signal),
        error => Err(error),
    }
}

/// The number of a signal named `TERM`, `SIGTERM`, `15` or `SIGRTMIN+3`, as kill(1) takes them.
pub fn parse(name: &str) -> Option<i32> {
    let upper = name.to_ascii_uppercase();
    if let Ok(number) = upper.parse::<i32>() {
        return (1..=64).contains(&number).then_some(number);
    }
    let short = upper.strip_prefix("SIG").unwrap_or(&upper);
    // The field's numbering counts RTMIN as 34, leaving two for the C library.
    for (prefix, base, sign) in [("RTMIN+", 34, 1), ("RTMAX-", 64, -1)] {
        if let Some(offset) = short.strip_prefix(prefix) {
            let number = base + sign * offset.parse::<i32>().ok()?;
            return (34..=64).contains(&number).then_some(number);
        }
    }
    match short {
        "RTMIN" => Some(34),
        "RTMAX" => Some(64),
        "CLD" => Some(libc::SIGCHLD),
        "POLL" => Some(libc::SIGIO),
        _ => format!("SIG{short}").parse::<Signal>().ok().map(|signal| signal as i32),
    }
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn signals_parse_as_kill_takes_them() {
        for (name, number) in
            [("TERM", 15), ("sigterm", 15), ("9", 9), ("SIGRTMIN+3", 37), ("RTMAX-1", 63), ("rtmin", 34)]
        {
            assert_eq!(parse(name), Some(number), "{name}");
        }
        for name in ["", "0", "65", "SIGNOPE", "-1", "RTMIN+31", "RTMIN+-1"] {
            assert_eq!(parse(name), None, "{name}");
        }
    }
}

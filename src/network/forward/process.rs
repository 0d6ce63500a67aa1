//! The forwarder as a process of its own: what it leaves behind before it hears the first client.

use super::run::Loop;
use super::{Limits, Listener, Options, source};
use crate::error::{Kind, Wire};
use crate::sys::namespace::{self, Namespaces};
use crate::sys::process::{self, Child, Cloned};
use crate::sys::{landlock, seccomp, signal, socket};
use anyhow::{Context, Result};
use caps::Capability;
use nix::sys::signal::Signal;
use rustix::net::{AddressFamily, SocketFlags, SocketType, socket_with};
use std::convert::Infallible;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::Duration;

/// The process's name, of the 15 bytes that the kernel keeps.
const NAME: &std::ffi::CStr = c"coracle-forward";

/// How long it has to get ready.
const START_TIMEOUT: Duration = Duration::from_secs(10);

const ANSWER_BYTES_MAX: usize = 64 << 10;

/// What it says when it is ready: a warning for the user, if there is one.
type Answer = std::result::Result<Option<String>, Wire>;

/// A forwarder that runs. Dropping it ends it, and frees the host's ports.
#[derive(Debug)]
pub struct Forwarder {
    pub child: Child,
    /// What the user should know once.
    pub warning: Option<String>,
}

impl Drop for Forwarder {
    fn drop(&mut self) {
        // It may have died by itself.
        let _ = signal::send(self.child.pidfd.as_fd(), libc::SIGKILL);
        let _ = process::wait(self.child.pidfd.as_fd());
    }
}

/// Forks a forwarder, which joins the bridge namespace; this process must be single-threaded, and in the user namespace
/// that owns that one. Returns when it is ready. It ends with this process.
pub fn start(listeners: Vec<Listener>, bridge: BorrowedFd<'_>, options: Options) -> Result<Forwarder> {
    let (ours, theirs) = socket::pair()?;
    match process::fork().context("fork the forwarder")? {
        Cloned::Child => {
            drop(ours);
            let Err(error) = become_forwarder(listeners, bridge, options, theirs.as_fd());
            // Its parent may have gone, and then it is not needed.
            let _ = tell(theirs.as_fd(), &Err(Wire::from(&error)));
            process::exit_now(1)
        }
        Cloned::Parent(child) => {
            let mut forwarder = Forwarder { child, warning: None };
            drop(theirs);
            socket::set_receive_timeout(&ours, Some(START_TIMEOUT))?;
            forwarder.warning = hear(ours.as_fd()).context("start the forwarder of published ports")?;
            Ok(forwarder)
        }
    }
}

fn hear(socket: BorrowedFd<'_>) -> Result<Option<String>> {
    match socket::receive(socket, ANSWER_BYTES_MAX).context("hear the forwarder")? {
        Some((bytes, _)) => {
            let answer: Answer = serde_json::from_slice(&bytes).context("parse the forwarder's answer")?;
            answer.map_err(anyhow::Error::from)
        }
        None => Err(Kind::Engine.error("it died")),
    }
}

fn tell(socket: BorrowedFd<'_>, answer: &Answer) -> Result<()> {
    socket::send(socket, &serde_json::to_vec(answer)?, &[]).context("answer")
}

fn become_forwarder(
    listeners: Vec<Listener>,
    bridge: BorrowedFd<'_>,
    mut options: Options,
    control: BorrowedFd<'_>,
) -> Result<Infallible> {
    nix::sys::prctl::set_name(NAME).context("prctl PR_SET_NAME")?;
    signal::reset_all()?;
    signal::ignore(Signal::SIGPIPE)?;
    let null = crate::fs::open_null()?;
    process::set_stdio(null.as_fd(), null.as_fd(), null.as_fd())?;
    namespace::enter(bridge, Namespaces::CLONE_NEWNET).context("join the bridge namespace")?;
    let (stdin, stdout, stderr) = (std::io::stdin(), std::io::stdout(), std::io::stderr());
    let mut kept = vec![stdin.as_fd(), stdout.as_fd(), stderr.as_fd(), control];
    kept.extend(listeners.iter().map(|listener| listener.socket.as_fd()));
    process::close_all_but(&kept)?;
    // `null` is closed by now, and must not be closed again when its number means something else.
    std::mem::forget(null);
    let limits = Limits::within(raise_descriptor_limit(listeners.len())?, listeners.len());
    give_up_capabilities()?;
    let warning = check_transparency(&mut options);
    let forwarder = Loop::new(listeners, options, limits)?;
    // Any change of credentials before would have undone it.
    process::set_parent_death_signal(Signal::SIGKILL)?;
    confine().context("confine the forwarder")?;
    // One whose parent has died before the signal was asked for ends here.
    tell(control, &Ok(warning))?;
    forwarder.run()
}

/// How many descriptors this process may have.
fn raise_descriptor_limit(listeners: usize) -> Result<usize> {
    let (soft, hard) = process::limit(libc::RLIMIT_NOFILE).context("getrlimit RLIMIT_NOFILE")?;
    let wanted = (Limits::descriptors_wanted(listeners) as u64).min(hard);
    if wanted > soft {
        process::set_limit(libc::RLIMIT_NOFILE, wanted, hard).context("setrlimit RLIMIT_NOFILE")?;
    }
    Ok(soft.max(wanted) as usize)
}

/// Whether clients can keep their addresses. If not, they come from the gateway, and the user is told.
pub(super) fn check_transparency(options: &mut Options) -> Option<String> {
    if !options.keeps_client_address {
        return None;
    }
    let flags = SocketFlags::CLOEXEC;
    let made = socket_with(AddressFamily::INET, SocketType::STREAM, flags, None);
    let errno = made.and_then(|socket| source::set_transparent(&socket)).err()?;
    options.keeps_client_address = false;
    Some(format!(
        "published ports: the container sees the gateway's address instead of its clients': setsockopt IP_TRANSPARENT: {errno}"
    ))
}

/// Keeps the one by which a socket may have an address of another host's: ip(7), IP_TRANSPARENT.
fn give_up_capabilities() -> Result<()> {
    process::keep_capabilities(&[Capability::CAP_NET_RAW])
}

/// What the loop, the allocator and a panic need. Sockets are of the internet's families alone, as `sys/seccomp.rs` has
/// it: no raw ones, by which the one capability would be worth something, and none to the user's other programs.
const ALLOWED: &[i64] = &[
    libc::SYS_accept4,
    libc::SYS_bind,
    libc::SYS_brk,
    libc::SYS_clock_gettime,
    libc::SYS_close,
    libc::SYS_connect,
    libc::SYS_epoll_ctl,
    libc::SYS_epoll_pwait,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_epoll_wait,
    libc::SYS_exit,
    libc::SYS_exit_group,
    libc::SYS_fcntl,
    libc::SYS_futex,
    libc::SYS_getpeername,
    libc::SYS_getpid,
    libc::SYS_getrandom,
    libc::SYS_getsockname,
    libc::SYS_getsockopt,
    libc::SYS_gettid,
    libc::SYS_madvise,
    libc::SYS_mmap,
    libc::SYS_mprotect,
    libc::SYS_mremap,
    libc::SYS_munmap,
    libc::SYS_pipe2,
    libc::SYS_read,
    libc::SYS_recvfrom,
    libc::SYS_recvmsg,
    libc::SYS_restart_syscall,
    libc::SYS_rt_sigaction,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigreturn,
    libc::SYS_sendmsg,
    libc::SYS_sendto,
    libc::SYS_setsockopt,
    libc::SYS_shutdown,
    libc::SYS_sigaltstack,
    libc::SYS_splice,
    libc::SYS_tgkill,
    libc::SYS_write,
    libc::SYS_writev,
];

/// Puts up the fences, for this thread.
fn confine() -> Result<()> {
    process::set_no_new_privileges()?;
    // A kernel without it has the other fence.
    landlock::restrict_files()?;
    seccomp::install(&seccomp::allowing_internet(ALLOWED), 0).map(drop)
}

/// What [`start`] makes of a process, for one thread of the tests'.
#[cfg(test)]
pub fn run_confined(listeners: Vec<Listener>, options: Options, limits: Limits) -> Result<Infallible> {
    let forwarder = Loop::new(listeners, options, limits)?;
    confine_thread()?;
    forwarder.run()
}

#[cfg(test)]
pub fn confine_thread() -> Result<()> {
    give_up_capabilities()?;
    confine()
}

//! clone(2), execve(2), waitid(2), pidfd_open(2), prctl(2), close_range(2), credentials(7).

use anyhow::{Context, Result};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::wait::{Id, WaitPidFlag, WaitStatus};
use rustix::process::{Pid, PidfdFlags};
use std::ffi::{CStr, CString};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::time::{Duration, Instant};

/// Which side of a clone this is.
pub enum Cloned {
    Child,
    Parent(Child),
}

/// A child process, held by its pidfd.
#[derive(Debug)]
pub struct Child {
    pub pid: i32,
    pub pidfd: OwnedFd,
}

/// `struct clone_args` of clone3(2), as of Linux 5.7.
#[repr(C)]
#[derive(Default)]
struct CloneArgs {
    flags: u64,
    pidfd: u64,
    child_tid: u64,
    parent_tid: u64,
    exit_signal: u64,
    stack: u64,
    stack_size: u64,
    tls: u64,
    set_tid: u64,
    set_tid_size: u64,
    cgroup: u64,
}

/// How long a thread that has nothing left to do may take to be gone.
const ENDING: Duration = Duration::from_secs(1);

const CLONE_INTO_CGROUP: u64 = 0x2_0000_0000;

/// Forks with new namespaces and other `CLONE_` flags, perhaps straight into a cgroup (Linux 5.7).
///
/// The caller must be single-threaded: the child goes on with a copy of everything, locks included. The engine's
/// commands fork when the work of their threads is done, and the monitor has none.
pub fn clone(flags: i32, cgroup: Option<BorrowedFd<'_>>) -> Result<Cloned> {
    let is_alone = await_other_threads();
    debug_assert!(is_alone, "clone needs a single-threaded process");
    let mut pidfd: RawFd = -1;
    let with_parent = flags & libc::CLONE_PARENT != 0;
    let mut args = CloneArgs {
        flags: (flags | libc::CLONE_PIDFD) as u32 as u64,
        pidfd: std::ptr::from_mut(&mut pidfd) as u64,
        // With CLONE_PARENT the exit signal is the caller's own and must not be given: clone(2).
        exit_signal: if with_parent { 0 } else { libc::SIGCHLD as u64 },
        ..CloneArgs::default()
    };
    if let Some(cgroup) = cgroup {
        args.flags |= CLONE_INTO_CGROUP;
        args.cgroup = cgroup.as_raw_fd() as u64;
    }
    // SAFETY: without CLONE_VM this is fork(2): the child has its own copy of memory and returns from here on the same
    // stack. `args` is a valid `clone_args` of the size passed, and `pidfd` outlives the call that writes it.
    let mut pid = unsafe { libc::syscall(libc::SYS_clone3, std::ptr::from_ref(&args), size_of::<CloneArgs>()) };
    if pid < 0 && cgroup.is_none() && std::io::Error::last_os_error().raw_os_error() == Some(libc::ENOSYS) {
        // Under a filter that denies clone3, as `--init` is in a container: its flags lie in memory, clone's do not.
        let flags = args.flags | args.exit_signal;
        // SAFETY: as above; a null stack is the caller's own copy, and clone(2) writes the pidfd where its third argument
        // points, on x86-64 and arm64 (Linux 5.2). The two behind it are not used by these flags.
        pid = unsafe { libc::syscall(libc::SYS_clone, flags, 0, std::ptr::from_mut(&mut pidfd), 0, 0) };
    }
    match pid {
        0 => Ok(Cloned::Child),
        pid if pid > 0 => {
            // SAFETY: the kernel has just made this descriptor for us (CLONE_PIDFD), and nothing else owns it.
            let pidfd = unsafe { OwnedFd::from_raw_fd(pidfd) };
            Ok(Cloned::Parent(Child { pid: pid as i32, pidfd }))
        }
        _ => Err(std::io::Error::last_os_error()).with_context(|| format!("clone3 flags {flags:#x}")),
    }
}

/// Waits for threads that have done their work and are on their way out, such as those of a finished scope or of a name
/// that was looked up. Whether this one is alone now.
fn await_other_threads() -> bool {
    let deadline = Instant::now() + ENDING;
    while thread_count() > 1 {
        if Instant::now() > deadline {
            return false;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    true
}

fn thread_count() -> usize {
    std::fs::read_dir("/proc/self/task").map_or(1, Iterator::count)
}

/// Sets a variable of this process's own environment, for itself and what it executes. The caller must be
/// single-threaded, as for [`clone`].
pub fn set_variable(name: &str, value: &str) {
    debug_assert_eq!(thread_count(), 1, "setenv needs a single-threaded process");
    // SAFETY: no other thread reads the environment meanwhile, since there is none.
    unsafe { std::env::set_var(name, value) }
}

/// Forks without any flags.
pub fn fork() -> Result<Cloned> {
    clone(0, None)
}

/// The most descriptors that a process may have open which needs many.
const DESCRIPTORS_WANTED: u64 = 16 << 10;

/// Lets this process open more files, as far as its limit may be raised: a tree is walked with two open for each level,
/// and a keeper serves many.
pub fn raise_descriptor_limit() -> Result<()> {
    use nix::sys::resource::{Resource, getrlimit, setrlimit};
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE).context("getrlimit")?;
    let wanted = DESCRIPTORS_WANTED.min(hard);
    if soft < wanted { setrlimit(Resource::RLIMIT_NOFILE, wanted, hard).context("setrlimit") } else { Ok(()) }
}

/// Gives up all capabilities of this thread but those of these that it has.
pub fn keep_capabilities(wanted: &[caps::Capability]) -> Result<()> {
    use caps::{CapSet, CapsHashSet};
    let held = caps::read(None, CapSet::Permitted).context("read permitted capabilities")?;
    let kept: CapsHashSet = held.into_iter().filter(|capability| wanted.contains(capability)).collect();
    caps::clear(None, CapSet::Ambient).context("clear ambient capabilities")?;
    for (which, set) in
        [(CapSet::Inheritable, &CapsHashSet::new()), (CapSet::Effective, &kept), (CapSet::Permitted, &kept)]
    {
        caps::set(None, which, set).with_context(|| format!("set {which:?} capabilities"))?;
    }
    Ok(())
}

/// This process, in its own pid namespace.
pub fn own_pid() -> i32 {
    std::process::id() as i32
}

/// Ends this process at once: no destructors, no buffers flushed. For forked children.
pub fn exit_now(code: i32) -> ! {
    // SAFETY: _exit(2) takes a number and does not return.
    unsafe { libc::_exit(code) }
}

/// A descriptor for a process, which never comes to mean another one.
pub fn open_pidfd(pid: i32) -> std::io::Result<OwnedFd> {
    let pid = Pid::from_raw(pid).ok_or_else(|| std::io::Error::from_raw_os_error(libc::ESRCH))?;
    Ok(rustix::process::pidfd_open(pid, PidfdFlags::empty())?)
}

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    Code(i32),
    Signal(i32),
}

impl Exit {
    /// The one number that shells and engines make of it: 128 + the signal's.
    pub fn code(self) -> i32 {
        match self {
            Self::Code(code) => code,
            Self::Signal(signal) => 128 + signal,
        }
    }
}

/// Reaps a child if it has ended.
pub fn try_wait(pidfd: BorrowedFd<'_>) -> Result<Option<Exit>> {
    wait_with(pidfd, WaitPidFlag::WEXITED | WaitPidFlag::WNOHANG)
}

/// Kills a child and reaps it. One that the kernel does not let go of in this time, for what it waits for cannot be
/// interrupted, is left to whoever reaps after this process.
pub fn end_child(child: &Child, timeout: Duration) -> Result<()> {
    kill_child(child.pid);
    let millis = PollTimeout::try_from(timeout).unwrap_or(PollTimeout::MAX);
    // A signal that comes meanwhile makes the wait shorter, which nobody notices.
    let _ = poll(&mut [PollFd::new(child.pidfd.as_fd(), PollFlags::POLLIN)], millis);
    try_wait(child.pidfd.as_fd()).map(drop)
}

/// Waits for a child to end, and reaps it.
pub fn wait(pidfd: BorrowedFd<'_>) -> Result<Exit> {
    loop {
        if let Some(exit) = wait_with(pidfd, WaitPidFlag::WEXITED)? {
            return Ok(exit);
        }
    }
}

fn wait_with(pidfd: BorrowedFd<'_>, flags: WaitPidFlag) -> Result<Option<Exit>> {
    match nix::sys::wait::waitid(Id::PIDFd(pidfd), flags) {
        Ok(WaitStatus::Exited(_, code)) => Ok(Some(Exit::Code(code))),
        Ok(WaitStatus::Signaled(_, signal, _)) => Ok(Some(Exit::Signal(signal as i32))),
        Ok(_) | Err(nix::errno::Errno::EINTR) => Ok(None),
        Err(errno) => Err(errno).context("waitid"),
    }
}

/// Reaps any ended child, as pid 1 must. None when no ended child is left.
pub fn reap_any() -> Option<(i32, Exit)> {
    let mut status = 0;
    loop {
        // SAFETY: `status` outlives the call that writes it.
        let pid = unsafe { libc::waitpid(-1, &mut status, libc::WNOHANG) };
        if pid > 0 {
            let signal = status & 0x7f;
            let exit = if signal == 0 { Exit::Code((status >> 8) & 0xff) } else { Exit::Signal(signal) };
            return Some((pid, exit));
        }
        if pid == 0 || std::io::Error::last_os_error().raw_os_error() != Some(libc::EINTR) {
            return None;
        }
    }
}

/// Makes every orphan among this process's descendants its child: prctl(2), PR_SET_CHILD_SUBREAPER.
pub fn adopt_orphans() -> Result<()> {
    nix::sys::prctl::set_child_subreaper(true).context("prctl PR_SET_CHILD_SUBREAPER")
}

/// Kills a child that has not been reaped: only so does its pid mean nobody else.
pub fn kill_child(pid: i32) {
    // One that has ended meanwhile is as good as killed.
    let _ = nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), nix::sys::signal::Signal::SIGKILL);
}

/// Reaps this child if it has ended.
pub fn reap(pid: i32) {
    let flags = WaitPidFlag::WEXITED | WaitPidFlag::WNOHANG;
    // One that another call has reaped already is gone, too.
    let _ = nix::sys::wait::waitid(Id::Pid(nix::unistd::Pid::from_raw(pid)), flags);
}

/// Replaces this process by a program.
pub fn execve(path: &CStr, arguments: &[CString], environment: &[CString]) -> std::io::Error {
    match nix::unistd::execve(path, arguments, environment) {
        Err(errno) => errno.into(),
    }
}

/// Replaces this process by the program that a descriptor refers to: execveat(2) with an empty path.
pub fn execve_fd(program: BorrowedFd<'_>, arguments: &[CString], environment: &[CString]) -> std::io::Error {
    match nix::unistd::execveat(program, c"", arguments, environment, nix::fcntl::AtFlags::AT_EMPTY_PATH) {
        Err(errno) => errno.into(),
    }
}

/// Marks every descriptor from `first` on close-on-exec: close_range(2), Linux 5.11.
pub fn close_on_exec_from(first: RawFd) -> Result<()> {
    close_range(first as u32, u32::MAX, libc::CLOSE_RANGE_CLOEXEC).context("close_range CLOEXEC")
}

/// Closes every descriptor but those named; for a child that goes on without an exec.
pub fn close_all_but(keep: &[BorrowedFd<'_>]) -> Result<()> {
    let mut keep: Vec<u32> = keep.iter().map(|fd| fd.as_raw_fd() as u32).collect();
    keep.sort_unstable();
    let mut next = 0;
    for fd in keep {
        if fd > next {
            close_range(next, fd - 1, 0).context("close_range")?;
        }
        next = fd + 1;
    }
    close_range(next, u32::MAX, 0).context("close_range")
}

fn close_range(first: u32, last: u32, flags: u32) -> std::io::Result<()> {
    // SAFETY: closing descriptors is memory-safe. The callers are about to exec, or own none of the closed ones: a
    // forked child that from here on uses only those it has named.
    let result = unsafe { libc::syscall(libc::SYS_close_range, first, last, flags) };
    if result == 0 { Ok(()) } else { Err(std::io::Error::last_os_error()) }
}

/// Leaves the terminal and the streams: who waits for the end of what the engine says does not wait for this process, nor
/// does a terminal that is closed end it.
pub fn go_apart(null: BorrowedFd<'_>) -> Result<()> {
    set_stdio(null, null, null)?;
    rustix::process::setsid().context("setsid").map(drop)
}

/// Lets a descriptor survive the next exec.
pub fn keep_on_exec(fd: BorrowedFd<'_>) -> Result<()> {
    rustix::io::fcntl_setfd(fd, rustix::io::FdFlags::empty()).context("fcntl F_SETFD")
}

/// Takes over a descriptor that this program was started with. None if it is not open.
pub fn inherited(number: RawFd) -> Option<OwnedFd> {
    if number < 3 {
        return None;
    }
    // SAFETY: F_GETFD takes no pointer; it only tells whether the number is open. One that is closed on exec was made by
    // this program, and -1 has that bit too.
    if unsafe { libc::fcntl(number, libc::F_GETFD) } & libc::FD_CLOEXEC != 0 {
        return None;
    }
    // SAFETY: the number is open (just asked), was handed over by the program that executed this one, and is taken
    // once, at start, before anything else could have made a descriptor of that number.
    let fd = unsafe { OwnedFd::from_raw_fd(number) };
    rustix::io::fcntl_setfd(fd.as_fd(), rustix::io::FdFlags::CLOEXEC).ok()?;
    Some(fd)
}

/// Puts descriptors at 0, 1 and 2.
pub fn set_stdio(stdin: BorrowedFd<'_>, stdout: BorrowedFd<'_>, stderr: BorrowedFd<'_>) -> Result<()> {
    for (fd, number) in [(stdin, 0), (stdout, 1), (stderr, 2)] {
        // SAFETY: dup2 takes numbers; 0, 1 and 2 belong to the standard streams, which this call is there to replace.
        if unsafe { libc::dup2(fd.as_raw_fd(), number) } < 0 {
            return Err(std::io::Error::last_os_error()).with_context(|| format!("dup2 onto {number}"));
        }
        if fd.as_raw_fd() == number {
            keep_on_exec(fd)?;
        }
    }
    Ok(())
}

/// Puts descriptors at the numbers at which the program that is about to be executed expects them.
pub fn place(descriptors: &[(RawFd, OwnedFd)]) -> Result<()> {
    for (number, fd) in descriptors {
        // SAFETY: dup2 takes numbers. Whatever else has this number is not used any more: the callers are about to
        // exec, and have moved what they need until then to higher ones.
        if unsafe { libc::dup2(fd.as_raw_fd(), *number) } < 0 {
            return Err(std::io::Error::last_os_error()).with_context(|| format!("dup2 onto {number}"));
        }
    }
    Ok(())
}

/// A copy of one of the standard streams, as a descriptor of our own.
pub fn standard_stream(number: RawFd) -> Result<OwnedFd> {
    // SAFETY: the three standard numbers are never closed by this program; std re-opens missing ones at start.
    let stream = unsafe { BorrowedFd::borrow_raw(number) };
    rustix::io::fcntl_dupfd_cloexec(stream, 3).with_context(|| format!("duplicate descriptor {number}"))
}

/// Has the kernel send this process a signal when its parent dies. Any later change of credentials forgets it.
pub fn set_parent_death_signal(signal: nix::sys::signal::Signal) -> Result<()> {
    nix::sys::prctl::set_pdeathsig(signal).context("prctl PR_SET_PDEATHSIG")
}

/// Whether others of the same user may trace this process and read its /proc files, and a crash may leave a core.
pub fn is_dumpable() -> Result<bool> {
    nix::sys::prctl::get_dumpable().context("prctl PR_GET_DUMPABLE")
}

/// Says so. What is executed later begins with yes.
pub fn set_dumpable(dumpable: bool) -> Result<()> {
    nix::sys::prctl::set_dumpable(dumpable).context("prctl PR_SET_DUMPABLE")
}

/// Forbids this process and its children to gain privileges by exec.
pub fn set_no_new_privileges() -> Result<()> {
    nix::sys::prctl::set_no_new_privs().context("prctl PR_SET_NO_NEW_PRIVS")
}

/// Wipes this process's arguments and environment from its memory, and names it anew, for those who look in /proc.
///
/// For a process that has read both and will not do so again.
pub fn forget_arguments(name: &CStr) -> Result<()> {
    let text = std::fs::read_to_string("/proc/self/stat").context("read /proc/self/stat")?;
    // proc_pid_stat(5): after the name in parentheses, fields 48 to 51 are arg_start, arg_end, env_start and env_end.
    let fields: Vec<&str> = text.rsplit_once(") ").map_or("", |(_, rest)| rest).split_whitespace().collect();
    for range in [45..47, 47..49] {
        let numbers: Vec<usize> =
            fields.get(range).unwrap_or_default().iter().filter_map(|word| word.parse().ok()).collect();
        if let [start, end] = numbers[..]
            && start != 0
            && end > start
        {
            // SAFETY: the kernel says that this is where it put this process's own argument or environment strings, on
            // a stack that lives as long as the process; nothing in this program holds a reference into them.
            unsafe { std::ptr::write_bytes(start as *mut u8, 0, end - start) };
        }
    }
    nix::sys::prctl::set_name(name).context("prctl PR_SET_NAME")
}

/// Keeps permitted capabilities over the next change from uid 0.
pub fn set_keep_capabilities(keep: bool) -> Result<()> {
    nix::sys::prctl::set_keepcaps(keep).context("prctl PR_SET_KEEPCAPS")
}

/// Becomes this user and group, with exactly these supplementary groups. `groups` None leaves them as they are, which
/// a user namespace with `setgroups` denied forces.
pub fn become_user(uid: u32, gid: u32, groups: Option<&[u32]>) -> Result<()> {
    if let Some(groups) = groups {
        let groups: Vec<nix::unistd::Gid> = groups.iter().map(|gid| nix::unistd::Gid::from_raw(*gid)).collect();
        nix::unistd::setgroups(&groups).with_context(|| format!("setgroups {groups:?}"))?;
    }
    let (user, group) = (nix::unistd::Uid::from_raw(uid), nix::unistd::Gid::from_raw(gid));
    nix::unistd::setresgid(group, group, group).with_context(|| format!("setresgid {gid}"))?;
    nix::unistd::setresuid(user, user, user).with_context(|| format!("setresuid {uid}"))
}

/// A resource limit, by its number in getrlimit(2). `u64::MAX` means unlimited.
pub fn set_limit(resource: u32, soft: u64, hard: u64) -> std::io::Result<()> {
    let limit = libc::rlimit { rlim_cur: soft, rlim_max: hard };
    // SAFETY: `limit` outlives the call, which only reads it; a resource that the kernel does not know is EINVAL.
    let result = unsafe { libc::setrlimit(resource as _, &limit) };
    if result == 0 { Ok(()) } else { Err(std::io::Error::last_os_error()) }
}

/// The soft and hard value of a resource limit.
pub fn limit(resource: u32) -> std::io::Result<(u64, u64)> {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: `limit` outlives the call that writes it.
    let result = unsafe { libc::getrlimit(resource as _, &mut limit) };
    if result == 0 { Ok((limit.rlim_cur, limit.rlim_max)) } else { Err(std::io::Error::last_os_error()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As in a wait that nothing interrupts, a child whose tracer has not been told of its end does not end.
    #[test]
    fn a_child_that_does_not_end_is_not_waited_for() {
        let mut sleeping = std::process::Command::new("sleep").arg("1000").spawn().unwrap();
        let pid = sleeping.id().cast_signed();
        let child = Child { pid, pidfd: open_pidfd(pid).unwrap() };
        // SAFETY: PTRACE_SEIZE takes no memory of ours.
        let seized = unsafe { libc::ptrace(libc::PTRACE_SEIZE, child.pid, 0, libc::PTRACE_O_TRACEEXIT) };
        assert_eq!(seized, 0);
        end_child(&child, Duration::from_millis(50)).unwrap();
        // The control: it is there still, and ends when it is let go.
        assert_eq!(try_wait(child.pidfd.as_fd()).unwrap(), None);
        // SAFETY: PTRACE_DETACH takes no memory of ours.
        while unsafe { libc::ptrace(libc::PTRACE_DETACH, child.pid, 0, 0) } != 0 {}
        let status = sleeping.wait().unwrap();
        assert_eq!(std::os::unix::process::ExitStatusExt::signal(&status), Some(libc::SIGKILL));
    }
}

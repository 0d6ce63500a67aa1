//! The last steps of every process in a container, pid 1 or exec'd: from the engine's process to the user's program.

use super::channel::{Channel, Message};
use super::identity::Identity;
use super::{capabilities, seccomp};
use crate::error::Kind;
use crate::fs::Root;
use crate::sys::keyring;
use crate::sys::process as sys;
use crate::sys::terminal::{self, Pty};
use anyhow::{Context, Result};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::Signal;
use oci_spec::runtime::{ContainerState, Hook, LinuxPersonalityDomain, LinuxSeccomp, PosixRlimitType, Process};
use rustix::fs::{Mode, OFlags};
use std::ffi::CString;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

/// `DEVPTS_SUPER_MAGIC` of statfs(2).
const DEVPTS_MAGIC: i64 = 0x1cd1;

/// linux/personality.h.
const PER_LINUX32: i32 = 8;

/// The standard streams, opened and owned by the process's user.
pub struct Streams {
    pub stdin: OwnedFd,
    pub stdout: OwnedFd,
    pub stderr: OwnedFd,
    /// Both ends, if the streams are a terminal.
    pub pty: Option<Pty>,
}

impl Streams {
    /// Opens the terminal of the devpts in `root`, or takes the pipes.
    pub fn open(stdio: &super::Stdio, root: &Root, process: &Process) -> Result<Self> {
        let streams = match stdio {
            super::Stdio::Passed { stdin, stdout, stderr } => {
                let (stdin, stdout, stderr) = (stdin.try_clone()?, stdout.try_clone()?, stderr.try_clone()?);
                return Ok(Self { stdin, stdout, stderr, pty: None });
            }
            super::Stdio::Pipes { stdin, stdout, stderr } => {
                let (stdin, stdout, stderr) = (stdin.try_clone()?, stdout.try_clone()?, stderr.try_clone()?);
                Self { stdin, stdout, stderr, pty: None }
            }
            super::Stdio::Terminal { size } => {
                let pts =
                    root.resolve(Path::new("/dev/pts"), OFlags::PATH | OFlags::DIRECTORY).context("open /dev/pts")?;
                if crate::sys::mount::file_system_magic(pts.as_fd())? != DEVPTS_MAGIC {
                    return Err(Kind::Denied.error("/dev/pts of the container is not a devpts file system"));
                }
                let pty = terminal::open_pty(pts.as_fd())?;
                if let Some(size) = size {
                    terminal::set_size(pty.slave.as_fd(), *size)?;
                }
                let clone = || pty.slave.try_clone().context("duplicate terminal");
                Self { stdin: clone()?, stdout: clone()?, stderr: clone()?, pty: Some(pty) }
            }
        };
        if let Some(pty) = &streams.pty {
            give_stream(&pty.slave, process.user().uid(), process.user().gid())?;
        }
        Ok(streams)
    }
}

/// Makes a stream that of a user, unless it is /dev/null.
pub fn give_stream(stream: &OwnedFd, uid: u32, gid: u32) -> Result<()> {
    if !is_null(stream) {
        let (user, group) = (rustix::fs::Uid::from_raw(uid), rustix::fs::Gid::from_raw(gid));
        rustix::fs::fchown(stream, Some(user), Some(group)).context("give a stream to the container's user")?;
    }
    Ok(())
}

fn is_null(stream: &OwnedFd) -> bool {
    rustix::fs::fstat(stream).is_ok_and(|status| status.st_rdev == rustix::fs::makedev(1, 3))
}

/// The working directory, created within the root if it is missing, never changed if it is there.
pub fn working_directory(root: &Root, process: &Process) -> Result<OwnedFd> {
    let path = process.cwd();
    root.make_dir_all(path, 0o755)
        .map_err(|error| Kind::Engine.error(crate::error::line(&error)))
        .with_context(|| format!("working directory {}", path.display()))
}

/// Everything between "the namespaces stand" and "the program runs". Returns only to report what went wrong.
pub struct Last<'a> {
    pub process: &'a Process,
    pub seccomp: Option<&'a LinuxSeccomp>,
    pub personality: Option<LinuxPersonalityDomain>,
    /// The file that takes the AppArmor profile.
    pub apparmor: Option<OwnedFd>,
    /// Hooks that run as the last before the program, and what they are told.
    pub hooks: Option<(&'a [Hook], Identity<'a>, i32)>,
    pub streams: Streams,
    /// Descriptors that the program has besides, by their numbers in it.
    pub preserved: &'a [(i32, OwnedFd)],
    pub working_directory: OwnedFd,
    pub channel: Channel,
    /// False where the user namespace denies setgroups(2), as one with a single id must.
    pub may_set_groups: bool,
    pub with_init: bool,
}

/// Descriptors, and the numbers that they shall have.
pub type Placed = Vec<(i32, OwnedFd)>;

impl Last<'_> {
    /// Copies of the preserved descriptors above all of their numbers; what is needed until the exec goes there too.
    fn move_preserved(&mut self) -> Result<Placed> {
        let Some(highest) = self.highest() else { return Ok(Vec::new()) };
        self.channel.move_above(highest)?;
        let copy = |(number, fd): &(i32, OwnedFd)| {
            let copy = rustix::io::fcntl_dupfd_cloexec(fd, highest + 1).context("move a descriptor")?;
            Ok((*number, copy))
        };
        self.preserved.iter().map(copy).collect()
    }

    /// The highest number of a preserved descriptor.
    pub fn highest(&self) -> Option<i32> {
        self.preserved.iter().map(|(number, _)| *number).max()
    }
}

/// Confines this process and executes the program.
pub fn finish(mut last: Last<'_>) -> (anyhow::Error, Channel) {
    let moved = last.move_preserved();
    let error = match moved.and_then(|moved| confine_and_execute(&mut last, &moved)) {
        Ok(never) => match never {},
        Err(error) => error,
    };
    (error, last.channel)
}

fn confine_and_execute(last: &mut Last<'_>, preserved: &Placed) -> Result<std::convert::Infallible> {
    let process = last.process;
    let user = process.user();
    if let Err(error) = keyring::join_new_session(c"_ses.coracle")
        && error.raw_os_error() != Some(libc::ENOSYS)
    {
        return Err(error).context("make a session keyring");
    }
    limit(process)?;
    if last.personality == Some(LinuxPersonalityDomain::PerLinux32) {
        let persona = nix::sys::personality::Persona::from_bits_retain(PER_LINUX32);
        nix::sys::personality::set(persona).context("personality PER_LINUX32")?;
    }
    // The filter is compiled now, while there is still a right to fail loudly, and installed below.
    let filter = last.seccomp.map(seccomp::compile).transpose().context("compile the seccomp profile")?;
    let masters: Vec<BorrowedFd<'_>> = last.streams.pty.iter().map(|pty| pty.master.as_fd()).collect();
    last.channel.send_with(&Message::Ready, &masters)?;
    last.channel.wait_for_go()?;

    crate::sys::signal::reset_all()?;
    rustix::process::setsid().context("setsid")?;
    if let Some(pty) = &last.streams.pty {
        terminal::set_controlling(pty.slave.as_fd())?;
    }
    sys::set_stdio(last.streams.stdin.as_fd(), last.streams.stdout.as_fd(), last.streams.stderr.as_fd())?;

    let capabilities = process.capabilities().as_ref().map(capabilities::Sets::from).unwrap_or_default();
    let capabilities = capabilities::before_user_change(&capabilities).context("drop capabilities")?;
    // Without no_new_privs the kernel takes a filter only from who has CAP_SYS_ADMIN, which is about to go.
    let no_new_privileges = process.no_new_privileges() == Some(true);
    if no_new_privileges {
        sys::set_no_new_privileges()?;
    }
    if let Some(filter) = &filter
        && !no_new_privileges
    {
        install(filter, &last.channel)?;
    }
    rustix::process::fchdir(&last.working_directory)
        .with_context(|| format!("change to working directory {}", process.cwd().display()))?;
    let groups = last.may_set_groups.then(|| user.additional_gids().as_deref().unwrap_or_default());
    sys::become_user(user.uid(), user.gid(), groups)?;
    capabilities::after_user_change(&capabilities).context("set capabilities")?;
    rustix::process::umask(Mode::from_raw_mode(user.umask().unwrap_or(0o022)));
    if let Some(filter) = &filter
        && no_new_privileges
    {
        install(filter, &last.channel)?;
    }
    if let Some((hooks, identity, pid)) = last.hooks {
        super::hooks::run(hooks, identity, ContainerState::Created, pid)?;
    }
    if let (Some(file), Some(name)) = (&last.apparmor, process.apparmor_profile()) {
        rustix::io::write(file, format!("exec {name}").as_bytes())
            .with_context(|| format!("set AppArmor profile {name}"))?;
    }
    die_with_parent(&last.channel)?;
    if last.with_init {
        return super::init::become_init(last, preserved);
    }
    execute(process, preserved)
}

/// Installs the filter. If it asks an agent, the next call may wait for that: so the agent's descriptor goes first.
fn install(filter: &seccomp::Filter, channel: &Channel) -> Result<()> {
    match filter.install()? {
        Some(listener) => channel.send_with(&Message::Listener, &[listener.as_fd()]),
        None => Ok(()),
    }
}

/// From here on this process ends when the monitor does. It may have ended before this call, which the channel tells.
pub fn die_with_parent(channel: &Channel) -> Result<()> {
    sys::set_parent_death_signal(Signal::SIGKILL)?;
    let mut polled = [PollFd::new(channel.as_fd(), PollFlags::empty())];
    poll(&mut polled, PollTimeout::ZERO).context("poll")?;
    if polled[0].revents().is_some_and(|events| events.contains(PollFlags::POLLHUP)) {
        return Err(Kind::Engine.error("the monitor has gone away"));
    }
    Ok(())
}

/// Executes the program, looked up in the container's PATH, and explains why not: exit codes 126 and 127.
pub fn execute(process: &Process, preserved: &[(i32, OwnedFd)]) -> Result<std::convert::Infallible> {
    let arguments = c_strings(process.args().as_deref().unwrap_or_default())?;
    let environment = c_strings(process.env().as_deref().unwrap_or_default())?;
    let program = arguments.first().ok_or_else(|| Kind::BadInput.error("no command to run"))?;
    let name = program.to_string_lossy().into_owned();
    sys::close_on_exec_from(3)?;
    sys::place(preserved)?;
    let mut denied = None;
    for path in candidates(program, process.env().as_deref().unwrap_or_default())? {
        let error = sys::execve(&path, &arguments, &environment);
        match error.raw_os_error() {
            Some(libc::ENOENT | libc::ENOTDIR) => {}
            _ => denied = denied.or(Some(error)),
        }
    }
    Err(match denied {
        // ENOENT of a file that is there: the interpreter of a script, or the loader of a binary, is missing.
        Some(error) => {
            let hint = match error.raw_os_error() {
                Some(libc::ENOEXEC) => "the file is of another architecture, or a script without #!",
                Some(libc::EACCES) => "it must be a regular file with the execute bit, on a mount without noexec",
                _ => {
                    return Err(Kind::NotExecutable.error(plain(&error)))
                        .with_context(|| format!("execute {name:?}"));
                }
            };
            Kind::NotExecutable.hinted(format!("execute {name:?}: {}", plain(&error)), hint)
        }
        None if name.contains('/') => {
            Kind::CommandNotFound.error(format!("execute {name:?}: no such file in the container"))
        }
        None => Kind::CommandNotFound.error(format!("execute {name:?}: no such program in the container's PATH")),
    })
}

fn plain(error: &std::io::Error) -> String {
    nix::errno::Errno::from_raw(error.raw_os_error().unwrap_or(0)).desc().to_lowercase()
}

/// The paths to try for a program, as execvp(3) does.
fn candidates(program: &CString, environment: &[String]) -> Result<Vec<CString>> {
    if program.as_bytes().contains(&b'/') {
        return Ok(vec![program.clone()]);
    }
    let path = environment.iter().rev().find_map(|entry| entry.strip_prefix("PATH=")).unwrap_or(DEFAULT_PATH);
    let join = |dir: &str| {
        let dir = if dir.is_empty() { "." } else { dir };
        let mut path = format!("{dir}/").into_bytes();
        path.extend_from_slice(program.as_bytes());
        CString::new(path).context("PATH with a NUL byte")
    };
    path.split(':').map(join).collect()
}

/// What an image without a PATH gets.
pub const DEFAULT_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

fn c_strings(texts: &[String]) -> Result<Vec<CString>> {
    texts.iter().map(|text| CString::new(text.as_str()).with_context(|| format!("{text:?} has a NUL byte"))).collect()
}

fn limit(process: &Process) -> Result<()> {
    for limit in process.rlimits().iter().flatten() {
        let resource = match limit.typ() {
            PosixRlimitType::RlimitCpu => libc::RLIMIT_CPU,
            PosixRlimitType::RlimitFsize => libc::RLIMIT_FSIZE,
            PosixRlimitType::RlimitData => libc::RLIMIT_DATA,
            PosixRlimitType::RlimitStack => libc::RLIMIT_STACK,
            PosixRlimitType::RlimitCore => libc::RLIMIT_CORE,
            PosixRlimitType::RlimitRss => libc::RLIMIT_RSS,
            PosixRlimitType::RlimitNproc => libc::RLIMIT_NPROC,
            PosixRlimitType::RlimitNofile => libc::RLIMIT_NOFILE,
            PosixRlimitType::RlimitMemlock => libc::RLIMIT_MEMLOCK,
            PosixRlimitType::RlimitAs => libc::RLIMIT_AS,
            PosixRlimitType::RlimitLocks => libc::RLIMIT_LOCKS,
            PosixRlimitType::RlimitSigpending => libc::RLIMIT_SIGPENDING,
            PosixRlimitType::RlimitMsgqueue => libc::RLIMIT_MSGQUEUE,
            PosixRlimitType::RlimitNice => libc::RLIMIT_NICE,
            PosixRlimitType::RlimitRtprio => libc::RLIMIT_RTPRIO,
            PosixRlimitType::RlimitRttime => libc::RLIMIT_RTTIME,
        };
        sys::set_limit(resource, limit.soft(), limit.hard())
            .with_context(|| format!("set limit {} to {}:{}", limit.typ(), limit.soft(), limit.hard()))?;
    }
    Ok(())
}

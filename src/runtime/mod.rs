//! The OCI runtime: a spec and descriptors in, a process held by its pidfd out.
//!
//! It knows no names, images or engine directories. [`create`] clones the container's pid 1, which prepares itself (see
//! `init.rs`) and stops before its exec until [`Starting::finish`]; [`exec`] puts a further process beside it. Whatever
//! goes wrong inside travels back over one socket as an error chain, exactly once.

pub mod capabilities;
pub mod cgroup;
mod channel;
mod devices;
pub mod hooks;
pub mod identity;
mod init;
mod mounts;
mod namespaces;
mod process;
pub mod seccomp;

pub use mounts::Prepared;
pub use namespaces::{Entrance, Inner, may_set_groups};
pub use process::DEFAULT_PATH;

use crate::error::{self, Kind};
use crate::sys::process::{self as sys, Child, Cloned, Exit};
use crate::sys::terminal::Size;
use anyhow::{Context, Result};
use cgroup::Cgroup;
use channel::{Channel, Message};
use identity::{Announcement, Identity};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use oci_spec::runtime::{ContainerState, LinuxPersonalityDomain, LinuxSeccomp, Process, Spec};
use rustix::io::Errno;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;
use std::time::Duration;

/// What the new process has as its standard streams.
pub enum Stdio {
    /// These three descriptors, given to the process's user.
    Pipes { stdin: OwnedFd, stdout: OwnedFd, stderr: OwnedFd },
    /// These three descriptors, which stay their owner's.
    Passed { stdin: OwnedFd, stdout: OwnedFd, stderr: OwnedFd },
    /// A pseudo-terminal of the container's own devpts, whose master end comes back.
    Terminal { size: Option<Size> },
}

impl Stdio {
    /// Gives pipes to a user: a program may reopen its streams as /dev/stdout, for which it must own them.
    fn give_to(&self, (uid, gid): (u32, u32)) -> Result<()> {
        let Self::Pipes { stdin, stdout, stderr } = self else { return Ok(()) };
        for stream in [stdin, stdout, stderr] {
            process::give_stream(stream, uid, gid)?;
        }
        Ok(())
    }
}

/// What the runtime needs besides the spec.
pub struct Bundle<'a> {
    pub spec: &'a Spec,
    pub identity: Identity<'a>,
    /// The root file system as a detached mount; `spec.root` gives only its attributes.
    pub root: BorrowedFd<'a>,
    /// An existing directory on which the new mount namespace mounts the root before it pivots into it. A path and not
    /// a descriptor: one opened here would lead to this mount namespace, not to the new one.
    pub stage: &'a Path,
    /// Sources of mounts that are no directories of the host, for the spec's mounts at the same targets.
    pub prepared: &'a [Prepared],
    pub stdio: Stdio,
    /// Descriptors that it has besides, by their numbers in it.
    pub preserved: &'a [(i32, OwnedFd)],
    /// The process's user and group, as ids of this namespace: the streams are theirs.
    pub owner: (u32, u32),
    /// The cgroup into which pid 1 is cloned.
    pub cgroup: Option<BorrowedFd<'a>>,
    /// False where the user namespace denies setgroups(2); see [`may_set_groups`].
    pub may_set_groups: bool,
    /// Whether pid 1 is the engine's own init, and the spec's process its child.
    pub with_init: bool,
}

/// A process that has been cloned and is preparing itself. Dropped, it is killed and reaped: a process that nobody reaps
/// would keep its pid namespace from ever ending.
pub struct Starting {
    child: Option<Child>,
    channel: Channel,
    /// To whom the descriptor goes by which its system calls are answered.
    announcement: Option<Announcement>,
    /// The container's namespaces; None for a process that joined them.
    pub entrance: Option<Entrance>,
}

impl Drop for Starting {
    fn drop(&mut self) {
        if let Some(child) = self.child.take() {
            // It may have ended by itself; either way it is reaped.
            let _ = crate::sys::signal::send(child.pidfd.as_fd(), libc::SIGKILL);
            let _ = sys::wait(child.pidfd.as_fd());
        }
    }
}

/// How long a container's pid 1 may take for a step: what it mounts may lie on a slow file system of the host.
const CREATE_TIMEOUT: Duration = Duration::from_secs(120);

/// Clones the pid 1 of a container into the spec's namespaces.
pub fn create(bundle: Bundle<'_>) -> Result<Starting> {
    let inner = Inner::of(bundle.spec)?;
    let (mut ours, theirs) = Channel::pair()?;
    ours.set_timeout(CREATE_TIMEOUT)?;
    // A parent that is not dumpable may not write a child's uid_map: /proc/PID belongs to the real root then.
    sys::set_dumpable(true)?;
    // Only who has the capability over a user's namespace can give them a file of ours: the child may lack the owner's id.
    bundle.stdio.give_to(bundle.owner)?;
    let child = if inner.join.is_empty() {
        match sys::clone(inner.clone_flags(), bundle.cgroup).map_err(explain_limit)? {
            Cloned::Child => {
                drop(ours);
                init::main(&bundle, &inner, theirs)
            }
            Cloned::Parent(child) => {
                drop(theirs);
                child
            }
        }
    } else {
        // What is new must belong to the user namespace that is joined, so a first child joins, and its child, made a
        // child of ours by CLONE_PARENT, gets what is new.
        let first = match sys::clone(0, bundle.cgroup)? {
            Cloned::Child => {
                drop(ours);
                init::join_and_main(&bundle, &inner, theirs)
            }
            Cloned::Parent(child) => child,
        };
        drop(theirs);
        adopt(&first, &mut ours, CREATE_TIMEOUT).context(Joining)?
    };
    let pid = child.pid;
    let seccomp = bundle.spec.linux().as_ref().and_then(|linux| linux.seccomp().as_ref());
    let announcement = seccomp.and_then(|seccomp| Announcement::of(seccomp, bundle.identity, pid, pid));
    let mut starting = Starting { child: Some(child), channel: ours, announcement, entrance: None };
    let prepared = inner.write_maps(pid).and_then(|()| Entrance::open(pid, &inner));
    sys::set_dumpable(false)?;
    starting.entrance = Some(prepared?);
    if let Some(hooks) = bundle.spec.hooks() {
        #[allow(deprecated, reason = "hooks that people have still ask for it")]
        let turns = [hooks.prestart(), hooks.create_runtime()];
        for hooks in turns.into_iter().flatten() {
            hooks::run(hooks, bundle.identity, ContainerState::Creating, pid)?;
        }
    }
    starting.channel.send(&Message::Go)?;
    Ok(starting)
}

/// A further process in a running container.
pub struct Exec<'a> {
    pub identity: Identity<'a>,
    /// Of the container's first process.
    pub container_pid: i32,
    pub entrance: &'a Entrance,
    pub process: &'a Process,
    pub seccomp: Option<&'a LinuxSeccomp>,
    pub personality: Option<LinuxPersonalityDomain>,
    pub stdio: Stdio,
    /// As in [`Bundle`].
    pub preserved: &'a [(i32, OwnedFd)],
    /// As in [`Bundle`].
    pub owner: (u32, u32),
    /// The container's.
    pub cgroup: Option<&'a Cgroup>,
    pub may_set_groups: bool,
}

/// How long a process may take to stand ready in a running container. What it looks up there may lie on a file system
/// that the container itself serves (FUSE) and never answers for, while the monitor has others to serve.
const EXEC_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a process that has closed all it had may take to be over.
const EXIT_TIMEOUT_MILLIS: u16 = 1000;

/// Clones a process into a container's namespaces. It becomes a child of this process.
pub fn exec(exec: Exec<'_>) -> Result<Starting> {
    let (mut ours, theirs) = Channel::pair()?;
    let (exec_seccomp, identity, container_pid) = (exec.seccomp, exec.identity, exec.container_pid);
    ours.set_timeout(EXEC_TIMEOUT)?;
    exec.stdio.give_to(exec.owner)?;
    // Entering a pid namespace takes effect for children only, so a first child enters and its child, made a child of
    // ours by CLONE_PARENT, goes on.
    let first = match clone_beside(exec.container_pid, exec.cgroup)? {
        Cloned::Child => {
            drop(ours);
            init::enter_and_exec(&exec, theirs)
        }
        Cloned::Parent(child) => child,
    };
    drop(theirs);
    let child = adopt(&first, &mut ours, EXEC_TIMEOUT).context("enter the container")?;
    let announcement = exec_seccomp.and_then(|seccomp| Announcement::of(seccomp, identity, container_pid, child.pid));
    let starting = Starting { child: Some(child), channel: ours, announcement, entrance: None };
    starting.channel.send(&Message::Go).map_err(|error| match error.downcast_ref() {
        // The container's first process has ended meanwhile, and this one with it.
        Some(&Errno::PIPE) => Kind::InUse.error("the container has ended"),
        _ => error,
    })?;
    Ok(starting)
}

/// The step at which the namespaces of others are joined, in the chain of an error.
#[derive(Debug)]
pub struct Joining;

impl std::fmt::Display for Joining {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("join other namespaces")
    }
}

/// The kernel says ENOSPC of too many namespaces too, clone(2).
fn explain_limit(error: anyhow::Error) -> anyhow::Error {
    let is_limit = errno_of(&error) == Some(Errno::NOSPC);
    let error = error.context("make the container's namespaces");
    if is_limit { error::with_hint(error, "raise the limits in /proc/sys/user/max_*_namespaces") } else { error }
}

fn errno_of(error: &anyhow::Error) -> Option<Errno> {
    error.downcast_ref().and_then(std::io::Error::raw_os_error).map(Errno::from_raw_os_error)
}

/// Clones into the container's cgroup. One that has passed controllers on, as a container's systemd makes it do, takes no
/// process itself (cgroups(7), "no internal processes"): then into that of the container's first process, below it.
fn clone_beside(container_pid: i32, cgroup: Option<&Cgroup>) -> Result<Cloned> {
    match (sys::clone(0, cgroup.map(AsFd::as_fd)), cgroup) {
        (Err(error), Some(cgroup)) if errno_of(&error) == Some(Errno::BUSY) => {
            sys::clone(0, Some(cgroup.below(container_pid)?.as_fd()))
        }
        (cloned, _) => cloned,
    }
}

/// Takes over the child of a first child, which ends once it has told of it. Nothing is waited for on the channel where
/// it was killed before: its child, of which nobody knows then, has the channel too.
fn adopt(first: &Child, channel: &mut Channel, timeout: Duration) -> Result<Child> {
    let mut polled = [PollFd::new(first.pidfd.as_fd(), PollFlags::POLLIN)];
    let timeout = PollTimeout::try_from(timeout).unwrap_or(PollTimeout::MAX);
    if !poll(&mut polled, timeout).is_ok_and(|ended| ended > 0) {
        // It may have ended by itself; either way it is reaped.
        let _ = crate::sys::signal::send(first.pidfd.as_fd(), libc::SIGKILL);
    }
    sys::wait(first.pidfd.as_fd())?;
    channel.receive_child()
}

fn unexpected() -> anyhow::Error {
    Kind::Engine.error("unexpected word from the container's init")
}

impl Starting {
    pub fn pid(&self) -> i32 {
        self.child.as_ref().map_or(0, |child| child.pid)
    }

    /// Waits until the process stands ready for its exec. With a terminal, gives its master end.
    pub fn ready(&mut self) -> Result<Option<OwnedFd>> {
        loop {
            match self.channel.receive()? {
                Some((Message::Ready, fds)) => return Ok(fds.into_iter().next()),
                Some((Message::Failed(wire), _)) => return Err(wire.into()),
                Some((Message::Go | Message::Child(_) | Message::Listener, _)) => {}
                None => return Err(self.died()),
            }
        }
    }

    /// Why the process is gone. In a container that runs already it is killed when the first process ends:
    /// pid_namespaces(7).
    fn died(&self) -> anyhow::Error {
        let exit = self.child.as_ref().map(|child| {
            let _ = poll(&mut [PollFd::new(child.pidfd.as_fd(), PollFlags::POLLIN)], EXIT_TIMEOUT_MILLIS);
            sys::try_wait(child.pidfd.as_fd())
        });
        match (&self.entrance, exit) {
            (None, Some(Ok(Some(Exit::Signal(libc::SIGKILL))))) => Kind::InUse.error("the container has ended"),
            _ => Kind::Engine.error("the container's init died while it was set up"),
        }
    }

    /// Lets the process execute its program, and waits until it has.
    pub fn finish(mut self) -> Result<(Child, Option<Entrance>)> {
        self.channel.send(&Message::Go)?;
        // The channel closes on exec: the end of the stream is the good news. An init of ours stays and says so.
        loop {
            match self.channel.receive()? {
                None | Some((Message::Ready, _)) => break,
                Some((Message::Failed(wire), _)) => return Err(wire.into()),
                Some((Message::Listener, fds)) => self.announce(fds.first())?,
                Some((Message::Go | Message::Child(_), _)) => return Err(unexpected()),
            }
        }
        let child = self.child.take().context("the process is held until here")?;
        Ok((child, self.entrance.take()))
    }

    fn announce(&self, listener: Option<&OwnedFd>) -> Result<()> {
        match (&self.announcement, listener) {
            (Some(announcement), Some(listener)) => announcement.send(listener),
            _ => Err(unexpected()),
        }
    }
}

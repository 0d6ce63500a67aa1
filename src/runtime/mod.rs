//! The OCI runtime: a spec and descriptors in, a process held by its pidfd out.
//!
//! It knows no names, images or engine directories. [`create`] clones the container's pid 1, which prepares itself (see
//! `init.rs`) and stops before its exec until [`Starting::finish`]; [`exec`] puts a further process beside it. Whatever
//! goes wrong inside travels back over one socket as an error chain, exactly once.

pub mod capabilities;
pub mod cgroup;
mod channel;
mod devices;
mod init;
mod mounts;
mod namespaces;
mod process;
pub mod seccomp;

pub use namespaces::{Entrance, Inner, may_set_groups};
pub use process::{DEFAULT_PATH, null_stream};

use crate::error::Kind;
use crate::sys::process::{self as sys, Child, Cloned};
use crate::sys::terminal::Size;
use anyhow::{Context, Result};
use channel::{Channel, Message};
use oci_spec::runtime::{LinuxSeccomp, Process, Spec};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

/// What the new process has as its standard streams.
pub enum Stdio {
    /// These three descriptors, given to the process's user.
    Pipes { stdin: OwnedFd, stdout: OwnedFd, stderr: OwnedFd },
    /// A pseudo-terminal of the container's own devpts, whose master end comes back.
    Terminal { size: Option<Size> },
}

/// What the runtime needs besides the spec.
pub struct Bundle<'a> {
    pub spec: &'a Spec,
    /// The root file system as a detached mount; `spec.root` gives only its attributes.
    pub root: BorrowedFd<'a>,
    /// An existing directory on which the new mount namespace mounts the root before it pivots into it. A path and not
    /// a descriptor: one opened here would lead to this mount namespace, not to the new one.
    pub stage: &'a Path,
    pub stdio: Stdio,
    /// The cgroup into which pid 1 is cloned.
    pub cgroup: Option<BorrowedFd<'a>>,
    /// False where the user namespace denies setgroups(2); see [`may_set_groups`].
    pub may_set_groups: bool,
    /// Whether pid 1 is the engine's own init, and the spec's process its child.
    pub with_init: bool,
}

/// A process that has been cloned and is preparing itself.
pub struct Starting {
    pub child: Child,
    channel: Channel,
    /// The container's namespaces; None for a process that joined them.
    pub entrance: Option<Entrance>,
}

/// Clones the pid 1 of a container into the spec's namespaces.
pub fn create(bundle: Bundle<'_>) -> Result<Starting> {
    let inner = Inner::of(bundle.spec)?;
    let (ours, theirs) = Channel::pair()?;
    // A parent that is not dumpable may not write a child's uid_map: /proc/PID belongs to the real root then.
    sys::set_dumpable(true)?;
    let child = match sys::clone(inner.clone_flags(), bundle.cgroup).context("make the container's namespaces")? {
        Cloned::Child => {
            drop(ours);
            init::main(&bundle, &inner, theirs)
        }
        Cloned::Parent(child) => child,
    };
    drop(theirs);
    let mut starting = Starting { child, channel: ours, entrance: None };
    let prepared = inner.write_maps(starting.child.pid).and_then(|()| Entrance::open(starting.child.pid, &inner));
    sys::set_dumpable(false)?;
    starting.entrance = Some(prepared?);
    starting.channel.send(&Message::Go)?;
    Ok(starting)
}

/// A further process in a running container.
pub struct Exec<'a> {
    pub entrance: &'a Entrance,
    pub process: &'a Process,
    pub seccomp: Option<&'a LinuxSeccomp>,
    pub stdio: Stdio,
    pub cgroup: Option<BorrowedFd<'a>>,
    pub may_set_groups: bool,
}

/// How long a process may take to stand ready in a running container. What it looks up there may lie on a file system
/// that the container itself serves (FUSE) and never answers for, while the monitor has others to serve.
const EXEC_TIMEOUT: std::time::Duration = std::time::Duration::from_secs(10);

/// Clones a process into a container's namespaces. It becomes a child of this process.
pub fn exec(exec: Exec<'_>) -> Result<Starting> {
    let (mut ours, theirs) = Channel::pair()?;
    ours.set_timeout(EXEC_TIMEOUT)?;
    // Entering a pid namespace takes effect for children only, so a first child enters and its child, made a child of
    // ours by CLONE_PARENT, goes on.
    let first = match sys::clone(0, exec.cgroup)? {
        Cloned::Child => {
            drop(ours);
            init::enter_and_exec(&exec, theirs)
        }
        Cloned::Parent(child) => child,
    };
    drop(theirs);
    let child = ours.receive_child();
    sys::wait(first.pidfd.as_fd())?;
    let child = child.context("enter the container")?;
    ours.send(&Message::Go)?;
    Ok(Starting { child, channel: ours, entrance: None })
}

impl Starting {
    /// Waits until the process stands ready for its exec. With a terminal, gives its master end.
    pub fn ready(&mut self) -> Result<Option<OwnedFd>> {
        loop {
            match self.receive()? {
                Some((Message::Ready, fds)) => return Ok(fds.into_iter().next()),
                Some((Message::Failed(wire), _)) => return Err(self.failed(wire.into())),
                Some((Message::Go | Message::Child(_), _)) => {}
                None => return Err(self.failed(Kind::Engine.error("the container's init died while it was set up"))),
            }
        }
    }

    /// The next word of the process. One from which none comes is killed, and reaped: its pid namespace would not end
    /// before.
    fn receive(&mut self) -> Result<Option<(Message, Vec<OwnedFd>)>> {
        let received = self.channel.receive();
        received.map_err(|error| match crate::sys::signal::send(self.child.pidfd.as_fd(), libc::SIGKILL) {
            Ok(()) => self.failed(error),
            Err(_) => error,
        })
    }

    /// The process has given up, and is reaped.
    fn failed(&self, error: anyhow::Error) -> anyhow::Error {
        match sys::wait(self.child.pidfd.as_fd()) {
            Ok(_) => error,
            Err(reaping) => error.context(reaping),
        }
    }

    /// Lets the process execute its program, and waits until it has.
    pub fn finish(mut self) -> Result<(Child, Option<Entrance>)> {
        self.channel.send(&Message::Go)?;
        // The channel closes on exec: the end of the stream is the good news.
        match self.receive()? {
            None => Ok((self.child, self.entrance)),
            Some((Message::Failed(wire), _)) => Err(self.failed(wire.into())),
            Some((Message::Ready, _)) => Ok((self.child, self.entrance)),
            Some((Message::Go | Message::Child(_), _)) => {
                Err(Kind::Engine.error("unexpected word from the container's init"))
            }
        }
    }
}

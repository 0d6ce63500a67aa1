//! The socket between the runtime and the process it is making: a handful of typed, length-checked messages.

use crate::error::{Kind, Wire};
use crate::sys::process::Child;
use crate::sys::socket;
use anyhow::{Context, Result};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use serde::{Deserialize, Serialize};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Duration;

/// The longest message; only an error chain comes near it.
const MESSAGE_BYTES_MAX: usize = 64 << 10;

#[derive(Debug, Serialize, Deserialize)]
pub enum Message {
    /// To the child: the next step may be taken.
    Go,
    /// From the first child of an exec: the pid of the second, with its pidfd.
    Child(i32),
    /// From the child: everything but the exec is done. Carries the master end of its terminal, if it has one.
    Ready,
    /// From the child, under its filter: carries the descriptor by which an agent answers its calls.
    Listener,
    /// From the child, which ends: why.
    Failed(Wire),
}

pub struct Channel(OwnedFd);

impl Channel {
    pub fn pair() -> Result<(Self, Self)> {
        let (ours, theirs) = socket::pair()?;
        Ok((Self(ours), Self(theirs)))
    }

    /// Moves this end above a number, which is then free for another descriptor.
    pub fn move_above(&mut self, number: i32) -> Result<()> {
        self.0 = rustix::io::fcntl_dupfd_cloexec(&self.0, number + 1).context("move a descriptor")?;
        Ok(())
    }

    /// Makes a receive that takes longer an error.
    pub fn set_timeout(&self, timeout: Duration) -> Result<()> {
        socket::set_receive_timeout(&self.0, Some(timeout)).context("limit the wait for the container's process")
    }

    pub fn send(&self, message: &Message) -> Result<()> {
        self.send_with(message, &[])
    }

    pub fn send_with(&self, message: &Message, fds: &[BorrowedFd<'_>]) -> Result<()> {
        let bytes = serde_json::to_vec(message).context("serialise message")?;
        socket::send(self.0.as_fd(), &bytes, fds).context("send to the container's init")
    }

    /// The next message, or None when the other side has closed, by an exec or by its end.
    pub fn receive(&mut self) -> Result<Option<(Message, Vec<OwnedFd>)>> {
        let received = match socket::receive(self.0.as_fd(), MESSAGE_BYTES_MAX) {
            // It was killed without reading all we sent, which the kernel tells once; its last words are still to be had.
            Err(rustix::io::Errno::CONNRESET) => {
                socket::receive(self.0.as_fd(), MESSAGE_BYTES_MAX).context("receive from the container's init")?
            }
            Err(rustix::io::Errno::AGAIN) => {
                return Err(
                    Kind::Engine.error("a file system in the container, or a mount of the host, does not answer")
                );
            }
            other => other.context("receive from the container's init")?,
        };
        let Some((bytes, fds)) = received else { return Ok(None) };
        Ok(Some((serde_json::from_slice(&bytes).context("parse message")?, fds)))
    }

    /// In the child: waits for leave to go on. Without a parent to give it, there is nothing to go on for.
    pub fn wait_for_go(&mut self) -> Result<()> {
        match self.receive()? {
            Some((Message::Go, _)) => Ok(()),
            Some(_) | None => Err(Kind::Engine.error("the monitor has gone away")),
        }
    }

    /// What a first child that has ended has said about its own.
    pub fn receive_child(&mut self) -> Result<Child> {
        let killed = || Kind::Engine.error("the process that was to prepare it was killed");
        if poll(&mut [PollFd::new(self.0.as_fd(), PollFlags::POLLIN)], PollTimeout::ZERO).context("poll")? == 0 {
            return Err(killed());
        }
        match self.receive()? {
            Some((Message::Child(pid), fds)) => {
                let pidfd = fds.into_iter().next().context("a pidfd comes with the child")?;
                Ok(Child { pid, pidfd })
            }
            Some((Message::Failed(wire), _)) => Err(wire.into()),
            Some(_) | None => Err(killed()),
        }
    }
}

impl AsFd for Channel {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

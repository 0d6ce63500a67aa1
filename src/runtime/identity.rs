//! What others are told about a container: the state of the OCI spec, to hooks and to agents that answer system calls.

use crate::sys::socket;
use anyhow::{Context, Result};
use oci_spec::runtime::{ContainerProcessState, ContainerState, LinuxSeccomp, SECCOMP_FD_NAME, State};
use std::collections::BTreeMap;
use std::os::fd::AsFd;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

/// Who a container is to programs that know it by the OCI spec.
#[derive(Clone, Copy, Debug)]
pub struct Identity<'a> {
    pub id: &'a str,
    /// A directory that is the container's alone, and has its `config.json` if a hook may look for it.
    pub bundle: &'a Path,
    pub annotations: &'a BTreeMap<String, String>,
}

impl Identity<'_> {
    /// runtime.md, "State". `pid` is that of the container's first process.
    pub fn state(&self, status: ContainerState, pid: i32) -> State {
        let mut state = State::default();
        state.set_version(VERSION.to_owned());
        state.set_id(self.id.to_owned());
        state.set_status(status);
        state.set_pid((pid > 0).then_some(pid));
        state.set_bundle(self.bundle.to_owned());
        let annotations = self.annotations.iter().map(|(key, value)| (key.clone(), value.clone()));
        state.set_annotations(Some(annotations.collect()));
        state
    }
}

/// The version of the OCI runtime spec that is spoken.
pub const VERSION: &str = "1.2.0";

/// What an agent is told that answers a process's system calls (`SCMP_ACT_NOTIFY`), and where it listens.
#[derive(Debug)]
pub struct Announcement {
    socket: PathBuf,
    state: ContainerProcessState,
}

impl Announcement {
    /// None for a filter that asks nobody.
    pub fn of(seccomp: &LinuxSeccomp, identity: Identity<'_>, container_pid: i32, pid: i32) -> Option<Self> {
        if !super::seccomp::notifies(seccomp) {
            return None;
        }
        let socket = seccomp.listener_path().clone()?;
        let mut state = ContainerProcessState::default();
        state.set_version(VERSION.to_owned());
        state.set_fds(vec![SECCOMP_FD_NAME.to_owned()]);
        state.set_pid(pid);
        state.set_metadata(seccomp.listener_metadata().clone());
        state.set_state(identity.state(ContainerState::Creating, container_pid));
        Some(Self { socket, state })
    }

    /// Hands the descriptor over: one state per connection, which is closed then (config-linux.md, "Seccomp").
    pub fn send(&self, listener: &OwnedFd) -> Result<()> {
        let say = || format!("hand system calls to the agent at {}", self.socket.display());
        let name = self.socket.file_name().and_then(|name| name.to_str()).with_context(say)?;
        let dir = crate::fs::open_dir(self.socket.parent().with_context(say)?).with_context(say)?;
        let stream = socket::connect_stream_in(dir.as_fd(), name).with_context(say)?;
        let message = serde_json::to_vec(&self.state).context("serialise state")?;
        socket::send(stream.as_fd(), &message, &[listener.as_fd()]).with_context(say)
    }
}

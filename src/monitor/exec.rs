//! `exec`: a further process in the container, a child of the monitor, with streams of its own.

use super::clients::Place;
use super::stdio::Streams;
use super::{Instance, Monitor, Process};
use crate::container::config::{self, Id};
use crate::container::control::Attach;
use crate::container::events::{Event, Happening};
use crate::container::spec::{self, Surroundings};
use crate::error::Kind;
use crate::fs::Root;
use crate::runtime::identity::Identity;
use crate::runtime::{self, Exec, Stdio};
use crate::sys::terminal::Size;
use anyhow::{Context, Result};
use oci_spec::runtime::LinuxPersonalityDomain;
use std::os::fd::OwnedFd;

impl Monitor {
    /// The run that goes on now.
    pub(super) fn instance(&self) -> Result<&Instance> {
        self.instance.as_ref().ok_or_else(|| {
            let name = &self.config.name;
            let message = format!("container {name} is not running: it waits to be started again");
            Kind::InUse.hinted(message, format!("start it at once with coracle restart {name}"))
        })
    }

    /// Starts the process and attaches the client to it. Gives its pid.
    pub(super) fn exec(
        &mut self,
        client: u32,
        wanted: &config::Process,
        privileged: bool,
        (mut attach, mut fds): (Attach, Vec<OwnedFd>),
        session: Option<Id>,
    ) -> Result<i32> {
        let session = session.map_or_else(Id::new_random, Ok)?;
        let preserved = attach.take_preserved(&mut fds)?;
        let (key, pid) = self.spawn(wanted, privileged, attach.size, &preserved)?;
        if let Some(process) = self.process(key) {
            process.session = Some(session.clone());
        }
        self.attach(client, key, attach, fds, Place::Host)?;
        let event = Event::of(&self.config, Happening::Exec).with_exec(&session);
        self.journal.tell(&[event]);
        Ok(pid)
    }

    /// Starts a process beside the container's own. Gives its key and its pid.
    pub(super) fn spawn(
        &mut self,
        wanted: &config::Process,
        privileged: bool,
        size: Option<Size>,
        preserved: &[(i32, OwnedFd)],
    ) -> Result<(u32, i32)> {
        let instance = self.instance()?;
        let root = Root::new(instance.root.try_clone().context("duplicate root")?);
        let around = Surroundings {
            engine: &self.engine,
            root: &root,
            uid_map: &instance.uid_map,
            gid_map: &instance.gid_map,
            joined: Vec::new(),
            shared_memory: None,
            files: Vec::new(),
            has_pids_cgroup: self.cgroup.is_some(),
        };
        let process = spec::exec(&self.config, wanted, privileged, &around)?;
        let seccomp = spec::seccomp(&self.config)?;
        let (mut streams, stdio) = if wanted.terminal {
            (Streams::terminal(None), Stdio::Terminal { size })
        } else {
            let (streams, theirs) = Streams::pipes(wanted.interactive, None)?;
            (streams, Stdio::Pipes { stdin: theirs.stdin, stdout: theirs.stdout, stderr: theirs.stderr })
        };
        let starting = runtime::exec(Exec {
            identity: Identity {
                id: self.config.id.as_str(),
                bundle: &self.run_dir,
                annotations: &self.config.annotations,
            },
            container_pid: self.state.pid,
            entrance: &instance.entrance,
            owner: around.outside(process.user()),
            process: &process,
            seccomp: seccomp.as_ref(),
            personality: self.config.security.personality_32.then_some(LinuxPersonalityDomain::PerLinux32),
            stdio,
            preserved,
            cgroup: self.cgroup.as_ref().map(|cgroup| &cgroup.container),
            may_set_groups: instance.may_set_groups,
        });
        if starting.is_err() {
            self.end_lost_exec()?;
        }
        let mut starting = starting?;
        let started = starting.ready().and_then(|master| {
            if let Some(master) = master {
                streams.set_master(master, wanted.interactive)?;
            }
            starting.finish()
        });
        let (child, _) = started?;
        let pid = child.pid;
        let key = self.new_key();
        self.processes.push(Process { key, child, streams, exit: None, drain_until: None, session: None });
        Ok((key, pid))
    }
}

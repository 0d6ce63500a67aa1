//! Which ids a container has, and the namespaces of others that it joins.

use crate::container::config::{Config, Id, Namespace as Whose, Userns};
use crate::container::control::{Connection, Reply, Request};
use crate::container::root;
use crate::container::spec::{self, Namespace};
use crate::container::state::{self, Container};
use crate::engine::Engine;
use crate::error::{self, Kind};
use crate::rootless;
use crate::rootless::map::{self, Extent};
use crate::sys::namespace as nsfs;
use anyhow::{Context, Result};
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::time::Duration;

/// How long the monitor of another container may take to hand over its namespaces.
const JOIN_TIMEOUT: Duration = Duration::from_secs(10);

/// The container's uids and gids as the kernel takes them; empty for a container of real root that has not asked.
pub fn maps(engine: &Engine, config: &Config) -> Result<(Vec<Extent>, Vec<Extent>)> {
    let users = &config.users;
    if !engine.rootless && users.uids.is_empty() {
        return Ok(Default::default());
    }
    let lines = |own: &[Extent], outer: Vec<Extent>| match own {
        [] => Ok(map::identity(&outer)),
        own => map::lines(own, &outer),
    };
    Ok((lines(&users.uids, rootless::read_map("uid")?)?, lines(&users.gids, rootless::read_map("gid")?)?))
}

/// Namespaces of others, open for as long as this lives.
#[derive(Default)]
pub struct Joined {
    /// Where each can be opened by this process and its children.
    pub paths: Vec<(Namespace, PathBuf)>,
    /// The /dev/shm that goes with another's IPC namespace, as a detached mount.
    pub shared_memory: Option<OwnedFd>,
    /// What the paths lead through.
    open: Vec<OwnedFd>,
}

impl Joined {
    /// Asks the monitors of the other containers. One that does not run has no namespaces.
    pub fn open(engine: &Engine, config: &Config) -> Result<Self> {
        let users = &config.users;
        let mut joined = Self::default();
        let mut wanted: Vec<(Namespace, &'static str, &str)> = Vec::new();
        for (kind, name, whose) in [
            (Namespace::Pid, "pid", &users.pid),
            (Namespace::Ipc, "ipc", &users.ipc),
            (Namespace::Uts, "uts", &users.uts),
            (Namespace::Cgroup, "cgroup", &users.cgroup),
            (Namespace::Network, "net", &users.network),
        ] {
            match whose {
                Whose::Own | Whose::Host => {}
                Whose::Container(id) => wanted.push((kind, name, id)),
                Whose::Path(path) => joined.paths.push((kind, path.clone())),
            }
        }
        match &users.userns {
            Userns::Container(id) => wanted.push((Namespace::User, "user", id)),
            Userns::Path(path) => joined.paths.push((Namespace::User, path.clone())),
            Userns::Engine
            | Userns::KeepId { .. }
            | Userns::Auto { .. }
            | Userns::NoMap
            | Userns::Maps { .. }
            | Userns::Names { .. } => {}
        }
        for id in users.others() {
            let other = find(engine, id)?;
            let (names, mut fds) = ask(&other)?;
            if spec::joins_shared_memory(config) == Some(id) {
                joined.shared_memory = Some(shared_memory(&other)?);
            }
            // From the back, so that what is taken out moves nothing that is still to come.
            for (at, name) in names.iter().enumerate().rev() {
                if let Some((kind, ..)) = wanted.iter().find(|(_, wanted, whose)| wanted == name && *whose == id) {
                    let namespace = fds.remove(at);
                    joined.paths.push((*kind, nsfs::path(&namespace)));
                    joined.open.push(namespace);
                }
            }
        }
        Ok(joined)
    }
}

/// Another container, which must run.
fn find(engine: &Engine, id: &str) -> Result<Container> {
    let id = Id::parse(id).context("the id of another container is an id")?;
    let other =
        state::read(engine, &id).with_context(|| format!("join the namespaces of container {}", id.short()))?;
    if !other.status.is_alive() {
        let name = &other.config.name;
        let message = format!("join the namespaces of container {name}: it is not running");
        return Err(Kind::InUse.hinted(message, format!("start it first: coracle start {name}")));
    }
    Ok(other)
}

fn ask(other: &Container) -> Result<(Vec<String>, Vec<OwnedFd>)> {
    let connection = Connection::open(other)?;
    connection.set_timeout(JOIN_TIMEOUT)?;
    match connection.ask(Request::Namespaces, &[])? {
        (Reply::Namespaces(names), fds) if names.len() == fds.len() => Ok((names, fds)),
        (reply, _) => {
            Err(Kind::Engine.error(format!("the monitor of {} answered {reply:?}", other.config.id.short())))
        }
    }
}

fn shared_memory(other: &Container) -> Result<OwnedFd> {
    let state = other.state.as_ref().context("a container that runs has a state")?;
    root::shared_memory(state).map_err(|error| {
        let error = error.context(format!("share /dev/shm of container {}", other.config.name));
        error::with_hint(error, "leave out --ipc, or mount something else at /dev/shm")
    })
}

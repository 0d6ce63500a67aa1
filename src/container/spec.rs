//! From a container's description to the OCI spec that the runtime takes: `Config → Spec`, and nothing else.

mod confinement;
mod mounts;
mod process;
mod resources;

pub use confinement::{hooks, seccomp};
pub use mounts::{SHARED_MEMORY, SHM_BYTES, joins_shared_memory};
pub use resources::resources;

use super::config::{Config, Namespace as Shared, Process, Userns};
use crate::engine::Engine;
use crate::fs::Root;
use crate::network::Network;
use crate::rootless::map::{self, Extent};
use anyhow::Result;
use oci_spec::runtime as oci;
pub use oci_spec::runtime::LinuxNamespaceType as Namespace;
use std::path::PathBuf;

/// What the monitor knows when it makes the spec, beyond the container's description.
pub struct Surroundings<'a> {
    pub engine: &'a Engine,
    /// The mounted root file system, in which users are looked up.
    pub root: &'a Root,
    /// The container's ids and which of the engine's they are; empty if it has no user namespace of its own.
    pub uid_map: &'a [Extent],
    pub gid_map: &'a [Extent],
    /// Namespaces of others that it joins, and where they can be opened.
    pub joined: Vec<(Namespace, PathBuf)>,
    /// The /dev/shm of the container whose IPC namespace it joins, as the name of a descriptor.
    pub shared_memory: Option<PathBuf>,
    /// Files that the monitor has written for the container, and where they are mounted.
    pub files: Vec<(PathBuf, String)>,
    /// Whether a cgroup counts this container's processes.
    pub has_pids_cgroup: bool,
}

/// The pids limit of a container that has not asked for one.
pub const PIDS_DEFAULT: u64 = 2048;

/// The whole spec of a container.
pub fn container(config: &Config, around: &Surroundings<'_>) -> Result<oci::Spec> {
    let user = process::resolve(config, &config.process.user, around)?;
    let root = oci::RootBuilder::default().path("rootfs").readonly(config.read_only).build()?;
    let mut spec = oci::SpecBuilder::default()
        .version(crate::runtime::identity::VERSION)
        .root(root)
        .hostname(config.hostname.clone())
        .process(process::process(config, &config.process, &user, config.security.privileged, around)?)
        .mounts(mounts::mounts(config, &user, around)?)
        .linux(linux(config, around)?)
        .build()?;
    spec.set_hooks(confinement::hooks(config));
    Ok(spec)
}

/// The process of an `exec`: confined as the container is, privileged only if asked.
pub fn exec(config: &Config, wanted: &Process, privileged: bool, around: &Surroundings<'_>) -> Result<oci::Process> {
    let user = process::resolve(config, &wanted.user, around)?;
    let mut process = process::process(config, wanted, &user, privileged || config.security.privileged, around)?;
    add_environment(&mut process, super::secrets::environment(around.engine, config)?);
    Ok(process)
}

/// Adds what is known to the container alone, and is written down nowhere.
pub fn add_secrets(spec: &mut oci::Spec, entries: Vec<String>) {
    if let Some(process) = spec.process_mut() {
        add_environment(process, entries);
    }
}

fn add_environment(process: &mut oci::Process, entries: Vec<String>) {
    if !entries.is_empty() {
        process.set_env(Some([process.env().clone().unwrap_or_default(), entries].concat()));
    }
}

fn linux(config: &Config, around: &Surroundings<'_>) -> Result<oci::Linux> {
    let maps_users = !around.uid_map.is_empty();
    let mut linux =
        oci::LinuxBuilder::default().namespaces(namespaces(config, around)?).devices(confinement::devices(config)?);
    if maps_users {
        linux = linux.uid_mappings(mappings(around.uid_map)?).gid_mappings(mappings(around.gid_map)?);
    }
    linux = linux.sysctl(confinement::sysctls(config, around));
    if config.security.personality_32 {
        let domain = oci::LinuxPersonalityDomain::PerLinux32;
        linux = linux.personality(oci::LinuxPersonalityBuilder::default().domain(domain).build()?);
    }
    if let Some(resources) = resources(config, around.has_pids_cgroup)? {
        linux = linux.resources(resources);
    }
    let (masked, read_only) = confinement::masks(config);
    linux = linux.masked_paths(masked).readonly_paths(read_only);
    if let Some(seccomp) = seccomp(config)? {
        linux = linux.seccomp(seccomp);
    }
    Ok(linux.build()?)
}

/// Which namespaces are new, and which are those of others. What is not in the list is shared with the engine.
fn namespaces(config: &Config, around: &Surroundings<'_>) -> Result<Vec<oci::LinuxNamespace>> {
    let users = &config.users;
    let network = match (&users.network, config.network) {
        (Shared::Own, Network::Host) => &Shared::Host,
        (network, _) => network,
    };
    let user = match &users.userns {
        Userns::Container(_) | Userns::Path(_) => Some(true),
        _ => (!around.uid_map.is_empty()).then_some(false),
    };
    let mut namespaces = vec![namespace(Namespace::Mount, None)?];
    match (user, around.path_of(Namespace::User)) {
        (Some(true), Some(path)) => namespaces.insert(0, namespace(Namespace::User, Some(path))?),
        // The other container has none of its own either.
        (Some(true), None) | (None, _) => {}
        (Some(false), _) => namespaces.insert(0, namespace(Namespace::User, None)?),
    }
    for (kind, whose) in [
        (Namespace::Pid, &users.pid),
        (Namespace::Ipc, &users.ipc),
        (Namespace::Uts, &users.uts),
        (Namespace::Cgroup, &users.cgroup),
        (Namespace::Network, network),
    ] {
        match whose {
            Shared::Own => namespaces.push(namespace(kind, None)?),
            Shared::Host => {}
            // Another container may share this one with the host.
            Shared::Container(_) | Shared::Path(_) => {
                if let Some(path) = around.path_of(kind) {
                    namespaces.push(namespace(kind, Some(path))?);
                }
            }
        }
    }
    Ok(namespaces)
}

fn namespace(kind: Namespace, path: Option<&PathBuf>) -> Result<oci::LinuxNamespace> {
    let namespace = oci::LinuxNamespaceBuilder::default().typ(kind);
    Ok(match path {
        Some(path) => namespace.path(path.clone()).build()?,
        None => namespace.build()?,
    })
}

impl Surroundings<'_> {
    fn path_of(&self, kind: Namespace) -> Option<&PathBuf> {
        self.joined.iter().find(|(other, _)| *other == kind).map(|(_, path)| path)
    }

    /// The engine's ids of a user of the container.
    pub fn outside(&self, user: &oci::User) -> (u32, u32) {
        let outside = |map: &[Extent], id| map::to_outside(map, id).unwrap_or(id);
        (outside(self.uid_map, user.uid()), outside(self.gid_map, user.gid()))
    }
}

fn mappings(map: &[Extent]) -> Result<Vec<oci::LinuxIdMapping>> {
    let line = |extent: &Extent| {
        oci::LinuxIdMappingBuilder::default()
            .container_id(extent.inside)
            .host_id(extent.outside)
            .size(extent.count)
            .build()
    };
    Ok(map.iter().map(line).collect::<Result<_, _>>()?)
}

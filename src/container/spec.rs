//! From a container's description to the OCI spec that the runtime takes: `Config → Spec`, and nothing else.

mod confinement;
mod mounts;
mod process;
mod resources;

pub use confinement::{hooks, seccomp};

use super::config::{Config, Process};
use crate::engine::Engine;
use crate::fs::Root;
use crate::network::Network;
use crate::rootless::Extent;
use anyhow::Result;
use oci_spec::runtime as oci;
use oci_spec::runtime::LinuxNamespaceType as Namespace;
use std::path::PathBuf;

/// What the monitor knows when it makes the spec, beyond the container's description.
pub struct Surroundings<'a> {
    pub engine: &'a Engine,
    /// The mounted root file system, in which users are looked up.
    pub root: &'a Root,
    /// The map of the engine's user namespace; empty for the real root, whose containers have none of their own.
    pub uid_map: &'a [Extent],
    pub gid_map: &'a [Extent],
    /// Files that the monitor has written for the container, and where they are mounted.
    pub files: Vec<(PathBuf, &'static str)>,
    /// Whether a cgroup counts this container's processes.
    pub has_pids_cgroup: bool,
}

/// The pids limit of a container that has not asked for one.
pub const PIDS_DEFAULT: u64 = 2048;

/// The whole spec of a container.
pub fn container(config: &Config, around: &Surroundings<'_>) -> Result<oci::Spec> {
    let user = process::resolve(around.root, &config.process.user, around)?;
    let root = oci::RootBuilder::default().path("rootfs").readonly(config.read_only).build()?;
    let mut spec = oci::SpecBuilder::default()
        .version(crate::runtime::identity::VERSION)
        .root(root)
        .hostname(config.hostname.clone())
        .process(process::process(config, &config.process, &user, config.security.privileged, around)?)
        .mounts(mounts::mounts(config, around)?)
        .linux(linux(config, around)?)
        .build()?;
    spec.set_hooks(confinement::hooks(config));
    Ok(spec)
}

/// The process of an `exec`: confined as the container is, privileged only if asked.
pub fn exec(config: &Config, wanted: &Process, privileged: bool, around: &Surroundings<'_>) -> Result<oci::Process> {
    let user = process::resolve(around.root, &wanted.user, around)?;
    process::process(config, wanted, &user, privileged || config.security.privileged, around)
}

fn linux(config: &Config, around: &Surroundings<'_>) -> Result<oci::Linux> {
    let mut kinds = vec![Namespace::Mount, Namespace::Pid, Namespace::Ipc, Namespace::Uts, Namespace::Cgroup];
    let maps_users = !around.uid_map.is_empty();
    if maps_users {
        kinds.insert(0, Namespace::User);
    }
    if config.network != Network::Host {
        kinds.push(Namespace::Network);
    }
    let namespace = |kind: &Namespace| oci::LinuxNamespaceBuilder::default().typ(*kind).build();
    let mut linux = oci::LinuxBuilder::default()
        .namespaces(kinds.iter().map(namespace).collect::<Result<Vec<_>, _>>()?)
        .devices(confinement::devices(config)?);
    if maps_users {
        linux = linux.uid_mappings(inner_map(around.uid_map)?).gid_mappings(inner_map(around.gid_map)?);
    }
    linux = linux.sysctl(confinement::sysctls(config));
    if config.security.personality_32 {
        let domain = oci::LinuxPersonalityDomain::PerLinux32;
        linux = linux.personality(oci::LinuxPersonalityBuilder::default().domain(domain).build()?);
    }
    if let Some(resources) = resources::resources(config, around)? {
        linux = linux.resources(resources);
    }
    let (masked, read_only) = confinement::masks(config);
    linux = linux.masked_paths(masked).readonly_paths(read_only);
    if let Some(seccomp) = seccomp(config)? {
        linux = linux.seccomp(seccomp);
    }
    Ok(linux.build()?)
}

/// The same ids inside as in the engine's namespace, one line for each of its extents: a range across two is EPERM.
fn inner_map(outer: &[Extent]) -> Result<Vec<oci::LinuxIdMapping>> {
    let line = |extent: &Extent| {
        oci::LinuxIdMappingBuilder::default()
            .container_id(extent.inside)
            .host_id(extent.inside)
            .size(extent.count)
            .build()
    };
    Ok(outer.iter().map(line).collect::<Result<_, _>>()?)
}

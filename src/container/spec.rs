//! From a container's description to the OCI spec that the runtime takes: `Config → Spec`, and nothing else.

use super::config::{Config, Limit, Mount, MountKind, Process, Seccomp, Unmasked};
use super::profile;
use super::profile::capabilities::Granted;
use super::profile::seccomp::Level;
use super::user::{self, User};
use crate::engine::Engine;
use crate::error::Kind;
use crate::fs::Root;
use crate::network::Network;
use crate::rootless::Extent;
use crate::runtime::capabilities::Set;
use anyhow::{Context, Result};
use oci_spec::runtime as oci;
use oci_spec::runtime::LinuxNamespaceType as Namespace;
use std::path::{Path, PathBuf};

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
    let user = resolve(around.root, &config.process.user, around)?;
    let root = oci::RootBuilder::default().path("rootfs").readonly(config.read_only).build()?;
    let spec = oci::SpecBuilder::default()
        .version("1.2.0")
        .root(root)
        .hostname(config.hostname.clone())
        .process(process(config, &config.process, &user, config.security.privileged, around)?)
        .mounts(mounts(config, around)?)
        .linux(linux(config, around)?)
        .build()?;
    Ok(spec)
}

/// The process of an `exec`: confined as the container is, privileged only if asked.
pub fn exec(config: &Config, wanted: &Process, privileged: bool, around: &Surroundings<'_>) -> Result<oci::Process> {
    let user = resolve(around.root, &wanted.user, around)?;
    process(config, wanted, &user, privileged || config.security.privileged, around)
}

fn resolve(root: &Root, text: &str, around: &Surroundings<'_>) -> Result<User> {
    let user = user::look_up(root, text)?;
    let is_mapped = |map: &[Extent], id: u32| {
        map.is_empty() || map.iter().any(|extent| id >= extent.inside && id - extent.inside < extent.count)
    };
    if !is_mapped(around.uid_map, user.uid) || !is_mapped(around.gid_map, user.gid) {
        let message =
            format!("user {}:{} has no id outside: it is not in the container's id map", user.uid, user.gid);
        return Err(Kind::BadInput.hinted(message, "give this user more subordinate ids (see coracle info)"));
    }
    let groups = user.groups.iter().copied().filter(|gid| is_mapped(around.gid_map, *gid)).collect();
    Ok(User { groups, ..user })
}

fn process(
    config: &Config,
    wanted: &Process,
    user: &User,
    privileged: bool,
    around: &Surroundings<'_>,
) -> Result<oci::Process> {
    let mut environment = wanted.environment.clone();
    if !environment.iter().any(|entry| entry.starts_with("HOME=")) {
        environment.push(format!("HOME={}", user.home));
    }
    let oci_user =
        oci::UserBuilder::default().uid(user.uid).gid(user.gid).additional_gids(user.groups.clone()).build()?;
    let granted = granted(config, privileged)?;
    let working_directory = if wanted.working_directory.is_empty() { "/" } else { &wanted.working_directory };
    Ok(oci::ProcessBuilder::default()
        .terminal(wanted.terminal)
        .user(oci_user)
        .args(wanted.arguments())
        .env(environment)
        .cwd(working_directory)
        .capabilities(profile::capabilities::for_user(granted, user.uid))
        .rlimits(limits(config, around)?)
        .no_new_privileges(config.security.no_new_privileges)
        .build()?)
}

/// The container's capabilities; those of an exec with `--privileged` are all.
fn granted(config: &Config, privileged: bool) -> Result<Granted> {
    let base = if privileged { Set::FULL } else { profile::capabilities::DEFAULT.into_iter().collect() };
    profile::capabilities::resolve(base, &config.security.capabilities_added, &config.security.capabilities_dropped)
}

/// The container's limits: those asked for, over defaults that no hard limit of the engine's forbids.
fn limits(config: &Config, around: &Surroundings<'_>) -> Result<Vec<oci::PosixRlimit>> {
    let (_, open_files_hard) = crate::sys::process::limit(libc::RLIMIT_NOFILE).context("getrlimit RLIMIT_NOFILE")?;
    let open_files = open_files_hard.min(524_288);
    let mut limits = vec![
        Limit { resource: "RLIMIT_NOFILE".into(), soft: open_files.min(1024), hard: open_files },
        Limit { resource: "RLIMIT_CORE".into(), soft: 0, hard: 0 },
    ];
    // Without a pids cgroup, the count of a user in the container's own namespace is the best there is. Outside it, all
    // containers of a user would share one count.
    let has_own_users = !around.uid_map.is_empty();
    if !around.has_pids_cgroup && has_own_users && config.resources.pids.is_none() && !config.security.privileged {
        limits.push(Limit { resource: "RLIMIT_NPROC".into(), soft: PIDS_DEFAULT, hard: PIDS_DEFAULT });
    }
    for limit in &config.limits {
        limits.retain(|default| default.resource != limit.resource);
        limits.push(limit.clone());
    }
    let to_oci = |limit: &Limit| -> Result<oci::PosixRlimit> {
        let kind: oci::PosixRlimitType =
            limit.resource.parse().map_err(|_| Kind::BadInput.error(format!("no limit {}", limit.resource)))?;
        Ok(oci::PosixRlimitBuilder::default().typ(kind).soft(limit.soft).hard(limit.hard).build()?)
    };
    limits.iter().map(to_oci).collect()
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
        .devices(devices(config)?);
    if maps_users {
        linux = linux.uid_mappings(inner_map(around.uid_map)?).gid_mappings(inner_map(around.gid_map)?);
    }
    if config.network != Network::Host {
        linux = linux
            .sysctl(std::collections::HashMap::from([("net.ipv4.ping_group_range".to_owned(), "0 0".to_owned())]));
    }
    if let Some(resources) = resources(config, around)? {
        linux = linux.resources(resources);
    }
    let (masked, read_only) = masks(config);
    linux = linux.masked_paths(masked).readonly_paths(read_only);
    if let Some(seccomp) = seccomp(config)? {
        linux = linux.seccomp(seccomp);
    }
    Ok(linux.build()?)
}

/// What the container's cgroup enforces. The default limit of processes is set only where there is a cgroup: it is an
/// offer, where an explicit one is a demand.
fn resources(config: &Config, around: &Surroundings<'_>) -> Result<Option<oci::LinuxResources>> {
    let asked = config.resources;
    let pids = asked.pids.or((around.has_pids_cgroup && !config.security.privileged).then_some(PIDS_DEFAULT));
    if pids.is_none() && asked.memory_bytes.is_none() && asked.cpu_millis.is_none() {
        return Ok(None);
    }
    let mut resources = oci::LinuxResourcesBuilder::default();
    if let Some(pids) = pids {
        let limit = if pids == 0 { -1 } else { pids as i64 };
        resources = resources.pids(oci::LinuxPidsBuilder::default().limit(limit).build()?);
    }
    if let Some(bytes) = asked.memory_bytes {
        resources = resources.memory(oci::LinuxMemoryBuilder::default().limit(bytes as i64).build()?);
    }
    if let Some(millis) = asked.cpu_millis {
        let cpu = oci::LinuxCpuBuilder::default()
            .period(CPU_PERIOD_MICROS)
            .quota((millis * CPU_PERIOD_MICROS / 1000) as i64);
        resources = resources.cpu(cpu.build()?);
    }
    Ok(Some(resources.build()?))
}

/// The kernel's own default period.
const CPU_PERIOD_MICROS: u64 = 100_000;

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

fn devices(config: &Config) -> Result<Vec<oci::LinuxDevice>> {
    let mut devices = Vec::new();
    for device in profile::DEVICES {
        let node = oci::LinuxDeviceBuilder::default().path(device.path).typ(oci::LinuxDeviceType::C);
        devices.push(node.major(device.major).minor(device.minor).build()?);
    }
    if config.security.privileged {
        for path in host_devices(Path::new("/dev"))? {
            if !profile::DEVICES.iter().any(|device| Path::new(device.path) == path) {
                devices.push(
                    oci::LinuxDeviceBuilder::default().path(path).typ(oci::LinuxDeviceType::A).major(-1).build()?,
                );
            }
        }
    }
    devices.retain(|device| !config.mounts.iter().any(|mount| Path::new(&mount.target) == device.path()));
    Ok(devices)
}

/// The most devices of a host that a privileged container gets.
const HOST_DEVICES_MAX: usize = 4096;

/// The host's device nodes, but for those that every container has of its own: terminals and what is mounted in /dev.
fn host_devices(top: &Path) -> Result<Vec<PathBuf>> {
    use std::os::unix::fs::FileTypeExt;
    let mut found = Vec::new();
    let mut dirs = vec![top.to_owned()];
    while let Some(dir) = dirs.pop() {
        for name in crate::fs::list(&dir)? {
            let path = dir.join(&name);
            let Ok(status) = path.symlink_metadata() else { continue };
            let kind = status.file_type();
            let is_own = matches!(name.as_str(), "pts" | "shm" | "mqueue" | "console" | "ptmx" | "fd");
            if kind.is_dir() && !is_own {
                dirs.push(path);
            } else if (kind.is_char_device() || kind.is_block_device()) && !is_own && found.len() < HOST_DEVICES_MAX {
                found.push(path);
            }
        }
    }
    Ok(found)
}

fn masks(config: &Config) -> (Vec<String>, Vec<String>) {
    if config.security.privileged {
        return (Vec::new(), Vec::new());
    }
    let keep = |path: &String| match &config.security.unmasked {
        Unmasked::All => false,
        Unmasked::Paths(paths) => !paths.iter().any(|unmasked| is_at_or_below(path, unmasked)),
    };
    let mut masked: Vec<String> = profile::masked_paths().into_iter().filter(keep).collect();
    masked.extend(config.security.masked.iter().cloned());
    let read_only = profile::READ_ONLY.iter().map(|path| (*path).to_owned());
    (masked, read_only.filter(keep).collect())
}

/// Compares components, not characters: `/proc/a` does not cover `/proc/ab`. A trailing `*` covers what begins so.
fn is_at_or_below(path: &str, top: &str) -> bool {
    match top.strip_suffix('*') {
        Some(prefix) => path.starts_with(prefix),
        None => Path::new(path).starts_with(top),
    }
}

/// The filter of a container's processes; None if it asked for none.
pub fn seccomp(config: &Config) -> Result<Option<oci::LinuxSeccomp>> {
    match &config.security.seccomp {
        Seccomp::Unconfined => Ok(None),
        Seccomp::Default => {
            let level = match (config.security.privileged, config.security.nesting) {
                (true, _) => Level::Privileged,
                (false, true) => Level::Nesting,
                (false, false) => Level::Default,
            };
            Ok(Some(profile::seccomp::seccomp(granted(config, config.security.privileged)?.set, level)))
        }
        Seccomp::Profile(json) => Ok(Some(serde_json::from_str(json).context("parse the seccomp profile")?)),
    }
}

const PRIVATE_FILE_SYSTEM: [&str; 3] = ["nosuid", "noexec", "nodev"];

/// What every container has mounted, then what this one asked for, parents before children.
fn mounts(config: &Config, around: &Surroundings<'_>) -> Result<Vec<oci::Mount>> {
    let mut mounts = default_mounts(config, around)?;
    let mut asked: Vec<&Mount> = config.mounts.iter().collect();
    asked.sort_by_key(|mount| Path::new(&mount.target).components().count());
    for mount in asked {
        let replaces = |default: &oci::Mount| default.destination() == Path::new(&mount.target);
        mounts.retain(|default| !replaces(default));
        mounts.push(asked_mount(mount, around)?);
    }
    Ok(mounts)
}

fn default_mounts(config: &Config, around: &Surroundings<'_>) -> Result<Vec<oci::Mount>> {
    let access = if config.security.privileged { "rw" } else { "ro" };
    let with = |extra: &[&'static str]| [&PRIVATE_FILE_SYSTEM[..], extra].concat();
    // The group `tty` owns terminals, if the map has it: EINVAL otherwise.
    let tty_is_mapped = around.gid_map.is_empty()
        || around.gid_map.iter().any(|extent| (extent.inside..extent.inside + extent.count).contains(&5));
    let mut pts = vec!["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620"];
    if tty_is_mapped {
        pts.push("gid=5");
    }
    let mut mounts = vec![
        mount("proc", "/proc", &PRIVATE_FILE_SYSTEM)?,
        mount("tmpfs", "/dev", &["nosuid", "noexec", "nodev", "strictatime", "mode=755", "size=65536k"])?,
        mount("devpts", "/dev/pts", &pts)?,
        mount("tmpfs", "/dev/shm", &with(&["mode=1777", "size=65536k"]))?,
        mount("mqueue", "/dev/mqueue", &PRIVATE_FILE_SYSTEM)?,
        mount("sysfs", "/sys", &with(&[access]))?,
        mount("cgroup", "/sys/fs/cgroup", &with(&[access]))?,
    ];
    if config.read_only {
        for target in ["/run", "/tmp", "/var/tmp"] {
            mounts.push(mount("tmpfs", target, &["nosuid", "nodev", "mode=1777"])?);
        }
    }
    for (source, target) in &around.files {
        let mut bind = mount("bind", target, &["rbind", "rprivate", "nosuid", "nodev", "noexec"])?;
        bind.set_source(Some(source.clone()));
        mounts.push(bind);
    }
    Ok(mounts)
}

fn asked_mount(asked: &Mount, around: &Surroundings<'_>) -> Result<oci::Mount> {
    let mut options = vec![if asked.read_only { "ro" } else { "rw" }.to_owned()];
    let flags = [
        ("nosuid", !asked.options.suid),
        ("nodev", !asked.options.dev),
        ("noexec", asked.options.exec == Some(false)),
    ];
    options.extend(flags.iter().filter(|(_, on)| *on).map(|(name, _)| (*name).to_owned()));
    let (kind, source) = match &asked.kind {
        MountKind::Bind { source } => ("bind", Some(source.clone())),
        MountKind::Volume { name, .. } => ("bind", Some(around.engine.volumes().join(name.as_str()).join("data"))),
        MountKind::Tmpfs { size_bytes, mode } => {
            options.push(format!("mode={:o}", mode.unwrap_or(0o1777)));
            options.extend(size_bytes.map(|size| format!("size={size}")));
            if asked.options.exec.is_none() {
                options.push("noexec".to_owned());
            }
            ("tmpfs", None)
        }
    };
    if source.is_some() {
        options.push("rbind".to_owned());
        options.push(asked.options.propagation.name().to_owned());
    }
    let options: Vec<&str> = options.iter().map(String::as_str).collect();
    let mut result = mount(kind, &asked.target, &options)?;
    if source.is_some() {
        result.set_source(source);
    }
    Ok(result)
}

fn mount(kind: &str, target: &str, options: &[&str]) -> Result<oci::Mount> {
    let options: Vec<String> = options.iter().map(|option| (*option).to_owned()).collect();
    Ok(oci::MountBuilder::default().destination(target).typ(kind).source(kind).options(options).build()?)
}

//! A container as `inspect` and `ps` show it.
//!
//! Templates see every field, an unset one at its zero value; Go leaves some of them out of JSON, and so does [`json`].

mod host;
mod mounts;
mod network;
mod process;
mod supervision;

pub use network::{PortRange, port_ranges};

use super::NEVER;
use crate::container::config::{Config, Source};
use crate::container::log::rfc3339_nanoseconds;
use crate::container::profile::capabilities;
use crate::container::state::{Container, Paths, Status};
use crate::engine::Engine;
use crate::inspect::view::{AsGo, View, view};
use crate::network::Network;
use crate::runtime::capabilities::Set;
use crate::runtime::cgroup;
use anyhow::Result;

/// The exit code of a container that was lost: nobody saw how it ended.
pub const LOST_EXIT_CODE: i32 = 255;
/// Unix time of Go's zero time, as `ps --format json` has it.
const NEVER_UNIX: i64 = -62_135_596_800;
const NANOSECONDS: u64 = 1_000_000_000;

/// The name of the image, or nothing for a container that has a directory instead.
pub fn image_name(config: &Config) -> &str {
    match &config.source {
        Source::Image(image) => &image.name,
        Source::Directory(_) => "",
    }
}

/// The id of the image as hex digits, or nothing.
pub fn image_id(config: &Config) -> String {
    match &config.source {
        Source::Image(image) => image.id.hex(),
        Source::Directory(_) => String::new(),
    }
}

/// How it ended: 0 for one that has not.
pub fn exit_code(container: &Container) -> i32 {
    let exit = container.state.as_ref().and_then(|state| state.exit.as_ref());
    match (container.status, exit) {
        (Status::Running | Status::Paused | Status::Created, _) => 0,
        (Status::Exited | Status::Lost | Status::Elsewhere, Some(exit)) => exit.code,
        (Status::Lost, None) => LOST_EXIT_CODE,
        (Status::Exited | Status::Elsewhere, None) => 0,
    }
}

/// When it was last started and when it last ended, in nanoseconds since 1970.
pub fn times(container: &Container) -> (Option<u64>, Option<u64>) {
    let state = container.state.as_ref();
    let exit = state.and_then(|state| state.exit.as_ref()).filter(|_| !container.status.is_alive());
    (state.map(|state| state.started), exit.map(|exit| exit.finished))
}

/// The pid of its first process, while it runs.
pub fn pid(container: &Container) -> i32 {
    let state = container.state.as_ref().filter(|_| container.status.is_alive());
    state.map_or(0, |state| state.pid)
}

/// The inodes of its namespaces while it runs, by the names that `ps --ns` has for them: cgroup, ipc, mnt, net, pid, user,
/// uts. Empty where the kernel does not tell.
pub fn namespaces(container: &Container) -> [String; 7] {
    let pid = pid(container);
    ["cgroup", "ipc", "mnt", "net", "pid", "user", "uts"].map(|kind| {
        let link = rustix::fs::readlink(format!("/proc/{pid}/ns/{kind}"), Vec::new());
        let text = link.map(|link| link.to_string_lossy().into_owned()).unwrap_or_default();
        let inode = text.split_once('[').and_then(|(_, rest)| rest.strip_suffix(']'));
        inode.filter(|_| pid != 0).unwrap_or_default().to_owned()
    })
}

/// One element of `ps --format json`, but for the spans of time in words.
pub fn summary(container: &Container) -> View {
    let config = &container.config;
    let (started, finished) = times(container);
    let unix = |time: Option<u64>| time.map_or(NEVER_UNIX, |time| (time / NANOSECONDS).cast_signed());
    let ports: Vec<View> = port_ranges(&config.ports).iter().map(port_range).collect();
    // A nil slice in Go, when it is empty.
    let ports = if ports.is_empty() { View::Null } else { View::from(ports) };
    let targets: Vec<&str> = config.mounts.iter().map(|mount| mount.target.as_str()).collect();
    view!({
        "AutoRemove": config.auto_remove,
        "CIDFile": "",
        "Command": &config.process.command,
        "Created": config.created / NANOSECONDS,
        "ExitCode": exit_code(container),
        "Exited": matches!(container.status, Status::Exited | Status::Lost),
        "ExitedAt": unix(finished),
        "ExposedPorts": null,
        "Id": config.id.as_str(),
        "Image": image_name(config),
        "ImageID": image_id(config),
        "IsInfra": false,
        "Labels": &config.labels,
        "Mounts": targets,
        "Names": [config.name.as_str()],
        "Namespaces": {},
        "Networks": [],
        "Pid": pid(container),
        "Pod": "",
        "PodName": "",
        "Ports": ports,
        "Restarts": restarts(container),
        "Size": null,
        "StartedAt": unix(started),
        "State": container.status.name(),
    })
}

fn port_range(range: &PortRange) -> View {
    view!({
        "host_ip": range.first.host_address.map(|address| address.to_string()).unwrap_or_default(),
        "host_port": range.first.host_port,
        "container_port": range.first.container_port,
        "range": range.count,
        "protocol": range.first.protocol.name(),
    })
}

/// Fields that Go leaves out of JSON when they are empty.
const OMITTED: &[&str] = &[
    "CgroupPath",
    "CheckpointLog",
    "CheckpointPath",
    "Checkpointed",
    "ChrootDirs",
    "CreateCommand",
    "ExposedPorts",
    "Health",
    "Healthcheck",
    "StartupHealthCheck",
    "IDMappings",
    "Init",
    "IntelRdtClosID",
    "MergedDir",
    "Name",
    "Networks",
    "RestoreLog",
    "Restored",
    "Secrets",
    "SizeRootFs",
    "SizeRw",
    "StoppedByUser",
    "SubPath",
    "Sysctls",
    "SystemdMode",
    "Timezone",
];
/// Lists and maps that are nil in Go, and so null in JSON, when they are empty.
const NIL: &[&str] = &[
    "BlkioDeviceReadBps",
    "BlkioDeviceReadIOps",
    "BlkioDeviceWriteBps",
    "BlkioDeviceWriteIOps",
    "BlkioWeightDevice",
    "CgroupConf",
    "Config",
    "Entrypoint",
    "Labels",
    "Links",
    "OnBuild",
    "Volumes",
    "VolumesFrom",
];

/// What `inspect` prints of what [`inspect`] gives to templates.
pub fn json(view: &View) -> AsGo<'_> {
    AsGo { view, omitted: OMITTED, kept: &[], nil: NIL }
}

/// What docker names otherwise, or has beside it.
pub fn for_docker(view: &mut View) {
    for (name, prefix) in [("Name", "/"), ("Image", "sha256:")] {
        if let Some(View::Text(text)) = view.field_mut(name)
            && !text.is_empty()
        {
            text.insert_str(0, prefix);
        }
    }
    let log = view["HostConfig"]["LogConfig"]["Path"].clone();
    view.set("LogPath", log);
    view.set("Platform", "linux");
}

/// All that is known of a container, as templates see it.
pub fn inspect(engine: &Engine, container: &Container) -> Result<View> {
    let config = &container.config;
    let mut arguments = config.process.arguments();
    let path = if arguments.is_empty() { String::new() } else { arguments.remove(0) };
    let (effective, bounding) = capability_names(config)?;
    let manifest = match &config.source {
        Source::Image(image) => image.manifest.to_string(),
        Source::Directory(_) => String::new(),
    };
    let rootfs = match &config.source {
        Source::Image(_) => String::new(),
        Source::Directory(dir) => dir.display().to_string(),
    };
    let dir = Paths::of(engine, &config.id).dir;
    let identity = view!({
        "Id": config.id.as_str(),
        "Name": config.name.as_str(),
        "Created": rfc3339_nanoseconds(config.created),
        "Path": path,
        "Args": arguments,
        "Image": image_id(config),
        "ImageDigest": manifest,
        "ImageName": image_name(config),
        "Rootfs": rootfs,
        "Pod": "",
        "Namespace": "",
        "IsInfra": false,
        "IsService": false,
        "RestartCount": restarts(container),
        "Dependencies": [],
        "ExecIDs": [],
        "EffectiveCaps": effective,
        "BoundingCaps": bounding,
        "KubeExitCodePropagation": "invalid",
        // There are no numbered locks.
        "lockNumber": 0,
        "UseImageHosts": false,
        "UseImageHostname": false,
        "SizeRw": null,
        "SizeRootFs": null,
    });
    let files = view!({
        "StaticDir": dir.display().to_string(),
        "OCIConfigPath": "",
        "OCIRuntime": "coracle",
        "ConmonPidFile": config.pid_files.monitor.as_deref(),
        "PidFile": config.pid_files.container.as_deref(),
        "HostnamePath": "",
        "HostsPath": runtime_file(container, "hosts"),
        "ResolvConfPath": match config.network {
            Network::None => String::new(),
            Network::Host | Network::Pasta | Network::Bridge => runtime_file(container, "resolv.conf"),
        },
        "Driver": "overlay",
        "GraphDriver": graph_driver(engine, config),
        "MountLabel": "",
        "ProcessLabel": "",
        "AppArmorProfile": config.security.apparmor.as_deref().unwrap_or_default(),
    });
    let parts = view!({
        "State": state(container),
        "Mounts": config.mounts.iter().filter_map(|mount| mounts::mount_point(engine, mount)).collect::<Vec<_>>(),
        "NetworkSettings": network::network_settings(container),
        "Config": View::joined([process::process_config(config), supervision::checks(config)]),
        "HostConfig": host::all(engine, config),
    });
    Ok(View::joined([identity, files, parts]))
}

fn state(container: &Container) -> View {
    let exit = container.state.as_ref().and_then(|state| state.exit.as_ref());
    let exit = exit.filter(|_| !container.status.is_alive());
    let (started, finished) = times(container);
    let time = |time: Option<u64>| time.map_or_else(|| NEVER.to_owned(), rfc3339_nanoseconds);
    let record = container.state.as_ref();
    let error = match container.status {
        Status::Lost => "its monitor has gone without a word: a power cut or a kill",
        Status::Created | Status::Running | Status::Paused | Status::Exited | Status::Elsewhere => {
            record.map_or("", |state| state.error.as_str())
        }
    };
    let monitor = container.state.as_ref().filter(|_| container.status.is_alive());
    view!({
        "OciVersion": "1.2.0",
        "Status": container.status.name(),
        "Running": container.status == Status::Running,
        "Paused": container.status == Status::Paused,
        "Restarting": record.is_some_and(|state| state.restarting),
        "OOMKilled": exit.is_some_and(|exit| exit.oom_killed),
        "Dead": false,
        "Pid": pid(container),
        "ConmonPid": monitor.map_or(0, |state| state.monitor_pid),
        "ExitCode": exit_code(container),
        "Error": error,
        "StartedAt": time(started),
        "FinishedAt": time(finished),
        "Health": supervision::health(container),
        "StoppedByUser": record.is_some_and(|state| state.stopped_by_user),
        "CgroupPath": monitor.and_then(|state| cgroup::of_container(state.monitor_pid)).unwrap_or_default().as_path(),
        "Checkpointed": false,
        "Restored": false,
        "CheckpointLog": "",
        "CheckpointPath": "",
        "RestoreLog": "",
        "CheckpointedAt": NEVER,
        "RestoredAt": NEVER,
    })
}

/// How often its monitor has started it again.
fn restarts(container: &Container) -> u32 {
    container.state.as_ref().map_or(0, |state| state.restarts)
}

/// A file that the monitor has made for a running container.
fn runtime_file(container: &Container, name: &str) -> String {
    let state = container.state.as_ref().filter(|_| container.status.is_alive());
    let path = state.map(|state| state.run.join("containers").join(container.config.id.as_str()).join(name));
    path.filter(|path| path.exists()).map(|path| path.display().to_string()).unwrap_or_default()
}

/// Effective and bounding capabilities, by name. The effective ones of a user who is known only inside are taken as a
/// user's who is not root.
fn capability_names(config: &Config) -> Result<(View, View)> {
    let security = &config.security;
    let base = if security.privileged { Set::FULL } else { capabilities::DEFAULT.into_iter().collect() };
    let granted = capabilities::resolve(base, &security.capabilities_added, &security.capabilities_dropped)?;
    let user = config.process.user.split(':').next().unwrap_or_default();
    let effective = if matches!(user, "" | "0" | "root") { granted.set } else { granted.added };
    let names = |set: Set| {
        let mut names: Vec<String> = set.names().map(str::to_owned).collect();
        names.sort();
        View::from(names)
    };
    Ok((names(effective), names(granted.set)))
}

fn graph_driver(engine: &Engine, config: &Config) -> View {
    let Source::Image(image) = &config.source else { return view!({ "Name": "overlay", "Data": null }) };
    let layer = |digest| crate::store::layers::path(engine, digest).display().to_string();
    // The uppermost comes first, as overlay has it.
    let lower: Vec<String> = image.layers.iter().rev().map(layer).collect();
    let dir = Paths::of(engine, &config.id).dir;
    let below = |name: &str| dir.join(name).display().to_string();
    let data = view!({ "LowerDir": lower.join(":"), "UpperDir": below("upper"), "WorkDir": below("work") });
    view!({ "Name": "overlay", "Data": data })
}

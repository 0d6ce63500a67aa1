//! A container as `inspect` and `ps` show it.

use super::{NEVER, merged};
use crate::container::config::{Config, Mount, MountKind, Seccomp, Source, Unmasked};
use crate::container::log::rfc3339_nanoseconds;
use crate::container::profile::capabilities;
use crate::container::state::{Container, Paths, Status};
use crate::engine::Engine;
use crate::network::{Network, Port};
use crate::runtime::capabilities::Set;
use anyhow::Result;
use serde_json::{Map, Value, json};

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
        (Status::Running | Status::Created, _) => 0,
        (Status::Exited | Status::Lost | Status::Elsewhere, Some(exit)) => exit.code,
        (Status::Lost, None) => LOST_EXIT_CODE,
        (Status::Exited | Status::Elsewhere, None) => 0,
    }
}

/// When it was last started and when it last ended, in nanoseconds since 1970.
pub fn times(container: &Container) -> (Option<u64>, Option<u64>) {
    let state = container.state.as_ref();
    let exit = state.and_then(|state| state.exit.as_ref()).filter(|_| container.status != Status::Running);
    (state.map(|state| state.started), exit.map(|exit| exit.finished))
}

/// The pid of its first process, while it runs.
pub fn pid(container: &Container) -> i32 {
    let state = container.state.as_ref().filter(|_| container.status == Status::Running);
    state.map_or(0, |state| state.pid)
}

/// Published ports that follow each other, taken together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PortRange {
    pub first: Port,
    pub count: u16,
}

/// Ports with those that count up together, inside and outside, as one range.
pub fn port_ranges(ports: &[Port]) -> Vec<PortRange> {
    let mut sorted = ports.to_vec();
    sorted.sort_by_key(|port| (port.protocol.name(), port.host_address, port.container_port, port.host_port));
    let mut ranges: Vec<PortRange> = Vec::new();
    for port in sorted {
        match ranges.last_mut() {
            Some(range) if follows(range, &port) => range.count += 1,
            _ => ranges.push(PortRange { first: port, count: 1 }),
        }
    }
    ranges.sort_by_key(|range| (range.first.container_port, range.first.host_port));
    ranges
}

fn follows(range: &PortRange, port: &Port) -> bool {
    let PortRange { first, count } = range;
    first.protocol == port.protocol
        && first.host_address == port.host_address
        && first.container_port.checked_add(*count) == Some(port.container_port)
        && first.host_port.checked_add(*count) == Some(port.host_port)
}

/// One element of `ps --format json`, but for the spans of time in words.
pub fn summary(container: &Container) -> Value {
    let config = &container.config;
    let (started, finished) = times(container);
    let unix = |time: Option<u64>| time.map_or(NEVER_UNIX, |time| (time / NANOSECONDS).cast_signed());
    let ports: Vec<Value> = port_ranges(&config.ports).iter().map(port_range).collect();
    let targets: Vec<&str> = config.mounts.iter().map(|mount| mount.target.as_str()).collect();
    json!({
        "AutoRemove": config.auto_remove,
        "CIDFile": "",
        "Command": config.process.command,
        "Created": config.created / NANOSECONDS,
        "ExitCode": exit_code(container),
        "Exited": matches!(container.status, Status::Exited | Status::Lost),
        "ExitedAt": unix(finished),
        "ExposedPorts": null,
        "Id": config.id.as_str(),
        "Image": image_name(config),
        "ImageID": image_id(config),
        "IsInfra": false,
        "Labels": config.labels,
        "Mounts": targets,
        "Names": [config.name.as_str()],
        "Namespaces": {},
        "Networks": [],
        "Pid": pid(container),
        "Pod": "",
        "PodName": "",
        "Ports": ports,
        "Restarts": 0,
        "Size": null,
        "StartedAt": unix(started),
        "State": container.status.name(),
    })
}

fn port_range(range: &PortRange) -> Value {
    json!({
        "host_ip": range.first.host_address.map(|address| address.to_string()).unwrap_or_default(),
        "host_port": range.first.host_port,
        "container_port": range.first.container_port,
        "range": range.count,
        "protocol": range.first.protocol.name(),
    })
}

/// All that is known of a container.
pub fn inspect(engine: &Engine, container: &Container) -> Result<Value> {
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
    let identity = json!({
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
        "RestartCount": 0,
        "Dependencies": [],
        "ExecIDs": [],
        "EffectiveCaps": effective,
        "BoundingCaps": bounding,
    });
    let files = json!({
        "StaticDir": dir.display().to_string(),
        "OCIConfigPath": "",
        "OCIRuntime": "coracle",
        "ConmonPidFile": "",
        "PidFile": "",
        "HostnamePath": "",
        "HostsPath": runtime_file(container, "hosts"),
        "ResolvConfPath": match config.network {
            Network::None => String::new(),
            Network::Host | Network::Pasta => runtime_file(container, "resolv.conf"),
        },
        "Driver": "overlay",
        "GraphDriver": graph_driver(engine, config),
        "MountLabel": "",
        "ProcessLabel": "",
        "AppArmorProfile": "",
    });
    let parts = json!({
        "State": state(container),
        "Mounts": config.mounts.iter().filter_map(|mount| mount_point(engine, mount)).collect::<Vec<_>>(),
        "NetworkSettings": network_settings(container),
        "Config": process_config(config),
        "HostConfig": merged([
            host_config(engine, config), host_namespaces(config), host_security(config), host_resources(config),
        ]),
    });
    Ok(merged([identity, files, parts]))
}

fn state(container: &Container) -> Value {
    let exit = container.state.as_ref().and_then(|state| state.exit.as_ref());
    let exit = exit.filter(|_| container.status != Status::Running);
    let (started, finished) = times(container);
    let time = |time: Option<u64>| time.map_or_else(|| NEVER.to_owned(), rfc3339_nanoseconds);
    let error = match container.status {
        Status::Lost => "its monitor has gone without a word: a power cut or a kill",
        Status::Created | Status::Running | Status::Exited | Status::Elsewhere => "",
    };
    let monitor = container.state.as_ref().filter(|_| container.status == Status::Running);
    json!({
        "OciVersion": "1.2.0",
        "Status": container.status.name(),
        "Running": container.status == Status::Running,
        "Paused": false,
        "Restarting": false,
        "OOMKilled": exit.is_some_and(|exit| exit.oom_killed),
        "Dead": false,
        "Pid": pid(container),
        "ConmonPid": monitor.map_or(0, |state| state.monitor_pid),
        "ExitCode": exit_code(container),
        "Error": error,
        "StartedAt": time(started),
        "FinishedAt": time(finished),
        "CheckpointedAt": NEVER,
        "RestoredAt": NEVER,
    })
}

/// A file that the monitor has made for a running container.
fn runtime_file(container: &Container, name: &str) -> String {
    let state = container.state.as_ref().filter(|_| container.status == Status::Running);
    let path = state.map(|state| state.run.join("containers").join(container.config.id.as_str()).join(name));
    path.filter(|path| path.exists()).map(|path| path.display().to_string()).unwrap_or_default()
}

/// Effective and bounding capabilities, by name. The effective ones of a user who is known only inside are taken as a
/// user's who is not root.
fn capability_names(config: &Config) -> Result<(Value, Value)> {
    let security = &config.security;
    let base = if security.privileged { Set::FULL } else { capabilities::DEFAULT.into_iter().collect() };
    let granted = capabilities::resolve(base, &security.capabilities_added, &security.capabilities_dropped)?;
    let user = config.process.user.split(':').next().unwrap_or_default();
    let effective = if matches!(user, "" | "0" | "root") { granted.set } else { granted.added };
    let names = |set: Set| {
        let mut names: Vec<String> = set.names().map(str::to_owned).collect();
        names.sort();
        Value::from(names)
    };
    Ok((names(effective), names(granted.set)))
}

fn graph_driver(engine: &Engine, config: &Config) -> Value {
    let Source::Image(image) = &config.source else { return json!({ "Name": "overlay", "Data": null }) };
    let layer = |digest| crate::store::layers::path(engine, digest).display().to_string();
    // The uppermost comes first, as overlay has it.
    let lower: Vec<String> = image.layers.iter().rev().map(layer).collect();
    let dir = Paths::of(engine, &config.id).dir;
    let below = |name: &str| dir.join(name).display().to_string();
    let data = json!({ "LowerDir": lower.join(":"), "UpperDir": below("upper"), "WorkDir": below("work") });
    json!({ "Name": "overlay", "Data": data })
}

/// Binds and volumes; file systems in memory are in `HostConfig.Tmpfs`.
fn mount_point(engine: &Engine, mount: &Mount) -> Option<Value> {
    let (kind, name, source, driver) = match &mount.kind {
        MountKind::Bind { source } => ("bind", None, source.clone(), ""),
        MountKind::Volume { name, .. } => {
            ("volume", Some(name.as_str()), engine.volumes().join(name.as_str()).join("data"), "local")
        }
        MountKind::Tmpfs { .. } => return None,
    };
    let mut point = json!({
        "Type": kind,
        "Source": source.display().to_string(),
        "Destination": mount.target,
        "Driver": driver,
        "Mode": "",
        "Options": mount_options(mount),
        "RW": !mount.read_only,
        "Propagation": mount.options.propagation.name(),
    });
    // A bind has no name, and in Go's JSON then no such field.
    if let (Some(name), Some(fields)) = (name, point.as_object_mut()) {
        fields.insert("Name".to_owned(), Value::from(name));
    }
    Some(point)
}

fn mount_options(mount: &Mount) -> Vec<&'static str> {
    let options = &mount.options;
    let flags = [("nosuid", !options.suid), ("nodev", !options.dev), ("noexec", options.exec == Some(false))];
    flags.into_iter().filter(|(_, on)| *on).map(|(name, _)| name).chain(["rbind"]).collect()
}

fn bind_text(mount: &Mount) -> Option<String> {
    let source = match &mount.kind {
        MountKind::Bind { source } => source.display().to_string(),
        MountKind::Volume { name, .. } => name.to_string(),
        MountKind::Tmpfs { .. } => return None,
    };
    let access = if mount.read_only { "ro" } else { "rw" };
    let options = mount_options(mount).join(",");
    Some(format!("{source}:{}:{access},{},{options}", mount.target, mount.options.propagation.name()))
}

fn tmpfs(config: &Config) -> Value {
    let mut all = Map::new();
    for mount in &config.mounts {
        if let MountKind::Tmpfs { size_bytes, mode } = &mount.kind {
            let mut options = vec![if mount.read_only { "ro" } else { "rw" }.to_owned()];
            options
                .extend(mount_options(mount).iter().filter(|name| **name != "rbind").map(|name| (*name).to_owned()));
            options.extend(size_bytes.map(|size| format!("size={size}")));
            options.extend(mode.map(|mode| format!("mode={mode:o}")));
            all.insert(mount.target.clone(), Value::from(options.join(",")));
        }
    }
    Value::Object(all)
}

/// `80/tcp` and what of the host leads there.
fn port_bindings(ports: &[Port]) -> Map<String, Value> {
    let mut bindings = Map::new();
    for port in ports {
        let key = format!("{}/{}", port.container_port, port.protocol.name());
        let address = port.host_address.map_or_else(|| "0.0.0.0".to_owned(), |address| address.to_string());
        let binding = json!({ "HostIp": address, "HostPort": port.host_port.to_string() });
        if let Value::Array(list) = bindings.entry(key).or_insert_with(|| Value::Array(Vec::new())) {
            list.push(binding);
        }
    }
    bindings
}

fn network_settings(container: &Container) -> Value {
    let config = &container.config;
    let address = json!({
        "EndpointID": "",
        "Gateway": "",
        "IPAddress": "",
        "IPPrefixLen": 0,
        "IPv6Gateway": "",
        "GlobalIPv6Address": "",
        "GlobalIPv6PrefixLen": 0,
        "MacAddress": "",
    });
    let network = config.network.name();
    let membership =
        json!({ "NetworkID": network, "DriverOpts": null, "IPAMConfig": null, "Links": null, "Aliases": null });
    let mut networks = Map::new();
    networks.insert(network.to_owned(), merged([address.clone(), membership]));
    let sandbox = match pid(container) {
        0 => String::new(),
        pid => format!("/proc/{pid}/ns/net"),
    };
    let rest = json!({
        "Bridge": "",
        "SandboxID": "",
        "HairpinMode": false,
        "LinkLocalIPv6Address": "",
        "LinkLocalIPv6PrefixLen": 0,
        "Ports": port_bindings(&config.ports),
        "SandboxKey": sandbox,
        "Networks": networks,
    });
    merged([address, rest])
}

fn process_config(config: &Config) -> Value {
    let process = &config.process;
    let exposed: Map<String, Value> =
        port_bindings(&config.ports).into_iter().map(|(port, _)| (port, json!({}))).collect();
    json!({
        "Hostname": config.hostname,
        "Domainname": "",
        "User": process.user,
        "AttachStdin": false,
        "AttachStdout": false,
        "AttachStderr": false,
        "Tty": process.terminal,
        "OpenStdin": process.interactive,
        "StdinOnce": false,
        "Env": process.environment,
        "Cmd": process.command,
        "Entrypoint": process.entrypoint.as_deref().unwrap_or_default(),
        "Image": image_name(config),
        "Volumes": null,
        "WorkingDir": process.working_directory,
        "OnBuild": null,
        "Labels": config.labels,
        "Annotations": config.annotations,
        "StopSignal": signal_name(config.stop.signal),
        "StopTimeout": config.stop.timeout_secs,
        "CreateCommand": config.create_command,
        "ExposedPorts": exposed,
        "Umask": "0022",
        "Timeout": 0,
        "Passwd": true,
        "sdNotifyMode": "container",
    })
}

/// `SIGTERM`, or the number of a signal that has no name.
fn signal_name(signal: Option<i32>) -> String {
    let signal = signal.unwrap_or(libc::SIGTERM);
    nix::sys::signal::Signal::try_from(signal)
        .map_or_else(|_| signal.to_string(), |signal| signal.as_str().to_owned())
}

fn host_config(engine: &Engine, config: &Config) -> Value {
    let log = json!({
        "Type": "k8s-file",
        "Config": null,
        "Path": Paths::of(engine, &config.id).log().display().to_string(),
        "Tag": "",
        "Size": "0B",
    });
    json!({
        "Binds": config.mounts.iter().filter_map(bind_text).collect::<Vec<_>>(),
        "ContainerIDFile": "",
        "LogConfig": log,
        "PortBindings": port_bindings(&config.ports),
        "PublishAllPorts": false,
        "RestartPolicy": { "Name": "no", "MaximumRetryCount": 0 },
        "AutoRemove": config.auto_remove,
        "AutoRemoveImage": false,
        "Annotations": config.annotations,
        "VolumeDriver": "",
        "VolumesFrom": null,
        "Init": config.init,
        "Links": null,
        "ReadonlyRootfs": config.read_only,
        "Tmpfs": tmpfs(config),
        "Runtime": "oci",
        "ConsoleSize": [0, 0],
        "Isolation": "",
    })
}

fn host_namespaces(config: &Config) -> Value {
    json!({
        "NetworkMode": config.network.name(),
        "IpcMode": "private",
        "PidMode": "private",
        "UTSMode": "private",
        "UsernsMode": "",
        "CgroupMode": "private",
        "Cgroup": "",
        "CgroupParent": "",
        "Dns": [],
        "DnsOptions": [],
        "DnsSearch": [],
        "ExtraHosts": [],
        "HostsFile": "",
    })
}

fn host_security(config: &Config) -> Value {
    let security = &config.security;
    json!({
        "Privileged": security.privileged,
        "CapAdd": full_names(&security.capabilities_added),
        "CapDrop": full_names(&security.capabilities_dropped),
        "SecurityOpt": security_options(config),
        "GroupAdd": [],
        "OomScoreAdj": 0,
        "Devices": [],
    })
}

/// Capabilities as typed become `CAP_NET_ADMIN` or `ALL`.
fn full_names(typed: &[String]) -> Vec<String> {
    let words = typed.iter().flat_map(|text| text.split(',')).map(|word| word.trim().to_ascii_uppercase());
    let full = |word: String| if word == "ALL" || word.starts_with("CAP_") { word } else { format!("CAP_{word}") };
    words.map(full).collect()
}

fn security_options(config: &Config) -> Vec<String> {
    let security = &config.security;
    let mut options = Vec::new();
    if security.no_new_privileges {
        options.push("no-new-privileges".to_owned());
    }
    if security.nesting {
        options.push("nesting".to_owned());
    }
    match &security.seccomp {
        Seccomp::Default => {}
        Seccomp::Unconfined => options.push("seccomp=unconfined".to_owned()),
        Seccomp::File(_) | Seccomp::Profile(_) => options.push("seccomp=profile".to_owned()),
    }
    if !security.masked.is_empty() {
        options.push(format!("mask={}", security.masked.join(":")));
    }
    match &security.unmasked {
        Unmasked::All => options.push("unmask=all".to_owned()),
        Unmasked::Paths(paths) if paths.is_empty() => {}
        Unmasked::Paths(paths) => options.push(format!("unmask={}", paths.join(":"))),
    }
    options
}

fn host_resources(config: &Config) -> Value {
    let resources = &config.resources;
    let limits = config.limits.iter().map(|limit| {
        let number = |limit: u64| i64::try_from(limit).unwrap_or(-1);
        json!({ "Name": limit.resource, "Soft": number(limit.soft), "Hard": number(limit.hard) })
    });
    json!({
        "Ulimits": limits.collect::<Vec<_>>(),
        "Memory": resources.memory_bytes.unwrap_or(0),
        "MemoryReservation": 0,
        "MemorySwap": 0,
        "NanoCpus": resources.cpu_millis.unwrap_or(0).saturating_mul(1_000_000),
        "CpuShares": 0,
        "CpuPeriod": 0,
        "CpuQuota": 0,
        "CpusetCpus": "",
        "CpusetMems": "",
        "PidsLimit": resources.pids.unwrap_or(crate::container::spec::PIDS_DEFAULT),
        "ShmSize": 65_536_000,
        "BlkioWeight": 0,
        "OomKillDisable": false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::Protocol;

    fn port(host_port: u16, container_port: u16, protocol: Protocol) -> Port {
        Port { host_address: None, host_port, container_port, protocol }
    }

    #[test]
    fn ports_that_count_up_together_are_one_range() {
        let ports = [
            port(9001, 91, Protocol::Udp),
            port(9000, 90, Protocol::Udp),
            port(8080, 80, Protocol::Tcp),
            port(8090, 81, Protocol::Tcp),
            port(9002, 92, Protocol::Tcp),
        ];
        let ranges: Vec<(u16, u16)> =
            port_ranges(&ports).iter().map(|range| (range.first.container_port, range.count)).collect();
        assert_eq!(ranges, [(80, 1), (81, 1), (90, 2), (92, 1)]);
        assert!(port_ranges(&[]).is_empty());
        assert_eq!(port_ranges(&[port(65535, 65535, Protocol::Tcp), port(1, 1, Protocol::Tcp)]).len(), 2);
    }

    #[test]
    fn signals_and_capabilities_have_their_full_names() {
        assert_eq!(
            (signal_name(None), signal_name(Some(2)), signal_name(Some(37))),
            ("SIGTERM".into(), "SIGINT".into(), "37".into())
        );
        assert_eq!(full_names(&["net_admin,CAP_KILL".into(), "all".into()]), ["CAP_NET_ADMIN", "CAP_KILL", "ALL"]);
    }
}

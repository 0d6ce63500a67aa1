//! A container's `HostConfig`: what it has of the host.

use super::mounts::{bind_text, tmpfs};
use super::network::port_bindings;
use super::supervision;
use crate::container::config::{
    Config, Device, Namespace, Seccomp, Throttle, ThrottleKind, Unmasked, Userns, VolumesFrom,
};
use crate::engine::Engine;
use crate::inspect::view::{View, view};
use crate::network::{Host, HostsBase};

/// All of it.
pub fn all(engine: &Engine, config: &Config) -> View {
    View::joined([
        host_config(engine, config),
        host_namespaces(config),
        host_security(config),
        host_resources(config),
        host_names(config),
        throttles(config),
        unset(),
    ])
}

fn host_config(engine: &Engine, config: &Config) -> View {
    view!({
        "Binds": config.mounts.iter().filter_map(bind_text).collect::<Vec<_>>(),
        "ContainerIDFile": "",
        "LogConfig": supervision::log_config(engine, config),
        "PortBindings": port_bindings(&config.ports),
        "PublishAllPorts": config.publish_all,
        "Egress": config.egress.clone().map(Vec::<String>::from).unwrap_or_default(),
        "RestartPolicy": supervision::restart_policy(config),
        "AutoRemove": config.auto_remove,
        "AutoRemoveImage": false,
        "Annotations": &config.annotations,
        "VolumeDriver": "",
        "VolumesFrom": config.mount_defaults.volumes_from.iter().map(volumes_from).collect::<Vec<_>>(),
        "Init": config.init,
        "Links": [],
        "ReadonlyRootfs": config.read_only,
        "Tmpfs": tmpfs(config),
        "Runtime": "oci",
        "ConsoleSize": [0, 0],
        "Isolation": "",
    })
}

fn host_namespaces(config: &Config) -> View {
    view!({
        "NetworkMode": namespace_mode(&config.users.network, config.network.name()),
        "IpcMode": namespace_mode(&config.users.ipc, "private"),
        "PidMode": namespace_mode(&config.users.pid, "private"),
        "UTSMode": namespace_mode(&config.users.uts, "private"),
        "UsernsMode": userns_mode(config),
        "IDMappings": id_mappings(config),
        "CgroupMode": namespace_mode(&config.users.cgroup, "private"),
        "CgroupManager": "systemd",
        "Cgroups": if config.resources.cgroup.disabled { "disabled" } else { "default" },
        "Cgroup": "",
        "CgroupParent": config.resources.cgroup.parent.as_deref().unwrap_or_default(),
    })
}

fn host_names(config: &Config) -> View {
    let names = &config.names;
    let servers = if names.keeps_resolv_conf { vec!["none".to_owned()] } else { names.servers.clone() };
    let line = |host: &Host| {
        let address = host.address.map_or_else(|| "host-gateway".to_owned(), |address| address.to_string());
        format!("{}:{address}", host.names.join(";"))
    };
    view!({
        "Dns": servers,
        "DnsOptions": names.options.as_deref().unwrap_or_default(),
        "DnsSearch": names.searches.as_deref().unwrap_or_default(),
        "ExtraHosts": names.hosts.iter().map(line).collect::<Vec<_>>(),
        "HostsFile": match &names.base {
            HostsBase::Engine => String::new(),
            HostsBase::Nothing => "none".to_owned(),
            HostsBase::Image => "image".to_owned(),
            HostsBase::File(path) => path.display().to_string(),
        },
    })
}

/// As `--userns` takes it; empty for the engine's own ids.
fn userns_mode(config: &Config) -> String {
    match &config.users.userns {
        Userns::Engine => String::new(),
        Userns::Container(id) => format!("container:{id}"),
        Userns::Path(path) => format!("ns:{}", path.display()),
        Userns::KeepId { .. } | Userns::Auto { .. } | Userns::NoMap | Userns::Maps { .. } | Userns::Names { .. } => {
            "private".to_owned()
        }
    }
}

fn volumes_from(from: &VolumesFrom) -> String {
    match from.read_only {
        None => from.container.clone(),
        Some(true) => format!("{}:ro", from.container),
        Some(false) => format!("{}:rw", from.container),
    }
}

fn host_security(config: &Config) -> View {
    let security = &config.security;
    view!({
        "Privileged": security.privileged,
        "CapAdd": full_names(&security.capabilities_added),
        "CapDrop": full_names(&security.capabilities_dropped),
        "SecurityOpt": security_options(config),
        "GroupAdd": &config.users.groups,
        "Sysctls": &security.sysctls,
        "OomScoreAdj": config.resources.oom_score_adj.unwrap_or(0),
        "Devices": config.extras.devices.iter().map(device).collect::<Vec<_>>(),
    })
}

fn device(device: &Device) -> View {
    view!({
        "PathOnHost": device.source.display().to_string(),
        "PathInContainer": &device.target,
        "CgroupPermissions": &device.access,
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
    if let Some(profile) = &security.apparmor {
        options.push(format!("apparmor={profile}"));
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

fn host_resources(config: &Config) -> View {
    let resources = &config.resources;
    let rare = &resources.rare;
    let limits = config.limits.iter().map(|limit| {
        let number = |limit: u64| i64::try_from(limit).unwrap_or(-1);
        view!({ "Name": &limit.resource, "Soft": number(limit.soft), "Hard": number(limit.hard) })
    });
    view!({
        "Ulimits": limits.collect::<Vec<_>>(),
        "Memory": resources.memory_bytes.unwrap_or(0),
        "MemoryReservation": rare.memory_reservation_bytes.unwrap_or(0),
        "MemorySwap": rare.memory_swap_bytes.unwrap_or(0),
        "NanoCpus": resources.cpu_millis.unwrap_or(0).saturating_mul(1_000_000),
        "CpuShares": rare.cpu_shares.unwrap_or(0),
        "CpuPeriod": rare.cpu_period_micros.unwrap_or(0),
        "CpuQuota": rare.cpu_quota_micros.unwrap_or(0),
        "CpusetCpus": rare.cpuset_cpus.as_deref().unwrap_or_default(),
        "CpusetMems": rare.cpuset_mems.as_deref().unwrap_or_default(),
        "PidsLimit": resources.pids.unwrap_or(crate::container::spec::PIDS_DEFAULT),
        "ShmSize": config.mount_defaults.shm_bytes.unwrap_or(crate::container::spec::SHM_BYTES),
        "BlkioWeight": rare.io_weight.unwrap_or(0),
        "OomKillDisable": false,
        "CgroupConf": &rare.unified,
    })
}

fn throttles(config: &Config) -> View {
    let of = |kind: ThrottleKind| -> View {
        let all = config.resources.rare.throttles.iter().filter(|throttle| throttle.kind == kind);
        let key = if kind == ThrottleKind::Weight { "Weight" } else { "Rate" };
        let device = |throttle: &Throttle| {
            let mut device = view!({ "Path": block_device(throttle) });
            device.set(key, throttle.rate);
            device
        };
        all.map(device).collect()
    };
    view!({
        "BlkioWeightDevice": of(ThrottleKind::Weight),
        "BlkioDeviceReadBps": of(ThrottleKind::ReadBytes),
        "BlkioDeviceWriteBps": of(ThrottleKind::WriteBytes),
        "BlkioDeviceReadIOps": of(ThrottleKind::ReadOperations),
        "BlkioDeviceWriteIOps": of(ThrottleKind::WriteOperations),
    })
}

/// The device's node, or its numbers where the kernel knows it no more.
fn block_device(throttle: &Throttle) -> String {
    let numbers = format!("{}:{}", throttle.major, throttle.minor);
    match rustix::fs::readlink(format!("/sys/dev/block/{numbers}"), Vec::new()) {
        Ok(link) => {
            let link = link.to_string_lossy();
            format!("/dev/{}", link.rsplit('/').next().unwrap_or_default().replace('!', "/"))
        }
        Err(_) => numbers,
    }
}

/// What the engine never sets, at the values that podman has for that.
fn unset() -> View {
    view!({
        "CpuCount": 0,
        "CpuPercent": 0,
        "CpuRealtimePeriod": 0,
        "CpuRealtimeRuntime": 0,
        "DiskQuota": 0,
        "IOMaximumBandwidth": 0,
        "IOMaximumIOps": 0,
        "IntelRdtClosID": "",
        "KernelMemory": 0,
        "MemorySwappiness": 0,
    })
}

/// As `--pid` and its like take it; `own` is the word for one of the container's own.
fn namespace_mode(namespace: &Namespace, own: &str) -> String {
    match namespace {
        Namespace::Own => own.to_owned(),
        Namespace::Host => "host".to_owned(),
        Namespace::Container(id) => format!("container:{id}"),
        Namespace::Path(path) => format!("ns:{}", path.display()),
    }
}

/// `INSIDE:OUTSIDE:COUNT`, as podman shows them. Null where the container has the engine's ids.
fn id_mappings(config: &Config) -> View {
    let lines = |map: &[crate::rootless::Extent]| -> Vec<String> {
        map.iter().map(|line| format!("{}:{}:{}", line.inside, line.outside, line.count)).collect()
    };
    match config.users.uids.is_empty() {
        true => View::Null,
        false => view!({"UidMap": lines(&config.users.uids), "GidMap": lines(&config.users.gids)}),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn capabilities_have_their_full_names() {
        assert_eq!(full_names(&["net_admin,CAP_KILL".into(), "all".into()]), ["CAP_NET_ADMIN", "CAP_KILL", "ALL"]);
    }
}

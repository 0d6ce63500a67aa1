//! The engine and the host it runs on, as `info` and `version` show them. Looks and asks, changes nothing.

use crate::container::profile::capabilities;
use crate::container::state::{self, Status};
use crate::engine::Engine;
use crate::image::{self, platform::Platform};
use crate::inspect::view::{View, view};
use crate::network::definition::DEFAULT_NAME;
use crate::network::pasta;
use crate::rootless::{self, Extent};
use crate::runtime::capabilities::Set;
use crate::{fs, systemd};
use anyhow::{Context, Result};
use std::path::Path;

/// Files of /proc and /sys that are read here are at most this long.
const FILE_BYTES_MAX: usize = 256 << 10;

/// The engine's version, under the names that podman gives to its own.
pub fn version() -> View {
    let version = env!("CARGO_PKG_VERSION");
    view!({
        "APIVersion": version,
        "Version": version,
        "GoVersion": "",
        "GitCommit": "",
        "BuiltTime": "",
        "Built": 0,
        "BuildOrigin": "",
        "OsArch": format!("linux/{}", Platform::host().architecture),
        "Os": "linux",
    })
}

/// All that is worth knowing when something does not work.
pub fn info(engine: &Engine) -> Result<View> {
    Ok(view!({
        "host": host(engine)?,
        "store": store(engine)?,
        "registries": {},
        "plugins": { "authorization": null, "log": ["k8s-file", "json-file", "journald", "none", "passthrough", "passthrough-tty"], "network": ["bridge", "macvlan", "ipvlan"], "volume": ["local"] },
        "version": version(),
    }))
}

fn host(engine: &Engine) -> Result<View> {
    let uname = nix::sys::utsname::uname().context("uname")?;
    let os_release = read("/etc/os-release");
    let release = |key: &str| setting(&os_release, key).unwrap_or_default();
    let memory = read("/proc/meminfo");
    let bytes = |key: &str| kibibytes(&memory, key) * 1024;
    let machine = View::joined([
        view!({
            "arch": Platform::host().architecture,
            "os": "linux",
            "kernel": uname.release().to_string_lossy(),
            "hostname": uname.nodename().to_string_lossy(),
            "distribution": {
                "distribution": release("ID"),
                "version": release("VERSION_ID"),
                "codename": release("VERSION_CODENAME"),
            },
            "cpus": std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
            "memFree": bytes("MemFree"),
            "memTotal": bytes("MemTotal"),
            "swapFree": bytes("SwapFree"),
            "swapTotal": bytes("SwapTotal"),
            "uptime": uptime(),
            "variant": Platform::host().variant,
            "linkmode": if cfg!(target_env = "musl") { "static" } else { "dynamic" },
            "cpuUtilization": cpu_utilization(),
        }),
        cgroups(engine),
    ]);
    let executable = std::env::current_exe().map(|path| path.display().to_string()).unwrap_or_default();
    let own_version = format!("coracle version {}", env!("CARGO_PKG_VERSION"));
    let pasta_path = pasta::find().map(|path| path.display().to_string()).unwrap_or_default();
    let backend = view!({
        "backend": "coracle",
        "defaultNetwork": DEFAULT_NAME,
        "dns": { "package": "", "path": &executable, "version": &own_version },
        "package": "",
        "path": &executable,
        "version": &own_version,
    });
    let parts = view!({
        // The engine is its own monitor, builder and network, and keeps no database.
        "buildahVersion": "",
        "conmon": { "package": "", "path": &executable, "version": own_version },
        "databaseBackend": "",
        "networkBackendInfo": backend,
        "remoteSocket": { "exists": false, "path": engine.run.join("api.sock").display().to_string() },
        "ociRuntime": { "name": "coracle", "path": &executable, "package": "", "version": env!("CARGO_PKG_VERSION") },
        "idMappings": id_mappings(engine)?,
        "security": security(engine),
        "pasta": {
            "executable": &pasta_path,
            "package": "",
            "version": "",
        },
        "rootlessNetworkCmd": "pasta",
        "networkBackend": "coracle",
        "logDriver": "k8s-file",
        "eventLogger": "file",
        "serviceIsRemote": false,
        "systemd": { "available": systemd::available(engine), "linger": lingers() },
    });
    Ok(View::joined([machine, parts]))
}

/// How the processors have spent their time since boot, in percent: proc_stat(5).
fn cpu_utilization() -> View {
    let stat = read("/proc/stat");
    let ticks: Vec<f64> = stat
        .lines()
        .next()
        .unwrap_or_default()
        .split_whitespace()
        .skip(1)
        .filter_map(|word| word.parse().ok())
        .collect();
    let total: f64 = ticks.iter().take(8).sum();
    let percent = |places: &[usize]| {
        let part: f64 = places.iter().filter_map(|place| ticks.get(*place)).sum();
        if total > 0.0 { (part / total * 10_000.0).round() / 100.0 } else { 0.0 }
    };
    view!({ "userPercent": percent(&[0, 1]), "systemPercent": percent(&[2, 5, 6]), "idlePercent": percent(&[3, 4]) })
}

/// What `docker info` has, under docker's names.
pub fn docker_info(engine: &Engine, info: &View) -> View {
    let (host, store) = (&info["host"], &info["store"]);
    let distribution = &host["distribution"];
    let name = |key: &str| distribution[key].as_str().unwrap_or_default().to_owned();
    view!({
        "ID": "",
        "Name": &host["hostname"],
        "Containers": &store["containerStore"]["number"],
        "ContainersRunning": &store["containerStore"]["running"],
        "ContainersPaused": &store["containerStore"]["paused"],
        "ContainersStopped": &store["containerStore"]["stopped"],
        "Images": &store["imageStore"]["number"],
        "Driver": "overlay",
        "DriverStatus": [view!(["Backing Filesystem", &store["graphStatus"]["Backing Filesystem"]])],
        "DockerRootDir": engine.data.display().to_string(),
        "ServerVersion": env!("CARGO_PKG_VERSION"),
        "OSType": "linux",
        "OperatingSystem": format!("{} {}", name("distribution"), name("version")),
        "OSVersion": name("version"),
        "KernelVersion": &host["kernel"],
        "Architecture": std::env::consts::ARCH,
        "NCPU": &host["cpus"],
        "MemTotal": &host["memTotal"],
        "CgroupDriver": &host["cgroupManager"],
        "CgroupVersion": host["cgroupVersion"].as_str().unwrap_or_default().trim_start_matches('v'),
        "LoggingDriver": &host["logDriver"],
        "DefaultRuntime": "coracle",
        "Runtimes": { "coracle": { "path": &host["ociRuntime"]["path"] } },
        "SecurityOptions": match engine.rootless {
            true => vec!["name=seccomp,profile=default", "name=rootless"],
            false => vec!["name=seccomp,profile=default"],
        },
        "IndexServerAddress": "https://index.docker.io/v1/",
        "Plugins": { "Volume": ["local"], "Network": &info["plugins"]["network"], "Log": &info["plugins"]["log"] },
        "Swarm": { "LocalNodeState": "inactive" },
        "Labels": [],
        "Debug": false,
        "ExperimentalBuild": false,
        "LiveRestoreEnabled": true,
        "HttpProxy": "",
        "HttpsProxy": "",
        "NoProxy": "",
        "Warnings": null,
        "ClientInfo": { "Version": env!("CARGO_PKG_VERSION"), "Context": "default", "Plugins": [] },
    })
}

/// The engine's user namespace, and if it holds one id alone, why.
fn id_mappings(engine: &Engine) -> Result<View> {
    if !engine.rootless {
        return Ok(view!({ "gidmap": null, "uidmap": null }));
    }
    let lines = |map: &[Extent]| {
        let line = |extent: &Extent| view!({ "container_id": extent.inside, "host_id": extent.outside, "size": extent.count });
        map.iter().map(line).collect::<View>()
    };
    let (uids, gids) = rootless::id_maps()?;
    let mut maps = view!({ "gidmap": lines(&gids), "uidmap": lines(&uids) });
    if let Some(why) = rootless::why_one_id()? {
        maps.set("onlyOneBecause", why);
    }
    Ok(maps)
}

fn security(engine: &Engine) -> View {
    let defaults: Set = capabilities::DEFAULT.into_iter().collect();
    let mut names: Vec<&str> = defaults.names().collect();
    names.sort_unstable();
    view!({
        "apparmorEnabled": read("/sys/module/apparmor/parameters/enabled").trim() == "Y",
        "capabilities": names.join(","),
        "rootless": engine.rootless,
        "seccompEnabled": Path::new("/proc/sys/kernel/seccomp/actions_avail").exists(),
        "seccompProfilePath": "",
        "selinuxEnabled": Path::new("/sys/fs/selinux/enforce").exists(),
    })
}

/// The hierarchy, and the controllers that this process's own cgroup has.
fn cgroups(engine: &Engine) -> View {
    let is_unified = Path::new("/sys/fs/cgroup/cgroup.controllers").exists();
    let own = read("/proc/self/cgroup");
    let path = own.lines().find_map(|line| line.strip_prefix("0::")).unwrap_or_default();
    let controllers = read(&format!("/sys/fs/cgroup{path}/cgroup.controllers"));
    let controllers: Vec<&str> = controllers.split_whitespace().collect();
    view!({
        "cgroupManager": if is_unified && systemd::available(engine) { "systemd" } else { "none" },
        "cgroupVersion": if is_unified { "v2" } else { "v1" },
        "cgroupControllers": controllers,
    })
}

fn lingers() -> bool {
    let user = nix::unistd::User::from_uid(nix::unistd::Uid::effective()).ok().flatten();
    user.is_some_and(|user| systemd::linger_enabled(&user.name))
}

fn store(engine: &Engine) -> Result<View> {
    let (containers, _) = state::survey(engine)?;
    let count = |status| containers.iter().filter(|container| container.status == status).count();
    let (running, paused) = (count(Status::Running), count(Status::Paused));
    let (allocated, used, kind) = file_system(&engine.data);
    let shown = |path: &Path| path.display().to_string();
    Ok(view!({
        "configFile": "",
        "containerStore": {
            "number": containers.len(),
            "paused": paused,
            "running": running,
            "stopped": containers.len() - running - paused,
        },
        "graphDriverName": "overlay",
        "graphOptions": {},
        "graphRoot": shown(&engine.data),
        "graphRootAllocated": allocated,
        "graphRootUsed": used,
        "graphStatus": { "Backing Filesystem": kind },
        "imageCopyTmpDir": shown(&engine.staging()),
        "imageStore": { "number": image::list(engine)?.len() },
        "runRoot": shown(&engine.run),
        "transientStore": false,
        "volumePath": shown(&engine.volumes()),
    }))
}

/// Size and use in bytes, and the kind, of the file system that a directory is on, or will be on.
fn file_system(dir: &Path) -> (u64, u64, String) {
    let Some(dir) = dir.ancestors().find(|dir| dir.exists()) else { return Default::default() };
    let Ok(sizes) = rustix::fs::statvfs(dir) else { return Default::default() };
    let used = sizes.f_blocks.saturating_sub(sizes.f_bfree);
    let kind = rustix::fs::statfs(dir).map(|status| kind_name(status.f_type)).unwrap_or_default();
    (sizes.f_blocks.saturating_mul(sizes.f_frsize), used.saturating_mul(sizes.f_frsize), kind)
}

/// The names of statfs(2), "f_type".
fn kind_name(magic: i64) -> String {
    match magic {
        0xef53 => "extfs".to_owned(),
        0x5846_5342 => "xfs".to_owned(),
        0x9123_683e => "btrfs".to_owned(),
        0x0102_1994 => "tmpfs".to_owned(),
        0x6969 => "nfs".to_owned(),
        0x794c_7630 => "overlayfs".to_owned(),
        0x2fc1_2fc1 => "zfs".to_owned(),
        0xf2f5_2010 => "f2fs".to_owned(),
        other => format!("{other:#x}"),
    }
}

/// A file of the system, or nothing: `info` shows what there is.
fn read(path: &str) -> String {
    let bytes = fs::read(Path::new(path), FILE_BYTES_MAX).unwrap_or_default();
    String::from_utf8_lossy(&bytes).into_owned()
}

/// A value of os-release(5).
fn setting(text: &str, key: &str) -> Option<String> {
    let value = text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('='))?;
    Some(value.trim().trim_matches(['"', '\'']).to_owned())
}

/// A value of /proc/meminfo.
fn kibibytes(text: &str, key: &str) -> u64 {
    let value = text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(':'));
    value.and_then(|value| value.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}

/// `1h 9m 58.00s (Approximately 0.04 days)`, as podman words it.
fn uptime() -> String {
    let seconds: f64 = read("/proc/uptime").split(' ').next().and_then(|text| text.parse().ok()).unwrap_or(0.0);
    let (hours, minutes) = ((seconds / 3600.0) as u64, (seconds / 60.0) as u64 % 60);
    let hours = if hours > 0 { format!("{hours}h ") } else { String::new() };
    format!("{hours}{minutes}m {:.2}s (Approximately {:.2} days)", seconds % 60.0, seconds / 86_400.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_found_by_their_whole_key() {
        let text = "ID_LIKE=debian\nID=\"ubuntu\"\nVERSION_ID='24.04'\n";
        assert_eq!(setting(text, "ID").as_deref(), Some("ubuntu"));
        assert_eq!(setting(text, "VERSION_ID").as_deref(), Some("24.04"));
        assert_eq!(setting(text, "VERSION"), None);
        assert_eq!(kibibytes("MemTotal:  12 kB\nMemFree: 3 kB\n", "MemFree"), 3);
    }
}

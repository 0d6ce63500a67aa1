//! What is mounted into the container.

use super::Surroundings;
use crate::container::config::{Config, Memory, Mount, MountKind, Namespace, Systemd};
use crate::container::secrets;
use crate::container::user::User;
use anyhow::Result;
use oci_spec::runtime as oci;
use std::path::{Path, PathBuf};

const PRIVATE_FILE_SYSTEM: [&str; 3] = ["nosuid", "noexec", "nodev"];

/// The size of /dev/shm that nobody has said anything about.
pub const SHM_BYTES: u64 = 64 << 20;

pub const SHARED_MEMORY: &str = "/dev/shm";

/// What every container has mounted, and what this one asked for: parents before children, and of two at one place the
/// one that was asked for.
pub(super) fn mounts(config: &Config, user: &User, around: &Surroundings<'_>) -> Result<Vec<oci::Mount>> {
    let mut mounts = default_mounts(config, around)?;
    for device in &config.extras.devices {
        let mut bind = mount("bind", &device.target, &["bind", "rprivate", "nosuid", "noexec"])?;
        bind.set_source(Some(device.source.clone()));
        mounts.push(bind);
    }
    for asked in &config.mounts {
        let target = Path::new(&asked.target);
        // A /dev of the user's own has all that it should have in it, as in podman.
        mounts.retain(|default| !covers(target, default.destination()));
        mounts.push(asked_mount(asked, user, around)?);
    }
    mounts.sort_by_key(|mount| mount.destination().components().count());
    Ok(mounts)
}

/// Whether what was asked for at `target` stands in for what would be at `place` without it.
fn covers(target: &Path, place: &Path) -> bool {
    place == target || (target == Path::new("/dev") && place.starts_with(target))
}

/// Whether the container has another's /dev/shm: it shares that one's IPC namespace, and has asked for no other mount.
pub fn joins_shared_memory(config: &Config) -> Option<&str> {
    let is_covered = |mount: &Mount| covers(Path::new(&mount.target), Path::new(SHARED_MEMORY));
    config.users.ipc.container().filter(|_| !config.mounts.iter().any(is_covered))
}

/// Whether the engine can put a file of its own there: below a mount that is read-only there may be no place for it.
fn has_room(config: &Config, target: &Path) -> bool {
    let covers = |mount: &Mount| mount.read_only && target.starts_with(&mount.target);
    !config.mounts.iter().any(covers)
}

fn default_mounts<'a>(config: &'a Config, around: &Surroundings<'_>) -> Result<Vec<oci::Mount>> {
    let access = if config.security.privileged { "rw" } else { "ro" };
    let with_all = |extra: &'a [String]| {
        [&PRIVATE_FILE_SYSTEM[..], &extra.iter().map(String::as_str).collect::<Vec<_>>()].concat()
    };
    let with = |extra: &[&'static str]| [&PRIVATE_FILE_SYSTEM[..], extra].concat();
    // The group `tty` owns terminals, if the map has it: EINVAL otherwise.
    let tty_is_mapped = around.gid_map.is_empty()
        || around.gid_map.iter().any(|extent| (extent.inside..extent.inside + extent.count).contains(&5));
    let mut pts = vec!["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620"];
    if tty_is_mapped {
        pts.push("gid=5");
    }
    let is_systemd = config.security.systemd == Systemd::Yes;
    let shm_size = format!("size={}", config.mount_defaults.shm_bytes.unwrap_or(SHM_BYTES));
    let mut mounts = vec![
        mount("proc", "/proc", &with_all(&config.security.proc_options))?,
        mount("tmpfs", "/dev", &["nosuid", "noexec", "nodev", "strictatime", "mode=755", "size=65536k"])?,
        mount("devpts", "/dev/pts", &pts)?,
        mount("tmpfs", "/dev/shm", &[&PRIVATE_FILE_SYSTEM[..], &["mode=1777", &shm_size]].concat())?,
        mount("mqueue", "/dev/mqueue", &PRIVATE_FILE_SYSTEM)?,
        mount("sysfs", "/sys", &with(&[access]))?,
        mount("cgroup", "/sys/fs/cgroup", &with(&[if is_systemd { "rw" } else { access }]))?,
    ];
    let of_host = || Path::new(SHARED_MEMORY).is_dir().then(|| PathBuf::from(SHARED_MEMORY));
    // POSIX shared memory is a file system, and goes with the namespace of the other kinds.
    let shared = match &config.users.ipc {
        Namespace::Host => of_host(),
        Namespace::Container(_) => around.shared_memory.clone(),
        Namespace::Own | Namespace::Path(_) => None,
    };
    if let Some(shared) = shared {
        mounts.retain(|mount| mount.destination() != Path::new(SHARED_MEMORY));
        let mut bind = mount("bind", SHARED_MEMORY, &with(&["rbind", "rprivate"]))?;
        bind.set_source(Some(shared));
        mounts.push(bind);
    }
    if is_systemd {
        // What systemd mounts by itself where it may: "The Container Interface" of systemd.
        for (target, mode) in
            [("/run", "mode=755"), ("/run/lock", "mode=755"), ("/tmp", "mode=1777"), ("/var/log/journal", "mode=755")]
        {
            let size = config.mount_defaults.systemd_bytes.map(|bytes| format!("size={bytes}"));
            let options: Vec<&str> = ["nosuid", "nodev", mode].into_iter().chain(size.as_deref()).collect();
            mounts.push(mount("tmpfs", target, &options)?);
        }
    }
    if config.read_only && config.mount_defaults.no_read_only_tmpfs {
        for mount in mounts.iter_mut().filter(|mount| mount.destination().starts_with("/dev")) {
            let options = mount.options().clone().unwrap_or_default();
            mount.set_options(Some([options, vec!["ro".to_owned()]].concat()));
        }
    } else if config.read_only {
        for target in ["/run", "/tmp", "/var/tmp"] {
            if !mounts.iter().any(|mount| mount.destination() == Path::new(target)) {
                mounts.push(mount("tmpfs", target, &["nosuid", "nodev", "tmpcopyup"])?);
            }
        }
    }
    let files = around.files.iter().map(|(source, target)| (source.clone(), target.clone()));
    for (source, target) in files.chain(secrets::files(around.engine, config)) {
        if has_room(config, Path::new(&target)) {
            let mut bind = mount("bind", &target, &["rbind", "rprivate", "nosuid", "nodev", "noexec"])?;
            bind.set_source(Some(source));
            mounts.push(bind);
        }
    }
    Ok(mounts)
}

fn asked_mount(asked: &Mount, user: &User, around: &Surroundings<'_>) -> Result<oci::Mount> {
    let mut options = vec![if asked.read_only { "ro" } else { "rw" }.to_owned()];
    let flags = [
        ("nosuid", !asked.options.suid),
        ("nodev", !asked.options.dev),
        ("noexec", asked.options.exec == Some(false)),
        ("noatime", asked.options.more.no_access_time),
    ];
    options.extend(flags.iter().filter(|(_, on)| *on).map(|(name, _)| (*name).to_owned()));
    let (kind, source) = match &asked.kind {
        MountKind::Bind { source } => ("bind", Some(source.clone())),
        MountKind::Volume { name, .. } => ("bind", Some(crate::volume::data(around.engine, name.as_str()))),
        // Made by the monitor: only the target counts.
        MountKind::Image(_) => ("bind", Some(around.engine.layers())),
        MountKind::Devpts(given) => {
            options.extend(["newinstance", "ptmxmode=0666"].map(str::to_owned));
            options.extend(given.iter().cloned());
            ("devpts", None)
        }
        MountKind::Tmpfs { size_bytes, mode, memory } => {
            options.extend(memory_options(*size_bytes, *mode, memory));
            if asked.options.more.chown {
                options.extend([format!("uid={}", user.uid), format!("gid={}", user.gid)]);
            }
            if asked.options.exec.is_none() {
                options.push("noexec".to_owned());
            }
            (if memory.ramfs { "ramfs" } else { "tmpfs" }, None)
        }
    };
    if source.is_some() {
        options.push(if asked.options.more.not_recursive { "bind" } else { "rbind" }.to_owned());
        options.push(asked.options.propagation.name().to_owned());
    }
    let options: Vec<&str> = options.iter().map(String::as_str).collect();
    let mut result = mount(kind, &asked.target, &options)?;
    if source.is_some() {
        result.set_source(source);
    }
    Ok(result)
}

fn memory_options(size_bytes: Option<u64>, mode: Option<u32>, memory: &Memory) -> Vec<String> {
    let mut options = memory.data.clone();
    match mode {
        Some(mode) => options.push(format!("mode={mode:o}")),
        // What the image has at the target decides.
        None if memory.copy_up => {}
        None => options.push("mode=1777".to_owned()),
    }
    // ramfs has no size.
    options.extend(size_bytes.filter(|_| !memory.ramfs).map(|size| format!("size={size}")));
    if memory.copy_up {
        options.push("tmpcopyup".to_owned());
    }
    options
}

fn mount(kind: &str, target: &str, options: &[&str]) -> Result<oci::Mount> {
    let options: Vec<String> = options.iter().map(|option| (*option).to_owned()).collect();
    Ok(oci::MountBuilder::default().destination(target).typ(kind).source(kind).options(options).build()?)
}

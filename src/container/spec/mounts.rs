//! What is mounted into the container.

use super::Surroundings;
use crate::container::config::{Config, Mount, MountKind, Systemd};
use anyhow::Result;
use oci_spec::runtime as oci;
use std::path::Path;

const PRIVATE_FILE_SYSTEM: [&str; 3] = ["nosuid", "noexec", "nodev"];

/// What every container has mounted, then what this one asked for, parents before children.
pub(super) fn mounts(config: &Config, around: &Surroundings<'_>) -> Result<Vec<oci::Mount>> {
    let mut mounts = default_mounts(config, around)?;
    let mut asked: Vec<&Mount> = config.mounts.iter().collect();
    asked.sort_by_key(|mount| Path::new(&mount.target).components().count());
    for device in &config.extras.devices {
        let mut bind = mount("bind", &device.target, &["bind", "rprivate", "nosuid", "noexec"])?;
        bind.set_source(Some(device.source.clone()));
        mounts.push(bind);
    }
    for mount in asked {
        let replaces = |default: &oci::Mount| default.destination() == Path::new(&mount.target);
        mounts.retain(|default| !replaces(default));
        mounts.push(asked_mount(mount, around)?);
    }
    Ok(mounts)
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
    let mut mounts = vec![
        mount("proc", "/proc", &with_all(&config.security.proc_options))?,
        mount("tmpfs", "/dev", &["nosuid", "noexec", "nodev", "strictatime", "mode=755", "size=65536k"])?,
        mount("devpts", "/dev/pts", &pts)?,
        mount("tmpfs", "/dev/shm", &with(&["mode=1777", "size=65536k"]))?,
        mount("mqueue", "/dev/mqueue", &PRIVATE_FILE_SYSTEM)?,
        mount("sysfs", "/sys", &with(&[access]))?,
        mount("cgroup", "/sys/fs/cgroup", &with(&[if is_systemd { "rw" } else { access }]))?,
    ];
    if is_systemd {
        // What systemd mounts by itself where it may: "The Container Interface" of systemd.
        for (target, mode) in
            [("/run", "mode=755"), ("/run/lock", "mode=755"), ("/tmp", "mode=1777"), ("/var/log/journal", "mode=755")]
        {
            mounts.push(mount("tmpfs", target, &["nosuid", "nodev", mode])?);
        }
    }
    if config.read_only {
        for target in ["/run", "/tmp", "/var/tmp"] {
            if mounts.iter().any(|mount| mount.destination() == Path::new(target)) {
                continue;
            }
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

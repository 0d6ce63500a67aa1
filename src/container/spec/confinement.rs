//! What the container does not get to see and do: its devices, masks and system call filter.

use super::process::granted;
use crate::container::config::{Config, Seccomp, Unmasked};
use crate::container::profile;
use crate::container::profile::seccomp::Level;
use crate::error::Kind;
use anyhow::{Context, Result};
use oci_spec::runtime as oci;
use std::path::{Path, PathBuf};

pub(super) fn devices(config: &Config) -> Result<Vec<oci::LinuxDevice>> {
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

pub(super) fn masks(config: &Config) -> (Vec<String>, Vec<String>) {
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
        Seccomp::File(file) => {
            Err(Kind::Engine.error(format!("the seccomp profile {} was not read", file.display())))
        }
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

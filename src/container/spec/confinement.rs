//! What the container does not get to see and do: its devices, masks and system call filter.

use super::Surroundings;
use super::process::granted;
use crate::container::config::{Config, Hook, Namespace, Seccomp, Stage, Systemd, Unmasked};
use crate::container::devices::nodes_below;
use crate::container::profile;
use crate::container::profile::seccomp::Level;
use crate::error::Kind;
use crate::network::Network;
use crate::rootless::map;
use anyhow::{Context, Result};
use oci_spec::runtime as oci;
use std::collections::HashMap;
use std::path::Path;

pub(super) fn devices(config: &Config) -> Result<Vec<oci::LinuxDevice>> {
    let mut devices = Vec::new();
    for device in profile::DEVICES {
        let node = oci::LinuxDeviceBuilder::default().path(device.path).typ(oci::LinuxDeviceType::C);
        devices.push(node.major(device.major).minor(device.minor).build()?);
    }
    if config.security.privileged {
        let is_console = |path: &Path| config.security.systemd == Systemd::Yes && is_virtual_console(path);
        for path in nodes_below(Path::new("/dev"))? {
            if !is_console(&path) && !profile::DEVICES.iter().any(|device| Path::new(device.path) == path) {
                devices.push(
                    oci::LinuxDeviceBuilder::default().path(path).typ(oci::LinuxDeviceType::A).major(-1).build()?,
                );
            }
        }
    }
    let is_replaced = |device: &oci::LinuxDevice| {
        config.mounts.iter().any(|mount| Path::new(&mount.target) == device.path())
            || config.extras.devices.iter().any(|other| Path::new(&other.target) == device.path())
    };
    devices.retain(|device| !is_replaced(device));
    Ok(devices)
}

/// `/dev/tty3`: systemd would run a login on each.
fn is_virtual_console(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    name.strip_prefix("tty")
        .is_some_and(|number| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
}

/// The parameters of the kernel: those asked for, over pings without privilege in a network of the container's own.
pub(super) fn sysctls(config: &Config, around: &Surroundings<'_>) -> HashMap<String, String> {
    let mut sysctls = HashMap::new();
    let has_own_network = config.network != Network::Host && config.users.network == Namespace::Own;
    // The kernel refuses a group that is not mapped.
    let has_group = around.gid_map.is_empty() || map::to_outside(around.gid_map, 0).is_some();
    if has_own_network && has_group {
        sysctls.insert("net.ipv4.ping_group_range".to_owned(), "0 0".to_owned());
    }
    sysctls.extend(config.security.sysctls.iter().map(|(key, value)| (key.clone(), value.clone())));
    sysctls
}

/// The operator's hooks, by their turns.
pub fn hooks(config: &Config) -> Option<oci::Hooks> {
    if config.extras.hooks.is_empty() {
        return None;
    }
    let at = |stage: Stage| {
        let hooks: Vec<oci::Hook> = config.extras.hooks.iter().filter(|hook| hook.stage == stage).map(hook).collect();
        (!hooks.is_empty()).then_some(hooks)
    };
    let mut hooks = oci::Hooks::default();
    #[allow(deprecated, reason = "hooks that people have still ask for it")]
    hooks.set_prestart(at(Stage::Prestart));
    hooks.set_create_runtime(at(Stage::CreateRuntime));
    hooks.set_create_container(at(Stage::CreateContainer));
    hooks.set_start_container(at(Stage::StartContainer));
    hooks.set_poststart(at(Stage::Poststart));
    hooks.set_poststop(at(Stage::Poststop));
    Some(hooks)
}

fn hook(asked: &Hook) -> oci::Hook {
    let mut hook = oci::Hook::default();
    hook.set_path(asked.path.clone());
    hook.set_args((!asked.arguments.is_empty()).then(|| asked.arguments.clone()));
    hook.set_env((!asked.environment.is_empty()).then(|| asked.environment.clone()));
    hook.set_timeout(asked.timeout_secs.map(|seconds| i64::try_from(seconds).unwrap_or(i64::MAX)));
    hook
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

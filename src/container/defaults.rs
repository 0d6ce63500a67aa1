//! What containers.conf(5) says, under what was asked for.

use super::config::{Config, Limit, LogDriver, Seccomp};
use super::profile;
use crate::error::Kind;
use crate::network::{self, HostsBase};
use crate::settings::{Containers, Settings};
use anyhow::{Context, Result};
use std::path::{Path, PathBuf};

/// Fills in what a container's user left open. The image's wishes come after, and over, what is said of the environment.
pub fn apply(config: &mut Config, settings: &Settings) -> Result<()> {
    let containers = &settings.containers;
    security(config, containers).context("containers.conf")?;
    resources(config, containers).context("containers.conf")?;
    names(config, containers).context("containers.conf")?;
    for text in containers.annotations.as_slice() {
        let (key, value) = text.split_once('=').unwrap_or((text, ""));
        config.annotations.entry(key.to_owned()).or_insert_with(|| value.to_owned());
    }
    let log_path = settings.containers.log_path.as_deref().filter(|path| !path.is_empty());
    if let Some(path) = log_path.filter(|_| matches!(config.logging.driver, LogDriver::K8sFile | LogDriver::JsonFile))
    {
        let file = Path::new(path).join(config.id.as_str()).join("ctr.log");
        config.logging.path.get_or_insert(file);
    }
    config.init |= containers.init.unwrap_or(false);
    if config.init
        && let Some(path) = containers.init_path.as_deref().filter(|path| !path.is_empty())
    {
        let message = format!("containers.conf: init_path {path:?} cannot be used: the init is the engine's own");
        return Err(Kind::BadInput.hinted(message, "take init_path out, or mount the program and run it"));
    }
    for device in containers.devices.as_slice() {
        if super::cdi::is_name(device) {
            config.extras.cdi_names.push(device.clone());
        } else {
            let found = super::devices::find(device).context("containers.conf")?;
            let is_free = |target: &str| config.extras.devices.iter().all(|other| other.target != target);
            let found: Vec<_> = found.into_iter().filter(|device| is_free(&device.target)).collect();
            config.extras.devices.extend(found);
        }
    }
    Ok(())
}

/// The variables that every container gets, below those of its image.
pub fn environment(settings: &Settings) -> Vec<String> {
    settings.containers.env.as_slice().to_vec()
}

fn security(config: &mut Config, containers: &Containers) -> Result<()> {
    config.read_only |= containers.read_only.unwrap_or(false);
    let is_shared = |key: &str, config: &Config| profile::sysctl::check(key, config).is_err();
    let mut sysctls = Vec::new();
    for text in containers.default_sysctls.as_slice() {
        let (key, value) = profile::sysctl::parse(text)?;
        // A default is left out where it would be the host's.
        if !is_shared(&key, config) {
            sysctls.push((key, value));
        }
    }
    let security = &mut config.security;
    security.privileged |= containers.privileged.unwrap_or(false);
    if let Some(capabilities) = &containers.default_capabilities.items {
        profile::capabilities::check(capabilities)?;
        security.capabilities_default = Some(capabilities.clone());
    }
    for (key, value) in sysctls {
        security.sysctls.entry(key).or_insert(value);
    }
    if security.seccomp == Seccomp::Default && !security.privileged {
        match containers.seccomp_profile.as_deref() {
            None | Some("") => {}
            Some("unconfined") => security.seccomp = Seccomp::Unconfined,
            Some(file) => security.seccomp = Seccomp::File(PathBuf::from(file)),
        }
    }
    if let Some(name) = containers.apparmor_profile.as_deref()
        && !["", "unconfined", "containers-default"]
            .iter()
            .any(|other| name == *other || name.starts_with("containers-default-"))
        && security.apparmor.is_none()
        && profile::require_apparmor(name).is_ok()
    {
        security.apparmor = Some(name.to_owned());
    }
    Ok(())
}

fn resources(config: &mut Config, containers: &Containers) -> Result<()> {
    let resources = &mut config.resources;
    if resources.pids.is_none() {
        resources.pids = containers.pids_limit.map(|limit| u64::try_from(limit).unwrap_or(0));
    }
    resources.oom_score_adj = resources.oom_score_adj.or(containers.oom_score_adj);
    if containers.cgroups.as_deref() == Some("disabled") {
        resources.cgroup.disabled = true;
    }
    for text in containers.default_ulimits.as_slice() {
        let limit = Limit::parse(text)?;
        if !config.limits.iter().any(|other| other.resource == limit.resource) {
            config.limits.push(limit);
        }
    }
    Ok(())
}

fn names(config: &mut Config, containers: &Containers) -> Result<()> {
    let names = &mut config.names;
    if names.servers.is_empty() {
        names.servers =
            containers.dns_servers.as_slice().iter().map(|text| network::server(text)).collect::<Result<_>>()?;
    }
    if names.searches.is_none() {
        let searches = containers.dns_searches.items.as_ref();
        names.searches = searches.map(|list| list.iter().map(|text| network::search(text)).collect()).transpose()?;
    }
    if names.options.is_none() {
        let options = containers.dns_options.items.as_ref();
        names.options = options.map(|list| list.iter().map(|text| network::option(text)).collect()).transpose()?;
    }
    if names.hosts.is_empty() {
        names.no_hosts |= containers.no_hosts.unwrap_or(false);
    }
    if names.base == HostsBase::Engine
        && let Some(text) = containers.base_hosts_file.as_deref().filter(|text| !text.is_empty())
    {
        names.base = HostsBase::parse(text)?;
    }
    names.gateway = match containers.host_containers_internal_ip.as_deref() {
        None | Some("" | "none") => None,
        Some(text) => {
            let bad = |_| Kind::BadInput.error(format!("host_containers_internal_ip {text:?} is not an address"));
            Some(text.parse().map_err(bad)?)
        }
    };
    Ok(())
}

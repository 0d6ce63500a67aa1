//! A process of the container: who it is, and what it may do.

use super::{PIDS_DEFAULT, Surroundings};
use crate::container::config::{Config, Limit, Process};
use crate::container::profile;
use crate::container::profile::capabilities::Granted;
use crate::container::user::{self, User};
use crate::error::Kind;
use crate::rootless::Extent;
use anyhow::{Context, Result};
use oci_spec::runtime as oci;
use std::path::Path;

pub(super) fn resolve(config: &Config, text: &str, around: &Surroundings<'_>) -> Result<User> {
    let mut user = user::look_up(around.root, text)?;
    user::add_groups(around.root, &mut user, &config.users.groups)?;
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

pub(super) fn process(
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
    let mut groups = user.groups.clone();
    groups.extend(device_groups(config, user, around));
    let mut oci_user = oci::UserBuilder::default().uid(user.uid).gid(user.gid).additional_gids(groups).build()?;
    oci_user.set_umask(config.users.umask);
    let granted = granted(config, privileged)?;
    let working_directory = if wanted.working_directory.is_empty() { "/" } else { &wanted.working_directory };
    let mut process = oci::ProcessBuilder::default()
        .terminal(wanted.terminal)
        .user(oci_user)
        .args(wanted.arguments())
        .env(environment)
        .cwd(working_directory)
        .capabilities(profile::capabilities::for_user(granted, user.uid))
        .rlimits(limits(config, around)?)
        .no_new_privileges(config.security.no_new_privileges)
        .build()?;
    process.set_oom_score_adj(oom_score_adj(config, around)?);
    process.set_apparmor_profile(config.security.apparmor.clone().filter(|_| !privileged));
    Ok(process)
}

/// How soon the kernel ends it. An ordinary user cannot go below the engine's own score: it is taken then.
fn oom_score_adj(config: &Config, around: &Surroundings<'_>) -> Result<Option<i32>> {
    match config.resources.oom_score_adj {
        Some(asked) if around.engine.rootless => {
            let own = crate::fs::read(Path::new("/proc/self/oom_score_adj"), 16)?;
            let own = String::from_utf8_lossy(&own).trim().parse().unwrap_or(0);
            Ok(Some(asked.max(own)))
        }
        asked => Ok(asked),
    }
}

/// The groups of the devices that the container was given, as far as they have an id outside.
fn device_groups(config: &Config, user: &User, around: &Surroundings<'_>) -> Vec<u32> {
    let mut groups = config.extras.groups.clone();
    groups.retain(|gid| {
        let is_mapped = around.gid_map.is_empty()
            || around.gid_map.iter().any(|extent| *gid >= extent.inside && *gid - extent.inside < extent.count);
        is_mapped && !user.groups.contains(gid)
    });
    groups.dedup();
    groups
}

/// The container's capabilities; those of an exec with `--privileged` are all.
pub(super) fn granted(config: &Config, privileged: bool) -> Result<Granted> {
    let base = profile::capabilities::base(&config.security, privileged)?;
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
    if config.resources.limits_of_host {
        limits.clear();
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

//! The files that a monitor writes for its container, and where they are mounted. They never touch the image.

use crate::container::config::{Config, Source};
use crate::container::users;
use crate::fs::{self, Root};
use crate::network::{self, HostsBase, Link, Names};
use anyhow::{Context, Result};
use rustix::fs::{Gid, Uid};
use std::io::Write;
use std::path::{Path, PathBuf};

/// The largest file of a time zone: the longest of all is not 4 KiB.
const ZONE_BYTES_MAX: usize = 1 << 20;

/// The largest hosts file of an image that is taken over.
const HOSTS_BYTES_MAX: usize = 1 << 20;

/// Writes what names the container, its network and its time. `owner` is the container's root, as far as it has one.
pub fn write(
    run_dir: &Path,
    config: &Config,
    links: &[Link],
    rootless: bool,
    owner: (Option<u32>, Option<u32>),
    root: &Root,
) -> Result<Vec<(PathBuf, String)>> {
    let of_image = |path: &Path| root.read(path, HOSTS_BYTES_MAX);
    let hosts = network::hosts(config.network, links, &config.names, &config.hostname, rootless, of_image)?;
    let mut files: Vec<_> = hosts.map(|text| ("hosts", "/etc/hosts", text.into_bytes())).into_iter().collect();
    if !config.names.no_hostname {
        files.push(("hostname", "/etc/hostname", format!("{}\n", config.hostname).into_bytes()));
    }
    files.push(("containerenv", "/run/.containerenv", containerenv(config, rootless).into_bytes()));
    let resolv_conf = resolv_conf(config, links)?;
    files.extend(resolv_conf.map(|text| ("resolv.conf", "/etc/resolv.conf", text.into_bytes())));
    if let Some(zone) = &config.users.timezone {
        files.push(("localtime", "/etc/localtime", fs::read(&users::timezone_file(zone)?, ZONE_BYTES_MAX)?));
    }
    let taken = |target: &str| config.mounts.iter().any(|mount| mount.target == target);
    let mut written = Vec::new();
    for (name, target, bytes) in files {
        if taken(target) {
            continue;
        }
        let path = run_dir.join(name);
        fs::write_plain(&path, &bytes, 0o644)?;
        // Whoever is root in the container owns what is in its /etc; the engine's user may be somebody else there.
        if !config.users.uids.is_empty()
            && let (Some(uid), Some(gid)) = owner
        {
            rustix::fs::chown(&path, Some(Uid::from_raw(uid)), Some(Gid::from_raw(gid)))
                .with_context(|| format!("give {target} to the container"))?;
        }
        if matches!(name, "hosts" | "resolv.conf") {
            written.extend(config.users.chroot_dirs.iter().map(|dir| (path.clone(), format!("{dir}{target}"))));
        }
        written.push((path, target.to_owned()));
    }
    Ok(written)
}

/// Who has egress rules asks the networks' name server, which opens what it resolves; that asks whom the container names.
fn resolv_conf(config: &Config, links: &[Link]) -> Result<Option<String>> {
    let servers = if config.egress.is_some() { Vec::new() } else { config.names.servers.clone() };
    network::resolv_conf(config.network, links, &Names { servers, ..config.names.clone() })
}

/// Has the files that are mounted into a container that runs follow its description and its networks. What it has written
/// there stays.
pub fn follow(run_dir: &Path, before: (&Config, &[Link]), after: (&Config, &[Link]), rootless: bool) -> Result<()> {
    let config = after.0;
    if before.1 == after.1 && before.0.egress.is_some() == config.egress.is_some() {
        return Ok(());
    }
    // What the hosts file was made from stays as it is.
    let names = Names { base: HostsBase::Nothing, ..config.names.clone() };
    let hosts = |links| network::hosts(config.network, links, &names, &config.hostname, rootless, |_| Ok(None));
    let resolv_conf = |(config, links)| resolv_conf(config, links);
    let changes =
        [("hosts", hosts(before.1)?, hosts(after.1)?), ("resolv.conf", resolv_conf(before)?, resolv_conf(after)?)];
    for (name, before, after) in changes {
        let path = run_dir.join(name);
        let Some(text) = fs::read_optional(&path, HOSTS_BYTES_MAX)? else { continue };
        let text = String::from_utf8_lossy(&text);
        let (before, after) = (before.unwrap_or_default(), after.unwrap_or_default());
        let stays = |line: &&str| !before.lines().any(|old| old == *line) || after.lines().any(|new| new == *line);
        let is_new = |line: &&str| !text.lines().any(|there| there == *line);
        let lines = text.lines().filter(stays).chain(after.lines().filter(is_new));
        let text: String = lines.map(|line| format!("{line}\n")).collect();
        // In place: what is mounted is this file.
        let mut file = fs::open_for_writing(&path)?;
        let written = file.write_all(text.as_bytes()).and_then(|()| file.set_len(text.len() as u64));
        written.with_context(|| format!("write {}", path.display()))?;
    }
    Ok(())
}

/// What podman tells programs about their container, by which they know that they are in one.
fn containerenv(config: &Config, rootless: bool) -> String {
    let image = match &config.source {
        Source::Image(image) => format!("image=\"{}\"\nimageid=\"{}\"\n", image.name, image.id.hex()),
        Source::Directory(_) => String::new(),
    };
    format!(
        "engine=\"coracle-{}\"\nname=\"{}\"\nid=\"{}\"\n{image}rootless={}\n",
        env!("CARGO_PKG_VERSION"),
        config.name,
        config.id,
        u8::from(rootless)
    )
}

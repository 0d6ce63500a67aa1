//! The files that a monitor writes for its container, and where they are mounted. They never touch the image.

use crate::container::config::{Config, Source};
use crate::container::users;
use crate::fs::{self, Root};
use crate::network::{self, Link};
use anyhow::{Context, Result};
use rustix::fs::{Gid, Uid};
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
    owner: (Option<u32>, Option<u32>),
    root: &Root,
) -> Result<Vec<(PathBuf, String)>> {
    let of_image = |path: &Path| root.read(path, HOSTS_BYTES_MAX);
    let hosts = network::hosts(config.network, links, &config.names, &config.hostname, of_image)?;
    let mut files: Vec<_> = hosts.map(|text| ("hosts", "/etc/hosts", text.into_bytes())).into_iter().collect();
    if !config.names.no_hostname {
        files.push(("hostname", "/etc/hostname", format!("{}\n", config.hostname).into_bytes()));
    }
    files.push(("containerenv", "/run/.containerenv", containerenv(config).into_bytes()));
    let resolv_conf = network::resolv_conf(config.network, links, &config.names)?;
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

/// What podman tells programs about their container, by which they know that they are in one.
fn containerenv(config: &Config) -> String {
    let image = match &config.source {
        Source::Image(image) => format!("image=\"{}\"\nimageid=\"{}\"\n", image.name, image.id.hex()),
        Source::Directory(_) => String::new(),
    };
    format!(
        "engine=\"coracle-{}\"\nname=\"{}\"\nid=\"{}\"\n{image}rootless=1\n",
        env!("CARGO_PKG_VERSION"),
        config.name,
        config.id
    )
}

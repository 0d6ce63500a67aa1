//! Volumes and the containers that use them.

use super::config::{Config, MountKind};
use super::state::{self, Container};
use crate::engine::Engine;
use crate::error::Kind;
use crate::fs::Hold;
use crate::volume;
use anyhow::{Context, Result};
use rustix::fs::{CWD, Mode, OFlags};
use std::os::fd::AsRawFd;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

/// Whether a container has this volume.
pub fn uses(config: &Config, volume: &str) -> bool {
    config.mounts.iter().any(|mount| matches!(&mount.kind, MountKind::Volume { name, .. } if name.as_str() == volume))
}

/// The containers that have a volume.
pub fn users(engine: &Engine, volume: &str) -> Result<Vec<Container>> {
    let mut containers = state::list(engine)?;
    containers.retain(|container| uses(&container.config, volume));
    Ok(containers)
}

/// Removes a volume that no container has. The caller has gone through the door.
pub fn remove(engine: &Engine, name: &str) -> Result<()> {
    let _lock = volume::hold(engine, Hold::Exclusive)?;
    let users = users(engine, name)?;
    if users.is_empty() {
        return volume::remove(engine, name);
    }
    let users: Vec<String> = users
        .iter()
        .map(|container| format!("{} ({})", container.config.name, container.config.id.short()))
        .collect();
    let message = format!("volume {name} is being used by the container {}", users.join(", "));
    Err(Kind::InUse.hinted(message, "remove the container first, or use --force"))
}

/// Removes the volumes that were made for a container alone, but for those that others have come to use too.
pub fn remove_anonymous(engine: &Engine, config: &Config) -> Result<()> {
    for mount in &config.mounts {
        let MountKind::Volume { name, anonymous: true, .. } = &mount.kind else { continue };
        if volume::is_shared(engine, name.as_str()) {
            let _lock = volume::hold(engine, Hold::Exclusive)?;
            if users(engine, name.as_str())?.iter().any(|user| user.config.id != config.id) {
                continue;
            }
            volume::remove(engine, name.as_str())?;
        } else {
            volume::remove(engine, name.as_str())?;
        }
    }
    Ok(())
}

/// Refuses to hand the engine's own files to a container, which would be root over them: everything in its two
/// directories but the files of volumes. A directory above them, such as the user's home, is the user's to give.
pub fn refuse_own(engine: &Engine, source: &Path) -> Result<()> {
    let source = real_path(source)?;
    for own in [&engine.data, &engine.run] {
        // One that does not exist yet has nothing in it.
        let Ok(own) = real_path(own) else { continue };
        if is_within(&source, &own) && !is_volume_data(&source, &own) {
            let message = format!("mount {}: the engine keeps its own files there", source.display());
            return Err(Kind::Denied.hinted(message, "mount another directory, or use --privileged if it must be"));
        }
    }
    Ok(())
}

/// The same of the device that a volume is made with; one that does not exist is told when it is mounted.
pub fn refuse_own_device(engine: &Engine, device: &str) -> Result<()> {
    match device.starts_with('/') && Path::new(device).exists() {
        true => refuse_own(engine, Path::new(device)),
        false => Ok(()),
    }
}

/// Whether a path is a directory or lies below it: by its components, so that `/a/b` is no part of `/a/bc`.
fn is_within(path: &Path, directory: &Path) -> bool {
    path.starts_with(directory)
}

/// `volumes/NAME/data` and what is below it.
fn is_volume_data(path: &Path, data: &Path) -> bool {
    let mut parts = path.strip_prefix(data).into_iter().flat_map(Path::components).map(|part| part.as_os_str());
    parts.next().is_some_and(|first| first == "volumes") && parts.nth(1).is_some_and(|third| third == "data")
}

/// The path without links that leads to a file.
fn real_path(path: &Path) -> Result<PathBuf> {
    let file = rustix::fs::openat(CWD, path, OFlags::PATH | OFlags::CLOEXEC, Mode::empty())
        .with_context(|| format!("open {}", path.display()))?;
    let real = rustix::fs::readlink(format!("/proc/self/fd/{}", file.as_raw_fd()), Vec::new())
        .with_context(|| format!("find {}", path.display()))?;
    Ok(std::ffi::OsString::from_vec(real.into_bytes()).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// F10: paths are compared by components. Every pair of short paths over an alphabet with a common beginning.
    #[test]
    fn a_path_is_within_another_by_components_alone() {
        let names = ["a", "ab", "a.", "a b", "b"];
        let mut paths = vec![vec![]];
        for _ in 0..3 {
            let longer: Vec<Vec<&str>> =
                paths.iter().flat_map(|path| names.iter().map(move |name| [&path[..], &[*name]].concat())).collect();
            paths.extend(longer);
        }
        let path = |parts: &[&str]| PathBuf::from(format!("/{}", parts.join("/")));
        for one in &paths {
            for other in &paths {
                let expected = one.len() >= other.len() && one[..other.len()] == other[..];
                assert_eq!(is_within(&path(one), &path(other)), expected, "{one:?} {other:?}");
            }
        }
    }

    #[test]
    fn only_the_files_of_volumes_are_given_away() {
        let data = Path::new("/d");
        for (path, is) in [
            ("/d/volumes/v/data", true),
            ("/d/volumes/v/data/x", true),
            ("/d/volumes/v/database", false),
            ("/d/volumes/v", false),
            ("/d/volumes", false),
            ("/d/containers/v/data", false),
            ("/d", false),
        ] {
            assert_eq!(is_volume_data(Path::new(path), data), is, "{path}");
        }
    }
}

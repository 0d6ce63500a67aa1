//! The mounts of a container that is being made: the image's and other containers' beside its own, and their volumes.

use super::clean;
use crate::container::config::{
    Config, Id, ImageVolumes, Memory, MoreOptions, Mount, MountKind, MountOptions, Name, NewVolume, VolumesFrom,
};
use crate::container::{state, volumes};
use crate::engine::Engine;
use crate::error::Kind;
use crate::fs::{Hold, Lock};
use crate::image::{self, Image};
use crate::volume::{self, Volume};
use anyhow::{Context as _, Result};
use std::path::Path;

/// Adds what was not asked for one by one, and refuses what no container may have.
pub fn complete(engine: &Engine, config: &mut Config, image: Option<&Image>) -> Result<()> {
    for from in config.mount_defaults.volumes_from.clone() {
        borrow(engine, config, &from)?;
    }
    for path in image.iter().flat_map(|image| &image.config.config.volumes) {
        add_image_volume(config, path)?;
    }
    for mount in &mut config.mounts {
        check_target(&mount.target)?;
        match &mut mount.kind {
            MountKind::Bind { source } if !config.security.privileged => volumes::refuse_own(engine, source)?,
            MountKind::Image(asked) => {
                let found = image::find(engine, &asked.name)?;
                if let Some(name) = found.references.first() {
                    asked.name.clone_from(name);
                }
                (asked.id, asked.layers) = (Some(found.id), found.layers);
            }
            MountKind::Bind { .. } | MountKind::Volume { .. } | MountKind::Tmpfs { .. } | MountKind::Devpts(_) => {}
        }
    }
    Ok(())
}

/// What another container has mounted of directories and volumes. What this one says itself comes first.
fn borrow(engine: &Engine, config: &mut Config, from: &VolumesFrom) -> Result<()> {
    for mut mount in state::find(engine, &from.container)?.config.mounts {
        match &mut mount.kind {
            // It is the other's to remove.
            MountKind::Volume { anonymous, .. } => *anonymous = false,
            MountKind::Bind { .. } | MountKind::Image(_) => {}
            MountKind::Tmpfs { .. } | MountKind::Devpts(_) => continue,
        }
        if config.mounts.iter().any(|own| own.target == mount.target) {
            continue;
        }
        mount.read_only = from.read_only.unwrap_or(mount.read_only);
        mount.options.more.derived = true;
        config.mounts.push(mount);
    }
    Ok(())
}

/// An image's VOLUME becomes an anonymous volume, unless the user has put something there.
fn add_image_volume(config: &mut Config, path: &str) -> Result<()> {
    let target = clean(path);
    let is_below = |kernel: &&str| Path::new(&target).starts_with(kernel);
    if target == "/" || ["/proc", "/sys", "/dev"].iter().any(is_below) {
        return Err(
            Kind::Denied.error(format!("the image declares a volume at {path:?}, which is the kernel's or the root"))
        );
    }
    if config.mounts.iter().any(|mount| mount.target == target) {
        return Ok(());
    }
    let kind = match config.mount_defaults.image_volumes {
        ImageVolumes::Ignored => return Ok(()),
        ImageVolumes::Anonymous => {
            let name = Name::parse(Id::new_random()?.as_str())?;
            MountKind::Volume { name, anonymous: true, subpath: String::new() }
        }
        ImageVolumes::Tmpfs => {
            let memory = Memory { copy_up: true, ..Memory::default() };
            MountKind::Tmpfs { size_bytes: None, mode: None, memory }
        }
    };
    let more = MoreOptions { derived: true, ..MoreOptions::default() };
    // Programs may lie in it, as in any volume.
    let exec = matches!(kind, MountKind::Tmpfs { .. }).then_some(true);
    let options = MountOptions { exec, more, ..MountOptions::default() };
    config.mounts.push(Mount { target, kind, read_only: false, options });
    Ok(())
}

/// Files of /proc that containers have replaced ever since lxcfs; everything else there must be the kernel's.
const PROC_FILES: [&str; 8] = [
    "/proc/cpuinfo",
    "/proc/diskstats",
    "/proc/loadavg",
    "/proc/meminfo",
    "/proc/slabinfo",
    "/proc/stat",
    "/proc/swaps",
    "/proc/uptime",
];

fn check_target(target: &str) -> Result<()> {
    if target == "/" {
        return Err(Kind::BadInput.error("a mount at / would hide the container"));
    }
    if Path::new(target).starts_with("/proc") && !PROC_FILES.contains(&target) {
        return Err(Kind::Denied.error(format!("mount at {target}: /proc must be the kernel's own")));
    }
    Ok(())
}

/// Makes the volumes that do not exist. While the lock is held, none of them is removed.
pub fn ensure_volumes(engine: &Engine, config: &Config) -> Result<Option<Lock>> {
    let named = |mount: &'_ Mount| matches!(mount.kind, MountKind::Volume { .. });
    if !config.mounts.iter().any(named) {
        return Ok(None);
    }
    let lock = volume::hold(engine, Hold::Shared)?;
    for mount in &config.mounts {
        let MountKind::Volume { name, anonymous, .. } = &mount.kind else { continue };
        let name = name.as_str();
        if mount.options.more.no_create && !volume::exists(engine, name) {
            let message = format!("volume {name} does not exist, and nocreate keeps it from being made");
            return Err(Kind::NotFound.hinted(message, format!("make it: coracle volume create {name}")));
        }
        ensure_volume(engine, name, *anonymous, &mount.options.more.volume)?;
        if !anonymous {
            volume::note_sharing(engine, name)?;
        }
    }
    Ok(Some(lock))
}

/// Makes a volume if there is none of this name.
fn ensure_volume(engine: &Engine, name: &str, anonymous: bool, new: &NewVolume) -> Result<()> {
    if volume::exists(engine, name) {
        return Ok(());
    }
    let mut made = Volume::plain(name, anonymous);
    (made.options, made.labels) = (new.options.clone(), new.labels.clone());
    volume::check_options(&mut made).with_context(|| format!("volume {name}"))?;
    if let Some(device) = made.options.get("device") {
        volumes::refuse_own_device(engine, device)?;
    }
    // It is given to its owner when the first container uses it, which has the ids.
    (made.uid, made.gid) = (None, None);
    volume::create(engine, &made).map(drop)
}

/// The layers of images that are mounted must be there; who calls this keeps them from being removed.
pub fn hold_images(engine: &Engine, config: &Config) -> Result<()> {
    for mount in &config.mounts {
        let MountKind::Image(image) = &mount.kind else { continue };
        if let Some(layer) = image.layers.iter().find(|layer| !crate::store::layers::has(engine, layer)) {
            let message = format!("layer {layer} of image {} is not in the store", image.name);
            return Err(Kind::NotFound.hinted(message, "pull or load the image again"));
        }
    }
    Ok(())
}

//! The flags of mounts: `--volume`, `--mount` and `--tmpfs` are three ways to say one thing.

mod options;
mod secret;
mod words;

use crate::cli::units::parse_bytes;
use crate::container::config::{
    Config, Id, ImageVolumes, Memory, Mount, MountKind, MountOptions, Name, OverlayPlace, VolumesFrom,
};
use crate::container::create::clean;
use crate::error::{self, Kind};
use crate::settings::Settings;
use anyhow::{Context, Result};
use options::Words;
use std::path::{Path, PathBuf};

#[derive(clap::Args, Clone, Debug)]
#[command(next_help_heading = "Mounts")]
pub struct MountFlags {
    /// Mount a directory of the host, or a named volume; options: ro, rw, z, Z, U, O, idmap, copy, nocopy, nocreate, exec, noexec, suid, dev, bind, rbind, private, slave, shared
    #[arg(short, long, value_name = "[SOURCE:]TARGET[:OPTIONS]")]
    volume: Vec<String>,
    /// Mount by key=value words: type=bind|volume|tmpfs|ramfs|image|glob|devpts, source, target, and what each type takes
    #[arg(long, value_name = "KEY=VALUE,...")]
    mount: Vec<String>,
    /// Mount an empty file system in memory; options: size=, mode=, ro, rw, exec, noexec, suid, dev, tmpcopyup, notmpcopyup
    #[arg(long, value_name = "TARGET[:OPTIONS]")]
    tmpfs: Vec<String>,
    /// Mount what this container has mounted too; options: ro, rw, z
    #[arg(long, value_name = "CONTAINER[:OPTIONS]")]
    volumes_from: Vec<String>,
    /// What becomes of the volumes that the image declares: anonymous volumes (also called bind), tmpfs, or nothing (ignore)
    #[arg(long, value_name = "HOW")]
    image_volume: Option<String>,
    /// With --read-only, leave /run, /tmp, /var/tmp, /dev and /dev/shm writable
    #[arg(long, value_name = "BOOL", default_value = "true", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    read_only_tmpfs: bool,
    /// Limit /dev/shm to this size [default: 64m]; 0 is no limit
    #[arg(long, value_name = "SIZE")]
    shm_size: Option<String>,
    /// Limit what systemd has on tmpfs, each of /run, /run/lock, /tmp and /var/log/journal, to this size
    #[arg(long, value_name = "SIZE")]
    shm_size_systemd: Option<String>,
    /// Give the container a secret, as a file or as an environment variable; options: type=mount|env, target=, uid=, gid=, mode=
    #[arg(long, value_name = "NAME[,OPTION=VALUE...]")]
    secret: Vec<String>,
    /// What the settings mount where the command line mounts nothing.
    #[arg(skip)]
    usual: UsualMounts,
}

/// In the words of `--volume` and `--mount`.
#[derive(Clone, Debug, Default)]
struct UsualMounts {
    volumes: Vec<String>,
    mounts: Vec<String>,
}

impl MountFlags {
    pub fn fill(&mut self, settings: &Settings) {
        let containers = &settings.containers;
        if self.image_volume.is_none() {
            self.image_volume = settings.engine.image_volume_mode.clone().filter(|mode| !mode.is_empty());
        }
        if self.shm_size.is_none() {
            self.shm_size = containers.shm_size.clone().filter(|size| !size.is_empty());
        }
        self.usual.volumes = containers.volumes.as_slice().to_vec();
        self.usual.mounts = containers.mounts.as_slice().to_vec();
    }

    pub fn apply(&self, config: &mut Config, manners: Manners) -> Result<()> {
        config.mounts = self.mounts(manners)?;
        config.secrets = self.secret.iter().map(|text| secret::parse(text)).collect::<Result<_>>()?;
        let defaults = &mut config.mount_defaults;
        defaults.image_volumes = match self.image_volume.as_deref() {
            None | Some("bind" | "anonymous") => ImageVolumes::Anonymous,
            Some("tmpfs") => ImageVolumes::Tmpfs,
            Some("ignore") => ImageVolumes::Ignored,
            Some(other) => {
                let message = format!("--image-volume {other:?} does not exist");
                return Err(Kind::BadInput.hinted(message, "use bind, anonymous, tmpfs or ignore"));
            }
        };
        defaults.volumes_from =
            self.volumes_from.iter().map(|text| parse_volumes_from(text)).collect::<Result<_>>()?;
        defaults.no_read_only_tmpfs = !self.read_only_tmpfs;
        defaults.shm_bytes = self.shm_size.as_deref().map(parse_bytes).transpose()?;
        defaults.systemd_bytes = self.shm_size_systemd.as_deref().map(parse_bytes).transpose()?;
        Ok(())
    }

    fn mounts(&self, manners: Manners) -> Result<Vec<Mount>> {
        let mut mounts = Vec::new();
        for text in &self.volume {
            mounts.push(parse_volume(text, manners)?);
        }
        for text in &self.mount {
            mounts.extend(words::parse(text, manners)?);
        }
        for text in &self.tmpfs {
            mounts.push(parse_tmpfs(text, manners)?);
        }
        for (index, mount) in mounts.iter().enumerate() {
            if mounts[..index].iter().any(|other| other.target == mount.target) {
                return Err(Kind::BadInput.error(format!("two mounts at {}", mount.target)));
            }
        }
        let mut usual = Vec::new();
        for text in &self.usual.volumes {
            usual.push(parse_volume(text, manners).context("containers.conf")?);
        }
        for text in &self.usual.mounts {
            usual.extend(words::parse(text, manners).context("containers.conf")?);
        }
        for mount in usual {
            if mounts.iter().all(|other| other.target != mount.target) {
                mounts.push(mount);
            }
        }
        Ok(mounts)
    }
}

/// What differs between the programs whose place this one takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Manners {
    /// As docker does it: a missing source is created, and a file system in memory begins empty.
    pub docker: bool,
    /// An ordinary user's engine.
    pub rootless: bool,
}

fn absolute_target(target: &str) -> Result<String> {
    if !target.starts_with('/') {
        return Err(Kind::BadInput.error(format!("mount target {target:?} is not an absolute path")));
    }
    Ok(clean(target))
}

fn new_mount(target: &str, kind: MountKind) -> Result<Mount> {
    Ok(Mount { target: absolute_target(target)?, kind, read_only: false, options: MountOptions::default() })
}

fn anonymous_volume() -> Result<MountKind> {
    Ok(MountKind::Volume { name: Name::parse(Id::new_random()?.as_str())?, anonymous: true, subpath: String::new() })
}

/// `SOURCE:TARGET[:OPTIONS]`, or `TARGET` alone for an anonymous volume.
fn parse_volume(text: &str, manners: Manners) -> Result<Mount> {
    let parts: Vec<&str> = text.split(':').collect();
    let (source, target, options) = match parts.as_slice() {
        [target] => (None, *target, ""),
        [source, target] => (Some(*source), *target, ""),
        [source, target, options] => (Some(*source), *target, *options),
        _ => return Err(Kind::BadInput.error(format!("volume {text:?} is not [SOURCE:]TARGET[:OPTIONS]"))),
    };
    let kind = match source {
        None => anonymous_volume()?,
        // A path, if it looks like one, else the name of a volume.
        Some(source) if source.starts_with(['/', '.']) => bind(source, manners)?,
        Some(source) => MountKind::Volume { name: Name::parse(source)?, anonymous: false, subpath: String::new() },
    };
    let mut mount = new_mount(target, kind)?;
    let mut words = Words::new(manners);
    for word in options.split(',').filter(|word| !word.is_empty()) {
        words.apply(&mut mount, word)?;
    }
    words.finish(&mut mount)?;
    Ok(mount)
}

fn bind(source: &str, manners: Manners) -> Result<MountKind> {
    let path = std::path::absolute(source).with_context(|| format!("find {source}"))?;
    let path = path.components().collect::<PathBuf>();
    match rustix::fs::stat(&path) {
        Ok(_) => {}
        Err(rustix::io::Errno::NOENT) if manners.docker => make_source(&path)?,
        Err(errno) => {
            let failed = anyhow::Error::new(errno).context(format!("mount {}", path.display()));
            let is_missing = errno == rustix::io::Errno::NOENT;
            return Err(if is_missing { error::with_hint(failed, "create it first") } else { failed });
        }
    }
    Ok(MountKind::Bind { source: path })
}

/// docker makes a directory of a source that does not exist.
fn make_source(path: &Path) -> Result<()> {
    let mut made = PathBuf::new();
    for part in path.components() {
        made.push(part);
        match rustix::fs::mkdir(&made, rustix::fs::Mode::from_raw_mode(0o755)) {
            Ok(()) | Err(rustix::io::Errno::EXIST | rustix::io::Errno::ROFS | rustix::io::Errno::ACCESS) => {}
            Err(errno) => return Err(errno).with_context(|| format!("create directory {}", made.display())),
        }
    }
    rustix::fs::stat(path).map(drop).with_context(|| format!("create directory {}", path.display()))
}

fn parse_tmpfs(text: &str, manners: Manners) -> Result<Mount> {
    let (target, options) = text.split_once(':').unwrap_or((text, ""));
    let mut mount = new_mount(target, memory(manners))?;
    let mut words = Words::new(manners);
    for word in options.split(',').filter(|word| !word.is_empty()) {
        words.apply_to_memory(&mut mount, word)?;
    }
    words.finish(&mut mount)?;
    Ok(mount)
}

fn memory(manners: Manners) -> MountKind {
    let memory = Memory { copy_up: !manners.docker, ..Memory::default() };
    MountKind::Tmpfs { size_bytes: None, mode: None, memory }
}

fn parse_volumes_from(text: &str) -> Result<VolumesFrom> {
    let (container, options) = text.split_once(':').unwrap_or((text, ""));
    let mut from = VolumesFrom { container: container.to_owned(), read_only: None };
    for option in options.split(',').filter(|option| !option.is_empty()) {
        match option {
            "ro" | "rw" if from.read_only.is_some() => {
                return Err(Kind::BadInput.error(format!("--volumes-from {text:?} says ro or rw twice")));
            }
            "ro" => from.read_only = Some(true),
            "rw" => from.read_only = Some(false),
            // There is no SELinux label that could be changed.
            "z" => {}
            _ => {
                let message = format!("--volumes-from {text:?} has an unknown option {option:?}");
                return Err(Kind::BadInput.hinted(message, "use ro, rw or z"));
            }
        }
    }
    Ok(from)
}

/// The overlay that `O` asks for.
fn overlay(mount: &mut Mount) -> &mut OverlayPlace {
    mount.options.more.overlay.get_or_insert(OverlayPlace::Nowhere)
}

#[cfg(test)]
mod tests;

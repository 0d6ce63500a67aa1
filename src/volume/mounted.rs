//! Volumes that are more than a directory: `-o type=tmpfs`, `-o type=none -o o=bind -o device=PATH`, and file systems
//! that the kernel mounts for this user. They are mounted when a container uses them.

use super::Volume;
use crate::error::Kind;
use crate::fs;
use crate::sys::mount::{self, Attributes, FileSystem};
use anyhow::{Context, Result};
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

/// What a volume's options make of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Special {
    kind: Type,
    attributes: Attributes,
    data: Vec<(String, Option<String>)>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Type {
    Bind { device: String, is_recursive: bool },
    FileSystem { kind: String, device: String },
}

/// The part of `o=` that says something about the volume itself rather than about a mount.
#[derive(Default)]
struct Own {
    uid: Option<u32>,
    gid: Option<u32>,
    size: Option<String>,
}

/// Checks `-o` options, and takes the owner out of them into the volume's own fields.
pub fn check_options(volume: &mut Volume) -> Result<()> {
    for key in volume.options.keys() {
        if !["type", "device", "o", "copy", "nocopy"].contains(&key.as_str()) {
            let message = format!("volume option {key:?} does not exist");
            return Err(Kind::BadInput.hinted(message, "use type=, device= and o= (o takes mount options)"));
        }
    }
    let found = special(volume)?;
    let own = own(volume)?;
    // A file system of its own is told its owner when it is mounted.
    if found.is_none() {
        (volume.uid, volume.gid) = (volume.uid.or(own.uid), volume.gid.or(own.gid));
        if own.size.is_some() {
            let message = "volume option size: a directory has no limit of its own without a project quota, \
                           which ordinary users cannot set";
            return Err(Kind::BadInput.hinted(message, "use -o type=tmpfs for a volume in memory with a size"));
        }
    }
    Ok(())
}

fn words(volume: &Volume) -> impl Iterator<Item = &str> {
    volume.options.get("o").map(String::as_str).unwrap_or_default().split(',').filter(|word| !word.is_empty())
}

fn own(volume: &Volume) -> Result<Own> {
    let mut own = Own::default();
    let number = |key: &str, value: &str| {
        value.parse().map_err(|_| Kind::BadInput.error(format!("volume option {key}={value} is not a number")))
    };
    for word in words(volume) {
        match word.split_once('=') {
            Some(("uid", value)) => own.uid = Some(number("uid", value)?),
            Some(("gid", value)) => own.gid = Some(number("gid", value)?),
            Some(("size", value)) => own.size = Some(value.to_owned()),
            _ => {}
        }
    }
    Ok(own)
}

/// The owner that was asked for, by an option of its own or in `o=`.
pub fn owner(volume: &Volume) -> Result<(Option<u32>, Option<u32>)> {
    let own = own(volume)?;
    Ok((volume.uid.or(own.uid), volume.gid.or(own.gid)))
}

/// What is mounted for a volume. None for the plain directory that nearly all are.
pub fn special(volume: &Volume) -> Result<Option<Special>> {
    let option = |key: &str| volume.options.get(key).map(String::as_str).filter(|value| !value.is_empty());
    let (kind, device) = (option("type"), option("device"));
    let bind = words(volume).find(|word| ["bind", "rbind"].contains(word));
    let kind = match (kind, bind, device) {
        (None, None, None) => return Ok(None),
        (Some("bind" | "none") | None, _, Some(device)) | (_, Some(_), Some(device)) => {
            if !device.starts_with('/') {
                return Err(Kind::BadInput.error(format!("volume device {device:?} is not an absolute path")));
            }
            Type::Bind { device: device.to_owned(), is_recursive: bind != Some("bind") }
        }
        (Some("bind" | "none") | None, _, None) | (_, Some(_), None) => {
            return Err(Kind::BadInput.error("a volume with o=bind needs device=PATH"));
        }
        (Some(kind), None, device) => {
            Type::FileSystem { kind: kind.to_owned(), device: device.unwrap_or(kind).to_owned() }
        }
    };
    let mut special = Special { kind, attributes: Attributes::NOSUID | Attributes::NODEV, data: Vec::new() };
    for word in words(volume) {
        match word {
            "bind" | "rbind" | "rw" | "defaults" | "exec" | "suid" | "dev" | "noquota" => {}
            "ro" => special.attributes |= Attributes::RDONLY,
            "noexec" => special.attributes |= Attributes::NOEXEC,
            "nosuid" | "nodev" | "relatime" => {}
            "noatime" => special.attributes |= Attributes::NOATIME,
            word => special.data.push(match word.split_once('=') {
                Some((key, value)) => (key.to_owned(), Some(value.to_owned())),
                None => (word.to_owned(), None),
            }),
        }
    }
    Ok(Some(special))
}

impl Special {
    /// Whether what is written to it is nowhere but in its mount.
    pub fn is_in_memory(&self) -> bool {
        matches!(&self.kind, Type::FileSystem { kind, .. } if ["tmpfs", "ramfs"].contains(&kind.as_str()))
    }

    /// Mounts it, detached. A file system in memory is a new one each time.
    pub fn mount(&self) -> Result<OwnedFd> {
        match &self.kind {
            Type::Bind { device, is_recursive } => {
                let source = fs::open_dir(Path::new(device)).with_context(|| format!("open device {device}"))?;
                let mounted = mount::clone_fd(source.as_fd(), *is_recursive)
                    .with_context(|| format!("mount device {device}"))?;
                mount::set_attributes(mounted.as_fd(), self.attributes, true)?;
                Ok(mounted)
            }
            Type::FileSystem { kind, device } => {
                let mut system = FileSystem::open(kind)?.set("source", device)?;
                for (key, value) in &self.data {
                    system = match value {
                        Some(value) => system.set(key, value)?,
                        None => system.set_flag(key)?,
                    };
                }
                system.mount(self.attributes).with_context(|| format!("mount a file system of type {kind}"))
            }
        }
    }
}

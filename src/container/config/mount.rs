//! What is mounted into a container.

use super::Name;
use crate::store::digest::Digest;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// Something mounted into the container.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mount {
    /// Absolute, in the container.
    pub target: String,
    pub kind: MountKind,
    pub read_only: bool,
    pub options: MountOptions,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum MountKind {
    Bind {
        source: PathBuf,
    },
    Volume {
        name: Name,
        anonymous: bool,
        /// What of the volume is mounted; empty is all of it.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        subpath: String,
    },
    Tmpfs {
        size_bytes: Option<u64>,
        mode: Option<u32>,
        #[serde(default, skip_serializing_if = "is_default")]
        memory: Memory,
    },
    /// The files of another image.
    Image(ImageMount),
    /// Terminals of its own: `uid=`, `gid=`, `mode=`, `max=`.
    Devpts(Vec<String>),
}

/// More about a file system in memory.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Memory {
    /// One that is never swapped and knows no limits.
    pub ramfs: bool,
    /// Whether it begins with what the image has at its target.
    pub copy_up: bool,
    /// Options for the kernel, such as `nr_inodes=100`.
    pub data: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageMount {
    /// As it was asked for; once created it is the full reference, or the id.
    pub name: String,
    /// None until the container is created.
    pub id: Option<Digest>,
    /// Diff ids, bottom first.
    pub layers: Vec<Digest>,
    /// What of the image is mounted; empty is all of it.
    pub subpath: String,
}

/// Mount flags that the user asked for beyond the defaults (`nodev`, `nosuid`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MountOptions {
    pub exec: Option<bool>,
    pub suid: bool,
    pub dev: bool,
    pub propagation: Propagation,
    /// Whether a new volume keeps what the image has at its target from being copied in.
    pub no_copy: bool,
    #[serde(default, skip_serializing_if = "is_default")]
    pub more: MoreOptions,
}

/// Options that few mounts have.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MoreOptions {
    /// Whether all of the source is given to the container's user first.
    pub chown: bool,
    /// Whether what is mounted below the source stays out.
    pub not_recursive: bool,
    /// Whether a volume that does not exist is an error.
    pub no_create: bool,
    pub no_access_time: bool,
    /// Whether the source is only the lower layer of an overlay.
    pub overlay: Option<OverlayPlace>,
    /// The mount stands in for an IMAGE VOLUME or comes from another container, and is not the user's own word.
    pub derived: bool,
    /// What a volume is made with if it does not exist.
    #[serde(default, skip_serializing_if = "is_default")]
    pub volume: NewVolume,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewVolume {
    /// `type`, `device` and `o`, as for `volume create`.
    pub options: BTreeMap<String, String>,
    pub labels: BTreeMap<String, String>,
}

/// Where what is written to an overlay goes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum OverlayPlace {
    /// Away, with the end of the container.
    Nowhere,
    /// Two directories of the user's.
    Kept { upper: PathBuf, work: PathBuf },
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Propagation {
    #[default]
    Private,
    Slave,
    Shared,
    Unbindable,
}

impl Propagation {
    /// The word of mount(8) for the whole tree.
    pub fn name(self) -> &'static str {
        match self {
            Self::Private => "rprivate",
            Self::Slave => "rslave",
            Self::Shared => "rshared",
            Self::Unbindable => "runbindable",
        }
    }
}

/// What becomes of the volumes that an image declares.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum ImageVolumes {
    #[default]
    Anonymous,
    Tmpfs,
    Ignored,
}

/// Another container whose mounts this one has too.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VolumesFrom {
    pub container: String,
    /// None leaves it as it is there.
    pub read_only: Option<bool>,
}

/// Mounts that a container has without naming them one by one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MountDefaults {
    pub image_volumes: ImageVolumes,
    pub volumes_from: Vec<VolumesFrom>,
    /// The size of /dev/shm; None is 64 MiB, 0 is no limit.
    pub shm_bytes: Option<u64>,
    /// The size of each tmpfs that systemd gets; None is the kernel's default, 0 no limit.
    pub systemd_bytes: Option<u64>,
    /// Whether a read-only container has nothing that it can write to but what it names.
    pub no_read_only_tmpfs: bool,
    /// Whether the root directory of the host is only the lower layer of an overlay.
    pub root_overlay: bool,
}

/// A secret, and how the container gets it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecretUse {
    pub name: String,
    /// Empty until the container is created.
    pub id: String,
    pub how: SecretHow,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SecretHow {
    File { target: String, uid: u32, gid: u32, mode: u32 },
    Environment { variable: String },
}

/// For what is left out of `config.json` when it says nothing.
pub fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

//! What is mounted into a container.

use super::Name;
use serde::{Deserialize, Serialize};
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
    Bind { source: PathBuf },
    Volume { name: Name, anonymous: bool },
    Tmpfs { size_bytes: Option<u64>, mode: Option<u32> },
}

/// Mount flags that the user asked for beyond the defaults (`nodev`, `nosuid`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MountOptions {
    pub exec: Option<bool>,
    pub suid: bool,
    pub dev: bool,
    pub propagation: Propagation,
    /// Whether a new volume keeps what the image has at its target from being copied in.
    pub no_copy: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Propagation {
    #[default]
    Private,
    Slave,
    Shared,
}

impl Propagation {
    /// The word of mount(8) for the whole tree.
    pub fn name(self) -> &'static str {
        match self {
            Self::Private => "rprivate",
            Self::Slave => "rslave",
            Self::Shared => "rshared",
        }
    }
}

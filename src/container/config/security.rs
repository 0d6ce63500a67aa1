//! How far a container's confinement is lifted or tightened.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// The ways out of the default confinement, each asked for by name.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Security {
    pub privileged: bool,
    /// As typed; the effective set is computed when the container starts.
    pub capabilities_added: Vec<String>,
    /// What it starts from, if the settings say so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capabilities_default: Option<Vec<String>>,
    pub capabilities_dropped: Vec<String>,
    pub seccomp: Seccomp,
    pub no_new_privileges: bool,
    /// Allows what container engines and sandboxes inside need: new namespaces and mounts.
    pub nesting: bool,
    pub masked: Vec<String>,
    pub unmasked: Unmasked,
    /// Options of proc(5) for the container's /proc.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub proc_options: Vec<String>,
    /// The AppArmor profile of its processes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub apparmor: Option<String>,
    /// Parameters of the kernel in the container's own namespaces.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub sysctls: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "Systemd::is_default")]
    pub systemd: Systemd,
    /// Whether the kernel poses as that of a machine of 32 bits: personality(2), PER_LINUX32.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub personality_32: bool,
}

/// Whether the container is made as systemd wants it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Systemd {
    /// If its command is systemd or an init by its usual name; once created this means that it is none.
    #[default]
    WhenItIs,
    Yes,
    No,
}

impl Systemd {
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Seccomp {
    #[default]
    Default,
    Unconfined,
    /// A profile in a file of the host; once created it is always a [`Seccomp::Profile`].
    File(PathBuf),
    /// A profile in the OCI form.
    Profile(String),
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Unmasked {
    All,
    Paths(Vec<String>),
}

impl Default for Unmasked {
    fn default() -> Self {
        Self::Paths(Vec::new())
    }
}

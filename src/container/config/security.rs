//! How far a container's confinement is lifted or tightened.

use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// The ways out of the default confinement, each asked for by name.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Security {
    pub privileged: bool,
    /// As typed; the effective set is computed when the container starts.
    pub capabilities_added: Vec<String>,
    pub capabilities_dropped: Vec<String>,
    pub seccomp: Seccomp,
    pub no_new_privileges: bool,
    /// Allows what container engines and sandboxes inside need: new namespaces and mounts.
    pub nesting: bool,
    pub masked: Vec<String>,
    pub unmasked: Unmasked,
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

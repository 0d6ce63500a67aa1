//! Devices of the host that a container gets, and programs of the operator's that are run at turns of its life.

use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// A device node of the host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Device {
    pub source: PathBuf,
    /// Absolute, in the container.
    pub target: String,
    /// Letters of `rwm`: what `--device` said. Without a cgroup to enforce it, the node's own mode is what counts.
    pub access: String,
}

/// What a container gets of the machine beyond what every container has.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Extras {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub devices: Vec<Device>,
    /// Qualified names of the Container Device Interface, as they were asked for; what they come to is in the rest.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub cdi_names: Vec<String>,
    /// Groups that own devices, for the container's process to be in.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<u32>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub hooks: Vec<Hook>,
}

impl Extras {
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// A program that is run at a turn of the container's life: config.md of the OCI spec, "POSIX-platform Hooks".
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hook {
    pub stage: Stage,
    pub path: PathBuf,
    /// As of execv(3), with the program's own name first; empty stands for the path alone.
    #[serde(default)]
    pub arguments: Vec<String>,
    /// All of it: nothing of the engine's or the container's is added.
    #[serde(default)]
    pub environment: Vec<String>,
    pub timeout_secs: Option<u64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Stage {
    Prestart,
    CreateRuntime,
    CreateContainer,
    StartContainer,
    Poststart,
    Poststop,
}

impl Stage {
    pub fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "prestart" => Self::Prestart,
            "createRuntime" => Self::CreateRuntime,
            "createContainer" => Self::CreateContainer,
            "startContainer" => Self::StartContainer,
            "poststart" => Self::Poststart,
            "poststop" => Self::Poststop,
            _ => return None,
        })
    }
}

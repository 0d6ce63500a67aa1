//! The process in a container: what runs, and in which surroundings.

use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// A program and how it is run: the container's own, or one that `exec` puts beside it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Process {
    /// None takes the image's; once created it is always there.
    pub entrypoint: Option<Vec<String>>,
    pub command: Vec<String>,
    /// `NAME=value`, complete but for what is known only inside (HOME).
    pub environment: Vec<String>,
    /// What is wanted of the variables below those; once created, they are among them.
    #[serde(skip)]
    pub defaults: DefaultVariables,
    pub working_directory: String,
    /// `user[:group]` by name or number; empty is root.
    pub user: String,
    pub terminal: bool,
    /// Whether there is a standard input to write to.
    pub interactive: bool,
}

impl Process {
    /// Entrypoint and command as one argument vector.
    pub fn arguments(&self) -> Vec<String> {
        self.entrypoint.iter().flatten().chain(&self.command).cloned().collect()
    }
}

/// What becomes of the variables that come from the engine and the image.
#[derive(Clone, Debug, Default)]
pub struct DefaultVariables {
    /// `NAME=text`, where the text may have `$NAME` of others in it.
    pub merged: Vec<String>,
    pub unset: Vec<String>,
    pub unset_all: bool,
}

/// Files that say which processes there are, for who supervises them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PidFiles {
    /// Of the container's first process.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub container: Option<PathBuf>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub monitor: Option<PathBuf>,
}

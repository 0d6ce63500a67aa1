//! What a container's monitor does for it while it lives: how it ends, starts again, is looked after and logged.

use super::Id;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// How the container is asked to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stop {
    /// A signal number; None takes the image's, else SIGTERM.
    pub signal: Option<i32>,
    /// How long it has before it is killed.
    pub timeout_secs: u64,
}

impl Default for Stop {
    fn default() -> Self {
        Self { signal: None, timeout_secs: 10 }
    }
}

/// What the monitor does when the container has ended by itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Restart {
    #[default]
    No,
    /// After a failure, at most this many times; None is without end.
    OnFailure(Option<u32>),
    Always,
    /// As `Always`, but one that the user has stopped stays down over a reboot.
    UnlessStopped,
}

impl Restart {
    pub fn is_no(&self) -> bool {
        *self == Self::No
    }

    /// The name that podman and docker have for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::No => "no",
            Self::OnFailure(_) => "on-failure",
            Self::Always => "always",
            Self::UnlessStopped => "unless-stopped",
        }
    }
}

/// A command that says whether the container does its work. What is None takes the image's, else the default; once
/// created, only a container without a check has it so.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Health {
    /// None takes the image's; empty is no check.
    pub test: Option<Vec<String>>,
    /// 0 runs it only by hand.
    pub interval_nanos: Option<u64>,
    pub timeout_nanos: Option<u64>,
    /// How long failures do not count.
    pub start_period_nanos: Option<u64>,
    /// How many failures in a row make it unhealthy.
    pub retries: Option<u32>,
    /// A check that must succeed before the regular one begins.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub startup: Option<StartupCheck>,
    #[serde(skip_serializing_if = "OnFailure::is_none")]
    pub on_failure: OnFailure,
    #[serde(skip_serializing_if = "HealthLog::is_default")]
    pub log: HealthLog,
}

impl Health {
    pub fn is_none(&self) -> bool {
        self.test.as_ref().is_none_or(Vec::is_empty)
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StartupCheck {
    pub test: Vec<String>,
    pub interval_nanos: u64,
    pub timeout_nanos: u64,
    /// How many failures end the container, for its restart policy to act on; 0 is without end.
    pub retries: u32,
    /// How many successes in a row are wanted.
    pub successes: u32,
}

/// What is done with a container that has become unhealthy.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum OnFailure {
    #[default]
    None,
    Kill,
    Restart,
    Stop,
}

impl OnFailure {
    pub fn is_none(&self) -> bool {
        *self == Self::None
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Kill => "kill",
            Self::Restart => "restart",
            Self::Stop => "stop",
        }
    }
}

/// Which results of health checks are kept, and where.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HealthLog {
    pub destination: HealthDestination,
    /// How many results are kept; 0 is all that fit the file's bound.
    pub count_max: u32,
    /// How much of a check's output is kept, in bytes; 0 is all that fits the file's bound.
    pub size_max: u32,
}

impl Default for HealthLog {
    fn default() -> Self {
        Self { destination: HealthDestination::Local, count_max: 5, size_max: 500 }
    }
}

impl HealthLog {
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum HealthDestination {
    /// Beside the container's state.
    Local,
    /// A file in this directory of the host, too.
    Directory(PathBuf),
    /// With the engine's events.
    Events,
}

/// Where the output of the container goes, besides to those who are attached.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Logging {
    pub driver: LogDriver,
    /// A file of the host, in place of the one in the container's directory.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<PathBuf>,
    /// How large one file grows; None is the default of 10 MiB.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size_bytes_max: Option<u64>,
    /// How many files are kept; None is the default of 3.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub files_max: Option<u32>,
    /// Whether files that are full are compressed.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub compress: bool,
    /// A word that goes with every line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tag: Option<String>,
    /// Labels that go with every line: `KEY=VALUE`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<String>,
}

impl Logging {
    /// The directory that a container has for its log alone, where the settings have put that: it bears its id.
    pub fn own_dir(&self, id: &Id) -> Option<&Path> {
        self.path.as_deref().and_then(Path::parent).filter(|dir| dir.ends_with(id.as_str()))
    }

    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum LogDriver {
    /// Lines of `TIME STREAM F|P TEXT`.
    #[default]
    K8sFile,
    /// Lines of JSON, as docker writes them.
    JsonFile,
    Journald,
    None,
    /// The container writes to the caller's streams itself.
    Passthrough,
    /// The same, also if they are a terminal.
    PassthroughTty,
}

impl LogDriver {
    pub const ALL: [Self; 6] =
        [Self::K8sFile, Self::JsonFile, Self::Journald, Self::None, Self::Passthrough, Self::PassthroughTty];

    pub fn name(self) -> &'static str {
        match self {
            Self::K8sFile => "k8s-file",
            Self::JsonFile => "json-file",
            Self::Journald => "journald",
            Self::None => "none",
            Self::Passthrough => "passthrough",
            Self::PassthroughTty => "passthrough-tty",
        }
    }

    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|driver| driver.name() == name)
    }
}

/// Who tells systemd that the service is ready, where one waits for that.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Notify {
    /// The engine, once the container runs.
    #[default]
    Conmon,
    /// The container itself, on the socket that it is handed.
    Container,
    /// The engine, once the health check has succeeded.
    Healthy,
    /// Nobody.
    Ignore,
}

impl Notify {
    pub fn is_conmon(&self) -> bool {
        *self == Self::Conmon
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::Conmon => "conmon",
            Self::Container => "container",
            Self::Healthy => "healthy",
            Self::Ignore => "ignore",
        }
    }
}

//! THE description of a container: what every front end yields and `config.json` keeps.

use crate::error::Kind;
use crate::network::{Network, Port};
use crate::store::digest::Digest;
use anyhow::Result;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

/// The format of `config.json` and `state.json`; readers take this one and every older one.
pub const FORMAT: u32 = 1;

/// A container as it was asked for, with all defaults applied.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Config {
    pub format: u32,
    pub id: Id,
    pub name: Name,
    /// Nanoseconds since 1970.
    pub created: u64,
    pub source: Source,
    pub process: Process,
    pub hostname: String,
    pub labels: BTreeMap<String, String>,
    pub annotations: BTreeMap<String, String>,
    pub mounts: Vec<Mount>,
    pub read_only: bool,
    pub network: Network,
    pub ports: Vec<Port>,
    pub security: Security,
    pub limits: Vec<Limit>,
    pub resources: Resources,
    /// Whether pid 1 is the engine's init.
    pub init: bool,
    pub stop: Stop,
    pub auto_remove: bool,
    /// The command line that made it, for `inspect`.
    pub create_command: Vec<String>,
}

/// Where the root file system comes from.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Source {
    Image(ImageSource),
    /// A directory of the host, used as it is.
    Directory(PathBuf),
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ImageSource {
    /// The full reference by which it was found, or its id.
    pub name: String,
    /// The digest of its configuration.
    pub id: Digest,
    pub manifest: Digest,
    /// Diff ids, bottom first.
    pub layers: Vec<Digest>,
}

/// A program and how it is run: the container's own, or one that `exec` puts beside it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Process {
    /// None takes the image's; once created it is always there.
    pub entrypoint: Option<Vec<String>>,
    pub command: Vec<String>,
    /// `NAME=value`, complete but for what is known only inside (HOME).
    pub environment: Vec<String>,
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
    /// A profile in the OCI or libseccomp JSON form, as it was read.
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

/// A resource limit of setrlimit(2); `u64::MAX` is unlimited.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limit {
    /// As getrlimit(2) names it: `RLIMIT_NOFILE`.
    pub resource: String,
    pub soft: u64,
    pub hard: u64,
}

/// Limits that a cgroup enforces.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resources {
    /// Unset: 2048 where a cgroup can, else best effort by RLIMIT_NPROC. `Some(0)` is unlimited.
    pub pids: Option<u64>,
    pub memory_bytes: Option<u64>,
    /// Thousandths of a processor.
    pub cpu_millis: Option<u64>,
}

/// How the container is asked to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stop {
    /// A signal number; None takes the image's, else SIGTERM.
    pub signal: Option<i32>,
    /// How long it has before it is killed.
    pub timeout_secs: u64,
}

/// A container's id: 64 hex digits.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Id(String);

impl Id {
    pub fn new_random() -> Result<Self> {
        let mut bytes = [0; 32];
        rustix::rand::getrandom(&mut bytes, rustix::rand::GetRandomFlags::empty())?;
        Ok(Self(bytes.iter().map(|byte| format!("{byte:02x}")).collect()))
    }

    pub fn parse(text: &str) -> Option<Self> {
        let hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        (text.len() == 64 && text.bytes().all(hex)).then(|| Self(text.to_owned()))
    }

    /// The first twelve digits, as tables show it.
    pub fn short(&self) -> &str {
        &self.0[..12]
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The name of a container or volume: `[a-zA-Z0-9][a-zA-Z0-9_.-]*`, at most 255 bytes, so that it is a file name too.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Name(String);

/// Generated names are an adjective, a noun and a number.
const NAME_ADJECTIVES: [&str; 16] = [
    "brave", "calm", "dry", "early", "fair", "gentle", "keen", "light", "lucky", "merry", "quiet", "rapid", "steady",
    "swift", "tidy", "wide",
];
const NAME_NOUNS: [&str; 16] = [
    "bay", "buoy", "cove", "delta", "eddy", "ferry", "harbour", "heron", "lagoon", "oar", "otter", "paddle", "reed",
    "tide", "willow", "wharf",
];

impl Name {
    pub const LENGTH_MAX: usize = 255;

    pub fn parse(text: &str) -> Result<Self> {
        let first = |byte: u8| byte.is_ascii_alphanumeric();
        let rest = |byte: u8| first(byte) || matches!(byte, b'_' | b'.' | b'-');
        let good = text.len() <= Self::LENGTH_MAX && text.bytes().next().is_some_and(first) && text.bytes().all(rest);
        if !good {
            let shown: String = text.chars().take(64).collect();
            return Err(Kind::BadInput
                .error(format!("name {shown:?} does not match [a-zA-Z0-9][a-zA-Z0-9_.-]* (at most 255)")));
        }
        Ok(Self(text.to_owned()))
    }

    /// A name for a container that was given none.
    pub fn generated() -> Result<Self> {
        let mut bytes = [0; 4];
        rustix::rand::getrandom(&mut bytes, rustix::rand::GetRandomFlags::empty())?;
        let adjective = NAME_ADJECTIVES[usize::from(bytes[0]) % NAME_ADJECTIVES.len()];
        let noun = NAME_NOUNS[usize::from(bytes[1]) % NAME_NOUNS.len()];
        let number = u16::from_le_bytes([bytes[2], bytes[3]]);
        Ok(Self(format!("{adjective}_{noun}_{number}")))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

macro_rules! text_type {
    ($type:ty, $parse:expr) => {
        impl fmt::Display for $type {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str(&self.0)
            }
        }
        impl fmt::Debug for $type {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str(&self.0)
            }
        }
        impl From<$type> for String {
            fn from(value: $type) -> Self {
                value.0
            }
        }
        impl TryFrom<String> for $type {
            type Error = anyhow::Error;
            fn try_from(text: String) -> Result<Self> {
                $parse(&text)
            }
        }
    };
}

text_type!(Id, |text: &str| Id::parse(text).ok_or_else(|| Kind::BadInput.error("a container id is 64 hex digits")));
text_type!(Name, Name::parse);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_file_names() {
        for good in ["a", "web-1", "A_b.c", "0"] {
            assert_eq!(Name::parse(good).unwrap().as_str(), good);
        }
        let long = "a".repeat(256);
        for bad in ["", ".", "..", "-x", "a/b", "../a", "a b", "a\n", "ä", "a\0", &long] {
            assert!(Name::parse(bad).is_err(), "{bad:?}");
        }
        assert!(Id::parse(&"a".repeat(64)).is_some());
        assert!(Id::parse(&"A".repeat(64)).is_none() && Id::parse("../..").is_none());
    }
}

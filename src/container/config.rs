//! THE description of a container: what every front end yields and `config.json` keeps.

mod devices;
mod mount;
mod process;
mod resources;
mod security;
mod supervision;
mod users;

pub use devices::{Device, Extras, Hook, Stage};
pub use mount::{
    ImageMount, ImageVolumes, Memory, MoreOptions, Mount, MountDefaults, MountKind, MountOptions, NewVolume,
    OverlayPlace, Propagation, SecretHow, SecretUse, VolumesFrom, is_default,
};
pub use process::{DefaultVariables, PidFiles, Process};
pub use resources::{Cgroup, Limit, Rare, Resources, Throttle, ThrottleKind};
pub use security::{Seccomp, Security, Systemd, Unmasked};
pub use supervision::{
    Health, HealthDestination, HealthLog, LogDriver, Logging, Notify, OnFailure, Restart, StartupCheck, Stop,
};
pub use users::{Accounts, Namespace, Userns, Users};

use crate::error::Kind;
use crate::network::{Egress, Membership, Names, Network, Port, Protocol};
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
    /// Empty takes the host's or the short id; once created it is always there.
    pub hostname: String,
    pub labels: BTreeMap<String, String>,
    pub annotations: BTreeMap<String, String>,
    pub mounts: Vec<Mount>,
    #[serde(default, skip_serializing_if = "is_default")]
    pub mount_defaults: MountDefaults,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub secrets: Vec<SecretUse>,
    pub read_only: bool,
    pub network: Network,
    /// The networks that it is in, where it is in some of those that have a name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub memberships: Vec<Membership>,
    pub ports: Vec<Port>,
    /// Ports that may be published.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exposed: Vec<(u16, Protocol)>,
    /// Whether all of those, and the image's, are published.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub publish_all: bool,
    /// Options of pasta's, one word each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pasta_options: Vec<String>,
    /// What may leave it, if not everything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub egress: Option<Egress>,
    #[serde(default, skip_serializing_if = "Names::is_default")]
    pub names: Names,
    #[serde(default)]
    pub users: Users,
    pub security: Security,
    #[serde(default, skip_serializing_if = "Extras::is_default")]
    pub extras: Extras,
    pub limits: Vec<Limit>,
    pub resources: Resources,
    /// Whether pid 1 is the engine's init.
    pub init: bool,
    pub stop: Stop,
    #[serde(default, skip_serializing_if = "Restart::is_no")]
    pub restart: Restart,
    #[serde(default, skip_serializing_if = "Health::is_none")]
    pub health: Health,
    #[serde(default, skip_serializing_if = "Logging::is_default")]
    pub logging: Logging,
    /// How long it may run before it is killed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout_secs: Option<u64>,
    #[serde(default, skip_serializing_if = "Notify::is_conmon")]
    pub notify: Notify,
    pub auto_remove: bool,
    /// Whether its image goes with it, if no other container uses that.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub remove_image: bool,
    /// Containers that are started before this one, and not removed while it is there.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub requires: Vec<Id>,
    #[serde(default, skip_serializing_if = "is_default")]
    pub pid_files: PidFiles,
    /// The command line that made it, for `inspect`.
    pub create_command: Vec<String>,
}

impl Config {
    /// A container of which nothing has been asked for yet but where its root file system comes from.
    pub fn blank(id: Id, name: Name, source: Source) -> Self {
        Self {
            format: FORMAT,
            id,
            name,
            created: super::state::now(),
            source,
            process: Process::default(),
            hostname: String::new(),
            labels: BTreeMap::new(),
            annotations: BTreeMap::new(),
            mounts: Vec::new(),
            mount_defaults: MountDefaults::default(),
            secrets: Vec::new(),
            read_only: false,
            network: Network::None,
            memberships: Vec::new(),
            ports: Vec::new(),
            exposed: Vec::new(),
            publish_all: false,
            pasta_options: Vec::new(),
            egress: None,
            names: Names::default(),
            users: Users::default(),
            security: Security::default(),
            extras: Extras::default(),
            limits: Vec::new(),
            resources: Resources::default(),
            init: false,
            stop: Stop::default(),
            restart: Restart::default(),
            health: Health::default(),
            logging: Logging::default(),
            timeout_secs: None,
            notify: Notify::default(),
            auto_remove: false,
            remove_image: false,
            requires: Vec::new(),
            pid_files: PidFiles::default(),
            create_command: Vec::new(),
        }
    }
}

impl Config {
    /// The images that this container needs, its own and those that it has mounted: their ids, as far as they are known,
    /// and their layers.
    pub fn images(&self) -> impl Iterator<Item = (Option<&Digest>, &[Digest])> {
        let own = match &self.source {
            Source::Image(image) => Some((Some(&image.id), &image.layers[..])),
            Source::Directory(_) => None,
        };
        let mounted = self.mounts.iter().filter_map(|mount| match &mount.kind {
            MountKind::Image(image) => Some((image.id.as_ref(), &image.layers[..])),
            MountKind::Bind { .. } | MountKind::Volume { .. } | MountKind::Tmpfs { .. } | MountKind::Devpts(_) => {
                None
            }
        });
        own.into_iter().chain(mounted)
    }
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

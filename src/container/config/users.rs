//! Who a container's processes are, inside and outside, and which namespaces they share with others.

use crate::rootless::Extent;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// The namespaces and ids that a container does not have of its own. Empty: all are its own, with the engine's ids.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Users {
    /// How the ids were asked for.
    #[serde(skip_serializing_if = "is_default")]
    pub userns: Userns,
    /// What came of it: ids inside, and which of the engine's user namespace they are. Empty: the engine's own.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub uids: Vec<Extent>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub gids: Vec<Extent>,
    #[serde(skip_serializing_if = "is_default")]
    pub pid: Namespace,
    #[serde(skip_serializing_if = "is_default")]
    pub ipc: Namespace,
    #[serde(skip_serializing_if = "is_default")]
    pub uts: Namespace,
    #[serde(skip_serializing_if = "is_default")]
    pub cgroup: Namespace,
    /// Whose network namespace it is, if not the one that [`crate::network::Network`] says.
    #[serde(skip_serializing_if = "is_default")]
    pub network: Namespace,
    /// Groups of the process beyond the user's own, by name or number.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<String>,
    /// Whether the process stays in the groups of whoever started it.
    #[serde(skip_serializing_if = "is_default")]
    pub keep_groups: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub umask: Option<u32>,
    /// A time zone by its name, or `local` for the host's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timezone: Option<String>,
    /// Directories of the container that get the engine's files of /etc too.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub chroot_dirs: Vec<String>,
    #[serde(skip_serializing_if = "is_default")]
    pub accounts: Accounts,
}

/// Where a container's ids come from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Userns {
    /// The same ids as in the engine's user namespace.
    #[default]
    Engine,
    /// The caller has the same id inside, or this one.
    KeepId {
        uid: Option<u32>,
        gid: Option<u32>,
        size: Option<u32>,
    },
    /// Ids that no other container has; some mapped as these texts say.
    Auto {
        size: Option<u32>,
        uids: Vec<String>,
        gids: Vec<String>,
    },
    /// All but the caller's.
    NoMap,
    /// As these texts say.
    Maps {
        uids: Vec<String>,
        gids: Vec<String>,
    },
    /// The ranges of these names in /etc/subuid and /etc/subgid.
    Names {
        users: String,
        groups: String,
    },
    /// Those of another container, by name; once created by id.
    Container(String),
    Path(PathBuf),
}

/// Whose namespace of one kind a container has.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Namespace {
    #[default]
    Own,
    Host,
    /// Another container's, by name; once created by id.
    Container(String),
    Path(PathBuf),
}

/// What is added to the container's /etc/passwd and /etc/group.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Accounts {
    /// Nothing is.
    pub off: bool,
    /// The line for the container's user, with placeholders.
    pub passwd_entry: Option<String>,
    pub group_entry: Option<String>,
    /// Accounts of the host, by name or number.
    pub host_users: Vec<String>,
    /// What came of it: lines of passwd(5) and group(5), each for whom the container does not have yet.
    pub passwd: Vec<String>,
    pub groups: Vec<String>,
}

impl Users {
    /// The containers whose namespaces this one has, by id.
    pub fn others(&self) -> Vec<&str> {
        let userns = match &self.userns {
            Userns::Container(id) => Some(id.as_str()),
            Userns::Engine
            | Userns::KeepId { .. }
            | Userns::Auto { .. }
            | Userns::NoMap
            | Userns::Maps { .. }
            | Userns::Names { .. }
            | Userns::Path(_) => None,
        };
        let kinds = [&self.pid, &self.ipc, &self.uts, &self.cgroup, &self.network];
        let mut ids: Vec<&str> = kinds.into_iter().filter_map(Namespace::container).chain(userns).collect();
        ids.sort_unstable();
        ids.dedup();
        ids
    }
}

impl Namespace {
    pub fn container(&self) -> Option<&str> {
        match self {
            Self::Container(id) => Some(id),
            Self::Own | Self::Host | Self::Path(_) => None,
        }
    }
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

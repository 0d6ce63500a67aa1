//! Which namespaces a container has of its own, which it shares, and how others get into them.

use crate::error::Kind;
use crate::sys::namespace::{self, Namespaces};
use anyhow::{Context, Result};
use oci_spec::runtime::{LinuxIdMapping, LinuxNamespaceType, Spec};
use std::io::Write;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};

/// The namespaces that a spec asks for.
pub struct Inner {
    pub new: Namespaces,
    /// Namespaces of others to join, by their nsfs paths.
    pub join: Vec<(Namespaces, PathBuf)>,
    uid_map: Vec<LinuxIdMapping>,
    gid_map: Vec<LinuxIdMapping>,
}

/// The engine has every capability over the user namespaces that it has made, and a container's root over its own
/// alone: so the user namespace comes last, should the others belong to different ones.
const ORDER: [(&str, Namespaces); 7] = [
    ("cgroup", Namespaces::CLONE_NEWCGROUP),
    ("ipc", Namespaces::CLONE_NEWIPC),
    ("uts", Namespaces::CLONE_NEWUTS),
    ("net", Namespaces::CLONE_NEWNET),
    ("pid", Namespaces::CLONE_NEWPID),
    ("mnt", Namespaces::CLONE_NEWNS),
    ("user", Namespaces::CLONE_NEWUSER),
];

impl Inner {
    pub fn of(spec: &Spec) -> Result<Self> {
        let linux = spec.linux().as_ref().context("the spec has a linux section")?;
        let mut inner = Self {
            new: Namespaces::empty(),
            join: Vec::new(),
            uid_map: linux.uid_mappings().clone().unwrap_or_default(),
            gid_map: linux.gid_mappings().clone().unwrap_or_default(),
        };
        for namespace in linux.namespaces().iter().flatten() {
            let flag = flag(namespace.typ())?;
            match namespace.path() {
                Some(path) => inner.join.push((flag, path.clone())),
                None => inner.new |= flag,
            }
        }
        let rank = |flag: Namespaces| ORDER.iter().position(|(_, other)| *other == flag);
        inner.join.sort_by_key(|(flag, _)| rank(*flag));
        if !inner.new.contains(Namespaces::CLONE_NEWNS) {
            return Err(Kind::BadInput.error("the spec has no mount namespace of its own"));
        }
        Ok(inner)
    }

    pub fn clone_flags(&self) -> i32 {
        self.new.bits()
    }

    /// Writes the id maps of a child's new user namespace: user_namespaces(7), "Defining user and group ID mappings".
    pub fn write_maps(&self, pid: i32) -> Result<()> {
        if !self.new.contains(Namespaces::CLONE_NEWUSER) {
            return Ok(());
        }
        for (kind, map) in [("uid_map", &self.uid_map), ("gid_map", &self.gid_map)] {
            let line = |extent: &LinuxIdMapping| {
                format!("{} {} {}\n", extent.container_id(), extent.host_id(), extent.size())
            };
            let text: String = map.iter().map(line).collect();
            let path = PathBuf::from(format!("/proc/{pid}/{kind}"));
            let mut file = crate::fs::open_for_writing(&path)?;
            file.write_all(text.as_bytes()).with_context(|| format!("write {}", path.display()))?;
        }
        Ok(())
    }

    /// Joins the namespaces that the spec takes from others. In a first child, before anything else.
    pub fn join(&self) -> Result<()> {
        // Opened by the paths of the host's /proc, all of them before one is entered.
        let open = |(_, path): &(Namespaces, PathBuf)| crate::fs::open_for_reading(path);
        let opened = self.join.iter().map(open).collect::<Result<Vec<_>>>()?;
        for ((flag, path), namespace) in self.join.iter().zip(&opened) {
            namespace::enter(namespace.as_fd(), *flag).with_context(|| format!("join {}", path.display()))?;
        }
        Ok(())
    }

    /// Whether there is a root in the container, which a map need not have.
    pub fn has_root(&self) -> bool {
        let maps_0 = |map: &[LinuxIdMapping]| map.is_empty() || map.iter().any(|extent| extent.container_id() == 0);
        maps_0(&self.uid_map) && maps_0(&self.gid_map)
    }

    /// Whether this namespace is the engine's: a kernel file system that belongs to it cannot be mounted anew.
    pub fn shares(&self, flag: Namespaces) -> bool {
        !self.owns(flag) && !self.join.iter().any(|(other, _)| *other == flag)
    }

    /// Whether this namespace is new.
    pub fn owns(&self, flag: Namespaces) -> bool {
        self.new.contains(flag)
    }
}

fn flag(kind: LinuxNamespaceType) -> Result<Namespaces> {
    Ok(match kind {
        LinuxNamespaceType::Mount => Namespaces::CLONE_NEWNS,
        LinuxNamespaceType::Cgroup => Namespaces::CLONE_NEWCGROUP,
        LinuxNamespaceType::Uts => Namespaces::CLONE_NEWUTS,
        LinuxNamespaceType::Ipc => Namespaces::CLONE_NEWIPC,
        LinuxNamespaceType::User => Namespaces::CLONE_NEWUSER,
        LinuxNamespaceType::Pid => Namespaces::CLONE_NEWPID,
        LinuxNamespaceType::Network => Namespaces::CLONE_NEWNET,
        LinuxNamespaceType::Time => return Err(Kind::BadInput.error("time namespaces are not supported")),
    })
}

/// The namespaces of a running container, opened before its first exec, by which later processes enter.
#[derive(Debug)]
pub struct Entrance {
    /// In the order in which they are entered.
    namespaces: Vec<(Namespaces, OwnedFd)>,
}

impl Entrance {
    pub fn open(pid: i32, inner: &Inner) -> Result<Self> {
        let mut namespaces = Vec::new();
        for (name, flag) in ORDER {
            let joined = inner.join.iter().any(|(other, _)| *other == flag);
            if inner.owns(flag) || joined {
                namespaces.push((flag, namespace::open(&pid.to_string(), name)?));
            }
        }
        Ok(Self { namespaces })
    }

    pub fn enter(&self) -> Result<()> {
        for (flag, namespace) in &self.namespaces {
            namespace::enter(namespace.as_fd(), *flag)?;
        }
        Ok(())
    }

    /// All that are not the engine's, by their names under `/proc/PID/ns`.
    pub fn all(&self) -> impl Iterator<Item = (&'static str, &OwnedFd)> {
        self.namespaces.iter().filter_map(|(flag, fd)| {
            let (name, _) = ORDER.iter().find(|(_, other)| other == flag)?;
            Some((*name, fd))
        })
    }

    /// One of the namespaces, if the container does not share the engine's.
    pub fn get(&self, wanted: Namespaces) -> Option<&OwnedFd> {
        self.namespaces.iter().find(|(flag, _)| *flag == wanted).map(|(_, fd)| fd)
    }
}

/// Whether this user namespace, and so the ones below it, allows setgroups(2): user_namespaces(7).
pub fn may_set_groups() -> Result<bool> {
    Ok(crate::fs::read(Path::new("/proc/self/setgroups"), 64)?.starts_with(b"allow"))
}

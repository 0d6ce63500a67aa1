//! The words behind the last colon of `--volume` and `--tmpfs`, which `--mount` takes as keys too.

use super::{Manners, overlay};
use crate::container::config::{Mount, MountKind, OverlayPlace, Propagation};
use crate::error::{self, Kind};
use anyhow::Result;
use std::path::PathBuf;

/// All words that a volume knows, for what is said about others.
const KNOWN: &[&str] = &[
    "ro",
    "rw",
    "readonly",
    "z",
    "Z",
    "U",
    "O",
    "idmap",
    "copy",
    "nocopy",
    "nocreate",
    "exec",
    "noexec",
    "suid",
    "nosuid",
    "dev",
    "nodev",
    "bind",
    "rbind",
    "private",
    "rprivate",
    "slave",
    "rslave",
    "shared",
    "rshared",
    "unbindable",
    "runbindable",
    "upperdir",
    "workdir",
    "noatime",
    "volume-opt",
];

/// Words of one kind exclude each other.
fn kind_of(word: &str) -> Option<&'static str> {
    Some(match word {
        "ro" | "readonly" | "rro" | "rw" => "access",
        "exec" | "noexec" => "exec",
        "suid" | "nosuid" => "suid",
        "dev" | "nodev" => "dev",
        "private" | "rprivate" | "slave" | "rslave" | "shared" | "rshared" | "unbindable" | "runbindable" => {
            "propagation"
        }
        "copy" | "nocopy" => "copy",
        "z" | "Z" => "label",
        "bind" | "rbind" => "bind",
        "tmpcopyup" | "notmpcopyup" => "copyup",
        "U" | "O" | "idmap" | "nocreate" | "upperdir" | "workdir" => return None,
        _ => return None,
    })
}

/// The words of one mount, as they come.
pub struct Words {
    manners: Manners,
    seen: Vec<String>,
    upper: Option<PathBuf>,
    work: Option<PathBuf>,
}

impl Words {
    pub fn new(manners: Manners) -> Self {
        Self { manners, seen: Vec::new(), upper: None, work: None }
    }

    /// Notes a word; an error if an earlier one says the same or the opposite.
    fn note(&mut self, word: &str) -> Result<()> {
        let same = |other: &&String| {
            other.as_str() == word || kind_of(other).is_some_and(|kind| kind_of(word) == Some(kind))
        };
        if let Some(earlier) = self.seen.iter().find(same) {
            return Err(Kind::BadInput.error(format!("mount options {earlier:?} and {word:?} exclude each other")));
        }
        self.seen.push(word.to_owned());
        Ok(())
    }

    /// A word that any mount may have.
    pub fn apply(&mut self, mount: &mut Mount, word: &str) -> Result<()> {
        let (name, value) = word.split_once('=').map_or((word, None), |(name, value)| (name, Some(value)));
        if name != "volume-opt" {
            self.note(name)?;
        }
        let options = &mut mount.options;
        match (name, value) {
            ("ro" | "readonly" | "rro", None) => mount.read_only = true,
            ("rw", None) => mount.read_only = false,
            ("exec", None) => options.exec = Some(true),
            ("noexec", None) => options.exec = Some(false),
            ("suid", None) => options.suid = true,
            ("nosuid", None) => options.suid = false,
            ("dev", None) => options.dev = true,
            ("nodev", None) => options.dev = false,
            ("private" | "rprivate", None) => options.propagation = Propagation::Private,
            ("slave" | "rslave", None) => options.propagation = Propagation::Slave,
            ("shared" | "rshared", None) => options.propagation = Propagation::Shared,
            ("unbindable" | "runbindable", None) => options.propagation = Propagation::Unbindable,
            ("copy", None) => options.no_copy = false,
            ("nocopy", None) => options.no_copy = true,
            ("nocreate", None) => options.more.no_create = true,
            ("noatime", None) => options.more.no_access_time = true,
            ("U", None) => options.more.chown = true,
            ("O", None) => drop(overlay(mount)),
            ("upperdir", Some(dir)) => self.upper = Some(std::path::absolute(dir)?),
            ("workdir", Some(dir)) => self.work = Some(std::path::absolute(dir)?),
            ("bind", None) => options.more.not_recursive = true,
            ("rbind", None) => options.more.not_recursive = false,
            ("volume-opt", Some(option)) if matches!(mount.kind, MountKind::Volume { .. }) => {
                let (key, value) = option.split_once('=').unwrap_or((option, ""));
                options.more.volume.options.insert(key.to_owned(), value.to_owned());
            }
            // There is no SELinux label that could be changed.
            ("z" | "Z", None) => {}
            ("idmap", mapping) => self.idmap(mapping)?,
            _ => return Err(unknown(word, KNOWN)),
        }
        Ok(())
    }

    /// As it is, the kernel maps the ids of a file system only for who owns that file system's user namespace.
    fn idmap(&self, mapping: Option<&str>) -> Result<()> {
        if self.manners.rootless {
            let message = "mount option idmap: the kernel maps the ids of a file system for the real root only";
            return Err(Kind::Denied.hinted(message, "use U to give the files to the container's user"));
        }
        match mapping {
            // The real root's containers have the ids of the host.
            None | Some("" | "true") => Ok(()),
            Some(_) => Err(Kind::BadInput.error("mount option idmap with a mapping is not supported yet")),
        }
    }

    /// A word of a file system in memory.
    pub fn apply_to_memory(&mut self, mount: &mut Mount, word: &str) -> Result<()> {
        let MountKind::Tmpfs { size_bytes, mode, memory } = &mut mount.kind else { return self.apply(mount, word) };
        match word.split_once('=') {
            Some(("size" | "tmpfs-size", size)) => {
                // The kernel's own form is a share of the memory: tmpfs(5).
                match size.ends_with('%') {
                    true => memory.data.push(format!("size={size}")),
                    false => *size_bytes = Some(crate::cli::units::parse_bytes(size)?),
                }
            }
            Some(("mode" | "tmpfs-mode", octal)) => *mode = Some(parse_mode(octal)?),
            Some(("uid" | "gid" | "nr_inodes" | "nr_blocks" | "huge" | "mpol", _)) => {
                memory.data.push(word.to_owned())
            }
            None if matches!(word, "noswap" | "inode64" | "inode32") => memory.data.push(word.to_owned()),
            None if word == "tmpcopyup" => {
                self.note(word)?;
                memory.copy_up = true;
            }
            None if word == "notmpcopyup" => {
                self.note(word)?;
                memory.copy_up = false;
            }
            None if matches!(word, "U" | "chown") => mount.options.more.chown = true,
            _ => return self.apply(mount, word),
        }
        Ok(())
    }

    /// Checks what only all words together tell.
    pub fn finish(self, mount: &mut Mount) -> Result<()> {
        match (self.upper, self.work) {
            (None, None) => {}
            (Some(upper), Some(work)) if mount.options.more.overlay.is_some() => {
                *overlay(mount) = OverlayPlace::Kept { upper, work };
            }
            _ => {
                let message = "mount options upperdir and workdir belong together, and to O";
                return Err(Kind::BadInput.error(message));
            }
        }
        let fits = match &mount.kind {
            MountKind::Bind { .. } | MountKind::Volume { .. } => true,
            MountKind::Tmpfs { .. } | MountKind::Image(_) | MountKind::Devpts(_) => false,
        };
        if mount.options.more.overlay.is_some() && !fits {
            return Err(Kind::BadInput.error("mount option O is for directories and volumes"));
        }
        if mount.options.more.no_create && !matches!(mount.kind, MountKind::Volume { anonymous: false, .. }) {
            return Err(Kind::BadInput.error("mount option nocreate is for named volumes"));
        }
        Ok(())
    }
}

pub fn parse_mode(octal: &str) -> Result<u32> {
    let bad = || Kind::BadInput.error(format!("mode {octal:?} is not octal, such as 1777"));
    u32::from_str_radix(octal.trim_start_matches("0o"), 8).ok().filter(|mode| *mode <= 0o7777).ok_or_else(bad)
}

/// The error for a word that no mount has.
pub fn unknown(word: &str, known: &[&str]) -> anyhow::Error {
    let name = word.split('=').next().unwrap_or(word);
    let message = format!("mount option {word:?} does not exist");
    match error::nearest(name, known.iter().copied()) {
        Some(near) if near != name => Kind::BadInput.hinted(message, format!("did you mean {near}?")),
        Some(near) if word.contains('=') => Kind::BadInput.hinted(message, format!("{near} takes no value")),
        Some(near) => Kind::BadInput.hinted(message, format!("{near} needs a value")),
        None => Kind::BadInput.hinted(message, "see podman-run(1), --volume and --mount"),
    }
}

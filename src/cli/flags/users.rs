//! The flags that say who the processes are, inside and outside, and whose namespaces they share.

use crate::container::config::{Accounts, Config, Namespace, Userns};
use crate::error::Kind;
use crate::rootless::map;
use crate::settings::Containers;
use anyhow::Result;
use std::path::PathBuf;

#[derive(clap::Args, Clone, Debug)]
#[command(next_help_heading = "Users and namespaces")]
pub struct UserFlags {
    /// Run as this user, by name or number
    #[arg(short, long, value_name = "USER[:GROUP]")]
    user: Option<String>,
    /// Map ids: host, keep-id[:uid=,gid=,size=], auto[:size=,uidmapping=,gidmapping=], nomap, container:NAME or ns:PATH
    #[arg(long, value_name = "MODE", conflicts_with_all = ["uidmap", "gidmap", "subuidname", "subgidname"])]
    userns: Option<String>,
    /// Map uids; @ before OUTSIDE means the host's, + before INSIDE keeps all others mapped
    #[arg(long, value_name = "[FLAGS]INSIDE:[@]OUTSIDE[:COUNT]")]
    uidmap: Vec<String>,
    /// Map gids, as --uidmap does uids
    #[arg(long, value_name = "[FLAGS]INSIDE:[@]OUTSIDE[:COUNT]")]
    gidmap: Vec<String>,
    /// Map the ids that /etc/subuid has for this name
    #[arg(long, value_name = "NAME")]
    subuidname: Option<String>,
    /// Map the ids that /etc/subgid has for this name
    #[arg(long, value_name = "NAME")]
    subgidname: Option<String>,
    /// Add the process to this group, by name or number; keep-groups keeps the groups of the caller
    #[arg(long, value_name = "GROUP")]
    group_add: Vec<String>,
    /// Add the container's user to its /etc/passwd and /etc/group if they are missing there
    #[arg(long, value_name = "BOOL", default_value = "true", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    passwd: bool,
    /// Write this line to /etc/passwd; $USERNAME, $UID, $GID, $NAME and $HOME are filled in
    #[arg(long, value_name = "LINE")]
    passwd_entry: Option<String>,
    /// Write this line to /etc/group; $GROUPNAME, $GID and $USERLIST are filled in
    #[arg(long, value_name = "LINE")]
    group_entry: Option<String>,
    /// Add an account of the host to the container's /etc/passwd, by name or number
    #[arg(long, value_name = "USER")]
    hostuser: Vec<String>,
    /// Start with this file mode creation mask, in octal
    #[arg(long, value_name = "OCTAL")]
    umask: Option<String>,
    /// Set the time zone: a name such as Europe/Berlin, or local for the host's
    #[arg(long, value_name = "ZONE")]
    tz: Option<String>,
    /// Write hosts and resolv.conf into this directory too, for who changes the root to it
    #[arg(long, value_name = "DIR")]
    chrootdirs: Vec<String>,
    /// Share the pid namespace of the host, of container:NAME or of ns:PATH; private is a new one
    #[arg(long, value_name = "MODE")]
    pid: Option<String>,
    /// Share the ipc namespace of the host, of container:NAME or of ns:PATH; private, shareable and none are new ones
    #[arg(long, value_name = "MODE")]
    ipc: Option<String>,
    /// Share the host name of the host, of container:NAME or of ns:PATH; private is a new one
    #[arg(long, value_name = "MODE")]
    uts: Option<String>,
    /// Share the cgroup namespace of the host, of container:NAME or of ns:PATH; private is a new one
    #[arg(long, value_name = "MODE")]
    cgroupns: Option<String>,
}

/// The group that is none: the process stays in those of the caller.
const KEEP_GROUPS: &str = "keep-groups";

impl UserFlags {
    pub fn fill(&mut self, containers: &Containers) {
        // Podman's name, so that what is set for podman holds.
        let userns = std::env::var("PODMAN_USERNS").ok().filter(|mode| !mode.is_empty());
        for (flag, usual) in [
            (&mut self.userns, userns.as_ref().or(containers.userns.as_ref())),
            (&mut self.pid, containers.pidns.as_ref()),
            (&mut self.ipc, containers.ipcns.as_ref()),
            (&mut self.uts, containers.utsns.as_ref()),
            (&mut self.cgroupns, containers.cgroupns.as_ref()),
            (&mut self.tz, containers.tz.as_ref()),
            (&mut self.umask, containers.umask.as_ref()),
        ] {
            if flag.is_none() {
                *flag = usual.filter(|text| !text.is_empty()).cloned();
            }
        }
    }

    pub fn apply(&self, config: &mut Config) -> Result<()> {
        config.process.user = self.user.clone().unwrap_or_default();
        let users = &mut config.users;
        users.userns = self.userns()?;
        users.pid = parse_namespace("pid", self.pid.as_deref(), &[])?;
        users.ipc = parse_namespace("ipc", self.ipc.as_deref(), &["shareable", "none"])?;
        users.uts = parse_namespace("uts", self.uts.as_deref(), &[])?;
        users.cgroup = parse_namespace("cgroup", self.cgroupns.as_deref(), &[])?;
        users.keep_groups = self.group_add.iter().any(|group| group == KEEP_GROUPS);
        if users.keep_groups && self.group_add.len() > 1 {
            return Err(Kind::BadInput.error("the group keep-groups does not go with others"));
        }
        users.groups = self.group_add.iter().filter(|group| *group != KEEP_GROUPS).cloned().collect();
        users.umask = self.umask.as_deref().map(parse_umask).transpose()?;
        users.timezone = self.tz.clone();
        users.chroot_dirs = self.chrootdirs.iter().map(|dir| parse_chroot_dir(dir)).collect::<Result<_>>()?;
        users.accounts = Accounts {
            off: !self.passwd,
            passwd_entry: self.passwd_entry.as_deref().map(parse_line).transpose()?,
            group_entry: self.group_entry.as_deref().map(parse_line).transpose()?,
            host_users: self.hostuser.clone(),
            ..Accounts::default()
        };
        Ok(())
    }

    fn userns(&self) -> Result<Userns> {
        let names = (self.subuidname.as_ref().or(self.subgidname.as_ref()), self.subgidname.as_ref());
        let has_maps = !self.uidmap.is_empty() || !self.gidmap.is_empty();
        match names {
            (Some(_), _) if has_maps => {
                Err(Kind::BadInput.error("--subuidname and --subgidname do not go with --uidmap and --gidmap"))
            }
            (Some(users), groups) => {
                Ok(Userns::Names { users: users.clone(), groups: groups.unwrap_or(users).clone() })
            }
            (None, _) if has_maps => {
                self.uidmap.iter().chain(&self.gidmap).try_for_each(|text| map::parse(text).map(drop))?;
                Ok(Userns::Maps { uids: self.uidmap.clone(), gids: self.gidmap.clone() })
            }
            (None, _) => parse_userns(self.userns.as_deref().unwrap_or_default()),
        }
    }
}

/// `MODE[:KEY=VALUE,...]`.
fn parse_userns(text: &str) -> Result<Userns> {
    let (mode, options) = text.split_once(':').map_or((text, None), |(mode, options)| (mode, Some(options)));
    match (mode, options) {
        ("" | "host" | "private", None) => Ok(Userns::Engine),
        ("nomap", None) => Ok(Userns::NoMap),
        ("keep-id", options) => keep_id(options.unwrap_or_default()),
        ("auto", options) => auto(options.unwrap_or_default()),
        ("container", Some(name)) if !name.is_empty() => Ok(Userns::Container(name.to_owned())),
        ("ns", Some(path)) => Ok(Userns::Path(namespace_path(path)?)),
        _ => {
            let message = format!("user namespace mode {text:?} does not exist");
            Err(Kind::BadInput.hinted(message, "use host, keep-id, auto, nomap, container:NAME or ns:PATH"))
        }
    }
}

/// The `KEY=VALUE` words of a mode.
fn words(options: &str) -> impl Iterator<Item = Result<(&str, &str)>> {
    options.split(',').filter(|word| !word.is_empty()).map(|word| {
        word.split_once('=')
            .ok_or_else(|| Kind::BadInput.error(format!("user namespace option {word:?} has no value")))
    })
}

fn number(key: &str, value: &str) -> Result<u32> {
    let number = if value.bytes().all(|byte| byte.is_ascii_digit()) { value.parse::<u32>().ok() } else { None };
    number
        .filter(|number| *number < u32::MAX)
        .ok_or_else(|| Kind::BadInput.error(format!("user namespace option {key}={value} is not a number of ids")))
}

fn unknown(mode: &str, key: &str) -> anyhow::Error {
    Kind::BadInput.error(format!("user namespace mode {mode} has no option {key:?}"))
}

fn keep_id(options: &str) -> Result<Userns> {
    let (mut uid, mut gid, mut size) = (None, None, None);
    for word in words(options) {
        let (key, value) = word?;
        let place = match key {
            "uid" => &mut uid,
            "gid" => &mut gid,
            "size" => &mut size,
            _ => return Err(unknown("keep-id", key)),
        };
        *place = Some(number(key, value)?);
    }
    Ok(Userns::KeepId { uid, gid, size })
}

fn auto(options: &str) -> Result<Userns> {
    let (mut size, mut uids, mut gids) = (None, Vec::new(), Vec::new());
    for word in words(options) {
        let (key, value) = word?;
        match key {
            "size" => size = Some(number(key, value)?).filter(|size| *size > 0),
            "uidmapping" | "gidmapping" => {
                map::parse(value)?;
                if key == "uidmapping" { &mut uids } else { &mut gids }.push(value.to_owned());
            }
            _ => return Err(unknown("auto", key)),
        }
    }
    Ok(Userns::Auto { size, uids, gids })
}

/// `own` are names of this kind for a new namespace.
pub fn parse_namespace(kind: &str, text: Option<&str>, own: &[&str]) -> Result<Namespace> {
    let Some(text) = text else { return Ok(Namespace::Own) };
    match text.split_once(':') {
        None if matches!(text, "" | "private") || own.contains(&text) => Ok(Namespace::Own),
        None if text == "host" => Ok(Namespace::Host),
        Some(("container", name)) if !name.is_empty() => Ok(Namespace::Container(name.to_owned())),
        Some(("ns", path)) => Ok(Namespace::Path(namespace_path(path)?)),
        _ => {
            let message = format!("{kind} namespace mode {text:?} does not exist");
            Err(Kind::BadInput.hinted(message, "use private, host, container:NAME or ns:PATH"))
        }
    }
}

fn namespace_path(path: &str) -> Result<PathBuf> {
    let path = PathBuf::from(path);
    if !path.is_absolute() {
        return Err(Kind::BadInput.error(format!("namespace path {:?} is not absolute", path.display())));
    }
    Ok(path)
}

fn parse_umask(text: &str) -> Result<u32> {
    let octal = !text.is_empty() && text.len() <= 4 && text.bytes().all(|byte| (b'0'..=b'7').contains(&byte));
    let mask = if octal { u32::from_str_radix(text, 8).ok() } else { None };
    mask.filter(|mask| *mask <= 0o777)
        .ok_or_else(|| Kind::BadInput.error(format!("umask {text:?} is not octal, from 0 to 0777")))
}

fn parse_chroot_dir(dir: &str) -> Result<String> {
    if !dir.starts_with('/') {
        return Err(Kind::BadInput.error(format!("chroot directory {dir:?} is not an absolute path")));
    }
    Ok(crate::container::create::clean(dir))
}

/// A line of a database must not bring others with it.
fn parse_line(line: &str) -> Result<String> {
    if line.chars().any(char::is_control) || line.is_empty() {
        return Err(Kind::BadInput.error(format!("entry {line:?} is not one line of text")));
    }
    Ok(line.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modes_parse() {
        let keep = |uid, gid, size| Userns::KeepId { uid, gid, size };
        for (text, expected) in [
            ("", Userns::Engine),
            ("host", Userns::Engine),
            ("keep-id", keep(None, None, None)),
            ("keep-id:uid=1,gid=2,size=3", keep(Some(1), Some(2), Some(3))),
            ("nomap", Userns::NoMap),
            ("container:web", Userns::Container("web".into())),
            ("ns:/proc/1/ns/user", Userns::Path("/proc/1/ns/user".into())),
        ] {
            assert_eq!(parse_userns(text).unwrap(), expected, "{text}");
        }
        let auto = Userns::Auto { size: Some(9), uids: vec!["0:@1:1".into()], gids: vec![] };
        assert_eq!(parse_userns("auto:size=9,uidmapping=0:@1:1").unwrap(), auto);
        for bad in [
            "x",
            "keep-id:x",
            "keep-id:foo=1",
            "keep-id:uid=-1",
            "keep-id:uid=4294967295",
            "auto:size=x",
            "auto:uidmapping=1",
            "container:",
            "ns:relative",
            "host:1",
            "nomap:",
        ] {
            assert!(parse_userns(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn namespaces_masks_and_lines_parse() {
        assert_eq!(parse_namespace("pid", Some("host"), &[]).unwrap(), Namespace::Host);
        assert_eq!(parse_namespace("ipc", Some("shareable"), &["shareable"]).unwrap(), Namespace::Own);
        for bad in ["shareable", "container:", "ns:x", "ns:", "hosts"] {
            assert!(parse_namespace("pid", Some(bad), &[]).is_err(), "{bad}");
        }
        assert_eq!((parse_umask("0").unwrap(), parse_umask("0077").unwrap()), (0, 0o77));
        for bad in ["", "9", "01777", "00077", "-1", "0x1"] {
            assert!(parse_umask(bad).is_err(), "{bad}");
        }
        assert!(parse_line("a\nb").is_err() && parse_line("").is_err() && parse_line("a:b").is_ok());
    }
}

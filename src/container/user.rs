//! Who a container's process is: `user[:group]` resolved by the container's own /etc/passwd and /etc/group.

use super::config::Accounts;
use crate::error::Kind;
use crate::fs::Root;
use anyhow::{Context, Result};
use rustix::fs::{FileType, OFlags};
use std::collections::HashMap;
use std::io::Write;
use std::path::Path;

/// The largest user or group database that is read from an image.
const DATABASE_BYTES_MAX: usize = 1 << 20;

/// Ids and home of a process in the container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    pub uid: u32,
    pub gid: u32,
    /// Supplementary groups, without the primary one.
    pub groups: Vec<u32>,
    pub home: String,
}

struct PasswdEntry {
    name: String,
    uid: u32,
    gid: u32,
    home: String,
}

struct GroupEntry {
    name: String,
    gid: u32,
    members: Vec<String>,
}

/// Resolves what `--user` or an image says. Empty is root.
///
/// A numeric text is always a number, never the name of an account: CVE-2016-3697.
pub fn look_up(root: &Root, text: &str) -> Result<User> {
    let (user, group) = match text.split_once(':') {
        Some((user, group)) => (user, Some(group)),
        None => (text, None),
    };
    let accounts = passwd(root)?;
    let number = parse_id(user)?;
    let account = match number {
        Some(uid) => accounts.iter().find(|account| account.uid == uid),
        None if user.is_empty() => accounts.iter().find(|account| account.uid == 0),
        None => Some(accounts.iter().find(|account| account.name == user).ok_or_else(|| {
            Kind::BadInput.hinted(
                format!("no user {user:?} in the container's /etc/passwd"),
                "use a number, or a user of the image",
            )
        })?),
    };
    let mut found = User {
        uid: number.or(account.map(|account| account.uid)).unwrap_or(0),
        gid: account.map_or(0, |account| account.gid),
        groups: Vec::new(),
        home: account
            .map(|account| account.home.clone())
            .filter(|home| home.starts_with('/'))
            .unwrap_or_else(|| "/".to_owned()),
    };
    let groups = if group.is_some() || account.is_some() { groups(root)? } else { Vec::new() };
    match group.filter(|group| !group.is_empty()) {
        Some(group) => found.gid = group_id(&groups, group)?,
        None => {
            if let Some(account) = account {
                let joined = groups.iter().filter(|entry| entry.members.contains(&account.name));
                found.groups = joined.map(|entry| entry.gid).filter(|gid| *gid != found.gid).collect();
                found.groups.sort_unstable();
                found.groups.dedup();
            }
        }
    }
    Ok(found)
}

/// The names of users and of groups, by their numbers. The first of several counts.
pub fn names(root: &Root) -> Result<[HashMap<u32, String>; 2]> {
    let mut found = [HashMap::new(), HashMap::new()];
    for account in passwd(root)? {
        found[0].entry(account.uid).or_insert(account.name);
    }
    for entry in groups(root)? {
        found[1].entry(entry.gid).or_insert(entry.name);
    }
    Ok(found)
}

fn group_id(groups: &[GroupEntry], text: &str) -> Result<u32> {
    if let Some(gid) = parse_id(text)? {
        return Ok(gid);
    }
    groups.iter().find(|entry| entry.name == text).map(|entry| entry.gid).ok_or_else(|| {
        Kind::BadInput.hinted(
            format!("no group {text:?} in the container's /etc/group"),
            "use a number, or a group of the image",
        )
    })
}

/// A uid or gid written as a number; None if the text is a name. The last value, (uid_t)-1, means "no change" to the
/// kernel and is refused with all larger ones.
fn parse_id(text: &str) -> Result<Option<u32>> {
    let looks_numeric = text.starts_with(|first: char| first.is_ascii_digit() || matches!(first, '-' | '+' | ' '))
        && text.chars().all(|character| character.is_ascii_digit() || matches!(character, '-' | '+' | ' '));
    if !looks_numeric {
        return Ok(None);
    }
    let number = if text.bytes().all(|byte| byte.is_ascii_digit()) { text.parse::<u32>().ok() } else { None };
    match number {
        Some(id) if id != u32::MAX => Ok(Some(id)),
        _ => Err(Kind::BadInput.error(format!("user or group {text:?} is not a number from 0 to 4294967294"))),
    }
}

fn passwd(root: &Root) -> Result<Vec<PasswdEntry>> {
    let entry = |fields: &[&str]| {
        Some(PasswdEntry {
            name: fields.first()?.to_string(),
            uid: fields.get(2)?.parse().ok()?,
            gid: fields.get(3)?.parse().ok()?,
            home: fields.get(5).unwrap_or(&"").to_string(),
        })
    };
    database(root, "/etc/passwd", entry)
}

fn groups(root: &Root) -> Result<Vec<GroupEntry>> {
    let entry = |fields: &[&str]| {
        let members = fields.get(3).unwrap_or(&"");
        Some(GroupEntry {
            name: fields.first()?.to_string(),
            gid: fields.get(2)?.parse().ok()?,
            members: members.split(',').filter(|name| !name.is_empty()).map(str::to_owned).collect(),
        })
    };
    database(root, "/etc/group", entry)
}

/// The lines of passwd(5) or group(5) that parse; others are not ours to judge.
fn database<T>(root: &Root, path: &str, entry: impl Fn(&[&str]) -> Option<T>) -> Result<Vec<T>> {
    let Some(text) = root.read(Path::new(path), DATABASE_BYTES_MAX).context("find the user")? else {
        return Ok(Vec::new());
    };
    let text = String::from_utf8_lossy(&text);
    Ok(text.lines().filter_map(|line| entry(&line.trim().split(':').collect::<Vec<_>>())).collect())
}

/// The highest uid in a tree's /etc/passwd. None if it has none.
pub fn highest_user(root: &Root) -> Result<Option<u32>> {
    Ok(passwd(root)?.iter().map(|entry| entry.uid).filter(|id| *id != NOBODY).max())
}

/// The highest gid in a tree's /etc/group. None if it has none.
pub fn highest_group(root: &Root) -> Result<Option<u32>> {
    Ok(groups(root)?.iter().map(|entry| entry.gid).filter(|id| *id != NOBODY).max())
}

/// Who owns what belongs to nobody: no id that anything needs.
const NOBODY: u32 = 65_534;

/// Adds groups by name or number to those that a user has.
pub fn add_groups(root: &Root, user: &mut User, names: &[String]) -> Result<()> {
    if names.is_empty() {
        return Ok(());
    }
    let groups = groups(root)?;
    for name in names {
        let gid = group_id(&groups, name)?;
        if !user.groups.contains(&gid) {
            user.groups.push(gid);
        }
    }
    Ok(())
}

/// Appends lines to the container's /etc/passwd and /etc/group for whom these do not have yet. A container without these
/// files gets none. They are opened within the root, wherever links lead there, and only if they are files.
pub fn add_accounts(root: &Root, accounts: &Accounts) -> Result<()> {
    for (path, lines) in [("/etc/passwd", &accounts.passwd), ("/etc/group", &accounts.groups)] {
        if !lines.is_empty() {
            append_missing(root, Path::new(path), lines)
                .with_context(|| format!("add the user to {path} of the container"))?;
        }
    }
    Ok(())
}

fn append_missing(root: &Root, path: &Path, lines: &[String]) -> Result<()> {
    let Some(old) = root.read(path, DATABASE_BYTES_MAX)? else { return Ok(()) };
    let old = String::from_utf8_lossy(&old);
    // Name and number, which are the first and the third field of both files.
    let key = |line: &str| {
        let fields: Vec<&str> = line.trim().split(':').collect();
        Some((fields.first()?.to_string(), fields.get(2)?.to_string()))
    };
    let mut known: Vec<(String, String)> = old.lines().filter_map(key).collect();
    let mut added = String::new();
    for line in lines {
        let Some((name, id)) = key(line) else { continue };
        if known.iter().any(|(other, number)| *other == name || *number == id) || line.chars().any(char::is_control) {
            continue;
        }
        known.push((name, id));
        added.push_str(line);
        added.push('\n');
    }
    if added.is_empty() {
        return Ok(());
    }
    if !old.is_empty() && !old.ends_with('\n') {
        added.insert(0, '\n');
    }
    let flags = OFlags::WRONLY | OFlags::APPEND | OFlags::NONBLOCK | OFlags::NOCTTY;
    let file = root.resolve(path, flags).context("open for writing")?;
    if !crate::fs::is_kind(&file, FileType::RegularFile)? {
        return Ok(());
    }
    std::fs::File::from(file).write_all(added.as_bytes()).context("write")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn root(passwd: &str, group: &str) -> (Root, std::path::PathBuf) {
        let dir = crate::fs::staging_name(&std::env::temp_dir());
        crate::fs::create_dir_all(&dir.join("etc")).unwrap();
        for (name, text) in [("etc/passwd", passwd), ("etc/group", group)] {
            crate::fs::write_atomic(&dir.join(name), text.as_bytes(), crate::fs::Durability::Cached).unwrap();
        }
        (Root::open(&dir).unwrap(), dir)
    }

    #[test]
    fn users_resolve_as_the_field_does() {
        let (root, dir) = root(
            "root:x:0:0::/root:/bin/sh\napp:x:1000:1001::/home/app:/bin/sh\n1234:x:0:0::/:/bin/sh\n",
            "root:x:0:\napp:x:1001:\nextra:x:44:app,other\n1234:x:0:\n",
        );
        let app = User { uid: 1000, gid: 1001, groups: vec![44], home: "/home/app".into() };
        assert_eq!(look_up(&root, "app").unwrap(), app);
        assert_eq!(look_up(&root, "1000").unwrap(), app);
        assert_eq!(look_up(&root, "").unwrap().home, "/root");
        assert_eq!(look_up(&root, "app:extra").unwrap(), User { gid: 44, groups: vec![], ..app.clone() });
        // B04: an account that is named like a number does not lend its ids.
        let number = look_up(&root, "1234:1234").unwrap();
        assert_eq!((number.uid, number.gid, number.home.as_str()), (1234, 1234, "/"));
        assert_eq!(look_up(&root, "4294967294").unwrap().uid, u32::MAX - 1);
        for bad in ["nobody", "4294967295", "-1", " 1", "+1", "1:nogroup", "123456789012345678901234567890", "1:-1"] {
            assert!(look_up(&root, bad).is_err(), "{bad:?}");
        }
        crate::fs::remove_tree(
            crate::fs::open_dir(&std::env::temp_dir()).unwrap().as_fd(),
            dir.file_name().unwrap().to_str().unwrap(),
        )
        .unwrap();
    }
    use std::os::fd::AsFd;
}

//! Settles who a container's processes are: from what was asked for to ids and lines that its monitor only has to use.

use super::config::{Accounts, Config, Namespace, Source, Userns};
use super::{state, user};
use crate::engine::Engine;
use crate::error::Kind;
use crate::fs::{Hold, Lock, Root};
use crate::rootless::map::{self, Extent, For};
use crate::rootless::{self, Database};
use crate::store::layers;
use anyhow::{Context, Result};
use std::path::Path;
use std::time::Duration;

/// The fewest and the most ids that a container with `--userns auto` gets without saying: storage.conf(5),
/// `auto-userns-min-size` and `auto-userns-max-size`.
const AUTO_IDS_MIN: u32 = 1024;
const AUTO_IDS_MAX: u32 = 65_536;

/// How long another container may take to get its ids.
const RANGES_TIMEOUT: Duration = Duration::from_secs(30);

/// The user that real root shares its subordinate ids by: containers-storage.conf(5), `root-auto-userns-user`.
const ROOT_AUTO_USER: &str = "containers";

/// The uid and gid map of one container, or of the engine.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Maps {
    pub uids: Vec<Extent>,
    pub gids: Vec<Extent>,
}

/// Fills in the container's ids and accounts. The lock that may come back is held until the container is on disk: until
/// then nobody else takes the same ids.
pub fn settle(engine: &Engine, config: &mut Config) -> Result<Option<Lock>> {
    find_others(engine, config)?;
    let mut lock = None;
    let users = &config.users;
    let maps = match &users.userns {
        Userns::Engine | Userns::Path(_) => None,
        // Real root's ids are the host's already.
        Userns::KeepId { .. } if !engine.rootless => None,
        Userns::KeepId { uid, gid, size } => {
            let outer = outer()?;
            let own = own_ids(&outer)?;
            let (uid, gid) = (uid.unwrap_or(own.0), gid.unwrap_or(own.1));
            Some(Maps { uids: map::keep_id(&outer.uids, uid, *size)?, gids: map::keep_id(&outer.gids, gid, *size)? })
        }
        Userns::NoMap => {
            let outer = outer()?;
            Some(Maps { uids: map::without_own(&outer.uids)?, gids: map::without_own(&outer.gids)? })
        }
        Userns::Maps { uids, gids } => Some(asked_maps(uids, gids, engine)?),
        Userns::Names { users, groups } => Some(named_maps(users, groups, engine)?),
        Userns::Auto { size, uids, gids } => {
            lock = Some(Lock::take(&engine.data.join("ranges.lock"), Hold::Exclusive, RANGES_TIMEOUT)?);
            Some(pick_maps(engine, config, *size, (uids, gids))?)
        }
        Userns::Container(id) => {
            let other = state::find(engine, id)?.config.users;
            Some(Maps { uids: other.uids, gids: other.gids })
        }
    };
    if let Some(maps) = maps {
        use_maps(engine, config, maps)?;
    }
    add_accounts(engine, config)?;
    Ok(lock)
}

fn use_maps(engine: &Engine, config: &mut Config, maps: Maps) -> Result<()> {
    let outer = outer()?;
    // Whether the kernel will take them is told now, not at the start.
    map::lines(&maps.uids, &outer.uids).context("map uids")?;
    map::lines(&maps.gids, &outer.gids).context("map gids")?;
    let is_identity = maps.uids == map::normal(map::identity(&outer.uids))?
        && maps.gids == map::normal(map::identity(&outer.gids))?;
    if !(is_identity && engine.rootless) {
        (config.users.uids, config.users.gids) = (maps.uids, maps.gids);
    }
    Ok(())
}

fn outer() -> Result<Maps> {
    let (uids, gids) = rootless::id_maps()?;
    Ok(Maps { uids, gids })
}

/// The caller's ids on the host.
fn own_ids(outer: &Maps) -> Result<(u32, u32)> {
    let own = |map: &[Extent]| map::to_outside(map, 0).context("the caller has an id in the engine's namespace");
    Ok((own(&outer.uids)?, own(&outer.gids)?))
}

/// The other containers by their ids, and the user namespace of one whose namespaces this one joins: only in that has it
/// any right over them.
fn find_others(engine: &Engine, config: &mut Config) -> Result<()> {
    if let Namespace::Container(name) = &config.users.network {
        config.network = state::find(engine, name)?.config.network;
    }
    if let Userns::Path(path) = &config.users.userns
        && let Some(id) = owner_of(engine, path)?
    {
        config.users.userns = Userns::Container(id);
    }
    let users = &mut config.users;
    let kinds = [&mut users.network, &mut users.pid, &mut users.ipc, &mut users.uts, &mut users.cgroup];
    let mut first = None;
    for namespace in kinds {
        if let Namespace::Container(name) = namespace {
            *name = state::find(engine, name)?.config.id.to_string();
            first.get_or_insert_with(|| name.clone());
        }
    }
    match (&mut users.userns, first) {
        (Userns::Container(name), _) => *name = state::find(engine, name)?.config.id.to_string(),
        (userns @ Userns::Engine, Some(id)) => *userns = Userns::Container(id),
        (Userns::Engine | Userns::Path(_), _) | (_, None) => {}
        (_, Some(id)) => {
            let message = format!("container {} is joined, and with it its user namespace", &id[..12]);
            return Err(Kind::BadInput.hinted(message, "leave out --userns and --uidmap, or join nobody"));
        }
    }
    Ok(())
}

/// The id of the running container whose user namespace it is: by its ids the files of an image have their owners.
fn owner_of(engine: &Engine, path: &Path) -> Result<Option<String>> {
    let wanted = rustix::fs::stat(path).with_context(|| format!("join user namespace {}", path.display()))?;
    let is_it = |container: &state::Container| {
        let pid = container.state.as_ref().filter(|_| container.status.is_alive()).map(|state| state.pid);
        let found = pid.and_then(|pid| rustix::fs::stat(format!("/proc/{pid}/ns/user")).ok());
        // A container may have the engine's own ids.
        found.is_some_and(|found| (found.st_dev, found.st_ino) == (wanted.st_dev, wanted.st_ino))
    };
    Ok(state::list(engine)?.into_iter().find(is_it).map(|container| container.config.id.to_string()))
}

fn asked_maps(uids: &[String], gids: &[String], engine: &Engine) -> Result<Maps> {
    let outer = outer()?;
    // One of the two stands for both.
    let (uids, gids) = match (uids, gids) {
        (uids, []) => (uids, uids),
        ([], gids) => (gids, gids),
        both => both,
    };
    let make = |texts: &[String], what, outer: &[Extent]| {
        let wishes = texts.iter().map(|text| map::parse(text)).collect::<Result<Vec<_>>>()?.concat();
        match map::from_wishes(&wishes, what, outer, engine.rootless)? {
            None => map::normal(map::identity(outer)),
            Some(map) if map::to_outside(&map, 0).is_none() => {
                Err(Kind::BadInput.hinted("the id map has no id 0 inside", "map it too, such as 0:1:1000"))
            }
            Some(map) => Ok(map),
        }
    };
    Ok(Maps { uids: make(uids, For::Users, &outer.uids)?, gids: make(gids, For::Groups, &outer.gids)? })
}

/// All ranges that a name has, one after the other from 0 on.
fn named_maps(users: &str, groups: &str, engine: &Engine) -> Result<Maps> {
    let texts = |database, name: &str| -> Result<Vec<String>> {
        let mut inside: u64 = 0;
        let mut texts = Vec::new();
        for (start, count) in rootless::ranges_of(database, name)? {
            texts.push(format!("{inside}:@{start}:{count}"));
            inside += u64::from(count);
        }
        if texts.is_empty() {
            return Err(Kind::NotFound.error(format!("{name:?} has no ranges in {}", database.path())));
        }
        Ok(texts)
    };
    asked_maps(&texts(Database::Users, users)?, &texts(Database::Groups, groups)?, engine)
}

fn pick_maps(
    engine: &Engine,
    config: &Config,
    size: Option<u32>,
    (uids, gids): (&[String], &[String]),
) -> Result<Maps> {
    let outer = outer()?;
    let free = if engine.rootless {
        outer.clone()
    } else {
        let ranges = |database| -> Result<Vec<Extent>> {
            let ranges = rootless::ranges_of(database, ROOT_AUTO_USER)?;
            if ranges.is_empty() {
                let message = format!("{ROOT_AUTO_USER:?} has no ranges in {}", database.path());
                let hint = format!("add a line such as {ROOT_AUTO_USER}:2147483647:2147483648");
                return Err(Kind::NotFound.hinted(message, hint));
            }
            let extent = |(start, count)| Extent { inside: start, outside: start, count };
            Ok(ranges.into_iter().map(extent).collect())
        };
        Maps { uids: ranges(Database::Users)?, gids: ranges(Database::Groups)? }
    };
    let size = match size {
        Some(size) => size,
        None => auto_size(engine, config)?,
    };
    let mut used = Maps::default();
    for other in state::list(engine)? {
        match other.config.users.userns {
            Userns::Auto { .. } | Userns::Maps { .. } | Userns::Names { .. } => {
                used.uids.extend(other.config.users.uids);
                used.gids.extend(other.config.users.gids);
            }
            // These have all ids, or those of another container.
            Userns::Engine | Userns::KeepId { .. } | Userns::NoMap | Userns::Container(_) | Userns::Path(_) => {}
        }
    }
    let pick = |texts: &[String], what, outer: &[Extent], free: &[Extent], used: &[Extent]| {
        let wishes = texts.iter().map(|text| map::parse(text)).collect::<Result<Vec<_>>>()?.concat();
        let wished = map::from_wishes(&wishes, what, outer, false)?.unwrap_or_default();
        map::pick(size, &wished, free, used)
    };
    Ok(Maps {
        uids: pick(uids, For::Users, &outer.uids, &free.uids, &used.uids)?,
        gids: pick(gids, For::Groups, &outer.gids, &free.gids, &used.gids)?,
    })
}

/// As many ids as the image's accounts need.
fn auto_size(engine: &Engine, config: &Config) -> Result<u32> {
    let roots = match &config.source {
        Source::Image(image) => layers::stack(engine, &image.layers)?,
        Source::Directory(dir) => vec![dir.clone()],
    };
    let mut highest = 0;
    for database in [user::highest_user, user::highest_group] {
        // The topmost layer that has the file; what is not ours to read does not count.
        for root in roots.iter().rev() {
            if let Some(id) = database(&Root::open(root)?)? {
                highest = highest.max(id);
                break;
            }
        }
    }
    let size = highest.saturating_add(1).max(AUTO_IDS_MIN);
    if size > AUTO_IDS_MAX {
        let message = format!("the image's accounts need {size} ids, --userns auto gives at most {AUTO_IDS_MAX}");
        return Err(Kind::BadInput.hinted(message, format!("say how many: --userns auto:size={size}")));
    }
    Ok(size)
}

/// The lines of passwd(5) and group(5) that the container may lack.
fn add_accounts(engine: &Engine, config: &mut Config) -> Result<()> {
    let home = home(config);
    let keeps = match &config.users.userns {
        Userns::KeepId { uid, gid, .. } if engine.rootless => {
            let own = own_ids(&outer()?)?;
            Some((uid.unwrap_or(own.0), gid.unwrap_or(own.1), own, uid.is_none(), gid.is_none()))
        }
        _ => None,
    };
    if let Some((uid, gid, ..)) = keeps
        && config.process.user.is_empty()
    {
        config.process.user = format!("{uid}:{gid}");
    }
    let user = config.process.user.clone();
    let accounts = &mut config.users.accounts;
    for asked in &accounts.host_users {
        let account = host_account(asked)?;
        accounts.passwd.push(passwd_line(None, &account.name, account.uid.into(), account.gid.into(), "", &home));
    }
    let fill = &accounts.passwd_entry;
    if let Some((uid, gid, own, own_uid, own_gid)) = keeps {
        let name = nix::unistd::User::from_uid(own.0.into()).ok().flatten().map(|user| user.name);
        let name = name.filter(|_| own_uid).unwrap_or_else(|| uid.to_string());
        let gecos = if own_uid { "" } else { CONTAINER_USER };
        accounts.passwd.push(passwd_line(fill.as_deref(), &name, uid, gid, gecos, &home));
        let group = nix::unistd::Group::from_gid(own.1.into()).ok().flatten().map(|group| group.name);
        let group = group.filter(|_| own_gid).unwrap_or_else(|| gid.to_string());
        accounts.groups.push(group_line(accounts.group_entry.as_deref(), &group, gid, &name));
        // Whoever else runs in the container may still use what belongs to the caller's group.
        if user != format!("{uid}:{gid}") {
            config.users.groups.push(gid.to_string());
        }
    }
    if let Some((uid, gid)) = numbers(&user)
        && keeps.is_none_or(|(own, ..)| own != uid)
    {
        let name = uid.to_string();
        accounts.passwd.push(passwd_line(fill.as_deref(), &name, uid, gid.unwrap_or(0), CONTAINER_USER, &home));
        if let Some(gid) = gid.filter(|gid| *gid != 0) {
            accounts.groups.push(group_line(accounts.group_entry.as_deref(), &gid.to_string(), gid, &name));
        }
    }
    if accounts.off {
        *accounts = Accounts { off: true, ..Accounts::default() };
    }
    Ok(())
}

/// What the full name of an account is that only a number stands for.
const CONTAINER_USER: &str = "container user";

/// A new account's home: the working directory, if a line of passwd(5) can hold it.
fn home(config: &Config) -> String {
    let dir = &config.process.working_directory;
    let fits = dir.starts_with('/') && !dir.contains(|letter: char| letter == ':' || letter.is_control());
    if fits { dir.clone() } else { "/".to_owned() }
}

fn host_account(asked: &str) -> Result<nix::unistd::User> {
    let found = match asked.parse::<u32>() {
        Ok(uid) => nix::unistd::User::from_uid(uid.into()),
        Err(_) => nix::unistd::User::from_name(asked),
    };
    found
        .context("read the host's accounts")?
        .ok_or_else(|| Kind::NotFound.error(format!("there is no user {asked:?} on the host")))
}

/// `UID[:GID]`, if both are numbers.
fn numbers(user: &str) -> Option<(u32, Option<u32>)> {
    let (user, group) = user.split_once(':').map_or((user, None), |(user, group)| (user, Some(group)));
    let number = |text: &str| if text.bytes().all(|byte| byte.is_ascii_digit()) { text.parse().ok() } else { None };
    match group.filter(|group| !group.is_empty()) {
        Some(group) => Some((number(user)?, Some(number(group)?))),
        None => Some((number(user)?, None)),
    }
}

fn passwd_line(template: Option<&str>, name: &str, uid: u32, gid: u32, gecos: &str, home: &str) -> String {
    match template {
        None => format!("{name}:*:{uid}:{gid}:{gecos}:{home}:/bin/sh"),
        Some(template) => fill(
            template,
            &[
                ("$USERNAME", name),
                ("$UID", &uid.to_string()),
                ("$GID", &gid.to_string()),
                ("$NAME", gecos),
                ("$HOME", home),
            ],
        ),
    }
}

fn group_line(template: Option<&str>, name: &str, gid: u32, member: &str) -> String {
    match template {
        None => format!("{name}:x:{gid}:{member}"),
        Some(template) => fill(template, &[("$GROUPNAME", name), ("$GID", &gid.to_string()), ("$USERLIST", member)]),
    }
}

/// Puts values in the place of names. A value is not looked at again.
fn fill(template: &str, values: &[(&str, &str)]) -> String {
    let mut filled = String::new();
    let mut rest = template;
    while let Some(first) = rest.chars().next() {
        let (text, length) = match values.iter().find(|(name, _)| rest.starts_with(name)) {
            Some((name, value)) => (*value, name.len()),
            None => (&rest[..first.len_utf8()], first.len_utf8()),
        };
        filled.push_str(text);
        rest = &rest[length..];
    }
    filled
}

/// Checks that a time zone of the host exists, and gives its file.
pub fn timezone_file(zone: &str) -> Result<std::path::PathBuf> {
    if zone == "local" {
        return Ok("/etc/localtime".into());
    }
    let plain = Path::new(zone).components().all(|part| matches!(part, std::path::Component::Normal(_)));
    let file = Path::new("/usr/share/zoneinfo").join(zone);
    if !plain || zone.is_empty() || !file.is_file() {
        let message = format!("there is no time zone {zone:?} on the host");
        return Err(Kind::NotFound.hinted(message, "use a name such as Europe/Berlin (package tzdata), or local"));
    }
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates_are_filled_once() {
        let line = passwd_line(Some("$USERNAME:*:$UID:$GID:$NAME:$HOME:/bin/zsh"), "$UID", 5, 6, "a b", "/home/$GID");
        assert_eq!(line, "$UID:*:5:6:a b:/home/$GID:/bin/zsh");
        assert_eq!(group_line(None, "crew", 7, "app"), "crew:x:7:app");
        assert_eq!(numbers("5:6"), Some((5, Some(6))));
        assert_eq!((numbers("5:"), numbers("5:crew"), numbers("app")), (Some((5, None)), None, None));
    }

    #[test]
    fn zones_are_names_below_the_directory_of_zones() {
        for bad in ["", "../../../etc/passwd", "/etc/passwd", "Europe/../../../../etc/passwd", "Nowhere/Atall"] {
            assert!(timezone_file(bad).is_err(), "{bad}");
        }
        assert!(timezone_file("local").is_ok());
    }
}

//! The door into the engine's user namespace (U1), in which an ordinary user is root over their subordinate ids.
//!
//! Rootless is a door, not a mode: past it, code is root in some namespace and does not ask which. Whoever has the
//! capability already (real root, or a process inside) passes through without a namespace of their own.

pub mod map;

pub use map::Extent;

use crate::error::{self, Kind};
use crate::sys::mount;
use crate::sys::namespace::{self, Namespaces};
use crate::sys::process::{self, Child, Cloned, Exit};
use anyhow::{Context, Result};
use caps::{CapSet, Capability};
use std::ffi::CString;
use std::io::{Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// How to get into U1.
pub enum Entry {
    /// By joining the one that a live monitor holds.
    Join(OwnedFd),
    /// By making one.
    Make,
}

/// What was found inside, for the one line that the user is told.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Entered {
    /// Nothing to do: this process had the capability.
    Already,
    /// All subordinate ids are mapped.
    Full,
    /// Only the user's own id is; the text says why and how to get more.
    OneId(String),
    /// An older namespace was joined whose map is not what /etc/subuid says now.
    Outdated,
}

/// Puts this process, which must be single-threaded, into U1 and a mount namespace of its own.
pub fn enter(entry: Entry) -> Result<Entered> {
    if is_inside()? {
        private_mounts()?;
        return Ok(Entered::Already);
    }
    let plan = Plan::find()?;
    let entered = match entry {
        Entry::Join(userns) => join(&userns, &plan)?,
        Entry::Make => make(&plan)?,
    };
    private_mounts().map_err(explain_no_capability)?;
    Ok(entered)
}

/// Whether this process may already mount and map, as root or inside a namespace of its own.
pub fn is_inside() -> Result<bool> {
    caps::has_cap(None, CapSet::Effective, Capability::CAP_SYS_ADMIN).context("capget")
}

fn private_mounts() -> Result<()> {
    namespace::unshare(Namespaces::CLONE_NEWNS)?;
    mount::make_all_slaves()
}

fn join(userns: &OwnedFd, plan: &Plan) -> Result<Entered> {
    namespace::enter(userns.as_fd(), Namespaces::CLONE_NEWUSER)
        .context("join the user namespace of a running container")?;
    let expected = match plan {
        Plan::Full { uids, .. } => uids.clone(),
        Plan::OneId { .. } => map::own_id_only(plan.uid()),
    };
    Ok(if read_map("uid")? == expected { Entered::Full } else { Entered::Outdated })
}

/// The map of this process's user namespace, as the parent namespace counts; `kind` is `uid` or `gid`.
pub fn read_map(kind: &str) -> Result<Vec<Extent>> {
    let path = format!("/proc/self/{kind}_map");
    let text = crate::fs::read(Path::new(&path), MAP_BYTES_MAX)?;
    Ok(map::parse_file(&String::from_utf8_lossy(&text)))
}

/// The kernel takes at most 340 lines, in at most one page: user_namespaces(7).
const MAP_BYTES_MAX: usize = 64 << 10;

/// What /etc/subuid, /etc/subgid and the helpers on this host allow.
enum Plan {
    Full { uid: u32, uids: Vec<Extent>, gids: Vec<Extent>, newuidmap: PathBuf, newgidmap: PathBuf },
    OneId { uid: u32, gid: u32, why: String },
}

impl Plan {
    fn find() -> Result<Self> {
        let (uid, gid) = (rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw());
        let name = nix::unistd::User::from_uid(uid.into()).ok().flatten().map(|user| user.name).unwrap_or_default();
        let (Some(newuidmap), Some(newgidmap)) = (find_helper("newuidmap"), find_helper("newgidmap")) else {
            let why = "newuidmap is not installed: install the package uidmap (or shadow-utils)".to_owned();
            return Ok(Self::OneId { uid, gid, why });
        };
        let uids = subordinate(Path::new(Database::Users.path()), &name, Some(uid))?;
        let gids = subordinate(Path::new(Database::Groups.path()), &name, Some(uid))?;
        if uids.is_empty() || gids.is_empty() {
            let who = if name.is_empty() { uid.to_string() } else { name };
            let why = format!(
                "no subordinate ids for {who}: run: sudo usermod --add-subuids 100000-165535 --add-subgids 100000-165535 {who}"
            );
            return Ok(Self::OneId { uid, gid, why });
        }
        let (uids, gids) = (map::with_own_id(uid, &uids)?, map::with_own_id(gid, &gids)?);
        Ok(Self::Full { uid, uids, gids, newuidmap, newgidmap })
    }

    fn uid(&self) -> u32 {
        match self {
            Self::Full { uid, .. } | Self::OneId { uid, .. } => *uid,
        }
    }
}

/// Why only one id would be mapped on this host, or None if there are more. For `info` and for messages.
pub fn why_one_id() -> Result<Option<String>> {
    if is_inside()? {
        return Ok(None);
    }
    Ok(match Plan::find()? {
        Plan::Full { .. } => None,
        Plan::OneId { why, .. } => Some(why),
    })
}

/// The uid and gid maps that the engine's user namespace has, or would have if it were made now.
pub fn id_maps() -> Result<(Vec<Extent>, Vec<Extent>)> {
    if is_inside()? {
        return Ok((read_map("uid")?, read_map("gid")?));
    }
    Ok(match Plan::find()? {
        Plan::Full { uids, gids, .. } => (uids, gids),
        Plan::OneId { uid, gid, .. } => (map::own_id_only(uid), map::own_id_only(gid)),
    })
}

/// Where a helper lies: PATH first, then the directories that hold it on common systems.
fn find_helper(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let usual = ["/usr/bin", "/bin", "/usr/sbin", "/run/wrappers/bin"].map(PathBuf::from);
    std::env::split_paths(&path)
        .chain(usual)
        .filter(|dir| dir.is_absolute())
        .map(|dir| dir.join(name))
        .find(|file| file.metadata().is_ok_and(|status| status.is_file() && status.permissions().mode() & 0o111 != 0))
}

/// The largest /etc/subuid that is read: enough for ten thousand users.
const SUBID_BYTES_MAX: usize = 1 << 20;

/// subuid(5) or subgid(5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Database {
    Users,
    Groups,
}

impl Database {
    pub fn path(self) -> &'static str {
        match self {
            Self::Users => "/etc/subuid",
            Self::Groups => "/etc/subgid",
        }
    }
}

/// The ranges that this host has for a name, as first id and count.
pub fn ranges_of(database: Database, name: &str) -> Result<Vec<(u32, u32)>> {
    let uid = nix::unistd::User::from_name(name).ok().flatten().map(|user| user.uid.as_raw());
    subordinate(Path::new(database.path()), name, uid)
}

/// The ranges of a user in subuid(5): lines of `name-or-uid:start:count`.
fn subordinate(path: &Path, name: &str, uid: Option<u32>) -> Result<Vec<(u32, u32)>> {
    let Some(text) = crate::fs::read_optional(path, SUBID_BYTES_MAX)? else { return Ok(Vec::new()) };
    let text = String::from_utf8_lossy(&text);
    let number = uid.map(|uid| uid.to_string());
    let mut ranges = Vec::new();
    for line in text.lines() {
        let mut fields = line.trim().split(':');
        let (Some(owner), Some(start), Some(count), None) =
            (fields.next(), fields.next(), fields.next(), fields.next())
        else {
            continue;
        };
        if (owner.is_empty() || owner != name) && number.as_deref() != Some(owner) {
            continue;
        }
        let bad = || {
            let message = format!("read {}: {line:?} is no valid range", path.display());
            Kind::BadInput.hinted(message, "correct the line to USER:START:COUNT")
        };
        let (start, count): (u32, u32) = (start.parse().map_err(|_| bad())?, count.parse().map_err(|_| bad())?);
        start.checked_add(count).filter(|_| count > 0).ok_or_else(bad)?;
        ranges.push((start, count));
    }
    Ok(ranges)
}

fn make(plan: &Plan) -> Result<Entered> {
    // The /proc/PID of who is not dumpable is root's: neither the helpers nor this process itself may write maps there.
    let was_dumpable = process::is_dumpable()?;
    process::set_dumpable(true)?;
    let made = make_visibly(plan);
    process::set_dumpable(was_dumpable)?;
    made
}

fn make_visibly(plan: &Plan) -> Result<Entered> {
    match plan {
        Plan::OneId { uid, gid, why } => {
            unshare_user()?;
            write_map("setgroups", "deny")?;
            write_map("uid_map", &format!("0 {uid} 1"))?;
            write_map("gid_map", &format!("0 {gid} 1"))?;
            Ok(Entered::OneId(why.clone()))
        }
        Plan::Full { uids, gids, newuidmap, newgidmap, .. } => {
            // The helpers must stay outside, so they are forked before and let go after.
            let pid = std::process::id();
            let users = Helper::prepare(newuidmap, pid, uids)?;
            let groups = Helper::prepare(newgidmap, pid, gids)?;
            unshare_user()?;
            let (users, groups) = (users.go()?, groups.go()?);
            users.finish()?;
            groups.finish()?;
            Ok(Entered::Full)
        }
    }
}

fn write_map(file: &str, text: &str) -> Result<()> {
    let path = format!("/proc/self/{file}");
    let mut file = crate::fs::open_for_writing(Path::new(&path))?;
    file.write_all(text.as_bytes())
        .map_err(anyhow::Error::new)
        .map_err(explain_no_capability)
        .with_context(|| format!("write {path}"))
}

fn unshare_user() -> Result<()> {
    namespace::unshare(Namespaces::CLONE_NEWUSER).map_err(|error| {
        let hint = match forbidding_setting() {
            Some(hint) => hint,
            None => return error.context("make a user namespace"),
        };
        error::with_hint(Kind::Denied.error(format!("make a user namespace: {}", error::line(&error))), hint)
    })
}

/// The sysctl that forbids user namespaces, with the command that allows them.
fn forbidding_setting() -> Option<String> {
    let value = |path: &str| {
        crate::fs::read(Path::new(path), 64).ok().map(|text| String::from_utf8_lossy(&text).trim().to_owned())
    };
    for (path, forbids) in [
        ("/proc/sys/user/max_user_namespaces", "0"),
        ("/proc/sys/kernel/unprivileged_userns_clone", "0"),
        ("/proc/sys/kernel/apparmor_restrict_unprivileged_userns", "1"),
    ] {
        if value(path).as_deref() == Some(forbids) {
            let name = path.trim_start_matches("/proc/sys/").replace('/', ".");
            return Some(match name.as_str() {
                "user.max_user_namespaces" => format!("{name} is 0; allow them: sudo sysctl {name}=15000"),
                "kernel.unprivileged_userns_clone" => format!("{name} is 0; allow them: sudo sysctl {name}=1"),
                _ => format!(
                    "{name} is 1; install contrib/apparmor/coracle as /etc/apparmor.d/coracle and run: sudo apparmor_parser -r /etc/apparmor.d/coracle"
                ),
            });
        }
    }
    None
}

/// AppArmor lets a namespace be made and takes the capabilities away: the proof is in their use.
fn explain_no_capability(error: anyhow::Error) -> anyhow::Error {
    match forbidding_setting() {
        Some(hint) => Kind::Denied.hinted(format!("use a user namespace: {}", error::line(&error)), hint),
        None => error,
    }
}

/// newuidmap or newgidmap, waiting for the namespace whose map it is to write.
struct Helper {
    path: PathBuf,
    child: Child,
    gate: OwnedFd,
    said: OwnedFd,
}

/// The most that a helper's error text is read of.
const HELPER_TEXT_MAX: usize = 4 << 10;

impl Helper {
    fn prepare(path: &Path, pid: u32, map: &[Extent]) -> Result<Self> {
        let mut arguments =
            vec![c_string(path.as_os_str().as_encoded_bytes())?, c_string(pid.to_string().as_bytes())?];
        for extent in map {
            for number in [extent.inside, extent.outside, extent.count] {
                arguments.push(c_string(number.to_string().as_bytes())?);
            }
        }
        let (gate_end, gate) = pipe()?;
        let (said, said_end) = pipe()?;
        match process::fork()? {
            Cloned::Parent(child) => Ok(Self { path: path.to_owned(), child, gate, said }),
            Cloned::Child => {
                drop(gate);
                let mut byte = [0];
                let let_go = std::fs::File::from(gate_end).read(&mut byte).is_ok_and(|length| length == 1);
                if let_go && process::set_stdio(said_end.as_fd(), said_end.as_fd(), said_end.as_fd()).is_ok() {
                    let failed = process::execve(&arguments[0], &arguments, &[]);
                    let _ = writeln!(std::io::stderr(), "{failed}");
                }
                process::exit_now(127)
            }
        }
    }

    /// Lets the helper write the map.
    fn go(self) -> Result<Self> {
        rustix::io::write(&self.gate, b"g").with_context(|| format!("start {}", self.path.display()))?;
        Ok(self)
    }

    fn finish(self) -> Result<()> {
        let exit = process::wait(self.child.pidfd.as_fd())?;
        if exit == Exit::Code(0) {
            return Ok(());
        }
        let said = crate::fs::read_all(std::fs::File::from(self.said), HELPER_TEXT_MAX).unwrap_or_default();
        let said = String::from_utf8_lossy(&said).trim().replace('\n', "; ");
        let (reason, hint) = why_helper_fails(&self.path);
        let mut message = format!("map subordinate ids with {}: {said}", self.path.display());
        if let Some(reason) = reason {
            message = format!("{message} ({reason})");
        }
        Err(Kind::Denied.hinted(message, hint))
    }
}

/// What keeps a setuid helper from its privilege, found out after it has failed.
fn why_helper_fails(path: &Path) -> (Option<&'static str>, String) {
    let status = crate::fs::read(Path::new("/proc/self/status"), 64 << 10).unwrap_or_default();
    let status = String::from_utf8_lossy(&status).into_owned();
    let field = |name: &str| status.lines().find_map(|line| line.strip_prefix(name)).map(str::trim).unwrap_or("0");
    let nosuid =
        rustix::fs::statvfs(path).is_ok_and(|vfs| vfs.f_flag.contains(rustix::fs::StatVfsMountFlags::NOSUID));
    let setuid = path.metadata().is_ok_and(|status| status.permissions().mode() & 0o4000 != 0);
    if field("NoNewPrivs:") == "1" {
        (
            Some("this process has no_new_privs set"),
            "start coracle outside the sandbox or unit that sets NoNewPrivileges".to_owned(),
        )
    } else if field("TracerPid:") != "0" {
        (Some("this process is being traced"), "trace as root: strace -f -u USER".to_owned())
    } else if nosuid {
        (Some("it lies on a mount with nosuid"), format!("remount the file system of {} with suid", path.display()))
    } else if !setuid {
        (
            None,
            format!("give it its privilege: sudo setcap cap_setuid,cap_setgid+ep {} (or chmod u+s)", path.display()),
        )
    } else {
        (None, "check this user's ranges in /etc/subuid and /etc/subgid".to_owned())
    }
}

fn pipe() -> Result<(OwnedFd, OwnedFd)> {
    rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC).context("pipe")
}

fn c_string(bytes: &[u8]) -> Result<CString> {
    CString::new(bytes).context("argument with a NUL byte")
}

//! A container's state: what its monitor has written, and what the kernel says about it now.
//!
//! Status is computed, never stored: the lock on `alive` tells running from ended, `state.json` how it ended.

use super::config::{Config, Id};
use super::health::Report;
use crate::engine::Engine;
use crate::error::Kind;
use crate::fs::{self, Durability, Held};
use crate::network::Link;
use crate::sys::{memory, threads};
use anyhow::{Context, Result};
use rustix::fs::{CWD, Mode, OFlags};
use rustix::io::Errno;
use serde::{Deserialize, Serialize};
use std::cell::OnceCell;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// `state.json`: the last start of a container, and how it ended. Only its monitor writes it while it lives.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct State {
    pub format: u32,
    /// Which boot and machine the start happened on.
    pub boot_id: String,
    pub machine_id: String,
    /// The engine's runtime directory at that start, where the monitor's socket is.
    pub run: PathBuf,
    pub monitor_pid: i32,
    pub pid: i32,
    /// Clock ticks since boot, `starttime` of proc_pid_stat(5).
    pub pid_start_ticks: u64,
    /// The inode of the pid namespace.
    pub pid_namespace: u64,
    /// Nanoseconds since 1970.
    pub started: u64,
    pub exit: Option<Exit>,
    /// The version of the conversation that its monitor speaks.
    #[serde(default = "first_version", skip_serializing_if = "is_first_version")]
    pub control: u32,
    /// How often the monitor has started it again since the user did.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub restarts: u32,
    /// Whether it has ended and its monitor waits to start it again.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub restarting: bool,
    /// Whether its last end was the user's will.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub stopped_by_user: bool,
    /// Why it could not be started again.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub error: String,
    /// What it has in the networks that it is in.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub links: Vec<Link>,
}

fn first_version() -> u32 {
    1
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
fn is_first_version(version: &u32) -> bool {
    *version == 1
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
fn is_zero(number: &u32) -> bool {
    *number == 0
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Exit {
    pub code: i32,
    /// Nanoseconds since 1970.
    pub finished: u64,
    /// Whether the kernel ended one of its processes for want of memory.
    pub oom_killed: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    Created,
    Running,
    /// It is alive, and none of its processes runs.
    Paused,
    Exited,
    /// It was started and its monitor has gone without a word: a power cut or a kill.
    Lost,
    /// It runs, or ran, on another machine that shares this directory.
    Elsewhere,
}

impl Status {
    /// Whether it has a monitor.
    pub fn is_alive(self) -> bool {
        match self {
            Self::Running | Self::Paused => true,
            Self::Created | Self::Exited | Self::Lost | Self::Elsewhere => false,
        }
    }

    /// The word that podman and docker have for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Exited => "exited",
            Self::Lost => "stopped",
            Self::Elsewhere => "unknown",
        }
    }
}

/// One container as it stands on disk and in the kernel.
#[derive(Clone, Debug)]
pub struct Container {
    /// Large, and moved a lot.
    pub config: Box<Config>,
    pub state: Option<State>,
    pub status: Status,
    /// How it is, if it has a health check.
    pub health: Option<Report>,
}

/// How long whoever holds an ended container may take to let go of it.
const ENDING_TIMEOUT: Duration = Duration::from_secs(10);

/// How often that is looked at.
const ENDING_PAUSE: Duration = Duration::from_millis(2);

/// The files of one container.
pub struct Paths {
    pub dir: PathBuf,
}

impl Paths {
    pub fn of(engine: &Engine, id: &Id) -> Self {
        Self { dir: engine.containers().join(id.as_str()) }
    }

    pub fn config(&self) -> PathBuf {
        self.dir.join("config.json")
    }

    pub fn state(&self) -> PathBuf {
        self.dir.join("state.json")
    }

    pub fn alive(&self) -> PathBuf {
        self.dir.join("alive")
    }

    pub fn health(&self) -> PathBuf {
        self.dir.join("health.json")
    }

    pub fn log(&self) -> PathBuf {
        self.dir.join("log")
    }

    /// Takes the lock that says that the container lives, as its monitor does, and as whoever removes it does for a
    /// moment. None if another has it.
    pub fn hold_alive(&self) -> Result<Option<OwnedFd>> {
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::CLOEXEC;
        let path = self.alive();
        let file =
            rustix::fs::openat(CWD, &path, flags, Mode::from_raw_mode(0o600)).map_err(|errno| match errno {
                Errno::NOENT => Kind::NotFound.error("the container has been removed"),
                errno => anyhow::Error::new(errno).context(format!("open {}", path.display())),
            })?;
        Ok(fs::hold_alive(&file)?.then_some(file))
    }

    /// The same, but waits for a holder that is on its way out: a monitor writes the exit down before it lets go, and
    /// who has read that exit must not be told that the container runs. None if it does.
    pub fn hold_ended(&self) -> Result<Option<OwnedFd>> {
        let until = Instant::now() + ENDING_TIMEOUT;
        loop {
            if let Some(held) = self.hold_alive()? {
                return Ok(Some(held));
            }
            if status(CWD, self)?.1.is_alive() || Instant::now() >= until {
                return Ok(None);
            }
            std::thread::sleep(ENDING_PAUSE);
        }
    }
}

/// `state.json` is filled with spaces up to a multiple of this, so that there is room for its next content on a full disk.
const STATE_ROOM_BYTES: usize = 1 << 10;

/// Writes `state.json`. An end is written down on a full disk too: over what is there, for which it has room.
pub fn write(paths: &Paths, state: &State, durability: Durability) -> Result<()> {
    let path = paths.state();
    let mut bytes = serde_json::to_vec(state).with_context(|| format!("serialise {}", path.display()))?;
    bytes.resize(bytes.len().next_multiple_of(STATE_ROOM_BYTES), b' ');
    match fs::write_atomic(&path, &bytes, durability) {
        // Where there is none yet, the first error says more.
        Err(error) if fs::is_full(&error) => fs::overwrite(&path, &bytes).map_err(|_| error),
        written => written,
    }
}

/// Reads `state.json`. None if there is none.
fn read_state(base: BorrowedFd<'_>, paths: &Paths) -> Result<Option<State>> {
    // One that is written over on a full disk is whole a moment later.
    fs::read_json_at(base, &paths.state()).or_else(|_| {
        std::thread::sleep(ENDING_PAUSE);
        fs::read_json_at(base, &paths.state())
    })
}

/// Reads one container. Errors with `NotFound` if it has been removed.
pub fn read(engine: &Engine, id: &Id) -> Result<Container> {
    read_at(CWD, &Paths::of(engine, id), id)
}

/// The same, where the paths are from a directory: of many containers, that is half of the names to be looked up.
fn read_at(base: BorrowedFd<'_>, paths: &Paths, id: &Id) -> Result<Container> {
    let config: Box<Config> = fs::read_json_at(base, &paths.config())?
        .ok_or_else(|| Kind::NotFound.error(format!("container {} has been removed", id.short())))?;
    let (state, status) = status(base, paths)?;
    let health = if config.health.is_none() { None } else { fs::read_json_at(base, &paths.health())? };
    Ok(Container { config, state, status, health })
}

fn status(base: BorrowedFd<'_>, paths: &Paths) -> Result<(Option<State>, Status)> {
    let mut state = read_state(base, paths)?;
    // The most of many containers: its exit is all there is to know, whoever holds the lock to start or remove it.
    let has_ended = |state: &State| state.exit.is_some() && !state.restarting && state.machine_id == machine_id();
    if state.as_ref().is_some_and(has_ended) {
        return Ok((state, Status::Exited));
    }
    let alive = fs::held_at(base, &paths.alive())?.map(|held| match held {
        Held::Alive => Status::Running,
        Held::Paused => Status::Paused,
    });
    if alive.is_none() {
        // A monitor writes the exit first and lets go of the lock after: it may have done both since the first look.
        state = read_state(base, paths)?;
    }
    let status = match (&state, alive) {
        (None, alive) => alive.unwrap_or(Status::Created),
        (Some(state), None) if state.exit.is_some() => Status::Exited,
        (Some(state), Some(_)) if state.restarting => Status::Running,
        (Some(state), _) if state.machine_id != machine_id() => Status::Elsewhere,
        (Some(state), Some(_)) if state.exit.is_some() => Status::Exited,
        (Some(_), alive) => alive.unwrap_or(Status::Lost),
    };
    Ok((state, status))
}

/// All containers, newest first. One that is being removed meanwhile is left out; one that cannot be read is an error.
pub fn list(engine: &Engine) -> Result<Vec<Container>> {
    let (containers, unreadable) = survey(engine)?;
    unreadable.into_iter().next().map_or(Ok(containers), Err)
}

/// How many containers are worth a thread.
const CONTAINERS_PER_THREAD_MIN: usize = 64;

/// About what a container takes in memory.
const CONTAINER_BYTES: usize = 6 << 10;

/// All containers that can be read, newest first, and why the others cannot be.
pub fn survey(engine: &Engine) -> Result<(Vec<Container>, Vec<anyhow::Error>)> {
    let names = fs::list(&engine.containers())?;
    if names.is_empty() {
        return Ok((Vec::new(), Vec::new()));
    }
    let base = fs::open_dir(&engine.containers())?;
    let shares = threads::divided(&names, CONTAINERS_PER_THREAD_MIN, |names| {
        if names.len() > CONTAINERS_PER_THREAD_MIN {
            memory::take_in_advance(names.len() * CONTAINER_BYTES);
        }
        let read = |id: Id| read_at(base.as_fd(), &Paths { dir: id.as_str().into() }, &id);
        names.iter().filter_map(|name| Id::parse(name)).map(read).collect::<Vec<_>>()
    });
    let (mut containers, mut unreadable) = (Vec::with_capacity(names.len()), Vec::new());
    for container in shares.into_iter().flatten() {
        match container {
            Ok(container) => containers.push(container),
            Err(error) if crate::error::kind(&error) == Kind::NotFound => {}
            Err(error) => unreadable.push(error),
        }
    }
    // By the keys alone, as a container is large.
    containers.sort_by_cached_key(|container| std::cmp::Reverse(container.config.created));
    Ok((containers, unreadable))
}

/// Finds a container by its name, its id or the beginning of its id.
pub fn find(engine: &Engine, text: &str) -> Result<Container> {
    Search::new(engine).find(text)
}

/// Finds containers, one after the other: the ids are listed once at most, which many searches would spend their time on.
pub struct Search<'a> {
    engine: &'a Engine,
    ids: OnceCell<Vec<String>>,
}

impl<'a> Search<'a> {
    pub fn new(engine: &'a Engine) -> Self {
        Self { engine, ids: OnceCell::new() }
    }

    /// By name, id or the beginning of an id.
    pub fn find(&self, text: &str) -> Result<Container> {
        if let Some(id) = id_of_name(self.engine, text)? {
            match read(self.engine, &id) {
                // A name that leads to a container of another name is left from a rename that was cut short.
                Ok(container) if container.config.name.as_str() == text => return Ok(container),
                Err(error) if crate::error::kind(&error) != Kind::NotFound => return Err(error),
                _ => {}
            }
        }
        let missing = || Kind::NotFound.hinted(format!("no container {text:?}"), "see coracle ps -a");
        if text.is_empty() || text.len() > 64 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(missing());
        }
        if self.ids.get().is_none() {
            let mut ids = fs::list(&self.engine.containers())?;
            ids.sort();
            // Nobody else has set it.
            let _ = self.ids.set(ids);
        }
        let ids = self.ids.get().map_or(&[][..], Vec::as_slice);
        let fitting = &ids[ids.partition_point(|id| id.as_str() < text)..];
        let mut fitting = fitting.iter().take_while(|id| id.starts_with(text)).filter_map(|id| Id::parse(id));
        match (fitting.next(), fitting.next()) {
            (None, _) => Err(missing()),
            (Some(id), None) => read(self.engine, &id),
            (Some(_), Some(_)) => {
                Err(Kind::BadInput.hinted(format!("container {text:?} is ambiguous"), "give more digits of the id"))
            }
        }
    }
}

/// What a name stands for: the link's target is `../containers/ID`.
pub fn id_of_name(engine: &Engine, name: &str) -> Result<Option<Id>> {
    if super::config::Name::parse(name).is_err() {
        return Ok(None);
    }
    let link = engine.names().join(name);
    match rustix::fs::readlink(&link, Vec::new()) {
        Ok(target) => {
            let target = target.to_string_lossy().into_owned();
            Ok(Path::new(&target).file_name().and_then(|id| Id::parse(&id.to_string_lossy())))
        }
        Err(Errno::NOENT) => Ok(None),
        Err(errno) => Err(errno).with_context(|| format!("read {}", link.display())),
    }
}

/// This machine, as systemd names it: machine-id(5). Empty where there is none.
pub fn machine_id() -> &'static str {
    static ID: OnceLock<String> = OnceLock::new();
    ID.get_or_init(|| {
        let text = fs::read(Path::new("/etc/machine-id"), 128).unwrap_or_default();
        String::from_utf8_lossy(&text).trim().to_owned()
    })
}

/// Nanoseconds since 1970.
pub fn now() -> u64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |age| age.as_nanos() as u64)
}

/// When a process started, in clock ticks since boot: field 22 of proc_pid_stat(5). None if it is gone.
pub fn start_ticks(pid: i32) -> Option<u64> {
    let text = fs::read(Path::new(&format!("/proc/{pid}/stat")), 4096).ok()?;
    let text = String::from_utf8_lossy(&text).into_owned();
    // The second field is the program's name in parentheses and may hold anything.
    text.rsplit_once(") ")?.1.split(' ').nth(19)?.parse().ok()
}

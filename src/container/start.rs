//! `start`: makes the monitor of a container and hears its one answer.
//!
//! The monitor is this same program, executed from a detached read-only clone of its own mount, so that nothing in the
//! container can write to the engine's binary (CVE-2019-5736).

use super::config::{Config, LogDriver, Notify};
use super::control::{Attach, Connection, Door, Reply, Request};
use super::{remove, state};
use crate::engine::Engine;
use crate::error::{Kind, Wire};
use crate::fs;
use crate::rootless::Entered;
use crate::sys::mount::{self, Attributes};
use crate::sys::process::{self, Cloned};
use crate::sys::socket;
use crate::systemd;
use anyhow::{Context, Result};
use rustix::fs::{CWD, Mode, OFlags};
use std::ffi::CString;
use std::io::Write;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;

/// The first argument by which `main` knows that this process is to be a monitor.
pub const MONITOR: &str = "coracle-monitor";

/// A container that runs, and the connection to its monitor, on which its end will be announced.
pub struct Started {
    pub connection: Connection,
    /// What was found behind the door, for the user to know.
    pub entered: Entered,
    /// What else the user should know, a line each.
    pub warnings: Vec<String>,
}

/// Starts a container that is not running. The streams named in `attach` are handed to its monitor.
pub fn start(engine: &Engine, config: &Config, attach: Attach, streams: &[BorrowedFd<'_>]) -> Result<Started> {
    crate::store::prepare(engine)?;
    start_required(engine, config)?;
    let door = Door::for_monitor(engine)?;
    let (ours, theirs) = socket::pair()?;
    let monitor = match process::fork()? {
        Cloned::Child => {
            drop(ours);
            become_monitor(engine, config, door, theirs)
        }
        Cloned::Parent(child) => child,
    };
    drop((theirs, door));
    let connection = Connection::over(ours);
    // Streams that are passed through say nothing about who stays.
    let is_passed = matches!(config.logging.driver, LogDriver::Passthrough | LogDriver::PassthroughTty);
    let is_attached = attach.stdin || attach.stdout || attach.stderr;
    let is_detached = !is_attached || is_passed;
    // Meanwhile the monitor is on its way through the door; it waits there for this word.
    let (delegated, mut warnings) = delegate(engine, config, monitor.pid);
    if is_detached && delegated {
        warnings.extend(warn_of_logout(engine));
    }
    match connection.request(Request::Start { attach, delegated }, streams) {
        // A monitor that has given up by now has left its reason in the socket.
        Err(error) if error.downcast_ref() == Some(&rustix::io::Errno::PIPE) => {}
        sent => sent?,
    }
    match await_start(connection) {
        Ok((connection, entered, told)) => {
            warnings.extend(told);
            if systemd::in_unit() {
                notify(config, is_detached.then_some(monitor.pid))?;
            }
            Ok(Started { connection, entered, warnings })
        }
        Err(error) => {
            // It answers last of all; what is left of it is its exit.
            process::wait(monitor.pidfd.as_fd())?;
            if config.auto_remove
                && let Ok(container) = state::read(engine, &config.id)
            {
                // Here still when it was the door that stayed shut. It stays if it runs, which is then the error.
                let _ = remove::remove(engine, &container, true);
            }
            Err(error)
        }
    }
}

/// Tells systemd that the container runs, if it is this program that is to tell.
fn notify(config: &Config, monitor: Option<i32>) -> Result<()> {
    // systemd shall supervise the monitor, and so the container, where this program does not stay.
    let main = monitor.map(|pid| format!("MAINPID={pid}\n")).unwrap_or_default();
    match config.notify {
        Notify::Conmon => systemd::notify(&format!("{main}READY=1")),
        Notify::Container | Notify::Healthy if !main.is_empty() => systemd::notify(&main),
        Notify::Container | Notify::Healthy | Notify::Ignore => Ok(()),
    }
}

/// Starts what the container needs, if it does not run yet. What needs what was made in that order, so that this ends.
fn start_required(engine: &Engine, config: &Config) -> Result<()> {
    for id in &config.requires {
        let needed = state::read(engine, id).with_context(|| format!("start what {} requires", config.name))?;
        if !needed.status.is_alive() {
            start(engine, &needed.config, Attach::default(), &[])
                .with_context(|| format!("start container {}, which {} requires", needed.config.name, config.name))?;
        }
    }
    Ok(())
}

/// Sees to it that the monitor is in a cgroup of its own: the unit's we run in, or a scope of systemd's.
///
/// Asked from out here: systemd takes the word of the host's uid. Without systemd there is no cgroup, and no limits.
fn delegate(engine: &Engine, config: &Config, monitor: i32) -> (bool, Vec<String>) {
    if systemd::in_unit() {
        return (!config.resources.cgroup.disabled, Vec::new());
    }
    if config.resources.cgroup.disabled || !systemd::available(engine) {
        return (false, Vec::new());
    }
    let unit = format!("coracle-{}.scope", config.id);
    // The container's own limit counts, not the one that systemd has for any scope.
    let mut properties = vec![("TasksMax", systemd::Value::Number(u64::MAX))];
    if let Some(parent) = &config.resources.cgroup.parent {
        properties.push(("Slice", systemd::Value::Text(parent)));
    }
    match systemd::start_scope(engine, &unit, &format!("Container {}", config.name), &[monitor as u32], &properties) {
        Ok(()) => (true, Vec::new()),
        Err(error) => {
            (false, vec![format!("no cgroup for container {}: {}", config.name, crate::error::line(&error))])
        }
    }
}

/// A user's processes end with the last session, unless they linger. Said once a boot.
fn warn_of_logout(engine: &Engine) -> Option<String> {
    let user = nix::unistd::User::from_uid(engine.uid.into()).ok()??.name;
    let said = engine.run.join("said-linger");
    if !engine.rootless || systemd::linger_enabled(&user) || said.exists() {
        return None;
    }
    // If it cannot be remembered, it is said again.
    let _ = fs::write_plain(&said, b"", 0o600);
    Some(format!("this container ends when you log out; to let it go on: loginctl enable-linger {user}"))
}

fn await_start(connection: Connection) -> Result<(Connection, Entered, Vec<String>)> {
    let mut entered = Entered::Already;
    loop {
        match connection.reply()? {
            Some((Reply::Entered(found), _)) => entered = found,
            Some((Reply::Started { warnings, .. }, _)) => return Ok((connection, entered, warnings)),
            Some((Reply::Failed(wire), _)) => return Err(wire.into()),
            Some((
                Reply::Done | Reply::Exited { .. } | Reply::Detached | Reply::Dropped(_) | Reply::Checked { .. },
                _,
            )) => {}
            Some((Reply::Namespaces(_), _)) => {}
            None => return Err(Kind::Engine.error("the monitor died before the container ran")),
        }
    }
}

/// In the forked child: through the door, out of the caller's session, and into a fresh copy of this program.
fn become_monitor(engine: &Engine, config: &Config, door: Door, socket: OwnedFd) -> ! {
    let error = match try_become_monitor(engine, config, door, &socket) {
        Ok(never) => match never {},
        Err(error) => error,
    };
    let reply = Reply::Failed(Wire::from(&error));
    if let Ok(bytes) = serde_json::to_vec(&reply) {
        // The CLI that would hear it may be gone.
        let _ = socket::send(socket.as_fd(), &bytes, &[]);
    }
    process::exit_now(1)
}

fn try_become_monitor(
    engine: &Engine,
    config: &Config,
    door: Door,
    socket: &OwnedFd,
) -> Result<std::convert::Infallible> {
    rustix::process::setsid().context("setsid")?;
    let (entered, lock) = door.enter()?;
    let bytes = serde_json::to_vec(&Reply::Entered(entered)).context("serialise")?;
    socket::send(socket.as_fd(), &bytes, &[]).context("answer")?;
    super::shift::ensure(engine, config, &|_| {})?;
    let program = own_program()?;
    let null = fs::open_null()?;
    process::set_stdio(null.as_fd(), null.as_fd(), null.as_fd())?;
    process::close_on_exec_from(3)?;
    process::keep_on_exec(socket.as_fd())?;
    let mut arguments = vec![
        CString::new(MONITOR)?,
        CString::new(config.id.as_str())?,
        CString::new(engine.data.as_os_str().as_bytes())?,
        CString::new(engine.run.as_os_str().as_bytes())?,
        CString::new(socket.as_raw_fd().to_string())?,
    ];
    if let Some(lock) = &lock {
        process::keep_on_exec(lock.as_fd())?;
        arguments.push(CString::new(lock.as_fd().as_raw_fd().to_string())?);
    }
    rustix::process::chdir(c"/").context("chdir /")?;
    let error = process::execve_fd(program.as_fd(), &arguments, &monitor_environment()?);
    // The lock has lived up to here; an exec that works takes it along.
    drop(lock);
    Err(error).context("execute the monitor")
}

/// glibc's allocator without its cache of freed blocks per thread: nearly empty pages that a monitor would keep.
const ALLOCATOR: &str = "glibc.malloc.tcache_count=0";

/// What a monitor needs of the user's environment: where programs and the user's directories are, and nothing secret.
fn monitor_environment() -> Result<Vec<CString>> {
    let keep = ["PATH", "HOME", "XDG_RUNTIME_DIR", "XDG_DATA_HOME", "NOTIFY_SOCKET"];
    let entries = keep.iter().filter_map(|name| Some((name, std::env::var_os(name)?)));
    let entries = entries.chain([(&"GLIBC_TUNABLES", ALLOCATOR.into())]);
    entries.map(|(name, value)| Ok(CString::new([name.as_bytes(), b"=", value.as_bytes()].concat())?)).collect()
}

/// This program as a descriptor that cannot be opened for writing through /proc by anyone.
fn own_program() -> Result<OwnedFd> {
    let running = rustix::fs::openat(CWD, c"/proc/self/exe", OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())
        .context("open /proc/self/exe")?;
    let path = rustix::fs::readlink(c"/proc/self/exe", Vec::new()).context("read /proc/self/exe")?;
    if let Ok(clone) = mount::clone_tree(mount::here(), &path, false) {
        let same = |one: &rustix::fs::Stat, other: &rustix::fs::Stat| {
            (one.st_dev, one.st_ino) == (other.st_dev, other.st_ino)
        };
        if same(&rustix::fs::fstat(&clone)?, &rustix::fs::fstat(&running)?) {
            mount::set_attributes(clone.as_fd(), Attributes::RDONLY, false)?;
            return Ok(clone);
        }
    }
    sealed_copy(running)
}

/// For a binary that was replaced or removed while it runs: a copy in memory that nobody can change.
fn sealed_copy(running: OwnedFd) -> Result<OwnedFd> {
    use nix::fcntl::{FcntlArg, SealFlag, fcntl};
    use nix::sys::memfd::{MFdFlags, memfd_create};
    let flags = MFdFlags::MFD_CLOEXEC | MFdFlags::MFD_ALLOW_SEALING;
    let mut copy = std::fs::File::from(memfd_create(c"coracle", flags).context("memfd_create")?);
    std::io::copy(&mut std::fs::File::from(running), &mut copy).context("copy the program")?;
    copy.flush()?;
    let seals = SealFlag::F_SEAL_SEAL | SealFlag::F_SEAL_SHRINK | SealFlag::F_SEAL_GROW | SealFlag::F_SEAL_WRITE;
    fcntl(&copy, FcntlArg::F_ADD_SEALS(seals)).context("seal the copy")?;
    Ok(copy.into())
}

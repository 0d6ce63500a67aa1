//! `stop`, `kill` and `wait`: ending a container through its monitor.

use super::control::{Connection, Reply, Request};
use super::start::MONITOR;
use super::state::{self, Container, State};
use crate::engine::{self, Engine};
use crate::error::{self, Kind};
use crate::sys::{namespace, process};
use anyhow::{Context, Result};
use std::os::fd::AsFd;
use std::path::Path;
use std::time::{Duration, Instant};

/// How long a monitor that is coming up, or writing down its container's end, may be without its socket.
const SETTLE_TIMEOUT: Duration = Duration::from_secs(5);

/// How often it is asked meanwhile: there is nothing that announces itself.
const SETTLE_PAUSE: Duration = Duration::from_millis(5);

/// How long beyond its timeout a monitor may take to end a container before it is ended itself.
const GRACE: Duration = Duration::from_secs(10);

/// Asks a container to end, kills it after its timeout, and waits until it has ended. One that does not run is done.
pub fn stop(engine: &Engine, container: &Container, signal: Option<i32>, timeout_secs: Option<u64>) -> Result<()> {
    Stopping::begin(engine, container, signal, timeout_secs).finish()
}

/// A container that has been asked to end. Several are asked before the first is waited for.
pub struct Stopping<'a> {
    engine: &'a Engine,
    container: &'a Container,
    asked: Result<Option<Connection>>,
}

/// How many containers are asked to end before the first of them is waited for. Each takes a connection.
pub const AT_ONCE_MAX: usize = 256;

impl<'a> Stopping<'a> {
    pub fn begin(
        engine: &'a Engine,
        container: &'a Container,
        signal: Option<i32>,
        timeout_secs: Option<u64>,
    ) -> Self {
        let signal = signal.or(container.config.stop.signal).unwrap_or(libc::SIGTERM);
        let timeout_secs = timeout_secs.unwrap_or(container.config.stop.timeout_secs);
        let asked = connect(engine, container).and_then(|(_, connection)| {
            let Some(connection) = connection else { return Ok(None) };
            connection.set_timeout(Duration::from_secs(timeout_secs.min(u64::from(u32::MAX))) + GRACE)?;
            connection.request(Request::Stop { signal, timeout_secs }, &[])?;
            Ok(Some(connection))
        });
        Self { engine, container, asked }
    }

    pub fn finish(self) -> Result<()> {
        let Self { engine, container, asked } = self;
        let ended = asked.and_then(|connection| {
            let Some(connection) = connection else { return Ok(()) };
            if await_exit(&connection)?.is_none() {
                connect(engine, container)?;
            }
            Ok(())
        });
        // A monitor without its directory (a logout), or one that does not answer, takes its container with it.
        ended.or_else(|error| if end_monitor(engine, container)? { Ok(()) } else { Err(error) })
    }
}

/// Kills the monitor of a container, proven to be it, and waits until the kernel has let go of its lock. False if there
/// is none to be found.
fn end_monitor(engine: &Engine, container: &Container) -> Result<bool> {
    let now = match state::read(engine, &container.config.id) {
        Err(error) if error::kind(&error) == Kind::NotFound => return Ok(true),
        other => other?,
    };
    let Some(state) = now.state.filter(|_| now.status.is_alive()) else {
        return Ok(!now.status.is_alive());
    };
    // The descriptor first: what is read after can then not be of another process.
    let Ok(pidfd) = process::open_pidfd(state.monitor_pid) else { return Ok(false) };
    let line = crate::fs::read(Path::new(&format!("/proc/{}/cmdline", state.monitor_pid)), LINE_BYTES_MAX)?;
    let mut words = line.split(|byte| *byte == 0);
    if words.next() != Some(MONITOR.as_bytes()) || words.next() != Some(now.config.id.as_str().as_bytes()) {
        return Ok(false);
    }
    crate::sys::signal::send(pidfd.as_fd(), libc::SIGKILL).context("end the monitor")?;
    let until = Instant::now() + SETTLE_TIMEOUT;
    while state::read(engine, &now.config.id).is_ok_and(|now| now.status.is_alive()) {
        if Instant::now() > until {
            return Ok(false);
        }
        std::thread::sleep(SETTLE_PAUSE);
    }
    Ok(true)
}

/// The largest command line of a monitor: three paths.
const LINE_BYTES_MAX: usize = 16 << 10;

/// Kills what is left of a container whose monitor has gone without a word. Its pid 1 dies with the monitor, so there is
/// nothing unless the kernel was asked otherwise; whoever has its number now is proven to be it, or left alone.
///
/// In the engine's user namespace: from outside, the namespaces of the container's processes cannot be seen.
pub fn end_lost(state: &State) -> Result<()> {
    if state.exit.is_some() || state.boot_id != engine::boot_id() || state.machine_id != state::machine_id() {
        return Ok(());
    }
    // The descriptor first: what is verified after can then not be exchanged for another process.
    let Ok(pidfd) = process::open_pidfd(state.pid) else { return Ok(()) };
    let same_start = state::start_ticks(state.pid) == Some(state.pid_start_ticks);
    let namespace =
        namespace::open(&state.pid.to_string(), "pid").and_then(|namespace| namespace::inode(namespace.as_fd()));
    if same_start && namespace.is_ok_and(|inode| inode == state.pid_namespace) {
        crate::sys::signal::send(pidfd.as_fd(), libc::SIGKILL).context("end what is left of the container")?;
    }
    Ok(())
}

/// Sends a signal to a running container's pid 1.
pub fn signal(container: &Container, signal: i32) -> Result<()> {
    Connection::open(container)?.ask(Request::Signal(signal), &[])?;
    Ok(())
}

/// Waits for a container's end, and gives its exit code. One that has never run has nothing to wait for: 0, as podman
/// and docker say.
pub fn wait(engine: &Engine, container: &Container) -> Result<i32> {
    let mut now = container.clone();
    while let (running, Some(connection)) = connect(engine, &now)? {
        connection.request(Request::Wait, &[])?;
        if let Some(code) = await_exit(&connection)? {
            return Ok(code);
        }
        // It ended as we came: what it wrote down is the answer.
        now = state::read(engine, &running.config.id)?;
    }
    let now = state::read(engine, &now.config.id)?;
    match now.state.as_ref().map(|state| &state.exit) {
        None => Ok(0),
        Some(Some(exit)) => Ok(exit.code),
        Some(None) => Err(Kind::InUse
            .error(format!("container {} has no exit code: its monitor ended before it did", now.config.name))),
    }
}

/// The container as it is now, with a connection to its monitor if it runs.
pub(super) fn connect(engine: &Engine, container: &Container) -> Result<(Container, Option<Connection>)> {
    let mut now = container.clone();
    let until = Instant::now() + SETTLE_TIMEOUT;
    while now.status.is_alive() {
        match Connection::open(&now) {
            Ok(connection) => return Ok((now, Some(connection))),
            Err(error) if error::kind(&error) != Kind::InUse => return Err(error),
            Err(_) if Instant::now() < until => std::thread::sleep(SETTLE_PAUSE),
            Err(_) => {
                let name = &now.config.name;
                return Err(Kind::InUse.error(format!("container {name} runs, but its monitor cannot be reached")));
            }
        }
        match state::read(engine, &now.config.id) {
            Ok(newer) => now = newer,
            Err(error) if error::kind(&error) == Kind::NotFound => return Ok((now, None)),
            Err(error) => return Err(error),
        }
    }
    Ok((now, None))
}

/// The exit code that the monitor announces; None if it went away without one.
fn await_exit(connection: &Connection) -> Result<Option<i32>> {
    loop {
        match connection.reply()? {
            Some((Reply::Exited { code }, _)) => return Ok(Some(code)),
            Some((Reply::Failed(wire), _)) => return Err(wire.into()),
            Some((
                Reply::Done
                | Reply::Started { .. }
                | Reply::Detached
                | Reply::Entered(_)
                | Reply::Dropped(_)
                | Reply::Checked { .. },
                _,
            )) => {}
            Some((Reply::Namespaces(_), _)) => {}
            None => return Ok(None),
        }
    }
}

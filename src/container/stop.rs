//! `stop`, `kill` and `wait`: ending a container through its monitor.

use super::control::{Connection, Reply, Request};
use super::state::{self, Container, State, Status};
use crate::error::Kind;
use crate::sys::{namespace, process};
use anyhow::{Context, Result};
use std::os::fd::AsFd;

/// Asks a container to end, kills it after its timeout, and waits until it has ended. One that does not run is done.
pub fn stop(container: &Container, signal: Option<i32>, timeout_secs: Option<u64>) -> Result<()> {
    if container.status != Status::Running {
        return Ok(());
    }
    let signal = signal.or(container.config.stop.signal).unwrap_or(libc::SIGTERM);
    let timeout_secs = timeout_secs.unwrap_or(container.config.stop.timeout_secs);
    let connection = Connection::open(container)?;
    connection.request(Request::Stop { signal, timeout_secs }, &[])?;
    await_exit(&connection)?;
    Ok(())
}

/// Kills what is left of a container whose monitor has gone without a word. Its pid 1 dies with the monitor, so there is
/// nothing unless the kernel was asked otherwise; whoever has its number now is proven to be it, or left alone.
///
/// In the engine's user namespace: from outside, the namespaces of the container's processes cannot be seen.
pub fn end_lost(state: &State) -> Result<()> {
    if state.exit.is_some() || state.boot_id != state::boot_id()? || state.machine_id != state::machine_id() {
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

/// Waits for a container's end, and gives its exit code.
pub fn wait(container: &Container) -> Result<i32> {
    if container.status == Status::Running {
        let connection = Connection::open(container)?;
        connection.request(Request::Wait, &[])?;
        if let Some(code) = await_exit(&connection)? {
            return Ok(code);
        }
    }
    match container.state.as_ref().and_then(|state| state.exit.as_ref()) {
        Some(exit) => Ok(exit.code),
        None => {
            Err(Kind::InUse
                .error(format!("container {} has no exit code: it has never ended", container.config.name)))
        }
    }
}

/// The exit code that the monitor announces; None if it went away without one.
fn await_exit(connection: &Connection) -> Result<Option<i32>> {
    loop {
        match connection.reply()? {
            Some((Reply::Exited { code }, _)) => return Ok(Some(code)),
            Some((Reply::Failed(wire), _)) => return Err(wire.into()),
            Some((Reply::Done | Reply::Started { .. } | Reply::Detached | Reply::Entered(_), _)) => {}
            None => return Ok(None),
        }
    }
}

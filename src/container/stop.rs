//! `stop`, `kill` and `wait`: ending a container through its monitor.

use super::control::{Connection, Reply, Request};
use super::state::{Container, Status};
use crate::error::Kind;
use anyhow::Result;

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

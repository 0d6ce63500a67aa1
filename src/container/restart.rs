//! `restart`: a running container's monitor ends it and starts it again; any other is simply started.

use super::control::{Connection, Reply, Request};
use super::start::{self, Started};
use super::state::{self, Container};
use super::stop;
use crate::engine::Engine;
use crate::error::{self, Kind};
use anyhow::Result;

/// Restarts a container. Gives what a start has to say, if it took one.
pub fn restart(engine: &Engine, container: &Container, timeout_secs: Option<u64>) -> Result<Option<Started>> {
    let signal = container.config.stop.signal.unwrap_or(libc::SIGTERM);
    let timeout = timeout_secs.unwrap_or(container.config.stop.timeout_secs);
    if container.status.is_alive() {
        let request = Request::Restart { signal, timeout_secs: timeout };
        match Connection::open(container) {
            Ok(connection) if connection.knows(&request) => match ask(&connection, request) {
                // It ended as we came.
                Err(error) if error::kind(&error) == Kind::InUse => {}
                other => return other.map(|()| None),
            },
            // The monitor of an older release can only end it.
            Ok(connection) => {
                drop(connection);
                stop::stop(engine, container, None, timeout_secs)?;
            }
            // It is on its way up, or down.
            Err(error) if error::kind(&error) == Kind::InUse => stop::stop(engine, container, None, timeout_secs)?,
            Err(error) => return Err(error),
        }
    }
    let now = state::read(engine, &container.config.id)?;
    if now.status.is_alive() {
        return Ok(None);
    }
    start::start(engine, &now.config, Default::default(), &[]).map(Some)
}

fn ask(connection: &Connection, request: Request) -> Result<()> {
    connection.request(request, &[])?;
    loop {
        match connection.reply()? {
            Some((Reply::Started { .. }, _)) => return Ok(()),
            Some((Reply::Failed(wire) | Reply::Dropped(wire), _)) => return Err(wire.into()),
            Some((
                Reply::Done | Reply::Exited { .. } | Reply::Detached | Reply::Entered(_) | Reply::Checked { .. },
                _,
            )) => {}
            Some((Reply::Namespaces(_), _)) => {}
            None => return Err(Kind::InUse.error("the container has been stopped meanwhile")),
        }
    }
}

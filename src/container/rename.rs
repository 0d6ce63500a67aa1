//! `rename`: the new name is claimed, the description is rewritten, and the old name is let go of. What counts is the
//! name in the description: a rename that is cut short has happened or has not, and a name that was left behind is free.

use super::config::{Config, Name};
use super::control::Request;
use super::events::{self, Event, Happening};
use super::state::{self, Container, Paths};
use super::{create, remove, stop};
use crate::engine::Engine;
use crate::error::Kind;
use anyhow::Result;
use std::time::{Duration, Instant};

/// How long a container that is just starting or ending keeps its description to itself.
const WRITER_TIMEOUT: Duration = Duration::from_secs(10);
const WRITER_PAUSE: Duration = Duration::from_millis(5);

/// Gives a container another name, whether it runs or not.
pub fn rename(engine: &Engine, container: &Container, name: &Name) -> Result<()> {
    let change = |config: &mut Config| change(engine, config, name);
    through_writer(engine, container, || Request::Rename(name.clone()), change)
}

/// Changes a description through the one process that may write it: the container's monitor, else this one while it
/// holds the container.
pub fn through_writer(
    engine: &Engine,
    container: &Container,
    request: impl Fn() -> Request,
    change: impl FnOnce(&mut Config) -> Result<()>,
) -> Result<()> {
    let id = &container.config.id;
    let until = Instant::now() + WRITER_TIMEOUT;
    while Instant::now() < until {
        let now = state::read(engine, id)?;
        if let (_, Some(connection)) = stop::connect(engine, &now)? {
            return connection.ask(request(), &[]).map(|_| ());
        }
        if let Some(_held) = Paths::of(engine, id).hold_alive()? {
            // Read with the lock held: nobody else writes it now.
            return change(&mut state::read(engine, id)?.config);
        }
        std::thread::sleep(WRITER_PAUSE);
    }
    Err(Kind::InUse.error(format!("container {} is being started or removed", container.config.name)))
}

/// What the one writer does.
pub fn change(engine: &Engine, config: &mut Config, name: &Name) -> Result<()> {
    if config.name == *name {
        return Err(Kind::Exists.error(format!("the container has the name {name} already")));
    }
    let old = std::mem::replace(&mut config.name, name.clone());
    let renamed = create::claim_name(engine, config).and_then(|()| {
        create::write_config(&Paths::of(engine, &config.id), config)
            .inspect_err(|_| drop(remove::release_name(engine, name)))
    });
    if let Err(error) = renamed {
        config.name = old;
        return Err(error);
    }
    remove::release_name(engine, &old)?;
    events::tell(engine, &[Event::of(config, Happening::Rename)]);
    Ok(())
}

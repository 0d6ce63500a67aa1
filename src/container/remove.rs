//! `rm`: a container's name, then its directory, out of sight at once and off the disk after.

use super::config::{Config, Id, Name};
use super::events::{self, Event, Happening};
use super::state::{Container, Paths, Status};
use crate::engine::Engine;
use crate::error::{self, Kind};
use crate::fs::{self, Staged};
use anyhow::{Context, Result};
use rustix::io::Errno;
use std::os::fd::AsFd;
use std::path::Path;
use std::time::{Duration, Instant};

/// Removes a container that is not running, and the anonymous volumes that were made for it if `volumes` says so.
/// Its files belong to subordinate ids: the caller has gone through the door.
pub fn remove(engine: &Engine, container: &Container, volumes: bool) -> Result<()> {
    let config = &container.config;
    match container.status {
        Status::Created | Status::Exited | Status::Lost => {}
        Status::Running | Status::Paused => return Err(is_running(config)),
        Status::Elsewhere => {
            return Err(Kind::InUse.error(format!("container {} belongs to another machine", config.name)));
        }
    }
    super::depend::refuse_dependents(engine, config)?;
    // Held until the container is out of sight: nobody can start it meanwhile.
    let Some(held) = Paths::of(engine, &config.id).hold_ended()? else { return Err(is_running(config)) };
    if let Some(state) = &container.state {
        super::stop::end_lost(state)?;
    }
    let hidden = hide(engine, config)?;
    if let Some(state) = &container.state
        && let Ok(dir) = fs::open_dir(&state.run.join("containers"))
    {
        // A monitor that was killed has left its directory.
        fs::remove_tree(dir.as_fd(), config.id.as_str())?;
    }
    let exit = container.state.as_ref().and_then(|state| state.exit.as_ref());
    let removed = Event { exit_code: exit.map(|exit| exit.code), ..Event::of(config, Happening::Remove) };
    events::tell(engine, &[removed]);
    drop(held);
    hidden.finish()?;
    log_dir(config)?;
    if volumes {
        anonymous_volumes(engine, config)?;
    }
    Ok(())
}

/// How long a container that somebody starts again is stopped again.
const FORCE_TIMEOUT: Duration = Duration::from_secs(10);

/// How long whoever holds its lock for the moment of a removal is left alone.
const FORCE_PAUSE: Duration = Duration::from_millis(5);

/// Removes a container, ending it first if need be: also one that somebody starts, or removes, at the same time. One
/// that is gone by then is no error.
pub fn remove_by_force(engine: &Engine, id: &Id, volumes: bool) -> Result<()> {
    let until = Instant::now() + FORCE_TIMEOUT;
    while Instant::now() < until {
        let now = match super::state::read(engine, id) {
            Err(error) if error::kind(&error) == Kind::NotFound => return Ok(()),
            other => other?,
        };
        // Nothing that is started meanwhile, but what nobody has removed yet: to end this one would not help.
        super::depend::refuse_dependents(engine, &now.config)?;
        match remove(engine, &now, volumes || now.config.auto_remove) {
            // Nothing here can end what runs elsewhere.
            Err(error) if now.status == Status::Elsewhere => return Err(error),
            Err(error) if error::kind(&error) == Kind::InUse => {
                super::stop::stop(engine, &now, None, Some(0))?;
                std::thread::sleep(FORCE_PAUSE);
            }
            Err(error) if error::kind(&error) == Kind::NotFound => return Ok(()),
            other => return other,
        }
    }
    Err(Kind::InUse.error(format!("container {} is started again and again", id.short())))
}

fn is_running(config: &Config) -> anyhow::Error {
    Kind::InUse.hinted(format!("container {} is running", config.name), "stop it first, or use rm -f")
}

/// A container that nobody can see any more, still on disk.
pub struct Hidden(Option<Staged>);

/// Takes a container's name and directory away in two renames.
pub fn hide(engine: &Engine, config: &Config) -> Result<Hidden> {
    if super::state::id_of_name(engine, config.name.as_str())?.as_ref() == Some(&config.id) {
        release_name(engine, &config.name)?;
    }
    let from = Paths::of(engine, &config.id).dir;
    Staged::hide(&engine.staging(), &from).map(Hidden)
}

impl Hidden {
    pub fn finish(self) -> Result<()> {
        self.0.map_or(Ok(()), Staged::remove)
    }
}

/// Removes the directory that is for the container's log alone.
pub fn log_dir(config: &Config) -> Result<()> {
    match config.logging.own_dir(&config.id).and_then(Path::parent).map(fs::open_dir) {
        Some(Ok(all)) => fs::remove_tree(all.as_fd(), config.id.as_str()),
        Some(Err(_)) | None => Ok(()),
    }
}

/// Removes the volumes that were made for this container alone.
pub fn anonymous_volumes(engine: &Engine, config: &Config) -> Result<()> {
    super::volumes::remove_anonymous(engine, config)
}

/// Frees a container name.
pub fn release_name(engine: &Engine, name: &Name) -> Result<()> {
    match rustix::fs::unlink(engine.names().join(name.as_str())) {
        Ok(()) | Err(Errno::NOENT) => Ok(()),
        Err(errno) => Err(errno).with_context(|| format!("release name {name}")),
    }
}

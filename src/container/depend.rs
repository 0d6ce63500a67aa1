//! Which containers need which: what a container depends on is in its description, and beside what it depends on lies a
//! mark for each that does, so that neither question takes a look at all containers.

use super::config::{Config, Id};
use super::state::{self, Container, Paths};
use crate::engine::Engine;
use crate::error::{self, Kind};
use crate::fs;
use anyhow::{Context, Result};

/// How long a chain of containers that depend on each other may be: each was made before the next.
pub const DEPTH_MAX: usize = 64;

/// The containers without which this one does not work.
pub fn dependencies(config: &Config) -> Vec<Id> {
    let mut all = config.requires.clone();
    all.extend(config.users.others().into_iter().filter_map(Id::parse));
    all.sort_unstable();
    all.dedup();
    all
}

/// Marks a new container at those that it depends on. One of them that has gone meanwhile is an error.
pub fn mark(engine: &Engine, config: &Config) -> Result<()> {
    for id in dependencies(config) {
        let marks = Paths::of(engine, &id).dir.join("dependents");
        match fs::create_dir(&marks) {
            Err(_) if !Paths::of(engine, &id).dir.exists() => {
                return Err(Kind::NotFound.error(format!("container {} has been removed", id.short())));
            }
            made => made?,
        };
        fs::create_dir(&marks.join(config.id.as_str())).context("note who depends on a container")?;
    }
    Ok(())
}

/// The containers that depend on this one. A mark that a removed one has left counts for nothing.
pub fn dependents(engine: &Engine, id: &Id) -> Result<Vec<Container>> {
    let mut found = Vec::new();
    for name in fs::list(&Paths::of(engine, id).dir.join("dependents"))? {
        let Some(other) = Id::parse(&name) else { continue };
        match state::read(engine, &other) {
            Ok(container) if dependencies(&container.config).contains(id) => found.push(container),
            Err(error) if error::kind(&error) != Kind::NotFound => return Err(error),
            _ => {}
        }
    }
    found.sort_by_key(|container| container.config.created);
    Ok(found)
}

/// The error that others stand in the way.
pub fn refuse_dependents(engine: &Engine, config: &Config) -> Result<()> {
    let names: Vec<String> =
        dependents(engine, &config.id)?.iter().map(|other| other.config.name.to_string()).collect();
    if names.is_empty() {
        return Ok(());
    }
    let message = format!("container {} is needed by {}", config.name, names.join(", "));
    Err(Kind::InUse.hinted(message, "remove those first, or all with rm --depend"))
}

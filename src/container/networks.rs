//! Networks and the containers that use them.

use super::config::Id;
use super::state;
use crate::engine::Engine;
use crate::error::Kind;
use crate::fs::Hold;
use crate::network::definition;
use anyhow::Result;

/// The containers that are on a network, running or not.
pub fn users_of(_engine: &Engine, _name: &str) -> Result<Vec<Id>> {
    // Containers cannot be told to be on one yet.
    Ok(Vec::new())
}

/// Removes a network that no container is on.
pub fn remove(engine: &Engine, name: &str) -> Result<()> {
    let lock = definition::hold(engine, Hold::Exclusive)?;
    let users = users_of(engine, name)?;
    if users.is_empty() {
        return definition::remove(engine, &lock, name);
    }
    let shown = |id: &Id| match state::read(engine, id) {
        Ok(container) => format!("{} ({})", container.config.name, id.short()),
        Err(_) => id.short().to_owned(),
    };
    let users: Vec<String> = users.iter().map(shown).collect();
    let message = format!("network {name} is being used by the container {}", users.join(", "));
    Err(Kind::InUse.hinted(message, "remove the container first, or use --force"))
}

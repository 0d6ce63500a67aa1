//! `network connect` and `network disconnect`: a container, whether it runs or not, comes into a network or leaves it.

use super::events::{self, Event, Happening};
use super::networks;
use super::state::Container;
use super::update::{self, Change};
use crate::engine::Engine;
use crate::error::Kind;
use crate::network::{Membership, Network};
use crate::settings::Settings;
use anyhow::Result;

/// Brings a container into a network.
pub fn connect(engine: &Engine, container: &Container, membership: Membership, settings: &Settings) -> Result<()> {
    check(container)?;
    let mut config = container.config.clone();
    config.memberships.push(membership);
    let _networks = networks::settle(engine, &mut config, settings)?;
    let network = config.memberships.last().map(|membership| membership.network.clone()).unwrap_or_default();
    change(engine, container, config.memberships)?;
    events::tell(engine, &[Event::of_member(&container.config, &network, Happening::Connect)]);
    Ok(())
}

/// Takes a container out of a network, of which this is the whole name.
pub fn disconnect(engine: &Engine, container: &Container, network: &str) -> Result<()> {
    check(container)?;
    let mut memberships = container.config.memberships.clone();
    memberships.retain(|membership| membership.network != network);
    if memberships.len() == container.config.memberships.len() {
        let message = format!("container {} is not in network {network}", container.config.name);
        return Err(Kind::NotFound.error(message));
    }
    change(engine, container, memberships)?;
    events::tell(engine, &[Event::of_member(&container.config, network, Happening::Disconnect)]);
    Ok(())
}

fn check(container: &Container) -> Result<()> {
    if container.config.network == Network::Bridge {
        return Ok(());
    }
    let (name, mode) = (&container.config.name, container.config.network.name());
    let message = format!("container {name} has network {mode}, which goes with no other");
    Err(Kind::InUse.hinted(message, "make it with --network bridge, or with a network of network create"))
}

fn change(engine: &Engine, container: &Container, memberships: Vec<Membership>) -> Result<()> {
    update::update(engine, container, &Change { memberships: Some(memberships), ..Change::default() })
}

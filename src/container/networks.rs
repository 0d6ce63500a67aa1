//! Networks and the containers that are in them.

use super::config::{Config, Id, Namespace};
use super::state;
use crate::engine::Engine;
use crate::error::Kind;
use crate::fs::{Hold, Lock};
use crate::network::Network;
use crate::network::definition::{self, Defaults, Definition, Driver, Ipam, Mode};
use crate::network::membership::MEMBERSHIPS_MAX;
use crate::settings::Settings;
use anyhow::Result;

/// Finds the networks that a container asks for. What is given back keeps them from being removed until the container is
/// visible as their user.
pub fn settle(engine: &Engine, config: &mut Config, settings: &Settings) -> Result<Option<Lock>> {
    if config.network != Network::Bridge {
        return Ok(None);
    }
    let defaults = Defaults::of(settings)?;
    let lock = definition::hold(engine, Hold::Shared)?;
    if config.memberships.len() > MEMBERSHIPS_MAX {
        return Err(Kind::BadInput.error(format!("a container is in at most {MEMBERSHIPS_MAX} networks")));
    }
    for at in 0..config.memberships.len() {
        let wanted = &config.memberships[at];
        let name = if wanted.network.is_empty() { &defaults.name } else { &wanted.network };
        let network = definition::settle(engine, &defaults, name)?;
        let stray = wanted
            .addresses
            .iter()
            .find(|address| !network.subnets.iter().any(|subnet| subnet.subnet.contains(**address)));
        if let Some(address) = stray {
            let message = format!("address {address} is in no subnet of network {}", network.name);
            return Err(Kind::BadInput.error(message));
        }
        if config.memberships[..at].iter().any(|other| other.network == network.name) {
            return Err(Kind::BadInput.error(format!("network {} is named twice", network.name)));
        }
        if config.egress.is_some() {
            check_network(&network)?;
        }
        if !wanted.aliases.is_empty() && !network.dns_enabled {
            let message = format!("network {} finds nobody by a name, and so by no alias", network.name);
            return Err(Kind::BadInput.hinted(message, "create a network for it: coracle network create"));
        }
        config.memberships[at].network = network.name;
    }
    Ok(Some(lock))
}

/// Whether the rules of a container that has been made, if it has any, can hold in all its networks.
pub fn check_egress(engine: &Engine, config: &Config) -> Result<()> {
    if config.egress.is_none() {
        return Ok(());
    }
    match (&config.users.network, config.network) {
        (Namespace::Container(id), _) => return Err(unruled(&format!("container:{id}"))),
        (Namespace::Path(path), _) => return Err(unruled(&format!("ns:{}", path.display()))),
        (Namespace::Own | Namespace::Host, Network::Host | Network::Pasta) => {
            return Err(unruled(config.network.name()));
        }
        (Namespace::Own | Namespace::Host, Network::None | Network::Bridge) => {}
    }
    let networks = config.memberships.iter().map(|membership| definition::read(engine, &membership.network));
    networks.into_iter().try_for_each(|network| network?.as_ref().map_or(Ok(()), check_network))
}

/// Where nothing of the engine's is between the container and the outside, or what is there is reached by the container.
pub fn unruled(mode: &str) -> anyhow::Error {
    let message = format!("egress rules cannot hold with --network {mode}");
    Kind::BadInput.hinted(message, "make it with --network bridge, or with a network of network create")
}

/// Egress rules are where the engine's own bridge is, and know a container by the addresses that it is given.
fn check_network(network: &Definition) -> Result<()> {
    let is_ours = network.driver == Driver::Bridge && network.options()?.mode != Mode::Unmanaged;
    if is_ours && network.ipam_options.driver == Ipam::HostLocal {
        return Ok(());
    }
    let message = format!("egress rules cannot hold in network {}, where the engine is not in between", network.name);
    Err(Kind::BadInput
        .hinted(message, "use one that network create makes by itself, with driver bridge and addresses"))
}

/// The containers that are in a network, running or not.
pub fn users_of(engine: &Engine, name: &str) -> Result<Vec<Id>> {
    let uses = |config: &Config| config.memberships.iter().any(|membership| membership.network == name);
    let containers = state::list(engine)?.into_iter();
    Ok(containers.filter(|container| uses(&container.config)).map(|container| container.config.id).collect())
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

//! `network update` and `network reload`.

use crate::cli::{Context, Verb, say};
use crate::container::state;
use crate::network::cidr::parse_address;
use crate::network::definition;
use crate::network::keeper::client as keeper;
use anyhow::{Context as _, Result};
use std::net::IpAddr;

/// Change the name servers that a network asks, at once for the containers in it
#[derive(clap::Args)]
pub struct Update {
    /// Ask this name server too
    #[arg(long, value_name = "ADDRESS", value_delimiter = ',')]
    dns_add: Vec<String>,
    /// Do not ask this name server any more
    #[arg(long, value_name = "ADDRESS", value_delimiter = ',')]
    dns_drop: Vec<String>,
    /// The network, by name, id or the beginning of an id
    #[arg(value_name = "NETWORK")]
    name: String,
}

/// Set the rules of containers' networks anew, after another program has taken them away, and take back what is left of them
#[derive(clap::Args)]
pub struct Reload {
    /// Those of all containers
    #[arg(short, long, conflicts_with = "containers")]
    all: bool,
    /// The containers
    #[arg(value_name = "CONTAINER", required_unless_present = "all")]
    containers: Vec<String>,
}

impl Verb for Update {
    fn run(self, context: &Context) -> Result<u8> {
        let parse = |texts: &[String]| texts.iter().map(|text| parse_address(text)).collect::<Result<Vec<IpAddr>>>();
        let added = parse(&self.dns_add).context("--dns-add")?;
        let dropped = parse(&self.dns_drop).context("--dns-drop")?;
        let defaults = super::defaults(context)?;
        let network = super::find(context, &defaults, &self.name)?;
        let servers = definition::set_servers(&context.engine, &defaults, &network.name, |servers| {
            servers.retain(|server| !dropped.contains(server));
            for server in added {
                if !servers.contains(&server) {
                    servers.push(server);
                }
            }
        })?;
        keeper::set_servers(&context.engine, &network.name, servers)?;
        say(&self.name);
        Ok(0)
    }
}

impl Verb for Reload {
    fn run(self, context: &Context) -> Result<u8> {
        let found = match self.all {
            true => state::list(&context.engine)?,
            false => self.containers.iter().map(|name| state::find(&context.engine, name)).collect::<Result<_>>()?,
        };
        // The rules are of one piece.
        keeper::reload(&context.engine)?;
        for container in found.iter().filter(|container| container.status.is_alive()) {
            say(container.config.id.as_str());
        }
        Ok(0)
    }
}

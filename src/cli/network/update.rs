//! `network update`: change whom a network asks for names of the outside.

use crate::cli::{Context, Verb, say};
use crate::network::cidr::parse_address;
use crate::network::definition;
use anyhow::{Context as _, Result};
use std::net::IpAddr;

/// Change the name servers of a network
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

impl Verb for Update {
    fn run(self, context: &Context) -> Result<u8> {
        let parse = |texts: &[String]| texts.iter().map(|text| parse_address(text)).collect::<Result<Vec<IpAddr>>>();
        let added = parse(&self.dns_add).context("--dns-add")?;
        let dropped = parse(&self.dns_drop).context("--dns-drop")?;
        let defaults = super::defaults(context)?;
        let network = super::find(context, &defaults, &self.name)?;
        definition::set_servers(&context.engine, &defaults, &network.name, |servers| {
            servers.retain(|server| !dropped.contains(server));
            for server in added {
                if !servers.contains(&server) {
                    servers.push(server);
                }
            }
        })?;
        say(&self.name);
        Ok(0)
    }
}

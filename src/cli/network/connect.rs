//! `network connect` and `network disconnect`.

use crate::cli::flags::AddressFlags;
use crate::cli::{Context, Verb};
use crate::container::{connect, state};
use crate::network::{Membership, membership};
use anyhow::Result;

/// Connect a container to a network, at once if it runs
#[derive(clap::Args)]
pub struct Connect {
    /// Be found by this name, too, in the network
    #[arg(long, value_name = "NAME")]
    alias: Vec<String>,
    #[command(flatten)]
    addresses: AddressFlags,
    /// The network, by name, id or the beginning of an id
    #[arg(value_name = "NETWORK")]
    network: String,
    /// The container
    #[arg(value_name = "CONTAINER")]
    container: String,
}

/// Take a container out of a network, at once if it runs
#[derive(clap::Args)]
pub struct Disconnect {
    /// Accepted for scripts: a container that cannot be asked is out of the network when it has ended
    #[arg(short, long)]
    force: bool,
    /// The network, by name, id or the beginning of an id
    #[arg(value_name = "NETWORK")]
    network: String,
    /// The container
    #[arg(value_name = "CONTAINER")]
    container: String,
}

impl Verb for Connect {
    fn run(self, context: &Context) -> Result<u8> {
        let network = super::find(context, &super::defaults(context)?, &self.network)?.name;
        let aliases = self.alias.iter().map(|name| membership::alias(name)).collect::<Result<_>>()?;
        let mut membership = Membership { network, aliases, ..Membership::default() };
        self.addresses.apply(&mut membership)?;
        let container = state::find(&context.engine, &self.container)?;
        connect::connect(&context.engine, &container, membership, &context.globals.settings()?)?;
        Ok(0)
    }
}

impl Verb for Disconnect {
    fn run(self, context: &Context) -> Result<u8> {
        let network = super::find(context, &super::defaults(context)?, &self.network)?.name;
        let container = state::find(&context.engine, &self.container)?;
        connect::disconnect(&context.engine, &container, &network)?;
        Ok(0)
    }
}

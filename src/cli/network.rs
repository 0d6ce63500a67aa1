//! `network`: networks that have a name, which containers share.

pub mod connect;
pub mod create;
pub mod ls;
pub mod remove;
pub mod update;

use super::{Context, Verb, listing, report};
use crate::cli::format::{Format, Names};
use crate::container::state::{self, Container};
use crate::error::{self, Kind};
use crate::inspect::network as view;
use crate::inspect::view::View;
use crate::network::definition::{self, Defaults, Definition};
use anyhow::Result;

/// Show all that is known of networks
#[derive(clap::Args)]
pub struct Inspect {
    /// Print by a Go template, or as json
    #[arg(short, long, value_name = "TEMPLATE")]
    format: Option<String>,
    /// Accepted for scripts of docker: there is no more to say
    #[arg(short, long)]
    verbose: bool,
    /// The networks, by name, id or the beginning of an id
    #[arg(value_name = "NETWORK", required = true)]
    names: Vec<String>,
}

/// Tell by the exit code whether a network exists: 0 if it does, 1 if not
#[derive(clap::Args)]
pub struct Exists {
    /// The network, by name, id or the beginning of an id
    #[arg(value_name = "NETWORK")]
    name: String,
}

impl Verb for Inspect {
    fn run(self, context: &Context) -> Result<u8> {
        let format = self.format.as_deref().filter(|format| *format != "json").map(Format::parse).transpose()?;
        let defaults = defaults(context)?;
        let (mut networks, mut failed) = (Vec::new(), Vec::new());
        for name in &self.names {
            match find(context, &defaults, name) {
                Ok(network) => networks.push(network),
                Err(error) => failed.push(error),
            }
        }
        let containers = state::list(&context.engine)?;
        match &format {
            None => {
                let shown = |network: &Definition| described(context, &defaults, network, &containers);
                listing::json(&networks.iter().map(shown).collect::<View>());
            }
            Some(format) => {
                for network in &networks {
                    listing::put(&format.row(&row(context, &defaults, network, &containers), Names::Exact)?);
                }
            }
        }
        // What was found is shown, whatever was not.
        let last = failed.pop();
        failed.iter().for_each(|error| report(&context.verb, error));
        last.map_or(Ok(0), Err)
    }
}

impl Verb for Exists {
    fn run(self, context: &Context) -> Result<u8> {
        match find(context, &defaults(context)?, &self.name) {
            Ok(_) => Ok(0),
            Err(error) if error::kind(&error) == Kind::NotFound => Ok(1),
            Err(error) => Err(error),
        }
    }
}

/// A network as `inspect` prints it. `containers` are all that there are.
pub fn described(context: &Context, defaults: &Defaults, network: &Definition, containers: &[Container]) -> View {
    match context.docker {
        true => view::docker(&as_docker(defaults, network), view::docker_containers(network, containers)),
        false => view::json(network, Some(view::containers(network, containers, &view::JSON))),
    }
}

/// The same as templates see it.
pub fn row(context: &Context, defaults: &Defaults, network: &Definition, containers: &[Container]) -> View {
    match context.docker {
        true => view::docker(&as_docker(defaults, network), view::docker_containers(network, containers)),
        false => view::row(network, view::containers(network, containers, &view::GO)),
    }
}

/// docker calls the default network bridge.
pub fn as_docker(defaults: &Defaults, network: &Definition) -> Definition {
    let mut network = network.clone();
    if definition::is_default(defaults, &network) {
        network.name = "bridge".to_owned();
    }
    network
}

/// What containers.conf says of networks.
pub fn defaults(context: &Context) -> Result<Defaults> {
    Defaults::of(&context.globals.settings()?)
}

/// A network by its name or the beginning of its id.
pub fn find(context: &Context, defaults: &Defaults, text: &str) -> Result<Definition> {
    let text = if context.docker && text == "bridge" { &defaults.name } else { text };
    definition::find(&context.engine, defaults, text)
}

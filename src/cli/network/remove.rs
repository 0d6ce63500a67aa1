//! `network rm` and `network prune`: remove networks.

use crate::cli::confirm::confirm;
use crate::cli::{Context, Verb, each, in_userns, removal, report, say, stop};
use crate::container::control::Door;
use crate::container::events::{self, Event, Happening};
use crate::container::stop::stop as stop_container;
use crate::container::{networks, remove, state};
use crate::engine::Engine;
use crate::error::{self, Kind};
use crate::inspect::filter::Networks;
use crate::network::definition::{self, Defaults, Definition};
use anyhow::Result;

/// Remove networks
#[derive(clap::Args)]
pub struct Rm {
    /// Remove the containers that are on the network too, running or not; a network that does not exist is no error
    #[arg(short, long)]
    force: bool,
    /// With --force, ask containers to end and kill them after this many seconds
    #[arg(short, long, value_name = "SECONDS", requires = "force", allow_negative_numbers = true)]
    time: Option<i64>,
    /// The networks, by name, id or the beginning of an id
    #[arg(value_name = "NETWORK", required = true)]
    names: Vec<String>,
}

/// Remove all networks that no container is on
#[derive(clap::Args)]
pub struct Prune {
    /// Remove only networks that fit: label, label!, until
    #[arg(long, value_name = "KEY=VALUE")]
    filter: Vec<String>,
    /// Do not ask
    #[arg(short, long)]
    force: bool,
}

impl Verb for Rm {
    fn run(self, context: &Context) -> Result<u8> {
        removal(context, self.remove(context))
    }
}

impl Rm {
    fn remove(&self, context: &Context) -> Result<u8> {
        let defaults = super::defaults(context)?;
        // The one that says most is the result; the others are removed all the same.
        let mut last: Option<anyhow::Error> = None;
        for name in &self.names {
            match self.remove_one(context, &defaults, name) {
                Ok(()) => say(name),
                Err(error) if error::kind(&error) == Kind::NotFound && self.force => {}
                Err(error) => {
                    let is_worse = |last: &anyhow::Error| error::kind(last) == Kind::NotFound;
                    match last.take() {
                        Some(earlier) if !is_worse(&earlier) => {
                            report(&context.verb, &error);
                            last = Some(earlier);
                        }
                        earlier => {
                            earlier.iter().for_each(|earlier| report(&context.verb, earlier));
                            last = Some(error);
                        }
                    }
                }
            }
        }
        last.map_or(Ok(0), Err)
    }

    fn remove_one(&self, context: &Context, defaults: &Defaults, name: &str) -> Result<()> {
        let engine = &context.engine;
        let network = super::find(context, defaults, name)?;
        if definition::is_default(defaults, &network) {
            return Err(Kind::BadInput.error(format!("the default network {} cannot be removed", network.name)));
        }
        if self.force {
            self.remove_users(engine, &network.name)?;
        }
        networks::remove(engine, &network.name)?;
        tell_gone(engine, &network);
        Ok(())
    }

    fn remove_users(&self, engine: &Engine, name: &str) -> Result<()> {
        let users = networks::users_of(engine, name)?;
        if users.is_empty() {
            return Ok(());
        }
        // Stopped from outside the user namespace: monitors are reached as easily from here.
        for id in &users {
            let container = state::read(engine, id)?;
            if container.status.is_alive() {
                stop_container(engine, &container, None, stop::timeout(self.time).or(Some(0)))?;
            }
        }
        in_userns(Door::for_command(engine)?, || {
            users.iter().try_for_each(|id| remove::remove_by_force(engine, id, false))
        })
    }
}

fn tell_gone(engine: &Engine, network: &Definition) {
    events::tell(engine, &[Event::of_network(network, Happening::Remove)]);
}

/// Removes the networks that fit and that no container is on, and gives their names.
pub fn prune(engine: &Engine, defaults: &Defaults, filters: &Networks) -> Result<Vec<String>> {
    let mut gone = Vec::new();
    let fits = |network: &Definition| {
        !definition::is_default(defaults, network) && filters.match_network(network, false, false)
    };
    let mut found = definition::list(engine, defaults)?;
    found.retain(fits);
    each(&found, |network| {
        match networks::remove(engine, &network.name) {
            // A container is on it.
            Err(error) if error::kind(&error) == Kind::InUse => return Ok(()),
            removed => removed?,
        }
        tell_gone(engine, network);
        gone.push(network.name.clone());
        Ok(())
    })?;
    Ok(gone)
}

impl Verb for Prune {
    fn run(self, context: &Context) -> Result<u8> {
        let filters = Networks::parse_for_prune(&self.filter)?;
        if !self.force && !confirm("This will remove all networks not used by at least one container.")? {
            return Ok(0);
        }
        let names = prune(&context.engine, &super::defaults(context)?, &filters)?;
        if context.docker && !names.is_empty() {
            say("Deleted Networks:");
        }
        names.iter().for_each(|name| say(name));
        if context.docker && !names.is_empty() {
            say("");
        }
        Ok(0)
    }
}

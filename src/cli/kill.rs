//! `kill`: send a signal to the first process of containers.

use super::{Context, Targets, Verb, each, say};
use crate::container::stop;
use anyhow::Result;

/// Send a signal to one or more running containers
#[derive(clap::Args)]
pub struct Kill {
    /// The signal, by name or number
    #[arg(short, long, value_name = "SIGNAL", default_value = "KILL")]
    signal: String,
    #[command(flatten)]
    targets: Targets,
}

impl Verb for Kill {
    fn run(self, context: &Context) -> Result<u8> {
        let signal = super::parse_signal(&self.signal)?;
        each(&self.targets.resolve_running(context)?, |container| {
            stop::signal(container, signal)?;
            say(container.config.name.as_str());
            Ok(())
        })
    }
}

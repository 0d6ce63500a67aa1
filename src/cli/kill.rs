//! `kill`: send a signal to the first process of containers.

use super::choice::{Choice, Missing};
use super::{Context, Verb, each, say};
use crate::container::stop;
use anyhow::Result;

/// Send a signal to one or more running containers
#[derive(clap::Args)]
pub struct Kill {
    /// The signal, by name or number
    #[arg(short, long, value_name = "SIGNAL", default_value = "KILL")]
    signal: String,
    #[command(flatten)]
    choice: Choice,
}

impl Verb for Kill {
    fn run(self, context: &Context) -> Result<u8> {
        let signal = super::parse_signal(&self.signal)?;
        let is_alive = |container: &crate::container::state::Container| container.status.is_alive();
        let chosen = self.choice.resolve_fitting(context, Missing::Refuse, is_alive)?;
        each(&chosen, |chosen| {
            stop::signal(&chosen.container, signal)?;
            say(&chosen.typed);
            Ok(())
        })
    }
}

//! `stop`: ask containers to end, and kill them if they do not.

use super::{Context, Targets, Verb, each, say};
use crate::container::stop;
use anyhow::Result;

/// Stop one or more running containers
#[derive(clap::Args)]
pub struct Stop {
    /// Kill a container this many seconds after it was asked to end [default: what it was made with, else 10]
    #[arg(short, long, visible_alias = "timeout", value_name = "SECONDS")]
    time: Option<u64>,
    /// Ask with this signal instead of the container's own
    #[arg(short, long, value_name = "SIGNAL")]
    signal: Option<String>,
    #[command(flatten)]
    targets: Targets,
}

impl Verb for Stop {
    fn run(self, context: &Context) -> Result<u8> {
        let signal = self.signal.as_deref().map(super::parse_signal).transpose()?;
        each(&self.targets.resolve(context)?, |container| {
            stop::stop(&context.engine, container, signal, self.time)?;
            say(container.config.name.as_str());
            Ok(())
        })
    }
}

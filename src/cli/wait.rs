//! `wait`: wait until containers have ended, and print their exit codes.

use super::{Context, Targets, Verb, each, say};
use crate::container::stop;
use anyhow::Result;

/// Wait until one or more containers have ended, and print their exit codes
#[derive(clap::Args)]
pub struct Wait {
    #[command(flatten)]
    targets: Targets,
}

impl Verb for Wait {
    fn run(self, context: &Context) -> Result<u8> {
        each(&self.targets.resolve(context)?, |container| {
            say(&stop::wait(&context.engine, container)?.to_string());
            Ok(())
        })
    }
}

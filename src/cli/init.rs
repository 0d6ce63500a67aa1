//! `init`: what podman prepares ahead of a start.

use super::{Context, Targets, Verb, each, say};
use crate::container::state::Status;
use crate::error::Kind;
use anyhow::Result;

/// Check that one or more containers can be started; there is nothing to be prepared ahead of that
#[derive(clap::Args)]
pub struct Init {
    #[command(flatten)]
    targets: Targets,
}

impl Verb for Init {
    fn run(self, context: &Context) -> Result<u8> {
        each(&self.targets.resolve(context)?, |container| {
            let name = &container.config.name;
            match container.status {
                Status::Created | Status::Exited | Status::Lost => say(name.as_str()),
                // With --all, those that run need nothing.
                Status::Running | Status::Paused if self.targets.all => {}
                Status::Running | Status::Paused => {
                    return Err(Kind::InUse.error(format!("container {name} runs already")));
                }
                Status::Elsewhere => {
                    return Err(Kind::InUse.error(format!("container {name} belongs to another machine")));
                }
            }
            Ok(())
        })
    }
}

//! `rm`: remove containers.

use super::{Context, Targets, Verb, each, say};
use crate::container::control::Door;
use crate::container::state::Status;
use crate::container::{remove, state, stop};
use crate::error::{self, Kind};
use anyhow::Result;

/// Remove one or more containers
#[derive(clap::Args)]
pub struct Rm {
    /// Kill the container first if it runs; a container that does not exist is no error
    #[arg(short, long)]
    force: bool,
    /// Remove the container's anonymous volumes too
    #[arg(short, long)]
    volumes: bool,
    /// With --force, ask the container to end and kill it after this many seconds
    #[arg(short, long, value_name = "SECONDS", requires = "force")]
    time: Option<u64>,
    /// A container that does not exist is no error
    #[arg(short, long)]
    ignore: bool,
    #[command(flatten)]
    targets: Targets,
}

impl Verb for Rm {
    fn run(self, context: &Context) -> Result<u8> {
        let mut targets = self.targets;
        if self.force || self.ignore {
            let exists = |name: &String| !matches!(state::find(&context.engine, name), Err(error) if error::kind(&error) == Kind::NotFound);
            let asked = targets.names.len();
            targets.names.retain(exists);
            if targets.names.is_empty() && asked > 0 && !targets.all {
                return Ok(0);
            }
        }
        let containers = targets.resolve(context)?;
        // Stopped from outside the user namespace: its monitors are reached as easily from here.
        if self.force {
            for container in containers.iter().filter(|container| container.status == Status::Running) {
                stop::stop(&context.engine, container, None, Some(self.time.unwrap_or(0)))?;
            }
        }
        super::in_userns(Door::for_command(&context.engine)?, || {
            each(&containers, |container| {
                match state::read(&context.engine, &container.config.id) {
                    Ok(now) => remove::remove(&context.engine, &now, self.volumes || now.config.auto_remove)?,
                    // One made with --rm has removed itself when it was stopped.
                    Err(error) if error::kind(&error) == Kind::NotFound => {}
                    Err(error) => return Err(error),
                }
                say(container.config.name.as_str());
                Ok(())
            })
        })
    }
}

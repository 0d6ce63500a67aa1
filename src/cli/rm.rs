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

/// A container does not exist: podman-rm(1).
const EXIT_MISSING: u8 = 1;
/// A container runs.
const EXIT_RUNNING: u8 = 2;

impl Verb for Rm {
    fn run(self, context: &Context) -> Result<u8> {
        self.remove(context).or_else(|error| {
            let code = match error::kind(&error) {
                Kind::NotFound => EXIT_MISSING,
                Kind::InUse => EXIT_RUNNING,
                _ => return Err(error),
            };
            super::report(&context.verb, &error);
            Ok(code)
        })
    }
}

impl Rm {
    fn remove(self, context: &Context) -> Result<u8> {
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
                let id = &container.config.id;
                if self.force {
                    remove::remove_by_force(&context.engine, id, self.volumes)?;
                } else {
                    remove::remove(&context.engine, &state::read(&context.engine, id)?, self.volumes)?;
                }
                say(container.config.name.as_str());
                Ok(())
            })
        })
    }
}

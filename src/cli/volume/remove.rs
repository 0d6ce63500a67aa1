//! `volume rm` and `volume prune`: remove volumes.

use super::ls::parse_filters;
use crate::cli::{Context, Verb, each, in_userns, removal, report, say, system_prune};
use crate::container::control::Door;
use crate::container::events::{self, Event, Happening, Object};
use crate::container::{remove, size, stop, volumes};
use crate::engine::Engine;
use crate::error::{self, Kind};
use crate::inspect::volume::Usage;
use crate::volume;
use anyhow::Result;
use std::io::{IsTerminal, Write};

/// Remove volumes and all that is in them
#[derive(clap::Args)]
pub struct Rm {
    /// All volumes
    #[arg(short, long, conflicts_with = "names")]
    all: bool,
    /// Remove the containers that have the volume too, running or not; a volume that does not exist is no error
    #[arg(short, long)]
    force: bool,
    /// With --force, ask containers to end and kill them after this many seconds
    #[arg(short, long, value_name = "SECONDS", requires = "force")]
    time: Option<u64>,
    /// The volumes
    #[arg(value_name = "VOLUME", required_unless_present = "all")]
    names: Vec<String>,
}

/// Remove all volumes that no container has
#[derive(clap::Args)]
pub struct Prune {
    /// Remove named volumes too, which is so without it as well
    #[arg(short, long, hide = true)]
    all: bool,
    /// Remove only volumes that fit: anonymous, driver, label, label!, name, opt, since, until
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
    fn remove(self, context: &Context) -> Result<u8> {
        let engine = &context.engine;
        let mut names = Vec::new();
        let mut missing = None;
        if self.all {
            names.extend(volume::list(engine)?.into_iter().map(|volume| volume.name));
        }
        for text in &self.names {
            match super::find(context, text) {
                Ok(volume) => names.push(volume.name),
                Err(error) if error::kind(&error) == Kind::NotFound && self.force => {}
                // The others are removed all the same.
                Err(error) => {
                    if let Some(earlier) = missing.replace(error) {
                        report(&context.verb, &earlier);
                    }
                }
            }
        }
        if self.force {
            // Stopped from outside the user namespace: monitors are reached as easily from here.
            for name in &names {
                for user in volumes::users(engine, name)?.iter().filter(|user| user.status.is_alive()) {
                    stop::stop(engine, user, None, Some(self.time.unwrap_or(0)))?;
                }
            }
        }
        if !names.is_empty() {
            let code = in_userns(Door::for_command(engine)?, || {
                each(&names, |name| {
                    if self.force {
                        for user in volumes::users(engine, name)? {
                            remove::remove_by_force(engine, &user.config.id, false)?;
                        }
                    }
                    volumes::remove(engine, name)?;
                    tell_gone(engine, name);
                    say(name);
                    Ok(())
                })
            });
            if let (Err(error), Some(_)) = (&code, &missing) {
                report(&context.verb, error);
            } else {
                code?;
            }
        }
        missing.map_or(Ok(0), Err)
    }
}

fn tell_gone(engine: &Engine, name: &str) {
    events::tell(engine, &[Event::new(Object::Volume, Happening::Remove, "", name)]);
}

/// Removes a volume that no container has, and gives the bytes in it, if they are to be counted. None if a container has
/// come meanwhile.
pub fn prune(engine: &Engine, name: &str, counts: bool) -> Result<Option<u64>> {
    // What cannot be counted can be removed all the same.
    let held = if counts { size::tree(&volume::data(engine, name)).unwrap_or(0) } else { 0 };
    match volumes::remove(engine, name) {
        Ok(()) => {}
        Err(error) if error::kind(&error) == Kind::InUse => return Ok(None),
        Err(error) => return Err(error),
    }
    tell_gone(engine, name);
    Ok(Some(held))
}

impl Verb for Prune {
    fn run(self, context: &Context) -> Result<u8> {
        let engine = &context.engine;
        let filters = parse_filters(context, &self.filter)?;
        if !self.force && !confirmed()? {
            return Ok(0);
        }
        let usage = Usage::find(engine)?;
        let mut unused = volume::list(engine)?;
        unused.retain(|volume| !usage.is_used(&volume.name) && filters.match_volume(volume, &usage));
        if unused.is_empty() {
            if context.docker {
                system_prune::report("Volumes", &[], 0);
            }
            return Ok(0);
        }
        in_userns(Door::for_command(engine)?, || {
            let (mut names, mut bytes) = (Vec::new(), 0);
            let code = each(&unused, |volume| {
                let Some(freed) = prune(engine, &volume.name, context.docker)? else { return Ok(()) };
                if !context.docker {
                    say(&volume.name);
                }
                bytes += freed;
                names.push(volume.name.clone());
                Ok(())
            });
            if context.docker {
                system_prune::report("Volumes", &names, bytes);
            }
            code
        })
    }
}

/// Asks at a terminal; where nobody can be asked the answer is no.
fn confirmed() -> Result<bool> {
    let mut stderr = std::io::stderr();
    let _ = write!(
        stderr,
        "WARNING! This removes all volumes that no container uses.\nAre you sure you want to continue? [y/N] "
    );
    let _ = stderr.flush();
    let mut line = String::new();
    std::io::stdin().read_line(&mut line)?;
    if !std::io::stdin().is_terminal() {
        let _ = writeln!(stderr);
    }
    Ok(matches!(line.trim(), "y" | "Y" | "yes" | "Yes"))
}

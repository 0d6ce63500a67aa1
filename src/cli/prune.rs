//! `container prune` and `container cleanup`: what is over goes.

use super::time::{self, Bound};
use super::{Context, Targets, Verb, confirm, each, say, system_prune};
use crate::container::config::{Config, Source};
use crate::container::control::Door;
use crate::container::state::{self, Container};
use crate::container::{remove, size, stop};
use crate::engine::Engine;
use crate::error::{self, Kind};
use crate::image;
use crate::inspect::filter::Containers;
use crate::store::layers;
use anyhow::Result;
use std::time::SystemTime;

/// Remove all containers that do not run
#[derive(clap::Args)]
pub struct Prune {
    /// Remove only containers that fit: label, label!, until, and what ps takes
    #[arg(long, value_name = "KEY=VALUE")]
    filter: Vec<String>,
    /// Do not ask
    #[arg(short, long)]
    force: bool,
}

impl Verb for Prune {
    fn run(self, context: &Context) -> Result<u8> {
        if !self.force && !confirm::confirm("This will remove all non running containers.")? {
            return Ok(0);
        }
        let (limits, filters): (Vec<String>, Vec<String>) =
            self.filter.into_iter().partition(|filter| filter.starts_with("until="));
        let now = SystemTime::now();
        let limits = limits.iter().filter_map(|limit| limit.strip_prefix("until="));
        let until = limits
            .map(|text| time::parse_time(text, Bound::Since, now))
            .collect::<Result<Vec<_>>>()?
            .into_iter()
            .map(|time| u64::try_from(time::unix_nanos(time)).unwrap_or(0))
            .min();
        let filters = Containers::parse(&context.engine, &filters)?;
        let mut containers = state::list(&context.engine)?;
        containers.retain(|container| {
            !container.status.is_alive()
                && container.status != state::Status::Elsewhere
                && until.is_none_or(|until| container.config.created < until)
                && filters.match_container(container)
        });
        let engine = &context.engine;
        if containers.is_empty() {
            if context.docker {
                system_prune::report("Containers", &[], 0);
            }
            return Ok(0);
        }
        super::in_userns(Door::for_command(engine)?, || {
            let (mut ids, mut bytes) = (Vec::new(), 0);
            let code = each(&containers, |container| {
                let Some(freed) = prune(engine, container, context.docker)? else { return Ok(()) };
                bytes += freed;
                match context.docker {
                    true => ids.push(container.config.id.to_string()),
                    false => say(container.config.id.as_str()),
                }
                Ok(())
            });
            if context.docker {
                system_prune::report("Containers", &ids, bytes);
            }
            code
        })
    }
}

/// Removes a container that is over, and gives the bytes that it had written, if they are to be counted. None if somebody
/// has started or removed it meanwhile.
pub fn prune(engine: &Engine, container: &Container, counts: bool) -> Result<Option<u64>> {
    // What cannot be counted can be removed all the same.
    let written = || size::of(engine, &container.config).map_or(0, |size| size.written);
    let written = if counts { written() } else { 0 };
    match remove::remove(engine, container, true) {
        Ok(()) => Ok(Some(written)),
        Err(error) if matches!(error::kind(&error), Kind::InUse | Kind::NotFound) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Clear up after one or more containers that have ended; their monitors have done that already unless they were killed
#[derive(clap::Args)]
pub struct Cleanup {
    /// Accepted for podman's own use: what a monitor knows of an exec goes with it
    #[arg(long, value_name = "ID")]
    exec: Option<String>,
    /// Remove the containers
    #[arg(long)]
    rm: bool,
    /// Remove the containers and their images
    #[arg(long)]
    rmi: bool,
    #[command(flatten)]
    targets: Targets,
}

impl Verb for Cleanup {
    fn run(self, context: &Context) -> Result<u8> {
        let containers = self.targets.resolve(context)?;
        if self.exec.is_some() {
            return Ok(0);
        }
        super::in_userns(Door::for_command(&context.engine)?, || {
            each(&containers, |container| {
                let config = &container.config;
                if container.status.is_alive() {
                    if self.targets.all {
                        return Ok(());
                    }
                    return Err(Kind::InUse.hinted(format!("container {} is running", config.name), "stop it first"));
                }
                self.clean(context, container)?;
                say(config.id.as_str());
                Ok(())
            })
        })
    }
}

impl Cleanup {
    fn clean(&self, context: &Context, container: &Container) -> Result<()> {
        if let Some(state) = &container.state {
            stop::end_lost(state)?;
        }
        if self.rm || self.rmi {
            remove::remove(&context.engine, container, false)?;
        }
        if self.rmi {
            remove_image(context, &container.config)?;
        }
        Ok(())
    }
}

/// Removes the image of a container that is gone, unless something else uses it.
pub fn remove_image(context: &Context, config: &Config) -> Result<()> {
    let Source::Image(source) = &config.source else { return Ok(()) };
    let is_user = |other: &Container| matches!(&other.config.source, Source::Image(image) if image.id == source.id);
    if state::list(&context.engine)?.iter().any(is_user) {
        return Ok(());
    }
    match image::remove::remove(&context.engine, &source.name, false, |_| Ok(())) {
        Err(error) if error::kind(&error) == Kind::NotFound => Ok(()),
        removed => layers::remove(&context.engine, &removed?.layers),
    }
}

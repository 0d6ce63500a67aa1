//! `restart`: end containers and start them again.

use super::{Context, Targets, Verb, each, say};
use crate::container::{restart, state};
use anyhow::Result;
use std::path::PathBuf;

/// Restart one or more containers, or start those that do not run
#[derive(clap::Args)]
pub struct Restart {
    /// Kill a container this many seconds after it was asked to end [default: what it was made with, else 10]
    #[arg(short, long, visible_alias = "timeout", value_name = "SECONDS", allow_negative_numbers = true)]
    time: Option<i64>,
    /// Restart only containers that run
    #[arg(long)]
    running: bool,
    /// Restart only containers that fit, as for ps
    #[arg(short, long, value_name = "KEY=VALUE")]
    filter: Vec<String>,
    /// Read ids from a file that --cidfile of run has written
    #[arg(long, value_name = "FILE")]
    cidfile: Vec<PathBuf>,
    /// All containers
    #[arg(short, long, conflicts_with = "names")]
    all: bool,
    /// The one that was made last
    #[arg(short, long, conflicts_with_all = ["names", "all"])]
    latest: bool,
    /// The containers, by name, id or the beginning of an id
    #[arg(value_name = "CONTAINER", required_unless_present_any = ["all", "latest", "running", "filter", "cidfile"])]
    names: Vec<String>,
}

impl Verb for Restart {
    fn run(mut self, context: &Context) -> Result<u8> {
        for file in &self.cidfile {
            self.names.push(super::read_cidfile(file)?);
        }
        let chooses = self.names.is_empty() && (self.running || !self.filter.is_empty());
        let targets = Targets { all: self.all || chooses, latest: self.latest, names: self.names };
        let mut containers = targets.resolve(context)?;
        super::retain_filtered(context, &mut containers, &self.filter)?;
        containers.retain(|container| !self.running || container.status.is_alive());
        // A negative time is podman's "wait for as long as it takes".
        let timeout_secs = self.time.map(|seconds| u64::try_from(seconds).unwrap_or(u64::from(u32::MAX)));
        each(&containers, |container| {
            let now = state::read(&context.engine, &container.config.id)?;
            if let Some(started) = restart::restart(&context.engine, &now, timeout_secs)? {
                super::tell_started(&started);
            }
            say(container.config.name.as_str());
            Ok(())
        })
    }
}

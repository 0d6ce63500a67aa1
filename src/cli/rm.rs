//! `rm`: remove containers.

use super::choice::{Choice, Chosen, Missing};
use super::{Context, Verb, each, say};
use crate::container::config::Id;
use crate::container::control::Door;
use crate::container::{depend, remove, state};
use crate::error::{self, Kind};
use anyhow::Result;
use std::path::PathBuf;

/// Remove one or more containers
#[derive(clap::Args)]
pub struct Rm {
    /// All containers
    #[arg(short, long, conflicts_with_all = ["names", "cidfile", "latest"])]
    all: bool,
    /// Take the container's id from this file
    #[arg(long, value_name = "FILE")]
    cidfile: Vec<PathBuf>,
    /// Remove the containers that depend on these too
    #[arg(long)]
    depend: bool,
    /// The containers that fit, as for ps
    #[arg(long, value_name = "KEY=VALUE", conflicts_with_all = ["names", "cidfile", "latest"])]
    filter: Vec<String>,
    /// Kill the container first if it runs; a container that does not exist is no error
    #[arg(short, long)]
    force: bool,
    /// A container that does not exist is no error
    #[arg(short, long)]
    ignore: bool,
    /// The one that was made last
    #[arg(short, long, conflicts_with_all = ["names", "cidfile"])]
    latest: bool,
    /// Ask the container to end, with --force, and kill it after this many seconds
    #[arg(short, long, value_name = "SECONDS", requires = "force", allow_negative_numbers = true)]
    time: Option<i64>,
    /// Remove the container's anonymous volumes too
    #[arg(short, long)]
    volumes: bool,
    /// The containers, by name, id or the beginning of an id
    #[arg(value_name = "CONTAINER", required_unless_present_any = ["all", "cidfile", "filter", "latest"])]
    names: Vec<String>,
}

impl Verb for Rm {
    fn run(self, context: &Context) -> Result<u8> {
        super::removal(context, self.remove(context))
    }
}

impl Rm {
    fn remove(&self, context: &Context) -> Result<u8> {
        let choice = Choice {
            all: self.all,
            cidfile: self.cidfile.clone(),
            filter: self.filter.clone(),
            latest: self.latest,
            names: self.names.clone(),
        };
        let missing = if self.force || self.ignore { Missing::Ignore } else { Missing::Refuse };
        let chosen = choice.resolve(context, missing)?;
        if chosen.is_empty() {
            return Ok(0);
        }
        let (mut chosen, needed) = self.part_needed(context, chosen)?;
        // Stopped from outside the user namespace: its monitors are reached as easily from here.
        if self.force {
            super::stop::all(context, &chosen, None, super::stop::timeout(self.time).or(Some(0)), |_| ())?;
        }
        chosen.extend(needed);
        super::in_userns(Door::for_command(&context.engine)?, || {
            each(&chosen, |chosen| {
                self.remove_one(context, &chosen.container.config.id, 0)?;
                say(&chosen.typed);
                Ok(())
            })
        })
    }

    /// Parts off those that stay because others need them, which shall not be stopped for nothing.
    fn part_needed(&self, context: &Context, chosen: Vec<Chosen>) -> Result<(Vec<Chosen>, Vec<Chosen>)> {
        if !self.force || self.depend || self.all {
            return Ok((chosen, Vec::new()));
        }
        let ids: Vec<Id> = chosen.iter().map(|chosen| chosen.container.config.id.clone()).collect();
        let (mut free, mut needed) = (Vec::new(), Vec::new());
        for one in chosen {
            let dependents = depend::dependents(&context.engine, &one.container.config.id)?;
            let is_free = dependents.iter().all(|other| ids.contains(&other.config.id));
            if is_free { free.push(one) } else { needed.push(one) }
        }
        Ok((free, needed))
    }

    /// Removes a container after those that depend on it, if they are meant too.
    fn remove_one(&self, context: &Context, id: &Id, depth: usize) -> Result<()> {
        if (self.depend || self.all) && depth < depend::DEPTH_MAX {
            for dependent in depend::dependents(&context.engine, id)? {
                self.remove_one(context, &dependent.config.id, depth + 1)?;
            }
        }
        if self.force {
            return remove::remove_by_force(&context.engine, id, self.volumes);
        }
        match state::read(&context.engine, id) {
            // It went with the one that it depended on.
            Err(error) if error::kind(&error) == Kind::NotFound && (self.all || depth > 0) => Ok(()),
            container => remove::remove(&context.engine, &container?, self.volumes),
        }
    }
}

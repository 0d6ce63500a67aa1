//! Which containers a verb is about: by name, by file, by filter, all, or the last one.

use super::Context;
use crate::container::state::{self, Container};
use crate::error::{self, Kind};
use crate::inspect::filter::Containers;
use anyhow::Result;
use std::path::PathBuf;

/// The containers, as they may be named on most command lines.
#[derive(clap::Args, Clone, Debug, Default)]
pub struct Choice {
    /// All containers that this can be done to
    #[arg(short, long, conflicts_with_all = ["names", "cidfile", "latest"])]
    pub all: bool,
    /// Take the container's id from this file
    #[arg(long, value_name = "FILE")]
    pub cidfile: Vec<PathBuf>,
    /// The containers that fit, as for ps
    #[arg(short, long, value_name = "KEY=VALUE", conflicts_with_all = ["names", "cidfile", "latest"])]
    pub filter: Vec<String>,
    /// The one that was made last
    #[arg(short, long, conflicts_with_all = ["names", "cidfile"])]
    pub latest: bool,
    /// The containers, by name, id or the beginning of an id
    #[arg(value_name = "CONTAINER", required_unless_present_any = ["all", "cidfile", "filter", "latest"])]
    pub names: Vec<String>,
}

/// A container, and what it is called in what is printed: as it was typed.
pub struct Chosen {
    pub container: Container,
    pub typed: String,
}

/// What becomes of a name that no container has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Missing {
    Refuse,
    Ignore,
}

impl Choice {
    /// Finds all of them before anything is done to one.
    pub fn resolve(&self, context: &Context, missing: Missing) -> Result<Vec<Chosen>> {
        if self.is_open() || self.latest {
            let mut containers = state::list(&context.engine)?;
            if self.latest {
                containers.truncate(1);
                if containers.is_empty() {
                    return Err(Kind::NotFound.error("there are no containers"));
                }
            }
            let filters = Containers::parse(&context.engine, &self.filter)?;
            containers.retain(|container| filters.match_container(container));
            let chosen = |container: Container| Chosen { typed: container.config.id.to_string(), container };
            return Ok(containers.into_iter().map(chosen).collect());
        }
        let mut names = self.names.clone();
        for file in &self.cidfile {
            match super::read_cidfile(file) {
                Err(_) if missing == Missing::Ignore => {}
                id => names.push(id?),
            }
        }
        let mut chosen = Vec::new();
        for typed in names {
            match state::find(&context.engine, &typed) {
                Ok(container) => chosen.push(Chosen { container, typed }),
                Err(error) if missing == Missing::Ignore && error::kind(&error) == Kind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        Ok(chosen)
    }

    /// As `resolve`, where one that was not named is only meant if this can be done to it.
    pub fn resolve_fitting(
        &self,
        context: &Context,
        missing: Missing,
        fits: impl Fn(&Container) -> bool,
    ) -> Result<Vec<Chosen>> {
        let mut chosen = self.resolve(context, missing)?;
        if self.is_open() {
            chosen.retain(|chosen| fits(&chosen.container));
        }
        Ok(chosen)
    }

    /// Whether they are not named one by one.
    fn is_open(&self) -> bool {
        self.all || !self.filter.is_empty()
    }
}

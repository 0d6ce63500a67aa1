//! `image prune`: remove images that nobody uses.

use super::confirm::confirm;
use super::{Context, Verb, say};
use crate::container::config::Source;
use crate::container::control::Door;
use crate::container::state;
use crate::error::{self, Kind};
use crate::image::{self, Summary, remove};
use crate::inspect::filter::Images;
use crate::store::{check, layers};
use anyhow::Result;
use std::collections::HashSet;

/// Remove images that have no name and that no container uses
#[derive(clap::Args)]
pub struct ImagePrune {
    /// Remove images that have a name too
    #[arg(short, long)]
    all: bool,
    /// Accepted for scripts of podman: there is no cache of builds yet
    #[arg(long, hide = true)]
    build_cache: bool,
    /// Accepted for scripts of podman: there are no containers of others in the store
    #[arg(long, hide = true)]
    external: bool,
    /// Remove only images that fit, as for images: label, label!, until, …
    #[arg(long, value_name = "KEY=VALUE")]
    filter: Vec<String>,
    /// Do not ask
    #[arg(short, long)]
    force: bool,
}

impl Verb for ImagePrune {
    fn run(self, context: &Context) -> Result<u8> {
        let warning = match self.all {
            true => "This command removes all images without at least one container associated with them.",
            false => "This command removes all dangling images.",
        };
        if !self.force && !confirm(warning)? {
            return Ok(0);
        }
        crate::store::prepare(&context.engine)?;
        super::in_userns(Door::for_command(&context.engine)?, || {
            let (removed, bytes) = prune(context, self.all, &self.filter)?;
            match context.docker {
                true => super::system_prune::report("Images", &super::system_prune::deleted(&removed), bytes),
                false => removed.iter().for_each(|id| say(id)),
            }
            Ok(0)
        })
    }
}

/// Removes the images that no container uses: those without a name, or `all`. Gives their ids and how many bytes they
/// were. Behind the door.
pub fn prune(context: &Context, all: bool, filters: &[String]) -> Result<(Vec<String>, u64)> {
    let engine = &context.engine;
    check::sweep_staging(engine)?;
    let filters = Images::parse(engine, filters)?;
    let mut used = HashSet::new();
    for container in state::list(engine)? {
        if let Source::Image(image) = container.config.source {
            used.insert(image.id);
        }
    }
    let (mut ids, mut bytes) = (Vec::new(), 0);
    for image in image::list(engine)? {
        let is_asked_for = all || image.references.is_empty();
        if !is_asked_for || used.contains(&image.id) || !filters.match_image(engine, &image)? {
            continue;
        }
        let id = image.id.hex();
        // A container may have been made of it since the list was read.
        let unused = |image: &Summary| {
            let is_of = |container: &state::Container| matches!(&container.config.source, Source::Image(source) if source.id == image.id);
            match state::list(engine)?.iter().any(is_of) {
                true => Err(Kind::InUse.error("a container uses it")),
                false => Ok(()),
            }
        };
        match remove::remove(engine, &id, true, unused) {
            Ok(removed) => {
                layers::remove(engine, &removed.layers)?;
                ids.push(id);
                bytes += image.size;
            }
            Err(error) if matches!(error::kind(&error), Kind::InUse | Kind::NotFound) => {}
            Err(error) => return Err(error),
        }
    }
    Ok((ids, bytes))
}

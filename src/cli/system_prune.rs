//! `system prune`: remove what nobody uses.

use super::confirm::confirm;
use super::units::human_size;
use super::{Context, Verb, image_prune, prune, say, talk};
use crate::container::control::Door;
use crate::container::state::{self, Status};
use crate::error::{self, Kind};
use crate::image::pull::Access;
use crate::image::refetch::Refetchable;
use crate::inspect::filter::{Containers, Networks};
use crate::inspect::volume::Usage;
use crate::store::partial;
use crate::volume::{self, Volume};
use anyhow::Result;
use std::time::Duration;

/// Remove containers that do not run, and networks, images and volumes that none uses
#[derive(clap::Args)]
pub struct SystemPrune {
    /// Remove images that have a name too
    #[arg(short, long)]
    all: bool,
    /// Remove the compressed blobs of unpacked layers too, as far as the image's registry has them when it is asked.
    /// Containers run as before; to push or save such an image elsewhere, pull it again first
    #[arg(long)]
    blobs: bool,
    /// Accepted for scripts of podman: builds leave no containers behind
    #[arg(long)]
    build: bool,
    /// Accepted for scripts of podman: there are no containers of others in the store
    #[arg(long, hide = true)]
    external: bool,
    /// Remove only what fits: label, label!, until
    #[arg(long, value_name = "KEY=VALUE")]
    filter: Vec<String>,
    /// Do not ask
    #[arg(short, long)]
    force: bool,
    /// Remove volumes too
    #[arg(long)]
    volumes: bool,
}

impl Verb for SystemPrune {
    fn run(self, context: &Context) -> Result<u8> {
        for filter in &self.filter {
            let key = filter.split('=').next().unwrap_or_default();
            if !matches!(key, "label" | "label!" | "until") {
                return Err(
                    Kind::BadInput.error(format!("unknown filter {key:?}: the filters are label, label!, until"))
                );
            }
        }
        if self.volumes && self.filter.iter().any(|filter| filter.starts_with("until=")) {
            return Err(Kind::BadInput.error("the filter until is not for volumes: leave out --volumes"));
        }
        if self.blobs && !self.filter.is_empty() {
            return Err(Kind::BadInput.error("--blobs takes no filter: leave out --filter"));
        }
        if !self.force && !confirm(&self.warning())? {
            return Ok(0);
        }
        crate::store::prepare(&context.engine)?;
        // The user's settings are not root's, which this process seems to be behind the door.
        let defaults = super::network::defaults(context)?;
        super::in_userns(Door::for_command(&context.engine)?, || {
            let mut bytes = self.containers(context)?;
            let filters = Networks::parse_for_prune(&self.filter)?;
            let networks = super::network::remove::prune(&context.engine, &defaults, &filters)?;
            tell(context.docker, "Networks", &networks);
            if self.volumes {
                bytes += self.unused_volumes(context)?;
            }
            let (images, image_bytes) = image_prune::prune(context, self.all, &self.filter)?;
            if self.blobs {
                bytes += blobs(context)?;
            }
            if self.filter.is_empty() {
                bytes += partial::sweep(&context.engine, Duration::ZERO)?;
            }
            match context.docker {
                true => tell(context.docker, "Images", &deleted(&images)),
                false => tell(context.docker, "Images", &images),
            }
            say(&reclaimed(bytes + image_bytes));
            Ok(0)
        })
    }
}

impl SystemPrune {
    fn warning(&self) -> String {
        let mut text = "This command removes:\n\t- all stopped containers\n\
                        \t- all networks not used by at least one container\n"
            .to_owned();
        if self.volumes {
            text.push_str("\t- all volumes not used by at least one container\n");
        }
        if self.build {
            text.push_str("\t- all build containers\n");
        }
        if self.blobs {
            text.push_str("\t- all blobs of unpacked layers that a registry has\n");
        }
        text.push_str(match self.all {
            true => "\t- all images without at least one container associated with them\n\t- all build cache\n",
            false => "\t- all dangling images\n\t- all dangling build cache\n",
        });
        text
    }

    fn containers(&self, context: &Context) -> Result<u64> {
        let engine = &context.engine;
        let filters = Containers::parse(engine, &self.filter)?;
        let (mut ids, mut bytes) = (Vec::new(), 0);
        for container in state::list(engine)? {
            let is_over = match container.status {
                Status::Created | Status::Exited | Status::Lost => true,
                Status::Running | Status::Paused | Status::Elsewhere => false,
            };
            if !is_over || !filters.match_container(&container) {
                continue;
            }
            if let Some(freed) = prune::prune(engine, &container, true)? {
                ids.push(container.config.id.to_string());
                bytes += freed;
            }
        }
        tell(context.docker, "Containers", &ids);
        Ok(bytes)
    }

    fn unused_volumes(&self, context: &Context) -> Result<u64> {
        let engine = &context.engine;
        let usage = Usage::find(engine)?;
        let (mut names, mut bytes) = (Vec::new(), 0);
        for Volume { name, .. } in volume::list(engine)? {
            if usage.is_used(&name) {
                continue;
            }
            if let Some(freed) = super::volume::remove::prune(engine, &name, true)? {
                bytes += freed;
                names.push(name);
            }
        }
        tell(context.docker, "Volumes", &names);
        Ok(bytes)
    }
}

/// Removes the blobs that registries have, having asked them.
fn blobs(context: &Context) -> Result<u64> {
    let access = Access { retries: Some(0), ..Access::default() };
    let found = Refetchable::find(&context.engine, &access)?;
    for (name, error) in &found.unanswered {
        talk(&format!("the blobs of {name} stay: {}", error::line(error)));
    }
    found.remove(&context.engine)
}

/// What went, under its heading; nothing is said of nothing.
fn tell(docker: bool, what: &str, names: &[String]) {
    if names.is_empty() {
        return;
    }
    say(&format!("Deleted {what}{}", if docker { ":" } else { "" }));
    names.iter().for_each(|name| say(name));
    if docker {
        say("");
    }
}

/// What docker says at the end of a prune of one kind: what went, and how many bytes that was.
pub fn report(what: &str, names: &[String], bytes: u64) {
    tell(true, what, names);
    say(&reclaimed(bytes));
}

/// Images that went, in docker's words.
pub fn deleted(ids: &[String]) -> Vec<String> {
    ids.iter().map(|id| format!("deleted: sha256:{id}")).collect()
}

fn reclaimed(bytes: u64) -> String {
    format!("Total reclaimed space: {}", human_size(bytes as f64, 4))
}

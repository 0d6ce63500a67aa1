//! `rmi`: remove images, and what nothing else uses of them.

use super::{Context, Verb, say};
use crate::container::control::Door;
use crate::container::events::{self, Event, Happening, Object};
use crate::container::state::{self, Container, Status};
use crate::container::{remove as container, shift, stop};
use crate::error::{self, Kind};
use crate::image::{self, remove};
use crate::store::digest::Digest;
use crate::store::layers;
use anyhow::Result;

/// Remove one or more images
#[derive(clap::Args)]
pub struct Rmi {
    /// Remove all images
    #[arg(short, long, conflicts_with = "names")]
    all: bool,
    /// Remove an image with several names, and the containers that use it
    #[arg(short, long)]
    force: bool,
    /// An image that does not exist is no error
    #[arg(short, long)]
    ignore: bool,
    /// The images, by name or id
    #[arg(value_name = "IMAGE", required_unless_present = "all")]
    names: Vec<String>,
}

impl Verb for Rmi {
    fn run(self, context: &Context) -> Result<u8> {
        crate::store::prepare(&context.engine)?;
        let names = if self.all {
            image::list(&context.engine)?.iter().map(|image| image.id.hex()).collect()
        } else {
            self.names.clone()
        };
        super::in_userns(Door::for_command(&context.engine)?, || {
            super::each(&names, |name| match self.remove(context, name) {
                Err(error) if self.ignore && error::kind(&error) == Kind::NotFound => Ok(()),
                other => other,
            })
        })
    }
}

impl Rmi {
    fn remove(&self, context: &Context, name: &str) -> Result<()> {
        let force = self.force || self.all;
        let removed = remove::remove(&context.engine, name, force, |image| {
            for user in users(context, &image.id)? {
                if !self.force {
                    let message = format!("image {name} is used by container {}", user.config.name);
                    return Err(Kind::InUse.hinted(message, "remove the container first, or use --force"));
                }
                stop::stop(&context.engine, &user, None, Some(0))?;
                if let Ok(user) = state::read(&context.engine, &user.config.id) {
                    container::remove(&context.engine, &user, true)?;
                }
            }
            Ok(())
        })?;
        if removed.deleted.is_some() {
            shift::sweep(&context.engine)?;
        }
        layers::remove(&context.engine, &removed.layers)?;
        let untagged = removed.untagged.iter();
        let mut events: Vec<Event> =
            untagged.map(|name| Event::new(Object::Image, Happening::Untag, "", name)).collect();
        if let Some(id) = &removed.deleted {
            events.iter_mut().for_each(|event| event.id = id.hex());
            events.push(Event::new(Object::Image, Happening::Remove, id.hex(), name));
        }
        events::tell(&context.engine, &events);
        removed.untagged.iter().for_each(|name| say(&format!("Untagged: {name}")));
        if let Some(id) = &removed.deleted {
            say(&format!("Deleted: {}", id.hex()));
        }
        Ok(())
    }
}

/// The containers that were made from an image. One whose status is lost or running counts as much as any.
fn users(context: &Context, id: &Digest) -> Result<Vec<Container>> {
    let mut containers = state::list(&context.engine)?;
    containers.retain(|container| {
        container.config.images().any(|image| image == id) && container.status != Status::Elsewhere
    });
    Ok(containers)
}

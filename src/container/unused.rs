//! Images that no container needs any more.

use super::config::{Config, Source};
use super::events::{self, Event, Happening, Object};
use super::shift;
use super::state::{self, Container, Status};
use crate::engine::Engine;
use crate::error::{self, Kind};
use crate::image::remove::{self, Removed};
use crate::image::{self, Summary};
use crate::store::digest::Digest;
use crate::store::layers;
use anyhow::Result;

/// The containers that were made from an image. One whose status is lost or running counts as much as any.
pub fn users(engine: &Engine, id: &Digest) -> Result<Vec<Container>> {
    let mut containers = state::list(engine)?;
    containers.retain(|container| {
        container.config.images().any(|(image, _)| image == Some(id)) && container.status != Status::Elsewhere
    });
    Ok(containers)
}

/// Removes an image, or one of its names, with its files, and tells of it. The caller is in the engine's user namespace.
pub fn remove_image(
    engine: &Engine,
    name: &str,
    force: bool,
    check: impl FnOnce(&Summary) -> Result<()>,
) -> Result<Removed> {
    let removed = remove::remove(engine, name, force, check)?;
    if removed.deleted.is_some() {
        shift::sweep(engine)?;
    }
    layers::remove(engine, &removed.layers)?;
    let untagged = removed.untagged.iter();
    let mut events: Vec<Event> = untagged.map(|name| Event::new(Object::Image, Happening::Untag, "", name)).collect();
    if let Some(id) = &removed.deleted {
        events.iter_mut().for_each(|event| event.id = id.hex());
        events.push(Event::new(Object::Image, Happening::Remove, id.hex(), name));
    }
    events::tell(engine, &events);
    Ok(removed)
}

/// The image of a container that is gone goes too, unless another uses it, or its name means another image by now.
pub fn follow_container(engine: &Engine, config: &Config) -> Result<()> {
    let Source::Image(source) = &config.source else { return Ok(()) };
    let Some(image) = image::list(engine)?.into_iter().find(|image| image.id == source.id) else { return Ok(()) };
    let name = if image.references.contains(&source.name) {
        source.name.clone()
    } else if image.references.is_empty() {
        image.id.hex()
    } else {
        return Ok(());
    };
    let refuse_used = |image: &Summary| match users(engine, &image.id)?.is_empty() {
        true => Ok(()),
        false => Err(Kind::InUse.error(format!("image {name} is used by another container"))),
    };
    let removed = refuse_used(&image).and_then(|()| remove_image(engine, &name, false, refuse_used));
    match removed {
        Err(error) if matches!(error::kind(&error), Kind::InUse | Kind::NotFound) => Ok(()),
        other => other.map(drop),
    }
}

//! `save`: images of the store in an archive or a directory, every layer checked on its way out.

use super::config::CONFIG_BYTES_MAX;
use super::manifest::{MANIFEST_BYTES_MAX, Manifest};
use super::reference::Reference;
use super::transfer::Progress;
use super::transport::members::{self, Format};
use super::transport::target::{Target, Writing};
use super::transport::{self, Blobs, Incoming, Outgoing};
use super::{Image, parts};
use crate::engine::Engine;
use crate::error::Kind;
use crate::store::blobs;
use crate::store::digest::Digest;
use anyhow::{Context, Result};

/// An image and the names that it gets where it is saved.
pub struct Named {
    pub image: Image,
    pub references: Vec<Reference>,
}

/// Writes images of the store.
pub fn save(engine: &Engine, images: &[Named], format: Format, target: &Target, progress: Progress) -> Result<()> {
    // Nothing of them is removed meanwhile as garbage.
    let _guard = blobs::incoming(engine)?;
    let outgoing = |named: &Named| -> Result<_> {
        let names = named.references.iter().map(Reference::to_string).collect();
        Ok(Outgoing { image: stored(engine, &named.image)?, names })
    };
    let images: Vec<_> = images.iter().map(outgoing).collect::<Result<_>>()?;
    write(engine, &Blobs::Store(engine), &images, format, target, progress).map(drop)
}

/// Writes images from wherever their blobs are. Gives the digests of their manifests.
pub fn write(
    engine: &Engine,
    source: &Blobs,
    images: &[Outgoing],
    format: Format,
    target: &Target,
    progress: Progress,
) -> Result<Vec<Digest>> {
    let prepared = transport::prepare(engine, source, images, |layer| format.form(layer))?;
    let members = format.members(images, &prepared)?;
    target.write(&Writing { members, prepared: &prepared, source, progress })?;
    let digest = |(image, layers): (&Outgoing, &Vec<_>)| {
        let (bytes, _) = members::manifest(&image.image, layers, &prepared, format.dialect())?;
        Ok(Digest::of(&bytes))
    };
    images.iter().zip(&prepared.layers).map(digest).collect()
}

/// An image of the store as one that can be read from there.
pub fn stored(engine: &Engine, image: &Image) -> Result<Incoming> {
    let read = || -> Result<_> {
        let (manifest, layers) = parts(engine, image)?;
        let config = blobs::read(engine, &manifest.config.digest, CONFIG_BYTES_MAX)?;
        // Of an index, which another tool may have put here, its manifest for this machine is what is there.
        let bytes = blobs::read(engine, &image.manifest, MANIFEST_BYTES_MAX)?;
        let is_own = Manifest::parse(&bytes, None).is_ok();
        let layers = layers.iter().map(|layer| Incoming::layer(layer.blob.digest.hex(), layer));
        Ok((is_own.then(|| (bytes, manifest.own_type().to_owned())), config, layers.collect()))
    };
    let (manifest, config, layers) = read().with_context(|| format!("open image {}", image.id))?;
    let names = image.references.iter().filter_map(|name| Reference::parse(name).ok());
    Ok(Incoming { manifest, config, layers, references: names.collect() })
}

/// Brings images of several names together, each once, in the order in which they were named.
pub fn gather(named: Vec<Named>) -> Vec<Named> {
    let mut all: Vec<Named> = Vec::new();
    for Named { image, references } in named {
        let position =
            all.iter().position(|other| other.image.id == image.id && other.image.manifest == image.manifest);
        match position {
            Some(position) => {
                let others = &mut all[position].references;
                let new: Vec<_> = references.into_iter().filter(|name| !others.contains(name)).collect();
                others.extend(new);
            }
            None => all.push(Named { image, references }),
        }
    }
    all
}

/// An error if this text names another image than it should: who means that wants several images, not a further name.
pub fn check_is_name_of(image: &Image, text: &str, found: Option<&Digest>) -> Result<()> {
    match found {
        Some(other) if *other != image.id => Err(Kind::BadInput.hinted(
            format!("{text} is another image than {}, which would get its name", shown(image)),
            "save several images with --multi-image-archive",
        )),
        Some(_) | None => Ok(()),
    }
}

fn shown(image: &Image) -> String {
    image.references.first().cloned().unwrap_or_else(|| image.id.to_string())
}

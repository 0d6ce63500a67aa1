//! Images from elsewhere in the store as they are: unpacked by nobody, and under no name. To be called with incoming blobs
//! guarded.

use super::whole::Whole;
use super::{Opened, only};
use crate::engine::Engine;
use crate::image::manifest::{Document, Index, Manifest};
use crate::image::transfer::{self, Progress};
use crate::image::transport::members::{self, Format};
use crate::image::transport::{self, Blobs, Form, Outgoing, Prepared};
use crate::store::blobs;
use crate::store::digest::Digest;
use anyhow::{Context, Result};
use std::sync::atomic::AtomicBool;

/// The one image of an opened place; gives its manifest.
pub fn one(engine: &Engine, opened: Opened, progress: Progress) -> Result<(Digest, Manifest)> {
    let images = [Outgoing { image: only(opened.images)?, names: Vec::new() }];
    let prepared = transport::prepare(engine, &opened.blobs, &images, |_| Form::AsIs)?;
    all_blobs(engine, &opened.blobs, &prepared, progress)?;
    let [Outgoing { image, .. }] = &images;
    let layers = prepared.layers.first().context("one image was prepared")?;
    blobs::write(engine, &image.config)?;
    let (bytes, _) = members::manifest(image, layers, &prepared, Format::Layout.dialect())?;
    Ok((blobs::write(engine, &bytes)?, Manifest::parse(&bytes, None)?))
}

/// The images of an index; gives the index, which is not stored.
pub fn members(engine: &Engine, whole: Whole, progress: Progress) -> Result<Index> {
    let (source, bytes, images) = whole.into_parts();
    let images: Vec<_> = images.into_iter().map(|image| Outgoing { image, names: Vec::new() }).collect();
    let prepared = transport::prepare(engine, &source, &images, |_| Form::AsIs)?;
    all_blobs(engine, &source, &prepared, progress)?;
    for (bytes, _) in images.iter().filter_map(|outgoing| outgoing.image.manifest.as_ref()) {
        blobs::write(engine, bytes)?;
    }
    match Document::parse(&bytes, None)? {
        Document::Index(index) => Ok(index),
        Document::Manifest(_) => Err(crate::error::Kind::Engine.error("an index is no manifest")),
    }
}

/// Stores blobs that are not here, several at a time.
fn all_blobs(engine: &Engine, source: &Blobs, prepared: &Prepared, progress: Progress) -> Result<()> {
    transfer::each(prepared.blobs.iter().collect(), &AtomicBool::new(false), |blob| {
        let store = || {
            if blobs::size(engine, &blob.digest)? == Some(blob.size) {
                return Ok(());
            }
            let mut writer = blobs::Writer::new(engine)?;
            blob.write(source, &mut writer, progress)?;
            writer.finish(Some((blob.digest, blob.size))).map(drop)
        };
        store().with_context(|| format!("copy blob {}", blob.digest))
    })
}

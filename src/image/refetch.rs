//! Blobs that need not be here: their layers are unpacked, and a registry has them for the next time.
//!
//! That it has them is asked, not remembered: an image may have been pushed or its repository removed since it came.

use super::manifest::Layer;
use super::reference::{LOCAL_REGISTRY, Reference};
use super::registry::{Access, Registry};
use super::remove::needed_by;
use super::{list, read_config, read_manifest};
use crate::engine::Engine;
use crate::error::Kind;
use crate::store::digest::Digest;
use crate::store::tags::{self, Entry};
use crate::store::{blobs, layers};
use anyhow::{Context, Result};
use std::collections::{HashMap, HashSet};

/// What came of asking.
#[derive(Debug, Default)]
pub struct Refetchable {
    /// The blobs that a registry has of an image, by its manifest.
    blobs: HashMap<Digest, HashSet<Digest>>,
    /// Images whose registry did not say, and why.
    pub unanswered: Vec<(String, anyhow::Error)>,
}

impl Refetchable {
    /// Asks the registries of all images for the blobs of their unpacked layers.
    pub fn find(engine: &Engine, access: &Access) -> Result<Self> {
        let mut found = Self::default();
        for entry in tags::list(engine)? {
            let Some(Ok(name)) = entry.name().map(Reference::parse) else { continue };
            if name.registry == LOCAL_REGISTRY || list::is_index(engine, &entry.digest) {
                continue;
            }
            // One that cannot be read keeps what it has; that it is damaged is for others to say.
            let Ok(layers) = layers_of(engine, &entry) else { continue };
            if let Err(error) = found.ask(engine, &entry.digest, &layers, &name, access) {
                found.unanswered.push((name.familiar(), error));
            }
        }
        Ok(found)
    }

    fn ask(
        &mut self,
        engine: &Engine,
        manifest: &Digest,
        layers: &[Layer],
        name: &Reference,
        access: &Access,
    ) -> Result<()> {
        let known = self.blobs.entry(*manifest).or_default();
        let registry = Registry::new(name, access)?;
        // What the disk does not have may have to be unpacked again.
        layers::settle(engine, &layers.iter().map(|layer| layer.diff_id).collect::<Vec<_>>())?;
        for layer in layers {
            let blob = layer.blob.digest;
            let is_spare = layers::has(engine, &layer.diff_id) && blobs::has(engine, &blob);
            if is_spare && !known.contains(&blob) && registry.has_blob(&blob)? {
                known.insert(blob);
            }
        }
        Ok(())
    }

    /// Removes them, but for those that an image has of which no registry has them. Gives how many bytes that were.
    pub fn remove(&self, engine: &Engine) -> Result<u64> {
        let busy = || Kind::InUse.hinted("an image is coming in", "try again when it is there");
        let _guard = blobs::collecting(engine).ok_or_else(busy).context("remove blobs")?;
        let (mut spare, mut kept) = (HashSet::new(), HashSet::new());
        // Read again: images may have come since the registries were asked.
        for entry in tags::list(engine)? {
            let needed = needed_by(engine, [entry.digest])?.blobs;
            let (again, own) = needed.into_iter().partition::<Vec<_>, _>(|blob| {
                self.blobs.get(&entry.digest).is_some_and(|blobs| blobs.contains(blob))
            });
            spare.extend(again);
            kept.extend(own);
        }
        spare.difference(&kept).try_fold(0, |bytes, blob| Ok(bytes + blobs::remove(engine, blob)?))
    }
}

fn layers_of(engine: &Engine, entry: &Entry) -> Result<Vec<Layer>> {
    let manifest = read_manifest(engine, &entry.digest)?;
    manifest.layers(&read_config(engine, &manifest)?)
}

//! Removing images: first from the list, then what only they needed.

use super::arrival::RemoveLayers;
use super::{Summary, look_up, read_config};
use crate::engine::Engine;
use crate::error::Kind;
use crate::fs::{self, Lock};
use crate::image::manifest::{Document, Index, MANIFEST_BYTES_MAX, Manifest};
use crate::store::blobs;
use crate::store::digest::Digest;
use crate::store::partial;
use crate::store::tags;
use anyhow::Result;
use std::collections::HashSet;

/// How deep indexes are followed that other tools may have put into the store.
const INDEX_DEPTH_MAX: usize = 4;

/// What became of a removal.
#[derive(Debug, Default)]
pub struct Removed {
    /// The names that were taken away.
    pub untagged: Vec<String>,
    /// The id of the image, if it is gone altogether.
    pub deleted: Option<Digest>,
    /// Layers that no image needs any more. Their trees are the caller's to remove, who knows the containers.
    pub layers: Vec<Digest>,
    /// The bytes of the blobs that were removed.
    pub blob_bytes: u64,
    /// To be held until the trees are gone: no image that comes in may find one of them.
    pub guard: Option<Lock>,
}

/// Blobs and layers in the store, such as those that an image needs.
#[derive(Debug, Default)]
pub(super) struct Parts {
    pub(super) blobs: HashSet<Digest>,
    pub(super) layers: HashSet<Digest>,
    /// Blobs of which only a part is there; none of these is needed by an image.
    pub(super) partial: HashSet<Digest>,
}

/// Removes an image as `podman rmi` does: of several names only the given one; else the image. `check` is asked before
/// the image goes and refuses if a container uses it.
pub fn remove(
    engine: &Engine,
    text: &str,
    force: bool,
    check: impl FnOnce(&Summary) -> Result<()>,
) -> Result<Removed> {
    let (image, name) = look_up(engine, text)?;
    let names = image.references.len();
    if let Some(name) = name.filter(|_| names > 1) {
        tags::untag(engine, &name)?;
        return Ok(Removed { untagged: vec![name], ..Removed::default() });
    }
    if names > 1 && !force {
        let message = format!("remove image {text}: it has {names} names: {}", image.references.join(", "));
        return Err(Kind::BadInput.hinted(message, "remove it by each of them, or use --force"));
    }
    check(&image)?;
    let guard = blobs::collecting(engine);
    let own = needed_by(engine, image.manifests.iter().copied())?;
    let forget = || tags::remove_manifests(engine, &image.manifests);
    forget().or_else(|error| {
        // The list is not written anew on a full disk before something of the image has gone.
        let has_room = guard.is_some() && fs::is_full(&error) && make_room(engine, &own, &image.manifests)?;
        if has_room { forget() } else { Err(error) }
    })?;
    forget_shown(engine, &image.id);
    let mut removed = Removed { untagged: image.references, deleted: Some(image.id), ..Removed::default() };
    // While an image comes in, its parts cannot be told from garbage: what is left over goes with the next prune.
    if let Some(guard) = guard {
        collect(engine, own, &mut removed)?;
        removed.guard = Some(guard);
    }
    Ok(removed)
}

/// Removes the directories in which the image was shown. Where it is mounted in this very mount namespace they stay.
fn forget_shown(engine: &Engine, id: &Digest) {
    let shown = engine.shown_image(&id.hex());
    for directory in [shown.join("merged"), shown.join("empty"), shown.join("bare"), shown] {
        let _ = rustix::fs::rmdir(&directory);
    }
}

/// Removes the largest blob that only the leaving manifests need. False if there is none.
fn make_room(engine: &Engine, own: &Parts, leaving: &[Digest]) -> Result<bool> {
    let entries = tags::list(engine)?;
    let needed =
        needed_by(engine, entries.iter().map(|entry| entry.digest).filter(|digest| !leaving.contains(digest)))?;
    let largest = own.blobs.difference(&needed.blobs).max_by_key(|digest| blobs::size(engine, digest).ok());
    largest.map_or(Ok(false), |digest| blobs::remove(engine, digest).map(|bytes| bytes > 0))
}

/// Removes parts that came in for an image that then did not, unless a listed image needs them.
pub(super) fn take_back(engine: &Engine, parts: Parts, remove_layers: RemoveLayers) -> Result<()> {
    if parts.blobs.is_empty() && parts.layers.is_empty() {
        return Ok(());
    }
    for digest in &parts.partial {
        partial::remove(engine, digest)?;
    }
    // While another image comes in, which may share them, they stay: the next prune takes them.
    let Some(_guard) = blobs::collecting(engine) else { return Ok(()) };
    let mut removed = Removed::default();
    collect(engine, parts, &mut removed)?;
    remove_layers(&removed.layers)
}

/// Of the candidates, removes the blobs and names the layers that no listed image needs.
fn collect(engine: &Engine, candidates: Parts, removed: &mut Removed) -> Result<()> {
    let needed = needed_by(engine, tags::list(engine)?.iter().map(|entry| entry.digest))?;
    for digest in candidates.blobs.difference(&needed.blobs) {
        removed.blob_bytes += blobs::remove(engine, digest)?;
    }
    removed.layers = candidates.layers.difference(&needed.layers).copied().collect();
    removed.layers.sort_unstable();
    Ok(())
}

pub(super) fn needed_by(engine: &Engine, manifests: impl IntoIterator<Item = Digest>) -> Result<Parts> {
    let mut needed = Parts::default();
    for digest in manifests {
        need(engine, digest, 0, &mut needed)?;
    }
    Ok(needed)
}

fn need(engine: &Engine, digest: Digest, depth: usize, needed: &mut Parts) -> Result<()> {
    if !needed.blobs.insert(digest) || depth > INDEX_DEPTH_MAX {
        return Ok(());
    }
    let document = blobs::read(engine, &digest, MANIFEST_BYTES_MAX).and_then(|bytes| Document::parse(&bytes, None));
    match usable(document)? {
        None => Ok(()),
        Some(Document::Index(Index { manifests, .. })) => {
            manifests.iter().try_for_each(|entry| need(engine, entry.digest, depth + 1, needed))
        }
        Some(Document::Manifest(manifest)) => need_parts(engine, &manifest, needed),
    }
}

fn need_parts(engine: &Engine, manifest: &Manifest, needed: &mut Parts) -> Result<()> {
    needed.blobs.insert(manifest.config.digest);
    needed.blobs.extend(manifest.layers.iter().map(|layer| layer.digest));
    if let Some(config) = usable(read_config(engine, manifest))? {
        needed.layers.extend(config.rootfs.diff_ids);
    }
    Ok(())
}

/// An image that is not whole needs nothing more; an error of the disk must not pass for that.
fn usable<T>(read: Result<T>) -> Result<Option<T>> {
    match read {
        Ok(value) => Ok(Some(value)),
        Err(error) if matches!(crate::error::kind(&error), Kind::NotFound | Kind::BadInput) => Ok(None),
        Err(error) => Err(error),
    }
}

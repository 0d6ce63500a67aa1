//! What is to become a member of a list: an image here, or one in a registry, which comes into the store as it is.

use crate::engine::Engine;
use crate::error::{self, Kind};
use crate::image::copy::{self, keep, whole};
use crate::image::guarded::Guarded;
use crate::image::manifest::{Descriptor, Document, MANIFEST_BYTES_MAX, Manifest};
use crate::image::platform::{self, Platform};
use crate::image::pull::{self, LAYER_BYTES_MAX};
use crate::image::reference::{LOCAL_REGISTRY, Reference};
use crate::image::registry::{Access, Fetched, Registry};
use crate::image::transfer::{self, Event, Progress};
use crate::image::transport::Location;
use crate::image::{look_up, read_config};
use crate::store::blobs;
use crate::store::digest::Digest;
use anyhow::{Context, Result};
use std::collections::HashSet;
use std::sync::atomic::AtomicBool;

/// How members are looked for.
pub struct Wanted<'a> {
    /// Of an index all that it has, not just what is for this machine.
    pub all: bool,
    pub access: &'a Access,
    pub progress: Progress<'a>,
}

/// Finds members, fetching what is in a registry. To be called with incoming blobs guarded.
pub fn members(engine: &Engine, text: &str, wanted: &Wanted) -> Result<Vec<Descriptor>> {
    match place(engine, text)? {
        Location::Registry(reference) => remote(engine, &reference, wanted),
        Location::Store(name) => local(engine, &name, wanted),
        location @ (Location::DockerArchive { .. }
        | Location::OciArchive { .. }
        | Location::Layout { .. }
        | Location::Directory(_)) => files(engine, &location, wanted).with_context(|| format!("add {text}")),
    }
}

/// Where something is that is called so: where its transport says, or here, or else in its registry.
pub fn place(engine: &Engine, text: &str) -> Result<Location> {
    if let Some(location) = Location::parse(text)? {
        return Ok(location);
    }
    let error = match look_up(engine, text) {
        Ok(_) => return Ok(Location::Store(text.to_owned())),
        Err(error) => error,
    };
    if error::kind(&error) != Kind::NotFound || Digest::parse(text).is_ok() {
        return Err(error);
    }
    let reference = Reference::parse(text)?;
    match reference.registry == LOCAL_REGISTRY {
        true => Err(error),
        false => Ok(Location::Registry(reference)),
    }
}

fn local(engine: &Engine, name: &str, wanted: &Wanted) -> Result<Vec<Descriptor>> {
    let digest = look_up(engine, name)?.0.manifest;
    let bytes = blobs::read(engine, &digest, MANIFEST_BYTES_MAX)?;
    match Document::parse(&bytes, None)? {
        Document::Index(index) => chosen(index.manifests, wanted),
        Document::Manifest(manifest) => Ok(vec![described(engine, &manifest, &digest, bytes.len())]),
    }
}

/// Images in an archive or a directory, which come into the store as they are.
fn files(engine: &Engine, location: &Location, wanted: &Wanted) -> Result<Vec<Descriptor>> {
    if wanted.all
        && let Some(whole) = whole::open(engine, location, true, wanted.access)?
    {
        return Ok(keep::members(engine, whole, wanted.progress)?.manifests);
    }
    let opened = copy::open(engine, location, None, wanted.access)?;
    let (digest, manifest) = keep::one(engine, opened, wanted.progress)?;
    let size = blobs::read(engine, &digest, MANIFEST_BYTES_MAX)?.len();
    Ok(vec![described(engine, &manifest, &digest, size)])
}

fn remote(engine: &Engine, reference: &Reference, wanted: &Wanted) -> Result<Vec<Descriptor>> {
    let fetch = || -> Result<_> {
        let guarded = Guarded::open(reference, wanted.access)?;
        let registry = &guarded.registry;
        (wanted.progress)(Event::Trying(reference.to_string()));
        let top = pull::top(reference, registry)?;
        let index = match Document::parse(&top.bytes, top.media_type.as_deref())? {
            Document::Manifest(manifest) => {
                guarded.verify(engine, &top.digest)?;
                bring(engine, registry, &top, &manifest, wanted.progress)?;
                return Ok(vec![described(engine, &manifest, &top.digest, top.bytes.len())]);
            }
            Document::Index(index) => index,
        };
        let entries = chosen(index.manifests, wanted)?;
        for entry in &entries {
            guarded.verify(engine, &entry.digest)?;
            let fetched = registry.manifest_of_digest(&entry.digest).context("get manifest of the index")?;
            if fetched.bytes.len() as u64 != entry.size {
                let message = format!("manifest {}: not of the size that the index says", entry.digest);
                return Err(Kind::BadInput.error(message));
            }
            let manifest = Manifest::parse(&fetched.bytes, Some(&entry.media_type))?;
            bring(engine, registry, &fetched, &manifest, wanted.progress)?;
        }
        Ok(entries)
    };
    fetch().with_context(|| format!("add {}", reference.familiar()))
}

fn chosen(entries: Vec<Descriptor>, wanted: &Wanted) -> Result<Vec<Descriptor>> {
    match wanted.all {
        true => Ok(entries),
        false => Ok(vec![platform::choose(&entries, &Platform::host())?.clone()]),
    }
}

/// A member by its manifest; for which platform it is says its configuration, if it is an image.
fn described(engine: &Engine, manifest: &Manifest, digest: &Digest, size: usize) -> Descriptor {
    let config = read_config(engine, manifest).ok();
    let platform = config.map(|config| config.platform()).filter(|platform| !platform.architecture.is_empty());
    let artifact_type = manifest.artifact_type.clone();
    Descriptor { platform, artifact_type, ..Descriptor::new(manifest.own_type(), *digest, size as u64) }
}

/// Fetches a manifest's blobs that are not here. They are stored as they are, and unpacked by nobody.
pub fn bring(
    engine: &Engine,
    registry: &Registry,
    fetched: &Fetched,
    manifest: &Manifest,
    progress: Progress,
) -> Result<()> {
    let mut seen = HashSet::new();
    let all = manifest.layers.iter().chain([&manifest.config]);
    let blobs: Vec<&Descriptor> = all.filter(|blob| seen.insert(blob.digest)).collect();
    if let Some(blob) = blobs.iter().find(|blob| blob.size > LAYER_BYTES_MAX) {
        let message = format!("blob {}: at most {LAYER_BYTES_MAX} bytes are fetched", blob.digest);
        return Err(Kind::BadInput.error(message));
    }
    transfer::each(blobs, &AtomicBool::new(false), |blob| {
        if blobs::size(engine, &blob.digest)? == Some(blob.size) {
            progress(Event::LayerPresent(blob.digest));
            return Ok(());
        }
        progress(Event::LayerStarted { blob: blob.digest, size: blob.size });
        let mut out = blobs::Writer::new(engine)?;
        std::io::copy(&mut registry.blob(&blob.digest, blob.size)?, &mut out)
            .with_context(|| format!("fetch blob {}", blob.digest))?;
        out.finish(Some((blob.digest, blob.size)))?;
        progress(Event::LayerDone(blob.digest));
        Ok(())
    })?;
    blobs::write(engine, &fetched.bytes).map(drop)
}

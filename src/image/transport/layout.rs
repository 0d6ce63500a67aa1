//! OCI image layouts, in a directory or in an archive (OCI image spec, image-layout.md).

use super::{Files, Incoming};
use crate::error::Kind;
use crate::image::config::{CONFIG_BYTES_MAX, ImageConfig};
use crate::image::manifest::{self, Descriptor, Document, Manifest};
use crate::image::platform::{self, Platform};
use crate::image::reference::Reference;
use crate::store::digest::Digest;
use anyhow::{Context, Result};

pub const INDEX_BYTES_MAX: usize = manifest::MANIFEST_BYTES_MAX;
/// The name as containerd and docker write it: always a full one.
const CONTAINERD_NAME: &str = "io.containerd.image.name";
const NAME: &str = "org.opencontainers.image.ref.name";
/// An index in an index in an index is nobody's image.
const INDEX_DEPTH_MAX: usize = 3;
const BLOBS: &str = "blobs/sha256/";

pub fn images(files: &Files, index: &[u8], name: Option<&str>, platform: &Platform) -> Result<Vec<Incoming>> {
    let Document::Index(index) = Document::parse(index, None).context("read index.json")? else {
        return Err(Kind::BadInput.error("index.json is not an index"));
    };
    let mut images: Vec<(Digest, Incoming)> = Vec::new();
    for entry in &index.manifests {
        if name.is_some_and(|name| !is_called(entry, name)) {
            continue;
        }
        let references = references(entry)?;
        // An image with several names has an entry for each.
        if let Some((_, image)) = images.iter_mut().find(|(digest, _)| *digest == entry.digest) {
            image.references.extend(references);
            continue;
        }
        let image = image(files, entry, references, platform);
        images.push((entry.digest, image.with_context(|| format!("read image {}", entry.digest))?));
    }
    match (images.is_empty(), name) {
        (true, Some(name)) => Err(Kind::NotFound.error(format!("no image {name} in index.json"))),
        (true, None) => Err(Kind::NotFound.error("no image in index.json")),
        (false, _) => Ok(images.into_iter().map(|(_, image)| image).collect()),
    }
}

fn image(files: &Files, entry: &Descriptor, references: Vec<Reference>, platform: &Platform) -> Result<Incoming> {
    let (manifest, bytes, media_type) = manifest(files, entry, platform, 0)?;
    of_manifest(files, &manifest, (bytes, media_type), references, BLOBS)
}

/// The image of a manifest whose blobs are in this directory.
pub fn of_manifest(
    files: &Files,
    manifest: &Manifest,
    original: (Vec<u8>, String),
    references: Vec<Reference>,
    directory: &str,
) -> Result<Incoming> {
    manifest.check_image()?;
    let config_bytes = blob(files, &manifest.config, CONFIG_BYTES_MAX, directory)?;
    let config = ImageConfig::parse(&config_bytes)?;
    let layers = manifest.layers(&config)?;
    let layers = layers.iter().map(|layer| Incoming::layer(member(&layer.blob.digest, directory), layer)).collect();
    Ok(Incoming { manifest: Some(original), config: config_bytes, layers, references })
}

/// Reads a manifest, choosing from indexes on the way.
fn manifest(
    files: &Files,
    entry: &Descriptor,
    platform: &Platform,
    depth: usize,
) -> Result<(Manifest, Vec<u8>, String)> {
    let bytes = blob(files, entry, manifest::MANIFEST_BYTES_MAX, BLOBS)?;
    match Document::parse(&bytes, Some(&entry.media_type))? {
        Document::Manifest(document) => {
            let media_type = document.own_type().to_owned();
            Ok((document, bytes, media_type))
        }
        Document::Index(_) if depth >= INDEX_DEPTH_MAX => Err(Kind::BadInput.error("indexes within indexes")),
        Document::Index(index) => {
            let chosen = platform::choose(&index.manifests, platform)?;
            manifest(files, chosen, platform, depth + 1)
        }
    }
}

/// Reads a small blob that is what its descriptor says.
fn blob(files: &Files, descriptor: &Descriptor, bytes_max: usize, directory: &str) -> Result<Vec<u8>> {
    let bytes = files.required(&member(&descriptor.digest, directory), bytes_max)?;
    match bytes.len() as u64 == descriptor.size && Digest::of(&bytes) == descriptor.digest {
        true => Ok(bytes),
        false => Err(Kind::BadInput.error(format!("blob {}: it has other bytes", descriptor.digest))),
    }
}

fn member(digest: &Digest, directory: &str) -> String {
    format!("{directory}{}", digest.hex())
}

/// The names of an entry. Docker gives the full name and the tag alone; others one of any kind.
fn references(entry: &Descriptor) -> Result<Vec<Reference>> {
    if let Some(name) = entry.annotations.get(CONTAINERD_NAME) {
        return Ok(vec![Reference::parse(name)?]);
    }
    match entry.annotations.get(NAME) {
        Some(name) => Ok(vec![Reference::parse_local(name)?]),
        None => Ok(Vec::new()),
    }
}

/// Whether an entry of an index has this name.
pub fn is_called(entry: &Descriptor, name: &str) -> bool {
    [NAME, CONTAINERD_NAME].iter().any(|key| entry.annotations.get(*key).is_some_and(|value| value == name))
}

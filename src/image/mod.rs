//! Images: their names, their manifests, and how they come in and go out.

mod arrival;
pub mod artifact;
pub mod auth;
mod challenge;
pub mod change;
pub mod check;
pub mod chunked;
pub mod compose;
pub mod compress;
pub mod config;
pub mod copy;
pub mod download;
mod guarded;
pub mod hello;
mod http;
pub mod import;
mod json;
pub mod list;
pub mod load;
pub mod look;
pub mod manifest;
mod origin;
pub mod platform;
pub mod policy;
mod program;
pub mod pull;
pub mod push;
pub mod reference;
pub mod refetch;
pub mod registries;
pub mod registry;
pub mod remove;
pub mod save;
pub mod signature;
pub mod sync;
pub mod transfer;
pub mod transport;
mod trust;

use crate::engine::Engine;
use crate::error::Kind;
use crate::store::blobs;
use crate::store::digest::Digest;
use crate::store::shared;
use crate::store::tags::{self, Entry, Facts};
use anyhow::{Context, Result};
use config::{CONFIG_BYTES_MAX, ImageConfig};
use manifest::{Descriptor, Document, Layer, MANIFEST_BYTES_MAX, Manifest};
use platform::Platform;
use reference::Reference;
use std::collections::{HashMap, HashSet};

/// The shortest piece of an id that stands for it, as in podman.
const ID_PREFIX_MIN: usize = 3;

/// An image with all that a container needs of it.
#[derive(Clone, Debug)]
pub struct Image {
    /// The digest of the configuration.
    pub id: Digest,
    pub manifest: Digest,
    /// The names, in their full form.
    pub references: Vec<String>,
    /// Names that it had, the last one first.
    pub former: Vec<String>,
    /// What is in the store for it, compressed or not.
    pub size: u64,
    pub config: ImageConfig,
    /// The diff ids, bottom first.
    pub layers: Vec<Digest>,
}

/// An image as a listing shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    pub id: Digest,
    /// The manifest by whose name the image was found, or its first.
    pub manifest: Digest,
    /// All manifests: an image that came both compressed and not has two.
    pub manifests: Vec<Digest>,
    /// The names, in their full form; none on an image that lost them.
    pub references: Vec<String>,
    /// Names that it had, the last one first.
    pub former: Vec<String>,
    pub size: u64,
    /// RFC 3339, or empty.
    pub created: String,
    /// Whether it is in a shared store alone.
    pub read_only: bool,
}

/// Finds an image by name, by name and digest, by id or by the beginning of an id.
pub fn find(engine: &Engine, text: &str) -> Result<Image> {
    let (summary, _) = look_up(engine, text)?;
    open(engine, summary)
}

/// Finds an image that is only read, here or in a store that is shared.
pub fn find_to_read(engine: &Engine, text: &str) -> Result<Image> {
    open(engine, look_up_to_read(engine, text)?.0)
}

/// Whether there is such an image.
pub fn exists(engine: &Engine, text: &str) -> Result<bool> {
    is_found(look_up(engine, text))
}

/// Whether there is one, here or in a store that is shared.
pub fn exists_to_read(engine: &Engine, text: &str) -> Result<bool> {
    is_found(look_up_to_read(engine, text))
}

fn is_found<T>(found: Result<T>) -> Result<bool> {
    match found {
        Ok(_) => Ok(true),
        Err(error) if crate::error::kind(&error) == Kind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// All images, in the order in which they came.
pub fn list(engine: &Engine) -> Result<Vec<Summary>> {
    Ok(summaries(engine, tags::list(engine)?.iter()))
}

/// All images, with those of the stores that are shared as far as their names are not taken here.
pub fn list_with_shared(engine: &Engine) -> Result<Vec<Summary>> {
    let mut images = list(engine)?;
    let mut taken: HashSet<String> = images.iter().flat_map(|image| image.references.iter().cloned()).collect();
    for store in shared::stores(engine)? {
        for mut image in list(&store)? {
            image.references.retain(|name| taken.insert(name.clone()));
            image.read_only = true;
            // By its id alone it cannot be told from others here.
            if !image.references.is_empty() {
                images.push(image);
            }
        }
    }
    Ok(images)
}

/// Reads the configuration of a listed image.
pub fn open(engine: &Engine, summary: Summary) -> Result<Image> {
    let read = || -> Result<_> {
        let (digest, manifest) = resolve(engine, &summary.manifest)?;
        let config = read_config(engine, &manifest)?;
        let layers = manifest.layers(&config)?.iter().map(|layer| layer.diff_id).collect();
        Ok((digest, manifest.config.digest, manifest.size(), config, layers))
    };
    let (manifest, id, size, config, layers) = read().with_context(|| format!("open image {}", summary.id))?;
    // Of a list it is the image for this machine that is opened.
    let Summary { references, former, .. } = summary;
    Ok(Image { id, manifest, references, former, size, config, layers })
}

/// Opens the image that a container was made of, whatever it is called now.
pub fn open_by_manifest(engine: &Engine, id: &Digest, manifest: &Digest) -> Result<Image> {
    let summary = Summary {
        id: *id,
        manifest: *manifest,
        manifests: vec![*manifest],
        references: Vec::new(),
        former: Vec::new(),
        size: 0,
        created: String::new(),
        read_only: false,
    };
    open(engine, summary)
}

/// The manifest and the layers of a stored image, for who sends or copies it.
pub fn parts(engine: &Engine, image: &Image) -> Result<(Manifest, Vec<Layer>)> {
    let manifest = read_manifest(engine, &image.manifest)?;
    let layers = manifest.layers(&image.config)?;
    Ok((manifest, layers))
}

/// Makes an image visible whose blobs and layers are all in the store, under these names or under none.
pub fn publish(engine: &Engine, manifest: &Descriptor, references: &[Reference]) -> Result<Digest> {
    let bytes = blobs::read(engine, &manifest.digest, MANIFEST_BYTES_MAX)?;
    let document = Manifest::parse(&bytes, Some(&manifest.media_type))?;
    let config = read_config(engine, &document)?;
    document.layers(&config)?;
    let mut entry = Entry::new(&manifest.media_type, manifest.digest, bytes.len() as u64);
    entry.set_facts(&facts_of(&document, &config));
    blobs::sync(engine)?;
    let names: Vec<String> = references.iter().map(Reference::to_string).collect();
    tags::set(engine, &names, entry)?;
    Ok(document.config.digest)
}

/// Gives an image one more name.
pub fn tag(engine: &Engine, source: &str, target: &Reference) -> Result<()> {
    if target.digest.is_some() {
        return Err(Kind::BadInput.error(format!("tag {source}: a new name has no digest")));
    }
    let (summary, _) = look_up(engine, source)?;
    let entries = tags::list(engine)?;
    let entry = entries.into_iter().find(|entry| entry.digest == summary.manifest);
    let mut entry = entry.ok_or_else(|| no_image(source))?;
    entry.annotations.remove(tags::NAME);
    tags::set(engine, &[target.to_string()], entry)
}

/// Takes names from an image: these, or all.
pub fn untag(engine: &Engine, source: &str, names: &[String]) -> Result<()> {
    let (summary, _) = look_up(engine, source)?;
    let mut targets = Vec::new();
    for name in names {
        let candidates = registries::candidates(name)?;
        let known = candidates.iter().map(Reference::to_string).find(|name| summary.references.contains(name));
        targets.push(known.ok_or_else(|| Kind::NotFound.error(format!("image {source} has no name {name}")))?);
    }
    if names.is_empty() {
        targets.clone_from(&summary.references);
    }
    for target in targets {
        tags::untag(engine, &target)?;
    }
    Ok(())
}

/// The image that a text means, and the name by which it was found, if it was by name.
fn look_up(engine: &Engine, text: &str) -> Result<(Summary, Option<String>)> {
    let entries = tags::list(engine)?;
    let hex = text.strip_prefix("sha256:").unwrap_or(text);
    if let Some(digest) = Digest::parse_hex(hex) {
        let images = summaries(engine, entries.iter());
        let image = images.into_iter().find(|image| image.id == digest || image.manifests.contains(&digest));
        return Ok((image.ok_or_else(|| no_image(text))?, None));
    }
    // One made here comes first, and is found without a look at registries.conf.
    let own = Reference::candidates(text).ok().and_then(|names| names.into_iter().next());
    let own = own.and_then(|own| by_name(&entries, &own));
    let candidates = if own.is_some() { Ok(Vec::new()) } else { registries::candidates(text) };
    let found = own.or_else(|| candidates.iter().flatten().find_map(|candidate| by_name(&entries, candidate)));
    if let Some((entry, name)) = found {
        let id = entry.facts().map(|facts| facts.id);
        let is_own = |other: &&Entry| {
            other.digest == entry.digest || (id.is_some() && other.facts().map(|facts| facts.id) == id)
        };
        // Nothing but this image's own manifests is opened, even if another tool wrote the list.
        let own = std::iter::once(entry).chain(entries.iter().filter(is_own).filter(|other| *other != entry));
        let summary = summaries(engine, own).into_iter().next().context("an entry is of an image")?;
        return Ok((summary, name));
    }
    by_id(summaries(engine, entries.iter()), hex, text).map_err(|error| match candidates {
        // A text that is neither a name nor an id is best explained as a name.
        Err(malformed) if !hex.bytes().all(|byte| byte.is_ascii_hexdigit()) => malformed,
        Err(_) | Ok(_) => error,
    })
}

/// The same, also in the stores that are shared, whose blobs are read from there. One's own comes first.
fn look_up_to_read(engine: &Engine, text: &str) -> Result<(Summary, Option<String>)> {
    let missing = match look_up(engine, text) {
        Err(error) if crate::error::kind(&error) == Kind::NotFound => error,
        own => return own,
    };
    for store in shared::stores(engine)? {
        match look_up(&store, text) {
            Ok((mut summary, name)) => {
                // What is called so here is another image.
                let entries = tags::list(engine)?;
                summary.references.retain(|name| !entries.iter().any(|entry| entry.name() == Some(name)));
                summary.read_only = true;
                return Ok((summary, name));
            }
            Err(error) if crate::error::kind(&error) == Kind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Err(missing)
}

fn by_name<'a>(entries: &'a [Entry], wanted: &Reference) -> Option<(&'a Entry, Option<String>)> {
    let full = wanted.to_string();
    let found = entries.iter().find(|entry| entry.name() == Some(&full)).map(|entry| (entry, Some(full)));
    let Some(digest) = wanted.digest.filter(|_| found.is_none()) else { return found };
    let of_name = |name: &str| Reference::parse(name).is_ok_and(|name| name.name() == wanted.name());
    let entry = entries.iter().find(|entry| entry.digest == digest && entry.name().is_some_and(of_name))?;
    Some((entry, entry.name().map(str::to_owned)))
}

fn by_id(images: Vec<Summary>, hex: &str, text: &str) -> Result<(Summary, Option<String>)> {
    if hex.len() < ID_PREFIX_MIN {
        return Err(no_image(text));
    }
    let mut fitting = images.into_iter().filter(|image| image.id.hex().starts_with(hex));
    let image = fitting.next().ok_or_else(|| no_image(text))?;
    match fitting.next() {
        None => Ok((image, None)),
        Some(_) => Err(Kind::BadInput.hinted(format!("{text} is the beginning of several ids"), "give more digits")),
    }
}

fn no_image(text: &str) -> anyhow::Error {
    Kind::NotFound.hinted(format!("no image {}", text.chars().take(300).collect::<String>()), "see coracle images")
}

/// One summary for each image, with all its names.
fn summaries<'a>(engine: &Engine, entries: impl Iterator<Item = &'a Entry>) -> Vec<Summary> {
    let mut images: Vec<Summary> = Vec::new();
    let (mut ids, mut positions) = (HashMap::new(), HashMap::new());
    for entry in entries {
        let facts = ids.entry(entry.digest).or_insert_with(|| known_facts(engine, entry));
        let position = *positions.entry(facts.id).or_insert_with(|| {
            images.push(Summary {
                id: facts.id,
                manifest: entry.digest,
                manifests: Vec::new(),
                references: Vec::new(),
                former: Vec::new(),
                size: facts.size,
                created: facts.created.clone(),
                read_only: false,
            });
            images.len() - 1
        });
        let image = &mut images[position];
        if !image.manifests.contains(&entry.digest) {
            image.manifests.push(entry.digest);
        }
        // What another tool wrote there need not be a name.
        let is_name = |name: &&str| Reference::parse(name).is_ok_and(|parsed| parsed.to_string() == **name);
        image.references.extend(entry.name().filter(is_name).map(str::to_owned));
        image.former.extend(entry.former().filter(is_name).map(str::to_owned));
    }
    for image in &mut images {
        let mut seen: HashSet<String> = image.references.iter().cloned().collect();
        image.former.retain(|name| seen.insert(name.clone()));
    }
    images
}

fn known_facts(engine: &Engine, entry: &Entry) -> Facts {
    let facts = entry.facts().or_else(|| facts(engine, &entry.digest).ok());
    // An entry whose manifest cannot be read is listed all the same, so that it can be seen and removed.
    facts.unwrap_or_else(|| Facts { id: entry.digest, size: 0, created: String::new() })
}

fn facts(engine: &Engine, manifest: &Digest) -> Result<Facts> {
    let manifest = read_manifest(engine, manifest)?;
    Ok(facts_of(&manifest, &read_config(engine, &manifest)?))
}

fn facts_of(manifest: &Manifest, config: &ImageConfig) -> Facts {
    Facts { id: manifest.config.digest, size: manifest.size(), created: config.created.clone() }
}

/// Reads a manifest; of an index, which another tool may have put here, the one for this machine.
fn read_manifest(engine: &Engine, digest: &Digest) -> Result<Manifest> {
    resolve(engine, digest).map(|(_, manifest)| manifest)
}

/// The same, and which one it is.
fn resolve(engine: &Engine, digest: &Digest) -> Result<(Digest, Manifest)> {
    let bytes = blobs::read(engine, digest, MANIFEST_BYTES_MAX)?;
    match Document::parse(&bytes, None)? {
        Document::Manifest(manifest) => Ok((*digest, manifest)),
        Document::Index(index) => {
            let chosen = platform::choose(&index.manifests, &Platform::host())?.digest;
            let bytes = blobs::read(engine, &chosen, MANIFEST_BYTES_MAX)?;
            Ok((chosen, Manifest::parse(&bytes, None)?))
        }
    }
}

fn read_config(engine: &Engine, manifest: &Manifest) -> Result<ImageConfig> {
    manifest.check_image()?;
    ImageConfig::parse(&blobs::read(engine, &manifest.config.digest, CONFIG_BYTES_MAX)?)
}

#[cfg(test)]
#[path = "../../tests/it/support/fake_registry.rs"]
mod fake_registry;

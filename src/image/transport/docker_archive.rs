//! What `docker save` and `podman save` write: a `manifest.json` that names a configuration and layer tars.

use super::{Files, Incoming, IncomingLayer, archive, missing};
use crate::error::Kind;
use crate::image::config::{CONFIG_BYTES_MAX, ImageConfig};
use crate::image::json;
use crate::image::manifest::LAYERS_MAX;
use crate::image::reference::Reference;
use crate::store::digest::Digest;
use crate::store::layers::Compression;
use anyhow::{Context, Result};
use serde::Deserialize;

pub const MANIFEST_BYTES_MAX: usize = 16 << 20;

/// One image in `manifest.json` (docker image spec v1.2). The names in it are names of members.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Item {
    config: String,
    #[serde(default, deserialize_with = "json::strings")]
    repo_tags: Vec<String>,
    #[serde(default, deserialize_with = "json::strings")]
    layers: Vec<String>,
}

/// The images, or the one that is meant by a name, or by its number as `@N`. It then has that name alone.
pub fn images(files: &Files, manifest: &[u8], name: Option<&str>) -> Result<Vec<Incoming>> {
    let mut items: Vec<Item> = json::parse(manifest, MANIFEST_BYTES_MAX).context("parse manifest.json")?;
    if let Some(name) = name {
        let number: Option<usize> = name.strip_prefix('@').and_then(|number| number.parse().ok());
        let wanted = if number.is_none() { Some(Reference::parse(name)?) } else { None };
        let is_wanted = |tag: &String| Reference::parse(tag).ok() == wanted;
        let found = match number {
            Some(number) => (number < items.len()).then_some(number),
            None => items.iter().position(|item| item.repo_tags.iter().any(is_wanted)),
        };
        let found =
            found.ok_or_else(|| Kind::NotFound.error(format!("no image {} in manifest.json", short(name))))?;
        let mut item = items.swap_remove(found);
        if wanted.is_some() {
            item.repo_tags.retain(is_wanted);
        }
        items = vec![item];
    }
    items.iter().map(|item| image(files, item).with_context(|| format!("read {:?}", short(&item.config)))).collect()
}

fn image(files: &Files, item: &Item) -> Result<Incoming> {
    let references = item.repo_tags.iter().map(|name| Reference::parse(name)).collect::<Result<_>>()?;
    let bytes = files.required(name_of(&item.config), CONFIG_BYTES_MAX)?;
    check_name(&item.config, &bytes)?;
    let config = ImageConfig::parse(&bytes)?;
    let diff_ids = &config.rootfs.diff_ids;
    if diff_ids.len() != item.layers.len() || diff_ids.len() > LAYERS_MAX {
        let message = format!("{} layers, but the configuration has {}", item.layers.len(), diff_ids.len());
        return Err(Kind::BadInput.error(message));
    }
    let mut layers = Vec::new();
    for (member, diff_id) in item.layers.iter().zip(diff_ids) {
        layers.push(layer(files, name_of(member), *diff_id)?);
    }
    Ok(Incoming { manifest: None, config: bytes, layers, references })
}

fn layer(files: &Files, member: &str, diff_id: Digest) -> Result<IncomingLayer> {
    let (mut stream, size) = files.open(member)?.ok_or_else(|| missing(member))?;
    let compression = archive::magic(&mut stream)?;
    // The blob of a layer that is not compressed is the very tar that the diff id is of.
    let blob = match compression {
        Compression::None => Some((diff_id, size)),
        Compression::Gzip | Compression::Zstd => None,
    };
    Ok(IncomingLayer { member: member.to_owned(), diff_id, compression, blob })
}

/// A configuration that is named by a digest has that digest.
fn check_name(name: &str, bytes: &[u8]) -> Result<()> {
    let file = name.rsplit('/').next().unwrap_or(name);
    match Digest::parse_hex(file.strip_suffix(".json").unwrap_or(file)) {
        Some(digest) if digest != Digest::of(bytes) => {
            Err(Kind::BadInput.error(format!("its bytes are those of {}", Digest::of(bytes))))
        }
        Some(_) | None => Ok(()),
    }
}

fn name_of(member: &str) -> &str {
    member.strip_prefix("./").unwrap_or(member)
}

fn short(text: &str) -> String {
    text.chars().take(200).collect()
}

//! The images of podman, in containers-storage with the overlay driver (containers-storage.conf(5)), which is only read.
//!
//! Its files are the same user's, but this engine did not write them: each is bounded, and every layer is compared with
//! its diff id by who stores it. Layers are there as files, whose owners are subordinate ids: who reads them is in the
//! user namespace.

use super::tar_split::Archive;
use super::{Incoming, IncomingLayer, Stream};
use crate::error::Kind;
use crate::fs::{self, Root};
use crate::image::config::{CONFIG_BYTES_MAX, ImageConfig};
use crate::image::json;
use crate::image::manifest::{LAYERS_MAX, MANIFEST_BYTES_MAX, Manifest};
use crate::image::reference::Reference;
use crate::store::digest::Digest;
use crate::store::layers::Compression;
use crate::store::shared;
use anyhow::{Context, Result};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use rustix::fs::OFlags;
use serde::Deserialize;
use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// The lists of images and of layers.
const LIST_BYTES_MAX: usize = 64 << 20;
/// Names of one image: as many as an archive may give it.
const NAMES_MAX: usize = 500;

/// An image in the list.
#[derive(Debug, Deserialize)]
pub struct Listed {
    id: String,
    #[serde(default, deserialize_with = "json::strings")]
    names: Vec<String>,
    /// The topmost layer. An image of no layers has none.
    #[serde(default, deserialize_with = "json::or_default")]
    layer: String,
}

#[derive(Debug, Deserialize)]
struct Layer {
    id: String,
    #[serde(default, deserialize_with = "json::or_default")]
    parent: String,
    #[serde(default, rename = "diff-digest")]
    diff_id: Option<Digest>,
    #[serde(default, rename = "diff-size")]
    diff_size: Option<u64>,
}

/// A store of podman's.
#[derive(Debug)]
pub struct Podman {
    root: Root,
    layers: HashMap<String, Layer>,
}

/// Where podman keeps its images: the first `storage.conf` says it, else it is the usual place.
pub fn usual_place(is_rootless: bool) -> Result<PathBuf> {
    if let Some(settings) = shared::settings(&shared::settings_path(is_rootless)?)? {
        let storage = settings.get("storage").and_then(toml::Value::as_table);
        let word = |key: &str| Some(storage?.get(key)?.as_str()?.to_owned()).filter(|word| !word.is_empty());
        if let Some(driver) = word("driver").filter(|driver| driver != "overlay") {
            return Err(Kind::BadInput.error(format!("podman's store has the driver {driver}; overlay can be read")));
        }
        if let Some(root) = word("graphroot") {
            return Ok(root.into());
        }
    }
    match is_rootless {
        true => Ok(shared::of_user("XDG_DATA_HOME", ".local/share")?.join("containers/storage")),
        false => Ok("/var/lib/containers/storage".into()),
    }
}

impl Podman {
    /// Opens a store and reads its lists.
    pub fn open(path: &Path) -> Result<(Self, Vec<Listed>)> {
        let nothing = || {
            let message = format!("there are no images of podman in {}", path.display());
            Kind::NotFound.hinted(message, "name its store with --store, see podman info")
        };
        let root = Root::open(path).map_err(|_| nothing())?;
        let list = |name: &str| root.read(Path::new(name), LIST_BYTES_MAX);
        let images = list("overlay-images/images.json").context("read podman's images.json")?.ok_or_else(nothing)?;
        let images: Vec<Listed> = json::parse(&images, LIST_BYTES_MAX).context("read podman's images.json")?;
        let layers = list("overlay-layers/layers.json").context("read podman's layers.json")?.unwrap_or(b"[]".into());
        let layers: Vec<Layer> = json::parse(&layers, LIST_BYTES_MAX).context("read podman's layers.json")?;
        let layers = layers.into_iter().map(|layer| (layer.id.clone(), layer)).collect();
        Ok((Self { root, layers }, images))
    }

    /// An image with what its small documents say, and the layers that they name.
    pub fn image(&self, listed: &Listed) -> Result<Incoming> {
        let id = Digest::parse_hex(&listed.id).ok_or_else(|| {
            Kind::BadInput.error(format!("{:?} is no id of an image", fs::shown(listed.id.as_bytes())))
        })?;
        let config = self.document(&id, &id.to_string(), CONFIG_BYTES_MAX)?;
        if Digest::of(&config) != id {
            return Err(Kind::BadInput.error(format!("its configuration is that of {}", Digest::of(&config))));
        }
        let diff_ids = ImageConfig::parse(&config)?.rootfs.diff_ids;
        let layers = self.chain(&listed.layer, &diff_ids)?;
        let manifest = self.document(&id, "manifest", MANIFEST_BYTES_MAX)?;
        let parsed = Manifest::parse(&manifest, None)?;
        // One of compressed layers names blobs that are not there: a new one is made then.
        let is_plain = parsed.config.digest == id
            && parsed.layers.len() == layers.len()
            && parsed.layers.iter().zip(&layers).all(|(blob, layer)| layer.blob == Some((blob.digest, blob.size)));
        let manifest = is_plain.then(|| (manifest, parsed.own_type().to_owned()));
        let names = listed.names.iter().filter_map(|name| Reference::parse(name).ok());
        let references = names.filter(|name| name.digest.is_none()).take(NAMES_MAX).collect();
        Ok(Incoming { manifest, config, layers, references })
    }

    /// The layers from the topmost down to the lowest, in the order of the configuration.
    fn chain(&self, top: &str, diff_ids: &[Digest]) -> Result<Vec<IncomingLayer>> {
        let bad = |what: String| Err(Kind::BadInput.error(what));
        if diff_ids.len() > LAYERS_MAX {
            return bad(format!("{} layers; at most {LAYERS_MAX} are possible", diff_ids.len()));
        }
        let (mut chain, mut id) = (Vec::new(), top);
        for diff_id in diff_ids.iter().rev() {
            let layer = self.layers.get(id).with_context(|| format!("find layer {:?}", fs::shown(id.as_bytes())))?;
            if layer.diff_id.is_some_and(|known| known != *diff_id) {
                return bad(format!("layer {} is not the {diff_id} of the configuration", fs::shown(id.as_bytes())));
            }
            let size = layer.diff_size;
            let size = size.with_context(|| format!("find the size of layer {}", fs::shown(id.as_bytes())))?;
            chain.push(IncomingLayer {
                member: layer.id.clone(),
                diff_id: *diff_id,
                compression: Compression::None,
                blob: Some((*diff_id, size)),
            });
            id = &layer.parent;
        }
        if !id.is_empty() {
            return bad("there are more layers than the configuration has".to_owned());
        }
        chain.reverse();
        Ok(chain)
    }

    /// A document of an image, whose file's name is its key, in base64 unless that is a plain word.
    fn document(&self, id: &Digest, key: &str, bytes_max: usize) -> Result<Vec<u8>> {
        let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b".-_".contains(&byte);
        let name = match key.bytes().all(is_plain) {
            true => key.to_owned(),
            false => format!("={}", BASE64_STANDARD.encode(key)),
        };
        let path = format!("overlay-images/{}/{name}", id.hex());
        let found = self.root.read(Path::new(&path), bytes_max).with_context(|| format!("read {key}"))?;
        found.ok_or_else(|| Kind::NotFound.error(format!("podman's store has no {key} of it")))
    }

    /// The archive of a layer.
    pub fn layer(&self, layer: &IncomingLayer) -> Result<(Stream<'static>, u64)> {
        // Made by who wrote the list; one component each, since what is opened has no links to lead elsewhere.
        if layer.member.is_empty() || !layer.member.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return Err(Kind::BadInput.error(format!("{:?} is no id of a layer", fs::shown(layer.member.as_bytes()))));
        }
        let (list, diff) =
            (format!("overlay-layers/{}.tar-split.gz", layer.member), format!("overlay/{}/diff", layer.member));
        let list =
            self.root.resolve_without_links(Path::new(&list), OFlags::RDONLY | OFlags::NONBLOCK).map_err(|_| {
                let message = format!("layer {}: podman kept no tar-split of it", layer.member);
                Kind::NotFound.hinted(message, "carry the image over with podman save | coracle load")
            })?;
        let flags = OFlags::PATH | OFlags::DIRECTORY;
        let diff = self.root.resolve_without_links(Path::new(&diff), flags);
        let diff = diff.with_context(|| format!("open the files of layer {}", layer.member))?;
        let size = layer.blob.map_or(0, |(_, size)| size);
        Ok((Box::new(Archive::new(list.into(), Root::new(diff))), size))
    }
}

impl Listed {
    /// Whether a text means the image: one of its names, its id or the beginning of it.
    pub fn is_called(&self, text: &str) -> bool {
        let candidates = Reference::candidates(text).unwrap_or_default();
        candidates.iter().any(|name| self.names.contains(&name.to_string()))
            || (text.len() >= crate::image::ID_PREFIX_MIN && self.id.starts_with(text))
    }

    /// What the image is called in messages.
    pub fn shown(&self) -> String {
        fs::shown(self.names.first().unwrap_or(&self.id).as_bytes())
    }
}

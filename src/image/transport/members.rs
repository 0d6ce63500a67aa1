//! What the formats of images in files consist of: each is a list of members, whether they go into an archive or into a
//! directory. The one that makes an image visible is the last.

use super::{Incoming, IncomingLayer, Outgoing, Prepared};
use crate::error::Kind;
use crate::image::compose::Format as Dialect;
use crate::image::manifest::{
    DOCKER_CONFIG, DOCKER_MANIFEST, Descriptor, Manifest, OCI_CONFIG, OCI_INDEX, OCI_MANIFEST,
};
use crate::image::reference::Reference;
use crate::image::transport::Form;
use crate::store::digest::Digest;
use crate::store::layers::Compression;
use anyhow::{Context, Result};
use serde_json::{Value, json};
use std::collections::HashSet;

pub const LAYOUT_MARK: &[u8] = br#"{"imageLayoutVersion":"1.0.0"}"#;
/// The version that skopeo writes, and reads.
const DIRECTORY_VERSION: &[u8] = b"Directory Transport Version: 1.1\n";

/// A format of images in files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// A `manifest.json`, configurations, and layers that are not compressed: docker's image spec 1.2.
    Docker,
    /// An OCI image layout.
    Layout,
    /// A layout with a `manifest.json` over the same blobs: what docker writes since version 25.
    DockerLayout,
    /// One image as skopeo's `dir:` has it, with its manifest as it is.
    Directory,
    /// The same with a manifest of docker's, schema 2; `compress` makes gzip of every layer.
    DockerDirectory { compress: bool },
}

/// One file of an archive or of a directory.
#[derive(Debug)]
pub struct Member {
    pub name: String,
    pub content: Content,
}

#[derive(Debug)]
pub enum Content {
    Directory,
    Bytes(Vec<u8>),
    /// Which of the prepared blobs.
    Blob(usize),
}

impl Format {
    /// The form in which a layer stands in it.
    pub fn form(self, layer: &IncomingLayer) -> Form {
        match (self, layer.compression) {
            (Self::Docker, _) => Form::Plain,
            (Self::Layout | Self::DockerLayout | Self::Directory, _) => Form::AsIs,
            (Self::DockerDirectory { compress: true }, _) => Form::Gzip,
            // Readers of schema 2 know gzip alone.
            (Self::DockerDirectory { compress: false }, Compression::Zstd) => Form::Plain,
            (Self::DockerDirectory { compress: false }, Compression::None | Compression::Gzip) => Form::AsIs,
        }
    }

    /// Whose manifest the images have there, unless their own fit. In docker's archives there is none to be seen.
    pub fn dialect(self) -> Option<Dialect> {
        match self {
            Self::Layout | Self::DockerLayout | Self::Directory => None,
            Self::Docker | Self::DockerDirectory { .. } => Some(Dialect::Docker),
        }
    }

    /// All that is to be written for these images, each under its names.
    pub fn members(self, images: &[Outgoing], prepared: &Prepared) -> Result<Vec<Member>> {
        match self {
            Self::Docker => docker(images, prepared),
            Self::Layout => layout(images, prepared, false),
            Self::DockerLayout => layout(images, prepared, true),
            Self::Directory | Self::DockerDirectory { .. } => directory(images, prepared, self.dialect()),
        }
    }
}

fn docker(images: &[Outgoing], prepared: &Prepared) -> Result<Vec<Member>> {
    let mut members = Members::default();
    let mut items = Vec::new();
    for (Outgoing { image, names }, layers) in images.iter().zip(&prepared.layers) {
        let layer_names = layers.iter().map(|(number, _)| {
            let name = format!("{}.tar", prepared.blobs[*number].digest.hex());
            members.put(name, Content::Blob(*number))
        });
        let layer_names: Vec<String> = layer_names.collect();
        let name = format!("{}.json", Digest::of(&image.config).hex());
        items.push(item(&members.put(name, Content::Bytes(image.config.clone())), names, &layer_names));
    }
    members.put("manifest.json".to_owned(), Content::Bytes(serde_json::to_vec(&items)?));
    Ok(members.list)
}

fn layout(images: &[Outgoing], prepared: &Prepared, for_docker: bool) -> Result<Vec<Member>> {
    let mut members = Members::default();
    members.put("oci-layout".to_owned(), Content::Bytes(LAYOUT_MARK.to_vec()));
    members.put("blobs/".to_owned(), Content::Directory);
    members.put("blobs/sha256/".to_owned(), Content::Directory);
    let blob = |digest: &Digest| format!("blobs/sha256/{}", digest.hex());
    let (mut items, mut entries) = (Vec::new(), Vec::new());
    for (Outgoing { image, names }, layers) in images.iter().zip(&prepared.layers) {
        let layer_names = layers
            .iter()
            .map(|(number, _)| members.put(blob(&prepared.blobs[*number].digest), Content::Blob(*number)));
        let layer_names: Vec<String> = layer_names.collect();
        let config = members.put(blob(&Digest::of(&image.config)), Content::Bytes(image.config.clone()));
        let (bytes, media_type) = manifest(image, layers, prepared, None)?;
        let entry = json!({"mediaType": media_type, "digest": Digest::of(&bytes), "size": bytes.len()});
        members.put(blob(&Digest::of(&bytes)), Content::Bytes(bytes));
        items.push(item(&config, names, &layer_names));
        entries.extend(named(&entry, names, for_docker));
    }
    if for_docker {
        members.put("manifest.json".to_owned(), Content::Bytes(serde_json::to_vec(&items)?));
    }
    let index = json!({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": entries});
    members.put("index.json".to_owned(), Content::Bytes(serde_json::to_vec(&index)?));
    Ok(members.list)
}

/// An entry of the index for each name; podman gives the full name, docker the tag alone and the full name apart.
fn named(entry: &Value, names: &[String], for_docker: bool) -> Vec<Value> {
    if names.is_empty() {
        return vec![entry.clone()];
    }
    let name = |name: &String| {
        let mut entry = entry.clone();
        entry["annotations"] = match for_docker {
            true => json!({
                "io.containerd.image.name": name,
                "org.opencontainers.image.ref.name": Reference::parse(name).ok().and_then(|name| name.tag),
            }),
            false => json!({"org.opencontainers.image.ref.name": name}),
        };
        entry
    };
    names.iter().map(name).collect()
}

fn directory(images: &[Outgoing], prepared: &Prepared, dialect: Option<Dialect>) -> Result<Vec<Member>> {
    let ([Outgoing { image, .. }], [layers]) = (images, &prepared.layers[..]) else {
        return Err(Kind::BadInput.hinted("a directory of this format holds one image", "use oci-dir for several"));
    };
    let mut members = Members::default();
    members.put("version".to_owned(), Content::Bytes(DIRECTORY_VERSION.to_vec()));
    for (number, _) in layers {
        members.put(prepared.blobs[*number].digest.hex(), Content::Blob(*number));
    }
    members.put(Digest::of(&image.config).hex(), Content::Bytes(image.config.clone()));
    let (bytes, _) = manifest(image, layers, prepared, dialect)?;
    members.put("manifest.json".to_owned(), Content::Bytes(bytes));
    Ok(members.list)
}

/// The manifests of an index, and the index itself, each with its media type.
pub struct Manifests<'a> {
    pub images: Vec<&'a (Vec<u8>, String)>,
    pub index: &'a (Vec<u8>, String),
}

/// What a `dir:` calls the manifest of one image of several.
pub fn manifest_of(digest: &Digest) -> String {
    format!("{}.manifest.json", digest.hex())
}

/// An index and all that belongs to it, as a layout.
pub fn whole_layout(all: &Manifests, prepared: &Prepared, names: &[String]) -> Result<Vec<Member>> {
    let mut members = Members::default();
    members.put("oci-layout".to_owned(), Content::Bytes(LAYOUT_MARK.to_vec()));
    members.put("blobs/".to_owned(), Content::Directory);
    members.put("blobs/sha256/".to_owned(), Content::Directory);
    let name = |digest: &Digest| format!("blobs/sha256/{}", digest.hex());
    for (number, blob) in prepared.blobs.iter().enumerate() {
        members.put(name(&blob.digest), Content::Blob(number));
    }
    for (bytes, _) in all.images.iter().copied().chain([all.index]) {
        members.put(name(&Digest::of(bytes)), Content::Bytes(bytes.clone()));
    }
    let (bytes, media_type) = all.index;
    let entry = json!({"mediaType": media_type, "digest": Digest::of(bytes), "size": bytes.len()});
    let index = json!({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": named(&entry, names, false)});
    members.put("index.json".to_owned(), Content::Bytes(serde_json::to_vec(&index)?));
    Ok(members.list)
}

/// The same as skopeo's `dir:`.
pub fn whole_directory(all: &Manifests, prepared: &Prepared) -> Vec<Member> {
    let mut members = Members::default();
    members.put("version".to_owned(), Content::Bytes(DIRECTORY_VERSION.to_vec()));
    for (number, blob) in prepared.blobs.iter().enumerate() {
        members.put(blob.digest.hex(), Content::Blob(number));
    }
    for (bytes, _) in &all.images {
        members.put(manifest_of(&Digest::of(bytes)), Content::Bytes(bytes.clone()));
    }
    members.put("manifest.json".to_owned(), Content::Bytes(all.index.0.clone()));
    members.list
}

/// The image's own manifest with its media type, or a new one where that says something else than what is written.
pub fn manifest(
    image: &Incoming,
    layers: &[(usize, Compression)],
    prepared: &Prepared,
    dialect: Option<Dialect>,
) -> Result<(Vec<u8>, String)> {
    if let Some((bytes, media_type)) = &image.manifest {
        let own = Manifest::parse(bytes, Some(media_type)).context("parse manifest")?;
        let is_same = own.layers.len() == layers.len()
            && own.layers.iter().zip(layers).all(|(own, (number, _))| own.digest == prepared.blobs[*number].digest);
        if is_same && (dialect.is_none() || media_type == DOCKER_MANIFEST) {
            return Ok((bytes.clone(), media_type.clone()));
        }
    }
    let dialect = dialect.unwrap_or(Dialect::Oci);
    let (config_type, manifest_type) = match dialect {
        Dialect::Oci => (OCI_CONFIG, OCI_MANIFEST),
        Dialect::Docker => (DOCKER_CONFIG, DOCKER_MANIFEST),
    };
    let config = Descriptor::new(config_type, Digest::of(&image.config), image.config.len() as u64);
    let layer = |(number, compression): &(usize, Compression)| {
        let blob = &prepared.blobs[*number];
        Descriptor::new(dialect.layer(*compression), blob.digest, blob.size)
    };
    let manifest = Manifest::new(config, layers.iter().map(layer).collect());
    let manifest = Manifest { media_type: manifest_type.to_owned(), ..manifest };
    Ok((manifest.to_bytes()?, manifest_type.to_owned()))
}

/// An image in docker's `manifest.json`.
fn item(config: &str, names: &[String], layers: &[String]) -> Value {
    json!({"Config": config, "RepoTags": names, "Layers": layers})
}

/// Members, none twice.
#[derive(Default)]
struct Members {
    list: Vec<Member>,
    names: HashSet<String>,
}

impl Members {
    fn put(&mut self, name: String, content: Content) -> String {
        if self.names.insert(name.clone()) {
            self.list.push(Member { name: name.clone(), content });
        }
        name
    }
}

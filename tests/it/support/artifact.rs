//! Images made of bytes: honest ones, that a test may then falsify, and the forms in which they travel.

use super::evil_tar::{self, Entry};
use super::images;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::io::{Read, Write};
use std::path::Path;
use std::sync::OnceLock;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Packing {
    Plain,
    Gzip,
    Zstd,
}

/// Whose media types the manifest has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    Oci,
    Docker,
}

/// What a registry or a layout keeps under one digest.
#[derive(Clone, Debug)]
pub struct Blob {
    pub media_type: String,
    pub bytes: Vec<u8>,
}

/// An image as what it is made from. Everything else follows.
#[derive(Clone, Debug)]
pub struct Artifact {
    /// Tar archives, bottom first.
    pub layers: Vec<Vec<u8>>,
    pub packing: Packing,
    pub dialect: Dialect,
    /// The configuration but for `rootfs`.
    pub config: Value,
}

impl Artifact {
    pub fn new(layers: &[Vec<u8>]) -> Self {
        let settings = json!({"Env": ["PATH=/bin"], "Cmd": ["cat", "/marker"]});
        let config = json!({"os": "linux", "architecture": host_architecture(), "config": settings});
        Self { layers: layers.to_vec(), packing: Packing::Plain, dialect: Dialect::Oci, config }
    }

    /// An image that prints `text` when it is run.
    pub fn saying(text: &str) -> Self {
        Self::new(&[busybox(), file("marker", text)])
    }

    pub fn packed(self, packing: Packing) -> Self {
        Self { packing, ..self }
    }

    pub fn in_dialect(self, dialect: Dialect) -> Self {
        Self { dialect, ..self }
    }

    pub fn for_architecture(mut self, architecture: &str) -> Self {
        self.config["architecture"] = architecture.into();
        self
    }

    pub fn layer_blobs(&self) -> Vec<Blob> {
        let media_type = match (self.dialect, self.packing) {
            (Dialect::Oci, Packing::Plain) => "application/vnd.oci.image.layer.v1.tar",
            (Dialect::Oci, Packing::Gzip) => "application/vnd.oci.image.layer.v1.tar+gzip",
            (Dialect::Oci, Packing::Zstd) => "application/vnd.oci.image.layer.v1.tar+zstd",
            (Dialect::Docker, Packing::Plain) => "application/vnd.docker.image.rootfs.diff.tar",
            (Dialect::Docker, Packing::Gzip) => "application/vnd.docker.image.rootfs.diff.tar.gzip",
            (Dialect::Docker, Packing::Zstd) => "application/vnd.docker.image.rootfs.diff.tar.zstd",
        };
        self.layers.iter().map(|layer| Blob::new(media_type, pack(layer, self.packing))).collect()
    }

    pub fn config_blob(&self) -> Blob {
        let mut config = self.config.clone();
        if config.get("rootfs").is_none() {
            let diff_ids: Vec<String> = self.layers.iter().map(|layer| digest(layer)).collect();
            config["rootfs"] = json!({"type": "layers", "diff_ids": diff_ids});
        }
        let media_type = match self.dialect {
            Dialect::Oci => "application/vnd.oci.image.config.v1+json",
            Dialect::Docker => "application/vnd.docker.container.image.v1+json",
        };
        Blob::new(media_type, config.to_string())
    }

    pub fn manifest(&self) -> Value {
        let layers: Vec<Value> = self.layer_blobs().iter().map(Blob::descriptor).collect();
        let media_type = self.manifest_type();
        let config = self.config_blob().descriptor();
        json!({"schemaVersion": 2, "mediaType": media_type, "config": config, "layers": layers})
    }

    pub fn manifest_type(&self) -> &'static str {
        match self.dialect {
            Dialect::Oci => "application/vnd.oci.image.manifest.v1+json",
            Dialect::Docker => "application/vnd.docker.distribution.manifest.v2+json",
        }
    }

    pub fn manifest_blob(&self) -> Blob {
        Blob::new(self.manifest_type(), self.manifest().to_string())
    }

    /// The digest of the configuration.
    pub fn id(&self) -> String {
        self.config_blob().digest()
    }

    /// The members of an OCI layout that holds this image under a name.
    pub fn layout(&self, name: &str) -> Vec<Entry> {
        let manifest = self.manifest_blob();
        let mut listed = manifest.descriptor();
        listed["annotations"] = json!({"org.opencontainers.image.ref.name": name});
        let index = json!({"schemaVersion": 2, "manifests": [listed]});
        let mut members = vec![
            Entry::file("oci-layout", r#"{"imageLayoutVersion":"1.0.0"}"#),
            Entry::file("index.json", index.to_string()),
        ];
        for blob in self.layer_blobs().into_iter().chain([self.config_blob(), manifest]) {
            members.push(Entry::file(format!("blobs/sha256/{}", blob.hex()), &blob.bytes));
        }
        members
    }

    /// What `docker save` writes: a `manifest.json`, a configuration, and layers in directories.
    pub fn docker_members(&self, names: &[&str]) -> Vec<Entry> {
        let config = self.config_blob();
        let config_name = format!("{}.json", config.hex());
        let layers = self.layer_blobs();
        let layer_names: Vec<String> = layers.iter().map(|layer| format!("{}/layer.tar", layer.hex())).collect();
        let manifest = json!([{"Config": config_name, "RepoTags": names, "Layers": layer_names}]);
        let mut members = vec![Entry::file("manifest.json", manifest.to_string())];
        members.push(Entry::file(config_name, &config.bytes));
        members.extend(layer_names.iter().zip(&layers).map(|(name, layer)| Entry::file(name, &layer.bytes)));
        members
    }

    pub fn docker_archive(&self, name: &str) -> Vec<u8> {
        evil_tar::archive(&self.docker_members(&[name]))
    }
}

impl Blob {
    pub fn new(media_type: &str, bytes: impl Into<Vec<u8>>) -> Self {
        Self { media_type: media_type.to_owned(), bytes: bytes.into() }
    }

    pub fn digest(&self) -> String {
        digest(&self.bytes)
    }

    pub fn hex(&self) -> String {
        hex(&self.bytes)
    }

    pub fn descriptor(&self) -> Value {
        json!({"mediaType": self.media_type, "digest": self.digest(), "size": self.bytes.len()})
    }
}

/// An index of images, each for the platform that its configuration names.
pub fn index(images: &[&Artifact]) -> Blob {
    let media_type = "application/vnd.oci.image.index.v1+json";
    let manifests: Vec<Value> = images
        .iter()
        .map(|image| {
            let mut entry = image.manifest_blob().descriptor();
            entry["platform"] = json!({"os": "linux", "architecture": image.config["architecture"]});
            entry
        })
        .collect();
    Blob::new(media_type, json!({"schemaVersion": 2, "mediaType": media_type, "manifests": manifests}).to_string())
}

/// Writes the members of a layout, as `tar -x` would.
pub fn write_directory(members: &[Entry], directory: &Path) {
    for member in members {
        let path = directory.join(std::str::from_utf8(&member.path).expect("a name made here is text"));
        std::fs::create_dir_all(path.parent().expect("a member has a directory")).expect("make its directory");
        std::fs::write(path, &member.data).expect("write a member");
    }
}

/// A layer of one file.
pub fn file(path: &str, text: &str) -> Vec<u8> {
    evil_tar::archive(&[Entry::file(path, text)])
}

/// A layer of one file that no compression makes smaller.
pub fn noise(path: &str, size: usize) -> Vec<u8> {
    evil_tar::archive(&[Entry::file(path, noise_bytes(0, size))])
}

/// Bytes that no compression makes fewer, others for each number.
pub fn noise_bytes(number: u64, size: usize) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(size + 32);
    while bytes.len() < size {
        bytes.extend_from_slice(&Sha256::digest([number, bytes.len() as u64].map(u64::to_le_bytes).concat()));
    }
    bytes.truncate(size);
    bytes
}

/// The layer of the busybox image.
pub fn busybox() -> Vec<u8> {
    static LAYER: OnceLock<Vec<u8>> = OnceLock::new();
    let read = || {
        let archive = std::fs::read(images::archive("busybox")).expect("read the archive");
        for entry in tar::Archive::new(&archive[..]).entries().expect("an archive has entries") {
            let mut entry = entry.expect("read an entry");
            if entry.path().expect("an entry has a name").ends_with("layer.tar") {
                let mut layer = Vec::new();
                entry.read_to_end(&mut layer).expect("read the layer");
                return layer;
            }
        }
        panic!("there is a layer in the archive");
    };
    LAYER.get_or_init(read).clone()
}

pub fn pack(bytes: &[u8], packing: Packing) -> Vec<u8> {
    match packing {
        Packing::Plain => bytes.to_vec(),
        Packing::Gzip => {
            let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            encoder.write_all(bytes).and_then(|()| encoder.finish()).expect("compress into memory")
        }
        Packing::Zstd => zstd::encode_all(bytes, 1).expect("compress into memory"),
    }
}

pub fn digest(bytes: &[u8]) -> String {
    format!("sha256:{}", hex(bytes))
}

fn hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

pub fn host_architecture() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
}

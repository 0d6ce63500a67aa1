//! One image on its way: which of its layers are compressed first, and its manifest as that makes it.

use super::{Push, media_type_of};
use crate::engine::Engine;
use crate::error::Kind;
use crate::fs;
use crate::image;
use crate::image::chunked::ZSTD_POSITION;
use crate::image::compose::Format;
use crate::image::compress::Compressor;
use crate::image::manifest::{DOCKER_CONFIG, DOCKER_MANIFEST, Descriptor, Manifest, OCI_CONFIG};
use crate::image::platform::Platform;
use crate::image::registry::{self, Registry};
use crate::image::transfer::{self, Event, Progress, Watched};
use crate::store::blobs;
use crate::store::digest::{Digest, Hashing};
use crate::store::layers::Compression;
use crate::store::unpack::{Limits, inflate};
use anyhow::{Context, Result};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs::File;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// An image of the store, and what is to become of it.
pub struct Outgoing<'a> {
    engine: &'a Engine,
    what: &'a Push,
    /// The manifest as it is in the store.
    pub bytes: Vec<u8>,
    manifest: Manifest,
    /// The media types to rewrite the manifest with; None if nothing of it changes.
    format: Option<Format>,
}

/// A manifest whose blobs are all in the repository.
pub struct Sent {
    pub bytes: Vec<u8>,
    pub media_type: String,
}

impl<'a> Outgoing<'a> {
    pub fn new(engine: &'a Engine, what: &'a Push, bytes: Vec<u8>) -> Result<Self> {
        let manifest = Manifest::parse(&bytes, None)?;
        let mut image = Self { engine, what, bytes, manifest, format: None };
        // An artifact's blobs are nobody's layers: it goes as it is.
        if image.is_image() {
            image.format = image.new_format()?;
        }
        Ok(image)
    }

    fn is_image(&self) -> bool {
        [OCI_CONFIG, DOCKER_CONFIG].contains(&self.manifest.config.media_type.as_str())
    }

    /// Whether the manifest that is sent is the one in the store.
    pub fn is_kept(&self) -> bool {
        self.format.is_none()
    }

    /// The blobs of layers that are sent as they are.
    pub fn blobs_kept(&self) -> impl Iterator<Item = Digest> {
        self.manifest.layers.iter().filter(|layer| !self.is_recoded(layer)).map(|layer| layer.digest)
    }

    pub fn check_platform(&self, wanted: Option<&Platform>) -> Result<()> {
        match wanted {
            Some(_) => image::pull::check_platform(&image::read_config(self.engine, &self.manifest)?, wanted),
            None => Ok(()),
        }
    }

    /// Sends all blobs that the repository lacks; the manifest is for the caller to send.
    pub fn send(&self, registry: &Registry, sources: &HashMap<Digest, String>, progress: Progress) -> Result<Sent> {
        let sending = Sending {
            image: self,
            registry,
            sources,
            progress,
            stop: AtomicBool::new(false),
            compressing: Mutex::new(()),
            sent: Mutex::default(),
        };
        let config = &self.manifest.config;
        // Who may not push is told before layers are compressed for nothing.
        if self.recodes() {
            registry.has_blob(&config.digest)?;
        }
        let mut seen = HashSet::new();
        let layers: Vec<&Descriptor> =
            self.manifest.layers.iter().filter(|layer| seen.insert(layer.digest)).collect();
        transfer::each(layers, &sending.stop, |layer| {
            sending.layer(layer).with_context(|| format!("send layer {}", layer.digest))
        })?;
        let file = blobs::open(self.engine, &config.digest)?;
        sending.blob(config.digest, config.size, &file, None).context("send configuration")?;
        let Some(format) = self.format else {
            let media_type = media_type_of(&self.manifest.media_type).to_owned();
            return Ok(Sent { bytes: self.bytes.clone(), media_type });
        };
        let sent = sending.sent.into_inner().expect("no holder of the lock panics");
        let manifest = self.rewritten(format, &sent)?;
        Ok(Sent { bytes: manifest.to_bytes()?, media_type: manifest.media_type })
    }

    /// What the manifest is rewritten as.
    fn new_format(&self) -> Result<Option<Format>> {
        let is_docker = self.manifest.media_type == DOCKER_MANIFEST;
        let own = if is_docker { Format::Docker } else { Format::Oci };
        let recoded = self.recodes();
        let has_zstd = self.manifest.layers.iter().any(|layer| self.compression(layer) == Some(Compression::Zstd));
        let format = match self.what.format {
            // Docker's manifests have no zstd: neither podman nor the registry that checks them takes it.
            None if recoded && has_zstd => Format::Oci,
            None => own,
            Some(Format::Docker) if has_zstd && own != Format::Docker => {
                let hint = "use --compression-format gzip, or --format oci";
                return Err(Kind::BadInput.hinted("docker's manifest format has no layers of zstd", hint));
            }
            Some(Format::Docker) if has_zstd && recoded => {
                let hint = "use --compression-format gzip, or --format oci";
                return Err(Kind::BadInput.hinted("docker's manifest format has no layers of zstd", hint));
            }
            Some(format) => format,
        };
        Ok((recoded || format != own).then_some(format))
    }

    /// How a layer will be compressed; None for one of a kind that this engine does not know.
    fn compression(&self, layer: &Descriptor) -> Option<Compression> {
        match self.is_recoded(layer) {
            true => Some(self.what.compressor.makes()),
            false => layer.compression().ok(),
        }
    }

    /// Whether any layer is compressed before it is sent.
    fn recodes(&self) -> bool {
        self.manifest.layers.iter().any(|layer| self.is_recoded(layer))
    }

    fn is_recoded(&self, layer: &Descriptor) -> bool {
        match layer.compression() {
            // What is in an artifact is its maker's business.
            _ if !self.is_image() => false,
            Ok(Compression::None) => true,
            Ok(compression) => self.what.force_compression && !self.is_compressed_so(layer, compression),
            Err(_) => false,
        }
    }

    fn is_compressed_so(&self, layer: &Descriptor, compression: Compression) -> bool {
        let needs_table = matches!(self.what.compressor, Compressor::ZstdChunked { .. });
        compression == self.what.compressor.makes() && (!needs_table || layer.annotations.contains_key(ZSTD_POSITION))
    }

    fn rewritten(&self, format: Format, sent: &HashMap<Digest, Compressed>) -> Result<Manifest> {
        let mut manifest = self.manifest.clone();
        manifest.media_type = format.manifest().to_owned();
        manifest.config.media_type = format.config().to_owned();
        for layer in &mut manifest.layers {
            if let Some(compression) = self.compression(layer) {
                layer.media_type = format.layer(compression).to_owned();
            }
            if let Some(compressed) = sent.get(&layer.digest) {
                (layer.digest, layer.size) = (compressed.digest, compressed.size);
                // Tables of contents of the bytes that were.
                let is_of_bytes =
                    |key: &str| key.starts_with("io.github.containers.") || key.starts_with("containerd.io/");
                layer.annotations.retain(|key, _| !is_of_bytes(key));
                layer.annotations.extend(compressed.annotations.clone());
            }
        }
        Ok(manifest)
    }
}

/// The blobs of one image on their way.
struct Sending<'a> {
    image: &'a Outgoing<'a>,
    registry: &'a Registry,
    sources: &'a HashMap<Digest, String>,
    progress: Progress<'a>,
    /// Set by the first layer that fails.
    stop: AtomicBool,
    /// One layer is compressed at a time: that takes all processors.
    compressing: Mutex<()>,
    /// What layers that were compressed have become, by what they were.
    sent: Mutex<HashMap<Digest, Compressed>>,
}

/// What a layer has become.
struct Compressed {
    digest: Digest,
    size: u64,
    annotations: BTreeMap<String, String>,
}

impl Sending<'_> {
    fn layer(&self, layer: &Descriptor) -> Result<()> {
        let engine = self.image.engine;
        let here = blobs::size(engine, &layer.digest)?;
        if here.is_some_and(|here| here != layer.size) {
            let hint = "remove the image and pull or load it again";
            return Err(Kind::BadInput.hinted("the blob is damaged on disk: it has another size", hint));
        }
        // What was removed because a registry has it need not be here for that registry.
        if here.is_none() && !self.image.is_recoded(layer) && self.registry.has_blob(&layer.digest)? {
            (self.progress)(Event::LayerPresent(layer.digest));
            return Ok(());
        }
        let file = blobs::open(engine, &layer.digest)?;
        if !self.image.is_recoded(layer) {
            let from = self.sources.get(&layer.digest).map(String::as_str);
            return self.blob(layer.digest, layer.size, &file, from);
        }
        let (file, compressed) = self.compressed(layer, file).context("compress")?;
        let (digest, size) = (compressed.digest, compressed.size);
        self.sent.lock().expect("no holder of the lock panics").insert(layer.digest, compressed);
        self.blob(digest, size, &file, None)
    }

    /// Brings one blob into the repository if it is not there.
    fn blob(&self, digest: Digest, size: u64, file: &File, mount_from: Option<&str>) -> Result<()> {
        if self.registry.has_blob(&digest)? {
            (self.progress)(Event::LayerPresent(digest));
            return Ok(());
        }
        (self.progress)(Event::LayerStarted { blob: digest, size });
        let told = AtomicU64::new(0);
        // What is sent once more after a break is not told again.
        let progress = |at: u64| {
            let before = told.fetch_max(at, Ordering::Relaxed);
            if at > before {
                (self.progress)(Event::LayerBytes { blob: digest, bytes: at - before });
            }
        };
        let blob = registry::Outgoing { digest, size, file, progress: &progress, stop: &self.stop };
        self.registry.upload(&blob, mount_from)?;
        (self.progress)(Event::LayerDone(digest));
        Ok(())
    }

    /// Compresses a layer into a file without a name.
    fn compressed(&self, layer: &Descriptor, file: File) -> Result<(File, Compressed)> {
        let _one = self.compressing.lock().expect("no holder of the lock panics");
        (self.progress)(Event::LayerStarted { blob: layer.digest, size: layer.size });
        let mut out = Hashing::new(fs::create_unnamed(&self.image.engine.staging())?);
        let (progress, stop) = (self.progress, &self.stop);
        let mut source = Hashing::new(Watched { source: file, blob: layer.digest, progress, stop });
        let compression = layer.compression()?;
        let annotations = inflate(&mut source, compression, &Limits::default(), |plain| {
            self.image.what.compressor.compress(plain, &mut out)
        })?;
        std::io::copy(&mut source, &mut std::io::sink()).context("read the rest of the blob")?;
        if source.finish().1 != layer.digest {
            let hint = "remove the image and pull or load it again";
            return Err(Kind::BadInput.hinted("the blob is damaged on disk", hint));
        }
        (self.progress)(Event::LayerDone(layer.digest));
        let (file, digest, size) = out.finish();
        Ok((file, Compressed { digest, size, annotations }))
    }
}

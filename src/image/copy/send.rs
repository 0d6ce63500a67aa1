//! An image from another place to a registry: blob by blob through staging, checked there, and its manifest last.

use crate::engine::Engine;
use crate::error::Kind;
use crate::fs;
use crate::image::reference::Reference;
use crate::image::registry::{self, Access, Registry, Rights};
use crate::image::transfer::{self, Event, Progress};
use crate::image::transport::members::{self, Format, Manifests};
use crate::image::transport::{self, Blob, Blobs, Form, Incoming, Outgoing, Prepared};
use crate::store::digest::Digest;
use anyhow::{Context, Result};
use std::collections::HashSet;
use std::fs::File;
use std::io::Write;
use std::sync::atomic::AtomicBool;

/// Sends an image; gives the digest of its manifest.
pub fn send(
    engine: &Engine,
    source: &Blobs,
    image: Incoming,
    target: &Reference,
    access: &Access,
    progress: Progress,
) -> Result<Digest> {
    let mount_from = repository_beside(source, &image, target);
    // What has no manifest has no digest to keep, and is compressed as push does it.
    let form = if image.manifest.is_some() { Form::AsIs } else { Form::Gzip };
    let images = [Outgoing { image, names: Vec::new() }];
    let prepared = transport::prepare(engine, source, &images, |_| form)?;
    let ([Outgoing { image, .. }], [layers]) = (&images, &prepared.layers[..]) else {
        return Err(Kind::Engine.error("one image was prepared as several"));
    };
    let (manifest, media_type) = members::manifest(image, layers, &prepared, Format::Layout.dialect())?;
    let name = name(target, &Digest::of(&manifest))?;
    let rights = Rights::Push { mount_from: mount_from.iter().cloned().collect() };
    let registry = Registry::new(target, access)?.asked_for(rights);
    progress(Event::Pushing(target.to_string()));
    let stop = AtomicBool::new(false);
    let sending = Sending { engine, source, registry: &registry, mount_from: mount_from.as_deref(), progress, stop };
    let mut seen = HashSet::new();
    let blobs = prepared.blobs.iter().filter(|blob| seen.insert(blob.digest)).collect();
    transfer::each(blobs, &sending.stop, |blob| {
        sending.layer(blob).with_context(|| format!("send layer {}", blob.digest))
    })?;
    sending.config(&image.config).context("send configuration")?;
    registry.put_manifest(&name, &media_type, &manifest).context("put manifest")
}

/// Sends the blobs and the manifests of an index, and the index last; gives its digest.
pub fn send_whole(
    engine: &Engine,
    source: &Blobs,
    (prepared, all): (&Prepared, &Manifests),
    (target, from): (&Reference, Option<&Reference>),
    access: &Access,
    progress: Progress,
) -> Result<Digest> {
    let mount_from = from.and_then(|from| beside(from, target));
    let (bytes, media_type) = all.index;
    let name = name(target, &Digest::of(bytes))?;
    let rights = Rights::Push { mount_from: mount_from.iter().cloned().collect() };
    let registry = Registry::new(target, access)?.asked_for(rights);
    progress(Event::Pushing(target.to_string()));
    let stop = AtomicBool::new(false);
    let sending = Sending { engine, source, registry: &registry, mount_from: mount_from.as_deref(), progress, stop };
    transfer::each(prepared.blobs.iter().collect(), &sending.stop, |blob| {
        sending.layer(blob).with_context(|| format!("send blob {}", blob.digest))
    })?;
    for (bytes, media_type) in &all.images {
        registry.put_manifest(&Digest::of(bytes).to_string(), media_type, bytes).context("put manifest")?;
    }
    registry.put_manifest(&name, media_type, bytes).context("put the list of images")
}

/// The repository that the image comes from, if the target's registry has it too and may take blobs from there.
fn repository_beside(source: &Blobs, image: &Incoming, target: &Reference) -> Option<String> {
    beside(image.references.first().filter(|_| matches!(source, Blobs::Registry(_)))?, target)
}

fn beside(from: &Reference, target: &Reference) -> Option<String> {
    (from.registry == target.registry && from.repository != target.repository).then(|| from.repository.clone())
}

/// What the manifest is called in the repository. A digest must be the one that it has.
fn name(target: &Reference, digest: &Digest) -> Result<String> {
    match (&target.digest, &target.tag) {
        (Some(_), Some(_)) => Err(Kind::BadInput.error("a destination has a tag or a digest, not both")),
        (Some(wanted), None) if wanted != digest => {
            Err(Kind::BadInput.error(format!("the image's manifest has the digest {digest}")))
        }
        (Some(wanted), None) => Ok(wanted.to_string()),
        (None, tag) => Ok(tag.clone().unwrap_or_else(|| "latest".to_owned())),
    }
}

struct Sending<'a> {
    engine: &'a Engine,
    source: &'a Blobs<'a>,
    registry: &'a Registry,
    mount_from: Option<&'a str>,
    progress: Progress<'a>,
    /// Set by the first layer that fails.
    stop: AtomicBool,
}

impl Sending<'_> {
    fn layer(&self, blob: &Blob) -> Result<()> {
        if self.registry.has_blob(&blob.digest)? {
            (self.progress)(Event::LayerPresent(blob.digest));
            return Ok(());
        }
        // Its bytes are checked before the first is sent, and are there to be sent again.
        let mut file = self.staged()?;
        let is_done = |event: &Event| matches!(event, Event::LayerDone(_));
        let until_here = |event| {
            if !is_done(&event) {
                (self.progress)(event)
            }
        };
        blob.write(self.source, &mut file, &until_here)?;
        self.upload(blob.digest, blob.size, &file, self.mount_from)?;
        (self.progress)(Event::LayerDone(blob.digest));
        Ok(())
    }

    fn config(&self, bytes: &[u8]) -> Result<()> {
        let digest = Digest::of(bytes);
        if self.registry.has_blob(&digest)? {
            return Ok(());
        }
        let mut file = self.staged()?;
        file.write_all(bytes).context("write into staging")?;
        self.upload(digest, bytes.len() as u64, &file, None)
    }

    fn upload(&self, digest: Digest, size: u64, file: &File, mount_from: Option<&str>) -> Result<()> {
        let blob = registry::Outgoing { digest, size, file, progress: &|_| {}, stop: &self.stop };
        self.registry.upload(&blob, mount_from)
    }

    fn staged(&self) -> Result<File> {
        fs::create_unnamed(&self.engine.staging())
    }
}

//! An index with all its images, from one place to another: every byte as it is, so that no digest changes. What is in it
//! need not be images; nothing but the manifests is looked into.

use super::{keep, send, signatures};
use crate::engine::Engine;
use crate::error::Kind;
use crate::image::guarded::Guarded;
use crate::image::manifest::{Descriptor, Document, Index, MANIFEST_BYTES_MAX, Manifest, OCI_INDEX};
use crate::image::policy::{Conditions, Identity, Policy};
use crate::image::pull::{self, LAYER_BYTES_MAX};
use crate::image::reference::Reference;
use crate::image::registry::{Access, Registry};
use crate::image::signature::carry::Carried;
use crate::image::transfer::Progress;
use crate::image::transport::members::{self, Format, Manifests};
use crate::image::transport::target::{Target, Writing};
use crate::image::transport::{self, Blobs, Files, Form, Incoming, IncomingLayer, Location, Outgoing, Source};
use crate::image::{list, look_up_to_read};
use crate::store::blobs;
use crate::store::digest::Digest;
use crate::store::layers::Compression;
use anyhow::{Context, Result};
use std::collections::HashSet;
use std::path::Path;

/// An index that is to be copied, and the images that go with it.
pub struct Whole<'a> {
    blobs: Blobs<'a>,
    index: (Vec<u8>, String),
    images: Vec<Incoming>,
    /// Where it comes from, if that is a registry.
    from: Option<Reference>,
    /// Whether it comes from a `dir:`.
    is_directory: bool,
    /// What goes along.
    signatures: Carried,
}

/// A place whose documents are asked for by digest.
enum Place<'a> {
    Registry(&'a Registry),
    Layout(&'a Files),
    Directory(&'a Files),
    Store(&'a Engine),
}

/// Opens the index of a place, and with `all` its images. None if what is there is the manifest of one image. The policy is
/// asked about the index and about each of them.
pub fn open<'a>(engine: &'a Engine, location: &Location, all: bool, access: &'a Access) -> Result<Option<Whole<'a>>> {
    let files = |path: &Path, format| -> Result<_> {
        let source = Source::Path(path.to_owned());
        let files = transport::open(engine, &source)?;
        let policy = Policy::load(access.signature_policy.as_deref())?;
        let conditions = policy.check(&Identity::files(&files, format, &source)?)?;
        Ok((conditions, files))
    };
    match location {
        Location::Registry(reference) => {
            let guarded = Guarded::open(reference, access)?;
            let top = pull::top(reference, &guarded.registry).with_context(|| reference.familiar())?.bytes;
            let whole = whole(Blobs::Registry(Box::new(guarded)), top, location, all)?;
            whole.map(|whole| whole.verified(engine, &Conditions::default())).transpose()
        }
        Location::Store(name) => {
            // It was let in when it came, or was made here.
            let (summary, _) = look_up_to_read(engine, name)?;
            let top = blobs::read(engine, &summary.manifest, MANIFEST_BYTES_MAX)?;
            whole(Blobs::Store(engine), top, location, all)
        }
        Location::Layout { path, name } | Location::OciArchive { path, name } => {
            let (conditions, files) = files(path, Format::Layout)?;
            let top = in_layout(&files, name.as_deref()).with_context(|| format!("read {}", path.display()))?;
            let whole = whole(Blobs::Files(files), top, location, all)?;
            whole.map(|whole| whole.verified(engine, &conditions)).transpose()
        }
        Location::Directory(path) => {
            let (conditions, files) = files(path, Format::Directory)?;
            let top = files.read("manifest.json", MANIFEST_BYTES_MAX)?;
            let top =
                top.ok_or_else(|| Kind::BadInput.error(format!("{}: no manifest.json in it", path.display())))?;
            let whole = whole(Blobs::Files(files), top, location, all)?;
            whole.map(|whole| whole.verified(engine, &conditions)).transpose()
        }
        Location::DockerArchive { .. } => Ok(None),
    }
}

fn whole<'a>(blobs: Blobs<'a>, top: Vec<u8>, location: &Location, all: bool) -> Result<Option<Whole<'a>>> {
    let Document::Index(index) = Document::parse(&top, None)? else { return Ok(None) };
    let images = if all { images(&blobs, location, &index)? } else { Vec::new() };
    let media_type = if index.media_type.is_empty() { OCI_INDEX } else { &index.media_type };
    let (from, is_directory) = match location {
        Location::Registry(reference) => (Some(reference.clone()), false),
        other => (None, matches!(other, Location::Directory(_))),
    };
    let (index, signatures) = ((top, media_type.to_owned()), Carried::default());
    Ok(Some(Whole { blobs, index, images, from, is_directory, signatures }))
}

impl<'a> Whole<'a> {
    /// Refuses it unless the index and each image have the signatures that are asked for.
    fn verified(self, engine: &Engine, of_files: &Conditions) -> Result<Self> {
        for manifest in self.manifests() {
            match &self.blobs {
                Blobs::Registry(guarded) => guarded.verify(engine, &manifest)?,
                Blobs::Files(_) | Blobs::Podman(_) | Blobs::Store(_) => {
                    of_files.verify(engine, &manifest, &signatures(&self.blobs, self.is_directory))?;
                }
            }
        }
        Ok(self)
    }

    /// Reads the signatures of the index and of the images, which then go along. Refuses a target that cannot have them.
    pub fn with_signatures(mut self, target: &Location) -> Result<Self> {
        self.signatures = Carried::read(&signatures(&self.blobs, self.is_directory), &self.manifests(), target)?;
        Ok(self)
    }

    /// Where its blobs are, the index, and its images.
    pub fn into_parts(self) -> (Blobs<'a>, Vec<u8>, Vec<Incoming>) {
        (self.blobs, self.index.0, self.images)
    }

    /// The index and the images.
    fn manifests(&self) -> Vec<Digest> {
        let images = self.images.iter().filter_map(|image| image.manifest.as_ref());
        [&self.index].into_iter().chain(images).map(|(bytes, _)| Digest::of(bytes)).collect()
    }
}

/// The document of a layout that has the name, or the only one.
fn in_layout(files: &Files, name: Option<&str>) -> Result<Vec<u8>> {
    let bytes = files.read("index.json", MANIFEST_BYTES_MAX)?;
    let bytes = bytes.ok_or_else(|| Kind::BadInput.error("there is no index.json in it"))?;
    let Document::Index(index) = Document::parse(&bytes, None)? else {
        return Err(Kind::BadInput.error("index.json is not an index"));
    };
    let mut fitting =
        index.manifests.iter().filter(|entry| name.is_none_or(|name| transport::is_called(entry, name)));
    let entry = fitting.next().ok_or_else(|| Kind::NotFound.error("there is no such image in index.json"))?;
    if fitting.any(|other| other.digest != entry.digest) {
        return Err(Kind::BadInput.hinted("there are several images in it", "choose one by its name: oci:DIR:NAME"));
    }
    Place::Layout(files).document(entry)
}

fn images(blobs: &Blobs, location: &Location, index: &Index) -> Result<Vec<Incoming>> {
    let place = match (blobs, location) {
        (Blobs::Registry(guarded), _) => Place::Registry(&guarded.registry),
        (Blobs::Store(engine), _) => Place::Store(engine),
        (Blobs::Files(files), Location::Directory(_)) => Place::Directory(files),
        (Blobs::Files(files), _) => Place::Layout(files),
        (Blobs::Podman(_), _) => return Err(Kind::Engine.error("podman's store has no lists to copy")),
    };
    let mut seen = HashSet::new();
    let entries = index.manifests.iter().filter(|entry| seen.insert(entry.digest));
    let read = |entry: &Descriptor| -> Result<Incoming> {
        let bytes = place.document(entry)?;
        let Document::Manifest(manifest) = Document::parse(&bytes, Some(&entry.media_type))? else {
            return Err(Kind::BadInput.error("indexes within indexes"));
        };
        let layers = place.blobs(&manifest)?;
        let media_type = manifest.own_type().to_owned();
        Ok(Incoming { manifest: Some((bytes, media_type)), config: Vec::new(), layers, references: Vec::new() })
    };
    entries.map(|entry| read(entry).with_context(|| format!("read manifest {}", entry.digest))).collect()
}

impl Place<'_> {
    fn document(&self, entry: &Descriptor) -> Result<Vec<u8>> {
        let in_files = |files: &Files, name: String| {
            let bytes = files.read(&name, MANIFEST_BYTES_MAX)?;
            bytes.ok_or_else(|| Kind::BadInput.error(format!("{name} is not in it")))
        };
        let bytes = match self {
            Self::Registry(registry) => registry.manifest_of_digest(&entry.digest)?.bytes,
            Self::Layout(files) => in_files(files, format!("blobs/sha256/{}", entry.digest.hex()))?,
            Self::Directory(files) => in_files(files, members::manifest_of(&entry.digest))?,
            Self::Store(engine) => blobs::read(engine, &entry.digest, MANIFEST_BYTES_MAX)?,
        };
        match bytes.len() as u64 == entry.size && Digest::of(&bytes) == entry.digest {
            true => Ok(bytes),
            false => Err(Kind::BadInput.error(format!("manifest {}: it has other bytes", entry.digest))),
        }
    }

    /// All that a manifest names, the configuration too, each to be copied as it is.
    fn blobs(&self, manifest: &Manifest) -> Result<Vec<IncomingLayer>> {
        let prefix = if matches!(self, Self::Layout(_)) { "blobs/sha256/" } else { "" };
        let all = manifest.layers.iter().chain([&manifest.config]);
        let blob = |blob: &Descriptor| match blob.size > LAYER_BYTES_MAX {
            true => {
                let message = format!("blob {}: at most {LAYER_BYTES_MAX} bytes are copied", blob.digest);
                Err(Kind::BadInput.error(message))
            }
            false => Ok(IncomingLayer {
                member: format!("{prefix}{}", blob.digest.hex()),
                diff_id: blob.digest,
                compression: Compression::None,
                blob: Some((blob.digest, blob.size)),
            }),
        };
        all.map(blob).collect()
    }
}

/// Copies it; gives the digest of the index.
pub fn copy(engine: &Engine, whole: Whole, target: &Location, access: &Access, progress: Progress) -> Result<Digest> {
    if let Location::Store(name) = target {
        return into_store(engine, whole, name, progress);
    }
    let Whole { blobs: source, index, images, from, is_directory: _, signatures } = whole;
    let _guard = blobs::incoming(engine)?;
    let digest = Digest::of(&index.0);
    let images: Vec<_> = images.into_iter().map(|image| Outgoing { image, names: Vec::new() }).collect();
    let prepared = transport::prepare(engine, &source, &images, |_| Form::AsIs)?;
    let manifests = || images.iter().filter_map(|outgoing| outgoing.image.manifest.as_ref());
    let (layout, written, name) = match target {
        Location::Registry(reference) => {
            let all = Manifests { images: manifests().collect(), index: &index };
            let send =
                send::send_whole(engine, &source, (&prepared, &all), (reference, from.as_ref()), access, progress);
            let digest = send.with_context(|| reference.familiar())?;
            signatures.put(engine, target, access)?;
            return Ok(digest);
        }
        Location::Store(_) => return Err(Kind::Engine.error("the store was a target already")),
        Location::DockerArchive { .. } => {
            return Err(Kind::BadInput.hinted("docker's archives have no lists of images", "use oci-archive:"));
        }
        Location::OciArchive { path, name } => (true, Target::Archive(path.clone()), name.clone()),
        Location::Layout { path, name } => (true, Target::Directory(path.clone()), name.clone()),
        Location::Directory(path) => (false, Target::Directory(path.clone()), None),
    };
    let all = Manifests { images: manifests().collect(), index: &index };
    let members = match layout {
        true => members::whole_layout(&all, &prepared, name.as_slice())?,
        false => members::whole_directory(&all, &prepared),
    };
    written.write(&Writing { members, prepared: &prepared, source: &source, progress })?;
    signatures.put(engine, target, access)?;
    Ok(digest)
}

fn into_store(engine: &Engine, whole: Whole, name: &str, progress: Progress) -> Result<Digest> {
    if whole.images.is_empty() {
        return Err(Kind::BadInput.error("a list in the store has its images with it"));
    }
    let name = Reference::parse_local(name)?;
    let _guard = blobs::incoming(engine)?;
    let (bytes, media_type) = whole.index.clone();
    keep::members(engine, whole, progress)?;
    list::publish(engine, &name, &media_type, &bytes)?;
    Ok(Digest::of(&bytes))
}

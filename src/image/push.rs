//! Pushing: an image of the store goes to a registry as it came, blob by blob, its manifest last.
//!
//! What the repository has is not sent, and what another repository of the registry has is taken from there. Layers that
//! are not compressed, such as those made here, are on their way; the store stays as it is.

mod outgoing;

use super::compose::Format;
use super::compress::Compressor;
use super::look_up_to_read;
use super::manifest::{Descriptor, Document, Index, MANIFEST_BYTES_MAX, OCI_MANIFEST};
use super::origin::shown;
use super::platform::{self, Platform};
use super::reference::{LOCAL_REGISTRY, Reference};
use super::registry::{Access, Registry, Rights};
use super::transfer::{Event, Progress};
use crate::engine::Engine;
use crate::error::Kind;
use crate::store::blobs;
use crate::store::digest::Digest;
use crate::store::tags;
use anyhow::{Context, Result};
use outgoing::Outgoing;
use std::collections::{BTreeSet, HashMap};

/// How many manifests of the store are read to find repositories that blobs can be mounted from.
const MOUNT_IMAGES_MAX: usize = 200;

/// What goes of an index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// The image for one platform.
    One,
    /// The index with all its images.
    All,
    /// The index alone, to where its images are already.
    IndexOnly,
}

/// What is to be pushed of an image, and how.
#[derive(Clone, Debug)]
pub struct Push {
    pub which: Which,
    pub platform: Option<Platform>,
    /// Whose media types the manifest is to have; None for those that it has.
    pub format: Option<Format>,
    pub compressor: Compressor,
    /// Compress layers anew that are compressed in another way.
    pub force_compression: bool,
}

/// What the registry has now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pushed {
    /// Of the image in the store.
    pub id: Digest,
    /// Of the manifest or index as it was sent.
    pub digest: Digest,
    pub size: u64,
}

/// Where an image goes that was named by `image`. Without a destination that is where its name says. `verb` is the command
/// that was given, for an error to say how.
pub fn destination(engine: &Engine, verb: &str, image: &str, destination: Option<&str>) -> Result<Reference> {
    let image_shown = shown(image, 300);
    let elsewhere = |name: &str| format!("give a destination: coracle {verb} {image_shown} REGISTRY/{name}");
    let reference = match destination {
        Some(text) => Reference::parse(text)?,
        None => {
            let (_, name) = look_up_to_read(engine, image)?;
            let no_name = || {
                let message = format!("{} is an id, which says nothing of a registry", shown(image, 100));
                Kind::BadInput.hinted(message, elsewhere("NAME"))
            };
            Reference::parse(&name.ok_or_else(no_name)?)?
        }
    };
    if reference.registry == LOCAL_REGISTRY {
        let message = format!("{reference} names no registry: {LOCAL_REGISTRY}/ is for images made here");
        return Err(Kind::BadInput.hinted(message, elsewhere(&reference.repository)));
    }
    Ok(reference)
}

/// The names with a tag that the store has of a repository.
pub fn tags_of(engine: &Engine, repository: &Reference) -> Result<Vec<Reference>> {
    let entries = tags::list(engine)?;
    let names = entries.iter().filter_map(|entry| Reference::parse(entry.name()?).ok());
    Ok(names.filter(|name| name.name() == repository.name() && name.tag.is_some()).collect())
}

/// Pushes an image.
pub fn push(
    engine: &Engine,
    image: &str,
    destination: &Reference,
    what: &Push,
    access: &Access,
    progress: Progress,
) -> Result<Pushed> {
    // What is on its way is not collected as garbage meanwhile.
    let _kept = blobs::incoming(engine)?;
    let (summary, _) = look_up_to_read(engine, image)?;
    let plan = Plan::new(engine, &summary.manifest, what)?;
    let sources = mount_sources(engine, destination, &plan)?;
    let mount_from: BTreeSet<&String> = sources.values().collect();
    let rights = Rights::Push { mount_from: mount_from.into_iter().cloned().collect() };
    let registry = Registry::new(destination, access)?.asked_for(rights);
    check_destination(destination, &plan)?;
    progress(Event::Pushing(destination.to_string()));
    let transfer = Transfer { registry: &registry, sources: &sources, progress, destination };
    let (digest, size) = transfer.send(&plan).with_context(|| destination.familiar())?;
    Ok(Pushed { id: summary.id, digest, size })
}

/// What is sent: one manifest, or those of an index, if they are, and then the index.
struct Plan<'a> {
    index: Option<(Vec<u8>, Index)>,
    images: Vec<Outgoing<'a>>,
}

impl<'a> Plan<'a> {
    fn new(engine: &'a Engine, manifest: &Digest, what: &'a Push) -> Result<Self> {
        let bytes = blobs::read(engine, manifest, MANIFEST_BYTES_MAX)?;
        let Document::Index(mut index) = Document::parse(&bytes, None)? else {
            let image = Outgoing::new(engine, what, bytes)?;
            image.check_platform(what.platform.as_ref())?;
            return Ok(Self { index: None, images: vec![image] });
        };
        let read = |entry: &Descriptor| -> Result<Outgoing<'a>> {
            let bytes = blobs::read(engine, &entry.digest, MANIFEST_BYTES_MAX);
            Outgoing::new(engine, what, bytes.context("read an image of the index")?)
        };
        let images = match what.which {
            Which::One => {
                let host = Platform::host();
                let chosen = platform::choose(&index.manifests, what.platform.as_ref().unwrap_or(&host))?;
                return Ok(Self { index: None, images: vec![read(chosen)?] });
            }
            Which::All => index.manifests.iter().map(read).collect::<Result<_>>()?,
            Which::IndexOnly => Vec::new(),
        };
        if let Some(format) = what.format.filter(|format| index.media_type != format.index()) {
            index.media_type = format.index().to_owned();
            let bytes = serde_json::to_vec(&index).context("serialise index")?;
            return Ok(Self { index: Some((bytes, index)), images });
        }
        Ok(Self { index: Some((bytes, index)), images })
    }

    /// The digest of what is sent, if it is known before.
    fn digest(&self) -> Option<Digest> {
        match (&self.index, self.images.as_slice()) {
            (None, [image]) => image.is_kept().then(|| Digest::of(&image.bytes)),
            (None, _) => None,
            (Some((bytes, _)), images) => images.iter().all(Outgoing::is_kept).then(|| Digest::of(bytes)),
        }
    }
}

/// A destination with a digest has just one image that fits.
fn check_destination(destination: &Reference, plan: &Plan) -> Result<()> {
    let Some(wanted) = destination.digest else { return Ok(()) };
    if destination.tag.is_some() {
        return Err(Kind::BadInput.error(format!("{destination}: a destination has a tag or a digest, not both")));
    }
    match plan.digest() {
        Some(digest) if digest == wanted => Ok(()),
        Some(digest) => {
            Err(Kind::BadInput.error(format!("{destination}: the image's manifest has the digest {digest}")))
        }
        None => {
            let message = format!("{destination}: the image's layers are compressed first, which makes another");
            Err(Kind::BadInput.hinted(message, "name the destination by a tag"))
        }
    }
}

/// The sending of a plan to one repository.
struct Transfer<'a> {
    registry: &'a Registry,
    /// Repositories of the same registry that blobs may be in.
    sources: &'a HashMap<Digest, String>,
    progress: Progress<'a>,
    destination: &'a Reference,
}

impl Transfer<'_> {
    fn send(&self, plan: &Plan) -> Result<(Digest, u64)> {
        let name = match (&self.destination.digest, &self.destination.tag) {
            (Some(digest), _) => digest.to_string(),
            (None, Some(tag)) => tag.clone(),
            (None, None) => "latest".to_owned(),
        };
        let Some((bytes, index)) = &plan.index else {
            let image = plan.images.first().context("a plan without an index has one image")?;
            let sent = image.send(self.registry, self.sources, self.progress)?;
            return self.put(&name, &sent.media_type, &sent.bytes);
        };
        let mut index = index.clone();
        let mut is_kept = true;
        for (entry, image) in index.manifests.iter_mut().zip(&plan.images) {
            let sent = image.send(self.registry, self.sources, self.progress)?;
            let digest = Digest::of(&sent.bytes);
            self.put(&digest.to_string(), &sent.media_type, &sent.bytes)?;
            if digest != entry.digest {
                is_kept = false;
                (entry.digest, entry.size, entry.media_type) = (digest, sent.bytes.len() as u64, sent.media_type);
            }
        }
        let media_type = if index.media_type.is_empty() { super::manifest::OCI_INDEX } else { &index.media_type };
        match is_kept {
            true => self.put(&name, media_type, bytes),
            false => self.put(&name, media_type, &serde_json::to_vec(&index).context("serialise index")?),
        }
    }

    fn put(&self, name: &str, media_type: &str, bytes: &[u8]) -> Result<(Digest, u64)> {
        let digest = self.registry.put_manifest(name, media_type, bytes).context("put manifest")?;
        Ok((digest, bytes.len() as u64))
    }
}

/// Other repositories of the destination's registry that, as far as the store's names say, have blobs of the image.
fn mount_sources(engine: &Engine, destination: &Reference, plan: &Plan) -> Result<HashMap<Digest, String>> {
    let wanted: BTreeSet<Digest> = plan.images.iter().flat_map(Outgoing::blobs_kept).collect();
    let mut sources = HashMap::new();
    // What came last is most likely still there.
    for entry in tags::list(engine)?.iter().rev().take(MOUNT_IMAGES_MAX) {
        let Some(Ok(name)) = entry.name().map(Reference::parse) else { continue };
        if name.registry != destination.registry || name.repository == destination.repository {
            continue;
        }
        // One that cannot be read is no source; that it is damaged is for others to say.
        let Ok(manifest) = super::read_manifest(engine, &entry.digest) else { continue };
        for blob in manifest.layers.iter().filter(|blob| wanted.contains(&blob.digest)) {
            sources.entry(blob.digest).or_insert_with(|| name.repository.clone());
        }
    }
    Ok(sources)
}

/// The media type that a manifest is sent under: its own, or what one without must be.
fn media_type_of(declared: &str) -> &str {
    if declared.is_empty() { OCI_MANIFEST } else { declared }
}

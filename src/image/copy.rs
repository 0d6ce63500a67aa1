//! `image copy`: an image from one place to another, its blobs in one pass and checked, its digests unchanged unless the
//! target's format cannot have them.

pub mod keep;
mod send;
pub mod whole;

use super::guarded::Guarded;
use super::load::{self, Loaded};
use super::platform::Platform;
use super::policy::{Identity, Policy};
use super::pull;
use super::reference::{LOCAL_REGISTRY, Reference};
use super::registry::Access;
use super::save;
use super::signature::carry::Carried;
use super::signature::place::Place;
use super::transfer::Progress;
use super::transport::members::Format;
use super::transport::target::Target;
use super::transport::{self, Blobs, Incoming, Location, Outgoing, Source};
use crate::engine::Engine;
use crate::error::Kind;
use crate::store::blobs;
use crate::store::digest::Digest;
use crate::store::layers::Unpacker;
use anyhow::{Context, Result};
use std::path::PathBuf;

/// An opened place: where the blobs are, and the images there.
pub struct Opened<'a> {
    pub blobs: Blobs<'a>,
    pub images: Vec<Incoming>,
    /// Whether it is a `dir:`.
    is_directory: bool,
    /// What goes along.
    signatures: Carried,
}

impl<'a> Opened<'a> {
    fn new(blobs: Blobs<'a>, images: Vec<Incoming>) -> Self {
        Self { blobs, images, is_directory: false, signatures: Carried::default() }
    }

    /// Reads the signatures of the images, which then go along. Refuses a target that cannot have them.
    pub fn with_signatures(mut self, target: &Location) -> Result<Self> {
        let manifests = self.images.iter().filter_map(|image| image.manifest.as_ref());
        let manifests: Vec<Digest> = manifests.map(|(bytes, _)| Digest::of(bytes)).collect();
        self.signatures = Carried::read(&signatures(&self.blobs, self.is_directory), &manifests, target)?;
        Ok(self)
    }
}

/// Where the signatures are of what is copied.
fn signatures<'a>(blobs: &'a Blobs, is_directory: bool) -> Place<'a> {
    match blobs {
        Blobs::Registry(guarded) => guarded.place(),
        Blobs::Files(files) if is_directory => Place::Directory(files),
        Blobs::Files(_) | Blobs::Podman(_) | Blobs::Store(_) => Place::Without("an archive or a layout"),
    }
}

/// What a copy has made.
#[derive(Debug)]
pub struct Copied {
    /// Of the manifest, as it is at the target.
    pub digest: Digest,
    /// The image, if it came into the store.
    pub loaded: Option<Loaded>,
}

/// Refuses a target that is in no registry.
pub fn check_target(target: &Location) -> Result<()> {
    match target {
        Location::Registry(target) if target.registry == LOCAL_REGISTRY => {
            let message = format!("{target} names no registry: {LOCAL_REGISTRY}/ is for images made here");
            Err(Kind::BadInput.hinted(message, "a registry on this machine has a port: localhost:5000/…"))
        }
        _ => Ok(()),
    }
}

/// Refuses a copy that would give the image another digest.
pub fn check_preserved(opened: &Opened, target: &Location) -> Result<()> {
    let has_manifests = opened.images.iter().all(|image| image.manifest.is_some());
    match has_manifests && !matches!(target, Location::DockerArchive { .. }) {
        true => Ok(()),
        false => Err(Kind::BadInput.error("docker's archives have no manifest, whose digest could be preserved")),
    }
}

/// Opens the place that an image is to come from and reads its small documents.
pub fn open<'a>(
    engine: &'a Engine,
    location: &Location,
    platform: Option<&Platform>,
    access: &'a Access,
) -> Result<Opened<'a>> {
    let files = |path: &PathBuf, name: Option<&str>| {
        let source = Source::Path(path.clone());
        let files = transport::open(engine, &source)?;
        let (format, images) = transport::images(&files, name, platform.unwrap_or(&Platform::host()))
            .with_context(|| format!("read {}", path.display()))?;
        let policy = Policy::load(access.signature_policy.as_deref())?;
        policy.check(&Identity::files(&files, format, &source)?)?.verify_files(engine, &files, format, &images)?;
        let is_directory = matches!(format, Format::Directory | Format::DockerDirectory { .. });
        Ok(Opened { is_directory, ..Opened::new(Blobs::Files(files), images) })
    };
    match location {
        Location::Registry(reference) => {
            let guarded = Guarded::open(reference, access)?;
            let check = |manifest: &Digest| guarded.verify(engine, manifest);
            let offer = pull::Offer { registry: &guarded.registry, check: &check };
            let image =
                pull::read(reference, platform, &offer).with_context(|| format!("read {}", reference.familiar()))?;
            Ok(Opened::new(Blobs::Registry(Box::new(guarded)), vec![image]))
        }
        Location::Store(name) => {
            // It was let in when it came, or was made here.
            let image = super::find_to_read(engine, name)?;
            pull::check_platform(&image.config, platform)?;
            Ok(Opened::new(Blobs::Store(engine), vec![save::stored(engine, &image)?]))
        }
        Location::DockerArchive { path, name }
        | Location::OciArchive { path, name }
        | Location::Layout { path, name } => files(path, name.as_deref()),
        Location::Directory(path) => files(path, None),
    }
}

/// Copies the one image of an opened place. `unpacker` is needed where the target is the store, `access` where it is a
/// registry.
pub fn copy(
    engine: &Engine,
    opened: Opened,
    target: &Location,
    unpacker: Option<&Unpacker>,
    access: &Access,
    progress: Progress,
) -> Result<Copied> {
    let Opened { blobs: source, images, is_directory: _, signatures } = opened;
    let image = only(images)?;
    // Nothing of it is removed meanwhile as garbage.
    let _guard = blobs::incoming(engine)?;
    let (format, written, names) = match target {
        Location::Store(name) => {
            let images = [Incoming { references: vec![Reference::parse_local(name)?], ..image }];
            let unpacker = unpacker.context("what goes into the store is unpacked")?;
            let loaded =
                load::bring_in(engine, &source, &images, unpacker, progress)?.pop().context("one image came in")?;
            return Ok(Copied { digest: super::find(engine, &loaded.id.hex())?.manifest, loaded: Some(loaded) });
        }
        Location::DockerArchive { path, name } => {
            let name = name.as_deref().map(Reference::parse).transpose()?;
            (Format::Docker, Target::Archive(path.clone()), name.map(|name| name.to_string()))
        }
        Location::OciArchive { path, name } => (Format::Layout, Target::Archive(path.clone()), name.clone()),
        Location::Layout { path, name } => (Format::Layout, Target::Directory(path.clone()), name.clone()),
        Location::Directory(path) => (Format::Directory, Target::Directory(path.clone()), None),
        Location::Registry(reference) => {
            let sent = send::send(engine, &source, image, reference, access, progress);
            let digest = sent.with_context(|| reference.familiar())?;
            signatures.put(engine, target, access)?;
            return Ok(Copied { digest, loaded: None });
        }
    };
    let outgoing = [Outgoing { image, names: names.into_iter().collect() }];
    let digests = save::write(engine, &source, &outgoing, format, &written, progress)?;
    signatures.put(engine, target, access)?;
    Ok(Copied { digest: digests.into_iter().next().context("one image was written")?, loaded: None })
}

/// The image of a place where there is just one.
pub fn only(images: Vec<Incoming>) -> Result<Incoming> {
    let several = images.len();
    let [image] = <[Incoming; 1]>::try_from(images).map_err(|_| {
        let message = format!("there are {several} images in it");
        Kind::BadInput.hinted(message, "choose one by its name: oci:DIR:NAME, docker-archive:FILE:NAME")
    })?;
    Ok(image)
}

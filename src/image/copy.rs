//! `image copy`: an image from one place to another, its blobs in one pass and checked, its digests unchanged unless the
//! target's format cannot have them.

mod send;
pub mod whole;

use super::load::{self, Loaded};
use super::platform::Platform;
use super::policy::{Identity, Policy};
use super::pull;
use super::reference::{LOCAL_REGISTRY, Reference};
use super::registries::Registries;
use super::registry::{Access, Registry};
use super::save;
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
    access: &Access,
) -> Result<Opened<'a>> {
    let policy = Policy::load(access.signature_policy.as_deref())?;
    let files = |path: &PathBuf, name: Option<&str>| {
        let source = Source::Path(path.clone());
        let files = transport::open(engine, &source)?;
        let (format, images) = transport::images(&files, name, platform.unwrap_or(&Platform::host()))
            .with_context(|| format!("read {}", path.display()))?;
        policy.check(&Identity::files(&files, format, &source)?)?.verify_files(engine, &files, format, &images)?;
        Ok(Opened { blobs: Blobs::Files(files), images })
    };
    match location {
        Location::Registry(reference) => {
            let conditions = policy.check(&Identity::docker(reference))?;
            let registries = Registries::load()?;
            let source = registries.primary(reference)?;
            let registry = Registry::at(&registries, &source, reference, access)?;
            let place = Place::Registry { registry: &registry, name: &source.reference, access };
            let check = |manifest: &Digest| conditions.verify(engine, manifest, &place);
            let image = pull::read(reference, platform, &pull::Offer { registry: &registry, check: &check })
                .with_context(|| format!("read {}", reference.familiar()))?;
            Ok(Opened { blobs: Blobs::Registry(Box::new(registry)), images: vec![image] })
        }
        Location::Store(name) => {
            // It was let in when it came, or was made here.
            let image = super::find(engine, name)?;
            pull::check_platform(&image.config, platform)?;
            Ok(Opened { blobs: Blobs::Store(engine), images: vec![save::stored(engine, &image)?] })
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
    let Opened { blobs: source, images } = opened;
    let several = images.len();
    let Ok([image]) = <[Incoming; 1]>::try_from(images) else {
        let message = format!("there are {several} images in it");
        return Err(Kind::BadInput.hinted(message, "choose one by its name: oci:DIR:NAME, docker-archive:FILE:NAME"));
    };
    // Nothing of it is removed meanwhile as garbage.
    let _guard = blobs::incoming(engine)?;
    let (format, target, names) = match target {
        Location::Store(name) => {
            let images = [Incoming { references: vec![Reference::parse_local(name)?], ..image }];
            let unpacker = unpacker.context("what goes into the store is unpacked")?;
            let loaded = load::bring_in(engine, &source, &images, unpacker)?.pop().context("one image came in")?;
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
            return Ok(Copied { digest: sent.with_context(|| reference.familiar())?, loaded: None });
        }
    };
    let outgoing = [Outgoing { image, names: names.into_iter().collect() }];
    let digests = save::write(engine, &source, &outgoing, format, &target, progress)?;
    Ok(Copied { digest: digests.into_iter().next().context("one image was written")?, loaded: None })
}

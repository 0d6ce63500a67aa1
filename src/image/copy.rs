//! `image copy`: an image from one place to another, its blobs in one pass and checked, its digests unchanged unless the
//! target's format cannot have them.

use super::load::{self, Loaded};
use super::platform::Platform;
use super::pull;
use super::reference::Reference;
use super::registry::{Access, Registry};
use super::save;
use super::transfer::Progress;
use super::transport::members::Format;
use super::transport::target::Target;
use super::transport::{self, Blobs, Incoming, Location, Outgoing, Source};
use crate::engine::Engine;
use crate::error::Kind;
use crate::store::blobs;
use crate::store::layers::Unpacker;
use anyhow::{Context, Result};
use std::path::PathBuf;

/// An opened place: where the blobs are, and the images there.
pub struct Opened<'a> {
    pub blobs: Blobs<'a>,
    pub images: Vec<Incoming>,
}

/// Opens the place that an image is to come from and reads its small documents.
pub fn open<'a>(
    engine: &'a Engine,
    location: &Location,
    platform: Option<&Platform>,
    access: &Access,
) -> Result<Opened<'a>> {
    let files = |path: &PathBuf, name: Option<&str>| {
        let files = transport::open(engine, &Source::Path(path.clone()))?;
        let images = transport::images(&files, name, platform.unwrap_or(&Platform::host()))
            .with_context(|| format!("read {}", path.display()))?;
        Ok(Opened { blobs: Blobs::Files(files), images })
    };
    match location {
        Location::Registry(reference) => {
            let registry = Registry::new(reference, access)?;
            let image = pull::read(reference, platform, &registry)
                .with_context(|| format!("read {}", reference.familiar()))?;
            Ok(Opened { blobs: Blobs::Registry(Box::new(registry)), images: vec![image] })
        }
        Location::Store(name) => {
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

/// Copies the one image of an opened place. `unpacker` is needed where the target is the store; what came in there is
/// told.
pub fn copy(
    engine: &Engine,
    opened: Opened,
    target: &Location,
    unpacker: Option<&Unpacker>,
    progress: Progress,
) -> Result<Option<Loaded>> {
    let Opened { blobs: source, images } = opened;
    let several = images.len();
    let Ok([image]) = <[Incoming; 1]>::try_from(images) else {
        let message = format!("there are {several} images in it");
        return Err(Kind::BadInput.hinted(message, "choose one by its name: oci:DIR:NAME, docker-archive:FILE:NAME"));
    };
    let (format, target, names) = match target {
        Location::Store(name) => {
            let images = [Incoming { references: vec![Reference::parse_local(name)?], ..image }];
            let unpacker = unpacker.context("what goes into the store is unpacked")?;
            return Ok(load::bring_in(engine, &source, &images, unpacker)?.pop());
        }
        Location::DockerArchive { path, name } => {
            let name = name.as_deref().map(Reference::parse).transpose()?;
            (Format::Docker, Target::Archive(path.clone()), name.map(|name| name.to_string()))
        }
        Location::OciArchive { path, name } => (Format::Layout, Target::Archive(path.clone()), name.clone()),
        Location::Layout { path, name } => (Format::Layout, Target::Directory(path.clone()), name.clone()),
        Location::Directory(path) => (Format::Directory, Target::Directory(path.clone()), None),
        Location::Registry(_) => {
            return Err(Kind::BadInput.error("images are not sent to registries by this command yet"));
        }
    };
    // Nothing of it is removed meanwhile as garbage.
    let _guard = blobs::incoming(engine)?;
    let outgoing = [Outgoing { image, names: names.into_iter().collect() }];
    save::write(engine, &source, &outgoing, format, &target, progress)?;
    Ok(None)
}

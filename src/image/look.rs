//! An image elsewhere, looked at without fetching it.

use super::manifest::MANIFEST_BYTES_MAX;
use super::platform::Platform;
use super::pull;
use super::registry::{Access, Registry};
use super::transport::{Incoming, Location};
use super::{copy, look_up_to_read};
use crate::engine::Engine;
use crate::store::blobs;
use anyhow::{Context, Result};

/// The most tags of a repository that are told.
const TAGS_MAX: usize = 100_000;

/// What is wanted of it.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    pub platform: Option<&'a Platform>,
    /// Its configuration and its layers too, not the manifest alone.
    pub image: bool,
    /// The tags of its repository too.
    pub tags: bool,
}

/// What its small documents say.
#[derive(Debug)]
pub struct Seen {
    /// The repository. None if it is in none.
    pub name: Option<String>,
    /// What the name is of: a manifest, or an index. None if the format has neither.
    pub top: Option<Vec<u8>>,
    pub image: Option<Incoming>,
    pub tags: Vec<String>,
}

pub fn look(engine: &Engine, location: &Location, wanted: Wanted, access: &Access) -> Result<Seen> {
    match location {
        Location::Registry(reference) => {
            let look = || -> Result<Seen> {
                let registry = Registry::new(reference, access)?;
                let top = pull::top(reference, &registry)?;
                let bytes = top.bytes.clone();
                // Looking takes nothing in.
                let offer = pull::Offer { registry: &registry, check: &|_| Ok(()) };
                let read = || pull::read_top(top, reference, wanted.platform, &offer);
                let image = wanted.image.then(read).transpose()?;
                let tags = wanted.tags.then(|| registry.tags(TAGS_MAX)).transpose();
                let tags = tags.context("list the tags of the repository (--no-tags does without)")?;
                Ok(Seen { name: Some(reference.name()), top: Some(bytes), image, tags: tags.unwrap_or_default() })
            };
            look().with_context(|| reference.familiar())
        }
        Location::Store(name) => {
            let (summary, _) = look_up_to_read(engine, name)?;
            let top = blobs::read(engine, &summary.manifest, MANIFEST_BYTES_MAX)?;
            let image = wanted.image.then(|| one(engine, location, wanted.platform, access)).transpose()?;
            Ok(Seen { name: None, top: Some(top), image, tags: Vec::new() })
        }
        Location::DockerArchive { .. }
        | Location::OciArchive { .. }
        | Location::Layout { .. }
        | Location::Directory(_) => {
            let image = one(engine, location, wanted.platform, access)?;
            let top = image.manifest.as_ref().map(|(bytes, _)| bytes.clone());
            Ok(Seen { name: None, top, image: Some(image), tags: Vec::new() })
        }
    }
}

fn one(engine: &Engine, location: &Location, platform: Option<&Platform>, access: &Access) -> Result<Incoming> {
    copy::only(copy::open(engine, location, platform, access)?.images)
}

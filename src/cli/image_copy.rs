//! `image copy`: copy an image between registries, archives, directories and the store.

use super::flags::{PlatformFlags, RegistryFlags};
use super::progress::Progress;
use super::{Context, Verb, pulling, say};
use crate::container::events::{self, Happening};
use crate::image::copy;
use crate::image::transport::Location;
use anyhow::Result;

/// Copy an image from one place to another, without changing its digests where the target can have them
///
/// A place is docker://NAME, containers-storage:NAME (an image here), docker-archive:FILE[:NAME], oci-archive:FILE[:NAME],
/// oci:DIR[:NAME] or dir:DIR. A file is replaced when the new one is complete; a layout takes the image in addition to
/// those that it has.
#[derive(clap::Args)]
pub struct ImageCopy {
    #[command(flatten)]
    platform: PlatformFlags,
    /// Show no progress
    #[arg(short, long)]
    quiet: bool,
    #[command(flatten)]
    registry: RegistryFlags,
    /// Where the image is
    #[arg(value_name = "SOURCE")]
    source: String,
    /// Where it is to be copied to
    #[arg(value_name = "TARGET")]
    target: String,
}

impl Verb for ImageCopy {
    fn run(self, context: &Context) -> Result<u8> {
        let engine = &context.engine;
        let (source, target) = (Location::required(&self.source)?, Location::required(&self.target)?);
        let platform = self.platform.platform()?;
        let access = self.registry.access(&context.globals.settings()?)?;
        crate::store::prepare(engine)?;
        // It must not inherit anything from outside, so it starts before the first byte comes.
        let unpacker = match target {
            Location::Store(_) => Some(pulling::unpacker(engine)?),
            _ => None,
        };
        let progress = Progress::new(self.quiet);
        let opened = copy::open(engine, &source, platform.as_ref(), &access);
        let copied = opened.and_then(|opened| {
            copy::copy(engine, opened, &target, unpacker.as_ref(), &|event| progress.show(&event))
        });
        progress.clear();
        if let Some(loaded) = copied? {
            events::tell_of_image(engine, Happening::Pull, &loaded.id, &self.source);
            pulling::prepare_ids(engine, &[crate::image::find(engine, &loaded.id.hex())?.layers])?;
            say(&loaded.id.hex());
        }
        Ok(0)
    }
}

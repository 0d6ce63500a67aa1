//! `image copy`: copy an image between registries, archives, directories and the store.

use super::flags::{PlatformFlags, RegistryFlags, SignaturePolicyFlag};
use super::progress::Progress;
use super::push::CompressionFlags;
use super::{Context, Verb, pulling, say};
use crate::container::events::{self, Happening};
use crate::fs;
use crate::image::copy;
use crate::image::push::{self, Push as What};
use crate::image::registry::Access;
use crate::image::transport::Location;
use anyhow::{Context as _, Result};
use std::io::Write;
use std::path::PathBuf;

/// Copy an image from one place to another, without changing its digests where the target can have them
///
/// A place is docker://NAME, containers-storage:NAME (an image here), docker-archive:FILE[:NAME], oci-archive:FILE[:NAME],
/// oci:DIR[:NAME] or dir:DIR. A file is replaced when the new one is complete; a layout takes the image in addition to
/// those that it has; a registry takes blobs from its other repositories where it can. What docker's archives have is
/// compressed on the way to a registry, and so are layers that were made here.
#[derive(clap::Args)]
pub struct ImageCopy {
    /// Write the digest of the copied image's manifest to a file
    #[arg(long, value_name = "FILE")]
    digestfile: Option<PathBuf>,
    #[command(flatten)]
    platform: PlatformFlags,
    /// Show no progress
    #[arg(short, long)]
    quiet: bool,
    #[command(flatten)]
    registry: RegistryFlags,
    #[command(flatten)]
    policy_file: SignaturePolicyFlag,
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
        let settings = context.globals.settings()?;
        let signature_policy = self.policy_file.signature_policy;
        let access = Access { signature_policy, ..self.registry.access(&settings)? };
        copy::check_access(&source, &target, &access)?;
        crate::store::prepare(engine)?;
        // In the user's own rights, and before the work.
        let digestfile = self.digestfile.as_deref().map(fs::open_truncated).transpose()?;
        let progress = Progress::new(self.quiet);
        let show = |event| progress.show(&event);
        let (digest, loaded) = match (&source, &target) {
            // Layers made here are compressed on the way, and nothing is staged.
            (Location::Store(name), Location::Registry(reference)) => {
                let what = What { platform, ..super::push::what(&settings, None, &CompressionFlags::default())? };
                let pushed = push::push(engine, name, reference, &what, &access, &show);
                progress.clear();
                let pushed = pushed?;
                events::tell_of_image(engine, Happening::Push, &pushed.id, &reference.to_string());
                (pushed.digest, None)
            }
            _ => {
                // It must not inherit anything from outside, so it starts before the first byte comes.
                let into_store = matches!(target, Location::Store(_));
                let unpacker = into_store.then(|| pulling::unpacker(engine)).transpose()?;
                let copied = copy::open(engine, &source, platform.as_ref(), &access)
                    .and_then(|opened| copy::copy(engine, opened, &target, unpacker.as_ref(), &access, &show));
                progress.clear();
                let copied = copied?;
                (copied.digest, copied.loaded)
            }
        };
        if let Some(mut file) = digestfile {
            file.write_all(digest.to_string().as_bytes()).context("write the digest")?;
        }
        if let Some(loaded) = loaded {
            events::tell_of_image(engine, Happening::Pull, &loaded.id, &self.source);
            pulling::prepare_ids(engine, &[crate::image::find(engine, &loaded.id.hex())?.layers])?;
            say(&loaded.id.hex());
        }
        Ok(0)
    }
}

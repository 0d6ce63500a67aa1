//! `image copy`: copy an image between registries, archives, directories and the store.

use super::flags::{
    DecryptionFlag, EncryptionFlags, PlatformFlags, Sides, SidesFlags, SignaturePolicyFlag, SigningFlags,
};
use super::progress::Progress;
use super::push::CompressionFlags;
use super::{Context, Verb, pulling, say};
use crate::container::events::{self, Happening};
use crate::error::Kind;
use crate::fs;
use crate::image::copy::{self, Copied, whole};
use crate::image::platform::Platform;
use crate::image::push::{self, Push};
use crate::image::transfer::Progress as Show;
use crate::image::transport::Location;
use anyhow::{Context as _, Result};
use std::io::Write;
use std::path::PathBuf;

/// Copy an image from one place to another, without changing its digests where the target can have them
///
/// A place is docker://NAME, containers-storage:NAME (an image here), docker-archive:FILE[:NAME], oci-archive:FILE[:NAME],
/// oci:DIR[:NAME] or dir:DIR. A file is replaced when the new one is complete; a layout takes the image in addition to
/// those that it has; a registry takes blobs from its other repositories where it can. What docker's archives have is
/// compressed on the way to a registry, and so are layers that were made here. Signatures go along to registries, where
/// registries.d says that they have a place, and into directories; the store keeps none.
#[derive(clap::Args)]
pub struct ImageCopy {
    /// Copy an index with all its images, as they are, not just the image for this machine
    #[arg(short, long, conflicts_with = "multi_arch")]
    all: bool,
    /// Write the digest of the copied image's manifest to a file
    #[arg(long, value_name = "FILE")]
    digestfile: Option<PathBuf>,
    /// Of an index copy the image for this machine (system), all images (all), or nothing but the index (index-only)
    #[arg(long, value_name = "WHICH", value_enum, default_value_t = MultiArch::System)]
    multi_arch: MultiArch,
    #[command(flatten)]
    platform: PlatformFlags,
    /// Fail if the image would get another digest
    #[arg(long)]
    preserve_digests: bool,
    /// Show no progress
    #[arg(short, long)]
    quiet: bool,
    /// Leave the image's signatures behind: archives and layouts cannot keep any
    #[arg(long)]
    remove_signatures: bool,
    #[command(flatten)]
    signing: SigningFlags,
    #[command(flatten)]
    registry: SidesFlags,
    #[command(flatten)]
    policy_file: SignaturePolicyFlag,
    #[command(flatten)]
    decryption: DecryptionFlag,
    #[command(flatten)]
    encryption: EncryptionFlags,
    /// Where the image is
    #[arg(value_name = "SOURCE")]
    source: String,
    /// Where it is to be copied to
    #[arg(value_name = "TARGET")]
    target: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum MultiArch {
    System,
    All,
    IndexOnly,
}

impl Verb for ImageCopy {
    fn run(self, context: &Context) -> Result<u8> {
        self.decryption.refuse()?;
        self.encryption.refuse()?;
        let engine = &context.engine;
        let (source, target) = (Location::required(&self.source)?, Location::required(&self.target)?);
        let platform = self.platform.platform()?;
        let which = if self.all { MultiArch::All } else { self.multi_arch };
        if platform.is_some() && which != MultiArch::System {
            return Err(Kind::BadInput.error("all images are copied, or that of one platform"));
        }
        let settings = context.globals.settings()?;
        let mut sides = self.registry.sides(&settings)?;
        sides.source.signature_policy = self.policy_file.signature_policy;
        sides.check(&source, &target)?;
        copy::check_target(&target)?;
        let signing = self.signing.signing(None)?;
        match &target {
            Location::Registry(name) => signing.check(name)?,
            _ if self.signing.is_given() => {
                return Err(Kind::BadInput.error("what is signed goes to a registry: docker://NAME"));
            }
            _ => {}
        }
        crate::store::prepare(engine)?;
        // In the user's own rights, and before the work.
        let digestfile = self.digestfile.as_deref().map(fs::open_truncated).transpose()?;
        let what = What {
            which,
            platform: platform.as_ref(),
            preserve_digests: self.preserve_digests,
            signatures: !self.remove_signatures,
            push: super::push::what(&settings, None, &CompressionFlags::default())?,
        };
        let progress = Progress::new(self.quiet);
        let copied = copy(context, (&source, &target), &what, &sides, &|event| progress.show(&event));
        progress.clear();
        let copied = copied?;
        if let Location::Registry(name) = &target {
            signing.sign(engine, name, &copied.digest, &sides.target)?;
        }
        if let Some(mut file) = digestfile {
            file.write_all(copied.digest.to_string().as_bytes()).context("write the digest")?;
        }
        if let Some(loaded) = copied.loaded {
            events::tell_of_image(engine, Happening::Pull, &loaded.id, &self.source);
            pulling::prepare_ids(
                engine,
                &[crate::image::find(engine, &loaded.id.hex())?.layers],
                pulling::When::Now,
            )?;
            say(&loaded.id.hex());
        }
        Ok(0)
    }
}

/// What is copied of a place, and how.
pub struct What<'a> {
    pub which: MultiArch,
    pub platform: Option<&'a Platform>,
    pub preserve_digests: bool,
    /// Whether signatures go along.
    pub signatures: bool,
    pub push: Push,
}

pub fn copy(
    context: &Context,
    (source, target): (&Location, &Location),
    what: &What,
    sides: &Sides,
    show: Show,
) -> Result<Copied> {
    let engine = &context.engine;
    if what.which != MultiArch::System
        && let Some(whole) = whole::open(engine, source, what.which == MultiArch::All, &sides.source)?
    {
        let whole = if what.signatures { whole.with_signatures(target)? } else { whole };
        return Ok(Copied { digest: whole::copy(engine, whole, target, &sides.target, show)?, loaded: None });
    }
    match (source, target) {
        // Layers made here are compressed on the way, and nothing is staged.
        (Location::Store(name), Location::Registry(reference)) if !what.preserve_digests => {
            let push = Push { platform: what.platform.cloned(), ..what.push.clone() };
            let pushed = push::push(engine, name, reference, &push, &sides.target, show)?;
            events::tell_of_image(engine, Happening::Push, &pushed.id, &reference.to_string());
            Ok(Copied { digest: pushed.digest, loaded: None })
        }
        _ => {
            // It must not inherit anything from outside, so it starts before the first byte comes.
            let into_store = matches!(target, Location::Store(_));
            let unpacker = into_store.then(|| pulling::unpacker(engine)).transpose()?;
            let opened = copy::open(engine, source, what.platform, &sides.source)?;
            if what.preserve_digests {
                copy::check_preserved(&opened, target)?;
            }
            let opened = if what.signatures { opened.with_signatures(target)? } else { opened };
            copy::copy(engine, opened, target, unpacker.as_ref(), &sides.target, show)
        }
    }
}

//! `push`: send images to registries.

use super::flags::{EncryptionFlags, RegistryFlags, SigningFlags};
use super::progress::Progress;
use super::{Context, Verb, say};
use crate::container::events::{self, Happening};
use crate::error::Kind;
use crate::fs;
use crate::image::compose::Format;
use crate::image::compress::Compressor;
use crate::image::platform::Platform;
use crate::image::pull::Access;
use crate::image::push::{self, Push as What, Pushed, Which};
use crate::image::reference::Reference;
use crate::image::transport::Location;
use crate::image::{self, copy};
use crate::settings::Settings;
use anyhow::{Context as _, Result};
use std::io::Write;
use std::path::PathBuf;

/// Send an image to a registry, or to an archive or a directory
///
/// The blobs go as they came, so that no digest changes; layers that are not compressed, such as those that commit makes,
/// are compressed on the way to a registry.
#[derive(clap::Args)]
pub struct Push {
    /// Send all images of an index, not just the one for this machine
    #[arg(long, conflicts_with = "platform")]
    all: bool,
    /// Send all tags of the repository
    #[arg(short, long, conflicts_with = "destination")]
    all_tags: bool,
    #[command(flatten)]
    compression: CompressionFlags,
    /// Write the digest of the manifest, by which the registry knows the image, to a file
    #[arg(long, value_name = "FILE")]
    digestfile: Option<PathBuf>,
    /// Write the manifest in this format: oci or v2s2 (also called docker) [default: as it is]
    #[arg(short, long, value_name = "FORMAT")]
    format: Option<String>,
    /// Of an index, send the image for this system, such as linux/arm64
    #[arg(long, value_name = "OS/ARCH[/VARIANT]")]
    platform: Option<String>,
    /// Show no progress
    #[arg(short, long)]
    quiet: bool,
    /// Send no signatures; none are kept with images here
    #[arg(long)]
    remove_signatures: bool,
    #[command(flatten)]
    signing: SigningFlags,
    #[command(flatten)]
    encryption: EncryptionFlags,
    #[command(flatten)]
    registry: RegistryFlags,
    /// The image, by name or id
    #[arg(value_name = "IMAGE")]
    image: String,
    /// Where it goes: [docker://]REGISTRY/REPOSITORY[:TAG], docker-archive:FILE[:NAME], oci-archive:FILE[:NAME], oci:DIR[:NAME] or dir:DIR [default: as the image is called]
    #[arg(value_name = "DESTINATION")]
    destination: Option<String>,
}

/// How layers are compressed on the way to a registry.
#[derive(Default, clap::Args)]
pub struct CompressionFlags {
    /// Compress layers with gzip, zstd or zstd:chunked: all that are compressed otherwise, or not at all [default: gzip, and only those that are not]
    #[arg(long, value_name = "FORMAT")]
    compression_format: Option<String>,
    /// Compress with this level: 1 to 9 for gzip [default: 5], 1 to 20 for zstd [default: 3]
    #[arg(long, value_name = "LEVEL", allow_negative_numbers = true)]
    compression_level: Option<i64>,
    /// Compress layers anew that are compressed in another format
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    force_compression: Option<bool>,
}

impl CompressionFlags {
    /// Refuses what is for registries where something goes into files.
    pub fn refuse(&self, what: &What, others: &[(bool, &str)], hint: &'static str) -> Result<()> {
        let own = [
            (self.compression_format.is_some(), "--compression-format"),
            (self.compression_level.is_some(), "--compression-level"),
            (self.force_compression == Some(true), "--force-compression"),
            (what.format.is_some(), "--format"),
        ];
        match own.iter().chain(others).find(|(is_given, _)| *is_given) {
            Some((_, flag)) => {
                let message = format!("{flag} is for registries: into files an image goes as it is");
                Err(Kind::BadInput.hinted(message, hint))
            }
            None => Ok(()),
        }
    }
}

impl Verb for Push {
    fn run(self, context: &Context) -> Result<u8> {
        self.encryption.refuse()?;
        let settings = context.globals.settings()?;
        let what = self.what(&settings)?;
        let access = self.registry.access(&settings)?;
        crate::store::prepare(&context.engine)?;
        let destination = match self.destination.as_deref().map(destination).transpose()? {
            Some(Destination::Files(target)) => return self.to_files(context, &target, &what, &access),
            Some(Destination::Registry(name)) => Some(name),
            None => None,
        };
        let signing = self.signing.signing(None)?;
        let pairs = self.pairs(context, destination)?;
        pairs.iter().try_for_each(|(_, destination)| signing.check(destination))?;
        // In the user's own rights, and before the work.
        let mut digestfile = self.digestfile.as_deref().map(fs::open_truncated).transpose()?;
        for (image, destination) in pairs {
            let progress = Progress::new(self.quiet);
            let show = |event| progress.show(&event);
            if context.docker && !self.quiet {
                say(&format!("The push refers to repository [{}]", destination.name()));
            }
            let pushed = push::push(&context.engine, &image, &destination, &what, &access, &show);
            progress.clear();
            let pushed = pushed?;
            signing.sign(&context.engine, &destination, &pushed.digest, &access)?;
            events::tell_of_image(&context.engine, Happening::Push, &pushed.id, &destination.to_string());
            if let Some(file) = &mut digestfile {
                file.write_all(pushed.digest.to_string().as_bytes()).context("write the digest")?;
            }
            if context.docker {
                say(&docker_line(&destination, &pushed, self.quiet));
            }
        }
        Ok(0)
    }
}

impl Push {
    /// Writes the image into an archive or a directory, as save does.
    fn to_files(&self, context: &Context, target: &Location, what: &What, access: &Access) -> Result<u8> {
        let others = [(self.all, "--all"), (self.signing.is_given(), "--sign-by")];
        self.compression.refuse(what, &others, "save writes other formats")?;
        let digestfile = self.digestfile.as_deref().map(fs::open_truncated).transpose()?;
        let progress = Progress::new(self.quiet);
        let show = |event| progress.show(&event);
        let source = Location::Store(self.image.clone());
        let copied = copy::open(&context.engine, &source, what.platform.as_ref(), access)
            .and_then(|opened| copy::copy(&context.engine, opened, target, None, access, &show));
        progress.clear();
        let digest = copied?.digest;
        let id = image::find_to_read(&context.engine, &self.image)?.id;
        let path = self.destination.as_deref().unwrap_or_default();
        events::tell_of_image(&context.engine, Happening::Push, &id, path);
        match digestfile {
            Some(mut file) => file.write_all(digest.to_string().as_bytes()).context("write the digest").map(|()| 0),
            None => Ok(0),
        }
    }

    fn what(&self, settings: &Settings) -> Result<What> {
        // There is nothing that could be left out.
        let _ = self.remove_signatures;
        let usual = what(settings, self.format.as_deref(), &self.compression)?;
        Ok(What {
            which: if self.all { Which::All } else { Which::One },
            platform: self.platform.as_deref().map(Platform::parse).transpose()?,
            ..usual
        })
    }

    /// What is pushed, and where to.
    fn pairs(&self, context: &Context, destination: Option<&str>) -> Result<Vec<(String, Reference)>> {
        if !self.all_tags {
            return Ok(vec![(
                self.image.clone(),
                push::destination(&context.engine, &context.verb, &self.image, destination)?,
            )]);
        }
        let given = Reference::parse_repository(&self.image)?;
        let repository = context.own_name(&self.image)?;
        if given.tag.is_some() || given.digest.is_some() {
            return Err(Kind::BadInput.error("with --all-tags a repository is named, without a tag"));
        }
        let names = push::tags_of(&context.engine, &repository)?;
        if names.is_empty() {
            let message = format!("no image of repository {}", repository.name());
            return Err(Kind::NotFound.hinted(message, "see coracle images"));
        }
        let pair = |name: Reference| {
            let name = name.to_string();
            push::destination(&context.engine, &context.verb, &name, None).map(|destination| (name, destination))
        };
        names.into_iter().map(pair).collect()
    }
}

/// What is pushed of an image, by the word for its format and the flags for its compression.
pub fn what(settings: &Settings, format: Option<&str>, compression: &CompressionFlags) -> Result<What> {
    let (given, level) = (compression.compression_format.as_deref(), compression.compression_level);
    let of_settings = settings.engine.compression_format.as_deref().filter(|format| !format.is_empty());
    let compressed = given.or(of_settings).unwrap_or("gzip");
    // A level of the settings is one of their format.
    let of_settings = settings.engine.compression_level.filter(|_| given.is_none());
    Ok(What {
        which: Which::One,
        platform: None,
        format: match format {
            None | Some("") => None,
            Some("oci") => Some(Format::Oci),
            Some("v2s2" | "docker") => Some(Format::Docker),
            Some(other) => {
                return Err(Kind::BadInput.hinted(format!("format {other:?} is not known"), "use oci or v2s2"));
            }
        },
        compressor: Compressor::parse(compressed, level.or(of_settings))?,
        force_compression: compression.force_compression.unwrap_or(given.is_some()),
    })
}

/// What a destination is that was typed.
pub enum Destination<'a> {
    /// A name, without the word that says that it is a registry's.
    Registry(&'a str),
    Files(Location),
}

pub fn destination(text: &str) -> Result<Destination<'_>> {
    match Location::parse(text)? {
        None | Some(Location::Registry(_)) => {
            Ok(Destination::Registry(text.strip_prefix("docker://").unwrap_or(text)))
        }
        Some(Location::Store(_)) => {
            let message = format!("{text:?}: an image is not pushed to where it is");
            Err(Kind::BadInput.hinted(message, "coracle tag gives it another name"))
        }
        Some(files) => Ok(Destination::Files(files)),
    }
}

/// What docker says at the end, or without progress.
fn docker_line(destination: &Reference, pushed: &Pushed, quiet: bool) -> String {
    match (quiet, &destination.tag) {
        (true, _) => destination.to_string(),
        (false, Some(tag)) => format!("{tag}: digest: {} size: {}", pushed.digest, pushed.size),
        (false, None) => format!("digest: {} size: {}", pushed.digest, pushed.size),
    }
}

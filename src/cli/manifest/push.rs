//! `manifest push`: a list with its images, to a registry or into files.

use super::super::flags::{RegistryFlags, SigningFlags};
use super::super::in_userns;
use super::super::progress::Progress;
use super::super::push::{CompressionFlags, Destination, destination, what};
use super::super::{Context, Verb};
use crate::container::control::Door;
use crate::container::events::{self, Happening};
use crate::error::Kind;
use crate::fs;
use crate::image::copy::whole;
use crate::image::list;
use crate::image::pull::Access;
use crate::image::push::{self, Which};
use crate::image::transport::Location;
use crate::store::digest::Digest;
use anyhow::{Context as _, Result};
use std::fs::File;
use std::io::Write;
use std::path::PathBuf;

/// Send a list with all its images to a registry, or to an archive or a directory
#[derive(clap::Args)]
pub struct Push {
    /// Send the images too [default: true]; =false sends the list alone, to a registry that has its images
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    all: Option<bool>,
    #[command(flatten)]
    compression: CompressionFlags,
    /// Write the digest that the registry knows the list by to a file
    #[arg(long, value_name = "FILE")]
    digestfile: Option<PathBuf>,
    /// Write the list and its images in this format: oci or v2s2 (also called docker) [default: as they are]
    #[arg(short, long, value_name = "FORMAT")]
    format: Option<String>,
    /// Show no progress
    #[arg(short, long)]
    quiet: bool,
    /// Remove the list here when it has been sent
    #[arg(short = 'p', long, visible_alias = "purge")]
    rm: bool,
    /// Send no signatures; none are kept with images here
    #[arg(long)]
    remove_signatures: bool,
    #[command(flatten)]
    signing: SigningFlags,
    #[command(flatten)]
    registry: RegistryFlags,
    /// The list, by name or id
    #[arg(value_name = "LIST")]
    list: String,
    /// Where it goes: [docker://]REGISTRY/REPOSITORY[:TAG], oci-archive:FILE[:NAME], oci:DIR[:NAME] or dir:DIR [default: as the list is called]
    #[arg(value_name = "DESTINATION")]
    destination: Option<String>,
}

impl Verb for Push {
    fn run(self, context: &Context) -> Result<u8> {
        // There is nothing that could be left out.
        let _ = self.remove_signatures;
        let settings = context.globals.settings()?;
        let which = if self.all == Some(false) { Which::IndexOnly } else { Which::All };
        let what = push::Push { which, ..what(&settings, self.format.as_deref(), &self.compression)? };
        let access = self.registry.access(&settings)?;
        let target = self.destination.as_deref().map(destination).transpose()?;
        crate::store::prepare(&context.engine)?;
        list::find(&context.engine, &self.list)?;
        match target {
            Some(Destination::Files(target)) => self.to_files(context, &target, &what, &access)?,
            Some(Destination::Registry(name)) => self.to_registry(context, Some(name), &what, &access)?,
            None => self.to_registry(context, None, &what, &access)?,
        }
        match self.rm {
            true => in_userns(Door::for_command(&context.engine)?, || super::remove(context, &self.list).map(|()| 0)),
            false => Ok(0),
        }
    }
}

impl Push {
    fn to_registry(&self, context: &Context, name: Option<&str>, what: &push::Push, access: &Access) -> Result<()> {
        let engine = &context.engine;
        let target = push::destination(engine, &context.verb, &self.list, name)?;
        let signing = self.signing.signing(None)?;
        signing.check(&target)?;
        let digestfile = self.digestfile()?;
        let progress = Progress::new(self.quiet);
        let pushed = push::push(engine, &self.list, &target, what, access, &|event| progress.show(&event));
        progress.clear();
        let pushed = pushed?;
        signing.sign(engine, &target, &pushed.digest, access)?;
        events::tell_of_image(engine, Happening::Push, &pushed.id, &target.to_string());
        write(digestfile, &pushed.digest)
    }

    /// Writes the list as it is, with its images or alone.
    fn to_files(&self, context: &Context, target: &Location, what: &push::Push, access: &Access) -> Result<()> {
        let engine = &context.engine;
        self.compression.refuse(what, &[(self.signing.is_given(), "--sign-by")], "leave it out")?;
        let digestfile = self.digestfile()?;
        let progress = Progress::new(self.quiet);
        let show = |event| progress.show(&event);
        let source = Location::Store(self.list.clone());
        let whole = whole::open(engine, &source, what.which == Which::All, access)?;
        let whole = whole.ok_or_else(|| Kind::Engine.error("what was a list is none any more"))?;
        let digest = whole::copy(engine, whole, target, access, &show);
        progress.clear();
        let digest = digest?;
        events::tell_of_image(engine, Happening::Push, &digest, self.destination.as_deref().unwrap_or_default());
        write(digestfile, &digest)
    }

    /// In the user's own rights, and before the work.
    fn digestfile(&self) -> Result<Option<File>> {
        self.digestfile.as_deref().map(fs::open_truncated).transpose()
    }
}

fn write(digestfile: Option<File>, digest: &Digest) -> Result<()> {
    match digestfile {
        Some(mut file) => file.write_all(digest.to_string().as_bytes()).context("write the digest"),
        None => Ok(()),
    }
}

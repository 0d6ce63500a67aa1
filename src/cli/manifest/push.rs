//! `manifest push`: a list with its images, to a registry.

use super::super::flags::{RegistryFlags, SigningFlags};
use super::super::in_userns;
use super::super::progress::Progress;
use super::super::push::{CompressionFlags, Destination, destination, what};
use super::super::{Context, Verb};
use crate::container::control::Door;
use crate::container::events::{self, Happening};
use crate::error::Kind;
use crate::fs;
use crate::image::list;
use crate::image::push;
use anyhow::{Context as _, Result};
use std::io::Write;
use std::path::PathBuf;

/// Send a list with all its images to a registry
#[derive(clap::Args)]
pub struct Push {
    /// Send the images too, as is always done
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
    /// Where it goes: [docker://]REGISTRY/REPOSITORY[:TAG] [default: as the list is called]
    #[arg(value_name = "DESTINATION")]
    destination: Option<String>,
}

impl Verb for Push {
    fn run(self, context: &Context) -> Result<u8> {
        // There is nothing that could be left out.
        let _ = self.remove_signatures;
        let engine = &context.engine;
        let settings = context.globals.settings()?;
        let what = push::Push { all: true, ..what(&settings, self.format.as_deref(), &self.compression)? };
        if self.all == Some(false) {
            return Err(Kind::BadInput.error("a list is not sent without its images"));
        }
        let access = self.registry.access(&settings)?;
        let name = match self.destination.as_deref().map(destination).transpose()? {
            Some(Destination::Files(_)) => {
                return Err(Kind::BadInput.hinted("a list goes to a registry", "push writes one image into files"));
            }
            Some(Destination::Registry(name)) => Some(name),
            None => None,
        };
        crate::store::prepare(engine)?;
        list::find(engine, &self.list)?;
        let target = push::destination(engine, &context.verb, &self.list, name)?;
        let signing = self.signing.signing(None)?;
        signing.check(&target)?;
        // In the user's own rights, and before the work.
        let digestfile = self.digestfile.as_deref().map(fs::open_truncated).transpose()?;
        let progress = Progress::new(self.quiet);
        let pushed = push::push(engine, &self.list, &target, &what, &access, &|event| progress.show(&event));
        progress.clear();
        let pushed = pushed?;
        signing.sign(engine, &target, &pushed.digest, &access)?;
        events::tell_of_image(engine, Happening::Push, &pushed.id, &target.to_string());
        if let Some(mut file) = digestfile {
            file.write_all(pushed.digest.to_string().as_bytes()).context("write the digest")?;
        }
        if self.rm {
            return in_userns(Door::for_command(engine)?, || super::remove(context, &self.list).map(|()| 0));
        }
        Ok(0)
    }
}

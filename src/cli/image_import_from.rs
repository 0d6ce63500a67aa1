//! `image import-from`: bring the images of podman over.

use super::flags::SignaturePolicyFlag;
use super::{Context, Verb, say};
use crate::container::control::Door;
use crate::container::events::{self, Happening};
use crate::error::Kind;
use crate::image::load;
use crate::image::policy::Policy;
use crate::image::transport::Blobs;
use crate::image::transport::podman::{self, Podman};
use crate::store::layers::Unpacker;
use anyhow::{Context as _, Result};
use std::path::PathBuf;

/// Bring images over from podman's store, which is only read, and print their names
///
/// Every layer is put together as it was and compared with its digest; an image's id stays the same. Podman's images stay
/// where they are.
#[derive(clap::Args)]
pub struct ImageImportFrom {
    /// All images
    #[arg(short, long, conflicts_with = "names")]
    all: bool,
    /// The directory of podman's store [default: where storage.conf says, as in podman info]
    #[arg(long, value_name = "DIR")]
    store: Option<PathBuf>,
    #[command(flatten)]
    policy_file: SignaturePolicyFlag,
    /// Whose images: podman
    #[arg(value_name = "ENGINE", value_parser = ["podman"])]
    engine: String,
    /// The images, by name, id or the beginning of an id
    #[arg(value_name = "IMAGE", required_unless_present = "all")]
    names: Vec<String>,
}

impl Verb for ImageImportFrom {
    fn run(self, context: &Context) -> Result<u8> {
        let engine = &context.engine;
        let place = self.store.map_or_else(|| podman::usual_place(engine.rootless), Ok)?;
        let policy = Policy::load(self.policy_file.signature_policy.as_deref())?;
        crate::store::prepare(engine)?;
        super::in_userns(Door::for_command(engine)?, || {
            // It must not inherit anything from outside, so it starts before the first byte is read.
            let unpacker = Unpacker::start(engine, || Ok(()))?;
            let (store, mut images) = Podman::open(&place)?;
            for name in &self.names {
                if !images.iter().any(|image| image.is_called(name)) {
                    return Err(Kind::NotFound.hinted(format!("podman has no image {name}"), "see podman images"));
                }
            }
            if !self.all {
                images.retain(|image| self.names.iter().any(|name| image.is_called(name)));
            }
            super::each(&images, |listed| {
                let bring = || -> Result<_> {
                    let image = [store.image(listed)?];
                    policy.check_stored(&place, &image[0].references)?;
                    Ok(load::bring_in(engine, &Blobs::Podman(&store), &image, &unpacker, &|_| {})?.remove(0))
                };
                let (name, loaded) = (listed.shown(), bring());
                let loaded = loaded.with_context(|| format!("import {name}"))?;
                events::tell_of_image(engine, Happening::Import, &loaded.id, &name);
                match loaded.references.is_empty() {
                    true => say(&loaded.id.to_string()),
                    false => loaded.references.iter().for_each(|name| say(name)),
                }
                Ok(())
            })
        })
    }
}

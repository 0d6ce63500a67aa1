//! `manifest`: lists of images, one for each platform.

pub mod change;
pub mod push;

use super::flags::RegistryFlags;
use super::{Context, Verb, listing, say};
use crate::container::control::Door;
use crate::container::unused;
use crate::error::{self, Kind};
use crate::image::list;
use crate::image::manifest::Document;
use crate::image::reference::Reference;
use crate::image::registry::Registry;
use anyhow::{Context as _, Result};
use serde::Serialize;

/// Print a list, or the manifest or index that a name has here or else in its registry
#[derive(clap::Args)]
pub struct Inspect {
    #[command(flatten)]
    registry: RegistryFlags,
    /// The list, by name or id, or the name of an image in a registry
    #[arg(value_name = "LIST")]
    name: String,
}

/// Remove one or more lists; images of them that have names of their own stay
#[derive(clap::Args)]
pub struct Rm {
    /// A list that does not exist is no error
    #[arg(short, long)]
    ignore: bool,
    /// The lists, by name or id
    #[arg(value_name = "LIST", required = true)]
    names: Vec<String>,
}

/// Tell by the exit code whether a list exists: 0 if it does, 1 if not
#[derive(clap::Args)]
pub struct Exists {
    /// The list, by name or id
    #[arg(value_name = "LIST")]
    name: String,
}

impl Verb for Inspect {
    fn run(self, context: &Context) -> Result<u8> {
        let here = match self.name.starts_with("docker://") {
            true => None,
            false => match list::document(&context.engine, &self.name) {
                Ok(document) => Some(document),
                Err(error) if error::kind(&error) == Kind::NotFound => None,
                Err(error) => return Err(error),
            },
        };
        let document = match here {
            Some(document) => document,
            None => self.fetched(context)?,
        };
        let mut text = Vec::new();
        let formatter = serde_json::ser::PrettyFormatter::with_indent(b"    ");
        let mut serializer = serde_json::Serializer::with_formatter(&mut text, formatter);
        match document {
            Document::Index(index) => index.serialize(&mut serializer),
            Document::Manifest(manifest) => manifest.serialize(&mut serializer),
        }
        .context("write JSON")?;
        listing::put(&(String::from_utf8(text).context("JSON is UTF-8")? + "\n"));
        Ok(0)
    }
}

impl Inspect {
    fn fetched(&self, context: &Context) -> Result<Document> {
        let reference = Reference::parse(self.name.strip_prefix("docker://").unwrap_or(&self.name))?;
        if reference.registry == crate::image::reference::LOCAL_REGISTRY {
            return Err(Kind::NotFound.hinted(format!("no list {}", self.name), "see coracle images"));
        }
        let access = self.registry.access(&context.globals.settings()?)?;
        let registry = Registry::new(&reference, &access)?;
        let fetched = match &reference.digest {
            Some(digest) => registry.manifest_of_digest(digest),
            None => registry.manifest_of_tag(reference.tag.as_deref().unwrap_or("latest")),
        };
        let fetched = fetched.with_context(|| reference.familiar())?;
        Document::parse(&fetched.bytes, fetched.media_type.as_deref())
    }
}

impl Verb for Rm {
    fn run(self, context: &Context) -> Result<u8> {
        crate::store::prepare(&context.engine)?;
        super::in_userns(Door::for_command(&context.engine)?, || {
            super::each(&self.names, |name| match remove(context, name) {
                Err(error) if self.ignore && error::kind(&error) == Kind::NotFound => Ok(()),
                other => other,
            })
        })
    }
}

/// Removes a list, or one of its names. Behind the door.
fn remove(context: &Context, name: &str) -> Result<()> {
    list::find(&context.engine, name)?;
    let removed = unused::remove_image(&context.engine, name, false, |_| Ok(()))?;
    removed.untagged.iter().for_each(|name| say(&format!("Untagged: {name}")));
    if let Some(id) = &removed.deleted {
        say(&format!("Deleted: {}", id.hex()));
    }
    Ok(())
}

impl Verb for Exists {
    fn run(self, context: &Context) -> Result<u8> {
        match list::find(&context.engine, &self.name) {
            Ok(_) => Ok(0),
            Err(error) if error::kind(&error) == Kind::NotFound => Ok(1),
            Err(error) => Err(error),
        }
    }
}

//! `manifest create`, `add`, `annotate`, `remove`: what makes and changes lists.

use super::super::flags::RegistryFlags;
use super::super::progress::Progress;
use super::super::{Context, Verb, say};
use crate::error::Kind;
use crate::image::list::{self, Artifact, Wanted};
use crate::image::manifest::{Descriptor, Index};
use crate::image::platform::Platform;
use crate::image::pull::Access;
use crate::store::blobs;
use anyhow::Result;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// Make a list of images, which registries call an index, and print its id
///
/// The list is kept here under its name; manifest push sends it. Every change of a list gives it another id.
#[derive(clap::Args)]
pub struct Create {
    /// Of images that are lists, add all that they have
    #[arg(long)]
    all: bool,
    /// Add to a list that is there
    #[arg(short, long)]
    amend: bool,
    /// Set an annotation of the list
    #[arg(long, value_name = "KEY=VALUE")]
    annotation: Vec<String>,
    #[command(flatten)]
    registry: RegistryFlags,
    /// What the list is called
    #[arg(value_name = "LIST")]
    list: String,
    /// Images that are added, as by manifest add
    #[arg(value_name = "IMAGE")]
    images: Vec<String>,
}

/// Add images to a list, or an artifact that is made of files, and print its id
///
/// An image is one here, by name, id or digest, or one elsewhere that is fetched: docker://NAME, or in files, such as
/// oci:DIR[:NAME]. What is in the list already is described anew.
#[derive(clap::Args)]
pub struct Add {
    /// Of an image that is a list, add all that it has
    #[arg(long)]
    all: bool,
    #[command(flatten)]
    entry: EntryFlags,
    #[command(flatten)]
    artifact: ArtifactFlags,
    #[command(flatten)]
    registry: RegistryFlags,
    /// The list, by name or id
    #[arg(value_name = "LIST")]
    list: String,
    /// The images, or with --artifact the files
    #[arg(value_name = "IMAGE", required = true)]
    images: Vec<String>,
}

/// An artifact that is made for a list.
#[derive(clap::Args)]
struct ArtifactFlags {
    /// Make an artifact of files and add that: what follows the list are files
    #[arg(long, conflicts_with = "all")]
    artifact: bool,
    /// The file with the artifact's configuration [default: an empty one]
    #[arg(long, value_name = "FILE", requires = "artifact")]
    artifact_config: Option<PathBuf>,
    /// The media type of the artifact's configuration
    #[arg(long, value_name = "TYPE", requires = "artifact")]
    artifact_config_type: Option<String>,
    /// Leave the names of the files out of the artifact
    #[arg(long, requires = "artifact")]
    artifact_exclude_titles: bool,
    /// The media type of the files [default: by their names or their first bytes]
    #[arg(long, value_name = "TYPE", requires = "artifact")]
    artifact_layer_type: Option<String>,
    /// The image that the artifact is about, here or else in its registry
    #[arg(long, value_name = "IMAGE", requires = "artifact")]
    artifact_subject: Option<String>,
    /// What kind of artifact it is, as a media type
    #[arg(long, value_name = "TYPE", requires = "artifact")]
    artifact_type: Option<String>,
}

/// Change what a list says of one of its images or of itself, and print the list's id
#[derive(clap::Args)]
pub struct Annotate {
    #[command(flatten)]
    entry: EntryFlags,
    /// Annotate the list itself, not one of its images
    #[arg(long, conflicts_with = "image")]
    index: bool,
    /// The image that the list is about, here or else in its registry; implies --index
    #[arg(long, value_name = "IMAGE", conflicts_with = "image")]
    subject: Option<String>,
    #[command(flatten)]
    registry: RegistryFlags,
    /// The list, by name or id
    #[arg(value_name = "LIST")]
    list: String,
    /// The image, by the digest in the list, or by name or id if it is here
    #[arg(value_name = "IMAGE", required_unless_present_any = ["index", "subject"])]
    image: Option<String>,
}

/// Take an image out of a list, and print the list's id
#[derive(clap::Args)]
pub struct Remove {
    /// The list, by name or id
    #[arg(value_name = "LIST")]
    list: String,
    /// The image, by the digest in the list
    #[arg(value_name = "DIGEST")]
    digest: String,
}

/// What a list says of an image.
#[derive(clap::Args)]
struct EntryFlags {
    /// Set an annotation of the image in the list
    #[arg(long, value_name = "KEY=VALUE")]
    annotation: Vec<String>,
    /// The processor that the image is for, instead of what it says itself
    #[arg(long, value_name = "ARCH")]
    arch: Option<String>,
    /// Features of the processor that the image needs
    #[arg(long, value_name = "FEATURE", value_delimiter = ',')]
    features: Vec<String>,
    /// The operating system that the image is for
    #[arg(long, value_name = "OS")]
    os: Option<String>,
    /// Features of the operating system that the image needs
    #[arg(long, value_name = "FEATURE", value_delimiter = ',')]
    os_features: Vec<String>,
    /// The version of the operating system that the image is for
    #[arg(long, value_name = "VERSION")]
    os_version: Option<String>,
    /// The variant of the processor that the image is for, such as v7
    #[arg(long, value_name = "VARIANT")]
    variant: Option<String>,
}

impl ArtifactFlags {
    fn describe(&self, context: &Context, files: &[String], access: &Access) -> Result<Artifact> {
        let subject = self.artifact_subject.as_deref().map(|name| list::subject(&context.engine, name, access));
        Ok(Artifact {
            artifact_type: self.artifact_type.clone(),
            config: self.artifact_config.clone(),
            config_type: self.artifact_config_type.clone(),
            layer_type: self.artifact_layer_type.clone(),
            exclude_titles: self.artifact_exclude_titles,
            subject: subject.transpose()?,
            files: files.iter().map(PathBuf::from).collect(),
        })
    }
}

impl EntryFlags {
    fn has_platform(&self) -> bool {
        let words = [&self.arch, &self.os, &self.os_version, &self.variant];
        words.iter().any(|word| word.is_some()) || !self.features.is_empty() || !self.os_features.is_empty()
    }

    fn apply(&self, entry: &mut Descriptor, annotations: &BTreeMap<String, String>) {
        entry.annotations.extend(annotations.clone());
        if !self.has_platform() {
            return;
        }
        let platform: &mut Platform = entry.platform.get_or_insert_default();
        let set = |place: &mut String, word: &Option<String>| {
            if let Some(word) = word {
                place.clone_from(word);
            }
        };
        set(&mut platform.architecture, &self.arch);
        set(&mut platform.os, &self.os);
        set(&mut platform.os_version, &self.os_version);
        set(&mut platform.variant, &self.variant);
        for (place, given) in
            [(&mut platform.features, &self.features), (&mut platform.os_features, &self.os_features)]
        {
            if !given.is_empty() {
                place.clone_from(given);
            }
        }
    }
}

impl Verb for Create {
    fn run(self, context: &Context) -> Result<u8> {
        crate::store::prepare(&context.engine)?;
        let access = self.registry.access(&context.globals.settings()?)?;
        let name = context.own_name(&self.list)?;
        // Before the list is there: one that lacks an image is not made.
        let annotations = annotations(&self.annotation)?;
        let guard = blobs::incoming(&context.engine)?;
        let found = find(context, &self.images, self.all, &access)?;
        list::create(&context.engine, &name, self.amend)?;
        let digest = list::change(&context.engine, &name.to_string(), guard, |index| {
            index.annotations.extend(annotations.clone());
            put(index, &found);
            Ok(())
        })?;
        say(&digest.hex());
        Ok(0)
    }
}

impl Verb for Add {
    fn run(self, context: &Context) -> Result<u8> {
        crate::store::prepare(&context.engine)?;
        let access = self.registry.access(&context.globals.settings()?)?;
        let annotations = annotations(&self.entry.annotation)?;
        list::find(&context.engine, &self.list)?;
        let (mut found, guard) = match self.artifact.artifact {
            true => {
                let made = self.artifact.describe(context, &self.images, &access)?;
                let (entry, guard) = made.store(&context.engine)?;
                (vec![entry], guard)
            }
            false => {
                let guard = blobs::incoming(&context.engine)?;
                (find(context, &self.images, self.all, &access)?, guard)
            }
        };
        found.iter_mut().for_each(|entry| self.entry.apply(entry, &annotations));
        let digest = list::change(&context.engine, &self.list, guard, |index| {
            put(index, &found);
            Ok(())
        })?;
        say(&digest.hex());
        Ok(0)
    }
}

impl Verb for Annotate {
    fn run(self, context: &Context) -> Result<u8> {
        crate::store::prepare(&context.engine)?;
        let annotations = annotations(&self.entry.annotation)?;
        let guard = blobs::incoming(&context.engine)?;
        let digest = match &self.image {
            Some(image) => list::change(&context.engine, &self.list, guard, |index| {
                let position = list::position(&context.engine, index, image)?;
                self.entry.apply(&mut index.manifests[position], &annotations);
                Ok(())
            })?,
            None if self.entry.has_platform() => {
                return Err(Kind::BadInput.error("a platform is an image's, not the list's"));
            }
            None => {
                let subject = self.subject(context)?;
                list::change(&context.engine, &self.list, guard, |index| {
                    index.annotations.extend(annotations.clone());
                    index.subject = subject.clone().or(index.subject.take());
                    Ok(())
                })?
            }
        };
        say(&digest.hex());
        Ok(0)
    }
}

impl Annotate {
    fn subject(&self, context: &Context) -> Result<Option<Descriptor>> {
        let Some(name) = &self.subject else { return Ok(None) };
        let access = self.registry.access(&context.globals.settings()?)?;
        list::subject(&context.engine, name, &access).map(Some)
    }
}

impl Verb for Remove {
    fn run(self, context: &Context) -> Result<u8> {
        crate::store::prepare(&context.engine)?;
        let guard = blobs::incoming(&context.engine)?;
        let digest = list::change(&context.engine, &self.list, guard, |index| {
            let position = list::position(&context.engine, index, &self.digest)?;
            index.manifests.remove(position);
            Ok(())
        })?;
        say(&digest.hex());
        Ok(0)
    }
}

fn find(context: &Context, images: &[String], all: bool, access: &Access) -> Result<Vec<Descriptor>> {
    let progress = Progress::new(false);
    let show = |event| progress.show(&event);
    let wanted = Wanted { all, access, progress: &show };
    let mut found = Vec::new();
    for image in images {
        let members = list::members(&context.engine, image, &wanted);
        progress.clear();
        found.extend(members?);
    }
    Ok(found)
}

/// Adds entries to a list, or describes anew those that it has.
fn put(index: &mut Index, found: &[Descriptor]) {
    for new in found {
        match index.manifests.iter_mut().find(|entry| entry.digest == new.digest) {
            Some(entry) => *entry = new.clone(),
            None => index.manifests.push(new.clone()),
        }
    }
}

fn annotations(given: &[String]) -> Result<BTreeMap<String, String>> {
    let split = |text: &String| match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err(Kind::BadInput.error(format!("annotation {text:?} is not KEY=VALUE"))),
    };
    given.iter().map(split).collect()
}

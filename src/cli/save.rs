//! `save`: write images to an archive or a directory.

use super::progress::Progress;
use super::{Context, Verb};
use crate::container::events::{self, Event, Happening, Object};
use crate::error::{self, Kind};
use crate::image::platform::Platform;
use crate::image::pull;
use crate::image::reference::Reference;
use crate::image::save::{self, Named};
use crate::image::transport::members::Format;
use crate::image::transport::target::Target;
use crate::image::{self, Image};
use anyhow::{Context as _, Result};
use std::io::IsTerminal;
use std::path::PathBuf;

/// Save images to an archive, or to a directory
#[derive(clap::Args)]
pub struct Save {
    /// Write to this file or directory instead of standard output
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// What to write: docker-archive, docker-dir, oci-archive or oci-dir [default: docker-archive]
    #[arg(long, value_name = "FORMAT")]
    format: Option<String>,
    /// Take every argument for an image, not the further ones for more names of the first
    #[arg(short, long)]
    multi_image_archive: bool,
    /// Show no progress
    #[arg(short, long)]
    quiet: bool,
    /// Compress the layers with gzip; for docker-dir
    #[arg(long)]
    compress: bool,
    /// Leave layers that are not compressed as they are, as is always done
    #[arg(long, conflicts_with = "compress")]
    uncompressed: bool,
    /// Fail unless the images are for this system
    #[arg(long, value_name = "OS/ARCH[/VARIANT]")]
    platform: Option<String>,
    /// The images, by name or id; without --multi-image-archive one, and more names for it
    #[arg(value_name = "IMAGE", required = true)]
    names: Vec<String>,
}

impl Verb for Save {
    fn run(self, context: &Context) -> Result<u8> {
        let format = self.format(context)?;
        let target = self.target(format)?;
        let platform = self.platform.as_deref().map(Platform::parse).transpose()?;
        let images = match self.multi_image_archive || context.docker {
            true => several(context, &self.names)?,
            false => vec![one(context, &self.names)?],
        };
        for Named { image, .. } in &images {
            pull::check_platform(&image.config, platform.as_ref()).with_context(|| format!("save {}", image.id))?;
        }
        crate::store::prepare(&context.engine)?;
        let progress = Progress::new(self.quiet);
        let saved = save::save(&context.engine, &images, format, &target, &|event| progress.show(&event));
        progress.clear();
        saved?;
        let path = self.output.as_deref().map(|path| path.display().to_string()).unwrap_or_default();
        let tell = |named: &Named| Event::new(Object::Image, Happening::Save, named.image.id.hex(), &path);
        events::tell(&context.engine, &images.iter().map(tell).collect::<Vec<_>>());
        Ok(0)
    }
}

impl Save {
    fn format(&self, context: &Context) -> Result<Format> {
        let format = match self.format.as_deref() {
            None if context.docker => Format::DockerLayout,
            None | Some("docker-archive") => Format::Docker,
            Some("docker-dir") => Format::DockerDirectory { compress: self.compress },
            Some("oci-archive" | "oci-dir") => Format::Layout,
            Some(other) => {
                return Err(Kind::BadInput.hinted(
                    format!("there is no format {other:?}"),
                    "use docker-archive, docker-dir, oci-archive or oci-dir",
                ));
            }
        };
        match (self.compress, format) {
            (true, Format::DockerDirectory { .. }) | (false, _) => Ok(format),
            (true, _) => Err(Kind::BadInput.error("--compress is for --format docker-dir")),
        }
    }

    fn target(&self, format: Format) -> Result<Target> {
        let is_directory =
            matches!(format, Format::DockerDirectory { .. }) || self.format.as_deref() == Some("oci-dir");
        match (&self.output, is_directory) {
            (Some(path), true) => Ok(Target::Directory(path.clone())),
            (Some(path), false) => Ok(Target::Archive(path.clone())),
            (None, true) => Err(Kind::BadInput.error("a directory is written: name it with --output")),
            (None, false) if std::io::stdout().is_terminal() => Err(Kind::BadInput
                .hinted("write an archive to a terminal", "name a file with --output, or redirect standard output")),
            (None, false) => Ok(Target::Stdout),
        }
    }
}

/// One image under the names that were given: the first finds it, the others need not be known yet.
fn one(context: &Context, names: &[String]) -> Result<Named> {
    let (first, more) = names.split_first().expect("clap asks for a name");
    let image = image::find_to_read(&context.engine, first)?;
    let mut references: Vec<Reference> = own_name(&image, first).into_iter().collect();
    for text in more {
        let found = match image::find_to_read(&context.engine, text) {
            Ok(other) => Some(other),
            Err(error) if error::kind(&error) == Kind::NotFound => None,
            Err(error) => return Err(error),
        };
        save::check_is_name_of(&image, text, found.as_ref().map(|other| &other.id))?;
        let known = found.and_then(|_| own_name(&image, text));
        references.push(known.map_or_else(|| context.own_name(text), Ok)?);
    }
    Ok(save::gather(vec![Named { image, references }]).remove(0))
}

/// Several images, each under the names by which it was asked for. Docker takes a name without a tag for all tags.
fn several(context: &Context, names: &[String]) -> Result<Vec<Named>> {
    let mut all = Vec::new();
    for text in names {
        let repository =
            Reference::parse_repository(text).ok().filter(|name| name.tag.is_none() && name.digest.is_none());
        let mut found = 0;
        for summary in
            repository.iter().filter(|_| context.docker).flat_map(|_| image::list(&context.engine)).flatten()
        {
            let parsed = summary.references.iter().filter_map(|name| Reference::parse(name).ok());
            let fitting: Vec<Reference> =
                parsed.filter(|name| repository.as_ref().is_some_and(|it| it.name() == name.name())).collect();
            if !fitting.is_empty() {
                found += 1;
                all.push(Named { image: image::open(&context.engine, summary)?, references: fitting });
            }
        }
        if found == 0 {
            let image = image::find_to_read(&context.engine, text)?;
            let references = own_name(&image, text).into_iter().collect();
            all.push(Named { image, references });
        }
    }
    Ok(save::gather(all))
}

/// The full name of an image by which a text means it. None if it is the image's id.
fn own_name(image: &Image, text: &str) -> Option<Reference> {
    let candidates = Reference::candidates(text).ok()?;
    candidates.into_iter().find(|candidate| image.references.contains(&candidate.to_string()))
}

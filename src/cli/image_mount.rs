//! `image mount` and `image unmount`: an image's files as a directory, inside `coracle unshare`.

use super::mount::{check_place, is_mounted, mount_points};
use super::{Context, Verb, each, listing, say};
use crate::container::events::{self, Happening};
use crate::engine::Engine;
use crate::error::Kind;
use crate::fs;
use crate::image::{self, Image};
use crate::inspect::view::{View, view};
use crate::store::digest::Digest;
use crate::store::layers;
use crate::store::overlay::{self, Lower};
use crate::sys::mount;
use anyhow::{Context as _, Result};
use std::os::fd::AsFd;
use std::path::PathBuf;

/// Show the files of images as directories, read-only, and print where
#[derive(clap::Args)]
pub struct ImageMount {
    /// Mount all images
    #[arg(short, long, conflicts_with = "names")]
    all: bool,
    /// Print the list of what is mounted as json
    #[arg(long, value_name = "json")]
    format: Option<String>,
    /// The images; without one, what is mounted is listed
    #[arg(value_name = "IMAGE")]
    names: Vec<String>,
}

/// Take away what image mount has shown
#[derive(clap::Args)]
pub struct ImageUnmount {
    /// All images that are mounted
    #[arg(short, long, conflicts_with = "names")]
    all: bool,
    /// Make no error of an image that is not mounted
    #[arg(short, long)]
    force: bool,
    /// The images
    #[arg(value_name = "IMAGE", required_unless_present = "all")]
    names: Vec<String>,
}

impl Verb for ImageMount {
    fn run(self, context: &Context) -> Result<u8> {
        if let Some(other) = self.format.as_deref().filter(|format| *format != "json") {
            return Err(Kind::BadInput.error(format!("--format {other:?}: only json is known here")));
        }
        check_place(context)?;
        let engine = &context.engine;
        let images = match self.all {
            true => all(engine)?,
            false => find_all(context, &self.names)?,
        };
        images.iter().try_for_each(|image| attach(context, image))?;
        let lists_all = images.is_empty() && !self.all;
        let shown: Vec<Image> = match lists_all {
            true => mounted(context)?,
            false => images,
        };
        if self.format.is_some() {
            let entry = |image: &Image| {
                let (names, place) = (view!([image.manifest.to_string()]), place(context, image.id));
                view!({"id": image.id.hex(), "Names": names, "Repositories": &image.references, "mountpoint": place.as_path()})
            };
            listing::json(&shown.iter().map(entry).collect::<View>());
            return Ok(0);
        }
        let is_one = !lists_all && !self.all && shown.len() == 1;
        for image in &shown {
            let place = place(context, image.id).display().to_string();
            let name = image.references.first().cloned().unwrap_or_else(|| image.id.hex());
            say(&if is_one { place } else { format!("{name}  {place}") });
        }
        Ok(0)
    }
}

impl Verb for ImageUnmount {
    fn run(self, context: &Context) -> Result<u8> {
        check_place(context)?;
        let images = if self.all { mounted(context)? } else { find_all(context, &self.names)? };
        each(&images, |image| {
            let place = place(context, image.id);
            if is_mounted(&mount_points()?, &place) {
                mount::detach(&place)?;
                tell(&context.engine, Happening::Unmount, image);
            } else if !self.force {
                return Err(Kind::InUse.error(format!("image {} is not mounted here", image.id.hex())));
            }
            say(&image.id.hex());
            Ok(())
        })
    }
}

fn all(engine: &Engine) -> Result<Vec<Image>> {
    let is_image = |image: &image::Summary| !image::list::is_index(engine, &image.manifest);
    image::list(engine)?.into_iter().filter(is_image).map(|image| image::open(engine, image)).collect()
}

fn find_all(context: &Context, names: &[String]) -> Result<Vec<Image>> {
    names.iter().map(|name| image::find(&context.engine, name)).collect()
}

/// Mounts an image's files, if they are not there already.
fn attach(context: &Context, image: &Image) -> Result<()> {
    let engine = &context.engine;
    let place = place(context, image.id);
    if is_mounted(&mount_points()?, &place) {
        return Ok(());
    }
    fs::create_dir_all(&place)?;
    let lower = Lower { layers: layers::stack(engine, &image.layers)?, data: Vec::new() };
    let tree = overlay::view_merged(lower, &engine.shown_image(&image.id.hex()))?;
    mount::attach(tree.as_fd(), fs::open_dir(&place)?.as_fd())
        .with_context(|| format!("mount image {}", image.id.hex()))?;
    tell(engine, Happening::Mount, image);
    Ok(())
}

fn tell(engine: &Engine, happening: Happening, image: &Image) {
    events::tell_of_image(engine, happening, &image.id, image.references.first().map_or("", String::as_str));
}

/// The images that are mounted in this mount namespace.
fn mounted(context: &Context) -> Result<Vec<Image>> {
    let points = mount_points()?;
    let mut images = image::list(&context.engine)?;
    images.retain(|image| is_mounted(&points, &place(context, image.id)));
    images.into_iter().map(|image| image::open(&context.engine, image)).collect()
}

fn place(context: &Context, id: Digest) -> PathBuf {
    context.engine.shown_image(&id.hex()).join("merged")
}

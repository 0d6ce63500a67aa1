//! `rmi`: remove images, and what nothing else uses of them.

use super::{Context, Verb, say};
use crate::container::control::Door;
use crate::container::{remove as container, state, stop, unused};
use crate::error::{self, Kind};
use crate::image::platform::Platform;
use crate::image::{self, pull};
use anyhow::{Context as _, Result};

/// Remove one or more images
#[derive(clap::Args)]
pub struct Rmi {
    /// Remove all images
    #[arg(short, long, conflicts_with = "names")]
    all: bool,
    /// Remove an image with several names, and the containers that use it
    #[arg(short, long)]
    force: bool,
    /// An image that does not exist is no error
    #[arg(short, long)]
    ignore: bool,
    /// Leave images without a name on which the image was built, as is always done
    #[arg(long)]
    no_prune: bool,
    /// Fail unless the images are for this system
    #[arg(long, value_name = "OS/ARCH[/VARIANT]")]
    platform: Option<String>,
    /// The images, by name or id
    #[arg(value_name = "IMAGE", required_unless_present = "all")]
    names: Vec<String>,
}

impl Verb for Rmi {
    fn run(self, context: &Context) -> Result<u8> {
        super::removal(context, self.remove_all(context))
    }
}

impl Rmi {
    fn remove_all(&self, context: &Context) -> Result<u8> {
        crate::store::prepare(&context.engine)?;
        let names = if self.all {
            image::list(&context.engine)?.iter().map(|image| image.id.hex()).collect()
        } else {
            self.names.clone()
        };
        super::in_userns(Door::for_command(&context.engine)?, || {
            super::each(&names, |name| match self.remove(context, name) {
                Err(error) if (self.ignore || self.force) && error::kind(&error) == Kind::NotFound => Ok(()),
                other => other,
            })
        })
    }

    fn remove(&self, context: &Context, name: &str) -> Result<()> {
        let force = self.force || self.all;
        if let Some(platform) = self.platform.as_deref().map(Platform::parse).transpose()? {
            pull::check_platform(&image::find(&context.engine, name)?.config, Some(&platform))
                .with_context(|| format!("remove {name}"))?;
        }
        let removed = unused::remove_image(&context.engine, name, force, |image| {
            for user in unused::users(&context.engine, &image.id)? {
                if !self.force {
                    let message = format!("image {name} is used by container {}", user.config.name);
                    return Err(Kind::InUse.hinted(message, "remove the container first, or use --force"));
                }
                stop::stop(&context.engine, &user, None, Some(0))?;
                if let Ok(user) = state::read(&context.engine, &user.config.id) {
                    container::remove(&context.engine, &user, true)?;
                }
            }
            Ok(())
        })?;
        removed.untagged.iter().for_each(|name| say(&format!("Untagged: {name}")));
        if let Some(id) = &removed.deleted {
            say(&format!("Deleted: {}", id.hex()));
        }
        Ok(())
    }
}

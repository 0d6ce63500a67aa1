//! `untag`: take names from an image, which stays.

use super::{Context, Verb};
use crate::container::events::{self, Happening};
use crate::image;
use anyhow::Result;

/// Take one or more names from an image
#[derive(clap::Args)]
pub struct Untag {
    /// The image, by name or id
    #[arg(value_name = "IMAGE")]
    image: String,
    /// The names to take away [default: all]
    #[arg(value_name = "NAME[:TAG]")]
    names: Vec<String>,
}

impl Verb for Untag {
    fn run(self, context: &Context) -> Result<u8> {
        let image = image::find(&context.engine, &self.image)?;
        image::untag(&context.engine, &self.image, &self.names)?;
        let names = if self.names.is_empty() { &image.references } else { &self.names };
        for name in names {
            events::tell_of_image(&context.engine, Happening::Untag, &image.id, name);
        }
        Ok(0)
    }
}

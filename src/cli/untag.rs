//! `untag`: take names from an image, which stays.

use super::{Context, Verb};
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
        image::untag(&context.engine, &self.image, &self.names)?;
        Ok(0)
    }
}

//! `image exists`: an answer by the exit code.

use super::{Context, Verb};
use crate::image;
use anyhow::Result;

/// Tell by the exit code whether an image exists: 0 if it does, 1 if not
#[derive(clap::Args)]
pub struct ImageExists {
    /// The image, by name or id
    #[arg(value_name = "IMAGE")]
    name: String,
}

impl Verb for ImageExists {
    fn run(self, context: &Context) -> Result<u8> {
        Ok(u8::from(!image::exists_to_read(&context.engine, &self.name)?))
    }
}

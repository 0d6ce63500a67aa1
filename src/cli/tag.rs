//! `tag`: give an image more names.

use super::{Context, Verb};
use crate::image;
use anyhow::Result;

/// Give an image one or more further names
#[derive(clap::Args)]
pub struct Tag {
    /// The image, by name or id
    #[arg(value_name = "IMAGE")]
    image: String,
    /// The new names
    #[arg(value_name = "NAME[:TAG]", required = true)]
    names: Vec<String>,
}

impl Verb for Tag {
    fn run(self, context: &Context) -> Result<u8> {
        crate::store::prepare(&context.engine)?;
        let names = self.names.iter().map(|name| context.own_name(name)).collect::<Result<Vec<_>>>()?;
        names.iter().try_for_each(|name| image::tag(&context.engine, &self.image, name))?;
        Ok(0)
    }
}

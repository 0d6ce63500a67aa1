//! `tag`: give an image more names.

use super::{Context, Verb, pulling};
use crate::container::events::{self, Happening};
use crate::image;
use crate::image::pull::{Access, Policy};
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
        let engine = &context.engine;
        crate::store::prepare(engine)?;
        // What only a shared store has becomes the user's own, so that the name holds whatever becomes of that store.
        if !image::exists(engine, &self.image)? && image::exists_to_read(engine, &self.image)? {
            pulling::ensure(engine, &self.image, Policy::Never, None, &Access::default(), true)?;
        }
        let names = self.names.iter().map(|name| context.own_name(name)).collect::<Result<Vec<_>>>()?;
        for name in &names {
            image::tag(&context.engine, &self.image, name)?;
            let id = image::find(&context.engine, &name.to_string())?.id;
            events::tell_of_image(&context.engine, Happening::Tag, &id, &name.to_string());
        }
        Ok(0)
    }
}

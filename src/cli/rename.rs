//! `rename`: give a container another name.

use super::{Context, Verb};
use crate::container::config::Name;
use crate::container::{rename, state};
use anyhow::Result;

/// Give a container another name
#[derive(clap::Args)]
pub struct Rename {
    /// The container
    #[arg(value_name = "CONTAINER")]
    container: String,
    /// Its new name
    #[arg(value_name = "NAME")]
    name: String,
}

impl Verb for Rename {
    fn run(self, context: &Context) -> Result<u8> {
        let container = state::find(&context.engine, &self.container)?;
        // docker's names begin with a slash.
        let name = Name::parse(self.name.strip_prefix('/').unwrap_or(&self.name))?;
        rename::rename(&context.engine, &container, &name)?;
        Ok(0)
    }
}

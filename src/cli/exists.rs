//! `container exists`: an answer by the exit code.

use super::{Context, Verb};
use crate::container::state;
use crate::error::{self, Kind};
use anyhow::Result;

/// Tell by the exit code whether a container exists: 0 if it does, 1 if not
#[derive(clap::Args)]
pub struct Exists {
    /// Accepted for scripts of podman: there are no containers of other tools in this store
    #[arg(long)]
    external: bool,
    /// The container
    #[arg(value_name = "CONTAINER")]
    name: String,
}

impl Verb for Exists {
    fn run(self, context: &Context) -> Result<u8> {
        match state::find(&context.engine, &self.name) {
            Ok(_) => Ok(0),
            Err(error) if error::kind(&error) == Kind::NotFound => Ok(1),
            Err(error) => Err(error),
        }
    }
}

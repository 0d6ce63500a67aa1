//! `volume mount` and `volume unmount`: where a volume's files are.

use super::find_all;
use crate::cli::{Context, Verb, say};
use crate::error::Kind;
use crate::volume::{self, Volume};
use anyhow::Result;

/// Print the directory with a volume's files
#[derive(clap::Args)]
pub struct Mount {
    /// The volumes
    #[arg(value_name = "VOLUME", required = true)]
    names: Vec<String>,
}

/// Undo volume mount, which has nothing to undo
#[derive(clap::Args)]
pub struct Unmount {
    /// All volumes
    #[arg(short, long, conflicts_with = "names")]
    all: bool,
    /// The volumes
    #[arg(value_name = "VOLUME", required_unless_present = "all")]
    names: Vec<String>,
}

impl Verb for Mount {
    fn run(self, context: &Context) -> Result<u8> {
        let volumes = find_all(context, &self.names)?;
        volumes.iter().try_for_each(check)?;
        if !crate::rootless::is_inside()? {
            let message =
                "volume mount works in the engine's user namespace, where the volume's files have their owners";
            return Err(Kind::Denied.hinted(message, "run it there: coracle unshare coracle volume mount NAME"));
        }
        for volume in &volumes {
            say(&volume::data(&context.engine, &volume.name).display().to_string());
        }
        Ok(0)
    }
}

/// What is only mounted inside of containers has no directory of its own.
pub(super) fn check(volume: &Volume) -> Result<()> {
    match volume::special(volume)? {
        None => Ok(()),
        Some(_) => Err(Kind::BadInput.error(format!("volume {} is mounted in containers alone", volume.name))),
    }
}

impl Verb for Unmount {
    fn run(self, context: &Context) -> Result<u8> {
        let volumes = if self.all { volume::list(&context.engine)? } else { find_all(context, &self.names)? };
        volumes.iter().for_each(|volume| say(&volume.name));
        Ok(0)
    }
}

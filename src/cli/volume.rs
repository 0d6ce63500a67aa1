//! `volume`: directories that outlive containers.

pub mod create;
pub mod ls;
pub mod mount;
pub mod remove;
pub mod transfer;

use super::{Context, Verb, listing};
use crate::cli::format::{Format, Names};
use crate::error::Kind;
use crate::inspect::view::View;
use crate::inspect::volume as view;
use crate::volume::{self, Volume};
use anyhow::Result;

/// Show all that is known of volumes
#[derive(clap::Args)]
pub struct Inspect {
    /// All volumes
    #[arg(short, long, conflicts_with = "names")]
    all: bool,
    /// Print by a Go template, or as json
    #[arg(short, long, value_name = "TEMPLATE")]
    format: Option<String>,
    /// The volumes
    #[arg(value_name = "VOLUME", required_unless_present = "all")]
    names: Vec<String>,
}

/// Tell by the exit code whether a volume exists: 0 if it does, 1 if not
#[derive(clap::Args)]
pub struct Exists {
    /// The volume
    #[arg(value_name = "VOLUME")]
    name: String,
}

impl Verb for Inspect {
    fn run(self, context: &Context) -> Result<u8> {
        let engine = &context.engine;
        let format = self.format.as_deref().filter(|format| *format != "json").map(Format::parse).transpose()?;
        let volumes = if self.all { volume::list(engine)? } else { find_all(context, &self.names)? };
        let usage = view::Usage::find(engine)?;
        match &format {
            None => {
                let shown = |volume: &Volume| view::inspect(engine, volume, usage.mounts(&volume.name));
                listing::json(&volumes.iter().map(shown).collect::<View>());
            }
            Some(format) => {
                for volume in &volumes {
                    let row = view::row(engine, volume, usage.mounts(&volume.name));
                    listing::put(&format.row(&row, Names::Exact)?);
                }
            }
        }
        Ok(0)
    }
}

impl Verb for Exists {
    fn run(self, context: &Context) -> Result<u8> {
        Ok(u8::from(resolve(context, &self.name)?.is_none()))
    }
}

/// A volume by its name, or by the only name that begins so.
pub(super) fn resolve(context: &Context, text: &str) -> Result<Option<Volume>> {
    let engine = &context.engine;
    match volume::find(engine, text) {
        Ok(volume) => return Ok(Some(volume)),
        Err(error) if crate::error::kind(&error) != Kind::NotFound => return Err(error),
        Err(_) => {}
    }
    let mut begins = volume::list(engine)?;
    begins.retain(|volume| !text.is_empty() && volume.name.starts_with(text));
    if begins.len() > 1 {
        return Err(Kind::BadInput.error(format!("{text:?} is the beginning of several volumes' names")));
    }
    Ok(begins.pop())
}

fn find(context: &Context, text: &str) -> Result<Volume> {
    let missing = || Kind::NotFound.hinted(format!("no volume with name {text:?}"), "see coracle volume ls");
    resolve(context, text)?.ok_or_else(missing)
}

/// Finds all of them before anything is done to one.
fn find_all(context: &Context, names: &[String]) -> Result<Vec<Volume>> {
    names.iter().map(|name| find(context, name)).collect()
}

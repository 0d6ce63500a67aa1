//! `export`: a container's root file system as a tar archive.

use super::{Context, Verb};
use crate::container::control::Door;
use crate::container::events::{self, Event, Happening};
use crate::container::{export, state};
use crate::error::Kind;
use crate::fs;
use crate::sys::process;
use anyhow::Result;
use std::io::{BufWriter, IsTerminal};
use std::path::PathBuf;

/// The size of one write.
const STREAM_BYTES: usize = 256 << 10;

/// Write a container's root file system to a tar archive
#[derive(clap::Args)]
pub struct Export {
    /// Write to FILE instead of standard output
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// The container
    #[arg(value_name = "CONTAINER")]
    container: String,
}

impl Verb for Export {
    fn run(self, context: &Context) -> Result<u8> {
        let container = state::find(&context.engine, &self.container)?;
        if self.output.is_none() && std::io::stdout().is_terminal() {
            let message = "write an archive to a terminal";
            return Err(Kind::BadInput.hinted(message, "name a file with --output, or redirect standard output"));
        }
        let file = self.output.as_deref().map(fs::open_truncated).transpose()?;
        super::in_userns(Door::for_command(&context.engine)?, || {
            process::raise_descriptor_limit()?;
            match file {
                Some(file) => export::export(&context.engine, &container, buffered(file)),
                None => export::export(&context.engine, &container, buffered(std::io::stdout().lock())),
            }
        })?;
        events::tell(&context.engine, &[Event::of(&container.config, Happening::Export)]);
        Ok(0)
    }
}

fn buffered<W: std::io::Write>(out: W) -> BufWriter<W> {
    BufWriter::with_capacity(STREAM_BYTES, out)
}

//! `volume export` and `volume import`: a volume's files as a tar archive.

use super::find;
use crate::cli::{Context, Verb, in_userns};
use crate::container::control::Door;
use crate::container::copy::{self, Place, Rules};
use crate::error::Kind;
use crate::fs::{self, Root};
use crate::image::transport;
use crate::sys::process;
use crate::volume::{self, Volume};
use anyhow::Result;
use std::io::{BufReader, BufWriter, IsTerminal, Read, Write};
use std::path::PathBuf;

/// The size of one write to a pipe, and of one read.
const STREAM_BYTES: usize = 256 << 10;

/// Write a volume's files to a tar archive
#[derive(clap::Args)]
pub struct Export {
    /// Write to FILE instead of standard output
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// The volume
    #[arg(value_name = "VOLUME")]
    name: String,
}

/// Put what is in a tar archive into a volume, beside what is there and in place of what has the same name
#[derive(clap::Args)]
pub struct Import {
    /// The volume
    #[arg(value_name = "VOLUME")]
    name: String,
    /// The archive, compressed or not; - is standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

impl Verb for Export {
    fn run(self, context: &Context) -> Result<u8> {
        let volume = find_directory(context, &self.name)?;
        if self.output.is_none() && std::io::stdout().is_terminal() {
            let message = "write an archive to a terminal";
            return Err(Kind::BadInput.hinted(message, "name a file with --output, or redirect standard output"));
        }
        let out: Box<dyn Write> = match &self.output {
            Some(path) => Box::new(fs::open_truncated(path)?),
            None => Box::new(std::io::stdout().lock()),
        };
        in_userns(Door::for_command(&context.engine)?, || {
            process::raise_descriptor_limit()?;
            let root = Root::open(&volume::data(&context.engine, &volume.name))?;
            let out = BufWriter::with_capacity(STREAM_BYTES, out);
            copy::pack(&whole(&root, &volume), out, false, &|uid, gid| Ok((uid, gid)))
        })?;
        Ok(0)
    }
}

impl Verb for Import {
    fn run(self, context: &Context) -> Result<u8> {
        let volume = find_directory(context, &self.name)?;
        // Opened as who typed it, who need not be able to read it behind the door.
        let archive: Box<dyn Read> = if self.file.as_os_str() == "-" {
            Box::new(std::io::stdin())
        } else {
            Box::new(fs::open_for_reading(&self.file)?)
        };
        in_userns(Door::for_command(&context.engine)?, || {
            process::raise_descriptor_limit()?;
            let root = Root::open(&volume::data(&context.engine, &volume.name))?;
            let archive = BufReader::with_capacity(STREAM_BYTES, transport::decompressed(archive)?);
            let rules = Rules { owner: None, strip_privileges: false, overwrite: true };
            copy::unpack(archive, &whole(&root, &volume), rules)
        })?;
        Ok(0)
    }
}

/// All that is in a volume.
fn whole<'a>(root: &'a Root, volume: &Volume) -> Place<'a> {
    Place { root, path: "/".into(), typed: "/.", whose: format!("in volume {}", volume.name) }
}

fn find_directory(context: &Context, name: &str) -> Result<Volume> {
    let volume = find(context, name)?;
    super::mount::check(&volume)?;
    Ok(volume)
}

//! `commit`: an image of a container as it is now.

use super::{Context, Verb, say};
use crate::container::commit::{self, Commit as What};
use crate::container::control::{Connection, Door, Request};
use crate::container::events::{self, Event, Happening};
use crate::container::state::{self, Container, Status};
use crate::error::{self, Kind};
use crate::fs;
use crate::image::compose::Format;
use crate::image::config::{CONFIG_BYTES_MAX, ProcessConfig};
use crate::sys::{process, signal};
use anyhow::{Context as _, Result};
use nix::sys::signal::Signal;
use std::path::{Path, PathBuf};

/// Make an image of a container as it is now, and print its id
#[derive(clap::Args)]
pub struct Commit {
    /// Name the author of the image
    #[arg(short, long, value_name = "TEXT", default_value = "")]
    author: String,
    /// Apply an instruction such as CMD, ENTRYPOINT, ENV, EXPOSE, LABEL, ONBUILD, STOPSIGNAL, USER, VOLUME or WORKDIR
    #[arg(short, long, value_name = "INSTRUCTION")]
    change: Vec<String>,
    /// Merge an image's configuration in a JSON file into the image's, before the changes
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Choose the format of the manifest: oci or docker
    #[arg(short, long, value_name = "FORMAT", default_value = "oci")]
    format: String,
    /// Write the image's id to a file
    #[arg(long, value_name = "FILE")]
    iidfile: Option<PathBuf>,
    /// Make the container's volumes volumes of the image
    #[arg(long)]
    include_volumes: bool,
    /// Note this in the image's history
    #[arg(short, long, value_name = "TEXT", default_value = "")]
    message: String,
    /// Hold the container still meanwhile; the layer is sound without that, but files may be of different moments
    #[arg(short, long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pause: Option<bool>,
    /// Print nothing but the id, which is all that is printed anyway
    #[arg(short, long)]
    quiet: bool,
    /// Make one layer of all
    #[arg(short, long)]
    squash: bool,
    /// The container
    #[arg(value_name = "CONTAINER")]
    container: String,
    /// The image's name
    #[arg(value_name = "NAME[:TAG]")]
    name: Option<String>,
}

impl Verb for Commit {
    fn run(self, context: &Context) -> Result<u8> {
        let _ = self.quiet;
        let what = What {
            reference: self.name.as_deref().map(|name| context.own_name(name)).transpose()?,
            format: match self.format.as_str() {
                "oci" => Format::Oci,
                "docker" => Format::Docker,
                other => {
                    return Err(Kind::BadInput.hinted(format!("format {other:?} is not known"), "use oci or docker"));
                }
            },
            author: self.author,
            message: self.message,
            config: self.config.as_deref().map(read_config).transpose()?,
            changes: self.change,
            squash: self.squash,
            include_volumes: self.include_volumes,
        };
        let container = state::find(&context.engine, &self.container)?;
        // In the user's own rights, and before the work.
        let iidfile = self.iidfile.as_deref().map(fs::open_truncated).transpose()?;
        let pause = match self.pause == Some(true) && container.status == Status::Running {
            true => Some(Pause::begin(&container)?),
            false => None,
        };
        let id = super::in_userns(Door::for_command(&context.engine)?, || {
            process::raise_descriptor_limit()?;
            commit::commit(&context.engine, &container, &what)
        })?;
        drop(pause);
        if let Some(mut file) = iidfile {
            use std::io::Write;
            file.write_all(id.to_string().as_bytes()).context("write the image's id")?;
        }
        events::tell(&context.engine, &[Event::of(&container.config, Happening::Commit)]);
        say(&id.hex());
        Ok(0)
    }
}

/// Reads a configuration as it is in an image's, under `config`.
fn read_config(file: &Path) -> Result<ProcessConfig> {
    let text = fs::read(file, CONFIG_BYTES_MAX)?;
    ProcessConfig::parse(&text).with_context(|| format!("parse {}", file.display()))
}

/// A container that is held still. It goes on when this is dropped, and what would end this program waits until then.
struct Pause<'a> {
    container: &'a Container,
    _waiting: signal::Held,
}

impl<'a> Pause<'a> {
    fn begin(container: &'a Container) -> Result<Self> {
        let _waiting = signal::hold(&[Signal::SIGHUP, Signal::SIGINT, Signal::SIGQUIT, Signal::SIGTERM])?;
        // Before it is asked for: it may come after nobody waits for the answer any more.
        let pause = Self { container, _waiting };
        Connection::open(container)?.ask(Request::Pause, &[])?;
        Ok(pause)
    }
}

impl Drop for Pause<'_> {
    fn drop(&mut self) {
        let asked = Connection::open(self.container).and_then(|monitor| monitor.ask(Request::Unpause, &[]));
        match asked.map(drop).with_context(|| format!("unpause container {}", self.container.config.name)) {
            // Somebody else has let it go on, or it has ended.
            Err(error) if !matches!(error::kind(&error), Kind::InUse | Kind::NotFound) => {
                super::report("commit", &error);
            }
            _ => {}
        }
    }
}

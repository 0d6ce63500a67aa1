//! `commit`: an image of a container as it is now.

use super::{Context, Verb, say};
use crate::container::commit::{self, Commit as What};
use crate::container::control::Door;
use crate::container::events::{self, Event, Happening};
use crate::container::state;
use crate::error::Kind;
use crate::fs;
use crate::image::compose::Format;
use crate::sys::process;
use anyhow::Result;
use std::path::PathBuf;

/// Make an image of a container as it is now, and print its id
#[derive(clap::Args)]
pub struct Commit {
    /// Name the author of the image
    #[arg(short, long, value_name = "TEXT", default_value = "")]
    author: String,
    /// Apply an instruction such as CMD, ENTRYPOINT, ENV, EXPOSE, LABEL, ONBUILD, STOPSIGNAL, USER, VOLUME or WORKDIR
    #[arg(short, long, value_name = "INSTRUCTION")]
    change: Vec<String>,
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
    /// Refused unless false: nothing is paused, and the layer is sound whatever the container writes meanwhile
    #[arg(short, long, hide = true, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
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
        if self.pause == Some(true) {
            return Err(
                Kind::BadInput.hinted("--pause is not supported", "pause the container before, and unpause it after")
            );
        }
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
            changes: self.change,
            squash: self.squash,
            include_volumes: self.include_volumes,
        };
        let container = state::find(&context.engine, &self.container)?;
        // In the user's own rights, and before the work.
        let iidfile = self.iidfile.as_deref().map(fs::open_truncated).transpose()?;
        let id = super::in_userns(Door::for_command(&context.engine)?, || {
            process::raise_descriptor_limit()?;
            commit::commit(&context.engine, &container, &what)
        })?;
        if let Some(mut file) = iidfile {
            use anyhow::Context as _;
            use std::io::Write;
            file.write_all(id.to_string().as_bytes()).context("write the image's id")?;
        }
        events::tell(&context.engine, &[Event::of(&container.config, Happening::Commit)]);
        say(&id.hex());
        Ok(0)
    }
}

//! `load`: bring in images from archives and OCI directories.

use super::flags::SignaturePolicyFlag;
use super::{Context, Verb, pulling, say};
use crate::container::events::{self, Event, Happening, Object};
use crate::error::Kind;
use crate::image::load::{self, Load as What, Loaded};
use crate::image::platform::Platform;
use crate::image::policy::Policy;
use crate::image::transport::Source;
use crate::image::{self};
use anyhow::Result;
use std::io::IsTerminal;
use std::path::PathBuf;

/// Load images from an archive (docker save, podman save, OCI) or an OCI directory
#[derive(clap::Args)]
pub struct Load {
    /// Read from this file or directory instead of standard input
    #[arg(short, long, value_name = "FILE")]
    input: Option<PathBuf>,
    /// Do not print the names of what was loaded
    #[arg(short, long)]
    quiet: bool,
    /// Of an image for several systems, load the one for this
    #[arg(long, value_name = "OS/ARCH[/VARIANT]")]
    platform: Option<String>,
    #[command(flatten)]
    policy_file: SignaturePolicyFlag,
}

impl Verb for Load {
    fn run(self, context: &Context) -> Result<u8> {
        let source = match self.input {
            Some(path) => Source::Path(path),
            None if std::io::stdin().is_terminal() => {
                return Err(Kind::BadInput
                    .hinted("there is no archive on standard input, which is a terminal", "use --input FILE"));
            }
            None => Source::Stream,
        };
        let platform = self.platform.as_deref().map(Platform::parse).transpose()?;
        let loaded = load(context, (source, None), platform.as_ref(), &self.policy_file)?;
        if !self.quiet {
            for image in &loaded {
                if image.references.is_empty() {
                    say(&format!("Loaded image: {}", image.id));
                }
                image.references.iter().for_each(|name| say(&format!("Loaded image: {name}")));
            }
        }
        Ok(0)
    }
}

/// Loads all images of a source, or the one that is named.
pub fn load(
    context: &Context,
    (source, name): (Source, Option<String>),
    platform: Option<&Platform>,
    policy_file: &SignaturePolicyFlag,
) -> Result<Vec<Loaded>> {
    let policy = Policy::load(policy_file.signature_policy.as_deref())?;
    crate::store::prepare(&context.engine)?;
    let unpacker = pulling::unpacker(&context.engine)?;
    let path = match &source {
        Source::Path(path) => path.display().to_string(),
        Source::Stream => String::new(),
    };
    let what = What { source, name, platform: platform.cloned().unwrap_or_else(Platform::host), policy };
    let loaded = load::load(&context.engine, &what, &unpacker)?;
    let tell = |image: &Loaded| Event::new(Object::Image, Happening::Load, image.id.hex(), &path);
    events::tell(&context.engine, &loaded.iter().map(tell).collect::<Vec<_>>());
    let layers = |image: &Loaded| Ok(image::find(&context.engine, &image.id.hex())?.layers);
    pulling::prepare_ids(
        &context.engine,
        &loaded.iter().map(layers).collect::<Result<Vec<_>>>()?,
        pulling::When::Now,
    )?;
    Ok(loaded)
}

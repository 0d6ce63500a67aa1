//! `artifact pull` and `artifact push`: artifacts and registries.

use crate::cli::flags::{RegistryFlags, SignaturePolicyFlag};
use crate::cli::progress::Progress;
use crate::cli::push::{CompressionFlags, what};
use crate::cli::{Context, Verb, say};
use crate::error::Kind;
use crate::fs;
use crate::image::artifact;
use crate::image::push;
use crate::image::reference::{LOCAL_REGISTRY, Reference};
use crate::image::registry::Access;
use anyhow::{Context as _, Result};
use std::io::Write;
use std::path::PathBuf;

/// Fetch an artifact from its registry, and print its digest
#[derive(clap::Args)]
pub struct Pull {
    /// Show no progress
    #[arg(short, long)]
    quiet: bool,
    #[command(flatten)]
    registry: RegistryFlags,
    #[command(flatten)]
    policy_file: SignaturePolicyFlag,
    /// The artifact, by the name that it has in the registry
    #[arg(value_name = "ARTIFACT")]
    name: String,
}

/// Send an artifact to the registry in its name
#[derive(clap::Args)]
pub struct Push {
    /// Write the digest of the artifact to a file
    #[arg(long, value_name = "FILE")]
    digestfile: Option<PathBuf>,
    /// Show no progress
    #[arg(short, long)]
    quiet: bool,
    #[command(flatten)]
    registry: RegistryFlags,
    /// The artifact
    #[arg(value_name = "ARTIFACT")]
    name: String,
}

impl Verb for Pull {
    fn run(self, context: &Context) -> Result<u8> {
        let access = self.registry.access(&context.globals.settings()?)?;
        let access = Access { signature_policy: self.policy_file.signature_policy, ..access };
        let name = Reference::parse(self.name.strip_prefix("docker://").unwrap_or(&self.name))?;
        check(&name)?;
        crate::store::prepare(&context.engine)?;
        let progress = Progress::new(self.quiet);
        let pulled = artifact::pull(&context.engine, &name, &access, &|event| progress.show(&event));
        progress.clear();
        say(&pulled?.hex());
        Ok(0)
    }
}

impl Verb for Push {
    fn run(self, context: &Context) -> Result<u8> {
        let settings = context.globals.settings()?;
        let what = what(&settings, None, &CompressionFlags::default())?;
        let access = self.registry.access(&settings)?;
        let found = artifact::find(&context.engine, &self.name)?;
        let Some(name) = found.name else {
            return Err(Kind::BadInput.error(format!("artifact {} has no name, which would say where to", self.name)));
        };
        let target = Reference::parse(&name)?;
        check(&target)?;
        // In the user's own rights, and before the work.
        let digestfile = self.digestfile.as_deref().map(fs::open_truncated).transpose()?;
        let store = artifact::store(&context.engine)?;
        let progress = Progress::new(self.quiet);
        let pushed = push::push(&store, &name, &target, &what, &access, &|event| progress.show(&event));
        progress.clear();
        let digest = pushed?.digest;
        if let Some(mut file) = digestfile {
            file.write_all(digest.to_string().as_bytes()).context("write the digest")?;
        }
        Ok(0)
    }
}

fn check(name: &Reference) -> Result<()> {
    if name.registry == LOCAL_REGISTRY {
        let message = format!("{name} names no registry: {LOCAL_REGISTRY}/ is for what was made here");
        return Err(Kind::BadInput.hinted(message, "add it under the name of one: REGISTRY/REPOSITORY:TAG"));
    }
    Ok(())
}

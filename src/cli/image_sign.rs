//! `image sign`: sign images that are in their registries.

use super::flags::{RegistryFlags, SigningFlags};
use super::{Context, Verb};
use crate::error::Kind;
use crate::image::pull;
use crate::image::reference::{LOCAL_REGISTRY, Reference};
use crate::image::registry::Registry;
use anyhow::{Context as _, Result};
use std::path::PathBuf;

/// Sign images that are in their registries, under the names that they have there
///
/// What is signed is the manifest that the name means at this time, and of a list all its images. A signature by a key of
/// GnuPG goes into a directory: that of --directory, or what registries.d says (lookaside-staging, lookaside), for somebody
/// to put it where others look. One by a key of sigstore goes into the registry, beside the image, if registries.d has
/// use-sigstore-attachments: true. See containers-registries.d(5).
#[derive(clap::Args)]
pub struct ImageSign {
    /// Sign the images of a list too, as is always done
    #[arg(short, long)]
    all: bool,
    /// Put signatures of GnuPG below this directory
    #[arg(short, long, value_name = "DIR")]
    directory: Option<PathBuf>,
    #[command(flatten)]
    signing: SigningFlags,
    #[command(flatten)]
    registry: RegistryFlags,
    /// The images: [docker://]REGISTRY/REPOSITORY[:TAG|@DIGEST]
    #[arg(value_name = "IMAGE", required = true)]
    names: Vec<String>,
}

impl Verb for ImageSign {
    fn run(self, context: &Context) -> Result<u8> {
        let _ = self.all;
        if !self.signing.is_given() {
            let hint = "use --sign-by KEY or --sign-by-sigstore-private-key FILE";
            return Err(Kind::BadInput.hinted("no key to sign with", hint));
        }
        let access = self.registry.access(&context.globals.settings()?)?;
        crate::store::prepare(&context.engine)?;
        let signing = self.signing.signing(self.directory)?;
        super::each(&self.names, |name| {
            let name = Reference::parse(name.strip_prefix("docker://").unwrap_or(name))?;
            if name.registry == LOCAL_REGISTRY {
                return Err(Kind::BadInput.hinted(format!("{name} is in no registry"), "push signs what it sends"));
            }
            signing.check(&name)?;
            let sign = || {
                let top = pull::top(&name, &Registry::new(&name, &access)?)?;
                signing.sign(&context.engine, &name, &top.digest, &access)
            };
            sign().with_context(|| name.familiar())
        })
    }
}

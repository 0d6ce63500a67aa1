//! `pull`: fetch images from registries.

use super::flags::{DecryptionFlag, PlatformFlags, RegistryFlags, SignaturePolicyFlag};
use super::search::tags;
use super::{Context, Verb, pulling, say};
use crate::error::Kind;
use crate::image;
use crate::image::pull::{Access, Policy};
use crate::image::reference::Reference;
use crate::image::transport::{Location, Source};
use anyhow::Result;

/// Fetch one or more images, and print their ids
#[derive(clap::Args)]
pub struct Pull {
    /// Fetch all tags of the images' repositories
    #[arg(short, long)]
    all_tags: bool,
    /// When to ask the registry: always, missing, never, newer
    #[arg(long, value_name = "POLICY", default_value = "always")]
    policy: String,
    #[command(flatten)]
    platform: PlatformFlags,
    /// Show no progress
    #[arg(short, long)]
    quiet: bool,
    #[command(flatten)]
    registry: RegistryFlags,
    #[command(flatten)]
    policy_file: SignaturePolicyFlag,
    #[command(flatten)]
    decryption: DecryptionFlag,
    /// The images: names, docker-archive:FILE[:NAME], oci-archive:FILE[:NAME], oci:DIR[:NAME] or dir:DIR
    #[arg(value_name = "IMAGE", required = true)]
    names: Vec<String>,
}

impl Verb for Pull {
    fn run(self, context: &Context) -> Result<u8> {
        self.decryption.refuse()?;
        let policy: Policy = self.policy.parse()?;
        let platform = self.platform.platform()?;
        let access = self.registry.access(&context.globals.settings()?)?;
        let signature_policy = self.policy_file.signature_policy.clone();
        let access = Access { docker: context.docker, signature_policy, ..access };
        crate::store::prepare(&context.engine)?;
        let mut names = Vec::new();
        for name in &self.names {
            match self.all_tags {
                true => names.extend(all_tags(name, &access)?),
                false => names.push(name.clone()),
            }
        }
        for name in &names {
            let (source, image) = match Location::parse(name)? {
                Some(
                    Location::DockerArchive { path, name }
                    | Location::OciArchive { path, name }
                    | Location::Layout { path, name },
                ) => (Source::Path(path), name),
                Some(Location::Directory(path)) => (Source::Path(path), None),
                Some(Location::Store(name)) => {
                    say(&image::find(&context.engine, &name)?.id.hex());
                    continue;
                }
                Some(Location::Registry(_)) | None => {
                    let name = name.strip_prefix("docker://").unwrap_or(name);
                    let image =
                        pulling::ensure(&context.engine, name, policy, platform.as_ref(), &access, self.quiet)?;
                    say(&image.id.hex());
                    continue;
                }
            };
            for loaded in super::load::load(context, (source, image), platform.as_ref(), &self.policy_file)? {
                say(&loaded.id.hex());
            }
        }
        Ok(0)
    }
}

/// The most tags of one repository that are fetched.
const TAGS_MAX: usize = 10_000;

fn all_tags(text: &str, access: &Access) -> Result<Vec<String>> {
    if Location::parse(text)?.is_some_and(|location| !matches!(location, Location::Registry(_))) {
        return Err(Kind::BadInput.error(format!("--all-tags is for registries, not for {text}")));
    }
    let text = text.strip_prefix("docker://").unwrap_or(text);
    let (name, tags) = tags(text, TAGS_MAX, access)?;
    if tags.is_empty() {
        return Err(Kind::NotFound.error(format!("{name} has no tags")));
    }
    // A tag that could not be one in a name is passed over by nobody: it is told.
    let named = |tag: &String| Reference::parse(&format!("{name}:{tag}")).map(|name| name.to_string());
    tags.iter().map(named).collect()
}

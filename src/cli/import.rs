//! `import`: make an image of a root file system.

use super::flags::SignaturePolicyFlag;
use super::{Context, Verb, pulling, say};
use crate::container::events::{self, Happening};
use crate::fs;
use crate::image::download;
use crate::image::import::{self, Import as What};
use crate::image::platform::Platform;
use crate::image::policy::{Identity, Policy};
use anyhow::Result;

/// Make an image of a tar archive that is a root file system, and print its id
#[derive(clap::Args)]
pub struct Import {
    /// Apply an instruction such as CMD, ENTRYPOINT, ENV, EXPOSE, LABEL, STOPSIGNAL, USER, VOLUME or WORKDIR
    #[arg(short, long, value_name = "INSTRUCTION")]
    change: Vec<String>,
    /// Note this in the image's history
    #[arg(short, long, value_name = "TEXT")]
    message: Option<String>,
    /// Say that the image is for this system
    #[arg(long, value_name = "OS/ARCH[/VARIANT]", conflicts_with_all = ["os", "arch", "variant"])]
    platform: Option<String>,
    /// Say that the image is for this operating system
    #[arg(long, value_name = "OS")]
    os: Option<String>,
    /// Say that the image is for this architecture
    #[arg(long, value_name = "ARCH")]
    arch: Option<String>,
    /// Say that the image is for this variant of the architecture
    #[arg(long, value_name = "VARIANT")]
    variant: Option<String>,
    /// Print nothing but the id
    #[arg(short, long)]
    quiet: bool,
    #[command(flatten)]
    policy_file: SignaturePolicyFlag,
    /// The archive, or its http or https address; - is standard input
    #[arg(value_name = "FILE")]
    file: std::path::PathBuf,
    /// The image's name
    #[arg(value_name = "NAME[:TAG]")]
    name: Option<String>,
}

impl Verb for Import {
    fn run(self, context: &Context) -> Result<u8> {
        let policy = Policy::load(self.policy_file.signature_policy.as_deref())?;
        policy.check(&Identity::tarball())?.check_unsigned("a tarball")?;
        crate::store::prepare(&context.engine)?;
        let mut platform = self.platform.as_deref().map(Platform::parse).transpose()?.unwrap_or_else(Platform::host);
        if self.os.is_some() || self.arch.is_some() || self.variant.is_some() {
            // A variant of this machine's architecture says nothing about another's.
            let variant = if self.arch.is_some() { String::new() } else { platform.variant };
            platform = Platform {
                os: self.os.unwrap_or(platform.os),
                architecture: self.arch.unwrap_or(platform.architecture),
                variant: self.variant.unwrap_or(variant),
                ..Platform::default()
            };
        }
        let what = What {
            platform,
            changes: self.change,
            message: self.message,
            reference: self.name.as_deref().map(|name| context.own_name(name)).transpose()?,
        };
        let unpacker = pulling::unpacker(&context.engine)?;
        let id = if self.file.as_os_str() == "-" {
            import::import(&context.engine, std::io::stdin(), &what, &unpacker)?
        } else if let Some(url) = self.file.to_str().filter(|text| download::is_url(text)) {
            import::import(&context.engine, download::open(url)?, &what, &unpacker)?
        } else {
            import::import(&context.engine, fs::open_for_reading(&self.file)?, &what, &unpacker)?
        };
        events::tell_of_image(&context.engine, Happening::Import, &id, self.name.as_deref().unwrap_or_default());
        say(&id.to_string());
        Ok(0)
    }
}

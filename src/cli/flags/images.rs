//! The flags of whatever asks for an image: which one, and how its registry is spoken to.

use crate::error::Kind;
use crate::image::auth::Credentials;
use crate::image::platform::Platform;
use crate::image::pull::Access;
use crate::inspect::time::parse_duration;
use crate::settings::Settings;
use anyhow::{Context, Result};
use std::path::PathBuf;
use std::time::Duration;

/// Which of the images of one name is meant.
#[derive(clap::Args, Clone, Debug)]
pub struct PlatformFlags {
    /// Choose the image for this system, such as linux/arm64
    #[arg(long, value_name = "OS/ARCH[/VARIANT]")]
    platform: Option<String>,
    /// Choose the image for this processor, such as arm64
    #[arg(long, value_name = "ARCH", conflicts_with = "platform")]
    arch: Option<String>,
    /// Choose the image for this operating system
    #[arg(long, value_name = "OS", conflicts_with = "platform")]
    os: Option<String>,
    /// Choose the image for this variant of the processor, such as v7
    #[arg(long, value_name = "VARIANT", conflicts_with = "platform")]
    variant: Option<String>,
}

impl PlatformFlags {
    /// None if nothing was asked for.
    pub fn platform(&self) -> Result<Option<Platform>> {
        if let Some(platform) = &self.platform {
            return Platform::parse(platform).map(Some);
        }
        if self.arch.is_none() && self.os.is_none() && self.variant.is_none() {
            return Ok(None);
        }
        let host = Platform::host();
        let word = |name: &str, given: &Option<String>, usual: String| match given {
            Some(word) if word.is_empty() || word.contains('/') => {
                Err(Kind::BadInput.error(format!("--{name} {word:?} is not one word")))
            }
            Some(word) => Ok(word.clone()),
            None => Ok(usual),
        };
        let mut parts = vec![word("os", &self.os, host.os)?, word("arch", &self.arch, host.architecture)?];
        if self.variant.is_some() {
            parts.push(word("variant", &self.variant, String::new())?);
        }
        Platform::parse(&parts.join("/")).map(Some)
    }
}

/// How registries are spoken to.
#[derive(clap::Args, Clone, Debug)]
#[command(next_help_heading = "Registry")]
pub struct RegistryFlags {
    /// Require a valid certificate of the registry, whatever registries.conf says; with false, plain http is tried too
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    tls_verify: Option<bool>,
    /// Log in to the registry as this user
    #[arg(long, value_name = "USER:PASSWORD")]
    creds: Option<String>,
    /// Take credentials from this file
    #[arg(long, value_name = "FILE")]
    authfile: Option<PathBuf>,
    /// Trust the certificates (*.crt) in this directory
    #[arg(long, value_name = "DIR")]
    cert_dir: Option<PathBuf>,
    /// How often to try again what has failed [default: 2]
    #[arg(long, value_name = "COUNT")]
    retry: Option<u64>,
    /// How long to wait before the second try; doubled for each further one [default: 1s]
    #[arg(long, value_name = "DURATION")]
    retry_delay: Option<String>,
    /// Accepted for scripts of docker: signatures of that kind are asked of nobody
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    disable_content_trust: Option<bool>,
}

impl RegistryFlags {
    pub fn access(&self, settings: &Settings) -> Result<Access> {
        let of_settings = settings.engine.retry_delay.as_deref().filter(|delay| !delay.is_empty());
        let delay = self.retry_delay.as_deref().map(|delay| (delay, "--retry-delay"));
        let delay = delay.or(of_settings.map(|delay| (delay, "retry_delay of containers.conf")));
        let pause = delay.map(|(delay, place)| parse_duration(delay).context(place)).transpose()?;
        Ok(Access {
            tls_verify: self.tls_verify,
            creds: self.creds.as_deref().map(Credentials::parse).transpose()?,
            authfile: self.authfile.clone(),
            cert_dir: self.cert_dir.clone(),
            retries: self.retry.or(settings.engine.retry),
            pause: pause.map(Duration::from_nanos),
            docker: false,
            signature_policy: None,
        })
    }
}

/// Which images may come in.
#[derive(clap::Args, Clone, Debug)]
pub struct SignaturePolicyFlag {
    /// Take in images by this policy.json instead of the user's or the system's: containers-policy.json(5)
    #[arg(long, value_name = "FILE", hide = true)]
    pub signature_policy: Option<PathBuf>,
}

/// For layers that are encrypted. There is no library for their format that could be trusted with keys.
#[derive(clap::Args, Clone, Debug)]
pub struct DecryptionFlag {
    /// Refused: encrypted layers cannot be opened
    #[arg(long, value_name = "KEY[:PASSPHRASE]", hide = true)]
    decryption_key: Vec<String>,
}

impl DecryptionFlag {
    pub fn refuse(&self) -> Result<()> {
        match self.decryption_key.is_empty() {
            true => Ok(()),
            false => Err(refused("--decryption-key", "opened")),
        }
    }
}

/// The other way.
#[derive(clap::Args, Clone, Debug)]
pub struct EncryptionFlags {
    /// Refused: layers cannot be encrypted
    #[arg(long, value_name = "PROTOCOL:KEY", hide = true)]
    encryption_key: Vec<String>,
    /// Refused: layers cannot be encrypted
    #[arg(long, value_name = "NUMBER", allow_negative_numbers = true, hide = true)]
    encrypt_layer: Vec<i64>,
}

impl EncryptionFlags {
    pub fn refuse(&self) -> Result<()> {
        match self.encryption_key.is_empty() && self.encrypt_layer.is_empty() {
            true => Ok(()),
            false => Err(refused("--encryption-key", "made")),
        }
    }
}

fn refused(flag: &str, what: &str) -> anyhow::Error {
    let message = format!("{flag}: encrypted layers (ocicrypt) cannot be {what} by this engine");
    Kind::BadInput.hinted(message, "skopeo copy does that")
}

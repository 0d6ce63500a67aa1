//! The flags of whatever goes from one registry to another: what holds for one side alone.

use super::RegistryFlags;
use crate::error::Kind;
use crate::image::auth::Credentials;
use crate::image::registry::Access;
use crate::image::transport::Location;
use crate::settings::Settings;
use anyhow::Result;
use std::path::PathBuf;

/// How the registries of both sides are spoken to.
#[derive(clap::Args, Clone, Debug)]
#[command(next_help_heading = "Registry")]
pub struct SidesFlags {
    #[command(flatten)]
    both: RegistryFlags,
    /// Log in to the source's registry as this user
    #[arg(long, value_name = "USER:PASSWORD")]
    src_creds: Option<String>,
    /// Log in to the target's registry as this user
    #[arg(long, value_name = "USER:PASSWORD")]
    dest_creds: Option<String>,
    /// Take credentials for the source from this file
    #[arg(long, value_name = "FILE")]
    src_authfile: Option<PathBuf>,
    /// Take credentials for the target from this file
    #[arg(long, value_name = "FILE")]
    dest_authfile: Option<PathBuf>,
    /// As --tls-verify, for the source alone
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    src_tls_verify: Option<bool>,
    /// As --tls-verify, for the target alone
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    dest_tls_verify: Option<bool>,
    /// Trust the certificates (*.crt) in this directory for the source
    #[arg(long, value_name = "DIR")]
    src_cert_dir: Option<PathBuf>,
    /// Trust the certificates (*.crt) in this directory for the target
    #[arg(long, value_name = "DIR")]
    dest_cert_dir: Option<PathBuf>,
}

/// How each side is spoken to.
#[derive(Clone, Debug)]
pub struct Sides {
    pub source: Access,
    pub target: Access,
    /// Whether `--creds` would be sent to both.
    is_shared: bool,
}

impl SidesFlags {
    pub fn sides(&self, settings: &Settings) -> Result<Sides> {
        let both = self.both.access(settings)?;
        let is_shared = both.creds.is_some() && self.src_creds.is_none() && self.dest_creds.is_none();
        let side =
            |creds: &Option<String>, authfile: &Option<PathBuf>, tls: Option<bool>, certs: &Option<PathBuf>| {
                let creds = creds.as_deref().map(Credentials::parse).transpose()?;
                anyhow::Ok(Access {
                    creds: creds.or_else(|| both.creds.clone()),
                    authfile: authfile.clone().or_else(|| both.authfile.clone()),
                    tls_verify: tls.or(both.tls_verify),
                    cert_dir: certs.clone().or_else(|| both.cert_dir.clone()),
                    ..both.clone()
                })
            };
        Ok(Sides {
            source: side(&self.src_creds, &self.src_authfile, self.src_tls_verify, &self.src_cert_dir)?,
            target: side(&self.dest_creds, &self.dest_authfile, self.dest_tls_verify, &self.dest_cert_dir)?,
            is_shared,
        })
    }
}

impl Sides {
    /// Refuses credentials of the command line where it is not clear which of two registries they are for.
    pub fn check(&self, source: &Location, target: &Location) -> Result<()> {
        match (source, target) {
            (Location::Registry(source), Location::Registry(target))
                if self.is_shared && source.registry != target.registry =>
            {
                let message =
                    format!("the credentials are for {} or for {}, not both", source.registry, target.registry);
                Err(Kind::BadInput.hinted(message, "use --src-creds and --dest-creds, or log in with coracle login"))
            }
            _ => Ok(()),
        }
    }
}

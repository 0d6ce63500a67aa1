//! `logout`: forget the credentials for a registry.

use super::login::{FileFlags, key};
use super::{Context, Verb, say};
use crate::error::Kind;
use crate::image::auth;
use anyhow::Result;

/// Sign out of a registry: its credentials are forgotten
#[derive(clap::Args)]
pub struct Logout {
    /// Forget the credentials for all registries
    #[arg(short, long, conflicts_with = "registry")]
    all: bool,
    #[command(flatten)]
    file: FileFlags,
    /// Accepted as for login: no registry is asked
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    tls_verify: Option<bool>,
    /// The registry, as HOST[:PORT], or a part of it, as HOST/NAMESPACE
    #[arg(value_name = "REGISTRY")]
    registry: Option<String>,
}

impl Verb for Logout {
    fn run(self, context: &Context) -> Result<u8> {
        let place = self.file.place(context)?;
        if self.all {
            auth::forget_all(&place)?;
            say("Removed login credentials for all registries");
            return Ok(0);
        }
        let key = key(self.registry.as_deref(), context.docker)?;
        if context.docker {
            let was_there = auth::forget(&place, &key)?;
            say(&if was_there {
                format!("Removing login credentials for {key}")
            } else {
                format!("Not logged in to {key}")
            });
            return Ok(0);
        }
        if auth::forget(&place, &key)? {
            say(&format!("Removed login credentials for {key}"));
            return Ok(0);
        }
        let not_there = format!("not logged into {key}");
        // It may be another file that has them, such as docker's, and is not this command's to change.
        match self.file.known(&place, &key)? {
            Some(_) => Err(Kind::NotFound.hinted(
                format!("{not_there} by {}, but another file has credentials for it", place.file.display()),
                "name the file with --authfile or --compat-auth-file",
            )),
            None => Err(Kind::NotFound.error(not_there)),
        }
    }
}

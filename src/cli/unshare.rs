//! `unshare`: a command in the engine's user namespace, where the files of containers can be worked with.

use super::{Context, Verb};
use crate::container::control::Door;
use crate::error::Kind;
use anyhow::Result;
use std::os::unix::process::CommandExt;

/// Run a command as root of your own user namespace
#[derive(clap::Args)]
pub struct Unshare {
    /// The command [default: your shell]
    #[arg(value_name = "COMMAND", trailing_var_arg = true, allow_hyphen_values = true)]
    words: Vec<String>,
}

impl Verb for Unshare {
    fn run(self, context: &Context) -> Result<u8> {
        if !context.engine.rootless {
            return Err(Kind::BadInput.error("root needs no user namespace: run the command as it is"));
        }
        super::in_userns(Door::for_command(&context.engine)?, || {
            let shell = std::env::var("SHELL").unwrap_or_else(|_| "/bin/sh".to_owned());
            let words = if self.words.is_empty() { vec![shell] } else { self.words };
            let error = std::process::Command::new(&words[0]).args(&words[1..]).exec();
            let kind = if error.kind() == std::io::ErrorKind::NotFound {
                Kind::CommandNotFound
            } else {
                Kind::NotExecutable
            };
            Err(kind.error(format!("execute {:?}: {}", words[0], crate::error::line(&error.into()))))
        })
    }
}

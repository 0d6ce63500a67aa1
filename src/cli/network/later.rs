//! Verbs of networks that containers must be able to be on first.

use crate::cli::{Context, Verb};
use crate::error::Kind;
use anyhow::Result;

/// Not supported yet: connect a container to a network
#[derive(clap::Args)]
pub struct Connect {
    #[command(flatten)]
    rest: Rest,
}

/// Not supported yet: disconnect a container from a network
#[derive(clap::Args)]
pub struct Disconnect {
    #[command(flatten)]
    rest: Rest,
}

/// Not supported yet: make the rules of containers' networks anew
#[derive(clap::Args)]
pub struct Reload {
    #[command(flatten)]
    rest: Rest,
}

/// Whatever was typed.
#[derive(clap::Args)]
struct Rest {
    /// Not supported yet
    #[arg(value_name = "WORD", trailing_var_arg = true, allow_hyphen_values = true)]
    words: Vec<String>,
}

fn refuse(rest: &Rest) -> Result<u8> {
    let of = rest.words.last().map(|word| format!(" ({word})")).unwrap_or_default();
    Err(Kind::BadInput.error(format!("this command is not supported yet{of}")))
}

impl Verb for Connect {
    fn run(self, _context: &Context) -> Result<u8> {
        refuse(&self.rest)
    }
}

impl Verb for Disconnect {
    fn run(self, _context: &Context) -> Result<u8> {
        refuse(&self.rest)
    }
}

impl Verb for Reload {
    fn run(self, _context: &Context) -> Result<u8> {
        refuse(&self.rest)
    }
}

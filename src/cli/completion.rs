//! `completion` and `internal man`: what shells and man(1) know of the command line, made from the table of verbs.

use super::{Context, Verb, listing, verbs};
use crate::error::Kind;
use anyhow::{Context as _, Result};
use clap::Command;
use clap_complete::Shell;
use std::path::{Path, PathBuf};

/// Print the completions for a shell
#[derive(clap::Args)]
pub struct Completion {
    /// The shell: bash, zsh or fish
    #[arg(value_name = "SHELL")]
    shell: String,
}

impl Verb for Completion {
    fn run(self, _: &Context) -> Result<u8> {
        let shell = match self.shell.as_str() {
            "bash" => Shell::Bash,
            "zsh" => Shell::Zsh,
            "fish" => Shell::Fish,
            other => {
                return Err(Kind::BadInput.hinted(format!("no completions for {other:?}"), "use bash, zsh or fish"));
            }
        };
        let mut script = Vec::new();
        let mut tree = verbs::tree().disable_help_subcommand(true);
        clap_complete::generate(shell, &mut tree, "coracle", &mut script);
        listing::put(&String::from_utf8(script).context("the completions are text")?);
        Ok(0)
    }
}

/// Write the man pages
#[derive(clap::Args)]
pub struct Man {
    /// An existing directory
    #[arg(value_name = "DIR")]
    dir: PathBuf,
}

impl Verb for Man {
    fn run(self, _: &Context) -> Result<u8> {
        let mut tree = verbs::tree().version(env!("CARGO_PKG_VERSION")).disable_help_subcommand(true);
        // Only now do the commands below know their full names.
        tree.build();
        write_pages(&self.dir, &tree).with_context(|| format!("write man pages to {}", self.dir.display()))?;
        Ok(0)
    }
}

/// The page of a command, and those of all commands below it: `coracle-image-ls.1`. Without a date, so that the same
/// commands make the same pages.
fn write_pages(dir: &Path, command: &Command) -> Result<()> {
    let page = clap_mangen::Man::new(command.clone()).source("coracle").manual("User Commands");
    page.generate_to(dir)?;
    command.get_subcommands().try_for_each(|below| write_pages(dir, below))
}

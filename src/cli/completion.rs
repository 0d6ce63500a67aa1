//! `completion` and `internal man`: what shells and man(1) know of the command line, made from the table of verbs.

use super::{Context, Verb, listing, verbs};
use crate::error::Kind;
use anyhow::{Context as _, Result};
use clap::Command;
use clap_complete::Shell;
use serde_json::{Map, Value, json};
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

/// Print all options of all commands, as json
#[derive(clap::Args)]
pub struct Options {}

impl Verb for Options {
    fn run(self, _: &Context) -> Result<u8> {
        let mut all = Map::new();
        gather(&verbs::tree(), "", &mut all);
        listing::json(&Value::Object(all));
        Ok(0)
    }
}

/// The options of a command, and of those below it, by their long names and other long names.
fn gather(command: &Command, path: &str, all: &mut Map<String, Value>) {
    let mut options = Map::new();
    for argument in command.get_arguments() {
        let help = argument.get_help().map(ToString::to_string).unwrap_or_default();
        let names = argument.get_long().into_iter().chain(argument.get_all_aliases().unwrap_or_default());
        for name in names {
            options.insert(format!("--{name}"), json!({ "hidden": argument.is_hide_set(), "help": help }));
        }
    }
    all.insert(path.to_owned(), Value::Object(options));
    for below in command.get_subcommands() {
        for name in std::iter::once(below.get_name()).chain(below.get_all_aliases()) {
            gather(below, format!("{path} {name}").trim_start(), all);
        }
    }
}

/// The page of a command, and those of all commands below it: `coracle-image-ls.1`. Without a date, so that the same
/// commands make the same pages.
fn write_pages(dir: &Path, command: &Command) -> Result<()> {
    let page = clap_mangen::Man::new(command.clone()).source("coracle").manual("User Commands");
    page.generate_to(dir)?;
    command.get_subcommands().try_for_each(|below| write_pages(dir, below))
}

//! Options that are not there yet, and options that never were: what is said about either.

use super::ContainerFlags;
use crate::error::{self, Kind};

/// Options of podman and docker that this version does not have, so that the error says so rather than "unknown".
const LATER: &[&str] =
    &["--compress", "--init-ctr", "--pod", "--pod-id-file", "--pubkeysfile", "--sign-by-sq-fingerprint"];

/// The error for a word that looks like an option where an image should be.
pub fn refuse_option(word: &str) -> anyhow::Error {
    let name = word.split('=').next().unwrap_or(word);
    if LATER.contains(&name) {
        return Kind::BadInput.error(format!("option {name} is not supported yet"));
    }
    let command = <ContainerFlags as clap::Args>::augment_args(clap::Command::new("run"));
    let known: Vec<String> =
        command.get_arguments().filter_map(|argument| Some(format!("--{}", argument.get_long()?))).collect();
    let closest = error::nearest(name, known.iter().map(String::as_str));
    let hint =
        closest.map_or_else(|| "see coracle run --help".to_owned(), |closest| format!("did you mean {closest}?"));
    Kind::BadInput.hinted(format!("unknown option {name}"), hint)
}

/// The option that an error message is about, if it is one that will come.
pub fn later(message: &str) -> Option<&'static str> {
    let unknown = message.strip_prefix("unexpected argument '")?.split('\'').next()?;
    let name = unknown.split('=').next()?;
    LATER.iter().copied().find(|later| *later == name)
}

//! Errors: one line for the user, one kind for the code that must choose an exit code or an HTTP status.
//!
//! Everything returns `anyhow::Result`. A [`Failure`] at the root of the chain carries what a caller may branch on
//! and the one hint that the user is shown. The same shape crosses process borders (see [`Wire`]).

use rustix::io::Errno;
use serde::{Deserialize, Serialize};
use std::fmt;

/// What went wrong, as far as any caller needs to tell cases apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Kind {
    /// The engine could not do its work; the default.
    Engine,
    /// The named object does not exist.
    NotFound,
    /// The name or object exists already.
    Exists,
    /// The object is used by another, or is in the wrong state.
    InUse,
    /// What the user or a document said is malformed.
    BadInput,
    /// The kernel, a registry or a policy refused.
    Denied,
    /// The container's command was found but cannot be executed (exit code 126).
    NotExecutable,
    /// The container's command does not exist (exit code 127).
    CommandNotFound,
}

/// The root of an error chain that has a kind and perhaps a hint.
#[derive(Debug)]
pub struct Failure {
    pub kind: Kind,
    pub message: String,
    /// One remedy that works, as an imperative clause.
    pub hint: Option<String>,
}

impl fmt::Display for Failure {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.message)
    }
}

impl std::error::Error for Failure {}

impl Kind {
    /// An error of this kind.
    pub fn error(self, message: impl Into<String>) -> anyhow::Error {
        anyhow::Error::new(Failure { kind: self, message: message.into(), hint: None })
    }

    /// An error of this kind with its remedy.
    pub fn hinted(self, message: impl Into<String>, hint: impl Into<String>) -> anyhow::Error {
        anyhow::Error::new(Failure { kind: self, message: message.into(), hint: Some(hint.into()) })
    }
}

fn failure(error: &anyhow::Error) -> Option<&Failure> {
    error.chain().find_map(|cause| cause.downcast_ref::<Failure>())
}

/// The kind of an error, wherever in its chain it was given.
pub fn kind(error: &anyhow::Error) -> Kind {
    failure(error).map_or(Kind::Engine, |failure| failure.kind)
}

/// The remedy that an error carries, or that goes with its cause.
pub fn hint(error: &anyhow::Error) -> Option<&str> {
    let given = failure(error).and_then(|failure| failure.hint.as_deref());
    given.or_else(|| {
        error.chain().any(is_out_of_space).then_some("free some space, for instance with coracle system prune")
    })
}

/// Whether no more can be written: what writes files does so through the standard library and through rustix.
fn is_out_of_space(cause: &(dyn std::error::Error + 'static)) -> bool {
    let io = cause.downcast_ref::<std::io::Error>().and_then(std::io::Error::raw_os_error);
    let code = io.or_else(|| cause.downcast_ref::<Errno>().map(|errno| errno.raw_os_error()));
    code.is_some_and(|code| [Errno::NOSPC, Errno::DQUOT].contains(&Errno::from_raw_os_error(code)))
}

/// Gives an error a remedy, keeping its text and its kind. An error that has one already keeps that.
pub fn with_hint(error: anyhow::Error, hint: impl Into<String>) -> anyhow::Error {
    if failure(&error).is_some_and(|failure| failure.hint.is_some()) {
        return error;
    }
    kind(&error).hinted(line(&error), hint)
}

/// The name most like `word`: the same in another case, or one or two slips away. What "did you mean" asks.
pub fn nearest<'a>(word: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    const LENGTH_MAX: usize = 64;
    let wanted = word.to_ascii_lowercase();
    if wanted.len() > LENGTH_MAX {
        return None;
    }
    names
        .filter(|name| name.len() <= LENGTH_MAX)
        .map(|name| (distance(wanted.as_bytes(), name.to_ascii_lowercase().as_bytes()), name))
        .filter(|(distance, _)| *distance <= 2 && *distance * 2 <= wanted.len())
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

/// How many letters must be put in, taken out, changed, or exchanged with their neighbours (Damerau's and Levenshtein's,
/// as optimal string alignment).
fn distance(left: &[u8], right: &[u8]) -> usize {
    let mut before_last: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=right.len()).collect();
    for (at, letter) in left.iter().enumerate() {
        let mut row = vec![at + 1];
        for (column, other) in right.iter().enumerate() {
            let changed = last[column] + usize::from(letter != other);
            let mut least = changed.min(last[column + 1] + 1).min(row[column] + 1);
            if at > 0 && column > 0 && *letter == right[column - 1] && left[at - 1] == *other {
                least = least.min(before_last[column - 1] + 1);
            }
            row.push(least);
        }
        before_last = std::mem::replace(&mut last, row);
    }
    last[right.len()]
}

/// The chain as one line: `step: object: cause`, without the decorations that libraries add to errno texts.
pub fn line(error: &anyhow::Error) -> String {
    let mut parts: Vec<String> = Vec::new();
    for cause in error.chain() {
        let text = plain(&cause.to_string());
        // Some libraries repeat their cause in their own text.
        if parts.last().is_none_or(|last| !last.ends_with(&text)) {
            parts.push(text);
        }
    }
    parts.join(": ").replace(['\n', '\r'], " ")
}

/// `No such file or directory (os error 2)` and `ENOENT: No such file or directory` both become
/// `no such file or directory`.
fn plain(text: &str) -> String {
    let mut text = text.trim();
    let mut is_errno = false;
    if let Some((front, _)) = text.rsplit_once(" (os error ") {
        (text, is_errno) = (front, true);
    } else if let Some((name, rest)) = text.split_once(": ")
        && name.len() > 1
        && name.starts_with('E')
        && name.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
    {
        (text, is_errno) = (rest, true);
    }
    match text.chars().next() {
        Some(first) if is_errno => text.replacen(first, &first.to_lowercase().to_string(), 1),
        _ => text.to_owned(),
    }
}

/// An error as it travels from the init process to the monitor and from the monitor to the CLI.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Wire {
    pub kind: Kind,
    pub message: String,
    pub hint: Option<String>,
}

impl From<&anyhow::Error> for Wire {
    fn from(error: &anyhow::Error) -> Self {
        Self { kind: kind(error), message: line(error), hint: hint(error).map(str::to_owned) }
    }
}

impl From<Wire> for anyhow::Error {
    fn from(wire: Wire) -> Self {
        Self::new(Failure { kind: wire.kind, message: wire.message, hint: wire.hint })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::Context;

    #[test]
    fn a_chain_is_one_line_without_decorations() {
        let error = Err::<(), _>(std::io::Error::from_raw_os_error(28)).context("write etc/passwd").unwrap_err();
        assert_eq!(line(&error), "write etc/passwd: no space left on device");
        let error = Err::<(), _>(nix::errno::Errno::EPERM).context("open x").unwrap_err();
        assert_eq!(line(&error), "open x: operation not permitted");
    }

    #[test]
    fn kind_and_hint_survive_context_and_the_wire() {
        let error = Kind::NotFound.hinted("no container x", "see coracle ps -a").context("stop");
        let back: anyhow::Error = Wire::from(&error).into();
        assert_eq!((kind(&back), hint(&back)), (Kind::NotFound, Some("see coracle ps -a")));
        assert_eq!(line(&back), "stop: no container x");
    }
}

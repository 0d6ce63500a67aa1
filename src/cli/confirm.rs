//! The question before something goes for good.

use super::listing;
use crate::error::Kind;
use anyhow::{Context, Result};

/// What an answer may be long.
const ANSWER_BYTES_MAX: u64 = 1024;

/// Says what would go and asks on standard input, as podman does, whether to go on. No answer at all is an error.
pub fn confirm(warning: &str) -> Result<bool> {
    listing::put(&format!("WARNING! {warning}\nAre you sure you want to continue? [y/N] "));
    let mut answer = String::new();
    let mut input = std::io::Read::take(std::io::stdin().lock(), ANSWER_BYTES_MAX);
    let length = std::io::BufRead::read_line(&mut std::io::BufReader::new(&mut input), &mut answer);
    if length.context("read the answer")? == 0 {
        return Err(Kind::BadInput.hinted("nobody has answered", "use --force"));
    }
    Ok(answer.trim().to_ascii_lowercase().starts_with('y'))
}

//! `--secret NAME[,type=mount|env,target=,uid=,gid=,mode=]`.

use super::options::parse_mode;
use crate::container::config::{SecretHow, SecretUse};
use crate::container::create::clean;
use crate::error::Kind;
use anyhow::Result;

/// What a file is read by if nothing is said: everyone.
const MODE: u32 = 0o444;

pub fn parse(text: &str) -> Result<SecretUse> {
    let mut words = text.split(',');
    // docker names it by a key; both may stand anywhere.
    let mut name = None;
    let (mut kind, mut target, mut owner, mut mode) = ("mount", None, [None, None], None);
    let number = |key: &str, value: &str| {
        value.parse::<u32>().map_err(|_| Kind::BadInput.error(format!("--secret {key}={value} is not a number")))
    };
    for word in words.by_ref() {
        match word.split_once('=') {
            None if name.is_none() => name = Some(word),
            Some(("source" | "src" | "id", value)) if name.is_none() => name = Some(value),
            Some(("type", value @ ("mount" | "env"))) => kind = value,
            Some(("target", value)) => target = Some(value),
            Some(("uid" | "UID", value)) => owner[0] = Some(number("uid", value)?),
            Some(("gid" | "GID", value)) => owner[1] = Some(number("gid", value)?),
            Some(("mode", value)) => mode = Some(parse_mode(value)?),
            _ => {
                let message = format!("--secret {text:?}: {word:?} is not understood");
                return Err(Kind::BadInput.hinted(message, "use NAME,type=mount|env,target=,uid=,gid=,mode="));
            }
        }
    }
    let name = name.filter(|name| !name.is_empty());
    let name = name.ok_or_else(|| Kind::BadInput.error(format!("--secret {text:?} has no name")))?;
    let how = if kind == "env" {
        if owner != [None, None] || mode.is_some() {
            return Err(Kind::BadInput.error("--secret with type=env has no uid, gid or mode"));
        }
        let variable = target.unwrap_or(name);
        if variable.is_empty() || variable.contains(['=', '\0']) {
            return Err(Kind::BadInput.error(format!("--secret target {variable:?} is no environment variable")));
        }
        SecretHow::Environment { variable: variable.to_owned() }
    } else {
        let target = match target {
            Some(path) if path.starts_with('/') => clean(path),
            Some(relative) => clean(&format!("/run/secrets/{relative}")),
            None => clean(&format!("/run/secrets/{name}")),
        };
        let [uid, gid] = owner.map(Option::unwrap_or_default);
        SecretHow::File { target, uid, gid, mode: mode.unwrap_or(MODE) }
    };
    Ok(SecretUse { name: name.to_owned(), id: String::new(), how })
}

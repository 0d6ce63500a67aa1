//! Secrets: `secrets/ID/{secret.json,value}`, readable by the user alone.
//!
//! The value is in no other file but hard links to it: a container's directory has one for each secret that it was
//! created with, so that it keeps its secrets whatever becomes of their names.

use crate::engine::Engine;
use crate::error::Kind;
use crate::fs::{self, Durability, Hold, Lock, Staged};
use anyhow::{Context, Result};
use rustix::fs::{AtFlags, CWD};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The most bytes of a secret, as podman and docker have it.
pub const VALUE_BYTES_MAX: usize = 512_000;

/// The most characters of a name.
const NAME_LENGTH_MAX: usize = 253;

/// Ids are this many hex digits.
const ID_LENGTH: usize = 25;

/// How long another command that makes or removes secrets is waited for.
const LOCK_TIMEOUT: Duration = Duration::from_secs(30);

/// `secret.json`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Secret {
    pub id: String,
    pub name: String,
    /// Nanoseconds since 1970.
    pub created: u64,
    pub updated: u64,
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
}

/// What is done about an older secret of the same name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Older {
    Refuse,
    Keep,
    Replace,
}

/// Where the values of all secrets lie.
pub fn directory(engine: &Engine) -> PathBuf {
    engine.data.join("secrets")
}

fn hold(engine: &Engine, hold: Hold) -> Result<Lock> {
    fs::create_dir(&directory(engine))?;
    Lock::take(&directory(engine).join(".lock"), hold, LOCK_TIMEOUT)
}

fn check_name(name: &str) -> Result<()> {
    let bad = |letter: char| ['=', '/', ','].contains(&letter) || letter.is_control();
    if name.is_empty() || name.chars().count() > NAME_LENGTH_MAX || name.contains(bad) {
        let message = format!(
            "secret name {:?} is not 1 to {NAME_LENGTH_MAX} characters without =, /, comma and control characters",
            name.chars().take(64).collect::<String>()
        );
        return Err(Kind::BadInput.error(message));
    }
    Ok(())
}

/// Makes a secret and gives its id.
pub fn create(
    engine: &Engine,
    name: &str,
    value: &[u8],
    labels: BTreeMap<String, String>,
    older: Older,
) -> Result<String> {
    check_name(name)?;
    if value.is_empty() || value.len() > VALUE_BYTES_MAX {
        let message = format!("a secret has 1 to {VALUE_BYTES_MAX} bytes, not {}", value.len());
        return Err(Kind::BadInput.error(message));
    }
    let _lock = hold(engine, Hold::Exclusive)?;
    let existing = named(engine, name)?;
    let mut created = now();
    match (existing.last(), older) {
        (Some(_), Older::Refuse) => {
            let message = format!("a secret named {name:?} exists");
            return Err(Kind::Exists.hinted(message, "remove it first, or use --replace"));
        }
        (Some(existing), Older::Keep) => return Ok(existing.id.clone()),
        (Some(existing), Older::Replace) => created = existing.created,
        (None, _) => {}
    }
    let id = new_id()?;
    let secret = Secret { id: id.clone(), name: name.to_owned(), created, updated: now(), labels };
    let staged = Staged::dir(&engine.staging())?;
    fs::write_atomic(&staged.path().join("value"), value, Durability::Synced)?;
    fs::write_json(&staged.path().join("secret.json"), &secret, Durability::Synced)?;
    rustix::fs::rename(staged.path(), directory(engine).join(&id))
        .with_context(|| format!("create secret {name}"))?;
    fs::sync_dir(&directory(engine))?;
    // Last, so that the name has a value at any moment. Whoever is killed in between leaves both.
    existing.iter().try_for_each(|older| hide(engine, &older.id))?;
    Ok(id)
}

fn now() -> u64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |age| age.as_nanos() as u64)
}

fn new_id() -> Result<String> {
    let mut bytes = [0; 13];
    rustix::rand::getrandom(&mut bytes, rustix::rand::GetRandomFlags::empty())?;
    let mut id: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    id.truncate(ID_LENGTH);
    Ok(id)
}

/// All secrets, the oldest first.
pub fn list(engine: &Engine) -> Result<Vec<Secret>> {
    let mut secrets = read_all(engine)?;
    // The last of a name is the one that counts.
    secrets.reverse();
    secrets.dedup_by(|older, newer| older.name == newer.name);
    secrets.reverse();
    Ok(secrets)
}

/// Those of a name, the one that counts last: a replacement that was cut short leaves the older one, of the same `created`.
fn named(engine: &Engine, name: &str) -> Result<Vec<Secret>> {
    Ok(read_all(engine)?.into_iter().filter(|secret| secret.name == name).collect())
}

fn read_all(engine: &Engine) -> Result<Vec<Secret>> {
    let mut secrets = Vec::new();
    for id in fs::list(&directory(engine))? {
        if !id.starts_with('.') {
            // One that is removed at this moment is none any more.
            secrets.extend(fs::read_json::<Secret>(&directory(engine).join(&id).join("secret.json"))?);
        }
    }
    secrets.sort_by(|one, other| {
        (one.created, &one.name, one.updated).cmp(&(other.created, &other.name, other.updated))
    });
    Ok(secrets)
}

/// Finds a secret by its name, its id, or the beginning of its id.
pub fn find(engine: &Engine, text: &str) -> Result<Secret> {
    let secrets = list(engine)?;
    if let Some(exact) = secrets.iter().find(|secret| secret.name == text || secret.id == text) {
        return Ok(exact.clone());
    }
    let mut begins = secrets.into_iter().filter(|secret| !text.is_empty() && secret.id.starts_with(text));
    match (begins.next(), begins.next()) {
        (Some(secret), None) => Ok(secret),
        (Some(_), Some(_)) => Err(Kind::BadInput.error(format!("{text} is the beginning of several secrets' ids"))),
        (None, _) => {
            Err(Kind::NotFound.hinted(format!("no secret with name or id {text:?}"), "see coracle secret ls"))
        }
    }
}

/// The value of a secret.
pub fn value(engine: &Engine, secret: &Secret) -> Result<Vec<u8>> {
    fs::read(&directory(engine).join(&secret.id).join("value"), VALUE_BYTES_MAX)
}

/// Removes a secret. Containers that were created with it keep it.
pub fn remove(engine: &Engine, secret: &Secret) -> Result<()> {
    let _lock = hold(engine, Hold::Exclusive)?;
    let named = named(engine, &secret.name)?;
    if named.last().is_none_or(|now| now.id != secret.id) {
        return Err(Kind::NotFound.error(format!("secret {} has been removed or replaced meanwhile", secret.name)));
    }
    named.iter().try_for_each(|secret| hide(engine, &secret.id))
}

fn hide(engine: &Engine, id: &str) -> Result<()> {
    let hidden = Staged::hide(&engine.staging(), &directory(engine).join(id));
    hidden.and_then(|hidden| hidden.map_or(Ok(()), Staged::remove)).with_context(|| format!("remove secret {id}"))
}

/// Puts a link to a secret's value into a directory of a container, under the secret's id.
pub fn keep(engine: &Engine, id: &str, dir: &Path) -> Result<()> {
    let value = directory(engine).join(id).join("value");
    rustix::fs::linkat(CWD, &value, CWD, dir.join(id), AtFlags::empty()).with_context(|| format!("keep secret {id}"))
}

//! `login` and `logout`: credentials into a file or a helper, and out of it again.

use super::file::{self, AuthFile};
use super::helper::Helper;
use super::{AUTH_FILE_BYTES_MAX, AUTH_FILES, DOCKER_HUB, Key, Place, Secret};
use crate::error::Kind;
use crate::fs::{self, Durability, Hold, Lock};
use anyhow::{Context, Result};
use serde_json::{Map, Value, json};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long another command that changes the same file is waited for.
const LOCK_TIMEOUT: Duration = Duration::from_secs(10);

/// Keeps credentials where the file says that they belong, and tells where that was.
pub fn keep(place: &Place, key: &Key, user: &str, password: &Secret) -> Result<String> {
    if user.is_empty() || user.contains(':') || user.contains(char::is_control) {
        return Err(Kind::BadInput.error("a user name is not empty and has no colon and no control characters"));
    }
    let mut failure = None;
    for helper in &place.helpers {
        let kept = match helper.as_str() {
            AUTH_FILES => keep_by_file(place, key, user, password),
            name => keep_by_helper(name, key, user, password),
        };
        match kept {
            Ok(kept) => return Ok(kept),
            Err(error) => drop(failure.get_or_insert(error)),
        }
    }
    Err(failure.unwrap_or_else(|| Kind::BadInput.error("registries.conf names nobody who keeps credentials")))
}

fn keep_by_file(place: &Place, key: &Key, user: &str, password: &Secret) -> Result<String> {
    let name = name_in(place, key)?;
    let known = read(&place.file)?;
    let own = known.helper(&key.host);
    if let Some(helper) = own.or_else(|| known.store()) {
        let kept = keep_by_helper(helper, key, user, password)?;
        if own.is_none() {
            // As docker marks that the store has something for this one.
            edit(&place.file, |auths| drop(auths.insert(name, json!({}))))?;
        }
        return Ok(kept);
    }
    edit(&place.file, |auths| drop(auths.insert(name, json!({"auth": file::encoded(user, password)}))))?;
    Ok(place.file.display().to_string())
}

fn keep_by_helper(helper: &str, key: &Key, user: &str, password: &Secret) -> Result<String> {
    if key.namespace.is_some() {
        let message = format!("credentials of {} are kept by docker-credential-{helper}", key.host);
        return Err(Kind::BadInput.hinted(message, "which knows no namespaces: sign in to the registry itself"));
    }
    let helper = Helper::require(helper)?;
    let server = if key.host == "docker.io" { DOCKER_HUB } else { &key.host };
    helper.store(server, user, password)?;
    Ok(format!("credential helper: {helper}"))
}

/// Removes what is kept for a key. False if nothing was.
pub fn forget(place: &Place, key: &Key) -> Result<bool> {
    let mut was_there = false;
    for helper in &place.helpers {
        was_there |= match helper.as_str() {
            AUTH_FILES => forget_by_file(place, key)?,
            _ if key.namespace.is_some() => false,
            name => erase(name, &file::servers(&key.host))?,
        };
    }
    Ok(was_there)
}

fn forget_by_file(place: &Place, key: &Key) -> Result<bool> {
    let name = name_in(place, key)?;
    let known = read(&place.file)?;
    let mut was_there = false;
    if let Some(helper) = known.helper(&key.host).or_else(|| known.store()).filter(|_| key.namespace.is_none()) {
        was_there = erase(helper, &file::servers(&key.host))?;
    }
    let is_meant =
        |known: &String| *known == name || (key.namespace.is_none() && file::is_spelling(known, &key.host));
    if fs::read_optional(&place.file, AUTH_FILE_BYTES_MAX)?.is_some() {
        edit(&place.file, |auths| {
            let before = auths.len();
            auths.retain(|known, _| !is_meant(known));
            was_there |= auths.len() < before;
        })?;
    }
    Ok(was_there)
}

/// Removes all credentials, from the file and from every helper that it names.
pub fn forget_all(place: &Place) -> Result<()> {
    for helper in &place.helpers {
        match helper.as_str() {
            AUTH_FILES => forget_all_by_file(place)?,
            name => erase_all(name)?,
        }
    }
    Ok(())
}

fn forget_all_by_file(place: &Place) -> Result<()> {
    let known = read(&place.file)?;
    for (host, helper) in known.helpers() {
        erase(helper, &file::servers(host))?;
    }
    known.store().map_or(Ok(()), erase_all)?;
    match fs::read_optional(&place.file, AUTH_FILE_BYTES_MAX)? {
        Some(_) => edit(&place.file, Map::clear),
        None => Ok(()),
    }
}

fn erase_all(helper: &str) -> Result<()> {
    let Some(helper) = Helper::find(helper)? else { return Ok(()) };
    for server in helper.list()?.keys() {
        helper.erase(server)?;
    }
    Ok(())
}

/// One that is not installed keeps nothing.
fn erase(helper: &str, servers: &[&str]) -> Result<bool> {
    let Some(helper) = Helper::find(helper)? else { return Ok(false) };
    let mut was_there = false;
    for server in servers {
        was_there |= helper.erase(server)?;
    }
    Ok(was_there)
}

/// What the entry of a key is called.
fn name_in(place: &Place, key: &Key) -> Result<String> {
    match &key.namespace {
        Some(_) if place.docker => {
            let message = format!("docker's file has no credentials for a part of a registry, such as {key}");
            Err(Kind::BadInput.hinted(message, format!("sign in to {}", key.host)))
        }
        None if place.docker && key.host == "docker.io" => Ok(DOCKER_HUB.to_owned()),
        _ => Ok(key.to_string()),
    }
}

fn read(path: &Path) -> Result<AuthFile> {
    let bytes = fs::read_optional(path, AUTH_FILE_BYTES_MAX)?.unwrap_or_default();
    AuthFile::parse(&bytes).with_context(|| format!("read {}", path.display()))
}

/// Changes the entries of a file and leaves all else in it as it is. Whatever its mode was, nobody else can read it then.
fn edit(path: &Path, change: impl FnOnce(&mut Map<String, Value>)) -> Result<()> {
    let write = |path: &PathBuf| -> Result<()> {
        let bytes = fs::read_optional(path, AUTH_FILE_BYTES_MAX)?.unwrap_or_default();
        let mut document: Map<String, Value> = match bytes.trim_ascii() {
            [] => Map::new(),
            text => serde_json::from_slice(text).map_err(|error| file::malformed(&error))?,
        };
        let auths = document.entry("auths").or_insert(Value::Null);
        if auths.is_null() {
            *auths = json!({});
        }
        change(auths.as_object_mut().ok_or_else(|| Kind::BadInput.error("its auths are no object"))?);
        let mut text = Vec::new();
        let indented = serde_json::ser::PrettyFormatter::with_indent(b"\t");
        serde::Serialize::serialize(&document, &mut serde_json::Serializer::with_formatter(&mut text, indented))?;
        fs::write_atomic(path, &text, Durability::Synced)
    };
    let dir = path.parent().context("a file has a parent directory")?;
    if !dir.as_os_str().is_empty() {
        fs::create_dir_all(dir)?;
    }
    // A link, as people have it to their own files, is not replaced but followed.
    let target = fs::own_file(path)?;
    let dir = target.parent().context("a file has a parent directory")?;
    let _lock = Lock::take_dir(dir, Hold::Exclusive, LOCK_TIMEOUT)?;
    write(&target).with_context(|| format!("change {}", path.display()))
}

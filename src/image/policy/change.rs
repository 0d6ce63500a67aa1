//! `image trust set`: one rule of a policy, changed.

use super::scope::{self, DOCKER};
use super::signed::{KEY_BYTES_MAX, check_key};
use super::{Document, FILE_BYTES_MAX, SYSTEM_FILE, own_file, usual_file};
use crate::error::Kind;
use crate::fs::{self, Hold, Lock, Place};
use crate::image::signature::System;
use anyhow::{Context, Result};
use serde_json::{Value, json};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long another change is waited for.
const LOCK_TIMEOUT: Duration = Duration::from_secs(10);
/// The scope's name that means the default of everything.
const DEFAULT: &str = "default";

/// What is to hold for a scope.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trust {
    Accept,
    Reject,
    /// Only with a signature by each of these keys.
    Signed {
        system: System,
        keys: Vec<PathBuf>,
    },
}

impl Trust {
    fn requirements(&self) -> Result<Value> {
        match self {
            Self::Accept => Ok(json!([{"type": "insecureAcceptAnything"}])),
            Self::Reject => Ok(json!([{"type": "reject"}])),
            Self::Signed { system, keys } => keys.iter().map(|key| signed(*system, key)).collect(),
        }
    }
}

/// Names the file by its whole path: the policy is read from wherever the user is.
fn signed(system: System, key: &Path) -> Result<Value> {
    let check = || -> Result<String> {
        check_key(&fs::read(key, KEY_BYTES_MAX)?, system)?;
        let path = std::path::absolute(key)?.into_os_string().into_string();
        path.map_err(|_| Kind::BadInput.error("its path is not valid UTF-8"))
    };
    let path = check().with_context(|| format!("take key {}", key.display()))?;
    Ok(match system {
        System::OpenPgp => json!({"type": "signedBy", "keyType": "GPGKeys", "keyPath": path}),
        System::Sigstore => json!({"type": "sigstoreSigned", "keyPath": path}),
    })
}

/// Sets what holds for a scope of registries, or for one of another transport that has a rule already. Without a file the
/// user's own is changed, which begins as a copy of the system's; root's is the system's.
pub fn set(file: Option<&Path>, scope: &str, trust: &Trust) -> Result<()> {
    let is_root = rustix::process::geteuid().is_root();
    let usual = usual_file();
    let target = match file {
        Some(file) => file.to_owned(),
        None if is_root || usual != Path::new(SYSTEM_FILE) => usual.clone(),
        None => own_file().context("there is no home directory")?,
    };
    let dir = target.parent().filter(|dir| !dir.as_os_str().is_empty()).map_or(PathBuf::from("."), Path::to_owned);
    if file.is_none() {
        fs::create_dir_shared(&dir)?;
    }
    // Two changes at once are made one after the other.
    let _lock = Lock::take_dir(&dir, Hold::Exclusive, LOCK_TIMEOUT)?;
    let mut bytes = fs::read_optional(&target, FILE_BYTES_MAX)?;
    if bytes.is_none() && file.is_none() {
        bytes = fs::read_optional(&usual, FILE_BYTES_MAX)?;
    }
    let changed = changed(bytes.as_deref(), scope, trust).with_context(|| format!("change {}", target.display()))?;
    match Place::open(&target)? {
        Place::File(output) => {
            output.file().write_all(&changed)?;
            output.finish()
        }
        Place::Stream(_) => Err(Kind::BadInput.error(format!("change {}: it is no plain file", target.display()))),
    }
}

/// The file with the rule in it. One that was not there accepts what it says nothing of, as before.
pub(super) fn changed(bytes: Option<&[u8]>, scope: &str, trust: &Trust) -> Result<Vec<u8>> {
    let requirement = trust.requirements()?;
    let mut value = match bytes {
        Some(bytes) => {
            Document::parse(bytes)?;
            serde_json::from_slice(bytes)?
        }
        None => json!({"default": [{"type": "insecureAcceptAnything"}]}),
    };
    if scope == DEFAULT {
        value["default"] = requirement;
    } else {
        let is_there = |scopes: &Value| scopes.get(scope).is_some();
        let transports = value.get("transports").and_then(Value::as_object);
        let has =
            transports.into_iter().flatten().filter(|(_, scopes)| is_there(scopes)).map(|(name, _)| name.as_str());
        // What another transport calls the same does not keep the rule from registries.
        let known = has.min_by_key(|name| *name != DOCKER).map(str::to_owned);
        let transport = known.clone().unwrap_or_else(|| DOCKER.to_owned());
        if known.is_none() {
            scope::check_typed(scope)?;
        }
        value["transports"][&transport][scope] = requirement;
    }
    let text = format!("{value:#}\n");
    // What is written can be read again.
    Document::parse(text.as_bytes())?;
    Ok(text.into_bytes())
}

//! Which images may come in: policy.json, as containers-policy.json(5) has it.
//!
//! The file is read as strictly as the manual page says: what is not known is an error, and nothing comes in. Where there
//! is no file at all every image is accepted, as with docker; podman accepts none then. Signatures cannot be verified, so
//! that an image that would need one is refused.

mod change;
mod scope;
#[cfg(test)]
mod tests;

use super::json;
use super::reference::Reference;
use crate::error::Kind;
use crate::fs;
use anyhow::{Context, Result};
pub use change::{Trust, set};
pub use scope::Identity;
use serde::Deserialize;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The largest file that is read.
const FILE_BYTES_MAX: usize = 1 << 20;
const SYSTEM_FILE: &str = "/etc/containers/policy.json";

/// The policy that holds. One without a file accepts everything.
#[derive(Clone, Debug, Default)]
pub struct Policy(Option<(PathBuf, Document)>);

/// The file.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    default: Requirements,
    #[serde(default)]
    transports: BTreeMap<String, BTreeMap<String, Requirements>>,
}

/// What must all hold for an image; there is at least one.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(try_from = "Vec<Requirement>")]
struct Requirements(Vec<Requirement>);

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(try_from = "Map<String, Value>")]
pub enum Requirement {
    Accept,
    Reject,
    SignedBy,
    SigstoreSigned,
    SignedBaseLayer,
}

/// One line of a listing of the policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule<'a> {
    /// None for the default of everything.
    pub place: Option<(&'a str, &'a str)>,
    pub requirement: Requirement,
}

impl Requirement {
    const ALL: [Self; 5] = [Self::Accept, Self::Reject, Self::SignedBy, Self::SigstoreSigned, Self::SignedBaseLayer];

    /// The `type` in the file.
    fn name(self) -> &'static str {
        match self {
            Self::Accept => "insecureAcceptAnything",
            Self::Reject => "reject",
            Self::SignedBy => "signedBy",
            Self::SigstoreSigned => "sigstoreSigned",
            Self::SignedBaseLayer => "signedBaseLayer",
        }
    }

    /// What may stand beside the type.
    fn keys(self) -> &'static [&'static str] {
        match self {
            Self::Accept | Self::Reject => &[],
            Self::SignedBy => &["keyType", "keyPath", "keyPaths", "keyData", "signedIdentity"],
            Self::SigstoreSigned => &[
                "keyPath",
                "keyPaths",
                "keyData",
                "keyDatas",
                "fulcio",
                "pki",
                "rekorPublicKeyPath",
                "rekorPublicKeyPaths",
                "rekorPublicKeyData",
                "rekorPublicKeyDatas",
                "signedIdentity",
            ],
            Self::SignedBaseLayer => &["baseLayerIdentity"],
        }
    }
}

impl TryFrom<Map<String, Value>> for Requirement {
    type Error = String;
    fn try_from(map: Map<String, Value>) -> Result<Self, String> {
        let shown = |text: &str| fs::shown(text.as_bytes());
        let name = map.get("type").and_then(Value::as_str).ok_or("a requirement has no type")?;
        let known = Self::ALL.into_iter().find(|known| known.name() == name);
        let requirement = known.ok_or_else(|| format!("there is no requirement of type {:?}", shown(name)))?;
        match map.keys().find(|key| *key != "type" && !requirement.keys().contains(&key.as_str())) {
            Some(key) => Err(format!("a requirement of type {name} has no {:?}", shown(key))),
            None => Ok(requirement),
        }
    }
}

impl TryFrom<Vec<Requirement>> for Requirements {
    type Error = &'static str;
    fn try_from(list: Vec<Requirement>) -> Result<Self, &'static str> {
        match list.is_empty() {
            true => Err("a list of requirements is empty"),
            false => Ok(Self(list)),
        }
    }
}

/// The file that holds where the command line names none: the user's, or the system's.
pub fn usual_file() -> PathBuf {
    // An existing file that cannot be read is an error, not one that is not there.
    let own = own_file().filter(|own| own.symlink_metadata().is_ok());
    own.unwrap_or_else(|| PathBuf::from(SYSTEM_FILE))
}

/// The user's file: below the home directory, whatever XDG_CONFIG_HOME says.
fn own_file() -> Option<PathBuf> {
    directories::BaseDirs::new().map(|dirs| dirs.home_dir().join(".config/containers/policy.json"))
}

impl Policy {
    /// Reads a file that must be there, or the usual one if there is any.
    pub fn load(file: Option<&Path>) -> Result<Self> {
        let (path, bytes) = match file {
            Some(file) => (file.to_owned(), Some(fs::read(file, FILE_BYTES_MAX)?)),
            None => {
                let path = usual_file();
                let bytes = fs::read_optional(&path, FILE_BYTES_MAX)?;
                (path, bytes)
            }
        };
        let Some(bytes) = bytes else { return Ok(Self(None)) };
        let document = Document::parse(&bytes).with_context(|| format!("read {}", path.display()))?;
        Ok(Self(Some((path, document))))
    }

    /// Refuses an image that may not come from where it is.
    pub fn check(&self, image: &Identity) -> Result<()> {
        let Some((path, document)) = &self.0 else { return Ok(()) };
        let (scope, requirements) = document.requirements(image);
        requirements.check(path, &scope).with_context(|| format!("take {}", image.shown()))
    }

    /// Refuses a name that an archive gives to an image, if the policy says something of just this name: what a registry
    /// may not give, or only with a signature, does not come by another way under the name. The defaults are for
    /// registries, and say nothing of an archive.
    pub fn check_claim(&self, name: &Reference) -> Result<()> {
        let Some((path, document)) = &self.0 else { return Ok(()) };
        let Some((scope, requirements)) = document.of_scopes(&Identity::docker(name)) else { return Ok(()) };
        requirements.check(path, &scope).with_context(|| format!("take the name {name}"))
    }

    /// Refuses an image of a store that one of its names, or that it has none, keeps from coming.
    pub fn check_stored(&self, store: &Path, names: &[Reference]) -> Result<()> {
        if names.is_empty() {
            return self.check(&Identity::store(store, None)?);
        }
        names.iter().try_for_each(|name| self.check(&Identity::store(store, Some(name))?))
    }

    /// Everything that the file says, in order.
    pub fn rules(&self) -> Vec<Rule<'_>> {
        let Some((_, document)) = &self.0 else { return Vec::new() };
        let rules = |place, list: &Requirements| -> Vec<Rule<'_>> {
            list.0.iter().map(|requirement| Rule { place, requirement: *requirement }).collect()
        };
        let mut all = rules(None, &document.default);
        for (transport, scopes) in &document.transports {
            all.extend(scopes.iter().flat_map(|(scope, list)| rules(Some((transport, scope)), list)));
        }
        all
    }
}

impl Document {
    fn parse(bytes: &[u8]) -> Result<Self> {
        let document: Self = json::parse(bytes, FILE_BYTES_MAX)?;
        for (transport, scopes) in &document.transports {
            scopes.keys().try_for_each(|scope| scope::check(transport, scope))?;
        }
        Ok(document)
    }

    /// What holds for an image, and what says so.
    fn requirements(&self, image: &Identity) -> (String, Requirements) {
        if let Some(found) = self.of_scopes(image) {
            return found;
        }
        match self.transports.get(image.transport()).and_then(|scopes| scopes.get("")) {
            Some(list) => (format!("the default of {}", image.transport()), list.clone()),
            None => ("the default".to_owned(), self.default.clone()),
        }
    }

    /// What the most specific scope says that fits, if any but the defaults does.
    fn of_scopes(&self, image: &Identity) -> Option<(String, Requirements)> {
        let scopes = self.transports.get(image.transport())?;
        image.scopes().find_map(|scope| {
            // Two spellings of one scope both hold.
            let same = scopes.iter().filter(|(key, _)| !key.is_empty() && image.is_scope(key, scope));
            let lists: Vec<Requirement> = same.flat_map(|(_, list)| list.0.clone()).collect();
            (!lists.is_empty()).then(|| (format!("scope {scope}"), Requirements(lists)))
        })
    }
}

impl Requirements {
    fn check(&self, path: &Path, scope: &str) -> Result<()> {
        let path = path.display();
        let refused = self.0.iter().find(|requirement| **requirement != Requirement::Accept);
        match refused {
            None => Ok(()),
            Some(Requirement::Reject) => {
                let message = format!("{path} rejects it ({scope})");
                Err(Kind::Denied.hinted(message, "see coracle image trust show"))
            }
            Some(other) => {
                let message = format!(
                    "{path} asks for a signature ({scope}: {}), and signatures cannot be verified yet",
                    other.name()
                );
                Err(Kind::Denied.hinted(message, "accept it unsigned with coracle image trust set -t accept SCOPE"))
            }
        }
    }
}

//! Which images may come in: policy.json, as containers-policy.json(5) has it.
//!
//! The file is read as strictly as the manual page says: what is not known is an error, and nothing comes in. Where there
//! is no file at all every image is accepted, as with docker; podman accepts none then. An image is first looked at by its
//! name, which may end there, and then by its manifest, for which there must be the signatures that are asked for.

mod change;
#[cfg(any(test, fuzzing))]
pub mod property;
mod requirement;
mod scope;
mod signed;
#[cfg(test)]
mod tests;

use super::json;
use super::reference::Reference;
use super::signature::place::Place;
use super::transport::members::Format;
use super::transport::{Files, Incoming};
use crate::engine::Engine;
use crate::error::Kind;
use crate::fs;
use crate::store::digest::Digest;
use anyhow::{Context, Result};
pub use change::{Trust, set};
pub use requirement::Requirement;
pub use scope::Identity;
use serde::Deserialize;
pub use signed::Signed;
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

/// One line of a listing of the policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule<'a> {
    /// None for the default of everything.
    pub place: Option<(&'a str, &'a str)>,
    pub requirement: &'a Requirement,
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

    /// Refuses an image that may not come from where it is, and says what it must show else.
    pub fn check(&self, image: &Identity) -> Result<Conditions> {
        let Some((path, document)) = &self.0 else { return Ok(Conditions::default()) };
        let (scope, requirements) = document.requirements(image);
        requirements.check(path, &scope, image).with_context(|| format!("take {}", image.shown()))
    }

    /// Refuses a name that an archive gives to an image, if the policy says something of just this name: what a registry
    /// may not give, or only with a signature, does not come by another way under the name. The defaults are for
    /// registries, and say nothing of an archive.
    pub fn check_claim(&self, name: &Reference) -> Result<()> {
        let Some((path, document)) = &self.0 else { return Ok(()) };
        let image = Identity::docker(name);
        let Some((scope, requirements)) = document.of_scopes(&image) else { return Ok(()) };
        let conditions = requirements.check(path, &scope, &image);
        conditions
            .and_then(|conditions| conditions.check_unsigned("an archive"))
            .context(format!("take the name {name}"))
    }

    /// Refuses an image of a store that one of its names, or that it has none, keeps from coming.
    pub fn check_stored(&self, store: &Path, names: &[Reference]) -> Result<()> {
        let check = |name| {
            let image = Identity::store(store, name)?;
            let conditions = self.check(&image)?;
            conditions.check_unsigned("another store").with_context(|| format!("take {}", image.shown()))
        };
        match names.is_empty() {
            true => check(None),
            false => names.iter().try_for_each(|name| check(Some(name))),
        }
    }

    /// Everything that the file says, in order.
    pub fn rules(&self) -> Vec<Rule<'_>> {
        let Some((_, document)) = &self.0 else { return Vec::new() };
        let mut all: Vec<Rule> = rules(None, &document.default).collect();
        for (transport, scopes) in &document.transports {
            all.extend(scopes.iter().flat_map(|(scope, list)| rules(Some((transport, scope)), list)));
        }
        all
    }
}

fn rules<'a>(place: Option<(&'a str, &'a str)>, list: &'a Requirements) -> impl Iterator<Item = Rule<'a>> {
    list.0.iter().map(move |requirement| Rule { place, requirement })
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
    fn check(&self, path: &Path, scope: &str, image: &Identity) -> Result<Conditions> {
        let path = path.display();
        let mut signed = Vec::new();
        for requirement in &self.0 {
            match requirement {
                Requirement::Accept => {}
                Requirement::Reject => {
                    let message = format!("{path} rejects it ({scope})");
                    return Err(Kind::Denied.hinted(message, "see coracle image trust show"));
                }
                Requirement::Signed(wanted) => signed.push(wanted.clone()),
                Requirement::SignedBaseLayer => {
                    let message = format!("{path} asks for signedBaseLayer ({scope}), which nobody can verify");
                    return Err(Kind::Denied.error(message));
                }
            }
        }
        let asked = |wanted: &Signed| format!("{path} asks for a signature ({scope}: {})", wanted.name());
        let signed: Vec<(String, Signed)> = signed.into_iter().map(|wanted| (asked(&wanted), wanted)).collect();
        for (asked, wanted) in &signed {
            wanted.check_possible().with_context(|| asked.clone())?;
        }
        Ok(Conditions { signed, name: image.name().cloned() })
    }
}

/// What an image that may come by its name must still show.
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct Conditions {
    /// Each with who asks for it, in words.
    signed: Vec<(String, Signed)>,
    /// The name that it comes by, if it has one.
    name: Option<Reference>,
}

impl Conditions {
    /// Refuses an image for whose manifest there are not the signatures that are asked for.
    pub fn verify(&self, engine: &Engine, manifest: &Digest, place: &Place) -> Result<()> {
        for (asked, wanted) in &self.signed {
            wanted.verify(engine, manifest, self.name.as_ref(), place).with_context(|| asked.clone())?;
        }
        Ok(())
    }

    /// The same for images in files. Of these only `dir:` keeps signatures.
    pub fn verify_files(&self, engine: &Engine, files: &Files, format: Format, images: &[Incoming]) -> Result<()> {
        let place = match format {
            Format::Directory | Format::DockerDirectory { .. } => Place::Directory(files),
            Format::Docker | Format::Layout | Format::DockerLayout => Place::Without("an archive or a layout"),
        };
        // What has no manifest is in a format that keeps no signatures.
        let digest = |image: &Incoming| Digest::of(image.manifest.as_ref().map_or(&[], |(bytes, _)| bytes));
        images.iter().try_for_each(|image| self.verify(engine, &digest(image), &place))
    }

    /// Refuses an image that needs a signature where there are none.
    pub fn check_unsigned(&self, what: &str) -> Result<()> {
        let Some((asked, _)) = self.signed.first() else { return Ok(()) };
        let message = format!("{asked}, and {what} brings none that could be verified");
        Err(Kind::Denied.hinted(message, "pull it from its registry"))
    }
}

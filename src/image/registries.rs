//! Which places an image may come from: registries.conf(5), with its drop-ins and short-name aliases.
//!
//! A machine without any of these files costs a failed look-up for each place, and a short name is one of docker.io.

mod file;

use super::reference::{self, DEFAULT_REGISTRY, LOCAL_REGISTRY, Reference};
use crate::error::Kind;
use crate::fs::{self, Durability};
use anyhow::{Context, Result};
use file::{Places, Settings};
use std::collections::BTreeMap;

/// The helper that stands for the files of credentials.
pub const AUTH_FILES: &str = "containers-auth.json";

/// What a short name may become if there are several registries to look for it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Mode {
    /// The user is asked, or there is an error.
    Enforcing,
    /// The user is asked, or all are tried.
    #[default]
    Permissive,
    /// All are tried.
    Disabled,
}

/// All files together.
#[derive(Clone, Debug, Default)]
pub struct Registries {
    /// The registries of short names; None if no file says any.
    search: Option<Vec<String>>,
    mode: Mode,
    aliases: BTreeMap<String, Reference>,
    helpers: Option<Vec<String>>,
    /// By prefix.
    tables: BTreeMap<String, Table>,
}

/// What holds for all names that begin with a prefix.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Table {
    /// Stands in the prefix's place, unless it is empty.
    location: String,
    insecure: bool,
    blocked: bool,
    mirrors: Vec<Mirror>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Mirror {
    location: String,
    insecure: bool,
    serves: Serves,
}

/// The pulls that a mirror is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Serves {
    All,
    Digests,
    Tags,
}

/// One place to ask for an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// What the image is called there.
    pub reference: Reference,
    /// Certificates are not verified, and plain http will do.
    pub insecure: bool,
}

/// The images that a name may mean.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Meant {
    pub names: Vec<Reference>,
    pub ambiguity: Ambiguity,
}

/// What is to be done about several names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ambiguity {
    /// There is one, or all are tried.
    None,
    /// The user chooses; where there is nobody to ask, all are tried.
    Ask,
    /// The user must choose.
    MustAsk,
}

impl Registries {
    /// Reads all files that count.
    pub fn load() -> Result<Self> {
        let places = Places::of_user();
        let mut registries = Self::default();
        places.load()?.into_iter().for_each(|settings| registries.add(settings));
        // What the user chose goes over what the files say.
        if let Some(chosen) = file::read(&places.cache)? {
            registries.aliases.extend(chosen.aliases.into_iter().filter_map(|(name, to)| Some((name, to?))));
        }
        Ok(registries)
    }

    fn add(&mut self, settings: Settings) {
        for (name, to) in settings.aliases {
            match to {
                Some(to) => drop(self.aliases.insert(name, to)),
                None => drop(self.aliases.remove(&name)),
            }
        }
        self.tables.extend(settings.tables);
        self.mode = settings.mode.unwrap_or(self.mode);
        self.search = settings.search.or(self.search.take());
        self.helpers = settings.helpers.or(self.helpers.take());
    }

    /// Who keeps credentials, in order; [`AUTH_FILES`] are the files.
    pub fn helpers(&self) -> Vec<String> {
        self.helpers.clone().unwrap_or_else(|| vec![AUTH_FILES.to_owned()])
    }

    /// The registries where short names are looked for, and where a login without a registry goes.
    pub fn search(&self) -> Vec<String> {
        self.search.clone().unwrap_or_else(|| vec![DEFAULT_REGISTRY.to_owned()])
    }

    /// The images that a name may mean in registries. With docker a short name is one of docker.io.
    pub fn meant(&self, text: &str, docker: bool) -> Result<Meant> {
        let given = Reference::parse(text)?;
        let one = |name| Meant { names: vec![name], ambiguity: Ambiguity::None };
        let Some(short) = reference::short(text).filter(|_| !docker) else { return Ok(one(given)) };
        if let Some(alias) = self.aliases.get(short) {
            return Ok(one(Reference { tag: given.tag, digest: given.digest, ..alias.clone() }));
        }
        let search = self.search();
        if search.is_empty() {
            let message = format!("{text} is a short name, and registries.conf has no unqualified-search-registries");
            return Err(
                Kind::NotFound.hinted(message, format!("use the whole name, such as docker.io/library/{text}"))
            );
        }
        let names: Vec<Reference> = search.iter().map(|registry| within(registry, text)).collect::<Result<_>>()?;
        let ambiguity = match self.mode {
            _ if names.len() == 1 => Ambiguity::None,
            Mode::Disabled => Ambiguity::None,
            Mode::Permissive => Ambiguity::Ask,
            Mode::Enforcing => Ambiguity::MustAsk,
        };
        Ok(Meant { names, ambiguity })
    }

    /// Where an image is asked for: at its mirrors first, then where its name says.
    pub fn sources(&self, reference: &Reference) -> Result<Vec<Source>> {
        let text = reference.to_string();
        let Some((prefix, table, length)) = self.table(&text) else {
            return Ok(vec![Source { reference: reference.clone(), insecure: false }]);
        };
        if table.blocked {
            return Err(Kind::Denied.error(format!("{prefix} is blocked in registries.conf")));
        }
        let is_meant = |mirror: &&Mirror| match mirror.serves {
            Serves::All => true,
            Serves::Digests => reference.digest.is_some(),
            Serves::Tags => reference.digest.is_none(),
        };
        let source = |location: &str, insecure| -> Result<Source> {
            let reference = match location {
                "" => reference.clone(),
                location => moved(location, &text[length..])?,
            };
            Ok(Source { reference, insecure })
        };
        let mirrors = table.mirrors.iter().filter(is_meant).map(|mirror| source(&mirror.location, mirror.insecure));
        mirrors.chain([source(&table.location, table.insecure)]).collect()
    }

    /// Where an image is pushed to and looked up: no mirror.
    pub fn primary(&self, reference: &Reference) -> Result<Source> {
        self.sources(reference)?.pop().context("the last source of an image is its own")
    }

    /// Whether a registry as a whole may be spoken to without verification.
    pub fn is_insecure(&self, host: &str) -> Result<bool> {
        match self.table(host) {
            Some((prefix, Table { blocked: true, .. }, _)) => {
                Err(Kind::Denied.error(format!("{prefix} is blocked in registries.conf")))
            }
            Some((_, table, _)) => Ok(table.insecure),
            None => Ok(false),
        }
    }

    /// The table with the longest prefix that fits, and how much of the text that is.
    fn table(&self, text: &str) -> Option<(&str, &Table, usize)> {
        let fitting = self.tables.iter().filter_map(|(prefix, table)| {
            let length = fit(prefix, text)?;
            Some((prefix.as_str(), table, length))
        });
        fitting.max_by_key(|(prefix, _, _)| prefix.len())
    }
}

/// The names under which an image may be known here: a short name is one of ours first, then what it means elsewhere.
pub fn candidates(text: &str) -> Result<Vec<Reference>> {
    let mut names = Reference::candidates(text)?;
    if reference::short(text).is_some() {
        let registries = Registries::load()?;
        // What is looked for here is asked of nobody, so that an empty list is no error.
        let meant = registries.meant(text, false).map(|meant| meant.names).unwrap_or_default();
        // docker.io's comes last, where the files do not want it elsewhere.
        let last = names.pop();
        names.extend(meant);
        names.extend(last);
    }
    Ok(names)
}

/// Keeps the user's choice for a short name, as podman keeps it.
pub fn remember(text: &str, chosen: &Reference) -> Result<()> {
    let Some(short) = reference::short(text) else { return Ok(()) };
    let path = Places::of_user().cache;
    let mut aliases = file::read(&path)?.map_or_else(BTreeMap::new, |settings| settings.aliases);
    let name = Reference { tag: None, digest: None, ..chosen.clone() };
    aliases.insert(short.to_owned(), Some(name));
    // Names have no characters that would have to be escaped.
    let lines = aliases.iter().filter_map(|(name, to)| Some(format!("\"{name}\" = \"{}\"\n", to.as_ref()?)));
    let text = format!("[aliases]\n{}", lines.collect::<String>());
    fs::create_dir_all(path.parent().context("a file has a parent directory")?)?;
    fs::write_atomic(&path, text.as_bytes(), Durability::Cached)
}

/// A short name in a registry.
fn within(registry: &str, text: &str) -> Result<Reference> {
    let host = registry.split('/').next().unwrap_or(registry);
    let name = Reference::parse(&format!("{registry}/{text}"))?;
    // A name without a dot would become a part of docker.io.
    if name.registry != host && host != "index.docker.io" {
        let message = format!("{registry:?} of registries.conf is no registry, which has a dot or a port");
        return Err(Kind::BadInput.error(message));
    }
    Ok(name)
}

/// The name at another location, which stands for the part that the prefix had.
fn moved(location: &str, rest: &str) -> Result<Reference> {
    let text = format!("{location}{rest}");
    let host = location.split('/').next().unwrap_or(location);
    let name = Reference::parse(&text).with_context(|| format!("location {location:?} of registries.conf"))?;
    if name.registry != host || host == LOCAL_REGISTRY {
        let message = format!("location {location:?} of registries.conf is in no registry");
        return Err(Kind::BadInput.error(message));
    }
    Ok(name)
}

/// How much of a name a prefix is: whole components, or for `*.host` all names below the host. None if it does not fit.
fn fit(prefix: &str, text: &str) -> Option<usize> {
    let end = match prefix.strip_prefix('*') {
        Some(suffix) => {
            let host = text.split('/').next().unwrap_or(text);
            let at = host.find(suffix).filter(|at| *at > 0)?;
            at + suffix.len()
        }
        None => text.starts_with(prefix).then_some(prefix.len())?,
    };
    matches!(text.as_bytes().get(end), None | Some(b':' | b'/' | b'@')).then_some(end)
}

#[cfg(any(test, fuzzing))]
pub mod property;
#[cfg(test)]
mod tests;

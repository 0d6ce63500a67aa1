//! The text of registries.conf, where its files lie, and what may not stand in them.
//!
//! Keys that are not known here are for other programs, or other versions, and are no mistake.

use super::{Mirror, Mode, Serves, Table};
use crate::error::Kind;
use crate::fs;
use crate::image::origin::{Origin, Scheme, shown};
use crate::image::reference::{self, Reference};
use anyhow::{Context, Result};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// The largest file that is read, and the most drop-ins of a directory.
const FILE_BYTES_MAX: usize = 1 << 20;
const DROP_INS_MAX: usize = 256;
/// The most places that one image is looked for.
pub const PLACES_MAX: usize = 32;

/// Where the files lie.
#[derive(Debug)]
pub struct Places {
    /// Named by the environment: it must be there, and is read instead of the other main files.
    only: Option<PathBuf>,
    user: Option<PathBuf>,
    /// The aliases that the user chose.
    pub cache: PathBuf,
}

impl Places {
    pub fn of_user() -> Self {
        let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let dirs = directories::BaseDirs::new().filter(|_| !rustix::process::geteuid().is_root());
        let cache = dirs.as_ref().map_or(PathBuf::from("/var/cache"), |dirs| dirs.cache_dir().to_owned());
        Self {
            only: variable("CONTAINERS_REGISTRIES_CONF").or_else(|| variable("REGISTRIES_CONFIG_PATH")),
            user: dirs.map(|dirs| dirs.config_dir().join("containers")),
            cache: cache.join("containers/short-name-aliases.conf"),
        }
    }

    /// The files that count, later ones over earlier ones. With a main file of the user's, the system's do not.
    pub fn load(&self) -> Result<Vec<Settings>> {
        let mut all = Vec::new();
        let mut has_own = false;
        match &self.only {
            Some(file) => all.push(parse(file, &fs::read(file, FILE_BYTES_MAX)?)?),
            None => {
                let own = self.user.as_ref().map(|dir| read(&dir.join("registries.conf"))).transpose()?.flatten();
                has_own = own.is_some();
                all.extend(own);
                for dir in ["/etc/containers", "/usr/share/containers"].map(Path::new) {
                    if all.is_empty() {
                        all.extend(read(&dir.join("registries.conf"))?);
                    }
                }
            }
        }
        let system = (!has_own).then(|| PathBuf::from("/etc/containers"));
        for dir in [system.as_ref(), self.user.as_ref()].into_iter().flatten() {
            let dir = dir.join("registries.conf.d");
            // Few machines have the directory.
            let names: BTreeSet<String> = fs::list(&dir).unwrap_or_default().into_iter().collect();
            for name in names.iter().filter(|name| name.ends_with(".conf")).take(DROP_INS_MAX) {
                all.extend(read(&dir.join(name))?);
            }
        }
        Ok(all)
    }
}

/// What one file says.
#[derive(Debug)]
pub struct Settings {
    /// What short names stand for. None takes an earlier file's away.
    pub aliases: BTreeMap<String, Option<Reference>>,
    /// What holds for which prefix.
    pub tables: BTreeMap<String, Table>,
    pub mode: Option<Mode>,
    pub search: Option<Vec<String>>,
    pub helpers: Option<Vec<String>>,
}

/// One file as it is written.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
struct Document {
    unqualified_search_registries: Option<Vec<String>>,
    credential_helpers: Option<Vec<String>>,
    short_name_mode: Option<String>,
    aliases: BTreeMap<String, String>,
    registry: Vec<RegistryTable>,
    /// The format of version 1.
    registries: Option<Old>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
struct RegistryTable {
    prefix: String,
    location: String,
    insecure: bool,
    blocked: bool,
    mirror_by_digest_only: bool,
    mirror: Vec<MirrorTable>,
    pull_from_mirror: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
struct MirrorTable {
    location: String,
    insecure: bool,
    pull_from_mirror: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Old {
    search: OldList,
    insecure: OldList,
    block: OldList,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct OldList {
    registries: Vec<String>,
}

/// Reads a file, if it is there.
pub fn read(path: &Path) -> Result<Option<Settings>> {
    let bytes = fs::read_optional(path, FILE_BYTES_MAX)?;
    bytes.map(|bytes| parse(path, &bytes)).transpose()
}

fn parse(path: &Path, bytes: &[u8]) -> Result<Settings> {
    Settings::parse(bytes).with_context(|| format!("read {}", path.display()))
}

impl Settings {
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        let document = Document::parse(bytes)?;
        Ok(Self {
            aliases: document.aliases()?,
            tables: document.tables()?,
            mode: document.mode()?,
            search: document.search()?,
            helpers: document.helpers(),
        })
    }
}

impl Document {
    fn parse(bytes: &[u8]) -> Result<Self> {
        let text = std::str::from_utf8(bytes).map_err(|error| Kind::BadInput.error(error.to_string()))?;
        let document: Self = toml::from_str(text).map_err(|error| {
            let line = error.span().map_or(1, |span| 1 + text[..span.start.min(text.len())].matches('\n').count());
            Kind::BadInput.error(format!("line {line}: {}", error.message()))
        })?;
        let is_new = document.unqualified_search_registries.is_some() || !document.registry.is_empty();
        if document.registries.is_some() && is_new {
            return Err(Kind::BadInput.error("it mixes [registries] of version 1 with the format of version 2"));
        }
        Ok(document)
    }

    fn search(&self) -> Result<Option<Vec<String>>> {
        let old = self.registries.as_ref().map(|old| &old.search.registries);
        let Some(list) = self.unqualified_search_registries.as_ref().or(old) else { return Ok(None) };
        limit(list.len(), "unqualified-search-registries")?;
        list.iter().map(|entry| location(entry)).collect::<Result<_>>().map(Some)
    }

    fn helpers(&self) -> Option<Vec<String>> {
        self.credential_helpers.clone().filter(|helpers| !helpers.is_empty())
    }

    fn mode(&self) -> Result<Option<Mode>> {
        match self.short_name_mode.as_deref() {
            None | Some("") => Ok(None),
            Some("enforcing") => Ok(Some(Mode::Enforcing)),
            Some("permissive") => Ok(Some(Mode::Permissive)),
            Some("disabled") => Ok(Some(Mode::Disabled)),
            Some(other) => {
                let message = format!("short-name-mode {:?} is unknown", shown(other, 40));
                Err(Kind::BadInput.hinted(message, "use enforcing, permissive or disabled"))
            }
        }
    }

    fn aliases(&self) -> Result<BTreeMap<String, Option<Reference>>> {
        let mut aliases = BTreeMap::new();
        for (name, value) in &self.aliases {
            let bad = |why: &str| Kind::BadInput.error(format!("alias {:?} {why}", shown(name, 100)));
            if reference::short(name) != Some(name) || Reference::parse_repository(name).is_err() {
                return Err(bad("is no short name"));
            }
            let to = match value.as_str() {
                "" => None,
                value => Some(Reference::parse_repository(value).map_err(|_| bad("is for no image name"))?),
            };
            if to.is_some() && reference::short(value).is_some() {
                return Err(bad("is for a name without a registry"));
            }
            if to.as_ref().is_some_and(|to| to.tag.is_some() || to.digest.is_some()) {
                return Err(bad("is for a name with a tag or a digest"));
            }
            aliases.insert(name.clone(), to);
        }
        Ok(aliases)
    }

    fn tables(&self) -> Result<BTreeMap<String, Table>> {
        let mut tables: BTreeMap<String, Table> = BTreeMap::new();
        let mut add = |prefix: String, table: Table| {
            if let Some(other) = tables.get(&prefix)
                && (other.blocked, other.insecure) != (table.blocked, table.insecure)
            {
                return Err(Kind::BadInput.error(format!("{prefix} is there twice and says two things")));
            }
            tables.insert(prefix, table);
            Ok(())
        };
        for registry in &self.registry {
            let (prefix, table) = registry.table()?;
            add(prefix, table)?;
        }
        let old = self.registries.as_ref();
        let (insecure, blocked) = old.map(|old| (&old.insecure.registries, &old.block.registries)).unzip();
        for host in insecure.into_iter().chain(blocked).flatten() {
            let is_in = |list: Option<&Vec<String>>| list.is_some_and(|list| list.contains(host));
            let table = Table {
                location: location(host)?,
                insecure: is_in(insecure),
                blocked: is_in(blocked),
                mirrors: Vec::new(),
            };
            add(location(host)?, table)?;
        }
        Ok(tables)
    }
}

impl RegistryTable {
    fn table(&self) -> Result<(String, Table)> {
        let text = if self.prefix.is_empty() { &self.location } else { &self.prefix };
        let is_wild = text.starts_with("*.");
        let prefix = match text.strip_prefix("*.") {
            Some(rest) => format!("*.{}", location(rest)?),
            None => location(text)?,
        };
        let bad = |why: &str| Kind::BadInput.error(format!("registry {prefix}: {why}"));
        if self.location.is_empty() && !is_wild {
            return Err(bad("it has no location"));
        }
        if !self.pull_from_mirror.is_empty() {
            return Err(bad("pull-from-mirror is for its mirrors"));
        }
        limit(self.mirror.len(), "mirrors")?;
        let mut mirrors = Vec::new();
        for mirror in &self.mirror {
            let serves = match (mirror.pull_from_mirror.as_str(), self.mirror_by_digest_only) {
                ("", true) => Serves::Digests,
                ("" | "all", false) => Serves::All,
                ("digest-only", false) => Serves::Digests,
                ("tag-only", false) => Serves::Tags,
                (_, true) => {
                    return Err(bad("pull-from-mirror of a mirror and mirror-by-digest-only exclude each other"));
                }
                (_, false) => return Err(bad("pull-from-mirror is one of all, digest-only, tag-only")),
            };
            mirrors.push(Mirror { location: location(&mirror.location)?, insecure: mirror.insecure, serves });
        }
        let place = if self.location.is_empty() || self.location.starts_with("*.") {
            String::new()
        } else {
            location(&self.location)?
        };
        Ok((prefix, Table { location: place, insecure: self.insecure, blocked: self.blocked, mirrors }))
    }
}

/// A host, perhaps with a part of a name, as it stands in front of one.
fn location(text: &str) -> Result<String> {
    let bad = |why: &str| Kind::BadInput.error(format!("location {:?} {why}", shown(text, 200)));
    let place = text.trim_end_matches('/');
    if place.contains("://") {
        return Err(bad("is a URL; it begins with the host"));
    }
    let (host, path) = place.split_once('/').unwrap_or((place, ""));
    Origin::parse(Scheme::Https, host).map_err(|_| bad("does not begin with a host"))?;
    // A prefix may end with a tag or a digest.
    if !path.is_empty() {
        Reference::parse_repository(&format!("{}/{path}", reference::LOCAL_REGISTRY))
            .map_err(|_| bad("is no name"))?;
    }
    Ok(place.to_owned())
}

fn limit(count: usize, what: &str) -> Result<()> {
    if count > PLACES_MAX {
        return Err(Kind::BadInput.error(format!("{count} {what}; at most {PLACES_MAX} are asked")));
    }
    Ok(())
}

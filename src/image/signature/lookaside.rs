//! Where signatures of a registry's images lie: containers-registries.d(5).

use crate::error::Kind;
use crate::fs;
use crate::image::policy::Identity;
use crate::image::reference::Reference;
use anyhow::{Context, Result};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The largest file that is read, and the most of them.
const FILE_BYTES_MAX: usize = 1 << 20;
const FILES_MAX: usize = 256;
const SYSTEM_DIR: &str = "/etc/containers/registries.d";

/// All files together.
#[derive(Debug, Default)]
pub struct Lookaside {
    default: Option<Scope>,
    scopes: BTreeMap<String, Scope>,
}

#[derive(Debug, Default, Deserialize)]
struct Document {
    #[serde(rename = "default-docker")]
    default: Option<Scope>,
    docker: Option<BTreeMap<String, Scope>>,
}

/// What holds for a part of the registries. `sigstore` is the older name of `lookaside`, and has nothing to do with sigstore.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Scope {
    lookaside: Option<String>,
    lookaside_staging: Option<String>,
    sigstore: Option<String>,
    sigstore_staging: Option<String>,
    use_sigstore_attachments: Option<bool>,
}

/// For what a place is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Use {
    Read,
    Write,
}

impl Lookaside {
    /// Reads the user's files if they have the directory, else the system's.
    pub fn load() -> Result<Self> {
        let own = directories::BaseDirs::new().map(|dirs| dirs.home_dir().join(".config/containers/registries.d"));
        let dir = own.filter(|own| own.symlink_metadata().is_ok()).unwrap_or_else(|| PathBuf::from(SYSTEM_DIR));
        if dir.symlink_metadata().is_err() {
            return Ok(Self::default());
        }
        let mut all = Self::default();
        let mut names = fs::list(&dir)?;
        names.sort();
        for name in names.iter().filter(|name| name.ends_with(".yaml")).take(FILES_MAX) {
            let path = dir.join(name);
            let document = parse(&fs::read(&path, FILE_BYTES_MAX)?);
            document.and_then(|document| all.add(document)).with_context(|| format!("read {}", path.display()))?;
        }
        Ok(all)
    }

    /// One thing is said once: which of two files holds would be anybody's guess.
    fn add(&mut self, document: Document) -> Result<()> {
        let twice = |what: &str| Err(Kind::BadInput.error(format!("another file has {what} too")));
        if document.default.is_some() && self.default.is_some() {
            return twice("default-docker");
        }
        self.default = document.default.or(self.default.take());
        for (name, scope) in document.docker.unwrap_or_default() {
            if self.scopes.contains_key(&name) {
                return twice(&format!("docker: {}", fs::shown(name.as_bytes())));
            }
            self.scopes.insert(name, scope);
        }
        Ok(())
    }

    /// Whether an image's signatures of sigstore are beside it in its registry.
    pub fn is_attached(&self, name: &Reference) -> bool {
        self.find(name, |scope| scope.use_sigstore_attachments).unwrap_or(false)
    }

    /// Where the signatures of OpenPGP lie of an image by its manifest's digest: a URL without the last part, `/signature-N`.
    pub fn url(&self, name: &Reference, digest: &str, what: Use) -> String {
        let read = |scope: &Scope| scope.lookaside.clone().or_else(|| scope.sigstore.clone());
        let write = |scope: &Scope| scope.lookaside_staging.clone().or_else(|| scope.sigstore_staging.clone());
        let found = self.find(name, |scope| {
            let found = if what == Use::Write { write(scope).or_else(|| read(scope)) } else { read(scope) };
            found.filter(|url| !url.is_empty())
        });
        let base = found.unwrap_or_else(usual_url);
        format!("{}/{}", base.trim_end_matches('/'), dir(name, digest))
    }

    /// Where a person is told that signatures lie for a scope of a policy, or for all that have none.
    pub fn shown(&self, scope: Option<&str>) -> Option<&str> {
        let scopes = std::iter::successors(scope, |scope| scope.rsplit_once('/').map(|(above, _)| above));
        let found = scopes.filter_map(|scope| self.scopes.get(scope)).chain(&self.default).next()?;
        found.lookaside.as_deref().or(found.sigstore.as_deref())
    }

    /// What the most specific scope says that says something.
    fn find<T>(&self, name: &Reference, of: impl Fn(&Scope) -> Option<T>) -> Option<T> {
        let identity = Identity::docker(name);
        let scopes = identity.scopes().filter_map(|scope| {
            self.scopes.iter().find(|(key, _)| identity.is_scope(key, scope)).map(|(_, scope)| scope)
        });
        scopes.chain(&self.default).find_map(of)
    }
}

/// What an image's signatures lie in, below the top of the place.
pub fn dir(name: &Reference, digest: &str) -> String {
    format!("{}@{}", name.repository, digest.replacen(':', "=", 1))
}

fn parse(bytes: &[u8]) -> Result<Document> {
    let text = std::str::from_utf8(bytes).map_err(|_| Kind::BadInput.error("not UTF-8"))?;
    let options = serde_saphyr::options! { strict_booleans: true };
    serde_saphyr::from_str_with_options(text, options).map_err(|error| Kind::BadInput.error(error.to_string()))
}

/// Where signatures are when no file says where.
fn usual_url() -> String {
    let own = directories::BaseDirs::new().filter(|_| !rustix::process::geteuid().is_root());
    let data = own.map(|dirs| dirs.home_dir().join(".local/share")).unwrap_or_else(|| PathBuf::from("/var/lib"));
    format!("file://{}", data.join("containers/sigstore").display())
}

/// The path of a URL that is a file's.
pub fn path(url: &str) -> Option<&Path> {
    url.strip_prefix("file://").map(Path::new).filter(|path| path.is_absolute())
}

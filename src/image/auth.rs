//! Credentials for registries: the files and helpers that `podman login` and `docker login` use, and whose they are.
//!
//! Format and order of look-up: containers-auth.json(5).

mod file;
mod helper;
mod keep;

use helper::Helper;
pub use keep::{forget, forget_all, keep};

use super::origin::{Origin, Scheme, shown};
use super::reference::Reference;
use super::registries::AUTH_FILES;
use crate::error::Kind;
use crate::fs;
use crate::sys::process;
use anyhow::{Context, Result};
use std::fmt;
use std::path::{Path, PathBuf};

/// The largest file of credentials that is read.
const AUTH_FILE_BYTES_MAX: usize = 4 << 20;
/// How docker writes Docker Hub, in its file and to helpers.
const DOCKER_HUB: &str = "https://index.docker.io/v1/";

/// Text that no message, log or debug print may show.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// From now on this process leaves no core, and nobody else of the same user looks into its memory.
    pub fn new(text: impl Into<String>) -> Self {
        guard_memory();
        Self(text.into())
    }

    /// The text itself, for the one place that sends it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

/// To be called by whoever is about to have somebody's secret in memory, in whatever form.
fn guard_memory() {
    // prctl(2): it fails for a value alone that is not one of the two.
    let _ = process::set_dumpable(false);
}

impl fmt::Debug for Secret {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("[secret]")
    }
}

/// What proves to a registry who asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Credentials {
    Password {
        user: String,
        password: Secret,
    },
    /// An OAuth2 refresh token, which is exchanged for an access token only.
    IdentityToken(Secret),
}

impl Credentials {
    /// From `user:password`, as `--creds` takes it.
    pub fn parse(text: &str) -> Result<Self> {
        match text.split_once(':') {
            Some((user, password)) if !user.is_empty() => {
                Ok(Self::Password { user: user.to_owned(), password: Secret::new(password) })
            }
            _ => Err(Kind::BadInput.error("credentials are not of the form USER:PASSWORD")),
        }
    }
}

/// What credentials are kept for: a registry, or what lies below a path of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// `host[:port]`.
    pub host: String,
    pub namespace: Option<String>,
}

impl Key {
    /// From `host[:port][/namespace]`, or a URL, of which the host alone counts.
    pub fn parse(text: &str) -> Result<Self> {
        let text = text.trim();
        let url = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
        let (host, path) = match url {
            Some(rest) => (rest.split(['/', '?', '#']).next().unwrap_or(rest), None),
            None => text.split_once('/').map_or((text, None), |(host, path)| (host, Some(path))),
        };
        // Never shown whole: a URL may carry a password.
        let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
        Origin::parse(Scheme::Https, host)?;
        let namespace = path.filter(|path| !path.is_empty()).map(|path| path.trim_end_matches('/').to_owned());
        if let Some(path) = &namespace {
            let named = Reference::parse_repository(&format!("localhost/{path}"))?;
            if named.tag.is_some() || named.digest.is_some() {
                let text = shown(text, 100);
                return Err(Kind::BadInput.error(format!("{text:?} has a tag or a digest; credentials are for all")));
            }
        }
        Ok(Self { host: normal_host(host).to_owned(), namespace })
    }
}

impl fmt::Display for Key {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.namespace {
            Some(namespace) => write!(out, "{}/{namespace}", self.host),
            None => out.write_str(&self.host),
        }
    }
}

/// The file that `login` and `logout` change.
#[derive(Clone, Debug)]
pub struct Place {
    /// Who keeps credentials, by registries.conf, in order. docker does not know that file.
    pub helpers: Vec<String>,
    pub file: PathBuf,
    /// docker reads it too, which knows no namespaces and writes Docker Hub as a URL.
    pub docker: bool,
}

impl Place {
    /// The file that podman uses, or docker's.
    pub fn usual(docker: bool, helpers: Vec<String>) -> Result<Self> {
        let file = if docker { docker_file(&variable) } else { files(variable).into_iter().next() };
        let file = file.ok_or_else(|| {
            Kind::BadInput.hinted("find the file for credentials: no home directory", "name one with --authfile")
        })?;
        Ok(Self { helpers, file, docker })
    }
}

/// The credentials that the user's files hold for a repository of a registry, or None.
///
/// `helpers` are those of registries.conf: who is asked, in order. `authfile` is the file named on the command line, which
/// must exist and is then the only one that is read.
pub fn find(
    host: &str,
    repository: &str,
    authfile: Option<&Path>,
    helpers: &[String],
) -> Result<Option<Credentials>> {
    let mut failure = None;
    for helper in helpers {
        let found = match helper.as_str() {
            AUTH_FILES => find_in_files(host, repository, authfile),
            name => Helper::require(name).and_then(|helper| file::from_helper(&helper, normal_host(host))),
        };
        match found {
            Ok(None) => {}
            Ok(found) => return Ok(found),
            // Another may know; if none does, it is what matters.
            Err(error) => drop(failure.get_or_insert(error)),
        }
    }
    failure.map_or(Ok(None), Err)
}

/// The same of files alone.
pub fn find_in_files(host: &str, repository: &str, authfile: Option<&Path>) -> Result<Option<Credentials>> {
    match authfile {
        Some(path) => find_in_file(path, &fs::read(path, AUTH_FILE_BYTES_MAX)?, host, repository),
        None => find_in(&files(variable), host, repository),
    }
}

fn find_in(paths: &[PathBuf], host: &str, repository: &str) -> Result<Option<Credentials>> {
    for path in paths {
        // A file that is there and cannot be used is an error: going on might pick credentials that were not meant.
        let Some(bytes) = fs::read_optional(path, AUTH_FILE_BYTES_MAX)? else { continue };
        let found = find_in_file(path, &bytes, host, repository)?;
        if found.is_some() {
            return Ok(found);
        }
    }
    Ok(None)
}

fn find_in_file(path: &Path, bytes: &[u8], host: &str, repository: &str) -> Result<Option<Credentials>> {
    // The secrets of other registries are in it too.
    guard_memory();
    file::lookup(bytes, host, repository).with_context(|| format!("read {}", path.display()))
}

fn variable(name: &str) -> Option<PathBuf> {
    std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from)
}

/// Where credentials may lie, in podman's order. A file that the environment names replaces all others.
fn files(variable: impl Fn(&str) -> Option<PathBuf>) -> Vec<PathBuf> {
    if let Some(path) = variable("REGISTRY_AUTH_FILE") {
        return vec![path];
    }
    if let Some(dir) = variable("DOCKER_CONFIG") {
        return vec![dir.join("config.json")];
    }
    let mut paths = Vec::new();
    match variable("XDG_RUNTIME_DIR") {
        Some(dir) => paths.push(dir.join("containers/auth.json")),
        None => {
            let uid = rustix::process::geteuid().as_raw();
            paths.push(PathBuf::from(format!("/run/containers/{uid}/auth.json")));
        }
    }
    let home = variable("HOME");
    if let Some(dir) = variable("XDG_CONFIG_HOME").or_else(|| home.as_ref().map(|home| home.join(".config"))) {
        paths.push(dir.join("containers/auth.json"));
    }
    paths.extend(docker_file(&variable));
    paths
}

fn docker_file(variable: &impl Fn(&str) -> Option<PathBuf>) -> Option<PathBuf> {
    let dir = variable("DOCKER_CONFIG").or_else(|| variable("HOME").map(|home| home.join(".docker")));
    dir.map(|dir| dir.join("config.json"))
}

/// The host of a key that may be a URL with an API version, with the names of Docker Hub made one.
fn normal_host(key: &str) -> &str {
    let key = key.strip_prefix("https://").or_else(|| key.strip_prefix("http://")).unwrap_or(key);
    let host = key.split('/').next().unwrap_or(key);
    match host {
        "index.docker.io" | "registry-1.docker.io" => "docker.io",
        _ => host,
    }
}

#[cfg(any(test, fuzzing))]
pub mod property;
#[cfg(test)]
mod tests;

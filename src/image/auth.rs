//! Credentials for registries: reads the files that `podman login` and `docker login` write, and picks whose they are.
//!
//! Format and order of look-up: containers-auth.json(5).

use crate::error::Kind;
use crate::fs;
use anyhow::{Context, Result};
use base64::Engine as _;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

/// The largest file of credentials that is read.
const AUTH_FILE_BYTES_MAX: usize = 4 << 20;

/// Text that no message, log or debug print may show.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself, for the one place that sends it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
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

/// The credentials that the user's files hold for a repository of a registry, or None.
///
/// `authfile` is the file named on the command line, which must exist and is then the only one that is read.
pub fn find(host: &str, repository: &str, authfile: Option<&Path>) -> Result<Option<Credentials>> {
    if let Some(path) = authfile {
        let bytes = fs::read(path, AUTH_FILE_BYTES_MAX)?;
        return lookup(&bytes, host, repository).with_context(|| format!("read {}", path.display()));
    }
    find_in(
        &files(|name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from)),
        host,
        repository,
    )
}

fn find_in(paths: &[PathBuf], host: &str, repository: &str) -> Result<Option<Credentials>> {
    for path in paths {
        // A file that is there and cannot be used is an error: going on might pick credentials that were not meant.
        let Some(bytes) = fs::read_optional(path, AUTH_FILE_BYTES_MAX)? else { continue };
        let found = lookup(&bytes, host, repository).with_context(|| format!("read {}", path.display()))?;
        if found.is_some() {
            return Ok(found);
        }
    }
    Ok(None)
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
    paths.extend(home.map(|home| home.join(".docker/config.json")));
    paths
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AuthFile {
    #[serde(default)]
    auths: Option<BTreeMap<String, Option<Entry>>>,
    #[serde(default)]
    cred_helpers: Option<BTreeMap<String, String>>,
    #[serde(default)]
    creds_store: Option<String>,
}

#[derive(Deserialize)]
struct Entry {
    #[serde(default)]
    auth: Option<String>,
    #[serde(default)]
    identitytoken: Option<String>,
}

fn lookup(bytes: &[u8], host: &str, repository: &str) -> Result<Option<Credentials>> {
    // As docker does, so that /dev/null can stand for no credentials.
    if bytes.trim_ascii().is_empty() {
        return Ok(None);
    }
    // The parser's message could quote a part of a secret, so only the place is passed on.
    let file: AuthFile = serde_json::from_slice(bytes).map_err(|error| {
        Kind::BadInput.error(format!("not an auth file (line {}, column {})", error.line(), error.column()))
    })?;
    let helper = file.cred_helpers.as_ref().and_then(|helpers| {
        helpers.iter().find(|(name, helper)| normal_host(name) == normal_host(host) && !helper.is_empty())
    });
    if let Some((_, helper)) = helper {
        return Err(no_helpers(host, helper));
    }
    let auths = file.auths.unwrap_or_default();
    let Some((key, entry)) = entry(&auths, host, repository) else { return Ok(None) };
    if let Some(credentials) = credentials(entry).with_context(|| format!("credentials for {key:?}"))? {
        return Ok(Some(credentials));
    }
    match file.creds_store {
        Some(helper) if !helper.is_empty() => Err(no_helpers(host, &helper)),
        _ => Ok(None),
    }
}

fn no_helpers(host: &str, helper: &str) -> anyhow::Error {
    let helper: String = helper.chars().take(40).collect();
    let message =
        format!("credentials for {host} are kept by the credential helper {helper:?}, which is not supported");
    Kind::Denied.hinted(message, "give them with --creds USER:PASSWORD")
}

/// The entry with the longest key that is a prefix of `host/repository`; docker's spellings of a host come last.
fn entry<'a>(
    auths: &'a BTreeMap<String, Option<Entry>>,
    host: &str,
    repository: &str,
) -> Option<(&'a str, &'a Entry)> {
    let mut key = format!("{host}/{repository}");
    loop {
        if let Some((name, Some(entry))) = auths.get_key_value(&key) {
            return Some((name, entry));
        }
        let Some((shorter, _)) = key.rsplit_once('/') else { break };
        key.truncate(shorter.len());
    }
    let docker_spelling = |name: &str| name.contains("://") || !name.contains('/');
    let (name, entry) =
        auths.iter().find(|(name, _)| docker_spelling(name) && normal_host(name) == normal_host(host))?;
    Some((name, entry.as_ref()?))
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

fn credentials(entry: &Entry) -> Result<Option<Credentials>> {
    if let Some(token) = entry.identitytoken.as_deref().filter(|token| !token.is_empty()) {
        return Ok(Some(Credentials::IdentityToken(Secret::new(token))));
    }
    let Some(auth) = entry.auth.as_deref().filter(|auth| !auth.is_empty()) else { return Ok(None) };
    let malformed = || Kind::BadInput.error("not base64 of USER:PASSWORD");
    let decoded = base64::engine::general_purpose::STANDARD.decode(auth.trim()).map_err(|_| malformed())?;
    let decoded = String::from_utf8(decoded).map_err(|_| malformed())?;
    let (user, password) = decoded.split_once(':').ok_or_else(malformed)?;
    // Some versions of docker padded the password with NUL bytes.
    let password = Secret::new(password.trim_end_matches('\0'));
    Ok(Some(Credentials::Password { user: user.to_owned(), password }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry_of(user_and_password: &str) -> String {
        format!(r#"{{"auth":"{}"}}"#, base64::engine::general_purpose::STANDARD.encode(user_and_password))
    }

    fn found(json: &str, name: &str) -> Option<String> {
        let (host, repository) = name.split_once('/').unwrap();
        lookup(json.as_bytes(), host, repository).unwrap().map(|credentials| match credentials {
            Credentials::Password { user, password } => format!("{user}:{}", password.reveal()),
            Credentials::IdentityToken(token) => format!("token {}", token.reveal()),
        })
    }

    #[test]
    fn the_longest_prefix_gets_the_credentials_and_no_other_host_does() {
        let keys = ["quay.io", "quay.io/team", "quay.io/team/app", "localhost:5000", "https://index.docker.io/v1/"];
        let entries: Vec<String> =
            keys.iter().map(|key| format!("{key:?}:{}", entry_of(&format!("{key}:p:q")))).collect();
        let json = format!(r#"{{"auths":{{{}}}}}"#, entries.join(","));
        for (name, key) in [
            ("quay.io/other/app", Some("quay.io")),
            ("quay.io/team/tool", Some("quay.io/team")),
            ("quay.io/team/app", Some("quay.io/team/app")),
            ("quay.io/team/app/deep", Some("quay.io/team/app")),
            ("quay.io/teammate/app", Some("quay.io")),
            ("localhost:5000/x", Some("localhost:5000")),
            ("localhost:5001/x", None),
            ("localhost/x", None),
            ("evil.quay.io/team/app", None),
            ("quay.io.evil.com/team/app", None),
            ("docker.io/library/alpine", Some("https://index.docker.io/v1/")),
            ("index.docker.io/library/alpine", Some("https://index.docker.io/v1/")),
        ] {
            assert_eq!(found(&json, name), key.map(|key| format!("{key}:p:q")), "{name}");
        }
    }

    #[test]
    fn a_namespace_key_never_serves_its_whole_host() {
        let json = format!(r#"{{"auths":{{"quay.io/team":{}}}}}"#, entry_of("a:b"));
        assert_eq!(found(&json, "quay.io/other"), None);
    }

    #[test]
    fn identity_tokens_and_odd_files_are_understood() {
        assert_eq!(found(r#"{"auths":{"h":{"auth":"dTo=","identitytoken":"abc"}}}"#, "h/x").unwrap(), "token abc");
        for json in ["", "\n", "{}", r#"{"auths":null}"#, r#"{"auths":{"h":{}}}"#, r#"{"auths":{"h":null}}"#] {
            assert_eq!(found(json, "h/x"), None, "{json}");
        }
    }

    #[test]
    fn a_helper_is_an_error_only_for_the_host_it_serves() {
        let json = r#"{"auths":{"a.io":{}},"credsStore":"desktop","credHelpers":{"gcr.io":"gcloud"}}"#;
        assert_eq!(found(json, "b.io/x"), None);
        for host in ["a.io", "gcr.io"] {
            let error = lookup(json.as_bytes(), host, "x").unwrap_err();
            assert!(error.to_string().contains("credential helper"), "{error}");
        }
    }

    #[test]
    fn no_message_shows_a_secret() {
        assert_eq!(format!("{:?}", Credentials::parse("me:hunter2").unwrap()).matches("hunter2").count(), 0);
        let broken = r#"{"auths":{"h":{"auth":"aHVudGVyMg=="}}}"#;
        for json in [broken, r#"{"auths":{"h":{"auth":["hunter2"]}}}"#, r#"{"auths":"hunter2"}"#] {
            let error = lookup(json.as_bytes(), "h", "x").unwrap_err();
            let text = format!("{error:#}");
            assert!(!text.contains("hunter2") && !text.contains("aHVud"), "{text}");
        }
    }

    #[test]
    fn files_are_read_in_podmans_order() {
        let environment = |set: &'static [(&str, &str)]| {
            let paths = files(|name| set.iter().find(|(key, _)| *key == name).map(|(_, value)| PathBuf::from(value)));
            paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>()
        };
        let usual = environment(&[("XDG_RUNTIME_DIR", "/run/user/7"), ("HOME", "/h")]);
        assert_eq!(
            usual,
            ["/run/user/7/containers/auth.json", "/h/.config/containers/auth.json", "/h/.docker/config.json"]
        );
        assert_eq!(environment(&[("REGISTRY_AUTH_FILE", "/a"), ("DOCKER_CONFIG", "/d"), ("HOME", "/h")]), ["/a"]);
        assert_eq!(environment(&[("DOCKER_CONFIG", "/d"), ("HOME", "/h")]), ["/d/config.json"]);
    }
}

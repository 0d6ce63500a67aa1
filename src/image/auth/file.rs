//! The text of a file of credentials: whose entry is looked up, and how one is written.

use super::helper::Helper;
use super::{Credentials, DOCKER_HUB, Secret, normal_host};
use crate::error::Kind;
use anyhow::{Context, Result};
use base64::Engine as _;
use serde::Deserialize;
use std::collections::BTreeMap;

/// What is read of a file. It has much else, which is docker's business.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AuthFile {
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

impl AuthFile {
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        // As docker does, so that /dev/null can stand for no credentials.
        if bytes.trim_ascii().is_empty() {
            return Ok(Self::default());
        }
        serde_json::from_slice(bytes).map_err(|error| malformed(&error))
    }

    /// The helper that alone keeps this host's credentials.
    pub fn helper(&self, host: &str) -> Option<&str> {
        let helpers = self.cred_helpers.iter().flatten();
        let mut fitting = helpers.filter(|(name, helper)| normal_host(name) == host && !helper.is_empty());
        fitting.next().map(|(_, helper)| helper.as_str())
    }

    /// The helper that keeps the credentials of all hosts that have none of their own.
    pub fn store(&self) -> Option<&str> {
        self.creds_store.as_deref().filter(|helper| !helper.is_empty())
    }

    /// The hosts that have a helper, and which.
    pub fn helpers(&self) -> impl Iterator<Item = (&str, &str)> {
        let all = self.cred_helpers.iter().flatten().map(|(host, helper)| (normal_host(host), helper.as_str()));
        all.filter(|(_, helper)| !helper.is_empty())
    }
}

/// The parser's message could quote a part of a secret, so only the place is passed on.
pub fn malformed(error: &serde_json::Error) -> anyhow::Error {
    Kind::BadInput.error(format!("not an auth file (line {}, column {})", error.line(), error.column()))
}

/// The credentials of a host's repository that a file holds, or leads to.
pub fn lookup(bytes: &[u8], host: &str, repository: &str) -> Result<Option<Credentials>> {
    let file = AuthFile::parse(bytes)?;
    let host = normal_host(host);
    if let Some(name) = file.helper(host) {
        return from_helper(&Helper::require(name)?, host);
    }
    let auths = file.auths.as_ref();
    let entry = auths.and_then(|auths| entry(auths, host, repository));
    if let Some((key, entry)) = entry
        && let Some(credentials) = credentials(entry).with_context(|| format!("credentials for {key:?}"))?
    {
        return Ok(Some(credentials));
    }
    let Some(name) = file.store() else { return Ok(None) };
    match entry {
        Some(_) => from_helper(&Helper::require(name)?, host),
        // Without an entry nobody has signed in there by the file, but perhaps by the helper.
        None => Helper::find(name)?.map_or(Ok(None), |helper| from_helper(&helper, host)),
    }
}

/// What a helper keeps for a host.
pub fn from_helper(helper: &Helper, host: &str) -> Result<Option<Credentials>> {
    for server in servers(host) {
        let found = helper.get(server).with_context(|| format!("credentials for {host}"))?;
        if found.is_some() {
            return Ok(found);
        }
    }
    Ok(None)
}

/// What a host may be called where helpers keep it.
pub fn servers(host: &str) -> Vec<&str> {
    if host == "docker.io" { vec![DOCKER_HUB, host] } else { vec![host] }
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
    let (name, entry) = auths.iter().find(|(name, _)| is_spelling(name, host))?;
    Some((name, entry.as_ref()?))
}

/// Whether a key of a file means a whole host, as docker may have written it.
pub fn is_spelling(key: &str, host: &str) -> bool {
    (key.contains("://") || !key.contains('/')) && normal_host(key) == host
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

/// The value of `auth` in an entry.
pub fn encoded(user: &str, password: &Secret) -> String {
    base64::engine::general_purpose::STANDARD.encode(format!("{user}:{}", password.reveal()))
}

//! Which certificates a server may show: the system's, those of `certs.d`, those that the command line names.
//!
//! Layout of the directories: containers-certs.d(5).

use super::origin::Origin;
use crate::fs;
use anyhow::{Context, Result, bail};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use ureq::tls::{Certificate, ClientCert, PemItem, PrivateKey, RootCerts, TlsConfig, parse_pem};

/// The largest file of certificates or keys that is read.
const PEM_BYTES_MAX: usize = 4 << 20;

/// What the user said about the registry's certificate. It holds for the registry alone, never for where it redirects.
#[derive(Clone, Debug)]
pub struct Trust {
    /// The name under which `certs.d` knows the registry, `host[:port]`.
    pub authority: String,
    /// The host for which verification is off, if the user asked for that.
    pub unverified_host: Option<String>,
    /// Replaces the registry's directory below `certs.d`.
    pub cert_dir: Option<PathBuf>,
}

impl Trust {
    /// The TLS settings for a server. Reads the system's certificates when it is first called.
    pub fn config(&self, origin: &Origin) -> Result<TlsConfig> {
        if self.unverified_host.as_ref() == Some(&origin.host) {
            return Ok(TlsConfig::builder().disable_verification(true).build());
        }
        let mut roots = system_roots().clone();
        let mut client = None;
        if let Some(dir) = self.directory(origin)? {
            client = client_certificate(&dir)?;
            for name in sorted(&dir)?.iter().filter(|name| name.ends_with(".crt")) {
                roots.extend(certificates(&dir.join(name))?);
            }
        }
        Ok(TlsConfig::builder().root_certs(RootCerts::from(roots)).client_cert(client).build())
    }

    fn directory(&self, origin: &Origin) -> Result<Option<PathBuf>> {
        let is_registry = origin.authority() == self.authority;
        if let Some(dir) = self.cert_dir.as_ref().filter(|_| is_registry) {
            fs::open_dir(dir)?;
            return Ok(Some(dir.clone()));
        }
        let home = std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".config/containers/certs.d"));
        let places = home.into_iter().chain(["/etc/containers/certs.d", "/etc/docker/certs.d"].map(PathBuf::from));
        Ok(places.map(|place| place.join(origin.authority())).find(|dir| dir.is_dir()))
    }
}

/// Loading them takes tens of milliseconds, so it waits until a server is asked.
fn system_roots() -> &'static Vec<Certificate<'static>> {
    static ROOTS: OnceLock<Vec<Certificate<'static>>> = OnceLock::new();
    ROOTS.get_or_init(|| {
        // A broken certificate among the system's only makes the servers that need it unknown, which is said then.
        let found = rustls_native_certs::load_native_certs();
        found.certs.iter().map(|certificate| Certificate::from_der(certificate).to_owned()).collect()
    })
}

fn sorted(dir: &Path) -> Result<Vec<String>> {
    let mut names = fs::list(dir)?;
    names.sort();
    Ok(names)
}

fn certificates(path: &Path) -> Result<Vec<Certificate<'static>>> {
    let pem = fs::read(path, PEM_BYTES_MAX)?;
    let mut found = Vec::new();
    for item in parse_pem(&pem) {
        if let PemItem::Certificate(certificate) = item.with_context(|| format!("parse {}", path.display()))? {
            found.push(certificate);
        }
    }
    if found.is_empty() {
        bail!("{} holds no certificate in PEM form", path.display());
    }
    Ok(found)
}

/// The first `NAME.cert` that has a `NAME.key` beside it.
fn client_certificate(dir: &Path) -> Result<Option<ClientCert>> {
    for name in sorted(dir)? {
        let Some(stem) = name.strip_suffix(".cert") else { continue };
        let key_path = dir.join(format!("{stem}.key"));
        let Some(pem) = fs::read_optional(&key_path, PEM_BYTES_MAX)? else {
            bail!("{} has no {stem}.key beside it", dir.join(&name).display());
        };
        let key = PrivateKey::from_pem(&pem).with_context(|| format!("parse {}", key_path.display()))?;
        return Ok(Some(ClientCert::new_with_certs(&certificates(&dir.join(&name))?, key)));
    }
    Ok(None)
}

//! Which certificates a server may show: the system's, those of `certs.d`, those that the command line names.
//!
//! Layout of the directories: containers-certs.d(5).

use super::origin::Origin;
use crate::error::Kind;
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
            let message = format!("{} has no private key {stem}.key beside it", dir.join(&name).display());
            return Err(Kind::BadInput.hinted(message, "put the key there, or remove the certificate"));
        };
        let key = PrivateKey::from_pem(&pem).with_context(|| format!("parse {}", key_path.display()))?;
        return Ok(Some(ClientCert::new_with_certs(&certificates(&dir.join(&name))?, key)));
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use crate::error::{hint, line};
    use crate::fs;
    use crate::image::auth::Credentials;
    use crate::image::fake_registry::{Answer, FakeRegistry};
    use crate::image::reference::Reference;
    use crate::image::registry::{Access, Registry};
    use std::io::{BufRead, BufReader};
    use std::os::fd::AsFd;
    use std::path::{Path, PathBuf};
    use std::process::{Child, Command, Stdio};

    /// A TLS server of openssl(1) that serves one manifest, with the authority that signed its certificate.
    struct Server {
        child: Child,
        port: u16,
        dir: PathBuf,
    }

    impl Drop for Server {
        fn drop(&mut self) {
            let _ = self.child.kill();
            let _ = self.child.wait();
            let (parent, name) = (self.dir.parent().unwrap(), self.dir.file_name().unwrap());
            let _ = fs::remove_tree(fs::open_dir(parent).unwrap().as_fd(), &name.to_string_lossy());
        }
    }

    fn openssl(dir: &Path, arguments: &str) {
        let output = Command::new("openssl").args(arguments.split_whitespace()).current_dir(dir).output().unwrap();
        assert!(output.status.success(), "{arguments}: {}", String::from_utf8_lossy(&output.stderr));
    }

    fn serve(name: &str, days: i32) -> Server {
        let dir = std::env::temp_dir().join(format!("coracle-tls-{}-{name}-{days}", std::process::id()));
        fs::create_dir_all(&dir.join("v2/app/manifests")).unwrap();
        fs::create_dir_all(&dir.join("trusted")).unwrap();
        fs::write_atomic(&dir.join("v2/app/manifests/latest"), b"{}", fs::Durability::Cached).unwrap();
        let key = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes";
        openssl(&dir, &format!("req -x509 {key} -keyout ca.key -out trusted/ca.crt -subj /CN=authority -days 2"));
        openssl(
            &dir,
            &format!("req -new {key} -keyout leaf.key -out leaf.csr -subj /CN=leaf -addext subjectAltName={name}"),
        );
        let signed = "-CA trusted/ca.crt -CAkey ca.key -copy_extensions copy -out leaf.pem";
        openssl(&dir, &format!("x509 -req -in leaf.csr {signed} -days {days}"));
        let mut child = Command::new("openssl")
            .args("s_server -accept 127.0.0.1:0 -cert leaf.pem -key leaf.key -WWW".split_whitespace())
            .current_dir(&dir)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let port = lines.find_map(|line| line.unwrap().strip_prefix("ACCEPT ")?.rsplit_once(':')?.1.parse().ok());
        // The pipe stays open, or the server dies of what it prints.
        std::thread::spawn(move || lines.for_each(drop));
        Server { child, port: port.unwrap(), dir }
    }

    fn fetch(host: &str, access: Access) -> anyhow::Result<()> {
        let access = Access { creds: Some(Credentials::parse("me:hunter2").unwrap()), ..access };
        let registry = Registry::new(&Reference::parse(&format!("{host}/app")).unwrap(), &access)?;
        registry.manifest_of_tag("latest").map(drop)
    }

    fn refused(host: &str, access: Access) -> String {
        let error = fetch(host, access).unwrap_err();
        assert!(hint(&error).is_some_and(|hint| hint.contains("--tls-verify=false")), "{error:?}");
        line(&error)
    }

    #[test]
    fn only_certificates_of_a_known_authority_are_accepted() {
        let server = serve("IP:127.0.0.1", 2);
        let host = format!("127.0.0.1:{}", server.port);
        let trusted = |dir: &str| Access { cert_dir: Some(server.dir.join(dir)), ..Access::default() };
        assert!(refused(&host, Access::default()).contains("signed by an unknown authority"));
        // The controls: the authority is known, or the user does not want to know.
        fetch(&host, trusted("trusted")).unwrap();
        fetch(&host, Access { tls_verify: Some(false), ..Access::default() }).unwrap();
        assert!(fetch(&host, trusted("missing")).is_err());
        // The certificate is for the address only, and the authority is trusted for the registry only.
        assert!(refused(&format!("localhost:{}", server.port), trusted("trusted")).contains("not trusted"));
    }

    #[test]
    fn an_expired_certificate_is_refused() {
        let server = serve("IP:127.0.0.1", -1);
        let access = Access { cert_dir: Some(server.dir.join("trusted")), ..Access::default() };
        let error = refused(&format!("127.0.0.1:{}", server.port), access);
        assert!(error.contains("expired"), "{error}");
    }

    #[test]
    fn without_tls_nothing_is_said_unless_the_user_allows_it() {
        let fake = FakeRegistry::start();
        fake.rule(|_| Some(Answer::ok("{}")));
        refused(&fake.host(), Access::default());
        assert!(fake.requests().is_empty(), "no request went out without TLS");
        fetch(&fake.host(), Access { tls_verify: Some(false), ..Access::default() }).unwrap();
    }

    #[test]
    fn no_verification_holds_for_the_registry_alone() {
        let server = serve("DNS:localhost", 2);
        let elsewhere = format!("https://localhost:{}/v2/app/manifests/latest", server.port);
        let fake = FakeRegistry::start();
        fake.rule(move |_| Some(Answer::status(302).with("location", elsewhere.clone())));
        let insecure = || Access { tls_verify: Some(false), ..Access::default() };
        assert!(refused(&fake.host(), insecure()).contains("unknown authority"));
        // The control: the same server, asked as the registry itself.
        fetch(&format!("localhost:{}", server.port), insecure()).unwrap();
    }
}

//! What an image is to a policy: its transport, and the scopes that it is in.

use crate::error::Kind;
use crate::fs;
use crate::image::reference::{LOCAL_REGISTRY, Reference};
use crate::image::transport::members::Format;
use crate::image::transport::{Files, Source};
use anyhow::{Context, Result};
use std::path::Path;

pub const DOCKER: &str = "docker";
const STORE: &str = "containers-storage";
/// Transports whose scopes are paths.
const OF_PATHS: [&str; 3] = ["dir", "oci", "oci-archive"];

/// An image as a policy sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    transport: &'static str,
    /// The most specific first; without the transport's default.
    scopes: Vec<String>,
    shown: String,
    name: Option<Reference>,
}

impl Identity {
    /// An image of a registry, by the name that the user means: not the mirror, nor another location, where it is asked for.
    pub fn docker(name: &Reference) -> Self {
        let Reference { registry, repository, .. } = name;
        let registry = normal(registry);
        let mut scopes = specific(&format!("{registry}/{repository}"), name);
        // *.example.com has all below it, whatever the port.
        let mut host = registry.split(':').next().unwrap_or(&registry);
        while let Some((_, above)) = host.split_once('.') {
            scopes.push(format!("*.{above}"));
            host = above;
        }
        Self { transport: DOCKER, scopes, shown: name.to_string(), name: Some(name.clone()) }
    }

    /// An image in files, of the format that they have, whatever they were said to be.
    pub fn files(files: &Files, format: Format, source: &Source) -> Result<Self> {
        let transport = match (format, files) {
            (Format::Docker, _) => "docker-archive",
            (Format::Layout | Format::DockerLayout, Files::Archive(_)) => "oci-archive",
            (Format::Layout | Format::DockerLayout, Files::Directory(_)) => "oci",
            (Format::Directory | Format::DockerDirectory { .. }, _) => "dir",
        };
        let Source::Path(path) = source else {
            let shown = format!("{transport} of standard input");
            return Ok(Self { transport, scopes: Vec::new(), shown, name: None });
        };
        let path = fs::real_path(path)?;
        let text = path.to_str().filter(|_| OF_PATHS.contains(&transport));
        // The top is no scope: that is the default of the transport.
        let above = |text| Path::new(text).ancestors().filter(|path| *path != Path::new("/"));
        let scopes = text.into_iter().flat_map(above).map(|path| path.display().to_string()).collect();
        Ok(Self { transport, scopes, shown: format!("{transport}:{}", path.display()), name: None })
    }

    /// A root file system that an image is made of.
    pub fn tarball() -> Self {
        Self { transport: "tarball", scopes: Vec::new(), shown: "a tarball".to_owned(), name: None }
    }

    /// An image of a store at a place, by one of its names or by none.
    pub fn store(store: &Path, name: Option<&Reference>) -> Result<Self> {
        let place = fs::real_path(store)?.display().to_string();
        let whole = format!("[overlay@{place}]");
        let scopes = name.map(|name| specific(&name.name(), name)).unwrap_or_default();
        let mut scopes: Vec<String> = scopes.iter().map(|scope| format!("{whole}{scope}")).collect();
        let shown = name.map_or_else(|| place.clone(), |name| format!("{name} of {place}"));
        scopes.extend([whole, format!("[{place}]")]);
        Ok(Self { transport: STORE, scopes, shown, name: name.cloned() })
    }

    pub fn transport(&self) -> &'static str {
        self.transport
    }

    pub fn shown(&self) -> &str {
        &self.shown
    }

    /// The name of an image that has one where it comes from.
    pub fn name(&self) -> Option<&Reference> {
        self.name.as_ref()
    }

    pub fn scopes(&self) -> impl Iterator<Item = &str> {
        self.scopes.iter().map(String::as_str)
    }

    /// Whether a key of the file is this scope: hosts are the same in any case and with the port of https.
    pub fn is_scope(&self, key: &str, scope: &str) -> bool {
        match self.transport {
            DOCKER => {
                let (host, rest) = key.split_at(key.find('/').unwrap_or(key.len()));
                format!("{}{rest}", normal(host)) == scope
            }
            _ => key == scope,
        }
    }
}

/// The name with its tag or digest, then without, and all that it is below.
fn specific(whole: &str, name: &Reference) -> Vec<String> {
    let digest = name.digest.as_ref().map(|digest| format!("{whole}@{digest}"));
    let tag = name.tag.as_ref().map(|tag| format!("{whole}:{tag}"));
    let mut scopes: Vec<String> = digest.into_iter().chain(tag).collect();
    let mut scope = whole;
    scopes.push(scope.to_owned());
    while let Some((above, _)) = scope.rsplit_once('/') {
        scopes.push(above.to_owned());
        scope = above;
    }
    scopes
}

/// A host as all spellings of it are compared.
fn normal(host: &str) -> String {
    let host = host.to_ascii_lowercase();
    match host.rsplit_once(':').and_then(|(name, port)| Some((name, port.parse::<u16>().ok()?))) {
        Some((name, 443)) => name.to_owned(),
        Some((name, port)) => format!("{name}:{port}"),
        None => host,
    }
}

/// Refuses a scope that a transport cannot have.
pub fn check(transport: &str, scope: &str) -> Result<()> {
    let bad = |why: &str| {
        let scope = fs::shown(scope.as_bytes());
        Err(Kind::BadInput.error(format!("transport {}: scope {scope:?} {why}", fs::shown(transport.as_bytes()))))
    };
    let path = Path::new(scope);
    match transport {
        _ if scope.is_empty() => Ok(()),
        "docker-archive" | "tarball" => bad("is none: it has but the default"),
        _ if OF_PATHS.contains(&transport) && !path.is_absolute() => bad("is no absolute path"),
        _ if OF_PATHS.contains(&transport) && scope == "/" => bad("is the default, which is written \"\""),
        _ if OF_PATHS.contains(&transport) && path.components().as_path().as_os_str() != scope => {
            bad("is not a path in its plain form")
        }
        STORE if !scope.starts_with('[') => bad("does not begin with a store in brackets"),
        _ => Ok(()),
    }
}

/// Refuses a scope of registries that no image is in, which would be a rule that does nothing.
pub fn check_typed(scope: &str) -> Result<()> {
    let bad = |hint: &str| Err(Kind::BadInput.hinted(format!("{:?} is no scope", fs::shown(scope.as_bytes())), hint));
    let host = scope.split('/').next().unwrap_or(scope);
    if scope.contains("://") {
        return bad("leave out the transport: quay.io/team");
    }
    if let Some(above) = scope.strip_prefix("*.") {
        return match Reference::parse(&format!("{above}:443/x")) {
            Ok(name) if name.registry == format!("{above}:443") => Ok(()),
            Ok(_) | Err(_) => bad("after *. comes a domain: *.example.com"),
        };
    }
    let is_host = host == LOCAL_REGISTRY || host.contains(['.', ':']);
    let name = if host == scope { format!("{host}/x") } else { scope.to_owned() };
    if !is_host {
        return bad(&format!("begin it with its registry: docker.io/library/{host}"));
    }
    Reference::parse_repository(&name).map(drop).context("read the scope")
}

//! One repository of a registry: its manifests and blobs, and the log-in that they ask for.
//!
//! Distribution spec, "Pulling", of which `blob.rs` has the blobs; for "Pushing" see `upload.rs`. Answers are bounded and compared with what was asked
//! for; whether the bytes are the right ones is for those to check who know the digest.

mod blob;
mod listing;
mod refusal;
mod rights;
mod upload;

pub use blob::Blob;
pub use listing::Found;
pub use rights::Rights;
pub use upload::Outgoing;

use super::auth::{self, Credentials, Secret};
use super::challenge::{self, Challenge};
use super::http::{Authorization, Client, Content, Method, Patience, Request, Response};
use super::manifest::{ACCEPTED, MANIFEST_BYTES_MAX};
use super::origin::{Origin, Scheme, Url, percent_encoded};
use super::reference::{DEFAULT_REGISTRY, Reference};
use super::registries::{Registries, Source};
use super::trust::Trust;
use crate::error::Kind;
use crate::store::digest::Digest;
use anyhow::{Context, Result, bail};
use serde::Deserialize;
use std::path::PathBuf;
use std::sync::{Mutex, OnceLock};
use std::time::Duration;

/// Where the registry `docker.io` is reached.
const DOCKER_HUB: &str = "registry-1.docker.io";
/// The largest answer of a token server, and the largest error.
const ANSWER_BYTES_MAX: usize = 1 << 20;
/// The longest token; it must fit into the header of a request.
const TOKEN_BYTES_MAX: usize = 32 << 10;

/// How the user lets us reach registries.
#[derive(Clone, Debug, Default)]
pub struct Access {
    /// Verify certificates, and never speak without TLS; None is as registries.conf says, which is to verify.
    pub tls_verify: Option<bool>,
    /// Credentials from the command line; they replace those of the files.
    pub creds: Option<Credentials>,
    pub authfile: Option<PathBuf>,
    pub cert_dir: Option<PathBuf>,
    /// How often what has failed is tried again; None is the default.
    pub retries: Option<u64>,
    /// How long to wait before the second try; None is the default.
    pub pause: Option<Duration>,
    /// A short name is one of docker.io, as docker has it.
    pub docker: bool,
    /// The file that says which images may come in, instead of the usual one.
    pub signature_policy: Option<PathBuf>,
}

/// More tries than this are no patience but a hang.
const RETRIES_MAX: u64 = 100;

/// So is a longer wait before the second try.
const PAUSE_MAX: Duration = Duration::from_secs(3600);

/// A manifest or index as the registry gave it.
#[derive(Debug)]
pub struct Fetched {
    pub bytes: Vec<u8>,
    /// Of the bytes.
    pub digest: Digest,
    /// What the registry says that they are.
    pub media_type: Option<String>,
}

/// A connection to one repository. May be used by several threads at once.
#[derive(Debug)]
pub struct Registry {
    client: Client,
    authority: String,
    tls_verify: bool,
    origin: OnceLock<Origin>,
    repository: String,
    rights: Rights,
    credentials: Option<Credentials>,
    session: Mutex<Session>,
}

/// What the registry accepted last.
#[derive(Debug, Default)]
struct Session {
    authorization: Option<Authorization>,
    /// The token server that asked for the credentials and did not get them.
    withheld_from: Option<Origin>,
}

impl Registry {
    /// The place that a name means by registries.conf. Finds the credentials; asks nobody yet.
    pub fn new(reference: &Reference, access: &Access) -> Result<Self> {
        let registries = Registries::load()?;
        Self::at(&registries, &registries.primary(reference)?, reference, access)
    }

    /// The same, for more or less than pulling.
    pub fn asked_for(self, rights: Rights) -> Self {
        Self { rights, ..self }
    }

    /// One of the sources of a name. Credentials from the command line are for the name's own registry alone.
    pub fn at(registries: &Registries, source: &Source, name: &Reference, access: &Access) -> Result<Self> {
        let Reference { registry, repository, .. } = &source.reference;
        let given = access.creds.clone().filter(|_| *registry == name.registry);
        let credentials = match given {
            Some(given) => Some(given),
            None => auth::find(registry, repository, access.authfile.as_deref(), &registries.helpers())?,
        };
        let tls_verify = access.tls_verify.unwrap_or(!source.insecure);
        Self::of((registry, repository), credentials, tls_verify, access, patience(access))
    }

    /// Whether a registry takes credentials, asked as `login` asks it: for no repository.
    pub fn check(host: &str, credentials: Credentials, access: &Access) -> Result<()> {
        let tls_verify = match access.tls_verify {
            Some(given) => given,
            None => !Registries::load()?.is_insecure(host)?,
        };
        let registry = Self::of((host, ""), Some(credentials), tls_verify, access, patience(access))?;
        let refused = "invalid username/password";
        match registry.ask(Request::get(Url::new(registry.origin()?, "/v2/"))) {
            Ok(response) if response.status == 200 => Ok(()),
            Ok(response) if response.status == 401 => Err(registry.refusal(response).context(refused)),
            Ok(response) => Err(registry.refusal(response)),
            Err(error) if error.is::<NoToken>() => Err(error.context(refused)),
            Err(error) => Err(error),
        }
    }

    #[cfg(test)]
    pub(super) fn with_patience(reference: &Reference, access: &Access, patience: Patience) -> Result<Self> {
        let Reference { registry, repository, .. } = reference;
        let credentials = match &access.creds {
            Some(credentials) => Some(credentials.clone()),
            None => auth::find_in_files(registry, repository, access.authfile.as_deref())?,
        };
        Self::of((registry, repository), credentials, access.tls_verify != Some(false), access, patience)
    }

    /// A repository of a registry, or without one the registry itself.
    fn of(
        (host, repository): (&str, &str),
        credentials: Option<Credentials>,
        tls_verify: bool,
        access: &Access,
        patience: Patience,
    ) -> Result<Self> {
        let authority = match host {
            DEFAULT_REGISTRY => DOCKER_HUB,
            other => other,
        };
        let origin = Origin::parse(Scheme::Https, authority)?;
        let trust = Trust {
            authority: origin.authority(),
            unverified_host: (!tls_verify).then(|| origin.host.clone()),
            cert_dir: access.cert_dir.clone(),
        };
        Ok(Self {
            client: Client::new(trust, patience),
            authority: authority.to_owned(),
            tls_verify,
            origin: OnceLock::new(),
            repository: repository.to_owned(),
            rights: if repository.is_empty() { Rights::Look } else { Rights::Pull },
            credentials,
            session: Mutex::default(),
        })
    }

    /// The manifest or index of a tag.
    pub fn manifest_of_tag(&self, tag: &str) -> Result<Fetched> {
        self.manifest(tag)
    }

    /// The manifest or index of a digest, which its bytes have.
    pub fn manifest_of_digest(&self, digest: &Digest) -> Result<Fetched> {
        let fetched = self.manifest(&digest.to_string())?;
        if fetched.digest != *digest {
            return Err(Kind::BadInput.error(format!("asked for {digest}, but the bytes have {}", fetched.digest)));
        }
        Ok(fetched)
    }

    fn manifest(&self, reference: &str) -> Result<Fetched> {
        let response = self.get(&format!("manifests/{reference}"), Some(&ACCEPTED.join(", ")), None)?;
        if response.status != 200 {
            return Err(self.refusal(response));
        }
        let media_type = response.header("content-type").map(str::to_owned);
        let announced = response.header("docker-content-digest").and_then(|text| Digest::parse(text).ok());
        let bytes = response.document(MANIFEST_BYTES_MAX)?;
        let digest = Digest::of(&bytes);
        if announced.is_some_and(|announced| announced != digest) {
            bail!("the registry announces another digest than {digest}, which the bytes have");
        }
        Ok(Fetched { bytes, digest, media_type })
    }

    fn get(&self, path: &str, accept: Option<&str>, range: Option<(u64, Option<u64>)>) -> Result<Response> {
        self.ask(Request { accept, range, ..self.request(Method::Get, path)? })
    }

    /// A request for something below the repository.
    fn request(&self, method: Method, path: &str) -> Result<Request<'static>> {
        Ok(Request::new(method, Url::new(self.origin()?, &format!("/v2/{}/{path}", self.repository))))
    }

    /// Sends a request, logging in if the registry wants that.
    fn ask(&self, request: Request) -> Result<Response> {
        let origin = self.origin()?;
        let used = self.session.lock().expect("no holder of the lock panics").authorization.clone();
        let mut request = Request { authorization: used.as_ref(), ..request };
        let response = self.client.send(&request)?;
        // Only the registry itself may ask for credentials, not a server that it redirects to.
        if response.status != 401 || response.url.origin != *origin {
            return Ok(response);
        }
        let Some(challenge) = challenge::choose(response.header_all("www-authenticate")) else { return Ok(response) };
        let Some(fresh) = self.log_in(origin, &challenge, used.as_ref()).context("log in")? else {
            return Ok(response);
        };
        request.authorization = Some(&fresh);
        self.client.send(&request)
    }

    /// Without verification a registry may be one without TLS, and only then (the user has said so).
    fn origin(&self) -> Result<&Origin> {
        if let Some(origin) = self.origin.get() {
            return Ok(origin);
        }
        let https = Origin::parse(Scheme::Https, &self.authority)?;
        let origin = match self.tls_verify || self.client.speaks_tls(&https)? {
            true => https,
            false => Origin::parse(Scheme::Http, &self.authority)?,
        };
        Ok(self.origin.get_or_init(|| origin))
    }

    /// Answers a challenge. None if there is nothing to answer it with.
    fn log_in(
        &self,
        origin: &Origin,
        challenge: &Challenge,
        refused: Option<&Authorization>,
    ) -> Result<Option<Authorization>> {
        // Held while the token server is asked, so that of several threads with an expired token one asks.
        let mut session = self.session.lock().expect("no holder of the lock panics");
        let latest = session.authorization.as_ref().map(|latest| &latest.value);
        if latest.is_some() && latest != refused.map(|refused| &refused.value) {
            return Ok(session.authorization.clone());
        }
        let value = match challenge {
            Challenge::Basic => self.credentials.as_ref().and_then(challenge::basic),
            Challenge::Bearer { realm, service, scope } => {
                let token = self.token(origin, realm, service.as_deref(), scope.as_deref(), &mut session)?;
                Some(format!("Bearer {}", token.reveal()))
            }
        };
        session.authorization =
            value.map(|value| Authorization { origin: origin.clone(), value: Secret::new(value) });
        Ok(session.authorization.clone())
    }

    /// Fetches a token (distribution: "Token Authentication Specification", "Using OAuth2").
    fn token(
        &self,
        origin: &Origin,
        realm: &str,
        service: Option<&str>,
        scope: Option<&str>,
        session: &mut Session,
    ) -> Result<Secret> {
        let server = challenge::token_server(origin, realm)?;
        let credentials = self.credentials.as_ref().filter(|_| server.is_trusted);
        if credentials.is_none() && self.credentials.is_some() {
            session.withheld_from = Some(server.url.origin.clone());
        }
        let scopes = self.rights.scopes(scope.unwrap_or_default(), &self.repository);
        let mut parameters: Vec<(&str, &str)> = scopes.iter().map(|scope| ("scope", scope.as_str())).collect();
        parameters.extend(service.map(|service| ("service", service)));
        let response = match credentials {
            Some(Credentials::IdentityToken(token)) => {
                // A form has one scope, a list (RFC 6749, section 3.3).
                let scope = scopes.join(" ");
                parameters.retain(|(name, _)| *name != "scope");
                parameters.extend((!scope.is_empty()).then_some(("scope", scope.as_str())));
                parameters.extend([("grant_type", "refresh_token"), ("client_id", "coracle")]);
                parameters.push(("refresh_token", token.reveal()));
                let form = form(&parameters);
                self.client.send(&Request {
                    content: Content::Form(&form),
                    ..Request::new(Method::Post, server.url.clone())
                })?
            }
            Some(password @ Credentials::Password { user, .. }) => {
                parameters.push(("account", user));
                let value = challenge::basic(password).context("a password makes a header")?;
                let bound = Authorization { origin: server.url.origin.clone(), value: Secret::new(value) };
                let url = server.url.with_query(&parameters);
                self.client.send(&Request { authorization: Some(&bound), ..Request::get(url) })?
            }
            None => self.client.send(&Request::get(server.url.with_query(&parameters)))?,
        };
        if response.status != 200 {
            let is_refused = matches!(response.status, 401 | 403);
            let error = self.refused(response, credentials.is_some(), session);
            return Err(if is_refused { error.context(NoToken) } else { error });
        }
        token_in(&response.document(ANSWER_BYTES_MAX)?)
    }

    fn refusal(&self, response: Response) -> anyhow::Error {
        let session = self.session.lock().expect("no holder of the lock panics");
        self.refused(response, self.credentials.is_some(), &session)
    }

    fn refused(&self, response: Response, has_credentials: bool, session: &Session) -> anyhow::Error {
        let name = if self.authority == DOCKER_HUB { DEFAULT_REGISTRY } else { &self.authority };
        refusal::refusal(name, response, has_credentials, session.withheld_from.as_ref())
    }
}

/// The token server does not take the credentials.
#[derive(Debug)]
struct NoToken;

impl std::fmt::Display for NoToken {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("get token")
    }
}

pub(super) fn patience(access: &Access) -> Patience {
    let mut patience = Patience::default();
    if let Some(retries) = access.retries {
        patience.tries = 1 + retries.min(RETRIES_MAX) as u32;
    }
    if let Some(pause) = access.pause {
        patience.pause = pause.min(PAUSE_MAX);
    }
    patience
}

fn form(parameters: &[(&str, &str)]) -> Secret {
    let pairs: Vec<String> =
        parameters.iter().map(|(name, value)| format!("{name}={}", percent_encoded(value))).collect();
    Secret::new(pairs.join("&"))
}

#[derive(Deserialize)]
struct TokenAnswer {
    token: Option<String>,
    access_token: Option<String>,
}

fn token_in(answer: &[u8]) -> Result<Secret> {
    let answer: TokenAnswer =
        serde_json::from_slice(answer).map_err(|_| Kind::BadInput.error("the token server answers no JSON"))?;
    let usable = |token: &String| {
        !token.is_empty() && token.len() <= TOKEN_BYTES_MAX && token.bytes().all(|byte| byte.is_ascii_graphic())
    };
    let token = [answer.token, answer.access_token].into_iter().flatten().find(usable);
    token.map(Secret::new).ok_or_else(|| Kind::BadInput.error("the token server gives no token"))
}

#[cfg(test)]
mod tests;

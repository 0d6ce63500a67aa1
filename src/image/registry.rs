//! One repository of a registry: its manifests and blobs, and the log-in that they ask for.
//!
//! Distribution spec, "Pulling"; for "Pushing" see `upload.rs`. Answers are bounded and compared with what was asked
//! for; whether the bytes are the right ones is for those to check who know the digest.

mod listing;
mod refusal;
mod rights;
mod upload;

pub use listing::Found;
pub use rights::Rights;
pub use upload::Outgoing;

use super::auth::{self, Credentials, Secret};
use super::challenge::{self, Challenge};
use super::http::{Authorization, Body, Client, Content, Method, Patience, Request, Response};
use super::manifest::{ACCEPTED, MANIFEST_BYTES_MAX};
use super::origin::{Origin, Scheme, Url, percent_encoded};
use super::reference::{DEFAULT_REGISTRY, Reference};
use super::registries::{Registries, Source};
use super::trust::Trust;
use crate::error::{self, Kind};
use crate::store::digest::Digest;
use anyhow::{Context, Result, bail};
use serde::Deserialize;
use std::io::Read;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::{Mutex, OnceLock};
use std::time::Duration;

/// Where the registry `docker.io` is reached.
const DOCKER_HUB: &str = "registry-1.docker.io";
/// The largest answer of a token server, and the largest error.
const ANSWER_BYTES_MAX: usize = 1 << 20;
/// The longest token; it must fit into the header of a request.
const TOKEN_BYTES_MAX: usize = 32 << 10;
/// A broken transfer that brought this much counts as progress and may break again.
const PROGRESS_BYTES: u64 = 1 << 20;

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

    /// The bytes of a blob of a known size, as they come in. Takes up a broken transfer where it broke.
    pub fn blob(&self, digest: &Digest, size: u64) -> Result<Blob<'_>> {
        self.rest_of_blob(digest, size, 0)
    }

    /// The same without its first bytes.
    pub fn rest_of_blob(&self, digest: &Digest, size: u64, from: u64) -> Result<Blob<'_>> {
        let body = self.blob_from(digest, size, from)?;
        Ok(Blob::new(self, *digest, size, from..size, body))
    }

    /// A part of a blob. An error if the registry serves no parts.
    pub fn part_of_blob(&self, digest: &Digest, size: u64, part: Range<u64>) -> Result<Blob<'_>> {
        let body = self.blob_part(digest, size, &part)?;
        Ok(Blob { is_part: true, ..Blob::new(self, *digest, size, part, body) })
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

    fn blob_from(&self, digest: &Digest, size: u64, from: u64) -> Result<Body> {
        let path = format!("blobs/{digest}");
        let mut response = self.get(&path, None, (from > 0).then_some((from, None)))?;
        // 416: some that serve no ranges say so instead of sending the whole (RFC 9110, section 14.2).
        if from > 0 && response.status == 416 {
            response = self.get(&path, None, None)?;
        }
        let (skip, rest) = match (response.status, from) {
            (200, _) => (from, size),
            (206, 1..) if is_range(&response, from) => (0, size - from),
            (206, _) => bail!("the registry sends another part of the blob than was asked for"),
            _ => return Err(self.refusal(response)),
        };
        check_length(&response, rest)?;
        let mut body = response.into_body();
        // A server without ranges begins again; what came before was hashed already.
        std::io::copy(&mut body.by_ref().take(skip), &mut std::io::sink())?;
        Ok(body)
    }

    fn blob_part(&self, digest: &Digest, size: u64, part: &Range<u64>) -> Result<Body> {
        let last = part.end.checked_sub(1).context("a part has bytes")?;
        let response = self.get(&format!("blobs/{digest}"), None, Some((part.start, Some(last))))?;
        match response.status {
            206 if is_range(&response, part.start) && is_of_size(&response, size) => {
                check_length(&response, part.end - part.start)?;
                Ok(response.into_body())
            }
            200 | 206 => bail!("the registry sends another part of the blob than was asked for"),
            _ => Err(self.refusal(response)),
        }
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

/// A blob that is being read, or a part of one.
pub struct Blob<'a> {
    registry: &'a Registry,
    digest: Digest,
    /// Of the whole blob.
    size: u64,
    /// The first byte that is not read any more.
    end: u64,
    is_part: bool,
    body: Body,
    received: u64,
    /// Received since the transfer was last taken up.
    progress: u64,
    tries: u32,
}

impl<'a> Blob<'a> {
    fn new(registry: &'a Registry, digest: Digest, size: u64, range: Range<u64>, body: Body) -> Self {
        let Range { start, end } = range;
        Self { registry, digest, size, end, is_part: false, body, received: start, progress: 0, tries: 1 }
    }

    /// Asks for what has not been received.
    fn rest(&self) -> Result<Body> {
        match self.is_part {
            true => self.registry.blob_part(&self.digest, self.size, &(self.received..self.end)),
            false => self.registry.blob_from(&self.digest, self.size, self.received),
        }
    }
}

impl Read for Blob<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        use std::io::{Error, ErrorKind};
        loop {
            let broken = match self.body.read(buffer) {
                Ok(0) if self.received == self.end || buffer.is_empty() => return Ok(0),
                Ok(0) => Error::new(ErrorKind::UnexpectedEof, "the connection was closed before the end"),
                Ok(read) => {
                    self.received += read as u64;
                    self.progress += read as u64;
                    if self.received > self.end {
                        let message = format!("the blob is longer than the {} bytes of its manifest", self.end);
                        return Err(Error::new(ErrorKind::InvalidData, message));
                    }
                    return Ok(read);
                }
                Err(error) => error,
            };
            if self.progress >= PROGRESS_BYTES {
                self.tries = 1;
            }
            let patience = self.registry.client.patience();
            if self.received == self.end || self.tries >= patience.tries {
                return Err(broken);
            }
            std::thread::sleep(patience.pause_after(self.tries));
            self.tries += 1;
            self.progress = 0;
            self.body = self.rest().map_err(|error| Error::other(error::line(&error)))?;
        }
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

fn check_length(response: &Response, expected: u64) -> Result<()> {
    let announced = response.header("content-length").and_then(|length| length.parse::<u64>().ok());
    match announced.filter(|announced| *announced != expected) {
        Some(announced) => bail!("the registry announces {announced} bytes where the manifest says {expected}"),
        None => Ok(()),
    }
}

fn is_range(response: &Response, from: u64) -> bool {
    let start = response.header("content-range").and_then(|range| range.strip_prefix("bytes "));
    start.and_then(|range| range.split_once('-')).is_some_and(|(start, _)| start.parse() == Ok(from))
}

/// Whether the whole that a part is of has this size, where the server says so (RFC 9110, section 14.4).
fn is_of_size(response: &Response, size: u64) -> bool {
    let whole = response.header("content-range").and_then(|range| range.rsplit_once('/'));
    whole.is_none_or(|(_, whole)| whole == "*" || whole.parse() == Ok(size))
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

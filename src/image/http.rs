//! HTTP to registries and where they send us: redirects, retries, limits. Knows nothing of images.
//!
//! Redirects are followed here and not in the HTTP library, so that one rule holds for every header: what is bound to
//! an origin never leaves it.

mod body;
mod framing;
mod trouble;

pub use body::{Body, Part};

use super::auth::Secret;
use super::origin::{Origin, Scheme, Url};
use super::trust::Trust;
use crate::error::Kind;
use crate::fs;
use anyhow::{Context, Result};
use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;
use trouble::{Fault, Trouble};
use ureq::config::AutoHeaderValue;
use ureq::http::HeaderMap;
use ureq::unversioned::resolver::DefaultResolver;
use ureq::unversioned::transport::{Connector, DefaultConnector};

/// How many redirects one request may follow.
const REDIRECTS_MAX: usize = 5;
/// The largest header that an answer may have, and the most between two pieces of its body.
const HEADER_BYTES_MAX: usize = 64 << 10;

/// How long to wait for what, and how often.
#[derive(Clone, Debug)]
pub struct Patience {
    /// To find the address, to connect and to agree on a key.
    pub connect: Duration,
    /// Between two bytes, and the time over which the least rate is measured.
    pub idle: Duration,
    /// Before the second try; doubled for each further one.
    pub pause: Duration,
    /// Until a server has put away what it was sent, and says so.
    pub commit: Duration,
    /// The longest `Retry-After` that is waited for; who wants more gets no further try.
    pub retry_after_max: Duration,
    /// How often a request is sent, or a broken transfer taken up without progress.
    pub tries: u32,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            idle: Duration::from_secs(30),
            pause: Duration::from_secs(1),
            commit: Duration::from_secs(300),
            retry_after_max: Duration::from_secs(120),
            tries: 3,
        }
    }
}

impl Patience {
    /// The pause after a failed try: doubled each time, with jitter, so that many clients do not come back together.
    pub fn pause_after(&self, tries: u32) -> Duration {
        use std::hash::{BuildHasher, RandomState};
        let random = (RandomState::new().hash_one(tries) % 1000) as u32;
        self.pause * (1 << (tries - 1).min(6)) * (500 + random) / 1000
    }

    /// The same, but as long as the server has asked for. None if that is not bearable, or there were tries enough.
    pub fn pause_as_asked(&self, tries: u32, asked: Duration) -> Option<Duration> {
        let is_worth_it = tries < self.tries && asked <= self.retry_after_max;
        is_worth_it.then(|| asked.max(self.pause_after(tries)))
    }
}

/// The value of an `Authorization` header with the only server that may see it.
#[derive(Clone, Debug)]
pub struct Authorization {
    pub origin: Origin,
    pub value: Secret,
}

/// What to ask for.
#[derive(Clone)]
pub struct Request<'a> {
    pub method: Method,
    pub url: Url,
    pub accept: Option<&'a str>,
    pub authorization: Option<&'a Authorization>,
    /// Ask for a part of the body: from this byte on, to this one if not to the end.
    pub range: Option<(u64, Option<u64>)>,
    pub content: Content<'a>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    Get,
    Head,
    Post,
    Put,
    Patch,
}

/// What a request carries.
#[derive(Clone, Copy)]
pub enum Content<'a> {
    Nothing,
    /// Goes to whom it was meant for alone: a redirect of it is an error.
    Form(&'a Secret),
    Document {
        media_type: &'a str,
        bytes: &'a [u8],
    },
    /// A part of a file. Whoever sends it knows what to do when that fails; it is not just sent again.
    Part(&'a Part<'a>),
}

impl Request<'_> {
    pub fn new(method: Method, url: Url) -> Self {
        Self { method, url, accept: None, authorization: None, range: None, content: Content::Nothing }
    }

    pub fn get(url: Url) -> Self {
        Self::new(Method::Get, url)
    }
}

/// The last answer, after all redirects.
pub struct Response {
    /// What answered, which a redirect may have chosen.
    pub url: Url,
    pub status: u16,
    headers: HeaderMap,
    body: Body,
}

impl Response {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    pub fn header_all(&self, name: &str) -> impl Iterator<Item = &str> {
        self.headers.get_all(name).iter().filter_map(|value| value.to_str().ok())
    }

    /// How long the server wants to be left alone, if it is overloaded; None if trying again would not help.
    pub fn busy(&self) -> Option<Duration> {
        let is_busy = matches!(self.status, 429 | 500 | 502 | 503 | 504);
        is_busy.then(|| retry_after(self).unwrap_or_default())
    }

    /// The whole body, which must be a small one.
    pub fn document(self, bytes_max: usize) -> Result<Vec<u8>> {
        fs::read_all(self.body, bytes_max)
    }

    pub fn into_body(self) -> Body {
        self.body
    }
}

impl Method {
    fn name(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Head => "HEAD",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
        }
    }
}

/// The connections to a registry and to the servers it refers to.
#[derive(Debug)]
pub struct Client {
    trust: Trust,
    patience: Patience,
    agents: Mutex<HashMap<Origin, ureq::Agent>>,
}

impl Client {
    pub fn new(trust: Trust, patience: Patience) -> Self {
        Self { trust, patience, agents: Mutex::new(HashMap::new()) }
    }

    pub fn patience(&self) -> &Patience {
        &self.patience
    }

    /// Sends a request, again if the server is overloaded or the connection breaks, and follows redirects.
    /// An answer with an error status is an answer.
    pub fn send(&self, request: &Request) -> Result<Response> {
        let mut tries = if matches!(request.content, Content::Part(_)) { self.patience.tries } else { 1 };
        loop {
            let outcome = self.follow(request);
            let asked = match &outcome {
                Ok(response) => response.busy(),
                Err(trouble) => (trouble.fault == Fault::Broken).then_some(Duration::ZERO),
            };
            let pause = asked.and_then(|asked| self.patience.pause_as_asked(tries, asked));
            let Some(pause) = pause else { return Ok(outcome?) };
            drop(outcome);
            std::thread::sleep(pause);
            tries += 1;
        }
    }

    /// Whether the server agrees on a TLS connection. An error if it cannot be known.
    pub fn speaks_tls(&self, origin: &Origin) -> Result<bool> {
        match self.exchange(&Request::get(Url::new(origin, "/v2/"))) {
            Ok(_) => Ok(true),
            Err(Trouble { fault: Fault::Broken | Fault::Refused | Fault::NotTls, .. }) => Ok(false),
            Err(trouble) => Err(trouble.into()),
        }
    }

    fn follow(&self, request: &Request) -> Result<Response, Trouble> {
        let mut request = request.clone();
        for _ in 0..=REDIRECTS_MAX {
            let response = self.exchange(&request)?;
            let is_redirect = matches!(response.status, 301 | 302 | 303 | 307 | 308);
            let Some(location) = response.header("location").filter(|_| is_redirect) else { return Ok(response) };
            let next = request.url.join(location).context("follow redirect")?;
            check_redirect(&request.url.origin, &next.origin)?;
            let may_move = match request.content {
                Content::Nothing if matches!(request.method, Method::Get | Method::Head) => true,
                Content::Nothing | Content::Document { .. } | Content::Part(_) => {
                    matches!(response.status, 307 | 308)
                }
                Content::Form(_) => false,
            };
            if !may_move {
                return Err(Kind::Denied.error(format!("{} redirects what it is sent", request.url.origin)).into());
            }
            if next.origin != request.url.origin {
                // A chain that comes back does not get it again: a stranger chose that URL.
                request.authorization = None;
            }
            request.url = next;
        }
        Err(Kind::Denied.error(format!("{} redirects more than {REDIRECTS_MAX} times", request.url.origin)).into())
    }

    fn exchange(&self, request: &Request) -> Result<Response, Trouble> {
        let origin = &request.url.origin;
        let agent = self.agent(origin)?;
        let mut head = ureq::http::Request::builder().uri(request.url.to_string());
        if let Some(accept) = request.accept {
            head = head.header("accept", accept);
        }
        // The one place that reveals it, and only to whom it is bound.
        if let Some(authorization) = request.authorization.filter(|authorization| authorization.origin == *origin) {
            head = head.header("authorization", authorization.value.reveal());
        }
        if let Some((first, last)) = request.range {
            let last = last.map(|last| last.to_string()).unwrap_or_default();
            head = head.header("range", format!("bytes={first}-{last}"));
        }
        let head = head.method(request.method.name());
        let outcome = match request.content {
            Content::Nothing if matches!(request.method, Method::Get | Method::Head) => {
                agent.run(head.body(()).context("make request")?)
            }
            Content::Nothing => agent.run(head.body(&[][..]).context("make request")?),
            Content::Form(form) => {
                let head = head.header("content-type", "application/x-www-form-urlencoded");
                agent.run(head.body(form.reveal()).context("make request")?)
            }
            Content::Document { media_type, bytes } => {
                agent.run(head.header("content-type", media_type).body(bytes).context("make request")?)
            }
            Content::Part(part) => {
                let mut source = part.open(self.patience.idle);
                let mut head = head.header("content-type", "application/octet-stream");
                head = head.header("content-length", part.bytes().to_string());
                if let Some(range) = part.content_range() {
                    head = head.header("content-range", range);
                }
                let sent = head.body(ureq::SendBody::from_reader(&mut source)).context("make request")?;
                let sent = agent.configure_request(sent).timeout_recv_response(Some(self.patience.commit)).build();
                agent.run(sent)
            }
        };
        let (head, body) = outcome.map_err(|error| Trouble::of(&self.patience, origin, error))?.into_parts();
        let body = Body::new(body.into_reader(), self.patience.idle);
        Ok(Response { url: request.url.clone(), status: head.status.as_u16(), headers: head.headers, body })
    }

    fn agent(&self, origin: &Origin) -> Result<ureq::Agent> {
        let mut agents = self.agents.lock().expect("no holder of the lock panics");
        if let Some(agent) = agents.get(origin) {
            return Ok(agent.clone());
        }
        let mut config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .user_agent(concat!("coracle/", env!("CARGO_PKG_VERSION")))
            // Blobs must arrive as they are named, not compressed once more on the way.
            .accept_encoding(AutoHeaderValue::None)
            .max_response_header_size(HEADER_BYTES_MAX)
            .timeout_resolve(Some(self.patience.connect))
            .timeout_connect(Some(self.patience.connect))
            .timeout_send_request(Some(self.patience.idle))
            .timeout_per_write(Some(self.patience.idle))
            .timeout_recv_response(Some(self.patience.idle))
            .timeout_per_read(Some(self.patience.idle));
        if origin.scheme == Scheme::Https {
            config = config.tls_config(self.trust.config(origin)?);
        }
        if origin.is_local() {
            config = config.proxy(None);
        }
        let connector = DefaultConnector::default().chain(framing::Watch);
        let agent = ureq::Agent::with_parts(config.build(), connector, DefaultResolver::default());
        agents.insert(origin.clone(), agent.clone());
        Ok(agent)
    }
}

/// Whether a server may send us on to another.
pub fn check_redirect(from: &Origin, to: &Origin) -> Result<()> {
    if from.scheme == Scheme::Https && to.scheme == Scheme::Http {
        return Err(Kind::Denied.error(format!("{from} redirects to {to}, without TLS")));
    }
    // A public server has no business with what only this machine can reach.
    if to.is_local() && !from.is_local() {
        return Err(Kind::Denied.error(format!("{from} redirects to the local address {}", to.authority())));
    }
    Ok(())
}

/// Seconds or a date (RFC 9110, section 10.2.3).
fn retry_after(response: &Response) -> Option<Duration> {
    let value = response.header("retry-after")?.trim();
    if let Ok(seconds) = value.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = chrono::DateTime::parse_from_rfc2822(value).ok()?;
    (date.to_utc() - chrono::Utc::now()).to_std().ok()
}

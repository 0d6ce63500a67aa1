//! Why a server did not answer, in words and for who decides whether to try again.

use super::Patience;
use crate::error::Kind;
use crate::image::origin::{Origin, Scheme, shown};

/// An error with what decides whether to try again.
pub struct Trouble {
    pub fault: Fault,
    pub error: anyhow::Error,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The connection ended in the middle.
    Broken,
    Refused,
    NotTls,
    Other,
}

impl Trouble {
    /// Why there was no answer, in words.
    pub fn of(patience: &Patience, origin: &Origin, error: ureq::Error) -> Self {
        use std::io::ErrorKind;
        let text = shown(&error.to_string(), 300);
        let (fault, cause) = match error {
            ureq::Error::Timeout(ureq::Timeout::Resolve | ureq::Timeout::Connect) => {
                (Fault::Other, Kind::Engine.error(format!("no connection within {:?}", patience.connect)))
            }
            ureq::Error::Timeout(_) => {
                (Fault::Other, Kind::Engine.error(format!("no answer within {:?}", patience.idle)))
            }
            ureq::Error::HostNotFound => (Fault::Other, not_found()),
            // What std says when getaddrinfo(3) fails; it has no kind of its own.
            ureq::Error::Io(_) if text.contains("failed to lookup address information") => {
                (Fault::Other, not_found())
            }
            ureq::Error::Io(error) => match error.kind() {
                ErrorKind::ConnectionRefused => (Fault::Refused, refused(origin)),
                ErrorKind::ConnectionReset
                | ErrorKind::ConnectionAborted
                | ErrorKind::BrokenPipe
                | ErrorKind::UnexpectedEof => (Fault::Broken, Kind::Engine.error("the server closes the connection")),
                ErrorKind::InvalidData => tls_trouble(origin, &text),
                _ => (Fault::Other, error.into()),
            },
            _ => (Fault::Other, Kind::Engine.error(text)),
        };
        Self { fault, error: cause.context(format!("reach {}", origin.authority())) }
    }
}

impl From<anyhow::Error> for Trouble {
    fn from(error: anyhow::Error) -> Self {
        Self { fault: Fault::Other, error }
    }
}

impl From<Trouble> for anyhow::Error {
    fn from(trouble: Trouble) -> Self {
        trouble.error
    }
}

fn not_found() -> anyhow::Error {
    Kind::Engine
        .hinted("host not found", "check how it is spelled, and that this host finds names: getent hosts NAME")
}

/// Nothing listens there. One that is named without a port may be a registry without TLS, which listens on another.
fn refused(origin: &Origin) -> anyhow::Error {
    let port = origin.port;
    let hint = match origin.scheme {
        Scheme::Https if port == 443 => "name its port (HOST:5000/IMAGE), or use --tls-verify=false if it has no TLS",
        Scheme::Https | Scheme::Http => "start the server, or name the port that it listens on",
    };
    Kind::Engine.hinted(format!("connection refused: nothing listens on port {port}"), hint)
}

/// The library tells these apart in its text only.
fn tls_trouble(origin: &Origin, text: &str) -> (Fault, anyhow::Error) {
    match text.split_once("invalid peer certificate: ") {
        Some((_, reason)) => {
            let reason = match reason.split([' ', '(', '{']).next() {
                Some("UnknownIssuer") => "signed by an unknown authority",
                Some("Expired" | "ExpiredContext") => "expired",
                Some("NotValidForName" | "NotValidForNameContext") => "issued for another name",
                _ => reason,
            };
            let dir = format!("/etc/containers/certs.d/{}", origin.authority());
            let hint = format!("put the certificate of its authority into {dir}/ca.crt, or use --tls-verify=false");
            (Fault::Other, Kind::Denied.hinted(format!("its certificate is not trusted: {reason}"), hint))
        }
        None => {
            let hint = "use --tls-verify=false if it is a registry without TLS";
            (Fault::NotTls, Kind::Denied.hinted("no TLS connection: the server answers with something else", hint))
        }
    }
}

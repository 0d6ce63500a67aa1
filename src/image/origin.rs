//! Where a request goes: scheme, host and port, to which credentials are bound, and URLs made from them.

use crate::error::Kind;
use anyhow::Result;
use std::fmt;
use std::net::IpAddr;

/// The longest URL that is followed.
const URL_BYTES_MAX: usize = 16 << 10;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scheme {
    Http,
    Https,
}

/// One server. Two servers are the same only if all three agree (RFC 6454, section 4).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Origin {
    pub scheme: Scheme,
    /// Lower case; an IPv6 address stands in brackets.
    pub host: String,
    pub port: u16,
}

impl Origin {
    /// From `host` or `host:port`.
    pub fn parse(scheme: Scheme, authority: &str) -> Result<Self> {
        let bad = || Kind::BadInput.error(format!("{:?} is not the name of a host", shown(authority, 100)));
        let (host, port) = match authority.rsplit_once(':') {
            // The colons of `[::1]` are not followed by a port.
            Some((host, port)) if !port.ends_with(']') => {
                let digits = !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
                (host, port.parse().ok().filter(|port| digits && *port != 0).ok_or_else(bad)?)
            }
            _ => (authority, default_port(scheme)),
        };
        let host = host.to_ascii_lowercase();
        if !is_host(&host) {
            return Err(bad());
        }
        Ok(Self { scheme, host, port })
    }

    /// `host`, or `host:port` where the port is not the usual one: the name of its directory below `certs.d`.
    pub fn authority(&self) -> String {
        match self.port == default_port(self.scheme) {
            true => self.host.clone(),
            false => format!("{}:{}", self.host, self.port),
        }
    }

    /// Whether the host is this machine or the link, as far as its name says.
    pub fn is_local(&self) -> bool {
        let host = self.host.trim_end_matches('.');
        match address(host).map(|address| address.to_canonical()) {
            Some(IpAddr::V4(address)) => {
                address.is_loopback()
                    || address.is_link_local()
                    || address.is_unspecified()
                    || address.octets()[0] == 0
            }
            Some(IpAddr::V6(address)) => {
                address.is_loopback() || address.is_unspecified() || address.is_unicast_link_local()
            }
            None => host == "localhost" || host.ends_with(".localhost"),
        }
    }

    /// Whether both hosts belong to one owner: the same host, or below the same registrable domain.
    ///
    /// There is no list of public suffixes here: the domain is what is left when the registry's own first label is
    /// taken off, if that still is a name that somebody can own.
    pub fn same_owner(&self, other: &Self) -> bool {
        if self.host == other.host {
            return true;
        }
        let Some((_, domain)) = self.host.split_once('.') else { return false };
        let owned = address(&self.host).is_none() && domain.contains('.') && !is_public_suffix(domain);
        let within = |host: &str, domain: &str| {
            host.strip_suffix(domain).is_some_and(|front| front.is_empty() || front.ends_with('.'))
        };
        within(&other.host, &self.host) || (owned && within(&other.host, domain))
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = match self.scheme {
            Scheme::Http => "http",
            Scheme::Https => "https",
        };
        write!(out, "{scheme}://{}", self.authority())
    }
}

/// An absolute http(s) URL without user information.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Url {
    pub origin: Origin,
    /// Path and query, beginning with a slash.
    target: String,
}

impl Url {
    pub fn new(origin: &Origin, target: &str) -> Self {
        Self { origin: origin.clone(), target: target.to_owned() }
    }

    /// Path and query, beginning with a slash.
    pub fn target(&self) -> &str {
        &self.target
    }

    pub fn parse(text: &str) -> Result<Self> {
        let bad = |why: &str| Kind::BadInput.error(format!("URL {:?} {why}", shown(text, 200)));
        if text.len() > URL_BYTES_MAX {
            return Err(bad("is too long"));
        }
        if !text.bytes().all(|byte| byte.is_ascii_graphic()) || text.contains('\\') {
            return Err(bad("has characters that must be encoded"));
        }
        let (scheme, rest) = text.split_once("://").ok_or_else(|| bad("has no scheme"))?;
        let scheme = match scheme.to_ascii_lowercase().as_str() {
            "http" => Scheme::Http,
            "https" => Scheme::Https,
            _ => return Err(bad("is neither http nor https")),
        };
        let rest = rest.split('#').next().unwrap_or_default();
        let (authority, target) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
        if let Some((_, host)) = authority.rsplit_once('@') {
            // Not shown: there may be a password beside it.
            return Err(Kind::BadInput.error(format!("URL of {:?} carries a user name", shown(host, 200))));
        }
        let slash = if target.starts_with('/') { "" } else { "/" };
        Ok(Self { origin: Origin::parse(scheme, authority)?, target: format!("{slash}{target}") })
    }

    /// What a `Location` header means here (RFC 9110, section 10.2.2).
    pub fn join(&self, location: &str) -> Result<Self> {
        let scheme = if self.origin.scheme == Scheme::Https { "https" } else { "http" };
        let path = self.target.split('?').next().unwrap_or_default();
        let dir = path.rsplit_once('/').map_or("", |(dir, _)| dir);
        let is_absolute = location.split_once("://").is_some_and(|(scheme, _)| !scheme.contains(['/', '?', '#']));
        if is_absolute {
            Self::parse(location)
        } else if location.starts_with("//") {
            Self::parse(&format!("{scheme}:{location}"))
        } else if location.starts_with('/') {
            Self::parse(&format!("{}{location}", self.origin))
        } else {
            Self::parse(&format!("{}{dir}/{location}", self.origin))
        }
    }

    /// The URL with more parameters in its query.
    pub fn with_query(&self, parameters: &[(&str, &str)]) -> Self {
        let mut target = self.target.clone();
        for (name, value) in parameters {
            target.push(if target.contains('?') { '&' } else { '?' });
            target.push_str(&format!("{name}={}", percent_encoded(value)));
        }
        Self { origin: self.origin.clone(), target }
    }
}

impl fmt::Display for Url {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}{}", self.origin, self.target)
    }
}

/// A value as it stands in a query or a form.
pub fn percent_encoded(value: &str) -> String {
    let mut text = String::new();
    for byte in value.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' | b':' => {
                text.push(byte as char)
            }
            _ => text.push_str(&format!("%{byte:02X}")),
        }
    }
    text
}

/// Text from outside on one line: control characters escaped, cut after `characters_max`.
pub fn shown(text: &str, characters_max: usize) -> String {
    let mut line = String::new();
    let mut characters = text.trim().chars();
    for character in characters.by_ref().take(characters_max) {
        // Marks that change the direction of writing can hide text as well as control characters can.
        let hides = matches!(character, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        match character.is_control() || hides {
            true => line.extend(character.escape_default()),
            false => line.push(character),
        }
    }
    if characters.next().is_some() {
        line.push('…');
    }
    line
}

fn default_port(scheme: Scheme) -> u16 {
    match scheme {
        Scheme::Http => 80,
        Scheme::Https => 443,
    }
}

fn address(host: &str) -> Option<IpAddr> {
    match host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
        Some(inner) => inner.parse().ok().map(IpAddr::V6),
        None => host.parse().ok().map(IpAddr::V4),
    }
}

/// A name or an address. Numbers that only a resolver takes for an address (`127.1`, `0x7f.1`) are refused: they would
/// pass by every check of addresses.
fn is_host(host: &str) -> bool {
    if host.starts_with('[') || host.parse::<std::net::Ipv4Addr>().is_ok() {
        return address(host).is_some();
    }
    let name = host.strip_suffix('.').unwrap_or(host);
    let label = |label: &str| {
        !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
    };
    let last = name.rsplit('.').next().unwrap_or_default();
    let numeric = last.starts_with("0x") || last.bytes().all(|byte| byte.is_ascii_digit());
    name.len() <= 253 && name.split('.').all(label) && !numeric
}

/// `co.uk`, `com.au`: two labels below which anybody can register a name. Errs on the side of too many.
fn is_public_suffix(domain: &str) -> bool {
    match domain.split_once('.') {
        Some((second, top)) if !top.contains('.') => top.len() == 2 && second.len() <= 3,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin(text: &str) -> Origin {
        Url::parse(text).unwrap().origin
    }

    #[test]
    fn hosts_that_only_a_resolver_understands_are_refused() {
        for good in ["a.io", "localhost:5000", "127.0.0.1:5000", "[::1]:5000", "[::1]", "a_b.io", "A.IO", "a.io."] {
            assert!(Origin::parse(Scheme::Https, good).is_ok(), "{good}");
        }
        let bad = ["", "..", ".", "a..b", "127.1", "2130706433", "0x7f.1", "0x7f000001", "a b", "a/b", "u@h", "h:"];
        for bad in bad.iter().chain(&["h:0", "h:65536", "h:+1", "[::1", "[1.2.3.4]", "::1", "1.2.3.4.5", "é.io"]) {
            assert!(Origin::parse(Scheme::Https, bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn locations_resolve_and_users_in_them_are_refused() {
        let base = Url::parse("https://r.io/v2/x/blobs/sha256:1?a=b").unwrap();
        for (location, expected) in [
            ("/other?q#f", "https://r.io/other?q"),
            ("//cdn.io/x", "https://cdn.io/x"),
            ("next", "https://r.io/v2/x/blobs/next"),
            ("HTTP://r.io", "http://r.io/"),
            ("https://r.io:443/x", "https://r.io/x"),
            ("/x?to=http://y/", "https://r.io/x?to=http://y/"),
        ] {
            assert_eq!(base.join(location).unwrap().to_string(), expected, "{location}");
        }
        for bad in [
            "https://u:p@r.io/",
            "ftp://r.io/",
            "https://",
            "https://r.io/a b",
            "https://r.io\\@e.io/",
            "file:///etc/passwd",
        ] {
            assert!(base.join(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn local_addresses_are_seen_in_every_spelling() {
        for local in
            ["127.0.0.1", "127.9.9.9:1", "[::1]", "[::ffff:127.0.0.1]", "169.254.169.254", "0.0.0.0", "[fe80::1]"]
        {
            assert!(origin(&format!("http://{local}/")).is_local(), "{local}");
        }
        for name in ["localhost", "x.localhost", "LOCALHOST."] {
            assert!(origin(&format!("http://{name}/")).is_local(), "{name}");
        }
        for far in ["10.0.0.1", "localhost.evil.com", "127.0.0.1.evil.com", "r.io"] {
            assert!(!origin(&format!("http://{far}/")).is_local(), "{far}");
        }
    }

    #[test]
    fn an_owner_is_a_registrable_domain() {
        for (registry, realm, same) in [
            ("registry-1.docker.io", "auth.docker.io", true),
            ("registry.gitlab.com", "gitlab.com", true),
            ("quay.io", "quay.io", true),
            ("quay.io", "evil.io", false),
            ("quay.io", "auth.quay.io", true),
            ("r.example.co.uk", "auth.example.co.uk", true),
            ("example.co.uk", "evil.co.uk", false),
            ("registry.gitlab.com", "evilgitlab.com", false),
            ("localhost", "evil.localhost.com", false),
            ("10.0.0.1", "11.0.0.1", false),
            ("10.0.0.1", "10.0.0.1", true),
        ] {
            let (registry, realm) =
                (origin(&format!("https://{registry}")), origin(&format!("https://{realm}:8443")));
            assert_eq!(registry.same_owner(&realm), same, "{registry} {realm}");
        }
    }

    #[test]
    fn messages_from_outside_stay_on_one_line() {
        assert_eq!(shown("a\u{1b}[31m\nb\u{202e}", 100), "a\\u{1b}[31m\\nb\\u{202e}");
        assert_eq!(shown("abcdef", 3), "abc…");
    }
}

//! How a registry wants to be asked: the `WWW-Authenticate` header, and who may be sent a password.
//!
//! RFC 9110, section 11.6.1; distribution spec "token authentication".

use super::auth::Credentials;
use super::origin::{Origin, Scheme, Url};
use crate::error::Kind;
use anyhow::Result;

/// How many challenges one answer may make.
const CHALLENGES_MAX: usize = 10;

/// What a registry asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Challenge {
    /// The user's name and password with each request.
    Basic,
    /// A token of the server at `realm`.
    Bearer { realm: String, service: Option<String>, scope: Option<String> },
}

/// The challenge that is best answered: tokens before passwords, None if none is understood.
pub fn choose<'a>(headers: impl Iterator<Item = &'a str>) -> Option<Challenge> {
    let mut challenges: Vec<Challenge> = headers.flat_map(parse).take(CHALLENGES_MAX).collect();
    let bearer = challenges.iter().position(|challenge| matches!(challenge, Challenge::Bearer { .. }));
    (!challenges.is_empty()).then(|| challenges.swap_remove(bearer.unwrap_or(0)))
}

/// Whom a token request goes to, and whether it may carry credentials.
#[derive(Debug)]
pub struct TokenServer {
    pub url: Url,
    /// The server belongs to the registry's owner, so that the user meant it too.
    pub is_trusted: bool,
}

/// Judges the realm that a registry names. What the registry says is not to be trusted: it may be hijacked, or serve
/// many.
pub fn token_server(registry: &Origin, realm: &str) -> Result<TokenServer> {
    let refuse = |why: &str| Kind::Denied.error(format!("{registry} asks for a token {why}"));
    let url = Url::parse(realm)?;
    if url.origin.is_local() && !registry.is_local() {
        return Err(refuse("from a local address"));
    }
    // Without TLS only if the registry itself is, and then only there.
    if url.origin.scheme == Scheme::Http && (registry.scheme == Scheme::Https || registry.host != url.origin.host) {
        return Err(refuse(&format!("from {}, without TLS", url.origin)));
    }
    let is_trusted = registry.same_owner(&url.origin);
    Ok(TokenServer { url, is_trusted })
}

/// The value of a Basic `Authorization` header (RFC 7617). None for credentials that are no password.
pub fn basic(credentials: &Credentials) -> Option<String> {
    use base64::Engine as _;
    match credentials {
        Credentials::Password { user, password } => {
            let pair = format!("{user}:{}", password.reveal());
            Some(format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(pair)))
        }
        Credentials::IdentityToken(_) => None,
    }
}

/// All challenges of one header. What is not understood is passed over.
fn parse(header: &str) -> Vec<Challenge> {
    let mut challenges: Vec<(String, Vec<(String, String)>)> = Vec::new();
    let mut rest = header;
    loop {
        rest = rest.trim_start_matches([' ', '\t', ',']);
        let (word, after) = rest.split_at(rest.find([' ', '\t', ',', '=']).unwrap_or(rest.len()));
        if word.is_empty() {
            // Nothing can begin with what stands here; a lone `=` ends the header.
            break;
        }
        match after.trim_start().strip_prefix('=') {
            Some(value) => {
                let (value, after) = value_of(value.trim_start());
                if let Some((_, parameters)) = challenges.last_mut() {
                    parameters.push((word.to_ascii_lowercase(), value));
                }
                rest = after;
            }
            None => {
                challenges.push((word.to_ascii_lowercase(), Vec::new()));
                rest = after;
            }
        }
    }
    challenges.into_iter().filter_map(|(scheme, parameters)| understood(&scheme, parameters)).collect()
}

fn understood(scheme: &str, parameters: Vec<(String, String)>) -> Option<Challenge> {
    // The first of a repeated parameter counts, as where a proxy appends its own.
    let get = |name: &str| {
        let found = parameters.iter().find(|(parameter, _)| parameter == name);
        found.map(|(_, value)| value.clone()).filter(|value| !value.is_empty())
    };
    match scheme {
        "basic" => Some(Challenge::Basic),
        "bearer" => Some(Challenge::Bearer { realm: get("realm")?, service: get("service"), scope: get("scope") }),
        _ => None,
    }
}

/// A token or a quoted string, and what follows it.
fn value_of(text: &str) -> (String, &str) {
    let Some(quoted) = text.strip_prefix('"') else {
        let (value, rest) = text.split_at(text.find([',', ' ', '\t']).unwrap_or(text.len()));
        return (value.to_owned(), rest);
    };
    let mut value = String::new();
    let mut characters = quoted.char_indices();
    while let Some((index, character)) = characters.next() {
        match character {
            '"' => return (value, &quoted[index + 1..]),
            '\\' => value.extend(characters.next().map(|(_, escaped)| escaped)),
            _ => value.push(character),
        }
    }
    (value, "")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn bearer(realm: &str, service: Option<&str>, scope: Option<&str>) -> Option<Challenge> {
        let own = |text: Option<&str>| text.map(str::to_owned);
        Some(Challenge::Bearer { realm: realm.to_owned(), service: own(service), scope: own(scope) })
    }

    #[test]
    fn challenges_are_understood_in_every_spelling() {
        for (header, expected) in [
            (
                r#"Bearer realm="https://a/t",service="s",scope="repository:x:pull,push""#,
                bearer("https://a/t", Some("s"), Some("repository:x:pull,push")),
            ),
            (r#"bearer REALM = "https://a/t" , Scope=abc"#, bearer("https://a/t", None, Some("abc"))),
            (r#"Bearer realm=https://a/t?x=y"#, bearer("https://a/t?x=y", None, None)),
            (r#"Basic realm="a, Bearer realm=b""#, Some(Challenge::Basic)),
            (r#"Basic realm="a", Bearer realm="b""#, bearer("b", None, None)),
            (r#"Negotiate, Basic"#, Some(Challenge::Basic)),
            (r#"BASIC"#, Some(Challenge::Basic)),
            (r#"Bearer realm="a\"b""#, bearer("a\"b", None, None)),
            (r#"Bearer realm="open"#, bearer("open", None, None)),
            (r#"Bearer realm="a",realm="evil""#, bearer("a", None, None)),
            (r#"Bearer service="s""#, None),
            (r#"Digest realm="x", nonce="y""#, None),
            ("", None),
            (",,,===", None),
        ] {
            assert_eq!(choose([header].into_iter()), expected, "{header}");
        }
        assert_eq!(choose(["Basic", r#"Bearer realm="b""#].into_iter()), bearer("b", None, None));
    }

    proptest! {
        #[test]
        fn no_header_makes_the_parser_fail(header in r#"[ -~é]{0,80}"#) {
            choose([header.as_str()].into_iter());
        }
    }

    #[test]
    fn passwords_go_to_the_registrys_owner_only() {
        let judge = |registry: &str, realm: &str| {
            let registry = Url::parse(registry).unwrap().origin;
            token_server(&registry, realm).ok().map(|server| server.is_trusted)
        };
        for (registry, realm, expected) in [
            ("https://registry-1.docker.io", "https://auth.docker.io/token", Some(true)),
            ("https://quay.io", "https://quay.io/v2/auth", Some(true)),
            ("https://quay.io", "https://evil.com/token", Some(false)),
            ("https://quay.io", "https://quay.io.evil.com/token", Some(false)),
            ("https://quay.io", "http://quay.io/token", None),
            ("https://quay.io", "https://169.254.169.254/latest", None),
            ("https://quay.io", "https://127.0.0.1/token", None),
            ("https://quay.io", "https://me:pw@quay.io/token", None),
            ("https://quay.io", "file:///etc/passwd", None),
            ("http://localhost:5000", "http://localhost:5001/token", Some(true)),
            ("http://localhost:5000", "http://10.0.0.1/token", None),
            ("https://localhost:5000", "http://localhost:5000/token", None),
        ] {
            assert_eq!(judge(registry, realm), expected, "{registry} {realm}");
        }
    }
}

//! Image names, as docker and podman read them: `[registry/]repository[:tag][@digest]`.

use crate::error::Kind;
use crate::store::digest::Digest;
use anyhow::Result;
use std::fmt;

/// The registry of names that name none.
pub const DEFAULT_REGISTRY: &str = "docker.io";
/// Where images that were made here and given a short name live.
pub const LOCAL_REGISTRY: &str = "localhost";
const DEFAULT_TAG: &str = "latest";
/// Registry and repository together (distribution, reference grammar).
const NAME_BYTES_MAX: usize = 255;
const TAG_BYTES_MAX: usize = 128;
/// The longest text that can be a reference: a name, a tag, a digest and what is between them.
const TEXT_BYTES_MAX: usize = NAME_BYTES_MAX + TAG_BYTES_MAX + 128;

/// A name that says where an image comes from. Only parsing makes one.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Reference {
    /// `host[:port]`; an IPv6 host stands in brackets.
    pub registry: String,
    pub repository: String,
    pub tag: Option<String>,
    pub digest: Option<Digest>,
}

impl Reference {
    /// Parses a name; one with neither tag nor digest gets the tag `latest`.
    pub fn parse(text: &str) -> Result<Self> {
        Ok(Self::parse_repository(text)?.with_default_tag())
    }

    /// Parses a name and adds no tag, for callers to whom a name without one means all of them.
    pub fn parse_repository(text: &str) -> Result<Self> {
        read(text).map_err(|reason| refuse(text, reason))
    }

    /// The names under which an image may be known here: a short name may be one of ours or one of docker.io's.
    pub fn candidates(text: &str) -> Result<Vec<Self>> {
        let given = Self::parse(text)?;
        if split_registry(text).0.is_some() {
            return Ok(vec![given]);
        }
        let own = Self::parse(&format!("{LOCAL_REGISTRY}/{text}"));
        Ok(own.into_iter().chain([given]).collect())
    }

    /// The name under which a new image is stored: a short one is local.
    pub fn parse_local(text: &str) -> Result<Self> {
        let given = Self::parse(text)?;
        match split_registry(text).0 {
            Some(_) => Ok(given),
            None => Self::parse(&format!("{LOCAL_REGISTRY}/{text}")),
        }
    }

    pub fn with_default_tag(mut self) -> Self {
        if self.tag.is_none() && self.digest.is_none() {
            self.tag = Some(DEFAULT_TAG.to_owned());
        }
        self
    }

    /// Registry and repository, without tag and digest.
    pub fn name(&self) -> String {
        format!("{}/{}", self.registry, self.repository)
    }

    /// The short form that docker prints: without `docker.io/` and `library/`.
    pub fn familiar(&self) -> String {
        let full = self.to_string();
        let Some(rest) = full.strip_prefix("docker.io/") else { return full };
        // docker.io may have a repository that reads like another registry's.
        if split_registry(rest).0.is_some() {
            return full;
        }
        let official = rest.strip_prefix("library/").filter(|_| !self.repository[8..].contains('/'));
        official.unwrap_or(rest).to_owned()
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}/{}", self.registry, self.repository)?;
        if let Some(tag) = &self.tag {
            write!(out, ":{tag}")?;
        }
        if let Some(digest) = &self.digest {
            write!(out, "@{digest}")?;
        }
        Ok(())
    }
}

impl std::str::FromStr for Reference {
    type Err = anyhow::Error;
    fn from_str(text: &str) -> Result<Self> {
        Self::parse(text)
    }
}

fn refuse(text: &str, reason: &str) -> anyhow::Error {
    let shown: String = text.chars().take(100).collect();
    Kind::BadInput.error(format!("image name {shown:?}: {reason}"))
}

fn read(text: &str) -> Result<Reference, &'static str> {
    if text.is_empty() {
        return Err("it is empty");
    }
    if text.len() > TEXT_BYTES_MAX {
        return Err("it is too long");
    }
    // As a name it would hide the image that has it as its id.
    if Digest::parse_hex(text).is_some() {
        return Err("64 hex digits are an id, not a name");
    }
    let (text, digest) = match text.split_once('@') {
        Some((front, digest)) => {
            let digest = Digest::parse(digest).map_err(|_| "after @ comes sha256: and 64 lower-case hex digits")?;
            (front, Some(digest))
        }
        None => (text, None),
    };
    // A colon before the last slash belongs to the registry's port.
    let (name, tag) = match text.rsplit_once(':') {
        Some((name, tag)) if !tag.contains('/') => (name, Some(read_tag(tag)?)),
        Some(_) | None => (text, None),
    };
    let (registry, path) = split_registry(name);
    let registry = match registry {
        None | Some("index.docker.io") => DEFAULT_REGISTRY,
        Some(registry) => check_registry(registry)?,
    };
    check_repository(path)?;
    let official = registry == DEFAULT_REGISTRY && !path.contains('/');
    let repository = if official { format!("library/{path}") } else { path.to_owned() };
    if registry.len() + 1 + repository.len() > NAME_BYTES_MAX {
        return Err("it is too long");
    }
    Ok(Reference { registry: registry.to_owned(), repository, tag, digest })
}

/// The first component is a registry only if it cannot be part of a path.
fn split_registry(text: &str) -> (Option<&str>, &str) {
    match text.split_once('/') {
        Some((first, rest)) if first == LOCAL_REGISTRY || first.contains(['.', ':']) => (Some(first), rest),
        Some(_) | None => (None, text),
    }
}

/// A name without its tag and digest, if it is one that names no registry.
pub fn short(text: &str) -> Option<&str> {
    let name = text.split('@').next().unwrap_or(text);
    let name = name.rsplit_once(':').filter(|(_, tag)| !tag.contains('/')).map_or(name, |(name, _)| name);
    split_registry(name).0.is_none().then_some(name)
}

/// The registry that a text begins with, if it is one, and the rest.
pub fn split(text: &str) -> (Option<&str>, &str) {
    split_registry(text)
}

fn read_tag(tag: &str) -> Result<String, &'static str> {
    let word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let mut bytes = tag.bytes();
    if tag.len() > TAG_BYTES_MAX {
        return Err("its tag is longer than 128 characters");
    }
    if !bytes.next().is_some_and(word) || !bytes.all(|byte| word(byte) || byte == b'.' || byte == b'-') {
        return Err("its tag has other characters than letters, digits, _ . and -");
    }
    Ok(tag.to_owned())
}

fn check_registry(registry: &str) -> Result<&str, &'static str> {
    let (host, port) = match registry.strip_prefix('[') {
        Some(rest) => {
            let (address, port) = rest.split_once(']').ok_or("a bracket of its registry is not closed")?;
            address.parse::<std::net::Ipv6Addr>().map_err(|_| "in brackets stands an IPv6 address")?;
            match port.strip_prefix(':') {
                Some(port) => (None, Some(port)),
                None if port.is_empty() => (None, None),
                None => return Err("after the registry's bracket comes a port"),
            }
        }
        None => match registry.split_once(':') {
            Some((host, port)) => (Some(host), Some(port)),
            None => (Some(registry), None),
        },
    };
    if port.is_some_and(|port| !port.bytes().all(|byte| byte.is_ascii_digit()) || port.parse::<u16>().is_err()) {
        return Err("the port of its registry is not a number up to 65535");
    }
    if !host.is_none_or(|host| host.split('.').all(is_host_label)) {
        return Err("its registry is not a host name");
    }
    Ok(registry)
}

fn is_host_label(label: &str) -> bool {
    !label.is_empty()
        && !label.starts_with('-')
        && !label.ends_with('-')
        && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

fn check_repository(path: &str) -> Result<(), &'static str> {
    if path.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return Err("a repository is written in lower case");
    }
    match path.split('/').all(is_path_component) {
        true => Ok(()),
        false => Err("its repository is not made of lower-case letters and digits, joined by one of . _ __ - or /"),
    }
}

/// Letters and digits, with `.`, `_`, `__` or any number of `-` between them.
fn is_path_component(component: &str) -> bool {
    let alphanumeric = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let bytes = component.as_bytes();
    let (Some(&first), Some(&last)) = (bytes.first(), bytes.last()) else { return false };
    if !alphanumeric(first) || !alphanumeric(last) {
        return false;
    }
    component
        .split(|character: char| character.is_ascii_lowercase() || character.is_ascii_digit())
        .all(|separator| matches!(separator, "" | "." | "_" | "__") || separator.bytes().all(|byte| byte == b'-'))
}

#[cfg(any(test, fuzzing))]
pub mod property;
#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const DIGEST: &str = "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

    #[test]
    fn names_have_a_full_and_a_familiar_form() {
        let table = [
            ("debian", "docker.io/library/debian:latest", "debian:latest"),
            ("debian:12", "docker.io/library/debian:12", "debian:12"),
            ("a/b", "docker.io/a/b:latest", "a/b:latest"),
            ("library/debian", "docker.io/library/debian:latest", "debian:latest"),
            ("docker.io/a.b/c", "docker.io/a.b/c:latest", "docker.io/a.b/c:latest"),
            ("library/a/b", "docker.io/library/a/b:latest", "library/a/b:latest"),
            ("index.docker.io/debian", "docker.io/library/debian:latest", "debian:latest"),
            ("docker.io/debian:1", "docker.io/library/debian:1", "debian:1"),
            ("localhost/x", "localhost/x:latest", "localhost/x:latest"),
            ("localhost:5000/x:1", "localhost:5000/x:1", "localhost:5000/x:1"),
            ("host:5000", "docker.io/library/host:5000", "host:5000"),
            ("[::1]:5000/x", "[::1]:5000/x:latest", "[::1]:5000/x:latest"),
            ("[2001:db8::1]/x/y:z", "[2001:db8::1]/x/y:z", "[2001:db8::1]/x/y:z"),
            ("Quay.IO/a__b/c--d/e.f:V1_2-3.", "Quay.IO/a__b/c--d/e.f:V1_2-3.", "Quay.IO/a__b/c--d/e.f:V1_2-3."),
        ];
        for (text, full, familiar) in table {
            let reference = Reference::parse(text).unwrap();
            assert_eq!((reference.to_string().as_str(), reference.familiar().as_str()), (full, familiar), "{text}");
            assert_eq!(Reference::parse(full).unwrap(), reference);
            assert_eq!(Reference::parse(familiar).unwrap(), reference);
        }
    }

    #[test]
    fn a_digest_stands_alone_or_after_a_tag() {
        let reference = Reference::parse(&format!("debian@{DIGEST}")).unwrap();
        assert_eq!((reference.tag.as_deref(), reference.digest.is_some()), (None, true));
        assert_eq!(reference.familiar(), format!("debian@{DIGEST}"));
        let reference = Reference::parse(&format!("quay.io/x:1@{DIGEST}")).unwrap();
        assert_eq!((reference.tag.as_deref(), reference.digest.is_some()), (Some("1"), true));
        assert_eq!(reference.to_string(), format!("quay.io/x:1@{DIGEST}"));
    }

    #[test]
    fn malformed_names_are_refused() {
        let long = "a".repeat(256);
        let tag = format!("a:{}", "b".repeat(129));
        let hex = "ab".repeat(32);
        let two = format!("a@{DIGEST}@{DIGEST}");
        let table = [
            "",
            ":",
            "/",
            "@",
            "a:",
            ":a",
            "a/",
            "/a",
            "a//b",
            "a@",
            "a@sha256:",
            "a@sha512:00",
            "a@md5:00",
            "A",
            "a/B",
            "Foo/bar",
            "a b",
            "a\n",
            "a\0",
            "-a",
            "a-",
            "_a",
            "a_",
            "a___b",
            "a..b",
            "a.-b",
            ".a",
            "..",
            "../x",
            "a/../b",
            "a/./b",
            "a:..",
            "a:.b",
            "a:-b",
            "a:b/c:d/",
            "a:b:c",
            "[::1/x",
            "[::1]x/x",
            "[x]:1/x",
            "[::1]:x/x",
            "h.:1/x",
            ".h/x",
            "-h.x/x",
            "h:99999/x",
            "h:+1/x",
            "h:1:2/x",
            "é",
            "a:é",
            "http://x/y",
            "docker://x",
            "[",
            "]",
            "[]",
            "[]/",
            &long,
            &tag,
            &hex,
            &two,
        ];
        for text in table {
            assert!(Reference::parse(text).is_err(), "{text:?}");
            assert!(Reference::candidates(text).is_err(), "{text:?}");
            assert!(Reference::parse_local(text).is_err(), "{text:?}");
        }
        let error = Reference::parse("a/B").unwrap_err().to_string();
        assert_eq!(error, "image name \"a/B\": a repository is written in lower case");
    }

    #[test]
    fn a_short_name_is_looked_up_as_ours_first() {
        let names =
            |text| -> Vec<String> { Reference::candidates(text).unwrap().iter().map(Reference::to_string).collect() };
        assert_eq!(names("x"), ["localhost/x:latest", "docker.io/library/x:latest"]);
        assert_eq!(names("a/x:1"), ["localhost/a/x:1", "docker.io/a/x:1"]);
        assert_eq!(names("host:5000"), ["localhost/host:5000", "docker.io/library/host:5000"]);
        assert_eq!(names("quay.io/x"), ["quay.io/x:latest"]);
        assert_eq!(Reference::parse_local("x").unwrap().to_string(), "localhost/x:latest");
    }

    proptest! {
        #[test]
        fn any_text_parses_or_is_refused(text in ".{0,300}") {
            property::holds(text.as_bytes());
        }

        #[test]
        fn near_names_parse_or_are_refused(text in "[a-cA.:/@_\\[\\]-]{0,40}") {
            property::holds(text.as_bytes());
        }
    }
}

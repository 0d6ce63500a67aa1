//! What `image sync` copies: the images of a repository, of directories, or of a list in YAML (skopeo-sync(1)).

use super::auth::Credentials;
use super::reference::Reference;
use super::registry::{Access, Registry};
use crate::error::Kind;
use crate::fs;
use crate::store::digest::Digest;
use anyhow::{Context, Result};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The most tags of one repository that are copied.
const TAGS_MAX: usize = 10_000;
/// The most directories that are looked into, and how deep.
const DIRECTORIES_MAX: usize = 100_000;
const DEPTH_MAX: usize = 32;
const LIST_BYTES_MAX: usize = 4 << 20;

/// One image that is to be copied.
#[derive(Clone, Debug)]
pub struct Item {
    /// With its transport.
    pub source: String,
    /// What it is called below the target.
    pub suffix: String,
    pub access: Access,
}

/// The images of a repository: one, if the name has a tag or a digest, or all.
pub fn repository(text: &str, access: &Access) -> Result<Vec<Item>> {
    let given = Reference::parse_repository(text)?;
    let names = match given.tag.is_some() || given.digest.is_some() {
        true => vec![given],
        false => tagged(&given, access, |_| true)?,
    };
    Ok(names.iter().map(|name| item(name, access)).collect())
}

fn tagged(repository: &Reference, access: &Access, is_wanted: impl Fn(&str) -> bool) -> Result<Vec<Reference>> {
    let tags = Registry::new(repository, access).and_then(|registry| registry.tags(TAGS_MAX));
    let mut tags = tags.with_context(|| format!("list the tags of {repository}"))?;
    tags.retain(|tag| is_wanted(tag));
    tags.sort();
    // A tag that could not be one in a name leads nowhere else.
    tags.iter().map(|tag| Reference::parse(&format!("{}:{tag}", repository.name()))).collect()
}

fn item(name: &Reference, access: &Access) -> Item {
    Item { source: format!("docker://{name}"), suffix: name.to_string(), access: access.clone() }
}

/// The images of `dir:` in and below a directory. Links are not followed.
pub fn directories(top: &Path, access: &Access) -> Result<Vec<Item>> {
    let mut found = Vec::new();
    let mut left = vec![(top.to_owned(), 0)];
    let mut seen = 0;
    while let Some((path, depth)) = left.pop() {
        seen += 1;
        if seen > DIRECTORIES_MAX || depth > DEPTH_MAX {
            return Err(Kind::BadInput.error(format!("{}: too many directories in it", top.display())));
        }
        let names = fs::list(&path)?;
        if names.iter().any(|name| name == "manifest.json") {
            found.push(path);
            continue;
        }
        let below = names.into_iter().map(|name| path.join(name));
        left.extend(below.filter(|path| path.is_dir() && !path.is_symlink()).map(|path| (path, depth + 1)));
    }
    found.sort();
    let item = |path: PathBuf| {
        let below = path.strip_prefix(top).unwrap_or(&path);
        let name = if below.as_os_str().is_empty() { path.file_name().map(Path::new) } else { Some(below) };
        let text = |path: &Path| path.to_str().map(str::to_owned);
        let named = name.and_then(text).zip(text(&path));
        let (suffix, path) = named.ok_or_else(|| Kind::BadInput.error(format!("{}: not a name", path.display())))?;
        Ok(Item { source: format!("dir:{path}"), suffix, access: access.clone() })
    };
    match found.is_empty() {
        true => Err(Kind::NotFound.error(format!("no images in {}", top.display()))),
        false => found.into_iter().map(item).collect(),
    }
}

/// What the list says of one registry.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
struct Listed {
    /// The tags or digests of each repository; none for all tags.
    images: BTreeMap<String, Option<Vec<String>>>,
    images_by_tag_regex: BTreeMap<String, String>,
    credentials: Option<Login>,
    tls_verify: Option<bool>,
    cert_dir: Option<PathBuf>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Login {
    username: String,
    password: String,
}

impl std::fmt::Debug for Login {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("Login")
    }
}

/// The images of a list in YAML.
pub fn list(path: &Path, access: &Access) -> Result<Vec<Item>> {
    let read = || -> Result<Vec<Item>> {
        let text = fs::read(path, LIST_BYTES_MAX)?;
        let text = String::from_utf8(text).map_err(|_| Kind::BadInput.error("it is not UTF-8"))?;
        let mut items = Vec::new();
        for (registry, listed) in parse(&text)? {
            items.extend(of_registry(&registry, &listed, access).with_context(|| registry.clone())?);
        }
        Ok(items)
    };
    read().with_context(|| format!("read {}", path.display()))
}

fn parse(text: &str) -> Result<BTreeMap<String, Listed>> {
    let options = serde_saphyr::options! { strict_booleans: true, legacy_octal_numbers: true };
    serde_saphyr::from_str_with_options(text, options).map_err(|error| {
        // The first line alone: those below it show the file, which may have passwords in it.
        Kind::BadInput.error(error.to_string().lines().next().unwrap_or_default().to_owned())
    })
}

fn of_registry(registry: &str, listed: &Listed, access: &Access) -> Result<Vec<Item>> {
    let mut access = access.clone();
    if let Some(Login { username, password }) = &listed.credentials {
        access.creds = Some(Credentials::parse(&format!("{username}:{password}"))?);
    }
    access.tls_verify = listed.tls_verify.or(access.tls_verify);
    access.cert_dir = listed.cert_dir.clone().or(access.cert_dir);
    let repository = |name: &str| Reference::parse_repository(&format!("{registry}/{name}"));
    let mut names = Vec::new();
    for (name, wanted) in &listed.images {
        let repository = repository(name)?;
        let wanted = wanted.as_deref().unwrap_or_default();
        for word in wanted {
            let separator = if Digest::parse(word).is_ok() { '@' } else { ':' };
            names.push(Reference::parse(&format!("{}{separator}{word}", repository.name()))?);
        }
        if wanted.is_empty() {
            names.extend(tagged(&repository, &access, |_| true)?);
        }
    }
    for (name, pattern) in &listed.images_by_tag_regex {
        let pattern =
            regex_lite::Regex::new(pattern).map_err(|error| Kind::BadInput.error(format!("{name}: {error}")))?;
        names.extend(tagged(&repository(name)?, &access, |tag| pattern.is_match(tag))?);
    }
    Ok(names.iter().map(|name| item(name, &access)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_names_images_of_registries() {
        let text = "quay.io:\n  tls-verify: false\n  images:\n    a/b: ['1', \"2\"]\n    c: ['sha256:\
                    aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa']\n";
        let lists = parse(text).unwrap();
        let items = of_registry("quay.io", &lists["quay.io"], &Access::default()).unwrap();
        let sources: Vec<_> = items.iter().map(|item| item.source.as_str()).collect();
        let digest = format!("docker://quay.io/c@sha256:{}", "a".repeat(64));
        assert_eq!(sources, ["docker://quay.io/a/b:1", "docker://quay.io/a/b:2", &digest]);
        assert_eq!(items[0].access.tls_verify, Some(false));
    }

    #[test]
    fn nonsense_in_a_list_is_an_error_without_its_lines() {
        for text in ["a: [", "a: {image: {}}", "a: {images-by-semver: {x: '1'}}", "- a", "a: {images: {x: 5}}"] {
            assert!(parse(text).is_err(), "{text}");
        }
        let error = parse("a: {credentials: {username: u, password: [hush]}}").unwrap_err().to_string();
        assert!(!error.contains("hush") && !error.contains('\n'), "{error}");
        let lists = parse("a.b: {images: {../x: ['1']}}").unwrap();
        assert!(of_registry("a.b", &lists["a.b"], &Access::default()).is_err());
    }
}

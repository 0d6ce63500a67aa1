//! Artifacts: files of any kind under a name, kept beside images in a store of their own and sent through registries like
//! them (OCI image spec, manifest.md, "Guidelines for Artifact Usage").

mod add;
mod extract;
pub(super) mod media_type;

pub use add::{Add, Onto, add};
pub(super) use add::{Layer, check_titles, empty_config, layer};
pub use extract::{Which, extract};

use super::arrival::Arrival;
use super::guarded::Guarded;
use super::list::{bring, missing};
use super::manifest::{MANIFEST_BYTES_MAX, Manifest, OCI_MANIFEST};
use super::policy::{Identity, Policy};
use super::reference::Reference;
use super::registries::{Registries, Source};
use super::registry::Access;
use super::remove::{self, Removed};
use super::transfer::{Event, Progress};
use super::{check, look_up, pull};
use crate::engine::Engine;
use crate::error::{self, Kind};
use crate::fs;
use crate::store::blobs;
use crate::store::check::Finding;
use crate::store::digest::Digest;
use crate::store::tags::{self, Entry, Facts};
use anyhow::{Context, Result};
use std::collections::HashSet;

/// The annotation of a blob that is the name of its file (OCI image spec, annotations.md).
pub const TITLE: &str = "org.opencontainers.image.title";
const CREATED: &str = "org.opencontainers.image.created";
/// How often a change is tried that others were quicker with.
const TRIES_MAX: usize = 20;

/// An artifact that is here.
#[derive(Debug)]
pub struct Artifact {
    /// In full. None if another has taken it.
    pub name: Option<String>,
    pub digest: Digest,
    pub manifest: Manifest,
}

impl Artifact {
    /// When it was made, as it says itself.
    pub fn created(&self) -> &str {
        self.manifest.annotations.get(CREATED).map_or("", String::as_str)
    }

    /// The bytes of its files.
    pub fn size(&self) -> u64 {
        self.manifest.layers.iter().fold(0, |sum, blob| sum.saturating_add(blob.size))
    }
}

/// The store of artifacts, made if need be.
pub fn store(engine: &Engine) -> Result<Engine> {
    let store = engine.artifacts();
    fs::create_dir_all(&store.staging())?;
    blobs::init(&store)?;
    Ok(store)
}

/// All artifacts, one for each name. One that is damaged is left out, and is for `check` to find.
pub fn list(engine: &Engine) -> Result<Vec<Artifact>> {
    let store = engine.artifacts();
    let entries = tags::list(&store)?;
    Ok(entries.iter().filter_map(|entry| open(&store, entry.name(), &entry.digest).ok()).collect())
}

/// All artifacts, damaged ones too, each once.
pub fn digests(engine: &Engine) -> Result<Vec<Digest>> {
    let mut seen = HashSet::new();
    let entries = tags::list(&engine.artifacts())?;
    Ok(entries.iter().map(|entry| entry.digest).filter(|digest| seen.insert(*digest)).collect())
}

/// Finds an artifact by its name, its digest or the beginning of that.
pub fn find(engine: &Engine, text: &str) -> Result<Artifact> {
    let store = engine.artifacts();
    let (summary, name) = look_up(&store, text).map_err(|error| no_artifact(error, text))?;
    let name = name.or_else(|| summary.references.first().cloned());
    open(&store, name.as_deref(), &summary.manifest).with_context(|| format!("open artifact {text}"))
}

fn open(store: &Engine, name: Option<&str>, digest: &Digest) -> Result<Artifact> {
    let manifest = Manifest::parse(&blobs::read(store, digest, MANIFEST_BYTES_MAX)?, None)?;
    Ok(Artifact { name: name.map(str::to_owned), digest: *digest, manifest })
}

fn no_artifact(error: anyhow::Error, text: &str) -> anyhow::Error {
    match error::kind(&error) {
        Kind::NotFound => {
            let shown: String = text.chars().take(300).collect();
            Kind::NotFound.hinted(format!("no artifact {shown}"), "see coracle artifact ls")
        }
        _ => error,
    }
}

/// Fetches an artifact from its registry, or from a mirror of that.
pub fn pull(engine: &Engine, name: &Reference, access: &Access, progress: Progress) -> Result<Digest> {
    let conditions = Policy::load(access.signature_policy.as_deref())?.check(&Identity::docker(name))?;
    let name = pull::without_tag(name.clone());
    let (store, registries) = (store(engine)?, Registries::load()?);
    let fetch = |source: &Source| {
        let guarded = Guarded::at(&registries, source, &name, conditions.clone(), access)?;
        let check = |manifest: &Digest| guarded.verify(engine, manifest);
        fetch(&store, &name, &pull::Offer { registry: &guarded.registry, check: &check }, progress)
    };
    let mut failures = Vec::new();
    for source in registries.sources(&name)? {
        match fetch(&source) {
            Ok(digest) => return Ok(digest),
            Err(error) => failures.push((source.reference.to_string(), error)),
        }
    }
    Err(pull::together(failures).context(name.familiar()))
}

fn fetch(store: &Engine, name: &Reference, offer: &pull::Offer, progress: Progress) -> Result<Digest> {
    let registry = offer.registry;
    let arrival = Arrival::begin(store, &|_| Ok(()))?;
    progress(Event::Trying(name.to_string()));
    let fetched = pull::top(name, registry)?;
    (offer.check)(&fetched.digest)?;
    let manifest = Manifest::parse(&fetched.bytes, fetched.media_type.as_deref())?;
    if manifest.check_image().is_ok() {
        let hint = "use coracle pull";
        return Err(Kind::BadInput.hinted("it is an image, not an artifact", hint));
    }
    arrival.expect_blob(&fetched.digest);
    arrival.expect_blob(&manifest.config.digest);
    manifest.layers.iter().for_each(|blob| arrival.expect_blob(&blob.digest));
    bring(store, registry, &fetched, &manifest, progress)?;
    let name = name.to_string();
    publish(store, &name, |_| entry(&manifest, fetched.digest, fetched.bytes.len()))?;
    arrival.keep();
    remove_unused(store)?;
    Ok(fetched.digest)
}

/// The entry of an artifact whose manifest is stored.
fn entry(manifest: &Manifest, digest: Digest, bytes: usize) -> Result<Entry> {
    let mut entry = Entry::new(OCI_MANIFEST, digest, bytes as u64);
    let created = manifest.annotations.get(CREATED).cloned().unwrap_or_default();
    // Artifacts without a configuration of their own share one: it is the manifest that tells them apart.
    entry.set_facts(&Facts { id: digest, size: manifest.size(), created });
    if let Some(artifact_type) = &manifest.artifact_type {
        entry.other.insert("artifactType".to_owned(), artifact_type.clone().into());
    }
    Ok(entry)
}

/// Gives a name to an artifact whose blobs have all arrived, in the place of the one that has it. `make` is
/// told which that is, and again if it has become another meanwhile.
fn publish(store: &Engine, name: &str, mut make: impl FnMut(Option<Digest>) -> Result<Entry>) -> Result<Digest> {
    for _ in 0..TRIES_MAX {
        let old = holder(store, name)?;
        let entry = make(old)?;
        blobs::sync(store)?;
        let is_done = match old {
            Some(old) => tags::replace(store, &old, Some(name), &entry)?,
            None => tags::set(store, &[name.to_owned()], entry.clone()).map(|()| true)?,
        };
        if is_done {
            return Ok(entry.digest);
        }
    }
    Err(Kind::InUse.error(format!("artifact {name}: others keep changing it")))
}

/// Which artifact has a name.
fn holder(store: &Engine, name: &str) -> Result<Option<Digest>> {
    let entries = tags::list(store)?;
    Ok(entries.iter().find(|entry| entry.name() == Some(name)).map(|entry| entry.digest))
}

/// Removes an artifact, or one of its names. Gives its digest.
pub fn remove(engine: &Engine, text: &str) -> Result<Digest> {
    let store = engine.artifacts();
    let (summary, _) = look_up(&store, text).map_err(|error| no_artifact(error, text))?;
    let Removed { guard, .. } = remove::remove(&store, text, true, |_| Ok(()))?;
    drop(guard);
    remove_unused(&store)?;
    Ok(summary.manifest)
}

/// Removes what no artifact has: of one that was replaced, or of a command that was killed.
pub fn remove_unused(store: &Engine) -> Result<()> {
    match check::unused(store, &HashSet::new())? {
        Some(unused) => unused.remove(store),
        None => Ok(()),
    }
}

/// Blobs of artifacts that are missing, and, if all are there, blobs that no artifact has.
pub fn check(engine: &Engine) -> Result<Vec<Finding>> {
    let store = engine.artifacts();
    let mut findings = Vec::new();
    for entry in tags::list(&store)? {
        let name = entry.name().map_or_else(|| entry.digest.to_string(), str::to_owned);
        let fix = format!("remove it with coracle artifact rm {name} and pull or add it again");
        let finding = |blob| Finding::new(format!("artifact {name}: blob {blob} is missing"), &fix);
        findings.extend(missing(&store, &entry.digest)?.into_iter().map(finding));
    }
    if findings.is_empty()
        && let Some(unused) = check::unused(&store, &HashSet::new())?
    {
        findings.extend(unused.findings("artifact"));
    }
    Ok(findings)
}

//! Lists of images, one for each platform: an index in the store under a name.
//!
//! Each name is a list of its own: a change gives it another index. What the members consist of is in the store too and
//! stays as long as the list.

mod artifact;
mod members;
mod subject;

pub use artifact::Artifact;
pub(super) use members::bring;
pub use members::{Wanted, members};
pub use subject::subject;

use super::manifest::{DOCKER_INDEX, DOCKER_MANIFEST, Descriptor, Document, Index, MANIFEST_BYTES_MAX, OCI_INDEX};
use super::platform::Platform;
use super::reference::Reference;
use super::remove::{self, Parts};
use super::{look_up, look_up_to_read, manifest::Manifest, read_config};
use crate::engine::Engine;
use crate::error::Kind;
use crate::fs::Lock;
use crate::store::blobs;
use crate::store::digest::Digest;
use crate::store::tags::{self, Entry, Facts};
use anyhow::{Context, Result};
use std::collections::{BTreeMap, HashSet};

/// How often a change is tried that others were quicker with.
const TRIES_MAX: usize = 20;

/// A list in the store.
#[derive(Debug)]
pub struct List {
    /// The name by which it was found.
    name: Option<String>,
    pub digest: Digest,
    pub index: Index,
    created: String,
}

/// Finds a list by its name or its id.
pub fn find(engine: &Engine, text: &str) -> Result<List> {
    let (summary, name) = look_up(engine, text)?;
    let bytes = blobs::read(engine, &summary.manifest, MANIFEST_BYTES_MAX)?;
    match Document::parse(&bytes, None)? {
        Document::Index(index) => Ok(List { name, digest: summary.manifest, index, created: summary.created }),
        Document::Manifest(_) => {
            Err(Kind::BadInput.hinted(format!("{text} is an image, not a list"), "see coracle manifest create"))
        }
    }
}

/// Makes an empty list under a name that is free. With `amend` one that is there will do.
pub fn create(engine: &Engine, name: &Reference, amend: bool) -> Result<()> {
    if name.digest.is_some() {
        return Err(Kind::BadInput.error(format!("{name}: a list's name has no digest")));
    }
    let full = name.to_string();
    if super::exists(engine, &full)? {
        return match amend {
            true => find(engine, &full).map(drop),
            false => Err(Kind::Exists.hinted(format!("{full} is there already"), "use --amend, or remove it first")),
        };
    }
    let _guard = blobs::incoming(engine)?;
    let index = Index {
        schema_version: 2,
        media_type: OCI_INDEX.to_owned(),
        artifact_type: None,
        manifests: Vec::new(),
        subject: None,
        annotations: BTreeMap::new(),
    };
    let created = chrono::Utc::now().to_rfc3339_opts(chrono::SecondsFormat::Nanos, true);
    let entry = store(engine, index, &created)?;
    tags::set(engine, &[full], entry)
}

/// Changes a list, and gives its new digest. `guard` keeps what is added from being collected as garbage.
pub fn change(engine: &Engine, text: &str, guard: Lock, edit: impl Fn(&mut Index) -> Result<()>) -> Result<Digest> {
    for _ in 0..TRIES_MAX {
        let list = find(engine, text)?;
        let mut index = list.index;
        edit(&mut index)?;
        let entry = store(engine, index, &list.created)?;
        let digest = entry.digest;
        // Whoever changed it in between is not overruled: it is read again.
        if tags::replace(engine, &list.digest, list.name.as_deref(), &entry)? {
            drop(guard);
            if digest == list.digest {
                return Ok(digest);
            }
            let before = Parts { blobs: HashSet::from([list.digest]), ..Parts::default() };
            remove::take_back(engine, before, &|_| Ok(()))?;
            return Ok(digest);
        }
    }
    Err(Kind::InUse.error(format!("list {text}: others keep changing it")))
}

/// Gives a name to an index all of whose images are in the store.
pub fn publish(engine: &Engine, name: &Reference, media_type: &str, bytes: &[u8]) -> Result<()> {
    let digest = blobs::write(engine, bytes)?;
    blobs::sync(engine)?;
    let mut entry = Entry::new(media_type, digest, bytes.len() as u64);
    let created = chrono::Utc::now().to_rfc3339_opts(chrono::SecondsFormat::Nanos, true);
    entry.set_facts(&Facts { id: digest, size: bytes.len() as u64, created });
    tags::set(engine, &[name.to_string()], entry)
}

fn store(engine: &Engine, mut index: Index, created: &str) -> Result<Entry> {
    let is_docker = |entry: &Descriptor| entry.media_type == DOCKER_MANIFEST;
    let all_docker = !index.manifests.is_empty() && index.manifests.iter().all(is_docker);
    // Docker's lists have no annotations, no subject and nothing of OCI in them.
    let is_plain = index.annotations.is_empty() && index.subject.is_none();
    let media_type = if all_docker && is_plain { DOCKER_INDEX } else { OCI_INDEX };
    index.media_type = media_type.to_owned();
    let bytes = serde_json::to_vec(&index).context("serialise index")?;
    Document::parse(&bytes, None)?;
    let digest = blobs::write(engine, &bytes)?;
    blobs::sync(engine)?;
    let mut entry = Entry::new(media_type, digest, bytes.len() as u64);
    // A list is listed apart from its members.
    entry.set_facts(&Facts { id: digest, size: bytes.len() as u64, created: created.to_owned() });
    Ok(entry)
}

/// The position of a member that is named by its digest, or by an image that is here.
pub fn position(engine: &Engine, index: &Index, text: &str) -> Result<usize> {
    let digests = match Digest::parse(text) {
        Ok(digest) => vec![digest],
        Err(_) => look_up(engine, text)?.0.manifests,
    };
    let found = index.manifests.iter().position(|entry| digests.contains(&entry.digest));
    found.ok_or_else(|| Kind::NotFound.error(format!("{text} is not in the list")))
}

/// A manifest or an index of the store.
pub fn document(engine: &Engine, text: &str) -> Result<Document> {
    let (summary, _) = look_up_to_read(engine, text)?;
    Document::parse(&blobs::read(engine, &summary.manifest, MANIFEST_BYTES_MAX)?, None)
}

/// What a name has for a platform.
#[derive(Debug)]
pub struct Member {
    pub id: Digest,
    pub platform: Platform,
    /// What is kept of it, compressed or not.
    pub size: u64,
    /// The diff ids.
    pub layers: Vec<Digest>,
}

/// The images of a list, or the one image that a manifest is of. Artifacts and attestations are none.
pub fn platforms(engine: &Engine, manifest: &Digest) -> Result<Vec<Member>> {
    let read = |digest: &Digest| Document::parse(&blobs::read(engine, digest, MANIFEST_BYTES_MAX)?, None);
    let member = |manifest: &Manifest, platform: Option<&Platform>| -> Result<Member> {
        let config = read_config(engine, manifest)?;
        let platform = platform.cloned().unwrap_or_else(|| config.platform());
        Ok(Member { id: manifest.config.digest, platform, size: manifest.size(), layers: config.rootfs.diff_ids })
    };
    match read(manifest)? {
        Document::Manifest(manifest) => Ok(vec![member(&manifest, None)?]),
        Document::Index(index) => {
            let is_image = |entry: &&Descriptor| {
                entry.artifact_type.is_none() && entry.platform.as_ref().is_none_or(|it| it.os != "unknown")
            };
            let read = |entry: &Descriptor| match read(&entry.digest)? {
                Document::Manifest(manifest) => member(&manifest, entry.platform.as_ref()),
                Document::Index(_) => Err(Kind::BadInput.error("indexes within indexes")),
            };
            index.manifests.iter().filter(is_image).map(read).collect()
        }
    }
}

/// The blobs of a list's members that are not in the store.
pub fn missing(engine: &Engine, digest: &Digest) -> Result<Vec<Digest>> {
    let needed = remove::needed_by(engine, [*digest])?;
    let mut missing: Vec<_> = needed.blobs.into_iter().filter(|blob| !blobs::has(engine, blob)).collect();
    missing.sort_unstable();
    Ok(missing)
}

/// Whether the manifest is an index. One that cannot be read is none.
pub fn is_index(engine: &Engine, digest: &Digest) -> bool {
    let document = blobs::read(engine, digest, MANIFEST_BYTES_MAX).and_then(|bytes| Document::parse(&bytes, None));
    matches!(document, Ok(Document::Index(_)))
}

/// Makes sure that a list's member is an image of its own, which a container can be made of and which stays when the
/// list goes.
pub fn keep_member(engine: &Engine, manifest: &Digest) -> Result<()> {
    let _guard = blobs::incoming(engine)?;
    let bytes = blobs::read(engine, manifest, MANIFEST_BYTES_MAX)?;
    let document = Manifest::parse(&bytes, None)?;
    let descriptor = Descriptor::new(document.own_type(), *manifest, bytes.len() as u64);
    super::publish(engine, &descriptor, &[]).map(drop)
}

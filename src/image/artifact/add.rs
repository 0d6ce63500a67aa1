//! Files of the user's become an artifact, or a part of one.

use super::{Artifact, CREATED, TITLE, entry, holder, media_type, open, publish, remove_unused, store};
use crate::engine::Engine;
use crate::error::Kind;
use crate::fs;
use crate::image::arrival::Arrival;
use crate::image::manifest::{Descriptor, Manifest};
use crate::image::reference::Reference;
use crate::store::blobs;
use crate::store::digest::Digest;
use anyhow::{Context, Result};
use std::collections::{BTreeMap, HashSet};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

/// The configuration of what has none (OCI image spec, manifest.md, "Guidance for an Empty Descriptor").
const EMPTY_TYPE: &str = "application/vnd.oci.empty.v1+json";
const EMPTY: &[u8] = b"{}";
const EMPTY_BASE64: &str = "e30=";

/// How files are added.
#[derive(Debug)]
pub struct Add {
    pub onto: Onto,
    pub annotations: BTreeMap<String, String>,
    pub artifact_type: Option<String>,
    /// The media type of the files; None is told from their first bytes.
    pub file_type: Option<String>,
}

/// What may have the name already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Onto {
    Nothing,
    /// The files are added to the artifact that is there.
    Append,
    /// The artifact that is there goes.
    Replace,
}

/// Stores files under the name of an artifact; gives its digest.
pub fn add(engine: &Engine, name: &Reference, files: &[PathBuf], how: &Add) -> Result<Digest> {
    if name.digest.is_some() {
        return Err(Kind::BadInput.error(format!("{name}: a new artifact's name has no digest")));
    }
    let store = store(engine)?;
    let name = name.to_string();
    // Nothing is copied for nothing.
    base(&store, &name, holder(&store, &name)?, how)?;
    let arrival = Arrival::begin(&store, &|_| Ok(()))?;
    let mut layers = Vec::new();
    for path in files {
        let how =
            Layer { media_type: how.file_type.as_deref(), annotations: how.annotations.clone(), is_titled: true };
        layers.push(layer(&store, &arrival, path, how).with_context(|| format!("add {}", path.display()))?);
    }
    arrival.write_blob(EMPTY)?;
    let digest = publish(&store, &name, |old| {
        let there = base(&store, &name, old, how)?;
        let mut manifest = there.map_or_else(|| empty(how), |there| there.manifest);
        manifest.layers.extend(layers.iter().cloned());
        check_titles(&manifest)?;
        let bytes = manifest.to_bytes()?;
        Manifest::parse(&bytes, None)?;
        let digest = arrival.write_blob(&bytes)?;
        entry(&manifest, digest, bytes.len())
    })?;
    arrival.keep();
    remove_unused(&store)?;
    Ok(digest)
}

/// The artifact that is added to, if what has the name now is as it should be.
fn base(store: &Engine, name: &str, there: Option<Digest>, how: &Add) -> Result<Option<Artifact>> {
    match (there, how.onto) {
        (None, Onto::Append) => {
            Err(Kind::NotFound.hinted(format!("no artifact {name}"), "leave out --append to make it"))
        }
        (Some(_), Onto::Nothing) => {
            Err(Kind::Exists.hinted(format!("artifact {name} is there already"), "use --append or --replace"))
        }
        (Some(digest), Onto::Append) => {
            open(store, Some(name), &digest).with_context(|| format!("open artifact {name}")).map(Some)
        }
        (Some(_), Onto::Replace) | (None, Onto::Nothing | Onto::Replace) => Ok(None),
    }
}

fn empty(how: &Add) -> Manifest {
    let mut manifest = Manifest::new(empty_config().1, Vec::new());
    manifest.artifact_type.clone_from(&how.artifact_type);
    manifest.annotations.clone_from(&how.annotations);
    let now = chrono::Utc::now().to_rfc3339_opts(chrono::SecondsFormat::Nanos, true);
    manifest.annotations.entry(CREATED.to_owned()).or_insert(now);
    // A title is a file's.
    manifest.annotations.remove(TITLE);
    manifest
}

/// The configuration of an artifact that has none.
pub fn empty_config() -> (&'static [u8], Descriptor) {
    let config = Descriptor::new(EMPTY_TYPE, Digest::of(EMPTY), EMPTY.len() as u64);
    (EMPTY, Descriptor { data: Some(EMPTY_BASE64.to_owned()), ..config })
}

/// What an artifact says of a file.
pub struct Layer<'a> {
    /// None is told from its first bytes.
    pub media_type: Option<&'a str>,
    pub annotations: BTreeMap<String, String>,
    /// Whether its name stands with it.
    pub is_titled: bool,
}

/// Copies a file into the store.
pub fn layer(store: &Engine, arrival: &Arrival, path: &Path, how: Layer) -> Result<Descriptor> {
    let mut file = fs::open_for_reading(path)?;
    if !file.metadata().context("stat")?.is_file() {
        return Err(Kind::BadInput.error("it is not a regular file"));
    }
    let mut first = Vec::new();
    (&mut file).take(media_type::BYTES as u64).read_to_end(&mut first).context("read")?;
    let mut writer = blobs::Writer::new(store)?;
    writer.write_all(&first).context("store")?;
    let size = first.len() as u64 + std::io::copy(&mut file, &mut writer).context("store")?;
    let verified = writer.verify(None)?;
    arrival.expect_blob(&verified.digest());
    let digest = verified.store()?;
    let kind = how.media_type.unwrap_or_else(|| media_type::of(&first));
    let mut layer = Descriptor { annotations: how.annotations, ..Descriptor::new(kind, digest, size) };
    if !how.is_titled {
        return Ok(layer);
    }
    let title = path.file_name().and_then(|name| name.to_str());
    let title = title.ok_or_else(|| Kind::BadInput.error("its name is not valid UTF-8"))?;
    layer.annotations.entry(TITLE.to_owned()).or_insert_with(|| title.to_owned());
    Ok(layer)
}

/// Two files of one name could not be told apart again.
pub fn check_titles(manifest: &Manifest) -> Result<()> {
    let mut titles = HashSet::new();
    let double =
        manifest.layers.iter().filter_map(|layer| layer.annotations.get(TITLE)).find(|title| !titles.insert(*title));
    match double {
        Some(title) => Err(Kind::Exists.error(format!("{title}: there is a file of this name in the artifact"))),
        None => Ok(()),
    }
}

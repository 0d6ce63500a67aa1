//! What a list or an artifact is said to be about (OCI image spec, manifest.md, `subject`).

use super::members::place;
use crate::engine::Engine;
use crate::error::Kind;
use crate::image::look::{self, Wanted};
use crate::image::manifest::{Descriptor, Document, OCI_INDEX};
use crate::image::registry::Access;
use crate::store::digest::Digest;
use anyhow::{Context, Result};

/// Describes the manifest or the index that a name is of, wherever that is. Nothing of it is fetched but itself.
pub fn subject(engine: &Engine, text: &str, access: &Access) -> Result<Descriptor> {
    let describe = || -> Result<Descriptor> {
        let wanted = Wanted { platform: None, image: false, tags: false };
        let top = look::look(engine, &place(engine, text)?, wanted, access)?.top;
        let top =
            top.ok_or_else(|| Kind::BadInput.error("docker's archives have no manifest that could be named"))?;
        let (media_type, artifact_type) = match Document::parse(&top, None)? {
            Document::Manifest(manifest) => (manifest.own_type().to_owned(), manifest.artifact_type),
            Document::Index(index) if index.media_type.is_empty() => (OCI_INDEX.to_owned(), index.artifact_type),
            Document::Index(index) => (index.media_type, index.artifact_type),
        };
        let descriptor = Descriptor::new(&media_type, Digest::of(&top), top.len() as u64);
        Ok(Descriptor { artifact_type, ..descriptor })
    };
    describe().context("read the subject")
}

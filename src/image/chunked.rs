//! Layers with a table of contents (zstd:chunked, eStargz): of a new one, only what the store does not have is fetched.
//!
//! A new blob is put together byte for byte: what its table has in common with that of a blob that is here is copied
//! from there, all else is fetched. So it is a stream like that of any other blob, and its digest verifies all of it:
//! nothing that a table says is trusted, and a wrong one costs a second download.

mod plan;
mod rebuilt;
pub mod toc;

pub use rebuilt::Rebuilt;
pub use toc::ZSTD_POSITION;

use super::manifest::{Descriptor, Layer};
use super::reference::Reference;
use super::registry::Registry;
use crate::engine::Engine;
use crate::fs;
use crate::store::blobs;
use crate::store::digest::Digest;
use crate::store::tags;
use anyhow::Result;
use plan::Plan;
use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::sync::OnceLock;
use toc::{Key, Toc};

/// How many images are looked at, how many of them that have tables, and how many of their blobs.
const LOOKED_AT_MAX: usize = 64;
const IMAGES_MAX: usize = 8;
const BLOBS_MAX: usize = 64;
/// How many spans of those blobs are remembered, of about 64 bytes each.
const SPANS_MAX: usize = 1_000_000;

/// The blobs here that a new image may have bytes in common with.
pub struct Known<'a> {
    engine: &'a Engine,
    blobs: Vec<Descriptor>,
    /// Read when the first table is compared with them.
    contents: OnceLock<Contents>,
}

/// What is in those blobs: spans of bytes by what they hold.
#[derive(Default)]
struct Contents {
    files: Vec<File>,
    /// The file and the position of a span of this length.
    spans: HashMap<(Key, u64), (usize, u64)>,
}

impl<'a> Known<'a> {
    /// What there is for an image with these layers. That it cannot be found out is as good as nothing.
    pub fn new(engine: &'a Engine, reference: &Reference, layers: &[Layer]) -> Self {
        let is_wanted = |layer: &Layer| toc::has(&layer.blob) && !blobs::has(engine, &layer.blob.digest);
        let blobs = match layers.iter().any(is_wanted) {
            true => candidates(engine, reference, layers).unwrap_or_default(),
            false => Vec::new(),
        };
        Self { engine, blobs, contents: OnceLock::new() }
    }

    /// A new blob from this byte on, if it has a table and the registry serves parts. Nothing is asked where there is
    /// nothing to compare with.
    pub fn rebuild<'b>(&'b self, registry: &'b Registry, blob: &Descriptor, from: u64) -> Option<Rebuilt<'b>> {
        if self.blobs.is_empty() || !toc::has(blob) {
            return None;
        }
        let mut fetch = |range: Range<u64>| -> Result<Vec<u8>> {
            let bytes = (range.end - range.start) as usize;
            fs::read_all(registry.part_of_blob(&blob.digest, blob.size, range)?, bytes)
        };
        let toc = Toc::read(blob, &mut fetch).ok()?;
        let contents = self.contents.get_or_init(|| self.read());
        let find = |key: Key, length| contents.spans.get(&(key, length)).copied();
        let plan = Plan::new(&toc, from, blob.size, find);
        Some(Rebuilt::new(registry, blob, from, &contents.files, plan, toc.tail))
    }

    fn read(&self) -> Contents {
        let mut contents = Contents::default();
        for blob in &self.blobs {
            // One that cannot be read is of no use; that it is damaged is for others to say.
            let Ok(file) = blobs::open(self.engine, &blob.digest) else { continue };
            let mut read = |range: Range<u64>| -> Result<Vec<u8>> {
                let mut bytes = vec![0; (range.end - range.start) as usize];
                file.read_exact_at(&mut bytes, range.start)?;
                Ok(bytes)
            };
            let Ok(toc) = Toc::read(blob, &mut read) else { continue };
            let index = contents.files.len();
            let room = SPANS_MAX - contents.spans.len().min(SPANS_MAX);
            for span in toc.spans.iter().take(room) {
                contents.spans.entry((span.key, span.length)).or_insert((index, span.at));
            }
            contents.files.push(file);
        }
        contents
    }
}

/// The blobs with tables of the images that are most likely like it: what has its name now, then others of its repository,
/// then others of its registry, of each the last ones first. Those of other registries are left alone: by what it is asked
/// for, whoever serves a table could learn what files of theirs are here.
fn candidates(engine: &Engine, reference: &Reference, layers: &[Layer]) -> Result<Vec<Descriptor>> {
    let own = reference.to_string();
    let rank = |entry: &tags::Entry| -> Option<u8> {
        let name = Reference::parse(entry.name()?).ok()?;
        (name.registry == reference.registry).then(|| match entry.name() {
            Some(name) if name == own => 0,
            _ if name.name() == reference.name() => 1,
            _ => 2,
        })
    };
    let listed = tags::list(engine)?;
    let mut entries: Vec<_> = listed.iter().rev().filter_map(|entry| Some((rank(entry)?, entry))).collect();
    entries.sort_by_key(|(rank, _)| *rank);
    // What stays as it is will not be asked for.
    let mut seen: HashSet<Digest> = layers.iter().map(|layer| layer.blob.digest).collect();
    let of_image = |(_, entry): &(u8, &tags::Entry)| -> Option<Vec<Descriptor>> {
        let mut blobs = super::read_manifest(engine, &entry.digest).ok()?.layers;
        blobs.retain(|blob| {
            toc::has(blob)
                && seen.insert(blob.digest)
                && blobs::size(engine, &blob.digest).is_ok_and(|size| size == Some(blob.size))
        });
        (!blobs.is_empty()).then_some(blobs)
    };
    let images = entries.iter().take(LOOKED_AT_MAX).filter_map(of_image).take(IMAGES_MAX);
    Ok(images.flatten().take(BLOBS_MAX).collect())
}

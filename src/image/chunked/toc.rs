//! A layer's table of contents as spans of its blob, each with a key for what it holds. Two spans with one key and one
//! length are most likely the same bytes, wherever they lie.
//!
//! Of zstd:chunked: github.com/containers/storage, `pkg/chunked/internal/minimal`. Of eStargz:
//! github.com/containerd/stargz-snapshotter, `docs/estargz.md`. Their entries are the same: each payload begins a new
//! frame, and what lies between is headers of the archive, which follow from the entries there. Anybody may have written
//! a table, and nobody depends on it being right.

use crate::error::Kind;
use crate::fs;
use crate::image::manifest::Descriptor;
use anyhow::{Context, Result, bail};
use serde::Deserialize;
use serde::de::{Deserializer, Error, SeqAccess, Visitor};
use serde_json::value::RawValue;
use sha2::{Digest as _, Sha256};
use std::fmt;
use std::io::Read;
use std::ops::Range;

/// Where the table lies: offset, length, length when decompressed, and its type, which is 1.
pub const ZSTD_POSITION: &str = "io.github.containers.zstd-chunked.manifest-position";
const ESTARGZ_DIGEST: &str = "containerd.io/snapshot/stargz/toc.digest";

/// The largest table, decompressed, and the largest end of a blob that has it.
const TOC_BYTES_MAX: u64 = 64 << 20;
const TAIL_BYTES_MAX: u64 = 32 << 20;
const ENTRIES_MAX: usize = 500_000;
/// The end of the archive before the table is in no entry. It comes along with the table.
const LEAD_BYTES: u64 = 4 << 10;
/// Before the content of a skippable frame (RFC 8878, section 3.1.2).
const SKIPPABLE_HEADER_BYTES: u64 = 8;
const ESTARGZ_FOOTER_BYTES: u64 = 51;
const ESTARGZ_NAME: &[u8] = b"stargz.index.json";
/// The largest zstd window as a power of two.
const ZSTD_WINDOW_LOG_MAX: u32 = 27;
const BLOCK_BYTES: u64 = 512;

/// What a span holds: a hash of what the table says about it.
pub type Key = [u8; 16];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    pub key: Key,
    pub at: u64,
    pub length: u64,
}

pub struct Toc {
    /// From the blob's beginning on, without gaps.
    pub spans: Vec<Span>,
    pub tail: Tail,
}

/// The end of a blob, with the table in it.
pub struct Tail {
    pub from: u64,
    pub bytes: Vec<u8>,
}

/// Whether a blob's descriptor says that it has a table.
pub fn has(blob: &Descriptor) -> bool {
    blob.annotations.contains_key(ZSTD_POSITION) || blob.annotations.contains_key(ESTARGZ_DIGEST)
}

impl Toc {
    /// Reads the table of a blob, of which `part` gives parts of bounded length.
    pub fn read(blob: &Descriptor, part: &mut dyn FnMut(Range<u64>) -> Result<Vec<u8>>) -> Result<Self> {
        let zstd = blob.annotations.get(ZSTD_POSITION).map(|text| zstd_position(text, blob.size)).transpose()?;
        // Where the archive ends, and the table in the bytes from there on.
        let (end, table) = match &zstd {
            Some(table) => (table.start - SKIPPABLE_HEADER_BYTES, table.clone()),
            None => {
                let footer = blob.size.checked_sub(ESTARGZ_FOOTER_BYTES).context("it is too short")?;
                let start = estargz_position(&part(footer..blob.size)?).filter(|start| *start < footer);
                let start = start.context("it has no footer")?;
                (start, start..blob.size)
            }
        };
        let from = end.saturating_sub(LEAD_BYTES);
        if blob.size - from > TAIL_BYTES_MAX {
            bail!("its table is too large");
        }
        let bytes = part(from..blob.size)?;
        let inside = (table.start - from) as usize..(table.end - from) as usize;
        let compressed = bytes.get(inside).context("it is too short")?;
        let spans = match zstd {
            // What follows the last payload, the end of the archive, is in no entry.
            Some(_) => spans(&zstd_table(compressed)?, end, None)?,
            None => spans(&estargz_table(compressed)?, end, Some(end))?,
        };
        Ok(Self { spans, tail: Tail { from, bytes } })
    }
}

fn zstd_position(text: &str, size: u64) -> Result<Range<u64>> {
    let numbers: Vec<u64> =
        text.splitn(5, ':').map(str::parse).collect::<Result<_, _>>().context("it is at no position")?;
    let [start, length, plain, 1] = numbers[..] else { bail!("its table is of no known type") };
    let end = start.checked_add(length).filter(|end| *end <= size && start >= SKIPPABLE_HEADER_BYTES);
    match end {
        Some(end) if plain <= TOC_BYTES_MAX => Ok(start..end),
        Some(_) | None => bail!("its table is nowhere in it, or too large"),
    }
}

/// From the extra field of an empty gzip member.
fn estargz_position(footer: &[u8]) -> Option<u64> {
    let field = footer.strip_prefix(&[0x1f, 0x8b, 8, 4])?.get(8..34)?;
    let digits = field.strip_prefix(b"SG\x16\0")?.strip_suffix(b"STARGZ")?;
    u64::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

fn zstd_table(compressed: &[u8]) -> Result<Vec<u8>> {
    let mut decoder = zstd::stream::read::Decoder::with_buffer(compressed)?;
    decoder.window_log_max(ZSTD_WINDOW_LOG_MAX)?;
    fs::read_all(decoder, TOC_BYTES_MAX as usize)
}

/// The table is the last file of the archive, and the first of what is left of it here.
fn estargz_table(compressed: &[u8]) -> Result<Vec<u8>> {
    let plain = flate2::read::MultiGzDecoder::new(compressed).take(TOC_BYTES_MAX);
    let mut archive = tar::Archive::new(plain);
    let entry = archive.entries()?.next().context("it has no table")??;
    if entry.path_bytes().as_ref() != ESTARGZ_NAME {
        bail!("it has another file in the place of its table");
    }
    fs::read_all(entry, TOC_BYTES_MAX as usize)
}

/// The spans of a blob whose table is this JSON and whose archive ends there. The last one ends where its entry says, or
/// at `last_end`.
fn spans(json: &[u8], end: u64, last_end: Option<u64>) -> Result<Vec<Span>> {
    let table: Table = serde_json::from_slice(json).map_err(|error| Kind::BadInput.error(error.to_string()))?;
    if table.version != 1 {
        bail!("its table has another version");
    }
    let mut cuts = table.entries.0;
    let payload_end = cuts.payload_end.take().map(|(payload_end, _)| payload_end);
    if let Some(last_end) = payload_end.or(last_end) {
        cuts.cut(last_end)?;
    }
    match cuts.spans.last() {
        Some(last) if last.at + last.length > end => bail!("its table has entries where it lies itself"),
        Some(_) | None => Ok(cuts.spans),
    }
}

#[derive(Deserialize)]
struct Table<'a> {
    version: u32,
    #[serde(borrow)]
    entries: Entries<'a>,
}

/// Entries, of which nothing is kept but the spans that they make.
struct Entries<'a>(Cuts, std::marker::PhantomData<&'a ()>);

impl<'de: 'a, 'a> Deserialize<'de> for Entries<'a> {
    fn deserialize<D: Deserializer<'de>>(reader: D) -> Result<Self, D::Error> {
        struct List;
        impl<'de> Visitor<'de> for List {
            type Value = Cuts;

            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("a list of entries")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Cuts, A::Error> {
                let (mut cuts, mut count) = (Cuts::default(), 0);
                while let Some(entry) = list.next_element::<Entry>()? {
                    count += 1;
                    if count > ENTRIES_MAX {
                        return Err(A::Error::custom("too many entries"));
                    }
                    cuts.add(&entry).map_err(A::Error::custom)?;
                }
                Ok(cuts)
            }
        }
        Ok(Self(reader.deserialize_seq(List)?, std::marker::PhantomData))
    }
}

/// A file, or a further chunk of one. What is only compared stays the text that it is.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Entry<'a> {
    #[serde(borrow, rename = "type")]
    kind: &'a RawValue,
    #[serde(borrow)]
    name: &'a RawValue,
    #[serde(borrow)]
    link_name: Option<&'a RawValue>,
    #[serde(borrow)]
    mode: Option<&'a RawValue>,
    #[serde(default)]
    size: u64,
    #[serde(borrow)]
    uid: Option<&'a RawValue>,
    #[serde(borrow)]
    gid: Option<&'a RawValue>,
    #[serde(borrow)]
    user_name: Option<&'a RawValue>,
    #[serde(borrow)]
    group_name: Option<&'a RawValue>,
    #[serde(borrow)]
    modtime: Option<&'a RawValue>,
    #[serde(borrow)]
    accesstime: Option<&'a RawValue>,
    #[serde(borrow)]
    changetime: Option<&'a RawValue>,
    #[serde(borrow)]
    dev_major: Option<&'a RawValue>,
    #[serde(borrow)]
    dev_minor: Option<&'a RawValue>,
    #[serde(borrow)]
    xattrs: Option<&'a RawValue>,
    #[serde(borrow)]
    digest: Option<&'a RawValue>,
    /// Where its frame begins; 0 if it has no bytes.
    #[serde(default)]
    offset: u64,
    /// Where the last frame of a file ends. Only zstd:chunked has it: there the headers that follow begin a new one.
    #[serde(default)]
    end_offset: u64,
    #[serde(default)]
    chunk_size: u64,
    #[serde(borrow)]
    chunk_digest: Option<&'a RawValue>,
    /// Where in a frame that several files share.
    #[serde(default)]
    inner_offset: u64,
}

impl Entry<'_> {
    fn is_chunk(&self) -> bool {
        self.kind.get() == r#""chunk""#
    }
}

/// A blob as its entries cut it up.
#[derive(Default)]
struct Cuts {
    spans: Vec<Span>,
    /// Where the span begins that is not ended yet.
    start: u64,
    /// What is in it, as its entries say.
    content: Vec<u8>,
    /// Where the payload of the last file ends, if that is known, and its size.
    payload_end: Option<(u64, u64)>,
}

impl Cuts {
    fn add(&mut self, entry: &Entry) -> Result<()> {
        if !entry.is_chunk() {
            if let Some((end, size)) = self.payload_end.take() {
                self.cut(end)?;
                // The next header comes after as many zeros as fill a block.
                self.number(size % BLOCK_BYTES);
            }
            self.header(entry);
        }
        if entry.offset == 0 {
            return Ok(());
        }
        self.cut(entry.offset)?;
        let length = if entry.chunk_size > 0 { entry.chunk_size } else { entry.size };
        self.number(length);
        self.number(entry.inner_offset);
        self.text(entry.chunk_digest.or(entry.digest));
        if entry.end_offset > 0 {
            self.payload_end = Some((entry.end_offset, entry.size));
        }
        Ok(())
    }

    /// All that the archive's header of a file is made from.
    fn header(&mut self, entry: &Entry) {
        self.number(entry.size);
        let Entry { kind, name, link_name, mode, uid, gid, user_name, group_name, .. } = entry;
        let Entry { modtime, accesstime, changetime, dev_major, dev_minor, xattrs, .. } = entry;
        let who = [Some(*kind), Some(*name), *link_name, *mode, *uid, *gid, *user_name, *group_name];
        let what = [*modtime, *accesstime, *changetime, *dev_major, *dev_minor, *xattrs];
        who.into_iter().chain(what).for_each(|text| self.text(text));
    }

    fn text(&mut self, text: Option<&RawValue>) {
        let text = text.map_or("", RawValue::get);
        self.number(text.len() as u64);
        self.content.extend_from_slice(text.as_bytes());
    }

    fn number(&mut self, number: u64) {
        self.content.extend_from_slice(&number.to_le_bytes());
    }

    /// Ends a span. Of a frame that several files share, only the first begins one.
    fn cut(&mut self, at: u64) -> Result<()> {
        let length = at.checked_sub(self.start).context("its entries are in no order")?;
        if length > 0 {
            let hash = Sha256::digest(&self.content);
            self.content.clear();
            let key = hash[..16].try_into().expect("a sha256 has 32 bytes");
            self.spans.push(Span { key, at: self.start, length });
            self.start = at;
        }
        Ok(())
    }
}

#[cfg(any(test, fuzzing))]
pub mod property;
#[cfg(test)]
mod tests;

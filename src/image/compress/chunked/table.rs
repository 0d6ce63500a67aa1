//! The table of contents of a layer as it is written, and the tar-split beside it: all bytes of the archive that are in
//! no file. What they say of a file is compared by readers, which take the archive as Go's reader does.

use super::Blob;
use crate::store::digest::{Digest, Hashing};
use crate::store::unpack::tar::{Member, What};
use anyhow::{Context, Result};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use std::collections::{BTreeMap, HashSet};
use std::io::Write;
use std::sync::OnceLock;

const CHECKSUM: &str = "io.github.containers.zstd-chunked.manifest-checksum";
const POSITION: &str = crate::image::chunked::ZSTD_POSITION;
const SPLIT_POSITION: &str = "io.github.containers.zstd-chunked.tarsplit-position";
const MAGIC: &[u8; 8] = b"GNUlInUx";
/// A higher one saves less than a thousandth of the blob, and takes 80 MiB of memory.
const LEVEL: i32 = 3;
const BLOCK_BYTES: usize = 512;

/// A piece of a file: where its frame begins, and its plain bytes.
pub struct Chunk {
    pub at: u64,
    pub length: u64,
    pub digest: [u8; 32],
}

#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Entry {
    #[serde(rename = "type")]
    kind: &'static str,
    name: String,
    #[serde(rename = "linkName", skip_serializing_if = "String::is_empty")]
    link: String,
    #[serde(skip_serializing_if = "is_zero")]
    mode: u64,
    #[serde(skip_serializing_if = "is_zero")]
    size: u64,
    #[serde(skip_serializing_if = "is_zero")]
    uid: u64,
    #[serde(skip_serializing_if = "is_zero")]
    gid: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    modtime: Option<String>,
    #[serde(skip_serializing_if = "is_zero")]
    dev_major: u64,
    #[serde(skip_serializing_if = "is_zero")]
    dev_minor: u64,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    xattrs: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "String::is_empty")]
    digest: String,
    #[serde(skip_serializing_if = "is_zero")]
    offset: u64,
    #[serde(skip_serializing_if = "is_zero")]
    end_offset: u64,
    #[serde(skip_serializing_if = "is_zero")]
    chunk_size: u64,
    #[serde(skip_serializing_if = "is_zero")]
    chunk_offset: u64,
    #[serde(skip_serializing_if = "String::is_empty")]
    chunk_digest: String,
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// A line of the tar-split: bytes, or that a file's come here.
#[derive(Serialize)]
struct Line<'a> {
    #[serde(rename = "type")]
    kind: u8,
    #[serde(skip_serializing_if = "str::is_empty")]
    name: &'a str,
    #[serde(skip_serializing_if = "is_zero")]
    size: u64,
    payload: Option<String>,
    position: u64,
}

pub struct Table {
    entries: Hashing<zstd::Encoder<'static, Vec<u8>>>,
    split: Hashing<zstd::Encoder<'static, Vec<u8>>>,
    lines: u64,
    /// Readers refuse a name that comes twice.
    names: HashSet<String>,
}

impl Table {
    pub fn new() -> Result<Self> {
        let encoder = || zstd::Encoder::new(Vec::new(), LEVEL).map(Hashing::new).context("start zstd");
        let mut entries = encoder()?;
        entries.write_all(br#"{"version":1,"entries":["#)?;
        Ok(Self { entries, split: encoder()?, lines: 0, names: HashSet::new() })
    }

    /// What the table says of a member with these headers. None if it cannot.
    pub fn entry(&mut self, member: &Member, headers: &[u8]) -> Option<Entry> {
        let name = String::from_utf8(member.path.clone()).ok()?;
        let header = headers.last_chunk::<BLOCK_BYTES>()?;
        let flag = header[156];
        let kind = match (member.what, flag) {
            (What::File, 0 | b'0') => "reg",
            (What::Directory, _) => "dir",
            (What::Symlink, _) => "symlink",
            (What::HardLink, _) => "hardlink",
            (What::Fifo, _) => "fifo",
            (What::Device, b'3') => "char",
            (What::Device, b'4') => "block",
            _ => return None,
        };
        let is_old = &header[257..262] != b"ustar";
        let is_gnu = &header[257..265] == b"ustar  \0";
        // Attributes that are not taken in here, and times that are not kept, are what others compare.
        let count = |text: &[u8]| headers.windows(text.len()).filter(|window| window == &text).count();
        let has_more = count(b"SCHILY.xattr.") != member.xattrs.len()
            || count(b" atime=") + count(b" ctime=") + count(b"GNU.sparse") > 0
            || headers[156] == b'g'
            || (is_gnu && (header[345] != 0 || header[357] != 0))
            || (member.what == What::HardLink && octal(&header[124..136])? != 0);
        if has_more || member.extents != [(0, member.size)] || !self.names.insert(name.clone()) {
            return None;
        }
        let mut xattrs = BTreeMap::new();
        for (key, value) in &member.xattrs {
            xattrs.insert(String::from_utf8(key.clone()).ok()?, BASE64_STANDARD.encode(value));
        }
        let device = |field: &[u8]| if is_old { Some(0) } else { octal(field) };
        let modified = chrono::DateTime::from_timestamp(member.modified.seconds, member.modified.nanoseconds)?;
        Some(Entry {
            kind,
            name,
            link: String::from_utf8(member.link.clone()).ok()?,
            mode: octal(&header[100..108])?,
            size: member.size,
            uid: member.uid.into(),
            gid: member.gid.into(),
            modtime: Some(modified.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true)),
            dev_major: device(&header[329..337])?,
            dev_minor: device(&header[337..345])?,
            xattrs,
            ..Entry::default()
        })
    }

    /// Adds a member: what comes before its bytes, what is in their frames, and where those end.
    pub fn add(
        &mut self,
        mut entry: Entry,
        before: &[u8],
        end: u64,
        chunks: &[Chunk],
        (whole, crc): (Sha256, u64),
    ) -> Result<()> {
        self.segment(before)?;
        let (name, size) = (entry.name.clone(), entry.size);
        let payload = (size > 0).then(|| BASE64_STANDARD.encode(crc.to_be_bytes()));
        self.line(1, &name, size, payload)?;
        if let Some(first) = chunks.first() {
            entry.digest = hex(&whole.finalize());
            (entry.offset, entry.end_offset) = (first.at, end);
        }
        if let [first, rest @ ..] = chunks
            && !rest.is_empty()
        {
            (entry.chunk_size, entry.chunk_digest) = (first.length, hex(&first.digest));
            self.put(&entry)?;
            let mut chunk_offset = first.length;
            for chunk in rest {
                let (chunk_size, chunk_digest) = (chunk.length, hex(&chunk.digest));
                let offset = chunk.at;
                let name = name.clone();
                let entry =
                    Entry { kind: "chunk", name, offset, chunk_size, chunk_offset, chunk_digest, ..Entry::default() };
                self.put(&entry)?;
                chunk_offset += chunk.length;
            }
            return Ok(());
        }
        self.put(&entry)
    }

    /// Writes the end of the blob, and gives the annotations for its descriptor.
    pub fn finish(mut self, end: &[u8], blob: &mut Blob<impl Write>) -> Result<BTreeMap<String, String>> {
        for piece in end.chunks(super::CHUNK_BYTES) {
            self.segment(piece)?;
        }
        let (split, _, split_plain) = self.split.finish();
        let split = split.finish().context("compress")?;
        let close = format!(r#"],"tarSplitDigest":"{}"}}"#, Digest::of(&split));
        self.entries.write_all(close.as_bytes()).context("compress")?;
        let (entries, _, plain) = self.entries.finish();
        let entries = entries.finish().context("compress")?;
        let at = blob.skippable(&entries)?;
        let split_at = blob.skippable(&split)?;
        let (length, split_length) = (entries.len() as u64, split.len() as u64);
        let numbers = [at, length, plain, 1, split_at, split_length, split_plain];
        let mut footer: Vec<u8> = numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
        footer.extend(MAGIC);
        blob.skippable(&footer)?;
        Ok(BTreeMap::from([
            (CHECKSUM.to_owned(), Digest::of(&entries).to_string()),
            (POSITION.to_owned(), format!("{at}:{length}:{plain}:1")),
            (SPLIT_POSITION.to_owned(), format!("{split_at}:{split_length}:{split_plain}")),
        ]))
    }

    fn put(&mut self, entry: &Entry) -> Result<()> {
        if self.lines > 2 || entry.kind == "chunk" {
            self.entries.write_all(b",").context("compress")?;
        }
        self.entries.write_all(&serde_json::to_vec(entry)?).context("compress")
    }

    fn segment(&mut self, bytes: &[u8]) -> Result<()> {
        self.line(2, "", 0, Some(BASE64_STANDARD.encode(bytes)))
    }

    fn line(&mut self, kind: u8, name: &str, size: u64, payload: Option<String>) -> Result<()> {
        let mut line = serde_json::to_vec(&Line { kind, name, size, payload, position: self.lines })?;
        line.push(b'\n');
        self.lines += 1;
        self.split.write_all(&line).context("compress")
    }
}

fn hex(digest: &[u8]) -> String {
    digest.iter().fold("sha256:".to_owned(), |text, byte| text + &format!("{byte:02x}"))
}

/// A number of a header as it stands there. None for one in another form.
fn octal(field: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(field).ok()?.trim_matches([' ', '\0']);
    if text.is_empty() { Some(0) } else { u64::from_str_radix(text, 8).ok() }
}

/// CRC-64 of ISO 3309 as Go's hash/crc64 has it, begun with all ones and to be inverted in the end.
pub fn crc64(mut crc: u64, bytes: &[u8]) -> u64 {
    static TABLE: OnceLock<[u64; 256]> = OnceLock::new();
    let step = |crc: u64| if crc & 1 == 1 { (crc >> 1) ^ (0xd8 << 56) } else { crc >> 1 };
    let table = TABLE.get_or_init(|| std::array::from_fn(|byte| (0..8).fold(byte as u64, |crc, _| step(crc))));
    for byte in bytes {
        crc = table[usize::from(crc as u8 ^ byte)] ^ (crc >> 8);
    }
    crc
}

//! zstd:chunked: a layer as frames that can be read alone, one for each piece of a file, with a table of contents and
//! what else is in the archive behind them in frames that readers skip (github.com/containers/storage,
//! `pkg/chunked/internal/minimal`, and github.com/vbatts/tar-split).
//!
//! An archive that the table has no words for, such as one with sparse files, is written without one.

mod table;

use crate::store::unpack::tar::{Archive, Member};
use anyhow::{Context, Result};
use sha2::{Digest as _, Sha256};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io::{BufRead, Error, Read, Write};
use std::rc::Rc;
use table::{Chunk, Table};

/// What a file is cut into, so that a small change leaves most of a large one.
const CHUNK_BYTES: usize = 256 << 10;
/// The most that headers and padding between two files may take.
const BETWEEN_BYTES_MAX: usize = 64 << 20;
const BLOCK_BYTES: u64 = 512;
const SKIPPABLE: [u8; 4] = [0x50, 0x2a, 0x4d, 0x18];

/// Compresses an archive, and gives the annotations that its descriptor needs.
pub fn compress(input: impl BufRead, out: impl Write, level: i32) -> Result<BTreeMap<String, String>> {
    let raw = Rc::new(RefCell::new(Vec::new()));
    let mut archive = Archive::new(Recorder { inner: input, raw: Rc::clone(&raw) });
    let zstd = zstd::bulk::Compressor::new(level).context("start zstd")?;
    let mut frames = Frames { out, at: 0, zstd, pending: Vec::new() };
    let mut table = Some(Table::new()?);
    let mut padding = 0;
    while let Some(member) = archive.next()? {
        let header = std::mem::take(&mut *raw.borrow_mut());
        let entry = table.as_mut().and_then(|table| table.entry(&member, header.get(padding..)?));
        frames.pending.extend_from_slice(&header);
        let (start, chunks, sums) = payload(&mut archive, &member, &mut frames, &raw)?;
        match (&mut table, entry) {
            (Some(table), Some(entry)) => table.add(entry, &header, (start, frames.at), &chunks, sums)?,
            _ => table = None,
        }
        let stored: u64 = member.extents.iter().map(|(_, length)| length).sum();
        padding = (stored.wrapping_neg() % BLOCK_BYTES) as usize;
    }
    archive.drain()?;
    let end = std::mem::take(&mut *raw.borrow_mut());
    frames.pending.extend_from_slice(&end);
    frames.flush()?;
    match table.filter(|_| end.iter().all(|byte| *byte == 0)) {
        Some(table) => table.finish(&end, &mut frames),
        None => Ok(BTreeMap::new()),
    }
}

/// Writes a member's bytes. Gives where they begin, the chunks that they make, and the sums of all of them.
fn payload<R: BufRead>(
    archive: &mut Archive<R>,
    member: &Member,
    frames: &mut Frames<impl Write>,
    raw: &RefCell<Vec<u8>>,
) -> Result<(u64, Vec<Chunk>, (Sha256, u64))> {
    let mut left: u64 = member.extents.iter().map(|(_, length)| length).sum();
    let (mut whole, mut crc) = (Sha256::new(), !0);
    let mut chunks = Vec::new();
    if left > 0 {
        frames.flush()?;
    }
    let start = frames.at;
    let mut bytes = Vec::new();
    while left > 0 {
        bytes.clear();
        let length = left.min(CHUNK_BYTES as u64);
        archive.data(length, |piece| {
            raw.borrow_mut().clear();
            bytes.extend_from_slice(piece);
            Ok(())
        })?;
        whole.update(&bytes);
        crc = table::crc64(crc, &bytes);
        chunks.push(Chunk { at: frames.at, length, digest: Sha256::digest(&bytes).into() });
        frames.frame(&bytes)?;
        left -= length;
    }
    raw.borrow_mut().clear();
    Ok((start, chunks, (whole, !crc)))
}

/// A blob on its way out.
pub struct Frames<W> {
    out: W,
    /// How many bytes are out.
    at: u64,
    zstd: zstd::bulk::Compressor<'static>,
    /// What comes before the next file's bytes.
    pending: Vec<u8>,
}

impl<W: Write> Frames<W> {
    fn flush(&mut self) -> Result<()> {
        let pending = std::mem::take(&mut self.pending);
        pending.chunks(CHUNK_BYTES).try_for_each(|piece| self.frame(piece))
    }

    fn frame(&mut self, plain: &[u8]) -> Result<()> {
        let frame = self.zstd.compress(plain).context("compress")?;
        self.write(&frame)
    }

    /// A frame that readers of zstd skip (RFC 8878, section 3.1.2). Gives where its content begins.
    fn skippable(&mut self, content: &[u8]) -> Result<u64> {
        let length = u32::try_from(content.len()).context("a table of 4 GiB")?;
        self.write(&[&SKIPPABLE[..], &length.to_le_bytes()].concat())?;
        let at = self.at;
        self.write(content)?;
        Ok(at)
    }

    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.at += bytes.len() as u64;
        self.out.write_all(bytes).context("write the compressed layer")
    }
}

/// Keeps what is read.
struct Recorder<R> {
    inner: R,
    raw: Rc<RefCell<Vec<u8>>>,
}

impl<R: BufRead> BufRead for Recorder<R> {
    fn fill_buf(&mut self) -> std::io::Result<&[u8]> {
        if self.raw.borrow().len() > BETWEEN_BYTES_MAX {
            return Err(Error::other(format!("more than {BETWEEN_BYTES_MAX} bytes between two files")));
        }
        self.inner.fill_buf()
    }

    fn consume(&mut self, count: usize) {
        // What was given out is still there.
        if let Ok(given) = self.inner.fill_buf() {
            self.raw.borrow_mut().extend_from_slice(&given[..count.min(given.len())]);
        }
        self.inner.consume(count);
    }
}

impl<R: BufRead> Read for Recorder<R> {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        let given = self.fill_buf()?;
        let count = given.len().min(into.len());
        into[..count].copy_from_slice(&given[..count]);
        self.consume(count);
        Ok(count)
    }
}

#[cfg(test)]
mod tests;

//! zstd:chunked: a layer as frames that can be read alone, one for each piece of a file, with a table of contents and
//! what else is in the archive behind them in frames that readers skip (github.com/containers/storage,
//! `pkg/chunked/internal/minimal`, and github.com/vbatts/tar-split).
//!
//! An archive that the table has no words for, such as one with sparse files, is written without one.

mod table;

use super::parallel::{Made, Workers};
use crate::store::unpack::tar::Archive;
use anyhow::{Context, Result};
use sha2::{Digest as _, Sha256};
use std::cell::RefCell;
use std::collections::{BTreeMap, VecDeque};
use std::io::{BufRead, Error, Read, Write};
use std::rc::Rc;
use table::{Chunk, Entry, Table};
use zstd::bulk;

/// What a file is cut into, so that a small change leaves most of a large one.
const CHUNK_BYTES: usize = 256 << 10;
/// The most that headers and padding between two files may take.
const BETWEEN_BYTES_MAX: usize = 64 << 20;
const BLOCK_BYTES: u64 = 512;
/// How many frames and members wait for those before them at most.
const WAITING_MAX: usize = 64;
const SKIPPABLE: [u8; 4] = [0x50, 0x2a, 0x4d, 0x18];

/// Compresses an archive, and gives the annotations that its descriptor needs.
pub fn compress(
    input: impl BufRead,
    out: impl Write,
    level: i32,
    threads: usize,
) -> Result<BTreeMap<String, String>> {
    let start = || {
        let mut zstd = bulk::Compressor::new(level).context("start zstd")?;
        Ok(move |plain: &[u8]| {
            let bytes = zstd.compress(plain).context("compress")?;
            Ok(Frame { bytes, digest: Sha256::digest(plain).into() })
        })
    };
    std::thread::scope(|scope| {
        let workers = Workers::start(scope, threads, start)?;
        let table = Some(Table::new()?);
        let blob = Blob { out, at: 0, workers, waiting: VecDeque::new(), chunks: Vec::new(), table };
        write(input, blob)
    })
}

fn write(input: impl BufRead, mut blob: Blob<impl Write>) -> Result<BTreeMap<String, String>> {
    let raw = Rc::new(RefCell::new(Vec::new()));
    let mut archive = Archive::new(Recorder { inner: input, raw: Rc::clone(&raw) });
    // What comes before the next file's bytes.
    let mut pending = Vec::new();
    let mut padding = 0;
    while let Some(member) = archive.next()? {
        let header = std::mem::take(&mut *raw.borrow_mut());
        let entry = blob.table.as_mut().and_then(|table| table.entry(&member, header.get(padding..)?));
        pending.extend_from_slice(&header);
        let stored: u64 = member.extents.iter().map(|(_, length)| length).sum();
        if stored > 0 || pending.len() > CHUNK_BYTES {
            blob.between(&std::mem::take(&mut pending))?;
        }
        let sums = payload(&mut archive, stored, &mut blob, &raw)?;
        blob.member(entry, header, sums)?;
        padding = (stored.wrapping_neg() % BLOCK_BYTES) as usize;
    }
    archive.drain()?;
    let end = std::mem::take(&mut *raw.borrow_mut());
    pending.extend_from_slice(&end);
    blob.between(&pending)?;
    blob.settle(0)?;
    match blob.table.take().filter(|_| end.iter().all(|byte| *byte == 0)) {
        Some(table) => table.finish(&end, &mut blob),
        None => Ok(BTreeMap::new()),
    }
}

/// Hands on the bytes of a member, and gives the sums of all of them.
fn payload<R: BufRead>(
    archive: &mut Archive<R>,
    mut left: u64,
    blob: &mut Blob<impl Write>,
    raw: &RefCell<Vec<u8>>,
) -> Result<(Sha256, u64)> {
    let (mut whole, mut crc) = (Sha256::new(), !0);
    while left > 0 {
        let mut bytes = blob.workers.buffer();
        let length = left.min(CHUNK_BYTES as u64);
        archive.data(length, |piece| {
            raw.borrow_mut().clear();
            bytes.extend_from_slice(piece);
            Ok(())
        })?;
        whole.update(&bytes);
        crc = table::crc64(crc, &bytes);
        blob.frame(bytes, true)?;
        left -= length;
    }
    raw.borrow_mut().clear();
    Ok((whole, !crc))
}

/// A piece of the archive that was compressed alone.
struct Frame {
    bytes: Vec<u8>,
    /// Of its plain bytes.
    digest: [u8; 32],
}

/// What follows in a blob.
enum Next {
    Frame {
        made: Made<Frame>,
        /// How many plain bytes of a file are in it; None for what is between files.
        file: Option<u64>,
    },
    /// What the table says of a member, whose frames are those before. None if it cannot.
    Member { entry: Option<Box<Entry>>, header: Vec<u8>, sums: (Sha256, u64) },
}

/// A blob on its way out.
pub struct Blob<W> {
    out: W,
    /// How many bytes are out.
    at: u64,
    workers: Workers<Frame>,
    waiting: VecDeque<Next>,
    /// Those of the next member.
    chunks: Vec<Chunk>,
    /// None once something was met that it has no words for.
    table: Option<Table>,
}

impl<W: Write> Blob<W> {
    /// Bytes of the archive that are in no file.
    fn between(&mut self, bytes: &[u8]) -> Result<()> {
        bytes.chunks(CHUNK_BYTES).try_for_each(|piece| {
            let mut plain = self.workers.buffer();
            plain.extend_from_slice(piece);
            self.frame(plain, false)
        })
    }

    fn frame(&mut self, plain: Vec<u8>, is_of_file: bool) -> Result<()> {
        let file = is_of_file.then_some(plain.len() as u64);
        let made = self.workers.give(plain)?;
        self.waiting.push_back(Next::Frame { made, file });
        self.settle(WAITING_MAX)
    }

    fn member(&mut self, entry: Option<Entry>, header: Vec<u8>, sums: (Sha256, u64)) -> Result<()> {
        // Large ones do not gather.
        let most = if header.len() > CHUNK_BYTES { 0 } else { WAITING_MAX };
        self.waiting.push_back(Next::Member { entry: entry.map(Box::new), header, sums });
        self.settle(most)
    }

    /// Writes what comes first until no more than this waits.
    fn settle(&mut self, most: usize) -> Result<()> {
        while self.waiting.len() > most
            && let Some(next) = self.waiting.pop_front()
        {
            match next {
                Next::Frame { made, file } => {
                    let Frame { bytes, digest } = made.wait()?;
                    self.chunks.extend(file.map(|length| Chunk { at: self.at, length, digest }));
                    self.write(&bytes)?;
                }
                Next::Member { entry, header, sums } => {
                    let chunks = std::mem::take(&mut self.chunks);
                    match (&mut self.table, entry) {
                        (Some(table), Some(entry)) => table.add(*entry, &header, self.at, &chunks, sums)?,
                        _ => self.table = None,
                    }
                }
            }
        }
        Ok(())
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

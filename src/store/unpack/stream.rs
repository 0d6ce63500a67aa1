//! The compressed stream of a layer as plain bytes: inflated and hashed in a thread of its own, bounded, in chunks.

use super::Limits;
use crate::error::Kind;
use crate::store::digest::{Digest, Hashing};
use crate::store::layers::Compression;
use anyhow::{Context, Result, anyhow};
use std::cell::Cell;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::rc::Rc;
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};

/// The size of a chunk, and how many there are between the two threads.
const CHUNK_BYTES: usize = 256 << 10;
const CHUNKS: usize = 4;

const INPUT_BUFFER_BYTES: usize = 128 << 10;

/// The largest zstd window as a power of two: 128 MiB, what the format's own tool takes without being asked.
const ZSTD_WINDOW_LOG_MAX: u32 = 27;

/// Decompresses `input` and lets `consume` read it to its end. Returns its result, the digest of the plain bytes
/// and how many they are.
///
/// Inflating and hashing take about as long as making the files, so the two run side by side.
pub fn decompress<T>(
    input: impl Read + Send,
    compression: Compression,
    limits: &Limits,
    consume: impl FnOnce(&mut Chunks) -> Result<T>,
) -> Result<(T, Digest, u64)> {
    let mut hashing = Hashing::new(io::sink());
    let consumed = inflate_to(input, compression, limits, Some(&mut hashing), consume)?;
    let (_, digest, bytes) = hashing.finish();
    Ok((consumed, digest, bytes))
}

/// The same of a stream whose own digest tells whether it is the right one.
pub fn inflate<T>(
    input: impl Read + Send,
    compression: Compression,
    limits: &Limits,
    consume: impl FnOnce(&mut Chunks) -> Result<T>,
) -> Result<T> {
    inflate_to(input, compression, limits, None, consume)
}

fn inflate_to<T>(
    input: impl Read + Send,
    compression: Compression,
    limits: &Limits,
    hashing: Option<&mut Hashing<io::Sink>>,
    consume: impl FnOnce(&mut Chunks) -> Result<T>,
) -> Result<T> {
    std::thread::scope(|scope| {
        let (full_sender, full) = sync_channel(CHUNKS);
        let (empty, empty_receiver) = channel();
        (0..CHUNKS).for_each(|_| drop(empty.send(Vec::new())));
        let pump = move || pump(input, compression, limits, hashing, &full_sender, &empty_receiver);
        let pump = std::thread::Builder::new().spawn_scoped(scope, pump).context("start a thread")?;
        let consumed = consume(&mut Chunks { full: Some(full), empty, chunk: Vec::new(), next: 0 });
        let pumped = pump.join().map_err(|_| anyhow!("decompress: thread died"))?;
        match pumped {
            Ok(true) => consumed,
            Ok(false) => consumed.and_then(|_| Err(anyhow!("decompress: input was not read to its end"))),
            // What the consumer then saw, a stream that breaks off, is only the consequence.
            Err(error) => Err(error),
        }
    })
}

/// A stream between two threads: what one writes, the other reads. Dropped before [`ChunkWriter::finish`], the writer
/// leaves a stream that breaks off.
pub fn channel_of_chunks() -> (ChunkWriter, Chunks) {
    let (full_sender, full) = sync_channel(CHUNKS);
    let (empty, empty_receiver) = channel();
    (0..CHUNKS).for_each(|_| drop(empty.send(Vec::new())));
    let chunks = Chunks { full: Some(full), empty, chunk: Vec::new(), next: 0 };
    (ChunkWriter { full: full_sender, empty: empty_receiver }, chunks)
}

/// The writing end. Each write is handed over as it is: whoever writes little at a time puts a buffer before it.
pub struct ChunkWriter {
    full: SyncSender<Vec<u8>>,
    empty: Receiver<Vec<u8>>,
}

impl ChunkWriter {
    pub fn finish(self) -> io::Result<()> {
        self.full.send(Vec::new()).map_err(|_| io::ErrorKind::BrokenPipe.into())
    }
}

impl io::Write for ChunkWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if !bytes.is_empty() {
            let gone = || io::Error::from(io::ErrorKind::BrokenPipe);
            let mut chunk = self.empty.recv().map_err(|_| gone())?;
            chunk.clear();
            chunk.extend_from_slice(bytes);
            self.full.send(chunk).map_err(|_| gone())?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The plain bytes, for the thread that makes files of them.
pub struct Chunks {
    /// None after the end.
    full: Option<Receiver<Vec<u8>>>,
    empty: Sender<Vec<u8>>,
    chunk: Vec<u8>,
    next: usize,
}

impl BufRead for Chunks {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.next == self.chunk.len()
            && let Some(full) = &self.full
        {
            let last = std::mem::take(&mut self.chunk);
            // It fails only when the other thread has ended and needs no more of them.
            let _ = self.empty.send(last);
            self.chunk = full.recv().map_err(|_| io::Error::from(io::ErrorKind::UnexpectedEof))?;
            self.next = 0;
            if self.chunk.is_empty() {
                self.full = None;
            }
        }
        Ok(&self.chunk[self.next..])
    }

    fn consume(&mut self, count: usize) {
        self.next = (self.next + count).min(self.chunk.len());
    }
}

impl Read for Chunks {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let available = self.fill_buf()?;
        let count = available.len().min(into.len());
        into[..count].copy_from_slice(&available[..count]);
        self.consume(count);
        Ok(count)
    }
}

/// Fills chunks until the input ends, which an empty chunk tells. False if the reader went away before.
fn pump(
    input: impl Read,
    compression: Compression,
    limits: &Limits,
    mut hashing: Option<&mut Hashing<io::Sink>>,
    full: &SyncSender<Vec<u8>>,
    empty: &Receiver<Vec<u8>>,
) -> Result<bool> {
    let count = Rc::new(Cell::new(0));
    let input = Counted { inner: input, count: Rc::clone(&count) };
    let mut plain = plain(input, compression)?;
    let mut total = 0u64;
    loop {
        let Ok(mut chunk) = empty.recv() else { return Ok(false) };
        chunk.clear();
        (&mut plain).take(CHUNK_BYTES as u64).read_to_end(&mut chunk).context("decompress")?;
        if let Some(hashing) = &mut hashing {
            hashing.write_all(&chunk)?;
        }
        total += chunk.len() as u64;
        check_expansion(total, count.get(), compression, limits)?;
        let is_last = chunk.is_empty();
        if full.send(chunk).is_err() {
            return Ok(false);
        }
        if is_last {
            return Ok(true);
        }
    }
}

fn plain<'a>(input: impl Read + 'a, compression: Compression) -> Result<Box<dyn Read + 'a>> {
    Ok(match compression {
        Compression::None => Box::new(input),
        Compression::Gzip => {
            Box::new(flate2::bufread::MultiGzDecoder::new(BufReader::with_capacity(INPUT_BUFFER_BYTES, input)))
        }
        Compression::Zstd => {
            let input = BufReader::with_capacity(INPUT_BUFFER_BYTES, input);
            let mut decoder = zstd::stream::read::Decoder::with_buffer(input).context("start zstd")?;
            decoder.window_log_max(ZSTD_WINDOW_LOG_MAX).context("bound the zstd window")?;
            Box::new(decoder)
        }
    })
}

fn check_expansion(total: u64, compressed: u64, compression: Compression, limits: &Limits) -> Result<()> {
    if total > limits.bytes_max {
        return Err(Kind::BadInput.error(format!("decompress: more than {} bytes", limits.bytes_max)));
    }
    let is_bomb = total > limits.ratio_free_bytes && total / limits.ratio_max > compressed;
    if compression != Compression::None && is_bomb {
        return Err(Kind::BadInput.error(format!("decompress: grows to over {} times its size", limits.ratio_max)));
    }
    Ok(())
}

/// Counts what is read.
struct Counted<R> {
    inner: R,
    count: Rc<Cell<u64>>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(into)?;
        self.count.set(self.count.get() + read as u64);
        Ok(read)
    }
}

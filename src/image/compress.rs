//! Compressing a layer on its way out, with all processors. The same bytes come out whatever their number.

mod chunked;

use crate::error::Kind;
use crate::image::origin::shown;
use crate::store::layers::Compression;
use anyhow::{Context, Result, anyhow};
use flate2::{Compress, Crc, FlushCompress};
use std::collections::{BTreeMap, VecDeque};
use std::io::{BufRead, Read, Write};
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, Sender, channel, sync_channel};

/// What one thread compresses at a time. Blocks know nothing of each other, which costs less than 1 % at this size.
const BLOCK_BYTES: usize = 1 << 20;
/// What one thread of zstd compresses at a time.
const ZSTD_JOB_BYTES: u32 = 4 << 20;
/// More threads than this are of no use to one push.
const THREADS_MAX: usize = 16;
/// RFC 1952: deflate, no flags, no time, an unknown system.
const GZIP_HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];
/// RFC 1951: a last block with nothing in it.
const DEFLATE_END: [u8; 2] = [0x03, 0x00];

/// How layers are compressed that are to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compressor {
    Gzip {
        level: u32,
    },
    Zstd {
        level: i32,
    },
    /// zstd with a table of contents.
    ZstdChunked {
        level: i32,
    },
}

impl Compressor {
    /// From the words of `podman push`, whose defaults and bounds these are.
    pub fn parse(format: &str, level: Option<i64>) -> Result<Self> {
        let level = |usual: i64, most: i64| match level.unwrap_or(usual) {
            level if (1..=most).contains(&level) => Ok(level as u8),
            level => Err(Kind::BadInput.error(format!("{format} has the levels 1 to {most}, not {level}"))),
        };
        match format {
            "gzip" => Ok(Self::Gzip { level: level(5, 9)?.into() }),
            "zstd" => Ok(Self::Zstd { level: level(3, 20)?.into() }),
            "zstd:chunked" => Ok(Self::ZstdChunked { level: level(3, 20)?.into() }),
            _ => {
                let message = format!("{:?} is not a compression format", shown(format, 40));
                Err(Kind::BadInput.hinted(message, "use gzip, zstd or zstd:chunked"))
            }
        }
    }

    /// What it makes.
    pub fn makes(self) -> Compression {
        match self {
            Self::Gzip { .. } => Compression::Gzip,
            Self::Zstd { .. } | Self::ZstdChunked { .. } => Compression::Zstd,
        }
    }

    /// Compresses an archive to its end, and gives what annotations the blob's descriptor needs.
    pub fn compress(self, input: impl BufRead, out: impl Write) -> Result<BTreeMap<String, String>> {
        let threads = std::thread::available_parallelism().map_or(1, usize::from).min(THREADS_MAX);
        match self {
            Self::Gzip { level } => gzip(input, out, level, threads)?,
            Self::Zstd { level } => zstd(input, out, level, threads)?,
            Self::ZstdChunked { level } => return chunked::compress(input, out, level),
        }
        Ok(BTreeMap::new())
    }
}

fn zstd(mut input: impl Read, out: impl Write, level: i32, threads: usize) -> Result<()> {
    let start = || -> std::io::Result<_> {
        let mut encoder = zstd::stream::write::Encoder::new(out, level)?;
        encoder.multithread(threads as u32)?;
        encoder.set_parameter(zstd::stream::raw::CParameter::JobSize(ZSTD_JOB_BYTES))?;
        Ok(encoder)
    };
    let mut encoder = start().context("start zstd")?;
    std::io::copy(&mut input, &mut encoder).context("compress")?;
    encoder.finish().context("compress")?;
    Ok(())
}

/// A block to compress, and where its reader waits for it.
struct Job {
    plain: Vec<u8>,
    done: Sender<Result<Block>>,
}

/// A compressed block that ends on the border of a byte, so that another may follow it.
struct Block {
    deflated: Vec<u8>,
    crc: Crc,
}

fn gzip(mut input: impl Read, mut out: impl Write, level: u32, threads: usize) -> Result<()> {
    let (jobs, queue) = sync_channel::<Job>(threads);
    let queue = Mutex::new(queue);
    std::thread::scope(|scope| {
        // Gone when this is left, which ends the threads.
        let jobs = jobs;
        for _ in 0..threads {
            let work = || {
                let next = || queue.lock().expect("no holder of the lock panics").recv();
                while let Ok(Job { plain, done }) = next() {
                    // Who waited may have failed meanwhile.
                    let _ = done.send(deflate(&plain, level));
                }
            };
            std::thread::Builder::new().spawn_scoped(scope, work).context("start a thread")?;
        }
        let mut waiting: VecDeque<Receiver<Result<Block>>> = VecDeque::new();
        let mut whole = Crc::new();
        let mut put = |block: Receiver<Result<Block>>, out: &mut dyn Write| -> Result<()> {
            let block = block.recv().map_err(|_| anyhow!("compress: thread died"))??;
            whole.combine(&block.crc);
            out.write_all(&block.deflated).context("write the compressed layer")
        };
        out.write_all(&GZIP_HEADER).context("write the compressed layer")?;
        loop {
            let mut plain = Vec::with_capacity(BLOCK_BYTES);
            input.by_ref().take(BLOCK_BYTES as u64).read_to_end(&mut plain).context("compress")?;
            if plain.is_empty() {
                break;
            }
            let (done, block) = channel();
            jobs.send(Job { plain, done }).map_err(|_| anyhow!("compress: thread died"))?;
            waiting.push_back(block);
            if waiting.len() > 2 * threads
                && let Some(block) = waiting.pop_front()
            {
                put(block, &mut out)?;
            }
        }
        waiting.into_iter().try_for_each(|block| put(block, &mut out))?;
        out.write_all(&DEFLATE_END).context("write the compressed layer")?;
        let trailer = [whole.sum().to_le_bytes(), whole.amount().to_le_bytes()].concat();
        out.write_all(&trailer).context("write the compressed layer")
    })
}

fn deflate(plain: &[u8], level: u32) -> Result<Block> {
    let mut crc = Crc::new();
    crc.update(plain);
    let mut compress = Compress::new(flate2::Compression::new(level), false);
    let mut deflated = Vec::with_capacity(plain.len() / 2 + 64);
    loop {
        let read = compress.total_in() as usize;
        compress.compress_vec(&plain[read..], &mut deflated, FlushCompress::Sync).context("compress")?;
        // Room that is left over says that everything is out.
        if compress.total_in() as usize == plain.len() && deflated.len() < deflated.capacity() {
            return Ok(Block { deflated, crc });
        }
        deflated.reserve(plain.len() / 2 + 64);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bytes that compress somewhat, and differ from block to block.
    fn text(bytes: usize) -> Vec<u8> {
        let mut state = 1u32;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 28) as u8 + b'a'
        };
        (0..bytes).map(|_| next()).collect()
    }

    fn gzipped(plain: &[u8], level: u32, threads: usize) -> Vec<u8> {
        let mut out = Vec::new();
        gzip(plain, &mut out, level, threads).unwrap();
        out
    }

    #[test]
    fn gzip_is_one_member_that_is_the_same_for_any_number_of_threads() {
        for bytes in [0, 1, BLOCK_BYTES - 1, BLOCK_BYTES, BLOCK_BYTES + 1, 5 * BLOCK_BYTES + 7] {
            let plain = text(bytes);
            let one = gzipped(&plain, 5, 1);
            let mut read = Vec::new();
            // Not the decoder of many members: what follows the first would be lost.
            flate2::read::GzDecoder::new(one.as_slice()).read_to_end(&mut read).unwrap();
            assert!(read == plain, "{bytes} bytes");
            assert!(gzipped(&plain, 5, 3) == one, "{bytes} bytes");
            assert!(one.len() < bytes * 3 / 4 + 64);
        }
        let noise: Vec<u8> = (0..3 * BLOCK_BYTES).map(|at| (at.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
        let mut read = Vec::new();
        flate2::read::GzDecoder::new(gzipped(&noise, 1, 2).as_slice()).read_to_end(&mut read).unwrap();
        assert!(read == noise);
    }

    #[test]
    fn zstd_is_the_same_for_any_number_of_threads() {
        let plain = text(9 << 20);
        let made = |threads| {
            let mut out = Vec::new();
            zstd(plain.as_slice(), &mut out, 3, threads).unwrap();
            out
        };
        let one = made(1);
        assert!(made(4) == one);
        assert!(zstd::stream::decode_all(one.as_slice()).unwrap() == plain);
    }

    #[test]
    fn a_source_that_fails_ends_it() {
        struct Broken(usize);
        impl Read for Broken {
            fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
                self.0 = self.0.checked_sub(1).ok_or_else(|| std::io::Error::other("gone"))?;
                Ok(buffer.len())
            }
        }
        for how in ["gzip", "zstd", "zstd:chunked"] {
            let compressor = Compressor::parse(how, None).unwrap();
            assert!(compressor.compress(std::io::BufReader::new(Broken(100)), std::io::sink()).is_err(), "{how}");
        }
    }

    #[test]
    fn levels_have_bounds() {
        for (format, level, good) in [
            ("gzip", None, true),
            ("gzip", Some(9), true),
            ("gzip", Some(10), false),
            ("gzip", Some(0), false),
            ("zstd", Some(20), true),
            ("zstd", Some(21), false),
            ("zstd", Some(-1), false),
            ("zstd:chunked", None, true),
            ("bzip2", None, false),
        ] {
            assert_eq!(Compressor::parse(format, level).is_ok(), good, "{format} {level:?}");
        }
    }
}

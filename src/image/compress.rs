//! Compressing a layer on its way out, with all processors. The same bytes come out whatever their number.

mod chunked;
mod parallel;

use crate::error::Kind;
use crate::image::origin::shown;
use crate::store::layers::Compression;
use crate::sys::memory;
use anyhow::{Context, Result};
use flate2::{Compress, Crc, FlushCompress};
use parallel::Workers;
use std::collections::{BTreeMap, VecDeque};
use std::io::{BufRead, Read, Write};
use zstd::bulk;

/// What one thread compresses at a time. Blocks know nothing of each other, which costs less than 1 % at this size.
const BLOCK_BYTES: usize = 1 << 20;
/// The same of zstd, which looks further back.
const ZSTD_BLOCK_BYTES: usize = 4 << 20;
/// More threads than this are of no use to one push.
const THREADS_MAX: usize = 16;
/// The same with zstd: so many are faster than the one that decompresses for them, and their blocks take memory.
const ZSTD_THREADS_MAX: usize = 6;
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
        memory::give_large_back();
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        let few = threads.min(ZSTD_THREADS_MAX);
        match self {
            Self::Gzip { level } => gzip(input, out, level, threads.min(THREADS_MAX))?,
            Self::Zstd { level } => zstd(input, out, level, few)?,
            Self::ZstdChunked { level } => return chunked::compress(input, out, level, few),
        }
        Ok(BTreeMap::new())
    }
}

/// Each block is a frame: a stream of several is one to any reader (RFC 8878, section 3.1).
fn zstd(input: impl Read, mut out: impl Write, level: i32, threads: usize) -> Result<()> {
    let start = || {
        let mut zstd = bulk::Compressor::new(level).context("start zstd")?;
        Ok(move |plain: &[u8]| zstd.compress(plain).context("compress"))
    };
    let put = |frame: Vec<u8>| out.write_all(&frame).context("write the compressed layer");
    blocks(input, ZSTD_BLOCK_BYTES, threads, start, put)
}

fn gzip(input: impl Read, mut out: impl Write, level: u32, threads: usize) -> Result<()> {
    let mut whole = Crc::new();
    out.write_all(&GZIP_HEADER).context("write the compressed layer")?;
    let start = || Ok(move |plain: &[u8]| deflate(plain, level));
    blocks(input, BLOCK_BYTES, threads, start, |block: Block| {
        whole.combine(&block.crc);
        out.write_all(&block.deflated).context("write the compressed layer")
    })?;
    out.write_all(&DEFLATE_END).context("write the compressed layer")?;
    let trailer = [whole.sum().to_le_bytes(), whole.amount().to_le_bytes()].concat();
    out.write_all(&trailer).context("write the compressed layer")
}

/// Has each block of the input compressed and put where it belongs, in their order. Of an empty input there is one block.
fn blocks<T: Send, Work: FnMut(&[u8]) -> Result<T> + Send>(
    mut input: impl Read,
    bytes: usize,
    threads: usize,
    start: impl Fn() -> Result<Work>,
    mut put: impl FnMut(T) -> Result<()>,
) -> Result<()> {
    std::thread::scope(|scope| {
        let workers = Workers::start(scope, threads, start)?;
        let mut waiting = VecDeque::new();
        loop {
            let mut plain = workers.buffer();
            plain.reserve_exact(bytes);
            let read = input.by_ref().take(bytes as u64).read_to_end(&mut plain).context("compress")?;
            if read > 0 || waiting.is_empty() {
                waiting.push_back(workers.give(plain)?);
            }
            if read < bytes {
                break;
            }
            while workers.are_enough(&waiting)
                && let Some(made) = waiting.pop_front()
            {
                put(made.wait()?)?;
            }
        }
        waiting.into_iter().try_for_each(|made| put(made.wait()?))
    })
}

/// A compressed block that ends on the border of a byte, so that another may follow it.
struct Block {
    deflated: Vec<u8>,
    crc: Crc,
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

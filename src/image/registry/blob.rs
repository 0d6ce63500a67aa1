//! Blobs of a repository as they come in: whole, from some byte on, or a part of one.

use super::Registry;
use crate::error;
use crate::image::http::{Body, Response};
use crate::store::digest::Digest;
use anyhow::{Context, Result, bail};
use std::io::Read;
use std::ops::Range;

/// A broken transfer that brought this much counts as progress and may break again.
pub const PROGRESS_BYTES: u64 = 1 << 20;

impl Registry {
    /// The bytes of a blob of a known size, as they come in. Takes up a broken transfer where it broke.
    pub fn blob(&self, digest: &Digest, size: u64) -> Result<Blob<'_>> {
        self.rest_of_blob(digest, size, 0)
    }

    /// The same without its first bytes.
    pub fn rest_of_blob(&self, digest: &Digest, size: u64, from: u64) -> Result<Blob<'_>> {
        let body = self.blob_from(digest, size, from)?;
        Ok(Blob::new(self, *digest, size, from..size, body))
    }

    /// A part of a blob. An error if the registry serves no parts.
    pub fn part_of_blob(&self, digest: &Digest, size: u64, part: Range<u64>) -> Result<Blob<'_>> {
        let body = self.blob_part(digest, size, &part)?;
        Ok(Blob { is_part: true, ..Blob::new(self, *digest, size, part, body) })
    }

    fn blob_from(&self, digest: &Digest, size: u64, from: u64) -> Result<Body> {
        let path = format!("blobs/{digest}");
        let mut response = self.get(&path, None, (from > 0).then_some((from, None)))?;
        // 416: some that serve no ranges say so instead of sending the whole (RFC 9110, section 14.2).
        if from > 0 && response.status == 416 {
            response = self.get(&path, None, None)?;
        }
        let (skip, rest) = match (response.status, from) {
            (200, _) => (from, size),
            (206, 1..) if is_range(&response, from) => (0, size - from),
            (206, _) => bail!("the registry sends another part of the blob than was asked for"),
            _ => return Err(self.refusal(response)),
        };
        check_length(&response, rest)?;
        let mut body = response.into_body();
        // A server without ranges begins again; what came before was hashed already.
        std::io::copy(&mut body.by_ref().take(skip), &mut std::io::sink())?;
        Ok(body)
    }

    fn blob_part(&self, digest: &Digest, size: u64, part: &Range<u64>) -> Result<Body> {
        let last = part.end.checked_sub(1).context("a part has bytes")?;
        let response = self.get(&format!("blobs/{digest}"), None, Some((part.start, Some(last))))?;
        match response.status {
            206 if is_range(&response, part.start) && is_of_size(&response, size) => {
                check_length(&response, part.end - part.start)?;
                Ok(response.into_body())
            }
            200 | 206 => bail!("the registry sends another part of the blob than was asked for"),
            _ => Err(self.refusal(response)),
        }
    }
}

/// A blob that is being read, or a part of one.
pub struct Blob<'a> {
    registry: &'a Registry,
    digest: Digest,
    /// Of the whole blob.
    size: u64,
    /// The first byte that is not read any more.
    end: u64,
    is_part: bool,
    body: Body,
    received: u64,
    /// Received since the transfer was last taken up.
    progress: u64,
    tries: u32,
}

impl<'a> Blob<'a> {
    fn new(registry: &'a Registry, digest: Digest, size: u64, range: Range<u64>, body: Body) -> Self {
        let Range { start, end } = range;
        Self { registry, digest, size, end, is_part: false, body, received: start, progress: 0, tries: 1 }
    }

    /// Asks for what has not been received.
    fn rest(&self) -> Result<Body> {
        match self.is_part {
            true => self.registry.blob_part(&self.digest, self.size, &(self.received..self.end)),
            false => self.registry.blob_from(&self.digest, self.size, self.received),
        }
    }
}

impl Read for Blob<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        use std::io::{Error, ErrorKind};
        loop {
            let broken = match self.body.read(buffer) {
                Ok(0) if self.received == self.end || buffer.is_empty() => return Ok(0),
                Ok(0) => Error::new(ErrorKind::UnexpectedEof, "the connection was closed before the end"),
                Ok(read) => {
                    self.received += read as u64;
                    self.progress += read as u64;
                    if self.received > self.end {
                        let message = format!("the blob is longer than the {} bytes of its manifest", self.end);
                        return Err(Error::new(ErrorKind::InvalidData, message));
                    }
                    return Ok(read);
                }
                Err(error) => error,
            };
            if self.progress >= PROGRESS_BYTES {
                self.tries = 1;
            }
            let patience = self.registry.client.patience();
            if self.received == self.end || self.tries >= patience.tries {
                return Err(broken);
            }
            std::thread::sleep(patience.pause_after(self.tries));
            self.tries += 1;
            self.progress = 0;
            self.body = self.rest().map_err(|error| Error::other(error::line(&error)))?;
        }
    }
}

fn check_length(response: &Response, expected: u64) -> Result<()> {
    let announced = response.header("content-length").and_then(|length| length.parse::<u64>().ok());
    match announced.filter(|announced| *announced != expected) {
        Some(announced) => bail!("the registry announces {announced} bytes where the manifest says {expected}"),
        None => Ok(()),
    }
}

fn is_range(response: &Response, from: u64) -> bool {
    let start = response.header("content-range").and_then(|range| range.strip_prefix("bytes "));
    start.and_then(|range| range.split_once('-')).is_some_and(|(start, _)| start.parse() == Ok(from))
}

/// Whether the whole that a part is of has this size, where the server says so (RFC 9110, section 14.4).
fn is_of_size(response: &Response, size: u64) -> bool {
    let whole = response.header("content-range").and_then(|range| range.rsplit_once('/'));
    whole.is_none_or(|(_, whole)| whole == "*" || whole.parse() == Ok(size))
}

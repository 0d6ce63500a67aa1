//! A blob that is put together as it is read.

use super::plan::{Piece, Plan, Source};
use super::toc::Tail;
use crate::error;
use crate::image::manifest::Descriptor;
use crate::image::registry::{Blob, Registry};
use crate::store::digest::Digest;
use std::fs::File;
use std::io::{Error, Read, Result};
use std::os::unix::fs::FileExt;

/// The bytes of a blob in order. Where a plan does not work out, all that is left is fetched.
pub struct Rebuilt<'a> {
    registry: &'a Registry,
    digest: Digest,
    size: u64,
    files: &'a [File],
    pieces: Vec<Piece>,
    tail: Tail,
    /// The next byte.
    at: u64,
    /// What is being fetched.
    coming: Option<Blob<'a>>,
}

impl<'a> Rebuilt<'a> {
    pub fn new(
        registry: &'a Registry,
        blob: &Descriptor,
        at: u64,
        files: &'a [File],
        plan: Plan,
        tail: Tail,
    ) -> Self {
        let Descriptor { digest, size, .. } = *blob;
        Self { registry, digest, size, files, pieces: plan.pieces, tail, at, coming: None }
    }

    /// Bytes that are here. None if they cannot be had.
    fn here(&self, piece: &Piece, buffer: &mut [u8]) -> Option<usize> {
        let wanted = usize::try_from(piece.end - self.at).unwrap_or(usize::MAX).min(buffer.len());
        let read = match piece.source {
            Source::Copied { file, offset } => {
                let offset = offset + (self.at - piece.start);
                self.files.get(file)?.read_at(&mut buffer[..wanted], offset).ok()?
            }
            Source::Tail => {
                let from = usize::try_from(self.at - self.tail.from).ok()?;
                let left = self.tail.bytes.get(from..)?;
                let count = wanted.min(left.len());
                buffer[..count].copy_from_slice(&left[..count]);
                count
            }
            Source::Fetched => 0,
        };
        Some(read).filter(|read| *read > 0)
    }

    fn fetch_rest(&mut self) -> Result<()> {
        let rest = self.registry.rest_of_blob(&self.digest, self.size, self.at);
        self.coming = Some(rest.map_err(|error| Error::other(error::line(&error)))?);
        Ok(())
    }
}

impl Read for Rebuilt<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        while self.at < self.size && !buffer.is_empty() {
            if let Some(coming) = &mut self.coming {
                let read = coming.read(buffer)?;
                self.at += read as u64;
                if read > 0 {
                    return Ok(read);
                }
                self.coming = None;
                continue;
            }
            let next = self.pieces.partition_point(|piece| piece.end <= self.at);
            match self.pieces.get(next).copied() {
                Some(Piece { end, source: Source::Fetched, .. }) => {
                    match self.registry.part_of_blob(&self.digest, self.size, self.at..end) {
                        Ok(part) => self.coming = Some(part),
                        Err(_) => self.fetch_rest()?,
                    }
                }
                Some(piece) => match self.here(&piece, buffer) {
                    Some(read) => {
                        self.at += read as u64;
                        return Ok(read);
                    }
                    None => self.fetch_rest()?,
                },
                None => self.fetch_rest()?,
            }
        }
        Ok(0)
    }
}

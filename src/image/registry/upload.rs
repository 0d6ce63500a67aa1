//! Pushing to a repository: blobs, and then the manifest that names them.
//!
//! Distribution spec, "Pushing". A blob goes in one piece where the registry takes that, else in chunks; what breaks is
//! taken up where the registry says that it stopped. The registry chooses where a blob is sent to: credentials stay with
//! the registry's own origin wherever that is.

use super::Registry;
use super::blob::PROGRESS_BYTES;
use crate::error::{self, Kind};
use crate::image::http::{self, Content, Method, Part, Request, Response};
use crate::image::origin::Url;
use crate::store::digest::{Digest, Hashing};
use anyhow::{Context, Result, anyhow};
use std::fs::File;
use std::io::Seek;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// The size of a chunk, unless the registry wants larger ones, and what is tried at last where it is too large.
const CHUNK_BYTES: u64 = 16 << 20;
const CHUNK_BYTES_MIN: u64 = 512 << 10;

/// A blob to be sent.
pub struct Outgoing<'a> {
    pub digest: Digest,
    pub size: u64,
    /// Has just this blob.
    pub file: &'a File,
    /// Hears how many of its bytes have been sent.
    pub progress: &'a (dyn Fn(u64) + Sync),
    /// Set when it need not be sent any more.
    pub stop: &'a AtomicBool,
}

/// An upload that the registry has begun.
struct Upload {
    /// Where the next request goes to.
    location: Url,
    /// How much of the blob the registry has.
    offset: u64,
    /// The size of the chunks; None to send all that is left at once.
    chunk_bytes: Option<u64>,
}

/// Why a blob could not be sent.
struct Stumble {
    error: anyhow::Error,
    /// How long to wait at least before going on; None if that would not help.
    again: Option<Duration>,
}

impl From<anyhow::Error> for Stumble {
    /// An error without an answer: a connection that broke or hung is worth another try, a refusal is not.
    fn from(error: anyhow::Error) -> Self {
        let again = (error::kind(&error) == Kind::Engine).then_some(Duration::ZERO);
        Self { error, again }
    }
}

impl Registry {
    /// Whether the repository has a blob.
    pub fn has_blob(&self, digest: &Digest) -> Result<bool> {
        let response = self.ask(self.request(Method::Head, &format!("blobs/{digest}"))?)?;
        match response.status {
            200 => Ok(true),
            404 => Ok(false),
            _ => Err(self.refusal(response)),
        }
    }

    /// Brings a blob into the repository: out of another one that has it, if the registry does that, or by sending it.
    pub fn upload(&self, blob: &Outgoing, mount_from: Option<&str>) -> Result<()> {
        let mut upload = match mount_from.map(|from| self.mount(&blob.digest, from)).transpose()? {
            Some(Mount::Done) => return Ok(()),
            Some(Mount::Begun(upload)) => upload,
            Some(Mount::Refused) | None => self.begin(None)?,
        };
        let mut tries = 1;
        loop {
            let before = upload.offset;
            let stumble = match self.send_rest(&mut upload, blob) {
                Ok(()) => return Ok(()),
                Err(stumble) => stumble,
            };
            let asked = stumble.again.filter(|_| !blob.is_stopped());
            let pause = asked.and_then(|asked| self.client.patience().pause_as_asked(tries, asked));
            let Some(pause) = pause else { return Err(stumble.error) };
            std::thread::sleep(pause);
            match self.take_up(upload, blob)? {
                Some(taken_up) => upload = taken_up,
                // The answer was lost, not the blob.
                None => return Ok(()),
            }
            tries = if upload.offset >= before.saturating_add(PROGRESS_BYTES) { 1 } else { tries + 1 };
        }
    }

    /// Stores a manifest or an index, whose parts are in the repository already, under a tag or its digest.
    pub fn put_manifest(&self, reference: &str, media_type: &str, bytes: &[u8]) -> Result<Digest> {
        let content = Content::Document { media_type, bytes };
        let request = self.request(Method::Put, &format!("manifests/{reference}"))?;
        let response = self.ask(Request { content, ..request })?;
        if response.status != 201 {
            return Err(self.refusal(response));
        }
        let digest = Digest::of(bytes);
        check_stored(&response, &digest)?;
        Ok(digest)
    }

    /// Asks the registry to take a blob from one of its other repositories. That it will not is no error.
    fn mount(&self, digest: &Digest, from: &str) -> Result<Mount> {
        let mut request = self.request(Method::Post, "blobs/uploads/")?;
        request.url = request.url.with_query(&[("mount", &digest.to_string()), ("from", from)]);
        let response = self.ask(request)?;
        match response.status {
            201 => {
                check_stored(&response, digest)?;
                // Some say so of what they do not have.
                Ok(if self.has_blob(digest)? { Mount::Done } else { Mount::Refused })
            }
            202 => Ok(Mount::Begun(begun(&response, None)?)),
            _ => Ok(Mount::Refused),
        }
    }

    fn begin(&self, chunk_bytes: Option<u64>) -> Result<Upload> {
        let response = self.ask(self.request(Method::Post, "blobs/uploads/")?).context("begin upload")?;
        match response.status {
            202 => begun(&response, chunk_bytes),
            _ => Err(self.refusal(response)),
        }
    }

    /// Sends what the registry does not have yet of a blob, and names it.
    fn send_rest(&self, upload: &mut Upload, blob: &Outgoing) -> Result<(), Stumble> {
        if upload.offset == 0 && upload.chunk_bytes.is_none() {
            let response = self.finish(upload, blob, 0)?;
            if !matches!(response.status, 405 | 411 | 413 | 415 | 501) {
                return self.finished(response, blob);
            }
            // It is too much at once, or not done in this way here.
            *upload = self.begin(Some(CHUNK_BYTES))?;
        }
        while upload.offset < blob.size {
            self.send_chunk(upload, blob)?;
        }
        self.finished(self.finish(upload, blob, blob.size)?, blob)
    }

    fn send_chunk(&self, upload: &mut Upload, blob: &Outgoing) -> Result<(), Stumble> {
        let end = upload.chunk_bytes.map_or(blob.size, |bytes| blob.size.min(upload.offset.saturating_add(bytes)));
        let passed = |at| blob.passed(at);
        let part = Part { file: blob.file, start: upload.offset, end, is_chunk: true, passed: &passed };
        let request = Request::new(Method::Patch, upload.location.clone());
        let response = self.ask(Request { content: Content::Part(&part), ..request })?;
        match (response.status, upload.chunk_bytes) {
            // Distribution itself says 202, older registries 204.
            (202 | 204, _) => {
                let offset = offset_in(&response).unwrap_or(end);
                if offset <= upload.offset || offset > end {
                    let message = format!("the registry has {offset} bytes after it was sent those up to {end}");
                    return Err(Kind::BadInput.error(message).into());
                }
                upload.location = location(&response)?.unwrap_or_else(|| upload.location.clone());
                upload.offset = offset;
                Ok(())
            }
            (413, bytes) if end - upload.offset > CHUNK_BYTES_MIN => {
                let smaller = bytes.unwrap_or(CHUNK_BYTES).min(end - upload.offset) / 2;
                *upload = self.begin(Some(smaller))?;
                Ok(())
            }
            _ => Err(self.stumble(response)),
        }
    }

    /// The last request of an upload: names the blob, with its bytes from `start` on.
    fn finish(&self, upload: &Upload, blob: &Outgoing, start: u64) -> Result<Response> {
        let url = upload.location.with_query(&[("digest", &blob.digest.to_string())]);
        let passed = |at| blob.passed(at);
        let part = Part { file: blob.file, start, end: blob.size, is_chunk: false, passed: &passed };
        let content = if start < blob.size { Content::Part(&part) } else { Content::Nothing };
        self.ask(Request { content, ..Request::new(Method::Put, url) })
    }

    fn finished(&self, response: Response, blob: &Outgoing) -> Result<(), Stumble> {
        match response.status {
            201 | 204 => {
                (blob.progress)(blob.size);
                Ok(check_stored(&response, &blob.digest)?)
            }
            400 if !blob.is_sound()? => {
                let message = format!("blob {} is damaged on disk", blob.digest);
                Err(Kind::BadInput.hinted(message, "remove the image and pull or load it again").into())
            }
            _ => Err(self.stumble(response)),
        }
    }

    /// An answer that is not the one hoped for.
    fn stumble(&self, response: Response) -> Stumble {
        // The upload is not known any more, or not as far as this side thinks.
        let is_lost = matches!(response.status, 404 | 416);
        let again = response.busy().or(is_lost.then_some(Duration::ZERO));
        Stumble { error: self.refusal(response), again }
    }

    /// Goes on with an upload that broke: from where the registry says that it is, or from the beginning. None if the
    /// registry has the blob after all.
    fn take_up(&self, upload: Upload, blob: &Outgoing) -> Result<Option<Upload>> {
        if self.has_blob(&blob.digest)? {
            return Ok(None);
        }
        let response = self.ask(Request::get(upload.location.clone()))?;
        let offset = offset_in(&response).filter(|offset| response.status == 204 && *offset <= blob.size);
        match offset {
            Some(offset) => {
                let location = location(&response)?.unwrap_or(upload.location);
                Ok(Some(Upload { location, offset, ..upload }))
            }
            None => self.begin(upload.chunk_bytes).map(Some),
        }
    }
}

/// What a registry makes of the wish to take a blob from another repository.
enum Mount {
    Done,
    /// It wants to be sent the blob instead.
    Begun(Upload),
    Refused,
}

impl Outgoing<'_> {
    fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    fn passed(&self, at: u64) -> std::io::Result<()> {
        if self.is_stopped() {
            return Err(std::io::Error::other("another blob failed"));
        }
        (self.progress)(at);
        Ok(())
    }

    /// Whether the file still has the bytes that it is named by.
    fn is_sound(&self) -> Result<bool> {
        let mut file = self.file;
        file.rewind().context("read blob")?;
        let mut hashing = Hashing::new(file);
        std::io::copy(&mut hashing, &mut std::io::sink()).context("read blob")?;
        Ok(hashing.finish().1 == self.digest)
    }
}

fn begun(response: &Response, chunk_bytes: Option<u64>) -> Result<Upload> {
    let location = location(response)?.ok_or_else(|| anyhow!("the registry does not say where to send the blob"))?;
    // A registry with a least size wants chunks (distribution spec, "Pushing a blob in chunks").
    let least = response.header("oci-chunk-min-length").and_then(|bytes| bytes.parse::<u64>().ok());
    let chunk_bytes = match least {
        Some(least) => Some(least.max(chunk_bytes.unwrap_or(CHUNK_BYTES))),
        None => chunk_bytes,
    };
    Ok(Upload { location, offset: 0, chunk_bytes })
}

/// Where the registry wants to be sent what follows.
fn location(response: &Response) -> Result<Option<Url>> {
    let Some(location) = response.header("location") else { return Ok(None) };
    let next = response.url.join(location).context("follow the upload's location")?;
    http::check_redirect(&response.url.origin, &next.origin)?;
    Ok(Some(next))
}

/// How many bytes the registry has: `0-9` are ten. Of `0-0` it cannot be told whether that is one or none.
fn offset_in(response: &Response) -> Option<u64> {
    let range = response.header("range")?;
    let (start, end) = range.trim_start_matches("bytes=").split_once('-')?;
    let end: u64 = end.trim().parse().ok().filter(|_| start == "0")?;
    if end == 0 { Some(0) } else { end.checked_add(1) }
}

/// A registry that says what it stored must have stored what it was sent.
fn check_stored(response: &Response, digest: &Digest) -> Result<()> {
    let stored = response.header("docker-content-digest").and_then(|text| Digest::parse(text).ok());
    match stored.filter(|stored| stored != digest) {
        Some(stored) => Err(Kind::BadInput.error(format!("the registry stored {stored} where it was sent {digest}"))),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests;

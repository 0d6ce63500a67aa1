//! The very bytes of a layer's archive, put together again of its files and of what tar-split kept of everything else
//! (github.com/vbatts/tar-split, `tar/storage`): lines of JSON, each a piece of the archive or the name of a file whose
//! bytes come next. Both may be anybody's, so nothing is believed: who reads this compares the digest.

use crate::error::Kind;
use crate::fs::Root;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use flate2::read::MultiGzDecoder;
use rustix::fs::{FileType, OFlags};
use serde::Deserialize;
use std::fs::File;
use std::io::{BufRead, BufReader, Error, ErrorKind, Read, Result};
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;

/// One line: headers with long names, or the padding at an archive's end.
const LINE_BYTES_MAX: u64 = 16 << 20;
/// Twice the entries that a layer may have, and some.
const LINES_MAX: u64 = 12_000_000;
const SEGMENT: u8 = 2;
const FILE: u8 = 1;

#[derive(Deserialize)]
struct Entry {
    #[serde(rename = "type")]
    kind: u8,
    #[serde(default)]
    name: String,
    /// A name that is no UTF-8, in base64.
    #[serde(default)]
    name_raw: String,
    #[serde(default)]
    size: u64,
    /// A segment's bytes in base64. Of a file it is a check sum, which the digest makes unnecessary.
    #[serde(default)]
    payload: Option<String>,
}

/// The archive as a stream.
pub struct Archive {
    lines: BufReader<MultiGzDecoder<File>>,
    read: u64,
    /// The layer's files.
    root: Root,
    now: Now,
}

/// Where the next bytes come from.
enum Now {
    Segment { bytes: Vec<u8>, next: usize },
    File { file: File, left: u64 },
}

impl Archive {
    /// `entries` is the compressed list.
    pub fn new(entries: File, root: Root) -> Self {
        let lines = BufReader::new(MultiGzDecoder::new(entries));
        Self { lines, read: 0, root, now: Now::Segment { bytes: Vec::new(), next: 0 } }
    }

    /// The source of the bytes after these. None at the end.
    fn advance(&mut self) -> Result<Option<Now>> {
        let mut line = Vec::new();
        self.lines.by_ref().take(LINE_BYTES_MAX).read_until(b'\n', &mut line)?;
        self.read += 1;
        if line.is_empty() {
            return Ok(None);
        }
        if self.read > LINES_MAX || line.len() as u64 == LINE_BYTES_MAX {
            return Err(bad("it is too long"));
        }
        let entry: Entry = serde_json::from_slice(&line).map_err(|error| bad(&error.to_string()))?;
        match entry.kind {
            SEGMENT => {
                let bytes = BASE64_STANDARD.decode(entry.payload.unwrap_or_default());
                Ok(Some(Now::Segment { bytes: bytes.map_err(|_| bad("a segment is no base64"))?, next: 0 }))
            }
            FILE if entry.size == 0 => Ok(Some(Now::Segment { bytes: Vec::new(), next: 0 })),
            FILE => self.file(entry).map(Some),
            _ => Err(bad("an entry is of no known kind")),
        }
    }

    fn file(&self, entry: Entry) -> Result<Now> {
        let path = match entry.name_raw.is_empty() {
            true => PathBuf::from(entry.name),
            false => {
                let raw = BASE64_STANDARD.decode(entry.name_raw).map_err(|_| bad("a name is no base64"))?;
                PathBuf::from(std::ffi::OsString::from_vec(raw))
            }
        };
        let shown = || crate::fs::shown(path.as_os_str().as_encoded_bytes());
        // Not waiting for a writer, should it be a FIFO.
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY;
        let file = self.root.resolve(&path, flags);
        let file =
            file.map_err(|errno| Error::new(Error::from(errno).kind(), format!("open {}: {errno}", shown())))?;
        if FileType::from_raw_mode(rustix::fs::fstat(&file)?.st_mode) != FileType::RegularFile {
            return Err(bad(&format!("{} is not a regular file", shown())));
        }
        Ok(Now::File { file: file.into(), left: entry.size })
    }
}

impl Read for Archive {
    fn read(&mut self, into: &mut [u8]) -> Result<usize> {
        if into.is_empty() {
            return Ok(0);
        }
        loop {
            match &mut self.now {
                Now::Segment { bytes, next } if *next < bytes.len() => {
                    let count = into.len().min(bytes.len() - *next);
                    into[..count].copy_from_slice(&bytes[*next..*next + count]);
                    *next += count;
                    return Ok(count);
                }
                Now::File { file, left } if *left > 0 => {
                    let count = into.len().min(usize::try_from(*left).unwrap_or(usize::MAX));
                    let read = file.read(&mut into[..count])?;
                    if read == 0 {
                        return Err(bad("a file is shorter than it was"));
                    }
                    *left -= read as u64;
                    return Ok(read);
                }
                Now::Segment { .. } | Now::File { .. } => match self.advance()? {
                    Some(now) => self.now = now,
                    None => return Ok(0),
                },
            }
        }
    }
}

fn bad(what: &str) -> Error {
    Error::new(ErrorKind::InvalidData, Kind::BadInput.error(format!("tar-split: {what}")))
}

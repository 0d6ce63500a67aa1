//! A tar archive as a table of its members. Nothing is unpacked: names are keys, and the data stays where it is.

use crate::engine::Engine;
use crate::error::Kind;
use crate::fs;
use crate::store::layers::Compression;
use anyhow::{Context, Result};
use std::cell::Cell;
use std::collections::HashMap;
use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::FileExt;
use std::rc::Rc;

const ENTRIES_MAX: usize = 1_000_000;
/// All names together, which are held in memory.
const NAME_BYTES_MAX: usize = 64 << 20;
/// Headers of one entry, with its long names and PAX records.
const HEADER_BYTES_MAX: u64 = 1 << 20;
/// Links from link to link.
const LINK_HOPS_MAX: usize = 8;
/// The largest archive that is spooled.
const SPOOL_BYTES_MAX: u64 = 64 << 30;
/// What spooling leaves free on the disk.
const FREE_BYTES_MIN: u64 = 64 << 20;
/// How much is written between looks at the free space.
const FREE_CHECK_BYTES: u64 = 16 << 20;
const CHUNK_BYTES: usize = 256 << 10;
/// A frame that asks for more memory than this is refused: the default of zstd(1).
const ZSTD_WINDOW_LOG_MAX: u32 = 27;

#[derive(Debug)]
pub struct Archive {
    file: File,
    members: HashMap<String, Member>,
}

#[derive(Clone, Debug)]
enum Member {
    File { offset: u64, size: u64 },
    Link { target: String },
}

impl Archive {
    /// Reads the table of a file, spooling it first if it is compressed.
    pub fn open(engine: &Engine, mut file: File) -> Result<Self> {
        let compression = magic(&mut file)?;
        file.rewind().context("rewind the archive")?;
        match compression {
            Compression::None => Self::read(file),
            Compression::Gzip | Compression::Zstd => Self::spool(engine, file),
        }
    }

    /// Copies a stream into a file without a name, decompressed, and reads its table.
    pub fn spool(engine: &Engine, stream: impl Read + 'static) -> Result<Self> {
        let mut file = fs::create_unnamed(&engine.staging())?;
        copy_bounded(engine, &mut decompressed(stream)?, &mut file).context("spool the archive")?;
        Self::read(file)
    }

    fn read(mut file: File) -> Result<Self> {
        file.rewind().context("rewind the archive")?;
        let members = table(&file)?;
        Ok(Self { file, members })
    }

    /// Opens a member, following links inside the archive, and says how long it is. Several may be read at once.
    pub fn member(&self, name: &str) -> Result<Option<(Section<'_>, u64)>> {
        let mut name = name.to_owned();
        for _ in 0..LINK_HOPS_MAX {
            match self.members.get(&name) {
                None => return Ok(None),
                Some(Member::Link { target }) => name.clone_from(target),
                Some(&Member::File { offset, size }) => {
                    return Ok(Some((Section { file: &self.file, offset, left: size }, size)));
                }
            }
        }
        Err(Kind::BadInput.error(format!("{name:?}: too many links")))
    }
}

/// A part of a file, read without moving anybody's position in it.
#[derive(Debug)]
pub struct Section<'a> {
    file: &'a File,
    offset: u64,
    left: u64,
}

impl Read for Section<'_> {
    fn read(&mut self, bytes: &mut [u8]) -> std::io::Result<usize> {
        let wanted = bytes.len().min(usize::try_from(self.left).unwrap_or(usize::MAX));
        let read = self.file.read_at(&mut bytes[..wanted], self.offset)?;
        if read == 0 && wanted > 0 {
            // It was cut short after its table was read.
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        self.offset += read as u64;
        self.left -= read as u64;
        Ok(read)
    }
}

/// Reads the headers, seeking over the data.
fn table(file: &File) -> Result<HashMap<String, Member>> {
    let length = file.metadata().context("stat")?.len();
    let since_entry = Rc::new(Cell::new(0));
    let headers = Headers { inner: BufReader::with_capacity(4096, file), since_entry: Rc::clone(&since_entry) };
    let mut archive = tar::Archive::new(headers);
    let (mut members, mut entries, mut name_bytes) = (HashMap::new(), 0, 0);
    for entry in archive.entries_with_seek().map_err(malformed)? {
        let entry = entry
            .map_err(|error| if entries == 0 && is_about_checksum(&error) { no_tar() } else { malformed(error) })?;
        since_entry.set(0);
        entries += 1;
        let Ok(name) = String::from_utf8(entry.path_bytes().into_owned()) else { continue };
        let name = name.strip_prefix("./").unwrap_or(&name).to_owned();
        name_bytes += name.len();
        if entries > ENTRIES_MAX || name_bytes > NAME_BYTES_MAX {
            return Err(Kind::BadInput.error(format!("archive: more than {ENTRIES_MAX} entries")));
        }
        let Some(member) = member(&entry, &name, length)? else { continue };
        // Readers disagree on which of two counts, so that one of them could be shown something else.
        if members.contains_key(&name) {
            return Err(Kind::BadInput.error(format!("archive: {name:?} is in it twice")));
        }
        members.insert(name, member);
    }
    Ok(members)
}

/// What can be read under a name. None for directories and what else has no bytes.
fn member<R: Read>(entry: &tar::Entry<'_, R>, name: &str, length: u64) -> Result<Option<Member>> {
    let kind = entry.header().entry_type();
    match kind {
        tar::EntryType::Regular | tar::EntryType::Continuous => {
            let (offset, size) = (entry.raw_file_position(), entry.size());
            if offset.checked_add(size).is_none_or(|end| end > length) {
                return Err(Kind::BadInput.error(format!("archive: it ends within {name:?}")));
            }
            Ok(Some(Member::File { offset, size }))
        }
        tar::EntryType::Link | tar::EntryType::Symlink => {
            let Some(target) = entry.link_name_bytes() else { return Ok(None) };
            let target = std::str::from_utf8(&target).ok();
            let target = target.and_then(|target| resolve(name, target, kind == tar::EntryType::Symlink));
            Ok(target.map(|target| Member::Link { target }))
        }
        _ => Ok(None),
    }
}

/// The member that a link means. None if it leads out of the archive.
fn resolve(name: &str, target: &str, is_relative: bool) -> Option<String> {
    if target.starts_with('/') {
        return None;
    }
    let mut parts: Vec<&str> = if is_relative { name.split('/').collect() } else { Vec::new() };
    parts.pop();
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()?),
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

fn malformed(error: std::io::Error) -> anyhow::Error {
    Kind::BadInput.error(format!("archive: {error}"))
}

/// The parser has no kinds of errors; a block that is no header at all is one whose checksum does not even parse.
fn is_about_checksum(error: &std::io::Error) -> bool {
    let text = error.to_string();
    text.contains("cksum") || text.contains("checksum")
}

/// For a file whose very beginning is no entry; what its parser says of it would only quote the file.
fn no_tar() -> anyhow::Error {
    Kind::BadInput.hinted(
        "archive: it is no tar, plain or compressed with gzip or zstd",
        "give a file of docker save or podman save",
    )
}

/// What the tar reader reads itself are headers, since it seeks over data: an endless long name ends here.
struct Headers<'a> {
    inner: BufReader<&'a File>,
    since_entry: Rc<Cell<u64>>,
}

impl Read for Headers<'_> {
    fn read(&mut self, bytes: &mut [u8]) -> std::io::Result<usize> {
        let read = self.inner.read(bytes)?;
        self.since_entry.set(self.since_entry.get() + read as u64);
        match self.since_entry.get() > HEADER_BYTES_MAX {
            true => Err(std::io::Error::other("the headers of one entry are too long")),
            false => Ok(read),
        }
    }
}

impl Seek for Headers<'_> {
    fn seek(&mut self, position: SeekFrom) -> std::io::Result<u64> {
        match position {
            SeekFrom::Current(offset) => {
                self.inner.seek_relative(offset)?;
                self.inner.stream_position()
            }
            SeekFrom::Start(_) | SeekFrom::End(_) => self.inner.seek(position),
        }
    }
}

/// The compression that the first bytes of a stream show. Formats that are not unpacked here are refused by name.
pub fn magic(stream: &mut impl Read) -> Result<Compression> {
    let mut bytes = [0; 6];
    let mut filled = 0;
    while filled < bytes.len() {
        match stream.read(&mut bytes[filled..])? {
            0 => break,
            read => filled += read,
        }
    }
    of_magic(&bytes[..filled])
}

fn of_magic(bytes: &[u8]) -> Result<Compression> {
    let refused = |name: &str| {
        let message = format!("archive: it is compressed with {name}");
        Err(Kind::BadInput.hinted(message, format!("decompress it first; {name} is not supported")))
    };
    match bytes {
        [0x1f, 0x8b, ..] => Ok(Compression::Gzip),
        [0x28, 0xb5, 0x2f, 0xfd, ..] => Ok(Compression::Zstd),
        [0xfd, b'7', b'z', b'X', b'Z', ..] => refused("xz"),
        [b'B', b'Z', b'h', ..] => refused("bzip2"),
        _ => Ok(Compression::None),
    }
}

/// A stream without its compression, if it has one.
pub fn decompressed(mut stream: impl Read + 'static) -> Result<Box<dyn Read>> {
    let mut first = Vec::with_capacity(6);
    stream.by_ref().take(6).read_to_end(&mut first).context("read the archive")?;
    let compression = of_magic(&first)?;
    let whole = std::io::Cursor::new(first).chain(stream);
    Ok(match compression {
        Compression::None => Box::new(whole),
        Compression::Gzip => {
            Box::new(flate2::read::MultiGzDecoder::new(BufReader::with_capacity(CHUNK_BYTES, whole)))
        }
        Compression::Zstd => {
            let mut decoder = zstd::stream::read::Decoder::new(whole).context("start zstd")?;
            decoder.window_log_max(ZSTD_WINDOW_LOG_MAX).context("start zstd")?;
            Box::new(decoder)
        }
    })
}

/// Copies a stream of unknown length to this engine's disk, stopping before that is full.
pub fn copy_bounded(engine: &Engine, stream: &mut dyn Read, target: &mut dyn Write) -> Result<u64> {
    let mut buffer = vec![0; CHUNK_BYTES];
    let (mut copied, mut check_at) = (0, 0);
    loop {
        let read = match stream.read(&mut buffer) {
            Ok(0) => return Ok(copied),
            Ok(read) => read,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error).context("read the archive"),
        };
        if copied >= check_at {
            check_free(engine)?;
            check_at = copied + FREE_CHECK_BYTES;
        }
        target.write_all(&buffer[..read]).context("write the archive")?;
        copied += read as u64;
        if copied > SPOOL_BYTES_MAX {
            return Err(Kind::BadInput.error(format!("archive: more than {SPOOL_BYTES_MAX} bytes")));
        }
    }
}

fn check_free(engine: &Engine) -> Result<()> {
    let status = rustix::fs::statvfs(engine.staging()).context("statvfs the staging directory")?;
    match status.f_bavail.saturating_mul(status.f_frsize) > FREE_BYTES_MIN {
        true => Ok(()),
        false => Err(anyhow::Error::new(std::io::Error::from_raw_os_error(libc::ENOSPC)).context("keep space free")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_leads_to_a_member_or_nowhere() {
        let table = [
            ("b/layer.tar", "../a/layer.tar", true, Some("a/layer.tar")),
            ("b/layer.tar", "x", true, Some("b/x")),
            ("b/layer.tar", "a/layer.tar", false, Some("a/layer.tar")),
            ("layer.tar", "../x", true, None),
            ("a/layer.tar", "../../x", true, None),
            ("a/layer.tar", "/etc/passwd", true, None),
            ("a/layer.tar", "../a/../../x", true, None),
        ];
        for (name, target, is_relative, found) in table {
            assert_eq!(resolve(name, target, is_relative).as_deref(), found, "{name} -> {target}");
        }
    }
}

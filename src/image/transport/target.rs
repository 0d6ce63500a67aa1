//! Writing images into an archive or a directory.
//!
//! An archive in a file is written by several threads at once, since every member's place follows from the sizes; into
//! a pipe it goes in order. A directory may hold images already: what is there stays readable, and the document that
//! names the images is replaced last.

use super::blobs::{Blob, Blobs, Prepared};
use super::layout::INDEX_BYTES_MAX;
use super::members::{Content, Member};
use crate::error::Kind;
use crate::fs::{self, Output, Place, Root};
use crate::image::json;
use crate::image::transfer::Progress;
use crate::store::digest::Hashing;
use crate::store::pack::header::{BLOCK_BYTES, Header};
use anyhow::{Context, Result};
use rustix::fs::{FlockOperation, Mode, OFlags};
use serde_json::Value;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::os::fd::OwnedFd;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

/// How many blobs are written at once.
const PARALLEL_MAX: usize = 4;
/// The size of one write.
const CHUNK_BYTES: usize = 256 << 10;
const NAME: &str = "org.opencontainers.image.ref.name";
/// How many names an error shows of what is in the way.
const SHOWN_MAX: usize = 3;

/// Where images are written to.
#[derive(Debug)]
pub enum Target {
    /// A file, or a pipe or a device that has a name.
    Archive(PathBuf),
    Stdout,
    Directory(PathBuf),
}

/// What is to be written, and how far it is.
pub struct Writing<'a> {
    pub members: Vec<Member>,
    pub prepared: &'a Prepared<'a>,
    pub source: &'a Blobs<'a>,
    pub progress: Progress<'a>,
}

impl Target {
    pub fn write(&self, writing: &Writing) -> Result<()> {
        match self {
            Self::Archive(path) => match Place::open(path)? {
                Place::File(output) => {
                    writing.archive_file(output.file()).with_context(|| format!("write {}", path.display()))?;
                    output.finish()
                }
                Place::Stream(file) => writing.archive_stream(file),
            },
            Self::Stdout => writing.archive_stream(std::io::stdout().lock()),
            Self::Directory(path) => {
                writing.directory(path).with_context(|| format!("write directory {}", path.display()))
            }
        }
    }
}

impl Writing<'_> {
    fn archive_file(&self, file: &File) -> Result<()> {
        let mut position = 0;
        let mut blobs = Vec::new();
        for member in &self.members {
            let header = self.header(member);
            file.write_all_at(&header, position)?;
            position += header.len() as u64;
            match &member.content {
                Content::Directory => {}
                Content::Bytes(bytes) => file.write_all_at(bytes, position)?,
                Content::Blob(number) => blobs.push((self.blob(*number), position)),
            }
            position += self.size(member).next_multiple_of(BLOCK_BYTES as u64);
        }
        // Two blocks of zeros end an archive, and zeros fill up the last block of each member.
        file.set_len(position + 2 * BLOCK_BYTES as u64)?;
        in_parallel(&blobs, |(blob, offset)| {
            blob.write(self.source, &mut At { file, offset: *offset }, self.progress)
        })
    }

    fn archive_stream(&self, out: impl Write) -> Result<()> {
        let mut out = BufWriter::with_capacity(CHUNK_BYTES, out);
        for member in &self.members {
            out.write_all(&self.header(member)).context("write the archive")?;
            match &member.content {
                Content::Directory => {}
                Content::Bytes(bytes) => out.write_all(bytes).context("write the archive")?,
                Content::Blob(number) => self.blob(*number).write(self.source, &mut out, self.progress)?,
            }
            let padding = self.size(member).wrapping_neg() % BLOCK_BYTES as u64;
            out.write_all(&[0; BLOCK_BYTES][..padding as usize]).context("write the archive")?;
        }
        out.write_all(&[0; 2 * BLOCK_BYTES]).context("write the archive")?;
        out.flush().context("write the archive")
    }

    /// Owned by nobody in particular and of no time, so that one image always makes the same archive.
    fn header(&self, member: &Member) -> Vec<u8> {
        let (kind, mode) = match member.content {
            Content::Directory => (b'5', 0o755),
            Content::Bytes(_) | Content::Blob(_) => (b'0', 0o644),
        };
        let header = Header {
            kind,
            path: member.name.as_bytes(),
            link: b"",
            mode,
            uid: 0,
            gid: 0,
            size: self.size(member),
            modified: 0,
            device: (0, 0),
            records: Vec::new(),
        };
        header.to_blocks()
    }

    fn size(&self, member: &Member) -> u64 {
        match &member.content {
            Content::Directory => 0,
            Content::Bytes(bytes) => bytes.len() as u64,
            Content::Blob(number) => self.blob(*number).size,
        }
    }

    fn blob(&self, number: usize) -> &Blob<'_> {
        &self.prepared.blobs[number]
    }

    fn directory(&self, path: &Path) -> Result<()> {
        fs::create_dir_shared(path)?;
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let dir = rustix::fs::open(path, flags, Mode::empty())?;
        // Two that add to one directory do not take the other's images off its list.
        rustix::fs::flock(&dir, FlockOperation::LockExclusive).context("lock")?;
        let mark = self.members.first().context("a format has members")?;
        check_free(path, &mark.name)?;
        let root = Root::new(dir);
        // First, so that a directory that is left half written is known for one of ours and can be written again.
        if let Content::Bytes(bytes) = &mark.content {
            write_file(&root, &mark.name, |mut file| file.write_all(bytes).map_err(Into::into))?;
        }
        let mut blobs = Vec::new();
        for member in &self.members {
            match &member.content {
                Content::Directory => {
                    root.make_dir_all(Path::new(&member.name), 0o777)?;
                }
                Content::Bytes(_) => {}
                Content::Blob(number) => blobs.push((self.blob(*number), member.name.as_str())),
            }
        }
        in_parallel(&blobs, |(blob, name)| self.blob_file(&root, name, blob))?;
        for member in &self.members[1..] {
            match &member.content {
                Content::Bytes(bytes) if member.name == "index.json" => {
                    let merged = merged(root.read(Path::new("index.json"), INDEX_BYTES_MAX)?, bytes)?;
                    write_file(&root, &member.name, |mut file| file.write_all(&merged).map_err(Into::into))?;
                }
                Content::Bytes(bytes) => {
                    write_file(&root, &member.name, |mut file| file.write_all(bytes).map_err(Into::into))?;
                }
                Content::Directory | Content::Blob(_) => {}
            }
        }
        Ok(())
    }

    /// A blob that is there with the right bytes is not written again.
    fn blob_file(&self, root: &Root, name: &str, blob: &Blob) -> Result<()> {
        if let Ok(file) = root.resolve_without_links(Path::new(name), OFlags::RDONLY | OFlags::NONBLOCK)
            && rustix::fs::fstat(&file)?.st_size as u64 == blob.size
        {
            let mut there = Hashing::new(File::from(file));
            if std::io::copy(&mut there, &mut std::io::sink()).is_ok() && there.finish().1 == blob.digest {
                return Ok(());
            }
        }
        write_file(root, name, |mut file| blob.write(self.source, &mut file, self.progress))
    }
}

/// Makes a file below a directory, none of whose directories may be a link to somewhere else.
fn write_file(root: &Root, name: &str, write: impl FnOnce(&File) -> Result<()>) -> Result<()> {
    let path = Path::new(name);
    let above = path.parent().filter(|above| !above.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let flags = OFlags::RDONLY | OFlags::DIRECTORY;
    let dir: OwnedFd =
        root.resolve_without_links(above, flags).with_context(|| format!("open {}", above.display()))?;
    let name = path.file_name().map(Path::new).context("a member has a name")?;
    let output = Output::create(dir, name).with_context(|| format!("create {}", path.display()))?;
    write(output.file())?;
    output.finish()
}

/// Refuses a directory in which there is something, but nothing of this format.
fn check_free(path: &Path, mark: &str) -> Result<()> {
    let mut names = fs::list(path)?;
    if names.is_empty() || names.iter().any(|name| name == mark) {
        return Ok(());
    }
    names.sort_unstable();
    let more = if names.len() > SHOWN_MAX { ", …" } else { "" };
    names.truncate(SHOWN_MAX);
    let shown: Vec<String> = names.iter().map(|name| fs::shown(name.as_bytes())).collect();
    let message = format!("there are other files in it ({}{more})", shown.join(", "));
    Err(Kind::Exists.hinted(message, "name a directory that is empty or not there yet"))
}

/// The entries of an index with those of another, which take the names that they have.
fn merged(there: Option<Vec<u8>>, added: &[u8]) -> Result<Vec<u8>> {
    let Some(there) = there else { return Ok(added.to_vec()) };
    let mut index: Value = json::parse(&there, INDEX_BYTES_MAX).context("read index.json")?;
    let added: Value = json::parse(added, INDEX_BYTES_MAX)?;
    let added = added["manifests"].as_array().cloned().unwrap_or_default();
    let entries = index.get_mut("manifests").and_then(Value::as_array_mut);
    let entries = entries.ok_or_else(|| Kind::BadInput.error("index.json: it is no index"))?;
    let name = |entry: &Value| entry["annotations"][NAME].as_str().map(str::to_owned);
    entries.retain(|old| {
        let is_same = |new: &Value| match (name(old), name(new)) {
            (Some(old), Some(new)) => old == new,
            (None, None) => old["digest"] == new["digest"],
            (Some(_), None) | (None, Some(_)) => false,
        };
        !added.iter().any(is_same)
    });
    entries.extend(added);
    let bytes = serde_json::to_vec(&index)?;
    match bytes.len() <= INDEX_BYTES_MAX {
        true => Ok(bytes),
        false => Err(Kind::BadInput.error(format!("index.json: more than {INDEX_BYTES_MAX} bytes"))),
    }
}

/// Does something to each, several at a time. The first that fails keeps further ones from being begun.
fn in_parallel<T: Sync>(items: &[T], work: impl Fn(&T) -> Result<()> + Sync) -> Result<()> {
    let (queue, failed) = (Mutex::new(items.iter()), Mutex::new(None));
    let next = || match failed.lock().expect("no holder of the lock panics").is_some() {
        true => None,
        false => queue.lock().expect("no holder of the lock panics").next(),
    };
    // More than there are processors: what comes from a registry is mostly waited for.
    let threads = PARALLEL_MAX.min(items.len());
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some(item) = next() {
                    if let Err(error) = work(item) {
                        failed.lock().expect("no holder of the lock panics").get_or_insert(error);
                    }
                }
            });
        }
    });
    match failed.into_inner().expect("no holder of the lock panics") {
        Some(error) => Err(error),
        None => Ok(()),
    }
}

/// Writes into a file from some place on, whoever else writes to it.
struct At<'a> {
    file: &'a File,
    offset: u64,
}

impl Write for At<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let written = self.file.write_at(bytes, self.offset)?;
        self.offset += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

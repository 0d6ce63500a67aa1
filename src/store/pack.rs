//! Writes tar archives: what `commit`, `export` and `cp` make of a directory that somebody else may be changing.
//!
//! Every object is opened by directory descriptor and name, without following anything, and described by what was
//! opened; a file that shrinks while it is read is filled up with zeros, one that grows is cut where it ended. The format
//! is ustar with PAX records for what does not fit (POSIX.1-2017 pax), sparse files as PAX 1.0 (GNU tar manual, D.2).

pub mod header;

use crate::error::Kind;
use crate::fs::{self, is_portable_attribute};
use anyhow::{Context, Result, bail};
use header::{BLOCK_BYTES, Header};
use rustix::fs::{AtFlags, FileType, Mode, OFlags, SeekFrom, Stat};
use rustix::io::Errno;
use std::collections::HashMap;
use std::ffi::CStr;
use std::io::Write;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

/// The most components of a path, as in what is unpacked.
const DEPTH_MAX: usize = 1000;

/// The longest path that the kernel takes.
const PATH_BYTES_MAX: usize = 4095;

const BUFFER_BYTES: usize = 256 << 10;

/// Holes that are worth a map: a smaller sum is written as zeros, which every reader understands.
const HOLES_BYTES_MIN: u64 = 64 << 10;

/// The most regions of data that one file's map has.
const EXTENTS_MAX: usize = 1 << 20;

/// The most bytes of one file's attributes, names and values: what is unpacked again.
const XATTR_BYTES_MAX: usize = 64 << 10;

/// Translates the owner of a file into that in the archive.
pub type Ids<'a> = &'a dyn Fn(u32, u32) -> Result<(u32, u32)>;

/// An archive that is being written.
pub struct Packer<'a, W> {
    out: W,
    ids: Ids<'a>,
    buffer: Vec<u8>,
    /// The first of several hard links, by device and inode.
    links: HashMap<(u64, u64), Vec<u8>>,
    /// Whether the archive is a layer, in which names that begin with `.wh.` are marks.
    pub is_layer: bool,
}

impl<'a, W: Write> Packer<'a, W> {
    pub fn new(out: W, ids: Ids<'a>) -> Self {
        Self { out, ids, buffer: vec![0; BUFFER_BYTES], links: HashMap::new(), is_layer: false }
    }

    /// Ends the archive and gives what it was written to.
    pub fn finish(mut self) -> Result<W> {
        self.out.write_all(&[0; 2 * BLOCK_BYTES]).context("write the archive")?;
        self.out.flush().context("write the archive")?;
        Ok(self.out)
    }

    /// Writes everything in a directory, under a path that is empty or ends with a slash.
    pub fn contents(&mut self, dir: BorrowedFd<'_>, path: &mut Vec<u8>, depth: usize) -> Result<()> {
        check_depth(path, depth)?;
        let dir = open_directory(dir, c".")?;
        for name in fs::names(dir.as_fd())? {
            let length = path.len();
            path.extend_from_slice(name.to_bytes());
            self.object(dir.as_fd(), &name, path, depth)?;
            path.truncate(length);
        }
        Ok(())
    }

    /// Writes an entry for the root directory, if it is not what it is without being named.
    pub fn root(&mut self, root: BorrowedFd<'_>) -> Result<()> {
        let status = rustix::fs::fstat(root).context("fstat")?;
        match (status.st_mode & 0o7777, (self.ids)(status.st_uid, status.st_gid)?) {
            (0o755, (0, 0)) => Ok(()),
            _ => self.entry(root, c".", &status, b"."),
        }
    }

    /// Writes an object under a path, and what is below it.
    pub fn object(&mut self, dir: BorrowedFd<'_>, name: &CStr, path: &mut Vec<u8>, depth: usize) -> Result<()> {
        let status = match rustix::fs::statat(dir, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(status) => status,
            // Removed meanwhile.
            Err(Errno::NOENT) => return Ok(()),
            Err(errno) => return Err(errno).with_context(|| format!("stat {}", fs::shown(path))),
        };
        self.entry(dir, name, &status, path)?;
        if FileType::from_raw_mode(status.st_mode) == FileType::Directory {
            let length = path.len();
            path.push(b'/');
            match open_directory(dir, name) {
                Ok(directory) => self.contents(directory.as_fd(), path, depth + 1)?,
                Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => {}
                Err(errno) => return Err(errno).with_context(|| format!("open {}", fs::shown(path))),
            }
            path.truncate(length);
        }
        Ok(())
    }

    /// Writes one entry, without what is below it. Sockets have no place in an archive.
    pub fn entry(&mut self, dir: BorrowedFd<'_>, name: &CStr, status: &Stat, path: &[u8]) -> Result<()> {
        self.entry_here(dir, name, status, path).with_context(|| format!("pack {}", fs::shown(path)))
    }

    fn entry_here(&mut self, dir: BorrowedFd<'_>, name: &CStr, status: &Stat, path: &[u8]) -> Result<()> {
        if path.len() > PATH_BYTES_MAX {
            return Err(Kind::BadInput.error(format!("a path of more than {PATH_BYTES_MAX} bytes")));
        }
        if self.is_layer && header::base(path).starts_with(b".wh.") {
            return Err(Kind::BadInput.hinted(
                "a layer cannot have a file whose name begins with .wh.",
                "rename or remove it in the container",
            ));
        }
        let kind = FileType::from_raw_mode(status.st_mode);
        if kind != FileType::Directory && status.st_nlink > 1 {
            let key = (status.st_dev, status.st_ino);
            if let Some(first) = self.links.get(&key) {
                let first = first.clone();
                let mut header = self.header(b'1', status, path)?;
                header.link = &first;
                let blocks = header.to_blocks();
                return self.put(&blocks);
            }
            self.links.insert(key, path.to_vec());
        }
        match kind {
            FileType::RegularFile => self.file(dir, name, path),
            FileType::Directory => self.directory(dir, name, path),
            FileType::Symlink => {
                let target = match rustix::fs::readlinkat(dir, name, Vec::new()) {
                    Ok(target) => target.into_bytes(),
                    // Exchanged or removed meanwhile.
                    Err(Errno::INVAL | Errno::NOENT) => return Ok(()),
                    Err(errno) => return Err(errno).context("read link"),
                };
                let mut header = self.header(b'2', status, path)?;
                header.link = &target;
                header.mode = 0o777;
                let blocks = header.to_blocks();
                self.put(&blocks)
            }
            FileType::Fifo => {
                let blocks = self.header(b'6', status, path)?.to_blocks();
                self.put(&blocks)
            }
            FileType::CharacterDevice | FileType::BlockDevice => {
                let flag = if kind == FileType::CharacterDevice { b'3' } else { b'4' };
                let mut header = self.header(flag, status, path)?;
                header.device = (rustix::fs::major(status.st_rdev), rustix::fs::minor(status.st_rdev));
                let blocks = header.to_blocks();
                self.put(&blocks)
            }
            FileType::Socket | FileType::Unknown => Ok(()),
        }
    }

    /// A file of no bytes that is not there: the marks of a layer (OCI image spec, layer.md "Whiteouts").
    pub fn mark(&mut self, path: &[u8]) -> Result<()> {
        let header = Header {
            kind: b'0',
            path,
            link: b"",
            mode: 0o600,
            uid: 0,
            gid: 0,
            size: 0,
            modified: 0,
            device: (0, 0),
            records: Vec::new(),
        };
        self.put(&header.to_blocks())
    }

    fn put(&mut self, blocks: &[u8]) -> Result<()> {
        self.out.write_all(blocks).context("write the archive")
    }

    fn header<'b>(&self, kind: u8, status: &Stat, path: &'b [u8]) -> Result<Header<'b>> {
        let (uid, gid) = (self.ids)(status.st_uid, status.st_gid)?;
        Ok(Header {
            kind,
            path,
            link: b"",
            mode: status.st_mode & 0o7777,
            uid,
            gid,
            size: 0,
            modified: status.st_mtime,
            device: (0, 0),
            records: Vec::new(),
        })
    }

    fn directory(&mut self, dir: BorrowedFd<'_>, name: &CStr, path: &[u8]) -> Result<()> {
        let directory = match open_directory(dir, name) {
            Ok(directory) => directory,
            Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => return Ok(()),
            Err(errno) => return Err(errno).context("open directory"),
        };
        let status = rustix::fs::fstat(&directory).context("fstat")?;
        let path = [path, b"/"].concat();
        let mut header = self.header(b'5', &status, &path)?;
        header.records = attributes(&directory)?;
        let blocks = header.to_blocks();
        self.put(&blocks)
    }

    fn file(&mut self, dir: BorrowedFd<'_>, name: &CStr, path: &[u8]) -> Result<()> {
        // NONBLOCK: a FIFO may have taken its place.
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        let file = match rustix::fs::openat(dir, name, flags, Mode::empty()) {
            Ok(file) => file,
            Err(Errno::NOENT | Errno::LOOP | Errno::NXIO) => return Ok(()),
            Err(errno) => return Err(errno).context("open"),
        };
        let status = rustix::fs::fstat(&file).context("fstat")?;
        if FileType::from_raw_mode(status.st_mode) != FileType::RegularFile {
            return Ok(());
        }
        let size = status.st_size as u64;
        let mut header = self.header(b'0', &status, path)?;
        header.records = attributes(&file)?;
        let Some(extents) = extents(&file, &status)? else {
            header.size = size;
            let blocks = header.to_blocks();
            self.put(&blocks)?;
            self.data(&file, 0, size)?;
            return self.pad(size);
        };
        let (map, stored) = sparse_map(&extents);
        let shown = [b"GNUSparseFile.0/", header::base(path)].concat();
        for (key, value) in [
            ("GNU.sparse.major", b"1".to_vec()),
            ("GNU.sparse.minor", b"0".to_vec()),
            ("GNU.sparse.name", path.to_vec()),
            ("GNU.sparse.realsize", size.to_string().into_bytes()),
        ] {
            header.records.push((key.as_bytes().to_vec(), value));
        }
        header.path = &shown[..shown.len().min(100)];
        header.size = map.len() as u64 + stored;
        let blocks = header.to_blocks();
        self.put(&blocks)?;
        self.out.write_all(&map).context("write the archive")?;
        for (offset, length) in extents {
            self.data(&file, offset, length)?;
        }
        self.pad(stored)
    }

    /// Writes exactly `length` bytes, whatever has become of the file.
    fn data(&mut self, file: &OwnedFd, mut offset: u64, mut length: u64) -> Result<()> {
        while length > 0 {
            let wanted = usize::try_from(length).unwrap_or(BUFFER_BYTES).min(BUFFER_BYTES);
            let piece = &mut self.buffer[..wanted];
            let read = match rustix::io::pread(file, &mut *piece, offset) {
                Ok(0) => {
                    piece.fill(0);
                    wanted
                }
                Ok(read) => read,
                Err(Errno::INTR) => continue,
                Err(errno) => return Err(errno).context("read"),
            };
            self.out.write_all(&piece[..read]).context("write the archive")?;
            offset += read as u64;
            length -= read as u64;
        }
        Ok(())
    }

    fn pad(&mut self, size: u64) -> Result<()> {
        let padding = size.wrapping_neg() % BLOCK_BYTES as u64;
        self.out.write_all(&[0; BLOCK_BYTES][..padding as usize]).context("write the archive")
    }
}

/// Refuses what could not be unpacked again.
pub fn check_depth(path: &[u8], depth: usize) -> Result<()> {
    if depth <= DEPTH_MAX {
        return Ok(());
    }
    let message =
        format!("{}…: more than {DEPTH_MAX} directories in each other", fs::shown(&path[..80.min(path.len())]));
    Err(Kind::BadInput.error(message))
}

/// Where the data of a file with holes lie. None if it has none that are worth a map.
fn extents(file: &OwnedFd, status: &Stat) -> Result<Option<Vec<(u64, u64)>>> {
    let size = status.st_size as u64;
    if (status.st_blocks as u64).saturating_mul(512).saturating_add(HOLES_BYTES_MIN) > size {
        return Ok(None);
    }
    let (mut extents, mut position) = (Vec::new(), 0);
    while position < size {
        let start = match rustix::fs::seek(file, SeekFrom::Data(position)) {
            Ok(start) => start,
            Err(Errno::NXIO) => break,
            // A file system that knows of no holes.
            Err(_) => return Ok(None),
        };
        let end = rustix::fs::seek(file, SeekFrom::Hole(start)).context("find a hole")?.min(size);
        if start >= end || extents.len() >= EXTENTS_MAX {
            break;
        }
        extents.push((start, end - start));
        position = end;
    }
    if extents.len() >= EXTENTS_MAX {
        bail!(Kind::BadInput.error(format!("more than {EXTENTS_MAX} holes")));
    }
    let block = BLOCK_BYTES as u64;
    let last = extents.len().saturating_sub(1);
    let is_aligned = |(index, (_, length)): (usize, &(u64, u64))| index == last || length.is_multiple_of(block);
    let saved = size - extents.iter().map(|(_, length)| length).sum::<u64>();
    if saved < HOLES_BYTES_MIN || !extents.iter().enumerate().all(is_aligned) {
        return Ok(None);
    }
    Ok(Some(extents))
}

/// The map of the format, filled up to whole blocks, and how many bytes of data follow it.
fn sparse_map(extents: &[(u64, u64)]) -> (Vec<u8>, u64) {
    let mut map = format!("{}\n", extents.len()).into_bytes();
    let mut stored = 0;
    for (offset, length) in extents {
        map.extend_from_slice(format!("{offset}\n{length}\n").as_bytes());
        stored += length;
    }
    map.resize(map.len().next_multiple_of(BLOCK_BYTES), 0);
    (map, stored)
}

/// The attributes that mean the same elsewhere, as PAX records.
fn attributes(file: &OwnedFd) -> Result<Vec<(Vec<u8>, Vec<u8>)>> {
    let mut small = [0u8; 1024];
    let mut large = Vec::new();
    let names = match rustix::fs::flistxattr(file, &mut small[..]) {
        Ok(0) | Err(Errno::OPNOTSUPP) => return Ok(Vec::new()),
        Ok(length) => &small[..length],
        Err(Errno::RANGE) => {
            large.resize(XATTR_BYTES_MAX, 0);
            let length = rustix::fs::flistxattr(file, &mut large[..]).context("list attributes")?;
            &large[..length]
        }
        Err(errno) => return Err(errno).context("list attributes"),
    };
    let (mut records, mut bytes) = (Vec::new(), 0);
    for name in names.split_inclusive(|byte| *byte == 0) {
        let Ok(name) = CStr::from_bytes_with_nul(name) else { continue };
        // A record's key ends at the first equals sign, so that such a name cannot be written.
        if !is_portable_attribute(name.to_bytes()) || name.to_bytes().contains(&b'=') {
            continue;
        }
        let mut value = vec![0; XATTR_BYTES_MAX];
        match rustix::fs::fgetxattr(file, name, &mut value[..]) {
            Ok(length) => value.truncate(length),
            Err(Errno::NODATA) => continue,
            Err(errno) => return Err(errno).with_context(|| format!("read attribute {name:?}")),
        }
        bytes += name.count_bytes() + value.len();
        if bytes > XATTR_BYTES_MAX {
            return Err(Kind::BadInput.error(format!("more than {XATTR_BYTES_MAX} bytes of extended attributes")));
        }
        records.push(([b"SCHILY.xattr.", name.to_bytes()].concat(), value));
    }
    Ok(records)
}

fn open_directory(dir: BorrowedFd<'_>, name: &CStr) -> rustix::io::Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    rustix::fs::openat(dir, name, flags, Mode::empty())
}

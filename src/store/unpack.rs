//! Turns the tar archive of one layer into a directory tree. The archive is hostile.
//!
//! The parts: [`stream`] inflates and hashes, [`tar`] and [`header`] read members and refuse what is ambiguous,
//! [`tree`] makes the objects. Here is the loop between them, the rules for names, and the bounds.

mod header;
#[cfg(any(test, fuzzing))]
pub mod property;
mod stream;
pub mod tar;
#[cfg(test)]
mod tests;
mod tree;

pub use stream::{ChunkWriter, Chunks, channel_of_chunks, decompress, inflate};
pub use tree::{make_whiteout, set_opaque};

use crate::error::Kind;
use crate::fs;
use anyhow::{Context, Result};
use rustix::io::Errno;
use std::io::BufRead;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;
use tar::{Archive, Member, What};
use tree::Tree;

/// The most components of a path.
const DEPTH_MAX: usize = 1000;

/// The bounds of one layer.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Entries, and directories that they imply.
    pub entries_max: u64,
    /// Bytes of the plain archive; also the sum of the files' sizes, holes included.
    pub bytes_max: u64,
    /// How many times its compressed size a layer may grow, once it is over `ratio_free_bytes`.
    pub ratio_max: u64,
    pub ratio_free_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { entries_max: 5_000_000, bytes_max: 64 << 30, ratio_max: 1000, ratio_free_bytes: 64 << 20 }
    }
}

/// Which owners the files get.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ids {
    /// Those that the layer names; one that is not mapped is an error.
    All,
    /// The caller, since no other id is mapped.
    One,
    /// This one, whatever the archive says.
    Given { uid: u32, gid: u32 },
}

impl Ids {
    /// What this process can give.
    pub fn of_this_process() -> Result<Self> {
        if !rustix::process::geteuid().is_root() {
            return Ok(Self::One);
        }
        for map in ["/proc/self/uid_map", "/proc/self/gid_map"] {
            let text = fs::read(Path::new(map), 64 << 10)?;
            let text = String::from_utf8_lossy(&text);
            let counts = text.lines().filter_map(|line| line.split_whitespace().nth(2)?.parse::<u64>().ok());
            if counts.sum::<u64>() <= 1 {
                return Ok(Self::One);
            }
        }
        Ok(Self::All)
    }
}

/// What a layer came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    pub entries: u64,
    /// The sum of the sizes of its files.
    pub size_bytes: u64,
    /// Device nodes, which are left out: a container's /dev is made for it.
    pub devices_skipped: u64,
    /// The layer hides all layers below it.
    pub is_opaque: bool,
    /// Entries with extended attributes.
    pub attributed: u64,
}

/// Unpacks a plain tar archive into an empty directory that nobody else can reach, and reads the stream to its end.
pub fn unpack(archive: impl BufRead, into: OwnedFd, ids: Ids, limits: &Limits) -> Result<Summary> {
    let mut archive = Archive::new(archive);
    let mut tree = Tree::new(into, ids);
    let mut summary = Summary::default();
    while let Some(member) = archive.next().context("read the archive")? {
        summary.entries += 1;
        summary.attributed += u64::from(!member.xattrs.is_empty());
        if summary.entries + tree.implied > limits.entries_max {
            return Err(Kind::BadInput.error(format!("more than {} entries", limits.entries_max)));
        }
        entry(&mut archive, &mut tree, &member, &mut summary, limits)
            .with_context(|| format!("unpack {}", shown(&member.path)))?;
    }
    archive.drain()?;
    tree.finish()?;
    Ok(summary)
}

/// Makes what is in a plain tar archive in a directory that others may be working in. Nothing in it means more than what
/// it is: marks of layers are files like any other.
pub fn extract(archive: impl BufRead, into: OwnedFd, ids: Ids, limits: &Limits) -> Result<Summary> {
    let mut archive = Archive::new(archive);
    let mut tree = Tree::new(into, ids);
    let mut summary = Summary::default();
    while let Some(member) = archive.next().context("read the archive")? {
        summary.entries += 1;
        if summary.entries + tree.implied > limits.entries_max {
            return Err(Kind::BadInput.error(format!("more than {} entries", limits.entries_max)));
        }
        let path = normalise(&member.path)?;
        object(&mut archive, &mut tree, &member, &path, &mut summary, limits)
            .with_context(|| format!("unpack {}", shown(&member.path)))?;
    }
    archive.drain()?;
    tree.finish()?;
    Ok(summary)
}

fn entry(
    archive: &mut Archive<impl BufRead>,
    tree: &mut Tree,
    member: &Member,
    summary: &mut Summary,
    limits: &Limits,
) -> Result<()> {
    let path = normalise(&member.path)?;
    match Hidden::parse(&path)? {
        Hidden::Nothing => {}
        Hidden::Ignored => return Ok(()),
        Hidden::Directory([]) => {
            // Overlayfs does not look for the mark on a layer's root; who mounts must leave out the layers below.
            summary.is_opaque = true;
            return Ok(());
        }
        Hidden::Directory(directory) => return tree.opaque(directory),
        Hidden::Name(directory, name) => return tree.whiteout(directory, name),
    }
    object(archive, tree, member, &path, summary, limits)
}

fn object(
    archive: &mut Archive<impl BufRead>,
    tree: &mut Tree,
    member: &Member,
    path: &[u8],
    summary: &mut Summary,
    limits: &Limits,
) -> Result<()> {
    match member.what {
        What::File => {
            summary.size_bytes = summary.size_bytes.saturating_add(member.size);
            if summary.size_bytes > limits.bytes_max {
                return Err(Kind::BadInput.error(format!("files of more than {} bytes", limits.bytes_max)));
            }
            tree.file(path, member, |file| fill(archive, file.as_fd(), member))
        }
        What::Directory => tree.directory(path, member),
        What::Symlink => tree.symlink(path, member),
        What::HardLink => tree.hard_link(path, &normalise(&member.link)?),
        What::Fifo => tree.fifo(path, member),
        What::Device => {
            summary.devices_skipped += 1;
            Ok(())
        }
    }
}

/// Writes a file's extents and leaves the holes between them.
fn fill(archive: &mut Archive<impl BufRead>, file: BorrowedFd<'_>, member: &Member) -> Result<()> {
    let mut end = 0;
    for (offset, length) in &member.extents {
        let mut position = *offset;
        archive.data(*length, |mut piece| {
            while !piece.is_empty() {
                match rustix::io::pwrite(file, piece, position) {
                    Ok(written) => {
                        piece = &piece[written..];
                        position += written as u64;
                    }
                    Err(Errno::INTR) => {}
                    Err(errno) => return Err(errno).context("write"),
                }
            }
            Ok(())
        })?;
        end = position;
    }
    if end < member.size {
        rustix::fs::ftruncate(file, member.size).context("set the size")?;
    }
    Ok(())
}

/// A path without empty and `.` components; empty for the root. `..` is an error: readers differ about it.
fn normalise(path: &[u8]) -> Result<Vec<u8>> {
    if path.is_empty() || path.len() > header::PATH_BYTES_MAX {
        return Err(Kind::BadInput.error("a path is empty or too long"));
    }
    let mut normal = Vec::with_capacity(path.len());
    let mut depth = 0;
    for component in path.split(|byte| *byte == b'/') {
        match component {
            b"" | b"." => continue,
            b".." => return Err(Kind::BadInput.error("a path with ..")),
            _ => {}
        }
        depth += 1;
        if depth > DEPTH_MAX {
            return Err(Kind::BadInput.error(format!("a path of more than {DEPTH_MAX} components")));
        }
        if !normal.is_empty() {
            normal.push(b'/');
        }
        normal.extend_from_slice(component);
    }
    Ok(normal)
}

/// What an entry hides of the layers below, told by its name (OCI image spec, layer.md "Whiteouts").
#[derive(Debug, PartialEq, Eq)]
enum Hidden<'a> {
    Nothing,
    /// Aufs's own bookkeeping, which old images still carry.
    Ignored,
    /// All entries of a directory.
    Directory(&'a [u8]),
    /// One entry: the directory and the name.
    Name(&'a [u8], &'a [u8]),
}

impl<'a> Hidden<'a> {
    fn parse(path: &'a [u8]) -> Result<Self> {
        let slash = path.iter().rposition(|byte| *byte == b'/');
        let (directory, name) = slash.map_or((&path[..0], path), |slash| (&path[..slash], &path[slash + 1..]));
        for component in directory.split(|byte| *byte == b'/') {
            if component.starts_with(b".wh..wh.") {
                return Ok(Self::Ignored);
            }
            if component.starts_with(b".wh.") {
                return Err(Kind::BadInput.error("an entry below a whiteout"));
            }
        }
        match name.strip_prefix(b".wh.") {
            None => Ok(Self::Nothing),
            Some(b".wh..opq") => Ok(Self::Directory(directory)),
            Some(hidden) if hidden.starts_with(b".wh.") => Ok(Self::Ignored),
            Some(b"" | b"." | b"..") => Err(Kind::BadInput.error("a whiteout of no name")),
            Some(hidden) => Ok(Self::Name(directory, hidden)),
        }
    }
}

/// A name from an archive, fit for a terminal and a line.
fn shown(path: &[u8]) -> String {
    const SHOWN_BYTES_MAX: usize = 200;
    let text = String::from_utf8_lossy(&path[..path.len().min(SHOWN_BYTES_MAX)]);
    text.chars().map(|letter| if letter.is_control() { '\u{fffd}' } else { letter }).collect()
}

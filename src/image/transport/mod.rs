//! Images in files: what is in an archive or a directory, whatever wrote it.
//!
//! Each transport turns what it finds into [`Incoming`] images, whose layers are still where they were: they stream
//! from there to the store once.

mod archive;
mod blobs;
mod directory;
mod docker_archive;
mod layout;
mod location;
pub mod members;
pub mod podman;
mod tar_split;
pub mod target;

use super::platform::Platform;
use super::reference::Reference;
use crate::engine::Engine;
use crate::error::Kind;
use crate::fs::Root;
use crate::image::manifest::Layer;
use crate::store::digest::Digest;
use crate::store::layers::Compression;
use anyhow::{Context, Result};
use archive::Archive;
pub use archive::{copy_bounded, decompressed};
pub use blobs::{Blob, Blobs, Form, Outgoing, Prepared, prepare};
pub use layout::is_called;
pub use location::Location;
use members::Format;
use rustix::fs::{FileType, Mode, OFlags};
use std::fs::File;
use std::io::Read;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};

/// Names in all of one source.
const NAMES_MAX: usize = 10_000;
/// Names of one image: each of its lines in a listing has all of them.
const IMAGE_NAMES_MAX: usize = 500;
/// Images in one source.
const IMAGES_MAX: usize = 1000;

/// Where images are read from.
#[derive(Clone, Debug)]
pub enum Source {
    /// A file or a directory; which of them, and of which format, its content says.
    Path(PathBuf),
    /// Standard input, or another stream that is read once.
    Stream,
}

/// An image in a source, checked as far as its small documents go.
#[derive(Debug)]
pub struct Incoming {
    /// The manifest's bytes and media type. None if the format has none and one is to be made.
    pub manifest: Option<(Vec<u8>, String)>,
    pub config: Vec<u8>,
    pub layers: Vec<IncomingLayer>,
    pub references: Vec<Reference>,
}

/// A layer in a source.
#[derive(Debug)]
pub struct IncomingLayer {
    /// What the source calls it.
    pub member: String,
    pub diff_id: Digest,
    pub compression: Compression,
    /// The digest and the size of the blob, where they are known before it is read.
    pub blob: Option<(Digest, u64)>,
}

/// The bytes of a member or a blob.
pub type Stream<'a> = Box<dyn Read + Send + 'a>;

/// An opened source: small documents and large members by name. Names are only ever compared, never made into paths,
/// but for the blobs of a directory.
#[derive(Debug)]
pub enum Files {
    Archive(Archive),
    Directory(Root),
}

/// Opens a source, unpacking nothing. A stream or a compressed archive is spooled into the engine's staging.
pub fn open(engine: &Engine, source: &Source) -> Result<Files> {
    match source {
        Source::Stream => {
            // A redirected file can be read in any order, which saves spooling it.
            let stdin = File::from(std::io::stdin().as_fd().try_clone_to_owned().context("open standard input")?);
            let archive = match stdin.metadata().context("stat standard input")?.is_file() {
                true => Archive::open(engine, stdin),
                false => Archive::spool(engine, stdin),
            };
            Ok(Files::Archive(archive.context("read standard input")?))
        }
        Source::Path(path) => {
            let fd = rustix::fs::open(path, OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOCTTY, Mode::empty())
                .with_context(|| format!("open {}", path.display()))?;
            let kind = FileType::from_raw_mode(rustix::fs::fstat(&fd)?.st_mode);
            if kind == FileType::Directory {
                return Ok(Files::Directory(Root::new(fd)));
            }
            let archive = match kind == FileType::RegularFile {
                true => Archive::open(engine, File::from(fd)),
                false => Archive::spool(engine, File::from(fd)),
            };
            Ok(Files::Archive(archive.with_context(|| format!("read {}", path.display()))?))
        }
    }
}

/// The images of an opened source and the format that they were read in: only those with this name, if one is given.
pub fn images(files: &Files, name: Option<&str>, platform: &Platform) -> Result<(Format, Vec<Incoming>)> {
    let index = files.read("index.json", layout::INDEX_BYTES_MAX)?;
    let manifest = files.read("manifest.json", docker_archive::MANIFEST_BYTES_MAX)?;
    let (format, images) = match (index, manifest) {
        (None, None) => {
            return Err(Kind::BadInput.hinted(
                "there is neither an index.json nor a manifest.json in it",
                "load takes what save wrote; a root file system is for import",
            ));
        }
        (None, Some(manifest)) if directory::is_one(&manifest) => {
            (Format::Directory, vec![directory::image(files, &manifest)?])
        }
        (None, Some(manifest)) => (Format::Docker, docker_archive::images(files, &manifest, name)?),
        (Some(index), None) => (Format::Layout, layout::images(files, &index, name, platform)?),
        // docker 25 and later write both. The layout keeps the manifests, but the first of them named no image in it.
        (Some(index), Some(manifest)) => {
            let images = layout::images(files, &index, name, platform)?;
            match images.iter().all(|image| image.references.is_empty()) {
                true => (Format::Docker, docker_archive::images(files, &manifest, name)?),
                false => (Format::Layout, images),
            }
        }
    };
    let names: usize = images.iter().map(|image| image.references.len()).sum();
    if names > NAMES_MAX || images.len() > IMAGES_MAX {
        return Err(Kind::BadInput.error(format!("more than {IMAGES_MAX} images or {NAMES_MAX} names in it")));
    }
    if images.iter().any(|image| image.references.len() > IMAGE_NAMES_MAX) {
        return Err(Kind::BadInput.error(format!("more than {IMAGE_NAMES_MAX} names of one image in it")));
    }
    Ok((format, images))
}

impl Files {
    /// Reads a small document. None if there is none of this name.
    pub fn read(&self, name: &str, bytes_max: usize) -> Result<Option<Vec<u8>>> {
        let Some((stream, size)) = self.open(name)? else { return Ok(None) };
        if size > bytes_max as u64 {
            return Err(Kind::BadInput.error(format!("{name}: more than {bytes_max} bytes")));
        }
        crate::fs::read_all(stream, bytes_max).with_context(|| format!("read {name}")).map(Some)
    }

    /// Reads a small document that must be there.
    fn required(&self, name: &str, bytes_max: usize) -> Result<Vec<u8>> {
        self.read(name, bytes_max)?.ok_or_else(|| missing(name))
    }

    /// Opens a member and says how long it is. None if there is none of this name.
    pub fn open(&self, name: &str) -> Result<Option<(Stream<'_>, u64)>> {
        match self {
            Self::Archive(archive) => Ok(archive.member(name)?.map(|(stream, size)| (Box::new(stream) as _, size))),
            Self::Directory(root) => {
                // Not waiting for a writer: in someone else's directory, a name may be a FIFO.
                let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY;
                let fd = match root.resolve(Path::new(name), flags) {
                    Ok(fd) => fd,
                    Err(rustix::io::Errno::NOENT) => return Ok(None),
                    Err(errno) => return Err(errno).with_context(|| format!("open {name}")),
                };
                let status = rustix::fs::fstat(&fd)?;
                if FileType::from_raw_mode(status.st_mode) != FileType::RegularFile {
                    return Err(Kind::BadInput.error(format!("{name} is not a regular file")));
                }
                let size = u64::try_from(status.st_size).unwrap_or(0);
                Ok(Some((Box::new(File::from(fd)), size)))
            }
        }
    }
}

impl Incoming {
    /// A layer that is known by its manifest.
    pub fn layer(member: String, layer: &Layer) -> IncomingLayer {
        IncomingLayer {
            member,
            diff_id: layer.diff_id,
            compression: layer.compression,
            blob: Some((layer.blob.digest, layer.blob.size)),
        }
    }
}

fn missing(name: &str) -> anyhow::Error {
    let shown: String = name.chars().take(200).collect();
    Kind::BadInput.error(format!("{shown:?} is not in it"))
}

//! The blobs of images that are to be written somewhere: where they come from, and in which form they are wanted.

use super::podman::Podman;
use super::{Files, Incoming, IncomingLayer, Stream};
use crate::engine::Engine;
use crate::error::Kind;
use crate::fs;
use crate::image::guarded::Guarded;
use crate::image::transfer::{Event, Progress};
use crate::store::digest::{Digest, Hashing};
use crate::store::layers::{self, Compression};
use crate::store::unpack::{Limits, decompress};
use crate::store::{blobs, unpack};
use anyhow::{Context, Result};
use flate2::write::GzEncoder;
use std::collections::HashMap;
use std::fs::File;
use std::io::{Read, Write};
use std::os::unix::fs::FileExt;

/// Where the blobs of some images are.
#[derive(Debug)]
pub enum Blobs<'a> {
    Store(&'a Engine),
    Files(Files),
    Registry(Box<Guarded<'a>>),
    Podman(&'a Podman),
}

/// An image that is to be written, and its names there. They are the format's own: a layout's need not be of images.
#[derive(Debug)]
pub struct Outgoing {
    pub image: Incoming,
    pub names: Vec<String>,
}

/// How a layer's blob is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    AsIs,
    /// The plain tar that the diff id is of.
    Plain,
    Gzip,
}

/// A layer's blob in the form that is wanted, known by digest and size before it is written.
#[derive(Debug)]
pub struct Blob<'a> {
    pub digest: Digest,
    pub size: u64,
    bytes: Bytes<'a>,
}

#[derive(Debug)]
enum Bytes<'a> {
    /// To be read from where it is; this compression is to be taken off.
    Kept { layer: &'a IncomingLayer, take_off: Compression },
    /// In a file without a name.
    Spooled(File),
}

/// The blobs of several images, none twice, and which of them each image's layers are.
#[derive(Debug)]
pub struct Prepared<'a> {
    pub blobs: Vec<Blob<'a>>,
    /// For each image, bottom first: which blob, and how it is compressed.
    pub layers: Vec<Vec<(usize, Compression)>>,
}

/// Finds out digest and size of every layer in its form. What cannot be known without making it is made in staging.
pub fn prepare<'a>(
    engine: &Engine,
    source: &Blobs,
    images: &'a [Outgoing],
    form: impl Fn(&IncomingLayer) -> Form,
) -> Result<Prepared<'a>> {
    let (mut all, mut known, mut of_images) = (Vec::new(), HashMap::new(), Vec::new());
    for Outgoing { image, .. } in images {
        let mut of_image = Vec::new();
        for layer in &image.layers {
            let form = match (form(layer), layer.compression) {
                (Form::Plain, Compression::None) | (Form::Gzip, Compression::Gzip) => Form::AsIs,
                (form, _) => form,
            };
            let compression = match form {
                Form::AsIs => layer.compression,
                Form::Plain => Compression::None,
                Form::Gzip => Compression::Gzip,
            };
            // Of one diff id there may be several blobs, but only one of each member.
            let key = (layer.diff_id, layer.member.as_str(), compression == Compression::Gzip);
            let number = match known.get(&key) {
                Some(number) => *number,
                None => {
                    let blob =
                        blob(engine, source, layer, form).with_context(|| format!("read layer {}", layer.diff_id))?;
                    all.push(blob);
                    known.insert(key, all.len() - 1);
                    all.len() - 1
                }
            };
            of_image.push((number, compression));
        }
        of_images.push(of_image);
    }
    Ok(Prepared { blobs: all, layers: of_images })
}

fn blob<'a>(engine: &Engine, source: &Blobs, layer: &'a IncomingLayer, form: Form) -> Result<Blob<'a>> {
    match form {
        Form::AsIs => {
            if let Some((digest, size)) = layer.blob {
                return Ok(Blob { digest, size, bytes: Bytes::Kept { layer, take_off: Compression::None } });
            }
            spool(engine, |file| {
                let (mut stream, _) = source.open(layer)?;
                std::io::copy(&mut stream, file).context("copy").map(drop)
            })
        }
        Form::Plain => {
            let known = layers::info(engine, &layer.diff_id)?.and_then(|info| info.archive_bytes);
            if let Some(size) = known {
                let bytes = Bytes::Kept { layer, take_off: layer.compression };
                return Ok(Blob { digest: layer.diff_id, size, bytes });
            }
            spool(engine, |file| plain(source, layer, file))
        }
        Form::Gzip => spool(engine, |file| {
            let mut encoder = GzEncoder::new(file, flate2::Compression::default());
            plain(source, layer, &mut encoder)?;
            encoder.finish().context("compress").map(drop)
        }),
    }
}

/// The plain bytes of a layer, which must be those of its diff id.
fn plain(source: &Blobs, layer: &IncomingLayer, out: &mut (impl Write + ?Sized)) -> Result<()> {
    let (stream, _) = source.open(layer)?;
    let (_, digest, _) = copy(stream, layer.compression, out)?;
    check(&layer.diff_id, &digest)
}

fn spool<'a>(engine: &Engine, write: impl FnOnce(&mut Hashing<File>) -> Result<()>) -> Result<Blob<'a>> {
    let mut file = Hashing::new(fs::create_unnamed(&engine.staging())?);
    write(&mut file)?;
    let (file, digest, size) = file.finish();
    Ok(Blob { digest, size, bytes: Bytes::Spooled(file) })
}

impl Blobs<'_> {
    /// Opens a layer's blob as it is there, and says how long it is, as far as that is known.
    pub fn open(&self, layer: &IncomingLayer) -> Result<(Stream<'_>, u64)> {
        match self {
            Self::Store(engine) => {
                let (digest, size) = known(layer)?;
                Ok((Box::new(blobs::open(engine, &digest)?), size))
            }
            Self::Files(files) => files.open(&layer.member)?.with_context(|| format!("find {:?}", layer.member)),
            Self::Podman(store) => store.layer(layer),
            Self::Registry(guarded) => {
                let (digest, size) = known(layer)?;
                Ok((Box::new(guarded.registry.blob(&digest, size)?), size))
            }
        }
    }
}

fn known(layer: &IncomingLayer) -> Result<(Digest, u64)> {
    layer.blob.context("a layer in a store or a registry is known by its digest")
}

impl Blob<'_> {
    /// Writes the blob: exactly as many bytes as were said, and of the digest that was said, or an error.
    pub fn write(&self, source: &Blobs, out: &mut dyn Write, progress: Progress) -> Result<()> {
        let blob = self.digest;
        progress(Event::LayerStarted { blob, size: self.size });
        let mut out = Bounded { out, left: self.size, blob, progress };
        let written = match &self.bytes {
            Bytes::Kept { layer, take_off } => copy(source.open(layer)?.0, *take_off, &mut out),
            Bytes::Spooled(file) => copy(Whole { file, offset: 0 }, Compression::None, &mut out),
        };
        let (_, digest, size) = written.with_context(|| format!("copy blob {blob}"))?;
        if size != self.size {
            return Err(Kind::BadInput.error(format!("blob {blob}: {size} bytes came instead of {}", self.size)));
        }
        check(&blob, &digest)?;
        progress(Event::LayerDone(blob));
        Ok(())
    }
}

/// Inflating and hashing in one thread, writing in this one.
fn copy(
    stream: impl Read + Send,
    compression: Compression,
    out: &mut (impl Write + ?Sized),
) -> Result<((), Digest, u64)> {
    decompress(stream, compression, &Limits::default(), |chunks: &mut unpack::Chunks| {
        std::io::copy(chunks, out).context("write").map(drop)
    })
}

fn check(expected: &Digest, found: &Digest) -> Result<()> {
    match expected == found {
        true => Ok(()),
        false => Err(Kind::BadInput.hinted(
            format!("blob {expected}: its bytes are those of {found}"),
            "it is damaged: remove the image and pull or load it again",
        )),
    }
}

/// Counts what is written, and refuses what is too much before it is written over something else.
struct Bounded<'a> {
    out: &'a mut dyn Write,
    left: u64,
    blob: Digest,
    progress: Progress<'a>,
}

impl Write for Bounded<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        if bytes.len() as u64 > self.left {
            return Err(std::io::Error::other("it is longer than it should be"));
        }
        let written = self.out.write(bytes)?;
        self.left -= written as u64;
        (self.progress)(Event::LayerBytes { blob: self.blob, bytes: written as u64 });
        Ok(written)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.out.flush()
    }
}

/// A file from its beginning, whoever else reads it.
struct Whole<'a> {
    file: &'a File,
    offset: u64,
}

impl Read for Whole<'_> {
    fn read(&mut self, bytes: &mut [u8]) -> std::io::Result<usize> {
        let read = self.file.read_at(bytes, self.offset)?;
        self.offset += read as u64;
        Ok(read)
    }
}

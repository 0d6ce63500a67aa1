//! A new image of an old one: one more layer, or one alone, from an archive that is being written, and a new
//! configuration. One pass: archive → digest → blob, and beside it the unpacked layer.

use super::arrival::Arrival;
use crate::engine::Engine;
use crate::image::config::ImageConfig;
use crate::image::manifest::{
    DOCKER_CONFIG, DOCKER_INDEX, DOCKER_LAYER, DOCKER_LAYER_GZIP, DOCKER_LAYER_ZSTD, DOCKER_MANIFEST, Descriptor,
    Manifest, OCI_CONFIG, OCI_INDEX, OCI_LAYER, OCI_LAYER_GZIP, OCI_LAYER_ZSTD, OCI_MANIFEST,
};
use crate::image::reference::Reference;
use crate::image::{self, Image};
use crate::store::blobs::{self, Verified};
use crate::store::digest::Digest;
use crate::store::layers::{self, Compression};
use crate::store::unpack::{ChunkWriter, channel_of_chunks};
use anyhow::{Context, Result, anyhow};
use std::io::{self, BufWriter, Write};

/// The size of the pieces in which the archive goes to the blob and to the layer.
const CHUNK_BYTES: usize = 256 << 10;

/// The stack of the thread that packs, of which nothing is taken before it is used.
const STACK_BYTES: usize = 64 << 20;

/// Whose media types an image has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    Oci,
    Docker,
}

/// What the image is to be.
pub struct Fresh<'a> {
    /// Whose layers stay below the new one.
    base: Option<&'a Image>,
    /// Complete but for the layers.
    config: ImageConfig,
    format: Format,
    reference: Option<&'a Reference>,
}

impl<'a> Fresh<'a> {
    pub fn new(
        base: Option<&'a Image>,
        config: ImageConfig,
        format: Format,
        reference: Option<&'a Reference>,
    ) -> Self {
        Self { base, config, format, reference }
    }

    /// Stores the image, with what `pack` writes as its topmost layer, and gives its id. The caller is in the engine's
    /// user namespace.
    pub fn store(
        mut self,
        engine: &Engine,
        pack: impl FnOnce(&mut dyn Write) -> Result<()> + Send,
    ) -> Result<Digest> {
        let remove = |diff_ids: &[Digest]| layers::remove(engine, diff_ids);
        let arrival = Arrival::begin(engine, &remove)?;
        let mut descriptors = Vec::new();
        self.config.rootfs.diff_ids.clear();
        if let Some(base) = self.base {
            for layer in image::parts(engine, base)?.1 {
                let media_type = self.format.layer(layer.compression);
                descriptors.push(Descriptor::new(media_type, layer.blob.digest, layer.blob.size));
                self.config.rootfs.diff_ids.push(layer.diff_id);
            }
        }
        let (diff_id, size) = layer(engine, &arrival, pack)?;
        descriptors.push(Descriptor::new(self.format.layer(Compression::None), diff_id, size));
        self.config.rootfs.diff_ids.push(diff_id);

        let (config_type, manifest_type) = (self.format.config(), self.format.manifest());
        let bytes = self.config.to_bytes()?;
        let config = Descriptor::new(config_type, arrival.write_blob(&bytes)?, bytes.len() as u64);
        let manifest = Manifest { media_type: manifest_type.to_owned(), ..Manifest::new(config, descriptors) };
        let bytes = manifest.to_bytes()?;
        let manifest = Descriptor::new(manifest_type, arrival.write_blob(&bytes)?, bytes.len() as u64);
        let id = image::publish(engine, &manifest, self.reference.map(std::slice::from_ref).unwrap_or_default())?;
        arrival.keep();
        Ok(id)
    }
}

impl Format {
    pub fn config(self) -> &'static str {
        match self {
            Self::Oci => OCI_CONFIG,
            Self::Docker => DOCKER_CONFIG,
        }
    }

    pub fn index(self) -> &'static str {
        match self {
            Self::Oci => OCI_INDEX,
            Self::Docker => DOCKER_INDEX,
        }
    }

    pub fn manifest(self) -> &'static str {
        match self {
            Self::Oci => OCI_MANIFEST,
            Self::Docker => DOCKER_MANIFEST,
        }
    }

    /// The media type of a layer.
    pub fn layer(self, compression: Compression) -> &'static str {
        match (self, compression) {
            (Self::Oci, Compression::None) => OCI_LAYER,
            (Self::Oci, Compression::Gzip) => OCI_LAYER_GZIP,
            (Self::Oci, Compression::Zstd) => OCI_LAYER_ZSTD,
            (Self::Docker, Compression::None) => DOCKER_LAYER,
            (Self::Docker, Compression::Gzip) => DOCKER_LAYER_GZIP,
            (Self::Docker, Compression::Zstd) => DOCKER_LAYER_ZSTD,
        }
    }
}

/// Stores the layer, packed and hashed in a thread of its own while this one makes its files. Not compressed: it is what
/// comes next to be run, and who pushes it compresses it once.
fn layer(
    engine: &Engine,
    arrival: &Arrival<'_>,
    pack: impl FnOnce(&mut dyn Write) -> Result<()> + Send,
) -> Result<(Digest, u64)> {
    let (chunks, archive) = channel_of_chunks();
    let blob = blobs::Writer::new(engine)?;
    std::thread::scope(|scope| {
        let write = move || -> Result<(Verified<'_>, u64)> {
            let mut out = BufWriter::with_capacity(CHUNK_BYTES, Tee { blob, chunks, bytes: 0 });
            pack(&mut out)?;
            let Tee { blob, chunks, bytes } = out.into_inner().map_err(io::IntoInnerError::into_error)?;
            chunks.finish()?;
            Ok((blob.verify(None)?, bytes))
        };
        // A tree of a thousand directories in each other is walked by as many calls.
        let builder = std::thread::Builder::new().stack_size(STACK_BYTES);
        let writer = builder.spawn_scoped(scope, write).context("start a thread")?;
        let mut size = 0;
        let digest = layers::make(engine, archive, |read| {
            let written = writer.join().map_err(|_| anyhow!("pack: thread died"))?;
            // A packer that nobody listens to has nothing to tell: why the files could not be made does.
            let (blob, bytes) = match (written, read) {
                (Err(error), Err(cause)) if is_broken_pipe(&error) => return Err(cause),
                (written, read) => {
                    let written = written?;
                    read?;
                    written
                }
            };
            size = bytes;
            arrival.expect_blob(&blob.digest());
            arrival.expect_layer(&blob.digest());
            blob.store()
        })?;
        Ok((digest, size))
    })
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    let broken = |error: &io::Error| error.kind() == io::ErrorKind::BrokenPipe;
    error.chain().any(|cause| cause.downcast_ref::<io::Error>().is_some_and(broken))
}

/// The two places that an archive goes to.
struct Tee<'a> {
    blob: blobs::Writer<'a>,
    chunks: ChunkWriter,
    bytes: u64,
}

impl Write for Tee<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.chunks.write_all(bytes)?;
        self.blob.write_all(bytes)?;
        self.bytes += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

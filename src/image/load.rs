//! `load`: images out of files into the store.
//!
//! Layers and blobs first, the manifest after them, the tag last: what is visible is complete.

use super::arrival::{Arrival, ReadLayer, RemoveLayers};
use crate::engine::Engine;
use crate::image;
use crate::image::manifest::{
    Descriptor, Manifest, OCI_CONFIG, OCI_LAYER, OCI_LAYER_GZIP, OCI_LAYER_ZSTD, OCI_MANIFEST,
};
use crate::image::platform::Platform;
use crate::image::policy::{Identity, Policy};
use crate::image::reference::Reference;
use crate::image::transfer::{self, Event, Progress, Watched};
use crate::image::transport::{self, Blobs, Incoming, IncomingLayer, Source};
use crate::store::blobs;
use crate::store::digest::Digest;
use crate::store::layers::{self, Compression, Unpacker};
use anyhow::{Context, Result};
use std::collections::HashMap;
use std::io::{Read, Write};
use std::sync::Mutex;
use std::sync::atomic::AtomicBool;

const CHUNK_BYTES: usize = 256 << 10;

/// What to load from a source.
#[derive(Clone, Debug)]
pub struct Load {
    pub source: Source,
    /// Only the image that the source calls so.
    pub name: Option<String>,
    /// Which image of an index.
    pub platform: Platform,
    pub policy: Policy,
}

/// An image that was loaded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loaded {
    pub id: Digest,
    /// The names that it came with, in their full form.
    pub references: Vec<String>,
}

/// Loads all images of a source.
pub fn load(engine: &Engine, what: &Load, unpacker: &Unpacker) -> Result<Vec<Loaded>> {
    let open = |diff_id: &Digest, compression| unpacker.layer(diff_id, compression);
    let remove = |diff_ids: &[Digest]| unpacker.remove(diff_ids);
    load_with(engine, what, &Unpack { open, finish: layers::Sink::finish, remove: &remove })
}

/// How a layer gets unpacked: a sink that takes its blob's bytes, and what completes it. And how it is removed again.
pub(super) struct Unpack<'a, Open, Finish> {
    pub open: Open,
    pub finish: Finish,
    pub remove: RemoveLayers<'a>,
}

impl<Open, Finish> Unpack<'_, Open, Finish> {
    /// Copies a layer's stream to its blob and to the unpacker.
    pub fn tee<Sink: Write>(&self, stream: &mut dyn Read, blob: &mut dyn Write, mut sink: Sink) -> Result<Sink>
    where
        Finish: Fn(Sink) -> Result<()>,
    {
        let mut buffer = vec![0; CHUNK_BYTES];
        loop {
            let read = read_some(stream, &mut buffer)?;
            if read == 0 {
                return Ok(sink);
            }
            blob.write_all(&buffer[..read]).context("write blob")?;
            if let Err(error) = sink.write_all(&buffer[..read]) {
                // The unpacker knows better why it stopped reading.
                return Err((self.finish)(sink).err().unwrap_or_else(|| error.into()));
            }
        }
    }
}

/// Copies a layer's stream to its blob alone.
pub(super) fn copy(stream: &mut dyn Read, blob: &mut dyn Write) -> Result<()> {
    let mut buffer = vec![0; CHUNK_BYTES];
    loop {
        let read = read_some(stream, &mut buffer)?;
        if read == 0 {
            return Ok(());
        }
        blob.write_all(&buffer[..read]).context("write blob")?;
    }
}

fn read_some(stream: &mut dyn Read, buffer: &mut [u8]) -> Result<usize> {
    loop {
        match stream.read(buffer) {
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            other => return other.context(ReadLayer),
        }
    }
}

pub(super) fn load_with<Sink: Write>(
    engine: &Engine,
    what: &Load,
    unpack: &Unpack<impl Fn(&Digest, Compression) -> Result<Sink> + Sync, impl Fn(Sink) -> Result<()> + Sync>,
) -> Result<Vec<Loaded>> {
    let files = transport::open(engine, &what.source)?;
    let (format, images) = transport::images(&files, what.name.as_deref(), &what.platform)?;
    let conditions = what.policy.check(&Identity::files(&files, format, &what.source)?)?;
    conditions.verify_files(engine, &files, format, &images)?;
    images.iter().flat_map(|image| &image.references).try_for_each(|name| what.policy.check_claim(name))?;
    bring_in_with(engine, &Blobs::Files(files), &images, unpack, &|_| {})
}

/// Stores images from wherever their blobs are, under the names that they have.
pub fn bring_in(
    engine: &Engine,
    source: &Blobs,
    images: &[Incoming],
    unpacker: &Unpacker,
    progress: Progress,
) -> Result<Vec<Loaded>> {
    let open = |diff_id: &Digest, compression| unpacker.layer(diff_id, compression);
    let remove = |diff_ids: &[Digest]| unpacker.remove(diff_ids);
    let unpack = Unpack { open, finish: layers::Sink::finish, remove: &remove };
    bring_in_with(engine, source, images, &unpack, progress)
}

fn bring_in_with<Sink: Write>(
    engine: &Engine,
    source: &Blobs,
    images: &[Incoming],
    unpack: &Unpack<impl Fn(&Digest, Compression) -> Result<Sink> + Sync, impl Fn(Sink) -> Result<()> + Sync>,
    progress: Progress,
) -> Result<Vec<Loaded>> {
    let mut loaded = Vec::new();
    for image in images {
        let id = Digest::of(&image.config);
        let arrival = Arrival::begin(engine, unpack.remove)?;
        store(engine, (&arrival, progress), source, image, unpack).with_context(|| format!("load image {id}"))?;
        arrival.keep();
        loaded.push(Loaded { id, references: image.references.iter().map(Reference::to_string).collect() });
    }
    Ok(loaded)
}

fn store<Sink: Write>(
    engine: &Engine,
    (arrival, progress): (&Arrival, Progress),
    source: &Blobs,
    incoming: &Incoming,
    unpack: &Unpack<impl Fn(&Digest, Compression) -> Result<Sink> + Sync, impl Fn(Sink) -> Result<()> + Sync>,
) -> Result<()> {
    let descriptors = store_layers(engine, (arrival, progress), source, &incoming.layers, unpack)?;
    let config = arrival.write_blob(&incoming.config)?;
    let manifest = match &incoming.manifest {
        Some((bytes, media_type)) => Descriptor::new(media_type, arrival.write_blob(bytes)?, bytes.len() as u64),
        None => {
            let config = Descriptor::new(OCI_CONFIG, config, incoming.config.len() as u64);
            let bytes = Manifest::new(config, descriptors).to_bytes()?;
            Descriptor::new(OCI_MANIFEST, arrival.write_blob(&bytes)?, bytes.len() as u64)
        }
    };
    image::publish(engine, &manifest, &incoming.references).map(drop)
}

/// What the layers of an image have in common on their way.
struct Way<'a> {
    arrival: &'a Arrival<'a>,
    source: &'a Blobs<'a>,
    progress: Progress<'a>,
    /// Set by the first layer that fails.
    stop: &'a AtomicBool,
}

/// Stores layers, several at a time. One that occurs twice is not unpacked by two at once.
fn store_layers<Sink: Write>(
    engine: &Engine,
    (arrival, progress): (&Arrival, Progress),
    source: &Blobs,
    layers: &[IncomingLayer],
    unpack: &Unpack<impl Fn(&Digest, Compression) -> Result<Sink> + Sync, impl Fn(Sink) -> Result<()> + Sync>,
) -> Result<Vec<Descriptor>> {
    let mut same: Vec<Vec<usize>> = Vec::new();
    let mut positions = HashMap::new();
    for (number, layer) in layers.iter().enumerate() {
        let position = *positions.entry(layer.diff_id).or_insert(same.len());
        match same.get_mut(position) {
            Some(numbers) => numbers.push(number),
            None => same.push(vec![number]),
        }
    }
    let stored = Mutex::new(vec![None; layers.len()]);
    let stop = AtomicBool::new(false);
    let way = Way { arrival, source, progress, stop: &stop };
    transfer::each(same, &stop, |numbers| {
        for number in numbers {
            let descriptor = store_layer(engine, &way, &layers[number], unpack)?;
            stored.lock().expect("no holder of the lock panics")[number] = Some(descriptor);
        }
        Ok(())
    })?;
    let stored = stored.into_inner().expect("no holder of the lock panics");
    stored.into_iter().collect::<Option<_>>().context("every layer was stored")
}

/// Stores a layer's blob and unpacks it, reading it once. What is here already is not read from its source.
fn store_layer<Sink: Write>(
    engine: &Engine,
    way: &Way,
    layer: &IncomingLayer,
    unpack: &Unpack<impl Fn(&Digest, Compression) -> Result<Sink> + Sync, impl Fn(Sink) -> Result<()> + Sync>,
) -> Result<Descriptor> {
    let media_type = match layer.compression {
        Compression::None => OCI_LAYER,
        Compression::Gzip => OCI_LAYER_GZIP,
        Compression::Zstd => OCI_LAYER_ZSTD,
    };
    if let Some((digest, size)) = layer.blob
        && blobs::size(engine, &digest)? == Some(size)
    {
        way.arrival.expect_layer(&layer.diff_id);
        // One that has rotted on disk is read from the source once more.
        if layers::has(engine, &layer.diff_id) || unpack_stored(engine, &digest, layer, unpack).is_ok() {
            (way.progress)(Event::LayerPresent(digest));
            return Ok(Descriptor::new(media_type, digest, size));
        }
    }
    let (stream, size) = way.source.open(layer)?;
    let shown = layer.blob.map_or(layer.diff_id, |(digest, _)| digest);
    (way.progress)(Event::LayerStarted { blob: shown, size });
    let mut stream = Watched { source: stream, blob: shown, progress: way.progress, stop: way.stop };
    let mut blob = blobs::Writer::new(engine)?;
    way.arrival.expect_layer(&layer.diff_id);
    let sink = (unpack.open)(&layer.diff_id, layer.compression)?;
    let sink = unpack.tee(&mut stream, &mut blob, sink)?;
    // The blob is verified first, so that a wrong one does not become a layer.
    let blob = blob.verify(layer.blob)?;
    way.arrival.expect_blob(&blob.digest());
    let digest = blob.store()?;
    (unpack.finish)(sink)?;
    (way.progress)(Event::LayerDone(shown));
    Ok(Descriptor::new(media_type, digest, size))
}

/// Unpacks a layer whose blob is there already; the unpacker compares what comes out with the diff id.
fn unpack_stored<Sink: Write>(
    engine: &Engine,
    blob: &Digest,
    layer: &IncomingLayer,
    unpack: &Unpack<impl Fn(&Digest, Compression) -> Result<Sink> + Sync, impl Fn(Sink) -> Result<()> + Sync>,
) -> Result<()> {
    let sink = (unpack.open)(&layer.diff_id, layer.compression)?;
    let sink = unpack.tee(&mut blobs::open(engine, blob)?, &mut std::io::sink(), sink)?;
    (unpack.finish)(sink)
}

#[cfg(test)]
mod tests;

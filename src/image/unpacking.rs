//! Layers on their way into the store: one pass over a layer's bytes, to its blob and to the process that unpacks it.

use super::arrival::{ReadLayer, RemoveLayers};
use super::transfer::{Event, Progress};
use crate::store::digest::Digest;
use crate::store::layers::{self, Compression};
use anyhow::{Context, Result};
use std::io::{Read, Write};
use std::sync::Mutex;

const CHUNK_BYTES: usize = 256 << 10;

/// Takes a layer's blob. Dropped before it is complete, the layer is abandoned.
pub trait Unpacking: Write + Send {
    /// Says that the blob is complete and good: the layer may become visible.
    fn complete(&mut self);

    /// The same, and waits until it is visible. After a failed write it tells the cause.
    fn finish(self) -> Result<()>;
}

impl Unpacking for layers::Sink {
    fn complete(&mut self) {
        layers::Sink::complete(self);
    }

    fn finish(self) -> Result<()> {
        layers::Sink::finish(self)
    }
}

/// How a layer gets unpacked, and how it is removed again.
pub struct Unpack<'a, Open> {
    pub open: Open,
    pub remove: RemoveLayers<'a>,
}

impl<Open> Unpack<'_, Open> {
    /// Copies a layer's stream to its blob and to the unpacker.
    pub fn tee<Sink>(&self, stream: &mut dyn Read, blob: &mut dyn Write, mut sink: Sink) -> Result<Sink>
    where
        Sink: Unpacking,
        Open: Fn(&Digest, Compression) -> Result<Sink>,
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
                return Err(sink.finish().err().unwrap_or_else(|| error.into()));
            }
        }
    }
}

/// Copies a layer's stream to its blob alone.
pub fn copy(stream: &mut dyn Read, blob: &mut dyn Write) -> Result<()> {
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

/// Layers that are complete and on their way to the disk, while others still come. Each with the digest that it is told
/// of by.
pub struct Settling<Sink>(Mutex<Vec<(Digest, Sink)>>);

impl<Sink> Default for Settling<Sink> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<Sink: Unpacking> Settling<Sink> {
    pub fn add(&self, shown: Digest, mut sink: Sink) {
        sink.complete();
        self.0.lock().expect("no holder of the lock panics").push((shown, sink));
    }

    /// Waits for all of them, even if one fails: what is to be removed again must not become visible afterwards.
    pub fn wait(&self, progress: Progress) -> Result<()> {
        let settling = std::mem::take(&mut *self.0.lock().expect("no holder of the lock panics"));
        let finished = settling.into_iter().map(|(shown, sink)| {
            sink.finish().with_context(|| format!("get layer {shown}"))?;
            progress(Event::LayerDone(shown));
            Ok(())
        });
        finished.fold(Ok(()), Result::and)
    }
}

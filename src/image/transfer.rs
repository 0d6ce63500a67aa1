//! Several blobs at a time, and what is told of them.

use crate::store::digest::Digest;
use anyhow::Result;
use std::io::Read;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

/// How many layers are on their way at the same time, and over how many connections.
pub const PARALLEL_MAX: usize = 4;

/// What happens during a pull or a push, for who shows it. Layers are named by the digests of their blobs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// The registry is asked for this image.
    Trying(String),
    /// The registry is sent this image.
    Pushing(String),
    LayerPresent(Digest),
    LayerStarted {
        blob: Digest,
        size: u64,
    },
    LayerBytes {
        blob: Digest,
        bytes: u64,
    },
    /// Another pull is fetching it; this one waits for that.
    LayerAwaited(Digest),
    LayerDone(Digest),
}

/// Called from several threads.
pub type Progress<'a> = &'a (dyn Fn(Event) + Sync);

/// Does some of the work at a time, until all of it is done or one part has failed. That sets `stop`, so that the
/// others do not go on for nothing, and is the error.
pub fn each<T: Send>(work: Vec<T>, stop: &AtomicBool, one: impl Fn(T) -> Result<()> + Sync) -> Result<()> {
    let threads = work.len().min(PARALLEL_MAX);
    let queue = Mutex::new(work.into_iter());
    let next =
        || queue.lock().expect("no holder of the lock panics").next().filter(|_| !stop.load(Ordering::Relaxed));
    let first_error = Mutex::new(None);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some(work) = next() {
                    if let Err(error) = one(work) {
                        // In this order: the others then fail only because of the stop.
                        first_error.lock().expect("no holder of the lock panics").get_or_insert(error);
                        stop.store(true, Ordering::Relaxed);
                    }
                }
            });
        }
    });
    first_error.into_inner().expect("no holder of the lock panics").map_or(Ok(()), Err)
}

/// A layer's bytes on their way: counted, and cut off when another layer has failed.
pub struct Watched<'a, R> {
    pub source: R,
    /// By which the layer is told of.
    pub blob: Digest,
    pub progress: Progress<'a>,
    pub stop: &'a AtomicBool,
}

impl<R: Read> Read for Watched<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        if self.stop.load(Ordering::Relaxed) {
            return Err(stopped());
        }
        let read = self.source.read(buffer)?;
        if read > 0 {
            (self.progress)(Event::LayerBytes { blob: self.blob, bytes: read as u64 });
        }
        Ok(read)
    }
}

/// Why a layer's bytes are cut off.
pub fn stopped() -> std::io::Error {
    std::io::Error::other("another layer failed")
}

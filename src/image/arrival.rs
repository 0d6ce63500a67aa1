//! What a load, an import or a pull brings into the store: under a lock until it has a name, taken back if it gets none.

use super::remove::{self, Parts};
use crate::engine::Engine;
use crate::error::{self, Kind};
use crate::fs::{Lock, staging};
use crate::store::digest::Digest;
use crate::store::{blobs, layers, partial};
use anyhow::Result;
use std::fmt;
use std::sync::{Mutex, PoisonError};

/// Removes the trees of layers, which only a process with their owners' ids can.
pub type RemoveLayers<'a> = &'a (dyn Fn(&[Digest]) -> Result<()> + Sync);

/// The parts that one command brings in. Dropped without [`Arrival::keep`], they go again.
pub struct Arrival<'a> {
    engine: &'a Engine,
    lock: Option<Lock>,
    remove_layers: RemoveLayers<'a>,
    /// What was not here before.
    fresh: Mutex<Parts>,
}

impl<'a> Arrival<'a> {
    /// From now on nothing is collected as garbage. To be called before the first look at what is there.
    pub fn begin(engine: &'a Engine, remove_layers: RemoveLayers<'a>) -> Result<Self> {
        let lock = Some(blobs::incoming(engine)?);
        // What dead processes have staged takes the room that is needed now. What cannot be removed is for the next.
        if staging::sweep_files(&engine.staging()).is_ok_and(|has_directories| has_directories) {
            // Whoever removes layers begins with theirs.
            let _ = remove_layers(&[]);
        }
        Ok(Self { engine, lock, remove_layers, fresh: Mutex::default() })
    }

    /// Notes a blob that is about to be stored.
    pub fn expect_blob(&self, digest: &Digest) {
        if !blobs::has(self.engine, digest) {
            let mut fresh = self.fresh.lock().unwrap_or_else(PoisonError::into_inner);
            fresh.blobs.insert(*digest);
            if !partial::has(self.engine, digest) {
                fresh.partial.insert(*digest);
            }
        }
    }

    /// Stores a small blob.
    pub fn write_blob(&self, bytes: &[u8]) -> Result<Digest> {
        self.expect_blob(&Digest::of(bytes));
        blobs::write(self.engine, bytes)
    }

    /// Notes a layer that is about to be unpacked.
    pub fn expect_layer(&self, diff_id: &Digest) {
        if !layers::has(self.engine, diff_id) {
            self.fresh.lock().unwrap_or_else(PoisonError::into_inner).layers.insert(*diff_id);
        }
    }

    /// Leaves everything where it is.
    pub fn keep(self) {
        *self.fresh.lock().unwrap_or_else(PoisonError::into_inner) = Parts::default();
    }
}

impl Drop for Arrival<'_> {
    fn drop(&mut self) {
        let fresh = std::mem::take(&mut *self.fresh.lock().unwrap_or_else(PoisonError::into_inner));
        self.lock = None;
        // The error that led here is the one to tell; what cannot be taken back now goes with the next prune.
        let _ = remove::take_back(self.engine, fresh, self.remove_layers);
    }
}

/// The step of an error that a layer's source has, not the image or the disk.
#[derive(Debug)]
pub struct ReadLayer;

impl fmt::Display for ReadLayer {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("read layer")
    }
}

/// Whether a second try can go on from what came so far: nothing but the connection was at fault.
pub fn is_worth_keeping(error: &anyhow::Error) -> bool {
    error::kind(error) == Kind::Engine && error.downcast_ref::<ReadLayer>().is_some()
}

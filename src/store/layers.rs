//! Unpacked layers, keyed by diff id.

use crate::engine::Engine;
use crate::store::digest::Digest;
use anyhow::{Result, bail};

/// How a layer's tar stream is compressed in its blob.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compression {
    None,
    Gzip,
    Zstd,
}

/// Whether the layer is unpacked and complete.
pub fn has(engine: &Engine, diff_id: &Digest) -> bool {
    engine.layers().join(diff_id.hex()).join("fs").is_dir()
}

/// The process that unpacks layers.
#[derive(Debug)]
pub struct Unpacker {}

impl Unpacker {
    /// Begins a layer; what is written to the sink are the bytes of its blob.
    pub fn layer(&self, diff_id: &Digest, _compression: Compression) -> Result<Sink> {
        bail!("unpack layer {diff_id}: not in this build")
    }
}

/// Where the blob's bytes of one layer go. Dropping it abandons the layer.
#[derive(Debug)]
pub struct Sink {}

impl Sink {
    /// Waits until the layer is verified against its diff id and visible.
    pub fn finish(self) -> Result<()> {
        Ok(())
    }
}

impl std::io::Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

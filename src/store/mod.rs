//! What this user has on disk: blobs and tags, unpacked layers.

pub mod digest;
pub mod layers;
pub mod overlay_probe;
pub mod unpack;

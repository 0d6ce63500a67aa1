//! skopeo's `dir:`: one image whose manifest and blobs lie beside each other, the blobs under their digests.

use super::{Files, Incoming, layout};
use crate::image::manifest::Manifest;
use anyhow::Result;

/// Whether a `manifest.json` is such a manifest; docker's is a list of images.
pub fn is_one(manifest: &[u8]) -> bool {
    manifest.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'{')
}

/// The image, which has no name.
pub fn image(files: &Files, bytes: &[u8]) -> Result<Incoming> {
    let manifest = Manifest::parse(bytes, None)?;
    layout::of_manifest(files, &manifest, (bytes.to_vec(), manifest.own_type().to_owned()), Vec::new(), "")
}

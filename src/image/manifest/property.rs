//! What holds of manifests and indexes, whatever the bytes.

use super::{Document, ENTRIES_MAX, Index, LAYERS_MAX, MANIFEST_BYTES_MAX, Manifest, shape_of};
use crate::image::platform::{Platform, choose};

/// What parses is within its bounds, and the same when it is printed and parsed again.
pub fn holds(bytes: &[u8]) {
    let Ok(document) = Document::parse(bytes, None) else { return };
    let (text, own_type) = match &document {
        Document::Index(index) => (index_holds(index), index.media_type.clone()),
        Document::Manifest(manifest) => (manifest_holds(manifest), manifest.media_type.clone()),
    };
    // Defaults that were left out are written.
    if text.len() <= MANIFEST_BYTES_MAX {
        let said = Some(own_type).filter(|own_type| !own_type.is_empty());
        let again = Document::parse(&text, said.as_deref());
        assert_eq!(again.ok().as_ref(), Some(&document), "{}", String::from_utf8_lossy(&text));
    }
}

fn index_holds(index: &Index) -> Vec<u8> {
    assert!(index.manifests.len() <= ENTRIES_MAX);
    if let Ok(chosen) = choose(&index.manifests, &Platform::host()) {
        assert!(index.manifests.contains(chosen));
    }
    serde_json::to_vec(index).expect("an index is JSON")
}

fn manifest_holds(manifest: &Manifest) -> Vec<u8> {
    assert!(manifest.layers.len() <= LAYERS_MAX);
    assert!(shape_of(manifest.own_type()).is_some());
    assert!(manifest.size() >= manifest.config.size);
    if manifest.check_image().is_ok() {
        assert!(manifest.layers.iter().all(|layer| layer.compression().is_ok()));
    }
    manifest.to_bytes().expect("a manifest is JSON")
}

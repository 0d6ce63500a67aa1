//! `import`: a root file system in a tar becomes an image of one layer.

use super::arrival::Arrival;
use super::change;
use super::load::Unpack;
use crate::engine::Engine;
use crate::error::Kind;
use crate::image;
use crate::image::config::{History, ImageConfig, RootFs};
use crate::image::manifest::{Descriptor, Manifest, OCI_CONFIG, OCI_LAYER, OCI_MANIFEST};
use crate::image::platform::Platform;
use crate::image::reference::Reference;
use crate::image::transport;
use crate::store::blobs;
use crate::store::digest::Digest;
use crate::store::layers::{self, Compression, Unpacker};
use anyhow::Result;
use std::io::{Read, Write};

/// What the image is to be.
#[derive(Clone, Debug)]
pub struct Import {
    pub platform: Platform,
    /// Lines of a Containerfile.
    pub changes: Vec<String>,
    /// For the history.
    pub message: Option<String>,
    pub reference: Option<Reference>,
}

/// Imports a tar, plain or compressed with gzip or zstd, and returns the image's id.
pub fn import(engine: &Engine, stream: impl Read + 'static, what: &Import, unpacker: &Unpacker) -> Result<Digest> {
    let open = |diff_id: &Digest, compression| unpacker.layer(diff_id, compression);
    let remove = |diff_ids: &[Digest]| unpacker.remove(diff_ids);
    import_with(engine, stream, what, &Unpack { open, finish: layers::Sink::finish, remove: &remove })
}

pub(super) fn import_with<Sink: Write>(
    engine: &Engine,
    stream: impl Read + 'static,
    what: &Import,
    unpack: &Unpack<impl Fn(&Digest, Compression) -> Result<Sink>, impl Fn(Sink) -> Result<()>>,
) -> Result<Digest> {
    // A wrong change is said before gigabytes are read.
    let mut config = describe(what)?;
    let arrival = Arrival::begin(engine, unpack.remove)?;
    // The diff id is known only after the last byte, so the blob comes first and is unpacked from the disk.
    let mut writer = blobs::Writer::new(engine)?;
    let size = transport::copy_bounded(engine, &mut transport::decompressed(stream)?, &mut writer)?;
    if size == 0 {
        return Err(Kind::BadInput.error("import: the archive is empty"));
    }
    let blob = writer.verify(None)?;
    let diff_id = blob.digest();
    arrival.expect_blob(&diff_id);
    blob.store()?;
    if !layers::has(engine, &diff_id) {
        arrival.expect_layer(&diff_id);
        let sink = (unpack.open)(&diff_id, Compression::None)?;
        let sink = unpack.tee(&mut blobs::open(engine, &diff_id)?, &mut std::io::sink(), sink)?;
        (unpack.finish)(sink)?;
    }
    config.rootfs = RootFs { diff_ids: vec![diff_id], ..RootFs::default() };
    for history in &mut config.history {
        history.created_by = format!("/bin/sh -c #(nop) ADD file:{} in /", diff_id.hex());
    }
    let layer = Descriptor::new(OCI_LAYER, diff_id, size);
    let id = store(engine, &arrival, &config, layer, what.reference.as_ref())?;
    arrival.keep();
    Ok(id)
}

fn describe(what: &Import) -> Result<ImageConfig> {
    let created = chrono::Utc::now().to_rfc3339_opts(chrono::SecondsFormat::Nanos, true);
    let platform = what.platform.normal();
    let comment = what.message.clone().unwrap_or_else(|| "imported from tarball".to_owned());
    let mut config = ImageConfig {
        created: created.clone(),
        architecture: platform.architecture,
        variant: platform.variant,
        os: platform.os,
        history: vec![History { created, comment, ..History::default() }],
        ..ImageConfig::default()
    };
    what.changes.iter().try_for_each(|line| change::apply(&mut config, line))?;
    Ok(config)
}

fn store(
    engine: &Engine,
    arrival: &Arrival,
    config: &ImageConfig,
    layer: Descriptor,
    name: Option<&Reference>,
) -> Result<Digest> {
    let bytes = config.to_bytes()?;
    let config = Descriptor::new(OCI_CONFIG, arrival.write_blob(&bytes)?, bytes.len() as u64);
    let bytes = Manifest::new(config, vec![layer]).to_bytes()?;
    let manifest = Descriptor::new(OCI_MANIFEST, arrival.write_blob(&bytes)?, bytes.len() as u64);
    image::publish(engine, &manifest, name.map(std::slice::from_ref).unwrap_or_default())
}

//! Where signatures are put, for others to find them: those of sigstore beside the image in its registry, those of OpenPGP
//! where registries.d says.

use super::lookaside::{self, Lookaside, Use};
use super::place::{attachment, tag};
use super::{PAYLOAD, SIGNATURES_MAX, Signature, Sigstore, System};
use crate::engine::Engine;
use crate::error::Kind;
use crate::fs::{self, Durability};
use crate::image::manifest::{Descriptor, Manifest, OCI_CONFIG};
use crate::image::reference::Reference;
use crate::image::registries::Registries;
use crate::image::registry::{self, Registry};
use crate::store::digest::Digest;
use anyhow::{Context, Result};
use serde_json::json;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

/// The signatures of one repository.
pub struct Shelf<'a> {
    lookaside: Lookaside,
    /// The place by registries.conf.
    name: Reference,
    /// Instead of where registries.d says, for signatures of OpenPGP.
    dir: Option<&'a Path>,
}

impl<'a> Shelf<'a> {
    pub fn of(name: &Reference, dir: Option<&'a Path>) -> Result<Self> {
        Ok(Self { lookaside: Lookaside::load()?, name: Registries::load()?.primary(name)?.reference, dir })
    }

    /// Refuses what could not be put anywhere.
    pub fn check(&self, system: System) -> Result<()> {
        match system {
            System::Sigstore if !self.lookaside.is_attached(&self.name) => {
                let message = format!("registries.d does not attach signatures to {}", self.name.name());
                let hint = "write default-docker: {use-sigstore-attachments: true} into \
                            ~/.config/containers/registries.d/sigstore.yaml";
                Err(Kind::BadInput.hinted(message, hint))
            }
            System::OpenPgp => self.beside("sha256:").map(drop),
            System::Sigstore => Ok(()),
        }
    }

    /// Adds a signature of a manifest to those that it has, unless it has just this one. The registry is asked for the
    /// right to push.
    pub fn put(&self, engine: &Engine, registry: &Registry, manifest: &Digest, signature: &Signature) -> Result<()> {
        match signature {
            Signature::Sigstore(signature) => attach(engine, registry, manifest, signature),
            Signature::OpenPgp(_) => put_beside(&self.beside(&manifest.to_string())?, &signature.to_file()?),
        }
    }

    /// The directory of an image's signatures.
    fn beside(&self, digest: &str) -> Result<PathBuf> {
        if let Some(dir) = &self.dir {
            return Ok(dir.join(lookaside::dir(&self.name, digest)));
        }
        let url = self.lookaside.url(&self.name, digest, Use::Write);
        lookaside::path(&url).map(Path::to_owned).ok_or_else(|| {
            let url = url.rsplit_once('@').map_or(url.as_str(), |(url, _)| url);
            let message = format!("registries.d says that signatures are at {url}, where nobody can write");
            Kind::BadInput.hinted(message, "name a directory: lookaside-staging: file:///DIR, or --directory DIR")
        })
    }
}

/// Adds a signature to those that lie in a directory.
fn put_beside(dir: &Path, bytes: &[u8]) -> Result<()> {
    fs::create_dir_shared(dir)?;
    for number in 1..=SIGNATURES_MAX {
        let path = dir.join(format!("signature-{number}"));
        match fs::read_optional(&path, super::SIGNATURE_BYTES_MAX)? {
            Some(there) if there == bytes => return Ok(()),
            Some(_) => {}
            None => return fs::write_atomic(&path, bytes, Durability::Synced),
        }
    }
    Err(Kind::Exists.error(format!("{} has {SIGNATURES_MAX} signatures already", dir.display())))
}

/// Adds a signature to those that are attached to an image in its registry: blobs first, and the list of them last.
fn attach(engine: &Engine, registry: &Registry, manifest: &Digest, signature: &Sigstore) -> Result<()> {
    let (mut layers, mut diff_ids) = (Vec::new(), Vec::new());
    if let Some((_, list)) = attachment(registry, manifest)? {
        layers = list.layers;
    }
    let digest = Digest::of(&signature.payload);
    let mut layer = Descriptor::new(PAYLOAD, digest, signature.payload.len() as u64);
    layer.annotations = signature.annotations.clone();
    if layers.contains(&layer) {
        return Ok(());
    }
    layers.push(layer);
    if layers.len() > SIGNATURES_MAX {
        return Err(Kind::BadInput.error(format!("{manifest} has {SIGNATURES_MAX} signatures already")));
    }
    diff_ids.extend(layers.iter().map(|layer| layer.digest.to_string()));
    let rootfs = json!({"type": "layers", "diff_ids": diff_ids});
    let config = json!({"architecture": "", "os": "", "config": {}, "rootfs": rootfs}).to_string().into_bytes();
    send(engine, registry, &signature.payload).context("send signature")?;
    send(engine, registry, &config).context("send signature")?;
    let config = Descriptor::new(OCI_CONFIG, Digest::of(&config), config.len() as u64);
    let list = Manifest::new(config, layers);
    registry.put_manifest(&tag(manifest), list.own_type(), &list.to_bytes()?).context("put list of signatures")?;
    Ok(())
}

fn send(engine: &Engine, registry: &Registry, bytes: &[u8]) -> Result<()> {
    let digest = Digest::of(bytes);
    if registry.has_blob(&digest)? {
        return Ok(());
    }
    let mut file = fs::create_unnamed(&engine.staging())?;
    file.write_all(bytes).context("write into staging")?;
    let stop = AtomicBool::new(false);
    let blob = registry::Outgoing { digest, size: bytes.len() as u64, file: &file, progress: &|_| {}, stop: &stop };
    registry.upload(&blob, None)
}

//! Signing what a registry has, and putting the signatures where others look for them.

use super::lookaside::{self, Lookaside, Use};
use super::place::{attachment, tag};
use super::private_key::PrivateKey;
use super::{Claim, PAYLOAD, SIGNATURES_MAX, Signature, Sigstore, System, gpg};
use crate::engine::Engine;
use crate::error::Kind;
use crate::fs::{self, Durability};
use crate::image::manifest::{Descriptor, Document, Manifest, OCI_CONFIG};
use crate::image::reference::Reference;
use crate::image::registries::Registries;
use crate::image::registry::{self, Access, Registry, Rights};
use crate::store::digest::Digest;
use anyhow::{Context, Result};
use serde_json::json;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

/// The most that a list may have of images to sign.
const IMAGES_MAX: usize = 1000;

/// Who signs.
pub enum Signer {
    /// A key of the user's GnuPG, and the file with its passphrase.
    OpenPgp {
        key: String,
        passphrase: Option<PathBuf>,
    },
    Sigstore(PrivateKey),
}

impl Signer {
    fn sign(&self, claim: &Claim) -> Result<Signature> {
        match self {
            Self::OpenPgp { key, passphrase } => {
                let bytes = claim.to_bytes(System::OpenPgp)?;
                gpg::sign(&bytes, key, passphrase.as_deref()).map(Signature::OpenPgp)
            }
            Self::Sigstore(key) => {
                let payload = claim.to_bytes(System::Sigstore)?;
                let signature = key.sign(&payload)?;
                Ok(Signature::Sigstore(Sigstore::new(payload, &signature)))
            }
        }
    }
}

/// Signers, and where their signatures go.
pub struct Signing {
    pub signers: Vec<Signer>,
    /// Instead of where registries.d says, for signatures of OpenPGP.
    pub dir: Option<PathBuf>,
}

impl Signing {
    /// Refuses before the work what could not be put anywhere.
    pub fn check(&self, name: &Reference) -> Result<()> {
        if self.signers.is_empty() {
            return Ok(());
        }
        let (lookaside, place) = (Lookaside::load()?, Registries::load()?.primary(name)?.reference);
        for signer in &self.signers {
            match signer {
                Signer::Sigstore(_) if !lookaside.is_attached(&place) => {
                    let message = format!("sign {name}: registries.d does not attach signatures to {}", place.name());
                    let hint = "write default-docker: {use-sigstore-attachments: true} into \
                                ~/.config/containers/registries.d/sigstore.yaml";
                    return Err(Kind::BadInput.hinted(message, hint));
                }
                Signer::OpenPgp { .. } => drop(self.beside(&lookaside, &place, "sha256:")?),
                Signer::Sigstore(_) => {}
            }
        }
        Ok(())
    }

    /// Signs an image that the registry has under a digest, or a list with all its images that are there.
    pub fn sign(&self, engine: &Engine, name: &Reference, digest: &Digest, access: &Access) -> Result<()> {
        if self.signers.is_empty() {
            return Ok(());
        }
        let (lookaside, registries) = (Lookaside::load()?, Registries::load()?);
        let source = registries.primary(name)?;
        let registry = Registry::at(&registries, &source, name, access)?;
        let registry = registry.asked_for(Rights::Push { mount_from: Vec::new() });
        let fetched = registry.manifest_of_digest(digest).context("get manifest")?;
        let mut digests = vec![*digest];
        if let Document::Index(index) = Document::parse(&fetched.bytes, fetched.media_type.as_deref())? {
            digests.extend(index.manifests.iter().map(|entry| entry.digest));
        }
        if digests.len() > IMAGES_MAX {
            return Err(Kind::BadInput.error(format!("more than {IMAGES_MAX} images in the list")));
        }
        for digest in digests {
            for signer in &self.signers {
                let signature = signer.sign(&Claim { manifest: digest, name: name.to_string() })?;
                match &signature {
                    Signature::Sigstore(signature) => attach(engine, &registry, &digest, signature)?,
                    Signature::OpenPgp(_) => {
                        let dir = self.beside(&lookaside, &source.reference, &digest.to_string())?;
                        put_beside(&dir, &signature.to_file()?)?;
                    }
                }
            }
        }
        Ok(())
    }

    /// The directory of an image's signatures.
    fn beside(&self, lookaside: &Lookaside, name: &Reference, digest: &str) -> Result<PathBuf> {
        if let Some(dir) = &self.dir {
            return Ok(dir.join(lookaside::dir(name, digest)));
        }
        let url = lookaside.url(name, digest, Use::Write);
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
        if path.symlink_metadata().is_err() {
            return fs::write_atomic(&path, bytes, Durability::Synced);
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

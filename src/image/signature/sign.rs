//! Signing what a registry has.

use super::private_key::PrivateKey;
use super::shelf::Shelf;
use super::{Claim, Signature, Sigstore, System, gpg};
use crate::engine::Engine;
use crate::error::Kind;
use crate::image::manifest::Document;
use crate::image::reference::Reference;
use crate::image::registry::{Access, Registry, Rights};
use crate::store::digest::Digest;
use anyhow::{Context, Result};
use std::path::PathBuf;

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
    fn system(&self) -> System {
        match self {
            Self::OpenPgp { .. } => System::OpenPgp,
            Self::Sigstore(_) => System::Sigstore,
        }
    }

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
        let shelf = Shelf::of(name, self.dir.as_deref())?;
        let check = |signer: &Signer| shelf.check(signer.system());
        self.signers.iter().try_for_each(check).with_context(|| format!("sign {name}"))
    }

    /// Signs an image that the registry has under a digest, or a list with all its images that are there.
    pub fn sign(&self, engine: &Engine, name: &Reference, digest: &Digest, access: &Access) -> Result<()> {
        if self.signers.is_empty() {
            return Ok(());
        }
        let shelf = Shelf::of(name, self.dir.as_deref())?;
        let registry = Registry::new(name, access)?.asked_for(Rights::Push { mount_from: Vec::new() });
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
                shelf.put(engine, &registry, &digest, &signature)?;
            }
        }
        Ok(())
    }
}

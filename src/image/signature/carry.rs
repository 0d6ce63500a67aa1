//! Signatures that go where a copied image goes. They are taken as they are: whether one is good is asked by who takes the
//! image in.

use super::place::{Place, file_name};
use super::shelf::Shelf;
use super::{Signature, System};
use crate::engine::Engine;
use crate::error::Kind;
use crate::fs::{self, Durability};
use crate::image::reference::Reference;
use crate::image::registry::{Access, Registry, Rights};
use crate::image::transport::Location;
use crate::store::digest::Digest;
use anyhow::{Context, Result};
use std::collections::BTreeMap;
use std::path::Path;

/// The signatures of an image, or of a list first and then of its images.
#[derive(Debug, Default)]
pub struct Carried {
    /// Each manifest, signed or not.
    manifests: Vec<(Digest, Vec<Signature>)>,
}

impl Carried {
    /// Reads the signatures of these manifests where they come from. Refuses, before anything is copied, a target that
    /// cannot have them; the store keeps none, like a pull.
    pub fn read(place: &Place, manifests: &[Digest], target: &Location) -> Result<Self> {
        let mut all = Vec::new();
        if matches!(target, Location::Store(_)) {
            return Ok(Self::default());
        }
        for manifest in manifests {
            let mut signatures = place.read(manifest, System::OpenPgp)?;
            signatures.extend(place.read(manifest, System::Sigstore)?);
            all.push((*manifest, signatures));
        }
        let carried = Self { manifests: all };
        carried.check(target)?;
        Ok(carried)
    }

    fn systems(&self) -> impl Iterator<Item = System> {
        self.manifests.iter().flat_map(|(_, signatures)| signatures).map(Signature::system)
    }

    fn check(&self, target: &Location) -> Result<()> {
        if self.systems().next().is_none() {
            return Ok(());
        }
        let hint = "leave them behind with --remove-signatures";
        match target {
            Location::Registry(name) => {
                let shelf = Shelf::of(name, None)?;
                let checked = self.systems().try_for_each(|system| shelf.check(system));
                checked.context("copy its signatures (--remove-signatures leaves them behind)")
            }
            Location::Directory(_) | Location::Store(_) => Ok(()),
            Location::DockerArchive { .. } | Location::OciArchive { .. } | Location::Layout { .. } => {
                Err(Kind::BadInput.hinted("the image has signatures, which archives and layouts cannot keep", hint))
            }
        }
    }

    /// Puts them where the image has gone.
    pub fn put(&self, engine: &Engine, target: &Location, access: &Access) -> Result<()> {
        match target {
            Location::Registry(name) if self.systems().next().is_some() => {
                self.shelve(engine, name, access).with_context(|| format!("copy the signatures to {name}"))
            }
            Location::Directory(dir) => {
                self.write(dir).with_context(|| format!("write signatures into {}", dir.display()))
            }
            Location::Registry(_)
            | Location::Store(_)
            | Location::DockerArchive { .. }
            | Location::OciArchive { .. }
            | Location::Layout { .. } => Ok(()),
        }
    }

    fn shelve(&self, engine: &Engine, name: &Reference, access: &Access) -> Result<()> {
        let shelf = Shelf::of(name, None)?;
        let registry = Registry::new(name, access)?.asked_for(Rights::Push { mount_from: Vec::new() });
        for (manifest, signatures) in &self.manifests {
            for signature in signatures {
                shelf.put(engine, &registry, manifest, signature)?;
            }
        }
        Ok(())
    }

    /// Writes them beside the manifests of a `dir:`, in the place of those that an earlier image has left there.
    fn write(&self, dir: &Path) -> Result<()> {
        let mut files = BTreeMap::new();
        for (position, (manifest, signatures)) in self.manifests.iter().enumerate() {
            let member = (position > 0).then_some(manifest);
            for (number, signature) in (1..).zip(signatures) {
                files.insert(file_name(member, number), signature.to_file()?);
            }
        }
        let there = fs::list(dir)?;
        for name in there.iter().filter(|name| is_signature(name) && !files.contains_key(*name)) {
            fs::remove_file(&dir.join(name))?;
        }
        for (name, bytes) in &files {
            fs::write_atomic(&dir.join(name), bytes, Durability::Synced)?;
        }
        Ok(())
    }
}

/// Whether a file of a directory is called as signatures are.
fn is_signature(name: &str) -> bool {
    let Some((member, number)) = name.rsplit_once("signature-") else { return false };
    let is_member = |text: &str| text.strip_suffix('.').is_some_and(|hex| Digest::parse_hex(hex).is_some());
    (member.is_empty() || is_member(member)) && number.parse::<usize>().is_ok()
}

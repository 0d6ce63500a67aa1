//! A repository that images may come from by policy.json, and what that asks of each of them.

use super::policy::{Conditions, Identity, Policy};
use super::reference::Reference;
use super::registries::{Registries, Source};
use super::registry::{Access, Registry};
use super::signature::place::Place;
use crate::engine::Engine;
use crate::store::digest::Digest;
use anyhow::Result;

#[derive(Debug)]
pub struct Guarded<'a> {
    pub registry: Registry,
    /// The place by registries.conf, which is where signatures are looked for.
    name: Reference,
    conditions: Conditions,
    access: &'a Access,
}

impl<'a> Guarded<'a> {
    /// The place that a name means. Asks nobody yet.
    pub fn open(name: &Reference, access: &'a Access) -> Result<Self> {
        let conditions = Policy::load(access.signature_policy.as_deref())?.check(&Identity::docker(name))?;
        let registries = Registries::load()?;
        Self::at(&registries, &registries.primary(name)?, name, conditions, access)
    }

    /// One of the sources of a name that may come in under these conditions.
    pub fn at(
        registries: &Registries,
        source: &Source,
        name: &Reference,
        conditions: Conditions,
        access: &'a Access,
    ) -> Result<Self> {
        let registry = Registry::at(registries, source, name, access)?;
        Ok(Self { registry, name: source.reference.clone(), conditions, access })
    }

    /// Refuses a manifest for which there are not the signatures that are asked for.
    pub fn verify(&self, engine: &Engine, manifest: &Digest) -> Result<()> {
        self.conditions.verify(engine, manifest, &self.place())
    }

    /// Where its signatures are.
    pub fn place(&self) -> Place<'_> {
        Place::Registry { registry: &self.registry, name: &self.name, access: self.access }
    }
}

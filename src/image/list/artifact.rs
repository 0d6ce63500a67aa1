//! An artifact that is made of files for a list (OCI image spec, manifest.md, "Guidelines for Artifact Usage").

use crate::engine::Engine;
use crate::fs::{self, Lock};
use crate::image::arrival::Arrival;
use crate::image::artifact::{Layer, check_titles, empty_config, layer, media_type};
use crate::image::config::CONFIG_BYTES_MAX;
use crate::image::manifest::{Descriptor, Manifest, OCI_CONFIG, OCI_MANIFEST};
use crate::store::blobs;
use anyhow::{Context, Result};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// What podman says of an artifact of which nothing is said.
const UNKNOWN_TYPE: &str = "application/vnd.unknown.artifact.v1";

/// What it is made of.
#[derive(Clone, Debug, Default)]
pub struct Artifact {
    pub artifact_type: Option<String>,
    /// The file with its configuration. None for an empty one.
    pub config: Option<PathBuf>,
    pub config_type: Option<String>,
    /// The media type of the files; None is told from their names, or else from their first bytes.
    pub layer_type: Option<String>,
    /// Leave the names of the files out of it.
    pub exclude_titles: bool,
    pub subject: Option<Descriptor>,
    pub files: Vec<PathBuf>,
}

impl Artifact {
    /// Stores it, and describes it as a member. The lock is to be held until a list has it.
    pub fn store(&self, engine: &Engine) -> Result<(Descriptor, Lock)> {
        let arrival = Arrival::begin(engine, &|_| Ok(()))?;
        let mut layers = Vec::new();
        for path in &self.files {
            let how = Layer {
                media_type: self.layer_type.as_deref().or_else(|| media_type::of_name(path)),
                annotations: BTreeMap::new(),
                is_titled: !self.exclude_titles,
            };
            layers.push(layer(engine, &arrival, path, how).with_context(|| format!("add {}", path.display()))?);
        }
        let mut manifest = Manifest::new(self.config(&arrival)?, layers);
        manifest.artifact_type = Some(self.artifact_type.clone().unwrap_or_else(|| UNKNOWN_TYPE.to_owned()));
        manifest.subject.clone_from(&self.subject);
        check_titles(&manifest)?;
        let bytes = manifest.to_bytes()?;
        Manifest::parse(&bytes, None)?;
        let digest = arrival.write_blob(&bytes)?;
        let guard = blobs::incoming(engine)?;
        arrival.keep();
        let artifact_type = manifest.artifact_type;
        let descriptor = Descriptor::new(OCI_MANIFEST, digest, bytes.len() as u64);
        Ok((Descriptor { artifact_type, ..descriptor }, guard))
    }

    fn config(&self, arrival: &Arrival) -> Result<Descriptor> {
        let Some(path) = &self.config else {
            let (bytes, descriptor) = empty_config();
            arrival.write_blob(bytes)?;
            let media_type = self.config_type.clone().unwrap_or(descriptor.media_type);
            return Ok(Descriptor { media_type, ..descriptor });
        };
        let bytes = fs::read(path, CONFIG_BYTES_MAX)?;
        let digest = arrival.write_blob(&bytes)?;
        let media_type = self.config_type.as_deref().unwrap_or(OCI_CONFIG);
        Ok(Descriptor::new(media_type, digest, bytes.len() as u64))
    }
}

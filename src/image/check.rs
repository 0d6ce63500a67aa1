//! What is wrong with images: parts that are missing or unreadable, and parts in the store that no image has.

use super::remove::needed_by;
use super::{Summary, list, open};
use crate::engine::Engine;
use crate::error;
use crate::fs::Lock;
use crate::store::check::Finding;
use crate::store::digest::Digest;
use crate::store::{blobs, layers, tags};
use anyhow::Result;
use std::collections::HashSet;

/// Opens every image and looks for its layers.
pub fn check(engine: &Engine) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    for summary in list(engine)? {
        let name = summary.references.first().cloned().unwrap_or_else(|| summary.id.to_string());
        // What comes with a list is not unpacked.
        if super::list::is_index(engine, &summary.manifest) {
            let missing = super::list::missing(engine, &summary.manifest)?;
            let fix = format!("remove it with coracle manifest rm {name} and make it again");
            let finding = |blob| Finding::new(format!("list {name}: blob {blob} is missing"), &fix);
            findings.extend(missing.into_iter().map(finding));
            continue;
        }
        findings.extend(check_image(engine, summary, &name));
    }
    Ok(findings)
}

fn check_image(engine: &Engine, summary: Summary, name: &str) -> Vec<Finding> {
    let fix = format!("remove it with coracle rmi {name} and pull or load it again");
    match open(engine, summary) {
        Err(error) => vec![Finding::new(format!("image {name}: {}", error::line(&error)), fix)],
        Ok(image) => {
            let missing = image.layers.iter().filter(|layer| !layers::has(engine, layer));
            missing.map(|layer| Finding::new(format!("image {name}: layer {layer} is missing"), &fix)).collect()
        }
    }
}

/// What no image has, and in the case of layers no container.
pub struct Unused {
    pub blobs: Vec<Digest>,
    pub layers: Vec<Digest>,
    /// While it is held, no image comes in that would use them.
    _guard: Lock,
}

/// Finds blobs and layers without a user. None while an image comes in, whose parts look just like that.
pub fn unused(engine: &Engine, used_by_containers: &HashSet<Digest>) -> Result<Option<Unused>> {
    if !engine.images().is_dir() {
        return Ok(None);
    }
    let Some(guard) = blobs::collecting(engine) else { return Ok(None) };
    let needed = needed_by(engine, tags::list(engine)?.iter().map(|entry| entry.digest))?;
    let mut blobs = blobs::list(engine)?;
    blobs.retain(|digest| !needed.blobs.contains(digest));
    let names = crate::fs::list(&engine.layers())?;
    let mut layers: Vec<Digest> = names.iter().filter_map(|name| Digest::parse_hex(name)).collect();
    layers.retain(|digest| !needed.layers.contains(digest) && !used_by_containers.contains(digest));
    Ok(Some(Unused { blobs, layers, _guard: guard }))
}

impl Unused {
    /// `what` is what the blobs would be of.
    pub fn findings(&self, what: &str) -> Vec<Finding> {
        let blobs = self.blobs.iter();
        let blobs = blobs.map(|digest| Finding::leftover(format!("blob {digest} belongs to no {what}")));
        let layers = self.layers.iter();
        let layers = layers.map(|digest| Finding::leftover(format!("layer {digest} has no image and no container")));
        blobs.chain(layers).collect()
    }

    /// Removes them. Layers belong to subordinate ids: the caller has gone through the door.
    pub fn remove(self, engine: &Engine) -> Result<()> {
        for digest in &self.blobs {
            blobs::remove(engine, digest)?;
        }
        layers::remove(engine, &self.layers)
    }
}

//! The files that a container starts from, with owners as its ids are.

use super::config::{Config, Source};
use super::state;
use crate::engine::Engine;
use crate::fs::Lock;
use crate::image::{self, Image};
use crate::rootless;
use crate::rootless::map::{self, Extent};
use crate::store::digest::Digest;
use crate::store::layers;
use crate::store::overlay::Lower;
use crate::store::shifted::{self, Copied, Owners};
use anyhow::{Context, Result};

/// Whose files a container of these ids has below its own directory, and who owns that.
pub struct Ground {
    pub lower: Lower,
    pub owner: Option<(u32, u32)>,
}

/// What lies below a container's own directory. The caller is in the engine's user namespace.
pub fn ground(engine: &Engine, config: &Config, diff_ids: &[Digest]) -> Result<Ground> {
    let Some(owners) = owners(config)? else {
        let layers = layers::stack(engine, diff_ids)?;
        return Ok(Ground { lower: Lower { layers, data: Vec::new() }, owner: None });
    };
    // Here already, unless an image was removed by force: see `ensure`.
    let lower = match shifted::find(engine, diff_ids, owners)? {
        Some(lower) => lower,
        None => {
            shifted::ensure(engine, diff_ids, owners, &|_| {})?;
            shifted::find(engine, diff_ids, owners)?.context("the files with the container's ids have gone again")?
        }
    };
    let root = |map| map::to_outside(map, 0).unwrap_or(0);
    Ok(Ground { lower, owner: Some((root(owners.uids), root(owners.gids))) })
}

/// Makes the files with a container's ids if they are missing. The caller is in the engine's user namespace, and has a
/// mount namespace of its own.
pub fn ensure(engine: &Engine, config: &Config, copied: Copied<'_>) -> Result<()> {
    match (&config.source, owners(config)?) {
        (Source::Image(image), Some(owners)) => shifted::ensure(engine, &image.layers, owners, copied),
        _ => Ok(()),
    }
}

/// Whether a start has to make these files first. Known outside the engine's user namespace too.
pub fn is_missing(engine: &Engine, config: &Config) -> bool {
    let users = &config.users;
    let owners = Owners { uids: &users.uids, gids: &users.gids };
    match &config.source {
        Source::Image(image) => !users.uids.is_empty() && shifted::is_missing(engine, &image.layers, owners),
        Source::Directory(_) => false,
    }
}

/// None for a container whose ids are the engine's: files have the owners of their layers. So they have where the engine
/// has one id alone, which then owns them all.
fn owners(config: &Config) -> Result<Option<Owners<'_>>> {
    let users = &config.users;
    if users.uids.is_empty() || map::total(&rootless::read_map("uid")?) <= 1 {
        return Ok(None);
    }
    Ok(Some(Owners { uids: &users.uids, gids: &users.gids }))
}

/// The maps of a container with `--userns keep-id` and nothing else.
fn keep_id() -> Result<(Vec<Extent>, Vec<Extent>)> {
    let (uids, gids) = rootless::id_maps()?;
    let own = |map: &[Extent]| map::to_outside(map, 0).context("the caller has an id in the engine's namespace");
    Ok((map::keep_id(&uids, own(&uids)?, None)?, map::keep_id(&gids, own(&gids)?, None)?))
}

/// Whether images that come in will be run with `keep-id`: the user says so for all containers, or has done so before.
pub fn expects_keep_id(engine: &Engine) -> Result<bool> {
    if std::env::var("PODMAN_USERNS").is_ok_and(|mode| mode == "keep-id") {
        return Ok(true);
    }
    if !engine.shifted().is_dir() {
        return Ok(false);
    }
    let (uids, gids) = keep_id()?;
    shifted::is_known(engine, Owners { uids: &uids, gids: &gids })
}

/// Whether there are the files for `keep-id`.
pub fn has_keep_id(engine: &Engine, diff_ids: &[Digest]) -> Result<bool> {
    let (uids, gids) = keep_id()?;
    Ok(!shifted::is_missing(engine, diff_ids, Owners { uids: &uids, gids: &gids }))
}

/// Whether files with other owners have their data from the image. The caller is in the engine's user namespace.
pub fn is_cheap(engine: &Engine) -> Result<bool> {
    shifted::shares_data(engine)
}

/// Says that files with other owners are being made, so that nobody removes them meanwhile.
pub fn making(engine: &Engine) -> Result<Lock> {
    shifted::making(engine)
}

/// The same, as far as it has been found out before.
pub fn is_known_cheap(engine: &Engine) -> bool {
    shifted::is_known_to_share_data(engine)
}

/// Makes the files for `keep-id`. The caller is in the engine's user namespace.
pub fn prepare_keep_id(engine: &Engine, diff_ids: &[Digest]) -> Result<()> {
    // In here the caller's id is that of the map's first line.
    let (uids, gids) = keep_id()?;
    if map::total(&uids) <= 1 || diff_ids.is_empty() {
        return Ok(());
    }
    shifted::ensure(engine, diff_ids, Owners { uids: &uids, gids: &gids }, &|_| {})
}

/// The layers of all images and containers. None if one of them cannot be read, so that it is not known.
fn used(engine: &Engine) -> Result<Option<Vec<Vec<Digest>>>> {
    let mut used = Vec::new();
    let (containers, unreadable) = state::survey(engine)?;
    if !unreadable.is_empty() {
        return Ok(None);
    }
    for container in containers {
        if let Source::Image(image) = container.config.source {
            used.push(image.layers);
        }
    }
    for summary in image::list(engine)? {
        // Of a list the images count that have been unpacked, which are images of their own.
        if image::list::is_index(engine, &summary.manifest) {
            continue;
        }
        match image::open(engine, summary) {
            Ok(Image { layers, .. }) => used.push(layers),
            Err(_) => return Ok(None),
        }
    }
    Ok(Some(used))
}

/// The names of trees that no image and no container has layers for.
pub fn unused(engine: &Engine) -> Result<Vec<String>> {
    if !engine.shifted().is_dir() {
        return Ok(Vec::new());
    }
    used(engine)?.map_or(Ok(Vec::new()), |used| shifted::unused(engine, &used))
}

/// Removes them. The caller is in the engine's user namespace.
pub fn sweep(engine: &Engine) -> Result<()> {
    if !engine.shifted().is_dir() {
        return Ok(());
    }
    used(engine)?.map_or(Ok(()), |used| shifted::remove_all_but(engine, &used))
}

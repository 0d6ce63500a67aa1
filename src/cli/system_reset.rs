//! `system reset`: back to an engine that was never used.

use super::confirm::confirm;
use super::{Context, Verb};
use crate::container::control::Door;
use crate::container::state;
use crate::container::{remove, stop};
use crate::engine::Engine;
use crate::fs;
use crate::store::shifted;
use anyhow::Result;
use std::os::fd::AsFd;
use std::path::Path;

/// Remove all containers, images, volumes, networks and secrets
#[derive(clap::Args)]
pub struct SystemReset {
    /// Do not ask
    #[arg(short, long)]
    force: bool,
}

/// All that the engine makes in its data directory. Staging goes last: without it the store counts as new.
const DATA: &[&str] = &[
    "artifacts",
    "names",
    "containers",
    "images",
    "layers",
    "shifted",
    "volumes",
    "ranges.lock",
    "volumes.lock",
    "secrets",
    "networks",
    "networks.lock",
    "pods",
    "tmp",
];
/// What it makes in its runtime directory.
const RUN: &[&str] = &["containers", "networks", "events.jsonl", "events.jsonl.1", "said-linger"];

impl Verb for SystemReset {
    fn run(self, context: &Context) -> Result<u8> {
        let engine = &context.engine;
        if !self.force && !confirm(&warning(engine))? {
            return Ok(0);
        }
        let (containers, _) = state::survey(engine)?;
        for container in &containers {
            if container.state.is_some() {
                stop::stop(engine, container, None, Some(0))?;
            }
        }
        super::in_userns(Door::for_command(engine)?, || {
            for container in &containers {
                remove::remove_by_force(engine, &container.config.id, true)?;
            }
            let _alone = shifted::alone(engine);
            empty(&engine.data, DATA)?;
            empty(&engine.run, RUN)
        })?;
        Ok(0)
    }
}

fn warning(engine: &Engine) -> String {
    format!(
        "This will remove:\n        - all containers\n        - all images\n        - all volumes\n        \
         - all networks\n        - all secrets\n        - what the engine keeps in {} and {}",
        engine.data.display(),
        engine.run.display()
    )
}

/// Removes the named entries of a directory, and nothing else that may be in it.
fn empty(dir: &Path, names: &[&str]) -> Result<()> {
    if !dir.is_dir() {
        return Ok(());
    }
    let opened = fs::open_dir(dir)?;
    for name in names {
        match dir.join(name).symlink_metadata() {
            Ok(status) if status.is_dir() => fs::remove_tree(opened.as_fd(), name)?,
            Ok(_) => fs::remove_file(&dir.join(name))?,
            Err(_) => {}
        }
    }
    Ok(())
}

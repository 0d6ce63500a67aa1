//! `system check`: what is wrong on disk, one line each with its fix.

use super::{Context, EXIT_ENGINE, Verb, say};
use crate::container::check as containers;
use crate::container::control::Door;
use crate::container::shift;
use crate::image::artifact;
use crate::image::check::{self as images, Unused};
use crate::store::check as store;
use crate::store::digest::Digest;
use crate::store::partial;
use anyhow::Result;
use std::collections::HashSet;

/// Look for damage and leftovers in the store
#[derive(clap::Args)]
pub struct SystemCheck {
    /// Accepted for scripts of podman: --repair removes nothing that anyone could want
    #[arg(short, long, hide = true)]
    force: bool,
    /// Accepted for scripts of podman: what nobody uses is found whatever its age
    #[arg(short, long, value_name = "DURATION", hide = true)]
    max: Option<String>,
    /// Leave out what takes time: hashing all blobs again
    #[arg(short, long)]
    quick: bool,
    /// Remove or complete what killed commands have left behind; nothing that anyone uses or could want is removed
    #[arg(short, long)]
    repair: bool,
}

impl Verb for SystemCheck {
    fn run(self, context: &Context) -> Result<u8> {
        context.engine.prepare()?;
        let mut left = 0;
        let mut repaired = Vec::new();
        for finding in self.findings(context)? {
            match finding.repaired.filter(|_| self.repair) {
                Some(done) => repaired.push(format!("{}; {done}", finding.what)),
                None => {
                    left += 1;
                    say(&format!("{}; {}", finding.what, finding.fix));
                }
            }
        }
        if !repaired.is_empty() {
            super::in_userns(Door::for_command(&context.engine)?, || repair(context))?;
            repaired.iter().for_each(|line| say(line));
        }
        if left > 0 {
            return Ok(EXIT_ENGINE);
        }
        if repaired.is_empty() {
            say("The store is whole");
        }
        Ok(0)
    }
}

impl SystemCheck {
    fn findings(&self, context: &Context) -> Result<Vec<store::Finding>> {
        let engine = &context.engine;
        let mut findings = store::check(engine, !self.quick)?;
        let damaged = images::check(engine)?;
        let checked = containers::check(engine)?;
        if let Some(unused) = unused(context, damaged.is_empty(), checked.layers.as_ref())? {
            findings.extend(unused.findings("image"));
        }
        findings.extend(shift::unused(engine)?.iter().map(|name| {
            let what = format!("files with other owners ({}) have no image and no container", &name[..12]);
            store::Finding::leftover(what)
        }));
        findings.extend(damaged);
        findings.extend(checked.findings);
        findings.extend(store::check(&engine.artifacts(), !self.quick)?);
        findings.extend(artifact::check(engine)?);
        Ok(findings)
    }
}

fn repair(context: &Context) -> Result<()> {
    let engine = &context.engine;
    store::sweep_staging(engine)?;
    if engine.artifacts().staging().is_dir() {
        artifact::remove_unused(&engine.artifacts())?;
    }
    partial::sweep(engine, partial::KEPT)?;
    containers::sweep(engine)?;
    shift::sweep(engine)?;
    // Asked again: an image may have come in, or a container, since the findings were made.
    let layers = containers::check(engine)?.layers;
    match unused(context, images::check(engine)?.is_empty(), layers.as_ref())? {
        Some(unused) => unused.remove(engine),
        None => Ok(()),
    }
}

/// What nobody uses. What a damaged image or container uses cannot be known, so nothing is called unused then.
fn unused(context: &Context, images_are_whole: bool, used: Option<&HashSet<Digest>>) -> Result<Option<Unused>> {
    match used {
        Some(used) if images_are_whole => images::unused(&context.engine, used),
        Some(_) | None => Ok(None),
    }
}

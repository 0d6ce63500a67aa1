//! What is wrong with containers: descriptions that cannot be read, names that lead nowhere, and what dead monitors
//! have left.

use super::config::{Config, Id, Name, Source};
use super::create::Naming;
use super::remove;
use super::state::{self, Container, Paths, Status};
use crate::engine::Engine;
use crate::error::{self, Kind};
use crate::fs;
use crate::store::check::Finding;
use crate::store::digest::Digest;
use crate::store::layers;
use anyhow::Result;
use std::collections::HashSet;
use std::os::fd::AsFd;

/// What was found, and the layers that containers use.
#[derive(Debug, Default)]
pub struct Checked {
    pub findings: Vec<Finding>,
    /// None if a container cannot be read, so that its layers are not known.
    pub layers: Option<HashSet<Digest>>,
}

/// Looks at every container, every name and every runtime directory.
pub fn check(engine: &Engine) -> Result<Checked> {
    let mut checked = Checked { findings: Vec::new(), layers: Some(HashSet::new()) };
    for id in ids(engine)? {
        match state::read(engine, &id) {
            Ok(container) => checked.add(engine, &container)?,
            // Removed while this looked on; a directory without a description is told apart from that.
            Err(error) if error::kind(&error) == Kind::NotFound && !Paths::of(engine, &id).dir.is_dir() => {}
            Err(error) => {
                checked.layers = None;
                let dir = Paths::of(engine, &id).dir;
                let cause = match error::kind(&error) {
                    Kind::NotFound => "config.json is missing".to_owned(),
                    _ => error::line(&error),
                };
                checked.findings.push(Finding::new(
                    format!("container {} cannot be read: {cause}", id.short()),
                    format!("save what you need of it, then remove it with coracle unshare rm -rf {}", dir.display()),
                ));
            }
        }
    }
    for name in dangling_names(engine)? {
        checked.findings.push(Finding::leftover(format!("the name {name} stands for a container that is gone")));
    }
    for id in stale_runtime_dirs(engine)? {
        checked.findings.push(Finding::leftover(format!("the runtime directory of {} has no monitor", id.short())));
    }
    Ok(checked)
}

impl Checked {
    fn add(&mut self, engine: &Engine, container: &Container) -> Result<()> {
        let config = &container.config;
        let name = &config.name;
        if let Source::Image(image) = &config.source {
            for layer in image.layers.iter().filter(|layer| !layers::has(engine, layer)) {
                let what = format!("container {name}: layer {layer} is missing");
                self.findings.push(Finding::new(what, format!("pull or load its image again: {}", image.name)));
            }
        }
        if let Some(layers) = &mut self.layers {
            layers.extend(config.images().flat_map(|(_, layers)| layers));
        }
        if !has_its_name(engine, config)? {
            if is_half_removed(container) {
                let what = format!("container {} was to be removed at its end", config.id.short());
                self.findings.push(Finding::unfinished(what, "removed"));
                return Ok(());
            }
            let what = format!("container {} has lost its name {name}", config.id.short());
            self.findings.push(match container.status {
                Status::Running | Status::Paused | Status::Elsewhere => {
                    Finding::new(what, "use it by its id, or stop it first")
                }
                Status::Created | Status::Exited | Status::Lost => Finding::unfinished(what, "named again"),
            });
        }
        match container.status {
            Status::Created | Status::Running | Status::Paused | Status::Exited | Status::Elsewhere => {}
            Status::Lost => self.findings.push(Finding::new(
                format!("container {name} was lost: its monitor has gone without a word"),
                format!("start it again with coracle start {name}, or remove it with coracle rm {name}"),
            )),
        }
        Ok(())
    }
}

fn has_its_name(engine: &Engine, config: &Config) -> Result<bool> {
    Ok(state::id_of_name(engine, config.name.as_str())?.as_ref() == Some(&config.id))
}

/// Whether the monitor of this container, which has no name, was killed while it removed it.
fn is_half_removed(container: &Container) -> bool {
    container.config.auto_remove && container.status == Status::Lost
}

/// Removes dangling names, stale runtime directories and what was half removed, and names containers that have no name.
pub fn sweep(engine: &Engine) -> Result<()> {
    for id in ids(engine)? {
        // What cannot be read has been told of.
        let Ok(container) = state::read(engine, &id) else { continue };
        if has_its_name(engine, &container.config)? {
            continue;
        }
        if is_half_removed(&container) {
            match remove::remove(engine, &container, true) {
                // Somebody else has removed it, or started it.
                Err(error) if matches!(error::kind(&error), Kind::NotFound | Kind::InUse) => {}
                removed => removed?,
            }
        } else {
            name_again(engine, container)?;
        }
    }
    for name in dangling_names(engine)? {
        remove::release_name(engine, &name)?;
    }
    for id in stale_runtime_dirs(engine)? {
        // Held while the directory goes, so that no monitor begins in it.
        let _held = match Paths::of(engine, &id).hold_alive() {
            Ok(None) => continue,
            Ok(held) => held,
            Err(error) if error::kind(&error) == Kind::NotFound => None,
            Err(error) => return Err(error),
        };
        let dirs = fs::open_dir(&engine.run.join("containers"))?;
        fs::remove_tree(dirs.as_fd(), id.as_str())?;
    }
    Ok(())
}

/// Gives a container its name back, or another if somebody has it by now: who makes or removes a container may be killed
/// between its directory and its name.
fn name_again(engine: &Engine, mut container: Container) -> Result<()> {
    let config = &mut container.config;
    // Held so that nobody removes it, and nobody starts it under a name that is about to change.
    let _held = match Paths::of(engine, &config.id).hold_alive() {
        Ok(None) => return Ok(()),
        Ok(held) => held,
        Err(error) if error::kind(&error) == Kind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    super::create::claim_some_name(engine, config, Naming::Generated)
}

fn ids(engine: &Engine) -> Result<Vec<Id>> {
    let mut ids: Vec<Id> = fs::list(&engine.containers())?.iter().filter_map(|name| Id::parse(name)).collect();
    ids.sort();
    Ok(ids)
}

fn dangling_names(engine: &Engine) -> Result<Vec<Name>> {
    let mut dangling = Vec::new();
    for name in fs::list(&engine.names())? {
        let Ok(name) = Name::parse(&name) else { continue };
        let id = match state::id_of_name(engine, name.as_str()) {
            Ok(id) => id,
            // It is no link, so the engine has not made it.
            Err(_) => continue,
        };
        if id.is_some_and(|id| !Paths::of(engine, &id).dir.exists()) {
            dangling.push(name);
        }
    }
    dangling.sort();
    Ok(dangling)
}

fn stale_runtime_dirs(engine: &Engine) -> Result<Vec<Id>> {
    let mut stale = Vec::new();
    for name in fs::list(&engine.run.join("containers"))? {
        let Some(id) = Id::parse(&name) else { continue };
        if fs::held(&Paths::of(engine, &id).alive())?.is_none() {
            stale.push(id);
        }
    }
    stale.sort();
    Ok(stale)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::tests::Scratch;

    #[test]
    fn what_is_broken_is_told_and_only_leftovers_go() {
        let scratch = Scratch::new();
        let engine = &scratch.engine;
        assert!(check(engine).unwrap().findings.is_empty());
        let (broken, gone) = (Id::new_random().unwrap(), Id::new_random().unwrap());
        fs::create_dir(&Paths::of(engine, &broken).dir).unwrap();
        fs::create_dir(&engine.run.join("containers").join(gone.as_str())).unwrap();
        rustix::fs::symlink(format!("../containers/{gone}"), engine.names().join("ghost")).unwrap();
        fs::create_dir(&engine.names().join("foreign")).unwrap();
        let findings = check(engine).unwrap().findings;
        let leftovers = findings.iter().filter(|finding| finding.repaired.is_some()).count();
        assert_eq!((findings.len(), leftovers), (3, 2), "{findings:?}");
        sweep(engine).unwrap();
        let findings = check(engine).unwrap().findings;
        assert_eq!(findings.len(), 1);
        assert!(findings[0].what.contains("config.json is missing"), "{findings:?}");
        assert!(engine.names().join("foreign").is_dir());
    }
}

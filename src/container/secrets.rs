//! A container's secrets: kept in its directory as links to their values, given to it as files or variables.
//!
//! No value is ever part of its description, of its root file system or of an argument.

use super::config::{Config, SecretHow, SecretUse};
use super::state::Paths;
use crate::engine::Engine;
use crate::error::Kind;
use crate::fs;
use crate::secret;
use anyhow::{Context, Result};
use rustix::fs::{Gid, Mode, Uid};
use std::path::{Path, PathBuf};

/// Where the secrets lie in a container's directory.
const ROOM: &str = "secrets";

/// Finds the secrets that were asked for by name.
pub fn resolve(engine: &Engine, config: &mut Config) -> Result<()> {
    let taken: Vec<String> = config.mounts.iter().map(|mount| mount.target.clone()).collect();
    for asked in &mut config.secrets {
        let found = secret::find(engine, &asked.name)?;
        (asked.name, asked.id) = (found.name, found.id);
        if let SecretHow::File { target, .. } = &asked.how
            && taken.contains(target)
        {
            return Err(Kind::BadInput.error(format!("a mount and secret {} at {target}", asked.name)));
        }
    }
    Ok(())
}

/// Keeps the secrets in a container's directory that is being made.
pub fn keep(engine: &Engine, config: &Config, dir: &Path) -> Result<()> {
    if config.secrets.is_empty() {
        return Ok(());
    }
    let room = dir.join(ROOM);
    fs::create_dir(&room)?;
    let mut ids: Vec<&String> = config.secrets.iter().map(|asked| &asked.id).collect();
    ids.sort();
    ids.dedup();
    ids.into_iter().try_for_each(|id| secret::keep(engine, id, &room))
}

fn value(engine: &Engine, config: &Config, asked: &SecretUse) -> Result<Vec<u8>> {
    let kept = Paths::of(engine, &config.id).dir.join(ROOM).join(&asked.id);
    fs::read(&kept, secret::VALUE_BYTES_MAX).with_context(|| format!("read secret {}", asked.name))
}

/// The secrets that are environment variables, as `NAME=value`.
pub fn environment(engine: &Engine, config: &Config) -> Result<Vec<String>> {
    let mut entries = Vec::new();
    for asked in &config.secrets {
        let SecretHow::Environment { variable } = &asked.how else { continue };
        let value = String::from_utf8(value(engine, config, asked)?).ok().filter(|value| !value.contains('\0'));
        let value = value.ok_or_else(|| {
            let message = format!("secret {} is no text, which an environment variable must be", asked.name);
            Kind::BadInput.hinted(message, "use type=mount")
        })?;
        entries.push(format!("{variable}={value}"));
    }
    Ok(entries)
}

/// The secrets that are files: where in the runtime directory, and their targets.
pub fn files(engine: &Engine, config: &Config) -> Vec<(PathBuf, String)> {
    let room = engine.run.join("containers").join(config.id.as_str()).join(ROOM);
    let file = |(index, asked): (usize, &SecretUse)| match &asked.how {
        SecretHow::File { target, .. } => Some((room.join(index.to_string()), target.clone())),
        SecretHow::Environment { .. } => None,
    };
    config.secrets.iter().enumerate().filter_map(file).collect()
}

/// Writes the files into the runtime directory. `outside` maps an id of the container's to one of this process's.
pub fn write_files(
    engine: &Engine,
    config: &Config,
    run_dir: &Path,
    outside: impl Fn(u32, u32) -> Result<(u32, u32)>,
) -> Result<()> {
    if config.secrets.is_empty() {
        return Ok(());
    }
    let room = run_dir.join(ROOM);
    fs::create_dir(&room)?;
    for (index, asked) in config.secrets.iter().enumerate() {
        let SecretHow::File { uid, gid, mode, .. } = &asked.how else { continue };
        let path = room.join(index.to_string());
        fs::write_plain(&path, &value(engine, config, asked)?, 0o600)?;
        let (uid, gid) = outside(*uid, *gid).with_context(|| format!("give secret {} to its owner", asked.name))?;
        rustix::fs::chown(&path, Some(Uid::from_raw(uid)), Some(Gid::from_raw(gid)))
            .with_context(|| format!("give secret {} to {uid}:{gid}", asked.name))?;
        rustix::fs::chmod(&path, Mode::from_raw_mode(*mode)).context("chmod secret")?;
    }
    Ok(())
}

//! `create`: the image's wishes and the engine's defaults under what was asked for, then one directory and one name.

mod environment;
mod mounts;

use super::config::{Config, ImageSource, Name, Namespace, Source};
use super::depend;
use super::events::{self, Event, Happening};
use super::state::{self, Paths};
use crate::engine::Engine;
use crate::error::Kind;
use crate::fs::{self, Durability, Hold, Lock, Staged};
use crate::image::Image;
use crate::network::{Network, Port, ports};
use crate::runtime::DEFAULT_PATH;
use crate::settings::{List, Settings};
use anyhow::{Context, Result};
use rustix::io::Errno;
use std::os::fd::AsFd;
use std::path::PathBuf;
use std::time::Duration;

/// Whether a name was chosen by the user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Naming {
    Given,
    /// Another is taken if it exists.
    Generated,
}

/// How long a removal of images may keep new containers waiting.
const IMAGES_TIMEOUT: Duration = Duration::from_secs(10);

/// Makes a container. `asked` has what the user said; what they left open comes from the image and from here.
pub fn create(
    engine: &Engine,
    asked: Config,
    naming: Naming,
    image: Option<&Image>,
    settings: &Settings,
) -> Result<Config> {
    crate::store::prepare(engine)?;
    let mut config = with_defaults(asked, image, settings)?;
    let _ids = super::users::settle(engine, &mut config)?;
    let _networks = super::networks::settle(engine, &mut config, settings)?;
    mounts::complete(engine, &mut config, image)?;
    super::secrets::resolve(engine, &mut config)?;
    // From here until the container is visible as their user, nobody removes volumes.
    let _volumes = mounts::ensure_volumes(engine, &config)?;
    // From here until the container is visible as a user of its image, nobody removes images.
    let _images = match image {
        Some(image) => Some(hold_image(engine, image)?),
        None => None,
    };
    let published = mounts::hold_images(engine, &config)
        .and_then(|()| make_log_dir(&config))
        .and_then(|()| publish(engine, &config));
    published.inspect_err(|_| {
        drop(super::remove::anonymous_volumes(engine, &config));
        drop(super::remove::log_dir(&config));
    })?;
    let named = depend::mark(engine, &config).and_then(|()| claim_some_name(engine, &mut config, naming));
    if let Err(error) = named {
        let containers = fs::open_dir(&engine.containers())?;
        fs::remove_tree(containers.as_fd(), config.id.as_str())?;
        super::remove::anonymous_volumes(engine, &config)?;
        super::remove::log_dir(&config)?;
        return Err(error);
    }
    events::tell(engine, &[Event::of(&config, Happening::Create)]);
    Ok(config)
}

fn make_log_dir(config: &Config) -> Result<()> {
    let dir = config.logging.own_dir(&config.id);
    dir.map_or(Ok(()), |dir| fs::create_dir_all(dir).context("containers.conf: log_path"))
}

/// Claims a container's name, or another where it may have another.
pub fn claim_some_name(engine: &Engine, config: &mut Config, naming: Naming) -> Result<()> {
    loop {
        match claim_name(engine, config) {
            Err(error) if naming == Naming::Generated && crate::error::kind(&error) == Kind::Exists => {
                config.name = Name::generated()?;
                write_config(&Paths::of(engine, &config.id), config)?;
            }
            other => return other,
        }
    }
}

fn hold_image(engine: &Engine, image: &Image) -> Result<Lock> {
    let lock = Lock::take(&engine.images().join("lock"), Hold::Shared, IMAGES_TIMEOUT)?;
    match image.layers.iter().find(|layer| !crate::store::layers::has(engine, layer)) {
        Some(layer) => Err(Kind::NotFound
            .hinted(format!("layer {layer} of the image is not in the store"), "pull or load the image again")),
        None => Ok(lock),
    }
}

fn host_name() -> Result<String> {
    Ok(nix::unistd::gethostname().context("gethostname")?.to_string_lossy().into_owned())
}

fn with_defaults(mut config: Config, image: Option<&Image>, settings: &Settings) -> Result<Config> {
    super::defaults::apply(&mut config, settings)?;
    if let Some(zone) = &config.users.timezone {
        super::users::timezone_file(zone)?;
    }
    if config.hostname.is_empty() {
        config.hostname = match config.network {
            _ if config.users.uts == Namespace::Host => host_name()?,
            Network::Host => host_name()?,
            Network::None | Network::Pasta | Network::Bridge => config.id.short().to_owned(),
        };
    }
    let mut environment = vec![format!("PATH={DEFAULT_PATH}")];
    if config.process.terminal {
        environment.push("TERM=xterm".to_owned());
    }
    environment.push("container=coracle".to_owned());
    environment.push(format!("HOSTNAME={}", config.hostname));
    merge(&mut environment, &super::defaults::environment(settings));
    if let Some(image) = image {
        let wishes = &image.config.config;
        config.source = Source::Image(ImageSource {
            name: match &config.source {
                Source::Image(source) => source.name.clone(),
                Source::Directory(_) => image.id.to_string(),
            },
            id: image.id,
            manifest: image.manifest,
            layers: image.layers.clone(),
        });
        merge(&mut environment, &wishes.env);
        let process = &mut config.process;
        // An entrypoint of the user's own does not go with the image's command.
        if process.command.is_empty() && process.entrypoint.is_none() {
            process.command = wishes.cmd.clone();
        }
        process.entrypoint.get_or_insert_with(|| wishes.entrypoint.clone());
        if process.user.is_empty() {
            process.user = wishes.user.clone();
        }
        if process.working_directory.is_empty() {
            process.working_directory = wishes.working_dir.clone();
        }
        if config.stop.signal.is_none() && !wishes.stop_signal.is_empty() {
            let signal = crate::sys::signal::parse(&wishes.stop_signal);
            config.stop.signal = Some(signal.ok_or_else(|| {
                Kind::BadInput.error(format!("the image's stop signal {:?} does not exist", wishes.stop_signal))
            })?);
        }
        for (key, value) in &wishes.labels {
            config.labels.entry(key.clone()).or_insert_with(|| value.clone());
        }
    }
    environment::adjust(&mut environment, &std::mem::take(&mut config.process.defaults), settings);
    merge(&mut environment, &config.process.environment);
    config.process.environment = environment;
    config.process.entrypoint.get_or_insert_default();
    if config.process.arguments().is_empty() {
        return Err(Kind::BadInput.hinted("the image names no command", "give one after the image"));
    }
    if config.process.working_directory.is_empty() {
        config.process.working_directory = "/".to_owned();
    }
    super::profile::settle(&mut config)?;
    let check = image.and_then(|image| image.config.config.healthcheck.as_ref());
    config.health = super::health::resolve(std::mem::take(&mut config.health), check)?;
    let directories = |set: &List, usual: &[&str]| -> Vec<PathBuf> {
        match &set.items {
            Some(named) => named.iter().map(PathBuf::from).collect(),
            None => usual.iter().map(PathBuf::from).collect(),
        }
    };
    super::cdi::settle(&mut config, &directories(&settings.engine.cdi_spec_dirs, &super::cdi::DIRECTORIES))?;
    super::hooks::settle(&mut config, &directories(&settings.engine.hooks_dir, &super::hooks::DIRECTORIES))?;
    publish_ports(&mut config, image)?;
    config.stop.signal.get_or_insert(libc::SIGTERM);
    Ok(config)
}

/// Publishes what the image and the user name, if all of it is to be, and chooses the ports that were left open.
fn publish_ports(config: &mut Config, image: Option<&Image>) -> Result<()> {
    if config.publish_all && matches!(config.network, Network::Pasta | Network::Bridge) {
        let mut named = config.exposed.clone();
        for text in image.iter().flat_map(|image| &image.config.config.exposed_ports) {
            named.extend(ports::parse_exposed(text).context("read the image's ports")?);
        }
        for (container_port, protocol) in named {
            let is_published = |port: &Port| (port.container_port, port.protocol) == (container_port, protocol);
            if !config.ports.iter().any(is_published) {
                let proxy = None;
                config.ports.push(Port {
                    host_address: None,
                    host_port: ports::ANY,
                    container_port,
                    protocol,
                    proxy,
                });
            }
        }
    }
    ports::check(&config.ports, config.network)?;
    ports::choose(&mut config.ports)
}

/// Adds `NAME=value` entries, later ones replacing earlier ones of the same name. An entry without a `=` from an image
/// must not take a value from the engine's environment (CVE-2026-57231): it is dropped.
pub(super) fn merge(environment: &mut Vec<String>, entries: &[String]) {
    for entry in entries {
        let Some((name, _)) = entry.split_once('=') else { continue };
        let same = |other: &String| other.split_once('=').is_some_and(|(other, _)| other == name);
        match environment.iter_mut().find(|other| same(other)) {
            Some(other) => other.clone_from(entry),
            None => environment.push(entry.clone()),
        }
    }
}

/// An absolute path without `.`, `..` and doubled slashes, as text: nothing is looked up.
pub fn clean(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    format!("/{}", parts.join("/"))
}

fn durability(config: &Config) -> Durability {
    if config.auto_remove { Durability::Cached } else { Durability::Synced }
}

/// Makes the container's directory beside its place and renames it there: complete or invisible.
fn publish(engine: &Engine, config: &Config) -> Result<()> {
    let mut staged = Staged::dir(&engine.staging())?;
    let paths = Paths { dir: staged.path().to_owned() };
    let place = Paths::of(engine, &config.id).dir;
    // Here already, so that a disk on which nothing can be made any more still lets it be locked, and so removed.
    fs::write_plain(&paths.alive(), b"", 0o600)?;
    write_config(&paths, config)?;
    super::secrets::keep(engine, config, &paths.dir)?;
    rustix::fs::rename(&paths.dir, &place).with_context(|| format!("create {}", place.display()))?;
    staged.keep();
    if durability(config) == Durability::Synced {
        fs::sync_dir(&engine.containers())?;
    }
    Ok(())
}

pub fn write_config(paths: &Paths, config: &Config) -> Result<()> {
    fs::write_json(&paths.config(), config, durability(config))
}

pub(super) fn claim_name(engine: &Engine, config: &Config) -> Result<()> {
    let link = engine.names().join(config.name.as_str());
    let target = format!("../containers/{}", config.id);
    for _ in 0..2 {
        match rustix::fs::symlink(target.as_str(), &link) {
            Ok(()) => return Ok(()),
            // A repair was faster, or it was claimed by a rename of this container that was cut short.
            Err(Errno::EXIST) if state::id_of_name(engine, config.name.as_str())?.as_ref() == Some(&config.id) => {
                return Ok(());
            }
            Err(Errno::EXIST) if release_stale(engine, &config.name)? => {}
            Err(Errno::EXIST) => {
                let message = format!("the name {:?} is taken by another container", config.name);
                return Err(
                    Kind::Exists.hinted(message, format!("remove it (coracle rm {}) or use --replace", config.name))
                );
            }
            Err(errno) => return Err(errno).with_context(|| format!("claim name {}", config.name)),
        }
    }
    Err(Kind::Exists.error(format!("the name {:?} is taken by another container", config.name)))
}

/// Frees a name that a crash has left behind: one whose container is gone, or has another name. False if it is in use.
fn release_stale(engine: &Engine, name: &Name) -> Result<bool> {
    let Some(id) = state::id_of_name(engine, name.as_str())? else { return Ok(false) };
    if state::read(engine, &id).is_ok_and(|container| container.config.name == *name) {
        return Ok(false);
    }
    // Held while it is looked at again: whoever renames a container has this lock.
    let _held = match Paths::of(engine, &id).hold_alive() {
        Ok(Some(held)) => Some(held),
        Ok(None) => return Ok(false),
        Err(error) if crate::error::kind(&error) == Kind::NotFound => None,
        Err(error) => return Err(error),
    };
    match state::read(engine, &id) {
        Ok(container) if container.config.name == *name => return Ok(false),
        Err(error) if crate::error::kind(&error) != Kind::NotFound => return Err(error),
        _ => {}
    }
    crate::container::remove::release_name(engine, name)?;
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn later_entries_replace_earlier_ones_and_bare_names_are_dropped() {
        let mut environment = vec!["A=1".to_owned(), "B=2".to_owned()];
        merge(&mut environment, &["A=3".to_owned(), "*".to_owned(), "HOME".to_owned(), "C=".to_owned()]);
        assert_eq!(environment, ["A=3", "B=2", "C="]);
    }

    #[test]
    fn paths_are_cleaned_as_text() {
        for (path, cleaned) in [("/a//b/./c", "/a/b/c"), ("/../../x", "/x"), ("", "/"), ("/a/../..", "/")] {
            assert_eq!(clean(path), cleaned);
        }
    }
}

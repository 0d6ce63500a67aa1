//! `commit`: an image of what a container is now. Its overlay's upper directory becomes a layer as it lies there, whoever
//! writes in it meanwhile; nothing of what is mounted into the container is in it.

use super::config::{Config, MountKind, Source};
use super::state::Container;
use super::{diff, root};
use crate::engine::Engine;
use crate::error::Kind;
use crate::image::change;
use crate::image::compose::{Format, Fresh};
use crate::image::config::{History, ImageConfig, ProcessConfig};
use crate::image::reference::Reference;
use crate::image::{self, Image};
use crate::store::changes::{self, Seen, What};
use crate::store::digest::Digest;
use crate::store::pack::Packer;
use anyhow::{Context, Result};
use std::io::Write;
use std::os::fd::{AsFd, OwnedFd};

/// What the image is to be.
#[derive(Clone, Debug)]
pub struct Commit {
    pub reference: Option<Reference>,
    pub format: Format,
    pub author: String,
    pub message: String,
    /// Merged into the configuration before the changes.
    pub config: Option<ProcessConfig>,
    /// Lines of a Containerfile.
    pub changes: Vec<String>,
    /// Whether all layers become one.
    pub squash: bool,
    /// Whether the container's volumes become the image's.
    pub include_volumes: bool,
}

/// Makes the image and gives its id. The caller has gone through the door.
pub fn commit(engine: &Engine, container: &Container, what: &Commit) -> Result<Digest> {
    let config = &container.config;
    let Source::Image(source) = &config.source else {
        return Err(Kind::BadInput.hinted(
            format!("container {} has a directory of the host as its root, and no image", config.name),
            "export it and import that",
        ));
    };
    let base = image::open_by_manifest(engine, &source.id, &source.manifest)
        .with_context(|| format!("open the image of container {}", config.name))?;
    let described = describe(config, &base, what, &source.name)?;
    let reference = what.reference.as_ref();
    if what.squash {
        let tree = root::alone(engine, container)?;
        return Fresh::new(None, described, what.format, reference)
            .store(engine, |out| pack_tree(config, &tree, out));
    }
    let upper = root::upper(engine, config)?;
    let below = root::below(engine, config)?;
    let new = Fresh::new(Some(&base), described, what.format, reference);
    new.store(engine, |out| pack_upper(config, upper.as_ref(), below.as_ref(), out))
}

fn pack_tree(config: &Config, tree: &OwnedFd, out: &mut dyn Write) -> Result<()> {
    let ids = |uid, gid| root::owner_inside(config, uid, gid);
    let mut packer = Packer::new(out, &ids);
    packer.is_layer = true;
    packer.root(tree.as_fd())?;
    packer.contents(tree.as_fd(), &mut Vec::new(), 0)?;
    packer.finish().map(drop)
}

fn pack_upper(config: &Config, upper: Option<&OwnedFd>, below: Option<&OwnedFd>, out: &mut dyn Write) -> Result<()> {
    let ids = |uid, gid| root::owner_inside(config, uid, gid);
    let mut packer = Packer::new(out, &ids);
    packer.is_layer = true;
    if let Some(upper) = upper {
        packer.root(upper.as_fd())?;
        let stubs = diff::stubs(config);
        changes::walk(upper.as_fd(), below.map(AsFd::as_fd), &stubs, &mut |seen| pack_change(&mut packer, seen))?;
    }
    packer.finish().map(drop)
}

fn pack_change<W: Write>(packer: &mut Packer<'_, W>, seen: &Seen<'_>) -> Result<()> {
    match seen.what {
        What::Present { .. } => packer.entry(seen.dir, seen.name, seen.status, seen.path),
        What::Deleted => {
            let directory = &seen.path[..seen.path.len() - seen.name.count_bytes()];
            packer.mark(&[directory, b".wh.", seen.name.to_bytes()].concat())
        }
        What::Hides { first: true, .. } => packer.mark(&[seen.path, b"/.wh..wh..opq"].concat()),
        What::Hides { first: false, .. } => Ok(()),
    }
}

/// The image's configuration: its base's, with what the container was told in its place, and the changes on top.
fn describe(config: &Config, base: &Image, what: &Commit, base_name: &str) -> Result<ImageConfig> {
    let mut image = base.config.clone();
    let created = chrono::Utc::now().to_rfc3339_opts(chrono::SecondsFormat::Nanos, true);
    image.created.clone_from(&created);
    image.author.clone_from(&what.author);
    let process = &mut image.config;
    process.env = environment(config, &base.config.config.env);
    process.entrypoint = config.process.entrypoint.clone().unwrap_or_default();
    process.cmd.clone_from(&config.process.command);
    process.user.clone_from(&config.process.user);
    process.working_dir.clone_from(&config.process.working_directory);
    process.labels = config.labels.clone();
    for port in &config.ports {
        process.exposed_ports.insert(format!("{}/{}", port.container_port, port.protocol.name()));
    }
    if what.include_volumes {
        let is_volume = |kind: &MountKind| matches!(kind, MountKind::Volume { .. });
        process
            .volumes
            .extend(config.mounts.iter().filter(|mount| is_volume(&mount.kind)).map(|mount| mount.target.clone()));
    }
    if what.squash {
        image.history.clear();
    }
    let comment = if what.message.is_empty() { format!("FROM {base_name}") } else { what.message.clone() };
    let author = what.author.clone();
    image.history.push(History { created, created_by: "/bin/sh".to_owned(), author, comment, empty_layer: false });
    if let Some(more) = &what.config {
        image.config.merge(more);
    }
    what.changes.iter().try_for_each(|line| change::apply(&mut image, line))?;
    Ok(image)
}

/// The container's environment without what the engine tells every container about itself, unless the image said it.
fn environment(config: &Config, of_image: &[String]) -> Vec<String> {
    let own = [format!("HOSTNAME={}", config.hostname), "container=coracle".to_owned(), "TERM=xterm".to_owned()];
    let stays = |entry: &&String| !own.contains(entry) || of_image.contains(entry);
    config.process.environment.iter().filter(stays).cloned().collect()
}

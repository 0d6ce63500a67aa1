//! `export`: a container's whole root file system as one tar, without what is mounted into it.

use super::root;
use super::state::Container;
use crate::engine::Engine;
use crate::store::pack::Packer;
use anyhow::Result;
use std::io::Write;
use std::os::fd::AsFd;

/// Writes the archive, with the owners that the container's own root sees.
pub fn export(engine: &Engine, container: &Container, out: impl Write) -> Result<()> {
    let tree = root::alone(engine, container)?;
    let ids = |uid, gid| root::owner_inside(&container.config, uid, gid);
    let mut packer = Packer::new(out, &ids);
    packer.root(tree.as_fd())?;
    packer.contents(tree.as_fd(), &mut Vec::new(), 0)?;
    packer.finish().map(drop)
}

//! `cp` from and to a tar stream.

use super::{Found, Place, Rules};
use crate::error::Kind;
use crate::store::pack::{Ids, Packer};
use crate::store::unpack::{self, Ids as Owners, Limits};
use anyhow::{Context, Result};
use rustix::fs::{Mode, OFlags};
use std::io::{BufRead, Write};
use std::os::fd::AsFd;

/// Writes what a path leads to as a tar.
pub fn pack(from: &Place<'_>, out: impl Write, follow: bool, ids: Ids<'_>) -> Result<()> {
    let mut packer = Packer::new(out, ids);
    match from.source(follow)? {
        Found::Directory(directory) if from.means_contents() => {
            packer.contents(directory.as_fd(), &mut Vec::new(), 0)?;
        }
        Found::Directory(directory) => {
            let name = from.base().ok_or_else(|| from.missing())?;
            packer.object(directory.as_fd(), c".", &mut name.into_bytes(), 0)?;
        }
        Found::Object { parent, name } | Found::Missing { parent, name } => {
            let shown = from.base().ok_or_else(|| from.missing())?;
            packer.object(parent.as_fd(), &name, &mut shown.into_bytes(), 0)?;
        }
    }
    packer.finish().map(drop)
}

/// Makes what is in a tar, in the directory that a path leads to.
pub fn unpack(archive: impl BufRead, to: &Place<'_>, rules: Rules) -> Result<()> {
    let into = match to.locate(true)?.ok_or_else(|| to.missing())? {
        Found::Directory(into) => into,
        Found::Missing { .. } => return Err(to.missing()),
        Found::Object { .. } => {
            return Err(Kind::BadInput.error("destination must be a directory when copying from stdin"));
        }
    };
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let into = rustix::fs::openat(&into, c".", flags, Mode::empty()).context("open the destination")?;
    let owners = match rules.owner {
        Some((uid, gid)) => Owners::Given { uid, gid },
        None => Owners::of_this_process()?,
    };
    unpack::extract(archive, into, owners, &Limits::default()).map(drop)
}

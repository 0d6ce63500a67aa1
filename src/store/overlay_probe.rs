//! Asks a store's file system for what overlayfs needs of it, before anything is put there.

use crate::engine::Engine;
use crate::error;
use crate::fs::{self, Staged};
use crate::store::unpack::{make_whiteout, set_opaque};
use anyhow::{Context, Result, bail};
use rustix::fs::{FileType, Mode, OFlags, RenameFlags};
use std::os::fd::OwnedFd;

/// Fails, naming the remedy, if layers and containers cannot live in this store. Leaves nothing behind.
pub fn probe(engine: &Engine) -> Result<()> {
    let staged = Staged::dir(&engine.staging())?;
    let result = probe_in(&fs::open_dir(staged.path())?);
    staged.remove()?;
    result
        .with_context(|| format!("use the file system of {}", engine.data.display()))
        .map_err(|error| error::with_hint(error, "keep the store on a local disk (ext4, xfs or btrfs): --root DIR"))
}

fn probe_in(dir: &OwnedFd) -> Result<()> {
    rustix::fs::mkdirat(dir, "opaque", Mode::RWXU).context("create directory")?;
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    set_opaque(&rustix::fs::openat(dir, "opaque", flags, Mode::empty())?)?;
    make_whiteout(dir, b"whiteout").context("make a whiteout")?;
    let file = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
    drop(rustix::fs::openat(dir, "file", file, Mode::RUSR).context("create file")?);
    // What overlayfs does itself when a container removes a file of its image.
    rustix::fs::renameat_with(dir, "file", dir, "moved", RenameFlags::WHITEOUT).context("rename with a whiteout")?;
    let listed = rustix::fs::openat(dir, ".", flags, Mode::empty())?;
    for entry in rustix::fs::Dir::read_from(&listed)? {
        if entry?.file_type() == FileType::Unknown {
            bail!("directory entries without a type");
        }
    }
    Ok(())
}

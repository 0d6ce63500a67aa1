//! Asks the kernel how a tree of other owners can have the data of its files.

use super::{Staged, build};
use crate::engine::Engine;
use crate::fs::{self, Durability, Root};
use crate::store::overlay::{self, Lifetime, Lower};
use anyhow::{Context, Result};
use rustix::fs::{Mode, OFlags, XattrFlags};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// How the files of a tree come to their data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Method {
    /// It stays where it is: overlayfs finds it (Linux 6.16 for an ordinary user).
    Redirect,
    /// Each has its own, shared by the file system where it can (reflink).
    Copy,
}

impl Method {
    pub fn tree_name(self) -> &'static str {
        match self {
            Self::Redirect => "tree",
            Self::Copy => "copy",
        }
    }
}

/// What was found, and with which kernel: another one is asked again.
#[derive(Serialize, Deserialize)]
struct Answer {
    kernel: String,
    method: Method,
}

/// The way that this kernel and this store allow. Asked once.
pub fn method(engine: &Engine) -> Result<Method> {
    if let Some(method) = known(engine)? {
        return Ok(method);
    }
    let method = if can_redirect(engine).unwrap_or(false) { Method::Redirect } else { Method::Copy };
    fs::write_json(&file(engine), &Answer { kernel: kernel()?, method }, Durability::Cached)?;
    Ok(method)
}

/// The same if it has been asked for already.
pub fn known(engine: &Engine) -> Result<Option<Method>> {
    // One that a power cut has emptied is asked for again, too.
    let answer: Option<Answer> = fs::read_json(&file(engine)).unwrap_or(None);
    let kernel = kernel()?;
    Ok(answer.filter(|answer| answer.kernel == kernel).map(|answer| answer.method))
}

fn file(engine: &Engine) -> PathBuf {
    engine.shifted().join("method.json")
}

fn kernel() -> Result<String> {
    Ok(nix::sys::utsname::uname().context("uname")?.release().to_string_lossy().into_owned())
}

const CONTENT: &[u8] = b"found";

/// Mounts a tree of one file without data, and reads it.
fn can_redirect(engine: &Engine) -> Result<bool> {
    let staged = Staged::dir(&engine.staging())?;
    for dir in ["tree", "data", "container"] {
        fs::create_dir(&staged.path().join(dir))?;
    }
    fs::write_plain(&staged.path().join("data/1"), CONTENT, 0o600)?;
    let tree = fs::open_dir(&staged.path().join("tree"))?;
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
    let file = rustix::fs::openat(&tree, "file", flags, Mode::RUSR).context("create")?;
    rustix::fs::ftruncate(&file, CONTENT.len() as u64).context("ftruncate")?;
    rustix::fs::fsetxattr(&file, build::METACOPY, b"", XattrFlags::empty()).context("fsetxattr")?;
    rustix::fs::fsetxattr(&file, build::REDIRECT, b"/1", XattrFlags::empty()).context("fsetxattr")?;
    let lower = Lower { layers: vec![staged.path().join("tree")], data: vec![staged.path().join("data")] };
    let mounted = overlay::mount(&lower, &staged.path().join("container"), None, Lifetime::Mount)?;
    Ok(Root::new(mounted).read(Path::new("/file"), CONTENT.len())?.as_deref() == Some(CONTENT))
}

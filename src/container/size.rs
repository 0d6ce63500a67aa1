//! How much of the disk a container takes up: what it has written, and that with its image.

use super::config::{Config, Source};
use super::state::Paths;
use crate::engine::Engine;
use crate::fs::Root;
use crate::store::layers;
use anyhow::{Context, Result};
use rustix::fs::{AtFlags, FileType, OFlags};
use rustix::io::Errno;
use std::collections::HashSet;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// Sizes in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Size {
    /// What the container has written.
    pub written: u64,
    /// What it has written and the layers of its image.
    pub whole: u64,
}

/// Adds up the files of a container. Needs the ids that they may belong to.
pub fn of(engine: &Engine, config: &Config) -> Result<Size> {
    let image = match &config.source {
        Source::Image(image) => image,
        Source::Directory(_) => return Ok(Size::default()),
    };
    let written = tree(&Paths::of(engine, &config.id).dir.join("upper"))?;
    let mut whole = written;
    for layer in &image.layers {
        whole += layers::info(engine, layer)?.map_or(0, |info| info.size_bytes);
    }
    Ok(Size { written, whole })
}

/// The bytes in all files of a tree, a file with several names once. What a container changes meanwhile may count or
/// not; what lies deeper than a path can be long does not.
pub fn tree(top: &Path) -> Result<u64> {
    let root = match Root::open(top) {
        Ok(root) => root,
        Err(_) if !top.exists() => return Ok(0),
        Err(error) => return Err(error),
    };
    let mut bytes = 0;
    let mut several_names = HashSet::new();
    let mut pending = vec![PathBuf::from(".")];
    while let Some(path) = pending.pop() {
        let dir = match root.resolve_without_links(&path, OFlags::RDONLY | OFlags::DIRECTORY) {
            Ok(dir) => dir,
            Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP | Errno::NAMETOOLONG | Errno::ACCESS) => continue,
            Err(errno) => return Err(errno).with_context(|| format!("open {} in {}", path.display(), top.display())),
        };
        for entry in rustix::fs::Dir::read_from(&dir)? {
            let entry = entry.with_context(|| format!("list {} in {}", path.display(), top.display()))?;
            let name = entry.file_name();
            if name == c"." || name == c".." {
                continue;
            }
            let status = match rustix::fs::statat(&dir, name, AtFlags::SYMLINK_NOFOLLOW) {
                Ok(status) => status,
                Err(Errno::NOENT) => continue,
                Err(errno) => return Err(errno).with_context(|| format!("stat {name:?}")),
            };
            match FileType::from_raw_mode(status.st_mode) {
                FileType::Directory => pending.push(path.join(std::ffi::OsStr::from_bytes(name.to_bytes()))),
                FileType::RegularFile
                    if status.st_nlink > 1 && !several_names.insert((status.st_dev, status.st_ino)) => {}
                FileType::RegularFile => bytes += u64::try_from(status.st_size).unwrap_or(0),
                _ => {}
            }
        }
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_count_once_and_links_lead_nowhere() {
        let scratch = crate::store::tests::Scratch::new();
        let top = scratch.engine.staging().join("tree");
        std::fs::create_dir_all(top.join("a/b")).unwrap();
        std::fs::write(top.join("a/one"), [0; 100]).unwrap();
        std::fs::hard_link(top.join("a/one"), top.join("a/b/two")).unwrap();
        std::fs::write(top.join("a/b/three"), [0; 11]).unwrap();
        std::os::unix::fs::symlink("/", top.join("a/root")).unwrap();
        assert_eq!(tree(&top).unwrap(), 111);
        assert_eq!(tree(&top.join("missing")).unwrap(), 0);
    }
}

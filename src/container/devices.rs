//! `--device`: from what was typed to the nodes that a container gets.

use super::config::Device;
use crate::error::Kind;
use anyhow::{Context, Result};
use rustix::fs::FileType;
use std::path::{Path, PathBuf};

/// The most devices that one directory brings.
const DEVICES_MAX: usize = 4096;

/// `HOST[:CONTAINER][:rwm]`; a directory stands for all nodes in it.
pub fn find(text: &str) -> Result<Vec<Device>> {
    let (source, target, access) = split(text)?;
    let real = std::path::absolute(source)
        .and_then(|path| path.canonicalize())
        .with_context(|| format!("find device {source}"))
        .map_err(|error| explain(error, source))?;
    let status = rustix::fs::stat(&real).with_context(|| format!("look at device {source}"))?;
    let device = |source: PathBuf, target: String| Device { source, target, access: access.to_owned() };
    match FileType::from_raw_mode(status.st_mode) {
        FileType::CharacterDevice | FileType::BlockDevice => Ok(vec![device(real, target.to_owned())]),
        FileType::Directory => {
            let nodes = nodes_below(&real)?;
            if nodes.is_empty() {
                return Err(Kind::NotFound.error(format!("no device is in {source}")));
            }
            let place = |node: PathBuf| {
                let below = node.strip_prefix(&real).unwrap_or(&node).display().to_string();
                device(node, format!("{}/{below}", target.trim_end_matches('/')))
            };
            Ok(nodes.into_iter().map(place).collect())
        }
        _ => {
            Err(Kind::BadInput.hinted(format!("{source} is not a device"), "use --volume for files and directories"))
        }
    }
}

fn explain(error: anyhow::Error, source: &str) -> anyhow::Error {
    let hint = format!(
        "list those of the host: ls -l {}",
        Path::new(source).parent().unwrap_or(Path::new("/dev")).display()
    );
    Kind::NotFound.hinted(crate::error::line(&error), hint)
}

fn split(text: &str) -> Result<(&str, &str, &str)> {
    let bad = || Kind::BadInput.error(format!("device {text:?} is not HOST[:CONTAINER][:rwm]"));
    let is_access = |word: &str| {
        !word.is_empty()
            && word.len() <= 3
            && word.chars().enumerate().all(|(at, letter)| "rwm".contains(letter) && !word[..at].contains(letter))
    };
    let parts: Vec<&str> = text.split(':').collect();
    let (source, target, access) = match parts.as_slice() {
        [source] => (*source, *source, "rwm"),
        [source, access] if is_access(access) => (*source, *source, *access),
        [source, target] => (*source, *target, "rwm"),
        [source, target, access] if is_access(access) => (*source, *target, *access),
        _ => return Err(bad()),
    };
    let is_place = |path: &str| path.starts_with('/') && path.len() > 1 && !path.contains(char::is_control);
    if !is_place(source) || !is_place(target) {
        return Err(bad());
    }
    Ok((source, target, access))
}

/// The nodes in a directory and below it, but for those that every container has of its own: terminals and what is
/// mounted in /dev.
pub fn nodes_below(top: &Path) -> Result<Vec<PathBuf>> {
    use std::os::unix::fs::FileTypeExt;
    let mut found = Vec::new();
    let mut dirs = vec![top.to_owned()];
    while let Some(dir) = dirs.pop() {
        for name in crate::fs::list(&dir)? {
            let path = dir.join(&name);
            let Ok(status) = path.symlink_metadata() else { continue };
            let kind = status.file_type();
            let is_own = matches!(name.as_str(), "pts" | "shm" | "mqueue" | "console" | "ptmx" | "fd");
            if kind.is_dir() && !is_own {
                dirs.push(path);
            } else if (kind.is_char_device() || kind.is_block_device()) && !is_own && found.len() < DEVICES_MAX {
                found.push(path);
            }
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_typed_is_split_at_its_colons() {
        assert_eq!(split("/dev/fuse").unwrap(), ("/dev/fuse", "/dev/fuse", "rwm"));
        assert_eq!(split("/dev/fuse:rw").unwrap(), ("/dev/fuse", "/dev/fuse", "rw"));
        assert_eq!(split("/dev/sdc:/dev/xvdc").unwrap(), ("/dev/sdc", "/dev/xvdc", "rwm"));
        assert_eq!(split("/dev/sdc:/dev/xvdc:r").unwrap(), ("/dev/sdc", "/dev/xvdc", "r"));
        for bad in
            ["", "fuse", "/dev/fuse:rr", "/dev/fuse:/x:rwx", "/dev/fuse:x", "/a:/b:r:/c", "/dev/a:/b\n", "/dev/x:/"]
        {
            assert!(split(bad).is_err(), "{bad:?}");
        }
    }
}

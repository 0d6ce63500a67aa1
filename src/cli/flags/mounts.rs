//! The flags of mounts: `--volume`, `--mount` and `--tmpfs` are three ways to say one thing.

use crate::container::config::{Config, Id, Mount, MountKind, MountOptions, Name, Propagation};
use crate::container::create::clean;
use crate::error::Kind;
use anyhow::{Context, Result};
use std::path::PathBuf;

#[derive(clap::Args, Clone, Debug)]
#[command(next_help_heading = "Mounts")]
pub struct MountFlags {
    /// Mount a directory of the host, or a named volume; options: ro, rw, exec, noexec, suid, dev, private, slave, shared
    #[arg(short, long, value_name = "[SOURCE:]TARGET[:OPTIONS]")]
    volume: Vec<String>,
    /// Mount by key=value words: type=bind|volume|tmpfs, source, target, readonly, tmpfs-size, tmpfs-mode, bind-propagation
    #[arg(long, value_name = "KEY=VALUE,...")]
    mount: Vec<String>,
    /// Mount an empty file system in memory; options: size=, mode=, ro, rw, exec, noexec
    #[arg(long, value_name = "TARGET[:OPTIONS]")]
    tmpfs: Vec<String>,
}

impl MountFlags {
    pub fn apply(&self, config: &mut Config) -> Result<()> {
        config.mounts = self.mounts()?;
        Ok(())
    }

    fn mounts(&self) -> Result<Vec<Mount>> {
        let mut mounts = Vec::new();
        for text in &self.volume {
            mounts.push(parse_volume(text)?);
        }
        for text in &self.mount {
            mounts.push(parse_mount(text)?);
        }
        for text in &self.tmpfs {
            mounts.push(parse_tmpfs(text)?);
        }
        for (index, mount) in mounts.iter().enumerate() {
            if mounts[..index].iter().any(|other| other.target == mount.target) {
                return Err(Kind::BadInput.error(format!("two mounts at {}", mount.target)));
            }
        }
        Ok(mounts)
    }
}

fn absolute_target(target: &str) -> Result<String> {
    if !target.starts_with('/') {
        return Err(Kind::BadInput.error(format!("mount target {target:?} is not an absolute path")));
    }
    Ok(clean(target))
}

/// `SOURCE:TARGET[:OPTIONS]`, or `TARGET` alone for an anonymous volume.
pub fn parse_volume(text: &str) -> Result<Mount> {
    let parts: Vec<&str> = text.split(':').collect();
    let (source, target, words) = match parts.as_slice() {
        [target] => (None, *target, ""),
        [source, target] => (Some(*source), *target, ""),
        [source, target, options] => (Some(*source), *target, *options),
        _ => return Err(Kind::BadInput.error(format!("volume {text:?} is not [SOURCE:]TARGET[:OPTIONS]"))),
    };
    let kind = match source {
        None => MountKind::Volume { name: Name::parse(Id::new_random()?.as_str())?, anonymous: true },
        Some(source) => parse_source(source)?,
    };
    let mut mount =
        Mount { target: absolute_target(target)?, kind, read_only: false, options: MountOptions::default() };
    for word in words.split(',').filter(|word| !word.is_empty()) {
        apply_option(&mut mount, word)?;
    }
    Ok(mount)
}

/// A path, if it looks like one, else the name of a volume.
fn parse_source(source: &str) -> Result<MountKind> {
    if !source.starts_with(['/', '.', '~']) {
        return Ok(MountKind::Volume { name: Name::parse(source)?, anonymous: false });
    }
    bind(source)
}

fn bind(source: &str) -> Result<MountKind> {
    let path = std::path::absolute(source).with_context(|| format!("find {source}"))?;
    let path = path.components().collect::<PathBuf>();
    if let Err(errno) = rustix::fs::stat(&path) {
        return Err(anyhow::Error::new(errno).context(format!("mount {}", path.display())));
    }
    Ok(MountKind::Bind { source: path })
}

fn apply_option(mount: &mut Mount, word: &str) -> Result<()> {
    let options = &mut mount.options;
    match word {
        "ro" | "readonly" => mount.read_only = true,
        "rw" => mount.read_only = false,
        "exec" => options.exec = Some(true),
        "noexec" => options.exec = Some(false),
        "suid" => options.suid = true,
        "nosuid" => options.suid = false,
        "dev" => options.dev = true,
        "nodev" => options.dev = false,
        "private" | "rprivate" => options.propagation = Propagation::Private,
        "slave" | "rslave" => options.propagation = Propagation::Slave,
        "shared" | "rshared" => options.propagation = Propagation::Shared,
        "nocopy" => options.no_copy = true,
        // Binds are recursive; there is no SELinux label that could be changed.
        "bind" | "rbind" | "z" | "Z" => {}
        _ => return Err(Kind::BadInput.error(format!("mount option {word:?} is not supported yet"))),
    }
    Ok(())
}

pub fn parse_tmpfs(text: &str) -> Result<Mount> {
    let (target, words) = text.split_once(':').unwrap_or((text, ""));
    let kind = MountKind::Tmpfs { size_bytes: None, mode: None };
    let mut mount =
        Mount { target: absolute_target(target)?, kind, read_only: false, options: MountOptions::default() };
    for word in words.split(',').filter(|word| !word.is_empty()) {
        apply_tmpfs_option(&mut mount, word)?;
    }
    Ok(mount)
}

fn apply_tmpfs_option(mount: &mut Mount, word: &str) -> Result<()> {
    let MountKind::Tmpfs { size_bytes, mode } = &mut mount.kind else { return apply_option(mount, word) };
    match word.split_once('=') {
        Some(("size" | "tmpfs-size", size)) => *size_bytes = Some(super::super::units::parse_bytes(size)?),
        Some(("mode" | "tmpfs-mode", octal)) => {
            let bad = || Kind::BadInput.error(format!("mode {octal:?} is not octal, such as 1777"));
            *mode = Some(u32::from_str_radix(octal, 8).ok().filter(|mode| *mode <= 0o7777).ok_or_else(bad)?);
        }
        _ => return apply_option(mount, word),
    }
    Ok(())
}

/// `--mount`: comma-separated words, in any order.
pub fn parse_mount(text: &str) -> Result<Mount> {
    let words: Vec<(&str, &str)> = text.split(',').map(|word| word.split_once('=').unwrap_or((word, ""))).collect();
    let value = |names: &[&str]| words.iter().find(|(key, _)| names.contains(key)).map(|(_, value)| *value);
    let source = value(&["source", "src"]);
    let kind = match (value(&["type"]).unwrap_or("volume"), source) {
        ("bind", Some(source)) => bind(source)?,
        ("bind", None) => return Err(Kind::BadInput.error(format!("mount {text:?} has no source"))),
        ("volume", Some(name)) => MountKind::Volume { name: Name::parse(name)?, anonymous: false },
        ("volume", None) => MountKind::Volume { name: Name::parse(Id::new_random()?.as_str())?, anonymous: true },
        ("tmpfs", _) => MountKind::Tmpfs { size_bytes: None, mode: None },
        (other, _) => {
            return Err(Kind::BadInput
                .hinted(format!("mount type {other:?} is not supported yet"), "use bind, volume or tmpfs"));
        }
    };
    let target = value(&["target", "destination", "dst"])
        .ok_or_else(|| Kind::BadInput.error(format!("mount {text:?} has no target")))?;
    let mut mount =
        Mount { target: absolute_target(target)?, kind, read_only: false, options: MountOptions::default() };
    for (key, value) in words {
        match key {
            "type" | "source" | "src" | "target" | "destination" | "dst" => {}
            "readonly" | "ro" => mount.read_only = is_true(key, value)?,
            "rw" => mount.read_only = !is_true(key, value)?,
            "bind-propagation" => apply_option(&mut mount, value)?,
            "bind-nonrecursive" => {
                return Err(Kind::BadInput.error("mount option bind-nonrecursive is not supported yet"));
            }
            _ if value.is_empty() => apply_option(&mut mount, key)?,
            _ => apply_tmpfs_option(&mut mount, &format!("{key}={value}"))?,
        }
    }
    Ok(mount)
}

fn is_true(key: &str, value: &str) -> Result<bool> {
    match value {
        "" | "true" | "1" => Ok(true),
        "false" | "0" => Ok(false),
        _ => Err(Kind::BadInput.error(format!("{key}={value} is neither true nor false"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn volumes_and_mounts_parse() {
        let mount = parse_volume("data:/var/lib/x/:ro,exec").unwrap();
        assert_eq!((mount.target.as_str(), mount.read_only, mount.options.exec), ("/var/lib/x", true, Some(true)));
        assert!(matches!(parse_volume("/tmp:/x").unwrap().kind, MountKind::Bind { .. }));
        assert!(matches!(parse_volume("/x").unwrap().kind, MountKind::Volume { anonymous: true, .. }));
        let mount = parse_mount("type=tmpfs,target=/t,tmpfs-size=64m,tmpfs-mode=700").unwrap();
        assert_eq!(mount.kind, MountKind::Tmpfs { size_bytes: Some(64 << 20), mode: Some(0o700) });
        for bad in ["a:b", "/missing-source:/x", "a:/b:nonsense", "a:/b:ro:rw"] {
            assert!(parse_volume(bad).is_err(), "{bad}");
        }
        for bad in ["type=bind,target=/x", "type=volume", "type=glob,target=/x", "type=tmpfs,target=/x,tmpfs-mode=9"]
        {
            assert!(parse_mount(bad).is_err(), "{bad}");
        }
    }
}

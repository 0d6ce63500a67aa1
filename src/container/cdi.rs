//! Devices by name, from the specifications that vendors and operators put on disk: the Container Device Interface
//! (CNCF TAG-Runtime, SPEC.md).
//!
//! A specification says what a container with one of its devices gets: nodes, mounts, variables, hooks and groups. It
//! comes from directories of the machine's operator and never from an image.

use super::config::{Config, Extras, Hook, Mount, MountKind, MountOptions, Stage};
use crate::error::Kind;
use crate::fs;
use anyhow::{Context, Result};
use serde::Deserialize;
use std::path::{Path, PathBuf};

/// Where specifications lie unless the settings say otherwise; what lies in the later one goes before.
pub const DIRECTORIES: [&str; 2] = ["/etc/cdi", "/var/run/cdi"];

/// The largest specification that is read, and the most of them.
const FILE_BYTES_MAX: usize = 4 << 20;
const FILES_MAX: usize = 1024;

/// The versions of the specification whose fields are known here.
const VERSIONS: [&str; 9] = ["0.3.0", "0.4.0", "0.5.0", "0.6.0", "0.7.0", "0.8.0", "1.0.0", "1.1.0", "0.2.0"];

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Specification {
    cdi_version: String,
    kind: String,
    #[serde(default)]
    devices: Vec<Named>,
    #[serde(default)]
    container_edits: Edits,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Named {
    name: String,
    #[serde(default)]
    container_edits: Edits,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Edits {
    env: Vec<String>,
    device_nodes: Vec<Node>,
    mounts: Vec<Bind>,
    hooks: Vec<Program>,
    #[serde(rename = "additionalGids")]
    additional_gids: Vec<u32>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Node {
    path: String,
    #[serde(default)]
    host_path: Option<PathBuf>,
    #[serde(default)]
    permissions: Option<String>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Bind {
    host_path: PathBuf,
    container_path: String,
    #[serde(default)]
    options: Vec<String>,
    #[serde(default, rename = "type")]
    kind: Option<String>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Program {
    hook_name: String,
    path: PathBuf,
    #[serde(default)]
    args: Vec<String>,
    #[serde(default)]
    env: Vec<String>,
    #[serde(default)]
    timeout: Option<u64>,
}

/// `vendor/class=name`.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Qualified<'a> {
    kind: &'a str,
    name: &'a str,
}

/// Whether a word after `--device` is a name and not a path.
pub fn is_name(text: &str) -> bool {
    Qualified::parse(text).is_some()
}

impl<'a> Qualified<'a> {
    fn parse(text: &'a str) -> Option<Self> {
        let (kind, name) = text.split_once('=')?;
        (is_kind(kind) && is_device(name)).then_some(Self { kind, name })
    }
}

/// A vendor, such as a domain, and its class of devices.
fn is_kind(kind: &str) -> bool {
    let begins = |part: &str| part.starts_with(|letter: char| letter.is_ascii_alphabetic());
    let ends = |part: &str| part.ends_with(|letter: char| letter.is_ascii_alphanumeric());
    let of =
        |part: &str, more: &str| part.chars().all(|letter| letter.is_ascii_alphanumeric() || more.contains(letter));
    kind.len() <= 255
        && kind.split_once('/').is_some_and(|(vendor, class)| {
            [vendor, class].iter().all(|part| begins(part) && ends(part)) && of(vendor, "_-.") && of(class, "_-")
        })
}

fn is_device(name: &str) -> bool {
    let plain = |letter: char| letter.is_ascii_alphanumeric();
    name.len() <= 255
        && name.starts_with(plain)
        && name.ends_with(plain)
        && name.chars().all(|letter| plain(letter) || "_-.:".contains(letter))
}

/// Gives a container what the devices that it names come to.
pub fn settle(config: &mut Config, directories: &[PathBuf]) -> Result<()> {
    if config.extras.cdi_names.is_empty() {
        return Ok(());
    }
    let found = Registry::read(directories)?;
    let mut specifications: Vec<&Specification> = Vec::new();
    let mut edits = Vec::new();
    for name in config.extras.cdi_names.clone() {
        let (specification, device) = found.look_up(&name)?;
        if !specifications.iter().any(|other| std::ptr::eq(*other, specification)) {
            specifications.push(specification);
            edits.push((name.clone(), specification.container_edits.clone()));
        }
        edits.push((name, device.container_edits.clone()));
    }
    for (name, edits) in edits {
        edits.apply(config).with_context(|| format!("device {name}"))?;
    }
    Ok(())
}

/// The specifications that could be read, with the rank of their directory, and why others could not.
struct Registry {
    specifications: Vec<(usize, Specification)>,
    broken: Vec<anyhow::Error>,
}

impl Registry {
    fn read(directories: &[PathBuf]) -> Result<Self> {
        let mut registry = Self { specifications: Vec::new(), broken: Vec::new() };
        for (rank, directory) in directories.iter().enumerate() {
            if !directory.is_dir() {
                continue;
            }
            let mut names = fs::list(directory)?;
            names.sort();
            for name in names.iter().filter(|name| is_specification(name)).take(FILES_MAX) {
                match Specification::read(&directory.join(name)) {
                    Ok(specification) => registry.specifications.push((rank, specification)),
                    Err(error) => registry.broken.push(error),
                }
            }
        }
        Ok(registry)
    }

    fn look_up(&self, text: &str) -> Result<(&Specification, &Named)> {
        let wanted = Qualified::parse(text)
            .ok_or_else(|| Kind::BadInput.error(format!("device {text:?} is not VENDOR/CLASS=NAME")))?;
        let of_kind = self.specifications.iter().filter(|(_, specification)| specification.kind == wanted.kind);
        let mut matches: Vec<(usize, &Specification, &Named)> = of_kind
            .flat_map(|(rank, specification)| {
                specification.devices.iter().map(move |device| (*rank, specification, device))
            })
            .filter(|(_, _, device)| device.name == wanted.name)
            .collect();
        let highest = matches.iter().map(|(rank, ..)| *rank).max();
        matches.retain(|(rank, ..)| Some(*rank) == highest);
        match (matches.as_slice(), self.broken.first()) {
            ([(_, specification, device)], _) => Ok((specification, device)),
            ([], Some(broken)) => {
                Err(Kind::NotFound.error(format!("no device {text}, and {}", crate::error::line(broken))))
            }
            ([], None) => Err(Kind::NotFound.hinted(
                format!("no device {text} in any CDI specification"),
                "make one in /etc/cdi, for example with nvidia-ctk cdi generate",
            )),
            (_, _) => Err(Kind::BadInput.error(format!("device {text} is in more than one CDI specification"))),
        }
    }
}

fn is_specification(name: &str) -> bool {
    [".json", ".yaml", ".yml"].iter().any(|end| name.ends_with(end))
}

impl Specification {
    fn read(path: &Path) -> Result<Self> {
        let read = || {
            let bytes = fs::read(path, FILE_BYTES_MAX)?;
            Self::parse(&bytes, path.extension().is_some_and(|end| end == "json"))
        };
        read().with_context(|| format!("read CDI specification {}", path.display()))
    }

    fn parse(bytes: &[u8], is_json: bool) -> Result<Self> {
        let bad = |reason: String| Kind::BadInput.error(reason);
        // Both languages are read into the one tree, and that once into the types: each would have all the code again.
        let tree: serde_json::Value = if is_json {
            serde_json::from_slice(bytes).map_err(|error| bad(error.to_string()))?
        } else {
            let text = std::str::from_utf8(bytes).map_err(|error| bad(error.to_string()))?;
            let options = serde_saphyr::options! { strict_booleans: true, legacy_octal_numbers: true };
            serde_saphyr::from_str_with_options(text, options).map_err(|error| bad(error.to_string()))?
        };
        let specification = Self::deserialize(tree).map_err(|error| bad(error.to_string()))?;
        specification.check()?;
        Ok(specification)
    }

    fn check(&self) -> Result<()> {
        let bad = |reason: String| Err(Kind::BadInput.error(reason));
        if !VERSIONS.contains(&self.cdi_version.trim_start_matches('v')) {
            return bad(format!("version {:?} is not known", self.cdi_version));
        }
        if !is_kind(&self.kind) {
            return bad(format!("kind {:?} is not VENDOR/CLASS", self.kind));
        }
        for (at, device) in self.devices.iter().enumerate() {
            if !is_device(&device.name) {
                return bad(format!("device name {:?} is not made of letters, digits, _, -, . and :", device.name));
            }
            if self.devices[..at].iter().any(|other| other.name == device.name) {
                return bad(format!("device {:?} is there twice", device.name));
            }
        }
        let edits = self.devices.iter().map(|device| &device.container_edits).chain([&self.container_edits]);
        edits.into_iter().try_for_each(Edits::check)
    }
}

impl Edits {
    fn check(&self) -> Result<()> {
        let bad = |reason: String| Err(Kind::BadInput.error(reason));
        let is_place = |path: &str| path.starts_with('/') && path.len() > 1 && !path.contains('\0');
        if let Some(entry) =
            self.env.iter().find(|entry| entry.split_once('=').is_none_or(|(name, _)| name.is_empty()))
        {
            return bad(format!("variable {entry:?} is not NAME=VALUE"));
        }
        if let Some(node) = self.device_nodes.iter().find(|node| !is_place(&node.path)) {
            return bad(format!("device path {:?} is not absolute", node.path));
        }
        for bind in &self.mounts {
            if !is_place(&bind.container_path) || !bind.host_path.is_absolute() {
                return bad(format!("mount of {:?} at {:?} is not absolute", bind.host_path, bind.container_path));
            }
            if bind.kind.as_deref().is_some_and(|kind| kind != "bind" && kind != "none") {
                return bad(format!("mount at {:?} is not a bind", bind.container_path));
            }
        }
        for program in &self.hooks {
            if Stage::parse(&program.hook_name).is_none() {
                return bad(format!("hook {:?} is not one of the OCI spec", program.hook_name));
            }
            if !program.path.is_absolute() {
                return bad(format!("hook {} is not an absolute path", program.path.display()));
            }
        }
        Ok(())
    }

    fn apply(self, config: &mut Config) -> Result<()> {
        // A specification outranks what the image and the user say.
        super::create::merge(&mut config.process.environment, &self.env);
        let extras: &mut Extras = &mut config.extras;
        extras.groups.extend(self.additional_gids.into_iter().filter(|gid| *gid != 0));
        for node in self.device_nodes {
            let source = node.host_path.unwrap_or_else(|| PathBuf::from(&node.path));
            let access = node.permissions.unwrap_or_else(|| "rwm".to_owned());
            let text = format!("{}:{}:{access}", source.display(), node.path);
            extras.devices.extend(super::devices::find(&text)?);
        }
        for program in self.hooks {
            let stage = Stage::parse(&program.hook_name).context("the hooks of a specification were checked")?;
            extras.hooks.push(Hook {
                stage,
                path: program.path,
                arguments: program.args,
                environment: program.env,
                timeout_secs: program.timeout,
            });
        }
        for bind in self.mounts {
            let has = |option: &str| bind.options.iter().any(|other| other == option);
            config.mounts.retain(|mount| mount.target != bind.container_path);
            config.mounts.push(Mount {
                target: bind.container_path.clone(),
                kind: MountKind::Bind { source: bind.host_path.clone() },
                read_only: has("ro"),
                options: MountOptions { exec: has("noexec").then_some(false), ..MountOptions::default() },
            });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_are_told_from_paths() {
        for name in ["nvidia.com/gpu=all", "nvidia.com/gpu=0:1", "a/b=c", "v-x.org/my_class=GPU-8a.b"] {
            assert!(is_name(name), "{name}");
        }
        for other in [
            "/dev/fuse",
            "/dev/a=b",
            "a=b",
            "a/b",
            "a/b=",
            "a/b=-c",
            "1a/b=c",
            "a-/b=c",
            "a/b.c=d",
            "a/b=c/d",
            "a/b=c\n",
        ] {
            assert!(!is_name(other), "{other:?}");
        }
    }

    #[test]
    fn both_notations_say_the_same() {
        let yaml = "cdiVersion: \"0.6.0\"\nkind: acme.com/x\ndevices:\n- name: one\n  containerEdits:\n    deviceNodes:\n    - {path: /dev/null, fileMode: 0666}\n    env: [\"A=yes\"]\ncontainerEdits:\n  additionalGids: [44]\n";
        let json = r#"{"cdiVersion": "0.6.0", "kind": "acme.com/x", "devices": [{"name": "one", "containerEdits":
            {"deviceNodes": [{"path": "/dev/null", "fileMode": 438}], "env": ["A=yes"]}}],
            "containerEdits": {"additionalGids": [44]}}"#;
        let parsed = [(yaml, false), (json, true)]
            .map(|(text, is_json)| format!("{:?}", Specification::parse(text.as_bytes(), is_json).unwrap()));
        assert_eq!(parsed[0], parsed[1]);
    }

    #[test]
    fn what_the_rules_forbid_is_an_error() {
        let with = |key: &str, value: serde_json::Value| {
            let mut json = serde_json::json!({"cdiVersion": "0.6.0", "kind": "a/b", "devices": [{"name": "c"}]});
            json[key] = value;
            Specification::parse(json.to_string().as_bytes(), true)
        };
        assert!(with("annotations", serde_json::json!({"x": "y"})).is_ok());
        for (key, value) in [
            ("cdiVersion", serde_json::json!("9.0.0")),
            ("kind", serde_json::json!("nobody")),
            ("devices", serde_json::json!([{"name": "../c"}])),
            ("devices", serde_json::json!([{"name": "c"}, {"name": "c"}])),
            ("containerEdits", serde_json::json!({"env": ["=x"]})),
            ("containerEdits", serde_json::json!({"deviceNodes": [{"path": "dev/x"}]})),
            ("containerEdits", serde_json::json!({"mounts": [{"hostPath": "a", "containerPath": "/b"}]})),
            (
                "containerEdits",
                serde_json::json!({"mounts": [{"hostPath": "/a", "containerPath": "/b", "type": "overlay"}]}),
            ),
            ("containerEdits", serde_json::json!({"hooks": [{"hookName": "whenever", "path": "/x"}]})),
            ("containerEdits", serde_json::json!({"hooks": [{"hookName": "prestart", "path": "x"}]})),
        ] {
            assert!(with(key, value.clone()).is_err(), "{key}: {value}");
        }
    }

    proptest! {
        /// A20: a specification is read or refused.
        #[test]
        fn no_specification_makes_the_reader_panic(text in "(cdiVersion: 0.6.0\n)?(kind: a/b\n)?[a-zA-Z:{}\\[\\],&*!|> \n\"-]{0,200}") {
            let _ = Specification::parse(text.as_bytes(), false);
            let _ = Specification::parse(text.as_bytes(), true);
        }
    }
}

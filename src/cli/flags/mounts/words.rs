//! `--mount`: comma-separated words, in any order.

use super::options::{Words, unknown};
use super::{Manners, absolute_target, anonymous_volume, bind, memory, new_mount};
use crate::container::config::{ImageMount, Mount, MountKind, Name};
use crate::error::{self, Kind};
use anyhow::Result;
use std::path::Path;

const TYPES: &[&str] = &["artifact", "bind", "devpts", "glob", "image", "ramfs", "tmpfs", "volume"];

/// All keys, for what is said about others.
const KEYS: &[&str] = &[
    "type",
    "source",
    "src",
    "target",
    "destination",
    "dst",
    "dest",
    "readonly",
    "ro",
    "rw",
    "readwrite",
    "bind-propagation",
    "bind-nonrecursive",
    "bind-recursive",
    "relabel",
    "U",
    "chown",
    "idmap",
    "subpath",
    "volume-subpath",
    "image-subpath",
    "nocopy",
    "copy",
    "volume-nocopy",
    "nocreate",
    "tmpfs-size",
    "tmpfs-mode",
    "tmpcopyup",
    "notmpcopyup",
    "uid",
    "gid",
    "mode",
    "max",
    "noexec",
    "nosuid",
    "nodev",
    "exec",
    "suid",
    "dev",
    "noatime",
    "noswap",
    "no-dereference",
    "volume-opt",
    "volume-driver",
    "volume-label",
    "consistency",
];

/// The words of one `--mount`, apart.
struct Asked<'a> {
    text: &'a str,
    words: Vec<(&'a str, &'a str)>,
}

impl<'a> Asked<'a> {
    fn value(&self, names: &[&str]) -> Option<&'a str> {
        self.words.iter().find(|(key, _)| names.contains(key)).map(|(_, value)| *value)
    }

    fn source(&self) -> Result<&'a str> {
        let source = self.value(&["source", "src"]).filter(|source| !source.is_empty());
        source.ok_or_else(|| Kind::BadInput.error(format!("mount {:?} has no source", self.text)))
    }

    fn target(&self) -> Result<&'a str> {
        let target = self.value(&["target", "destination", "dst", "dest"]);
        target.ok_or_else(|| Kind::BadInput.error(format!("mount {:?} has no target", self.text)))
    }
}

/// The mounts that the words ask for: one, but for a glob, which is as many as fit.
pub fn parse(text: &str, manners: Manners) -> Result<Vec<Mount>> {
    let fields = fields(text)?;
    let words = fields.iter().map(|word| word.split_once('=').unwrap_or((word, ""))).collect();
    let asked = Asked { text, words };
    let kind = asked.value(&["type"]).unwrap_or("volume");
    if kind == "glob" {
        return glob(&asked, manners);
    }
    let subpath = || asked.value(&["subpath", "volume-subpath", "image-subpath"]).unwrap_or_default().to_owned();
    let mount = match kind {
        // docker's long form makes no directory of a source that is missing, unlike its short one.
        "bind" => bind(asked.source()?, Manners { docker: false, ..manners })?,
        "volume" => match asked.value(&["source", "src"]) {
            Some(name) => MountKind::Volume { name: Name::parse(name)?, anonymous: false, subpath: subpath() },
            None => anonymous_volume()?,
        },
        "tmpfs" => memory(manners),
        "ramfs" => match memory(manners) {
            MountKind::Tmpfs { size_bytes, mode, mut memory } => {
                memory.ramfs = true;
                MountKind::Tmpfs { size_bytes, mode, memory }
            }
            other => other,
        },
        "image" => MountKind::Image(ImageMount {
            name: asked.source()?.to_owned(),
            id: None,
            layers: Vec::new(),
            subpath: subpath(),
        }),
        "devpts" => MountKind::Devpts(Vec::new()),
        "artifact" => return Err(Kind::BadInput.error("mount type artifact is not supported yet")),
        other => {
            let message = format!("mount type {other:?} does not exist");
            let hint = match error::nearest(other, TYPES.iter().copied()) {
                Some(near) => format!("did you mean {near}?"),
                None => format!("use {}", TYPES[1..].join(", ")),
            };
            return Err(Kind::BadInput.hinted(message, hint));
        }
    };
    let mut mount = new_mount(asked.target()?, mount)?;
    // An image is read-only unless said otherwise.
    mount.read_only = matches!(mount.kind, MountKind::Image(_));
    apply(&asked, &mut mount, manners)?;
    Ok(vec![mount])
}

/// The words between commas: one in quotes may have commas in it, and quotes if they are doubled (RFC 4180).
fn fields(text: &str) -> Result<Vec<String>> {
    let (mut fields, mut field, mut is_quoted) = (Vec::new(), String::new(), false);
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '"' if is_quoted && letters.peek() == Some(&'"') => field.extend(letters.next()),
            '"' if is_quoted || field.is_empty() => is_quoted = !is_quoted,
            ',' if !is_quoted => fields.push(std::mem::take(&mut field)),
            letter => field.push(letter),
        }
    }
    if is_quoted {
        return Err(Kind::BadInput.error(format!("mount {text:?}: a quote is not closed")));
    }
    fields.push(field);
    Ok(fields)
}

fn apply(asked: &Asked<'_>, mount: &mut Mount, manners: Manners) -> Result<()> {
    let mut words = Words::new(manners);
    for (key, value) in &asked.words {
        let on = || is_true(key, value);
        match *key {
            "type" | "source" | "src" | "target" | "destination" | "dst" | "dest" => {}
            // macOS's caches; there is nothing to be consistent with here.
            "consistency" => {}
            "subpath" | "volume-subpath" if matches!(mount.kind, MountKind::Volume { .. }) => {}
            "subpath" | "image-subpath" if matches!(mount.kind, MountKind::Image(_)) => {}
            "readonly" | "ro" => mount.read_only = on()?,
            "rw" | "readwrite" => mount.read_only = !on()?,
            "bind-propagation" => words.apply(mount, value)?,
            "bind-nonrecursive" => mount.options.more.not_recursive = on()?,
            "bind-recursive" => match *value {
                "enabled" | "writable" | "readonly" => mount.options.more.not_recursive = false,
                "disabled" => mount.options.more.not_recursive = true,
                _ => mount.options.more.not_recursive = !on()?,
            },
            "relabel" if matches!(*value, "shared" | "private") => {}
            "relabel" => return Err(Kind::BadInput.error(format!("relabel={value} is neither shared nor private"))),
            "U" | "chown" => mount.options.more.chown = on()?,
            "nocopy" | "volume-nocopy" => mount.options.no_copy = on()?,
            "copy" => mount.options.no_copy = !on()?,
            "no-dereference" => {
                return Err(Kind::BadInput.error("mount option no-dereference is not supported yet"));
            }
            "volume-opt" | "volume-driver" | "volume-label" if !matches!(mount.kind, MountKind::Volume { .. }) => {
                return Err(Kind::BadInput.error(format!("mount option {key} is for volumes")));
            }
            "volume-opt" => words.apply(mount, &format!("{key}={value}"))?,
            "volume-driver" if ["", "local"].contains(value) => {}
            "volume-driver" => {
                let hint = "use local; for another file system: volume-opt=type=TYPE,volume-opt=device=DEVICE";
                return Err(Kind::BadInput.hinted(format!("volume driver {value:?} does not exist"), hint));
            }
            "volume-label" => {
                let (label, value) = value.split_once('=').unwrap_or((value, ""));
                mount.options.more.volume.labels.insert(label.to_owned(), value.to_owned());
            }
            "idmap" if *value == "false" => {}
            "uid" | "gid" | "mode" | "max" if matches!(mount.kind, MountKind::Devpts(_)) => {
                devpts_option(mount, key, value)?;
            }
            _ if !KEYS.contains(key) && key.len() > 1 => return Err(unknown(key, KEYS)),
            _ if value.is_empty() => words.apply_to_memory(mount, key)?,
            _ => words.apply_to_memory(mount, &format!("{key}={value}"))?,
        }
    }
    words.finish(mount)
}

fn devpts_option(mount: &mut Mount, key: &str, value: &str) -> Result<()> {
    let MountKind::Devpts(options) = &mut mount.kind else { return Ok(()) };
    let radix = if key == "mode" { 8 } else { 10 };
    if u32::from_str_radix(value, radix).is_err() {
        return Err(Kind::BadInput.error(format!("{key}={value} is not a number")));
    }
    options.push(format!("{key}={value}"));
    Ok(())
}

fn is_true(key: &str, value: &str) -> Result<bool> {
    match value {
        "" | "true" | "1" => Ok(true),
        "false" | "0" => Ok(false),
        _ => Err(Kind::BadInput.error(format!("{key}={value} is neither true nor false"))),
    }
}

/// The most files that one pattern may stand for.
const MATCHES_MAX: usize = 1000;

/// Everything of the host that fits a pattern: below the target by its own name, or without one at its own path.
fn glob(asked: &Asked<'_>, manners: Manners) -> Result<Vec<Mount>> {
    let pattern = std::path::absolute(asked.source()?)?;
    let target = asked.value(&["target", "destination", "dst", "dest"]).map(absolute_target).transpose()?;
    let matches = matching(&pattern)?;
    if matches.is_empty() {
        return Err(Kind::NotFound.error(format!("no file fits {}", pattern.display())));
    }
    let one = |source: String| {
        let place = match &target {
            Some(target) => {
                let name = Path::new(&source).file_name().unwrap_or_default().to_string_lossy().into_owned();
                format!("{}/{name}", target.trim_end_matches('/'))
            }
            None => source.clone(),
        };
        let mut mount = new_mount(&place, bind(&source, manners)?)?;
        apply(asked, &mut mount, manners)?;
        Ok(mount)
    };
    matches.into_iter().map(one).collect()
}

/// Files of the host that fit a pattern of the shell's: `*`, `?` and `[…]` within a component.
fn matching(pattern: &Path) -> Result<Vec<String>> {
    let mut found = vec![String::new()];
    for component in pattern.components() {
        let std::path::Component::Normal(part) = component else { continue };
        let Some(part) = part.to_str() else { return Ok(Vec::new()) };
        let is_pattern = part.contains(['*', '?', '[']);
        let mut next = Vec::new();
        for dir in &found {
            if !is_pattern {
                let path = format!("{dir}/{part}");
                if rustix::fs::stat(&path).is_ok() {
                    next.push(path);
                }
                continue;
            }
            // What is no directory, or not to be read, has nothing in it.
            let mut names = crate::fs::list(Path::new(&format!("{dir}/"))).unwrap_or_default();
            names.retain(|name| (!name.starts_with('.') || part.starts_with('.')) && fits(part, name));
            names.sort();
            next.extend(names.into_iter().map(|name| format!("{dir}/{name}")));
            if next.len() > MATCHES_MAX {
                return Err(Kind::BadInput.error(format!("more than {MATCHES_MAX} files fit {}", pattern.display())));
            }
        }
        found = next;
    }
    found.retain(|path| !path.is_empty());
    Ok(found)
}

/// Whether a name fits a pattern: glob(7).
pub(super) fn fits(pattern: &str, name: &str) -> bool {
    let (pattern, name): (Vec<char>, Vec<char>) = (pattern.chars().collect(), name.chars().collect());
    // The place to come back to: behind the last star, and how much of the name it has taken.
    let (mut at, mut from, mut star) = (0, 0, None);
    while from < name.len() {
        match one(&pattern[at..], name[from]) {
            Some(0) => (star, at) = (Some((at + 1, from)), at + 1),
            Some(length) => (at, from) = (at + length, from + 1),
            None => {
                let Some((behind, taken)) = star else { return false };
                (star, at, from) = (Some((behind, taken + 1)), behind, taken + 1);
            }
        }
    }
    pattern[at..].iter().all(|letter| *letter == '*')
}

/// How much of the pattern a letter takes up: 0 is a star, None does not fit.
fn one(pattern: &[char], letter: char) -> Option<usize> {
    match pattern {
        ['*', ..] => Some(0),
        ['?', ..] => Some(1),
        ['\\', escaped, ..] => (*escaped == letter).then_some(2),
        ['[', rest @ ..] => {
            let negated = matches!(rest.first(), Some('!' | '^'));
            let rest = if negated { &rest[1..] } else { rest };
            let end = rest.iter().skip(1).position(|letter| *letter == ']')? + 1;
            let set = &rest[..end];
            let mut inside = false;
            let mut index = 0;
            while index < set.len() {
                if index + 2 < set.len() && set[index + 1] == '-' {
                    inside |= set[index] <= letter && letter <= set[index + 2];
                    index += 3;
                } else {
                    inside |= set[index] == letter;
                    index += 1;
                }
            }
            (inside != negated).then_some(2 + usize::from(negated) + end)
        }
        [plain, ..] => (*plain == letter).then_some(1),
        [] => None,
    }
}

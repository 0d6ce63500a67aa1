//! What templates, JSON and filters see of volumes and secrets.

use super::filter::{Label, grouped, unknown};
use crate::container::config::{Config, MountKind};
use crate::container::log::rfc3339_nanoseconds;
use crate::container::state;
use crate::engine::Engine;
use crate::error::Kind;
use crate::inspect::view::{View, view};
use crate::secret::{self, Secret};
use crate::volume::{self, Volume};
use anyhow::Result;
use std::collections::HashMap;

const KEYS: &str = "after, anonymous, dangling, driver, label, label!, name, opt, scope, since, until";

/// A volume as `volume inspect` and `volume ls` show it.
pub fn inspect(engine: &Engine, volume: &Volume, mounts: usize) -> View {
    let mut fields = view!({
        "Name": &volume.name,
        "Driver": "local",
        "Mountpoint": volume::data(engine, &volume.name).display().to_string(),
        "CreatedAt": rfc3339_nanoseconds(volume.created),
        "Labels": &volume.labels,
        "Scope": "local",
        "Options": &volume.options,
        "MountCount": mounts,
        "LockNumber": 0,
    });
    // As in Go's JSON, what is false or 0 is left out.
    let fresh = volume::is_fresh(engine, &volume.name);
    let chowned = volume.uid.is_some() || volume.gid.is_some();
    for (name, on) in [("NeedsCopyUp", fresh), ("NeedsChown", fresh && !chowned), ("Anonymous", volume.anonymous)] {
        if on {
            fields.set(name, true);
        }
    }
    for (name, id) in [("UID", volume.uid), ("GID", volume.gid)] {
        if let Some(id) = id.filter(|id| *id != 0) {
            fields.set(name, id);
        }
    }
    fields
}

/// The fields that a template may name although JSON leaves them out when they are empty.
pub fn row(engine: &Engine, volume: &Volume, mounts: usize) -> View {
    let empty = view!({
        "Anonymous": false, "GID": 0, "NeedsChown": false, "NeedsCopyUp": false, "Status": {}, "StorageID": "",
        "Timeout": 0, "UID": 0,
    });
    empty.over(inspect(engine, volume, mounts))
}

/// Which volumes containers have, and how many running ones have each mounted.
pub struct Usage {
    running: HashMap<String, usize>,
    used: HashMap<String, usize>,
}

impl Usage {
    pub fn find(engine: &Engine) -> Result<Self> {
        let mut usage = Self { running: HashMap::new(), used: HashMap::new() };
        for container in state::list(engine)? {
            let is_running = container.status.is_alive();
            for name in volumes(&container.config) {
                *usage.used.entry(name.to_owned()).or_insert(0) += 1;
                if is_running {
                    *usage.running.entry(name.to_owned()).or_insert(0) += 1;
                }
            }
        }
        Ok(usage)
    }

    /// How many running containers have it mounted.
    pub fn mounts(&self, name: &str) -> usize {
        self.running.get(name).copied().unwrap_or(0)
    }

    pub fn is_used(&self, name: &str) -> bool {
        self.used.contains_key(name)
    }
}

fn volumes(config: &Config) -> impl Iterator<Item = &str> {
    config.mounts.iter().filter_map(|mount| match &mount.kind {
        MountKind::Volume { name, .. } => Some(name.as_str()),
        MountKind::Bind { .. } | MountKind::Tmpfs { .. } | MountKind::Image(_) | MountKind::Devpts(_) => None,
    })
}

/// The conditions on volumes: all must hold, each by any of its values (all of them for labels).
#[derive(Debug, Default)]
pub struct Filters {
    conditions: Vec<Condition>,
}

#[derive(Debug)]
enum Condition {
    Anonymous(bool),
    Dangling(bool),
    Driver(Vec<String>),
    Label(Label),
    NoLabel(Label),
    Name(Vec<String>),
    Option(Vec<Label>),
    Scope(Vec<String>),
    Since(u64),
    Until(u64),
}

impl Filters {
    /// Parses the filters. `until` reads a time as nanoseconds since 1970.
    pub fn parse(engine: &Engine, filters: &[String], until: impl Fn(&str) -> Result<u64>) -> Result<Self> {
        let mut conditions = Vec::new();
        for (key, values) in grouped(filters)? {
            let owned = || values.iter().map(|value| (*value).to_owned()).collect::<Vec<_>>();
            let truth = |text: &&str| match *text {
                "true" | "1" => Ok(true),
                "false" | "0" => Ok(false),
                _ => Err(Kind::BadInput.error(format!("filter {key}={text}: it is true or false"))),
            };
            match key {
                "anonymous" => {
                    conditions.push(Condition::Anonymous(values.iter().map(truth).next().unwrap_or(Ok(true))?))
                }
                "dangling" => {
                    conditions.push(Condition::Dangling(values.iter().map(truth).next().unwrap_or(Ok(true))?))
                }
                "driver" => conditions.push(Condition::Driver(owned())),
                "label" => conditions.extend(values.iter().map(|text| Condition::Label(Label::parse(text)))),
                "label!" => conditions.extend(values.iter().map(|text| Condition::NoLabel(Label::parse(text)))),
                "name" => conditions.push(Condition::Name(owned())),
                "opt" => conditions.push(Condition::Option(values.iter().map(|text| Label::parse(text)).collect())),
                "scope" => conditions.push(Condition::Scope(owned())),
                "since" | "after" => {
                    for name in &values {
                        conditions.push(Condition::Since(volume::find(engine, name)?.created));
                    }
                }
                "until" => {
                    for text in &values {
                        conditions.push(Condition::Until(until(text)?));
                    }
                }
                _ => return Err(unknown(key, KEYS)),
            }
        }
        Ok(Self { conditions })
    }

    pub fn match_volume(&self, volume: &Volume, usage: &Usage) -> bool {
        self.conditions.iter().all(|condition| match condition {
            Condition::Anonymous(anonymous) => volume.anonymous == *anonymous,
            Condition::Dangling(dangling) => usage.is_used(&volume.name) != *dangling,
            Condition::Driver(names) | Condition::Scope(names) => names.iter().any(|name| name == "local"),
            Condition::Label(label) => label.is_in(&volume.labels),
            Condition::NoLabel(label) => !label.is_in(&volume.labels),
            Condition::Name(names) => names.iter().any(|name| is_named(&volume.name, name)),
            Condition::Option(options) => options.iter().any(|option| option.is_in(&volume.options)),
            Condition::Since(time) => volume.created > *time,
            Condition::Until(time) => volume.created < *time,
        })
    }
}

/// A part of the name; `^` in front and `$` behind tie it to the ends.
fn is_named(name: &str, wanted: &str) -> bool {
    let inner = wanted.trim_start_matches('^').trim_end_matches('$');
    match (wanted.starts_with('^'), wanted.ends_with('$')) {
        (true, true) => name == inner,
        (true, false) => name.starts_with(inner),
        (false, true) => name.ends_with(inner),
        (false, false) => name.contains(inner),
    }
}

/// A secret as `secret inspect` shows it: never with its value, unless that is given.
pub fn secret(engine: &Engine, secret: &Secret, value: Option<&str>) -> View {
    let path = secret::directory(engine).display().to_string();
    let mut fields = view!({
        "ID": &secret.id,
        "CreatedAt": rfc3339_nanoseconds(secret.created),
        "UpdatedAt": rfc3339_nanoseconds(secret.updated),
        "Spec": {
            "Name": &secret.name,
            "Driver": { "Name": "file", "Options": { "path": path } },
            "Labels": &secret.labels,
        },
    });
    if let Some(value) = value {
        fields.set("SecretData", value);
    }
    fields
}

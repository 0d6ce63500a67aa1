//! The image configuration: what a container of this image runs, and the ids of its layers.

use super::json;
use crate::image::platform::Platform;
use crate::store::digest::Digest;
use anyhow::{Context, Result};
use serde::{Deserialize, Deserializer, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// The largest configuration that is read.
pub const CONFIG_BYTES_MAX: usize = 16 << 20;

/// OCI image spec, config.md, with docker's additions. Fields stand in the order in which Go's tools write them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ImageConfig {
    #[serde(deserialize_with = "json::or_default", skip_serializing_if = "String::is_empty")]
    pub created: String,
    #[serde(deserialize_with = "json::or_default", skip_serializing_if = "String::is_empty")]
    pub author: String,
    #[serde(deserialize_with = "json::or_default")]
    pub architecture: String,
    #[serde(deserialize_with = "json::or_default", skip_serializing_if = "String::is_empty")]
    pub variant: String,
    #[serde(deserialize_with = "json::or_default")]
    pub os: String,
    #[serde(deserialize_with = "json::or_default")]
    pub config: ProcessConfig,
    #[serde(deserialize_with = "json::or_default")]
    pub rootfs: RootFs,
    #[serde(deserialize_with = "json::or_default", skip_serializing_if = "Vec::is_empty")]
    pub history: Vec<History>,
}

/// The part of the configuration that containers start from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct ProcessConfig {
    #[serde(deserialize_with = "json::or_default", skip_serializing_if = "String::is_empty")]
    pub user: String,
    #[serde(with = "json::set", skip_serializing_if = "BTreeSet::is_empty")]
    pub exposed_ports: BTreeSet<String>,
    /// Every entry is `NAME=value`.
    #[serde(deserialize_with = "environment", skip_serializing_if = "Vec::is_empty")]
    pub env: Vec<String>,
    #[serde(deserialize_with = "json::strings", skip_serializing_if = "Vec::is_empty")]
    pub entrypoint: Vec<String>,
    #[serde(deserialize_with = "json::strings", skip_serializing_if = "Vec::is_empty")]
    pub cmd: Vec<String>,
    #[serde(with = "json::set", skip_serializing_if = "BTreeSet::is_empty")]
    pub volumes: BTreeSet<String>,
    #[serde(deserialize_with = "json::or_default", skip_serializing_if = "String::is_empty")]
    pub working_dir: String,
    #[serde(deserialize_with = "json::or_default", skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    #[serde(deserialize_with = "json::or_default", skip_serializing_if = "String::is_empty")]
    pub stop_signal: String,
    /// Of Windows images only.
    #[serde(deserialize_with = "json::or_default", skip_serializing_if = "std::ops::Not::not")]
    pub args_escaped: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub healthcheck: Option<Healthcheck>,
    #[serde(deserialize_with = "json::strings", skip_serializing_if = "Vec::is_empty")]
    pub on_build: Vec<String>,
    #[serde(deserialize_with = "json::strings", skip_serializing_if = "Vec::is_empty")]
    pub shell: Vec<String>,
}

/// Docker's health check. Times are in nanoseconds; 0 means the default.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct Healthcheck {
    /// `NONE`, `CMD` and arguments, or `CMD-SHELL` and one line.
    #[serde(deserialize_with = "json::strings", skip_serializing_if = "Vec::is_empty")]
    pub test: Vec<String>,
    #[serde(deserialize_with = "json::or_default", skip_serializing_if = "is_zero")]
    pub interval: u64,
    #[serde(deserialize_with = "json::or_default", skip_serializing_if = "is_zero")]
    pub timeout: u64,
    #[serde(deserialize_with = "json::or_default", skip_serializing_if = "is_zero")]
    pub start_period: u64,
    #[serde(deserialize_with = "json::or_default", skip_serializing_if = "is_zero")]
    pub start_interval: u64,
    #[serde(deserialize_with = "json::or_default", skip_serializing_if = "is_zero")]
    pub retries: u64,
}

/// The layers, bottom first, by the digests of their uncompressed tars.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RootFs {
    #[serde(rename = "type", deserialize_with = "json::or_default")]
    pub kind: String,
    #[serde(deserialize_with = "json::or_default")]
    pub diff_ids: Vec<Digest>,
}

/// How one layer, or one change of the configuration, came to be.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct History {
    #[serde(deserialize_with = "json::or_default", skip_serializing_if = "String::is_empty")]
    pub created: String,
    #[serde(deserialize_with = "json::or_default", skip_serializing_if = "String::is_empty")]
    pub created_by: String,
    #[serde(deserialize_with = "json::or_default", skip_serializing_if = "String::is_empty")]
    pub author: String,
    #[serde(deserialize_with = "json::or_default", skip_serializing_if = "String::is_empty")]
    pub comment: String,
    #[serde(deserialize_with = "json::or_default", skip_serializing_if = "std::ops::Not::not")]
    pub empty_layer: bool,
}

impl ProcessConfig {
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        json::parse(bytes, CONFIG_BYTES_MAX)
    }

    /// Takes over what another says: lists of arguments are replaced; variables, labels, ports and volumes are added.
    pub fn merge(&mut self, other: &Self) {
        let Self { user, exposed_ports, env, entrypoint, cmd, volumes, working_dir, labels, .. } = other;
        let Self { stop_signal, args_escaped, healthcheck, on_build, shell, .. } = other;
        let texts =
            [(&mut self.user, user), (&mut self.working_dir, working_dir), (&mut self.stop_signal, stop_signal)];
        for (own, theirs) in texts.into_iter().filter(|(_, theirs)| !theirs.is_empty()) {
            own.clone_from(theirs);
        }
        let lists = [
            (&mut self.entrypoint, entrypoint),
            (&mut self.cmd, cmd),
            (&mut self.on_build, on_build),
            (&mut self.shell, shell),
        ];
        for (own, theirs) in lists.into_iter().filter(|(_, theirs)| !theirs.is_empty()) {
            own.clone_from(theirs);
        }
        for entry in env {
            let name = entry.split('=').next().unwrap_or(entry);
            self.env.retain(|own| own.split('=').next() != Some(name));
            self.env.push(entry.clone());
        }
        self.exposed_ports.extend(exposed_ports.iter().cloned());
        self.volumes.extend(volumes.iter().cloned());
        self.labels.extend(labels.iter().map(|(key, value)| (key.clone(), value.clone())));
        self.args_escaped |= args_escaped;
        if healthcheck.is_some() {
            self.healthcheck.clone_from(healthcheck);
        }
    }
}

impl ImageConfig {
    /// Reads the bytes of a configuration, which nobody vouches for but their digest.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        json::parse(bytes, CONFIG_BYTES_MAX).context("parse image configuration")
    }

    /// The bytes to store: the same for the same configuration.
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        serde_json::to_vec(self).context("serialise image configuration")
    }

    pub fn platform(&self) -> Platform {
        let (os, architecture, variant) = (self.os.clone(), self.architecture.clone(), self.variant.clone());
        Platform { architecture, os, variant, ..Platform::default() }.normal()
    }
}

impl Default for RootFs {
    fn default() -> Self {
        Self { kind: "layers".into(), diff_ids: Vec::new() }
    }
}

/// An entry without `=` would be read as "take it from the caller's environment" further down (CVE-2026-57231).
fn environment<'de, D: Deserializer<'de>>(reader: D) -> Result<Vec<String>, D::Error> {
    let mut entries = json::strings(reader)?;
    entries.retain(|entry| entry.find('=').is_some_and(|position| position > 0));
    Ok(entries)
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

#[cfg(any(test, fuzzing))]
pub mod property;
#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nulls_and_gaps_are_empty_values() {
        let empty = ImageConfig::parse(b"{}").unwrap();
        let text = br#"{"created":null,"author":null,"architecture":null,"os":null,"variant":null,"config":null,
            "rootfs":null,"history":null}"#;
        assert_eq!(ImageConfig::parse(text).unwrap(), empty);
        let text = br#"{"config":{"User":null,"ExposedPorts":null,"Env":null,"Entrypoint":null,"Cmd":[null],
            "Volumes":{"/v":null},"WorkingDir":null,"Labels":null,"StopSignal":null,"Healthcheck":null,
            "OnBuild":null,"Shell":null,"ArgsEscaped":null},"rootfs":{"type":null,"diff_ids":null}}"#;
        let config = ImageConfig::parse(text).unwrap();
        assert_eq!(config.config.volumes, BTreeSet::from(["/v".to_owned()]));
        assert!(config.config.cmd.is_empty());
    }

    #[test]
    fn every_field_of_the_wrong_type_is_an_error_or_tolerated() {
        let top = ["created", "author", "architecture", "os", "variant", "config", "rootfs", "history"];
        let process = [
            "User",
            "ExposedPorts",
            "Env",
            "Entrypoint",
            "Cmd",
            "Volumes",
            "WorkingDir",
            "Labels",
            "StopSignal",
            "Healthcheck",
            "OnBuild",
            "Shell",
            "ArgsEscaped",
        ];
        let health = ["Test", "Interval", "Timeout", "StartPeriod", "StartInterval", "Retries"];
        let values = ["1", "-1", "1e400", "\"x\"", "[]", "[[]]", "[1]", "{}", "{\"a\":1}", "true", "[null]", "[{}]"];
        for value in values {
            for field in top {
                let _ = ImageConfig::parse(format!(r#"{{"{field}":{value}}}"#).as_bytes());
            }
            for field in process {
                let _ = ImageConfig::parse(format!(r#"{{"config":{{"{field}":{value}}}}}"#).as_bytes());
            }
            for field in health {
                let text = format!(r#"{{"config":{{"Healthcheck":{{"{field}":{value}}}}}}}"#);
                let _ = ImageConfig::parse(text.as_bytes());
            }
            for field in ["type", "diff_ids"] {
                let _ = ImageConfig::parse(format!(r#"{{"rootfs":{{"{field}":{value}}}}}"#).as_bytes());
            }
        }
        assert!(ImageConfig::parse(br#"{"rootfs":{"diff_ids":["sha256:../../x"]}}"#).is_err());
        assert!(ImageConfig::parse(br#"{"config":{"Healthcheck":{"Interval":-1}}}"#).is_err());
    }

    #[test]
    fn environment_entries_without_a_value_are_dropped() {
        let text = br#"{"config":{"Env":["*","SECRET*","SECRET","=x","","A=","B=c=d"]}}"#;
        assert_eq!(ImageConfig::parse(text).unwrap().config.env, ["A=", "B=c=d"]);
    }

    #[test]
    fn what_is_written_is_read_back() {
        let text = br#"{"created":"2024-01-01T00:00:00Z","architecture":"amd64","os":"linux","config":{"ExposedPorts":{"80/tcp":{}},"Env":["A=b"],"Cmd":["x"],"Labels":{"a":"b","c":"d"},"Healthcheck":{"Test":["CMD","x"],"Interval":5},"OnBuild":["RUN y"],"Shell":["/bin/sh"]},"rootfs":{"type":"layers","diff_ids":["sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"]},"history":[{"created_by":"z","empty_layer":true}]}"#;
        assert_eq!(ImageConfig::parse(text).unwrap().to_bytes().unwrap(), text);
    }
}

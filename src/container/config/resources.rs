//! What a container may use up.

use crate::error::Kind;
use anyhow::Result;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A resource limit of setrlimit(2); `u64::MAX` is unlimited.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limit {
    /// As getrlimit(2) names it: `RLIMIT_NOFILE`.
    pub resource: String,
    pub soft: u64,
    pub hard: u64,
}

impl Limit {
    /// `nofile=1024:2048`; -1 is unlimited.
    pub fn parse(text: &str) -> Result<Self> {
        let bad = || Kind::BadInput.error(format!("limit {text:?} is not NAME=SOFT[:HARD]"));
        let (name, values) = text.split_once('=').ok_or_else(bad)?;
        let number = |text: &str| match text {
            "-1" | "unlimited" => Ok(u64::MAX),
            text => text.parse::<u64>().map_err(|_| bad()),
        };
        let (soft, hard) = match values.split_once(':') {
            Some((soft, hard)) => (number(soft)?, number(hard)?),
            None => (number(values)?, number(values)?),
        };
        let name = name.to_ascii_uppercase();
        let resource = format!("RLIMIT_{}", name.strip_prefix("RLIMIT_").unwrap_or(&name));
        let known = resource.parse::<oci_spec::runtime::PosixRlimitType>().is_ok();
        if !known || soft > hard {
            let cause = if known { "the soft limit is above the hard one" } else { "there is no such limit" };
            return Err(Kind::BadInput.error(format!("limit {text:?}: {cause}")));
        }
        Ok(Self { resource, soft, hard })
    }
}

/// Limits that a cgroup enforces.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resources {
    /// Unset: 2048 where a cgroup can, else best effort by RLIMIT_NPROC. `Some(0)` is unlimited.
    pub pids: Option<u64>,
    pub memory_bytes: Option<u64>,
    /// Thousandths of a processor.
    pub cpu_millis: Option<u64>,
    /// The limits that few containers have.
    #[serde(default, skip_serializing_if = "Rare::is_default")]
    pub rare: Rare,
    /// Whether there is a cgroup at all, and where.
    #[serde(default, skip_serializing_if = "Cgroup::is_default")]
    pub cgroup: Cgroup,
    /// Whether the limits of setrlimit(2) are those of who starts the container.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub limits_of_host: bool,
    /// How soon the kernel ends the container when memory is short, from -1000 to 1000.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub oom_score_adj: Option<i32>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Rare {
    /// -1 is unlimited; memory and swap together.
    pub memory_swap_bytes: Option<i64>,
    pub memory_reservation_bytes: Option<u64>,
    pub cpu_shares: Option<u64>,
    pub cpu_quota_micros: Option<i64>,
    pub cpu_period_micros: Option<u64>,
    pub cpuset_cpus: Option<String>,
    pub cpuset_mems: Option<String>,
    /// From 10 to 1000.
    pub io_weight: Option<u16>,
    pub throttles: Vec<Throttle>,
    /// Files of cgroup v2 and what is written to them.
    pub unified: BTreeMap<String, String>,
}

/// How fast a device may be read or written, or how much it weighs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Throttle {
    pub kind: ThrottleKind,
    pub major: i64,
    pub minor: i64,
    /// Bytes or operations per second, or a weight.
    pub rate: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ThrottleKind {
    ReadBytes,
    WriteBytes,
    ReadOperations,
    WriteOperations,
    Weight,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Cgroup {
    pub disabled: bool,
    /// The slice in which systemd puts the container.
    pub parent: Option<String>,
}

impl Rare {
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

impl Cgroup {
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

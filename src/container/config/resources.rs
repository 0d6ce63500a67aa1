//! What a container may use up.

use serde::{Deserialize, Serialize};

/// A resource limit of setrlimit(2); `u64::MAX` is unlimited.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limit {
    /// As getrlimit(2) names it: `RLIMIT_NOFILE`.
    pub resource: String,
    pub soft: u64,
    pub hard: u64,
}

/// Limits that a cgroup enforces.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resources {
    /// Unset: 2048 where a cgroup can, else best effort by RLIMIT_NPROC. `Some(0)` is unlimited.
    pub pids: Option<u64>,
    pub memory_bytes: Option<u64>,
    /// Thousandths of a processor.
    pub cpu_millis: Option<u64>,
}

//! What a container's monitor does for it while it lives: how it ends, starts again, is looked after and logged.

use serde::{Deserialize, Serialize};

/// How the container is asked to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stop {
    /// A signal number; None takes the image's, else SIGTERM.
    pub signal: Option<i32>,
    /// How long it has before it is killed.
    pub timeout_secs: u64,
}

impl Default for Stop {
    fn default() -> Self {
        Self { signal: None, timeout_secs: 10 }
    }
}

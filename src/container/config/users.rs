//! Who a container's processes are, inside and outside, and which namespaces they share with others.

use serde::{Deserialize, Serialize};

/// The namespaces and ids that a container does not have of its own. Empty: all are its own, with the engine's ids.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Users {}

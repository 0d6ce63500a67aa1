//! What templates, JSON and filters see of containers and images, under the names that podman has for it.

pub mod container;
pub mod events;
pub mod filter;
pub mod host;
pub mod image;

use serde_json::{Map, Value};

/// Go's zero time, which stands for "never".
pub const NEVER: &str = "0001-01-01T00:00:00Z";

/// Puts the fields of several objects into one.
fn merged(parts: impl IntoIterator<Item = Value>) -> Value {
    let mut all = Map::new();
    for part in parts {
        if let Value::Object(fields) = part {
            all.extend(fields);
        }
    }
    Value::Object(all)
}

//! What templates, JSON and filters see of containers and images, under the names that podman has for it.

pub mod container;
pub mod events;
pub mod filter;
pub mod host;
pub mod image;
pub mod network;
pub mod time;
pub mod view;
pub mod volume;

/// Go's zero time, which stands for "never".
pub const NEVER: &str = "0001-01-01T00:00:00Z";

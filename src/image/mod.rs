//! Images: names, registries, transports, and the one that the engine carries.

pub mod hello;

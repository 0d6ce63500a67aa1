//! Containers: what they are and what can be done to them.

pub mod profile;

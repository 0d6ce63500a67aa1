//! Images: their names, their manifests, and how they come in and go out.

pub mod auth;
mod challenge;
pub mod config;
mod http;
mod json;
pub mod manifest;
mod origin;
pub mod platform;
pub mod reference;
pub mod registry;
mod trust;

#[cfg(test)]
#[path = "../../tests/it/support/fake_registry.rs"]
mod fake_registry;

//! Images: their names, their manifests, and how they come in and go out.

pub mod config;
mod json;
pub mod manifest;
pub mod platform;
pub mod reference;

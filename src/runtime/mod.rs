//! An OCI runtime: a spec and descriptors in, a running process out. Knows no names, images or engine directories.

pub mod capabilities;
pub mod seccomp;

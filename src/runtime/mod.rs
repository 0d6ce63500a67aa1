//! An OCI runtime: a specification and descriptors in, a process out.

pub mod cgroup;

//! The kernel, one file per topic of its man pages. The only room with `unsafe`.
//!
//! Calls take `BorrowedFd` and return `OwnedFd`, always close-on-exec; errors name the call and its arguments.

// The kernel's own files under /proc go by fixed paths.
#![allow(clippy::disallowed_methods)]

pub mod file;
pub mod keyring;
pub mod landlock;
pub mod memory;
pub mod mount;
pub mod namespace;
pub mod network;
pub mod process;
pub mod seccomp;
pub mod signal;
pub mod socket;
pub mod terminal;
pub mod threads;

//! coracle: a container engine for Linux. One binary, no daemon, no root.
//!
//! (The map of the code comes here.)

mod engine;
mod error;
mod fs;
mod runtime;
mod store;
mod sys;
mod systemd;

fn main() {}

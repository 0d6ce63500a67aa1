//! coracle: a container engine for Linux. One binary, no daemon, no root.
//!
//! (The map of the code comes here.)

mod cli;
mod engine;
mod error;
mod fs;
mod store;
mod sys;

fn main() {}

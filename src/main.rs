//! coracle: a container engine for Linux. One binary, no daemon, no root.
//!
//! (The map of the code comes here.)

mod engine;
mod error;
mod fs;
mod image;
mod store;
mod sys;

fn main() {}

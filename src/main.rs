//! coracle: a container engine for Linux. One binary, no daemon, no root.
//!
//! (The map of the code comes here.)

mod cli;
mod container;
mod engine;
mod error;
mod fs;
mod image;
mod inspect;
mod monitor;
mod network;
mod rootless;
mod runtime;
mod store;
mod sys;
mod systemd;
mod volume;

fn main() -> std::process::ExitCode {
    let arguments: Vec<String> = std::env::args().collect();
    if arguments.first().is_some_and(|program| program == container::start::MONITOR) {
        monitor::main(&arguments[1..]);
    }
    cli::main()
}

//! coracle: a container engine for Linux. One binary, no daemon, no root.
//!
//! # The map
//!
//! Rooms by rank; a room imports only from its own rank or below (`tests/it/tidy.rs` holds this).
//!
//! | rank | rooms |
//! |---|---|
//! | 7 | `cli/`: one file per verb, `flags.rs` (what was typed → [`container::config::Config`]), `streams.rs`, `format/`, `table.rs`; the only place that prints |
//! | 5 | `inspect.rs`: what templates and JSON see of containers and images |
//! | 4 | `monitor/`: one small process per container: `launch.rs`, then the loop in `mod.rs`, `stdio.rs`, `clients.rs`, `exec.rs` |
//! | 3 | `container/`: `config.rs` is THE description; `create start stop remove`, `spec.rs` (Config → OCI), `state.rs`, `control.rs` (the protocol on `ctl`), `profile/` (default confinement) |
//! | 2 | `image/` (names, manifests, registries, archives) · `store/` (blobs, tags, layers, overlay) · `runtime/` (the OCI runtime: spec and fds in, pidfd out) · `network/` · `volume.rs` |
//! | 1 | `engine.rs` (where everything lies) · `settings.rs` (containers.conf) · `rootless.rs` (the door into the user namespace) · `systemd/` (scopes, notify) |
//! | 0 | `fs.rs` (atomic writes, locks, [`fs::Root`]: the one way into a tree that others control) · `error.rs` · `sys/` (the only `unsafe`) |
//!
//! Tests and the fuzzer alone have `fuzzing.rs` and each parser's `property.rs`: what holds for any bytes from outside.
//!
//! # One `run`, down and back
//!
//! ```text
//! CLI  main → cli/run (flags.rs: strings → Config) → cli/pulling → image/pull::ensure → container/create
//!      → container/start: fork, through the door (control::Door, rootless::enter), exec the monitor, hear its answer
//! MON  monitor/launch: lock alive → cgroup → store/overlay → container/spec (Config → OCI) → runtime::create → pasta,
//!      or for named networks: lease addresses → network/keeper connects → network/forward leads ports in
//! CTR  runtime/init: mounts → pivot_root; runtime/process: capabilities → user → seccomp → execve
//! KEEP network/keeper: one process per user while a container is on a bridge: bridges, firewall, names, uplink
//! back the channel closes on exec (ok) or carries the error chain: init → monitor → CLI, printed once
//!      monitor/mod: poll(stdio, ctl, pidfd, timer); exit → drain, network down, state.json, --rm, tell who waits
//! ```
//!
//! # Where to add
//!
//! A command: `cli/VERB.rs` and a line in `cli/verbs.rs`. A flag: `cli/flags.rs`, `container/config.rs`,
//! `container/spec.rs`. A mount type: `MountKind` in `config.rs`, whose matches the compiler then names. An image format:
//! `image/transport/`. A request to monitors: `container/control.rs` and `Monitor::answer`.

// Tests make and look at files of their own by path.
#![cfg_attr(any(test, fuzzing), allow(clippy::disallowed_methods))]

mod cli;
mod container;
mod engine;
mod error;
mod fs;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
mod image;
mod inspect;
mod monitor;
mod network;
mod rootless;
mod runtime;
mod secret;
mod settings;
mod store;
mod sys;
mod systemd;
mod volume;

pub fn main() -> std::process::ExitCode {
    // A monitor, and the keeper, are this program under other names, told apart before anything is parsed.
    let mut arguments = std::env::args_os();
    let program = arguments.next().unwrap_or_default();
    let mut words = || arguments.by_ref().filter_map(|argument| argument.into_string().ok()).collect::<Vec<_>>();
    if program == container::start::MONITOR {
        monitor::main(&words());
    }
    if program == network::keeper::NAME {
        network::keeper::main(&words());
    }
    cli::main()
}

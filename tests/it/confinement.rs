//! What a container may do and see, as its flags say: system calls, devices, hooks, masks, limits.

mod devices;
mod names;
mod options;
mod seccomp;
mod settings;

use crate::support::Sandbox;

/// Runs a shell script in a new container without network, and gives what it printed.
#[track_caller]
fn shell(sandbox: &Sandbox, options: &[&str], script: &str) -> String {
    sandbox.ok(&[&["run", "--rm", "--network", "none"], options, &["busybox", "sh", "-c", script]].concat())
}

/// A `run` with these options must fail before anything runs, with one line that has all of these words.
#[track_caller]
fn refused(sandbox: &Sandbox, options: &[&str], words: &[&str]) {
    sandbox.fails(125, words, &[&["run", "--rm", "--network", "none"], options, &["busybox", "true"]].concat());
}

//! `contrib/kill-harness` in short: the engine is killed before some of the state-changing system calls of its verbs, and
//! the harness must notice what it is there to notice.

use crate::support::ordinary::Ordinary;
use crate::support::{Run, Running, images, skip, source};
use std::process::Command;

/// Each so many calls; the harness itself does all of them.
const EVERY: &str = "20";

/// Runs the harness for the lane's ordinary user. None where it cannot be run.
fn harness(arguments: &[&str]) -> Option<Run> {
    let engine = Ordinary::new()?;
    if cfg!(not(target_arch = "x86_64")) {
        skip("the kill harness knows the system calls of x86-64 alone");
        return None;
    }
    let mut command = Command::new("python3");
    command.arg(source().join("contrib/kill-harness")).args(["--user", &engine.user.name, "--jobs", "2"]);
    command.arg("--directory").arg(engine.program.parent().expect("a sandbox has a top"));
    command.arg("--program").arg(&engine.program).arg("--image").arg(images::archive("busybox")).args(arguments);
    Some(Running::start(command).finish())
}

fn kill_in(scenario: &str) {
    // The container's own first process is left out: it is neither the CLI nor the monitor.
    let Some(run) = harness(&["--targets", "cli,cli.1,monitor", "--every", EVERY, scenario]) else { return };
    assert!(run.code == 0 && run.stdout.contains(", 0 failures"), "{run}");
}

#[test]
fn kills_in_run() {
    kill_in("run");
}

#[test]
fn kills_in_run_of_a_container_that_is_removed_after() {
    kill_in("run-rm");
}

#[test]
fn kills_in_create() {
    kill_in("create");
}

#[test]
fn kills_in_start() {
    kill_in("start");
}

#[test]
fn kills_in_stop() {
    kill_in("stop");
}

#[test]
fn kills_in_rm() {
    kill_in("rm");
}

#[test]
fn kills_in_rm_of_a_running_container() {
    kill_in("rm-force");
}

#[test]
fn kills_in_tag() {
    kill_in("tag");
}

#[test]
fn kills_in_image_prune() {
    kill_in("image-prune");
}

/// What the harness asserts it must also be able to miss: damage that is done on purpose after a kill.
fn assert_noticed(scenario: &str, damage: &str, word: &str) {
    let Some(run) = harness(&["--point", "cli:1", "--grace", "0.5", "--break", damage, scenario]) else { return };
    assert!(run.code == 1 && run.stdout.contains(word) && run.stdout.contains("1 kills"), "{damage}: {run}");
}

#[test]
fn the_kill_harness_notices_a_process() {
    assert_noticed("create", "process", "left behind: processes");
}

#[test]
fn the_kill_harness_notices_staging() {
    assert_noticed("create", "staging", "left behind: staging");
}

#[test]
fn the_kill_harness_notices_a_mount() {
    assert_noticed("create", "mount", "left behind: mounts");
}

#[test]
fn the_kill_harness_notices_that_a_bystander_is_gone() {
    assert_noticed("create", "bystander", "the container beside it is gone");
}

#[test]
fn the_kill_harness_notices_that_a_volume_is_empty() {
    assert_noticed("create", "volume", "cat: can't open '/v/file'");
}

#[test]
fn the_kill_harness_notices_a_damaged_blob() {
    assert_noticed("create", "blob", "is damaged");
}

#[test]
fn the_kill_harness_notices_damage_to_what_a_registry_has_and_sends() {
    if crate::support::registry::Registry::is_missing() {
        return;
    }
    assert_noticed("push", "upload", "the registry has an image without its sha256:");
    assert_noticed("pull", "part", "the next pull fetched ");
    assert_noticed("pull", "gate", "the next pull fetched 0 bytes");
}

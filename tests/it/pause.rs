//! `pause` and `unpause`: no process of the container runs in between, and it can be ended all the same.

use crate::support::{Sandbox, until};

/// Counts in a file, in the background of a shell that has a nested pid namespace beside it.
const COUNTS: &str = "trap 'exit 5' TERM; sleep 1000 & echo $! >/sleeper; (while :; do echo x >>/count; sleep 0.01; done) & echo ready; \
                      while :; do sleep 0.05; done";

fn counting(sandbox: &Sandbox, name: &str) {
    sandbox.image("busybox");
    sandbox.detached(&["--name", name, "busybox", "sh", "-c", COUNTS]);
    until("the script is ready", || sandbox.ok(&["logs", name]).contains("ready\n"));
}

fn states(sandbox: &Sandbox, name: &str) -> Vec<String> {
    let text = sandbox.ok(&["top", name, "state"]);
    text.lines().skip(1).map(|line| line.trim().to_owned()).collect()
}

#[test]
fn a_paused_container_stands_still_and_goes_on() {
    let sandbox = Sandbox::new();
    counting(&sandbox, "c");
    // What has stopped by itself is not woken by the end of a pause.
    sandbox.ok(&["exec", "c", "sh", "-c", "kill -STOP $(cat /sleeper)"]);
    assert_eq!(sandbox.ok(&["pause", "c"]), "c\n");
    // A zombie that nobody has reaped yet does not run either.
    let stopped = states(&sandbox, "c");
    assert!(stopped.iter().all(|state| matches!(state.as_str(), "T" | "Z")), "{stopped:?}");
    assert_eq!(
        sandbox.ok(&["inspect", "--format={{.State.Status}} {{.State.Paused}} {{.State.Running}}", "c"]),
        "paused true false\n"
    );
    assert_eq!(sandbox.ok(&["ps", "--format={{.Status}} {{.State}}"]), "Paused paused\n");
    assert_eq!(sandbox.ok(&["ps", "--quiet", "--filter=status=paused"]).lines().count(), 1);
    sandbox.fails(125, &["exec: ", "paused", "unpause c"], &["exec", "c", "true"]);
    sandbox.fails(125, &["pause: ", "paused"], &["pause", "c"]);
    sandbox.fails(2, &["rm: ", "running"], &["rm", "c"]);
    assert_eq!(sandbox.ok(&["pause", "--all"]), "", "there is nothing else to pause");
    assert_eq!(sandbox.ok(&["unpause", "--all"]).lines().count(), 1);
    sandbox.fails(125, &["unpause: ", "not paused"], &["unpause", "c"]);
    let count = || sandbox.ok(&["exec", "c", "wc", "-l", "/count"]);
    let before = count();
    until("it counts on", || count() != before);
    assert_eq!(sandbox.ok(&["exec", "c", "sh", "-c", "grep -l 'State:.T' /proc/[0-9]*/status | wc -l"]), "1\n");
}

#[test]
fn what_is_paused_obeys_its_end() {
    let sandbox = Sandbox::new();
    counting(&sandbox, "c");
    sandbox.ok(&["pause", "c"]);
    sandbox.ok(&["stop", "--time=60", "c"]);
    assert_eq!(sandbox.ok(&["wait", "c"]), "5\n", "it was let go on to hear the signal");
    sandbox.ok(&["start", "c"]);
    sandbox.ok(&["pause", "c"]);
    sandbox.ok(&["rm", "--force", "c"]);
    sandbox.assert_no_leaks();
}

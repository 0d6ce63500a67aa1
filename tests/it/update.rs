//! `update`: what a container is told anew holds at once, or from its next start on; and `wait` for what comes of it.

use crate::support::{Running, Sandbox, until};
use serde_json::Value;

fn config(sandbox: &Sandbox, id: &str) -> Value {
    let text = std::fs::read(sandbox.container(id).join("config.json")).expect("read config.json");
    serde_json::from_slice(&text).expect("config.json is JSON")
}

#[test]
fn a_container_that_does_not_run_is_rewritten() {
    let sandbox = Sandbox::new();
    let image = sandbox.image("busybox");
    let options =
        ["--name=c", "--network=none", "--env=GONE=1", "-e", "KEPT=1", "--env=OTHER=1", "--ulimit=nofile=99:99"];
    let show = "ulimit -n; ulimit -c; echo $KEPT $OTHER $NEW ${GONE-none}";
    let made = sandbox.ok(&[&["create"], &options[..], &[&image, "sh", "-c", show]].concat());
    let id = made.trim();
    assert_eq!(sandbox.ok(&["update", "c"]), made, "nothing to change is no error");
    let change =
        ["update", "--env=KEPT=2", "-e", "NEW=3", "--unsetenv=GONE", "--ulimit=core=0:0", "--restart=on-failure:2"];
    assert_eq!(sandbox.ok(&[&change[..], &["c"]].concat()), made);
    assert_eq!(sandbox.ok(&["start", "--attach", "c"]), "99\n0\n2 1 3 none\n");
    assert_eq!(sandbox.ok(&["inspect", "--format={{.HostConfig.RestartPolicy.Name}}", "c"]), "on-failure\n");
    // One area at a time: what is not named stays.
    sandbox.ok(&["update", "--cpu-quota=50000", "--memory=64m", "--memory-swap=128m", "c"]);
    sandbox.ok(&["update", "--cpus=1.5", "--pids-limit=7", "--cpuset-cpus=0", "--blkio-weight=100", "c"]);
    sandbox.ok(&["update", "--memory-swap=-1", "--memory-reservation=1m", "--cpu-shares=512", "c"]);
    let resources = &config(&sandbox, id)["resources"];
    let rare = &resources["rare"];
    assert_eq!((&resources["memory_bytes"], &resources["pids"]), (&(64 << 20).into(), &7.into()), "{resources}");
    assert!(resources["cpu_millis"] == 1500 && rare["cpu_quota_micros"].is_null(), "{resources}");
    assert!(rare["memory_swap_bytes"] == -1 && rare["cpuset_cpus"] == "0" && rare["io_weight"] == 100, "{rare}");
    sandbox.fails(125, &["--memory-swap needs --memory"], &["update", "--memory-swap=1g", &other(&sandbox, &image)]);
    sandbox.fails(125, &["no such policy"], &["update", "--restart=sometimes", "c"]);
    sandbox.fails(125, &["has no health check"], &["update", "--health-retries=2", "c"]);
    sandbox.fails(125, &["has no health check"], &["wait", "--condition=healthy", "c"]);
    assert_eq!(config(&sandbox, id)["resources"], *resources, "a refused change changes nothing");
}

fn other(sandbox: &Sandbox, image: &str) -> String {
    sandbox.ok(&["create", "--network=none", image, "true"]).trim().to_owned()
}

#[test]
fn one_that_runs_is_changed_through_its_monitor() {
    let sandbox = Sandbox::new();
    let image = sandbox.image("busybox");
    let id = sandbox.detached(&["--name=c", "--network=none", &image, "sh", "-c", "sleep 1000 & wait"]);
    sandbox.ok(&["update", "--restart=always", "--env=NEW=1", "c"]);
    // Its monitor writes the description again with what it has been told.
    sandbox.ok(&["rename", "c", "d"]);
    assert_eq!(config(&sandbox, &id)["restart"], "Always");
    sandbox.ok(&["exec", "d", "sh", "-c", "kill -9 $(pidof sleep)"]);
    until("it has been started again", || sandbox.state(&id)["restarts"].as_u64() >= Some(1));
    until("it runs with the new variable", || {
        let run = sandbox.coracle(&["exec", "d", "sh", "-c", "tr '\\0' '\\n' </proc/1/environ"]);
        run.code == 0 && run.stdout.contains("NEW=1\n")
    });
    let auto = sandbox.detached(&["--rm", "--network=none", &image, "sleep", "1000"]);
    sandbox.fails(125, &["cannot start again"], &["update", "--restart=always", &auto]);
    let text = std::fs::read_to_string(sandbox.runtime.join("coracle/events.jsonl")).expect("events");
    assert_eq!(text.matches("\"Status\":\"update\"").count(), 1, "{text}");
    sandbox.ok(&["rm", "--force", "d", &auto]);
    sandbox.assert_no_leaks();
}

/// Either the limit is in force, or it is an error that names it and the description stays as it was.
#[test]
fn limits_hold_at_once_or_are_refused() {
    let sandbox = Sandbox::new();
    let image = sandbox.image("busybox");
    let id = sandbox.detached(&["--name=c", "--network=none", &image, "sleep", "1000"]);
    let before = config(&sandbox, &id);
    let run = sandbox.coracle(&["update", "--memory=64m", "c"]);
    if run.code == 0 {
        assert_eq!(sandbox.ok(&["exec", "c", "cat", "/sys/fs/cgroup/memory.max"]), "67108864\n");
        assert_eq!(config(&sandbox, &id)["resources"]["memory_bytes"], 64 << 20);
    } else {
        run.fails(125, &["set memory.max to 67108864", "memory controller"]);
        assert_eq!(config(&sandbox, &id), before);
    }
}

#[test]
fn a_health_check_comes_changes_and_goes_while_it_runs() {
    let sandbox = Sandbox::new();
    let image = sandbox.image("busybox");
    let id = sandbox.detached(&["--name=c", "--network=none", &image, "sleep", "1000"]);
    sandbox.ok(&["update", "--health-cmd=test -e /ok", "--health-interval=50ms", "--health-retries=1", "c"]);
    assert_eq!(sandbox.ok(&["wait", "--condition=unhealthy", "c"]), "-1\n");
    let waits = Running::start(sandbox.command(&["wait", "--condition=healthy,exited", "c"]));
    sandbox.ok(&["exec", "c", "touch", "/ok"]);
    assert_eq!(waits.finish().stdout, "-1\n");
    // The interval alone: no check is made by itself any more.
    sandbox.ok(&["update", "--health-interval=disable", "c"]);
    sandbox.ok(&["exec", "c", "rm", "/ok"]);
    assert_eq!(sandbox.ok(&["wait", "--condition=healthy", "c"]), "-1\n");
    sandbox.ok(&["update", "--health-interval=50ms", "--health-on-failure=stop", "c"]);
    sandbox.ok(&["wait", "c"]);
    assert_eq!(config(&sandbox, &id)["health"]["retries"], 1);
    // What was found in an earlier run is not how this one is.
    sandbox.ok(&["update", "--health-interval=disable", "--health-on-failure=none", "c"]);
    sandbox.ok(&["start", "c"]);
    let waits = Running::start(sandbox.command(&["wait", "--condition=unhealthy", "c"]));
    sandbox.ok(&["exec", "c", "touch", "/ok"]);
    sandbox.ok(&["healthcheck", "run", "c"]);
    sandbox.ok(&["exec", "c", "rm", "/ok"]);
    assert_eq!(sandbox.coracle(&["healthcheck", "run", "c"]).code, 1);
    assert_eq!(waits.finish().stdout, "-1\n");
    sandbox.ok(&["update", "--no-healthcheck", "c"]);
    sandbox.fails(125, &["has no health check"], &["healthcheck", "run", "c"]);
    sandbox.ok(&["rm", "--force", "--time=0", "c"]);
}

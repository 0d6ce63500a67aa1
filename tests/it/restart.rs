//! Restart policies and `restart`: a container that ends starts again in the care of the same monitor.

use crate::support::{Running, Sandbox, is_alive, until};
use nix::sys::signal::Signal;

fn with_busybox() -> (Sandbox, String) {
    let sandbox = Sandbox::new();
    let image = sandbox.image("busybox");
    (sandbox, image)
}

/// Waits until the container has been started again this often and is between two runs.
fn until_paused(sandbox: &Sandbox, id: &str, restarts: u64) {
    until("it waits to be started again", || {
        let state = sandbox.state(id);
        state["restarts"].as_u64() >= Some(restarts) && state["restarting"] == true
    });
}

#[test]
fn a_failure_is_retried_as_often_as_asked() {
    let (sandbox, image) = with_busybox();
    let script = "echo run; exit 3";
    let options =
        ["run", "--network", "none", "--restart", "on-failure:2", "--name", "r", &image, "sh", "-c", script];
    let run = sandbox.coracle(&options);
    // As podman has it, who is attached sees the first run.
    assert_eq!((run.code, run.stdout.as_str()), (3, "run\n"), "{run}");
    let id = sandbox.ok(&["ps", "-aq", "--no-trunc"]).trim().to_owned();
    until("it has given up", || sandbox.ok(&["ps", "-a"]).contains("Exited (3)"));
    assert_eq!(sandbox.state(&id)["restarts"], 2);
    assert_eq!(sandbox.ok(&["logs", "r"]), "run\n".repeat(3));
    assert_eq!(sandbox.ok(&["wait", "r"]), "3\n");
    let success = sandbox.detached(&["--restart", "on-failure", &image, "true"]);
    sandbox.ok(&["wait", &success]);
    until("it is over", || sandbox.state(&success)["exit"]["code"] == 0);
    assert!(sandbox.state(&success)["restarts"].is_null());
}

#[test]
fn the_monitor_goes_on_without_the_command_that_started_it() {
    let (sandbox, image) = with_busybox();
    let script = "echo run >> /runs; [ $(wc -l < /runs) -ge 3 ] && exec sleep 1000; exit 1";
    let run = sandbox.spawn(&[
        "run",
        "--network",
        "none",
        "--restart",
        "always",
        "--name",
        "r",
        &image,
        "sh",
        "-c",
        script,
    ]);
    until("it has its monitor", || !sandbox.ok(&["ps", "-q"]).is_empty());
    run.signal(Signal::SIGKILL);
    until("the third run has come", || {
        sandbox.coracle(&["exec", "r", "sh", "-c", "[ $(wc -l < /runs) = 3 ]"]).code == 0
    });
    let id = sandbox.ok(&["ps", "-q", "--no-trunc"]).trim().to_owned();
    assert_eq!(sandbox.state(&id)["restarts"], 2);
    sandbox.ok(&["rm", "-f", "r"]);
    sandbox.assert_no_leaks();
}

#[test]
fn each_run_has_a_root_namespaces_and_streams_that_work() {
    let (sandbox, image) = with_busybox();
    for options in [&["--network", "none"][..], &["--network", "none", "-t", "-i", "--init"]] {
        let script = "hostname; cat /etc/hostname; mount | grep -c proc; sleep 0.2; exit 1";
        let options = [&["run", "-d", "--restart", "on-failure:3"], options, &[&image, "sh", "-c", script]].concat();
        let id = sandbox.ok(&options).trim().to_owned();
        until("all runs are over", || {
            let state = sandbox.state(&id);
            state["restarts"] == 3 && !state["exit"].is_null() && state["restarting"].is_null()
        });
        let log = sandbox.ok(&["logs", &id]).replace('\r', "");
        let lines: Vec<&str> = log.lines().collect();
        assert_eq!(lines.len(), 12, "{log}");
        assert!(lines.chunks(3).all(|run| run == &lines[..3] && run[0] == &id[..12]), "{log}");
        assert_eq!(sandbox.state(&id)["error"], serde_json::Value::Null);
    }
}

#[test]
fn stop_kill_and_rm_end_it_for_good_in_any_state() {
    let (sandbox, image) = with_busybox();
    let start =
        |policy: &str, command: &[&str]| sandbox.detached(&[&["--restart", policy, &image], command].concat());
    let stopped = start("always", &["false"]);
    until_paused(&sandbox, &stopped, 4);
    sandbox.fails(125, &["exec: ", "not running", "started again"], &["exec", &stopped, "true"]);
    sandbox.fails(125, &["attach: ", "not running"], &["attach", &stopped]);
    sandbox.fails(2, &["rm: ", "is running"], &["rm", &stopped]);
    sandbox.ok(&["stop", &stopped]);
    let state = sandbox.state(&stopped);
    assert!(state["restarting"].is_null() && state["stopped_by_user"] == true, "{state}");
    assert_eq!(sandbox.ok(&["wait", &stopped]), "1\n");
    let runs = start("unless-stopped", &["sleep", "1000"]);
    sandbox.ok(&["stop", "-t", "0", &runs]);
    let killed = start("always", &["sleep", "1000"]);
    sandbox.ok(&["kill", &killed]);
    until("it is over", || sandbox.state(&killed)["stopped_by_user"] == true);
    for id in [&runs, &killed] {
        assert_eq!(sandbox.state(id)["exit"]["code"], 137);
        assert!(sandbox.ok(&["ps", "-q"]).is_empty());
    }
    let removed = start("always", &["false"]);
    until_paused(&sandbox, &removed, 4);
    let at_once = start("always", &["false"]);
    sandbox.ok(&["rm", "-f", &removed, &at_once, &runs, &killed, &stopped]);
    sandbox.assert_no_leaks();
}

#[test]
fn a_signal_that_does_not_mean_the_end_is_not_taken_for_one() {
    let (sandbox, image) = with_busybox();
    let id = sandbox.detached(&["--restart", "always", "--init", &image, "sleep", "1000"]);
    sandbox.ok(&["kill", "-s", "HUP", &id]);
    until("it has been started again", || sandbox.state(&id)["restarts"] == 1);
    sandbox.ok(&["stop", "-t", "0", &id]);
}

#[test]
fn after_a_boot_those_start_that_should() {
    let (sandbox, image) = with_busybox();
    let make = |name: &str, policy: &str| {
        sandbox.detached(&["--name", name, "--restart", policy, &image, "sleep", "1000"]);
    };
    for (name, policy) in [("a", "always"), ("u", "unless-stopped"), ("down", "unless-stopped"), ("f", "on-failure")]
    {
        make(name, policy);
    }
    // As a power cut leaves them.
    for id in sandbox.ok(&["ps", "-q", "--no-trunc"]).lines() {
        if sandbox.ok(&["inspect", "--format", "{{.Name}}", id]).trim() == "down" {
            sandbox.ok(&["stop", "-t", "0", id]);
        } else {
            let monitor = sandbox.state(id)["monitor_pid"].as_i64().expect("a pid");
            nix::sys::signal::kill(nix::unistd::Pid::from_raw(monitor as i32), Signal::SIGKILL).expect("kill it");
            until("the monitor is gone", || !is_alive(monitor));
        }
    }
    assert_eq!(sandbox.ok(&["start", "--all", "--filter", "restart-policy=always"]), "a\n");
    let mut started: Vec<String> =
        sandbox.ok(&["start", "--filter", "should-start-on-boot=true"]).lines().map(str::to_owned).collect();
    started.sort();
    assert_eq!(started, ["a", "u"]);
}

#[test]
fn restart_keeps_the_monitor_and_what_is_to_be_removed() {
    let (sandbox, image) = with_busybox();
    for options in [&[][..], &["--rm"], &["--restart", "always"]] {
        let id = sandbox
            .detached(&[options, &["--name", "c", &image, "sh", "-c", "echo x >> /runs; exec sleep 1000"]].concat());
        until("the first run has begun", || sandbox.coracle(&["exec", "c", "cat", "/runs"]).stdout == "x\n");
        let before = sandbox.state(&id);
        assert_eq!(sandbox.ok(&["restart", "-t", "0", "c"]), "c\n");
        let after = sandbox.state(&id);
        assert_eq!(before["monitor_pid"], after["monitor_pid"]);
        assert_ne!(before["pid"], after["pid"]);
        assert!(after["restarts"].is_null() && after["stopped_by_user"].is_null(), "{after}");
        until("the second run has begun", || sandbox.ok(&["exec", "c", "cat", "/runs"]) == "x\nx\n");
        sandbox.ok(&["rm", "-f", "c"]);
    }
    sandbox.assert_no_leaks();
}

#[test]
fn restart_starts_what_is_down_and_what_waits() {
    let (sandbox, image) = with_busybox();
    let cidfile = sandbox.home.join("id");
    let down = sandbox.ok(&[
        "create",
        "--network",
        "none",
        "--name",
        "down",
        "--cidfile",
        cidfile.to_str().expect("ASCII"),
        &image,
        "sleep",
        "1000",
    ]);
    assert!(sandbox.ok(&["restart", "--running"]).is_empty());
    assert_eq!(sandbox.ok(&["restart", "-t", "0", "--cidfile", cidfile.to_str().expect("ASCII")]), "down\n");
    assert!(sandbox.state(down.trim())["exit"].is_null());
    assert_eq!(sandbox.ok(&["restart", "-t", "0", "--running"]), "down\n");
    let script = "[ -e /go ] && exec sleep 1000; touch /go; exit 1";
    let waits = sandbox.detached(&["--name", "w", "--restart", "always", &image, "sh", "-c", "exit 1"]);
    until_paused(&sandbox, &waits, 5);
    assert_eq!(sandbox.ok(&["restart", "w"]), "w\n");
    let again = sandbox.detached(&["--name", "g", "--restart", "always", &image, "sh", "-c", script]);
    until("it runs", || sandbox.state(&again)["restarts"] == 1);
    sandbox.fails(125, &["restart: ", "no container \"nosuch\""], &["restart", "nosuch"]);
    let mut all: Vec<String> = sandbox.ok(&["restart", "-t", "0", "-a"]).lines().map(str::to_owned).collect();
    all.sort();
    assert_eq!(all, ["down", "g", "w"]);
}

#[test]
fn a_start_that_fails_is_tried_again_and_its_reason_kept() {
    let (sandbox, image) = with_busybox();
    let (root, aside) = (sandbox.home.join("root"), sandbox.home.join("aside"));
    let id = sandbox.detached(&["--restart", "always", &image, "true"]);
    sandbox.ok(&["rm", "-f", &id]);
    let copied = sandbox.coracle(&["run", "--rm", "--network", "none", "-v", &format!("{}:/h", sandbox.home.display()), &image, "sh", "-c", "mkdir -p /h/root/bin /h/root/proc /h/root/sys /h/root/dev /h/root/etc /h/root/run /h/root/tmp; cp /bin/busybox /h/root/bin/busybox"]);
    assert_eq!(copied.code, 0, "{copied}");
    let id = sandbox.detached(&[
        "--restart",
        "always",
        "--rootfs",
        root.to_str().expect("ASCII"),
        "/bin/busybox",
        "sleep",
        "1000",
    ]);
    std::fs::rename(&root, &aside).expect("take the root away");
    sandbox.ok(&["kill", "-s", "INT", &id]);
    let pid = sandbox.state(&id)["pid"].as_i64().expect("a pid");
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid as i32), Signal::SIGKILL).expect("end its process");
    until("a start has failed", || sandbox.state(&id)["error"].as_str().is_some_and(|error| error.contains("root")));
    assert_eq!(sandbox.state(&id)["exit"]["code"], 125);
    std::fs::rename(&aside, &root).expect("give it back");
    until("it runs again", || sandbox.state(&id)["exit"].is_null());
    assert!(sandbox.state(&id)["error"].is_null());
}

#[test]
fn what_makes_no_sense_is_refused() {
    let (sandbox, image) = with_busybox();
    for (words, policy) in
        [(&["no such policy"][..], "bogus"), (&["only on-failure"], "always:3"), (&["not a number"], "on-failure:x")]
    {
        let words = [&["run: "], words].concat();
        sandbox.fails(125, &words, &["run", "--restart", policy, &image, "true"]);
    }
    sandbox.fails(
        125,
        &["run: ", "--rm", "--restart always"],
        &["run", "--rm", "--restart", "always", &image, "true"],
    );
    let run =
        Running::start(sandbox.command(&["run", "--rm", "--network", "none", "--restart", "no", &image, "true"]))
            .finish();
    assert_eq!(run.code, 0, "{run}");
}

#[test]
fn a_monitor_that_is_asked_to_end_lets_its_container_end_first() {
    let (sandbox, image) = with_busybox();
    let script = "trap 'exit 5' TERM; echo ready; while :; do sleep 0.05; done";
    let id = sandbox.detached(&["--restart", "always", &image, "sh", "-c", script]);
    until("the script is ready", || sandbox.ok(&["logs", &id]).contains("ready"));
    let monitor = sandbox.state(&id)["monitor_pid"].as_i64().expect("a pid");
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(monitor as i32), Signal::SIGTERM).expect("ask it");
    until("it has ended", || !is_alive(monitor));
    let state = sandbox.state(&id);
    assert!(state["exit"]["code"] == 5 && state["stopped_by_user"].is_null(), "{state}");
}

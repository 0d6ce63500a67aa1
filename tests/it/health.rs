//! Health checks: the monitor makes them, one at a time, and acts on what they come to.

use crate::support::artifact::{self, Artifact};
use crate::support::{Running, Sandbox, is_alive, until};
use serde_json::{Value, json};

fn with_busybox() -> (Sandbox, String) {
    let sandbox = Sandbox::new();
    let image = sandbox.image("busybox");
    (sandbox, image)
}

/// What the monitor has written down of a container's health.
fn health(sandbox: &Sandbox, id: &str) -> Value {
    let text = std::fs::read(sandbox.container(id).join("health.json")).unwrap_or_default();
    serde_json::from_slice(&text).unwrap_or_default()
}

fn until_status(sandbox: &Sandbox, id: &str, status: &str) {
    until(status, || health(sandbox, id)["status"] == status);
}

#[test]
fn checks_follow_the_container_and_only_changes_are_told() {
    let (sandbox, image) = with_busybox();
    let check = "test -e /ok || { echo missing; exit 3; }";
    let options = ["--name", "h", "--health-cmd", check, "--health-interval", "50ms", "--health-retries", "2"];
    let id = sandbox.detached(&[&options[..], &[&image, "sleep", "1000"]].concat());
    until_status(&sandbox, &id, "Unhealthy");
    let report = health(&sandbox, &id);
    let last = &report["log"][0];
    assert!(
        last["exit_code"] == 3 && last["output"] == "missing\n" && report["failing_streak"].as_u64() >= Some(2),
        "{report}"
    );
    sandbox.ok(&["exec", "h", "touch", "/ok"]);
    until_status(&sandbox, &id, "Healthy");
    until("the ring has gone round", || {
        health(&sandbox, &id)["log"].as_array().is_some_and(|log| log.iter().all(|result| result["exit_code"] == 0))
    });
    let report = health(&sandbox, &id);
    assert!(report["failing_streak"] == 0 && report["log"].as_array().map(Vec::len) == Some(5), "{report}");
    sandbox.ok(&["exec", "h", "rm", "/ok"]);
    until_status(&sandbox, &id, "Unhealthy");
    sandbox.ok(&["stop", "-t", "0", "h"]);
    let events = std::fs::read_to_string(sandbox.runtime.join("coracle/events.jsonl")).expect("events");
    let told: Vec<&str> = events.lines().filter(|line| line.contains("health_status")).collect();
    assert_eq!(told.len(), 3, "{told:?}");
    assert!(told[0].contains("\"unhealthy\"") && told[1].contains("\"healthy\""), "{told:?}");
    assert_eq!(events.matches("exec_died").count(), 2, "a check is no exec: {events}");
}

#[test]
fn by_hand_a_check_says_what_it_comes_to() {
    let (sandbox, image) = with_busybox();
    let check = "test -e /ok";
    let options = ["--name", "h", "--health-cmd", check, "--health-interval", "disable"];
    let id = sandbox.detached(&[&options[..], &[&image, "sleep", "1000"]].concat());
    until_status(&sandbox, &id, "Starting");
    for _ in 0..3 {
        let run = sandbox.coracle(&["healthcheck", "run", "h"]);
        assert_eq!((run.code, run.stdout.as_str(), run.stderr.as_str()), (1, "unhealthy\n", ""), "{run}");
    }
    assert_eq!(health(&sandbox, &id)["status"], "Unhealthy");
    assert_eq!(sandbox.ok(&["healthcheck", "run", "--ignore-result", "h"]), "unhealthy\n");
    sandbox.ok(&["exec", "h", "touch", "/ok"]);
    assert_eq!(sandbox.ok(&["healthcheck", "run", "h"]), "");
    assert_eq!(health(&sandbox, &id)["status"], "Healthy");
    assert_eq!(health(&sandbox, &id)["log"].as_array().map(Vec::len), Some(5));
    // Asked by many at once it is made once, or once after another.
    let many: Vec<_> = (0..8).map(|_| sandbox.spawn(&["healthcheck", "run", "h"])).collect();
    assert!(many.into_iter().all(|one| one.finish().code == 0));
    sandbox.ok(&["stop", "-t", "0", "h"]);
    sandbox.fails(125, &["run: ", "not running"], &["healthcheck", "run", "h"]);
    sandbox.fails(125, &["run: ", "no container \"nosuch\""], &["healthcheck", "run", "nosuch"]);
    let plain = sandbox.detached(&[&image, "sleep", "1000"]);
    sandbox.fails(125, &["run: ", "has no health check"], &["healthcheck", "run", &plain]);
    assert!(!sandbox.container(&plain).join("health.json").exists());
}

#[test]
fn what_lasts_too_long_is_ended_with_all_it_has_started() {
    let (sandbox, image) = with_busybox();
    let check = "sleep 4321 & echo $! > /child; sleep 1234";
    let options = ["--name", "h", "--health-cmd", check, "--health-interval", "disable", "--health-timeout", "300ms"];
    let id = sandbox.detached(&[&options[..], &[&image, "sleep", "1000"]].concat());
    assert_eq!(sandbox.coracle(&["healthcheck", "run", "h"]).code, 1);
    let result = health(&sandbox, &id)["log"][0].clone();
    assert!(
        result["exit_code"] == -1 && result["output"].as_str().is_some_and(|text| text.contains("300ms")),
        "{result}"
    );
    until("none of it is left", || !sandbox.ok(&["exec", "h", "ps"]).contains("4321"));
    let missing =
        sandbox.detached(&["--health-cmd", "[\"/nosuch\"]", "--health-interval", "disable", &image, "sleep", "1000"]);
    assert_eq!(sandbox.coracle(&["healthcheck", "run", &missing]).code, 1);
    assert!(health(&sandbox, &missing)["log"][0]["output"].as_str().is_some_and(|text| text.contains("nosuch")));
}

#[test]
fn the_output_that_is_kept_has_bounds() {
    let (sandbox, image) = with_busybox();
    let check = "yes | head -c 10000000; printf '\\377'";
    for (options, length) in
        [(&[][..], 500), (&["--health-max-log-size", "7"], 7), (&["--health-max-log-size", "0"], 65_536)]
    {
        let all = [
            &["--health-cmd", check, "--health-interval", "disable", "--health-max-log-count", "2"],
            options,
            &[&image, "sleep", "1000"],
        ]
        .concat();
        let id = sandbox.detached(&all);
        for _ in 0..3 {
            sandbox.ok(&["healthcheck", "run", &id]);
        }
        let report = health(&sandbox, &id);
        let lengths: Vec<usize> = report["log"]
            .as_array()
            .expect("a log")
            .iter()
            .map(|result| result["output"].as_str().map_or(0, str::len))
            .collect();
        assert_eq!(lengths, [length, length]);
    }
}

#[test]
fn what_becomes_unhealthy_is_killed_stopped_or_restarted() {
    let (sandbox, image) = with_busybox();
    let start = |action: &str, more: &[&str]| {
        let options = [
            "--health-cmd",
            "exit 1",
            "--health-interval",
            "50ms",
            "--health-retries",
            "2",
            "--health-on-failure",
            action,
            "--stop-timeout",
            "1",
        ];
        sandbox.detached(
            &[&options[..], more, &[&image, "sh", "-c", "trap 'exit 7' TERM; while :; do sleep 0.05; done"]].concat(),
        )
    };
    let killed = start("kill", &[]);
    assert_eq!(sandbox.ok(&["wait", &killed]), "137\n");
    let stopped = start("stop", &["--restart", "always"]);
    until("it has been stopped", || sandbox.state(&stopped)["stopped_by_user"] == true);
    assert_eq!(sandbox.state(&stopped)["exit"]["code"], 7);
    let restarted = start("restart", &[]);
    until("it has been restarted", || sandbox.state(&restarted)["restarts"].as_u64() >= Some(2));
    sandbox.ok(&["stop", "-t", "0", &restarted]);
    let again = start("kill", &["--restart", "on-failure"]);
    until("its policy has started it again", || sandbox.state(&again)["restarts"].as_u64() >= Some(1));
    let none = start("none", &[]);
    until_status(&sandbox, &none, "Unhealthy");
    assert!(is_alive(sandbox.state(&none)["pid"].as_i64().expect("a pid")));
    sandbox.ok(&["rm", "-fa"]);
    sandbox.assert_no_leaks();
}

#[test]
fn the_check_begins_when_the_startup_check_has_succeeded() {
    let (sandbox, image) = with_busybox();
    let options = [
        "--health-cmd",
        "echo regular",
        "--health-interval",
        "50ms",
        "--health-startup-cmd",
        "echo startup; test -e /ok",
        "--health-startup-interval",
        "50ms",
        "--health-startup-success",
        "2",
    ];
    let id = sandbox.detached(&[&options[..], &[&image, "sleep", "1000"]].concat());
    until("the startup check has failed", || {
        health(&sandbox, &id)["log"].as_array().is_some_and(|log| log.len() > 2)
    });
    let report = health(&sandbox, &id);
    assert!(report["status"] == "Starting" && report["failing_streak"] == 0, "{report}");
    sandbox.ok(&["exec", &id, "touch", "/ok"]);
    until_status(&sandbox, &id, "Healthy");
    until("the regular one goes on", || health(&sandbox, &id)["log"][0]["output"] == "regular\n");
    let restarts = [
        "--health-cmd",
        "true",
        "--health-startup-cmd",
        "false",
        "--health-startup-interval",
        "50ms",
        "--health-startup-retries",
        "2",
        "--stop-timeout",
        "0",
    ];
    let sick = sandbox.detached(&[&restarts[..], &[&image, "sleep", "1000"]].concat());
    until("it has been restarted", || sandbox.state(&sick)["restarts"].as_u64() >= Some(1));
}

#[test]
fn early_failures_do_not_count() {
    let (sandbox, image) = with_busybox();
    let options = [
        "--health-cmd",
        "exit 1",
        "--health-interval",
        "disable",
        "--health-start-period",
        "1h",
        "--health-retries",
        "1",
    ];
    let id = sandbox.detached(&[&options[..], &[&image, "sleep", "1000"]].concat());
    let run = sandbox.coracle(&["healthcheck", "run", &id]);
    assert_eq!((run.code, run.stdout.as_str()), (1, "starting\n"), "{run}");
    assert_eq!(health(&sandbox, &id)["status"], "Starting");
}

#[test]
fn results_also_go_to_a_directory() {
    let (sandbox, image) = with_busybox();
    let dir = sandbox.home.to_str().expect("ASCII");
    let options = ["--health-cmd", "echo fine", "--health-interval", "disable", "--health-log-destination", dir];
    let id = sandbox.detached(&[&options[..], &[&image, "sleep", "1000"]].concat());
    sandbox.ok(&["healthcheck", "run", &id]);
    let text = std::fs::read(sandbox.home.join(format!("{id}-healthcheck.log"))).expect("a log there");
    let report: Value = serde_json::from_slice(&text).expect("JSON");
    assert!(report["Status"] == "healthy" && report["Log"][0]["Output"] == "fine\n", "{report}");
}

#[test]
fn what_makes_no_sense_is_refused() {
    let (sandbox, image) = with_busybox();
    for (words, options) in [
        (&["startup check needs a health check"][..], &["--health-startup-cmd", "true"][..]),
        (&["--health-on-failure kill needs a health check"], &["--health-on-failure", "kill"]),
        (&["no such action"], &["--health-on-failure", "bogus", "--health-cmd", "true"]),
        (&["--health-retries"], &["--health-retries", "0", "--health-cmd", "true"]),
        (&["--health-interval", "malformed duration"], &["--health-interval", "10", "--health-cmd", "true"]),
        (&["--health-start-period", "malformed duration"], &["--health-start-period=-1s", "--health-cmd", "true"]),
        (&["--health-timeout"], &["--health-timeout", "0s", "--health-cmd", "true"]),
        (&["cannot be used with"], &["--no-healthcheck", "--health-cmd", "true"]),
        (&["no such directory"], &["--health-log-destination", "/nonexistent", "--health-cmd", "true"]),
    ] {
        let words = [&["create: "], words].concat();
        sandbox.fails(125, &words, &[&["create"], options, &[&image, "true"]].concat());
    }
}

#[test]
fn the_images_check_is_made_unless_the_user_has_another_wish() {
    let sandbox = Sandbox::new();
    let mut image = Artifact::new(&[artifact::busybox()]);
    image.config["config"]["Cmd"] = json!(["sleep", "1000"]);
    image.config["config"]["Healthcheck"] =
        json!({"Test": ["CMD-SHELL", "echo of the image"], "Interval": 50_000_000, "Timeout": 3_000_000_000_u64});
    let archive = sandbox.home.join("checked.tar");
    std::fs::write(&archive, image.docker_archive("checked:latest")).expect("write the archive");
    sandbox.ok(&["load", "-i", archive.to_str().expect("ASCII")]);
    let id = sandbox.detached(&["--health-retries", "7", "checked"]);
    until_status(&sandbox, &id, "Healthy");
    assert_eq!(health(&sandbox, &id)["log"][0]["output"], "of the image\n");
    let inspected =
        sandbox.ok(&["inspect", "--format", "{{json .Config.Healthcheck}} {{.State.Health.Status}}", &id]);
    assert!(inspected.contains("\"Interval\":50000000") && inspected.contains("\"Retries\":7"), "{inspected}");
    assert!(inspected.trim().ends_with("healthy"), "{inspected}");
    assert!(sandbox.ok(&["ps"]).contains("(healthy)"));
    assert_eq!(sandbox.ok(&["ps", "-q", "--no-trunc", "--filter", "health=healthy"]).trim(), id);
    let without = sandbox.detached(&["--no-healthcheck", "checked"]);
    assert!(!sandbox.container(&without).join("health.json").exists());
}

#[test]
fn systemd_hears_from_whom_it_should_that_the_service_is_ready() {
    let (sandbox, image) = with_busybox();
    let path = sandbox.home.join("notify");
    let socket = std::os::unix::net::UnixDatagram::bind(&path).expect("listen as systemd does");
    socket.set_read_timeout(Some(std::time::Duration::from_secs(30))).expect("a timeout");
    let hear = || {
        let mut buffer = [0; 256];
        let length = socket.recv(&mut buffer).expect("a word");
        String::from_utf8_lossy(&buffer[..length]).into_owned()
    };
    let run = |who: &str, options: &[&str]| {
        let always = ["run", "-d", "--network", "none", "--cgroups", "disabled", "--sdnotify", who];
        let script = "echo at $NOTIFY_SOCKET; exec sleep 1000";
        let mut command = sandbox.command(&[&always[..], options, &[&image, "sh", "-c", script]].concat());
        command.env("NOTIFY_SOCKET", &path);
        let run = Running::start(command).finish();
        assert_eq!(run.code, 0, "{run}");
        run.stdout.trim().to_owned()
    };
    let id = run("conmon", &[]);
    assert!(hear().ends_with("\nREADY=1"));
    until("it has spoken", || sandbox.ok(&["logs", &id]) == "at\n");
    // Nothing is heard of this one: the next word is of the one after it.
    run("ignore", &[]);
    let id = run("container", &[]);
    let word = hear();
    assert!(word.starts_with("MAINPID=") && !word.contains("READY"), "{word}");
    until("it has its socket", || sandbox.ok(&["logs", &id]) == "at /run/notify/notify.sock\n");
    sandbox.ok(&["exec", &id, "test", "-S", "/run/notify/notify.sock"]);
    let id = run("healthy", &["--health-cmd", "test -e /ok", "--health-interval", "50ms"]);
    assert!(hear().starts_with("MAINPID="));
    sandbox.ok(&["exec", &id, "touch", "/ok"]);
    assert_eq!(hear(), "READY=1");
}

//! `events`: what has happened is told in order, under podman's names, and followed as it happens.

use crate::support::Sandbox;
use serde_json::Value;
use std::io::{BufRead, BufReader};
use std::process::Stdio;

fn all(sandbox: &Sandbox, filters: &[&str]) -> Vec<Value> {
    let filters = filters.iter().flat_map(|filter| ["--filter", filter]);
    let arguments = ["events", "--stream=false", "--format=json"].into_iter().chain(filters).collect::<Vec<_>>();
    let text = sandbox.ok(&arguments);
    text.lines().map(|line| serde_json::from_str(line).expect("an event is JSON")).collect()
}

fn words(events: &[Value]) -> Vec<String> {
    events.iter().map(|event| event["Status"].as_str().expect("an event has a status").to_owned()).collect()
}

#[test]
fn the_life_of_a_container_is_told_in_order() {
    let sandbox = Sandbox::new();
    let image = sandbox.image("busybox");
    let run = ["run", "--name=c", "--network=none", "--label=tier=front", "--env=PASS=hunter2", &image];
    assert_eq!(sandbox.coracle(&[&run[..], &["sh", "-c", "exit 3"]].concat()).code, 3);
    sandbox.ok(&["rm", "c"]);
    let events = all(&sandbox, &["container=c"]);
    assert_eq!(words(&events), ["create", "init", "start", "attach", "died", "cleanup", "remove"]);
    for event in &events {
        assert_eq!(
            (&event["Name"], &event["Type"], &event["Image"]),
            (&"c".into(), &"container".into(), &image.as_str().into())
        );
        assert_eq!(event["Attributes"]["tier"], "front");
        let is_end = event["Status"] == "died" || event["Status"] == "remove";
        assert_eq!(event["ContainerExitCode"], if is_end { 3.into() } else { Value::Null }, "{event}");
        assert!(!event.to_string().contains("hunter2"), "{event}");
    }
    assert_eq!(words(&all(&sandbox, &["label=tier=front", "event=die", "event=start"])), ["start", "died"]);
    assert_eq!(words(&all(&sandbox, &["type=image"])), ["loadfromarchive"]);
    let line = sandbox.ok(&["events", "--stream=false", "--filter=event=died", "--no-trunc=false"]);
    assert!(
        line.contains(" container died ") && line.contains("(image=localhost/busybox:latest, name=c, "),
        "{line}"
    );
    let text = ["events", "--since=1m", "--stream=false", "--format={{.Status}} {{.ContainerExitCode}} {{.Type}}"];
    assert!(sandbox.ok(&text).contains("died 3 container\n"));
    assert_eq!(
        sandbox.ok(&["events", "--until=2001-01-01", "--since=2000-01-01"]),
        "",
        "an end in the past is an end"
    );
    sandbox.fails(125, &["filter", "nope"], &["events", "--filter=nope=1"]);
}

#[test]
fn execs_kills_and_stops_are_told() {
    let sandbox = Sandbox::new();
    sandbox.image("busybox");
    let id = sandbox.detached(&["--rm", "busybox", "sleep", "1000"]);
    let session = sandbox.ok(&["exec", "--detach", &id, "sh", "-c", "exit 4"]);
    let is_over = || words(&all(&sandbox, &["event=exec_died"])).len() == 1;
    crate::support::until("the exec is over", is_over);
    sandbox.ok(&["kill", "--signal=WINCH", &id]);
    sandbox.ok(&["stop", "--time=0", &id]);
    let events = all(&sandbox, &[&format!("container={}", &id[..12])]);
    let expected = ["create", "init", "start", "exec", "exec_died", "kill", "died", "stop", "cleanup", "remove"];
    assert_eq!(words(&events), expected);
    assert_eq!(events[4]["ContainerExitCode"], 4);
    assert_eq!(events[4]["Attributes"]["execID"], session.trim());
    assert_eq!(events[6]["ContainerExitCode"], 137);
}

#[test]
fn what_happens_is_followed() {
    let sandbox = Sandbox::new();
    let image = sandbox.image("busybox");
    // From the beginning of the hour: whether it has begun to watch by the time of the run does not matter.
    let mut command = sandbox.command(&["events", "--since=1h", "--filter=type=container", "--format={{.Status}}"]);
    let mut follower = command.stdout(Stdio::piped()).spawn().expect("follow the events");
    let mut lines = BufReader::new(follower.stdout.take().expect("it is piped")).lines().map_while(Result::ok);
    for _ in 0..3 {
        sandbox.ok(&["run", "--rm", "--network=none", &image, "true"]);
        for word in ["create", "init", "start", "attach", "died", "cleanup", "remove"] {
            assert_eq!(lines.next().as_deref(), Some(word));
        }
    }
    // A full file is put aside, and what is told from then on is in a new one.
    let file = std::fs::OpenOptions::new().append(true).open(sandbox.runtime.join("coracle/events.jsonl"));
    file.expect("open the events").set_len(1 << 20).expect("fill the file");
    sandbox.ok(&["create", "--network=none", &image]);
    assert_eq!(lines.next().as_deref(), Some("create"));
    follower.kill().expect("end the follower");
    follower.wait().expect("reap the follower");
    assert!(sandbox.runtime.join("coracle/events.jsonl.1").exists());
}

/// Events that cannot be told are no reason to fail.
#[test]
fn nothing_fails_for_want_of_events() {
    let sandbox = Sandbox::new();
    let image = sandbox.image("busybox");
    let file = sandbox.runtime.join("coracle/events.jsonl");
    std::fs::remove_file(&file).expect("remove the events");
    std::fs::create_dir(&file).expect("put a directory in their place");
    let id = sandbox.detached(&[&image, "sleep", "1000"]);
    sandbox.ok(&["exec", &id, "true"]);
    sandbox.ok(&["rm", "--force", &id]);
    sandbox.assert_no_leaks();
}

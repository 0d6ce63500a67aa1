//! `stats`: figures of the processes of a container, whether a cgroup counts them or not.

use crate::support::{Running, Sandbox, until};
use serde_json::Value;

fn field(sandbox: &Sandbox, name: &str, field: &str) -> String {
    sandbox.ok(&["stats", "--no-stream", "--format", &format!("{{{{.{field}}}}}"), name]).trim().to_owned()
}

#[test]
fn what_a_container_uses_up_is_shown() {
    let sandbox = Sandbox::new();
    let image = sandbox.image("busybox");
    let script = "x=$(head -c 20000000 /dev/zero | tr '\\0' x); sleep 1000 & echo ready; wait";
    let id = sandbox.detached(&["--name=c", "--network=none", &image, "sh", "-c", script]);
    until("it is ready", || sandbox.ok(&["logs", "c"]) == "ready\n");
    assert_eq!(field(&sandbox, "c", "PIDS"), "2");
    sandbox.ok(&["exec", "--detach", "c", "sh", "-c", "while :; do :; done"]);
    until("an exec counts, too", || field(&sandbox, "c", "PIDS") == "3");
    let nanos = || field(&sandbox, "c", "CPUNano").parse::<u64>().expect("CPUNano is a number");
    let before = nanos();
    until("time is used", || nanos() > before + 50_000_000);
    let usage = field(&sandbox, "c", "MemUsage");
    let megabytes = usage.split_once("MB / ").and_then(|(used, _)| used.parse::<f64>().ok());
    assert!(megabytes.is_some_and(|used| (20.0..200.0).contains(&used)), "{usage}");
    assert_eq!(field(&sandbox, "c", "NetIO"), "-- / --");
    let rows: Value = serde_json::from_str(&sandbox.ok(&["stats", "--no-stream", "--format=json"])).expect("JSON");
    assert!(rows[0]["id"] == id[..12] && rows[0]["name"] == "c" && rows[0]["pids"] == "3", "{rows}");
    let mut keys: Vec<&String> = rows[0].as_object().expect("an object").keys().collect();
    keys.sort();
    assert_eq!(
        keys,
        [
            "avg_cpu",
            "block_io",
            "cpu_percent",
            "cpu_time",
            "id",
            "mem_percent",
            "mem_usage",
            "name",
            "net_io",
            "pids"
        ]
    );
    sandbox.ok(&["rm", "--force", "--time=0", "c"]);
}

#[test]
fn those_that_run_are_shown_else_those_that_are_named() {
    let sandbox = Sandbox::new();
    let image = sandbox.image("busybox");
    sandbox.ok(&["create", "--name=still", "--network=none", &image, "true"]);
    let id = sandbox.detached(&["--name=c", "--network=none", &image, "sleep", "1000"]);
    let names = |options: &[&str]| {
        let text = sandbox.ok(&[&["stats", "--no-stream", "--format={{.Name}}"], options].concat());
        let mut names: Vec<String> = text.lines().map(str::to_owned).collect();
        names.sort();
        names
    };
    assert_eq!(names(&[]), ["c"]);
    assert_eq!(names(&["--all"]), ["c", "still"]);
    assert_eq!(names(&["--latest"]), ["c"]);
    assert_eq!(names(&["still"]), ["still"]);
    assert_eq!(field(&sandbox, "still", "CPUPerc"), "--");
    let table = sandbox.ok(&["stats", "--no-stream", "--no-trunc"]);
    assert!(table.starts_with("ID ") && table.contains("MEM USAGE / LIMIT") && table.contains(&id), "{table}");
    sandbox.fails(125, &["no container"], &["stats", "--no-stream", "none"]);
    sandbox.fails(125, &["at least one second"], &["stats", "--interval=0"]);
    // It goes on for as long as there is something to show.
    let stream = Running::start(sandbox.command(&["stats", "--interval=1", "c"]));
    sandbox.ok(&["rm", "--force", "--time=0", "c"]);
    stream.finish().fails(125, &["stats: "]);
}

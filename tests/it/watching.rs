//! `wait`, `top`, `port`, `exists`: what is told of containers without changing them.

use crate::support::{Sandbox, until};

#[test]
fn wait_returns_in_each_state() {
    let sandbox = Sandbox::new();
    let image = sandbox.image("busybox");
    sandbox.ok(&[
        "create",
        "--name=c",
        "--network=none",
        &image,
        "sh",
        "-c",
        "trap 'exit 7' TERM; echo ready; while :; do sleep 0.05; done",
    ]);
    assert_eq!(sandbox.ok(&["wait", "--condition=created", "c"]), "-1\n");
    let mut running = sandbox.spawn(&["wait", "--condition=running", "--interval=50ms", "c"]);
    sandbox.ok(&["start", "c"]);
    assert_eq!(running.finish().stdout, "-1\n");
    until("it has set its trap", || sandbox.ok(&["logs", "c"]).contains("ready"));
    let paused = sandbox.spawn(&["wait", "--condition=paused", "--condition=removing", "c"]);
    sandbox.ok(&["pause", "c"]);
    assert_eq!(paused.finish().stdout, "-1\n");
    sandbox.ok(&["unpause", "c"]);
    running = sandbox.spawn(&["wait", "--condition=stopped,paused", "c"]);
    let plain = sandbox.spawn(&["wait", "c", "c"]);
    sandbox.ok(&["stop", "c"]);
    assert_eq!(running.finish().stdout, "7\n");
    assert_eq!(plain.finish().stdout, "7\n7\n");
    let removed = sandbox.spawn(&["wait", "--condition=removed", "c"]);
    sandbox.ok(&["rm", "c"]);
    let removed = removed.finish();
    assert!(removed.stdout == "-1\n" || removed.stderr.contains("no container"), "{removed}");
    assert_eq!(sandbox.ok(&["wait", "--ignore", "c"]), "-1\n");
    sandbox.fails(125, &["no container"], &["wait", "c"]);
    sandbox.fails(125, &["no state"], &["wait", "--condition=odd", "c"]);
}

#[test]
fn wait_can_return_with_the_first() {
    let sandbox = Sandbox::new();
    let image = sandbox.image("busybox");
    sandbox.detached(&["--name=long", &image, "sleep", "1000"]);
    sandbox.detached(&["--name=short", "--rm", &image, "sleep", "1000"]);
    assert_eq!(sandbox.ok(&["wait", "--exit-first-match", "--condition=running", "long", "short"]), "-1\n");
    sandbox.detached(&["--name=third", &image, "sh", "-c", "exit 9"]);
    assert_eq!(sandbox.ok(&["wait", "--return-on-first", "long", "third"]), "9\n");
}

#[test]
fn top_shows_the_processes_by_the_containers_numbers() {
    let sandbox = Sandbox::new();
    sandbox.image("busybox");
    let id = sandbox.detached(&["--user=1000:1000", "busybox", "sh", "-c", "sleep 1000 & wait"]);
    let exec = sandbox.spawn(&["exec", "--user=0", &id, "sleep", "2000"]);
    let rows = |columns: &[&str]| -> Vec<Vec<String>> {
        let text = sandbox.ok(&[&["top", &id], columns].concat());
        text.lines().skip(1).map(|line| line.split_whitespace().map(str::to_owned).collect()).collect()
    };
    until("all run", || rows(&["pid"]).len() == 3);
    let processes = rows(&["pid", "ppid", "uid", "user", "comm", "state"]);
    assert_eq!(processes[0][..5], ["1", "0", "1000", "app", "sh"]);
    assert_eq!(processes[1][1..5], ["1", "1000", "app", "sleep"]);
    assert_eq!(processes[2][1..5], ["0", "0", "root", "sleep"]);
    assert_eq!(rows(&["hpid"])[0], [sandbox.state(&id)["pid"].to_string()]);
    assert_eq!(rows(&["-eo", "pid,args"])[2][1..], ["sleep", "2000"]);
    assert_eq!(rows(&["capeff,capbnd"])[0][0], "none");
    let heading = sandbox.ok(&["top", &id]);
    assert!(heading.starts_with("USER "), "{heading}");
    sandbox.fails(125, &["column", "nope"], &["top", &id, "nope"]);
    sandbox.fails(125, &["nothing is run in the container"], &["top", &id, "-L"]);
    drop(exec);
    sandbox.ok(&["stop", "--time=0", &id]);
    sandbox.fails(125, &["not running"], &["top", &id]);
}

#[test]
fn ports_are_told_in_podmans_words() {
    let sandbox = Sandbox::new();
    let image = sandbox.image("busybox");
    let ports = ["--publish=127.0.0.1:18080:80", "--publish=18081:81/udp"];
    let id = sandbox.ok(&[&["create", "--name=c"], &ports[..], &[&image, "true"]].concat());
    assert_eq!(sandbox.ok(&["port", "c"]), "80/tcp -> 127.0.0.1:18080\n81/udp -> 0.0.0.0:18081\n");
    assert_eq!(sandbox.ok(&["port", "c", "80"]), "127.0.0.1:18080\n");
    assert_eq!(sandbox.ok(&["port", "--latest"]), sandbox.ok(&["port", "c"]));
    assert_eq!(sandbox.ok(&["port", "c", "81/udp"]), "0.0.0.0:18081\n");
    assert!(sandbox.ok(&["port", "--all"]).contains(&format!("{}\t81/udp -> ", &id[..12])));
    sandbox.fails(125, &["not published"], &["port", "c", "81"]);
}

#[test]
fn what_exists_is_told_by_the_exit_code() {
    let sandbox = Sandbox::new();
    let image = sandbox.image("busybox");
    sandbox.ok(&["create", "--name=c", "--network=none", &image, "true"]);
    assert_eq!(sandbox.coracle(&["container", "exists", "c"]).code, 0);
    let run = sandbox.coracle(&["container", "exists", "other"]);
    assert_eq!((run.code, run.stdout.as_str(), run.stderr.as_str()), (1, "", ""));
}

//! `create start stop kill wait rm`: the life of a container that outlasts its process.

use crate::support::{Sandbox, is_alive, until};

/// A script that says it is ready and ends with this code when asked to by TERM.
const OBEYS: &str = "trap 'exit 5' TERM; echo ready; while :; do sleep 0.05; done";
/// A script that does not.
const IGNORES: &str = "trap '' TERM; echo ready; while :; do sleep 0.05; done";

fn with_busybox() -> (Sandbox, String) {
    let sandbox = Sandbox::new();
    let image = sandbox.image("busybox");
    (sandbox, image)
}

/// A running shell script that has set its traps.
fn script(sandbox: &Sandbox, options: &[&str], script: &str) -> String {
    let id = sandbox.detached(&[options, &["busybox", "sh", "-c", script]].concat());
    until("the script is ready", || sandbox.ok(&["logs", &id]).contains("ready\n"));
    id
}

#[test]
fn a_created_container_starts_and_starts_again() {
    let (sandbox, image) = with_busybox();
    let command = "echo x >> /count; wc -l < /count; echo to-err >&2; exit 4";
    let id = sandbox.ok(&["create", "--network", "none", "--name", "c", &image, "sh", "-c", command]);
    assert_eq!(sandbox.containers(), [id.trim()]);
    sandbox.fails(125, &["exec: ", "not running"], &["exec", "c", "true"]);
    sandbox.fails(125, &["kill: ", "not running"], &["kill", "c"]);
    sandbox.fails(125, &["attach: ", "not running"], &["attach", "c"]);
    assert_eq!(sandbox.ok(&["stop", "c"]), "c\n");
    assert_eq!(sandbox.ok(&["wait", "c"]), "0\n");
    assert_eq!(sandbox.ok(&["logs", "c"]), "");
    assert_eq!(sandbox.ok(&["start", "c"]), "c\n");
    assert_eq!(sandbox.ok(&["wait", "c"]), "4\n");
    let again = sandbox.coracle(&["start", "--attach", "c"]);
    assert_eq!((again.code, again.stdout.as_str(), again.stderr.as_str()), (4, "2\n", "to-err\n"), "{again}");
    assert_eq!(sandbox.ok(&["rm", "c"]), "c\n");
    sandbox.assert_no_leaks();
}

#[test]
fn start_with_input_reads_ours() {
    let (sandbox, image) = with_busybox();
    sandbox.ok(&["create", "-i", "--network", "none", "--name", "c", &image, "cat"]);
    let input = sandbox.home.join("input");
    std::fs::write(&input, "typed\n").expect("write input");
    let mut command = sandbox.command(&["start", "-a", "-i", "c"]);
    command.stdin(std::fs::File::open(&input).expect("open input"));
    let run = crate::support::Running::start(command).finish();
    assert_eq!((run.code, run.stdout.as_str()), (0, "typed\n"), "{run}");
}

#[test]
fn starting_what_runs_changes_nothing() {
    let (sandbox, image) = with_busybox();
    for options in [&[][..], &["--rm"]] {
        let id = sandbox.detached(&[options, &["--name", "c", &image, "sleep", "1000"]].concat());
        let pid = sandbox.state(&id)["pid"].clone();
        assert_eq!(sandbox.ok(&["start", "c"]), "c\n");
        assert_eq!(sandbox.state(&id)["pid"], pid);
        assert_eq!(sandbox.ok(&["exec", "c", "echo", "still"]), "still\n");
        sandbox.ok(&["rm", "-f", "c"]);
    }
    sandbox.assert_no_leaks();
}

#[test]
fn stop_asks_first_and_kills_after_the_timeout() {
    let (sandbox, _image) = with_busybox();
    let obeys = script(&sandbox, &[], OBEYS);
    assert_eq!(sandbox.ok(&["stop", &obeys[..12]]).lines().count(), 1);
    assert_eq!(sandbox.ok(&["wait", &obeys]), "5\n");
    let ignores = script(&sandbox, &["--stop-timeout", "1"], IGNORES);
    sandbox.ok(&["stop", &ignores]);
    assert_eq!(sandbox.ok(&["wait", &ignores]), "137\n");
    let at_once = script(&sandbox, &[], IGNORES);
    sandbox.ok(&["stop", "--time", "0", &at_once]);
    assert_eq!(sandbox.ok(&["wait", &at_once]), "137\n");
    // One that has stopped stays as it is.
    assert_eq!(sandbox.ok(&["stop", &obeys, &ignores]).lines().count(), 2);
}

#[test]
fn the_stop_signal_is_the_containers() {
    let (sandbox, _image) = with_busybox();
    let waits = "trap 'exit 6' USR2; trap 'exit 9' HUP; echo ready; while :; do sleep 0.05; done";
    let first = script(&sandbox, &["--stop-signal", "SIGUSR2"], waits);
    sandbox.ok(&["stop", &first]);
    assert_eq!(sandbox.ok(&["wait", &first]), "6\n");
    let second = script(&sandbox, &["--stop-signal", "12"], waits);
    sandbox.ok(&["stop", "--signal", "hup", &second]);
    assert_eq!(sandbox.ok(&["wait", &second]), "9\n");
}

#[test]
fn kill_sends_a_signal_by_name_or_number() {
    let (sandbox, _image) = with_busybox();
    let counts = "trap 'echo usr1' USR1; echo ready; while :; do sleep 0.05; done";
    let id = script(&sandbox, &["--name", "k"], counts);
    for signal in ["USR1", "SIGUSR1", "10", "usr1"] {
        let before = sandbox.ok(&["logs", "k"]);
        assert_eq!(sandbox.ok(&["kill", "--signal", signal, "k"]), "k\n");
        until("the signal is seen", || sandbox.ok(&["logs", "k"]).len() > before.len());
    }
    sandbox.fails(125, &["kill: ", "NOSUCH", "kill -l"], &["kill", "-s", "NOSUCH", "k"]);
    sandbox.ok(&["kill", "k"]);
    assert_eq!(sandbox.ok(&["wait", &id]), "137\n");
}

#[test]
fn wait_takes_several_and_those_that_have_ended() {
    let (sandbox, image) = with_busybox();
    let waiting = {
        for (name, code) in [("one", 1), ("two", 2)] {
            let command = format!("while [ ! -e /go ]; do sleep 0.05; done; exit {code}");
            sandbox.detached(&["--name", name, &image, "sh", "-c", &command]);
        }
        sandbox.spawn(&["wait", "one", "two"])
    };
    sandbox.ok(&["exec", "two", "touch", "/go"]);
    sandbox.ok(&["exec", "one", "touch", "/go"]);
    let run = waiting.finish();
    assert_eq!((run.code, run.stdout.as_str()), (0, "1\n2\n"), "{run}");
    assert_eq!(sandbox.ok(&["wait", "two", "one"]), "2\n1\n");
    // However close to the end one comes: the code is there.
    for _ in 0..10 {
        let id = sandbox.detached(&[&image, "sh", "-c", "exit 3"]);
        assert_eq!(sandbox.ok(&["wait", &id]), "3\n");
    }
}

#[test]
fn what_does_not_exist_is_named() {
    let (sandbox, _image) = with_busybox();
    for verb in ["start", "stop", "kill", "wait", "logs", "attach"] {
        sandbox.fails(125, &[&format!("{verb}: "), "no container \"nosuch\""], &[verb, "nosuch"]);
    }
    sandbox.fails(125, &["exec: ", "no container \"nosuch\""], &["exec", "nosuch", "true"]);
    // podman-rm(1): 1 when a container does not exist, 2 when one runs.
    sandbox.fails(1, &["rm: ", "no container \"nosuch\""], &["rm", "nosuch"]);
    assert_eq!(sandbox.ok(&["rm", "--ignore", "nosuch"]), "");
    assert_eq!(sandbox.ok(&["rm", "--force", "nosuch"]), "");
}

#[test]
fn rm_refuses_what_runs_unless_forced() {
    let (sandbox, image) = with_busybox();
    let id = sandbox.detached(&["--name", "r", &image, "sleep", "1000"]);
    let pid = sandbox.state(&id)["pid"].as_i64().expect("a pid");
    sandbox.fails(2, &["rm: ", "container r is running", "rm -f"], &["rm", "r"]);
    assert!(is_alive(pid));
    assert_eq!(sandbox.ok(&["rm", "--force", "r"]), "r\n");
    assert!(!is_alive(pid));
    // Those that nobody has named are told by their ids.
    let mut ids = ["a", "b"].map(|name| sandbox.detached(&["--name", name, &image, "sleep", "1000"]));
    ids.sort();
    let mut removed: Vec<String> = sandbox.ok(&["rm", "-fa"]).lines().map(str::to_owned).collect();
    removed.sort();
    assert_eq!(removed, ids);
    sandbox.assert_no_leaks();
}

#[test]
fn unshare_is_root_over_the_mapped_ids() {
    let sandbox = Sandbox::new();
    assert_eq!(sandbox.ok(&["unshare", "id", "-u"]), "0\n");
    assert_eq!(sandbox.coracle(&["unshare", "sh", "-c", "exit 3"]).code, 3);
    let map = sandbox.ok(&["unshare", "cat", "/proc/self/uid_map"]);
    assert!(map.lines().count() >= 2, "the full map: {map}");
    sandbox.fails(127, &["unshare: ", "\"nosuch\""], &["unshare", "nosuch"]);
    sandbox.fails(126, &["unshare: ", "/etc/passwd"], &["unshare", "/etc/passwd"]);
}

#[test]
fn what_does_not_run_is_pruned() {
    let (sandbox, image) = with_busybox();
    let made = ["create", "--network=none", "--name"];
    sandbox.ok(&[&made[..], &["one", "--label=keep", &image, "true"]].concat());
    let id = sandbox.ok(&[&made[..], &["two", &image, "true"]].concat());
    let running = sandbox.detached(&[&image, "sleep", "1000"]);
    assert_eq!(sandbox.ok(&["container", "prune", "--force", "--filter=until=1h"]), "", "all are younger than that");
    let asked = sandbox.coracle(&["container", "prune"]);
    assert!(asked.code == 125 && asked.stdout.contains("[y/N]"), "{asked}");
    assert_eq!(sandbox.ok(&["container", "prune", "--force", "--filter=label!=keep"]), id);
    assert_eq!(sandbox.ok(&["container", "prune", "--force"]).lines().count(), 1);
    assert_eq!(sandbox.containers(), [running]);
}

#[test]
fn containers_are_chosen_by_filter_and_by_file() {
    let (sandbox, image) = with_busybox();
    for (name, label) in [("a", "kind=x"), ("b", "kind=x"), ("c", "kind=y")] {
        let file = sandbox.home.join(name);
        let cidfile = format!("--cidfile={}", file.display());
        sandbox.detached(&["--name", name, "--label", label, &cidfile, &image, "sleep", "1000"]);
    }
    assert_eq!(sandbox.ok(&["pause", "--filter=label=kind=x"]).lines().count(), 2);
    assert_eq!(sandbox.ok(&["unpause", "--all"]).lines().count(), 2);
    let cidfile = format!("--cidfile={}", sandbox.home.join("c").display());
    let id = std::fs::read_to_string(sandbox.home.join("c")).expect("read the cidfile");
    assert_eq!(sandbox.ok(&["stop", "--time=0", &cidfile]).trim(), id);
    assert_eq!(sandbox.ok(&["kill", "--filter=label=kind=x", "--signal=KILL"]).lines().count(), 2);
    sandbox.fails(125, &["cidfile"], &["stop", "--cidfile=/nowhere"]);
    assert_eq!(sandbox.ok(&["stop", "--ignore", "--cidfile=/nowhere", "nobody"]), "");
    sandbox.ok(&["wait", "a", "b"]);
    assert_eq!(sandbox.ok(&["rm", "--filter=label=kind=x"]).lines().count(), 2);
    assert_eq!(sandbox.ok(&["rm", &cidfile]).trim(), id);
    sandbox.assert_no_leaks();
}

/// They are asked one after the other and waited for together.
#[test]
fn many_are_stopped_at_once() {
    let (sandbox, image) = with_busybox();
    let names: Vec<String> = (0..6).map(|number| format!("c{number}")).collect();
    for name in &names {
        // Each ends only when the next has been asked: waited for one by one, they would be killed.
        let script = "trap 'touch /shared/$0; while [ $(ls /shared | wc -l) -lt 6 ]; do sleep 0.02; done; exit 4' TERM; \
                      echo ready; while :; do sleep 0.05; done";
        sandbox.detached(&["--name", name, "--volume=shared:/shared", &image, "sh", "-c", script, name]);
        until("the script is ready", || sandbox.ok(&["logs", name]).contains("ready\n"));
    }
    let all: Vec<&str> = names.iter().map(String::as_str).collect();
    assert_eq!(sandbox.ok(&[&["stop", "--time=50"], &all[..]].concat()).lines().count(), 6);
    assert_eq!(sandbox.ok(&[&["wait"], &all[..]].concat()), "4\n".repeat(6));
}

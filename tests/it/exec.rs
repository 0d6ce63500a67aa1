//! `exec` and `attach`: coming to a container that runs already.

use crate::support::{Running, Sandbox, until};
use std::process::Stdio;

/// A sandbox with a container `c` that sleeps.
fn with_sleeper(options: &[&str]) -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.image("busybox");
    sandbox.detached(&[options, &["--name", "c", "busybox", "sleep", "1000"]].concat());
    sandbox
}

#[test]
fn exit_codes_are_the_commands_or_126_or_127() {
    let sandbox = with_sleeper(&[]);
    assert_eq!(sandbox.coracle(&["exec", "c", "sh", "-c", "exit 42"]).code, 42);
    assert_eq!(sandbox.coracle(&["exec", "c", "sh", "-c", "kill -9 $$"]).code, 137);
    sandbox.fails(127, &["exec: ", "\"nosuch\"", "PATH"], &["exec", "c", "nosuch"]);
    sandbox.fails(126, &["exec: ", "\"/etc/passwd\"", "permission denied"], &["exec", "c", "/etc/passwd"]);
    sandbox.fails(125, &["exec: ", "\"nobodyhere\""], &["exec", "-u", "nobodyhere", "c", "true"]);
    sandbox.ok(&["stop", "-t", "0", "c"]);
    sandbox.fails(125, &["exec: ", "not running"], &["exec", "c", "true"]);
}

#[test]
fn it_has_the_containers_environment_directory_and_user() {
    let sandbox = with_sleeper(&["-e", "A=1", "-e", "B=2", "-w", "/tmp", "-u", "1000"]);
    let run = |options: &[&str], script: &str| sandbox.ok(&[&["exec"], options, &["c", "sh", "-c", script]].concat());
    assert_eq!(run(&[], "echo $A $B; pwd; id -u"), "1 2\n/tmp\n1000\n");
    assert_eq!(run(&["-e", "B=3", "-w", "/etc", "-u", "0"], "echo $A $B; pwd; id -u"), "1 3\n/etc\n0\n");
    let caps = |options: &[&str]| run(options, "sed -n 's/CapEff:[ \t]*//p' /proc/self/status");
    assert_eq!(caps(&[]), "0000000000000000\n");
    assert_eq!(caps(&["-u", "0"]), "00000000800405fb\n");
    assert!(caps(&["-u", "0", "--privileged"]).starts_with("000001f"));
    let of =
        |pid: &str| run(&[], &format!("cd /proc/{pid}/ns; for n in mnt pid net ipc uts user; do readlink $n; done"));
    assert_eq!(of("1"), of("self"), "the namespaces are the container's");
}

#[test]
fn input_flows_and_ends() {
    let sandbox = with_sleeper(&[]);
    let input = sandbox.home.join("input");
    std::fs::write(&input, "line\n".repeat(50_000)).expect("write input");
    for (options, expected) in [(&["-i"][..], "50000\n"), (&[], "0\n")] {
        let mut command = sandbox.command(&[&["exec"], options, &["c", "wc", "-l"]].concat());
        command.stdin(std::fs::File::open(&input).expect("open input"));
        let run = Running::start(command).finish();
        assert_eq!((run.code, run.stdout.as_str()), (0, expected), "{run}");
    }
    let run = sandbox.coracle(&["exec", "c", "sh", "-c", "echo out; echo err >&2"]);
    assert_eq!((run.stdout.as_str(), run.stderr.as_str()), ("out\n", "err\n"));
}

#[test]
fn detached_it_goes_on_and_a_child_left_behind_does_not_hold_it_up() {
    let sandbox = with_sleeper(&[]);
    sandbox.ok(&["exec", "-d", "c", "sh", "-c", "while [ ! -e /go ]; do sleep 0.05; done; touch /done"]);
    sandbox.ok(&["exec", "c", "touch", "/go"]);
    until("the detached command is done", || sandbox.coracle(&["exec", "c", "test", "-e", "/done"]).code == 0);
    assert_eq!(sandbox.ok(&["exec", "c", "sh", "-c", "echo said; sleep 1000 &"]), "said\n");
}

#[test]
fn many_at_once() {
    let sandbox = with_sleeper(&[]);
    let numbers: Vec<String> = (0..20).map(|number| number.to_string()).collect();
    let all: Vec<Running> = numbers.iter().map(|number| sandbox.spawn(&["exec", "c", "echo", number])).collect();
    for (running, number) in all.into_iter().zip(&numbers) {
        let run = running.finish();
        assert_eq!((run.code, run.stdout.trim()), (0, number.as_str()), "{run}");
    }
}

#[test]
fn a_killed_exec_command_ends_nothing_else() {
    let sandbox = with_sleeper(&[]);
    let running = sandbox.spawn(&["exec", "c", "sh", "-c", "touch /up; sleep 1000"]);
    until("it runs", || sandbox.coracle(&["exec", "c", "test", "-e", "/up"]).code == 0);
    running.signal(nix::sys::signal::Signal::SIGKILL);
    assert_eq!(running.finish().code, 137);
    assert_eq!(sandbox.ok(&["exec", "c", "echo", "alive"]), "alive\n");
}

#[test]
fn an_exec_beside_the_end_of_a_container_says_that_it_has_ended() {
    let sandbox = Sandbox::new();
    sandbox.image("busybox");
    let mut late = 0;
    for round in 0..12 {
        let id = sandbox.detached(&["busybox", "sh", "-c", "while [ ! -e /go ]; do :; done"]);
        let execs = || (0..4).map(|_| sandbox.spawn(&["exec", &id, "true"])).collect::<Vec<_>>();
        let before = execs();
        let go = sandbox.spawn(&["exec", &id, "touch", "/go"]);
        for run in before.into_iter().chain([go]).chain(execs()).map(Running::finish) {
            // One that runs may be killed with the container.
            if [0, 137].contains(&run.code) {
                continue;
            }
            late += 1;
            let words = ["the container has ended", "is not running", "the monitor has gone away"];
            assert!(words.iter().any(|word| run.stderr.contains(word)), "round {round}: {run}");
            assert!(run.code == 125 && run.stderr.lines().count() == 1, "round {round}: {run}");
        }
        sandbox.ok(&["rm", "-f", &id]);
    }
    assert!(late > 0, "the control: some came late");
}

#[test]
fn attach_shows_what_comes_and_ends_with_the_containers_code() {
    let sandbox = Sandbox::new();
    sandbox.image("busybox");
    let script = "while [ ! -e /go ]; do echo tick; sleep 0.05; done; echo last; echo err >&2; exit 8";
    sandbox.detached(&["--name", "a", "busybox", "sh", "-c", script]);
    let attached = [&["attach", "a"][..], &["attach", "--no-stdin", "a"]].map(|arguments| {
        let seen = sandbox.home.join(arguments.len().to_string());
        let mut command = sandbox.command(arguments);
        let file = std::fs::File::create(&seen).expect("make a file");
        let child = command.stdout(file.try_clone().expect("duplicate")).stderr(file).spawn().expect("attach");
        until("it is attached", || seen.metadata().is_ok_and(|status| status.len() > 0));
        (child, seen)
    });
    sandbox.ok(&["exec", "a", "touch", "/go"]);
    for (mut child, seen) in attached {
        assert_eq!(child.wait().expect("wait").code(), Some(8));
        let text = std::fs::read_to_string(seen).expect("read what it printed");
        let mut lines: Vec<&str> = text.lines().filter(|line| *line != "tick").collect();
        // Two pipes have no order between them.
        lines.sort_unstable();
        assert_eq!(lines, ["err", "last"]);
    }
    sandbox.fails(125, &["attach: ", "not running"], &["attach", "a"]);
}

#[test]
fn attached_input_reaches_the_container_only_if_wanted() {
    let sandbox = Sandbox::new();
    sandbox.image("busybox");
    sandbox.detached(&[
        "-i",
        "--name",
        "a",
        "busybox",
        "sh",
        "-c",
        "read line; echo got $line; read line; echo got $line",
    ]);
    let attach = |options: &[&str], text: &str| {
        let mut command = sandbox.command(&[&["attach"], options, &["a"]].concat());
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("attach");
        let mut stdin = child.stdin.take().expect("a pipe");
        let _ = std::io::Write::write_all(&mut stdin, text.as_bytes());
        (child, stdin)
    };
    let (mut without, _kept) = attach(&["--no-stdin"], "wrong\n");
    let (with, _kept_too) = attach(&[], "one\ntwo\n");
    let output = with.wait_with_output().expect("wait");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "got one\ngot two\n");
    without.wait().expect("wait");
    assert_eq!(sandbox.ok(&["logs", "a"]), "got one\ngot two\n");
}

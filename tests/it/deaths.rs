//! Monitors that die or are stopped at any moment, and holders of locks that do not go on: families G08, G09 and G11 of the
//! catalogue. The next command says what is true, and nothing waits for ever.

use crate::support::{Run, Running, Sandbox, names_in, until};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use rustix::process::{PidfdFlags, Signal as FdSignal, pidfd_open, pidfd_send_signal};
use std::process::Command;
use std::time::Duration;

fn with_busybox() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.image("busybox");
    sandbox
}

fn monitor_of(sandbox: &Sandbox, id: &str) -> i32 {
    let pid = sandbox.state(id)["monitor_pid"].as_i64();
    pid.and_then(|pid| i32::try_from(pid).ok()).expect("state.json names the monitor")
}

fn signal(pid: i32, signal: Signal) {
    kill(Pid::from_raw(pid), signal).unwrap_or_else(|error| panic!("send {signal} to {pid}: {error}"));
}

/// Status and exit code, as one command says.
fn said(sandbox: &Sandbox) -> String {
    sandbox.ok(&["inspect", "-f", "{{.State.Status}} {{.State.ExitCode}}", "c"]).trim().to_owned()
}

/// Kills the monitor of a container that ends by itself, a little later every time.
fn kill_monitors(options: &[&str]) -> (usize, usize) {
    let sandbox = with_busybox();
    let (mut lost, mut ended) = (0, 0);
    for round in 0..40 {
        let script = ["--name", "c", "busybox", "sh", "-c", "sleep 0.03; exit 5"];
        let id = sandbox.detached(&[options, &script].concat());
        let monitor = monitor_of(&sandbox, &id);
        // The moment is what is tried here, and every one is right.
        std::thread::sleep(Duration::from_millis(2) * round);
        // It may have ended by now.
        let pid = rustix::process::Pid::from_raw(monitor).expect("a pid");
        if let Ok(descriptor) = pidfd_open(pid, PidfdFlags::empty()) {
            let _ = pidfd_send_signal(&descriptor, FdSignal::KILL);
        }
        until("the monitor is gone", || !crate::support::is_alive(monitor.into()));
        match said(&sandbox).as_str() {
            "exited 5" => ended += 1,
            // Nobody knows how it ended.
            "stopped 255" => lost += 1,
            other => panic!("round {round}: {other}"),
        }
        sandbox.ok(&["rm", "c"]);
    }
    sandbox.assert_no_leaks();
    (lost, ended)
}

#[test]
fn g09_a_monitor_that_is_killed_loses_an_exit_code_and_never_invents_one() {
    let (lost, ended) = kill_monitors(&[]);
    assert!(lost > 0 && ended > 0, "{lost} lost, {ended} ended: the moments were all of one kind");
}

#[test]
fn g09_a_killed_monitor_starts_nothing_again() {
    let (lost, ended) = kill_monitors(&["--restart", "always"]);
    assert!(lost + ended == 40, "{lost} lost, {ended} ended");
}

#[test]
fn g09_a_monitor_that_was_stopped_for_a_while_writes_down_the_end() {
    let sandbox = with_busybox();
    let id =
        sandbox.detached(&["--name", "c", "busybox", "sh", "-c", "while [ ! -e /go ]; do sleep 0.02; done; exit 6"]);
    let monitor = monitor_of(&sandbox, &id);
    let pid = sandbox.state(&id)["pid"].as_i64().expect("state.json names pid 1");
    sandbox.ok(&["exec", "c", "touch", "/go"]);
    signal(monitor, Signal::SIGSTOP);
    // Nobody has waited for it: it is a zombie at the latest.
    until("the container has ended", || !crate::support::is_alive(pid));
    let waiting = sandbox.spawn(&["wait", "c"]);
    assert!(["running 0", "exited 6"].contains(&said(&sandbox).as_str()), "{}", said(&sandbox));
    signal(monitor, Signal::SIGCONT);
    assert_eq!(waiting.finish().stdout, "6\n");
    assert_eq!(said(&sandbox), "exited 6");
}

#[test]
fn g11_a_stopped_monitor_is_named_by_who_needs_it_and_passed_over_by_who_does_not() {
    let sandbox = with_busybox();
    let id = sandbox.detached(&["--name", "c", "busybox", "sleep", "1000"]);
    let monitor = monitor_of(&sandbox, &id);
    signal(monitor, Signal::SIGSTOP);
    // Without streams, which the stopped one would hold open for whoever reads them.
    let verbs = [&["exec", "-d", "c", "true"][..], &["kill", "-s", "HUP", "c"]];
    let asked: Vec<(Running, &str)> = verbs.map(|words| (sandbox.spawn(words), words[0])).into();
    let run = sandbox.coracle(&["run", "--rm", "--network", "none", "busybox", "echo", "beside it"]);
    assert_eq!((run.code, run.stdout.as_str()), (0, "beside it\n"), "{run}");
    assert_eq!(sandbox.ok(&["ps", "--format", "{{.Names}} {{.State}}"]), "c running\n");
    for (running, verb) in asked {
        running.finish().fails(125, &[verb, &format!("the monitor, process {monitor}, has not answered")]);
    }
    // What it was asked meanwhile has no asker any more, and its container can be ended.
    assert_eq!(sandbox.ok(&["rm", "-f", "c"]), "c\n");
    sandbox.assert_no_leaks();
}

#[test]
fn g11_more_than_wait_at_a_stopped_monitor_are_let_go() {
    let sandbox = with_busybox();
    let id = sandbox.detached(&["--name", "c", "busybox", "sleep", "1000"]);
    signal(monitor_of(&sandbox, &id), Signal::SIGSTOP);
    // As many as its socket holds: each command that looks for the user namespace knocks once.
    let socket = sandbox.runtime.join("coracle/containers").join(&id).join("ctl");
    let address = format!("/proc/self/cwd/{}", socket.file_name().expect("it has a name").to_string_lossy());
    let knock = "import os, socket, sys\nkept = []\nos.chdir(sys.argv[1])\ntry:\n  while True:\n    s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)\n    s.setblocking(False)\n    kept.append(s)\n    s.connect(sys.argv[2])\nexcept BlockingIOError:\n  print(len(kept), flush=True)\nsys.stdin.read()";
    let mut knocking = Command::new("python3")
        .args(["-c", knock])
        .args([socket.parent().expect("it has a directory").as_os_str(), address.as_ref()])
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .expect("run python3");
    let mut count = String::new();
    let output = knocking.stdout.take().expect("a pipe");
    std::io::BufRead::read_line(&mut std::io::BufReader::new(output), &mut count).expect("hear the count");
    assert!(count.trim().parse::<usize>().is_ok_and(|count| count > 100), "{count:?}");
    let run = sandbox.coracle(&["run", "--rm", "--network", "none", "busybox", "echo", "here"]);
    assert_eq!(run.stdout, "here\n", "{run}");
    assert_eq!(sandbox.ok(&["unshare", "echo", "inside"]), "inside\n");
    assert_eq!(sandbox.ok(&["rm", "-f", "-t", "0", "c"]), "c\n");
    drop(knocking.stdin.take());
    knocking.wait().expect("wait for python3");
}

/// Holds a lock until it is dropped, and is stopped while it does.
fn stopped_holder(sandbox: &Sandbox, path: &std::path::Path) -> Running {
    let ready = sandbox.home.join(format!("held-{}", names_in(&sandbox.home).len()));
    let mut command = Command::new("flock");
    command.arg("--exclusive").arg(path).args(["sh", "-c", "touch \"$0\"; sleep 1000"]).arg(&ready);
    let holder = Running::start(command);
    until("the lock is held", || ready.exists());
    holder.signal(Signal::SIGSTOP);
    holder
}

#[test]
fn g11_a_lock_whose_holder_does_not_go_on_is_given_up_with_its_name() {
    let sandbox = with_busybox();
    sandbox.ok(&["create", "--network", "none", "--name", "c", "busybox", "true"]);
    let images = stopped_holder(&sandbox, &sandbox.data.join("coracle/images/lock"));
    let userns = stopped_holder(&sandbox, &sandbox.runtime.join("coracle/userns"));
    let verbs: [(&[&str], &Running); 5] = [
        (&["create", "--network", "none", "busybox", "true"], &images),
        (&["run", "--rm", "--network", "none", "busybox", "true"], &images),
        (&["tag", "busybox", "other"], &images),
        (&["untag", "busybox"], &images),
        (&["start", "c"], &userns),
    ];
    let asked: Vec<_> = verbs.map(|(words, holder)| (sandbox.spawn(words), words[0], holder.pid())).into();
    // Readers need no lock.
    assert_eq!(sandbox.ok(&["ps", "-a", "--format", "{{.Names}}"]), "c\n");
    assert_eq!(sandbox.ok(&["images", "-q"]).lines().count(), 1);
    for (running, verb, holder) in asked {
        let run: Run = running.finish();
        run.fails(125, &[verb, "lock ", &format!("held by process {holder} after")]);
    }
    // The kernel takes a lock back from who is killed, stopped or not.
    for holder in [&images, &userns] {
        holder.signal(Signal::SIGKILL);
    }
    assert_eq!(sandbox.ok(&["start", "c"]), "c\n");
    sandbox.ok(&["run", "--rm", "--network", "none", "busybox", "true"]);
    assert_eq!(sandbox.ok(&["system", "check"]), "The store is whole\n");
}

#[test]
fn g08_a_bomb_of_processes_does_not_keep_its_container_from_being_ended() {
    let sandbox = with_busybox();
    // Limited as every container is where there is no cgroup, only lower, so that the machine goes on too.
    // A shell that cannot fork gives up, so the first one of the container only waits, and is interrupted at that.
    let bomb = "mkfifo /f; while :; do (while :; do sleep 1000 & done) & done & while :; do read line </f; done";
    sandbox.detached(&["--name", "c", "--ulimit", "nproc=150:150", "busybox", "sh", "-c", bomb]);
    until("the bomb has gone off", || {
        let run = sandbox.coracle(&["logs", "c"]);
        run.stdout.contains("fork") || run.stderr.contains("fork")
    });
    // An exec has no room inside, and says so.
    let run = sandbox.coracle(&["exec", "c", "true"]);
    assert!(run.code == 0 || (run.code == 125 || run.code == 126) && run.stderr.lines().count() == 1, "{run}");
    assert!(sandbox.ok(&["ps", "--format", "{{.Names}}"]) == "c\n");
    assert_eq!(sandbox.ok(&["run", "--rm", "--network", "none", "busybox", "echo", "beside it"]), "beside it\n");
    assert_eq!(sandbox.ok(&["stop", "-t", "0", "c"]), "c\n");
    assert_eq!(said(&sandbox), "exited 137");
    sandbox.ok(&["rm", "c"]);
    sandbox.assert_no_leaks();
}

//! `attach` by many: who does not read holds nobody up for long, and who leaves leaves nothing behind.

use crate::support::{Running, Sandbox, names_in, until};
use std::io::Read;
use std::path::Path;
use std::process::{Child, Stdio};

/// What an attached client may cost the monitor, at the most.
const MEMORY_KIB_MAX: u64 = 16 << 10;

fn with_busybox() -> (Sandbox, String) {
    let sandbox = Sandbox::new();
    let image = sandbox.image("busybox");
    (sandbox, image)
}

/// A command whose output nobody reads yet.
fn unread(sandbox: &Sandbox, arguments: &[&str]) -> Child {
    let mut command = sandbox.command(arguments);
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("start")
}

fn monitor(sandbox: &Sandbox, id: &str) -> u64 {
    sandbox.state(id)["monitor_pid"].as_u64().expect("a pid")
}

fn memory_kib(pid: u64) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("read its status");
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).expect("its memory");
    line.split_whitespace().nth(1).and_then(|number| number.parse().ok()).expect("a number")
}

#[test]
fn a_guest_that_does_not_read_is_left_behind_and_the_container_goes_on() {
    let (sandbox, image) = with_busybox();
    let id = sandbox.detached(&["--name", "c", &image, "yes"]);
    let mut guest = unread(&sandbox, &["attach", "c"]);
    let mut said = String::new();
    guest.stderr.take().expect("its errors").read_to_string(&mut said).expect("read them");
    assert_eq!(guest.wait().expect("wait").code(), Some(125));
    assert!(said.contains("left behind") && said.contains("the container goes on"), "{said}");
    let size = || std::fs::metadata(sandbox.container(&id).join("log")).map_or(0, |file| file.len());
    let before = size();
    until("the container goes on", || size() != before);
}

#[test]
fn a_host_that_reads_slowly_loses_nothing_and_others_are_served() {
    let (sandbox, image) = with_busybox();
    let mut host = unread(&sandbox, &["run", "--name", "c", "--network", "none", &image, "seq", "1", "300000"]);
    until("it runs", || sandbox.coracle(&["exec", "c", "true"]).code == 0);
    for _ in 0..5 {
        assert_eq!(sandbox.ok(&["exec", "c", "echo", "served"]), "served\n");
    }
    let mut output = String::new();
    host.stdout.take().expect("its output").read_to_string(&mut output).expect("read it");
    assert!(host.wait().expect("wait").success());
    let expected: String = (1..=300_000).map(|number| format!("{number}\n")).collect();
    assert!(output == expected, "{} bytes of {}", output.len(), expected.len());
}

#[test]
fn guests_see_what_comes_and_may_come_again() {
    let (sandbox, image) = with_busybox();
    let script = "while read -r line; do echo got $line; done; exit 6";
    let host = {
        let mut command =
            sandbox.command(&["run", "-i", "--name", "c", "--network", "none", &image, "sh", "-c", script]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("run")
    };
    until("it runs", || sandbox.coracle(&["exec", "c", "true"]).code == 0);
    let guests: Vec<Running> = (0..5).map(|_| sandbox.spawn(&["attach", "--no-stdin", "c"])).collect();
    let gone = sandbox.spawn(&["attach", "--no-stdin", "c"]);
    gone.signal(nix::sys::signal::Signal::SIGKILL);
    drop(gone);
    let events = sandbox.runtime.join("coracle/events.jsonl");
    until("all have come", || {
        let text = std::fs::read_to_string(&events).unwrap_or_default();
        text.matches("\"attach\"").count() >= 6
    });
    let mut host = host;
    std::io::Write::write_all(host.stdin.as_mut().expect("its input"), b"word\n").expect("type");
    drop(host.stdin.take());
    for guest in guests {
        let run = guest.finish();
        assert_eq!((run.code, run.stdout.as_str()), (6, "got word\n"), "{run}");
    }
    assert_eq!(host.wait().expect("wait").code(), Some(6));
}

#[test]
fn attaches_that_are_dropped_half_way_leave_nothing() {
    let (sandbox, image) = with_busybox();
    let id = sandbox.detached(&["--name", "c", &image, "yes", "0123456789012345678901234567890123456789"]);
    let monitor = monitor(&sandbox, &id);
    let descriptors = || names_in(Path::new(&format!("/proc/{monitor}/fd"))).len();
    until("it has spoken", || sandbox.ok(&["logs", "--tail", "1", "c"]).contains("0123"));
    let (fds, memory) = (descriptors(), memory_kib(monitor));
    for round in 0..30 {
        let mut guests: Vec<Child> = (0..8).map(|_| unread(&sandbox, &["attach", "c"])).collect();
        if round % 2 == 0 {
            // These have begun to be served.
            let mut bytes = [0; 4096];
            guests[0].stdout.as_mut().expect("its output").read_exact(&mut bytes).expect("read");
        }
        for guest in &mut guests {
            guest.kill().expect("kill it");
            guest.wait().expect("wait for it");
        }
        let now = memory_kib(monitor);
        assert!(now < memory + MEMORY_KIB_MAX, "{now} KiB after {memory} KiB");
    }
    until("all descriptors are closed", || descriptors() <= fds);
    assert_eq!(sandbox.ok(&["exec", "c", "echo", "served"]), "served\n");
    sandbox.ok(&["rm", "-f", "c"]);
    sandbox.assert_no_leaks();
}

#[test]
fn no_socket_of_the_engine_is_reached_without_its_directory() {
    let (sandbox, image) = with_busybox();
    sandbox.detached(&["--name", "c", &image, "sleep", "1000"]);
    // On the host's network, abstract names of all its processes are in reach: CVE-2020-15257.
    let sockets = sandbox.ok(&["run", "--rm", "--network", "host", &image, "cat", "/proc/net/unix"]);
    assert!(sockets.lines().count() > 1, "{sockets}");
    let own: Vec<&str> = sockets.lines().filter(|line| line.contains("@") && line.contains("coracle")).collect();
    assert!(own.is_empty(), "{own:?}");
}

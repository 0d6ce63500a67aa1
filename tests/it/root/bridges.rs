//! Real root's bridges, which are in the network namespace of the host: here, one that each test has for itself.

use crate::support::{Sandbox, skip, until};
use nix::sched::{CloneFlags, unshare};
use std::net::{TcpStream, UdpSocket};
use std::process::Command;

const SERVER: &[&str] = &["busybox", "nc", "-ll", "-p", "7", "-e", "cat"];

/// Leaves the machine's network namespace with this thread, and with all that it starts.
fn sandbox() -> Option<Sandbox> {
    if !nix::unistd::geteuid().is_root() {
        skip("this test needs root");
        return None;
    }
    unshare(CloneFlags::CLONE_NEWNET).expect("make a network namespace");
    says(&["ip", "link", "set", "lo", "up"]);
    let sandbox = Sandbox::new();
    sandbox.image("busybox");
    Some(sandbox)
}

fn says(words: &[&str]) -> String {
    let output = Command::new(words[0]).args(&words[1..]).output().expect("start a command");
    assert!(output.status.success(), "{words:?}: {output:?}");
    String::from_utf8(output.stdout).expect("UTF-8")
}

fn bridges() -> String {
    says(&["ip", "-o", "link", "show", "type", "bridge"])
}

/// With the last container everything of the engine's is gone from the namespace.
fn ends(sandbox: &Sandbox) {
    sandbox.ok(&["rm", "-f", "-a", "-t", "0"]);
    until("the keeper has gone", || sandbox.processes().is_empty());
    sandbox.assert_no_leaks();
    assert_eq!(says(&["nft", "list", "tables"]), "");
    assert!(!says(&["ip", "rule"]).contains("fwmark"));
    assert_eq!(bridges() + &says(&["ip", "-o", "link", "show", "type", "veth"]), "");
}

#[test]
fn roots_containers_are_on_the_default_bridge_of_the_host() {
    let Some(sandbox) = sandbox() else { return };
    for (name, options) in [("plain", &[][..]), ("private", &["--network", "private"])] {
        sandbox.ok(&[&["run", "-d", "--name", name], options, SERVER].concat());
        let template = "{{.HostConfig.NetworkMode}} {{(index .NetworkSettings.Networks \"podman\").IPAddress}}";
        let shown = sandbox.ok(&["inspect", "--format", template, name]);
        let (mode, address) = shown.trim().split_once(' ').expect("two words");
        assert!(mode == "bridge" && address.starts_with("10.88.0."), "{shown}");
        // This thread is on the host.
        until("the host reaches the container", || TcpStream::connect((address, 7)).is_ok());
    }
    let hosts = sandbox.ok(&["exec", "plain", "cat", "/etc/hosts"]);
    assert!(hosts.contains("10.88.0.1\thost.containers.internal host.docker.internal\n"), "{hosts}");
    assert!(bridges().contains("coracle0") && says(&["nft", "list", "tables"]).contains("inet coracle"));
    ends(&sandbox);
}

#[test]
fn another_name_server_of_the_host_keeps_no_container_from_running() {
    let Some(sandbox) = sandbox() else { return };
    sandbox.ok(&["network", "create", "net"]);
    let other = UdpSocket::bind("0.0.0.0:53").expect("be a name server");
    let run = sandbox.coracle(&["run", "--rm", "--network", "net", "busybox", "echo", "runs"]);
    assert!(run.code == 0 && run.stdout == "runs\n", "{run}");
    assert!(run.stderr.contains("network net: ") && run.stderr.contains(":53"), "{run}");
    drop(other);
    let run = sandbox.coracle(&["run", "--rm", "--network", "net", "busybox", "true"]);
    assert!(run.code == 0 && run.stderr.is_empty(), "the control: {run}");
    ends(&sandbox);
}

#[test]
fn names_of_the_outside_are_asked_of_those_that_the_container_names() {
    let Some(sandbox) = sandbox() else { return };
    // One that answers everything with one address, RFC 1035.
    let server = UdpSocket::bind("127.0.0.5:53").expect("be a name server");
    std::thread::spawn(move || {
        let mut query = [0; 512];
        while let Ok((length, client)) = server.recv_from(&mut query) {
            let mut answer = query[..length].to_vec();
            let question = answer[12..].iter().position(|byte| *byte == 0).map_or(length, |end| 12 + end + 5);
            answer.truncate(question);
            answer[2..12].copy_from_slice(&[0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 0]);
            if answer[question - 3] == 1 {
                answer.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 192, 0, 2, 77]);
            } else {
                answer[7] = 0;
            }
            let _ = server.send_to(&answer, client);
        }
    });
    sandbox.ok(&["network", "create", "net"]);
    let asks = |options: &[&str]| {
        let words = [&["run", "--rm", "--network", "net"], options, &["busybox", "nslookup", "example.org."]];
        sandbox.coracle(&words.concat()).stdout
    };
    let answer = asks(&["--dns", "127.0.0.5"]);
    assert!(answer.contains("Address: 192.0.2.77\n"), "{answer}");
    let answer = asks(&[]);
    assert!(!answer.contains("192.0.2.77"), "others ask others: {answer}");
    ends(&sandbox);
}

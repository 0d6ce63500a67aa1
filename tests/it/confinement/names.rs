//! `--dns*`, `--add-host`, `--hosts-file`, `--publish` and their kin: what a container knows of names and ports.

use super::{refused, shell};
use crate::support::Sandbox;

/// Without a network of its own to be made, and with all files of names.
fn host(sandbox: &Sandbox, options: &[&str], script: &str) -> String {
    sandbox.ok(&[&["run", "--rm", "--network=host"], options, &["busybox", "sh", "-c", script]].concat())
}

#[test]
fn names_are_what_was_asked_for() {
    let sandbox = Sandbox::new();
    sandbox.image("busybox");
    let options = [
        "--dns=192.0.2.1",
        "--dns=2001:db8::1",
        "--dns-search=a.example",
        "--dns-search=b.example",
        "--dns-option=ndots:2",
    ];
    let expected = "search a.example b.example\noptions ndots:2\nnameserver 192.0.2.1\nnameserver 2001:db8::1\n";
    assert_eq!(host(&sandbox, &options, "cat /etc/resolv.conf"), expected);
    assert_eq!(host(&sandbox, &["--dns-search=.", "--dns=192.0.2.1"], "grep search /etc/resolv.conf; :"), "");
    let base = sandbox.home.join("hosts");
    std::fs::write(&base, "192.0.2.9 base").expect("write");
    let base = format!("--hosts-file={}", base.display());
    let hosts = ["--add-host=one;two:192.0.2.7", "--add-host=back:host-gateway", &base, "--hostname=me"];
    let expected = "192.0.2.7\tone two\n127.0.0.1\tback\n192.0.2.9 base\n\
                    127.0.0.1\thost.containers.internal host.docker.internal\n127.0.1.1\tme\n";
    assert_eq!(host(&sandbox, &hosts, "cat /etc/hosts"), expected);
    assert_eq!(shell(&sandbox, &["--hosts-file=none", "--hostname=me"], "cat /etc/hosts"), "127.0.1.1\tme\n");
    assert_eq!(shell(&sandbox, &["--hosts-file=image", "--hostname=me"], "tail -n 1 /etc/hosts"), "127.0.1.1\tme\n");
    assert_eq!(shell(&sandbox, &["--no-hosts"], "grep -c /etc/hosts /proc/mounts; :"), "0\n");
    assert_eq!(shell(&sandbox, &["--no-hostname"], "grep -c /etc/hostname /proc/mounts; :"), "0\n");
    assert_eq!(shell(&sandbox, &[], "grep -c /etc/hostname /proc/mounts"), "1\n");
    assert_eq!(host(&sandbox, &["--dns=none"], "grep -c resolv /proc/mounts; :"), "0\n");
    refused(&sandbox, &["--add-host=a:host-gateway"], &["host-gateway"]);
    refused(&sandbox, &["--dns=192.0.2.1"], &["--network none"]);
    for flag in ["--ip=10.0.0.1", "--ip6=::1", "--mac-address=00:11:22:33:44:55", "--network-alias=x"] {
        refused(&sandbox, &[flag], &["bridge"]);
    }
}

/// B06: no value makes a line more.
#[test]
fn b06_line_breaks_reach_no_file() {
    let sandbox = Sandbox::new();
    sandbox.image("busybox");
    for flag in [
        "--dns-search=a\nnameserver 6.6.6.6",
        "--dns-option=a\nnameserver 6.6.6.6",
        "--dns=1.1.1.1\nsearch x",
        "--add-host=a\n6.6.6.6 b:1.1.1.1",
        "--add-host=a b:1.1.1.1",
        "--hostname=a\n6.6.6.6 b",
        "--network=pasta:-t,1\n2",
        "--security-opt=apparmor=a\nb",
        "--sysctl=net.ipv4.ip_forward=1\nx=2",
    ] {
        refused(&sandbox, &["--network=host", flag], &["run: "]);
    }
    let odd = ["--env=HOME=x\nr::0:0::/:", "--label=a=b\nc"];
    assert_eq!(host(&sandbox, &odd, "grep -c ^r: /etc/passwd; grep -c ^r: /etc/hosts; :"), "0\n0\n");
}

#[test]
fn ports_that_were_left_open_are_chosen_and_kept() {
    let sandbox = Sandbox::new();
    sandbox.image("busybox");
    let make = |options: &[&str]| {
        let id = sandbox.ok(&[&["create", "--network=pasta"], options, &["busybox", "true"]].concat());
        let text = std::fs::read(sandbox.container(id.trim()).join("config.json")).expect("read config.json");
        let config: serde_json::Value = serde_json::from_slice(&text).expect("JSON");
        let ports = config["ports"].as_array().expect("ports").iter();
        ports
            .map(|port| {
                (port["host_port"].as_u64().expect("a port"), port["container_port"].as_u64().expect("a port"))
            })
            .collect::<Vec<_>>()
    };
    if !std::path::Path::new("/usr/bin/pasta").exists() {
        return crate::support::skip("pasta is not installed");
    }
    assert_eq!(make(&["-p", "18000-18002:80-82"]), [(18000, 80), (18001, 81), (18002, 82)]);
    let chosen = make(&["-p", "80", "-p", "127.0.0.1::81/udp"]);
    assert!(chosen.iter().all(|(outside, _)| *outside > 1023) && chosen.len() == 2, "{chosen:?}");
    let published = make(&["-P", "--expose=90-91", "--expose=92/udp"]);
    assert_eq!(published.iter().map(|(_, inside)| *inside).collect::<Vec<_>>(), [90, 91, 92]);
    assert!(make(&["--expose=90"]).is_empty());
    for bad in ["1-3:1-2", "0:80", "80/sctp"] {
        sandbox.fails(125, &["port"], &["create", "--network=pasta", "-p", bad, "busybox", "true"]);
    }
    for bad in ["--runas=0", "--pid=/tmp/x", "-t,--help", "--netns=/x"] {
        sandbox.fails(125, &["pasta option"], &["create", &format!("--network=pasta:{bad}"), "busybox", "true"]);
    }
}

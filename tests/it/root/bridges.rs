//! Real root's bridges, which are in the network namespace of the host: here, one that each test has for itself.

use crate::support::{Running, Sandbox, skip, until};
use nix::sched::{CloneFlags, setns, unshare};
use std::fs::File;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream, ToSocketAddrs, UdpSocket};
use std::os::fd::AsRawFd;
use std::process::Command;
use std::time::Duration;

const SERVER: &[&str] = &["busybox", "nc", "-ll", "-p", "7", "-e", "cat"];

/// Leaves the machine's network namespace with this thread, and with all that it starts.
pub fn sandbox() -> Option<Sandbox> {
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

pub fn says(words: &[&str]) -> String {
    let output = Command::new(words[0]).args(&words[1..]).output().expect("start a command");
    assert!(output.status.success(), "{words:?}: {output:?}");
    String::from_utf8(output.stdout).expect("UTF-8")
}

fn bridges() -> String {
    says(&["ip", "-o", "link", "show", "type", "bridge"])
}

/// With the last container everything of the engine's is gone from the namespace.
pub fn ends(sandbox: &Sandbox) {
    sandbox.end();
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
    // What the settings call private is no pasta either.
    let settings = sandbox.home.join("containers.conf");
    std::fs::write(&settings, "[containers]\nnetns = 'private'\n").expect("write settings");
    let mut command = sandbox.command(&["run", "--rm", "busybox", "ip", "route"]);
    command.env("CONTAINERS_CONF", settings);
    let run = Running::start(command).finish();
    assert!(run.stdout.starts_with("default via 10.88.0.1 dev eth0"), "{run}");
    let hosts = sandbox.ok(&["exec", "plain", "cat", "/etc/hosts"]);
    assert!(hosts.contains("10.88.0.1\thost.containers.internal host.docker.internal\n"), "{hosts}");
    assert!(sandbox.ok(&["exec", "plain", "cat", "/run/.containerenv"]).ends_with("rootless=0\n"));
    assert!(bridges().contains(" coracle0: "), "{}", bridges());
    assert_eq!(says(&["nft", "list", "tables"]), "table inet coracle\n");
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

/// A name server that answers everything with one address, RFC 1035.
fn serve_names() {
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
}

#[test]
fn names_of_the_outside_are_asked_of_those_that_the_container_names() {
    let Some(sandbox) = sandbox() else { return };
    serve_names();
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

#[test]
fn the_hosts_name_servers_are_followed_when_their_file_is_replaced() {
    let Some(sandbox) = sandbox() else { return };
    serve_names();
    // A host of which this test may change the files.
    unshare(CloneFlags::CLONE_NEWNS).expect("make a mount namespace");
    says(&["mount", "--make-rprivate", "/"]);
    let [upper, work] = ["upper", "work"].map(|name| sandbox.home.join("etc").join(name));
    let over = upper.parent().expect("a directory").to_owned();
    std::fs::create_dir(&over).expect("make a directory");
    says(&["mount", "-t", "tmpfs", "etc", &over.to_string_lossy()]);
    for directory in [&upper, &work] {
        std::fs::create_dir(directory).expect("make a directory");
    }
    let options = format!("lowerdir=/etc,upperdir={},workdir={}", upper.display(), work.display());
    says(&["mount", "-t", "overlay", "-o", &options, "etc", "/etc"]);
    let name_server = |address: &str| {
        std::fs::write("/etc/resolv.conf.new", format!("nameserver {address}\n")).expect("write a file");
        std::fs::rename("/etc/resolv.conf.new", "/etc/resolv.conf").expect("replace a file");
    };
    name_server("127.0.0.6");
    sandbox.ok(&["network", "create", "net"]);
    sandbox.ok(&["run", "-d", "--name", "s", "--network", "net", "busybox", "sleep", "1000"]);
    let asks = || sandbox.coracle(&["exec", "s", "nslookup", "example.org."]).stdout;
    assert!(!asks().contains("192.0.2.77"), "the control");
    name_server("127.0.0.5");
    until("the other one is asked", || asks().contains("Address: 192.0.2.77\n"));
    assert!(sandbox.ok(&["exec", "s", "nslookup", "s"]).contains("Address: 10."));
    ends(&sandbox);
}

#[test]
fn what_a_killed_keeper_has_left_is_taken_back_by_reload() {
    let Some(sandbox) = sandbox() else { return };
    sandbox.ok(&["run", "--rm", "busybox", "true"]);
    until("the bridge has gone", || bridges().is_empty());
    let is_keeper = |process: &String| process.contains("coracle-keeper");
    let keeper = sandbox.processes().into_iter().find(is_keeper).expect("it stays for a while");
    let pid = keeper.split(':').next().and_then(|pid| pid.parse().ok()).expect("a pid");
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), nix::sys::signal::Signal::SIGKILL).expect("kill");
    until("the keeper has gone", || sandbox.processes().is_empty());
    let is_left = says(&["nft", "list", "tables"]) + &says(&["ip", "rule"]);
    assert!(is_left.contains("coracle") && is_left.contains("fwmark"), "the control: {is_left}");
    sandbox.ok(&["network", "reload", "--all"]);
    ends(&sandbox);
}

/// Two ends of a cable: the host's, and that of the other machine's in the lan.
fn cable() {
    says(&["ip", "link", "add", "parent", "type", "veth", "peer", "name", "other"]);
    says(&["ip", "link", "set", "parent", "up"]);
    says(&["ip", "link", "set", "other", "up"]);
    says(&["ip", "address", "add", "10.77.0.1/24", "dev", "other"]);
}

fn address(sandbox: &Sandbox, container: &str, network: &str) -> String {
    let template = format!("{{{{(index .NetworkSettings.Networks {network:?}).IPAddress}}}}");
    sandbox.ok(&["inspect", "--format", &template, container]).trim().to_owned()
}

#[test]
fn a_macvlan_container_is_a_machine_of_its_own_on_the_hosts_cable() {
    let Some(sandbox) = sandbox() else { return };
    cable();
    let create = ["network", "create", "-d", "macvlan", "-o", "mode=bridge", "--subnet", "10.77.0.0/24"];
    sandbox.ok(&[&create[..], &["-o", "parent=parent", "lan"]].concat());
    let place = "lan:ip=10.77.0.9,mac=92:d0:c6:0a:29:33";
    sandbox.ok(&[&["run", "-d", "--name", "a", "--network", place], SERVER].concat());
    until("the other machine reaches it", || TcpStream::connect("10.77.0.9:7").is_ok());
    assert!(says(&["ip", "neighbour", "show", "dev", "other"]).contains("10.77.0.9 lladdr 92:d0:c6:0a:29:33"));
    assert!(sandbox.ok(&["exec", "a", "ip", "route"]).contains("default via 10.77.0.1 dev eth0"));
    // One that runs comes to the cable and leaves it.
    sandbox.ok(&["network", "create", "net"]);
    sandbox.ok(&[&["run", "-d", "--name", "b", "--network", "net"], SERVER].concat());
    sandbox.ok(&["network", "connect", "lan", "b"]);
    let b = address(&sandbox, "b", "lan");
    until("the other machine reaches it", || TcpStream::connect((&*b, 7)).is_ok());
    sandbox.ok(&["network", "disconnect", "lan", "b"]);
    assert_eq!(
        sandbox.ok(&["exec", "b", "ls", "/sys/class/net"]).lines().filter(|name| name.starts_with("eth")).count(),
        1
    );
    let published = ["run", "--rm", "--network", "lan", "-p", "8080:7", "busybox", "true"];
    sandbox.fails(125, &["run: ", "cannot be published on network lan"], &published);
    sandbox.ok(&[&create[..7], &["10.79.0.0/24", "-o", "parent=nowhere", "lost"]].concat());
    sandbox.fails(125, &["run: ", "no interface nowhere"], &["run", "--rm", "--network", "lost", "busybox", "true"]);
    says(&["ip", "link", "delete", "other"]);
    ends(&sandbox);
}

#[test]
fn what_the_kernel_lacks_for_a_network_is_named() {
    let Some(sandbox) = sandbox() else { return };
    cable();
    let tries = |words: &[&str]| Command::new("ip").args(words).output().expect("start ip").status.success();
    let has_ipvlan = tries(&["link", "add", "link", "parent", "name", "probe", "type", "ipvlan"]);
    says(&["ip", "link", "delete", "other"]);
    cable();
    says(&["ip", "link", "add", "bridge", "type", "bridge"]);
    let has_vlans = tries(&["link", "set", "bridge", "type", "bridge", "vlan_filtering", "1"]);
    says(&["ip", "link", "delete", "bridge"]);
    sandbox.ok(&["network", "create", "-d", "ipvlan", "-o", "parent=parent", "--subnet", "10.77.0.0/24", "ip"]);
    sandbox.ok(&["network", "create", "-o", "vlan=5", "vlan"]);
    for (network, has, word) in [("ip", has_ipvlan, "ipvlan"), ("vlan", has_vlans, "VLAN")] {
        let run = sandbox.coracle(&["run", "--rm", "--network", network, "busybox", "true"]);
        if has {
            assert_eq!(run.code, 0, "{run}");
        } else {
            run.fails(125, &["run: ", "this kernel has no", word]);
        }
    }
    sandbox.ok(&["network", "create", "-o", "vrf=red", "vrf"]);
    let run = ["run", "--rm", "--network", "vrf", "busybox", "true"];
    sandbox.fails(125, &["run: ", "no VRF red"], &run);
    // Nor is something else one that is called so.
    says(&["ip", "link", "add", "red", "type", "bridge"]);
    sandbox.fails(125, &["run: ", "no VRF red"], &run);
    says(&["ip", "link", "delete", "red"]);
    says(&["ip", "link", "delete", "other"]);
    ends(&sandbox);
}

/// Whether the host's firewall sees what stays on a bridge; None where the kernel cannot have it do so.
fn set_bridge_netfilter(value: &str) -> Option<()> {
    ["ip", "ip6"].iter().try_for_each(|family| {
        std::fs::write(format!("/proc/sys/net/bridge/bridge-nf-call-{family}tables"), value).ok()
    })
}

#[test]
fn networks_are_the_same_whether_the_firewall_sees_what_stays_on_a_bridge_or_not() {
    let Some(sandbox) = sandbox() else { return };
    for (name, number, option) in
        [("net", 1, "--internal=false"), ("other", 2, "--internal=false"), ("in", 3, "--internal")]
    {
        let subnets = [format!("10.84.{number}.0/24"), format!("fd00:84:{number}::/64")];
        sandbox.ok(&["network", "create", option, "--subnet", &subnets[0], "--subnet", &subnets[1], name]);
    }
    for (name, place, options) in [
        ("a", "net:ip=10.84.1.8,ip6=fd00:84:1::8", &["-p", "8080:7"][..]),
        ("b", "net:ip=10.84.1.9,ip6=fd00:84:1::9", &[]),
        ("ruled", "net:ip=10.84.1.10,ip6=fd00:84:1::10", &["--egress", "deny"]),
        ("c", "other:ip=10.84.2.9,ip6=fd00:84:2::9", &[]),
        ("i", "in:ip=10.84.3.8,ip6=fd00:84:3::8", &[]),
        ("j", "in:ip=10.84.3.9,ip6=fd00:84:3::9", &[]),
    ] {
        sandbox.ok(&[&["run", "-d", "--name", name, "--network", place], options, SERVER].concat());
    }
    let reaches = |who: &str, host: &str| {
        let script = format!("echo hello | nc -w 2 {host} 7");
        sandbox.coracle(&["exec", who, "sh", "-c", &script]).stdout.contains("hello")
    };
    until("all serve", || {
        let pairs = [("a", "b"), ("b", "a"), ("b", "ruled"), ("i", "j"), ("j", "i")];
        pairs.iter().all(|(who, host)| reaches(who, host)) && reaches("c", "127.0.0.1")
    });
    for value in ["1", "0", "1"] {
        if set_bridge_netfilter(value).is_none() {
            continue;
        }
        for (who, host) in [
            ("a", "b"),
            ("a", "10.84.1.9"),
            ("a", "fd00:84:1::9"),
            ("a", "ruled"),
            ("ruled", "a"),
            ("ruled", "10.84.1.9"),
            ("ruled", "fd00:84:1::9"),
            ("i", "j"),
            ("i", "10.84.3.9"),
            ("i", "fd00:84:3::9"),
        ] {
            assert!(reaches(who, host), "{value}: {who} to {host}");
        }
        let foreign = ["10.84.2.9", "fd00:84:2::9"];
        for (who, hosts) in
            [("a", &foreign[..]), ("ruled", &foreign), ("i", &foreign), ("c", &["10.84.1.9", "fd00:84:3::9"])]
        {
            for host in hosts {
                assert!(!reaches(who, host), "{value}: {who} to {host}");
            }
        }
        assert!(echo(("127.0.0.1", 8080)).is_some(), "{value}: the published port");
    }
    ends(&sandbox);
}

#[test]
fn a_bridge_of_the_users_is_left_as_it_is() {
    let Some(sandbox) = sandbox() else { return };
    let create = [
        "network",
        "create",
        "-o",
        "mode=unmanaged",
        "--interface-name",
        "own",
        "--subnet",
        "10.78.0.0/24",
        "theirs",
    ];
    sandbox.ok(&create);
    sandbox.fails(125, &["run: ", "no interface own"], &["run", "--rm", "--network", "theirs", "busybox", "true"]);
    says(&["ip", "link", "add", "own", "type", "bridge"]);
    says(&["ip", "link", "set", "own", "up"]);
    says(&["ip", "address", "add", "10.78.0.1/24", "dev", "own"]);
    sandbox.ok(&[&["run", "-d", "--name", "a", "--network", "theirs"], SERVER].concat());
    let a = address(&sandbox, "a", "theirs");
    until("the host reaches it", || TcpStream::connect((&*a, 7)).is_ok());
    assert!(!says(&["nft", "list", "ruleset"]).contains("own"));
    sandbox.ok(&["rm", "-f", "-t", "0", "a"]);
    until("the keeper has gone", || sandbox.processes().is_empty());
    assert!(bridges().contains(" own: "), "it is still there");
    says(&["ip", "link", "delete", "own"]);
    ends(&sandbox);
}

/// What an echo server gives back.
fn echo(address: (&str, u16)) -> Option<String> {
    let address = address.to_socket_addrs().ok()?.next()?;
    let mut stream = TcpStream::connect_timeout(&address, Duration::from_millis(500)).ok()?;
    stream.write_all(b"hi").ok()?;
    let mut heard = [0; 2];
    stream.read_exact(&mut heard).ok()?;
    Some(stream.local_addr().ok()?.to_string()).filter(|_| heard == *b"hi")
}

/// Another machine: 10.77.0.2 at the end of a cable, whose other end is the host's 10.77.0.1. It is gone when this is
/// dropped.
struct Machine(File);

impl Machine {
    fn start() -> Self {
        cable();
        says(&["ip", "address", "flush", "dev", "other"]);
        says(&["ip", "address", "add", "10.77.0.1/24", "dev", "parent"]);
        let make = || {
            unshare(CloneFlags::CLONE_NEWNET).expect("make a network namespace");
            File::open("/proc/thread-self/ns/net").expect("open a namespace")
        };
        let machine = Self(std::thread::spawn(make).join().expect("the machine is on"));
        let path = format!("/proc/{}/fd/{}", std::process::id(), machine.0.as_raw_fd());
        says(&["ip", "link", "set", "other", "netns", &path]);
        machine.run(|| {
            says(&["ip", "link", "set", "other", "up"]);
            says(&["ip", "address", "add", "10.77.0.2/24", "dev", "other"]);
        });
        machine
    }

    /// Does something there.
    fn run<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        let there = || {
            setns(&self.0, CloneFlags::CLONE_NEWNET).expect("enter a namespace");
            work()
        };
        std::thread::scope(|scope| scope.spawn(there).join()).expect("the machine works")
    }

    fn off(self) {
        drop(self);
        until("the cable is out", || !says(&["ip", "-o", "link"]).contains("parent"));
    }
}

#[test]
fn published_ports_of_root_know_who_comes() {
    let Some(sandbox) = sandbox() else { return };
    let server = ["busybox", "nc", "-ll", "-p", "7", "-e", "sh", "-c", "netstat -tn >&2; exec cat"];
    sandbox.ok(&[&["run", "-d", "--name", "s", "-p", "8080:7"], &server[..]].concat());
    until("the host reaches it", || echo(("127.0.0.1", 8080)).is_some());
    let machine = Machine::start();
    let client = machine.run(|| echo(("10.77.0.1", 8080))).expect("an answer");
    assert!(client.starts_with("10.77.0.2:"));
    let log = sandbox.ok(&["logs", "s"]) + &sandbox.coracle(&["logs", "s"]).stderr;
    assert!(log.contains(&client), "no {client} in {log}");
    machine.off();
    ends(&sandbox);
}

/// H03: a neighbour that has a route to the networks reaches what is published, and nothing else.
#[test]
fn h03_ports_that_are_not_published_are_not_reached_from_other_machines() {
    let Some(sandbox) = sandbox() else { return };
    sandbox.ok(&["network", "create", "--opt", "isolate=false", "--subnet", "10.80.1.0/24", "open"]);
    sandbox.ok(&["network", "create", "--internal", "--subnet", "10.80.2.0/24", "inside"]);
    let place = "open:ip=10.80.1.9";
    sandbox.ok(&[&["run", "-d", "--name", "s", "-p", "8080:7", "--network", "bridge:ip=10.88.0.9"], SERVER].concat());
    sandbox.ok(&[&["run", "-d", "--name", "o", "--network", place], SERVER].concat());
    sandbox.ok(&[&["run", "-d", "--name", "i", "--network", "inside:ip=10.80.2.9"], SERVER].concat());
    let machine = Machine::start();
    machine.run(|| {
        says(&["ip", "route", "add", "10.88.0.0/16", "via", "10.77.0.1"]);
        says(&["ip", "route", "add", "10.80.0.0/16", "via", "10.77.0.1"]);
    });
    let reaches = |address: &str, port: u16| machine.run(|| echo((address, port)).is_some());
    until("the published port is reached", || reaches("10.77.0.1", 8080));
    until("the servers are there", || ["10.80.1.9", "10.80.2.9"].iter().all(|address| echo((address, 7)).is_some()));
    let shut = || {
        for address in ["10.88.0.9", "10.80.1.9", "10.80.2.9"] {
            assert!(!reaches(address, 7), "{address}");
        }
    };
    shut();
    // What a container asks of the machine is answered.
    let (listener, port) = machine.run(|| {
        let listener = TcpListener::bind("10.77.0.2:0").expect("bind a port");
        let port = listener.local_addr().expect("an address").port().to_string();
        (listener, port)
    });
    let answers = std::thread::spawn(move || listener.accept().expect("a client").0.write_all(b"answer\n"));
    assert_eq!(sandbox.ok(&["exec", "s", "nc", "10.77.0.2", &port]), "answer\n");
    answers.join().expect("a server").expect("write");
    // The control, and how the rule comes back.
    says(&["nft", "flush", "chain", "inet", "coracle", "from-outside"]);
    until("the control is reached", || reaches("10.88.0.9", 7) && reaches("10.80.1.9", 7));
    sandbox.ok(&["network", "reload", "--all"]);
    shut();
    machine.off();
    ends(&sandbox);
}

#[test]
fn packets_are_as_large_as_what_leads_outside_takes_them() {
    let Some(sandbox) = sandbox() else { return };
    let mtu = |network: &str| {
        let shown = sandbox.ok(&["run", "--rm", "--network", network, "busybox", "cat", "/sys/class/net/eth0/mtu"]);
        shown.trim().to_owned()
    };
    sandbox.ok(&["network", "create", "early"]);
    assert_eq!(mtu("early"), "1500", "nothing leads outside");
    says(&["ip", "link", "add", "outside", "mtu", "1450", "type", "veth", "peer", "name", "other"]);
    says(&["ip", "address", "add", "192.0.2.2/24", "dev", "outside"]);
    says(&["ip", "link", "set", "outside", "up"]);
    says(&["ip", "route", "add", "default", "via", "192.0.2.1"]);
    sandbox.ok(&["network", "create", "late"]);
    assert_eq!(mtu("late"), "1450");
    // A bridge of the user's says it for its own.
    says(&["ip", "link", "add", "mine", "mtu", "1300", "type", "bridge"]);
    says(&["ip", "link", "set", "mine", "up"]);
    sandbox.ok(&[
        "network",
        "create",
        "-o",
        "mode=unmanaged",
        "--interface-name",
        "mine",
        "--subnet",
        "198.18.0.0/24",
        "own",
    ]);
    assert_eq!(mtu("own"), "1300");
    let own = ["-o", "mode=unmanaged", "-o", "mtu=1290", "--interface-name", "mine", "--subnet", "198.18.1.0/24"];
    sandbox.ok(&[&["network", "create"], &own[..], &["smaller"]].concat());
    assert_eq!(mtu("smaller"), "1290");
    // A bridge whose last port has gone has 1500 again: a killed keeper leaves such a one.
    let bridge = sandbox.ok(&["network", "inspect", "--format", "{{.NetworkInterface}}", "late"]);
    says(&["ip", "link", "add", bridge.trim(), "type", "bridge"]);
    assert_eq!(mtu("late"), "1450");
    says(&["ip", "link", "delete", "mine"]);
    says(&["ip", "link", "delete", "outside"]);
    ends(&sandbox);
}

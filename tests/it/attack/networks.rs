//! H and G13: containers that speak for others, reach where they should not, or keep the name server busy; and B06, A16
//! and K02 where networks are concerned.

use super::{Scene, compiled, eventually};
use crate::golden;
use crate::support::Sandbox;
use crate::support::image_builder::Image;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::io::{BufRead, BufReader, Write};
use std::net::{IpAddr, TcpListener, TcpStream, UdpSocket};
use std::time::Duration;

/// An image with the program of packets.c in it.
pub fn packets(sandbox: &Sandbox) -> Option<String> {
    Some(Image::new("packets").program("packets", &compiled(sandbox, "packets")?).load(sandbox))
}

/// Starts a container that tells who connects to its port 7 its name and who they seem to be.
pub fn serve(sandbox: &Sandbox, name: &str, options: &[&str]) {
    let command = ["localhost/packets:latest", "packets", "serve", name, "7"];
    sandbox.ok(&[&["run", "-d", "--name", name], options, &command].concat());
}

/// A port of the host that nobody used a moment ago.
pub fn free_port() -> u16 {
    TcpListener::bind(("::", 0)).and_then(|socket| socket.local_addr()).expect("bind a port").port()
}

/// The first line that a server says. None if there is none.
pub fn greeting(address: (IpAddr, u16)) -> Option<(String, TcpStream)> {
    let stream = TcpStream::connect(address).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(10))).ok()?;
    let mut line = String::new();
    BufReader::new(&stream).read_line(&mut line).ok().filter(|length| *length > 0)?;
    Some((line.trim().to_owned(), stream))
}

/// The host's own address, by which it is reached from elsewhere, if it has one.
fn own_address() -> Option<IpAddr> {
    let socket = UdpSocket::bind("0.0.0.0:0").ok()?;
    // Nothing is sent.
    socket.connect("192.0.2.77:9").ok()?;
    Some(socket.local_addr().ok()?.ip())
}

const LOOPBACK4: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);
const LOOPBACK6: IpAddr = IpAddr::V6(std::net::Ipv6Addr::LOCALHOST);

/// H01: what a server in a container trusts because it seems to come from itself comes from nobody outside.
#[test]
fn h01_no_client_seems_to_be_the_container_itself() {
    let scene = Scene::new();
    let Some(image) = packets(&scene.sandbox) else { return };
    scene.ok(&["network", "create", "--subnet", "10.71.1.0/24", "--subnet", "fd00:71:1::/64", "net"]);
    let port = free_port();
    serve(&scene.sandbox, "s", &["--network", "net", "--publish", &format!("{port}:7")]);
    eventually("the server answers", || greeting((LOOPBACK4, port)).is_some());
    for host in [Some(LOOPBACK4), Some(LOOPBACK6), own_address()].into_iter().flatten() {
        let (said, _) = greeting((host, port)).expect("an answer");
        let seen: IpAddr = said.strip_prefix("s sees ").and_then(|seen| seen.parse().ok()).expect(&said);
        assert!(!seen.to_canonical().is_loopback() && !seen.is_unspecified(), "{host}: {said}");
    }
    // The control: one that shares the host's network is told so.
    let port = free_port().to_string();
    let server = ["run", "-d", "--network", "host", &image, "packets", "serve", "host", &port];
    scene.ok(&server);
    let port = port.parse().expect("a number");
    eventually("the control", || greeting((LOOPBACK4, port)).is_some_and(|(said, _)| said == "host sees 127.0.0.1"));
    scene.assert_safe();
}

/// H02, H03: who reaches whom, by IPv4 and IPv6. Each server says who it is and who the client seems to be.
#[test]
fn h03_who_reaches_whom_is_as_it_was() {
    let scene = Scene::new();
    if packets(&scene.sandbox).is_none() {
        return;
    }
    let networks: [(&str, u8, &[&str]); 5] = [
        ("plain", 1, &[]),
        ("other", 2, &[]),
        ("open", 3, &["--opt", "isolate=false"]),
        ("wide", 4, &["--opt", "isolate=false"]),
        ("inside", 5, &["--internal"]),
    ];
    for (name, number, options) in networks {
        let subnets = [format!("10.72.{number}.0/24"), format!("fd00:72:{number}::/64")];
        let subnets = ["--subnet", &subnets[0], "--subnet", &subnets[1]];
        scene.ok(&[&["network", "create"], &subnets[..], options, &[name]].concat());
    }
    // Services of the host on its loopback.
    let local = Greeter::start(&["127.0.0.1:0", "[::1]:0"], "the host's loopback");
    let (published, published_local) = (free_port(), free_port());
    let publish = [format!("{published}:7"), format!("127.0.0.1:{published_local}:7")];
    for (name, number, _) in networks {
        let place = format!("{name}:ip=10.72.{number}.9,ip6=fd00:72:{number}::9");
        let publish = ["--publish", &publish[0], "--publish", &publish[1]];
        let options = [&["--network", &place][..], if name == "plain" { &publish[..] } else { &[] }].concat();
        serve(&scene.sandbox, name, &options);
    }
    // In the network `open`, with one peer outside of it that it may speak to.
    let rules = ["--egress", "deny", "--egress", "allow=10.72.4.9"];
    let place = ["--network", "open:ip=10.72.3.66,ip6=fd00:72:3::66"];
    serve(&scene.sandbox, "ruled", &[&place[..], &rules].concat());
    let mut targets: Vec<(String, String, u16)> = Vec::new();
    for (name, number, _) in networks {
        targets.push((format!("{name} by IPv4"), format!("10.72.{number}.9"), 7));
        targets.push((format!("{name} by IPv6"), format!("fd00:72:{number}::9"), 7));
    }
    for (at, port) in local.ports.iter().enumerate() {
        for host in ["127.0.0.1", "169.254.1.2", "169.254.1.1", "10.0.2.2", "::1", "10.72.1.1", "fd00:72:1::1"] {
            targets.push((format!("loopback service {at} at {host}"), host.to_owned(), *port));
        }
    }
    let targets: Vec<String> = targets.iter().map(|(label, host, port)| format!("{label}={host}={port}")).collect();
    let words: Vec<&str> = targets.iter().map(String::as_str).collect();
    let own = own_address().map_or("none".to_owned(), |own| own.to_string());
    let mut report = String::new();
    eventually("all servers are there", || {
        let all = greeting((LOOPBACK4, published)).is_some();
        all && networks.iter().all(|(name, number, _)| {
            let to = format!("x=10.72.{number}.9=7");
            scene.coracle(&["exec", name, "packets", "reach", "4", &to]).stdout.contains("sees")
        })
    });
    let clients = networks.iter().map(|(name, ..)| *name).chain(["ruled"]);
    let reaches: Vec<_> = clients
        .map(|name| {
            let command = [&["exec", name, "packets", "reach", "4"], &words[..]].concat();
            (name, scene.sandbox.spawn(&command))
        })
        .collect();
    for (name, running) in reaches {
        let run = running.finish();
        assert_eq!(run.code, 0, "{run}");
        report += &golden::section(&format!("from {name}"), &answers(&run.stdout).replace(&own, "HOST"));
    }
    report += &golden::section("from the host", &from_the_host(&own, published, published_local, &local));
    golden::assert("reachability.txt", &report);
    scene.assert_safe();
}

/// Why nothing is reached differs: between versions of pasta, for one.
fn answers(said: &str) -> String {
    let shown = |line: &str| match line.split_once(": ") {
        Some((_, answer)) if answer.contains(" sees ") || answer.contains("the host") => format!("{line}\n"),
        Some((label, _)) => format!("{label}: nothing\n"),
        None => format!("{line}\n"),
    };
    said.lines().map(shown).collect()
}

fn from_the_host(own: &str, published: u16, published_local: u16, local: &Greeter) -> String {
    let mut lines = String::new();
    for (label, port) in [
        ("the published port", published),
        ("the port published on loopback", published_local),
        ("loopback service 0", local.ports[0]),
        ("loopback service 1", local.ports[1]),
    ] {
        for host in [Some(LOOPBACK4), Some(LOOPBACK6), own.parse().ok()].into_iter().flatten() {
            let said = greeting((host, port)).map_or("nothing".to_owned(), |(said, _)| said);
            lines += &format!("{label} at {host}: {said}\n").replace(own, "HOST");
        }
    }
    lines
}

/// A service of the host's that says who it is. Ends with the test.
struct Greeter {
    ports: Vec<u16>,
}

impl Greeter {
    fn start(addresses: &[&str], name: &'static str) -> Self {
        let start = |address: &&str| {
            let listener = TcpListener::bind(*address).expect("bind an address of the host");
            let port = listener.local_addr().expect("an address").port();
            std::thread::spawn(move || {
                for mut stream in listener.incoming().flatten() {
                    // Who is gone is not told.
                    let _ = writeln!(stream, "{name}");
                }
            });
            port
        };
        Self { ports: addresses.iter().map(start).collect() }
    }
}

/// H03: a container that may send any packet speaks for nobody who is not in its network.
#[test]
fn h03_nobody_speaks_for_another_network() {
    let scene = Scene::new();
    let Some(image) = packets(&scene.sandbox) else { return };
    for (name, number) in [("one", 1), ("two", 2)] {
        let subnet = format!("10.73.{number}.0/24");
        scene.ok(&["network", "create", "--opt", "isolate=false", "--subnet", &subnet, name]);
    }
    scene.ok(&["network", "create", "--subnet", "10.73.3.0/24", "shut"]);
    for (name, place) in [("ear", "two:ip=10.73.2.9"), ("near", "one:ip=10.73.1.9"), ("shut", "shut:ip=10.73.3.9")] {
        let hear = ["run", "-d", "--name", name, "--network", place, &image, "packets", "hear", "::", "9"];
        scene.ok(&hear);
        eventually("it hears", || scene.ok(&["logs", name]).contains("hearing"));
    }
    let attacker = ["run", "-d", "--name", "x", "--cap-add", "net_raw", "--network", "one:ip=10.73.1.66", &image];
    scene.ok(&[&attacker[..], &["sleep", "1000"]].concat());
    let spoof = |from: &str, to: &str, text: &str| {
        assert_eq!(scene.ok(&["exec", "x", "packets", "spoof", from, to, "9", text]), "spoof ok\n");
    };
    // Somewhere outside, a neighbour of the one that hears, its gateway and ours, and the host.
    for source in ["8.8.8.8", "10.73.2.8", "10.73.2.1", "10.73.1.1", "169.254.1.2", "192.168.3.3", "127.0.0.1"] {
        spoof(source, "10.73.2.9", "false");
    }
    // What is sent last arrives last.
    spoof("10.73.1.66", "10.73.2.9", "true");
    eventually("what is no lie arrives", || scene.ok(&["logs", "ear"]).contains("true"));
    let heard = scene.ok(&["logs", "ear"]);
    assert!(!heard.contains("false"), "{heard}");
    // Nor does anything get into a network that has not asked for it, even if no answer is waited for.
    spoof("10.73.1.66", "10.73.3.9", "in");
    let member = ["run", "--rm", "--cap-add", "net_raw", "--network", "shut:ip=10.73.3.8", &image];
    scene.ok(&[&member[..], &["packets", "spoof", "10.73.3.8", "10.73.3.9", "9", "last"]].concat());
    eventually("what is sent within arrives", || scene.ok(&["logs", "shut"]).contains("last"));
    assert!(!scene.ok(&["logs", "shut"]).contains(" in"), "{}", scene.ok(&["logs", "shut"]));
    // The control: on its own link, where no firewall is, the lies are told.
    spoof("8.8.8.8", "10.73.1.9", "false");
    eventually("the control", || scene.ok(&["logs", "near"]).contains("8.8.8.8 false"));
    scene.assert_safe();
}

/// H03, K02: what a container may do with its own interfaces lifts none of the rules, which are not in its namespace.
#[test]
fn h03_the_rules_are_out_of_reach_of_who_may_change_its_own_network() {
    let scene = Scene::new();
    if packets(&scene.sandbox).is_none() {
        return;
    }
    for (name, number) in [("one", 1), ("two", 2)] {
        scene.ok(&["network", "create", "--subnet", &format!("10.74.{number}.0/24"), name]);
    }
    scene.ok(&["network", "create", "--internal", "--subnet", "10.74.3.0/24", "inside"]);
    let service = Greeter::start(&["0.0.0.0:0"], "the host");
    serve(&scene.sandbox, "two", &["--network", "two:ip=10.74.2.9"]);
    let powers = ["--cap-add", "net_raw,net_admin"];
    for (name, place) in [("x", "one"), ("y", "inside"), ("friend", "two"), ("free", "one")] {
        serve(&scene.sandbox, name, &[&["--network", place][..], &powers].concat());
    }
    let (two, host) = ("two=10.74.2.9=7", format!("host=169.254.1.2={}", service.ports[0]));
    let tricks = [
        ("x", "ip route add 10.74.2.0/24 via 10.74.1.1; ip address add 10.74.2.77/32 dev eth0"),
        ("x", "ip route replace 10.74.2.0/24 dev eth0 src 10.74.2.77; ip address add 10.74.2.1/32 dev eth0"),
        (
            "x",
            "ip link set eth0 down; ip link set eth0 address 02:00:00:00:00:01; ip link set eth0 up; \
               ip route add 10.74.2.0/24 via 10.74.1.1",
        ),
        ("y", "ip route add default via 10.74.3.1"),
        ("y", "ip address add 10.74.1.77/24 dev eth0; ip route replace default via 10.74.1.1"),
    ];
    for (who, trick) in tricks {
        scene.ok(&["exec", who, "sh", "-c", &format!("{trick} || true")]);
        let said = scene.ok(&["exec", who, "packets", "reach", "1", two]);
        assert!(!said.contains("sees"), "{who} {trick}: {said}");
        if who == "y" {
            let said = scene.ok(&["exec", who, "packets", "reach", "1", &host]);
            assert!(!said.contains("the host"), "{trick}: {said}");
        }
    }
    // Nor does its name server answer, when it is asked and not the address of its that x has taken for itself.
    scene.ok(&["exec", "x", "ip", "address", "del", "10.74.2.1/32", "dev", "eth0"]);
    let asks = |who: &str| scene.coracle(&["exec", who, "nslookup", "friend.dns.podman", "10.74.2.1"]).stdout;
    assert!(!asks("x").contains("Address: 10.74.2."), "{}", asks("x"));
    assert!(asks("friend").contains("Address: 10.74.2."), "the control: {}", asks("friend"));
    // The controls: one of the network itself, and one that is not inside.
    let said = scene.ok(&["exec", "friend", "packets", "reach", "4", two]);
    assert!(said.contains("two sees 10.74.2."), "{said}");
    let said = scene.ok(&["exec", "free", "packets", "reach", "4", &host]);
    // An older pasta leads to the host in no way, and then its name is not there.
    let leads = scene.ok(&["exec", "free", "cat", "/etc/hosts"]).contains("host.containers.internal");
    assert_eq!(said.contains("host: the host"), leads, "{said}");
    scene.assert_safe();
}

/// H04: a neighbour that says that it is the router to everywhere is not believed.
#[test]
fn h04_router_advertisements_are_not_believed() {
    let scene = Scene::new();
    if packets(&scene.sandbox).is_none() {
        return;
    }
    // With and without IPv6 of its own.
    for (name, subnets) in [("four", &[][..]), ("both", &["--subnet", "10.75.1.0/24", "--subnet", "fd00:75::/64"])] {
        scene.ok(&[&["network", "create"], subnets, &[name]].concat());
        let names = ["victim", "control", "x"].map(|role| format!("{role}-{name}"));
        serve(&scene.sandbox, &names[0], &["--network", name]);
        serve(&scene.sandbox, &names[1], &["--network", name, "--privileged"]);
        serve(&scene.sandbox, &names[2], &["--network", name, "--cap-add", "net_raw"]);
        scene.ok(&["exec", &names[1], "sh", "-c", "echo 1 > /proc/sys/net/ipv6/conf/eth0/accept_ra"]);
        let routes = |of: &str| scene.ok(&["exec", of, "sh", "-c", "ip -6 address; ip -6 route"]);
        let deceived = |of: &str| routes(of).contains("fd00:bad:") || routes(of).contains("default via fe80");
        eventually("the control believes it", || {
            scene.ok(&["exec", &names[2], "packets", "advertise", "eth0"]);
            deceived(&names[1])
        });
        assert!(!deceived(&names[0]), "{}", routes(&names[0]));
    }
    scene.assert_safe();
}

/// H04: nothing of the outside is known in an internal network, and what is inside is.
#[test]
fn h04_an_internal_network_asks_nobody_outside() {
    let scene = Scene::new();
    if packets(&scene.sandbox).is_none() {
        return;
    }
    scene.ok(&["network", "create", "--internal", "--subnet", "10.76.1.0/24", "inside"]);
    serve(&scene.sandbox, "s", &["--network", "inside:ip=10.76.1.9"]);
    for name in ["example.org.", "host.containers.internal.", "1.1.168.192.in-addr.arpa."] {
        let run = scene.coracle(&["exec", "s", "nslookup", name]);
        let is_refused = ["REFUSED", "NXDOMAIN", "SERVFAIL"].iter().any(|code| run.stdout.contains(code));
        assert!(is_refused && !run.stdout.contains("Name:"), "{name}: {run}");
    }
    assert!(scene.ok(&["exec", "s", "nslookup", "s"]).contains("10.76.1.9"), "the control");
    scene.assert_safe();
}

/// A process that stands still for as long as this lives.
struct Halted(Pid);

impl Halted {
    fn new(pid: i32) -> Self {
        let pid = Pid::from_raw(pid);
        kill(pid, Signal::SIGSTOP).expect("stop a process");
        Self(pid)
    }
}

impl Drop for Halted {
    fn drop(&mut self) {
        kill(self.0, Signal::SIGCONT).expect("let a process go on");
    }
}

/// G13: one container that opens connections and says nothing, and sends what is no message, is alone with it.
#[test]
fn g13_one_that_keeps_the_name_server_busy_keeps_nobody_waiting() {
    let scene = Scene::new();
    let Some(image) = packets(&scene.sandbox) else { return };
    scene.ok(&["network", "create", "--subnet", "10.77.1.0/24", "net"]);
    serve(&scene.sandbox, "s", &["--network", "net:ip=10.77.1.9"]);
    let limit = ["--ulimit", "nofile=1100:1100"];
    let start = |name: &str, command: &[&str]| {
        scene.ok(&[&["run", "-d", "--name", name, "--network", "net"], &limit[..], &[&image], command].concat());
    };
    // One that is slow to ask: half of its question has come when the attacker's connections do, which are more than the
    // server has room for.
    start("slow", &["sh", "-c", "mkfifo /in; exec 3<>/in; nc 10.77.1.1 53 </in >/heard"]);
    eventually("it is connected", || {
        let connections = scene.ok(&["exec", "slow", "netstat", "-tn"]);
        connections.contains("10.77.1.1:53 ") && connections.contains("ESTABLISHED")
    });
    scene.ok(&["exec", "slow", "sh", "-c", "printf '\\0\\023\\0\\1\\1' >/in"]);
    start("holds", &["packets", "hold", "10.77.1.1", "53", "1000"]);
    eventually("all connections are open", || scene.ok(&["logs", "holds"]).contains("held 1000"));
    scene.ok(&["exec", "slow", "sh", "-c", "printf '\\0\\0\\1\\0\\0\\0\\0\\0\\0\\1s\\0\\0\\1\\0\\1' >/in"]);
    let show = ["exec", "slow", "hexdump", "-v", "-e", "1/1 \"%02x \"", "/heard"];
    eventually("it is answered", || scene.ok(&show).contains("0a 4d 01 09"));
    // One that asks once while the server does nothing, and the attacker has sent more than there is room for.
    start("floods", &["packets", "flood", "10.77.1.1", "53"]);
    let is_keeper = |process: &String| process.contains("coracle-keeper");
    let keeper = scene.sandbox.processes().into_iter().find(is_keeper).expect("a keeper");
    let halted = Halted::new(keeper.split(':').next().and_then(|pid| pid.parse().ok()).expect("a pid"));
    let floods = || scene.ok(&["logs", "floods"]).lines().count();
    let before = floods();
    eventually("the queue is full", || floods() >= before + 2);
    scene.ok(&["exec", "-d", "s", "sh", "-c", "packets query 10.77.1.1 53 s >/heard"]);
    let heard = || scene.coracle(&["exec", "s", "cat", "/heard"]).stdout;
    eventually("it asks", || heard().contains("asked"));
    drop(halted);
    eventually("it is answered", || heard().contains("answered 10.77.1.9"));
    for _ in 0..10 {
        let said = scene.ok(&["exec", "s", "nslookup", "s"]);
        assert!(said.contains("10.77.1.9"), "{said}");
    }
    // The control: the attacks have not ended meanwhile.
    for name in ["holds", "floods"] {
        assert_eq!(scene.ok(&["inspect", "--format", "{{.State.Running}}", name]), "true\n");
    }
    scene.assert_safe();
}

/// B06: what names a network, an alias or a server stays one word.
#[test]
fn b06_no_line_is_smuggled_into_names_of_networks() {
    let scene = Scene::new();
    let Some(image) = packets(&scene.sandbox) else { return };
    let lie = "10.9.9.9 bank.example";
    for name in ["a\nb", "a b", "../a", "a/b", "-a"] {
        let run = scene.coracle(&["network", "create", "--", name]);
        assert_eq!(run.code, 125, "{name:?}: {run}");
    }
    scene.ok(&["network", "create", "net"]);
    for options in [
        &["--network", &format!("net:alias=x\n{lie}")][..],
        &["--network", "net", "--network-alias", &format!("x\n{lie}")],
        &["--network", "net:interface_name=e\nth"],
        &["--network", "net:interface_name=../x"],
        &["--network", "net", "--dns-search", "x\nnameserver 10.9.9.9"],
        &["--network", "net", "--dns", "10.9.9.9\nnameserver 10.9.9.8"],
        &["--network", "net", "--hostname", &format!("x\n{lie}")],
        &["--network", "net", "--add-host", &format!("x:10.1.1.1\n{lie}")],
    ] {
        let run =
            scene.coracle(&[&["run", "--rm"], options, &[&image, "cat", "/etc/hosts", "/etc/resolv.conf"]].concat());
        let told = run.stdout.lines().any(|line| line == lie || line.starts_with("nameserver 10.9.9"));
        assert!(run.code == 125 && !told, "{options:?}: {run}");
    }
    let plain = ["run", "--rm", "--network", "net:alias=x", "--add-host", "bank.example:10.9.9.9", &image];
    let said = scene.ok(&[&plain[..], &["cat", "/etc/hosts"]].concat());
    assert!(said.lines().any(|line| line.split_whitespace().eq(["10.9.9.9", "bank.example"])), "the control: {said}");
    scene.assert_safe();
}

/// A16: a parameter that a container on a bridge is given is its own, and it gives itself none.
#[test]
fn a16_parameters_on_a_bridge_are_the_containers_own() {
    let scene = Scene::new();
    let Some(image) = packets(&scene.sandbox) else { return };
    scene.ok(&["network", "create", "net"]);
    let show = "cat /proc/sys/net/ipv4/conf/all/route_localnet";
    let run = |options: &[&str], script: &str| {
        scene.coracle(&[&["run", "--rm", "--network", "net"], options, &[&image, "sh", "-c", script]].concat())
    };
    let set = run(&["--sysctl", "net.ipv4.conf.all.route_localnet=1"], show);
    assert_eq!((set.code, set.stdout.as_str()), (0, "1\n"), "the control: {set}");
    assert_eq!(run(&[], show).stdout, "0\n");
    let own = run(&["--cap-add", "net_admin"], "echo 1 > /proc/sys/net/ipv4/conf/all/route_localnet");
    assert!(own.code != 0 && own.stderr.contains("Read-only"), "{own}");
    scene.assert_safe();
}

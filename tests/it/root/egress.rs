//! Egress rules where the test has a world of its own: another machine on a cable, and a name server that says what it is
//! told to.

use super::bridges::{ends, sandbox, says};
use crate::support::{Sandbox, until};
use nix::sched::{CloneFlags, unshare};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::io::{Read, Write};
use std::net::{IpAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::{Arc, Mutex};

/// The other machine's addresses: of the world, of somebody's own network, and where clouds keep their secrets.
const NEAR: &str = "203.0.113.5";
const FAR: &str = "203.0.113.6";
const NEAR6: &str = "2001:db8:113::5";
const PRIVATE: &str = "10.200.0.5";
const METADATA: &str = "169.254.169.254";

/// Where the name server is that containers' questions are passed on to.
const NAME_SERVER: &str = "127.0.0.53";

/// What names are in the world.
fn addresses(name: &str) -> Vec<IpAddr> {
    let texts: &[&str] = match name {
        "ok.test" => &[NEAR, NEAR6],
        "a.wild.test" => &[FAR],
        "rebind.wild.test" => &[METADATA, "127.0.0.1", PRIVATE, "10.81.0.1", "fd00:81::1"],
        _ => &["203.0.113.7"],
    };
    texts.iter().map(|text| text.parse().expect("an address")).collect()
}

/// Another machine, which says at some ports who it is, and which names were asked for.
struct World {
    asked: Arc<Mutex<Vec<String>>>,
}

impl World {
    fn start() -> Self {
        says(&["ip", "link", "add", "cable", "type", "veth", "peer", "name", "world"]);
        says(&["ip", "link", "set", "cable", "up"]);
        for address in ["203.0.113.1/24", "10.200.0.1/24", "169.254.169.1/24"] {
            says(&["ip", "address", "add", address, "dev", "cable"]);
        }
        says(&["ip", "address", "add", "2001:db8:113::1/64", "dev", "cable", "nodad"]);
        let (tell, told) = std::sync::mpsc::channel();
        let (go, is_on) = std::sync::mpsc::channel();
        let (ready, is_ready) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            unshare(CloneFlags::CLONE_NEWNET).expect("make a network namespace");
            tell.send(nix::unistd::gettid()).expect("the test waits");
            is_on.recv().expect("the cable is in");
            says(&["ip", "link", "set", "world", "up"]);
            for address in [NEAR, FAR, PRIVATE, METADATA] {
                says(&["ip", "address", "add", &format!("{address}/24"), "dev", "world"]);
            }
            says(&["ip", "address", "add", &format!("{NEAR6}/64"), "dev", "world", "nodad"]);
            [80, 443].iter().for_each(|port| greet(*port));
            echo(7);
            for address in [NEAR, FAR] {
                answer(UdpSocket::bind((address, 53)).expect("be a name server"), Arc::default());
            }
            ready.send(()).expect("the test waits");
        });
        let thread = told.recv().expect("the machine is on").to_string();
        says(&["ip", "link", "set", "world", "netns", &thread]);
        go.send(()).expect("the machine waits");
        is_ready.recv().expect("the machine is up");
        let asked = Arc::default();
        answer(UdpSocket::bind((NAME_SERVER, 53)).expect("be a name server"), Arc::clone(&asked));
        // The host says who it is, too.
        greet(8080);
        Self { asked }
    }

    fn was_asked_for(&self, name: &str) -> bool {
        self.asked.lock().expect("no panic").iter().any(|asked| asked == name)
    }

    fn end(self, sandbox: &Sandbox) {
        says(&["ip", "link", "del", "cable"]);
        ends(sandbox);
    }
}

/// Tells whoever comes to a port at which address that was.
fn greet(port: u16) {
    let listener = TcpListener::bind(("::", port)).expect("listen");
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let own = stream.local_addr().expect("an address").ip().to_canonical();
            // Who is gone is not told.
            let _ = writeln!(stream, "here is {own}");
        }
    });
}

/// Tells whoever comes to a port what they say.
fn echo(port: u16) {
    let listener = TcpListener::bind(("::", port)).expect("listen");
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            // Until one side is gone.
            std::thread::spawn(move || std::io::copy(&mut &stream, &mut &stream));
        }
    });
}

/// A name server of A and AAAA, RFC 1035, which notes the names that it is asked for.
fn answer(socket: UdpSocket, asked: Arc<Mutex<Vec<String>>>) {
    std::thread::spawn(move || {
        let mut bytes = [0; 512];
        while let Ok((length, client)) = socket.recv_from(&mut bytes) {
            let query = &bytes[..length];
            let (mut labels, mut at) = (Vec::new(), 12);
            while query[at] != 0 {
                let end = at + 1 + usize::from(query[at]);
                labels.push(String::from_utf8_lossy(&query[at + 1..end]).to_ascii_lowercase());
                at = end;
            }
            let (name, kind) = (labels.join("."), query[at + 2]);
            let mut answer = query[..at + 5].to_vec();
            answer[2..12].copy_from_slice(&[0x81, 0x80, 0, 1, 0, 0, 0, 0, 0, 0]);
            for address in addresses(&name) {
                let (its_kind, octets) = match address {
                    IpAddr::V4(address) => (1, address.octets().to_vec()),
                    IpAddr::V6(address) => (28, address.octets().to_vec()),
                };
                if its_kind == kind {
                    answer[7] += 1;
                    answer.extend([0xc0, 12, 0, kind, 0, 1, 0, 0, 0, 5, 0, octets.len() as u8]);
                    answer.extend(octets);
                }
            }
            asked.lock().expect("no panic").push(name);
            let _ = socket.send_to(&answer, client);
        }
    });
}

/// A network with IPv6, whose questions go to the test's name server.
fn network(sandbox: &Sandbox) {
    let subnets = ["--subnet", "10.81.0.0/24", "--subnet", "fd00:81::/64", "--dns", NAME_SERVER];
    sandbox.ok(&[&["network", "create"], &subnets[..], &["net"]].concat());
}

/// Starts a container that has these rules, and tells at port 7 what it is called.
fn start(sandbox: &Sandbox, name: &str, options: &[&str], rules: &[&str]) {
    let rules = rules.iter().flat_map(|rule| ["--egress", *rule]);
    let serve = format!("while :; do echo this is {name} | nc -l -p 7; done");
    let words = ["run", "-d", "--name", name].into_iter().chain(options.iter().copied()).chain(rules);
    sandbox.ok(&words.chain(["busybox", "sh", "-c", &serve]).collect::<Vec<_>>());
}

/// What a container hears at a port.
fn hears(sandbox: &Sandbox, who: &str, host: &str, port: u16) -> String {
    let script = format!("nc -w 5 {host} {port} </dev/null 2>&1");
    sandbox.coracle(&["exec", who, "sh", "-c", &script]).stdout
}

#[track_caller]
fn reaches(sandbox: &Sandbox, who: &str, host: &str, port: u16) {
    let said = hears(sandbox, who, host, port);
    assert!(said.contains("here is ") || said.contains("this is "), "{who} to {host}:{port}: {said}");
}

/// The client is told so at once, by a reset.
#[track_caller]
fn is_refused(sandbox: &Sandbox, who: &str, host: &str, port: u16) {
    let said = hears(sandbox, who, host, port);
    assert!(said.contains("refused"), "{who} to {host}:{port}: {said}");
}

fn looks_up(sandbox: &Sandbox, who: &str, words: &[&str]) -> String {
    sandbox.coracle(&[&["exec", who, "nslookup"], words].concat()).stdout
}

/// The events of refusals, a line each.
fn refusals(sandbox: &Sandbox) -> String {
    let template = "{{.Name}} {{.Attributes.protocol}} {{.Attributes.destination}} {{.Attributes.port}}";
    let filter = ["--filter", "event=egress_refused", "--format", template];
    sandbox.ok(&[&["events", "--stream=false"], &filter[..]].concat())
}

#[test]
fn what_no_rule_allows_is_refused_and_told() {
    let Some(sandbox) = sandbox() else { return };
    let world = World::start();
    network(&sandbox);
    start(&sandbox, "free", &["--network", "net"], &[]);
    let rules = ["deny", "allow=203.0.113.5:80,10.200.0.0/24,[2001:db8:113::/48]:443", "allow=203.0.113.6:53/udp"];
    start(&sandbox, "ruled", &["--network", "net", "--publish", "8081:7"], &rules);
    for (host, port) in [(NEAR, 80), (PRIVATE, 80), (PRIVATE, 443), (NEAR6, 443), ("free", 7)] {
        reaches(&sandbox, "ruled", host, port);
    }
    for (host, port) in
        [(NEAR, 443), (FAR, 80), (NEAR6, 80), (METADATA, 80), ("10.81.0.1", 8080), ("fd00:81::1", 8080)]
    {
        is_refused(&sandbox, "ruled", host, port);
        reaches(&sandbox, "free", host, port);
    }
    // By UDP to the one that is allowed, and to nobody else's name server.
    assert!(looks_up(&sandbox, "ruled", &["ok.test", FAR]).contains(NEAR));
    assert!(!looks_up(&sandbox, "ruled", &["ok.test", NEAR]).contains("Name:"));
    assert!(looks_up(&sandbox, "free", &["ok.test", NEAR]).contains(NEAR), "the control");
    // Who comes in is answered, and the one without rules finds it.
    until("the published port answers", || {
        let mut said = String::new();
        let _ = TcpStream::connect(("127.0.0.1", 8081)).and_then(|mut stream| stream.read_to_string(&mut said));
        said.contains("this is ruled")
    });
    reaches(&sandbox, "free", "ruled", 7);
    until("all is told of", || refusals(&sandbox).lines().count() >= 7);
    let told = refusals(&sandbox);
    for line in [
        format!("ruled tcp {NEAR} 443\n"),
        format!("ruled tcp {NEAR6} 80\n"),
        format!("ruled udp {NEAR} 53\n"),
        "ruled tcp 10.81.0.1 8080\n".to_owned(),
    ] {
        assert_eq!(told.matches(&line).count(), 1, "{line} in {told}");
    }
    assert!(!told.contains("free"), "{told}");
    let shown = sandbox.ok(&["inspect", "--format", "{{json .HostConfig.Egress}}", "ruled"]);
    assert!(shown.starts_with("[\"deny\",\"allow=203.0.113.5/32:80/tcp\",\"allow=10.200.0.0/24\","), "{shown}");
    world.end(&sandbox);
}

#[test]
fn the_first_rule_that_fits_decides() {
    let Some(sandbox) = sandbox() else { return };
    let world = World::start();
    network(&sandbox);
    start(&sandbox, "a", &["--network", "net"], &["allow=203.0.113.6:80", "deny=203.0.113.6,10.0.0.0/8"]);
    start(&sandbox, "b", &["--network", "net"], &["allow", "deny=203.0.113.6,10.0.0.0/8", "allow=203.0.113.6"]);
    // An allow alone denies the rest, and so does a deny that comes first.
    for (who, host, port, is_allowed) in [
        ("a", FAR, 80, true),
        ("a", FAR, 443, false),
        ("a", NEAR, 80, false),
        ("b", FAR, 80, false),
        ("b", NEAR, 80, true),
        ("b", PRIVATE, 80, false),
    ] {
        match is_allowed {
            true => reaches(&sandbox, who, host, port),
            false => is_refused(&sandbox, who, host, port),
        }
    }
    assert!(looks_up(&sandbox, "b", &["ok.test."]).contains(NEAR), "who may go anywhere may ask for any name");
    world.end(&sandbox);
}

#[test]
fn names_are_open_as_they_resolve() {
    let Some(sandbox) = sandbox() else { return };
    let world = World::start();
    network(&sandbox);
    start(&sandbox, "free", &["--network", "net"], &[]);
    start(&sandbox, "a", &["--network", "net"], &["deny", "allow=ok.test:80,*.wild.test"]);
    is_refused(&sandbox, "a", NEAR, 80);
    assert!(looks_up(&sandbox, "a", &["ok.test."]).contains(NEAR));
    reaches(&sandbox, "a", NEAR, 80);
    reaches(&sandbox, "a", NEAR6, 80);
    is_refused(&sandbox, "a", NEAR, 443);
    is_refused(&sandbox, "a", FAR, 80);
    assert!(looks_up(&sandbox, "a", &["A.Wild.Test."]).contains(FAR));
    reaches(&sandbox, "a", FAR, 80);
    reaches(&sandbox, "a", FAR, 443);
    // What is not allowed is not asked of anybody, whatever of it is wanted.
    for (name, kind) in
        [("wild.test.", "a"), ("secret.exfil.test.", "a"), ("secret.exfil.test.", "txt"), ("ok.test.x.", "a")]
    {
        let said = looks_up(&sandbox, "a", &[&format!("-type={kind}"), name]);
        assert!(said.contains("REFUSED"), "{name} {kind}: {said}");
        assert!(!world.was_asked_for(name.trim_end_matches('.')), "{name}");
    }
    assert!(looks_up(&sandbox, "free", &["secret.exfil.test."]).contains("203.0.113.7"));
    assert!(world.was_asked_for("secret.exfil.test"), "the control");
    until("it is told of", || refusals(&sandbox).contains("a dns secret.exfil.test "));
    assert_eq!(refusals(&sandbox).matches("secret.exfil.test").count(), 1, "{}", refusals(&sandbox));
    // Other containers are found, and the host, which is not reached.
    reaches(&sandbox, "a", "free", 7);
    is_refused(&sandbox, "a", "host.containers.internal", 8080);
    // Whoever has a name opens nothing with it that is not everybody's.
    let said = looks_up(&sandbox, "a", &["rebind.wild.test."]);
    assert!(said.contains(METADATA) && said.contains("fd00:81::1"), "{said}");
    for (host, port) in [(METADATA, 80), (PRIVATE, 80), ("10.81.0.1", 8080), ("fd00:81::1", 8080)] {
        is_refused(&sandbox, "a", host, port);
        reaches(&sandbox, "free", host, port);
    }
    // Nor is what is another container's way open to this one.
    start(&sandbox, "b", &["--network", "net"], &["deny", "allow=ok.test"]);
    is_refused(&sandbox, "b", NEAR, 80);
    // Who wants others asked than the network does has that done by the one that opens what they say.
    start(&sandbox, "c", &["--dns", NAME_SERVER], &["allow=ok.test"]);
    assert!(looks_up(&sandbox, "c", &["ok.test."]).contains(NEAR));
    reaches(&sandbox, "c", NEAR, 443);
    world.end(&sandbox);
}

/// Ends the keeper as nobody should.
fn kill_keeper(sandbox: &Sandbox) {
    let keeper = || sandbox.processes().into_iter().find(|process| process.contains("coracle-keeper"));
    let before = keeper().expect("a keeper");
    let pid: i32 = before.split(':').next().and_then(|pid| pid.parse().ok()).expect("a pid");
    kill(Pid::from_raw(pid), Signal::SIGKILL).expect("kill");
    until("another keeper is there", || keeper().is_some_and(|keeper| keeper != before));
}

#[test]
fn rules_outlive_the_keeper_and_a_restart_and_hold_in_further_networks() {
    let Some(sandbox) = sandbox() else { return };
    let world = World::start();
    network(&sandbox);
    sandbox.ok(&["network", "create", "--subnet", "10.82.0.0/24", "--dns", NAME_SERVER, "more"]);
    start(&sandbox, "a", &["--network", "net"], &["deny", "allow=ok.test:80,*.wild.test"]);
    let resolves = |name: &str| looks_up(&sandbox, "a", &[name]).contains("Name:");
    assert!(resolves("ok.test."));
    kill_keeper(&sandbox);
    // What was open is, and nothing else.
    reaches(&sandbox, "a", NEAR, 80);
    is_refused(&sandbox, "a", FAR, 80);
    until("the new one resolves", || resolves("a.wild.test."));
    reaches(&sandbox, "a", FAR, 80);
    reaches(&sandbox, "a", NEAR, 80);
    assert!(looks_up(&sandbox, "a", &["exfil.test."]).contains("REFUSED"));
    until("it is told of", || refusals(&sandbox).contains("a dns exfil.test "));
    until("the new one's refusals, too", || {
        is_refused(&sandbox, "a", METADATA, 80);
        refusals(&sandbox).contains(METADATA)
    });
    // By a further network nothing else is reached, at its gateway neither, and the names are as before.
    sandbox.ok(&["network", "connect", "more", "a"]);
    is_refused(&sandbox, "a", "10.82.0.1", 8080);
    sandbox.ok(&["network", "disconnect", "net", "a"]);
    for (host, port) in [(METADATA, 80), ("10.82.0.1", 8080), (NEAR, 443)] {
        is_refused(&sandbox, "a", host, port);
    }
    reaches(&sandbox, "a", NEAR, 80);
    sandbox.ok(&["network", "connect", "net", "a"]);
    sandbox.ok(&["restart", "-t", "0", "a"]);
    is_refused(&sandbox, "a", NEAR, 80);
    assert!(resolves("ok.test."));
    reaches(&sandbox, "a", NEAR, 80);
    // The rules are there only as long as the container is.
    sandbox.ok(&["rm", "-f", "-t", "0", "a"]);
    until("the rules are gone", || !says(&["nft", "list", "tables"]).contains("coracle-"));
    world.end(&sandbox);
}

#[test]
fn a_connection_to_a_name_stands_when_the_name_is_no_longer_open_and_ends_with_its_rule() {
    let Some(sandbox) = sandbox() else { return };
    let world = World::start();
    network(&sandbox);
    start(&sandbox, "a", &["--network", "net"], &["allow=ok.test,*.wild.test:80"]);
    assert!(looks_up(&sandbox, "a", &["ok.test."]).contains(NEAR));
    assert!(looks_up(&sandbox, "a", &["a.wild.test."]).contains(FAR));
    let script = format!("while echo x; do sleep 0.05; done | nc {NEAR} 7 >/tmp/heard; echo ended >>/tmp/heard");
    sandbox.ok(&["exec", "-d", "a", "sh", "-c", &script]);
    let heard = || sandbox.coracle(&["exec", "a", "cat", "/tmp/heard"]).stdout;
    until("the connection stands", || heard().contains('x'));
    let stands = || {
        let before = heard().len();
        until("more is heard", || heard().len() > before);
    };
    // Other rules with the same name leave open what it has been resolved to.
    sandbox.ok(&["update", "--egress", "deny=10.0.0.0/8", "--egress", "allow=ok.test", "a"]);
    reaches(&sandbox, "a", NEAR, 80);
    is_refused(&sandbox, "a", FAR, 80);
    stands();
    // The time of the answer is over for those who come now.
    let table = says(&["nft", "list", "tables", "inet"]);
    let table = table.lines().find_map(|line| line.strip_prefix("table inet coracle-")).expect("a table");
    says(&["nft", "flush", "set", "inet", &format!("coracle-{table}"), "open4-ok.test"]);
    is_refused(&sandbox, "a", NEAR, 80);
    stands();
    // A name that comes back begins anew.
    for rules in [["allow=ok.test:80", "deny"], ["allow=*.wild.test", "deny"], ["allow=ok.test,*.wild.test", "deny"]]
    {
        sandbox.ok(&["update", "--egress", rules[0], "--egress", rules[1], "a"]);
        is_refused(&sandbox, "a", NEAR, 80);
        is_refused(&sandbox, "a", FAR, 80);
    }
    until("the connection ends", || heard().contains("ended"));
    assert!(looks_up(&sandbox, "a", &["a.wild.test."]).contains(FAR));
    reaches(&sandbox, "a", FAR, 80);
    // The keeper's successor has the rules of now.
    kill_keeper(&sandbox);
    until("it resolves", || looks_up(&sandbox, "a", &["ok.test."]).contains(NEAR));
    reaches(&sandbox, "a", NEAR, 80);
    world.end(&sandbox);
}

#[test]
fn rules_that_a_killed_keeper_left_are_swept() {
    let Some(sandbox) = sandbox() else { return };
    start(&sandbox, "a", &[], &["deny"]);
    start(&sandbox, "b", &[], &["deny"]);
    let tables = || says(&["nft", "list", "tables"]).matches("coracle-").count();
    assert_eq!(tables(), 4);
    let processes = sandbox.processes();
    let signal = |name: &str, signal: Signal| {
        let pids = processes.iter().filter(|process| process.contains(name));
        let pids = pids.filter_map(|process| process.split(':').next()?.parse().ok());
        pids.map(|pid| kill(Pid::from_raw(pid), signal).expect("send a signal")).count()
    };
    // Held still, it hears of no end.
    assert_eq!(signal("coracle-keeper", Signal::SIGSTOP), 1);
    assert_eq!(signal("coracle-monitor", Signal::SIGKILL), 2);
    signal("coracle-keeper", Signal::SIGKILL);
    until("their interfaces are gone", || says(&["ip", "-o", "link", "show", "type", "veth"]).is_empty());
    assert_eq!(tables(), 4, "nobody was there to take them away");
    start(&sandbox, "c", &[], &["deny"]);
    assert_eq!(tables(), 2);
    ends(&sandbox);
}

#[test]
fn networks_of_which_nothing_is_the_engines_take_no_rules() {
    let Some(sandbox) = sandbox() else { return };
    let lan = ["--driver", "macvlan", "--opt", "parent=lo", "--subnet", "10.83.0.0/24", "lan"];
    sandbox.ok(&[&["network", "create"], &lan[..]].concat());
    let run = ["run", "--rm", "--network", "lan", "--egress", "deny", "busybox", "true"];
    sandbox.fails(125, &["run: ", "egress rules", "network lan"], &run);
    start(&sandbox, "a", &[], &["deny"]);
    sandbox.fails(125, &["network connect: ", "egress rules", "network lan"], &["network", "connect", "lan", "a"]);
    ends(&sandbox);
}

#[test]
fn whoever_may_change_its_own_network_lifts_no_rule() {
    let Some(sandbox) = sandbox() else { return };
    let world = World::start();
    network(&sandbox);
    let powers = ["--network", "net", "--cap-add", "net_admin,net_raw"];
    start(&sandbox, "free", &powers, &[]);
    start(&sandbox, "x", &powers, &["deny", "allow=ok.test:80"]);
    let bridge = sandbox.ok(&["network", "inspect", "--format", "{{.NetworkInterface}}", "net"]);
    let link_local = || {
        let shown = says(&["ip", "-6", "-o", "address", "show", "dev", bridge.trim(), "scope", "link", "-tentative"]);
        let words: Vec<&str> = shown.split_whitespace().collect();
        let address = words.iter().skip_while(|word| **word != "inet6").nth(1)?;
        Some(format!("{}%eth0", address.split('/').next()?))
    };
    until("the bridge has an address of its link", || link_local().is_some());
    let link_local = link_local().expect("an address");
    let targets = [(NEAR, 443), (NEAR6, 443), ("10.81.0.1", 8080), ("fd00:81::1", 8080), (link_local.as_str(), 8080)];
    let tricks = [
        "true",
        "ip address add 10.81.0.77/24 dev eth0; ip route replace default via 10.81.0.1 src 10.81.0.77; \
         ip address add fd00:81::77/64 dev eth0 nodad; ip -6 route replace default via fd00:81::1 src fd00:81::77",
        "ip address add 203.0.113.9/32 dev eth0; ip route replace default via 10.81.0.1 src 203.0.113.9; \
         ip address add 2001:db8:113::9/128 dev eth0 nodad; ip -6 route replace default via fd00:81::1 src 2001:db8:113::9",
        "ip address flush dev eth0 scope global; ip address add 10.81.0.78/24 dev eth0; \
         ip route replace default via 10.81.0.1; ip -6 route replace default via fe80::1 dev eth0",
        "ip link set eth0 down; ip link set eth0 address 02:00:00:00:00:01; ip link set eth0 up; \
         ip address add fd00:81::79/64 dev eth0 nodad; ip -6 route replace default via fd00:81::1",
    ];
    for (host, port) in targets {
        reaches(&sandbox, "free", host, port);
    }
    for trick in tricks {
        let _ = sandbox.coracle(&["exec", "x", "sh", "-c", trick]);
        let try_all = targets.map(|(host, port)| format!("nc -w 1 {host} {port} </dev/null & ")).concat();
        let said = sandbox.coracle(&["exec", "x", "sh", "-c", &format!("({try_all} wait) 2>&1")]).stdout;
        assert!(!said.contains("here is"), "{trick}: {said}");
    }
    for (host, port) in targets {
        reaches(&sandbox, "free", host, port);
    }
    world.end(&sandbox);
}

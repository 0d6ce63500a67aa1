//! Networks that have a name, with containers on their bridges.

use crate::support::{Sandbox, skip, until};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::time::Duration;

/// The address of a container in a network.
fn address(sandbox: &Sandbox, container: &str, network: &str) -> String {
    let template = format!("{{{{(index .NetworkSettings.Networks {network:?}).IPAddress}}}}");
    sandbox.ok(&["inspect", "--format", &template, container]).trim().to_owned()
}

const SLEEP: &[&str] = &["busybox", "sleep", "1000"];

fn start(sandbox: &Sandbox, name: &str, options: &[&str]) {
    let all = [&["run", "-d", "--name", name, "--cap-add", "net_raw"], options, SLEEP].concat();
    sandbox.ok(&all);
}

#[test]
fn containers_of_one_network_reach_each_other_and_those_of_others_do_not() {
    let sandbox = Sandbox::with_busybox();
    for network in ["one", "two"] {
        sandbox.ok(&["network", "create", network]);
    }
    start(&sandbox, "a", &["--network", "one"]);
    start(&sandbox, "b", &["--network", "one"]);
    start(&sandbox, "c", &["--network", "two"]);
    let (b, c) = (address(&sandbox, "b", "one"), address(&sandbox, "c", "two"));
    let ping = |from: &str, to: &str| sandbox.coracle(&["exec", from, "ping", "-c", "1", "-W", "1", to]).code;
    assert_eq!(ping("a", &b), 0);
    assert_eq!(ping("a", &c), 1, "networks are apart");
    // Nor is the other network's gateway theirs.
    let gateway = c.rsplit_once('.').map(|(start, _)| format!("{start}.1")).expect("an address");
    assert_eq!(ping("a", &gateway), 1);
    assert_eq!(ping("c", &gateway), 0, "the control: its own is");
    // In both, a container reaches both.
    start(&sandbox, "both", &["--network", "one", "--network", "two"]);
    assert_eq!((ping("both", &b), ping("both", &c)), (0, 0));
    sandbox.end();
}

#[test]
fn packets_are_as_large_as_what_leads_outside_takes_them_or_as_the_network_says() {
    let sandbox = Sandbox::with_busybox();
    sandbox.ok(&["network", "create", "plain"]);
    sandbox.ok(&["network", "create", "-o", "mtu=1400", "small"]);
    for (network, mtu) in [("plain", "65520"), ("small", "1400"), ("pasta", "65520")] {
        let shown = sandbox.ok(&["run", "--rm", "--network", network, "busybox", "cat", "/sys/class/net/eth0/mtu"]);
        assert_eq!(shown.trim(), mtu, "{network}");
    }
    sandbox.end();
}

#[test]
fn networks_that_ask_for_it_reach_each_other() {
    let sandbox = Sandbox::with_busybox();
    for network in ["one", "two"] {
        sandbox.ok(&["network", "create", "-o", "isolate=false", network]);
    }
    start(&sandbox, "a", &["--network", "one"]);
    start(&sandbox, "c", &["--network", "two"]);
    sandbox.ok(&["exec", "a", "ping", "-c", "1", "-W", "1", &address(&sandbox, "c", "two")]);
    sandbox.end();
}

#[test]
fn addresses_are_as_asked_for_and_never_two_containers() {
    let sandbox = Sandbox::with_busybox();
    sandbox.ok(&["network", "create", "--subnet", "10.123.0.0/29", "--subnet", "fd00:123::/64", "small"]);
    let place = "small:ip=10.123.0.5,ip6=fd00:123::5,mac=92:d0:c6:0a:29:33,interface_name=web0";
    start(&sandbox, "fixed", &["--network", place]);
    let shown = sandbox.ok(&["exec", "fixed", "ip", "-o", "address", "show", "dev", "web0"]);
    assert!(shown.contains(" 10.123.0.5/29 ") && shown.contains(" fd00:123::5/64 "), "{shown}");
    assert!(sandbox.ok(&["exec", "fixed", "ip", "link", "show", "web0"]).contains("92:d0:c6:0a:29:33"));
    let again = ["run", "--rm", "--network", "small", "--ip", "10.123.0.5", "busybox"];
    sandbox.fails(125, &["run: ", "10.123.0.5", "in use"], &again);
    sandbox.fails(125, &["run: ", "10.9.9.9", "no subnet"], &["run", "--network", "small:ip=10.9.9.9", "busybox"]);
    sandbox.fails(125, &["run: ", "--ip needs"], &["run", "--network", "none", "--ip", "10.9.9.9", "busybox"]);
    // Of six addresses one is the gateway's and one is taken.
    let addresses: Vec<String> = (0..4)
        .map(|number| {
            let name = format!("n{number}");
            start(&sandbox, &name, &["--network", "small"]);
            address(&sandbox, &name, "small")
        })
        .collect();
    let mut different = addresses.clone();
    different.sort();
    different.dedup();
    assert_eq!(different.len(), 4, "{addresses:?}");
    sandbox.fails(125, &["run: ", "no address is free"], &["run", "--rm", "--network", "small", "busybox"]);
    // An address comes back with its container's end.
    sandbox.ok(&["rm", "-f", "-t", "0", "n2"]);
    start(&sandbox, "next", &["--network", "small"]);
    assert_eq!(address(&sandbox, "next", "small"), addresses[2]);
    sandbox.end();
}

#[test]
fn an_internal_network_leads_nowhere_and_another_to_the_outside() {
    let sandbox = Sandbox::with_busybox();
    sandbox.ok(&["network", "create", "--internal", "inside"]);
    sandbox.ok(&["network", "create", "outside"]);
    // pasta has the host's name servers behind this address.
    let script = "ip route | grep -c default; nslookup example.org. 169.254.1.1 2>&1";
    let asks =
        |network: &str| sandbox.coracle(&["run", "--rm", "--network", network, "busybox", "sh", "-c", script]).stdout;
    let answers = |said: &str| said.contains("NXDOMAIN") || said.contains("Name:");
    let (inside, outside) = (asks("inside"), asks("outside"));
    assert!(inside.starts_with("0\n") && !answers(&inside), "{inside}");
    assert!(outside.starts_with("1\n") && answers(&outside), "{outside}");
    sandbox.end();
}

#[test]
fn a_killed_keeper_is_replaced_and_connections_stand() {
    let sandbox = Sandbox::with_busybox();
    sandbox.ok(&["network", "create", "net"]);
    start(&sandbox, "server", &["--network", "net"]);
    let server = address(&sandbox, "server", "net");
    sandbox.ok(&["exec", "-d", "server", "nc", "-ll", "-p", "7", "-e", "cat"]);
    // A connection that sends a line before and one after.
    let script =
        format!("(echo before; until [ -e /go ]; do sleep 0.1; done; echo after; sleep 1) | nc {server} 7 > /heard");
    start(&sandbox, "client", &["--network", "net"]);
    sandbox.ok(&["exec", "-d", "client", "sh", "-c", &script]);
    let heard = || sandbox.coracle(&["exec", "client", "cat", "/heard"]).stdout;
    until("the first line is back", || heard() == "before\n");
    let keepers = || -> Vec<String> {
        sandbox.processes().into_iter().filter(|process| process.contains("coracle-keeper")).collect()
    };
    let before = keepers();
    assert_eq!(before.len(), 1, "{before:?}");
    let pid: i32 = before[0].split(':').next().and_then(|pid| pid.parse().ok()).expect("a pid");
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), nix::sys::signal::Signal::SIGKILL).expect("kill");
    until("another keeper is there", || keepers().first().is_some_and(|keeper| *keeper != before[0]));
    sandbox.ok(&["exec", "client", "touch", "/go"]);
    until("the connection has lived on", || heard() == "before\nafter\n");
    // And new containers find the others.
    sandbox.ok(&[
        "run",
        "--rm",
        "--cap-add",
        "net_raw",
        "--network",
        "net",
        "busybox",
        "ping",
        "-c",
        "1",
        "-W",
        "1",
        &server,
    ]);
    sandbox.end();
}

#[test]
fn containers_find_each_other_by_name_alias_and_id() {
    let sandbox = Sandbox::with_busybox();
    for network in ["one", "two"] {
        sandbox.ok(&["network", "create", network]);
    }
    let id = sandbox.ok(&["run", "-d", "--name", "A", "--network", "one:alias=web", "busybox", "sleep", "1000"]);
    let address = address(&sandbox, "A", "one");
    let look_up = |network: &str, name: &str| {
        sandbox.coracle(&["run", "--rm", "--network", network, "busybox", "nslookup", name]).stdout
    };
    for name in ["a", "web", &id[..12], "a.dns.podman"] {
        let answer = look_up("one", name);
        assert!(answer.contains(&format!("Address: {address}\n")), "{name}: {answer}");
    }
    assert!(look_up("one", &address).contains("name = a"), "the way back: {}", look_up("one", &address));
    assert!(look_up("one", "host.containers.internal").contains("Address: 169.254.1.2\n"));
    let other = look_up("two", "a");
    assert!(other.contains("NXDOMAIN") && !other.contains(&address), "another network knows nothing of it: {other}");
    // With its end its name goes, too.
    sandbox.ok(&["stop", "-t", "0", "A"]);
    until("nobody has the name", || look_up("one", "a").contains("NXDOMAIN"));
    sandbox.end();
}

#[test]
fn a_running_container_comes_into_networks_and_leaves_them() {
    let sandbox = Sandbox::with_busybox();
    for network in ["one", "two"] {
        sandbox.ok(&["network", "create", network]);
    }
    start(&sandbox, "a", &["--network", "one"]);
    start(&sandbox, "b", &["--network", "two"]);
    let b = address(&sandbox, "b", "two");
    let reaches = || sandbox.coracle(&["exec", "a", "ping", "-c", "1", "-W", "1", &b]).code == 0;
    assert!(!reaches());
    let hosts = || sandbox.ok(&["exec", "a", "cat", "/etc/hosts", "/etc/resolv.conf"]);
    sandbox.ok(&["exec", "a", "sh", "-c", "echo 192.0.2.1 mine >> /etc/hosts"]);
    let before = hosts();
    sandbox.ok(&["network", "connect", "--alias", "guest", "two", "a"]);
    assert!(reaches());
    let own = address(&sandbox, "a", "two");
    let gateway = b.rsplit_once('.').map(|(start, _)| format!("{start}.1")).expect("an address");
    for line in [format!("{own}\t"), format!("nameserver {gateway}\n"), "192.0.2.1 mine\n".to_owned()] {
        assert!(hosts().contains(&line), "no {line} in {}", hosts());
    }
    assert!(sandbox.ok(&["exec", "b", "nslookup", "guest"]).contains(&address(&sandbox, "a", "two")));
    let shown = sandbox.ok(&["network", "inspect", "--format", "{{len .Containers}}", "two"]);
    assert_eq!(shown, "2\n");
    let named = sandbox.ok(&["network", "inspect", "--format", "{{range .Containers}}{{.Name}} {{end}}", "two"]);
    let mut named: Vec<&str> = named.split_whitespace().collect();
    named.sort_unstable();
    assert_eq!(named, ["a", "b"]);
    sandbox.fails(125, &["network connect: ", "named twice"], &["network", "connect", "two", "a"]);
    sandbox.fails(2, &["network rm: ", "being used", "a ("], &["network", "rm", "two"]);
    sandbox.ok(&["network", "disconnect", "two", "a"]);
    assert!(!reaches());
    assert_eq!(hosts(), before);
    let events =
        ["events", "--stream=false", "--filter", "network=two", "--format", "{{.Status}} {{.Name}} {{.Type}}"];
    assert_eq!(sandbox.ok(&events), "create  network\nconnect a network\ndisconnect a network\n");
    let line = sandbox.ok(&["events", "--stream=false", "--filter", "event=connect"]);
    assert!(
        line.contains(" network connect ") && line.contains("(container=") && line.contains(", name=two)"),
        "{line}"
    );
    assert_eq!(sandbox.ok(&["exec", "a", "ls", "/sys/class/net"]), "eth0\nlo\n");
    sandbox.fails(125, &["network disconnect: ", "not in network"], &["network", "disconnect", "two", "a"]);
    // What is stopped keeps what was said, for its next start.
    sandbox.ok(&["stop", "-t", "0", "a"]);
    sandbox.ok(&["network", "connect", "two", "a"]);
    sandbox.ok(&["start", "a"]);
    assert!(reaches());
    start(&sandbox, "none", &["--network", "none"]);
    sandbox.fails(125, &["network connect: ", "network none"], &["network", "connect", "two", "none"]);
    sandbox.end();
}

#[test]
fn names_of_the_outside_are_asked_of_those_that_the_network_names() {
    let sandbox = Sandbox::with_busybox();
    sandbox.ok(&["network", "create", "--dns", "127.0.0.99", "outer"]);
    assert!(sandbox.ok(&["network", "inspect", "outer"]).contains("127.0.0.99"));
    start(&sandbox, "a", &["--network", "outer"]);
    let asked = sandbox.coracle(&["exec", "a", "nslookup", "example.org."]);
    assert!(!asked.stdout.contains("NXDOMAIN"), "nobody is there to say so: {asked}");
    sandbox.ok(&["network", "update", "--dns-drop", "127.0.0.99", "--dns-add", "127.0.0.98", "outer"]);
    let shown = sandbox.ok(&["network", "inspect", "outer"]);
    assert!(shown.contains("127.0.0.98") && !shown.contains("127.0.0.99"), "{shown}");
    assert_eq!(sandbox.ok(&["network", "reload", "--all"]).lines().count(), 1);
    sandbox.end();
}

/// A port of the host that nobody used a moment ago.
fn free_port() -> u16 {
    TcpListener::bind(("127.0.0.1", 0)).and_then(|socket| socket.local_addr()).expect("bind a port").port()
}

/// What a container's echo server gives back at a port of the host. None if there is nothing.
fn echo(address: (&str, u16)) -> Option<TcpStream> {
    let mut stream = TcpStream::connect(address).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(5))).ok()?;
    stream.write_all(b"hi").ok()?;
    let mut heard = [0; 2];
    stream.read_exact(&mut heard).ok().filter(|()| heard == *b"hi").map(|()| stream)
}

#[test]
fn published_ports_lead_to_the_container_from_the_clients_own_address() {
    let sandbox = Sandbox::with_busybox();
    sandbox.ok(&["network", "create", "net"]);
    let port = free_port();
    let published = format!("{port}:7");
    let server = ["busybox", "nc", "-ll", "-p", "7", "-e", "cat"];
    sandbox.ok(&[&["run", "-d", "--name", "s", "--network", "net", "-p", &published][..], &server].concat());
    until("the server answers", || echo(("127.0.0.1", port)).is_some());
    // The host's own address, by which it would be reached from elsewhere, if it has one.
    let own = UdpSocket::bind("0.0.0.0:0").and_then(|socket| {
        socket.connect("192.0.2.1:9")?;
        Ok(socket.local_addr()?.ip().to_string())
    });
    let peers = || sandbox.ok(&["exec", "s", "netstat", "-tn"]);
    match own {
        Ok(own) => {
            let stream = echo((&own, port)).expect("the server answers at the host's address");
            let client = stream.local_addr().expect("an address").to_string();
            let client = client.trim_start_matches("[::ffff:").replace(']', "");
            assert!(peers().contains(&client), "no {client} in {}", peers());
        }
        Err(error) => skip(&format!("the host has no address but loopback: {error}")),
    }
    // From loopback nobody could be answered: that is the gateway's.
    let stream = echo(("127.0.0.1", port)).expect("an answer");
    assert!(peers().contains("10.89.0.1:"), "{}", peers());
    // A killed forwarder is replaced.
    let forwarder = || -> Option<i32> {
        let monitor = sandbox.processes().into_iter().filter(|process| process.contains("coracle-monitor"));
        let mut pids = monitor.filter_map(|process| process.split(':').next()?.parse::<i32>().ok());
        pids.find(|pid| {
            std::fs::read_to_string(format!("/proc/{pid}/comm")).is_ok_and(|name| name.trim() == "coracle-forward")
        })
    };
    let before = forwarder().expect("a forwarder");
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(before), nix::sys::signal::Signal::SIGKILL).expect("kill");
    drop(stream);
    until("another forwarder is there", || forwarder().is_some_and(|pid| pid != before));
    until("the server answers again", || echo(("127.0.0.1", port)).is_some());
    // The port is taken, and the holder is named.
    let second = ["run", "--rm", "--network", "net", "-p", &published, "busybox", "true"];
    sandbox.fails(125, &["run: ", &port.to_string(), "in use by container s"], &second);
    sandbox.ok(&["rm", "-f", "-t", "0", "s"]);
    TcpListener::bind(("127.0.0.1", port)).expect("the port is free again");
    sandbox.end();
}

#[test]
fn ports_come_and_go_while_the_container_runs() {
    let sandbox = Sandbox::with_busybox();
    let (first, second) = (free_port(), free_port());
    let server = ["busybox", "nc", "-ll", "-p", "7", "-e", "cat"];
    let published = format!("127.0.0.1:{first}:7");
    sandbox.ok(&[&["run", "-d", "--name", "s", "--network", "bridge", "-p", &published][..], &server].concat());
    until("the server answers", || echo(("127.0.0.1", first)).is_some());
    let mut stands = echo(("127.0.0.1", first)).expect("an answer");
    let added = format!("127.0.0.1:{second}:7");
    sandbox.ok(&["update", "--publish-add", &added, "s"]);
    assert!(echo(("127.0.0.1", second)).is_some(), "at once");
    assert_eq!(sandbox.ok(&["port", "s"]).lines().count(), 2);
    sandbox.ok(&["update", "--publish-rm", &added, "s"]);
    assert!(echo(("127.0.0.1", second)).is_none());
    // Through both, the first connection has stood.
    stands.write_all(b"ho").expect("write");
    let mut heard = [0; 2];
    stands.read_exact(&mut heard).expect("read");
    assert_eq!(heard, *b"ho");
    sandbox.fails(125, &["update: ", "not published"], &["update", "--publish-rm", "9", "s"]);
    start(&sandbox, "none", &["--network", "none"]);
    sandbox.fails(125, &["update: ", "on a bridge only"], &["update", "--publish-add", "7", "none"]);
    sandbox.end();
}

#[test]
fn a_header_of_the_proxy_protocol_tells_a_server_who_its_client_is() {
    let sandbox = Sandbox::with_busybox();
    let [first, second] = [free_port(), free_port()];
    let published = format!("127.0.0.1:{first}:7/tcp,proxy=v1");
    let server = ["busybox", "nc", "-ll", "-p", "7", "-e", "cat"];
    sandbox.ok(&[&["run", "-d", "--name", "s", "--network", "bridge", "-p", &published][..], &server].concat());
    // The server gives back what it hears.
    let hears = |port: u16, length: usize| {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
        stream.set_read_timeout(Some(Duration::from_secs(5))).ok()?;
        stream.write_all(b"hi").ok()?;
        stream.shutdown(std::net::Shutdown::Write).ok()?;
        let mut heard = Vec::new();
        stream.read_to_end(&mut heard).ok().filter(|_| heard.len() >= length)?;
        Some((heard, stream.local_addr().ok()?.port()))
    };
    until("the server answers", || hears(first, 2).is_some());
    let (heard, client) = hears(first, 2).expect("an answer");
    let expected = format!("PROXY TCP4 127.0.0.1 127.0.0.1 {client} {first}\r\nhi");
    assert_eq!(String::from_utf8_lossy(&heard), expected);
    sandbox.ok(&["update", "--publish-add", &format!("127.0.0.1:{second}:7,proxy=v2"), "s"]);
    let (heard, client) = hears(second, 2).expect("an answer");
    let ports = [client.to_be_bytes(), second.to_be_bytes()].concat();
    let expected = [b"\r\n\r\n\0\r\nQUIT\n\x21\x11\x00\x0c\x7f\0\0\x01\x7f\0\0\x01", &ports[..], b"hi"].concat();
    assert_eq!(heard, expected);
    let template = "{{range (index .HostConfig.PortBindings \"7/tcp\")}}{{.HostPort}} {{.ProxyProtocol}}\n{{end}}";
    let shown = sandbox.ok(&["inspect", "--format", template, "s"]);
    assert!(shown.contains(&format!("{first} v1\n")) && shown.contains(&format!("{second} v2\n")), "{shown}");
    for (options, words) in [
        (&["--network", "bridge", "-p", "7/udp,proxy=v2"][..], &["UDP", "PROXY"][..]),
        (&["--network", "bridge", "-p", "7,proxy=v3"], &["proxy=v1|v2"]),
        (&["--network", "pasta", "-p", "7,proxy=v2"], &["port 7", "pasta", "--network bridge"]),
    ] {
        sandbox.fails(125, words, &[&["run"], options, &["busybox"]].concat());
    }
    sandbox.end();
}

#[test]
fn containers_that_name_name_servers_still_find_each_other() {
    let sandbox = Sandbox::with_busybox();
    sandbox.ok(&["network", "create", "net"]);
    start(&sandbox, "a", &["--network", "net"]);
    let a = address(&sandbox, "a", "net");
    let script = "nslookup a.; cat /etc/resolv.conf";
    let named = ["--dns", "192.0.2.53", "--dns-search", "a.example", "--dns-option", "ndots:3"];
    let run = [&["run", "--rm", "--network", "net"], &named[..], &["busybox", "sh", "-c", script]].concat();
    let said = sandbox.ok(&run);
    let gateway = a.rsplit_once('.').map(|(start, _)| format!("{start}.1")).expect("an address");
    for line in
        [&format!("Address: {a}\n"), &format!("nameserver {gateway}\n"), "search a.example\n", "options ndots:3\n"]
    {
        assert!(said.contains(line), "no {line} in {said}");
    }
    assert!(!said.contains("nameserver 192.0.2.53"), "{said}");
    sandbox.fails(
        125,
        &["run: ", "no bridge leads"],
        &["run", "--network", "net", "--dns", "fe80::1%eth0", "busybox"],
    );
    sandbox.end();
}

#[test]
fn networks_on_interfaces_of_the_host_need_root() {
    let sandbox = Sandbox::with_busybox();
    sandbox.ok(&["network", "create", "-d", "macvlan", "--subnet", "10.77.0.0/24", "lan"]);
    sandbox.fails(
        125,
        &["run: ", "network lan", "needs root"],
        &["run", "--rm", "--network", "lan", "busybox", "true"],
    );
    sandbox.ok(&["network", "create", "-o", "mode=unmanaged", "--interface-name", "own", "theirs"]);
    sandbox.fails(
        125,
        &["run: ", "a bridge of the host's", "needs root"],
        &["run", "--rm", "--network", "theirs", "busybox"],
    );
    sandbox.ok(&["network", "create", "-o", "vrf=red", "vrf"]);
    let run = ["run", "--rm", "--network", "vrf", "busybox", "true"];
    sandbox.fails(125, &["run: ", "network vrf", "a VRF of the host's", "needs root"], &run);
    sandbox.end();
}

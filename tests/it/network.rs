//! `--network` and `--publish`, with the real pasta.

use crate::support::{Running, Sandbox, skip, until};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

/// How long one attempt at a connection may take.
const ATTEMPT: Duration = Duration::from_millis(500);

/// A sandbox with an image; None where there is no pasta.
fn with_pasta() -> Option<Sandbox> {
    if !Path::new("/usr/bin/pasta").exists() {
        skip("pasta is not installed");
        return None;
    }
    let sandbox = Sandbox::new();
    sandbox.image("busybox");
    Some(sandbox)
}

/// A port of the loopback that nobody used a moment ago.
fn free_port() -> u16 {
    TcpListener::bind(("127.0.0.1", 0)).and_then(|socket| socket.local_addr()).expect("bind a port").port()
}

#[test]
fn none_has_only_loopback_and_host_is_the_hosts() {
    let sandbox = Sandbox::new();
    sandbox.image("busybox");
    let run = |network: &str, script: &str| {
        sandbox.ok(&["run", "--rm", "--network", network, "busybox", "sh", "-c", script])
    };
    assert_eq!(run("none", "ls /sys/class/net; ip route | wc -l"), "lo\n0\n");
    assert_eq!(run("none", "ip -o address show up dev lo | grep -c 127.0.0.1/8"), "1\n");
    let ours = std::fs::read_link("/proc/self/ns/net").expect("our namespace").display().to_string();
    assert_eq!(run("host", "readlink /proc/self/ns/net").trim(), ours);
    assert_ne!(run("none", "readlink /proc/self/ns/net").trim(), ours);
    let unknown = |name: &str, words: &[&str]| {
        sandbox.fails(
            125,
            &[&["run: ", "no network with name", name], words].concat(),
            &["run", "--network", name, "busybox"],
        );
    };
    unknown("nosuch", &["network ls"]);
    sandbox.ok(&["network", "create", "backend"]);
    unknown("bakcend", &["did you mean backend?"]);
    let none = ["run", "--network", "none", "-p", "80:80", "busybox"];
    sandbox.fails(125, &["run: ", "ports cannot be published"], &none);
    for bad in ["x:80", "80:0", "1.2.3:80:80"] {
        sandbox.fails(125, &["run: ", &format!("{bad:?}")], &["run", "-p", bad, "busybox"]);
    }
    for option in ["-p", "--expose"] {
        let sctp = ["run", option, "80/sctp", "busybox"];
        sandbox.fails(125, &["run: ", "80/sctp", "SCTP is not forwarded", "--network host"], &sctp);
    }
}

#[test]
fn private_is_connected_and_cannot_reach_the_hosts_loopback() {
    let Some(sandbox) = with_pasta() else { return };
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("listen");
    let port = listener.local_addr().expect("an address").port();
    let script = format!(
        "ip route | grep -c default; cat /etc/resolv.conf; gateway=$(ip route | awk '/default/ {{print $3}}'); \
         for to in 127.0.0.1 169.254.1.2 $gateway; do nc -w 2 $to {port} < /dev/null && echo reached $to; done; echo done"
    );
    for options in [&["--network", "private"][..], &[]] {
        let arguments = [&["run", "--rm"], options, &["busybox", "sh", "-c", &script]].concat();
        let run = sandbox.coracle(&arguments);
        assert!(run.code == 0 && run.stdout.starts_with("1\n") && run.stdout.ends_with("done\n"), "{run}");
        assert!(run.stdout.contains("nameserver 169.254.1.1\n"), "{run}");
        assert!(!run.stdout.contains("reached"), "the host's loopback is not the container's: {run}");
    }
    sandbox.assert_no_leaks();
}

#[test]
fn the_host_has_a_name_where_pasta_leads_to_it() {
    let Some(sandbox) = with_pasta() else { return };
    sandbox.ok(&["network", "create", "net"]);
    sandbox.ok(&["network", "create", "--internal", "inside"]);
    // Two that connect as the real one does: pasta knows the way since 2024_08, and has the option among its texts.
    let newer = "#!/bin/bash\ncase \"$*\" in *--map-guest-addr=169.254.1.2*) ;; *) exit 1;; esac\n\
                 for word; do shift; case $word in --map-guest*) ;; *) set -- \"$@\" \"$word\";; esac; done\n\
                 exec /usr/bin/pasta \"$@\"\nmap-guest-addr\0";
    let older = "#!/bin/bash\ncase \"$*\" in *guest-addr*) exit 1;; esac\nexec /usr/bin/pasta \"$@\"\n";
    let pasta = sandbox.home.join("pasta");
    let hosts = |program: &str, network: &str, options: &[&str]| {
        std::fs::write(&pasta, program).expect("write a program");
        std::fs::set_permissions(&pasta, std::fs::Permissions::from_mode(0o755)).expect("chmod");
        let words = [&["run", "--rm", "--network", network], options, &["busybox", "cat", "/etc/hosts"]].concat();
        let mut command = sandbox.command(&words);
        let path = std::env::var("PATH").unwrap_or_default();
        command.env("PATH", format!("{}:{path}", sandbox.home.display()));
        let run = Running::start(command).finish();
        assert!(run.code == 0 && run.stderr.is_empty(), "{run}");
        // The keeper has a pasta of its own.
        until("the keeper has gone", || sandbox.processes().is_empty());
        run.stdout
    };
    for network in ["pasta", "net"] {
        let line = "169.254.1.2\thost.containers.internal host.docker.internal\n";
        assert!(hosts(newer, network, &[]).contains(line));
        assert!(!hosts(older, network, &[]).contains("internal"), "it would lead nowhere");
        let own = hosts(newer, network, &["--add-host", "host.docker.internal:192.0.2.7"]);
        assert!(own.contains("169.254.1.2\thost.containers.internal\n") && own.contains("192.0.2.7\thost.docker"));
    }
    assert!(!hosts(newer, "inside", &[]).contains("internal"), "nothing leads out of it");
    sandbox.assert_no_leaks();
}

#[test]
fn a_published_tcp_port_is_reached_from_the_host() {
    let Some(sandbox) = with_pasta() else { return };
    let port = free_port();
    let published = format!("127.0.0.1:{port}:8080");
    sandbox.ok(&[
        "run", "-d", "--name", "s", "-p", &published, "busybox", "nc", "-ll", "-p", "8080", "-e", "echo", "hi",
    ]);
    until("the server answers", || {
        let mut answer = String::new();
        TcpStream::connect(("127.0.0.1", port)).is_ok_and(|mut stream| {
            // Connected to pasta, which closes if nobody listens inside yet.
            stream.set_read_timeout(Some(ATTEMPT)).is_ok()
                && stream.read_to_string(&mut answer).is_ok()
                && answer == "hi\n"
        })
    });
    // The port is taken now: one line, nothing left, and the first container unharmed.
    let second = ["run", "--rm", "-p", &published, "busybox", "true"];
    sandbox.fails(125, &["run: ", &port.to_string(), "in use by container s", "another port"], &second);
    assert_eq!(sandbox.containers().len(), 1);
    sandbox.ok(&["rm", "-f", "s"]);
    assert!(TcpStream::connect(("127.0.0.1", port)).is_err(), "the port is free again");
    TcpListener::bind(("127.0.0.1", port)).expect("bind the port again");
    sandbox.assert_no_leaks();
}

#[test]
fn a_published_udp_port_is_reached_from_the_host() {
    let Some(sandbox) = with_pasta() else { return };
    let port = UdpSocket::bind(("127.0.0.1", 0)).and_then(|socket| socket.local_addr()).expect("bind").port();
    let published = format!("127.0.0.1:{port}:9000/udp");
    // busybox has no program that reads datagrams, so the host's python is lent to the container. It does not answer:
    // the pasta of Debian 12 loses what goes back to a client on the loopback.
    let lent = ["-v", "/usr:/usr:ro", "-v", "/lib:/lib:ro", "-v", "/lib64:/lib64:ro"];
    let read = "import socket\ns = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\ns.bind(('', 9000))\n\
                while True: print(s.recv(100).decode(), flush=True)";
    let front = ["run", "-d", "--name", "u", "-p", &published];
    sandbox.ok(&[&front[..], &lent, &["busybox", "/usr/bin/python3", "-c", read]].concat());
    let socket = UdpSocket::bind(("127.0.0.1", 0)).expect("bind");
    until("a datagram has arrived", || {
        // Until the server is bound, a send may be answered by a refusal of the last one.
        let _ = socket.send_to(b"hello", ("127.0.0.1", port));
        sandbox.ok(&["logs", "u"]).starts_with("hello\n")
    });
}

#[test]
fn the_connection_ends_with_the_container_also_when_the_monitor_is_killed() {
    let Some(sandbox) = with_pasta() else { return };
    let port = free_port();
    let published = format!("127.0.0.1:{port}:80");
    let id = sandbox.ok(&["run", "-d", "-p", &published, "busybox", "sleep", "1000"]);
    let mut stream = TcpStream::connect(("127.0.0.1", port)).expect("pasta listens");
    let _ = stream.write_all(b"x");
    let monitor = sandbox.state(id.trim())["monitor_pid"].as_i64().expect("a pid");
    let monitor = nix::unistd::Pid::from_raw(i32::try_from(monitor).expect("a pid"));
    nix::sys::signal::kill(monitor, nix::sys::signal::Signal::SIGKILL).expect("kill the monitor");
    until("nobody listens", || TcpStream::connect(("127.0.0.1", port)).is_err());
    until("pasta is gone", || sandbox.processes().is_empty());
    // And it all comes back.
    sandbox.ok(&["start", id.trim()]);
    TcpStream::connect(("127.0.0.1", port)).expect("pasta listens again");
}

/// The pasta of the one container.
fn pasta(sandbox: &Sandbox) -> Option<i32> {
    let processes = sandbox.processes();
    let pasta = processes.iter().find(|process| process.contains("/usr/bin/pasta"))?;
    pasta.split(':').next()?.parse().ok()
}

fn kill(pid: i32) {
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), nix::sys::signal::Signal::SIGKILL).expect("kill");
}

#[test]
fn a_killed_pasta_is_replaced() {
    let Some(sandbox) = with_pasta() else { return };
    let (tcp, udp) = (free_port(), free_port());
    let (tcp_port, udp_port) = (format!("127.0.0.1:{tcp}:8080"), format!("127.0.0.1:{udp}:9000/udp"));
    let front = ["run", "-d", "--name", "s", "-p", &tcp_port, "-p", &udp_port];
    let serve = "nc -lu -p 9000 & exec nc -ll -p 8080 -e echo hi";
    sandbox.ok(&[&front[..], &["busybox", "sh", "-c", serve]].concat());
    let is_reached = || {
        let mut answer = String::new();
        let stream = TcpStream::connect(("127.0.0.1", tcp));
        stream.is_ok_and(|mut stream| {
            stream.set_read_timeout(Some(ATTEMPT)).is_ok() && stream.read_to_string(&mut answer).is_ok()
        }) && answer == "hi\n"
    };
    // pasta has the host's name servers behind this address.
    let looks_up = || {
        let said = sandbox.coracle(&["exec", "s", "nslookup", "example.org.", "169.254.1.1"]).stdout;
        said.contains("NXDOMAIN") || said.contains("Name:")
    };
    let links = || sandbox.ok(&["exec", "s", "sh", "-c", "ip -o -4 address | sed 's/^[0-9]*//'; ip route"]);
    until("the server answers", is_reached);
    assert!(looks_up(), "the control");
    let before = links();
    // More than once: each has the way of the one before.
    for _ in 0..3 {
        let first = pasta(&sandbox).expect("a pasta");
        kill(first);
        until("the server answers again", || pasta(&sandbox).is_some_and(|next| next != first) && is_reached());
        assert!(looks_up());
        assert_eq!(links(), before);
    }
    // It has the port of UDP as well, which is nobody else's.
    assert!(UdpSocket::bind(("127.0.0.1", udp)).is_err());
    let events = sandbox.ok(&["events", "--stream=false", "--filter", "event=network_restart"]);
    assert!(events.lines().count() == 3 && events.lines().all(|line| line.contains("name=s")), "{events}");
    sandbox.ok(&["rm", "-f", "-t", "0", "s"]);
    assert!(TcpStream::connect(("127.0.0.1", tcp)).is_err(), "the port is free again");
    sandbox.assert_no_leaks();
}

#[test]
fn a_pasta_that_cannot_be_replaced_is_told_of_and_tried_for_again() {
    let Some(sandbox) = with_pasta() else { return };
    let (program, broken) = (sandbox.home.join("pasta"), sandbox.home.join("broken"));
    let script = format!(
        "#!/bin/sh\n[ -e {0} ] && echo it is broken >&2 && exit 1\nexec /usr/bin/pasta \"$@\"\n",
        broken.display()
    );
    std::fs::write(&program, script).expect("write a program");
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).expect("chmod");
    let port = free_port();
    let published = format!("127.0.0.1:{port}:80");
    let mut command = sandbox.command(&["run", "-d", "--name", "s", "-p", &published, "busybox", "sleep", "1000"]);
    let path = std::env::var("PATH").unwrap_or_default();
    command.env("PATH", format!("{}:{path}", sandbox.home.display()));
    let run = Running::start(command).finish();
    assert_eq!(run.code, 0, "{run}");
    std::fs::write(&broken, "").expect("break pasta");
    kill(pasta(&sandbox).expect("a pasta"));
    let told = || {
        let words = ["events", "--stream=false", "--filter", "event=network_restart", "--format"];
        sandbox.ok(&[&words[..], &["{{.Name}}: {{.Attributes.error}}"]].concat())
    };
    let failed = "s: connect the network with pasta: it is broken\n";
    until("it is tried for more than once", || told().matches(failed).count() > 1);
    // The container runs on, and has its network when there is one to be had.
    sandbox.ok(&["exec", "s", "true"]);
    assert!(TcpStream::connect(("127.0.0.1", port)).is_err());
    std::fs::remove_file(&broken).expect("mend pasta");
    until("the port is back", || TcpStream::connect(("127.0.0.1", port)).is_ok());
    until("that is told", || told().lines().last().is_some_and(|line| !line.contains("broken")));
    sandbox.ok(&["rm", "-f", "-t", "0", "s"]);
    sandbox.assert_no_leaks();
}

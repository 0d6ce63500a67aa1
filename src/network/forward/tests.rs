//! The forwarder between real namespaces.

mod flows;
mod streams;
mod world;

use super::super::Port;
use super::*;
use crate::error::{self, Kind};
use std::io::{Read, Write};
use std::os::fd::AsFd;
use world::*;

#[test]
fn the_container_sees_its_clients() {
    inside("the_container_sees_its_clients", |world| {
        let server = world.serve(80);
        let both = vec![listener(Protocol::Tcp, 8080, 80), listener(Protocol::Tcp, 8081, 80)];
        world.forward(both, options(), limits());
        for host in HOST {
            let mut client = world.connect(host, 8080);
            let mut container = accept(&server);
            assert_eq!(plain(container.peer_addr().unwrap()), client.local_addr().unwrap());
            client.write_all(b"ping").unwrap();
            let mut bytes = [0; 4];
            container.read_exact(&mut bytes).unwrap();
            container.write_all(&bytes).unwrap();
            client.read_exact(&mut bytes).unwrap();
            assert_eq!(&bytes, b"ping");
        }
        // The host's own, and those that the container would look for in the wrong place.
        for (host, gateway) in [("127.0.0.1", GATEWAY[0]), ("::1", GATEWAY[1])] {
            let _client = connect(host, 8080);
            assert_eq!(plain(accept(&server).peer_addr().unwrap()).ip(), address(gateway));
        }
        let _client = connect(HOST[0], 8080);
        assert_eq!(plain(accept(&server).peer_addr().unwrap()).ip(), address(HOST[0]));
        let connected = within(&world.client, || connect_from("10.89.0.55:0", "192.168.77.1:8080"));
        assert_eq!(plain(accept(&server).peer_addr().unwrap()).ip(), address(GATEWAY[0]));
        drop(connected);
        // One port of a client's for two of the host's: the container cannot be told both.
        let [one, two] = [8080, 8081]
            .map(|port| within(&world.client, || connect_from("192.168.77.2:7777", &format!("192.168.77.1:{port}"))));
        let seen = [plain(accept(&server).peer_addr().unwrap()), plain(accept(&server).peer_addr().unwrap())];
        assert!(seen.iter().all(|seen| seen.ip() == address("192.168.77.2")) && seen[0] != seen[1], "{seen:?}");
        assert!(seen.iter().any(|seen| seen.port() == 7777), "{seen:?}");
        drop((one, two));
    });
}

fn connect_from(from: &str, to: &str) -> std::net::TcpStream {
    use rustix::net::{AddressFamily, SocketType, bind, connect, socket, sockopt};
    let fd = socket(AddressFamily::INET, SocketType::STREAM, None).unwrap();
    sockopt::set_socket_reuseaddr(&fd, true).unwrap();
    bind(&fd, &from.parse::<std::net::SocketAddr>().unwrap()).unwrap();
    connect(&fd, &to.parse::<std::net::SocketAddr>().unwrap()).unwrap();
    patient(fd.into())
}

#[test]
fn a_container_of_one_family_has_clients_of_both() {
    inside("a_container_of_one_family_has_clients_of_both", |world| {
        let server = world.serve(80);
        let targets = vec![address(CONTAINER[1])];
        world.forward(vec![Listener { targets, ..listener(Protocol::Tcp, 8080, 80) }], options(), limits());
        let client = world.connect(HOST[1], 8080);
        assert_eq!(accept(&server).peer_addr().unwrap(), client.local_addr().unwrap());
        let _client = world.connect(HOST[0], 8080);
        assert_eq!(accept(&server).peer_addr().unwrap().ip(), address(GATEWAY[1]));
    });
}

#[test]
fn a_header_says_who_the_client_is_where_the_address_does_not() {
    inside("a_header_says_who_the_client_is_where_the_address_does_not", |world| {
        let server = world.serve(80);
        let listener = Listener { proxy: Some(ProxyHeader::V2), ..listener(Protocol::Tcp, 8080, 80) };
        world.forward(vec![listener], options(), limits());
        let mut client = world.connect(HOST[0], 8080);
        let mut container = accept(&server);
        assert_eq!(plain(container.peer_addr().unwrap()).ip(), address(GATEWAY[0]));
        client.write_all(b"x").unwrap();
        let mut bytes = [0; 29];
        container.read_exact(&mut bytes).unwrap();
        let port = client.local_addr().unwrap().port().to_be_bytes();
        assert_eq!(bytes[12..24], [0x21, 0x11, 0, 12, 192, 168, 77, 2, 192, 168, 77, 1]);
        assert_eq!(bytes[24..], [&port, &8080_u16.to_be_bytes()[..], b"x"].concat());
    });
}

type Attack = (&'static str, fn() -> bool);

#[test]
fn whoever_takes_it_over_has_no_files_and_no_other_sockets() {
    use rustix::net::{AddressFamily, SocketType, socket};
    inside("whoever_takes_it_over_has_no_files_and_no_other_sockets", |_| {
        let attacks: [Attack; 6] = [
            ("read a file", || std::fs::File::open("/etc/passwd").is_ok()),
            ("speak to the user's programs", || socket(AddressFamily::UNIX, SocketType::STREAM, None).is_ok()),
            ("see all packets", || socket(AddressFamily::PACKET, SocketType::RAW, None).is_ok()),
            ("make packets", || {
                socket(AddressFamily::INET, SocketType::RAW, Some(rustix::net::ipproto::UDP)).is_ok()
            }),
            ("change the network", || socket(AddressFamily::NETLINK, SocketType::RAW, None).is_ok()),
            ("leave for another namespace", || nix::sched::unshare(nix::sched::CloneFlags::CLONE_NEWNET).is_ok()),
        ];
        let try_all = move || attacks.map(|(name, attack)| (name, attack()));
        assert_eq!(std::thread::spawn(try_all).join().unwrap(), attacks.map(|(name, _)| (name, true)));
        let confined = std::thread::spawn(move || {
            process::confine_thread().unwrap();
            let socket = socket(AddressFamily::INET, SocketType::STREAM, None);
            (try_all(), socket.and_then(|socket| source::set_transparent(&socket)))
        });
        let (attacked, work) = confined.join().unwrap();
        assert_eq!(attacked, attacks.map(|(name, _)| (name, false)));
        work.unwrap();
    });
}

#[test]
fn without_its_capability_clients_come_from_the_gateway_and_it_says_so() {
    inside("without_its_capability_clients_come_from_the_gateway_and_it_says_so", |world| {
        let warn = |is_capable: bool| {
            let warn = move || {
                if !is_capable {
                    caps::clear(None, caps::CapSet::Effective).unwrap();
                }
                let mut options = options();
                let warning = process::check_transparency(&mut options);
                (warning, options)
            };
            std::thread::spawn(warn).join().unwrap()
        };
        let (warning, capable) = warn(true);
        assert!(warning.is_none() && capable.keeps_client_address);
        let (warning, incapable) = warn(false);
        assert!(warning.unwrap().contains("IP_TRANSPARENT: Operation not permitted"));
        let server = world.serve(80);
        world.forward(tcp(), incapable, limits());
        let _client = world.connect(HOST[0], 8080);
        assert_eq!(plain(accept(&server).peer_addr().unwrap()).ip(), address(GATEWAY[0]));
    });
}

#[test]
fn it_runs_as_a_process_and_ends_with_its_parent() {
    inside("it_runs_as_a_process_and_ends_with_its_parent", |world| {
        let server = world.serve(80);
        let (mut ready, mut say) = std::io::pipe().unwrap();
        let bridge = world.bridge.try_clone().unwrap();
        // SAFETY: the child is a process of one thread, which does what a monitor does.
        let parent = match unsafe { nix::unistd::fork() }.unwrap() {
            nix::unistd::ForkResult::Child => {
                // Not left over from a test that fails.
                nix::sys::prctl::set_pdeathsig(nix::sys::signal::Signal::SIGKILL).unwrap();
                let started = start(tcp(), bridge.as_fd(), options());
                let answer = match &started {
                    Ok(forwarder) if forwarder.warning.is_none() => format!("{}\n", forwarder.child.pid),
                    other => format!("{other:?}\n"),
                };
                let _ = say.write_all(answer.as_bytes());
                loop {
                    nix::unistd::pause();
                }
            }
            nix::unistd::ForkResult::Parent { child } => child,
        };
        drop(say);
        let mut answer = Vec::new();
        while answer.last() != Some(&b'\n') {
            let mut byte = [0];
            assert_eq!(ready.read(&mut byte).unwrap(), 1, "{answer:?}");
            answer.extend(byte);
        }
        let answer = String::from_utf8(answer).unwrap();
        let pid: i32 = answer.trim().parse().unwrap_or_else(|_| panic!("{answer}"));
        assert_eq!(std::fs::read_to_string(format!("/proc/{pid}/comm")).unwrap(), "coracle-forward\n");
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
        let net_raw = format!("CapPrm:\t{:016x}", 1 << 13);
        assert!(status.contains(&net_raw) && status.contains("Seccomp:\t2"), "{status}");
        let mut client = world.connect(HOST[1], 8080);
        let container = accept(&server);
        assert_eq!(plain(container.peer_addr().unwrap()), client.local_addr().unwrap());
        nix::sys::signal::kill(parent, nix::sys::signal::Signal::SIGKILL).unwrap();
        nix::sys::wait::waitpid(parent, None).unwrap();
        // Its end closes both connections and frees the port.
        assert_eq!(client.read(&mut [0]).unwrap_or(0), 0);
        until("the port is free", || std::net::TcpListener::bind(("::", 8080)).is_ok());
    });
}

#[test]
fn a_port_that_cannot_be_had_says_why() {
    let port = |host_address: &str, host_port| Port {
        host_address: Some(address(host_address)),
        host_port,
        container_port: 80,
        protocol: Protocol::Tcp,
        proxy: None,
    };
    let held = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let number = held.local_addr().unwrap().port();
    let error = bind(&port("127.0.0.1", number), &|_| None).unwrap_err();
    let holder = format!("127.0.0.1:{number}/tcp of the host: in use by ");
    let pid = format!("(pid {})", std::process::id());
    let said = error::line(&error);
    assert!(said.contains(&holder) && said.contains(&pid) && error::kind(&error) == Kind::InUse, "{said}");
    // The control: another address has the port free, and it is had.
    bind(&port("127.0.0.2", number), &|_| None).unwrap();
    let error = bind(&port("192.0.2.1", number), &|_| None).unwrap_err();
    assert!(error::line(&error).contains("does not have this address"), "{error:#}");
    // Only where the kernel refuses it.
    if let Err(error) = bind(&port("127.0.0.1", 1), &|_| None) {
        let hint = error::hint(&error).unwrap_or_default();
        assert!(error::line(&error).contains("net.ipv4.ip_unprivileged_port_start"), "{error:#}");
        assert_eq!(
            (error::kind(&error), hint),
            (Kind::Denied, "run: sudo sysctl net.ipv4.ip_unprivileged_port_start=1")
        );
    }
}

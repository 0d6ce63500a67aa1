//! The name server with real sockets, all on loopback.

mod hostile;

use super::message::{self, TYPE_A, TYPE_AAAA, TYPE_PTR};
use super::*;
use crate::network::cidr::Cidr;
use crate::network::egress::Egress;
use nix::poll::{PollFd, PollFlags, PollTimeout};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

const ID: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
const OTHER: &str = "fedcba9876543210fedcba9876543210fedcba9876543210fedcba9876543210";
const WAIT: Duration = Duration::from_secs(20);
const MX: u16 = 15;
const TLSA: u16 = 52;
const HTTPS: u16 = 65;

fn address(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn zone(subnet: &str, is_internal: bool) -> Zone {
    Zone::new(vec![Cidr::parse(subnet).unwrap()], is_internal, Vec::new())
}

/// A port that is free for UDP may be another's for TCP.
fn until_free<T>(mut bind: impl FnMut() -> Result<T>) -> T {
    let mut tries = (0..100).map(|_| bind());
    tries.find_map(Result::ok).expect("a free port")
}

/// A server that runs until it is dropped.
struct Running {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
    addresses: Vec<SocketAddr>,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(Err(panic)) = self.thread.take().map(JoinHandle::join)
            && !std::thread::panicking()
        {
            std::panic::resume_unwind(panic);
        }
    }
}

/// Runs a server of these networks, each at an address of its own.
fn serve(networks: Vec<(&'static str, Zone)>, upstreams: Vec<SocketAddr>) -> Running {
    let mut server = Server::new().unwrap();
    server.set_upstreams(upstreams);
    let mut addresses = Vec::new();
    for (name, zone) in networks {
        server.set_zone(name, zone).unwrap();
        until_free(|| server.listen(name, "127.0.0.1:0".parse().unwrap()));
        addresses.extend(server.addresses(name));
    }
    run(server, addresses)
}

fn run(mut server: Server, addresses: Vec<SocketAddr>) -> Running {
    let stop = Arc::new(AtomicBool::new(false));
    let stopping = stop.clone();
    let thread = std::thread::spawn(move || {
        while !stopping.load(Ordering::Relaxed) {
            let mut polled = [PollFd::new(server.fd(), PollFlags::POLLIN)];
            nix::poll::poll(&mut polled, PollTimeout::from(10u8)).unwrap();
            server.turn().unwrap();
            for finding in server.take_findings() {
                if let Finding::Resolved { reply, .. } = finding {
                    server.reply_to(reply);
                }
            }
        }
    });
    Running { stop, thread: Some(thread), addresses }
}

fn query(name: &str, kind: u16) -> Vec<u8> {
    let mut bytes = b"\x12\x34\x01\x00\0\x01\0\0\0\0\0\0".to_vec();
    for label in name.split('.').filter(|label| !label.is_empty()) {
        bytes.push(label.len() as u8);
        bytes.extend_from_slice(label.as_bytes());
    }
    bytes.push(0);
    bytes.extend_from_slice(&kind.to_be_bytes());
    bytes.extend_from_slice(&message::CLASS_IN.to_be_bytes());
    bytes
}

/// The same from a client that takes so many bytes.
fn query_of_size(name: &str, kind: u16, size: u16) -> Vec<u8> {
    let mut bytes = query(name, kind);
    bytes[11] = 1;
    bytes.extend_from_slice(b"\0\0\x29");
    bytes.extend_from_slice(&size.to_be_bytes());
    bytes.extend_from_slice(b"\0\0\0\0\0\0");
    bytes
}

/// What is answered to a message from `client`.
fn ask_from(client: &str, server: SocketAddr, message: &[u8]) -> Vec<u8> {
    let socket = UdpSocket::bind((address(client), 0)).unwrap();
    socket.set_read_timeout(Some(WAIT)).unwrap();
    socket.send_to(message, server).unwrap();
    let mut bytes = vec![0; 65_535];
    let (length, from) = socket.recv_from(&mut bytes).unwrap();
    assert_eq!(from, server);
    bytes.truncate(length);
    bytes
}

fn ask(server: SocketAddr, message: &[u8]) -> Vec<u8> {
    ask_from("127.0.0.1", server, message)
}

fn send(stream: &mut TcpStream, message: &[u8]) {
    stream.write_all(&[&(message.len() as u16).to_be_bytes(), message].concat()).unwrap();
}

fn receive(stream: &mut TcpStream) -> Vec<u8> {
    stream.set_read_timeout(Some(WAIT)).unwrap();
    let mut length = [0; 2];
    stream.read_exact(&mut length).unwrap();
    let mut bytes = vec![0; usize::from(u16::from_be_bytes(length))];
    stream.read_exact(&mut bytes).unwrap();
    bytes
}

fn ask_by_tcp(server: SocketAddr, message: &[u8]) -> Vec<u8> {
    let mut stream = TcpStream::connect(server).unwrap();
    send(&mut stream, message);
    receive(&mut stream)
}

/// An answer's code and what it says, in words.
fn said(answer: &[u8]) -> String {
    use simple_dns::rdata::RData;
    let packet = simple_dns::Packet::parse(answer).unwrap();
    assert_eq!(packet.id(), 0x1234);
    let records = packet.answers.iter().map(|record| match &record.rdata {
        RData::A(a) => std::net::Ipv4Addr::from(a.address).to_string(),
        RData::AAAA(a) => std::net::Ipv6Addr::from(a.address).to_string(),
        RData::PTR(name) => name.0.to_string(),
        other => format!("{other:?}"),
    });
    let mut records: Vec<String> = records.collect();
    records.sort();
    format!("{:?} {}", packet.rcode(), records.join(" ")).trim_end().to_owned()
}

/// A server that answers by UDP and TCP what `answer` makes of a query; None is silence.
fn upstream(answer: impl Fn(&[u8], bool) -> Option<Vec<u8>> + Send + Sync + 'static) -> SocketAddr {
    let (udp, tcp) = until_free(|| {
        let udp = UdpSocket::bind("127.0.0.1:0")?;
        let tcp = TcpListener::bind(udp.local_addr()?)?;
        Ok((udp, tcp))
    });
    let at = udp.local_addr().unwrap();
    let answer = Arc::new(answer);
    let by_tcp = answer.clone();
    // Both end with the process.
    std::thread::spawn(move || {
        let mut bytes = [0; 4096];
        while let Ok((length, peer)) = udp.recv_from(&mut bytes) {
            if let Some(answer) = answer(&bytes[..length], false) {
                udp.send_to(&answer, peer).unwrap();
            }
        }
    });
    std::thread::spawn(move || {
        while let Ok((mut stream, _)) = tcp.accept() {
            let query = receive(&mut stream);
            if let Some(answer) = by_tcp(&query, true) {
                send(&mut stream, &answer);
            }
        }
    });
    at
}

/// The answer with this code, and one address unless it is an error.
fn answer_of(query: &[u8], code: u8, last: u8) -> Vec<u8> {
    let mut bytes = query[..12].to_vec();
    (bytes[2], bytes[3]) = (0x81, 0x80 | code);
    let end = 12 + query[12..].iter().position(|byte| *byte == 0).unwrap() + 5;
    bytes.extend_from_slice(&query[12..end]);
    bytes[6..12].fill(0);
    if code == 0 {
        bytes[7] = 1;
        bytes.extend_from_slice(&[0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 9, 0, 4, 192, 0, 2, last]);
    }
    bytes
}

/// Nobody listens there.
fn closed() -> SocketAddr {
    UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

#[test]
fn containers_are_known_by_their_names_on_their_networks() {
    let mut first = zone("10.89.0.0/24", true);
    first.add(ID, &["web".to_owned(), "www.Example".to_owned()], &[address("10.89.0.2"), address("fd00::2")]);
    first.add(OTHER, &["db".to_owned(), "www.example".to_owned()], &[address("10.89.0.3")]);
    first.set_host(&[address("10.89.0.1")]);
    let mut second = zone("10.89.1.0/24", true);
    second.add(OTHER, &["db".to_owned()], &[address("10.89.1.3")]);
    // To the server, this client is the container.
    second.add(ID, &["web".to_owned()], &[address("127.0.0.7")]);
    second.add("abc", &["only-here".to_owned()], &[address("10.89.1.4")]);
    let server = serve(vec![("first", first), ("second", second)], Vec::new());
    let [at, other] = server.addresses[..] else { panic!("two networks") };
    for (name, kind, answer) in [
        ("web", TYPE_A, "NoError 10.89.0.2"),
        ("WeB", TYPE_A, "NoError 10.89.0.2"),
        ("web", TYPE_AAAA, "NoError fd00::2"),
        ("db", TYPE_AAAA, "NoError"),
        ("db", MX, "NoError"),
        ("db", TLSA, "NoError"),
        ("db", HTTPS, "NoError"),
        ("web", message::TYPE_ANY, "NoError 10.89.0.2 fd00::2"),
        ("www.example", TYPE_A, "NoError 10.89.0.2 10.89.0.3"),
        ("0123456789ab", TYPE_A, "NoError 10.89.0.2"),
        (ID, TYPE_A, "NameError"),
        ("web.dns.podman", TYPE_A, "NoError 10.89.0.2"),
        ("webs.dns.podman", TYPE_A, "NameError"),
        ("host.containers.internal", TYPE_A, "NoError 10.89.0.1"),
        ("host.docker.internal", TYPE_A, "NoError 10.89.0.1"),
        ("only-here", TYPE_A, "NameError"),
        ("example.com", TYPE_A, "NameError"),
        ("", TYPE_A, "NameError"),
        ("2.0.89.10.in-addr.arpa", TYPE_PTR, "NoError 0123456789ab web"),
        ("2.0.89.10.in-addr.arpa", TYPE_A, "NoError"),
        ("9.0.89.10.in-addr.arpa", TYPE_PTR, "NameError"),
        ("02.0.89.10.in-addr.arpa", TYPE_PTR, "NameError"),
    ] {
        // A whole id is longer than a label may be.
        if name.len() > 63 {
            continue;
        }
        let answer = answer.to_owned();
        let udp = ask(at, &query(name, kind));
        if kind != TLSA {
            assert_eq!(said(&udp), answer, "{name} {kind}");
        }
        assert_eq!((&udp[..2], message::code(&udp)), (&b"\x12\x34"[..], if answer == "NameError" { 3 } else { 0 }));
        let tcp = ask_by_tcp(at, &query(name, kind));
        assert_eq!(tcp.len(), udp.len(), "{name} {kind}");
    }
    let reverse = "2.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.d.f.ip6.arpa";
    assert_eq!(said(&ask(at, &query(reverse, TYPE_PTR))), "NoError 0123456789ab web");
    // The container is on both networks, and is known on the one that it asks on first.
    for (name, answer) in [
        ("only-here", "NoError 10.89.1.4"),
        ("db", "NoError 10.89.1.3"),
        ("www.example", "NoError 10.89.0.2 10.89.0.3"),
    ] {
        assert_eq!(said(&ask_from("127.0.0.7", other, &query(name, TYPE_A))), answer, "{name}");
    }
    assert_eq!(said(&ask(other, &query("www.example", TYPE_A))), "NameError");
}

#[test]
fn other_names_are_asked_of_others_but_for_internal_networks() {
    let seen = Arc::new(AtomicBool::new(false));
    let at = upstream({
        let seen = seen.clone();
        move |query, _| {
            seen.store(true, Ordering::Relaxed);
            Some(answer_of(query, 0, 7))
        }
    });
    let networks = vec![("out", zone("10.89.0.0/24", false)), ("in", zone("10.89.1.0/24", true))];
    let server = serve(networks, vec![at]);
    assert_eq!(said(&ask(server.addresses[1], &query("example.com", TYPE_A))), "NameError");
    assert!(!seen.load(Ordering::Relaxed));
    assert_eq!(said(&ask(server.addresses[0], &query("eXample.com", TYPE_A))), "NoError 192.0.2.7");
    assert_eq!(said(&ask_by_tcp(server.addresses[0], &query("example.com", TYPE_A))), "NoError 192.0.2.7");
    assert!(seen.load(Ordering::Relaxed));
    // Types that the library does not know.
    let answer = ask(server.addresses[0], &query("_25._tcp.example.com", TLSA));
    assert_eq!(message::code(&answer), 0);
    // Addresses of the network itself are nobody else's.
    assert_eq!(said(&ask(server.addresses[0], &query("9.0.89.10.in-addr.arpa", TYPE_PTR))), "NameError");
}

/// Turns a server until it has found something out.
fn finding(server: &mut Server) -> Finding {
    let end = Instant::now() + WAIT;
    while Instant::now() < end {
        let mut polled = [PollFd::new(server.fd(), PollFlags::POLLIN)];
        nix::poll::poll(&mut polled, PollTimeout::from(10u8)).unwrap();
        server.turn().unwrap();
        if let Some(finding) = server.take_findings().pop() {
            return finding;
        }
    }
    panic!("nothing was found out")
}

#[test]
fn who_has_rules_hears_of_what_they_open_when_it_is_open() {
    let mut zone = zone("10.89.0.0/24", false);
    zone.add(ID, &["web".to_owned()], &[address("127.0.0.1")]);
    zone.rule(ID, Egress::parse(&["allow=x.test,*.test"]).unwrap().unwrap());
    let mut server = Server::new().unwrap();
    server.set_upstreams(vec![upstream(|query, _| Some(answer_of(query, 0, 7)))]);
    server.set_zone("net", zone).unwrap();
    until_free(|| server.listen("net", "127.0.0.1:0".parse().unwrap()));
    let at = server.addresses("net")[0];
    let client = UdpSocket::bind("127.0.0.1:0").unwrap();
    client.connect(at).unwrap();
    client.set_read_timeout(Some(WAIT)).unwrap();
    let hear = || {
        let mut bytes = [0; 512];
        client.recv(&mut bytes).map(|length| said(&bytes[..length]))
    };
    for kind in [TYPE_A, TYPE_PTR] {
        client.send(&query("Else.where", kind)).unwrap();
        match finding(&mut server) {
            Finding::Refused { container, name } => {
                assert_eq!((container.as_str(), name.as_str()), (ID, "else.where"))
            }
            other => panic!("{other:?}"),
        }
        assert_eq!(hear().unwrap(), "Refused");
    }
    client.send(&query("X.test", TYPE_A)).unwrap();
    let Finding::Resolved { container, rules, addresses, reply } = finding(&mut server) else { panic!("an opening") };
    let rules: Vec<String> = rules.iter().map(Pattern::suffix).collect();
    assert_eq!(container, ID);
    assert_eq!((rules.join(" ").as_str(), addresses), ("x.test .test", vec![(address("192.0.2.7"), 9)]));
    client.set_nonblocking(true).unwrap();
    assert!(hear().is_err(), "the answer is held back");
    client.set_nonblocking(false).unwrap();
    server.reply_to(reply);
    assert_eq!(hear().unwrap(), "NoError 192.0.2.7");
}

#[test]
fn a_network_may_ask_servers_of_its_own() {
    let (all, own) =
        (upstream(|query, _| Some(answer_of(query, 0, 1))), upstream(|query, _| Some(answer_of(query, 0, 2))));
    let special = Zone::new(Vec::new(), false, vec![own]);
    let server = serve(vec![("a", Zone::default()), ("b", special)], vec![all]);
    assert_eq!(said(&ask(server.addresses[0], &query("x.y", TYPE_A))), "NoError 192.0.2.1");
    assert_eq!(said(&ask(server.addresses[1], &query("x.y", TYPE_A))), "NoError 192.0.2.2");
}

#[test]
fn a_container_may_have_others_asked() {
    let [networks, own] = [1, 2].map(|last| upstream(move |query, _| Some(answer_of(query, 0, last))));
    let of = |is_internal| {
        let mut zone = Zone::new(vec![Cidr::parse("127.0.0.0/8").unwrap()], is_internal, vec![networks]);
        zone.add(ID, &["web".to_owned()], &[address("127.0.0.7")]);
        zone.ask_for(ID, vec![own]);
        zone
    };
    let server = serve(vec![("net", of(false)), ("inside", of(true))], Vec::new());
    let [net, inside] = server.addresses[..] else { panic!("two networks") };
    let asks = |client, server, name| said(&ask_from(client, server, &query(name, TYPE_A)));
    assert_eq!(asks("127.0.0.7", net, "example.org"), "NoError 192.0.2.2");
    assert_eq!(asks("127.0.0.8", net, "example.org"), "NoError 192.0.2.1");
    assert_eq!(asks("127.0.0.7", net, "web"), "NoError 127.0.0.7");
    assert_eq!(asks("127.0.0.9", inside, "example.org"), "NameError", "nothing is led out of it");
}

#[test]
fn the_next_server_is_asked_where_one_does_not_answer() {
    let silent = upstream(|_, _| None);
    let failing = upstream(|query, _| Some(answer_of(query, 2, 0)));
    let good = upstream(|query, _| Some(answer_of(query, 0, 3)));
    for upstreams in
        [vec![closed(), good], vec![failing, good], vec![silent, good], vec![closed(), failing, silent, good]]
    {
        let server = serve(vec![("a", Zone::default())], upstreams.clone());
        assert_eq!(said(&ask(server.addresses[0], &query("x.y", TYPE_A))), "NoError 192.0.2.3", "{upstreams:?}");
    }
    for upstreams in [vec![], vec![closed()], vec![failing], vec![failing, closed()]] {
        let server = serve(vec![("a", Zone::default())], upstreams.clone());
        assert_eq!(said(&ask(server.addresses[0], &query("x.y", TYPE_A))), "ServerFailure", "{upstreams:?}");
    }
}

#[test]
fn a_server_does_not_ask_itself() {
    let mut server = Server::new().unwrap();
    until_free(|| server.listen("a", "127.0.0.1:0".parse().unwrap()));
    server.set_zone("a", Zone::default()).unwrap();
    let at = server.addresses("a")[0];
    server.set_upstreams(vec![at]);
    let client = UdpSocket::bind("127.0.0.1:0").unwrap();
    client.send_to(&query("x.y", TYPE_A), at).unwrap();
    server.turn().unwrap();
    assert!(server.queries.is_empty());
    let mut bytes = [0; 512];
    let length = client.recv(&mut bytes).unwrap();
    assert_eq!(said(&bytes[..length]), "ServerFailure");
}

#[test]
fn forged_answers_are_passed_over() {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let at = socket.local_addr().unwrap();
    let thread = std::thread::spawn(move || {
        let mut bytes = [0; 512];
        let (length, peer) = socket.recv_from(&mut bytes).unwrap();
        let right = answer_of(&bytes[..length], 0, 1);
        let mut other_number = right.clone();
        other_number[1] ^= 1;
        let mut other_question = answer_of(&bytes[..length], 0, 66);
        other_question[13] ^= 1;
        let mut no_answer = right.clone();
        no_answer[2] &= 0x7f;
        for forged in [&other_number[..], &other_question, &no_answer, b"", b"\0\0", &right[..11]] {
            socket.send_to(forged, peer).unwrap();
        }
        // Another's port: the socket takes nothing from it.
        UdpSocket::bind("127.0.0.1:0").unwrap().send_to(&answer_of(&bytes[..length], 0, 66), peer).unwrap();
        socket.send_to(&right, peer).unwrap();
        assert_ne!(&bytes[..2], b"\x12\x34", "the client's number is not the one that is sent on");
    });
    let server = serve(vec![("a", Zone::default())], vec![at]);
    assert_eq!(said(&ask(server.addresses[0], &query("x.y", TYPE_A))), "NoError 192.0.2.1");
    thread.join().unwrap();
}

#[test]
fn what_does_not_fit_is_got_by_tcp() {
    let at = upstream(|query, by_tcp| {
        let mut answer = answer_of(query, 0, 4);
        if !by_tcp {
            answer[2] |= 2;
        }
        Some(answer)
    });
    let mut own = Zone::default();
    for number in 0..100 {
        own.add(&format!("{number:064}"), &["all".to_owned()], &[IpAddr::from([10, 89, 0, number])]);
    }
    let server = serve(vec![("a", own)], vec![at]);
    let at = server.addresses[0];
    assert!(message::is_truncated(&ask(at, &query("x.y", TYPE_A))));
    let whole = ask_by_tcp(at, &query("x.y", TYPE_A));
    assert!(!message::is_truncated(&whole) && said(&whole) == "NoError 192.0.2.4");
    let count = |answer: &[u8]| u16::from_be_bytes([answer[6], answer[7]]);
    let short = ask(at, &query("all", TYPE_A));
    assert!(message::is_truncated(&short) && count(&short) == 0 && short.len() <= 512);
    for whole in [ask_by_tcp(at, &query("all", TYPE_A)), ask(at, &query_of_size("all", TYPE_A, 4096))] {
        assert!(!message::is_truncated(&whole) && count(&whole) == 100);
    }
    // By TCP several may come at once, and byte by byte.
    let mut stream = TcpStream::connect(at).unwrap();
    let (own, others) = (query("all", TYPE_A), query("x.y", TYPE_A));
    let both = [&[0, own.len() as u8][..], &own, &[0, others.len() as u8], &others].concat();
    for byte in both {
        stream.write_all(&[byte]).unwrap();
    }
    stream.shutdown(std::net::Shutdown::Write).unwrap();
    let answers = [receive(&mut stream), receive(&mut stream)];
    assert_eq!(answers.iter().map(|answer| count(answer)).max(), Some(100));
    assert_eq!(stream.read(&mut [0]).unwrap(), 0, "it is closed behind the last answer");
}

#[test]
fn a_server_without_tcp_is_not_the_last_that_is_asked() {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let no_tcp = socket.local_addr().unwrap();
    std::thread::spawn(move || {
        let mut bytes = [0; 512];
        while let Ok((length, peer)) = socket.recv_from(&mut bytes) {
            let mut answer = answer_of(&bytes[..length], 0, 1);
            answer[2] |= 2;
            socket.send_to(&answer, peer).unwrap();
        }
    });
    let closing = upstream(|query, by_tcp| {
        let mut answer = answer_of(query, 0, 2);
        answer[2] |= 2;
        (!by_tcp).then_some(answer)
    });
    let good = upstream(|query, _| Some(answer_of(query, 0, 3)));
    let server = serve(vec![("a", Zone::default())], vec![no_tcp, closing, good]);
    assert_eq!(said(&ask_by_tcp(server.addresses[0], &query("x.y", TYPE_A))), "NoError 192.0.2.3");
}

#[test]
fn it_is_all_the_same_over_ipv6() {
    let upstream = UdpSocket::bind("[::1]:0").unwrap();
    let mut server = Server::new().unwrap();
    server.set_upstreams(vec![upstream.local_addr().unwrap()]);
    let mut zone = Zone::default();
    zone.add(ID, &["web".to_owned()], &[address("fd00::2")]);
    server.set_zone("a", zone).unwrap();
    until_free(|| server.listen("a", "[::1]:0".parse().unwrap()));
    let addresses = server.addresses("a");
    let server = run(server, addresses);
    std::thread::spawn(move || {
        let mut bytes = [0; 512];
        let (length, peer) = upstream.recv_from(&mut bytes).unwrap();
        upstream.send_to(&answer_of(&bytes[..length], 0, 5), peer).unwrap();
    });
    assert_eq!(said(&ask_from("::1", server.addresses[0], &query("web", TYPE_AAAA))), "NoError fd00::2");
    assert_eq!(said(&ask_from("::1", server.addresses[0], &query("x.y", TYPE_A))), "NoError 192.0.2.5");
}

#[test]
fn upstreams_are_those_of_resolv_conf() {
    let text = "# nameserver 9.9.9.9\nnameserver 1.1.1.1\nsearch nameserver\n nameserver\t::1 # x\nnameserver 1.1.1.1\n\
                nameserver one\nnameserver\nnameserver fe80::1%none-such\nnameserver fe80::1%lo\nnameserver: 8.8.8.8\n";
    let found: Vec<String> = upstreams(text).iter().map(ToString::to_string).collect();
    assert_eq!(found, ["1.1.1.1:53", "[::1]:53", "[fe80::1%1]:53"]);
    let many: String = (0..300).map(|number| format!("nameserver 10.0.{}.1\n", number % 256)).collect();
    assert_eq!(upstreams(&many).len(), 8);
}

#[test]
fn a_network_that_is_forgotten_is_not_listened_for() {
    let mut server = Server::new().unwrap();
    server.set_zone("a", Zone::default()).unwrap();
    until_free(|| server.listen("a", "127.0.0.1:0".parse().unwrap()));
    let at = server.addresses("a")[0];
    server.listen("a", at).unwrap();
    assert_eq!(server.addresses("a").len(), 1);
    assert!(server.deadline().is_none());
    let stream = TcpStream::connect(at).unwrap();
    server.turn().unwrap();
    assert!(server.deadline().is_some());
    server.forget("a");
    assert!(server.deadline().is_none() && TcpStream::connect(at).is_err());
    // The address is free again.
    server.listen("b", at).unwrap();
    drop(stream);
}

//! Clients that send what is no question, or nothing at all.

use super::*;
use proptest::prelude::*;

#[test]
fn malformed_queries_are_told_so_or_dropped() {
    let mut own = Zone::default();
    own.add(ID, &["web".to_owned()], &[address("10.89.0.2")]);
    let server = serve(vec![("a", own)], Vec::new());
    let at = server.addresses[0];
    let good = query("web", TYPE_A);
    let changed = |at: usize, byte: u8| {
        let mut bytes = good.clone();
        bytes[at] = byte;
        bytes
    };
    let twice = [&query_of_size("web", TYPE_A, 512)[..], b"\0\0\x29\x02\0\0\0\0\0\0\0"].concat();
    let twice = [&twice[..11], &[2], &twice[12..]].concat();
    for (message, code) in [
        (good[..good.len() - 1].to_vec(), 1),
        (good[..12].to_vec(), 1),
        (changed(5, 2), 1),
        (changed(5, 0), 1),
        (changed(7, 1), 1),
        (changed(4, 255), 1),
        (changed(11, 1), 1),
        // A pointer, to itself too.
        (changed(12, 0xc0), 1),
        (changed(12, 0x80), 1),
        (changed(12, 63), 1),
        (twice, 1),
        // Not a query for names.
        (changed(2, 0x28), 4),
        // A transfer of the zone, and another class.
        (query("web", 252), 5),
        (changed(good.len() - 1, 3), 5),
    ] {
        let answer = ask(at, &message);
        assert_eq!((message::code(&answer), &answer[..2]), (code, &b"\x12\x34"[..]), "{message:?}");
    }
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    for noise in [&[][..], &[0], &good[..11], &changed(2, 0x81)] {
        socket.send_to(noise, at).unwrap();
    }
    socket.send_to(&good, at).unwrap();
    let mut bytes = [0; 512];
    let length = socket.recv(&mut bytes).unwrap();
    assert_eq!(said(&bytes[..length]), "NoError 10.89.0.2", "it is the first that is answered");
    // By TCP a length that is none, or too long, ends the connection.
    for start in [&[0, 0][..], &[0xff, 0xff, 1]] {
        let mut stream = TcpStream::connect(at).unwrap();
        stream.write_all(start).unwrap();
        assert!(matches!(stream.read(&mut [0]), Ok(0) | Err(_)));
    }
}

#[test]
fn a_thousand_clients_that_say_nothing_hinder_nobody() {
    let (soft, hard) = nix::sys::resource::getrlimit(nix::sys::resource::Resource::RLIMIT_NOFILE).unwrap();
    assert!(hard >= 2048, "too few descriptors: {hard}");
    nix::sys::resource::setrlimit(nix::sys::resource::Resource::RLIMIT_NOFILE, soft.max(4096).min(hard), hard)
        .unwrap();
    let mut own = Zone::default();
    own.add(ID, &["web".to_owned()], &[address("10.89.0.2")]);
    let server = serve(vec![("a", own)], Vec::new());
    let at = server.addresses[0];
    let mut early = TcpStream::connect(at).unwrap();
    let connect_from = |client: [u8; 4]| {
        use rustix::net::{AddressFamily, SocketType};
        let socket = rustix::net::socket(AddressFamily::INET, SocketType::STREAM, None).unwrap();
        rustix::net::bind(&socket, &SocketAddr::from((client, 0))).unwrap();
        rustix::net::connect(&socket, &at).unwrap();
        TcpStream::from(socket)
    };
    let half_open: Vec<TcpStream> = (0..1000u32)
        .map(|number| {
            let mut stream = connect_from([127, 0, 1 + (number / 100) as u8, 1]);
            // Some have begun a message.
            stream.write_all(&[0, 40, 1][..number as usize % 4]).unwrap();
            stream
        })
        .collect();
    assert_eq!(said(&ask(at, &query("web", TYPE_A))), "NoError 10.89.0.2");
    assert_eq!(said(&ask_by_tcp(at, &query("web", TYPE_A))), "NoError 10.89.0.2");
    // One client's many cost another none.
    send(&mut early, &query("web", TYPE_A));
    assert_eq!(said(&receive(&mut early)), "NoError 10.89.0.2");
    drop(half_open);
}

proptest! {
    #[test]
    fn random_bytes_do_no_harm(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        property::holds(&bytes);
    }

    #[test]
    fn damaged_queries_do_no_harm(
        name in "[a-zA-Z0-9._-]{0,60}",
        kind in any::<u16>(),
        size in any::<u16>(),
        at in any::<prop::sample::Index>(),
        byte in any::<u8>(),
    ) {
        let labels: Vec<&str> = name.split('.').filter(|label| label.len() < 64).collect();
        let mut bytes = query_of_size(&labels.join("."), kind, size);
        property::holds(&bytes);
        let at = at.index(bytes.len());
        bytes[at] = byte;
        property::holds(&bytes);
    }
}

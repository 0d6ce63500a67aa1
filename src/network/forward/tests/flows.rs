//! UDP: who sees whom, and when a flow ends.

use super::world::*;
use super::*;
use std::net::{SocketAddr, UdpSocket};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

fn udp() -> Vec<Listener> {
    vec![listener(Protocol::Udp, 8080, 80)]
}

fn patient(socket: UdpSocket) -> UdpSocket {
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    socket
}

/// A socket in the container that answers what it hears, and hands on what it was and who has spoken.
fn echo(world: &World) -> Receiver<(SocketAddr, Vec<u8>)> {
    let socket = within(&world.container, || UdpSocket::bind("[::]:80").unwrap());
    let (say, heard) = channel();
    std::thread::spawn(move || {
        let mut buffer = [0; 65536];
        loop {
            let (length, from) = socket.recv_from(&mut buffer).unwrap();
            socket.send_to(&buffer[..length], from).unwrap();
            if say.send((plain(from), buffer[..length].to_vec())).is_err() {
                return;
            }
        }
    });
    heard
}

/// As whom the container has seen the sender of a datagram, which nobody else sends.
fn seen(heard: &Receiver<(SocketAddr, Vec<u8>)>, datagram: &[u8]) -> SocketAddr {
    loop {
        let (from, said) = heard.recv_timeout(PATIENCE).unwrap();
        if said == datagram {
            return from;
        }
    }
}

/// Sends and hears it back. A first datagram may be lost while the link comes up.
fn ping(socket: &UdpSocket, datagram: &[u8]) {
    let mut buffer = [0; 65536];
    socket.set_read_timeout(Some(Duration::from_millis(500))).unwrap();
    until("an answer", || {
        socket.send(datagram).unwrap();
        socket.recv(&mut buffer).is_ok_and(|length| &buffer[..length] == datagram)
    });
}

fn client(host: &str) -> UdpSocket {
    let any = if host.contains(':') { "[::]:0" } else { "0.0.0.0:0" };
    let socket = UdpSocket::bind(any).unwrap();
    socket.connect((host, 8080)).unwrap();
    patient(socket)
}

/// How many sockets the forwarder has toward the container.
fn flows(world: &World) -> usize {
    let read =
        || ["udp", "udp6"].map(|list| std::fs::read_to_string(format!("/proc/thread-self/net/{list}")).unwrap());
    within(&world.bridge, read).iter().map(|list| list.lines().count() - 1).sum()
}

#[test]
fn the_container_sees_who_sends_datagrams() {
    inside("flows::the_container_sees_who_sends_datagrams", |world| {
        let heard = echo(world);
        world.forward(udp(), options(), limits());
        for host in HOST {
            let client = within(&world.client, || client(host));
            for datagram in [format!("to {host}").into_bytes(), format!("{host:>1400}").into_bytes()] {
                ping(&client, &datagram);
                assert_eq!(seen(&heard, &datagram), client.local_addr().unwrap());
            }
        }
        // An answer comes from the address that was asked: a connected socket hears no other.
        for (host, gateway) in [("127.0.0.1", GATEWAY[0]), ("127.9.9.9", GATEWAY[0]), ("::1", GATEWAY[1])] {
            let client = client(host);
            ping(&client, host.as_bytes());
            assert_eq!(seen(&heard, host.as_bytes()).ip(), address(gateway));
            ping(&client, b"");
        }
        // One port of a client's for two addresses of the host's: each answer comes from the one that was asked.
        let [one, two] = [HOST[0], "192.168.77.3"].map(|host| {
            within(&world.client, || {
                let socket = from_port(7777);
                socket.connect((host, 8080)).unwrap();
                socket
            })
        });
        for (socket, datagram) in [(&one, b"one"), (&two, b"two"), (&one, b"1st"), (&two, b"2nd")] {
            ping(socket, datagram);
            assert_eq!(seen(&heard, datagram).ip(), address("192.168.77.2"));
        }
    });
}

fn from_port(port: u16) -> UdpSocket {
    use rustix::net::{AddressFamily, SocketType, bind, socket, sockopt};
    let fd = socket(AddressFamily::INET, SocketType::DGRAM, None).unwrap();
    sockopt::set_socket_reuseaddr(&fd, true).unwrap();
    bind(&fd, &SocketAddr::from(([0, 0, 0, 0], port))).unwrap();
    patient(fd.into())
}

#[test]
fn an_idle_flow_ends_and_begins_anew() {
    inside("flows::an_idle_flow_ends_and_begins_anew", |world| {
        let _heard = echo(world);
        world.forward(udp(), options(), Limits { flow_idle: Duration::from_secs(2), ..limits() });
        let client = within(&world.client, || client(HOST[0]));
        ping(&client, b"a");
        assert_eq!(flows(world), 1);
        until("the flow has ended", || flows(world) == 0);
        ping(&client, b"b");
        assert_eq!(flows(world), 1);
    });
}

#[test]
fn one_flow_too_many_ends_the_oldest() {
    inside("flows::one_flow_too_many_ends_the_oldest", |world| {
        let heard = echo(world);
        // From the gateway, each flow has a port of its own by which it is known.
        let options = Options { keeps_client_address: false, ..options() };
        world.forward(udp(), options, Limits { flows: 3, ..limits() });
        let clients: Vec<UdpSocket> = (0..4).map(|_| within(&world.client, || client(HOST[0]))).collect();
        let mut count = 0;
        let mut port = |at: usize| {
            count += 1;
            let datagram = format!("{count}").into_bytes();
            ping(&clients[at], &datagram);
            seen(&heard, &datagram).port()
        };
        let first = [0, 1, 2].map(&mut port);
        assert_eq!(port(0), first[0]);
        port(3);
        assert_eq!(flows(world), 3);
        // The second was the one that had been silent for longest.
        assert_eq!([port(0), port(2)], [first[0], first[2]]);
        assert_ne!(port(1), first[1]);
        assert_eq!(flows(world), 3);
    });
}

#[test]
fn a_container_that_does_not_listen_yet_is_heard_later() {
    inside("flows::a_container_that_does_not_listen_yet_is_heard_later", |world| {
        world.forward(udp(), options(), limits());
        let client = within(&world.client, || client(HOST[0]));
        client.send(b"too early").unwrap();
        until("the flow is there", || flows(world) == 1);
        let _heard = echo(world);
        ping(&client, b"now");
        assert_eq!(flows(world), 1);
    });
}

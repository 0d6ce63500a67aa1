//! Names that no container has: asked of other servers, by UDP and, where an answer does not fit, by TCP.
//!
//! Each query has a socket of its own, and with it a port of the kernel's choice; only its upstream can send to that. With
//! the number that is drawn for it an answer is hard to forge: RFC 5452.

use super::message::{self, Asked};
use super::{Asker, Finding, Reply, Server, Token};
use crate::network::egress::{self, Pattern};
use nix::sys::epoll::{EpollEvent, EpollFlags};
use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketFlags, SocketType};
use simple_dns::RCODE;
use std::io::{ErrorKind, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6, TcpStream, UdpSocket};
use std::time::{Duration, Instant};

/// The most open queries in all, and of one client.
const QUERIES_MAX: usize = 512;
const QUERIES_PER_ADDRESS_MAX: usize = 128;
/// How long one server is waited for. Clients wait for 5 s, and ask again.
const ANSWER_TIMEOUT: Duration = Duration::from_millis(1500);
/// How often a query is sent in all.
const TRIES_MAX: usize = 4;
/// For how long a server that has not answered is asked behind the others.
const SILENT_FOR: Duration = Duration::from_secs(30);
/// The longest datagram.
pub(super) const DATAGRAM_BYTES_MAX: usize = 65_535;
/// How many datagrams that are no answer a query stands in one event.
const NOISE_MAX: usize = 16;

/// The most servers of a resolv.conf that are asked; resolvers ask three.
const SERVERS_MAX: usize = 8;
const PORT: u16 = 53;

/// The servers that a resolv.conf(5) names, each once.
pub fn upstreams(resolv_conf: &str) -> Vec<SocketAddr> {
    let mut servers = Vec::new();
    for line in resolv_conf.lines() {
        let mut words = line.split_whitespace();
        if words.next() != Some("nameserver") {
            continue;
        }
        let Some(server) = words.next().and_then(read_server) else { continue };
        if !servers.contains(&server) && servers.len() < SERVERS_MAX {
            servers.push(server);
        }
    }
    servers
}

/// An address, or one on a link of this namespace: `fe80::1%eth0`.
fn read_server(text: &str) -> Option<SocketAddr> {
    let Some((address, interface)) = text.split_once('%') else {
        return Some(SocketAddr::from((text.parse::<IpAddr>().ok()?, PORT)));
    };
    let address = address.parse::<Ipv6Addr>().ok().filter(Ipv6Addr::is_unicast_link_local)?;
    let index = nix::net::if_::if_nametoindex(interface).ok()?;
    Some(SocketAddrV6::new(address, PORT, 0, index).into())
}

#[derive(Debug)]
pub(super) struct Query {
    asker: Asker,
    asked: Asked,
    /// As it goes out: the client's, with a number of our own.
    message: Vec<u8>,
    upstreams: Vec<SocketAddr>,
    /// How often it was sent. Says whom to ask next.
    tries: usize,
    socket: Socket,
    until: Instant,
    /// What one has said who could not answer.
    refusal: Option<Vec<u8>>,
}

/// A container, the names of its rules, and addresses with the seconds for which they hold.
type Opened = (String, Vec<Pattern>, Vec<(IpAddr, u32)>);

#[derive(Debug)]
enum Socket {
    Udp(UdpSocket),
    Tcp { stream: TcpStream, unsent: Vec<u8>, received: Vec<u8> },
}

/// What has come of looking at a socket.
enum Heard {
    Nothing,
    Answer(Vec<u8>),
    Failed,
}

impl Query {
    pub fn until(&self) -> Instant {
        self.until
    }

    /// Whom it was sent to.
    fn upstream(&self) -> SocketAddr {
        self.upstreams[self.tries.saturating_sub(1) % self.upstreams.len()]
    }
}

impl Server {
    /// Asks others.
    pub(super) fn forward(&mut self, message: &[u8], asked: Asked, mut upstreams: Vec<SocketAddr>, asker: Asker) {
        let of_client = self.queries.values().filter(|query| query.asker.address() == asker.address());
        if self.queries.len() >= QUERIES_MAX || of_client.count() >= QUERIES_PER_ADDRESS_MAX {
            return self.send(asker, asked.refuse(RCODE::ServerFailure));
        }
        // Asked by itself the server would never come to an end.
        upstreams.retain(|upstream| !self.listeners.values().any(|listener| listener.address == *upstream));
        let now = Instant::now();
        self.silent.retain(|_, until| *until > now);
        upstreams.sort_by_key(|upstream| self.silent.contains_key(upstream));
        self.ask_next(message.to_vec(), asked, upstreams, asker, 0, None);
    }

    /// Sends a query to the next server that it can be sent to.
    fn ask_next(
        &mut self,
        mut message: Vec<u8>,
        asked: Asked,
        upstreams: Vec<SocketAddr>,
        asker: Asker,
        mut tries: usize,
        refusal: Option<Vec<u8>>,
    ) {
        while !upstreams.is_empty() && tries < TRIES_MAX.max(upstreams.len()) {
            let upstream = upstreams[tries % upstreams.len()];
            tries += 1;
            let mut id = [0; 2];
            if rustix::rand::getrandom(&mut id, rustix::rand::GetRandomFlags::empty()).is_err() {
                break;
            }
            message[..2].copy_from_slice(&id);
            let Ok(socket) = ask_by_udp(upstream, &message) else { continue };
            let Ok(token) = self.watch(&socket, EpollFlags::EPOLLIN) else { continue };
            let (socket, until) = (Socket::Udp(socket), Instant::now() + ANSWER_TIMEOUT);
            self.queries.insert(token, Query { asker, asked, message, upstreams, tries, socket, until, refusal });
            return;
        }
        let answer = refusal.unwrap_or_else(|| asked.refuse(RCODE::ServerFailure));
        self.finish(asker, &asked, answer);
    }

    /// Gives an answer to whom it is for, under the client's number.
    fn finish(&mut self, asker: Asker, asked: &Asked, mut answer: Vec<u8>) {
        answer[..2].copy_from_slice(&asked.id.to_be_bytes());
        let opened = self.opened_by(asker, asked, &answer);
        let reply = Reply { asker, asked: asked.clone(), answer };
        match opened {
            Some((container, rules, addresses)) => {
                self.findings.push(Finding::Resolved { container, rules, addresses, reply });
            }
            None => self.reply_to(reply),
        }
    }

    /// Gives an answer that has been held back.
    pub fn reply_to(&mut self, Reply { asker, asked, answer }: Reply) {
        match asker {
            Asker::Udp { .. } => self.send(asker, asked.fit(answer)),
            Asker::Tcp { client, .. } => {
                self.send(asker, answer);
                self.ask_on(client);
            }
        }
    }

    /// Whose rules an answer opens something of: the container, the rules' names, and what they let through now.
    fn opened_by(&self, asker: Asker, asked: &Asked, answer: &[u8]) -> Option<Opened> {
        let network = match asker {
            Asker::Udp { listener, .. } => &*self.listeners.get(&listener)?.network,
            Asker::Tcp { client, .. } => self.clients.get(&client)?.network(),
        };
        let (container, egress) = self.networks.get(network)?.ruled(asker.address())?;
        let rules: Vec<Pattern> = egress.opened_by(&asked.name()?).cloned().collect();
        let mut addresses = asked.addresses(answer);
        addresses.retain(|(address, _)| egress::is_public(*address));
        (!rules.is_empty() && !addresses.is_empty()).then(|| (container.to_owned(), rules, addresses))
    }

    /// Something has come for a query.
    pub(super) fn hear(&mut self, token: Token) {
        let Some(query) = self.queries.get_mut(&token) else { return };
        let heard = match &mut query.socket {
            Socket::Udp(socket) => hear_datagram(socket, &query.asked, &query.message, &mut self.scratch),
            Socket::Tcp { stream, unsent, received } => {
                let heard = hear_stream(stream, unsent, received);
                if unsent.is_empty()
                    && self.epoll.modify(&*stream, &mut EpollEvent::new(EpollFlags::EPOLLIN, token)).is_err()
                {
                    Heard::Failed
                } else {
                    heard
                }
            }
        };
        match heard {
            Heard::Nothing => {}
            Heard::Failed => self.ask_another(token, true),
            Heard::Answer(answer) => self.judge(token, answer),
        }
    }

    /// Passes an answer on, unless another way or server may give a better one.
    fn judge(&mut self, token: Token, answer: Vec<u8>) {
        let Some(query) = self.queries.get_mut(&token) else { return };
        let is_by_udp = matches!(query.socket, Socket::Udp(_));
        if !query.asked.is_answered_by(&query.message, &answer) {
            return self.ask_another(token, true);
        }
        self.silent.remove(&query.upstream());
        // A client that has asked by UDP is told to come again by TCP, and then gets the whole.
        if message::is_truncated(&answer) && is_by_udp && matches!(query.asker, Asker::Tcp { .. }) {
            return self.ask_by_tcp(token);
        }
        if [RCODE::ServerFailure, RCODE::NotImplemented, RCODE::Refused]
            .map(|code| code as u8)
            .contains(&message::code(&answer))
        {
            query.refusal = Some(answer);
            return self.ask_another(token, false);
        }
        if let Some(query) = self.queries.remove(&token) {
            self.finish(query.asker, &query.asked, answer);
        }
    }

    /// Asks the next server, because this one has not answered, or not well.
    fn ask_another(&mut self, token: Token, is_silent: bool) {
        let Some(query) = self.queries.remove(&token) else { return };
        if is_silent {
            self.silent.insert(query.upstream(), Instant::now() + SILENT_FOR);
        }
        let Query { asker, asked, message, upstreams, tries, refusal, .. } = query;
        // One that refuses does so again.
        let tries = if refusal.is_some() && tries >= upstreams.len() { usize::MAX } else { tries };
        self.ask_next(message, asked, upstreams, asker, tries, refusal);
    }

    /// Asks the same server once more, by TCP.
    fn ask_by_tcp(&mut self, token: Token) {
        let Some(mut query) = self.queries.remove(&token) else { return };
        let connected = connect(query.upstream()).ok().and_then(|stream| {
            let token = self.watch(&stream, EpollFlags::EPOLLIN | EpollFlags::EPOLLOUT).ok()?;
            Some((stream, token))
        });
        let Some((stream, token)) = connected else {
            let Query { asker, asked, message, upstreams, tries, refusal, .. } = query;
            return self.ask_next(message, asked, upstreams, asker, tries, refusal);
        };
        let length = u16::try_from(query.message.len()).unwrap_or(u16::MAX);
        let unsent = [&length.to_be_bytes(), query.message.as_slice()].concat();
        query.socket = Socket::Tcp { stream, unsent, received: Vec::new() };
        query.until = Instant::now() + ANSWER_TIMEOUT;
        self.queries.insert(token, query);
    }

    /// Goes on with queries whose server has been waited for long enough.
    pub(super) fn end_late_queries(&mut self, now: Instant) {
        let late = self.queries.iter().filter(|(_, query)| query.until <= now);
        let late: Vec<Token> = late.map(|(token, _)| *token).collect();
        late.into_iter().for_each(|token| self.ask_another(token, true));
    }
}

fn ask_by_udp(upstream: SocketAddr, message: &[u8]) -> std::io::Result<UdpSocket> {
    let any = match upstream {
        SocketAddr::V4(_) => SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)),
        SocketAddr::V6(_) => SocketAddr::from((Ipv6Addr::UNSPECIFIED, 0)),
    };
    let socket = UdpSocket::bind(any)?;
    socket.set_nonblocking(true)?;
    socket.connect(upstream)?;
    socket.send(message)?;
    Ok(socket)
}

/// A connection that may come to be later.
fn connect(upstream: SocketAddr) -> rustix::io::Result<TcpStream> {
    let family = if upstream.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = rustix::net::socket_with(family, SocketType::STREAM, flags, None)?;
    match rustix::net::connect(&socket, &upstream) {
        Ok(()) | Err(Errno::INPROGRESS) => Ok(TcpStream::from(socket)),
        Err(errno) => Err(errno),
    }
}

/// The answer among the datagrams that have come. What is none is passed over: it may be forged.
fn hear_datagram(socket: &UdpSocket, asked: &Asked, message: &[u8], bytes: &mut [u8]) -> Heard {
    for _ in 0..NOISE_MAX {
        match socket.recv(bytes) {
            Ok(length) if asked.is_answered_by(message, &bytes[..length]) => {
                return Heard::Answer(bytes[..length].to_vec());
            }
            Ok(_) => {}
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => break,
            // There is no server.
            Err(_) => return Heard::Failed,
        }
    }
    Heard::Nothing
}

fn hear_stream(stream: &mut TcpStream, unsent: &mut Vec<u8>, received: &mut Vec<u8>) -> Heard {
    let waits = |error: &std::io::Error| {
        matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted | ErrorKind::NotConnected)
    };
    while !unsent.is_empty() {
        match stream.write(unsent) {
            Ok(0) => return Heard::Failed,
            Ok(length) => drop(unsent.drain(..length)),
            Err(error) if waits(&error) => return Heard::Nothing,
            Err(_) => return Heard::Failed,
        }
    }
    let mut bytes = [0; 8192];
    loop {
        if let [high, low, rest @ ..] = received.as_slice()
            && let Some(answer) = rest.get(..usize::from(u16::from_be_bytes([*high, *low])))
        {
            return Heard::Answer(answer.to_vec());
        }
        match stream.read(&mut bytes) {
            Ok(0) => return Heard::Failed,
            Ok(length) => received.extend_from_slice(&bytes[..length]),
            Err(error) if waits(&error) => return Heard::Nothing,
            Err(_) => return Heard::Failed,
        }
    }
}

//! The name server of the networks of one network namespace: containers find each other by name, and everything else is
//! asked of others.
//!
//! A state machine without a thread: whoever runs it polls [`Server::fd`] until [`Server::deadline`] and calls
//! [`Server::turn`]. All sockets are of the network namespace that the caller is in. Clients are containers, which may send
//! anything: what one of them can hold is bounded, so that the others are served.

mod clients;
mod forward;
mod message;
#[cfg(any(test, fuzzing))]
pub mod property;
#[cfg(test)]
mod tests;
mod zone;

pub use forward::upstreams;
pub use zone::{HOST_NAMES, Zone};

use crate::error::Kind;
use crate::network::egress::Pattern;
use anyhow::{Context, Result};
use clients::Client;
use forward::Query;
use message::{Asked, Message};
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};
use simple_dns::RCODE;
use std::collections::{BTreeMap, HashMap};
use std::net::{IpAddr, SocketAddr, TcpListener, UdpSocket};
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;
use std::time::{Duration, Instant};
use zone::Found;

/// How many events are looked at, and how many datagrams or connections are taken of one socket, before others are served.
const EVENTS_PER_LOOK: usize = 128;
const TAKEN_PER_EVENT: usize = 64;
/// For how long a turn goes on with what comes meanwhile, before all else of the keeper's is looked at again.
const TURN: Duration = Duration::from_millis(5);
/// The most networks that one server has, and the most addresses that it listens at.
const NETWORKS_MAX: usize = 4096;
const LISTENERS_MAX: usize = 16_384;
/// How long no connection is taken after the process has run out of descriptors.
const PAUSE: Duration = Duration::from_millis(500);

/// Names a socket in events. Never used twice, so that an event is never taken for another's.
type Token = u64;

#[derive(Debug)]
pub struct Server {
    epoll: Epoll,
    last: Token,
    networks: BTreeMap<String, Zone>,
    upstreams: Vec<SocketAddr>,
    listeners: HashMap<Token, Listener>,
    clients: HashMap<Token, Client>,
    queries: HashMap<Token, Query>,
    /// Upstreams that have not answered, and until when others are asked first.
    silent: HashMap<SocketAddr, Instant>,
    paused_until: Option<Instant>,
    answers: usize,
    /// Where answers of others are put first.
    scratch: Vec<u8>,
    findings: Vec<Finding>,
}

/// What the server has found out about a container that has rules.
#[derive(Debug)]
pub enum Finding {
    /// It has asked for a name of the outside that it may not ask for, and has been told so.
    Refused { container: String, name: String },
    /// A name that its rules let through has these addresses, for so many seconds each. The answer is held back until they
    /// can be reached: see [`Server::reply_to`].
    Resolved { container: String, rules: Vec<Pattern>, addresses: Vec<(IpAddr, u32)>, reply: Reply },
}

/// An answer that is held back.
#[derive(Debug)]
pub struct Reply {
    asker: Asker,
    asked: Asked,
    answer: Vec<u8>,
}

#[derive(Debug)]
struct Listener {
    network: Arc<str>,
    address: SocketAddr,
    /// Whose questions alone it hears, if not everybody's.
    client: Option<IpAddr>,
    socket: Socket,
}

#[derive(Debug)]
enum Socket {
    Udp(UdpSocket),
    Tcp(TcpListener),
}

/// Where an answer goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asker {
    Udp { listener: Token, peer: SocketAddr },
    Tcp { client: Token, peer: SocketAddr },
}

impl Asker {
    fn address(&self) -> IpAddr {
        let (Self::Udp { peer, .. } | Self::Tcp { peer, .. }) = self;
        peer.ip()
    }
}

impl Server {
    pub fn new() -> Result<Self> {
        Ok(Self {
            epoll: Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC).context("epoll_create")?,
            last: 0,
            networks: BTreeMap::new(),
            upstreams: Vec::new(),
            listeners: HashMap::new(),
            clients: HashMap::new(),
            queries: HashMap::new(),
            silent: HashMap::new(),
            paused_until: None,
            answers: 0,
            scratch: vec![0; forward::DATAGRAM_BYTES_MAX],
            findings: Vec::new(),
        })
    }

    /// Readable when there is something to do.
    pub fn fd(&self) -> BorrowedFd<'_> {
        self.epoll.0.as_fd()
    }

    /// When [`Server::turn`] is to be called even if nothing is readable. None if never.
    pub fn deadline(&self) -> Option<Instant> {
        let clients = self.clients.values().map(Client::until);
        clients.chain(self.queries.values().map(Query::until)).chain(self.paused_until).min()
    }

    /// Answers a network's containers at an address of its bridge, by UDP and TCP. Listening there already is no error.
    pub fn listen(&mut self, network: &str, address: SocketAddr) -> Result<()> {
        if self.is_listening(network, address, None) {
            return Ok(());
        }
        let listening = || format!("listen for names at {address}");
        let udp = self.bind(address).with_context(listening)?;
        // Port 0 is any that is free, for tests: the same for both.
        let address = udp.local_addr().with_context(listening)?;
        let tcp = TcpListener::bind(address).with_context(listening)?;
        tcp.set_nonblocking(true).with_context(listening)?;
        for socket in [Socket::Udp(udp), Socket::Tcp(tcp)] {
            let token = self.watch(&socket, EpollFlags::EPOLLIN)?;
            self.listeners.insert(token, Listener { network: network.into(), address, client: None, socket });
        }
        Ok(())
    }

    /// Gives one client a queue of its own at an address, so that others who send more than can be answered fill theirs.
    pub fn listen_to(&mut self, network: &str, address: SocketAddr, client: IpAddr) -> Result<()> {
        // Where another server is, its clients are not ours.
        if self.is_listening(network, address, Some(client)) || !self.is_listening(network, address, None) {
            return Ok(());
        }
        let listening = || format!("listen for names at {address} for {client}");
        let udp = self.bind(address).with_context(listening)?;
        // Whatever the client's port is.
        udp.connect((client, 0)).with_context(listening)?;
        let socket = Socket::Udp(udp);
        let token = self.watch(&socket, EpollFlags::EPOLLIN)?;
        self.listeners.insert(token, Listener { network: network.into(), address, client: Some(client), socket });
        Ok(())
    }

    fn is_listening(&self, network: &str, address: SocketAddr, client: Option<IpAddr>) -> bool {
        let is_it = |it: &Listener| it.address == address && *it.network == *network && it.client == client;
        self.listeners.values().any(is_it)
    }

    /// A socket for datagrams at an address where others may be.
    fn bind(&self, address: SocketAddr) -> Result<UdpSocket> {
        use rustix::net::{AddressFamily, SocketFlags, SocketType, sockopt};
        if self.listeners.len() >= LISTENERS_MAX {
            return Err(Kind::InUse.error(format!("the name server listens at {LISTENERS_MAX} addresses already")));
        }
        let family = if address.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let socket = rustix::net::socket_with(family, SocketType::DGRAM, flags, None)?;
        sockopt::set_socket_reuseaddr(&socket, true)?;
        rustix::net::bind(&socket, &address)?;
        Ok(UdpSocket::from(socket))
    }

    /// Where a network's name server is.
    #[cfg(test)]
    pub fn addresses(&self, network: &str) -> Vec<SocketAddr> {
        let own = self.listeners.values().filter(|listener| *listener.network == *network);
        let mut addresses: Vec<SocketAddr> = own.map(|listener| listener.address).collect();
        addresses.sort_unstable();
        addresses.dedup();
        addresses
    }

    /// Says what a network's containers are called now.
    pub fn set_zone(&mut self, network: &str, zone: Zone) -> Result<()> {
        if !self.networks.contains_key(network) && self.networks.len() >= NETWORKS_MAX {
            return Err(Kind::InUse.error(format!("the name server has {NETWORKS_MAX} networks already")));
        }
        let is_there = |client: IpAddr| zone.id_of(client).is_some();
        self.listeners.retain(|_, it| *it.network != *network || it.client.is_none_or(is_there));
        self.networks.insert(network.to_owned(), zone);
        Ok(())
    }

    /// Says whom names are asked of that no container has, in this order.
    pub fn set_upstreams(&mut self, upstreams: Vec<SocketAddr>) {
        self.silent.retain(|address, _| upstreams.contains(address));
        self.upstreams = upstreams;
    }

    /// Forgets a network, and listens for it no more. Who is connected is not answered any more.
    pub fn forget(&mut self, network: &str) {
        self.networks.remove(network);
        self.listeners.retain(|_, listener| *listener.network != *network);
        self.clients.retain(|_, client| client.network() != network);
    }

    /// Does what can be done at once.
    pub fn turn(&mut self) -> Result<()> {
        let end = Instant::now() + TURN;
        // Who waits for a finding is not made to wait for others.
        while self.look()? && self.findings.is_empty() && Instant::now() < end {}
        let now = Instant::now();
        self.end_late_queries(now);
        self.end_late_clients(now);
        if self.paused_until.is_some_and(|until| until <= now) {
            self.pause(None);
        }
        Ok(())
    }

    /// Looks for events, and does what they ask for. Whether there were any.
    fn look(&mut self) -> Result<bool> {
        let mut events = [EpollEvent::empty(); EVENTS_PER_LOOK];
        let count = match self.epoll.wait(&mut events, EpollTimeout::ZERO) {
            Err(nix::errno::Errno::EINTR) => 0,
            count => count.context("epoll_wait")?,
        };
        for event in &events[..count] {
            let token = event.data();
            if self.clients.contains_key(&token) {
                self.serve(token, event.events());
            } else if self.queries.contains_key(&token) {
                self.hear(token);
            } else {
                self.take(token);
            }
        }
        Ok(count > 0)
    }

    /// What was found out in the last turn.
    pub fn take_findings(&mut self) -> Vec<Finding> {
        std::mem::take(&mut self.findings)
    }

    fn watch(&mut self, socket: impl AsFd, flags: EpollFlags) -> Result<Token> {
        self.last += 1;
        self.epoll.add(socket, EpollEvent::new(flags, self.last)).context("epoll_ctl")?;
        Ok(self.last)
    }

    /// Takes datagrams or connections.
    fn take(&mut self, token: Token) {
        let mut bytes = [0; message::QUERY_BYTES_MAX + 1];
        for _ in 0..TAKEN_PER_EVENT {
            // Gone with its network meanwhile.
            let Some(listener) = self.listeners.get(&token) else { return };
            match &listener.socket {
                Socket::Udp(socket) => {
                    let Ok((length, peer)) = socket.recv_from(&mut bytes) else { return };
                    let network = listener.network.clone();
                    self.answer(&bytes[..length], &network, Asker::Udp { listener: token, peer });
                }
                Socket::Tcp(socket) => match socket.accept() {
                    Ok((stream, peer)) => {
                        let network = listener.network.clone();
                        self.welcome(stream, peer, network);
                    }
                    Err(error) if is_exhausted(&error) => {
                        self.end_oldest_client();
                        self.pause(Some(Instant::now() + PAUSE));
                        return;
                    }
                    Err(_) => return,
                },
            }
        }
    }

    /// Stops taking connections, or goes on with it.
    fn pause(&mut self, until: Option<Instant>) {
        self.paused_until = until;
        let flags = if until.is_some() { EpollFlags::empty() } else { EpollFlags::EPOLLIN };
        for (token, listener) in &self.listeners {
            if let Socket::Tcp(socket) = &listener.socket {
                // One that cannot be changed goes on as it is.
                let _ = self.epoll.modify(socket, &mut EpollEvent::new(flags, *token));
            }
        }
    }

    /// Answers a message, or asks others what to answer.
    fn answer(&mut self, bytes: &[u8], network: &str, asker: Asker) {
        let asked = match Message::read(bytes) {
            Message::Query(asked) => asked,
            Message::Malformed { id } => return self.send(asker, message::malformed(id)),
            Message::Noise => return,
        };
        self.answers = self.answers.wrapping_add(1);
        let own = self.networks.get(network).map_or(&[][..], |zone| zone.own_upstreams(asker.address()));
        let zones = self.zones(network, asker.address());
        let found = zone::look_up(&zones, &asked, own, &self.upstreams, self.answers);
        match found {
            Found::Records(records) => {
                let bytes_max = self.bytes_max(&asker, &asked);
                self.send(asker, asked.answer(RCODE::NoError, &records, bytes_max));
            }
            Found::Code(code) => self.send(asker, asked.refuse(code)),
            Found::Upstreams(upstreams) => match self.refused_by(network, &asker, &asked) {
                Some(refused) => {
                    self.findings.push(refused);
                    self.send(asker, asked.refuse(RCODE::Refused));
                }
                None => self.forward(bytes, asked, upstreams, asker),
            },
        }
    }

    /// Whatever of it is asked for, a name itself tells those who are asked.
    fn refused_by(&self, network: &str, asker: &Asker, asked: &Asked) -> Option<Finding> {
        let (container, egress) = self.networks.get(network)?.ruled(asker.address())?;
        let name = asked.name().unwrap_or_default();
        (!egress.may_resolve(&name)).then(|| Finding::Refused { container: container.to_owned(), name })
    }

    fn bytes_max(&self, asker: &Asker, asked: &Asked) -> usize {
        match asker {
            Asker::Udp { .. } => asked.size(),
            Asker::Tcp { .. } => usize::from(u16::MAX),
        }
    }

    /// The networks that a client is on: the one that it asks on, then the others of the same container.
    fn zones(&self, network: &str, client: IpAddr) -> Vec<&Zone> {
        let Some(zone) = self.networks.get(network) else { return Vec::new() };
        let mut zones = vec![zone];
        if let Some(id) = zone.id_of(client) {
            let others = self.networks.iter().filter(|(name, _)| *name != network);
            zones.extend(others.map(|(_, zone)| zone).filter(|zone| zone.has(id)));
        }
        zones
    }

    fn send(&mut self, asker: Asker, answer: Vec<u8>) {
        match asker {
            Asker::Udp { listener, peer } => {
                if let Some(Listener { socket: Socket::Udp(socket), .. }) = self.listeners.get(&listener) {
                    // One that is lost is asked for again.
                    let _ = socket.send_to(&answer, peer);
                }
            }
            Asker::Tcp { client, .. } => self.reply(client, &answer),
        }
    }
}

impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Self::Udp(socket) => socket.as_fd(),
            Self::Tcp(socket) => socket.as_fd(),
        }
    }
}

/// Whether there are no more descriptors, or no memory for them.
fn is_exhausted(error: &std::io::Error) -> bool {
    let codes = [libc::EMFILE, libc::ENFILE, libc::ENOBUFS, libc::ENOMEM];
    error.raw_os_error().is_some_and(|code| codes.contains(&code))
}

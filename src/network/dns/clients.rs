//! Clients that ask by TCP: each message has its length in front, RFC 1035 4.2.2.

use super::{Asker, Server, Token, message};
use nix::sys::epoll::{EpollEvent, EpollFlags};
use std::io::{ErrorKind, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The most connections in all, and of one client. The oldest one goes for the one that is too many.
const CLIENTS_MAX: usize = 256;
const CLIENTS_PER_ADDRESS_MAX: usize = 16;
/// How long a whole query may take, and how long a connection may be silent behind an answer: RFC 7766, 6.2.3.
const IDLE_MAX: Duration = Duration::from_secs(10);
/// How many queries of one connection are looked up at once.
const OPEN_MAX: usize = 32;
/// How much of what was answered may be unread before no more is taken.
const UNREAD_BYTES_MAX: usize = 128 << 10;
const READ_BYTES: usize = 4096;
/// How often a connection is read before others are served.
const READS_PER_EVENT: usize = 4;

#[derive(Debug)]
pub(super) struct Client {
    stream: TcpStream,
    peer: SocketAddr,
    network: Arc<str>,
    /// What has come of a message that is not whole.
    received: Vec<u8>,
    /// What is still to be sent.
    unsent: Vec<u8>,
    /// How many queries are open.
    open: usize,
    /// It sends no more.
    has_ended: bool,
    until: Instant,
    watched: EpollFlags,
}

impl Client {
    pub fn until(&self) -> Instant {
        self.until
    }

    pub fn network(&self) -> &str {
        &self.network
    }

    fn address(&self) -> IpAddr {
        self.peer.ip()
    }

    fn may_ask(&self) -> bool {
        !self.has_ended && self.open < OPEN_MAX && self.unsent.len() < UNREAD_BYTES_MAX
    }

    fn has_message(&self) -> bool {
        match self.received.as_slice() {
            [high, low, rest @ ..] => rest.len() >= usize::from(u16::from_be_bytes([*high, *low])),
            _ => false,
        }
    }

    /// The next whole message. None if it has not come yet; an error if it will never be one.
    fn message(&mut self) -> Result<Option<Vec<u8>>, ()> {
        let [high, low, rest @ ..] = self.received.as_slice() else { return Ok(None) };
        let length = usize::from(u16::from_be_bytes([*high, *low]));
        if !(message::HEADER_BYTES..=message::QUERY_BYTES_MAX).contains(&length) {
            return Err(());
        }
        let Some(message) = rest.get(..length).map(<[u8]>::to_vec) else { return Ok(None) };
        self.received.drain(..2 + length);
        Ok(Some(message))
    }

    /// Reads what is there. False if the connection is broken.
    fn read(&mut self) -> bool {
        let mut bytes = [0; READ_BYTES];
        for _ in 0..READS_PER_EVENT {
            if self.received.len() > message::QUERY_BYTES_MAX + 2 {
                return true;
            }
            match self.stream.read(&mut bytes) {
                Ok(0) => {
                    self.has_ended = true;
                    return true;
                }
                Ok(length) => self.received.extend_from_slice(&bytes[..length]),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return error.kind() == ErrorKind::WouldBlock,
            }
        }
        true
    }

    /// Sends what can be sent. False if the connection is broken.
    fn write(&mut self) -> bool {
        while !self.unsent.is_empty() {
            match self.stream.write(&self.unsent) {
                Ok(0) => return false,
                Ok(length) => drop(self.unsent.drain(..length)),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return error.kind() == ErrorKind::WouldBlock,
            }
        }
        true
    }
}

impl Server {
    /// Takes a connection in.
    pub(super) fn welcome(&mut self, stream: TcpStream, peer: SocketAddr, network: Arc<str>) {
        let same = |client: &Client| client.address() == peer.ip();
        if self.clients.values().filter(|client| same(client)).count() >= CLIENTS_PER_ADDRESS_MAX {
            self.end_oldest(same);
        }
        if self.clients.len() >= CLIENTS_MAX {
            self.end_oldest(|_| true);
        }
        // One that cannot be served is closed.
        let _ = stream.set_nodelay(true);
        if stream.set_nonblocking(true).is_err() {
            return;
        }
        let Ok(token) = self.watch(&stream, EpollFlags::EPOLLIN) else { return };
        let (received, unsent) = (Vec::new(), Vec::new());
        let until = Instant::now() + IDLE_MAX;
        let watched = EpollFlags::EPOLLIN;
        let client = Client { stream, peer, network, received, unsent, open: 0, has_ended: false, until, watched };
        self.clients.insert(token, client);
    }

    fn end_oldest(&mut self, which: impl Fn(&Client) -> bool) {
        let of_them = self.clients.iter().filter(|(_, client)| which(client));
        if let Some(token) = of_them.min_by_key(|(_, client)| client.until).map(|(token, _)| *token) {
            self.clients.remove(&token);
        }
    }

    pub(super) fn end_oldest_client(&mut self) {
        self.end_oldest(|_| true);
    }

    pub(super) fn end_late_clients(&mut self, now: Instant) {
        self.clients.retain(|_, client| client.until > now);
    }

    /// Something has come from a client, or can go to it.
    pub(super) fn serve(&mut self, token: Token, event: EpollFlags) {
        let Some(client) = self.clients.get_mut(&token) else { return };
        // Nothing can be sent any more.
        let is_broken = event.intersects(EpollFlags::EPOLLERR | EpollFlags::EPOLLHUP);
        if is_broken || !client.write() || (client.may_ask() && !client.read()) {
            self.clients.remove(&token);
            return;
        }
        self.ask_on(token);
    }

    /// Answers the whole messages that have come, as long as the client may ask.
    pub(super) fn ask_on(&mut self, token: Token) {
        while let Some(client) = self.clients.get_mut(&token) {
            if client.open >= OPEN_MAX || client.unsent.len() >= UNREAD_BYTES_MAX {
                break;
            }
            match client.message() {
                Ok(None) => break,
                Err(()) => {
                    self.clients.remove(&token);
                    return;
                }
                Ok(Some(message)) => {
                    client.open += 1;
                    client.until = Instant::now() + IDLE_MAX;
                    let (network, peer) = (client.network.clone(), client.peer);
                    if message[2] & 0x80 != 0 {
                        // An answer is nothing that is answered.
                        self.clients.remove(&token);
                        return;
                    }
                    self.answer(&message, &network, Asker::Tcp { client: token, peer });
                }
            }
        }
        self.settle(token);
    }

    /// Sends an answer, if the client is still there.
    pub(super) fn reply(&mut self, token: Token, answer: &[u8]) {
        let Some(client) = self.clients.get_mut(&token) else { return };
        client.open = client.open.saturating_sub(1);
        // The longest answer of another server is as long as a length can say.
        let Ok(length) = u16::try_from(answer.len()) else { return };
        client.unsent.extend_from_slice(&length.to_be_bytes());
        client.unsent.extend_from_slice(answer);
        if client.write() {
            self.settle(token);
        } else {
            self.clients.remove(&token);
        }
    }

    /// Watches a client for what may happen next, and ends with one of whom nothing more will come.
    fn settle(&mut self, token: Token) {
        let Some(client) = self.clients.get_mut(&token) else { return };
        if client.has_ended && client.open == 0 && client.unsent.is_empty() && !client.has_message() {
            self.clients.remove(&token);
            return;
        }
        let mut flags = EpollFlags::empty();
        flags.set(EpollFlags::EPOLLIN, client.may_ask());
        flags.set(EpollFlags::EPOLLOUT, !client.unsent.is_empty());
        if flags != client.watched {
            client.watched = flags;
            if self.epoll.modify(&client.stream, &mut EpollEvent::new(flags, token)).is_err() {
                self.clients.remove(&token);
            }
        }
    }
}

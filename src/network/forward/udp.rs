//! UDP: a flow for each client and each address at which it came, with a socket of its own toward the container.

use super::datagram::{self, Local};
use super::run::{Poll, Watched};
use super::slots::Slots;
use super::{Listener, Options, source};
use std::collections::{BTreeMap, HashMap};
use std::io::ErrorKind;
use std::net::{SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

/// How many datagrams of one socket are taken before it is another's turn.
const DATAGRAMS: usize = 32;

/// No datagram is longer: its length is a number of 16 bits.
const DATAGRAM_BYTES_MAX: usize = 64 << 10;

/// All flows of a container.
pub struct Flows {
    slots: Slots<Flow>,
    by_key: HashMap<Key, usize>,
    /// The least recently used comes first.
    by_use: BTreeMap<u64, usize>,
    uses: u64,
    most: usize,
    idle: Duration,
    buffer: Vec<u8>,
}

/// Who speaks to whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Key {
    listener: usize,
    client: SocketAddr,
    local: Local,
}

struct Flow {
    key: Key,
    socket: UdpSocket,
    container: SocketAddr,
    /// Its place in `by_use`.
    turn: u64,
    used: Instant,
}

impl Flows {
    pub fn new(most: usize, idle: Duration) -> Self {
        let (slots, by_key, by_use) = Default::default();
        Self { slots, by_key, by_use, uses: 0, most, idle, buffer: vec![0; DATAGRAM_BYTES_MAX] }
    }

    /// Takes what waits at a port of the host.
    pub fn take_requests(&mut self, at: usize, listener: &Listener, options: &Options, poll: &Poll, now: Instant) {
        for _ in 0..DATAGRAMS {
            // An error is one of the socket's past, which is told once, or EAGAIN.
            let Ok(received) = datagram::receive(&listener.socket, &mut self.buffer) else { return };
            let Some((length, client, local)) = received else { continue };
            let key = Key { listener: at, client, local };
            let slot = self.by_key.get(&key).copied();
            let Some(slot) = slot.or_else(|| self.open(key, listener, options, poll, now)) else { continue };
            self.touch(slot, now);
            if let Some(flow) = self.slots.get_mut(slot) {
                // What does not arrive is sent again by whoever cares: udp(7).
                let _ = flow.socket.send(&self.buffer[..length]);
            }
        }
    }

    fn open(&mut self, key: Key, listener: &Listener, options: &Options, poll: &Poll, now: Instant) -> Option<usize> {
        if self.slots.len() >= self.most {
            let oldest = self.by_use.first_key_value().map(|(_, slot)| *slot);
            oldest.into_iter().for_each(|slot| self.close(slot));
        }
        let socket = UdpSocket::from(source::toward(listener, options, key.client).ok()?);
        let container = socket.peer_addr().ok()?;
        self.uses += 1;
        let turn = self.uses;
        let slot = self.slots.insert(Flow { key, socket, container, turn, used: now });
        self.by_key.insert(key, slot);
        self.by_use.insert(turn, slot);
        let watched = self.slots.get_mut(slot).map(|flow| poll.watch(&flow.socket, Watched::Flow(slot)));
        if watched.is_some_and(|watched| watched.is_ok()) {
            return Some(slot);
        }
        self.close(slot);
        None
    }

    fn touch(&mut self, slot: usize, now: Instant) {
        let Some(flow) = self.slots.get_mut(slot) else { return };
        self.uses += 1;
        self.by_use.remove(&flow.turn);
        self.by_use.insert(self.uses, slot);
        (flow.turn, flow.used) = (self.uses, now);
    }

    /// Takes what the container has answered.
    pub fn take_answers(&mut self, slot: usize, listeners: &[Listener], now: Instant) {
        for _ in 0..DATAGRAMS {
            // One that has ended earlier in this turn may have been named.
            let Some(flow) = self.slots.get_mut(slot) else { return };
            match flow.socket.recv_from(&mut self.buffer) {
                // Before it was connected, the socket may have taken what others in that namespace sent.
                Ok((_, sender)) if sender != flow.container => {}
                Ok((length, _)) => {
                    let socket = &listeners[flow.key.listener].socket;
                    let _ = datagram::send(socket, &self.buffer[..length], flow.key.local, flow.key.client);
                    self.touch(slot, now);
                }
                Err(error) => match error.kind() {
                    ErrorKind::WouldBlock => return,
                    // Nobody listens at the container's port now, or it is not there; perhaps later.
                    ErrorKind::ConnectionRefused | ErrorKind::HostUnreachable | ErrorKind::Interrupted => {}
                    _ => return self.close(slot),
                },
            }
        }
    }

    /// Ends flows that have been idle for too long.
    pub fn expire(&mut self, now: Instant) {
        while let Some((at, slot)) = self.oldest()
            && at <= now
        {
            self.close(slot);
        }
    }

    /// When the next flow will have been idle for too long.
    pub fn wakes_at(&self) -> Option<Instant> {
        self.oldest().map(|(at, _)| at)
    }

    fn oldest(&self) -> Option<(Instant, usize)> {
        let (_, slot) = self.by_use.first_key_value()?;
        self.slots.get(*slot).map(|flow| (flow.used + self.idle, *slot))
    }

    fn close(&mut self, slot: usize) {
        let Some(flow) = self.slots.remove(slot) else { return };
        self.by_key.remove(&flow.key);
        self.by_use.remove(&flow.turn);
    }

    pub fn settle(&mut self) {
        self.slots.settle();
    }
}

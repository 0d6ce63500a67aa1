//! TCP: bytes both ways, half-close, back-pressure, resets.
//!
//! Much goes through a pipe without being copied, few bytes are cheaper to copy than to splice.
//!
//! Events are edge-triggered: each side remembers whether it may be read and written until the kernel says EAGAIN. A
//! connection with more to do than its share of a turn waits in a queue behind the others.

use super::pipe::Pipe;
use super::run::{Poll, Watched};
use super::slots::Slots;
use super::{Listener, Options, proxy, source};
use anyhow::{Context, Result};
use nix::sys::epoll::EpollFlags;
use rustix::io::Errno;
use rustix::net::{RecvFlags, SendFlags, Shutdown, SocketFlags, acceptfrom_with, recv, send, shutdown, sockopt};
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

/// How often the pipe is filled for one way before it is another connection's turn.
const ROUNDS: usize = 8;

/// What all ways share of bytes that the other sides have no room for: each takes its part at once, which is smaller the
/// more connections there are, but never smaller than the least. That makes 300 MiB one way if the most that there can be
/// come one by one and none reads.
const STUCK_BYTES: usize = 64 << 20;
const SHARE_MIN: usize = 16 << 10;

/// How many bytes are few.
const FEW_BYTES: usize = 16 << 10;

/// How many clients are accepted before those that are here have their turn.
const ACCEPTS: usize = 16;

/// The sides of a connection, and the ways that lead from them to the other.
pub const CLIENT: usize = 0;
pub const CONTAINER: usize = 1;

/// All connections of a container.
pub struct Connections {
    slots: Slots<Connection>,
    tools: Tools,
    /// Those that have something to do.
    queue: VecDeque<usize>,
    /// Those that the container has not answered yet, by their deadlines.
    connecting: VecDeque<(Instant, usize, u64)>,
    count: u64,
    most: usize,
    timeout: Duration,
}

/// What all connections use in turn.
struct Tools {
    pipe: Pipe,
    buffer: Vec<u8>,
    /// How many bytes one may take that the other side has no room for.
    share: usize,
}

struct Connection {
    /// No other connection has had it.
    number: u64,
    is_connected: bool,
    is_queued: bool,
    sides: [Side; 2],
    ways: [Way; 2],
    /// What the container hears first.
    header: Option<Vec<u8>>,
}

struct Side {
    socket: OwnedFd,
    is_readable: bool,
    is_writable: bool,
    /// Whether the kernel has nothing more to do for it: what it has received may still be read.
    is_gone: bool,
    /// Whether it has said that nothing more will come.
    has_hung_up: bool,
    /// Whether it has sent urgent data, before which every read ends, and splice(2) for ever: tcp(7).
    is_urgent: bool,
}

/// From one side to the other.
#[derive(Default)]
struct Way {
    /// What has been taken from the one side, and the other has no room for.
    stuck: VecDeque<u8>,
    /// Whether the end of the stream has been read, and told on.
    has_ended: bool,
    is_shut: bool,
    /// Whether it was much at the last time.
    is_bulk: bool,
}

/// What is to be done with a connection after its turn.
enum Turn {
    Wait,
    Again,
    Done,
    Broken,
}

/// Why no more clients are accepted.
pub enum Accepted {
    /// For now.
    Enough,
    /// The kernel has no descriptor or memory for another.
    Exhausted,
}

impl Connections {
    pub fn new(most: usize, timeout: Duration) -> Result<Self> {
        let (slots, queue, connecting) = Default::default();
        let tools = Tools { pipe: Pipe::new().context("pipe2")?, buffer: vec![0; FEW_BYTES], share: STUCK_BYTES };
        Ok(Self { slots, tools, queue, connecting, count: 0, most, timeout })
    }

    pub fn has_room(&self) -> bool {
        self.slots.len() < self.most
    }

    /// Takes what waits at a listening socket.
    pub fn accept(&mut self, listener: &Listener, options: &Options, poll: &Poll, now: Instant) -> Accepted {
        for _ in 0..ACCEPTS {
            if !self.has_room() {
                break;
            }
            match acceptfrom_with(&listener.socket, SocketFlags::CLOEXEC | SocketFlags::NONBLOCK) {
                Ok((socket, address)) => {
                    let address = address.and_then(|address| SocketAddr::try_from(address).ok());
                    if let Some(address) = address {
                        self.connect(socket, address, listener, options, poll, now);
                    }
                }
                Err(Errno::MFILE | Errno::NFILE | Errno::NOMEM | Errno::NOBUFS) => return Accepted::Exhausted,
                Err(Errno::AGAIN) => break,
                // accept(2): what went wrong with the one client is no matter of the others.
                Err(_) => {}
            }
        }
        Accepted::Enough
    }

    fn connect(
        &mut self,
        client: OwnedFd,
        address: SocketAddr,
        listener: &Listener,
        options: &Options,
        poll: &Poll,
        now: Instant,
    ) {
        let container = source::set_up(&client).and_then(|()| source::toward(listener, options, address));
        let Ok(container) = container else { return abort(&client) };
        let header = listener.proxy.map(|version| proxy::header(version, address, &client)).transpose();
        let Ok(header) = header else { return abort(&client) };
        self.count += 1;
        let side = |socket| Side {
            socket,
            is_readable: false,
            is_writable: false,
            is_gone: false,
            has_hung_up: false,
            is_urgent: false,
        };
        let connection = Connection {
            number: self.count,
            is_connected: false,
            is_queued: false,
            sides: [side(client), side(container)],
            ways: Default::default(),
            header,
        };
        let slot = self.slots.insert(connection);
        let Some(connection) = self.slots.get_mut(slot) else { return };
        let [client, container] = &connection.sides;
        let watched = poll.watch_edges(&client.socket, Watched::Side(slot, CLIENT));
        if watched.and_then(|()| poll.watch_edges(&container.socket, Watched::Side(slot, CONTAINER))).is_err() {
            return self.end(slot, true);
        }
        self.connecting.push_back((now + self.timeout, slot, self.count));
    }

    /// The kernel has something to say about one side.
    pub fn note(&mut self, slot: usize, side: usize, events: EpollFlags) {
        // One that has ended earlier in this turn may have been named.
        let Some(connection) = self.slots.get_mut(slot) else { return };
        let side = &mut connection.sides[side];
        let is_gone = events.intersects(EpollFlags::EPOLLERR | EpollFlags::EPOLLHUP);
        side.is_gone |= is_gone;
        side.has_hung_up |= is_gone || events.contains(EpollFlags::EPOLLRDHUP);
        side.is_urgent |= events.contains(EpollFlags::EPOLLPRI);
        side.is_readable |= is_gone || events.intersects(EpollFlags::EPOLLIN | EpollFlags::EPOLLRDHUP);
        side.is_writable |= is_gone || events.contains(EpollFlags::EPOLLOUT);
        if !std::mem::replace(&mut connection.is_queued, true) {
            self.queue.push_back(slot);
        }
    }

    /// Gives each connection that has something to do one turn. Whether any has ended.
    pub fn work(&mut self, now: Instant) -> bool {
        let before = self.slots.len();
        self.tools.share = (STUCK_BYTES / before.max(1)).max(SHARE_MIN);
        for _ in 0..self.queue.len() {
            let Some(slot) = self.queue.pop_front() else { break };
            let Some(connection) = self.slots.get_mut(slot) else { continue };
            connection.is_queued = false;
            match connection.turn(&mut self.tools) {
                Turn::Wait => {}
                Turn::Again => {
                    connection.is_queued = true;
                    self.queue.push_back(slot);
                }
                Turn::Done => self.end(slot, false),
                Turn::Broken => self.end(slot, true),
            }
        }
        self.give_up(now);
        self.slots.len() < before
    }

    /// Ends those that the container has not answered in time.
    fn give_up(&mut self, now: Instant) {
        while let Some((deadline, slot, number)) = self.connecting.front().copied() {
            let connection = self.slots.get_mut(slot);
            let still_waits =
                connection.is_some_and(|connection| connection.number == number && !connection.is_connected);
            if still_waits && deadline > now {
                return;
            }
            self.connecting.pop_front();
            if still_waits {
                self.end(slot, true);
            }
        }
    }

    /// When there is something to do without an event.
    pub fn wakes_at(&self, now: Instant) -> Option<Instant> {
        if self.queue.is_empty() { self.connecting.front().map(|(deadline, ..)| *deadline) } else { Some(now) }
    }

    fn end(&mut self, slot: usize, is_broken: bool) {
        let Some(connection) = self.slots.remove(slot) else { return };
        let [client, container] = &connection.sides;
        let [outward, homeward] = &connection.ways;
        // Who has been told of the end in good order keeps what is still on its way there.
        for (side, way) in [(client, homeward), (container, outward)] {
            if is_broken && !way.is_shut {
                abort(&side.socket);
            }
        }
    }

    pub fn settle(&mut self) {
        // One that is still in the queue under its number gives the next that gets it a turn too many, which is no harm.
        self.slots.settle();
    }
}

impl Connection {
    fn turn(&mut self, tools: &mut Tools) -> Turn {
        if !self.is_connected {
            match self.finish_connecting() {
                Ok(true) => {}
                Ok(false) => return Turn::Wait,
                Err(_) => return Turn::Broken,
            }
        }
        let mut turn = Turn::Wait;
        for from in [CLIENT, CONTAINER] {
            match self.pump(from, tools) {
                Ok(true) => turn = Turn::Again,
                Ok(false) => {}
                Err(_) => return Turn::Broken,
            }
        }
        if self.ways.iter().all(|way| way.is_shut) {
            return Turn::Done;
        }
        // All that it said has been read, and what the other says can no longer be told to it.
        let is_lost =
            |side: usize| self.sides[side].is_gone && self.ways[side].has_ended && !self.ways[1 - side].is_shut;
        if is_lost(CLIENT) || is_lost(CONTAINER) {
            return Turn::Broken;
        }
        turn
    }

    /// Whether the container has answered.
    fn finish_connecting(&mut self) -> Result<bool, Errno> {
        let [client, container] = &self.sides;
        if client.is_gone {
            return Err(Errno::CONNRESET);
        }
        if !container.is_writable {
            return Ok(false);
        }
        sockopt::socket_error(&container.socket)??;
        if let Some(header) = self.header.take() {
            // A new socket has room for it.
            let sent = send(&container.socket, &header, SendFlags::NOSIGNAL)?;
            if sent != header.len() {
                return Err(Errno::MSGSIZE);
            }
        }
        self.is_connected = true;
        Ok(true)
    }

    /// Moves what one side has said to the other, as far as that takes it. Whether there may be more.
    fn pump(&mut self, from: usize, tools: &mut Tools) -> Result<bool, Errno> {
        let way = &mut self.ways[from];
        let [client, container] = &mut self.sides;
        let (source, sink) = if from == CLIENT { (client, container) } else { (container, client) };
        for _ in 0..ROUNDS {
            if !way.stuck.is_empty() {
                if !sink.is_writable {
                    return Ok(false);
                }
                way.give_on(sink)?;
            } else if way.has_ended {
                if !way.is_shut {
                    shutdown(&sink.socket, Shutdown::Write)?;
                    way.is_shut = true;
                }
                return Ok(false);
            // Whether one that is gone has ended in good order is to be found out even so.
            } else if source.is_readable && (sink.is_writable || source.is_gone) {
                if way.is_bulk && !source.is_urgent {
                    way.splice(source, sink, &mut tools.pipe, tools.share)?;
                } else {
                    way.copy(source, sink, &mut tools.buffer)?;
                }
            } else {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

impl Way {
    /// Copies what one side has said to the other.
    fn copy(&mut self, source: &mut Side, sink: &mut Side, buffer: &mut [u8]) -> Result<(), Errno> {
        let Some((count, _)) = again(recv(&source.socket, &mut *buffer, RecvFlags::empty()))? else {
            source.is_readable = false;
            return Ok(());
        };
        self.has_ended = count == 0;
        self.is_bulk = count == buffer.len();
        // There is no more, then, but perhaps the end: epoll(7).
        source.is_readable = self.is_bulk || source.has_hung_up || source.is_urgent;
        let mut given = 0;
        if count > 0 && sink.is_writable {
            let sent = again(send(&sink.socket, &buffer[..count], SendFlags::NOSIGNAL))?;
            sink.is_writable = sent.is_some();
            given = sent.unwrap_or(0);
        }
        self.stuck.extend(&buffer[given..count]);
        Ok(())
    }

    /// The same without copying it. The pipe is empty afterwards.
    fn splice(&mut self, source: &mut Side, sink: &mut Side, pipe: &mut Pipe, share: usize) -> Result<(), Errno> {
        match again(pipe.fill(&source.socket, share))? {
            // Nothing may be urgent data too: who copies finds out.
            Some(count) => self.is_bulk = count >= FEW_BYTES,
            None => source.is_readable = false,
        }
        let mut given = Ok(());
        while !pipe.is_empty() && sink.is_writable && given.is_ok() {
            given = again(pipe.drain(&sink.socket)).map(|some| sink.is_writable = some.is_some());
        }
        if !pipe.is_empty() {
            self.stuck = pipe.take()?.into();
        }
        given
    }

    /// Gives on what was stuck.
    fn give_on(&mut self, sink: &mut Side) -> Result<(), Errno> {
        match again(send(&sink.socket, self.stuck.as_slices().0, SendFlags::NOSIGNAL))? {
            Some(count) => drop(self.stuck.drain(..count)),
            None => sink.is_writable = false,
        }
        if self.stuck.is_empty() {
            // With its memory.
            self.stuck = VecDeque::new();
        }
        Ok(())
    }
}

/// None where the kernel will say when it is worth another try.
fn again<T>(result: Result<T, Errno>) -> Result<Option<T>, Errno> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(Errno::AGAIN) => Ok(None),
        Err(errno) => Err(errno),
    }
}

/// Makes the close that follows a reset: the other end learns that something went wrong.
fn abort(socket: &OwnedFd) {
    // One that is gone already has nobody to be told.
    let _ = sockopt::set_socket_linger(socket, Some(Duration::ZERO));
}

//! The forwarder's loop: one thread, one epoll(7).

use super::super::Protocol;
use super::tcp::{Accepted, CLIENT, CONTAINER, Connections};
use super::udp::Flows;
use super::{Limits, Listener, Options};
use anyhow::{Context, Result};
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};
use rustix::io::Errno;
use std::convert::Infallible;
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

/// How many events are taken at once.
const EVENTS: usize = 256;

/// How long nobody is accepted after the kernel had no room for one more, unless one goes before.
const PAUSE: Duration = Duration::from_secs(1);

/// What an event is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Watched {
    Listener(usize),
    /// A connection, and which side of it.
    Side(usize, usize),
    Flow(usize),
}

impl Watched {
    fn to_number(self) -> u64 {
        let (kind, number) = match self {
            Self::Listener(number) => (0, number),
            Self::Side(number, CLIENT) => (1, number),
            Self::Side(number, _) => (2, number),
            Self::Flow(number) => (3, number),
        };
        number as u64 * 4 + kind
    }

    fn from_number(number: u64) -> Self {
        let at = (number / 4) as usize;
        match number % 4 {
            0 => Self::Listener(at),
            1 => Self::Side(at, CLIENT),
            2 => Self::Side(at, CONTAINER),
            _ => Self::Flow(at),
        }
    }
}

/// Where the kernel says what can be read and written.
pub struct Poll(Epoll);

impl Poll {
    /// Says each time when a socket has become readable or writable.
    pub fn watch_edges(&self, socket: impl AsFd, what: Watched) -> Result<(), Errno> {
        let events = EpollFlags::EPOLLIN | EpollFlags::EPOLLPRI | EpollFlags::EPOLLOUT | EpollFlags::EPOLLRDHUP;
        self.add(socket, what, events | EpollFlags::EPOLLET)
    }

    /// Says as long as a socket is readable.
    pub fn watch(&self, socket: impl AsFd, what: Watched) -> Result<(), Errno> {
        self.add(socket, what, EpollFlags::EPOLLIN)
    }

    fn add(&self, socket: impl AsFd, what: Watched, events: EpollFlags) -> Result<(), Errno> {
        let added = self.0.add(socket, EpollEvent::new(events, what.to_number()));
        added.map_err(|errno| Errno::from_raw_os_error(errno as i32))
    }
}

/// The forwarder of one container.
pub struct Loop {
    poll: Poll,
    listeners: Vec<Listener>,
    options: Options,
    connections: Connections,
    flows: Flows,
    is_listening: bool,
    /// Until when the kernel is taken to have no room.
    paused_until: Option<Instant>,
}

impl Loop {
    pub fn new(listeners: Vec<Listener>, options: Options, limits: Limits) -> Result<Self> {
        let poll = Poll(Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC).context("epoll_create1")?);
        for (at, listener) in listeners.iter().enumerate() {
            poll.watch(&listener.socket, Watched::Listener(at)).context("watch a listening socket")?;
        }
        Ok(Self {
            poll,
            listeners,
            options,
            connections: Connections::new(limits.connections, limits.connect_timeout)?,
            flows: Flows::new(limits.flows, limits.flow_idle),
            is_listening: true,
            paused_until: None,
        })
    }

    /// Forwards until the kernel has no more events to give, which is an error.
    pub fn run(mut self) -> Result<Infallible> {
        let mut events = [EpollEvent::empty(); EVENTS];
        loop {
            let timeout = self.timeout(Instant::now());
            let count = match self.poll.0.wait(&mut events, timeout) {
                Ok(count) => count,
                Err(nix::errno::Errno::EINTR) => continue,
                Err(errno) => return Err(errno).context("epoll_wait"),
            };
            let now = Instant::now();
            for event in events.iter().take(count) {
                self.answer(Watched::from_number(event.data()), event.events(), now);
            }
            if self.connections.work(now) {
                self.paused_until = None;
            }
            self.flows.expire(now);
            self.listen(now)?;
            self.connections.settle();
            self.flows.settle();
        }
    }

    fn answer(&mut self, what: Watched, events: EpollFlags, now: Instant) {
        match what {
            Watched::Side(slot, side) => self.connections.note(slot, side, events),
            Watched::Flow(slot) => self.flows.take_answers(slot, &self.listeners, now),
            Watched::Listener(at) => {
                let listener = &self.listeners[at];
                match listener.protocol {
                    Protocol::Udp => self.flows.take_requests(at, listener, &self.options, &self.poll, now),
                    Protocol::Tcp => match self.connections.accept(listener, &self.options, &self.poll, now) {
                        Accepted::Enough => {}
                        Accepted::Exhausted => self.paused_until = Some(now + PAUSE),
                    },
                }
            }
        }
    }

    /// Asks for new clients only while there is room for one: else the kernel would name them again and again.
    fn listen(&mut self, now: Instant) -> Result<()> {
        self.paused_until = self.paused_until.filter(|until| *until > now);
        let wanted = self.connections.has_room() && self.paused_until.is_none();
        if wanted == self.is_listening {
            return Ok(());
        }
        self.is_listening = wanted;
        let events = if wanted { EpollFlags::EPOLLIN } else { EpollFlags::empty() };
        for (at, listener) in self.listeners.iter().enumerate().filter(|(_, it)| it.protocol == Protocol::Tcp) {
            let mut event = EpollEvent::new(events, Watched::Listener(at).to_number());
            self.poll.0.modify(&listener.socket, &mut event).context("epoll_ctl")?;
        }
        Ok(())
    }

    fn timeout(&self, now: Instant) -> EpollTimeout {
        let wakes = [self.paused_until, self.connections.wakes_at(now), self.flows.wakes_at()];
        match wakes.into_iter().flatten().min() {
            None => EpollTimeout::NONE,
            // Rounded up, lest the last millisecond be spun away.
            Some(at) if at > now => {
                EpollTimeout::try_from(at - now + Duration::from_millis(1)).unwrap_or(EpollTimeout::MAX)
            }
            Some(_) => EpollTimeout::ZERO,
        }
    }
}

//! The monitor: one small single-threaded process per container. It starts it, carries its streams, answers on `ctl`,
//! starts it again, and writes down how it ended.
//!
//! It parses no user input: what reaches it is a `Config` that `create` has checked, and typed requests.

mod clients;
mod ending;
mod events;
mod exec;
mod files;
mod health;
mod launch;
mod namespaces;
mod network;
mod output;
mod pause;
mod pauses;
mod requests;
mod restart;
mod shared;
mod sources;
mod stdio;
mod stragglers;
mod update;

use crate::container::config::{Config, Id};
use crate::container::control::Reply;
use crate::container::events::Journal;
use crate::container::log::Stream;
use crate::container::start::MONITOR;
use crate::container::state::{Paths, State};
use crate::engine::{Directories, Engine};
use crate::error::{Kind, Wire};
use crate::fs;
use crate::runtime::Entrance;
use crate::runtime::cgroup::{Cgroup, Delegated};
use crate::sys::memory;
use crate::sys::process::{self, Child};
use crate::sys::socket;
use anyhow::{Context, Result};
use clients::{Client, Role};
use health::Checker;
use network::Connected;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signalfd::SignalFd;
use restart::Restarting;
use std::os::fd::{AsFd, OwnedFd};
use std::path::PathBuf;
use std::time::{Duration, Instant};
use stdio::Streams;

/// The most clients that are served at once.
const CLIENTS_MAX: usize = 256;

/// How long the output of an ended container may take to arrive, when something keeps its pipes open.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(2);

/// The cgroup that limits a container, and the delegated one above it.
struct Limits {
    delegated: Delegated,
    container: Cgroup,
}

/// A container in the care of this process, and all who are connected to it.
pub struct Monitor {
    engine: Engine,
    config: Config,
    paths: Paths,
    run_dir: PathBuf,
    /// The lock that says that the container lives.
    alive: Option<OwnedFd>,
    listener: OwnedFd,
    signals: SignalFd,
    /// None while it waits to be started again, and once it is over.
    instance: Option<Instance>,
    cgroup: Option<Limits>,
    /// The container's own process, if it runs, first; then those of execs.
    processes: Vec<Process>,
    clients: Vec<Client>,
    next_key: u32,
    state: State,
    kill_at: Option<Instant>,
    /// Whether somebody has asked the container to end.
    was_stopped: bool,
    paused: Option<pause::Paused>,
    journal: Journal,
    restarting: Restarting,
    /// The caller's streams, where the container has them for its own.
    passed: Vec<OwnedFd>,
    /// When it has run for as long as it may.
    expires_at: Option<Instant>,
    /// The health of the container, if it has a check.
    checker: Option<Box<Checker>>,
}

/// One run of the container: what its end takes with it.
struct Instance {
    /// The mounted root file system, through which files of the container are reached.
    root: OwnedFd,
    entrance: Entrance,
    uid_map: Vec<crate::rootless::Extent>,
    gid_map: Vec<crate::rootless::Extent>,
    may_set_groups: bool,
    /// Held for its end.
    network: Option<Connected>,
    /// What the cgroup had counted when this run began.
    oom_kills: u64,
}

/// A child of the monitor in the container.
struct Process {
    key: u32,
    child: Child,
    streams: Streams,
    exit: Option<process::Exit>,
    drain_until: Option<Instant>,
    /// The id under which an exec is known.
    session: Option<Id>,
}

/// The exit code of a monitor that could not do its work, as the CLI's.
const EXIT_FAILED: i32 = 125;

/// The key of the container's own process.
const MAIN: u32 = 0;

/// What woke the loop.
#[derive(Clone, Copy)]
enum Event {
    Listener,
    /// systemd, or whoever else ends processes, wants this one to end.
    Signal,
    Client(u32),
    ClientInput(u32),
    ClientOutput(u32),
    Output(u32, Stream),
    Input(u32),
    Exit(u32),
    /// A process that the networks need has died.
    Network,
}

/// The life of a monitor process: `coracle-monitor ID DATA RUN SOCKET [LOCK]`.
pub fn main(arguments: &[String]) -> ! {
    // The container's own exit code, for a systemd unit whose main process this is. An error has been told already, or
    // there is nobody to tell.
    std::process::exit(begin(arguments).unwrap_or(EXIT_FAILED))
}

fn begin(arguments: &[String]) -> Result<i32> {
    let [id, data, run, socket, rest @ ..] = arguments else {
        return Err(Kind::BadInput.error(format!("{MONITOR} is started by coracle alone")));
    };
    let inherited = |number: &String| process::inherited(number.parse().ok()?);
    let socket = inherited(socket).context("the socket is inherited")?;
    let userns_lock = rest.first().and_then(inherited).map(fs::Lock::from);
    process::set_dumpable(false)?;
    let directories = Directories { root: Some(data.into()), runroot: Some(run.into()) };
    let engine = Engine::locate(&directories)?;
    let id = Id::parse(id).context("the id is an id")?;
    let started = launch::launch(engine, &id, &socket);
    match started {
        Ok(mut monitor) => {
            let pid = monitor.state.pid;
            monitor.adopt(socket);
            // It listens, so whoever is let in now finds it; and whoever hears of the start finds the lock free.
            drop(userns_lock);
            let warnings = monitor.bridged().map(|bridged| bridged.warnings.clone()).unwrap_or_default();
            monitor.tell_main_clients(&Reply::Started { pid, warnings });
            monitor.tell_of_start();
            monitor.begin_health();
            monitor.begin_timeout();
            // Setting up took more memory than waiting will.
            memory::give_back();
            monitor.serve()
        }
        Err(error) => {
            clients::answer(&socket, &Reply::Failed(Wire::from(&error)));
            Err(error)
        }
    }
}

impl Monitor {
    fn main_process(&self) -> Option<&Process> {
        self.processes.iter().find(|process| process.key == MAIN)
    }

    fn process(&mut self, key: u32) -> Option<&mut Process> {
        self.processes.iter_mut().find(|process| process.key == key)
    }

    fn client(&mut self, key: u32) -> Option<&mut Client> {
        self.clients.iter_mut().find(|client| client.key == key)
    }

    /// The loop: wait for anything, deal with it, until the container has ended for good and all has been said. Gives
    /// its exit code.
    fn serve(&mut self) -> Result<i32> {
        loop {
            while !self.has_ended() {
                self.turn()?;
            }
            self.record_run();
            let Some(delay) = self.delay_of_restart() else { return self.finish() };
            self.pause(delay)?;
            while self.is_paused() {
                self.turn()?;
            }
            if self.is_over() {
                return self.finish();
            }
            self.start_again()?;
        }
    }

    fn has_ended(&self) -> bool {
        self.main_process().is_none_or(|main| {
            main.exit.is_some()
                && (!main.streams.is_open() || main.drain_until.is_some_and(|until| Instant::now() >= until))
        })
    }

    /// One wait and all that it brings.
    fn turn(&mut self) -> Result<()> {
        let (events, timed_out) = self.wait()?;
        if timed_out {
            self.check_timers();
        }
        for (event, flags) in events {
            self.handle(event, flags)?;
        }
        self.reap_stragglers();
        self.finish_processes();
        self.finish_clients();
        Ok(())
    }

    fn wait(&mut self) -> Result<(Vec<(Event, PollFlags)>, bool)> {
        let mut events = vec![Event::Listener, Event::Signal];
        let mut polled = vec![
            PollFd::new(self.listener.as_fd(), PollFlags::POLLIN),
            PollFd::new(self.signals.as_fd(), PollFlags::POLLIN),
        ];
        for client in &self.clients {
            events.push(Event::Client(client.key));
            polled.push(PollFd::new(client.socket.as_fd(), PollFlags::POLLIN));
            if let Some(output) = client.pending_output() {
                events.push(Event::ClientOutput(client.key));
                polled.push(PollFd::new(output, PollFlags::POLLOUT));
            }
            let Some(key) = client.attached_to() else { continue };
            let Some(process) = self.processes.iter().find(|process| process.key == key) else { continue };
            if let Some(stdin) = client.stdin.as_ref().filter(|_| process.streams.wants_input()) {
                events.push(Event::ClientInput(client.key));
                polled.push(PollFd::new(stdin.as_fd(), PollFlags::POLLIN));
            }
        }
        for process in &self.processes {
            if process.exit.is_none() {
                events.push(Event::Exit(process.key));
                polled.push(PollFd::new(process.child.pidfd.as_fd(), PollFlags::POLLIN));
            }
            // A client that is full holds its process back, as a full pipe would.
            let held =
                self.clients.iter().any(|client| client.attached_to() == Some(process.key) && client.is_full());
            if !held || process.exit.is_some() {
                for (stream, fd) in process.streams.outputs() {
                    events.push(Event::Output(process.key, stream));
                    polled.push(PollFd::new(fd, PollFlags::POLLIN));
                }
            }
            if let Some(input) = process.streams.pending_input() {
                events.push(Event::Input(process.key));
                polled.push(PollFd::new(input, PollFlags::POLLOUT));
            }
        }
        for watched in self.network().into_iter().flat_map(Connected::watched) {
            events.push(Event::Network);
            polled.push(PollFd::new(watched, PollFlags::POLLIN));
        }
        let timeout = self.next_timer().map_or(PollTimeout::NONE, |until| {
            let left = until.saturating_duration_since(Instant::now());
            PollTimeout::try_from(left + Duration::from_millis(1)).unwrap_or(PollTimeout::MAX)
        });
        match poll(&mut polled, timeout) {
            Ok(0) => return Ok((Vec::new(), true)),
            Ok(_) => {}
            Err(nix::errno::Errno::EINTR) => return Ok((Vec::new(), false)),
            Err(errno) => return Err(errno).context("poll"),
        }
        let ready = |(event, polled): (Event, &PollFd<'_>)| {
            let flags = polled.revents().unwrap_or(PollFlags::empty());
            (!flags.is_empty()).then_some((event, flags))
        };
        let due = self.next_timer().is_some_and(|until| Instant::now() >= until);
        Ok((events.into_iter().zip(&polled).filter_map(ready).collect(), due))
    }

    fn next_timer(&self) -> Option<Instant> {
        let drains = self.processes.iter().filter_map(|process| process.drain_until);
        let guests = self.clients.iter().filter_map(Client::dropped_at);
        let health = self.checker.as_ref().and_then(|checker| checker.timer());
        let network = self.network().and_then(Connected::mended_at);
        drains
            .chain(guests)
            .chain(network)
            .chain(self.kill_at)
            .chain(self.expires_at)
            .chain(self.restarting.at)
            .chain(health)
            .min()
    }

    fn check_timers(&mut self) {
        let now = Instant::now();
        if self.kill_at.is_some_and(|at| now >= at) || self.expires_at.is_some_and(|at| now >= at) {
            (self.kill_at, self.expires_at) = (None, None);
            if let Some(main) = self.main_process() {
                // It may have ended by itself meanwhile.
                let _ = crate::sys::signal::send(main.child.pidfd.as_fd(), libc::SIGKILL);
            }
        }
        for client in self.clients.iter_mut().filter(|client| client.dropped_at().is_some_and(|at| now >= at)) {
            client.drop_for_slowness();
        }
        if self.network().and_then(Connected::mended_at).is_some_and(|at| now >= at) {
            self.mend_network();
        }
        self.check_health_timers();
    }

    fn handle(&mut self, event: Event, flags: PollFlags) -> Result<()> {
        match event {
            Event::Listener => return self.accept(),
            Event::Signal => return self.leave(),
            Event::Client(key) => self.hear(key),
            Event::ClientInput(key) => self.read_client_input(key),
            Event::ClientOutput(key) => {
                if let Some(client) = self.client(key) {
                    client.flush(flags);
                }
            }
            Event::Output(key, stream) => self.carry_output(key, stream),
            Event::Input(key) => {
                if let Some(process) = self.process(key) {
                    process.streams.flush_input();
                }
            }
            Event::Exit(key) => return self.reap(key),
            Event::Network => self.mend_network(),
        }
        Ok(())
    }

    fn reap(&mut self, key: u32) -> Result<()> {
        let Some(process) = self.process(key) else { return Ok(()) };
        if let Some(exit) = process::try_wait(process.child.pidfd.as_fd())? {
            process.exit = Some(exit);
            process.drain_until = Some(Instant::now() + DRAIN_TIMEOUT);
            if key != MAIN {
                // A background child of an exec may keep its pipes open for ever; what is in them now is all.
                process.drain_until = Some(Instant::now());
            } else {
                self.end_stragglers()?;
            }
        }
        Ok(())
    }

    fn accept(&mut self) -> Result<()> {
        while let Some(socket) = socket::accept(self.listener.as_fd())? {
            let is_owner = socket::peer_uid(socket.as_fd())? == rustix::process::geteuid().as_raw();
            if is_owner && self.clients.len() < CLIENTS_MAX {
                let key = self.new_key();
                self.clients.push(Client::new(key, socket));
            }
        }
        Ok(())
    }

    fn new_key(&mut self) -> u32 {
        self.next_key += 1;
        self.next_key
    }

    /// Makes the CLI that started the container a client like any other.
    fn adopt(&mut self, socket: OwnedFd) {
        let key = self.new_key();
        let mut client = Client::new(key, socket);
        let first = self.process(MAIN).and_then(|main| main.streams.first_client.take());
        match first {
            Some((attach, fds)) => client.attach(MAIN, attach, fds, clients::Place::Host),
            None => client.role = Role::Waiting(MAIN),
        }
        self.clients.push(client);
    }

    /// A run has begun, which may not last for ever.
    fn begin_timeout(&mut self) {
        self.expires_at =
            self.config.timeout_secs.and_then(|seconds| Instant::now().checked_add(Duration::from_secs(seconds)));
    }

    fn tell_main_clients(&self, reply: &Reply) {
        for client in self.clients.iter().filter(|client| client.waits_for(MAIN)) {
            clients::answer(&client.socket, reply);
        }
    }
}

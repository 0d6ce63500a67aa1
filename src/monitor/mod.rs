//! The monitor: one small single-threaded process per container. It starts it, carries its streams, answers on `ctl`,
//! and writes down how it ended.
//!
//! It parses no user input: what reaches it is a `Config` that `create` has checked, and typed requests.

mod clients;
mod events;
mod exec;
mod launch;
mod stdio;

use crate::container::config::{Config, Id};
use crate::container::control::{Hello, MESSAGE_BYTES_MAX, Reply, Request};
use crate::container::events::{Event as Told, Happening, Journal};
use crate::container::remove;
use crate::container::start::MONITOR;
use crate::container::state::{self, Exit, Paths, State};
use crate::engine::{Directories, Engine};
use crate::error::{Kind, Wire};
use crate::fs::{self, Durability};
use crate::network::Connected;
use crate::runtime::Entrance;
use crate::runtime::cgroup::{Cgroup, Delegated};
use crate::sys::memory;
use crate::sys::process::{self, Child};
use crate::sys::socket;
use anyhow::{Context, Result};
use clients::{Client, Role};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use std::os::fd::{AsFd, OwnedFd};
use std::time::{Duration, Instant};
use stdio::Streams;

/// The most clients that are served at once.
const CLIENTS_MAX: usize = 256;

/// How long the output of an ended container may take to arrive, when something keeps its pipes open.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(2);

/// How long the last processes of an ended container may take to leave its cgroup.
const CGROUP_TIMEOUT: Duration = Duration::from_secs(2);

/// The cgroup that limits a container, and the delegated one above it.
struct Limits {
    delegated: Delegated,
    container: Cgroup,
}

/// Everything a running container needs, and all who are connected to it.
pub struct Monitor {
    engine: Engine,
    config: Config,
    paths: Paths,
    /// The lock that says that the container lives.
    alive: Option<OwnedFd>,
    listener: OwnedFd,
    /// The mounted root file system, through which files of the container are reached.
    root: OwnedFd,
    entrance: Entrance,
    uid_map: Vec<crate::rootless::Extent>,
    gid_map: Vec<crate::rootless::Extent>,
    may_set_groups: bool,
    network: Option<Connected>,
    cgroup: Option<Limits>,
    /// The container's own process first, then those of execs.
    processes: Vec<Process>,
    clients: Vec<Client>,
    next_key: u32,
    state: State,
    kill_at: Option<Instant>,
    /// Whether somebody has asked the container to end.
    was_stopped: bool,
    journal: Journal,
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
    Client(u32),
    ClientInput(u32),
    ClientOutput(u32),
    Output(u32, crate::container::log::Stream),
    Input(u32),
    Exit(u32),
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
            monitor.tell_main_clients(&Reply::Started { pid });
            drop(userns_lock);
            monitor.tell_of_start();
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
    fn main_process(&self) -> &Process {
        &self.processes[0]
    }

    fn process(&mut self, key: u32) -> Option<&mut Process> {
        self.processes.iter_mut().find(|process| process.key == key)
    }

    fn client(&mut self, key: u32) -> Option<&mut Client> {
        self.clients.iter_mut().find(|client| client.key == key)
    }

    /// The loop: wait for anything, deal with it, until the container has ended and all has been said. Gives its exit
    /// code.
    fn serve(&mut self) -> Result<i32> {
        while !self.has_ended() {
            self.turn()?;
        }
        // Whatever goes wrong in cleaning up, the exit code is told to those who wait for it.
        let (hidden, ended) = self.record_end();
        // What attached clients have not read yet still flows; the container itself is over.
        while self.clients.iter().any(|client| client.has_pending()) {
            self.turn()?;
        }
        let removed = hidden.map_or(Ok(()), |hidden| {
            hidden.finish()?;
            remove::anonymous_volumes(&self.engine, &self.config)
        });
        // Told last: who hears it finds nothing of a container that was to be removed.
        let code = self.main_process().exit.map_or(1, process::Exit::code);
        for client in self.clients.iter().filter(|client| client.waits_for(MAIN)) {
            clients::answer(&client.socket, &Reply::Exited { code });
        }
        ended.and(removed).map(|()| code)
    }

    fn has_ended(&self) -> bool {
        let main = self.main_process();
        main.exit.is_some()
            && (!main.streams.is_open() || main.drain_until.is_some_and(|until| Instant::now() >= until))
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
        self.finish_processes()?;
        self.clients.retain(|client| !client.is_gone());
        Ok(())
    }

    fn wait(&mut self) -> Result<(Vec<(Event, PollFlags)>, bool)> {
        let mut events = vec![Event::Listener];
        let mut polled = vec![PollFd::new(self.listener.as_fd(), PollFlags::POLLIN)];
        for client in &self.clients {
            events.push(Event::Client(client.key));
            polled.push(PollFd::new(client.socket.as_fd(), PollFlags::POLLIN));
            let Some(key) = client.attached_to() else { continue };
            let Some(process) = self.processes.iter().find(|process| process.key == key) else { continue };
            if let Some(stdin) = client.stdin.as_ref().filter(|_| process.streams.wants_input()) {
                events.push(Event::ClientInput(client.key));
                polled.push(PollFd::new(stdin.as_fd(), PollFlags::POLLIN));
            }
            if let Some(output) = client.pending_output() {
                events.push(Event::ClientOutput(client.key));
                polled.push(PollFd::new(output, PollFlags::POLLOUT));
            }
        }
        for process in &self.processes {
            if process.exit.is_none() {
                events.push(Event::Exit(process.key));
                polled.push(PollFd::new(process.child.pidfd.as_fd(), PollFlags::POLLIN));
            }
            // A client that does not read holds its process back, as a full pipe would.
            let held =
                self.clients.iter().any(|client| client.attached_to() == Some(process.key) && client.has_pending());
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
        drains.chain(self.kill_at).min()
    }

    fn check_timers(&mut self) {
        if self.kill_at.is_some_and(|at| Instant::now() >= at) {
            self.kill_at = None;
            // It may have ended by itself meanwhile.
            let _ = crate::sys::signal::send(self.main_process().child.pidfd.as_fd(), libc::SIGKILL);
        }
    }

    fn handle(&mut self, event: Event, flags: PollFlags) -> Result<()> {
        match event {
            Event::Listener => self.accept(),
            Event::Client(key) => self.hear(key),
            Event::ClientInput(key) => {
                self.read_client_input(key);
                Ok(())
            }
            Event::ClientOutput(key) => {
                if let Some(client) = self.client(key) {
                    client.flush(flags);
                }
                Ok(())
            }
            Event::Output(key, stream) => {
                self.carry_output(key, stream);
                Ok(())
            }
            Event::Input(key) => {
                if let Some(process) = self.process(key) {
                    process.streams.flush_input();
                }
                Ok(())
            }
            Event::Exit(key) => self.reap(key),
        }
    }

    fn reap(&mut self, key: u32) -> Result<()> {
        let Some(process) = self.process(key) else { return Ok(()) };
        if let Some(exit) = process::try_wait(process.child.pidfd.as_fd())? {
            process.exit = Some(exit);
            process.drain_until = Some(Instant::now() + DRAIN_TIMEOUT);
            if key != MAIN {
                // A background child of an exec may keep its pipes open for ever; what is in them now is all.
                process.drain_until = Some(Instant::now());
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
        if let Some((attach, fds)) = self.processes[0].streams.first_client.take() {
            client.attach(MAIN, attach, fds);
        } else {
            client.role = Role::Waiting(MAIN);
        }
        self.clients.push(client);
    }

    fn tell_main_clients(&self, reply: &Reply) {
        for client in self.clients.iter().filter(|client| client.waits_for(MAIN)) {
            clients::answer(&client.socket, reply);
        }
    }

    /// A word from a client, or its end.
    fn hear(&mut self, key: u32) -> Result<()> {
        let Some(client) = self.client(key) else { return Ok(()) };
        let received = match socket::receive(client.socket.as_fd(), MESSAGE_BYTES_MAX) {
            Ok(Some(received)) => received,
            Err(rustix::io::Errno::AGAIN) => return Ok(()),
            Ok(None) | Err(_) => {
                client.leave();
                return Ok(());
            }
        };
        let hello: Result<Hello, _> = serde_json::from_slice(&received.0);
        let result = match hello {
            Ok(hello) => self.answer(key, hello.request, received.1),
            Err(error) => Err(Kind::BadInput.error(format!("the monitor does not understand the request: {error}"))),
        };
        if let Err(error) = result
            && let Some(client) = self.client(key)
        {
            clients::answer(&client.socket, &Reply::Failed(Wire::from(&error)));
        }
        Ok(())
    }

    fn answer(&mut self, key: u32, request: Request, fds: Vec<OwnedFd>) -> Result<()> {
        let target = self.client(key).and_then(|client| client.attached_to()).unwrap_or(MAIN);
        let reply = match request {
            Request::Userns => {
                let userns = crate::sys::namespace::open("self", "user")?;
                return self.answer_with(key, &Reply::Done, &userns);
            }
            Request::Root => return self.answer_with(key, &Reply::Done, &self.root.try_clone()?),
            Request::Start { .. } => return Err(Kind::InUse.error("the container runs already")),
            Request::Attach(attach) => {
                let pid = self.state.pid;
                self.attach(key, MAIN, attach, fds)?;
                self.tell(&[Happening::Attach]);
                Reply::Started { pid }
            }
            Request::Exec { process, privileged, attach, session } => {
                let pid = self.exec(key, &process, privileged, (attach, fds), session)?;
                Reply::Started { pid }
            }
            Request::Signal(signal) => {
                let process = self.process(target).context("the process has ended")?;
                crate::sys::signal::send(process.child.pidfd.as_fd(), signal)
                    .with_context(|| format!("send signal {signal}"))?;
                if self.client(key).is_some_and(|client| client.attached_to().is_none()) {
                    self.tell(&[Happening::Kill]);
                }
                Reply::Done
            }
            Request::Resize(size) => {
                let process = self.process(target).context("the process has ended")?;
                process.streams.resize(size)?;
                return Ok(());
            }
            Request::Stop { signal, timeout_secs } => {
                self.stop(signal, timeout_secs)?;
                self.wait_for(key, MAIN);
                Reply::Done
            }
            Request::Wait => {
                self.wait_for(key, MAIN);
                return Ok(());
            }
        };
        if let Some(client) = self.client(key) {
            clients::answer(&client.socket, &reply);
        }
        Ok(())
    }

    fn answer_with(&mut self, key: u32, reply: &Reply, fd: &OwnedFd) -> Result<()> {
        let Some(client) = self.client(key) else { return Ok(()) };
        let bytes = serde_json::to_vec(reply).context("serialise answer")?;
        socket::send(client.socket.as_fd(), &bytes, &[fd.as_fd()]).context("answer")
    }

    fn wait_for(&mut self, key: u32, process: u32) {
        if let Some(client) = self.client(key) {
            client.role = Role::Waiting(process);
        }
    }

    fn stop(&mut self, signal: i32, timeout_secs: u64) -> Result<()> {
        let pidfd = self.main_process().child.pidfd.as_fd();
        let is_kill = timeout_secs == 0;
        let sent = crate::sys::signal::send(pidfd, if is_kill { libc::SIGKILL } else { signal });
        sent.with_context(|| format!("send signal {signal}"))?;
        let at = Instant::now() + Duration::from_secs(timeout_secs.min(u64::from(u32::MAX)));
        self.kill_at = (!is_kill).then(|| self.kill_at.map_or(at, |earlier| earlier.min(at)));
        self.was_stopped = true;
        Ok(())
    }

    fn attach(
        &mut self,
        key: u32,
        process: u32,
        attach: crate::container::control::Attach,
        fds: Vec<OwnedFd>,
    ) -> Result<()> {
        if let Some(size) = attach.size
            && let Some(process) = self.process(process)
        {
            process.streams.resize(size)?;
        }
        if let Some(client) = self.client(key) {
            client.attach(process, attach, fds);
        }
        Ok(())
    }

    /// What a process has said goes into the log and to everyone who is attached.
    fn carry_output(&mut self, key: u32, stream: crate::container::log::Stream) {
        let Some(process) = self.processes.iter_mut().find(|process| process.key == key) else { return };
        let mut space = [0; stdio::CHUNK];
        let bytes = process.streams.read(stream, &mut space);
        if !bytes.is_empty() {
            for client in self.clients.iter_mut().filter(|client| client.attached_to() == Some(key)) {
                client.give(stream, bytes);
            }
        }
    }

    fn read_client_input(&mut self, key: u32) {
        let Some(client) = self.clients.iter_mut().find(|client| client.key == key) else { return };
        let Some(process_key) = client.attached_to() else { return };
        let Some(process) = self.processes.iter_mut().find(|process| process.key == process_key) else { return };
        match client.read_input(process.streams.is_terminal()) {
            clients::Input::Bytes(bytes) => process.streams.write(&bytes),
            clients::Input::End => process.streams.close_input(),
            clients::Input::Detach(bytes) => {
                process.streams.write(&bytes);
                clients::answer(&client.socket, &Reply::Detached);
                client.leave();
            }
        }
    }

    /// Lets go of exec'd processes that have ended and said all they had to say.
    fn finish_processes(&mut self) -> Result<()> {
        let over = |process: &Process| {
            let drained =
                !process.streams.is_open() || process.drain_until.is_some_and(|until| Instant::now() >= until);
            process.key != MAIN && process.exit.is_some() && drained
        };
        let ended: Vec<(u32, i32)> = self
            .processes
            .iter()
            .filter(|process| over(process))
            .map(|process| (process.key, process.exit.map_or(1, process::Exit::code)))
            .collect();
        for (key, code) in ended {
            // What it has left in its pipes is taken without waiting for more.
            self.drain(key);
            let unread = self.clients.iter().any(|client| client.attached_to() == Some(key) && client.has_pending());
            if unread {
                continue;
            }
            for client in self.clients.iter_mut().filter(|client| client.waits_for(key)) {
                clients::answer(&client.socket, &Reply::Exited { code });
                client.leave();
            }
            let session = self.process(key).and_then(|process| process.session.take());
            self.processes.retain(|process| process.key != key);
            if let Some(session) = session {
                let event = Told::of(&self.config, Happening::ExecDied);
                self.journal.tell(&[event.with_exit_code(code).with_exec(&session)]);
            }
            memory::give_back();
        }
        Ok(())
    }

    fn drain(&mut self, key: u32) {
        for stream in [crate::container::log::Stream::Stdout, crate::container::log::Stream::Stderr] {
            loop {
                let Some(process) = self.processes.iter_mut().find(|process| process.key == key) else { return };
                let mut space = [0; stdio::CHUNK];
                let bytes = process.streams.read(stream, &mut space);
                if bytes.is_empty() {
                    break;
                }
                for client in self.clients.iter_mut().filter(|client| client.attached_to() == Some(key)) {
                    client.give(stream, bytes);
                }
            }
        }
    }

    /// The container has ended: its network goes, its end is written down, one that is to be removed is hidden, and only
    /// then the lock is released. A step that fails keeps none of the others from being taken.
    fn record_end(&mut self) -> (Option<remove::Hidden>, Result<()>) {
        self.network = None;
        let code = self.main_process().exit.map_or(1, process::Exit::code);
        let oom_killed =
            self.cgroup.as_ref().is_some_and(|cgroup| cgroup.container.oom_kills().is_ok_and(|kills| kills > 0));
        self.state.exit = Some(Exit { code, finished: state::now(), oom_killed });
        if let Some(cgroup) = self.cgroup.take() {
            // What cannot be removed now goes with the scope.
            let _ = cgroup.delegated.remove_container(CGROUP_TIMEOUT);
        }
        let mut hidden = None;
        let recorded = if self.config.auto_remove {
            remove::hide(&self.engine, &self.config).map(|now_hidden| hidden = Some(now_hidden))
        } else {
            fs::write_json(&self.paths.state(), &self.state, Durability::Synced)
        };
        let cleared = self.remove_run_dir();
        self.tell_of_end(code);
        self.alive = None;
        (hidden, recorded.and(cleared))
    }

    fn remove_run_dir(&self) -> Result<()> {
        let dir = fs::open_dir(&self.engine.run.join("containers"))?;
        fs::remove_tree(dir.as_fd(), self.config.id.as_str())
    }
}

//! The conversation with a monitor: typed messages over the socket `ctl`, the first one with a version.

use super::config::{Id, Name, Process};
use super::state::Container;
use super::update::Change;
use crate::engine::Engine;
use crate::error::{Kind, Wire};
use crate::fs::{self, Hold, Lock};
use crate::network::keeper;
use crate::rootless::{self, Entered, Entry};
use crate::sys::socket;
use crate::sys::terminal::Size;
use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;
use std::time::{Duration, Instant};

/// The version of this conversation. A newer CLI speaks every older one: see [`Request::since`].
pub const VERSION: u32 = 2;

/// The longest message: an exec's environment is the largest thing in it.
pub const MESSAGE_BYTES_MAX: usize = 1 << 20;

/// How long a monitor may take to answer before it is passed over when any other would do.
const ANSWER_TIMEOUT: Duration = Duration::from_millis(100);

/// How long a monitor may take to answer when it alone can: longer than an exec may take to start.
const ASK_TIMEOUT: Duration = Duration::from_secs(20);

/// How long a first container may take to start before others give up waiting for its namespace.
const USERNS_TIMEOUT: Duration = Duration::from_secs(30);

#[derive(Debug, Serialize, Deserialize)]
pub struct Hello {
    pub version: u32,
    pub request: Request,
}

/// What a client asks of a monitor. Descriptors travel beside the message, in the order named here.
#[derive(Debug, Serialize, Deserialize)]
pub enum Request {
    /// The engine's user namespace: answered with one descriptor.
    Userns,
    /// The first word to a new monitor: run the container, with streams as for `Attach`. `delegated` says that the
    /// monitor's cgroup is the container's own, to be divided.
    Start { attach: Attach, delegated: bool },
    /// Streams: those descriptors of stdin, stdout and stderr that are named, then input and output flow.
    Attach(Attach),
    /// A further process: streams as for `Attach`.
    Exec {
        process: Box<Process>,
        privileged: bool,
        attach: Attach,
        /// The id that it shall have.
        #[serde(default)]
        session: Option<Id>,
    },
    /// Sends a signal to the container's pid 1, or to the process of this connection.
    Signal(i32),
    /// The terminal of this connection has changed its size.
    Resize(Size),
    /// Ends the container: the stop signal, and SIGKILL after the timeout.
    Stop { signal: i32, timeout_secs: u64 },
    /// Answered when the container has ended.
    Wait,
    /// Descriptor of the container's root directory.
    Root,
    /// Ends the container as `Stop` does and starts it again in the same monitor: answered with `Done`, then with
    /// `Started` or `Failed`.
    Restart { signal: i32, timeout_secs: u64 },
    /// Makes a health check now: answered with `Checked` when it has been made.
    CheckHealth,
    /// Descriptors of the container's namespaces, those that it does not share with the engine.
    Namespaces,
    /// Holds all of the container's processes still.
    Pause,
    /// Lets them go on.
    Unpause,
    /// Gives the container another name.
    Rename(Name),
    /// Changes the container's description, and what it says at once.
    Update(Box<Change>),
}

impl Request {
    /// The version of the conversation that brought this request. Whoever adds one adds it here, with a version that no
    /// release has had yet.
    pub fn since(&self) -> u32 {
        match self {
            Self::Exec { attach, .. } if !attach.preserved.is_empty() => 2,
            Self::Userns
            | Self::Start { .. }
            | Self::Attach(_)
            | Self::Exec { .. }
            | Self::Signal(_)
            | Self::Resize(_)
            | Self::Stop { .. }
            | Self::Wait
            | Self::Root => 1,
            Self::Restart { .. } | Self::CheckHealth | Self::Namespaces => 2,
            Self::Pause | Self::Unpause | Self::Rename(_) | Self::Update(_) => 2,
        }
    }
}

/// Which streams come with a request, and how they are treated.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Attach {
    pub stdin: bool,
    pub stdout: bool,
    pub stderr: bool,
    /// The keys that detach from a terminal, as bytes.
    pub detach_keys: Vec<u8>,
    pub size: Option<Size>,
    /// The numbers in the process of descriptors that are its own, and come behind the streams.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub preserved: Vec<i32>,
}

/// The numbers that descriptors of a caller's may have in a container.
pub const PRESERVED: std::ops::RangeInclusive<i32> = 3..=255;

impl Attach {
    /// Takes the process's own descriptors from behind the streams.
    pub fn take_preserved(&mut self, fds: &mut Vec<OwnedFd>) -> Result<Vec<(i32, OwnedFd)>> {
        let numbers = std::mem::take(&mut self.preserved);
        let start = fds.len().checked_sub(numbers.len());
        match start.filter(|_| numbers.iter().all(|number| PRESERVED.contains(number))) {
            Some(start) => Ok(numbers.into_iter().zip(fds.split_off(start)).collect()),
            None => Err(Kind::BadInput.error("the descriptors that are to be handed on did not come along")),
        }
    }
}

/// What a monitor answers.
#[derive(Debug, Serialize, Deserialize)]
pub enum Reply {
    Done,
    /// A new monitor has its namespaces.
    Entered(Entered),
    /// The container, or the exec'd process, runs.
    Started {
        pid: i32,
        /// What the user should know, a line each.
        #[serde(default)]
        warnings: Vec<String>,
    },
    /// It has ended.
    Exited {
        code: i32,
    },
    /// The user typed the detach keys.
    Detached,
    Failed(Wire),
    /// An attached client that did not read has been let go of. Since version 2, as is every reply below this line.
    Dropped(Wire),
    /// What a health check has come to.
    Checked {
        passed: bool,
        /// Whether a failure counts, or comes too early for that.
        counted: bool,
    },
    /// What the descriptors are, by their names under `/proc/PID/ns`.
    Namespaces(Vec<String>),
}

/// A connection to one monitor.
pub struct Connection {
    socket: OwnedFd,
    /// The version of the conversation that it speaks.
    version: u32,
}

impl Connection {
    /// Takes over the socket that a monitor was started with.
    pub fn over(socket: OwnedFd) -> Self {
        Self { socket, version: VERSION }
    }

    /// Connects to the monitor of a running container.
    pub fn open(container: &Container) -> Result<Self> {
        let id = &container.config.id;
        let state = container.state.as_ref().ok_or_else(|| not_running(id))?;
        Self::open_at(&state.run, id, state.control, ASK_TIMEOUT).map_err(|errno| match errno {
            rustix::io::Errno::NOENT | rustix::io::Errno::CONNREFUSED => not_running(id),
            rustix::io::Errno::AGAIN => silent(state.monitor_pid),
            errno => anyhow::Error::new(errno).context(format!("connect to the monitor of {}", id.short())),
        })
    }

    fn open_at(run: &Path, id: &Id, version: u32, timeout: Duration) -> rustix::io::Result<Self> {
        let dir = rustix::fs::openat(
            rustix::fs::CWD,
            run.join("containers").join(id.as_str()),
            rustix::fs::OFlags::PATH | rustix::fs::OFlags::DIRECTORY | rustix::fs::OFlags::CLOEXEC,
            rustix::fs::Mode::empty(),
        )?;
        Ok(Self { socket: socket::connect_in(dir.as_fd(), "ctl", timeout)?, version })
    }

    /// Makes an answer that takes longer an error.
    pub fn set_timeout(&self, timeout: Duration) -> Result<()> {
        socket::set_receive_timeout(&self.socket, Some(timeout))
    }

    /// Whether the monitor knows a request; one of an older release may not.
    pub fn knows(&self, request: &Request) -> bool {
        request.since() <= self.version
    }

    pub fn request(&self, request: Request, fds: &[BorrowedFd<'_>]) -> Result<()> {
        if !self.knows(&request) {
            let message = "this container was started by an older coracle, whose monitor cannot do that";
            return Err(Kind::InUse.hinted(message, "stop the container and start it again"));
        }
        let bytes = serde_json::to_vec(&Hello { version: VERSION, request }).context("serialise request")?;
        if bytes.len() > MESSAGE_BYTES_MAX {
            return Err(Kind::BadInput.error(format!("the request is longer than {MESSAGE_BYTES_MAX} bytes")));
        }
        match socket::send(self.socket.as_fd(), &bytes, fds) {
            // A monitor that has just gone is heard of in place of its answer.
            Err(rustix::io::Errno::PIPE | rustix::io::Errno::CONNRESET) => Ok(()),
            other => other.context("send to the monitor"),
        }
    }

    /// The next answer. None when the monitor has gone.
    pub fn reply(&self) -> Result<Option<(Reply, Vec<OwnedFd>)>> {
        let received = match socket::receive(self.socket.as_fd(), MESSAGE_BYTES_MAX) {
            // It went without reading all we sent, which the kernel tells once; its last words are still to be had.
            Err(rustix::io::Errno::CONNRESET) => {
                socket::receive(self.socket.as_fd(), MESSAGE_BYTES_MAX).context("hear from the monitor")?
            }
            other => other.context("hear from the monitor")?,
        };
        let Some((bytes, fds)) = received else { return Ok(None) };
        Ok(Some((serde_json::from_slice(&bytes).context("parse the monitor's answer")?, fds)))
    }

    /// One question, one answer; a failure that the monitor reports is an error here, and so is its silence.
    pub fn ask(&self, request: Request, fds: &[BorrowedFd<'_>]) -> Result<(Reply, Vec<OwnedFd>)> {
        self.ask_within(ASK_TIMEOUT, request, fds)
    }

    fn ask_within(
        &self,
        timeout: Duration,
        request: Request,
        fds: &[BorrowedFd<'_>],
    ) -> Result<(Reply, Vec<OwnedFd>)> {
        self.request(request, fds)?;
        self.set_timeout(timeout)?;
        let reply = self.reply();
        // What comes after the answer takes as long as it takes.
        socket::set_receive_timeout(&self.socket, None)?;
        let is_silent = |error: &anyhow::Error| error.downcast_ref() == Some(&rustix::io::Errno::AGAIN);
        match reply.map_err(|error| if is_silent(&error) { self.silence() } else { error })? {
            Some((Reply::Failed(wire), _)) => Err(wire.into()),
            Some(answer) => Ok(answer),
            None => Err(Kind::InUse.error("the monitor has gone away")),
        }
    }
}

impl Connection {
    fn silence(&self) -> anyhow::Error {
        socket::peer_pid(self.socket.as_fd()).map_or_else(|error| error, silent)
    }
}

fn silent(monitor: i32) -> anyhow::Error {
    let seconds = ASK_TIMEOUT.as_secs();
    let message = format!("the monitor, process {monitor}, has not answered in {seconds} s");
    Kind::Engine.hinted(message, format!("see what stops it, or end it with its container: kill -KILL {monitor}"))
}

impl AsFd for Connection {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

fn not_running(id: &Id) -> anyhow::Error {
    Kind::InUse.error(format!("container {} is not running", id.short()))
}

/// The engine's user namespace, if a live monitor hands it over.
fn find_userns(engine: &Engine) -> Result<Option<OwnedFd>> {
    for name in fs::list(&engine.run.join("containers"))? {
        let Some(id) = Id::parse(&name) else { continue };
        let Ok(connection) = Connection::open_at(&engine.run, &id, 1, ANSWER_TIMEOUT) else { continue };
        if let Ok((Reply::Done, fds)) = connection.ask_within(ANSWER_TIMEOUT, Request::Userns, &[])
            && let Some(userns) = fds.into_iter().next()
        {
            return Ok(Some(userns));
        }
    }
    Ok(None)
}

/// The right to be in the engine's user namespace, held while a monitor is on its way.
///
/// All live monitors must be in one user namespace: siblings can do nothing with each other (setns between them is
/// EPERM). So making one excludes everybody, joining excludes makers, and a new monitor inherits the lock and lets go
/// of it when it answers on `ctl`.
pub struct Door {
    pub lock: Option<Lock>,
    userns: Option<OwnedFd>,
}

impl Door {
    /// For a process that will become a monitor.
    pub fn for_monitor(engine: &Engine) -> Result<Self> {
        if !engine.rootless || rootless::is_inside()? {
            return Ok(Self { lock: None, userns: None });
        }
        let path = engine.run.join("userns");
        let deadline = Instant::now() + USERNS_TIMEOUT;
        while Instant::now() < deadline {
            // Waits while another is making one.
            let shared = Lock::take(&path, Hold::Shared, USERNS_TIMEOUT)?;
            if let Some(userns) = find_userns(engine)? {
                return Ok(Self { lock: Some(shared), userns: Some(userns) });
            }
            drop(shared);
            if let Some(exclusive) = Lock::try_take(&path, Hold::Exclusive)? {
                // Someone may have been faster between the two. The keeper of the networks may stay longer than all.
                let userns = find_userns(engine)?.or_else(|| keeper::client::userns(engine));
                return Ok(Self { lock: Some(exclusive), userns });
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        let seconds = USERNS_TIMEOUT.as_secs();
        Err(Kind::Engine.error(format!("enter the user namespace: no monitor has made one in {seconds} s")))
    }

    /// For a command that only touches files: it leaves no namespace behind, so nobody needs to wait for it.
    pub fn for_command(engine: &Engine) -> Result<Self> {
        if !engine.rootless || rootless::is_inside()? {
            return Ok(Self { lock: None, userns: None });
        }
        Ok(Self { lock: None, userns: find_userns(engine)?.or_else(|| keeper::client::userns(engine)) })
    }

    /// Goes through; gives what was found behind it.
    pub fn enter(self) -> Result<(Entered, Option<Lock>)> {
        let entered = rootless::enter(self.userns.map_or(Entry::Make, Entry::Join))?;
        Ok((entered, self.lock))
    }
}

//! A monitor's side of the conversation: it finds the keeper, or starts one.
//!
//! Who has something to do with the bridges holds the lock `members`, shared. Who starts a keeper holds `starting`; only
//! with no other member about does it make a namespace, since theirs is the one that all must be in.

use super::protocol::{Answer, Link, MESSAGE_BYTES_MAX, Request};
use crate::engine::Engine;
use crate::error::{self, Kind, Wire};
use crate::fs::{self, Hold, Lock};
use crate::network::egress::Egress;
use crate::network::refusals::Refusals;
use crate::sys::process::{self, Cloned};
use crate::sys::{namespace, socket};
use anyhow::{Context, Result};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use rustix::fs::{CWD, Mode, OFlags};
use std::ffi::CString;
use std::net::IpAddr;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// The keeper's socket in its directory.
const SOCKET: &str = "socket";

/// How long the keeper may take for one thing: to get an uplink is the longest.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(20);

/// How long others may take to start a keeper.
const START_TIMEOUT: Duration = Duration::from_secs(20);

/// How long a keeper that has nothing to do may take to answer.
const WORD_TIMEOUT: Duration = Duration::from_millis(500);

/// How many may wait to be heard.
const BACKLOG: i32 = 512;

/// A container's place with the keeper, for as long as this lives.
#[derive(Debug)]
pub struct Connection {
    socket: OwnedFd,
    namespace: OwnedFd,
    /// Says that somebody knows the namespace.
    _member: Lock,
}

impl Connection {
    /// Finds the keeper, or starts one. `namespace` is that of the bridges, where it is known from an earlier one.
    pub fn open(engine: &Engine, namespace: Option<OwnedFd>) -> Result<Self> {
        let directory = directory(engine);
        fs::create_dir_all(&directory)?;
        let namespace = match namespace {
            // Real root's bridges are the host's.
            None if !engine.rootless => Some(namespace::open("self", "net")?),
            namespace => namespace,
        };
        let deadline = Instant::now() + START_TIMEOUT;
        loop {
            let (socket, member) = find(&directory, namespace.as_ref())?;
            socket::set_receive_timeout(&socket, Some(ANSWER_TIMEOUT))?;
            match exchange(&socket, &Request::Hello, &[]) {
                Ok((_, mut descriptors)) => {
                    let namespace = descriptors.pop().context("the keeper hands over its namespace")?;
                    return Ok(Self { socket, namespace, _member: member });
                }
                // One that was on its way out, with nobody to be there for.
                Err(_) if Instant::now() < deadline => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// The namespace in which the bridges are.
    pub fn namespace(&self) -> &OwnedFd {
        &self.namespace
    }

    /// Readable when the keeper has died.
    pub fn socket(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }

    /// Says by which rules the container is connected.
    pub fn rule(&self, egress: &Egress, refusals: &Refusals) -> Result<()> {
        self.tell_rules(&Request::Rule { egress: egress.clone(), group: refusals.group() }, refusals)
    }

    /// Says by which rules the container that is connected is connected from now on.
    pub fn rule_anew(&self, egress: &Egress, refusals: &Refusals) -> Result<()> {
        self.tell_rules(&Request::RuleAnew { egress: egress.clone(), group: refusals.group() }, refusals)
    }

    fn tell_rules(&self, request: &Request, refusals: &Refusals) -> Result<()> {
        let hint = "it is of an older version: restart the containers that are on networks";
        let asked = self.ask(request, &[refusals.teller()]).context("tell the keeper of egress rules");
        asked.map(|_| ()).map_err(|error| error::with_hint(error, hint))
    }

    /// Connects a container; what the user should know comes back.
    pub fn attach(&self, container: &str, namespace: BorrowedFd<'_>, links: Vec<Link>) -> Result<Vec<String>> {
        let request = Request::Attach { container: container.to_owned(), links };
        self.ask(&request, &[namespace])
    }

    /// Takes a container out of a network.
    pub fn detach(&self, network: &str, namespace: BorrowedFd<'_>) -> Result<Vec<String>> {
        self.ask(&Request::Detach { network: network.to_owned() }, &[namespace])
    }

    /// Is known to a new keeper, which has its namespace from here.
    pub fn resume(
        engine: &Engine,
        namespace: OwnedFd,
        container: &str,
        links: Vec<Link>,
        rules: Option<(&Egress, &Refusals)>,
    ) -> Result<Self> {
        let resumed = Self::open(engine, Some(namespace))?;
        if let Some((egress, refusals)) = rules {
            resumed.rule(egress, refusals)?;
        }
        resumed.ask(&Request::Resume { container: container.to_owned(), links }, &[])?;
        Ok(resumed)
    }

    fn ask(&self, request: &Request, descriptors: &[BorrowedFd<'_>]) -> Result<Vec<String>> {
        match exchange(&self.socket, request, descriptors)?.0 {
            Answer::Attached { warnings } => Ok(warnings),
            Answer::Welcome => Ok(Vec::new()),
            Answer::Failed(wire) => Err(wire.into()),
        }
    }
}

/// Has the keeper, if there is one, ask others for names of the outside in a network.
pub fn set_servers(engine: &Engine, network: &str, servers: Vec<IpAddr>) -> Result<()> {
    tell(engine, &Request::Servers { network: network.to_owned(), servers })
}

/// Has the keeper, if there is one, set its rules anew.
pub fn reload(engine: &Engine) -> Result<()> {
    if !engine.rootless {
        // One that was killed has left rules in the host's namespace: another takes them back, which soon ends.
        return Connection::open(engine, None)?.ask(&Request::Reload, &[]).map(drop);
    }
    tell(engine, &Request::Reload)
}

fn tell(engine: &Engine, request: &Request) -> Result<()> {
    let Some(socket) = try_connect(&directory(engine))? else { return Ok(()) };
    socket::set_receive_timeout(&socket, Some(ANSWER_TIMEOUT))?;
    match exchange(&socket, request, &[])?.0 {
        Answer::Failed(wire) => Err(wire.into()),
        Answer::Attached { .. } | Answer::Welcome => Ok(()),
    }
}

/// The engine's user namespace, if there is a keeper, which is in it.
pub fn userns(engine: &Engine) -> Option<OwnedFd> {
    let socket = try_connect(&directory(engine)).ok()??;
    socket::set_receive_timeout(&socket, Some(WORD_TIMEOUT)).ok()?;
    exchange(&socket, &Request::Userns, &[]).ok()?.1.pop()
}

fn directory(engine: &Engine) -> PathBuf {
    engine.run.join("keeper")
}

fn exchange(socket: &OwnedFd, request: &Request, descriptors: &[BorrowedFd<'_>]) -> Result<(Answer, Vec<OwnedFd>)> {
    let bytes = serde_json::to_vec(request).context("serialise")?;
    socket::send(socket.as_fd(), &bytes, descriptors).context("ask the keeper of the networks")?;
    let (bytes, descriptors) = socket::receive(socket.as_fd(), MESSAGE_BYTES_MAX)
        .context("hear from the keeper of the networks")?
        .ok_or_else(|| Kind::Engine.error("the keeper of the networks has died"))?;
    Ok((serde_json::from_slice(&bytes).context("parse the keeper's answer")?, descriptors))
}

fn find(directory: &Path, namespace: Option<&OwnedFd>) -> Result<(OwnedFd, Lock)> {
    let deadline = Instant::now() + START_TIMEOUT;
    let members = directory.join("members");
    loop {
        if let Some(socket) = try_connect(directory)? {
            return Ok((socket, Lock::take(&members, Hold::Shared, START_TIMEOUT)?));
        }
        let starting = Lock::take(&directory.join("starting"), Hold::Exclusive, START_TIMEOUT)?;
        // Another may have done it meanwhile.
        let is_alone = Lock::try_take(&members, Hold::Exclusive)?;
        if try_connect(directory)?.is_none() && (namespace.is_some() || is_alone.is_some()) {
            start(directory, namespace)?;
        }
        drop((is_alone, starting));
        if Instant::now() > deadline {
            return Err(Kind::Engine.error("the keeper of the networks does not come up"));
        }
        // The members that know the namespace are about to start one.
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn try_connect(directory: &Path) -> Result<Option<OwnedFd>> {
    use rustix::io::Errno;
    let Ok(open) = fs::open_dir(directory) else { return Ok(None) };
    match socket::connect_in(open.as_fd(), SOCKET, ANSWER_TIMEOUT) {
        Ok(socket) => Ok(Some(socket)),
        Err(Errno::NOENT | Errno::CONNREFUSED) => Ok(None),
        Err(errno) => Err(errno).context("connect to the keeper of the networks"),
    }
}

/// Makes a keeper that outlives this process, and hears whether it works.
fn start(directory: &Path, namespace: Option<&OwnedFd>) -> Result<()> {
    let open = fs::open_dir(directory)?;
    fs::remove_file(&directory.join(SOCKET))?;
    let listener = socket::listen_in(open.as_fd(), SOCKET, BACKLOG)?;
    let (ready, theirs) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC).context("pipe")?;
    match process::fork()? {
        Cloned::Child => {
            // Its parent is to be whoever adopts orphans, not this container's monitor.
            let code = match process::fork() {
                Ok(Cloned::Child) => {
                    become_keeper(directory, &listener, &theirs, namespace).map_or(127, |never| match never {})
                }
                Ok(Cloned::Parent(_)) => 0,
                Err(_) => 1,
            };
            process::exit_now(code)
        }
        Cloned::Parent(child) => {
            drop((theirs, listener));
            process::wait(child.pidfd.as_fd())?;
            hear(ready)
        }
    }
}

/// The most that a keeper says when it cannot work.
const WORD_BYTES_MAX: usize = 64 << 10;

fn hear(ready: OwnedFd) -> Result<()> {
    let timeout = PollTimeout::try_from(START_TIMEOUT).unwrap_or(PollTimeout::MAX);
    if poll(&mut [PollFd::new(ready.as_fd(), PollFlags::POLLIN)], timeout).context("poll")? == 0 {
        return Err(Kind::Engine.error("the keeper of the networks does not come up"));
    }
    let said = fs::read_all(std::fs::File::from(ready), WORD_BYTES_MAX)?;
    match serde_json::from_slice::<std::result::Result<(), Wire>>(&said) {
        Ok(answer) => answer.map_err(anyhow::Error::from).context("start the keeper of the networks"),
        Err(_) => Err(Kind::Engine.error("the keeper of the networks died at once")),
    }
}

fn become_keeper(
    directory: &Path,
    listener: &OwnedFd,
    ready: &OwnedFd,
    namespace: Option<&OwnedFd>,
) -> Result<std::convert::Infallible> {
    rustix::process::setsid().context("setsid")?;
    // A monitor is executed from a file that nobody can write to, and so is what it executes.
    let program = rustix::fs::openat(CWD, c"/proc/self/exe", OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?;
    crate::sys::signal::reset_all()?;
    process::close_on_exec_from(3)?;
    let mut arguments = vec![CString::new(super::NAME)?, CString::new(directory.as_os_str().as_bytes())?];
    for fd in [Some(listener), Some(ready), namespace].into_iter().flatten() {
        process::keep_on_exec(fd.as_fd())?;
        arguments.push(CString::new(fd.as_raw_fd().to_string())?);
    }
    let environment = ["PATH", "GLIBC_TUNABLES"].into_iter().filter_map(|name| Some((name, std::env::var_os(name)?)));
    let environment: Vec<CString> = environment
        .map(|(name, value)| Ok(CString::new([name.as_bytes(), b"=", value.as_bytes()].concat())?))
        .collect::<Result<_>>()?;
    Err(process::execve_fd(program.as_fd(), &arguments, &environment).into())
}

//! pasta: the helper that connects one network namespace to the host's network, for whoever has no privilege there.

pub mod options;

use super::{NameOf, Port, Protocol, holder};
use crate::error::Kind;
use crate::sys::mount;
use crate::sys::process::{self, Child, Cloned};
use anyhow::{Context, Result};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use std::ffi::CString;
use std::io::Read;
use std::net::{IpAddr, Ipv4Addr};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// Where pasta answers name look-ups for the host's servers.
pub const DNS_ADDRESS: IpAddr = IpAddr::V4(Ipv4Addr::new(169, 254, 1, 1));

/// Where a container finds the host: an address of the link that nobody else has.
pub const HOST_ADDRESS: Ipv4Addr = Ipv4Addr::new(169, 254, 1, 2);

/// How many bytes a packet has at most that pasta takes, unless it is told otherwise: passt(1), `--mtu`.
pub const MTU: u32 = 65_520;

/// What a container asks of its connection.
#[derive(Clone, Copy, Debug)]
pub struct Wishes<'a> {
    pub ports: &'a [Port],
    /// Options of pasta's own, one word each.
    pub options: &'a [String],
    /// Whether [`HOST_ADDRESS`] leads to the host.
    pub leads_to_host: bool,
}

/// How long pasta has to get ready.
const READY_TIMEOUT: Duration = Duration::from_secs(10);

/// The most that is read of what pasta says.
const TEXT_BYTES_MAX: usize = 64 << 10;

/// A namespace that pasta connects. Dropping it ends the connection.
#[derive(Debug)]
pub struct Connected {
    child: Child,
    /// Whether its end is waited for: it has ports of the host that others may want.
    is_awaited: bool,
}

impl Connected {
    /// The pid of what connects it.
    pub fn pid(&self) -> i32 {
        self.child.pid
    }

    /// Readable when it has ended.
    pub fn pidfd(&self) -> BorrowedFd<'_> {
        self.child.pidfd.as_fd()
    }
}

impl Drop for Connected {
    fn drop(&mut self) {
        // It may have died by itself.
        let _ = crate::sys::signal::send(self.child.pidfd.as_fd(), libc::SIGKILL);
        // Its memory takes the kernel some 30 ms to free. Only who may want its ports again waits for that; else it is
        // reaped when its parent, whose last work this is, has ended.
        if self.is_awaited {
            let _ = process::wait(self.child.pidfd.as_fd());
        }
    }
}

/// Where pasta is installed, if it is.
pub fn find() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let usual = ["/usr/bin", "/usr/local/bin", "/bin"].map(PathBuf::from);
    let dirs = std::env::split_paths(&path).chain(usual).filter(|dir| dir.is_absolute());
    dirs.map(|dir| dir.join("pasta")).find(|file| file.is_file())
}

/// What is executed as this pasta. On processors with AVX2 that is a second program, beside it, in whose place the first
/// would execute it: a start of a program less for each container.
fn executed(program: PathBuf) -> PathBuf {
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx2") {
        let fast = program.with_extension("avx2");
        if fast.is_file() {
            return fast;
        }
    }
    program
}

/// The option that leads [`HOST_ADDRESS`] to the host.
const HOST_OPTION: &str = "--map-guest-addr";

/// The largest program that is looked through.
const PROGRAM_BYTES_MAX: usize = 16 << 20;

/// Whether the pasta that is installed leads to the host, as those since 2024_08 do: their programs have the option among
/// their texts, each of which ends with a zero. To ask one would cost a process for each container.
pub fn leads_to_host() -> bool {
    static LEADS: OnceLock<bool> = OnceLock::new();
    *LEADS.get_or_init(|| {
        let option = HOST_OPTION.trim_start_matches('-').as_bytes();
        let program = find().and_then(|program| crate::fs::read(&program, PROGRAM_BYTES_MAX).ok());
        program.is_some_and(|bytes| bytes.split(|byte| *byte == 0).any(|text| text.ends_with(option)))
    })
}

/// A pasta that is on its way; the container may be set up meanwhile.
pub struct Starting {
    connected: Connected,
    /// Where it writes its pid when it is ready.
    ready: OwnedFd,
    said: OwnedFd,
    /// Those of the host that it takes.
    ports: Vec<Port>,
    /// The names under which it opens the namespaces.
    binds: Vec<Bind>,
    until: Instant,
}

/// A namespace bound to a file, for as long as this lives, in this process's mount namespace.
struct Bind(PathBuf);

impl Drop for Bind {
    fn drop(&mut self) {
        // A bind that stays would keep the directory from being removed; that failure is then told there.
        let _ = mount::detach(&self.0);
    }
}

/// Starts pasta on a namespace, which is named to it by binds in `dir`, in this process's mount namespace.
pub fn start(dir: &Path, user: Option<&OwnedFd>, net: &OwnedFd, wishes: Wishes<'_>) -> Result<Starting> {
    let program = find().ok_or_else(|| {
        Kind::NotFound.hinted("connect the network: pasta is not installed", "install the package passt")
    })?;
    let mut arguments = base_arguments(&program, wishes);
    let mut binds = Vec::new();
    for (option, namespace, name) in [("--netns", Some(net), "netns"), ("--userns", user, "userns")] {
        if let Some(namespace) = namespace {
            let bind = bind(namespace, dir.join(name))?;
            arguments.extend([option.to_owned(), bind.0.display().to_string()]);
            binds.push(bind);
        }
    }
    if user.is_none() {
        // The real root's pasta would become `nobody`, who cannot reach the namespace; inside a user namespace it stays.
        arguments.extend(["--runas".to_owned(), "0".to_owned()]);
    }
    arguments.extend(forward_arguments(wishes));
    let arguments: Vec<CString> =
        arguments.iter().map(|text| CString::new(text.as_str())).collect::<Result<_, _>>()?;
    let (ready, their_ready) = pipe()?;
    let (said, their_said) = pipe()?;
    let program = CString::new(executed(program).into_os_string().into_vec())?;
    match process::fork()? {
        Cloned::Child => {
            let _ = become_pasta(&program, &arguments, &their_ready, &their_said);
            process::exit_now(127)
        }
        Cloned::Parent(child) => {
            let connected = Connected { child, is_awaited: !wishes.ports.is_empty() };
            let until = Instant::now() + READY_TIMEOUT;
            Ok(Starting { connected, ready, said, ports: wishes.ports.to_vec(), binds, until })
        }
    }
}

fn become_pasta(program: &CString, arguments: &[CString], ready: &OwnedFd, said: &OwnedFd) -> Result<()> {
    let null = crate::fs::open_null()?;
    process::set_stdio(null.as_fd(), ready.as_fd(), said.as_fd())?;
    // It takes an ignored SIGPIPE, which Rust programs have, for a failure to ignore it.
    crate::sys::signal::reset_all()?;
    process::set_parent_death_signal(nix::sys::signal::Signal::SIGKILL)?;
    process::close_on_exec_from(3)?;
    Err(process::execve(program, arguments, &[]).into())
}

fn base_arguments(program: &Path, wishes: Wishes<'_>) -> Vec<String> {
    // In the foreground it writes its pid when all stands: to its standard output, a pipe, that is our signal. The host
    // cannot be reached through the gateway's address, and only what is asked for is forwarded.
    let fixed = ["--foreground", "--quiet", "--pid", "/dev/stdout", "--config-net", "--dns-forward"];
    let mut arguments: Vec<String> =
        std::iter::once(program.display().to_string()).chain(fixed.map(str::to_owned)).collect();
    arguments.push(DNS_ADDRESS.to_string());
    // What the user sets by name, the engine does not set. An option for the gateway is ours: old versions have one only.
    for (option, value) in [("--no-map-gw", None), ("--tcp-ns", Some("none")), ("--udp-ns", Some("none"))] {
        let is_undone = option == "--no-map-gw" && wishes.sets("--map-gw");
        if !(is_undone || wishes.sets(option)) {
            arguments.push(option.to_owned());
            arguments.extend(value.map(str::to_owned));
        }
    }
    if wishes.leads_to_host && !wishes.sets(HOST_OPTION) {
        arguments.push(format!("{HOST_OPTION}={HOST_ADDRESS}"));
    }
    arguments.extend(wishes.options.iter().filter(|option| *option != "--map-gw").cloned());
    arguments
}

impl Wishes<'_> {
    /// Whether the user has said something about an option.
    fn sets(&self, name: &str) -> bool {
        self.options.iter().any(|option| option.split('=').next() == Some(name))
    }
}

fn forward_arguments(wishes: Wishes<'_>) -> Vec<String> {
    let mut arguments = Vec::new();
    for (option, protocol) in [("--tcp-ports", Protocol::Tcp), ("--udp-ports", Protocol::Udp)] {
        let mut any = wishes.sets(option);
        for port in wishes.ports.iter().filter(|port| port.protocol == protocol) {
            let address = port.host_address.map(|address| format!("{address}/")).unwrap_or_default();
            arguments.extend([option.to_owned(), format!("{address}{}:{}", port.host_port, port.container_port)]);
            any = true;
        }
        if !any {
            arguments.extend([option.to_owned(), "none".to_owned()]);
        }
    }
    arguments
}

/// Gives a namespace a path that only this mount namespace sees.
fn bind(namespace: &OwnedFd, path: PathBuf) -> Result<Bind> {
    // The name of the namespace for the one before.
    crate::fs::remove_file(&path)?;
    crate::fs::write_plain(&path, b"", 0o600)?;
    let target = crate::fs::open_for_reading(&path)?;
    let mount = mount::clone_fd(namespace.as_fd(), false).context("clone the namespace's file")?;
    mount::attach(mount.as_fd(), target.as_fd())?;
    Ok(Bind(path))
}

impl Starting {
    /// The pid of what is to connect it.
    pub fn pid(&self) -> i32 {
        self.connected.pid()
    }

    /// Readable when [`Starting::finish`] does not wait.
    pub fn ready(&self) -> BorrowedFd<'_> {
        self.ready.as_fd()
    }

    /// Until when it has to be ready.
    pub fn until(&self) -> Instant {
        self.until
    }

    /// Whether it has become ready, or has ended, within this time.
    pub fn speaks_in(&self, time: Duration) -> Result<bool> {
        let mut polled = [PollFd::new(self.ready.as_fd(), PollFlags::POLLIN)];
        Ok(poll(&mut polled, PollTimeout::try_from(time).unwrap_or(PollTimeout::MAX)).context("poll")? > 0)
    }

    /// Waits until the namespace is connected.
    pub fn finish(self, name_of: NameOf<'_>) -> Result<Connected> {
        let answered = self.speaks_in(self.until.saturating_duration_since(Instant::now()))?;
        drop(self.binds);
        let mut byte = [0];
        if answered && std::fs::File::from(self.ready).read(&mut byte).is_ok_and(|length| length == 1) {
            return Ok(self.connected);
        }
        // Who tries again does not collect what has failed.
        let mut failed = self.connected;
        failed.is_awaited = true;
        drop(failed);
        let said = crate::fs::read_all(std::fs::File::from(self.said), TEXT_BYTES_MAX).unwrap_or_default();
        let said = String::from_utf8_lossy(&said);
        // An option that it does not know is told first, and then all those that it does.
        let is_unknown = |line: &&str| line.contains("unrecognized option") || line.contains("invalid option");
        let last = || said.lines().rev().find(|line| !line.trim().is_empty());
        let said = said.lines().find(is_unknown).or_else(last).unwrap_or("it was not ready in time").to_owned();
        match self.ports.iter().find(|port| says_in_use(&said) && holder::find(port).is_some()) {
            Some(port) => Err(holder::in_use(port, name_of)),
            None => Err(explain(&said)),
        }
    }
}

fn says_in_use(said: &str) -> bool {
    said.contains("bind") || said.contains("Address already in use")
}

fn explain(said: &str) -> anyhow::Error {
    let message = format!("connect the network with pasta: {said}");
    if said.contains("routable") || said.contains("external interface") {
        return Kind::Engine.hinted(message, "bring up a network on the host, or use --network none");
    }
    if said.contains("unrecognized option") || said.contains("invalid option") {
        return Kind::Denied.hinted(message, "this option needs a newer pasta: update the package passt");
    }
    if said.contains("tun") {
        return Kind::Denied.hinted(message, "make /dev/net/tun accessible: sudo chmod 666 /dev/net/tun");
    }
    if says_in_use(said) {
        return Kind::InUse
            .hinted(message, "choose a host port that is free and not below net.ipv4.ip_unprivileged_port_start");
    }
    Kind::Engine.error(message)
}

fn pipe() -> Result<(OwnedFd, OwnedFd)> {
    rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC).context("pipe")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_become_options_and_nothing_is_forwarded_unasked() {
        let port = Port {
            host_address: Some([127, 0, 0, 1].into()),
            host_port: 8080,
            container_port: 80,
            protocol: Protocol::Tcp,
            proxy: None,
        };
        let wishes = Wishes { ports: &[port], options: &[], leads_to_host: false };
        let arguments = forward_arguments(wishes);
        assert_eq!(arguments, ["--tcp-ports", "127.0.0.1/8080:80", "--udp-ports", "none"]);
    }
}

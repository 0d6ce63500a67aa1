//! systemd, where there is one: a scope of our own with delegated cgroups, and word to the unit we run in.
//!
//! A host without it costs one or two failed look-ups of a socket.

mod dbus;

pub use dbus::Value;

use crate::engine::Engine;
use crate::error::{self, Kind};
use anyhow::{Context, Result, anyhow, bail, ensure};
use dbus::{Call, Connection, Message, Purpose, Reader, Writer};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// The longest that systemd may take for anything.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(5);

/// The longest that a scope of the same name, whose processes are gone, is waited for until systemd forgets it.
const NAME_TIME_MAX: Duration = Duration::from_secs(1);

/// The most jobs of other units that may end while ours is still being queued.
const JOBS_MAX: usize = 4096;

const MANAGER_NAME: &str = "org.freedesktop.systemd1";
const MANAGER_PATH: &str = "/org/freedesktop/systemd1";
const MANAGER_INTERFACE: &str = "org.freedesktop.systemd1.Manager";
const BUS_NAME: &str = "org.freedesktop.DBus";

/// What listens at a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Peer {
    /// systemd itself: every message comes from it.
    Manager,
    /// A message bus, which systemd is one client of.
    Bus,
}

/// Whether a systemd may be asked for a scope. Looks only for its socket.
pub fn available(engine: &Engine) -> bool {
    sockets(engine).iter().any(|(socket, _)| socket.exists())
}

/// Puts processes into a new delegated scope, `unit`, and returns when they are in it.
///
/// systemd ends the scope by itself when its last process is gone. To be called before this process enters a PID
/// namespace, since `pids` are read as the host's. Takes at most five seconds.
pub fn start_scope(
    engine: &Engine,
    unit: &str,
    description: &str,
    pids: &[u32],
    properties: &[(&str, Value<'_>)],
) -> Result<()> {
    let mut all = vec![
        ("Description", Value::Text(description)),
        ("PIDs", Value::Numbers(pids)),
        ("Delegate", Value::Boolean(true)),
        // A scope that ended badly would keep its name taken.
        ("CollectMode", Value::Text("inactive-or-failed")),
    ];
    all.extend(properties);
    refuse_line_breaks(&all)?;
    let start = || Manager::connect(engine)?.start_unit(unit, &all);
    start().with_context(|| format!("start systemd scope {unit}"))
}

/// Tells the unit we run in how things stand: lines as in sd_notify(3). Outside a unit it does nothing.
pub fn notify(state: &str) -> Result<()> {
    match std::env::var_os("NOTIFY_SOCKET") {
        Some(name) if !name.is_empty() => notify_at(name.as_bytes(), state).context("notify systemd"),
        _ => Ok(()),
    }
}

/// Whether we run in a unit that waits for [`notify`] and that therefore supervises the container itself.
pub fn in_unit() -> bool {
    std::env::var_os("NOTIFY_SOCKET").is_some_and(|name| !name.is_empty())
}

/// Whether a user's processes may go on after the last logout: loginctl(1), `enable-linger`.
pub fn linger_enabled(user: &str) -> bool {
    !user.contains('/') && Path::new("/var/lib/systemd/linger").join(user).is_file()
}

/// systemd keeps a transient unit as a file, and writes a description into it as it is: a line break in one would make
/// a setting of what follows it, and a backslash at its end would swallow
/// the next line (seen with systemd 257).
fn refuse_line_breaks(properties: &[(&str, Value<'_>)]) -> Result<()> {
    for (name, value) in properties {
        if let Value::Text(text) = value
            && (text.contains(char::is_control) || text.ends_with('\\'))
        {
            return Err(Kind::BadInput.error(format!("{name} {text:?} cannot stand in a unit file")));
        }
    }
    Ok(())
}

/// Where the manager of this user may listen, in the order of trying.
///
/// Its own socket comes first, as with systemctl(1): no bus has to run, nothing copies the messages, and a session bus
/// of another kind (dbus-run-session) cannot be in the way.
fn sockets(engine: &Engine) -> Vec<(PathBuf, Peer)> {
    if !engine.rootless {
        return vec![
            (PathBuf::from("/run/systemd/private"), Peer::Manager),
            (PathBuf::from("/run/dbus/system_bus_socket"), Peer::Bus),
        ];
    }
    let runtime_dir = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from).filter(|dir| dir.is_absolute());
    let runtime_dir = runtime_dir.unwrap_or_else(|| PathBuf::from(format!("/run/user/{}", engine.uid)));
    let mut sockets =
        vec![(runtime_dir.join("systemd/private"), Peer::Manager), (runtime_dir.join("bus"), Peer::Bus)];
    if let Ok(addresses) = std::env::var("DBUS_SESSION_BUS_ADDRESS") {
        sockets.extend(bus_paths(&addresses).map(|path| (path, Peer::Bus)));
    }
    sockets.dedup();
    sockets
}

/// The file names in a list of bus addresses: D-Bus specification, "Server Addresses". An abstract name is left out:
/// whoever comes first may listen there.
fn bus_paths(addresses: &str) -> impl Iterator<Item = PathBuf> {
    addresses.split(';').filter_map(|address| {
        let pairs = address.strip_prefix("unix:")?;
        let path = pairs.split(',').find_map(|pair| pair.strip_prefix("path="))?;
        Some(PathBuf::from(unescape(path)?)).filter(|path| path.is_absolute())
    })
}

/// `%2f` and the like become the bytes they stand for.
fn unescape(text: &str) -> Option<String> {
    let mut parts = text.split('%');
    let mut bytes = parts.next()?.as_bytes().to_vec();
    for part in parts {
        let (digits, rest) = part.split_at_checked(2)?;
        bytes.push(u8::from_str_radix(digits, 16).ok()?);
        bytes.extend(rest.bytes());
    }
    String::from_utf8(bytes).ok()
}

/// A connection on which systemd's manager answers.
struct Manager {
    connection: Connection,
    peer: Peer,
}

impl Manager {
    fn connect(engine: &Engine) -> Result<Self> {
        let deadline = Instant::now() + ANSWER_TIME_MAX;
        let mut first_error = None;
        for (socket, peer) in sockets(engine).into_iter().filter(|(socket, _)| socket.exists()) {
            match Self::open(&socket, peer, deadline) {
                Ok(manager) => return Ok(manager),
                Err(error) => first_error = first_error.or(Some(error)),
            }
        }
        Err(first_error.unwrap_or_else(|| {
            let hint = "log in as this user, or as root: loginctl enable-linger USER";
            Kind::NotFound.hinted("no systemd manager listens for this user", hint)
        }))
    }

    fn open(socket: &Path, peer: Peer, deadline: Instant) -> Result<Self> {
        let connection = Connection::open(socket, deadline)?;
        let mut manager = Self { connection, peer };
        if peer == Peer::Bus {
            manager.subscribe()?;
        }
        Ok(manager)
    }

    /// Registers with the bus and has it pass on the ends of jobs. Nothing here waits: the bus keeps the order, and
    /// would end the connection of who may not.
    fn subscribe(&mut self) -> Result<()> {
        let mut rule = Writer::default();
        rule.text(&format!(
            "type='signal',sender='{MANAGER_NAME}',interface='{MANAGER_INTERFACE}',member='JobRemoved'"
        ))?;
        let to_bus = Call {
            destination: Some(BUS_NAME),
            path: "/org/freedesktop/DBus",
            interface: BUS_NAME,
            member: "Hello",
            signature: "",
            body: &[],
            // Hello must be answered; that answer is passed over with all else that is not for us.
            wants_reply: true,
        };
        self.connection.send(&to_bus)?;
        let to_bus = Call { member: "AddMatch", signature: "s", body: &rule.bytes, wants_reply: false, ..to_bus };
        self.connection.send(&to_bus)?;
        // systemd sends no signals to a bus on which nobody has asked for them.
        self.call("Subscribe", "", &[], false)?;
        Ok(())
    }

    fn call(&mut self, member: &str, signature: &str, body: &[u8], wants_reply: bool) -> Result<u32> {
        self.connection.send(&Call {
            destination: (self.peer == Peer::Bus).then_some(MANAGER_NAME),
            path: MANAGER_PATH,
            interface: MANAGER_INTERFACE,
            member,
            signature,
            body,
            wants_reply,
        })
    }

    /// Starts a transient unit and waits until it has started.
    fn start_unit(&mut self, unit: &str, properties: &[(&str, Value<'_>)]) -> Result<()> {
        let name_deadline = self.connection.deadline().min(Instant::now() + NAME_TIME_MAX);
        let mut body = Writer::default();
        body.text(unit)?;
        // "fail": never take the place of another job.
        body.text("fail")?;
        body.properties(properties)?;
        // Auxiliary units, of which there are none; the specification wants the empty array aligned all the same.
        body.array(8, |_| Ok(()))?;
        loop {
            let serial = self.call("StartTransientUnit", "ssa(sv)a(sa(sv))", &body.bytes, true)?;
            match self.wait_for_job(serial) {
                // The last container of this name has just ended, and systemd has yet to notice.
                Err(error) if error::kind(&error) == Kind::Exists && Instant::now() < name_deadline => {
                    std::thread::sleep(Duration::from_millis(20));
                }
                result => return result,
            }
        }
    }

    /// Waits for the answer to a call that queues a job, and for that job. Either may come first.
    fn wait_for_job(&mut self, serial: u32) -> Result<()> {
        let mut ended: Vec<(Option<String>, Job)> = Vec::new();
        // The job's path, and the bus name of who answered: on a bus, anyone may send a signal that looks like ours.
        let mut started: Option<(String, Option<String>)> = None;
        loop {
            let message = self.connection.receive()?;
            match &message.purpose {
                Purpose::Error { serial: answered, name } if *answered == serial => {
                    return Err(refusal(name, &message));
                }
                Purpose::Return { serial: answered } if *answered == serial => {
                    let path = message.text().context("systemd names no job")?;
                    started = Some((path, message.sender));
                }
                Purpose::Signal { interface, member } if interface == MANAGER_INTERFACE && member == "JobRemoved" => {
                    ensure!(ended.len() < JOBS_MAX, "more than {JOBS_MAX} other jobs ended first");
                    ended.push((message.sender.clone(), Job::read(&message)?));
                }
                Purpose::Return { .. } | Purpose::Error { .. } | Purpose::Signal { .. } | Purpose::Other => continue,
            }
            let Some((path, manager)) = &started else { continue };
            let ours = ended.drain(..).find(|(sender, job)| sender == manager && job.path == *path);
            match ours {
                Some((_, job)) if job.result == "done" => return Ok(()),
                Some((_, job)) => bail!("the job ended as {}", job.result.escape_debug()),
                None => {}
            }
        }
    }
}

/// What systemd says of a job that has ended.
struct Job {
    path: String,
    result: String,
}

impl Job {
    fn read(message: &Message) -> Result<Self> {
        ensure!(message.signature == "uoss", "JobRemoved with {} in it", message.signature.escape_debug());
        let mut body = Reader::new(&message.body);
        let _number = body.number()?;
        let path = body.text()?.to_owned();
        let _unit = body.text()?;
        Ok(Self { path, result: body.text()?.to_owned() })
    }
}

/// The error that an error message makes.
fn refusal(name: &str, message: &Message) -> anyhow::Error {
    let text = message.text().unwrap_or_else(|| name.to_owned());
    match name {
        "org.freedesktop.systemd1.UnitExists" => Kind::Exists.error(text),
        "org.freedesktop.DBus.Error.ServiceUnknown" | "org.freedesktop.DBus.Error.NameHasNoOwner" => {
            Kind::NotFound.error("no systemd manager is on this bus")
        }
        "org.freedesktop.DBus.Error.AccessDenied" | "org.freedesktop.DBus.Error.InteractiveAuthorizationRequired" => {
            Kind::Denied.error(text)
        }
        _ => anyhow!(text),
    }
}

/// `@name` is an abstract one, by sd_notify(3).
fn notify_at(name: &[u8], state: &str) -> Result<()> {
    let address = match name {
        [b'@', name @ ..] => SocketAddr::from_abstract_name(name)?,
        [b'/', ..] => SocketAddr::from_pathname(std::ffi::OsStr::from_bytes(name))?,
        _ => return Err(Kind::BadInput.error(format!("NOTIFY_SOCKET is {}", name.escape_ascii()))),
    };
    let socket = UnixDatagram::unbound()?;
    socket.set_write_timeout(Some(ANSWER_TIME_MAX))?;
    socket.send_to_addr(state.as_bytes(), &address)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::dbus::tests::message;
    use super::*;
    use std::io::{Read, Write};
    use std::os::unix::net::UnixListener;

    const SYSTEMD: (u8, &str) = (7, ":1.0");
    const REMOVED: [(u8, &str); 2] = [(2, MANAGER_INTERFACE), (3, "JobRemoved")];

    fn removed(sender: (u8, &str), job: &str, result: &str) -> Vec<u8> {
        let mut body = Writer::default();
        body.number(1);
        [job, "x.scope", result].iter().for_each(|text| body.text(text).unwrap());
        message(4, &[], &[REMOVED[0], REMOVED[1], sender], "uoss", &body.bytes)
    }

    fn reply(serial: u32, kind: u8, name: &str, signature: &str, text: &str) -> Vec<u8> {
        let mut body = Writer::default();
        body.text(text).unwrap();
        message(kind, &[(5, serial)], &[(4, name), SYSTEMD], signature, &body.bytes)
    }

    /// Starts a scope at a peer that answers with these bytes, whatever it is asked.
    fn start_at(peer: Peer, answer: Vec<u8>) -> Result<()> {
        let (process, thread) = (std::process::id(), std::thread::current().id());
        let dir = std::env::temp_dir().join(format!("coracle-systemd-{process}-{thread:?}"));
        std::fs::create_dir(&dir)?;
        let socket = dir.join("socket");
        let listener = UnixListener::bind(&socket)?;
        let serve = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            stream.write_all(b"DATA\r\nOK 0123\r\n").unwrap();
            stream.write_all(&answer).unwrap();
            stream.shutdown(std::net::Shutdown::Write).unwrap();
            let mut asked = Vec::new();
            let _ = stream.read_to_end(&mut asked);
            asked
        });
        let start = || {
            let deadline = Instant::now() + ANSWER_TIME_MAX;
            Manager::open(&socket, peer, deadline)?.start_unit("x.scope", &[("PIDs", Value::Numbers(&[1]))])
        };
        let result = start();
        let asked = serve.join().expect("the peer's own assertions");
        assert!(asked.starts_with(b"\0AUTH EXTERNAL\r\n"), "{}", asked.escape_ascii());
        std::fs::remove_dir_all(&dir)?;
        result
    }

    #[test]
    fn a_scope_has_started_when_its_own_job_is_done() {
        let answered = reply(1, 2, "", "o", "/job/7");
        start_at(
            Peer::Manager,
            [removed(SYSTEMD, "/job/6", "failed"), answered, removed(SYSTEMD, "/job/7", "done")].concat(),
        )
        .unwrap();
        let early = [removed(SYSTEMD, "/job/7", "done"), reply(1, 2, "", "o", "/job/7")].concat();
        start_at(Peer::Manager, early).unwrap();
        // Over a bus, three messages go before ours.
        start_at(Peer::Bus, [reply(4, 2, "", "o", "/job/7"), removed(SYSTEMD, "/job/7", "done")].concat()).unwrap();
    }

    #[test]
    fn a_signal_of_another_sender_is_not_believed() {
        let forged = [reply(4, 2, "", "o", "/job/7"), removed((7, ":1.66"), "/job/7", "done")].concat();
        let error = start_at(Peer::Bus, forged).unwrap_err();
        assert_eq!(error::line(&error), "the bus closed the connection");
    }

    #[test]
    fn refusals_and_failed_jobs_are_errors() {
        let failed = [reply(1, 2, "", "o", "/job/7"), removed(SYSTEMD, "/job/7", "failed")].concat();
        assert_eq!(error::line(&start_at(Peer::Manager, failed).unwrap_err()), "the job ended as failed");
        let denied = reply(1, 3, "org.freedesktop.DBus.Error.AccessDenied", "s", "Access denied");
        assert_eq!(error::kind(&start_at(Peer::Manager, denied).unwrap_err()), Kind::Denied);
        assert!(start_at(Peer::Manager, vec![b'l'; 64]).is_err());
        assert!(start_at(Peer::Manager, Vec::new()).is_err());
    }

    #[test]
    fn a_description_cannot_add_lines_to_the_unit() {
        for text in ["a\nExecStartPre=/x", "a\r", "a\u{85}b", "a\\"] {
            let error = refuse_line_breaks(&[("Description", Value::Text(text))]).unwrap_err();
            assert_eq!(error::kind(&error), Kind::BadInput, "{text:?}");
        }
        assert!(
            refuse_line_breaks(&[("Description", Value::Text("web (50 %) \"x\"")), ("A", Value::Number(1))]).is_ok()
        );
    }

    #[test]
    fn bus_addresses_name_files_only() {
        let paths = |text: &str| bus_paths(text).map(|path| path.display().to_string()).collect::<Vec<_>>();
        assert_eq!(paths("unix:path=/run/user/1000/bus"), ["/run/user/1000/bus"]);
        assert_eq!(paths("tcp:host=x;unix:guid=1,path=/a%20b"), ["/a b"]);
        for text in ["", "unix:abstract=/tmp/x", "unix:path=relative", "unix:path=/a%2", "unix:path=/a%zz"] {
            assert!(paths(text).is_empty(), "{text}");
        }
    }

    #[test]
    fn the_notify_socket_may_be_a_path_or_abstract() {
        let name = format!("coracle-notify-{}", std::process::id());
        let address = SocketAddr::from_abstract_name(&name).unwrap();
        let socket = UnixDatagram::bind_addr(&address).unwrap();
        notify_at(format!("@{name}").as_bytes(), "READY=1\nMAINPID=7").unwrap();
        let mut buffer = [0; 64];
        let length = socket.recv(&mut buffer).unwrap();
        assert_eq!(&buffer[..length], b"READY=1\nMAINPID=7");
        assert!(notify_at(b"vsock:2:1", "READY=1").is_err());
        assert!(notify_at(b"/nonexistent/notify", "READY=1").is_err());
    }
}

//! A terminal or a pipe joined to a container: what the CLI does while the monitor carries the bytes.
//!
//! The streams themselves were handed to the monitor; left for this process are the terminal's modes, its size, and
//! the signals that the user sends.

use super::globals::Globals;
use crate::container::config::LogDriver;
use crate::container::control::{Attach, Connection, Reply, Request};
use crate::error::Kind;
use crate::settings::Settings;
use crate::sys::process::standard_stream;
use crate::sys::terminal::{self, Raw};
use anyhow::{Context, Result};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::Signal;
use std::io::IsTerminal;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

/// The keys that detach, where nobody chose others: ctrl-p, ctrl-q.
const DETACH_KEYS: &str = "ctrl-p,ctrl-q";

/// The keys that detach: what the command line says, else the settings.
pub fn detach_keys(asked: Option<String>, settings: &Settings) -> String {
    asked.or_else(|| settings.engine.detach_keys.clone()).unwrap_or_else(|| DETACH_KEYS.to_owned())
}

/// The same for those who need no settings but for this; without a terminal nobody types, and no file is read.
pub fn keys_of(asked: Option<&str>, is_terminal: bool, globals: &Globals) -> Result<String> {
    match asked {
        Some(keys) => Ok(keys.to_owned()),
        None if is_terminal => Ok(detach_keys(None, &globals.settings()?)),
        None => Ok(String::new()),
    }
}

/// The streams of this process that a container gets, and the terminal among them.
pub struct Streams {
    fds: Vec<OwnedFd>,
    pub attach: Attach,
    /// Whether the container's terminal is shown on ours, so that ours must be raw.
    is_terminal: bool,
}

/// What is wanted of the streams.
pub struct Wanted<'a> {
    pub stdin: bool,
    pub stdout: bool,
    pub stderr: bool,
    /// Whether the container has a terminal.
    pub terminal: bool,
    pub detach_keys: &'a str,
}

impl Streams {
    /// Streams for a container with this log driver; one that passes them through has all three for its own.
    pub fn open_for(driver: LogDriver, wanted: &Wanted<'_>) -> Result<Self> {
        match driver {
            LogDriver::Passthrough if (0..3).any(is_terminal) => Err(Kind::BadInput.hinted(
                "the log driver passthrough does not take a terminal",
                "use passthrough-tty, or another driver",
            )),
            LogDriver::Passthrough | LogDriver::PassthroughTty => {
                Self::open(&Wanted { stdin: true, stdout: true, stderr: true, terminal: false, detach_keys: "" })
            }
            LogDriver::K8sFile | LogDriver::JsonFile | LogDriver::Journald | LogDriver::None => Self::open(wanted),
        }
    }

    pub fn open(wanted: &Wanted<'_>) -> Result<Self> {
        let mut fds = Vec::new();
        let stdin_is_terminal = std::io::stdin().is_terminal();
        if wanted.stdin {
            fds.push(standard_stream(0)?);
        }
        if wanted.stdout {
            fds.push(standard_stream(1)?);
        }
        if wanted.stderr {
            fds.push(standard_stream(2)?);
        }
        let size = if wanted.terminal { own_size() } else { None };
        let detach_keys = if wanted.terminal { parse_keys(wanted.detach_keys)? } else { Vec::new() };
        let attach = Attach {
            stdin: wanted.stdin,
            stdout: wanted.stdout,
            stderr: wanted.stderr,
            detach_keys,
            size,
            preserved: Vec::new(),
        };
        Ok(Self { fds, attach, is_terminal: wanted.terminal && wanted.stdin && stdin_is_terminal })
    }

    /// Adds descriptors that are for the process itself, under their numbers.
    pub fn preserve(&mut self, preserved: Vec<(i32, OwnedFd)>) {
        for (number, fd) in preserved {
            self.attach.preserved.push(number);
            self.fds.push(fd);
        }
    }

    pub fn borrowed(&self) -> Vec<BorrowedFd<'_>> {
        self.fds.iter().map(AsFd::as_fd).collect()
    }
}

fn is_terminal(number: i32) -> bool {
    standard_stream(number).is_ok_and(|stream| stream.is_terminal())
}

fn own_size() -> Option<terminal::Size> {
    [1, 0, 2].iter().find_map(|number| terminal::size(standard_stream(*number).ok()?.as_fd()).ok())
}

/// How a session at a container came to its end.
pub enum End {
    Exited(i32),
    Detached,
}

/// The signals that are handed on to the container: those that a user or a supervisor sends to end or to poke it.
const PROXIED: [Signal; 8] = [
    Signal::SIGINT,
    Signal::SIGTERM,
    Signal::SIGHUP,
    Signal::SIGQUIT,
    Signal::SIGUSR1,
    Signal::SIGUSR2,
    Signal::SIGCONT,
    Signal::SIGALRM,
];

/// Blocks the signals that [`follow`] will handle. Called before the container starts, so that none is lost.
pub fn prepare_signals(proxy: bool) -> Result<nix::sys::signalfd::SignalFd> {
    let mut signals = vec![Signal::SIGWINCH];
    if proxy {
        signals.extend(PROXIED);
    }
    crate::sys::signal::to_descriptor(&signals)
}

/// Stays with a container, or an exec'd process, until it ends or the user detaches.
pub fn follow(connection: &Connection, streams: &Streams, signals: &nix::sys::signalfd::SignalFd) -> Result<End> {
    // Raw from here to the return: the guard restores the terminal before anything is printed.
    let _raw = if streams.is_terminal { Some(Raw::enter(standard_stream(0)?)?) } else { None };
    if streams.is_terminal
        && let Some(size) = own_size()
    {
        connection.request(Request::Resize(size), &[])?;
    }
    loop {
        let mut polled =
            [PollFd::new(connection.as_fd(), PollFlags::POLLIN), PollFd::new(signals.as_fd(), PollFlags::POLLIN)];
        match poll(&mut polled, PollTimeout::NONE) {
            Ok(_) => {}
            Err(nix::errno::Errno::EINTR) => continue,
            Err(errno) => return Err(errno).context("poll"),
        }
        let (heard, signalled) = (is_ready(&polled[0]), is_ready(&polled[1]));
        if signalled {
            pass_signals_on(connection, signals)?;
        }
        if heard {
            match connection.reply()? {
                Some((Reply::Exited { code }, _)) => return Ok(End::Exited(code)),
                Some((Reply::Detached, _)) => return Ok(End::Detached),
                Some((Reply::Dropped(wire), _)) => return Err(wire.into()),
                Some((
                    Reply::Failed(_)
                    | Reply::Done
                    | Reply::Started { .. }
                    | Reply::Entered(_)
                    | Reply::Checked { .. }
                    | Reply::Namespaces(_),
                    _,
                )) => {}
                None => return Err(Kind::Engine.error("the monitor has gone away, and the container with it")),
            }
        }
    }
}

fn is_ready(polled: &PollFd<'_>) -> bool {
    polled.revents().is_some_and(|events| !events.is_empty())
}

fn pass_signals_on(connection: &Connection, signals: &nix::sys::signalfd::SignalFd) -> Result<()> {
    while let Some(signal) = signals.read_signal().context("read signal")? {
        let request = if signal.ssi_signo == Signal::SIGWINCH as u32 {
            match own_size() {
                Some(size) => Request::Resize(size),
                None => continue,
            }
        } else {
            Request::Signal(signal.ssi_signo as i32)
        };
        // A container that has just ended takes no more signals; its end is the next thing to be heard.
        let _ = connection.request(request, &[]);
    }
    Ok(())
}

/// `ctrl-p,ctrl-q` as the bytes that a terminal sends. Empty is none.
pub fn parse_keys(text: &str) -> Result<Vec<u8>> {
    let key = |word: &str| -> Result<u8> {
        let bad = || {
            Kind::BadInput
                .error(format!("{word:?} is not a detach key: a character, or ctrl- and one of a-z @ [ \\ ] ^ _"))
        };
        let control = word.strip_prefix("ctrl-");
        match (control.unwrap_or(word).as_bytes(), control.is_some()) {
            ([character], false) => Ok(*character),
            ([character @ b'a'..=b'z'], true) => Ok(character - b'a' + 1),
            ([b'@'], true) => Ok(0),
            ([character @ (b'[' | b'\\' | b']' | b'^' | b'_')], true) => Ok(character - b'[' + 27),
            _ => Err(bad()),
        }
    };
    text.split(',').filter(|word| !word.is_empty()).map(key).collect()
}

#[cfg(test)]
mod tests {
    use super::parse_keys;

    #[test]
    fn detach_keys_parse() {
        assert_eq!(parse_keys("ctrl-p,ctrl-q").unwrap(), [0x10, 0x11]);
        assert_eq!(parse_keys("a,ctrl-@,ctrl-[").unwrap(), [b'a', 0, 27]);
        assert!(parse_keys("").unwrap().is_empty());
        assert!(parse_keys("ctrl-1").is_err() && parse_keys("ab").is_err());
    }
}

//! The monitor's ends of a process's standard streams.

use crate::container::control::Attach;
use crate::container::log::{Log, Stream};
use crate::sys::terminal::{self, Size};
use anyhow::{Context, Result};
use rustix::fs::OFlags;
use rustix::io::Errno;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

/// How much is carried at once: as much as a pipe holds.
pub const CHUNK: usize = 64 << 10;

/// How many chunks of an ended process are taken: more than a pipe holds.
pub const DRAIN_ROUNDS_MAX: usize = 64;

/// A pipe that polls writable takes at least this much: pipe(7), PIPE_BUF.
pub const PIPE_CHUNK: usize = 4096;

/// Our ends: of three pipes, or the master of a terminal, which is input and output in one.
pub struct Streams {
    terminal: bool,
    stdin: Option<OwnedFd>,
    stdout: Option<OwnedFd>,
    stderr: Option<OwnedFd>,
    /// Input that the process has not taken yet.
    input: Vec<u8>,
    /// Whether the input is at its end once that is taken.
    input_ended: bool,
    log: Option<Log>,
    /// Who started the process, until the loop takes them over.
    pub first_client: Option<(Attach, Vec<OwnedFd>)>,
}

/// The process's ends of the pipes.
pub struct Theirs {
    pub stdin: OwnedFd,
    pub stdout: OwnedFd,
    pub stderr: OwnedFd,
}

impl Streams {
    /// Pipes for a process without a terminal; without `interactive` it reads an empty stream.
    pub fn pipes(interactive: bool, log: Option<Log>) -> Result<(Self, Theirs)> {
        let (stdin, their_stdin) = if interactive {
            let (theirs, ours) = pipe()?;
            (Some(ours), theirs)
        } else {
            (None, crate::fs::open_null()?)
        };
        let (stdout, their_stdout) = pipe()?;
        let (stderr, their_stderr) = pipe()?;
        for fd in stdin.iter().chain([&stdout, &stderr]) {
            set_nonblocking(fd)?;
        }
        let theirs = Theirs { stdin: their_stdin, stdout: their_stdout, stderr: their_stderr };
        Ok((Self::with(false, stdin, Some(stdout), Some(stderr), log), theirs))
    }

    /// For a process whose streams are none of ours.
    pub fn none() -> Self {
        Self::with(false, None, None, None, None)
    }

    /// For a process whose terminal is not made yet.
    pub fn terminal(log: Option<Log>) -> Self {
        Self::with(true, None, None, None, log)
    }

    fn with(
        terminal: bool,
        stdin: Option<OwnedFd>,
        stdout: Option<OwnedFd>,
        stderr: Option<OwnedFd>,
        log: Option<Log>,
    ) -> Self {
        Self { terminal, stdin, stdout, stderr, input: Vec::new(), input_ended: false, log, first_client: None }
    }

    /// Takes the master of the terminal that the process has made.
    pub fn set_master(&mut self, master: OwnedFd, interactive: bool) -> Result<()> {
        set_nonblocking(&master)?;
        self.stdin = if interactive { Some(master.try_clone().context("duplicate terminal")?) } else { None };
        self.stdout = Some(master);
        Ok(())
    }

    pub fn is_terminal(&self) -> bool {
        self.terminal
    }

    /// Whether anything may still come out.
    pub fn is_open(&self) -> bool {
        self.stdout.is_some() || self.stderr.is_some()
    }

    pub fn outputs(&self) -> impl Iterator<Item = (Stream, BorrowedFd<'_>)> {
        let stdout = self.stdout.iter().map(|fd| (Stream::Stdout, fd.as_fd()));
        stdout.chain(self.stderr.iter().map(|fd| (Stream::Stderr, fd.as_fd())))
    }

    /// Reads what a stream has, into the log too. Nothing when there is nothing now; at its end the stream is closed.
    pub fn read(&mut self, stream: Stream, space: &mut Vec<u8>) {
        let end = match stream {
            Stream::Stdout => &mut self.stdout,
            Stream::Stderr => &mut self.stderr,
        };
        let Some(fd) = end else { return };
        match rustix::io::read(fd, rustix::buffer::spare_capacity(space)) {
            Ok(0) => *end = None,
            Ok(_) => {
                if let Some(log) = &mut self.log {
                    log.append(stream, space);
                }
            }
            Err(Errno::AGAIN | Errno::INTR) => {}
            // EIO: the last process has closed the terminal.
            Err(_) => *end = None,
        }
    }

    /// Whether more input is welcome.
    pub fn wants_input(&self) -> bool {
        self.input.is_empty() && !self.input_ended
    }

    pub fn write(&mut self, bytes: &[u8]) {
        if self.stdin.is_some() {
            self.input.extend_from_slice(bytes);
            self.flush_input();
        }
    }

    /// The descriptor to wait for when input is waiting.
    pub fn pending_input(&self) -> Option<BorrowedFd<'_>> {
        self.stdin.as_ref().filter(|_| !self.input.is_empty()).map(AsFd::as_fd)
    }

    pub fn flush_input(&mut self) {
        let Some(stdin) = &self.stdin else { return self.input.clear() };
        match rustix::io::write(stdin, &self.input) {
            Ok(length) => drop(self.input.drain(..length)),
            Err(Errno::AGAIN | Errno::INTR) => {}
            Err(_) => {
                self.input.clear();
                self.stdin = None;
            }
        }
        if self.input.is_empty() && self.input_ended {
            self.stdin = None;
        }
    }

    /// The input is at its end. A terminal stays open: its end is a character that the user types.
    pub fn close_input(&mut self) {
        self.input_ended = true;
        if self.input.is_empty() && !self.terminal {
            self.stdin = None;
        }
    }

    pub fn resize(&self, size: Size) -> Result<()> {
        match &self.stdout {
            Some(master) if self.terminal => terminal::set_size(master.as_fd(), size),
            _ => Ok(()),
        }
    }
}

fn pipe() -> Result<(OwnedFd, OwnedFd)> {
    rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC).context("pipe")
}

/// Only for descriptors whose open file description is ours alone: the flag belongs to that, not to the number.
fn set_nonblocking(fd: &OwnedFd) -> Result<()> {
    rustix::fs::fcntl_setfl(fd, OFlags::NONBLOCK).context("fcntl F_SETFL")
}

//! Who is connected to the monitor, what they wait for, and the streams they have handed over.

use super::stdio::CHUNK;
use crate::container::control::{Attach, Reply};
use crate::container::log::Stream;
use crate::sys::socket;
use nix::poll::PollFlags;
use rustix::io::Errno;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

/// A connection on `ctl`.
pub struct Client {
    pub key: u32,
    pub socket: OwnedFd,
    pub role: Role,
    pub stdin: Option<OwnedFd>,
    outputs: [Output; 2],
    detach_keys: Vec<u8>,
    /// How many of the detach keys have been typed in a row.
    detach_typed: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Has not asked for anything that lasts.
    Visitor,
    /// Wants to hear of this process's end.
    Waiting(u32),
    /// Has its streams joined to this process's, and wants to hear of its end.
    Attached(u32),
    Gone,
}

/// One output of a client, with what it has not read yet.
#[derive(Default)]
struct Output {
    fd: Option<OwnedFd>,
    pending: Vec<u8>,
}

/// What a client's standard input brought.
pub enum Input {
    Bytes(Vec<u8>),
    End,
    /// The detach keys, after these bytes.
    Detach(Vec<u8>),
}

impl Client {
    pub fn new(key: u32, socket: OwnedFd) -> Self {
        Self {
            key,
            socket,
            role: Role::Visitor,
            stdin: None,
            outputs: Default::default(),
            detach_keys: Vec::new(),
            detach_typed: 0,
        }
    }

    /// Joins the streams that came with a request; descriptors beyond those named are closed.
    pub fn attach(&mut self, process: u32, attach: Attach, fds: Vec<OwnedFd>) {
        let mut fds = fds.into_iter();
        let mut take = |named: bool| if named { fds.next() } else { None };
        self.stdin = take(attach.stdin);
        self.outputs = [take(attach.stdout), take(attach.stderr)].map(|fd| Output { fd, pending: Vec::new() });
        self.detach_keys = attach.detach_keys;
        self.role = Role::Attached(process);
    }

    pub fn attached_to(&self) -> Option<u32> {
        match self.role {
            Role::Attached(key) => Some(key),
            Role::Visitor | Role::Waiting(_) | Role::Gone => None,
        }
    }

    /// Whether it gave any stream to be joined.
    pub fn has_streams(&self) -> bool {
        self.stdin.is_some() || self.outputs.iter().any(|output| output.fd.is_some())
    }

    pub fn waits_for(&self, process: u32) -> bool {
        self.role == Role::Attached(process) || self.role == Role::Waiting(process)
    }

    /// Its streams are let go of at once; the process goes on.
    pub fn leave(&mut self) {
        self.role = Role::Gone;
        self.stdin = None;
        self.outputs = Default::default();
    }

    pub fn is_gone(&self) -> bool {
        self.role == Role::Gone
    }

    fn output(&mut self, stream: Stream) -> &mut Output {
        match stream {
            Stream::Stdout => &mut self.outputs[0],
            Stream::Stderr => &mut self.outputs[1],
        }
    }

    /// Hands bytes on: what is not taken at once waits until the descriptor polls writable.
    pub fn give(&mut self, stream: Stream, bytes: &[u8]) {
        let output = self.output(stream);
        if output.fd.is_some() {
            output.pending.extend_from_slice(bytes);
            output.flush_if_writable();
        }
    }

    pub fn has_pending(&self) -> bool {
        self.outputs.iter().any(|output| !output.pending.is_empty())
    }

    /// The first descriptor that is waited for.
    pub fn pending_output(&self) -> Option<BorrowedFd<'_>> {
        let output = self.outputs.iter().find(|output| !output.pending.is_empty())?;
        output.fd.as_ref().map(AsFd::as_fd)
    }

    /// Writes what is pending, now that its descriptor polls writable, or forgets it if its reader has gone.
    pub fn flush(&mut self, flags: PollFlags) {
        if let Some(output) = self.outputs.iter_mut().find(|output| !output.pending.is_empty()) {
            if flags.contains(PollFlags::POLLOUT) {
                output.write_chunk();
            } else {
                *output = Output::default();
            }
        }
    }

    /// Reads the client's standard input, looking for the keys that detach from a terminal.
    pub fn read_input(&mut self, is_terminal: bool) -> Input {
        let mut space = [0; CHUNK];
        let Some(stdin) = &self.stdin else { return Input::Bytes(Vec::new()) };
        let length = match rustix::io::read(stdin, &mut space) {
            Ok(0) => {
                self.stdin = None;
                return Input::End;
            }
            Ok(length) => length,
            Err(Errno::AGAIN | Errno::INTR) => return Input::Bytes(Vec::new()),
            Err(_) => {
                self.stdin = None;
                return Input::End;
            }
        };
        if !is_terminal || self.detach_keys.is_empty() {
            return Input::Bytes(space[..length].to_vec());
        }
        self.without_detach_keys(&space[..length])
    }

    /// Passes input on but for the detach keys, which are held back while they may still become the whole sequence.
    fn without_detach_keys(&mut self, typed: &[u8]) -> Input {
        let mut passed = Vec::with_capacity(typed.len());
        for byte in typed {
            if *byte == self.detach_keys[self.detach_typed] {
                self.detach_typed += 1;
                if self.detach_typed == self.detach_keys.len() {
                    self.detach_typed = 0;
                    return Input::Detach(passed);
                }
                continue;
            }
            passed.extend_from_slice(&self.detach_keys[..self.detach_typed]);
            self.detach_typed = usize::from(*byte == self.detach_keys[0]);
            if self.detach_typed == 0 {
                passed.push(*byte);
            }
        }
        Input::Bytes(passed)
    }
}

impl Output {
    fn flush_if_writable(&mut self) {
        use nix::poll::{PollFd, PollTimeout, poll};
        while !self.pending.is_empty() {
            let Some(fd) = &self.fd else { return };
            let mut polled = [PollFd::new(fd.as_fd(), PollFlags::POLLOUT)];
            // The descriptor is shared with the client, so it cannot be made non-blocking: ask first.
            let writable = poll(&mut polled, PollTimeout::ZERO).is_ok_and(|count| count > 0);
            if !writable {
                return;
            }
            self.write_chunk();
        }
    }

    fn write_chunk(&mut self) {
        let Some(fd) = &self.fd else { return self.pending.clear() };
        match rustix::io::write(fd, &self.pending[..self.pending.len().min(CHUNK)]) {
            Ok(length) => drop(self.pending.drain(..length)),
            Err(Errno::AGAIN | Errno::INTR) => {}
            Err(_) => *self = Self::default(),
        }
    }
}

/// Sends one answer. A client that is gone, or that lets its queue fill up, does not hold the monitor up.
pub fn answer(socket: &OwnedFd, reply: &Reply) {
    if let Ok(bytes) = serde_json::to_vec(reply) {
        let _ = socket::send(socket.as_fd(), &bytes, &[]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(bytes: &[&[u8]]) -> (Vec<u8>, bool) {
        let (socket, _) = socket::pair().unwrap();
        let mut client = Client::new(1, socket);
        client.detach_keys = vec![0x10, 0x11];
        let mut passed = Vec::new();
        for chunk in bytes {
            match client.without_detach_keys(chunk) {
                Input::Bytes(more) => passed.extend(more),
                Input::Detach(more) => return ([passed, more].concat(), true),
                Input::End => unreachable!(),
            }
        }
        (passed, false)
    }

    #[test]
    fn detach_keys_are_found_across_reads_and_nothing_else_is_swallowed() {
        assert_eq!(typed(&[b"ab\x10", b"\x11cd"]), (b"ab".to_vec(), true));
        assert_eq!(typed(&[b"a\x10", b"b"]), (b"a\x10b".to_vec(), false));
        assert_eq!(typed(&[b"\x10\x10\x11"]), (b"\x10".to_vec(), true));
    }
}

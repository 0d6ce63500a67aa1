//! Who is connected to the monitor, what they wait for, and the streams they have handed over.

use super::stdio::{CHUNK, PIPE_CHUNK};
use crate::container::control::{Attach, Reply};
use crate::container::log::Stream;
use crate::error::Kind;
use crate::sys::socket;
use nix::poll::PollFlags;
use rustix::fs::FileType;
use rustix::io::{Errno, ReadWriteFlags};
use std::io::IoSlice;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::{Duration, Instant};

/// How much a client may have unread before its process is held back.
const PENDING_BYTES_MAX: usize = 64 << 10;

/// How long a guest may hold a process back before it is let go of.
const GUEST_PATIENCE: Duration = Duration::from_secs(1);

/// A connection on `ctl`.
pub struct Client {
    pub key: u32,
    pub socket: OwnedFd,
    /// The version of the conversation that it speaks.
    pub version: u32,
    pub role: Role,
    pub stdin: Option<OwnedFd>,
    place: Place,
    outputs: [Output; 2],
    /// Since when it has had more unread than it may.
    full_since: Option<Instant>,
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
    /// Its process has ended with this code, which it is told when it has read all that came before.
    Ended(i32),
    Gone,
}

/// How much a client matters to the process that it is attached to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// It has started the process: nothing is lost for it, and as long as it does not read, the process waits.
    Host,
    /// It came later: one that does not read is let go of.
    Guest,
}

/// One output of a client, with what it has not read yet.
#[derive(Default)]
struct Output {
    fd: Option<OwnedFd>,
    way: Way,
    pending: Vec<u8>,
    /// How much of `pending` has been taken.
    taken: usize,
}

/// How a descriptor is written to without waiting. It is shared with the client, so it cannot be made non-blocking.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Way {
    /// Nothing ever waits there.
    File,
    /// The kernel takes a flag with each write.
    Flag,
    /// Asked first: what polls writable takes a little.
    #[default]
    Ask,
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
            version: 1,
            role: Role::Visitor,
            stdin: None,
            place: Place::Guest,
            outputs: Default::default(),
            full_since: None,
            detach_keys: Vec::new(),
            detach_typed: 0,
        }
    }

    /// Joins the streams that came with a request; descriptors beyond those named are closed.
    pub fn attach(&mut self, process: u32, attach: Attach, fds: Vec<OwnedFd>, place: Place) {
        let mut fds = fds.into_iter();
        let mut take = |named: bool| if named { fds.next() } else { None };
        self.stdin = take(attach.stdin);
        self.outputs = [take(attach.stdout), take(attach.stderr)].map(Output::to);
        self.place = place;
        self.detach_keys = attach.detach_keys;
        self.role = Role::Attached(process);
    }

    pub fn attached_to(&self) -> Option<u32> {
        match self.role {
            Role::Attached(key) => Some(key),
            Role::Visitor | Role::Waiting(_) | Role::Ended(_) | Role::Gone => None,
        }
    }

    /// Whether it gave any stream to be joined.
    pub fn has_streams(&self) -> bool {
        self.stdin.is_some() || self.outputs.iter().any(|output| output.fd.is_some())
    }

    pub fn waits_for(&self, process: u32) -> bool {
        self.role == Role::Attached(process) || self.role == Role::Waiting(process)
    }

    /// Its process has ended.
    pub fn end(&mut self, code: i32) {
        self.role = Role::Ended(code);
        self.stdin = None;
    }

    /// Tells it of the end of its process once it has read the rest. It may go on to ask for other things.
    pub fn finish(&mut self) {
        if let Role::Ended(code) = self.role
            && !self.has_pending()
        {
            answer(&self.socket, &Reply::Exited { code });
            self.outputs = Default::default();
            self.role = Role::Visitor;
        }
    }

    /// Its streams are let go of at once; the process goes on.
    pub fn leave(&mut self) {
        self.role = Role::Gone;
        self.stdin = None;
        self.full_since = None;
        self.outputs = Default::default();
    }

    pub fn is_gone(&self) -> bool {
        self.role == Role::Gone
    }

    /// When it will be let go of, unless it reads.
    pub fn dropped_at(&self) -> Option<Instant> {
        self.full_since.filter(|_| self.place == Place::Guest).map(|since| since + GUEST_PATIENCE)
    }

    /// Its process is over: a guest that has not read the rest has so much time for it.
    pub fn hurry(&mut self) {
        if self.has_pending() {
            self.full_since.get_or_insert_with(Instant::now);
        }
    }

    pub fn drop_for_slowness(&mut self) {
        if self.version > 1 {
            let message = "left behind: the output was not read for a second; the container goes on";
            answer(&self.socket, &Reply::Dropped((&Kind::Engine.error(message)).into()));
        }
        self.leave();
    }

    fn output(&mut self, stream: Stream) -> &mut Output {
        match stream {
            Stream::Stdout => &mut self.outputs[0],
            Stream::Stderr => &mut self.outputs[1],
        }
    }

    /// Hands bytes on: what is not taken at once waits until the descriptor polls writable.
    pub fn give(&mut self, stream: Stream, bytes: &[u8]) {
        self.output(stream).give(bytes);
        self.look_whether_full();
    }

    pub fn has_pending(&self) -> bool {
        self.outputs.iter().any(Output::has_pending)
    }

    /// Whether its process has to wait for it.
    pub fn is_full(&self) -> bool {
        self.full_since.is_some()
    }

    /// Full from its bound on, until it has read all of it.
    fn look_whether_full(&mut self) {
        if self.outputs.iter().any(|output| output.pending.len() - output.taken >= PENDING_BYTES_MAX) {
            self.full_since.get_or_insert_with(Instant::now);
        } else if !self.has_pending() {
            self.full_since = None;
        }
    }

    /// The first descriptor that is waited for.
    pub fn pending_output(&self) -> Option<BorrowedFd<'_>> {
        let output = self.outputs.iter().find(|output| output.has_pending())?;
        output.fd.as_ref().map(AsFd::as_fd)
    }

    /// Writes what is pending, now that its descriptor polls writable, or forgets it if its reader has gone.
    pub fn flush(&mut self, flags: PollFlags) {
        if let Some(output) = self.outputs.iter_mut().find(|output| output.has_pending()) {
            if flags.contains(PollFlags::POLLOUT) {
                output.flush();
            } else {
                *output = Output::default();
            }
        }
        self.look_whether_full();
    }

    /// Reads the client's standard input, looking for the keys that detach from a terminal.
    pub fn read_input(&mut self, is_terminal: bool) -> Input {
        let mut space = Vec::with_capacity(CHUNK);
        let Some(stdin) = &self.stdin else { return Input::Bytes(Vec::new()) };
        match rustix::io::read(stdin, rustix::buffer::spare_capacity(&mut space)) {
            Ok(0) => {
                self.stdin = None;
                return Input::End;
            }
            Ok(_) => {}
            Err(Errno::AGAIN | Errno::INTR) => return Input::Bytes(Vec::new()),
            Err(_) => {
                self.stdin = None;
                return Input::End;
            }
        }
        if !is_terminal || self.detach_keys.is_empty() {
            return Input::Bytes(space);
        }
        self.without_detach_keys(&space)
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
    fn to(fd: Option<OwnedFd>) -> Self {
        let kind = fd
            .as_ref()
            .and_then(|fd| rustix::fs::fstat(fd).ok())
            .map(|status| FileType::from_raw_mode(status.st_mode));
        let way = match kind {
            Some(FileType::RegularFile) => Way::File,
            Some(FileType::Fifo) => Way::Flag,
            _ => Way::Ask,
        };
        Self { fd, way, pending: Vec::new(), taken: 0 }
    }

    fn has_pending(&self) -> bool {
        self.taken < self.pending.len()
    }

    fn give(&mut self, bytes: &[u8]) {
        let written = if self.has_pending() { 0 } else { self.write(bytes, false) };
        if self.fd.is_some() && written < bytes.len() {
            self.pending.extend_from_slice(&bytes[written..]);
        }
    }

    /// The descriptor polls writable.
    fn flush(&mut self) {
        let pending = std::mem::take(&mut self.pending);
        let written = self.write(&pending[self.taken..], true);
        if self.fd.is_none() {
            return self.taken = 0;
        }
        self.taken += written;
        if self.taken < pending.len() {
            self.pending = pending;
        } else {
            self.taken = 0;
        }
    }

    /// Writes what is taken without waiting, and says how much that was. A reader that has gone is forgotten.
    fn write(&mut self, bytes: &[u8], mut polls_writable: bool) -> usize {
        let mut written = 0;
        while written < bytes.len() {
            let Some(fd) = &self.fd else { return bytes.len() };
            let rest = &bytes[written..];
            let result = match self.way {
                Way::File => rustix::io::write(fd, rest),
                Way::Flag => rustix::io::pwritev2(fd, &[IoSlice::new(rest)], u64::MAX, ReadWriteFlags::NOWAIT),
                Way::Ask if polls_writable || is_writable(fd) => {
                    rustix::io::write(fd, &rest[..rest.len().min(PIPE_CHUNK)])
                }
                Way::Ask => return written,
            };
            polls_writable = false;
            match result {
                Ok(length) => written += length,
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => return written,
                // A kernel without the flag for pipes.
                Err(Errno::OPNOTSUPP | Errno::INVAL | Errno::NOSYS) if self.way == Way::Flag => self.way = Way::Ask,
                Err(_) => {
                    *self = Self::default();
                    return bytes.len();
                }
            }
        }
        written
    }
}

fn is_writable(fd: &OwnedFd) -> bool {
    use nix::poll::{PollFd, PollTimeout, poll};
    let mut polled = [PollFd::new(fd.as_fd(), PollFlags::POLLOUT)];
    poll(&mut polled, PollTimeout::ZERO).is_ok_and(|count| count > 0)
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

//! netlink(7): messages to the kernel about links, addresses, routes and firewall tables, and its answers.

use anyhow::{Context, Result};
use rustix::io::Errno;
use rustix::net::sockopt::{Timeout, set_socket_timeout};
use rustix::net::{AddressFamily, Protocol, RecvFlags, SendFlags, SocketFlags, SocketType};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Duration;

/// The families of messages. That of links and routes has the number 0, which is the default.
pub const ROUTE: Option<Protocol> = None;
pub const NETFILTER: Option<Protocol> = Some(rustix::net::netlink::NETFILTER);

/// `NLM_F_*`, netlink(7).
pub const REQUEST: u16 = 1;
const ACK: u16 = 4;
const DUMP: u16 = 0x300;
pub const REPLACE: u16 = 0x100;
pub const EXCLUSIVE: u16 = 0x200;
pub const CREATE: u16 = 0x400;
pub const APPEND: u16 = 0x800;

/// The type of an answer that says whether something was done.
const ERROR: u16 = 2;

/// The type of the last answer of many.
const DONE: u16 = 3;

/// Marks an attribute that has others in it.
const NESTED: u16 = 0x8000;

/// The length of `struct nlmsghdr`.
const HEADER: usize = 16;

/// The most that one datagram of answers has, as the kernel fills them.
const ANSWER_BYTES_MAX: usize = 64 << 10;

/// The most that is taken of what the kernel tells by itself: it is small.
const TOLD_BYTES_MAX: usize = 4096;

/// The most datagrams that one question is answered by.
const ANSWERS_MAX: usize = 4096;

/// The kernel answers at once; what takes this long does not come.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);

/// A message that is being written.
pub struct Message(Vec<u8>);

impl Message {
    /// `header` is the struct that this kind of message begins with.
    pub fn new(kind: u16, flags: u16, header: &[u8]) -> Self {
        let mut bytes = vec![0; HEADER];
        bytes[4..6].copy_from_slice(&kind.to_ne_bytes());
        bytes[6..8].copy_from_slice(&(flags | REQUEST).to_ne_bytes());
        bytes.extend_from_slice(header);
        let mut message = Self(bytes);
        message.pad();
        message
    }

    pub fn bytes(mut self, kind: u16, value: &[u8]) -> Self {
        self.put(kind, value);
        self
    }

    pub fn u32(self, kind: u16, value: u32) -> Self {
        self.bytes(kind, &value.to_ne_bytes())
    }

    /// nfnetlink's numbers, which are in the network's order.
    pub fn be32(self, kind: u16, value: u32) -> Self {
        self.bytes(kind, &value.to_be_bytes())
    }

    pub fn text(mut self, kind: u16, value: &str) -> Self {
        let mut bytes = value.as_bytes().to_vec();
        bytes.push(0);
        self.put(kind, &bytes);
        self
    }

    pub fn nest(mut self, kind: u16, inner: impl FnOnce(Self) -> Self) -> Self {
        let start = self.0.len();
        self.put(kind | NESTED, &[]);
        let mut this = inner(self);
        let length = (this.0.len() - start) as u16;
        this.0[start..start + 2].copy_from_slice(&length.to_ne_bytes());
        this
    }

    /// A struct in the middle, as the peer of a veth pair begins with one.
    pub fn raw(mut self, bytes: &[u8]) -> Self {
        self.0.extend_from_slice(bytes);
        self.pad();
        self
    }

    fn put(&mut self, kind: u16, value: &[u8]) {
        let length = (value.len() + 4) as u16;
        self.0.extend_from_slice(&length.to_ne_bytes());
        self.0.extend_from_slice(&kind.to_ne_bytes());
        self.0.extend_from_slice(value);
        self.pad();
    }

    fn pad(&mut self) {
        self.0.resize(self.0.len().next_multiple_of(4), 0);
    }

    fn finish(mut self, sequence: u32, flags: u16) -> Vec<u8> {
        let length = self.0.len() as u32;
        self.0[..4].copy_from_slice(&length.to_ne_bytes());
        let flags = u16::from_ne_bytes([self.0[6], self.0[7]]) | flags;
        self.0[6..8].copy_from_slice(&flags.to_ne_bytes());
        self.0[8..12].copy_from_slice(&sequence.to_ne_bytes());
        self.0
    }
}

/// A connection to the kernel about one network namespace: the one in which it was opened.
#[derive(Debug)]
pub struct Socket {
    fd: OwnedFd,
    sequence: u32,
}

impl Socket {
    pub fn open(protocol: Option<Protocol>) -> Result<Self> {
        let fd = rustix::net::socket_with(AddressFamily::NETLINK, SocketType::RAW, SocketFlags::CLOEXEC, protocol)
            .context("open a netlink socket")?;
        set_socket_timeout(&fd, Timeout::Recv, Some(ANSWER_TIMEOUT)).context("set a timeout")?;
        Ok(Self { fd, sequence: 0 })
    }

    /// Has one thing done.
    pub fn ask(&mut self, message: Message) -> std::io::Result<()> {
        self.send(message, ACK)?;
        self.answers(self.sequence, |_, _| {})
    }

    /// Asks for one thing, whose description follows the message's header.
    pub fn get(&mut self, message: Message) -> std::io::Result<Option<Vec<u8>>> {
        let mut found = None;
        self.send(message, ACK)?;
        self.answers(self.sequence, |_, body| found = Some(body.to_vec()))?;
        Ok(found)
    }

    /// Asks for all that there are of a kind, and looks at each one's description.
    pub fn list(&mut self, message: Message, mut look: impl FnMut(&[u8])) -> std::io::Result<()> {
        self.send(message, DUMP)?;
        self.answers(self.sequence, |_, body| look(body))
    }

    /// Has all of it done or nothing: nfnetlink's batch, whose first and last message only frame it. The last that does
    /// something asks for the answer; an earlier one that fails is answered as well.
    pub fn batch(&mut self, begin: Message, mut messages: Vec<Message>, end: Message) -> std::io::Result<()> {
        let Some(last) = messages.pop() else { return Ok(()) };
        let first = self.next();
        let mut bytes = begin.finish(first, 0);
        for message in messages {
            bytes.extend(message.finish(self.next(), 0));
        }
        bytes.extend(last.finish(self.next(), ACK));
        let asked = self.sequence;
        bytes.extend(end.finish(asked + 1, 0));
        rustix::net::send(&self.fd, &bytes, SendFlags::empty())?;
        let result = self.answers(first, |_, _| {});
        self.sequence = asked + 1;
        result
    }

    /// Readable when the kernel tells of something by itself.
    pub fn fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }

    /// Looks at what the kernel has told of by itself, without waiting for it. False if there is nothing.
    pub fn take(&self, mut look: impl FnMut(u16, &[u8])) -> bool {
        let mut buffer = [0; TOLD_BYTES_MAX];
        match rustix::net::recv(&self.fd, &mut buffer[..], RecvFlags::DONTWAIT) {
            Ok((read, _)) => {
                let mut rest = &buffer[..read];
                while let Some((kind, _, body, after)) = split(rest) {
                    look(kind, body);
                    rest = after;
                }
                true
            }
            // Some was lost, and there is more.
            Err(Errno::NOBUFS | Errno::INTR) => true,
            Err(_) => false,
        }
    }

    fn next(&mut self) -> u32 {
        self.sequence += 1;
        self.sequence
    }

    fn send(&mut self, message: Message, flags: u16) -> std::io::Result<()> {
        let bytes = message.finish(self.next(), flags);
        rustix::net::send(&self.fd, &bytes, SendFlags::empty())?;
        Ok(())
    }

    /// Reads until the kernel has said that all is done, or what failed, of what was sent from this number on: what came
    /// before has been given up.
    fn answers(&mut self, first: u32, mut found: impl FnMut(u16, &[u8])) -> std::io::Result<()> {
        let mut buffer = vec![0; ANSWER_BYTES_MAX];
        for _ in 0..ANSWERS_MAX {
            let (read, _) = rustix::net::recv(&self.fd, &mut buffer[..], RecvFlags::empty())?;
            let mut rest = &buffer[..read];
            while let Some((kind, sequence, body, after)) = split(rest) {
                rest = after;
                match kind {
                    _ if sequence < first => {}
                    ERROR => {
                        let code =
                            body.get(..4).and_then(|bytes| bytes.try_into().ok()).map_or(0, i32::from_ne_bytes);
                        if code != 0 {
                            return Err(std::io::Error::from_raw_os_error(-code));
                        }
                        if sequence == self.sequence {
                            return Ok(());
                        }
                    }
                    DONE => return Ok(()),
                    _ => found(kind, body),
                }
            }
        }
        Err(std::io::ErrorKind::TimedOut.into())
    }
}

/// The first message's kind, number and body, and what comes after it.
fn split(bytes: &[u8]) -> Option<(u16, u32, &[u8], &[u8])> {
    let length = u32::from_ne_bytes(bytes.get(..4)?.try_into().ok()?) as usize;
    let kind = u16::from_ne_bytes(bytes.get(4..6)?.try_into().ok()?);
    let sequence = u32::from_ne_bytes(bytes.get(8..12)?.try_into().ok()?);
    let body = bytes.get(HEADER..length)?;
    Some((kind, sequence, body, bytes.get(length.next_multiple_of(4)..).unwrap_or_default()))
}

/// The value of an attribute, of several that follow each other.
pub fn attribute(mut bytes: &[u8], wanted: u16) -> Option<&[u8]> {
    loop {
        let length = usize::from(u16::from_ne_bytes(bytes.get(..2)?.try_into().ok()?));
        let kind = u16::from_ne_bytes(bytes.get(2..4)?.try_into().ok()?) & !NESTED;
        let value = bytes.get(4..length)?;
        if kind == wanted {
            return Some(value);
        }
        bytes = bytes.get(length.next_multiple_of(4)..)?;
    }
}

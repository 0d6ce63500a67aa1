//! D-Bus, as much of it as a question to systemd takes: the client's side of a connection, its messages, five types.
//!
//! Rules are those of the D-Bus specification 0.38, "Message Protocol" and "Authentication Protocol".

use crate::error::Kind;
use anyhow::{Context, Result, bail, ensure};
use rustix::net::sockopt::{Timeout, set_socket_timeout};
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType, connect, socket_with};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};

/// The longest message that is read. Those of systemd's manager are a few KiB; the specification allows 128 MiB.
pub const MESSAGE_BYTES_MAX: usize = 1 << 20;

/// The longest line of the authentication, as libdbus bounds it.
const LINE_BYTES_MAX: usize = 16 << 10;

/// What precedes the header fields: byte order, type, flags, version, body length, serial, length of the fields.
const FIXED_HEADER_BYTES: usize = 16;

/// A value of a property.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Value<'a> {
    Boolean(bool),
    /// `t`: bytes, counts, microseconds.
    Number(u64),
    Text(&'a str),
    /// `au`: what systemd takes process ids as.
    Numbers(&'a [u32]),
}

/// A method call.
#[derive(Clone, Copy, Debug)]
pub struct Call<'a> {
    /// None on a connection that has no bus in it, only the one peer.
    pub destination: Option<&'a str>,
    pub path: &'a str,
    pub interface: &'a str,
    pub member: &'a str,
    pub signature: &'a str,
    pub body: &'a [u8],
    pub wants_reply: bool,
}

/// What a message is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Purpose {
    Return {
        serial: u32,
    },
    Error {
        serial: u32,
        name: String,
    },
    Signal {
        interface: String,
        member: String,
    },
    /// A call, or a type that does not exist yet and that the specification has us ignore.
    Other,
}

/// A message that was received.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    pub purpose: Purpose,
    pub sender: Option<String>,
    pub signature: String,
    pub body: Vec<u8>,
}

impl Message {
    /// The text that comes first in a body, as in every error.
    pub fn text(&self) -> Option<String> {
        if !self.signature.starts_with('s') && !self.signature.starts_with('o') {
            return None;
        }
        Reader::new(&self.body).text().ok().map(str::to_owned)
    }
}

/// An authenticated connection. Nothing on it waits beyond its deadline.
#[derive(Debug)]
pub struct Connection {
    stream: UnixStream,
    deadline: Instant,
    last_serial: u32,
    received: Vec<u8>,
}

impl Connection {
    /// Connects and authenticates as the user whom the kernel names to the peer.
    ///
    /// EXTERNAL without a name (an empty DATA) rather than with the uid in it: inside a user namespace our uid is not
    /// the one that the peer sees. systemd has understood it since version 246.
    pub fn open(socket: &Path, deadline: Instant) -> Result<Self> {
        let stream = connect_stream(socket, remaining(deadline)?)?;
        let mut connection = Self { stream, deadline, last_serial: 0, received: Vec::new() };
        connection.write(b"\0AUTH EXTERNAL\r\nDATA\r\nBEGIN\r\n")?;
        loop {
            let line = connection.read_line().context("authenticate")?;
            match line.split(' ').next() {
                Some("DATA") => {}
                Some("OK") => return Ok(connection),
                _ => return Err(Kind::Denied.error(format!("authenticate: {}", line.escape_debug()))),
            }
        }
    }

    /// Sends a call and returns its serial, which the reply will name.
    pub fn send(&mut self, call: &Call<'_>) -> Result<u32> {
        self.last_serial += 1;
        let message = encode(call, self.last_serial)?;
        self.write(&message).with_context(|| format!("call {}", call.member))?;
        Ok(self.last_serial)
    }

    /// Waits for the next message of any kind.
    pub fn receive(&mut self) -> Result<Message> {
        loop {
            if let Some(length) = message_length(&self.received)?
                && self.received.len() >= length
            {
                let message = decode(&self.received[..length])?;
                self.received.drain(..length);
                return Ok(message);
            }
            self.read_more()?;
        }
    }

    pub fn deadline(&self) -> Instant {
        self.deadline
    }

    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.stream.set_write_timeout(Some(remaining(self.deadline)?))?;
        self.stream.write_all(bytes).context("write to the bus")
    }

    fn read_line(&mut self) -> Result<String> {
        loop {
            if let Some(end) = self.received.windows(2).position(|pair| pair == b"\r\n") {
                let line = String::from_utf8_lossy(&self.received[..end]).into_owned();
                self.received.drain(..end + 2);
                return Ok(line);
            }
            ensure!(self.received.len() <= LINE_BYTES_MAX, "the peer sends no end of line");
            self.read_more()?;
        }
    }

    fn read_more(&mut self) -> Result<()> {
        self.stream.set_read_timeout(Some(remaining(self.deadline)?))?;
        let mut chunk = [0; 4096];
        match self.stream.read(&mut chunk) {
            Ok(0) => bail!("the bus closed the connection"),
            Ok(count) => self.received.extend_from_slice(&chunk[..count]),
            // At the deadline, the next `remaining` tells.
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {}
            Err(error) => return Err(error).context("read from the bus"),
        }
        Ok(())
    }
}

/// A whole connect(2) waits while the listener's backlog is full, and std cannot bound that.
fn connect_stream(path: &Path, timeout: Duration) -> Result<UnixStream> {
    let address = SocketAddrUnix::new(path).with_context(|| format!("connect to {}", path.display()))?;
    let socket =
        socket_with(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::CLOEXEC, None).context("socket")?;
    set_socket_timeout(&socket, Timeout::Send, Some(timeout)).context("setsockopt SO_SNDTIMEO")?;
    connect(&socket, &address).with_context(|| format!("connect to {}", path.display()))?;
    Ok(UnixStream::from(socket))
}

fn remaining(deadline: Instant) -> Result<Duration> {
    let left = deadline.saturating_duration_since(Instant::now());
    ensure!(!left.is_zero(), "no answer in time");
    Ok(left)
}

/// The number of bytes of the message that these bytes begin. None if too few are there to tell.
fn message_length(bytes: &[u8]) -> Result<Option<usize>> {
    if bytes.len() < FIXED_HEADER_BYTES {
        return Ok(None);
    }
    // Both ends are on one machine, and those that we run on are little-endian.
    ensure!(bytes[0] == b'l', "the peer has another byte order");
    ensure!(bytes[3] == 1, "the peer speaks version {} of the protocol", bytes[3]);
    let mut reader = Reader { bytes, at: 4 };
    let body_bytes = reader.number()? as usize;
    reader.at = 12;
    let fields_bytes = reader.number()? as usize;
    let length = FIXED_HEADER_BYTES.saturating_add(fields_bytes).next_multiple_of(8).saturating_add(body_bytes);
    ensure!(length <= MESSAGE_BYTES_MAX, "a message of {length} bytes: more than {MESSAGE_BYTES_MAX}");
    Ok(Some(length))
}

/// The header fields that matter here.
#[derive(Default)]
struct Fields {
    interface: Option<String>,
    member: Option<String>,
    error_name: Option<String>,
    reply_serial: Option<u32>,
    sender: Option<String>,
    signature: Option<String>,
}

/// Takes one whole message apart. `bytes` are as many as [`message_length`] says.
fn decode(bytes: &[u8]) -> Result<Message> {
    let mut reader = Reader { bytes, at: 12 };
    let fields_end = FIXED_HEADER_BYTES.saturating_add(reader.number()? as usize);
    let mut fields = Fields::default();
    while reader.at < fields_end {
        read_field(&mut reader, &mut fields)?;
    }
    ensure!(reader.at == fields_end, "a header field that ends beyond the header");
    reader.align(8);
    let purpose = match bytes[1] {
        2 => Purpose::Return { serial: fields.reply_serial.context("a reply to nothing")? },
        3 => Purpose::Error {
            serial: fields.reply_serial.context("a reply to nothing")?,
            name: fields.error_name.context("an error without a name")?,
        },
        4 => Purpose::Signal {
            interface: fields.interface.context("a signal without an interface")?,
            member: fields.member.context("a signal without a name")?,
        },
        _ => Purpose::Other,
    };
    let body = bytes.get(reader.at..).unwrap_or_default().to_vec();
    Ok(Message { purpose, sender: fields.sender, signature: fields.signature.unwrap_or_default(), body })
}

/// Reads one `(yv)`. The fields that are defined have only plain types; one that has not cannot be skipped, and no
/// peer may send it unasked.
fn read_field(reader: &mut Reader<'_>, fields: &mut Fields) -> Result<()> {
    reader.align(8);
    let code = reader.byte()?;
    match reader.signature()? {
        "s" | "o" => {
            let text = Some(reader.text()?.to_owned());
            match code {
                2 => fields.interface = text,
                3 => fields.member = text,
                4 => fields.error_name = text,
                7 => fields.sender = text,
                _ => {}
            }
        }
        "g" => {
            let signature = reader.signature()?.to_owned();
            if code == 8 {
                fields.signature = Some(signature);
            }
        }
        "u" => {
            let number = reader.number()?;
            if code == 5 {
                fields.reply_serial = Some(number);
            }
        }
        other => bail!("a header field of type {}", other.escape_debug()),
    }
    Ok(())
}

/// Values read off a message, none beyond its end.
pub struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    /// Reads a body, which starts at a multiple of 8 and so aligns by itself.
    pub fn new(body: &'a [u8]) -> Self {
        Self { bytes: body, at: 0 }
    }

    /// A string or an object path.
    pub fn text(&mut self) -> Result<&'a str> {
        let length = self.number()? as usize;
        self.terminated(length)
    }

    pub fn number(&mut self) -> Result<u32> {
        self.align(4);
        let bytes = self.take(4)?;
        Ok(u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
    }

    fn byte(&mut self) -> Result<u8> {
        Ok(self.take(1)?[0])
    }

    fn signature(&mut self) -> Result<&'a str> {
        let length = self.byte()?;
        self.terminated(length.into())
    }

    fn terminated(&mut self, length: usize) -> Result<&'a str> {
        let bytes = self.take(length)?;
        ensure!(self.byte()? == 0, "a text that does not end where it says");
        std::str::from_utf8(bytes).context("a text that is not UTF-8")
    }

    fn align(&mut self, to: usize) {
        self.at = self.at.next_multiple_of(to);
    }

    fn take(&mut self, count: usize) -> Result<&'a [u8]> {
        let bytes = self.at.checked_add(count).and_then(|end| self.bytes.get(self.at..end));
        self.at += count;
        bytes.context("a message that ends too early")
    }
}

/// Values put into a message.
#[derive(Default)]
pub struct Writer {
    pub bytes: Vec<u8>,
}

impl Writer {
    pub fn number(&mut self, number: u32) {
        self.align(4);
        self.bytes.extend(number.to_le_bytes());
    }

    /// A string or an object path. One with a zero byte in it has no form on the wire.
    pub fn text(&mut self, text: &str) -> Result<()> {
        if text.contains('\0') {
            return Err(Kind::BadInput.error(format!("{text:?} has a zero byte in it")));
        }
        self.number(u32::try_from(text.len()).context("a text of more than 4 GiB")?);
        self.bytes.extend(text.bytes().chain([0]));
        Ok(())
    }

    /// An array whose elements align to `alignment` bytes.
    pub fn array(&mut self, alignment: usize, elements: impl FnOnce(&mut Self) -> Result<()>) -> Result<()> {
        self.number(0);
        let length_at = self.bytes.len() - 4;
        self.align(alignment);
        let start = self.bytes.len();
        elements(self)?;
        let length = u32::try_from(self.bytes.len() - start).context("an array of more than 4 GiB")?;
        self.bytes[length_at..length_at + 4].copy_from_slice(&length.to_le_bytes());
        Ok(())
    }

    /// Properties as systemd takes them: `a(sv)`.
    pub fn properties(&mut self, properties: &[(&str, Value<'_>)]) -> Result<()> {
        self.array(8, |writer| {
            for (name, value) in properties {
                writer.align(8);
                writer.text(name)?;
                writer.variant(value)?;
            }
            Ok(())
        })
    }

    fn variant(&mut self, value: &Value<'_>) -> Result<()> {
        match value {
            Value::Boolean(boolean) => {
                self.signature("b");
                self.number(u32::from(*boolean));
            }
            Value::Number(number) => {
                self.signature("t");
                self.align(8);
                self.bytes.extend(number.to_le_bytes());
            }
            Value::Text(text) => {
                self.signature("s");
                self.text(text)?;
            }
            Value::Numbers(numbers) => {
                self.signature("au");
                self.array(4, |writer| {
                    numbers.iter().for_each(|number| writer.number(*number));
                    Ok(())
                })?;
            }
        }
        Ok(())
    }

    /// `signature` is one of ours: short, and plain letters.
    fn signature(&mut self, signature: &str) {
        self.bytes.push(signature.len() as u8);
        self.bytes.extend(signature.bytes().chain([0]));
    }

    /// Aligns the next value, or structure, or dictionary entry.
    pub fn align(&mut self, to: usize) {
        self.bytes.resize(self.bytes.len().next_multiple_of(to), 0);
    }
}

fn encode(call: &Call<'_>, serial: u32) -> Result<Vec<u8>> {
    const NO_REPLY_EXPECTED: u8 = 1;
    let mut message = Writer::default();
    message.bytes.extend([b'l', 1, if call.wants_reply { 0 } else { NO_REPLY_EXPECTED }, 1]);
    message.number(u32::try_from(call.body.len()).context("a body of more than 4 GiB")?);
    message.number(serial);
    message.array(8, |writer| {
        for (code, signature, text) in [
            (1, "o", Some(call.path)),
            (2, "s", Some(call.interface)),
            (3, "s", Some(call.member)),
            (6, "s", call.destination),
        ] {
            let Some(text) = text else { continue };
            writer.align(8);
            writer.bytes.push(code);
            writer.signature(signature);
            writer.text(text)?;
        }
        if !call.signature.is_empty() {
            writer.align(8);
            writer.bytes.push(8);
            writer.signature("g");
            writer.signature(call.signature);
        }
        Ok(())
    })?;
    message.align(8);
    message.bytes.extend_from_slice(call.body);
    ensure!(message.bytes.len() <= MESSAGE_BYTES_MAX, "call {}: more than {MESSAGE_BYTES_MAX} bytes", call.member);
    Ok(message.bytes)
}

#[cfg(test)]
pub mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A message of the other side, as a test peer sends it.
    pub fn message(kind: u8, numbers: &[(u8, u32)], texts: &[(u8, &str)], signature: &str, body: &[u8]) -> Vec<u8> {
        let mut message = Writer::default();
        message.bytes.extend([b'l', kind, 0, 1]);
        message.number(body.len() as u32);
        message.number(7);
        let fields = |writer: &mut Writer| {
            for (code, number) in numbers {
                writer.align(8);
                writer.bytes.push(*code);
                writer.signature("u");
                writer.number(*number);
            }
            for (code, text) in texts {
                writer.align(8);
                writer.bytes.push(*code);
                writer.signature("s");
                writer.text(text)?;
            }
            writer.align(8);
            writer.bytes.push(8);
            writer.signature("g");
            writer.signature(signature);
            Ok(())
        };
        message.array(8, fields).expect("short texts");
        message.align(8);
        message.bytes.extend_from_slice(body);
        message.bytes
    }

    #[test]
    fn a_call_has_the_bytes_of_the_specification() {
        let call = Call {
            destination: Some("a.b"),
            path: "/a",
            interface: "a.b",
            member: "Do",
            signature: "u",
            body: &[5, 0, 0, 0],
            wants_reply: false,
        };
        let bytes = encode(&call, 3).unwrap();
        let mut expected = b"l\x01\x01\x01\x04\0\0\0\x03\0\0\0\x47\0\0\0".to_vec();
        expected.extend(b"\x01\x01o\0\x02\0\0\0/a\0\0\0\0\0\0");
        expected.extend(b"\x02\x01s\0\x03\0\0\0a.b\0\0\0\0\0");
        expected.extend(b"\x03\x01s\0\x02\0\0\0Do\0\0\0\0\0\0");
        expected.extend(b"\x06\x01s\0\x03\0\0\0a.b\0\0\0\0\0");
        expected.extend(b"\x08\x01g\0\x01u\0\0");
        expected.extend(b"\x05\0\0\0");
        assert_eq!(bytes, expected);
        assert_eq!(message_length(&bytes).unwrap(), Some(bytes.len()));
    }

    #[test]
    fn properties_have_the_bytes_of_the_specification() {
        let mut writer = Writer::default();
        writer
            .properties(&[("A", Value::Boolean(true)), ("B", Value::Numbers(&[9])), ("C", Value::Number(1))])
            .unwrap();
        let mut expected = b"\x38\0\0\0\0\0\0\0".to_vec();
        expected.extend(b"\x01\0\0\0A\0\x01b\0\0\0\0\x01\0\0\0");
        expected.extend(b"\x01\0\0\0B\0\x02au\0\0\0\x04\0\0\0\x09\0\0\0\0\0\0\0");
        expected.extend(b"\x01\0\0\0C\0\x01t\0\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\0");
        expected[0] = (expected.len() - 8) as u8;
        assert_eq!(writer.bytes, expected);
        assert!(Writer::default().properties(&[("Description", Value::Text("a\0b"))]).is_err());
    }

    #[test]
    fn replies_errors_and_signals_are_told_apart() {
        let mut body = Writer::default();
        body.text("no such unit").unwrap();
        let bytes = message(3, &[(5, 4)], &[(4, "org.x.Nope"), (7, ":1.0")], "s", &body.bytes);
        let error = decode(&bytes).unwrap();
        assert_eq!(error.purpose, Purpose::Error { serial: 4, name: "org.x.Nope".into() });
        assert_eq!((error.text().as_deref(), error.sender.as_deref()), (Some("no such unit"), Some(":1.0")));
        let bytes = message(4, &[], &[(2, "org.x"), (3, "Gone")], "", &[]);
        let signal = Purpose::Signal { interface: "org.x".into(), member: "Gone".into() };
        assert_eq!(decode(&bytes).unwrap().purpose, signal);
        assert!(decode(&message(2, &[], &[], "", &[])).is_err());
    }

    #[test]
    fn a_message_that_claims_too_much_is_refused_before_it_is_read() {
        let mut bytes = message(2, &[(5, 1)], &[], "", &[]);
        bytes[4..8].copy_from_slice(&u32::MAX.to_le_bytes());
        assert!(message_length(&bytes[..FIXED_HEADER_BYTES]).is_err());
        bytes[0] = b'B';
        assert!(message_length(&bytes).is_err());
        assert_eq!(message_length(&bytes[..FIXED_HEADER_BYTES - 1]).unwrap(), None);
    }

    proptest! {
        #[test]
        fn hostile_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            read_hostile(bytes);
        }

        #[test]
        fn damaged_messages_never_panic(
            damage in proptest::collection::vec((0usize..120, any::<u8>()), 1..4),
            cut in 0usize..120,
        ) {
            let texts = [(2, "org.x.Interface"), (3, "JobRemoved"), (7, ":1.0")];
            let mut bytes = message(4, &[(5, 1)], &texts, "uoss", &[1, 0, 0, 0, 1, 0, 0, 0, b'/', 0]);
            for (at, byte) in damage {
                if let Some(place) = bytes.get_mut(at) {
                    *place = byte;
                }
            }
            bytes.truncate(bytes.len().saturating_sub(cut));
            read_hostile(bytes);
        }
    }

    fn read_hostile(mut bytes: Vec<u8>) {
        if let Ok(Some(length)) = message_length(&bytes) {
            bytes.resize(length, 0x73);
            if let Ok(message) = decode(&bytes) {
                let _ = message.text();
            }
        }
    }
}

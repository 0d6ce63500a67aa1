//! unix(7): messages with descriptors over SOCK_SEQPACKET.

use anyhow::{Context, Result};
use rustix::io::Errno;
use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage,
    SendFlags, SocketAddrUnix, SocketFlags, SocketType, accept_with, bind, connect, listen, recv, recvmsg, sendmsg,
    socket_with, socketpair,
};
use std::io::{IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

/// The most descriptors that one message carries.
pub const DESCRIPTORS_MAX: usize = 16;

/// A connected pair of message sockets.
pub fn pair() -> Result<(OwnedFd, OwnedFd)> {
    socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None).context("socketpair")
}

/// A message socket, non-blocking, that listens at `name` in a directory. The name must not exist.
pub fn listen_in(dir: BorrowedFd<'_>, name: &str, backlog: i32) -> Result<OwnedFd> {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = socket_with(AddressFamily::UNIX, SocketType::SEQPACKET, flags, None).context("socket")?;
    bind(&socket, &address(dir, name)?).with_context(|| format!("bind {name}"))?;
    listen(&socket, backlog).with_context(|| format!("listen on {name}"))?;
    Ok(socket)
}

/// A message socket connected to `name` in a directory. EAGAIN if so many wait there already that it takes longer than
/// `timeout`, which bounds every later send too.
pub fn connect_in(dir: BorrowedFd<'_>, name: &str, timeout: std::time::Duration) -> rustix::io::Result<OwnedFd> {
    let socket = seqpacket().map_err(|_| Errno::MFILE)?;
    rustix::net::sockopt::set_socket_timeout(&socket, rustix::net::sockopt::Timeout::Send, Some(timeout))?;
    let address = address(dir, name).map_err(|_| Errno::INVAL)?;
    connect(&socket, &address)?;
    Ok(socket)
}

/// A byte stream connected to `name` in a directory. Nobody is waited for longer than [`STREAM_TIMEOUT`].
pub fn connect_stream_in(dir: BorrowedFd<'_>, name: &str) -> Result<OwnedFd> {
    let socket =
        socket_with(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::CLOEXEC, None).context("socket")?;
    let timeout_kind = rustix::net::sockopt::Timeout::Send;
    rustix::net::sockopt::set_socket_timeout(&socket, timeout_kind, Some(STREAM_TIMEOUT))
        .context("setsockopt SO_SNDTIMEO")?;
    connect(&socket, &address(dir, name)?).with_context(|| format!("connect to {name}"))?;
    Ok(socket)
}

/// How long a connection to a program of the user's, and every message to it, may take.
const STREAM_TIMEOUT: std::time::Duration = std::time::Duration::from_secs(10);

fn seqpacket() -> Result<OwnedFd> {
    socket_with(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None).context("socket")
}

/// `sun_path` holds 107 bytes; through /proc any directory is short.
fn address(dir: BorrowedFd<'_>, name: &str) -> Result<SocketAddrUnix> {
    use std::os::fd::AsRawFd;
    SocketAddrUnix::new(format!("/proc/self/fd/{}/{name}", dir.as_raw_fd())).context("socket address")
}

/// A waiting connection, non-blocking. None when there is none.
pub fn accept(listener: BorrowedFd<'_>) -> Result<Option<OwnedFd>> {
    match accept_with(listener, SocketFlags::CLOEXEC | SocketFlags::NONBLOCK) {
        Ok(connection) => Ok(Some(connection)),
        Err(Errno::AGAIN | Errno::INTR | Errno::CONNABORTED) => Ok(None),
        Err(errno) => Err(errno).context("accept"),
    }
}

/// Sends one message whole, with descriptors.
pub fn send(socket: BorrowedFd<'_>, message: &[u8], descriptors: &[BorrowedFd<'_>]) -> rustix::io::Result<()> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(DESCRIPTORS_MAX))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    if !descriptors.is_empty() && !control.push(SendAncillaryMessage::ScmRights(descriptors)) {
        return Err(Errno::TOOBIG);
    }
    loop {
        match sendmsg(socket, &[IoSlice::new(message)], &mut control, SendFlags::NOSIGNAL) {
            Err(Errno::INTR) => {}
            result => return result.map(|_| ()),
        }
    }
}

/// Receives one message of at most `length_max` bytes, with descriptors. None at the end of the stream.
///
/// A longer message is EMSGSIZE: it is never cut short in silence.
pub fn receive(socket: BorrowedFd<'_>, length_max: usize) -> rustix::io::Result<Option<(Vec<u8>, Vec<OwnedFd>)>> {
    // Asked first, because a buffer of the maximum would stay in a monitor's heap for good.
    let length = next_length(socket)?;
    if length > length_max {
        return Err(Errno::MSGSIZE);
    }
    let mut bytes = vec![0; length];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(DESCRIPTORS_MAX))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let received = loop {
        match recvmsg(socket, &mut [IoSliceMut::new(&mut bytes)], &mut control, RecvFlags::CMSG_CLOEXEC) {
            Err(Errno::INTR) => {}
            result => break result?,
        }
    };
    let mut descriptors = Vec::new();
    for message in control.drain() {
        if let RecvAncillaryMessage::ScmRights(fds) = message {
            descriptors.extend(fds);
        }
    }
    if received.flags.contains(rustix::net::ReturnFlags::TRUNC) {
        return Err(Errno::MSGSIZE);
    }
    if received.bytes == 0 {
        return Ok(None);
    }
    bytes.truncate(received.bytes);
    Ok(Some((bytes, descriptors)))
}

/// Waits for a message and gives its length, of which nothing is taken yet: MSG_TRUNC of recv(2). 0 at the end.
fn next_length(socket: BorrowedFd<'_>) -> rustix::io::Result<usize> {
    loop {
        match recv(socket, &mut [0; 0], RecvFlags::PEEK | RecvFlags::TRUNC) {
            Err(Errno::INTR) => {}
            result => return result.map(|(_, length)| length),
        }
    }
}

/// Bounds every wait for a message on this socket.
pub fn set_receive_timeout(socket: &OwnedFd, timeout: Option<std::time::Duration>) -> Result<()> {
    let timeout_kind = rustix::net::sockopt::Timeout::Recv;
    rustix::net::sockopt::set_socket_timeout(socket.as_fd(), timeout_kind, timeout).context("setsockopt SO_RCVTIMEO")
}

/// The process that listens at the other end of a connection.
pub fn peer_pid(socket: BorrowedFd<'_>) -> Result<i32> {
    let credentials = rustix::net::sockopt::socket_peercred(socket).context("getsockopt SO_PEERCRED")?;
    Ok(credentials.pid.as_raw_nonzero().get())
}

/// The uid, as this process sees it, of who connected to a socket.
pub fn peer_uid(socket: BorrowedFd<'_>) -> Result<u32> {
    let credentials = rustix::net::sockopt::socket_peercred(socket).context("getsockopt SO_PEERCRED")?;
    Ok(credentials.uid.as_raw())
}

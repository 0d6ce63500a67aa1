//! Listening sockets in the host's network namespace, and why one cannot be had.

use super::super::holder::{NameOf, in_use};
use super::super::{Port, Protocol};
use super::datagram;
use crate::error::Kind;
use anyhow::{Context, Result};
use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketFlags, SocketType, bind as bind_socket, listen, socket_with, sockopt};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::fd::OwnedFd;
use std::path::Path;

/// How many clients wait until they are accepted: what net.core.somaxconn allows by default.
const BACKLOG: i32 = 4096;

/// Below it only who has CAP_NET_BIND_SERVICE may listen.
const FIRST_PORT: &str = "net.ipv4.ip_unprivileged_port_start";

/// A socket for a port of the host, in this process's network namespace. One without an address is for both families,
/// where the host has both.
pub fn bind(port: &Port, name_of: NameOf<'_>) -> Result<OwnedFd> {
    let bound = match port.host_address {
        Some(address) => bind_to(port, address, true),
        None => match bind_to(port, Ipv6Addr::UNSPECIFIED.into(), false) {
            Err(Errno::AFNOSUPPORT | Errno::ADDRNOTAVAIL) => bind_to(port, Ipv4Addr::UNSPECIFIED.into(), true),
            bound => bound,
        },
    };
    bound.map_err(|errno| explain(port, name_of, errno))
}

fn bind_to(port: &Port, address: IpAddr, is_only: bool) -> Result<OwnedFd, Errno> {
    let family = if address.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
    let kind = match port.protocol {
        Protocol::Tcp => SocketType::STREAM,
        Protocol::Udp => SocketType::DGRAM,
    };
    let socket = socket_with(family, kind, SocketFlags::CLOEXEC | SocketFlags::NONBLOCK, None)?;
    if address.is_ipv6() {
        sockopt::set_ipv6_v6only(&socket, is_only)?;
    }
    match port.protocol {
        // Connections that are ending do not keep the port from the next forwarder.
        Protocol::Tcp => sockopt::set_socket_reuseaddr(&socket, true)?,
        Protocol::Udp => datagram::tell_local(&socket, address.is_ipv6())
            .map_err(|errno| Errno::from_raw_os_error(errno as i32))?,
    }
    bind_socket(&socket, &SocketAddr::new(address, port.host_port))?;
    if port.protocol == Protocol::Tcp {
        listen(&socket, BACKLOG)?;
    }
    Ok(socket)
}

fn explain(port: &Port, name_of: NameOf<'_>, errno: Errno) -> anyhow::Error {
    let message = format!("publish port {port} of the host");
    match errno {
        Errno::ADDRINUSE => in_use(port, name_of),
        Errno::ACCESS => {
            let first = first_port().map_or_else(String::new, |first| format!(" ({first})"));
            let remedy = format!("run: sudo sysctl {FIRST_PORT}={}", port.host_port);
            Kind::Denied.hinted(format!("{message}: it is below {FIRST_PORT}{first}"), remedy)
        }
        Errno::ADDRNOTAVAIL => {
            Kind::BadInput.hinted(format!("{message}: the host does not have this address"), "see: ip address")
        }
        errno => Err::<(), _>(errno).context(message).expect_err("it is an error"),
    }
}

fn first_port() -> Option<u16> {
    let path = format!("/proc/sys/{}", FIRST_PORT.replace('.', "/"));
    let text = crate::fs::read(Path::new(&path), 64).ok()?;
    String::from_utf8(text).ok()?.trim().parse().ok()
}

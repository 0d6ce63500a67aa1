//! From where connections to the container come.

use super::super::Protocol;
use super::{Listener, Options};
use nix::sys::socket::sockopt::IpTransparent;
use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketFlags, SocketType, bind, connect, socket_with, sockopt};
use std::net::{IpAddr, SocketAddr};
use std::os::fd::OwnedFd;
use std::time::Duration;

/// When a silent peer is asked whether it is there, so that one that is not does not hold its connection for ever.
const KEEPALIVE: Duration = Duration::from_secs(300);

/// Where a socket is bound to before it connects.
enum Source {
    Client(SocketAddr),
    Gateway(Option<SocketAddr>),
}

/// A socket that is connected to the container, or for TCP about to be.
pub fn toward(listener: &Listener, options: &Options, client: SocketAddr) -> Result<OwnedFd, Errno> {
    let client = SocketAddr::new(client.ip().to_canonical(), client.port());
    let target = target(listener, client.ip()).ok_or(Errno::HOSTUNREACH)?;
    let mut sources = Vec::with_capacity(3);
    let keeps = listener.proxy.is_none() && options.keeps(client.ip());
    if keeps && target.ip().is_ipv4() == client.is_ipv4() {
        sources.push(Source::Client(client));
        // Its port may be taken: by its connection to another port of ours, or by one that has just ended.
        sources.push(Source::Client(SocketAddr::new(client.ip(), 0)));
    }
    let gateway = options.gateways.iter().find(|gateway| gateway.is_ipv4() == target.is_ipv4());
    sources.push(Source::Gateway(gateway.map(|gateway| SocketAddr::new(*gateway, 0))));
    let mut result = Err(Errno::ADDRNOTAVAIL);
    for source in sources {
        result = attempt(listener.protocol, &source, target);
        if result.is_ok() {
            break;
        }
    }
    result
}

fn target(listener: &Listener, client: IpAddr) -> Option<SocketAddr> {
    let same = listener.targets.iter().find(|target| target.is_ipv4() == client.is_ipv4());
    same.or(listener.targets.first()).map(|target| SocketAddr::new(*target, listener.port))
}

impl Options {
    /// Whether the container can answer to this address, and the answer comes here.
    fn keeps(&self, client: IpAddr) -> bool {
        let is_of_a_link = match client {
            IpAddr::V4(address) => address.is_broadcast(),
            IpAddr::V6(address) => address.is_unicast_link_local(),
        };
        self.keeps_client_address
            && !client.is_loopback()
            && !client.is_unspecified()
            && !client.is_multicast()
            && !is_of_a_link
            && !self.local_subnets.iter().any(|subnet| subnet.contains(client))
    }
}

fn attempt(protocol: Protocol, source: &Source, target: SocketAddr) -> Result<OwnedFd, Errno> {
    let family = if target.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
    let kind = match protocol {
        Protocol::Tcp => SocketType::STREAM,
        Protocol::Udp => SocketType::DGRAM,
    };
    let socket = socket_with(family, kind, SocketFlags::CLOEXEC | SocketFlags::NONBLOCK, None)?;
    if protocol == Protocol::Tcp {
        set_up(&socket)?;
    }
    match source {
        Source::Client(client) => {
            set_transparent(&socket)?;
            // What a client says to several ports of ours may come from one of its own: the kernel tells TCP connections
            // apart by both ends, but not UDP sockets that are bound to the same.
            if protocol == Protocol::Tcp {
                sockopt::set_socket_reuseaddr(&socket, true)?;
            }
            bind(&socket, client)?;
        }
        Source::Gateway(Some(gateway)) => bind(&socket, gateway)?,
        Source::Gateway(None) => {}
    }
    match connect(&socket, &target) {
        Ok(()) | Err(Errno::INPROGRESS) => Ok(socket),
        Err(errno) => Err(errno),
    }
}

/// Prepares a TCP socket of either side. What was one segment goes on as one: whoever sent it has decided that.
pub fn set_up(socket: &OwnedFd) -> Result<(), Errno> {
    sockopt::set_tcp_nodelay(socket, true)?;
    // What is urgent is no longer, but where it belongs: RFC 6093.
    sockopt::set_socket_oobinline(socket, true)?;
    sockopt::set_socket_keepalive(socket, true)?;
    sockopt::set_tcp_keepidle(socket, KEEPALIVE)
}

/// Lets a socket have an address that is not this namespace's: IP_TRANSPARENT of ip(7), which needs CAP_NET_RAW or
/// CAP_NET_ADMIN where the socket was made. The kernel takes it for both families.
pub fn set_transparent(socket: &OwnedFd) -> Result<(), Errno> {
    nix::sys::socket::setsockopt(socket, IpTransparent, &true).map_err(|errno| Errno::from_raw_os_error(errno as i32))
}

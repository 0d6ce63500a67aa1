//! The forwarder: what comes to published ports of the host goes on to a container in the bridge namespace.
//!
//! One process per container, a fork of its monitor. Its listening sockets are in the host's network namespace and all
//! else that it opens is in the bridge namespace, so nothing is forwarded but what came to those sockets. Where it can,
//! it connects to the container from the client's own address (`source.rs`), which needs the replies to be led back to
//! it: in the bridge namespace `socket transparent 1 meta mark set MARK` in an nft chain at prerouting, and a rule by
//! which what has that mark is looked up in a table whose default route is `local`.

mod bind;
mod datagram;
mod pipe;
mod process;
mod proxy;
mod run;
mod slots;
mod source;
mod tcp;
mod udp;

pub use bind::bind;
pub use process::{Forwarder, start};

use super::cidr::Cidr;
use super::{Protocol, ProxyHeader};
use std::net::IpAddr;
use std::os::fd::OwnedFd;
use std::time::Duration;

/// A published port.
#[derive(Debug)]
pub struct Listener {
    /// Bound in the host's network namespace and, for TCP, listening: [`bind`].
    pub socket: OwnedFd,
    pub protocol: Protocol,
    /// The container's addresses. A client is led to one of its own family, or else to the first.
    pub targets: Vec<IpAddr>,
    /// The container's port.
    pub port: u16,
    /// What each TCP connection begins with. Then all come from the gateway, the one that a server has to believe.
    pub proxy: Option<ProxyHeader>,
}

/// How clients appear to the container.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Whether connections come from the client's own address where that is possible. It is not where the container has
    /// no route back or the kernel cannot mark the replies.
    pub keeps_client_address: bool,
    /// The bridge's addresses, one for each family: from there come the connections of all other clients.
    pub gateways: Vec<IpAddr>,
    /// The container's subnets. A client with an address in one of these cannot keep it, as the container would look for
    /// it on its own link.
    pub local_subnets: Vec<Cidr>,
}

/// What one forwarder takes on at most.
#[derive(Clone, Copy, Debug)]
struct Limits {
    connections: usize,
    flows: usize,
    connect_timeout: Duration,
    flow_idle: Duration,
}

/// The most TCP connections. Further clients wait in the listening socket's queue until another has gone.
const CONNECTIONS_MAX: usize = 8192;

/// The most UDP clients. One more ends the flow that has been idle for longest.
const FLOWS_MAX: usize = 4096;

/// How long a container may take to answer: three attempts of the kernel's.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a UDP flow is kept without a datagram: RFC 4787, REQ-5.
const FLOW_IDLE: Duration = Duration::from_secs(120);

/// A connection has two sockets.
const CONNECTION_DESCRIPTORS: usize = 2;

/// Descriptors that belong to no connection, beside the listening sockets.
const OTHER_DESCRIPTORS: usize = 64;

impl Limits {
    /// What as many descriptors allow. None left over for a connection is never noticed by an accept that fails.
    fn within(descriptors: usize, listeners: usize) -> Self {
        let free = descriptors.saturating_sub(OTHER_DESCRIPTORS + listeners);
        let flows = FLOWS_MAX.min(free / 4).max(1);
        Self {
            connections: CONNECTIONS_MAX.min(free.saturating_sub(flows) / CONNECTION_DESCRIPTORS).max(1),
            flows,
            connect_timeout: CONNECT_TIMEOUT,
            flow_idle: FLOW_IDLE,
        }
    }

    /// How many descriptors it takes not to be limited by them.
    fn descriptors_wanted(listeners: usize) -> usize {
        OTHER_DESCRIPTORS + listeners + FLOWS_MAX + CONNECTIONS_MAX * CONNECTION_DESCRIPTORS
    }
}

#[cfg(test)]
mod tests;

//! A container's network: its namespace connected, and the files that name things in it.
//!
//! Containers are known here only as ids, namespaces and ports. Networks that have a name are files: [`definition`].

pub mod bridge;
pub mod cidr;
mod connections;
pub mod definition;
pub mod dns;
pub mod egress;
mod forward;
mod holder;
pub mod keeper;
mod leases;
mod link;
pub mod membership;
mod names;
mod netlink;
mod nftables;
pub mod pasta;
pub mod ports;
mod published;
mod refusals;

pub use bridge::{Bridged, Guest, Leased, lease};
pub use egress::Egress;
pub use holder::NameOf;
pub use keeper::protocol::Link;
pub use membership::Membership;
pub use names::{Host, HostsBase, Names, hosts, option, resolv_conf, search, server};
pub use pasta::options::parse as pasta_options;
pub use refusals::Refused;

use serde::{Deserialize, Serialize};

/// How a container's network namespace is connected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Network {
    /// Only loopback.
    None,
    /// The host's own.
    Host,
    /// A namespace of its own, connected by pasta.
    Pasta,
    /// A namespace of its own, with an interface in each of the networks that it is in.
    Bridge,
}

impl Network {
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Host => "host",
            Self::Pasta => "pasta",
            Self::Bridge => "bridge",
        }
    }
}

/// A port of the host that leads into the container.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Port {
    pub host_address: Option<std::net::IpAddr>,
    pub host_port: u16,
    pub container_port: u16,
    pub protocol: Protocol,
    /// The header of the PROXY protocol that each connection begins with, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proxy: Option<ProxyHeader>,
}

impl std::fmt::Display for Port {
    /// What it is of the host.
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.host_address {
            Some(address) => {
                write!(out, "{}/{}", std::net::SocketAddr::new(address, self.host_port), self.protocol.name())
            }
            None => write!(out, "{}/{}", self.host_port, self.protocol.name()),
        }
    }
}

/// The versions of the PROXY protocol, by which a forwarder tells a server who its client is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ProxyHeader {
    /// A line of text.
    V1,
    V2,
}

impl ProxyHeader {
    pub fn name(self) -> &'static str {
        match self {
            Self::V1 => "v1",
            Self::V2 => "v2",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Protocol {
    Tcp,
    Udp,
}

impl Protocol {
    pub fn name(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
        }
    }
}

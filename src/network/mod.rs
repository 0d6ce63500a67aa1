//! A container's network: its namespace connected, and the files that name things in it.
//!
//! Containers are known here only as namespaces and ports. Networks that have a name are files: [`definition`].

pub mod cidr;
pub mod definition;
#[allow(dead_code, reason = "what runs the bridges' namespace runs it")]
pub mod dns;
mod names;
pub mod pasta;
pub mod ports;

pub use names::{Host, HostsBase, Names, hosts, option, resolv_conf, search, server};
pub use pasta::Connected;
pub use pasta::options::parse as pasta_options;

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
}

impl Network {
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Host => "host",
            Self::Pasta => "pasta",
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

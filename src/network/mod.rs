//! A container's network: its namespace connected, and the files that name things in it.
//!
//! Containers are known here only as namespaces and ports.

pub mod pasta;

pub use pasta::Connected;

use anyhow::Result;
use serde::{Deserialize, Serialize};
use std::path::Path;

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

/// The largest resolv.conf or hosts file of the host that is copied.
const NAME_FILE_BYTES_MAX: usize = 1 << 20;

/// The hosts file of a container.
pub fn hosts(network: Network, hostname: &str) -> Result<String> {
    let mut text = String::new();
    if network == Network::Host {
        let host = crate::fs::read_optional(Path::new("/etc/hosts"), NAME_FILE_BYTES_MAX)?.unwrap_or_default();
        text.push_str(&String::from_utf8_lossy(&host));
    } else {
        text.push_str("127.0.0.1\tlocalhost localhost.localdomain\n::1\tlocalhost ip6-localhost ip6-loopback\n");
    }
    text.push_str(&format!("127.0.1.1\t{hostname}\n"));
    Ok(text)
}

/// The resolv.conf of a container; None where there is no one to ask.
pub fn resolv_conf(network: Network) -> Result<Option<String>> {
    let host = || -> Result<String> {
        let text = crate::fs::read_optional(Path::new("/etc/resolv.conf"), NAME_FILE_BYTES_MAX)?.unwrap_or_default();
        Ok(String::from_utf8_lossy(&text).into_owned())
    };
    match network {
        Network::None => Ok(None),
        Network::Host => host().map(Some),
        Network::Pasta => Ok(Some(forwarded(&host()?))),
    }
}

/// The host's settings with pasta as the only name server: a server on the host's loopback would be unreachable.
fn forwarded(host: &str) -> String {
    let keeps = |line: &&str| matches!(line.split_whitespace().next(), Some("search" | "options" | "domain"));
    let kept: String = host.lines().filter(keeps).map(|line| format!("{line}\n")).collect();
    format!("{kept}nameserver {}\n", pasta::DNS_ADDRESS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pasta_answers_for_the_hosts_name_servers() {
        let text = forwarded("# c\nsearch a.example\nnameserver 127.0.0.53\noptions edns0\n");
        assert_eq!(text, "search a.example\noptions edns0\nnameserver 169.254.1.1\n");
    }
}

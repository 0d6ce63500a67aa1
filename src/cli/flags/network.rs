//! The flags of a container's network.

use crate::container::config::Config;
use crate::error::Kind;
use crate::network::{Network, Port, Protocol, pasta};
use anyhow::Result;

#[derive(clap::Args, Clone, Debug)]
#[command(next_help_heading = "Network")]
pub struct NetworkFlags {
    /// Connect to a network: none, host, private, pasta, container:NAME or ns:PATH [default: pasta where it is installed]
    #[arg(long, visible_alias = "net", value_name = "MODE")]
    network: Option<String>,
    /// Lead a port of the host into the container
    #[arg(short, long, value_name = "[ADDRESS:][PORT:]PORT[/tcp|udp]")]
    publish: Vec<String>,
}

impl NetworkFlags {
    pub fn apply(&self, config: &mut Config, rootless: bool) -> Result<()> {
        config.ports = self.publish.iter().map(|text| parse_port(text)).collect::<Result<_>>()?;
        let shared = self.network.as_deref().filter(|mode| mode.starts_with("container:") || mode.starts_with("ns:"));
        if let Some(mode) = shared {
            if !config.ports.is_empty() {
                return Err(Kind::BadInput.error(format!("ports cannot be published with --network {mode}")));
            }
            config.users.network = super::users::parse_namespace("network", shared, &[])?;
            // Another container's network is known when that is looked up.
            config.network = Network::Host;
            return Ok(());
        }
        config.network = self.network(rootless, &config.ports)?;
        Ok(())
    }

    fn network(&self, rootless: bool, ports: &[Port]) -> Result<Network> {
        match self.network.as_deref() {
            Some("none") if !ports.is_empty() => {
                Err(Kind::BadInput.error("ports cannot be published with --network none"))
            }
            Some("none") => Ok(Network::None),
            Some("host") => Ok(Network::Host),
            Some("private" | "pasta") => Ok(Network::Pasta),
            None if !rootless || pasta::find().is_some() => Ok(Network::Pasta),
            None if !ports.is_empty() => {
                Err(Kind::NotFound.hinted("publish ports: pasta is not installed", "install the package passt"))
            }
            None => {
                super::super::talk(
                    "no network for the container: pasta is not installed (install the package passt, or say --network none)",
                );
                Ok(Network::None)
            }
            Some(other) => {
                let message = format!("network {other:?} is not supported yet");
                Err(Kind::BadInput.hinted(message, "use none, host, private, pasta, container:NAME or ns:PATH"))
            }
        }
    }
}

/// `[ADDRESS:][HOST_PORT:]CONTAINER_PORT[/PROTOCOL]`.
fn parse_port(text: &str) -> Result<Port> {
    let bad = || Kind::BadInput.error(format!("port {text:?} is not [ADDRESS:][PORT:]PORT[/tcp|udp]"));
    let (front, protocol) = match text.rsplit_once('/') {
        Some((front, "tcp")) => (front, Protocol::Tcp),
        Some((front, "udp")) => (front, Protocol::Udp),
        Some(_) => return Err(bad()),
        None => (text, Protocol::Tcp),
    };
    let number = |text: &str| text.parse::<u16>().ok().filter(|port| *port != 0).ok_or_else(bad);
    let (front, container_port) = match front.rsplit_once(':') {
        Some((front, port)) => (Some(front), number(port)?),
        None => (None, number(front)?),
    };
    let Some(front) = front else {
        return Err(Kind::BadInput
            .hinted(format!("port {text:?} names no port of the host"), format!("use HOST_PORT:{container_port}")));
    };
    let (address, host_port) = match front.rsplit_once(':') {
        Some((address, port)) => (Some(address.trim_start_matches('[').trim_end_matches(']')), number(port)?),
        None => (None, number(front)?),
    };
    let host_address = address
        .filter(|address| !address.is_empty())
        .map(|address| address.parse().map_err(|_| bad()))
        .transpose()?;
    Ok(Port { host_address, host_port, container_port, protocol })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_parse() {
        let port = parse_port("127.0.0.1:8080:80/udp").unwrap();
        assert_eq!((port.host_port, port.container_port, port.protocol), (8080, 80, Protocol::Udp));
        assert_eq!(parse_port("[::1]:8080:80").unwrap().host_address, Some("::1".parse().unwrap()));
        assert_eq!(parse_port("8080:80").unwrap().host_address, None);
        for bad in ["", "80", "0:80", "x:80", "70000:80", "1:2/sctp", "999.1.1.1:1:2"] {
            assert!(parse_port(bad).is_err(), "{bad}");
        }
    }
}

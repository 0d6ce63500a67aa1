//! Ports of the host that lead into containers: how they are written, and which one is free.

use super::{Network, Port, Protocol, ProxyHeader};
use crate::error::Kind;
use anyhow::{Context, Result};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, UdpSocket};
use std::ops::RangeInclusive;

/// Stands for a port of the host that is chosen when the container is made.
pub const ANY: u16 = 0;

/// `[[ADDRESS:][PORT]:]PORT[/PROTOCOL][,proxy=VERSION]`, where a port may be a range.
pub fn parse(text: &str) -> Result<Vec<Port>> {
    let bad = || {
        let message = format!("port {text:?} is not [[ADDRESS:][PORT]:]PORT[/tcp|udp][,proxy=v1|v2]");
        Kind::BadInput.error(message)
    };
    let (place, proxy) = split_proxy(text).ok_or_else(bad)?;
    let (front, protocol) = split_protocol(place)?.ok_or_else(bad)?;
    if proxy.is_some() && protocol == Protocol::Udp {
        let message = format!("port {text:?}: UDP has no connections that could begin with a PROXY header");
        return Err(Kind::BadInput.error(message));
    }
    let (front, inside) = match front.rsplit_once(':') {
        Some((front, ports)) => (Some(front), range(ports).ok_or_else(bad)?),
        None => (None, range(front).ok_or_else(bad)?),
    };
    let (address, outside) = match front.map(|front| front.rsplit_once(':').unwrap_or(("", front))) {
        Some((address, ports)) => (Some(address), Some(ports)),
        None => (None, None),
    };
    let host_address = address
        .map(|address| address.trim_start_matches('[').trim_end_matches(']'))
        .filter(|address| !address.is_empty())
        .map(|address| address.parse::<IpAddr>().map_err(|_| bad()))
        .transpose()?;
    let count = inside.clone().count();
    let outside: Vec<u16> = match outside.filter(|ports| !ports.is_empty()) {
        None => vec![ANY; count],
        Some(ports) => range(ports).ok_or_else(bad)?.collect(),
    };
    let taken = match (outside.len(), count) {
        (outside_count, count) if outside_count == count => outside,
        // One port inside for a range outside: the first that is free, which is found when it is tried.
        (_, 1) => {
            let port = Port { host_address, host_port: ANY, container_port: *inside.start(), protocol, proxy };
            return Ok(vec![Port { host_port: first_free(&port, &outside)?, ..port }]);
        }
        _ => return Err(Kind::BadInput.error(format!("port {text:?}: the ranges are not of one length"))),
    };
    let ports = taken.into_iter().zip(inside);
    let port = |(host_port, container_port)| Port { host_address, host_port, container_port, protocol, proxy };
    Ok(ports.map(port).collect())
}

/// Refuses what only the engine's own forwarder does where another leads the ports in.
pub fn check(ports: &[Port], network: Network) -> Result<()> {
    match ports.iter().find(|port| port.proxy.is_some() && network != Network::Bridge) {
        Some(port) => {
            let message =
                format!("port {}: with network {} nobody writes a PROXY header", port.container_port, network.name());
            Err(Kind::BadInput.hinted(message, "say --network bridge, or one of network create"))
        }
        None => Ok(()),
    }
}

/// `PORT[/PROTOCOL]` or a range: what an image or `--expose` says may be published.
pub fn parse_exposed(text: &str) -> Result<Vec<(u16, Protocol)>> {
    let bad = || Kind::BadInput.error(format!("port {text:?} is not PORT[/tcp|udp]"));
    let (ports, protocol) = split_protocol(text)?.ok_or_else(bad)?;
    Ok(range(ports).ok_or_else(bad)?.map(|port| (port, protocol)).collect())
}

fn split_proxy(text: &str) -> Option<(&str, Option<ProxyHeader>)> {
    match text.split_once(',') {
        Some((place, "proxy=v1")) => Some((place, Some(ProxyHeader::V1))),
        Some((place, "proxy=v2")) => Some((place, Some(ProxyHeader::V2))),
        Some(_) => None,
        None => Some((text, None)),
    }
}

fn split_protocol(text: &str) -> Result<Option<(&str, Protocol)>> {
    Ok(match text.rsplit_once('/') {
        Some((front, "tcp")) => Some((front, Protocol::Tcp)),
        Some((front, "udp")) => Some((front, Protocol::Udp)),
        Some((_, "sctp")) => {
            // Its streams and the bounds of its messages would not survive a forwarder of bytes.
            let message = format!("port {text:?}: SCTP is not forwarded");
            let hint = "use --network host, or a network of driver macvlan, where the container has its ports itself";
            return Err(Kind::BadInput.hinted(message, hint));
        }
        Some(_) => None,
        None => Some((text, Protocol::Tcp)),
    })
}

fn range(text: &str) -> Option<RangeInclusive<u16>> {
    let number = |text: &str| {
        let plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse::<u16>().ok().filter(|port| plain && *port != 0)
    };
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let (first, last) = (number(first)?, number(last)?);
    (first <= last).then_some(first..=last)
}

/// Chooses the ports of the host that were left open. All are held until all are known, so that none is chosen twice.
pub fn choose(ports: &mut [Port]) -> Result<()> {
    let mut held = Vec::new();
    for at in 0..ports.len() {
        if ports[at].host_port == ANY {
            let taken: Vec<u16> = ports.iter().map(|port| port.host_port).collect();
            ports[at].host_port = free(&ports[at], &taken, &mut held)?;
        }
    }
    Ok(())
}

/// How often the kernel is asked for a port that is not among those of this container.
const ATTEMPTS_MAX: usize = 64;

fn free(port: &Port, taken: &[u16], held: &mut Vec<Socket>) -> Result<u16> {
    for _ in 0..ATTEMPTS_MAX {
        let socket = Socket::bind(port, ANY).context("choose a port of the host")?;
        let number = socket.port()?;
        held.push(socket);
        if !taken.contains(&number) {
            return Ok(number);
        }
    }
    Err(Kind::InUse.error("choose a port of the host: none is free"))
}

fn first_free(port: &Port, candidates: &[u16]) -> Result<u16> {
    let found = candidates.iter().copied().find(|number| Socket::bind(port, *number).is_ok());
    found.ok_or_else(|| Kind::InUse.error("no port of the host in the range is free"))
}

/// A socket that is held for its port's sake.
enum Socket {
    Tcp(TcpListener),
    Udp(UdpSocket),
}

impl Socket {
    fn bind(port: &Port, number: u16) -> std::io::Result<Self> {
        let address = SocketAddr::new(port.host_address.unwrap_or(Ipv4Addr::UNSPECIFIED.into()), number);
        match port.protocol {
            Protocol::Tcp => TcpListener::bind(address).map(Self::Tcp),
            Protocol::Udp => UdpSocket::bind(address).map(Self::Udp),
        }
    }

    fn port(&self) -> Result<u16> {
        let address = match self {
            Self::Tcp(socket) => socket.local_addr(),
            Self::Udp(socket) => socket.local_addr(),
        };
        Ok(address.context("getsockname")?.port())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn shown(text: &str) -> String {
        let port = |port: &Port| {
            let address = port.host_address.map(|address| format!("{address}/")).unwrap_or_default();
            format!(
                "{address}{}:{}{}{}",
                port.host_port,
                port.container_port,
                if port.protocol == Protocol::Udp { "u" } else { "" },
                port.proxy.map_or("", ProxyHeader::name)
            )
        };
        parse(text).unwrap().iter().map(port).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn ports_parse() {
        for (text, ports) in [
            ("127.0.0.1:8080:80/udp", "127.0.0.1/8080:80u"),
            ("[::1]:8080:80", "::1/8080:80"),
            ("8080:80", "8080:80"),
            ("80", "0:80"),
            ("127.0.0.1::80", "127.0.0.1/0:80"),
            (":80", "0:80"),
            ("8000-8002:80-82", "8000:80 8001:81 8002:82"),
            ("90-91", "0:90 0:91"),
            ("8080:80,proxy=v2", "8080:80v2"),
            ("90-91/tcp,proxy=v1", "0:90v1 0:91v1"),
        ] {
            assert_eq!(shown(text), ports, "{text}");
        }
        for bad in [
            "",
            "0:80",
            "x:80",
            "70000:80",
            "1:2/sctp",
            "1:2,proxy",
            "1:2,proxy=v3",
            "1:2,proxy=v1,proxy=v1",
            "1:2,",
            "1:2,proxy=v2/tcp",
            "1:2/udp,proxy=v2",
            "999.1.1.1:1:2",
            "1-3:1-2",
            "3-1:3-1",
            "+1:1",
            "1:2:3:4",
            "1:-2",
            "80/",
            "80\n",
        ] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn what_was_left_open_is_chosen_and_never_twice() {
        let mut ports = parse("127.0.0.1::1-20").unwrap();
        choose(&mut ports).unwrap();
        let mut numbers: Vec<u16> = ports.iter().map(|port| port.host_port).collect();
        numbers.sort_unstable();
        numbers.dedup();
        assert!(numbers.len() == 20 && numbers[0] != ANY, "{numbers:?}");
    }

    proptest! {
        #[test]
        fn no_text_makes_the_parser_panic(text in "[0-9a-f.:/\\[\\]tcpudroxyv,=-]{0,40}") {
            let _ = parse(&text);
            let _ = parse_exposed(&text);
        }
    }
}

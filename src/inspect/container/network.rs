//! Published ports and addresses of a container.

use super::pid;
use crate::container::state::Container;
use crate::inspect::view::{Fields, View, view};
use crate::network::definition::DEFAULT_NAME;
use crate::network::membership::mac_text;
use crate::network::{Link, Network, Port};

/// Published ports that follow each other, taken together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PortRange {
    pub first: Port,
    pub count: u16,
}

/// Ports with those that count up together, inside and outside, as one range.
pub fn port_ranges(ports: &[Port]) -> Vec<PortRange> {
    let mut sorted = ports.to_vec();
    sorted.sort_by_key(|port| (port.protocol.name(), port.host_address, port.container_port, port.host_port));
    let mut ranges: Vec<PortRange> = Vec::new();
    for port in sorted {
        match ranges.last_mut() {
            Some(range) if follows(range, &port) => range.count += 1,
            _ => ranges.push(PortRange { first: port, count: 1 }),
        }
    }
    ranges.sort_by_key(|range| (range.first.container_port, range.first.host_port));
    ranges
}

fn follows(range: &PortRange, port: &Port) -> bool {
    let PortRange { first, count } = range;
    first.protocol == port.protocol
        && first.host_address == port.host_address
        && first.container_port.checked_add(*count) == Some(port.container_port)
        && first.host_port.checked_add(*count) == Some(port.host_port)
}

/// `80/tcp` and what of the host leads there.
pub fn port_bindings(ports: &[Port]) -> Fields {
    let mut bindings = Fields::default();
    for port in ports {
        let key = format!("{}/{}", port.container_port, port.protocol.name());
        let address = port.host_address.map_or_else(|| "0.0.0.0".to_owned(), |address| address.to_string());
        let mut binding = view!({ "HostIp": address, "HostPort": port.host_port.to_string() });
        if let Some(version) = port.proxy {
            binding = binding.over(view!({ "ProxyProtocol": version.name() }));
        }
        match bindings.get_mut(&key) {
            Some(View::List(list)) => list.push(binding),
            _ => bindings.push(key, View::List(vec![binding])),
        }
    }
    bindings
}

pub fn network_settings(container: &Container) -> View {
    let config = &container.config;
    let network = config.network.name();
    let links = match &container.state {
        Some(state) if container.status.is_alive() => &state.links[..],
        _ => &[],
    };
    let nothing = address(None);
    let member = |name: &str| view!({ "NetworkID": name, "DriverOpts": null, "IPAMConfig": null, "Links": null });
    let mut networks = Fields::default();
    match config.network {
        // pasta's container is in no network, it has the host's addresses.
        Network::Pasta => {}
        Network::Bridge => {
            for membership in &config.memberships {
                let name = &membership.network;
                let link = links.iter().find(|link| link.place.network == *name);
                let aliases = membership.aliases.iter().map(String::as_str).chain([config.id.short()]);
                let aliases = view!({ "Aliases": View::List(aliases.map(View::from).collect()) });
                networks.push(name.clone(), View::joined([address(link), member(name), aliases]));
            }
        }
        Network::None | Network::Host => networks.push(network, View::joined([nothing.clone(), member(network)])),
    }
    // Only who is in the default network alone has an address as such.
    let own = links.iter().find(|link| links.len() == 1 && link.place.network == DEFAULT_NAME);
    let sandbox = match pid(container) {
        0 => String::new(),
        pid => format!("/proc/{pid}/ns/net"),
    };
    let rest = view!({
        "Bridge": "",
        "SandboxID": "",
        "HairpinMode": false,
        "LinkLocalIPv6Address": "",
        "LinkLocalIPv6PrefixLen": 0,
        "Ports": port_bindings(&config.ports),
        "SandboxKey": sandbox,
        "Networks": networks,
    });
    View::joined([address(own), rest])
}

/// The addresses of a link, of which podman and docker show one of each family.
fn address(link: Option<&Link>) -> View {
    let find = |is_ipv6: bool| {
        let link = link?;
        let address = link.addresses.iter().find(|address| address.is_ipv6() == is_ipv6)?;
        let subnet = link.place.subnets.iter().find(|subnet| subnet.block.contains(*address));
        let gateway =
            subnet.and_then(|subnet| subnet.gateway).map_or_else(String::new, |gateway| gateway.to_string());
        Some((address.to_string(), subnet.map_or(0, |subnet| subnet.block.prefix()), gateway))
    };
    let (address4, prefix4, gateway4) = find(false).unwrap_or_default();
    let (address6, prefix6, gateway6) = find(true).unwrap_or_default();
    view!({
        "EndpointID": "",
        "Gateway": gateway4,
        "IPAddress": address4,
        "IPPrefixLen": prefix4,
        "IPv6Gateway": gateway6,
        "GlobalIPv6Address": address6,
        "GlobalIPv6PrefixLen": prefix6,
        "MacAddress": link.map_or_else(String::new, |link| mac_text(link.mac)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::Protocol;

    fn port(host_port: u16, container_port: u16, protocol: Protocol) -> Port {
        Port { host_address: None, host_port, container_port, protocol, proxy: None }
    }

    #[test]
    fn ports_that_count_up_together_are_one_range() {
        let ports = [
            port(9001, 91, Protocol::Udp),
            port(9000, 90, Protocol::Udp),
            port(8080, 80, Protocol::Tcp),
            port(8090, 81, Protocol::Tcp),
            port(9002, 92, Protocol::Tcp),
        ];
        let ranges: Vec<(u16, u16)> =
            port_ranges(&ports).iter().map(|range| (range.first.container_port, range.count)).collect();
        assert_eq!(ranges, [(80, 1), (81, 1), (90, 2), (92, 1)]);
        assert!(port_ranges(&[]).is_empty());
        assert_eq!(port_ranges(&[port(65535, 65535, Protocol::Tcp), port(1, 1, Protocol::Tcp)]).len(), 2);
    }
}

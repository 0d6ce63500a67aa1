//! What templates and JSON see of networks.

use super::time::{Zone, from_unix_nanos, go_string};
use super::view::{View, view};
use crate::container::log::rfc3339_nanoseconds;
use crate::container::state::Container;
use crate::network::Link;
use crate::network::cidr::Cidr;
use crate::network::definition::{Definition, Ipam, LeaseRange, Route, Subnet};
use crate::network::membership::mac_text;
use std::net::IpAddr;
use std::time::SystemTime;

/// A network as JSON has it. `containers` is what runs on it, by id; only `network inspect` has it.
pub fn json(network: &Definition, containers: Option<View>) -> View {
    let mut shown = view!({ "name": &network.name, "id": &network.id, "driver": network.driver.name() });
    // As in Go's JSON, what is empty is left out.
    let mut put = |name: &'static str, is_there: bool, value: View| {
        if is_there {
            shown.set(name, value);
        }
    };
    let interface = &network.network_interface;
    put("network_interface", !interface.is_empty(), interface.into());
    put("created", true, rfc3339_nanoseconds(network.created).into());
    put("subnets", !network.subnets.is_empty(), network.subnets.iter().map(subnet_json).collect());
    put("routes", !network.routes.is_empty(), network.routes.iter().map(route_json).collect());
    put("ipv6_enabled", true, network.ipv6_enabled.into());
    put("internal", true, network.internal.into());
    put("dns_enabled", true, network.dns_enabled.into());
    put("network_dns_servers", !network.network_dns_servers.is_empty(), servers(network));
    put("labels", !network.labels.is_empty(), (&network.labels).into());
    put("options", !network.option_words.is_empty(), (&network.option_words).into());
    put("ipam_options", true, view!({ "driver": ipam(network) }));
    if let Some(containers) = containers {
        put("containers", true, containers);
    }
    shown
}

/// A network as templates see it: all its fields under podman's names.
pub fn row(network: &Definition, containers: View) -> View {
    let created = from_unix_nanos(i128::from(network.created)).unwrap_or(SystemTime::UNIX_EPOCH);
    view!({
        "Name": &network.name,
        "ID": &network.id,
        "Driver": network.driver.name(),
        "NetworkInterface": &network.network_interface,
        "Created": go_string(created, Zone::Local),
        "Subnets": network.subnets.iter().map(subnet_row).collect::<View>(),
        "Routes": network.routes.iter().map(route_row).collect::<View>(),
        "IPv6Enabled": network.ipv6_enabled,
        "Internal": network.internal,
        "DNSEnabled": network.dns_enabled,
        "NetworkDNSServers": servers(network),
        "Labels": &network.labels,
        "Options": &network.option_words,
        "IPAMOptions": { "driver": ipam(network) },
        "Containers": containers,
    })
}

/// What podman calls a container's fields: name, interfaces, subnets, address and gateway of a subnet, MAC address.
pub type Keys = [&'static str; 6];
pub const JSON: Keys = ["name", "interfaces", "subnets", "ipnet", "gateway", "mac_address"];
pub const GO: Keys = ["Name", "Interfaces", "Subnets", "IPNet", "Gateway", "MacAddress"];

/// The containers that run on a network, by id, as podman shows them.
pub fn containers(network: &Definition, running: &[Container], keys: &Keys) -> View {
    let [name, interfaces_of, subnets_of, ipnet_of, gateway_of, mac_of] = *keys;
    let object = |fields: Vec<(&'static str, View)>| {
        let mut object = view!({});
        fields.into_iter().for_each(|(key, value)| object.set(key, value));
        object
    };
    let mut shown = view!({});
    for (container, link) in members(network, running) {
        let subnets = blocks(link).map(|(ipnet, gateway)| {
            let gateway = gateway.map(|gateway| (gateway_of, text(gateway)));
            object([(ipnet_of, ipnet.into())].into_iter().chain(gateway).collect())
        });
        let interface = object(vec![(subnets_of, subnets.collect()), (mac_of, mac_text(link.mac).into())]);
        let mut interfaces = view!({});
        interfaces.set(link.interface.clone(), interface);
        let config = &container.config;
        shown.set(
            config.id.to_string(),
            object(vec![(name, config.name.as_str().into()), (interfaces_of, interfaces)]),
        );
    }
    shown
}

/// The same as docker shows them.
pub fn docker_containers(network: &Definition, running: &[Container]) -> View {
    let mut shown = view!({});
    for (container, link) in members(network, running) {
        let address = |is_ipv6: bool| {
            let found = blocks(link).find(|(ipnet, _)| ipnet.contains(':') == is_ipv6);
            found.map_or_else(String::new, |(ipnet, _)| ipnet)
        };
        let config = &container.config;
        let member = view!({
            "Name": config.name.as_str(),
            "EndpointID": "",
            "MacAddress": mac_text(link.mac),
            "IPv4Address": address(false),
            "IPv6Address": address(true),
        });
        shown.set(config.id.to_string(), member);
    }
    shown
}

fn members<'a>(network: &'a Definition, running: &'a [Container]) -> impl Iterator<Item = (&'a Container, &'a Link)> {
    let alive = running.iter().filter(|container| container.status.is_alive());
    let links = alive.flat_map(|container| {
        container.state.iter().flat_map(move |state| &state.links).map(move |link| (container, link))
    });
    links.filter(|(_, link)| link.place.network == network.name)
}

/// A link's addresses with their prefixes, and the gateways of those.
fn blocks(link: &Link) -> impl Iterator<Item = (String, Option<IpAddr>)> {
    link.addresses.iter().map(|address| {
        let subnet = link.place.subnets.iter().find(|subnet| subnet.block.contains(*address));
        let prefix = subnet.map_or(if address.is_ipv6() { 128 } else { 32 }, |subnet| subnet.block.prefix());
        (format!("{address}/{prefix}"), subnet.and_then(|subnet| subnet.gateway))
    })
}

/// A network as docker shows it, to JSON and templates alike.
pub fn docker(network: &Definition, containers: View) -> View {
    let block = |subnet: &Subnet| {
        let mut shown = view!({ "Subnet": subnet.subnet.to_string() });
        if let Some(range) = subnet.lease_range.as_ref().and_then(docker_range) {
            shown.set("IPRange", range);
        }
        if let Some(gateway) = subnet.gateway {
            shown.set("Gateway", text(gateway));
        }
        shown
    };
    view!({
        "Name": &network.name,
        "Id": &network.id,
        "Created": rfc3339_nanoseconds(network.created),
        "Scope": "local",
        "Driver": network.driver.name(),
        "EnableIPv4": network.subnets.iter().any(|subnet| !subnet.subnet.is_ipv6()),
        "EnableIPv6": network.ipv6_enabled,
        "IPAM": { "Driver": "default", "Options": {}, "Config": network.subnets.iter().map(block).collect::<View>() },
        "Internal": network.internal,
        "Attachable": false,
        "Ingress": false,
        "ConfigFrom": { "Network": "" },
        "ConfigOnly": false,
        "Containers": containers,
        "Options": &network.option_words,
        "Labels": &network.labels,
    })
}

/// docker knows blocks alone.
fn docker_range(range: &LeaseRange) -> Option<String> {
    let (start, end) = (range.start_ip?, range.end_ip?);
    let bits = if start.is_ipv6() { 128 } else { 32 };
    let blocks = (0..=bits).rev().filter_map(|prefix| Cidr::new(start, prefix));
    blocks.into_iter().find(|block| (block.hosts().0, block.last()) == (start, end)).map(|block| block.to_string())
}

fn text(address: IpAddr) -> View {
    address.to_string().into()
}

fn servers(network: &Definition) -> View {
    network.network_dns_servers.iter().map(|server| text(*server)).collect()
}

fn ipam(network: &Definition) -> &'static str {
    match network.ipam_options.driver {
        Ipam::HostLocal => "host-local",
        Ipam::None => "none",
    }
}

fn subnet_json(subnet: &Subnet) -> View {
    let mut shown = view!({ "subnet": subnet.subnet.to_string() });
    if let Some(gateway) = subnet.gateway {
        shown.set("gateway", text(gateway));
    }
    if let Some(LeaseRange { start_ip, end_ip }) = &subnet.lease_range {
        let mut range = view!({});
        for (name, address) in [("start_ip", start_ip), ("end_ip", end_ip)] {
            if let Some(address) = address {
                range.set(name, text(*address));
            }
        }
        shown.set("lease_range", range);
    }
    shown
}

fn subnet_row(subnet: &Subnet) -> View {
    let range = |LeaseRange { start_ip, end_ip }: &LeaseRange| view!({ "StartIP": start_ip.map(text), "EndIP": end_ip.map(text) });
    view!({
        "Subnet": subnet.subnet.to_string(),
        "Gateway": subnet.gateway.map(text),
        "LeaseRange": subnet.lease_range.as_ref().map(range),
    })
}

fn route_json(route: &Route) -> View {
    let mut shown = view!({ "destination": route.destination.to_string(), "gateway": text(route.gateway) });
    if let Some(metric) = route.metric {
        shown.set("metric", metric);
    }
    shown
}

fn route_row(route: &Route) -> View {
    view!({
        "Destination": route.destination.to_string(),
        "Gateway": text(route.gateway),
        "Metric": route.metric,
    })
}

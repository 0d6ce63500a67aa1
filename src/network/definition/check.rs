//! What must hold of a network, whether it is made or read from a file.

use super::super::cidr::{Cidr, number};
use super::{Definition, Driver, Ipam, Route, Subnet};
use crate::error::Kind;
use anyhow::{Result, bail};
use std::net::IpAddr;

/// The most that a network may have.
const SUBNETS_MAX: usize = 32;
const ROUTES_MAX: usize = 128;
const SERVERS_MAX: usize = 16;
const NAME_BYTES_MAX: usize = 240;
/// IFNAMSIZ without its end: netdevice(7).
const INTERFACE_BYTES_MAX: usize = 15;

/// Names that stand for something else in `--network`.
const MODES: [&str; 9] = ["none", "host", "bridge", "private", "slirp4netns", "pasta", "container", "ns", "default"];

/// A network's name is that of its file too.
pub fn check_name(name: &str) -> Result<()> {
    let first = |byte: u8| byte.is_ascii_alphanumeric();
    let rest = |byte: u8| first(byte) || matches!(byte, b'_' | b'.' | b'-');
    if name.len() > NAME_BYTES_MAX || !name.bytes().next().is_some_and(first) || !name.bytes().all(rest) {
        let shown: String = name.chars().take(64).collect();
        let message =
            format!("network name {shown:?} does not match [a-zA-Z0-9][a-zA-Z0-9_.-]* (at most {NAME_BYTES_MAX})");
        return Err(Kind::BadInput.error(message));
    }
    if MODES.contains(&name) {
        let message = format!("a network cannot be called {name}: that is a mode of --network");
        return Err(Kind::BadInput.error(message));
    }
    Ok(())
}

/// dev_valid_name() of the kernel.
pub fn check_interface(name: &str) -> Result<()> {
    let is_plain = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'/' | b':');
    let is_good = (1..=INTERFACE_BYTES_MAX).contains(&name.len()) && name.bytes().all(is_plain);
    if !is_good || matches!(name, "." | "..") {
        let shown: String = name.chars().take(64).collect();
        let message =
            format!("interface name {shown:?} is not 1 to {INTERFACE_BYTES_MAX} characters without / : and spaces");
        return Err(Kind::BadInput.error(message));
    }
    Ok(())
}

/// Checks a whole network.
pub fn check(network: &Definition) -> Result<()> {
    check_name(&network.name)?;
    if network.id.len() != 64 || !network.id.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(Kind::BadInput.error("the network's id is not 64 hex digits"));
    }
    if !network.network_interface.is_empty() || network.driver == Driver::Bridge {
        check_interface(&network.network_interface)?;
    }
    for (what, count, most) in [
        ("subnets", network.subnets.len(), SUBNETS_MAX),
        ("routes", network.routes.len(), ROUTES_MAX),
        ("name servers", network.network_dns_servers.len(), SERVERS_MAX),
    ] {
        if count > most {
            return Err(Kind::BadInput.error(format!("a network has at most {most} {what}")));
        }
    }
    network.options()?;
    if !network.dns_enabled && !network.network_dns_servers.is_empty() {
        return Err(Kind::BadInput.error("name servers are for networks that answer questions for names"));
    }
    if network.dns_enabled && (network.driver != Driver::Bridge || network.ipam_options.driver == Ipam::None) {
        return Err(Kind::BadInput.error("names are known on bridges with addresses alone"));
    }
    match (network.ipam_options.driver, network.subnets.is_empty()) {
        (Ipam::HostLocal, true) => {
            let message = "ipam driver host-local needs a subnet";
            return Err(Kind::BadInput.hinted(message, "give --subnet, or --ipam-driver none"));
        }
        (Ipam::None, false) => return Err(Kind::BadInput.error("ipam driver none has no subnets")),
        (Ipam::HostLocal, false) | (Ipam::None, true) => {}
    }
    for (at, subnet) in network.subnets.iter().enumerate() {
        check_subnet(subnet)?;
        if let Some(other) = network.subnets[..at].iter().find(|other| other.subnet.overlaps(&subnet.subnet)) {
            let message = format!("subnet {} overlaps with subnet {}", subnet.subnet, other.subnet);
            return Err(Kind::BadInput.error(message));
        }
    }
    network.routes.iter().try_for_each(check_route)
}

fn check_subnet(subnet: &Subnet) -> Result<()> {
    let block = &subnet.subnet;
    let is_inside = |what: &str, address: Option<IpAddr>| match address {
        Some(address) if !block.contains(address) => {
            Err(Kind::BadInput.error(format!("{what} {address} is not in subnet {block}")))
        }
        _ => Ok(()),
    };
    is_inside("gateway", subnet.gateway)?;
    if let Some(gateway) = subnet.gateway {
        let (first, last) = block.hosts();
        if number(&gateway) < number(&first) || number(&gateway) > number(&last) {
            let message = format!("gateway {gateway} is no address of a host in subnet {block}");
            return Err(Kind::BadInput.error(message));
        }
    }
    if let Some(range) = &subnet.lease_range {
        is_inside("start of the lease range", range.start_ip)?;
        is_inside("end of the lease range", range.end_ip)?;
    }
    let (first, last) = subnet.leases();
    if number(&first) > number(&last) {
        return Err(Kind::BadInput.error(format!("lease range {first}-{last} ends before it starts")));
    }
    Ok(())
}

fn check_route(route: &Route) -> Result<()> {
    if route.destination.is_ipv6() != route.gateway.is_ipv6() {
        let message = format!("route {} via {}: one is IPv4, the other IPv6", route.destination, route.gateway);
        return Err(Kind::BadInput.error(message));
    }
    Ok(())
}

/// Refuses a block that others have.
pub fn check_unused<'a>(block: &Cidr, others: impl IntoIterator<Item = &'a Definition>) -> Result<()> {
    for other in others {
        if other.subnets.iter().any(|subnet| subnet.subnet.overlaps(block)) {
            bail!(Kind::InUse.error(format!("subnet {block} is already used by network {}", other.name)));
        }
    }
    Ok(())
}

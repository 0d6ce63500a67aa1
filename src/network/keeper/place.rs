//! What is in the namespace of the bridges for each network: a bridge with its addresses, and the firewall's rules.

use super::egress;
use super::protocol::{Ground, Link, Place};
use crate::error::Kind;
use crate::network::cidr::bits;
use crate::network::definition;
use crate::network::link::{Index, Interface, Links, Mac, Pair, Route, Upper};
use crate::network::nftables::{Family, Firewall, Hook, Step, TABLE as FIREWALL, Table};
use crate::network::pasta;
use anyhow::{Context, Result};
use std::io::Write;
use std::net::IpAddr;
use std::os::fd::BorrowedFd;
use std::path::Path;

/// Marks the packets of published ports on their way back, and names the routing table that delivers them.
const MARK: u32 = 0xc0ac;
const TABLE: u32 = 0xc0;

/// The most routes of the host's that are looked at.
const ROUTES_BYTES_MAX: usize = 1 << 20;

/// The least MTU of a link with IPv6, RFC 8200 5, and the most of a bridge.
const IPV6_MTU_MIN: u32 = 1280;
const BRIDGE_MTU_MAX: u32 = 65_535;

/// The metric of a container's first default route, as podman's.
const METRIC: u32 = 100;

/// Makes the namespace that this thread is in one that passes packets on.
pub fn prepare(is_hosts: bool) -> Result<()> {
    write_setting("ipv4/ip_forward", b"1\n")?;
    write_setting("ipv6/conf/all/forwarding", b"1\n")?;
    if !is_hosts {
        // The firewall is between networks; what stays within one does not have to go through it.
        write_setting("bridge/bridge-nf-call-iptables", b"0\n")?;
        write_setting("bridge/bridge-nf-call-ip6tables", b"0\n")?;
    }
    Ok(())
}

/// Sets a parameter of the namespace that this thread is in, if the kernel has it: not all have IPv6.
fn write_setting(name: &str, value: &[u8]) -> Result<()> {
    let path = Path::new("/proc/sys/net").join(name);
    if path.exists() && crate::fs::read(&path, 16)? != value {
        let written = crate::fs::open_for_writing(&path)?.write_all(value);
        written.with_context(|| format!("write {}", path.display()))?;
    }
    Ok(())
}

/// Has the answers to sockets that speak for a client delivered to them.
pub fn deliver_answers() -> Result<()> {
    Links::open()?.deliver_marked(MARK, TABLE)
}

/// Takes back what is in the namespace for all networks together.
pub fn take_back(firewall: &mut Firewall) -> Result<()> {
    firewall.remove(Family::Inet, FIREWALL)?;
    Links::open()?.forget_marked(MARK, TABLE)
}

/// Makes the bridge of a network, if there is none yet.
pub fn raise(place: &Place, is_hosts: bool) -> Result<()> {
    let mut links = Links::open()?;
    match place.ground {
        Ground::Bridge => {}
        Ground::Unmanaged => return links.find(&place.bridge)?.map(|_| ()).ok_or_else(|| missing(place)),
        Ground::Macvlan { .. } | Ground::Ipvlan { .. } => return Ok(()),
    }
    let vrf = match &place.vrf {
        Some(vrf) => Some(links.find_vrf(vrf)?.ok_or_else(|| {
            let hint = format!("make it: ip link add {vrf} type vrf table NUMBER");
            Kind::NotFound.hinted(format!("network {}: the host has no VRF {vrf}", place.network), hint)
        })?),
        None => None,
    };
    let mtu = match place.mtu {
        Some(mtu) => Some(mtu),
        // What leads outside says how much goes there at once. Less would be more packets, more would be lost.
        // Where that cannot be told, containers run all the same.
        None if is_hosts => {
            let least = if place.subnets.iter().any(|subnet| subnet.block.is_ipv6()) { IPV6_MTU_MIN } else { 0 };
            let parent = outside(&mut links).unwrap_or_default();
            parent.map(|parent| parent.mtu.clamp(least, BRIDGE_MTU_MAX))
        }
        None => Some(pasta::MTU),
    };
    let bridge = links.bridge(&place.bridge, place.vlan)?;
    if let Some(mtu) = mtu {
        links.set_mtu(bridge, mtu).with_context(|| format!("network {}", place.network))?;
    }
    if let Some(vrf) = vrf {
        links.set_master(bridge, vrf)?;
    }
    for subnet in &place.subnets {
        if let Some(gateway) = subnet.gateway {
            links.add_address(bridge, gateway, subnet.block.prefix())?;
        }
    }
    Ok(())
}

/// Takes it away again.
pub fn remove(place: &Place) -> Result<()> {
    if !place.is_managed() {
        return Ok(());
    }
    let mut links = Links::open()?;
    match links.find(&place.bridge)? {
        Some(bridge) => links.delete(bridge),
        None => Ok(()),
    }
}

fn missing(place: &Place) -> anyhow::Error {
    let message = format!("network {}: the host has no interface {}", place.network, place.bridge);
    Kind::NotFound.hinted(message, "make it, or make the network with one that is there")
}

/// The interface of the host's that a network is on; without a name the one that leads outside.
fn parent(links: &mut Links, place: &Place) -> Result<Index> {
    if !place.bridge.is_empty() {
        return links.find(&place.bridge)?.ok_or_else(|| missing(place));
    }
    outside(links)?.map(|parent| parent.index).ok_or_else(|| {
        let message = format!("network {}: no interface of the host's leads outside", place.network);
        Kind::NotFound.hinted(message, "make the network with -o parent=INTERFACE")
    })
}

/// The interface that leads outside, if there is one.
fn outside(links: &mut Links) -> Result<Option<Interface>> {
    let routes = crate::fs::read(Path::new("/proc/thread-self/net/route"), ROUTES_BYTES_MAX)?;
    let routes = String::from_utf8_lossy(&routes).into_owned();
    // Interface, destination, and the mask at the end: proc_net(5).
    let default = routes.lines().map(|line| line.split_whitespace().collect::<Vec<_>>()).find_map(|words| {
        matches!(words[..], [_, "00000000", _, _, _, _, _, "00000000", ..]).then(|| words[0].to_owned())
    });
    Ok(default.map(|name| links.look(&name)).transpose()?.flatten())
}

/// Gives a container an interface on one of the host's.
fn on_parent(links: &mut Links, namespace: BorrowedFd<'_>, link: &Link) -> Result<()> {
    let place = &link.place;
    let (kind, mac, options) = match place.ground {
        Ground::Bridge | Ground::Unmanaged => return Ok(()),
        // IFLA_MACVLAN_MODE, IFLA_MACVLAN_BC_CUTOFF; one of ipvlan has its parent's MAC address.
        Ground::Macvlan { mode, broadcast_limit } => {
            let limit = broadcast_limit.map(|limit| (9, limit.to_ne_bytes().to_vec()));
            ("macvlan", Some(link.mac), [(1, mode.to_ne_bytes().to_vec())].into_iter().chain(limit).collect())
        }
        Ground::Ipvlan { mode } => ("ipvlan", None, vec![(1, mode.to_ne_bytes().to_vec())]),
    };
    let parent = parent(links, place)?;
    links.upper(&Upper { kind, parent, name: &link.interface, namespace, mac, mtu: place.mtu, options })
}

/// Takes an interface out of the namespace that this thread is in, a container's, if it is there.
pub fn take_down(link: &Link) -> Result<()> {
    let mut links = Links::open()?;
    match links.find(&link.interface)? {
        Some(interface) => links.delete(interface),
        None => Ok(()),
    }
}

/// Takes away the bridges that nobody is on and that are of none of these networks: those of a keeper that was killed.
pub fn sweep(places: &[Place]) -> Result<()> {
    let mut links = Links::open()?;
    let mut left_over = links.empty_bridges()?;
    left_over.retain(|(_, name)| places.iter().all(|place| place.bridge != *name));
    left_over.into_iter().try_for_each(|(bridge, _)| links.delete(bridge))
}

/// How much of a container's id is in the names of its ports: one of an interface has at most 15 bytes.
pub const PORT_ID: usize = 10;

/// The name of the bridge's end of a container's link.
pub fn port_name(container: &str, link: &Link) -> String {
    // The container's id tells containers apart, the network's bridge links.
    let mark = link.place.bridge.bytes().fold(5381u32, |sum, byte| sum.wrapping_mul(33) ^ u32::from(byte));
    format!("v{}{:04x}", container.get(..PORT_ID).unwrap_or(container), mark & 0xffff)
}

/// Plugs a container's interface into the bridge, and gives the bridge's address on the link, if it is the keeper's. One
/// that has rules is guarded, and sends nothing before [`set_up`].
pub fn plug(
    container: &str,
    namespace: BorrowedFd<'_>,
    link: &Link,
    guard: Option<&mut Firewall>,
) -> Result<Option<Mac>> {
    let mut links = Links::open()?;
    if !matches!(link.place.ground, Ground::Bridge | Ground::Unmanaged) {
        return on_parent(&mut links, namespace, link).map(|()| None);
    }
    let bridge =
        links.look(&link.place.bridge)?.with_context(|| format!("bridge {} is missing", link.place.bridge))?;
    let name = port_name(container, link);
    if let Some(left_over) = links.find(&name)? {
        links.delete(left_over)?;
    }
    links.pair(&Pair {
        name: &name,
        master: bridge.index,
        peer: &link.interface,
        peer_namespace: namespace,
        peer_mac: link.mac,
        mtu: link.place.mtu.unwrap_or(bridge.mtu),
        is_up: guard.is_none(),
    })?;
    if let Some(firewall) = guard {
        egress::guard(firewall, &name, link)?;
    }
    if !link.place.is_managed() {
        return Ok(None);
    }
    // Where it is, is known here: none of its neighbours is believed about that, nor is it about others.
    let port = links.find(&name)?.with_context(|| format!("interface {name} has gone away"))?;
    links.fix_port(port, link.mac)?;
    link.addresses.iter().try_for_each(|address| links.add_neighbour(bridge.index, *address, link.mac))?;
    Ok(Some(bridge.mac))
}

/// Lets a container's interface send.
pub fn set_up(container: &str, link: &Link) -> Result<()> {
    let mut links = Links::open()?;
    let name = port_name(container, link);
    let port = links.find(&name)?.with_context(|| format!("interface {name} has gone away"))?;
    links.set_up(port)
}

/// Takes a container's interface away; with the container's namespace it has gone already.
pub fn unplug(container: &str, link: &Link) -> Result<()> {
    let mut links = Links::open()?;
    if let Some(port) = links.find(&port_name(container, link))? {
        links.delete(port)?;
    }
    match links.find(&link.place.bridge)?.filter(|_| link.place.is_managed()) {
        Some(bridge) => link.addresses.iter().try_for_each(|address| links.remove_neighbour(bridge, *address)),
        None => Ok(()),
    }
}

/// Gives a container's interface its addresses and routes, in the namespace that this thread is in: the container's.
/// `gateway` is the bridge's address on the link, if it is known.
pub fn configure(link: &Link, number: u32, gateway: Option<Mac>) -> Result<()> {
    let mut links = Links::open()?;
    let interface = links.find(&link.interface)?.context("the container's interface has gone away")?;
    let subnet_of = |address| link.place.subnets.iter().find(|subnet| subnet.block.contains(address));
    for address in &link.addresses {
        let prefix = subnet_of(*address).map_or(bits(address), |subnet| subnet.block.prefix());
        links.add_address(interface, *address, prefix)?;
    }
    // Its addresses and routes are those that it is given here, not those that a neighbour says it should have.
    if link.place.is_managed() {
        write_setting(&format!("ipv6/conf/{}/accept_ra", link.interface), b"0\n")?;
        write_setting(&format!("ipv6/conf/{}/accept_redirects", link.interface), b"0\n")?;
        // Either of the two is enough for the kernel: ip-sysctl.
        write_setting(&format!("ipv4/conf/{}/accept_redirects", link.interface), b"0\n")?;
        write_setting("ipv4/conf/all/accept_redirects", b"0\n")?;
    }
    links.set_up(interface)?;
    if let Some(mac) = gateway {
        let is_reached = |gateway: &IpAddr| link.addresses.iter().any(|own| own.is_ipv4() == gateway.is_ipv4());
        let mut gateways = link.place.gateways().filter(is_reached);
        gateways.try_for_each(|gateway| links.add_neighbour(interface, gateway, mac))?;
    }
    if link.place.default_route && !link.place.internal {
        let metric = Some(link.place.metric.unwrap_or(METRIC) + number);
        let subnets = link.place.subnets.iter();
        let reachable = subnets.filter(|subnet| link.addresses.iter().any(|address| subnet.block.contains(*address)));
        for gateway in reachable.filter_map(|subnet| subnet.gateway) {
            links.add_route(&Route { destination: None, gateway: Some(gateway), link: Some(interface), metric })?;
        }
    }
    for definition::Route { destination, gateway, metric } in &link.place.routes {
        let destination = Some((destination.first(), destination.prefix()));
        links.add_route(&Route { destination, gateway: Some(*gateway), link: None, metric: *metric })?;
    }
    Ok(())
}

/// Who may send what to whom: networks do not reach each other, internal ones reach nothing, whatever leaves goes by the
/// address of where it leaves, and what comes from outside is an answer. Published ports are the forwarder's, who is here.
pub fn firewall(places: &[&Place]) -> Table {
    let mut table = Table::new(Family::Inet, FIREWALL);
    table.chain("to-networks", None);
    table.chain("from-networks", None);
    table.chain("from-outside", None);
    for (name, hook) in [
        ("prerouting", Hook::Prerouting),
        ("input", Hook::Input),
        ("forward", Hook::Forward),
        ("postrouting", Hook::Postrouting),
    ] {
        table.chain(name, Some(hook));
    }
    let is_routed = |place: &&&Place| {
        let has_gateway = place.subnets.iter().any(|subnet| subnet.gateway.is_some());
        // What comes by a VRF has routes of its own.
        place.is_managed() && place.vrf.is_none() && has_gateway
    };
    for place in places.iter().filter(is_routed) {
        // Nobody speaks for somebody who is not in its network.
        table.rule("prerouting", &[Step::InputIs(&place.bridge), Step::SourceIsElsewhere, Step::Drop]);
    }
    table.rule("prerouting", &[Step::IsForTransparentSocket, Step::SetMark(MARK)]);
    for place in places.iter().filter(|place| place.is_managed()) {
        table.rule("to-networks", &[Step::OutputIs(&place.bridge), Step::Drop]);
        table.rule("from-networks", &[Step::InputIs(&place.bridge), Step::Drop]);
        table.rule("from-outside", &[Step::InputIs(&place.bridge), Step::Return]);
        forward(&mut table, place);
        own_addresses(&mut table, place);
        if !place.internal {
            for subnet in &place.subnets {
                let from = Step::SourceIn(subnet.block.first(), subnet.block.prefix());
                table.rule("postrouting", &[from, Step::OutputIsNot(&place.bridge), Step::Masquerade]);
            }
        }
    }
    table.rule("from-outside", &[Step::IsAnswer, Step::Return]);
    table.rule("from-outside", &[Step::Drop]);
    table
}

fn forward(table: &mut Table, place: &Place) {
    let bridge = place.bridge.as_str();
    if place.internal {
        table.rule("forward", &[Step::InputIs(bridge), Step::OutputIsNot(bridge), Step::Drop]);
        table.rule("forward", &[Step::OutputIs(bridge), Step::InputIsNot(bridge), Step::Drop]);
    } else if place.isolated {
        // Whatever the other one has been asked for.
        table.rule("forward", &[Step::InputIs(bridge), Step::OutputIsNot(bridge), Step::Jump("to-networks")]);
        table.rule("forward", &[Step::OutputIs(bridge), Step::InputIsNot(bridge), Step::Jump("from-networks")]);
    }
    // A VRF that is open to others is reached as its owner has it.
    if !place.internal && (place.isolated || place.vrf.is_none()) {
        table.rule("forward", &[Step::OutputIs(bridge), Step::InputIsNot(bridge), Step::Jump("from-outside")]);
    }
}

/// A network reaches its own gateway's addresses, and none of those that the others have.
fn own_addresses(table: &mut Table, place: &Place) {
    for gateway in place.subnets.iter().filter_map(|subnet| subnet.gateway) {
        let from_elsewhere =
            [Step::DestinationIn(gateway, bits(&gateway)), Step::InputIsNot(&place.bridge), Step::InputIsNot("lo")];
        table.rule("input", &[&from_elsewhere[..], &[Step::Drop]].concat());
    }
}

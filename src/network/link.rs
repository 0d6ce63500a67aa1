//! rtnetlink(7): the links, addresses, routes and rules of one network namespace.

use super::cidr::octets;
use super::netlink::{self, CREATE, EXCLUSIVE, Message, REPLACE, Socket};
use crate::error::Kind;
use anyhow::{Context, Result};
use std::net::IpAddr;
use std::os::fd::{AsRawFd, BorrowedFd};

/// Message types, linux/rtnetlink.h.
const NEW_LINK: u16 = 16;
const DELETE_LINK: u16 = 17;
const GET_LINK: u16 = 18;
const NEW_ADDRESS: u16 = 20;
const NEW_ROUTE: u16 = 24;
const DELETE_ROUTE: u16 = 25;
const NEW_RULE: u16 = 32;
const DELETE_RULE: u16 = 33;
const NEW_NEIGHBOUR: u16 = 28;
const DELETE_NEIGHBOUR: u16 = 29;

/// Attributes of a link, linux/if_link.h.
const IFLA_ADDRESS: u16 = 1;
const IFLA_IFNAME: u16 = 3;
const IFLA_MTU: u16 = 4;
const IFLA_LINK: u16 = 5;
const IFLA_MASTER: u16 = 10;
const IFLA_LINKINFO: u16 = 18;
const IFLA_NET_NS_FD: u16 = 28;
const IFLA_INFO_KIND: u16 = 1;
const IFLA_INFO_DATA: u16 = 2;
const IFLA_INFO_SLAVE_KIND: u16 = 4;
const IFLA_INFO_SLAVE_DATA: u16 = 5;
const IFLA_BRPORT_LEARNING: u16 = 8;
const VETH_INFO_PEER: u16 = 1;

/// `IFF_UP`.
const UP: u32 = 1;

/// `IFA_F_NODAD`: nobody else has this address, so that it is not asked around for.
const NO_DUPLICATE_CHECK: u32 = 2;

/// Attributes, states and flags of a neighbour, linux/neighbour.h: one that is not asked for, and one of a bridge's.
const NDA_DST: u16 = 1;
const NDA_LLADDR: u16 = 2;
const NUD_NOARP: u16 = 0x40;
const NUD_PERMANENT: u16 = 0x80;
const NTF_MASTER: u8 = 4;

/// The tables and types of routes, linux/rtnetlink.h.
const TABLE_MAIN: u32 = 254;
const ROUTE_UNICAST: u8 = 1;
const ROUTE_LOCAL: u8 = 2;
const SCOPE_GLOBAL: u8 = 0;
const SCOPE_LINK: u8 = 253;
const SCOPE_HOST: u8 = 254;
const PROTOCOL_STATIC: u8 = 4;

/// How many keepers that were killed can have left a rule.
const RULES_MAX: usize = 1024;

/// A network interface's number in its namespace.
pub type Index = u32;

/// The address of an interface on its link.
pub type Mac = [u8; 6];

/// The index of the loopback interface in every namespace.
pub const LOOPBACK: Index = 1;

/// A network interface.
#[derive(Clone, Copy, Debug)]
pub struct Interface {
    pub index: Index,
    /// Zeros if it has none on its link.
    pub mac: Mac,
    /// How many bytes a packet has at most, without what the link puts before it.
    pub mtu: u32,
}

/// The links of the namespace in which this was opened.
pub struct Links(Socket);

/// One end of a pair of interfaces, and where the other one goes.
pub struct Pair<'a> {
    pub name: &'a str,
    /// The bridge that has it as a port.
    pub master: Index,
    pub peer: &'a str,
    pub peer_namespace: BorrowedFd<'a>,
    pub peer_mac: [u8; 6],
    pub mtu: u32,
    /// Whether something can be sent at once.
    pub is_up: bool,
}

/// An interface on another one.
pub struct Upper<'a> {
    /// The kernel's driver.
    pub kind: &'static str,
    pub parent: Index,
    pub name: &'a str,
    pub namespace: BorrowedFd<'a>,
    /// None takes the parent's.
    pub mac: Option<[u8; 6]>,
    pub mtu: Option<u32>,
    /// What the driver is told: attributes of `IFLA_INFO_DATA`.
    pub options: Vec<(u16, Vec<u8>)>,
}

/// Where packets for some addresses go.
pub struct Route {
    /// The addresses: None is all of the gateway's or table's family.
    pub destination: Option<(IpAddr, u8)>,
    pub gateway: Option<IpAddr>,
    pub link: Option<Index>,
    pub metric: Option<u32>,
}

impl Links {
    pub fn open() -> Result<Self> {
        Ok(Self(Socket::open(netlink::ROUTE)?))
    }

    /// The index of an interface, if it is there.
    pub fn find(&mut self, name: &str) -> Result<Option<Index>> {
        Ok(self.look(name)?.map(|interface| interface.index))
    }

    /// An interface, if it is there.
    pub fn look(&mut self, name: &str) -> Result<Option<Interface>> {
        let read = |body: Vec<u8>| {
            let attribute = |kind| netlink::attribute(body.get(16..)?, kind);
            let mtu = attribute(IFLA_MTU)?.try_into().ok()?;
            let mac = attribute(IFLA_ADDRESS).and_then(|mac| mac.try_into().ok());
            Some(Interface { index: index_of(&body)?, mac: mac.unwrap_or_default(), mtu: u32::from_ne_bytes(mtu) })
        };
        Ok(self.describe(name)?.and_then(read))
    }

    /// The index of a VRF, if there is an interface of this name that is one.
    pub fn find_vrf(&mut self, name: &str) -> Result<Option<Index>> {
        let found = self.describe(name)?.filter(|body| kind_of(body).is_some_and(|kind| kind.starts_with(b"vrf")));
        Ok(found.and_then(|body| index_of(&body)))
    }

    fn describe(&mut self, name: &str) -> Result<Option<Vec<u8>>> {
        let message = Message::new(GET_LINK, 0, &link_header(0, 0, 0)).text(IFLA_IFNAME, name);
        match self.0.get(message) {
            Ok(body) => Ok(body),
            Err(error) if error.raw_os_error() == Some(libc::ENODEV) => Ok(None),
            Err(error) => Err(error).with_context(|| format!("look for interface {name}")),
        }
    }

    /// Makes a bridge, unless there is one of this name. Its ports are in the VLAN, if there is one.
    pub fn bridge(&mut self, name: &str, vlan: Option<u16>) -> Result<Index> {
        if let Some(index) = self.find(name)? {
            return Ok(index);
        }
        let message = Message::new(NEW_LINK, CREATE | EXCLUSIVE, &link_header(0, UP, UP)).text(IFLA_IFNAME, name);
        // One of its own: else it is the lowest of its ports', which come and go, and containers look for it at the last.
        let message = message.bytes(IFLA_ADDRESS, &random_mac()?);
        let message = message.nest(IFLA_LINKINFO, |info| {
            let info = info.bytes(IFLA_INFO_KIND, b"bridge");
            // IFLA_BR_VLAN_FILTERING, IFLA_BR_VLAN_DEFAULT_PVID.
            let data = |vlan: u16| move |data: Message| data.bytes(7, &[1]).bytes(39, &vlan.to_ne_bytes());
            vlan.into_iter().fold(info, |info, vlan| info.nest(IFLA_INFO_DATA, data(vlan)))
        });
        let what =
            if vlan.is_some() { "VLANs on bridges: CONFIG_BRIDGE_VLAN_FILTERING" } else { "bridges: CONFIG_BRIDGE" };
        known(self.0.ask(message), what).with_context(|| format!("make bridge {name}"))?;
        self.find(name)?.with_context(|| format!("bridge {name} has gone away"))
    }

    /// What all interfaces are called.
    pub fn names(&mut self) -> Result<Vec<String>> {
        let mut names = Vec::new();
        let listed = self.0.list(Message::new(GET_LINK, 0, &link_header(0, 0, 0)), |body| names.push(name_of(body)));
        listed.context("list the interfaces")?;
        Ok(names)
    }

    /// The bridges made by [`Links::bridge`] that nothing is plugged into.
    pub fn empty_bridges(&mut self) -> Result<Vec<(Index, String)>> {
        let (mut bridges, mut used) = (Vec::new(), Vec::new());
        let listed = self.0.list(Message::new(GET_LINK, 0, &link_header(0, 0, 0)), |body| {
            let number = |bytes: &[u8]| Some(Index::from_ne_bytes(bytes.try_into().ok()?));
            let attributes = body.get(16..).unwrap_or_default();
            used.extend(netlink::attribute(attributes, IFLA_MASTER).and_then(number));
            let is_own = netlink::attribute(attributes, IFLA_ADDRESS).is_some_and(|mac| mac.starts_with(&OWN));
            if is_own && kind_of(body).is_some_and(|kind| kind.starts_with(b"bridge")) {
                bridges.extend(index_of(body).map(|index| (index, name_of(body))));
            }
        });
        listed.context("list the interfaces")?;
        bridges.retain(|(index, _)| !used.contains(index));
        Ok(bridges)
    }

    /// Makes a pair of interfaces with one end here and one in another namespace.
    pub fn pair(&mut self, pair: &Pair<'_>) -> Result<()> {
        let peer = |message: Message| {
            let message = message.raw(&link_header(0, 0, 0)).text(IFLA_IFNAME, pair.peer);
            let message = message.bytes(IFLA_ADDRESS, &pair.peer_mac);
            message.u32(IFLA_MTU, pair.mtu).u32(IFLA_NET_NS_FD, pair.peer_namespace.as_raw_fd() as u32)
        };
        let up = if pair.is_up { UP } else { 0 };
        let message = Message::new(NEW_LINK, CREATE | EXCLUSIVE, &link_header(0, up, up))
            .text(IFLA_IFNAME, pair.name)
            .u32(IFLA_MASTER, pair.master)
            .u32(IFLA_MTU, pair.mtu);
        let message = message.nest(IFLA_LINKINFO, |info| {
            info.bytes(IFLA_INFO_KIND, b"veth").nest(IFLA_INFO_DATA, |data| data.nest(VETH_INFO_PEER, peer))
        });
        self.0.ask(message).with_context(|| format!("make the interface {} of the container", pair.peer))
    }

    /// Has a bridge know who is behind a port, whatever is said there.
    pub fn fix_port(&mut self, port: Index, mac: Mac) -> Result<()> {
        let message = Message::new(NEW_LINK, 0, &link_header(port, 0, 0)).nest(IFLA_LINKINFO, |info| {
            let info = info.bytes(IFLA_INFO_SLAVE_KIND, b"bridge");
            info.nest(IFLA_INFO_SLAVE_DATA, |data| data.bytes(IFLA_BRPORT_LEARNING, &[0]))
        });
        self.0.ask(message).context("have a bridge learn nothing at a port")?;
        let header = neighbour_header(libc::AF_BRIDGE as u8, port, NUD_NOARP, NTF_MASTER);
        let message = Message::new(NEW_NEIGHBOUR, CREATE | REPLACE, &header).bytes(NDA_LLADDR, &mac);
        self.0.ask(message).context("tell a bridge who is at a port")
    }

    /// Says where a neighbour is on a link, so that nobody is asked and nobody is believed.
    pub fn add_neighbour(&mut self, link: Index, address: IpAddr, mac: Mac) -> Result<()> {
        let header = neighbour_header(family(address), link, NUD_PERMANENT, 0);
        let message = Message::new(NEW_NEIGHBOUR, CREATE | REPLACE, &header);
        let message = message.bytes(NDA_DST, &octets(address)).bytes(NDA_LLADDR, &mac);
        self.0.ask(message).with_context(|| format!("say where {address} is"))
    }

    /// Undoes [`Links::add_neighbour`].
    pub fn remove_neighbour(&mut self, link: Index, address: IpAddr) -> Result<()> {
        let header = neighbour_header(family(address), link, 0, 0);
        let message = Message::new(DELETE_NEIGHBOUR, 0, &header).bytes(NDA_DST, &octets(address));
        match self.0.ask(message) {
            Err(error) if error.raw_os_error() == Some(libc::ENOENT) => Ok(()),
            result => result.with_context(|| format!("forget where {address} is")),
        }
    }

    /// Makes an interface in a container's namespace that is on one of those here.
    pub fn upper(&mut self, upper: &Upper<'_>) -> Result<()> {
        let message = Message::new(NEW_LINK, CREATE | EXCLUSIVE, &link_header(0, 0, 0))
            .text(IFLA_IFNAME, upper.name)
            .u32(IFLA_LINK, upper.parent)
            .u32(IFLA_NET_NS_FD, upper.namespace.as_raw_fd() as u32);
        let message = upper.mac.iter().fold(message, |message, mac| message.bytes(IFLA_ADDRESS, mac));
        let message = upper.mtu.iter().fold(message, |message, mtu| message.u32(IFLA_MTU, *mtu));
        let message = message.nest(IFLA_LINKINFO, |info| {
            let info = info.bytes(IFLA_INFO_KIND, upper.kind.as_bytes());
            info.nest(IFLA_INFO_DATA, |data| {
                upper.options.iter().fold(data, |data, (number, value)| data.bytes(*number, value))
            })
        });
        let what = format!("{0}: the module {0}", upper.kind);
        known(self.0.ask(message), &what)
            .with_context(|| format!("make the interface {} of the container", upper.name))
    }

    /// Puts a link into a bridge or a VRF.
    pub fn set_master(&mut self, link: Index, master: Index) -> Result<()> {
        let message = Message::new(NEW_LINK, 0, &link_header(link, 0, 0)).u32(IFLA_MASTER, master);
        self.0.ask(message).context("put an interface into another")
    }

    /// Says how many bytes a packet of an interface has at most. A bridge that is told so only when it is made follows its
    /// ports, and has 1,500 bytes again when the last one has gone.
    pub fn set_mtu(&mut self, link: Index, mtu: u32) -> Result<()> {
        let message = Message::new(NEW_LINK, 0, &link_header(link, 0, 0)).u32(IFLA_MTU, mtu);
        self.0.ask(message).with_context(|| format!("set an MTU of {mtu} bytes"))
    }

    pub fn set_up(&mut self, link: Index) -> Result<()> {
        self.0.ask(Message::new(NEW_LINK, 0, &link_header(link, UP, UP))).context("set an interface up")
    }

    pub fn delete(&mut self, link: Index) -> Result<()> {
        self.0.ask(Message::new(DELETE_LINK, 0, &link_header(link, 0, 0))).context("remove an interface")
    }

    /// Gives an interface an address, unless it has it.
    pub fn add_address(&mut self, link: Index, address: IpAddr, prefix: u8) -> Result<()> {
        let header = [&[family(address), prefix, 0, SCOPE_GLOBAL][..], &link.to_ne_bytes()].concat();
        let bytes = octets(address);
        // IFA_ADDRESS, IFA_LOCAL, IFA_FLAGS.
        let message = Message::new(NEW_ADDRESS, CREATE | REPLACE, &header).bytes(1, &bytes).bytes(2, &bytes);
        let message = if address.is_ipv6() { message.u32(8, NO_DUPLICATE_CHECK) } else { message };
        self.0.ask(message).with_context(|| format!("give an interface the address {address}/{prefix}"))
    }

    pub fn add_route(&mut self, route: &Route) -> Result<()> {
        let (destination, prefix) = route.destination.unzip();
        let any = destination.or(route.gateway).context("a route has a family")?;
        let scope = if route.gateway.is_some() { SCOPE_GLOBAL } else { SCOPE_LINK };
        let header = route_header(family(any), prefix.unwrap_or(0), TABLE_MAIN, scope, ROUTE_UNICAST);
        let mut message = Message::new(NEW_ROUTE, CREATE | REPLACE, &header);
        // RTA_DST, RTA_OIF, RTA_GATEWAY, RTA_PRIORITY.
        if let Some(destination) = destination {
            message = message.bytes(1, &octets(destination));
        }
        if let Some(link) = route.link {
            message = message.u32(4, link);
        }
        if let Some(gateway) = route.gateway {
            message = message.bytes(5, &octets(gateway));
        }
        if let Some(metric) = route.metric {
            message = message.u32(6, metric);
        }
        self.0.ask(message).context("add a route")
    }

    /// Has packets with this mark delivered here, whatever their address: for sockets that speak as somebody else.
    pub fn deliver_marked(&mut self, mark: u32, table: u32) -> Result<()> {
        for family in [libc::AF_INET as u8, libc::AF_INET6 as u8] {
            let [route, rule] =
                marked((NEW_ROUTE, CREATE | REPLACE), (NEW_RULE, CREATE | EXCLUSIVE), family, mark, table);
            self.0.ask(route).context("add a local route")?;
            match self.0.ask(rule) {
                Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => {
                    return Err(error).context("add a routing rule");
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Undoes [`Links::deliver_marked`], however often that was done: the kernel takes the same rule again.
    pub fn forget_marked(&mut self, mark: u32, table: u32) -> Result<()> {
        for family in [libc::AF_INET as u8, libc::AF_INET6 as u8] {
            for _ in 0..RULES_MAX {
                let [_, rule] = marked((DELETE_ROUTE, 0), (DELETE_RULE, 0), family, mark, table);
                match self.0.ask(rule) {
                    Err(error) if error.kind() == std::io::ErrorKind::NotFound => break,
                    removed => removed.context("remove a routing rule")?,
                }
            }
            let [route, _] = marked((DELETE_ROUTE, 0), (DELETE_RULE, 0), family, mark, table);
            self.0.ask(route).context("remove a local route")?;
        }
        Ok(())
    }
}

/// The index in the description of a link.
fn index_of(body: &[u8]) -> Option<Index> {
    Some(Index::from_ne_bytes(body.get(4..8)?.try_into().ok()?))
}

/// The kernel's driver in it.
fn kind_of(body: &[u8]) -> Option<&[u8]> {
    netlink::attribute(netlink::attribute(body.get(16..)?, IFLA_LINKINFO)?, IFLA_INFO_KIND)
}

/// The name in it.
fn name_of(body: &[u8]) -> String {
    let name = netlink::attribute(body.get(16..).unwrap_or_default(), IFLA_IFNAME).unwrap_or_default();
    String::from_utf8_lossy(name).trim_end_matches('\0').to_owned()
}

/// A route that delivers everything here, in a table of its own, and the rule that leads marked packets to it.
fn marked(route: (u16, u16), rule: (u16, u16), family: u8, mark: u32, table: u32) -> [Message; 2] {
    // RTA_OIF, RTA_TABLE.
    let header = route_header(family, 0, table, SCOPE_HOST, ROUTE_LOCAL);
    let route = Message::new(route.0, route.1, &header).u32(4, LOOPBACK).u32(15, table);
    // struct fib_rule_hdr: family, two lengths, tos, table, two reserved, action FR_ACT_TO_TBL, flags.
    let header = [&[family, 0, 0, 0, table as u8, 0, 0, 1][..], &[0; 4]].concat();
    // FRA_FWMARK, FRA_TABLE.
    [route, Message::new(rule.0, rule.1, &header).u32(10, mark).u32(15, table)]
}

/// What the kernel does not have is named.
fn known(answer: std::io::Result<()>, what: &str) -> Result<()> {
    answer.map_err(|error| match error.raw_os_error() {
        Some(libc::EOPNOTSUPP) => Kind::Engine.error(format!("this kernel has no {what}")),
        _ => error.into(),
    })
}

/// How the addresses of links that are given here begin: locally administered, of no group.
pub const OWN: [u8; 2] = [0x0a, 0xc0];

/// An address of nobody's.
pub fn random_mac() -> Result<[u8; 6]> {
    let mut mac = [OWN[0], OWN[1], 0, 0, 0, 0];
    rustix::rand::getrandom(&mut mac[2..], rustix::rand::GetRandomFlags::empty())?;
    Ok(mac)
}

/// `struct ifinfomsg`.
fn link_header(index: Index, flags: u32, change: u32) -> [u8; 16] {
    let mut header = [0; 16];
    header[4..8].copy_from_slice(&index.to_ne_bytes());
    header[8..12].copy_from_slice(&flags.to_ne_bytes());
    header[12..].copy_from_slice(&change.to_ne_bytes());
    header
}

/// `struct ndmsg`.
fn neighbour_header(family: u8, link: Index, state: u16, flags: u8) -> [u8; 12] {
    let mut header = [0; 12];
    header[0] = family;
    header[4..8].copy_from_slice(&link.to_ne_bytes());
    header[8..10].copy_from_slice(&state.to_ne_bytes());
    header[10] = flags;
    header
}

/// `struct rtmsg`.
fn route_header(family: u8, prefix: u8, table: u32, scope: u8, kind: u8) -> [u8; 12] {
    [family, prefix, 0, 0, table as u8, PROTOCOL_STATIC, scope, kind, 0, 0, 0, 0]
}

fn family(address: IpAddr) -> u8 {
    (if address.is_ipv4() { libc::AF_INET } else { libc::AF_INET6 }) as u8
}

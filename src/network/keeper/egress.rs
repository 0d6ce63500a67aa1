//! The rules of what leaves a container, in the namespace of the bridges, where the container reaches none of them.
//!
//! A container that has rules has a table of its own, which knows it by its addresses; and for each of its interfaces
//! another one at the bridge's end of it, where nothing gets through that has an address which is not the container's.
//! The tables outlive a keeper that is killed.

use super::place::{PORT_ID, port_name};
use super::protocol::Link;
use super::resolver::PORT;
use crate::network::Protocol;
use crate::network::cidr::{bits, octets};
use crate::network::egress::{Egress, Pattern, Rule, Target, Verdict};
use crate::network::link::Links;
use crate::network::nftables::{Family, Firewall, Hook, Step, TABLE, Table};
use anyhow::{Context, Result};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

/// `ETH_P_IP`, `ETH_P_ARP`, `ETH_P_IPV6`, and where each has the sender's address.
const IPV4: (u16, u32) = (0x0800, 12);
const ARP: (u16, u32) = (0x0806, 14);
const IPV6: (u16, u32) = (0x86dd, 8);

const TCP: u8 = 6;
const UDP: u8 = 17;
const ICMPV6: u8 = 58;

/// What finds a neighbour, and what a listener to a group says, which goes no farther than this link: RFC 4861, RFC 3810.
const NEIGHBOURS: (u8, u8) = (135, 136);
const OF_THE_LINK: [(u8, u8); 3] = [(130, 133), NEIGHBOURS, (143, 143)];

/// How many refusals a second are told of, after a first many, and how much of each packet: its headers.
const TOLD_PER_SECOND: u64 = 10;
const TOLD_FIRST: u32 = 40;
const TOLD_BYTES: u32 = 128;

/// How long each address of a name is open: for as long as the answer holds, but not shorter or longer than this, and a
/// while more for who takes its time.
const OPEN_SECS_MIN: u32 = 60;
const OPEN_SECS_MAX: u32 = 86_400;
const GRACE_SECS: u32 = 60;

/// How much of a container's id is in the name of its table.
const TABLE_ID: usize = 12;

/// The table of a container, and that of the bridge's end of an interface.
fn table_name(container: &str) -> String {
    format!("{TABLE}-{}", container.get(..TABLE_ID).unwrap_or(container))
}

fn guard_name(port: &str) -> String {
    format!("{TABLE}-{port}")
}

/// The addresses of the names of a rule: those that are open to new connections, and those that were, where connections
/// may stand for as long as something goes over them.
#[derive(Clone, Copy)]
enum Set {
    Open,
    Standing,
}

impl Set {
    const ALL: [(Self, bool); 4] =
        [(Self::Open, false), (Self::Open, true), (Self::Standing, false), (Self::Standing, true)];

    fn name(self, pattern: &Pattern, is_ipv6: bool) -> String {
        let what = match self {
            Self::Open => "open",
            Self::Standing => "standing",
        };
        format!("{what}{}-{}", if is_ipv6 { 6 } else { 4 }, pattern.suffix())
    }

    /// The most addresses, and how long one is remembered if nothing else is said. One of a connection that is silent is as
    /// long as the connection itself: nf_conntrack_tcp_timeout_established.
    fn limits(self) -> (u32, Duration) {
        match self {
            Self::Open => (1024, Duration::from_secs(OPEN_SECS_MIN as u64)),
            Self::Standing => (16_384, Duration::from_secs(432_000)),
        }
    }
}

/// Has the rules of a container hold for these links, in place of those before, if there were any. What its names have been
/// resolved to stays open. Connections that it has opened go on as far as these rules let them.
pub fn rule(
    firewall: &mut Firewall,
    container: &str,
    egress: &Egress,
    before: Option<&Egress>,
    group: u16,
    links: &[Link],
) -> Result<()> {
    let mut table = Table::with_sets(&table_name(container));
    let gone = before.into_iter().flat_map(Egress::names).filter(|name| egress.names().all(|other| other != *name));
    for (pattern, is_gone) in egress.names().map(|name| (name, false)).chain(gone.map(|name| (name, true))) {
        for (set, is_ipv6) in Set::ALL {
            let (name, (count_max, time)) = (set.name(pattern, is_ipv6), set.limits());
            match is_gone {
                true => table.forget_addresses(&name, is_ipv6, count_max, time),
                false => table.addresses(&name, is_ipv6, count_max, time),
            }
        }
    }
    for (chain, hook) in [
        ("forward", Some(Hook::ForwardOfOne)),
        ("input", Some(Hook::InputOfOne)),
        ("outside", None),
        ("host", None),
        ("refuse", None),
    ] {
        table.chain(chain, hook);
    }
    links.iter().for_each(|link| lead(&mut table, link));
    for chain in ["outside", "host"] {
        table.rule(chain, &[Step::GoesBack, Step::Accept]);
        table.rule(chain, &[Step::TellsOfOne, Step::Accept]);
    }
    links.iter().for_each(|link| let_ask(&mut table, link));
    let everybody: [(IpAddr, u8); 2] =
        [(Ipv4Addr::new(224, 0, 0, 0).into(), 4), (Ipv6Addr::from_bits(0xff << 120).into(), 8)];
    for (group, prefix) in everybody {
        table.rule("host", &[Step::DestinationIn(group, prefix), Step::Drop]);
    }
    egress.rules.iter().for_each(|rule| decide(&mut table, rule));
    let last = verdict(egress.default);
    table.rule("outside", &[last]);
    table.rule("host", &[last]);
    table.rule("refuse", &[Step::AtMost(TOLD_PER_SECOND, TOLD_FIRST), Step::Tell(group, TOLD_BYTES)]);
    table.rule("refuse", &[Step::ProtocolIs(TCP), Step::Reset]);
    table.rule("refuse", &[Step::Forbid]);
    firewall.set(table).context("set egress rules: CONFIG_NFT_LOG, CONFIG_NFT_REJECT_INET")
}

fn verdict(verdict: Verdict) -> Step<'static> {
    match verdict {
        Verdict::Allow => Step::Accept,
        Verdict::Deny => Step::Jump("refuse"),
    }
}

/// Leads what comes from a link to the rules. What stays in its network does not have to go through them, whether the
/// host has it come by here or not.
fn lead(table: &mut Table, link: &Link) {
    let place = &link.place;
    table.rule("forward", &[Step::InputIs(&place.bridge), Step::OutputIs(&place.bridge), Step::Accept]);
    // What is in a VRF comes in by that.
    for interface in [Some(&place.bridge), place.vrf.as_ref()].into_iter().flatten() {
        for address in &link.addresses {
            let is_ours = [Step::InputIs(interface), Step::SourceIn(*address, bits(address))];
            table.rule("forward", &[&is_ours[..], &[Step::Jump("outside")]].concat());
            table.rule("input", &[&is_ours[..], &[Step::Jump("host")]].concat());
        }
    }
}

/// Lets the container find its gateways, and ask the name server that is there.
fn let_ask(table: &mut Table, link: &Link) {
    for gateway in link.place.gateways() {
        for protocol in [UDP, TCP] {
            let is_question =
                [Step::DestinationIn(gateway, bits(&gateway)), Step::ProtocolIs(protocol), Step::PortIn(PORT, PORT)];
            table.rule("host", &[&is_question[..], &[Step::Accept]].concat());
        }
    }
    table.rule("host", &[Step::ProtocolIs(ICMPV6), Step::TypeIn(NEIGHBOURS.0, NEIGHBOURS.1), Step::Accept]);
}

/// What a rule of the user's says. A name leads to the outside alone: whoever has it is not to open the host.
fn decide(table: &mut Table, rule: &Rule) {
    let ports: Vec<Step<'_>> = rule
        .ports
        .iter()
        .flat_map(|ports| {
            let protocol = match ports.protocol {
                Protocol::Tcp => TCP,
                Protocol::Udp => UDP,
            };
            [Step::ProtocolIs(protocol), Step::PortIn(ports.first, ports.last)]
        })
        .collect();
    let mut add = |chain: &str, target: &[Step<'_>]| {
        table.rule(chain, &[target, &ports[..], &[verdict(rule.verdict)]].concat());
    };
    match &rule.target {
        Target::Block(block) => {
            let target = Step::DestinationIn(block.first(), block.prefix());
            ["outside", "host"].iter().for_each(|chain| add(chain, &[target]));
        }
        Target::Name(pattern) => {
            for (set, is_ipv6) in Set::ALL {
                let name = set.name(pattern, is_ipv6);
                let is_among = Step::DestinationAmong(&name, is_ipv6);
                match set {
                    Set::Open => add("outside", &[is_among]),
                    Set::Standing => add("outside", &[Step::IsStanding, is_among, Step::Renew(&name, is_ipv6)]),
                }
            }
        }
    }
}

/// Lets nothing out of a container's interface, by the bridge's end of it, that does not come from the container's own
/// addresses, but for what a machine without any says to its neighbours.
pub fn guard(firewall: &mut Firewall, port: &str, link: &Link) -> Result<()> {
    let mut table = Table::new(Family::Netdev, &guard_name(port));
    table.ingress("guard", port);
    for address in &link.addresses {
        let bytes = octets(*address);
        let frames = if address.is_ipv4() { &[IPV4, ARP][..] } else { &[IPV6] };
        for (kind, at) in frames {
            let sender = Step::HeaderHas(*at, &bytes, &[0xff; 16][..bytes.len()]);
            table.rule("guard", &[Step::FrameHas(*kind), sender, Step::Accept]);
        }
    }
    // Neither is passed on: RFC 4291, 2.5.2 and 2.5.6.
    let nobody = Step::HeaderHas(IPV6.1, &[0; 16], &[0xff; 16]);
    let link_local = Step::HeaderHas(IPV6.1, &[0xfe, 0x80], &[0xff, 0xc0]);
    for sender in [nobody, link_local] {
        for (first, last) in OF_THE_LINK {
            let says = [Step::FrameHas(IPV6.0), sender, Step::ProtocolIs(ICMPV6), Step::TypeIn(first, last)];
            table.rule("guard", &[&says[..], &[Step::Accept]].concat());
        }
    }
    firewall.set(table).context("guard an interface: CONFIG_NF_TABLES_NETDEV")
}

/// Opens what a name of these rules has been resolved to, for so many seconds each.
pub fn open(firewall: &mut Firewall, container: &str, rules: &[Pattern], addresses: &[(IpAddr, u32)]) -> Result<()> {
    let table = table_name(container);
    let each = || rules.iter().flat_map(|rule| addresses.iter().map(move |(address, secs)| (rule, *address, *secs)));
    let standing = each()
        .map(|(rule, address, _)| (Set::Standing.name(rule, address.is_ipv6()), address, Set::Standing.limits().1));
    // Where there is no room for one, connections end when it is no longer open.
    let _ = firewall.remember(&table, &standing.collect::<Vec<_>>());
    let open = each().map(|(rule, address, secs)| {
        let secs = secs.clamp(OPEN_SECS_MIN, OPEN_SECS_MAX) + GRACE_SECS;
        (Set::Open.name(rule, address.is_ipv6()), address, Duration::from_secs(secs.into()))
    });
    firewall.remember(&table, &open.collect::<Vec<_>>())
}

/// Takes away what guards a link.
pub fn unguard(firewall: &mut Firewall, container: &str, link: &Link) -> Result<()> {
    firewall.remove(Family::Netdev, &guard_name(&port_name(container, link)))
}

/// Takes away the rules of a container that has these links.
pub fn forget(firewall: &mut Firewall, container: &str, links: &[Link]) -> Result<()> {
    links.iter().try_for_each(|link| unguard(firewall, container, link))?;
    firewall.remove(Family::Inet, &table_name(container))
}

/// Takes away the tables of containers that have no interface here any more, but for those that are known: nobody was there
/// to do it with their end. Another engine's are told by that, too, where the namespace is the host's.
pub fn sweep(firewall: &mut Firewall, known: &[&str]) -> Result<()> {
    // In this order: a table is made when its interface is there.
    let mut tables = firewall.tables()?;
    let owner = |name: &str| {
        name.strip_prefix(TABLE)?.strip_prefix('-')?.trim_start_matches('v').get(..PORT_ID).map(str::to_owned)
    };
    tables.retain(|(_, name)| owner(name).is_some_and(|owner| !known.iter().any(|id| id.starts_with(&owner))));
    if tables.is_empty() {
        return Ok(());
    }
    let ports = Links::open()?.names()?;
    for (family, name) in tables {
        let is_used = match family {
            Family::Netdev => ports.iter().any(|port| guard_name(port) == name),
            Family::Inet => {
                let of = owner(&name).unwrap_or_default();
                ports.iter().any(|port| port.strip_prefix('v').is_some_and(|port| port.starts_with(&of)))
            }
        };
        if !is_used {
            firewall.remove(family, &name)?;
        }
    }
    Ok(())
}

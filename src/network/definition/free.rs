//! What a network gets that is told less than it needs: a name, an interface, subnets and gateways that nobody has.

use super::super::cidr::{Cidr, with_number};
use super::{Defaults, Definition, Driver, Ipam, Mode, Subnet, check};
use crate::error::Kind;
use crate::fs;
use anyhow::{Context, Result};
use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::Path;

/// The front of the names of interfaces, and of networks that are given none.
const PREFIX: &str = "coracle";
/// Networks without a name, at most.
const NUMBER_MAX: u32 = 65_535;
/// What a subnet of IPv6 is long, and how often one is drawn.
const IPV6_PREFIX: u8 = 64;
const DRAWS_MAX: u32 = 100;
/// The most of a table in /proc that is read.
const TABLE_BYTES_MAX: usize = 8 << 20;
/// The largest and the smallest subnets that are taken from a pool of IPv4.
const POOL_PREFIXES: std::ops::RangeInclusive<u8> = 8..=29;

/// A pool of containers.conf.
pub fn pool(base: &str, prefix: u8) -> Result<(Cidr, u8)> {
    let base = Cidr::parse(base)?;
    if base.is_ipv6() || prefix < base.prefix() || !POOL_PREFIXES.contains(&prefix) {
        let message = format!("default_subnet_pools: no subnets of size {prefix} can be taken from {base}");
        return Err(Kind::BadInput.hinted(message, "name blocks of IPv4, and sizes up to 29"));
    }
    Ok((base, prefix))
}

/// Completes a network that is about to be made.
pub fn complete(defaults: &Defaults, others: &[Definition], wanted: &mut Definition, rootless: bool) -> Result<()> {
    let is_managed = wanted.driver == Driver::Bridge && wanted.options()?.mode == Mode::Managed;
    if wanted.driver == Driver::Bridge {
        if wanted.network_interface.is_empty() {
            wanted.network_interface = free_name(others, rootless)?;
        }
        let taken = others.iter().find(|other| other.network_interface == wanted.network_interface);
        if let Some(other) = taken.filter(|other| is_managed && other.driver == Driver::Bridge) {
            let message = format!("interface {} is already used by network {}", wanted.network_interface, other.name);
            return Err(Kind::InUse.error(message));
        }
    }
    if wanted.name.is_empty() {
        wanted.name = free_name(others, rootless)?;
    }
    let host = Host::look()?;
    for subnet in &wanted.subnets {
        check::check_unused(&subnet.subnet, others)?;
        // What is on an interface of the host's is where the host has addresses, too.
        if let Some(own) = host.own.iter().find(|own| is_managed && own.overlaps(&subnet.subnet)) {
            let message =
                format!("subnet {} is already used by the host, which has an address in {own}", subnet.subnet);
            return Err(Kind::InUse.error(message));
        }
    }
    add_subnets(defaults, others, &host, wanted)?;
    let needs_gateway = needs_gateway(wanted)?;
    for subnet in wanted.subnets.iter_mut().filter(|subnet| needs_gateway && subnet.gateway.is_none()) {
        subnet.gateway = Some(subnet.subnet.hosts().0);
    }
    if wanted.subnets.iter().any(|subnet| subnet.subnet.is_ipv6()) {
        wanted.ipv6_enabled = true;
    }
    Ok(())
}

/// A network that leads nowhere needs one for its name server alone.
fn needs_gateway(wanted: &Definition) -> Result<bool> {
    Ok(wanted.dns_enabled || (!wanted.internal && !wanted.options()?.no_default_route))
}

/// Gives a bridge the subnets that it was not told: one of IPv4 where it has none at all, and one of IPv6 where that is
/// wanted.
fn add_subnets(defaults: &Defaults, others: &[Definition], host: &Host, wanted: &mut Definition) -> Result<()> {
    if wanted.driver != Driver::Bridge || wanted.ipam_options.driver == Ipam::None {
        return Ok(());
    }
    let has = |wanted: &Definition, is_ipv6| wanted.subnets.iter().any(|subnet| subnet.subnet.is_ipv6() == is_ipv6);
    let plain = |subnet| Subnet { subnet, gateway: None, lease_range: None };
    let used: Vec<Cidr> = others.iter().flat_map(|other| &other.subnets).map(|subnet| subnet.subnet).collect();
    if wanted.subnets.is_empty() || (wanted.ipv6_enabled && !has(wanted, false)) {
        wanted.subnets.push(plain(free_ipv4(&defaults.pools, &used, host)?));
    }
    if wanted.ipv6_enabled && !has(wanted, true) {
        wanted.subnets.push(plain(free_ipv6(&used)?));
    }
    Ok(())
}

/// The first subnet of the pools that neither a network nor the host has. Where routes of the host cover all of them, as
/// a VPN's may, they do not count.
fn free_ipv4(pools: &[(Cidr, u8)], used: &[Cidr], host: &Host) -> Result<Cidr> {
    let first_free = |used: &[Cidr]| pools.iter().find_map(|(pool, prefix)| free_in(pool, *prefix, used));
    let (own, routes) = (host.own.as_slice(), host.routes.as_slice());
    first_free(&[used, own, routes].concat()).or_else(|| first_free(&[used, own].concat())).ok_or_else(|| {
        let message = "no subnet is free in the pools of containers.conf";
        Kind::InUse.hinted(message, "remove networks, or give --subnet")
    })
}

fn free_in(pool: &Cidr, prefix: u8, used: &[Cidr]) -> Option<Cidr> {
    let mut block = Cidr::new(pool.first(), prefix)?;
    // Each step leaves one of the used behind.
    while let Some(other) = used.iter().find(|other| other.overlaps(&block)) {
        let behind = if other.prefix() < prefix { other } else { &block };
        block = pool.next_behind(behind, prefix)?;
    }
    Some(block)
}

/// A subnet of unique local addresses: RFC 4193.
fn free_ipv6(used: &[Cidr]) -> Result<Cidr> {
    for _ in 0..DRAWS_MAX {
        let mut bytes = [0; 8];
        rustix::rand::getrandom(&mut bytes, rustix::rand::GetRandomFlags::empty())?;
        bytes[0] = 0xfd;
        let address = with_number(&Ipv6Addr::UNSPECIFIED.into(), u128::from(u64::from_be_bytes(bytes)) << 64);
        if let Some(block) = Cidr::new(address, IPV6_PREFIX)
            && !used.iter().any(|other| other.overlaps(&block))
        {
            return Ok(block);
        }
    }
    Err(Kind::InUse.error("no subnet of IPv6 is free"))
}

/// The first of coracle1, coracle2, … that is no network's and no interface of the host's.
fn free_name(others: &[Definition], rootless: bool) -> Result<String> {
    let mut taken: BTreeSet<String> =
        others.iter().flat_map(|other| [other.name.clone(), other.network_interface.clone()]).collect();
    if !rootless {
        taken.extend(read_interfaces(&read_table("/proc/net/dev")));
    }
    let mut names = (1..=NUMBER_MAX).map(|number| format!("{PREFIX}{number}"));
    names.find(|name| !taken.contains(name)).ok_or_else(|| Kind::InUse.error("too many networks without a name"))
}

/// What the host has, in whose network namespace or below which networks are.
#[derive(Debug, Default)]
struct Host {
    /// The subnets of its addresses.
    own: Vec<Cidr>,
    /// Where its routes lead, but for the default ones.
    routes: Vec<Cidr>,
}

impl Host {
    fn look() -> Result<Self> {
        let routes = read_routes(&read_table("/proc/net/route"), &read_table("/proc/net/ipv6_route"));
        Ok(Self { own: own()?, routes })
    }
}

fn own() -> Result<Vec<Cidr>> {
    let block = |interface: nix::ifaddrs::InterfaceAddress| {
        let (address, mask) = (interface.address?, interface.netmask?);
        let (address, bits) = match (address.as_sockaddr_in(), address.as_sockaddr_in6()) {
            (Some(ipv4), _) => (IpAddr::V4(ipv4.ip()), mask.as_sockaddr_in()?.ip().to_bits().leading_ones()),
            (_, Some(ipv6)) => (IpAddr::V6(ipv6.ip()), mask.as_sockaddr_in6()?.ip().to_bits().leading_ones()),
            (None, None) => return None,
        };
        Cidr::new(address, u8::try_from(bits).ok()?).filter(|block| !is_local(block))
    };
    Ok(nix::ifaddrs::getifaddrs().context("getifaddrs")?.filter_map(block).collect())
}

/// What each interface has for itself: 127.0.0.0/8, ::1, fe80::/10 and ff00::/8.
fn is_local(block: &Cidr) -> bool {
    match block.first() {
        IpAddr::V4(first) => first.is_loopback(),
        IpAddr::V6(first) => first.is_loopback() || first.is_unicast_link_local() || first.is_multicast(),
    }
}

/// A table of the kernel. One that cannot be read has nothing.
fn read_table(path: &str) -> String {
    let bytes = fs::read_optional(Path::new(path), TABLE_BYTES_MAX).ok().flatten().unwrap_or_default();
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The interfaces of this network namespace: a line for each behind two of headings, with the name in front of a colon.
/// What is in /sys may be of another one.
fn read_interfaces(table: &str) -> Vec<String> {
    let names = table.lines().skip(2).filter_map(|line| line.split_once(':'));
    names.map(|(name, _)| name.trim().to_owned()).collect()
}

/// The tables of proc_pid_net(5): IPv4 has the address and the mask in hex as the machine has them, IPv6 the address in
/// hex and the length of the prefix.
fn read_routes(ipv4: &str, ipv6: &str) -> Vec<Cidr> {
    let of_ipv4 = |line: &str| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let word = |at: usize| {
            u32::from_str_radix(words.get(at)?, 16).ok().map(|word| u32::from_be_bytes(word.to_ne_bytes()))
        };
        let (address, mask) = (word(1)?, word(7)?);
        Cidr::new(IpAddr::V4(Ipv4Addr::from_bits(address)), u8::try_from(mask.leading_ones()).ok()?)
    };
    let of_ipv6 = |line: &str| {
        let mut words = line.split_whitespace();
        let address = u128::from_str_radix(words.next()?, 16).ok()?;
        let prefix = u8::from_str_radix(words.next()?, 16).ok()?;
        let block = Cidr::new(IpAddr::V6(Ipv6Addr::from_bits(address)), prefix)?;
        Some(block).filter(|block| !is_local(block))
    };
    let ipv4 = ipv4.lines().skip(1).filter_map(of_ipv4);
    ipv4.chain(ipv6.lines().filter_map(of_ipv6)).filter(|block| block.prefix() > 0).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cidr(text: &str) -> Cidr {
        Cidr::parse(text).unwrap()
    }

    fn cidrs(texts: &[&str]) -> Vec<Cidr> {
        texts.iter().map(|text| cidr(text)).collect()
    }

    #[test]
    fn the_first_free_subnet_is_taken() {
        let pools = [(cidr("10.89.0.0/16"), 24), (cidr("10.96.0.0/11"), 24)];
        for (used, own, routes, free) in [
            (&[][..], &[][..], &[][..], Some("10.89.0.0/24")),
            (&["10.89.0.0/24", "10.89.2.0/24"], &["10.89.1.128/25"], &[], Some("10.89.3.0/24")),
            (&["10.89.0.0/24"], &[], &["10.89.0.0/17"], Some("10.89.128.0/24")),
            (&["10.89.0.0/16"], &[], &[], Some("10.96.0.0/24")),
            (&["10.0.0.0/8"], &[], &[], None),
            // A VPN.
            (&["10.89.0.0/24"], &["10.89.1.0/24"], &["10.0.0.0/8"], Some("10.89.2.0/24")),
        ] {
            let host = Host { own: cidrs(own), routes: cidrs(routes) };
            let found = free_ipv4(&pools, &cidrs(used), &host).ok().map(|block| block.to_string());
            assert_eq!(found.as_deref(), free, "{used:?} {host:?}");
        }
        let drawn = free_ipv6(&cidrs(&["fd00::/9"])).unwrap();
        assert!(cidr("fd80::/9").contains(drawn.first()) && drawn.prefix() == 64, "{drawn}");
        assert!(free_ipv6(&cidrs(&["fd00::/8"])).is_err());
    }

    #[test]
    fn routes_are_read() {
        let ipv4 = "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT\n\
                    eth0\t00000000\t0102A8C0\t0003\t0\t0\t0\t00000000\t0\t0\t0\n\
                    eth0\t0002A8C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\nnoise\n";
        let ipv6 = "fd000000000000010000000000000000 40 00000000000000000000000000000000 00 0 eth0\n\
                    fe800000000000000000000000000000 40 00000000000000000000000000000000 00 0 eth0\n\
                    00000000000000000000000000000001 80 00000000000000000000000000000000 00 0 lo\n\
                    ff000000000000000000000000000000 08 00000000000000000000000000000000 00 0 eth0\n\
                    00000000000000000000000000000000 00 00000000000000000000000000000000 00 0 lo\n";
        let expected = if cfg!(target_endian = "little") { "192.168.2.0/24" } else { "0.2.168.192/24" };
        let routes = read_routes(ipv4, ipv6);
        assert_eq!(routes.iter().map(ToString::to_string).collect::<Vec<_>>(), [expected, "fd00:0:0:1::/64"]);
    }

    #[test]
    fn interfaces_are_read() {
        let table = "Inter-|   Receive\n face |bytes packets\n    lo: 1 2 3\ncoracle1:0 0\nnoise\n";
        assert_eq!(read_interfaces(table), ["lo", "coracle1"]);
        assert!(own().unwrap().iter().all(|block| !block.contains("127.0.0.1".parse().unwrap())));
    }

    #[test]
    fn pools_are_of_ipv4_and_wider_than_their_subnets() {
        assert!(pool("10.0.0.0/8", 24).is_ok());
        for (base, size) in [("10.0.0.0/24", 16), ("fd00::/8", 24), ("10.0.0.0/8", 30), ("10.0.0.0/8", 4), ("x", 24)]
        {
            assert!(pool(base, size).is_err(), "{base} {size}");
        }
    }
}

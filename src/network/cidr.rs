//! A block of addresses: `10.89.0.0/24`, `fd00::/64`.

use crate::error::Kind;
use anyhow::Result;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

/// A block, whose first address has no bits behind the prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cidr {
    first: IpAddr,
    prefix: u8,
}

impl Cidr {
    /// The block that an address lies in. None if a prefix of this length does not exist.
    pub fn new(address: IpAddr, prefix: u8) -> Option<Self> {
        let bits = bits(&address);
        if prefix > bits {
            return None;
        }
        let first = number(&address) & !span(bits - prefix);
        Some(Self { first: with_number(&address, first), prefix })
    }

    /// Reads `ADDRESS/PREFIX`, where the address may be any in the block, as in podman.
    pub fn parse(text: &str) -> Result<Self> {
        Ok(Self::parse_with_address(text)?.1)
    }

    /// Reads `ADDRESS/PREFIX` and gives the address too.
    pub fn parse_with_address(text: &str) -> Result<(IpAddr, Self)> {
        let read = || {
            let (address, prefix) = text.split_once('/')?;
            let address = IpAddr::from_str(address).ok().filter(|address| !is_mapped(address))?;
            let is_plain = prefix.len() <= 3 && prefix.bytes().all(|byte| byte.is_ascii_digit());
            let prefix = prefix.parse().ok().filter(|_| is_plain)?;
            Some((address, Self::new(address, prefix)?))
        };
        read().ok_or_else(|| {
            let shown: String = text.chars().take(64).collect();
            Kind::BadInput.hinted(format!("invalid CIDR address {shown:?}"), "write it as ADDRESS/PREFIX")
        })
    }

    pub fn first(&self) -> IpAddr {
        self.first
    }

    pub fn last(&self) -> IpAddr {
        with_number(&self.first, number(&self.first) | span(self.host_bits()))
    }

    pub fn prefix(&self) -> u8 {
        self.prefix
    }

    pub fn is_ipv6(&self) -> bool {
        self.first.is_ipv6()
    }

    fn host_bits(&self) -> u8 {
        bits(&self.first) - self.prefix
    }

    pub fn contains(&self, address: IpAddr) -> bool {
        Self::new(address, self.prefix).is_some_and(|block| block == *self)
    }

    pub fn overlaps(&self, other: &Self) -> bool {
        self.contains(other.first) || other.contains(self.first)
    }

    /// The addresses that interfaces may have, from the first to the last: without the block's own address and IPv4's
    /// address for all. In a block of one or two addresses all of them: RFC 3021, RFC 6164.
    pub fn hosts(&self) -> (IpAddr, IpAddr) {
        let (first, last) = (number(&self.first), number(&self.last()));
        if self.host_bits() < 2 {
            return (self.first, self.last());
        }
        let last = last - u128::from(!self.is_ipv6());
        (with_number(&self.first, first + 1), with_number(&self.first, last))
    }

    /// The first block of this prefix that begins behind `other` and lies in here.
    pub fn next_behind(&self, other: &Self, prefix: u8) -> Option<Self> {
        let next = with_number(&self.first, number(&other.last()).checked_add(1)?);
        // Past the last address a number would not fit.
        let is_behind = number(&next) > number(&other.last());
        let block = Self::new(next, prefix)?;
        // Rounded down, it would begin in the other one.
        let block = if block.contains(other.last()) { self.next_behind(&block, prefix)? } else { block };
        Some(block).filter(|block| is_behind && self.contains(block.first))
    }
}

/// An address as a number. IPv4's are as small as they are.
pub fn number(address: &IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => u128::from(address.to_bits()),
        IpAddr::V6(address) => address.to_bits(),
    }
}

/// An address as its bytes in the network's order.
pub fn octets(address: IpAddr) -> Vec<u8> {
    match address {
        IpAddr::V4(address) => address.octets().to_vec(),
        IpAddr::V6(address) => address.octets().to_vec(),
    }
}

/// The address with this number in the family of another. Bits that do not fit are lost.
pub fn with_number(family: &IpAddr, number: u128) -> IpAddr {
    match family {
        IpAddr::V4(_) => Ipv4Addr::from_bits(number as u32).into(),
        IpAddr::V6(_) => Ipv6Addr::from_bits(number).into(),
    }
}

/// The length of a prefix that is the whole address.
pub fn bits(address: &IpAddr) -> u8 {
    if address.is_ipv6() { 128 } else { 32 }
}

/// So many ones.
fn span(bits: u8) -> u128 {
    if bits >= 128 { u128::MAX } else { (1 << bits) - 1 }
}

fn is_mapped(address: &IpAddr) -> bool {
    matches!(address, IpAddr::V6(address) if address.to_ipv4_mapped().is_some())
}

/// Reads an address; one of IPv4 in the clothes of IPv6 is none.
pub fn parse_address(text: &str) -> Result<IpAddr> {
    let address = IpAddr::from_str(text).ok().filter(|address| !is_mapped(address));
    address.ok_or_else(|| {
        let shown: String = text.chars().take(64).collect();
        Kind::BadInput.error(format!("{shown:?} is not an IP address"))
    })
}

impl fmt::Display for Cidr {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}/{}", self.first, self.prefix)
    }
}

impl Serialize for Cidr {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Cidr {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn cidr(text: &str) -> Cidr {
        Cidr::parse(text).unwrap()
    }

    #[test]
    fn blocks_are_read_and_written() {
        for (text, shown, hosts) in [
            ("10.89.0.7/24", "10.89.0.0/24", ("10.89.0.1", "10.89.0.254")),
            ("0.0.0.0/0", "0.0.0.0/0", ("0.0.0.1", "255.255.255.254")),
            ("10.0.0.3/31", "10.0.0.2/31", ("10.0.0.2", "10.0.0.3")),
            ("10.0.0.3/32", "10.0.0.3/32", ("10.0.0.3", "10.0.0.3")),
            ("fd00:0:0::5/64", "fd00::/64", ("fd00::1", "fd00::ffff:ffff:ffff:ffff")),
            ("::/0", "::/0", ("::1", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff")),
        ] {
            let block = cidr(text);
            assert_eq!(block.to_string(), shown);
            assert_eq!(block.hosts(), (hosts.0.parse().unwrap(), hosts.1.parse().unwrap()), "{text}");
        }
        for text in
            ["", "10.0.0.0", "10.0.0.0/33", "10.0.0.0/+8", "10.0.0/8", "fd00::/129", "::ffff:10.0.0.0/120", "/"]
        {
            assert!(Cidr::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn blocks_overlap_where_they_share_an_address() {
        for (left, right, overlapping) in [
            ("10.0.0.0/8", "10.89.0.0/24", true),
            ("10.89.0.0/24", "10.89.1.0/24", false),
            ("0.0.0.0/0", "::/0", false),
            ("fd00::/8", "fd12::/64", true),
        ] {
            assert_eq!(cidr(left).overlaps(&cidr(right)), overlapping);
            assert_eq!(cidr(right).overlaps(&cidr(left)), overlapping);
        }
        assert!(cidr("10.89.0.0/24").contains("10.89.0.255".parse().unwrap()));
        assert!(!cidr("10.89.0.0/24").contains("::".parse().unwrap()));
    }

    #[test]
    fn the_next_block_begins_behind_the_other() {
        let next = |pool: &str, other: &str, prefix| {
            cidr(pool).next_behind(&cidr(other), prefix).map(|block| block.to_string())
        };
        assert_eq!(next("10.89.0.0/16", "10.89.0.0/24", 24).as_deref(), Some("10.89.1.0/24"));
        assert_eq!(next("10.89.0.0/16", "10.89.0.8/30", 24).as_deref(), Some("10.89.1.0/24"));
        assert_eq!(next("10.89.0.0/16", "10.89.255.0/24", 24), None);
        assert_eq!(next("0.0.0.0/0", "255.255.255.0/24", 24), None);
        assert_eq!(next("::/0", "ffff:ffff:ffff:ffff::/64", 64), None);
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(bits in any::<u128>(), prefix in 0..=128u8, is_ipv6 in any::<bool>()) {
            let family: IpAddr = if is_ipv6 { Ipv6Addr::UNSPECIFIED.into() } else { Ipv4Addr::UNSPECIFIED.into() };
            let address = with_number(&family, bits);
            prop_assume!(!is_mapped(&address));
            if let Some(block) = Cidr::new(address, prefix).filter(|block| !is_mapped(&block.first)) {
                prop_assert_eq!(Cidr::parse(&block.to_string()).unwrap(), block);
                prop_assert!(block.contains(address) && block.contains(block.last()));
            }
        }
    }
}

//! What a container asks of a network: `NAME[:OPTION=VALUE,...]`.

use crate::error::Kind;
use anyhow::Result;
use serde::{Deserialize, Serialize};
use std::net::IpAddr;

/// The longest name of an interface: `IFNAMSIZ` with its NUL.
const INTERFACE_BYTES_MAX: usize = 15;

/// The most networks of one container.
pub const MEMBERSHIPS_MAX: usize = 64;

/// A network that a container is to be in.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Membership {
    /// Empty means the default network, until the container is created.
    pub network: String,
    /// The addresses that it is to have, at most one of each subnet; any where it names none.
    pub addresses: Vec<IpAddr>,
    pub mac: Option<[u8; 6]>,
    /// Its interface's name; `eth0` and so on where it has none.
    pub interface: Option<String>,
    /// What others find it by beside its name and its short id.
    pub aliases: Vec<String>,
}

impl Membership {
    /// Reads a network's name and the options behind it; `bridge` is the default network.
    pub fn parse(name: &str, options: &str) -> Result<Self> {
        let network = if name == "bridge" { String::new() } else { name.to_owned() };
        let mut membership = Self { network, ..Self::default() };
        for option in options.split(',').filter(|option| !option.is_empty()) {
            let (key, value) = option.split_once('=').unwrap_or((option, ""));
            match key {
                "ip" | "ip6" => membership.addresses.push(address(value, key == "ip6")?),
                "mac" => membership.mac = Some(mac(value)?),
                "alias" => membership.aliases.push(alias(value)?),
                "interface_name" => membership.interface = Some(interface(value)?),
                _ => {
                    let message = format!("network {name} has no option {option:?}");
                    return Err(Kind::BadInput.hinted(message, "use ip=, ip6=, mac=, alias= or interface_name="));
                }
            }
        }
        Ok(membership)
    }
}

/// An address of one family; podman takes one of IPv6 for `ip` too.
pub fn address(text: &str, must_be_ipv6: bool) -> Result<IpAddr> {
    let parsed = text.parse::<IpAddr>().ok().filter(|address| !must_be_ipv6 || address.is_ipv6());
    parsed.ok_or_else(|| {
        let kind = if must_be_ipv6 { "an IPv6" } else { "an IP" };
        Kind::BadInput.error(format!("{text:?} is not {kind} address"))
    })
}

/// A MAC address that an interface may have: `92:d0:c6:0a:29:33`, of no group.
pub fn mac(text: &str) -> Result<[u8; 6]> {
    let parse = || {
        let bytes = text.split([':', '-']).map(|part| {
            let is_plain = part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_hexdigit());
            u8::from_str_radix(part, 16).ok().filter(|_| is_plain)
        });
        let bytes: [u8; 6] = bytes.collect::<Option<Vec<_>>>()?.try_into().ok()?;
        Some(bytes).filter(|bytes| bytes[0] & 1 == 0 && bytes.iter().any(|byte| *byte != 0))
    };
    parse().ok_or_else(|| Kind::BadInput.error(format!("{text:?} is not the MAC address of an interface")))
}

/// A MAC address as text.
pub fn mac_text(mac: [u8; 6]) -> String {
    mac.map(|byte| format!("{byte:02x}")).join(":")
}

/// A name that others look up.
pub fn alias(text: &str) -> Result<String> {
    super::search(text).map_err(|_| Kind::BadInput.error(format!("network alias {text:?} is not a name")))
}

fn interface(text: &str) -> Result<String> {
    let plain = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'/' | b':' | b'%' | b',' | b'=');
    let good = !text.is_empty() && text.len() <= INTERFACE_BYTES_MAX && text.bytes().all(plain);
    if good && !matches!(text, "." | ".." | "lo") {
        return Ok(text.to_owned());
    }
    Err(Kind::BadInput.error(format!("{text:?} is not the name of a container's interface")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_follow_the_name() {
        let parsed = Membership::parse(
            "a",
            "ip=10.0.0.2,ip6=fd00::2,mac=92:d0:c6:0a:29:33,alias=x,alias=y,interface_name=web0",
        );
        let parsed = parsed.unwrap();
        assert_eq!(parsed.network, "a");
        assert_eq!(parsed.addresses, ["10.0.0.2".parse::<IpAddr>().unwrap(), "fd00::2".parse().unwrap()]);
        assert_eq!(parsed.mac.map(mac_text).as_deref(), Some("92:d0:c6:0a:29:33"));
        assert_eq!((parsed.aliases.len(), parsed.interface.as_deref()), (2, Some("web0")));
        assert_eq!(Membership::parse("bridge", "").unwrap(), Membership::default());
        for bad in [
            "ip=x",
            "ip6=10.0.0.1",
            "mac=01:00:00:00:00:00",
            "mac=0:0:0:0:0:0",
            "alias=a b",
            "interface_name=lo",
            "interface_name=a/b",
            "interface_name=abcdefghijklmnop",
            "x=1",
            "ip",
        ] {
            assert!(Membership::parse("a", bad).is_err(), "{bad}");
        }
    }
}

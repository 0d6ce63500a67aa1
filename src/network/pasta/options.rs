//! `--network pasta:OPTIONS`: which of pasta's own options a user may set, and what their values look like.
//!
//! The engine says in which namespaces pasta works and what it forwards. What is let through here changes addresses,
//! names and limits of the connection, never files, users or namespaces.

use crate::error::Kind;
use anyhow::Result;
use std::net::IpAddr;

/// What stands behind an option.
#[derive(Clone, Copy)]
enum Value {
    Nothing,
    Number,
    Address,
    /// A name of an interface.
    Interface,
    Mac,
    /// An address mask: a length, or four numbers with dots.
    Mask,
    /// Ports to forward.
    Ports,
}

/// pasta(1): the long name, the short one, and the value.
const OPTIONS: &[(&str, &str, Value)] = &[
    ("--mtu", "-m", Value::Number),
    ("--address", "-a", Value::Address),
    ("--netmask", "-n", Value::Mask),
    ("--mac-addr", "-M", Value::Mac),
    ("--ns-mac-addr", "", Value::Mac),
    ("--gateway", "-g", Value::Address),
    ("--interface", "-i", Value::Interface),
    ("--outbound", "-o", Value::Address),
    ("--outbound-if4", "", Value::Interface),
    ("--outbound-if6", "", Value::Interface),
    ("--ns-ifname", "-I", Value::Interface),
    ("--dns-forward", "", Value::Address),
    ("--map-host-loopback", "", Value::Address),
    ("--map-guest-addr", "", Value::Address),
    ("--tcp-ports", "-t", Value::Ports),
    ("--udp-ports", "-u", Value::Ports),
    ("--tcp-ns", "-T", Value::Ports),
    ("--udp-ns", "-U", Value::Ports),
    ("--no-map-gw", "", Value::Nothing),
    ("--map-gw", "", Value::Nothing),
    ("--ipv4-only", "-4", Value::Nothing),
    ("--ipv6-only", "-6", Value::Nothing),
    ("--no-tcp", "", Value::Nothing),
    ("--no-udp", "", Value::Nothing),
    ("--no-icmp", "", Value::Nothing),
    ("--no-dhcp", "", Value::Nothing),
    ("--no-dhcpv6", "", Value::Nothing),
    ("--no-ndp", "", Value::Nothing),
    ("--no-ra", "", Value::Nothing),
    ("--host-lo-to-ns-lo", "", Value::Nothing),
];

/// Reads a list with commas, as podman takes it: `-T,5000,--mtu=1500`. Each option comes back as one word.
pub fn parse(text: &str) -> Result<Vec<String>> {
    let mut words = text.split(',');
    let mut options = Vec::new();
    while let Some(word) = words.next() {
        let (name, inline) = match word.split_once('=') {
            Some((name, value)) if name.starts_with("--") => (name, Some(value)),
            _ => (word, None),
        };
        let known = OPTIONS.iter().find(|(long, short, _)| name == *long || (!short.is_empty() && name == *short));
        let Some((long, _, kind)) = known else {
            let message = format!("pasta option {name:?} is not one that may be set");
            return Err(Kind::BadInput
                .hinted(message, "see pasta(1) for --mtu, --address, --gateway, -t, -u, -T, -U and the like"));
        };
        options.push(match (kind, inline) {
            (Value::Nothing, None) => (*long).to_owned(),
            (Value::Nothing, Some(_)) => {
                return Err(Kind::BadInput.error(format!("pasta option {name} takes no value")));
            }
            (kind, inline) => {
                let value = inline.or_else(|| words.next()).unwrap_or_default();
                if !kind.takes(value) {
                    return Err(Kind::BadInput.error(format!("pasta option {name} does not take {value:?}")));
                }
                format!("{long}={value}")
            }
        });
    }
    Ok(options)
}

impl Value {
    fn takes(self, text: &str) -> bool {
        let of = |more: &str| {
            let plain = |letter: char| letter.is_ascii_alphanumeric() || more.contains(letter);
            !text.is_empty() && text.len() <= 255 && !text.starts_with('-') && text.chars().all(plain)
        };
        match self {
            Self::Nothing => false,
            Self::Number => text.parse::<u32>().is_ok(),
            Self::Address => text == "none" || text.parse::<IpAddr>().is_ok(),
            Self::Interface => text.len() <= 15 && of("-_."),
            Self::Mac => of(":") && text.len() == 17,
            Self::Mask => {
                text.parse::<u8>().is_ok_and(|length| length <= 128) || text.parse::<std::net::Ipv4Addr>().is_ok()
            }
            Self::Ports => of(".:/~%-_"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_let_through_is_one_word_each() {
        assert_eq!(parse("-T,5000,--mtu=1500,--ipv4-only").unwrap(), ["--tcp-ns=5000", "--mtu=1500", "--ipv4-only"]);
        assert_eq!(parse("-a,10.0.2.0,-n,24,-g,10.0.2.2,--no-map-gw").unwrap().len(), 4);
    }

    /// F11: no value becomes an option, and no option reaches files, users or namespaces.
    #[test]
    fn nothing_else_is() {
        for bad in [
            "",
            "x",
            "--help",
            "--netns=/x",
            "--runas=0",
            "--pid=/x",
            "--log-file=/x",
            "-l,/x",
            "--pcap=/x",
            "--userns,/x",
            "--mtu",
            "--mtu=--help",
            "--mtu,-l",
            "-t,--pid",
            "-t,$(id)",
            "-t,;id",
            "-t,a b",
            "--interface=a/b",
            "-i,-x",
            "--address=::1 --pid=/x",
            "--ipv4-only=x",
            "--netns-only",
            "-t,1\n2",
            "-e",
            "--fd=3",
        ] {
            assert!(parse(bad).is_err(), "{bad:?}");
        }
    }
}

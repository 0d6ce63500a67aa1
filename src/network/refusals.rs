//! What a container's egress rules have refused: packets, of which the kernel tells in a group of its log, and names, of
//! which the keeper tells.
//!
//! Who is refused may try again at once and for ever. So each destination is told of once in a while, and not too many.

use super::netlink::{self, Message, Socket};
use crate::error::Kind;
use crate::sys::{namespace, socket};
use anyhow::{Context, Result};
use std::collections::HashSet;
use std::net::IpAddr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::{Duration, Instant};

/// linux/netfilter/nfnetlink_log.h.
const SUBSYSTEM: u16 = 4;
const PACKET: u16 = SUBSYSTEM << 8;
const CONFIGURE: u16 = SUBSYSTEM << 8 | 1;
const CFG_COMMAND: u16 = 1;
const CFG_MODE: u16 = 2;
const CFG_THRESHOLD: u16 = 5;
const BIND: u8 = 1;
const COPY_PACKET: u8 = 2;
const PAYLOAD: u16 = 9;

/// How much of a packet is copied.
const COPIED_BYTES: u32 = 128;

/// How often a group is drawn before it is given up: others have a few of the 65 000.
const TRIES_MAX: usize = 64;

/// How many destinations are told of in so much time, each once.
const TOLD_MAX: usize = 32;
const TOLD_IN: Duration = Duration::from_secs(60);

/// How many messages are taken before others are served.
const TAKEN_MAX: usize = 64;

/// The longest name that is told of.
const NAME_BYTES_MAX: usize = 1024;

/// How many headers are passed over on the way to that which has a port.
const HEADERS_MAX: usize = 8;

/// Something that was refused.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Refused {
    /// A packet to this address, by this protocol of IP.
    Packet { protocol: u8, address: IpAddr, port: Option<u16> },
    /// To look a name up.
    Name(String),
}

impl Refused {
    /// It, in words.
    pub fn facts(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::Name(name) => vec![("protocol", "dns".to_owned()), ("destination", name.clone())],
            Self::Packet { protocol, address, port } => {
                let facts = [("protocol", protocol_name(*protocol)), ("destination", address.to_string())];
                facts.into_iter().chain(port.map(|port| ("port", port.to_string()))).collect()
            }
        }
    }
}

fn protocol_name(number: u8) -> String {
    match number {
        1 => "icmp".to_owned(),
        6 => "tcp".to_owned(),
        17 => "udp".to_owned(),
        58 => "icmpv6".to_owned(),
        number => number.to_string(),
    }
}

/// Where a container's refusals arrive.
#[derive(Debug)]
pub struct Refusals {
    log: Socket,
    group: u16,
    /// Names that were refused, and the end down which a keeper tells of them: the next one gets the same.
    names: OwnedFd,
    teller: OwnedFd,
    told: Told,
}

/// What was told of since then.
#[derive(Debug)]
struct Told {
    since: Instant,
    refused: HashSet<Refused>,
}

impl Refusals {
    /// Listens to a group of the log that nobody else has, in the namespace of the bridges.
    pub fn open(bridges: BorrowedFd<'_>) -> Result<Self> {
        let (log, group) = namespace::within(bridges, listen).context("listen to the firewall's log")?;
        let (names, teller) = socket::pair()?;
        for end in [&names, &teller] {
            rustix::io::ioctl_fionbio(end, true).context("have a socket wait for nobody")?;
        }
        let told = Told { since: Instant::now(), refused: HashSet::new() };
        Ok(Self { log, group, names, teller, told })
    }

    pub fn group(&self) -> u16 {
        self.group
    }

    pub fn teller(&self) -> BorrowedFd<'_> {
        self.teller.as_fd()
    }

    /// One is readable when there is something to take.
    pub fn watched(&self) -> [BorrowedFd<'_>; 2] {
        [self.log.fd(), self.names.as_fd()]
    }

    /// What was refused, as far as it is to be told of.
    pub fn take(&mut self) -> Vec<Refused> {
        let mut refused = Vec::new();
        for _ in 0..TAKEN_MAX {
            // What the kernel could not keep for us is lost.
            let taken = self.log.take(|kind, body| {
                let packet = body.get(4..).filter(|_| kind == PACKET);
                refused.extend(packet.and_then(|facts| decode(netlink::attribute(facts, PAYLOAD)?)));
            });
            if !taken {
                break;
            }
        }
        for _ in 0..TAKEN_MAX {
            let Ok(Some((name, _))) = socket::receive(self.names.as_fd(), NAME_BYTES_MAX) else { break };
            refused.push(Refused::Name(String::from_utf8_lossy(&name).into_owned()));
        }
        refused.retain(|refused| self.told.is_new(refused, Instant::now()));
        refused
    }
}

impl Told {
    fn is_new(&mut self, refused: &Refused, now: Instant) -> bool {
        if now.duration_since(self.since) >= TOLD_IN {
            (self.since, self.refused) = (now, HashSet::new());
        }
        self.refused.len() < TOLD_MAX && self.refused.insert(refused.clone())
    }
}

/// Binds a group, in the namespace that this thread is in.
fn listen() -> Result<(Socket, u16)> {
    for _ in 0..TRIES_MAX {
        let mut bytes = [0; 2];
        rustix::rand::getrandom(&mut bytes, rustix::rand::GetRandomFlags::empty()).context("draw a number")?;
        // The low ones are those that people choose.
        let group = u16::from_ne_bytes(bytes) | 0x8000;
        let mut socket = Socket::open(netlink::NETFILTER)?;
        let [high, low] = group.to_be_bytes();
        let message = || Message::new(CONFIGURE, 0, &[0, 0, high, low]);
        match socket.ask(message().bytes(CFG_COMMAND, &[BIND])) {
            Err(error) if error.kind() == std::io::ErrorKind::ResourceBusy => continue,
            bound => bound.context("bind a group: CONFIG_NETFILTER_NETLINK_LOG")?,
        }
        let mode = [&COPIED_BYTES.to_be_bytes()[..], &[COPY_PACKET, 0]].concat();
        // Each packet is told of at once.
        socket.ask(message().bytes(CFG_MODE, &mode).be32(CFG_THRESHOLD, 1)).context("set how a group is told")?;
        return Ok((socket, group));
    }
    Err(Kind::InUse.error("no group is free"))
}

/// Where a packet of IP was to go, as far as its beginning says.
fn decode(packet: &[u8]) -> Option<Refused> {
    let (protocol, address, rest) = match packet.first()? >> 4 {
        4 => {
            let length = usize::from(packet[0] & 15) * 4;
            let address = <[u8; 4]>::try_from(packet.get(16..20)?).ok()?;
            (*packet.get(9)?, IpAddr::from(address), packet.get(length..))
        }
        6 => {
            let address = <[u8; 16]>::try_from(packet.get(24..40)?).ok()?;
            let (protocol, rest) = past_extensions(*packet.get(6)?, packet.get(40..).unwrap_or_default());
            (protocol, IpAddr::from(address), rest)
        }
        _ => return None,
    };
    let port = rest.and_then(|header| Some(u16::from_be_bytes(header.get(2..4)?.try_into().ok()?)));
    Some(Refused::Packet { protocol, address, port: port.filter(|_| matches!(protocol, 6 | 17)) })
}

/// The protocol behind the headers that IPv6 has in front of it, and what is there: RFC 8200, 4.
fn past_extensions(mut next: u8, mut rest: &[u8]) -> (u8, Option<&[u8]>) {
    for _ in 0..HEADERS_MAX {
        let length = match (next, rest) {
            (0 | 43 | 60, [_, length, ..]) => (usize::from(*length) + 1) * 8,
            (44, _) => 8,
            _ => return (next, Some(rest)),
        };
        let (Some(first), Some(behind)) = (rest.first(), rest.get(length..)) else { return (next, None) };
        (next, rest) = (*first, behind);
    }
    (next, None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn packet(protocol: u8, address: &str, port: Option<u16>) -> Refused {
        Refused::Packet { protocol, address: address.parse().unwrap(), port }
    }

    #[test]
    fn headers_say_where_a_packet_was_to_go() {
        let mut four = vec![0x46, 0, 0, 0, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 2, 192, 0, 2, 1, 1, 1, 1, 1];
        four.extend([0x30, 0x39, 0, 53]);
        assert_eq!(decode(&four), Some(packet(17, "192.0.2.1", Some(53))));
        assert_eq!(decode(&four[..20]), Some(packet(17, "192.0.2.1", None)));
        let mut six = vec![0x60, 0, 0, 0, 0, 0, 60, 64];
        six.extend([0; 16]);
        six.extend("2001:db8::1".parse::<std::net::Ipv6Addr>().unwrap().octets());
        six.extend([6, 0, 0, 0, 0, 0, 0, 0, 0x30, 0x39, 1, 187]);
        assert_eq!(decode(&six), Some(packet(6, "2001:db8::1", Some(443))));
        assert_eq!(decode(&six[..44]), Some(packet(60, "2001:db8::1", None)));
        assert_eq!(decode(&[]), None);
        assert_eq!(packet(58, "::1", None).facts()[0].1, "icmpv6");
    }

    #[test]
    fn each_is_told_of_once_and_not_too_many() {
        let now = Instant::now();
        let mut told = Told { since: now, refused: HashSet::new() };
        let one = |number: u16| packet(6, "192.0.2.1", Some(number));
        assert!(told.is_new(&one(1), now) && !told.is_new(&one(1), now));
        let new = (1..1000).filter(|number| told.is_new(&one(*number), now)).count();
        assert_eq!(new, TOLD_MAX - 1);
        assert!(told.is_new(&one(1), now + TOLD_IN) && told.is_new(&one(999), now + TOLD_IN));
    }

    proptest! {
        #[test]
        fn any_packet_can_be_looked_at(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = decode(&bytes);
        }
    }
}

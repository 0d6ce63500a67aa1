//! The connections that a network namespace knows of: nf_conntrack, by its own protocol.
//!
//! The numbers are those of linux/netfilter/nfnetlink_conntrack.h.

use super::cidr::octets;
use super::netlink::{self, Message, Socket};
use anyhow::{Context, Result};
use std::net::IpAddr;

const SUBSYSTEM: u16 = 1;
const GET: u16 = SUBSYSTEM << 8 | 1;
const DELETE: u16 = SUBSYSTEM << 8 | 2;
const TUPLE: u16 = 1;
const ZONE: u16 = 18;
const FILTER: u16 = 25;

/// The most connections of one address that are forgotten.
const CONNECTIONS_MAX: usize = 65_536;

/// Forgets those from and to an address, of whoever had it, in the namespace that the socket is of: who has it next begins
/// with none.
pub fn forget(socket: &mut Socket, address: IpAddr) -> Result<()> {
    let forgetting = || format!("forget connections of {address}: CONFIG_NF_CT_NETLINK");
    for end in [End::Source, End::Destination] {
        let mut found = Vec::new();
        let listed = socket.list(selected(address, end), |body| {
            let facts = body.get(4..).unwrap_or_default();
            let attribute = |kind| netlink::attribute(facts, kind).map(<[u8]>::to_vec);
            found.extend(attribute(TUPLE).filter(|_| found.len() < CONNECTIONS_MAX).map(|it| (it, attribute(ZONE))));
        });
        listed.with_context(forgetting)?;
        for (tuple, zone) in found {
            let message = message(DELETE, address).nest(TUPLE, |inner| inner.raw(&tuple));
            let message = zone.iter().fold(message, |message, zone| message.bytes(ZONE, zone));
            match socket.ask(message) {
                // It has ended by itself.
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                deleted => deleted.with_context(forgetting)?,
            }
        }
    }
    Ok(())
}

/// Whose an address is in a connection, as who has opened it sees it.
#[derive(Clone, Copy)]
enum End {
    Source,
    Destination,
}

fn message(kind: u16, like: IpAddr) -> Message {
    let family = if like.is_ipv4() { libc::AF_INET } else { libc::AF_INET6 };
    Message::new(kind, 0, &[family as u8, 0, 0, 0])
}

/// Asks for the connections that have an address at one end.
fn selected(address: IpAddr, end: End) -> Message {
    let (of_family, flag) = match end {
        End::Source => (1, 1u32),
        End::Destination => (2, 2),
    };
    let kind = if address.is_ipv4() { of_family } else { of_family + 2 };
    let tuple = |tuple: Message| tuple.nest(1, |ip| ip.bytes(kind, &octets(address)));
    message(GET, address).nest(TUPLE, tuple).nest(FILTER, |filter| filter.u32(1, flag))
}

//! What the rules of the firewall are made of.

use crate::network::cidr::octets;
use crate::network::netlink::Message;
use std::net::IpAddr;

/// The register that values go through, and the one that verdicts do.
const REGISTER: u32 = 1;
const VERDICT: u32 = 0;

/// Verdicts: `NF_DROP`, `NF_ACCEPT`, `NFT_JUMP`, `NFT_RETURN`.
const DROP: i32 = 0;
const ACCEPT: i32 = 1;
const JUMP: i32 = -3;
const RETURN: i32 = -5;

/// What a number has to be: the operators of `NFTA_CMP_OP`.
const EQUAL: u32 = 0;
const DIFFERENT: u32 = 1;
const AT_MOST: u32 = 3;
const AT_LEAST: u32 = 5;

/// The headers that are looked into.
const NETWORK: u32 = 1;
const TRANSPORT: u32 = 2;

/// The key of `NFTA_META_KEY` for each fact.
const META_PROTOCOL: u32 = 1;
const META_MARK: u32 = 3;
const META_INPUT: u32 = 6;
const META_OUTPUT: u32 = 7;
const META_FAMILY: u32 = 15;
const META_TRANSPORT: u32 = 16;

/// `NF_CT_STATE_BIT` of established and related.
const ESTABLISHED: u32 = 2;
const RELATED: u32 = 4;

/// What is asked of a packet's connection: `NFT_CT_STATE`, and `NFT_CT_DIRECTION`, where 1 is back.
const CONNECTION_STATE: u32 = 0;
const CONNECTION_DIRECTION: u32 = 1;

/// `NFT_DYNSET_OP_UPDATE`.
const UPDATE: u32 = 1;

/// What a rule looks at, or does. A rule's steps are gone through until one does not hold.
#[derive(Clone, Copy)]
pub enum Step<'a> {
    InputIs(&'a str),
    OutputIs(&'a str),
    InputIsNot(&'a str),
    OutputIsNot(&'a str),
    SourceIn(IpAddr, u8),
    /// Answers to its source would not go where it came in.
    SourceIsElsewhere,
    DestinationIn(IpAddr, u8),
    /// The destination is in this set of addresses, of IPv6 or not.
    DestinationAmong(&'a str, bool),
    /// The kind of packet, as its frame has it.
    FrameHas(u16),
    /// The header of IP or ARP has these bytes, as far as the mask goes, at this place.
    HeaderHas(u32, &'a [u8], &'a [u8]),
    /// The protocol on top of IP.
    ProtocolIs(u8),
    PortIn(u16, u16),
    /// The type of a message of ICMP.
    TypeIn(u8, u8),
    /// The packet belongs to a connection that was let through, or tells of one.
    IsAnswer,
    /// The packet goes to whom has opened its connection.
    GoesBack,
    /// The packet tells of a connection.
    TellsOfOne,
    /// The packet belongs to a connection that both sides have spoken on.
    IsStanding,
    /// Has the destination be in this set of addresses, of IPv6 or not, for the set's time from now on.
    Renew(&'a str, bool),
    /// The packet belongs to a socket here that speaks for somebody else.
    IsForTransparentSocket,
    SetMark(u32),
    /// No more than so many a second, after a first many.
    AtMost(u64, u32),
    /// Tells the group who is refused, by so many bytes of the packet.
    Tell(u16, u32),
    Masquerade,
    Accept,
    Drop,
    /// Drops it, and tells the sender: by a reset of TCP, or that it is forbidden.
    Reset,
    Forbid,
    Jump(&'a str),
    /// Goes on where the chain was jumped to from.
    Return,
}

impl Step<'_> {
    pub(super) fn write(&self, list: Message) -> Message {
        match *self {
            Self::InputIs(name) => compared(meta(list, META_INPUT), EQUAL, &interface(name)),
            Self::OutputIs(name) => compared(meta(list, META_OUTPUT), EQUAL, &interface(name)),
            Self::InputIsNot(name) => compared(meta(list, META_INPUT), DIFFERENT, &interface(name)),
            Self::OutputIsNot(name) => compared(meta(list, META_OUTPUT), DIFFERENT, &interface(name)),
            Self::SourceIn(address, prefix) => address_in(list, address, prefix, 12, 8),
            Self::SourceIsElsewhere => {
                // The flags: by source and incoming interface, and whether there is a route at all.
                let found = |data: Message| data.be32(1, REGISTER).be32(2, 1).be32(3, 1 | 8 | 32);
                compared(expression(list, "fib", found), EQUAL, &[0])
            }
            Self::DestinationIn(address, prefix) => address_in(list, address, prefix, 16, 24),
            Self::DestinationAmong(set, is_ipv6) => {
                let list = address(list, is_ipv6, 16, 24);
                expression(list, "lookup", |data| data.text(1, set).be32(2, REGISTER))
            }
            Self::FrameHas(kind) => compared(meta(list, META_PROTOCOL), EQUAL, &kind.to_be_bytes()),
            Self::HeaderHas(at, bytes, mask) => {
                compared(masked(payload(list, NETWORK, at, bytes.len()), mask), EQUAL, bytes)
            }
            Self::ProtocolIs(number) => compared(meta(list, META_TRANSPORT), EQUAL, &[number]),
            Self::PortIn(first, last) => {
                range(payload(list, TRANSPORT, 2, 2), &first.to_be_bytes(), &last.to_be_bytes())
            }
            Self::TypeIn(first, last) => range(payload(list, TRANSPORT, 0, 1), &[first], &[last]),
            Self::IsAnswer => state(list, ESTABLISHED | RELATED),
            Self::GoesBack => compared(connection(list, CONNECTION_DIRECTION), EQUAL, &[1]),
            Self::TellsOfOne => state(list, RELATED),
            Self::IsStanding => state(list, ESTABLISHED),
            Self::Renew(set, is_ipv6) => {
                let list = address(list, is_ipv6, 16, 24);
                expression(list, "dynset", |data| data.text(1, set).be32(3, UPDATE).be32(4, REGISTER))
            }
            Self::IsForTransparentSocket => {
                compared(expression(list, "socket", |data| data.be32(1, 0).be32(2, REGISTER)), EQUAL, &[1])
            }
            Self::SetMark(mark) => {
                let list = expression(list, "immediate", |data| {
                    data.be32(1, REGISTER).nest(2, |value| value.bytes(1, &mark.to_ne_bytes()))
                });
                expression(list, "meta", |data| data.be32(2, META_MARK).be32(3, REGISTER))
            }
            Self::AtMost(per_second, first) => expression(list, "limit", |data| {
                data.bytes(1, &per_second.to_be_bytes()).bytes(2, &1u64.to_be_bytes()).be32(3, first)
            }),
            Self::Tell(group, bytes) => {
                expression(list, "log", |data| data.bytes(1, &group.to_be_bytes()).be32(3, bytes))
            }
            Self::Masquerade => expression(list, "masq", |data| data),
            Self::Accept => verdict(list, ACCEPT, None),
            Self::Drop => verdict(list, DROP, None),
            Self::Reset => expression(list, "reject", |data| data.be32(1, 1).bytes(2, &[0])),
            // By ICMP of either family, as administratively prohibited.
            Self::Forbid => expression(list, "reject", |data| data.be32(1, 2).bytes(2, &[3])),
            Self::Jump(chain) => verdict(list, JUMP, Some(chain)),
            Self::Return => verdict(list, RETURN, None),
        }
    }
}

fn expression(list: Message, name: &str, data: impl FnOnce(Message) -> Message) -> Message {
    list.nest(1, |element| element.text(1, name).nest(2, data))
}

fn meta(list: Message, key: u32) -> Message {
    expression(list, "meta", |data| data.be32(1, REGISTER).be32(2, key))
}

fn connection(list: Message, key: u32) -> Message {
    expression(list, "ct", |data| data.be32(1, REGISTER).be32(2, key))
}

/// Holds if the state of the packet's connection is one of these.
fn state(list: Message, states: u32) -> Message {
    compared(masked(connection(list, CONNECTION_STATE), &states.to_ne_bytes()), DIFFERENT, &[0; 4])
}

fn compared(list: Message, operator: u32, value: &[u8]) -> Message {
    expression(list, "cmp", |data| data.be32(1, REGISTER).be32(2, operator).nest(3, |data| data.bytes(1, value)))
}

/// Numbers in the network's order compare as bytes do.
fn range(list: Message, first: &[u8], last: &[u8]) -> Message {
    if first == last {
        return compared(list, EQUAL, first);
    }
    compared(compared(list, AT_LEAST, first), AT_MOST, last)
}

fn masked(list: Message, mask: &[u8]) -> Message {
    expression(list, "bitwise", |data| {
        data.be32(1, REGISTER)
            .be32(2, REGISTER)
            .be32(3, mask.len() as u32)
            .nest(4, |data| data.bytes(1, mask))
            .nest(5, |data| data.bytes(1, &vec![0; mask.len()]))
    })
}

/// Holds if the address at one of these offsets lies in the block.
fn address_in(list: Message, network: IpAddr, prefix: u8, offset4: u32, offset6: u32) -> Message {
    let list = address(list, network.is_ipv6(), offset4, offset6);
    let bytes = octets(network);
    if usize::from(prefix) == bytes.len() * 8 {
        return compared(list, EQUAL, &bytes);
    }
    let mask: Vec<u8> = (0..bytes.len()).map(|byte| mask_byte(prefix, byte)).collect();
    let masked_bytes: Vec<u8> = bytes.iter().zip(&mask).map(|(byte, mask)| byte & mask).collect();
    compared(masked(list, &mask), EQUAL, &masked_bytes)
}

fn mask_byte(prefix: u8, byte: usize) -> u8 {
    let bits = usize::from(prefix).saturating_sub(byte * 8).min(8);
    (0xff00u16 >> bits) as u8
}

/// Loads an address out of the header of its family, where it lies at one of these offsets.
fn address(list: Message, is_ipv6: bool, offset4: u32, offset6: u32) -> Message {
    let (family, offset, length) = if is_ipv6 { (libc::AF_INET6, offset6, 16) } else { (libc::AF_INET, offset4, 4) };
    let list = compared(meta(list, META_FAMILY), EQUAL, &[family as u8]);
    payload(list, NETWORK, offset, length)
}

fn payload(list: Message, header: u32, offset: u32, length: usize) -> Message {
    expression(list, "payload", |data| data.be32(1, REGISTER).be32(2, header).be32(3, offset).be32(4, length as u32))
}

fn verdict(list: Message, code: i32, chain: Option<&str>) -> Message {
    expression(list, "immediate", |data| {
        data.be32(1, VERDICT).nest(2, |value| {
            value.nest(2, |verdict| {
                let verdict = verdict.be32(1, code as u32);
                match chain {
                    Some(chain) => verdict.text(2, chain),
                    None => verdict,
                }
            })
        })
    })
}

/// `IFNAMSIZ` bytes, as a name is compared.
fn interface(name: &str) -> [u8; 16] {
    let mut bytes = [0; 16];
    bytes.iter_mut().zip(name.bytes().take(15)).for_each(|(to, from)| *to = from);
    bytes
}

//! nf_tables(8) by its own protocol: one table of ours, replaced as a whole in one transaction.
//!
//! The numbers are those of linux/netfilter/nf_tables.h; all of them go in the network's byte order.

use super::netlink::{self, APPEND, CREATE, Message, Socket};
use anyhow::{Context, Result};

/// The table that is ours, in the family that has IPv4 and IPv6.
const TABLE: &str = "coracle";
const FAMILY: u8 = 1;

const SUBSYSTEM: u16 = 10;
const BATCH_BEGIN: u16 = 0x10;
const BATCH_END: u16 = 0x11;
const NEW_TABLE: u16 = SUBSYSTEM << 8;
const DELETE_TABLE: u16 = SUBSYSTEM << 8 | 2;
const NEW_CHAIN: u16 = SUBSYSTEM << 8 | 3;
const NEW_RULE: u16 = SUBSYSTEM << 8 | 6;

/// The register that values go through, and the one that verdicts do.
const REGISTER: u32 = 1;
const VERDICT: u32 = 0;

/// `NF_CT_STATE_BIT` of established and related.
const ANSWERS: u32 = 2 | 4;

/// Where a base chain hangs: type, hook and priority.
#[derive(Clone, Copy)]
pub enum Hook {
    /// Before the route is looked up, where marks are set.
    Prerouting,
    Input,
    Forward,
    /// Where sources are rewritten, after all else.
    Postrouting,
}

impl Hook {
    fn place(self) -> (&'static str, u32, i32) {
        match self {
            Self::Prerouting => ("filter", 0, -150),
            Self::Input => ("filter", 1, 0),
            Self::Forward => ("filter", 2, 0),
            Self::Postrouting => ("nat", 4, 100),
        }
    }
}

/// What a rule looks at, or does. A rule's steps are gone through until one does not hold.
#[derive(Clone, Copy)]
pub enum Step<'a> {
    InputIs(&'a str),
    OutputIs(&'a str),
    InputIsNot(&'a str),
    OutputIsNot(&'a str),
    SourceIn(std::net::IpAddr, u8),
    /// Answers to its source would not go where it came in.
    SourceIsElsewhere,
    DestinationIs(std::net::IpAddr),
    /// The packet belongs to a connection that the other side has opened, or tells of one.
    IsAnswer,
    /// The packet belongs to a socket here that speaks for somebody else.
    IsForTransparentSocket,
    SetMark(u32),
    Masquerade,
    Drop,
    Jump(&'a str),
    /// Goes on where the chain was jumped to from.
    Return,
}

/// A table that is being written.
pub struct Table(Vec<Message>);

impl Table {
    pub fn new() -> Self {
        let table = |kind, flags| message(kind, flags).text(1, TABLE);
        // A table that is not there cannot be deleted; so it is made first, if it has to be.
        Self(vec![table(NEW_TABLE, CREATE), table(DELETE_TABLE, 0), table(NEW_TABLE, CREATE)])
    }

    /// Takes it away, with all that is in it.
    pub fn remove() -> Result<()> {
        let mut table = Self::new();
        table.0.pop();
        table.apply()
    }

    pub fn chain(&mut self, name: &str, hook: Option<Hook>) {
        let chain = message(NEW_CHAIN, CREATE).text(1, TABLE).text(3, name);
        self.0.push(match hook.map(Hook::place) {
            Some((kind, number, priority)) => {
                chain.nest(4, |hook| hook.be32(1, number).be32(2, priority as u32)).text(7, kind)
            }
            None => chain,
        });
    }

    pub fn rule(&mut self, chain: &str, steps: &[Step<'_>]) {
        let rule = message(NEW_RULE, CREATE | APPEND).text(1, TABLE).text(2, chain);
        self.0.push(rule.nest(4, |list| steps.iter().fold(list, |list, step| step.write(list))));
    }

    /// Puts it in the place of the one before, at once, in this thread's network namespace.
    pub fn apply(self) -> Result<()> {
        let frame = |kind| Message::new(kind, 0, &[0, 0, 0, SUBSYSTEM as u8]);
        let mut socket = Socket::open(netlink::NETFILTER)?;
        socket.batch(frame(BATCH_BEGIN), self.0, frame(BATCH_END)).context("set the firewall's rules")
    }
}

fn message(kind: u16, flags: u16) -> Message {
    Message::new(kind, flags, &[FAMILY, 0, 0, 0])
}

impl Step<'_> {
    fn write(&self, list: Message) -> Message {
        match *self {
            Self::InputIs(name) => equals(meta(list, 6), true, &interface(name)),
            Self::OutputIs(name) => equals(meta(list, 7), true, &interface(name)),
            Self::InputIsNot(name) => equals(meta(list, 6), false, &interface(name)),
            Self::OutputIsNot(name) => equals(meta(list, 7), false, &interface(name)),
            Self::SourceIn(address, prefix) => source_in(list, address, prefix),
            Self::SourceIsElsewhere => {
                // The flags: by source and incoming interface, and whether there is a route at all.
                let found = |data: Message| data.be32(1, REGISTER).be32(2, 1).be32(3, 1 | 8 | 32);
                equals(expression(list, "fib", found), true, &[0])
            }
            Self::DestinationIs(address) => destination(list, address),
            Self::IsAnswer => {
                // NFT_CT_STATE, of which the bits are established and related.
                let list = expression(list, "ct", |data| data.be32(1, REGISTER).be32(2, 0));
                equals(masked(list, &ANSWERS.to_ne_bytes()), false, &[0; 4])
            }
            Self::IsForTransparentSocket => {
                equals(expression(list, "socket", |data| data.be32(1, 0).be32(2, REGISTER)), true, &[1])
            }
            Self::SetMark(mark) => {
                let list = expression(list, "immediate", |data| {
                    data.be32(1, REGISTER).nest(2, |value| value.bytes(1, &mark.to_ne_bytes()))
                });
                expression(list, "meta", |data| data.be32(2, 3).be32(3, REGISTER))
            }
            Self::Masquerade => expression(list, "masq", |data| data),
            Self::Drop => verdict(list, 0, None),
            Self::Jump(chain) => verdict(list, -3, Some(chain)),
            Self::Return => verdict(list, -5, None),
        }
    }
}

fn expression(list: Message, name: &str, data: impl FnOnce(Message) -> Message) -> Message {
    list.nest(1, |element| element.text(1, name).nest(2, data))
}

fn meta(list: Message, key: u32) -> Message {
    expression(list, "meta", |data| data.be32(1, REGISTER).be32(2, key))
}

fn equals(list: Message, expected: bool, value: &[u8]) -> Message {
    expression(list, "cmp", |data| {
        data.be32(1, REGISTER).be32(2, u32::from(!expected)).nest(3, |data| data.bytes(1, value))
    })
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

fn source_in(list: Message, network: std::net::IpAddr, prefix: u8) -> Message {
    let (list, bytes) = address(list, network, 12, 8);
    let mask: Vec<u8> = (0..bytes.len()).map(|byte| mask_byte(prefix, byte)).collect();
    let masked_bytes: Vec<u8> = bytes.iter().zip(&mask).map(|(byte, mask)| byte & mask).collect();
    equals(masked(list, &mask), true, &masked_bytes)
}

fn mask_byte(prefix: u8, byte: usize) -> u8 {
    let bits = usize::from(prefix).saturating_sub(byte * 8).min(8);
    (0xff00u16 >> bits) as u8
}

fn destination(list: Message, wanted: std::net::IpAddr) -> Message {
    let (list, bytes) = address(list, wanted, 16, 24);
    equals(list, true, &bytes)
}

/// Loads an address out of the header of its family, where it lies at one of these offsets.
fn address(list: Message, like: std::net::IpAddr, offset4: u32, offset6: u32) -> (Message, Vec<u8>) {
    let (family, offset, bytes) = match like {
        std::net::IpAddr::V4(address) => (libc::AF_INET, offset4, address.octets().to_vec()),
        std::net::IpAddr::V6(address) => (libc::AF_INET6, offset6, address.octets().to_vec()),
    };
    let list = equals(meta(list, 15), true, &[family as u8]);
    let list = expression(list, "payload", |data| {
        data.be32(1, REGISTER).be32(2, 1).be32(3, offset).be32(4, bytes.len() as u32)
    });
    (list, bytes)
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

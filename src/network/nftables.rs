//! nf_tables(8) by its own protocol: tables of ours, each set in one transaction.
//!
//! The numbers are those of linux/netfilter/nf_tables.h; all of them go in the network's byte order.

mod step;

pub use step::Step;

use super::cidr::octets;
use super::netlink::{self, APPEND, CREATE, Message, Socket};
use anyhow::{Context, Result};
use std::net::IpAddr;
use std::time::Duration;

/// How the names of all our tables begin: this is the one for all networks together.
pub const TABLE: &str = "coracle";

const SUBSYSTEM: u16 = 10;
const BATCH_BEGIN: u16 = 0x10;
const BATCH_END: u16 = 0x11;
const NEW_TABLE: u16 = SUBSYSTEM << 8;
const DELETE_TABLE: u16 = SUBSYSTEM << 8 | 2;
const NEW_CHAIN: u16 = SUBSYSTEM << 8 | 3;
const NEW_RULE: u16 = SUBSYSTEM << 8 | 6;
const GET_TABLE: u16 = SUBSYSTEM << 8 | 1;
const DELETE_RULE: u16 = SUBSYSTEM << 8 | 8;
const NEW_SET: u16 = SUBSYSTEM << 8 | 9;
const DELETE_SET: u16 = SUBSYSTEM << 8 | 11;
const NEW_ELEMENT: u16 = SUBSYSTEM << 8 | 12;
const DELETE_ELEMENT: u16 = SUBSYSTEM << 8 | 14;

/// Where a base chain hangs: type, hook and priority.
#[derive(Clone, Copy)]
pub enum Hook {
    /// Before the route is looked up, where marks are set.
    Prerouting,
    Input,
    Forward,
    /// The same for one container, before what is said of all: what it is refused is to be told of.
    InputOfOne,
    ForwardOfOne,
    /// Where sources are rewritten, after all else.
    Postrouting,
}

impl Hook {
    fn place(self) -> (&'static str, u32, i32) {
        match self {
            Self::Prerouting => ("filter", 0, -150),
            Self::Input => ("filter", 1, 0),
            Self::Forward => ("filter", 2, 0),
            Self::InputOfOne => ("filter", 1, -10),
            Self::ForwardOfOne => ("filter", 2, -10),
            Self::Postrouting => ("nat", 4, 100),
        }
    }
}

/// Which packets a table sees.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Family {
    /// Those of IPv4 and IPv6.
    Inet,
    /// Whatever comes out of an interface.
    Netdev,
}

impl Family {
    fn number(self) -> u8 {
        match self {
            Self::Inet => 1,
            Self::Netdev => 5,
        }
    }
}

/// A table that is being written.
pub struct Table {
    family: Family,
    name: String,
    messages: Vec<Message>,
}

impl Table {
    /// One that takes the place of that of the same name.
    pub fn new(family: Family, name: &str) -> Self {
        let mut table = Self { family, name: name.to_owned(), messages: Vec::new() };
        // A table that is not there cannot be deleted; so it is made first, if it has to be.
        for (kind, flags) in [(NEW_TABLE, CREATE), (DELETE_TABLE, 0), (NEW_TABLE, CREATE)] {
            table.push(kind, flags, |message| message);
        }
        table
    }

    /// One whose rules take the place of those of the same name, and whose sets keep what is in them.
    pub fn with_sets(name: &str) -> Self {
        let mut table = Self { family: Family::Inet, name: name.to_owned(), messages: Vec::new() };
        table.push(NEW_TABLE, CREATE, |message| message);
        table.push(DELETE_RULE, 0, |message| message);
        table
    }

    fn push(&mut self, kind: u16, flags: u16, fill: impl FnOnce(Message) -> Message) {
        // Every kind of message begins with its table's name.
        let message = Message::new(kind, flags, &[self.family.number(), 0, 0, 0]).text(1, &self.name);
        self.messages.push(fill(message));
    }

    pub fn chain(&mut self, name: &str, hook: Option<Hook>) {
        self.push(NEW_CHAIN, CREATE, |chain| {
            let chain = chain.text(3, name);
            match hook.map(Hook::place) {
                Some((kind, number, priority)) => {
                    chain.nest(4, |hook| hook.be32(1, number).be32(2, priority as u32)).text(7, kind)
                }
                None => chain,
            }
        });
    }

    /// What comes out of an interface, of which only what is accepted goes on.
    pub fn ingress(&mut self, name: &str, interface: &str) {
        self.push(NEW_CHAIN, CREATE, |chain| {
            let hook = |hook: Message| hook.be32(1, 0).be32(2, 0).text(3, interface);
            chain.text(3, name).nest(4, hook).be32(5, DROP).text(7, "filter")
        });
    }

    pub fn rule(&mut self, chain: &str, steps: &[Step<'_>]) {
        self.push(NEW_RULE, CREATE | APPEND, |rule| {
            rule.text(2, chain).nest(4, |list| steps.iter().fold(list, |list, step| step.write(list)))
        });
    }

    /// A set of addresses that are forgotten after a while: this, if nothing else is said of one.
    pub fn addresses(&mut self, name: &str, is_ipv6: bool, count_max: u32, time: Duration) {
        // The kernel counts sets by the order in which a transaction makes them.
        let number = self.messages.len() as u32;
        let (kind, length) = if is_ipv6 { (8, 16) } else { (7, 4) };
        self.push(NEW_SET, CREATE, |set| {
            let set = set.text(2, name).be32(3, WITH_TIMEOUT | CHANGED_BY_RULES).be32(4, kind).be32(5, length);
            let set = set.nest(9, |description| description.be32(1, count_max)).be32(10, number);
            set.bytes(11, &millis(time))
        });
    }

    /// Takes a set away, which may be there, made like this.
    pub fn forget_addresses(&mut self, name: &str, is_ipv6: bool, count_max: u32, time: Duration) {
        self.addresses(name, is_ipv6, count_max, time);
        self.push(DELETE_SET, 0, |set| set.text(2, name));
    }
}

/// The policy of a chain that drops: `NF_DROP`.
const DROP: u32 = 0;

/// `NFT_SET_TIMEOUT` and `NFT_SET_EVAL`.
const WITH_TIMEOUT: u32 = 0x10;
const CHANGED_BY_RULES: u32 = 0x20;

fn millis(time: Duration) -> [u8; 8] {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX).to_be_bytes()
}

/// The tables of a network namespace. It is kept open: who closes it waits until the kernel has cleared away what was
/// replaced, which takes milliseconds.
pub struct Firewall(Socket);

impl Firewall {
    /// That of the namespace that this thread is in, whoever uses it then.
    pub fn open() -> Result<Self> {
        Ok(Self(Socket::open(netlink::NETFILTER)?))
    }

    /// The connections of the namespace are asked for by the same way.
    pub fn socket(&mut self) -> &mut Socket {
        &mut self.0
    }

    /// Puts a table in the place of the one before, at once.
    pub fn set(&mut self, table: Table) -> Result<()> {
        self.transact(table.messages).context("set the firewall's rules")
    }

    /// Takes a table away, with all that is in it, if it is there.
    pub fn remove(&mut self, family: Family, name: &str) -> Result<()> {
        let mut table = Table::new(family, name);
        table.messages.pop();
        self.set(table)
    }

    fn transact(&mut self, messages: Vec<Message>) -> Result<()> {
        let frame = |kind| Message::new(kind, 0, &[0, 0, 0, SUBSYSTEM as u8]);
        Ok(self.0.batch(frame(BATCH_BEGIN), messages, frame(BATCH_END))?)
    }

    /// The names of all tables of ours.
    pub fn tables(&mut self) -> Result<Vec<(Family, String)>> {
        let mut tables = Vec::new();
        let listed = self.0.list(Message::new(GET_TABLE, 0, &[0; 4]), |body| {
            let family = match body.first() {
                Some(1) => Family::Inet,
                Some(5) => Family::Netdev,
                _ => return,
            };
            let name = netlink::attribute(body.get(4..).unwrap_or_default(), 1).unwrap_or_default();
            let name = String::from_utf8_lossy(name).trim_end_matches('\0').to_owned();
            if name.starts_with(TABLE) {
                tables.push((family, name));
            }
        });
        listed.context("list the firewall's tables")?;
        Ok(tables)
    }

    /// Puts addresses into sets for as long as is said, whether they are in them already or not.
    pub fn remember(&mut self, table: &str, addresses: &[(String, IpAddr, Duration)]) -> Result<()> {
        let change = |kind, flags, set: &str, address: &IpAddr, time: Option<&Duration>| {
            let message = Message::new(kind, flags, &[Family::Inet.number(), 0, 0, 0]).text(1, table).text(2, set);
            message.nest(3, |list| {
                list.nest(1, |element| {
                    let element = element.nest(1, |key| key.bytes(1, &octets(*address)));
                    time.into_iter().fold(element, |element, time| element.bytes(4, &millis(*time)))
                })
            })
        };
        // Until Linux 6.12 an element that is there keeps its time, and one that is not there cannot be taken out.
        let messages = addresses.iter().flat_map(|(set, address, time)| {
            [
                change(NEW_ELEMENT, CREATE, set, address, Some(time)),
                change(DELETE_ELEMENT, 0, set, address, None),
                change(NEW_ELEMENT, CREATE, set, address, Some(time)),
            ]
        });
        self.transact(messages.collect()).context("open addresses")
    }
}

//! What one network's containers are called.

use super::message::{self, Asked, Record};
use crate::network::cidr::Cidr;
use crate::network::egress::Egress;
use simple_dns::RCODE;
use std::collections::{HashMap, HashSet};
use std::net::{IpAddr, SocketAddr};

/// Where every container finds the host.
pub const HOST_NAMES: [&str; 2] = ["host.containers.internal", "host.docker.internal"];
/// The domain that podman's containers are in, and ours may be called by too.
const DOMAIN: &str = ".dns.podman";
/// How much of an id is a name.
const SHORT_ID: usize = 12;
/// The most addresses in an answer.
const ADDRESSES_MAX: usize = 1024;

/// The names of a network, and what else its name server must know.
#[derive(Clone, Debug, Default)]
pub struct Zone {
    /// In small letters.
    names: HashMap<String, Vec<IpAddr>>,
    pointers: HashMap<IpAddr, Vec<String>>,
    /// Which container has an address.
    ids: HashMap<IpAddr, String>,
    members: HashSet<String>,
    /// Whom containers have asked that want others than the network's, by their ids.
    own_upstreams: HashMap<String, Vec<SocketAddr>>,
    /// What containers may ask others for that have rules, by their ids.
    rules: HashMap<String, Egress>,
    subnets: Vec<Cidr>,
    /// Nothing of it is led to the outside, and no question either.
    is_internal: bool,
    /// Whom names of the outside are asked of, if not those that all networks ask.
    upstreams: Vec<SocketAddr>,
}

impl Zone {
    pub fn new(subnets: Vec<Cidr>, is_internal: bool, upstreams: Vec<SocketAddr>) -> Self {
        Self { subnets, is_internal, upstreams, ..Self::default() }
    }

    /// Adds a container: by its name and aliases, of which the first is what its addresses are called, and by its id.
    pub fn add(&mut self, id: &str, names: &[String], addresses: &[IpAddr]) {
        let short = id.get(..SHORT_ID).unwrap_or(id);
        self.members.insert(id.to_owned());
        for name in names.iter().map(String::as_str).chain([id, short]) {
            self.add_name(name, addresses);
        }
        for address in addresses {
            self.ids.insert(*address, id.to_owned());
            let pointers = self.pointers.entry(*address).or_default();
            for name in names.iter().map(String::as_str).take(1).chain([short]) {
                if is_name(name) && !pointers.iter().any(|there| there == name) {
                    pointers.push(name.to_owned());
                }
            }
        }
    }

    /// Has names of the outside asked of these for one container. Nobody named means those that the network asks.
    pub fn ask_for(&mut self, id: &str, upstreams: Vec<SocketAddr>) {
        if !upstreams.is_empty() {
            self.own_upstreams.insert(id.to_owned(), upstreams);
        }
    }

    /// Has a container ask for names of the outside by rules.
    pub fn rule(&mut self, id: &str, egress: Egress) {
        self.rules.insert(id.to_owned(), egress);
    }

    /// The container that has an address, and its rules, if it has any.
    pub fn ruled(&self, address: IpAddr) -> Option<(&str, &Egress)> {
        let id = self.id_of(address)?;
        Some((id, self.rules.get(id)?))
    }

    /// Whom the container that has an address wants asked.
    pub fn own_upstreams(&self, address: IpAddr) -> &[SocketAddr] {
        self.id_of(address).and_then(|id| self.own_upstreams.get(id)).map_or(&[], Vec::as_slice)
    }

    /// Says where containers of the network find the host.
    pub fn set_host(&mut self, addresses: &[IpAddr]) {
        HOST_NAMES.iter().for_each(|name| self.add_name(name, addresses));
    }

    fn add_name(&mut self, name: &str, addresses: &[IpAddr]) {
        if !is_name(name) {
            return;
        }
        let there = self.names.entry(name.to_ascii_lowercase()).or_default();
        for address in addresses {
            if !there.contains(address) && there.len() < ADDRESSES_MAX {
                there.push(*address);
            }
        }
    }

    /// The container that has an address.
    pub fn id_of(&self, address: IpAddr) -> Option<&str> {
        self.ids.get(&address).map(String::as_str)
    }

    /// Whether a container is on the network.
    pub fn has(&self, id: &str) -> bool {
        self.members.contains(id)
    }
}

/// Whether a text can be a name of DNS: what cannot would never be asked for, and cannot be written into an answer.
fn is_name(text: &str) -> bool {
    let is_label = |label: &str| (1..=63).contains(&label.len()) && label.bytes().all(|byte| byte.is_ascii_graphic());
    text.len() <= 253 && text.split('.').all(is_label)
}

/// What comes of a query.
#[derive(Debug, PartialEq, Eq)]
pub enum Found {
    Records(Vec<Record>),
    /// There is no such name, and nobody else is asked.
    Code(RCODE),
    /// These may know.
    Upstreams(Vec<SocketAddr>),
}

/// Looks a query up in the networks that the client is on, of which the first is the one that it asks on. `own` is whom
/// the client wants asked, and `upstreams` whom those networks ask that name none themselves.
pub fn look_up(zones: &[&Zone], asked: &Asked, own: &[SocketAddr], upstreams: &[SocketAddr], turn: usize) -> Found {
    if let Some(code) = asked.refusal() {
        return Found::Code(code);
    }
    let name = asked.name().unwrap_or_default();
    if let Some(address) = message::reversed(&name) {
        if let Some(names) = zones.iter().find_map(|zone| zone.pointers.get(&address)) {
            let wants = matches!(asked.kind, message::TYPE_PTR | message::TYPE_ANY);
            let records = names.iter().filter(|_| wants).map(|name| Record::Pointer(name.clone()));
            return Found::Records(records.collect());
        }
        if zones.iter().any(|zone| zone.subnets.iter().any(|subnet| subnet.contains(address))) {
            return Found::Code(RCODE::NameError);
        }
        return elsewhere(zones, own, upstreams);
    }
    let bare = name.strip_suffix(DOMAIN);
    let addresses = zones.iter().find_map(|zone| zone.names.get(bare.unwrap_or(&name)));
    match addresses {
        Some(addresses) => {
            let wants = |address: &&IpAddr| match asked.kind {
                message::TYPE_ANY => true,
                message::TYPE_A => address.is_ipv4(),
                message::TYPE_AAAA => address.is_ipv6(),
                _ => false,
            };
            let mut records: Vec<Record> =
                addresses.iter().filter(wants).map(|address| Record::Address(*address)).collect();
            // Of several containers under one name each comes first in turn.
            let count = records.len().max(1);
            records.rotate_left(turn % count);
            Found::Records(records)
        }
        None if bare.is_some() || HOST_NAMES.contains(&name.as_str()) => Found::Code(RCODE::NameError),
        None => elsewhere(zones, own, upstreams),
    }
}

fn elsewhere(zones: &[&Zone], own: &[SocketAddr], upstreams: &[SocketAddr]) -> Found {
    // A client that is on another network too is led to the outside by that.
    let Some(zone) = zones.iter().find(|zone| !zone.is_internal) else {
        return Found::Code(if zones.is_empty() { RCODE::ServerFailure } else { RCODE::NameError });
    };
    match [own, &zone.upstreams, upstreams].into_iter().find(|servers| !servers.is_empty()) {
        Some(servers) => Found::Upstreams(servers.to_vec()),
        None => Found::Code(RCODE::ServerFailure),
    }
}

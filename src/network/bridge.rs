//! A container on bridges, as its monitor sees it: addresses are leased, then the keeper connects it.

use super::definition::{self, Definition, Driver, Ipam, Mode};
use super::keeper::client::Connection;
use super::keeper::protocol::{Ground, Link, Place, Subnet};
use super::leases::{self, Range};
use super::link::{OWN, random_mac};
use super::published::{self, Published};
use super::refusals::{Refusals, Refused};
use super::{Egress, Membership, NameOf, Port};
use crate::engine::Engine;
use crate::error::Kind;
use anyhow::{Context, Result};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use std::net::IpAddr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::{Duration, Instant};

/// What a container has of networks, for as long as this lives.
#[derive(Debug)]
pub struct Leased {
    engine: Engine,
    container: String,
    links: Vec<Link>,
    egress: Option<Egress>,
}

impl Drop for Leased {
    fn drop(&mut self) {
        for link in &self.links {
            // A lease whose holder is gone is nobody's.
            let _ = leases::give_back(&self.engine, &link.place.network, &self.container);
        }
    }
}

/// Who is to be connected.
pub struct Guest<'a> {
    /// Its id.
    pub id: &'a str,
    pub name: &'a str,
    /// The name servers that it wants asked.
    pub servers: &'a [IpAddr],
    /// The rules of what may leave it.
    pub egress: Option<&'a Egress>,
    /// Tells of another container's id whether it runs.
    pub lives: &'a dyn Fn(&str) -> bool,
}

/// Gives a container its addresses.
pub fn lease(engine: &Engine, guest: &Guest<'_>, memberships: &[Membership]) -> Result<Leased> {
    let (container, egress) = (guest.id.to_owned(), guest.egress.cloned());
    let mut leased = Leased { engine: engine.clone(), container, links: Vec::new(), egress };
    memberships.iter().try_for_each(|membership| leased.add(guest, membership))?;
    Ok(leased)
}

fn link(
    engine: &Engine,
    network: &Definition,
    guest: &Guest<'_>,
    membership: &Membership,
    interface: String,
) -> Result<Link> {
    let place = place(engine, network)?;
    let ranges: Vec<Range> = network
        .subnets
        .iter()
        .zip(&place.subnets)
        .map(|(defined, subnet)| {
            let (first, last) = defined.leases();
            Range { subnet: *subnet, first, last }
        })
        .collect();
    let addresses = match network.ipam_options.driver {
        Ipam::HostLocal => {
            leases::take(engine, &network.name, &ranges, guest.id, &membership.addresses, guest.lives)?
        }
        Ipam::None => membership.addresses.clone(),
    };
    let own = [guest.name, guest.id.get(..12).unwrap_or(guest.id)];
    let names = own.into_iter().map(str::to_owned).chain(membership.aliases.iter().cloned());
    let names = names.map(|name| name.to_ascii_lowercase()).collect();
    let mac = match (membership.mac, addresses.first()) {
        (Some(mac), _) => mac,
        (None, Some(address)) if place.is_managed() => mac_of(*address),
        (None, _) => random_mac()?,
    };
    Ok(Link { place, interface, addresses, mac, names, servers: guest.servers.to_vec() })
}

/// Each address has one of its own, so that whoever gets it next is found by those that have spoken with the one before.
/// It is locally administered and of no group.
fn mac_of(address: IpAddr) -> [u8; 6] {
    let bits = match address {
        IpAddr::V4(address) => address.to_bits(),
        IpAddr::V6(address) => {
            let bits = address.to_bits();
            (bits ^ bits >> 32 ^ bits >> 64 ^ bits >> 96) as u32
        }
    };
    let [a, b, c, d] = bits.to_be_bytes();
    [OWN[0], OWN[1], a, b, c, d]
}

/// What the keeper needs to know of a network.
fn place(engine: &Engine, network: &Definition) -> Result<Place> {
    let options = network.options()?;
    let ground = match (network.driver, options.mode) {
        (Driver::Bridge, Mode::Unmanaged) => Ground::Unmanaged,
        (Driver::Bridge, _) => Ground::Bridge,
        (Driver::Macvlan, mode) => {
            Ground::Macvlan { mode: mode.number().into(), broadcast_limit: options.broadcast_limit }
        }
        (Driver::Ipvlan, mode) => Ground::Ipvlan { mode: mode.number() },
    };
    let theirs = match ground {
        Ground::Bridge => options.vrf.as_ref().map(|_| "in a VRF"),
        Ground::Unmanaged => Some("on a bridge"),
        Ground::Macvlan { .. } | Ground::Ipvlan { .. } => Some("on an interface"),
    };
    if let Some(place) = theirs.filter(|_| engine.rootless) {
        let message = format!("it is {place} of the host's, which needs root");
        return Err(Kind::Denied.hinted(message, "use a bridge that the engine makes, or run coracle as root"));
    }
    Ok(Place {
        ground,
        vlan: options.vlan.filter(|vlan| *vlan != 0),
        vrf: options.vrf.clone(),
        network: network.name.clone(),
        bridge: network.network_interface.clone(),
        subnets: network.subnets.iter().map(|one| Subnet { block: one.subnet, gateway: one.gateway }).collect(),
        internal: network.internal,
        // Only who says so gets a network that others reach. All others are what podman calls strict.
        isolated: network.option_words.get("isolate").is_none_or(|text| text != "false"),
        resolves: network.dns_enabled && ground == Ground::Bridge,
        servers: network.network_dns_servers.clone(),
        default_route: !options.no_default_route,
        mtu: options.mtu,
        metric: options.metric,
        routes: network.routes.clone(),
    })
}

impl Leased {
    pub fn links(&self) -> &[Link] {
        &self.links
    }

    fn add(&mut self, guest: &Guest<'_>, membership: &Membership) -> Result<()> {
        let network = definition::read(&self.engine, &membership.network)?
            .ok_or_else(|| Kind::NotFound.error(format!("network {} has been removed", membership.network)))?;
        let interface = membership.interface.clone().unwrap_or_else(|| self.free_interface());
        let link = link(&self.engine, &network, guest, membership, interface)
            .with_context(|| format!("connect to network {}", network.name))?;
        self.links.push(link);
        Ok(())
    }

    fn free_interface(&self) -> String {
        let is_free = |name: &String| self.links.iter().all(|link| link.interface != *name);
        (0..=self.links.len()).map(|number| format!("eth{number}")).find(is_free).unwrap_or_default()
    }

    /// Connects the container's namespace, and has the host's ports lead to it.
    pub fn connect(self, namespace: BorrowedFd<'_>, ports: &[Port], name_of: NameOf<'_>) -> Result<Bridged> {
        let is_on_host = |link: &Link| !matches!(link.place.ground, Ground::Bridge | Ground::Unmanaged);
        if let Some(link) = self.links.first().filter(|link| !ports.is_empty() && is_on_host(link)) {
            let message =
                format!("ports cannot be published on network {}: the host does not reach it", link.place.network);
            return Err(Kind::BadInput.hinted(message, "reach the container at its own address"));
        }
        // A port that is another's is found before anything is set up.
        let sockets = published::bind(ports, name_of)?;
        let keeper = Connection::open(&self.engine, None)?;
        let refusals = match &self.egress {
            Some(egress) => {
                let refusals = Refusals::open(keeper.namespace().as_fd())?;
                keeper.rule(egress, &refusals)?;
                Some(refusals)
            }
            None => None,
        };
        let mut warnings = keeper.attach(&self.container, namespace, self.links.clone())?;
        let bridges = keeper.namespace().try_clone().context("duplicate a namespace")?;
        let published = Published::start(sockets, &self.links, bridges.as_fd(), &mut warnings)?;
        Ok(Bridged { leased: self, bridges, keeper: Ok(keeper), refusals, published: vec![published], warnings })
    }
}

/// How long it takes before another keeper is tried for, when one could not be had.
const PAUSE: Duration = Duration::from_secs(5);

/// A container that is connected, for as long as this lives.
#[derive(Debug)]
pub struct Bridged {
    leased: Leased,
    /// The namespace in which the bridges are.
    bridges: OwnedFd,
    /// Or when to look for one.
    keeper: std::result::Result<Connection, Instant>,
    /// What its rules have refused, if it has any.
    refusals: Option<Refusals>,
    /// Those that were published with the start, and those that came later.
    published: Vec<Published>,
    /// What the user should know, a line each.
    pub warnings: Vec<String>,
}

impl Bridged {
    pub fn links(&self) -> &[Link] {
        &self.leased.links
    }

    /// Connects the container, whose namespace this is, to a further network.
    pub fn join(&mut self, guest: &Guest<'_>, membership: &Membership, namespace: BorrowedFd<'_>) -> Result<()> {
        self.leased.add(guest, membership)?;
        let new = self.leased.links.last().cloned().into_iter().collect();
        let attached = self.ask(|keeper, container| keeper.attach(container, namespace, new));
        if attached.is_err() {
            self.forget(&membership.network);
        }
        attached
    }

    /// Takes the container, whose namespace this is, out of a network.
    pub fn leave(&mut self, network: &str, namespace: BorrowedFd<'_>) -> Result<()> {
        self.ask(|keeper, _| keeper.detach(network, namespace))?;
        let was_first = self.leased.links.first().is_some_and(|link| link.place.network == network);
        self.forget(network);
        if was_first {
            // Ports lead to the first network's addresses.
            for published in &mut self.published {
                published.restart(&self.leased.links, self.bridges.as_fd())?;
            }
        }
        Ok(())
    }

    fn ask(&self, ask: impl FnOnce(&Connection, &str) -> Result<Vec<String>>) -> Result<()> {
        match &self.keeper {
            Ok(keeper) => ask(keeper, &self.leased.container).map(|_| ()),
            Err(_) => Err(Kind::Engine.error("there is no keeper of the networks just now: try again")),
        }
    }

    fn forget(&mut self, network: &str) {
        self.leased.links.retain(|link| link.place.network != network);
        // A lease that stays is free when its holder has ended.
        let _ = leases::give_back(&self.leased.engine, network, &self.leased.container);
    }

    /// One is readable when [`Bridged::mend`] and [`Bridged::refused`] are to be called.
    pub fn watched(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        let keeper = self.keeper.as_ref().ok().map(Connection::socket);
        let refusals = self.refusals.iter().flat_map(Refusals::watched);
        keeper.into_iter().chain(refusals).chain(self.published.iter().filter_map(Published::pidfd))
    }

    /// What the rules have refused since this was last asked, as far as it is to be told of.
    pub fn refused(&mut self) -> Vec<Refused> {
        self.refusals.as_mut().map(Refusals::take).unwrap_or_default()
    }

    /// The pids of its forwarders.
    pub fn pids(&self) -> Vec<i32> {
        self.published.iter().filter_map(Published::pid).collect()
    }

    /// Puts another process into the place of one that has died.
    pub fn mend(&mut self) {
        for published in &mut self.published {
            published.mend(&self.leased.links, self.bridges.as_fd());
        }
        // The keeper says nothing unasked: there is something to read when it is gone.
        let is_gone = |keeper: &Connection| {
            let mut polled = [PollFd::new(keeper.socket(), PollFlags::POLLIN)];
            poll(&mut polled, PollTimeout::ZERO).is_ok_and(|count| count > 0)
        };
        let is_lost = match &self.keeper {
            Ok(keeper) => is_gone(keeper),
            Err(at) => Instant::now() >= *at,
        };
        if is_lost {
            self.resume();
        }
    }

    /// Publishes ports, and takes away those that are not among `ports`. Connections to the others go on, unless they
    /// were published together with one that goes.
    pub fn publish(&mut self, ports: &[Port], name_of: NameOf<'_>) -> Result<()> {
        let there: Vec<Port> = self.published.iter().flat_map(Published::ports).cloned().collect();
        let new: Vec<Port> = ports.iter().filter(|port| !there.contains(port)).cloned().collect();
        let sockets = published::bind(&new, name_of)?;
        for published in &mut self.published {
            published.keep_only(ports, &self.leased.links, self.bridges.as_fd())?;
        }
        let links = &self.leased.links;
        self.published.push(Published::start(sockets, links, self.bridges.as_fd(), &mut self.warnings)?);
        self.published.retain(|published| published.ports().next().is_some());
        Ok(())
    }

    /// Has other rules hold from now on.
    pub fn rule(&mut self, egress: &Egress) -> Result<()> {
        let new = match &self.refusals {
            Some(_) => None,
            None => Some(Refusals::open(self.bridges.as_fd())?),
        };
        let refusals = new.as_ref().or(self.refusals.as_ref()).context("refusals are heard of")?;
        self.ask(|keeper, _| keeper.rule_anew(egress, refusals).map(|()| Vec::new()))?;
        self.refusals = new.or(self.refusals.take());
        self.leased.egress = Some(egress.clone());
        Ok(())
    }

    /// When to call [`Bridged::mend`] if nothing is readable.
    pub fn resumes_at(&self) -> Option<Instant> {
        self.keeper.as_ref().err().copied()
    }

    /// Finds or starts another keeper. Without one the container is connected as it was, but nobody finds it by a name.
    fn resume(&mut self) {
        let Leased { engine, container, links, egress } = &self.leased;
        let bridges = self.bridges.try_clone().context("duplicate a namespace");
        self.keeper = bridges
            .and_then(|bridges| {
                let rules = egress.as_ref().zip(self.refusals.as_ref());
                Connection::resume(engine, bridges, container, links.clone(), rules)
            })
            .map_err(|_| Instant::now() + PAUSE);
    }
}

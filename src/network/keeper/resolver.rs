//! The name server of all networks, fed with what the keeper knows of them.

use super::protocol::{Link, Place};
use crate::network::dns::{self, Finding, Reply, Server, Zone};
use crate::network::egress::Egress;
use anyhow::Result;
use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::BorrowedFd;
use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

/// The port of name servers: RFC 1035.
pub const PORT: u16 = 53;

/// Where the host's name servers are.
pub const RESOLV_CONF: &str = "/etc/resolv.conf";
const RESOLV_CONF_BYTES_MAX: usize = 1 << 20;

/// How often it is looked whether the host has others now.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

pub struct Resolver {
    server: Server,
    /// When the host's file was looked at, and of when it was.
    looked: Option<(Instant, Option<SystemTime>)>,
    /// What the user should know.
    warning: Option<String>,
    /// The host's file was read once, and is another one now that cannot be.
    is_blind: bool,
}

impl Resolver {
    pub fn new() -> Result<Self> {
        Ok(Self { server: Server::new()?, looked: None, warning: None, is_blind: false })
    }

    pub fn fd(&self) -> BorrowedFd<'_> {
        self.server.fd()
    }

    pub fn deadline(&self) -> Option<Instant> {
        self.server.deadline()
    }

    pub fn take_warning(&mut self) -> Option<String> {
        self.warning.take()
    }

    /// Whether it can no longer follow the host.
    pub fn is_blind(&self) -> bool {
        self.is_blind
    }

    /// Answers what has come. What was found out about containers that have rules is given back.
    pub fn turn(&mut self) -> Result<Vec<Finding>> {
        self.follow_host();
        self.server.turn()?;
        Ok(self.server.take_findings())
    }

    /// Answers what a container has asked, when its rules are as the answer wants them.
    pub fn reply(&mut self, reply: Reply) {
        self.server.reply_to(reply);
    }

    /// Answers at a network's gateways, in the namespace that this thread is in. Another server there, which the host may
    /// have, does not keep containers from running.
    pub fn listen(&mut self, place: &Place) {
        for gateway in place.gateways() {
            if let Err(error) = self.server.listen(&place.network, SocketAddr::new(gateway, PORT)) {
                self.warning = Some(format!("network {}: {}", place.network, crate::error::line(&error)));
            }
        }
    }

    /// Hears a container apart from the others, in the namespace that this thread is in. Without that it is heard with them.
    pub fn listen_to(&mut self, link: &Link) {
        for gateway in link.place.gateways() {
            for address in link.addresses.iter().filter(|address| address.is_ipv4() == gateway.is_ipv4()) {
                let _ = self.server.listen_to(&link.place.network, SocketAddr::new(gateway, PORT), *address);
            }
        }
    }

    pub fn forget(&mut self, network: &str) {
        self.server.forget(network);
    }

    /// Says who is in which network and has which rules, each container with its id. `host` is where all find the host, if
    /// not at their gateways.
    pub fn name(
        &mut self,
        places: &[Place],
        links: &[(&str, &Link)],
        rules: &HashMap<&str, &Egress>,
        host: Option<IpAddr>,
    ) -> Result<()> {
        for place in places {
            let upstreams = place.servers.iter().map(|address| SocketAddr::new(*address, PORT)).collect();
            let blocks = place.subnets.iter().map(|subnet| subnet.block).collect();
            let mut zone = Zone::new(blocks, place.internal, upstreams);
            for (id, link) in links.iter().filter(|(_, link)| link.place.network == place.network) {
                // A network without names tells its containers apart all the same: some may be in others that have them.
                let names = if place.resolves { &link.names[..] } else { &[] };
                zone.add(id, names, &link.addresses);
                if let Some(egress) = rules.get(id) {
                    zone.rule(id, (*egress).clone());
                }
                zone.ask_for(id, link.servers.iter().map(|address| SocketAddr::new(*address, PORT)).collect());
            }
            let hosts: Vec<IpAddr> = host.map_or_else(|| place.gateways().collect(), |host| vec![host]);
            if !place.internal {
                zone.set_host(&hosts);
            }
            self.server.set_zone(&place.network, zone)?;
        }
        Ok(())
    }

    /// Asks whom the host asks, and follows it when that changes.
    fn follow_host(&mut self) {
        if self.looked.is_some_and(|(at, _)| at.elapsed() < LOOK_AGAIN) {
            return;
        }
        let path = Path::new(RESOLV_CONF);
        let changed = path.metadata().and_then(|metadata| metadata.modified()).ok();
        if self.looked.is_none_or(|(_, before)| before != changed) {
            let text = crate::fs::read(path, RESOLV_CONF_BYTES_MAX);
            if text.is_err() && changed.is_some() && self.looked.is_some_and(|(_, before)| before.is_some()) {
                self.is_blind = true;
                return;
            }
            // Without the file, nobody is asked.
            let text = text.unwrap_or_default();
            self.server.set_upstreams(dns::upstreams(&String::from_utf8_lossy(&text)));
        }
        self.looked = Some((Instant::now(), changed));
    }
}

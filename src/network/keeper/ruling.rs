//! What the keeper knows of a container's egress rules beside those themselves, who is told what they refuse, and how they
//! come to hold.

use super::protocol::Link;
use super::{Client, Keeper, egress, place};
use crate::network::dns::Finding;
use crate::network::egress::Egress;
use crate::sys::socket;
use anyhow::{Context, Result};
use std::os::fd::{AsFd, OwnedFd};
use std::time::{Duration, Instant};

/// How many refused names a second the monitor is woken up for.
const TOLD_PER_SECOND: u32 = 32;

pub struct Ruling {
    pub egress: Egress,
    /// Where refused packets are logged.
    pub group: u16,
    /// Where refused names go, which waits for nobody.
    names: OwnedFd,
    /// How many went there since then.
    told: (Instant, u32),
}

impl Ruling {
    /// What a monitor has asked for, with what it has sent along.
    pub fn new(egress: Egress, group: u16, sent: Vec<OwnedFd>) -> Result<Self> {
        let names = sent.into_iter().next().context("the socket for refused names comes along")?;
        Ok(Self { egress, group, names, told: (Instant::now(), 0) })
    }

    /// Tells the monitor of a name, unless it has more to read already than it should.
    pub fn tell(&mut self, name: &str) {
        if self.told.0.elapsed() >= Duration::from_secs(1) {
            self.told = (Instant::now(), 0);
        }
        self.told.1 += 1;
        if self.told.1 <= TOLD_PER_SECOND {
            // One that does not fit is lost.
            let _ = socket::send(self.names.as_fd(), name.as_bytes(), &[]);
        }
    }
}

impl Keeper {
    /// Has other rules hold for a client's container from now on.
    pub(super) fn rule_anew(&mut self, at: usize, ruling: Ruling) -> Result<()> {
        let before = self.clients[at].ruling.replace(ruling);
        let ruled = self.guard(at).and_then(|()| self.rule(at, before.as_ref().map(|before| &before.egress)));
        if ruled.is_err() {
            // Those before hold still: the kernel takes the new ones whole or not at all.
            if let (None, Some((container, links))) = (&before, &self.clients[at].container) {
                let _ = egress::forget(&mut self.firewall, container, links);
            }
            self.clients[at].ruling = before;
        }
        ruled
    }

    /// Guards all links of a client's container.
    fn guard(&mut self, at: usize) -> Result<()> {
        let Some((container, links)) = &self.clients[at].container else { return Ok(()) };
        let mut named = links.iter().map(|link| (place::port_name(container, link), link));
        named.try_for_each(|(port, link)| egress::guard(&mut self.firewall, &port, link))
    }

    /// Has the rules of a client's container, if it has any, hold for the links that it has now, in place of those before.
    pub(super) fn rule(&mut self, at: usize, before: Option<&Egress>) -> Result<()> {
        let client = &self.clients[at];
        let Some((ruling, (container, links))) = client.ruling.as_ref().zip(client.container.as_ref()) else {
            return Ok(());
        };
        egress::rule(&mut self.firewall, container, &ruling.egress, before, ruling.group, links)
    }

    /// Takes back the rules of a container that could not be connected with these links.
    pub(super) fn forget_rules(&mut self, at: usize, container: &str, links: &[Link]) {
        let client = &self.clients[at];
        if client.ruling.is_some() {
            // An error is on its way already.
            let _ = match client.container {
                Some(_) => links.iter().try_for_each(|link| egress::unguard(&mut self.firewall, container, link)),
                None => egress::forget(&mut self.firewall, container, links),
            };
            let _ = self.rule(at, None);
        }
    }

    /// What the name server has found out about a container that has rules.
    pub(super) fn heed(&mut self, finding: Finding) {
        match finding {
            Finding::Refused { container, name } => {
                let is_it = |client: &&mut Client| client.id() == Some(container.as_str());
                if let Some(ruling) = self.clients.iter_mut().find(is_it).and_then(|client| client.ruling.as_mut()) {
                    ruling.tell(&name);
                }
            }
            Finding::Resolved { container, rules, addresses, reply } => {
                // What could not be opened is refused, and told of.
                let _ = egress::open(&mut self.firewall, &container, &rules, &addresses);
                self.resolver.reply(reply);
            }
        }
    }
}

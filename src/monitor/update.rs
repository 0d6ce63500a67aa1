//! `update` of a container that is alive: limits go into its cgroup, a new health check begins at once, and the restart
//! policy is asked when it next ends.

use super::network::Connected;
use super::{Monitor, files, launch};
use crate::container::config::{Config, Health};
use crate::container::events::Happening;
use crate::container::spec;
use crate::container::update::Change;
use crate::container::{create, networks, state};
use crate::error::Kind;
use crate::fs::Durability;
use crate::network::{Egress, Guest};
use crate::sys::namespace::Namespaces;
use anyhow::{Context, Result};
use std::os::fd::AsFd;

impl Monitor {
    pub(super) fn update(&mut self, change: &Change) -> Result<()> {
        let mut config = self.config.clone();
        change.apply(&mut config);
        networks::check_egress(&self.engine, &config)?;
        if change.resources.is_some() {
            let cgroup = self.cgroup.as_ref();
            let resources = spec::resources(&config, launch::has_pids_controller(cgroup)?)?;
            launch::limit(resources.as_ref(), cgroup)?;
        }
        let links = self.state.links.clone();
        if change.memberships.is_some() {
            self.change_networks(&config)?;
        }
        if change.ports.is_some() {
            self.change_ports(&config)?;
        }
        if let Some(egress) = &change.egress {
            self.change_egress(egress)?;
        }
        create::write_config(&self.paths, &config)?;
        let before = std::mem::replace(&mut self.config, config);
        self.change_health(&before.health);
        if change.is_update() {
            self.tell(&[Happening::Update]);
        }
        // Last: what is told of here has happened.
        files::follow(&self.run_dir, (&before, &links), (&self.config, &self.state.links), self.engine.rootless)
    }

    /// Takes the container out of networks that it is not to be in any more, and into those that it is to be in.
    fn change_networks(&mut self, after: &Config) -> Result<()> {
        let Some(instance) = &mut self.instance else { return Ok(()) };
        let Some(Connected::Bridge(bridged)) = &mut instance.network else {
            return Err(
                Kind::InUse.error("the container is on no bridge, and cannot be brought to one while it runs")
            );
        };
        let net = instance.entrance.get(Namespaces::CLONE_NEWNET).context("the container has a network namespace")?;
        for gone in self.config.memberships.iter().filter(|before| !after.memberships.contains(before)) {
            bridged.leave(&gone.network, net.as_fd())?;
        }
        for new in after.memberships.iter().filter(|after| !self.config.memberships.contains(after)) {
            let lives = launch::lives(&self.engine);
            let servers = after.names.server_addresses();
            let (id, egress) = (after.id.as_str(), after.egress.as_ref());
            let guest = Guest { id, name: after.name.as_str(), servers: &servers, egress, lives: &lives };
            bridged.join(&guest, new, net.as_fd())?;
        }
        self.state.links = bridged.links().to_vec();
        state::write(&self.paths, &self.state, Durability::Cached)
    }

    /// Has the host's ports lead here that are to, and no others.
    fn change_ports(&mut self, after: &Config) -> Result<()> {
        match self.instance.as_mut().map(|instance| &mut instance.network) {
            Some(Some(Connected::Bridge(bridged))) => bridged.publish(&after.ports, &launch::name_of(&self.engine)),
            None => Ok(()),
            Some(Some(Connected::Pasta(_)) | None) => {
                let message = "the ports of a container that runs can be changed on a bridge only";
                Err(Kind::InUse.hinted(message, "stop it first"))
            }
        }
    }

    /// Has other rules hold at once. Between two runs, and without any network, there is nothing that they are about.
    fn change_egress(&mut self, egress: &Egress) -> Result<()> {
        match self.instance.as_mut().and_then(|instance| instance.network.as_mut()) {
            Some(Connected::Bridge(bridged)) => bridged.rule(egress),
            Some(Connected::Pasta(_)) | None => Ok(()),
        }
    }

    /// Another check, or another startup check, begins anew; all else counts from the next check on.
    fn change_health(&mut self, before: &Health) {
        let health = &self.config.health;
        if self.instance.is_none() || health == before {
            return;
        }
        if self.checker.is_none() || health.test != before.test || health.startup != before.startup {
            self.end_health("the health check has been changed");
            self.begin_health();
        } else if let Some(checker) = &mut self.checker
            && health.interval_nanos != before.interval_nanos
        {
            checker.begin_interval(health);
        }
    }
}

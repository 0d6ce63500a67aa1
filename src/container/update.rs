//! `update`: a container's description is changed in those areas that can be, and written by the one who may.

use super::config::{Config, Health, Limit, Resources, Restart};
use super::control::Request;
use super::create;
use super::events::{self, Event, Happening};
use super::networks;
use super::rename::through_writer;
use super::state::{Container, Paths};
use crate::engine::Engine;
use crate::network::{Egress, Membership, Port};
use anyhow::Result;
use serde::{Deserialize, Serialize};

/// What becomes different; what is None stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Change {
    pub restart: Option<Restart>,
    pub health: Option<Health>,
    pub resources: Option<Resources>,
    pub limits: Option<Vec<Limit>>,
    pub environment: Option<Vec<String>>,
    pub memberships: Option<Vec<Membership>>,
    pub ports: Option<Vec<Port>>,
    pub egress: Option<Egress>,
}

impl Change {
    /// What leads from one description to the other.
    pub fn between(before: &Config, after: &Config) -> Self {
        fn changed<T: Clone + PartialEq>(before: &T, after: &T) -> Option<T> {
            (before != after).then(|| after.clone())
        }
        Self {
            restart: changed(&before.restart, &after.restart),
            health: changed(&before.health, &after.health),
            resources: changed(&before.resources, &after.resources),
            limits: changed(&before.limits, &after.limits),
            environment: changed(&before.process.environment, &after.process.environment),
            memberships: changed(&before.memberships, &after.memberships),
            ports: changed(&before.ports, &after.ports),
            egress: changed(&before.egress, &after.egress).flatten(),
        }
    }

    /// Whether it is more than a change of networks, which is told of as such.
    pub fn is_update(&self) -> bool {
        Self { memberships: None, ..self.clone() } != Self::default()
    }

    pub fn apply(&self, config: &mut Config) {
        fn put<T: Clone>(value: &Option<T>, place: &mut T) {
            if let Some(value) = value {
                place.clone_from(value);
            }
        }
        put(&self.restart, &mut config.restart);
        put(&self.health, &mut config.health);
        put(&self.resources, &mut config.resources);
        put(&self.limits, &mut config.limits);
        put(&self.environment, &mut config.process.environment);
        put(&self.memberships, &mut config.memberships);
        put(&self.ports, &mut config.ports);
        if let Some(egress) = &self.egress {
            config.egress = Some(egress.clone());
        }
    }
}

/// Changes a container, whether it runs or not. Limits of one that runs are in force when this returns.
pub fn update(engine: &Engine, container: &Container, change: &Change) -> Result<()> {
    let write = |config: &mut Config| {
        change.apply(config);
        networks::check_egress(engine, config)?;
        create::write_config(&Paths::of(engine, &config.id), config)?;
        if change.is_update() {
            events::tell(engine, &[Event::of(config, Happening::Update)]);
        }
        Ok(())
    };
    through_writer(engine, container, || Request::Update(Box::new(change.clone())), write)
}

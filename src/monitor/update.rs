//! `update` of a container that is alive: limits go into its cgroup, a new health check begins at once, and the restart
//! policy is asked when it next ends.

use super::{Monitor, launch};
use crate::container::config::Health;
use crate::container::create;
use crate::container::events::Happening;
use crate::container::spec;
use crate::container::update::Change;
use anyhow::Result;

impl Monitor {
    pub(super) fn update(&mut self, change: &Change) -> Result<()> {
        let mut config = self.config.clone();
        change.apply(&mut config);
        if change.resources.is_some() {
            let cgroup = self.cgroup.as_ref();
            let resources = spec::resources(&config, launch::has_pids_controller(cgroup)?)?;
            launch::limit(resources.as_ref(), cgroup)?;
        }
        create::write_config(&self.paths, &config)?;
        let before = std::mem::replace(&mut self.config, config);
        self.change_health(&before.health);
        self.tell(&[Happening::Update]);
        Ok(())
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

//! How a run of the container ends, and how the container does.

use super::clients::{self, Client, Role};
use super::{MAIN, Monitor, sources};
use crate::container::control::Reply;
use crate::container::remove;
use crate::container::spec;
use crate::container::state::{self, Exit};
use crate::container::unused;
use crate::fs::{self, Durability};
use crate::runtime::hooks;
use crate::runtime::identity::Identity;
use crate::sys::process;
use anyhow::Result;
use oci_spec::runtime::ContainerState;
use std::os::fd::AsFd;
use std::time::Duration;

/// How long the last processes of an ended container may take to leave its cgroup.
const CGROUP_TIMEOUT: Duration = Duration::from_secs(2);

impl Monitor {
    /// How the last run ended.
    pub(super) fn code(&self) -> i32 {
        self.state.exit.as_ref().map_or(1, |exit| exit.code)
    }

    /// A run has ended: its root and its network go, and its end is remembered. Without one, a start has failed and has
    /// been remembered already.
    pub(super) fn record_run(&mut self) {
        let Some(main) = self.main_process() else { return };
        let code = main.exit.map_or(1, process::Exit::code);
        let kills = self.cgroup.as_ref().map_or(0, |cgroup| cgroup.container.oom_kills().unwrap_or(0));
        let oom_killed = self.instance.take().is_some_and(|instance| kills > instance.oom_kills);
        self.state.exit = Some(Exit { code, finished: state::now(), oom_killed });
        (self.kill_at, self.expires_at) = (None, None);
        self.forget_pause();
        // The OCI spec has a failure told and nothing more; there is nobody left to tell.
        let _ = self.run_last_hooks();
        self.end_health("the container has ended");
    }

    /// The container is over: its end is written down and told. Whatever goes wrong in cleaning up, the exit code is
    /// told to those who wait for it.
    pub(super) fn finish(&mut self) -> Result<i32> {
        let (hidden, ended) = self.record_end();
        let removed = hidden.as_ref().map_or(Ok(()), |_| {
            remove::log_dir(&self.config)?;
            remove::anonymous_volumes(&self.engine, &self.config)?;
            if self.config.remove_image { unused::follow_container(&self.engine, &self.config) } else { Ok(()) }
        });
        // Told only now: who hears it finds nothing of a container that was to be removed. To give its files' place on the
        // disk back is nothing that anybody has to wait for.
        let code = self.code();
        for client in self.clients.iter_mut().filter(|client| client.role == Role::Waiting(MAIN)) {
            client.end(code);
        }
        self.finish_clients();
        // What attached clients have not read yet still flows, and nobody else waits for that; the container is over.
        self.clients.iter_mut().for_each(Client::hurry);
        while self.clients.iter().any(|client| client.has_pending()) {
            self.turn()?;
        }
        for client in self.clients.iter().filter(|client| client.waits_for(MAIN)) {
            clients::answer(&client.socket, &Reply::Exited { code });
        }
        let cleared = hidden.map_or(Ok(()), remove::Hidden::finish);
        ended.and(removed).and(cleared).map(|()| code)
    }

    /// Its end is written down, one that is to be removed is hidden, and only then the lock is released. A step that
    /// fails keeps none of the others from being taken.
    fn record_end(&mut self) -> (Option<remove::Hidden>, Result<()>) {
        if let Some(cgroup) = self.cgroup.take() {
            // What cannot be removed now goes with the scope.
            let _ = cgroup.delegated.remove_container(CGROUP_TIMEOUT);
        }
        self.state.restarting = false;
        self.state.stopped_by_user = self.restarting.is_forbidden();
        let mut hidden = None;
        let recorded = if self.config.auto_remove {
            remove::hide(&self.engine, &self.config).map(|now_hidden| hidden = Some(now_hidden))
        } else {
            state::write(&self.paths, &self.state, Durability::Synced)
        };
        let cleared = self.remove_run_dir().and(sources::clear(&self.engine, &self.config));
        let code = self.code();
        self.tell_of_end(code);
        self.alive = None;
        (hidden, recorded.and(cleared))
    }

    fn run_last_hooks(&self) -> Result<()> {
        let Some(hooks) = spec::hooks(&self.config) else { return Ok(()) };
        let identity =
            Identity { id: self.config.id.as_str(), bundle: &self.run_dir, annotations: &self.config.annotations };
        hooks::run(hooks.poststop().as_deref().unwrap_or_default(), identity, ContainerState::Stopped, 0)
    }

    fn remove_run_dir(&self) -> Result<()> {
        let dir = fs::open_dir(&self.engine.run.join("containers"))?;
        fs::remove_tree(dir.as_fd(), self.config.id.as_str())
    }
}

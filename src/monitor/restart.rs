//! Starting a container again in the same process, as its policy or its user wants it.

use super::launch::{Begun, Ground};
use super::pauses::Pauses;
use super::{MAIN, Monitor};
use crate::container::config::Restart;
use crate::container::control::Reply;
use crate::container::events::Happening;
use crate::container::state::{self, Exit};
use crate::error::{self, Kind, Wire};
use crate::fs::Durability;
use crate::sys::memory;
use anyhow::Result;
use std::time::{Duration, Instant};

/// What there is to know about the next start.
#[derive(Default)]
pub struct Restarting {
    /// When the pause between two runs ends.
    pub at: Option<Instant>,
    pauses: Pauses,
    /// The user wants it to stay down.
    forbidden: bool,
    /// The machine, or the session, ends: it is not to start again now.
    leaving: bool,
    /// Somebody wants it to start again at once, and perhaps waits to hear of it.
    asked: bool,
    /// It is to start again in any case, though not at once.
    wanted: bool,
    askers: Vec<u32>,
}

impl Restarting {
    pub fn forbid(&mut self) {
        self.forbidden = true;
        self.asked = false;
        self.wanted = false;
        self.at = None;
    }

    fn leave(&mut self) {
        self.leaving = true;
        self.asked = false;
        self.wanted = false;
        self.at = None;
    }

    pub fn is_forbidden(&self) -> bool {
        self.forbidden
    }

    pub fn ask(&mut self, client: u32) {
        self.askers.push(client);
        self.start_at_once();
    }

    /// The container is sick and has to start again, unless the user wants it to stay down.
    pub fn want(&mut self) {
        self.wanted = !self.forbidden;
    }

    fn start_at_once(&mut self) {
        self.asked = true;
        self.forbidden = false;
        self.at = self.at.map(|_| Instant::now());
    }
}

impl Monitor {
    /// How long until the container is started again; None if it has ended for good.
    pub(super) fn delay_of_restart(&mut self) -> Option<Duration> {
        if self.restarting.leaving {
            return None;
        }
        if self.restarting.asked {
            return Some(Duration::ZERO);
        }
        let is_wanted = match self.config.restart {
            Restart::No => false,
            Restart::OnFailure(max) => self.code() != 0 && max.is_none_or(|max| self.state.restarts < max),
            Restart::Always | Restart::UnlessStopped => true,
        };
        let is_wanted = is_wanted || std::mem::take(&mut self.restarting.wanted);
        (is_wanted && !self.restarting.forbidden).then(|| self.restarting.pauses.next_delay())
    }

    /// Between two runs: the end of the last one is told, and written down as one that will not last.
    pub(super) fn pause(&mut self, delay: Duration) -> Result<()> {
        let code = self.code();
        for client in self.clients.iter_mut().filter(|client| client.waits_for(MAIN)) {
            client.end(code);
        }
        self.processes.retain(|process| process.key != MAIN);
        self.tell_of_run(code);
        self.state.pid = 0;
        self.state.restarting = true;
        self.restarting.at = Some(Instant::now() + delay);
        self.write_state()?;
        self.ground().clear()?;
        memory::give_back();
        Ok(())
    }

    pub(super) fn is_paused(&self) -> bool {
        self.restarting.at.is_some_and(|at| Instant::now() < at)
    }

    /// Whether it was stopped in the pause.
    pub(super) fn is_over(&self) -> bool {
        self.restarting.forbidden || self.restarting.leaving
    }

    /// This process is asked to end, as at the end of a service, a session or the machine: the container is given its
    /// time to end before it. That is nobody's wish to see it stay down.
    pub(super) fn leave(&mut self) -> Result<()> {
        while self.signals.read_signal()?.is_some() {}
        self.restarting.leave();
        let stop = self.config.stop;
        self.stop(stop.signal.unwrap_or(libc::SIGTERM), stop.timeout_secs)
    }

    fn ground(&self) -> Ground<'_> {
        Ground {
            engine: &self.engine,
            config: &self.config,
            paths: &self.paths,
            run_dir: &self.run_dir,
            cgroup: self.cgroup.as_ref(),
            passed: &self.passed,
            preserved: &[],
        }
    }

    /// The next run. One that does not come to pass counts as one that has failed at once.
    pub(super) fn start_again(&mut self) -> Result<()> {
        self.restarting.at = None;
        self.was_stopped = false;
        let was_asked = std::mem::take(&mut self.restarting.asked);
        if was_asked {
            self.restarting.pauses = Pauses::default();
        }
        self.restarting.pauses.begin();
        let restarts = if was_asked { 0 } else { self.state.restarts + 1 };
        let begun = self.ground().begin(None, restarts);
        let reply = match begun {
            Ok(Begun { instance, main, state }) => {
                self.instance = Some(instance);
                self.processes.insert(0, main);
                self.state = state;
                if was_asked {
                    self.tell(&[Happening::Restart]);
                }
                self.tell_of_start();
                self.begin_health();
                self.begin_timeout();
                Reply::Started { pid: self.state.pid, warnings: Vec::new() }
            }
            Err(error) => {
                self.remember_failure(restarts, &error)?;
                Reply::Failed(Wire::from(&error))
            }
        };
        for key in std::mem::take(&mut self.restarting.askers) {
            self.reply(key, &reply);
        }
        memory::give_back();
        Ok(())
    }

    fn remember_failure(&mut self, restarts: u32, error: &anyhow::Error) -> Result<()> {
        let code = match error::kind(error) {
            Kind::NotExecutable => 126,
            Kind::CommandNotFound => 127,
            Kind::Engine | Kind::NotFound | Kind::Exists | Kind::InUse | Kind::BadInput | Kind::Denied => 125,
        };
        self.state.exit = Some(Exit { code, finished: state::now(), oom_killed: false });
        self.state.restarts = restarts;
        self.state.error = error::line(error);
        self.write_state()
    }

    fn write_state(&self) -> Result<()> {
        let durability = if self.config.auto_remove { Durability::Cached } else { Durability::Synced };
        state::write(&self.paths, &self.state, durability)
    }
}

//! `pause` and `unpause`: by the cgroup's freezer where the container has a cgroup, else by stopping its processes.

use super::Monitor;
use crate::container::processes::{self, Stat};
use crate::error::Kind;
use crate::fs::{self, Held};
use crate::sys::{process, signal};
use anyhow::{Context, Result};
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

/// How long a cgroup may take to stand still, or to go on.
const CGROUP_TIMEOUT: Duration = Duration::from_secs(2);

/// How long the processes may take to be stopped, all of them: those that fork meanwhile are stopped in the next round.
const STOP_TIMEOUT: Duration = Duration::from_secs(2);
const STOP_PAUSE: Duration = Duration::from_millis(1);

/// A paused container.
pub struct Paused {
    /// The processes that were stopped one by one: pid and start. What had stopped before stays stopped after.
    stopped: Vec<(i32, u64)>,
}

impl Monitor {
    pub(super) fn refuse_paused(&self) -> Result<()> {
        match self.paused {
            Some(_) => {
                let name = &self.config.name;
                Err(Kind::InUse.hinted(format!("container {name} is paused"), format!("coracle unpause {name}")))
            }
            None => Ok(()),
        }
    }

    /// A run that has ended is not paused, however it was ended.
    pub(super) fn forget_pause(&mut self) {
        if self.paused.is_some() {
            let _ = self.thaw();
        }
    }

    pub(super) fn freeze(&mut self) -> Result<()> {
        self.refuse_paused()?;
        if self.main_process().is_none() {
            return Err(Kind::InUse.error(format!("container {} waits to be started again", self.config.name)));
        }
        let mut stopped = Vec::new();
        let done = match &self.cgroup {
            Some(cgroup) => cgroup.container.freeze(true, CGROUP_TIMEOUT),
            None => self.stop_processes(&mut stopped),
        };
        self.paused = Some(Paused { stopped });
        let said = done.and_then(|()| self.say_held(Held::Paused));
        // Half paused is not paused.
        said.inspect_err(|_| drop(self.thaw()))
    }

    pub(super) fn thaw(&mut self) -> Result<()> {
        let Some(paused) = self.paused.take() else {
            return Err(Kind::InUse.error(format!("container {} is not paused", self.config.name)));
        };
        if let Some(cgroup) = &self.cgroup {
            cgroup.container.freeze(false, CGROUP_TIMEOUT)?;
        }
        for (pid, start) in paused.stopped {
            send(pid, start, libc::SIGCONT)?;
        }
        self.say_held(Held::Alive)
    }

    fn say_held(&self, held: Held) -> Result<()> {
        self.alive.as_ref().map_or(Ok(()), |alive| fs::say_held(alive, held))
    }

    fn stop_processes(&self, stopped: &mut Vec<(i32, u64)>) -> Result<()> {
        let is_running = |stat: &Stat| !matches!(stat.state, 'T' | 't' | 'Z' | 'X' | 'x');
        let until = Instant::now() + STOP_TIMEOUT;
        loop {
            let mut running = processes::of(self.state.monitor_pid, self.state.pid)?;
            running.retain(is_running);
            if running.is_empty() {
                return Ok(());
            }
            if Instant::now() > until {
                let name = &self.config.name;
                return Err(Kind::Engine.error(format!("pause container {name}: its processes do not stop")));
            }
            for stat in running {
                let process = (stat.pid, stat.start_ticks);
                if !stopped.contains(&process) {
                    send(process.0, process.1, libc::SIGSTOP)?;
                    stopped.push(process);
                }
            }
            std::thread::sleep(STOP_PAUSE);
        }
    }
}

/// Sends a signal to the process that had this number at that start. One that is gone needs none.
fn send(pid: i32, start_ticks: u64, signal: i32) -> Result<()> {
    // The descriptor first: what is verified after can then not be exchanged for another process.
    let Ok(pidfd) = process::open_pidfd(pid) else { return Ok(()) };
    if processes::stat(pid).is_none_or(|stat| stat.start_ticks != start_ticks) {
        return Ok(());
    }
    match signal::send(pidfd.as_fd(), signal) {
        Err(error) if error.raw_os_error() != Some(libc::ESRCH) => {
            Err(error).with_context(|| format!("send signal {signal} to process {pid}"))
        }
        _ => Ok(()),
    }
}

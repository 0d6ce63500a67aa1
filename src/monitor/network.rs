//! What connects a run of the container, and how that goes on when a process of it has died.

use super::pauses::Pauses;
use super::{Monitor, launch};
use crate::container::config::{Config, Namespace};
use crate::engine::Engine;
use crate::network::{Bridged, Leased, Network, pasta};
use crate::runtime::{Entrance, Starting};
use crate::sys::namespace::Namespaces;
use crate::sys::process;
use anyhow::{Context, Result};
use std::os::fd::{AsFd, BorrowedFd};
use std::path::Path;
use std::time::{Duration, Instant};

/// What connects a container while it is set up.
pub enum Connecting {
    Pasta(pasta::Starting),
    Bridge(Box<Bridged>),
}

impl Connecting {
    pub fn finish(self, engine: &Engine) -> Result<Connected> {
        Ok(match self {
            Self::Pasta(starting) => Connected::Pasta(Line::new(starting.finish(&launch::name_of(engine))?)),
            Self::Bridge(bridged) => Connected::Bridge(bridged),
        })
    }
}

/// Starts what connects the container; it gets ready while the container is set up.
pub fn connect(
    engine: &Engine,
    config: &Config,
    starting: &Starting,
    run_dir: &Path,
    leased: Option<Leased>,
) -> Result<Option<Connecting>> {
    // A namespace of another's is connected by that, or it is not.
    if matches!(config.network, Network::None | Network::Host) || config.users.network != Namespace::Own {
        return Ok(None);
    }
    let entrance = starting.entrance.as_ref().context("a new container has an entrance")?;
    if let Some(leased) = leased {
        let net = entrance.get(Namespaces::CLONE_NEWNET).context("the container has a network namespace")?;
        return Ok(Some(Connecting::Bridge(Box::new(leased.connect(
            net.as_fd(),
            &config.ports,
            &launch::name_of(engine),
        )?))));
    }
    Ok(Some(Connecting::Pasta(start_pasta(config, entrance, run_dir)?)))
}

/// Starts the pasta of a container.
fn start_pasta(config: &Config, entrance: &Entrance, run_dir: &Path) -> Result<pasta::Starting> {
    let net = entrance.get(Namespaces::CLONE_NEWNET).context("the container has a network namespace")?;
    let wishes = pasta::Wishes {
        ports: &config.ports,
        options: &config.pasta_options,
        leads_to_host: config.names.leads_to_host(),
    };
    pasta::start(run_dir, entrance.get(Namespaces::CLONE_NEWUSER), net, wishes)
}

/// A run's connection, which ends when this is dropped.
pub enum Connected {
    Pasta(Line),
    Bridge(Box<Bridged>),
}

/// The connection by pasta: one that dies has a successor, soon, or later where they die at once.
pub struct Line {
    now: Pasta,
    pauses: Pauses,
}

enum Pasta {
    Up(pasta::Connected),
    Starting(pasta::Starting),
    /// When the next one is started.
    Ended(Instant),
}

impl Connected {
    /// The pids of the processes of its own that connect it.
    pub fn pids(&self) -> Vec<i32> {
        match self {
            Self::Pasta(line) => line.pid().into_iter().collect(),
            Self::Bridge(bridged) => bridged.pids(),
        }
    }

    /// One is readable when [`Monitor::mend_network`] is to be called.
    pub fn watched(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        let (line, bridged) = match self {
            Self::Pasta(line) => (line.watched(), None),
            Self::Bridge(bridged) => (None, Some(bridged.watched())),
        };
        line.into_iter().chain(bridged.into_iter().flatten())
    }

    /// When it is to be called if nothing is readable.
    pub fn mended_at(&self) -> Option<Instant> {
        match self {
            Self::Pasta(line) => line.mended_at(),
            Self::Bridge(bridged) => bridged.resumes_at(),
        }
    }
}

impl Line {
    pub fn new(connected: pasta::Connected) -> Self {
        Self { now: Pasta::Up(connected), pauses: Pauses::default() }
    }

    fn pid(&self) -> Option<i32> {
        match &self.now {
            Pasta::Up(connected) => Some(connected.pid()),
            Pasta::Starting(starting) => Some(starting.pid()),
            Pasta::Ended(_) => None,
        }
    }

    fn watched(&self) -> Option<BorrowedFd<'_>> {
        match &self.now {
            Pasta::Up(connected) => Some(connected.pidfd()),
            Pasta::Starting(starting) => Some(starting.ready()),
            Pasta::Ended(_) => None,
        }
    }

    fn mended_at(&self) -> Option<Instant> {
        match &self.now {
            Pasta::Up(_) => None,
            Pasta::Starting(starting) => Some(starting.until()),
            Pasta::Ended(at) => Some(*at),
        }
    }

    /// Does what there is to do now: `start` another one, or `finish` that when it has said how it is. What has come of it
    /// is given back.
    fn mend(
        &mut self,
        start: impl FnOnce() -> Result<pasta::Starting>,
        finish: impl FnOnce(pasta::Starting) -> Result<pasta::Connected>,
    ) -> Option<Result<()>> {
        let now = Instant::now();
        let is_due = match &self.now {
            Pasta::Up(connected) => !matches!(process::try_wait(connected.pidfd()), Ok(None)),
            Pasta::Starting(starting) => {
                now >= starting.until() || starting.speaks_in(Duration::ZERO).unwrap_or(true)
            }
            Pasta::Ended(at) => now >= *at,
        };
        if !is_due {
            return None;
        }
        let next = match std::mem::replace(&mut self.now, Pasta::Ended(now)) {
            Pasta::Up(_) => {
                self.now = Pasta::Ended(now + self.pauses.next_delay());
                return None;
            }
            Pasta::Starting(starting) => finish(starting).map(Pasta::Up),
            Pasta::Ended(_) => start().map(Pasta::Starting),
        };
        // One that does not get ready has run for no time.
        self.pauses.begin();
        match next {
            Ok(next) => {
                self.now = next;
                matches!(self.now, Pasta::Up(_)).then_some(Ok(()))
            }
            Err(error) => {
                self.now = Pasta::Ended(Instant::now() + self.pauses.next_delay());
                Some(Err(error))
            }
        }
    }
}

impl Monitor {
    pub(super) fn bridged(&self) -> Option<&Bridged> {
        match self.network()? {
            Connected::Bridge(bridged) => Some(bridged),
            Connected::Pasta(_) => None,
        }
    }

    pub(super) fn network(&self) -> Option<&Connected> {
        self.instance.as_ref()?.network.as_ref()
    }

    pub(super) fn mend_network(&mut self) {
        let Some(instance) = &mut self.instance else { return };
        match &mut instance.network {
            Some(Connected::Pasta(line)) => {
                let start = || start_pasta(&self.config, &instance.entrance, &self.run_dir);
                let finish = |starting: pasta::Starting| starting.finish(&launch::name_of(&self.engine));
                if let Some(mended) = line.mend(start, finish) {
                    self.tell_of_network(mended.err().as_ref());
                }
            }
            Some(Connected::Bridge(bridged)) => {
                bridged.mend();
                let refused = bridged.refused();
                self.tell_of_refused(&refused);
            }
            None => {}
        }
    }
}

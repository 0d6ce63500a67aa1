//! `wait`: wait until containers have ended, or are in another state, and print their exit codes.

use super::time::read_duration;
use super::{Context, Targets, Verb, each, report, say};
use crate::container::control::{Connection, Reply, Request};
use crate::container::state::{self, Container, Status};
use crate::container::stop;
use crate::error::{self, Kind};
use anyhow::{Context as _, Result};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use rustix::fs::inotify;
use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

/// Wait until one or more containers have ended, and print their exit codes
#[derive(clap::Args)]
pub struct Wait {
    /// Wait until a container is in this state instead: configured, created, exited, healthy, initialized, paused,
    /// removing, running, stopped, stopping or unhealthy; the first of several counts
    #[arg(long, value_name = "STATE", value_delimiter = ',')]
    condition: Vec<String>,
    /// Return when the first of the containers is in the state
    #[arg(long, alias = "return-on-first")]
    exit_first_match: bool,
    /// A container that does not exist is no error
    #[arg(long)]
    ignore: bool,
    /// Look this often for what is not announced: milliseconds, or a duration
    #[arg(short, long, value_name = "TIME", default_value = "250ms")]
    interval: String,
    #[command(flatten)]
    targets: Targets,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Condition {
    Created,
    Running,
    Paused,
    /// Ended, however that is called.
    Ended,
    Removed,
    Health(&'static str),
}

impl Condition {
    fn parse(text: &str) -> Result<Self> {
        Ok(match text {
            "configured" | "created" | "initialized" => Self::Created,
            "running" => Self::Running,
            "paused" => Self::Paused,
            "exited" | "stopped" | "stopping" | "not-running" => Self::Ended,
            "removing" | "removed" => Self::Removed,
            "healthy" => Self::Health("healthy"),
            "unhealthy" => Self::Health("unhealthy"),
            _ => return Err(Kind::BadInput.hinted(format!("there is no state {text:?}"), "see coracle wait --help")),
        })
    }
}

impl Verb for Wait {
    fn run(mut self, context: &Context) -> Result<u8> {
        let conditions = self.condition.iter().map(|text| Condition::parse(text)).collect::<Result<Vec<_>>>()?;
        let interval = parse_interval(&self.interval)?;
        if self.ignore {
            let asked = std::mem::take(&mut self.targets.names);
            for name in asked {
                match state::find(&context.engine, &name) {
                    Err(error) if error::kind(&error) == Kind::NotFound => say("-1"),
                    _ => self.targets.names.push(name),
                }
            }
            if self.targets.names.is_empty() && !self.targets.latest && !self.targets.all {
                return Ok(0);
            }
        }
        let containers = self.targets.resolve(context)?;
        let waits_for_end = conditions.iter().all(|condition| *condition == Condition::Ended);
        if waits_for_end && !self.exit_first_match {
            return each(&containers, |container| {
                say(&stop::wait(&context.engine, container)?.to_string());
                Ok(())
            });
        }
        let conditions = if conditions.is_empty() { vec![Condition::Ended] } else { conditions };
        let mut watch = Watch::new(context, conditions, interval)?;
        if self.exit_first_match {
            say(&watch.first(containers)?.to_string());
            return Ok(0);
        }
        for container in containers {
            say(&watch.first(vec![container])?.to_string());
        }
        Ok(0)
    }
}

fn parse_interval(text: &str) -> Result<Duration> {
    let millis = text.parse::<u64>().ok().map(Duration::from_millis);
    let duration = || read_duration(text).and_then(|nanos| u64::try_from(nanos).ok()).map(Duration::from_nanos);
    let bad = || Kind::BadInput.hinted(format!("{text:?} is no interval"), "use a number of milliseconds, or 1.5s");
    millis.or_else(duration).ok_or_else(bad)
}

/// Looks for the states of containers, whenever something has happened to one.
struct Watch<'a> {
    context: &'a Context,
    conditions: Vec<Condition>,
    interval: Duration,
    events: OwnedFd,
}

/// One container that is waited for, with the connection that tells of its end.
struct Waited {
    container: Container,
    end: Option<Connection>,
}

impl<'a> Watch<'a> {
    fn new(context: &'a Context, conditions: Vec<Condition>, interval: Duration) -> Result<Self> {
        context.engine.prepare()?;
        let flags = inotify::CreateFlags::CLOEXEC | inotify::CreateFlags::NONBLOCK;
        let events = inotify::init(flags).context("inotify_init")?;
        let wanted = inotify::WatchFlags::MODIFY | inotify::WatchFlags::CREATE;
        inotify::add_watch(&events, &context.engine.run, wanted).context("watch the events")?;
        Ok(Self { context, conditions, interval, events })
    }

    /// Waits until the first is in one of the states. Gives its exit code, or -1 if it has not ended.
    fn first(&mut self, containers: Vec<Container>) -> Result<i32> {
        let mut waited: Vec<Waited> =
            containers.into_iter().map(|container| Waited { container, end: None }).collect();
        loop {
            for one in &mut waited {
                if let Some(code) = self.look(one)? {
                    return Ok(code);
                }
            }
            let mut polled = vec![PollFd::new(self.events.as_fd(), PollFlags::POLLIN)];
            let ends = waited.iter().filter_map(|one| one.end.as_ref());
            polled.extend(ends.map(|end| PollFd::new(end.as_fd(), PollFlags::POLLIN)));
            let timeout = PollTimeout::try_from(self.interval.max(Duration::from_millis(1)));
            match poll(&mut polled, timeout.unwrap_or(PollTimeout::MAX)) {
                Ok(_) | Err(nix::errno::Errno::EINTR) => {}
                Err(errno) => return Err(errno).context("poll"),
            }
            let mut space = [std::mem::MaybeUninit::uninit(); 4096];
            let mut pending = inotify::Reader::new(&self.events, &mut space);
            while pending.next().is_ok() {}
        }
    }

    fn wants(&self, condition: Condition) -> bool {
        self.conditions.contains(&condition)
    }

    /// How the run that goes on is, once a check of it has been made.
    fn health(&self, container: &Container) -> Result<Option<&'static str>> {
        let is_wanted = |condition: &Condition| matches!(condition, Condition::Health(_));
        if container.config.health.is_none() && self.conditions.iter().all(is_wanted) {
            let message = format!("container {} has no health check", container.config.name);
            return Err(Kind::BadInput.hinted(message, "give one with: coracle update --health-cmd"));
        }
        let (Some(report), Some(state)) = (&container.health, &container.state) else { return Ok(None) };
        // The results of earlier runs are kept, and count for nothing.
        let is_of_this_run = report.log.back().is_some_and(|outcome| outcome.start >= state.started);
        let is_known = container.status.is_alive() && !state.restarting && is_of_this_run;
        Ok(is_known.then(|| report.status.name()))
    }

    fn look(&self, one: &mut Waited) -> Result<Option<i32>> {
        if let Some(code) = one.announced()? {
            return Ok(Some(code));
        }
        let container = match state::read(&self.context.engine, &one.container.config.id) {
            Err(error) if error::kind(&error) == Kind::NotFound && self.wants(Condition::Removed) => {
                return Ok(Some(-1));
            }
            other => other?,
        };
        let condition = match container.status {
            Status::Created => Condition::Created,
            Status::Running => Condition::Running,
            Status::Paused => Condition::Paused,
            Status::Exited | Status::Lost => Condition::Ended,
            Status::Elsewhere => {
                return Err(
                    Kind::InUse.error(format!("container {} belongs to another machine", container.config.name))
                );
            }
        };
        if self.wants(condition) {
            return Ok(Some(if condition == Condition::Ended {
                stop::wait(&self.context.engine, &container)?
            } else {
                -1
            }));
        }
        if let Some(health) = self.health(&container)?
            && self.wants(Condition::Health(health))
        {
            return Ok(Some(-1));
        }
        // One that has never run has nothing to wait for, as for a plain wait.
        if condition == Condition::Created && self.wants(Condition::Ended) {
            return Ok(Some(0));
        }
        if container.status.is_alive() && self.wants(Condition::Ended) && one.end.is_none() {
            // Between the look and this it may have ended; then the next look sees that.
            one.end = Connection::open(&container).ok();
            if let Some(end) = &one.end {
                end.request(Request::Wait, &[])?;
            }
        }
        one.container = container;
        Ok(None)
    }
}

impl Waited {
    /// The exit code, if the monitor has told it.
    fn announced(&mut self) -> Result<Option<i32>> {
        let Some(end) = &self.end else { return Ok(None) };
        let mut polled = [PollFd::new(end.as_fd(), PollFlags::POLLIN)];
        if poll(&mut polled, PollTimeout::ZERO).is_ok_and(|count| count > 0) {
            match end.reply() {
                Ok(Some((Reply::Exited { code }, _))) => return Ok(Some(code)),
                Ok(Some(_)) => {}
                Ok(None) => self.end = None,
                Err(error) => {
                    report("wait", &error);
                    self.end = None;
                }
            }
        }
        Ok(None)
    }
}

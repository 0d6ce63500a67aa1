//! Health checks: a command in the container every now and then, one at a time, and what its results add up to.

use super::Monitor;
use crate::container::config::{self, Health, HealthDestination, Notify, OnFailure};
use crate::container::control::Reply;
use crate::container::events::{Event, Happening};
use crate::container::health::{self, COUNT_MAX, OUTPUT_BYTES_MAX, Outcome, Report, Status};
use crate::container::state;
use crate::error::{self, Kind, Wire};
use crate::fs::{self, Durability};
use crate::{sys, systemd};
use anyhow::Result;
use serde_json::json;
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

/// The exit code of a check that had to be ended, as podman has it.
const EXIT_TIMED_OUT: i32 = -1;

/// The health of the run that goes on now.
pub struct Checker {
    report: Report,
    began: Instant,
    next_at: Option<Instant>,
    current: Option<Check>,
    /// What the startup check has come to, until it has succeeded.
    startup: Option<Startup>,
}

#[derive(Default)]
struct Startup {
    successes: u32,
    failures: u32,
}

/// A check that is being made.
struct Check {
    /// None for one that could not be started.
    key: Option<u32>,
    start: u64,
    deadline: Instant,
    is_late: bool,
    output: Vec<u8>,
    askers: Vec<u32>,
}

impl Checker {
    /// The time between two checks is another from now on.
    pub fn begin_interval(&mut self, health: &Health) {
        self.next_at = self.interval(health).map(|_| Instant::now());
    }

    /// When there is something to do.
    pub fn timer(&self) -> Option<Instant> {
        match &self.current {
            Some(check) => Some(check.deadline).filter(|_| !check.is_late),
            None => self.next_at,
        }
    }
}

impl Monitor {
    /// A run has begun: its health is not known yet, and the first check is made at once.
    pub(super) fn begin_health(&mut self) {
        let health = &self.config.health;
        if health.is_none() {
            return;
        }
        let earlier = fs::read_json::<Report>(&self.paths.health()).ok().flatten();
        let report = Report { log: earlier.map(|report| report.log).unwrap_or_default(), ..Report::default() };
        let startup = health.startup.as_ref().map(|_| Startup::default());
        let mut checker = Checker { report, began: Instant::now(), next_at: None, current: None, startup };
        checker.next_at = checker.interval(health).map(|_| Instant::now());
        self.checker = Some(Box::new(checker));
        self.write_health();
    }

    /// A run has ended, or its check, and with it the one that was being made.
    pub(super) fn end_health(&mut self, reason: &'static str) {
        let askers = self.checker.take().and_then(|checker| checker.current).map(|check| check.askers);
        let failed = Reply::Failed(Wire::from(&Kind::InUse.error(reason)));
        for key in askers.into_iter().flatten() {
            self.reply(key, &failed);
        }
    }

    /// Makes a check for somebody who asks; one that is being made already will do.
    pub(super) fn check_health_for(&mut self, client: u32) -> Result<()> {
        self.instance()?;
        let Some(checker) = &mut self.checker else {
            return Err(Kind::BadInput.error(format!("container {} has no health check", self.config.name)));
        };
        if checker.current.is_none() {
            self.start_check();
        }
        if let Some(check) = self.checker.as_mut().and_then(|checker| checker.current.as_mut()) {
            check.askers.push(client);
        }
        self.finish_failed_check();
        Ok(())
    }

    pub(super) fn check_health_timers(&mut self) {
        let now = Instant::now();
        let Some(checker) = &mut self.checker else { return };
        match &mut checker.current {
            Some(check) if now >= check.deadline && !check.is_late => {
                check.is_late = true;
                let key = check.key;
                if let Some(process) = self.processes.iter().find(|process| Some(process.key) == key) {
                    // With all that it has started. It may have ended by itself meanwhile.
                    let _ = sys::signal::send_to_group(process.child.pidfd.as_fd(), libc::SIGKILL);
                }
            }
            Some(_) => {}
            None if checker.next_at.is_some_and(|at| now >= at) => {
                self.start_check();
                self.finish_failed_check();
            }
            None => {}
        }
    }

    fn start_check(&mut self) {
        let Some(checker) = &mut self.checker else { return };
        let (test, timeout) = checker.test(&self.config.health);
        let (start, deadline) = (state::now(), Instant::now() + timeout);
        let process = config::Process {
            entrypoint: None,
            command: health::command(test),
            terminal: false,
            interactive: false,
            ..self.config.process.clone()
        };
        let (key, output) = match self.spawn(&process, false, None, &[]) {
            Ok((key, _)) => (Some(key), Vec::new()),
            Err(error) => (None, error::line(&error).into_bytes()),
        };
        if let Some(checker) = &mut self.checker {
            checker.current = Some(Check { key, start, deadline, is_late: false, output, askers: Vec::new() });
        }
    }

    /// One that could not even be started has failed.
    fn finish_failed_check(&mut self) {
        if self.checker.as_ref().and_then(|checker| checker.current.as_ref()).is_some_and(|check| check.key.is_none())
        {
            self.finish_check(None, 126);
        }
    }

    /// Keeps what a check says.
    pub(super) fn hear_check(&mut self, key: u32, bytes: &[u8]) {
        let current = self.checker.as_mut().and_then(|checker| checker.current.as_mut());
        if let Some(check) = current.filter(|check| check.key == Some(key)) {
            let room = OUTPUT_BYTES_MAX.saturating_sub(check.output.len());
            check.output.extend_from_slice(&bytes[..bytes.len().min(room)]);
        }
    }

    /// A process has ended that may have been a check.
    pub(super) fn finish_check(&mut self, key: Option<u32>, code: i32) {
        let Some(checker) = &mut self.checker else { return };
        let Some(mut check) = checker.current.take_if(|check| check.key == key) else { return };
        let health = &self.config.health;
        let code = if check.is_late { EXIT_TIMED_OUT } else { code };
        if check.is_late {
            let timeout = checker.test(health).1;
            check.output.extend(format!("the check was ended after {timeout:?}").bytes());
        }
        let outcome = Outcome { start: check.start, end: state::now(), exit_code: code, output: check.text(health) };
        let before = checker.report.status;
        checker.report.add(outcome, count_max(health));
        let verdict = if checker.startup.is_some() {
            checker.judge_startup(health, code == 0)
        } else {
            checker.judge(health, code == 0)
        };
        checker.next_at = checker.interval(health).map(|interval| Instant::now() + interval);
        if verdict == Verdict::StartupDone {
            checker.next_at = checker.next_at.map(|_| Instant::now());
        }
        let status = checker.report.status;
        let reply = Reply::Checked { passed: code == 0, counted: checker.report.failing_streak > 0 };
        self.write_health();
        self.tell_of_health(before, status);
        for key in check.askers {
            self.reply(key, &reply);
        }
        self.act_on(verdict);
    }

    fn tell_of_health(&mut self, before: Status, status: Status) {
        if before == status && self.config.health.log.destination != HealthDestination::Events {
            return;
        }
        let event = Event { health: status.name().to_owned(), ..Event::of(&self.config, Happening::HealthStatus) };
        self.journal.tell(&[event]);
        if status == Status::Healthy && before != status && self.config.notify == Notify::Healthy {
            // Where systemd does not listen any more, nobody waits for it.
            let _ = systemd::notify("READY=1");
        }
    }

    fn act_on(&mut self, verdict: Verdict) {
        let action = match verdict {
            Verdict::Fine | Verdict::StartupDone => return,
            Verdict::Unhealthy => self.config.health.on_failure,
            Verdict::StartupFailed => OnFailure::Restart,
        };
        let stop = self.config.stop;
        let signal = stop.signal.unwrap_or(libc::SIGTERM);
        let acted = match action {
            OnFailure::None => Ok(()),
            OnFailure::Kill => self.stop(libc::SIGKILL, 0),
            OnFailure::Stop => {
                self.restarting.forbid();
                self.stop(signal, stop.timeout_secs)
            }
            OnFailure::Restart => {
                self.restarting.want();
                self.stop(signal, stop.timeout_secs)
            }
        };
        // It has just ended, which is what was wanted.
        let _ = acted;
    }

    /// Writes down how the container is. A full disk must not stop it.
    fn write_health(&self) {
        let Some(checker) = &self.checker else { return };
        let _ = fs::write_json(&self.paths.health(), &checker.report, Durability::Cached);
        if let HealthDestination::Directory(dir) = &self.config.health.log.destination {
            let path = dir.join(format!("{}-healthcheck.log", self.config.id));
            let _ = fs::write_json(&path, &as_podman_writes(&checker.report), Durability::Cached);
        }
    }
}

/// What is to be done after a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Fine,
    StartupDone,
    StartupFailed,
    Unhealthy,
}

impl Checker {
    /// The command of the next check, and how long it may take.
    fn test<'a>(&self, health: &'a Health) -> (&'a [String], Duration) {
        match health.startup.as_ref().filter(|_| self.startup.is_some()) {
            Some(startup) => (&startup.test, Duration::from_nanos(startup.timeout_nanos)),
            None => {
                let test = health.test.as_deref().unwrap_or_default();
                (test, Duration::from_nanos(health.timeout_nanos.unwrap_or(0)))
            }
        }
    }

    /// None if checks are only made by hand.
    fn interval(&self, health: &Health) -> Option<Duration> {
        let nanos = match health.startup.as_ref().filter(|_| self.startup.is_some()) {
            Some(startup) => startup.interval_nanos,
            None => health.interval_nanos.unwrap_or(0),
        };
        (nanos > 0).then(|| Duration::from_nanos(nanos))
    }

    fn judge(&mut self, health: &Health, passed: bool) -> Verdict {
        let report = &mut self.report;
        if passed {
            report.failing_streak = 0;
            report.status = Status::Healthy;
            return Verdict::Fine;
        }
        let period = Duration::from_nanos(health.start_period_nanos.unwrap_or(0));
        if report.status == Status::Starting && self.began.elapsed() < period {
            return Verdict::Fine;
        }
        report.failing_streak = report.failing_streak.saturating_add(1);
        if report.failing_streak < health.retries.unwrap_or(1) {
            return Verdict::Fine;
        }
        report.status = Status::Unhealthy;
        Verdict::Unhealthy
    }

    fn judge_startup(&mut self, health: &Health, passed: bool) -> Verdict {
        let (Some(wanted), Some(startup)) = (&health.startup, &mut self.startup) else { return Verdict::Fine };
        if passed {
            startup.successes += 1;
            if startup.successes < wanted.successes {
                return Verdict::Fine;
            }
            self.startup = None;
            return Verdict::StartupDone;
        }
        startup.successes = 0;
        startup.failures = startup.failures.saturating_add(1);
        if wanted.retries > 0 && startup.failures >= wanted.retries {
            return Verdict::StartupFailed;
        }
        Verdict::Fine
    }
}

impl Check {
    /// What it has said, as much as is to be kept.
    fn text(&self, health: &Health) -> String {
        let kept = match usize::try_from(health.log.size_max) {
            Ok(size) if size > 0 => self.output.len().min(size),
            _ => self.output.len(),
        };
        String::from_utf8_lossy(&self.output[..kept]).into_owned()
    }
}

fn count_max(health: &Health) -> usize {
    match usize::try_from(health.log.count_max) {
        Ok(count) if count > 0 => count.min(COUNT_MAX),
        _ => COUNT_MAX,
    }
}

fn as_podman_writes(report: &Report) -> serde_json::Value {
    let log = report.log.iter().map(|outcome| {
        json!({
            "Start": crate::container::log::rfc3339_nanoseconds(outcome.start),
            "End": crate::container::log::rfc3339_nanoseconds(outcome.end),
            "ExitCode": outcome.exit_code,
            "Output": outcome.output,
        })
    });
    json!({
        "Status": report.status.name(),
        "FailingStreak": report.failing_streak,
        "Log": log.collect::<Vec<_>>(),
    })
}

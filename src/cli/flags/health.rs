//! The flags of health checks.

use super::super::time::parse_duration;
use crate::container::config::{Config, Health, HealthDestination, HealthLog, OnFailure, StartupCheck};
use crate::container::health;
use crate::error::Kind;
use anyhow::{Context, Result};
use std::path::Path;

#[derive(clap::Args, Clone, Debug, Default, PartialEq, Eq)]
#[command(next_help_heading = "Health checks")]
pub struct HealthFlags {
    /// Check the container's health with this command: a line for its shell, a JSON array, or none
    #[arg(long, value_name = "COMMAND", alias = "healthcheck-command")]
    health_cmd: Option<String>,
    /// Wait this long between two checks, such as 30s; disable runs them only by hand [default: 30s]
    #[arg(long, value_name = "TIME", alias = "healthcheck-interval")]
    health_interval: Option<String>,
    /// Call the container unhealthy after this many failures in a row [default: 3]
    #[arg(long, value_name = "COUNT", alias = "healthcheck-retries")]
    health_retries: Option<u32>,
    /// Let failures not count for this long after the start [default: 0s]
    #[arg(long, value_name = "TIME", alias = "healthcheck-start-period")]
    health_start_period: Option<String>,
    /// Take a check that lasts longer for a failure [default: 30s]
    #[arg(long, value_name = "TIME", alias = "healthcheck-timeout")]
    health_timeout: Option<String>,
    /// Do this with a container that has become unhealthy: none, kill, restart, stop [default: none]
    #[arg(long, value_name = "ACTION")]
    health_on_failure: Option<String>,
    /// Hold the health check back until this command has succeeded
    #[arg(long, value_name = "COMMAND")]
    health_startup_cmd: Option<String>,
    /// Wait this long between two startup checks [default: 30s]
    #[arg(long, value_name = "TIME")]
    health_startup_interval: Option<String>,
    /// Restart the container after this many failed startup checks; 0 goes on [default: 0]
    #[arg(long, value_name = "COUNT")]
    health_startup_retries: Option<u32>,
    /// Ask for this many successful startup checks in a row; 0 is one [default: 0]
    #[arg(long, value_name = "COUNT")]
    health_startup_success: Option<u32>,
    /// Take a startup check that lasts longer for a failure [default: 30s]
    #[arg(long, value_name = "TIME")]
    health_startup_timeout: Option<String>,
    /// Keep the results here: local, a directory, or events_logger [default: local]
    #[arg(long, value_name = "PLACE")]
    health_log_destination: Option<String>,
    /// Keep this many results; 0 keeps as many as there is room for [default: 5]
    #[arg(long, value_name = "COUNT")]
    health_max_log_count: Option<u32>,
    /// Keep this much of a check's output, in bytes; 0 keeps as much as there is room for [default: 500]
    #[arg(long, value_name = "BYTES")]
    health_max_log_size: Option<u32>,
    /// Make no health checks, whatever the image says
    #[arg(long, conflicts_with = "health_cmd")]
    no_healthcheck: bool,
}

/// No check may have less time: podman refuses it too.
const TIMEOUT_NANOS_MIN: u64 = 1_000_000;

impl HealthFlags {
    pub fn apply(&self, config: &mut Config) -> Result<()> {
        config.health = self.over(Health::default())?;
        Ok(())
    }

    /// The same over what a container has already: what was not asked for stays.
    pub fn apply_over(&self, config: &mut Config) -> Result<()> {
        if *self == Self::default() {
            return Ok(());
        }
        let health = self.over(config.health.clone())?;
        let is_asked = self.no_healthcheck || self.health_cmd.as_ref().is_some_and(|command| !command.is_empty());
        config.health = match health.is_none() {
            true if is_asked => Health::default(),
            true => {
                let message = format!("container {} has no health check", config.name);
                return Err(Kind::BadInput.hinted(message, "give one with --health-cmd"));
            }
            false => health::resolve(health, None)?,
        };
        Ok(())
    }

    fn over(&self, base: Health) -> Result<Health> {
        let time = |name: &str, text: &Option<String>| text.as_deref().map(|text| duration(name, text)).transpose();
        let interval_nanos = match self.health_interval.as_deref() {
            Some("disable" | "0") => Some(0),
            _ => time("--health-interval", &self.health_interval)?,
        };
        let timeout_nanos = time("--health-timeout", &self.health_timeout)?;
        if timeout_nanos.is_some_and(|nanos| nanos < TIMEOUT_NANOS_MIN) {
            return Err(Kind::BadInput.error("--health-timeout is shorter than 1ms"));
        }
        if self.health_retries == Some(0) && self.health_cmd.is_some() {
            return Err(Kind::BadInput.error("--health-retries must be greater than 0"));
        }
        let test = match &self.health_cmd {
            _ if self.no_healthcheck => Some(Vec::new()),
            // As podman has it, an empty command is as if none was given.
            Some(text) if text.is_empty() => base.test,
            Some(text) => Some(parse_test(text)?),
            None => base.test,
        };
        Ok(Health {
            test,
            interval_nanos: interval_nanos.or(base.interval_nanos),
            timeout_nanos: timeout_nanos.or(base.timeout_nanos),
            start_period_nanos: time("--health-start-period", &self.health_start_period)?.or(base.start_period_nanos),
            retries: self.health_retries.filter(|retries| *retries > 0).or(base.retries),
            startup: self.startup(base.startup)?,
            on_failure: match &self.health_on_failure {
                Some(action) => parse_action(action)?,
                None => base.on_failure,
            },
            log: HealthLog {
                destination: match &self.health_log_destination {
                    Some(place) => parse_destination(place)?,
                    None => base.log.destination,
                },
                count_max: self.health_max_log_count.unwrap_or(base.log.count_max),
                size_max: self.health_max_log_size.unwrap_or(base.log.size_max),
            },
        })
    }

    fn startup(&self, base: Option<StartupCheck>) -> Result<Option<StartupCheck>> {
        let command = self.health_startup_cmd.as_deref().filter(|command| !command.is_empty());
        let mut startup = match (command, base) {
            (None, None) => return Ok(None),
            (None, Some(base)) => base,
            (Some(command), base) => StartupCheck { test: parse_test(command)?, ..base.unwrap_or(STARTUP) },
        };
        match self.health_startup_interval.as_deref() {
            Some("disable" | "0") => startup.interval_nanos = 0,
            Some(text) => startup.interval_nanos = duration("--health-startup-interval", text)?,
            None => {}
        }
        if let Some(text) = &self.health_startup_timeout {
            startup.timeout_nanos = duration("--health-startup-timeout", text)?;
        }
        startup.retries = self.health_startup_retries.unwrap_or(startup.retries);
        startup.successes = self.health_startup_success.unwrap_or(startup.successes).max(1);
        Ok(Some(startup))
    }
}

/// A startup check of which nothing was said but its command.
const STARTUP: StartupCheck = StartupCheck {
    test: Vec::new(),
    interval_nanos: 30_000_000_000,
    timeout_nanos: 30_000_000_000,
    retries: 0,
    successes: 1,
};

fn duration(name: &str, text: &str) -> Result<u64> {
    parse_duration(text).with_context(|| name.to_owned())
}

/// The words of docker's `Test`: `CMD` and arguments, or `CMD-SHELL` and one line; none of them is no check.
fn parse_test(text: &str) -> Result<Vec<String>> {
    let words = match serde_json::from_str::<Vec<String>>(text) {
        Ok(words) => words,
        Err(_) if text == "none" => return Ok(Vec::new()),
        Err(_) => match text.split_once(' ') {
            Some(("CMD-SHELL", line)) => vec!["CMD-SHELL".to_owned(), line.to_owned()],
            Some(("CMD", line)) => std::iter::once("CMD").chain(line.split_whitespace()).map(str::to_owned).collect(),
            _ => vec!["CMD-SHELL".to_owned(), text.to_owned()],
        },
    };
    match words.first().map(String::as_str) {
        None | Some("NONE" | "none") => Ok(Vec::new()),
        Some("CMD" | "CMD-SHELL") if words.len() < 2 => {
            Err(Kind::BadInput.error(format!("health check {text:?} has no command")))
        }
        Some("CMD" | "CMD-SHELL") => Ok(words),
        Some(_) => Ok([vec!["CMD".to_owned()], words].concat()),
    }
}

fn parse_action(text: &str) -> Result<OnFailure> {
    [OnFailure::None, OnFailure::Kill, OnFailure::Restart, OnFailure::Stop]
        .into_iter()
        .find(|action| action.name() == text)
        .ok_or_else(|| {
            Kind::BadInput.hinted(
                format!("--health-on-failure {text:?}: there is no such action"),
                "use none, kill, restart or stop",
            )
        })
}

fn parse_destination(text: &str) -> Result<HealthDestination> {
    match text {
        "local" | "" => Ok(HealthDestination::Local),
        "events_logger" => Ok(HealthDestination::Events),
        path => {
            let dir = std::path::absolute(Path::new(path)).context("--health-log-destination")?;
            if !dir.is_dir() {
                return Err(Kind::NotFound
                    .error(format!("--health-log-destination {}: there is no such directory", dir.display())));
            }
            Ok(HealthDestination::Directory(dir))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::parse_test;

    #[test]
    fn checks_parse_as_podman_has_them() {
        for (text, words) in [
            (r#"["CMD","true","a"]"#, &["CMD", "true", "a"][..]),
            (r#"["true","a"]"#, &["CMD", "true", "a"]),
            (r#"["CMD-SHELL","true x"]"#, &["CMD-SHELL", "true x"]),
            ("CMD true x", &["CMD", "true", "x"]),
            ("CMD-SHELL true x", &["CMD-SHELL", "true x"]),
            ("true x", &["CMD-SHELL", "true x"]),
            ("none", &[]),
            (r#"["NONE"]"#, &[]),
            ("[]", &[]),
        ] {
            assert_eq!(parse_test(text).unwrap(), words, "{text}");
        }
        assert!(parse_test(r#"["CMD"]"#).is_err());
    }
}

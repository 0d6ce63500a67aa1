//! What a container's monitor does for it, under podman's names.

use crate::container::config::{Config, Health, HealthDestination, Logging, Restart};
use crate::container::health::Report;
use crate::container::log::{self, Format, rfc3339_nanoseconds};
use crate::container::state::{Container, Paths};
use crate::engine::Engine;
use crate::inspect::view::{View, view};

/// `State.Health`: null without a check.
pub fn health(container: &Container) -> View {
    container.health.as_ref().map_or(View::Null, report)
}

fn report(report: &Report) -> View {
    let log = report.log.iter().map(|outcome| {
        view!({
            "Start": rfc3339_nanoseconds(outcome.start),
            "End": rfc3339_nanoseconds(outcome.end),
            "ExitCode": outcome.exit_code,
            "Output": &outcome.output,
        })
    });
    view!({
        "Status": report.status.name(),
        "FailingStreak": report.failing_streak,
        "Log": log.collect::<Vec<_>>(),
    })
}

/// The fields of `Config` that are about health checks.
pub fn checks(config: &Config) -> View {
    let health = &config.health;
    let destination = match &health.log.destination {
        HealthDestination::Local => "local".to_owned(),
        HealthDestination::Directory(dir) => dir.display().to_string(),
        HealthDestination::Events => "events_logger".to_owned(),
    };
    view!({
        "Healthcheck": regular(health),
        "StartupHealthCheck": startup(health),
        "HealthcheckOnFailureAction": health.on_failure.name(),
        "HealthLogDestination": destination,
        "HealthcheckMaxLogCount": health.log.count_max,
        "HealthcheckMaxLogSize": health.log.size_max,
    })
}

fn regular(health: &Health) -> View {
    if health.is_none() {
        return View::Null;
    }
    view!({
        "Test": health.test.as_ref(),
        "StartPeriod": health.start_period_nanos,
        "Interval": health.interval_nanos,
        "Timeout": health.timeout_nanos,
        "Retries": health.retries,
    })
}

fn startup(health: &Health) -> View {
    let Some(check) = &health.startup else { return View::Null };
    view!({
        "Test": &check.test,
        "Interval": check.interval_nanos,
        "Timeout": check.timeout_nanos,
        "Retries": check.retries,
        "Successes": check.successes,
    })
}

/// `HostConfig.RestartPolicy`.
pub fn restart_policy(config: &Config) -> View {
    let retries = match config.restart {
        Restart::OnFailure(max) => max.unwrap_or(0),
        Restart::No | Restart::Always | Restart::UnlessStopped => 0,
    };
    view!({ "Name": config.restart.name(), "MaximumRetryCount": retries })
}

/// `HostConfig.LogConfig`.
pub fn log_config(engine: &Engine, config: &Config) -> View {
    let Logging { driver, path: _, size_bytes_max, files_max: _, compress: _, tag, labels: _ } = &config.logging;
    let path = Format::of(*driver).map(|_| log::path(config, &Paths::of(engine, &config.id)).display().to_string());
    view!({
        "Type": driver.name(),
        "Config": {},
        "Path": path.unwrap_or_default(),
        "Tag": tag.as_deref().unwrap_or_default(),
        "Size": size_bytes_max.map_or_else(|| "-1B".to_owned(), |bytes| format!("{bytes}B")),
    })
}

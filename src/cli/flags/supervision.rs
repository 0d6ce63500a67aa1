//! The flags of what the monitor does for a container while it lives.

use super::health::HealthFlags;
use super::logging::LogFlags;
use crate::container::config::{Config, Notify, Restart, Stop};
use crate::error::Kind;
use crate::settings::Settings;
use anyhow::Result;

#[derive(clap::Args, Clone, Debug)]
#[command(next_help_heading = "Supervision")]
pub struct SupervisionFlags {
    /// Ask the container to end with this signal [default: the image's, else TERM]
    #[arg(long, value_name = "SIGNAL")]
    stop_signal: Option<String>,
    /// Kill the container this many seconds after it was asked to end [default: 10]
    #[arg(long, value_name = "SECONDS")]
    stop_timeout: Option<u64>,
    /// Start the container again when it has ended: no, on-failure[:RETRIES], always, unless-stopped
    #[arg(long, value_name = "POLICY", default_value = "no")]
    restart: String,
    /// Kill the container when it has run for this many seconds; 0 lets it run
    #[arg(long, value_name = "SECONDS")]
    timeout: Option<u64>,
    /// Choose who tells systemd that the service is ready: conmon (the engine), container, healthy, ignore
    #[arg(long, value_name = "WHO", default_value = "conmon")]
    sdnotify: String,
    #[command(flatten)]
    health: HealthFlags,
    #[command(flatten)]
    log: LogFlags,
}

impl SupervisionFlags {
    pub fn fill(&mut self, settings: &Settings) {
        self.stop_timeout = self.stop_timeout.or(settings.engine.stop_timeout);
        self.log.fill(&settings.containers);
    }

    pub fn apply(&self, config: &mut Config) -> Result<()> {
        config.stop = Stop {
            signal: self.stop_signal.as_deref().map(super::super::parse_signal).transpose()?,
            timeout_secs: self.stop_timeout.unwrap_or(Stop::default().timeout_secs),
        };
        config.restart = parse_restart(&self.restart)?;
        if config.auto_remove && !config.restart.is_no() {
            return Err(Kind::BadInput.error(format!(
                "--rm and --restart {} contradict each other: a container that is removed cannot start again",
                config.restart.name()
            )));
        }
        config.timeout_secs = self.timeout.filter(|seconds| *seconds > 0);
        config.notify = parse_notify(&self.sdnotify)?;
        self.health.apply(config)?;
        self.log.apply(config)
    }
}

/// `no`, `on-failure[:RETRIES]`, `always` or `unless-stopped`; empty is none.
pub fn parse_restart(text: &str) -> Result<Restart> {
    let (name, retries) = match text.split_once(':') {
        Some((name, retries)) => (name, Some(retries)),
        None => (text, None),
    };
    let policy = match name {
        "" | "no" | "never" => Restart::No,
        "on-failure" => Restart::OnFailure(None),
        "always" => Restart::Always,
        "unless-stopped" => Restart::UnlessStopped,
        _ => {
            let message = format!("--restart {text:?}: there is no such policy");
            return Err(Kind::BadInput.hinted(message, "use no, on-failure[:RETRIES], always or unless-stopped"));
        }
    };
    match (policy, retries) {
        (policy, None) => Ok(policy),
        (Restart::OnFailure(_), Some(retries)) => match retries.parse::<u32>() {
            Ok(0) => Ok(Restart::OnFailure(None)),
            Ok(retries) => Ok(Restart::OnFailure(Some(retries))),
            Err(_) => Err(Kind::BadInput.error(format!("--restart {text:?}: the retries are not a number"))),
        },
        (Restart::No | Restart::Always | Restart::UnlessStopped, Some(_)) => {
            Err(Kind::BadInput.error(format!("--restart {text:?}: only on-failure takes retries")))
        }
    }
}

fn parse_notify(text: &str) -> Result<Notify> {
    [Notify::Conmon, Notify::Container, Notify::Healthy, Notify::Ignore]
        .into_iter()
        .find(|notify| notify.name() == text)
        .ok_or_else(|| {
            Kind::BadInput
                .hinted(format!("--sdnotify {text:?} is not known"), "use conmon, container, healthy or ignore")
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn restart_policies_parse() {
        for (text, policy) in [
            ("", Restart::No),
            ("no", Restart::No),
            ("on-failure", Restart::OnFailure(None)),
            ("on-failure:3", Restart::OnFailure(Some(3))),
            ("always", Restart::Always),
            ("unless-stopped", Restart::UnlessStopped),
        ] {
            assert_eq!(parse_restart(text).unwrap(), policy, "{text}");
        }
        for bad in ["yes", "always:1", "no:0", "on-failure:x", "on-failure:-1", "on-failure:"] {
            assert!(parse_restart(bad).is_err(), "{bad}");
        }
    }
}

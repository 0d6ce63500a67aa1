//! Health checks: what is checked, by the user's wish over the image's, and what came of it.

use super::config::{Health, OnFailure};
use crate::error::Kind;
use crate::image::config::Healthcheck;
use anyhow::Result;
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

/// How a container with a health check is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Status {
    /// No check has succeeded yet, and not enough have failed.
    #[default]
    Starting,
    Healthy,
    Unhealthy,
}

impl Status {
    /// The word that podman and docker have for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Healthy => "healthy",
            Self::Unhealthy => "unhealthy",
        }
    }
}

/// `health.json`: what checks have come to. The monitor writes it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Report {
    pub status: Status,
    /// How many checks in a row have failed.
    pub failing_streak: u32,
    /// The last results, oldest first.
    pub log: VecDeque<Outcome>,
}

/// What one check has come to.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Outcome {
    /// Nanoseconds since 1970.
    pub start: u64,
    pub end: u64,
    pub exit_code: i32,
    pub output: String,
}

/// The most results, and the most bytes of one's output, that are ever kept.
pub const COUNT_MAX: usize = 1000;
pub const OUTPUT_BYTES_MAX: usize = 64 << 10;

/// The largest of all results together: older ones make way.
const REPORT_BYTES_MAX: usize = 1 << 20;

impl Report {
    /// Adds a result, within the bounds.
    pub fn add(&mut self, outcome: Outcome, count_max: usize) {
        self.log.push_back(outcome);
        let size = |log: &VecDeque<Outcome>| log.iter().map(|outcome| outcome.output.len()).sum::<usize>();
        while self.log.len() > count_max || size(&self.log) > REPORT_BYTES_MAX {
            self.log.pop_front();
        }
    }
}

const INTERVAL_NANOS: u64 = 30_000_000_000;
const TIMEOUT_NANOS: u64 = 30_000_000_000;
const RETRIES: u32 = 3;

/// What the user left open comes from the image, what both left open is the default. Without a check all is empty.
pub fn resolve(asked: Health, image: Option<&Healthcheck>) -> Result<Health> {
    let image = image.filter(|image| asked.test.is_none() && is_check(&image.test));
    let test = match (&asked.test, image) {
        (Some(test), _) => test.clone(),
        (None, Some(image)) => image.test.clone(),
        (None, None) => Vec::new(),
    };
    if test.is_empty() {
        if asked.startup.is_some() {
            return Err(Kind::BadInput.hinted("a startup check needs a health check", "give one with --health-cmd"));
        }
        if asked.on_failure != OnFailure::None {
            let action = asked.on_failure.name();
            return Err(Kind::BadInput
                .hinted(format!("--health-on-failure {action} needs a health check"), "give one with --health-cmd"));
        }
        return Ok(Health::default());
    }
    let wish = |of: fn(&Healthcheck) -> u64| image.map(of).filter(|value| *value > 0);
    Ok(Health {
        test: Some(test),
        interval_nanos: asked.interval_nanos.or(wish(|image| image.interval)).or(Some(INTERVAL_NANOS)),
        timeout_nanos: asked.timeout_nanos.or(wish(|image| image.timeout)).or(Some(TIMEOUT_NANOS)),
        start_period_nanos: asked.start_period_nanos.or(wish(|image| image.start_period)).or(Some(0)),
        retries: asked
            .retries
            .or(wish(|image| image.retries).map(|retries| u32::try_from(retries).unwrap_or(u32::MAX)))
            .or(Some(RETRIES)),
        ..asked
    })
}

/// Whether the image's words are a check that can be run; `NONE` is none.
fn is_check(test: &[String]) -> bool {
    matches!(test.first().map(String::as_str), Some("CMD" | "CMD-SHELL")) && test.len() > 1
}

/// The command of a check.
pub fn command(test: &[String]) -> Vec<String> {
    match test {
        [kind, line] if kind == "CMD-SHELL" => vec!["/bin/sh".to_owned(), "-c".to_owned(), line.clone()],
        [_, words @ ..] => words.to_vec(),
        [] => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image() -> Healthcheck {
        Healthcheck { test: vec!["CMD".into(), "true".into()], interval: 7, ..Healthcheck::default() }
    }

    #[test]
    fn the_users_wish_goes_over_the_images() {
        let asked = Health { retries: Some(9), ..Health::default() };
        let health = resolve(asked, Some(&image())).unwrap();
        assert_eq!(
            (health.interval_nanos, health.timeout_nanos, health.retries),
            (Some(7), Some(30_000_000_000), Some(9))
        );
        let own = Health { test: Some(vec!["CMD-SHELL".into(), "x".into()]), ..Health::default() };
        let health = resolve(own, Some(&image())).unwrap();
        assert_eq!((health.test.unwrap().len(), health.interval_nanos), (2, Some(INTERVAL_NANOS)));
        let none = Health { test: Some(Vec::new()), ..Health::default() };
        assert!(resolve(none, Some(&image())).unwrap().is_none());
        let odd = Healthcheck { test: vec!["NONE".into()], ..image() };
        assert!(resolve(Health::default(), Some(&odd)).unwrap().is_none());
        let alone = Health { on_failure: OnFailure::Kill, ..Health::default() };
        assert!(resolve(alone, None).is_err());
    }
}

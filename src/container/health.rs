//! Health checks: what is checked, by the user's wish over the image's, and what came of it.

use super::config::{Health, OnFailure};
use crate::error::Kind;
use crate::image::config::Healthcheck;
use anyhow::Result;

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

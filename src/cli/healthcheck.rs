//! `healthcheck run`: make a container's health check now.

use super::{Context, Verb, say};
use crate::container::control::{Connection, Reply, Request};
use crate::container::health::Status;
use crate::container::state;
use crate::error::Kind;
use anyhow::Result;

/// Run the health check of a container
#[derive(clap::Args)]
pub struct HealthcheckRun {
    /// End with 0 whatever the check comes to
    #[arg(long)]
    ignore_result: bool,
    /// The container
    #[arg(value_name = "CONTAINER")]
    name: String,
}

/// The check has failed: podman-healthcheck-run(1).
const EXIT_FAILED: u8 = 1;

impl Verb for HealthcheckRun {
    fn run(self, context: &Context) -> Result<u8> {
        let container = state::find(&context.engine, &self.name)?;
        if container.config.health.is_none() {
            return Err(Kind::BadInput.error(format!("container {} has no health check", container.config.name)));
        }
        match Connection::open(&container)?.ask(Request::CheckHealth, &[])? {
            (Reply::Checked { passed: true, .. }, _) => Ok(0),
            (Reply::Checked { passed: false, counted }, _) => {
                say(if counted { Status::Unhealthy.name() } else { Status::Starting.name() });
                Ok(if self.ignore_result { 0 } else { EXIT_FAILED })
            }
            (other, _) => Err(Kind::Engine.error(format!("the monitor answered {other:?}"))),
        }
    }
}

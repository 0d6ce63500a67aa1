//! `pause` and `unpause`: hold containers still, and let them go on.

use super::choice::{Choice, Missing};
use super::{Context, Verb, each, say};
use crate::container::control::{Connection, Request};
use crate::container::state::Status;
use anyhow::Result;

/// Hold all processes of one or more containers still
#[derive(clap::Args)]
pub struct Pause {
    #[command(flatten)]
    choice: Choice,
}

/// Let one or more paused containers go on
#[derive(clap::Args)]
pub struct Unpause {
    #[command(flatten)]
    choice: Choice,
}

impl Verb for Pause {
    fn run(self, context: &Context) -> Result<u8> {
        ask(context, &self.choice, Status::Running, || Request::Pause)
    }
}

impl Verb for Unpause {
    fn run(self, context: &Context) -> Result<u8> {
        ask(context, &self.choice, Status::Paused, || Request::Unpause)
    }
}

fn ask(context: &Context, choice: &Choice, fitting: Status, request: impl Fn() -> Request) -> Result<u8> {
    let chosen = choice.resolve_fitting(context, Missing::Refuse, |container| container.status == fitting)?;
    each(&chosen, |chosen| {
        Connection::open(&chosen.container)?.ask(request(), &[])?;
        say(&chosen.typed);
        Ok(())
    })
}

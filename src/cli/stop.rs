//! `stop`: ask containers to end, and kill them if they do not.

use super::choice::{Choice, Chosen, Missing};
use super::{Context, Verb, each, say};
use crate::container::stop::{self, Stopping};
use anyhow::Result;
use std::collections::VecDeque;

/// Stop one or more running containers
#[derive(clap::Args)]
pub struct Stop {
    /// Kill a container this many seconds after it was asked to end [default: what it was made with, else 10]
    #[arg(short, long, visible_alias = "timeout", value_name = "SECONDS", allow_negative_numbers = true)]
    time: Option<i64>,
    /// Ask with this signal instead of the container's own
    #[arg(short, long, value_name = "SIGNAL")]
    signal: Option<String>,
    /// A container that does not exist is no error
    #[arg(short, long)]
    ignore: bool,
    #[command(flatten)]
    choice: Choice,
}

impl Verb for Stop {
    fn run(self, context: &Context) -> Result<u8> {
        let signal = self.signal.as_deref().map(super::parse_signal).transpose()?;
        let missing = if self.ignore { Missing::Ignore } else { Missing::Refuse };
        let chosen = self.choice.resolve_fitting(context, missing, |container| container.status.is_alive())?;
        all(context, &chosen, signal, timeout(self.time), |chosen| say(&chosen.typed))
    }
}

/// Stops containers at once: each may take its whole timeout.
pub fn all(
    context: &Context,
    chosen: &[Chosen],
    signal: Option<i32>,
    timeout_secs: Option<u64>,
    done: impl Fn(&Chosen),
) -> Result<u8> {
    let mut stopping = VecDeque::new();
    let mut rest = chosen.iter();
    each(chosen, |chosen| {
        let more = rest.by_ref().take(stop::AT_ONCE_MAX - stopping.len());
        stopping.extend(more.map(|other| Stopping::begin(&context.engine, &other.container, signal, timeout_secs)));
        stopping.pop_front().map_or(Ok(()), Stopping::finish)?;
        done(chosen);
        Ok(())
    })
}

/// A negative time is as long as it takes.
pub fn timeout(time: Option<i64>) -> Option<u64> {
    time.map(|seconds| u64::try_from(seconds).unwrap_or(u64::from(u32::MAX)))
}

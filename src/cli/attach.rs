//! `attach`: join a running container's streams.

use super::streams::{self, End, Streams, Wanted};
use super::{Context, Verb};
use crate::container::control::{Connection, Request};
use crate::container::state::{self, Container};
use anyhow::Result;

/// Join the standard streams of a running container
#[derive(clap::Args)]
pub struct Attach {
    /// Do not hand over standard input
    #[arg(long)]
    no_stdin: bool,
    /// Leave the container when these keys are typed [default: ctrl-p,ctrl-q]
    #[arg(long, value_name = "KEYS")]
    detach_keys: Option<String>,
    /// Pass signals on to the container
    #[arg(long, value_name = "BOOL", default_value = "true", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    sig_proxy: bool,
    /// The one that was made last
    #[arg(short, long, conflicts_with = "name")]
    latest: bool,
    /// The container
    #[arg(value_name = "CONTAINER", required_unless_present = "latest")]
    name: Option<String>,
}

impl Verb for Attach {
    fn run(self, context: &Context) -> Result<u8> {
        let container = match &self.name {
            Some(name) => state::find(&context.engine, name)?,
            None => super::latest(context)?,
        };
        let process = &container.config.process;
        let detach_keys = streams::keys_of(self.detach_keys.as_deref(), process.terminal, &context.globals)?;
        let wanted = Wanted {
            stdin: process.interactive && !self.no_stdin,
            stdout: true,
            stderr: true,
            terminal: process.terminal,
            detach_keys: &detach_keys,
        };
        join(&container, &wanted, self.sig_proxy)
    }
}

/// Joins a container that runs, and stays until it ends or the user detaches. Gives the exit code.
pub fn join(container: &Container, wanted: &Wanted<'_>, sig_proxy: bool) -> Result<u8> {
    let connection = Connection::open(container)?;
    let ours = Streams::open(wanted)?;
    let signals = streams::prepare_signals(sig_proxy)?;
    connection.ask(Request::Attach(ours.attach.clone()), &ours.borrowed())?;
    match streams::follow(&connection, &ours, &signals)? {
        End::Exited(code) => Ok(code as u8),
        End::Detached => Ok(0),
    }
}

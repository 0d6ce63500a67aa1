//! `run`: make a container, start it, and stay with it.

use super::flags::{ContainerFlags, PreserveFlags, StandardStream};
use super::streams::{self, End, Streams, Wanted};
use super::{Context, Verb, create, say, tell_started};
use crate::container::start;
use anyhow::Result;

/// Run a command in a new container
#[derive(clap::Args)]
pub struct Run {
    /// Print the container's id and leave it running
    #[arg(short, long, conflicts_with_all = ["detach_keys", "attach"])]
    detach: bool,
    /// Leave the container running when these keys are typed [default: ctrl-p,ctrl-q]
    #[arg(long, value_name = "KEYS")]
    detach_keys: Option<String>,
    /// Pass signals on to the container
    #[arg(long, value_name = "BOOL", default_value = "true", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    sig_proxy: bool,
    #[command(flatten)]
    preserve: PreserveFlags,
    #[command(flatten)]
    flags: ContainerFlags,
}

impl Verb for Run {
    fn run(mut self, context: &Context) -> Result<u8> {
        let preserved = self.preserve.take()?;
        let settings = context.globals.settings()?;
        let detach_keys = streams::detach_keys(self.detach_keys.take(), &settings);
        let config = create::make(context, &mut self.flags, settings)?;
        let wanted = Wanted {
            stdin: config.process.interactive && !self.detach,
            stdout: self.flags.process.shows(StandardStream::Stdout) && !self.detach,
            stderr: self.flags.process.shows(StandardStream::Stderr) && !self.detach,
            terminal: self.flags.process.tty,
            detach_keys: &detach_keys,
        };
        let mut ours = Streams::open_for(config.logging.driver, &wanted)?;
        ours.preserve(preserved);
        super::pulling::prepare_start(&context.engine, &config)?;
        let signals = streams::prepare_signals(self.sig_proxy && !self.detach)?;
        let started = start::start(&context.engine, &config, ours.attach.clone(), &ours.borrowed())?;
        tell_started(&started);
        if self.detach {
            say(config.id.as_str());
            return Ok(0);
        }
        match streams::follow(&started.connection, &ours, &signals)? {
            End::Exited(code) => Ok(code as u8),
            End::Detached => Ok(0),
        }
    }
}

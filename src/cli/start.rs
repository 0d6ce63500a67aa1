//! `start`: start containers that were made or have ended.

use super::streams::{self, End, Streams, Wanted};
use super::{Context, Targets, Verb, each, say, tell_started};
use crate::container::state::Container;
use crate::container::{start, state};
use crate::error::Kind;
use anyhow::Result;

/// Start one or more containers
#[derive(clap::Args)]
pub struct Start {
    /// Show the container's output, and end with its exit code
    #[arg(short, long)]
    attach: bool,
    /// Hand this program's standard input to the container
    #[arg(short, long)]
    interactive: bool,
    /// Leave the container running when these keys are typed [default: ctrl-p,ctrl-q]
    #[arg(long, value_name = "KEYS")]
    detach_keys: Option<String>,
    /// Pass signals on to the container, with --attach
    #[arg(long, value_name = "BOOL", default_value = "true", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    sig_proxy: bool,
    /// All containers
    #[arg(long, conflicts_with = "names")]
    all: bool,
    /// The one that was made last
    #[arg(short, long, conflicts_with_all = ["names", "all"])]
    latest: bool,
    /// Start only containers that fit, as for ps
    #[arg(short, long, value_name = "KEY=VALUE")]
    filter: Vec<String>,
    /// The containers, by name, id or the beginning of an id
    #[arg(value_name = "CONTAINER", required_unless_present_any = ["all", "latest", "filter"])]
    names: Vec<String>,
}

impl Verb for Start {
    fn run(self, context: &Context) -> Result<u8> {
        if self.attach || self.interactive {
            let container = match self.names.as_slice() {
                [] if self.latest => super::latest(context)?,
                [name] => state::find(&context.engine, name)?,
                _ => return Err(Kind::BadInput.error("only one container can be attached to")),
            };
            return self.start_attached(context, &container);
        }
        // Not flattened: the short option of --all is taken by --attach here.
        let all = self.all || (self.names.is_empty() && !self.latest);
        let targets = Targets { all, latest: self.latest, names: self.names };
        let mut containers = targets.resolve(context)?;
        super::retain_filtered(context, &mut containers, &self.filter)?;
        each(&containers, |container| {
            if !container.status.is_alive() {
                let nothing = Wanted { stdin: false, stdout: false, stderr: false, terminal: false, detach_keys: "" };
                let ours = Streams::open_for(container.config.logging.driver, &nothing)?;
                let config = &container.config;
                super::pulling::prepare_start(&context.engine, config)?;
                let started = start::start(&context.engine, config, ours.attach.clone(), &ours.borrowed())?;
                tell_started(&started);
            }
            say(container.config.name.as_str());
            Ok(())
        })
    }
}

impl Start {
    fn start_attached(&self, context: &Context, container: &Container) -> Result<u8> {
        let detach_keys =
            streams::keys_of(self.detach_keys.as_deref(), container.config.process.terminal, &context.globals)?;
        let wanted = Wanted {
            stdin: self.interactive && container.config.process.interactive,
            stdout: true,
            stderr: true,
            terminal: container.config.process.terminal,
            detach_keys: &detach_keys,
        };
        if container.status.is_alive() {
            return super::attach::join(container, &wanted, self.sig_proxy);
        }
        let ours = Streams::open_for(container.config.logging.driver, &wanted)?;
        super::pulling::prepare_start(&context.engine, &container.config)?;
        let signals = streams::prepare_signals(self.sig_proxy)?;
        let started = start::start(&context.engine, &container.config, ours.attach.clone(), &ours.borrowed())?;
        tell_started(&started);
        match streams::follow(&started.connection, &ours, &signals)? {
            End::Exited(code) => Ok(code as u8),
            End::Detached => Ok(0),
        }
    }
}

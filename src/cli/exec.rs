//! `exec`: run a further command in a running container.

use super::flags::{self, PreserveFlags};
use super::streams::{self, End, Streams, Wanted};
use super::{Context, Verb, say};
use crate::container::config::{Id, Process};
use crate::container::control::{Connection, Reply, Request};
use crate::container::state;
use crate::error::Kind;
use anyhow::Result;
use std::path::PathBuf;

/// Run a command in a running container
#[derive(clap::Args)]
pub struct Exec {
    /// Leave the command running
    #[arg(short, long, conflicts_with = "no_session")]
    detach: bool,
    /// Keep standard input open
    #[arg(short, long)]
    interactive: bool,
    /// Give the command a terminal of its own
    #[arg(short, long)]
    tty: bool,
    /// Set an environment variable; NAME alone takes its value from here
    #[arg(short, long, value_name = "NAME=VALUE")]
    env: Vec<String>,
    /// Read environment variables from a file of NAME=VALUE lines
    #[arg(long, value_name = "FILE")]
    env_file: Vec<PathBuf>,
    /// Start in this directory of the container
    #[arg(short, long, value_name = "DIR")]
    workdir: Option<String>,
    /// Run as this user, by name or number
    #[arg(short, long, value_name = "USER[:GROUP]")]
    user: Option<String>,
    /// Give the command all capabilities that the container's namespaces allow
    #[arg(long)]
    privileged: bool,
    /// Leave the command running when these keys are typed [default: ctrl-p,ctrl-q]
    #[arg(long, value_name = "KEYS")]
    detach_keys: Option<String>,
    /// Take the container's id from this file
    #[arg(long, value_name = "FILE", conflicts_with = "latest")]
    cidfile: Option<PathBuf>,
    /// Run it in the container that was made last
    #[arg(short, long)]
    latest: bool,
    /// Accepted for compatibility: no record of a command is kept in any case
    #[arg(long)]
    no_session: bool,
    #[command(flatten)]
    preserve: PreserveFlags,
    /// The container, unless it is named otherwise, and the command to run in it
    #[arg(value_name = "CONTAINER COMMAND", required = true, trailing_var_arg = true, allow_hyphen_values = true, num_args = 1..)]
    words: Vec<String>,
}

impl Verb for Exec {
    fn run(self, context: &Context) -> Result<u8> {
        let preserved = self.preserve.take()?;
        let (container, command) = match &self.cidfile {
            Some(file) => (state::find(&context.engine, &super::read_cidfile(file)?)?, &self.words[..]),
            None if self.latest => (super::latest(context)?, &self.words[..]),
            None => (state::find(&context.engine, &self.words[0])?, &self.words[1..]),
        };
        if command.is_empty() {
            return Err(Kind::BadInput.hinted("no command was given", "name one after the container"));
        }
        let connection = Connection::open(&container)?;
        let detach_keys = streams::keys_of(self.detach_keys.as_deref(), self.tty, &context.globals)?;
        let wanted = Wanted {
            stdin: self.interactive && !self.detach,
            stdout: !self.detach,
            stderr: !self.detach,
            terminal: self.tty,
            detach_keys: &detach_keys,
        };
        let mut ours = Streams::open(&wanted)?;
        ours.preserve(preserved);
        let signals = streams::prepare_signals(false)?;
        let session = Id::new_random()?;
        let request = Request::Exec {
            process: Box::new(self.process(&container.config.process, command)?),
            privileged: self.privileged,
            attach: ours.attach.clone(),
            session: Some(session.clone()),
        };
        match connection.ask(request, &ours.borrowed())? {
            (Reply::Started { .. }, _) if self.detach => {
                say(session.as_str());
                return Ok(0);
            }
            (Reply::Started { .. }, _) => {}
            (other, _) => return Err(Kind::Engine.error(format!("the monitor answered {other:?}"))),
        }
        match streams::follow(&connection, &ours, &signals)? {
            End::Exited(code) => Ok(code as u8),
            End::Detached => Ok(0),
        }
    }
}

impl Exec {
    /// The command in the container's own environment, with what was asked for on top.
    fn process(&self, container: &Process, command: &[String]) -> Result<Process> {
        let mut environment = container.environment.clone();
        for entry in flags::environment(&self.env, &self.env_file)? {
            let name = entry.split_once('=').map_or(entry.as_str(), |(name, _)| name).to_owned();
            environment.retain(|other| other.split_once('=').is_none_or(|(other, _)| other != name));
            environment.push(entry);
        }
        if self.tty && !environment.iter().any(|entry| entry.starts_with("TERM=")) {
            environment.push("TERM=xterm".to_owned());
        }
        Ok(Process {
            entrypoint: None,
            command: command.to_vec(),
            environment,
            defaults: Default::default(),
            working_directory: self.workdir.clone().unwrap_or_else(|| container.working_directory.clone()),
            user: self.user.clone().unwrap_or_else(|| container.user.clone()),
            terminal: self.tty,
            interactive: self.interactive,
        })
    }
}

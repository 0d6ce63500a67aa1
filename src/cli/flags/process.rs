//! The flags that say which program runs, and in which surroundings.

use crate::container::config::{Config, DefaultVariables, PidFiles};
use crate::error::Kind;
use crate::fs;
use crate::settings::Settings;
use anyhow::{Context, Result};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// A stream that `--attach` names.
#[derive(clap::ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum StandardStream {
    Stdin,
    Stdout,
    Stderr,
}

#[derive(clap::Args, Clone, Debug)]
#[command(next_help_heading = "Process")]
pub struct ProcessFlags {
    /// Keep standard input open
    #[arg(short, long)]
    pub interactive: bool,
    /// Show these streams alone, stdin as with --interactive
    #[arg(short, long, value_name = "STREAM", value_delimiter = ',', ignore_case = true)]
    attach: Vec<StandardStream>,
    /// Give the container a terminal of its own
    #[arg(short, long)]
    pub tty: bool,
    /// Set an environment variable; NAME alone takes its value from here, NAME* all that begin so
    #[arg(short, long = "env", value_name = "NAME=VALUE")]
    env: Vec<String>,
    /// Read environment variables from a file of NAME=VALUE lines
    #[arg(long, value_name = "FILE")]
    env_file: Vec<PathBuf>,
    /// Take over all variables of this environment, below those that are set here
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    env_host: Option<bool>,
    /// Change a variable of the image; the value may have $NAME of others in it
    #[arg(long, value_name = "NAME=VALUE")]
    env_merge: Vec<String>,
    /// Leave out a variable of the engine's or the image's
    #[arg(long, value_name = "NAME")]
    unsetenv: Vec<String>,
    /// Leave out all variables of the engine's and the image's
    #[arg(long, value_name = "BOOL", default_value = "false", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    unsetenv_all: bool,
    /// Take over the variables of this environment that name proxies [default: false]
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    http_proxy: Option<bool>,
    /// Annotate the container for the hooks and programs that look for it
    #[arg(long, value_name = "KEY=VALUE")]
    annotation: Vec<String>,
    /// Write the pid of the container's first process to this file
    #[arg(long, value_name = "FILE")]
    pidfile: Option<PathBuf>,
    /// Write the pid of the container's monitor to this file
    #[arg(long, value_name = "FILE")]
    conmon_pidfile: Option<PathBuf>,
    /// Start in this directory of the container
    #[arg(short, long, value_name = "DIR")]
    workdir: Option<String>,
    /// Run this instead of the image's entrypoint: a program, or a JSON array; empty for none
    #[arg(long, value_name = "PROGRAM")]
    entrypoint: Option<String>,
    /// Name the host inside [default: the container's short id]
    #[arg(short = 'h', long, value_name = "NAME")]
    hostname: Option<String>,
    /// Run a small init as pid 1, which reaps zombies and passes signals on
    #[arg(long)]
    init: bool,
}

impl ProcessFlags {
    /// The command line goes over what the settings say of the caller's environment.
    pub fn overrule(&self, settings: &mut Settings) {
        let containers = &mut settings.containers;
        containers.env_host = self.env_host.or(containers.env_host);
        containers.http_proxy = self.http_proxy.or(containers.http_proxy);
    }

    /// Whether an output of the container's is wanted: both are, where none was named.
    pub fn shows(&self, stream: StandardStream) -> bool {
        self.attach.is_empty() || self.attach.contains(&stream)
    }

    /// `words` are what stands behind the image.
    pub fn apply(&self, config: &mut Config, words: &[String]) -> Result<()> {
        let process = &mut config.process;
        process.entrypoint = self.entrypoint.as_deref().map(parse_entrypoint);
        process.command = words.to_vec();
        process.environment = environment(&self.env, &self.env_file)?;
        process.defaults = DefaultVariables {
            merged: self.env_merge.clone(),
            unset: self.unsetenv.clone(),
            unset_all: self.unsetenv_all,
        };
        if let Some(entry) = self.env_merge.iter().find(|entry| entry.find('=').is_none_or(|at| at == 0)) {
            return Err(Kind::BadInput.error(format!("{entry:?} is not NAME=VALUE")));
        }
        process.working_directory = match &self.workdir {
            Some(dir) if !dir.starts_with('/') => {
                return Err(Kind::BadInput.error(format!("working directory {dir:?} is not an absolute path")));
            }
            dir => dir.clone().unwrap_or_default(),
        };
        process.terminal = self.tty;
        process.interactive = self.interactive || self.attach.contains(&StandardStream::Stdin);
        config.hostname = self.hostname.as_deref().map(parse_hostname).transpose()?.unwrap_or_default();
        config.init = self.init;
        config.annotations = self.annotations()?;
        let absolute = |file: &PathBuf| std::path::absolute(file).with_context(|| format!("find {}", file.display()));
        config.pid_files = PidFiles {
            container: self.pidfile.as_ref().map(absolute).transpose()?,
            monitor: self.conmon_pidfile.as_ref().map(absolute).transpose()?,
        };
        Ok(())
    }
}

impl ProcessFlags {
    fn annotations(&self) -> Result<BTreeMap<String, String>> {
        let split = |text: &String| match text.split_once('=') {
            Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
            _ => Err(Kind::BadInput.error(format!("annotation {text:?} is not KEY=VALUE"))),
        };
        self.annotation.iter().map(split).collect()
    }
}

/// The largest environment file that is read.
const FILE_BYTES_MAX: usize = 1 << 20;

/// `--env-file` first, `--env` over it.
pub fn environment(entries: &[String], files: &[PathBuf]) -> Result<Vec<String>> {
    let mut environment = Vec::new();
    for file in files {
        for line in lines(file)? {
            add_environment(&mut environment, &line).with_context(|| format!("read {}", file.display()))?;
        }
    }
    for entry in entries {
        add_environment(&mut environment, entry)?;
    }
    Ok(environment)
}

/// The lines of a file, without empty ones and comments.
pub fn lines(file: &Path) -> Result<Vec<String>> {
    let text = fs::read(file, FILE_BYTES_MAX)?;
    let text = String::from_utf8(text).with_context(|| format!("{} is not UTF-8", file.display()))?;
    let lines = text.lines().map(str::trim_start).filter(|line| !line.is_empty() && !line.starts_with('#'));
    Ok(lines.map(str::to_owned).collect())
}

fn add_environment(environment: &mut Vec<String>, entry: &str) -> Result<()> {
    match entry.split_once('=') {
        Some(("", _)) => return Err(Kind::BadInput.error(format!("environment variable {entry:?} has no name"))),
        Some(_) => environment.push(entry.to_owned()),
        None => {
            let own = std::env::vars_os()
                .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
            let matches = |name: &str| match entry.strip_suffix('*') {
                Some(prefix) => name.starts_with(prefix),
                None => name == entry,
            };
            environment.extend(own.filter(|(name, _)| matches(name)).map(|(name, value)| format!("{name}={value}")));
        }
    }
    Ok(())
}

/// A JSON array is a whole command line; anything else is one program, and empty is none.
fn parse_entrypoint(text: &str) -> Vec<String> {
    match serde_json::from_str::<Vec<String>>(text) {
        Ok(words) => words,
        Err(_) if text.is_empty() => Vec::new(),
        Err(_) => vec![text.to_owned()],
    }
}

fn parse_hostname(name: &str) -> Result<String> {
    let good = !name.is_empty()
        && name.len() <= 64
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_'));
    if good {
        Ok(name.to_owned())
    } else {
        Err(Kind::BadInput.error(format!("{name:?} is not a host name of at most 64 characters")))
    }
}

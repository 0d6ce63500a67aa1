//! The command line: one file per verb, and the only room that prints.
//!
//! Parsing is in two stages: the verb is found by hand, and only its own clap command is built (the whole tree takes
//! longer than the rest of `run`). The tree is built for help, completions, man pages and mistyped verbs alone.

mod choice;
mod flags;
mod format;
mod globals;
mod glued;
mod listing;
mod pulling;
mod push;
mod streams;
mod table;
mod units;
mod verbs;

mod artifact;
mod attach;
mod clone;
mod commit;
mod completion;
mod confirm;
mod cp;
mod create;
mod diff;
mod events;
mod exec;
mod exists;
mod export;
mod healthcheck;
mod history;
mod image_copy;
mod image_exists;
mod image_import_from;
mod image_mount;
mod image_prune;
mod image_sign;
mod image_sync;
mod image_tree;
mod image_trust;
mod images;
mod import;
mod info;
mod init;
mod inspect;
mod kill;
mod load;
mod login;
mod logout;
mod logs;
mod manifest;
mod mount;
mod network;
mod pause;
mod port;
mod progress;
mod prune;
mod ps;
mod pull;
mod rename;
mod restart;
mod rm;
mod rmi;
mod run;
mod save;
mod search;
mod secret;
mod start;
mod stats;
mod stop;
mod system_check;
mod system_df;
mod system_prune;
mod system_reset;
mod tag;
mod top;
mod unshare;
mod untag;
mod update;
mod version;
mod volume;
mod wait;

use crate::container::control::Door;
use crate::container::start::Started;
use crate::container::state::{self, Container};
use crate::engine::Engine;
use crate::error::{self, Kind};
use crate::image::reference::Reference;
use crate::inspect::filter::Containers;
use crate::inspect::time;
use crate::rootless::Entered;
use anyhow::{Context as _, Result};
use clap::error::{ContextKind, ContextValue, ErrorKind};
use globals::Globals;
use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

/// The engine's own failures, as distinct from the container's exit code.
const EXIT_ENGINE: u8 = 125;
/// The container's command was found and cannot be executed.
const EXIT_NOT_EXECUTABLE: u8 = 126;
/// The container's command does not exist.
const EXIT_NOT_FOUND: u8 = 127;

/// What every verb gets besides its own arguments.
pub struct Context {
    pub engine: Engine,
    /// The verb as it was typed, for messages.
    pub verb: String,
    /// The whole command line.
    pub command_line: Vec<String>,
    /// Whether it was called as `docker`, so that docker's ways hold where they differ from podman's.
    pub docker: bool,
    /// The options before the verb.
    #[allow(dead_code, reason = "each verb asks for its own, and so far none does")]
    pub globals: Globals,
}

impl Context {
    /// The name that something of the user's own gets: `localhost/NAME`, or as docker has it `docker.io/library/NAME`.
    pub fn own_name(&self, text: &str) -> Result<Reference> {
        if self.docker { Reference::parse(text) } else { Reference::parse_local(text) }
    }
}

/// A command: its flags are its fields, its help the doc comment.
trait Verb: clap::Args {
    /// Does it, and gives the exit code.
    fn run(self, context: &Context) -> Result<u8>;
}

pub fn main() -> ExitCode {
    let code = match arguments().and_then(dispatch) {
        Ok(code) => code,
        Err(failure) => {
            report(&failure.step, &failure.error);
            exit_code(&failure.error)
        }
    };
    // A closed pipe is no failure of ours.
    let _ = std::io::stdout().flush();
    ExitCode::from(code)
}

/// An error and the verb that it happened to.
struct Failed {
    step: String,
    error: anyhow::Error,
}

fn exit_code(error: &anyhow::Error) -> u8 {
    match error::kind(error) {
        Kind::NotExecutable => EXIT_NOT_EXECUTABLE,
        Kind::CommandNotFound => EXIT_NOT_FOUND,
        Kind::Engine | Kind::NotFound | Kind::Exists | Kind::InUse | Kind::BadInput | Kind::Denied => EXIT_ENGINE,
    }
}

/// What is to be removed does not exist: podman-rm(1), podman-rmi(1), podman-volume-rm(1).
const EXIT_MISSING: u8 = 1;
/// It is in use.
const EXIT_IN_USE: u8 = 2;

/// The exit code of a removal, which tells why it has failed.
fn removal(context: &Context, removed: Result<u8>) -> Result<u8> {
    removed.or_else(|error| {
        let code = match error::kind(&error) {
            Kind::NotFound => EXIT_MISSING,
            Kind::InUse => EXIT_IN_USE,
            _ => return Err(error),
        };
        report(&context.verb, &error);
        Ok(code)
    })
}

/// The one place where an error becomes text: `coracle: step: object: cause; hint`.
fn report(step: &str, error: &anyhow::Error) {
    let step = if step.is_empty() { String::new() } else { format!("{step}: ") };
    let hint = error::hint(error).map(|hint| format!("; {hint}")).unwrap_or_default();
    talk(&format!("{step}{}{hint}", error::line(error)));
}

/// Says one line to the user, on standard error.
fn talk(text: &str) {
    // Without a standard error there is nobody to talk to.
    let _ = writeln!(std::io::stderr(), "coracle: {text}");
}

/// Puts one line of data on standard output; a reader that has gone ends the program quietly.
fn say(text: &str) {
    let mut stdout = std::io::stdout().lock();
    if stdout.write_all(text.as_bytes()).and_then(|()| stdout.write_all(b"\n")).is_err() {
        std::process::exit(0);
    }
}

/// Clears the terminal that standard output may be.
fn clear_terminal() {
    if std::io::IsTerminal::is_terminal(&std::io::stdout()) {
        print!("\x1b[H\x1b[2J");
    }
}

/// The containers that a verb is about.
#[derive(clap::Args, Clone, Debug)]
struct Targets {
    /// All containers
    #[arg(short, long, conflicts_with = "names")]
    all: bool,
    /// The one that was made last
    #[arg(short, long, conflicts_with_all = ["names", "all"])]
    latest: bool,
    /// The containers, by name, id or the beginning of an id
    #[arg(value_name = "CONTAINER", required_unless_present_any = ["all", "latest"])]
    names: Vec<String>,
}

impl Targets {
    /// Finds all of them before anything is done to one.
    fn resolve(&self, context: &Context) -> Result<Vec<Container>> {
        if self.all {
            return state::list(&context.engine);
        }
        if self.latest {
            return Ok(vec![latest(context)?]);
        }
        let search = state::Search::new(&context.engine);
        self.names.iter().map(|name| search.find(name)).collect()
    }
}

/// Leaves those that fit all of the filters.
fn retain_filtered(context: &Context, containers: &mut Vec<Container>, filters: &[String]) -> Result<()> {
    if !filters.is_empty() {
        let filters = Containers::parse(&context.engine, filters)?;
        containers.retain(|container| filters.match_container(container));
    }
    Ok(())
}

/// A cidfile holds one id, and perhaps the end of a line.
const CIDFILE_BYTES_MAX: usize = 4096;

/// The id in a file that `--cidfile` has written.
fn read_cidfile(file: &Path) -> Result<String> {
    let text = crate::fs::read(file, CIDFILE_BYTES_MAX).context("read the cidfile")?;
    Ok(String::from_utf8_lossy(&text).lines().next().unwrap_or_default().trim().to_owned())
}

/// The container that was made last.
fn latest(context: &Context) -> Result<Container> {
    let newest = state::list(&context.engine)?.into_iter().next();
    newest.ok_or_else(|| Kind::NotFound.error("there are no containers"))
}

/// Does something to each; one that fails does not keep the others from it. The last failure is the result.
fn each<T>(items: &[T], mut work: impl FnMut(&T) -> Result<()>) -> Result<u8> {
    let mut last = None;
    for item in items {
        if let Err(error) = work(item)
            && let Some(earlier) = last.replace(error)
        {
            report("", &earlier);
        }
    }
    last.map_or(Ok(0), Err)
}

/// The number of a signal that was typed.
fn parse_signal(text: &str) -> Result<i32> {
    crate::sys::signal::parse(text)
        .ok_or_else(|| Kind::BadInput.hinted(format!("there is no signal {text:?}"), "see kill -l"))
}

/// What was found behind the door, if the user should know.
fn tell_entered(entered: &Entered) {
    match entered {
        Entered::Already | Entered::Full => {}
        Entered::OneId(why) => talk(&format!("only your own user id is available to containers: {why}")),
        Entered::Outdated => talk(
            "/etc/subuid has changed since the first running container started; stop all containers to use the new ids",
        ),
    }
}

/// What the user should know about a container that has just been started.
fn tell_started(started: &Started) {
    tell_entered(&started.entered);
    started.warnings.iter().for_each(|warning| talk(warning));
}

/// Goes through the door, for the rest of this process, and does what needs the mapped ids.
fn in_userns<T>(door: Door, work: impl FnOnce() -> Result<T>) -> Result<T> {
    let (entered, _) = door.enter()?;
    tell_entered(&entered);
    work()
}

fn arguments() -> Result<Vec<String>, Failed> {
    let decode = |argument: std::ffi::OsString| {
        argument.into_string().map_err(|argument| {
            let error = Kind::BadInput.error(format!("argument {argument:?} is not valid UTF-8"));
            Failed { step: String::new(), error }
        })
    };
    std::env::args_os().map(decode).collect()
}

fn dispatch(arguments: Vec<String>) -> Result<u8, Failed> {
    let failed = |step: &str| {
        let step = step.to_owned();
        move |error| Failed { step, error }
    };
    let mut globals = Globals::scan(&arguments[1..]).map_err(failed(""))?;
    let rest = &arguments[1 + globals.length..];
    let Some(found) = verbs::find(rest) else { return help_or_complain(&arguments, rest) };
    let command = globals::behind((found.verb.command)());
    let words = glued::take_apart(&command, &rest[found.words..]);
    let words = std::iter::once(format!("coracle {}", found.path)).chain(words);
    match command.no_binary_name(false).bin_name(format!("coracle {}", found.path)).try_get_matches_from(words) {
        Ok(matches) => {
            globals.merge(&matches).and_then(|()| globals.redirect()).map_err(failed(&found.path))?;
            let engine = Engine::locate(&globals.directories()).map_err(failed(&found.path))?;
            let (verb, docker) = (found.path.clone(), is_docker(&arguments[0]));
            let context = Context { engine, verb, command_line: arguments, docker, globals };
            (found.verb.run)(&context, &matches).map_err(failed(&found.path))
        }
        Err(error) => complain(&error, &found.path),
    }
}

/// Whether the program's own name is docker's.
fn is_docker(program: &str) -> bool {
    program.rsplit('/').next() == Some("docker")
}

/// Help and version are answers; anything else that clap has to say is an error in one line.
fn complain(error: &clap::Error, verb: &str) -> Result<u8, Failed> {
    if matches!(
        error.kind(),
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
    ) {
        let _ = error.print();
        return Ok(0);
    }
    let text = error.to_string();
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let mut message = lines
        .next()
        .unwrap_or_default()
        .trim_start_matches("error: ")
        .replace("unrecognized subcommand", "unknown command");
    let mut hint = None;
    for line in lines {
        if let Some(tip) = line.strip_prefix("tip: ") {
            hint.get_or_insert_with(|| match tip.split_once(" exists: ").or_else(|| tip.split_once(" exist: ")) {
                Some((_, names)) => format!("did you mean {}?", names.replace('\'', "").replace(", ", " or ")),
                None => tip.to_owned(),
            });
        } else if line.starts_with(['<', '[']) || line.starts_with("--") {
            message = format!("{message} {line}");
        }
    }
    if let Some(option) = flags::later(&message) {
        message = format!("option {option} is not supported yet");
        hint = None;
    }
    let place = if verb.is_empty() { "coracle --help".to_owned() } else { format!("coracle {verb} --help") };
    let hint = hint.unwrap_or_else(|| format!("see {place}"));
    Err(Failed { step: verb.to_owned(), error: Kind::BadInput.hinted(message, hint) })
}

/// No verb that we know: the whole tree knows what to say.
fn help_or_complain(arguments: &[String], rest: &[String]) -> Result<u8, Failed> {
    let is_option = |word: &&String| word.starts_with('-');
    if let Some(word) = rest
        .first()
        .filter(is_option)
        .filter(|word| !["-h", "--help", "-v", "-V", "--version"].contains(&word.as_str()))
    {
        return Err(Failed { step: String::new(), error: globals::unknown(word) });
    }
    match verbs::tree().try_get_matches_from(arguments) {
        Ok(_) => {
            let _ = verbs::tree().print_help();
            Ok(0)
        }
        Err(error) => {
            if let Some(ContextValue::String(word)) = error.get(ContextKind::InvalidSubcommand)
                && let Some(name) = verbs::nearest(rest, word)
            {
                let error =
                    Kind::BadInput.hinted(format!("unknown command '{word}'"), format!("did you mean {name}?"));
                return Err(Failed { step: String::new(), error });
            }
            complain(&error, "")
        }
    }
}

//! The options of the engine itself: before the verb, and as podman has it behind the verb too.
//!
//! What an option was given, verbs ask of [`Globals`]; one that is taken up goes from `Refused` to `Works` here.

use crate::engine::Directories;
use crate::error::{self, Kind};
use crate::settings::Settings;
use crate::sys::process;
use anyhow::{Context, Result};
use clap::{Arg, ArgAction, ArgMatches, Command};
use std::path::Path;

/// One option of podman or docker that stands before the verb.
pub struct Global {
    /// Its name for clap, which no option of a verb has.
    id: &'static str,
    pub long: &'static str,
    /// Only before the verb: behind it the letter may be the verb's own.
    short: Option<char>,
    /// The name of its value; None for a switch.
    value: Option<&'static str>,
    effect: Effect,
    help: &'static str,
}

/// What an option comes to.
#[derive(Clone, Copy)]
enum Effect {
    Works,
    /// Nothing here depends on it.
    Ignored,
    /// Only these values mean what the engine does.
    Only(&'static [&'static str]),
    Refused(&'static str),
}

use Effect::{Ignored, Only, Refused, Works};

const REMOTE: &str = "the engine works on this host alone, without a service";
const LATER: &str = "it is not supported yet";

/// A row: its name, a short one, what its value is called (nothing for a switch), what it comes to, and its help.
macro_rules! global {
    ($long:literal, $short:expr, $value:expr, $effect:expr, $help:literal) => {
        Global {
            id: concat!("global ", $long),
            long: $long,
            short: $short,
            value: $value,
            effect: $effect,
            help: $help,
        }
    };
}

pub const GLOBALS: &[Global] = &[
    global!("root", None, Some("DIR"), Works, "Keep images and containers in DIR"),
    global!("runroot", None, Some("DIR"), Works, "Keep what is about live processes in DIR"),
    global!("out", None, Some("FILE"), Works, "Write standard output to FILE"),
    global!("noout", None, None, Works, "Write nothing to standard output"),
    global!("log-level", Some('l'), Some("LEVEL"), Ignored, "Ignored: there is no log of the engine"),
    global!("syslog", None, None, Ignored, "Ignored: there is no log of the engine"),
    global!("debug", Some('D'), None, Ignored, "Ignored: there is no log of the engine"),
    global!("conmon", None, Some("PATH"), Ignored, "Ignored: the engine is its own monitor"),
    global!("network-cmd-path", None, Some("PATH"), Ignored, "Ignored: pasta is found on the path"),
    global!("tmpdir", None, Some("DIR"), Ignored, "Ignored: what is about live processes lies in the runroot"),
    global!("runtime-flag", None, Some("FLAG"), Ignored, "Ignored: the engine is its own runtime"),
    global!(
        "runtime",
        None,
        Some("NAME"),
        Only(&["coracle", "crun", "runc"]),
        "Take the engine's own runtime, which stands for crun and runc; there is no other"
    ),
    global!(
        "cgroup-manager",
        None,
        Some("NAME"),
        Only(&["systemd", "cgroupfs"]),
        "Ignored: systemd is asked where it runs"
    ),
    global!(
        "events-backend",
        None,
        Some("NAME"),
        Only(&["file"]),
        "Take the file as the place of events; there is no other"
    ),
    global!("storage-driver", None, Some("NAME"), Only(&["overlay"]), "Take the overlay driver; there is no other"),
    global!("ssh", None, Some("MODE"), Only(&["golang", "native"]), "Ignored: there is no service to speak to"),
    global!("context", Some('c'), Some("NAME"), Only(&["default"]), "Take this host, the default; there is no other"),
    global!(
        "storage-opt",
        None,
        Some("OPTION"),
        Refused("the store has no options"),
        "Refused: the store has no options"
    ),
    global!("imagestore", None, Some("DIR"), Refused(LATER), "Not supported yet"),
    global!("volumepath", None, Some("DIR"), Refused(LATER), "Not supported yet"),
    global!("transient-store", None, None, Refused(LATER), "Not supported yet"),
    global!("module", None, Some("FILE"), Works, "Read this module of containers.conf too"),
    global!("hooks-dir", None, Some("DIR"), Works, "Take hooks from DIR instead of the usual directories"),
    global!(
        "cdi-spec-dir",
        None,
        Some("DIR"),
        Works,
        "Take CDI specifications from DIR instead of the usual directories"
    ),
    global!("network-config-dir", None, Some("DIR"), Refused(LATER), "Not supported yet"),
    global!(
        "config",
        None,
        Some("DIR"),
        Refused("set DOCKER_CONFIG to the directory instead"),
        "Refused: set DOCKER_CONFIG instead"
    ),
    global!("url", None, Some("URL"), Refused(REMOTE), "Refused: the engine works on this host alone"),
    global!("host", Some('H'), Some("URL"), Refused(REMOTE), "Refused: the engine works on this host alone"),
    global!("connection", None, Some("NAME"), Refused(REMOTE), "Refused: the engine works on this host alone"),
    global!("identity", None, Some("FILE"), Refused(REMOTE), "Refused: the engine works on this host alone"),
    global!("remote", Some('r'), None, Refused(REMOTE), "Refused: the engine works on this host alone"),
    global!("tls", None, None, Refused(REMOTE), "Refused: the engine works on this host alone"),
    global!("tlsverify", None, None, Refused(REMOTE), "Refused: the engine works on this host alone"),
    global!("tls-ca", None, Some("FILE"), Refused(REMOTE), "Refused: the engine works on this host alone"),
    global!("tls-cert", None, Some("FILE"), Refused(REMOTE), "Refused: the engine works on this host alone"),
    global!("tls-key", None, Some("FILE"), Refused(REMOTE), "Refused: the engine works on this host alone"),
    global!("tlscacert", None, Some("FILE"), Refused(REMOTE), "Refused: the engine works on this host alone"),
    global!("tlscert", None, Some("FILE"), Refused(REMOTE), "Refused: the engine works on this host alone"),
    global!("tlskey", None, Some("FILE"), Refused(REMOTE), "Refused: the engine works on this host alone"),
];

/// What stood before the verb, or behind it.
#[derive(Clone, Debug, Default)]
pub struct Globals {
    given: Vec<(&'static str, String)>,
    /// How many arguments before the verb they take up.
    pub length: usize,
}

impl Globals {
    /// Reads the options up to the first word that is none.
    pub fn scan(arguments: &[String]) -> Result<Self> {
        let mut globals = Self::default();
        while let Some(argument) = arguments.get(globals.length) {
            let (name, inline) = match argument.split_once('=') {
                Some((name, value)) => (name, Some(value.to_owned())),
                None => (argument.as_str(), None),
            };
            let Some(global) = GLOBALS.iter().find(|global| global.is_written(name)) else { break };
            globals.length += 1;
            let value = match (inline, global.value) {
                (Some(value), _) => value,
                (None, None) => "true".to_owned(),
                (None, Some(_)) => {
                    let value = arguments.get(globals.length).cloned();
                    globals.length += 1;
                    value.ok_or_else(|| Kind::BadInput.error(format!("option {name} needs a value")))?
                }
            };
            globals.add(global, value)?;
        }
        Ok(globals)
    }

    /// Adds those that stood behind the verb.
    pub fn merge(&mut self, matches: &ArgMatches) -> Result<()> {
        for global in GLOBALS {
            let Ok(Some(values)) = matches.try_get_many::<String>(global.id) else { continue };
            // A default is nothing that the user has said.
            if matches.value_source(global.id) == Some(clap::parser::ValueSource::CommandLine) {
                values.cloned().try_for_each(|value| self.add(global, value))?;
            }
        }
        Ok(())
    }

    fn add(&mut self, global: &Global, value: String) -> Result<()> {
        let is_off = global.value.is_none() && matches!(value.as_str(), "false" | "0");
        match global.effect {
            Works | Ignored => {}
            Refused(_) if is_off => {}
            Refused(why) => return Err(Kind::BadInput.error(format!("option --{}: {why}", global.long))),
            Only(values) => {
                // A program may be named by its path.
                let name = value.rsplit('/').next().unwrap_or(&value);
                if !values.contains(&name) {
                    let message = format!("option --{}: {value:?} is not available", global.long);
                    return Err(
                        Kind::BadInput.hinted(message, format!("leave it out, or use {}", values.join(" or ")))
                    );
                }
            }
        }
        if !is_off {
            self.given.push((global.long, value));
        }
        Ok(())
    }

    /// The last value that was given to an option.
    pub fn get(&self, long: &str) -> Option<&str> {
        self.all(long).last()
    }

    /// All values that were given to an option.
    pub fn all(&self, long: &str) -> impl Iterator<Item = &str> {
        self.given.iter().filter(move |(name, _)| *name == long).map(|(_, value)| value.as_str())
    }

    /// The files of settings, with what the command line says over them.
    pub fn settings(&self) -> Result<Settings> {
        let mut settings = Settings::load(self.all("module"))?;
        for (option, list) in
            [("hooks-dir", &mut settings.engine.hooks_dir), ("cdi-spec-dir", &mut settings.engine.cdi_spec_dirs)]
        {
            let named: Vec<String> = self.all(option).map(str::to_owned).collect();
            if !named.is_empty() {
                list.items = Some(named);
            }
        }
        set_environment(settings.engine.env.as_slice())?;
        Ok(settings)
    }

    pub fn directories(&self) -> Directories {
        Directories { root: self.get("root").map(Into::into), runroot: self.get("runroot").map(Into::into) }
    }

    /// Turns standard output to where `--out` or `--noout` says.
    pub fn redirect(&self) -> Result<()> {
        let file = match (self.get("out"), self.get("noout")) {
            (Some(path), _) => crate::fs::create(Path::new(path))?,
            (None, Some(_)) => crate::fs::open_for_writing(Path::new("/dev/null"))?,
            (None, None) => return Ok(()),
        };
        rustix::stdio::dup2_stdout(&file).context("redirect standard output")
    }
}

impl Global {
    fn is_written(&self, name: &str) -> bool {
        match name.strip_prefix("--") {
            Some(long) => long == self.long,
            None => self.short.is_some_and(|short| name.strip_prefix('-') == Some(short.encode_utf8(&mut [0; 4]))),
        }
    }

    fn argument(&self, has_short: bool) -> Arg {
        let argument = Arg::new(self.id).long(self.long).help(self.help).hide(!matches!(self.effect, Works));
        let argument = match self.value {
            Some(name) => argument.value_name(name).action(ArgAction::Append),
            None => argument
                .value_name("BOOL")
                .num_args(0..=1)
                .require_equals(true)
                .default_missing_value("true")
                .action(ArgAction::Append),
        };
        match self.short {
            Some(short) if has_short => argument.short(short),
            Some(_) | None => argument,
        }
    }
}

/// The whole command with the options before its verbs.
pub fn before(tree: Command) -> Command {
    tree.args(GLOBALS.iter().map(|global| global.argument(true)))
}

/// A verb's command that takes these options too, without saying so: all whose names it has not for itself.
pub fn behind(command: Command) -> Command {
    let own: Vec<String> = command
        .get_arguments()
        .flat_map(|argument| argument.get_long_and_visible_aliases().unwrap_or_default())
        .map(str::to_owned)
        .collect();
    let free = GLOBALS.iter().filter(|global| !own.iter().any(|name| name == global.long));
    let arguments: Vec<Arg> = free.map(|global| global.argument(false).hide(true)).collect();
    command.args(arguments)
}

/// The error for a word where the verb should be that looks like an option.
pub fn unknown(word: &str) -> anyhow::Error {
    let name = word.trim_start_matches('-').split('=').next().unwrap_or_default();
    let near = error::nearest(name, GLOBALS.iter().map(|global| global.long));
    let hint = near.map_or_else(|| "see coracle --help".to_owned(), |near| format!("did you mean --{near}?"));
    Kind::BadInput.hinted(format!("unknown option {word:?}"), hint)
}

/// The engine's own environment, such as its proxy: containers.conf(5), `engine.env`. What the caller has set stays.
fn set_environment(entries: &[String]) -> Result<()> {
    for entry in entries {
        let pair = entry.split_once('=').filter(|(name, _)| !name.is_empty() && !entry.contains('\0'));
        let (name, value) = pair.ok_or_else(|| {
            Kind::BadInput.error(format!("containers.conf: env {entry:?} of [engine] is not NAME=VALUE"))
        })?;
        if std::env::var_os(name).is_none() {
            process::set_variable(name, value);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scan(words: &[&str]) -> Result<Globals> {
        Globals::scan(&words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn options_end_at_the_verb() {
        let globals =
            scan(&["--root=/a", "--log-level", "debug", "-D", "--root", "/b", "ps", "--runroot", "/c"]).unwrap();
        assert_eq!((globals.length, globals.get("root"), globals.get("runroot")), (6, Some("/b"), None));
        assert_eq!(globals.all("root").collect::<Vec<_>>(), ["/a", "/b"]);
        assert!(scan(&["--root"]).is_err());
    }

    #[test]
    fn what_cannot_be_honoured_is_refused() {
        for good in [&["--runtime", "/usr/bin/crun"][..], &["--remote=false"], &["--storage-driver=overlay"]] {
            assert!(scan(good).is_ok(), "{good:?}");
        }
        for bad in [&["--runtime", "kata"][..], &["--remote"], &["-H", "tcp://x"], &["--storage-driver", "vfs"]] {
            assert!(scan(bad).is_err(), "{bad:?}");
        }
    }
}

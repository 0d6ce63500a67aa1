//! The table of verbs: what is typed, and the file that does it.

use super::{Context, Verb};
use anyhow::Result;
use clap::{ArgMatches, Command};

/// One verb: how its command line is described, and what does it.
pub struct Entry {
    pub name: &'static str,
    pub aliases: &'static [&'static str],
    pub command: fn() -> Command,
    pub run: fn(&Context, &ArgMatches) -> Result<u8>,
}

/// A noun with verbs of its own; `verbs` gives the name under the noun and the top-level entry that does it.
struct Noun {
    name: &'static str,
    about: &'static str,
    verbs: &'static [(&'static str, &'static str)],
}

/// What the words of a command line lead to.
pub struct Found {
    pub verb: &'static Entry,
    /// The name of the verb alone, for messages.
    pub name: &'static str,
    /// As typed: `container ls`.
    pub path: String,
    /// How many words that took.
    pub words: usize,
}

macro_rules! verb {
    ($name:literal, $type:path $(, $alias:literal)*) => {
        Entry {
            name: $name,
            aliases: &[$($alias),*],
            command: || <$type as clap::Args>::augment_args(Command::new($name).max_term_width(100)),
            run: |context, matches| <$type as clap::FromArgMatches>::from_arg_matches(matches)?.run(context),
        }
    };
}

const VERBS: &[Entry] = &[
    verb!("run", super::run::Run),
    verb!("create", super::create::Create),
    verb!("start", super::start::Start),
    verb!("stop", super::stop::Stop),
    verb!("kill", super::kill::Kill),
    verb!("wait", super::wait::Wait),
    verb!("rm", super::rm::Rm),
    verb!("logs", super::logs::Logs),
    verb!("exec", super::exec::Exec),
    verb!("attach", super::attach::Attach),
    verb!("pull", super::pull::Pull),
    verb!("load", super::load::Load),
    verb!("rmi", super::rmi::Rmi),
    verb!("tag", super::tag::Tag),
    verb!("import", super::import::Import),
    verb!("unshare", super::unshare::Unshare),
];

const NOUNS: &[Noun] = &[
    Noun {
        name: "container",
        about: "Work with containers",
        verbs: &[
            ("run", "run"),
            ("create", "create"),
            ("start", "start"),
            ("stop", "stop"),
            ("kill", "kill"),
            ("wait", "wait"),
            ("rm", "rm"),
            ("logs", "logs"),
            ("exec", "exec"),
            ("attach", "attach"),
        ],
    },
    Noun {
        name: "image",
        about: "Work with images",
        verbs: &[("pull", "pull"), ("load", "load"), ("rm", "rmi"), ("tag", "tag"), ("import", "import")],
    },
];

/// Finds the verb that a command line begins with. None if there is none, for the whole tree to complain about.
pub fn find(words: &[String]) -> Option<Found> {
    let first = words.first()?;
    if let Some(verb) = entry(first) {
        return Some(Found { verb, name: verb.name, path: first.clone(), words: 1 });
    }
    let noun = NOUNS.iter().find(|noun| noun.name == first)?;
    let second = words.get(1)?;
    let by_name = noun.verbs.iter().find(|(name, _)| name == second);
    let (name, target) = by_name.or_else(|| {
        noun.verbs
            .iter()
            .find(|(_, target)| entry(target).is_some_and(|entry| entry.aliases.contains(&second.as_str())))
    })?;
    let verb = entry(target)?;
    Some(Found { verb, name, path: format!("{} {second}", noun.name), words: 2 })
}

fn entry(name: &str) -> Option<&'static Entry> {
    VERBS.iter().find(|entry| entry.name == name || entry.aliases.contains(&name))
}

/// The whole command, with every verb under its name and under its noun.
pub fn tree() -> Command {
    let mut tree = Command::new("coracle")
        .about("A container engine: one binary, no daemon, no root")
        .version(env!("CARGO_PKG_VERSION"))
        .subcommand_required(false)
        .max_term_width(100)
        .arg(clap::Arg::new("root").long("root").value_name("DIR").help("Keep images and containers in DIR"))
        .arg(
            clap::Arg::new("runroot")
                .long("runroot")
                .value_name("DIR")
                .help("Keep what is about live processes in DIR"),
        )
        .arg(
            clap::Arg::new("log-level")
                .long("log-level")
                .value_name("LEVEL")
                .hide(true)
                .help("Accepted for scripts of podman"),
        );
    for verb in VERBS {
        tree = tree.subcommand((verb.command)().visible_aliases(verb.aliases.iter().copied()));
    }
    for noun in NOUNS {
        let mut command =
            Command::new(noun.name).about(noun.about).subcommand_required(true).arg_required_else_help(true);
        for (name, target) in noun.verbs {
            if let Some(verb) = entry(target) {
                command = command.subcommand((verb.command)().name(*name));
            }
        }
        tree = tree.subcommand(command);
    }
    tree
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tree_is_sound_and_every_noun_leads_somewhere() {
        tree().debug_assert();
        for noun in NOUNS {
            for (name, target) in noun.verbs {
                assert!(entry(target).is_some(), "{} {name} leads to {target}", noun.name);
            }
        }
    }
}

//! The table of verbs: what is typed, and the file that does it.

use super::{Context, Verb};
use crate::error;
use anyhow::Result;
use clap::{Arg, ArgAction, ArgMatches, Command};

/// One verb: how its command line is described, and what does it.
pub struct Entry {
    pub name: &'static str,
    pub aliases: &'static [&'static str],
    pub command: fn() -> Command,
    pub run: fn(&Context, &ArgMatches) -> Result<u8>,
}

/// Verbs that stand together in the help.
struct Group {
    about: &'static str,
    verbs: &'static [Entry],
}

/// A noun with verbs of its own.
struct Noun {
    name: &'static str,
    about: &'static str,
    /// Verbs that are at the top too: the name under the noun, other names for it, and the name at the top.
    verbs: &'static [(&'static str, &'static [&'static str], &'static str)],
    /// Verbs that are only here.
    own: &'static [Entry],
    /// Whether users are not told of it.
    is_hidden: bool,
}

/// What the words of a command line lead to.
pub struct Found {
    pub verb: &'static Entry,
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
            command: || <$type as clap::Args>::augment_args(Command::new($name).max_term_width(100).args_override_self(true)),
            run: |context, matches| <$type as clap::FromArgMatches>::from_arg_matches(matches)?.run(context),
        }
    };
}

const GROUPS: &[Group] = &[
    Group {
        about: "Containers",
        verbs: &[
            verb!("run", super::run::Run),
            verb!("create", super::create::Create),
            verb!("start", super::start::Start),
            verb!("stop", super::stop::Stop),
            verb!("restart", super::restart::Restart),
            verb!("kill", super::kill::Kill),
            verb!("pause", super::pause::Pause),
            verb!("unpause", super::pause::Unpause),
            verb!("wait", super::wait::Wait),
            verb!("rm", super::rm::Rm),
            verb!("rename", super::rename::Rename),
            verb!("stats", super::stats::Stats),
            verb!("update", super::update::Update),
            verb!("init", super::init::Init),
            verb!("ps", super::ps::Ps),
            verb!("logs", super::logs::Logs),
            verb!("port", super::port::PortVerb),
            verb!("top", super::top::Top),
            verb!("exec", super::exec::Exec),
            verb!("attach", super::attach::Attach),
            verb!("cp", super::cp::Cp),
            verb!("diff", super::diff::Diff),
            verb!("export", super::export::Export),
            verb!("commit", super::commit::Commit),
            verb!("mount", super::mount::Mount),
            verb!("unmount", super::mount::Unmount, "umount"),
            verb!("events", super::events::Events),
        ],
    },
    Group {
        about: "Images",
        verbs: &[
            verb!("pull", super::pull::Pull),
            verb!("push", super::push::Push),
            verb!("load", super::load::Load),
            verb!("save", super::save::Save),
            verb!("images", super::images::Images),
            verb!("history", super::history::History),
            verb!("rmi", super::rmi::Rmi),
            verb!("tag", super::tag::Tag),
            verb!("untag", super::untag::Untag),
            verb!("import", super::import::Import),
            verb!("search", super::search::Search),
            verb!("login", super::login::Login),
            verb!("logout", super::logout::Logout),
        ],
    },
    Group {
        about: "More",
        verbs: &[
            verb!("inspect", super::inspect::Inspect),
            verb!("info", super::info::Info),
            verb!("version", super::version::Version),
            verb!("unshare", super::unshare::Unshare),
            verb!("completion", super::completion::Completion),
        ],
    },
];

const NOUNS: &[Noun] = &[
    Noun {
        name: "container",
        about: "Work with containers",
        verbs: &[
            ("run", &[], "run"),
            ("create", &[], "create"),
            ("start", &[], "start"),
            ("stop", &[], "stop"),
            ("restart", &[], "restart"),
            ("kill", &[], "kill"),
            ("pause", &[], "pause"),
            ("unpause", &[], "unpause"),
            ("wait", &[], "wait"),
            ("rm", &[], "rm"),
            ("rename", &[], "rename"),
            ("stats", &[], "stats"),
            ("update", &[], "update"),
            ("init", &[], "init"),
            ("ls", &["list", "ps"], "ps"),
            ("logs", &[], "logs"),
            ("port", &[], "port"),
            ("top", &[], "top"),
            ("exec", &[], "exec"),
            ("attach", &[], "attach"),
            ("cp", &[], "cp"),
            ("export", &[], "export"),
            ("commit", &[], "commit"),
            ("mount", &[], "mount"),
            ("unmount", &["umount"], "unmount"),
        ],
        own: &[
            verb!("inspect", super::inspect::ContainerInspect),
            verb!("diff", super::diff::ContainerDiff),
            verb!("clone", super::clone::Clone),
            verb!("exists", super::exists::Exists),
            verb!("prune", super::prune::Prune),
            verb!("cleanup", super::prune::Cleanup),
        ],
        is_hidden: false,
    },
    Noun {
        name: "healthcheck",
        about: "Look after the health of containers",
        verbs: &[],
        own: &[verb!("run", super::healthcheck::HealthcheckRun)],
        is_hidden: false,
    },
    Noun {
        name: "image",
        about: "Work with images",
        verbs: &[
            ("pull", &[], "pull"),
            ("push", &[], "push"),
            ("load", &[], "load"),
            ("save", &[], "save"),
            ("ls", &["list"], "images"),
            ("history", &[], "history"),
            ("rm", &[], "rmi"),
            ("tag", &[], "tag"),
            ("untag", &[], "untag"),
            ("import", &[], "import"),
            ("search", &[], "search"),
        ],
        own: &[
            verb!("inspect", super::inspect::ImageInspect),
            verb!("diff", super::diff::ImageDiff),
            verb!("copy", super::image_copy::ImageCopy),
            verb!("exists", super::image_exists::ImageExists),
            verb!("import-from", super::image_import_from::ImageImportFrom),
            verb!("prune", super::image_prune::ImagePrune),
            verb!("sign", super::image_sign::ImageSign),
            verb!("sync", super::image_sync::ImageSync),
            verb!("tree", super::image_tree::ImageTree),
            verb!("trust", super::image_trust::ImageTrust),
            verb!("mount", super::image_mount::ImageMount),
            verb!("unmount", super::image_mount::ImageUnmount, "umount"),
        ],
        is_hidden: false,
    },
    Noun {
        name: "manifest",
        about: "Work with lists of images",
        verbs: &[],
        own: &[
            verb!("create", super::manifest::change::Create),
            verb!("add", super::manifest::change::Add),
            verb!("annotate", super::manifest::change::Annotate),
            verb!("remove", super::manifest::change::Remove),
            verb!("inspect", super::manifest::Inspect),
            verb!("push", super::manifest::push::Push),
            verb!("rm", super::manifest::Rm),
            verb!("exists", super::manifest::Exists),
        ],
        is_hidden: false,
    },
    Noun {
        name: "artifact",
        about: "Work with artifacts: files that go through registries",
        verbs: &[],
        own: &[
            verb!("add", super::artifact::Add),
            verb!("ls", super::artifact::show::Ls, "list"),
            verb!("inspect", super::artifact::show::Inspect),
            verb!("pull", super::artifact::transfer::Pull),
            verb!("push", super::artifact::transfer::Push),
            verb!("rm", super::artifact::Rm, "remove"),
            verb!("extract", super::artifact::Extract),
        ],
        is_hidden: false,
    },
    Noun {
        name: "volume",
        about: "Work with volumes",
        verbs: &[],
        own: &[
            verb!("create", super::volume::create::Create),
            verb!("ls", super::volume::ls::Ls, "list"),
            verb!("inspect", super::volume::Inspect),
            verb!("rm", super::volume::remove::Rm, "remove"),
            verb!("prune", super::volume::remove::Prune),
            verb!("exists", super::volume::Exists),
            verb!("export", super::volume::transfer::Export),
            verb!("import", super::volume::transfer::Import),
            verb!("mount", super::volume::mount::Mount),
            verb!("unmount", super::volume::mount::Unmount),
        ],
        is_hidden: false,
    },
    Noun {
        name: "network",
        about: "Work with networks",
        verbs: &[],
        own: &[
            verb!("create", super::network::create::Create),
            verb!("ls", super::network::ls::Ls, "list"),
            verb!("inspect", super::network::Inspect),
            verb!("rm", super::network::remove::Rm, "remove"),
            verb!("prune", super::network::remove::Prune),
            verb!("exists", super::network::Exists),
            verb!("connect", super::network::connect::Connect),
            verb!("disconnect", super::network::connect::Disconnect),
            verb!("update", super::network::update::Update),
            verb!("reload", super::network::update::Reload),
        ],
        is_hidden: false,
    },
    Noun {
        name: "secret",
        about: "Work with secrets",
        verbs: &[],
        own: &[
            verb!("create", super::secret::Create),
            verb!("ls", super::secret::Ls, "list"),
            verb!("inspect", super::secret::Inspect),
            verb!("rm", super::secret::Rm, "remove"),
            verb!("exists", super::secret::Exists),
        ],
        is_hidden: false,
    },
    Noun {
        name: "system",
        about: "Look after the engine",
        verbs: &[("info", &[], "info"), ("events", &[], "events")],
        own: &[
            verb!("check", super::system_check::SystemCheck),
            verb!("df", super::system_df::SystemDf),
            verb!("prune", super::system_prune::SystemPrune),
            verb!("reset", super::system_reset::SystemReset),
        ],
        is_hidden: false,
    },
    Noun {
        name: "internal",
        about: "What building the engine takes",
        verbs: &[],
        own: &[verb!("man", super::completion::Man), verb!("options", super::completion::Options)],
        is_hidden: true,
    },
];

/// Finds the verb that a command line begins with. None if there is none, for the whole tree to complain about.
pub fn find(words: &[String]) -> Option<Found> {
    let first = words.first()?;
    if let Some(verb) = entry(first) {
        return Some(Found { verb, path: first.clone(), words: 1 });
    }
    let noun = NOUNS.iter().find(|noun| noun.name == first)?;
    let second = words.get(1)?;
    let verb = noun.find(second)?;
    Some(Found { verb, path: format!("{} {second}", noun.name), words: 2 })
}

impl Noun {
    fn find(&self, name: &str) -> Option<&'static Entry> {
        let known = |(own, aliases, _): &&(&str, &[&str], &str)| *own == name || aliases.contains(&name);
        match self.verbs.iter().find(known) {
            Some((_, _, target)) => entry(target),
            None => self.own.iter().find(|entry| entry.name == name || entry.aliases.contains(&name)),
        }
    }

    fn names(&self) -> impl Iterator<Item = &'static str> {
        self.verbs.iter().map(|(name, ..)| *name).chain(self.own.iter().map(|entry| entry.name))
    }

    fn command(&self) -> Command {
        let mut command =
            Command::new(self.name).about(self.about).subcommand_required(true).arg_required_else_help(true);
        for (name, aliases, target) in self.verbs {
            if let Some(verb) = entry(target) {
                command = command.subcommand((verb.command)().name(*name).visible_aliases(aliases.iter().copied()));
            }
        }
        for verb in self.own {
            command = command.subcommand((verb.command)().visible_aliases(verb.aliases.iter().copied()));
        }
        command
    }
}

/// The name most like `word`, which no verb has where it stands in `words`: behind a noun, or alone.
pub fn nearest(words: &[String], word: &str) -> Option<&'static str> {
    match NOUNS.iter().find(|noun| words.first().is_some_and(|first| noun.name == first)) {
        Some(noun) => error::nearest(word, noun.names()),
        None => error::nearest(word, verbs().map(|entry| entry.name).chain(NOUNS.iter().map(|noun| noun.name))),
    }
}

fn verbs() -> impl Iterator<Item = &'static Entry> {
    GROUPS.iter().flat_map(|group| group.verbs)
}

fn entry(name: &str) -> Option<&'static Entry> {
    verbs().find(|entry| entry.name == name || entry.aliases.contains(&name))
}

/// The whole command, with every verb under its name and under its noun.
pub fn tree() -> Command {
    let mut tree = super::globals::before(Command::new("coracle"))
        .about(env!("CARGO_PKG_DESCRIPTION"))
        // Printed behind the name: `coracle version 1.2.3`, as podman and docker say it.
        .version(concat!("version ", env!("CARGO_PKG_VERSION")))
        .disable_version_flag(true)
        .help_template(help_template())
        .subcommand_required(false)
        .max_term_width(100)
        .arg(
            Arg::new("version")
                .short('v')
                .short_alias('V')
                .long("version")
                .action(ArgAction::Version)
                .help("Print the version"),
        );
    for verb in verbs() {
        tree = tree.subcommand((verb.command)().visible_aliases(verb.aliases.iter().copied()));
    }
    for noun in NOUNS.iter().filter(|noun| !noun.is_hidden) {
        tree = tree.subcommand(noun.command());
    }
    tree
}

/// clap does not group subcommands, so their list is part of the template.
fn help_template() -> String {
    let mut text = "{about}\n\n{usage-heading} {usage}\n".to_owned();
    let line = |name: &str, about: &str| format!("  {name:<12}{about}\n");
    for group in GROUPS {
        text.push_str(&format!("\n{}:\n", group.about));
        for verb in group.verbs {
            let about = (verb.command)().get_about().map(ToString::to_string).unwrap_or_default();
            text.push_str(&line(verb.name, &about));
        }
    }
    text.push_str("\nBy noun:\n");
    for noun in NOUNS.iter().filter(|noun| !noun.is_hidden) {
        text.push_str(&line(noun.name, &noun.names().collect::<Vec<_>>().join(", ")));
    }
    text + "\nOptions:\n{options}\n\nSee coracle COMMAND --help for the options of a command."
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tree_is_sound_and_every_noun_leads_somewhere() {
        tree().debug_assert();
        for noun in NOUNS {
            for (name, aliases, target) in noun.verbs {
                assert!(entry(target).is_some(), "{} {name} leads to {target}", noun.name);
                assert!(aliases.iter().chain([name]).all(|name| noun.find(name).is_some()));
            }
        }
    }

    #[test]
    fn every_verb_and_option_has_a_sentence() {
        fn check(command: &Command) {
            let name = command.get_name();
            assert!(command.get_about().is_some(), "{name} says nothing about itself");
            for argument in command.get_arguments() {
                let help = argument.get_help().map(ToString::to_string).unwrap_or_default();
                let id = argument.get_id();
                assert!(help.starts_with(|first: char| first.is_uppercase()), "{name} {id}: {help:?}");
                assert!(!help.ends_with('.'), "{name} {id}: {help:?}");
            }
            command.get_subcommands().for_each(check);
        }
        check(&tree());
    }
}

//! `-p8080:80`, `-e=NAME=value`, `--rm=true`: what podman and docker take in one word, taken apart before clap sees it.
//!
//! Where the last words of a command line belong to the container, clap takes a cluster with any letter that is no option
//! for the first of them; and a flag has no value for it.

use clap::{Arg, Command};

/// Takes apart the options in front of the first word that is none.
pub fn take_apart(command: &Command, words: &[String]) -> Vec<String> {
    let mut apart = Vec::with_capacity(words.len() + 1);
    let mut rest = words.iter();
    while let Some(word) = rest.next() {
        let is_option = word.starts_with('-') && word != "-" && word != "--";
        let Some(Taken { words, wants_more }) = is_option.then(|| take(command, word)).flatten() else {
            apart.push(word.clone());
            break;
        };
        apart.extend(words);
        apart.extend(rest.by_ref().take(usize::from(wants_more)).cloned());
    }
    apart.extend(rest.cloned());
    apart
}

/// One word, taken apart, and whether its value is the next one.
struct Taken {
    words: Vec<String>,
    wants_more: bool,
}

/// None for an option that is not known.
fn take(command: &Command, word: &str) -> Option<Taken> {
    let find = |is_it: &dyn Fn(&Arg) -> bool| command.get_arguments().find(|argument| is_it(argument));
    if let Some(long) = word.strip_prefix("--") {
        let (name, value) = long.split_once('=').map_or((long, None), |(name, value)| (name, Some(value)));
        let names = |argument: &Arg| {
            argument.get_long() == Some(name)
                || argument.get_all_aliases().is_some_and(|aliases| aliases.contains(&name))
        };
        let argument = find(&names)?;
        return Some(match value {
            Some(value) if !has_value(argument) => flag(format!("--{name}"), value, word),
            Some(_) => Taken { words: vec![word.to_owned()], wants_more: false },
            None => Taken { words: vec![word.to_owned()], wants_more: has_value(argument) && !is_optional(argument) },
        });
    }
    let cluster = &word[1..];
    for (at, letter) in cluster.char_indices() {
        let names = |argument: &Arg| {
            argument.get_short() == Some(letter)
                || argument.get_all_short_aliases().is_some_and(|aliases| aliases.contains(&letter))
        };
        let argument = find(&names)?;
        let (option, value) = cluster.split_at(at + letter.len_utf8());
        if is_optional(argument) {
            break;
        }
        if has_value(argument) {
            let words = match value {
                "" => vec![word.to_owned()],
                value => vec![format!("-{option}"), value.strip_prefix('=').unwrap_or(value).to_owned()],
            };
            return Some(Taken { words, wants_more: value.is_empty() });
        }
        if let Some(value) = value.strip_prefix('=') {
            return Some(flag(format!("-{option}"), value, word));
        }
    }
    Some(Taken { words: vec![word.to_owned()], wants_more: false })
}

/// A flag with a number of values has one too: `--tls-verify=false`.
fn has_value(argument: &Arg) -> bool {
    argument.get_action().takes_values() || argument.get_num_args().is_some_and(|range| range.takes_values())
}

/// Whether the option stands for itself where no value is glued to it.
fn is_optional(argument: &Arg) -> bool {
    argument.is_require_equals_set()
}

/// A flag that is told to be on, or to be off as it is without a word. Anything else is left for clap to complain about.
fn flag(name: String, value: &str, word: &str) -> Taken {
    let words = match value {
        "true" | "1" | "t" | "T" | "TRUE" | "True" => vec![name],
        "false" | "0" | "f" | "F" | "FALSE" | "False" => Vec::new(),
        _ => vec![word.to_owned()],
    };
    Taken { words, wants_more: false }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::ArgAction;

    #[test]
    fn words_come_apart_up_to_the_first_that_is_no_option() {
        let command = Command::new("x")
            .arg(Arg::new("env").short('e').long("env"))
            .arg(Arg::new("publish").short('p'))
            .arg(Arg::new("tty").short('t').long("tty").action(ArgAction::SetTrue))
            .arg(Arg::new("interactive").short('i').action(ArgAction::SetTrue))
            .arg(Arg::new("proxy").long("proxy").require_equals(true).num_args(0..=1))
            .arg(
                Arg::new("verify")
                    .short('v')
                    .long("verify")
                    .require_equals(true)
                    .num_args(0..=1)
                    .action(ArgAction::SetTrue),
            );
        for (typed, apart) in [
            ("-eA=1 image -eB", "-e A=1 image -eB"),
            ("-e=A=1 -p80:80", "-e A=1 -p 80:80"),
            ("-itp 80 image", "-itp 80 image"),
            ("-ite=A=1", "-ite A=1"),
            ("-e -t image -t=true", "-e -t image -t=true"),
            ("--tty=true --tty=false --tty=maybe -t=1", "--tty --tty=maybe -t"),
            ("--env A --env=B --proxy --proxy=x image", "--env A --env=B --proxy --proxy=x image"),
            ("--verify=false --verify image", "--verify=false --verify image"),
            ("-v=false -v -tv=true -p80 image", "-v=false -v -tv=true -p 80 image"),
            ("-x -eA", "-x -eA"),
            ("-- -eA", "-- -eA"),
        ] {
            let words: Vec<String> = typed.split(' ').map(str::to_owned).collect();
            assert_eq!(take_apart(&command, &words).join(" "), apart);
        }
    }
}

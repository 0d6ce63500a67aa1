//! `--filter KEY=VALUE`: what is asked, parsed once, then compared.

mod containers;
mod images;
mod networks;

pub use containers::Containers;
pub use images::{Images, is_named};
pub use networks::Networks;

use super::time::{self, Bound};
use crate::error::{self, Kind};
use anyhow::{Context, Result};
use regex_lite::{Regex, RegexBuilder};
use std::collections::{BTreeMap, HashMap};
use std::time::SystemTime;

/// `KEY` or `KEY=VALUE`.
#[derive(Debug)]
pub struct Label {
    key: String,
    value: Option<String>,
}

impl Label {
    pub fn parse(text: &str) -> Self {
        match text.split_once('=') {
            Some((key, value)) => Self { key: key.to_owned(), value: Some(value.to_owned()) },
            None => Self { key: text.to_owned(), value: None },
        }
    }

    /// A star in the key stands for any characters, and an empty value for any value, as in podman.
    pub fn is_in(&self, labels: &BTreeMap<String, String>) -> bool {
        let has_value =
            |value: &String| self.value.as_ref().is_none_or(|wanted| wanted.is_empty() || wanted == value);
        if self.key.contains('*') {
            let key = format!("*{}*", self.key);
            return labels.iter().any(|(label, value)| has_value(value) && fits(&key, label));
        }
        labels.get(&self.key).is_some_and(has_value)
    }
}

/// A regular expression; a plain word, tied to its ends by `^` and `$` or not, is compared without one.
#[derive(Debug)]
enum Pattern {
    Word { text: String, at_start: bool, at_end: bool },
    Expression(Regex),
}

/// How much memory a compiled expression may take.
const EXPRESSION_BYTES_MAX: usize = 1 << 20;

impl Pattern {
    fn parse(text: &str) -> Result<Self> {
        let inner = text.strip_prefix('^').unwrap_or(text);
        let at_start = inner.len() < text.len();
        let (inner, at_end) = inner.strip_suffix('$').map_or((inner, false), |inner| (inner, true));
        if inner.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-/:".contains(&byte)) {
            return Ok(Self::Word { text: inner.to_owned(), at_start, at_end });
        }
        let compiled = RegexBuilder::new(text).size_limit(EXPRESSION_BYTES_MAX).build();
        let compiled = compiled.map_err(|error| {
            // The text draws where the error is, over several lines; the last line says what it is.
            let message = error.to_string();
            let cause = message.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned();
            Kind::BadInput.error(format!("regular expression {text:?}: {cause}"))
        })?;
        Ok(Self::Expression(compiled))
    }

    fn is_in(&self, name: &str) -> bool {
        match self {
            Self::Word { text, at_start: true, at_end: true } => name == text,
            Self::Word { text, at_start: true, at_end: false } => name.starts_with(text),
            Self::Word { text, at_start: false, at_end: true } => name.ends_with(text),
            Self::Word { text, at_start: false, at_end: false } => name.contains(text),
            Self::Expression(expression) => expression.is_match(name),
        }
    }
}

/// The time before which something must have been made: a point in time, or so long ago.
fn until(values: &[&str]) -> Result<SystemTime> {
    let [value] = values else {
        return Err(Kind::BadInput.error("filter until: give it once"));
    };
    time::parse_time(value, Bound::Since, SystemTime::now()).context("filter until")
}

fn truth(key: &str, text: &str) -> Result<bool> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "1" | "t" => Ok(true),
        "false" | "0" | "f" => Ok(false),
        _ => Err(Kind::BadInput.error(format!("filter {key}={text}: it is true or false"))),
    }
}

/// Whether a shell pattern fits a whole text: `*` and `?` stand for anything but a slash. Takes time proportional to
/// the product of the lengths, however many stars there are.
fn fits(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
    let (mut at, mut here) = (0, 0);
    // Where the last star stands, and how far the text is that it has taken.
    let mut star: Option<(usize, usize)> = None;
    while here < text.len() {
        match pattern.get(at) {
            Some('*') => {
                star = Some((at, here));
                at += 1;
                continue;
            }
            Some('?') if text[here] != '/' => (at, here) = (at + 1, here + 1),
            Some(letter) if *letter == text[here] => (at, here) = (at + 1, here + 1),
            Some(_) | None => match star {
                Some((place, taken)) if text[taken] != '/' => {
                    star = Some((place, taken + 1));
                    (at, here) = (place + 1, taken + 1);
                }
                Some(_) | None => return false,
            },
        }
    }
    pattern[at..].iter().all(|letter| *letter == '*')
}

/// The filters by key, in the order in which the keys came.
pub fn grouped(filters: &[String]) -> Result<Vec<(&str, Vec<&str>)>> {
    let mut groups: Vec<(&str, Vec<&str>)> = Vec::new();
    let mut places: HashMap<&str, usize> = HashMap::new();
    for filter in filters {
        let Some((key, value)) = filter.split_once('=') else {
            return Err(Kind::BadInput.hinted(format!("filter {filter:?} has no value"), "write it as KEY=VALUE"));
        };
        let place = *places.entry(key).or_insert_with(|| {
            groups.push((key, Vec::new()));
            groups.len() - 1
        });
        groups[place].1.push(value);
    }
    Ok(groups)
}

/// A key that is none of these, which a comma and a space divide.
pub fn unknown(key: &str, known: &str) -> anyhow::Error {
    let message = format!("unknown filter {key:?}: the filters are {known}");
    match error::nearest(key, known.split(", ")) {
        Some(near) => Kind::BadInput.hinted(message, format!("did you mean {near}?")),
        None => Kind::BadInput.error(message),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_match_in_part_or_by_expression() {
        let table = [
            ("eb", true),
            ("^web", true),
            ("^eb", false),
            ("b1$", true),
            ("^web1$", true),
            ("w.*1", true),
            ("^w.b$", false),
            ("(eb|ab)1", true),
            (r"\d$", true),
            ("[a", false),
        ];
        for (filter, fitting) in table {
            assert_eq!(Pattern::parse(filter).is_ok_and(|pattern| pattern.is_in("web1")), fitting, "{filter}");
        }
        let message = Pattern::parse("a[").unwrap_err().to_string();
        assert!(message.contains("a[") && !message.contains('\n'), "{message}");
        // An expression that would take much memory is refused.
        assert!(Pattern::parse("((a{100}){100}){100}").is_err());
    }

    #[test]
    fn labels_match_as_podmans() {
        let labels = [("a.b".to_owned(), "1".to_owned()), ("c".to_owned(), String::new())].into();
        for (filter, fitting) in [
            ("a.b", true),
            ("a.b=1", true),
            ("a.b=2", false),
            ("a.b=", true),
            ("a*", true),
            ("*b=1", true),
            ("c=1", false),
            ("d", false),
        ] {
            assert_eq!(Label::parse(filter).is_in(&labels), fitting, "{filter}");
        }
    }

    #[test]
    fn filters_are_grouped_by_key() {
        let filters = ["a=1".to_owned(), "b=2".to_owned(), "a=3=4".to_owned()];
        assert_eq!(grouped(&filters).unwrap(), [("a", vec!["1", "3=4"]), ("b", vec!["2"])]);
    }
}

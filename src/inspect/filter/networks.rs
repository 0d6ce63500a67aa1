//! `--filter` for networks.

use super::{Label, Pattern, grouped, truth, unknown, until};
use crate::error::Kind;
use crate::inspect::time::unix_nanos;
use crate::network::definition::Definition;
use anyhow::Result;

const KEYS: &str = "dangling, driver, id, label, label!, name, scope, type, until";
const PRUNE_KEYS: &str = "label, label!, until";

/// The conditions on networks: all must hold, each by any of its values (all of them for labels).
#[derive(Debug, Default)]
pub struct Networks {
    conditions: Vec<Condition>,
}

#[derive(Debug)]
enum Condition {
    Dangling(bool),
    Driver(Vec<Pattern>),
    Id(Vec<Pattern>),
    Label(Label),
    NoLabel(Label),
    Name(Vec<Pattern>),
    /// docker's: whether it is there without having been made.
    Builtin(bool),
    /// docker's: where it reaches, which is here alone.
    Scope(Vec<String>),
    /// Nanoseconds since 1970.
    Until(u64),
}

impl Networks {
    pub fn parse(filters: &[String]) -> Result<Self> {
        Self::parse_keys(filters, KEYS)
    }

    /// The filters of a removal, which are fewer.
    pub fn parse_for_prune(filters: &[String]) -> Result<Self> {
        Self::parse_keys(filters, PRUNE_KEYS)
    }

    fn parse_keys(filters: &[String], keys: &str) -> Result<Self> {
        let mut conditions = Vec::new();
        for (key, values) in grouped(filters)? {
            if !keys.split(", ").any(|known| known == key) {
                return Err(unknown(key, keys));
            }
            let patterns = || values.iter().map(|text| Pattern::parse(text)).collect::<Result<Vec<_>>>();
            let last = values.last().copied().unwrap_or_default();
            match key {
                "dangling" => conditions.push(Condition::Dangling(truth(key, last)?)),
                "driver" => conditions.push(Condition::Driver(patterns()?)),
                // A part of an id is its front.
                "id" => {
                    let fronts =
                        values.iter().map(|text| Pattern::parse(&format!("^{}", text.trim_start_matches('^'))));
                    conditions.push(Condition::Id(fronts.collect::<Result<_>>()?));
                }
                "label" => conditions.extend(values.iter().map(|text| Condition::Label(Label::parse(text)))),
                "label!" => conditions.extend(values.iter().map(|text| Condition::NoLabel(Label::parse(text)))),
                "name" => conditions.push(Condition::Name(patterns()?)),
                "scope" => conditions.push(Condition::Scope(values.iter().map(|text| (*text).to_owned()).collect())),
                "type" => conditions.push(Condition::Builtin(match last {
                    "builtin" => true,
                    "custom" => false,
                    _ => return Err(Kind::BadInput.error(format!("filter type={last}: it is builtin or custom"))),
                })),
                "until" => {
                    let until = u64::try_from(unix_nanos(until(&values)?)).unwrap_or(0);
                    conditions.push(Condition::Until(until));
                }
                _ => return Err(unknown(key, keys)),
            }
        }
        Ok(Self { conditions })
    }

    /// Whether a network fits, which containers are on or not.
    pub fn match_network(&self, network: &Definition, is_used: bool, is_default: bool) -> bool {
        let any = |patterns: &[Pattern], text: &str| patterns.iter().any(|pattern| pattern.is_in(text));
        self.conditions.iter().all(|condition| match condition {
            Condition::Dangling(dangling) => *dangling != is_used,
            Condition::Driver(patterns) => any(patterns, network.driver.name()),
            Condition::Id(patterns) => any(patterns, &network.id),
            Condition::Label(label) => label.is_in(&network.labels),
            Condition::NoLabel(label) => !label.is_in(&network.labels),
            Condition::Name(patterns) => any(patterns, &network.name),
            Condition::Builtin(builtin) => *builtin == is_default,
            Condition::Scope(scopes) => scopes.iter().any(|scope| scope == "local"),
            Condition::Until(time) => network.created < *time,
        })
    }

    /// Whether any condition asks who uses a network.
    pub fn asks_usage(&self) -> bool {
        self.conditions.iter().any(|condition| matches!(condition, Condition::Dangling(_)))
    }
}

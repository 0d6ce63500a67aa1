//! `--filter` for images.

use super::{Label, fits, grouped, truth, unknown, until};
use crate::container::config::Source;
use crate::container::state;
use crate::engine::Engine;
use crate::image::reference::Reference;
use crate::image::{self, Summary};
use crate::inspect::image::created;
use crate::store::digest::Digest;
use anyhow::Result;
use std::collections::HashSet;
use std::time::SystemTime;

const KEYS: &str = "after, before, containers, dangling, digest, id, intermediate, label, label!, manifest, readonly, reference, since, until";

/// The conditions on images.
#[derive(Debug, Default)]
pub struct Images {
    conditions: Vec<ImageCondition>,
}

#[derive(Debug)]
enum ImageCondition {
    Before(SystemTime),
    /// Whether containers were made from it; these are the images that have some.
    Containers(bool, HashSet<Digest>),
    Dangling(bool),
    ReadOnly(bool),
    Digest(Vec<String>),
    Id(Vec<String>),
    Label(Label),
    NoLabel(Label),
    /// What no image here is.
    Never(bool),
    Reference(Vec<String>),
    Since(SystemTime),
}

impl Images {
    /// Parses the filters. Images that they name are looked up.
    pub fn parse(engine: &Engine, filters: &[String]) -> Result<Self> {
        let mut conditions = Vec::new();
        for (key, values) in grouped(filters)? {
            conditions.extend(image_conditions(engine, key, values)?);
        }
        Ok(Self { conditions })
    }

    /// Whether an image fits; its configuration is read only if its labels matter.
    pub fn match_image(&self, engine: &Engine, summary: &Summary) -> Result<bool> {
        for condition in &self.conditions {
            if !condition.holds(engine, summary)? {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

fn image_conditions(engine: &Engine, key: &str, values: Vec<&str>) -> Result<Vec<ImageCondition>> {
    use ImageCondition as Condition;
    let made = |name: &&str| -> Result<SystemTime> {
        let image = image::find(engine, name)?;
        Ok(created(&image.config.created).unwrap_or(SystemTime::UNIX_EPOCH))
    };
    let truths = values.iter();
    let owned = || values.iter().map(|text| (*text).to_owned()).collect();
    match key {
        "before" => {
            let times = values.iter().map(made).collect::<Result<Vec<_>>>()?;
            Ok(times.into_iter().min().map(Condition::Before).into_iter().collect())
        }
        "since" | "after" => {
            let times = values.iter().map(made).collect::<Result<Vec<_>>>()?;
            Ok(times.into_iter().max().map(Condition::Since).into_iter().collect())
        }
        "dangling" => truths.map(|text| truth(key, text).map(Condition::Dangling)).collect(),
        "containers" => {
            let mut used = HashSet::new();
            for container in state::list(engine)? {
                if let Source::Image(image) = container.config.source {
                    used.insert(image.id);
                }
            }
            truths.map(|text| Ok(Condition::Containers(truth(key, text)?, used.clone()))).collect()
        }
        "digest" => Ok(vec![Condition::Digest(owned())]),
        "id" => Ok(vec![Condition::Id(owned())]),
        // Images stay as they were made, nothing lies between them, and a list of images is kept as the one chosen.
        "intermediate" | "manifest" => truths.map(|text| truth(key, text).map(Condition::Never)).collect(),
        "readonly" => truths.map(|text| truth(key, text).map(Condition::ReadOnly)).collect(),
        "label" => Ok(values.iter().map(|text| Condition::Label(Label::parse(text))).collect()),
        "label!" => Ok(values.iter().map(|text| Condition::NoLabel(Label::parse(text))).collect()),
        "reference" => Ok(vec![Condition::Reference(owned())]),
        "until" => Ok(vec![Condition::Before(until(&values)?)]),
        _ => Err(unknown(key, KEYS)),
    }
}

impl ImageCondition {
    fn holds(&self, engine: &Engine, summary: &Summary) -> Result<bool> {
        // A list has no labels.
        let labels = || match image::list::is_index(engine, &summary.manifest) {
            true => Ok(Default::default()),
            false => image::open(engine, summary.clone()).map(|image| image.config.config.labels),
        };
        let made = || created(&summary.created).unwrap_or(SystemTime::UNIX_EPOCH);
        Ok(match self {
            Self::Before(time) => made() < *time,
            Self::Since(time) => made() > *time,
            Self::Containers(wanted, used) => used.contains(&summary.id) == *wanted,
            Self::Digest(prefixes) => prefixes.iter().any(|prefix| summary.manifest.to_string().starts_with(prefix)),
            Self::Id(prefixes) => prefixes
                .iter()
                .any(|prefix| summary.id.hex().starts_with(prefix.strip_prefix("sha256:").unwrap_or(prefix))),
            Self::Never(wanted) => !wanted,
            Self::ReadOnly(read_only) => summary.read_only == *read_only,
            Self::Dangling(dangling) => summary.references.is_empty() == *dangling,
            Self::Label(label) => label.is_in(&labels()?),
            Self::NoLabel(label) => !label.is_in(&labels()?),
            Self::Reference(patterns) => {
                summary.references.iter().any(|name| patterns.iter().any(|pattern| is_named(name, pattern)))
            }
        })
    }
}

/// Whether a pattern fits an image's name, written out as far as the user cared to: with or without the registry, the
/// directories and the tag.
pub fn is_named(name: &str, pattern: &str) -> bool {
    let Ok(reference) = Reference::parse_repository(name) else { return false };
    let bare = reference.name();
    let ending = &name[bare.len().min(name.len())..];
    let last = reference.repository.rsplit('/').next().unwrap_or_default();
    [bare.as_str(), &reference.repository, last]
        .iter()
        .any(|part| fits(pattern, part) || fits(pattern, &format!("{part}{ending}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_fit_whole_parts_of_names() {
        let name = "quay.io/team/app:1.0";
        for pattern in
            [name, "quay.io/team/app", "team/app", "team/app:1.0", "app", "app:1.?", "*pp*", "quay.io/*/app", "a*:*"]
        {
            assert!(is_named(name, pattern), "{pattern}");
        }
        for pattern in ["", "ap", "quay.io/*", "*/*/*/*", "app:2*", "team/*p:", "quay.io/team/app:1.0 "] {
            assert!(!is_named(name, pattern), "{pattern}");
        }
        assert!(is_named("localhost:5000/x", "x") && !is_named("localhost:5000/x", "localhost"));
        assert!(!fits(&"*a".repeat(200), &"b".repeat(20_000)));
    }
}

//! `--filter KEY=VALUE` for containers and images: what is asked, parsed once, then compared.

use super::image::created;
use crate::container::config::{Config, MountKind, Restart, Source};
use crate::container::state::{self, Container, Status};
use crate::engine::Engine;
use crate::error::Kind;
use crate::image::reference::Reference;
use crate::image::{self, Summary};
use crate::store::digest::Digest;
use anyhow::Result;
use std::collections::{BTreeMap, HashMap};
use std::time::SystemTime;

const CONTAINER_KEYS: &str = "ancestor, before, exited, health, id, label, label!, name, network, restart-policy, should-start-on-boot, \
     since, status, volume";
const IMAGE_KEYS: &str = "before, dangling, label, label!, reference, since";

/// What `status=` takes besides the names of statuses that a container can have here.
const STATUS_NAMES: &str = "created, running, exited, stopped, lost, unknown";

/// The conditions on containers: all must hold, each by any of its values (all of them for labels).
#[derive(Debug, Default)]
pub struct Containers {
    conditions: Vec<ContainerCondition>,
}

#[derive(Debug)]
enum ContainerCondition {
    Ancestor(Vec<Ancestor>),
    Before(u64),
    Exited(Vec<i32>),
    Health(Vec<String>),
    Id(Vec<String>),
    Label(Label),
    NoLabel(Label),
    Name(Vec<Text>),
    Network(Vec<String>),
    RestartPolicy(Vec<String>),
    ShouldStart(bool),
    Since(u64),
    Status(Vec<String>),
    Volume(Vec<String>),
}

/// An image by which a container is looked for: the names it may have been made under, and what has them now.
#[derive(Debug)]
struct Ancestor {
    text: String,
    names: Vec<String>,
    id: Option<Digest>,
}

impl Containers {
    /// Parses the filters. Containers and images that they name are looked up.
    pub fn parse(engine: &Engine, filters: &[String]) -> Result<Self> {
        let mut conditions = Vec::new();
        for (key, values) in grouped(filters)? {
            conditions.extend(container_conditions(engine, key, values)?);
        }
        Ok(Self { conditions })
    }

    /// Whether a status is asked for, so that containers that do not run are meant too.
    pub fn name_a_status(&self) -> bool {
        self.conditions.iter().any(|condition| matches!(condition, ContainerCondition::Status(_)))
    }

    pub fn match_container(&self, container: &Container) -> bool {
        self.conditions.iter().all(|condition| condition.holds(container))
    }
}

fn container_conditions(engine: &Engine, key: &str, values: Vec<&str>) -> Result<Vec<ContainerCondition>> {
    use ContainerCondition as Condition;
    let owned = || values.iter().map(|value| (*value).to_owned()).collect::<Vec<_>>();
    let made = |name: &&str| state::find(engine, name).map(|container| container.config.created);
    let one = |condition| Ok(vec![condition]);
    match key {
        "ancestor" => one(Condition::Ancestor(values.iter().map(|text| Ancestor::find(engine, text)).collect())),
        "before" => {
            let times = values.iter().map(made).collect::<Result<Vec<_>>>()?;
            Ok(times.into_iter().min().map(Condition::Before).into_iter().collect())
        }
        "since" => {
            let times = values.iter().map(made).collect::<Result<Vec<_>>>()?;
            Ok(times.into_iter().max().map(Condition::Since).into_iter().collect())
        }
        "exited" => {
            let code = |text: &&str| {
                let bad = || Kind::BadInput.error(format!("filter exited={text}: an exit code is a number"));
                text.parse::<i32>().map_err(|_| bad())
            };
            one(Condition::Exited(values.iter().map(code).collect::<Result<_>>()?))
        }
        "health" => {
            if let Some(bad) =
                values.iter().find(|value| !["starting", "healthy", "unhealthy", "none"].contains(value))
            {
                return Err(Kind::BadInput.hinted(
                    format!("filter health={bad}: there is no such status"),
                    "use starting, healthy, unhealthy or none",
                ));
            }
            one(Condition::Health(owned()))
        }
        "id" => one(Condition::Id(owned())),
        "label" => Ok(values.iter().map(|text| Condition::Label(Label::parse(text))).collect()),
        "label!" => Ok(values.iter().map(|text| Condition::NoLabel(Label::parse(text))).collect()),
        "name" => one(Condition::Name(values.iter().map(|text| Text::parse(text)).collect::<Result<_>>()?)),
        "network" => one(Condition::Network(owned())),
        "restart-policy" => one(Condition::RestartPolicy(owned())),
        "should-start-on-boot" => {
            let wanted = match values.as_slice() {
                ["true"] => true,
                ["false"] => false,
                _ => return Err(Kind::BadInput.error(format!("filter {key} is neither true nor false"))),
            };
            one(Condition::ShouldStart(wanted))
        }
        "status" => {
            values.iter().try_for_each(|name| check_status(name))?;
            one(Condition::Status(owned()))
        }
        "volume" => one(Condition::Volume(owned())),
        _ => Err(unknown(key, CONTAINER_KEYS)),
    }
}

fn check_status(name: &str) -> Result<()> {
    match name {
        "created" | "running" | "exited" | "stopped" | "lost" | "unknown" => Ok(()),
        // States of podman that no container of this version is ever in.
        "initialized" | "configured" | "paused" | "restarting" | "removing" | "stopping" | "dead" => Ok(()),
        _ => Err(Kind::BadInput
            .hinted(format!("filter status={name}: there is no such status"), format!("use one of {STATUS_NAMES}"))),
    }
}

impl ContainerCondition {
    fn holds(&self, container: &Container) -> bool {
        let config = &container.config;
        match self {
            Self::Ancestor(ancestors) => ancestors.iter().any(|ancestor| ancestor.is_of(config)),
            Self::Before(time) => config.created < *time,
            Self::Since(time) => config.created > *time,
            Self::Exited(codes) => {
                matches!(container.status, Status::Exited | Status::Lost)
                    && codes.contains(&super::container::exit_code(container))
            }
            Self::Health(names) => {
                let status = container.health.as_ref().map_or("none", |report| report.status.name());
                names.iter().any(|name| name == status)
            }
            Self::Id(prefixes) => prefixes.iter().any(|prefix| config.id.as_str().starts_with(prefix.as_str())),
            Self::Label(label) => label.is_in(&config.labels),
            Self::NoLabel(label) => !label.is_in(&config.labels),
            Self::Name(texts) => texts.iter().any(|text| text.is_in(config.name.as_str())),
            Self::Network(names) => names.iter().any(|name| name == config.network.name()),
            Self::RestartPolicy(names) => names.iter().any(|name| name == config.restart.name()),
            Self::ShouldStart(wanted) => should_start(container) == *wanted,
            Self::Status(names) => names.iter().any(|name| has_status(container.status, name)),
            Self::Volume(names) => names.iter().any(|name| has_mount(config, name)),
        }
    }
}

/// Whether it is to be started with the machine.
fn should_start(container: &Container) -> bool {
    match container.config.restart {
        Restart::Always => true,
        Restart::UnlessStopped => !container.state.as_ref().is_some_and(|state| state.stopped_by_user),
        Restart::No | Restart::OnFailure(_) => false,
    }
}

/// One that was lost has stopped too.
fn has_status(status: Status, name: &str) -> bool {
    match status {
        Status::Created => matches!(name, "created" | "configured"),
        Status::Running => name == "running",
        Status::Exited => matches!(name, "exited" | "stopped"),
        Status::Lost => matches!(name, "exited" | "stopped" | "lost"),
        Status::Elsewhere => name == "unknown",
    }
}

fn has_mount(config: &Config, name: &str) -> bool {
    config.mounts.iter().any(|mount| {
        mount.target == name
            || match &mount.kind {
                MountKind::Bind { source } => source.as_os_str() == name,
                MountKind::Volume { name: volume, .. } => volume.as_str() == name,
                MountKind::Tmpfs { .. } => false,
            }
    })
}

impl Ancestor {
    fn find(engine: &Engine, text: &str) -> Self {
        let candidates = Reference::candidates(text).unwrap_or_default();
        // An image that is gone has left containers behind all the same.
        let id = image::find(engine, text).ok().map(|image| image.id);
        Self { text: text.to_owned(), names: candidates.iter().map(Reference::to_string).collect(), id }
    }

    fn is_of(&self, config: &Config) -> bool {
        let Source::Image(image) = &config.source else { return false };
        self.id == Some(image.id) || self.text == image.id.hex() || self.names.contains(&image.name)
    }
}

/// The conditions on images.
#[derive(Debug, Default)]
pub struct Images {
    conditions: Vec<ImageCondition>,
}

#[derive(Debug)]
enum ImageCondition {
    Before(SystemTime),
    Dangling(bool),
    Label(Label),
    NoLabel(Label),
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
    match key {
        "before" => {
            let times = values.iter().map(made).collect::<Result<Vec<_>>>()?;
            Ok(times.into_iter().min().map(Condition::Before).into_iter().collect())
        }
        "since" | "after" => {
            let times = values.iter().map(made).collect::<Result<Vec<_>>>()?;
            Ok(times.into_iter().max().map(Condition::Since).into_iter().collect())
        }
        "dangling" => {
            let truth = |text: &&str| match *text {
                "true" | "1" => Ok(Condition::Dangling(true)),
                "false" | "0" => Ok(Condition::Dangling(false)),
                _ => Err(Kind::BadInput.error(format!("filter dangling={text}: it is true or false"))),
            };
            values.iter().map(truth).collect()
        }
        "label" => Ok(values.iter().map(|text| Condition::Label(Label::parse(text))).collect()),
        "label!" => Ok(values.iter().map(|text| Condition::NoLabel(Label::parse(text))).collect()),
        "reference" => Ok(vec![Condition::Reference(values.iter().map(|text| (*text).to_owned()).collect())]),
        _ => Err(unknown(key, IMAGE_KEYS)),
    }
}

impl ImageCondition {
    fn holds(&self, engine: &Engine, summary: &Summary) -> Result<bool> {
        let labels = || Ok::<_, anyhow::Error>(image::open(engine, summary.clone())?.config.config.labels);
        let made = || created(&summary.created).unwrap_or(SystemTime::UNIX_EPOCH);
        Ok(match self {
            Self::Before(time) => made() < *time,
            Self::Since(time) => made() > *time,
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

/// `KEY` or `KEY=VALUE`.
#[derive(Debug)]
pub(super) struct Label {
    key: String,
    value: Option<String>,
}

impl Label {
    pub(super) fn parse(text: &str) -> Self {
        match text.split_once('=') {
            Some((key, value)) => Self { key: key.to_owned(), value: Some(value.to_owned()) },
            None => Self { key: text.to_owned(), value: None },
        }
    }

    pub(super) fn is_in(&self, labels: &BTreeMap<String, String>) -> bool {
        match (&self.value, labels.get(&self.key)) {
            (Some(wanted), Some(value)) => wanted == value,
            (None, Some(_)) => true,
            (_, None) => false,
        }
    }
}

/// A part of a name; `^` in front and `$` behind tie it to the ends, and no other character is special.
#[derive(Debug)]
struct Text {
    text: String,
    at_start: bool,
    at_end: bool,
}

impl Text {
    fn parse(text: &str) -> Result<Self> {
        let inner = text.strip_prefix('^').unwrap_or(text);
        let at_start = inner.len() < text.len();
        let (inner, at_end) = inner.strip_suffix('$').map_or((inner, false), |inner| (inner, true));
        // docker's names begin with a slash.
        let inner = inner.strip_prefix('/').unwrap_or(inner);
        if inner.contains(|character: char| !character.is_ascii_alphanumeric() && !"_.-".contains(character)) {
            return Err(Kind::BadInput.hinted(
                format!("filter name={text}: regular expressions are not supported"),
                "give a part of the name, tied to its ends by ^ and $",
            ));
        }
        Ok(Self { text: inner.to_owned(), at_start, at_end })
    }

    fn is_in(&self, name: &str) -> bool {
        match (self.at_start, self.at_end) {
            (true, true) => name == self.text,
            (true, false) => name.starts_with(&self.text),
            (false, true) => name.ends_with(&self.text),
            (false, false) => name.contains(&self.text),
        }
    }
}

/// The filters by key, in the order in which the keys came.
pub(super) fn grouped(filters: &[String]) -> Result<Vec<(&str, Vec<&str>)>> {
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

fn unknown(key: &str, known: &str) -> anyhow::Error {
    Kind::BadInput.error(format!("unknown filter {key:?}: the filters are {known}"))
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

    #[test]
    fn names_match_in_part_or_tied_to_their_ends() {
        for (filter, fitting) in
            [("eb", true), ("^web", true), ("^eb", false), ("b1$", true), ("^web1$", true), ("/web", true)]
        {
            assert_eq!(Text::parse(filter).unwrap().is_in("web1"), fitting, "{filter}");
        }
        assert!(Text::parse("web.*").is_err());
    }

    #[test]
    fn filters_are_grouped_and_checked() {
        let engine = crate::store::tests::Scratch::new();
        let parse = |text: &str| Containers::parse(&engine.engine, &[text.to_owned()]);
        assert!(parse("status=running").unwrap().name_a_status());
        assert!(!parse("label=a").unwrap().name_a_status());
        let message = parse("nope=1").unwrap_err().to_string();
        assert!(message.contains("ancestor") && message.contains("volume"), "{message}");
        for bad in ["name", "status=nope", "exited=x", "before=nobody"] {
            assert!(parse(bad).is_err(), "{bad}");
        }
        let filters = ["a=1".to_owned(), "b=2".to_owned(), "a=3=4".to_owned()];
        assert_eq!(grouped(&filters).unwrap(), [("a", vec!["1", "3=4"]), ("b", vec!["2"])]);
    }
}

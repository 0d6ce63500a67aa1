//! `--filter` for containers.

use super::{Label, Pattern, grouped, truth, unknown, until};
use crate::container::config::{Config, MountKind, Restart, Source};
use crate::container::state::{self, Container, Status};
use crate::engine::Engine;
use crate::error::{self, Kind};
use crate::image;
use crate::image::reference::Reference;
use crate::inspect::time::unix_nanos;
use crate::store::digest::Digest;
use anyhow::Result;

const KEYS: &str = "ancestor, annotation, before, command, exited, health, id, label, label!, name, network, pod, restart-policy, should-start-on-boot, since, status, until, volume";

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
    Annotation(Label),
    /// Made before this time, in nanoseconds since 1970.
    Before(u64),
    Command(Vec<Pattern>),
    Exited(Vec<i32>),
    Health(Vec<String>),
    Id(Vec<Pattern>),
    Label(Label),
    NoLabel(Label),
    Name(Vec<Pattern>),
    Network(Vec<String>),
    /// There are no pods, so nothing is in one.
    Pod,
    RestartPolicy(Vec<String>),
    ShouldStart(bool),
    Since(u64),
    Status(Vec<String>),
    Volume(Vec<String>),
}

/// An image by which a container is looked for: the names it may have been made under, and what has them now.
#[derive(Debug)]
struct Ancestor {
    names: Vec<String>,
    id: Option<Digest>,
    pattern: Pattern,
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
        "ancestor" => {
            one(Condition::Ancestor(values.iter().map(|text| Ancestor::find(engine, text)).collect::<Result<_>>()?))
        }
        "annotation" => Ok(values.iter().map(|text| Condition::Annotation(Label::parse(text))).collect()),
        "command" => one(Condition::Command(patterns(&values)?)),
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
        "id" => one(Condition::Id(values.iter().map(|text| id_pattern(text)).collect::<Result<_>>()?)),
        "label" => Ok(values.iter().map(|text| Condition::Label(Label::parse(text))).collect()),
        "label!" => Ok(values.iter().map(|text| Condition::NoLabel(Label::parse(text))).collect()),
        // docker's names begin with a slash.
        "name" => {
            let bare = |text: &&str| {
                text.strip_prefix("^/")
                    .map_or_else(|| text.strip_prefix('/').unwrap_or(text).to_owned(), |rest| format!("^{rest}"))
            };
            let bare: Vec<String> = values.iter().map(bare).collect();
            one(Condition::Name(patterns(&bare.iter().map(String::as_str).collect::<Vec<_>>())?))
        }
        "network" => one(Condition::Network(owned())),
        "pod" => one(Condition::Pod),
        "restart-policy" => {
            values.iter().try_for_each(|name| check_policy(name))?;
            one(Condition::RestartPolicy(owned()))
        }
        "should-start-on-boot" => {
            let [value] = values.as_slice() else {
                return Err(Kind::BadInput.error(format!("filter {key}: give it once")));
            };
            let wanted = truth(key, value)?;
            one(Condition::ShouldStart(wanted))
        }
        "status" => {
            values.iter().try_for_each(|name| check_status(name))?;
            one(Condition::Status(owned()))
        }
        "until" => one(Condition::Before(u64::try_from(unix_nanos(until(&values)?)).unwrap_or(0))),
        "volume" => one(Condition::Volume(owned())),
        _ => Err(unknown(key, KEYS)),
    }
}

fn patterns(texts: &[&str]) -> Result<Vec<Pattern>> {
    texts.iter().map(|text| Pattern::parse(text)).collect()
}

/// The beginning of an id, or an expression.
fn id_pattern(text: &str) -> Result<Pattern> {
    match text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        true => Ok(Pattern::Word { text: text.to_ascii_lowercase(), at_start: true, at_end: false }),
        false => Pattern::parse(text),
    }
}

fn check_policy(name: &str) -> Result<()> {
    match name {
        "no" | "on-failure" | "always" | "unless-stopped" => Ok(()),
        _ => Err(Kind::BadInput.hinted(
            format!("filter restart-policy={name}: there is no such policy"),
            "use one of no, on-failure, always, unless-stopped",
        )),
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
            Self::Annotation(label) => label.is_in(&config.annotations),
            Self::Ancestor(ancestors) => ancestors.iter().any(|ancestor| ancestor.is_of(config)),
            Self::Before(time) => config.created < *time,
            Self::Command(patterns) => {
                let program = config.process.entrypoint.iter().flatten().chain(&config.process.command).next();
                program.is_some_and(|program| patterns.iter().any(|pattern| pattern.is_in(program)))
            }
            Self::Since(time) => config.created > *time,
            Self::Exited(codes) => {
                matches!(container.status, Status::Exited | Status::Lost)
                    && codes.contains(&crate::inspect::container::exit_code(container))
            }
            Self::Health(names) => {
                let status = container.health.as_ref().map_or("none", |report| report.status.name());
                names.iter().any(|name| name == status)
            }
            Self::Id(patterns) => patterns.iter().any(|pattern| pattern.is_in(config.id.as_str())),
            Self::Label(label) => label.is_in(&config.labels),
            Self::NoLabel(label) => !label.is_in(&config.labels),
            Self::Name(patterns) => patterns.iter().any(|pattern| pattern.is_in(config.name.as_str())),
            Self::Network(names) => names.iter().any(|name| name == config.network.name()),
            Self::Pod => false,
            Self::RestartPolicy(names) => names.iter().any(|name| name == config.restart.name()),
            Self::ShouldStart(wanted) => should_start(container) == *wanted,
            Self::Status(names) => names.iter().any(|name| has_status(container, name)),
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
fn has_status(container: &Container, name: &str) -> bool {
    match container.status {
        Status::Running if container.state.as_ref().is_some_and(|state| state.restarting) => name == "restarting",
        Status::Created => matches!(name, "created" | "configured"),
        Status::Running => name == "running",
        Status::Paused => name == "paused",
        Status::Exited => matches!(name, "exited" | "stopped"),
        Status::Lost => matches!(name, "exited" | "stopped" | "lost"),
        Status::Elsewhere => name == "unknown",
    }
}

/// By a volume's name, a directory of the host, the place in the container, or both: `data:/srv`.
fn has_mount(config: &Config, text: &str) -> bool {
    let (source, target) = text.split_once(':').map_or((text, None), |(source, target)| (source, Some(target)));
    config.mounts.iter().any(|mount| {
        let is_from = match &mount.kind {
            MountKind::Bind { source: path, .. } => path.as_os_str() == source,
            MountKind::Volume { name, .. } => name.as_str() == source,
            MountKind::Image(_) | MountKind::Tmpfs { .. } | MountKind::Devpts(_) => false,
        };
        match target {
            Some(target) => is_from && mount.target == target,
            None => is_from || mount.target == source,
        }
    })
}

impl Ancestor {
    fn find(engine: &Engine, text: &str) -> Result<Self> {
        // An image that is gone has left containers behind all the same.
        let id = match image::find(engine, text) {
            Ok(image) => Some(image.id),
            Err(error) if error::kind(&error) == Kind::NotFound || Reference::candidates(text).is_err() => None,
            Err(error) => return Err(error),
        };
        let names = Reference::candidates(text).unwrap_or_default();
        let names = names.iter().map(Reference::to_string).collect();
        Ok(Self { names, id, pattern: Pattern::parse(text)? })
    }

    /// Besides the image itself, as podman has it: one whose name the text is a part of.
    fn is_of(&self, config: &Config) -> bool {
        let Source::Image(image) = &config.source else { return false };
        self.id == Some(image.id)
            || self.names.contains(&image.name)
            || self.pattern.is_in(&image.name)
            || image.name.strip_suffix(":latest").is_some_and(|name| self.pattern.is_in(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_are_grouped_and_checked() {
        let engine = crate::store::tests::Scratch::new();
        let parse = |text: &str| Containers::parse(&engine.engine, &[text.to_owned()]);
        assert!(parse("status=running").unwrap().name_a_status());
        assert!(!parse("label=a").unwrap().name_a_status());
        let message = parse("nope=1").unwrap_err().to_string();
        assert!(message.contains("ancestor") && message.contains("volume"), "{message}");
        for bad in ["name", "name=[", "status=nope", "exited=x", "before=nobody", "restart-policy=x", "until=never"] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}

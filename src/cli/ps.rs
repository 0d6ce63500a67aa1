//! `ps`: which containers there are.

use super::listing::{self, Shape};
use super::time::{Zone, from_unix_nanos, go_string};
use super::units::human_duration;
use super::{Context, Verb, report};
use crate::container::config::MountKind;
use crate::container::state::{self, Container, Status};
use crate::error::{self, Kind};
use crate::inspect::container::{self as view, PortRange};
use crate::inspect::filter::Containers;
use anyhow::Result;
use serde_json::{Value, json};
use std::time::Duration;

/// List containers
#[derive(clap::Args)]
pub struct Ps {
    /// Show all containers, not only those that run
    #[arg(short, long)]
    all: bool,
    /// Show only containers that fit: id, name, label, label!, status, exited, ancestor, before, since, volume, network
    #[arg(short, long, value_name = "KEY=VALUE")]
    filter: Vec<String>,
    /// Print by a Go template, as json, or by a template in columns: 'table TEMPLATE'
    #[arg(long, value_name = "TEMPLATE")]
    format: Option<String>,
    /// Show the containers that were made last, running or not: this many
    #[arg(short = 'n', long, value_name = "COUNT", allow_negative_numbers = true, conflicts_with = "latest")]
    last: Option<i64>,
    /// Show the container that was made last, running or not
    #[arg(short, long)]
    latest: bool,
    /// Do not shorten ids and commands
    #[arg(long)]
    no_trunc: bool,
    /// Do not print headings
    #[arg(long)]
    noheading: bool,
    /// Print ids alone
    #[arg(short, long)]
    quiet: bool,
    /// Order by this
    #[arg(long, value_name = "KEY", value_enum, default_value_t = Order::Created)]
    sort: Order,
    /// Show sizes (not supported yet)
    #[arg(short, long, hide = true)]
    size: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Order {
    Command,
    Created,
    Id,
    Image,
    Names,
    Runningfor,
    Size,
    Status,
}

/// How much of a command is shown, in characters, before three dots.
const COMMAND_LENGTH_MAX: usize = 17;

const HEADINGS: [&str; 7] = ["CONTAINER ID", "IMAGE", "COMMAND", "CREATED", "STATUS", "PORTS", "NAMES"];

impl Verb for Ps {
    fn run(self, context: &Context) -> Result<u8> {
        if self.size || self.sort == Order::Size {
            return Err(Kind::BadInput.error("the size of containers is not supported yet"));
        }
        let shape = Shape::parse(self.format.as_deref(), self.quiet)?;
        let containers = self.select(context)?;
        let now = state::now();
        match shape {
            Shape::Table => {
                let rows = containers.iter().map(|container| self.cells(container, now));
                listing::columns(&HEADINGS, !self.noheading, rows);
            }
            Shape::Quiet => {
                let ids: String = containers.iter().map(|container| format!("{}\n", self.id(container))).collect();
                listing::put(&ids);
            }
            Shape::Json => {
                listing::json(&containers.iter().map(|container| json_element(container, now)).collect());
            }
            Shape::Template(format) => {
                let rows: Vec<Value> = containers.iter().map(|container| self.row(container, now)).collect();
                listing::template(&format, !self.noheading, &rows, &heading)?;
            }
        }
        Ok(0)
    }
}

impl Ps {
    fn select(&self, context: &Context) -> Result<Vec<Container>> {
        let filters = Containers::parse(&context.engine, &self.filter)?;
        let (mut containers, unreadable) = state::survey(&context.engine)?;
        for error in unreadable {
            // One broken container must not hide the others.
            report("ps", &error::with_hint(error, "see coracle system check"));
        }
        let last = if self.latest { Some(1) } else { self.last.and_then(|last| usize::try_from(last).ok()) };
        let shows_all = self.all || last.is_some() || filters.name_a_status();
        containers.retain(|container| {
            (shows_all || container.status == Status::Running) && filters.match_container(container)
        });
        if let Some(last) = last {
            containers.truncate(last);
        }
        // The list comes newest first.
        containers.reverse();
        let config = |container: &Container| container.config.clone();
        match self.sort {
            Order::Created => {}
            Order::Command => containers.sort_by_cached_key(|container| config(container).process.command),
            Order::Id => containers.sort_by_cached_key(|container| config(container).id),
            Order::Image => containers.sort_by_cached_key(|container| view::image_name(&container.config).to_owned()),
            Order::Names => containers.sort_by_cached_key(|container| config(container).name),
            Order::Runningfor => containers.sort_by_key(|container| view::times(container).0),
            Order::Size | Order::Status => containers.sort_by_key(|container| container.status.name()),
        }
        Ok(containers)
    }

    fn id<'a>(&self, container: &'a Container) -> &'a str {
        let id = &container.config.id;
        if self.no_trunc { id.as_str() } else { id.short() }
    }

    fn command(&self, container: &Container) -> String {
        let command = container.config.process.command.join(" ");
        match command.char_indices().nth(COMMAND_LENGTH_MAX) {
            Some((end, _)) if !self.no_trunc => format!("{}...", &command[..end]),
            _ => command,
        }
    }

    fn cells(&self, container: &Container, now: u64) -> [String; 7] {
        let config = &container.config;
        [
            self.id(container).to_owned(),
            view::image_name(config).to_owned(),
            self.command(container),
            ago(config.created, now),
            status(container, now),
            ports(container),
            config.name.to_string(),
        ]
    }

    /// What a template sees: the words of the table and the values of `inspect`.
    fn row(&self, container: &Container, now: u64) -> Value {
        let config = &container.config;
        let created = from_unix_nanos(config.created.into()).map(|time| go_string(time, Zone::Local));
        let image_id = view::image_id(config);
        let mut row = view::summary(container);
        let words = json!({
            "ID": self.id(container),
            "ImageID": if self.no_trunc { &image_id } else { image_id.get(..12).unwrap_or_default() },
            "Command": self.command(container),
            "Created": created,
            "CreatedAt": created,
            "CreatedHuman": ago(config.created, now),
            "RunningFor": ago(config.created, now),
            "Status": status(container, now),
            "Ports": ports(container),
            "Names": config.name.as_str(),
            // docker has this one, podman has not.
            "LocalVolumes": config.mounts.iter().filter(|mount| matches!(mount.kind, MountKind::Volume { .. })).count(),
            "Networks": "",
            "Size": "",
        });
        if let (Value::Object(row), Value::Object(words)) = (&mut row, words) {
            row.extend(words);
        }
        row
    }
}

/// The headings that are not the names of their fields.
fn heading(field: &str) -> Option<String> {
    let heading = match field {
        "ID" | "Id" => "CONTAINER ID",
        "CreatedHuman" => "CREATED",
        "ImageID" => "IMAGE ID",
        _ => return None,
    };
    Some(heading.to_owned())
}

fn json_element(container: &Container, now: u64) -> Value {
    let mut element = view::summary(container);
    if let Value::Object(fields) = &mut element {
        fields.insert("CreatedAt".to_owned(), ago(container.config.created, now).into());
        fields.insert("Status".to_owned(), status(container, now).into());
    }
    element
}

/// `Up 3 seconds`, `Exited (0) 5 minutes ago`, `Created`, as podman words it. podman has no word for a container whose
/// monitor has gone without a word: nobody knows when that was, so it says when it was started.
fn status(container: &Container, now: u64) -> String {
    let (started, finished) = view::times(container);
    match container.status {
        Status::Created => "Created".to_owned(),
        Status::Running if container.state.as_ref().is_some_and(|state| state.restarting) => {
            let state = container.state.as_ref();
            let exit = state.and_then(|state| state.exit.as_ref());
            let (code, finished) = exit.map_or((0, now), |exit| (exit.code, exit.finished));
            format!("Restarting ({code}) {}", ago(finished, now))
        }
        Status::Running => {
            let health = container.health.as_ref().map(|report| format!(" ({})", report.status.name()));
            format!("Up {}{}", since(started.unwrap_or(now), now), health.unwrap_or_default())
        }
        Status::Exited => {
            let code = view::exit_code(container);
            format!("Exited ({code}) {}", ago(finished.unwrap_or(now), now))
        }
        Status::Lost => format!("Lost (started {})", ago(started.unwrap_or(now), now)),
        Status::Elsewhere => "On another machine".to_owned(),
    }
}

/// `0.0.0.0:8080->80/tcp, 127.0.0.1:9000-9001->90-91/udp`
fn ports(container: &Container) -> String {
    let texts: Vec<String> = view::port_ranges(&container.config.ports).iter().map(port_text).collect();
    texts.join(", ")
}

fn port_text(range: &PortRange) -> String {
    let first = &range.first;
    let span = |port: u16| match range.count {
        1 => port.to_string(),
        count => format!("{port}-{}", port + (count - 1)),
    };
    let address = match first.host_address {
        None => "0.0.0.0".to_owned(),
        Some(std::net::IpAddr::V4(address)) => address.to_string(),
        Some(std::net::IpAddr::V6(address)) => format!("[{address}]"),
    };
    let (outside, inside) = (span(first.host_port), span(first.container_port));
    format!("{address}:{outside}->{inside}/{}", first.protocol.name())
}

fn ago(time: u64, now: u64) -> String {
    format!("{} ago", since(time, now))
}

fn since(time: u64, now: u64) -> String {
    human_duration(Duration::from_nanos(now.saturating_sub(time)))
}

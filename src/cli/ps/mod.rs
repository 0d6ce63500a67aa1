//! `ps`: which containers there are.

mod row;
mod words;

use super::listing::{self, Shape};
use super::{Context, Verb, report};
use crate::container::control::Door;
use crate::container::size::{self, Size};
use crate::container::state::{self, Container};
use crate::error::{self, Kind};
use crate::inspect::container as view;
use crate::inspect::filter::Containers;
use crate::inspect::view::View;
use anyhow::Result;
use std::time::Duration;

/// List containers
#[derive(clap::Args)]
pub struct Ps {
    /// Show all containers, not only those that run
    #[arg(short, long)]
    all: bool,
    /// Accepted for scripts of podman: there are no containers of others in the store
    #[arg(long, hide = true)]
    external: bool,
    /// Show only containers that fit: ancestor, annotation, before, command, exited, health, id, label, label!, name,
    /// network, pod, restart-policy, should-start-on-boot, since, status, until, volume
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
    /// Show the namespaces of the containers
    #[arg(long, visible_alias = "namespace", conflicts_with_all = ["size", "pod"])]
    ns: bool,
    /// Show the pods that the containers are in
    #[arg(short, long)]
    pod: bool,
    /// Print ids alone
    #[arg(short, long, conflicts_with_all = ["size", "ns"])]
    quiet: bool,
    /// Show how much of the disk the containers take up: what they have written, and with their images
    #[arg(short, long)]
    size: bool,
    /// Order by this
    #[arg(long, value_name = "KEY", value_enum, default_value_t = Order::Created)]
    sort: Order,
    /// Accepted for scripts of podman: what is shown is always asked of the kernel
    #[arg(long, hide = true)]
    sync: bool,
    /// Show the list again every so many seconds
    #[arg(short, long, value_name = "SECONDS")]
    watch: Option<u32>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Order {
    Command,
    Created,
    Id,
    Image,
    Names,
    #[value(alias = "running-for")]
    Runningfor,
    Size,
    Status,
}

impl Verb for Ps {
    fn run(self, context: &Context) -> Result<u8> {
        let Some(secs) = self.watch else {
            // To free a thousand containers, part by part, takes longer than to print them: the process ends here.
            std::mem::forget(self.show(context)?);
            return Ok(0);
        };
        if secs == 0 {
            return Err(Kind::BadInput.error("--watch wants at least one second"));
        }
        loop {
            super::clear_terminal();
            self.show(context)?;
            std::thread::sleep(Duration::from_secs(secs.into()));
        }
    }
}

impl Ps {
    /// Prints what it gives back.
    fn show(&self, context: &Context) -> Result<Vec<(Container, Option<Size>)>> {
        let shape = Shape::parse(self.format.as_deref(), self.quiet)?;
        let containers = self.select(context)?;
        let now = state::now();
        let rows = || containers.iter().map(|(container, size)| self.row(context, container, *size, now));
        match shape {
            Shape::Table => {
                let (headings, rows) = self.table(context, &containers, now);
                if context.docker {
                    listing::docker_columns(&headings, !self.noheading, rows);
                } else {
                    listing::columns(&headings, !self.noheading, rows);
                }
            }
            Shape::Quiet => {
                let ids: String =
                    containers.iter().map(|(container, _)| format!("{}\n", self.id(container))).collect();
                listing::put(&ids);
            }
            // docker writes a line for each, with the words of its table.
            Shape::Json if context.docker => listing::put(&rows().map(|row| format!("{row}\n")).collect::<String>()),
            Shape::Json => {
                listing::json(
                    &containers.iter().map(|(container, size)| row::json(container, *size, now)).collect::<View>(),
                );
            }
            Shape::Template(format) => {
                let rows: Vec<View> = rows().collect();
                listing::template(&format, !self.noheading, &rows, &row::heading)?;
            }
        }
        Ok(containers)
    }

    fn select(&self, context: &Context) -> Result<Vec<(Container, Option<Size>)>> {
        let filters = Containers::parse(&context.engine, &self.filter)?;
        let (mut containers, unreadable) = state::survey(&context.engine)?;
        for error in unreadable {
            // One broken container must not hide the others.
            report("ps", &error::with_hint(error, "see coracle system check"));
        }
        let last = self.last.and_then(|last| usize::try_from(last).ok()).filter(|last| *last > 0);
        let last = if self.latest { Some(1) } else { last };
        let shows_all = self.all || last.is_some() || filters.name_a_status();
        containers
            .retain(|container| (shows_all || container.status.is_alive()) && filters.match_container(container));
        if let Some(last) = last {
            containers.truncate(last);
        }
        // The list comes newest first.
        containers.reverse();
        let mut sized = self.measured(context, containers)?;
        match self.sort {
            Order::Created => {}
            Order::Command => sized.sort_by_cached_key(|(container, _)| container.config.process.arguments()),
            Order::Id => sized.sort_by(|(one, _), (other, _)| one.config.id.cmp(&other.config.id)),
            Order::Image => sized.sort_by_cached_key(|(container, _)| view::image_name(&container.config).to_owned()),
            Order::Names => sized.sort_by(|(one, _), (other, _)| one.config.name.cmp(&other.config.name)),
            Order::Runningfor => sized.sort_by_key(|(container, _)| view::times(container).0),
            Order::Size => sized.sort_by_key(|(_, size)| size.map(|size| size.written)),
            Order::Status => sized.sort_by_key(|(container, _)| container.status.name()),
        }
        Ok(sized)
    }

    /// The containers with their sizes, if those are wanted.
    fn measured(&self, context: &Context, containers: Vec<Container>) -> Result<Vec<(Container, Option<Size>)>> {
        if !self.size && self.sort != Order::Size {
            return Ok(containers.into_iter().map(|container| (container, None)).collect());
        }
        super::in_userns(Door::for_command(&context.engine)?, || {
            containers
                .into_iter()
                .map(|container| size::of(&context.engine, &container.config).map(|size| (container, Some(size))))
                .collect()
        })
    }

    fn id<'a>(&self, container: &'a Container) -> &'a str {
        let id = &container.config.id;
        if self.no_trunc { id.as_str() } else { id.short() }
    }
}

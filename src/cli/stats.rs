//! `stats`: what containers use up, once or again and again.

use super::listing::{self, Shape};
use super::units::human_size;
use super::{Context, Targets, Verb};
use crate::container::config::Id;
use crate::container::state::{self, Container};
use crate::container::usage::{self, Usage};
use crate::error::Kind;
use crate::inspect::view::{View, view};
use anyhow::Result;
use std::collections::HashMap;
use std::time::Duration;

/// Show what containers use up: processor, memory, network, devices
#[derive(clap::Args)]
pub struct Stats {
    /// Show all containers, not only those that run
    #[arg(short, long, conflicts_with_all = ["latest", "names"])]
    all: bool,
    /// Show the one that was made last
    #[arg(short, long, conflicts_with = "names")]
    latest: bool,
    /// Print by a Go template, as json, or by a template in columns: 'table TEMPLATE'
    #[arg(long, value_name = "TEMPLATE")]
    format: Option<String>,
    /// Look again every so many seconds
    #[arg(short, long, value_name = "SECONDS", default_value_t = 5)]
    interval: u32,
    /// Do not clear the terminal in between
    #[arg(long)]
    no_reset: bool,
    /// Look once
    #[arg(long)]
    no_stream: bool,
    /// Do not shorten ids
    #[arg(long)]
    no_trunc: bool,
    /// The containers, by name, id or the beginning of an id
    #[arg(value_name = "CONTAINER")]
    names: Vec<String>,
}

impl Verb for Stats {
    fn run(mut self, context: &Context) -> Result<u8> {
        if self.interval == 0 {
            return Err(Kind::BadInput.error("--interval wants at least one second"));
        }
        if self.latest || !self.names.is_empty() {
            // Looked up once: when one of them has gone, its name may have another owner, or begin another's id.
            self.names = self.containers(context)?.iter().map(|container| container.config.id.to_string()).collect();
            self.latest = false;
        }
        let mut earlier: HashMap<Id, Usage> = HashMap::new();
        loop {
            let mut now = HashMap::new();
            let mut rows = Vec::new();
            for container in self.containers(context)? {
                let usage = usage::of(&container)?;
                let id = container.config.id.clone();
                rows.push(self.row(&container, usage, earlier.get(&id)));
                now.insert(id, usage);
            }
            if !self.no_stream && !self.no_reset {
                super::clear_terminal();
            }
            self.show(context, &rows)?;
            if self.no_stream {
                return Ok(0);
            }
            earlier = now;
            std::thread::sleep(Duration::from_secs(self.interval.into()));
        }
    }
}

/// The columns: podman's fields, their headings, and their names in JSON.
const COLUMNS: [(&str, &str, &str); 10] = [
    ("ID", "ID", "id"),
    ("Name", "NAME", "name"),
    ("CPUPerc", "CPU %", "cpu_percent"),
    ("MemUsage", "MEM USAGE / LIMIT", "mem_usage"),
    ("MemPerc", "MEM %", "mem_percent"),
    ("NetIO", "NET IO", "net_io"),
    ("BlockIO", "BLOCK IO", "block_io"),
    ("PIDS", "PIDS", "pids"),
    ("UpTime", "CPU TIME", "cpu_time"),
    ("AVGCPU", "AVG CPU %", "avg_cpu"),
];

impl Stats {
    fn containers(&self, context: &Context) -> Result<Vec<Container>> {
        if self.latest || !self.names.is_empty() {
            let targets = Targets { all: false, latest: self.latest, names: self.names.clone() };
            return targets.resolve(context);
        }
        let mut containers = state::list(&context.engine)?;
        containers.retain(|container| self.all || container.status.is_alive());
        Ok(containers)
    }

    fn row(&self, container: &Container, usage: Usage, earlier: Option<&Usage>) -> View {
        // Of another run its counters say nothing.
        let earlier = earlier.filter(|earlier| earlier.started == usage.started);
        let since = |at: u64, nanos: u64| {
            let (used, passed) = (usage.cpu_nanos.saturating_sub(nanos), usage.at.saturating_sub(at));
            used as f64 * 100.0 / (passed.max(1) as f64)
        };
        let average = since(usage.started, 0);
        let now = earlier.map_or(average, |earlier| since(earlier.at, earlier.cpu_nanos));
        let memory = usage.memory_bytes as f64 * 100.0 / (usage.memory_bytes_max.max(1) as f64);
        let id = &container.config.id;
        let id = if self.no_trunc { id.as_str() } else { id.short() };
        view!({
            "ID": id,
            "ContainerID": container.config.id.as_str(),
            "Container": id,
            "Name": container.config.name.to_string(),
            "CPU": now,
            "CPUPerc": percent(now),
            "AvgCPU": average,
            "AVGCPU": percent(average),
            "CPUNano": usage.cpu_nanos,
            "UpTime": seconds(usage.cpu_nanos),
            "MemUsage": pair(usage.memory_bytes, usage.memory_bytes_max),
            "MemUsageBytes": pair_of_1024(usage.memory_bytes, usage.memory_bytes_max),
            "MemLimit": usage.memory_bytes_max,
            "MemPerc": percent(memory),
            "NetInput": usage.received_bytes,
            "NetOutput": usage.sent_bytes,
            "NetIO": pair(usage.received_bytes, usage.sent_bytes),
            "BlockInput": usage.read_bytes,
            "BlockOutput": usage.written_bytes,
            "BlockIO": pair(usage.read_bytes, usage.written_bytes),
            "PIDs": usage.tasks,
            "PIDS": if usage.tasks == 0 { "--".to_owned() } else { usage.tasks.to_string() },
        })
    }

    fn show(&self, context: &Context, rows: &[View]) -> Result<()> {
        let text = |row: &View, field: &str| row[field].as_str().unwrap_or_default().to_owned();
        match Shape::parse(self.format.as_deref(), false)? {
            Shape::Table | Shape::Quiet => {
                let headings = COLUMNS.map(|(_, heading, _)| heading);
                listing::columns(&headings, true, rows.iter().map(|row| COLUMNS.map(|column| text(row, column.0))));
            }
            // docker writes a line for each, with the words of its templates.
            Shape::Json if context.docker => {
                listing::put(&rows.iter().map(|row| format!("{row}\n")).collect::<String>());
            }
            Shape::Json => {
                let object = |row: &View| -> View {
                    let fields = COLUMNS.map(|(field, _, name)| (name.to_owned(), View::from(text(row, field))));
                    View::Object(fields.into_iter().collect())
                };
                listing::json(&rows.iter().map(object).collect::<View>());
            }
            Shape::Template(format) => listing::template(&format, true, rows, &heading)?,
        }
        Ok(())
    }
}

fn heading(field: &str) -> Option<String> {
    COLUMNS.iter().find(|(name, ..)| *name == field).map(|(_, heading, _)| (*heading).to_owned())
}

/// podman has dashes for nothing.
fn percent(value: f64) -> String {
    if value == 0.0 { "--".to_owned() } else { format!("{value:.2}%") }
}

fn pair(one: u64, other: u64) -> String {
    if one == 0 && other == 0 {
        return "-- / --".to_owned();
    }
    format!("{} / {}", human_size(one as f64, 4), human_size(other as f64, 4))
}

fn pair_of_1024(one: u64, other: u64) -> String {
    if one == 0 && other == 0 {
        return "-- / --".to_owned();
    }
    let size = |bytes: u64| {
        let (mut bytes, mut units) = (bytes as f64, ["B", "KiB", "MiB", "GiB", "TiB", "PiB"].iter());
        let mut unit = units.next();
        while bytes >= 1024.0 && units.len() > 0 {
            (bytes, unit) = (bytes / 1024.0, units.next());
        }
        format!("{}{}", super::format::float::general(bytes, 4), unit.unwrap_or(&"B"))
    };
    format!("{} / {}", size(one), size(other))
}

/// As Go writes a duration, to the millisecond at least.
fn seconds(nanos: u64) -> String {
    match nanos / 1_000_000 {
        0 => format!("{}µs", nanos / 1000),
        millis @ 1..1000 => format!("{millis}ms"),
        millis => super::top::duration(millis),
    }
}

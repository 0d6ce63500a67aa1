//! `logs`: what containers have written to their standard streams.

mod follow;
mod journal;
mod print;

use super::time::{self, Bound};
use super::{Context, Verb};
use crate::container::config::LogDriver;
use crate::container::log::{self, Format, Lines, Reading};
use crate::container::state::{self, Container, Paths};
use crate::engine::Engine;
use crate::error::Kind;
use anyhow::Result;
use print::Printer;
use std::path::PathBuf;
use std::time::SystemTime;

/// Print the output of one or more containers
#[derive(clap::Args)]
pub struct Logs {
    /// Go on printing until the containers end
    #[arg(short, long)]
    follow: bool,
    /// Begin this many lines before the end; all, or a negative number, is the whole log
    #[arg(long, alias = "lines", value_name = "LINES", default_value = "all", allow_hyphen_values = true)]
    tail: String,
    /// Only what was written since then: a time, or how long ago
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// Only what was written before then: a time, or how long ago
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    /// Begin every line with its time
    #[arg(short, long)]
    timestamps: bool,
    /// Begin every line with the container's name; of several containers it is else the id
    #[arg(short, long)]
    names: bool,
    /// Give each container's name a colour
    #[arg(long)]
    color: bool,
    /// The container that was made last
    #[arg(short, long, conflicts_with = "containers")]
    latest: bool,
    /// The containers, by name, id or the beginning of an id
    #[arg(value_name = "CONTAINER", required_unless_present = "latest")]
    containers: Vec<String>,
}

/// What of each log is wanted.
struct Selection {
    since: Option<String>,
    until: Option<String>,
    tail: Option<u64>,
}

/// One container's log, where it lies in files.
struct Source {
    container: Container,
    path: PathBuf,
    format: Format,
    label: String,
}

impl Verb for Logs {
    fn run(mut self, context: &Context) -> Result<u8> {
        if context.docker && self.names {
            self.take_dockers_tail();
        }
        let containers = self.containers(&context.engine)?;
        let selection = self.selection()?;
        let mut printer = Printer::new(self.timestamps, selection.since.clone(), selection.until.clone())?;
        let mut sources = Vec::new();
        for (index, container) in containers.into_iter().enumerate() {
            let label = self.label(&container, index);
            match container.config.logging.driver {
                LogDriver::K8sFile | LogDriver::JsonFile => sources.push(Source::of(context, container, label)),
                LogDriver::Journald => journal::print(&container, &label, &selection, self.follow, &mut printer)?,
                driver @ (LogDriver::None | LogDriver::Passthrough | LogDriver::PassthroughTty) => {
                    let (name, driver) = (&container.config.name, driver.name());
                    return Err(Kind::BadInput.error(format!(
                        "container {name} has the log driver {driver}, which keeps nothing that could be shown"
                    )));
                }
            }
        }
        if self.follow {
            follow::follow(&sources, &selection, &mut printer)?;
        } else {
            for source in &sources {
                source.print(&selection, &mut printer)?;
            }
        }
        printer.flush();
        Ok(0)
    }
}

impl Logs {
    /// docker's `-n LINES`, whose letter is podman's for the names.
    fn take_dockers_tail(&mut self) {
        let is_count = |word: &String| word == "all" || word.parse::<i64>().is_ok();
        if let Some(position) = self.containers.iter().position(is_count) {
            self.names = false;
            self.tail = self.containers.remove(position);
        }
    }

    fn containers(&self, engine: &Engine) -> Result<Vec<Container>> {
        if self.latest {
            let newest = state::list(engine)?.into_iter().next();
            return Ok(vec![newest.ok_or_else(|| Kind::NotFound.error("there are no containers"))?]);
        }
        self.containers.iter().map(|name| state::find(engine, name)).collect()
    }

    fn selection(&self) -> Result<Selection> {
        let now = SystemTime::now();
        let text = |time: SystemTime| log::rfc3339_nanoseconds(u64::try_from(time::unix_nanos(time)).unwrap_or(0));
        let parse = |time: &Option<String>, bound| {
            time.as_deref().map(|time| time::parse_time(time, bound, now).map(text)).transpose()
        };
        let tail = match self.tail.as_str() {
            "all" => None,
            number => {
                let bad = || Kind::BadInput.error(format!("--tail {number:?} is neither a number nor all"));
                u64::try_from(number.parse::<i64>().map_err(|_| bad())?).ok()
            }
        };
        Ok(Selection { since: parse(&self.since, Bound::Since)?, until: parse(&self.until, Bound::Until)?, tail })
    }

    /// What stands before each of a container's lines.
    fn label(&self, container: &Container, index: usize) -> String {
        let label = if self.names {
            container.config.name.as_str()
        } else if self.containers.len() > 1 {
            container.config.id.short()
        } else {
            return String::new();
        };
        // The six colours that are neither black nor white.
        if self.color { format!("\x1b[3{}m{label}\x1b[0m ", index % 6 + 1) } else { format!("{label} ") }
    }
}

impl Source {
    fn of(context: &Context, container: Container, label: String) -> Self {
        let path = log::path(&container.config, &Paths::of(&context.engine, &container.config.id));
        let format = Format::of(container.config.logging.driver).unwrap_or(Format::K8s);
        Self { container, path, format, label }
    }

    /// Prints the log as it is now. Gives the current file, read to its end, to go on from.
    fn print(&self, selection: &Selection, printer: &mut Printer) -> Result<Option<Lines>> {
        let files = log::files(&self.path, &self.container.config.logging);
        let reading = Reading {
            format: self.format,
            since: selection.since.as_deref(),
            until: selection.until.as_deref(),
            tail: selection.tail,
        };
        let start = reading.start(&files)?;
        let mut skipped = start.skipped;
        let mut current = None;
        // Of none at all not even a piece of a line.
        let prints = selection.tail != Some(0);
        for (index, file) in files.iter().enumerate().skip(start.file) {
            let mut lines = Lines::open(file, if index == start.file { start.offset } else { 0 })?;
            while let Some(line) = lines.next()? {
                let Some(entry) = self.format.parse(line) else { continue };
                if skipped > 0 {
                    skipped -= u64::from(entry.is_complete);
                } else if prints && !printer.print(&self.label, &entry)? {
                    return Ok(None);
                }
            }
            current = Some(lines);
        }
        Ok(current)
    }
}

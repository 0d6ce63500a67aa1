//! `events`: what has happened, and what happens.

use super::format::{Format, Names};
use super::listing;
use super::time::{self, Bound, Zone};
use super::{Context, Verb};
use crate::container::events::{self, Event, Happening, LINE_BYTES_MAX, Object};
use crate::inspect::events::Events as Filter;
use crate::inspect::view::{View, view};
use anyhow::{Context as _, Result};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use rustix::fs::inotify;
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom};
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::time::{Duration, SystemTime};

/// Print what happens to containers, images and volumes
#[derive(clap::Args)]
pub struct Events {
    /// Print only events that fit: container, event, image, label, network, type, volume
    #[arg(short, long, value_name = "KEY=VALUE")]
    filter: Vec<String>,
    /// Print by a Go template, or as json
    #[arg(long, value_name = "TEMPLATE")]
    format: Option<String>,
    /// Print whole ids
    #[arg(long, value_name = "BOOL", default_value = "true", num_args = 0..=1, require_equals = true, default_missing_value = "true", action = clap::ArgAction::Set)]
    no_trunc: bool,
    /// Begin with what has happened since then: a time, or how long ago
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// Go on with what happens, until interrupted
    #[arg(long, value_name = "BOOL", default_value = "true", num_args = 0..=1, require_equals = true, default_missing_value = "true", action = clap::ArgAction::Set)]
    stream: bool,
    /// End with what has happened by then: a time, or how long from now
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
}

/// How an event is printed.
enum Shape {
    Text,
    Json,
    Template(Format),
}

impl Verb for Events {
    fn run(self, context: &Context) -> Result<u8> {
        let engine = &context.engine;
        let now = SystemTime::now();
        let bound = |text: &Option<String>, bound| {
            text.as_deref().map(|text| time::parse_time(text, bound, now).map(nanoseconds)).transpose()
        };
        let (since, until) = (bound(&self.since, Bound::Since)?, bound(&self.until, Bound::Until)?);
        let printer = Printer {
            shape: match self.format.as_deref().map(str::trim) {
                None | Some("") => Shape::Text,
                Some("json" | "{{json .}}" | "{{ json . }}") => Shape::Json,
                Some(template) => Shape::Template(Format::parse(template)?),
            },
            filter: Filter::parse(&self.filter)?,
            no_trunc: self.no_trunc,
            since,
            until,
        };
        engine.prepare()?;
        // Watched before it is read: nothing that happens in between is missed.
        let watch = watch(&engine.run)?;
        let has_bounds = since.is_some() || until.is_some();
        let mut files = Vec::new();
        if has_bounds || !self.stream {
            files.extend(open(&events::previous_path(engine))?);
        }
        let current = events::path(engine);
        files.extend(open(&current)?);
        if self.stream && !has_bounds {
            for file in &mut files {
                file.seek(SeekFrom::End(0)).context("seek to the end of the events")?;
            }
        }
        loop {
            for file in &mut files {
                printer.print_rest(file)?;
            }
            let left = until.map(|until| Duration::from_nanos(until.saturating_sub(crate::container::state::now())));
            if !self.stream || left.is_some_and(|left| left.is_zero()) {
                return Ok(0);
            }
            if wait(&watch, left)? {
                // Who has the old file open may still be writing to it.
                files.drain(..files.len().saturating_sub(1));
                files.extend(open(&current)?);
            }
        }
    }
}

fn nanoseconds(time: SystemTime) -> u64 {
    u64::try_from(time::unix_nanos(time).max(0)).unwrap_or(u64::MAX)
}

fn watch(dir: &Path) -> Result<OwnedFd> {
    let flags = inotify::CreateFlags::CLOEXEC | inotify::CreateFlags::NONBLOCK;
    let watch = inotify::init(flags).context("inotify_init")?;
    let wanted = inotify::WatchFlags::MODIFY | inotify::WatchFlags::CREATE;
    inotify::add_watch(&watch, dir, wanted).context("watch the events")?;
    Ok(watch)
}

/// Waits until something may be new, at most as long as is left. True if there is a new file.
fn wait(watch: &OwnedFd, left: Option<Duration>) -> Result<bool> {
    let timeout = left.map_or(PollTimeout::NONE, |left| {
        // Rounded up: the last wait would otherwise be a spin of less than a millisecond.
        PollTimeout::try_from(left + Duration::from_millis(1)).unwrap_or(PollTimeout::MAX)
    });
    match poll(&mut [PollFd::new(watch.as_fd(), PollFlags::POLLIN)], timeout) {
        Ok(_) | Err(nix::errno::Errno::EINTR) => {}
        Err(errno) => return Err(errno).context("poll"),
    }
    let mut space = [std::mem::MaybeUninit::uninit(); 4096];
    let mut pending = inotify::Reader::new(watch, &mut space);
    let mut is_new = false;
    while let Ok(event) = pending.next() {
        let is_current = event.file_name().is_some_and(|name| name.to_bytes() == b"events.jsonl");
        is_new |= is_current && event.events().contains(inotify::ReadFlags::CREATE);
    }
    Ok(is_new)
}

fn open(path: &Path) -> Result<Option<BufReader<std::fs::File>>> {
    match crate::fs::open_for_reading(path) {
        Ok(file) => Ok(Some(BufReader::new(file))),
        Err(error) if error.downcast_ref::<std::io::Error>().is_some_and(is_missing) => Ok(None),
        Err(error) => Err(error),
    }
}

fn is_missing(error: &std::io::Error) -> bool {
    error.kind() == std::io::ErrorKind::NotFound
}

struct Printer {
    shape: Shape,
    filter: Filter,
    no_trunc: bool,
    since: Option<u64>,
    until: Option<u64>,
}

impl Printer {
    /// Prints what a file has beyond what has been read of it. The last line may be half written: it is for later.
    fn print_rest(&self, file: &mut BufReader<std::fs::File>) -> Result<()> {
        loop {
            let start = file.stream_position().context("read the events")?;
            let mut line = Vec::new();
            file.by_ref().take(LINE_BYTES_MAX as u64).read_until(b'\n', &mut line).context("read the events")?;
            if line.len() == LINE_BYTES_MAX && !line.ends_with(b"\n") {
                // No event is that long; what comes after may be one.
                continue;
            }
            if !line.ends_with(b"\n") {
                file.seek(SeekFrom::Start(start)).context("read the events")?;
                return Ok(());
            }
            // What a newer engine tells of is not for this one.
            if let Ok(event) = serde_json::from_slice::<Event>(&line)
                && self.since.is_none_or(|since| event.time >= since)
                && self.until.is_none_or(|until| event.time <= until)
                && self.filter.match_event(&event)
            {
                listing::put(&self.text(&event)?);
            }
        }
    }

    fn text(&self, event: &Event) -> Result<String> {
        Ok(match &self.shape {
            Shape::Text => line(event, self.no_trunc),
            Shape::Json => format!("{}\n", serde_json::to_string(event).context("serialise an event")?),
            Shape::Template(format) => format.row(&fields(event), Names::Exact)?,
        })
    }
}

/// What a template sees: every field, set or not.
fn fields(event: &Event) -> View {
    view!({
        "ID": &event.id,
        "Image": &event.image,
        "Name": &event.name,
        "Status": word(event.happening),
        // docker's name for it.
        "Action": word(event.happening),
        "HealthStatus": &event.health,
        "Time": event.time_secs,
        "TimeNano": event.time,
        "Type": word(event.object),
        "ContainerExitCode": event.exit_code,
        "Attributes": event.attributes.as_ref(),
        "Network": &event.network,
        "PodID": "",
        "Error": "",
    })
}

fn word(value: impl serde::Serialize) -> String {
    serde_json::to_value(value).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}

/// `TIME TYPE STATUS ID (image=, name=, labels)`, as podman words it.
fn line(event: &Event, no_trunc: bool) -> String {
    let time = time::from_unix_nanos(event.time.into()).map(|time| time::go_string(time, Zone::Local));
    let id = if no_trunc { &event.id } else { event.id.get(..12).unwrap_or(&event.id) };
    let mut words = vec![time.unwrap_or_default(), word(event.object), word(event.happening)];
    words.extend(Some(id.to_owned()).filter(|id| !id.is_empty()));
    match event.object {
        Object::Container => {
            let mut facts = vec![format!("image={}", event.image), format!("name={}", event.name)];
            if !event.health.is_empty() {
                facts.push(format!("health_status={}", event.health));
            }
            facts.extend(event.attributes.iter().flatten().map(|(key, value)| format!("{key}={value}")));
            words.push(format!("({})", facts.join(", ")));
        }
        Object::Network if matches!(event.happening, Happening::Connect | Happening::Disconnect) => {
            words.push(format!("(container={id}, name={})", event.network));
        }
        Object::Network => {
            let driver = event.attributes.as_ref().and_then(|facts| facts.get("driver"));
            words.push(format!("(name={}, type={})", event.network, driver.map_or("", String::as_str)));
        }
        Object::Image | Object::Pod | Object::Secret | Object::System | Object::Volume => {
            words.extend(Some(event.name.clone()).filter(|name| !name.is_empty()));
        }
    }
    // An event is a line, whatever is in a label.
    format!("{}\n", words.join(" ").replace('\n', "\\n"))
}

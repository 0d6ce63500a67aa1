//! `logs`: what a container has written to its standard streams.

use super::time::{self, Bound};
use super::{Context, Verb};
use crate::container::control::{Connection, Request};
use crate::container::log::{self, Entry, Stream};
use crate::container::state::{self, Container, Paths, Status};
use crate::error::Kind;
use anyhow::{Context as _, Result};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use rustix::fs::inotify;
use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Write};
use std::os::fd::AsFd;
use std::path::Path;
use std::time::SystemTime;

/// Print the output of a container
#[derive(clap::Args)]
pub struct Logs {
    /// Go on printing until the container ends
    #[arg(short, long)]
    follow: bool,
    /// Begin this many lines before the end; all, or a negative number, is the whole log
    #[arg(
        long,
        alias = "lines",
        short = 'n',
        value_name = "LINES",
        default_value = "all",
        allow_hyphen_values = true
    )]
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
    /// The container
    #[arg(value_name = "CONTAINER")]
    name: String,
}

/// A line of a log is at most this long: what the monitor writes at once, and its prefix.
const LINE_BYTES_MAX: usize = 64 << 10;

/// Which lines are printed, and how.
struct Selection {
    since: Option<String>,
    until: Option<String>,
    timestamps: bool,
    /// Whether the last piece printed on a stream ended its line, so that a time may begin the next.
    at_line_start: [bool; 2],
}

impl Verb for Logs {
    fn run(self, context: &Context) -> Result<u8> {
        let container = state::find(&context.engine, &self.name)?;
        let now = SystemTime::now();
        let text = |time: SystemTime| {
            Ok::<_, anyhow::Error>(log::rfc3339_nanoseconds(u64::try_from(time::unix_nanos(time)).unwrap_or(0)))
        };
        let since = self
            .since
            .as_deref()
            .map(|since| time::parse_time(since, Bound::Since, now).and_then(text))
            .transpose()?;
        let until = self
            .until
            .as_deref()
            .map(|until| time::parse_time(until, Bound::Until, now).and_then(text))
            .transpose()?;
        let mut selection = Selection { since, until, timestamps: self.timestamps, at_line_start: [true; 2] };
        let tail = match self.tail.as_str() {
            "all" => None,
            number => {
                let bad = || Kind::BadInput.error(format!("--tail {number:?} is neither a number nor all"));
                usize::try_from(number.parse::<i64>().map_err(|_| bad())?).ok()
            }
        };
        let path = Paths::of(&context.engine, &container.config.id).log();
        if self.follow {
            follow(&container, &path, tail, &mut selection)
        } else {
            print_files(&path, tail, &mut selection).map(|_| 0)
        }
    }
}

/// Prints the log as it is now. Gives the current file, read to its end, to go on from.
fn print_files(
    path: &Path,
    tail: Option<usize>,
    selection: &mut Selection,
) -> Result<Option<BufReader<std::fs::File>>> {
    let files = log::files(path);
    let mut kept: VecDeque<Vec<u8>> = VecDeque::new();
    let mut current = None;
    for file in &files {
        let mut reader = BufReader::new(crate::fs::open_for_reading(file)?);
        while let Some(line) = next_line(&mut reader)? {
            match tail {
                None => selection.print(&line)?,
                Some(0) => {}
                Some(count) => {
                    // A line that was logged in pieces counts once.
                    kept.push_back(line);
                    while kept.iter().filter(|line| is_complete(line)).count() > count {
                        kept.pop_front();
                    }
                }
            }
        }
        current = Some(reader);
    }
    for line in kept {
        selection.print(&line)?;
    }
    std::io::stdout().flush()?;
    Ok(current)
}

fn is_complete(line: &[u8]) -> bool {
    log::parse(line).is_none_or(|entry| entry.is_complete)
}

/// One whole line without its end. None at the end of the file, and before the end of a line that is being written.
fn next_line(reader: &mut BufReader<std::fs::File>) -> Result<Option<Vec<u8>>> {
    use std::io::{Read, Seek};
    let start = reader.stream_position()?;
    let mut line = Vec::new();
    reader.by_ref().take(LINE_BYTES_MAX as u64).read_until(b'\n', &mut line)?;
    if line.pop_if(|byte| *byte == b'\n').is_some() {
        return Ok(Some(line));
    }
    reader.seek(std::io::SeekFrom::Start(start))?;
    Ok(None)
}

impl Selection {
    fn print(&mut self, line: &[u8]) -> Result<()> {
        let Some(entry) = log::parse(line) else { return Ok(()) };
        // Times of one format and zone compare as text.
        if self.since.as_deref().is_some_and(|since| entry.time < since)
            || self.until.as_deref().is_some_and(|until| entry.time > until)
        {
            return Ok(());
        }
        let written = match entry.stream {
            Stream::Stdout => self.write(&entry, &mut std::io::stdout().lock()),
            Stream::Stderr => self.write(&entry, &mut std::io::stderr().lock()),
        };
        match written {
            Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => std::process::exit(0),
            other => other.context("print the log"),
        }
    }

    fn write(&mut self, entry: &Entry<'_>, out: &mut dyn Write) -> std::io::Result<()> {
        let at_line_start = &mut self.at_line_start[usize::from(entry.stream == Stream::Stderr)];
        if self.timestamps && *at_line_start {
            write!(out, "{} ", entry.time)?;
        }
        out.write_all(entry.text)?;
        *at_line_start = entry.is_complete;
        if entry.is_complete { out.write_all(b"\n") } else { Ok(()) }
    }
}

/// Prints the log and what is added to it, until the container has ended.
fn follow(container: &Container, path: &Path, tail: Option<usize>, selection: &mut Selection) -> Result<u8> {
    let dir = path.parent().context("a log lies in a directory")?;
    let watch =
        inotify::init(inotify::CreateFlags::CLOEXEC | inotify::CreateFlags::NONBLOCK).context("inotify_init")?;
    inotify::add_watch(
        &watch,
        dir,
        inotify::WatchFlags::MODIFY | inotify::WatchFlags::CREATE | inotify::WatchFlags::MOVED_TO,
    )
    .context("watch the log")?;
    // Asked before the log is read: an end in between is then still heard of.
    let end = match container.status {
        Status::Running => Connection::open(container)
            .and_then(|connection| connection.request(Request::Wait, &[]).map(|()| connection))
            .ok(),
        _ => None,
    };
    let mut reader = print_files(path, tail, selection)?;
    let Some(end) = end else { return Ok(0) };
    loop {
        let mut polled = [PollFd::new(watch.as_fd(), PollFlags::POLLIN), PollFd::new(end.as_fd(), PollFlags::POLLIN)];
        match poll(&mut polled, PollTimeout::NONE) {
            Ok(_) | Err(nix::errno::Errno::EINTR) => {}
            Err(errno) => return Err(errno).context("poll"),
        }
        let has_ended = polled[1].revents().is_some_and(|events| !events.is_empty());
        let mut events = [std::mem::MaybeUninit::uninit(); 4096];
        let mut was_rotated = false;
        let mut pending = inotify::Reader::new(&watch, &mut events);
        while let Ok(event) = pending.next() {
            let is_log = event.file_name().is_some_and(|name| name.to_bytes() == b"log");
            was_rotated |= is_log && event.events().contains(inotify::ReadFlags::CREATE);
        }
        print_rest(&mut reader, selection)?;
        if was_rotated || (reader.is_none() && path.exists()) {
            reader = Some(BufReader::new(crate::fs::open_for_reading(path)?));
            print_rest(&mut reader, selection)?;
        }
        if has_ended {
            return Ok(0);
        }
    }
}

fn print_rest(reader: &mut Option<BufReader<std::fs::File>>, selection: &mut Selection) -> Result<()> {
    if let Some(reader) = reader {
        while let Some(line) = next_line(reader)? {
            selection.print(&line)?;
        }
        std::io::stdout().flush()?;
    }
    Ok(())
}

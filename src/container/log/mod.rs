//! A container's log: where its output is kept, a file per driver, and how it is read again.

mod file;
mod journal;
mod json;
mod k8s;
mod read;

pub use file::files;
pub use journal::SOCKET as JOURNAL_SOCKET;
pub use read::{Lines, Reading};

use super::config::{Config, LogDriver, Name};
use super::state::Paths;
use anyhow::Result;
use file::Rotating;
use journal::Journal;
use std::path::{Path, PathBuf};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stream {
    Stdout,
    Stderr,
}

impl Stream {
    pub fn name(self) -> &'static str {
        match self {
            Self::Stdout => "stdout",
            Self::Stderr => "stderr",
        }
    }

    fn of(name: &[u8]) -> Option<Self> {
        match name {
            b"stdout" => Some(Self::Stdout),
            b"stderr" => Some(Self::Stderr),
            _ => None,
        }
    }
}

/// How the lines of a log file are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    K8s,
    Json,
}

impl Format {
    /// None for a driver that writes no file.
    pub fn of(driver: LogDriver) -> Option<Self> {
        match driver {
            LogDriver::K8sFile => Some(Self::K8s),
            LogDriver::JsonFile => Some(Self::Json),
            LogDriver::Journald | LogDriver::None | LogDriver::Passthrough | LogDriver::PassthroughTty => None,
        }
    }

    /// Parses one line, without its end. None if it is none of ours.
    pub fn parse(self, line: &[u8]) -> Option<Entry<'_>> {
        match self {
            Self::K8s => k8s::parse(line),
            Self::Json => json::parse(line),
        }
    }
}

/// One line of a log file, parsed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry<'a> {
    pub time: std::borrow::Cow<'a, str>,
    pub stream: Stream,
    /// Whether the text is the end of a line.
    pub is_complete: bool,
    pub text: std::borrow::Cow<'a, [u8]>,
}

/// The file of a container's log, where its driver writes one.
pub fn path(config: &Config, paths: &Paths) -> PathBuf {
    config.logging.path.clone().unwrap_or_else(|| paths.log())
}

/// The writing end, in the monitor. A write that fails is counted and dropped: a full disk must not stop a container.
pub struct Log {
    sink: Sink,
    pub dropped: u64,
}

enum Sink {
    K8s(Rotating),
    Json { file: Rotating, attributes: String },
    Journal(Box<Journal>),
}

impl Log {
    /// None where nothing is kept. Files are made by the first output; a journal must be there.
    pub fn open(config: &Config, paths: &Paths) -> Result<Option<Self>> {
        let file = || Rotating::at(path(config, paths), &config.logging);
        let sink = match config.logging.driver {
            LogDriver::K8sFile => Sink::K8s(file()),
            LogDriver::JsonFile => Sink::Json { file: file(), attributes: json::attributes(config) },
            LogDriver::Journald => Sink::Journal(Box::new(Journal::connect(Path::new(JOURNAL_SOCKET), config)?)),
            LogDriver::None | LogDriver::Passthrough | LogDriver::PassthroughTty => return Ok(None),
        };
        Ok(Some(Self { sink, dropped: 0 }))
    }

    /// Appends what a stream has said, line by line; a piece without its end of line is marked as such.
    pub fn append(&mut self, stream: Stream, bytes: &[u8]) {
        // One look at the clock for all that was said at once.
        let time = super::state::now();
        let written = match &mut self.sink {
            Sink::K8s(file) => k8s::write(file, time, stream, bytes),
            Sink::Json { file, attributes } => json::write(file, time, stream, bytes, attributes),
            Sink::Journal(journal) => journal.write(stream, bytes),
        };
        if written.is_err() {
            self.dropped += 1;
        }
    }
}

/// The lines in some output, and whether each is whole. Their ends are not part of them.
fn lines(bytes: &[u8]) -> impl Iterator<Item = (&[u8], bool)> {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let line = rest;
        let length = skip_line(&mut rest);
        let line = &line[..length];
        Some(line.strip_suffix(b"\n").map_or((line, false), |text| (text, true)))
    })
}

/// Moves behind the next end of a line, and says how far that was. The search is the C library's, which is fast.
fn skip_line(rest: &mut &[u8]) -> usize {
    use std::io::BufRead;
    // Reading memory does not fail.
    rest.skip_until(b'\n').unwrap_or(0)
}

/// The tag of a log line: podman's templates know the name and the id.
fn tag(config: &Config) -> Option<String> {
    let (name, id): (&Name, _) = (&config.name, &config.id);
    let tag = config.logging.tag.as_deref()?;
    let image = match &config.source {
        super::config::Source::Image(image) => image.name.as_str(),
        super::config::Source::Directory(_) => "",
    };
    let known = [("Name", name.as_str()), ("ID", id.short()), ("FullID", id.as_str()), ("ImageName", image)];
    let mut text = tag.to_owned();
    for (field, value) in known {
        text = text.replace(&format!("{{{{.{field}}}}}"), value);
    }
    Some(text)
}

/// `2026-11-22T20:00:00.123456789Z` from nanoseconds since 1970: RFC 3339, always nine digits, always UTC.
pub fn rfc3339_nanoseconds(nanoseconds: u64) -> String {
    let (seconds, fraction) = (nanoseconds / 1_000_000_000, nanoseconds % 1_000_000_000);
    let (days, second) = (seconds / 86_400, seconds % 86_400);
    // Years counted from March, in eras of 400 years, make the leap day the last of its year.
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let march_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * march_month + 2) / 5 + 1;
    let month = if march_month < 10 { march_month + 3 } else { march_month - 9 };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{fraction:09}Z")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_civil_dates() {
        for (seconds, text) in
            [(0, "1970-01-01T00:00:00"), (951_782_400, "2000-02-29T00:00:00"), (4_102_444_799, "2099-12-31T23:59:59")]
        {
            assert_eq!(rfc3339_nanoseconds(seconds * 1_000_000_000 + 5), format!("{text}.000000005Z"));
        }
    }

    #[test]
    fn lines_parse_as_they_were_written() {
        let entry = Format::K8s.parse(b"2026-01-01T00:00:00.000000000Z stderr P a b  c").unwrap();
        assert_eq!((entry.stream, entry.is_complete, &*entry.text), (Stream::Stderr, false, &b"a b  c"[..]));
        assert!(Format::K8s.parse(b"nonsense").is_none() && Format::K8s.parse(b"t stdout X y").is_none());
        let line =
            br#"{"log":"a\u0007\n","stream":"stdout","attrs":{"tag":"x"},"time":"2026-01-01T00:00:00.000000000Z"}"#;
        let entry = Format::Json.parse(line).unwrap();
        assert_eq!((entry.stream, entry.is_complete, &*entry.text), (Stream::Stdout, true, &b"a\x07"[..]));
        assert!(Format::Json.parse(b"{}").is_none() && Format::Json.parse(b"nonsense").is_none());
    }
}

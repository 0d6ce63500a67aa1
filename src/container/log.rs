//! A container's log: lines of `TIME stream F|P text`, podman's k8s-file form, in at most three files.

use crate::fs;
use anyhow::{Context, Result};
use std::io::Write;
use std::path::{Path, PathBuf};

/// How large one file grows before the next is begun.
const FILE_BYTES_MAX: u64 = 10 << 20;

/// How many files are kept: the current one, `log.1` and `log.2`.
const FILES_MAX: u32 = 3;

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
}

/// The writing end, in the monitor. A write that fails is counted and dropped: a full disk must not stop a container.
pub struct Log {
    path: PathBuf,
    file: Option<std::fs::File>,
    size: u64,
    pub dropped: u64,
}

impl Log {
    /// Names the log; the file is made by the first output.
    pub fn at(path: PathBuf) -> Self {
        Self { path, file: None, size: 0, dropped: 0 }
    }

    /// Appends what a stream has said, line by line; a piece without its end of line is marked `P`.
    pub fn append(&mut self, stream: Stream, bytes: &[u8]) {
        let time = rfc3339_nanoseconds(super::state::now());
        let mut lines = Vec::with_capacity(bytes.len() + 64);
        for line in bytes.split_inclusive(|byte| *byte == b'\n') {
            let (text, mark) = match line.strip_suffix(b"\n") {
                Some(text) => (text, 'F'),
                None => (line, 'P'),
            };
            // Writing to a vector cannot fail.
            let _ = write!(lines, "{time} {} {mark} ", stream.name());
            lines.extend_from_slice(text);
            lines.push(b'\n');
        }
        if self.write(&lines).is_err() {
            self.dropped += 1;
        }
    }

    fn write(&mut self, lines: &[u8]) -> Result<()> {
        if self.size > FILE_BYTES_MAX {
            self.rotate()?;
        }
        if self.file.is_none() {
            let file = fs::open_append(&self.path)?;
            self.size = file.metadata()?.len();
            self.file = Some(file);
        }
        let file = self.file.as_mut().context("the log is open")?;
        file.write_all(lines)?;
        self.size += lines.len() as u64;
        Ok(())
    }

    fn rotate(&mut self) -> Result<()> {
        self.file = None;
        self.size = 0;
        for number in (1..FILES_MAX).rev() {
            let from = if number == 1 { self.path.clone() } else { numbered(&self.path, number - 1) };
            match rustix::fs::rename(&from, numbered(&self.path, number)) {
                Ok(()) | Err(rustix::io::Errno::NOENT) => {}
                Err(errno) => return Err(errno).context("rotate the log"),
            }
        }
        Ok(())
    }
}

fn numbered(path: &Path, number: u32) -> PathBuf {
    path.with_extension(number.to_string())
}

/// The files of a log that exist, oldest first.
pub fn files(path: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = (1..FILES_MAX).rev().map(|number| numbered(path, number)).collect();
    files.push(path.to_owned());
    files.retain(|file| file.exists());
    files
}

/// One line of a log file, parsed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry<'a> {
    pub time: &'a str,
    pub stream: Stream,
    /// Whether the text is the end of a line.
    pub is_complete: bool,
    pub text: &'a [u8],
}

/// Parses one line, without its end. None if it is none of ours.
pub fn parse(line: &[u8]) -> Option<Entry<'_>> {
    let mut parts = line.splitn(4, |byte| *byte == b' ');
    let time = std::str::from_utf8(parts.next()?).ok()?;
    let stream = match parts.next()? {
        b"stdout" => Stream::Stdout,
        b"stderr" => Stream::Stderr,
        _ => return None,
    };
    let is_complete = match parts.next()? {
        b"F" => true,
        b"P" => false,
        _ => return None,
    };
    Some(Entry { time, stream, is_complete, text: parts.next()? })
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
        let entry = parse(b"2026-01-01T00:00:00.000000000Z stderr P a b  c").unwrap();
        assert_eq!((entry.stream, entry.is_complete, entry.text), (Stream::Stderr, false, &b"a b  c"[..]));
        assert!(parse(b"nonsense").is_none() && parse(b"t stdout X y").is_none());
    }
}

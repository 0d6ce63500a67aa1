//! Log lines on the standard streams, each on its own.

use crate::container::log::{Entry, Stream};
use crate::sys::process::standard_stream;
use anyhow::{Context as _, Result};
use std::fs::File;
use std::io::{BufWriter, Write};

/// How much is put out at once.
const BUFFER_BYTES: usize = 64 << 10;

/// Which lines are printed, and how.
pub struct Printer {
    timestamps: bool,
    since: Option<String>,
    until: Option<String>,
    outputs: [BufWriter<File>; 2],
    /// Whether the last piece printed on a stream ended its line, so that a label and a time may begin the next.
    at_line_start: [bool; 2],
    /// The stream that was printed to last.
    last: Stream,
}

impl Printer {
    pub fn new(timestamps: bool, since: Option<String>, until: Option<String>) -> Result<Self> {
        let output =
            |number| Ok::<_, anyhow::Error>(BufWriter::with_capacity(BUFFER_BYTES, standard_stream(number)?.into()));
        let outputs = [output(1)?, output(2)?];
        Ok(Self { timestamps, since, until, outputs, at_line_start: [true; 2], last: Stream::Stdout })
    }

    /// Prints a line if it is wanted. False if none that comes after it can be.
    pub fn print(&mut self, label: &str, entry: &Entry<'_>) -> Result<bool> {
        // Times of one format and zone compare as text.
        if self.until.as_deref().is_some_and(|until| &*entry.time > until) {
            return Ok(false);
        }
        if self.since.as_deref().is_some_and(|since| &*entry.time < since) {
            return Ok(true);
        }
        if entry.stream != self.last {
            // On a terminal both are one.
            self.flush();
            self.last = entry.stream;
        }
        match self.write(label, entry) {
            Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => std::process::exit(0),
            other => other.context("print the log").map(|()| true),
        }
    }

    fn write(&mut self, label: &str, entry: &Entry<'_>) -> std::io::Result<()> {
        let index = usize::from(entry.stream == Stream::Stderr);
        let out = &mut self.outputs[index];
        if self.at_line_start[index] {
            out.write_all(label.as_bytes())?;
            if self.timestamps {
                out.write_all(entry.time.as_bytes())?;
                out.write_all(b" ")?;
            }
        }
        out.write_all(&entry.text)?;
        self.at_line_start[index] = entry.is_complete;
        if entry.is_complete { out.write_all(b"\n") } else { Ok(()) }
    }

    /// Puts out what is held back. A reader that has gone ends the program quietly.
    pub fn flush(&mut self) {
        for output in &mut self.outputs {
            if output.flush().is_err() {
                std::process::exit(0);
            }
        }
    }
}

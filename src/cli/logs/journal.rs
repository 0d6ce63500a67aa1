//! Logs in the journal, read through journalctl.

use super::Selection;
use super::print::Printer;
use crate::container::control::Connection;
use crate::container::log::{Entry, Stream, rfc3339_nanoseconds};
use crate::container::state::{Container, Status};
use crate::error::Kind;
use anyhow::{Context as _, Result};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use serde_json::Value;
use std::io::{BufRead, BufReader};
use std::os::fd::AsFd;
use std::process::{Child, Command, Stdio};

/// The longest line of journalctl's.
const LINE_BYTES_MAX: u64 = 16 << 20;

/// Ends journalctl with whoever reads it.
struct Reader(Child);

impl Drop for Reader {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Prints what the journal has of a container.
pub fn print(
    container: &Container,
    label: &str,
    selection: &Selection,
    follows: bool,
    printer: &mut Printer,
) -> Result<()> {
    // It ends, or its monitor closes this, when the container has ended.
    let monitor = match container.status {
        Status::Running | Status::Paused if follows => Connection::open(container).ok(),
        _ => None,
    };
    let mut reader = Reader(start(container, selection, monitor.is_some())?);
    let stdout = reader.0.stdout.take().context("journalctl has an output")?;
    let mut lines = BufReader::new(stdout);
    loop {
        if let Some(monitor) = &monitor
            && lines.buffer().is_empty()
        {
            printer.flush();
            let mut polled = [
                PollFd::new(lines.get_ref().as_fd(), PollFlags::POLLIN),
                PollFd::new(monitor.as_fd(), PollFlags::POLLIN),
            ];
            poll(&mut polled, PollTimeout::NONE).context("poll")?;
            let is_ready = |index: usize| polled[index].revents().is_some_and(|events: PollFlags| !events.is_empty());
            if !is_ready(0) && is_ready(1) {
                return Ok(());
            }
        }
        let mut line = Vec::new();
        std::io::Read::take(&mut lines, LINE_BYTES_MAX).read_until(b'\n', &mut line).context("read the journal")?;
        if line.is_empty() {
            return Ok(());
        }
        if let Some(entry) = parse(&line)
            && !printer.print(label, &entry)?
        {
            return Ok(());
        }
    }
}

fn start(container: &Container, selection: &Selection, follows: bool) -> Result<Child> {
    let mut command = Command::new("journalctl");
    command.args(["--quiet", "--no-pager", "--all", "--output=json"]);
    command.arg(format!("--lines={}", selection.tail.map_or("all".to_owned(), |tail| tail.to_string())));
    if follows {
        command.arg("--follow");
    }
    command.arg(format!("CONTAINER_ID_FULL={}", container.config.id));
    command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().map_err(|error| {
        let message =
            format!("the log of container {} is in the journal: run journalctl: {error}", container.config.name);
        Kind::NotFound.hinted(message, "install systemd's journalctl, or use another --log-driver")
    })
}

fn parse(line: &[u8]) -> Option<Entry<'static>> {
    let fields: Value = serde_json::from_slice(line).ok()?;
    let text = match &fields["MESSAGE"] {
        Value::String(text) => text.clone().into_bytes(),
        // What is no text comes as numbers.
        Value::Array(bytes) => bytes.iter().filter_map(|byte| u8::try_from(byte.as_u64()?).ok()).collect(),
        _ => return None,
    };
    let microseconds: u64 = fields["__REALTIME_TIMESTAMP"].as_str()?.parse().ok()?;
    Some(Entry {
        time: rfc3339_nanoseconds(microseconds.saturating_mul(1000)).into(),
        stream: if fields["PRIORITY"] == "3" { Stream::Stderr } else { Stream::Stdout },
        is_complete: fields["CONTAINER_PARTIAL_MESSAGE"] != "true",
        text: text.into(),
    })
}

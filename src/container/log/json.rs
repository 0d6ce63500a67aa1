//! Lines of JSON, as docker's json-file driver writes them.

use super::file::Rotating;
use super::{Entry, Stream, lines, rfc3339_nanoseconds, tag};
use crate::container::config::Config;
use anyhow::Result;
use serde::Deserialize;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::Write;

/// `"attrs":{…},` for every line, or nothing.
pub fn attributes(config: &Config) -> String {
    let mut attributes: BTreeMap<&str, &str> =
        config.logging.labels.iter().map(|label| label.split_once('=').unwrap_or((label, ""))).collect();
    let tag = tag(config);
    attributes.extend(tag.as_deref().map(|tag| ("tag", tag)));
    if attributes.is_empty() {
        return String::new();
    }
    // A map of text is always JSON.
    format!("\"attrs\":{},", serde_json::to_string(&attributes).unwrap_or_default())
}

pub fn write(file: &mut Rotating, time: u64, stream: Stream, bytes: &[u8], attributes: &str) -> Result<()> {
    let suffix =
        format!(",\"stream\":\"{}\",{attributes}\"time\":\"{}\"}}\n", stream.name(), rfc3339_nanoseconds(time));
    for (text, is_complete) in lines(bytes) {
        // What is no UTF-8 cannot be said in JSON: docker writes U+FFFD too.
        let mut text: Cow<'_, str> = String::from_utf8_lossy(text);
        if is_complete {
            text.to_mut().push('\n');
        }
        let line = file.line();
        line.extend_from_slice(b"{\"log\":");
        serde_json::to_writer(&mut *line, &text)?;
        line.write_all(suffix.as_bytes())?;
        file.end_line()?;
    }
    file.flush()
}

#[derive(Deserialize)]
struct Line<'a> {
    #[serde(borrow)]
    log: Cow<'a, str>,
    #[serde(borrow)]
    stream: Cow<'a, str>,
    #[serde(borrow)]
    time: Cow<'a, str>,
}

pub fn parse(line: &[u8]) -> Option<Entry<'_>> {
    let line: Line<'_> = serde_json::from_slice(line).ok()?;
    let stream = Stream::of(line.stream.as_bytes())?;
    let is_complete = line.log.ends_with('\n');
    let text = match line.log {
        Cow::Borrowed(text) => Cow::Borrowed(text.strip_suffix('\n').unwrap_or(text).as_bytes()),
        Cow::Owned(mut text) => {
            if is_complete {
                text.pop();
            }
            Cow::Owned(text.into_bytes())
        }
    };
    Some(Entry { time: line.time, stream, is_complete, text })
}

//! What `ps`, `images` and `inspect` print: rows in columns, by a template or as JSON, safe for a terminal.

use super::format::{Format, Names};
use super::table::{self, Table};
use crate::error::Kind;
use anyhow::Result;
use serde::Serializer;
use serde_json::Value;
use std::io::{IsTerminal, Write};

/// How a list is wanted.
#[derive(Debug)]
pub enum Shape {
    Table,
    Quiet,
    Json,
    Template(Format),
}

/// What is gathered of an array before it is written.
const BUFFER_BYTES: usize = 64 << 10;

impl Shape {
    /// What `--format` and `--quiet` say together; a template wins over `--quiet`.
    pub fn parse(format: Option<&str>, quiet: bool) -> Result<Self> {
        match format {
            Some("json") => Ok(Self::Json),
            Some("table") | None => Ok(if quiet { Self::Quiet } else { Self::Table }),
            Some("") => Err(Kind::BadInput.error("--format is empty")),
            Some(template) => Ok(Self::Template(Format::parse(template)?)),
        }
    }
}

/// Prints rows under their headings.
pub fn columns<Row: IntoIterator<Item = String>>(
    headings: &[&str],
    has_headings: bool,
    rows: impl IntoIterator<Item = Row>,
) {
    fill(Table::new(), headings, has_headings, rows);
}

/// The same in docker's widths.
pub fn docker_columns<Row: IntoIterator<Item = String>>(
    headings: &[&str],
    has_headings: bool,
    rows: impl IntoIterator<Item = Row>,
) {
    fill(Table::new_docker(), headings, has_headings, rows);
}

fn fill<Row: IntoIterator<Item = String>>(
    mut table: Table,
    headings: &[&str],
    has_headings: bool,
    rows: impl IntoIterator<Item = Row>,
) {
    if has_headings {
        table.row(headings);
    }
    rows.into_iter().for_each(|row| table.row(row));
    put(&table.to_string());
}

/// Prints rows by a template. `given` names the headings that are not simply the field's name.
pub fn template(
    format: &Format,
    has_headings: bool,
    rows: &[Value],
    given: &dyn Fn(&str) -> Option<String>,
) -> Result<()> {
    if has_headings || !format.is_table() {
        put(&format.rows(rows, Names::Exact, given)?);
        return Ok(());
    }
    let lines: Vec<String> = rows.iter().map(|row| format.row(row, Names::Exact)).collect::<Result<_>>()?;
    put(&table::align(&lines.concat()));
    Ok(())
}

/// Prints a value as JSON with indentation.
pub fn json(value: &Value) {
    put(&format!("{value:#}\n"));
}

/// Prints values as a JSON array with indentation, each as soon as it is made: many of them are never there at once.
pub fn json_array(values: impl Iterator<Item = Value>) {
    let stdout = std::io::stdout().lock();
    if stdout.is_terminal() {
        return json(&values.collect());
    }
    let mut out = std::io::BufWriter::with_capacity(BUFFER_BYTES, stdout);
    let written = (&mut serde_json::Serializer::pretty(&mut out)).collect_seq(values).map_err(std::io::Error::from);
    if written.and_then(|()| out.write_all(b"\n")).and_then(|()| out.flush()).is_err() {
        std::process::exit(0);
    }
}

/// Puts text on standard output. To a terminal it goes without what could control one; a reader that has gone ends the
/// program quietly.
pub fn put(text: &str) {
    let mut stdout = std::io::stdout().lock();
    let text = if stdout.is_terminal() { table::printable(text) } else { text.into() };
    if stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()).is_err() {
        std::process::exit(0);
    }
}

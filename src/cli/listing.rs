//! What `ps`, `images` and `inspect` print: rows in columns, by a template or as JSON, safe for a terminal.

use super::format::{Format, Names};
use super::table::{self, Table};
use crate::error::Kind;
use crate::inspect::view::View;
use anyhow::Result;
use std::io::{IsTerminal, Write};

/// How a list is wanted.
#[derive(Debug)]
pub enum Shape {
    Table,
    Quiet,
    Json,
    Template(Format),
}

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
    rows: &[View],
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

/// The same of rows that are made one after the other: `each` calls what it is given with every row. Who has many that
/// are alike needs only one at a time.
pub fn template_of_each(
    format: &Format,
    has_headings: bool,
    given: &dyn Fn(&str) -> Option<String>,
    each: impl FnOnce(&mut dyn FnMut(&View) -> Result<()>) -> Result<()>,
) -> Result<()> {
    if format.ranges() {
        let mut rows = Vec::new();
        each(&mut |row| {
            rows.push(row.clone());
            Ok(())
        })?;
        return template(format, has_headings, &rows, given);
    }
    let mut text = if has_headings && format.is_table() { format.heading(given) } else { String::new() };
    each(&mut |row| {
        text.push_str(&format.row(row, Names::Exact)?);
        Ok(())
    })?;
    put(&if format.is_table() { table::align(&text) } else { text });
    Ok(())
}

/// Prints a value as JSON with indentation.
pub fn json(value: &impl std::fmt::Display) {
    put(&format!("{value:#}\n"));
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

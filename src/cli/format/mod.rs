//! `--format`: Go templates, as docker and podman take them, over JSON values.
//!
//! The language is that of Go's text/template with docker's extra functions. It is written here since the crates that
//! offer it print lists, maps and quotes differently, and have no limits: a template is input like any other.

mod eval;
mod fields;
pub(in crate::cli) mod float;
mod functions;
mod heading;
mod lexer;
mod parser;
mod printf;
mod quote;
mod value;

pub(in crate::cli) use value::sorted;

use super::table;
use crate::error::Kind;
use crate::inspect::view::View;
use anyhow::Result;

const TEMPLATE_BYTES_MAX: usize = 64 << 10;

/// How a template's `.Name` is compared with the names in the data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Names {
    /// Letter by letter, as Go does
    Exact,
    /// Also in another case, for data whose JSON names differ from the names known to templates (`host`, `.Host`)
    AnyCase,
}

/// A parsed template, taken literally.
#[derive(Debug)]
pub struct Template {
    tree: parser::Tree,
}

impl Template {
    /// Errors name the line.
    pub fn parse(text: &str) -> Result<Self> {
        if text.len() > TEMPLATE_BYTES_MAX {
            return Err(Kind::BadInput.error(format!("template: longer than {} KiB", TEMPLATE_BYTES_MAX >> 10)));
        }
        Ok(Self { tree: parser::parse(text)? })
    }

    /// An unknown field is an error that names the known ones; an unknown key of a map is `<no value>`.
    pub fn render_with(&self, data: &View, names: Names) -> Result<String> {
        let mut run = eval::Run::new(&self.tree, names);
        run.render(data.into())?;
        Ok(run.finish())
    }
}

/// A `--format` argument: a template for each row, or `table` and a template.
#[derive(Debug)]
pub struct Format {
    template: Template,
    is_table: bool,
    ranges: bool,
}

impl Format {
    /// Reads the argument as podman does: outside of actions `\t` and `\n` may be spelled out, with `table` in front
    /// each space is a tab, and the line end is added.
    pub fn parse(argument: &str) -> Result<Self> {
        let (is_table, body) = match argument.strip_prefix("table") {
            Some("") => (true, ""),
            Some(rest) if rest.starts_with(' ') || rest.starts_with("\\t") || rest.starts_with('\t') => {
                (true, rest.strip_prefix("\\t").unwrap_or(rest).trim_start())
            }
            _ => (false, argument),
        };
        let mut text = outside_actions(body, |text| {
            let text = text.replace("\\t", "\t").replace("\\n", "\n");
            if is_table { text.replace(' ', "\t") } else { text }
        });
        if !text.ends_with('\n') {
            text.push('\n');
        }
        let template = Template::parse(&text)?;
        let ranges = template.tree.ranges_over_dot();
        Ok(Self { template, is_table, ranges })
    }

    /// Whether `table` stands in front, so that headings are due.
    pub fn is_table(&self) -> bool {
        self.is_table
    }

    /// Whether the template itself ranges over `.`, and so sees a list of all rows.
    pub fn ranges(&self) -> bool {
        self.ranges
    }

    /// The line of headings, its cells divided by tabs: the name given for a field, else its own in capitals
    /// (`CreatedAt` becomes `CREATED AT`).
    pub fn heading(&self, given: &dyn Fn(&str) -> Option<String>) -> String {
        heading::line(&self.template.tree, given)
    }

    /// One row of a stream, not aligned.
    pub fn row(&self, row: &View, names: Names) -> Result<String> {
        self.template.render_with(row, names)
    }

    /// All rows, with headings and aligned if this is a table. A template that itself ranges over `.` sees the list.
    pub fn rows(&self, rows: &[View], names: Names, given: &dyn Fn(&str) -> Option<String>) -> Result<String> {
        let mut run = eval::Run::new(&self.template.tree, names);
        if self.is_table {
            run.emit(&self.heading(given))?;
        }
        if self.ranges {
            run.render(value::Data::List(rows))?;
        } else {
            rows.iter().try_for_each(|row| run.render(row.into()))?;
        }
        let text = run.finish();
        Ok(if self.is_table { table::align(&text) } else { text })
    }
}

/// Changes the text between actions and leaves the actions, with the strings in them, alone.
fn outside_actions(template: &str, change: impl Fn(&str) -> String) -> String {
    let mut result = String::with_capacity(template.len());
    let mut rest = template;
    while let Some(open) = rest.find("{{") {
        let close = action_end(&rest[open..]).map_or(rest.len(), |length| open + length);
        result.push_str(&change(&rest[..open]));
        result.push_str(&rest[open..close]);
        rest = &rest[close..];
    }
    result.push_str(&change(rest));
    result
}

/// The length of the action at the start of `text`; braces in its strings do not end it.
fn action_end(text: &str) -> Option<usize> {
    let mut quote = None;
    let mut escaped = false;
    for (at, byte) in text.bytes().enumerate() {
        match (quote, byte) {
            _ if escaped => escaped = false,
            (Some(b'"' | b'\''), b'\\') => escaped = true,
            (Some(open), _) if open == byte => quote = None,
            (Some(_), _) => {}
            (None, b'"' | b'\'' | b'`') => quote = Some(byte),
            (None, b'}') if text[at..].starts_with("}}") => return Some(at + 2),
            (None, _) => {}
        }
    }
    None
}

#[cfg(test)]
mod tests;

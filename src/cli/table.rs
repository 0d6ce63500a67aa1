//! Columns for the eye: tab-separated lines aligned with spaces, and text that cannot speak to the terminal.

use std::borrow::Cow;
use std::fmt;

/// The least width of a column, padding included, as podman sets it.
const COLUMN_MIN: usize = 12;
/// The least space between columns.
const PADDING: usize = 2;
/// The same in docker's tables.
const DOCKER: (usize, usize) = (10, 3);

/// Rows of cells, printed in columns. The last cell of a row is not padded.
#[derive(Clone, Debug, Default)]
pub struct Table {
    rows: Vec<Vec<String>>,
    is_docker: bool,
}

impl Table {
    pub fn new() -> Self {
        Self::default()
    }

    /// One with docker's widths.
    pub fn new_docker() -> Self {
        Self { rows: Vec::new(), is_docker: true }
    }

    /// Adds a row, the heading as well as any other. Tabs and line ends in a cell become spaces.
    pub fn row<Cell: AsRef<str>>(&mut self, cells: impl IntoIterator<Item = Cell>) {
        self.rows.push(cells.into_iter().map(|cell| cell.as_ref().replace(['\t', '\n', '\r'], " ")).collect());
    }
}

impl fmt::Display for Table {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rows: Vec<Vec<&str>> = self.rows.iter().map(|row| row.iter().map(String::as_str).collect()).collect();
        let widths = if self.is_docker { DOCKER } else { (COLUMN_MIN, PADDING) };
        for line in padded(&rows, widths) {
            writeln!(out, "{line}")?;
        }
        Ok(())
    }
}

/// Aligns the cells of tab-separated lines. A column is a run of lines that each have a tab there, so a line without
/// tabs divides the text into tables with widths of their own (Go's text/tabwriter).
pub fn align(text: &str) -> String {
    let rows: Vec<Vec<&str>> = text.split('\n').map(|line| line.split('\t').collect()).collect();
    padded(&rows, (COLUMN_MIN, PADDING)).join("\n")
}

fn padded(rows: &[Vec<&str>], (column_min, padding): (usize, usize)) -> Vec<String> {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let mut lines = vec![String::new(); rows.len()];
    for column in 0..columns {
        let has_next = |row: &Vec<&str>| row.len() > column + 1;
        let mut at = 0;
        while at < rows.len() {
            let run = rows[at..].iter().take_while(|row| has_next(row)).count();
            let widest = rows[at..at + run].iter().map(|row| width(row[column])).max().unwrap_or(0);
            let column_width = column_min.max(widest + padding);
            for (row, line) in rows[at..at + run].iter().zip(&mut lines[at..]) {
                line.push_str(row[column]);
                line.extend(std::iter::repeat_n(' ', column_width - width(row[column])));
            }
            at += run;
            // The line that ends the run has its last cell here, or none.
            if let Some(row) = rows.get(at) {
                lines[at].push_str(row.get(column).copied().unwrap_or_default());
                at += 1;
            }
        }
    }
    lines
}

fn width(cell: &str) -> usize {
    cell.chars().count()
}

/// The text with every character spelled out that could move the cursor, change the terminal's state or reorder what
/// is shown: control characters but tab and line feed, and the bidirectional controls. For output to a terminal.
pub fn printable(text: &str) -> Cow<'_, str> {
    if !text.contains(is_unsafe) {
        return Cow::Borrowed(text);
    }
    let mut result = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        match character {
            _ if !is_unsafe(character) => result.push(character),
            '\0'..='\u{ff}' => result.push_str(&format!("\\x{:02x}", u32::from(character))),
            _ => result.push_str(&format!("\\u{:04x}", u32::from(character))),
        }
    }
    Cow::Owned(result)
}

fn is_unsafe(character: char) -> bool {
    let is_bidi = matches!(character, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    is_bidi || (character.is_control() && !matches!(character, '\n' | '\t'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn columns_are_as_wide_as_podmans() {
        let mut table = Table::new();
        table.row(["CONTAINER ID", "IMAGE", "PORTS", "NAMES"]);
        table.row(["4f2c9d1a77aa", "docker.io/library/alpine:latest", "", "web"]);
        assert_eq!(
            table.to_string(),
            "CONTAINER ID  IMAGE                            PORTS       NAMES\n\
             4f2c9d1a77aa  docker.io/library/alpine:latest              web\n"
        );
    }

    // Outputs of text/tabwriter with minimal width 12, padding 2.
    #[test]
    fn runs_of_lines_are_aligned_as_tabwriter_does() {
        let table = [
            ("a\tb\n", "a           b\n"),
            ("a\tb\t\n", "a           b           \n"),
            ("", ""),
            ("x\n\ty", "x\n            y"),
        ];
        for (text, expected) in table {
            assert_eq!(align(text), expected, "{text:?}");
        }
        let text = "a234567890123\tb\nc\td\nline\nc\td\te\nf\tg23456789012345\th\n";
        let expected = "a234567890123  b\nc              d\nline\nc           d                e\nf           g23456789012345  h\n";
        assert_eq!(align(text), expected);
    }

    #[test]
    fn control_characters_become_visible() {
        assert_eq!(printable("plain täxt\n\t"), "plain täxt\n\t");
        assert_eq!(printable("\x1b]0;x\x07\r\u{9b}31m\u{202e}"), "\\x1b]0;x\\x07\\x0d\\x9b31m\\u202e");
        let mut table = Table::new();
        table.row(["a\tb\nc", "d"]);
        assert_eq!(table.to_string(), "a b c       d\n");
    }

    proptest! {
        #[test]
        fn aligning_keeps_every_cell(text in "[a-c\\t\\n]{0,60}") {
            let strip = |text: &str| text.replace(['\t', ' '], "");
            prop_assert_eq!(strip(&align(&text)), strip(&text));
        }

        #[test]
        fn nothing_printable_is_unsafe(text in any::<String>()) {
            prop_assert!(!printable(&text).contains(is_unsafe));
        }
    }
}

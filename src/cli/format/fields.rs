//! Finds `.Name` in an object, or says which names it has.

use super::Names;
use super::value::Data;
use crate::error::{self, Kind};
use crate::inspect::view::{Fields, View};
use anyhow::Result;

/// Fields that hold a map with keys of the user's choice: an absent key there is no mistake.
const MAPS: &[&str] = &[
    "Annotations",
    "DriverOpts",
    "ExposedPorts",
    "Labels",
    "Networks",
    "Options",
    "Ports",
    "StorageOpt",
    "Sysctls",
    "Volumes",
];

/// How many names an error lists.
const NAMES_MAX: usize = 60;

/// Follows `.A.B` from `start`.
pub fn follow<'a>(names: Names, start: Data<'a>, path: &[String]) -> Result<Data<'a>> {
    let mut data = start;
    let mut parent = "";
    for name in path {
        data = match &data {
            Data::Missing => Data::Missing,
            Data::Nil => {
                return Err(Kind::BadInput.hinted(
                    format!("template: can't evaluate field {name}: {} is nil", described(parent)),
                    format!("test it first: {{{{if .{parent}}}}} or {{{{with .{parent}}}}}"),
                ));
            }
            Data::Object(fields) => match find(names, fields, name) {
                Some(value) => Data::from(value),
                None if is_map(names, fields, parent, name) => Data::Missing,
                None => return Err(unknown(fields, name)),
            },
            other => {
                let message = format!("template: can't evaluate field {name} in type {}", other.kind());
                return Err(Kind::BadInput.error(message));
            }
        };
        parent = name;
    }
    Ok(data)
}

fn described(name: &str) -> String {
    if name.is_empty() { "the value".to_owned() } else { format!(".{name}") }
}

fn find<'a>(names: Names, fields: &'a Fields, name: &str) -> Option<&'a View> {
    fields.get(name).or_else(|| match names {
        Names::Exact => None,
        Names::AnyCase => fields.iter().find(|(field, _)| field.eq_ignore_ascii_case(name)).map(|(_, value)| value),
    })
}

/// JSON does not tell a struct, whose fields are known, from a map; Go capitalizes the fields that templates can see.
fn is_map(names: Names, fields: &Fields, parent: &str, name: &str) -> bool {
    let capital = |name: &str| name.starts_with(char::is_uppercase);
    // podman has written a few of its fields small.
    let is_mostly_capital = fields.names().filter(|field| capital(field)).count() * 2 > fields.len();
    let is_struct = is_mostly_capital || (names == Names::AnyCase && capital(name));
    MAPS.contains(&parent) || fields.is_empty() || !is_struct
}

fn unknown(fields: &Fields, name: &str) -> anyhow::Error {
    let mut known: Vec<&str> = fields.names().collect();
    known.sort_unstable();
    let near = error::nearest(name, known.iter().copied()).map(str::to_owned);
    let more = if known.len() > NAMES_MAX { ", …" } else { "" };
    known.truncate(NAMES_MAX);
    let message = format!("template: can't evaluate field {name}: the fields are {}{more}", known.join(", "));
    match near {
        Some(near) => Kind::BadInput.hinted(message, format!("write .{near}")),
        None => Kind::BadInput.error(message),
    }
}

//! The values a template computes with, and how Go's fmt prints them.

use super::float;
use crate::inspect::view::{Fields, View};
use std::fmt::{self, Write};
use std::rc::Rc;

#[derive(Clone, Debug)]
pub enum Data<'a> {
    /// The absent entry of a map, which prints as `<no value>`
    Missing,
    Nil,
    Bool(bool),
    Int(i128),
    Float(f64),
    Text(&'a str),
    Made(Rc<str>),
    List(&'a [View]),
    MadeList(Rc<[Data<'a>]>),
    Object(&'a Fields),
}

impl<'a> From<&'a View> for Data<'a> {
    fn from(value: &'a View) -> Self {
        match value {
            View::Null => Self::Nil,
            View::Bool(truth) => Self::Bool(*truth),
            View::Number(number) => match (number.as_i64(), number.as_u64()) {
                (Some(number), _) => Self::Int(number.into()),
                (_, Some(number)) => Self::Int(number.into()),
                _ => Self::Float(number.as_f64().unwrap_or(f64::NAN)),
            },
            View::Text(text) => Self::Text(text),
            View::List(items) => Self::List(items),
            View::Object(fields) => Self::Object(fields),
        }
    }
}

impl<'a> Data<'a> {
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Made(text) => Some(text),
            _ => None,
        }
    }

    pub fn items(&self) -> Option<Items<'a>> {
        match self {
            Self::List(items) => Some(Items::Given(items)),
            Self::MadeList(items) => Some(Items::Made(Rc::clone(items))),
            _ => None,
        }
    }

    /// What `if` decides by: everything but false, 0, nil and the empty string, list or map.
    pub fn truth(&self) -> bool {
        match self {
            Self::Missing | Self::Nil => false,
            Self::Bool(truth) => *truth,
            Self::Int(number) => *number != 0,
            Self::Float(number) => *number != 0.0,
            Self::Text(text) => !text.is_empty(),
            Self::Made(text) => !text.is_empty(),
            Self::List(items) => !items.is_empty(),
            Self::MadeList(items) => !items.is_empty(),
            Self::Object(fields) => !fields.is_empty(),
        }
    }

    /// Go's name of the type, as `%T` prints it.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Missing | Self::Nil => "<nil>",
            Self::Bool(_) => "bool",
            Self::Int(_) => "int",
            Self::Float(_) => "float64",
            Self::Text(_) | Self::Made(_) => "string",
            Self::List(_) => "[]interface {}",
            Self::MadeList(_) => "[]string",
            Self::Object(_) => "map[string]interface {}",
        }
    }

    /// Memory that printing or comparing this walks over, roughly: what it costs of the budget.
    pub fn weight(&self) -> usize {
        self.text().map_or(1, str::len)
    }

    pub fn to_json(&self) -> View {
        match self {
            Self::Missing | Self::Nil => View::Null,
            Self::Bool(truth) => View::Bool(*truth),
            Self::Int(number) => match i64::try_from(*number) {
                Ok(number) => View::from(number),
                Err(_) => u64::try_from(*number).map_or(View::Null, View::from),
            },
            Self::Float(number) => View::from(*number),
            Self::Text(text) => View::from(*text),
            Self::Made(text) => View::from(&**text),
            Self::List(items) => View::from(items.to_vec()),
            Self::MadeList(items) => items.iter().map(Self::to_json).collect(),
            Self::Object(fields) => View::Object((*fields).clone()),
        }
    }

    /// Prints as Go's `%v`.
    pub fn print(&self, out: &mut dyn Write) -> fmt::Result {
        match self {
            Self::Missing => out.write_str("<no value>"),
            Self::Nil => out.write_str("<nil>"),
            Self::Bool(truth) => write!(out, "{truth}"),
            Self::Int(number) => write!(out, "{number}"),
            Self::Float(number) => out.write_str(&float::shortest(*number)),
            Self::Text(text) => out.write_str(text),
            Self::Made(text) => out.write_str(text),
            Self::List(items) => print_list(items.iter().map(Data::from), out),
            Self::MadeList(items) => print_list(items.iter().cloned(), out),
            Self::Object(fields) => {
                out.write_str("map[")?;
                for (at, (name, value)) in sorted(fields).into_iter().enumerate() {
                    if at > 0 {
                        out.write_char(' ')?;
                    }
                    write!(out, "{name}:")?;
                    Data::from(value).print(out)?;
                }
                out.write_char(']')
            }
        }
    }
}

fn print_list<'a>(items: impl Iterator<Item = Data<'a>>, out: &mut dyn Write) -> fmt::Result {
    out.write_char('[')?;
    for (at, item) in items.enumerate() {
        if at > 0 {
            out.write_char(' ')?;
        }
        item.print(out)?;
    }
    out.write_char(']')
}

/// The entries of an object in the order in which Go visits a map: by key.
pub fn sorted(fields: &Fields) -> Vec<(&str, &View)> {
    let mut entries: Vec<_> = fields.iter().collect();
    entries.sort_by_key(|(name, _)| *name);
    entries
}

/// The elements of a list, wherever they live.
#[derive(Clone)]
pub enum Items<'a> {
    Given(&'a [View]),
    Made(Rc<[Data<'a>]>),
}

impl<'a> Items<'a> {
    pub fn len(&self) -> usize {
        match self {
            Self::Given(items) => items.len(),
            Self::Made(items) => items.len(),
        }
    }

    pub fn get(&self, at: usize) -> Option<Data<'a>> {
        match self {
            Self::Given(items) => items.get(at).map(Data::from),
            Self::Made(items) => items.get(at).cloned(),
        }
    }

    pub fn slice(&self, from: usize, to: usize) -> Data<'a> {
        match self {
            Self::Given(items) => Data::List(&items[from..to]),
            Self::Made(items) => Data::MadeList(items[from..to].into()),
        }
    }

    pub fn iter(&self) -> impl Iterator<Item = Data<'a>> + '_ {
        (0..self.len()).filter_map(|at| self.get(at))
    }
}

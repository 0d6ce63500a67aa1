//! The tree that templates and JSON see of an object: fields under podman's names, in the order in which they were put in.
//!
//! The names are known when this is compiled, and a thousand containers have a quarter of a million of them: a tree of
//! [`serde_json::Value`] would allocate, sort and compare each.

use anyhow::{Context, Result};
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::{Number, Value};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::ops::Index;
use std::path::{Path, PathBuf};

#[derive(Clone, Debug, Default, PartialEq)]
pub enum View {
    #[default]
    Null,
    Bool(bool),
    Number(Number),
    Text(String),
    List(Vec<View>),
    Object(Fields),
}

/// The fields of an object. Each name is there once.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Fields(Vec<(Cow<'static, str>, View)>);

/// Makes a [`View`] of what looks like JSON, with expressions for its values.
macro_rules! view {
    (null) => { $crate::inspect::view::View::Null };
    ([ $($item:expr),* $(,)? ]) => {
        $crate::inspect::view::View::List(vec![$($crate::inspect::view::View::from($item)),*])
    };
    ({ $($fields:tt)* }) => {{
        #[allow(unused_mut, reason = "an object may be empty")]
        let mut fields = $crate::inspect::view::Fields::default();
        $crate::inspect::view::view!(@ fields $($fields)*);
        $crate::inspect::view::View::Object(fields)
    }};
    (@ $fields:ident) => {};
    (@ $fields:ident $name:literal : null $(, $($rest:tt)*)?) => {
        $fields.push($name, $crate::inspect::view::View::Null);
        $crate::inspect::view::view!(@ $fields $($($rest)*)?);
    };
    (@ $fields:ident $name:literal : { $($inner:tt)* } $(, $($rest:tt)*)?) => {
        $fields.push($name, $crate::inspect::view::view!({ $($inner)* }));
        $crate::inspect::view::view!(@ $fields $($($rest)*)?);
    };
    (@ $fields:ident $name:literal : [ $($inner:tt)* ] $(, $($rest:tt)*)?) => {
        $fields.push($name, $crate::inspect::view::view!([ $($inner)* ]));
        $crate::inspect::view::view!(@ $fields $($($rest)*)?);
    };
    (@ $fields:ident $name:literal : $value:expr $(, $($rest:tt)*)?) => {
        $fields.push($name, $crate::inspect::view::View::from($value));
        $crate::inspect::view::view!(@ $fields $($($rest)*)?);
    };
}
pub(crate) use view;

impl View {
    /// Of what serde knows how to write.
    pub fn of(value: &impl Serialize) -> Result<Self> {
        Ok(serde_json::to_value(value).context("serialise")?.into())
    }

    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Null | Self::Bool(_) | Self::Number(_) | Self::List(_) | Self::Object(_) => None,
        }
    }

    /// The fields of several objects as one. What stands in a later one counts.
    pub fn over(self, more: Self) -> Self {
        match (self, more) {
            (Self::Object(mut fields), Self::Object(more)) => {
                more.0.into_iter().for_each(|(name, value)| fields.set(name, value));
                Self::Object(fields)
            }
            (below, _) => below,
        }
    }

    /// The fields of several objects, of which no two have the same.
    pub fn joined(parts: impl IntoIterator<Item = Self>) -> Self {
        let mut all = Fields::default();
        for part in parts {
            if let Self::Object(fields) = part {
                all.0.extend(fields.0);
            }
        }
        Self::Object(all)
    }

    /// Sets a field of an object.
    pub fn set(&mut self, name: impl Into<Cow<'static, str>>, value: impl Into<Self>) {
        if let Self::Object(fields) = self {
            fields.set(name, value.into());
        }
    }

    pub fn field_mut(&mut self, name: &str) -> Option<&mut Self> {
        match self {
            Self::Object(fields) => fields.get_mut(name),
            Self::Null | Self::Bool(_) | Self::Number(_) | Self::Text(_) | Self::List(_) => None,
        }
    }

    /// Without value: false, no text, an empty list or object. A number is one.
    fn is_empty(&self) -> bool {
        match self {
            Self::Null => true,
            Self::Bool(truth) => !truth,
            Self::Number(_) => false,
            Self::Text(text) => text.is_empty(),
            Self::List(items) => items.is_empty(),
            Self::Object(fields) => fields.0.is_empty(),
        }
    }
}

impl Fields {
    /// Adds a field that is not there yet.
    pub fn push(&mut self, name: impl Into<Cow<'static, str>>, value: View) {
        self.0.push((name.into(), value));
    }

    pub fn set(&mut self, name: impl Into<Cow<'static, str>>, value: View) {
        let name = name.into();
        match self.0.iter_mut().find(|(there, _)| *there == name) {
            Some((_, there)) => *there = value,
            None => self.0.push((name, value)),
        }
    }

    pub fn get(&self, name: &str) -> Option<&View> {
        self.0.iter().find(|(there, _)| there == name).map(|(_, value)| value)
    }

    pub fn get_mut(&mut self, name: &str) -> Option<&mut View> {
        self.0.iter_mut().find(|(there, _)| there == name).map(|(_, value)| value)
    }

    pub fn iter(&self) -> impl Iterator<Item = (&str, &View)> {
        self.0.iter().map(|(name, value)| (name.as_ref(), value))
    }

    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| name.as_ref())
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// A field of an object; null for one that is not there.
impl Index<&str> for View {
    type Output = Self;
    fn index(&self, name: &str) -> &Self {
        match self {
            Self::Object(fields) => fields.get(name).unwrap_or(&Self::Null),
            Self::Null | Self::Bool(_) | Self::Number(_) | Self::Text(_) | Self::List(_) => &Self::Null,
        }
    }
}

impl From<Value> for View {
    fn from(value: Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(truth) => Self::Bool(truth),
            Value::Number(number) => Self::Number(number),
            Value::String(text) => Self::Text(text),
            Value::Array(items) => Self::List(items.into_iter().map(Self::from).collect()),
            Value::Object(fields) => {
                Self::Object(Fields(fields.into_iter().map(|(name, value)| (name.into(), value.into())).collect()))
            }
        }
    }
}

macro_rules! from {
    ($($variant:ident of $($kind:ty),*;)*) => {
        $($(impl From<$kind> for View {
            fn from(value: $kind) -> Self {
                Self::$variant(value.into())
            }
        })*)*
    };
}

from! {
    Bool of bool;
    Number of u8, u16, u32, u64, i32, i64, usize;
    Text of &str, String, &String, Cow<'_, str>;
    Object of Fields;
}

impl From<&Path> for View {
    fn from(path: &Path) -> Self {
        path.to_string_lossy().into()
    }
}

impl From<&PathBuf> for View {
    fn from(path: &PathBuf) -> Self {
        path.as_path().into()
    }
}

impl From<&View> for View {
    fn from(view: &View) -> Self {
        view.clone()
    }
}

impl From<f64> for View {
    fn from(number: f64) -> Self {
        Number::from_f64(number).map_or(Self::Null, Self::Number)
    }
}

impl<T: Into<View>> From<Option<T>> for View {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

impl<T: Into<View>> From<Vec<T>> for View {
    fn from(items: Vec<T>) -> Self {
        items.into_iter().collect()
    }
}

impl From<&[String]> for View {
    fn from(items: &[String]) -> Self {
        items.iter().collect()
    }
}

impl From<&Vec<String>> for View {
    fn from(items: &Vec<String>) -> Self {
        items.as_slice().into()
    }
}

impl From<&BTreeMap<String, String>> for View {
    fn from(map: &BTreeMap<String, String>) -> Self {
        Self::Object(Fields(map.iter().map(|(name, value)| (name.clone().into(), value.into())).collect()))
    }
}

impl<T: Into<View>> FromIterator<T> for View {
    fn from_iter<I: IntoIterator<Item = T>>(items: I) -> Self {
        Self::List(items.into_iter().map(Into::into).collect())
    }
}

impl FromIterator<(String, View)> for Fields {
    fn from_iter<I: IntoIterator<Item = (String, View)>>(fields: I) -> Self {
        Self(fields.into_iter().map(|(name, value)| (name.into(), value)).collect())
    }
}

/// As JSON: in one line, or with `{:#}` in lines.
impl fmt::Display for View {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = if out.alternate() { serde_json::to_string_pretty(self) } else { serde_json::to_string(self) };
        out.write_str(&text.map_err(|_| fmt::Error)?)
    }
}

impl Serialize for View {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        AsGo { view: self, omitted: &[], kept: &[], nil: &[] }.serialize(serializer)
    }
}

/// A view as Go writes it to JSON, in which templates see every field, an unset one at its zero value.
#[derive(Clone, Copy)]
pub struct AsGo<'a> {
    pub view: &'a View,
    /// The fields that are left out when they are empty (`omitempty`).
    pub omitted: &'a [&'a str],
    /// Those of them that stay in the object itself, and are left out in what is in it.
    pub kept: &'a [&'a str],
    /// The lists and maps that are null when they are empty (nil).
    pub nil: &'a [&'a str],
}

/// Maps whose keys are the user's.
const USERS: [&str; 3] = ["Labels", "Annotations", "Sysctls"];

impl Serialize for AsGo<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let inner = |view| AsGo { view, kept: &[], ..*self };
        match self.view {
            View::Null => serializer.serialize_unit(),
            View::Bool(truth) => serializer.serialize_bool(*truth),
            View::Number(number) => number.serialize(serializer),
            View::Text(text) => serializer.serialize_str(text),
            View::List(items) => serializer.collect_seq(items.iter().map(inner)),
            View::Object(fields) => {
                let mut map = serializer.serialize_map(None)?;
                for (name, value) in fields.iter() {
                    match value.is_empty() {
                        true if self.omitted.contains(&name) && !self.kept.contains(&name) => {}
                        true if self.nil.contains(&name) => map.serialize_entry(name, &())?,
                        false if USERS.contains(&name) => map.serialize_entry(name, value)?,
                        _ => map.serialize_entry(name, &inner(value))?,
                    }
                }
                map.end()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_empty_is_left_out_or_null_by_its_name() {
        let written = |view: &View| {
            serde_json::to_value(AsGo { view, omitted: &["A", "F"], kept: &["F"], nil: &["B"] }).unwrap()
        };
        let nested = view!({ "A": null, "E": 0, "F": "" });
        let view = view!({ "A": "", "B": [], "C": {}, "F": "", "D": [nested], "Labels": { "A": "" } });
        let wanted = serde_json::json!({ "B": null, "C": {}, "F": "", "D": [{ "E": 0 }], "Labels": { "A": "" } });
        assert_eq!(written(&view), wanted);
    }

    #[test]
    fn a_view_is_written_as_what_it_was_made_of_is() {
        let value = serde_json::json!({ "a": [1, -1, 1.5, true, null, "x"], "b": { "c": {} } });
        assert_eq!(serde_json::to_value(View::from(value.clone())).unwrap(), value);
    }

    #[test]
    fn what_stands_over_counts() {
        let over = view!({ "A": 1, "B": 2 }).over(view!({ "B": 3, "C": 4 }));
        assert_eq!(over, view!({ "A": 1, "B": 3, "C": 4 }));
    }
}

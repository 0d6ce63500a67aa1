//! JSON from outside: refused if two readers could understand it differently or if it is nested without end.

use crate::error::Kind;
use anyhow::Result;
use serde::de::{DeserializeOwned, DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Serialize, Serializer};
use std::collections::{BTreeSet, HashSet};
use std::fmt;

/// Below the depth at which any JSON reader gives up (serde_json: 128).
const DEPTH_MAX: usize = 64;

/// Parses a document of at most `bytes_max` bytes in which no object has the same key twice.
pub fn parse<T: DeserializeOwned>(bytes: &[u8], bytes_max: usize) -> Result<T> {
    if bytes.len() > bytes_max {
        return Err(Kind::BadInput.error(format!("more than {bytes_max} bytes")));
    }
    let bad = |error: serde_json::Error| Kind::BadInput.error(error.to_string());
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    Unambiguous { depth: 0 }.deserialize(&mut reader).map_err(bad)?;
    reader.end().map_err(bad)?;
    serde_json::from_slice(bytes).map_err(bad)
}

/// Reads null as the empty value, as Go does.
pub fn or_default<'de, T, D>(reader: D) -> Result<T, D::Error>
where
    T: Default + Deserialize<'de>,
    D: Deserializer<'de>,
{
    Ok(Option::deserialize(reader)?.unwrap_or_default())
}

/// Reads a list with strings or nulls in it, and leaves out the nulls.
pub fn strings<'de, D: Deserializer<'de>>(reader: D) -> Result<Vec<String>, D::Error> {
    let list: Option<Vec<Option<String>>> = Option::deserialize(reader)?;
    Ok(list.unwrap_or_default().into_iter().flatten().collect())
}

/// A set written as Go writes one: an object whose values are empty objects.
pub mod set {
    use super::*;

    pub fn deserialize<'de, D: Deserializer<'de>>(reader: D) -> Result<BTreeSet<String>, D::Error> {
        type Keys = std::collections::BTreeMap<String, serde::de::IgnoredAny>;
        let keys: Option<Keys> = Option::deserialize(reader)?;
        Ok(keys.unwrap_or_default().into_keys().collect())
    }

    pub fn serialize<S: Serializer>(set: &BTreeSet<String>, writer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Nothing {}
        writer.collect_map(set.iter().map(|key| (key, Nothing {})))
    }
}

/// Reads any value, keeps nothing, and fails where a key comes twice or the nesting is too deep.
#[derive(Clone, Copy)]
struct Unambiguous {
    depth: usize,
}

impl Unambiguous {
    fn below<E: Error>(self) -> Result<Self, E> {
        match self.depth < DEPTH_MAX {
            true => Ok(Self { depth: self.depth + 1 }),
            false => Err(E::custom(format!("nested deeper than {DEPTH_MAX}"))),
        }
    }
}

impl<'de> DeserializeSeed<'de> for Unambiguous {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<(), D::Error> {
        reader.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Unambiguous {
    type Value = ();

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a JSON value")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let below = self.below()?;
        let mut keys = HashSet::new();
        while let Some(key) = map.next_key::<String>()? {
            if keys.contains(&key) {
                let shown: String = key.chars().take(100).collect();
                return Err(A::Error::custom(format!("key {shown:?} comes twice")));
            }
            keys.insert(key);
            map.next_value_seed(below)?;
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        let below = self.below()?;
        while list.next_element_seed(below)?.is_some() {}
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    #[test]
    fn ambiguous_or_endless_documents_are_refused() {
        let deep = format!("{}{}", "[".repeat(65), "]".repeat(65));
        let deepest = "[".repeat(100_000);
        let objects = r#"{"a":"#.repeat(100_000);
        let table = [
            r#"{"a":1,"a":1}"#,
            r#"{"a":1,"\u0061":1}"#,
            r#"{"b":[{"x":{"a":{},"a":null}}]}"#,
            "{} {}",
            "{}x",
            "",
            "{",
            "NaN",
            "\u{feff}{}",
            "'a'",
            &deep,
            &deepest,
            &objects,
        ];
        for text in table {
            assert!(parse::<Value>(text.as_bytes(), 1 << 20).is_err(), "{}", &text[..text.len().min(40)]);
        }
        assert!(parse::<Value>(b"\xff\xfe{}", 100).is_err());
        assert!(parse::<Value>(b"{}  ", 3).is_err());
        let good = format!(r#"{{"a":{}{},"b":{{"a":-1,"c":1.5e3}}}}"#, "[".repeat(63), "]".repeat(63));
        assert!(parse::<Value>(good.as_bytes(), 1 << 20).is_ok());
    }
}

//! What templates, JSON and filters see of containers and images, under the names that podman has for it.

pub mod container;
pub mod events;
pub mod filter;
pub mod host;
pub mod image;
pub mod time;
pub mod volume;

use serde_json::{Map, Value};

/// Go's zero time, which stands for "never".
pub const NEVER: &str = "0001-01-01T00:00:00Z";

/// Puts the fields of several objects into one.
fn merged(parts: impl IntoIterator<Item = Value>) -> Value {
    let mut all = Map::new();
    for part in parts {
        if let Value::Object(mut fields) = part {
            all.append(&mut fields);
        }
    }
    Value::Object(all)
}

/// Fields that templates see at their zero value, as Go writes them to JSON: those marked `omitempty` not at all, and
/// nil lists and maps as null.
fn as_go_writes(mut view: Value, omitted: &[&str], nil: &[&str]) -> Value {
    tidy(&mut view, omitted, nil);
    view
}

fn tidy(value: &mut Value, omitted: &[&str], nil: &[&str]) {
    let Value::Object(fields) = value else { return };
    fields.retain(|name, value| !is_empty(value) || !omitted.contains(&name.as_str()));
    for (name, value) in fields {
        match value {
            _ if is_empty(value) && nil.contains(&name.as_str()) => *value = Value::Null,
            // Maps whose keys are the user's.
            _ if ["Labels", "Annotations", "Sysctls"].contains(&name.as_str()) => {}
            Value::Array(items) => items.iter_mut().for_each(|item| tidy(item, omitted, nil)),
            _ => tidy(value, omitted, nil),
        }
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(truth) => !truth,
        Value::Number(_) => false,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_empty_is_left_out_or_null_by_its_name() {
        let view = json!({ "A": "", "B": [], "C": {}, "D": [{ "A": null, "E": 0 }], "Labels": { "A": "" } });
        let written = json!({ "B": null, "C": {}, "D": [{ "E": 0 }], "Labels": { "A": "" } });
        assert_eq!(as_go_writes(view, &["A"], &["B"]), written);
    }
}

//! `events --filter KEY=VALUE`: which events are wanted.

use super::filter::{Label, grouped, unknown};
use crate::container::events::{Event, Object};
use anyhow::Result;

const KEYS: &str = "container, event, image, label, network, pod, secret, type, volume";

/// The conditions on events: all must hold, each by any of its values.
#[derive(Debug, Default)]
pub struct Events {
    conditions: Vec<Condition>,
}

#[derive(Debug)]
enum Condition {
    /// An object of this kind, by name or the beginning of an id.
    Object(Object, Vec<String>),
    Happening(Vec<String>),
    Image(Vec<String>),
    Label(Vec<Label>),
    Kind(Vec<String>),
}

impl Events {
    pub fn parse(filters: &[String]) -> Result<Self> {
        let condition = |(key, values): (&str, Vec<&str>)| {
            let owned = || values.iter().map(|value| (*value).to_owned()).collect();
            Ok(match key.to_ascii_lowercase().as_str() {
                "container" => Condition::Object(Object::Container, owned()),
                "network" => Condition::Object(Object::Network, owned()),
                "pod" => Condition::Object(Object::Pod, owned()),
                "secret" => Condition::Object(Object::Secret, owned()),
                "volume" => Condition::Object(Object::Volume, owned()),
                "event" | "status" => Condition::Happening(values.iter().map(|value| podmans(value)).collect()),
                "image" => Condition::Image(owned()),
                "label" => Condition::Label(values.iter().map(|value| Label::parse(value)).collect()),
                "type" => Condition::Kind(owned()),
                _ => return Err(unknown(key, KEYS)),
            })
        };
        let conditions = grouped(filters)?.into_iter().map(condition).collect::<Result<_>>()?;
        Ok(Self { conditions })
    }

    pub fn match_event(&self, event: &Event) -> bool {
        self.conditions.iter().all(|condition| condition.holds(event))
    }
}

/// docker's words for what podman calls otherwise.
fn podmans(word: &str) -> String {
    match word {
        "die" => "died",
        "exec_die" => "exec_died",
        "destroy" | "delete" => "remove",
        "load" => "loadfromarchive",
        other => other,
    }
    .to_owned()
}

impl Condition {
    fn holds(&self, event: &Event) -> bool {
        let is_named = |name: &String| match event.object {
            Object::Network => *name == event.network || (!name.is_empty() && event.id.starts_with(name)),
            _ => *name == event.name || (!name.is_empty() && event.id.starts_with(name)),
        };
        match self {
            Self::Object(object, names) => event.object == *object && names.iter().any(is_named),
            Self::Happening(words) => words.iter().any(|word| is_word(&event.happening, word)),
            // A container's events are found by its image too, as docker has it.
            Self::Image(names) => match event.object {
                Object::Image => {
                    names.iter().any(|name| is_named(name) || super::filter::is_named(&event.name, name))
                }
                Object::Container => {
                    names.iter().any(|name| *name == event.image || super::filter::is_named(&event.image, name))
                }
                Object::Network | Object::Pod | Object::Secret | Object::System | Object::Volume => false,
            },
            Self::Label(labels) => {
                labels.iter().any(|label| event.attributes.as_ref().is_some_and(|all| label.is_in(all)))
            }
            Self::Kind(words) => words.iter().any(|word| is_word(&event.object, word)),
        }
    }
}

/// Whether this is how a value is written in an event.
fn is_word(value: &impl serde::Serialize, word: &str) -> bool {
    serde_json::to_value(value).is_ok_and(|value| value.as_str() == Some(word))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::container::events::Happening;

    #[test]
    fn conditions_of_one_key_are_alternatives() {
        let mut event = Event::new(Object::Container, Happening::Died, "0123abc", "web");
        event.image = "localhost/app:latest".to_owned();
        event.attributes = Some([("tier".to_owned(), "front".to_owned())].into());
        let fits = |filters: &[&str]| {
            let filters: Vec<String> = filters.iter().map(|filter| (*filter).to_owned()).collect();
            Events::parse(&filters).unwrap().match_event(&event)
        };
        for good in [
            &["container=web"][..],
            &["container=0123", "event=died"],
            &["event=start", "event=die"],
            &["image=app"],
            &["label=tier", "type=container"],
            &["label=tier=back", "label=tier=front"],
            &[],
        ] {
            assert!(fits(good), "{good:?}");
        }
        for bad in [&["container=we"][..], &["event=start"], &["volume=web"], &["label=tier=back"], &["type=image"]] {
            assert!(!fits(bad), "{bad:?}");
        }
        assert!(Events::parse(&["nope=1".to_owned()]).is_err());
    }
}

//! What holds of registries.conf, whatever the bytes.

use super::file::{PLACES_MAX, Settings};
use super::{Ambiguity, Reference, Registries, fit};

/// Used where the first line names no image.
const NAME: &str = "registry.example/team/app:1";

/// What is found for the image that a comment in the first line names is a list of bounds, of names that are the same when
/// they are printed and parsed again, and the same when the file is read twice.
pub fn holds(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let Ok(settings) = Settings::parse(bytes) else { return };
    let first = text.lines().next().and_then(|line| line.strip_prefix("# ")).unwrap_or(NAME);
    let Ok(name) = Reference::parse(first) else { return };
    let mut registries = Registries::default();
    registries.add(settings);
    let sources = registries.sources(&name);
    if let Ok(sources) = &sources {
        assert!((1..=PLACES_MAX + 1).contains(&sources.len()));
        let is_name = |name: &Reference| Reference::parse(&name.to_string()).is_ok_and(|again| again == *name);
        assert!(sources.iter().all(|source| is_name(&source.reference)));
        assert_eq!(registries.primary(&name).ok().as_ref(), sources.last());
    }
    if let Ok(meant) = registries.meant(first, false) {
        assert!((1..=PLACES_MAX).contains(&meant.names.len()));
        assert!(meant.names.len() > 1 || meant.ambiguity == Ambiguity::None);
    }
    if let Some((prefix, table, length)) = registries.table(&name.to_string()) {
        assert_eq!(fit(prefix, &name.to_string()), Some(length));
        assert!(!table.blocked || sources.is_err());
    }
    registries.add(Settings::parse(bytes).expect("it was read once"));
    assert_eq!(registries.sources(&name).ok(), sources.ok());
}

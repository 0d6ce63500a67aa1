//! What holds of image names, whatever the text.

use super::{DEFAULT_REGISTRY, LOCAL_REGISTRY, NAME_BYTES_MAX, Reference, TAG_BYTES_MAX, short};

/// What parses is within its bounds, no way out of a directory, and the same when it is printed and parsed again.
pub fn holds(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let Ok(name) = Reference::parse(text) else {
        assert!(Reference::candidates(text).is_err() && Reference::parse_local(text).is_err());
        return;
    };
    assert_eq!(Reference::parse(&name.to_string()).ok().as_ref(), Some(&name));
    assert_eq!(Reference::parse(&name.familiar()).ok().as_ref(), Some(&name), "{}", name.familiar());
    assert!(name.name().len() <= NAME_BYTES_MAX && !name.registry.is_empty());
    assert!(name.tag.as_ref().is_none_or(|tag| tag.len() <= TAG_BYTES_MAX));
    assert!(name.tag.is_some() || name.digest.is_some());
    let is_component = |part: &str| !part.is_empty() && !part.starts_with('.') && !part.contains("..");
    assert!(name.repository.split('/').all(is_component), "{name}");
    let candidates = Reference::candidates(text).expect("a name that parses means something");
    assert_eq!(candidates.last(), Some(&name));
    match short(text) {
        Some(_) => assert_eq!(name.registry, DEFAULT_REGISTRY),
        None => assert_eq!(candidates.len(), 1),
    }
    if let Ok(local) = Reference::parse_local(text) {
        assert!(local == name || local.registry == LOCAL_REGISTRY);
    }
}

//! What holds of configurations of images, whatever the bytes.

use super::{CONFIG_BYTES_MAX, ImageConfig, ProcessConfig};

/// What parses is the same when it is printed and parsed again, takes nothing from the caller's environment, and does no
/// more when it is applied twice.
pub fn holds(bytes: &[u8]) {
    let Ok(config) = ImageConfig::parse(bytes) else { return };
    let text = config.to_bytes().expect("a configuration is JSON");
    if text.len() <= CONFIG_BYTES_MAX {
        let again = ImageConfig::parse(&text);
        assert_eq!(again.ok().as_ref(), Some(&config), "{}", String::from_utf8_lossy(&text));
    }
    assert!(config.config.env.iter().all(|entry| entry.find('=').is_some_and(|at| at > 0)));
    assert_eq!(config.platform().normal(), config.platform());
    let mut once = ProcessConfig::default();
    once.merge(&config.config);
    let mut twice = once.clone();
    twice.merge(&config.config);
    assert_eq!(once, twice);
}

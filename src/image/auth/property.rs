//! What holds of files of credentials, whatever the bytes.

use super::file::{AuthFile, encoded, lookup};
use super::{Credentials, normal_host};
use serde_json::{Value, json};

const HOST: &str = "registry.example:5000";
const REPOSITORY: &str = "team/app";
/// A shorter text may stand in a message by chance.
const TELLING_BYTES_MIN: usize = 16;

/// What a file has for a repository is written and found again the same, and neither a message nor a debug print shows a
/// part of a secret.
pub fn holds(bytes: &[u8]) {
    let Ok(file) = AuthFile::parse(bytes) else { return };
    // A helper is another program, which is not started here.
    if file.store().is_some() || file.helpers().next().is_some() {
        assert!(file.helpers().all(|(host, helper)| host == normal_host(host) && !helper.is_empty()));
        return;
    }
    let found = lookup(bytes, HOST, REPOSITORY);
    let shown = format!("{found:?}");
    for secret in secrets(bytes) {
        assert!(!shown.contains(&secret), "{shown}");
    }
    if let Ok(Some(Credentials::Password { user, password })) = &found {
        assert!(!user.contains(':'));
        let auth = encoded(user, password);
        let again = json!({"auths": {format!("{HOST}/{REPOSITORY}"): {"auth": auth}}}).to_string();
        let again = lookup(again.as_bytes(), HOST, REPOSITORY).expect("what was written is read");
        assert_eq!(again, found.expect("it was found"));
    }
}

/// The values in the entries that no key repeats, which a message may show.
fn secrets(bytes: &[u8]) -> Vec<String> {
    let Ok(Value::Object(file)) = serde_json::from_slice(bytes) else { return Vec::new() };
    let Some(auths) = file.get("auths").and_then(Value::as_object) else { return Vec::new() };
    let values = auths.values().filter_map(Value::as_object).flat_map(serde_json::Map::values);
    let texts = values.filter_map(Value::as_str).filter(|text| text.len() >= TELLING_BYTES_MIN);
    let is_plain = |text: &&str| text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'=');
    let is_key = |text: &str| auths.keys().any(|key| key.contains(text));
    texts.filter(is_plain).filter(|text| !is_key(text)).map(str::to_owned).collect()
}

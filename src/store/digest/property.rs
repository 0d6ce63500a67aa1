//! What holds of digests, whatever the text.

use super::Digest;

/// There is one way to write a digest.
pub fn holds(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Ok(digest) = Digest::parse(text) {
        assert_eq!(digest.to_string(), text);
        assert_eq!(Digest::parse_hex(&digest.hex()), Some(digest));
    }
    if let Some(digest) = Digest::parse_hex(text) {
        assert_eq!(digest.hex(), text);
    }
    // In a document it is what it is alone.
    let quoted = serde_json::to_string(text).expect("text is JSON");
    let read = serde_json::from_str::<Digest>(&quoted).ok();
    assert_eq!(read, Digest::parse(text).ok());
}

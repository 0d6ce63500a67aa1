//! Content digests: `sha256:` and 64 lower-case hex digits. Only parsing and hashing make one.

use crate::error::Kind;
use anyhow::Result;
use serde::{Deserialize, Serialize};
use sha2::Digest as _;
use std::fmt;

/// A sha256 digest (OCI image spec, descriptor.md "Digests"). Other algorithms are refused.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Digest([u8; 32]);

impl Digest {
    pub fn parse(text: &str) -> Result<Self> {
        let bad =
            || Kind::BadInput.error(format!("digest {:?} is not sha256: and 64 lower-case hex digits", short(text)));
        let hex = text.strip_prefix("sha256:").ok_or_else(bad)?;
        Self::parse_hex(hex).ok_or_else(bad)
    }

    /// From the 64 hex digits alone, as they stand in file names.
    pub fn parse_hex(hex: &str) -> Option<Self> {
        let digits = hex.as_bytes();
        if digits.len() != 64 {
            return None;
        }
        let mut bytes = [0; 32];
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            *byte = digit(pair[0])? << 4 | digit(pair[1])?;
        }
        Some(Self(bytes))
    }

    pub fn of(bytes: &[u8]) -> Self {
        Self(sha2::Sha256::digest(bytes).into())
    }

    /// The 64 hex digits, which are a file name.
    pub fn hex(&self) -> String {
        self.0.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

fn digit(character: u8) -> Option<u8> {
    match character {
        b'0'..=b'9' => Some(character - b'0'),
        b'a'..=b'f' => Some(character - b'a' + 10),
        _ => None,
    }
}

fn short(text: &str) -> String {
    text.chars().take(100).collect()
}

impl fmt::Display for Digest {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "sha256:{}", self.hex())
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, out)
    }
}

impl TryFrom<String> for Digest {
    type Error = anyhow::Error;
    fn try_from(text: String) -> Result<Self> {
        Self::parse(&text)
    }
}

impl From<Digest> for String {
    fn from(digest: Digest) -> Self {
        digest.to_string()
    }
}

/// Hashes and counts what passes through to a writer, or from a reader.
pub struct Hashing<T> {
    pub inner: T,
    hasher: sha2::Sha256,
    bytes: u64,
}

impl<T> Hashing<T> {
    pub fn new(inner: T) -> Self {
        Self { inner, hasher: sha2::Sha256::new(), bytes: 0 }
    }

    /// The inner stream, the digest of all that passed and how many bytes that were.
    pub fn finish(self) -> (T, Digest, u64) {
        (self.inner, Digest(self.hasher.finalize().into()), self.bytes)
    }

    /// How many bytes have passed.
    pub fn passed(&self) -> u64 {
        self.bytes
    }

    fn pass(&mut self, bytes: &[u8]) {
        self.hasher.update(bytes);
        self.bytes += bytes.len() as u64;
    }
}

impl<T: std::io::Write> std::io::Write for Hashing<T> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let written = self.inner.write(bytes)?;
        self.pass(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.inner.flush()
    }
}

impl<T: std::io::Read> std::io::Read for Hashing<T> {
    fn read(&mut self, bytes: &mut [u8]) -> std::io::Result<usize> {
        let read = self.inner.read(bytes)?;
        self.pass(&bytes[..read]);
        Ok(read)
    }
}

#[cfg(any(test, fuzzing))]
pub mod property;
#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_canonical_digests_parse() {
        let hex = "0123456789abcdef".repeat(4);
        let good = format!("sha256:{hex}");
        assert_eq!(Digest::parse(&good).unwrap().to_string(), good);
        let longer = format!("{good}0");
        for bad in ["", "sha256:", &hex, &good.to_uppercase(), &longer, &good[..70], "sha256:../../x", "sha512:00"] {
            assert!(Digest::parse(bad).is_err(), "{bad}");
        }
    }
}

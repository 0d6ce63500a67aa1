//! Public keys of sigstore, and whether a signature is by one of them.

use crate::error::Kind;
use anyhow::Result;
use ring::signature::{self, UnparsedPublicKey, VerificationAlgorithm};
use rustls_pki_types::SubjectPublicKeyInfoDer;
use rustls_pki_types::pem::PemObject;

/// What stands before the key in a SubjectPublicKeyInfo (RFC 5280) of P-256, P-384 (RFC 5480) and Ed25519 (RFC 8410), with
/// the length of the key.
const FIXED: [(&[u8], usize, &dyn VerificationAlgorithm); 3] = [
    (
        b"\x30\x59\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07\x03\x42\x00",
        65,
        &signature::ECDSA_P256_SHA256_ASN1,
    ),
    (
        b"\x30\x76\x30\x10\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x05\x2b\x81\x04\x00\x22\x03\x62\x00",
        97,
        &signature::ECDSA_P384_SHA256_ASN1,
    ),
    (b"\x30\x2a\x30\x05\x06\x03\x2b\x65\x70\x03\x21\x00", 32, &signature::ED25519),
];
/// The algorithm of RSA, without parameters, as it stands in one.
const RSA: &[u8] = b"\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01\x05\x00";

/// A key of ECDSA P-256 or P-384, RSA of at least 2048 bits, or Ed25519.
pub struct PublicKey {
    algorithm: &'static dyn VerificationAlgorithm,
    bytes: Vec<u8>,
}

impl PublicKey {
    /// The key in a PEM file; there is just one.
    pub fn from_pem(pem: &[u8]) -> Result<Self> {
        let bad = |why: &str| Err(Kind::BadInput.error(format!("the key {why}")));
        let mut keys = SubjectPublicKeyInfoDer::pem_slice_iter(pem);
        let (Some(Ok(key)), None) = (keys.next(), keys.next()) else {
            return bad("is not one PUBLIC KEY in PEM form");
        };
        match Self::from_info(&key) {
            Some(key) => Ok(key),
            None => bad("is none of ECDSA P-256 or P-384, RSA of 2048 bits or more, or Ed25519"),
        }
    }

    fn from_info(info: &[u8]) -> Option<Self> {
        for (head, length, algorithm) in FIXED {
            if let Some(key) = info.strip_prefix(head) {
                return (key.len() == length).then(|| Self { algorithm, bytes: key.to_vec() });
            }
        }
        // A bit string without unused bits: the key of PKCS #1.
        let key = long(info, 0x30)?.strip_prefix(RSA)?;
        let key = long(key, 0x03)?.strip_prefix(b"\0")?;
        Some(Self { algorithm: &signature::RSA_PKCS1_2048_8192_SHA256, bytes: key.to_vec() })
    }

    /// Whether a signature of a message is by this key.
    pub fn has_signed(&self, message: &[u8], signature: &[u8]) -> bool {
        UnparsedPublicKey::new(self.algorithm, &self.bytes).verify(message, signature).is_ok()
    }
}

/// The content of the one DER value that there is, whose length takes two bytes as those of large keys do.
fn long(bytes: &[u8], tag: u8) -> Option<&[u8]> {
    let (head, content) = bytes.split_at_checked(4)?;
    let is_whole = head[..2] == [tag, 0x82] && usize::from(u16::from_be_bytes([head[2], head[3]])) == content.len();
    is_whole.then_some(content)
}

//! A private key of sigstore, which lies encrypted in a file: PEM around JSON, with scrypt and NaCl's secretbox.
//!
//! It is the form of cosign, which skopeo and podman use too (`skopeo generate-sigstore-key`).

use super::armor;
use crate::error::Kind;
use crate::image::auth::Secret;
use crate::image::json;
use anyhow::Result;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use crypto_secretbox::aead::{Aead, KeyInit};
use crypto_secretbox::{Key, Nonce, XSalsa20Poly1305};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair};
use serde::Deserialize;

/// The largest file that is read.
pub const KEY_BYTES_MAX: usize = 64 << 10;
const LABELS: [&str; 2] = ["ENCRYPTED SIGSTORE PRIVATE KEY", "ENCRYPTED COSIGN PRIVATE KEY"];
/// The most that the key's derivation may cost: cosign has N = 2^15 or 2^16, r = 8, p = 1.
const SCRYPT_LOG_N_MAX: u8 = 20;
const SCRYPT_R_MAX: u32 = 8;
const SCRYPT_P_MAX: u32 = 4;
const NONCE_BYTES: usize = 24;

/// A key of ECDSA P-256.
pub struct PrivateKey(EcdsaKeyPair);

#[derive(Deserialize)]
struct Document {
    kdf: Kdf,
    cipher: Cipher,
    ciphertext: String,
}

#[derive(Deserialize)]
struct Kdf {
    name: String,
    params: Params,
    salt: String,
}

#[derive(Deserialize)]
struct Params {
    #[serde(rename = "N")]
    n: u64,
    r: u32,
    p: u32,
}

#[derive(Deserialize)]
struct Cipher {
    name: String,
    nonce: String,
}

impl PrivateKey {
    /// From a file of [`KEY_BYTES_MAX`] bytes or less.
    pub fn read(file: &[u8], passphrase: &Secret) -> Result<Self> {
        let bad = |why: &str| Kind::BadInput.error(format!("the private key {why}"));
        let text = std::str::from_utf8(file).map_err(|_| bad("is no text"))?;
        let blocks: Vec<Vec<u8>> =
            LABELS.iter().filter_map(|label| armor::blocks(text, label)).collect::<Vec<_>>().concat();
        let [block] = &blocks[..] else {
            let hint = "skopeo generate-sigstore-key and cosign generate-key-pair make one";
            return Err(Kind::BadInput.hinted("the private key is not one ENCRYPTED SIGSTORE PRIVATE KEY", hint));
        };
        let Document { kdf, cipher, ciphertext } = json::parse(block, KEY_BYTES_MAX)?;
        if kdf.name != "scrypt" || cipher.name != "nacl/secretbox" {
            return Err(bad("is encrypted in a way that is not known"));
        }
        let decode = |text: &str| BASE64.decode(text).map_err(|_| bad("is damaged"));
        let nonce = <[u8; NONCE_BYTES]>::try_from(decode(&cipher.nonce)?).map_err(|_| bad("is damaged"))?;
        let key =
            derived(&kdf.params, &decode(&kdf.salt)?, passphrase).ok_or_else(|| bad("costs too much to open"))?;
        let cipher = XSalsa20Poly1305::new(Key::from_slice(&key));
        let document = cipher.decrypt(Nonce::from_slice(&nonce), &decode(&ciphertext)?[..]);
        let document = document.map_err(|_| Kind::Denied.error("the passphrase is not that of the private key"))?;
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &document, &SystemRandom::new());
        pair.map(Self).map_err(|_| bad("is not one of ECDSA P-256"))
    }

    pub fn sign(&self, message: &[u8]) -> Result<Vec<u8>> {
        let signature = self.0.sign(&SystemRandom::new(), message);
        signature
            .map(|signature| signature.as_ref().to_vec())
            .map_err(|_| Kind::Engine.error("sign: no random bytes"))
    }
}

/// The key that a passphrase means. None if that would take too long or too much memory.
fn derived(params: &Params, salt: &[u8], passphrase: &Secret) -> Option<[u8; 32]> {
    let log_n = u8::try_from(params.n.checked_ilog2()?).ok()?;
    let is_bearable = params.n.is_power_of_two()
        && log_n <= SCRYPT_LOG_N_MAX
        && params.r <= SCRYPT_R_MAX
        && params.p <= SCRYPT_P_MAX;
    let mut key = [0; 32];
    let params = scrypt::Params::new(log_n, params.r, params.p, key.len()).ok().filter(|_| is_bearable)?;
    scrypt::scrypt(passphrase.reveal().as_bytes(), salt, &params, &mut key).ok()?;
    Some(key)
}

//! Signatures of images: what one says, and the two kinds that say it.
//!
//! A signature's claim is a small JSON document (containers-signature(5)). OpenPGP signs it as one message that contains
//! it, sigstore as a payload with a signature beside it.

mod armor;
pub mod carry;
pub mod gpg;
pub mod key;
pub mod lookaside;
pub mod place;
pub mod private_key;
mod shelf;
pub mod sign;
mod user_ids;

use super::json;
use crate::error::Kind;
use crate::store::digest::Digest;
use anyhow::{Context, Result};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The largest signature or claim that is read.
pub const SIGNATURE_BYTES_MAX: usize = 1 << 20;
/// The most signatures of one image that are looked at.
pub const SIGNATURES_MAX: usize = 100;
/// The media type of sigstore's claims.
pub const PAYLOAD: &str = "application/vnd.dev.cosign.simplesigning.v1+json";
/// The annotation that has sigstore's signature, in base64.
pub const SIGNATURE: &str = "dev.cosignproject.cosign/signature";
/// How a file begins that has a signature of sigstore.
const SIGSTORE_HEAD: &[u8] = b"\0sigstore-json\n";
/// How a file may begin that has one of OpenPGP.
const SIMPLE_HEAD: &[u8] = b"\0simple-signing\n";

/// Who makes and verifies a signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum System {
    OpenPgp,
    Sigstore,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Signature {
    /// An OpenPGP message that contains the claim.
    OpenPgp(Vec<u8>),
    Sigstore(Sigstore),
}

/// The claim as it is signed, and what the layer that carries it says of it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Sigstore {
    pub mime_type: String,
    #[serde(with = "in_base64")]
    pub payload: Vec<u8>,
    #[serde(default, deserialize_with = "json::or_default")]
    pub annotations: BTreeMap<String, String>,
}

impl Sigstore {
    pub fn new(payload: Vec<u8>, signature: &[u8]) -> Self {
        let annotations = [(SIGNATURE.to_owned(), BASE64.encode(signature))];
        Self { mime_type: PAYLOAD.to_owned(), payload, annotations: annotations.into() }
    }
}

impl Signature {
    pub fn system(&self) -> System {
        match self {
            Self::OpenPgp(_) => System::OpenPgp,
            Self::Sigstore(_) => System::Sigstore,
        }
    }

    /// From the file that has it.
    pub fn from_file(bytes: &[u8]) -> Result<Self> {
        if let Some(document) = bytes.strip_prefix(SIGSTORE_HEAD) {
            return json::parse(document, SIGNATURE_BYTES_MAX).map(Self::Sigstore).context("parse signature");
        }
        Ok(Self::OpenPgp(bytes.strip_prefix(SIMPLE_HEAD).unwrap_or(bytes).to_vec()))
    }

    pub fn to_file(&self) -> Result<Vec<u8>> {
        match self {
            Self::OpenPgp(message) => Ok(message.clone()),
            Self::Sigstore(signature) => {
                let document = serde_json::to_vec(signature).context("serialise signature")?;
                Ok([SIGSTORE_HEAD, &document].concat())
            }
        }
    }
}

/// What a signature says: that the image of this manifest goes by this name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    pub manifest: Digest,
    pub name: String,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Document {
    critical: Critical,
    optional: Option<BTreeMap<String, serde_json::Value>>,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Critical {
    identity: Identity,
    image: Image,
    #[serde(rename = "type")]
    kind: String,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Identity {
    #[serde(rename = "docker-reference")]
    name: String,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Image {
    #[serde(rename = "docker-manifest-digest")]
    manifest: Digest,
}

impl System {
    /// What a claim says that it is.
    fn kind(self) -> &'static str {
        match self {
            Self::OpenPgp => "atomic container signature",
            Self::Sigstore => "cosign container image signature",
        }
    }
}

impl Claim {
    /// Reads a claim whose signature has been verified. What it has that is not known may limit it, so that is an error.
    pub fn parse(bytes: &[u8], system: System) -> Result<Self> {
        let document: Document = json::parse(bytes, SIGNATURE_BYTES_MAX).context("parse claim")?;
        let Critical { identity, image, kind } = document.critical;
        if kind != system.kind() {
            return Err(Kind::BadInput.error(format!("it is no {}", system.kind())));
        }
        Ok(Self { manifest: image.manifest, name: identity.name })
    }

    /// The bytes to sign.
    pub fn to_bytes(&self, system: System) -> Result<Vec<u8>> {
        let creator = concat!("coracle ", env!("CARGO_PKG_VERSION"));
        let now = chrono::Utc::now().timestamp();
        let optional = [("creator".to_owned(), creator.into()), ("timestamp".to_owned(), now.into())];
        let document = Document {
            critical: Critical {
                identity: Identity { name: self.name.clone() },
                image: Image { manifest: self.manifest },
                kind: system.kind().to_owned(),
            },
            optional: Some(optional.into()),
        };
        serde_json::to_vec(&document).context("serialise claim")
    }
}

mod in_base64 {
    use super::BASE64;
    use base64::Engine as _;
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub fn deserialize<'de, D: Deserializer<'de>>(reader: D) -> Result<Vec<u8>, D::Error> {
        BASE64.decode(String::deserialize(reader)?).map_err(D::Error::custom)
    }

    pub fn serialize<S: Serializer>(bytes: &[u8], writer: S) -> Result<S::Ok, S::Error> {
        writer.serialize_str(&BASE64.encode(bytes))
    }
}

#[cfg(test)]
mod tests;

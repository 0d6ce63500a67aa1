//! A requirement that asks for a signature: by which keys, and for which name.

use crate::engine::Engine;
use crate::error::{self, Kind};
use crate::fs;
use crate::image::origin::shown;
use crate::image::reference::Reference;
use crate::image::signature::gpg::{self, Keyring};
use crate::image::signature::key::PublicKey;
use crate::image::signature::place::Place;
use crate::image::signature::{Claim, SIGNATURE, Signature, System};
use crate::store::digest::Digest;
use anyhow::{Context, Result};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::Deserialize;
use serde_json::{Map, Value};
use std::path::PathBuf;

/// The largest file of keys that is read.
pub const KEY_BYTES_MAX: usize = 1 << 20;
/// How many reasons are said why signatures do not do.
const REASONS_MAX: usize = 3;
/// How much is shown of whose key it is.
const OWNER_LENGTH_MAX: usize = 100;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signed {
    system: System,
    keys: Vec<Key>,
    identity: SignedIdentity,
    /// A field that asks for what this engine does not verify.
    beyond: Option<&'static str>,
}

/// Where a key is.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Key {
    File(PathBuf),
    Here(Vec<u8>),
}

impl Key {
    fn read(&self) -> Result<Vec<u8>> {
        match self {
            Self::File(path) => fs::read(path, KEY_BYTES_MAX),
            Self::Here(bytes) => Ok(bytes.clone()),
        }
    }
}

/// Which name a signature must have been made for.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(tag = "type", rename_all = "camelCase", rename_all_fields = "camelCase", deny_unknown_fields)]
enum SignedIdentity {
    /// That of the image, with its tag.
    MatchExact {},
    /// The same, or where the image is named by its digest the repository.
    MatchRepoDigestOrExact {},
    /// That of the image without its tag.
    MatchRepository {},
    /// One that is given, whatever the image is called.
    ExactReference {
        docker_reference: String,
    },
    ExactRepository {
        docker_repository: String,
    },
    /// That of the image with another beginning.
    RemapIdentity {
        prefix: String,
        signed_prefix: String,
    },
}

impl Signed {
    /// What may stand beside the type of each kind.
    pub const OPENPGP_KEYS: &[&str] = &["keyType", "keyPath", "keyPaths", "keyData", "signedIdentity"];
    pub const SIGSTORE_KEYS: &[&str] = &[
        "keyPath",
        "keyPaths",
        "keyData",
        "keyDatas",
        "fulcio",
        "pki",
        "rekorPublicKeyPath",
        "rekorPublicKeyPaths",
        "rekorPublicKeyData",
        "rekorPublicKeyDatas",
        "signedIdentity",
    ];
    const NOT_VERIFIED: [&str; 6] =
        ["fulcio", "pki", "rekorPublicKeyPath", "rekorPublicKeyPaths", "rekorPublicKeyData", "rekorPublicKeyDatas"];

    /// Reads the fields beside the type.
    pub fn read(fields: &Map<String, Value>, system: System) -> Result<Self, String> {
        let mut beyond = Self::NOT_VERIFIED.into_iter().find(|field| fields.contains_key(*field));
        if system == System::OpenPgp {
            match fields.get("keyType").and_then(Value::as_str) {
                Some("GPGKeys") => {}
                Some("signedByGPGKeys" | "X509Certificates" | "signedByX509CAs") => beyond = Some("another keyType"),
                Some(_) | None => return Err("signedBy has no keyType that is known".to_owned()),
            }
        }
        let mut keys = Vec::new();
        let mut sources = 0;
        for field in ["keyPath", "keyPaths", "keyData", "keyDatas", "fulcio", "pki"] {
            let Some(value) = fields.get(field) else { continue };
            sources += 1;
            if !["fulcio", "pki"].contains(&field) {
                keys.extend(read_keys(field, value)?);
            }
        }
        if sources != 1 {
            return Err("exactly one of keyPath, keyPaths, keyData and the like says who signs".to_owned());
        }
        let identity = match fields.get("signedIdentity") {
            None => SignedIdentity::MatchRepoDigestOrExact {},
            Some(value) => SignedIdentity::read(value)?,
        };
        Ok(Self { system, keys, identity, beyond })
    }

    /// The `type` in the file.
    pub fn name(&self) -> &'static str {
        match self.system {
            System::OpenPgp => "signedBy",
            System::Sigstore => "sigstoreSigned",
        }
    }

    pub fn system(&self) -> System {
        self.system
    }

    /// Whose keys these are, as they say themselves: the addresses where there are any. Of files that cannot be read there
    /// are none.
    pub fn owners(&self) -> Vec<String> {
        let files = self.keys.iter().filter_map(|key| key.read().ok());
        let all = files.filter(|_| self.system == System::OpenPgp).filter_map(|file| gpg::owners(&file).ok());
        all.flatten().map(|id| shown(address(&id), OWNER_LENGTH_MAX)).collect()
    }

    /// Refuses what could never be verified, before anybody is asked for anything.
    pub fn check_possible(&self) -> Result<()> {
        match self.beyond {
            None => Ok(()),
            Some(field) => {
                let message = format!("{field} is not supported: signatures are verified by keys alone");
                Err(Kind::Denied.hinted(message, "name the key with keyPath or keyData"))
            }
        }
    }

    /// Refuses a manifest for which the place has no signature that will do.
    pub fn verify(&self, engine: &Engine, manifest: &Digest, name: Option<&Reference>, place: &Place) -> Result<()> {
        let keys = Keys::open(engine, self)?;
        let signatures = place.read(manifest, self.system)?;
        if signatures.is_empty() {
            return Err(Kind::Denied.error(place.why_none(self.system)));
        }
        let mut reasons = Vec::new();
        for signature in &signatures {
            match self.verify_one(&keys, signature, manifest, name) {
                Ok(()) => return Ok(()),
                Err(reason) => reasons.push(error::line(&reason)),
            }
        }
        reasons.dedup();
        reasons.truncate(REASONS_MAX);
        Err(Kind::Denied.error(format!("its signature does not count: {}", reasons.join("; "))))
    }

    fn verify_one(
        &self,
        keys: &Keys,
        signature: &Signature,
        manifest: &Digest,
        name: Option<&Reference>,
    ) -> Result<()> {
        let claim = Claim::parse(&keys.signed(signature)?, self.system)?;
        if claim.manifest != *manifest {
            return Err(Kind::Denied.error(format!("it is of {}, not of {manifest}", claim.manifest)));
        }
        match self.identity.fits(&claim.name, name) {
            true => Ok(()),
            false => Err(Kind::Denied.error(format!("it is for the name {:?}", shown(&claim.name, 300)))),
        }
    }
}

fn read_keys(field: &str, value: &Value) -> Result<Vec<Key>, String> {
    let bad = || format!("{field} is not as it must be");
    let texts: Vec<&str> = match value {
        Value::String(text) if !field.ends_with('s') => vec![text],
        Value::Array(list) if field.ends_with('s') && !list.is_empty() => {
            list.iter().map(Value::as_str).collect::<Option<_>>().ok_or_else(bad)?
        }
        _ => return Err(bad()),
    };
    let key = |text: &str| match field {
        "keyPath" | "keyPaths" if !text.is_empty() => Ok(Key::File(text.into())),
        "keyData" | "keyDatas" => BASE64.decode(text).map(Key::Here).map_err(|_| format!("{field} is not base64")),
        _ => Err(bad()),
    };
    texts.into_iter().map(key).collect()
}

/// What stands in angle brackets, if anything does.
fn address(id: &str) -> &str {
    let after = id.split_once('<').map(|(_, after)| after);
    after.and_then(|after| after.split_once('>')).map_or(id, |(address, _)| address)
}

/// Refuses a file that holds no key of this kind.
pub fn check_key(file: &[u8], system: System) -> Result<()> {
    match system {
        System::OpenPgp => gpg::owners(file).map(drop),
        System::Sigstore => PublicKey::from_pem(file).map(drop),
    }
}

/// Keys that verify.
enum Keys {
    OpenPgp(Keyring),
    Sigstore(Vec<PublicKey>),
}

impl Keys {
    fn open(engine: &Engine, wanted: &Signed) -> Result<Self> {
        let files: Vec<Vec<u8>> = wanted.keys.iter().map(Key::read).collect::<Result<_>>()?;
        match wanted.system {
            System::OpenPgp => Keyring::new(engine, &files).map(Self::OpenPgp),
            System::Sigstore => {
                files.iter().map(|file| PublicKey::from_pem(file)).collect::<Result<_>>().map(Self::Sigstore)
            }
        }
    }

    /// The claim that one of the keys has signed.
    fn signed(&self, signature: &Signature) -> Result<Vec<u8>> {
        match (self, signature) {
            (Self::OpenPgp(keyring), Signature::OpenPgp(message)) => keyring.signed(message),
            (Self::Sigstore(keys), Signature::Sigstore(signature)) => {
                let text = signature.annotations.get(SIGNATURE).context("it has no signature beside it")?;
                let bytes = BASE64.decode(text).context("read the signature")?;
                match keys.iter().any(|key| key.has_signed(&signature.payload, &bytes)) {
                    true => Ok(signature.payload.clone()),
                    false => Err(Kind::Denied.error("it is by none of the keys")),
                }
            }
            (Self::OpenPgp(_), Signature::Sigstore(_)) | (Self::Sigstore(_), Signature::OpenPgp(_)) => {
                Err(Kind::Denied.error("it is of another kind"))
            }
        }
    }
}

impl SignedIdentity {
    fn read(value: &Value) -> Result<Self, String> {
        let identity: Self =
            serde_json::from_value(value.clone()).map_err(|error| format!("signedIdentity: {error}"))?;
        let name = |text: &str| Reference::parse_repository(text).map_err(|error| error::line(&error));
        match &identity {
            Self::MatchExact {} | Self::MatchRepoDigestOrExact {} | Self::MatchRepository {} => {}
            Self::ExactReference { docker_reference } => {
                let name = name(docker_reference)?;
                if name.tag.is_none() && name.digest.is_none() {
                    return Err("signedIdentity: dockerReference has neither tag nor digest".to_owned());
                }
            }
            Self::ExactRepository { docker_repository } => {
                let name = name(docker_repository)?;
                if name.tag.is_some() || name.digest.is_some() {
                    return Err("signedIdentity: dockerRepository has a tag or a digest".to_owned());
                }
            }
            Self::RemapIdentity { prefix, signed_prefix } => {
                let is_good =
                    |text: &str| !text.is_empty() && Reference::parse_repository(&format!("{text}/x")).is_ok();
                if !is_good(prefix) || !is_good(signed_prefix) {
                    return Err("signedIdentity: a prefix is that of no name".to_owned());
                }
            }
        }
        Ok(identity)
    }

    /// Whether a signature for one name is one for an image that comes by another, or by none.
    fn fits(&self, signed: &str, image: Option<&Reference>) -> bool {
        let Ok(signed) = Reference::parse_repository(signed) else { return false };
        let parse = |text: &str| Reference::parse_repository(text).ok();
        match (self, image) {
            (Self::ExactReference { docker_reference }, _) => parse(docker_reference).is_some_and(|it| it == signed),
            (Self::ExactRepository { docker_repository }, _) => {
                parse(docker_repository).is_some_and(|it| it.name() == signed.name())
            }
            (_, None) => false,
            (Self::MatchExact {}, Some(image)) => is_same(&signed, image),
            (Self::MatchRepoDigestOrExact {}, Some(image)) => is_same_or_by_digest(&signed, image),
            (Self::MatchRepository {}, Some(image)) => signed.name() == image.name(),
            (Self::RemapIdentity { prefix, signed_prefix }, Some(image)) => {
                remapped(image, prefix, signed_prefix).is_some_and(|image| is_same_or_by_digest(&signed, &image))
            }
        }
    }
}

/// One name of just one image.
fn is_same(signed: &Reference, image: &Reference) -> bool {
    (image.tag.is_some() || image.digest.is_some()) && signed == image
}

fn is_same_or_by_digest(signed: &Reference, image: &Reference) -> bool {
    match (&image.tag, &image.digest) {
        (None, Some(_)) => signed.name() == image.name(),
        _ => is_same(signed, image),
    }
}

/// A name with another beginning, if it has the one that is replaced: a prefix ends where a part of the name does. None if
/// what it becomes is no name.
fn remapped(image: &Reference, prefix: &str, signed_prefix: &str) -> Option<Reference> {
    let name = image.name();
    let Some(rest) = name.strip_prefix(prefix).filter(|rest| rest.is_empty() || rest.starts_with('/')) else {
        return Some(image.clone());
    };
    let text = format!("{signed_prefix}{rest}");
    let name = Reference::parse_repository(&text).ok().filter(|name| name.name() == text)?;
    Some(Reference { tag: image.tag.clone(), digest: image.digest, ..name })
}

#[cfg(test)]
mod tests;

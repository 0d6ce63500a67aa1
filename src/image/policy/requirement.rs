//! One requirement, as it stands in the file.

use super::signed::Signed;
use crate::fs;
use crate::image::signature::System;
use serde::Deserialize;
use serde_json::{Map, Value};

#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(try_from = "Map<String, Value>")]
pub enum Requirement {
    Accept,
    Reject,
    Signed(Signed),
    SignedBaseLayer,
}

impl TryFrom<Map<String, Value>> for Requirement {
    type Error = String;
    fn try_from(mut map: Map<String, Value>) -> Result<Self, String> {
        let kind = map.remove("type");
        let kind = kind.as_ref().and_then(Value::as_str).ok_or("a requirement has no type")?;
        let (requirement, known): (_, &[&str]) = match kind {
            "insecureAcceptAnything" => (Self::Accept, &[]),
            "reject" => (Self::Reject, &[]),
            "signedBy" => (Self::Signed(Signed::read(&map, System::OpenPgp)?), Signed::OPENPGP_KEYS),
            "sigstoreSigned" => (Self::Signed(Signed::read(&map, System::Sigstore)?), Signed::SIGSTORE_KEYS),
            "signedBaseLayer" => (Self::SignedBaseLayer, &["baseLayerIdentity"]),
            other => return Err(format!("there is no requirement of type {:?}", fs::shown(other.as_bytes()))),
        };
        match map.keys().find(|key| !known.contains(&key.as_str())) {
            Some(key) => Err(format!("a requirement of type {kind} has no {:?}", fs::shown(key.as_bytes()))),
            None => Ok(requirement),
        }
    }
}

//! Where the signatures of an image are read from, whatever keeps the image.

use super::lookaside::{self, Lookaside, Use};
use super::{PAYLOAD, SIGNATURE_BYTES_MAX, SIGNATURES_MAX, Signature, Sigstore, System};
use crate::error::{self, Kind};
use crate::fs;
use crate::image::http::{Client, Request};
use crate::image::manifest::{Descriptor, MANIFEST_BYTES_MAX, Manifest};
use crate::image::origin::Url;
use crate::image::reference::Reference;
use crate::image::registry::{Access, Registry, patience};
use crate::image::transport::Files;
use crate::image::trust::Trust;
use crate::store::digest::Digest;
use anyhow::{Context, Result};

/// What keeps an image, and may keep its signatures.
pub enum Place<'a> {
    /// A repository, and the name of the image there.
    Registry { registry: &'a Registry, name: &'a Reference, access: &'a Access },
    /// A directory of the form `dir:`.
    Directory(&'a Files),
    /// What keeps no signatures, in words.
    Without(&'a str),
}

impl Place<'_> {
    /// The signatures of one kind, by the digest of the manifest.
    pub fn read(&self, manifest: &Digest, system: System) -> Result<Vec<Signature>> {
        let mut all = match self {
            Self::Without(_) => Vec::new(),
            Self::Directory(files) => in_directory(files, manifest)?,
            Self::Registry { registry, name, access } => {
                let lookaside = Lookaside::load()?;
                match system {
                    System::OpenPgp => beside(&lookaside.url(name, &manifest.to_string(), Use::Read), access)?,
                    System::Sigstore if lookaside.is_attached(name) => attached(registry, manifest)?,
                    System::Sigstore => Vec::new(),
                }
            }
        };
        all.retain(|signature| signature.system() == system);
        Ok(all)
    }

    /// Why there may be none.
    pub fn why_none(&self, system: System) -> String {
        match (self, system) {
            (Self::Without(what), _) => format!("{what} keeps no signatures"),
            (Self::Directory(_), _) => "the directory has none".to_owned(),
            (Self::Registry { name, .. }, System::Sigstore) => {
                let is_attached = Lookaside::load().is_ok_and(|lookaside| lookaside.is_attached(name));
                match is_attached {
                    true => "the registry has none".to_owned(),
                    false => {
                        format!("no file of registries.d has use-sigstore-attachments: true for {}", name.name())
                    }
                }
            }
            (Self::Registry { .. }, System::OpenPgp) => "there is none where registries.d says".to_owned(),
        }
    }
}

/// The signatures that lie beside the manifest of a directory, or beside that of one of its images.
fn in_directory(files: &Files, manifest: &Digest) -> Result<Vec<Signature>> {
    let top = files.read("manifest.json", MANIFEST_BYTES_MAX)?;
    let is_top = top.is_some_and(|top| Digest::of(&top) == *manifest);
    let member = (!is_top).then_some(manifest);
    let name_of = |number| file_name(member, number);
    numbered(name_of, |name| files.read(name, SIGNATURE_BYTES_MAX))
}

/// What a signature is called in a directory: one of its own manifest, or of that of a member of its list.
pub fn file_name(member: Option<&Digest>, number: usize) -> String {
    match member {
        Some(member) => format!("{}.signature-{number}", member.hex()),
        None => format!("signature-{number}"),
    }
}

/// The signatures in the registry that are attached to an image by cosign's rule for their tag.
fn attached(registry: &Registry, manifest: &Digest) -> Result<Vec<Signature>> {
    let Some((_, attached)) = attachment(registry, manifest)? else { return Ok(Vec::new()) };
    let layers = attached.layers.iter().filter(|layer| layer.media_type == PAYLOAD);
    layers.take(SIGNATURES_MAX).map(|layer| payload(registry, layer)).collect()
}

/// The tag of an image's signatures.
pub fn tag(manifest: &Digest) -> String {
    format!("sha256-{}.sig", manifest.hex())
}

/// The manifest of an image's signatures, if the registry has one, and its digest.
pub fn attachment(registry: &Registry, manifest: &Digest) -> Result<Option<(Digest, Manifest)>> {
    match registry.manifest_of_tag(&tag(manifest)) {
        Ok(fetched) => {
            let parsed = Manifest::parse(&fetched.bytes, fetched.media_type.as_deref());
            Ok(Some((fetched.digest, parsed.context("read the list of signatures")?)))
        }
        Err(error) if error::kind(&error) == Kind::NotFound => Ok(None),
        Err(error) => Err(error.context("get the list of signatures")),
    }
}

fn payload(registry: &Registry, layer: &Descriptor) -> Result<Signature> {
    let Descriptor { digest, size, annotations, .. } = layer;
    if *size > SIGNATURE_BYTES_MAX as u64 {
        return Err(Kind::BadInput.error(format!("signature {digest}: more than {SIGNATURE_BYTES_MAX} bytes")));
    }
    let payload = fs::read_all(registry.blob(digest, *size)?, SIGNATURE_BYTES_MAX).context("get signature")?;
    if Digest::of(&payload) != *digest {
        return Err(Kind::BadInput.error(format!("signature {digest}: its bytes are others")));
    }
    Ok(Signature::Sigstore(Sigstore { mime_type: PAYLOAD.to_owned(), payload, annotations: annotations.clone() }))
}

/// The signatures below a URL of registries.d.
fn beside(url: &str, access: &Access) -> Result<Vec<Signature>> {
    if let Some(path) = lookaside::path(url) {
        return numbered(
            |number| file_name(None, number),
            |name| fs::read_optional(&path.join(name), SIGNATURE_BYTES_MAX),
        );
    }
    let parse = |text: &str| Url::parse(text).context("read the place of signatures in registries.d");
    let trust = Trust { authority: parse(url)?.origin.authority(), unverified_host: None, cert_dir: None };
    let client = Client::new(trust, patience(access));
    numbered(
        |number| file_name(None, number),
        |name| {
            let url = format!("{url}/{name}");
            let response = client.send(&Request::get(parse(&url)?)).with_context(|| format!("get {url}"))?;
            match response.status {
                200 => response.document(SIGNATURE_BYTES_MAX).map(Some),
                404 => Ok(None),
                status => Err(Kind::Engine.error(format!("get {url}: status {status}"))),
            }
        },
    )
}

/// Reads the first and so on, until there is no more.
fn numbered(
    name_of: impl Fn(usize) -> String,
    read: impl Fn(&str) -> Result<Option<Vec<u8>>>,
) -> Result<Vec<Signature>> {
    let mut all = Vec::new();
    for number in 1..=SIGNATURES_MAX {
        let name = name_of(number);
        let Some(bytes) = read(&name)? else { break };
        all.push(Signature::from_file(&bytes).with_context(|| format!("read {name}"))?);
    }
    Ok(all)
}

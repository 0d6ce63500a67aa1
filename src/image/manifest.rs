//! Manifests and indexes, read from bytes that anybody may have written.
//!
//! OCI and docker schema 2 have the same shapes under different media types; both are one type here.

use super::json;
use crate::error::Kind;
use crate::image::config::{CONFIG_BYTES_MAX, ImageConfig};
use crate::image::platform::Platform;
use crate::store::digest::Digest;
use crate::store::layers::Compression;
use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

pub const OCI_INDEX: &str = "application/vnd.oci.image.index.v1+json";
pub const OCI_MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
pub const OCI_CONFIG: &str = "application/vnd.oci.image.config.v1+json";
pub const OCI_LAYER: &str = "application/vnd.oci.image.layer.v1.tar";
pub const OCI_LAYER_GZIP: &str = "application/vnd.oci.image.layer.v1.tar+gzip";
pub const OCI_LAYER_ZSTD: &str = "application/vnd.oci.image.layer.v1.tar+zstd";
pub const DOCKER_INDEX: &str = "application/vnd.docker.distribution.manifest.list.v2+json";
pub const DOCKER_MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";
pub const DOCKER_CONFIG: &str = "application/vnd.docker.container.image.v1+json";
pub const DOCKER_LAYER: &str = "application/vnd.docker.image.rootfs.diff.tar";
pub const DOCKER_LAYER_GZIP: &str = "application/vnd.docker.image.rootfs.diff.tar.gzip";
pub const DOCKER_LAYER_ZSTD: &str = "application/vnd.docker.image.rootfs.diff.tar.zstd";

/// What a client asks a registry for, best first.
pub const ACCEPTED: [&str; 4] = [OCI_INDEX, OCI_MANIFEST, DOCKER_INDEX, DOCKER_MANIFEST];

/// The largest manifest or index that is read (distribution's own limit).
pub const MANIFEST_BYTES_MAX: usize = 4 << 20;
/// What the kernel's overlay takes at most (`OVL_MAX_STACK`).
pub const LAYERS_MAX: usize = 500;
/// Entries of one index.
const ENTRIES_MAX: usize = 10_000;

/// A blob by its content (OCI image spec, descriptor.md).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Descriptor {
    #[serde(default, deserialize_with = "json::or_default")]
    pub media_type: String,
    pub digest: Digest,
    pub size: u64,
    /// Other places to fetch it from, which this engine never does.
    #[serde(default, deserialize_with = "json::or_default", skip_serializing_if = "Vec::is_empty")]
    pub urls: Vec<String>,
    #[serde(default, deserialize_with = "json::or_default", skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub platform: Option<Platform>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub artifact_type: Option<String>,
    /// The blob's bytes in base64, which this engine never believes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<String>,
}

/// An OCI image index or a docker manifest list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Index {
    pub schema_version: u32,
    #[serde(default, deserialize_with = "json::or_default", skip_serializing_if = "String::is_empty")]
    pub media_type: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub artifact_type: Option<String>,
    #[serde(default, deserialize_with = "json::or_default")]
    pub manifests: Vec<Descriptor>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<Descriptor>,
    #[serde(default, deserialize_with = "json::or_default", skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
}

/// An OCI or docker schema 2 manifest: of an image, or of an artifact.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Manifest {
    pub schema_version: u32,
    #[serde(default, deserialize_with = "json::or_default", skip_serializing_if = "String::is_empty")]
    pub media_type: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub artifact_type: Option<String>,
    pub config: Descriptor,
    #[serde(default, deserialize_with = "json::or_default")]
    pub layers: Vec<Descriptor>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<Descriptor>,
    #[serde(default, deserialize_with = "json::or_default", skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
}

/// What a registry or a layout gives under a tag or a digest.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::large_enum_variant, reason = "there is one at a time, never a list of them")]
pub enum Document {
    Index(Index),
    Manifest(Manifest),
}

/// One layer of an image: its blob and what the blob's bytes unpack to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layer {
    pub blob: Descriptor,
    pub compression: Compression,
    pub diff_id: Digest,
}

/// The two shapes that a document can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
    Index,
    Manifest,
}

/// Just enough of a document to tell what it is.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Outline {
    schema_version: Option<serde_json::Value>,
    media_type: Option<String>,
    manifests: Option<serde::de::IgnoredAny>,
    config: Option<serde::de::IgnoredAny>,
    layers: Option<serde::de::IgnoredAny>,
    fs_layers: Option<serde::de::IgnoredAny>,
}

impl Descriptor {
    pub fn new(media_type: &str, digest: Digest, size: u64) -> Self {
        Self {
            media_type: media_type.to_owned(),
            digest,
            size,
            urls: Vec::new(),
            annotations: BTreeMap::new(),
            platform: None,
            artifact_type: None,
            data: None,
        }
    }

    /// The compression that the media type of a layer declares.
    pub fn compression(&self) -> Result<Compression> {
        compression(&self.media_type)
    }
}

impl Document {
    /// Reads a manifest or an index. `content_type` is what the transport said that it is: a header, or the
    /// descriptor's media type. The result does not depend on it, but it must not contradict the document.
    pub fn parse(bytes: &[u8], content_type: Option<&str>) -> Result<Self> {
        let outline: Outline = json::parse(bytes, MANIFEST_BYTES_MAX).context("parse manifest")?;
        let (shape, declared) = outline.shape()?;
        let header = content_type.and_then(|text| text.split(';').next()).map(str::trim).unwrap_or_default();
        // A type that is not a manifest's at all (text/plain from a file server) says nothing.
        if let Some(said) = shape_of(header)
            && (said != shape || declared.is_some_and(|declared| declared != header))
        {
            let declared = declared.unwrap_or(shape.name());
            return Err(Kind::BadInput.error(format!("manifest: sent as {header}, but it is {declared}")));
        }
        let document = match shape {
            Shape::Index => Self::Index(json::parse(bytes, MANIFEST_BYTES_MAX).context("parse index")?),
            Shape::Manifest => Self::Manifest(json::parse(bytes, MANIFEST_BYTES_MAX).context("parse manifest")?),
        };
        document.check_lengths()?;
        Ok(document)
    }

    fn check_lengths(&self) -> Result<()> {
        let (count, count_max, what) = match self {
            Self::Index(index) => (index.manifests.len(), ENTRIES_MAX, "entries"),
            Self::Manifest(manifest) => (manifest.layers.len(), LAYERS_MAX, "layers"),
        };
        match count <= count_max {
            true => Ok(()),
            false => Err(Kind::BadInput.error(format!("manifest: {count} {what}; at most {count_max} are possible"))),
        }
    }
}

impl Manifest {
    /// A manifest of an image, as this engine writes it.
    pub fn new(config: Descriptor, layers: Vec<Descriptor>) -> Self {
        Self {
            schema_version: 2,
            media_type: OCI_MANIFEST.to_owned(),
            artifact_type: None,
            config,
            layers,
            subject: None,
            annotations: BTreeMap::new(),
        }
    }

    /// Reads the bytes of a manifest where an index would be of no use.
    pub fn parse(bytes: &[u8], content_type: Option<&str>) -> Result<Self> {
        match Document::parse(bytes, content_type)? {
            Document::Manifest(manifest) => Ok(manifest),
            Document::Index(_) => Err(Kind::BadInput.error("manifest: it is an index of other manifests")),
        }
    }

    /// The bytes to store: the same for the same manifest.
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        serde_json::to_vec(self).context("serialise manifest")
    }

    /// Refuses a manifest that is not an image's: an artifact's has another kind of configuration. To be called
    /// before anything that it names is fetched.
    pub fn check_image(&self) -> Result<()> {
        let kind = self.config.media_type.as_str();
        if kind != OCI_CONFIG && kind != DOCKER_CONFIG {
            let shown: String = kind.chars().take(100).collect();
            return Err(Kind::BadInput.error(format!("manifest: not of a container image; its config is {shown:?}")));
        }
        if self.config.size > CONFIG_BYTES_MAX as u64 {
            return Err(Kind::BadInput.error(format!("image configuration: more than {CONFIG_BYTES_MAX} bytes")));
        }
        self.layers.iter().try_for_each(|layer| layer.compression().map(drop))
    }

    /// The layers, bottom first, each with the diff id that the configuration promises for it.
    pub fn layers(&self, config: &ImageConfig) -> Result<Vec<Layer>> {
        let (blobs, diff_ids) = (&self.layers, &config.rootfs.diff_ids);
        if blobs.len() != diff_ids.len() {
            let message = format!("manifest: {} layers, but the configuration has {}", blobs.len(), diff_ids.len());
            return Err(Kind::BadInput.error(message));
        }
        let layer = |(blob, diff_id): (&Descriptor, &Digest)| -> Result<Layer> {
            Ok(Layer { blob: blob.clone(), compression: blob.compression()?, diff_id: *diff_id })
        };
        blobs.iter().zip(diff_ids).map(layer).collect()
    }

    /// The media type that it gives itself; one that gives none is OCI's.
    pub fn own_type(&self) -> &str {
        if self.media_type.is_empty() { OCI_MANIFEST } else { &self.media_type }
    }

    /// The bytes of all blobs, as they lie in the store.
    pub fn size(&self) -> u64 {
        self.layers.iter().fold(self.config.size, |sum, layer| sum.saturating_add(layer.size))
    }
}

impl Outline {
    /// What the document is, and the media type that it gives itself.
    fn shape(&self) -> Result<(Shape, Option<&str>)> {
        let bad = |message: &str| Err(Kind::BadInput.error(format!("manifest: {message}")));
        let version = self.schema_version.as_ref().and_then(serde_json::Value::as_u64);
        if self.fs_layers.is_some() || version == Some(1) {
            return Err(Kind::BadInput.hinted(
                "manifest: schema 1 is not supported",
                "push the image again with any tool newer than 2017, which writes schema 2",
            ));
        }
        if version != Some(2) {
            return bad("schemaVersion is not 2");
        }
        let is_manifest = self.config.is_some() || self.layers.is_some();
        let shape = match (self.manifests.is_some(), is_manifest) {
            (true, true) => return bad("it has the fields of an index and of a manifest"),
            (true, false) => Shape::Index,
            (false, true) => Shape::Manifest,
            (false, false) => return bad("it has the fields of neither an index nor a manifest"),
        };
        let declared = self.media_type.as_deref().filter(|media_type| !media_type.is_empty());
        match declared {
            Some(media_type) if shape_of(media_type) != Some(shape) => {
                let shown: String = media_type.chars().take(100).collect();
                bad(&format!("it has the fields of {}, but says that it is {shown:?}", shape.name()))
            }
            Some(_) | None => Ok((shape, declared)),
        }
    }
}

impl Shape {
    fn name(self) -> &'static str {
        match self {
            Self::Index => "an index",
            Self::Manifest => "a manifest",
        }
    }
}

fn shape_of(media_type: &str) -> Option<Shape> {
    match media_type {
        OCI_INDEX | DOCKER_INDEX => Some(Shape::Index),
        OCI_MANIFEST | DOCKER_MANIFEST => Some(Shape::Manifest),
        _ => None,
    }
}

/// The layers whose media types say that they are elsewhere are taken from the registry like all others: their `urls`
/// are never followed, so such a layer is either in the registry or an error.
fn compression(media_type: &str) -> Result<Compression> {
    match media_type {
        OCI_LAYER | DOCKER_LAYER | "application/vnd.oci.image.layer.nondistributable.v1.tar" => Ok(Compression::None),
        OCI_LAYER_GZIP | DOCKER_LAYER_GZIP | "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip" => {
            Ok(Compression::Gzip)
        }
        OCI_LAYER_ZSTD | DOCKER_LAYER_ZSTD | "application/vnd.oci.image.layer.nondistributable.v1.tar+zstd" => {
            Ok(Compression::Zstd)
        }
        other => {
            let shown: String = other.chars().take(100).collect();
            let why = match other {
                other if other.contains("+encrypted") => ": it is encrypted, and encrypted layers cannot be opened",
                other if other.contains(".foreign.") => ": it is of Windows and not in the registry",
                _ => "",
            };
            Err(Kind::BadInput.error(format!("layer of type {shown:?} cannot be unpacked{why}")))
        }
    }
}

#[cfg(any(test, fuzzing))]
pub mod property;
#[cfg(test)]
mod tests {
    use super::*;

    const HEX: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

    fn descriptor(media_type: &str) -> String {
        format!(r#"{{"mediaType":"{media_type}","digest":"sha256:{HEX}","size":7}}"#)
    }

    fn manifest(extra: &str) -> String {
        let (config, layer) = (descriptor(OCI_CONFIG), descriptor(OCI_LAYER_GZIP));
        format!(r#"{{"schemaVersion":2,"config":{config},"layers":[{layer}]{extra}}}"#)
    }

    fn index(extra: &str) -> String {
        format!(r#"{{"schemaVersion":2,"manifests":[{}]{extra}}}"#, descriptor(OCI_MANIFEST))
    }

    fn parse(text: &str, content_type: Option<&str>) -> Result<Document> {
        Document::parse(text.as_bytes(), content_type)
    }

    fn media_type(value: &str) -> String {
        format!(r#","mediaType":"{value}""#)
    }

    #[test]
    fn a_document_is_what_its_fields_say() {
        for header in [None, Some(OCI_MANIFEST), Some("text/plain"), Some(DOCKER_MANIFEST), Some("")] {
            assert!(matches!(parse(&manifest(""), header), Ok(Document::Manifest(_))), "{header:?}");
        }
        for header in [None, Some(OCI_INDEX), Some("application/octet-stream"), Some(DOCKER_INDEX)] {
            assert!(matches!(parse(&index(""), header), Ok(Document::Index(_))), "{header:?}");
        }
        let text = manifest(&media_type(DOCKER_MANIFEST));
        let header = format!("{DOCKER_MANIFEST}; charset=utf-8");
        assert!(matches!(parse(&text, Some(&header)), Ok(Document::Manifest(_))));
    }

    #[test]
    fn documents_that_can_be_read_in_two_ways_are_refused_under_any_header() {
        let both = format!(r#"{{"schemaVersion":2,"manifests":[],"layers":[],"config":{}}}"#, descriptor(OCI_CONFIG));
        let twice = manifest(r#","schemaVersion":2"#);
        let escaped = manifest(r#","annotations":{"a":"1","\u0061":"2"}"#);
        let digest_twice = manifest("").replacen(r#""size":7"#, &format!(r#""size":7,"digest":"sha256:{HEX}""#), 1);
        let table = [
            both,
            twice,
            escaped,
            digest_twice,
            manifest(r#","manifests":[]"#),
            index(r#","layers":[]"#),
            index(r#","config":{}"#),
            manifest(&media_type(OCI_INDEX)),
            manifest(&media_type(DOCKER_INDEX)),
            index(&media_type(OCI_MANIFEST)),
            index(&media_type(DOCKER_MANIFEST)),
            manifest(&media_type("application/json")),
            index(&media_type("x")),
            manifest(r#","fsLayers":[]"#),
            manifest("").replace("\"schemaVersion\":2", "\"schemaVersion\":1"),
            manifest("").replace("\"schemaVersion\":2", "\"schemaVersion\":\"2\""),
        ];
        for text in table {
            for header in [None, Some(OCI_INDEX), Some(OCI_MANIFEST), Some(DOCKER_INDEX), Some(DOCKER_MANIFEST)] {
                assert!(parse(&text, header).is_err(), "{header:?} {text}");
            }
        }
    }

    #[test]
    fn a_header_may_not_contradict_the_document() {
        assert!(parse(&manifest(""), Some(OCI_INDEX)).is_err());
        assert!(parse(&index(""), Some(DOCKER_MANIFEST)).is_err());
        let error = parse(&manifest(&media_type(OCI_MANIFEST)), Some(DOCKER_MANIFEST)).unwrap_err().to_string();
        assert_eq!(error, format!("manifest: sent as {DOCKER_MANIFEST}, but it is {OCI_MANIFEST}"));
    }

    #[test]
    fn malformed_digests_and_sizes_are_refused() {
        let digests = [
            "",
            "sha256",
            "sha256:",
            "sha256:../../x",
            "sha256:/etc/passwd",
            "sha512:00",
            "sha256:AAAA",
            "x",
            "..",
            "sha256:aa/../../b",
            "null",
        ];
        for digest in digests {
            let text = manifest("").replacen(&format!("sha256:{HEX}"), digest, 1);
            assert!(parse(&text, None).is_err(), "{digest}");
        }
        for size in ["-1", "1.5", "1e30", "\"7\"", "null", "99999999999999999999", "[]"] {
            let text = manifest("").replacen("\"size\":7", &format!("\"size\":{size}"), 1);
            assert!(parse(&text, None).is_err(), "{size}");
        }
    }

    #[test]
    fn missing_null_and_mistyped_fields_never_panic() {
        let fields = ["schemaVersion", "mediaType", "config", "layers", "manifests", "subject", "annotations"];
        let inner = ["mediaType", "digest", "size", "urls", "annotations", "platform", "artifactType"];
        for value in ["null", "1", "-1", "\"x\"", "[]", "{}", "[null]", "[{}]", "true"] {
            for field in fields {
                let _ = parse(&format!(r#"{{"schemaVersion":2,"{field}":{value}}}"#), None);
                let _ = parse(&format!(r#"{{"{field}":{value}}}"#), None);
            }
            for field in inner {
                let text = format!(r#"{{"schemaVersion":2,"config":{{"{field}":{value}}},"layers":[]}}"#);
                assert!(parse(&text, None).is_err());
            }
        }
        let null = format!(r#"{{"schemaVersion":2,"config":{},"layers":null}}"#, descriptor(OCI_CONFIG));
        assert!(parse(&null, None).is_ok());
    }

    #[test]
    fn too_large_documents_are_refused() {
        let padded = format!("{}{}", manifest(""), " ".repeat(MANIFEST_BYTES_MAX));
        assert!(parse(&padded, None).is_err());
        let layers = vec![descriptor(OCI_LAYER); LAYERS_MAX + 1].join(",");
        let text = format!(r#"{{"schemaVersion":2,"config":{},"layers":[{layers}]}}"#, descriptor(OCI_CONFIG));
        assert!(parse(&text, None).unwrap_err().to_string().contains("at most 500"));
    }

    #[test]
    fn only_layers_that_can_be_unpacked_are_an_image() {
        let image = |layer: &str| {
            let text = manifest("").replace(OCI_LAYER_GZIP, layer);
            Manifest::parse(text.as_bytes(), None).unwrap().check_image()
        };
        for good in [OCI_LAYER, OCI_LAYER_GZIP, OCI_LAYER_ZSTD, DOCKER_LAYER, DOCKER_LAYER_GZIP] {
            assert!(image(good).is_ok(), "{good}");
        }
        let bad = [
            "",
            "application/octet-stream",
            "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
            "application/vnd.oci.image.layer.v1.tar+gzip+encrypted",
            "application/vnd.oci.image.layer.v1.tar+xz",
        ];
        for bad in bad {
            assert!(image(bad).is_err(), "{bad}");
        }
        let artifact = manifest("").replace(OCI_CONFIG, "application/vnd.oci.empty.v1+json");
        assert!(Manifest::parse(artifact.as_bytes(), None).unwrap().check_image().is_err());
    }

    #[test]
    fn layers_and_diff_ids_are_equally_many() {
        let manifest = Manifest::parse(manifest("").as_bytes(), None).unwrap();
        let config = |diff_ids: usize| {
            let ids = vec![format!("\"sha256:{HEX}\""); diff_ids].join(",");
            ImageConfig::parse(format!(r#"{{"rootfs":{{"diff_ids":[{ids}]}}}}"#).as_bytes()).unwrap()
        };
        assert_eq!(manifest.layers(&config(1)).unwrap()[0].compression, Compression::Gzip);
        assert!(manifest.layers(&config(0)).is_err());
        assert!(manifest.layers(&config(2)).is_err());
    }
}

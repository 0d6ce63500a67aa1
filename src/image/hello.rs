//! The image that this binary carries, so that a first `run` needs no network: one program that looks around.
//!
//! The build makes the program out of `contrib/hello`; here it becomes an OCI archive, loaded like any other.

use crate::store::digest::Digest;
use anyhow::{Context, Result};
use serde_json::{Value, json};
use tar::{Builder, EntryType, Header};

/// The name under which the image is loaded, and which `hello` is short for.
pub const NAME: &str = "localhost/hello:latest";

const PROGRAM: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/hello"));
const PASSWD: &[u8] = b"root:x:0:0:root:/:/hello\nnobody:x:65534:65534:nobody:/:/hello\n";
const GROUP: &[u8] = b"root:x:0:\nnogroup:x:65534:\n";
/// What the engine mounts on is there from the start, so that a read-only root can stay untouched.
const DIRECTORIES: [(&str, u32); 6] =
    [("dev/", 0o755), ("etc/", 0o755), ("proc/", 0o555), ("run/", 0o755), ("sys/", 0o555), ("tmp/", 0o1777)];

/// The image as an OCI archive (OCI image spec, image-layout.md, in a tar file), the same bytes on every call.
pub fn archive() -> Result<Vec<u8>> {
    let layer = layer().context("pack the layer of hello")?;
    let config = bytes(&config(&Digest::of(&layer)))?;
    let manifest = bytes(&json!({
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": descriptor("application/vnd.oci.image.config.v1+json", &config),
        "layers": [descriptor("application/vnd.oci.image.layer.v1.tar", &layer)],
    }))?;
    let mut listed = descriptor("application/vnd.oci.image.manifest.v1+json", &manifest);
    // The whole name, as podman writes it; the specification wants no more than the tag here.
    listed["annotations"] = json!({ "org.opencontainers.image.ref.name": NAME });
    let index = bytes(&json!({
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.index.v1+json",
        "manifests": [listed],
    }))?;
    pack(&[&config, &layer, &manifest], &index).context("pack the image hello")
}

fn pack(blobs: &[&[u8]], index: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut tar = Builder::new(Vec::new());
    file(&mut tar, "oci-layout", 0o644, br#"{"imageLayoutVersion":"1.0.0"}"#)?;
    file(&mut tar, "index.json", 0o644, index)?;
    for blob in blobs {
        file(&mut tar, &format!("blobs/sha256/{}", Digest::of(blob).hex()), 0o644, blob)?;
    }
    tar.into_inner()
}

fn layer() -> std::io::Result<Vec<u8>> {
    let mut tar = Builder::new(Vec::new());
    for (path, mode) in DIRECTORIES {
        tar.append_data(&mut header(EntryType::Directory, mode, 0), path, &[][..])?;
    }
    file(&mut tar, "etc/group", 0o644, GROUP)?;
    file(&mut tar, "etc/passwd", 0o644, PASSWD)?;
    file(&mut tar, "hello", 0o755, PROGRAM)?;
    tar.into_inner()
}

fn file(tar: &mut Builder<Vec<u8>>, path: &str, mode: u32, content: &[u8]) -> std::io::Result<()> {
    tar.append_data(&mut header(EntryType::Regular, mode, content.len()), path, content)
}

/// Owner root, and a time that no build changes.
fn header(kind: EntryType, mode: u32, size: usize) -> Header {
    let mut header = Header::new_ustar();
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_size(size as u64);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    header
}

fn config(diff_id: &Digest) -> Value {
    json!({
        "created": "1970-01-01T00:00:00Z",
        "architecture": architecture(),
        "os": "linux",
        "config": {
            "Entrypoint": ["/hello"],
            "Env": ["PATH=/"],
            "WorkingDir": "/",
            "Labels": {
                "org.opencontainers.image.title": "hello",
                "org.opencontainers.image.description": "Looks at its container from inside and says what it found",
                "org.opencontainers.image.version": env!("CARGO_PKG_VERSION"),
                "org.opencontainers.image.licenses": env!("CARGO_PKG_LICENSE"),
            },
        },
        "rootfs": { "type": "layers", "diff_ids": [diff_id] },
        "history": [{ "created": "1970-01-01T00:00:00Z", "created_by": "coracle" }],
    })
}

/// The architecture of this binary, as Go and with it the OCI specification spells it.
fn architecture() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
}

fn descriptor(media_type: &str, blob: &[u8]) -> Value {
    json!({ "mediaType": media_type, "digest": Digest::of(blob), "size": blob.len() })
}

fn bytes(document: &Value) -> Result<Vec<u8>> {
    serde_json::to_vec(document).context("write a document of the image hello")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;
    use std::io::Read;

    fn entries(tar: &[u8]) -> BTreeMap<String, (u32, Vec<u8>)> {
        let mut archive = tar::Archive::new(tar);
        let entries = archive.entries().expect("a tar file").map(|entry| {
            let mut entry = entry.expect("an entry");
            let path = entry.path().expect("a path").to_str().expect("an ASCII path").to_owned();
            let mode = entry.header().mode().expect("a mode");
            let mut content = Vec::new();
            entry.read_to_end(&mut content).expect("its content");
            (path, (mode, content))
        });
        entries.collect()
    }

    fn blob(files: &BTreeMap<String, (u32, Vec<u8>)>, descriptor: &Value) -> Vec<u8> {
        let digest = Digest::parse(descriptor["digest"].as_str().expect("a digest")).expect("a digest");
        let content = files[&format!("blobs/sha256/{}", digest.hex())].1.clone();
        assert_eq!(Digest::of(&content), digest);
        assert_eq!(descriptor["size"], content.len());
        content
    }

    #[test]
    fn the_archive_is_a_complete_layout_with_the_program_in_it() {
        let archive = archive().expect("an archive");
        let files = entries(&archive);
        let index: Value = serde_json::from_slice(&files["index.json"].1).expect("JSON");
        assert_eq!(index["manifests"][0]["annotations"]["org.opencontainers.image.ref.name"], NAME);
        let manifest: Value = serde_json::from_slice(&blob(&files, &index["manifests"][0])).expect("JSON");
        let config: Value = serde_json::from_slice(&blob(&files, &manifest["config"])).expect("JSON");
        let layer = blob(&files, &manifest["layers"][0]);
        assert_eq!(config["rootfs"]["diff_ids"][0], Digest::of(&layer).to_string());
        let (mode, program) = &entries(&layer)["hello"];
        assert_eq!((*mode, program.as_slice()), (0o755, PROGRAM));
    }

    #[test]
    fn the_archive_is_the_same_every_time() {
        assert_eq!(archive().expect("an archive"), archive().expect("an archive"));
    }

    #[test]
    fn the_program_is_static_and_small() {
        assert!(PROGRAM.starts_with(b"\x7fELF"));
        assert!(!PROGRAM.windows(10).any(|window| window == b"/lib64/ld-"), "it names a loader");
        assert!(PROGRAM.len() < 128 << 10, "it has {} bytes", PROGRAM.len());
    }
}

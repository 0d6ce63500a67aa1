//! Archives of every kind that exists, and of some that only an attacker writes.

use super::*;
use crate::error;
use crate::fs::{self, Durability};
use crate::image::import::{Import, import_with};
use crate::image::manifest::OCI_INDEX;
use crate::image::{check, find, list, remove, tag};
use crate::store::tests::Scratch;
use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Takes a layer's bytes; when it is finished, verifies them and marks the layer as there.
struct FakeSink {
    directory: PathBuf,
    diff_id: Digest,
    compression: Compression,
    bytes: Vec<u8>,
}

impl Write for FakeSink {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn finish(sink: FakeSink) -> Result<()> {
    let mut tar = Vec::new();
    match sink.compression {
        Compression::None => tar = sink.bytes,
        Compression::Gzip => drop(flate2::read::MultiGzDecoder::new(&sink.bytes[..]).read_to_end(&mut tar)?),
        Compression::Zstd => zstd::stream::copy_decode(&sink.bytes[..], &mut tar)?,
    }
    anyhow::ensure!(Digest::of(&tar) == sink.diff_id, "layer {} has other bytes", sink.diff_id);
    fs::create_dir_all(&sink.directory.join("fs"))?;
    fs::write_atomic(&sink.directory.join("info.json"), b"{}", Durability::Cached)
}

/// An engine, and how often its unpacker was asked.
struct Bench {
    scratch: Scratch,
    unpacked: AtomicUsize,
}

impl Bench {
    fn new() -> Self {
        Self { scratch: Scratch::new(), unpacked: AtomicUsize::new(0) }
    }

    fn engine(&self) -> &Engine {
        &self.scratch.engine
    }

    fn sink(&self, diff_id: &Digest, compression: Compression) -> FakeSink {
        let directory = self.engine().layers().join(diff_id.hex());
        FakeSink { directory, diff_id: *diff_id, compression, bytes: Vec::new() }
    }

    fn load_path(&self, path: PathBuf, name: Option<&str>) -> Result<Vec<Loaded>> {
        let platform = Platform::parse("linux/amd64").unwrap();
        let what =
            Load { source: Source::Path(path), name: name.map(str::to_owned), platform, policy: Policy::default() };
        let open = |diff_id: &Digest, compression| {
            self.unpacked.fetch_add(1, Ordering::Relaxed);
            Ok(self.sink(diff_id, compression))
        };
        load_with(self.engine(), &what, &Unpack { open, finish, remove: &|_| Ok(()) })
    }

    fn load(&self, archive: &[u8]) -> Result<Vec<Loaded>> {
        let path = self.engine().data.join("archive");
        fs::write_atomic(&path, archive, Durability::Cached).unwrap();
        self.load_path(path, None)
    }
}

type Members = Vec<(String, Vec<u8>)>;

fn tar_of(members: &[(String, Vec<u8>)]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (name, bytes) in members {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        match bytes.strip_prefix(b"-> ") {
            Some(target) => {
                header.set_size(0);
                header.set_entry_type(tar::EntryType::Symlink);
                builder.append_link(&mut header, name, std::str::from_utf8(target).unwrap()).unwrap();
            }
            None => builder.append_data(&mut header, name, &bytes[..]).unwrap(),
        }
    }
    builder.into_inner().unwrap()
}

fn layer_tar(text: &str) -> Vec<u8> {
    tar_of(&[("file".into(), text.as_bytes().to_vec())])
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn config_of(layers: &[&[u8]]) -> Vec<u8> {
    let ids: Vec<String> = layers.iter().map(|layer| format!("\"{}\"", Digest::of(layer))).collect();
    let ids = ids.join(",");
    format!(r#"{{"architecture":"amd64","os":"linux","rootfs":{{"type":"layers","diff_ids":[{ids}]}}}}"#).into_bytes()
}

/// What docker wrote before version 25; each of the layers is stored as it is given in `stored`.
fn docker_archive(layers: &[&[u8]], stored: &[Vec<u8>], tags: &str) -> Members {
    let config = config_of(layers);
    let config_name = format!("{}.json", Digest::of(&config).hex());
    let mut members: Members = Vec::new();
    for (position, layer) in stored.iter().enumerate() {
        members.push((format!("{position}/layer.tar"), layer.clone()));
    }
    let names: Vec<String> = (0..stored.len()).map(|position| format!("\"{position}/layer.tar\"")).collect();
    let names = names.join(",");
    let manifest = format!(r#"[{{"Config":"{config_name}","RepoTags":{tags},"Layers":[{names}]}}]"#);
    members.push((config_name, config));
    members.push(("manifest.json".into(), manifest.into_bytes()));
    members
}

fn blob_name(digest: &Digest) -> String {
    format!("blobs/sha256/{}", digest.hex())
}

fn descriptor(media_type: &str, bytes: &[u8], more: &str) -> String {
    let (digest, size) = (Digest::of(bytes), bytes.len());
    format!(r#"{{"mediaType":"{media_type}","digest":"{digest}","size":{size}{more}}}"#)
}

fn named(key: &str, name: &str) -> String {
    format!(r#","annotations":{{"{key}":"{name}"}}"#)
}

const REF_NAME: &str = "org.opencontainers.image.ref.name";

/// The blobs of one image, the last of which is its manifest.
fn oci_blobs(text: &str) -> Vec<Vec<u8>> {
    let tar = layer_tar(text);
    let layer = gzip(&tar);
    let config = config_of(&[&tar]);
    let (config_text, layer_text) = (descriptor(OCI_CONFIG, &config, ""), descriptor(OCI_LAYER_GZIP, &layer, ""));
    let manifest = format!(r#"{{"schemaVersion":2,"config":{config_text},"layers":[{layer_text}]}}"#);
    vec![layer, config, manifest.into_bytes()]
}

fn oci_layout(blobs: &[Vec<u8>], entries: &[String]) -> Members {
    let mut members: Members = blobs.iter().map(|blob| (blob_name(&Digest::of(blob)), blob.clone())).collect();
    let index = format!(r#"{{"schemaVersion":2,"manifests":[{}]}}"#, entries.join(","));
    members.push(("index.json".into(), index.into_bytes()));
    members.push(("oci-layout".into(), br#"{"imageLayoutVersion":"1.0.0"}"#.to_vec()));
    members
}

#[test]
fn a_docker_archive_keeps_its_id_and_its_names() {
    let bench = Bench::new();
    let (a, b) = (layer_tar("a"), layer_tar("b"));
    let members = docker_archive(&[&a, &b], &[a.clone(), b.clone()], r#"["debian:1","localhost/x:2"]"#);
    let id = Digest::of(&config_of(&[&a, &b]));
    let archive = tar_of(&members);
    let loaded = bench.load(&archive).unwrap();
    let names = vec!["docker.io/library/debian:1".to_owned(), "localhost/x:2".to_owned()];
    assert_eq!(loaded, [Loaded { id, references: names.clone() }]);
    let image = find(bench.engine(), "debian:1").unwrap();
    assert_eq!((image.id, image.references, image.layers), (id, names, vec![Digest::of(&a), Digest::of(&b)]));
    assert_eq!(find(bench.engine(), &id.hex()[..5]).unwrap().id, id);
    assert!(blobs::has(bench.engine(), &Digest::of(&a)));
    // A second time there is nothing to unpack; the generated manifest is the same.
    assert_eq!(bench.load(&archive).unwrap().len(), 1);
    assert_eq!((bench.unpacked.load(Ordering::Relaxed), list(bench.engine()).unwrap().len()), (2, 1));
}

#[test]
fn compressed_archives_and_layers_and_links_to_layers_are_loaded() {
    let a = layer_tar("a");
    let zstd_of = |bytes: &[u8]| zstd::encode_all(bytes, 1).unwrap();
    for stored in [a.clone(), gzip(&a), zstd_of(&a)] {
        let archive = tar_of(&docker_archive(&[&a], std::slice::from_ref(&stored), r#"["x"]"#));
        for archive in [archive.clone(), gzip(&archive), zstd_of(&archive)] {
            let bench = Bench::new();
            bench.load(&archive).unwrap();
            assert!(blobs::has(bench.engine(), &Digest::of(&stored)));
            assert!(fs::list(&bench.engine().staging()).unwrap().is_empty());
        }
    }
    let link = b"-> ../0/layer.tar".to_vec();
    let bench = Bench::new();
    bench.load(&tar_of(&docker_archive(&[&a, &a], &[a.clone(), link], "null"))).unwrap();
    assert_eq!(bench.unpacked.load(Ordering::Relaxed), 1);
    assert!(list(bench.engine()).unwrap()[0].references.is_empty());
}

#[test]
fn an_oci_archive_is_loaded_under_every_kind_of_name() {
    let table = [
        (named(REF_NAME, "quay.io/a/b:1"), vec!["quay.io/a/b:1"]),
        (named(REF_NAME, "latest"), vec!["localhost/latest:latest"]),
        (named("io.containerd.image.name", "docker.io/library/x:2"), vec!["docker.io/library/x:2"]),
        (String::new(), vec![]),
    ];
    for (more, names) in table {
        let bench = Bench::new();
        let blobs = oci_blobs("a");
        let members = oci_layout(&blobs, &[descriptor(OCI_MANIFEST, &blobs[2], &more)]);
        let loaded = bench.load(&tar_of(&members)).unwrap();
        assert_eq!(loaded[0].references, names);
        let image = find(bench.engine(), &loaded[0].id.to_string()).unwrap();
        assert_eq!(image.manifest, Digest::of(&blobs[2]));
    }
}

#[test]
fn of_an_oci_directory_all_images_or_the_named_one_are_loaded() {
    let bench = Bench::new();
    let (a, b) = (oci_blobs("a"), oci_blobs("b"));
    let entries = [
        descriptor(OCI_MANIFEST, &a[2], &named(REF_NAME, "a")),
        descriptor(OCI_MANIFEST, &b[2], &named(REF_NAME, "b")),
        descriptor(OCI_MANIFEST, &b[2], &named(REF_NAME, "c")),
    ];
    let dir = bench.engine().data.join("layout");
    fs::create_dir_all(&dir.join("blobs/sha256")).unwrap();
    for (name, bytes) in oci_layout(&[a, b].concat(), &entries) {
        fs::write_atomic(&dir.join(name), &bytes, Durability::Cached).unwrap();
    }
    assert_eq!(bench.load_path(dir.clone(), Some("b")).unwrap().len(), 1);
    assert!(bench.load_path(dir.clone(), Some("x")).is_err());
    let loaded = bench.load_path(dir, None).unwrap();
    assert_eq!(loaded[1].references, ["localhost/b:latest", "localhost/c:latest"]);
    assert_eq!(list(bench.engine()).unwrap().len(), 2);
}

#[test]
fn of_an_index_the_image_for_the_platform_is_loaded() {
    let bench = Bench::new();
    let (arm, amd) = (oci_blobs("arm"), oci_blobs("amd"));
    let platform = |name: &str| format!(r#","platform":{{"os":"linux","architecture":"{name}"}}"#);
    let index = format!(
        r#"{{"schemaVersion":2,"manifests":[{},{}]}}"#,
        descriptor(OCI_MANIFEST, &arm[2], &platform("arm64")),
        descriptor(OCI_MANIFEST, &amd[2], &platform("amd64")),
    );
    let top = descriptor(OCI_INDEX, index.as_bytes(), &named(REF_NAME, "x"));
    // The other platform's blobs need not be there.
    let blobs = [amd.clone(), vec![index.into_bytes()]].concat();
    let loaded = bench.load(&tar_of(&oci_layout(&blobs, &[top]))).unwrap();
    assert_eq!(loaded[0].id, Digest::of(&amd[1]));
}

#[test]
fn an_archive_of_both_formats_is_loaded_with_its_names() {
    let tar = layer_tar("a");
    let blobs = oci_blobs("a");
    let (config, layer) = (blob_name(&Digest::of(&blobs[1])), blob_name(&Digest::of(&blobs[0])));
    let manifest = format!(r#"[{{"Config":"{config}","RepoTags":["x:1"],"Layers":["{layer}"]}}]"#);
    for (more, name) in [(String::new(), "docker.io/library/x:1"), (named(REF_NAME, "q.io/y:2"), "q.io/y:2")] {
        let bench = Bench::new();
        let mut members = oci_layout(&blobs, &[descriptor(OCI_MANIFEST, &blobs[2], &more)]);
        members.push(("manifest.json".into(), manifest.clone().into_bytes()));
        assert_eq!(bench.load(&tar_of(&members)).unwrap()[0].references, [name]);
        assert_eq!(find(bench.engine(), name).unwrap().layers, [Digest::of(&tar)]);
    }
}

#[test]
fn archives_that_lie_are_refused_and_leave_no_image() {
    let (a, b) = (layer_tar("a"), layer_tar("b"));
    let good = || docker_archive(&[&a], std::slice::from_ref(&a), r#"["x"]"#);
    let with = |tags: &str| docker_archive(&[&a], std::slice::from_ref(&a), tags);
    let renamed = |from: &str, to: &str| -> Members {
        good().into_iter().map(|(name, bytes)| (if name == from { to.to_owned() } else { name }, bytes)).collect()
    };
    let edited = |name: &str, from: &str, to: &str| -> Members {
        let edit = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap().replace(from, to).into_bytes();
        good().into_iter().map(|(own, bytes)| (own.clone(), if own == name { edit(bytes) } else { bytes })).collect()
    };
    let blobs = oci_blobs("a");
    let oci = |entry: String, blobs: &[Vec<u8>]| oci_layout(blobs, &[entry]);
    let entry = |more: &str| descriptor(OCI_MANIFEST, &blobs[2], more);
    let swapped_blob = |at: usize| -> Members {
        let name = blob_name(&Digest::of(&blobs[at]));
        let flip = |mut bytes: Vec<u8>| {
            bytes[9] ^= 1;
            bytes
        };
        let members = oci(entry(&named(REF_NAME, "x")), &blobs).into_iter();
        members.map(|(own, bytes)| if own == name { (own, flip(bytes)) } else { (own, bytes) }).collect()
    };
    let mut twice = good();
    twice.push(("manifest.json".into(), b"[]".to_vec()));
    let table: Vec<(&str, Members)> = vec![
        ("a swapped layer", docker_archive(&[&a], std::slice::from_ref(&b), r#"["x"]"#)),
        ("a swapped compressed layer", docker_archive(&[&a], &[gzip(&b)], r#"["x"]"#)),
        ("too few diff ids", docker_archive(&[&a], &[a.clone(), b.clone()], r#"["x"]"#)),
        ("too many diff ids", docker_archive(&[&a, &b], std::slice::from_ref(&a), r#"["x"]"#)),
        ("a wrong config", renamed("manifest.json", "other.json")),
        ("a missing layer", renamed("0/layer.tar", "1/layer.tar")),
        ("a layer by traversal", edited("manifest.json", "0/layer.tar", "../../../etc/passwd")),
        ("an absolute layer", edited("manifest.json", "0/layer.tar", "/etc/passwd")),
        ("a config by traversal", edited("manifest.json", "\"Config\":\"", "\"Config\":\"../../")),
        ("a layer linked out", docker_archive(&[&a], &[b"-> ../../../etc/passwd".to_vec()], r#"["x"]"#)),
        ("a layer linked to a file", docker_archive(&[&a], &[b"-> /etc/passwd".to_vec()], r#"["x"]"#)),
        ("a layer linked to itself", docker_archive(&[&a], &[b"-> layer.tar".to_vec()], r#"["x"]"#)),
        ("a name by traversal", with(r#"["../../x"]"#)),
        ("an empty name", with(r#"[""]"#)),
        ("a name that is an option", with(r#"["--privileged"]"#)),
        ("names of another type", with(r#"{"x":1}"#)),
        ("duplicate keys", edited("manifest.json", "\"Config\"", "\"Config\":\"a\",\"Config\"")),
        ("a member twice", twice),
        ("a swapped oci layer", swapped_blob(0)),
        ("a swapped oci config", swapped_blob(1)),
        ("a swapped oci manifest", swapped_blob(2)),
        ("a missing oci layer", oci(entry(""), &blobs[1..])),
        ("an unparsable oci name", oci(entry(&named(REF_NAME, "../x")), &blobs)),
        ("a wrong oci type", oci(descriptor(OCI_INDEX, &blobs[2], ""), &blobs)),
        ("no oci image", oci_layout(&blobs, &[])),
        ("nothing", vec![("x".into(), vec![])]),
        ("an object for a list", vec![("manifest.json".into(), b"{}".to_vec())]),
        ("null for an item", vec![("manifest.json".into(), b"[null]".to_vec())]),
        ("nulls in an item", vec![("manifest.json".into(), br#"[{"Config":null}]"#.to_vec())]),
        ("a null index", vec![("index.json".into(), b"null".to_vec())]),
    ];
    for (what, members) in table {
        let bench = Bench::new();
        let result = bench.load(&tar_of(&members));
        assert!(result.is_err(), "{what}: {result:?}");
        assert!(list(bench.engine()).unwrap().is_empty(), "{what}");
        assert!(fs::list(&bench.engine().staging()).unwrap().is_empty(), "{what}");
    }
}

#[test]
fn truncated_and_scrambled_archives_are_refused() {
    let a = layer_tar("a");
    let archive = tar_of(&docker_archive(&[&a], std::slice::from_ref(&a), r#"["x"]"#));
    for length in [0, 1, 100, 511, 512, 600, 1100, 2000, 3000] {
        let bench = Bench::new();
        assert!(bench.load(&archive[..length]).is_err(), "{length}");
        assert!(bench.load(&gzip(&archive)[..length.min(40)]).is_err(), "{length}");
    }
    for byte in (0..archive.len()).step_by(97) {
        let mut scrambled = archive.clone();
        scrambled[byte] ^= 0x41;
        let _ = Bench::new().load(&scrambled);
    }
    for refused in [&b"\xfd7zXZ\0aaaa"[..], b"BZh91AY"] {
        assert!(
            Bench::new().load(refused).unwrap_err().chain().any(|cause| cause.to_string().contains("compressed"))
        );
    }
}

#[test]
fn an_endless_name_in_a_header_is_refused() {
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(tar::EntryType::GNULongName);
    header.set_size(64 << 20);
    header.set_cksum();
    let mut archive = header.as_bytes().to_vec();
    archive.resize(archive.len() + (64 << 20), b'a');
    let error = Bench::new().load(&archive).unwrap_err();
    assert!(error::line(&error).contains("too long"), "{}", error::line(&error));
}

#[test]
fn one_image_may_have_two_manifests() {
    let bench = Bench::new();
    let engine = bench.engine();
    let a = layer_tar("a");
    bench.load(&tar_of(&docker_archive(&[&a], std::slice::from_ref(&a), r#"["plain"]"#))).unwrap();
    bench.load(&tar_of(&docker_archive(&[&a], &[gzip(&a)], r#"["packed"]"#))).unwrap();
    let (plain, packed) = (find(engine, "plain").unwrap(), find(engine, "packed").unwrap());
    assert_eq!(plain.id, packed.id);
    assert_ne!(plain.manifest, packed.manifest);
    assert_eq!(find(engine, &plain.id.hex()[..12]).unwrap().references.len(), 2);
    assert_eq!(list(engine).unwrap().len(), 1);
    let removed = remove::remove(engine, &plain.id.hex(), true, |_| Ok(())).unwrap();
    assert_eq!((removed.untagged.len(), removed.layers.len()), (2, 1));
    assert!(blobs::list(engine).unwrap().is_empty() && list(engine).unwrap().is_empty());
}

#[test]
fn removing_takes_what_no_other_image_needs() {
    let bench = Bench::new();
    let engine = bench.engine();
    let (a, b, c) = (layer_tar("a"), layer_tar("b"), layer_tar("c"));
    bench.load(&tar_of(&docker_archive(&[&a, &b], &[a.clone(), b.clone()], r#"["one"]"#))).unwrap();
    bench.load(&tar_of(&docker_archive(&[&a, &c], &[a.clone(), c.clone()], r#"["two"]"#))).unwrap();
    tag(engine, "one", &Reference::parse_local("three").unwrap()).unwrap();
    let id = find(engine, "three").unwrap().id;
    let error = remove::remove(engine, &id.to_string(), false, |_| Ok(())).unwrap_err();
    assert_eq!(error::kind(&error), error::Kind::BadInput);

    let removed = remove::remove(engine, "three", false, |_| Ok(())).unwrap();
    assert_eq!((removed.untagged, removed.deleted), (vec!["localhost/three:latest".to_owned()], None));
    assert!(remove::remove(engine, "one", false, |_| anyhow::bail!("in use")).is_err());
    assert!(find(engine, "one").is_ok());
    let removed = remove::remove(engine, "one", false, |_| Ok(())).unwrap();
    assert_eq!((removed.deleted, &removed.layers[..]), (Some(id), &[Digest::of(&b)][..]));
    assert!(!blobs::has(engine, &Digest::of(&b)) && blobs::has(engine, &Digest::of(&a)));
    drop(removed);

    // While an image comes in, the blobs stay, and the next repair takes them.
    let incoming = blobs::incoming(engine).unwrap();
    let removed = remove::remove(engine, "two", false, |_| Ok(())).unwrap();
    assert!(removed.deleted.is_some() && removed.layers.is_empty() && removed.guard.is_none());
    drop(incoming);
    let unused = check::unused(engine, &HashSet::new()).unwrap().unwrap();
    assert_eq!(unused.findings("image").iter().filter(|finding| finding.what.starts_with("layer")).count(), 3);
    unused.remove(engine).unwrap();
    assert!(blobs::list(engine).unwrap().is_empty() && list(engine).unwrap().is_empty());
    let error = find(engine, "two").unwrap_err();
    assert_eq!((error::kind(&error), error.to_string().as_str()), (error::Kind::NotFound, "no image two"));
}

#[test]
fn images_are_found_by_every_way_of_naming_them() {
    let bench = Bench::new();
    let engine = bench.engine();
    let a = layer_tar("a");
    let loaded =
        bench.load(&tar_of(&docker_archive(&[&a], std::slice::from_ref(&a), r#"["quay.io/x/y:1"]"#))).unwrap();
    let id = loaded[0].id;
    let manifest = find(engine, "quay.io/x/y:1").unwrap().manifest;
    let hex = id.hex();
    let by_digest = format!("quay.io/x/y@{manifest}");
    let by_both = format!("quay.io/x/y:1@{manifest}");
    for text in [&hex, &id.to_string(), &hex[..3], &manifest.to_string(), &by_digest, &by_both] {
        assert_eq!(find(engine, text).unwrap().id, id, "{text}");
    }
    let other = format!("quay.io/x/z@{manifest}");
    for text in ["quay.io/x/y", "x/y:1", &hex[..2], &other, "nothing", "quay.io/x/y:2"] {
        assert_eq!(error::kind(&find(engine, text).unwrap_err()), error::Kind::NotFound, "{text}");
    }
    for text in ["", "X Y", "a:b:c", "../x", "sha256:../x"] {
        assert!(find(engine, text).is_err(), "{text}");
    }
    // A local image is preferred to one of the same short name from docker.io.
    tag(engine, &hex, &Reference::parse("s").unwrap()).unwrap();
    assert_eq!(find(engine, "s").unwrap().id, id);
    crate::image::untag(engine, "s", &["s".to_owned()]).unwrap();
    assert!(find(engine, "s").is_err());
    crate::image::untag(engine, &hex, &[]).unwrap();
    assert!(find(engine, &hex).unwrap().references.is_empty());
}

#[test]
fn an_imported_tar_is_an_image_of_one_layer() {
    let tar = layer_tar("a");
    for archive in [tar.clone(), gzip(&tar), zstd::encode_all(&tar[..], 1).unwrap()] {
        let bench = Bench::new();
        let what = Import {
            platform: Platform::parse("linux/arm64").unwrap(),
            changes: vec![r#"CMD ["sh"]"#.into(), "ENV A=b".into()],
            message: Some("why".into()),
            reference: Some(Reference::parse_local("x").unwrap()),
        };
        let unpack =
            Unpack { open: |id: &Digest, compression| Ok(bench.sink(id, compression)), finish, remove: &|_| Ok(()) };
        let id = import_with(bench.engine(), std::io::Cursor::new(archive), &what, &unpack).unwrap();
        let image = find(bench.engine(), "x").unwrap();
        assert_eq!((image.id, &image.layers[..]), (id, &[Digest::of(&tar)][..]));
        assert_eq!(
            (&image.config.config.cmd[..], image.config.architecture.as_str()),
            (&["sh".to_owned()][..], "arm64")
        );
        assert_eq!(image.config.history[0].comment, "why");
    }
    for archive in [&b""[..], b"\x1f\x8b", b"\x1f\x8b\0\0\0\0\0\0", b"\x28\xb5\x2f\xfd\0\0"] {
        let bench = Bench::new();
        let what = Import { platform: Platform::host(), changes: vec![], message: None, reference: None };
        let unpack =
            Unpack { open: |id: &Digest, compression| Ok(bench.sink(id, compression)), finish, remove: &|_| Ok(()) };
        assert!(import_with(bench.engine(), archive, &what, &unpack).is_err());
        assert!(list(bench.engine()).unwrap().is_empty());
    }
}

proptest::proptest! {
    #[test]
    fn any_bytes_are_a_document_or_an_error(bytes: Vec<u8>, text in r#"[\[\]{}:,"a-e0-9. -]{0,200}"#) {
        for bytes in [&bytes[..], text.as_bytes()] {
            let _ = crate::image::manifest::Document::parse(bytes, None);
            let _ = crate::image::config::ImageConfig::parse(bytes);
        }
    }
}

//! Whole pulls from a scripted registry: what is there afterwards, and that nothing is after a failure.

use super::super::fake_registry::{Answer, FakeRegistry};
use super::super::http::Patience;
use super::super::manifest::{
    DOCKER_CONFIG, DOCKER_INDEX, DOCKER_LAYER_GZIP, DOCKER_MANIFEST, OCI_CONFIG, OCI_INDEX, OCI_LAYER,
    OCI_LAYER_GZIP, OCI_LAYER_ZSTD,
};
use super::*;
use crate::error::{kind, line};
use crate::store::tags;
use crate::store::tests::Scratch;
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::sync::Mutex;
use std::time::Duration;

/// The blob of a layer and its media type. The layers count as unpacked unless a test says otherwise.
type Blob<'a> = (&'a str, &'a [u8]);

fn descriptor(media_type: &str, bytes: &[u8], more: &str) -> String {
    let (digest, size) = (Digest::of(bytes), bytes.len());
    format!(r#"{{"mediaType":"{media_type}","digest":"{digest}","size":{size}{more}}}"#)
}

fn put_blob(fake: &FakeRegistry, bytes: &[u8]) {
    fake.put(&format!("/v2/app/blobs/{}", Digest::of(bytes)), "application/octet-stream", bytes);
}

/// The diff id that the tests give a layer; nothing is unpacked here, so it need not be true.
fn diff_id(blob: &[u8]) -> Digest {
    Digest::of(&[blob, b"unpacked"].concat())
}

fn config_of(architecture: &str, layers: &[Blob]) -> Vec<u8> {
    let ids: Vec<String> = layers.iter().map(|(_, blob)| format!("\"{}\"", diff_id(blob))).collect();
    let rootfs = format!(r#"{{"type":"layers","diff_ids":[{}]}}"#, ids.join(","));
    format!(r#"{{"architecture":"{architecture}","os":"linux","rootfs":{rootfs}}}"#).into_bytes()
}

fn manifest_of(config: &str, config_bytes: &[u8], layers: &[Blob], more: &str) -> Vec<u8> {
    let layers: Vec<String> = layers.iter().map(|(kind, blob)| descriptor(kind, blob, more)).collect();
    let config = descriptor(config, config_bytes, "");
    format!(r#"{{"schemaVersion":2,"config":{config},"layers":[{}]}}"#, layers.join(",")).into_bytes()
}

/// Serves an image under its digest and, if there is one, a tag.
fn serve(fake: &FakeRegistry, tag: Option<&str>, architecture: &str, layers: &[Blob]) -> Vec<u8> {
    let config = config_of(architecture, layers);
    let manifest = manifest_of(OCI_CONFIG, &config, layers, "");
    put_blob(fake, &config);
    layers.iter().for_each(|(_, blob)| put_blob(fake, blob));
    for name in tag.map(str::to_owned).into_iter().chain([Digest::of(&manifest).to_string()]) {
        fake.put(&format!("/v2/app/manifests/{name}"), OCI_MANIFEST, &manifest);
    }
    manifest
}

fn count_as_unpacked(engine: &Engine, layers: &[Blob]) {
    for (_, blob) in layers {
        let dir = engine.layers().join(diff_id(blob).hex());
        fs::create_dir_all(&dir.join("fs")).unwrap();
        fs::write_atomic(&dir.join("info.json"), b"{}", fs::Durability::Cached).unwrap();
    }
}

fn access() -> Access {
    // The empty file keeps the user's own credentials out of the tests.
    Access { tls_verify: Some(false), authfile: Some("/dev/null".into()), ..Access::default() }
}

/// A layer that is unpacked in this process, which has too many threads to fork another.
struct TestSink<'a> {
    engine: &'a Engine,
    diff_id: Digest,
    compression: Compression,
    bytes: Vec<u8>,
}

impl Write for TestSink<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.bytes.write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn finish(sink: TestSink) -> Result<()> {
    let blob = sink.bytes.as_slice();
    let mut plain = Vec::new();
    match sink.compression {
        Compression::None => plain.extend(blob),
        Compression::Gzip => drop(flate2::read::MultiGzDecoder::new(blob).read_to_end(&mut plain)?),
        Compression::Zstd => plain = zstd::decode_all(blob)?,
    }
    if Digest::of(&plain) != sink.diff_id {
        return Err(Kind::BadInput.error(format!("layer {}: other bytes", sink.diff_id)));
    }
    fs::create_dir_all(&layers::path(sink.engine, &sink.diff_id))
}

fn pull_here(
    engine: &Engine,
    reference: &Reference,
    registry: &Registry,
    platform: Option<&Platform>,
    progress: Progress,
) -> Result<Image> {
    let open =
        |diff_id: &Digest, compression| Ok(TestSink { engine, diff_id: *diff_id, compression, bytes: Vec::new() });
    let offer = Offer { registry, check: &|_| Ok(()) };
    pull(engine, reference, platform, &offer, &Unpack { open, finish, remove: &|_| Ok(()) }, progress)
}

fn ensure_here(
    engine: &Engine,
    name: &str,
    policy: Policy,
    platform: Option<&Platform>,
    progress: Progress,
) -> Result<Image> {
    ensure_with(
        engine,
        name,
        policy,
        platform,
        || Ok(None),
        |reference| pull_here(engine, reference, &Registry::new(reference, &access())?, platform, progress),
    )
}

fn get(engine: &Engine, name: &str, platform: Option<&str>) -> Result<Image> {
    let patience = Patience {
        commit: Duration::from_secs(5),
        connect: Duration::from_secs(5),
        idle: Duration::from_millis(300),
        pause: Duration::from_millis(5),
        retry_after_max: Duration::from_millis(10),
        tries: 2,
    };
    let reference = Reference::parse(name)?;
    let registry = Registry::with_patience(&reference, &access(), patience)?;
    let platform = platform.map(|text| Platform::parse(text).unwrap());
    pull_here(engine, &reference, &registry, platform.as_ref(), &|_| ())
}

/// Nothing can be seen and nothing is left over. Blobs that are what they should be may stay for the next try.
fn assert_untouched(engine: &Engine) {
    assert!(tags::list(engine).unwrap().is_empty());
    assert_eq!(fs::list(&engine.staging()).unwrap(), Vec::<String>::new());
    for digest in blobs::list(engine).unwrap() {
        blobs::read(engine, &digest, 1 << 20).unwrap();
    }
}

const LAYERS: [Blob; 3] = [(OCI_LAYER_GZIP, b"one"), (OCI_LAYER_ZSTD, b"two"), (OCI_LAYER, b"three")];

#[test]
fn a_pulled_image_is_complete_and_then_asks_for_nothing() {
    let (fake, scratch) = (FakeRegistry::start(), Scratch::new());
    let engine = &scratch.engine;
    let manifest = serve(&fake, Some("v1"), "amd64", &LAYERS);
    count_as_unpacked(engine, &LAYERS);
    let name = format!("{}/app:v1", fake.host());
    let events = Mutex::new(Vec::new());
    let note = |event| events.lock().unwrap().push(event);
    let image = ensure_here(engine, &name, Policy::Missing, None, &note).unwrap();
    assert_eq!(image.id, Digest::of(&config_of("amd64", &LAYERS)));
    assert_eq!((image.manifest, &image.references), (Digest::of(&manifest), &vec![name.clone()]));
    for (_, blob) in LAYERS {
        assert_eq!(blobs::read(engine, &Digest::of(blob), 100).unwrap(), blob);
        let (digest, size) = (Digest::of(blob), blob.len() as u64);
        let events = events.lock().unwrap();
        for event in [Event::LayerStarted { blob: digest, size }, Event::LayerDone(digest)] {
            assert!(events.contains(&event), "{event:?}");
        }
    }
    let before = fake.requests().len();
    for policy in [Policy::Missing, Policy::Never] {
        ensure_here(engine, &name, policy, None, &|_| ()).unwrap();
    }
    assert_eq!(fake.requests().len(), before);
    // What is here is not fetched again, not even for another name.
    fake.put("/v2/app/manifests/v2", OCI_MANIFEST, &manifest);
    let blobs_before = fake.count("/blobs/");
    get(engine, &format!("{}/app:v2", fake.host()), None).unwrap();
    assert_eq!(fake.count("/blobs/"), blobs_before);
}

#[test]
fn an_unchanged_tag_costs_one_request_and_writes_nothing() {
    let (fake, scratch) = (FakeRegistry::start(), Scratch::new());
    let engine = &scratch.engine;
    let manifest = serve(&fake, Some("v1"), "amd64", &LAYERS);
    let entry = descriptor(OCI_MANIFEST, &manifest, r#","platform":{"os":"linux","architecture":"amd64"}"#);
    let index = format!(r#"{{"schemaVersion":2,"manifests":[{entry}]}}"#);
    fake.put("/v2/app/manifests/list", OCI_INDEX, index.as_bytes());
    count_as_unpacked(engine, &LAYERS);
    let files = || [engine.images().join("index.json"), blobs::path(engine, &Digest::of(&manifest))];
    let inodes = || files().map(|path| std::fs::metadata(path).unwrap().ino());
    for tag in ["v1", "list"] {
        let pull = || get(engine, &format!("{}/app:{tag}", fake.host()), Some("amd64")).unwrap();
        pull();
        let (requests, written) = (fake.requests().len(), inodes());
        pull();
        assert_eq!(fake.requests().len(), requests + 1, "{tag}");
        assert_eq!(inodes(), written, "{tag}");
        // The control: what has gone is fetched.
        blobs::remove(engine, &Digest::of(LAYERS[0].1)).unwrap();
        pull();
        assert_eq!(fake.requests().len(), requests + 3, "{tag}");
    }
}

#[test]
fn policies_decide_who_is_asked() {
    let (fake, scratch) = (FakeRegistry::start(), Scratch::new());
    let engine = &scratch.engine;
    let name = format!("{}/app", fake.host());
    let run = |policy| ensure_here(engine, &name, policy, None, &|_| ());
    assert_eq!(kind(&run(Policy::Never).unwrap_err()), Kind::NotFound);
    assert!(fake.requests().is_empty());
    let error = run(Policy::Newer).unwrap_err();
    let expected = format!("pull {name}:latest: get manifest: not found in the registry (404)");
    assert_eq!((kind(&error), line(&error)), (Kind::NotFound, expected));
    serve(&fake, Some("latest"), "amd64", &[]);
    let first = run(Policy::Newer).unwrap();
    serve(&fake, Some("latest"), "arm64", &[]);
    assert_eq!(run(Policy::Missing).unwrap().id, first.id);
    assert_ne!(run(Policy::Newer).unwrap().id, first.id);
    fake.fail("/v2/", 100, Answer::status(403));
    assert!(run(Policy::Always).is_err());
    run(Policy::Newer).unwrap();
}

#[test]
fn an_index_gives_the_image_of_the_platform() {
    for (index_type, manifest_type) in [(OCI_INDEX, OCI_MANIFEST), (DOCKER_INDEX, OCI_MANIFEST)] {
        let (fake, scratch) = (FakeRegistry::start(), Scratch::new());
        let engine = &scratch.engine;
        let entry = |architecture: &str| {
            let manifest = serve(&fake, None, architecture, &[]);
            let platform = format!(r#","platform":{{"os":"linux","architecture":"{architecture}"}}"#);
            descriptor(manifest_type, &manifest, &platform)
        };
        let index = format!(r#"{{"schemaVersion":2,"manifests":[{},{}]}}"#, entry("arm64"), entry("s390x"));
        fake.put("/v2/app/manifests/v1", index_type, index.as_bytes());
        let name = format!("{}/app:v1", fake.host());
        for architecture in ["arm64", "s390x"] {
            let platform = Platform::parse(architecture).unwrap();
            let image = ensure_here(engine, &name, Policy::Missing, Some(&platform), &|_| ()).unwrap();
            assert_eq!(image.config.architecture, architecture);
        }
        let error = get(engine, &name, Some("riscv64")).unwrap_err();
        assert!(line(&error).contains("there are linux/arm64, linux/s390x"), "{}", line(&error));
        // An image without an index is for one platform, too.
        serve(&fake, Some("v2"), "arm64", &[]);
        let error = get(engine, &format!("{}/app:v2", fake.host()), Some("amd64")).unwrap_err();
        assert!(line(&error).contains("is for linux/arm64, not for linux/amd64"), "{}", line(&error));
    }
}

#[test]
fn docker_schema_2_is_an_image() {
    let (fake, scratch) = (FakeRegistry::start(), Scratch::new());
    let layers: [Blob; 1] = [(DOCKER_LAYER_GZIP, b"layer")];
    serve(&fake, None, "amd64", &layers);
    let manifest = manifest_of(DOCKER_CONFIG, &config_of("amd64", &layers), &layers, "");
    let text = String::from_utf8(manifest).unwrap();
    let manifest = text.replacen('{', &format!(r#"{{"mediaType":"{DOCKER_MANIFEST}","#), 1);
    fake.put("/v2/app/manifests/v1", DOCKER_MANIFEST, manifest.as_bytes());
    count_as_unpacked(&scratch.engine, &layers);
    let image = get(&scratch.engine, &format!("{}/app:v1", fake.host()), None).unwrap();
    assert_eq!(image.manifest, Digest::of(manifest.as_bytes()));
    assert_eq!(tags::list(&scratch.engine).unwrap()[0].media_type, DOCKER_MANIFEST);
}

#[test]
fn a_digest_pins_the_image() {
    let (fake, scratch) = (FakeRegistry::start(), Scratch::new());
    let engine = &scratch.engine;
    let manifest = serve(&fake, None, "amd64", &[]);
    let digest = Digest::of(&manifest);
    for name in [format!("{}/app@{digest}", fake.host()), format!("{}/app:v9@{digest}", fake.host())] {
        let image = ensure_here(engine, &name, Policy::Missing, None, &|_| ()).unwrap();
        assert_eq!(image.manifest, digest);
    }
    assert_eq!(fake.count("/manifests/"), 1, "the tag beside a digest says nothing");
}

#[test]
fn wrong_bytes_leave_nothing_behind() {
    let config = config_of("amd64", &LAYERS);
    let bodies: [(&str, &[u8]); 4] =
        [("layer of the same size", b"ONE"), ("short", b"on"), ("long", b"oneone"), ("empty", b"")];
    for (what, body) in bodies {
        let (fake, scratch) = (FakeRegistry::start(), Scratch::new());
        serve(&fake, Some("v1"), "amd64", &LAYERS);
        count_as_unpacked(&scratch.engine, &LAYERS);
        fake.put(&format!("/v2/app/blobs/{}", Digest::of(b"one")), "", body);
        let error = get(&scratch.engine, &format!("{}/app:v1", fake.host()), None).unwrap_err();
        assert!(line(&error).contains(&format!("get layer {}", Digest::of(b"one"))), "{what}: {}", line(&error));
        assert_untouched(&scratch.engine);
        assert!(!blobs::has(&scratch.engine, &Digest::of(b"one")));
        // The same pull works when the registry tells the truth.
        put_blob(&fake, b"one");
        get(&scratch.engine, &format!("{}/app:v1", fake.host()), None).unwrap();
    }
    let (fake, scratch) = (FakeRegistry::start(), Scratch::new());
    serve(&fake, Some("v1"), "amd64", &LAYERS);
    let other = String::from_utf8(config.clone()).unwrap().replace("amd64", "arm64");
    fake.put(&format!("/v2/app/blobs/{}", Digest::of(&config)), "", other.as_bytes());
    let error = get(&scratch.engine, &format!("{}/app:v1", fake.host()), None).unwrap_err();
    assert!(line(&error).starts_with("get configuration: blob sha256:"), "{}", line(&error));
    assert_untouched(&scratch.engine);
}

#[test]
fn documents_that_contradict_themselves_are_refused() {
    let (fake, scratch) = (FakeRegistry::start(), Scratch::new());
    let engine = &scratch.engine;
    let manifest = String::from_utf8(serve(&fake, Some("v1"), "amd64", &[])).unwrap();
    let entry = |kind: &str, size_more: &str| {
        let text = descriptor(kind, manifest.as_bytes(), "").replace("}", &format!("{size_more}}}"));
        format!(r#"{{"schemaVersion":2,"manifests":[{text}]}}"#)
    };
    let wrong_size = entry(OCI_MANIFEST, "").replace("\"size\":", "\"size\":1");
    let both = manifest.replacen('{', r#"{"manifests":[],"#, 1);
    let named = manifest.replacen('{', &format!(r#"{{"mediaType":"{OCI_INDEX}","#), 1);
    let name = format!("{}/app:v1", fake.host());
    for (content_type, body) in [
        (OCI_INDEX, manifest.as_str()),
        (OCI_MANIFEST, &entry(OCI_MANIFEST, "")),
        (OCI_INDEX, &entry(OCI_INDEX, "")),
        (OCI_INDEX, &wrong_size),
        (OCI_MANIFEST, &both),
        (OCI_MANIFEST, &named),
        (OCI_MANIFEST, "{}"),
        (OCI_MANIFEST, "<html>"),
        ("text/html", ""),
    ] {
        fake.put("/v2/app/manifests/v1", content_type, body.as_bytes());
        assert!(get(engine, &name, None).is_err(), "{content_type} {body}");
        assert_untouched(engine);
    }
    // The controls.
    for (content_type, body) in [(OCI_INDEX, entry(OCI_MANIFEST, "")), ("text/plain", manifest.clone())] {
        fake.put("/v2/app/manifests/v1", content_type, body.as_bytes());
        get(engine, &name, None).unwrap();
    }
}

#[test]
fn urls_of_a_layer_are_never_followed() {
    let (fake, elsewhere, scratch) = (FakeRegistry::start(), FakeRegistry::start(), Scratch::new());
    let layers: [Blob; 1] = [(OCI_LAYER_GZIP, b"layer")];
    serve(&fake, None, "amd64", &layers);
    count_as_unpacked(&scratch.engine, &layers);
    let urls = format!(r#","urls":["http://{}/layer","file:///etc/passwd"]"#, elsewhere.host());
    let manifest = manifest_of(OCI_CONFIG, &config_of("amd64", &layers), &layers, &urls);
    fake.put("/v2/app/manifests/v1", OCI_MANIFEST, &manifest);
    fake.fail(&Digest::of(b"layer").hex(), 1, Answer::status(404));
    let name = format!("{}/app:v1", fake.host());
    assert!(get(&scratch.engine, &name, None).is_err());
    get(&scratch.engine, &name, None).unwrap();
    assert!(elsewhere.requests().is_empty());
}

#[test]
fn a_layer_that_occurs_twice_is_fetched_once() {
    let (fake, scratch) = (FakeRegistry::start(), Scratch::new());
    let layers: [Blob; 3] = [(OCI_LAYER_GZIP, b"same"), (OCI_LAYER_GZIP, b"other"), (OCI_LAYER_GZIP, b"same")];
    serve(&fake, Some("v1"), "amd64", &layers);
    count_as_unpacked(&scratch.engine, &layers);
    let image = get(&scratch.engine, &format!("{}/app:v1", fake.host()), None).unwrap();
    assert_eq!(image.layers, layers.map(|(_, blob)| diff_id(blob)));
    assert_eq!(fake.count(&Digest::of(b"same").hex()), 1);
}

#[test]
fn names_of_images_made_here_are_never_asked_for_elsewhere() {
    let scratch = Scratch::new();
    for policy in [Policy::Missing, Policy::Always, Policy::Newer] {
        let outcome = ensure_here(&scratch.engine, "localhost/x", policy, None, &|_| ());
        let error = outcome.unwrap_err();
        assert!(line(&error).contains("not a registry"), "{}", line(&error));
    }
}

#[test]
fn a_failing_layer_stops_the_others() {
    let (fake, scratch) = (FakeRegistry::start(), Scratch::new());
    let blobs: Vec<Vec<u8>> = (0..40u8).map(|number| vec![number; 100]).collect();
    let layers: Vec<Blob> = blobs.iter().map(|blob| (OCI_LAYER_GZIP, blob.as_slice())).collect();
    serve(&fake, Some("v1"), "amd64", &layers);
    count_as_unpacked(&scratch.engine, &layers);
    fake.fail(&Digest::of(&blobs[0]).hex(), 100, Answer::status(404));
    get(&scratch.engine, &format!("{}/app:v1", fake.host()), None).unwrap_err();
    assert!(fake.count("/blobs/") < 40);
    assert_untouched(&scratch.engine);
}

fn forget(engine: &Engine, diff_id: &Digest) {
    use std::os::fd::AsFd;
    fs::remove_tree(fs::open_dir(&engine.layers()).unwrap().as_fd(), &diff_id.hex()).unwrap();
}

/// A tar archive of one file, plain or compressed, and its diff id.
fn layer_of(file: &str, compression: layers::Compression) -> (Vec<u8>, Digest) {
    let mut header = tar::Header::new_gnu();
    header.set_size(file.len() as u64);
    header.set_mode(0o644);
    let mut archive = tar::Builder::new(Vec::new());
    archive.append_data(&mut header, file, file.as_bytes()).unwrap();
    let plain = archive.into_inner().unwrap();
    let digest = Digest::of(&plain);
    let blob = match compression {
        layers::Compression::None => plain,
        layers::Compression::Gzip => {
            let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            writer.write_all(&plain).unwrap();
            writer.finish().unwrap()
        }
        layers::Compression::Zstd => zstd::encode_all(plain.as_slice(), 1).unwrap(),
    };
    (blob, digest)
}

fn serve_layers(fake: &FakeRegistry, blobs: &[Blob], diff_ids: &[Digest]) {
    let ids: Vec<String> = diff_ids.iter().map(|id| format!("\"{id}\"")).collect();
    let config = format!(r#"{{"rootfs":{{"type":"layers","diff_ids":[{}]}}}}"#, ids.join(","));
    put_blob(fake, config.as_bytes());
    blobs.iter().for_each(|(_, blob)| put_blob(fake, blob));
    fake.put("/v2/app/manifests/v1", OCI_MANIFEST, &manifest_of(OCI_CONFIG, config.as_bytes(), blobs, ""));
}

#[test]
fn layers_are_unpacked_while_they_come() {
    use layers::Compression::{Gzip, None, Zstd};
    let (fake, scratch) = (FakeRegistry::start(), Scratch::new());
    let made = [("plain", None), ("gzip", Gzip), ("zstd", Zstd)].map(|(file, kind)| layer_of(file, kind));
    let kinds = [OCI_LAYER, OCI_LAYER_GZIP, OCI_LAYER_ZSTD];
    let blobs: Vec<Blob> = kinds.iter().zip(&made).map(|(kind, (blob, _))| (*kind, blob.as_slice())).collect();
    let diff_ids: Vec<Digest> = made.iter().map(|(_, diff_id)| *diff_id).collect();
    serve_layers(&fake, &blobs, &diff_ids);
    let name = format!("{}/app:v1", fake.host());
    let image = get(&scratch.engine, &name, Option::None).unwrap();
    assert_eq!(image.layers, diff_ids);
    for (file, diff_id) in ["plain", "gzip", "zstd"].iter().zip(&diff_ids) {
        assert!(layers::has(&scratch.engine, diff_id), "{file}");
    }
    // A layer that was lost is made again of its blob, and of the registry's if that has rotted.
    let before = fake.count("/blobs/");
    diff_ids.iter().for_each(|diff_id| forget(&scratch.engine, diff_id));
    get(&scratch.engine, &name, Option::None).unwrap();
    assert_eq!(fake.count("/blobs/"), before);
    forget(&scratch.engine, &diff_ids[1]);
    let rotten = blobs::path(&scratch.engine, &Digest::of(&made[1].0));
    fs::write_atomic(&rotten, &vec![0; made[1].0.len()], fs::Durability::Cached).unwrap();
    get(&scratch.engine, &name, Option::None).unwrap();
    assert_eq!(fake.count("/blobs/"), before + 1);
    assert_eq!(blobs::read(&scratch.engine, &Digest::of(&made[1].0), 1 << 20).unwrap(), made[1].0);
}

#[test]
fn a_layer_with_another_diff_id_leaves_nothing_behind() {
    let (fake, scratch) = (FakeRegistry::start(), Scratch::new());
    let (good, other) = (layer_of("good", layers::Compression::Gzip), layer_of("other", layers::Compression::Gzip));
    let blobs: [Blob; 2] = [(OCI_LAYER_GZIP, &good.0), (OCI_LAYER_GZIP, &other.0)];
    serve_layers(&fake, &blobs, &[good.1, Digest::of(b"a lie")]);
    let error = get(&scratch.engine, &format!("{}/app:v1", fake.host()), None).unwrap_err();
    assert!(line(&error).contains(&Digest::of(b"a lie").to_string()), "{}", line(&error));
    assert_untouched(&scratch.engine);
    assert!(!layers::has(&scratch.engine, &Digest::of(b"a lie")) && !layers::has(&scratch.engine, &other.1));
    // A blob that is cut off leaves no layer either.
    let (fake, scratch) = (FakeRegistry::start(), Scratch::new());
    serve_layers(&fake, &blobs, &[good.1, other.1]);
    fake.fail(&Digest::of(&other.0).hex(), 100, Answer { cut_after: Some(20), ..Answer::ok(other.0.clone()) });
    get(&scratch.engine, &format!("{}/app:v1", fake.host()), None).unwrap_err();
    assert_untouched(&scratch.engine);
    assert!(!layers::has(&scratch.engine, &other.1));
}

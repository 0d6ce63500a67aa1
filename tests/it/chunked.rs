//! Layers with a table of contents: of a new version only what is new is fetched, and a wrong table does no harm.

use crate::support::artifact::{self, Artifact, Blob};
use crate::support::chunked::{Form, Layer, image};
use crate::support::evil_tar::{self, Entry};
use crate::support::fake_registry::{Answer, FakeRegistry};
use crate::support::registry::Door;
use crate::support::{Run, Sandbox, until};
use nix::sys::signal::Signal;
use serde_json::json;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

const INSECURE: &str = "--tls-verify=false";
const FORMS: [Form; 2] = [Form::ZstdChunked, Form::Estargz];
const FILES: u32 = 40;
const FILE_BYTES: usize = 100_000;
/// What else comes: manifests, a configuration, tables, the headers around a file that has changed.
const OTHER_BYTES: u64 = 60_000;

/// A store that has the first version of an image whose second version is in the registry.
struct Scene {
    sandbox: Sandbox,
    fake: FakeRegistry,
    old: Blob,
    new: Blob,
    new_hex: String,
}

impl Scene {
    fn new(form: Form) -> Self {
        Self::of(&Layer::new(form, &files(&[])), &Layer::new(form, &files(&[20])))
    }

    fn of(old: &Layer, new: &Layer) -> Self {
        let (sandbox, fake) = (Sandbox::new(), FakeRegistry::start());
        let (old, new) = (serve(&fake, "v1", old), serve(&fake, "v2", new));
        let new_hex = new.hex();
        let scene = Self { sandbox, fake, old, new, new_hex };
        assert_eq!(scene.pull("v1").code, 0);
        scene
    }

    /// Serves another layer as that of the second version.
    fn serve_new(&mut self, layer: &Layer) {
        self.new = serve(&self.fake, "v2", layer);
        self.new_hex = self.new.hex();
    }

    fn name(&self, tag: &str) -> String {
        format!("{}/app:{tag}", self.fake.host())
    }

    fn pull(&self, tag: &str) -> Run {
        self.sandbox.coracle(&["pull", "-q", INSECURE, &self.name(tag)])
    }

    /// Pulls the second version and says how many bytes came, and for what of its layer was asked.
    fn pull_new(&self) -> (u64, Vec<Option<String>>) {
        let before = self.fake.bytes_sent();
        let run = self.pull("v2");
        assert_eq!(run.code, 0, "{run}");
        self.assert_new();
        (self.fake.bytes_sent() - before, self.asked())
    }

    fn asked(&self) -> Vec<Option<String>> {
        let requests = self.fake.requests().into_iter().filter(|request| request.target.ends_with(&self.new_hex));
        requests.map(|request| request.header("range").map(str::to_owned)).collect()
    }

    /// The second version is here as it is in the registry.
    fn assert_new(&self) {
        let stored = std::fs::read(self.stored(&self.new_hex)).expect("the blob is stored");
        assert!(stored == self.new.bytes, "other bytes are stored");
        assert_eq!(self.sandbox.ok(&["run", "--rm", "--pull=never", &self.name("v2")]), "changed");
        let command = ["run", "--rm", "--pull=never", &self.name("v2"), "sha256sum", "/data/20", "/data/21"];
        let sums = self.sandbox.ok(&command);
        let expected = [content(20, true), content(21, false)].map(|content| Blob::new("", content).hex());
        assert!(expected.iter().all(|sum| sums.contains(sum)), "{sums}");
    }

    fn stored(&self, hex: &str) -> PathBuf {
        self.sandbox.data.join("coracle/images/blobs/sha256").join(hex)
    }

    fn part_bytes(&self) -> u64 {
        let part = self.sandbox.data.join("coracle/images/partial").join(&self.new_hex);
        part.metadata().map_or(0, |status| status.len())
    }

    fn size(&self) -> u64 {
        self.new.bytes.len() as u64
    }
}

/// Gives the layer's blob.
fn serve(fake: &FakeRegistry, tag: &str, layer: &Layer) -> Blob {
    let (mut blobs, manifest) = image(layer);
    for blob in &blobs {
        fake.put(&format!("/v2/app/blobs/{}", blob.digest()), "application/octet-stream", &blob.bytes);
    }
    fake.put(&format!("/v2/app/manifests/{tag}"), &manifest.media_type, &manifest.bytes);
    blobs.pop().expect("the layer comes last")
}

/// The files of the image, of which these have changed.
fn files(changed: &[u32]) -> Vec<Entry> {
    let marker = if changed.is_empty() { "original" } else { "changed" };
    let mut files = vec![Entry::file("marker", marker), Entry::dir("data/")];
    for number in 0..FILES {
        files.push(Entry::file(format!("data/{number}"), content(number, changed.contains(&number))));
    }
    files
}

fn content(number: u32, changed: bool) -> Vec<u8> {
    artifact::noise_bytes(u64::from(number) << 1 | u64::from(changed), FILE_BYTES)
}

#[test]
fn of_a_new_version_only_what_has_changed_is_fetched() {
    for form in FORMS {
        let scene = Scene::new(form);
        let (sent, asked) = scene.pull_new();
        assert!(sent > FILE_BYTES as u64 && sent < FILE_BYTES as u64 + OTHER_BYTES, "{form:?}: {sent} bytes");
        assert!(asked.iter().all(Option::is_some), "{form:?}: {asked:?}");
        // The control: where nothing is, all of it comes in one piece.
        let fresh = Scene { sandbox: Sandbox::new(), ..scene };
        let (sent, asked) = fresh.pull_new();
        assert!(sent > fresh.size() && asked.last() == Some(&None), "{form:?}: {sent} bytes, {asked:?}");
    }
}

#[test]
fn files_of_the_same_registry_are_not_fetched_again_and_it_learns_nothing_of_others() {
    for form in FORMS {
        let scene = Scene::new(form);
        let rename = |from: &str, to: &str| {
            scene.sandbox.ok(&["tag", from, to]);
            scene.sandbox.ok(&["rmi", from]);
        };
        rename(&scene.name("v1"), "elsewhere.example/app:v1");
        let (sent, asked) = scene.pull_new();
        assert!(sent > scene.size() && asked.last() == Some(&None), "{form:?}: {sent} bytes, {asked:?}");
        scene.sandbox.ok(&["rmi", "-f", &scene.name("v2")]);
        rename("elsewhere.example/app:v1", &format!("{}/other:v1", scene.fake.host()));
        let (sent, _) = scene.pull_new();
        assert!(sent > FILE_BYTES as u64 && sent < FILE_BYTES as u64 + OTHER_BYTES, "{form:?}: {sent} bytes");
    }
}

#[test]
fn files_are_found_again_wherever_they_lie() {
    for form in FORMS {
        let mut scene = Scene::new(form);
        // In another order, and of another time: their headers are new.
        let mut moved = files(&[20]);
        moved[2..].reverse();
        moved.iter_mut().for_each(|file| file.mtime += 1);
        scene.serve_new(&Layer::new(form, &moved));
        let (sent, asked) = scene.pull_new();
        // The frames of eStargz end with the next header.
        let expected = if form == Form::ZstdChunked { 0 } else { 40 * (FILE_BYTES as u64 - (64 << 10)) };
        assert!(sent < FILE_BYTES as u64 + OTHER_BYTES + expected, "{form:?}: {sent} bytes for {asked:?}");
    }
}

#[test]
fn a_table_that_lies_costs_a_second_download() {
    for form in FORMS {
        let (old, mut new) = (Layer::new(form, &files(&[])), Layer::new(form, &files(&[20])));
        let is_it = |entry: &serde_json::Value| entry["name"] == json!("data/20");
        let entries = new.table["entries"].as_array().expect("it has entries");
        let at = entries.iter().position(is_it).expect("it has the file");
        // What has changed is said to be as it was, so that the old bytes are taken for it.
        for entry in at..at + 2 {
            new.table["entries"][entry]["chunkDigest"] = old.table["entries"][entry]["chunkDigest"].clone();
        }
        let scene = Scene::of(&old, &new);
        let (sent, asked) = scene.pull_new();
        assert!(sent > scene.size(), "{form:?}: {sent} bytes");
        assert!(asked.len() > 1 && asked.last() == Some(&None), "{form:?}: {asked:?}");
    }
}

#[test]
fn tables_that_are_none_are_left_alone() {
    for form in FORMS {
        let entry = |offset: u64| json!({"type": "reg", "name": "a", "offset": offset, "chunkDigest": "x"});
        let tables = [
            json!({"version": 2, "entries": []}),
            json!({"version": 1, "entries": [entry(100), entry(50)]}),
            json!({"version": 1, "entries": [entry(u64::MAX)]}),
            json!({"version": 1, "entries": "none"}),
            json!({"version": 1, "entries": [], "more": " ".repeat(70 << 20)}),
        ];
        let positions =
            ["0:0:0:1", "18446744073709551615:2:2:1", "ffffffffffffffff", "0000000000000000", "no position"];
        let truth = Layer::new(form, &files(&[20]));
        let falsified = tables.into_iter().map(|table| Layer { table, ..truth.clone() });
        let misplaced = positions.map(|position| Layer { position: Some(position.to_owned()), ..truth.clone() });
        let mut scene = Scene::new(form);
        for (number, layer) in falsified.chain(misplaced).enumerate() {
            scene.serve_new(&layer);
            let before = scene.asked().len();
            let (sent, asked) = scene.pull_new();
            assert!(sent > 40 * FILE_BYTES as u64, "{form:?} {number}: {sent} bytes");
            assert_eq!(asked[before..].last(), Some(&None), "{form:?} {number}");
            scene.sandbox.ok(&["rmi", &scene.name("v2")]);
        }
    }
}

#[test]
fn a_registry_without_ranges_sends_all_of_it() {
    for status in [200, 416, 500] {
        let scene = Scene::new(Form::ZstdChunked);
        let (blob, target) = (scene.new.clone(), scene.new_hex.clone());
        scene.fake.rule(move |request| match request.header("range") {
            Some(_) if request.target.ends_with(&target) && status == 200 => Some(Answer::ok(blob.bytes.clone())),
            Some(_) if request.target.ends_with(&target) => Some(Answer::status(status)),
            _ => None,
        });
        let (_, asked) = scene.pull_new();
        assert_eq!(asked.last(), Some(&None), "{status}: {asked:?}");
    }
}

#[test]
fn what_has_rotted_on_disk_is_not_taken_over() {
    let scene = Scene::new(Form::ZstdChunked);
    let old = scene.stored(&scene.old.hex());
    let mut bytes = std::fs::read(&old).expect("the old blob is here");
    let middle = bytes.len() / 4;
    bytes[middle] ^= 1;
    std::fs::write(&old, &bytes).expect("damage it");
    let (sent, asked) = scene.pull_new();
    assert!(sent > scene.size() && asked.last() == Some(&None), "{sent} bytes, {asked:?}");
}

#[test]
fn a_pull_that_was_killed_goes_on_with_what_it_has() {
    let scene = Scene::new(Form::ZstdChunked);
    // The changed file comes in two halves, with a long pause between.
    let (blob, hex) = (scene.new.clone(), scene.new_hex.clone());
    let half = FILE_BYTES / 2;
    let tail = blob.bytes.len() - 20_000;
    let was_asked = AtomicBool::new(false);
    scene.fake.rule(move |request| {
        let (first, last) = request.range().filter(|_| request.target.ends_with(&hex))?;
        let last = last?;
        let is_file = first > 100_000 && first < tail && last - first > half;
        let part = Answer::part(&blob.bytes, first, last, blob.bytes.len());
        (is_file && !was_asked.swap(true, Ordering::Relaxed))
            .then_some(Answer { drip: Some((half, Duration::from_secs(600))), ..part })
    });
    let pull = scene.sandbox.spawn(&["pull", "-q", INSECURE, &scene.name("v2")]);
    let before_it = 20 * FILE_BYTES as u64;
    until("half of the file is there", || scene.part_bytes() > before_it + half as u64);
    pull.signal(Signal::SIGKILL);
    pull.finish();
    let part = scene.part_bytes();
    let (sent, asked) = scene.pull_new();
    assert!(sent < half as u64 + OTHER_BYTES, "{sent} bytes for {asked:?}");
    assert!(
        asked
            .last()
            .is_some_and(|last| last.as_ref().is_some_and(|last| last.starts_with(&format!("bytes={part}-"))))
    );
}

#[test]
fn a_layer_that_is_pushed_with_a_table_is_pulled_by_it() {
    let sandbox = Sandbox::new();
    let Some(registry) = crate::pull::registry(&sandbox, Door::default()) else { return };
    let client = Sandbox::new();
    for (tag, changed) in [("v1", &[][..]), ("v2", &[20])] {
        let name = format!("{}/made:{tag}", registry.host());
        let archive = sandbox.data.join("made.tar");
        let image = Artifact::new(&[artifact::busybox(), evil_tar::archive(&files(changed))]);
        std::fs::create_dir_all(&sandbox.data).expect("make the directory");
        std::fs::write(&archive, image.docker_archive(&name)).expect("write the archive");
        sandbox.ok(&["load", "-i", archive.to_str().expect("a path made here is text")]);
        sandbox.ok(&["push", "-q", INSECURE, "--compression-format=zstd:chunked", &name]);
        let manifest: serde_json::Value =
            serde_json::from_slice(&registry.tagged("made", tag)).expect("the manifest is JSON");
        let annotations = &manifest["layers"][1]["annotations"];
        assert!(annotations["io.github.containers.zstd-chunked.tarsplit-position"].is_string(), "{manifest}");

        client.ok(&["pull", "-q", INSECURE, &name]);
        let expected = if changed.is_empty() { "original" } else { "changed" };
        assert_eq!(client.ok(&["run", "--rm", "--pull=never", &name]), expected);
    }
}

//! `artifact`: files under a name, here and in a registry.

use crate::support::artifact::{Artifact, Blob};
use crate::support::registry::{Door, Registry};
use crate::support::witness::{assert_staging_empties, refusal};
use crate::support::{Sandbox, names_in};
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::time::Duration;

const TITLE: &str = "org.opencontainers.image.title";

fn with_files() -> Sandbox {
    let sandbox = Sandbox::new();
    std::fs::write(sandbox.home.join("a.txt"), "hello\n").expect("write a file");
    std::fs::write(sandbox.home.join("b.bin"), b"\x00\x01binary").expect("write a file");
    sandbox
}

fn inspect(sandbox: &Sandbox, name: &str) -> Value {
    serde_json::from_str(&sandbox.ok(&["artifact", "inspect", name])).expect("it is JSON")
}

fn sorted(directory: &Path) -> Vec<String> {
    let mut names = names_in(directory);
    names.sort();
    names
}

fn blobs(sandbox: &Sandbox) -> PathBuf {
    sandbox.data.join("coracle/artifacts/images/blobs/sha256")
}

#[test]
fn files_go_into_an_artifact_and_out_of_it() {
    let sandbox = with_files();
    let add = ["artifact", "add", "--type", "application/x.test", "--annotation", "k=v", "quay.io/a/b:1", "a.txt"];
    let digest = sandbox.ok(&add);
    sandbox.fails(
        125,
        &["quay.io/a/b:1", "there already", "--append"],
        &["artifact", "add", "quay.io/a/b:1", "b.bin"],
    );
    sandbox.fails(125, &["no artifact", "quay.io/a/c:1"], &["artifact", "add", "--append", "quay.io/a/c:1", "b.bin"]);
    sandbox.ok(&["artifact", "add", "--append", "--file-type", "x/y", "quay.io/a/b:1", "b.bin"]);
    sandbox.fails(125, &["a.txt", "of this name"], &["artifact", "add", "--append", "quay.io/a/b:1", "a.txt"]);
    let shown = inspect(&sandbox, "quay.io/a/b:1");
    assert_ne!(shown["Digest"].as_str().map(|digest| digest[7..].to_owned()), Some(digest.trim().to_owned()));
    let manifest = &shown["Manifest"];
    assert_eq!(
        (&manifest["artifactType"], &manifest["annotations"]["k"]),
        (&json!("application/x.test"), &json!("v"))
    );
    let layers = manifest["layers"].as_array().expect("layers");
    let of = |number: usize| (&layers[number]["mediaType"], &layers[number]["annotations"]);
    assert_eq!(of(0), (&json!("text/plain; charset=utf-8"), &json!({ TITLE: "a.txt", "k": "v" })));
    assert_eq!(of(1), (&json!("x/y"), &json!({ TITLE: "b.bin" })));

    sandbox.fails(125, &["2 files", "not a directory"], &["artifact", "extract", "quay.io/a/b:1", "out"]);
    sandbox.ok(&["artifact", "extract", "--title", "a.txt", "quay.io/a/b:1", "out"]);
    assert_eq!(std::fs::read(sandbox.home.join("out")).expect("read it"), b"hello\n");
    let digest = layers[1]["digest"].as_str().expect("a digest");
    std::fs::create_dir(sandbox.home.join("directory")).expect("make a directory");
    sandbox.ok(&["artifact", "extract", "--digest", digest, "quay.io/a/b:1", "directory"]);
    assert_eq!(sorted(&sandbox.home.join("directory")), ["b.bin"]);
    sandbox.ok(&["artifact", "extract", "quay.io/a/b:1", "directory"]);
    assert_eq!(sorted(&sandbox.home.join("directory")), ["a.txt", "b.bin"]);
    let packed = sandbox.ok(&["artifact", "extract", "quay.io/a/b:1", "-"]);
    let mut archive = tar::Archive::new(packed.as_bytes());
    let names = archive.entries().expect("an archive").map(|entry| {
        let entry = entry.expect("an entry");
        (entry.path().expect("a path").to_path_buf(), entry.size())
    });
    assert_eq!(names.collect::<Vec<_>>(), [(PathBuf::from("a.txt"), 6), (PathBuf::from("b.bin"), 8)]);
    sandbox.fails(125, &["no file with the title"], &["artifact", "extract", "--title", "x", "quay.io/a/b:1", "out"]);

    // It is an image to nobody, even under the same name, and no prune takes it.
    assert_eq!(sandbox.ok(&["images", "-q"]), "");
    sandbox.fails(125, &["quay.io/a/b:1"], &["run", "--pull=never", "quay.io/a/b:1", "true"]);
    sandbox.ok(&["system", "prune", "--all", "--force"]);
    assert_eq!(sandbox.ok(&["system", "check"]), "The store is whole\n");
    let list = sandbox.ok(&["artifact", "ls", "--format", "{{.Repository}} {{.Tag}} {{.VirtualSize}}"]);
    assert_eq!(list, "quay.io/a/b 1 14\n");

    sandbox.ok(&["artifact", "add", "--replace", "quay.io/a/b:1", "b.bin"]);
    assert_eq!(sandbox.ok(&["artifact", "ls", "-n"]).lines().count(), 1);
    assert_eq!(sorted(&blobs(&sandbox)).len(), 3, "the file, its manifest and the empty configuration");
    sandbox.ok(&["artifact", "rm", "quay.io/a/b:1"]);
    sandbox.fails(125, &["no artifact quay.io/a/b:1"], &["artifact", "rm", "quay.io/a/b:1"]);
    assert_eq!(sandbox.ok(&["artifact", "rm", "--ignore", "quay.io/a/b:1"]), "");
    assert_eq!(sorted(&blobs(&sandbox)), [""; 0]);
    assert_staging_empties(&sandbox);
}

#[test]
fn an_artifact_goes_to_a_registry_and_comes_back_the_same() {
    let sandbox = with_files();
    let Some(registry) = Registry::start(&sandbox.home.join("registry"), Door { tls: false, password: true }) else {
        return;
    };
    let name = format!("{}/team/files:1", registry.host());
    let creds = format!("{}:{}", crate::support::registry::USER, crate::support::registry::PASSWORD);
    let options = ["--tls-verify=false", "--creds", &creds];
    // A media type of layers makes no layer of a file.
    let kind = "application/vnd.oci.image.layer.v1.tar";
    let digest = sandbox.ok(&["artifact", "add", "--file-type", kind, &name, "a.txt", "b.bin"]);
    let anonymous = sandbox.coracle(&["artifact", "push", "--tls-verify=false", &name]);
    assert!(refusal(&anonymous).contains("401"), "{anonymous}");
    sandbox.ok(&[&["artifact", "push", "--digestfile", "digest"], &options[..], &[&name]].concat());
    let pushed = std::fs::read_to_string(sandbox.home.join("digest")).expect("read the digest");
    assert_eq!(pushed, format!("sha256:{}", digest.trim()));
    assert!(registry.stored(&pushed).is_some(), "its manifest is there");
    let before = inspect(&sandbox, &name);
    assert_eq!(sandbox.ok(&["artifact", "rm", "--all"]), digest);
    assert_eq!(sandbox.ok(&["artifact", "ls", "-n"]), "");
    assert_eq!(sandbox.ok(&[&["artifact", "pull"], &options[..], &[&name]].concat()), digest);
    assert_eq!(inspect(&sandbox, &name), before);
    std::fs::create_dir(sandbox.home.join("out")).expect("make a directory");
    sandbox.ok(&["artifact", "extract", &name, "out"]);
    assert_eq!(std::fs::read(sandbox.home.join("out/b.bin")).expect("read it"), b"\x00\x01binary");
    // What is pulled over it takes its place.
    sandbox.ok(&["artifact", "add", "--replace", &name, "a.txt"]);
    sandbox.ok(&[&["artifact", "pull"], &options[..], &[&name]].concat());
    assert_eq!(sandbox.ok(&["artifact", "ls", "-n"]).lines().count(), 1);
    // An image is none.
    registry.put("team/image", Some("1"), &Artifact::saying("x"));
    let image = format!("{}/team/image:1", registry.host());
    let run = sandbox.coracle(&[&["artifact", "pull"], &options[..], &[&image]].concat());
    assert!(refusal(&run).contains("it is an image"), "{run}");
    sandbox.fails(125, &["names no registry"], &["artifact", "pull", "localhost/x"]);
    assert_staging_empties(&sandbox);
}

#[test]
fn c20_a_title_leads_nowhere_but_into_the_directory() {
    let sandbox = Sandbox::new();
    let Some(registry) = Registry::start(&sandbox.home.join("registry"), Door::default()) else { return };
    let directory = sandbox.home.join("in/directory");
    std::fs::create_dir_all(&directory).expect("make a directory");
    std::fs::write(sandbox.home.join("victim"), "mine").expect("write a file");
    let absolute = sandbox.home.join("absolute").display().to_string();
    let long = "x".repeat(300);
    let titles = ["../up", "..", ".", "/", "a/b", &absolute, &long, "fine", "link"];
    for (number, title) in titles.into_iter().enumerate() {
        let file = Blob::new("text/plain", format!("attack {number}"));
        let empty = Blob::new("application/vnd.oci.empty.v1+json", "{}");
        let mut layer = file.descriptor();
        layer["annotations"] = json!({ TITLE: title });
        let manifest = json!({
            "schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "artifactType": "x/y", "config": empty.descriptor(), "layers": [layer],
        });
        registry.put_blob("evil", &file);
        registry.put_blob("evil", &empty);
        let manifest = Blob::new("application/vnd.oci.image.manifest.v1+json", manifest.to_string());
        registry.put_manifest("evil", Some(&number.to_string()), &manifest);
        let name = format!("{}/evil:{number}", registry.host());
        sandbox.ok(&["artifact", "pull", "--tls-verify=false", &name]);
        let link = directory.join("link");
        let _ = std::fs::remove_file(&link);
        std::os::unix::fs::symlink("../../victim", &link).expect("make a link");
        let extract = |target: &str| sandbox.coracle(&["artifact", "extract", &name, target]);
        let (into, packed) = (extract("in/directory"), extract("-"));
        if ["fine", "link"].contains(&title) {
            // The control, and the link is replaced instead of followed.
            assert_eq!(into.code, 0, "{into}");
            let there = std::fs::read(directory.join(title)).expect("read it");
            assert_eq!(there, format!("attack {number}").as_bytes());
            assert!(!directory.join(title).is_symlink());
        } else {
            assert!(refusal(&into).contains("is not the name of a file"), "{title}: {into}");
            assert!(refusal(&packed).contains("is not the name of a file"), "{title}: {packed}");
            assert_eq!(extract("chosen").code, 0, "{title}");
        }
    }
    assert_eq!(std::fs::read(sandbox.home.join("victim")).expect("read it"), b"mine");
    assert_eq!(sorted(&directory), ["fine", "link"]);
    assert_eq!(sorted(&sandbox.home.join("in")), ["directory"]);
    assert!(!sandbox.home.join("absolute").exists());
}

#[test]
fn an_add_that_is_killed_leaves_a_whole_artifact_or_none() {
    let sandbox = with_files();
    let noise: Vec<u8> =
        (0..8_000_000_u32).flat_map(|number| (number.wrapping_mul(2_654_435_761)).to_le_bytes()).collect();
    std::fs::write(sandbox.home.join("large"), noise).expect("write a file");
    sandbox.ok(&["artifact", "add", "keep", "a.txt"]);
    for round in 0..20 {
        let running = sandbox.spawn(&["artifact", "add", "--replace", "large", "large"]);
        // The moment is what is tried here, and every one is right.
        std::thread::sleep(Duration::from_millis(10) * round);
        // It may have ended by now.
        if let Ok(process) = pidfd_open(Pid::from_raw(running.pid()).expect("a pid"), PidfdFlags::empty()) {
            let _ = pidfd_send_signal(&process, Signal::KILL);
        }
        running.finish();
        if sandbox.ok(&["artifact", "ls", "-n"]).contains("localhost/large") {
            sandbox.ok(&["artifact", "extract", "large", "out"]);
        }
        let found = sandbox.coracle(&["system", "check", "--repair"]);
        assert_eq!(found.code, 0, "round {round}: {found}");
        assert_eq!(sandbox.ok(&["system", "check"]), "The store is whole\n", "round {round}");
    }
    sandbox.ok(&["artifact", "extract", "keep", "out"]);
    assert_eq!(std::fs::read(sandbox.home.join("out")).expect("read it"), b"hello\n");
}

#[test]
fn a_missing_blob_is_found_and_files_that_change_are_checked() {
    let sandbox = with_files();
    sandbox.ok(&["artifact", "add", "one", "a.txt"]);
    let digest =
        inspect(&sandbox, "one")["Manifest"]["layers"][0]["digest"].as_str().expect("a digest")[7..].to_owned();
    let blob = blobs(&sandbox).join(&digest);
    std::fs::write(&blob, "hellO\n").expect("damage it");
    sandbox.fails(125, &["damaged"], &["artifact", "extract", "one", "out"]);
    assert!(!sandbox.home.join("out").exists());
    std::fs::remove_file(&blob).expect("remove it");
    let found = sandbox.coracle(&["system", "check"]);
    assert_eq!(found.code, 125);
    assert!(
        found.stdout.contains(&format!("artifact localhost/one:latest: blob sha256:{digest} is missing")),
        "{found}"
    );
    sandbox.ok(&["artifact", "rm", "one"]);
    assert_eq!(sandbox.ok(&["system", "check"]), "The store is whole\n");
}

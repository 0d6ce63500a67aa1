//! `save`: what is written can be loaded again, with the same digests, and is what other tools expect.

use crate::support::artifact::{Artifact, Dialect, Packing, busybox, digest, file, write_directory};
use crate::support::evil_tar;
use crate::support::witness::{assert_same, assert_staging_empties, listing, refusal, store};
use crate::support::{Run, Running, Sandbox, names_in};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};

/// Loads an image under a name and gives the path that it is saved to.
fn with_image(sandbox: &Sandbox, image: &Artifact, name: &str) -> PathBuf {
    let archive = sandbox.home.join("source.tar");
    std::fs::write(&archive, evil_tar::archive(&image.layout(name))).expect("write an archive");
    sandbox.ok(&["load", "--quiet", "--input", text(&archive)]);
    sandbox.home.join("saved")
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a path made here is ASCII")
}

/// The members of an archive by name, read by another program's library.
fn members(archive: &[u8]) -> BTreeMap<String, Vec<u8>> {
    let mut members = BTreeMap::new();
    for entry in tar::Archive::new(archive).entries().expect("it is an archive") {
        let mut entry = entry.expect("read an entry");
        let name = entry.path().expect("it has a name").display().to_string();
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).expect("read a member");
        assert!(members.insert(name.clone(), bytes).is_none(), "{name} is in it twice");
    }
    members
}

fn parse(bytes: &[u8]) -> Value {
    serde_json::from_slice(bytes).expect("it is JSON")
}

fn digest_of_manifest(sandbox: &Sandbox, name: &str) -> String {
    sandbox.ok(&["image", "inspect", "--format", "{{.Digest}} {{.Id}}", name])
}

/// Loads what was saved into a store of its own, where it must run, and gives its digests.
fn assert_runs_elsewhere(saved: &Path, name: &str, expected: &str) -> String {
    let other = Sandbox::new();
    let run = other.coracle(&["load", "--input", text(saved)]);
    assert_eq!(run.code, 0, "{run}");
    let image = match name {
        "" => run.stdout.trim().rsplit(' ').next().expect("it prints an id"),
        name => name,
    };
    assert_eq!(other.ok(&["run", "--rm", "--network", "none", image]), expected);
    digest_of_manifest(&other, image)
}

#[test]
fn what_is_saved_in_any_format_is_the_same_image_elsewhere() {
    let forms = [
        (Packing::Plain, Dialect::Docker),
        (Packing::Gzip, Dialect::Oci),
        (Packing::Gzip, Dialect::Docker),
        (Packing::Zstd, Dialect::Oci),
    ];
    for (packing, dialect) in forms {
        let sandbox = Sandbox::new();
        let words = format!("{packing:?} {dialect:?}");
        let image = Artifact::saying(&words).packed(packing).in_dialect(dialect);
        let saved = with_image(&sandbox, &image, "localhost/image:1");
        let here = digest_of_manifest(&sandbox, "image:1");
        for format in ["docker-archive", "oci-archive", "oci-dir", "docker-dir"] {
            println!("{words} {format}");
            let saved = saved.with_extension(format);
            sandbox.ok(&["save", "--format", format, "--output", text(&saved), "image:1"]);
            let name = if format == "docker-dir" { "" } else { "localhost/image:1" };
            let there = assert_runs_elsewhere(&saved, name, &words);
            match format.starts_with("oci") {
                true => assert_eq!(there, here),
                false => assert!(there.ends_with(&format!("{}\n", &image.id()[7..])), "{there}"),
            }
        }
        assert_staging_empties(&sandbox);
    }
}

#[test]
fn a_docker_archive_has_plain_layers_under_podmans_names() {
    let sandbox = Sandbox::new();
    let image = Artifact::saying("plain").packed(Packing::Gzip);
    let saved = with_image(&sandbox, &image, "localhost/image:1");
    sandbox.ok(&["save", "--output", text(&saved), "image:1"]);
    let in_file = std::fs::read(&saved).expect("read what was saved");
    let members = members(&in_file);
    let layers: Vec<String> = image.layers.iter().map(|layer| format!("{}.tar", &digest(layer)[7..])).collect();
    for (name, layer) in layers.iter().zip(&image.layers) {
        assert_eq!(&members[name], layer, "{name}");
    }
    let config = format!("{}.json", &image.id()[7..]);
    assert_eq!(members[&config], image.config_blob().bytes);
    let expected = json!([{"Config": config, "RepoTags": ["localhost/image:1"], "Layers": layers}]);
    assert_eq!(parse(&members["manifest.json"]), expected);
    assert_eq!(members.len(), 4);
    // Down a pipe come the same bytes.
    let output = sandbox.command(&["save", "image:1"]).output().expect("run save");
    assert!(output.status.success() && output.stdout == in_file);
    sandbox.ok(&["save", "--output", "/dev/null", "image:1"]);
    // A layer that an earlier version unpacked does not say how long its archive is.
    for layer in names_in(&sandbox.data.join("coracle/layers")) {
        let path = sandbox.data.join("coracle/layers").join(layer).join("info.json");
        let mut info = parse(&std::fs::read(&path).expect("read what is known of a layer"));
        assert!(info.as_object_mut().expect("an object").remove("archive_bytes").is_some());
        std::fs::write(&path, info.to_string()).expect("write it again");
    }
    sandbox.ok(&["save", "--output", text(&saved), "image:1"]);
    assert!(std::fs::read(&saved).expect("read what was saved") == in_file);
    assert_staging_empties(&sandbox);
}

#[test]
fn a_layout_has_the_blobs_as_they_came_and_takes_further_images() {
    let sandbox = Sandbox::new();
    let image = Artifact::saying("one").packed(Packing::Zstd);
    let saved = with_image(&sandbox, &image, "localhost/image:1");
    sandbox.ok(&["save", "--format", "oci-dir", "--output", text(&saved), "image:1"]);
    let directory = sandbox.home.join("expected");
    write_directory(&image.layout("localhost/image:1"), &directory);
    let names = |directory: &Path| {
        listing(&directory.join("blobs"))
            .into_iter()
            .map(|(path, facts)| {
                let content = facts.split(") ").nth(1).expect("facts have a content").to_owned();
                (path.strip_prefix(directory).expect("below").to_owned(), content)
            })
            .collect::<BTreeMap<_, _>>()
    };
    assert_eq!(names(&saved), names(&directory));
    let index = || parse(&std::fs::read(saved.join("index.json")).expect("read the index"))["manifests"].clone();
    let name = json!({"org.opencontainers.image.ref.name": "localhost/image:1"});
    assert_eq!(index()[0]["annotations"], name);
    // Another image, and a name that moves.
    with_image(&sandbox, &Artifact::saying("two"), "localhost/other:1");
    sandbox.ok(&["save", "--format", "oci-dir", "--output", text(&saved), "other:1"]);
    assert_eq!(index().as_array().map(Vec::len), Some(2));
    sandbox.ok(&["tag", "other:1", "image:1"]);
    sandbox.ok(&["save", "--format", "oci-dir", "--output", text(&saved), "image:1"]);
    assert_eq!(index().as_array().map(Vec::len), Some(2));
    assert_eq!(assert_runs_elsewhere(&saved, "localhost/image:1", "two"), digest_of_manifest(&sandbox, "other:1"));
}

#[test]
fn an_image_is_saved_under_the_names_that_are_given() {
    let sandbox = Sandbox::new();
    let saved = with_image(&sandbox, &Artifact::saying("one"), "localhost/image:1");
    with_image(&sandbox, &Artifact::saying("two"), "localhost/other:1");
    let id = sandbox.ok(&["images", "--quiet", "image:1"]);
    let names = |run: Run| {
        assert_eq!(run.code, 0, "{run}");
        let members = members(&std::fs::read(&saved).expect("read what was saved"));
        let items = parse(&members["manifest.json"]);
        items
            .as_array()
            .expect("a list")
            .iter()
            .map(|item| item["RepoTags"].to_string())
            .collect::<Vec<_>>()
            .join(" ")
    };
    let save = |more: &[&str]| names(sandbox.coracle(&[&["save", "-o", text(&saved)], more].concat()));
    assert_eq!(save(&["image:1"]), r#"["localhost/image:1"]"#);
    assert_eq!(save(&[id.trim()]), "[]");
    assert_eq!(
        save(&["image:1", "new", "quay.io/a/b:2"]),
        r#"["localhost/image:1","localhost/new:latest","quay.io/a/b:2"]"#
    );
    assert_eq!(save(&["-m", "image:1", "other:1", "image:1"]), r#"["localhost/image:1"] ["localhost/other:1"]"#);
    let run = sandbox.coracle(&["save", "-o", text(&saved), "image:1", "other:1"]);
    assert!(refusal(&run).contains("--multi-image-archive"), "{run}");
    // As docker: every argument is an image, and a name without a tag is all of its tags.
    sandbox.ok(&["tag", "other:1", "localhost/image:2"]);
    sandbox.docker(&["save", "-o", text(&saved), "localhost/image"]);
    let members = members(&std::fs::read(&saved).expect("read what was saved"));
    let tags: Vec<Value> = parse(&members["manifest.json"])
        .as_array()
        .expect("a list")
        .iter()
        .map(|it| it["RepoTags"].clone())
        .collect();
    assert_eq!(json!(tags), json!([["localhost/image:1"], ["localhost/image:2"]]));
    let index = parse(&members["index.json"]);
    assert_eq!(index["manifests"][1]["annotations"]["io.containerd.image.name"], "localhost/image:2");
    assert_eq!(index["manifests"][1]["annotations"]["org.opencontainers.image.ref.name"], "2");
    assert!(members.contains_key("oci-layout"));
    assert_runs_elsewhere(&saved, "localhost/image:2", "two");
}

#[test]
fn gzip_is_made_for_a_docker_directory_alone() {
    let sandbox = Sandbox::new();
    let saved = with_image(&sandbox, &Artifact::saying("gzip"), "localhost/image:1");
    sandbox.ok(&["save", "--format", "docker-dir", "--compress", "-o", text(&saved), "image:1"]);
    let manifest = parse(&std::fs::read(saved.join("manifest.json")).expect("read the manifest"));
    assert_eq!(manifest["mediaType"], "application/vnd.docker.distribution.manifest.v2+json");
    for layer in manifest["layers"].as_array().expect("a list") {
        assert_eq!(layer["mediaType"], "application/vnd.docker.image.rootfs.diff.tar.gzip");
        let hex = &layer["digest"].as_str().expect("a digest")[7..];
        assert!(std::fs::read(saved.join(hex)).expect("read a layer").starts_with(b"\x1f\x8b"));
    }
    assert_runs_elsewhere(&saved, "", "gzip");
    refusal(&sandbox.coracle(&["save", "--compress", "-o", text(&saved.with_extension("tar")), "image:1"]));
}

#[test]
fn what_cannot_be_saved_changes_nothing() {
    let sandbox = Sandbox::new();
    let image = Artifact::saying("good").packed(Packing::Gzip);
    let saved = with_image(&sandbox, &image, "localhost/image:1");
    let taken = sandbox.home.join("taken");
    std::fs::create_dir(&taken).expect("make a directory");
    std::fs::write(taken.join("letter"), "mine").expect("write into it");
    let before = listing(&sandbox.home);
    let (saved, taken) = (text(&saved), text(&taken));
    for (words, arguments) in [
        ("no image nothing", vec!["-o", saved, "nothing"]),
        ("there is no format", vec!["--format", "tar", "-o", saved, "image:1"]),
        ("name it with --output", vec!["--format", "oci-dir", "image:1"]),
        ("(letter)", vec!["--format", "oci-dir", "-o", taken, "image:1"]),
        ("(letter)", vec!["--format", "docker-dir", "-o", taken, "image:1"]),
        ("is a directory", vec!["-o", taken, "image:1"]),
        ("not for linux/s390x", vec!["--platform", "linux/s390x", "-o", saved, "image:1"]),
        ("one image", vec!["-m", "--format", "docker-dir", "-o", saved, "image:1", "other"]),
    ] {
        if words == "one image" {
            with_image(&sandbox, &Artifact::saying("other"), "localhost/other:latest");
            std::fs::remove_file(sandbox.home.join("source.tar")).expect("remove it");
        }
        let run = sandbox.coracle(&[&["save"], &arguments[..]].concat());
        assert!(refusal(&run).contains(words), "{words}: {run}");
        let now = listing(&sandbox.home);
        let is_same = |path: &Path| now.get(path) == before.get(path);
        assert!(before.keys().filter(|path| !path.ends_with("source.tar")).all(|path| is_same(path)), "{words}");
        assert!(!Path::new(saved).exists(), "{words}");
    }
    // A layer that has rotted on disk is noticed in every format, and what was there before stays.
    std::fs::write(saved, "before").expect("write a file");
    let blob = sandbox.data.join("coracle/images/blobs/sha256").join(image.layer_blobs()[0].hex());
    let mut bytes = std::fs::read(&blob).expect("read a blob");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&blob, bytes).expect("damage it");
    for format in ["docker-archive", "oci-archive"] {
        let run = sandbox.coracle(&["save", "--format", format, "-o", saved, "image:1"]);
        refusal(&run);
        assert_eq!(std::fs::read(saved).expect("read it"), b"before");
    }
    let directory = sandbox.home.join("directory");
    refusal(&sandbox.coracle(&["save", "--format", "oci-dir", "-o", text(&directory), "image:1"]));
    assert!(!directory.join("index.json").exists());
    assert_staging_empties(&sandbox);
}

#[test]
fn a_killed_save_leaves_no_file() {
    let sandbox = Sandbox::new();
    let noise = crate::support::artifact::noise("big", 24 << 20);
    let saved = with_image(&sandbox, &Artifact::new(&[busybox(), noise, file("marker", "big")]), "localhost/big:1");
    std::fs::remove_file(sandbox.home.join("source.tar")).expect("remove it");
    let (names, before) = (names_in(&sandbox.home), store(&sandbox));
    for _ in 0..2 {
        let running: Running = sandbox.spawn(&["save", "-o", text(&saved), "big:1"]);
        // It has opened its file, whose place is still empty.
        crate::support::until("it writes", || {
            let below = text(&sandbox.home).to_owned();
            names_in(Path::new(&format!("/proc/{}/fd", running.pid()))).iter().any(|number| {
                std::fs::read_link(format!("/proc/{}/fd/{number}", running.pid()))
                    .is_ok_and(|target| target.starts_with(&below) && target.to_string_lossy().contains("deleted"))
            }) || saved.exists()
        });
        running.signal(nix::sys::signal::Signal::SIGKILL);
        running.finish();
        if saved.exists() {
            assert_runs_elsewhere(&saved, "localhost/big:1", "big");
            std::fs::remove_file(&saved).expect("it was faster than the signal");
        }
        assert_eq!(names_in(&sandbox.home), names);
    }
    assert_same(&store(&sandbox), &before, "the store");
}

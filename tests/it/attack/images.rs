//! Families C of the catalogue: what an archive, a layer or a document of an image may try, by `load` and `import`.
//!
//! Every attack must leave three things as they were: a canary outside the store, the store, and the manners of a
//! refusal. That the archives are dangerous is shown by the unit tests of `store::unpack`, where a naive extractor
//! falls for them; here the whole way from the file to the container is walked.

use crate::support::artifact::{Artifact, Blob, busybox, digest, file, noise, write_directory};
use crate::support::evil_tar::{self, Entry, Magic};
use crate::support::witness::{
    Listing, Watched, assert_same, assert_staging_empties, listing, refusal, staged, store, with_little_memory,
};
use crate::support::{Run, Running, Sandbox};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::path::PathBuf;

/// A store with one good image in it, and the canary beside.
struct Scene {
    sandbox: Sandbox,
    watched: Watched,
    archive: PathBuf,
    before: Listing,
}

impl Scene {
    fn new() -> Self {
        let sandbox = Sandbox::new();
        let archive = sandbox.home.join("archive.tar");
        std::fs::write(&archive, Artifact::saying("good").docker_archive("localhost/good:1")).expect("write it");
        sandbox.ok(&["load", "--quiet", "--input", archive.to_str().expect("ASCII")]);
        let (watched, before) = (Watched::new(&sandbox), store(&sandbox));
        Self { sandbox, watched, archive, before }
    }

    fn load(&self, archive: &[u8]) -> Run {
        std::fs::write(&self.archive, archive).expect("write an archive");
        let archive = self.archive.to_str().expect("a path made here is ASCII");
        Running::start(with_little_memory(&self.sandbox.command(&["load", "--input", archive]))).finish()
    }

    /// Loads an archive that must be refused, and without a trace.
    fn refused(&self, archive: &[u8], attack: &str) -> String {
        let run = self.load(archive);
        let line = refusal(&run).to_owned();
        assert!(line.starts_with("coracle: load: "), "{attack}: {line}");
        self.watched.assert_untouched(&self.sandbox, &[&run], attack);
        assert_same(&store(&self.sandbox), &self.before, attack);
        assert_eq!(staged(&self.sandbox), Vec::<PathBuf>::new(), "{attack}");
        line
    }

    /// Loads an archive that may be accepted or refused; either way nothing outside changes.
    fn harmless(&self, archive: &[u8], attack: &str) -> bool {
        let run = self.load(archive);
        self.watched.assert_untouched(&self.sandbox, &[&run], attack);
        if run.code != 0 {
            refusal(&run);
            assert_same(&store(&self.sandbox), &self.before, attack);
            return false;
        }
        self.watched.assert_not_stored(&self.sandbox, attack);
        true
    }

    /// Removes the image that was accepted, with which everything of it must go.
    fn forget(&self, attack: &str) {
        self.sandbox.ok(&["rmi", "evil:1"]);
        self.watched.assert_untouched(&self.sandbox, &[], attack);
        assert_same(&store(&self.sandbox), &self.before, attack);
    }
}

/// One image of one layer.
fn image_of(layer: Vec<u8>) -> Vec<u8> {
    Artifact::new(&[layer]).docker_archive("localhost/evil:1")
}

#[test]
fn the_canary_notices_everything() {
    let scene = Scene::new();
    let path = |name: &str| scene.watched.canary.path.join(name);
    let touched = || {
        let check = || scene.watched.assert_untouched(&scene.sandbox, &[], "control");
        std::panic::catch_unwind(std::panic::AssertUnwindSafe(check)).is_err()
    };
    assert!(!touched());
    let owned = path("owned");
    std::fs::write(&owned, "x").expect("write a new file");
    assert!(touched());
    std::fs::remove_file(&owned).expect("remove it");
    let beside = scene.sandbox.home.join("owned");
    std::fs::write(&beside, "x").expect("write beside the canary");
    assert!(touched());
    std::fs::remove_file(&beside).expect("remove it");
    let mode = std::os::unix::fs::PermissionsExt::from_mode;
    std::fs::set_permissions(path("dir"), mode(0o777)).expect("change a mode");
    assert!(touched());
    std::fs::set_permissions(path("dir"), mode(0o751)).expect("change it back");
    std::fs::hard_link(path("secret"), scene.sandbox.data.join("stolen")).expect("make a link elsewhere");
    assert!(touched());
    let check = || scene.watched.assert_not_stored(&scene.sandbox, "control");
    assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(check)).is_err());
}

/// A quarter of the links, so that the quarters run beside each other.
fn no_link_leads_out(quarter: usize) {
    let scene = Scene::new();
    let attacks = evil_tar::attacks(&scene.watched.canary.path);
    assert!(attacks.len() >= 150, "{}", attacks.len());
    let mut accepted = 0;
    for attack in attacks.iter().skip(quarter).step_by(4) {
        if scene.harmless(&image_of(attack.bytes.clone()), &attack.name) {
            accepted += 1;
            scene.forget(&attack.name);
        }
    }
    // Links that stay inside are no attack any more once they are followed inside; some must have come that far.
    assert!(accepted > 5, "{accepted}");
}

#[test]
fn c01_c02_c04_no_link_leads_out_of_a_layer_1() {
    no_link_leads_out(0);
}

#[test]
fn c01_c02_c04_no_link_leads_out_of_a_layer_2() {
    no_link_leads_out(1);
}

#[test]
fn c01_c02_c04_no_link_leads_out_of_a_layer_3() {
    no_link_leads_out(2);
}

#[test]
fn c01_c02_c04_no_link_leads_out_of_a_layer_4() {
    no_link_leads_out(3);
}

#[test]
fn c01_no_link_leads_from_one_layer_through_another() {
    let scene = Scene::new();
    let canary = scene.watched.canary.path.to_str().expect("a path made here is ASCII");
    let evil = |path: &str| Entry::file(path, "evil").mode(0o4777);
    let second: [(&str, Vec<Entry>); 6] = [
        ("file", vec![evil("l/secret")]),
        ("new file", vec![evil("l/owned")]),
        ("directory", vec![Entry::dir("l/dir").mode(0o777)]),
        ("whiteout", vec![Entry::file("l/.wh.secret", "")]),
        ("opaque", vec![Entry::file("l/.wh..wh..opq", "")]),
        ("hard link", vec![Entry::hard_link("stolen", "l/secret"), evil("stolen")]),
    ];
    for (name, entries) in second {
        let first = evil_tar::archive(&[Entry::symlink("l", canary), Entry::symlink("m", "/")]);
        let image = Artifact::new(&[busybox(), first, evil_tar::archive(&entries)]);
        if !scene.harmless(&image.docker_archive("localhost/evil:1"), name) {
            continue;
        }
        // What the container sees under the names is its own.
        let script =
            "cat l/secret m/../../etc/shadow stolen 2>/dev/null; echo evil >l/secret; rm -rf l/* m/tmp; true";
        let run = scene.sandbox.coracle(&["run", "--rm", "--pull=never", "evil:1", "sh", "-c", script]);
        assert_eq!(run.code, 0, "{name}: {run}");
        scene.watched.assert_untouched(&scene.sandbox, &[&run], name);
        assert_staging_empties(&scene.sandbox);
        scene.forget(name);
    }
}

#[test]
fn c03_removal_follows_no_link() {
    let scene = Scene::new();
    let canary = scene.watched.canary.path.to_str().expect("a path made here is ASCII");
    let links = [Entry::symlink("a", canary), Entry::dir("b"), Entry::symlink("b/c", format!("{canary}/dir"))];
    for round in 0..3 {
        let layer = evil_tar::archive(&[&links[..], &[Entry::file("round", round.to_string())]].concat());
        let run = scene.load(&Artifact::new(&[busybox(), layer]).docker_archive("localhost/evil:1"));
        assert_eq!(run.code, 0, "{run}");
        scene.sandbox.ok(&["run", "--name", "swap", "evil:1", "sh", "-c", "rm a; ln -s / a; ln -s /bin d; true"]);
        scene.sandbox.ok(&["rm", "swap"]);
        scene.forget("removal");
    }
}

#[test]
fn c04_whiteouts_name_one_thing_below() {
    let scene = Scene::new();
    for name in [".wh.", ".wh..", ".wh...", "a/.wh...", "../.wh.canary", ".wh.a/b", ".wh.../../canary"] {
        let layer = evil_tar::archive(&[Entry::dir("a"), Entry::file(name, "")]);
        scene.refused(&image_of(layer), name);
    }
    // The control: an honest one hides what it names, and nothing else.
    let hide = evil_tar::archive(&[Entry::file("etc/.wh.passwd", ""), Entry::file("marker", "hidden")]);
    let run = scene.load(&Artifact::new(&[busybox(), hide]).docker_archive("localhost/honest:1"));
    assert_eq!(run.code, 0, "{run}");
    let script = "cat /marker; test ! -e /etc/passwd && test -e /etc/group && echo -n ' passwd'";
    assert_eq!(scene.sandbox.ok(&["run", "--rm", "honest:1", "sh", "-c", script]), "hidden passwd");
}

#[test]
fn c05_headers_that_contradict_each_other_smuggle_nothing_in() {
    let scene = Scene::new();
    let inner = evil_tar::archive(&[Entry::file("smuggled", "smuggled")]);
    let inner = &inner[..1024];
    let outer = |size: Option<&[u8]>, pax: Option<&str>| {
        let mut entry = Entry::file("outer", inner);
        entry.size_field = size.map(<[u8]>::to_vec);
        if let Some(size) = pax {
            entry = entry.pax("size", size);
        }
        evil_tar::archive(&[entry])
    };
    let bad_pax = [&evil_tar::extension(b'x', b"99 path=x\n")[..], &outer(None, None)].concat();
    let bad_long_name = [&evil_tar::extension(b'L', &[b'x'; 5000])[..], &outer(None, None)].concat();
    // PAX always wins: a size of zero there makes what follows the next entry, as every reader sees it.
    for (name, layer, entries) in [
        ("PAX size over a zero header", outer(Some(b"00000000000\0"), Some("1024")), Some("outer")),
        ("PAX zero over a true header", outer(None, Some("0")), Some("outer smuggled")),
        ("a size that is no number", outer(Some(b"0000000zzzz\0"), None), None),
        ("a negative size", outer(Some(&[0xff; 12]), None), None),
        ("a PAX size that is no number", outer(None, Some("0x400")), None),
        ("a PAX record of a wrong length", bad_pax, None),
        ("a name of 5000 bytes", bad_long_name, None),
    ] {
        let archive = Artifact::new(&[busybox(), layer]).docker_archive("localhost/evil:1");
        let Some(entries) = entries else {
            scene.refused(&archive, name);
            continue;
        };
        assert!(scene.harmless(&archive, name), "{name}");
        let found = scene.sandbox.ok(&["run", "--rm", "evil:1", "sh", "-c", "cd /; echo $(ls -d outer smuggled)"]);
        assert_eq!(found.trim(), entries, "{name}");
        assert_staging_empties(&scene.sandbox);
        scene.forget(name);
    }
}

#[test]
fn c06_headers_cannot_ask_for_memory() {
    let scene = Scene::new();
    let huge = |flag, size: &str| Entry::new(flag, "x").magic(Magic::Gnu).size_field(size).bytes();
    let sparse = |map: &[u8]| {
        evil_tar::archive(&[Entry::file("x", evil_tar::padded(map))
            .pax("GNU.sparse.major", "1")
            .pax("GNU.sparse.minor", "0")
            .pax("GNU.sparse.realsize", "1")])
    };
    let mut endless_map = Entry::new(b'S', "x").magic(Magic::Gnu).bytes();
    endless_map[482] = 1;
    for (name, layer) in [
        ("PAX of 4 GiB", huge(b'x', "40000000000")),
        ("global PAX of 4 GiB", huge(b'g', "40000000000")),
        ("long name of 1 GiB", huge(b'L', "10000000000")),
        ("sparse map of 10^9", sparse(b"1000000000\n")),
        ("endless sparse map", endless_map),
        ("attributes", evil_tar::archive(&[Entry::file("x", "").pax("SCHILY.xattr.user.a", [b'x'; 70_000])])),
        ("deep path", evil_tar::archive(&[Entry::file("a/".repeat(1500) + "x", "")])),
        ("PAX of 8 MiB", evil_tar::archive(&[Entry::file("x", "").pax("comment", vec![b'x'; 8 << 20])])),
    ] {
        let line = scene.refused(&image_of(layer.clone()), name);
        assert!(line.contains("unpack layer sha256:"), "{name}: {line}");
        // The same as the archive itself rather than as a layer in it.
        scene.refused(&layer, name);
    }
}

#[test]
fn c07_a_bomb_ends_early_and_leaves_nothing() {
    let scene = Scene::new();
    let zeros = vec![0; 64 << 20];
    let mut bomb = Vec::new();
    // As many members as make 6 GB.
    let member = crate::support::artifact::pack(&zeros, crate::support::artifact::Packing::Gzip);
    (0..100).for_each(|_| bomb.extend(&member));
    let mut image = Artifact::new(&[bomb]);
    image.config["rootfs"] = json!({"type": "layers", "diff_ids": [digest(b"")]});
    scene.refused(&image.docker_archive("localhost/evil:1"), "gzip bomb");
}

#[test]
fn c10_bytes_that_are_not_the_named_ones_become_no_layer() {
    let scene = Scene::new();
    let honest = Artifact::new(&[busybox(), file("marker", "honest")]);
    let other = file("marker", "forged");
    // A layer swapped behind the configuration's back, in each format.
    let mut swapped = honest.docker_members(&["localhost/evil:1"]);
    swapped.last_mut().expect("a layer is the last member").data.clone_from(&other);
    assert!(scene.refused(&evil_tar::archive(&swapped), "docker-archive").contains("sha256:"));
    let mut swapped = honest.layout("localhost/evil:1");
    let hex = honest.layer_blobs()[1].hex();
    for member in &mut swapped {
        if member.path.ends_with(hex.as_bytes()) {
            member.data.clone_from(&other);
        }
    }
    scene.refused(&evil_tar::archive(&swapped), "layout");
    let directory = scene.archive.with_file_name("archive.d");
    write_directory(&swapped, &directory);
    let run = scene.sandbox.coracle(&["load", "--input", directory.to_str().expect("a path made here is ASCII")]);
    refusal(&run);
    assert_same(&store(&scene.sandbox), &scene.before, "directory");
    std::fs::remove_dir_all(&directory).expect("remove the directory");

    // Diff ids that do not fit the layers.
    let ids: Vec<String> = honest.layers.iter().map(|layer| digest(layer)).collect();
    for (name, diff_ids) in [
        ("too few", json!([ids[0]])),
        ("too many", json!([ids[0], ids[1], ids[1]])),
        ("twice the same", json!([ids[0], ids[0]])),
        ("in another order", json!([ids[1], ids[0]])),
        ("none", json!([])),
        ("null", Value::Null),
    ] {
        let mut image = honest.clone();
        image.config["rootfs"] = json!({"type": "layers", "diff_ids": diff_ids});
        scene.refused(&image.docker_archive("localhost/evil:1"), name);
        scene.refused(&evil_tar::archive(&image.layout("localhost/evil:1")), name);
    }
    // A configuration under another's name.
    let mut members = honest.docker_members(&["localhost/evil:1"]);
    members[1].data = Artifact::saying("x").config_blob().bytes;
    scene.refused(&evil_tar::archive(&members), "configuration");
}

#[test]
fn c11_a_digest_is_never_a_path() {
    let scene = Scene::new();
    let image = Artifact::saying("digest");
    let good = image.layer_blobs()[0].digest();
    let traversal = format!("sha256:{}", "../".repeat(10) + "canary/secret");
    let bad = [
        "",
        "sha256",
        "sha256:",
        "sha256:..",
        "sha256:0",
        "md5:d41d8cd98f00b204e9800998ecf8427e",
        &traversal,
        &good.to_uppercase(),
        &good.replace("sha256", "SHA256"),
        &good.replace("sha256", "sha512"),
        &format!("{good}0"),
        &good[..good.len() - 1],
        &format!(" {good}"),
        &format!("{good}\n"),
        &format!("{good}/../x"),
        "/etc/passwd",
        &good.replace(':', "/"),
        &good.replace(':', "-"),
        &format!("sha256:{}", "g".repeat(64)),
    ];
    for text in bad {
        for place in ["manifest layer", "manifest config", "index", "diff id"] {
            let archive = with_digest(&image, place, text);
            scene.refused(&archive, &format!("{place} {text:?}"));
        }
    }
}

/// An OCI archive in which one digest is another text.
fn with_digest(image: &Artifact, place: &str, text: &str) -> Vec<u8> {
    let mut image = image.clone();
    if place == "diff id" {
        image.config["rootfs"] = json!({"type": "layers", "diff_ids": [text, text]});
    }
    let mut manifest = image.manifest();
    match place {
        "manifest layer" => manifest["layers"][0]["digest"] = text.into(),
        "manifest config" => manifest["config"]["digest"] = text.into(),
        _ => {}
    }
    archive_of(&image, &manifest.to_string(), |entry| {
        if place == "index" {
            entry["digest"] = text.into();
        }
    })
}

/// An OCI archive with this text as its manifest.
fn archive_of(image: &Artifact, manifest: &str, change: impl FnOnce(&mut Value)) -> Vec<u8> {
    let mut members = image.layout("localhost/evil:1");
    let blob = Blob::new(image.manifest_type(), manifest);
    let mut entry = blob.descriptor();
    entry["annotations"] = json!({"org.opencontainers.image.ref.name": "localhost/evil:1"});
    change(&mut entry);
    let index = json!({"schemaVersion": 2, "manifests": [entry]});
    members.retain(|member| member.path != b"index.json");
    members.push(Entry::file("index.json", index.to_string()));
    let path = format!("blobs/sha256/{}", blob.hex());
    members.retain(|member| member.path != path.as_bytes());
    members.push(Entry::file(path, blob.bytes));
    evil_tar::archive(&members)
}

#[test]
fn c12_a_document_is_one_thing_only() {
    let scene = Scene::new();
    let image = Artifact::saying("two things");
    let manifest = image.manifest();
    let with = |key: &str, value: Value| {
        let mut document = manifest.clone();
        document[key] = value;
        document.to_string()
    };
    let text = manifest.to_string();
    let twice = text.replacen("\"layers\"", "\"layers\":[],\"layers\"", 1);
    let index = "application/vnd.oci.image.index.v1+json";
    for (name, document) in [
        ("manifest and index", with("manifests", json!([]))),
        ("says it is an index", with("mediaType", index.into())),
        ("a key twice", twice),
        ("a key twice in other letters", text.replacen("\"layers\"", "\"Layers\":[],\"layers\"", 1)),
        ("first schema", with("schemaVersion", 1.into())),
        ("layers of an old image", with("fsLayers", json!([{"blobSum": digest(b"x")}]))),
    ] {
        let archive = archive_of(&image, &document, |_| {});
        // Keys of other letters are other keys, as in every reader but Go's; the image is then the one that is named.
        if name == "a key twice in other letters" || name == "layers of an old image" {
            if scene.harmless(&archive, name) {
                scene.forget(name);
            }
        } else {
            scene.refused(&archive, name);
        }
    }
    scene.refused(&archive_of(&image, &text, |entry| entry["mediaType"] = index.into()), "listed as an index");
}

#[test]
fn c13_documents_are_bounded() {
    let scene = Scene::new();
    let image = Artifact::saying("large");
    let padding = |bytes: usize| " ".repeat(bytes);
    let manifest = image.manifest().to_string();
    scene.refused(&archive_of(&image, &(manifest.clone() + &padding(5 << 20)), |_| {}), "manifest of 5 MiB");
    let depth = manifest.replacen('{', &format!("{{\"x\":{}{},", "[".repeat(100_000), "]".repeat(100_000)), 1);
    scene.refused(&archive_of(&image, &depth, |_| {}), "manifest of depth 100,000");
    let mut members = image.docker_members(&["localhost/evil:1"]);
    members[0].data.extend(padding(17 << 20).as_bytes());
    scene.refused(&evil_tar::archive(&members), "manifest.json of 17 MiB");
    let mut fat = image.clone();
    fat.config["history"] = json!([{"comment": padding(17 << 20)}]);
    scene.refused(&fat.docker_archive("localhost/evil:1"), "configuration of 17 MiB");
    let many: Vec<String> = (0..20_000).map(|number| format!("localhost/name:{number}")).collect();
    let names: Vec<&str> = many.iter().map(String::as_str).collect();
    scene.refused(&evil_tar::archive(&image.docker_members(&names)), "20,000 names");
    let mut members = image.layout("localhost/evil:1");
    members[1].data.extend(padding(5 << 20).as_bytes());
    scene.refused(&evil_tar::archive(&members), "index.json of 5 MiB");
}

#[test]
fn c14_fields_of_any_kind_are_an_error_or_an_image() {
    let scene = Scene::new();
    let image = Artifact::new(&[file("a", "b")]);
    let values = [
        Value::Null,
        json!(-1),
        json!(1e300),
        json!(""),
        json!([]),
        json!({}),
        json!([null]),
        json!("\u{0}\u{202e}"),
    ];
    let whole = image.manifest();
    let mut paths = vec!["/config", "/layers", "/layers/0", "/mediaType", "/schemaVersion", "/annotations"];
    paths.extend(["/config/digest", "/config/size", "/config/mediaType", "/layers/0/digest", "/layers/0/size"]);
    paths.extend(["/layers/0/mediaType", "/layers/0/urls"]);
    for path in paths {
        for value in &values {
            let mut document = whole.clone();
            put(&mut document, path, value.clone());
            let attack = format!("manifest {path} = {value}");
            if scene.harmless(&archive_of(&image, &document.to_string(), |_| {}), &attack) {
                scene.forget(&attack);
            }
        }
    }
}

#[test]
fn c14_configurations_of_any_kind_are_an_error_or_an_image() {
    let scene = Scene::new();
    let values = [Value::Null, json!(-1), json!("\u{0}\n"), json!([]), json!([null, 1]), json!({"a": null})];
    let settings =
        ["User", "Env", "Cmd", "Entrypoint", "WorkingDir", "Volumes", "Labels", "ExposedPorts", "StopSignal"];
    let mut paths: Vec<String> = settings.iter().map(|name| format!("/config/{name}")).collect();
    paths.extend(["/config", "/rootfs", "/history", "/os", "/architecture", "/created"].map(str::to_owned));
    for path in paths {
        for value in &values {
            let mut image = Artifact::new(&[busybox()]);
            put(&mut image.config, &path, value.clone());
            let attack = format!("configuration {path} = {value}");
            let run = scene.load(&image.docker_archive("localhost/evil:1"));
            if run.code != 0 {
                refusal(&run);
                assert_same(&store(&scene.sandbox), &scene.before, &attack);
                continue;
            }
            // What was let in must also run, or be refused like anything else.
            let run = scene.sandbox.coracle(&["run", "--rm", "--pull=never", "evil:1", "/bin/true"]);
            if run.code != 0 {
                assert!(run.code >= 125 && run.stderr.lines().count() == 1, "{attack}: {run}");
                assert!(!run.stderr.contains("panicked"), "{attack}: {run}");
            }
            scene.watched.assert_untouched(&scene.sandbox, &[&run], &attack);
            assert_staging_empties(&scene.sandbox);
            scene.forget(&attack);
        }
    }
}

/// Sets what a JSON pointer names, whether it is there or not.
fn put(document: &mut Value, pointer: &str, value: Value) {
    let (parent, key) = pointer.rsplit_once('/').expect("a pointer has a slash");
    match document.pointer_mut(parent).expect("the parent is there") {
        Value::Array(items) => items[key.parse::<usize>().expect("an index")] = value,
        parent => parent[key] = value,
    }
}

#[test]
fn c17_attributes_of_overlay_and_of_the_system_are_dropped() {
    let scene = Scene::new();
    let mut directory = Entry::dir("d");
    for name in ["user.overlay.opaque", "user.overlay.redirect", "user.overlay.metacopy", "trusted.overlay.opaque"] {
        directory = directory.pax(&format!("SCHILY.xattr.{name}"), "y");
    }
    for name in ["system.posix_acl_access", "security.selinux", "security.ima", "trusted.x"] {
        directory = directory.pax(&format!("SCHILY.xattr.{name}"), "x");
    }
    let below = evil_tar::archive(&[Entry::dir("d"), Entry::file("d/below", "seen")]);
    let above = evil_tar::archive(&[directory.pax("SCHILY.xattr.user.kept", "yes")]);
    let run = scene.load(&Artifact::new(&[busybox(), below, above]).docker_archive("localhost/evil:1"));
    assert_eq!(run.code, 0, "{run}");
    // An opaque directory would hide this.
    assert_eq!(scene.sandbox.ok(&["run", "--rm", "evil:1", "cat", "/d/below"]), "seen");
    let all = listing(&scene.sandbox.data.join("coracle/layers"));
    let directories = all.iter().filter(|(path, _)| path.ends_with("fs/d"));
    let attributes: Vec<&String> = directories.map(|(_, facts)| facts).collect();
    let kept: Vec<u8> = b"user.kept\0".to_vec();
    assert!(attributes.iter().any(|facts| facts.ends_with(&format!(" {kept:?}"))), "{attributes:?}");
    assert!(
        attributes.iter().all(|facts| facts.ends_with(" []") || facts.ends_with(&format!(" {kept:?}"))),
        "{attributes:?}"
    );
}

#[test]
fn c18_the_store_is_closed_whatever_the_umask() {
    let scene = Scene::new();
    let archive = scene.archive.to_str().expect("a path made here is ASCII");
    let script = format!("umask 000; exec {} load --input {archive}", crate::support::binary().display());
    std::fs::write(archive, Artifact::saying("open").docker_archive("localhost/open:1")).expect("write an archive");
    let engine = scene.sandbox.command(&[]);
    let mut command = std::process::Command::new("sh");
    command.args(["-c", &script]).env_clear().stdin(std::process::Stdio::null());
    for (name, value) in engine.get_envs() {
        command.env(name, value.unwrap_or_default());
    }
    let run = Running::start(command).finish();
    assert_eq!(run.code, 0, "{run}");
    for (path, _) in store(&scene.sandbox) {
        // What is in a layer has the modes of the image, behind a door that is closed.
        if !path.components().any(|part| ["fs", "links", "tree"].iter().any(|inner| part.as_os_str() == *inner)) {
            let status = path.symlink_metadata().expect("the status of a file in the store");
            assert_eq!(std::os::unix::fs::MetadataExt::mode(&status) & 0o077, 0, "{}", path.display());
        }
    }
}

#[test]
fn c19_an_archive_names_members_and_nothing_else() {
    let scene = Scene::new();
    let image = Artifact::saying("names");
    let secret = scene.watched.canary.path.join("secret");
    let secret = secret.to_str().expect("a path made here is ASCII");
    let climbing = format!("{}{secret}", "../".repeat(20));
    for name in [secret, &climbing, "/proc/self/environ", "manifest.json/../../x"] {
        for key in ["Config", "Layers"] {
            let mut members = image.docker_members(&["localhost/evil:1"]);
            let mut manifest: Value = serde_json::from_slice(&members[0].data).expect("it is JSON");
            match key {
                "Config" => manifest[0]["Config"] = name.into(),
                _ => manifest[0]["Layers"][0] = name.into(),
            }
            members[0].data = manifest.to_string().into_bytes();
            scene.refused(&evil_tar::archive(&members), &format!("{key} {name}"));
        }
        // A link in the archive to a file outside of it.
        let mut members = image.docker_members(&["localhost/evil:1"]);
        let path = members[2].path.clone();
        members[2] = Entry::symlink(path, name);
        scene.refused(&evil_tar::archive(&members), &format!("link to {name}"));
    }
    // In a directory the link is a real one.
    let directory = scene.archive.with_file_name("layout");
    write_directory(&image.layout("localhost/evil:1"), &directory);
    let blob = directory.join("blobs/sha256").join(image.config_blob().hex());
    for target in [secret, climbing.as_str(), "/proc/self/environ"] {
        std::fs::remove_file(&blob).expect("remove a blob");
        std::os::unix::fs::symlink(target, &blob).expect("put a link in its place");
        let run = scene.sandbox.coracle(&["load", "--input", directory.to_str().expect("ASCII")]);
        refusal(&run);
        assert_same(&store(&scene.sandbox), &scene.before, target);
    }
    std::fs::remove_dir_all(&directory).expect("remove the directory");
    scene.watched.assert_untouched(&scene.sandbox, &[], "directory");
}

/// An archive may give one image many names, and no more than the engine says; whoever imports gives the name alone.
#[test]
fn c19_an_archive_names_an_image_so_often_and_no_more() {
    let scene = Scene::new();
    let image = Artifact::saying("names");
    let named = |count: usize| {
        let names: Vec<String> = (0..count).map(|number| format!("localhost/many:{number}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        evil_tar::archive(&image.docker_members(&names))
    };
    for (count, said) in [(501, "500 names of one image"), (10_001, "10000 names")] {
        let line = scene.refused(&named(count), "many names");
        assert!(line.contains(said), "{line}");
    }
    // An archive of an image is imported as files like any others, whatever names it brings.
    std::fs::write(&scene.archive, named(10_001)).expect("write an archive");
    scene.sandbox.ok(&["import", scene.archive.to_str().expect("ASCII"), "localhost/mine:1"]);
    let count = |name: &str| {
        let listed = scene.sandbox.ok(&["images", "--noheading", "--format={{.Repository}}:{{.Tag}}"]);
        listed.lines().filter(|line| line.starts_with(name)).count()
    };
    assert_eq!((count("localhost/mine:"), count("localhost/many:")), (1, 0));
    scene.sandbox.ok(&["rmi", "localhost/mine:1"]);
    // The control: one less is taken, all of it, and goes away again.
    assert!(scene.harmless(&named(500), "500 names"));
    assert_eq!(count("localhost/many:"), 500);
    scene.sandbox.ok(&["rmi", "localhost/many:1"]);
    assert_eq!(count("localhost/many:"), 499);
    // Many archives in turn fill the list of images, which stays one that can be read.
    let file = scene.sandbox.data.join("coracle/images/index.json");
    let mut index: Value = serde_json::from_slice(&std::fs::read(&file).expect("read")).expect("it is JSON");
    index["annotations"] = json!({"room": "x".repeat((16 << 20) - index.to_string().len() - 100)});
    std::fs::write(&file, index.to_string()).expect("write");
    let full = scene.load(&named(500));
    assert!(refusal(&full).contains("would become longer than 16 MiB"), "{full}");
    assert_eq!(count("localhost/many:"), 499);
    scene.sandbox.ok(&["rmi", "--all", "--force"]);
    assert_eq!(count("localhost/"), 0);
}

/// A template of `images` sees all the names of an image in each of its lines, and costs no memory for each pair.
#[test]
fn c19_an_image_of_many_names_is_listed_in_little_memory() {
    let scene = Scene::new();
    let image = Artifact::saying("names");
    for part in 0..3 {
        let names: Vec<String> = (0..500).map(|number| format!("localhost/many{part}:{number}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        std::fs::write(&scene.archive, evil_tar::archive(&image.docker_members(&names))).expect("write an archive");
        scene.sandbox.ok(&["load", "--quiet", "--input", scene.archive.to_str().expect("ASCII")]);
    }
    for format in ["--format={{.Repository}}:{{.Tag}}", "--format=table {{.Repository}}:{{.Tag}} {{len .Names}}"] {
        let command = with_little_memory(&scene.sandbox.command(&["images", "--noheading", format]));
        let run = Running::start(command).finish();
        let lines: BTreeSet<&str> = run.stdout.lines().filter(|line| line.starts_with("localhost/many")).collect();
        assert_eq!((run.code, lines.len()), (0, 1500), "{run}");
        assert!(!format.contains("len") || lines.iter().all(|line| line.ends_with(" 1500")), "{run}");
    }
}

#[test]
fn c21_an_image_of_ten_thousand_layers_is_refused() {
    let scene = Scene::new();
    let mut image = Artifact::new(&[]);
    let layer = digest(&busybox());
    image.config["rootfs"] = json!({"type": "layers", "diff_ids": vec![layer.clone(); 10_000]});
    let mut manifest = image.manifest();
    let descriptor = Artifact::new(&[busybox()]).layer_blobs()[0].descriptor();
    manifest["layers"] = vec![descriptor; 10_000].into();
    scene.refused(&archive_of(&image, &manifest.to_string(), |_| {}), "10,000 layers");
}

#[test]
fn import_takes_no_way_out_either() {
    let scene = Scene::new();
    for attack in evil_tar::attacks(&scene.watched.canary.path).iter().step_by(12) {
        std::fs::write(&scene.archive, &attack.bytes).expect("write an archive");
        let run = scene.sandbox.coracle(&["import", scene.archive.to_str().expect("ASCII"), "evil"]);
        scene.watched.assert_untouched(&scene.sandbox, &[&run], &attack.name);
        if run.code != 0 {
            refusal(&run);
        }
    }
    std::fs::write(&scene.archive, noise("x", 1 << 20)).expect("write an archive");
    scene.sandbox.ok(&["import", scene.archive.to_str().expect("ASCII"), "evil"]);
    scene.watched.assert_not_stored(&scene.sandbox, "import");
}

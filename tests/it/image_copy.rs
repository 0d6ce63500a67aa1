//! `image copy`: every place that an image can be read from and written to, and `pull` from the same places.

use crate::pull::serve;
use crate::support::Sandbox;
use crate::support::artifact::{Artifact, Packing, file, noise, write_directory};
use crate::support::fake_registry::{Answer, FakeRegistry};
use crate::support::registry::{Door, Registry};
use crate::support::witness::{assert_staging_empties, refusal};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

fn digest(sandbox: &Sandbox, name: &str) -> String {
    sandbox.ok(&["image", "inspect", "--format", "{{.Digest}}", name])
}

#[test]
fn an_image_goes_from_place_to_place_and_stays_the_same() {
    let sandbox = Sandbox::new();
    let Some(registry) = Registry::start(&sandbox.home.join("registry"), Door::default()) else { return };
    let image = Artifact::saying("copied").packed(Packing::Zstd);
    registry.put("team/app", Some("1"), &image);
    let remote = format!("docker://{}/team/app:1", registry.host());
    let places = [
        &remote,
        "oci:layout:one",
        "dir:directory",
        "oci-archive:archive.tar:two",
        "containers-storage:localhost/here:3",
        "oci:layout:four",
        "dir:other",
    ];
    for pair in places.windows(2) {
        let printed = sandbox.ok(&["image", "copy", "--tls-verify=false", pair[0], pair[1]]);
        let is_store = pair[1].starts_with("containers-storage:");
        assert_eq!(printed, if is_store { format!("{}\n", &image.id()[7..]) } else { String::new() }, "{pair:?}");
    }
    let manifest = std::fs::read(sandbox.home.join("other/manifest.json")).expect("read the manifest");
    assert_eq!(manifest, image.manifest_blob().bytes);
    assert_eq!(digest(&sandbox, "here:3").trim(), image.manifest_blob().digest());
    assert_eq!(sandbox.ok(&["run", "--rm", "--network", "none", "localhost/here:3"]), "copied");
    // The formats of docker have no such manifest, but the same configuration.
    sandbox.ok(&["image", "copy", &remote, "docker-archive:docker.tar:quay.io/a/b:5", "--tls-verify=false"]);
    sandbox.ok(&["image", "copy", "docker-archive:docker.tar", "containers-storage:plain"]);
    let id = sandbox.ok(&["image", "inspect", "--format", "{{.Id}}", "localhost/plain"]);
    assert_eq!(id.trim(), &image.id()[7..]);
    assert_staging_empties(&sandbox);
}

#[test]
fn an_image_goes_to_a_registry_from_everywhere() {
    let sandbox = Sandbox::new();
    let Some(registry) = Registry::start(&sandbox.home.join("registry"), Door::default()) else { return };
    let image = Artifact::saying("sent").packed(Packing::Zstd);
    let own = image.manifest_blob();
    registry.put("team/app", Some("1"), &image);
    let remote = |name: &str| format!("docker://{}/{name}", registry.host());
    let copy = |source: &str, target: &str| {
        let file = sandbox.home.join("digest");
        let options = ["image", "copy", "--tls-verify=false", "--digestfile", file.to_str().unwrap()];
        sandbox.ok(&[&options[..], &[source, target]].concat());
        std::fs::read_to_string(&file).expect("read the digest")
    };
    let sources =
        ["oci:layout:one", "dir:directory", "oci-archive:archive.tar:two", "containers-storage:localhost/here:3"];
    assert_eq!(copy(&remote("team/app:1"), &remote("other/app:2")), own.digest());
    assert_eq!(registry.tagged("other/app", "2"), own.bytes);
    for (number, source) in sources.iter().enumerate() {
        assert_eq!(copy(&remote("team/app:1"), source), own.digest(), "{source}");
        let name = format!("from/number{number}");
        assert_eq!(copy(source, &remote(&name)), own.digest(), "{source}");
        assert_eq!(registry.tagged(&name, "latest"), own.bytes);
    }
    // An empty registry gets every blob from the file.
    let Some(empty) = Registry::start(&sandbox.home.join("empty"), Door::default()) else { return };
    copy("oci-archive:archive.tar", &format!("docker://{}/app", empty.host()));
    for blob in image.layer_blobs().iter().chain([&image.config_blob(), &own]) {
        assert_eq!(empty.stored(&blob.digest()), Some(blob.bytes.clone()));
    }
    // Docker's archives have no manifest to keep; what comes of them is compressed.
    copy(&remote("team/app:1"), "docker-archive:docker.tar:a/b:5");
    let digest = copy("docker-archive:docker.tar", &format!("docker://{}/plain:1", empty.host()));
    let manifest: serde_json::Value =
        serde_json::from_slice(&empty.stored(&digest).expect("the manifest is there")).expect("it is JSON");
    assert_eq!(manifest["config"]["digest"], image.id());
    assert!(manifest["layers"][0]["mediaType"].as_str().unwrap().ends_with("+gzip"));
    let plain = format!("{}/plain:1", empty.host());
    assert_eq!(sandbox.ok(&["run", "--rm", "--network=none", "--tls-verify=false", &plain]), "sent");
    // What is damaged does not arrive, and neither does a name for it.
    let layer = image.layer_blobs()[0].hex();
    let path = sandbox.home.join("layout/blobs/sha256").join(layer);
    let mut bytes = std::fs::read(&path).expect("read the layer");
    bytes[100] ^= 1;
    std::fs::write(&path, bytes).expect("damage the layer");
    let Some(third) = Registry::start(&sandbox.home.join("third"), Door::default()) else { return };
    let target = format!("docker://{}/bad:1", third.host());
    let damaged = sandbox.coracle(&["image", "copy", "--tls-verify=false", "oci:layout:one", &target]);
    assert!(refusal(&damaged).contains("blob sha256:"), "{damaged}");
    assert_eq!(third.tags("bad"), Vec::<String>::new());
    assert_staging_empties(&sandbox);
}

#[test]
fn credentials_are_for_one_registry_and_names_for_any() {
    let sandbox = Sandbox::new();
    let other = format!("docker://127.0.0.1:1/x@sha256:{}", "0".repeat(64));
    for (arguments, words) in [
        (["--creds=me:secret", "docker://one.example/x", "docker://two.example/x"], "for one.example or for two"),
        (["--quiet", "docker://one.example/x", "docker://localhost/x"], "names no registry"),
        (["--tls-verify=false", "oci:layout", "docker://127.0.0.1:1/x"], "connection refused"),
        (["--tls-verify=false", "oci:layout", &other], "manifest has the digest"),
    ] {
        write_directory(&Artifact::saying("here").layout("here"), &sandbox.home.join("layout"));
        let run = sandbox.coracle(&[&["image", "copy"], &arguments[..]].concat());
        assert!(refusal(&run).to_lowercase().contains(words), "{arguments:?}: {run}");
        assert!(!run.stderr.contains("secret"));
    }
}

#[test]
fn push_writes_files_too() {
    let sandbox = Sandbox::new();
    let image = Artifact::saying("filed").packed(Packing::Gzip);
    write_directory(&image.layout("localhost/app:1"), &sandbox.home.join("source"));
    sandbox.ok(&["load", "-q", "-i", "source"]);
    for (target, name) in [
        ("oci:layout:name", "oci:layout:name"),
        ("oci-archive:archive.tar", "oci-archive:archive.tar"),
        ("dir:directory", "dir:directory"),
    ] {
        sandbox.ok(&["push", "--digestfile", "digest", "app:1", target]);
        assert_eq!(std::fs::read_to_string(sandbox.home.join("digest")).unwrap(), image.manifest_blob().digest());
        let other = Sandbox::new();
        let place = name.replacen(':', &format!(":{}/", sandbox.home.display()), 1);
        assert_eq!(other.ok(&["pull", "-q", &place]), format!("{}\n", &image.id()[7..]));
    }
    sandbox.ok(&["push", "--digestfile", "digest", "app:1", "docker-archive:docker.tar:quay.io/a/b:5"]);
    assert!(std::fs::read_to_string(sandbox.home.join("digest")).unwrap().starts_with("sha256:"));
    sandbox.ok(&["rmi", "app:1"]);
    assert_eq!(sandbox.ok(&["pull", "-q", "docker-archive:docker.tar"]), format!("{}\n", &image.id()[7..]));
    assert_eq!(sandbox.ok(&["run", "--rm", "--network=none", "quay.io/a/b:5"]), "filed");
    for (arguments, words) in [
        (["--all", "oci:new"], "--all is for registries"),
        (["--compression-format=zstd", "oci:new"], "--compression-format is for registries"),
        (["--format=oci", "dir:new"], "--format is for registries"),
        (["--platform=linux/s390x", "oci:new"], "linux/s390x"),
        (["--quiet", "containers-storage:new"], "not pushed to where it is"),
        (["--quiet", "docker-daemon:new"], "docker-daemon is not supported"),
    ] {
        let run = sandbox.coracle(&["push", arguments[0], "quay.io/a/b:5", arguments[1]]);
        assert!(refusal(&run).contains(words), "{arguments:?}: {run}");
        assert!(!sandbox.home.join("new").exists());
    }
}

#[test]
fn images_are_pulled_from_files_by_their_names() {
    let sandbox = Sandbox::new();
    let (one, two) = (Artifact::saying("one"), Artifact::saying("two"));
    let mut layout = one.layout("one");
    let other = two.layout("two");
    let document = |members: &[crate::support::evil_tar::Entry]| {
        let index = members.iter().find(|member| member.path == b"index.json").expect("a layout has an index");
        serde_json::from_slice::<serde_json::Value>(&index.data).expect("it is JSON")
    };
    let mut index = document(&layout);
    index["manifests"].as_array_mut().expect("a list").push(document(&other)["manifests"][0].clone());
    layout.retain(|member| member.path != b"index.json");
    layout.extend(other.into_iter().filter(|member| member.path.starts_with(b"blobs")));
    layout.push(crate::support::evil_tar::Entry::file("index.json", index.to_string()));
    write_directory(&layout, &sandbox.home.join("layout"));
    let pull = |place: &str| sandbox.ok(&["pull", place]);
    assert_eq!(pull("oci:layout:two"), format!("{}\n", &two.id()[7..]));
    assert_eq!(sandbox.ok(&["images", "--format", "{{.Repository}}:{{.Tag}}"]), "localhost/two:latest\n");
    sandbox.ok(&["save", "-m", "-o", "both.tar", "two"]);
    sandbox.ok(&["image", "copy", "oci:layout:one", "containers-storage:one"]);
    sandbox.ok(&["save", "-m", "-o", "both.tar", "two", "one"]);
    sandbox.ok(&["image", "copy", "containers-storage:one", "dir:directory"]);
    sandbox.ok(&["rmi", "--all", "--force"]);
    assert_eq!(pull("docker-archive:both.tar:localhost/one"), format!("{}\n", &one.id()[7..]));
    assert_eq!(sandbox.ok(&["images", "--format", "{{.Repository}}:{{.Tag}}"]), "localhost/one:latest\n");
    assert_eq!(pull("docker-archive:both.tar:@0"), format!("{}\n", &two.id()[7..]));
    assert_eq!(pull("dir:directory"), format!("{}\n", &one.id()[7..]));
    assert_eq!(pull("containers-storage:two"), format!("{}\n", &two.id()[7..]));
    for (place, words) in [
        ("docker-archive:both.tar:three", "no image three"),
        ("docker-archive:both.tar:@2", "no image @2"),
        ("oci:layout:three", "no image three"),
        ("dir:layout/blobs", "neither an index.json nor a manifest.json"),
        ("docker-daemon:one", "transport docker-daemon is not supported"),
    ] {
        let run = sandbox.coracle(&["pull", place]);
        assert!(refusal(&run).contains(words), "{place}: {run}");
    }
    for (arguments, words) in [
        (["oci:layout", "dir:new"], "2 images"),
        (["one", "dir:new"], "\"one\" has no transport"),
        (["oci:layout:one", "new"], "\"new\" has no transport"),
        (["oci:layout:one", "dir:layout"], "other files"),
        (["oci:layout:one", "oci:directory:x"], "other files"),
        (["containers-storage:three", "dir:new"], "no image three"),
    ] {
        let run = sandbox.coracle(&[&["image", "copy"], &arguments[..]].concat());
        assert!(refusal(&run).contains(words), "{arguments:?}: {run}");
        assert!(!sandbox.home.join("new").exists());
    }
}

#[test]
fn layers_come_into_the_store_several_at_a_time() {
    let (sandbox, fake) = (Sandbox::new(), FakeRegistry::start());
    let image = Artifact::saying("together");
    let blobs = serve(&fake, "app", "1", &image);
    let (first, second) = (blobs[0].hex(), blobs[1].hex());
    // The first is not to be had before somebody wants the second too.
    let is_wanted = AtomicBool::new(false);
    fake.rule(move |request| {
        is_wanted.fetch_or(request.target.ends_with(&second), Ordering::Relaxed);
        let is_early = request.target.ends_with(&first) && !is_wanted.load(Ordering::Relaxed);
        is_early.then(|| Answer::status(503))
    });
    let patience = ["--tls-verify=false", "--retry=8", "--retry-delay=50ms"];
    let source = format!("docker://{}/app:1", fake.host());
    sandbox.ok(&[&["image", "copy", "-q"], &patience[..], &[&source, "containers-storage:here"]].concat());
    assert_eq!(sandbox.ok(&["run", "--rm", "--network", "none", "localhost/here"]), "together");
}

#[test]
fn a_layer_that_fails_ends_those_that_are_on_their_way() {
    let (sandbox, fake) = (Sandbox::new(), FakeRegistry::start());
    let image = Artifact::new(&[file("a", "a"), noise("b", 1 << 20)]);
    let blobs = serve(&fake, "app", "1", &image);
    let (first, second) = (blobs[0].clone(), blobs[1].clone());
    let is_coming = AtomicBool::new(false);
    fake.rule(move |request| {
        if request.target.ends_with(&second.hex()) {
            is_coming.store(true, Ordering::Relaxed);
            // It would take most of an hour.
            let slow = Some((64, Duration::from_millis(200)));
            return Some(Answer { drip: slow, ..Answer::ok(second.bytes.clone()) });
        }
        let is_first = request.target.ends_with(&first.hex());
        match is_coming.load(Ordering::Relaxed) {
            true => is_first.then(|| Answer::ok(vec![b'x'; first.bytes.len()])),
            false => is_first.then(|| Answer::status(503)),
        }
    });
    let patience = ["--tls-verify=false", "--retry=8", "--retry-delay=50ms"];
    let source = format!("docker://{}/app:1", fake.host());
    let run =
        sandbox.coracle(&[&["image", "copy", "-q"], &patience[..], &[&source, "containers-storage:x"]].concat());
    assert!(refusal(&run).contains("its bytes"), "{run}");
    assert_eq!(sandbox.ok(&["images", "-q"]), "");
    assert_staging_empties(&sandbox);
}

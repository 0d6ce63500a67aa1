//! `image copy`: every place that an image can be read from and written to, and `pull` from the same places.

use crate::support::Sandbox;
use crate::support::artifact::{Artifact, Packing, write_directory};
use crate::support::registry::{Door, Registry};
use crate::support::witness::{assert_staging_empties, refusal};

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

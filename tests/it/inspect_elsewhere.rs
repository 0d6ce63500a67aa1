//! `image inspect` of images that are not here: nothing of them but small documents is fetched, and nothing is stored.

use crate::support::Sandbox;
use crate::support::artifact::{Artifact, Packing, index};
use crate::support::registry::{Door, PASSWORD, Registry, USER};
use crate::support::witness::refusal;
use serde_json::Value;

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

#[test]
fn an_image_in_a_registry_is_shown_without_its_layers() {
    let sandbox = Sandbox::new();
    let Some(registry) = Registry::start(&sandbox.home.join("registry"), Door { tls: false, password: true }) else {
        return;
    };
    let image = Artifact::saying("seen").packed(Packing::Zstd);
    for tag in ["1", "2"] {
        registry.put("team/app", Some(tag), &image);
    }
    let remote = format!("docker://{}/team/app:1", registry.host());
    let creds = format!("{USER}:{PASSWORD}");
    let inspect = |options: &[&str], place: &str| {
        sandbox.ok(&[&["image", "inspect", "--tls-verify=false", "--creds", &creds], options, &[place]].concat())
    };
    let anonymous = sandbox.coracle(&["image", "inspect", "--tls-verify=false", &remote]);
    assert!(refusal(&anonymous).contains("401"), "{anonymous}");
    let (own, layers) = (image.manifest_blob(), image.layer_blobs());
    let shown = json(&inspect(&[], &remote));
    assert_eq!(shown["Name"], format!("{}/team/app", registry.host()));
    assert_eq!(shown["Digest"], own.digest());
    let mut tags: Vec<_> = shown["RepoTags"].as_array().expect("tags").clone();
    tags.sort_by_key(ToString::to_string);
    assert_eq!(tags, ["1", "2"]);
    assert_eq!(shown["Os"], "linux");
    assert_eq!(shown["Layers"][0], layers[0].digest());
    assert_eq!(shown["LayersData"][0]["Size"], layers[0].bytes.len());
    assert_eq!(json(&inspect(&["--no-tags"], &remote))["RepoTags"], serde_json::json!([]));
    assert_eq!(inspect(&["--raw"], &remote).as_bytes(), own.bytes);
    assert_eq!(inspect(&["--raw", "--config"], &remote).as_bytes(), image.config_blob().bytes);
    assert_eq!(json(&inspect(&["--config"], &remote)), json(&String::from_utf8_lossy(&image.config_blob().bytes)));
    assert_eq!(inspect(&["-f", "{{.Os}} {{.Digest}}"], &remote), format!("linux {}\n", own.digest()));

    // Of an index the image for this machine is shown, under the digest of the index.
    let list = index(&[&image]);
    registry.put_manifest("team/app", Some("all"), &list);
    let remote = format!("docker://{}/team/app:all", registry.host());
    let shown = json(&inspect(&[], &remote));
    assert_eq!((&shown["Digest"], &shown["Layers"][0]), (&list.digest().into(), &layers[0].digest().into()));
    assert_eq!(inspect(&["--raw"], &remote).as_bytes(), list.bytes);
    assert_eq!(sandbox.ok(&["images", "-q"]), "");
}

#[test]
fn an_image_in_files_is_shown_too() {
    let sandbox = Sandbox::new();
    let image = Artifact::saying("seen");
    let archive = sandbox.home.join("image.tar");
    std::fs::write(&archive, image.docker_archive("quay.io/a/b:1")).expect("write the archive");
    sandbox.ok(&["image", "copy", "docker-archive:image.tar", "oci:layout:one"]);
    sandbox.ok(&["image", "copy", "oci:layout:one", "dir:directory"]);
    sandbox.ok(&["image", "copy", "oci:layout:one", "containers-storage:here"]);
    let manifest = std::fs::read(sandbox.home.join("directory/manifest.json")).expect("read the manifest");
    for place in ["oci:layout:one", "dir:directory", "containers-storage:here"] {
        assert_eq!(sandbox.ok(&["image", "inspect", "--raw", place]).as_bytes(), manifest, "{place}");
        assert_eq!(json(&sandbox.ok(&["image", "inspect", place]))["Os"], "linux", "{place}");
    }
    assert_eq!(sandbox.ok(&["image", "inspect", "-f", "{{.Os}}", "docker-archive:image.tar"]), "linux\n");
    sandbox.fails(125, &["no manifest"], &["image", "inspect", "--raw", "docker-archive:image.tar"]);
    sandbox.fails(125, &["for images elsewhere"], &["image", "inspect", "--raw", "here"]);
    sandbox.fails(125, &["not shown together"], &["image", "inspect", "here", "oci:layout:one"]);
    assert_eq!(json(&sandbox.ok(&["image", "inspect", "here"]))[0]["Os"], "linux");
}

//! `image copy` and `image sync` take signatures along, to where there is a place for them.

use crate::signatures::{Scene, golden};
use crate::support::artifact::{Blob, host_architecture};
use crate::support::names_in;
use serde_json::{Value, json};

const NAME: &str = "registry.example/team/app:1";
const SOURCE: &str = "docker://registry.example/team/app:1";

/// The golden image with a signature of each kind.
fn signed() -> Option<Scene> {
    let scene = Scene::start()?;
    scene.attach_golden(&scene.manifest);
    scene.put_beside(&scene.manifest, 1, &golden("signature-1"));
    Some(scene)
}

/// What asks for the signatures that were made for the name of the source, whatever the image is called now.
fn requirements(scene: &Scene) -> [Value; 2] {
    let identity = json!({"type": "exactReference", "dockerReference": NAME});
    [scene.sigstore("key.pub"), scene.gpg("good.asc")].map(|mut requirement| {
        requirement["signedIdentity"] = identity.clone();
        requirement
    })
}

fn copy(scene: &Scene, options: &[&str], from: &str, to: &str) {
    let run = scene.run(&[&["image", "copy", "-q"], options, &[from, to]].concat());
    assert_eq!(run.code, 0, "{run}");
}

fn signatures_in(scene: &Scene, directory: &str) -> Vec<String> {
    let mut names = names_in(&scene.path(directory));
    names.retain(|name| name.contains("signature-"));
    names.sort();
    names
}

#[test]
fn signatures_go_along_from_place_to_place() {
    let Some(scene) = signed() else { return };
    let (target, name) = ("docker://registry.example/copied/app:2", "registry.example/copied/app:2");
    copy(&scene, &[], SOURCE, "dir:directory");
    assert_eq!(signatures_in(&scene, "directory"), ["signature-1", "signature-2"]);
    copy(&scene, &[], "dir:directory", target);
    for requirement in &requirements(&scene) {
        scene.comes(requirement, name);
    }
    // Once more, which adds nothing.
    copy(&scene, &[], "dir:directory", target);
    let hex = scene.manifest.hex();
    let list = scene.registry.tagged("copied/app", &format!("sha256-{hex}.sig"));
    let list: Value = serde_json::from_slice(&list).expect("JSON");
    assert_eq!(list["layers"].as_array().map(Vec::len), Some(1));
    assert_eq!(names_in(&scene.path(&format!("lookaside/copied/app@sha256={hex}"))), ["signature-1"]);
    // Left behind where that is asked for, and what was there of another image is none of this one.
    copy(&scene, &["--remove-signatures"], SOURCE, "docker://registry.example/bare/app:1");
    scene.policy(&requirements(&scene)[0]);
    scene.run(&["pull", "-q", "registry.example/bare/app:1"]).fails(125, &["the registry has none"]);
    copy(&scene, &["--remove-signatures"], SOURCE, "dir:directory");
    assert_eq!(signatures_in(&scene, "directory"), Vec::<String>::new());
    let sync = ["image", "sync", "-q", "--src", "docker", "--dest", "dir", NAME];
    assert_eq!(scene.run(&[&sync[..], &["synced"]].concat()).code, 0);
    assert_eq!(signatures_in(&scene, "synced/app:1"), ["signature-1", "signature-2"]);
    assert_eq!(scene.run(&[&sync[..], &["bare", "--remove-signatures"]].concat()).code, 0);
    assert_eq!(signatures_in(&scene, "bare/app:1"), Vec::<String>::new());
}

#[test]
fn what_cannot_keep_signatures_is_refused_before_anything_is_copied() {
    let Some(scene) = signed() else { return };
    copy(&scene, &[], SOURCE, "dir:directory");
    for target in ["oci:layout", "oci-archive:oci.tar", "docker-archive:docker.tar"] {
        let file = scene.path(target.split_once(':').expect("a transport").1);
        for source in [SOURCE, "dir:directory"] {
            scene.run(&["image", "copy", "-q", source, target]).fails(125, &["signatures", "--remove-signatures"]);
            assert!(!file.exists(), "{target}");
        }
        // The control.
        copy(&scene, &["--remove-signatures"], SOURCE, target);
        assert!(file.exists());
    }
    // The store keeps none, and takes the image.
    copy(&scene, &[], "dir:directory", "containers-storage:here");
    let target = "docker://registry.example/copied/app:1";
    scene.attachments(false);
    let run = scene.run(&["image", "copy", "-q", "dir:directory", target]);
    run.fails(125, &["does not attach signatures", "--remove-signatures"]);
    assert!(!scene.path("registry/storage/docker/registry/v2/repositories/copied").exists());
    scene.attachments(true);
    copy(&scene, &[], "dir:directory", target);
}

#[test]
fn each_image_of_a_list_keeps_its_signatures() {
    let Some(scene) = signed() else { return };
    let mut entry = scene.manifest.descriptor();
    entry["platform"] = json!({"os": "linux", "architecture": host_architecture()});
    let kind = "application/vnd.oci.image.index.v1+json";
    let list = json!({"schemaVersion": 2, "mediaType": kind, "manifests": [entry]});
    let list = Blob::new(kind, list.to_string());
    scene.registry.put_manifest("team/app", Some("list"), &list);
    copy(&scene, &["--all"], "docker://registry.example/team/app:list", "dir:many");
    let hex = scene.manifest.hex();
    assert_eq!(signatures_in(&scene, "many"), [1, 2].map(|number| format!("{hex}.signature-{number}")));
    copy(&scene, &["--all"], "dir:many", "docker://registry.example/copied/list:1");
    assert_eq!(scene.registry.tagged("copied/list", "1"), list.bytes);
    for requirement in &requirements(&scene) {
        scene.comes(requirement, "registry.example/copied/list:1");
    }
    // One image of it alone has them under the names that are for one.
    copy(&scene, &[], "docker://registry.example/team/app:list", "dir:many");
    assert_eq!(signatures_in(&scene, "many"), ["signature-1", "signature-2"]);
}

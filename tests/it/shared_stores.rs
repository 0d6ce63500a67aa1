//! Stores that many users share: images come from them without a network, and only as what their digests say.

use crate::support::artifact::{Artifact, digest};
use crate::support::{Sandbox, names_in};
use nix::sys::stat::Mode;
use std::path::{Path, PathBuf};

/// A user whose settings name the stores of others, and one of these others with an image that says something.
fn user_and_owner(name: &str, text: &str) -> (Sandbox, Sandbox, Artifact) {
    let (user, owner) = (Sandbox::new(), Sandbox::new());
    let image = Artifact::saying(text);
    load(&owner, &image, name);
    share(&user, &[&store(&owner)]);
    (user, owner, image)
}

fn load(sandbox: &Sandbox, image: &Artifact, name: &str) {
    let archive = sandbox.home.join("image.tar");
    std::fs::write(&archive, image.docker_archive(name)).expect("write an archive");
    sandbox.ok(&["load", "-q", "-i", archive.to_str().expect("a UTF-8 path")]);
}

fn store(sandbox: &Sandbox) -> PathBuf {
    sandbox.data.join("coracle")
}

fn share(user: &Sandbox, stores: &[&Path]) {
    let settings = user.home.join(".config/containers/storage.conf");
    std::fs::create_dir_all(settings.parent().expect("it is in a directory")).expect("make its directory");
    let text = format!("[storage]\ndriver = \"overlay\"\n[storage.options]\nadditionalimagestores = {stores:?}\n");
    std::fs::write(settings, text).expect("write storage.conf");
}

fn run(name: &str) -> Vec<&str> {
    vec!["run", "--rm", "--network", "none", "--pull", "never", name]
}

fn blobs(sandbox: &Sandbox) -> PathBuf {
    store(sandbox).join("images/blobs/sha256")
}

fn in_store(owner: &Sandbox, bytes: &[u8]) -> PathBuf {
    blobs(owner).join(&digest(bytes)[7..])
}

#[test]
fn an_image_of_a_shared_store_runs_and_its_large_blobs_stay_there() {
    let (user, owner, image) = user_and_owner("localhost/app:v1", "from the other");
    let before = names_in(&blobs(&owner));
    assert_eq!(user.ok(&run("app:v1")).trim(), "from the other");
    let mine = names_in(&blobs(&user));
    assert_eq!(mine.len(), 2, "the manifest and the configuration: {mine:?}");
    // What was only read is as it was, and there is nothing in it of this user's.
    assert_eq!(names_in(&blobs(&owner)), before);
    assert_eq!(user.ok(&["system", "check"]).trim(), "The store is whole");
    // All of it can go out again.
    let saved = user.home.join("saved.tar");
    user.ok(&["save", "-q", "-o", saved.to_str().unwrap(), "app:v1"]);
    let third = Sandbox::new();
    third.ok(&["load", "-q", "-i", saved.to_str().unwrap()]);
    assert_eq!(third.ok(&run("app:v1")).trim(), "from the other");
    // Once unpacked it needs the other store no more; without it and without that it is not there.
    share(&user, &[]);
    assert_eq!(user.ok(&run("app:v1")).trim(), "from the other");
    user.ok(&["rmi", "app:v1"]);
    user.fails(125, &["no image app:v1"], &run("app:v1"));
    assert!(!image.layers.is_empty());
}

#[test]
fn images_shows_what_others_share_as_read_only() {
    let (user, owner, _) = user_and_owner("localhost/app:v1", "theirs");
    let list = ["images", "--format", "{{.Repository}}:{{.Tag}} {{.ReadOnly}}"];
    assert_eq!(user.ok(&list).trim(), "localhost/app:v1 true");
    assert!(user.ok(&["images"]).lines().next().unwrap().ends_with("R/O"));
    assert!(user.ok(&["images", "--format", "json"]).contains("\"ReadOnly\": true"));
    assert_eq!(user.ok(&["images", "-q", "--filter", "readonly=false"]), "");
    // One's own hides it.
    user.ok(&run("app:v1"));
    assert_eq!(user.ok(&list).trim(), "localhost/app:v1 false");
    assert!(!user.ok(&["images"]).contains("R/O"));
    // Removal is of one's own alone.
    user.ok(&["rmi", "app:v1"]);
    assert_eq!(user.ok(&list).trim(), "localhost/app:v1 true");
    assert_eq!(owner.ok(&run("app:v1")).trim(), "theirs");
}

#[test]
fn an_image_brings_only_the_name_that_was_asked_for() {
    let (user, owner, _) = user_and_owner("localhost/app:v1", "theirs");
    owner.ok(&["tag", "app:v1", "localhost/mine:v1"]);
    load(&user, &Artifact::saying("my own"), "localhost/mine:v1");
    assert_eq!(user.ok(&run("app:v1")).trim(), "theirs");
    assert_eq!(user.ok(&run("mine:v1")).trim(), "my own");
}

#[test]
fn what_was_tampered_with_is_refused() {
    let (user, owner, image) = user_and_owner("localhost/app:v1", "honest");
    let layer = in_store(&owner, image.layers.last().unwrap());
    let honest = std::fs::read(&layer).unwrap();
    let evil: Vec<u8> = Artifact::saying("tamper").layers.pop().unwrap();
    assert_eq!(evil.len(), honest.len(), "the size does not give it away");
    std::fs::write(&layer, evil).unwrap();
    user.fails(125, &["take app:v1 from", "its bytes are those of"], &run("app:v1"));
    let id = image.id();
    let config = blobs(&owner).join(&id[7..]);
    std::fs::write(&layer, &honest).unwrap();
    let honest_config = std::fs::read(&config).unwrap();
    std::fs::write(&config, String::from_utf8(honest_config.clone()).unwrap().replace("/marker", "/passwd")).unwrap();
    user.fails(125, &["damaged"], &run("app:v1"));
    assert_eq!(names_in(&blobs(&user)), Vec::<String>::new(), "nothing of it has come in");
    // The control: as it was, it runs.
    std::fs::write(&config, honest_config).unwrap();
    assert_eq!(user.ok(&run("app:v1")).trim(), "honest");
}

#[test]
fn a_blob_that_is_no_file_is_not_waited_for() {
    let (user, owner, image) = user_and_owner("localhost/app:v1", "text");
    let layer = in_store(&owner, image.layers.last().unwrap());
    std::fs::remove_file(&layer).unwrap();
    nix::unistd::mkfifo(&layer, Mode::from_bits_truncate(0o644)).unwrap();
    user.fails(125, &["take app:v1 from", "blob"], &run("app:v1"));
}

#[test]
fn stores_of_others_that_are_not_there_are_passed_over() {
    let (user, owner, _) = user_and_owner("localhost/app:v1", "second");
    let nowhere = user.home.join("nowhere");
    share(&user, &[&nowhere, &user.home, &store(&owner)]);
    assert_eq!(user.ok(&run("app:v1")).trim(), "second");
}

#[test]
fn what_only_looks_sees_images_of_shared_stores_and_takes_nothing() {
    let (user, owner, image) = user_and_owner("localhost/app:v1", "seen");
    let same = |arguments: &[&str]| assert_eq!(user.ok(arguments), owner.ok(arguments), "{arguments:?}");
    assert_eq!(user.coracle(&["image", "exists", "app:v1"]).code, 0);
    assert_eq!(user.coracle(&["image", "exists", "app:v2"]).code, 1);
    let id = &image.id()[7..];
    for name in ["app:v1", &id[..12]] {
        same(&["image", "inspect", "--format", "{{.Id}} {{.RepoTags}} {{.Config.Cmd}}", name]);
        same(&["inspect", "--format", "{{.Digest}}", name]);
        same(&["history", "--format", "{{.ID}} {{.Size}}", name]);
        same(&["image", "tree", name]);
    }
    assert!(!user.ok(&["image", "tree", "app:v1"]).contains("Size:      0B"));
    let saved = user.home.join("saved.tar");
    user.ok(&["save", "-q", "-o", saved.to_str().unwrap(), "app:v1"]);
    let copied = format!("oci:{}:x", user.home.join("layout").display());
    user.ok(&["push", "-q", "app:v1", &copied]);
    for place in [format!("docker-archive:{}", saved.display()), copied] {
        let third = Sandbox::new();
        third.ok(&["image", "copy", "-q", &place, "containers-storage:app:v1"]);
        assert_eq!(third.ok(&run("app:v1")).trim(), "seen");
    }
    assert_eq!(names_in(&blobs(&user)), Vec::<String>::new(), "nothing has come in");
    // One's own image of the name is the one that is meant.
    load(&user, &Artifact::saying("my own"), "localhost/app:v1");
    assert_ne!(user.ok(&["image", "inspect", "--format", "{{.Id}}", "app:v1"]).trim(), id);
    assert_eq!(user.ok(&["image", "inspect", "--format", "{{.RepoTags}}", id]).trim(), "[]");
}

#[test]
fn a_damaged_image_of_a_shared_store_is_not_shown() {
    let (user, owner, image) = user_and_owner("localhost/app:v1", "honest");
    let config = blobs(&owner).join(&image.id()[7..]);
    let honest = std::fs::read_to_string(&config).unwrap();
    user.ok(&["image", "inspect", "app:v1"]);
    std::fs::write(&config, honest.replace("/marker", "/passwd")).unwrap();
    let out = user.home.join("x.tar");
    for arguments in [&["image", "inspect", "app:v1"][..], &["history", "app:v1"], &["image", "tree", "app:v1"]] {
        user.fails(125, &["damaged"], arguments);
    }
    user.fails(125, &["damaged"], &["save", "-q", "-o", out.to_str().unwrap(), "app:v1"]);
    assert!(!out.exists());
}

#[test]
fn an_image_of_a_shared_store_that_is_tagged_becomes_ones_own() {
    let (user, _owner, _) = user_and_owner("localhost/app:v1", "tagged");
    user.ok(&["tag", "app:v1", "localhost/mine:v1"]);
    share(&user, &[]);
    // Its layers are here; its archive of them is not.
    assert_eq!(user.ok(&run("mine:v1")).trim(), "tagged");
    user.fails(125, &["no image app:v2"], &["tag", "app:v2", "localhost/mine:v2"]);
}

//! `rmi` and `tag`: names come and go, and with the last one the image, from the disk too.

use crate::support::Sandbox;
use crate::support::artifact::{Artifact, busybox, file};
use crate::support::witness::refusal;
use std::collections::BTreeSet;

fn load(sandbox: &Sandbox, image: &Artifact, names: &[&str]) {
    let path = sandbox.home.join("archive.tar");
    let members = image.docker_members(names);
    std::fs::write(&path, crate::support::evil_tar::archive(&members)).expect("write the archive");
    sandbox.ok(&["load", "--quiet", "--input", path.to_str().expect("a path made here is ASCII")]);
}

/// The digests of what lies in the store: blobs, and layers.
fn stored(sandbox: &Sandbox) -> [BTreeSet<String>; 2] {
    ["images/blobs/sha256", "layers"].map(|place| {
        let entries = std::fs::read_dir(sandbox.data.join("coracle").join(place)).expect("list a room of the store");
        entries.map(|entry| entry.expect("an entry").file_name().into_string().expect("a digest is text")).collect()
    })
}

#[test]
fn a_tag_is_a_second_name_and_moves() {
    let sandbox = Sandbox::new();
    load(&sandbox, &Artifact::saying("one"), &["localhost/one:1"]);
    load(&sandbox, &Artifact::saying("two"), &["localhost/two:1"]);
    sandbox.ok(&["tag", "one:1", "second", "quay.io/me/third:v3"]);
    for name in ["second", "localhost/second:latest", "quay.io/me/third:v3"] {
        assert_eq!(sandbox.ok(&["run", "--rm", "--pull=never", name]), "one", "{name}");
    }
    sandbox.ok(&["tag", "two:1", "second"]);
    assert_eq!(sandbox.ok(&["run", "--rm", "--pull=never", "second"]), "two");
    for arguments in [
        &["tag", "missing", "x"][..],
        &["tag", "one:1", "BAD"],
        &["tag", "one:1", "x@sha256:0000000000000000000000000000000000000000000000000000000000000000"],
    ] {
        refusal(&sandbox.coracle(arguments));
    }
}

#[test]
fn the_last_name_takes_the_image_from_the_disk() {
    let sandbox = Sandbox::new();
    let (one, two) = (Artifact::saying("one"), Artifact::saying("two"));
    load(&sandbox, &one, &["localhost/one:1", "localhost/one:2"]);
    load(&sandbox, &two, &["localhost/two:1"]);
    let both = stored(&sandbox);
    assert_eq!(sandbox.ok(&["rmi", "one:1"]), "Untagged: localhost/one:1\n");
    assert_eq!(stored(&sandbox), both, "it has another name");
    let id = one.id().replace("sha256:", "");
    assert_eq!(sandbox.ok(&["rmi", "one:2"]), format!("Untagged: localhost/one:2\nDeleted: {id}\n"));
    // What the other image shares with it stays.
    let [blobs, layers] = stored(&sandbox);
    assert_eq!((both[0].len() - blobs.len(), both[1].len() - layers.len()), (3, 1));
    assert_eq!(sandbox.ok(&["run", "--rm", "two:1"]), "two");
    sandbox.ok(&["rmi", "two:1"]);
    assert_eq!(stored(&sandbox), [BTreeSet::new(), BTreeSet::new()]);
    refusal(&sandbox.coracle(&["run", "--pull=never", "two:1"]));
}

#[test]
fn an_id_with_several_names_needs_force() {
    let sandbox = Sandbox::new();
    let image = Artifact::saying("many");
    load(&sandbox, &image, &["localhost/a:1", "localhost/b:1"]);
    let id = image.id().replace("sha256:", "");
    let run = sandbox.coracle(&["rmi", &id]);
    assert!(refusal(&run).contains("--force"), "{run}");
    assert!(sandbox.ok(&["rmi", "--force", &id[..12]]).ends_with(&format!("Deleted: {id}\n")));
    assert_eq!(stored(&sandbox), [BTreeSet::new(), BTreeSet::new()]);
}

#[test]
fn an_image_in_use_stays_until_it_is_forced() {
    let sandbox = Sandbox::new();
    load(&sandbox, &Artifact::saying("used"), &["localhost/used:1"]);
    sandbox.ok(&["run", "--name", "stopped", "used:1"]);
    sandbox.ok(&["run", "-d", "--name", "running", "used:1", "sleep", "1000"]);
    let before = stored(&sandbox);
    let run = sandbox.coracle(&["rmi", "used:1"]);
    run.fails(2, &["rmi: ", "is used by container"]);
    assert_eq!(stored(&sandbox), before);
    sandbox.ok(&["rmi", "--force", "used:1"]);
    assert_eq!(stored(&sandbox), [BTreeSet::new(), BTreeSet::new()]);
    for name in ["stopped", "running"] {
        assert!(refusal(&sandbox.coracle(&["start", name])).contains("no container"), "{name}");
    }
}

#[test]
fn one_that_is_missing_does_not_keep_the_others() {
    let sandbox = Sandbox::new();
    for name in ["a", "b", "c"] {
        load(&sandbox, &Artifact::new(&[busybox(), file("marker", name)]), &[&format!("localhost/{name}:1")]);
    }
    let run = sandbox.coracle(&["rmi", "a:1", "missing", "b:1"]);
    assert_eq!((run.code, run.stdout.matches("Deleted").count()), (1, 2), "{run}");
    assert!(run.stderr.starts_with("coracle: ") && run.stderr.lines().count() == 1, "{run}");
    for flag in ["--ignore", "--force"] {
        assert_eq!(sandbox.ok(&["rmi", flag, "missing"]), "");
    }
    sandbox.ok(&["rmi", "--all"]);
    assert_eq!(stored(&sandbox), [BTreeSet::new(), BTreeSet::new()]);
    sandbox.ok(&["rmi", "--all"]);
}

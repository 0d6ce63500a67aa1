//! What is left of an image when the machine stops before the disk has its layers.
//!
//! A layer that the disk may not have is marked with the boot that it was written in. A test cannot stop the machine: it
//! sets the mark of another boot and does what a lost page would do.

use crate::support::artifact::{self, Artifact};
use crate::support::{Sandbox, until};
use std::path::{Path, PathBuf};

const ANOTHER_BOOT: &str = "00000000-0000-4000-8000-000000000000";

/// A sandbox with an image that the disk has, whose upper layer says something.
fn loaded() -> (Sandbox, PathBuf) {
    let sandbox = Sandbox::new();
    let image = Artifact::new(&[artifact::busybox(), artifact::file("marker", "whole\n")]);
    let archive = sandbox.home.join("image.tar");
    std::fs::write(&archive, image.docker_archive("localhost/app:1")).expect("write the archive");
    sandbox.ok(&["load", "-q", "-i", "image.tar"]);
    std::fs::remove_file(&archive).expect("only the store has it");
    let layers = sandbox.data.join("coracle/layers");
    let all = || std::fs::read_dir(&layers).expect("list the layers").map(|entry| entry.expect("list").path());
    until("the disk has the layers", || all().all(|layer| layer.join("unsettled").symlink_metadata().is_err()));
    let upper = all().find(|layer| layer.join("fs/marker").exists()).expect("a layer has the marker");
    (sandbox, upper)
}

fn lose(layer: &Path) {
    std::fs::write(layer.join("fs/marker"), "").expect("lose a file's data");
}

fn put_in_doubt(layer: &Path) {
    lose(layer);
    std::os::unix::fs::symlink(ANOTHER_BOOT, layer.join("unsettled")).expect("mark the layer");
}

const READ: [&str; 3] = ["app:1", "cat", "/marker"];

#[test]
fn a_layer_in_doubt_is_unpacked_again_by_whoever_runs_its_image() {
    let (sandbox, layer) = loaded();
    let run = || sandbox.ok(&[&["run", "--rm", "--network=none"][..], &READ].concat());
    assert_eq!(run(), "whole\n");
    // The control: without the mark nobody looks.
    lose(&layer);
    assert_eq!(run(), "");
    put_in_doubt(&layer);
    let found = sandbox.coracle(&["system", "check"]);
    assert_ne!(found.code, 0, "{found}");
    assert!(found.stdout.contains("may not have been on the disk"), "{found}");
    assert_eq!(run(), "whole\n");
    until("the disk has it", || layer.join("unsettled").symlink_metadata().is_err());
    sandbox.ok(&["system", "check"]);
}

#[test]
fn a_container_starts_with_whole_layers_and_keeps_its_own_files() {
    let (sandbox, layer) = loaded();
    sandbox.ok(&[
        "create",
        "--name=box",
        "--network=none",
        "app:1",
        "sh",
        "-c",
        "cat /marker; echo more >>/own; cat /own",
    ]);
    assert_eq!(sandbox.ok(&["start", "-a", "box"]), "whole\nmore\n");
    put_in_doubt(&layer);
    // Who does not start it is told.
    sandbox.fails(125, &["may not have been on the disk", "start its container"], &["diff", "box"]);
    assert_eq!(sandbox.ok(&["start", "-a", "box"]), "whole\nmore\nmore\n");
    sandbox.ok(&["diff", "box"]);
}

#[test]
fn files_with_a_containers_ids_are_made_again_with_the_layer() {
    let (sandbox, layer) = loaded();
    let run = || sandbox.ok(&[&["run", "--rm", "--network=none", "--userns=keep-id"][..], &READ].concat());
    assert_eq!(run(), "whole\n");
    let stacks = std::fs::read_dir(sandbox.data.join("coracle/shifted")).expect("list what was made for keep-id");
    let stack = stacks.map(|entry| entry.expect("list").path()).find(|path| path.is_dir()).expect("there is a stack");
    put_in_doubt(&layer);
    let mark = stack.join("unsettled");
    // As it is made while the layers are on their way to the disk.
    let _ = std::fs::remove_file(&mark);
    std::os::unix::fs::symlink(ANOTHER_BOOT, &mark).expect("mark the stack");
    assert_eq!(run(), "whole\n");
    let mark = std::fs::read_link(&mark).ok();
    assert_ne!(mark, Some(ANOTHER_BOOT.into()), "what was made again is not in doubt");
}

#[test]
fn an_image_without_its_blobs_is_missed_in_one_line() {
    let (sandbox, layer) = loaded();
    put_in_doubt(&layer);
    let blobs = sandbox.data.join("coracle/images/blobs/sha256");
    for blob in std::fs::read_dir(&blobs).expect("list the blobs") {
        let blob = blob.expect("list").path();
        // The documents stay.
        if std::fs::metadata(&blob).expect("stat").len() > 4 << 10 {
            std::fs::remove_file(&blob).expect("remove a layer's blob");
        }
    }
    let run = sandbox.coracle(&[&["run", "--rm", "--network=none", "--pull=never"][..], &READ].concat());
    assert_eq!(run.code, 125, "{run}");
    assert_eq!(run.stderr.lines().count(), 1, "{run}");
}

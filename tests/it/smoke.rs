//! That the harness itself works: the binary starts, a time limit holds, an image is at hand.

use crate::support::{Sandbox, images};

#[test]
fn the_binary_tells_its_version() {
    Sandbox::new().ok(&["--version"]);
}

#[test]
fn what_is_spawned_can_be_waited_for() {
    let run = Sandbox::new().spawn(&["--version"]).finish();
    assert_eq!(run.code, 0, "{run}");
}

#[test]
fn the_test_image_is_an_archive() {
    let archive = images::archive("busybox");
    assert!(archive.metadata().expect("its size").len() > 1 << 20);
}

//! The images that tests run, made once by `contrib/images`.

use std::path::PathBuf;
use std::process::Command;

/// The docker-archive of an image that `contrib/images` knows, made now if it is not there yet.
pub fn archive(name: &str) -> PathBuf {
    let source = super::source();
    let directory = match std::env::var_os("CORACLE_TEST_IMAGES") {
        Some(directory) => PathBuf::from(directory),
        None => source.join("target/test-images"),
    };
    let archive = directory.join(name).with_extension("tar");
    if !archive.exists() {
        let output = Command::new(source.join("contrib/images")).arg(&directory).arg(name).output();
        let output = output.expect("run contrib/images");
        assert!(output.status.success(), "contrib/images {name}: {}", String::from_utf8_lossy(&output.stderr));
    }
    archive
}

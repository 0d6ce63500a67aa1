//! The registry of the distribution project on a loopback port of its own, with content put straight into its storage.

use super::artifact::{Artifact, Blob};
use std::io::{BufRead, BufReader, Lines};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, Stdio};
use std::sync::mpsc::channel;
use std::time::Duration;

pub const USER: &str = "me";
pub const PASSWORD: &str = "correct horse";

/// How long the registry may take to listen.
const START_TIMEOUT: Duration = Duration::from_secs(20);

/// How the registry is reached.
#[derive(Clone, Copy, Debug, Default)]
pub struct Door {
    pub tls: bool,
    /// Ask for [`USER`] and [`PASSWORD`].
    pub password: bool,
}

/// The running server; it ends when this is dropped.
pub struct Registry {
    child: Child,
    port: u16,
    directory: PathBuf,
}

impl Registry {
    /// Whether a program is not installed that it needs, which skips the test.
    pub fn is_missing() -> bool {
        let starts = |program: &&str| {
            let mut command = Command::new(program);
            command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok()
        };
        let missing = ["docker-registry", "openssl", "htpasswd"].into_iter().find(|program| !starts(program));
        if let Some(program) = missing {
            super::skip(&format!("{program} is not installed"));
        }
        missing.is_some()
    }

    /// Starts a registry whose files lie in a new directory. None if its program is not installed.
    pub fn start(directory: &Path, door: Door) -> Option<Self> {
        if Self::is_missing() {
            return None;
        }
        std::fs::create_dir_all(directory.join("storage")).expect("make the registry's directory");
        let mut http = String::from("http:\n  addr: 127.0.0.1:0\n");
        if door.tls {
            make_certificate(directory, "IP:127.0.0.1");
            http.push_str("  tls:\n    certificate: leaf.pem\n    key: leaf.key\n");
        }
        if door.password {
            make_password_file(directory);
            http.push_str("auth:\n  htpasswd:\n    realm: test\n    path: htpasswd\n");
        }
        let storage = "storage:\n  filesystem:\n    rootdirectory: storage\n";
        let config = format!("version: 0.1\nlog:\n  level: info\n  accesslog:\n    disabled: true\n{storage}{http}");
        std::fs::write(directory.join("config.yml"), config).expect("write the registry's configuration");
        let mut child = Command::new("docker-registry")
            .args(["serve", "config.yml"])
            .current_dir(directory)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("start docker-registry");
        let lines = BufReader::new(child.stderr.take().expect("its stderr is a pipe")).lines();
        let port = listening_port(lines);
        Some(Self { child, port, directory: directory.to_owned() })
    }

    /// `127.0.0.1:port`.
    pub fn host(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// The directory with the certificate of the authority that signed the registry's.
    pub fn authority(&self) -> PathBuf {
        self.directory.join("trusted")
    }

    /// Stores an image in a repository, under a tag if one is given.
    pub fn put(&self, repository: &str, tag: Option<&str>, image: &Artifact) {
        for blob in image.layer_blobs().iter().chain([&image.config_blob()]) {
            self.put_blob(repository, blob);
        }
        self.put_manifest(repository, tag, &image.manifest_blob());
    }

    pub fn put_blob(&self, repository: &str, blob: &Blob) {
        self.put_data(blob);
        self.put_link(&format!("{repository}/_layers/sha256/{}", blob.hex()), blob);
    }

    /// Stores a manifest or an index, whose parts are there already.
    pub fn put_manifest(&self, repository: &str, tag: Option<&str>, manifest: &Blob) {
        self.put_data(manifest);
        self.put_link(&format!("{repository}/_manifests/revisions/sha256/{}", manifest.hex()), manifest);
        if let Some(tag) = tag {
            let tags = format!("{repository}/_manifests/tags/{tag}");
            self.put_link(&format!("{tags}/index/sha256/{}", manifest.hex()), manifest);
            self.put_link(&format!("{tags}/current"), manifest);
        }
    }

    /// The bytes that the registry has under a digest, in whichever repository.
    pub fn stored(&self, digest: &str) -> Option<Vec<u8>> {
        let hex = digest.trim_start_matches("sha256:");
        std::fs::read(self.storage().join(format!("blobs/sha256/{}/{hex}/data", &hex[..2]))).ok()
    }

    /// The manifest under a tag.
    pub fn tagged(&self, repository: &str, tag: &str) -> Vec<u8> {
        let link = self.storage().join(format!("repositories/{repository}/_manifests/tags/{tag}/current/link"));
        let digest = std::fs::read_to_string(link).expect("the registry has the tag");
        self.stored(digest.trim()).expect("the registry has the manifest of a tag")
    }

    /// The tags of a repository.
    pub fn tags(&self, repository: &str) -> Vec<String> {
        let mut tags = super::names_in(&self.storage().join(format!("repositories/{repository}/_manifests/tags")));
        tags.sort();
        tags
    }

    fn storage(&self) -> PathBuf {
        self.directory.join("storage/docker/registry/v2")
    }

    fn put_data(&self, blob: &Blob) {
        let hex = blob.hex();
        self.write(&format!("blobs/sha256/{}/{hex}/data", &hex[..2]), &blob.bytes);
    }

    fn put_link(&self, place: &str, blob: &Blob) {
        self.write(&format!("repositories/{place}/link"), blob.digest().as_bytes());
    }

    fn write(&self, path: &str, bytes: &[u8]) {
        let path = self.storage().join(path);
        std::fs::create_dir_all(path.parent().expect("a path below the storage")).expect("make a directory");
        std::fs::write(path, bytes).expect("write into the registry's storage");
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Reads the log until the registry says where it listens, and then on, so that it never waits for a reader.
fn listening_port(lines: Lines<BufReader<ChildStderr>>) -> u16 {
    let (sender, port) = channel();
    std::thread::spawn(move || {
        let mut log = String::new();
        for line in lines.map_while(Result::ok) {
            if let Some((_, rest)) = line.split_once("listening on 127.0.0.1:") {
                let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
                let _ = sender.send(Ok(digits.parse().expect("a port is a number")));
            }
            log.push_str(&line);
            log.push('\n');
        }
        // Only a registry that never listened has somebody waiting here.
        let _ = sender.send(Err(log));
    });
    match port.recv_timeout(START_TIMEOUT) {
        Ok(Ok(port)) => port,
        Ok(Err(log)) => panic!("docker-registry has ended:\n{log}"),
        Err(_) => panic!("docker-registry does not listen after {START_TIMEOUT:?}"),
    }
}

/// `leaf.pem` and `leaf.key` for a name, signed by `trusted/ca.crt`.
pub fn make_certificate(directory: &Path, name: &str) {
    std::fs::create_dir_all(directory.join("trusted")).expect("make a directory");
    let key = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes";
    for arguments in [
        format!("req -x509 {key} -keyout ca.key -out trusted/ca.crt -subj /CN=authority -days 2"),
        format!("req -new {key} -keyout leaf.key -out leaf.csr -subj /CN=leaf -addext subjectAltName={name}"),
        "x509 -req -in leaf.csr -CA trusted/ca.crt -CAkey ca.key -copy_extensions copy -out leaf.pem -days 2".into(),
    ] {
        let arguments: Vec<&str> = arguments.split_whitespace().collect();
        let output = Command::new("openssl").args(&arguments).current_dir(directory).output().expect("run openssl");
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    }
}

/// The registry understands bcrypt alone.
fn make_password_file(directory: &Path) {
    let output = Command::new("htpasswd").args(["-Bbn", USER, PASSWORD]).output().expect("run htpasswd");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    std::fs::write(directory.join("htpasswd"), output.stdout).expect("write the password file");
}

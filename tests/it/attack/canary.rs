//! What an attack is after: a tree of the user's own files, outside of everything that the engine keeps, and the proof
//! afterwards that nobody has read or changed it.

use nix::sys::stat::Mode;
use rustix::fs::{AtFlags, CWD, XattrFlags};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// The longest attribute value that the test itself sets is far shorter.
const ATTRIBUTE_BYTES_MAX: usize = 4096;

/// A secret, a directory with an odd mode, a FIFO, a symbolic link and a hard link.
pub struct Canary {
    pub path: PathBuf,
    /// The content of the file `secret`; whoever prints it has read it.
    pub nonce: String,
    before: BTreeMap<PathBuf, String>,
}

impl Canary {
    pub fn new(path: PathBuf) -> Self {
        let nonce = format!("nonce-{:032x}", u128::from_ne_bytes(random()));
        let make = || -> std::io::Result<()> {
            std::fs::create_dir_all(path.join("dir"))?;
            std::fs::write(path.join("secret"), &nonce)?;
            std::fs::write(path.join("dir/deep"), &nonce)?;
            std::fs::set_permissions(path.join("secret"), PermissionsExt::from_mode(0o600))?;
            std::fs::set_permissions(path.join("dir"), PermissionsExt::from_mode(0o751))?;
            std::fs::hard_link(path.join("secret"), path.join("hard"))?;
            std::os::unix::fs::symlink("secret", path.join("soft"))?;
            nix::unistd::mkfifo(&path.join("fifo"), Mode::from_bits_truncate(0o640))?;
            rustix::fs::setxattr(path.join("secret"), "user.canary", b"here", XattrFlags::empty())?;
            Ok(())
        };
        make().expect("make the canary");
        let before = describe_tree(&path);
        Self { path, nonce, before }
    }

    pub fn text(&self) -> &str {
        self.path.to_str().expect("a path made here is ASCII")
    }

    /// What leads from a directory `depth` levels below the root to the canary, and from anywhere higher too.
    pub fn relative(&self) -> String {
        format!("{}{}", "../".repeat(30), self.text().trim_start_matches('/'))
    }

    #[track_caller]
    pub fn assert_unchanged(&self) {
        assert_eq!(describe_tree(&self.path), self.before, "the canary was changed");
    }
}

fn random() -> [u8; 16] {
    let mut bytes = [0; 16];
    rustix::rand::getrandom(&mut bytes, rustix::rand::GetRandomFlags::empty()).expect("sixteen random bytes");
    bytes
}

/// Everything about every file of a tree that an attack could change; the time of the last access is not among it.
fn describe_tree(top: &Path) -> BTreeMap<PathBuf, String> {
    let mut tree = BTreeMap::new();
    let mut waiting = vec![top.to_owned()];
    while let Some(path) = waiting.pop() {
        let status = path.symlink_metadata().expect("the status of a canary's file");
        let content = if status.is_dir() {
            let entries = std::fs::read_dir(&path).expect("list the canary");
            waiting.extend(entries.map(|entry| entry.expect("an entry of the canary").path()));
            String::new()
        } else if status.is_file() {
            format!("{:x?}", Sha256::digest(std::fs::read(&path).expect("read the canary")))
        } else if status.is_symlink() {
            format!("{:?}", std::fs::read_link(&path).expect("read the canary's link"))
        } else {
            String::new()
        };
        let (mode, owner, links) = (status.mode(), (status.uid(), status.gid()), status.nlink());
        let changed = (status.mtime(), status.mtime_nsec());
        let attributes = attributes(&path);
        tree.insert(path, format!("{mode:o} {owner:?} {links} {changed:?} {attributes} {content}"));
    }
    tree
}

fn attributes(path: &Path) -> String {
    let mut names = [0; ATTRIBUTE_BYTES_MAX];
    let length = rustix::fs::llistxattr(path, &mut names[..]).unwrap_or(0);
    let mut described = Vec::new();
    for name in names[..length].split(|byte| *byte == 0).filter(|name| !name.is_empty()) {
        let mut value = [0; ATTRIBUTE_BYTES_MAX];
        let length = rustix::fs::lgetxattr(path, name, &mut value[..]).unwrap_or(0);
        described.push(format!("{}={:?}", String::from_utf8_lossy(name), &value[..length]));
    }
    described.sort();
    described.join(",")
}

/// Whether a path names anything, whatever it leads to.
pub fn is_there(path: &Path) -> bool {
    rustix::fs::statat(CWD, path, AtFlags::SYMLINK_NOFOLLOW).is_ok()
}

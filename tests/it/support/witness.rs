//! What must not change: a canary outside the store, the store itself, and the manners of a refusal.

use super::{Run, Sandbox, names_in, until};
use crate::attack::canary::Canary;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The longest that an error may be.
const REFUSAL_BYTES_MAX: usize = 2000;
/// What one process of a command may have of its own, stacks of threads included.
const MEMORY_BYTES_MAX: u64 = 192 << 20;

pub type Listing = BTreeMap<PathBuf, String>;

/// A canary in the home of a sandbox, and the names beside it.
pub struct Watched {
    pub canary: Canary,
    home: Listing,
}

impl Watched {
    pub fn new(sandbox: &Sandbox) -> Self {
        let canary = Canary::new(sandbox.home.join("canary"));
        Self { canary, home: names(&sandbox.home) }
    }

    /// Panics if anything of the canary changed, something new lies beside it, or a command told its secret.
    pub fn assert_untouched(&self, sandbox: &Sandbox, runs: &[&Run], attack: &str) {
        println!("{attack}");
        self.canary.assert_unchanged();
        assert_same(&names(&sandbox.home), &self.home, attack);
        for run in runs {
            let told = run.stdout.contains(&self.canary.nonce) || run.stderr.contains(&self.canary.nonce);
            assert!(!told, "{attack}: the secret was printed: {run}");
        }
    }

    /// Panics if the secret came into the store.
    pub fn assert_not_stored(&self, sandbox: &Sandbox, attack: &str) {
        let nonce = self.canary.nonce.as_bytes();
        assert_eq!(holders(&sandbox.data, nonce), Vec::<PathBuf>::new(), "{attack}: the secret is in files");
    }
}

/// Every name below a directory with its kind, mode, owner, links and content; of files that are not ours the size.
pub fn listing(directory: &Path) -> Listing {
    let mut seen = BTreeMap::new();
    let mut open = vec![directory.to_owned()];
    while let Some(path) = open.pop() {
        let Ok(status) = path.symlink_metadata() else { continue };
        let content = match status.file_type() {
            kind if kind.is_symlink() => format!("{:?}", std::fs::read_link(&path).ok()),
            kind if kind.is_file() => match std::fs::read(&path) {
                Ok(bytes) => format!("{:x}", Sha256::digest(bytes)),
                Err(error) => format!("{} {error}", status.len()),
            },
            _ => String::new(),
        };
        if status.is_dir() {
            let entries = std::fs::read_dir(&path).map(|entries| entries.flatten().map(|entry| entry.path()));
            open.extend(entries.into_iter().flatten());
        }
        let mut attributes = [0; 1024];
        let length = rustix::fs::llistxattr(&path, &mut attributes).unwrap_or(0);
        // The number of its directories is a directory's own affair.
        let links = if status.is_dir() { 0 } else { status.nlink() };
        let facts = (status.mode(), status.uid(), status.gid(), links);
        seen.insert(path, format!("{facts:?} {content} {:?}", &attributes[..length]));
    }
    seen
}

/// Panics with what is different in two listings.
pub fn assert_same(now: &Listing, before: &Listing, what: &str) {
    let changed = now.iter().filter(|(path, facts)| before.get(*path) != Some(facts));
    let gone = before.iter().filter(|(path, _)| !now.contains_key(*path));
    let changed: Vec<_> = changed.map(|it| ("is now", it)).chain(gone.map(|it| ("was", it))).collect();
    assert!(changed.is_empty(), "{what}: {changed:#?}");
}

/// Checks what may be in the store after a pull that broke off: no image more, nothing in staging, and no blob or layer
/// that is not complete and right.
pub fn assert_sound(sandbox: &Sandbox, before: &Listing, what: &str) {
    assert_staging_empties(sandbox);
    let images = sandbox.data.join("coracle/images");
    let index = images.join("index.json");
    assert_eq!(store(sandbox).get(&index), before.get(&index), "{what}: the list of images");
    for blob in names(&images.join("blobs/sha256")).into_keys() {
        let hex = format!("{:x}", Sha256::digest(std::fs::read(&blob).expect("read a blob")));
        assert!(blob.ends_with(&hex), "{what}: {} has other bytes", blob.display());
    }
    for layer in names(&sandbox.data.join("coracle/layers")).into_keys() {
        assert!(layer.join("info.json").exists() && layer.join("fs").is_dir(), "{what}: {}", layer.display());
    }
}

/// The store as a listing. Times say nothing: what is written again with the same content is the same. Locks say nothing
/// either: they are made by who first needs one, and are empty; nor do the marks of what is on its way to the disk.
pub fn store(sandbox: &Sandbox) -> Listing {
    // A pull that has ended may still make the files for `keep-id`.
    if let Ok(making) = std::fs::File::open(sandbox.data.join("coracle/shifted/making.lock")) {
        until("nothing is made for keep-id", || making.try_lock().is_ok());
    }
    let data = sandbox.data.join("coracle");
    let is_mark = |path: &Path| {
        let room = path.ancestors().nth(2);
        path.ends_with("unsettled") && ["layers", "shifted"].iter().any(|name| room == Some(&data.join(name)))
    };
    let mut store = listing(&data);
    store.retain(|path, _| path.extension().is_none_or(|end| end != "lock") && !is_mark(path));
    store
}

/// What killed or failing commands left in staging.
pub fn staged(sandbox: &Sandbox) -> Vec<PathBuf> {
    names(&sandbox.data.join("coracle/tmp")).into_keys().collect()
}

/// Waits until nothing is in staging: what is out of sight may still be on its way off the disk.
pub fn assert_staging_empties(sandbox: &Sandbox) {
    until("staging is empty", || staged(sandbox).is_empty());
}

/// Checks that a command refused as it should: exit code 125, nothing on stdout, one line that names its step. Gives
/// the line.
pub fn refusal(run: &Run) -> &str {
    assert_eq!(run.code, 125, "{run}");
    assert!(run.stdout.is_empty(), "{run}");
    let line = run.stderr.strip_suffix('\n').unwrap_or(&run.stderr);
    assert!(line.starts_with("coracle: ") && !line.contains(['\n', '\r', '\u{1b}']), "not one clean line: {run}");
    assert!(line.len() < REFUSAL_BYTES_MAX && !line.contains("panicked"), "{run}");
    line
}

/// The command with so little memory that one which buffers what it was sent dies of it.
pub fn with_little_memory(command: &Command) -> Command {
    let mut limited = Command::new("prlimit");
    limited.arg(format!("--data={MEMORY_BYTES_MAX}")).arg("--").arg(command.get_program()).args(command.get_args());
    limited.env_clear().stdin(Stdio::null());
    if let Some(directory) = command.get_current_dir() {
        limited.current_dir(directory);
    }
    for (name, value) in command.get_envs() {
        limited.env(name, value.unwrap_or_default());
    }
    limited
}

fn names(directory: &Path) -> Listing {
    names_in(directory).into_iter().map(|name| (directory.join(name), String::new())).collect()
}

/// The files below a directory that have these bytes in them.
pub fn holders(directory: &Path, bytes: &[u8]) -> Vec<PathBuf> {
    let has = |path: &PathBuf| {
        let content = std::fs::read(path).unwrap_or_default();
        content.windows(bytes.len()).any(|window| window == bytes)
    };
    files_below(directory).into_iter().filter(has).collect()
}

fn files_below(directory: &Path) -> Vec<PathBuf> {
    let is_file = |path: &PathBuf| path.symlink_metadata().is_ok_and(|status| status.is_file());
    listing(directory).into_keys().filter(is_file).collect()
}

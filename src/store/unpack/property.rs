//! What holds of unpacking, whatever the archive.

#[path = "../../../tests/it/support/evil_tar.rs"]
pub mod evil_tar;

use super::{DEPTH_MAX, Hidden, Ids, Limits, Summary, normalise, unpack};
use crate::fs;
use crate::store::digest::Digest;
use crate::store::pack::Packer;
use anyhow::Result;
use evil_tar::Entry;
use std::collections::BTreeMap;
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

const LIMITS: Limits = Limits { entries_max: 200, bytes_max: 1 << 20, ratio_max: 1000, ratio_free_bytes: 64 << 20 };
/// A file system that has no room for more may fail where a bound should.
const LINES_MAX: usize = 50;

/// A private directory that goes away with the test.
pub struct Scratch(pub PathBuf);

impl Scratch {
    pub fn new() -> Self {
        let path = fs::staging_name(&std::env::temp_dir());
        fs::create_dir(&path).expect("the temporary directory can be written to");
        Self(path)
    }

    pub fn dir(&self, name: &str) -> PathBuf {
        let path = self.0.join(name);
        fs::create_dir(&path).expect("make a directory");
        path
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let dir = fs::open_dir(self.0.parent().expect("it was given one")).expect("open the temporary directory");
        let _ = fs::remove_tree(dir.as_fd(), &self.0.file_name().expect("it was given one").to_string_lossy());
    }
}

pub fn into(bytes: &[u8], dir: &Path, limits: &Limits) -> Result<Summary> {
    unpack(bytes, fs::open_dir(dir)?, Ids::of_this_process()?, limits)
}

/// A directory with a file `secret`, a directory `dir` and in it a file `deep`, as the attacks have it.
pub fn make_canary(scratch: &Scratch) -> PathBuf {
    let canary = scratch.dir("canary");
    std::fs::create_dir(canary.join("dir")).expect("make a directory");
    std::fs::write(canary.join("secret"), "secret").expect("write a file");
    std::fs::write(canary.join("dir/deep"), "deep").expect("write a file");
    canary
}

/// Every name below a directory with all that one can know of it. What cannot be read has no content.
pub fn fingerprint(dir: &Path) -> BTreeMap<PathBuf, String> {
    let mut seen = BTreeMap::new();
    let mut open = vec![dir.to_owned()];
    while let Some(path) = open.pop() {
        let status = path.symlink_metadata().expect("what is listed is there");
        let content = match status.file_type() {
            kind if kind.is_symlink() => format!("{:?}", std::fs::read_link(&path).expect("read a link")),
            kind if kind.is_file() => std::fs::read(&path).map_or("?".into(), |bytes| Digest::of(&bytes).to_string()),
            _ => String::new(),
        };
        if status.is_dir() {
            open.extend(std::fs::read_dir(&path).into_iter().flatten().map(|entry| entry.expect("list").path()));
        }
        let mut attributes = [0; 1024];
        let length = rustix::fs::llistxattr(&path, &mut attributes).unwrap_or_default();
        let facts = (status.mode(), status.uid(), status.gid(), status.mtime(), status.nlink());
        let more = (status.mtime_nsec(), &attributes[..length]);
        seen.insert(path, format!("{facts:?} {content}{MORE}{more:?}"));
    }
    seen
}

/// What comes after this in a fingerprint is not kept by an archive that is no layer: parts of a second, and overlayfs's own
/// attributes.
const MORE: &str = " and ";

/// Nothing outside is touched, no bound is passed, and what was unpacked can be packed and unpacked again the same.
pub fn archive_holds(bytes: &[u8]) {
    let mut bytes = bytes.to_vec();
    // Chance does not make a checksum right.
    for block in bytes.chunks_exact_mut(512).filter(|block| block[257..].starts_with(b"ustar")) {
        evil_tar::seal(block.try_into().expect("a chunk of 512 bytes"));
    }
    let scratch = Scratch::new();
    let canary = make_canary(&scratch);
    let before = fingerprint(&canary);
    let (out, again) = (scratch.dir("out"), scratch.dir("again"));
    let unpacked = into(&bytes, &out, &LIMITS);
    assert_eq!(fingerprint(&canary), before);
    let names = fs::list(&scratch.0).expect("list the scratch directory");
    assert_eq!(names.len(), 3, "{names:?}");
    let made = fingerprint(&out);
    assert!(made.len() as u64 <= 1 + LIMITS.entries_max + DEPTH_MAX as u64, "{} objects", made.len());
    let Ok(summary) = unpacked else { return };
    assert!(summary.size_bytes <= LIMITS.bytes_max && summary.entries <= LIMITS.entries_max);
    // What its owner cannot read is not packed by anybody but root.
    if let Ok(packed) = pack(&out) {
        into(&packed, &again, &Limits::default()).expect("what was packed can be unpacked");
        assert_eq!(relative(&again), relative(&out));
    }
}

fn pack(dir: &Path) -> Result<Vec<u8>> {
    let mut packer = Packer::new(Vec::new(), &|uid, gid| Ok((uid, gid)));
    packer.contents(fs::open_dir(dir)?.as_fd(), &mut Vec::new(), 0)?;
    packer.finish()
}

/// What is below a directory and goes into an archive: no marks of what is hidden, which are devices.
fn relative(dir: &Path) -> BTreeMap<PathBuf, String> {
    let mut seen = fingerprint(dir);
    seen.retain(|path, facts| path != dir && !facts.starts_with(&format!("({},", libc::S_IFCHR)));
    let kept = |facts: String| facts.rsplit_once(MORE).map(|(kept, _)| kept.to_owned()).expect("it was put there");
    let below = |path: PathBuf| path.strip_prefix(dir).expect("below it").to_owned();
    seen.into_iter().map(|(path, facts)| (below(path), kept(facts))).collect()
}

/// What a name hides is one name in its directory; and a layer of files of these names, one a line, hides nothing that it
/// has itself.
pub fn whiteouts_hold(bytes: &[u8]) {
    let lines: Vec<&[u8]> = bytes.split(|byte| *byte == b'\n').take(LINES_MAX).collect();
    lines.iter().for_each(|line| name_holds(line));
    // A header's name ends there.
    let lines: Vec<&[u8]> = lines.iter().filter_map(|line| line.split(|byte| *byte == 0).next()).collect();
    let entries: Vec<Entry> = lines.iter().map(|line| Entry::file(line, "x")).collect();
    archive_holds(&evil_tar::archive(&entries));
    let scratch = Scratch::new();
    let Ok(_) = into(&evil_tar::archive(&entries), &scratch.0, &LIMITS) else { return };
    let paths: Vec<Vec<u8>> = lines.iter().filter_map(|line| normalise(line).ok()).collect();
    for (index, path) in paths.iter().enumerate() {
        let is_below =
            |path: &[u8], other: &[u8]| path.strip_prefix(other).is_some_and(|rest| rest.first() == Some(&b'/'));
        // A later file takes the place of a directory, and a directory that of a file.
        let is_replaced = paths[index + 1..].iter().any(|other| is_below(path, other) || is_below(other, path));
        if !is_replaced && matches!(Hidden::parse(path), Ok(Hidden::Nothing)) {
            let path = scratch.0.join(std::ffi::OsStr::from_bytes(path));
            assert!(path.symlink_metadata().is_ok_and(|status| status.is_file()), "{}", path.display());
        }
    }
}

fn name_holds(line: &[u8]) {
    let Ok(path) = normalise(line) else { return };
    assert!(path.len() <= line.len() && path.split(|byte| *byte == b'/').count() <= DEPTH_MAX);
    if path.is_empty() {
        return;
    }
    assert_eq!(normalise(&path).ok().as_ref(), Some(&path));
    let below = |directory: &[u8], name: &[u8]| match directory {
        [] => name.to_vec(),
        directory => [directory, b"/", name].concat(),
    };
    let is_mark = |part: &[u8]| part.starts_with(b".wh.");
    match Hidden::parse(&path) {
        Ok(Hidden::Nothing) => assert!(!path.split(|byte| *byte == b'/').any(is_mark)),
        Ok(Hidden::Directory(directory)) => assert_eq!(below(directory, b".wh..wh..opq"), path),
        Ok(Hidden::Name(directory, name)) => {
            assert!(!matches!(name, b"" | b"." | b"..") && !name.contains(&b'/') && !is_mark(name));
            assert_eq!(below(directory, &[b".wh.", name].concat()), path);
        }
        Ok(Hidden::Ignored) | Err(_) => assert!(path.split(|byte| *byte == b'/').any(is_mark)),
    }
}

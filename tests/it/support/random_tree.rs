//! Trees of files that nobody would think of, the same for the same seed, and a description of a tree to compare by.

use rustix::fs::XattrFlags;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::{FileExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// A small generator of numbers: splitmix64.
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    fn name(&mut self, number: usize) -> OsString {
        let odd: [&[u8]; 10] =
            [b"plain", b"with space", b"*", b"-rf", b"new\nline", b"caf\xc3\xa9", b"\xff\xfe", b"~", b"a:b", b"$(x)"];
        let mut name = odd[self.below(odd.len() as u64) as usize].to_vec();
        name.extend_from_slice(number.to_string().as_bytes());
        if self.below(12) == 0 {
            name.resize(200, b'l');
            name.extend_from_slice(number.to_string().as_bytes());
        }
        OsString::from_vec(name)
    }
}

/// Makes a tree of `count` objects in an empty directory.
pub fn make(top: &Path, count: usize, random: &mut Random) {
    let (mut directories, mut files) = (vec![top.to_owned()], Vec::<PathBuf>::new());
    for number in 0..count {
        let parent = directories[random.below(directories.len() as u64) as usize].clone();
        let path = parent.join(random.name(number));
        match random.below(10) {
            0 | 1 => {
                std::fs::create_dir(&path).expect("mkdir");
                directories.push(path);
            }
            2 => {
                let target = ["nowhere", "/etc/passwd", "../..", ".", "plain0"][random.below(5) as usize];
                std::os::unix::fs::symlink(target, &path).expect("symlink");
            }
            3 if !files.is_empty() => {
                let first = &files[random.below(files.len() as u64) as usize];
                std::fs::hard_link(first, &path).expect("link");
            }
            4 => nix::unistd::mkfifo(&path, nix::sys::stat::Mode::from_bits_truncate(0o640)).expect("mkfifo"),
            5 => {
                let file = std::fs::File::create(&path).expect("create");
                file.set_len(4 << 20).expect("truncate");
                for _ in 0..random.below(4) {
                    file.write_all_at(b"data in a hole", random.below(4 << 20)).expect("write");
                }
                files.push(path);
            }
            _ => {
                let length = [0, 1, 511, 512, 513, 70_000, 300_000][random.below(7) as usize];
                let content: Vec<u8> = (0..length).map(|position| (position * 7 + number) as u8).collect();
                std::fs::write(&path, content).expect("write");
                let mode = [0o644, 0o600, 0o755, 0o4755, 0o444, 0o1777][random.below(6) as usize];
                if random.below(3) == 0 {
                    rustix::fs::setxattr(&path, "user.test", b"\0value=\n", XattrFlags::empty()).expect("setxattr");
                }
                std::fs::set_permissions(&path, PermissionsExt::from_mode(mode)).expect("chmod");
                files.push(path);
            }
        }
    }
}

/// Every path below `top` and what it is, but for owners, times below a second, and set-id bits.
pub fn describe(top: &Path) -> BTreeMap<Vec<u8>, String> {
    let (mut described, mut waiting) = (BTreeMap::new(), vec![top.to_owned()]);
    let mut first_links = BTreeMap::new();
    let mut paths = Vec::new();
    while let Some(directory) = waiting.pop() {
        for entry in std::fs::read_dir(&directory).expect("list") {
            let path = entry.expect("an entry").path();
            if path.symlink_metadata().expect("stat").is_dir() {
                waiting.push(path.clone());
            }
            paths.push(path);
        }
    }
    paths.sort();
    for path in paths {
        let status = path.symlink_metadata().expect("stat");
        let relative = path.strip_prefix(top).expect("it is below").as_os_str().as_bytes().to_vec();
        let first = first_links.entry((status.dev(), status.ino())).or_insert_with(|| relative.clone()).clone();
        let content = if status.is_file() {
            format!("{:x?}", &Sha256::digest(std::fs::read(&path).expect("read"))[..8])
        } else if status.is_symlink() {
            format!("{:?}", std::fs::read_link(&path).expect("read link"))
        } else {
            String::new()
        };
        let mut value = [0; 64];
        let attribute = rustix::fs::lgetxattr(&path, "user.test", &mut value[..]).unwrap_or(0);
        let holes = status.is_file() && status.blocks() * 512 < status.len() / 2;
        let link = if status.is_dir() { Vec::new() } else { first };
        let text = format!(
            "{:o} {} {} {content} {:?} {holes} {:?}",
            status.mode() & !0o6000,
            if status.is_file() { status.len() } else { 0 },
            status.mtime(),
            &value[..attribute],
            String::from_utf8_lossy(&link)
        );
        described.insert(relative, text);
    }
    described
}

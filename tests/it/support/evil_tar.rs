//! Writes tar archives byte by byte, well-formed or not, and knows the classic ways to escape from an extractor.
//!
//! It uses nothing but the standard library, so that unit tests and integration tests can both include it.

#![allow(dead_code, clippy::disallowed_methods)]

use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// What stands in the magic field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Magic {
    Old,
    Ustar,
    Gnu,
}

/// One entry; every field can lie.
#[derive(Clone, Debug)]
pub struct Entry {
    pub path: Vec<u8>,
    pub flag: u8,
    pub link: Vec<u8>,
    pub mode: u32,
    pub uid: u64,
    pub gid: u64,
    pub mtime: u64,
    pub data: Vec<u8>,
    /// The size field as raw bytes, in place of the true size.
    pub size_field: Option<Vec<u8>>,
    pub magic: Magic,
    /// Records of a PAX header before the entry.
    pub pax: Vec<(String, Vec<u8>)>,
}

impl Entry {
    pub fn new(flag: u8, path: impl AsRef<[u8]>) -> Self {
        Self {
            path: path.as_ref().to_vec(),
            flag,
            link: Vec::new(),
            mode: 0o644,
            uid: 0,
            gid: 0,
            mtime: 1_000_000_000,
            data: Vec::new(),
            size_field: None,
            magic: Magic::Ustar,
            pax: Vec::new(),
        }
    }

    pub fn file(path: impl AsRef<[u8]>, data: impl AsRef<[u8]>) -> Self {
        Self { data: data.as_ref().to_vec(), ..Self::new(b'0', path) }
    }

    pub fn dir(path: impl AsRef<[u8]>) -> Self {
        Self { mode: 0o755, ..Self::new(b'5', path) }
    }

    pub fn symlink(path: impl AsRef<[u8]>, target: impl AsRef<[u8]>) -> Self {
        Self { link: target.as_ref().to_vec(), mode: 0o777, ..Self::new(b'2', path) }
    }

    pub fn hard_link(path: impl AsRef<[u8]>, target: impl AsRef<[u8]>) -> Self {
        Self { link: target.as_ref().to_vec(), ..Self::new(b'1', path) }
    }

    pub fn fifo(path: impl AsRef<[u8]>) -> Self {
        Self::new(b'6', path)
    }

    pub fn mode(self, mode: u32) -> Self {
        Self { mode, ..self }
    }

    pub fn magic(self, magic: Magic) -> Self {
        Self { magic, ..self }
    }

    pub fn size_field(self, field: impl AsRef<[u8]>) -> Self {
        Self { size_field: Some(field.as_ref().to_vec()), ..self }
    }

    pub fn pax(mut self, key: &str, value: impl AsRef<[u8]>) -> Self {
        self.pax.push((key.to_owned(), value.as_ref().to_vec()));
        self
    }

    /// The entry with its extension headers. Names too long for the header go into a PAX header.
    pub fn bytes(&self) -> Vec<u8> {
        let mut pax = self.pax.clone();
        if self.path.len() > 100 {
            pax.push(("path".to_owned(), self.path.clone()));
        }
        if self.link.len() > 100 {
            pax.push(("linkpath".to_owned(), self.link.clone()));
        }
        let mut bytes = Vec::new();
        if !pax.is_empty() {
            let records: Vec<u8> = pax.iter().flat_map(|(key, value)| pax_record(key, value)).collect();
            bytes.extend(extension(b'x', &records));
        }
        bytes.extend(self.header());
        bytes.extend(padded(&self.data));
        bytes
    }

    fn header(&self) -> [u8; 512] {
        let mut block = [0; 512];
        put(&mut block[..100], &self.path);
        put(&mut block[100..107], format!("{:07o}", self.mode).as_bytes());
        put_number(&mut block[108..116], self.uid);
        put_number(&mut block[116..124], self.gid);
        match &self.size_field {
            Some(field) => put(&mut block[124..136], field),
            None => put(&mut block[124..135], format!("{:011o}", self.data.len()).as_bytes()),
        }
        put(&mut block[136..147], format!("{:011o}", self.mtime).as_bytes());
        block[156] = self.flag;
        put(&mut block[157..257], &self.link);
        match self.magic {
            Magic::Old => {}
            Magic::Ustar => put(&mut block[257..265], b"ustar\x0000"),
            Magic::Gnu => put(&mut block[257..265], b"ustar  \0"),
        }
        seal(&mut block);
        block
    }
}

/// `LENGTH KEY=VALUE\n`, where the length counts itself.
pub fn pax_record(key: &str, value: &[u8]) -> Vec<u8> {
    let rest = key.len() + value.len() + 3;
    let mut length = rest + 1;
    while rest + length.to_string().len() != length {
        length += 1;
    }
    [format!("{length} {key}=").as_bytes(), value, b"\n"].concat()
}

/// An extension header (`x`, `g`, `L`, `K`) with its payload.
pub fn extension(flag: u8, payload: &[u8]) -> Vec<u8> {
    let magic = if matches!(flag, b'L' | b'K') { Magic::Gnu } else { Magic::Ustar };
    Entry { flag, magic, ..Entry::file("././@extension", payload) }.bytes()
}

/// Makes the checksum right.
pub fn seal(block: &mut [u8; 512]) {
    block[148..156].fill(b' ');
    let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
    put(&mut block[148..156], format!("{sum:06o}\0 ").as_bytes());
}

pub fn padded(data: &[u8]) -> Vec<u8> {
    let mut bytes = data.to_vec();
    bytes.resize(data.len().next_multiple_of(512), 0);
    bytes
}

/// A whole archive.
pub fn archive(entries: &[Entry]) -> Vec<u8> {
    let mut bytes: Vec<u8> = entries.iter().flat_map(Entry::bytes).collect();
    bytes.extend([0; 1024]);
    bytes
}

fn put(field: &mut [u8], value: &[u8]) {
    let length = value.len().min(field.len());
    field[..length].copy_from_slice(&value[..length]);
}

fn put_number(field: &mut [u8], value: u64) {
    if value < 1 << 21 {
        put(&mut field[..7], format!("{value:07o}").as_bytes());
    } else {
        field[1..8].copy_from_slice(&value.to_be_bytes()[1..]);
        field[0] = 0x80;
    }
}

/// A named archive that tries to change `canary`, a directory outside of where it is unpacked. The canary has a file
/// `secret`, a directory `dir` and in it a file `deep`.
pub struct Attack {
    pub name: String,
    pub bytes: Vec<u8>,
}

/// Every attack of the families "link escape" and "metadata through a link".
pub fn attacks(canary: &Path) -> Vec<Attack> {
    let mut attacks = Vec::new();
    let mut add = |name: String, entries: &[Entry]| attacks.push(Attack { name, bytes: archive(entries) });
    for (link_name, links, through) in link_variants(canary.as_os_str().as_bytes()) {
        for (act_name, acts) in acts(&through) {
            add(format!("{link_name}: {act_name}"), &[links.clone(), acts].concat());
        }
    }
    for (name, entries) in direct_attacks(canary.as_os_str().as_bytes()) {
        add(name, &entries);
    }
    attacks
}

/// Links whose names then lead to the canary, and the path by which they do.
fn link_variants(canary: &[u8]) -> Vec<(String, Vec<Entry>, Vec<u8>)> {
    let below_root = canary.strip_prefix(b"/").unwrap_or(canary);
    let climb = "../".repeat(30);
    let one = |target: Vec<u8>| vec![Entry::symlink("l", target)];
    let under = |name: &str, rest: &[u8]| [name.as_bytes(), b"/", rest].concat();
    vec![
        ("absolute link".into(), one(canary.to_vec()), b"l".to_vec()),
        ("relative link".into(), one([climb.as_bytes(), below_root].concat()), b"l".to_vec()),
        ("link to the root".into(), one(b"/".to_vec()), under("l", below_root)),
        ("link up".into(), one(climb.clone().into_bytes()), under("l", below_root)),
        ("link by proc".into(), one([b"/proc/self/root", canary].concat()), b"l".to_vec()),
        (
            "chain of links".into(),
            vec![Entry::symlink("a", canary), Entry::symlink("b", "a"), Entry::symlink("l", "b")],
            b"l".to_vec(),
        ),
        (
            "directory turned link".into(),
            vec![Entry::dir("l"), Entry::file("l/x", "x"), Entry::symlink("l", canary)],
            b"l".to_vec(),
        ),
        ("link of bytes".into(), vec![Entry::symlink(b"l\xff\xfe", canary)], b"l\xff\xfe".to_vec()),
        ("link with dots".into(), one([b"/./", below_root, b"/dir/.."].concat()), b"./l/.".to_vec()),
        ("link in old format".into(), vec![Entry::symlink("l", canary).magic(Magic::Old)], b"l".to_vec()),
    ]
}

/// What is done to a path that leads to the canary.
fn acts(through: &[u8]) -> Vec<(String, Vec<Entry>)> {
    let at = |rest: &str| [through, rest.as_bytes()].concat();
    let evil = |path: Vec<u8>| Entry::file(path, "evil").mode(0o4777);
    vec![
        ("new file".into(), vec![evil(at("/owned"))]),
        ("overwrite".into(), vec![evil(at("/secret"))]),
        ("deep overwrite".into(), vec![evil(at("/dir/deep"))]),
        ("new directory".into(), vec![Entry::dir(at("/owned")).mode(0o777)]),
        ("directory metadata".into(), vec![Entry::dir(at("/dir")).mode(0o777)]),
        ("metadata of the link itself".into(), vec![Entry::dir(through).mode(0o777)]),
        ("fifo".into(), vec![Entry::fifo(at("/owned"))]),
        ("link out there".into(), vec![Entry::symlink(at("/owned"), "secret")]),
        ("steal by hard link".into(), vec![Entry::hard_link("stolen", at("/secret")), evil(b"stolen".to_vec())]),
        ("whiteout".into(), vec![Entry::file(at("/.wh.secret"), "")]),
        ("opaque".into(), vec![Entry::file(at("/.wh..wh..opq"), "")]),
    ]
}

fn direct_attacks(canary: &[u8]) -> Vec<(String, Vec<Entry>)> {
    let below_root = canary.strip_prefix(b"/").unwrap_or(canary);
    let secret = [canary, b"/secret"].concat();
    let climb = [b"../".repeat(30), below_root.to_vec(), b"/secret".to_vec()].concat();
    let evil = |path: &[u8]| Entry::file(path, "evil").mode(0o777);
    let mut all = Vec::new();
    for (name, path) in [
        ("absolute", secret.clone()),
        ("climbing", climb.clone()),
        ("climbing from a directory", [b"a/b/", &climb[..]].concat()),
        ("slashes", [b"////", &secret[..]].concat()),
        ("dots in between", [b"./a/../", &climb[..]].concat()),
    ] {
        all.push((format!("{name} path"), vec![evil(&path)]));
        all.push((format!("{name} path in PAX"), vec![evil(b"harmless").pax("path", &path)]));
        all.push((format!("{name} hard link"), vec![Entry::hard_link("stolen", &path), evil(b"stolen")]));
        all.push((format!("{name} link, then the name"), vec![Entry::symlink("l", &path), evil(b"l")]));
        all.push((
            format!("{name} hard link to a link"),
            vec![Entry::symlink("l", &path), Entry::hard_link("h", "l"), evil(b"h")],
        ));
        let mut folder = path[..path.len() - b"secret".len()].to_vec();
        folder.extend(b".wh.secret");
        all.push((format!("{name} whiteout"), vec![evil(&folder)]));
    }
    for name in
        [".wh.", ".wh..", ".wh...", "a/.wh...", ".wh.../secret", ".wh./x", "..", "../", "a/..", ".wh..wh..opq/x"]
    {
        all.push((format!("name {name}"), vec![Entry::dir("a"), evil(name.as_bytes())]));
    }
    for kind in [b'3', b'4'] {
        all.push((format!("device {}", char::from(kind)), vec![Entry::new(kind, &secret)]));
    }
    all.push(("path of 4097 bytes".into(), vec![evil("a/".repeat(2048).as_bytes()), evil(&b"x".repeat(4097))]));
    all.push(("name with a NUL in PAX".into(), vec![evil(b"x").pax("path", b"x\0/../../secret")]));
    all.push(("case twins".into(), vec![Entry::symlink("L", canary), evil(b"l/secret"), evil(b"L/secret")]));
    all.push((
        "link to a file, then data".into(),
        vec![Entry::symlink("f", &secret), evil(b"f"), Entry::symlink("f", &secret), evil(b"f")],
    ));
    all.push((
        "link, hard link, then directory".into(),
        vec![Entry::symlink("l", canary), Entry::hard_link("m", "l"), Entry::dir("m"), evil(b"m/secret")],
    ));
    all
}

//! Hostile archives against the unpacker. Each family has a control that shows the attack to be real.

use super::property::{self, Scratch, evil_tar, fingerprint, make_canary};
use super::tar::Archive;
use super::*;
use crate::store::digest::Digest;
use crate::store::layers::Compression;
use evil_tar::{Entry, Magic, archive, extension, pax_record};
use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::TestRunner;
use std::io::{Read, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::time::{Duration, Instant};

fn into(bytes: &[u8], dir: &Path) -> Result<Summary> {
    property::into(bytes, dir, &Limits::default())
}

#[test]
fn nothing_outside_is_touched() {
    let scratch = Scratch::new();
    let canary = make_canary(&scratch);
    let before = fingerprint(&canary);
    let attacks = evil_tar::attacks(&canary);
    assert!(attacks.len() >= 60, "{}", attacks.len());
    for (number, attack) in attacks.iter().enumerate() {
        let _ = into(&attack.bytes, &scratch.dir(&number.to_string()));
        assert!(fingerprint(&canary) == before, "{}", attack.name);
        // The working directory is no way out either.
        assert!(!Path::new("stolen").exists() && !Path::new("owned").exists(), "{}", attack.name);
    }
}

/// Joins paths, as one should not.
fn naive(bytes: &[u8], dir: &Path) -> std::io::Result<()> {
    for entry in ::tar::Archive::new(bytes).entries()? {
        let mut entry = entry?;
        let path = dir.join(entry.path()?);
        let link = entry.link_name()?.map(|link| link.into_owned()).unwrap_or_default();
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        if let Some(hidden) = name.strip_prefix(".wh.") {
            let _ = std::fs::remove_file(path.with_file_name(hidden));
            continue;
        }
        match entry.header().entry_type() {
            ::tar::EntryType::Directory => {
                let _ = std::fs::create_dir(&path);
            }
            ::tar::EntryType::Symlink => {
                let _ = std::fs::remove_dir_all(&path);
                std::os::unix::fs::symlink(link, &path)?;
                continue;
            }
            ::tar::EntryType::Link => std::fs::hard_link(dir.join(link), &path)?,
            ::tar::EntryType::Fifo => {
                rustix::fs::mknodat(rustix::fs::CWD, &path, rustix::fs::FileType::Fifo, rustix::fs::Mode::RUSR, 0)?;
                continue;
            }
            _ => {
                let mut data = Vec::new();
                entry.read_to_end(&mut data)?;
                std::fs::write(&path, data)?;
            }
        }
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(entry.header().mode()?))?;
    }
    Ok(())
}

#[test]
fn the_attacks_are_real() {
    let scratch = Scratch::new();
    let attacks = evil_tar::attacks(&scratch.0.join("canary"));
    let mut hits = 0;
    for attack in &attacks {
        let before = fingerprint(&make_canary(&scratch));
        let _ = naive(&attack.bytes, &scratch.dir("out"));
        hits += usize::from(fingerprint(&scratch.0.join("canary")) != before);
        for name in ["canary", "out"] {
            std::fs::remove_dir_all(scratch.0.join(name)).unwrap();
        }
    }
    assert!(hits >= 60, "{hits} of {} attacks reach the canary by a naive extractor", attacks.len());
}

/// What the tree came to, one word per name: kind, path, and `!` for an opaque directory. Hidden names are `w`.
fn listing(dir: &Path) -> String {
    let mut words = Vec::new();
    for path in fingerprint(dir).into_keys() {
        let kind = rustix::fs::FileType::from_raw_mode(path.symlink_metadata().unwrap().mode());
        let letter = match kind {
            rustix::fs::FileType::Directory => "d",
            rustix::fs::FileType::Symlink => "l",
            rustix::fs::FileType::CharacterDevice => "w",
            rustix::fs::FileType::Fifo => "p",
            _ => "f",
        };
        let opaque = rustix::fs::lgetxattr(&path, "user.overlay.opaque", &mut [0; 8]).is_ok();
        let name = path.strip_prefix(dir).unwrap().display();
        words.push(format!("{letter}:{name}{}", if opaque { "!" } else { "" }));
    }
    words[1..].join(" ")
}

#[test]
fn whiteouts_hide_only_what_lies_below() {
    let d = |path: &str| Entry::dir(path);
    let f = |path: &str| Entry::file(path, "x");
    let l = |path: &str, target: &str| Entry::symlink(path, target);
    let table: Vec<(Vec<Entry>, Option<&str>)> = vec![
        (vec![f(".wh.a")], Some("w:a")),
        (vec![d("d"), f("d/.wh.a")], Some("d:d w:d/a")),
        (vec![f("d/e/.wh.a")], Some("d:d d:d/e w:d/e/a")),
        (vec![f("a"), f(".wh.a")], Some("f:a")),
        (vec![f(".wh.a"), f("a")], Some("f:a")),
        (vec![d("a"), f("a/x"), f(".wh.a")], Some("d:a! f:a/x")),
        (vec![f(".wh.a"), d("a"), f("a/x")], Some("d:a! f:a/x")),
        (vec![f(".wh.a"), f("a/x")], Some("d:a! f:a/x")),
        (vec![f(".wh.a"), f(".wh.a")], Some("w:a")),
        (vec![d("d"), f("d/.wh..wh..opq"), f("d/x")], Some("d:d! f:d/x")),
        (vec![f("d/x"), f("d/.wh..wh..opq")], Some("d:d! f:d/x")),
        (vec![f("d/.wh..wh..opq")], Some("d:d!")),
        (vec![l("l", "d"), d("d"), f("l/.wh.a")], Some("d:d w:d/a l:l")),
        (vec![l("l", "d"), d("d"), f("l/.wh..wh..opq")], Some("d:d! l:l")),
        (vec![l("a", "b"), f(".wh.a")], Some("l:a")),
        (vec![l("l", "/gone"), f("l/.wh.a")], None),
        (vec![f(".wh..wh.aufs"), d(".wh..wh.plnk"), f(".wh..wh.plnk/12.34")], Some("")),
        (vec![f(".wh.")], None),
        (vec![f(".wh..")], None),
        (vec![f(".wh...")], None),
        (vec![f("d/.wh...")], None),
        (vec![f("../.wh.a")], None),
        (vec![f(".wh.a/b")], None),
        (vec![f("/.wh.a")], Some("w:a")),
        (vec![f("a"), d("a")], Some("d:a!")),
        (vec![d("a"), f("a/x"), f("a")], Some("f:a")),
        (vec![d("a"), f("a/x"), d("a")], Some("d:a f:a/x")),
        (vec![Entry::new(b'3', "dev")], Some("")),
    ];
    for (entries, expected) in table {
        let scratch = Scratch::new();
        let result = into(&archive(&entries), &scratch.0);
        let names: Vec<_> = entries.iter().map(|entry| String::from_utf8_lossy(&entry.path)).collect();
        assert_eq!(result.is_ok(), expected.is_some(), "{names:?}: {result:?}");
        if let Some(expected) = expected {
            assert_eq!(listing(&scratch.0), expected, "{names:?}");
        }
    }
    let scratch = Scratch::new();
    assert!(into(&archive(&[f(".wh..wh..opq")]), &scratch.0).unwrap().is_opaque);
}

#[test]
fn metadata_goes_to_the_entry_itself() {
    let scratch = Scratch::new();
    let capability = [1, 0, 0, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    let mut file = Entry::file("bin/x", "program").mode(0o4755).pax("mtime", "12.5").pax("SCHILY.xattr.user.a", "b");
    let is_root = Ids::of_this_process().unwrap() == Ids::All;
    if is_root {
        file = file.pax("SCHILY.xattr.security.capability", capability);
    }
    file.uid = 33;
    let link = Entry::hard_link("bin/y", "/bin/x");
    let entries = [Entry::dir("bin").mode(0o1777), file, link, Entry::symlink("s", "bin/x"), Entry::fifo("p")];
    let summary = into(&archive(&entries), &scratch.0).unwrap();
    assert_eq!((summary.entries, summary.size_bytes), (5, 7));
    let status = scratch.0.join("bin/y").symlink_metadata().unwrap();
    assert_eq!((status.mode(), status.mtime(), status.mtime_nsec()), (0o104_755, 12, 500_000_000));
    assert_eq!((status.nlink(), status.uid()), (2, if is_root { 33 } else { status.uid() }));
    let path = scratch.0.join("bin/x");
    assert_eq!(rustix::fs::lgetxattr(&path, "user.a", &mut [0; 8]).unwrap(), 1);
    assert_eq!(rustix::fs::lgetxattr(&path, "security.capability", &mut [0; 64]).is_ok(), is_root);
    let dir = scratch.0.join("bin").symlink_metadata().unwrap();
    assert_eq!((dir.mode(), dir.mtime()), (0o41_777, 1_000_000_000));
    assert_eq!(scratch.0.join("s").symlink_metadata().unwrap().mtime(), 1_000_000_000);
}

#[test]
fn foreign_attributes_are_dropped() {
    let scratch = Scratch::new();
    let mut dir = Entry::dir("d");
    for name in ["user.overlay.opaque", "user.overlay.redirect", "trusted.overlay.opaque", "system.posix_acl_access"]
    {
        dir = dir.pax(&format!("SCHILY.xattr.{name}"), "y");
    }
    into(&archive(&[dir, Entry::file("f", "").pax("SCHILY.xattr.security.selinux", "x")]), &scratch.0).unwrap();
    for name in ["d", "f"] {
        let mut names = [0; 256];
        let length = rustix::fs::llistxattr(scratch.0.join(name), &mut names).unwrap();
        assert_eq!(length, 0, "{:?}", String::from_utf8_lossy(&names[..length]));
    }
}

#[test]
fn an_id_that_chown_cannot_give_is_an_error() {
    let mut entry = Entry::file("f", "");
    entry.uid = u64::from(u32::MAX);
    assert!(into(&archive(&[entry]), &Scratch::new().0).is_err());
}

#[test]
fn sparse_files_have_their_holes() {
    // GNU's own format: two extents, the second block of data short.
    let mut block: [u8; 512] = Entry::file("s", "").magic(Magic::Gnu).bytes()[..512].try_into().unwrap();
    block[156] = b'S';
    for (slot, text) in [(124, 515), (386, 1024), (398, 512), (410, 1 << 20), (422, 3), (483, (1 << 20) + 100)] {
        block[slot..slot + 12].copy_from_slice(format!("{text:011o}\0").as_bytes());
    }
    evil_tar::seal(&mut block);
    let old = [&block[..], &[b'a'; 512], &evil_tar::padded(b"end"), &[0; 1024]].concat();
    // PAX 1.0: the map is at the start of the data.
    let map = evil_tar::padded(b"2\n1024\n512\n1048576\n3\n");
    let entry = Entry::file("GNUSparseFile.0/s", [&map[..], &[b'a'; 512], b"end"].concat())
        .pax("GNU.sparse.major", "1")
        .pax("GNU.sparse.minor", "0")
        .pax("GNU.sparse.name", "s")
        .pax("GNU.sparse.realsize", "1048676");
    for bytes in [old, archive(&[entry])] {
        let scratch = Scratch::new();
        into(&bytes, &scratch.0).unwrap();
        let content = std::fs::read(scratch.0.join("s")).unwrap();
        let mut expected = vec![0; (1 << 20) + 100];
        expected[1024..1536].fill(b'a');
        expected[1 << 20..(1 << 20) + 3].copy_from_slice(b"end");
        assert!(content == expected);
        assert!(scratch.0.join("s").metadata().unwrap().blocks() < 100);
    }
}

#[test]
fn headers_that_ask_for_memory_are_refused() {
    let huge = |flag, size: &str| Entry::new(flag, "x").magic(Magic::Gnu).size_field(size).bytes();
    let sparse_lines = |text: &[u8]| {
        archive(&[Entry::file("x", evil_tar::padded(text))
            .pax("GNU.sparse.major", "1")
            .pax("GNU.sparse.minor", "0")
            .pax("GNU.sparse.realsize", "1")])
    };
    let mut endless_map = Entry::new(b'S', "x").magic(Magic::Gnu).bytes();
    endless_map[482] = 1;
    for (name, bytes) in [
        ("PAX of 4 GiB", huge(b'x', "40000000000")),
        ("global PAX of 4 GiB", huge(b'g', "40000000000")),
        ("long name of 1 GiB", huge(b'L', "10000000000")),
        ("long link of 1 GiB", huge(b'K', "10000000000")),
        ("sparse map of 10^9", sparse_lines(b"1000000000\n")),
        ("sparse map without lines", sparse_lines(&[b'1'; 4096])),
        ("endless sparse map", endless_map),
        ("attributes", archive(&[Entry::file("x", "").pax("SCHILY.xattr.user.a", [b'x'; 70_000])])),
        ("long path", archive(&[Entry::file("x", "").pax("path", [b'x'; 5000])])),
        ("deep path", archive(&[Entry::file("a/".repeat(1500) + "x", "")])),
    ] {
        assert!(into(&bytes, &Scratch::new().0).is_err(), "{name}");
    }
}

#[test]
fn entries_are_counted_with_the_directories_they_imply() {
    let limits = Limits { entries_max: 10, ..Limits::default() };
    let bytes = archive(&[Entry::file("a/b/c/d/e/f/g/h/i/j", ""), Entry::file("x", "")]);
    let scratch = Scratch::new();
    let dir = std::fs::File::open(&scratch.0).unwrap().into();
    assert!(unpack(&bytes[..], dir, Ids::One, &limits).is_err());
    assert!(into(&bytes, &Scratch::new().0).is_ok());
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn bombs_end_early() {
    let zeros = vec![0; 128 << 20];
    let member = gzip(b"");
    let start = Instant::now();
    let limits = Limits::default();
    let small = Limits { bytes_max: 1 << 20, ..Limits::default() };
    let window = [0x28, 0xb5, 0x2f, 0xfd, 0, 0xa8, 1, 0, 0];
    let good = gzip(&archive(&[Entry::file("x", "x")]));
    for (name, bytes, compression, limits) in [
        ("gzip of zeros", gzip(&zeros), Compression::Gzip, &small),
        ("zstd of zeros", zstd::encode_all(&zeros[..], 1).unwrap(), Compression::Zstd, &limits),
        ("zstd window of 2 GiB", window.to_vec(), Compression::Zstd, &limits),
        ("garbage tail", [&good[..], b"garbage"].concat(), Compression::Gzip, &limits),
        ("truncated", good[..good.len() - 9].to_vec(), Compression::Gzip, &limits),
        ("xz", b"\xfd7zXZ\0\0\x04".to_vec(), Compression::Gzip, &limits),
        ("endless plain stream", zeros.clone(), Compression::None, &small),
    ] {
        let result = decompress(&bytes[..], compression, limits, |plain| Archive::new(plain).drain());
        assert!(result.is_err(), "{name}");
    }
    let members = member.repeat(200_000);
    let (_, digest, _) =
        decompress(&members[..], Compression::Gzip, &limits, |plain| Archive::new(plain).drain()).unwrap();
    assert_eq!(digest, Digest::of(b""));
    assert!(start.elapsed() < Duration::from_secs(10));
}

#[test]
fn the_digest_covers_what_follows_the_archive() {
    let bytes = [archive(&[Entry::file("x", "x")]), vec![7; 300_000]].concat();
    let compressed = [gzip(&bytes[..1000]), gzip(&bytes[1000..])].concat();
    let scratch = Scratch::new();
    let limits = Limits::default();
    let (summary, digest, _) = decompress(&compressed[..], Compression::Gzip, &limits, |plain| {
        unpack(plain, std::fs::File::open(&scratch.0).unwrap().into(), Ids::One, &limits)
    })
    .unwrap();
    assert_eq!((summary.entries, digest), (1, Digest::of(&bytes)));
}

/// Archives whose headers contradict each other, with a second archive as the data of an entry.
fn contradictions() -> Vec<(String, Vec<u8>)> {
    let inner = archive(&[Entry::file("smuggled", "smuggled")]);
    let inner = &inner[..1024];
    let mut all = Vec::new();
    for flag in [b'0', 0, b'7', b'1', b'2', b'5', b'6', b'V'] {
        for magic in [Magic::Old, Magic::Ustar, Magic::Gnu] {
            for (size_name, size) in [
                ("true", None),
                ("zero", Some(&b"00000000000\0"[..])),
                ("half", Some(b"00000001000\0")),
                ("base 256", Some(b"\x80\0\0\0\0\0\0\0\0\0\x04\0")),
            ] {
                for (pax_name, pax) in [
                    ("no", vec![]),
                    ("true size", vec![("size", "1024")]),
                    ("no size", vec![("size", "0")]),
                    ("bad size", vec![("size", "0x400")]),
                    ("two sizes", vec![("size", "0"), ("size", "1024")]),
                ] {
                    let mut entry = Entry::file("outer", inner).magic(magic);
                    entry.flag = flag;
                    if matches!(flag, b'1' | b'2') {
                        entry.link = b"target".to_vec();
                    }
                    entry.size_field = size.map(<[u8]>::to_vec);
                    entry.pax =
                        pax.iter().map(|(key, value)| ((*key).to_owned(), value.as_bytes().to_vec())).collect();
                    let name = format!("{:?} {magic:?} size {size_name} pax {pax_name}", char::from(flag));
                    all.push((name, archive(&[Entry::file("first", "1"), entry, Entry::file("last", "2")])));
                }
            }
        }
    }
    for (name, prefix) in [
        ("long name", extension(b'L', b"longname\0")),
        ("long name after PAX", [extension(b'x', &pax_record("size", b"1024")), extension(b'L', b"a\0")].concat()),
        ("PAX after long name", [extension(b'L', b"a\0"), extension(b'x', &pax_record("path", b"b"))].concat()),
        ("two long names", [extension(b'L', b"a\0"), extension(b'L', b"b\0")].concat()),
        ("long name with a NUL", extension(b'L', b"a\0b\0")),
        ("global size", extension(b'g', &pax_record("size", b"0"))),
        ("global path", extension(b'g', &pax_record("path", b"b"))),
        ("global comment", extension(b'g', &pax_record("comment", b"b"))),
        ("PAX cut short", extension(b'x', b"99 path=b\n")),
        ("zero block", vec![0; 512]),
    ] {
        let bytes = [prefix, archive(&[Entry::file("outer", inner), Entry::file("last", "2")])].concat();
        all.push((name.to_owned(), bytes));
    }
    all
}

/// The members as the unpacker sees them, or None if it refuses.
fn members(bytes: &[u8]) -> Option<Vec<String>> {
    let mut archive = Archive::new(bytes);
    let mut names = Vec::new();
    while let Some(member) = archive.next().ok()? {
        names.push(format!("{} {}", String::from_utf8_lossy(&normalise(&member.path).ok()?), member.size));
    }
    Some(names)
}

/// What another program lists for the numbered files in a directory. None if it is not installed.
fn reference(program: &[&str], dir: &Path) -> Option<Vec<Vec<String>>> {
    let output = std::process::Command::new(program[0]).args(&program[1..]).current_dir(dir).output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let lists: Vec<_> = text.split("==\n").map(|list| list.lines().map(str::to_owned).collect()).collect();
    (output.status.success() && lists.len() > 1).then_some(lists)
}

const PYTHON: &str = "
import tarfile, os
for number in range(len(os.listdir('.'))):
    try:
        for member in tarfile.open(str(number), 'r:'):
            print(member.name.strip('/'), member.size if member.isreg() else 0)
    except Exception:
        print('error')
    print('==')
";

const GNU_TAR: &str = "
number=0
while [ -e $number ]; do
    LC_ALL=C tar --numeric-owner -tvf $number 2>/dev/null |
        sed -E 's/^(.)[^ ]* +[^ ]+ +([0-9]+) [^ ]+ [^ ]+ ([^ ]*).*/\\3 \\1\\2/; s,/ , ,; s/ [-C]/ /; s/ [a-zA-Z][0-9]+$/ 0/'
    [ ${PIPESTATUS[0]} = 0 ] || echo error
    echo ==
    number=$((number + 1))
done
";

#[test]
fn what_is_accepted_is_what_others_see() {
    let scratch = Scratch::new();
    let all = contradictions();
    assert!(all.len() >= 400);
    for (number, (_, bytes)) in all.iter().enumerate() {
        std::fs::write(scratch.0.join(number.to_string()), bytes).unwrap();
    }
    let references: Vec<_> = [&["python3", "-c", PYTHON][..], &["bash", "-c", GNU_TAR]]
        .iter()
        .filter_map(|program| reference(program, &scratch.0))
        .collect();
    eprintln!("compared with {} of 2 other programs", references.len());
    let mut accepted = 0;
    for (number, (name, bytes)) in all.iter().enumerate() {
        let Some(ours) = members(bytes) else { continue };
        accepted += 1;
        for theirs in &references {
            // A program that found an error has no opinion about what comes after it.
            let theirs = &theirs[number];
            let is_same = match theirs.iter().position(|line| line == "error") {
                Some(end) => ours.starts_with(&theirs[..end]),
                None => ours == *theirs,
            };
            assert!(is_same, "{name}: {ours:?} is not {theirs:?}");
        }
    }
    assert!(accepted >= 30, "{accepted}");
}

#[test]
fn data_is_never_taken_for_an_entry() {
    for (name, bytes) in contradictions() {
        // Where the header says that there is no data, the inner archive does stand among the entries.
        let has_data = !["zero", "no size", "half"].iter().any(|part| name.contains(part));
        if let Some(members) = members(&bytes)
            && has_data
            && !name.starts_with("'1'")
        {
            assert!(!members.iter().any(|member| member.starts_with("smuggled")), "{name}: {members:?}");
        }
    }
}

#[test]
fn random_bytes_do_no_harm() {
    let limits = Limits { bytes_max: 1 << 20, ..Limits::default() };
    let strategy = proptest::collection::vec(any::<u8>(), 0..5000);
    let tried = runner().run(&strategy, |bytes| {
        property::archive_holds(&bytes);
        for compression in [Compression::Gzip, Compression::Zstd] {
            let _ = decompress(&bytes[..], compression, &limits, |plain| Archive::new(plain).drain());
        }
        Ok(())
    });
    tried.unwrap();
}

#[test]
fn mutated_attacks_do_no_harm() {
    let scratch = Scratch::new();
    let attacks = evil_tar::attacks(&scratch.0.join("canary"));
    let flips = proptest::collection::vec((any::<Index>(), any::<u8>()), 1..8);
    let tried = runner().run(&(any::<Index>(), flips), |(choice, flips)| {
        let mut bytes = choice.get(&attacks).bytes.clone();
        for (place, value) in flips {
            let place = place.index(bytes.len());
            bytes[place] = value;
        }
        property::archive_holds(&bytes);
        Ok(())
    });
    tried.unwrap();
}

#[test]
fn random_names_hide_nothing_else() {
    let name = "(/|\\.wh\\.|\\.wh\\.\\.opq|\\.\\.?|[ab]){0,5}";
    let tried = runner().run(&proptest::collection::vec(name, 0..8), |lines| {
        property::whiteouts_hold(lines.join("\n").as_bytes());
        Ok(())
    });
    tried.unwrap();
}

fn runner() -> TestRunner {
    TestRunner::new(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })
}

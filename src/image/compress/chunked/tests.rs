use super::*;
use crate::store::unpack::property::evil_tar::{Entry, archive};
use serde_json::Value;

fn made(plain: &[u8]) -> (Vec<u8>, BTreeMap<String, String>) {
    let mut out = Vec::new();
    let annotations = compress(plain, &mut out, 3, 2).unwrap();
    assert!(zstd::stream::decode_all(out.as_slice()).unwrap() == plain);
    (out, annotations)
}

fn numbers(annotations: &BTreeMap<String, String>, key: &str) -> Vec<usize> {
    let text = &annotations[&format!("io.github.containers.zstd-chunked.{key}")];
    text.split(':').map(|number| number.parse().unwrap()).collect()
}

fn content(bytes: usize) -> Vec<u8> {
    (0..bytes).map(|at| (at.wrapping_mul(2_654_435_761) >> 11) as u8).collect()
}

#[test]
fn each_piece_of_a_file_is_a_frame_that_the_table_names() {
    let large = content(CHUNK_BYTES * 2 + 7);
    let entries = [
        Entry::dir("d/"),
        Entry::file("d/small", "few").pax("SCHILY.xattr.user.a", "b"),
        Entry::file("d/empty", ""),
        Entry::file("d/large", &large),
        Entry::symlink("d/link", "small"),
        Entry::hard_link("d/hard", "d/small"),
    ];
    let plain = archive(&entries);
    let (blob, annotations) = made(&plain);
    let position = numbers(&annotations, "manifest-position");
    let table = zstd::stream::decode_all(&blob[position[0]..position[0] + position[1]]).unwrap();
    assert_eq!((table.len(), position[3]), (position[2], 1));
    let table: Value = serde_json::from_slice(&table).unwrap();
    let listed = table["entries"].as_array().unwrap();
    let names: Vec<&str> = listed.iter().map(|entry| entry["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["d/", "d/small", "d/empty", "d/large", "d/large", "d/large", "d/link", "d/hard"]);
    assert_eq!(listed[1]["xattrs"]["user.a"], "Yg==");
    assert_eq!((&listed[6]["linkName"], &listed[7]["type"]), (&"small".into(), &"hardlink".into()));
    let at = |entry: usize, key: &str| listed[entry][key].as_u64().unwrap() as usize;
    let frame = |from, to| zstd::stream::decode_all(&blob[from..to]).unwrap();
    assert_eq!(frame(at(1, "offset"), at(1, "endOffset")), b"few");
    assert!(frame(at(3, "offset"), at(3, "endOffset")) == large);
    assert!(frame(at(4, "offset"), at(5, "offset")) == large[CHUNK_BYTES..2 * CHUNK_BYTES]);
    // The lines between the files, with those, are the archive.
    let position = numbers(&annotations, "tarsplit-position");
    let compressed = &blob[position[0]..position[0] + position[1]];
    assert_eq!(table["tarSplitDigest"], crate::store::digest::Digest::of(compressed).to_string());
    let lines = zstd::stream::decode_all(compressed).unwrap();
    assert_eq!(lines.len(), position[2]);
    let mut rebuilt = Vec::new();
    for line in lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        let line: Value = serde_json::from_slice(line).unwrap();
        match line["type"].as_u64() {
            Some(2) => rebuilt.extend(
                base64::Engine::decode(&base64::prelude::BASE64_STANDARD, line["payload"].as_str().unwrap()).unwrap(),
            ),
            _ => {
                let file = entries.iter().find(|entry| entry.path == line["name"].as_str().unwrap().as_bytes());
                rebuilt.extend(&file.unwrap().data);
            }
        }
    }
    assert!(rebuilt == plain);
}

#[test]
fn what_a_table_has_no_words_for_has_none() {
    let good = Entry::file("a", "b");
    assert!(!made(&archive(std::slice::from_ref(&good))).1.is_empty());
    for bad in [
        Entry::file(b"\xff", "x"),
        Entry::file("a", "a second time"),
        Entry::file("x", "").pax("atime", "5"),
        Entry::file("x", "").pax("SCHILY.xattr.security.selinux", "x"),
        Entry::hard_link("x", "a").size_field("00000000007"),
    ] {
        assert!(made(&archive(&[good.clone(), bad])).1.is_empty());
    }
}

#[test]
fn the_check_sum_is_that_of_go() {
    // The check value of CRC-64/GO-ISO.
    assert_eq!(!table::crc64(!0, b"123456789"), 0xb909_56c7_75a4_1001);
}

#[test]
fn headers_without_files_become_frames_before_they_are_many() {
    let dirs = (0..600).map(|number| Entry::dir(format!("d{number}/")));
    let plain = archive(&dirs.chain([Entry::file("last", "few")]).collect::<Vec<_>>());
    let (_, annotations) = made(&plain);
    assert!(annotations.contains_key("io.github.containers.zstd-chunked.manifest-position"));
}

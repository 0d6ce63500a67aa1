use super::*;
use crate::store::digest::Digest;
use proptest::prelude::*;
use serde_json::{Value, json};
use std::collections::BTreeMap;

const SIZE: u64 = 1 << 30;

fn spans_of(entries: Value) -> Result<Vec<Span>> {
    spans(json!({"version": 1, "entries": entries}).to_string().as_bytes(), SIZE, None)
}

fn estargz_spans(entries: &Value) -> Vec<Span> {
    spans(json!({"version": 1, "entries": entries}).to_string().as_bytes(), SIZE, Some(SIZE)).unwrap()
}

fn places(spans: &[Span]) -> Vec<(u64, u64)> {
    spans.iter().map(|span| (span.at, span.length)).collect()
}

fn file(name: &str, offset: u64, end: u64, digest: &str) -> Value {
    json!({"type": "reg", "name": name, "size": 700, "mode": 420, "modtime": "2020-01-01T00:00:00Z",
        "offset": offset, "endOffset": end, "digest": digest})
}

fn chunk(name: &str, offset: u64, digest: &str) -> Value {
    json!({"type": "chunk", "name": name, "offset": offset, "chunkSize": 10, "chunkDigest": digest})
}

fn skippable(content: &[u8]) -> Vec<u8> {
    [&[0x50, 0x2a, 0x4d, 0x18], &(content.len() as u32).to_le_bytes()[..], content].concat()
}

/// A blob of zeros with a table at its end, and its descriptor.
fn zstd_blob(json: &[u8], zeros: usize) -> (Vec<u8>, Descriptor) {
    let table = zstd::encode_all(json, 3).unwrap();
    let mut bytes = vec![0; zeros];
    bytes.extend(skippable(&table));
    bytes.extend(skippable(&[0; 64]));
    let position = format!("{}:{}:{}:1", zeros + 8, table.len(), json.len());
    let descriptor = described(&bytes, ZSTD_POSITION, &position);
    (bytes, descriptor)
}

fn described(bytes: &[u8], key: &str, value: &str) -> Descriptor {
    let annotations = BTreeMap::from([(key.to_owned(), value.to_owned())]);
    Descriptor { annotations, ..Descriptor::new("", Digest::of(bytes), bytes.len() as u64) }
}

fn read(bytes: &[u8], descriptor: &Descriptor) -> Result<Toc> {
    Toc::read(descriptor, &mut |range| Ok(bytes[range.start as usize..range.end as usize].to_vec()))
}

#[test]
fn spans_are_the_frames_of_zstd_chunked() {
    let entries = json!([
        {"type": "dir", "name": "a/"}, file("a/b", 100, 250, "x"), chunk("a/b", 200, "y"),
        {"type": "symlink", "name": "a/c", "linkName": "b"}, file("a/d", 300, 320, "x"), {"type": "dir", "name": "z/"},
    ]);
    let spans = spans_of(entries).unwrap();
    // What follows the last payload is in no entry.
    assert_eq!(places(&spans), [(0, 100), (100, 100), (200, 50), (250, 50), (300, 20)]);
}

#[test]
fn equal_keys_are_of_equal_content() {
    let one = spans_of(json!([file("a", 100, 200, "x"), file("b", 210, 300, "y")])).unwrap();
    let elsewhere = spans_of(json!([file("a", 150, 250, "x"), file("b", 260, 350, "y")])).unwrap();
    assert_eq!(one.len(), 4);
    assert!(one.iter().zip(&elsewhere).all(|(one, other)| one.key == other.key));
    // By span: the first header, the first payload, the second header.
    for (key, value, differ) in [
        ("name", json!("c"), [true, false, false]),
        ("mode", json!(1), [true, false, false]),
        ("modtime", json!("2021-01-01T00:00:00Z"), [true, false, false]),
        ("uid", json!(1), [true, false, false]),
        ("uname", json!("of no meaning"), [false, false, false]),
        ("userName", json!("root"), [true, false, false]),
        ("xattrs", json!({"user.a": "Yg=="}), [true, false, false]),
        ("digest", json!("z"), [false, true, false]),
        ("size", json!(1212), [true, true, false]),
        // As much padding decides what the second begins with.
        ("size", json!(701), [true, true, true]),
    ] {
        let mut changed = file("a", 100, 200, "x");
        changed[key] = value.clone();
        let other = spans_of(json!([changed, file("b", 210, 300, "y")])).unwrap();
        let found: Vec<bool> = one.iter().zip(&other).map(|(one, other)| one.key != other.key).take(3).collect();
        assert_eq!(found, differ, "{key} {value}");
    }
}

#[test]
fn a_span_of_estargz_goes_on_to_the_next_payload() {
    let mut entries = json!([file("a", 100, 0, "x"), {"type": "dir", "name": "d"}, file("b", 300, 0, "y")]);
    let one = estargz_spans(&entries);
    assert_eq!(places(&one), [(0, 100), (100, 200), (300, SIZE - 300)]);
    entries[1]["mode"] = json!(1);
    let other = estargz_spans(&entries);
    assert_eq!([0, 1, 2].map(|span| one[span].key == other[span].key), [true, false, true]);
    // Files that share a frame make one span.
    entries[2]["offset"] = json!(100);
    entries[2]["innerOffset"] = json!(1024);
    assert_eq!(places(&estargz_spans(&entries)), [(0, 100), (100, SIZE - 100)]);
}

#[test]
fn tables_that_are_none_are_refused() {
    for entries in [
        json!([file("a", 200, 100, "x"), file("b", 300, 310, "y")]),
        json!([file("b", 300, 310, "y"), file("a", 100, 200, "x")]),
        json!([file("a", 100, SIZE + 1, "x")]),
        json!([file("a", SIZE + 1, 0, "x")]),
        json!([file("a", u64::MAX, 0, "x")]),
        json!([file("a", 100, u64::MAX, "x")]),
        json!([chunk("a", 100, "x"), chunk("a", 99, "x")]),
        json!([{"type": "reg"}]),
        json!([{"name": "a"}]),
        json!([{"type": "reg", "name": "a", "offset": -1}]),
        json!([{"type": "reg", "name": "a", "offset": "1"}]),
        json!([1]),
        json!(null),
        json!({}),
    ] {
        assert!(spans_of(entries.clone()).is_err(), "{entries}");
    }
    for text in ["", "{}", "[]", r#"{"version":2,"entries":[]}"#, r#"{"version":1,"version":1,"entries":[]}"#] {
        assert!(spans(text.as_bytes(), SIZE, None).is_err(), "{text}");
    }
    let deep = format!(r#"{{"version":1,"entries":{}1{}}}"#, "[".repeat(100_000), "]".repeat(100_000));
    assert!(spans(deep.as_bytes(), SIZE, None).is_err());
    let many = [r#"{"type":"dir","name":""}"#; ENTRIES_MAX + 1].join(",");
    assert!(spans(format!(r#"{{"version":1,"entries":[{many}]}}"#).as_bytes(), SIZE, None).is_err());
}

#[test]
fn a_table_is_found_where_it_lies() {
    let json = json!({"version": 1, "entries": [file("a", 100, 200, "x")]}).to_string();
    let (bytes, good) = zstd_blob(json.as_bytes(), 9000);
    let toc = read(&bytes, &good).unwrap();
    assert_eq!(places(&toc.spans), [(0, 100), (100, 100)]);
    assert_eq!((toc.tail.from, toc.tail.bytes), (9000 - LEAD_BYTES, bytes[9000 - LEAD_BYTES as usize..].to_vec()));
    let (small, descriptor) = zstd_blob(json.as_bytes(), 300);
    assert_eq!(read(&small, &descriptor).unwrap().tail.from, 0);
    for position in [
        "",
        "1",
        "9008:1:1",
        "7:1:1:1",
        "0:0:0:1",
        "9008:99999:1:1",
        "9008:18446744073709551615:1:1",
        "18446744073709551615:1:1:1",
        "9008:60:1:2",
        "9008:60:99999999999:1",
        "-1:1:1:1",
        "9009:60:60:1",
        "9008:60:60:1:1",
    ] {
        assert!(read(&bytes, &described(&bytes, ZSTD_POSITION, position)).is_err(), "{position}");
    }
    // 1 GiB of zeros in a few bytes.
    let (bomb, descriptor) = zstd_blob(&vec![b' '; TOC_BYTES_MAX as usize + 1], 9000);
    assert!(bomb.len() < 100_000 && read(&bomb, &descriptor).is_err());
    let far = Descriptor { size: TAIL_BYTES_MAX * 2, ..good };
    assert!(Toc::read(&far, &mut |_| panic!("it is not asked for so much")).is_err());
}

#[test]
fn a_footer_of_estargz_is_read_as_it_is_written() {
    let footer = |digits: &str| {
        let head = [0x1f, 0x8b, 8, 4, 0, 0, 0, 0, 0, 0xff, 26, 0];
        [&head[..], b"SG\x16\0", digits.as_bytes(), b"STARGZ", &[1, 0, 0, 0xff, 0xff], &[0; 8]].concat()
    };
    let good = footer("00000000000000ff");
    assert_eq!(good.len() as u64, ESTARGZ_FOOTER_BYTES);
    assert_eq!(estargz_position(&good), Some(255));
    assert_eq!(estargz_position(&footer("00000000000000fx")), None);
    assert_eq!(estargz_position(&footer("ffffffffffffffff")), Some(u64::MAX));
    for at in [0, 3, 12, 13, 14, 15, 32, 37] {
        let mut bad = good.clone();
        bad[at] ^= 1;
        assert_eq!(estargz_position(&bad), None, "{at}");
    }
    assert_eq!(estargz_position(&good[..20]), None);
}

proptest! {
    #[test]
    fn spans_follow_each_other_whatever_the_entries_say(
        numbers in prop::collection::vec((0u64..5, 0u64..50, 0u64..50, any::<bool>()), 0..20), end in 0u64..400)
    {
        let mut at = 0;
        let entries: Vec<Value> = numbers.iter().map(|(step, length, size, is_chunk)| {
            at += step;
            let offset = at;
            at += length;
            let kind = if *is_chunk { "chunk" } else { "reg" };
            json!({"type": kind, "name": "a", "size": size, "offset": offset, "endOffset": at})
        }).collect();
        if let Ok(spans) = spans(json!({"version": 1, "entries": entries}).to_string().as_bytes(), end, Some(end)) {
            property::follow_each_other(&spans, end);
        }
    }

    #[test]
    fn no_table_ends_the_reader(bytes in prop::collection::vec(any::<u8>(), 0..300), position in "[0-9]{0,3}:[0-9]{0,3}:9:1") {
        property::holds(&bytes);
        for position in [position.as_str(), property::ESTARGZ] {
            property::holds(&[position.as_bytes(), b"\n", &bytes].concat());
        }
    }
}

use super::super::toc::{Span, Tail};
use super::*;
use proptest::prelude::*;

const MIB: u64 = 1 << 20;

fn toc(lengths: &[u64], tail: u64) -> Toc {
    let mut at = 0;
    let mut spans = Vec::new();
    for (number, length) in lengths.iter().enumerate() {
        let mut key = Key::default();
        key[..8].copy_from_slice(&(number as u64).to_le_bytes());
        spans.push(Span { key, at, length: *length });
        at += length;
    }
    Toc { spans, tail: Tail { from: at, bytes: vec![0; tail as usize] } }
}

fn number(key: Key) -> usize {
    u64::from_le_bytes(key[..8].try_into().unwrap()) as usize
}

fn pieces(lengths: &[u64], known: &[usize], from: u64) -> Vec<(u64, u64, Source)> {
    let toc = toc(lengths, 100);
    let size = toc.tail.from + 100;
    let at = |wanted: usize| lengths[..wanted].iter().sum::<u64>() + 7;
    let find = |key, _| known.contains(&number(key)).then(|| (0, at(number(key))));
    let plan = Plan::new(&toc, from, size, find);
    plan.pieces.iter().map(|piece| (piece.start, piece.end, piece.source)).collect()
}

#[test]
fn what_is_known_is_copied_and_the_rest_fetched() {
    let copied = |offset| Source::Copied { file: 0, offset };
    let lengths = [MIB, MIB, 10, MIB];
    assert_eq!(
        pieces(&lengths, &[0, 1, 3], 0),
        [
            (0, 2 * MIB, copied(7)),
            (2 * MIB, 2 * MIB + 10, Source::Fetched),
            (2 * MIB + 10, 3 * MIB + 10, copied(2 * MIB + 17)),
            (3 * MIB + 10, 3 * MIB + 110, Source::Tail),
        ]
    );
    // What came before is left out.
    assert_eq!(pieces(&lengths, &[0, 1, 3], MIB / 2)[0], (MIB / 2, 2 * MIB, copied(MIB / 2 + 7)));
    assert_eq!(pieces(&lengths, &[0, 1, 3], 3 * MIB + 60), [(3 * MIB + 60, 3 * MIB + 110, Source::Tail)]);
    // A small copy between two that are fetched is none.
    let lengths = [MIB, COPY_BYTES_MIN - 1, MIB, 2 * MIB];
    assert_eq!(pieces(&lengths, &[1, 3], 0)[0].1, 2 * MIB + COPY_BYTES_MIN - 1);
    let lengths = [MIB, COPY_BYTES_MIN, MIB, 2 * MIB];
    assert_eq!(pieces(&lengths, &[1, 3], 0)[0].1, MIB);
}

#[test]
fn a_little_in_common_is_not_worth_it() {
    let whole = |lengths: &[u64], known: &[usize]| {
        matches!(pieces(lengths, known, 0)[..], [(0, _, Source::Fetched), (_, _, Source::Tail)])
    };
    assert!(whole(&[MIB, MIB], &[]));
    assert!(whole(&[MIB, MIB - 1], &[1]));
    assert!(whole(&[5 * MIB, MIB], &[1]));
    assert!(!whole(&[4 * MIB - 200, MIB], &[1]));
}

proptest! {
    #[test]
    fn each_byte_comes_from_one_place(
        lengths in prop::collection::vec(1u64..200_000, 1..700), seed in any::<u64>(), from in 0u64..1_000_000)
    {
        let toc = toc(&lengths, 50);
        let size = toc.tail.from + 50;
        let from = from.min(size - 1);
        let is_known = |wanted: usize| !(seed.rotate_left(wanted as u32 % 64) ^ wanted as u64).is_multiple_of(3);
        let find = |key, _| is_known(number(key)).then(|| (number(key) % 2, 1_000_000 * number(key) as u64));
        let plan = Plan::new(&toc, from, size, find);
        let mut at = from;
        for piece in &plan.pieces {
            prop_assert!(piece.start == at && piece.end > at);
            at = piece.end;
            if let Source::Copied { file, offset } = piece.source {
                // It begins within a span, of which it is.
                let span = toc.spans.iter().rfind(|span| span.at <= piece.start).unwrap();
                prop_assert!(is_known(number(span.key)));
                prop_assert_eq!(file, number(span.key) % 2);
                prop_assert_eq!(offset, 1_000_000 * number(span.key) as u64 + piece.start - span.at);
            }
        }
        prop_assert_eq!(at, size);
        let fetched = plan.pieces.iter().filter(|piece| piece.source == Source::Fetched).count();
        prop_assert!(fetched <= REQUESTS_MAX);
        prop_assert_eq!(plan.pieces.last().unwrap().source, Source::Tail);
    }
}

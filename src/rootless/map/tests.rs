use super::*;
use proptest::prelude::*;

fn extents(text: &str) -> Vec<Extent> {
    parse_file(&text.replace(',', "\n"))
}

/// A user with the id 1500 and 65,536 subordinate ids from 100000 on.
fn outer() -> Vec<Extent> {
    with_own_id(1500, &[(100_000, 65_536)]).unwrap()
}

#[test]
fn maps_start_with_the_own_id_and_refuse_overlaps() {
    let extents = with_own_id(1000, &[(100_000, 65_536), (300_000, 10)]).unwrap();
    assert_eq!(extents[0], Extent { inside: 0, outside: 1000, count: 1 });
    assert_eq!(extents[2], Extent { inside: 65_537, outside: 300_000, count: 10 });
    for bad in [&[(999, 2)][..], &[(0, 5)], &[(100_000, 10), (100_009, 1)], &[(u32::MAX - 5, 6), (5, u32::MAX)]] {
        assert!(with_own_id(1000, bad).is_err(), "{bad:?}");
    }
    let many = |start: u32| -> Vec<(u32, u32)> { (0..400).map(|line| (start + line * 2, 1)).collect() };
    assert!(with_own_id(1000, &many(2000)[..339]).is_ok() && with_own_id(1000, &many(2000)).is_err());
    // The kernel takes a page of text.
    assert!(with_own_id(1000, &many(1_000_000_000)[..200]).is_ok());
    assert!(with_own_id(1000, &many(1_000_000_000)[..339]).is_err());
}

/// What podman 5.8 makes of the same, seen there in /proc/self/uid_map.
#[test]
fn keep_id_and_nomap_are_as_podman_has_them() {
    for (own, size, expected) in [
        (1500, None, "0 1 1500,1500 0 1,1501 1501 64036"),
        (0, None, "0 0 65537"),
        (5, None, "0 1 5,5 0 1,6 6 65531"),
        (70_000, None, "0 1 65536,70000 0 1"),
        (1500, Some(100), "0 1 99,1500 0 1"),
        (1500, Some(2000), "0 1 1500,1500 0 1,1501 1501 499"),
        (1500, Some(1), "1500 0 1"),
    ] {
        assert_eq!(keep_id(&outer(), own, size).unwrap(), extents(expected), "{own} {size:?}");
    }
    assert!(keep_id(&outer(), 5, Some(0)).is_err());
    assert_eq!(without_own(&outer()).unwrap(), extents("0 1 65536"));
    assert!(without_own(&own_id_only(5)).is_err());
    // With one id there is nothing to move.
    assert_eq!(keep_id(&own_id_only(1500), 1500, None).unwrap(), extents("1500 0 1"));
}

#[test]
fn wishes_are_as_podman_has_them() {
    let make = |words: &[&str], what| {
        let wishes = words.iter().map(|word| parse(word)).collect::<Result<Vec<_>>>()?.concat();
        from_wishes(&wishes, what, &outer(), true)
    };
    for (words, users, groups) in [
        (&["0:0:1000"][..], "0 0 1000", "0 0 1000"),
        (&["0:1:500"], "0 1 500", "0 1 500"),
        (&["0:@1500:1"], "0 0 1", "0 0 1"),
        (&["0:@100010:10"], "0 11 10", "0 11 10"),
        (&["+5:@1500:1"], "0 1 5,5 0 1,6 6 65531", "0 1 5,5 0 1,6 6 65531"),
        (&["+g5:@1500:1"], "", "0 1 5,5 0 1,6 6 65531"),
        (&["g+5:@1500"], "", "0 1 5,5 0 1,6 6 65531"),
        (&["u0:1:100", "g0:200:300"], "0 1 100", "0 200 300"),
        (&["ug0:1"], "0 1 1", "0 1 1"),
        (&["+1000:0:1"], "0 1 1000,1000 0 1,1001 1001 64536", "0 1 1000,1000 0 1,1001 1001 64536"),
        (&["+100:5:2"], "0 0 5,5 7 95,100 5 2,102 102 65435", "0 0 5,5 7 95,100 5 2,102 102 65435"),
        (&["10:10:10", "0:0:10"], "0 0 20", "0 0 20"),
        (&["0:0"], "0 0 1", "0 0 1"),
        (&["+0:1:1"], "0 1 1,1 0 1,2 2 65535", "0 1 1,1 0 1,2 2 65535"),
        (&["0:0:5:5:5:5"], "0 0 10", "0 0 10"),
        (&["0:0:100", "+10:50:5"], "0 0 10,10 50 5,15 15 35,55 55 45", "0 0 10,10 50 5,15 15 35,55 55 45"),
        (&["0:0:0"], "", ""),
    ] {
        let expected = |text: &str| if text.is_empty() { None } else { Some(extents(text)) };
        assert_eq!(make(words, For::Users).unwrap(), expected(users), "{words:?}");
        assert_eq!(make(words, For::Groups).unwrap(), expected(groups), "{words:?}");
    }
    for bad in [
        &["x"][..],
        &[""],
        &["0"],
        &["0:0:1:0"],
        &[":0:1"],
        &["0::1"],
        &["0:0:"],
        &["0:-1:1"],
        &["+-0:0:1"],
        &["0:@:1"],
        &["0:@5000:10"],
        &["0:0:4294967296"],
        &["0:4294967290:10"],
        &["0:1:10", "5:100:10"],
        &["0:1:10", "50:5:10"],
        &["x0:1:10"],
        &["0:@1500:2"],
        &["0:4294967290:10"],
        &["4294967290:0:10"],
    ] {
        assert!(make(bad, For::Users).is_err(), "{bad:?}");
    }
}

#[test]
fn auto_takes_the_lowest_free_ids() {
    let pick = |size, wished: &str, used: &str| pick(size, &extents(wished), &outer(), &extents(used));
    assert_eq!(pick(2001, "", "").unwrap(), extents("0 1 2001"));
    assert_eq!(pick(300, "", "0 1 2001").unwrap(), extents("0 2002 300"));
    assert_eq!(pick(300, "", "0 101 100").unwrap(), extents("0 1 100,100 201 200"));
    assert_eq!(pick(2001, "0 0 1", "").unwrap(), extents("0 0 2001"));
    assert_eq!(pick(20, "5 0 1", "").unwrap(), extents("0 1 5,5 0 1,6 6 14"));
    assert_eq!(pick(65_536, "", "").unwrap(), extents("0 1 65536"));
    assert!(pick(65_537, "", "").is_err() && pick(10, "", "0 1 65530").is_err());
    assert!(pick(10, "0 0 1,0 5 1", "").is_err());
}

#[test]
fn lines_are_cut_where_the_outer_map_is() {
    let outer = with_own_id(1500, &[(100_000, 10), (200_000, 10)]).unwrap();
    assert_eq!(lines(&extents("0 0 21"), &outer).unwrap(), extents("0 0 1,1 1 10,11 11 10"));
    assert_eq!(lines(&extents("0 5 10"), &outer).unwrap(), extents("0 5 6,6 11 4"));
    assert!(lines(&extents("0 15 10"), &outer).is_err());
    let many: Vec<Extent> = (0..400).map(|line| Extent { inside: line * 2, outside: line, count: 1 }).collect();
    assert!(lines(&many, &extents("0 0 1000")).is_err());
    assert_eq!(lines(&extents("0 0 4294967295"), &extents("0 0 4294967295")).unwrap().len(), 1);
}

/// B07: whatever ranges and maps there are, the result is a map that the kernel takes, or an error.
fn check(map: &[Extent], outer: &[Extent]) {
    let Ok(lines) = lines(map, outer) else { return };
    assert!(lines.len() <= LINES_MAX);
    assert_eq!(total(&lines), total(map));
    for (at, line) in lines.iter().enumerate() {
        assert!(line.count > 0 && line.inside_end() <= u64::from(u32::MAX));
        // Each line lies in one extent of the outer map, and meets no other line on either side.
        assert!(outer.iter().any(|outer| {
            line.outside >= outer.inside && u64::from(line.outside) + u64::from(line.count) <= outer.inside_end()
        }));
        for other in &lines[..at] {
            assert_eq!(overlap(line.inside, line.count, other.inside, other.count), (0, 0), "{lines:?}");
            assert_eq!(overlap(line.outside, line.count, other.outside, other.count), (0, 0), "{lines:?}");
        }
        for id in [line.inside, line.inside + (line.count - 1)] {
            let outside = to_outside(&lines, id).unwrap();
            assert_eq!(to_inside(&lines, outside), Some(id));
        }
    }
}

fn numbers() -> impl Strategy<Value = u32> {
    prop_oneof![0..50u32, 0..70_000u32, 99_990..170_000u32, u32::MAX - 20..=u32::MAX, any::<u32>()]
}

fn ranges(most: usize) -> impl Strategy<Value = Vec<(u32, u32)>> {
    proptest::collection::vec((numbers(), numbers()), 0..most)
}

/// Ranges that follow each other with gaps, as they are in a good file.
fn good_ranges() -> impl Strategy<Value = Vec<(u32, u32)>> {
    proptest::collection::vec((1..5000u32, 1..70_000u32), 0..400).prop_map(|steps| {
        let mut at = 100_000;
        let next = |(gap, count): (u32, u32)| {
            let start = at + gap;
            at = start + count;
            (start, count)
        };
        steps.into_iter().map(next).collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn subordinate_ranges_give_a_right_map_or_an_error(ranges in prop_oneof![ranges(6), ranges(400), good_ranges()], own in numbers()) {
        if let Ok(outer) = with_own_id(own, &ranges) {
            prop_assert!(outer.len() <= LINES_MAX);
            check(&identity(&outer), &outer);
            prop_assert_eq!(normal(outer.clone()).is_ok(), true);
            for size in [None, Some(1), Some(1000)] {
                check(&keep_id(&outer, own.min(u32::MAX - 2), size).unwrap(), &outer);
            }
            if let Ok(map) = without_own(&outer) {
                check(&map, &outer);
                prop_assert_eq!(to_inside(&map, 0), None);
            }
        }
    }

    #[test]
    fn wishes_give_a_right_map_or_an_error(
        wishes in proptest::collection::vec((any::<bool>(), any::<bool>(), numbers(), numbers(), numbers()), 1..8)
    ) {
        let text = |(extends, by_host, inside, outside, count): &(bool, bool, u32, u32, u32)| {
            let (plus, at) = (if *extends { "+" } else { "" }, if *by_host { "@" } else { "" });
            format!("{plus}{inside}:{at}{outside}:{count}")
        };
        let parsed: Result<Vec<_>> = wishes.iter().map(|wish| parse(&text(wish))).collect();
        if let Ok(parsed) = parsed
            && let Ok(Some(map)) = from_wishes(&parsed.concat(), For::Users, &outer(), true)
        {
            check(&map, &outer());
        }
    }

    #[test]
    fn auto_overlaps_nobody(size in 1..3000u32, used in ranges(10), wished in ranges(2)) {
        let map = |ranges: &[(u32, u32)]| -> Vec<Extent> {
            ranges.iter().map(|(outside, count)| Extent { inside: *outside, outside: *outside, count: *count }).collect()
        };
        let (used, wished) = (map(&used), map(&wished));
        if let Ok(picked) = pick(size, &wished, &outer(), &used) {
            check(&picked, &outer());
            for extent in picked.iter().filter(|extent| !wished.iter().any(|wish| overlap(wish.outside, wish.count, extent.outside, extent.count) != (0, 0))) {
                prop_assert!(extent.outside > 0);
                for other in &used {
                    prop_assert_eq!(overlap(extent.outside, extent.count, other.outside, other.count), (0, 0));
                }
            }
        }
    }
}

//! B07 of the catalogue: whatever stands in /etc/subuid and /etc/subgid, a user gets a map of their own ranges and of
//! nothing else, or an error before anything runs.
//!
//! The files are put over the machine's own in a mount namespace of each command's, so that the engine and the setuid
//! helpers read them where they always do.

use crate::support::Run;
use crate::support::ordinary::Ordinary;
use std::collections::BTreeSet;

/// How many files are tried.
const FILES: u64 = 300;

const DATABASES: [&str; 2] = ["/etc/subuid", "/etc/subgid"];

/// Numbers that are the same in each run.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, most: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % most
    }
}

/// What a file must come to.
enum Outcome {
    /// The user's own id, then these ranges.
    Map(Vec<(u64, u64)>),
    /// The user's own id alone, and a word about it.
    OneId,
    /// An error that has these words.
    Error(&'static str),
    /// Either of them, as long as no id is in the map that the file does not give.
    Safe,
}

/// A file of one kind or another, for a user of this name and with this uid, whose own id of the file's kind is `own`.
fn file(round: u64, numbers: &mut Numbers, name: &str, id: u64, own: u64) -> (Vec<u8>, Outcome) {
    let lines = |owner: &str, ranges: &[(u64, u64)]| -> String {
        ranges.iter().map(|(start, count)| format!("{owner}:{start}:{count}\n")).collect()
    };
    let apart = |numbers: &mut Numbers, count: u64| -> Vec<(u64, u64)> {
        let mut at = 1_000_000 + numbers.below(1_000_000_000);
        let mut next = || {
            let range = (at, 1 + numbers.below(70_000));
            at = range.0 + range.1 + numbers.below(3);
            range
        };
        (0..count).map(|_| next()).collect()
    };
    let some = 1 + numbers.below(6);
    let good = apart(numbers, some);
    let (first, count) = good[0];
    let text = lines(name, &good);
    let (text, outcome) = match round % 14 {
        0 => (text, Outcome::Map(good)),
        1 => (lines(&id.to_string(), &good), Outcome::Map(good)),
        // By name and by number, beside what others have of the same ids.
        2 => {
            let others = lines("root", &[(0, 4_294_967_295)]) + &lines("other", &good);
            (others + &lines(name, &good[..1]) + &lines(&id.to_string(), &good[1..]), Outcome::Map(good))
        }
        // Names that only look like the user's.
        3 => {
            let names =
                [&name[1..], &format!("{name}x"), &name.to_uppercase(), &format!("{id}0"), "", " ", "*", "ALL", "#"];
            (names.iter().map(|owner| lines(owner, &good)).collect(), Outcome::OneId)
        }
        4 => (
            text + &lines(name, &[(first + count / 2, 1 + numbers.below(9))]),
            Outcome::Error("they overlap other ids"),
        ),
        5 => (lines(name, &[(own - numbers.below(own), 1 + own)]) + &text, Outcome::Error("they overlap other ids")),
        6 => (text + &lines(name, &[(0, 1 + numbers.below(5))]), Outcome::Error("no valid range")),
        7 => (text + &lines(name, &[(u64::from(u32::MAX) - numbers.below(9), 20)]), Outcome::Error("no valid range")),
        8 => {
            let huge = [4_294_967_295, 4_294_967_296, 1 << 40, u64::MAX];
            (lines(name, &[(first, huge[numbers.below(4) as usize])]), Outcome::Error("no valid range"))
        }
        9 => (lines(name, &apart(numbers, 400)), Outcome::Error("join neighbouring ranges")),
        // More bytes than a page, though not more lines than the kernel takes.
        10 => (lines(name, &apart(numbers, 330)), Outcome::Error("join neighbouring ranges")),
        11 => {
            let bad = ["many:5", "-5:5", "5:-5", "5:", ":5", ":", "0x10000:5", "5 :5", "1e6:5", "5:0", "٥:٥"];
            (
                format!("{text}{name}:{}\n", bad[numbers.below(bad.len() as u64) as usize]),
                Outcome::Error("no valid range"),
            )
        }
        // What two readers may take for different things.
        12 => {
            let odd = [
                format!("{name}:0{first}:{count}"),
                format!("{name}:+{first}:+{count}"),
                format!(" {name}:{first}:{count}"),
                format!("{name}:{first}:{count}\r"),
                format!("{name}:{first}:{count}:1"),
                format!("{name}\0:{first}:{count}"),
                format!("#{name}:{first}:{count}"),
                format!("{name}:{first}:{count}{}", " ".repeat(3000)),
                format!("{}\n{name}:{first}:{count}", "x".repeat(9000)),
            ];
            (odd[numbers.below(odd.len() as u64) as usize].clone(), Outcome::Safe)
        }
        _ => {
            let owners = [name.to_owned(), id.to_string(), "root".to_owned(), String::new()];
            let mut line = || {
                let number = |numbers: &mut Numbers| match numbers.below(4) {
                    0 => numbers.below(100),
                    1 => numbers.below(200_000),
                    2 => numbers.below(1 << 31) * 2,
                    _ => u64::from(u32::MAX) + 10 - numbers.below(20),
                };
                let owner = &owners[numbers.below(4) as usize];
                format!("{owner}:{}:{}\n", number(numbers), number(numbers))
            };
            ((0..5).map(|_| line()).collect(), Outcome::Safe)
        }
    };
    let mut bytes = text.into_bytes();
    if round.is_multiple_of(3) {
        bytes.splice(0..0, *b"# comment\n\n\xff\xfe:1:1\n");
    }
    (bytes, outcome)
}

/// The ranges that a file gives to a user, for who reads it with good will.
fn given(file: &[u8], name: &str, id: u64) -> Vec<(u64, u64)> {
    let range = |line: &str| {
        let mut fields = line.trim().trim_end_matches('\r').split(':');
        let owner = fields.next()?;
        let is_owned = owner == name || owner == id.to_string();
        is_owned.then_some(())?;
        Some((fields.next()?.parse().ok()?, fields.next()?.parse().ok()?))
    };
    String::from_utf8_lossy(file).lines().filter_map(range).collect()
}

/// The lines of a map: where it starts inside and outside, and how many ids there are.
fn lines_of(map: &str) -> Vec<[u64; 3]> {
    let numbers = |line: &str| -> Vec<u64> {
        line.split_whitespace().map(|word| word.parse().expect("a map is numbers")).collect()
    };
    map.lines().map(|line| numbers(line).try_into().expect("a line of a map has three numbers")).collect()
}

/// No id twice, none of root's, and none that is neither the user's own nor in a range of theirs.
#[track_caller]
fn assert_safe(map: &[[u64; 3]], own: u64, given: &[(u64, u64)], what: &str) {
    assert_eq!(map.first(), Some(&[0, own, 1]), "{what}");
    for (at, [inside, outside, count]) in map.iter().enumerate().skip(1) {
        let is_given = given.iter().any(|(start, length)| start <= outside && outside + count <= start + length);
        assert!(is_given && *outside > 0 && outside + count <= u64::from(u32::MAX), "{what}");
        for [other_inside, other_outside, other_count] in &map[..at] {
            let apart = |one: u64, other: u64| one + count <= other || other + other_count <= one;
            assert!(apart(*inside, *other_inside) && apart(*outside, *other_outside), "{what}");
        }
    }
}

/// The map of ranges that lie behind each other inside.
fn map_of(own: u64, ranges: &[(u64, u64)]) -> Vec<[u64; 3]> {
    let mut inside = 1;
    let lines = ranges.iter().map(|(start, count)| {
        inside += count;
        [inside - count, *start, *count]
    });
    [[0, own, 1]].into_iter().chain(lines).collect()
}

impl Ordinary {
    /// Runs the engine where one of the two files has this content, and the other a plain one.
    fn with_ranges(&self, database: &str, content: &[u8], arguments: &[&str]) -> Run {
        let plain = format!("{}:100000:65536\n", self.user.name);
        let mut root_does = String::new();
        for file in DATABASES {
            let source = self.sandbox.home.join(file.trim_start_matches("/etc/"));
            let content = if file == database { content } else { plain.as_bytes() };
            std::fs::write(&source, content).expect("write the ranges");
            root_does.push_str(&format!("mount --bind {} {file}\n", source.display()));
        }
        self.engine_after(&root_does, arguments)
    }
}

#[test]
fn b07_files_of_ranges_give_the_map_that_they_say_or_an_error() {
    let Some(engine) = Ordinary::new() else { return };
    let name = engine.user.name.clone();
    let mut numbers = Numbers(0x9e37_79b9_7f4a_7c15);
    let (mut mapped, mut single, mut refused) = (0, 0, 0);
    for round in 0..FILES {
        // Each kind in turn with either file.
        let database = DATABASES[(round / 14 % 2) as usize];
        let own =
            u64::from(if database == DATABASES[0] { engine.user.uid.as_raw() } else { engine.user.gid.as_raw() });
        let uid = u64::from(engine.user.uid.as_raw());
        let (content, outcome) = file(round, &mut numbers, &name, uid, own);
        let which = if database == DATABASES[0] { "uid" } else { "gid" };
        let run = engine.with_ranges(database, &content, &["unshare", "cat", &format!("/proc/self/{which}_map")]);
        let what = format!("file {round}: {}\n{run}", String::from_utf8_lossy(&content));
        let map = lines_of(&run.stdout);
        if run.code != 0 {
            assert!(run.code == 125 && run.stderr.lines().count() == 1 && map.is_empty(), "{what}");
            assert!(!run.stderr.contains("panicked"), "{what}");
            refused += 1;
        } else {
            assert_safe(&map, own, &given(&content, &name, uid), &what);
            if map.len() > 1 { mapped += 1 } else { single += 1 }
        }
        match outcome {
            Outcome::Map(ranges) => assert_eq!(map, map_of(own, &ranges), "{what}"),
            Outcome::OneId => assert!(map.len() == 1 && run.stderr.contains("only your own user id"), "{what}"),
            Outcome::Error(words) => assert!(run.code == 125 && run.stderr.contains(words), "{what}"),
            Outcome::Safe => {}
        }
    }
    // The control: nothing is refused that is good, and each outcome is there.
    assert!(mapped > 50 && single > 20 && refused > 100, "{mapped} {single} {refused}");
    engine.sandbox.assert_no_leaks();
}

/// Each line of the file becomes one of the container's own map, whichever ids the container asks for.
#[test]
fn b07_containers_have_only_ids_of_their_users_ranges() {
    let Some(name) = Ordinary::new().map(|engine| engine.user.name.clone()) else { return };
    let far = u64::from(u32::MAX) - 70_000;
    let scattered: Vec<(u64, u64)> = (0..40).map(|at| (1_000_000 + at * 1000, 1 + at * 20)).collect();
    let files = [vec![(far, 65_536)], vec![(200_000, 2000)], vec![(300_000, 3000), (200_000, 5000)], scattered];
    for (at, ranges) in files.into_iter().enumerate() {
        let text: String = ranges.iter().map(|(start, count)| format!("{name}:{start}:{count}\n")).collect();
        let total: u64 = ranges.iter().map(|(_, count)| count).sum::<u64>() + 1;
        let (database, kind) = (DATABASES[at % 2], ["uid", "gid"][at % 2]);
        // A store belongs to the ids that it was filled with.
        let engine = Ordinary::new().expect("there was one before");
        let load = engine.with_ranges(database, text.as_bytes(), &["load", "--input", "image.tar"]);
        assert_eq!(load.code, 0, "{ranges:?} {load}");
        for option in ["--userns=host", "--userns=keep-id", "--userns=nomap", "--userns=auto:size=2"] {
            let file = format!("/proc/self/{kind}_map");
            let words = ["run", "--rm", "--network", "none", option, "localhost/busybox:latest", "cat", &file];
            let run = engine.with_ranges(database, text.as_bytes(), &words);
            let what = format!("{ranges:?} {option} {run}");
            assert_eq!(run.code, 0, "{what}");
            let map = lines_of(&run.stdout);
            let ids: BTreeSet<u64> = map.iter().flat_map(|[_, outside, count]| *outside..outside + count).collect();
            let count: u64 = map.iter().map(|[_, _, count]| count).sum();
            // Outside of it is the engine's own namespace, which has `total` ids from 0 on.
            assert!(ids.len() as u64 == count && ids.iter().all(|id| *id < total), "{what}");
            let expected = match option {
                "--userns=nomap" => total - 1,
                "--userns=auto:size=2" => 2,
                _ => total,
            };
            assert_eq!(count, expected, "{what}");
        }
        engine.sandbox.assert_no_leaks();
    }
}

//! A08, A10, B06, B07: what an image or a caller puts where ids and accounts are read and written.

use super::Scene;
use crate::support::evil_tar::Entry;
use crate::support::image_builder::Image;
use serde_json::json;
use std::time::{Duration, Instant};

/// Looking a user up takes milliseconds; what blocks, takes for ever.
const LOOK_UP_MAX: Duration = Duration::from_secs(15);

/// A10: user databases that are no files, or too much of one (CVE-2024-9676 and its kin).
#[test]
fn a10_user_databases_neither_block_nor_flood() {
    let scene = Scene::new();
    let line = |number: u32| format!("group{number}:x:{number}:\n");
    let many: String = (0..60_000).map(line).collect();
    let whole_million: String = (0..1_000_000).map(line).collect();
    let long = format!("root:x:0:0:{}:/root:/bin/sh\n", "x".repeat(900_000));
    let cases: Vec<(&str, Vec<Entry>)> = vec![
        ("fifo", vec![Entry::fifo("etc/passwd"), Entry::fifo("etc/group")]),
        (
            "link-to-fifo",
            vec![Entry::fifo("pipe"), Entry::symlink("etc/passwd", "../pipe"), Entry::symlink("etc/group", "/pipe")],
        ),
        ("zero", vec![Entry::symlink("etc/passwd", "/dev/zero"), Entry::symlink("etc/group", "/dev/zero")]),
        (
            "out",
            vec![
                Entry::symlink("etc/passwd", "../../../../etc/passwd"),
                Entry::symlink("etc/group", "/proc/self/fd/0"),
            ],
        ),
        ("loop", vec![Entry::symlink("etc/passwd", "passwd"), Entry::symlink("etc/group", "group")]),
        ("directory", vec![Entry::dir("etc/passwd/"), Entry::dir("etc/group/")]),
        ("giant", vec![Entry::file("etc/passwd", vec![b'x'; 3 << 20]), Entry::file("etc/group", vec![0; 3 << 20])]),
        ("line", vec![Entry::file("etc/passwd", &long), Entry::file("etc/group", vec![b':'; 900_000])]),
        ("many", vec![Entry::file("etc/group", many)]),
        ("million", vec![Entry::file("etc/group", whole_million)]),
    ];
    for (name, entries) in cases {
        let image = scene.load(&Image::new(name).entries(entries));
        for options in [
            &["--userns=auto"][..],
            &["--userns=keep-id"],
            &["--user=app:crew"],
            &["--user=1234:55"],
            &["--group-add=crew"],
        ] {
            let begun = Instant::now();
            let run = scene.script(options, &image, "true");
            assert!(begun.elapsed() < LOOK_UP_MAX, "{name} {options:?} took {:?}", begun.elapsed());
            assert!(
                run.code == 0 || ((125..=126).contains(&run.code) && run.stderr.lines().count() == 1),
                "{name} {options:?}: {run}"
            );
        }
    }
    // The control: a good one decides how many ids there are.
    let passwd = "root:x:0:0::/root:/bin/sh\nhigh:x:3000:0::/:/bin/sh\nnobody:x:65534:65534::/:/bin/sh\n";
    let image = scene.load(&Image::new("good").entry(Entry::file("etc/passwd", passwd)));
    let run = scene.script(&["--userns=auto"], &image, "cat /proc/self/uid_map");
    assert_eq!(run.stdout.split_whitespace().nth(2), Some("3001"), "{run}");
    scene.assert_safe();
}

/// A08: lines are added to the container's databases, wherever its links lead, and nowhere else.
#[test]
fn a08_accounts_are_written_within_the_root() {
    let scene = Scene::new();
    let outside = scene.canary.text().to_owned();
    let host = format!("/{}", scene.sandbox.home.join("canary").display());
    for (name, target) in [
        ("absolute", host.clone()),
        ("relative", format!("../../../../../../..{host}")),
        ("nowhere", "/none".to_owned()),
    ] {
        let links = [Entry::symlink("etc/passwd", &target), Entry::symlink("etc/group", &target)];
        let image = scene.load(&Image::new(name).entries(links));
        for options in [&["--userns=keep-id"][..], &["--user=1234:55"], &["--hostuser=root", "--user=4:4"]] {
            let run = scene.script(options, &image, "id -u");
            assert_eq!(run.code, 0, "{run}");
        }
    }
    assert_eq!(scene.canary.text(), outside);
    // The control: a link that stays inside is followed, and the image's own file stays as it was.
    let inside = [
        Entry::file("usr/lib/accounts", "root:x:0:0::/root:/bin/sh\n"),
        Entry::symlink("etc/passwd", "/usr/lib/accounts"),
    ];
    let image = scene.load(&Image::new("inside").entries(inside));
    let run = scene.script(&["--user=1234"], &image, "tail -n 1 /usr/lib/accounts; ls -l /etc/passwd | cut -c 1");
    assert_eq!(run.stdout, "1234:*:1234:0:container user:/:/bin/sh\nl\n", "{run}");
    assert_eq!(scene.script(&[], &image, "cat /etc/passwd").stdout, "root:x:0:0::/root:/bin/sh\n");
    scene.assert_safe();
}

/// B06: no value brings a line of its own into a file of lines (CVE-2022-4318).
#[test]
fn b06_values_stay_on_their_line() {
    let scene = Scene::new();
    let evil = "/x\nr::0:0::/:/bin/sh";
    let image = scene
        .load(&Image::new("lines").config("Env", json!([format!("HOME={evil}")])).config("WorkingDir", json!(evil)));
    let plain = scene.load(&Image::new("plain"));
    let look = "grep -h '^r:' /etc/passwd /etc/group /etc/hosts /etc/hostname /run/.containerenv; true";
    let home = format!("--env=HOME={evil}");
    let dir = format!("--workdir={evil}");
    let label = format!("--label=a={evil}");
    for user in ["--userns=keep-id", "--user=1234:55", "--hostuser=daemon"] {
        let cases: [(&[&str], &String); 4] =
            [(&[], &image), (&[&home], &plain), (&[&dir], &plain), (&[&label], &plain)];
        for (options, image) in cases {
            let run = scene.script(&[options, &[user]].concat(), image, look);
            assert_eq!((run.code, run.stdout.as_str()), (0, ""), "{run}");
        }
    }
    for option in ["--passwd-entry", "--group-entry", "--hostname"] {
        let run = scene.script(&[&format!("{option}=a:x:5:5\nr::0:0"), "--user=5"], &plain, "true");
        assert_eq!(run.code, 125, "{run}");
    }
    // The control: the value itself arrives, whole.
    let run = scene.script(&[&home], &plain, "echo \"$HOME\"");
    assert_eq!(run.stdout, format!("{evil}\n"));
    scene.assert_safe();
}

/// B07: maps that overlap, wrap or are too long give the map that they say, or an error before anything runs.
#[test]
fn b07_maps_are_right_or_refused() {
    let scene = Scene::new();
    let image = scene.load(&Image::new("maps"));
    let mut seed = 0x9e37_79b9_7f4a_7c15u64;
    let mut next = |most: u64| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) % most
    };
    let mut ran = 0;
    for round in 0..24 {
        let mut options = vec![format!("--uidmap=0:{}:{}", next(3), 1 + next(900))];
        for _ in 0..=next(3) {
            let plus = if next(2) == 0 { "+" } else { "" };
            let far = if next(8) == 0 { 4_294_967_000 } else { 0 };
            options.push(format!("--uidmap={plus}{}:{}:{}", next(2000) + far, next(2000) + far, next(500)));
        }
        let words: Vec<&str> = options.iter().map(String::as_str).collect();
        let run = scene.script(&words, &image, "cat /proc/self/uid_map");
        if run.code != 0 {
            assert!(run.code == 125 && run.stderr.lines().count() == 1, "round {round}: {run}");
            continue;
        }
        ran += 1;
        let lines: Vec<Vec<u64>> = run
            .stdout
            .lines()
            .map(|line| line.split_whitespace().map(|word| word.parse().expect("a number")).collect())
            .collect();
        for (at, one) in lines.iter().enumerate() {
            for other in &lines[..at] {
                let apart = |side: usize| one[side] + one[2] <= other[side] || other[side] + other[2] <= one[side];
                assert!(apart(0) && apart(1), "round {round}: {run}");
            }
        }
    }
    assert!(ran > 3, "only {ran} maps were taken");
    let many: Vec<String> = (0..400).map(|line| format!("--uidmap={}:{}:1", line * 2, line)).collect();
    let words: Vec<&str> = many.iter().map(String::as_str).collect();
    let run = scene.script(&words, &image, "true");
    assert!(run.code == 125 && run.stderr.contains("the kernel takes 340"), "{run}");
    scene.assert_safe();
}

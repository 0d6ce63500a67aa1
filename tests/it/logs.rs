//! `logs`: what a container has said, chosen, followed, and kept in bounds.

use crate::support::{Running, Sandbox, names_in, until};

/// A sandbox where the container `l` has run this script to its end.
fn after(script: &str) -> (Sandbox, String) {
    let sandbox = Sandbox::new();
    let image = sandbox.image("busybox");
    let id = sandbox.detached(&["--name", "l", &image, "sh", "-c", script]);
    sandbox.ok(&["wait", "l"]);
    (sandbox, id)
}

#[test]
fn each_stream_goes_to_its_own() {
    let (sandbox, _) = after("echo out; echo err >&2; printf 'no end'");
    let run = sandbox.coracle(&["logs", "l"]);
    assert_eq!((run.code, run.stdout.as_str(), run.stderr.as_str()), (0, "out\nno end", "err\n"), "{run}");
}

#[test]
fn the_tail_counts_whole_lines() {
    let (sandbox, _) = after("seq 1 10; printf 11; sleep 0.1; echo 11");
    assert_eq!(sandbox.ok(&["logs", "--tail", "2", "l"]), "10\n1111\n");
    assert_eq!(sandbox.ok(&["logs", "--tail", "0", "l"]), "");
    assert_eq!(sandbox.ok(&["logs", "--tail", "-1", "l"]).lines().count(), 11);
    assert_eq!(sandbox.ok(&["logs", "--tail", "99", "l"]).lines().count(), 11);
    sandbox.fails(125, &["logs: ", "--tail", "\"x\""], &["logs", "--tail", "x", "l"]);
}

#[test]
fn times_are_shown_and_chosen_by() {
    let (sandbox, _) = after("echo one; sleep 1.1; echo two");
    let stamped = sandbox.ok(&["logs", "-t", "l"]);
    let times: Vec<&str> = stamped.lines().filter_map(|line| line.split_once(' ')).map(|(time, _)| time).collect();
    assert!(times.len() == 2 && times.iter().all(|time| time.len() >= 20 && time.contains('T')), "{stamped}");
    assert_eq!(sandbox.ok(&["logs", "--since", times[1], "l"]), "two\n");
    assert_eq!(sandbox.ok(&["logs", "--until", times[0], "l"]), "one\n");
    assert_eq!(sandbox.ok(&["logs", "--since", "10m", "l"]), "one\ntwo\n");
    sandbox.fails(125, &["logs: ", "yesterdayish"], &["logs", "--since", "yesterdayish", "l"]);
}

#[test]
fn following_ends_with_the_container() {
    let sandbox = Sandbox::new();
    let image = sandbox.image("busybox");
    let script = "echo first; while [ ! -e /go ]; do sleep 0.05; done; echo last; exit 3";
    sandbox.detached(&["--name", "l", &image, "sh", "-c", script]);
    until("it has spoken", || sandbox.ok(&["logs", "l"]) == "first\n");
    let followers = [sandbox.spawn(&["logs", "-f", "l"]), sandbox.spawn(&["logs", "-f", "--tail", "0", "l"])];
    sandbox.ok(&["exec", "l", "touch", "/go"]);
    let [all, tail] = followers.map(Running::finish);
    assert_eq!((all.code, all.stdout.as_str()), (0, "first\nlast\n"), "{all}");
    assert!(tail.code == 0 && (tail.stdout == "last\n" || tail.stdout.is_empty()), "{tail}");
    assert_eq!(sandbox.ok(&["logs", "-f", "l"]), "first\nlast\n");
}

#[test]
fn following_crosses_rotations_and_files_stay_bounded() {
    let sandbox = Sandbox::new();
    let image = sandbox.image("busybox");
    let script = "while [ ! -e /go ]; do sleep 0.05; done; yes 0123456789012345678901234567890123456789 | head -n 700000; echo end";
    let id = sandbox.detached(&["--name", "l", &image, "sh", "-c", script]);
    let follower = sandbox.spawn(&["logs", "-f", "l"]);
    sandbox.ok(&["exec", "l", "touch", "/go"]);
    let run = follower.finish();
    assert!(run.stdout.ends_with("end\n"), "the last line is seen");
    let files: Vec<String> =
        names_in(&sandbox.container(&id)).into_iter().filter(|name| name.starts_with("log")).collect();
    assert!((2..=3).contains(&files.len()), "{files:?}");
    for file in files {
        assert!(sandbox.container(&id).join(&file).metadata().expect("stat").len() < 11 << 20, "{file}");
    }
    let kept = sandbox.ok(&["logs", "l"]);
    // Its first line may have begun in a file that is gone.
    let whole = kept.lines().skip(1).all(|line| line.len() == 40 || line == "end");
    assert!(whole && kept.ends_with("6789\nend\n") && kept.len() > 10 << 20, "{} bytes", kept.len());
}

#[test]
fn bytes_that_are_no_text_come_back_as_they_were() {
    let (sandbox, _) = after(r"printf '\0\377\r\n'; head -c 100000 /dev/zero | tr '\0' x; echo");
    let mut command = sandbox.command(&["logs", "l"]);
    let bytes = command.output().expect("run logs").stdout;
    assert_eq!(&bytes[..4], b"\0\xff\r\n");
    assert_eq!(bytes[4..], [&b"x".repeat(100_000)[..], b"\n"].concat());
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let (sandbox, _) = after("seq 1 100000");
    let mut command = sandbox.command(&["logs", "l"]);
    let mut child = command.stdout(std::process::Stdio::piped()).spawn().expect("logs");
    drop(child.stdout.take());
    assert!(child.wait().expect("wait").success());
    until("nothing is held up", || sandbox.coracle(&["logs", "--tail", "1", "l"]).stdout == "100000\n");
}

#[test]
fn json_files_are_dockers() {
    let sandbox = Sandbox::new();
    let image = sandbox.image("busybox");
    let options = ["--log-driver", "json-file", "--log-opt", "tag={{.Name}}", "--log-opt", "label=team=a"];
    let script = "printf 'a\\001\"\\n'; sleep 0.2; echo err >&2; sleep 0.2; printf part";
    let id = sandbox.detached(&[&options[..], &["--name", "j", &image, "sh", "-c", script]].concat());
    sandbox.ok(&["wait", "j"]);
    let text = std::fs::read_to_string(sandbox.container(&id).join("log")).expect("read the log");
    let lines: Vec<serde_json::Value> =
        text.lines().map(|line| serde_json::from_str(line).expect("each line is JSON")).collect();
    assert_eq!(lines.len(), 3, "{text}");
    assert_eq!((&lines[0]["log"], &lines[0]["stream"]), (&"a\u{1}\"\n".into(), &"stdout".into()));
    assert!(lines[1]["stream"] == "stderr" && lines[1]["attrs"]["tag"] == "j" && lines[1]["attrs"]["team"] == "a");
    assert!(lines[2]["log"] == "part" && lines[2]["time"].as_str().is_some_and(|time| time.ends_with('Z')), "{text}");
    let run = sandbox.coracle(&["logs", "j"]);
    assert_eq!((run.stdout.as_str(), run.stderr.as_str()), ("a\u{1}\"\npart", "err\n"), "{run}");
}

#[test]
fn full_files_are_compressed_and_still_read() {
    let sandbox = Sandbox::new();
    let image = sandbox.image("busybox");
    for driver in ["k8s-file", "json-file"] {
        let options = [
            "--log-driver",
            driver,
            "--log-opt",
            "max-size=100k",
            "--log-opt",
            "max-file=3",
            "--log-opt",
            "compress=true",
        ];
        let id = sandbox.detached(&[&options[..], &[&image, "seq", "1", "20000"]].concat());
        sandbox.ok(&["wait", &id]);
        let names = || {
            names_in(&sandbox.container(&id)).into_iter().filter(|name| name.starts_with("log")).collect::<Vec<_>>()
        };
        until("both are compressed", || names().iter().filter(|name| name.ends_with(".gz")).count() == 2);
        assert_eq!(names().len(), 3, "{:?}", names());
        let all = sandbox.ok(&["logs", &id]);
        // The beginning of the first line may have gone with the file before.
        let (_, whole) = all.split_once('\n').expect("there are lines");
        let first: u32 = whole.lines().next().and_then(|line| line.parse().ok()).expect("a number");
        let expected: String = (first..=20000).map(|number| format!("{number}\n")).collect();
        assert!(whole == expected, "from {first} on");
        assert!(first > 10_000, "older files went: {first}");
        let tail: String = (18_501..=20_000).map(|number| format!("{number}\n")).collect();
        assert_eq!(sandbox.ok(&["logs", "--tail", "1500", &id]), tail);
    }
}

#[test]
fn a_log_elsewhere_is_private_and_follows_no_link() {
    let sandbox = Sandbox::new();
    let image = sandbox.image("busybox");
    let [path, link, other, twin] = ["own", "link", "other", "twin"].map(|name| sandbox.home.join(name));
    let start = |path: &std::path::Path| {
        let option = format!("path={}", path.display());
        let id = sandbox.detached(&["--log-opt", &option, &image, "echo", "said"]);
        sandbox.ok(&["wait", &id]);
        id
    };
    let id = start(&path);
    assert_eq!(sandbox.ok(&["logs", &id]), "said\n");
    assert_eq!(std::os::unix::fs::MetadataExt::mode(&path.metadata().expect("stat")) & 0o777, 0o600);
    assert!(!sandbox.container(&id).join("log").exists());
    std::fs::write(&other, "precious").expect("write");
    std::os::unix::fs::symlink(&other, &link).expect("link");
    std::fs::hard_link(&other, &twin).expect("link");
    for bad in [&link, &twin] {
        start(bad);
        assert_eq!(std::fs::read_to_string(&other).expect("read"), "precious");
    }
}

#[test]
fn drivers_that_keep_nothing_say_so() {
    let sandbox = Sandbox::new();
    let image = sandbox.image("busybox");
    let id = sandbox.detached(&["--log-driver", "none", &image, "echo", "said"]);
    sandbox.ok(&["wait", &id]);
    sandbox.fails(125, &["logs: ", "log driver none"], &["logs", &id]);
    assert!(!sandbox.container(&id).join("log").exists());
    // Passed through, the streams are the container's own: nobody is in between.
    let passed = [
        "run",
        "--network",
        "none",
        "--name",
        "p",
        "--log-driver",
        "passthrough",
        &image,
        "sh",
        "-c",
        "readlink /proc/self/fd/1; echo err >&2",
    ];
    let run = sandbox.coracle(&passed);
    assert!(run.code == 0 && run.stdout.starts_with("pipe:[") && run.stderr == "err\n", "{run}");
    sandbox.fails(125, &["logs: ", "log driver passthrough"], &["logs", "p"]);
    sandbox.fails(125, &["run: ", "--tty"], &["run", "-t", "--log-driver", "passthrough", &image, "true"]);
    sandbox.fails(125, &["run: ", "no log driver \"bogus\""], &["run", "--log-driver", "bogus", &image, "true"]);
    sandbox.fails(125, &["run: ", "log option"], &["run", "--log-opt", "max-size=x", &image, "true"]);
    sandbox.fails(125, &["run: ", "no log option \"bogus\""], &["run", "--log-opt", "bogus=1", &image, "true"]);
}

#[test]
fn lines_of_several_containers_are_told_apart() {
    let sandbox = Sandbox::new();
    let image = sandbox.image("busybox");
    let ids = ["a", "b"].map(|name| sandbox.detached(&["--name", name, &image, "echo", name]));
    sandbox.ok(&["wait", "a", "b"]);
    let expected = format!("{} a\n{} b\n", &ids[0][..12], &ids[1][..12]);
    assert_eq!(sandbox.ok(&["logs", "a", "b"]), expected);
    assert_eq!(sandbox.ok(&["logs", "--names", "a", "b"]), "a a\nb b\n");
    assert_eq!(sandbox.ok(&["logs", "-n", "a"]), "a a\n");
    assert_eq!(sandbox.ok(&["logs", "--latest"]), "b\n");
    assert!(sandbox.ok(&["logs", "-f", "--color", "-n", "a", "b"]).contains("\x1b[31ma\x1b[0m a\n"));
}

#[test]
fn a_flood_is_bounded_and_stalls_nothing() {
    let sandbox = Sandbox::new();
    let image = sandbox.image("busybox");
    let id =
        sandbox.detached(&["--name", "flood", "--log-opt", "max-size=1m", "--log-opt", "max-file=2", &image, "yes"]);
    let log = sandbox.container(&id);
    until("it has gone round", || log.join("log.1").exists());
    for _ in 0..20 {
        assert_eq!(sandbox.ok(&["exec", "flood", "echo", "served"]), "served\n");
        let size: u64 =
            ["log", "log.1"].iter().filter_map(|name| log.join(name).metadata().ok()).map(|file| file.len()).sum();
        assert!(size <= 2 << 20, "{size} bytes");
    }
    sandbox.ok(&["stop", "-t", "0", "flood"]);
}

#[test]
fn a_container_that_has_run_long_enough_is_killed() {
    let sandbox = Sandbox::new();
    let image = sandbox.image("busybox");
    let run = sandbox.coracle(&["run", "--rm", "--network", "none", "--timeout", "1", &image, "sleep", "1000"]);
    assert_eq!(run.code, 137, "{run}");
}

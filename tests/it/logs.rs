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
    assert_eq!(sandbox.ok(&["logs", "-n", "0", "l"]), "");
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

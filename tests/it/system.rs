//! `system df`, `prune` and `reset`, `image prune` and `exists`, `history`: what there is, and what nobody uses goes.

use crate::support::{Run, Running, Sandbox};
use std::io::Write;
use std::process::Stdio;

/// Runs a command that is given an answer on standard input.
fn answered(sandbox: &Sandbox, arguments: &[&str], answer: &str) -> Run {
    let (input, mut output) = std::io::pipe().expect("make a pipe");
    output.write_all(answer.as_bytes()).expect("write the answer");
    drop(output);
    let mut command = sandbox.command(arguments);
    command.stdin(Stdio::from(input));
    Running::start(command).finish()
}

/// A container that runs with a volume, one that has ended, and a volume that none has.
fn used() -> (Sandbox, String) {
    let sandbox = Sandbox::new();
    let image = sandbox.image("busybox");
    sandbox.detached(&["--name", "runs", "--volume", "kept:/v", &image, "sleep", "1000"]);
    sandbox.ok(&["exec", "runs", "sh", "-c", "head -c 3000 /dev/zero >/v/made"]);
    let spent = ["run", "--network", "none", "--name", "ended", "--label", "old=1", "--volume", "left:/v", &image];
    sandbox.ok(&[&spent[..], &["sh", "-c", "head -c 2000 /dev/zero >/made"]].concat());
    (sandbox, image)
}

#[test]
fn df_counts_what_there_is_and_what_could_go() {
    let (sandbox, _) = used();
    let rows =
        sandbox.ok(&["system", "df", "--format", "{{.Type}}|{{.Total}}|{{.Active}}|{{.Size}}|{{.Reclaimable}}"]);
    let rows: Vec<&str> = rows.lines().collect();
    assert!(rows[0].starts_with("Images|1|1|") && rows[0].ends_with("|0B (0%)"), "{rows:?}");
    assert_eq!(&rows[1..], ["Containers|2|1|2kB|2kB (100%)", "Local Volumes|2|2|3kB|0B (0%)"]);
    let verbose = sandbox.ok(&["system", "df", "--verbose"]);
    for text in ["Images space usage:", "localhost/busybox", "ended", "VOLUME NAME", "kept         1           3kB"] {
        assert!(verbose.contains(text), "{text}: {verbose}");
    }
    assert!(sandbox.ok(&["system", "df"]).starts_with("TYPE           TOTAL"));
}

#[test]
fn df_counts_trees_with_other_owners() {
    let sandbox = Sandbox::new();
    sandbox.image("busybox");
    let images = || -> (u64, u64) {
        let row = sandbox.ok(&[
            "system",
            "df",
            "--format={{if eq .Type \"Images\"}}{{.RawSize}} {{.RawReclaimable}}{{end}}",
        ]);
        let (size, reclaimable) = row.trim().split_once(' ').expect("two numbers");
        (size.parse().expect("bytes"), reclaimable.parse().expect("bytes"))
    };
    let on_disk = || -> u64 {
        let script = format!("du -s --block-size=1 {}/coracle/shifted", sandbox.data.display());
        let size = sandbox.ok(&["unshare", "sh", "-c", &script]);
        size.split_whitespace().next().expect("a size").parse().expect("bytes")
    };
    let (before, disk_before) = (images().0, on_disk());
    sandbox.ok(&["run", "--rm", "--userns=nomap", "--network=none", "busybox", "true"]);
    let ((after, reclaimable), disk_after) = (images(), on_disk());
    // Their own directory and the links' count with du alone.
    let (counted, disk) = (after - before, disk_after - disk_before);
    assert!(counted > 0 && counted <= disk && disk - counted <= 64 << 10, "{counted} of {disk}");
    assert_eq!(reclaimable, after, "no container needs the image");
}

#[test]
fn prune_removes_what_nobody_uses_and_asks_first() {
    let (sandbox, image) = used();
    let run = answered(&sandbox, &["system", "prune", "--volumes", "--all"], "n\n");
    assert!(run.code == 0 && run.stdout.starts_with("WARNING! This command removes:\n\t- all stopped"), "{run}");
    sandbox.fails(125, &["nobody has answered"], &["system", "prune"]);
    sandbox.fails(125, &["unknown filter", "colour"], &["system", "prune", "-f", "--filter", "colour=red"]);
    assert_eq!(sandbox.ok(&["system", "prune", "-f", "--filter", "label=other"]), "Total reclaimed space: 0B\n");
    let run = answered(&sandbox, &["system", "prune", "--volumes", "--all"], "y\n");
    assert!(run.stdout.contains("Deleted Containers\n") && run.stdout.contains("Deleted Volumes\nleft\n"), "{run}");
    assert!(!run.stdout.contains("Deleted Images"), "{run}");
    assert!(run.stdout.ends_with("Total reclaimed space: 2kB\n"), "{run}");
    assert_eq!(sandbox.ok(&["ps", "-a", "--format", "{{.Names}}"]), "runs\n");
    assert_eq!(sandbox.ok(&["exec", "runs", "sh", "-c", "wc -c </v/made"]), "3000\n");
    sandbox.ok(&["image", "exists", &image]);
    sandbox.ok(&["rm", "-f", "runs"]);
    assert_eq!(sandbox.ok(&["image", "prune", "-f"]), "");
    assert_eq!(sandbox.ok(&["image", "prune", "-f", "--all"]).trim().len(), 64);
    assert_eq!(sandbox.coracle(&["image", "exists", &image]).code, 1);
}

#[test]
fn reset_leaves_an_engine_that_was_never_used() {
    let (sandbox, _) = used();
    std::fs::write(sandbox.data.join("coracle/foreign"), "mine").expect("leave a file in the store");
    let run = answered(&sandbox, &["system", "reset"], "no\n");
    assert!(run.code == 0 && run.stdout.contains("- all containers"), "{run}");
    assert_eq!(sandbox.ok(&["ps", "-aq"]).lines().count(), 2);
    sandbox.ok(&["system", "reset", "--force"]);
    sandbox.assert_no_leaks();
    assert_eq!(crate::support::names_in(&sandbox.data.join("coracle")), ["foreign"]);
    assert_eq!(sandbox.ok(&["images", "-q"]), "");
    let image = sandbox.image("busybox");
    assert_eq!(sandbox.ok(&["run", "--rm", "--network", "none", &image, "echo", "again"]), "again\n");
}

#[test]
fn history_tells_the_steps_of_an_image() {
    let sandbox = Sandbox::new();
    let image = sandbox.image("busybox");
    let table = sandbox.ok(&["history", &image]);
    assert!(table.starts_with("ID            CREATED") && table.contains("contrib/images"), "{table}");
    assert_eq!(sandbox.ok(&["history", "--format", "{{.CreatedBy}} {{.ID}}", &image]).lines().count(), 1);
    assert_eq!(sandbox.ok(&["image", "history", "-q", "--no-trunc", &image]).trim().len(), 64);
    let stamps = sandbox.ok(&["history", "--human=false", "--format", "{{.Created}} {{.CreatedAt}}", &image]);
    let (one, other) = stamps.trim().split_once(' ').expect("two times");
    assert!(one == other && one.ends_with('Z') && one.len() == 20, "{stamps}");
    sandbox.fails(125, &["nothing"], &["history", "nothing"]);
}

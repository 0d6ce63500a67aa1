//! The confinement of a container as seen from within, compared with files that a person has read: `golden/*.txt`.
//! Any change of it shows up in a review. `CORACLE_GOLDEN=write` writes the files anew.
//!
//! What differs between machines is left out or given a name: numbers of mounts and devices, sizes, and the files of
//! /proc and /sys that only some kernels have.

use crate::support::image_builder::Image;
use crate::support::{Sandbox, source};
use std::collections::BTreeSet;
use std::fmt::Write;

/// One part of a golden file.
pub fn section(title: &str, text: &str) -> String {
    let title = title.split_whitespace().collect::<Vec<_>>().join(" ");
    format!("== {title}\n{}\n\n", text.trim_end())
}

/// Compares a report with its golden file, line by line, or writes it.
#[track_caller]
pub fn assert(name: &str, report: &str) {
    let file = source().join("tests/it/golden").join(name);
    if std::env::var("CORACLE_GOLDEN").as_deref() == Ok("write") {
        std::fs::write(&file, report).unwrap_or_else(|error| panic!("write {}: {error}", file.display()));
        return;
    }
    let golden = std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("read {}: {error}", file.display()));
    if golden == report {
        return;
    }
    let mut difference = String::new();
    for (golden, report) in sections(&golden).iter().zip(sections(report)) {
        if *golden != report {
            let _ = write!(difference, "golden:\n{golden}\nnow:\n{report}\n");
        }
    }
    panic!("{name} is not what it was (CORACLE_GOLDEN=write writes it anew):\n{difference}");
}

/// The names in a golden list, which may also have those of other kernels; a line with a space is a comment.
pub fn known(name: &str) -> BTreeSet<String> {
    let file = source().join("tests/it/golden").join(name);
    let text = std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("read {}: {error}", file.display()));
    text.lines().filter(|line| !line.contains(' ')).map(str::to_owned).collect()
}

/// Nothing may be found that the list does not have, and most of it must be found.
#[track_caller]
pub fn assert_known(name: &str, found: &BTreeSet<String>, what: &str) {
    let known = known(name);
    let new: String = found.difference(&known).map(|name| format!("+ {name}\n")).collect();
    let common = found.intersection(&known).count();
    assert!(new.is_empty(), "{what}: {name} does not have:\n{new}");
    assert!(common * 2 > known.len(), "{what}: of {} names in {name} only {common} are there", known.len());
}

fn sections(text: &str) -> Vec<String> {
    text.split("== ").map(str::to_owned).collect()
}

/// The modes whose confinement is recorded: a title, and options of `run` for it.
const MODES: [(&str, &[&str]); 6] = [
    ("default", &[]),
    ("user", &["--user=1000"]),
    ("terminal", &["--tty"]),
    ("read-only", &["--read-only"]),
    ("nesting", &["--security-opt=nesting"]),
    ("privileged", &["--privileged"]),
];

/// What is looked at in each mode.
const VIEWS: [(&str, &str); 7] = [
    ("status", "grep -E '^(Uid|Gid|Groups|Cap|NoNewPrivs|Seccomp)' /proc/self/status"),
    ("mounts", "cat /proc/self/mountinfo"),
    ("devices", "ls -ln /dev /dev/pts /dev/shm /dev/mqueue"),
    ("environment", "env | sort"),
    ("descriptors", "ls -1 /proc/$$/fd; readlink /proc/$$/cwd; :"),
    ("limits", "ulimit -Sn; ulimit -Sc; ulimit -Hc"),
    (
        "namespaces",
        "for ns in /proc/self/ns/*; do readlink $ns; done; cat /proc/sys/net/ipv4/ping_group_range; hostname | wc -c; id",
    ),
];

#[test]
fn confinement_is_what_the_golden_file_says() {
    let sandbox = Sandbox::new();
    let image = Image::new("golden").load(&sandbox);
    for (mode, options) in MODES {
        let mut report = String::new();
        let name = format!("--name={mode}");
        let host = "--hostname=guest";
        sandbox
            .ok(&[&["run", "--detach", "--network=none", &name, host], options, &[&image, "sleep", "1000"]].concat());
        for (view, script) in VIEWS {
            let run = [&["run", "--rm", "--network=none", host], options, &[&image, "sh", "-c", script]].concat();
            report.push_str(&section(&format!("run: {view}"), &normal(mode, view, &sandbox.ok(&run))));
            let user = if mode == "user" { "--user=1000" } else { "--user=0" };
            let terminal = if mode == "terminal" { &["--tty"][..] } else { &[] };
            let exec = [&["exec", user], terminal, &[mode, "sh", "-c", script]].concat();
            report.push_str(&section(&format!("exec: {view}"), &normal(mode, view, &sandbox.ok(&exec))));
        }
        assert(&format!("{mode}.txt"), &report);
    }
}

/// What every container has in /dev, terminals included.
const DEVICES: &str = "fd full mqueue null ptmx pts random shm stderr stdin stdout tty urandom zero console core";

/// The text of a view without what differs between machines or from run to run. A privileged container also has the
/// machine's devices, whichever they are.
fn normal(mode: &str, view: &str, text: &str) -> String {
    let text = text.replace('\r', "");
    match view {
        "mounts" => mounts(mode, &text),
        "devices" => {
            let lines = text.lines().filter(|line| !line.starts_with("total")).map(device);
            let of_dev = text.find("\n\n").map_or(0, |end| text[..end].lines().count());
            let is_common = |line: &str| line.split("->").next().is_some_and(|name| is_common(name.trim_end()));
            let kept = lines.enumerate().filter(|(index, line)| {
                mode != "privileged" || *index == 0 || *index >= of_dev - 1 || is_common(line)
            });
            kept.map(|(_, line)| line + "\n").collect()
        }
        "namespaces" => text.lines().map(|line| namespace(line) + "\n").collect(),
        _ => text,
    }
}

/// `user:[4026531837]` as whose it is; any other line as it is.
fn namespace(line: &str) -> String {
    let Some((kind, _)) = line.split_once(":[") else { return line.to_owned() };
    let ours = std::fs::read_link(format!("/proc/self/ns/{kind}")).expect("read a namespace of this process");
    let whose = if ours.as_os_str() == line { "the host's" } else { "its own" };
    format!("{kind}: {whose}")
}

/// Whether a path or a line of `ls` ends in the name of a device that every container has.
fn is_common(line: &str) -> bool {
    let name = line.rsplit([' ', '/']).next().unwrap_or_default();
    DEVICES.split(' ').any(|device| device == name)
}

/// A line of `ls -ln`: permissions, owners, device numbers and name; no sizes and times.
fn device(line: &str) -> String {
    let words: Vec<&str> = line.split_whitespace().collect();
    let [mode, _links, owner, group, rest @ ..] = words.as_slice() else { return line.to_owned() };
    // A node has two numbers where a file has a size; then come month, day and time.
    let is_node = mode.starts_with(['c', 'b']);
    let numbers = if is_node { rest[..2].join("") } else { String::new() };
    let name = rest[if is_node { 5 } else { 4 }..].join(" ");
    format!("{mode} {owner}:{group} {numbers} {name}").replace("  ", " ")
}

/// Mounts by target: type, flags, what of the file system is mounted there, and its options. The masks, which depend on
/// what the kernel has to be masked, are only told where they are not as all are.
fn mounts(mode: &str, text: &str) -> String {
    let (mut plain, mut odd_masks) = (String::new(), String::new());
    for line in text.lines() {
        let words: Vec<&str> = line.split(' ').collect();
        let dash = words.iter().position(|word| *word == "-").expect("mountinfo has a dash");
        let (root, target, kind) = (words[3], words[4], words[dash + 1]);
        // The host's own choice of how to keep times shows through its files.
        let flags = words[5].replace(",relatime", "").replace(",noatime", "");
        let is_in = |top: &str| target.starts_with(top);
        if is_in("/proc/") || is_in("/sys/") && target != "/sys/fs/cgroup" {
            let is_usual = match kind {
                "tmpfs" | "proc" | "sysfs" => flags == "ro,nosuid,nodev,noexec",
                _ => root == "/null",
            };
            if !is_usual {
                let _ = writeln!(odd_masks, "odd mask: {target} {kind} {flags} {root}");
            }
            continue;
        }
        if mode == "privileged" && is_in("/dev/") && !is_common(target) {
            continue;
        }
        // A device is of the host's /dev; files of the engine's lie where the test does, and their names count.
        let known = ["size=", "mode=", "ptmxmode=", "nr_inodes="];
        let (kind, root, options) = if root == "/" || kind == "devpts" {
            let options =
                words[dash + 3].split(',').filter(|option| known.iter().any(|known| option.starts_with(known)));
            (kind, root, options.collect::<Vec<_>>().join(","))
        } else {
            ("host", root.rsplit('/').next().unwrap_or(root), String::new())
        };
        let _ = writeln!(plain, "{}", format!("{target} {kind} {flags} {root} {options}").trim_end());
    }
    plain + &odd_masks
}

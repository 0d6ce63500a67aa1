//! A01, A02, A13–A17: what a workload does to the engine's own program, descriptors, names, messages and terminals.

use super::{Scene, eventually, probe, probe_image};
use crate::support::evil_tar::Entry;
use crate::support::image_builder::Image;
use crate::support::{Running, binary, skip};
use serde_json::json;
use sha2::{Digest, Sha256};
use std::os::fd::AsFd;
use std::process::Stdio;

fn hash_of_the_engine() -> Vec<u8> {
    Sha256::digest(std::fs::read(binary()).expect("read the engine's program")).to_vec()
}

/// A01: the program of whoever enters is held open and written to once it is no longer busy (CVE-2019-5736).
#[track_caller]
fn hunt_for_the_engine(options: &[&str]) {
    let scene = Scene::new();
    let Some(image) = probe_image(&scene) else { return };
    let before = hash_of_the_engine();
    // The controls: a program of the container's own, which anybody may overwrite, starts again and again beside it, and
    // a file of its own is within reach.
    let secret = format!("{}/secret", scene.canary.text());
    let script = format!(
        "cp /bin/probe /tmp/prey; while /tmp/prey; [ $? = 2 ]; do :; done & exec probe hunt {secret} /tmp/prey"
    );
    let id = scene.start(options, &image, &["sh", "-c", &script]);
    for round in 0..40 {
        let program = ["true", "/proc/self/exe"][round % 2];
        scene.coracle(&["exec", &id, program]);
    }
    scene.ok(&["kill", "--signal=TERM", &id]);
    scene.coracle(&["wait", &id]);
    let log = scene.ok(&["logs", &id]);
    let reached: Vec<&str> = log.lines().filter_map(|line| line.strip_prefix("reached ")).collect();
    assert!(reached.contains(&"/tmp/prey") && !reached.contains(&secret.as_str()), "{reached:?}");
    let opened: Vec<&str> = log.lines().filter_map(|line| line.strip_prefix("opened ")).collect();
    assert!(opened.contains(&"/tmp/prey"), "the hunter caught nothing at all: {log}");
    let own = ["/tmp/prey", "/bin/busybox", "/bin/probe"];
    assert!(opened.iter().all(|path| own.contains(path)), "opened for writing: {opened:?}");
    assert_eq!(hash_of_the_engine(), before);
    scene.assert_safe();
}

#[test]
fn a01_the_engine_is_not_opened_for_writing_by_the_container_it_enters() {
    hunt_for_the_engine(&[]);
}

#[test]
fn a01_nor_by_a_privileged_one() {
    hunt_for_the_engine(&["--privileged"]);
}

#[test]
fn a01_nor_where_it_stays_as_init() {
    hunt_for_the_engine(&["--init", "--privileged"]);
}

#[test]
fn a01_an_entrypoint_that_is_the_engine_itself_cannot_be_written() {
    let scene = Scene::new();
    let script = Entry::file("bin/again", "#!/proc/self/exe\n").mode(0o755);
    let image = scene.load(&Image::new("again").entry(script).config("Entrypoint", json!(["/proc/self/exe"])));
    let before = hash_of_the_engine();
    for command in [&["--version"][..], &["images"], &["run", "x"]] {
        scene.coracle(&[&["run", "--rm", "--network=none", &image], command].concat());
    }
    scene.coracle(&["run", "--rm", "--network=none", "--entrypoint=/bin/again", &image]);
    // What holds such a process open finds a read-only file.
    let id = scene.start(&["--init", "--privileged", "--entrypoint=sleep"], &image, &["1000"]);
    let run = scene.coracle(&["exec", "--privileged", &id, "sh", "-c", "true 3<>/proc/1/exe"]);
    assert_ne!(run.code, 0, "{run}");
    // The control: a program of the image's is the container's to write.
    scene.ok(&["exec", &id, "sh", "-c", "cp /bin/busybox /tmp/own && true 3<>/tmp/own"]);
    assert_eq!(hash_of_the_engine(), before);
    scene.assert_safe();
}

/// A02: no directory of the host's is reached through a descriptor that the engine forgot (CVE-2024-21626).
#[test]
fn a02_no_working_directory_lies_behind_a_descriptor() {
    let scene = Scene::new();
    let image = Image::new("wd").entry(Entry::symlink("wd", "/proc/self/fd/7")).config("WorkingDir", json!("/wd"));
    let image = scene.load(&image);
    let steal = format!("pwd; cat {}/secret", scene.canary.relative());
    let id = scene.start(&["--workdir=/"], &image, &["sleep", "1000"]);
    assert_eq!(scene.ok(&["exec", "--workdir=/bin", &id, "pwd"]), "/bin\n");
    let mut directories: Vec<String> = (0..20).map(|number| format!("/proc/self/fd/{number}")).collect();
    directories.extend(["/wd", "/wd/..", "/proc/self/fd/7/../..", "/proc/1/cwd", "/proc/1/root/"].map(str::to_owned));
    for directory in &directories {
        let option = format!("--workdir={directory}");
        let run = scene.script(&[&option], &image, &steal);
        assert_is_inside(&run.stdout, run.code);
        let run = scene.coracle(&["exec", &option, &id, "sh", "-c", &steal]);
        assert_is_inside(&run.stdout, run.code);
    }
    // The image's own wish.
    let run = scene.script(&[], &image, &steal);
    assert_is_inside(&run.stdout, run.code);
    scene.assert_safe();
}

/// A process outside of its root has a working directory that getcwd(2) calls unreachable.
#[track_caller]
fn assert_is_inside(directory: &str, code: i32) {
    assert_ne!(code, 0, "the secret was there to be read");
    assert!(directory.is_empty() || directory.starts_with('/'), "working directory {directory}");
}

#[test]
fn a02_a_process_has_three_descriptors() {
    let scene = Scene::new();
    let image = scene.load(&Image::new("fds"));
    let list = "ls /proc/$$/fd; :";
    let plain = |text: String| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    for options in [&[][..], &["--interactive"], &["--tty"], &["--init"], &["--privileged"]] {
        let run = scene.script(options, &image, list);
        assert_eq!(plain(run.stdout), ["0", "1", "2"], "{options:?}");
    }
    let id = scene.start(&["--init"], &image, &["sleep", "1000"]);
    for options in [&["exec"][..], &["exec", "--interactive"], &["exec", "--tty"], &["exec", "--privileged"]] {
        let text = scene.ok(&[options, &[&id, "sh", "-c", list]].concat());
        assert_eq!(plain(text), ["0", "1", "2"], "{options:?}");
    }
    let script = "exec 5</dev/null; ls /proc/$$/fd; :";
    assert_eq!(plain(scene.script(&[], &image, script).stdout), ["0", "1", "2", "5"], "the control");
    scene.assert_safe();
}

/// A13: names that would be paths.
const NOT_NAMES: [&str; 22] = [
    "..",
    ".",
    "/",
    "../x",
    "../../x",
    "a/b",
    "a/../../b",
    "/etc/passwd",
    "./a",
    ".a",
    "-a",
    "_a",
    "a b",
    "a\nb",
    "a\tb",
    "a\u{1b}[2Jb",
    "ä",
    "a%2fb",
    "a\\b",
    "*",
    "~",
    "$(id)",
];

#[test]
fn a13_names_are_no_paths() {
    let scene = Scene::new();
    let image = scene.load(&Image::new("names"));
    let long = "a".repeat(256);
    let climbing = scene.canary.relative();
    let names = NOT_NAMES.iter().copied().chain(["", long.as_str(), climbing.as_str(), scene.canary.text()]);
    for name in names {
        let run = scene.coracle(&["create", "--network=none", &format!("--name={name}"), &image]);
        assert_eq!(run.code, 125, "name {name:?}: {run}");
        for verb in ["start", "stop", "kill", "wait", "rm", "logs"] {
            let run = scene.coracle(&[verb, "--", name]);
            assert_ne!(run.code, 0, "{verb} {name:?}: {run}");
        }
        assert_ne!(scene.coracle(&["exec", "--", name, "true"]).code, 0, "exec {name:?}");
        // Of an image's name, `/` is a part.
        let run = scene.coracle(&["tag", "--", &image, name]);
        assert_eq!(run.code == 0, name == "a/b", "tag {name:?}: {run}");
        // A path is a bind's source, which is the user's own wish; anything else is a volume's name.
        if !name.starts_with(['/', '.', '~']) {
            let mount = format!("--mount=type=volume,source={name},target=/v");
            let run = scene.coracle(&["create", "--network=none", &mount, &image]);
            assert_ne!(run.code, 0, "volume {name:?}: {run}");
        }
    }
    // The control: what such a name is made of is a name where it should be one.
    scene.ok(&["create", "--network=none", "--name=a..b", &image]);
    assert_eq!(std::fs::read_dir(scene.sandbox.data.join("coracle/names")).expect("list the names").count(), 1);
    scene.assert_safe();
}

/// A14: texts of all lengths reach the container whole, or not at all.
#[test]
fn a14_long_environments_arrive_whole_or_not_at_all() {
    let scene = Scene::new();
    let image = scene.load(&Image::new("long"));
    for (count, length) in [(1, 70 << 10), (1, 127 << 10), (12, 100 << 10), (3000, 300)] {
        let value = "x".repeat(length);
        let options: Vec<String> = (0..count).map(|number| format!("--env=V{number}={value}")).collect();
        let options: Vec<&str> = options.iter().map(String::as_str).collect();
        let run = scene.script(&options, &image, "env | grep -c '^V[0-9]*=x*$'; env | grep ^V | wc -c");
        let whole = (0..count).map(|number| format!("V{number}={value}\n").len()).sum::<usize>();
        assert_eq!(run.stdout.split_whitespace().collect::<Vec<_>>(), [count.to_string(), whole.to_string()]);
    }
    // One string may be longer than the kernel takes, in a file of the user's or in an image.
    for length in [200 << 10, 900 << 10] {
        let entry = format!("V={}", "x".repeat(length));
        let file = scene.sandbox.home.join("env");
        std::fs::write(&file, format!("{entry}\n")).expect("write an environment file");
        let run = scene.script(&[&format!("--env-file={}", file.display())], &image, "true");
        assert!(matches!(run.code, 125 | 126), "{run}");
        assert!(run.stderr.len() < 4096, "the error repeats it all");
        let hostile = scene.load(&Image::new("long-image").config("Env", json!([entry])));
        let run = scene.script(&[], &hostile, "true");
        assert!(matches!(run.code, 125 | 126), "{run}");
    }
    // More than any message or document may hold.
    let entries: Vec<String> = (0..300).map(|number| format!("V{number}={}", "x".repeat(60 << 10))).collect();
    let hostile = Image::new("huge").config("Env", json!(entries));
    let file = scene.sandbox.home.join("huge.tar");
    std::fs::write(&file, hostile.archive()).expect("write an archive");
    let loaded = scene.coracle(&["load", "--input", file.to_str().expect("a UTF-8 path")]);
    if loaded.code == 0 {
        let run = scene.script(&[], "localhost/huge:latest", "true");
        assert!(matches!(run.code, 125 | 126), "{run}");
    }
    scene.assert_safe();
}

#[test]
fn a14_long_commands_arrive_whole_or_not_at_all() {
    let scene = Scene::new();
    let image = scene.load(&Image::new("long"));
    let id = scene.start(&[], &image, &["sleep", "1000"]);
    for (count, length) in [(1, 70 << 10), (15, 100 << 10), (5000, 20)] {
        let word = "w".repeat(length);
        let words: Vec<&str> = std::iter::repeat_n(word.as_str(), count).collect();
        let count_words = ["sh", "-c", "echo $# ${#1}", "sh"];
        let expected = format!("{count} {length}\n");
        let run = [&["run", "--rm", "--network=none", &image][..], &count_words, &words].concat();
        let run = scene.coracle(&run);
        assert_eq!((run.code, &run.stdout), (0, &expected), "{}", run.stderr);
        // A request to the monitor has its limit, which is told.
        let run = scene.coracle(&[&["exec", &id][..], &count_words, &words].concat());
        let is_refused = run.code == 125 && run.stderr.contains("longer than");
        assert!(is_refused || run.stdout == expected, "{} {}", run.code, run.stderr);
    }
    scene.assert_safe();
}

/// A15: a container opens no device but those it was given.
#[test]
fn a15_no_device_is_made_or_found() {
    let scene = Scene::new();
    let Some(program) = probe(&scene) else { return };
    // Memory, the first disk, and the harmless /dev/null by another name: the one that shows whether nodes work.
    let nodes = [(b'3', "mem", 1, 1), (b'4', "disk", 254, 0), (b'3', "null", 1, 3)];
    let mut entries = vec![Entry::dir("nodes")];
    entries.extend(nodes.iter().map(|(flag, name, _, _)| Entry::new(*flag, format!("nodes/{name}")).mode(0o666)));
    let image = scene.load(&Image::new("nodes").program("probe", &program).entries(entries));
    for options in [&[][..], &["--cap-add=ALL"], &["--privileged"], &["--security-opt=seccomp=unconfined"]] {
        let run = scene.script(options, &image, "for node in /nodes/*; do echo x <$node && echo opened $node; done");
        assert!(!run.stdout.contains("opened"), "{run}");
        for (_, _, major, minor) in nodes {
            let script = format!(
                "for dir in / /tmp /dev /dev/shm; do probe node $dir/node c {major} {minor}; done; cat /dev/null"
            );
            let run = scene.script(options, &image, &script);
            let bad = run.stdout.lines().find(|line| line.ends_with(" ok"));
            assert_eq!((bad, run.code), (None, 0), "{run}");
        }
        let remount = "for dir in / /tmp /dev /dev/shm /proc /sys; do mount -o remount,dev $dir; done; \
                       probe node /dev/node c 1 3; probe node /node c 1 3; mount -t devtmpfs none /mnt && ls /mnt";
        let run = scene.script(options, &image, remount);
        assert!(!run.stdout.contains(" ok"), "{run}");
    }
    // The control: reading a device that it was given works.
    assert_eq!(scene.script(&[], &image, "head -c 4 /dev/zero | wc -c").stdout, "4\n");
    scene.assert_safe();
}

/// A17: a container types nothing into the terminal of who started it (CVE-2017-5226).
#[test]
fn a17_the_terminal_of_the_caller_is_out_of_reach() {
    let scene = Scene::new();
    let Some(image) = probe_image(&scene) else { return };
    let host = nix::pty::openpty(None, None).expect("open a terminal");
    for options in [&["-i"][..], &["-i", "-t"], &["-i", "--privileged"], &["-it", "--privileged"], &["-it", "--init"]]
    {
        let words = [&["run", "--rm", "--network=none"], options, &[&image, "probe", "terminal"]].concat();
        let mut command = scene.sandbox.command(&words);
        command.stdin(Stdio::from(host.slave.try_clone().expect("duplicate a terminal")));
        let run = Running::start(command).finish();
        scene.assert_secret_kept(&run);
        let answers: Vec<&str> = run.stdout.split_whitespace().collect();
        assert_eq!(answers, ["TIOCSTI", "EPERM", "TIOCLINUX", "EPERM", "TIOCSETD", "EPERM"], "{run}");
        let waiting = rustix::io::ioctl_fionread(host.slave.as_fd()).expect("FIONREAD");
        assert_eq!(waiting, 0, "something was typed: {options:?}");
    }
    // The control: without the filter the same calls reach the container's own terminal, and that alone.
    let run = scene.coracle(&[
        "run",
        "--rm",
        "--network=none",
        "-t",
        "--security-opt=seccomp=unconfined",
        &image,
        "probe",
        "terminal",
    ]);
    assert!(run.stdout.contains("TIOCSETD ok"), "{run}");
    scene.assert_safe();
}

#[test]
fn a17_there_is_no_controlling_terminal_to_be_found() {
    let scene = Scene::new();
    let Some(image) = probe_image(&scene) else { return };
    let run = scene.coracle(&["run", "--rm", "--network=none", &image, "probe", "terminal", "/dev/tty"]);
    assert_eq!(run.stdout, "open ENXIO\n", "{run}");
    let id = scene.start(&[], &image, &["sleep", "1000"]);
    eventually("exec finds no terminal", || {
        scene.coracle(&["exec", &id, "probe", "terminal", "/dev/tty"]).stdout == "open ENXIO\n"
    });
    scene.assert_safe();
}

/// G09: a container that serves a file system of its own, and never answers, holds up nobody but who looks into it.
#[test]
fn g09_a_silent_file_system_does_not_stop_the_monitor() {
    let scene = Scene::new();
    let Some(image) = probe_image(&scene) else { return };
    let id = scene.start(&["--privileged"], &image, &["probe", "silence", "/tmp"]);
    eventually("the silence begins", || scene.ok(&["logs", &id]).contains("mount "));
    if scene.ok(&["logs", &id]) != "mount ok\n" {
        return skip("no /dev/fuse for everyone");
    }
    let run = scene.coracle(&["exec", "--workdir=/tmp/x", &id, "true"]);
    assert_eq!(run.code, 125, "{run}");
    assert_eq!(scene.ok(&["exec", &id, "echo", "still here"]), "still here\n");
    scene.ok(&["stop", "--time=1", &id]);
    scene.assert_safe();
}

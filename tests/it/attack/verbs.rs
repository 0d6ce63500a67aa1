//! A18, A21: commands that look at a container or end it, where it has put programs and numbers in their way.

use super::{Scene, eventually};
use crate::support::evil_tar::Entry;
use crate::support::image_builder::Image;
use serde_json::Value;

/// What engines have run of a container's programs, or could.
const PROGRAMS: &str = "ps top sh bash tar xz gzip unpigz zstd nsenter newuidmap newgidmap pasta id getent cat env mount \
                        umount cp ls true coracle podman crun runc fuse-overlayfs systemctl journalctl";

/// A18: whoever looks at a container runs nothing of it, and believes nothing that it says of itself (CVE-2022-1227).
#[test]
fn a18_no_command_runs_a_program_of_the_container() {
    let scene = Scene::new();
    // What runs in the container says so there, and what runs outside leaves its mark at the canary.
    let hostile = format!("#!/bin/busybox sh\n/bin/busybox touch /executed {}/executed\n", scene.canary.text());
    let mut image = Image::new("hostile");
    for directory in ["bin", "sbin", "usr/bin", "usr/sbin", "usr/local/bin"] {
        for program in PROGRAMS.split_whitespace() {
            image = image.entry(Entry::file(format!("{directory}/{program}"), hostile.as_bytes()).mode(0o755));
        }
    }
    let image = scene.load(&image);
    // The container's own /proc is a fake of its own making.
    let fake = "busybox umount -l /proc; busybox mkdir -p /proc/1/ns; echo '1 (fake) S 0' > /proc/1/stat; \
                echo Name:fake > /proc/1/status; echo ready; exec busybox sleep 1000";
    let options = ["--name=c", "--cap-add=SYS_ADMIN", "--health-cmd=none"];
    let id = scene.start(&options, &image, &["busybox", "sh", "-c", fake]);
    eventually("the container is ready", || scene.ok(&["logs", &id]).contains("ready"));
    std::fs::write(scene.sandbox.home.join("bait"), "bait").expect("write");
    for arguments in [
        &["top", "c"][..],
        &["top", "c", "pid", "user", "args"],
        &["ps", "--all"],
        &["stats", "--no-stream", "c"],
        &["inspect", "--size", "c"],
        &["diff", "c"],
        &["cp", "bait", "c:/tmp/"],
        &["cp", "c:/etc", "out"],
        &["cp", "c:/etc", "-"],
        &["export", "--output=out.tar", "c"],
        &["commit", "c", "again"],
        &["port", "c"],
        &["logs", "c"],
        &["rename", "c", "d"],
        &["rename", "d", "c"],
        &["system", "df"],
        &["system", "check"],
        &["kill", "--signal=CONT", "c"],
    ] {
        let run = scene.coracle(arguments);
        assert_eq!(run.code, 0, "{run}");
        assert!(!["top", "stats"].contains(&arguments[0]) || !run.stdout.contains("fake"), "{run}");
    }
    let look = || scene.coracle(&["exec", "c", "busybox", "stat", "/executed"]).code;
    assert_ne!(look(), 0, "something of the container was run");
    // The control: the programs do run, where they are asked for, and who reads this /proc is told a tale.
    assert_eq!(scene.ok(&["exec", "c", "busybox", "cat", "/proc/1/status"]), "Name:fake\n");
    scene.coracle(&["exec", "c", "ps"]);
    assert_eq!(look(), 0);
    scene.ok(&["restart", "--time=0", "c"]);
    scene.ok(&["stop", "--time=0", "c"]);
    scene.assert_safe();
}

/// A21: the number of a container's first process, and that of its monitor, may have been given to another container's by
/// the time that a command ends what is left of a container that was lost.
#[test]
fn a21_a_pid_that_is_another_process_now_is_not_signalled() {
    let scene = Scene::new();
    let image = scene.load(&Image::new("pids"));
    const FIELDS: [&str; 3] = ["pid", "pid_start_ticks", "pid_namespace"];
    let patient = "trap 'exit 7' TERM; echo ready; while true; do sleep 1000 & wait; done";
    // Of the three, those that are the bystander's own: the pid, and at times one thing more. The control has them all.
    for (taken, spared) in
        [(&FIELDS[..1], true), (&FIELDS[..2], true), (&[FIELDS[0], FIELDS[2]], true), (&FIELDS[..], false)]
    {
        for command in [
            &["stop", "--time=0"][..],
            &["kill"],
            &["start"],
            &["restart", "--time=0"],
            &["rm", "--force", "--time=0"],
        ] {
            let other = scene.start(&["--name=other"], &image, &["sh", "-c", patient]);
            eventually("the bystander is ready", || scene.ok(&["logs", "other"]).contains("ready"));
            let bystander = scene.sandbox.state(&other);
            let id = scene.start(&["--name=lost"], &image, &["sleep", "1000"]);
            let file = scene.sandbox.container(&id).join("state.json");
            let mut state = scene.sandbox.state(&id);
            let number = |state: &Value, field: &str| state[field].as_i64().expect("a number");
            let [monitor, pid] = ["monitor_pid", "pid"].map(|field| number(&state, field));
            let killed = nix::unistd::Pid::from_raw(i32::try_from(monitor).expect("a pid"));
            nix::sys::signal::kill(killed, nix::sys::signal::Signal::SIGKILL).expect("kill the monitor");
            eventually("the container is lost", || [monitor, pid].iter().all(|pid| !crate::support::is_alive(*pid)));
            for field in taken {
                state[*field] = bystander[*field].clone();
            }
            state["monitor_pid"] = bystander["monitor_pid"].clone();
            std::fs::write(&file, state.to_string()).expect("write state.json");
            // Whatever else it comes to.
            scene.coracle(&[command, &["lost"]].concat());
            scene.ok(&["rm", "--force", "--time=0", "--ignore", "lost"]);
            // If it was killed, that came first.
            scene.coracle(&["kill", "--signal=TERM", "other"]);
            let code = scene.ok(&["wait", "other"]);
            assert_eq!(code, if spared { "7\n" } else { "137\n" }, "{command:?} {taken:?}");
            scene.ok(&["rm", "other"]);
        }
    }
    scene.assert_safe();
}

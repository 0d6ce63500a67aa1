//! Attacks on whoever works with a container's files: `cp`, `export`, `commit` and `diff`, beside a container that
//! changes them meanwhile, and on trees that were made to be in the way.

use super::canary::is_there;
use super::{Scene, eventually, probe_image};
use crate::support::evil_tar::{self, Entry};
use crate::support::image_builder::Image;
use crate::support::{Run, Running};
use serde_json::json;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

/// A race is given up after so many rounds, or when its time is over, whichever comes first.
const ROUNDS_MAX: usize = 2000;
const TIME: Duration = Duration::from_secs(8);

/// Starts a container that exchanges `/race/a`, a directory with a file in it, for a link, without a pause.
#[track_caller]
fn start_swapper(scene: &Scene, image: &str, target: &str) -> String {
    let script = format!(
        "mkdir -p /race/a && cd /race && echo mine > a/secret && mkdir a/dir && echo mine > a/dir/deep && \
         ln -s {target} other && exec probe swap a other"
    );
    let id = scene.start(&[], image, &["sh", "-c", &script]);
    eventually("the swapper swaps", || scene.ok(&["logs", &id]).contains("swapping now"));
    id
}

/// The control: who goes by the path on the host, looks first and reads then, comes out with the secret.
#[track_caller]
fn assert_naive_loses(scene: &Scene, id: &str) {
    let inner = scene.sandbox.data.join("coracle/containers").join(id).join("upper/race/a");
    eventually("the naive reads the secret", || {
        (0..10_000).any(|_| {
            let is_safe = inner.symlink_metadata().is_ok_and(|status| status.is_dir());
            is_safe && std::fs::read_to_string(inner.join("secret")).is_ok_and(|text| text == scene.canary.nonce)
        })
    });
}

#[track_caller]
fn stop_swapper(scene: &Scene, id: &str) {
    scene.ok(&["kill", "--signal=TERM", id]);
    scene.ok(&["wait", id]);
    let log = scene.ok(&["logs", id]);
    let count = log.lines().find_map(|line| line.strip_prefix("swapped ")).expect("a count of exchanges");
    assert!(count.parse::<u64>().expect("a number") > 1000, "{log}");
    scene.ok(&["rm", id]);
}

/// F01, F05: what is copied out, in, or exported, is of the container or nothing, whatever is exchanged meanwhile.
#[test]
fn f01_f05_no_copy_and_no_export_leaves_the_container() {
    let scene = Scene::new();
    let Some(image) = probe_image(&scene) else { return };
    let home = scene.sandbox.home.clone();
    std::fs::write(home.join("bait"), "bait").expect("write");
    std::fs::create_dir(home.join("out")).expect("mkdir");
    for target in [scene.canary.text().to_owned(), scene.canary.relative()] {
        let id = start_swapper(&scene, &image, &target);
        let at = |path: &str| format!("{id}:{path}");
        assert_naive_loses(&scene, &id);
        let limit = Instant::now() + TIME;
        let (mut rounds, mut successes) = (0, 0);
        while rounds < ROUNDS_MAX && Instant::now() < limit {
            let runs: [&[&str]; 6] = [
                &["cp", &at("/race/a/secret"), "out/file"],
                &["cp", &at("/race/a"), "out/dir"],
                &["cp", "bait", &at("/race/a/caught")],
                &["cp", "bait", &at("/race/a")],
                &["commit", &id, "raced"],
                &["diff", &id],
            ];
            let run = scene.coracle(runs[rounds % runs.len()]);
            assert!(matches!(run.code, 0 | 125), "{run}");
            successes += usize::from(run.code == 0);
            for bytes in [export(&scene, &id), pack(&scene, &at("/race"))] {
                assert!(!contains(&bytes, scene.canary.nonce.as_bytes()), "the nonce came out");
            }
            assert_no_nonce(&home.join("out"), &scene.canary.nonce);
            rounds += 1;
        }
        assert!(successes > 0, "none of {rounds} came through");
        scene.canary.assert_unchanged();
        stop_swapper(&scene, &id);
    }
    scene.assert_safe();
}

fn export(scene: &Scene, id: &str) -> Vec<u8> {
    scene.sandbox.command(&["export", id]).output().expect("run export").stdout
}

fn pack(scene: &Scene, path: &str) -> Vec<u8> {
    scene.sandbox.command(&["cp", path, "-"]).output().expect("run cp").stdout
}

fn contains(bytes: &[u8], wanted: &[u8]) -> bool {
    bytes.windows(wanted.len()).any(|window| window == wanted)
}

/// Looks into every regular file, following nothing.
#[track_caller]
fn assert_no_nonce(top: &Path, nonce: &str) {
    for entry in std::fs::read_dir(top).expect("list") {
        let path = entry.expect("an entry").path();
        let status = path.symlink_metadata().expect("stat");
        if status.is_dir() {
            assert_no_nonce(&path, nonce);
        } else if status.is_file() {
            assert!(!contains(&std::fs::read(&path).expect("read"), nonce.as_bytes()), "{} has it", path.display());
        }
    }
}

/// F02: a tree that comes out is made below the place that was named, of what it is. F03: what was there keeps its mode.
#[test]
fn f02_f03_what_comes_out_stays_where_it_was_put() {
    let scene = Scene::new();
    let canary = scene.canary.text().to_owned();
    let secret = format!("{canary}/secret");
    let image = Image::new("tricky").entries([
        Entry::dir("t"),
        Entry::symlink("t/canary", &canary),
        Entry::symlink("t/up", "../../../../../../.."),
        Entry::symlink("t/host", format!("../../..{canary}")),
        Entry::file("t/*", "star"),
        Entry::file("t/-rf", "dash"),
        Entry::fifo("t/fifo"),
        Entry::file("t/program", "x").mode(0o6755),
        Entry::dir("t/there"),
        Entry::file("t/there/new", "new"),
        Entry::dir("t/here"),
        Entry::file("t/here/new", "new"),
        Entry::symlink("link", &canary),
    ]);
    let image = scene.load(&image);
    scene.ok(&["create", "--name=c", "--network=none", &image, "true"]);
    let out = scene.sandbox.home.join("out");
    // In the way: a link of the user's own where the tree has a directory, and a directory with a mode of its own.
    std::fs::create_dir_all(out.join("t/there")).expect("mkdir");
    std::fs::set_permissions(out.join("t/there"), PermissionsExt::from_mode(0o711)).expect("chmod");
    std::fs::set_permissions(out.join("t"), PermissionsExt::from_mode(0o700)).expect("chmod");
    std::os::unix::fs::symlink(&canary, out.join("t/here")).expect("symlink");
    let run = scene.coracle(&["cp", "c:/t", "out"]);
    assert_eq!(run.code, 125, "a link was taken for a directory: {run}");
    scene.canary.assert_unchanged();
    scene.ok(&["cp", "--overwrite", "c:/t", "out"]);
    let mode = |path: &str| out.join(path).symlink_metadata().expect("stat").mode() & 0o7777;
    assert_eq!((mode("t"), mode("t/there"), mode("t/program")), (0o700, 0o711, 0o755));
    assert!(!is_there(&Path::new(&canary).join("new")));
    assert!(out.join("t/here").symlink_metadata().expect("stat").is_dir());
    assert_eq!(std::fs::read_link(out.join("t/canary")).expect("a link").to_str(), Some(canary.as_str()));
    // A link that is asked for by name is followed, in the container.
    for path in ["c:/link/secret", "c:/t/canary/secret", "c:/t/host/secret", "c:/t/up/../../../..", "c:/t/canary"] {
        let run = scene.coracle(&["cp", path, "out2"]);
        assert!(run.code == 125 || path.ends_with(".."), "{path}: {run}");
    }
    // Nor does anything get out on the way in.
    std::fs::write(scene.sandbox.home.join("bait"), "bait").expect("write");
    for path in ["c:/link/caught", "c:/t/canary", "c:/t/host/caught", "c:/t/up/caught"] {
        scene.coracle(&["cp", "bait", path]);
    }
    assert!(!is_there(Path::new(&secret).with_file_name("caught").as_path()));
    scene.assert_safe();
}

/// F02: an archive on standard input is no better than a layer. C08: nothing of the container is executed for it.
/// C09: and nothing of it is loaded.
#[test]
fn c08_c09_f02_an_archive_goes_into_the_container_alone() {
    let scene = Scene::new();
    let canary = scene.canary.text().to_owned();
    let hostile = format!("#!/bin/sh\ntouch {canary}/executed\n");
    let mut image = Image::new("helpers");
    for name in ["tar", "xz", "gzip", "unpigz", "zstd", "bzip2"] {
        image = image.program(name, hostile.as_bytes());
    }
    let nss = Entry::file("lib/x86_64-linux-gnu/libnss_files.so.2", hostile.as_bytes()).mode(0o755);
    let image = scene.load(&image.entry(nss).entry(Entry::file("etc/nsswitch.conf", "passwd: files evil\n")));
    scene.ok(&["create", "--name=c", "--network=none", "--user=1000", &image, "true"]);
    let escapes = [
        Entry::symlink("a", &canary),
        Entry::file("a/caught", "bait"),
        Entry::symlink("b", format!("{canary}/secret")),
        Entry::hard_link("c", "b"),
        Entry::file("c", "bait"),
    ];
    let archive = evil_tar::archive(&escapes);
    into(&scene, "c:/tmp", &archive);
    for path in ["../../caught", "/../caught"] {
        let run = into(&scene, "c:/tmp", &evil_tar::archive(&[Entry::file(path, "bait")]));
        assert_eq!(run.code, 125, "{path}: {run}");
    }
    into(&scene, "c:/tmp", b"\xfd7zXZ\x00 no engine has to unpack this").fails(125, &["archive"]);
    scene.ok(&["cp", "c:/bin/xz", "copied"]);
    scene.assert_safe();
}

fn into(scene: &Scene, target: &str, archive: &[u8]) -> Run {
    let file = scene.sandbox.home.join("archive");
    std::fs::write(&file, archive).expect("write");
    let mut command = scene.sandbox.command(&["cp", "-", target]);
    command.stdin(Stdio::from(std::fs::File::open(&file).expect("open")));
    let run = Running::start(command).finish();
    scene.assert_secret_kept(&run);
    run
}

/// A11: the names that the engine uses are planted as links to the canary, in the image and in a volume: it opens no
/// file of its own where a container can write.
#[test]
fn a11_planted_names_are_not_the_engines() {
    let scene = Scene::new();
    let canary = scene.canary.text().to_owned();
    let secret = format!("{canary}/secret");
    let files = ["etc/hosts", "etc/hostname", "etc/resolv.conf", "run/.containerenv", "etc/passwd", "etc/mtab"];
    let own = [
        "config.json",
        "state.json",
        "alive",
        "log",
        "ctl",
        "upper",
        "work",
        "merged",
        "empty",
        "volume.json",
        "data",
        "info.json",
        "fs",
        ".coracle-removing-1",
        ".coracle-replaced-1-1",
    ];
    let mut image = Image::new("planted").config("Volumes", json!({"/v": {}}));
    for name in files.iter().copied().chain(own) {
        image = image.entry(Entry::symlink(name, &secret));
    }
    for name in own {
        image = image.entry(Entry::symlink(format!("v/{name}"), &canary));
    }
    let image = scene.load(&image);
    std::fs::write(scene.sandbox.home.join("bait"), "bait").expect("write");
    let id = scene.start(&[], &image, &["sleep", "1000"]);
    for arguments in [
        &["cp", "bait", &format!("{id}:/v/")][..],
        &["cp", "bait", &format!("{id}:/")],
        &["cp", &format!("{id}:/v"), "out"],
        &["commit", &id, "again"],
        &["commit", "--squash", &id, "flat"],
        &["diff", &id],
        &["export", "--output=out.tar", &id],
        &["stop", "--time=0", &id],
        &["cp", "bait", &format!("{id}:/v/rest")],
        &["export", "--output=out.tar", &id],
        &["rm", "--volumes", &id],
    ] {
        let run = scene.coracle(arguments);
        assert_eq!(run.code, 0, "{run}");
    }
    assert!(!contains(
        &std::fs::read(scene.sandbox.home.join("out.tar")).expect("read"),
        scene.canary.nonce.as_bytes()
    ));
    scene.assert_safe();
}

/// C15: labels and annotations of an image are data, also those by which some engine is driven.
#[test]
fn c15_labels_drive_nothing() {
    let scene = Scene::new();
    let plain = scene.load(&Image::new("plain"));
    let labels = json!({
        "io.containers.capabilities": "SYS_ADMIN,NET_ADMIN",
        "io.containers.autoupdate": "registry",
        "io.containers.autoupdate.authfile": "/etc/shadow",
        "io.podman.annotations.privileged": "TRUE",
        "io.podman.annotations.seccomp": "unconfined",
        "io.podman.annotations.label": "disable",
        "io.podman.annotations.apparmor": "unconfined",
        "io.podman.annotations.autoremove": "TRUE",
        "io.podman.annotations.init": "TRUE",
        "io.podman.annotations.volumes-from": "other",
        "io.kubernetes.cri-o.userns-mode": "host",
        "io.kubernetes.cri-o.Devices": "/dev/kmsg",
        "run.oci.keep_original_groups": "1",
        "run.oci.hooks.stderr": "/tmp/hook",
        "run.oci.seccomp.receiver": "unix:/tmp/s",
        "com.docker.compose.project": "x",
        "containerd.io/restart.loguri": "binary:///bin/touch?/tmp/x",
        "containerd.io/restart.status": "running",
        "run": "podman run --privileged IMAGE",
        "RUN": "podman run --privileged IMAGE",
        "INSTALL": "touch /tmp/x",
        "PODMAN_SYSTEMD_UNIT": "x.service",
    });
    let driven = scene.load(&Image::new("driven").config("Labels", labels));
    let show = "grep -E '^(Cap|Seccomp|NoNewPrivs|Groups|Uid)' /proc/self/status; cat /proc/self/uid_map; \
        cut -d' ' -f5- /proc/self/mountinfo | grep -v containers/ | sort; ls /dev /proc/1/fd | sort; id; ulimit -a";
    let seen = |image: &str| scene.script(&[], image, show);
    let (expected, found) = (seen(&plain), seen(&driven));
    assert_eq!(expected.code, 0, "{expected}");
    assert_eq!(found.stdout, expected.stdout);
    let inspect = |image: &str| {
        scene.ok(&["create", "--name=c", "--network=none", image, "true"]);
        let fields = ["CapAdd", "CapDrop", "Privileged", "AutoRemove", "Annotations", "SecurityOpt", "RestartPolicy"];
        let format: String = fields.iter().map(|field| format!("{{{{json .HostConfig.{field}}}}} ")).collect();
        let shown = scene.ok(&["inspect", "--format", &format, "c"]);
        scene.ok(&["rm", "c"]);
        shown
    };
    assert_eq!(inspect(&driven), inspect(&plain));
    scene.assert_safe();
}

/// C21: trees that are too deep, too wide or too odd cost bounded time and memory, and go away with their container.
#[test]
fn c21_odd_shapes_end_in_an_error_or_an_image() {
    let scene = Scene::new();
    let image = scene.load(&Image::new("shapes"));
    let deep = "i=0; while [ $i -lt 1500 ]; do mkdir d && cd d || exit 1; i=$((i+1)); done; touch bottom /ready";
    let id = scene.start(&[], &image, &["sh", "-c", &format!("{deep}; sleep 1000")]);
    eventually("the tree is deep", || scene.coracle(&["exec", &id, "ls", "/ready"]).code == 0);
    for arguments in [
        &["commit", &id, "deep"][..],
        &["export", "--output=out.tar", &id],
        &["diff", &id],
        &["cp", &format!("{id}:/d"), "out"],
        &["cp", &format!("{id}:/d"), "-"],
    ] {
        let run = scene.coracle(arguments);
        assert_eq!(run.code, 125, "{run}");
        assert!(run.stderr.contains("directories in each other") && run.stderr.len() < 4096, "{}", run.stderr.len());
    }
    assert!(!scene.ok(&["images"]).contains("localhost/deep"));
    scene.ok(&["rm", "--force", "--time=0", &id]);
    let removed = std::process::Command::new("rm").args(["-rf", "out"]).current_dir(&scene.sandbox.home).status();
    assert!(removed.expect("run rm").success());

    let wide = "mkdir w && cd w && echo x > first && seq 1 1500 | while read n; do ln first l$n; done; \
        echo a > CASE; echo b > case; echo c > Case; dd if=/dev/zero of=sparse bs=1 count=1 seek=1000000000000 2>/dev/null; touch /ready";
    let id = scene.start(&[], &image, &["sh", "-c", &format!("{wide}; sleep 1000")]);
    eventually("the tree is wide", || scene.coracle(&["exec", &id, "ls", "/ready"]).code == 0);
    scene.ok(&["cp", &format!("{id}:/w"), "out"]);
    let first = scene.sandbox.home.join("out/first").metadata().expect("stat");
    assert_eq!(
        (first.nlink(), std::fs::read_dir(scene.sandbox.home.join("out")).expect("list").count()),
        (1501, 1505)
    );
    // A terabyte of nothing is a few bytes in an archive, and more than a layer may make.
    assert!(export(&scene, &id).len() < 64 << 20);
    let run = scene.coracle(&["commit", &id, "wide"]);
    assert_eq!(run.code, 125, "{run}");
    scene.ok(&["exec", &id, "rm", "/w/sparse"]);
    scene.ok(&["commit", &id, "wide"]);
    let shown = scene.script(&[], "wide", "cat /w/CASE /w/case /w/Case; ls /w | wc -l");
    assert_eq!(shown.stdout, "a\nb\nc\n1504\n", "{shown}");
    scene.assert_safe();
}

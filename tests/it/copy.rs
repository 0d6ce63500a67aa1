//! `cp`: what goes where, whose it is then, and that nothing else changes.

use crate::support::random_tree::{self, Random};
use crate::support::{Run, Running, Sandbox};
use std::io::Write;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::Stdio;

/// A container that has not been started, and one that runs, of the same options.
fn both(options: &[&str]) -> (Sandbox, [&'static str; 2]) {
    let sandbox = Sandbox::new();
    sandbox.image("busybox");
    let common = [&["--network", "none"], options].concat();
    sandbox.ok(&[&["create", "--name", "rest"], common.as_slice(), &["busybox", "sleep", "1000"]].concat());
    sandbox.ok(&[&["run", "--detach", "--name", "live"], common.as_slice(), &["busybox", "sleep", "1000"]].concat());
    (sandbox, ["rest", "live"])
}

fn tree(sandbox: &Sandbox) -> PathBuf {
    let top = sandbox.home.join("tree");
    std::fs::create_dir_all(top.join("sub")).expect("mkdir");
    std::fs::write(top.join("file"), "content\n").expect("write");
    std::fs::write(top.join("sub/deep"), "deep\n").expect("write");
    std::fs::hard_link(top.join("file"), top.join("twin")).expect("link");
    std::os::unix::fs::symlink("file", top.join("link")).expect("symlink");
    std::fs::set_permissions(top.join("sub"), PermissionsExt::from_mode(0o750)).expect("chmod");
    top
}

/// The listing of a tar of a path in a container: `mode owner size path` of each member.
fn listing(sandbox: &Sandbox, from: &str) -> Vec<String> {
    let output = sandbox.command(&["cp", from, "-"]).output().expect("run cp");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let mut archive = tar::Archive::new(&output.stdout[..]);
    let line = |entry: std::io::Result<tar::Entry<'_, &[u8]>>| {
        let entry = entry.expect("an entry");
        let header = entry.header();
        let (mode, uid, gid) = (header.mode().unwrap(), header.uid().unwrap(), header.gid().unwrap());
        let path = entry.path().expect("a path").display().to_string();
        let link = entry.link_name().expect("a link").map(|link| format!(" -> {}", link.display()));
        format!("{mode:o} {uid}:{gid} {path}{}", link.unwrap_or_default())
    };
    let mut lines: Vec<String> = archive.entries().expect("entries").map(line).collect();
    lines.sort_by(|one, other| one.split(' ').nth(2).cmp(&other.split(' ').nth(2)));
    lines
}

fn read(path: impl AsRef<Path>) -> String {
    std::fs::read_to_string(path.as_ref()).unwrap_or_else(|error| panic!("read {}: {error}", path.as_ref().display()))
}

#[track_caller]
fn with_input(sandbox: &Sandbox, arguments: &[&str], input: &[u8]) -> Run {
    let mut command = sandbox.command(arguments);
    let file = sandbox.home.join("input");
    std::fs::File::create(&file).and_then(|mut file| file.write_all(input)).expect("write");
    command.stdin(Stdio::from(std::fs::File::open(&file).expect("open")));
    Running::start(command).finish()
}

#[test]
fn the_target_decides_what_the_copy_is_called() {
    let (sandbox, containers) = both(&[]);
    let top = tree(&sandbox);
    let top = top.to_str().unwrap();
    for name in containers {
        let to = |path: &str| format!("{name}:{path}");
        sandbox.ok(&["cp", &format!("{top}/file"), &to("/new")]);
        sandbox.ok(&["cp", &format!("{top}/file"), &to("/tmp")]);
        sandbox.ok(&["cp", &format!("{top}/sub"), &to("/renamed")]);
        sandbox.ok(&["cp", &format!("{top}/sub"), &to("/tmp/")]);
        sandbox.ok(&["cp", &format!("{top}/."), &to("/contents")]);
        // Into what is there now, which keeps what it has.
        sandbox.ok(&["cp", &format!("{top}/sub/."), &to("/tmp/sub")]);
        sandbox.ok(&["cp", &to("/new"), "out"]);
        sandbox.ok(&["cp", &to("/contents"), "."]);
        sandbox.ok(&["cp", &to("/tmp/sub/."), "./flat"]);
        let home = &sandbox.home;
        assert_eq!(read(home.join("out")), "content\n");
        assert_eq!(random_tree::describe(&home.join("contents")), random_tree::describe(Path::new(top)));
        assert_eq!(read(home.join("flat/deep")), "deep\n");
        assert_eq!(listing(&sandbox, &to("/tmp/file")), ["644 0:0 file"]);
        assert_eq!(listing(&sandbox, &to("/tmp/sub")), ["750 0:0 sub/", "644 0:0 sub/deep"]);
        assert_eq!(listing(&sandbox, &to("/renamed/.")), ["644 0:0 deep"]);
        for (source, target, words) in [
            (format!("{top}/file"), to("/no/such"), "could not be found"),
            (format!("{top}/file"), to("/missing/"), "could not be found"),
            (format!("{top}/sub"), to("/new"), "destination must be a directory"),
            (format!("{top}/file"), to("/new/"), "not a directory"),
            (format!("{top}/none"), to("/"), "could not be found on the host"),
            (to("/none"), ".".to_owned(), "could not be found in container"),
            (to("/new/."), ".".to_owned(), "not a directory"),
        ] {
            sandbox.fails(125, &["cp", words], &["cp", &source, &target]);
        }
        for path in ["out", "contents", "flat"] {
            let _ = std::fs::remove_dir_all(home.join(path)).or_else(|_| std::fs::remove_file(home.join(path)));
        }
    }
    sandbox.fails(125, &["neither side"], &["cp", "a", "b"]);
    sandbox.fails(125, &["no container"], &["cp", "a", "none:b"]);
}

#[test]
fn copies_belong_to_the_containers_user_or_keep_their_owner() {
    let (sandbox, containers) = both(&["--user", "1000:1000"]);
    let top = tree(&sandbox);
    let file = top.join("file");
    let file = file.to_str().unwrap();
    for name in containers {
        sandbox.ok(&["cp", file, &format!("{name}:/tmp/theirs")]);
        sandbox.ok(&["cp", "--archive=false", file, &format!("{name}:/tmp/roots")]);
        assert_eq!(listing(&sandbox, &format!("{name}:/tmp/theirs")), ["644 1000:1000 theirs"]);
        assert_eq!(listing(&sandbox, &format!("{name}:/tmp/roots")), ["644 0:0 roots"]);
        // What comes out is the caller's, and no program of the container's making has a set-id bit on the host.
        sandbox.ok(&["cp", &format!("{name}:/tmp/theirs"), "out"]);
        let own = std::fs::metadata(&sandbox.home).expect("stat").uid();
        assert_eq!(std::fs::metadata(sandbox.home.join("out")).expect("stat").uid(), own);
    }
    sandbox.ok(&["exec", "--user", "0", "live", "chmod", "6755", "/tmp/roots"]);
    assert_eq!(listing(&sandbox, "live:/tmp/roots"), ["6755 0:0 roots"]);
    sandbox.ok(&["cp", "live:/tmp/roots", "out"]);
    assert_eq!(std::fs::metadata(sandbox.home.join("out")).expect("stat").mode() & 0o7777, 0o755);
    // On a directory it is no right to run anything.
    sandbox.ok(&[
        "exec",
        "--user",
        "0",
        "live",
        "sh",
        "-c",
        "mkdir /tmp/shared; cp -p /tmp/roots /tmp/shared; chmod 2775 /tmp/shared",
    ]);
    sandbox.ok(&["cp", "live:/tmp/shared", "shared"]);
    let mode = |name: &str| std::fs::metadata(sandbox.home.join(name)).expect("stat").mode() & 0o7777;
    assert_eq!((mode("shared"), mode("shared/roots")), (0o2775, 0o755));
}

#[test]
fn links_at_the_end_are_followed_within_the_container() {
    let (sandbox, _) = both(&[]);
    let top = tree(&sandbox);
    let script = "ln -s /etc /to-etc; ln -s nowhere /dangling; ln -s ../../../../up /above; mkdir /up";
    sandbox.ok(&["exec", "live", "sh", "-c", script]);
    let file = top.join("file");
    let file = file.to_str().unwrap();
    sandbox.ok(&["cp", file, "live:/to-etc/mine"]);
    sandbox.ok(&["cp", file, "live:/to-etc"]);
    sandbox.ok(&["cp", file, "live:/dangling"]);
    sandbox.ok(&["cp", file, "live:/above"]);
    let shown = sandbox.ok(&["exec", "live", "cat", "/etc/mine", "/etc/file", "/nowhere", "/up/file"]);
    assert_eq!(shown, "content\n".repeat(4));
    sandbox.ok(&["cp", "live:/dangling", "out"]);
    assert_eq!(read(sandbox.home.join("out")), "content\n");
    // A link inside a tree stays what it is.
    sandbox.ok(&["exec", "live", "ln", "-s", "/etc/passwd", "/up/link"]);
    sandbox.ok(&["cp", "live:/up", "."]);
    assert_eq!(std::fs::read_link(sandbox.home.join("up/link")).expect("a link"), Path::new("/etc/passwd"));
}

#[test]
fn volumes_and_binds_are_part_of_a_container() {
    let sandbox = Sandbox::new();
    sandbox.image("busybox");
    let shared = sandbox.home.join("shared");
    std::fs::create_dir(&shared).expect("mkdir");
    std::fs::write(shared.join("hosts-file"), "from the host\n").expect("write");
    std::fs::write(sandbox.home.join("file"), "content\n").expect("write");
    let bind = format!("{}:/data/bind", shared.display());
    let options = ["--network=none", "-v", "kept:/data", "-v", &bind, "--tmpfs", "/ram"];
    sandbox.ok(&[&["create", "--name", "c"], &options[..], &["busybox", "sleep", "1000"]].concat());
    for round in ["rest", "live"] {
        sandbox.ok(&["cp", "file", &format!("c:/data/{round}")]);
        sandbox.ok(&["cp", "file", &format!("c:/data/bind/{round}")]);
        sandbox.ok(&["cp", "c:/data/bind/hosts-file", "out"]);
        assert_eq!(read(sandbox.home.join("out")), "from the host\n");
        assert_eq!(read(shared.join(round)), "content\n");
        assert_eq!(read(sandbox.data.join("coracle/volumes/kept/data").join(round)), "content\n");
        if round == "rest" {
            sandbox.ok(&["start", "c"]);
        }
    }
    sandbox.ok(&["cp", "file", "c:/ram"]);
    // A file that is mounted is written to, not taken away.
    sandbox.ok(&["cp", "file", "c:/etc/hosts"]);
    let shown = sandbox.ok(&["exec", "c", "cat", "/data/rest", "/data/bind/rest", "/ram/file", "/etc/hosts"]);
    assert_eq!(shown, "content\n".repeat(4));
    sandbox.ok(&["rm", "--force", "--time=0", "c"]);
    sandbox.assert_no_leaks();
}

#[test]
fn archives_go_in_and_out() {
    let (sandbox, containers) = both(&["--user", "1000:1000"]);
    let top = tree(&sandbox);
    let mut archive = tar::Builder::new(Vec::new());
    archive.append_dir_all("packed", &top).expect("pack");
    let archive = archive.into_inner().expect("pack");
    for name in containers {
        let run = with_input(&sandbox, &["cp", "-", &format!("{name}:/tmp")], &archive);
        assert_eq!(run.code, 0, "{run}");
        assert!(listing(&sandbox, &format!("{name}:/tmp/packed")).contains(&"644 1000:1000 packed/file".to_owned()));
        let words = "destination must be a directory when copying from stdin";
        with_input(&sandbox, &["cp", "-", &format!("{name}:/etc/passwd")], &archive).fails(125, &[words]);
        with_input(&sandbox, &["cp", "-", &format!("{name}:/none")], &archive).fails(125, &["could not be found"]);
        with_input(&sandbox, &["cp", "-", &format!("{name}:/tmp")], b"no archive").fails(125, &["archive"]);
    }
}

#[test]
fn a_directory_takes_the_place_of_a_file_only_if_told_to() {
    let (sandbox, containers) = both(&[]);
    let top = tree(&sandbox);
    std::fs::create_dir_all(top.join("clash/file")).expect("mkdir");
    for name in containers {
        let clash = format!("{}/clash/.", top.display());
        sandbox.ok(&["cp", &format!("{}/.", top.display()), &format!("{name}:/into")]);
        sandbox.fails(125, &["--overwrite"], &["cp", &clash, &format!("{name}:/into")]);
        sandbox.ok(&["cp", "--overwrite", &clash, &format!("{name}:/into")]);
        assert_eq!(listing(&sandbox, &format!("{name}:/into/file")), ["755 0:0 file/"]);
        let file = format!("{}/file", top.display());
        sandbox.fails(125, &["--overwrite"], &["cp", &file, &format!("{name}:/into")]);
        sandbox.ok(&["cp", "--overwrite", &file, &format!("{name}:/into")]);
        assert_eq!(listing(&sandbox, &format!("{name}:/into/file")), ["644 0:0 file"]);
    }
}

#[test]
fn between_containers_and_back_a_tree_stays_the_same() {
    let (sandbox, _) = both(&[]);
    for seed in 1..=4 {
        let top = sandbox.home.join("random");
        std::fs::create_dir(&top).expect("mkdir");
        random_tree::make(&top, 150, &mut Random(seed));
        let before = random_tree::describe(&top);
        sandbox.ok(&["cp", "-a=false", "random", "rest:/"]);
        sandbox.ok(&["cp", "-a=false", "rest:/random", "live:/there"]);
        sandbox.ok(&["cp", "live:/there", "back"]);
        let after = random_tree::describe(&sandbox.home.join("back"));
        assert_eq!(after.len(), before.len(), "seed {seed}");
        for (path, what) in &before {
            assert_eq!(after.get(path), Some(what), "seed {seed}: {}", String::from_utf8_lossy(path));
        }
        for path in ["random", "back"] {
            std::fs::remove_dir_all(sandbox.home.join(path)).expect("remove");
        }
        sandbox.ok(&["exec", "live", "rm", "-rf", "/there"]);
        sandbox.ok(&["rm", "rest"]);
        sandbox.ok(&["create", "--name=rest", "--network=none", "busybox", "true"]);
    }
}

#[test]
fn docker_has_ways_of_its_own() {
    let (sandbox, _) = both(&["--user", "1000:1000", "--workdir", "/tmp"]);
    let top = tree(&sandbox);
    let docker = sandbox.home.join("docker");
    std::os::unix::fs::symlink(crate::support::binary(), &docker).expect("symlink");
    let run = |arguments: &[&str]| {
        let mut command = std::process::Command::new(&docker);
        command.env_clear().current_dir(&top).env("PATH", "/usr/bin:/bin").env("HOME", &sandbox.home);
        command.env("XDG_DATA_HOME", &sandbox.data).env("XDG_RUNTIME_DIR", &sandbox.runtime).args(arguments);
        let run = Running::start(command).finish();
        assert_eq!(run.code, 0, "{run}");
    };
    run(&["cp", "file", "live:tmp/roots"]);
    run(&["cp", "link", "live:/tmp/link"]);
    run(&["cp", "-L", "link", "live:/tmp/followed"]);
    assert_eq!(listing(&sandbox, "live:/tmp/roots"), ["644 0:0 roots"]);
    assert_eq!(sandbox.ok(&["exec", "live", "readlink", "/tmp/link"]), "file\n");
    assert_eq!(listing(&sandbox, "live:/tmp/followed"), ["644 0:0 followed"]);
    // Podman takes a relative path from the working directory.
    sandbox.ok(&["cp", "tree/file", "live:relative"]);
    assert_eq!(listing(&sandbox, "live:/tmp/relative"), ["644 1000:1000 relative"]);
}

//! `--volume`, `--mount`, `--tmpfs`, `--read-only`: what is put into a container's file system.

use crate::support::{Sandbox, names_in};

/// A sandbox with an image and a directory of the host that holds `file`.
fn with_directory() -> (Sandbox, String) {
    let sandbox = Sandbox::new();
    sandbox.image("busybox");
    let shared = sandbox.home.join("shared");
    std::fs::create_dir(&shared).expect("mkdir");
    std::fs::write(shared.join("file"), "host\n").expect("write");
    let shared = shared.to_str().expect("ASCII").to_owned();
    (sandbox, shared)
}

fn shell(sandbox: &Sandbox, options: &[&str], script: &str) -> String {
    sandbox.ok(&[&["run", "--rm", "--network", "none"], options, &["busybox", "sh", "-c", script]].concat())
}

fn volumes(sandbox: &Sandbox) -> Vec<String> {
    names_in(&sandbox.data.join("coracle/volumes"))
}

#[test]
fn a_bind_is_the_hosts_directory() {
    let (sandbox, shared) = with_directory();
    let volume = format!("{shared}:/new/place");
    assert_eq!(shell(&sandbox, &["-v", &volume], "cat /new/place/file; echo mine > /new/place/made"), "host\n");
    assert_eq!(std::fs::read_to_string(format!("{shared}/made")).expect("made through the mount"), "mine\n");
    let read_only = "touch /x/y 2>&1; cat /x/file";
    let expected = "touch: /x/y: Read-only file system\nhost\n";
    assert_eq!(shell(&sandbox, &["-v", &format!("{shared}:/x:ro")], read_only), expected);
    let words = format!("type=bind,source={shared},target=/x,readonly");
    assert_eq!(shell(&sandbox, &["--mount", &words], read_only), expected);
    assert_eq!(
        shell(&sandbox, &["--mount", &format!("type=bind,src={shared},dst=/x,ro=false")], "echo > /x/w; echo ok"),
        "ok\n"
    );
    assert_eq!(shell(&sandbox, &["-v", &format!("{shared}/file:/etc/one")], "cat /etc/one"), "host\n");
    let flags = shell(&sandbox, &["-v", &format!("{shared}:/x:noexec")], "grep ' /x ' /proc/mounts");
    assert!(["nosuid", "nodev", "noexec"].iter().all(|flag| flags.contains(flag)), "{flags}");
    // Relative to where one is, as docker and podman take it.
    assert_eq!(shell(&sandbox, &["-v", "./shared:/x"], "cat /x/file"), "host\n");
    sandbox.assert_no_leaks();
}

#[test]
fn a_named_volume_keeps_what_was_written() {
    let (sandbox, _) = with_directory();
    shell(&sandbox, &["-v", "data:/d"], "echo kept > /d/file");
    assert_eq!(shell(&sandbox, &["-v", "data:/other:ro"], "cat /other/file"), "kept\n");
    assert_eq!(shell(&sandbox, &["--mount", "type=volume,src=data,dst=/m"], "cat /m/file"), "kept\n");
    assert_eq!(volumes(&sandbox), ["data"]);
    let fails = ["run", "--rm", "-v", "../up:/x", "busybox", "true"];
    sandbox.fails(125, &["run: ", "up", "no such file"], &fails);
    sandbox.fails(125, &["run: ", "\"b@d\""], &["run", "--rm", "-v", "b@d:/x", "busybox", "true"]);
}

#[test]
fn an_anonymous_volume_goes_with_its_container() {
    let (sandbox, _) = with_directory();
    shell(&sandbox, &["-v", "/anonymous"], "touch /anonymous/x");
    sandbox.assert_no_leaks();
    assert!(volumes(&sandbox).is_empty());
    sandbox.ok(&["run", "--network", "none", "--name", "k", "-v", "/a", "busybox", "touch", "/a/x"]);
    assert_eq!(volumes(&sandbox).len(), 1);
    sandbox.ok(&["rm", "-v", "k"]);
    assert!(volumes(&sandbox).is_empty());
}

#[test]
fn a_tmpfs_is_in_memory_and_bounded() {
    let (sandbox, _) = with_directory();
    let size = "df -k /t | tail -1 | awk '{print $2}'; stat -c %a /t; grep ' /t ' /proc/mounts | cut -d' ' -f3";
    assert_eq!(shell(&sandbox, &["--tmpfs", "/t:size=1m,mode=700"], size), "1024\n700\ntmpfs\n");
    let words = "type=tmpfs,target=/t,tmpfs-size=2m,tmpfs-mode=711";
    assert_eq!(shell(&sandbox, &["--mount", words], size), "2048\n711\ntmpfs\n");
    assert_eq!(shell(&sandbox, &["--tmpfs", "/t", "-u", "1000"], "echo x > /t/x && stat -c %a /t"), "1777\n");
}

#[test]
fn a_read_only_root_has_room_for_what_is_temporary() {
    let (sandbox, shared) = with_directory();
    let script = "touch /x 2>&1; for d in /tmp /run /var/tmp /dev/shm /v; do touch $d/x && echo $d; done";
    let said = shell(&sandbox, &["--read-only", "-v", &format!("{shared}:/v")], script);
    assert_eq!(said, "touch: /x: Read-only file system\n/tmp\n/run\n/var/tmp\n/dev/shm\n/v\n");
}

#[test]
fn mounts_go_where_they_were_asked_whatever_their_order() {
    let (sandbox, shared) = with_directory();
    let inner = format!("{shared}:/a/b");
    assert_eq!(shell(&sandbox, &["-v", &inner, "--tmpfs", "/a"], "cat /a/b/file; ls /a"), "host\nb\n");
}

#[test]
fn an_overlay_keeps_the_source_as_it_is() {
    let (sandbox, shared) = with_directory();
    let script = "cat /x/file; echo more > /x/file; touch /x/new; ls /x";
    assert_eq!(shell(&sandbox, &["-v", &format!("{shared}:/x:O")], script), "host\nfile\nnew\n");
    assert_eq!(std::fs::read_to_string(format!("{shared}/file")).expect("read"), "host\n");
    assert_eq!(names_in(shared.as_ref()), ["file"]);
    // What was written is gone at the next start, and at the end off the disk.
    sandbox.ok(&[
        "create",
        "--name",
        "c",
        "--network",
        "none",
        "-v",
        &format!("{shared}:/x:O"),
        "busybox",
        "sh",
        "-c",
        script,
    ]);
    for _ in 0..2 {
        assert_eq!(sandbox.ok(&["start", "-a", "c"]), "host\nfile\nnew\n");
    }
    let id = sandbox.ok(&["inspect", "--format", "{{.Id}}", "c"]);
    assert!(!sandbox.container(id.trim()).join("overlays").exists());
    // With directories of the user's own it stays.
    let dirs = ["upper", "work"].map(|name| sandbox.home.join(name));
    dirs.iter().for_each(|dir| std::fs::create_dir(dir).expect("mkdir"));
    let option = format!("{shared}:/x:O,upperdir={},workdir={}", dirs[0].display(), dirs[1].display());
    shell(&sandbox, &["-v", &option], "echo kept > /x/kept");
    assert_eq!(std::fs::read_to_string(dirs[0].join("kept")).expect("read"), "kept\n");
    sandbox.ok(&["rm", "c"]);
    // work/ has a directory of root's, mode 000.
    sandbox.ok(&["unshare", "rm", "-rf", dirs[1].to_str().expect("ASCII")]);
    sandbox.assert_no_leaks();
}

#[test]
fn a_root_directory_can_be_the_lower_layer_of_an_overlay() {
    let (sandbox, shared) = with_directory();
    let root = sandbox.home.join("root");
    std::fs::create_dir(&root).expect("mkdir");
    sandbox.ok(&[
        "run",
        "--rm",
        "--network",
        "none",
        "-v",
        &format!("{}:/r", root.display()),
        "busybox",
        "cp",
        "-a",
        "/bin",
        "/r",
    ]);
    let overlay = format!("{}:O", root.display());
    let run = |root: &str| {
        let script = "ls /; echo x > /made; ls /made";
        sandbox.ok(&["run", "--rm", "--network", "none", "--rootfs", root, "/bin/sh", "-c", script])
    };
    assert!(run(&overlay).ends_with("/made\n"));
    assert!(!run(&overlay).contains("made\nproc") && !root.join("made").exists());
    sandbox.fails(
        125,
        &["idmap", "not supported"],
        &["run", "--rm", "--rootfs", &format!("{}:idmap", root.display()), "sh"],
    );
    drop(shared);
}

#[test]
fn what_the_user_of_the_container_needs_is_given_to_it() {
    let (sandbox, shared) = with_directory();
    let outside = sandbox.home.join("outside");
    std::fs::write(&outside, "mine").expect("write");
    std::os::unix::fs::symlink(&outside, format!("{shared}/link")).expect("symlink");
    std::fs::create_dir(format!("{shared}/sub")).expect("mkdir");
    std::fs::hard_link(format!("{shared}/file"), format!("{shared}/sub/hard")).expect("link");
    let owner = "cd /x && stat -c %u:%g . file sub sub/hard && touch sub/made && stat -c %u link";
    let said = shell(&sandbox, &["-u", "7:8", "-v", &format!("{shared}:/x:U")], owner);
    assert_eq!(said, "7:8\n7:8\n7:8\n7:8\n7\n");
    use std::os::unix::fs::MetadataExt;
    let uid = std::fs::metadata(&outside).expect("stat").uid();
    assert_eq!(uid, nix::unistd::geteuid().as_raw(), "the link was followed");
    let words = format!("type=bind,src={shared},dst=/x,U=true");
    assert_eq!(shell(&sandbox, &["--mount", &words], "stat -c %u /x/file"), "0\n");
    shell(&sandbox, &["-v", "v:/x"], "mkdir /x/a; touch /x/a/b");
    assert_eq!(shell(&sandbox, &["-u", "9", "-v", "v:/x:U"], "stat -c %u /x /x/a /x/a/b"), "9\n9\n9\n");
    assert_eq!(shell(&sandbox, &["-u", "9", "--mount", "type=tmpfs,dst=/t,chown=true"], "stat -c %u /t"), "9\n");
    let fails = ["run", "--rm", "-v", "/usr:/x:U", "busybox", "true"];
    sandbox.fails(125, &["/x", "option U", "whole system"], &fails);
    sandbox.fails(
        125,
        &["idmap", "real root", "use U"],
        &["run", "--rm", "-v", &format!("{shared}:/x:idmap"), "busybox"],
    );
}

#[test]
fn every_type_of_mount_is_there() {
    let (sandbox, shared) = with_directory();
    let mount = |words: &str, script: &str| shell(&sandbox, &["--mount", words], script);
    assert_eq!(
        mount("type=image,source=busybox,target=/i", "ls /i/bin/busybox; touch /i/x 2>/dev/null || echo no"),
        "/i/bin/busybox\nno\n"
    );
    assert_eq!(mount("type=image,source=busybox,target=/i,rw=true", "touch /i/x && ls /i/x"), "/i/x\n");
    assert_eq!(mount("type=image,source=busybox,target=/i,subpath=/etc", "ls /i/passwd"), "/i/passwd\n");
    for name in ["one", "two"] {
        std::fs::write(format!("{shared}/f-{name}"), name).expect("write");
    }
    let glob = format!("type=glob,src={shared}/f-*,dst=/g,ro");
    assert_eq!(mount(&glob, "ls /g; cat /g/f-two; touch /g/f-one 2>/dev/null || echo no"), "f-one\nf-two\ntwono\n");
    assert_eq!(mount("type=ramfs,dst=/r", "grep ' /r ' /proc/mounts | cut -d' ' -f3"), "ramfs\n");
    let pts = mount("type=devpts,dst=/pts,mode=600,max=7", "grep ' /pts ' /proc/mounts");
    assert!(pts.contains("devpts") && pts.contains("mode=600") && pts.contains("max=7"), "{pts}");
    shell(
        &sandbox,
        &["-v", "v:/v"],
        "mkdir -p /v/a/b; echo deep > /v/a/b/c; ln -s /a/b /v/link; ln -s ../../../../etc /v/out",
    );
    for (subpath, script) in [("a/b", "cat /s/c"), ("/a/b/", "cat /s/c"), ("link", "cat /s/c"), ("a/b/c", "cat /s")] {
        assert_eq!(mount(&format!("type=volume,src=v,dst=/s,subpath={subpath}"), script), "deep\n", "{subpath}");
    }
    for subpath in ["out", "missing", "../../etc"] {
        let words = format!("type=volume,src=v,dst=/s,subpath={subpath}");
        let fails = ["run", "--rm", "--network", "none", "--mount", &words, "busybox", "true"];
        sandbox.fails(125, &["subpath", "no such file"], &fails);
    }
    let fails = ["run", "--rm", "--mount", "type=bnid,src=/tmp,dst=/x", "busybox"];
    sandbox.fails(125, &["bnid", "did you mean bind"], &fails);
    sandbox.fails(125, &["two mounts at /x"], &["run", "--rm", "-v", "a:/x", "--tmpfs", "/x", "busybox"]);
    sandbox.fails(125, &["nocreate", "volume create none"], &["run", "--rm", "-v", "none:/x:nocreate", "busybox"]);
    sandbox.assert_no_leaks();
}

#[test]
fn an_image_that_is_mounted_is_in_use() {
    let (sandbox, _) = with_directory();
    let other = crate::support::image_builder::Image::new("other").load(&sandbox);
    let mount = format!("type=image,src={other},dst=/i");
    sandbox.ok(&["create", "--name", "c", "--network", "none", "--mount", &mount, "busybox", "ls", "/i/bin/busybox"]);
    sandbox.fails(2, &["used by container c"], &["rmi", &other]);
    assert_eq!(sandbox.ok(&["start", "-a", "c"]), "/i/bin/busybox\n");
    assert_eq!(sandbox.ok(&["system", "check"]), "The store is whole\n");
    sandbox.ok(&["rm", "c"]);
    sandbox.ok(&["rmi", &other]);
}

#[test]
fn other_containers_mounts_are_taken_over() {
    let (sandbox, shared) = with_directory();
    let source = [
        "create",
        "--name",
        "one",
        "--network",
        "none",
        "-v",
        "/anonymous",
        "-v",
        &format!("{shared}:/s:ro"),
        "busybox",
    ];
    sandbox.ok(&source);
    let script = "touch /anonymous/x && cat /s/file; touch /s/x 2>/dev/null || echo no";
    assert_eq!(shell(&sandbox, &["--volumes-from", "one"], script), "host\nno\n");
    let said =
        shell(&sandbox, &["--volumes-from", "one:ro"], "ls /anonymous; touch /anonymous/y 2>/dev/null || echo no");
    assert_eq!(said, "x\nno\n");
    assert_eq!(shell(&sandbox, &["--volumes-from", "one", "-v", "own:/s"], "ls /s"), "");
    // The anonymous volume stays for as long as anyone has it.
    sandbox.ok(&[
        "create",
        "--name",
        "two",
        "--network",
        "none",
        "--volumes-from",
        "one",
        "busybox",
        "ls",
        "/anonymous",
    ]);
    sandbox.ok(&["rm", "-v", "one"]);
    assert_eq!(sandbox.ok(&["start", "-a", "two"]), "x\n");
    sandbox.fails(125, &["ro or rw"], &["run", "--rm", "--volumes-from", "two:ro,rw", "busybox"]);
    sandbox.fails(125, &["nobody"], &["run", "--rm", "--volumes-from", "nobody", "busybox"]);
}

#[test]
fn volumes_of_the_image_are_what_was_asked_for() {
    let sandbox = Sandbox::new();
    let image =
        crate::support::image_builder::Image::new("declares").config("Volumes", serde_json::json!({"/data": {}}));
    let image = image.load(&sandbox);
    let kind = |options: &[&str]| {
        let script = "grep ' /data ' /proc/mounts | cut -d' ' -f3";
        sandbox.ok(&[&["run", "--rm", "--network", "none"], options, &[&image, "sh", "-c", script]].concat())
    };
    assert!(!["", "tmpfs\n"].contains(&kind(&[]).as_str()));
    assert_eq!(kind(&["--image-volume", "tmpfs"]), "tmpfs\n");
    assert_eq!(kind(&["--image-volume", "ignore"]), "");
    sandbox.fails(125, &["anonymous, tmpfs or ignore"], &["run", "--rm", "--image-volume", "x", &image]);
    assert!(volumes(&sandbox).is_empty());
}

#[test]
fn files_of_the_image_are_there_in_memory_too() {
    let (sandbox, _) = with_directory();
    let script = "ls /etc/passwd; grep -c ' /etc tmpfs' /proc/mounts; touch /etc/x && stat -c %a /etc";
    assert_eq!(shell(&sandbox, &["--tmpfs", "/etc"], script), "/etc/passwd\n1\n755\n");
    assert_eq!(
        shell(&sandbox, &["--tmpfs", "/etc:notmpcopyup"], "ls /etc/passwd 2>/dev/null; stat -c %a /etc"),
        "1777\n"
    );
    assert_eq!(
        shell(
            &sandbox,
            &["--tmpfs", "/etc:ro,mode=711"],
            "ls /etc/passwd; stat -c %a /etc; touch /etc/x 2>/dev/null || echo no"
        ),
        "/etc/passwd\n711\nno\n"
    );
    assert_eq!(shell(&sandbox, &["--shm-size", "1m"], "df -k /dev/shm | tail -1 | awk '{print $2}'"), "1024\n");
    let closed = "for d in /tmp /run /dev /dev/shm; do touch $d/x 2>/dev/null || echo $d; done; echo > /dev/null";
    assert_eq!(shell(&sandbox, &["--read-only", "--read-only-tmpfs=false"], closed), "/tmp\n/run\n/dev\n/dev/shm\n");
    assert_eq!(shell(&sandbox, &["--read-only"], closed), "");
}

/// Behind the door the test has mounts of its own, which is what the host's are to an ordinary run.
#[test]
fn mounts_below_a_source_come_along_read_only_and_later_ones_as_asked() {
    let (sandbox, shared) = with_directory();
    let engine = sandbox.command(&[]);
    let program = engine.get_program().to_str().expect("ASCII").to_owned();
    let script = format!(
        "set -e; mount -t tmpfs tmpfs {shared}; mount --make-shared {shared}; cd {shared}
         mkdir sub later; mount -t tmpfs tmpfs sub
         echo deep > sub/file; run='{program} run --rm --network none'
         $run -v {shared}:/x:ro busybox sh -c 'cat /x/sub/file; touch /x/sub/y 2>/dev/null || echo no'
         {program} run -d --network none --name slave -v {shared}:/x:rslave busybox sleep 1000 >/dev/null
         {program} run -d --network none --name private -v {shared}:/x busybox sleep 1000 >/dev/null
         mount -t tmpfs tmpfs later; touch later/seen
         {program} exec slave ls /x/later; {program} exec private ls /x/later
         {program} rm -f -a >/dev/null"
    );
    assert_eq!(sandbox.ok(&["unshare", "sh", "-c", &script]), "deep\nno\nseen\n");
}

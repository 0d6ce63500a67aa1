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

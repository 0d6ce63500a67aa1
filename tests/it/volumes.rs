//! `volume`: what is kept, what the image gives to it, and how it goes.

use crate::support::{Sandbox, names_in};
use serde_json::Value;

fn with_busybox() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.image("busybox");
    sandbox
}

fn shell(sandbox: &Sandbox, options: &[&str], script: &str) -> String {
    sandbox.ok(&[&["run", "--rm", "--network", "none"], options, &["busybox", "sh", "-c", script]].concat())
}

fn inspect(sandbox: &Sandbox, name: &str) -> Value {
    let all: Value = serde_json::from_str(&sandbox.ok(&["volume", "inspect", name])).expect("JSON");
    all[0].clone()
}

#[test]
fn a_volume_is_made_listed_described_and_removed() {
    let sandbox = with_busybox();
    assert_eq!(sandbox.ok(&["volume", "create", "--label", "a=b", "--label", "c", "v"]), "v\n");
    sandbox.fails(125, &["create: ", "volume v exists", "--ignore"], &["volume", "create", "v"]);
    assert_eq!(sandbox.ok(&["volume", "create", "--ignore", "v"]), "v\n");
    let random = sandbox.ok(&["volume", "create"]);
    assert!(random.trim().len() == 64 && random.trim().bytes().all(|byte| byte.is_ascii_hexdigit()), "{random}");
    let described = inspect(&sandbox, "v");
    assert_eq!(described["Labels"], serde_json::json!({"a": "b", "c": ""}));
    assert_eq!((&described["Driver"], &described["Scope"]), (&"local".into(), &"local".into()));
    assert_eq!((&described["NeedsCopyUp"], &described["MountCount"]), (&true.into(), &0.into()));
    assert_eq!(
        sandbox.ok(&["volume", "inspect", "-f", "{{.Name}} {{.Anonymous}} {{.Labels.a}}", "v"]),
        "v false b\n"
    );
    let list = |options: &[&str]| sandbox.ok(&[&["volume", "ls", "-q"], options].concat());
    assert_eq!(list(&["--filter", "label=a"]), "v\n");
    assert_eq!(list(&["--filter", "label!=a"]), random);
    assert_eq!(list(&["--filter", "name=v", "--filter", "driver=local"]), "v\n");
    assert_eq!(list(&["--filter", "since=v"]), random);
    assert_eq!(list(&["--filter", "until=1h"]), "");
    assert_eq!(list(&["--filter", "dangling=false"]), "");
    assert_eq!(sandbox.ok(&["volume", "ls", "-f", "name=v"]), "DRIVER      VOLUME NAME\nlocal       v\n");
    assert_eq!(sandbox.ok(&["volume", "ls", "-f", "name=v", "--format", "{{.Driver}}:{{.Name}}"]), "local:v\n");
    let all: Value = serde_json::from_str(&sandbox.ok(&["volume", "ls", "--format", "json"])).expect("JSON");
    assert_eq!(all.as_array().map(Vec::len), Some(2));
    sandbox.fails(125, &["unknown filter"], &["volume", "ls", "--filter", "x=y"]);
    sandbox.ok(&["volume", "exists", "v"]);
    assert_eq!(sandbox.coracle(&["volume", "exists", "w"]).code, 1);
    assert_eq!(sandbox.ok(&["volume", "rm", "v", random.trim()]), format!("v\n{random}"));
    sandbox.fails(1, &["no volume", "\"v\""], &["volume", "rm", "v"]);
    assert_eq!(sandbox.ok(&["volume", "rm", "--force", "v"]), "");
    assert_eq!(sandbox.ok(&["volume", "ls", "-q"]), "");
}

#[test]
fn a_volume_that_is_used_is_not_removed() {
    let sandbox = with_busybox();
    sandbox.detached(&["--name", "c", "-v", "v:/v", "busybox", "sleep", "1000"]);
    sandbox.ok(&["volume", "create", "unused"]);
    assert_eq!(inspect(&sandbox, "v")["MountCount"], 1);
    assert_eq!(sandbox.ok(&["volume", "ls", "-q", "--filter", "dangling=true"]), "unused\n");
    sandbox.fails(2, &["volume v", "used by", "c ("], &["volume", "rm", "v"]);
    assert_eq!(sandbox.ok(&["volume", "prune"]), "", "nobody was asked");
    assert_eq!(sandbox.ok(&["volume", "prune", "--force", "--filter", "label=x"]), "");
    assert_eq!(sandbox.ok(&["volume", "prune", "--force"]), "unused\n");
    assert_eq!(sandbox.ok(&["volume", "rm", "--force", "v"]), "v\n");
    sandbox.assert_no_leaks();
    assert_eq!(sandbox.ok(&["volume", "ls", "-q"]), "");
}

#[test]
fn the_first_container_gives_a_volume_what_its_image_has_there() {
    let sandbox = Sandbox::new();
    use crate::support::evil_tar::Entry;
    let image = crate::support::image_builder::Image::new("filled").entries([
        Entry { uid: 5, gid: 6, ..Entry::dir("data").mode(0o750) },
        Entry { uid: 7, gid: 8, ..Entry::file("data/file", b"of the image").mode(0o4711) },
        Entry::hard_link("data/hard", "data/file"),
        Entry::symlink("data/link", "file"),
        Entry::dir("data/sub").mode(0o700),
        Entry::file("data/sub/deep", b"deep"),
    ]);
    let image = image.load(&sandbox);
    let run = |options: &[&str], script: &str| {
        sandbox.ok(&[&["run", "--rm", "--network", "none"], options, &[&image, "sh", "-c", script]].concat())
    };
    let look =
        "cd /data && stat -c '%a %u %g %h' . file link sub && cat link sub/deep && [ file -ef hard ] && echo same";
    let image_has = run(&[], look);
    assert_eq!(image_has, "750 5 6 3\n4711 7 8 2\n777 0 0 1\n700 0 0 2\nof the imagedeepsame\n");
    assert_eq!(run(&["-v", "v:/data"], look), image_has);
    assert!(inspect(&sandbox, "v")["NeedsCopyUp"].is_null());
    // Once only: what was removed stays so.
    run(&["-v", "v:/data"], "rm -r /data/*");
    assert_eq!(run(&["-v", "v:/data"], "ls /data"), "");
    assert_eq!(run(&["-v", "w:/data:nocopy"], "ls /data; stat -c '%a %u' /data"), "750 5\n");
    assert_eq!(run(&["-v", "w:/data"], "ls /data"), "", "it is used already");
    // Something that was put in from outside is not touched.
    sandbox.ok(&["volume", "create", "full"]);
    std::fs::write(sandbox.data.join("coracle/volumes/full/data/mine"), "").expect("write into the volume");
    assert_eq!(run(&["-v", "full:/data"], "ls /data"), "mine\n");
    // Where the image has nothing, the volume belongs to the container's user.
    assert_eq!(run(&["-v", "fresh:/none", "-u", "7:8"], "stat -c '%u %g' /none; touch /none/x"), "7 8\n");
    sandbox.ok(&["volume", "create", "--uid", "3", "--gid", "4", "owned"]);
    assert_eq!(run(&["-v", "owned:/data"], "stat -c '%u %g' /data; ls /data/file"), "3 4\n/data/file\n");
    assert!(names_in(&sandbox.data.join("coracle/tmp")).is_empty());
}

#[test]
fn a_volume_can_be_a_mount_of_its_own() {
    let sandbox = with_busybox();
    sandbox.ok(&[
        "volume",
        "create",
        "-o",
        "type=tmpfs",
        "-o",
        "device=tmpfs",
        "-o",
        "o=size=1m,mode=711,uid=5",
        "memory",
    ]);
    let script =
        "grep ' /m ' /proc/mounts | cut -d' ' -f3; df -k /m | tail -1 | awk '{print $2}'; stat -c '%a %u' /m";
    assert_eq!(shell(&sandbox, &["-v", "memory:/m"], script), "tmpfs\n1024\n711 5\n");
    let shared = sandbox.home.join("shared");
    std::fs::create_dir_all(shared.join("sub")).expect("mkdir");
    std::fs::write(shared.join("sub/file"), "host").expect("write");
    let device = format!("device={}", shared.display());
    sandbox.ok(&["volume", "create", "-o", "type=none", "-o", "o=bind", "-o", &device, "bound"]);
    assert_eq!(shell(&sandbox, &["-v", "bound:/b"], "cat /b/sub/file; touch /b/made"), "host");
    assert!(shared.join("made").exists());
    let words = "type=volume,src=bound,dst=/b,subpath=sub";
    assert_eq!(shell(&sandbox, &["--mount", words], "cat /b/file"), "host");
    assert_eq!(shell(&sandbox, &["-v", "bound:/b:O"], "touch /b/not; ls /b"), "made\nnot\nsub\n");
    assert!(!shared.join("not").exists());
    for (options, words) in [
        (&["-o", "o=size=1m"][..], &["size", "type=tmpfs"][..]),
        (&["-o", "typo=x"], &["typo", "type="]),
        (&["-o", "type=none", "-o", "o=bind"], &["device"]),
        (&["-d", "nfs"], &["driver", "local"]),
    ] {
        sandbox.fails(125, words, &[&["volume", "create"], options].concat());
    }
    sandbox.ok(&["volume", "create", "-o", "type=none", "-o", "o=bind", "-o", "device=/no/such", "gone"]);
    sandbox.fails(125, &["device /no/such", "no such file"], &["run", "--rm", "-v", "gone:/x", "busybox", "true"]);
    sandbox.assert_no_leaks();
}

#[test]
fn where_a_volume_lies_is_told_behind_the_door() {
    let sandbox = with_busybox();
    shell(&sandbox, &["-v", "v:/v", "-u", "5"], "echo kept > /v/file");
    let program = sandbox.command(&[]).get_program().to_str().expect("ASCII").to_owned();
    sandbox.fails(125, &["user namespace", "coracle unshare"], &["volume", "mount", "v"]);
    let script = format!("cat $({program} volume mount v)/file && {program} volume unmount v");
    assert_eq!(sandbox.ok(&["unshare", "sh", "-c", &script]), "kept\nv\n");
}

#[test]
fn as_docker_it_makes_what_is_missing() {
    let sandbox = with_busybox();
    let docker = |arguments: &[&str]| {
        let engine = sandbox.command(arguments);
        let link = sandbox.home.join("docker");
        if !link.exists() {
            std::os::unix::fs::symlink(engine.get_program(), &link).expect("symlink");
        }
        let mut command = std::process::Command::new(&link);
        command.args(engine.get_args()).env_clear().current_dir(&sandbox.home);
        command.envs(engine.get_envs().filter_map(|(name, value)| Some((name, value?))));
        let run = crate::support::Running::start(command).finish();
        assert_eq!(run.code, 0, "{run}");
        run.stdout
    };
    assert_eq!(docker(&["volume", "create", "v"]), "v\n");
    assert_eq!(docker(&["volume", "create", "v"]), "v\n");
    let missing = sandbox.home.join("not/there");
    let volume = format!("{}:/x", missing.display());
    docker(&["run", "--rm", "--network", "none", "-v", &volume, "localhost/busybox", "touch", "/x/made"]);
    assert!(missing.join("made").exists());
    let other = format!("{}:/x", sandbox.home.join("nor/here").display());
    sandbox.fails(125, &["nor/here", "no such file"], &["run", "--rm", "-v", &other, "busybox", "true"]);
}

#[test]
fn an_exported_volume_can_be_imported_into_another() {
    let sandbox = with_busybox();
    let script =
        "cd /v; mkdir -m 710 d; echo deep > d/file; ln -s file d/link; ln d/file hard; chown 7:8 d; : > .wh.x";
    shell(&sandbox, &["-v", "one:/v"], script);
    sandbox.ok(&["volume", "export", "-o", "archive", "one"]);
    let output = sandbox.command(&["volume", "export", "one"]).output().expect("export");
    assert_eq!(output.stdout, std::fs::read(sandbox.home.join("archive")).expect("read the archive"));
    sandbox.ok(&["volume", "create", "two"]);
    sandbox.ok(&["volume", "import", "two", "archive"]);
    // Into a volume that is in use: beside what is there, and in place of what has the same name.
    shell(&sandbox, &["-v", "three:/v"], "echo mine > /v/mine; mkdir /v/d; ln -s /etc /v/hard");
    let mut command = sandbox.command(&["volume", "import", "three", "-"]);
    command.stdin(std::fs::File::open(sandbox.home.join("archive")).expect("open the archive"));
    assert!(command.status().expect("import").success());
    let look = "cd /v; cat d/file d/link hard; stat -c '%u %g %a' d; stat -c %h hard; ls -A";
    let expected = "deep\ndeep\ndeep\n7 8 710\n2\n.wh.x\nd\nhard\n";
    assert_eq!(shell(&sandbox, &["-v", "two:/v"], look), expected);
    assert_eq!(shell(&sandbox, &["-v", "three:/v"], look), format!("{expected}mine\n"));
    // What was imported stays what it is on the first use.
    sandbox.ok(&["volume", "create", "fresh"]);
    sandbox.ok(&["volume", "import", "fresh", "archive"]);
    assert_eq!(shell(&sandbox, &["-v", "fresh:/etc"], "cat /etc/hard; test ! -e /etc/passwd"), "deep\n");
    sandbox.fails(125, &["no volume", "none"], &["volume", "import", "none", "archive"]);
    sandbox.fails(125, &["no volume", "none"], &["volume", "export", "none"]);
    sandbox.fails(125, &["open missing"], &["volume", "import", "two", "missing"]);
    std::fs::write(sandbox.home.join("noise"), [7; 4096]).expect("write");
    sandbox.fails(125, &["read the archive"], &["volume", "import", "two", "noise"]);
    sandbox.ok(&["volume", "create", "-o", "type=tmpfs", "-o", "device=tmpfs", "memory"]);
    sandbox.fails(125, &["mounted in containers alone"], &["volume", "export", "memory"]);
    let nix::pty::OpenptyResult { master: _master, slave } = nix::pty::openpty(None, None).expect("openpty");
    let refused = sandbox.command(&["volume", "export", "one"]).stdout(slave).output().expect("export");
    assert!(!refused.status.success() && String::from_utf8_lossy(&refused.stderr).contains("to a terminal"));
}

#[test]
fn inspect_finds_volumes_too() {
    let sandbox = with_busybox();
    sandbox.ok(&["volume", "create", "v"]);
    sandbox.ok(&["volume", "create", "busybox"]);
    assert_eq!(sandbox.ok(&["inspect", "v"]), sandbox.ok(&["volume", "inspect", "v"]));
    assert_eq!(
        sandbox.ok(&["inspect", "--type", "volume", "-f", "{{.Name}} {{.Scope}}", "busybox"]),
        "busybox local\n"
    );
    // Images come before volumes, as in podman.
    assert_eq!(sandbox.ok(&["inspect", "-f", "{{.Os}}", "busybox"]), "linux\n");
    sandbox.fails(125, &["no volume", "none"], &["inspect", "--type", "volume", "none"]);
    sandbox.fails(125, &["no such object", "none"], &["inspect", "none"]);
    sandbox.fails(125, &["no such image", "\"v\""], &["inspect", "--type", "image", "v"]);
}

#[test]
fn the_first_user_of_a_volume_owns_it_in_every_map() {
    let sandbox = with_busybox();
    let script = "stat -c '%u %g' /data; touch /data/made; stat -c '%u %g' /data/made; id -u; id -g";
    for map in ["auto", "nomap", "keep-id:uid=1000,gid=1001"] {
        let userns = format!("--userns={map}");
        let own = if map.starts_with("keep-id") { "1000 1001" } else { "0 0" };
        for (user, owner) in [(&[][..], own), (&["--user=7:8"], "7 8")] {
            let seen = shell(&sandbox, &[&[userns.as_str(), "-v", "v:/data"], user].concat(), script);
            let ids = owner.replace(' ', "\n");
            assert_eq!(seen, format!("{owner}\n{owner}\n{ids}\n"), "{map} {user:?}");
            sandbox.ok(&["volume", "rm", "v"]);
        }
        // What comes from the image belongs to whom it belongs to there.
        let copied = shell(&sandbox, &[&userns, "-v", "v:/etc"], "stat -c '%u %g' /etc /etc/passwd");
        assert_eq!(copied, "0 0\n0 0\n", "{map}");
        sandbox.ok(&["volume", "rm", "v"]);
    }
}

#[test]
fn a_mount_makes_its_volume_with_options() {
    let sandbox = Sandbox::new();
    sandbox.image("busybox");
    std::fs::create_dir(sandbox.home.join("device")).expect("mkdir");
    std::fs::write(sandbox.home.join("device/file"), "of the device").expect("write");
    let device = format!("volume-opt=device={}/device", sandbox.home.display());
    let run = |mount: &str, script: &str| {
        sandbox.ok(&["run", "--rm", "--network=none", "--mount", mount, "busybox", "sh", "-c", script])
    };
    let mount = format!(
        "src=bound,dst=/v,volume-driver=local,volume-opt=type=none,{device},volume-opt=o=bind,volume-label=a=b"
    );
    assert_eq!(run(&mount, "cat /v/file"), "of the device");
    let volume = sandbox.ok(&["volume", "inspect", "--format={{.Options.o}} {{.Labels.a}}", "bound"]);
    assert_eq!(volume, "bind b\n");
    // Quotes keep a comma in a word, and what exists keeps its options.
    let memory = "type=volume,src=memory,dst=/v,volume-opt=type=tmpfs,volume-opt=device=tmpfs";
    let script = "grep ' /v ' /proc/mounts";
    let quoted = format!("{memory},\"volume-opt=o=size=1m,nr_inodes=77\"");
    let mounted = run(&quoted, script);
    assert!(mounted.contains("size=1024k,nr_inodes=77"), "{mounted}");
    assert!(run(&format!("{memory},volume-opt=o=size=2m"), script).contains("size=1024k"));
    let short = "short:/v:volume-opt=type=tmpfs,volume-opt=device=tmpfs,volume-opt=o=size=3m";
    let mounted = sandbox.ok(&["run", "--rm", "--network=none", "-v", short, "busybox", "sh", "-c", script]);
    assert!(mounted.contains("size=3072k"), "{mounted}");
    for (mount, message) in [
        ("src=new,dst=/v,volume-opt=nonsense=1", "nonsense"),
        ("src=new,dst=/v,volume-driver=other", "other"),
        ("type=tmpfs,dst=/v,volume-opt=type=tmpfs", "for volumes"),
        ("src=new,dst=/v,\"volume-opt=o=ro", "quote"),
        (
            &format!("src=new,dst=/v,volume-opt=type=none,volume-opt=device={}/coracle", sandbox.data.display()),
            "own files",
        ),
    ] {
        sandbox.fails(125, &[message], &["run", "--rm", "--network=none", "--mount", mount, "busybox", "true"]);
    }
    assert!(!sandbox.ok(&["volume", "ls", "-q"]).contains("new"));
}

#[test]
fn a_volume_in_memory_is_one_for_all_that_run() {
    let sandbox = Sandbox::new();
    sandbox.image("busybox");
    sandbox.ok(&["volume", "create", "-o", "type=tmpfs", "-o", "device=tmpfs", "-o", "o=size=1m", "memory"]);
    let start = |name: &str, target: &str| {
        let volume = format!("--volume=memory:{target}");
        sandbox.ok(&["run", "-d", "--name", name, "--network=none", &volume, "busybox", "sleep", "1000"]);
    };
    let inside = |name: &str, script: &str| sandbox.ok(&["exec", name, "sh", "-c", script]);
    start("one", "/v");
    inside("one", "echo first >/v/file");
    start("two", "/other");
    assert_eq!(
        inside("two", "cat /other/file; grep -c ' /other .*nosuid,nodev.*size=1024k' /proc/mounts"),
        "first\n1\n"
    );
    inside("two", "echo second >/other/file");
    assert_eq!(inside("one", "cat /v/file"), "second\n");
    // It lives as long as one of them does, whoever made it.
    sandbox.ok(&["rm", "--force", "--time=0", "one"]);
    start("three", "/v");
    assert_eq!(inside("three", "cat /v/file"), "second\n");
    // A monitor that was killed keeps nobody from it, and one container may have it twice.
    let monitor = sandbox.ok(&["inspect", "--format={{.State.ConmonPid}}", "two"]);
    let monitor = nix::unistd::Pid::from_raw(monitor.trim().parse().expect("a pid"));
    nix::sys::signal::kill(monitor, nix::sys::signal::Signal::SIGKILL).expect("kill");
    let both = ["--volume=memory:/a", "--volume=memory:/b"];
    let twice = [
        &["run", "--rm", "--network=none"][..],
        &both,
        &["busybox", "sh", "-c", "cat /a/file; echo x >/a/new; cat /b/new"],
    ];
    assert_eq!(sandbox.ok(&twice.concat()), "second\nx\n");
    sandbox.ok(&["rm", "--force", "--time=0", "two", "three"]);
    start("four", "/v");
    assert_eq!(inside("four", "ls /v"), "", "nobody has had it meanwhile");
    inside("four", "touch /v/left");
    sandbox.ok(&["restart", "--time=0", "four"]);
    assert_eq!(inside("four", "ls /v"), "", "it has let go of it");
    sandbox.ok(&["rm", "--force", "--time=0", "four"]);
    let shared = sandbox.runtime.join("coracle/volumes");
    assert_eq!(names_in(&shared), ["memory"]);
    sandbox.ok(&["volume", "rm", "memory"]);
    assert!(names_in(&shared).is_empty());
    sandbox.assert_no_leaks();
}

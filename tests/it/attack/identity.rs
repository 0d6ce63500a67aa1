//! B01–B05, B08: who a process in a container is, what it may do as that, and what it learns from its caller.

use super::{Scene, probe};
use crate::golden;
use crate::support::Running;
use crate::support::evil_tar::Entry;
use crate::support::image_builder::Image;
use serde_json::json;

/// An image with accounts: `app` in the group `crew`, and one whose name is a number.
fn accounts() -> Image {
    let passwd = "root:x:0:0:root:/root:/bin/sh\napp:x:1000:1000:app:/home/app:/bin/sh\n\
                  1234:x:0:0:trap:/root:/bin/sh\nbig:x:4294967296:0::/:/bin/sh\nfar:x:3000000:0::/:/bin/sh\n";
    let group = "root:x:0:\ncrew:x:2000:app\napp:x:1000:\n1234:x:0:\n4321:x:0:app\n";
    // Members of the group are shut out, all others are let in.
    let shut = Entry { gid: 2000, ..Entry::file("etc/shut", "open\n").mode(0o607) };
    Image::new("accounts").entries([Entry::file("etc/passwd", passwd), Entry::file("etc/group", group), shut])
}

/// B01, B02: capabilities by user, for `run` and `exec`, as the golden file says; CVE-2022-24769 and its kin were
/// capabilities that nobody had asked for.
#[test]
fn b01_capabilities_are_those_of_the_golden_file() {
    let scene = Scene::new();
    let image = scene.load(&accounts());
    let script = "grep -E '^(Uid|Gid|Groups|Cap|NoNewPrivs|Seccomp):?' /proc/self/status";
    let mut report = String::new();
    for options in [
        &[][..],
        &["--cap-add=NET_ADMIN"],
        &["--cap-drop=CHOWN"],
        &["--cap-drop=ALL"],
        &["--privileged"],
        &["--privileged", "--cap-drop=SYS_ADMIN"],
        &["--security-opt=no-new-privileges"],
        &["--security-opt=seccomp=unconfined"],
    ] {
        let id = scene.start(options, &image, &["sleep", "1000"]);
        for user in ["--user=0", "--user=1000", "--user=app"] {
            let run = scene.script(&[options, &[user]].concat(), &image, script);
            assert_eq!(run.code, 0, "{run}");
            report.push_str(&golden::section(&format!("run {} {user}", options.join(" ")), &run.stdout));
            let text = scene.ok(&["exec", user, &id, "sh", "-c", script]);
            report.push_str(&golden::section(&format!("exec {} {user}", options.join(" ")), &text));
        }
        let text = scene.ok(&["exec", "--privileged", &id, "sh", "-c", script]);
        report.push_str(&golden::section(&format!("exec {} --privileged", options.join(" ")), &text));
    }
    golden::assert("identity.txt", &report);
    scene.assert_safe();
}

/// B02: a program of root's gives its caller no more than the container has, and nothing under no_new_privs.
#[test]
fn b02_setuid_programs_stay_within_the_bounds() {
    let scene = Scene::new();
    let Some(program) = probe(&scene) else { return };
    let setuid = Entry::file("bin/setuid", program).mode(0o4755);
    let image = scene.load(&accounts().entry(setuid));
    let show = |options: &[&str]| {
        let run =
            [&["run", "--rm", "--network=none", "--user=1000"], options, &[&image, "setuid", "status"]].concat();
        let text = scene.ok(&run);
        let line = |key: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(key)).expect("a line of status");
            line.split_whitespace().map(str::to_owned).collect::<Vec<_>>().join(" ")
        };
        (line("Uid:"), line("CapEff:"))
    };
    // The control: it works as it does anywhere.
    assert_eq!(show(&[]), ("1000 0 0 0".to_owned(), "00000000800405fb".to_owned()));
    assert_eq!(show(&["--cap-drop=ALL"]), ("1000 0 0 0".to_owned(), "0".repeat(16)));
    assert_eq!(show(&["--security-opt=no-new-privileges"]), ("1000 1000 1000 1000".to_owned(), "0".repeat(16)));
    scene.assert_safe();
}

/// B03: the groups are those of the image, and none of the caller's (CVE-2018-20697, CVE-2022-36109).
#[test]
fn b03_groups_are_those_of_the_image() {
    let scene = Scene::new();
    let image = scene.load(&accounts().config("User", json!("app")));
    let id = scene.start(&[], &image, &["sleep", "1000"]);
    let groups = "sed -n 's/^Groups:.//p' /proc/self/status; cat /etc/shut";
    // The primary group, then those that list the user.
    for (user, said, reads) in [
        ("app", "0 2000", false),
        ("1000", "0 2000", false),
        ("app:app", "", true),
        ("1000:1000", "", true),
        ("1001", "", true),
        ("1001:crew", "", false),
        ("root", "", true),
        ("app:2000", "", false),
    ] {
        let user_option = format!("--user={user}");
        let run = scene.script(&[&user_option], &image, groups);
        assert_groups(&run.stdout, said, reads, user);
        let run = scene.coracle(&["exec", &user_option, &id, "sh", "-c", groups]);
        assert_groups(&run.stdout, said, reads, user);
    }
    let run = scene.script(&[], &image, groups);
    assert_groups(&run.stdout, "0 2000", false, "the image's own user");
    scene.assert_safe();
}

#[track_caller]
fn assert_groups(text: &str, expected: &str, reads: bool, user: &str) {
    let (groups, content) = text.split_once('\n').expect("a line of groups");
    assert_eq!(groups.trim(), expected, "groups of {user}");
    assert_eq!(content.contains("open"), reads, "whether {user} reads the file");
}

/// B04, B05: a number is a number, and one that cannot be had is refused, for `run`, `exec` and in an image.
#[test]
fn b04_numbers_are_never_names_and_never_wrap() {
    let scene = Scene::new();
    let image = scene.load(&accounts());
    let id = scene.start(&[], &image, &["sleep", "1000"]);
    let long = "1".repeat(30);
    let cases = [
        ("0", Some("0:0")),
        ("1", Some("1:0")),
        ("01", Some("1:0")),
        ("1234", Some("1234:0")),
        ("1234:1234", Some("1234:1234")),
        ("1000:4321", Some("1000:4321")),
        ("1:", Some("1:0")),
        (":1", Some("0:1")),
        ("65535", Some("65535:0")),
        ("1:65537", None),
        ("2147483647", None),
        ("2147483648", None),
        ("4294967294", None),
        ("4294967295", None),
        ("4294967296", None),
        ("18446744073709551616", None),
        (&long, None),
        ("-1", None),
        (" 1", None),
        ("+1", None),
        ("1 ", None),
        ("0x0", None),
        ("1:-1", None),
        ("0:4294967296", None),
        ("big", None),
        ("far", None),
        ("nobody-here", None),
        ("0:nobody-here", None),
        ("1:1:1", None),
        ("root\n", None),
        ("../root", None),
    ];
    for (number, (user, expected)) in cases.into_iter().enumerate() {
        let option = format!("--user={user}");
        let run = scene.script(&[&option], &image, "echo $(id -u):$(id -g)");
        assert_identity(&run, expected);
        let run = scene.coracle(&["exec", &option, &id, "sh", "-c", "echo $(id -u):$(id -g)"]);
        assert_identity(&run, expected);
        let wishing = scene.load(&accounts().named(&format!("wish-{number}")).config("User", json!(user)));
        let run = scene.script(&[], &wishing, "echo $(id -u):$(id -g)");
        assert_identity(&run, expected);
    }
    scene.assert_safe();
}

#[track_caller]
fn assert_identity(run: &crate::support::Run, expected: Option<&str>) {
    match expected {
        Some(expected) => assert_eq!((run.code, run.stdout.trim_end()), (0, expected), "{run}"),
        None => assert!((125..=126).contains(&run.code) && run.stdout.is_empty(), "{run}"),
    }
}

/// B08: an image asks for variables of the caller's, by name and by pattern (CVE-2026-57231).
#[test]
fn b08_an_image_takes_no_variable_from_the_caller() {
    let scene = Scene::new();
    let wishes =
        json!(["*", "SECRET*", "SECRET", "S*", "", "=", "=SECRET", "HTTP_PROXY", "A=$SECRET", "B=${SECRET}", "C=1"]);
    let image = scene.load(&Image::new("env").config("Env", wishes));
    let secret =
        [("SECRET", "of the caller"), ("SECRET_TOO", "of the caller"), ("HTTP_PROXY", "http://of the caller")];
    let with_secret = |arguments: &[&str]| {
        let mut command = scene.sandbox.command(arguments);
        command.envs(secret);
        Running::start(command).finish()
    };
    let run = with_secret(&["run", "--rm", "--network=none", &image, "/bin/env"]);
    assert!(run.code == 0 && !run.stdout.contains("of the caller"), "{run}");
    assert!(run.stdout.contains("C=1\n") && run.stdout.contains("A=$SECRET\n"), "{run}");
    let run = with_secret(&["run", "--detach", "--network=none", "--name=stays", &image, "/bin/sleep", "1000"]);
    assert_eq!(run.code, 0, "{run}");
    let run = with_secret(&["exec", "stays", "/bin/env"]);
    assert!(run.code == 0 && !run.stdout.contains("of the caller"), "{run}");
    // What the container sees of its own processes is no more.
    let run = with_secret(&["exec", "stays", "/bin/sh", "-c", "cat /proc/[0-9]*/environ /proc/[0-9]*/cmdline"]);
    assert!(!run.stdout.contains("of the caller"), "{run}");
    // The control: the same wishes, but of the caller.
    let run = with_secret(&["run", "--rm", "--network=none", "--env=SECRET*", &image, "/bin/env"]);
    assert!(run.stdout.contains("SECRET=of the caller\n") && run.stdout.contains("SECRET_TOO="), "{run}");
    let run = with_secret(&["exec", "--env=SECRET", "stays", "/bin/env"]);
    assert!(run.stdout.contains("SECRET=of the caller\n"), "{run}");
    scene.assert_safe();
}

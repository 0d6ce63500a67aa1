//! A05, A06, A08, A09: what the engine sets up in a root file system, where the image has put links in its way.

use super::Scene;
use super::canary::is_there;
use crate::support::evil_tar::Entry;
use crate::support::image_builder::Image;
use serde_json::json;

/// Every path of a root file system at which the engine makes or mounts something.
const PATHS: [&str; 14] = [
    "dev",
    "dev/pts",
    "dev/shm",
    "dev/mqueue",
    "dev/ptmx",
    "proc",
    "sys",
    "sys/fs/cgroup",
    "etc",
    "etc/hosts",
    "etc/resolv.conf",
    "etc/hostname",
    "run",
    "run/.containerenv",
];

/// The ways in which a link can lead out.
#[derive(Clone, Copy, Debug)]
enum Way {
    Absolute,
    Relative,
    Chained,
    Dangling,
}

/// The entries by which `path` in the image leads to the canary.
fn lead_astray(scene: &Scene, path: &str, way: Way) -> Vec<Entry> {
    let canary = scene.canary.text();
    let parents = path.match_indices('/').map(|(index, _)| Entry::dir(&path[..index]));
    let mut entries: Vec<Entry> = parents.collect();
    match way {
        Way::Absolute => entries.push(Entry::symlink(path, canary)),
        Way::Relative => entries.push(Entry::symlink(path, scene.canary.relative())),
        Way::Chained => {
            entries.push(Entry::symlink("one", format!("/two/../{}", scene.canary.relative())));
            entries.extend([Entry::symlink("two", "three"), Entry::dir("three")]);
            entries.push(Entry::symlink(path, "/one"));
        }
        Way::Dangling => entries.push(Entry::symlink(path, format!("{canary}/new"))),
    }
    entries
}

/// A06: CVE-2026-41579 and its family.
#[track_caller]
fn set_up_through_links(way: Way) {
    let scene = Scene::new();
    // The control: a naive look at the same names on the host is led to the canary.
    let naive = scene.sandbox.home.join("naive");
    let mut started = 0;
    for path in PATHS {
        let entries = lead_astray(&scene, path, way);
        let link = entries.iter().find(|entry| entry.path == path.as_bytes()).expect("the link is among them");
        if matches!(way, Way::Absolute) {
            std::os::unix::fs::symlink(std::str::from_utf8(&link.link).expect("ASCII"), &naive).expect("make a link");
            assert!(is_there(&naive.join("secret")), "the control");
            std::fs::remove_file(&naive).expect("remove the link");
        }
        let name = format!("links-{}", path.replace(['/', '.'], "-"));
        let image = scene.load(&Image::new(&name).entries(entries));
        for options in [&[][..], &["--tty"], &["--privileged"], &["--read-only"]] {
            let script = format!(
                "cat {}/secret /{path}/secret; test -f /{path} && cat /{path}; echo started",
                scene.canary.text()
            );
            let run = scene.script(options, &image, &script);
            started += u32::from(run.stdout.contains("started"));
            assert!(run.stdout.contains("started") || run.code == 125, "{run}");
        }
        scene.canary.assert_unchanged();
    }
    assert!(started > 0, "no image started at all");
    scene.assert_safe();
}

#[test]
fn a06_absolute_links_lead_nowhere() {
    set_up_through_links(Way::Absolute);
}

#[test]
fn a06_relative_links_lead_nowhere() {
    set_up_through_links(Way::Relative);
}

#[test]
fn a06_chains_of_links_lead_nowhere() {
    set_up_through_links(Way::Chained);
}

#[test]
fn a06_dangling_links_create_nothing() {
    set_up_through_links(Way::Dangling);
}

/// A05: a kernel file system behind a link would be out of reach of what is masked afterwards.
#[test]
fn a05_the_kernels_file_systems_are_mounted_where_they_are_masked() {
    let scene = Scene::new();
    let cases = [
        ("proc", vec![Entry::dir("real"), Entry::symlink("dev/p", "../real"), Entry::symlink("proc", "dev/p")]),
        ("proc", vec![Entry::dir("real"), Entry::symlink("proc", "real")]),
        ("proc", vec![Entry::dir("real"), Entry::symlink("run/p", "../real"), Entry::symlink("proc", "run/p")]),
        ("sys", vec![Entry::dir("real"), Entry::symlink("run/s", "../real"), Entry::symlink("sys", "run/s")]),
        ("sys", vec![Entry::dir("real"), Entry::symlink("sys", "real")]),
    ];
    for (number, (kind, entries)) in cases.into_iter().enumerate() {
        let image = scene.load(&Image::new(&format!("astray-{number}")).entries(entries));
        for options in [&[][..], &["--read-only"], &["--tmpfs=/run"]] {
            let run = scene.script(options, &image, "cat /real/keys /real/interrupts; ls /real/module");
            assert_eq!((run.code, run.stdout.as_str()), (125, ""), "/{kind} as a link: {run}");
            assert!(run.stderr.contains(&format!("mount /{kind}")), "{run}");
        }
    }
    // The control: unmasked, there is something to be read.
    let plain = scene.load(&Image::new("plain"));
    let read = "cat /proc/keys /proc/interrupts; ls /sys/module";
    assert_eq!(scene.script(&[], &plain, read).stdout, "");
    assert_ne!(scene.script(&["--security-opt=unmask=ALL"], &plain, read).stdout, "");
    scene.assert_safe();
}

#[test]
fn a05_no_volume_lies_on_the_kernels_file_systems() {
    let scene = Scene::new();
    for path in ["/proc", "/proc/self/attr", "/../proc", "//proc/./sys", "/sys", "/sys/fs/cgroup", "/dev", "/"] {
        let hostile = Image::new("volume").config("Volumes", json!({path: {}}));
        let image = scene.load(&hostile);
        let run = scene.script(&[], &image, "true");
        assert_eq!(run.code, 125, "VOLUME {path}: {run}");
    }
    let plain = scene.load(&Image::new("plain"));
    let canary = scene.canary.text();
    for path in ["/proc", "/proc/self/attr", "/proc/sys", "/proc/1/attr/current", "/x/../proc/sys", "/"] {
        for option in [
            format!("--volume={canary}:{path}"),
            format!("--tmpfs={path}"),
            format!("--mount=type=tmpfs,target={path}"),
        ] {
            let run = scene.script(&[&option], &plain, "true");
            assert_eq!(run.code, 125, "{option}: {run}");
        }
    }
    // The control: the same source somewhere else is there to be read.
    let option = format!("--volume={canary}:/mnt:ro");
    assert_eq!(scene.script(&[&option], &plain, "test -s /mnt/secret").code, 0);
    scene.assert_safe();
}

/// A05: the path that is checked is not the path that is mounted on, if a link of the image lies between.
#[test]
fn a05_no_volume_reaches_proc_through_a_link() {
    let scene = Scene::new();
    for target in ["/proc", "/proc/sys", "/proc/self/attr", "proc/sys/kernel", "/dev/../proc/1"] {
        let image = scene.load(&Image::new("link").entry(Entry::symlink("link", target)));
        for option in ["--volume=shared:/link", "--tmpfs=/link", "--volume=shared:/link/net"] {
            let script = "grep -E ' (/proc|/link)' /proc/self/mountinfo";
            let run = scene.script(&[option], &image, script);
            assert_eq!(run.code, 125, "{option} with {target}: {run}");
        }
    }
    let image = scene.load(&Image::new("link").entry(Entry::symlink("link", "/tmp")));
    assert_eq!(scene.script(&["--tmpfs=/link"], &image, "grep -q ' /tmp ' /proc/self/mountinfo").code, 0);
    scene.assert_safe();
}

/// A08: files that the engine provides are never written through the image's links.
#[test]
fn a08_the_engines_files_do_not_go_through_links() {
    let scene = Scene::new();
    let canary = scene.canary.text();
    let names = ["etc/hosts", "etc/resolv.conf", "etc/hostname", "etc/mtab", "etc/system-fips", "etc/localtime"];
    for target in [format!("{canary}/secret"), format!("{}/secret", scene.canary.relative()), format!("{canary}/new")]
    {
        let links = names.iter().map(|name| Entry::symlink(*name, &target));
        let secrets = [Entry::dir("run"), Entry::symlink("run/secrets", canary), Entry::dir("usr/share")];
        let zones = [Entry::symlink("usr/share/zoneinfo", canary)];
        let image = Image::new("files").entries(links).entries(secrets).entries(zones);
        let image = scene.load(&image);
        let script = "for name in hosts resolv.conf hostname mtab; do cat /etc/$name; echo more >>/etc/$name; done; \
                      ls -l /etc /run/secrets/; cat /run/secrets/secret; echo done";
        for options in [&[][..], &["--hostname=guest"], &["--privileged"], &["--read-only"]] {
            let run = scene.script(options, &image, script);
            assert_eq!(run.code, 0, "{run}");
            scene.canary.assert_unchanged();
        }
    }
    // The control: without links, these are the engine's files, and the container may add to them.
    let plain = scene.load(&Image::new("plain"));
    let run = scene.script(&["--hostname=guest"], &plain, "echo more >>/etc/hosts; cat /etc/hostname /etc/hosts");
    assert!(run.stdout.starts_with("guest\n") && run.stdout.ends_with("more\n"), "{run}");
    scene.assert_safe();
}

/// A09: a working directory is made within the root, and one that exists stays as it is (CVE-2026-55686).
#[test]
fn a09_the_working_directory_is_made_within_the_root() {
    let scene = Scene::new();
    let canary = scene.canary.text();
    let chain: Vec<Entry> =
        (0..41).map(|number| Entry::symlink(format!("l{number}"), format!("l{}", number + 1))).collect();
    let long = [chain, vec![Entry::symlink("l41", canary)]].concat();
    let hostile = [
        ("/wd/sub", vec![Entry::symlink("wd", canary)]),
        ("/wd", vec![Entry::symlink("wd", canary)]),
        ("/wd/dir", vec![Entry::symlink("wd", scene.canary.relative())]),
        ("/wd/sub/sub", vec![Entry::symlink("wd", format!("{canary}/new"))]),
        ("/l0/sub", long),
        ("/l2/sub", vec![Entry::symlink("l2", "l1"), Entry::symlink("l1", "l2")]),
        ("/etc/passwd/sub", vec![]),
        ("/../../../wd/sub", vec![Entry::symlink("wd", canary)]),
    ];
    let new = [std::path::Path::new(canary).join("sub"), std::path::Path::new(canary).join("new")];
    for (directory, entries) in hostile {
        let image = scene.load(&Image::new("wd").entries(entries).config("WorkingDir", json!(directory)));
        for options in [&[][..], &["--user=1000"], &["--privileged"]] {
            let run = scene.script(options, &image, "pwd; cat secret ../secret");
            assert!(run.code == 125 || run.stdout.starts_with('/'), "{directory}: {run}");
            assert!(!new.iter().any(|path| is_there(path)), "{directory}: {run}");
        }
        let run = scene.script(&[&format!("--workdir={directory}/deeper")], &image, "pwd; cat secret ../secret");
        assert!(run.code == 125 || run.stdout.starts_with('/'), "{directory}: {run}");
        scene.canary.assert_unchanged();
    }
    let image = scene.load(&Image::new("loop").entry(Entry::symlink("l", "l")).config("WorkingDir", json!("/l")));
    assert_eq!(scene.script(&[], &image, "true").code, 125, "a loop of links");
    // The control: a directory that is missing is made, and the home of a user keeps its owner.
    let plain = scene.load(&Image::new("plain").config("WorkingDir", json!("/new/sub")));
    assert_eq!(scene.script(&[], &plain, "pwd; stat -c %u:%g . /home/app").stdout, "/new/sub\n0:0\n1000:1000\n");
    scene.assert_safe();
}

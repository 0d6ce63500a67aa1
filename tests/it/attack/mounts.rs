//! A08, C16, F04, F09, F13: what images, volumes and users put where the engine mounts something.

use super::canary::is_there;
use super::{Scene, eventually};
use crate::support::evil_tar::{self, Entry};
use crate::support::image_builder::Image;
use crate::support::names_in;
use std::path::Path;

/// A08: the engine's own files, secrets too, are mounted over what an image's links lead to within it, and never written
/// (CVE-2024-5154, CVE-2024-9341).
#[test]
fn a08_links_where_the_engine_puts_its_files_lead_nowhere() {
    let scene = Scene::new();
    std::fs::write(scene.sandbox.home.join("value"), "not the canary").expect("write");
    scene.ok(&["secret", "create", "s", "value"]);
    let places = [
        "etc/mtab",
        "etc/hosts",
        "etc/hostname",
        "etc/resolv.conf",
        "etc/localtime",
        "run/.containerenv",
        "run/secrets",
    ];
    for (index, target) in [scene.canary.text().to_owned(), scene.canary.relative()].iter().enumerate() {
        for leaf in ["", "/secret", "/new"] {
            let name = format!("links-{index}{}", leaf.replace('/', "-"));
            let entries = places.iter().map(|place| Entry::symlink(place, format!("{target}{leaf}")));
            let image = scene.load(&Image::new(&name).entries(entries));
            for options in [&["--secret=s"][..], &["--secret=s,target=/etc/mtab"], &["--read-only", "--secret=s"]] {
                let run =
                    scene.script(options, &image, "cat /run/secrets/s /etc/hosts /etc/mtab; echo x > /etc/hosts");
                // A link to what is no directory in the image may be an error, but never a way out.
                assert!(matches!(run.code, 0 | 1 | 125), "{run}");
            }
        }
    }
    // The control: without a link, the secret is there.
    let image = scene.load(&Image::new("plain"));
    assert_eq!(scene.script(&["--secret=s"], &image, "cat /run/secrets/s").stdout, "not the canary");
    scene.assert_safe();
}

/// C16: what is copied into a volume comes from the image, wherever its VOLUME points (CVE-2022-23648).
#[test]
fn c16_volumes_are_filled_from_the_image_alone() {
    let scene = Scene::new();
    let (canary, relative) = (scene.canary.text().to_owned(), scene.canary.relative());
    let links = |name: &str| {
        [Entry::symlink(format!("{name}-absolute"), &canary), Entry::symlink(format!("{name}-relative"), &relative)]
    };
    let paths = [
        "/../../../../../../../../etc",
        "/a/../../../../../..",
        "/..",
        "/",
        "//",
        "/.",
        "/proc",
        "/proc/1",
        "/proc/self/root",
        "/sys",
        "/sys/kernel",
        "/dev",
        "/dev/pts",
        "/link-absolute",
        "/link-relative",
        "/link-absolute/dir",
        "/link-relative/dir",
        "/proc/../link-absolute",
        "relative/path",
        "/link-absolute/../../x",
    ];
    for (index, path) in paths.iter().enumerate() {
        let image = Image::new(&format!("volume-{index}")).entries(links("link"));
        let image = scene.load(&image.config("Volumes", serde_json::json!({ *path: {} })));
        let run =
            scene.coracle(&["create", "--network=none", "--name=c", &image, "sh", "-c", "mount; cat /link*/secret"]);
        if run.code == 0 {
            scene.coracle(&["start", "--attach", "c"]);
            for volume in names_in(&scene.sandbox.data.join("coracle/volumes")) {
                let data = scene.sandbox.data.join("coracle/volumes").join(volume).join("data");
                for name in ["secret", "dir", "deep", "passwd-", "shadow"] {
                    assert!(!is_there(&data.join(name)), "{path}: {name} of the host is in the volume");
                }
            }
            scene.ok(&["rm", "--force", "--volumes", "c"]);
        } else {
            assert_eq!(run.code, 125, "{run}");
        }
        scene.canary.assert_unchanged();
    }
    // The control: what the image has at an honest path comes in.
    let image = Image::new("honest").entry(Entry::dir("data")).entry(Entry::file("data/file", b"of the image"));
    let image = scene.load(&image.config("Volumes", serde_json::json!({ "/data": {} })));
    assert_eq!(scene.script(&[], &image, "grep -c ' /data ' /proc/mounts; cat /data/file").stdout, "1\nof the image");
    scene.assert_safe();
}

/// F04: a volume is filled once and as a whole, whoever comes at the same time and whoever is killed in the middle
/// (CVE-2020-1726).
#[test]
fn f04_a_volume_is_filled_once_and_as_a_whole() {
    const FILES: usize = 400;
    let scene = Scene::new();
    let files = (0..FILES).map(|number| Entry::file(format!("data/{number}"), b"of the image"));
    let image = scene.load(&Image::new("filled").entry(Entry::dir("data")).entries(files));
    let count = "ls /data | wc -l";
    // A filled one is not written to.
    scene.ok(&["volume", "create", "mine"]);
    std::fs::write(scene.sandbox.data.join("coracle/volumes/mine/data/7"), "mine").expect("write into the volume");
    assert_eq!(scene.script(&["--volume=mine:/data"], &image, "ls /data; cat /data/7").stdout, "7\nmine");
    // Many at the same time see all of it, and what one of them removes stays away.
    let script = format!("{count}; rm -f /data/$(hostname)");
    let all = ["run", "--rm", "--network=none", "--volume=shared:/data", &image, "sh", "-c", &script];
    let runs: Vec<_> = (0..8).map(|_| scene.sandbox.spawn(&all)).collect();
    for run in runs {
        let run = run.finish();
        assert_eq!((run.code, run.stdout.trim()), (0, FILES.to_string().as_str()), "{run}");
    }
    // Killed at any moment: the next start finds all of it or fills it.
    for round in 0..12 {
        let volume = format!("v{round}");
        let option = format!("--volume={volume}:/data");
        let name = format!("c{round}");
        scene.ok(&["create", "--network=none", "--name", &name, &option, &image, "sleep", "1000"]);
        let start = scene.sandbox.spawn(&["start", &name]);
        let id = scene.ok(&["inspect", "--format", "{{.Id}}", &name]);
        let staging = scene.sandbox.data.join("coracle/tmp");
        let data = scene.sandbox.data.join("coracle/volumes").join(&volume).join("data");
        // The copy is under way, or done already.
        eventually("the filling begins", || !names_in(&staging).is_empty() || !names_in(&data).is_empty());
        kill_monitors(id.trim());
        start.finish();
        let run = scene.script(&[&option], &image, count);
        assert_eq!(run.stdout.trim(), FILES.to_string(), "round {round}: {run}");
    }
    scene.ok(&["rm", "--force", "--all", "--time=0"]);
    scene.ok(&["system", "check", "--repair"]);
    assert!(names_in(&scene.sandbox.data.join("coracle/tmp")).is_empty(), "staging is not swept");
    scene.assert_safe();
}

/// Kills every process that is the monitor of this container, or its beginning.
fn kill_monitors(id: &str) {
    for pid in names_in(Path::new("/proc")) {
        let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        let line = String::from_utf8_lossy(&line).into_owned();
        if line.starts_with("coracle-monitor") && line.contains(id) {
            let pid = nix::unistd::Pid::from_raw(pid.parse().expect("a pid"));
            // It may have ended by itself.
            let _ = nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGKILL);
        }
    }
}

/// F09: no container gets the engine's own files, but for the files of volumes, unless it is privileged.
#[test]
fn f09_the_engines_own_files_are_not_mounted() {
    let scene = Scene::new();
    let image = scene.load(&Image::new("plain"));
    scene.ok(&["volume", "create", "v"]);
    let (data, run) = (scene.sandbox.data.join("coracle"), scene.sandbox.runtime.join("coracle"));
    let link = scene.sandbox.home.join("link");
    std::os::unix::fs::symlink(&data, &link).expect("symlink");
    let own =
        ["", "/containers", "/images", "/layers", "/volumes", "/volumes/v", "/volumes/v/volume.json", "/names/.."];
    let mut refused: Vec<String> = own.iter().map(|below| format!("{}{below}", data.display())).collect();
    refused.extend([run.display().to_string(), format!("{}/containers", run.display()), link.display().to_string()]);
    for source in &refused {
        for option in [format!("--volume={source}:/x"), format!("--mount=type=bind,src={source},dst=/x,ro")] {
            let run = scene.coracle(&["run", "--rm", "--network=none", &option, &image, "true"]);
            run.fails(125, &["keeps its own files", "--privileged"]);
        }
        let device = format!("device={source}");
        let run = scene.coracle(&["volume", "create", "-o", "type=none", "-o", "o=bind", "-o", &device, "bad"]);
        run.fails(125, &["keeps its own files"]);
    }
    // The controls: a volume's files by their path, a neighbour of the same beginning, and who insists.
    let neighbour = format!("{}-not", data.display());
    std::fs::create_dir(&neighbour).expect("mkdir");
    for source in [format!("{}/volumes/v/data", data.display()), neighbour] {
        let option = format!("--volume={source}:/x");
        assert_eq!(scene.script(&[&option], &image, "ls -d /x").stdout, "/x\n");
    }
    let option = format!("--volume={}:/x:ro", data.display());
    assert_eq!(scene.script(&["--privileged", &option], &image, "ls -d /x/volumes/v").stdout, "/x/volumes/v\n");
    scene.assert_safe();
}

/// F13: the value of a secret is in no output, in no file of the engine's but its own, and in no argument.
#[test]
fn f13_the_value_of_a_secret_is_nowhere_but_in_its_container() {
    let scene = Scene::new();
    let image = scene.load(&Image::new("plain"));
    scene.ok(&["secret", "create", "s", scene.canary.path.join("secret").to_str().expect("ASCII")]);
    let both = ["--secret=s", "--secret=s,type=env,target=KEY"];
    let id = scene.start(&[&both[..], &["--name=c"]].concat(), &image, &["sleep", "1000"]);
    // The control: inside it is there, and a read from within shows it. This output is not looked at.
    let inside = scene.sandbox.ok(&["exec", "c", "sh", "-c", "cat /run/secrets/s; echo $KEY"]);
    assert_eq!(inside.matches(&scene.canary.nonce).count(), 2);
    for arguments in [
        &["inspect", "c"][..],
        &["inspect", "--format", "{{json .}}", "c"],
        &["container", "inspect", "c"],
        &["ps", "--all", "--no-trunc", "--format", "json"],
        &["logs", "c"],
        &["secret", "inspect", "s"],
        &["secret", "ls", "--format", "json"],
        &["events", "--stream=false"],
        &["info", "--format", "json"],
        &["images", "--format", "json"],
        &["volume", "ls", "--format", "json"],
        // Those that are not there yet say so, and no more.
        &["diff", "c"],
        &["export", "c"],
        &["top", "c"],
        &["stats", "--no-stream", "c"],
        &["commit", "c", "committed"],
        &["save", "--output", "committed.tar", "committed"],
        &["history", "committed"],
    ] {
        scene.coracle(arguments);
    }
    let monitor = scene.sandbox.state(&id)["monitor_pid"].as_i64().expect("a pid");
    for file in ["cmdline", "environ"] {
        let text = std::fs::read(format!("/proc/{monitor}/{file}")).unwrap_or_default();
        assert!(!contains(&text, &scene.canary.nonce), "{file} of the monitor");
    }
    let kept = format!("containers/{id}/secrets/");
    let found =
        search(&scene, &[&scene.sandbox.data, &scene.sandbox.runtime, &scene.sandbox.home.join("committed.tar")]);
    let is_own = |path: &String| {
        path.contains("/secrets/") && (path.ends_with("/value") || path.contains(&kept) || path.contains("/run/"))
    };
    assert!(found.iter().any(is_own), "the control: the search finds the value where it is");
    let elsewhere: Vec<&String> = found.iter().filter(|path| !is_own(path)).collect();
    assert!(elsewhere.is_empty(), "{elsewhere:?}");
    scene.ok(&["rm", "--force", "c"]);
    scene.ok(&["secret", "rm", "s"]);
    assert!(search(&scene, &[&scene.sandbox.data, &scene.sandbox.runtime]).is_empty(), "it is left behind");
    scene.assert_safe();
}

fn contains(text: &[u8], nonce: &str) -> bool {
    text.windows(nonce.len()).any(|window| window == nonce.as_bytes())
}

/// The files below these directories that have the canary's value in them.
fn search(scene: &Scene, tops: &[&Path]) -> Vec<String> {
    let (mut found, mut waiting) = (Vec::new(), tops.iter().map(|top| (*top).to_owned()).collect::<Vec<_>>());
    while let Some(path) = waiting.pop() {
        let Ok(status) = path.symlink_metadata() else { continue };
        if status.is_dir() {
            waiting.extend(std::fs::read_dir(&path).into_iter().flatten().flatten().map(|entry| entry.path()));
        } else if status.is_file() && contains(&std::fs::read(&path).unwrap_or_default(), &scene.canary.nonce) {
            found.push(path.display().to_string());
        }
    }
    found
}

/// C01, C02, C04: what is imported into a volume takes no way out of it, by links of its own or by those that an earlier
/// archive has left there.
#[test]
fn c01_an_archive_that_is_imported_stays_in_its_volume() {
    let scene = Scene::new();
    scene.ok(&["volume", "create", "v"]);
    let mut accepted = 0;
    for attack in evil_tar::attacks(&scene.canary.path).iter().step_by(3) {
        std::fs::write(scene.sandbox.home.join("archive"), &attack.bytes).expect("write an archive");
        let run = scene.coracle(&["volume", "import", "v", "archive"]);
        assert!(matches!(run.code, 0 | 125), "{}: {run}", attack.name);
        scene.canary.assert_unchanged();
        accepted += i32::from(run.code == 0);
    }
    // Links that stay inside are no attack any more once they are followed inside; some must have come that far.
    assert!(accepted > 5, "{accepted}");
    let out = scene.sandbox.command(&["volume", "export", "v"]).output().expect("export");
    assert!(out.status.success());
    let nonce = scene.canary.nonce.as_bytes();
    assert!(!out.stdout.windows(nonce.len()).any(|window| window == nonce));
    scene.assert_safe();
}

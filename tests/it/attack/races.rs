//! A03, A04, A07, A09: one container exchanges a name in a shared volume for a link, without a pause, while others are
//! set up in that volume.

use super::canary::is_there;
use super::{Scene, eventually, probe_image};
use crate::support::image_builder::Image;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// A race is given up after so many starts, or when its time is over, whichever comes first.
const STARTS_MAX: usize = 200;
const TIME: Duration = Duration::from_secs(5);

/// A container that exchanges a name in the volume `shared` for a link.
struct Swapper {
    id: String,
    /// The name on the host.
    path: PathBuf,
}

impl Swapper {
    /// `make` makes the name, in a shell.
    #[track_caller]
    fn start(scene: &Scene, image: &str, name: &str, make: &str, target: &str) -> Self {
        let script = format!("cd /v && rm -rf * && {make} && ln -s {target} other && exec probe swap {name} other");
        let id = scene.start(&["--volume=shared:/v"], image, &["sh", "-c", &script]);
        eventually("the swapper swaps", || scene.ok(&["logs", &id]).contains("swapping now"));
        Self { id, path: scene.sandbox.data.join("coracle/volumes/shared/data").join(name) }
    }

    /// Ends it, and tells how often it has made the exchange.
    #[track_caller]
    fn stop(self, scene: &Scene) -> u64 {
        scene.ok(&["kill", "--signal=TERM", &self.id]);
        scene.ok(&["wait", &self.id]);
        let log = scene.ok(&["logs", &self.id]);
        let count = log.lines().find_map(|line| line.strip_prefix("swapped ")).expect("a count of exchanges");
        count.parse().expect("a number")
    }
}

/// The control: who looks first and acts then, as a naive engine would, is led into the bait.
#[track_caller]
fn assert_naive_loses(scene: &Scene, image: &str) {
    let bait = scene.sandbox.home.join("bait");
    std::fs::create_dir_all(&bait).expect("make the bait");
    let swapper = Swapper::start(scene, image, "a", "mkdir a", bait.to_str().expect("ASCII"));
    eventually("the naive is caught", || {
        for _ in 0..10_000 {
            if swapper.path.symlink_metadata().is_ok_and(|status| status.is_dir()) {
                // If it ends up where it should, it is there already the next time.
                let _ = std::fs::write(swapper.path.join("caught"), "");
            }
            if is_there(&bait.join("caught")) {
                return true;
            }
        }
        false
    });
    swapper.stop(scene);
}

/// Starts containers with these options in turn while the swapper is at work; `check` sees what those say that start.
#[track_caller]
fn race(scene: &Scene, image: &str, swapper: Swapper, variants: &[&[&str]], script: &str, check: impl Fn(&str)) {
    let limit = Instant::now() + TIME;
    let (mut starts, mut started) = (0, 0);
    while starts < STARTS_MAX && Instant::now() < limit {
        let run = scene.script(variants[starts % variants.len()], image, script);
        assert!(matches!(run.code, 0 | 125), "{run}");
        if run.code == 0 {
            check(&run.stdout);
            started += 1;
        }
        starts += 1;
    }
    let exchanges = swapper.stop(scene);
    assert!(exchanges > 1000, "only {exchanges} exchanges in {starts} starts");
    assert!(started > 0, "none of {starts} starts came through");
}

/// A07: a mount point is looked up once, and what was found is mounted on (CVE-2021-30465). A09: so is a working
/// directory.
#[test]
fn a07_mounts_in_a_shared_volume_stay_inside() {
    let scene = Scene::new();
    let Some(image) = probe_image(&scene) else { return };
    assert_naive_loses(&scene, &image);
    let file = format!("--volume={}:/vol/a/file", scene.sandbox.home.join("a-file").display());
    std::fs::write(scene.sandbox.home.join("a-file"), "of the host").expect("write a file");
    scene.ok(&["secret", "create", "s", scene.sandbox.home.join("a-file").to_str().expect("ASCII")]);
    let variants: [&[&str]; 6] = [
        &["--volume=shared:/vol", "--secret=s,target=/vol/a/secret"],
        &["--mount=type=volume,src=shared,dst=/vol/a,subpath=a"],
        &["--volume=shared:/vol", "--volume=other:/vol/a/volume"],
        &["--volume=shared:/vol", "--tmpfs=/vol/a/tmpfs"],
        &["--volume=shared:/vol", "--workdir=/vol/a/directory"],
        &["--volume=shared:/vol", &file],
    ];
    for target in [scene.canary.text().to_owned(), scene.canary.relative(), "../../../etc".to_owned()] {
        let swapper = Swapper::start(&scene, &image, "a", "mkdir a", &target);
        race(&scene, &image, swapper, &variants, "cat /vol/a/secret secret; true", |_| {});
        scene.canary.assert_unchanged();
    }
    scene.assert_safe();
}

/// What covers the files of /proc and /sys: pairs of a path and of what is mounted there.
fn masks(mountinfo: &str) -> Vec<(String, String)> {
    let mut masks = Vec::new();
    for line in mountinfo.lines() {
        let words: Vec<&str> = line.split(' ').collect();
        let dash = words.iter().position(|word| *word == "-").expect("mountinfo has a dash");
        let (root, target, kind) = (words[3], words[4], words[dash + 1]);
        if target.starts_with("/proc/") || target.starts_with("/sys/") {
            masks.push((target.to_owned(), format!("{kind} {root}")));
        }
    }
    masks.sort();
    masks
}

/// A03: what masks are made of does not come from the container's /dev (CVE-2025-31133).
#[test]
fn a03_masks_are_real_where_the_devices_are_exchanged() {
    let scene = Scene::new();
    let Some(image) = probe_image(&scene) else { return };
    let plain = scene.load(&Image::new("plain"));
    let show = "cat /proc/self/mountinfo; cat /proc/keys /proc/timer_list";
    let expected = masks(&scene.script(&[], &plain, show).stdout);
    assert!(expected.len() > 10, "{expected:?}");
    let secret = format!("{}/secret", scene.canary.text());
    for target in ["/proc/sys/kernel/core_pattern", secret.as_str(), "/proc/self/mountinfo", "zero"] {
        let swapper = Swapper::start(&scene, &image, "null", "touch null zero", target);
        race(&scene, &plain, swapper, &[&["--volume=shared:/dev"]], show, |shown| {
            let found = masks(shown);
            // The exchanged device may itself have landed on what the link names, which covers it.
            let missing = expected.iter().find(|mask| !found.contains(mask));
            assert_eq!(missing, None, "of {found:?}");
        });
        scene.canary.assert_unchanged();
    }
    scene.assert_safe();
}

/// A04: a terminal comes from a devpts of the container's own, and from nowhere else (CVE-2025-52565).
#[test]
fn a04_no_terminal_comes_from_a_shared_directory() {
    let scene = Scene::new();
    let Some(image) = probe_image(&scene) else { return };
    for (name, make, target) in [
        ("pts", "mkdir -p pts && touch pts/ptmx pts/0 console", scene.canary.text().to_owned()),
        ("console", "touch console && mkdir pts", format!("{}/secret", scene.canary.text())),
        ("console", "touch console && mkdir pts", "/proc/sys/kernel/core_pattern".to_owned()),
    ] {
        let swapper = Swapper::start(&scene, &image, name, make, &target);
        for _ in 0..20 {
            let run = scene.script(&["--tty", "--volume=shared:/dev"], &image, "cat /proc/self/mountinfo");
            assert_eq!(run.code, 125, "{run}");
        }
        assert!(swapper.stop(&scene) > 1000);
        scene.canary.assert_unchanged();
    }
    // The control, where /dev is the engine's.
    let run = scene.script(&["--tty"], &image, "tty; grep ' /dev/console ' /proc/self/mountinfo");
    assert!(run.stdout.contains("/dev/pts/0") && run.stdout.contains("- devpts "), "{run}");
    scene.assert_safe();
}

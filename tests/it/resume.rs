//! Pulls that are interrupted and taken up again, and pulls that want the same layer: every byte is sent once.

use crate::pull::serve;
use crate::support::artifact::{self, Artifact, Blob, Packing};
use crate::support::fake_registry::{Answer, FakeRegistry};
use crate::support::witness::refusal;
use crate::support::{Run, Running, Sandbox, names_in, until};
use nix::sys::signal::Signal;
use std::path::PathBuf;
use std::time::Duration;

const INSECURE: &str = "--tls-verify=false";
const LARGE_BYTES: usize = 4 << 20;
/// The layer with most of the bytes.
const LARGE: usize = 1;

/// An image in a registry, not pulled yet.
struct Scene {
    sandbox: Sandbox,
    fake: FakeRegistry,
    blobs: Vec<Blob>,
    manifest_bytes: usize,
}

impl Scene {
    fn new(packing: Packing) -> Self {
        let (sandbox, fake) = (Sandbox::new(), FakeRegistry::start());
        let layers = [artifact::busybox(), artifact::noise("large", LARGE_BYTES), artifact::file("marker", "whole")];
        let image = Artifact::new(&layers).packed(packing);
        let blobs = serve(&fake, "app", "v1", &image);
        Self { sandbox, fake, blobs, manifest_bytes: image.manifest_blob().bytes.len() }
    }

    fn large(&self) -> &Blob {
        &self.blobs[LARGE]
    }

    fn name(&self) -> String {
        format!("{}/app:v1", self.fake.host())
    }

    fn start(&self) -> Running {
        self.sandbox.spawn(&["pull", "-q", INSECURE, &self.name()])
    }

    fn pull(&self) -> Run {
        self.start().finish()
    }

    /// Where the part of the large layer lies, and how much there is.
    fn part(&self) -> PathBuf {
        self.sandbox.data.join("coracle/images/partial").join(self.large().hex())
    }

    fn part_bytes(&self) -> usize {
        self.part().metadata().map_or(0, |status| status.len() as usize)
    }

    fn put_part(&self, bytes: &[u8]) {
        std::fs::create_dir_all(self.part().parent().expect("it has a directory")).expect("make the directory");
        std::fs::write(self.part(), bytes).expect("write a part");
    }

    /// Sends half of the large layer to who first asks for it, and the rest after the pause.
    fn half_at_first(&self, pause: Duration) -> usize {
        let half = self.large().bytes.len() / 2;
        let answer = Answer { drip: Some((half, pause)), ..Answer::ok(self.large().bytes.clone()) };
        self.fake.fail(&self.large().digest(), 1, answer);
        half
    }

    /// A pull that has half of the large layer, and everything else.
    fn pull_half(&self, pause: Duration) -> Running {
        let half = self.half_at_first(pause);
        let pull = self.start();
        let stored = || names_in(&self.sandbox.data.join("coracle/images/blobs/sha256")).len();
        until("all but half of a layer is there", || self.part_bytes() == half && stored() == self.blobs.len() - 1);
        pull
    }

    /// What the large layer was asked for: from which byte.
    fn ranges(&self) -> Vec<Option<String>> {
        let requests =
            self.fake.requests().into_iter().filter(|request| request.target.ends_with(&self.large().hex()));
        requests.map(|request| request.header("range").map(str::to_owned)).collect()
    }

    fn assert_whole(&self, run: &Run, what: &str) {
        assert_eq!(run.code, 0, "{what}: {run}");
        assert_eq!(self.sandbox.ok(&["run", "--rm", "--pull=never", &self.name()]), "whole", "{what}");
        let blob = self.sandbox.data.join("coracle/images/blobs/sha256").join(self.large().hex());
        assert!(std::fs::read(blob).is_ok_and(|bytes| bytes == self.large().bytes), "{what}: other bytes are stored");
        assert_eq!(names_in(self.part().parent().expect("it has a directory")).len(), 0, "{what}");
    }
}

fn from(byte: usize) -> Option<String> {
    (byte > 0).then(|| format!("bytes={byte}-"))
}

#[test]
fn a_pull_that_was_killed_half_way_fetches_the_other_half() {
    let scene = Scene::new(Packing::Gzip);
    let pull = scene.pull_half(Duration::from_secs(600));
    pull.signal(Signal::SIGKILL);
    pull.finish();
    assert!(refusal(&scene.sandbox.coracle(&["run", "--pull=never", &scene.name()])).contains("no image"));
    let half = scene.part_bytes();
    scene.assert_whole(&scene.pull(), "the second pull");
    assert_eq!(scene.ranges(), [None, from(half)]);
    // The manifest is asked for twice.
    let image = scene.blobs.iter().map(|blob| blob.bytes.len()).sum::<usize>() + scene.manifest_bytes;
    let sent = scene.fake.bytes_sent();
    assert!(sent as usize <= image * 102 / 100, "{sent} bytes were sent of an image of {image}");
    // The layer's directory that its unpacker, killed too, has left.
    scene.sandbox.ok(&["system", "check", "--repair"]);
    assert_eq!(scene.sandbox.ok(&["system", "check"]), "The store is whole\n");
}

#[test]
fn what_was_left_of_a_layer_is_used_as_far_as_it_is_right() {
    let scene = Scene::new(Packing::Plain);
    let whole = scene.large().bytes.clone();
    let size = whole.len();
    // Within the file, where only the digest can tell; and at the beginning, where it is no archive any more.
    let damaged = |at: usize| {
        let mut bytes = whole[..size / 2].to_vec();
        bytes[at] ^= 1;
        bytes
    };
    let longer = [&whole[..], b"x"].concat();
    for (what, part, asked) in [
        ("nothing", &whole[..0], vec![None]),
        ("one byte", &whole[..1], vec![from(1)]),
        ("half", &whole[..size / 2], vec![from(size / 2)]),
        ("all but one byte", &whole[..size - 1], vec![from(size - 1)]),
        ("all", &whole[..], vec![]),
        ("too much", &longer, vec![None]),
        ("a part with another byte", &damaged(size / 4), vec![from(size / 2), None]),
        ("no archive", &damaged(0), vec![None]),
        ("zeroes", &vec![0; size / 2], vec![None]),
        ("zeroes, as many as it should be", &vec![0; size], vec![None]),
    ] {
        let scene = Scene::new(Packing::Plain);
        scene.put_part(part);
        scene.assert_whole(&scene.pull(), what);
        let ranges = scene.ranges();
        // Whether the unpacker has refused a part before the rest was asked for is not certain.
        let is_as_expected = ranges == asked || (asked == [None] && ranges == [from(part.len()), None]);
        assert!(is_as_expected, "{what}: {ranges:?}");
    }
}

#[test]
fn a_server_without_ranges_sends_it_all_again() {
    for status in [200, 416] {
        let scene = Scene::new(Packing::Gzip);
        scene.put_part(&scene.large().bytes[..1000]);
        let (hex, bytes) = (scene.large().hex(), scene.large().bytes.clone());
        scene.fake.rule(move |request| match request.header("range") {
            Some(_) if request.target.ends_with(&hex) && status == 200 => Some(Answer::ok(bytes.clone())),
            Some(_) if request.target.ends_with(&hex) => Some(Answer::status(status)),
            _ => None,
        });
        scene.assert_whole(&scene.pull(), &status.to_string());
        assert_eq!(scene.ranges()[0], from(1000));
    }
}

#[test]
fn a_wrong_blob_is_not_kept_for_the_next_pull() {
    let scene = Scene::new(Packing::Plain);
    let mut lie = scene.large().bytes.clone();
    lie[LARGE_BYTES / 2] ^= 1;
    scene.fake.fail(&scene.large().digest(), 1, Answer::ok(lie));
    assert!(refusal(&scene.pull()).contains("its bytes are those of"));
    assert!(!scene.part().exists());
    scene.assert_whole(&scene.pull(), "the truth");
    assert_eq!(scene.ranges(), [None, None]);
}

#[test]
fn a_connection_that_breaks_for_good_leaves_its_part() {
    let scene = Scene::new(Packing::Gzip);
    let answer = Answer { cut_after: Some(1000), ..Answer::ok(scene.large().bytes.clone()) };
    scene.fake.fail(&scene.large().digest(), 1, answer);
    refusal(&scene.sandbox.coracle(&["pull", INSECURE, "--retry=0", &scene.name()]));
    assert_eq!(scene.part_bytes(), 1000);
    scene.assert_whole(&scene.pull(), "the second pull");
    assert_eq!(scene.ranges(), [None, from(1000)]);
}

#[test]
fn two_pulls_at_once_share_one_download() {
    let scene = Scene::new(Packing::Gzip);
    let first = scene.pull_half(Duration::from_secs(1));
    // Stopped, so that the second certainly comes while the first is at it.
    first.signal(Signal::SIGSTOP);
    let second = scene.start();
    until("the second pull has asked", || scene.fake.count("/manifests/") == 2);
    first.signal(Signal::SIGCONT);
    let (first, second) = (first.finish(), second.finish());
    assert_eq!((first.code, second.code), (0, 0), "{first} {second}");
    scene.assert_whole(&second, "both");
    assert_eq!(scene.ranges(), [None]);
}

#[test]
fn who_waits_for_a_download_goes_on_with_it_when_the_other_dies() {
    let scene = Scene::new(Packing::Gzip);
    let first = scene.pull_half(Duration::from_secs(600));
    let half = scene.part_bytes();
    let second = scene.start();
    until("the second pull has asked", || scene.fake.count("/manifests/") == 2);
    first.signal(Signal::SIGKILL);
    first.finish();
    scene.assert_whole(&second.finish(), "the second pull");
    assert_eq!(scene.ranges(), [None, from(half)]);
}

#[test]
fn parts_are_counted_and_go_when_nobody_wants_them() {
    let scene = Scene::new(Packing::Gzip);
    let size = || scene.sandbox.ok(&["system", "df", "--format", "{{.Type}} {{.RawSize}} {{.RawReclaimable}}"]);
    let old = || {
        scene.put_part(b"a part");
        let file = std::fs::OpenOptions::new().write(true).open(scene.part()).expect("open the part");
        let long_ago = std::time::SystemTime::now() - Duration::from_secs(8 * 24 * 3600);
        file.set_modified(long_ago).expect("make it old");
    };
    scene.put_part(b"a part");
    assert!(size().starts_with("Images 6 6\n"), "{}", size());
    assert_eq!(scene.sandbox.ok(&["system", "check"]), "The store is whole\n");
    scene.sandbox.ok(&["system", "prune", "--force"]);
    assert!(!scene.part().exists() && size().starts_with("Images 0 0\n"));
    // What nobody has gone on with for a week is found, and goes with a repair or the next pull.
    old();
    let found = scene.sandbox.coracle(&["system", "check"]);
    assert!(found.code == 125 && found.stdout.contains(&scene.large().digest()), "{found}");
    scene.sandbox.ok(&["system", "check", "--repair"]);
    assert!(!scene.part().exists());
    old();
    scene.sandbox.fails(125, &["(404)"], &["pull", INSECURE, &format!("{}/nothing:v1", scene.fake.host())]);
    assert!(!scene.part().exists());
}

//! C03: two pulls of one layer at a time, of which one is hostile or dies. What it brought is in nobody's image.

use super::registry::INSECURE;
use crate::pull::serve;
use crate::support::artifact::{Artifact, Blob, busybox};
use crate::support::evil_tar::{self, Entry};
use crate::support::fake_registry::{Answer, FakeRegistry};
use crate::support::witness::{Listing, Watched, assert_same, assert_staging_empties, refusal, staged, store};
use crate::support::{Run, Running, Sandbox, is_alive, until};
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use std::path::PathBuf;
use std::time::Duration;

const LARGE_BYTES: usize = 4 << 20;
/// What a registry that takes its time sends before each pause.
const PIECE_BYTES: usize = 256 << 10;
const ROUNDS: usize = 16;

/// Two registries that have one image by its digests. The hostile one sends other bytes for the layer.
struct Pair {
    sandbox: Sandbox,
    watched: Watched,
    before: Listing,
    honest: FakeRegistry,
    hostile: FakeRegistry,
    good: Blob,
    evil: Blob,
}

/// All texts of one length give layers of one size.
fn layer(says: &str) -> Vec<u8> {
    evil_tar::archive(&[Entry::file("marker", says), Entry::file("large", vec![says.as_bytes()[0]; LARGE_BYTES])])
}

impl Pair {
    fn new() -> Self {
        let (sandbox, honest, hostile) = (Sandbox::new(), FakeRegistry::start(), FakeRegistry::start());
        let [image, other] = ["good", "evil"].map(|says| Artifact::new(&[busybox(), layer(says)]));
        let [good, evil] = [&image, &other].map(|image| image.layer_blobs().remove(1));
        assert!(good.bytes.len() == evil.bytes.len() && good.digest() != evil.digest());
        for fake in [&honest, &hostile] {
            serve(fake, "app", "1", &image);
        }
        // Makes the store, and shows that both have what they say.
        let name = format!("{}/app:1", hostile.host());
        sandbox.ok(&["pull", INSECURE, &name]);
        assert_eq!(sandbox.ok(&["run", "--rm", "--pull=never", &name]), "good");
        sandbox.ok(&["rmi", "--all", "--force"]);
        hostile.put(&format!("/v2/app/blobs/{}", good.digest()), "application/octet-stream", &evil.bytes);
        let (watched, before) = (Watched::new(&sandbox), store(&sandbox));
        Self { sandbox, watched, before, honest, hostile, good, evil }
    }

    fn pull(&self, fake: &FakeRegistry) -> Running {
        self.sandbox.spawn(&["pull", INSECURE, &format!("{}/app:1", fake.host())])
    }

    /// A pull in the middle of the layer, which comes slowly: a part of it lies on disk, and a part of its tree too.
    fn begin(&self, fake: &FakeRegistry, blob: &Blob) -> Running {
        let drip = Some((PIECE_BYTES, Duration::from_millis(100)));
        fake.fail(&self.good.digest(), 1, Answer { drip, ..Answer::ok(blob.bytes.clone()) });
        let pull = self.pull(fake);
        let says = &blob.bytes[512..516];
        until("the layer is on its way", || {
            staged(&self.sandbox).iter().any(|path| std::fs::read(path.join("fs/marker")).is_ok_and(|it| it == says))
        });
        let part = std::fs::read(self.part()).expect("read the part");
        assert!(!part.is_empty() && blob.bytes.starts_with(&part), "the control: it is there for the next to go on");
        pull
    }

    fn part(&self) -> PathBuf {
        self.sandbox.data.join("coracle/images/partial").join(self.good.hex())
    }

    /// Nothing of the image can be seen.
    fn assert_unseen(&self) {
        assert_eq!(self.sandbox.ok(&["images", "--quiet"]), "");
        for fake in [&self.honest, &self.hostile] {
            let name = format!("{}/app:1", fake.host());
            refusal(&self.sandbox.coracle(&["run", "--rm", "--pull=never", &name]));
        }
        let blob = self.sandbox.data.join("coracle/images/blobs/sha256").join(self.good.hex());
        assert!(!blob.exists());
    }

    /// The pull has worked, and the image is the one that its digest names. Then all of it goes without a rest.
    fn assert_good(&self, fake: &FakeRegistry, run: &Run) {
        assert_eq!(run.code, 0, "{run}");
        let name = format!("{}/app:1", fake.host());
        let script = "cat /marker; tr -d g </large | wc -c";
        assert_eq!(self.sandbox.ok(&["run", "--rm", "--pull=never", &name, "sh", "-c", script]), "good0\n");
        self.sandbox.ok(&["rmi", "--all", "--force"]);
        assert_staging_empties(&self.sandbox);
        assert_same(&store(&self.sandbox), &self.before, "all is removed");
        self.watched.assert_untouched(&self.sandbox, &[run], "pulls of one layer");
    }
}

fn assert_other_bytes(run: &Run) {
    assert!(refusal(run).contains("its bytes are those of"), "{run}");
}

#[test]
fn c03_what_a_killed_hostile_pull_has_left_is_in_no_image() {
    let pair = Pair::new();
    let hostile = pair.begin(&pair.hostile, &pair.evil);
    pair.assert_unseen();
    hostile.signal(Signal::SIGKILL);
    assert_eq!(hostile.finish().code, 128 + Signal::SIGKILL as i32);
    let run = pair.pull(&pair.honest).finish();
    // It went on with what was left, and began again when that was wrong.
    assert_eq!(pair.honest.count(&pair.good.digest()), 2);
    // The whole group was killed, the unpacker too.
    pair.sandbox.ok(&["system", "check", "--repair"]);
    pair.assert_good(&pair.honest, &run);
}

#[test]
fn c03_who_waits_for_a_hostile_pull_gets_nothing_of_it() {
    let pair = Pair::new();
    let hostile = pair.begin(&pair.hostile, &pair.evil);
    let honest = pair.pull(&pair.honest);
    assert_other_bytes(&hostile.finish());
    let run = honest.finish();
    assert_eq!(pair.honest.count(&pair.good.digest()), 1);
    pair.assert_good(&pair.honest, &run);
}

#[test]
fn c03_a_hostile_pull_that_goes_on_with_an_honest_part_adds_nothing_to_it() {
    let pair = Pair::new();
    let honest = pair.begin(&pair.honest, &pair.good);
    honest.signal(Signal::SIGKILL);
    assert_eq!(honest.finish().code, 128 + Signal::SIGKILL as i32);
    assert_other_bytes(&pair.pull(&pair.hostile).finish());
    pair.assert_unseen();
    assert!(!pair.part().exists(), "nobody goes on with what is known to be wrong");
    pair.sandbox.ok(&["system", "check", "--repair"]);
    let run = pair.pull(&pair.honest).finish();
    pair.assert_good(&pair.honest, &run);
}

#[test]
fn c03_who_waits_for_an_honest_pull_gets_what_it_has_verified() {
    let pair = Pair::new();
    let honest = pair.begin(&pair.honest, &pair.good);
    let hostile = pair.pull(&pair.hostile);
    let run = honest.finish();
    assert_eq!(run.code, 0, "{run}");
    // Its registry's own bytes were not even asked for.
    let run = hostile.finish();
    assert_eq!(pair.hostile.count(&pair.good.digest()), 1, "once when the store was made");
    pair.assert_good(&pair.hostile, &run);
}

#[test]
fn c03_pulls_of_one_layer_that_race_and_die_give_the_layer_or_nothing() {
    let pair = Pair::new();
    for round in 0..ROUNDS {
        let before = pair.hostile.requests().len();
        let (hostile, honest) = match round % 2 {
            0 => (pair.pull(&pair.hostile), pair.pull(&pair.honest)),
            _ => {
                let honest = pair.pull(&pair.honest);
                (pair.pull(&pair.hostile), honest)
            }
        };
        if round % 4 < 2 {
            let has_begun = || pair.hostile.requests().len() > before + round / 4;
            until("it is on its way", || has_begun() || !is_alive(hostile.pid().into()));
            // It may have ended.
            let _ = killpg(Pid::from_raw(hostile.pid()), Signal::SIGKILL);
        }
        let (run, other) = (honest.finish(), hostile.finish());
        pair.sandbox.ok(&["system", "check", "--repair"]);
        if other.code == 0 {
            // It came second, and found the layer here.
            let name = format!("{}/app:1", pair.hostile.host());
            assert_eq!(pair.sandbox.ok(&["run", "--rm", "--pull=never", &name]), "good");
        }
        pair.assert_good(&pair.honest, &run);
    }
}

//! Large layers come in pieces over several connections: in order, every byte once, and whatever the server does.

use crate::pull::serve;
use crate::support::artifact::{self, Artifact, Blob};
use crate::support::fake_registry::{Answer, FakeRegistry};
use crate::support::{Run, Running, Sandbox, until};
use nix::sys::signal::Signal;
use std::path::PathBuf;
use std::time::Duration;

const INSECURE: &str = "--tls-verify=false";
const PIECE_BYTES: usize = 2 << 20;
const LARGE_BYTES: usize = 33 << 20;
/// How many pieces may come before it is their turn.
const AHEAD: usize = 8;
const LARGE: usize = 1;

struct Scene {
    sandbox: Sandbox,
    fake: FakeRegistry,
    large: Blob,
    /// Of the large layer's digest.
    hex: String,
}

impl Scene {
    fn new() -> Self {
        let (sandbox, fake) = (Sandbox::new(), FakeRegistry::start());
        let layers = [artifact::busybox(), artifact::noise("large", LARGE_BYTES), artifact::file("marker", "whole")];
        let mut blobs = serve(&fake, "app", "v1", &Artifact::new(&layers));
        let large = blobs.swap_remove(LARGE);
        let hex = large.hex();
        Self { sandbox, fake, large, hex }
    }

    fn name(&self) -> String {
        format!("{}/app:v1", self.fake.host())
    }

    fn start(&self) -> Running {
        self.sandbox.spawn(&["pull", "-q", INSECURE, "--retry=1", "--retry-delay=10ms", &self.name()])
    }

    fn part(&self) -> PathBuf {
        self.sandbox.data.join("coracle/images/partial").join(&self.hex)
    }

    /// The first and the last byte that were asked for of the large layer; None for all that there is from the first.
    fn asked(&self) -> Vec<(usize, Option<usize>)> {
        let requests = self.fake.requests().into_iter().filter(|request| request.target.ends_with(&self.hex));
        requests.map(|request| request.range().unwrap_or((0, None))).collect()
    }

    /// How many bytes were asked for.
    fn asked_bytes(&self) -> usize {
        let end = self.large.bytes.len() - 1;
        self.asked().iter().map(|(first, last)| last.unwrap_or(end) + 1 - first).sum()
    }

    /// Answers requests for the large layer that have a range, as this says: how many came before, and the range.
    fn answer(&self, answer: impl Fn(usize, usize, usize, &[u8]) -> Option<Answer> + Send + 'static) {
        let (hex, bytes) = (self.hex.clone(), self.large.bytes.clone());
        let count = std::cell::Cell::new(0);
        self.fake.rule(move |request| {
            let (first, last) = request.range().filter(|_| request.target.ends_with(&hex))?;
            let last = last.unwrap_or(bytes.len() - 1);
            count.set(count.get() + 1);
            answer(count.get(), first, last, &bytes)
        });
    }

    fn assert_whole(&self, run: &Run, what: &str) {
        assert_eq!(run.code, 0, "{what}: {run}");
        assert_eq!(self.sandbox.ok(&["run", "--rm", "--pull=never", &self.name()]), "whole", "{what}");
        let blob = self.sandbox.data.join("coracle/images/blobs/sha256").join(&self.hex);
        assert!(std::fs::read(blob).is_ok_and(|bytes| bytes == self.large.bytes), "{what}: other bytes are stored");
    }
}

#[test]
fn a_large_layer_comes_in_pieces_each_byte_once() {
    let scene = Scene::new();
    scene.assert_whole(&scene.start().finish(), "in pieces");
    let mut asked = scene.asked();
    asked.sort_unstable();
    assert_eq!(asked.len(), scene.large.bytes.len().div_ceil(PIECE_BYTES), "{asked:?}");
    assert_eq!(scene.asked_bytes(), scene.large.bytes.len(), "{asked:?}");
}

#[test]
fn pieces_come_ahead_of_one_that_is_slow_but_not_too_many_and_a_killed_pull_is_taken_up() {
    let scene = Scene::new();
    let half = PIECE_BYTES / 2;
    scene.answer(move |count, first, last, bytes| {
        let drip = Some((half, Duration::from_secs(600)));
        (count == 1).then(|| Answer { drip, ..Answer::part(bytes, first, last, bytes.len()) })
    });
    let pull = scene.start();
    let part_bytes = || scene.part().metadata().map_or(0, |status| status.len() as usize);
    until("pieces come ahead of the first", || scene.asked().len() == 1 + AHEAD && part_bytes() == half);
    pull.signal(Signal::SIGKILL);
    pull.finish();
    assert_eq!(scene.asked().len(), 1 + AHEAD);
    scene.assert_whole(&scene.start().finish(), "taken up");
    let again = &scene.asked()[1 + AHEAD..];
    assert!(again.iter().all(|(first, _)| *first >= half), "{again:?}");
    assert!(again.iter().any(|(first, _)| *first == half), "{again:?}");
}

#[test]
fn a_piece_that_breaks_off_is_taken_up_alone() {
    let scene = Scene::new();
    scene.answer(|count, first, last, bytes| {
        let cut_after = Some(PIECE_BYTES / 2);
        (count == 3).then(|| Answer { cut_after, ..Answer::part(bytes, first, last, bytes.len()) })
    });
    scene.assert_whole(&scene.start().finish(), "a piece broke off");
    assert_eq!(scene.asked_bytes(), scene.large.bytes.len() + PIECE_BYTES / 2);
}

#[test]
fn where_pieces_are_not_to_be_had_the_layer_comes_as_one() {
    type Answers = fn(usize, usize, usize, &[u8]) -> Option<Answer>;
    let servers: [(&str, Answers); 5] = [
        ("no ranges", |_, _, _, bytes| Some(Answer::ok(bytes))),
        ("another whole", |_, first, last, bytes| Some(Answer::part(bytes, first, last, bytes.len() + 1))),
        ("another part", |_, first, last, bytes| Some(Answer::part(bytes, first, last - 1, bytes.len()))),
        // Of the pieces after the fourth; what is left is asked for to the end.
        ("no more", |_, first, last, bytes| {
            (first >= 4 * PIECE_BYTES && last + 1 < bytes.len()).then(|| Answer::status(404))
        }),
        ("other bytes", |_, first, last, bytes| Some(Answer::part(&vec![0; bytes.len()], first, last, bytes.len()))),
    ];
    for (what, answer) in servers {
        let scene = Scene::new();
        scene.answer(answer);
        scene.assert_whole(&scene.start().finish(), what);
        assert!(scene.asked().iter().any(|(_, last)| last.is_some()), "{what}: no piece was asked for");
        assert!(scene.asked().iter().any(|(_, last)| last.is_none()), "{what}: the rest was not asked for");
    }
}

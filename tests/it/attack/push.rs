//! Family D of the catalogue by `push`: what a registry that is sent something may try.

use super::registry::{AT_ONCE, HASTY, INSECURE, PASSWORD, basic, bearer, faults};
use crate::push::{accept, load};
use crate::support::artifact::{self, Artifact, Packing, file};
use crate::support::fake_registry::{Answer, FakeRegistry, Request};
use crate::support::witness::{assert_same, assert_staging_empties, refusal, store, with_little_memory};
use crate::support::{Run, Running, Sandbox};
use serde_json::Value;
use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

const TICKET: &str = "ticket-of-one-origin";
/// What the registry says besides its status.
const BODY: &[u8] = br#"{"errors":[{"code":"X","message":"something that takes a while to be told"}]}"#;
/// How often an image may be sent where each try breaks, and how many requests may be made for it.
const SENDINGS_MAX: usize = 4;
const REQUESTS_MAX: usize = 100;

/// A registry as it should be: it has what it was sent if that is what its name says, and a manifest under a name only
/// if it has all of the image.
#[derive(Default)]
struct Kept {
    blobs: HashMap<String, Vec<u8>>,
    manifests: HashMap<String, Vec<u8>>,
}

impl Kept {
    fn answer(&mut self, request: &Request) -> Option<Answer> {
        let (_, last) = request.target.rsplit_once('/')?;
        match request.method.as_str() {
            "HEAD" => Some(Answer::status(if self.blobs.contains_key(last) { 200 } else { 404 })),
            "POST" => Some(Answer::status(202).with("location", "/v2/app/blobs/uploads/one")),
            "PUT" => Some(Answer::status(if self.keep(request, last) { 201 } else { 400 })),
            _ => None,
        }
    }

    fn keep(&mut self, request: &Request, last: &str) -> bool {
        let body = &request.body;
        if let Some((_, digest)) = request.target.split_once("digest=") {
            let is_it = artifact::digest(body) == digest;
            if is_it {
                self.blobs.insert(digest.to_owned(), body.clone());
            }
            return is_it;
        }
        let Ok(manifest) = serde_json::from_slice::<Value>(body) else { return false };
        let layers = manifest["layers"].as_array().into_iter().flatten();
        let is_whole = layers.chain([&manifest["config"]]).all(|blob| {
            let digest = blob["digest"].as_str().unwrap_or_default();
            self.blobs.contains_key(digest)
        });
        if is_whole {
            self.manifests.insert(last.to_owned(), body.clone());
        }
        is_whole
    }
}

/// One registry that an image is pushed to, by whom it knows.
struct Scene<'a> {
    sandbox: &'a Sandbox,
    image: &'a Artifact,
    fake: FakeRegistry,
    kept: Arc<Mutex<Kept>>,
    authorization: String,
}

impl<'a> Scene<'a> {
    fn new(sandbox: &'a Sandbox, image: &'a Artifact, with_token: bool) -> Self {
        let (fake, kept) = (FakeRegistry::start(), Arc::<Mutex<Kept>>::default());
        let keeping = Arc::clone(&kept);
        fake.rule(move |request| keeping.lock().unwrap().answer(request));
        let (authorization, challenge) = match with_token {
            true => (format!("Bearer {TICKET}"), bearer(&fake)),
            false => (format!("Basic {}", basic()), "Basic realm=\"x\"".to_owned()),
        };
        fake.put_token(TICKET);
        fake.require(&authorization, &challenge);
        Self { sandbox, image, fake, kept, authorization }
    }

    /// Answers like this what is asked in this way by somebody who is known. A fault that says nothing of the status
    /// is one of an answer that is right, to what was done. Gives how often.
    fn strike(&self, method: &'static str, part: &'static str, fault: Answer) -> Arc<AtomicUsize> {
        let count = Arc::new(AtomicUsize::new(0));
        let (struck, kept, authorization) = (Arc::clone(&count), Arc::clone(&self.kept), self.authorization.clone());
        self.fake.rule(move |request| {
            let is_it = request.method == method && request.target.contains(part);
            if !is_it || request.header("authorization") != Some(&authorization) {
                return None;
            }
            struck.fetch_add(1, Ordering::Relaxed);
            if fault.status != 200 {
                return Some(fault.clone());
            }
            let honest = kept.lock().unwrap().answer(request)?;
            Some(Answer {
                status: honest.status,
                headers: [honest.headers, fault.headers.clone()].concat(),
                ..fault.clone()
            })
        });
        count
    }

    /// Takes all faults back.
    fn heal(&self) {
        let (kept, authorization) = (Arc::clone(&self.kept), self.authorization.clone());
        self.fake.rule(move |request| {
            let is_known = request.header("authorization") == Some(&authorization);
            is_known.then(|| kept.lock().unwrap().answer(request)).flatten()
        });
    }

    fn push(&self) -> Run {
        let name = format!("{}/app:1", self.fake.host());
        let creds = format!("me:{PASSWORD}");
        let words = ["push", INSECURE, HASTY, "--creds", &creds, "localhost/app:1", &name];
        let command = self.sandbox.command(&words);
        Running::start(with_little_memory(&command)).finish()
    }

    /// Whether the image is there, which then is all of it and just this one.
    fn has_image(&self) -> bool {
        let kept = self.kept.lock().unwrap();
        let names: Vec<&String> = kept.manifests.keys().collect();
        assert!(names.is_empty() || names == ["1"], "{names:?}");
        let is_there = !names.is_empty();
        if is_there {
            assert_eq!(kept.manifests["1"], self.image.manifest_blob().bytes);
            for blob in self.image.layer_blobs().iter().chain([&self.image.config_blob()]) {
                assert_eq!(kept.blobs[&blob.digest()], blob.bytes);
            }
        }
        is_there
    }

    fn assert_no_secret(&self, run: &Run, elsewhere: &FakeRegistry, fault: &str) {
        for secret in [PASSWORD, &basic(), TICKET] {
            assert!(!elsewhere.has_seen(secret) && !run.stderr.contains(secret), "{fault}: {secret}: {run}");
        }
    }
}

/// What only somebody who is sent something can do wrong, besides [`faults`].
fn faults_of_a_push(elsewhere: &str) -> Vec<(&'static str, Answer)> {
    let refusing = |status, body: &[u8]| Answer { status, ..Answer::ok(body) };
    let to = |status, location: &str| Answer::status(status).with("location", location);
    // Another port would be no other host.
    let host = elsewhere.replace("127.0.0.1", "localhost");
    let realm = format!(r#"Bearer realm="http://{host}/token",service="s""#);
    let zeros = format!("sha256:{}", "0".repeat(64));
    vec![
        ("429 until a date", Answer::status(429).with("retry-after", "Tue, 31 Dec 2199 23:59:59 GMT")),
        ("503 for longer than numbers", Answer::status(503).with("retry-after", u64::MAX.to_string())),
        ("502 for ever", Answer::status(502)),
        ("no answer", Answer::none()),
        ("a 200 that is none", refusing(299, BODY)),
        ("201 for nothing", Answer::status(201)),
        ("202 without a place", Answer::status(202)),
        ("202 and another place", to(202, &format!("http://{elsewhere}/v2/app/blobs/uploads/two"))),
        ("202 and a file", to(202, "file:///etc/passwd")),
        ("202 and no URL", to(202, "http://[::")),
        ("202 and more than was sent", to(202, "?x").with("range", "0-999999999999999999")),
        ("another digest", Answer::ok(BODY).with("docker-content-digest", zeros)),
        ("a digest that is none", Answer::ok(BODY).with("docker-content-digest", "sha256:../../x")),
        ("307 to another", to(307, &format!("http://{elsewhere}/v2/app/stolen"))),
        ("303 to another", to(303, &format!("http://{elsewhere}/v2/app/stolen"))),
        ("401 with another realm", Answer::status(401).with("www-authenticate", realm)),
        ("413 for ever", Answer::status(413)),
        ("416 for ever", Answer::status(416)),
        ("an error of 5 MiB", refusing(400, &vec![b' '; 5 << 20])),
        ("an error 100,000 deep", refusing(400, "[".repeat(100_000).as_bytes())),
        ("an error in UTF-16", refusing(400, b"\xff\xfe{\0}\0")),
        ("an error that drips", Answer { drip: Some((1, Duration::from_millis(20))), ..refusing(403, BODY) }),
    ]
}

/// Tries every fault in the answer to one of the questions of a push, for ever, and then none.
fn assert_faults_are_survived(method: &'static str, part: &'static str) {
    let (sandbox, elsewhere) = (Sandbox::new(), FakeRegistry::start());
    let image = Artifact::new(&[file("one", "1"), file("marker", "sent")]).packed(Packing::Gzip);
    load(&sandbox, &image, "localhost/app:1");
    let before = store(&sandbox);
    let of_all = faults().into_iter().map(|(name, answer, _)| (name, answer(BODY)));
    let mut faults: Vec<(&str, Answer)> = of_all.chain(faults_of_a_push(&elsewhere.host())).collect();
    // Nobody looks for what the last answer said: a registry can always lose an image afterwards.
    faults.retain(|(name, _)| (*name, part) != ("201 for nothing", "/manifests/"));
    assert!(faults.len() >= 40);
    let survive = |name: &str, fault: &Answer, with_token: bool| {
        println!("{name}");
        let scene = Scene::new(&sandbox, &image, with_token);
        let struck = scene.strike(method, part, fault.clone());
        let run = scene.push();
        assert!(struck.load(Ordering::Relaxed) > 0, "{name}: the control: it was asked so: {run}");
        scene.assert_no_secret(&run, &elsewhere, name);
        let (is_there, requests) = (scene.has_image(), scene.fake.requests());
        if run.code == 0 {
            assert!(is_there, "{name}: {run}");
        } else {
            assert!(refusal(&run).starts_with("coracle: push: "), "{name}: {run}");
            // Only the answer to the last request can be lost when all is there.
            assert!(!is_there || part == "/manifests/", "{name}: {run}");
        }
        let sent: usize = requests.iter().map(|request| request.body.len()).sum();
        let blobs = image.layer_blobs().into_iter().chain([image.config_blob(), image.manifest_blob()]);
        let size: usize = blobs.map(|blob| blob.bytes.len()).sum();
        assert!(
            sent <= SENDINGS_MAX * size && requests.len() <= REQUESTS_MAX,
            "{name}: {sent} of {size} bytes: {run}"
        );
        scene.heal();
        let run = scene.push();
        assert!(run.code == 0 && scene.has_image(), "{name}, healed: {run}");
    };
    for some in faults.iter().enumerate().collect::<Vec<_>>().chunks(AT_ONCE) {
        std::thread::scope(|scope| {
            for (number, (name, fault)) in some {
                // Both ways of being known take turns, and others where a question is another.
                scope.spawn(move || survive(name, fault, (number + method.len()).is_multiple_of(2)));
            }
        });
    }
    assert_same(&store(&sandbox), &before, "the store");
    assert_staging_empties(&sandbox);
}

#[test]
fn d06_d08_faults_when_it_is_asked_for_a_blob_leave_no_part_of_an_image() {
    assert_faults_are_survived("HEAD", "/blobs/");
}

#[test]
fn d06_d08_faults_when_an_upload_begins_leave_no_part_of_an_image() {
    assert_faults_are_survived("POST", "/blobs/uploads/");
}

#[test]
fn d06_d08_faults_when_a_blob_is_sent_leave_no_part_of_an_image() {
    assert_faults_are_survived("PUT", "digest=");
}

#[test]
fn d06_d08_faults_when_a_manifest_is_sent_leave_no_part_of_an_image() {
    assert_faults_are_survived("PUT", "/manifests/");
}

#[test]
fn d05_a_blob_that_a_registry_only_claims_to_have_mounted_is_sent() {
    let sandbox = Sandbox::new();
    let image = Artifact::new(&[file("marker", "sent")]).packed(Packing::Gzip);
    load(&sandbox, &image, "localhost/app:1");
    load(&sandbox, &image, "registry.example/team/secret:1");
    let elsewhere = FakeRegistry::start();
    let to_another = Answer::status(202).with("location", format!("http://{}/two", elsewhere.host()));
    for answer in [
        Answer::status(201),
        Answer::status(404),
        Answer::status(202).with("location", "/v2/app/blobs/uploads/one"),
        to_another,
    ] {
        let scene = Scene::new(&sandbox, &image, false);
        load(&sandbox, &image, &format!("{}/team/near:1", scene.fake.host()));
        let struck = scene.strike("POST", "mount=", answer.clone());
        let run = scene.push();
        assert!(struck.load(Ordering::Relaxed) > 0, "the control: it was asked to mount: {run}");
        assert!(run.code == 0 && scene.has_image(), "{answer:?}: {run}");
        // Names of repositories are told to nobody but their own registry.
        assert!(scene.fake.has_seen("from=team/near") && !scene.fake.has_seen("team/secret"));
        assert!(!elsewhere.has_seen("team/"));
        scene.assert_no_secret(&run, &elsewhere, "mount");
    }
    assert!(elsewhere.count("/two") > 0, "the control: the upload went there");
}

#[test]
fn d01_the_place_of_an_upload_gets_no_credentials_of_another() {
    let authorization = format!("Basic {}", basic());
    let (sandbox, fake, elsewhere) = (Sandbox::new(), FakeRegistry::start(), FakeRegistry::start());
    load(&sandbox, &Artifact::saying("sent").packed(Packing::Gzip), "localhost/app:1");
    accept(&elsewhere);
    accept(&fake);
    // By another port, and by another name of the same address.
    for (times, host) in
        [elsewhere.host(), elsewhere.host().replace("127.0.0.1", "localhost")].into_iter().enumerate()
    {
        let location = format!("http://{host}/stolen?n={times}");
        fake.rule(move |request| {
            (request.method == "POST").then(|| Answer::status(202).with("location", location.clone()))
        });
        fake.require(&authorization, "Basic realm=\"x\"");
        let name = format!("{}/app:{times}", fake.host());
        let creds = format!("me:{PASSWORD}");
        let run = sandbox.coracle(&["push", INSECURE, "--creds", &creds, "localhost/app:1", &name]);
        assert!(fake.has_seen(&authorization), "the control: it was given where it belongs: {run}");
        assert!(elsewhere.count(&format!("/stolen?n={times}")) > 0, "the control: the upload went there: {run}");
        for secret in [PASSWORD, &basic()] {
            assert!(!elsewhere.has_seen(secret) && !run.stderr.contains(secret), "{secret}: {run}");
        }
    }
}

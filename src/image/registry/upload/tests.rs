//! A registry that is pushed to: takes blobs in its ways, breaks, lies, and sends us elsewhere.

use super::super::tests::{BASIC, hasty, me, open_for};
use super::*;
use crate::error::line;
use crate::fs;
use crate::image::fake_registry::{Answer, FakeRegistry, Request};
use crate::image::http::Patience;
use crate::image::registry::Rights;
use std::io::Write;
use std::sync::{Arc, Mutex};

const START: &str = "/v2/team/app/blobs/uploads/";
const SESSION: &str = "/v2/team/app/blobs/uploads/one";

/// The part of a registry that takes one blob at a time.
#[derive(Clone, Default)]
struct Taker {
    received: Arc<Mutex<Vec<u8>>>,
    /// Blobs that are stored.
    stored: Arc<Mutex<Vec<Vec<u8>>>>,
}

impl Taker {
    /// Makes a registry take uploads, in one piece and in chunks.
    fn install(&self, fake: &FakeRegistry) {
        let taker = self.clone();
        fake.rule(move |request| taker.answer(request));
    }

    fn answer(&self, request: &Request) -> Option<Answer> {
        let (path, _) = request.target.split_once('?').unwrap_or((&request.target, ""));
        let mut received = self.received.lock().unwrap();
        match request.method.as_str() {
            "HEAD" => {
                let digest = request.target.rsplit('/').next()?;
                let stored = self.stored.lock().unwrap();
                stored.iter().any(|bytes| Digest::of(bytes).to_string() == digest).then(|| Answer::status(200))
            }
            "POST" if path == START => {
                received.clear();
                Some(Answer::status(202).with("location", SESSION))
            }
            "GET" if path == SESSION => {
                let last = received.len().saturating_sub(1);
                Some(Answer::status(204).with("range", format!("0-{last}")).with("location", SESSION))
            }
            "PATCH" if path == SESSION => {
                let range = request.header("content-range").and_then(|range| range.split_once('-'));
                let start: usize = range.map_or(0, |(start, _)| start.parse().unwrap());
                if start != received.len() {
                    return Some(Answer::status(416));
                }
                received.extend(&request.body);
                let range = format!("0-{}", received.len() - 1);
                Some(Answer::status(202).with("range", range).with("location", SESSION))
            }
            "PUT" if path == SESSION => {
                received.extend(&request.body);
                let digest = Digest::of(&received).to_string();
                if request.target.split_once("digest=")?.1 != digest {
                    return Some(Answer::status(400));
                }
                self.stored.lock().unwrap().push(std::mem::take(&mut received));
                Some(Answer::status(201).with("docker-content-digest", digest))
            }
            _ => None,
        }
    }

    fn has(&self, bytes: &[u8]) -> bool {
        self.stored.lock().unwrap().iter().any(|stored| stored == bytes)
    }
}

fn file_of(bytes: &[u8]) -> File {
    let mut file = fs::create_unnamed(&std::env::temp_dir()).unwrap();
    file.write_all(bytes).unwrap();
    file
}

/// Soon back, but not in a hurry: what is sent here takes its time on a busy machine.
fn patience() -> Patience {
    Patience { idle: Duration::from_secs(20), commit: Duration::from_secs(20), ..hasty() }
}

fn registry(fake: &FakeRegistry) -> Registry {
    open_for(&fake.host(), None, Rights::Push { mount_from: vec!["team/base".to_owned()] }, patience())
}

fn upload_as(registry: &Registry, bytes: &[u8], digest: Digest, from: Option<&str>) -> Result<()> {
    let (file, stop) = (file_of(bytes), AtomicBool::new(false));
    let blob = Outgoing { digest, size: bytes.len() as u64, file: &file, progress: &|_| (), stop: &stop };
    registry.upload(&blob, from)
}

fn upload(registry: &Registry, bytes: &[u8]) -> Result<()> {
    upload_as(registry, bytes, Digest::of(bytes), None)
}

fn methods(fake: &FakeRegistry) -> String {
    let asked = fake.requests().into_iter().filter(|request| request.target.starts_with("/v2/team/"));
    asked.map(|request| request.method).collect::<Vec<_>>().join(" ")
}

fn blob(bytes: usize) -> Vec<u8> {
    (0..bytes).map(|at| b'a' + (at / 7 % 26) as u8).collect()
}

#[test]
fn a_blob_goes_in_one_piece() {
    let (fake, taker) = (FakeRegistry::start(), Taker::default());
    taker.install(&fake);
    let registry = registry(&fake);
    for bytes in [blob(300_000), blob(1), Vec::new()] {
        assert!(!registry.has_blob(&Digest::of(&bytes)).unwrap());
        upload(&registry, &bytes).unwrap();
        assert!(taker.has(&bytes) && registry.has_blob(&Digest::of(&bytes)).unwrap());
    }
    assert_eq!(methods(&fake), ["HEAD POST PUT HEAD"; 3].join(" "));
}

#[test]
fn a_blob_goes_in_chunks_where_the_registry_wants_that() {
    let bytes = blob((CHUNK_BYTES * 2 + 5) as usize);
    let (fake, taker) = (FakeRegistry::start(), Taker::default());
    taker.install(&fake);
    fake.rule(|request| {
        let begins = request.method == "POST" && request.target == START;
        begins.then(|| Answer::status(202).with("location", "one").with("OCI-Chunk-Min-Length", "1024"))
    });
    upload(&registry(&fake), &bytes).unwrap();
    assert!(taker.has(&bytes));
    assert_eq!(methods(&fake), "POST PATCH PATCH PATCH PUT");

    // A proxy that takes no more than a megabyte at once is found out.
    let (fake, taker) = (FakeRegistry::start(), Taker::default());
    taker.install(&fake);
    fake.rule(|request| (request.body.len() > 1 << 20).then(|| Answer::status(413)));
    let bytes = blob(3 << 20);
    upload(&registry(&fake), &bytes).unwrap();
    assert!(taker.has(&bytes));
    assert!(fake.requests().iter().filter(|request| request.method == "PATCH").count() >= 3);

    let fake = FakeRegistry::start();
    Taker::default().install(&fake);
    fake.rule(|request| (!request.body.is_empty()).then(|| Answer::status(413)));
    assert!(line(&upload(&registry(&fake), &blob(3 << 20)).unwrap_err()).contains("413"));
}

#[test]
fn a_broken_upload_goes_on_where_it_broke() {
    let bytes = blob(600_000);
    let (fake, taker) = (FakeRegistry::start(), Taker::default());
    taker.install(&fake);
    // The first request breaks off when half of it has come.
    let (half, breaks) = (taker.clone(), Mutex::new(1));
    fake.rule(move |request| {
        let mut breaks = breaks.lock().unwrap();
        if request.method != "PUT" || *breaks == 0 {
            return None;
        }
        *breaks -= 1;
        half.received.lock().unwrap().extend(&request.body[..250_000]);
        Some(Answer::none())
    });
    upload(&registry(&fake), &bytes).unwrap();
    assert!(taker.has(&bytes));
    assert_eq!(methods(&fake), "POST PUT HEAD GET PATCH PUT");
    let rest = fake.requests().into_iter().find(|request| request.method == "PATCH").unwrap();
    assert_eq!(rest.header("content-range"), Some("250000-599999"));
    assert_eq!(rest.body.len(), 350_000);
}

#[test]
fn an_upload_that_is_forgotten_is_begun_again_and_one_that_is_done_is_not() {
    let bytes = blob(1000);
    let (fake, taker) = (FakeRegistry::start(), Taker::default());
    taker.install(&fake);
    fake.fail("digest=", 1, Answer::status(404));
    fake.rule(|request| (request.method == "GET" && request.target == SESSION).then(|| Answer::status(404)));
    upload(&registry(&fake), &bytes).unwrap();
    assert!(taker.has(&bytes));
    assert_eq!(methods(&fake), "POST PUT HEAD GET POST PUT");

    let (fake, taker) = (FakeRegistry::start(), Taker::default());
    taker.install(&fake);
    let (behind, lost) = (taker.clone(), Mutex::new(false));
    fake.rule(move |request| {
        // The blob is stored, but the answer does not come through.
        let is_first = request.method == "PUT" && !std::mem::replace(&mut *lost.lock().unwrap(), true);
        is_first.then(|| behind.answer(request)).map(|_| Answer::status(502))
    });
    upload(&registry(&fake), &bytes).unwrap_or_else(|error| panic!("{error:#}"));
    assert_eq!(methods(&fake).matches("PUT").count(), 1);
    assert!(taker.has(&bytes));
}

#[test]
fn a_registry_that_fails_for_good_is_left_alone_soon() {
    let (fake, taker) = (FakeRegistry::start(), Taker::default());
    taker.install(&fake);
    fake.fail("digest=", usize::MAX, Answer::status(503).with("retry-after", "0"));
    assert!(line(&upload(&registry(&fake), &blob(1000)).unwrap_err()).contains("503"));
    assert_eq!(methods(&fake).matches("PUT").count(), 3);

    for (status, part) in [(403, "digest="), (403, START), (400, "digest=")] {
        let fake = FakeRegistry::start();
        Taker::default().install(&fake);
        fake.fail(part, usize::MAX, Answer::status(status));
        let error = upload(&registry(&fake), &blob(1000)).unwrap_err();
        assert!(line(&error).contains(&status.to_string()), "{error:#}");
        assert!(fake.requests().len() <= 3, "{}", methods(&fake));
    }
}

#[test]
fn a_blob_of_another_repository_is_mounted() {
    let bytes = blob(1000);
    let digest = Digest::of(&bytes);
    let mount = format!("{START}?mount={digest}&from=team/base");
    let fake = FakeRegistry::start();
    Taker::default().install(&fake);
    let wanted = mount.clone();
    fake.rule(move |request| match request.method.as_str() {
        "HEAD" => Some(Answer::status(200)),
        _ => (request.target == wanted).then(|| Answer::status(201)),
    });
    upload_as(&registry(&fake), &bytes, digest, Some("team/base")).unwrap();
    assert_eq!(methods(&fake), "POST HEAD");

    // A registry that begins an upload instead is sent the blob there, one that refuses or lies as if it had not been
    // asked.
    for (answer, expected) in [
        (Answer::status(201), "POST HEAD POST PUT"),
        (Answer::status(202).with("location", SESSION), "POST PUT"),
        (Answer::status(403), "POST POST PUT"),
        (Answer::status(404), "POST POST PUT"),
    ] {
        let (fake, taker) = (FakeRegistry::start(), Taker::default());
        taker.install(&fake);
        let wanted = mount.clone();
        fake.rule(move |request| (request.target == wanted).then(|| answer.clone()));
        upload_as(&registry(&fake), &bytes, digest, Some("team/base")).unwrap();
        assert!(taker.has(&bytes));
        assert_eq!(methods(&fake), expected);
    }
}

/// The registry begins each upload at `location`. Gives what it was sent, and what the server there was.
fn sent_to(location: impl Fn(&FakeRegistry, &FakeRegistry) -> String) -> (FakeRegistry, FakeRegistry, Result<()>) {
    let (fake, other) = (FakeRegistry::start(), FakeRegistry::start());
    for server in [&fake, &other] {
        Taker::default().install(server);
    }
    let location = location(&fake, &other);
    fake.rule(move |request| {
        (request.method == "POST").then(|| Answer::status(202).with("location", location.clone()))
    });
    fake.require(BASIC, "Basic realm=x");
    other.rule(|request| {
        let asks = request.method == "PUT" && request.target.contains("ask=me");
        asks.then(|| Answer::status(401).with("www-authenticate", "Basic realm=x"))
    });
    let registry = open_for(&fake.host(), me(), Rights::Push { mount_from: Vec::new() }, patience());
    let outcome = upload(&registry, &blob(1000));
    (fake, other, outcome)
}

#[test]
fn credentials_stay_with_the_registry_when_the_blob_goes_elsewhere() {
    // Where the upload stays with the registry, it gets them.
    let (fake, other, outcome) = sent_to(|fake, _| format!("http://{}{SESSION}", fake.host()));
    outcome.unwrap();
    let put = fake.requests().into_iter().rfind(|request| request.method == "PUT").unwrap();
    assert_eq!(put.header("authorization"), Some(BASIC));
    assert!(other.requests().is_empty());

    // Another port of the same host is another server.
    let (_, other, outcome) = sent_to(|_, other| format!("http://{}{SESSION}", other.host()));
    outcome.unwrap();
    assert_eq!(methods(&other), "PUT");
    assert!(!other.has_seen("bWU6") && !other.has_seen("hunter2"));

    // Not even if it asks for them.
    let (_, other, outcome) = sent_to(|_, other| format!("http://{}{SESSION}?ask=me", other.host()));
    assert!(line(&outcome.unwrap_err()).contains("401"));
    assert!(!other.requests().is_empty() && !other.has_seen("bWU6") && !other.has_seen("hunter2"));

    for location in ["file:///etc/passwd", "ftp://127.0.0.1/x", "http://me:x@127.0.0.1/", "http://127.0.0.1/a b"] {
        assert!(sent_to(|_, _| location.to_owned()).2.is_err(), "{location}");
    }
}

#[test]
fn a_redirect_of_an_upload_takes_no_credentials_along() {
    for (status, follows) in [(307, true), (308, true), (301, false), (302, false), (303, false)] {
        let (fake, other) = (FakeRegistry::start(), FakeRegistry::start());
        let taker = Taker::default();
        Taker::default().install(&fake);
        taker.install(&other);
        let target = format!("http://{}{SESSION}", other.host());
        fake.rule(move |request| {
            let (_, query) = request.target.split_once('?')?;
            (request.method == "PUT").then(|| Answer::status(status).with("location", format!("{target}?{query}")))
        });
        fake.require(BASIC, "Basic realm=x");
        let registry = open_for(&fake.host(), me(), Rights::Push { mount_from: Vec::new() }, patience());
        let bytes = blob(1000);
        assert_eq!(upload(&registry, &bytes).is_ok(), follows, "{status}");
        assert_eq!(taker.has(&bytes), follows, "{status}");
        assert!(fake.has_seen(BASIC) && !other.has_seen("bWU6"));
    }
}

#[test]
fn a_token_that_expires_in_the_middle_is_renewed() {
    let (fake, taker) = (FakeRegistry::start(), Taker::default());
    let host = fake.host();
    taker.install(&fake);
    fake.rule(move |request| {
        // Whoever sends the blob needs a newer token than who began.
        let token = if request.method == "PUT" { "Bearer T2" } else { "Bearer T1" };
        let is_fine = request.header("authorization").is_some_and(|value| value >= token);
        let challenge = format!(r#"Bearer realm="http://{host}/token",scope="repository:team/app:pull,push""#);
        (request.target.starts_with("/v2/team") && !is_fine)
            .then(|| Answer::status(401).with("www-authenticate", challenge))
    });
    let count = Mutex::new(0);
    fake.rule(move |request| {
        let mut count = count.lock().unwrap();
        *count += u32::from(request.target.starts_with("/token"));
        request.target.starts_with("/token").then(|| Answer::ok(format!(r#"{{"token":"T{count}"}}"#)))
    });
    let bytes = blob(300_000);
    upload(&registry(&fake), &bytes).unwrap();
    assert!(taker.has(&bytes));
    assert_eq!(fake.count("/token"), 2);
    assert_eq!(fake.count("scope=repository:team/app:pull,push".replace(',', "%2C").as_str()), 2);
}

#[test]
fn an_overloaded_registry_is_given_the_time_it_asks_for() {
    let (fake, taker) = (FakeRegistry::start(), Taker::default());
    taker.install(&fake);
    fake.fail(START, 1, Answer::status(429).with("retry-after", "0"));
    fake.fail("digest=", 1, Answer::status(429).with("retry-after", "1"));
    let start = std::time::Instant::now();
    let bytes = blob(1000);
    upload(&registry(&fake), &bytes).unwrap();
    assert!(taker.has(&bytes));
    assert!(start.elapsed() >= std::time::Duration::from_secs(1));
}

#[test]
fn a_registry_that_stores_something_else_is_found_out() {
    let bytes = blob(1000);
    let wrong = Digest::of(b"x").to_string();
    let lies = |part: &'static str| {
        let (fake, wrong) = (FakeRegistry::start(), wrong.clone());
        Taker::default().install(&fake);
        fake.rule(move |request| {
            let is_it = request.target.contains(part) && request.method != "HEAD";
            is_it.then(|| Answer::status(201).with("docker-content-digest", wrong.clone()))
        });
        fake
    };
    let fake = lies("digest=");
    assert!(line(&upload(&registry(&fake), &bytes).unwrap_err()).contains("stored sha256:"));
    let fake = lies("mount=");
    let error = upload_as(&registry(&fake), &bytes, Digest::of(&bytes), Some("team/base")).unwrap_err();
    assert!(line(&error).contains("stored sha256:"), "{error:#}");
    let fake = lies("manifests/");
    let error = registry(&fake).put_manifest("v1", "application/x", b"{}").unwrap_err();
    assert!(line(&error).contains("stored sha256:"), "{error:#}");

    // A registry that says it has more, or nothing, of what it was sent leads nowhere either.
    for range in ["0-999999", "0-0"] {
        let fake = FakeRegistry::start();
        Taker::default().install(&fake);
        fake.rule(move |request| match request.method.as_str() {
            "POST" => Some(Answer::status(202).with("location", SESSION).with("OCI-Chunk-Min-Length", "1")),
            "PATCH" => Some(Answer::status(202).with("range", range)),
            _ => None,
        });
        assert!(line(&upload(&registry(&fake), &bytes).unwrap_err()).contains("bytes after"), "{range}");
    }
}

#[test]
fn a_blob_that_has_rotted_is_told_from_a_registry_that_refuses() {
    let (fake, bytes) = (FakeRegistry::start(), blob(1000));
    Taker::default().install(&fake);
    let error = upload_as(&registry(&fake), &bytes, Digest::of(b"what it was"), None).unwrap_err();
    assert!(line(&error).contains("damaged on disk"), "{error:#}");
}

#[test]
fn a_push_that_is_not_wanted_any_more_ends() {
    let (fake, bytes) = (FakeRegistry::start(), blob(3 << 20));
    Taker::default().install(&fake);
    let (file, stop) = (file_of(&bytes), AtomicBool::new(false));
    let progress = |_| stop.store(true, Ordering::Relaxed);
    let digest = Digest::of(&bytes);
    let blob = Outgoing { digest, size: bytes.len() as u64, file: &file, progress: &progress, stop: &stop };
    assert!(registry(&fake).upload(&blob, None).is_err());
    assert!(!methods(&fake).contains("PUT"), "{}", methods(&fake));
}

#[test]
fn offsets_are_those_of_the_last_byte() {
    for (range, offset) in [
        ("0-9", Some(10)),
        ("0-0", Some(0)),
        ("bytes=0-9", Some(10)),
        ("1-9", None),
        ("9", None),
        ("0-18446744073709551615", None),
        ("", None),
    ] {
        let fake = FakeRegistry::start();
        fake.rule(move |_| Some(Answer::status(204).with("range", range)));
        let registry = registry(&fake);
        let response = registry.get("blobs/uploads/one", None, None).unwrap();
        assert_eq!(offset_in(&response), offset, "{range}");
    }
}

//! A registry that fails, lies and attacks, and what becomes of it.

use super::super::fake_registry::{Answer, FakeRegistry};
use super::*;
use crate::error::{hint, kind, line};
use std::io::Read;
use std::time::{Duration, Instant};

pub(super) const BASIC: &str = "Basic bWU6aHVudGVyMg==";
const MANIFEST: &[u8] = br#"{"schemaVersion":2}"#;

pub(super) fn hasty() -> Patience {
    Patience {
        connect: Duration::from_secs(5),
        idle: Duration::from_millis(300),
        pause: Duration::from_millis(5),
        commit: Duration::from_secs(5),
        retry_after_max: Duration::from_secs(2),
        tries: 3,
    }
}

pub(super) fn me() -> Option<Credentials> {
    Some(Credentials::parse("me:hunter2").unwrap())
}

fn open_at(host: &str, creds: Option<Credentials>) -> Registry {
    open_for(host, creds, Rights::Pull, hasty())
}

pub(super) fn open_for(host: &str, creds: Option<Credentials>, rights: Rights, patience: Patience) -> Registry {
    let reference = Reference::parse(&format!("{host}/team/app:v1")).unwrap();
    // The empty file keeps the user's own credentials out of the tests.
    let access = Access {
        tls_verify: Some(false),
        creds,
        authfile: Some("/dev/null".into()),
        cert_dir: None,
        retries: None,
        pause: None,
        signature_policy: None,
        docker: false,
    };
    Registry::with_patience(&reference, &access, patience).unwrap().asked_for(rights)
}

fn open(fake: &FakeRegistry, creds: Option<Credentials>) -> Registry {
    open_at(&fake.host(), creds)
}

fn with_manifest() -> FakeRegistry {
    let fake = FakeRegistry::start();
    fake.put("/v2/team/app/manifests/v1", "application/vnd.oci.image.manifest.v1+json", MANIFEST);
    fake
}

fn with_blob(bytes: &[u8]) -> (FakeRegistry, Digest) {
    let (fake, digest) = (FakeRegistry::start(), Digest::of(bytes));
    fake.put(&format!("/v2/team/app/blobs/{digest}"), "application/octet-stream", bytes);
    (fake, digest)
}

fn read_blob(registry: &Registry, digest: &Digest, size: u64) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    registry.blob(digest, size)?.read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn random(size: usize) -> Vec<u8> {
    (0..size as u32).map(|index| (index.wrapping_mul(2_654_435_761) >> 24) as u8).collect()
}

#[test]
fn nobody_logs_in_where_nobody_asks() {
    let fake = with_manifest();
    let fetched = open(&fake, me()).manifest_of_tag("v1").unwrap();
    assert_eq!((fetched.bytes.as_slice(), fetched.digest), (MANIFEST, Digest::of(MANIFEST)));
    assert!(!fake.has_seen(BASIC));
    let accept = fake.requests()[0].header("accept").unwrap().to_owned();
    assert!(ACCEPTED.iter().all(|media_type| accept.contains(media_type)));
}

#[test]
fn basic_credentials_are_sent_once_asked_for() {
    let fake = with_manifest();
    fake.require(BASIC, r#"Basic realm="r""#);
    open(&fake, me()).manifest_of_tag("v1").unwrap();
    let error = open(&fake, None).manifest_of_tag("v1").unwrap_err();
    assert_eq!(kind(&error), Kind::Denied);
    assert!(hint(&error).unwrap().contains("--creds"));
    let before = fake.requests().len();
    let wrong = Some(Credentials::parse("me:wrong").unwrap());
    assert_eq!(kind(&open(&fake, wrong).manifest_of_tag("v1").unwrap_err()), Kind::Denied);
    assert_eq!(fake.requests().len() - before, 2, "a refusal is not tried again");
}

#[test]
fn tokens_are_fetched_and_renewed() {
    for (challenge, answer, expected) in [
        (r#",service="the service",scope="repository:team/app:pull""#, r#"{"token":"T"}"#, "service=the%20service"),
        ("", r#"{"access_token":"T"}"#, "scope=repository:team/app:pull"),
        (
            r#",scope="repository:other/secret:pull,push""#,
            r#"{"token":"","access_token":"T"}"#,
            "scope=repository:team/app:pull",
        ),
    ] {
        let fake = with_manifest();
        fake.require("Bearer T", &format!(r#"Bearer realm="http://{}/token"{challenge}"#, fake.host()));
        let body = answer.to_owned();
        fake.rule(move |request| request.target.starts_with("/token?").then(|| Answer::ok(body.clone())));
        let registry = open(&fake, me());
        registry.manifest_of_tag("v1").unwrap();
        registry.manifest_of_tag("v1").unwrap();
        assert_eq!(fake.count("/token?"), 1, "a token serves more than one request");
        let asked = fake.requests().into_iter().find(|request| request.target.starts_with("/token?")).unwrap();
        assert!(asked.target.contains(expected) && asked.target.contains("account=me"), "{}", asked.target);
        assert_eq!(asked.header("authorization"), Some(BASIC));
        // The token expires.
        fake.fail(
            "/v2/",
            1,
            Answer::status(401).with("www-authenticate", format!(r#"Bearer realm="http://{}/token""#, fake.host())),
        );
        registry.manifest_of_tag("v1").unwrap();
        assert_eq!(fake.count("/token?"), 2);
    }
}

#[test]
fn an_identity_token_is_exchanged() {
    let fake = with_manifest();
    fake.require("Bearer T", &format!(r#"Bearer realm="http://{}/token",service=s"#, fake.host()));
    fake.put("/token", "application/json", br#"{"access_token":"T"}"#);
    open(&fake, Some(Credentials::IdentityToken(Secret::new("r&f")))).manifest_of_tag("v1").unwrap();
    let asked = fake.requests().into_iter().find(|request| request.target == "/token").unwrap();
    assert_eq!(asked.method, "POST");
    assert!(
        asked.has("grant_type=refresh_token") && asked.has("refresh_token=r%26f"),
        "{}",
        String::from_utf8_lossy(&asked.body)
    );
}

#[test]
fn d01_a_redirect_carries_credentials_only_within_the_origin() {
    let (elsewhere, digest) = with_blob(b"blob");
    elsewhere.rule(|request| {
        request.target.starts_with("/ask").then(|| Answer::status(401).with("www-authenticate", "Basic"))
    });
    let (home, _) = with_blob(b"blob");
    home.require(BASIC, "Basic");
    let path = format!("/v2/team/app/blobs/{digest}");
    let redirect = |target: String| Answer::status(307).with("location", target);
    let registry = open(&home, me());
    // The control: within the origin the header goes along.
    home.put("/v2/moved", "", b"blob");
    home.fail(&path, 3, redirect("/v2/moved".into()));
    assert_eq!(read_blob(&registry, &digest, 4).unwrap(), b"blob");
    assert_eq!(home.requests().last().unwrap().header("authorization"), Some(BASIC));
    for (location, works) in [
        (format!("http://{}{path}", elsewhere.host()), true),
        (format!("//{}{path}", elsewhere.host()), true),
        (format!("http://localhost:{}{path}", elsewhere.host().rsplit_once(':').unwrap().1), true),
        (format!("http://{}/ask", elsewhere.host()), false),
        (format!("http://me:hunter2@{}{path}", elsewhere.host()), false),
        (format!("http://{}@{}{path}", home.host(), elsewhere.host()), false),
    ] {
        home.fail(&path, 1, redirect(location.clone()));
        assert_eq!(read_blob(&registry, &digest, 4).is_ok(), works, "{location}");
    }
    assert!(elsewhere.count(&path) >= 3);
    assert!(!elsewhere.has_seen("bWU6") && !elsewhere.has_seen("hunter2"));
    assert!(elsewhere.requests().iter().all(|request| request.header("authorization").is_none()));
}

#[test]
fn d01_a_chain_that_comes_back_has_lost_its_credentials() {
    let (home, elsewhere) = (with_manifest(), FakeRegistry::start());
    home.require(BASIC, "Basic");
    let back = format!("http://{}/v2/team/app/manifests/v1?again", home.host());
    elsewhere.rule(move |_| Some(Answer::status(302).with("location", back.clone())));
    home.fail("manifests/v1", 1, Answer::status(302).with("location", format!("http://{}/x", elsewhere.host())));
    let registry = open(&home, me());
    registry.session.lock().unwrap().authorization =
        Some(Authorization { origin: registry.origin().unwrap().clone(), value: Secret::new(BASIC) });
    let _ = registry.manifest_of_tag("v1");
    let returned = home.requests().into_iter().find(|request| request.target.ends_with("?again")).unwrap();
    assert_eq!(returned.header("authorization"), None);
}

#[test]
fn d02_a_foreign_realm_gets_no_password() {
    let (fake, thief) = (with_manifest(), FakeRegistry::start());
    thief.rule(|_| Some(Answer::ok(r#"{"token":"T"}"#)));
    let port = fake.host().rsplit_once(':').unwrap().1.to_owned();
    fake.require("Bearer T", &format!(r#"Bearer realm="http://{}/token""#, thief.host()));
    // The registry is known as localhost; its realm is another host, and without TLS.
    let error = open_at(&format!("localhost:{port}"), me()).manifest_of_tag("v1").unwrap_err();
    assert!(line(&error).contains("without TLS"), "{}", line(&error));
    assert!(thief.requests().is_empty());
    // The control: the same realm is asked when it is the registry's own host.
    open(&fake, me()).manifest_of_tag("v1").unwrap();
    assert!(thief.has_seen(BASIC));
}

#[test]
fn d08_overload_is_waited_for_but_not_for_ever() {
    let fake = with_manifest();
    fake.fail("manifests", 1, Answer::status(429).with("retry-after", "1"));
    let start = Instant::now();
    open(&fake, None).manifest_of_tag("v1").unwrap();
    assert!(start.elapsed() >= Duration::from_secs(1));
    fake.fail("manifests", 1, Answer::status(429).with("retry-after", "3600"));
    let error = open(&fake, None).manifest_of_tag("v1").unwrap_err();
    assert_eq!(hint(&error), Some("try again in 3600 seconds, as it asks for"));
    fake.fail("manifests", 2, Answer::status(503));
    open(&fake, None).manifest_of_tag("v1").unwrap();
    for (status, tries) in [(500, 3), (429, 3), (400, 1), (404, 1), (403, 1), (418, 1)] {
        fake.fail("manifests", 100, Answer::status(status));
        let before = fake.count("manifests");
        open(&fake, None).manifest_of_tag("v1").unwrap_err();
        assert_eq!(fake.count("manifests") - before, tries, "{status}");
    }
}

#[test]
fn refusals_are_one_clean_line() {
    let fake = FakeRegistry::start();
    let error = open(&fake, None).manifest_of_tag("v1").unwrap_err();
    assert_eq!((kind(&error), line(&error).as_str()), (Kind::NotFound, "not found in the registry (404)"));
    let evil = format!(r#"{{"errors":[{{"message":"no\u001b[31m\n{}"}}]}}"#, "x".repeat(5000));
    fake.fail("manifests", 1, Answer { status: 403, body: evil.into(), ..Answer::default() });
    let text = line(&open(&fake, None).manifest_of_tag("v1").unwrap_err());
    assert!(text.contains(r"(403): no\u{1b}[31m\nxxx") && text.len() < 400, "{text}");
    fake.fail("manifests", 1, Answer { status: 403, body: vec![b'['; 1 << 20], ..Answer::default() });
    assert!(line(&open(&fake, None).manifest_of_tag("v1").unwrap_err()).contains("(403)"));
}

#[test]
fn nobody_there_is_said_at_once() {
    let host = FakeRegistry::start().host();
    let registry = open_at(&host, None);
    let start = Instant::now();
    let mut last = registry.manifest_of_tag("v1");
    // The dropped listener may take a moment to close.
    while last.is_ok() {
        last = registry.manifest_of_tag("v1");
    }
    assert!(line(&last.unwrap_err()).starts_with(&format!("reach {host}: ")));
    assert!(start.elapsed() < Duration::from_secs(5));
}

#[test]
fn a_broken_blob_is_taken_up_where_it_broke() {
    let bytes = random(300_000);
    let (fake, digest) = with_blob(&bytes);
    let cut = Answer { cut_after: Some(100_000), ..Answer::ok(bytes.clone()) };
    fake.fail("/blobs/", 1, cut.clone());
    assert_eq!(read_blob(&open(&fake, None), &digest, 300_000).unwrap(), bytes);
    let range = fake.requests().last().unwrap().header("range").unwrap().to_owned();
    let from: usize = range.strip_prefix("bytes=").unwrap().trim_end_matches('-').parse().unwrap();
    assert!((1..=100_000).contains(&from), "{range}");
    // A server that knows no ranges begins again.
    fake.fail("/blobs/", 2, Answer::ok(bytes.clone()));
    fake.fail("/blobs/", 1, cut.clone());
    assert_eq!(read_blob(&open(&fake, None), &digest, 300_000).unwrap(), bytes);
    // One that always breaks is given up.
    fake.fail("/blobs/", 100, Answer { cut_after: Some(0), ..Answer::ok(bytes.clone()) });
    let before = fake.count("/blobs/");
    assert!(read_blob(&open(&fake, None), &digest, 300_000).is_err());
    assert!(fake.count("/blobs/") - before <= 9);
    // One that answers with another range is refused.
    fake.fail("/blobs/", 1, Answer { status: 206, ..Answer::ok("x").with("content-range", "bytes 0-0/1") });
    fake.fail("/blobs/", 1, cut);
    assert!(read_blob(&open(&fake, None), &digest, 300_000).is_err());
}

#[test]
fn blobs_of_another_length_are_refused() {
    let (fake, digest) = with_blob(b"four");
    assert_eq!(read_blob(&open(&fake, None), &digest, 4).unwrap(), b"four");
    for size in [0, 3, 5, u64::MAX] {
        assert!(read_blob(&open(&fake, None), &digest, size).is_err(), "{size}");
    }
    let chunked = |body: &str| Answer::ok(body).with("transfer-encoding", "chunked");
    fake.fail("/blobs/", 1, chunked("4\r\nfour\r\n0\r\n\r\n"));
    assert_eq!(read_blob(&open(&fake, None), &digest, 4).unwrap(), b"four");
    for lie in
        ["5\r\nfours\r\n0\r\n\r\n", "3\r\nfou\r\n0\r\n\r\n", "4\r\nfour\r\n", "zz\r\n", "ffffffffffffffff\r\nfour"]
    {
        fake.fail("/blobs/", 100, chunked(lie));
        assert!(read_blob(&open(&fake, None), &digest, 4).is_err(), "{lie}");
    }
}

#[test]
fn d08_a_slow_server_is_given_up() {
    let bytes = random(5000);
    let (fake, digest) = with_blob(&bytes);
    for (size, pause) in [(1, 20), (5000, 0)] {
        fake.fail(
            "/blobs/",
            100,
            Answer { drip: Some((size, Duration::from_millis(pause))), ..Answer::ok(bytes.clone()) },
        );
        let start = Instant::now();
        let outcome = read_blob(&open(&fake, None), &digest, 5000);
        assert_eq!(outcome.is_ok(), pause == 0, "the second is the control");
        assert!(start.elapsed() < Duration::from_secs(5));
    }
    fake.fail("/manifests/", 1, Answer { drip: Some((1, Duration::from_secs(1))), ..Answer::ok("slow") });
    assert!(open(&fake, None).manifest_of_tag("v1").is_err());
    // Trailers are no progress, however steadily they come.
    let trailers = format!("4\r\nslow\r\n0\r\n{}\r\n", "x: y\r\n".repeat(200));
    for (drip, is_given_up) in [(Some((2, Duration::from_millis(20))), true), (None, false)] {
        let answer = Answer::ok(trailers.clone()).with("transfer-encoding", "chunked");
        fake.fail("/manifests/", 1, Answer { drip, ..answer });
        let start = Instant::now();
        assert_eq!(open(&fake, None).manifest_of_tag("v1").is_err(), is_given_up, "the second is the control");
        assert!(start.elapsed() < Duration::from_secs(5));
    }
}

#[test]
fn d08_loops_and_floods_end() {
    let fake = FakeRegistry::start();
    fake.rule(|request| {
        request.target.starts_with("/v2/").then(|| Answer::status(302).with("location", "/v2/again"))
    });
    let error = open(&fake, None).manifest_of_tag("v1").unwrap_err();
    assert!(line(&error).contains("redirects more than 5 times"), "{}", line(&error));
    assert_eq!(fake.requests().len(), 6);
    let answers = [
        Answer::ok("x").with("x-flood", "y".repeat(100 << 10)),
        Answer::ok(vec![b' '; MANIFEST_BYTES_MAX + 1]),
        Answer::status(401).with("www-authenticate", "Bearer realm=x,".repeat(1000)),
        Answer::status(401).with("www-authenticate", "Basic,".repeat(1000)),
        Answer::ok("x").with("docker-content-digest", Digest::of(b"y").to_string()),
        Answer::status(304),
        Answer::status(206),
    ];
    for answer in answers {
        fake.fail("manifests", 100, answer.clone());
        assert!(open(&fake, me()).manifest_of_tag("v1").is_err(), "{} {:?}", answer.status, answer.headers.first());
    }
}

#[test]
fn a_digest_gets_no_other_bytes() {
    let (fake, asked) = (FakeRegistry::start(), Digest::of(b"asked"));
    fake.put(&format!("/v2/team/app/manifests/{asked}"), "", b"other");
    let error = open(&fake, None).manifest_of_digest(&asked).unwrap_err();
    assert!(line(&error).contains("asked for sha256:"), "{}", line(&error));
}

#[test]
fn scopes_for_more_than_is_needed_are_not_asked_for() {
    let push = Rights::Push { mount_from: vec!["team/base".to_owned()] };
    let (pull_only, source) = ("repository:team/app:pull", " repository:team/base:pull");
    for (proposed, pulls, takes_source) in [
        ("repository:library/alpine:pull", true, false),
        ("repository:team/app:pull", true, false),
        ("repository:team/base:pull", true, true),
        ("repository:team/app:pull,push repository:team/base:pull", false, true),
        ("repository:team/app:pull,push,delete", false, false),
        ("repository:team/base:pull,push", false, false),
        ("repository:team/base:*", false, false),
        ("repository:team/app:pull,push repository:other:pull", false, false),
        ("repository:team/app:pull,push registry:catalog:*", false, false),
        ("repository:x:pull,push", false, false),
        ("repository:x:pull repository:y:pull", false, false),
        ("registry:catalog:*", false, false),
        ("repository::pull", false, false),
        ("", false, false),
    ] {
        let asked = Rights::Pull.scopes(proposed, "team/app").join(" ");
        assert_eq!(asked, if pulls { proposed } else { pull_only }, "{proposed}");
        let asked = push.scopes(proposed, "team/app").join(" ");
        let source = if takes_source { source } else { "" };
        assert_eq!(asked, format!("repository:team/app:pull,push{source}"), "{proposed}");
    }
}

#[test]
fn each_pause_is_about_twice_the_one_before() {
    let patience = Patience { pause: Duration::from_secs(2), ..Patience::default() };
    for (tries, secs) in [(1, 2), (2, 4), (3, 8), (7, 128), (u32::MAX, 128)] {
        let pause = patience.pause_after(tries).as_millis();
        assert!((secs * 500..secs * 1500).contains(&pause), "{tries}: {pause} ms");
    }
}

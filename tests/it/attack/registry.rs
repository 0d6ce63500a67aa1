//! Families D of the catalogue, and kills in the middle: what a registry and its friends may try, by `pull`.

#[cfg(target_arch = "x86_64")]
use super::puppet::{Argument, Puppet};
use crate::pull::serve;
use crate::support::artifact::{self, Artifact, Blob, Packing, busybox, file, noise};
use crate::support::evil_tar;
use crate::support::fake_registry::{Answer, FakeRegistry};
use crate::support::registry::{Door, Registry};
use crate::support::witness::{
    Listing, Watched, assert_same, assert_sound, assert_staging_empties, refusal, staged, store, with_little_memory,
};
use crate::support::{Run, Running, Sandbox, until};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Value, json};
use std::process::Stdio;
use std::time::Duration;

pub(super) const INSECURE: &str = "--tls-verify=false";
/// Tries that follow each other at once: how long the pauses are is no part of the attacks.
pub(super) const HASTY: &str = "--retry-delay=10ms";
pub(super) const PASSWORD: &str = "bound-to-one-origin";
/// How many faults are tried beside each other: most of them wait.
pub(super) const AT_ONCE: usize = 6;

/// A registry with one good image, pulled, and one that is about to be: `evil:1`.
struct Scene {
    sandbox: Sandbox,
    watched: Watched,
    fake: FakeRegistry,
    image: Artifact,
    before: Listing,
}

impl Scene {
    fn new() -> Self {
        Self::with(Artifact::new(&[busybox(), file("marker", "evil")]).packed(Packing::Gzip))
    }

    fn with(image: Artifact) -> Self {
        let (sandbox, fake) = (Sandbox::new(), FakeRegistry::start());
        serve(&fake, "good", "1", &Artifact::saying("good").packed(Packing::Gzip));
        sandbox.ok(&["pull", INSECURE, &format!("{}/good:1", fake.host())]);
        serve(&fake, "evil", "1", &image);
        let (watched, before) = (Watched::new(&sandbox), store(&sandbox));
        Self { sandbox, watched, fake, image, before }
    }

    fn name(&self) -> String {
        format!("{}/evil:1", self.fake.host())
    }

    fn pull(&self, more: &[&str]) -> Run {
        let name = self.name();
        let command = self.sandbox.command(&[&["pull", INSECURE, HASTY], more, &[name.as_str()]].concat());
        Running::start(with_little_memory(&command)).finish()
    }

    /// Pulls what must be refused for good, without a trace.
    fn refused(&self, attack: &str) -> String {
        let run = self.pull(&[]);
        let line = refusal(&run).to_owned();
        assert!(line.starts_with("coracle: pull: "), "{attack}: {line}");
        self.watched.assert_untouched(&self.sandbox, &[&run], attack);
        assert_same(&store(&self.sandbox), &self.before, attack);
        assert_eq!(staged(&self.sandbox).len(), 0, "{attack}");
        line
    }

    /// Serves another text as the manifest.
    fn put_manifest(&self, text: &str) {
        self.fake.put("/v2/evil/manifests/1", self.image.manifest_type(), text.as_bytes());
    }

    /// The path of the marker's layer.
    fn layer(&self) -> String {
        format!("/v2/evil/blobs/{}", self.image.layer_blobs()[1].digest())
    }
}

/// A fault that the connection or the server has, and no lie: what came before it may stay for the next try.
pub(super) enum Verdict {
    Passing,
    Final,
}

pub(super) type Fault = (&'static str, fn(&[u8]) -> Answer, Verdict);

fn with_length(bytes: &[u8], length: impl ToString) -> Answer {
    Answer::ok(bytes).with("content-length", length.to_string())
}

pub(super) fn faults() -> Vec<Fault> {
    use Verdict::{Final, Passing};
    vec![
        ("cut at 0", |bytes| Answer { cut_after: Some(0), ..Answer::ok(bytes) }, Passing),
        ("cut at 1", |bytes| Answer { cut_after: Some(1), ..Answer::ok(bytes) }, Passing),
        ("cut in half", |bytes| Answer { cut_after: Some(bytes.len() / 2), ..Answer::ok(bytes) }, Passing),
        ("cut before the last", |bytes| Answer { cut_after: Some(bytes.len() - 1), ..Answer::ok(bytes) }, Passing),
        ("a byte more", |bytes| Answer::ok([bytes, b"x"].concat()), Passing),
        ("a byte less", |bytes| Answer::ok(&bytes[1..]), Passing),
        ("other bytes", |bytes| Answer::ok(bytes.iter().map(|byte| byte ^ 1).collect::<Vec<_>>()), Final),
        ("no bytes", |_| Answer::ok(""), Passing),
        ("length too small", |bytes| with_length(bytes, bytes.len() - 1), Passing),
        ("length too large", |bytes| with_length(bytes, bytes.len() + 1), Passing),
        ("length of 10^18", |bytes| with_length(bytes, 1_000_000_000_000_000_000u64), Passing),
        ("negative length", |bytes| with_length(bytes, -1), Passing),
        ("length of words", |bytes| with_length(bytes, "many"), Passing),
        ("chunks of garbage", |_| Answer::ok("zz\r\n").with("transfer-encoding", "chunked"), Passing),
        ("401 for ever", |_| Answer::status(401).with("www-authenticate", "Basic realm=\"x\""), Final),
        ("403", |_| Answer::status(403), Final),
        ("404", |_| Answer::status(404), Final),
        ("429", |_| Answer::status(429).with("retry-after", "0"), Final),
        ("429 for three years", |_| Answer::status(429).with("retry-after", "99999999"), Final),
        ("500 for ever", |_| Answer::status(500), Passing),
        ("503 for ever", |_| Answer::status(503).with("retry-after", "1"), Passing),
        ("204", |_| Answer::status(204), Passing),
        ("a part that was not asked for", |bytes| Answer { status: 206, ..Answer::ok(bytes) }, Passing),
        ("redirect to itself", |_| Answer::status(302).with("location", "?again"), Final),
        ("redirect to a file", |_| Answer::status(302).with("location", "file:///etc/passwd"), Final),
        ("redirect with a user", |_| Answer::status(302).with("location", "http://a:b@127.0.0.1:1/"), Final),
        ("redirect to nowhere", |_| Answer::status(307).with("location", "http://127.0.0.1:1/x"), Passing),
        ("header of 1 MiB", |bytes| Answer::ok(bytes).with("x-large", "x".repeat(1 << 20)), Passing),
        ("ten thousand headers", ten_thousand_headers, Passing),
    ]
}

fn ten_thousand_headers(bytes: &[u8]) -> Answer {
    (0..10_000).fold(Answer::ok(bytes), |answer, number| answer.with(&format!("x-{number}"), "x"))
}

/// Tries every fault on what has `part` in its path.
fn assert_faults_are_survived(part: fn(&Scene) -> (String, Vec<u8>)) {
    let faults = faults();
    for some in faults.chunks(AT_ONCE) {
        std::thread::scope(|scope| some.iter().for_each(|fault| drop(scope.spawn(|| assert_survived(fault, part)))));
    }
}

fn assert_survived((name, answer, verdict): &Fault, part: fn(&Scene) -> (String, Vec<u8>)) {
    let scene = Scene::new();
    let (path, bytes) = part(&scene);
    scene.fake.fail(&path, usize::MAX, answer(&bytes));
    match verdict {
        // Only of layers is it worth keeping something for the next try.
        Verdict::Passing if path == scene.layer() => {
            let run = scene.pull(&[]);
            refusal(&run);
            scene.watched.assert_untouched(&scene.sandbox, &[&run], name);
            assert_sound(&scene.sandbox, &scene.before, name);
        }
        Verdict::Passing | Verdict::Final => drop(scene.refused(name)),
    }
    let run = scene.sandbox.coracle(&["run", "--pull=never", &scene.name()]);
    assert!(refusal(&run).contains("no image"), "{name}: {run}");
    // When the registry is well again, so is the image.
    let path = path.to_owned();
    let tail = path.rsplit('/').next().unwrap_or_default().to_owned();
    let good = Answer::ok(bytes).with("content-type", scene.image.manifest_type());
    scene.fake.rule(move |request| request.target.ends_with(&tail).then(|| good.clone()));
    let run = scene.pull(&[]);
    assert_eq!(run.code, 0, "{name}: {run}");
    assert_eq!(scene.sandbox.ok(&["run", "--rm", "--pull=never", &scene.name()]), "evil", "{name}");
}

#[test]
fn d06_faults_in_a_layer_leave_no_part_of_an_image() {
    assert_faults_are_survived(|scene| (scene.layer(), scene.image.layer_blobs()[1].bytes.clone()));
}

#[test]
fn d06_faults_in_a_manifest_leave_no_part_of_an_image() {
    assert_faults_are_survived(|scene| ("/v2/evil/manifests/1".to_owned(), scene.image.manifest_blob().bytes));
}

#[test]
fn d06_faults_in_a_configuration_leave_no_part_of_an_image() {
    assert_faults_are_survived(|scene| {
        let config = scene.image.config_blob();
        (format!("/v2/evil/blobs/{}", config.digest()), config.bytes)
    });
}

#[test]
fn d06_a_tag_that_moves_gives_one_image_or_the_other() {
    let scene = Scene::new();
    let other = Artifact::saying("moved").packed(Packing::Gzip);
    serve(&scene.fake, "evil", "2", &other);
    let first = Answer::ok(scene.image.manifest_blob().bytes).with("content-type", scene.image.manifest_type());
    scene.fake.put("/v2/evil/manifests/1", other.manifest_type(), &other.manifest_blob().bytes);
    scene.fake.fail("/manifests/1", 1, first);
    let run = scene.pull(&[]);
    assert_eq!(run.stdout.trim(), scene.image.id().replace("sha256:", ""), "{run}");
    assert_eq!(scene.sandbox.ok(&["run", "--rm", "--pull=never", &scene.name()]), "evil");
    let run = scene.pull(&[]);
    assert_eq!(run.stdout.trim(), other.id().replace("sha256:", ""), "{run}");
    assert_eq!(scene.sandbox.ok(&["run", "--rm", "--pull=never", &scene.name()]), "moved");
}

#[test]
fn c01_a_layer_from_a_registry_is_as_hostile_as_one_from_a_file() {
    let scene = Scene::new();
    for attack in evil_tar::attacks(&scene.watched.canary.path).iter().step_by(9) {
        let image = Artifact::new(std::slice::from_ref(&attack.bytes)).packed(Packing::Zstd);
        serve(&scene.fake, "evil", "1", &image);
        let run = scene.pull(&[]);
        scene.watched.assert_untouched(&scene.sandbox, &[&run], &attack.name);
        if run.code == 0 {
            scene.watched.assert_not_stored(&scene.sandbox, &attack.name);
            scene.sandbox.ok(&["rmi", &scene.name()]);
        } else {
            refusal(&run);
        }
        assert_same(&store(&scene.sandbox), &scene.before, &attack.name);
    }
}

#[test]
fn c10_a_layer_that_is_not_its_diff_id_is_refused() {
    let scene = Scene::new();
    let mut image = Artifact::saying("evil").packed(Packing::Gzip);
    let honest: Vec<String> = image.layers.iter().map(|layer| artifact::digest(layer)).collect();
    for (name, diff_ids) in [
        ("another", json!([honest[0], artifact::digest(b"another")])),
        ("another's", json!([honest[1], honest[0]])),
        ("too few", json!([honest[0]])),
        ("too many", json!([honest[0], honest[1], honest[1]])),
    ] {
        image.config["rootfs"] = json!({"type": "layers", "diff_ids": diff_ids});
        serve(&scene.fake, "evil", "1", &image);
        scene.refused(name);
    }
}

#[test]
fn c11_no_digest_of_a_document_becomes_a_path_of_a_request() {
    let scene = Scene::new();
    let hex = "a".repeat(64);
    for digest in ["sha256:../../../etc/passwd", "../x", "", "sha256:%2e%2e/x", "md5:00", &format!("sha256:{hex}/..")]
    {
        for place in ["/config/digest", "/layers/0/digest"] {
            let mut manifest = scene.image.manifest();
            *manifest.pointer_mut(place).expect("the field is there") = digest.into();
            scene.put_manifest(&manifest.to_string());
            scene.refused(&format!("{place} {digest:?}"));
        }
        let lie = Answer::ok(scene.image.manifest_blob().bytes).with("docker-content-digest", digest);
        scene.fake.fail("/manifests/1", 1, lie);
        let run = scene.pull(&[]);
        // A header that is no digest says nothing; what it would say is computed.
        assert!(run.code == 0 || !refusal(&run).is_empty());
        scene.sandbox.coracle(&["rmi", "--ignore", &scene.name()]);
    }
    for request in scene.fake.requests() {
        let is_ours = request.target == "/v2/"
            || request.target.starts_with("/v2/evil/")
            || request.target.starts_with("/v2/good/");
        assert!(is_ours && !request.target.contains(".."), "{}", request.target);
    }
}

#[test]
fn c12_a_document_is_what_its_header_and_itself_say() {
    let scene = Scene::new();
    let manifest = scene.image.manifest();
    let with = |key: &str, value: Value| {
        let mut document = manifest.clone();
        document[key] = value;
        document.to_string()
    };
    let index = "application/vnd.oci.image.index.v1+json";
    let list = "application/vnd.docker.distribution.manifest.list.v2+json";
    let own = scene.image.manifest_type();
    let text = manifest.to_string();
    let as_index = artifact::index(&[&scene.image]);
    let index_text = String::from_utf8(as_index.bytes.clone()).expect("it is text");
    for (name, content_type, body) in [
        ("manifest called index", index, text.clone()),
        ("manifest called list", list, text.clone()),
        ("index called manifest", own, index_text.clone()),
        ("both", own, with("manifests", json!([]))),
        ("both, called index", index, with("manifests", json!([]))),
        ("says index, called manifest", own, with("mediaType", index.into())),
        ("a key twice", own, text.replacen("\"config\"", "\"config\":{},\"config\"", 1)),
        ("NaN", own, text.replacen("\"schemaVersion\":2", "\"schemaVersion\":NaN", 1)),
        ("two documents", own, format!("{text}{text}")),
        ("UTF-16", own, text.chars().flat_map(|character| [character, '\0']).collect()),
        (
            "depth of 100,000",
            own,
            text.replacen('{', &format!("{{\"x\":{}1{},", "[".repeat(100_000), "]".repeat(100_000)), 1),
        ),
        ("HTML", "text/html", "<html>log in here</html>".into()),
        ("empty", own, String::new()),
        ("5 MiB", own, text.clone() + &" ".repeat(5 << 20)),
    ] {
        scene.fake.put("/v2/evil/manifests/1", content_type, body.as_bytes());
        scene.refused(name);
    }
    // The control.
    scene.fake.put("/v2/evil/manifests/1", index, index_text.as_bytes());
    assert_eq!(scene.pull(&[]).code, 0);
}

#[test]
fn d01_a_redirect_takes_no_credentials_along() {
    for (challenge, authorization) in [
        ("Basic realm=\"x\"".to_owned(), format!("Basic {}", basic())),
        (String::new(), "Bearer ticket-of-one-origin".to_owned()),
    ] {
        let (scene, elsewhere) = (Scene::new(), FakeRegistry::start());
        let challenge = if challenge.is_empty() { bearer(&scene.fake) } else { challenge };
        scene.fake.put_token("ticket-of-one-origin");
        let blob = scene.image.layer_blobs()[1].clone();
        elsewhere.put("/stolen", "application/octet-stream", &blob.bytes);
        // By another port, and by another name of the same address.
        for host in [elsewhere.host(), elsewhere.host().replace("127.0.0.1", "localhost")] {
            let location = format!("http://{host}/stolen");
            scene.fake.fail(&blob.digest(), 1, Answer::status(307).with("location", location));
            scene.fake.require(&authorization, &challenge);
            let run = scene.pull(&["--creds", &format!("me:{PASSWORD}")]);
            assert_eq!(run.code, 0, "{run}");
            assert!(scene.fake.has_seen(&authorization), "the control: it was given where it belongs");
            for secret in [PASSWORD, &basic(), "ticket-of-one-origin"] {
                assert!(!elsewhere.has_seen(secret) && !run.stderr.contains(secret), "{secret}");
            }
            scene.sandbox.ok(&["rmi", &scene.name()]);
        }
        assert_eq!(elsewhere.count("/stolen"), 2, "the redirects were followed");
    }
}

#[test]
fn d02_a_foreign_realm_gets_no_password() {
    let elsewhere = FakeRegistry::start();
    elsewhere.put_token("worthless");
    let port = elsewhere.host().replace("127.0.0.1:", "");
    for realm in [
        format!("http://localhost:{port}/token"),
        format!("http://127.1:{port}/token"),
        format!("http://127.0.0.1:{port}@evil.example/token"),
        "file:///etc/passwd".to_owned(),
        "http://[::ffff:127.0.0.1]:1/token".to_owned(),
        format!("http://localhost:{port}/{}", "x".repeat(20_000)),
        String::new(),
    ] {
        let scene = Scene::new();
        let challenge = format!(r#"Bearer realm="{realm}",service="s""#);
        scene.fake.rule(move |request| {
            let refused = request.target.starts_with("/v2/evil/");
            refused.then(|| Answer::status(401).with("www-authenticate", challenge.clone()))
        });
        let run = scene.pull(&["--creds", &format!("me:{PASSWORD}")]);
        refusal(&run);
        assert_same(&store(&scene.sandbox), &scene.before, &realm);
        for secret in [PASSWORD, &basic()] {
            assert!(!elsewhere.has_seen(secret) && !run.stderr.contains(secret), "{realm}: {run}");
        }
    }
    let scene = Scene::new();
    scene.fake.rule(|request| {
        let answer = || {
            (0..50).fold(Answer::status(401), |answer, number| {
                answer.with("www-authenticate", format!("Negotiate{number} x=y"))
            })
        };
        request.target.starts_with("/v2/evil/").then(answer)
    });
    scene.refused("fifty challenges");
}

#[test]
fn d03_nobody_is_spoken_to_without_a_valid_certificate() {
    let scene = Scene::new();
    let asked = scene.fake.requests().len();
    for verify in [&[][..], &["--tls-verify"], &["--tls-verify=true"]] {
        let run = scene.sandbox.coracle(&[&["pull"], verify, &[&scene.name()]].concat());
        assert!(refusal(&run).contains("--tls-verify=false"), "{run}");
    }
    assert_eq!(scene.fake.requests().len(), asked, "no request went out without TLS");
    // Leave to be insecure holds for the registry, not for where it sends us.
    let door = Door { tls: true, password: false };
    let Some(other) = Registry::start(&scene.sandbox.home.join("registry"), door) else { return };
    let location = format!("https://{}/v2/", other.host().replace("127.0.0.1", "localhost"));
    scene.fake.fail("/manifests/1", usize::MAX, Answer::status(302).with("location", location));
    let run = scene.pull(&[]);
    assert!(refusal(&run).contains("not trusted: signed by an unknown authority"), "{run}");
    assert_same(&store(&scene.sandbox), &scene.before, "redirect");
}

#[test]
fn d07_urls_of_a_layer_are_not_followed() {
    let (scene, elsewhere) = (Scene::new(), FakeRegistry::start());
    let mut manifest = scene.image.manifest();
    manifest["layers"][1]["urls"] = json!([format!("http://{}/x", elsewhere.host()), "file:///etc/passwd"]);
    scene.put_manifest(&manifest.to_string());
    assert_eq!(scene.pull(&[]).code, 0);
    assert_eq!(elsewhere.requests().len(), 0);
}

#[test]
fn what_a_registry_says_cannot_dress_up_the_terminal() {
    let scene = Scene::new();
    let message = json!({"errors": [{"code": "DENIED", "message": "\u{1b}[2J\r\ncoracle: all is well\u{202e}"}]});
    scene.fake.fail("/manifests/1", 1, Answer { status: 403, ..Answer::ok(message.to_string()) });
    let line = scene.refused("escape sequences");
    assert!(line.contains("denied by") && !line.contains('\u{202e}'), "{line}");
}

pub(super) fn basic() -> String {
    base64::Engine::encode(&base64::engine::general_purpose::STANDARD, format!("me:{PASSWORD}"))
}

pub(super) fn bearer(fake: &FakeRegistry) -> String {
    format!(r#"Bearer realm="http://{}/token",service="s""#, fake.host())
}

impl FakeRegistry {
    /// Gives everybody a token.
    pub(super) fn put_token(&self, token: &str) {
        let body = json!({"token": token}).to_string();
        self.rule(move |request| request.target.starts_with("/token").then(|| Answer::ok(body.clone())));
    }
}

/// A pull that hangs in the middle of its large layer.
struct Hanging {
    scene: Scene,
    child: std::process::Child,
    large: Blob,
}

impl Hanging {
    fn start() -> Self {
        let scene = Scene::with(Artifact::new(&[busybox(), noise("large", 4 << 20), file("marker", "evil")]));
        let large = scene.image.layer_blobs()[1].clone();
        let slow = Answer { drip: Some((256 << 10, Duration::from_millis(300))), ..Answer::ok(large.bytes.clone()) };
        scene.fake.fail(&large.digest(), 1, slow);
        let mut command = scene.sandbox.command(&["pull", INSECURE, &scene.name()]);
        let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("start a pull");
        until("the layer is on its way", || {
            // The layer's directory has something in it.
            staged(&scene.sandbox).iter().any(|path| path.join("fs/large").exists())
        });
        Self { scene, child, large }
    }

    fn unpacker(&self) -> Pid {
        let id = self.child.id();
        let children = std::fs::read_to_string(format!("/proc/{id}/task/{id}/children")).expect("read the children");
        let first = children.split_whitespace().next().expect("the pull has a child");
        Pid::from_raw(first.parse().expect("a pid is a number"))
    }

    /// Nothing of the image can be seen, and a second pull makes it whole.
    fn assert_the_next_pull_works(&self) {
        let scene = &self.scene;
        let run = scene.sandbox.coracle(&["run", "--pull=never", &scene.name()]);
        assert!(refusal(&run).contains("no image"), "{run}");
        let run = scene.pull(&[]);
        assert_eq!(run.code, 0, "{run}");
        assert_eq!(scene.sandbox.ok(&["run", "--rm", "--pull=never", &scene.name()]), "evil");
        assert_eq!(scene.fake.count(&self.large.digest()), 2);
        // What the kill left in staging is found and removed when it is asked for, and nothing else.
        scene.sandbox.ok(&["system", "check", "--repair"]);
        assert_staging_empties(&scene.sandbox);
        assert_eq!(scene.sandbox.ok(&["system", "check"]), "The store is whole\n");
    }
}

#[test]
fn a_pull_that_is_killed_leaves_no_part_of_an_image() {
    let mut hanging = Hanging::start();
    hanging.child.kill().expect("kill the pull");
    hanging.child.wait().expect("wait for it");
    // The unpacker sees the end and removes its tree.
    assert_staging_empties(&hanging.scene.sandbox);
    hanging.assert_the_next_pull_works();
}

#[test]
fn a_pull_whose_whole_group_is_killed_leaves_no_part_of_an_image() {
    let mut hanging = Hanging::start();
    kill(hanging.unpacker(), Signal::SIGKILL).expect("kill the unpacker");
    hanging.child.kill().expect("kill the pull");
    hanging.child.wait().expect("wait for it");
    assert!(!staged(&hanging.scene.sandbox).is_empty());
    hanging.assert_the_next_pull_works();
}

/// What somebody would try who got into the process that reads an image (S13): each call, and whether it is refused there.
#[cfg(target_arch = "x86_64")]
fn escapes(secret: &str) -> Vec<(&'static str, i64, Vec<Argument<'_>>)> {
    use Argument::{Number, Text};
    let here = Number(libc::AT_FDCWD.into());
    let secret = Text(secret);
    let parent = Number(std::process::id().into());
    vec![
        ("read a file", libc::SYS_openat, vec![here, secret, Number(0)]),
        ("read accounts", libc::SYS_openat, vec![here, Text("/etc/passwd"), Number(0)]),
        ("see a file", libc::SYS_access, vec![secret, Number(0)]),
        ("open a file up", libc::SYS_chmod, vec![secret, Number(0o600)]),
        ("read the kernel's view", libc::SYS_openat, vec![here, Text("/proc/self/status"), Number(0)]),
        (
            "connect",
            libc::SYS_socket,
            vec![Number(libc::AF_INET.into()), Number(libc::SOCK_STREAM.into()), Number(0)],
        ),
        (
            "call a service",
            libc::SYS_socket,
            vec![Number(libc::AF_UNIX.into()), Number(libc::SOCK_STREAM.into()), Number(0)],
        ),
        ("signal", libc::SYS_kill, vec![parent, Number(0)]),
        ("look into a process", libc::SYS_pidfd_open, vec![parent, Number(0)]),
        ("leave the namespaces", libc::SYS_unshare, vec![Number(libc::CLONE_FS.into())]),
        ("give itself more", libc::SYS_prlimit64, vec![Number(0), Number(0), Number(0), Number(0)]),
    ]
}

#[test]
#[cfg(target_arch = "x86_64")]
fn s13_who_takes_over_the_unpacker_gets_nothing() {
    let hanging = Hanging::start();
    let scene = &hanging.scene;
    let secret = format!("{}/secret", scene.watched.canary.text());
    let mut free = std::process::Command::new("sleep").arg("1000").spawn().expect("start a process");
    let control = Puppet::take(Pid::from_raw(free.id().cast_signed()));
    let unpacker = Puppet::take(hanging.unpacker());
    for (what, number, arguments) in escapes(&secret) {
        let result = control.call(number, &arguments);
        assert!(result >= 0, "the control cannot {what}: {result}");
        let result = unpacker.call(number, &arguments);
        assert!(result < 0, "the unpacker can {what}: {result}");
    }
    // In the store it has what it needs, and no more.
    let data = scene.sandbox.data.join("coracle");
    let path = |below: &str| data.join(below).to_str().expect("a path made here is ASCII").to_owned();
    let make =
        |puppet: &Puppet, path: &str| puppet.call(libc::SYS_mkdir, &[Argument::Text(path), Argument::Number(0o700)]);
    let read =
        |puppet: &Puppet, path: &str| puppet.call(libc::SYS_open, &[Argument::Text(path), Argument::Number(0)]);
    assert_eq!(make(&unpacker, &path("tmp/by-the-puppet")), 0);
    let list = path("images/oci-layout");
    assert!(read(&control, &list) >= 0 && read(&unpacker, &list) < 0);
    let other = path("containers/by-the-puppet");
    assert!(make(&unpacker, &other) < 0);
    assert_eq!(make(&control, &other), 0);
    drop((control, unpacker));
    free.wait().expect("wait for the control");
    scene.watched.canary.assert_unchanged();
}

#[test]
fn a_pull_whose_unpacker_is_killed_says_so() {
    let hanging = Hanging::start();
    kill(hanging.unpacker(), Signal::SIGKILL).expect("kill the unpacker");
    let Hanging { scene, child, large } = hanging;
    let output = child.wait_with_output().expect("wait for the pull");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!((output.status.code(), stderr.lines().count()), (Some(125), 1), "{stderr}");
    assert!(stderr.starts_with("coracle: pull: ") && stderr.contains("the unpacker died"), "{stderr}");
    let run = scene.sandbox.coracle(&["run", "--pull=never", &scene.name()]);
    assert!(refusal(&run).contains("no image"), "{run}");
    assert_eq!(scene.pull(&[]).code, 0);
    assert_eq!(scene.fake.count(&large.digest()), 2);
}

//! `pull` from a real registry, over every kind of door, and from a scripted one where requests are counted.

use crate::support::artifact::{self, Artifact, Blob, Dialect, Packing};
use crate::support::evil_tar::{Entry, archive};
use crate::support::fake_registry::{Answer, FakeRegistry};
use crate::support::registry::{Door, PASSWORD, Registry, USER};
use crate::support::witness::{assert_same, assert_staging_empties, refusal, store};
use crate::support::{Run, Running, Sandbox, until};
use std::path::Path;

const INSECURE: &str = "--tls-verify=false";

pub fn registry(sandbox: &Sandbox, door: Door) -> Option<Registry> {
    Registry::start(&sandbox.home.join("registry"), door)
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a path made here is ASCII")
}

/// Puts an image into the scripted registry; gives its blobs.
pub fn serve(fake: &FakeRegistry, repository: &str, tag: &str, image: &Artifact) -> Vec<Blob> {
    let mut blobs = image.layer_blobs();
    blobs.push(image.config_blob());
    for blob in &blobs {
        fake.put(&format!("/v2/{repository}/blobs/{}", blob.digest()), "application/octet-stream", &blob.bytes);
    }
    let manifest = image.manifest_blob();
    for reference in [tag, &manifest.digest()] {
        fake.put(&format!("/v2/{repository}/manifests/{reference}"), &manifest.media_type, &manifest.bytes);
    }
    blobs
}

fn assert_pulled(run: &Run, image: &Artifact) {
    assert_eq!(
        (run.code, run.stdout.as_str()),
        (0, format!("{}\n", image.id().replace("sha256:", "")).as_str()),
        "{run}"
    );
}

#[test]
fn every_dialect_and_compression_is_pulled_and_runs() {
    let sandbox = Sandbox::new();
    let Some(registry) = registry(&sandbox, Door::default()) else { return };
    for (dialect, packing) in [
        (Dialect::Oci, Packing::Plain),
        (Dialect::Oci, Packing::Gzip),
        (Dialect::Oci, Packing::Zstd),
        (Dialect::Docker, Packing::Plain),
        (Dialect::Docker, Packing::Gzip),
    ] {
        let words = format!("{dialect:?}-{packing:?}").to_lowercase();
        let image = Artifact::saying(&words).packed(packing).in_dialect(dialect);
        registry.put("team/app", Some(&words), &image);
        let name = format!("{}/team/app:{words}", registry.host());
        assert_pulled(&sandbox.coracle(&["pull", INSECURE, &name]), &image);
        assert_eq!(sandbox.ok(&["run", "--rm", "--pull=never", &name]), words);
    }
}

#[test]
fn an_index_and_a_digest_lead_to_the_right_image() {
    let sandbox = Sandbox::new();
    let Some(registry) = registry(&sandbox, Door::default()) else { return };
    let here = Artifact::saying("here").packed(Packing::Gzip);
    let other = Artifact::saying("there").for_architecture("s390x");
    registry.put("app", None, &here);
    registry.put("app", None, &other);
    let index = artifact::index(&[&other, &here]);
    registry.put_manifest("app", Some("many"), &index);
    let at = |reference: &str| format!("{}/app{reference}", registry.host());
    assert_pulled(&sandbox.coracle(&["pull", INSECURE, &at(":many")]), &here);
    assert_pulled(&sandbox.coracle(&["pull", INSECURE, "--platform", "linux/s390x", &at(":many")]), &other);
    assert_pulled(&sandbox.coracle(&["pull", INSECURE, "--arch=s390x", &at(":many")]), &other);
    assert_pulled(&sandbox.coracle(&["pull", INSECURE, &at(&format!("@{}", index.digest()))]), &here);
    let by_digest = at(&format!("@{}", here.manifest_blob().digest()));
    assert_pulled(&sandbox.coracle(&["pull", INSECURE, &by_digest]), &here);
    assert_eq!(sandbox.ok(&["run", "--rm", "--pull=never", &by_digest]), "here");
    let before = store(&sandbox);
    let run = sandbox.coracle(&["pull", INSECURE, "--platform", "linux/riscv64", &at(":many")]);
    assert!(refusal(&run).contains("linux/riscv64"), "{run}");
    let run = sandbox.coracle(&["create", "-q", INSECURE, "--os=plan9", "--arch=arm", "--variant=v6", &at(":many")]);
    assert!(refusal(&run).contains("plan9/arm/v6"), "{run}");
    let wrong = at(&format!("@sha256:{}", "0".repeat(64)));
    assert!(refusal(&sandbox.coracle(&["pull", INSECURE, &wrong])).contains("(404)"));
    assert_same(&store(&sandbox), &before, "the store");
}

#[test]
fn a_private_authority_is_trusted_where_the_user_says_so() {
    let sandbox = Sandbox::new();
    let Some(registry) = registry(&sandbox, Door { tls: true, password: false }) else { return };
    let image = Artifact::saying("over TLS").packed(Packing::Gzip);
    registry.put("app", Some("v1"), &image);
    let name = format!("{}/app:v1", registry.host());
    let before = store(&sandbox);
    let run = sandbox.coracle(&["pull", &name]);
    assert!(refusal(&run).contains("signed by an unknown authority"), "{run}");
    assert!(refusal(&run).contains("--tls-verify=false"), "{run}");
    assert!(store(&sandbox).len() >= before.len());

    assert_pulled(&sandbox.coracle(&["pull", "--cert-dir", text(&registry.authority()), &name]), &image);
    assert_pulled(&sandbox.coracle(&["pull", INSECURE, &name]), &image);
    let mut command = sandbox.command(&["pull", &name]);
    command.env("SSL_CERT_FILE", registry.authority().join("ca.crt"));
    assert_pulled(&Running::start(command).finish(), &image);
    let place = sandbox.home.join(".config/containers/certs.d").join(registry.host());
    std::fs::create_dir_all(&place).expect("make certs.d");
    std::fs::copy(registry.authority().join("ca.crt"), place.join("ca.crt")).expect("copy the certificate");
    assert_pulled(&sandbox.coracle(&["pull", &name]), &image);
    assert_eq!(sandbox.ok(&["run", "--rm", &name]), "over TLS");
    // The certificate is for the address alone.
    let localhost = name.replace("127.0.0.1", "localhost");
    let run = sandbox.coracle(&["pull", "--cert-dir", text(&registry.authority()), &localhost]);
    assert!(refusal(&run).contains("not trusted"), "{run}");
}

#[test]
fn a_password_opens_the_registry_and_is_never_shown() {
    let sandbox = Sandbox::new();
    let Some(registry) = registry(&sandbox, Door { tls: true, password: true }) else { return };
    let image = Artifact::saying("private");
    registry.put("app", Some("v1"), &image);
    let name = format!("{}/app:v1", registry.host());
    let certificates = registry.authority();
    let pull = |more: &[&str]| {
        sandbox.coracle(&[&["pull", "--cert-dir", text(&certificates)], more, &[name.as_str()]].concat())
    };
    let run = pull(&[]);
    assert!(refusal(&run).contains("(401)") && refusal(&run).contains("--creds"), "{run}");
    let run = pull(&["--creds", "me:wrong password"]);
    assert!(refusal(&run).contains("(401)") && !run.stderr.contains("wrong password"), "{run}");
    assert_pulled(&pull(&["--creds", &format!("{USER}:{PASSWORD}")]), &image);

    let auth = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, format!("{USER}:{PASSWORD}"));
    let file = sandbox.home.join("auth.json");
    std::fs::write(&file, format!(r#"{{"auths":{{"{}":{{"auth":"{auth}"}}}}}}"#, registry.host())).expect("write it");
    assert_pulled(&pull(&["--authfile", text(&file)]), &image);
    let mut command = sandbox.command(&["pull", "--cert-dir", text(&certificates), &name]);
    command.env("REGISTRY_AUTH_FILE", &file);
    assert_pulled(&Running::start(command).finish(), &image);
    std::fs::write(&file, format!(r#"{{"auths":{{"other.example":{{"auth":"{auth}"}}}}}}"#)).expect("write it");
    assert!(refusal(&pull(&["--authfile", text(&file)])).contains("(401)"));
}

#[test]
fn a_token_is_fetched_where_the_registry_says() {
    let (sandbox, fake) = (Sandbox::new(), FakeRegistry::start());
    let image = Artifact::saying("token");
    serve(&fake, "app", "v1", &image);
    fake.put("/token?scope=repository:app:pull&service=here", "application/json", br#"{"token":"ticket"}"#);
    let realm = format!(r#"Bearer realm="http://{}/token",service="here",scope="repository:app:pull""#, fake.host());
    fake.require("Bearer ticket", &realm);
    let name = format!("{}/app:v1", fake.host());
    assert_pulled(&sandbox.coracle(&["pull", INSECURE, &name]), &image);
    assert_eq!(fake.count("/token"), 1, "one token for all requests");
}

#[test]
fn what_is_here_is_not_fetched_again() {
    let (sandbox, fake) = (Sandbox::new(), FakeRegistry::start());
    let image = Artifact::saying("again").packed(Packing::Gzip);
    serve(&fake, "app", "v1", &image);
    serve(
        &fake,
        "app",
        "v2",
        &Artifact::new(&[image.layers[0].clone(), artifact::file("marker", "v2")]).packed(Packing::Gzip),
    );
    let name = format!("{}/app:v1", fake.host());
    sandbox.ok(&["pull", INSECURE, &name]);
    assert_eq!(fake.count("/blobs/"), 3);
    sandbox.ok(&["pull", INSECURE, &name]);
    sandbox.ok(&["tag", &name, "kept"]);
    sandbox.ok(&["rmi", &name]);
    sandbox.ok(&["pull", INSECURE, &name]);
    assert_eq!(fake.count("/blobs/"), 3, "nothing more was fetched");
    // Of another version only what is new: its own layer and its configuration.
    sandbox.ok(&["pull", INSECURE, &format!("{}/app:v2", fake.host())]);
    assert_eq!(fake.count("/blobs/"), 5);
}

#[test]
fn the_policy_of_run_decides_who_is_asked() {
    let (sandbox, fake) = (Sandbox::new(), FakeRegistry::start());
    serve(&fake, "app", "v1", &Artifact::saying("old"));
    let name = format!("{}/app:v1", fake.host());
    let run = |policy: &str| sandbox.coracle(&["run", "--rm", INSECURE, &format!("--pull={policy}"), &name]);
    assert!(refusal(&run("never")).contains("--pull=missing"));
    assert_eq!(fake.requests().len(), 0);
    assert_eq!(run("missing").stdout, "old");
    let asked = fake.requests().len();
    assert_eq!(run("missing").stdout, "old");
    assert_eq!(run("never").stdout, "old");
    assert_eq!(fake.requests().len(), asked);
    serve(&fake, "app", "v1", &Artifact::saying("new"));
    assert_eq!(run("missing").stdout, "old");
    assert_eq!(run("newer").stdout, "new");
    serve(&fake, "app", "v1", &Artifact::saying("newest"));
    assert_eq!(run("always").stdout, "newest");
    drop(fake);
    assert_eq!(run("newer").stdout, "newest", "what is here will do when the registry is gone");
    let refused = run("always");
    assert!(refusal(&refused).contains("connection refused"), "{refused}");
    let wrong = run("sometimes");
    assert!(refusal(&wrong).contains("use always, missing, never or newer"), "{wrong}");
}

#[test]
fn every_way_to_name_no_image_is_one_clear_line() {
    let (sandbox, fake) = (Sandbox::new(), FakeRegistry::start());
    serve(&fake, "app", "v1", &Artifact::saying("here"));
    sandbox.ok(&["pull", INSECURE, &format!("{}/app:v1", fake.host())]);
    let before = store(&sandbox);
    let at = |rest: &str| format!("{}/{rest}", fake.host());
    let (wrong_tag, wrong_name, bad_digest) = (at("app:v2"), at("nothing:v1"), at("app@sha256:123"));
    for (arguments, expected) in [
        (&["pull", INSECURE, &wrong_tag][..], "not found in the registry (404)"),
        (&["pull", INSECURE, &wrong_name], "not found in the registry (404)"),
        (&["pull", INSECURE, &bad_digest], "sha256:123"),
        (&["pull", "127.0.0.1:1/app"], "connection refused: nothing listens on port 1; start the server"),
        (&["pull", "127.0.0.1/app"], "connection refused: nothing listens on port 443; name its port"),
        (&["pull", "no-such-host.invalid/app"], "host not found; check how it is spelled"),
        (&["pull", "UPPER/case"], "UPPER/case"),
        (&["pull", ""], "pull: "),
        (&["pull", "a/../b"], "a/../b"),
        (&["pull", "https://example.com/app"], "https://example.com/app"),
        (&["pull", "localhost/made-here"], "not a registry"),
        (&["pull", "--policy=perhaps", "x"], "use always, missing, never or newer"),
        (&["pull", "--platform=a/b/c/d", "x"], "a/b/c/d"),
        (&["pull", "--arch=a/b", "x"], "--arch"),
        (&["pull", "--retry-delay=soon", "x"], "--retry-delay"),
        (&["pull", "--retry=0", "--retry-delay=1h", "127.0.0.1:1/app"], "connection refused"),
        (&["pull"], "see coracle pull --help"),
        (&["run", "--pull=never", "no-such-image"], "no image no-such-image"),
    ] {
        let run = sandbox.coracle(arguments);
        let line = refusal(&run);
        assert!(line.contains(expected), "{arguments:?}: {line}");
        assert_same(&store(&sandbox), &before, &format!("{arguments:?}"));
    }
}

/// The store on a tmpfs that is too small for the image, inside the engine's user namespace, where the registry can be
/// reached as from anywhere.
#[test]
fn a_full_disk_leaves_the_store_as_it_was() {
    let (sandbox, fake) = (Sandbox::new(), FakeRegistry::start());
    serve(&fake, "small", "1", &Artifact::new(&[artifact::file("a", "b")]));
    serve(&fake, "big", "1", &Artifact::new(&[artifact::busybox(), artifact::noise("big", 12 << 20)]));
    let data = sandbox.data.join("coracle");
    std::fs::create_dir_all(&data).expect("make the store's directory");
    let pull = format!("{} pull -q {INSECURE} {}", crate::support::binary().display(), fake.host());
    let script = format!(
        "cd {home}; mount -t tmpfs -o size=8m,mode=700 small {data}; {pull}/small:1 >/dev/null
         flock {data}/shifted/making.lock find {data} | sort >a
         code=0; {pull}/big:1 2>error || code=$?; find {data} | sort | diff a - || echo changed; echo $code; cat error
         mount -o remount,size=200m {data}; {pull}/big:1 >/dev/null && echo pulled",
        home = sandbox.home.display(),
        data = data.display(),
    );
    let run = sandbox.coracle(&["unshare", "sh", "-c", &script]);
    let lines: Vec<&str> = run.stdout.lines().collect();
    assert_eq!((run.code, lines.len(), lines[0], lines[2]), (0, 3, "125", "pulled"), "{run}");
    assert!(lines[1].starts_with("coracle: pull: ") && lines[1].contains("no space left on device"), "{run}");
}

#[test]
fn a_file_can_be_pulled_by_its_transport() {
    let sandbox = Sandbox::new();
    let image = Artifact::saying("by file");
    let archive = sandbox.home.join("archive.tar");
    std::fs::write(&archive, image.docker_archive("localhost/file:one")).expect("write the archive");
    assert_pulled(&sandbox.coracle(&["pull", &format!("docker-archive:{}", text(&archive))]), &image);
    let layout = sandbox.home.join("layout");
    artifact::write_directory(&image.layout("localhost/layout:one"), &layout);
    assert_pulled(&sandbox.coracle(&["pull", &format!("oci:{}", text(&layout))]), &image);
    assert_eq!(sandbox.ok(&["run", "--rm", "--pull=never", "layout:one"]), "by file");
    assert_eq!(sandbox.ok(&["run", "--rm", "--pull=never", "file:one"]), "by file");
}

#[test]
fn a_broken_transfer_is_taken_up_and_the_staging_is_empty_after() {
    let (sandbox, fake) = (Sandbox::new(), FakeRegistry::start());
    let image = Artifact::new(&[artifact::busybox(), artifact::file("marker", "whole")]);
    let blobs = serve(&fake, "app", "v1", &image);
    let answer = Answer { cut_after: Some(1 << 20), ..Answer::ok(blobs[0].bytes.clone()) };
    fake.fail(&blobs[0].digest(), 1, answer);
    assert_pulled(&sandbox.coracle(&["pull", INSECURE, &format!("{}/app:v1", fake.host())]), &image);
    assert_eq!(fake.count(&blobs[0].digest()), 2);
    let resumed = fake.requests().into_iter().rfind(|request| request.target.contains(&blobs[0].digest()));
    assert_eq!(resumed.and_then(|request| request.header("range").map(str::to_owned)), Some("bytes=1048576-".into()));
    assert_staging_empties(&sandbox);
}

/// Nobody waits for the files that `keep-id` needs but who runs an image so: they are made after a pull has ended, and what
/// removes the image meanwhile leaves none of them.
#[test]
fn the_files_for_keep_id_come_after_the_pull() {
    let sandbox = Sandbox::new();
    let Some(registry) = registry(&sandbox, Door::default()) else { return };
    let files = (0..600).map(|number| Entry::file(format!("many/{}/{number}", number % 50), "here"));
    let image = Artifact::new(&[artifact::busybox(), archive(&files.collect::<Vec<_>>())]);
    registry.put("team/many", Some("1"), &image);
    let name = format!("{}/team/many:1", registry.host());
    let shifted = sandbox.data.join("coracle/shifted");
    let trees = || {
        let stacks = std::fs::read_dir(&shifted).into_iter().flatten().flatten();
        let maps = stacks.flat_map(|stack| std::fs::read_dir(stack.path().join("maps")).into_iter().flatten());
        maps.count()
    };
    assert_pulled(&sandbox.coracle(&["pull", INSECURE, &name]), &image);
    let method = || std::fs::read_to_string(shifted.join("method.json")).unwrap_or_default();
    until("the kernel has been asked", || !method().is_empty());
    if method().contains("Redirect") {
        until("they are there without a run", || trees() == 1);
        // A pull ends though who makes them cannot go on.
        let stack = std::fs::read_dir(&shifted).expect("list the stacks").flatten().find(|it| it.path().is_dir());
        let stack = stack.expect("there is one").path();
        sandbox.ok(&["unshare", "sh", "-c", &format!("rm -r {}/maps/*", text(&stack))]);
        let held = std::fs::File::open(&stack).expect("open the stack");
        held.lock().expect("hold what its maker needs");
        assert_pulled(&sandbox.coracle(&["pull", INSECURE, &name]), &image);
        assert_eq!(trees(), 0);
        drop(held);
        until("they are there again", || trees() == 1);
    }
    sandbox.ok(&["rmi", &name]);
    for round in 0..4 {
        assert_pulled(&sandbox.coracle(&["pull", INSECURE, &name]), &image);
        if round % 2 == 0 {
            let count = ["--userns=keep-id", "--network=none", &name, "sh", "-c", "cat /many/*/* | wc -c"];
            assert_eq!(sandbox.ok(&[&["run", "--rm"][..], &count].concat()), "2400\n");
            assert_eq!(trees(), 1);
        }
        sandbox.ok(&["rmi", &name]);
    }
    until("nothing of them is left", || trees() == 0);
    assert_staging_empties(&sandbox);
    sandbox.assert_no_leaks();
}

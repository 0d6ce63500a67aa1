//! `push` to a real registry, over every kind of door, and to a scripted one where requests are counted.

use crate::support::artifact::{self, Artifact, Blob, Dialect, Packing};
use crate::support::fake_registry::{Answer, FakeRegistry};
use crate::support::registry::{Door, PASSWORD, Registry, USER};
use crate::support::witness::{assert_same, assert_staging_empties, refusal, staged, store};
use crate::support::{Run, Running, Sandbox, until};
use nix::sys::signal::Signal;
use serde_json::Value;
use std::collections::HashSet;
use std::path::Path;
use std::sync::{Arc, Mutex};

const INSECURE: &str = "--tls-verify=false";

fn registry(sandbox: &Sandbox, door: Door) -> Option<Registry> {
    Registry::start(&sandbox.home.join("registry"), door)
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a path made here is ASCII")
}

/// Loads an image as an OCI directory, in which its bytes stay as they are.
pub fn load(sandbox: &Sandbox, image: &Artifact, name: &str) {
    let directory = sandbox.home.join("layout").join(name.replace(['/', ':'], "-"));
    std::fs::create_dir_all(&directory).expect("make a directory");
    artifact::write_directory(&image.layout(name), &directory);
    sandbox.ok(&["load", "-q", "-i", text(&directory)]);
}

/// Pushes, and gives the digest that the registry has it by.
fn push(sandbox: &Sandbox, arguments: &[&str]) -> String {
    let file = sandbox.home.join("digest");
    let run = sandbox.coracle(&[&["push", INSECURE, "--digestfile", text(&file)], arguments].concat());
    assert_eq!((run.code, run.stdout.as_str(), run.stderr.as_str()), (0, "", ""), "{run}");
    std::fs::read_to_string(&file).expect("read the digest")
}

/// The manifest of an image as it lies in the registry's storage.
fn manifest(registry: &Registry, digest: &str) -> Value {
    serde_json::from_slice(&registry.stored(digest).expect("the registry has the manifest")).expect("it is JSON")
}

#[test]
fn the_bytes_that_came_in_go_out() {
    let sandbox = Sandbox::new();
    let Some(registry) = registry(&sandbox, Door::default()) else { return };
    for (dialect, packing) in
        [(Dialect::Oci, Packing::Gzip), (Dialect::Oci, Packing::Zstd), (Dialect::Docker, Packing::Gzip)]
    {
        let words = format!("{dialect:?}-{packing:?}").to_lowercase();
        let image = Artifact::saying(&words).packed(packing).in_dialect(dialect);
        let name = format!("{}/in/app:{words}", registry.host());
        registry.put("in/app", Some(&words), &image);
        sandbox.ok(&["pull", INSECURE, &name]);
        let before = store(&sandbox);
        let out = format!("{}/out/deep/app:{words}", registry.host());
        assert_eq!(push(&sandbox, &[&name, &format!("docker://{out}")]), image.manifest_blob().digest());
        assert_same(&store(&sandbox), &before, "the store");
        for blob in image.layer_blobs().iter().chain([&image.config_blob(), &image.manifest_blob()]) {
            assert_eq!(registry.stored(&blob.digest()), Some(blob.bytes.clone()), "{words}");
        }
        // Another machine gets the image with the same digests.
        let other = Sandbox::new();
        other.ok(&["pull", INSECURE, &out]);
        let digest = other.ok(&["image", "inspect", "-f", "{{.Digest}} {{.Id}}", &out]);
        let id = image.id().replace("sha256:", "");
        assert_eq!(digest.trim(), format!("{} {id}", image.manifest_blob().digest()));
        assert_eq!(other.ok(&["run", "--rm", &out]), words);
    }
    assert_staging_empties(&sandbox);
}

#[test]
fn layers_made_here_are_compressed_on_the_way() {
    let sandbox = Sandbox::new();
    let Some(registry) = registry(&sandbox, Door::default()) else { return };
    let base = Artifact::saying("base").packed(Packing::Gzip);
    load(&sandbox, &base, "localhost/base:1");
    sandbox.ok(&["run", "--name", "c", "--network", "none", "localhost/base:1", "sh", "-c", "echo made >/marker"]);
    sandbox.ok(&["commit", "-q", "c", "made"]);
    let before = store(&sandbox);
    let oci = "application/vnd.oci.image.layer.v1.tar";
    for (options, kept, made, accepts) in [
        (&[][..], "gzip", "gzip", "oci"),
        (&["--compression-format", "zstd"], "zstd", "zstd", "oci"),
        (&["--compression-format=zstd", "--force-compression=false"], "gzip", "zstd", "oci"),
        (&["--compression-format=gzip", "--compression-level=9"], "gzip", "gzip", "oci"),
        (&["--format", "v2s2"], "gzip", "gzip", "docker"),
    ] {
        let name = format!("{}/made:{made}", registry.host());
        let digest = push(&sandbox, &[options, &["made", &name]].concat());
        let manifest = manifest(&registry, &digest);
        let types: Vec<&str> =
            manifest["layers"].as_array().unwrap().iter().map(|layer| layer["mediaType"].as_str().unwrap()).collect();
        let expected = match accepts {
            "docker" => vec!["application/vnd.docker.image.rootfs.diff.tar.gzip".to_owned(); 3],
            _ => vec![format!("{oci}+{kept}"), format!("{oci}+{kept}"), format!("{oci}+{made}")],
        };
        assert_eq!(types, expected, "{options:?}");
        // What did not have to be compressed has stayed the same.
        let first = manifest["layers"][0]["digest"].as_str();
        assert_eq!(first == Some(&base.layer_blobs()[0].digest()), kept == "gzip", "{options:?}");
        let other = Sandbox::new();
        other.ok(&["pull", INSECURE, &name]);
        assert_eq!(other.ok(&["run", "--rm", "--network=none", &name, "cat", "/marker"]), "made\n", "{options:?}");
        // The same image, whatever its layers are packed in.
        let id = |sandbox: &Sandbox, name: &str| sandbox.ok(&["image", "inspect", "-f", "{{.Id}}", name]);
        assert_eq!(id(&other, &name), id(&sandbox, "made"));
    }
    assert_same(&store(&sandbox), &before, "the store");

    // The settings choose for what has to be compressed anyway, and for nothing else.
    let settings = sandbox.home.join("containers.conf");
    std::fs::write(&settings, "[engine]\ncompression_format = \"zstd\"\ncompression_level = 7\n").unwrap();
    let name = format!("{}/settled:1", registry.host());
    let mut command = sandbox.command(&["push", INSECURE, "made", &name]);
    command.env("CONTAINERS_CONF_OVERRIDE", &settings);
    let run = Running::start(command).finish();
    assert_eq!(run.code, 0, "{run}");
    let manifest = registry.tagged("settled", "1");
    let manifest: Value = serde_json::from_slice(&manifest).unwrap();
    assert_eq!(manifest["layers"][0]["mediaType"], format!("{oci}+gzip"));
    assert_eq!(manifest["layers"][2]["mediaType"], format!("{oci}+zstd"));
    assert_staging_empties(&sandbox);
}

#[test]
fn tls_and_a_password_are_as_for_pull() {
    let sandbox = Sandbox::new();
    let Some(registry) = registry(&sandbox, Door { tls: true, password: true }) else { return };
    let image = Artifact::saying("private").packed(Packing::Gzip);
    load(&sandbox, &image, "localhost/app:1");
    let name = format!("{}/app:1", registry.host());
    let certificates = registry.authority();
    let push = |more: &[&str]| sandbox.coracle(&[&["push", "localhost/app:1", &name], more].concat());
    let run = push(&[]);
    assert!(refusal(&run).contains("signed by an unknown authority"), "{run}");
    let trusting = ["--cert-dir", text(&certificates)];
    let run = push(&trusting);
    assert!(refusal(&run).contains(&format!("coracle login {}", registry.host())), "{run}");
    let run = push(&[&trusting[..], &["--creds", "me:wrong password"]].concat());
    assert!(refusal(&run).contains("(401)") && !run.stderr.contains("wrong password"), "{run}");
    assert_eq!(registry.stored(&image.manifest_blob().digest()), None);
    let run = push(&[&trusting[..], &["--creds", &format!("{USER}:{PASSWORD}")]].concat());
    assert_eq!(run.code, 0, "{run}");
    assert_eq!(registry.stored(&image.manifest_blob().digest()), Some(image.manifest_blob().bytes));

    // As login has kept it.
    let mut command = sandbox.command(&["login", "--cert-dir", text(&certificates), "-u", USER, "-p", PASSWORD]);
    command.arg(registry.host());
    let run = Running::start(command).finish();
    assert_eq!(run.code, 0, "{run}");
    assert_eq!(push(&trusting).code, 0);
}

#[test]
fn names_lead_where_they_say_and_nowhere_else() {
    let sandbox = Sandbox::new();
    let Some(registry) = registry(&sandbox, Door::default()) else { return };
    let image = Artifact::saying("named").packed(Packing::Gzip);
    let digest = image.manifest_blob().digest();
    let name = format!("{}/team/app:7", registry.host());
    load(&sandbox, &image, &name);
    let id = image.id().replace("sha256:", "");
    assert_eq!(push(&sandbox, &[&name]), digest);
    assert_eq!(registry.tagged("team/app", "7"), image.manifest_blob().bytes);
    assert_eq!(push(&sandbox, &[&id[..12], &format!("{}/by-id", registry.host())]), digest);
    assert_eq!(registry.tagged("by-id", "latest"), image.manifest_blob().bytes);
    let at = |digest: &str| format!("{}/by-digest@{digest}", registry.host());
    assert_eq!(push(&sandbox, &[&name, &at(&digest)]), digest);

    let other = format!("sha256:{}", "0".repeat(64));
    sandbox.ok(&["tag", &name, "short"]);
    for (arguments, words) in [
        (&["nosuch"][..], &["no image nosuch"][..]),
        (&["nosuch", &name], &["no image nosuch"]),
        (&["short"], &["localhost/short:latest names no registry", "coracle push short REGISTRY/short"]),
        (&[&name, "localhost/x"], &["names no registry"]),
        (&[&id], &["is an id", "REGISTRY/"]),
        (&[&name, &at(&other)], &["has the digest", &digest]),
        (&["--compression-format=zstd", &name, &at(&digest)], &["compressed first"]),
        (&[&name, &format!("{}/x:1@{digest}", registry.host())], &["a tag or a digest"]),
        (&[&name, "Bad/NAME"], &["lower case"]),
        (&["--format=v2s1", &name], &["v2s1", "use oci or v2s2"]),
        (&["--compression-format=xz", &name], &["xz", "use gzip, zstd or zstd:chunked"]),
        (&["--compression-level=10", &name], &["levels 1 to 9"]),
        (&["--format=v2s2", "--compression-format=zstd", &name], &["no layers of zstd"]),
        (&["--sign-by-sq-fingerprint=ab", &name], &["--sign-by-sq-fingerprint is not supported yet"]),
        (&["--platform=linux/s390x", INSECURE, &name], &["linux/s390x"]),
        (&[&name, "127.0.0.1:1/x"], &["127.0.0.1:1", "connection refused"]),
    ] {
        sandbox.fails(125, words, &[&["push"], arguments].concat());
    }
}

#[test]
fn docker_pushes_all_tags_and_says_what_docker_says() {
    let sandbox = Sandbox::new();
    let Some(registry) = registry(&sandbox, Door::default()) else { return };
    let repository = format!("{}/team/app", registry.host());
    let image = Artifact::saying("one").packed(Packing::Gzip);
    load(&sandbox, &image, &format!("{repository}:1"));
    load(&sandbox, &Artifact::saying("two").packed(Packing::Gzip), &format!("{repository}:2"));
    load(&sandbox, &image, &format!("{}/team/other:3", registry.host()));
    let said = sandbox.docker(&["push", INSECURE, &format!("{repository}:1")]);
    let size = image.manifest_blob().bytes.len();
    let last = format!("1: digest: {} size: {size}", image.manifest_blob().digest());
    assert_eq!(said, format!("The push refers to repository [{repository}]\n{last}\n"));
    assert_eq!(sandbox.docker(&["push", "-q", INSECURE, &format!("{repository}:1")]), format!("{repository}:1\n"));
    sandbox.docker(&["push", "-a", INSECURE, &repository]);
    assert_eq!(registry.tags("team/app"), ["1", "2"]);
    assert_eq!(registry.tags("team/other"), Vec::<String>::new());
    sandbox.fails(125, &["without a tag"], &["push", "-a", INSECURE, &format!("{repository}:1")]);
    sandbox.fails(125, &["no image of repository"], &["push", "-a", INSECURE, "nosuch"]);
}

/// Makes the scripted registry take blobs and manifests; gives the digests of the blobs that it has.
pub fn accept(fake: &FakeRegistry) -> Arc<Mutex<HashSet<String>>> {
    let has: Arc<Mutex<HashSet<String>>> = Arc::default();
    let stored = Arc::clone(&has);
    fake.rule(move |request| {
        let mut stored = stored.lock().unwrap();
        match request.method.as_str() {
            "HEAD" => {
                let is_here = stored.contains(request.target.rsplit('/').next()?);
                Some(Answer::status(if is_here { 200 } else { 404 }))
            }
            "POST" => Some(Answer::status(202).with("location", "/v2/app/blobs/uploads/one")),
            "PUT" => {
                if let Some((_, digest)) = request.target.split_once("digest=") {
                    stored.insert(digest.to_owned());
                }
                Some(Answer::status(201))
            }
            _ => None,
        }
    });
    has
}

fn methods(fake: &FakeRegistry) -> Vec<String> {
    fake.requests().into_iter().map(|request| request.method).filter(|method| method != "GET").collect()
}

fn assert_ok(run: &Run) {
    assert_eq!(run.code, 0, "{run}");
}

#[test]
fn what_the_registry_has_is_not_sent_again() {
    let (sandbox, fake) = (Sandbox::new(), FakeRegistry::start());
    let has = accept(&fake);
    let image = Artifact::saying("once").packed(Packing::Gzip);
    load(&sandbox, &image, "localhost/app:1");
    let name = format!("{}/app:1", fake.host());
    let push = || assert_ok(&sandbox.coracle(&["push", INSECURE, "localhost/app:1", &name]));
    push();
    let blobs: Vec<Blob> = image.layer_blobs().into_iter().chain([image.config_blob()]).collect();
    assert!(blobs.iter().all(|blob| has.lock().unwrap().contains(&blob.digest())));
    let requests = fake.requests();
    let is_manifest = |target: &str| target.contains("/manifests/");
    assert_eq!(requests.iter().filter(|request| request.method == "PUT").count(), blobs.len() + 1);
    // The manifest comes when all that it names is there, the configuration after the layers.
    let puts: Vec<&str> =
        requests.iter().filter(|one| one.method == "PUT").map(|request| request.target.as_str()).collect();
    assert!(is_manifest(puts[puts.len() - 1]), "{puts:?}");
    assert!(puts[puts.len() - 2].ends_with(&image.config_blob().digest()), "{puts:?}");

    let before = methods(&fake).len();
    push();
    let mut again = methods(&fake).split_off(before);
    again.sort();
    assert_eq!(again, ["HEAD", "HEAD", "HEAD", "PUT"], "one question for each blob, and the manifest");
}

#[test]
fn a_blob_of_another_repository_of_the_registry_is_mounted() {
    let sandbox = Sandbox::new();
    let Some(registry) = registry(&sandbox, Door::default()) else { return };
    let base = Artifact::saying("base").packed(Packing::Gzip);
    registry.put("team/base", Some("1"), &base);
    let image = format!("{}/team/base:1", registry.host());
    sandbox.ok(&["pull", INSECURE, &image]);
    assert_eq!(push(&sandbox, &[&image, &format!("{}/mine:1", registry.host())]), base.manifest_blob().digest());
    let other = Sandbox::new();
    other.ok(&["pull", INSECURE, &format!("{}/mine:1", registry.host())]);

    // Of another registry nothing is asked, and no bytes are sent where it works.
    let fake = FakeRegistry::start();
    let has = accept(&fake);
    fake.rule(move |request| {
        let (digest, _) = request.target.split_once("mount=")?.1.split_once('&')?;
        has.lock().unwrap().insert(digest.to_owned());
        Some(Answer::status(201))
    });
    let near = format!("{}/near:1", fake.host());
    load(&sandbox, &base, &near);
    assert_ok(&sandbox.coracle(&["push", INSECURE, &near, &format!("{}/app:1", fake.host())]));
    let mounts = fake.requests().into_iter().filter(|request| request.target.contains("mount=")).collect::<Vec<_>>();
    assert_eq!(mounts.len(), 2);
    assert!(mounts.iter().all(|request| request.target.ends_with("&from=near")), "{mounts:?}");
    assert!(!fake.has_seen("team/base"));
    assert_eq!(fake.requests().iter().filter(|request| request.target.contains("digest=")).count(), 1);
}

#[test]
fn all_images_of_an_index_are_pushed_where_that_is_asked_for() {
    let sandbox = Sandbox::new();
    let Some(registry) = registry(&sandbox, Door::default()) else { return };
    let here = Artifact::saying("here").packed(Packing::Gzip);
    let there = Artifact::saying("there").for_architecture("s390x").packed(Packing::Gzip);
    let index = artifact::index(&[&there, &here]);
    // As another tool would put it into the layout.
    load(&sandbox, &here, "localhost/here:1");
    load(&sandbox, &there, "localhost/there:1");
    let images = sandbox.data.join("coracle/images");
    std::fs::write(images.join("blobs/sha256").join(index.hex()), &index.bytes).expect("write the index");
    let list = images.join("index.json");
    let mut entries: Value = serde_json::from_slice(&std::fs::read(&list).expect("read the list")).expect("JSON");
    let mut entry = index.descriptor();
    entry["annotations"]["org.opencontainers.image.ref.name"] = "localhost/many:1".into();
    entries["manifests"].as_array_mut().expect("a list").push(entry);
    std::fs::write(&list, entries.to_string()).expect("write the list");

    let to = |repository: &str| format!("{}/{repository}:1", registry.host());
    assert_eq!(push(&sandbox, &["localhost/many:1", &to("one")]), here.manifest_blob().digest());
    let platform = ["--platform", "linux/s390x", "localhost/many:1", &to("other")];
    assert_eq!(push(&sandbox, &platform), there.manifest_blob().digest());
    assert_eq!(push(&sandbox, &["--all", "localhost/many:1", &to("many")]), index.digest());
    assert_eq!(registry.tagged("many", "1"), index.bytes);
    let other = Sandbox::new();
    other.ok(&["pull", INSECURE, "--platform", "linux/s390x", &to("many")]);

    // Compressed anew, the index names what its images have become.
    let digest = push(&sandbox, &["--all", "--compression-format=zstd", "localhost/many:1", &to("zstd")]);
    let entries = manifest(&registry, &digest)["manifests"].as_array().expect("a list").clone();
    assert_eq!(entries.len(), 2);
    for entry in entries {
        let image = manifest(&registry, entry["digest"].as_str().unwrap());
        assert!(image["layers"][0]["mediaType"].as_str().unwrap().ends_with("+zstd"));
        assert!(entry["platform"]["architecture"].is_string());
    }
}

#[test]
fn a_push_that_is_killed_leaves_the_store_as_it_was() {
    let (sandbox, fake) = (Sandbox::new(), FakeRegistry::start());
    accept(&fake);
    let plain = Artifact::new(&[artifact::noise("noise", 20 << 20), artifact::file("marker", "x")]);
    load(&sandbox, &plain, "localhost/app:1");
    let before = store(&sandbox);
    let name = format!("{}/app:1", fake.host());
    let arguments = ["push", INSECURE, "localhost/app:1", &name];
    // While layers are compressed, and when the registry has been asked for the first.
    let moments: [&dyn Fn() -> bool; 3] =
        [&|| true, &|| fake.requests().iter().any(|request| request.method == "HEAD"), &|| {
            fake.requests().iter().any(|request| request.method == "POST")
        }];
    for moment in moments {
        let push = sandbox.spawn(&arguments);
        until("the push has come so far", moment);
        push.signal(Signal::SIGKILL);
        let run = push.finish();
        assert!(run.code == 137 || run.code == 0, "{run}");
        assert_same(&store(&sandbox), &before, "the store");
        assert!(staged(&sandbox).is_empty(), "{:?}", staged(&sandbox));
    }
    assert_ok(&sandbox.coracle(&arguments));
    assert_same(&store(&sandbox), &before, "the store");
}

#[test]
fn a_damaged_blob_is_not_pushed() {
    let sandbox = Sandbox::new();
    let Some(registry) = registry(&sandbox, Door::default()) else { return };
    let image = Artifact::saying("rotten").packed(Packing::Gzip);
    load(&sandbox, &image, "localhost/app:1");
    let name = format!("{}/app:1", registry.host());
    let blob = sandbox.data.join("coracle/images/blobs/sha256").join(image.layer_blobs()[1].hex());
    let mut bytes = std::fs::read(&blob).expect("read the blob");
    let last = bytes.len() - 1;
    for change in [0, 1] {
        if change == 0 {
            bytes[last] ^= 1;
        } else {
            bytes.truncate(last);
        }
        std::fs::write(&blob, &bytes).expect("damage the blob");
        for options in [&[][..], &["--compression-format=zstd"]] {
            let run = sandbox.coracle(&[&["push", INSECURE], options, &["localhost/app:1", &name]].concat());
            refusal(&run);
        }
        let run = sandbox.coracle(&["push", INSECURE, "localhost/app:1", &name]);
        assert!(refusal(&run).contains("damaged on disk"), "{run}");
    }
    assert_eq!(registry.tags("app"), Vec::<String>::new());
}

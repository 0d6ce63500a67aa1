//! `image copy --all` and the two sides of a copy: indexes with all that is in them, and registries that know different
//! users.

use crate::support::Sandbox;
use crate::support::artifact::{Artifact, Blob, index};
use crate::support::registry::{Door, PASSWORD, Registry, USER};
use crate::support::witness::{assert_staging_empties, refusal};
use serde_json::json;

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";

/// An index of two images and of something that is none, as attestations are.
fn publish(registry: &Registry, repository: &str) -> (Artifact, Artifact, Blob) {
    let host = Artifact::saying("all");
    let other = Artifact::saying("other").for_architecture("s390x");
    let statement = Blob::new("application/vnd.in-toto+json", "{\"it\":\"is made\"}");
    let config = Blob::new("application/vnd.oci.empty.v1+json", "{}");
    let manifest = json!({
        "schemaVersion": 2, "mediaType": MANIFEST,
        "config": config.descriptor(), "layers": [statement.descriptor()],
    });
    let attestation = Blob::new(MANIFEST, manifest.to_string());
    let mut list: serde_json::Value =
        serde_json::from_slice(&index(&[&host, &other]).bytes).expect("an index is JSON");
    let entries = list["manifests"].as_array_mut().expect("an index has entries");
    entries.push(attestation.descriptor());
    entries.last_mut().expect("it has")["platform"] = json!({"os": "unknown", "architecture": "unknown"});
    let list = Blob::new("application/vnd.oci.image.index.v1+json", list.to_string());
    registry.put(repository, None, &host);
    registry.put(repository, None, &other);
    registry.put_blob(repository, &statement);
    registry.put_blob(repository, &config);
    registry.put_manifest(repository, None, &attestation);
    registry.put_manifest(repository, Some("1"), &list);
    (host, other, list)
}

#[test]
fn an_index_goes_from_place_to_place_with_all_its_images() {
    let sandbox = Sandbox::new();
    let start = |name: &str| Registry::start(&sandbox.home.join(name), Door::default());
    let (Some(registry), Some(target)) = (start("registry"), start("target")) else { return };
    let (host, other, list) = publish(&registry, "team/app");
    let (from, to) =
        (format!("docker://{}/team/app:1", registry.host()), format!("docker://{}/its/copy:2", target.host()));
    let places = [&from, "oci:layout:one", "dir:directory", "containers-storage:here", "oci-archive:all.tar:x", &to];
    for pair in places.windows(2) {
        let copy = ["image", "copy", "--all", "--preserve-digests", "--tls-verify=false", "--digestfile", "digest"];
        sandbox.ok(&[&copy[..], pair].concat());
        let digest = std::fs::read_to_string(sandbox.home.join("digest")).expect("read the digest");
        assert_eq!(digest, list.digest(), "{pair:?}");
    }
    assert_eq!(target.tagged("its/copy", "2"), list.bytes);
    for image in [&host, &other] {
        for blob in image.layer_blobs().into_iter().chain([image.config_blob(), image.manifest_blob()]) {
            assert_eq!(target.stored(&blob.digest()), Some(blob.bytes.clone()), "{}", blob.media_type);
        }
    }
    let manifest = std::fs::read(sandbox.home.join("directory/manifest.json")).expect("read the manifest");
    assert_eq!(manifest, list.bytes);
    let own = format!("directory/{}.manifest.json", other.manifest_blob().hex());
    assert_eq!(std::fs::read(sandbox.home.join(own)).expect("read the manifest"), other.manifest_blob().bytes);
    // The store has it as a list, whole, and the copy in the other registry is as good as the first.
    assert_eq!(sandbox.ok(&["system", "check"]), "The store is whole\n");
    assert_eq!(sandbox.ok(&["manifest", "inspect", "here"]).matches("\"platform\"").count(), 3);
    let name = to.strip_prefix("docker://").expect("a registry");
    assert_eq!(sandbox.ok(&["run", "--rm", "--network", "none", "--tls-verify=false", name]), "all");

    // The image of one platform, and an image that is alone.
    sandbox.ok(&["image", "copy", "--arch", "s390x", "--tls-verify=false", &from, "dir:one"]);
    assert_eq!(
        std::fs::read(sandbox.home.join("one/manifest.json")).expect("read the manifest"),
        other.manifest_blob().bytes
    );
    sandbox.ok(&["image", "copy", "--all", "dir:one", "oci:alone"]);
    sandbox.ok(&["image", "copy", "--multi-arch", "index-only", "--tls-verify=false", &from, "dir:bare"]);
    assert_eq!(crate::support::names_in(&sandbox.home.join("bare")).len(), 2, "the version and the index");
    sandbox.fails(125, &["docker's archives"], &["image", "copy", "--all", "oci:layout:one", "docker-archive:x.tar"]);
    let options = ["image", "copy", "--preserve-digests", "dir:one", "docker-archive:x.tar"];
    sandbox.fails(125, &["docker's archives", "preserved"], &options);
    assert_staging_empties(&sandbox);
}

#[test]
fn a_damaged_member_is_refused_and_leaves_nothing() {
    let sandbox = Sandbox::new();
    let Some(registry) = Registry::start(&sandbox.home.join("registry"), Door::default()) else { return };
    let (_, other, _) = publish(&registry, "team/app");
    let from = format!("docker://{}/team/app:1", registry.host());
    sandbox.ok(&["image", "copy", "--all", "--tls-verify=false", &from, "dir:directory"]);
    // The control: what comes next is refused only for what is done now.
    sandbox.ok(&["image", "copy", "--all", "dir:directory", "oci:control:x"]);
    let blob = other.layer_blobs().remove(0);
    let mut bytes = blob.bytes.clone();
    bytes[0] ^= 1;
    std::fs::write(sandbox.home.join("directory").join(blob.hex()), bytes).expect("damage it");
    for target in ["oci:layout:x", "containers-storage:here", "oci-archive:x.tar"] {
        let run = sandbox.coracle(&["image", "copy", "--all", "dir:directory", target]);
        assert!(refusal(&run).contains("its bytes are those of"), "{target}: {run}");
    }
    assert_eq!(sandbox.ok(&["images", "-q"]), "");
    assert!(!sandbox.home.join("layout/index.json").exists() && !sandbox.home.join("x.tar").exists());
    let name = format!("directory/{}.manifest.json", other.manifest_blob().hex());
    std::fs::write(sandbox.home.join(name), "{}").expect("damage it");
    let run = sandbox.coracle(&["image", "copy", "--all", "dir:directory", "oci:layout:x"]);
    assert!(refusal(&run).contains("it has other bytes"), "{run}");
}

#[test]
fn each_side_has_its_own_credentials() {
    let sandbox = Sandbox::new();
    let locked = Door { tls: false, password: true };
    let start = |name: &str, door| Registry::start(&sandbox.home.join(name), door);
    let (Some(source), Some(target)) = (start("source", locked), start("target", locked)) else { return };
    source.put("a", Some("1"), &Artifact::saying("sides"));
    let (from, to) = (format!("docker://{}/a:1", source.host()), format!("docker://{}/b:1", target.host()));
    let creds = format!("{USER}:{PASSWORD}");
    let copy = |options: &[&str]| {
        let tls = ["image", "copy", "--src-tls-verify=false", "--dest-tls-verify=false"];
        sandbox.coracle(&[&tls[..], options, &[&from, &to]].concat())
    };
    let wrong = copy(&["--creds", &creds]);
    assert!(refusal(&wrong).contains("--src-creds and --dest-creds"), "{wrong}");
    for options in
        [&["--src-creds", &creds][..], &["--dest-creds", &creds], &["--src-creds", "me:x", "--dest-creds", &creds]]
    {
        let run = copy(options);
        assert!(refusal(&run).contains("401"), "{options:?}: {run}");
        assert!(!run.stderr.contains(PASSWORD));
    }
    assert!(target.tags("b").is_empty());
    assert_eq!(copy(&["--src-creds", &creds, "--dest-creds", &creds]).code, 0);
    assert_eq!(target.tags("b"), ["1"]);
    sandbox.ok(&[
        "login",
        "--tls-verify=false",
        "--authfile",
        "source.json",
        "-u",
        USER,
        "-p",
        PASSWORD,
        &source.host(),
    ]);
    sandbox.ok(&[
        "login",
        "--tls-verify=false",
        "--authfile",
        "target.json",
        "-u",
        USER,
        "-p",
        PASSWORD,
        &target.host(),
    ]);
    assert_ne!(copy(&["--src-authfile", "target.json", "--dest-authfile", "source.json"]).code, 0);
    assert_eq!(copy(&["--src-authfile", "source.json", "--dest-authfile", "target.json"]).code, 0);
}

#[test]
fn the_policy_is_asked_about_an_index_and_its_images() {
    let sandbox = Sandbox::new();
    let Some(registry) = Registry::start(&sandbox.home.join("registry"), Door::default()) else { return };
    publish(&registry, "team/app");
    let from = format!("docker://{}/team/app:1", registry.host());
    let key = crate::support::source().join("tests/it/golden/signed/key.pub");
    let policy = |requirement: serde_json::Value| {
        let text = json!({"default": [requirement]}).to_string();
        std::fs::write(sandbox.home.join("policy.json"), text).expect("write the policy");
    };
    let copy = |which: &str| {
        let options =
            ["image", "copy", "--multi-arch", which, "--tls-verify=false", "--signature-policy", "policy.json"];
        sandbox.coracle(&[&options[..], &[&from, "dir:x"]].concat())
    };
    for which in ["all", "index-only"] {
        policy(json!({"type": "reject"}));
        assert!(refusal(&copy(which)).contains("policy.json"));
        policy(json!({"type": "signedBy", "keyType": "GPGKeys", "keyPath": key}));
        assert!(refusal(&copy(which)).contains("sign"));
        assert!(!sandbox.home.join("x").exists());
        policy(json!({"type": "insecureAcceptAnything"}));
        assert_eq!(copy(which).code, 0);
        std::fs::remove_dir_all(sandbox.home.join("x")).expect("remove it");
    }
}

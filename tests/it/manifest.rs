//! `manifest`: lists of images are made, changed, sent and run, and keep what they consist of.

use crate::support::Sandbox;
use crate::support::artifact::{Artifact, Packing, index, write_directory};
use crate::support::registry::{Door, Registry};
use crate::support::witness::{assert_staging_empties, refusal};
use serde_json::Value;

const INSECURE: &str = "--tls-verify=false";

fn load(sandbox: &Sandbox, image: &Artifact, name: &str) {
    let directory = format!("layout-{}", image.manifest_blob().hex());
    write_directory(&image.layout(name), &sandbox.home.join(&directory));
    sandbox.ok(&["load", "-q", "-i", &directory]);
}

fn list(sandbox: &Sandbox, name: &str) -> Value {
    serde_json::from_str(&sandbox.ok(&["manifest", "inspect", name])).expect("it is JSON")
}

fn here_and_there() -> (Artifact, Artifact) {
    let there = Artifact::saying("there").for_architecture("s390x");
    (Artifact::saying("here").packed(Packing::Gzip), there.packed(Packing::Zstd))
}

#[test]
fn a_list_is_made_sent_and_run() {
    let sandbox = Sandbox::new();
    let Some(registry) = Registry::start(&sandbox.home.join("registry"), Door::default()) else { return };
    let (here, there) = here_and_there();
    load(&sandbox, &here, "localhost/here:1");
    registry.put("far/app", Some("1"), &there);
    let remote = format!("docker://{}/far/app:1", registry.host());
    sandbox.ok(&["manifest", "create", "--annotation=a=b", "many", "here:1"]);
    let id = sandbox.ok(&["manifest", "add", INSECURE, "--annotation=x=y", "--os-version=5", "many", &remote]);
    let document = list(&sandbox, "many");
    assert_eq!(document["annotations"]["a"], "b");
    let [first, second] = &document["manifests"].as_array().expect("a list")[..] else { panic!("{document}") };
    assert_eq!(first["digest"], here.manifest_blob().digest());
    assert_eq!(second["digest"], there.manifest_blob().digest());
    assert_eq!(second["platform"]["architecture"], "s390x");
    assert_eq!(second["platform"]["os.version"], "5");
    assert_eq!(second["annotations"]["x"], "y");
    let listed = sandbox.ok(&["images", "--no-trunc", "--noheading", "--format", "{{.Repository}} {{.ID}}"]);
    assert!(listed.contains(&format!("localhost/many sha256:{}", id.trim())), "{listed}");
    assert_eq!(sandbox.ok(&["inspect", "--format", "{{.Id}}", "many"]).trim(), &here.id()[7..]);
    assert_eq!(sandbox.ok(&["run", "--rm", "--network=none", "many"]), "here");

    // All of it goes to the registry, as it is.
    let target = format!("docker://{}/out/many:1", registry.host());
    sandbox.ok(&["manifest", "push", INSECURE, "--digestfile", "digest", "many", &target]);
    let digest = std::fs::read_to_string(sandbox.home.join("digest")).expect("read the digest");
    assert_eq!(digest, format!("sha256:{}", id.trim()));
    assert_eq!(serde_json::from_slice::<Value>(&registry.tagged("out/many", "1")).expect("JSON"), document);
    let other = Sandbox::new();
    other.ok(&["pull", INSECURE, "--platform=linux/s390x", &target]);
    // In the other format, and gone from here afterwards.
    let docker = format!("docker://{}/out/docker:1", registry.host());
    let options = [INSECURE, "--format=v2s2", "--compression-format=gzip", "--rm"];
    sandbox.ok(&[&["manifest", "push"], &options[..], &["many", &docker]].concat());
    let sent: Value = serde_json::from_slice(&registry.tagged("out/docker", "1")).expect("JSON");
    assert_eq!(sent["mediaType"], "application/vnd.docker.distribution.manifest.list.v2+json");
    assert_eq!(sent["manifests"][1]["platform"]["os.version"], "5");
    assert_eq!(sandbox.coracle(&["manifest", "exists", "many"]).code, 1);
    assert_staging_empties(&sandbox);
}

#[test]
fn a_list_keeps_its_images_and_a_container_its_own() {
    let sandbox = Sandbox::new();
    let Some(registry) = Registry::start(&sandbox.home.join("registry"), Door::default()) else { return };
    let (here, there) = here_and_there();
    load(&sandbox, &here, "localhost/here:1");
    registry.put("many", None, &here);
    registry.put("many", None, &there);
    registry.put_manifest("many", Some("1"), &index(&[&there, &here]));
    let remote = format!("docker://{}/many:1", registry.host());
    sandbox.ok(&["manifest", "create", INSECURE, "--all", "many", &remote]);
    assert_eq!(list(&sandbox, "many")["manifests"].as_array().expect("a list").len(), 2);
    sandbox.ok(&["manifest", "create", INSECURE, "one", &remote]);
    assert_eq!(list(&sandbox, "one")["manifests"][0]["digest"], here.manifest_blob().digest());
    let blobs = sandbox.data.join("coracle/images/blobs/sha256");
    let kept = |image: &Artifact| image.layer_blobs().iter().all(|blob| blobs.join(blob.hex()).exists());
    sandbox.ok(&["rmi", "here:1"]);
    sandbox.ok(&["image", "prune", "--force"]);
    sandbox.ok(&["system", "check"]);
    assert!(kept(&here) && kept(&there));
    // A container of the list's image has it when the list is gone.
    sandbox.ok(&["create", "--name=c", "--network=none", "many"]);
    sandbox.ok(&["manifest", "rm", "one", "many"]);
    assert!(kept(&here) && !kept(&there));
    assert_eq!(sandbox.ok(&["start", "--attach", "c"]), "here");
    sandbox.ok(&["rm", "c"]);
    sandbox.ok(&["image", "prune", "--force"]);
    assert!(!kept(&here));
}

#[test]
fn lists_are_changed_one_by_one() {
    let sandbox = Sandbox::new();
    let (here, there) = here_and_there();
    load(&sandbox, &here, "localhost/here:1");
    load(&sandbox, &there, "localhost/there:1");
    sandbox.ok(&["manifest", "create", "a"]);
    sandbox.ok(&["manifest", "create", "b"]);
    sandbox.ok(&["manifest", "add", "--arch=arm64", "--variant=v8", "--features=f,g", "a", "here:1", "there:1"]);
    assert_eq!(list(&sandbox, "b")["manifests"], serde_json::json!([]));
    sandbox.ok(&["manifest", "annotate", "--annotation=k=v", "--arch=riscv64", "a", &here.manifest_blob().digest()]);
    let entry = list(&sandbox, "a")["manifests"][0].clone();
    let platform =
        serde_json::json!({"architecture": "riscv64", "os": "linux", "variant": "v8", "features": ["f", "g"]});
    assert_eq!((&entry["platform"], &entry["annotations"]["k"]), (&platform, &"v".into()));
    sandbox.ok(&["manifest", "annotate", "--os=plan9", "a", "there:1"]);
    assert_eq!(list(&sandbox, "a")["manifests"][1]["platform"]["os"], "plan9");
    sandbox.ok(&["manifest", "remove", "a", &here.manifest_blob().digest()]);
    assert_eq!(list(&sandbox, "a")["manifests"].as_array().expect("a list").len(), 1);
    sandbox.ok(&["manifest", "create", "--amend", "a", "here:1"]);
    assert_eq!(list(&sandbox, "a")["manifests"].as_array().expect("a list").len(), 2);
    // Nothing of the lists that were is left.
    let unused = sandbox.ok(&["system", "check"]);
    assert!(!unused.contains("belongs to no image"), "{unused}");
    let zero = format!("sha256:{}", "0".repeat(64));
    for (arguments, words) in [
        (&["create", "a"][..], "is there already"),
        (&["create", "here:1"], "is there already"),
        (&["create", "--annotation=x", "c"], "not KEY=VALUE"),
        (&["create", "c", "nosuch:1"], "nosuch"),
        (&["add", "nosuch", "here:1"], "no image nosuch"),
        (&["add", "here:1", "here:1"], "an image, not a list"),
        (&["add", "a", "localhost/nosuch:1"], "no image localhost/nosuch:1"),
        (&["add", "a", "oci:layout"], "images here or in a registry"),
        (&["annotate", "a", &zero], "not in the list"),
        (&["remove", "a", &zero], "not in the list"),
        (&["rm", "here:1"], "an image, not a list"),
        (&["rm", "nosuch"], "no image nosuch"),
        (&["inspect", "localhost/nosuch"], "no list localhost/nosuch"),
        (&["push", "a"], "names no registry"),
        (&["push", "a", "oci:layout"], "goes to a registry"),
        (&["push", "--all=false", "a", "127.0.0.1:1/x"], "not sent without"),
    ] {
        let run = sandbox.coracle(&[&["manifest"], arguments].concat());
        assert!(refusal(&run).contains(words), "{arguments:?}: {run}");
    }
    assert_eq!(sandbox.coracle(&["manifest", "exists", "a"]).code, 0);
    assert_eq!(sandbox.coracle(&["manifest", "exists", "c"]).code, 1);
    sandbox.ok(&["manifest", "rm", "--ignore", "nosuch", "a"]);
    sandbox.ok(&["rmi", "b"]);
    assert_eq!(sandbox.ok(&["images", "--format", "{{.Repository}}"]).lines().count(), 2);
}

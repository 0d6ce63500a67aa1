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
        (&["add", "a", "oci:layout"], "add oci:layout"),
        (&["annotate", "a", &zero], "not in the list"),
        (&["remove", "a", &zero], "not in the list"),
        (&["rm", "here:1"], "an image, not a list"),
        (&["rm", "nosuch"], "no image nosuch"),
        (&["inspect", "localhost/nosuch"], "no list localhost/nosuch"),
        (&["push", "a"], "names no registry"),
        (&["push", "a", "docker-archive:x.tar"], "no lists of images"),
        (&["push", "a", "containers-storage:x"], "not pushed to where it is"),
        (&["push", "--compression-format=zstd", "a", "oci:layout"], "--compression-format is for registries"),
        (&["annotate", "--index", "--os=plan9", "a"], "a platform is an image's"),
        (&["annotate", "--subject=localhost/nosuch", "a"], "no image localhost/nosuch"),
        (&["add", "--artifact", "a", "nosuch.txt"], "add nosuch.txt"),
        (&["add", "--artifact", "a", "layout-"], "add layout-"),
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

#[test]
fn a_list_goes_into_files_with_its_images_or_alone() {
    let sandbox = Sandbox::new();
    let Some(registry) = Registry::start(&sandbox.home.join("registry"), Door::default()) else { return };
    let (here, there) = here_and_there();
    load(&sandbox, &here, "localhost/here:1");
    load(&sandbox, &there, "localhost/there:1");
    sandbox.ok(&["manifest", "create", "many", "here:1", "there:1"]);
    let document = list(&sandbox, "many");
    for target in ["dir:directory", "oci:layout:x", "oci-archive:many.tar:x"] {
        sandbox.ok(&["manifest", "push", "--digestfile=digest", "many", target]);
        let digest = std::fs::read_to_string(sandbox.home.join("digest")).expect("read the digest");
        // What is there is the list with all that it has: it can be sent on from there.
        let name = target.replace([':', '.'], "-");
        let copy = ["image", "copy", "--all", INSECURE, target, &format!("docker://{}/{name}", registry.host())];
        sandbox.ok(&copy);
        let sent = registry.tagged(&name, "latest");
        assert_eq!((serde_json::from_slice(&sent).ok(), digest), (Some(document.clone()), own_digest(&sent)));
        for blob in there.layer_blobs() {
            assert_eq!(registry.stored(&blob.digest()), Some(blob.bytes), "{target}");
        }
    }
    let alone = |target: &str| sandbox.coracle(&["manifest", "push", INSECURE, "--all=false", "many", target]);
    let run = alone("dir:alone");
    assert_eq!(run.code, 0, "{run}");
    let mut names = crate::support::names_in(&sandbox.home.join("alone"));
    names.sort();
    assert_eq!(names, ["manifest.json", "version"]);
    // A registry takes it where its images are.
    let refused = alone(&format!("{}/elsewhere:1", registry.host()));
    assert!(refusal(&refused).contains("elsewhere"), "{refused}");
    let run = alone(&format!("{}/dir-directory:2", registry.host()));
    assert_eq!(run.code, 0, "{run}");
    let sent: Value = serde_json::from_slice(&registry.tagged("dir-directory", "2")).expect("JSON");
    assert_eq!(sent, document);
    sandbox.ok(&["manifest", "push", "--rm", "many", "oci:last"]);
    assert_eq!(sandbox.coracle(&["manifest", "exists", "many"]).code, 1);
    assert_staging_empties(&sandbox);
}

fn own_digest(bytes: &[u8]) -> String {
    crate::support::artifact::digest(bytes)
}

#[test]
fn an_artifact_of_files_is_a_member_and_goes_with_the_list() {
    let sandbox = Sandbox::new();
    let Some(registry) = Registry::start(&sandbox.home.join("registry"), Door::default()) else { return };
    let (here, there) = here_and_there();
    load(&sandbox, &here, "localhost/here:1");
    registry.put("far/app", Some("1"), &there);
    let remote = format!("docker://{}/far/app:1", registry.host());
    for (name, text) in [("sbom.json", "{\"it\": 1}"), ("notes.txt", "notes"), ("config.json", "{\"c\": 1}")] {
        std::fs::write(sandbox.home.join(name), text).expect("write a file");
    }
    sandbox.ok(&["manifest", "create", "many", "here:1"]);
    let kind = "--artifact-type=application/vnd.example.sbom";
    let subject = format!("--artifact-subject={remote}");
    let add = ["manifest", "add", INSECURE, "--artifact", kind, &subject, "--annotation=k=v", "many"];
    sandbox.ok(&[&add[..], &["sbom.json", "notes.txt"]].concat());
    let plain = ["--artifact", "--artifact-exclude-titles", "--artifact-layer-type=text/x", "--artifact-config"];
    let plain = [&["manifest", "add"], &plain[..], &["config.json", "--artifact-config-type=a/b"]].concat();
    sandbox.ok(&[&plain[..], &["many", "notes.txt"]].concat());
    let document = list(&sandbox, "many");
    let entries = document["manifests"].as_array().expect("a list");
    assert_eq!(entries[1]["artifactType"], "application/vnd.example.sbom");
    assert_eq!(entries[1]["annotations"]["k"], "v");
    assert_eq!(entries[2]["artifactType"], "application/vnd.unknown.artifact.v1");
    let target = format!("docker://{}/out/many:1", registry.host());
    sandbox.ok(&["manifest", "push", INSECURE, "many", &target]);
    let stored = |entry: &Value| -> Value {
        let bytes = registry.stored(entry["digest"].as_str().expect("a digest")).expect("it has been sent");
        serde_json::from_slice(&bytes).expect("JSON")
    };
    let artifact = stored(&entries[1]);
    assert_eq!(artifact["artifactType"], "application/vnd.example.sbom");
    assert_eq!(artifact["subject"]["digest"], there.manifest_blob().digest());
    assert_eq!(artifact["subject"]["mediaType"], there.manifest_type());
    assert_eq!(artifact["subject"]["size"], there.manifest_blob().bytes.len());
    assert_eq!(artifact["config"]["mediaType"], "application/vnd.oci.empty.v1+json");
    assert_eq!(artifact["annotations"], Value::Null, "they are said of the member");
    assert_eq!(artifact["layers"][0]["mediaType"], "application/json");
    assert_eq!(artifact["layers"][1]["mediaType"], "text/plain");
    let titles: Vec<_> =
        artifact["layers"].as_array().expect("files").iter().map(|file| &file["annotations"]).collect();
    assert_eq!(titles[0]["org.opencontainers.image.title"], "sbom.json");
    assert_eq!(titles[1]["org.opencontainers.image.title"], "notes.txt");
    assert_eq!(registry.stored(&own_digest(b"notes")), Some(b"notes".to_vec()));
    let plain = stored(&entries[2]);
    assert_eq!(plain["layers"][0]["annotations"], Value::Null);
    assert_eq!(plain["layers"][0]["mediaType"], "text/x");
    assert_eq!(plain["config"]["mediaType"], "a/b");
    assert_eq!(plain["config"]["digest"], own_digest(b"{\"c\": 1}"));
    // The images of the list run as before, and the store is whole with and without it.
    assert_eq!(sandbox.ok(&["run", "--rm", "--network=none", "many"]), "here");
    assert_eq!(sandbox.ok(&["system", "check"]), "The store is whole\n");
    sandbox.ok(&["manifest", "rm", "many"]);
    assert_eq!(sandbox.ok(&["system", "check"]), "The store is whole\n");
    for flag in ["--artifact-exclude-titles", "--artifact-type=x/y"] {
        sandbox.fails(125, &["--artifact"], &["manifest", "add", flag, "many", "notes.txt"]);
    }
}

#[test]
fn a_list_is_annotated_itself() {
    let sandbox = Sandbox::new();
    let Some(registry) = Registry::start(&sandbox.home.join("registry"), Door::default()) else { return };
    let (here, there) = here_and_there();
    load(&sandbox, &here, "localhost/here:1");
    registry.put("far/app", Some("1"), &there);
    sandbox.ok(&["manifest", "create", "many", "here:1"]);
    sandbox.ok(&["manifest", "annotate", "--index", "--annotation=a=b", "many"]);
    let annotate = ["manifest", "annotate", INSECURE, "--annotation=c=d"];
    let subject = format!("--subject=docker://{}/far/app:1", registry.host());
    sandbox.ok(&[&annotate[..], &[&subject, "many"]].concat());
    let document = list(&sandbox, "many");
    assert_eq!(document["annotations"], serde_json::json!({"a": "b", "c": "d"}));
    assert_eq!(document["subject"]["digest"], there.manifest_blob().digest());
    assert_eq!(document["manifests"][0]["annotations"], Value::Null);
    // An image that is here is one too, and what is said of one of the images leaves the subject.
    sandbox.ok(&["manifest", "annotate", "--subject=here:1", "many"]);
    sandbox.ok(&["manifest", "annotate", "--annotation=e=f", "many", "here:1"]);
    let document = list(&sandbox, "many");
    assert_eq!(document["subject"]["digest"], here.manifest_blob().digest());
    assert_eq!(document["manifests"][0]["annotations"]["e"], "f");
    sandbox.fails(125, &["IMAGE"], &["manifest", "annotate", "--annotation=e=f", "many"]);
    sandbox.fails(125, &["--index"], &["manifest", "annotate", "--index", "--annotation=e=f", "many", "here:1"]);
}

#[test]
fn members_come_out_of_files() {
    let sandbox = Sandbox::new();
    let (here, there) = here_and_there();
    load(&sandbox, &here, "localhost/here:1");
    load(&sandbox, &there, "localhost/there:1");
    sandbox.ok(&["manifest", "create", "many", "here:1", "there:1"]);
    sandbox.ok(&["manifest", "push", "many", "oci:many:x"]);
    let document = list(&sandbox, "many");
    sandbox.ok(&["push", "-q", "there:1", "dir:there"]);
    sandbox.ok(&["save", "-q", "-o", "here.tar", "here:1"]);
    let other = Sandbox::new();
    let place = |transport: &str, name: &str| format!("{transport}:{}", sandbox.home.join(name).display());
    other.ok(&["manifest", "create", "one"]);
    other.ok(&["manifest", "add", "--all", "one", &format!("{}:x", place("oci", "many"))]);
    assert_eq!(list(&other, "one")["manifests"], document["manifests"]);
    other.ok(&["manifest", "create", "two", &format!("{}:x", place("oci", "many")), &place("dir", "there")]);
    assert_eq!(list(&other, "two")["manifests"], document["manifests"]);
    // docker's archives have no manifest: one is made.
    other.ok(&["manifest", "create", "three", &place("docker-archive", "here.tar")]);
    assert_eq!(list(&other, "three")["manifests"][0]["platform"], document["manifests"][0]["platform"]);
    for name in ["one", "two", "three"] {
        assert_eq!(other.ok(&["run", "--rm", "--network=none", name]), "here");
    }
    assert_eq!(other.ok(&["system", "check"]), "The store is whole\n");
}

//! Signatures that a policy asks for: what comes in with one, and what does not.
//!
//! In `golden/signed` are an image and its signatures as skopeo 1.22 has made them for `registry.example/team/app:1`, by
//! `key.pub` and by `good.asc`. Keys and claims that nobody else would make are made with openssl(1).

use crate::support::artifact::{Artifact, Blob};
use crate::support::fake_registry::FakeRegistry;
use crate::support::registry::{Door, Registry};
use crate::support::{Run, Running, Sandbox, source};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const NAME: &str = "registry.example/team/app:1";
const OCI_MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const PAYLOAD: &str = "application/vnd.dev.cosign.simplesigning.v1+json";

pub fn golden(name: &str) -> Vec<u8> {
    std::fs::read(source().join("tests/it/golden/signed").join(name)).expect("read a golden file")
}

/// A registry that the sandbox's user calls `registry.example`, and that has the golden image as `team/app:1`.
pub struct Scene {
    pub sandbox: Sandbox,
    pub registry: Registry,
    pub manifest: Blob,
}

impl Scene {
    pub fn start() -> Option<Self> {
        let sandbox = Sandbox::new();
        let registry = Registry::start(&sandbox.home.join("registry"), Door::default())?;
        let config = sandbox.home.join(".config/containers");
        std::fs::create_dir_all(config.join("registries.d")).expect("make a directory");
        let place = format!("[[registry]]\nprefix=\"registry.example\"\nlocation=\"{}\"\n", registry.host());
        let conf = format!("{place}insecure=true\n");
        std::fs::write(sandbox.home.join("registries.conf"), conf).expect("write registries.conf");
        for name in ["key.pub", "other.pub", "good.asc", "other.asc", "expired.asc", "revoked.asc", "key.private"] {
            std::fs::write(sandbox.home.join(name), golden(name)).expect("write a key");
        }
        let manifest = Blob::new(OCI_MANIFEST, golden("manifest.json"));
        let scene = Self { sandbox, registry, manifest };
        scene.attachments(true);
        for name in ["config.json", "layer.tar"] {
            scene.registry.put_blob("team/app", &Blob::new("", golden(name)));
        }
        scene.registry.put_manifest("team/app", Some("1"), &scene.manifest);
        Some(scene)
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.sandbox.home.join(name)
    }

    /// Says where signatures are.
    pub fn attachments(&self, is_attached: bool) {
        let lookaside = format!("  lookaside: file://{}\n", self.path("lookaside").display());
        let text = format!("default-docker:\n  use-sigstore-attachments: {is_attached}\n{lookaside}");
        std::fs::write(self.path(".config/containers/registries.d/default.yaml"), text).expect("write registries.d");
    }

    /// Attaches a signature of sigstore to an image, instead of those that it has.
    fn attach(&self, manifest: &Blob, payload: &[u8], signature: &str) {
        let payload = Blob::new(PAYLOAD, payload);
        let config = Blob::new("application/vnd.oci.image.config.v1+json", "{}");
        let mut layer = payload.descriptor();
        layer["annotations"] = json!({"dev.cosignproject.cosign/signature": signature});
        let list =
            json!({"schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": config.descriptor(), "layers": [layer]});
        self.registry.put_blob("team/app", &payload);
        self.registry.put_blob("team/app", &config);
        let tag = format!("sha256-{}.sig", manifest.hex());
        self.registry.put_manifest("team/app", Some(&tag), &Blob::new(OCI_MANIFEST, list.to_string()));
    }

    pub fn attach_golden(&self, manifest: &Blob) {
        self.attach(manifest, &golden("payload.json"), &String::from_utf8(golden("signature.txt")).expect("base64"));
    }

    /// Puts a signature of OpenPGP beside an image.
    pub fn put_beside(&self, manifest: &Blob, number: u32, message: &[u8]) {
        let dir = self.path(&format!("lookaside/team/app@sha256={}", manifest.hex()));
        std::fs::create_dir_all(&dir).expect("make a directory");
        std::fs::write(dir.join(format!("signature-{number}")), message).expect("write a signature");
    }

    pub fn run(&self, arguments: &[&str]) -> Run {
        let mut command = self.sandbox.command(arguments);
        command.env("CONTAINERS_REGISTRIES_CONF", self.path("registries.conf"));
        Running::start(command).finish()
    }

    pub fn policy(&self, requirement: &Value) {
        let scopes = json!({"docker": {"registry.example": [requirement]}});
        let policy = json!({"default": [{"type": "insecureAcceptAnything"}], "transports": scopes});
        std::fs::write(self.path(".config/containers/policy.json"), policy.to_string()).expect("write the policy");
    }

    /// The image comes in by this name, and goes again.
    pub fn comes(&self, requirement: &Value, name: &str) {
        self.policy(requirement);
        let run = self.run(&["pull", "-q", name]);
        assert_eq!(run.code, 0, "{requirement}: {run}");
        self.sandbox.ok(&["rmi", "--all", "--force"]);
    }

    /// Nothing comes in, whichever way it is asked for.
    fn stays_out(&self, requirement: &Value, name: &str, said: &str) {
        self.policy(requirement);
        self.run(&["pull", "-q", name]).fails(125, &["policy.json asks for a signature", said]);
        let source = format!("docker://{name}");
        for arguments in [
            &["create", name][..],
            &["image", "copy", "-q", &source, "containers-storage:x"],
            &["image", "copy", "-q", &source, "oci:layout"],
            &["manifest", "create", "list", &source],
            &["artifact", "pull", "-q", name],
        ] {
            self.run(arguments).fails(125, &["policy.json asks for a signature", said]);
        }
        assert_eq!(self.sandbox.ok(&["images", "-q"]), "");
        assert!(!self.path("layout").exists());
    }

    pub fn sigstore(&self, key: &str) -> Value {
        json!({"type": "sigstoreSigned", "keyPath": self.path(key)})
    }

    pub fn gpg(&self, key: &str) -> Value {
        json!({"type": "signedBy", "keyType": "GPGKeys", "keyPath": self.path(key)})
    }
}

fn with(mut requirement: Value, field: &str, value: Value) -> Value {
    requirement[field] = value;
    requirement
}

fn changed(bytes: &[u8], from: &str, to: &str) -> Vec<u8> {
    let text = String::from_utf8(bytes.to_vec()).expect("text");
    assert!(text.contains(from), "{text}");
    text.replacen(from, to, 1).into_bytes()
}

#[test]
fn d12_an_image_comes_in_with_a_sigstore_signature_by_the_key_alone() {
    let Some(scene) = Scene::start() else { return };
    let good = scene.sigstore("key.pub");
    scene.stays_out(&good, NAME, "the registry has none");
    scene.attach_golden(&scene.manifest);
    scene.comes(&good, NAME);
    let data = |name: &str| BASE64.encode(golden(name));
    for keys in [
        json!({"type": "sigstoreSigned", "keyData": data("key.pub")}),
        json!({"type": "sigstoreSigned", "keyDatas": [data("other.pub"), data("key.pub")]}),
        json!({"type": "sigstoreSigned", "keyPaths": [scene.path("other.pub"), scene.path("key.pub")]}),
    ] {
        scene.comes(&keys, NAME);
    }
    scene.stays_out(&scene.sigstore("other.pub"), NAME, "by none of the keys");
    scene.stays_out(&scene.sigstore("missing.pub"), NAME, "missing.pub");
    scene.stays_out(&scene.sigstore("good.asc"), NAME, "not one PUBLIC KEY");
    scene.stays_out(&scene.gpg("good.asc"), NAME, "none where registries.d says");
    for field in ["fulcio", "rekorPublicKeyPath", "pki"] {
        let mut beyond = json!({"type": "sigstoreSigned", field: {}});
        if field.starts_with("rekor") {
            beyond["keyPath"] = json!(scene.path("key.pub"));
        }
        scene.stays_out(&beyond, NAME, field);
    }
    // Both must hold where both are asked for.
    let both = json!({"docker": {"registry.example": [good, scene.sigstore("other.pub")]}});
    let policy = json!({"default": [{"type": "reject"}], "transports": both});
    std::fs::write(scene.path(".config/containers/policy.json"), policy.to_string()).expect("write the policy");
    scene.run(&["pull", "-q", NAME]).fails(125, &["by none of the keys"]);
    // Nobody is asked for signatures that the files say nothing of.
    scene.attachments(false);
    scene.stays_out(&good, NAME, "use-sigstore-attachments: true");
}

#[test]
fn d12_a_signature_is_of_one_manifest_and_one_name() {
    let Some(scene) = Scene::start() else { return };
    let good = scene.sigstore("key.pub");
    scene.attach_golden(&scene.manifest);
    // Another name of the same image.
    scene.registry.put_manifest("team/app", Some("2"), &scene.manifest);
    let second = "registry.example/team/app:2";
    scene.stays_out(&good, second, "it is for the name");
    scene.comes(&with(good.clone(), "signedIdentity", json!({"type": "matchRepository"})), second);
    let exact = json!({"type": "exactReference", "dockerReference": NAME});
    scene.comes(&with(good.clone(), "signedIdentity", exact), second);
    let by_digest = format!("registry.example/team/app@{}", scene.manifest.digest());
    scene.comes(&good, &by_digest);
    scene.stays_out(&with(good.clone(), "signedIdentity", json!({"type": "matchExact"})), &by_digest, "for the name");
    // An image that has another's signature, under the name that this is for.
    let other = Artifact::saying("other");
    scene.registry.put("team/app", Some("1"), &other);
    scene.stays_out(&good, NAME, "the registry has none");
    scene.attach_golden(&other.manifest_blob());
    scene.stays_out(&good, NAME, "it is of sha256:");
    scene.registry.put_manifest("team/app", Some("1"), &scene.manifest);
    scene.comes(&good, NAME);
    // A byte of what is signed, and one of the signature.
    let signature = String::from_utf8(golden("signature.txt")).expect("base64");
    let payload = golden("payload.json");
    for (payload, signature) in [
        (changed(&payload, "timestamp\":17", "timestamp\":18"), signature.clone()),
        (payload.clone(), signature.replacen("MEUCIQDw", "MEUCIQDx", 1)),
        (payload.clone(), String::new()),
        (payload.clone(), "!".to_owned()),
    ] {
        scene.attach(&scene.manifest, &payload, &signature);
        scene.stays_out(&good, NAME, "does not count");
    }
    scene.attach(&scene.manifest, &payload, &signature);
    scene.comes(&good, NAME);
}

fn openssl(dir: &Path, arguments: &str) {
    let mut command = Command::new("openssl");
    command.args(arguments.split_whitespace()).current_dir(dir).stdout(Stdio::null()).stderr(Stdio::null());
    assert!(command.status().expect("run openssl").success(), "{arguments}");
}

#[test]
fn d12_what_a_claim_or_a_key_has_that_is_not_known_is_refused() {
    let Some(scene) = Scene::start() else { return };
    let home = &scene.sandbox.home;
    let payload = golden("payload.json");
    let sign = |payload: &[u8], option: &str| {
        std::fs::write(home.join("payload"), payload).expect("write the payload");
        openssl(home, &format!("{option} -out sig payload"));
        BASE64.encode(std::fs::read(home.join("sig")).expect("read the signature"))
    };
    let ec = "dgst -sha256 -sign own.key";
    for (make, option, is_good) in [
        ("-algorithm EC -pkeyopt ec_paramgen_curve:P-384", ec, true),
        ("-algorithm RSA -pkeyopt rsa_keygen_bits:2048", ec, true),
        ("-algorithm RSA -pkeyopt rsa_keygen_bits:1024", ec, false),
        ("-algorithm EC -pkeyopt ec_paramgen_curve:P-521", ec, false),
        ("-algorithm EC -pkeyopt ec_paramgen_curve:P-256", "dgst -sha1 -sign own.key", false),
        ("-algorithm EC -pkeyopt ec_paramgen_curve:P-256", ec, true),
    ] {
        openssl(home, &format!("genpkey {make} -out own.key"));
        openssl(home, "pkey -in own.key -pubout -out own.pub");
        scene.attach(&scene.manifest, &payload, &sign(&payload, option));
        match is_good {
            true => scene.comes(&scene.sigstore("own.pub"), NAME),
            false => {
                scene.policy(&scene.sigstore("own.pub"));
                scene.run(&["pull", "-q", NAME]).fails(125, &["asks for a signature"]);
            }
        }
    }
    // The last key signs what it should not.
    let digest = scene.manifest.digest();
    for (from, to) in [
        ("\"critical\":{", "\"critical\":{\"only-on\":\"monday\","),
        ("{\"critical\"", "{\"more\":1,\"critical\""),
        ("{\"docker-reference\"", "{\"docker-reference\":\"registry.example/other:1\",\"docker-reference\""),
        ("{\"docker-manifest-digest\"", "{\"docker-manifest-digest\":\"sha256:0\",\"docker-manifest-digest\""),
        (&digest, "sha1:da39a3ee5e6b4b0d3255bfef95601890afd80709"),
        ("cosign container image", "atomic container"),
        ("registry.example/team/app:1", "registry.example/team/app"),
    ] {
        let bad = changed(&payload, from, to);
        scene.attach(&scene.manifest, &bad, &sign(&bad, ec));
        scene.stays_out(&scene.sigstore("own.pub"), NAME, "does not count");
    }
    let other = changed(&payload, "containers/image", "somebody");
    scene.attach(&scene.manifest, &other, &sign(&other, ec));
    scene.comes(&scene.sigstore("own.pub"), NAME);
}

#[test]
fn d12_an_image_comes_in_with_a_gpg_signature_by_the_key_alone() {
    let Some(scene) = Scene::start() else { return };
    if Command::new("gpgv").arg("--version").stdout(Stdio::null()).status().is_err() {
        return crate::support::skip("gpgv is not installed");
    }
    let (good, message) = (scene.gpg("good.asc"), golden("signature-1"));
    scene.stays_out(&good, NAME, "none where registries.d says");
    scene.put_beside(&scene.manifest, 1, &message);
    scene.comes(&good, NAME);
    let data = json!({"type": "signedBy", "keyType": "GPGKeys", "keyData": BASE64.encode(golden("good.asc"))});
    scene.comes(&data, NAME);
    let paths = [scene.path("other.asc"), scene.path("good.asc")];
    scene.comes(&json!({"type": "signedBy", "keyType": "GPGKeys", "keyPaths": paths}), NAME);
    scene.stays_out(&scene.gpg("other.asc"), NAME, "by none of the keys");
    scene.stays_out(&scene.gpg("revoked.asc"), NAME, "revoked");
    scene.stays_out(&scene.gpg("expired.asc"), NAME, "expired");
    scene.stays_out(&scene.gpg("key.pub"), NAME, "gpg --export");
    scene.stays_out(&scene.sigstore("key.pub"), NAME, "the registry has none");
    // Another name, and another image.
    scene.registry.put_manifest("team/app", Some("2"), &scene.manifest);
    scene.stays_out(&good, "registry.example/team/app:2", "it is for the name");
    let other = Artifact::saying("other");
    scene.registry.put("team/app", Some("1"), &other);
    scene.stays_out(&good, NAME, "none where registries.d says");
    scene.put_beside(&other.manifest_blob(), 1, &message);
    scene.stays_out(&good, NAME, "it is of sha256:");
    scene.registry.put_manifest("team/app", Some("1"), &scene.manifest);
    // One that is good counts, whatever else there is.
    for position in [20, message.len() / 2, message.len() - 5] {
        let mut bad = message.clone();
        bad[position] ^= 1;
        scene.put_beside(&scene.manifest, 1, &bad);
        scene.stays_out(&good, NAME, "does not count");
    }
    scene.put_beside(&scene.manifest, 2, &message);
    scene.comes(&good, NAME);
    assert_eq!(crate::support::names_in(&scene.sandbox.data.join("coracle/tmp")), Vec::<String>::new());
}

#[test]
fn signatures_of_gpg_may_lie_on_a_web_server() {
    let (Some(scene), fake) = (Scene::start(), FakeRegistry::start()) else { return };
    let place = format!("default-docker:\n  lookaside: http://{}/base\n", fake.host());
    std::fs::write(scene.path(".config/containers/registries.d/default.yaml"), place).expect("write registries.d");
    let good = scene.gpg("good.asc");
    scene.stays_out(&good, NAME, "none where registries.d says");
    let path = format!("/base/team/app@sha256={}/signature-1", scene.manifest.hex());
    fake.put(&path, "application/octet-stream", &golden("signature-1"));
    scene.comes(&good, NAME);
    // No answer is not one that says that there is none, and too much of one is none.
    fake.put(&path, "application/octet-stream", &vec![0; 2 << 20]);
    scene.stays_out(&good, NAME, "more than 1048576 bytes");
    scene.run(&["image", "sign", "--sign-by=me", NAME]).fails(125, &["where nobody can write"]);
    drop(fake);
    // A place that two files name is nobody's guess.
    let twice = scene.path(".config/containers/registries.d/twice.yaml");
    std::fs::write(twice, "default-docker:\n  lookaside: file:///tmp\n").expect("write registries.d");
    scene.stays_out(&good, NAME, "another file has default-docker too");
}

#[test]
fn without_gpgv_it_is_said_what_to_install() {
    let Some(scene) = Scene::start() else { return };
    scene.put_beside(&scene.manifest, 1, &golden("signature-1"));
    scene.policy(&scene.gpg("good.asc"));
    let mut command = scene.sandbox.command(&["pull", "-q", NAME]);
    command.env("CONTAINERS_REGISTRIES_CONF", scene.path("registries.conf")).env("PATH", "/nowhere");
    Running::start(command).finish().fails(125, &["gpgv", "install it"]);
}

#[test]
fn a_directory_keeps_signatures_and_an_archive_does_not() {
    let Some(scene) = Scene::start() else { return };
    let dir = scene.path("dir");
    std::fs::create_dir(&dir).expect("make a directory");
    let config = Blob::new("", golden("config.json"));
    let layer = Blob::new("", golden("layer.tar"));
    for (name, bytes) in [
        ("manifest.json", golden("manifest.json")),
        (&config.hex(), config.bytes.clone()),
        (&layer.hex(), layer.bytes.clone()),
    ] {
        std::fs::write(dir.join(name), bytes).expect("write a file");
    }
    let identity = json!({"type": "exactReference", "dockerReference": NAME});
    let requirement = with(scene.sigstore("key.pub"), "signedIdentity", identity);
    let policy = |requirement: &Value| {
        let all = json!({"default": [requirement]});
        std::fs::write(scene.path(".config/containers/policy.json"), all.to_string()).expect("write the policy");
    };
    policy(&requirement);
    scene.run(&["load", "-q", "-i", "dir"]).fails(125, &["the directory has none"]);
    let annotations = json!({
        "dev.cosignproject.cosign/signature": String::from_utf8(golden("signature.txt")).expect("base64")
    });
    let document =
        json!({"mimeType": PAYLOAD, "payload": BASE64.encode(golden("payload.json")), "annotations": annotations});
    std::fs::write(dir.join("signature-1"), format!("\0sigstore-json\n{document}")).expect("write a signature");
    let run = scene.run(&["load", "-q", "-i", "dir"]);
    assert_eq!(run.code, 0, "{run}");
    // It has no name that the signature could be for.
    policy(&scene.sigstore("key.pub"));
    scene.run(&["load", "-q", "-i", "dir"]).fails(125, &["it is for the name"]);
    scene.sandbox.ok(&["image", "copy", "-q", "containers-storage:e76c1802d665", "oci-archive:x.tar"]);
    scene.run(&["load", "-q", "-i", "x.tar"]).fails(125, &["keeps no signatures"]);
}

#[test]
fn trust_in_keys_is_set_holds_and_is_shown() {
    let Some(scene) = Scene::start() else { return };
    scene.attach_golden(&scene.manifest);
    scene.put_beside(&scene.manifest, 1, &golden("signature-1"));
    let set = |kind: &str, keys: &[&str]| {
        let keys: Vec<&str> = keys.iter().flat_map(|key| ["--pubkeysfile", key]).collect();
        let run = scene.run(&[&["image", "trust", "set", "-t", kind], &keys[..], &["registry.example"]].concat());
        assert_eq!(run.code, 0, "{run}");
    };
    let pull = || scene.run(&["pull", "-q", NAME]);
    for (kind, good, other) in [("signedBy", "good.asc", "other.asc"), ("sigstoreSigned", "key.pub", "other.pub")] {
        set(kind, &[other]);
        pull().fails(125, &["its signature does not count"]);
        // All keys that are named must have signed it.
        set(kind, &[good, other]);
        pull().fails(125, &["its signature does not count"]);
        set(kind, &[good]);
        assert_eq!(pull().code, 0, "{kind}");
        scene.sandbox.ok(&["rmi", "--all", "--force"]);
        let written = std::fs::read(scene.path(".config/containers/policy.json")).expect("read the policy");
        let written: Value = serde_json::from_slice(&written).expect("JSON");
        let rule = &written["transports"]["docker"]["registry.example"][0];
        assert_eq!((&rule["type"], &rule["keyPath"]), (&kind.into(), &scene.path(good).to_str().into()));
    }
    set("signedBy", &["good.asc", "other.asc"]);
    let shown = scene.run(&["image", "trust", "show", "--json"]).stdout;
    let rows: Value = serde_json::from_str(&shown).expect("JSON");
    let store = format!("file://{}", scene.path("lookaside").display());
    let row = |owner: &str| {
        json!({
            "transport": "repository", "name": "registry.example", "repo_name": "registry.example",
            "type": "signed", "gpg_id": owner, "sigstore": store,
        })
    };
    assert_eq!(rows[1], row("good@example.com"), "{rows}");
    assert_eq!(rows[2], row("other@example.com"), "{rows}");
    let table = scene.run(&["image", "trust", "show", "--noheading"]).stdout;
    let cells: Vec<&str> = table.lines().nth(1).expect("a rule").split_whitespace().collect();
    assert_eq!(cells, ["repository", "registry.example", "signed", "good@example.com", &store]);
}

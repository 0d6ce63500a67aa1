//! Signing: what is signed here comes in where a policy asks for it.

use crate::signatures::{Scene, golden};
use crate::support::artifact::{Artifact, Blob};
use crate::support::skip;
use serde_json::json;
use std::os::unix::fs::DirBuilderExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// What `golden/signed/key.private` is encrypted with.
const PASSPHRASE: &str = "secret\n";
const OWN: &str = "registry.example/own/app:1";

impl Scene {
    /// An image that is here under a name of the registry.
    fn own(&self, name: &str) {
        std::fs::write(self.path("own.tar"), Artifact::saying(name).docker_archive(name)).expect("write an archive");
        self.sandbox.ok(&["load", "-q", "-i", "own.tar"]);
        std::fs::write(self.path("pass"), PASSPHRASE).expect("write the passphrase");
    }

    fn works(&self, arguments: &[&str]) {
        let run = self.run(arguments);
        assert_eq!(run.code, 0, "{run}");
    }

    fn accepts_anything(&self) {
        self.policy(&json!({"type": "insecureAcceptAnything"}));
    }

    fn tags(&self) -> Vec<String> {
        self.registry.tags("own/app")
    }
}

const SIGN: [&str; 4] = ["--sign-by-sigstore-private-key", "key.private", "--sign-passphrase-file", "pass"];

fn with<'a>(before: &[&'a str], after: &[&'a str]) -> Vec<&'a str> {
    [before, &SIGN, after].concat()
}

#[test]
fn what_is_pushed_with_a_key_comes_in_by_that_key() {
    let Some(scene) = Scene::start() else { return };
    scene.own(OWN);
    let (good, other) = (scene.sigstore("key.pub"), scene.sigstore("other.pub"));
    scene.works(&["push", "-q", OWN]);
    scene.policy(&good);
    scene.run(&["pull", "-q", OWN]).fails(125, &["the registry has none"]);
    scene.works(&with(&["push", "-q"], &[OWN]));
    scene.comes(&good, OWN);
    scene.policy(&other);
    scene.run(&["pull", "-q", OWN]).fails(125, &["by none of the keys"]);
    // Signed once more the image has both signatures, and under another name one for that.
    scene.accepts_anything();
    scene.works(&["pull", "-q", OWN]);
    let second = "registry.example/own/app:2";
    let parameters = "privateKeyFile: key.private\nprivateKeyPassphraseFile: pass\n";
    std::fs::write(scene.path("sign.yaml"), parameters).expect("write the parameters");
    scene.works(&["push", "-q", "--sign-by-sigstore=sign.yaml", OWN, second]);
    scene.comes(&good, second);
    scene.comes(&good, OWN);
    // From place to place, and what is there already.
    scene.accepts_anything();
    let (third, fourth) = ("registry.example/own/app:3", "registry.example/other/app:4");
    for (copied, signs) in [(third, true), (fourth, false)] {
        let (source, target) = (format!("docker://{OWN}"), format!("docker://{copied}"));
        let places = [source.as_str(), &target];
        match signs {
            true => scene.works(&with(&["image", "copy", "-q"], &places)),
            false => scene.works(&[&["image", "copy", "-q"][..], &places].concat()),
        }
    }
    scene.comes(&good, third);
    // The signatures have gone along, and are for the other name.
    scene.policy(&good);
    scene.run(&["pull", "-q", fourth]).fails(125, &["it is for the name"]);
    scene.works(&with(&["image", "sign"], &[fourth]));
    scene.comes(&good, fourth);
    assert_eq!(crate::support::names_in(&scene.sandbox.data.join("coracle/tmp")), Vec::<String>::new());
}

#[test]
fn a_list_is_signed_with_its_images() {
    let Some(scene) = Scene::start() else { return };
    scene.own(OWN);
    scene.works(&["manifest", "create", "list", OWN]);
    let list = "registry.example/own/list:1";
    scene.works(&with(&["manifest", "push", "-q"], &["list", list]));
    scene.sandbox.ok(&["rmi", "--all", "--force"]);
    scene.comes(&scene.sigstore("key.pub"), list);
    assert_eq!(scene.registry.tags("own/list").len(), 3, "the list, its signature and its image's");
}

#[test]
fn what_cannot_be_signed_is_not_sent() {
    let Some(scene) = Scene::start() else { return };
    scene.own(OWN);
    std::fs::write(scene.path("wrong"), "wrong\n").expect("write a passphrase");
    std::fs::write(scene.path("rekor.yaml"), "privateKeyFile: key.private\nrekorURL: https://rekor.example\n")
        .expect("write the parameters");
    std::fs::write(scene.path("fulcio.yaml"), "fulcio: {fulcioURL: https://fulcio.example}\n").expect("write");
    let damaged = String::from_utf8(golden("key.private")).expect("PEM").replace("eyJrZGYi", "eyJrZGYj");
    std::fs::write(scene.path("damaged.private"), damaged).expect("write a key");
    let key = "--sign-by-sigstore-private-key";
    for (flags, said) in [
        (&[key, "key.private", "--sign-passphrase-file", "wrong"][..], "the passphrase is not that"),
        (&[key, "key.private"], "no terminal to ask for the passphrase"),
        (&[key, "key.pub", "--sign-passphrase-file", "pass"], "ENCRYPTED SIGSTORE PRIVATE KEY"),
        (&[key, "damaged.private", "--sign-passphrase-file", "pass"], "damaged.private"),
        (
            &[key, "missing.private", "--sign-passphrase-file", "pass"],
            "there is no private key missing.private; make",
        ),
        (&["--sign-passphrase-file", "pass"], "passphrase of no key"),
        (&["--sign-by-sigstore", "rekor.yaml"], "rekorURL is not supported"),
        (&["--sign-by-sigstore", "fulcio.yaml"], "fulcio is not supported"),
    ] {
        let run = scene.run(&[&["push", "-q"], flags, &[OWN]].concat());
        run.fails(125, &[said]);
        assert!(!run.stderr.contains("wrong\n") && !run.stderr.contains("secret"), "{run}");
    }
    scene.attachments(false);
    scene
        .run(&with(&["push", "-q"], &[OWN]))
        .fails(125, &["registries.d does not attach", "use-sigstore-attachments"]);
    scene.run(&with(&["push", "-q"], &[OWN, "oci:layout"])).fails(125, &["--sign-by is for registries"]);
    scene.run(&["image", "sign", OWN]).fails(125, &["no key to sign with"]);
    assert_eq!(scene.tags(), Vec::<String>::new());
    scene.attachments(true);
    scene.works(&with(&["push", "-q"], &[OWN]));
    assert_eq!(scene.tags().len(), 2, "the control");
}

/// A home of GnuPG in the sandbox, whose agent ends with it.
struct Gpg(PathBuf);

impl Gpg {
    fn run(&self, program: &str, arguments: &[&str]) -> Option<Vec<u8>> {
        let mut command = Command::new(program);
        command.args(arguments).env("GNUPGHOME", &self.0).stdin(Stdio::null()).stderr(Stdio::null());
        command.output().ok().filter(|output| output.status.success()).map(|output| output.stdout)
    }
}

impl Drop for Gpg {
    fn drop(&mut self) {
        let _ = self.run("gpgconf", &["--kill", "all"]);
    }
}

#[test]
fn an_image_is_signed_with_a_key_of_gnupg() {
    let Some(scene) = Scene::start() else { return };
    let gpg = Gpg(scene.path(".gnupg"));
    std::fs::DirBuilder::new().mode(0o700).create(&gpg.0).expect("make a directory");
    let generate = ["--batch", "--pinentry-mode", "loopback", "--passphrase", "secret", "--quick-generate-key"];
    if gpg.run("gpg", &[&generate[..], &["me@example.com", "ed25519", "sign", "never"]].concat()).is_none() {
        return skip("gpg with an agent is not installed");
    }
    let public = gpg.run("gpg", &["--armor", "--export", "me@example.com"]).expect("it has been made");
    std::fs::write(scene.path("me.asc"), public).expect("write the key");
    scene.own(OWN);
    let sign = ["--sign-by", "me@example.com", "--sign-passphrase-file", "pass"];
    scene.works(&[&["push", "-q"], &sign[..], &[OWN]].concat());
    scene.comes(&scene.gpg("me.asc"), OWN);
    scene.policy(&scene.gpg("other.asc"));
    scene.run(&["pull", "-q", OWN]).fails(125, &["by none of the keys"]);
    // Into another directory, for somebody to put it where it counts.
    let name = "registry.example/team/app:1";
    scene.works(&[&["image", "sign", "--directory", "signed"], &sign[..], &[name]].concat());
    scene.policy(&scene.gpg("me.asc"));
    scene.run(&["pull", "-q", name]).fails(125, &["none where registries.d says"]);
    let dir = format!("team/app@sha256={}", scene.manifest.hex());
    std::fs::create_dir_all(scene.path("lookaside/team")).expect("make a directory");
    std::fs::rename(scene.path("signed").join(&dir), scene.path("lookaside").join(&dir)).expect("put it there");
    scene.comes(&scene.gpg("me.asc"), name);
    scene.run(&["image", "sign", "--sign-by", "nobody", name]).fails(125, &["gpg does not sign with key \"nobody\""]);
}

#[test]
fn encrypted_layers_are_said_to_be_encrypted() {
    let Some(scene) = Scene::start() else { return };
    let manifest = String::from_utf8(golden("manifest.json")).expect("JSON");
    let encrypted = manifest.replace("layer.v1.tar", "layer.v1.tar+gzip+encrypted");
    assert_ne!(encrypted, manifest);
    scene.registry.put_manifest("team/app", Some("secret"), &Blob::new(&scene.manifest.media_type, encrypted));
    let name = "registry.example/team/app:secret";
    scene.run(&["pull", "-q", name]).fails(125, &["it is encrypted, and encrypted layers cannot be opened"]);
    let open = "--decryption-key=key:PASSPHRASE";
    for arguments in [&["pull", open, name][..], &["run", open, name], &["push", "--encryption-key=jwe:key", name]] {
        let run = scene.run(arguments);
        run.fails(125, &["encrypted layers (ocicrypt) cannot be"]);
        assert!(!run.stderr.contains("PASSPHRASE"), "{run}");
    }
}

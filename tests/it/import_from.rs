//! `image import-from podman`: a store as podman 5.8 leaves it, made here file by file, and what may be wrong in one.

use crate::support::Sandbox;
use crate::support::artifact::{Artifact, digest};
use crate::support::evil_tar::{self, Entry};
use crate::support::witness::{Watched, assert_staging_empties, refusal, store};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};
use std::io::Write;
use std::path::{Path, PathBuf};

/// podman's store. What it has of an image is what can be made of the image's bytes.
struct Store {
    top: PathBuf,
    images: Vec<Value>,
    layers: Vec<Value>,
}

impl Store {
    fn new(sandbox: &Sandbox) -> Self {
        let top = sandbox.home.join("podman");
        std::fs::create_dir(&top).expect("make a directory");
        Self { top, images: Vec::new(), layers: Vec::new() }
    }

    fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        let path = self.top.join(name);
        std::fs::create_dir_all(path.parent().expect("a file has a directory")).expect("make its directory");
        std::fs::write(path, bytes).expect("write a file");
    }

    fn write_lists(&self) {
        self.write("overlay-images/images.json", json!(self.images).to_string());
        self.write("overlay-layers/layers.json", json!(self.layers).to_string());
    }

    /// Adds an image, and gives the ids of its layers, which are as podman makes them of nothing but digests.
    fn add(&mut self, image: &Artifact, names: &[&str]) -> Vec<String> {
        let mut ids: Vec<String> = Vec::new();
        for layer in &image.layers {
            let diff_id = digest(layer);
            let parent = ids.last().cloned().unwrap_or_default();
            let id =
                if parent.is_empty() { diff_id.clone() } else { digest(format!("{parent} {diff_id}").as_bytes()) };
            let id = id.replace("sha256:", "");
            let entry = json!({"id": id, "parent": parent, "diff-digest": diff_id, "diff-size": layer.len()});
            self.layers.push(entry);
            self.add_layer(&id, layer);
            ids.push(id);
        }
        let id = image.id();
        let config = format!("overlay-images/{}/={}", &id[7..], BASE64_STANDARD.encode(&id));
        self.write(&config, &image.config_blob().bytes);
        self.write(&format!("overlay-images/{}/manifest", &id[7..]), &image.manifest_blob().bytes);
        self.images.push(json!({"id": &id[7..], "names": names, "layer": ids.last()}));
        self.write_lists();
        ids
    }

    /// The files of a layer, and all of its archive that is no file's content.
    fn add_layer(&self, id: &str, archive: &[u8]) {
        std::fs::create_dir_all(self.top.join(format!("overlay/{id}/diff"))).expect("make the directory");
        let (mut lines, mut position) = (Vec::new(), 0);
        for entry in tar::Archive::new(archive).entries().expect("it is an archive") {
            let entry = entry.expect("read an entry");
            let (start, size) = (entry.raw_file_position() as usize, entry.size() as usize);
            let name = entry.path().expect("it has a name").display().to_string();
            lines.push(json!({"type": 2, "payload": BASE64_STANDARD.encode(&archive[position..start])}));
            lines.push(json!({"type": 1, "name": name, "size": size, "payload": "AAAAAAAAAAA="}));
            if size > 0 {
                self.write(&format!("overlay/{id}/diff/{name}"), &archive[start..start + size]);
            }
            position = start + size;
        }
        lines.push(json!({"type": 2, "payload": BASE64_STANDARD.encode(&archive[position..])}));
        self.write_split(id, &lines.iter().map(|line| format!("{line}\n")).collect::<String>());
    }

    fn write_split(&self, id: &str, lines: &str) {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(lines.as_bytes()).expect("compress into memory");
        self.write(&format!("overlay-layers/{id}.tar-split.gz"), encoder.finish().expect("compress into memory"));
    }

    fn arguments<'a>(&'a self, what: &'a str) -> [&'a str; 6] {
        ["image", "import-from", "podman", "--store", self.top.to_str().expect("ASCII"), what]
    }
}

fn names(sandbox: &Sandbox) -> String {
    sandbox.ok(&["images", "--format", "{{.Repository}}:{{.Tag}}"])
}

#[test]
fn images_of_podman_are_brought_over_as_they_are() {
    let sandbox = Sandbox::new();
    let mut podman = Store::new(&sandbox);
    let (one, two) = (Artifact::saying("one"), Artifact::saying("two"));
    podman.add(&one, &["localhost/one:latest", "quay.io/a/one:1"]);
    podman.add(&two.clone().packed(crate::support::artifact::Packing::Gzip), &["localhost/two:latest"]);
    assert_eq!(sandbox.ok(&podman.arguments("one")), "localhost/one:latest\nquay.io/a/one:1\n");
    assert_eq!(sandbox.ok(&["run", "--rm", "--network", "none", "one"]), "one");
    // A manifest that names what is there stays; of compressed layers only the configuration can.
    let facts = |name: &str| sandbox.ok(&["image", "inspect", "--format", "{{.Id}} {{.Digest}}", name]);
    assert_eq!(facts("one"), format!("{} {}\n", &one.id()[7..], one.manifest_blob().digest()));
    sandbox.fails(125, &["podman has no image three"], &podman.arguments("three"));
    // By policy.json: one name of several is enough to be refused.
    let policy = sandbox.home.join("policy.json");
    for (scope, code) in [("quay.io/a", 125), ("quay.io/b", 0)] {
        sandbox.ok(&["rmi", "--all", "--force"]);
        let scope = format!("[overlay@{}]{scope}", podman.top.display());
        let transports = json!({"containers-storage": {scope: [{"type": "reject"}]}});
        let text = json!({"default": [{"type": "insecureAcceptAnything"}], "transports": transports});
        std::fs::write(&policy, text.to_string()).expect("write the policy");
        let arguments =
            [&podman.arguments("one")[..], &["--signature-policy", policy.to_str().expect("ASCII")]].concat();
        assert_eq!(sandbox.coracle(&arguments).code, code);
    }
    assert_eq!(names(&sandbox).lines().count(), 2);
    // All of them, found by storage.conf.
    sandbox.ok(&["rmi", "--all", "--force"]);
    let conf = sandbox.home.join("storage.conf");
    std::fs::write(&conf, format!("[storage]\ndriver = \"overlay\"\ngraphroot = \"{}\"\n", podman.top.display()))
        .expect("write storage.conf");
    let all = |conf: &Path| {
        let mut command = sandbox.command(&["image", "import-from", "podman", "--all"]);
        command.env("CONTAINERS_STORAGE_CONF", conf);
        crate::support::Running::start(command).finish()
    };
    let run = all(&conf);
    assert_eq!((run.code, run.stdout.lines().count()), (0, 3), "{run}");
    assert!(facts("two").starts_with(&two.packed(crate::support::artifact::Packing::Gzip).id()[7..]));
    assert_eq!(sandbox.ok(&["run", "--rm", "--network", "none", "two"]), "two");
    std::fs::write(&conf, "[storage]\ndriver = \"vfs\"\n").expect("write storage.conf");
    all(&conf).fails(125, &["driver vfs"]);
    sandbox.fails(125, &["there are no images of podman"], &["image", "import-from", "podman", "-a"]);
    assert_staging_empties(&sandbox);
}

#[test]
fn c10_c13_c19_what_a_store_may_say_is_not_believed() {
    let sandbox = Sandbox::new();
    sandbox.ok(&["images"]);
    let mut podman = Store::new(&sandbox);
    let watched = Watched::new(&sandbox);
    let secret = std::fs::read(watched.canary.path.join("secret")).expect("read the secret");
    // A layer of the very bytes of the secret: who knows them can name every digest.
    let layer = evil_tar::archive(&[Entry::file("a", "b"), Entry::file("stolen", &secret)]);
    let image = Artifact::new(std::slice::from_ref(&layer));
    let id = podman.add(&image, &["localhost/x:1"]).remove(0);
    let top = podman.top.clone();
    let stolen = top.join(format!("overlay/{id}/diff/stolen"));
    let run = |attack: &str| {
        let run = sandbox.coracle(&podman.arguments("x:1"));
        watched.assert_untouched(&sandbox, &[&run], attack);
        run
    };
    let refused = |attack: &str| {
        refusal(&run(attack));
        assert_eq!(names(&sandbox), "", "{attack}");
        let layers =
            store(&sandbox).into_keys().filter(|path| path.display().to_string().contains("/layers/")).count();
        assert_eq!(layers, 0, "{attack}");
    };
    // The control: what is as it should be is taken, and goes again.
    let control = || {
        assert_eq!(run("control").code, 0, "{}", run("control"));
        sandbox.ok(&["rmi", "x:1"]);
    };
    control();
    let relative: PathBuf = watched.canary.relative().into();
    for target in [watched.canary.path.join("secret"), relative.clone()] {
        std::fs::remove_file(&stolen).expect("remove the file");
        std::os::unix::fs::symlink(&target, &stolen).expect("link to the secret");
        refused("a link in a layer");
    }
    std::fs::remove_file(&stolen).expect("remove the link");
    nix::unistd::mkfifo(&stolen, nix::sys::stat::Mode::S_IRWXU).expect("make a FIFO");
    refused("a FIFO in a layer");
    std::fs::remove_file(&stolen).expect("remove it");
    std::fs::write(&stolen, vec![b'x'; secret.len()]).expect("write other bytes");
    refused("other bytes");
    std::fs::write(&stolen, &secret[1..]).expect("write too few bytes");
    refused("a file that is too short");
    std::fs::write(&stolen, &secret).expect("write them all");
    control();
    let split = |name: &str| {
        let (start, end) = (layer.len() - 2048 - 512, layer.len());
        let head = json!({"type": 2, "payload": BASE64_STANDARD.encode(&layer[..start])});
        let file = json!({"type": 1, "name": name, "size": secret.len()});
        let tail = json!({"type": 2, "payload": BASE64_STANDARD.encode(&layer[start + secret.len()..end])});
        format!("{head}\n{file}\n{tail}\n")
    };
    for (attack, lines) in [
        ("a path that leads out", split(&relative.display().to_string())),
        ("an absolute path", split(&watched.canary.path.join("secret").display().to_string())),
        ("nothing", String::new()),
        ("no JSON", "x\n".to_owned()),
        ("another kind", "{\"type\":7}\n".to_owned()),
        ("no base64", "{\"type\":2,\"payload\":\"?\"}\n".to_owned()),
        ("a file of no end", format!("{{\"type\":1,\"name\":\"stolen\",\"size\":{}}}\n", u64::MAX)),
        ("one long line", format!("{{\"type\":2,\"payload\":\"{}\"}}\n", "A".repeat(17 << 20))),
        ("deep JSON", "[".repeat(1 << 20)),
    ] {
        podman.write_split(&id, &lines);
        refused(attack);
    }
    podman.add_layer(&id, &layer);
    let good = (podman.images.clone(), podman.layers.clone());
    let lists = |image: &dyn Fn(&mut Value), layer: &dyn Fn(&mut Value)| {
        let (mut images, mut layers) = good.clone();
        image(&mut images[0]);
        layer(&mut layers[0]);
        podman.write("overlay-images/images.json", json!(images).to_string());
        podman.write("overlay-layers/layers.json", json!(layers).to_string());
    };
    type Change = Box<dyn Fn(&mut Value)>;
    let set = |key: &'static str, value: Value| -> Change { Box::new(move |entry| entry[key] = value.clone()) };
    let cases: Vec<(&str, Option<Change>, Option<Change>)> = vec![
        ("a layer that is its own parent", None, Some(set("parent", json!(id)))),
        ("a layer that is not there", Some(set("layer", json!("0".repeat(64)))), None),
        ("a layer that leads out", Some(set("layer", json!("../../x"))), Some(set("id", json!("../../x")))),
        ("another digest", None, Some(set("diff-digest", json!(digest(b"x"))))),
        ("no digest", None, Some(set("diff-digest", json!("sha256:../x")))),
        ("another size", None, Some(set("diff-size", json!(1)))),
        ("no size", None, Some(set("diff-size", Value::Null))),
        ("an id that leads out", Some(set("id", json!("../../canary"))), None),
        ("another id", Some(set("id", json!("0".repeat(64)))), None),
    ];
    for (attack, image, layer) in &cases {
        let same = |_: &mut Value| {};
        lists(image.as_deref().unwrap_or(&same), layer.as_deref().unwrap_or(&same));
        refused(attack);
    }
    lists(&|_| {}, &|_| {});
    control();
    podman.write("overlay-images/images.json", format!("{}{}", json!(good.0), " ".repeat(65 << 20)));
    refused("an endless list");
    assert_staging_empties(&sandbox);
}

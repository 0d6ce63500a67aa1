//! Builds images that nobody would build in good faith: the busybox image, with any entries and any config on top.

use super::evil_tar::{self, Entry};
use super::{Sandbox, images};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::io::Read;

/// An image in the making: the layer of busybox, and one more of whatever was asked for.
pub struct Image {
    name: String,
    entries: Vec<Entry>,
    config: Value,
}

impl Image {
    /// An image that will be called `localhost/NAME:latest`.
    pub fn new(name: &str) -> Self {
        let config = json!({"Env": ["PATH=/usr/sbin:/usr/bin:/sbin:/bin"], "Cmd": ["sh"]});
        Self { name: name.to_owned(), entries: Vec::new(), config }
    }

    /// The same under another name.
    pub fn named(mut self, name: &str) -> Self {
        name.clone_into(&mut self.name);
        self
    }

    pub fn entry(mut self, entry: Entry) -> Self {
        self.entries.push(entry);
        self
    }

    pub fn entries(mut self, entries: impl IntoIterator<Item = Entry>) -> Self {
        self.entries.extend(entries);
        self
    }

    /// A program at `/bin/NAME`.
    pub fn program(self, name: &str, bytes: &[u8]) -> Self {
        self.entry(Entry::file(format!("bin/{name}"), bytes).mode(0o755))
    }

    /// Sets a key of the image's config, such as `Env`, `WorkingDir` or `Volumes`.
    pub fn config(mut self, key: &str, value: Value) -> Self {
        self.config[key] = value;
        self
    }

    /// The docker-archive of it.
    pub fn archive(&self) -> Vec<u8> {
        let layers = [base_layer(), evil_tar::archive(&self.entries)];
        let diff_ids: Vec<String> = layers.iter().map(|layer| format!("sha256:{}", hexadecimal(layer))).collect();
        let config = json!({
            "architecture": architecture(),
            "os": "linux",
            "config": self.config,
            "rootfs": {"type": "layers", "diff_ids": diff_ids},
        });
        let config = config.to_string();
        let config_name = format!("{}.json", hexadecimal(config.as_bytes()));
        let names: Vec<String> = (0..layers.len()).map(|index| format!("{index}/layer.tar")).collect();
        let tag = format!("localhost/{}:latest", self.name);
        let manifest = json!([{"Config": config_name, "RepoTags": [tag], "Layers": names}]).to_string();
        let mut entries = vec![Entry::file("manifest.json", manifest), Entry::file(config_name, config)];
        entries.extend(names.iter().zip(&layers).map(|(name, layer)| Entry::file(name, layer)));
        evil_tar::archive(&entries)
    }

    /// Loads it, which must succeed, and gives its name.
    pub fn load(&self, sandbox: &Sandbox) -> String {
        let file = sandbox.home.join(format!("{}.tar", self.name));
        std::fs::write(&file, self.archive()).expect("write the image's archive");
        sandbox.ok(&["load", "--quiet", "--input", file.to_str().expect("a UTF-8 path")]);
        std::fs::remove_file(&file).expect("remove the image's archive");
        format!("localhost/{}:latest", self.name)
    }
}

/// The only layer of the busybox image, uncompressed.
fn base_layer() -> Vec<u8> {
    let archive = std::fs::File::open(images::archive("busybox")).expect("open the busybox image");
    let mut archive = tar::Archive::new(archive);
    for entry in archive.entries().expect("read the busybox image") {
        let mut entry = entry.expect("read an entry of the busybox image");
        if entry.path_bytes().ends_with(b"layer.tar") {
            let mut layer = Vec::new();
            entry.read_to_end(&mut layer).expect("read the layer of the busybox image");
            return layer;
        }
    }
    panic!("the busybox image has no layer");
}

fn architecture() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

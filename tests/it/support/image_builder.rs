//! Builds images that nobody would build in good faith: the busybox image, with any entries and any config on top.

use super::Sandbox;
use super::artifact::{self, Artifact};
use super::evil_tar::{self, Entry};
use serde_json::{Value, json};

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
        let mut image = Artifact::new(&[artifact::busybox(), evil_tar::archive(&self.entries)]);
        image.config["config"] = self.config.clone();
        image.docker_archive(&format!("localhost/{}:latest", self.name))
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

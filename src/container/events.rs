//! What has happened: `RUN/events.jsonl`, a line for each event, under podman's names.
//!
//! Telling is best effort: an event that cannot be written is lost, and no verb fails or waits for it. Each process opens
//! the file once at most and appends whole lines by single writes, so that lines of several processes never mix.

use super::config::{Config, Id, Source};
use super::state;
use crate::engine::Engine;
use crate::fs;
use crate::network::definition::Definition;
use crate::store::digest::Digest;
use rustix::fs::{CWD, FlockOperation};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// A file that has reached this size is put aside, in place of the one before it.
const FILE_BYTES_MAX: u64 = 1 << 20;

/// The longest event; one whose labels make it longer is written without them.
pub const LINE_BYTES_MAX: usize = 64 << 10;

/// What an event is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Object {
    Container,
    Image,
    Network,
    Pod,
    Secret,
    System,
    Volume,
}

/// What has happened to it: podman-events(1) has the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Happening {
    Attach,
    Cleanup,
    Commit,
    Connect,
    Create,
    Died,
    Disconnect,
    EgressRefused,
    Exec,
    ExecDied,
    Export,
    HealthStatus,
    Import,
    Init,
    Kill,
    #[serde(rename = "loadfromarchive")]
    Load,
    Mount,
    NetworkRestart,
    Pause,
    Prune,
    Pull,
    Push,
    Refresh,
    Remove,
    Rename,
    Restart,
    Save,
    Start,
    Stop,
    Tag,
    Unmount,
    Unpause,
    Untag,
    Update,
}

/// One event, as `--format json` prints it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Event {
    #[serde(rename = "ContainerExitCode", default, skip_serializing_if = "Option::is_none")]
    pub exit_code: Option<i32>,
    #[serde(rename = "ID", default, skip_serializing_if = "String::is_empty")]
    pub id: String,
    #[serde(rename = "Image", default, skip_serializing_if = "String::is_empty")]
    pub image: String,
    #[serde(rename = "Name", default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// The network that it is about.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub network: String,
    #[serde(rename = "Status")]
    pub happening: Happening,
    /// What a health check has come to.
    #[serde(rename = "HealthStatus", default, skip_serializing_if = "String::is_empty")]
    pub health: String,
    /// Seconds since 1970.
    #[serde(rename = "time")]
    pub time_secs: u64,
    /// Nanoseconds since 1970.
    #[serde(rename = "timeNano")]
    pub time: u64,
    #[serde(rename = "Type")]
    pub object: Object,
    /// A container's labels, and the id of the exec if it is about one.
    #[serde(rename = "Attributes", default)]
    pub attributes: Option<BTreeMap<String, String>>,
}

impl Event {
    /// Something has happened just now.
    pub fn new(object: Object, happening: Happening, id: impl Into<String>, name: impl Into<String>) -> Self {
        let time = state::now();
        Self {
            exit_code: None,
            id: id.into(),
            image: String::new(),
            name: name.into(),
            network: String::new(),
            happening,
            health: String::new(),
            time_secs: time / 1_000_000_000,
            time,
            object,
            attributes: None,
        }
    }

    /// Something has happened to a container.
    pub fn of(config: &Config, happening: Happening) -> Self {
        let image = match &config.source {
            Source::Image(image) => image.name.clone(),
            Source::Directory(_) => String::new(),
        };
        let event = Self::new(Object::Container, happening, config.id.as_str(), config.name.as_str());
        Self { image, attributes: Some(config.labels.clone()), ..event }
    }

    /// Something has happened to a network.
    pub fn of_network(network: &Definition, happening: Happening) -> Self {
        let attributes = BTreeMap::from([("driver".to_owned(), network.driver.name().to_owned())]);
        let event = Self::new(Object::Network, happening, network.id.as_str(), "");
        Self { network: network.name.clone(), attributes: Some(attributes), ..event }
    }

    /// A container has come into a network or left it.
    pub fn of_member(config: &Config, network: &str, happening: Happening) -> Self {
        let event = Self::new(Object::Network, happening, config.id.as_str(), config.name.as_str());
        Self { network: network.to_owned(), ..event }
    }

    pub fn with_exit_code(self, code: i32) -> Self {
        Self { exit_code: Some(code), ..self }
    }

    pub fn with_exec(mut self, session: &Id) -> Self {
        self.attributes.get_or_insert_default().insert("execID".to_owned(), session.to_string());
        self
    }

    /// With facts beside the labels.
    pub fn with(mut self, facts: impl IntoIterator<Item = (&'static str, String)>) -> Self {
        let facts = facts.into_iter().map(|(key, value)| (key.to_owned(), value));
        self.attributes.get_or_insert_default().extend(facts);
        self
    }

    fn line(&self) -> Vec<u8> {
        let mut line = serde_json::to_vec(self).unwrap_or_default();
        if line.len() >= LINE_BYTES_MAX {
            line = serde_json::to_vec(&Self { attributes: None, ..self.clone() }).unwrap_or_default();
        }
        line.push(b'\n');
        line
    }
}

/// Tells of something that happened to an image.
pub fn tell_of_image(engine: &Engine, happening: Happening, id: &Digest, name: &str) {
    tell(engine, &[Event::new(Object::Image, happening, id.hex(), name)]);
}

/// The current file.
pub fn path(engine: &Engine) -> PathBuf {
    engine.run.join("events.jsonl")
}

/// The file before it.
pub fn previous_path(engine: &Engine) -> PathBuf {
    engine.run.join("events.jsonl.1")
}

/// Tells of events once; who has more to say keeps a [`Journal`].
pub fn tell(engine: &Engine, events: &[Event]) {
    Journal::new(engine).tell(events);
}

/// The file of events, kept open by a process that tells of several.
pub struct Journal {
    path: PathBuf,
    previous: PathBuf,
    file: Option<File>,
}

impl Journal {
    /// Opens nothing until there is something to tell.
    pub fn new(engine: &Engine) -> Self {
        Self { path: path(engine), previous: previous_path(engine), file: None }
    }

    /// Appends the events in one write. What goes wrong loses them, and nothing else.
    pub fn tell(&mut self, events: &[Event]) {
        let lines: Vec<u8> = events.iter().flat_map(Event::line).collect();
        let Some(mut file) = self.open() else { return };
        if file.write_all(&lines).is_ok() {
            self.file = Some(file);
        }
    }

    /// The file to write to: one that is full, put aside or removed is not it, whoever has had it open.
    fn open(&mut self) -> Option<File> {
        let is_current =
            |file: &File| file.metadata().is_ok_and(|status| status.len() < FILE_BYTES_MAX && status.nlink() > 0);
        if let Some(file) = self.file.take().filter(is_current) {
            return Some(file);
        }
        let file = fs::open_append(&self.path).ok()?;
        if is_current(&file) {
            return Some(file);
        }
        put_aside(&file, &self.path, &self.previous);
        fs::open_append(&self.path).ok()
    }
}

/// One process alone moves a full file away: another that comes later would move the new one.
fn put_aside(file: &File, path: &Path, previous: &Path) {
    let is_ours = rustix::fs::flock(file, FlockOperation::NonBlockingLockExclusive).is_ok();
    let inode = |status: rustix::fs::Stat| (status.st_dev, status.st_ino);
    let (Ok(open), Ok(named)) =
        (rustix::fs::fstat(file), rustix::fs::statat(CWD, path, rustix::fs::AtFlags::empty()))
    else {
        return;
    };
    if is_ours && inode(open) == inode(named) {
        let _ = rustix::fs::rename(path, previous);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::tests::Scratch;

    fn event(name: &str) -> Event {
        Event::new(Object::Volume, Happening::Create, "", name)
    }

    #[test]
    fn events_are_lines_under_podmans_names() {
        let mut event = Event { time: 1_795_656_420_729_713_105, time_secs: 1_795_656_420, ..event("v") };
        let line = String::from_utf8(event.line()).unwrap();
        assert_eq!(
            line,
            "{\"Name\":\"v\",\"Status\":\"create\",\"time\":1795656420,\"timeNano\":1795656420729713105,\
             \"Type\":\"volume\",\"Attributes\":null}\n"
        );
        event.attributes = Some(BTreeMap::from([("label".to_owned(), "x".repeat(LINE_BYTES_MAX))]));
        assert!(event.line().len() < 200, "what is too long goes without its labels");
    }

    #[test]
    fn a_full_file_is_put_aside_once_and_nobody_writes_to_it_again() {
        let scratch = Scratch::new();
        let engine = &scratch.engine;
        fs::create_dir_all(&engine.run).unwrap();
        let (mut one, mut other) = (Journal::new(engine), Journal::new(engine));
        one.tell(&[event("first")]);
        other.tell(&[event("second")]);
        let file = fs::open_for_writing(&path(engine)).unwrap();
        file.set_len(FILE_BYTES_MAX).unwrap();
        one.tell(&[event("third")]);
        other.tell(&[event("fourth")]);
        one.tell(&[event("fifth")]);
        let text = |path: PathBuf| String::from_utf8(fs::read(&path, 2 << 20).unwrap()).unwrap();
        assert_eq!(text(path(engine)).lines().count(), 3);
        assert!(text(previous_path(engine)).contains("second"));
        // Without its directory there is nothing to tell, and no error.
        fs::remove_tree(
            std::os::fd::AsFd::as_fd(&fs::open_dir(engine.run.parent().unwrap()).unwrap()),
            engine.run.file_name().unwrap().to_str().unwrap(),
        )
        .unwrap();
        one.tell(&[event("sixth")]);
    }
}

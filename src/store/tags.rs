//! Tags: the layout's `index.json` is the list of images and of their names.
//!
//! Each entry is one manifest under at most one name; an image with two names has two entries, an image without one
//! has an entry without one. Other tools may write the file too, so nothing but the descriptors is taken for granted.

use crate::engine::Engine;
use crate::fs::{self, Durability, Hold, Lock, STATE_BYTES_MAX};
use crate::store::blobs;
use crate::store::digest::Digest;
use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::Duration;

/// OCI image spec, annotations.md: the name of an entry.
pub const NAME: &str = "org.opencontainers.image.ref.name";
const ID: &str = "org.coracle.image.id";
const SIZE: &str = "org.coracle.image.size";
const CREATED: &str = "org.coracle.image.created";
/// Names that an entry had, with spaces between them.
const FORMER: &str = "org.coracle.image.names";
/// The most that are kept of them.
const FORMER_MAX: usize = 20;
const INDEX: &str = "application/vnd.oci.image.index.v1+json";
const LOCK_TIMEOUT: Duration = Duration::from_secs(10);

/// One line of the list: a manifest, and perhaps its name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Entry {
    #[serde(default)]
    pub media_type: String,
    pub digest: Digest,
    pub size: u64,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
    /// What other tools wrote and this engine does not read.
    #[serde(flatten)]
    pub other: BTreeMap<String, Value>,
}

/// What a listing shows of an image, written beside its entry so that listing opens nothing else. Never trusted for
/// more: it follows from the manifest and the configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// The configuration's digest, which is the image's id.
    pub id: Digest,
    pub size: u64,
    pub created: String,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Index {
    schema_version: u32,
    #[serde(default)]
    media_type: String,
    #[serde(default)]
    manifests: Vec<Entry>,
    #[serde(flatten)]
    other: BTreeMap<String, Value>,
}

impl Entry {
    pub fn new(media_type: &str, digest: Digest, size: u64) -> Self {
        let media_type = media_type.to_owned();
        Self { media_type, digest, size, annotations: BTreeMap::new(), other: BTreeMap::new() }
    }

    pub fn name(&self) -> Option<&str> {
        self.annotations.get(NAME).map(String::as_str)
    }

    pub fn facts(&self) -> Option<Facts> {
        let id = Digest::parse(self.annotations.get(ID)?).ok()?;
        let size = self.annotations.get(SIZE)?.parse().ok()?;
        Some(Facts { id, size, created: self.annotations.get(CREATED).cloned().unwrap_or_default() })
    }

    pub fn set_facts(&mut self, facts: &Facts) {
        self.annotations.insert(ID.to_owned(), facts.id.to_string());
        self.annotations.insert(SIZE.to_owned(), facts.size.to_string());
        self.annotations.insert(CREATED.to_owned(), facts.created.clone());
    }

    /// Names that it had, the last one first.
    pub fn former(&self) -> impl Iterator<Item = &str> {
        self.annotations.get(FORMER).into_iter().flat_map(|names| names.split_whitespace())
    }

    fn remember(&mut self, names: &[String]) {
        let mut all: Vec<&str> = Vec::new();
        for name in names.iter().map(String::as_str).chain(self.former()) {
            if !all.contains(&name) && self.name() != Some(name) {
                all.push(name);
            }
        }
        all.truncate(FORMER_MAX);
        match all.join(" ") {
            none if none.is_empty() => self.annotations.remove(FORMER),
            all => self.annotations.insert(FORMER.to_owned(), all),
        };
    }

    fn set_name(&mut self, name: Option<&str>) {
        match name {
            Some(name) => self.annotations.insert(NAME.to_owned(), name.to_owned()),
            None => self.annotations.remove(NAME),
        };
    }
}

/// All entries, in the order in which they were made.
pub fn list(engine: &Engine) -> Result<Vec<Entry>> {
    Ok(read(engine)?.manifests)
}

/// Gives a manifest names, all in one step, which leave whatever had them; without any, only makes sure that it is
/// listed.
pub fn set(engine: &Engine, names: &[String], entry: Entry) -> Result<()> {
    change(engine, |entries| {
        if names.is_empty() {
            if entries.iter().all(|other| other.digest != entry.digest) {
                entries.push(entry);
            }
            return;
        }
        take_names(entries, &names.iter().map(String::as_str).collect());
        let is_nameless = |other: &Entry| other.digest == entry.digest && other.name().is_none();
        let nameless = entries.iter().filter(|other| is_nameless(other));
        let former: Vec<String> = nameless.flat_map(|other| other.former().map(str::to_owned)).collect();
        entries.retain(|other| !is_nameless(other));
        let mut given = HashSet::new();
        for name in names.iter().filter(|name| given.insert(*name)) {
            let mut entry = entry.clone();
            entry.set_name(Some(name));
            entry.remember(&former);
            entries.push(entry);
        }
    })
}

/// Takes a name from its manifest, which stays listed. False if nothing has the name.
pub fn untag(engine: &Engine, name: &str) -> Result<bool> {
    change(engine, |entries| take_names(entries, &HashSet::from([name])))
}

/// Puts another manifest in the place of one: under one of its names, or under all that it has. False if it has gone.
pub fn replace(engine: &Engine, old: &Digest, name: Option<&str>, new: &Entry) -> Result<bool> {
    change(engine, |entries| {
        let is_meant =
            |entry: &&mut Entry| entry.digest == *old && name.is_none_or(|name| entry.name() == Some(name));
        let mut was_there = false;
        for entry in entries.iter_mut().filter(is_meant) {
            let name = entry.name().map(str::to_owned);
            let former: Vec<String> = entry.former().map(str::to_owned).collect();
            *entry = new.clone();
            entry.set_name(name.as_deref());
            entry.remember(&former);
            was_there = true;
        }
        was_there
    })
}

/// Takes manifests off the list under all their names.
pub fn remove_manifests(engine: &Engine, digests: &[Digest]) -> Result<()> {
    change(engine, |entries| entries.retain(|entry| !digests.contains(&entry.digest)))
}

/// An entry that loses its only name stays without one; of several, just this one goes. What stays remembers the name.
/// False if nothing had a name.
fn take_names(entries: &mut Vec<Entry>, names: &HashSet<&str>) -> bool {
    let mut counts: HashMap<Digest, usize> = HashMap::new();
    entries.iter().for_each(|entry| *counts.entry(entry.digest).or_default() += 1);
    let mut lost: Vec<(Digest, Vec<String>)> = Vec::new();
    entries.retain_mut(|entry| {
        let Some(name) = entry.name().filter(|name| names.contains(name)) else { return true };
        let had = std::iter::once(name).chain(entry.former()).map(str::to_owned).collect();
        lost.push((entry.digest, had));
        let count = counts.entry(entry.digest).or_default();
        let is_last = *count <= 1;
        if is_last {
            entry.set_name(None);
        } else {
            *count -= 1;
        }
        is_last
    });
    for (digest, had) in &lost {
        entries.iter_mut().filter(|entry| entry.digest == *digest).take(1).for_each(|entry| entry.remember(had));
    }
    !lost.is_empty()
}

fn change<T>(engine: &Engine, edit: impl FnOnce(&mut Vec<Entry>) -> T) -> Result<T> {
    fs::create_dir_all(&engine.images())?;
    // Protects reading, changing and replacing index.json as one step; readers need no lock.
    let _lock = Lock::take(&engine.images().join("lock"), Hold::Exclusive, LOCK_TIMEOUT)?;
    blobs::init(engine)?;
    let mut index = read(engine)?;
    let before = index.manifests.clone();
    let result = edit(&mut index.manifests);
    if index.manifests != before {
        fs::write_json(&engine.images().join("index.json"), &index, Durability::Synced)
            .context("write the list of images")?;
    }
    Ok(result)
}

fn read(engine: &Engine) -> Result<Index> {
    let path = engine.images().join("index.json");
    match fs::read_optional(&path, STATE_BYTES_MAX)? {
        Some(bytes) => serde_json::from_slice(&bytes).with_context(|| format!("parse {}", path.display())),
        None => Ok(Index {
            schema_version: 2,
            media_type: INDEX.to_owned(),
            manifests: Vec::new(),
            other: BTreeMap::new(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::tests::Scratch;

    fn entry(text: &str) -> Entry {
        Entry::new("application/vnd.oci.image.manifest.v1+json", Digest::of(text.as_bytes()), 1)
    }

    fn shown(engine: &Engine) -> Vec<(Option<String>, Digest)> {
        list(engine).unwrap().iter().map(|entry| (entry.name().map(str::to_owned), entry.digest)).collect()
    }

    #[test]
    fn a_name_moves_and_its_old_image_stays_without_one() {
        let scratch = Scratch::new();
        let engine = &scratch.engine;
        let (a, b) = (entry("a"), entry("b"));
        set(engine, &["x".into()], a.clone()).unwrap();
        set(engine, &["x".into()], b.clone()).unwrap();
        assert_eq!(shown(engine), [(None, a.digest), (Some("x".into()), b.digest)]);
        set(engine, &[], a.clone()).unwrap();
        assert_eq!(shown(engine).len(), 2);
        set(engine, &["y".into()], a.clone()).unwrap();
        set(engine, &["z".into()], a.clone()).unwrap();
        assert_eq!(shown(engine).len(), 3);
        assert!(untag(engine, "y").unwrap());
        assert!(!untag(engine, "y").unwrap());
        assert_eq!(shown(engine), [(Some("x".into()), b.digest), (Some("z".into()), a.digest)]);
        remove_manifests(engine, &[b.digest]).unwrap();
        assert_eq!(shown(engine), [(Some("z".into()), a.digest)]);
    }

    #[test]
    fn names_that_an_image_had_are_remembered() {
        let scratch = Scratch::new();
        let engine = &scratch.engine;
        let (a, b) = (entry("a"), entry("b"));
        let former = |digest: Digest| {
            let entries = list(engine).unwrap();
            let own = entries.iter().filter(|entry| entry.digest == digest);
            own.flat_map(|entry| entry.former().map(str::to_owned)).collect::<Vec<_>>()
        };
        set(engine, &["x".into(), "y".into()], a.clone()).unwrap();
        assert_eq!(former(a.digest), Vec::<String>::new());
        // One goes to another image, and the last one is taken.
        set(engine, &["x".into()], b.clone()).unwrap();
        assert_eq!(former(a.digest), ["x"]);
        untag(engine, "y").unwrap();
        assert_eq!(former(a.digest), ["y", "x"]);
        // A new name, and one that comes back.
        set(engine, &["z".into()], a.clone()).unwrap();
        assert_eq!(former(a.digest), ["y", "x"]);
        set(engine, &["y".into()], a.clone()).unwrap();
        assert!(replace(engine, &a.digest, None, &entry("c")).unwrap());
        assert_eq!(former(entry("c").digest), ["y", "x"]);
        for number in 0..FORMER_MAX + 5 {
            set(engine, &[format!("n{number}")], b.clone()).unwrap();
            untag(engine, &format!("n{number}")).unwrap();
        }
        assert_eq!(former(b.digest).len(), FORMER_MAX);
        // Once more the same changes nothing.
        let before = list(engine).unwrap();
        let last = before.last().unwrap().clone();
        set(engine, &[last.name().unwrap().to_owned()], entry("c")).unwrap();
        assert_eq!(former(entry("c").digest), ["y", "x"]);
    }

    #[test]
    fn facts_are_kept_and_nonsense_in_their_place_is_not() {
        let mut entry = entry("a");
        let facts = Facts { id: Digest::of(b"c"), size: 5, created: "now".into() };
        entry.set_facts(&facts);
        assert_eq!(entry.facts(), Some(facts));
        entry.annotations.insert(ID.into(), "sha256:../x".into());
        assert_eq!(entry.facts(), None);
    }

    #[test]
    fn what_another_tool_wrote_survives_a_change() {
        let scratch = Scratch::new();
        let hex = "ab".repeat(32);
        let text = format!(
            r#"{{"schemaVersion":2,"manifests":[{{"mediaType":"m","digest":"sha256:{hex}","size":3,
            "platform":{{"os":"linux"}},"annotations":{{"k":"v"}}}}],"annotations":{{"a":"b"}}}}"#
        );
        let path = scratch.engine.images().join("index.json");
        fs::write_atomic(&path, text.as_bytes(), Durability::Cached).unwrap();
        set(&scratch.engine, &["x".into()], entry("a")).unwrap();
        let written: Value = serde_json::from_slice(&fs::read(&path, 1 << 20).unwrap()).unwrap();
        assert_eq!(written["manifests"][0]["platform"]["os"], "linux");
        assert_eq!(written["manifests"][0]["annotations"]["k"], "v");
        assert_eq!(written["annotations"]["a"], "b");
        assert_eq!(written["manifests"].as_array().unwrap().len(), 2);
    }

    #[test]
    fn parallel_writers_lose_nothing() {
        let scratch = Scratch::new();
        std::thread::scope(|scope| {
            for number in 0..8 {
                let engine = &scratch.engine;
                scope.spawn(move || {
                    for round in 0..5 {
                        let name = format!("n{number}-{round}");
                        set(engine, std::slice::from_ref(&name), entry(&name)).unwrap();
                    }
                });
            }
        });
        assert_eq!(list(&scratch.engine).unwrap().len(), 40);
    }
}

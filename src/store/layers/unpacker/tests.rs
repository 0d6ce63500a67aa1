//! The unpacking process, run as a thread, and layers that come and go.

use super::super::{has, info, path};
use super::*;
use crate::error;
use crate::store::unpack::property::evil_tar::{Entry, archive};
use std::path::PathBuf;
use std::thread::JoinHandle;

/// An engine of its own, and the unpacker as a thread: a test process has threads, so it cannot fork.
struct Fixture {
    engine: Engine,
    unpacker: Option<Unpacker>,
    server: Option<JoinHandle<()>>,
}

impl Fixture {
    fn new() -> Self {
        let data = crate::fs::staging_name(&std::env::temp_dir());
        let engine = Engine { run: data.join("run"), data, rootless: true, uid: 0 };
        engine.prepare().unwrap();
        let (unpacker, server) = start(&engine);
        Self { engine, unpacker: Some(unpacker), server: Some(server) }
    }

    fn unpack(&self, diff_id: &Digest, bytes: &[u8]) -> Result<()> {
        let mut sink = self.unpacker.as_ref().unwrap().layer(diff_id, Compression::None)?;
        let _ = sink.write_all(bytes);
        sink.finish()
    }

    fn staged(&self) -> Vec<String> {
        crate::fs::list(&self.engine.staging()).unwrap()
    }

    /// Goes away as a parent does, and waits for the server to have cleaned up.
    fn leave(&mut self) {
        drop(self.unpacker.take());
        self.server.take().into_iter().for_each(|server| server.join().unwrap());
    }
}

impl Drop for Fixture {
    fn drop(&mut self) {
        self.leave();
        let dir: PathBuf = self.engine.data.clone();
        let parent = crate::fs::open_dir(dir.parent().unwrap()).unwrap();
        let _ = crate::fs::remove_tree(parent.as_fd(), dir.file_name().unwrap().to_str().unwrap());
    }
}

fn start(engine: &Engine) -> (Unpacker, JoinHandle<()>) {
    let (control, theirs) = socket::pair().unwrap();
    let engine = engine.clone();
    let server = std::thread::spawn(move || {
        if is_wanted(theirs.as_fd()) && tell(theirs.as_fd(), &Ok(())).is_ok() {
            serve(&engine, Ids::of_this_process().unwrap(), &theirs);
        }
    });
    (Unpacker { control: Some(control), child: None, started: OnceLock::new() }, server)
}

fn layer(seed: usize) -> (Digest, Vec<u8>) {
    let bytes = archive(&[Entry::dir("d"), Entry::file("d/f", format!("{seed}").repeat(1000))]);
    (Digest::of(&bytes), bytes)
}

#[test]
fn a_layer_becomes_visible_and_is_removed() {
    let fixture = Fixture::new();
    let (diff_id, bytes) = layer(7);
    assert!(!has(&fixture.engine, &diff_id));
    fixture.unpack(&diff_id, &bytes).unwrap();
    fixture.unpack(&diff_id, &bytes).unwrap();
    assert!(has(&fixture.engine, &diff_id));
    assert_eq!(info(&fixture.engine, &diff_id).unwrap().unwrap().size_bytes, 1000);
    assert!(path(&fixture.engine, &diff_id).join("d/f").is_file());
    fixture.unpacker.as_ref().unwrap().remove(&[diff_id, Digest::of(b"none")]).unwrap();
    assert!(!has(&fixture.engine, &diff_id) && fixture.staged().is_empty());
}

#[test]
fn another_content_never_becomes_visible() {
    let fixture = Fixture::new();
    let (diff_id, bytes) = (Digest::of(b"other"), layer(1).1);
    let error = fixture.unpack(&diff_id, &bytes).unwrap_err();
    assert_eq!(error::kind(&error), Kind::BadInput);
    assert!(error::line(&error).contains("another layer"), "{error:#}");
    assert!(!has(&fixture.engine, &diff_id) && fixture.staged().is_empty());
}

#[test]
fn a_failed_write_tells_the_cause() {
    let fixture = Fixture::new();
    let diff_id = Digest::of(b"any");
    let mut sink = fixture.unpacker.as_ref().unwrap().layer(&diff_id, Compression::None).unwrap();
    let mut bytes = archive(&[Entry::file("../escape", "x")]);
    bytes.resize(8 << 20, 0);
    let error = sink.write_all(&bytes).unwrap_err();
    assert!(error.to_string().contains("unpack ../escape: a path with .."), "{error}");
    let error = sink.finish().unwrap_err();
    assert_eq!(error::kind(&error), Kind::BadInput);
    assert!(fixture.staged().is_empty());
}

#[test]
fn an_abandoned_layer_leaves_nothing() {
    let mut fixture = Fixture::new();
    let (diff_id, bytes) = layer(3);
    for length in [0, 700, bytes.len()] {
        let mut sink = fixture.unpacker.as_ref().unwrap().layer(&diff_id, Compression::None).unwrap();
        sink.write_all(&bytes[..length]).unwrap();
    }
    fixture.leave();
    assert!(!has(&fixture.engine, &diff_id) && fixture.staged().is_empty());
}

#[test]
fn many_layers_come_from_many_threads_and_processes() {
    let fixture = Fixture::new();
    let (other, server) = start(&fixture.engine);
    std::thread::scope(|scope| {
        for number in 0..12 {
            let unpacker = if number % 2 == 0 { fixture.unpacker.as_ref().unwrap() } else { &other };
            scope.spawn(move || {
                // Neighbours make the same layer at the same time.
                let (diff_id, bytes) = layer(number / 2);
                let mut sink = unpacker.layer(&diff_id, Compression::None).unwrap();
                sink.write_all(&bytes).unwrap();
                sink.finish().unwrap();
            });
        }
    });
    drop(other);
    server.join().unwrap();
    assert!((0..6).all(|number| has(&fixture.engine, &layer(number).0)));
    assert!(fixture.staged().is_empty());
}

#[test]
fn the_probe_accepts_a_local_disk_and_leaves_nothing() {
    let fixture = Fixture::new();
    crate::store::overlay_probe::probe(&fixture.engine).unwrap();
    assert!(fixture.staged().is_empty());
}

//! The layers of a pull: several at a time, each in one pass from the socket to its blob and to the unpacker.
//!
//! What came of a blob before its pull was interrupted lies on disk and is read from there: see `store/partial.rs`.

use super::LAYER_BYTES_MAX;
use super::ranges::{self, Lanes, Ranges};
use crate::engine::Engine;
use crate::error::Kind;
use crate::fs;
use crate::image::arrival::ReadLayer;
use crate::image::chunked::{Known, Rebuilt};
use crate::image::load::{self, Unpack};
use crate::image::manifest::{Descriptor, Layer};
use crate::image::registry::Registry;
use crate::image::transfer::{self, Event, Progress, Watched, stopped};
use crate::store::blobs::{self, Claim};
use crate::store::digest::Digest;
use crate::store::layers::{self, Compression};
use anyhow::{Context, Result};
use std::collections::HashSet;
use std::io::{Read, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// How long another's download is waited for that does not grow.
const STALL_TIMEOUT: Duration = Duration::from_secs(60);
/// Between two looks at it.
const POLL_PAUSE: Duration = Duration::from_millis(20);

/// The fetching of an image's layers.
pub struct Layers<'a, Open, Finish> {
    engine: &'a Engine,
    registry: &'a Registry,
    unpack: &'a Unpack<'a, Open, Finish>,
    progress: Progress<'a>,
    /// What new blobs may have in common with those that are here.
    known: &'a Known<'a>,
    lanes: Lanes,
    /// Set by the first layer that fails, so that the others do not go on for nothing.
    stop: AtomicBool,
}

/// One blob to fetch; a layer that occurs twice in an image is unpacked once.
struct Work<'a> {
    layer: &'a Layer,
    unpack: bool,
}

/// How a blob comes.
enum Way<'a> {
    Plain,
    /// Over as many connections as there are.
    Ranges,
    /// What other blobs have of it from there.
    Rebuilt(Box<Rebuilt<'a>>),
}

impl<'a, Sink, Open, Finish> Layers<'a, Open, Finish>
where
    Sink: Write,
    Open: Fn(&Digest, Compression) -> Result<Sink> + Sync,
    Finish: Fn(Sink) -> Result<()> + Sync,
{
    pub fn new(
        engine: &'a Engine,
        registry: &'a Registry,
        unpack: &'a Unpack<'a, Open, Finish>,
        progress: Progress<'a>,
        known: &'a Known<'a>,
    ) -> Self {
        Self { engine, registry, unpack, progress, known, lanes: Lanes::default(), stop: AtomicBool::new(false) }
    }

    pub fn fetch(&self, layers: &[Layer]) -> Result<()> {
        let (mut blobs_seen, mut diff_ids_seen) = (HashSet::new(), HashSet::new());
        let mut work = Vec::new();
        for layer in layers {
            let is_new = diff_ids_seen.insert(layer.diff_id);
            if blobs_seen.insert(layer.blob.digest) || is_new {
                work.push(Work { layer, unpack: is_new && !layers::has(self.engine, &layer.diff_id) });
            }
        }
        transfer::each(work, &self.stop, |work| {
            self.layer(&work).with_context(|| format!("get layer {}", work.layer.blob.digest))
        })
    }

    fn layer(&self, work: &Work) -> Result<()> {
        let Descriptor { digest, size, .. } = work.layer.blob;
        if size > LAYER_BYTES_MAX {
            return Err(Kind::BadInput.error(format!("{size} bytes; at most {LAYER_BYTES_MAX} are fetched")));
        }
        let is_here = blobs::size(self.engine, &digest)? == Some(size);
        if is_here && !work.unpack {
            (self.progress)(Event::LayerPresent(digest));
            return Ok(());
        }
        (self.progress)(Event::LayerStarted { blob: digest, size });
        // A blob that has rotted on disk is fetched once more.
        if !is_here || self.unpack_stored(work).is_err() {
            self.download(work, is_here)?;
        }
        (self.progress)(Event::LayerDone(digest));
        Ok(())
    }

    fn unpack_stored(&self, work: &Work) -> Result<()> {
        let file = blobs::open(self.engine, &work.layer.blob.digest)?;
        let sink = (self.unpack.open)(&work.layer.diff_id, work.layer.compression)?;
        let sink = self.unpack.tee(&mut self.watched(file, work), &mut std::io::sink(), sink)?;
        (self.unpack.finish)(sink)
    }

    /// Fetches a blob, going on from where an earlier pull broke off. Others who want the same blob wait for this.
    fn download(&self, work: &Work, is_here: bool) -> Result<()> {
        let mut may_begin_again = true;
        loop {
            let Some(mut writer) = self.writer(work, is_here)? else { return self.take_stored(work) };
            let part = writer.part_bytes();
            let blob = &work.layer.blob;
            let way = match part < blob.size && may_begin_again {
                true => self.way(blob, part),
                false => Way::Plain,
            };
            let may_be_wrong = part > 0 || !matches!(way, Way::Plain);
            let (error, sink) = match self.receive(work, &mut writer, way) {
                Ok(sink) => match writer.finish(Some((work.layer.blob.digest, work.layer.blob.size))) {
                    // The compressed bytes are the right ones before what they unpack to can be seen.
                    Ok(_) => return sink.map_or(Ok(()), &self.unpack.finish),
                    Err(error) => (error, sink),
                },
                // Its source may have more to give the next time.
                Err(error) if error.is::<ReadLayer>() => return Err(error),
                Err(error) => {
                    writer.discard();
                    (error, None)
                }
            };
            drop(sink);
            // What was there before, or in another blob, may not have been a part of this one.
            if !may_be_wrong || !may_begin_again || fs::is_full(&error) {
                return Err(error);
            }
            may_begin_again = false;
        }
    }

    fn way(&self, blob: &Descriptor, part: u64) -> Way<'_> {
        match self.known.rebuild(self.registry, blob, part) {
            Some(rebuilt) => Way::Rebuilt(Box::new(rebuilt)),
            None if blob.size - part >= ranges::BYTES_MIN && self.lanes.have_room() => Way::Ranges,
            None => Way::Plain,
        }
    }

    /// Reads what there is of a blob and then the rest of it, into the writer and to the unpacker.
    fn receive(&self, work: &Work, writer: &mut blobs::Writer, way: Way) -> Result<Option<Sink>> {
        let blob = &work.layer.blob;
        let part = writer.part_bytes();
        let mut sink = match work.unpack {
            true => Some((self.unpack.open)(&work.layer.diff_id, work.layer.compression)?),
            false => None,
        };
        if part > 0 {
            sink = self.pass(&mut self.watched(&mut *writer, work), &mut std::io::sink(), sink)?;
        }
        if part == blob.size {
            return Ok(sink);
        }
        let mut take = |rest: &mut dyn Read| self.pass(&mut self.watched(rest, work), writer, sink.take());
        match way {
            Way::Rebuilt(mut rebuilt) => {
                let _lane = self.lanes.enter();
                return take(&mut rebuilt);
            }
            Way::Ranges => {
                let taken = Ranges::read(self.registry, blob, part, &self.lanes, &self.stop, &mut take);
                if let Some(taken) = taken {
                    return taken;
                }
            }
            Way::Plain => {}
        }
        let _lane = self.lanes.enter();
        take(&mut self.registry.rest_of_blob(&blob.digest, blob.size, part).context(ReadLayer)?)
    }

    fn pass(&self, stream: &mut dyn Read, blob: &mut dyn Write, sink: Option<Sink>) -> Result<Option<Sink>> {
        match sink {
            Some(sink) => self.unpack.tee(stream, blob, sink).map(Some),
            None => load::copy(stream, blob).map(|()| None),
        }
    }

    /// The right to download a blob; None if another has stored it in the meantime.
    fn writer(&self, work: &Work, is_here: bool) -> Result<Option<blobs::Writer<'_>>> {
        let Descriptor { digest, size, .. } = work.layer.blob;
        let (mut waits_since, mut bytes_then) = (None, 0);
        loop {
            let bytes = match blobs::Writer::resume(self.engine, &digest, size)? {
                Claim::Ours(_) if !is_here && blobs::size(self.engine, &digest)? == Some(size) => return Ok(None),
                Claim::Ours(writer) => return Ok(Some(writer)),
                Claim::Held { bytes } => bytes,
            };
            if self.stop.load(Ordering::Relaxed) {
                return Err(anyhow::Error::from(stopped()).context(ReadLayer));
            }
            let since = waits_since.get_or_insert_with(|| {
                (self.progress)(Event::LayerAwaited(digest));
                Instant::now()
            });
            if bytes != bytes_then {
                (*since, bytes_then) = (Instant::now(), bytes);
            } else if since.elapsed() > STALL_TIMEOUT {
                // Whoever has it may be stopped for good.
                return blobs::Writer::new(self.engine).map(Some);
            }
            std::thread::sleep(POLL_PAUSE);
        }
    }

    /// Takes over what another pull has stored.
    fn take_stored(&self, work: &Work) -> Result<()> {
        match work.unpack && !layers::has(self.engine, &work.layer.diff_id) {
            true => self.unpack_stored(work),
            false => Ok(()),
        }
    }

    fn watched<R: Read>(&self, source: R, work: &Work) -> Watched<'_, R> {
        Watched { source, blob: work.layer.blob.digest, progress: self.progress, stop: &self.stop }
    }
}

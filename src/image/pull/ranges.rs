//! One large blob over several connections: pieces of it come at the same time and are given on in order.
//!
//! Many servers give each connection only so much. Connections are those that the other layers of the pull leave over,
//! so that none of them is slowed down, and what waits in memory for its turn is bounded for all of them together.

use crate::error;
use crate::image::manifest::Descriptor;
use crate::image::registry::{Blob, Registry};
use crate::image::transfer::PARALLEL_MAX;
use crate::image::transfer::stopped;
use anyhow::{Result, bail};
use std::collections::BTreeMap;
use std::io::{Error, Read};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard};
use std::time::Duration;

/// At 5 MB/s a connection and 50 ms away, a request costs an eighth of what it brings.
const PIECE_BYTES: u64 = 2 << 20;
/// How much must be left of a blob for it to come in pieces; less is over before that pays.
pub const BYTES_MIN: u64 = 32 << 20;
/// How many pieces may be in memory, over all blobs of a pull, that it is not yet the turn of.
const PIECES_MAX: usize = 8;
/// Between two looks for a free connection.
const POLL_PAUSE: Duration = Duration::from_millis(20);

/// What the downloads of one pull share.
pub struct Lanes {
    connections: Slots,
    pieces: Slots,
    /// Memory for pieces, used again: given back, it would lie about in the heaps of several threads.
    buffers: Mutex<Vec<Vec<u8>>>,
}

impl Default for Lanes {
    fn default() -> Self {
        Self { connections: Slots::new(PARALLEL_MAX), pieces: Slots::new(PIECES_MAX), buffers: Mutex::default() }
    }
}

impl Lanes {
    /// The connection that a layer has in any case, for as long as the guard lives.
    pub fn enter(&self) -> Slot<'_> {
        self.connections.take()
    }

    fn buffer(&self) -> Vec<u8> {
        let spare = self.buffers.lock().expect("no holder of the lock panics").pop();
        spare.unwrap_or_else(|| Vec::with_capacity(PIECE_BYTES as usize))
    }

    fn give_back(&self, mut buffer: Vec<u8>) {
        buffer.clear();
        self.buffers.lock().expect("no holder of the lock panics").push(buffer);
    }

    /// Whether the other layers leave a second connection for one.
    pub fn have_room(&self) -> bool {
        self.connections.used.load(Ordering::Relaxed) + 1 < self.connections.max
    }
}

/// A number of things to be had, and how many of them are.
struct Slots {
    used: AtomicUsize,
    max: usize,
}

/// One of them; given back when dropped.
pub struct Slot<'a>(&'a AtomicUsize);

impl Slots {
    fn new(max: usize) -> Self {
        Self { used: AtomicUsize::new(0), max }
    }

    fn take(&self) -> Slot<'_> {
        self.used.fetch_add(1, Ordering::Relaxed);
        Slot(&self.used)
    }

    fn try_take(&self) -> Option<Slot<'_>> {
        let one_more = |used| (used < self.max).then_some(used + 1);
        let taken = self.used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_more);
        taken.ok().map(|_| Slot(&self.used))
    }
}

impl Drop for Slot<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A blob that comes in pieces.
pub struct Ranges<'a> {
    registry: &'a Registry,
    blob: Descriptor,
    lanes: &'a Lanes,
    stop: &'a AtomicBool,
    state: Mutex<State<'a>>,
    changed: Condvar,
}

struct State<'a> {
    /// The first byte of the piece that is read, or waited for.
    wanted: u64,
    /// The first byte that nobody fetches yet.
    next: u64,
    /// By their first bytes.
    ready: BTreeMap<u64, Piece<'a>>,
    /// Nothing more is to be fetched.
    over: bool,
}

struct Piece<'a> {
    /// None if it could not be fetched.
    bytes: Option<Vec<u8>>,
    /// Its place in memory, held as long as the piece is; one that is waited for needs none.
    room: Option<Slot<'a>>,
}

/// A piece to be fetched.
struct Claim<'a> {
    start: u64,
    room: Option<Slot<'a>>,
    lane: Slot<'a>,
}

impl<'a> Ranges<'a> {
    /// Gives the blob from this byte on to `reader`. None, without calling it, if the registry does not give parts.
    pub fn read<T>(
        registry: &'a Registry,
        blob: &Descriptor,
        from: u64,
        lanes: &'a Lanes,
        stop: &'a AtomicBool,
        reader: impl FnOnce(&mut dyn Read) -> T,
    ) -> Option<T> {
        let lane = lanes.enter();
        let next = blob.size.min(from + PIECE_BYTES);
        let first = registry.part_of_blob(&blob.digest, blob.size, from..next).ok()?;
        let state = Mutex::new(State { wanted: from, next, ready: BTreeMap::new(), over: false });
        let ranges = Self { registry, blob: blob.clone(), lanes, stop, state, changed: Condvar::new() };
        Some(std::thread::scope(|scope| {
            for _ in 0..PARALLEL_MAX {
                scope.spawn(|| ranges.fetch_pieces());
            }
            let piece = Piece { bytes: None, room: None };
            let result =
                reader(&mut Joined { ranges: &ranges, at: from, coming: Some((first, lane)), piece, taken: 0 });
            ranges.end();
            result
        }))
    }

    fn fetch_pieces(&self) {
        while let Some(Claim { start, room, lane }) = self.claim() {
            let bytes = self.fetch(start).ok();
            drop(lane);
            self.state().ready.insert(start, Piece { bytes, room });
            self.changed.notify_all();
        }
    }

    /// Waits for something to do; None if all is done.
    fn claim(&self) -> Option<Claim<'a>> {
        let mut state = self.state();
        loop {
            if state.over || state.next >= self.blob.size {
                return None;
            }
            if let Some((room, lane)) = self.admitted(state.next == state.wanted) {
                let start = state.next;
                state.next = self.end_of(start);
                return Some(Claim { start, room, lane });
            }
            state = self.changed.wait_timeout(state, POLL_PAUSE).expect("no holder of the lock panics").0;
        }
    }

    /// The right to fetch a piece: what is waited for comes in any case, what is ahead of that as there is room.
    fn admitted(&self, is_wanted: bool) -> Option<(Option<Slot<'a>>, Slot<'a>)> {
        if is_wanted {
            return Some((None, self.lanes.connections.take()));
        }
        let room = self.lanes.pieces.try_take()?;
        Some((Some(room), self.lanes.connections.try_take()?))
    }

    fn fetch(&self, start: u64) -> Result<Vec<u8>> {
        let end = self.end_of(start);
        let mut part = self.registry.part_of_blob(&self.blob.digest, self.blob.size, start..end)?;
        let mut bytes = self.lanes.buffer();
        let mut buffer = vec![0; 64 << 10];
        loop {
            if self.stop.load(Ordering::Relaxed) || self.state().over {
                bail!(stopped());
            }
            match part.read(&mut buffer)? {
                0 => return Ok(bytes),
                read => bytes.extend_from_slice(&buffer[..read]),
            }
        }
    }

    /// Waits for the piece that begins here.
    fn take(&self, start: u64) -> Piece<'a> {
        let mut state = self.state();
        state.wanted = start;
        self.changed.notify_all();
        loop {
            if let Some(piece) = state.ready.remove(&start) {
                return piece;
            }
            state = self.changed.wait(state).expect("no holder of the lock panics");
        }
    }

    fn end(&self) {
        let mut state = self.state();
        state.over = true;
        state.ready.clear();
        self.changed.notify_all();
    }

    fn end_of(&self, start: u64) -> u64 {
        self.blob.size.min(start + PIECE_BYTES)
    }

    fn state(&self) -> MutexGuard<'_, State<'a>> {
        self.state.lock().expect("no holder of the lock panics")
    }
}

/// The bytes in order. Where a piece cannot be had, all that is left comes over one connection.
struct Joined<'r, 'a> {
    ranges: &'r Ranges<'a>,
    /// The next byte.
    at: u64,
    /// What is read as it comes: the first piece, or the rest.
    coming: Option<(Blob<'a>, Slot<'a>)>,
    piece: Piece<'a>,
    /// How much of the piece has been given on.
    taken: usize,
}

impl Joined<'_, '_> {
    fn fetch_rest(&mut self) -> std::io::Result<()> {
        let Ranges { registry, blob, lanes, .. } = self.ranges;
        self.ranges.end();
        let lane = lanes.enter();
        let rest = registry.rest_of_blob(&blob.digest, blob.size, self.at);
        self.coming = Some((rest.map_err(|error| Error::other(error::line(&error)))?, lane));
        Ok(())
    }
}

impl Read for Joined<'_, '_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        while !buffer.is_empty() {
            if let Some((blob, _)) = &mut self.coming {
                let read = blob.read(buffer)?;
                self.at += read as u64;
                if read > 0 {
                    return Ok(read);
                }
                self.coming = None;
            }
            let left = self.piece.bytes.as_ref().map_or(&[][..], |bytes| &bytes[self.taken..]);
            if !left.is_empty() {
                let read = left.len().min(buffer.len());
                buffer[..read].copy_from_slice(&left[..read]);
                self.taken += read;
                self.at += read as u64;
                return Ok(read);
            }
            if self.at == self.ranges.blob.size {
                break;
            }
            self.taken = 0;
            // Its place in memory is another's while this waits.
            let read = std::mem::replace(&mut self.piece, Piece { bytes: None, room: None });
            read.bytes.into_iter().for_each(|bytes| self.ranges.lanes.give_back(bytes));
            drop(read.room);
            self.piece = self.ranges.take(self.at);
            if self.ranges.stop.load(Ordering::Relaxed) {
                return Err(stopped());
            }
            if self.piece.bytes.is_none() {
                self.fetch_rest()?;
            }
        }
        Ok(0)
    }
}

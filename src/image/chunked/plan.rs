//! Which bytes of a new blob come from where.

use super::toc::{Key, Toc};

/// A copy of fewer bytes is not worth that what lies around it takes two requests.
const COPY_BYTES_MIN: u64 = 32 << 10;
/// The most requests for one blob; it is copied less, to have fewer.
const REQUESTS_MAX: usize = 128;
/// What must be copied for it to be worthwhile: so many bytes, and this part of all.
const SAVED_BYTES_MIN: u64 = 1 << 20;
const SAVED_PART_MIN: u64 = 5;

/// A blob's bytes in order, without gaps.
#[derive(Debug, PartialEq, Eq)]
pub struct Plan {
    pub pieces: Vec<Piece>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Piece {
    pub start: u64,
    pub end: u64,
    pub source: Source,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    Fetched,
    /// From one of the files, from this offset on.
    Copied {
        file: usize,
        offset: u64,
    },
    /// It came with the table.
    Tail,
}

impl Piece {
    fn is_copied(&self) -> bool {
        matches!(self.source, Source::Copied { .. })
    }

    fn length(&self) -> u64 {
        self.end - self.start
    }
}

impl Plan {
    /// For a blob of this size from a byte on. `find` tells in which file, and where, a span is.
    pub fn new(toc: &Toc, from: u64, size: u64, find: impl Fn(Key, u64) -> Option<(usize, u64)>) -> Self {
        let tail = toc.tail.from;
        let mut pieces: Vec<Piece> = Vec::new();
        for span in &toc.spans {
            let source = match find(span.key, span.length) {
                Some((file, offset)) => Source::Copied { file, offset },
                None => Source::Fetched,
            };
            push(&mut pieces, Piece { start: span.at, end: span.at + span.length, source });
        }
        cut(&mut pieces, from, tail);
        copy_less(&mut pieces);
        let saved: u64 = pieces.iter().filter(|piece| piece.is_copied()).map(Piece::length).sum();
        if saved < SAVED_BYTES_MIN || saved < size / SAVED_PART_MIN {
            pieces.clear();
        }
        let mut whole = Vec::new();
        let covered = pieces.last().map_or(from, |last| last.end);
        pieces.into_iter().for_each(|piece| push(&mut whole, piece));
        push(&mut whole, Piece { start: covered, end: tail, source: Source::Fetched });
        push(&mut whole, Piece { start: tail.max(from), end: size, source: Source::Tail });
        Self { pieces: whole }
    }
}

/// Adds a piece, if it has any bytes, to what comes before it.
fn push(pieces: &mut Vec<Piece>, piece: Piece) {
    if piece.end <= piece.start {
        return;
    }
    if let Some(last) = pieces.last_mut() {
        let goes_on = match (last.source, piece.source) {
            (Source::Fetched, Source::Fetched) => true,
            (Source::Copied { file, offset }, Source::Copied { file: next, offset: at }) => {
                file == next && offset + last.length() == at
            }
            _ => false,
        };
        if goes_on {
            last.end = piece.end;
            return;
        }
    }
    pieces.push(piece);
}

/// Leaves out what lies before `from` or after `to`.
fn cut(pieces: &mut Vec<Piece>, from: u64, to: u64) {
    for piece in pieces.iter_mut() {
        let start = piece.start.max(from).min(piece.end);
        if let Source::Copied { offset, .. } = &mut piece.source {
            *offset += start - piece.start;
        }
        (piece.start, piece.end) = (start, piece.end.min(to));
    }
    pieces.retain(|piece| piece.start < piece.end);
}

/// Fetches what lies between two fetched pieces and is small, until there are few enough of them.
fn copy_less(pieces: &mut [Piece]) {
    let runs = |pieces: &[Piece]| -> Vec<u64> {
        let runs = pieces.chunk_by(|a, b| a.is_copied() == b.is_copied()).filter(|run| run[0].is_copied());
        runs.map(|run| run.iter().map(Piece::length).sum()).collect()
    };
    let mut lengths = runs(pieces);
    lengths.sort_unstable();
    // One more run is fetched before or after all copies.
    let surplus = lengths.len().saturating_sub(REQUESTS_MAX - 2);
    let least = lengths[..surplus].last().map_or(0, |length| length + 1).max(COPY_BYTES_MIN);
    for run in pieces.chunk_by_mut(|a, b| a.is_copied() == b.is_copied()) {
        if run.iter().map(Piece::length).sum::<u64>() < least {
            run.iter_mut().for_each(|piece| piece.source = Source::Fetched);
        }
    }
}

#[cfg(test)]
mod tests;

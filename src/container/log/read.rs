//! Reading a log again: from a time on or from so many lines before its end, without reading the rest.

use super::{Format, skip_line};
use crate::fs;
use anyhow::{Context, Result};
use flate2::read::MultiGzDecoder;
use std::fs::File;
use std::io::Read;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

/// How much is read at once.
const BLOCK_BYTES: usize = 256 << 10;

/// A longer line is none of ours: what is written at once, every byte escaped, and what stands around it.
const LINE_BYTES_MAX: usize = 1 << 20;

/// The lines of one file, which may still grow.
pub struct Lines {
    source: Source,
    buffer: Vec<u8>,
    /// Where the next line begins, up to where there is no end of a line, and how far the buffer is filled.
    start: usize,
    searched: usize,
    filled: usize,
    /// Whether a line that is too long is being passed over.
    skips: bool,
}

enum Source {
    Plain(File),
    Compressed(Box<MultiGzDecoder<File>>),
}

impl Lines {
    /// From a byte of the file on; a compressed one is always read from its beginning.
    pub fn open(path: &Path, offset: u64) -> Result<Self> {
        use std::io::{Seek, SeekFrom};
        let mut file = fs::open_for_reading(path)?;
        let source = if is_compressed(path) {
            Source::Compressed(Box::new(MultiGzDecoder::new(file)))
        } else {
            file.seek(SeekFrom::Start(offset)).context("seek in the log")?;
            Source::Plain(file)
        };
        Ok(Self { source, buffer: Vec::new(), start: 0, searched: 0, filled: 0, skips: false })
    }

    /// The file, to know it again under another name.
    pub fn inode(&self) -> Option<u64> {
        use std::os::unix::fs::MetadataExt;
        match &self.source {
            Source::Plain(file) => file.metadata().ok().map(|status| status.ino()),
            Source::Compressed(_) => None,
        }
    }

    /// One whole line without its end. None at the end of the file, and before the end of a line that is being written.
    pub fn next(&mut self) -> Result<Option<&[u8]>> {
        loop {
            let mut rest = &self.buffer[self.searched..self.filled];
            let length = skip_line(&mut rest);
            let end = self.searched + length;
            if length > 0 && self.buffer[end - 1] == b'\n' {
                let line = self.start..end - 1;
                (self.start, self.searched) = (end, end);
                if !std::mem::take(&mut self.skips) {
                    return Ok(Some(&self.buffer[line]));
                }
                continue;
            }
            self.searched = self.filled;
            if !self.fill()? {
                return Ok(None);
            }
        }
    }

    /// False at the end of the file.
    fn fill(&mut self) -> Result<bool> {
        self.buffer.copy_within(self.start..self.filled, 0);
        self.filled -= self.start;
        (self.start, self.searched) = (0, self.filled);
        if self.filled > LINE_BYTES_MAX {
            (self.filled, self.searched, self.skips) = (0, 0, true);
        }
        if self.buffer.len() < self.filled + BLOCK_BYTES / 2 {
            self.buffer.resize(self.filled + BLOCK_BYTES, 0);
        }
        let space = &mut self.buffer[self.filled..];
        let length = match &mut self.source {
            Source::Plain(file) => file.read(space),
            Source::Compressed(decoder) => decoder.read(space),
        };
        let length = length.context("read the log")?;
        self.filled += length;
        Ok(length > 0)
    }
}

fn is_compressed(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "gz")
}

/// What of a log is wanted. Times are text of one format and zone, which compares as they do.
pub struct Reading<'a> {
    pub format: Format,
    pub since: Option<&'a str>,
    pub until: Option<&'a str>,
    /// How many lines before the end.
    pub tail: Option<u64>,
}

/// Where reading begins: a file, a byte of it, and how many whole lines from there on are passed over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Start {
    pub file: usize,
    pub offset: u64,
    pub skipped: u64,
}

impl Reading<'_> {
    /// Finds where to begin in files that are given oldest first.
    pub fn start(&self, files: &[PathBuf]) -> Result<Start> {
        let mut start = Start::default();
        if let Some(since) = self.since {
            for (index, file) in files.iter().enumerate().rev() {
                if self.first_time(file)?.is_some_and(|time| time.as_str() < since) {
                    let offset = self.find(file, &|time| time >= since)?;
                    start = Start { file: index, offset, skipped: 0 };
                    break;
                }
            }
        }
        match self.tail {
            Some(tail) => self.before_end(files, start, tail),
            None => Ok(start),
        }
    }

    /// The beginning of the last `tail` whole lines, though not before `earliest`.
    fn before_end(&self, files: &[PathBuf], earliest: Start, tail: u64) -> Result<Start> {
        let mut wanted = tail;
        for (index, path) in files.iter().enumerate().skip(earliest.file).rev() {
            if is_compressed(path) {
                let whole = self.count_whole(path)?;
                if whole >= wanted {
                    return Ok(Start { file: index, offset: 0, skipped: whole - wanted });
                }
                wanted -= whole;
                continue;
            }
            let begin = if index == earliest.file { earliest.offset } else { 0 };
            let file = fs::open_for_reading(path)?;
            let end = match self.until {
                Some(until) => self.find(path, &|time| time > until)?,
                None => file.metadata().context("stat the log")?.len(),
            };
            if let Some(offset) = self.count_back(&file, begin, end, &mut wanted)? {
                return Ok(Start { file: index, offset, skipped: 0 });
            }
        }
        Ok(earliest)
    }

    fn first_time(&self, file: &Path) -> Result<Option<String>> {
        let mut lines = Lines::open(file, 0)?;
        let line = lines.next()?;
        Ok(line.and_then(|line| self.format.parse(line)).map(|entry| entry.time.into_owned()))
    }

    fn count_whole(&self, file: &Path) -> Result<u64> {
        let mut lines = Lines::open(file, 0)?;
        let mut count = 0;
        while let Some(line) = lines.next()? {
            count += u64::from(self.is_whole(line));
        }
        Ok(count)
    }

    fn is_whole(&self, line: &[u8]) -> bool {
        self.format.parse(line).is_none_or(|entry| entry.is_complete)
    }

    /// The first line whose time fits, by halves: times only grow. A compressed file is read from its beginning.
    fn find(&self, path: &Path, fits: &dyn Fn(&str) -> bool) -> Result<u64> {
        if is_compressed(path) {
            return Ok(0);
        }
        let file = fs::open_for_reading(path)?;
        let (mut low, mut high) = (0, file.metadata().context("stat the log")?.len());
        let mut block = vec![0; BLOCK_BYTES];
        while high - low > BLOCK_BYTES as u64 {
            let middle = low + (high - low) / 2;
            let length = file.read_at(&mut block, middle).context("read the log")?;
            let mut rest = &block[..length];
            // The line in whose middle this may be belongs to the lower half.
            let begin = middle + skip_line(&mut rest) as u64;
            let line = rest.split(|byte| *byte == b'\n').next().unwrap_or_default();
            match self.format.parse(line) {
                Some(entry) if begin < high && !fits(&entry.time) => low = begin,
                _ => high = middle,
            }
        }
        let mut lines = Lines::open(path, low)?;
        while let Some(line) = lines.next()? {
            let length = line.len() as u64 + 1;
            if self.format.parse(line).is_some_and(|entry| fits(&entry.time)) {
                break;
            }
            low += length;
        }
        Ok(low)
    }

    /// Counts whole lines from `end` back to `begin`: where the last `wanted` of them begin, or None if there are fewer,
    /// which are then taken off.
    fn count_back(&self, file: &File, begin: u64, end: u64, wanted: &mut u64) -> Result<Option<u64>> {
        let mut position = end;
        // The rest of a line whose beginning is in the block before.
        let mut rest: Vec<u8> = Vec::new();
        // What stands behind the last end of a line is being written.
        let mut is_last = true;
        while position > begin {
            let length = (position - begin).min(BLOCK_BYTES as u64);
            position -= length;
            let mut block = vec![0; length as usize];
            file.read_exact_at(&mut block, position).context("read the log")?;
            let mut line_end = block.len();
            for index in (0..block.len()).rev().filter(|index| block[*index] == b'\n') {
                let line = [&block[index + 1..line_end], &std::mem::take(&mut rest)].concat();
                line_end = index;
                if std::mem::take(&mut is_last) || !self.is_whole(&line) {
                    continue;
                }
                if *wanted == 0 {
                    return Ok(Some(position + index as u64 + 1 + line.len() as u64 + 1));
                }
                *wanted -= 1;
            }
            rest = [&block[..line_end], &rest].concat();
            if rest.len() > LINE_BYTES_MAX {
                rest.clear();
            }
        }
        if !is_last && self.is_whole(&rest) {
            if *wanted == 0 {
                return Ok(Some(begin + rest.len() as u64 + 1));
            }
            *wanted -= 1;
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::container::log::rfc3339_nanoseconds;
    use crate::store::tests::Scratch;
    use std::io::Write;

    const COUNT: u64 = 50_000;

    fn time(number: u64) -> String {
        rfc3339_nanoseconds((1_000_000 + number) * 1_000_000_000)
    }

    /// A log of three files, the middle one perhaps compressed; every fifth line is in two pieces.
    fn log(scratch: &Scratch, compressed: bool) -> Vec<PathBuf> {
        fs::create_dir_all(&scratch.engine.run).unwrap();
        let mut files = Vec::new();
        for part in 0..3 {
            let mut text = Vec::new();
            for number in part * COUNT..(part + 1) * COUNT {
                if number % 5 == 0 {
                    writeln!(text, "{} stdout P a", time(number)).unwrap();
                }
                writeln!(text, "{} stdout F {number}", time(number)).unwrap();
            }
            let is_compressed = compressed && part == 1;
            let path =
                scratch.engine.run.join(if is_compressed { "log.1.gz".to_owned() } else { format!("log.{part}") });
            if is_compressed {
                let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
                encoder.write_all(&text).unwrap();
                text = encoder.finish().unwrap();
            }
            fs::write_plain(&path, &text, 0o600).unwrap();
            files.push(path);
        }
        files
    }

    fn read(files: &[PathBuf], since: Option<u64>, until: Option<u64>, tail: Option<u64>) -> Vec<u64> {
        let (since, until) = (since.map(time), until.map(time));
        let (since, until) = (since.as_deref(), until.as_deref());
        let reading = Reading { format: Format::K8s, since, until, tail };
        let start = reading.start(files).unwrap();
        let mut numbers = Vec::new();
        let mut skipped = start.skipped;
        for (index, file) in files.iter().enumerate().skip(start.file) {
            let mut lines = Lines::open(file, if index == start.file { start.offset } else { 0 }).unwrap();
            while let Some(line) = lines.next().unwrap() {
                let entry = Format::K8s.parse(line).unwrap();
                if skipped > 0 {
                    skipped -= u64::from(entry.is_complete);
                } else if entry.is_complete
                    && since.is_none_or(|since| &*entry.time >= since)
                    && until.is_none_or(|until| &*entry.time <= until)
                {
                    numbers.push(std::str::from_utf8(&entry.text).unwrap().parse().unwrap());
                }
            }
        }
        numbers
    }

    #[test]
    fn every_cut_begins_and_ends_where_it_should() {
        for compressed in [false, true] {
            let scratch = Scratch::new();
            let files = log(&scratch, compressed);
            let all = 3 * COUNT;
            let range = |from: u64, to: u64| (from..to).collect::<Vec<_>>();
            assert_eq!(read(&files, None, None, None), range(0, all));
            for tail in [1, 4, 5, 6, 777, COUNT - 1, COUNT, COUNT + 1, 2 * COUNT + 3, all, all + 9] {
                assert_eq!(read(&files, None, None, Some(tail)), range(all.saturating_sub(tail), all), "{tail}");
            }
            for since in [0, 1, 12_345, COUNT - 1, COUNT, COUNT + 1, 2 * COUNT + 40_000, all - 1, all + 5] {
                assert_eq!(read(&files, Some(since), None, None), range(since.min(all), all), "{since}");
            }
            assert_eq!(read(&files, Some(10), Some(20), None), range(10, 21));
            assert_eq!(read(&files, Some(140_000), None, Some(5)), range(all - 5, all));
            assert_eq!(read(&files, Some(149_998), None, Some(50)), range(149_998, all));
        }
        let scratch = Scratch::new();
        let files = log(&scratch, false);
        assert_eq!(read(&files, None, Some(120_000), Some(3)), [119_998, 119_999, 120_000]);
        assert_eq!(read(&files, None, Some(30_000), Some(2)), [29_999, 30_000]);
    }

    #[test]
    fn a_growing_file_gives_whole_lines_only() {
        let scratch = Scratch::new();
        fs::create_dir_all(&scratch.engine.run).unwrap();
        let path = scratch.engine.run.join("log");
        let mut file = fs::open_append(&path).unwrap();
        file.write_all(b"one\ntw").unwrap();
        let mut lines = Lines::open(&path, 0).unwrap();
        assert_eq!(lines.next().unwrap(), Some(&b"one"[..]));
        assert_eq!(lines.next().unwrap(), None);
        file.write_all(b"o\n").unwrap();
        assert_eq!(lines.next().unwrap(), Some(&b"two"[..]));
        file.write_all(&vec![b'x'; 3 * LINE_BYTES_MAX]).unwrap();
        file.write_all(b"\nthree\n").unwrap();
        assert_eq!(lines.next().unwrap(), Some(&b"three"[..]));
    }
}

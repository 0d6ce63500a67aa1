//! Files of lines with bounds: when one is full the next is begun, and the oldest goes.

use crate::container::config::Logging;
use crate::fs;
use crate::sys::process::{self, Child, Cloned};
use anyhow::{Context, Result};
use flate2::Compression;
use flate2::write::GzEncoder;
use std::io::Write;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};

/// How large one file grows before the next is begun.
const FILE_BYTES_MAX: u64 = 10 << 20;

/// How many files are kept: the current one, `log.1` and `log.2`.
const FILES_MAX: u32 = 3;

/// More files than a log ever has.
const FILES_LIMIT: u32 = 100;

/// How much is written at once.
const BUFFER_BYTES: usize = 64 << 10;

/// The writing end of such files. Nothing is opened before there is something to write.
pub struct Rotating {
    path: PathBuf,
    size_max: u64,
    files_max: u32,
    compress: bool,
    file: Option<std::fs::File>,
    size: u64,
    /// Lines that are not written yet.
    buffer: Vec<u8>,
    /// Who compresses the file before this one.
    compressing: Option<Child>,
}

impl Rotating {
    pub fn at(path: PathBuf, logging: &Logging) -> Self {
        Self {
            path,
            size_max: logging.size_bytes_max.unwrap_or(FILE_BYTES_MAX),
            files_max: logging.files_max.unwrap_or(FILES_MAX),
            compress: logging.compress,
            file: None,
            size: 0,
            buffer: Vec::new(),
            compressing: None,
        }
    }

    /// Where the next line goes.
    pub fn line(&mut self) -> &mut Vec<u8> {
        if self.buffer.capacity() == 0 {
            self.buffer.reserve(BUFFER_BYTES / 16);
        }
        &mut self.buffer
    }

    /// A line is complete. Many short ones are more than what was read, so they are written as they come.
    pub fn end_line(&mut self) -> Result<()> {
        let at_once = BUFFER_BYTES.min(usize::try_from(self.size_max / 4).unwrap_or(BUFFER_BYTES));
        if self.buffer.len() >= at_once { self.write() } else { Ok(()) }
    }

    /// All lines of this time are there.
    pub fn flush(&mut self) -> Result<()> {
        let written = if self.buffer.is_empty() { Ok(()) } else { self.write() };
        // Between two outputs nothing is kept.
        self.buffer = Vec::new();
        written
    }

    fn write(&mut self) -> Result<()> {
        let written = self.write_buffer();
        self.buffer.clear();
        written
    }

    fn write_buffer(&mut self) -> Result<()> {
        if self.file.is_none() {
            let file = fs::open_log(&self.path)?;
            self.size = file.metadata()?.len();
            self.file = Some(file);
        }
        if self.size > 0 && self.size.saturating_add(self.buffer.len() as u64) > self.size_max {
            self.rotate()?;
            self.file = Some(fs::open_log(&self.path)?);
        }
        let file = self.file.as_mut().context("the log is open")?;
        file.write_all(&self.buffer)?;
        self.size += self.buffer.len() as u64;
        Ok(())
    }

    fn rotate(&mut self) -> Result<()> {
        self.file = None;
        self.size = 0;
        self.finish_compressing();
        if self.files_max == 1 {
            return fs::remove_file(&self.path);
        }
        for number in (1..self.files_max).rev() {
            let from = if number == 1 { self.path.clone() } else { numbered(&self.path, number - 1) };
            let to = numbered(&self.path, number);
            // One of the two has the number; the other is of an older run, with other options.
            if fs::rename_if_there(&compressed(&from), &compressed(&to))? {
                fs::remove_file(&to)?;
            } else if fs::rename_if_there(&from, &to)? {
                fs::remove_file(&compressed(&to))?;
            }
        }
        if self.compress {
            self.compressing = compress(&numbered(&self.path, 1));
        }
        Ok(())
    }

    /// A flood that is faster than the compression waits for it.
    fn finish_compressing(&mut self) {
        if let Some(child) = self.compressing.take() {
            let _ = process::wait(child.pidfd.as_fd());
        }
    }
}

/// Compresses a file in a process of its own, so that nobody waits for it. None if there can be none; it stays as it is.
fn compress(path: &Path) -> Option<Child> {
    match process::fork().ok()? {
        Cloned::Parent(child) => Some(child),
        Cloned::Child => {
            // Nothing of the monitor's may live on in here, least of all its lock.
            let done = process::close_all_but(&[]).and_then(|()| try_compress(path));
            process::exit_now(i32::from(done.is_err()))
        }
    }
}

fn try_compress(path: &Path) -> Result<()> {
    let unfinished = PathBuf::from(format!("{}.tmp", compressed(path).display()));
    fs::remove_file(&unfinished)?;
    let mut from = fs::open_for_reading(path)?;
    let mut encoder = GzEncoder::new(fs::create_new(&unfinished)?, Compression::fast());
    std::io::copy(&mut from, &mut encoder)?;
    encoder.finish()?;
    fs::rename_if_there(&unfinished, &compressed(path))?;
    fs::remove_file(path)
}

fn numbered(path: &Path, number: u32) -> PathBuf {
    PathBuf::from(format!("{}.{number}", path.display()))
}

fn compressed(path: &Path) -> PathBuf {
    PathBuf::from(format!("{}.gz", path.display()))
}

/// The files of a log that exist, oldest first.
pub fn files(path: &Path, logging: &Logging) -> Vec<PathBuf> {
    let count = logging.files_max.unwrap_or(FILES_MAX).min(FILES_LIMIT);
    let mut files = Vec::new();
    for number in (1..count).rev() {
        let plain = numbered(path, number);
        // The plain one first: it is removed only when the other is complete.
        if plain.exists() {
            files.push(plain);
        } else {
            files.extend(Some(compressed(&plain)).filter(|file| file.exists()));
        }
    }
    files.extend(Some(path.to_owned()).filter(|file| file.exists()));
    files
}

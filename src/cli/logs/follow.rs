//! Logs that are printed as they grow, until their containers have ended.

use super::print::Printer;
use super::{Selection, Source};
use crate::container::control::Connection;
use crate::container::log::{self, Lines};
use crate::container::state::Status;
use anyhow::{Context as _, Result};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use rustix::fs::inotify;
use std::os::fd::{AsFd, OwnedFd};

/// One log, and what tells of its growth and of its container's end.
struct Followed<'a> {
    source: &'a Source,
    watch: OwnedFd,
    /// Closed when the container's monitor has ended; a container that is started again goes on in the same one.
    monitor: Connection,
    current: Option<Lines>,
}

/// Prints the logs and what is added to them.
pub fn follow(sources: &[Source], selection: &Selection, printer: &mut Printer) -> Result<()> {
    let mut followed = Vec::new();
    for source in sources {
        // Watched before the log is read: what is added in between is then still heard of, and the end too.
        let watch = watch(source)?;
        let monitor = match source.container.status {
            Status::Running | Status::Paused => Connection::open(&source.container).ok(),
            _ => None,
        };
        let current = source.print(selection, printer)?;
        if let Some(monitor) = monitor {
            followed.push(Followed { source, watch, monitor, current });
        }
    }
    printer.flush();
    while !followed.is_empty() {
        let mut polled: Vec<PollFd<'_>> = followed
            .iter()
            .flat_map(|one| [one.watch.as_fd(), one.monitor.as_fd()])
            .map(|fd| PollFd::new(fd, PollFlags::POLLIN))
            .collect();
        match poll(&mut polled, PollTimeout::NONE) {
            Ok(_) | Err(nix::errno::Errno::EINTR) => {}
            Err(errno) => return Err(errno).context("poll"),
        }
        let ready: Vec<bool> =
            polled.iter().map(|fd| fd.revents().is_some_and(|events| !events.is_empty())).collect();
        let mut ended = Vec::new();
        for (one, ready) in followed.iter_mut().zip(ready.chunks(2)) {
            // In this order: what was written before the end is then read after it was heard of.
            let goes_on = if ready.contains(&true) { one.print_more(printer)? } else { true };
            ended.push(ready[1] || !goes_on);
        }
        let mut ended = ended.into_iter();
        followed.retain(|_| !ended.next().unwrap_or(false));
        printer.flush();
    }
    Ok(())
}

fn watch(source: &Source) -> Result<OwnedFd> {
    let dir = source.path.parent().context("a log lies in a directory")?;
    let flags = inotify::CreateFlags::CLOEXEC | inotify::CreateFlags::NONBLOCK;
    let watch = inotify::init(flags).context("inotify_init")?;
    let events = inotify::WatchFlags::MODIFY | inotify::WatchFlags::CREATE;
    inotify::add_watch(&watch, dir, events).context("watch the log")?;
    Ok(watch)
}

impl Followed<'_> {
    /// False if nothing more is wanted of it.
    fn print_more(&mut self, printer: &mut Printer) -> Result<bool> {
        let begun = self.files_begun();
        if !self.print_current(printer)? {
            return Ok(false);
        }
        if begun == 0 && self.current.is_some() {
            return Ok(true);
        }
        // The file that was read may have another name by now; what came after it comes next.
        let files = log::files(&self.source.path, &self.source.container.config.logging);
        let inode = self.current.as_ref().and_then(Lines::inode);
        let known = files
            .iter()
            .position(|file| inode.is_some() && Lines::open(file, 0).is_ok_and(|lines| lines.inode() == inode));
        let first = known.map_or_else(|| files.len().saturating_sub(begun.max(1)), |position| position + 1);
        for file in &files[first.min(files.len())..] {
            self.current = Some(Lines::open(file, 0)?);
            if !self.print_current(printer)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn print_current(&mut self, printer: &mut Printer) -> Result<bool> {
        let Some(lines) = &mut self.current else { return Ok(true) };
        while let Some(line) = lines.next()? {
            if let Some(entry) = self.source.format.parse(line)
                && !printer.print(&self.source.label, &entry)?
            {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// How many files of this log have been begun since this was asked last.
    fn files_begun(&self) -> usize {
        let name = self.source.path.file_name().unwrap_or_default().as_encoded_bytes();
        let mut space = [std::mem::MaybeUninit::uninit(); 4096];
        let mut events = inotify::Reader::new(&self.watch, &mut space);
        let mut count = 0;
        while let Ok(event) = events.next() {
            let is_log = event.file_name().is_some_and(|file| file.to_bytes() == name);
            count += usize::from(is_log && event.events().contains(inotify::ReadFlags::CREATE));
        }
        count
    }
}

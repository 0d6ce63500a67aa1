//! pipe(7): what bytes pass through on their way from one socket to another, without being copied.

use rustix::io::{Errno, read};
use rustix::pipe::{PipeFlags, SpliceFlags, fcntl_getpipe_size, fcntl_setpipe_size, pipe_with, splice};
use std::os::fd::{AsFd, OwnedFd};

/// What it is to hold, in bytes. A smaller one is only slower.
const WANTED: usize = 256 << 10;

/// The one pipe of a forwarder, empty between the turns of its connections. One for each would use up what pipe(7) allows
/// to all programs of the user's together, and where others have used that up, they would hold 8 KiB each.
pub struct Pipe {
    reader: OwnedFd,
    writer: OwnedFd,
    held: usize,
    size: usize,
}

impl Pipe {
    pub fn new() -> Result<Self, Errno> {
        let (reader, writer) = pipe_with(PipeFlags::CLOEXEC | PipeFlags::NONBLOCK)?;
        let size = fcntl_getpipe_size(&writer)?;
        Ok(Self { reader, writer, held: 0, size })
    }

    pub fn is_empty(&self) -> bool {
        self.held == 0
    }

    /// Takes at most so many bytes from a socket, and from no other: EAGAIN is the socket's, as the pipe is empty before. 0 at the end of the stream, and before urgent data.
    pub fn fill(&mut self, source: impl AsFd, most: usize) -> Result<usize, Errno> {
        // What could not be taken out for a connection that broke is for no other.
        if !self.is_empty() {
            *self = Self::new()?;
        }
        let flags = SpliceFlags::NONBLOCK | SpliceFlags::MOVE;
        self.held = splice(source, None, &self.writer, None, most.min(WANTED), flags)?;
        // Only who moves much needs a large one. It may be full of packets, of which each counts as a page.
        if self.size < WANTED && self.held >= self.size / 4 && fcntl_setpipe_size(&self.writer, WANTED).is_ok() {
            self.size = WANTED;
        }
        Ok(self.held)
    }

    /// Gives bytes on to a socket.
    pub fn drain(&mut self, sink: impl AsFd) -> Result<(), Errno> {
        let flags = SpliceFlags::NONBLOCK | SpliceFlags::MOVE;
        match splice(&self.reader, None, sink, None, self.held, flags)? {
            0 => Err(Errno::IO),
            given => {
                self.held = self.held.saturating_sub(given);
                Ok(())
            }
        }
    }

    /// Empties it.
    pub fn take(&mut self) -> Result<Vec<u8>, Errno> {
        let mut bytes = vec![0; self.held];
        let mut rest = &mut bytes[..];
        while !rest.is_empty() {
            let count = read(&self.reader, &mut *rest)?;
            if count == 0 {
                return Err(Errno::IO);
            }
            rest = &mut rest[count..];
        }
        self.held = 0;
        Ok(bytes)
    }
}

//! pipe(7): what bytes pass through on their way from one socket to another, without being copied.

use rustix::io::Errno;
use rustix::pipe::{PipeFlags, SpliceFlags, fcntl_setpipe_size, pipe_with, splice};
use std::os::fd::{AsFd, OwnedFd};

/// How many empty pipes are kept, and how many are large. Only a way whose bytes are stuck holds on to one, so few are
/// needed; many clients that do not read get small ones.
const FEW: usize = 16;

/// What a large pipe holds, if the user has not used up what pipe(7) allows. A smaller one is only slower.
const PIPE_BYTES: usize = 256 << 10;

/// An empty pipe, or the bytes of one way.
pub struct Pipe {
    reader: OwnedFd,
    writer: OwnedFd,
    held: usize,
    is_large: bool,
}

impl Pipe {
    fn new(is_large: bool) -> Result<Self, Errno> {
        let (reader, writer) = pipe_with(PipeFlags::CLOEXEC | PipeFlags::NONBLOCK)?;
        if is_large {
            let _ = fcntl_setpipe_size(&writer, PIPE_BYTES);
        }
        Ok(Self { reader, writer, held: 0, is_large })
    }

    pub fn is_empty(&self) -> bool {
        self.held == 0
    }

    /// Takes bytes from a socket into an empty pipe. 0 at the end of the stream.
    pub fn fill(&mut self, source: impl AsFd) -> Result<usize, Errno> {
        debug_assert!(self.is_empty(), "EAGAIN is the socket's");
        let flags = SpliceFlags::NONBLOCK | SpliceFlags::MOVE;
        self.held = splice(source, None, &self.writer, None, PIPE_BYTES, flags)?;
        Ok(self.held)
    }

    /// Gives bytes on to a socket.
    pub fn drain(&mut self, sink: impl AsFd) -> Result<(), Errno> {
        let flags = SpliceFlags::NONBLOCK | SpliceFlags::MOVE;
        let given = splice(&self.reader, None, sink, None, self.held, flags)?;
        self.held = self.held.saturating_sub(given);
        Ok(())
    }
}

/// The pipes that are not in use.
#[derive(Default)]
pub struct Pipes {
    idle: Vec<Pipe>,
    /// How many large ones there are, in use or not.
    large: usize,
}

impl Pipes {
    pub fn take(&mut self) -> Result<Pipe, Errno> {
        if let Some(pipe) = self.idle.pop() {
            return Ok(pipe);
        }
        let pipe = Pipe::new(self.large < FEW)?;
        self.large += usize::from(pipe.is_large);
        Ok(pipe)
    }

    pub fn give_back(&mut self, pipe: Pipe) {
        if pipe.is_empty() && self.idle.len() < FEW {
            self.idle.push(pipe);
        } else {
            self.large -= usize::from(pipe.is_large);
        }
    }
}

//! Bodies as they come in and go out: how slowly they may, and where they end.

use super::{HEADER_BYTES_MAX, framing};
use std::fs::File;
use std::io::Read;
use std::os::unix::fs::FileExt;
use std::time::{Duration, Instant};

/// What must pass per second, on average over the idle time, for a server to be waited for.
const RATE_BYTES_MIN: u64 = 1 << 10;

/// A body as it comes in. Fails when it comes too slowly, or ends before its announced length.
pub struct Body {
    inner: ureq::BodyReader<'static>,
    pace: Pace,
}

impl Read for Body {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let start = Instant::now();
        let read = framing::within(HEADER_BYTES_MAX, self.pace.idle, || self.inner.read(buffer));
        let read = read.map_err(|error| self.plain(error))?;
        self.pace.note(start.elapsed(), read, "sends")?;
        Ok(read)
    }
}

impl Body {
    pub(super) fn new(inner: ureq::BodyReader<'static>, idle: Duration) -> Self {
        Self { inner, pace: Pace::new(idle) }
    }

    fn plain(&self, error: std::io::Error) -> std::io::Error {
        use std::io::ErrorKind;
        let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<ureq::Error>());
        match (error.kind(), inner) {
            (_, Some(ureq::Error::Timeout(_))) => {
                std::io::Error::new(ErrorKind::TimedOut, format!("nothing received for {:?}", self.pace.idle))
            }
            (ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset, _) => {
                std::io::Error::new(ErrorKind::UnexpectedEof, "the connection was closed before the end")
            }
            _ => error,
        }
    }
}

/// A part of a file on its way out.
pub struct Part<'a> {
    pub file: &'a File,
    pub start: u64,
    /// The first byte that is not sent any more.
    pub end: u64,
    /// Whether the server is told where in the whole this is.
    pub is_chunk: bool,
    /// Hears how far in the file the server has been sent, and may end it.
    pub passed: &'a (dyn Fn(u64) -> std::io::Result<()> + Sync),
}

impl Part<'_> {
    pub fn bytes(&self) -> u64 {
        self.end - self.start
    }

    /// Distribution spec, "Pushing a blob in chunks": both ends are part of it, and no unit is named.
    pub(super) fn content_range(&self) -> Option<String> {
        (self.is_chunk && self.start < self.end).then(|| format!("{}-{}", self.start, self.end - 1))
    }

    pub(super) fn open(&self, idle: Duration) -> PartReader<'_> {
        PartReader { part: self, at: self.start, asked: None, pace: Pace::new(idle) }
    }
}

/// Reads a part for who sends it. Fails when that takes what it is given too slowly.
pub(super) struct PartReader<'a> {
    part: &'a Part<'a>,
    at: u64,
    /// When the last piece was handed over, and how long that was.
    asked: Option<(Instant, usize)>,
    pace: Pace,
}

impl Read for PartReader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        if let Some((since, bytes)) = self.asked.take() {
            self.pace.note(since.elapsed(), bytes, "takes")?;
            (self.part.passed)(self.at)?;
        }
        let wanted = usize::try_from(self.part.end - self.at).unwrap_or(usize::MAX).min(buffer.len());
        let read = self.part.file.read_at(&mut buffer[..wanted], self.at)?;
        if read == 0 && wanted > 0 {
            return Err(std::io::Error::new(std::io::ErrorKind::InvalidData, "the file has become shorter"));
        }
        self.at += read as u64;
        self.asked = Some((Instant::now(), read));
        Ok(read)
    }
}

/// The rate at which a server sends or takes. The time that this side takes does not count.
struct Pace {
    idle: Duration,
    /// Spent waiting, and passed, since the rate was last measured.
    waited: Duration,
    bytes: u64,
}

impl Pace {
    fn new(idle: Duration) -> Self {
        Self { idle, waited: Duration::ZERO, bytes: 0 }
    }

    fn note(&mut self, waited: Duration, bytes: usize, does: &str) -> std::io::Result<()> {
        self.waited += waited;
        self.bytes += bytes as u64;
        if self.waited < self.idle {
            return Ok(());
        }
        if bytes > 0 && (self.bytes as f64) < RATE_BYTES_MIN as f64 * self.waited.as_secs_f64() {
            let message = format!("the server {does} less than {RATE_BYTES_MIN} bytes per second");
            return Err(std::io::Error::new(std::io::ErrorKind::TimedOut, message));
        }
        (self.waited, self.bytes) = (Duration::ZERO, 0);
        Ok(())
    }
}

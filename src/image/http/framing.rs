//! How much of an answer may come and how long it may take while a reader of its body gets nothing.
//!
//! The trailers of a body in chunks (RFC 9112, section 7.1.2) are taken by the HTTP library in one read, however many
//! there are, and its limit of time begins anew with each piece that comes. So each connection is watched below it.

use std::cell::Cell;
use std::io::ErrorKind;
use std::time::{Duration, Instant};
use ureq::Error;
use ureq::unversioned::transport::{Buffers, ConnectionDetails, Connector, NextTimeout, Transport};

thread_local! {
    /// What the read that this thread is in may still take from its connection. None outside of reads of a body.
    static ALLOWANCE: Cell<Option<Allowance>> = const { Cell::new(None) };
}

#[derive(Clone, Copy)]
struct Allowance {
    bytes: usize,
    until: Instant,
}

/// Reads something of a body. What comes after so many bytes, or so late, without that the reader got any is an error.
pub fn within<T>(bytes: usize, time: Duration, read: impl FnOnce() -> T) -> T {
    ALLOWANCE.set(Some(Allowance { bytes, until: Instant::now() + time }));
    let outcome = read();
    ALLOWANCE.set(None);
    outcome
}

/// Makes each connection a watched one.
#[derive(Debug)]
pub struct Watch;

impl<In: Transport> Connector<In> for Watch {
    type Out = Watched<In>;

    fn connect(&self, _: &ConnectionDetails, chained: Option<In>) -> Result<Option<Self::Out>, Error> {
        Ok(chained.map(Watched))
    }
}

/// A connection that keeps to the allowance of the thread that reads from it.
#[derive(Debug)]
pub struct Watched<T>(T);

impl<T: Transport> Transport for Watched<T> {
    fn buffers(&mut self) -> &mut dyn Buffers {
        self.0.buffers()
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), Error> {
        self.0.transmit_output(amount, timeout)
    }

    fn await_input(&mut self, mut timeout: NextTimeout) -> Result<bool, Error> {
        let Some(Allowance { bytes, until }) = ALLOWANCE.get() else { return self.0.await_input(timeout) };
        if bytes == 0 {
            let message = "the server sends too much that is no part of the body";
            return Err(Error::Io(std::io::Error::new(ErrorKind::InvalidData, message)));
        }
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(Error::Timeout(ureq::Timeout::PerRead));
        }
        if timeout.after > left.into() {
            (timeout.after, timeout.reason) = (left.into(), ureq::Timeout::PerRead);
        }
        let before = self.0.buffers().input().len();
        let has_come = self.0.await_input(timeout)?;
        let came = self.0.buffers().input().len().saturating_sub(before);
        ALLOWANCE.set(Some(Allowance { bytes: bytes.saturating_sub(came), until }));
        Ok(has_come)
    }

    fn is_open(&mut self) -> bool {
        self.0.is_open()
    }

    fn is_tls(&self) -> bool {
        self.0.is_tls()
    }
}

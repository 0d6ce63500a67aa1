//! What the keeper knows of a container's egress rules beside those themselves: who is told what they refuse.

use crate::network::egress::Egress;
use crate::sys::socket;
use std::os::fd::{AsFd, OwnedFd};
use std::time::{Duration, Instant};

/// How many refused names a second the monitor is woken up for.
const TOLD_PER_SECOND: u32 = 32;

pub struct Ruling {
    pub egress: Egress,
    /// Where refused packets are logged.
    pub group: u16,
    /// Where refused names go, which waits for nobody.
    names: OwnedFd,
    /// How many went there since then.
    told: (Instant, u32),
}

impl Ruling {
    pub fn new(egress: Egress, group: u16, names: OwnedFd) -> Self {
        Self { egress, group, names, told: (Instant::now(), 0) }
    }

    /// Tells the monitor of a name, unless it has more to read already than it should.
    pub fn tell(&mut self, name: &str) {
        if self.told.0.elapsed() >= Duration::from_secs(1) {
            self.told = (Instant::now(), 0);
        }
        self.told.1 += 1;
        if self.told.1 <= TOLD_PER_SECOND {
            // One that does not fit is lost.
            let _ = socket::send(self.names.as_fd(), name.as_bytes(), &[]);
        }
    }
}

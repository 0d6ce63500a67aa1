//! How long what ends again and again is held back before it starts again.

use std::time::{Duration, Instant};

/// How long the first start is held back; every further one twice as long as the one before it.
const FIRST: Duration = Duration::from_millis(100);

/// No start is held back longer.
const MAX: Duration = Duration::from_secs(60);

/// A run that was longer than this was a good one: the next start is the first again.
const GOOD_RUN: Duration = Duration::from_secs(10);

pub struct Pauses {
    began: Instant,
    delay: Duration,
}

impl Default for Pauses {
    fn default() -> Self {
        Self { began: Instant::now(), delay: FIRST }
    }
}

impl Pauses {
    /// A run begins.
    pub fn begin(&mut self) {
        self.began = Instant::now();
    }

    /// The pause after a run that has just ended.
    pub fn next_delay(&mut self) -> Duration {
        if self.began.elapsed() > GOOD_RUN {
            self.delay = FIRST;
        }
        let delay = self.delay;
        self.delay = (delay * 2).min(MAX);
        delay
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_ends_at_once_starts_at_most_twelve_times_a_minute() {
        let mut pauses = Pauses::default();
        let mut passed = Duration::ZERO;
        let mut starts = 0;
        while passed <= Duration::from_secs(60) {
            starts += 1;
            passed += pauses.next_delay();
        }
        assert!((8..=12).contains(&starts), "{starts}");
        for _ in 0..5 {
            pauses.next_delay();
        }
        assert_eq!(pauses.next_delay(), MAX);
    }
}

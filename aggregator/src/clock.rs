//! The one clock of the process: milliseconds since it was started, never backwards.
//!
//! Everything that decides takes `now` as an argument; only the rim reads this. On
//! tokio's clock, so that a test with paused time holds everything.

use std::time::Duration;

use tokio::time::Instant;

/// Milliseconds since the process's clock was started.
pub type Millis = u64;

/// A clock.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    start: Instant,
}

impl Clock {
    /// A clock that begins now.
    #[must_use]
    pub fn start() -> Self {
        Self { start: Instant::now() }
    }

    /// Time since the beginning.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.start.elapsed()
    }

    /// Milliseconds since the beginning.
    #[must_use]
    pub fn now(&self) -> Millis {
        u64::try_from(self.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// The instant at which [`Self::elapsed`] will be `at`.
    #[must_use]
    pub fn instant(&self, at: Duration) -> Instant {
        self.start + at
    }
}

//! Waiting for a state, not for a time: looks again until it holds, and when it never
//! does, fails with what was last seen.

use std::fmt::Display;
use std::time::Duration;

use tokio::time::{Instant, sleep};

/// How long is too long, even on a busy machine.
const LIMIT: Duration = Duration::from_secs(30);
/// From one look to the next.
const PAUSE: Duration = Duration::from_millis(10);

/// Looks until `look` gives a value, and returns it.
///
/// # Panics
/// If it takes too long; says what was waited for and the last "not yet because".
pub async fn eventually<T, E: Display>(what: &str, mut look: impl AsyncFnMut() -> Result<T, E>) -> T {
    let deadline = Instant::now() + LIMIT;
    loop {
        let not_yet = match look().await {
            Ok(value) => return value,
            Err(because) => because,
        };
        assert!(Instant::now() < deadline, "waited {LIMIT:?} for {what:?}; not yet because: {not_yet}");
        sleep(PAUSE).await;
    }
}

/// `Ok` if `holds`, else "not yet because".
pub fn unless(holds: bool, because: impl Display) -> Result<(), String> {
    if holds { Ok(()) } else { Err(because.to_string()) }
}

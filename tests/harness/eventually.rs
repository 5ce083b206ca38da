//! Waiting for a state, not for a time: asks again until it holds, and when it never
//! does, fails with what was last seen.

use std::fmt::Display;
use std::time::{Duration, Instant};

const PAUSE: Duration = Duration::from_millis(20);

/// Asks `look` until it answers `Ok`, and returns that.
///
/// # Panics
/// After `within`, with `what` and the last "not yet because".
pub async fn eventually<T, E: Display>(
    within: Duration,
    what: &str,
    mut look: impl AsyncFnMut() -> Result<T, E>,
) -> T {
    let deadline = Instant::now() + within;
    loop {
        match look().await {
            Ok(seen) => return seen,
            Err(not_yet) if Instant::now() >= deadline => {
                panic!("{what}: not within {within:?}; last seen: {not_yet}");
            }
            Err(_) => tokio::time::sleep(PAUSE).await,
        }
    }
}

/// `Ok` when `holds`, else what was seen.
pub fn check(holds: bool, seen: impl Display) -> Result<(), String> {
    if holds { Ok(()) } else { Err(seen.to_string()) }
}

//! Waiting for a condition instead of for a time.

use std::future::Future;
use std::time::Duration;

use tokio::time::{Instant, sleep};

/// How long is too long, even on a busy machine.
const LIMIT: Duration = Duration::from_secs(30);
/// From one look to the next.
const PAUSE: Duration = Duration::from_millis(10);

/// Looks until `look` gives a value.
///
/// # Panics
/// If it takes too long; says what was waited for and the last "not yet because".
pub async fn eventually<T, F>(what: &str, mut look: impl FnMut() -> F) -> T
where
    F: Future<Output = Result<T, String>>,
{
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
pub fn unless(holds: bool, because: impl Into<String>) -> Result<(), String> {
    if holds { Ok(()) } else { Err(because.into()) }
}

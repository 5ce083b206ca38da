//! Waits for a state, never for a time.

use std::future::Future;
use std::time::Duration;

/// Asks `look` again and again until it answers `Ok`; after `patience` it panics with the
/// last "not yet because".
pub async fn eventually<T, F>(what: &str, patience: Duration, mut look: impl FnMut() -> F) -> T
where
    F: Future<Output = Result<T, String>>,
{
    let end = tokio::time::Instant::now() + patience;
    loop {
        let reason = match tokio::time::timeout_at(end, look()).await {
            Ok(Ok(state)) => return state,
            Ok(Err(reason)) => reason,
            Err(_) => "looking took too long".to_owned(),
        };
        assert!(tokio::time::Instant::now() < end, "{what}: not within {patience:?}: {reason}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

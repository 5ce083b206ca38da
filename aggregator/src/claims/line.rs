//! The connection to the store, or what is wrong with it: the circuit breaker.

use std::sync::{Mutex, MutexGuard, PoisonError};

use redis::RedisError;
use redis::aio::MultiplexedConnection;
use serde::Serialize;
use tokio::sync::Notify;

use crate::clock::Millis;

/// Why the store does not help.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Trouble {
    /// Not tried yet.
    NotTried,
    /// It did not answer in time.
    Timeout,
    /// There is no connection to it.
    Unreachable,
    /// It answered, but not as it should: a wrong password, a replica that takes no writes, no memory left.
    Refused,
}

impl Trouble {
    pub(super) fn of(error: &RedisError) -> Self {
        if error.is_timeout() {
            Self::Timeout
        } else if error.is_io_error() || error.is_connection_dropped() || error.is_connection_refusal() {
            Self::Unreachable
        } else {
            Self::Refused
        }
    }

    /// The word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NotTried => "not_tried",
            Self::Timeout => "timeout",
            Self::Unreachable => "unreachable",
            Self::Refused => "refused",
        }
    }
}

/// How the store is, for operators.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StoreView {
    /// Whether claims are made there.
    pub up: bool,
    /// Why not; then replicas agree by what the agents report.
    pub trouble: Option<Trouble>,
    /// What exactly happened the last time.
    pub detail: Option<String>,
    /// For how long it has been so, milliseconds.
    pub age_ms: u64,
}

/// The line to the store.
#[derive(Debug)]
pub(super) struct Line {
    inner: Mutex<Inner>,
    broken: Notify,
}

struct Inner {
    connection: Option<MultiplexedConnection>,
    trouble: Trouble,
    detail: Option<String>,
    since: Millis,
}

impl std::fmt::Debug for Inner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Inner")
            .field("up", &self.connection.is_some())
            .field("trouble", &self.trouble)
            .finish()
    }
}

impl Line {
    pub(super) fn new(now: Millis) -> Self {
        let inner = Inner { connection: None, trouble: Trouble::NotTried, detail: None, since: now };
        Self { inner: Mutex::new(inner), broken: Notify::new() }
    }

    pub(super) fn connection(&self) -> Option<MultiplexedConnection> {
        self.lock().connection.clone()
    }

    pub(super) fn is_tried(&self) -> bool {
        let inner = self.lock();
        inner.connection.is_some() || inner.trouble != Trouble::NotTried
    }

    pub(super) fn view(&self, now: Millis) -> StoreView {
        let inner = self.lock();
        let up = inner.connection.is_some();
        StoreView {
            up,
            trouble: (!up).then_some(inner.trouble),
            detail: inner.detail.clone().filter(|_| !up),
            age_ms: now.saturating_sub(inner.since),
        }
    }

    /// It is there.
    pub(super) fn mended(&self, connection: MultiplexedConnection, now: Millis) {
        let mut inner = self.lock();
        inner.connection = Some(connection);
        inner.since = now;
        tracing::info!("the store of claims is there: rooms are claimed in it");
    }

    /// It is not there (any more).
    pub(super) fn broke(&self, trouble: Trouble, detail: String, now: Millis) {
        let mut inner = self.lock();
        let flipped = inner.connection.take().is_some() || inner.trouble == Trouble::NotTried;
        if flipped {
            inner.since = now;
            let reason = trouble.as_str();
            tracing::warn!(
                reason,
                detail,
                "the store of claims is away: replicas agree by what the agents report until it is back"
            );
        }
        (inner.trouble, inner.detail) = (trouble, Some(detail));
        drop(inner);
        self.broken.notify_one();
    }

    /// Waits until it breaks.
    pub(super) async fn breaks(&self) {
        self.broken.notified().await;
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

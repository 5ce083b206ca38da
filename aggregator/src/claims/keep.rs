//! The background task of the store: connects, connects again, and keeps claims alive.
//!
//! As long as agents report a room live or promised, its claim must not lapse; and after the store
//! was away or lost its memory, the agents' word fills it again.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use redis::AsyncConnectionConfig;
use redis::aio::MultiplexedConnection;
use tokio::time::{sleep, timeout};
use usher_common::backoff::Backoff;

use super::{Claims, Trouble, call};
use crate::fleet::Fleet;

/// Claims are kept alive four times in their life at least.
const ROUNDS_PER_LIFE: u64 = 4;
/// Rooms told in one batch.
const BATCH: usize = 200;
/// From one try to connect to the next: at least, at most.
const RETRY: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(5));

/// The task.
#[derive(Debug)]
pub struct Keeper {
    claims: Arc<Claims>,
    fleet: Arc<Fleet>,
}

impl Keeper {
    /// Keeps the claims of this fleet.
    #[must_use]
    pub fn new(claims: Arc<Claims>, fleet: Arc<Fleet>) -> Self {
        Self { claims, fleet }
    }

    /// Runs for ever.
    pub async fn run(self) {
        let Self { claims, fleet } = self;
        let backoff = Backoff::new(RETRY.0, RETRY.1);
        let life = Duration::from_millis(claims.settings.ttl_ms / ROUNDS_PER_LIFE);
        let round = life.min(claims.settings.refresh).max(RETRY.0);
        let mut failures = 0u32;
        loop {
            let Some(connection) = claims.line.connection() else {
                claims.stats.store_up.set(0);
                match claims.connect().await {
                    Some(connection) => {
                        failures = 0;
                        claims.stats.store_up.set(1);
                        claims.line.mended(connection, claims.now());
                    }
                    None => {
                        failures = failures.saturating_add(1);
                        sleep(backoff.wait(failures, rand::random())).await;
                    }
                }
                continue;
            };
            claims.keep(connection, &fleet).await;
            tokio::select! {
                () = claims.line.breaks() => {}
                () = sleep(round) => {}
            }
        }
    }
}

impl Claims {
    /// Connects and looks whether commands are taken.
    async fn connect(&self) -> Option<MultiplexedConnection> {
        let patience = self.settings.timeout.max(RETRY.0);
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(patience))
            .set_response_timeout(Some(patience * 10));
        let opened = timeout(patience, async {
            let mut connection = self.client.get_multiplexed_async_connection_with_config(&config).await?;
            redis::cmd("PING").exec_async(&mut connection).await?;
            Ok::<_, redis::RedisError>(connection)
        });
        let (trouble, detail) = match opened.await {
            Ok(Ok(connection)) => return Some(connection),
            Ok(Err(error)) => (Trouble::of(&error), error.to_string()),
            Err(_) => (Trouble::Timeout, format!("no connection within {patience:?}")),
        };
        self.line.broke(trouble, detail, self.now());
        None
    }

    /// Tells of every room that agents report; stops at the first batch that fails.
    async fn keep(&self, connection: MultiplexedConnection, fleet: &Fleet) {
        let unix_ms = unix_ms();
        for rooms in fleet.held_rooms().chunks(BATCH) {
            let batch = call::keep(rooms, unix_ms, self.settings.ttl_ms);
            if self.sent(connection.clone(), batch).await.is_err() {
                return;
            }
        }
    }
}

/// Wall clock, for the value of a claim.
pub(crate) fn unix_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}

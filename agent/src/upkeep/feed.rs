//! The engine's events, for as long as the agent runs: comes back whenever the engine does.

use std::time::{Duration, Instant};

use futures_util::StreamExt as _;
use tokio::sync::mpsc::Sender;
use usher_common::backoff::Backoff;

use crate::engine::Happening;
use crate::stack::Stack;

/// What is heard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Heard {
    /// The engine is listened to.
    Listening,
    /// Something happened.
    Happened(Happening),
    /// The engine went.
    Went,
}

const RECONNECT: Backoff = Backoff::new(Duration::from_millis(250), Duration::from_secs(5));
/// One that lasted this long was a good one, and the next try is soon.
const LASTED: Duration = Duration::from_secs(30);

/// Listens to a project's events, from `since_unix_s` on, until nobody wants to hear.
pub async fn feed(stack: Stack, project: String, mut since_unix_s: Option<u64>, heard: Sender<Heard>) {
    let mut failures = 0_u32;
    loop {
        let began = Instant::now();
        if let Ok(engine) = stack.engine() {
            let mut events = std::pin::pin!(engine.happenings(&project, since_unix_s));
            if heard.send(Heard::Listening).await.is_err() {
                return;
            }
            while let Some(Ok(happening)) = events.next().await {
                since_unix_s = Some(happening.at_unix_ms / 1000);
                if heard.send(Heard::Happened(happening)).await.is_err() {
                    return;
                }
            }
            if heard.send(Heard::Went).await.is_err() {
                return;
            }
        }
        failures = if began.elapsed() > LASTED { 1 } else { failures.saturating_add(1) };
        tokio::time::sleep(RECONNECT.wait(failures, rand::random())).await;
    }
}

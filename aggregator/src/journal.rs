//! Takes each decision after its answer is out: keeps it, compares it with the shadow policy and
//! with what the next reports show. Nobody waits for any of it.
//!
//! ```text
//!  confirm ──try_send──► queue (bounded) ──► Journalist: decisions, shadow, hindsight ──► metrics
//! ```

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc::{Receiver, Sender, channel};

use crate::decision::{Decision, Decisions};
use crate::fleet::Fleet;
use crate::placement::Policy;
use crate::quality::{Hindsight, Judge};
use crate::stats::Stats;

/// Decisions waiting to be looked at; beyond it they are counted and lost. Each holds the whole fleet.
const QUEUE: usize = 256;

/// Where decisions are handed in.
#[derive(Debug, Clone)]
pub struct Journal {
    queue: Sender<Decision>,
    stats: Arc<Stats>,
}

/// The task that looks at them.
#[derive(Debug)]
pub struct Journalist {
    queue: Receiver<Decision>,
    decisions: Arc<Decisions>,
    fleet: Arc<Fleet>,
    stats: Arc<Stats>,
    shadow: Option<Policy>,
    interval: Duration,
    herd_window_ms: u64,
}

impl Journal {
    /// Hands a decision in; never waits.
    pub fn record(&self, decision: Decision) {
        if self.queue.try_send(decision).is_err() {
            self.stats.decisions_lost.inc();
        }
    }
}

impl Journalist {
    /// Both ends. `interval` is the scrape's: how long until a decision can be seen in hindsight. A herd
    /// is what one node got within `herd_window_ms`.
    #[must_use]
    pub fn new(
        decisions: Arc<Decisions>,
        fleet: Arc<Fleet>,
        stats: Arc<Stats>,
        shadow: Option<Policy>,
        interval: Duration,
        herd_window_ms: u64,
    ) -> (Journal, Self) {
        let (send, queue) = channel(QUEUE);
        let journal = Journal { queue: send, stats: stats.clone() };
        (journal, Self { queue, decisions, fleet, stats, shadow, interval, herd_window_ms })
    }

    /// Looks at decisions for ever.
    pub async fn run(mut self) {
        let judge = Judge::new(self.stats.clone(), self.shadow);
        let mut hindsight = Hindsight::new(self.stats.clone(), self.interval, self.herd_window_ms);
        let mut ticks = tokio::time::interval(self.interval);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                decision = self.queue.recv() => {
                    // The senders live as long as the process; without them it is ending.
                    let Some(decision) = decision else { return std::future::pending().await };
                    let decision = self.decisions.push(decision);
                    judge.judge(&decision);
                    hindsight.made(&decision);
                }
                _ = ticks.tick() => hindsight.look_back(&self.fleet),
            }
        }
    }
}

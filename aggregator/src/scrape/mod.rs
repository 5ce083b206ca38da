//! Reads every target again and again, each in its own loop, and tells the fleet.
//!
//! ```text
//!  discovery ──targets──► one loop per target: wait ─► permit ─► fetch ─► Event ─► fleet
//! ```
//!
//! Where a read fails, the page that people open is looked at too, before the next read is due.
//!
//! What a read means for a node's life is the fleet's to judge; nothing is decided here
//! but when to read next.

mod exporter;
mod fetch;
mod page;
mod schedule;

use std::collections::HashMap;
use std::sync::Arc;

use tokio::sync::{Semaphore, watch};
use tokio::task::{AbortHandle, JoinSet};
use usher_common::rt::http_client::Failure;

use crate::clock::Clock;
use crate::config::{Health, Scrape};
use crate::discovery::{DiscoveryView, diff};
use crate::fleet::{Event, Fleet};
use crate::stats::Stats;
use crate::target::{Target, TargetId};

use exporter::Exporter;
use fetch::{Fetched, Fetcher};
use page::Looker;
use schedule::Schedule;

/// All that a loop needs.
#[derive(Debug)]
pub struct Scraper {
    settings: Scrape,
    health: Health,
    fetcher: Fetcher,
    looker: Looker,
    permits: Semaphore,
    fleet: Arc<Fleet>,
    stats: Arc<Stats>,
    clock: Clock,
    /// Tells this replica's phases from others'.
    seed: u64,
}

impl Scraper {
    /// A reader that tells `fleet`.
    pub fn new(
        settings: Scrape,
        health: Health,
        fleet: Arc<Fleet>,
        stats: Arc<Stats>,
        clock: Clock,
        seed: u64,
    ) -> Result<Self, Failure> {
        let fetcher = Fetcher::new(settings.timeout, settings.max_bytes)?;
        let looker = Looker::new(settings.timeout)?;
        let permits = Semaphore::new(settings.concurrency);
        Ok(Self { settings, health, fetcher, looker, permits, fleet, stats, clock, seed })
    }

    /// Follows discovery's lists for ever, with one loop per target.
    ///
    /// # Panics
    /// If a loop panics: the supervisor names this task then.
    pub async fn run(self: Arc<Self>, mut lists: watch::Receiver<Arc<DiscoveryView>>) {
        let mut loops = JoinSet::new();
        let mut handles: HashMap<TargetId, AbortHandle> = HashMap::new();
        let mut known: Arc<[Target]> = Arc::new([]);
        loop {
            let targets = lists.borrow_and_update().targets.clone();
            self.fleet.apply(Event::Targets(targets.clone()));
            let change = diff(&known, &targets);
            for id in change.stop {
                if let Some(handle) = handles.remove(&id) {
                    handle.abort();
                }
            }
            for target in change.start {
                let id = target.id.clone();
                handles.insert(id, loops.spawn(self.clone().follow(target)));
            }
            known = targets;
            loop {
                tokio::select! {
                    changed = lists.changed() => match changed {
                        Ok(()) => break,
                        // Discovery is gone, which ends the process; until then, go on.
                        Err(_) => std::future::pending().await,
                    },
                    Some(ended) = loops.join_next() => {
                        if let Err(error) = ended && error.is_panic() {
                            std::panic::resume_unwind(error.into_panic());
                        }
                    }
                }
            }
        }
    }

    /// Reads one target for ever.
    async fn follow(self: Arc<Self>, target: Target) {
        let phase = schedule::phase(target.id.as_str(), self.seed);
        let Scrape { interval, retry_max, .. } = self.settings;
        let schedule = Schedule::new(interval, phase, self.health.fall, retry_max);
        let mut due = schedule.first(self.clock.elapsed());
        let mut failures = 0;
        let mut source = match target.kind {
            crate::target::TargetKind::Agent => Source::Agent { tag: None },
            crate::target::TargetKind::NodeExporter => {
                Source::Exporter(Box::new(Exporter::new(self.settings.smoothing)))
            }
        };
        loop {
            tokio::join!(tokio::time::sleep_until(self.clock.instant(due)), async {
                if failures > 0 {
                    self.look(&target).await;
                }
            });
            let permit = self.permits.acquire().await.expect("the semaphore is never closed");
            let outcome = self.read(&target, &mut source).await;
            drop(permit);
            failures = if outcome { 0 } else { failures + 1u32 };
            let next = schedule.next(due, self.clock.elapsed(), failures, rand::random());
            self.stats.missed.inc_by(next.missed);
            due = next.due;
        }
    }

    /// Looks at the page of a node that gives no report.
    async fn look(&self, target: &Target) {
        let page = self.health.page.then(|| self.fleet.page_to_look_at(&target.id)).flatten();
        if let Some(url) = page {
            let served = self.looker.is_served(url).await;
            self.fleet.apply(Event::Looked { target: target.id.clone(), served });
        }
    }

    /// Reads a target once; tells whether there was a good answer.
    async fn read(&self, target: &Target, source: &mut Source) -> bool {
        let started = self.clock.elapsed();
        let outcome = source.read(&self.fetcher, target, &self.clock).await;
        self.stats.scrape_seconds.observe((self.clock.elapsed() - started).as_secs_f64());
        let id = target.id.clone();
        let (word, event) = match outcome {
            Ok(Some(report)) => ("ok", Event::Reported { target: id, report }),
            Ok(None) => ("unchanged", Event::Unchanged { target: id }),
            Err(failure) => {
                tracing::debug!(target = %target.id, %failure, "read failed");
                let Failure { reason, detail } = failure;
                (reason.as_str(), Event::Failed { target: id, reason, detail })
            }
        };
        self.stats.scrapes.with_label_values(&[word]).inc();
        let good = !matches!(event, Event::Failed { .. });
        self.fleet.apply(event);
        good
    }
}

/// What is kept from one read of a target to the next.
enum Source {
    Agent {
        /// Tag of the last report.
        tag: Option<String>,
    },
    Exporter(Box<Exporter>),
}

impl Source {
    /// A report, or `None` when the last one still holds.
    async fn read(
        &mut self,
        fetcher: &Fetcher,
        target: &Target,
        clock: &Clock,
    ) -> Result<Option<Box<usher_common::wire::Report>>, Failure> {
        match self {
            Self::Agent { tag } => match fetcher.report(target, tag.as_deref()).await? {
                Fetched::Report(report, new_tag) => {
                    *tag = new_tag;
                    Ok(Some(report))
                }
                Fetched::Unchanged => Ok(None),
            },
            Self::Exporter(exporter) => {
                let text = fetcher.metrics(target).await?;
                exporter.report(target, &text, clock.elapsed()).map(|report| Some(Box::new(report)))
            }
        }
    }
}

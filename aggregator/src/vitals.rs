//! What proves that the aggregator lives, to systemd's watchdog: reads of targets go on ending
//! (well or badly), and both listeners answer us. A fleet that is down kills nobody: reads of
//! it end too.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use usher_common::rt::systemd;

use crate::clock::Clock;
use crate::config::Scrape;
use crate::fleet::Fleet;
use crate::stats::Stats;

/// Beyond the slowest rhythm of reads, what a busy machine may add.
const SLACK: Duration = Duration::from_secs(5);

/// How often readiness is looked at while [`wait_until_ready`] waits.
const LOOK: Duration = Duration::from_millis(20);

/// What is proven, and with what.
#[derive(Debug)]
pub(crate) struct Vitals {
    /// The fleet that is read.
    pub(crate) fleet: Arc<Fleet>,
    /// Where reads are counted.
    pub(crate) stats: Arc<Stats>,
    /// How often they should be.
    pub(crate) scrape: Scrape,
    /// Where we listen.
    pub(crate) listens: [SocketAddr; 2],
    /// The process's clock.
    pub(crate) clock: Clock,
}

/// The last time that the count of reads was seen to move.
#[derive(Debug, Clone, Copy, Default)]
struct Progress {
    reads: u64,
    at: Duration,
}

impl Vitals {
    /// Says that we are ready, and then proves for ever that we live.
    pub(crate) async fn report(self) {
        systemd::ready(&self.words());
        let vitals = Arc::new(self);
        let mut progress = Progress { reads: vitals.stats.reads(), at: vitals.clock.elapsed() };
        systemd::prove_life(|| {
            let now = vitals.clock.elapsed();
            let read = progress.see(vitals.stats.reads(), now, patience(&vitals.scrape));
            let vitals = Arc::clone(&vitals);
            async move { vitals.prove(read, now).await }
        })
        .await;
    }

    async fn prove(&self, read: Result<(), Duration>, now: Duration) -> Result<String, String> {
        if let Err(since) = read
            && !self.fleet.targets().is_empty()
        {
            return Err(format!("no read of any target has ended for {} s", (now - since).as_secs()));
        }
        for address in self.listens {
            systemd::answers(address).await?;
        }
        Ok(self.words())
    }

    /// The line of `systemctl status`.
    fn words(&self) -> String {
        let readiness = self.fleet.readiness();
        let targets = self.fleet.targets().len();
        match readiness.reasons.first() {
            None => format!("ready, reading {targets} targets"),
            Some(reason) => format!("not ready: {reason}"),
        }
    }
}

impl Progress {
    /// Notes the count; `Err` with the time of the last move when that is too long ago.
    fn see(&mut self, reads: u64, now: Duration, patience: Duration) -> Result<(), Duration> {
        if reads != self.reads {
            *self = Self { reads, at: now };
        }
        if now.saturating_sub(self.at) <= patience { Ok(()) } else { Err(self.at) }
    }
}

/// The longest time between two ends of reads of a fleet of one, twice.
fn patience(scrape: &Scrape) -> Duration {
    scrape.interval.max(scrape.retry_max) * 2 + scrape.timeout + SLACK
}

/// Waits until the fleet has been read once, at most `patience`. Behind a listener that was
/// open before us, connections wait meanwhile: better than being told that nothing is known.
pub(crate) async fn wait_until_ready(fleet: &Fleet, patience: Duration) {
    let ready = async {
        while !fleet.readiness().ready {
            tokio::time::sleep(LOOK).await;
        }
    };
    if !patience.is_zero() && tokio::time::timeout(patience, ready).await.is_err() {
        tracing::info!(patience_s = patience.as_secs_f64(), "answering before the fleet was read");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn s(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn reads_that_stop_ending_are_no_life_and_one_more_is() {
        let mut progress = Progress::default();
        assert_eq!(progress.see(7, s(100), s(20)), Ok(()));
        assert_eq!(progress.see(7, s(120), s(20)), Ok(()));
        assert_eq!(progress.see(7, s(121), s(20)), Err(s(100)));
        assert_eq!(progress.see(8, s(130), s(20)), Ok(()));
    }

    #[test]
    fn patience_covers_the_rarest_reads() {
        let scrape = |interval, retry_max| Scrape {
            interval,
            timeout: s(1),
            max_bytes: 1,
            concurrency: 1,
            retry_max,
            smoothing: s(3),
        };
        assert_eq!(patience(&scrape(s(1), s(5))), s(16));
        assert_eq!(patience(&scrape(s(60), s(5))), s(126));
    }
}

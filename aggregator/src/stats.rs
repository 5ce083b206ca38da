//! The aggregator about itself: counters that the rim writes and `export` reads.

use prometheus::{
    Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, Opts, Registry, core::Collector,
};
use usher_common::wire::ProbeFailure;

use crate::confirm::Outcome;
use crate::fleet::How;

/// Bounds of read times, seconds: a loopback answer takes about 1 ms, the default deadline is 800 ms.
const SCRAPE_BUCKETS: &[f64] = &[0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5];
/// Bounds of answer times, seconds.
const REQUEST_BUCKETS: &[f64] = &[0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0];

/// The counters.
#[derive(Debug)]
pub struct Stats {
    registry: Registry,
    /// Reads of agents, by outcome.
    pub scrapes: IntCounterVec,
    /// Reads that were due while the one before was still under way.
    pub missed: IntCounter,
    /// How long reads took.
    pub scrape_seconds: Histogram,
    /// Requests for a server, by how they were answered; `none` for 503.
    pub placements: IntCounterVec,
    /// Questions to chosen nodes whether they take a room, by outcome.
    pub reservations: IntCounterVec,
    /// How long their answers took.
    pub reservation_seconds: Histogram,
    /// HTTP requests, by listener, route and status.
    pub requests: IntCounterVec,
    /// How long answers took, by listener and route.
    pub request_seconds: HistogramVec,
}

impl Stats {
    /// Counters at zero.
    ///
    /// # Panics
    /// If two of the names below are equal or malformed.
    #[must_use]
    pub fn new() -> Self {
        let valid = "names are valid";
        let counters = |name: &str, help: &str, labels: &[&str]| {
            IntCounterVec::new(Opts::new(name, help), labels).expect(valid)
        };
        let stats = Self {
            registry: Registry::new(),
            scrapes: counters("usher_aggregator_scrapes_total", "Reads of agents by outcome.", &["outcome"]),
            missed: IntCounter::new(
                "usher_aggregator_scrapes_missed_total",
                "Reads that were due while the one before was still under way.",
            )
            .expect(valid),
            scrape_seconds: Histogram::with_opts(
                HistogramOpts::new(
                    "usher_aggregator_scrape_duration_seconds",
                    "How long reads of agents took.",
                )
                .buckets(SCRAPE_BUCKETS.to_vec()),
            )
            .expect(valid),
            placements: counters(
                "usher_aggregator_placements_total",
                "Requests for a server by how they were answered.",
                &["result"],
            ),
            reservations: counters(
                "usher_aggregator_reservations_total",
                "Choices put to their nodes for confirmation, by outcome.",
                &["outcome"],
            ),
            reservation_seconds: Histogram::with_opts(
                HistogramOpts::new(
                    "usher_aggregator_reservation_duration_seconds",
                    "How long nodes took to answer whether they take a room.",
                )
                .buckets(REQUEST_BUCKETS.to_vec()),
            )
            .expect(valid),
            requests: counters(
                "usher_aggregator_http_requests_total",
                "HTTP requests by listener, route and status.",
                &["listener", "route", "status"],
            ),
            request_seconds: HistogramVec::new(
                HistogramOpts::new(
                    "usher_aggregator_http_request_duration_seconds",
                    "How long HTTP answers took.",
                )
                .buckets(REQUEST_BUCKETS.to_vec()),
                &["listener", "route"],
            )
            .expect(valid),
        };
        stats.register();
        stats
    }

    /// The families with their values now.
    #[must_use]
    pub fn gather(&self) -> Vec<prometheus::proto::MetricFamily> {
        self.registry.gather()
    }

    /// Reads that ended so far, well or badly.
    #[must_use]
    pub fn reads(&self) -> u64 {
        self.scrape_seconds.get_sample_count()
    }

    fn register(&self) {
        let collectors: [Box<dyn Collector>; 8] = [
            Box::new(self.scrapes.clone()),
            Box::new(self.missed.clone()),
            Box::new(self.scrape_seconds.clone()),
            Box::new(self.placements.clone()),
            Box::new(self.reservations.clone()),
            Box::new(self.reservation_seconds.clone()),
            Box::new(self.requests.clone()),
            Box::new(self.request_seconds.clone()),
        ];
        for collector in collectors {
            self.registry.register(collector).expect("names are unique");
        }
        // A series that appears with its first event hides that event from rate().
        let outcomes = ProbeFailure::ALL.iter().map(|reason| reason.as_str());
        outcomes.chain(["ok", "unchanged"]).for_each(|word| drop(self.scrapes.with_label_values(&[word])));
        Outcome::WORDS.iter().for_each(|word| drop(self.reservations.with_label_values(&[word])));
        let results = How::ALL.iter().map(|how| how.as_str());
        results.chain(["none"]).for_each(|word| drop(self.placements.with_label_values(&[word])));
    }
}

impl Default for Stats {
    fn default() -> Self {
        Self::new()
    }
}

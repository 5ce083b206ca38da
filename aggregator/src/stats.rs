//! The aggregator about itself: counters that the rim writes and `export` reads.

mod quality;

use prometheus::{
    Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, Opts, Registry,
    core::Collector,
};
use usher_common::wire::ProbeFailure;

use crate::decision::Answer;
use crate::fleet::{How, Unfit};
use crate::placement::Removal;

pub use quality::Quality;

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
    /// Requests turned away, by what stood against most nodes.
    pub refusals: IntCounterVec,
    /// From a request for a server to its answer.
    pub placement_seconds: Histogram,
    /// Questions to the replica that owns a room, by outcome.
    pub forwards: IntCounterVec,
    /// Questions to the store of claims, by outcome.
    pub claims: IntCounterVec,
    /// How long its answers took.
    pub claim_seconds: Histogram,
    /// Whether the store of claims is asked at the moment.
    pub store_up: IntGauge,
    /// Decisions that came faster than they could be kept.
    pub decisions_lost: IntCounter,
    /// How good placements are.
    pub quality: Quality,
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
            refusals: counters(
                "usher_aggregator_refusals_total",
                "Requests that no node could take, by what stood against most nodes.",
                &["reason"],
            ),
            placement_seconds: Histogram::with_opts(
                HistogramOpts::new(
                    "usher_aggregator_placement_duration_seconds",
                    "From a request for a server to its answer, confirmation included.",
                )
                .buckets(REQUEST_BUCKETS.to_vec()),
            )
            .expect(valid),
            forwards: counters(
                "usher_aggregator_forwards_total",
                "Named rooms that the replica that owns them was asked about, by outcome.",
                &["outcome"],
            ),
            claims: counters(
                "usher_aggregator_claims_total",
                "Questions to the store of claims by outcome (rooms.store).",
                &["outcome"],
            ),
            claim_seconds: Histogram::with_opts(
                HistogramOpts::new(
                    "usher_aggregator_claim_duration_seconds",
                    "How long the store of claims took to answer.",
                )
                .buckets(REQUEST_BUCKETS.to_vec()),
            )
            .expect(valid),
            store_up: IntGauge::new(
                "usher_aggregator_store_up",
                "Whether rooms are claimed in the store at the moment; 0 without one.",
            )
            .expect(valid),
            decisions_lost: IntCounter::new(
                "usher_aggregator_decisions_lost_total",
                "Placements that came faster than they could be kept for /api/v1/decisions.",
            )
            .expect(valid),
            quality: Quality::new(),
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
        let mut collectors: Vec<Box<dyn Collector>> = vec![
            Box::new(self.scrapes.clone()),
            Box::new(self.missed.clone()),
            Box::new(self.scrape_seconds.clone()),
            Box::new(self.placements.clone()),
            Box::new(self.reservations.clone()),
            Box::new(self.refusals.clone()),
            Box::new(self.placement_seconds.clone()),
            Box::new(self.forwards.clone()),
            Box::new(self.claims.clone()),
            Box::new(self.claim_seconds.clone()),
            Box::new(self.store_up.clone()),
            Box::new(self.decisions_lost.clone()),
            Box::new(self.reservation_seconds.clone()),
            Box::new(self.requests.clone()),
            Box::new(self.request_seconds.clone()),
        ];
        collectors.extend(self.quality.collectors());
        for collector in collectors {
            self.registry.register(collector).expect("names are unique");
        }
        // A series that appears with its first event hides that event from rate().
        let outcomes = ProbeFailure::ALL.iter().map(|reason| reason.as_str());
        outcomes.chain(["ok", "unchanged"]).for_each(|word| drop(self.scrapes.with_label_values(&[word])));
        let answers = Answer::ALL.iter().filter(|answer| **answer != Answer::Late);
        answers.for_each(|answer| drop(self.reservations.with_label_values(&[answer.as_str()])));
        let reasons = Removal::ALL.iter().map(|reason| reason.as_str());
        let unfit = Unfit::ALL.iter().map(|unfit| unfit.as_str());
        let reasons = reasons.chain(unfit).chain(["no_nodes"]);
        reasons.for_each(|reason| drop(self.refusals.with_label_values(&[reason])));
        ["answered", "failed"].iter().for_each(|word| drop(self.forwards.with_label_values(&[word])));
        let claims = ["found", "free", "won", "moved", "lost", "away", "failed"];
        claims.iter().for_each(|word| drop(self.claims.with_label_values(&[word])));
        let results = How::ALL.iter().map(|how| how.as_str());
        results.chain(["none"]).for_each(|word| drop(self.placements.with_label_values(&[word])));
    }
}

impl Default for Stats {
    fn default() -> Self {
        Self::new()
    }
}

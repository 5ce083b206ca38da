//! The counters of how good placements are; written by `quality`.

use prometheus::core::Collector;
use prometheus::{Counter, Gauge, Histogram, HistogramOpts, IntCounterVec, Opts};

/// Bounds of regrets, shares of a standard VM's CPU: one person costs 0.002, an ordinary room 0.016.
const REGRET_BUCKETS: &[f64] = &[0.0, 0.001, 0.0025, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0];
/// Bounds of ages, seconds: agents are read every second, and their samples are about as old.
const AGE_BUCKETS: &[f64] = &[0.1, 0.25, 0.5, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0, 30.0];

/// The counters.
#[derive(Debug)]
pub struct Quality {
    /// Age of the chosen node's reading at each decision.
    pub snapshot_age: Histogram,
    /// Regret of each decision by what was known then.
    pub regret: Histogram,
    /// Regret of some decisions by the reports that came after.
    pub hindsight_regret: Histogram,
    /// What the shadow policy would have chosen, beside the real choice.
    pub shadow_choices: IntCounterVec,
    /// Its regret by our score.
    pub shadow_regret: Histogram,
    /// People promised in named rooms whose time to come is over.
    pub promised: Counter,
    /// People who were in those rooms then.
    pub arrived: Counter,
    /// Those rooms, by whether anybody was in them.
    pub rooms_promised: IntCounterVec,
    /// Most rooms that one node got within 30 s, lately.
    pub herd: Gauge,
    /// Highest load by mean load.
    pub imbalance: Gauge,
    /// Seconds that nodes spent above the comfortable load.
    pub overload_nodes: Counter,
    /// The same times the people on them.
    pub overload_people: Counter,
}

impl Quality {
    pub(super) fn new() -> Self {
        let valid = "names are valid";
        let histogram = |name: &str, help: &str, buckets: &[f64]| {
            Histogram::with_opts(HistogramOpts::new(name, help).buckets(buckets.to_vec())).expect(valid)
        };
        let counter = |name: &str, help: &str| Counter::new(name, help).expect(valid);
        let gauge = |name: &str, help: &str| Gauge::new(name, help).expect(valid);
        let counters = |name: &str, help: &str, label: &str| {
            IntCounterVec::new(Opts::new(name, help), &[label]).expect(valid)
        };
        Self {
            snapshot_age: histogram(
                "usher_aggregator_decision_snapshot_age_seconds",
                "Age of the chosen node's figures at each placement.",
                AGE_BUCKETS,
            ),
            regret: histogram(
                "usher_aggregator_decision_regret_ratio",
                "How much better by score another node was at each placement, shares of a standard machine's CPU.",
                REGRET_BUCKETS,
            ),
            hindsight_regret: histogram(
                "usher_aggregator_hindsight_regret_ratio",
                "The same by the reports that came two reads later, of a sample of the placements.",
                REGRET_BUCKETS,
            ),
            shadow_choices: counters(
                "usher_aggregator_shadow_choices_total",
                "Choices of the shadow policy by whether they were the real ones (placement.shadow).",
                "choice",
            ),
            shadow_regret: histogram(
                "usher_aggregator_shadow_regret_ratio",
                "How much better by score another node was than the shadow policy's choice.",
                REGRET_BUCKETS,
            ),
            promised: counter(
                "usher_aggregator_promised_participants_total",
                "People expected in named rooms placed here, once their time to come is over.",
            ),
            arrived: counter(
                "usher_aggregator_arrived_participants_total",
                "People who were in those rooms then.",
            ),
            rooms_promised: counters(
                "usher_aggregator_promised_rooms_total",
                "Those rooms by whether anybody came.",
                "came",
            ),
            herd: gauge(
                "usher_aggregator_herd_rooms",
                "Most rooms that this replica placed on one node within the last 30 seconds.",
            ),
            imbalance: gauge(
                "usher_aggregator_load_imbalance_ratio",
                "Highest CPU busy fraction of a node divided by the mean.",
            ),
            overload_nodes: counter(
                "usher_aggregator_overload_node_seconds_total",
                "Time that nodes spent above placement.comfortable.",
            ),
            overload_people: counter(
                "usher_aggregator_overload_participant_seconds_total",
                "The same times the people in meetings there.",
            ),
        }
    }

    pub(super) fn collectors(&self) -> Vec<Box<dyn Collector>> {
        for choice in ["same", "other", "none"] {
            drop(self.shadow_choices.with_label_values(&[choice]));
        }
        ["yes", "no"].iter().for_each(|came| drop(self.rooms_promised.with_label_values(&[came])));
        vec![
            Box::new(self.snapshot_age.clone()),
            Box::new(self.regret.clone()),
            Box::new(self.hindsight_regret.clone()),
            Box::new(self.shadow_choices.clone()),
            Box::new(self.shadow_regret.clone()),
            Box::new(self.promised.clone()),
            Box::new(self.arrived.clone()),
            Box::new(self.rooms_promised.clone()),
            Box::new(self.herd.clone()),
            Box::new(self.imbalance.clone()),
            Box::new(self.overload_nodes.clone()),
            Box::new(self.overload_people.clone()),
        ]
    }
}

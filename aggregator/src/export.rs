//! View and counters to metric families. Pure.

use std::sync::Arc;

use prometheus::proto::MetricFamily;
use usher_common::metric::Families;

use crate::discovery::DiscoveryView;
use crate::fleet::{FleetView, Lessons, Life, NodeView, SplitCounts};
use crate::peers;

/// What `/metrics` tells besides our own counters.
#[derive(Debug)]
pub struct Told {
    /// The fleet.
    pub view: FleetView,
    /// Discovery's lists.
    pub discovery: Arc<DiscoveryView>,
    /// Whether `/-/ready` answers 200.
    pub ready: bool,
    /// Rooms whose server is remembered.
    pub rooms_remembered: usize,
    /// What was learned.
    pub lessons: Lessons,
    /// The other replicas; `None` without any.
    pub peers: Option<peers::View>,
}

/// Everything that `/metrics` says; `gathered` are our own counters.
#[must_use]
pub fn families(told: &Told, gathered: &[MetricFamily]) -> Families {
    let Told { view, discovery, ready, rooms_remembered, lessons, peers } = told;
    let mut out = Families::new();
    let version = env!("CARGO_PKG_VERSION");
    out.gauge(
        "usher_aggregator_build_info",
        "Version of this program; always 1.",
        &[("version", version)],
        1.0,
    );
    out.gauge("usher_aggregator_ready", "Whether /-/ready answers 200.", &[], flag(*ready));
    out.gauge("usher_aggregator_panic", "Most of the fleet was lost at once.", &[], flag(view.panic));
    out.gauge(
        "usher_aggregator_eligible_nodes",
        "Nodes that may take new rooms.",
        &[],
        number(view.eligible),
    );
    for life in Life::ALL {
        let count = view.nodes.iter().filter(|node| node.life == life).count();
        out.gauge("usher_aggregator_nodes", "Nodes by life.", &[("life", life.as_str())], number(count));
    }
    let help = "Rooms whose server is remembered.";
    out.gauge("usher_aggregator_remembered_rooms", help, &[], number(*rooms_remembered));
    out.gauge(
        "usher_aggregator_targets",
        "Targets that discovery lists.",
        &[],
        number(discovery.targets.len()),
    );
    for file in &discovery.files {
        let labels = [("file", file.path.as_str())];
        let help = "Whether the file could be read and understood the last time.";
        out.gauge("usher_aggregator_discovery_file_ok", help, &labels, flag(file.error.is_none()));
        #[expect(clippy::cast_precision_loss, reason = "a count of failures")]
        let failures = file.failures as f64;
        let help = "Reads of the file that failed.";
        out.counter("usher_aggregator_discovery_file_failures_total", help, &labels, failures);
    }
    splits(view.splits, &mut out);
    learned(lessons, &mut out);
    peers.iter().for_each(|peers| replicas(peers, &mut out));
    // Two targets may claim one name; only who has it is shown under it.
    for node in view.nodes.iter().filter(|node| node.errors.is_empty()) {
        node_families(node, &mut out);
    }
    out.add_all(gathered);
    out
}

fn splits(counts: SplitCounts, out: &mut Families) {
    let help = "Rooms that were found on two nodes: with people on both, or promised to a second one.";
    for (state, total) in [("live", counts.live_total), ("promised", counts.promised_total)] {
        #[expect(clippy::cast_precision_loss, reason = "a count of rare events")]
        out.counter("usher_aggregator_room_splits_total", help, &[("state", state)], total as f64);
    }
    let help = "Rooms that are on two nodes now.";
    for (state, now) in [("live", counts.live), ("promised", counts.promised)] {
        out.gauge("usher_aggregator_split_rooms", help, &[("state", state)], number(now));
    }
}

fn learned(lessons: &Lessons, out: &mut Families) {
    let help =
        "CPU of one participant on the standard machine, as learned; absent while too little was seen.";
    out.gauge_if("usher_aggregator_learned_participant_cpu_ratio", help, &[], lessons.cost_per_person);
    let help = "Observations that it rests on, weighted by age.";
    out.gauge("usher_aggregator_learned_participant_cpu_samples", help, &[], lessons.cost_samples);
    let help = "Participants of an ordinary meeting, as learned; absent while too few were seen to end.";
    out.gauge_if("usher_aggregator_learned_expected_participants", help, &[], lessons.expected_people);
    let help = "How long participants take to come, as learned; absent while too few meetings were seen.";
    let seconds = lessons.join_time_ms.map(|ms| ms / 1000.0);
    out.gauge_if("usher_aggregator_learned_join_seconds", help, &[], seconds);
    let help = "Rooms whose size is known from earlier meetings.";
    out.gauge("usher_aggregator_learned_rooms", help, &[], number(lessons.known_rooms));
}

fn replicas(peers: &peers::View, out: &mut Families) {
    let help = "Replicas that share the deciding on rooms, this one included.";
    out.gauge("usher_aggregator_live_replicas", help, &[], number(peers.live));
    for peer in peers.peers.iter().filter(|peer| !peer.is_us) {
        let labels = [("peer", peer.url.as_str())];
        let help = "Whether the replica answers and is ready.";
        out.gauge("usher_aggregator_peer_live", help, &labels, flag(peer.live));
        let Some(divergence) = peer.divergence else { continue };
        let help = "Mean difference between its and our CPU busy fractions of the same nodes.";
        out.gauge("usher_aggregator_view_divergence_ratio", help, &labels, divergence.load);
        let help = "Nodes that only one of the two replicas would use.";
        out.gauge("usher_aggregator_view_divergence_nodes", help, &labels, number(divergence.nodes));
    }
}

fn node_families(node: &NodeView, out: &mut Families) {
    let labels = [("node", node.node.as_deref().unwrap_or("")), ("target", node.target.as_str())];
    let up = matches!(node.life, Life::Up | Life::Suspect);
    out.gauge("usher_aggregator_node_up", "Whether the node answers.", &labels, flag(up));
    out.gauge(
        "usher_aggregator_node_eligible",
        "Whether the node may take new rooms.",
        &labels,
        flag(node.eligible),
    );
    let help = "People promised to the node by this replica and not yet seen there.";
    out.gauge("usher_aggregator_node_pledged_participants", help, &labels, node.pledged);
    let Some(figures) = &node.figures else { return };
    let help = "Age of the node's sample.";
    out.gauge("usher_aggregator_node_sample_age_seconds", help, &labels, seconds(figures.age_ms));
    let help = "Time since the node was last read.";
    out.gauge("usher_aggregator_node_read_age_seconds", help, &labels, seconds(figures.read_age_ms));
    let help = "CPU busy fraction of the node, smoothed.";
    out.gauge_if(
        "usher_aggregator_node_cpu_busy_ratio",
        help,
        &labels,
        figures.cpu_busy_smooth.or(figures.cpu_busy),
    );
    let help = "Stress of the node's bridge; 1 is full.";
    out.gauge_if("usher_aggregator_node_stress_ratio", help, &labels, figures.stress);
}

fn flag(on: bool) -> f64 {
    f64::from(u8::from(on))
}

#[expect(clippy::cast_precision_loss, reason = "counts of nodes and rooms")]
fn number(count: usize) -> f64 {
    count as f64
}

#[expect(clippy::cast_precision_loss, reason = "ages in milliseconds")]
fn seconds(ms: u64) -> f64 {
    ms as f64 / 1000.0
}

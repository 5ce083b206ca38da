//! View and counters to metric families. Pure.

use prometheus::proto::MetricFamily;
use usher_common::metric::Families;

use crate::discovery::DiscoveryView;
use crate::fleet::{FleetView, Life, NodeView};

/// Everything `/metrics` says; `gathered` are our own counters.
#[must_use]
pub fn families(
    view: &FleetView,
    discovery: &DiscoveryView,
    ready: bool,
    rooms_remembered: usize,
    gathered: Vec<MetricFamily>,
) -> Families {
    let mut out = Families::new();
    let version = env!("CARGO_PKG_VERSION");
    out.gauge(
        "usher_aggregator_build_info",
        "Version of this program; always 1.",
        &[("version", version)],
        1.0,
    );
    out.gauge("usher_aggregator_ready", "Whether /-/ready answers 200.", &[], flag(ready));
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
    out.gauge("usher_aggregator_remembered_rooms", help, &[], number(rooms_remembered));
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
    // Two targets may claim one name; only who has it is shown under it.
    for node in view.nodes.iter().filter(|node| node.errors.is_empty()) {
        node_families(node, &mut out);
    }
    out.extend(gathered);
    out
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

//! Snapshot to metric families: everything but the host's own (`node_*`).

use std::time::Instant;

use usher_common::metric::Families;
use usher_common::wire::{NotReady, OperatorMode};

use super::containers;
use super::containers::whole;
use super::upkeep;
use crate::node::Node;
use crate::probe::{families, systemd};
use crate::snapshot::Snapshot;

/// Adds the families of the agent, the stack and Jitsi.
pub fn add(node: &Node, snapshot: Option<&Snapshot>, now: Instant, families: &mut Families) {
    families.gauge(
        "usher_agent_build_info",
        "Version of the agent; always 1.",
        &[("version", env!("CARGO_PKG_VERSION"))],
        1.0,
    );
    families.gauge(
        "usher_agent_node_info",
        "Name, address and region of the node; always 1.",
        &[
            ("node", node.identity.node.as_str()),
            ("public_url", node.identity.public_url.as_url().as_str()),
            ("region", node.identity.region.as_deref().unwrap_or("")),
        ],
        1.0,
    );
    readiness(node, snapshot, now, families);
    families.gauge(
        "usher_agent_reservations",
        "Promises held that have not lapsed.",
        &[],
        whole(node.reservations.list().len() as u64),
    );
    families.gauge(
        "usher_agent_reserved_participants",
        "People promised to this node and not yet arrived.",
        &[],
        node.reservations.pending(),
    );
    systemd::add(&node.systemd.borrow(), families);
    if let Some(works) = &node.works {
        upkeep::add(&works.board.read(), families);
    }
    let Some(snapshot) = snapshot else { return };
    families.counter(
        "usher_agent_samples_total",
        "Samples taken since the agent started.",
        &[],
        whole(snapshot.seq),
    );
    families.gauge(
        "usher_agent_sample_age_seconds",
        "Age of the newest sample.",
        &[],
        now.saturating_duration_since(snapshot.taken).as_secs_f64(),
    );
    families.gauge_if(
        "usher_agent_certificate_end_timestamp_seconds",
        "When the certificate that people see ends, seconds since the Unix epoch; absent while unknown.",
        &[],
        certificate_end(snapshot),
    );
    probes(snapshot, families);
    families::self_metrics(&snapshot.services, families);
    families::pass_through(&snapshot.services, families);
    containers::add(snapshot, node.stack.expected(), families);
}

fn readiness(node: &Node, snapshot: Option<&Snapshot>, now: Instant, families: &mut Families) {
    let not_ready = node.not_ready(snapshot, now);
    let bit = |flag: bool| f64::from(u8::from(flag));
    families.gauge(
        "usher_agent_ready",
        "Whether the node may take new rooms.",
        &[],
        bit(not_ready.is_empty()),
    );
    for reason in NotReady::ALL {
        families.gauge(
            "usher_agent_not_ready",
            "1 for each reason why the node may not take new rooms.",
            &[("reason", reason.as_str())],
            bit(not_ready.contains(reason)),
        );
    }
    let mode = node.operator.now().mode;
    for word in OperatorMode::ALL {
        families.gauge(
            "usher_agent_operator_mode",
            "1 for what the operator wants of the node.",
            &[("mode", word.as_str())],
            bit(mode == *word),
        );
    }
}

fn certificate_end(snapshot: &Snapshot) -> Option<f64> {
    let end_unix_s = snapshot.jitsi.as_ref()?.certificate_not_after_unix_s?;
    // One that ended before 1970 ended at 1970: there is nothing to tell between them.
    Some(whole(u64::try_from(end_unix_s).unwrap_or(0)))
}

fn probes(snapshot: &Snapshot, families: &mut Families) {
    let mut outcomes: Vec<(&str, Option<&str>)> = snapshot
        .host_probes
        .iter()
        .map(|(name, reason)| (*name, reason.map(usher_common::wire::ProbeFailure::as_str)))
        .collect();
    outcomes.push(("engine", snapshot.containers.as_ref().err().map(|failure| failure.reason.as_str())));
    for (probe, reason) in &outcomes {
        families.gauge(
            "usher_agent_probe_success",
            "Whether the newest attempt has a reading.",
            &[("probe", probe)],
            f64::from(u8::from(reason.is_none())),
        );
    }
    let services = snapshot.services.outcomes().map(|(probe, outcome)| {
        (probe.as_str(), outcome.result.as_ref().err().map(|failed| failed.reason.as_str()))
    });
    for (probe, reason) in outcomes.into_iter().chain(services) {
        if let Some(reason) = reason {
            families.gauge(
                "usher_agent_probe_failure",
                "Why a probe has no reading; 1 for the present reason, absent when it has one.",
                &[("probe", probe), ("reason", reason)],
                1.0,
            );
        }
    }
}

//! The fleet at a moment, as plain values for the API, the pages and the metrics.
//!
//! Every figure of a node is of one sample, whose age stands beside them.

use std::collections::BTreeMap;

use serde::Serialize;
use usher_common::wire::{NotReady, OperatorState};
use utoipa::ToSchema;

use super::standing::standing;
use super::{Life, Node, SplitCounts, State};
use crate::clock::Millis;
use crate::target::TargetKind;

/// All nodes.
#[derive(Debug, Clone, Serialize)]
pub struct FleetView {
    /// Most of the fleet was lost at once.
    pub panic: bool,
    /// Nodes that may take new rooms now.
    pub eligible: usize,
    /// Rooms that were seen on two nodes.
    pub splits: SplitCounts,
    /// Each node, in the order of its name; those without one last.
    pub nodes: Vec<NodeView>,
}

/// One node.
#[derive(Debug, Clone, Serialize)]
pub struct NodeView {
    /// Its name; `None` while it has never said it.
    pub node: Option<String>,
    /// Where its agent is read.
    pub target: String,
    /// What answers there.
    pub kind: TargetKind,
    /// Where people are sent; `None` while it has never said it.
    pub url: Option<String>,
    /// Its region.
    pub region: Option<String>,
    /// The operator's labels.
    pub labels: BTreeMap<String, String>,
    /// Where it is in its life.
    pub life: Life,
    /// For how long, milliseconds.
    pub life_age_ms: u64,
    /// Whether it may take new rooms, as far as the node itself goes.
    pub eligible: bool,
    /// Why not.
    pub unfit: Option<&'static str>,
    /// What is wrong with reading it.
    pub trouble: Option<TroubleView>,
    /// Whether its page was served beside that, when last looked at; `None` while nothing is wrong.
    pub page_served: Option<bool>,
    /// Whether it says that it may take new rooms; `None` when it was never read.
    pub ready: Option<bool>,
    /// Why not.
    pub not_ready: Vec<NotReady>,
    /// What the operator wants of it.
    pub operator: Option<OperatorState>,
    /// Its figures; `None` when it was never read.
    pub figures: Option<Figures>,
    /// People promised to it by this replica and not yet to be seen there.
    pub pledged: f64,
    /// What is wrong with its place in the fleet.
    pub errors: Vec<String>,
}

/// Failed reads in a row.
#[derive(Debug, Clone, Serialize)]
pub struct TroubleView {
    /// The closed reason.
    pub reason: &'static str,
    /// What happened the last time.
    pub detail: String,
    /// How many in a row.
    pub failures: u32,
    /// How long it has been so, milliseconds.
    pub age_ms: u64,
}

/// The figures of one sample; each `None` when unknown.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Figures {
    /// Age of the sample, milliseconds: as given by the agent, plus the time since.
    pub age_ms: u64,
    /// Time since the node was last read, milliseconds.
    pub read_age_ms: u64,
    /// Number of the sample.
    pub seq: u64,
    /// Version of the agent.
    pub agent_version: String,
    /// Cores.
    pub cores: Option<u32>,
    /// CPU busy fraction, 0..=1.
    pub cpu_busy: Option<f64>,
    /// The same, smoothed over 3 s.
    pub cpu_busy_smooth: Option<f64>,
    /// Memory in use, fraction 0..=1.
    pub memory_used: Option<f64>,
    /// The fullest file system's use, fraction 0..=1.
    pub disk_used: Option<f64>,
    /// Received, bytes per second.
    pub receive_bytes_per_s: Option<f64>,
    /// Sent, bytes per second.
    pub transmit_bytes_per_s: Option<f64>,
    /// The bridge's stress; 1 is full.
    pub stress: Option<f64>,
    /// People in meetings.
    pub participants: Option<u64>,
    /// Meetings.
    pub conferences: Option<u64>,
    /// People promised to the node by anybody and not yet come, by its own list.
    pub reserved: f64,
}

impl State {
    /// The fleet at `now`.
    #[must_use]
    pub fn view(&self, now: Millis) -> FleetView {
        let mut nodes: Vec<NodeView> = self.nodes().map(|node| self.node_view(node, now)).collect();
        nodes.sort_by(|a, b| {
            (a.node.is_none(), &a.node, &a.target).cmp(&(b.node.is_none(), &b.node, &b.target))
        });
        FleetView {
            panic: self.panic(),
            eligible: nodes.iter().filter(|node| node.eligible).count(),
            splits: self.splits(),
            nodes,
        }
    }

    /// One node at `now`.
    #[must_use]
    pub fn node_view(&self, node: &Node, now: Millis) -> NodeView {
        let report = node.latest.as_ref().map(|latest| latest.report.as_ref());
        let standing = standing(node, self.rules(), self.panic(), now);
        let mut labels = node.target.labels.clone();
        labels.extend(report.iter().flat_map(|report| report.labels.clone()));
        NodeView {
            node: node.name().map(ToString::to_string),
            target: node.target.id.to_string(),
            kind: node.target.kind,
            url: report.map(|report| report.public_url.to_string()),
            region: node.region().map(str::to_owned),
            labels,
            life: node.life,
            life_age_ms: now.saturating_sub(node.since),
            eligible: standing.is_ok(),
            unfit: standing.err().map(super::Unfit::as_str),
            page_served: node.page,
            trouble: node.misfortune.as_ref().map(|misfortune| TroubleView {
                reason: misfortune.reason.as_str(),
                detail: misfortune.detail.clone(),
                failures: node.failures(),
                age_ms: now.saturating_sub(misfortune.since),
            }),
            ready: report.map(|report| report.ready),
            not_ready: report.map_or_else(Vec::new, |report| report.not_ready.clone()),
            operator: report.map(|report| report.operator.clone()),
            figures: figures(node, now),
            pledged: node.pledges.expected(now, self.params().promise_memory_ms),
            errors: node
                .shadowed_by
                .iter()
                .map(|by| format!("its name belongs to the target {by}"))
                .collect(),
        }
    }
}

impl Node {
    /// Its region: the report's word, else the settings'.
    #[must_use]
    pub fn region(&self) -> Option<&str> {
        let reported = self.latest.as_ref().and_then(|latest| latest.report.region.as_deref());
        reported.or(self.target.region.as_deref())
    }
}

#[expect(clippy::cast_precision_loss, reason = "bytes, for a fraction")]
fn figures(node: &Node, now: Millis) -> Option<Figures> {
    let latest = node.latest.as_ref()?;
    let report = latest.report.as_ref();
    let used = |total: u64, free: u64| (total > 0).then(|| 1.0 - free as f64 / total as f64);
    let cpu = report.cpu.as_ref();
    let jitsi = report.jitsi.as_ref();
    Some(Figures {
        age_ms: now.saturating_sub(latest.sampled),
        read_age_ms: now.saturating_sub(latest.read),
        seq: report.seq,
        agent_version: report.agent_version.clone(),
        cores: cpu.map(|cpu| cpu.cores),
        cpu_busy: cpu.and_then(|cpu| cpu.busy),
        cpu_busy_smooth: cpu.and_then(|cpu| cpu.busy_smooth),
        memory_used: report.memory.as_ref().and_then(|m| used(m.total_bytes, m.available_bytes?)),
        disk_used: report.disk.as_ref().and_then(|d| used(d.total_bytes, d.available_bytes)),
        receive_bytes_per_s: report.net.as_ref().and_then(|net| net.receive_bytes_per_s),
        transmit_bytes_per_s: report.net.as_ref().and_then(|net| net.transmit_bytes_per_s),
        stress: jitsi.and_then(|jitsi| jitsi.stress),
        participants: jitsi.and_then(|jitsi| jitsi.participants),
        conferences: jitsi.and_then(|jitsi| jitsi.conferences),
        reserved: report.reservations.iter().fold(0.0, |sum, reservation| sum + reservation.expected),
    })
}

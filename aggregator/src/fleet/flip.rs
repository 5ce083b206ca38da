//! What changed, for the log: one line per change, none per scrape.

use usher_common::wire::{NodeId, NotReady, OperatorMode};

use super::{Life, Trouble};
use crate::target::TargetId;

/// One change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Flip {
    /// Discovery lists a new target.
    Discovered(TargetId),
    /// Discovery lists it no more.
    Gone(TargetId),
    /// A node's life took a turn.
    Life {
        /// Which target.
        target: TargetId,
        /// Its node's name, when it ever said one.
        node: Option<NodeId>,
        /// Life before.
        from: Life,
        /// Life now.
        to: Life,
        /// What is wrong, when something is.
        why: Option<(Trouble, String)>,
    },
    /// The agent started anew.
    Restarted(TargetId, NodeId),
    /// Another node answers at the target.
    Renamed {
        /// Which target.
        target: TargetId,
        /// Who answered before.
        from: NodeId,
        /// Who answers now.
        to: NodeId,
    },
    /// Two targets claim one name; the first keeps it.
    NameTaken {
        /// The one that came later.
        target: TargetId,
        /// The name.
        node: NodeId,
        /// The one that has it.
        by: TargetId,
    },
    /// The operator's wish for the node changed.
    Operator(NodeId, OperatorMode),
    /// The node's own readiness changed.
    Readiness(NodeId, bool, Vec<NotReady>),
    /// The agent is silent; whether the node's page is served beside it.
    Page(NodeId, bool),
    /// Rooms sent to the node stay empty.
    BrokenOff(NodeId),
    /// So many rooms with people in them came to be on this node and on another too.
    Split(NodeId, u64),
    /// Most of the fleet looks dead (or no more).
    Panic(bool),
}

impl Flip {
    /// Writes the log line.
    pub fn log(&self) {
        match self {
            Self::Discovered(target) => tracing::info!(%target, "target discovered"),
            Self::Gone(target) => tracing::info!(%target, "target gone from discovery"),
            Self::Life { target, node, from, to, why } => {
                let node = node.as_ref().map_or("-", NodeId::as_str);
                let (from, to) = (from.as_str(), to.as_str());
                match why {
                    Some((reason, detail)) => {
                        tracing::warn!(%target, node, from, to, reason = reason.as_str(), detail, "node's life");
                    }
                    None => tracing::info!(%target, node, from, to, "node's life"),
                }
            }
            Self::Restarted(target, node) => tracing::info!(%target, %node, "agent started anew"),
            Self::Renamed { target, from, to } => {
                tracing::warn!(%target, %from, %to, "another node answers at this target");
            }
            Self::NameTaken { target, node, by } => {
                tracing::error!(%target, %node, %by, "two targets claim one node name; the later one gets no rooms");
            }
            Self::Operator(node, mode) => tracing::info!(%node, mode = mode.as_str(), "operator's state"),
            Self::Readiness(node, ready, reasons) => {
                let reasons: Vec<&str> = reasons.iter().map(|reason| reason.as_str()).collect();
                tracing::info!(%node, ready, reasons = reasons.join(","), "node's readiness");
            }
            Self::Page(node, true) => {
                tracing::warn!(%node, "the agent gives no report, but the node's page is served: its meetings stay there, new ones go elsewhere");
            }
            Self::Page(node, false) => tracing::warn!(%node, "the node's page is not served either"),
            Self::BrokenOff(node) => {
                tracing::warn!(%node, "rooms sent to the node stay empty: left out for a while");
            }
            Self::Split(node, rooms) => {
                tracing::warn!(%node, rooms, "rooms are split: people are in them on another node too; newcomers are led to the earlier one");
            }
            Self::Panic(true) => {
                tracing::error!(
                    "most of the fleet is lost at once: is it us? lost nodes whose death is not proven stay in use for a while if no other is left"
                );
            }
            Self::Panic(false) => tracing::info!("most of the fleet is back, or lost for good"),
        }
    }
}

//! What happens to the fleet. Everything the state knows came in as one of these.

use std::sync::Arc;

use usher_common::wire::{ProbeFailure, Report};

use crate::target::{Target, TargetId};

/// One thing that happened.
#[derive(Debug, Clone)]
pub enum Event {
    /// Discovery's list, whole.
    Targets(Arc<[Target]>),
    /// A target answered with a report.
    Reported {
        /// Who.
        target: TargetId,
        /// What it said.
        report: Box<Report>,
    },
    /// A target answered that nothing changed since its last report (304).
    Unchanged {
        /// Who.
        target: TargetId,
    },
    /// A target did not answer a question between two reads. It makes a node
    /// that is up suspect at once; however many there are, only reads take it down.
    Silent {
        /// Who.
        target: TargetId,
        /// The closed reason.
        reason: ProbeFailure,
        /// What exactly happened.
        detail: String,
    },
    /// Somebody looked whether the node at a target whose reads fail still serves its page.
    Looked {
        /// Who.
        target: TargetId,
        /// Whether it does.
        served: bool,
    },
    /// A target gave no report.
    Failed {
        /// Who.
        target: TargetId,
        /// The closed reason.
        reason: ProbeFailure,
        /// What exactly happened.
        detail: String,
    },
}

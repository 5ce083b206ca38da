//! What a running agent is: who it is, where its readings are, and what it answers
//! from. Shared by all requests; nothing here waits.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use usher_common::wire::{NodeId, NotReady, PublicUrl};

use crate::config::StackConfig;
use crate::operator::Operator;
use crate::probe::systemd;
use crate::readiness::{self, Standing};
use crate::reservations::Reservations;
use crate::snapshot::Snapshot;
use crate::upkeep::Works;

/// A running agent, as its routes see it.
#[derive(Debug)]
pub struct Node {
    /// Who it is.
    pub identity: Identity,
    /// What of a stack is expected.
    pub stack: StackConfig,
    /// The work on the stack; `None` when it is only watched.
    pub works: Option<Works>,
    /// The operator's wish.
    pub operator: Operator,
    /// What was promised to aggregators.
    pub reservations: Reservations,
    /// The newest sample; `None` before the first.
    pub snapshot: watch::Receiver<Option<Arc<Snapshot>>>,
    /// What systemd said last.
    pub systemd: watch::Receiver<systemd::Outcome>,
    /// Time between samples: older than a few of these, and the sampler is stuck.
    pub sample_interval: Duration,
    /// Cancelled when the agent is told to stop.
    pub stopping: CancellationToken,
}

/// What does not change while the agent runs.
#[derive(Debug, Clone)]
pub struct Identity {
    /// The node's name.
    pub node: NodeId,
    /// Where people are sent.
    pub public_url: PublicUrl,
    /// Where that URL came from.
    pub url_source: UrlSource,
    /// The node's region.
    pub region: Option<String>,
    /// The operator's labels.
    pub labels: BTreeMap<String, String>,
    /// Differs from one life of the agent to the next.
    pub boot_id: String,
}

/// Where the public URL came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UrlSource {
    /// The settings.
    Settings,
    /// `PUBLIC_URL` of the stack's `.env`.
    StackEnvironment,
    /// Nowhere: it is the agent's own page, which says so.
    OwnPage,
}

/// A sampler that is this many intervals late is stuck, and the node is not to be judged
/// by what it said last.
const STUCK_INTERVALS: u32 = 10;

impl Node {
    /// The newest sample.
    #[must_use]
    pub fn latest(&self) -> Option<Arc<Snapshot>> {
        self.snapshot.borrow().clone()
    }

    /// Every reason why no new room should come here.
    #[must_use]
    pub fn not_ready(&self, snapshot: Option<&Snapshot>, now: Instant) -> Vec<NotReady> {
        let standing = Standing {
            mode: self.operator.now().mode,
            stopping: self.stopping.is_cancelled(),
            deploying: self.works.as_ref().is_some_and(|works| works.board.read().interrupts()),
        };
        let stuck = self.sample_interval.saturating_mul(STUCK_INTERVALS);
        let fresh = snapshot.filter(|snapshot| now.saturating_duration_since(snapshot.taken) < stuck);
        readiness::reasons(fresh, standing, &self.stack)
    }
}

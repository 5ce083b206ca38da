//! What is known of one node: the only thing that placement looks at.
//!
//! A plain value without a clock: every `*_at_ms` is a point on the aggregator's own monotonic
//! clock in milliseconds, the same that `now_ms` is read from, so a value stays true while time
//! goes on and need not be built anew for each request. `None` means "not known", never zero.
//!
//! Whoever keeps the fleet fills it so, at each report:
//! - `reading.at_ms`: arrival of the report less the age of its sample; `joins_per_s` from a
//!   [`JoinRate`](super::JoinRate), whose count of joins also goes to the [`Breaker`].
//! - `promises`: those the report lists ([`Witness::Agent`]), and one's own made after the reading
//!   ([`Witness::Own`]). Of a node that cannot be told, all one's own ([`Witness::OwnOnly`]).
//!
//! and at each placement: push the promise, tell the [`Breaker`].

use serde::{Deserialize, Serialize};
use usher_common::wire::{NodeId, NotReady, OperatorMode};
use usher_common::words;

use super::breaker::Breaker;

/// One node as this replica knows it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Candidate {
    /// Its name.
    pub node: NodeId,
    /// Where it stands, for requests that prefer a region.
    pub region: Option<String>,
    /// Whether it answers.
    pub life: Life,
    /// What its operator wants.
    pub operator: OperatorMode,
    /// Whether its agent says that it can take new rooms.
    pub ready: bool,
    /// Why not; may be empty.
    pub not_ready: Vec<NotReady>,
    /// The newest report's figures; `None` when it never reported.
    pub reading: Option<Reading>,
    /// People promised to it by placements, in any order. Those older than
    /// [`promise_forgotten_after_ms`](super::Params::promise_forgotten_after_ms) may be left out.
    pub promises: Vec<Promise>,
    /// How strong it is: 1 is the standard VM (8 cores). Given or learned; `None` takes the cores.
    pub capacity: Option<f64>,
    /// CPU of one more person, share of this node's CPU. Learned; `None` takes the fleet's figure.
    pub cost_per_person: Option<f64>,
    /// Since when it may take rooms, where it is new or has come back; `None` when it needs no
    /// slow start (it was there when this replica started).
    pub in_rotation_since_at_ms: Option<u64>,
    /// Whether it is left out because rooms sent there stay empty.
    pub breaker: Breaker,
}

/// How a node answers scrapes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Life {
    /// It never reported. Not idle: unknown.
    NeverSeen,
    /// It answers.
    Up,
    /// It missed a scrape, but not yet as many in a row as make it down. Takes rooms when no node is up that can.
    Suspect,
    /// It missed too many in a row.
    Down,
}

words!(Life, "life state" { NeverSeen => "never_seen", Up => "up", Suspect => "suspect", Down => "down" });

/// The figures of a node's newest report.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Reading {
    /// When the figures were true: arrival of the report, less the age of its sample.
    pub at_ms: u64,
    /// CPU busy fraction of all cores, smoothed over some seconds, 0..=1.
    pub cpu: Option<f64>,
    /// JVB's stress; 1 is full and it may be above. Never clamped.
    pub stress: Option<f64>,
    /// People in meetings.
    pub participants: Option<u64>,
    /// Joins per second, smoothed (see [`JoinRate`](super::JoinRate)).
    pub joins_per_s: Option<f64>,
    /// Logical cores.
    pub cores: Option<u32>,
}

/// People who were sent to a node and may not have arrived.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Promise {
    /// How many were expected when it was made; not reduced by those who came.
    pub people: f64,
    /// When it was made.
    pub made_at_ms: u64,
    /// Who knows of it.
    pub witness: Witness,
}

/// Where the knowledge of a promise comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Witness {
    /// The agent lists it: exact, whichever replica made it.
    Agent,
    /// This replica made it and the agent took it, but has not listed it yet. The other replicas'
    /// newest are not known.
    Own,
    /// This replica made it, and the node cannot be told: the others' are never seen, so each is
    /// taken to stand for one of every replica.
    OwnOnly,
}

words!(Witness, "witness" { Agent => "agent", Own => "own", OwnOnly => "own_only" });

impl Candidate {
    /// A node of which nothing is known but its name.
    #[must_use]
    pub fn unseen(node: NodeId) -> Self {
        Self {
            node,
            region: None,
            life: Life::NeverSeen,
            operator: OperatorMode::Ready,
            ready: false,
            not_ready: Vec::new(),
            reading: None,
            promises: Vec::new(),
            capacity: None,
            cost_per_person: None,
            in_rotation_since_at_ms: None,
            breaker: Breaker::default(),
        }
    }
}

//! The policies: how the nodes that may take a room are put in order.
//!
//! Each is one file with one function that orders [`Seat`]s, best first. Adding one is a file, a
//! word here and an arm in [`Policy::order`].

mod expected_load;
mod least;
mod random;
mod round_robin;
mod two_choices;

use usher_common::wire::NodeId;
use usher_common::words;

use super::candidate::Candidate;
use super::draw::Draw;
use super::params::Params;
use super::score::Load;

/// How a node is chosen among those that may take a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Policy {
    /// The smallest expected load: measured, plus promised and not yet arrived.
    #[default]
    ExpectedLoad,
    /// The smallest measured CPU, whatever was promised: what the old design did.
    LeastCpu,
    /// Any.
    Random,
    /// One after the other.
    RoundRobin,
    /// The better of two drawn at random, by expected load.
    TwoChoices,
    /// The fewest people for its capacity.
    LeastParticipants,
}

words!(Policy, "policy" {
    ExpectedLoad => "expected-load", LeastCpu => "least-cpu", Random => "random", RoundRobin => "round-robin",
    TwoChoices => "two-choices", LeastParticipants => "least-participants",
});

/// A node that passed the filters, and what the policies compare.
#[derive(Debug, Clone)]
pub(super) struct Seat<'a> {
    /// Its place in the list of candidates.
    pub(super) index: usize,
    pub(super) node: &'a NodeId,
    /// `None` only under policies that do not look at it.
    pub(super) load: Option<Load>,
    /// What the policy compares; the smallest is the best. Filled by the policies that compare.
    pub(super) key: f64,
    /// What breaks ties: the smallest first.
    pub(super) lot: u64,
}

impl Policy {
    /// What this policy compares, where it needs a figure of the node; `Err` when it needs one
    /// that is not known.
    pub(super) fn key(
        self,
        candidate: &Candidate,
        load: Option<&Load>,
        params: &Params,
    ) -> Result<f64, Unknown> {
        match self {
            Self::ExpectedLoad | Self::TwoChoices => load.map(|load| load.score).ok_or(Unknown),
            Self::LeastCpu => least::cpu(candidate).ok_or(Unknown),
            Self::LeastParticipants => least::participants(candidate, params).ok_or(Unknown),
            Self::Random | Self::RoundRobin => Ok(0.0),
        }
    }

    /// Puts the seats in order, best first.
    pub(super) fn order(self, seats: &mut [Seat<'_>], draw: Draw, params: &Params) {
        match self {
            Self::ExpectedLoad => expected_load::order(seats, draw, params),
            Self::LeastCpu | Self::LeastParticipants => least::order(seats),
            Self::Random => random::order(seats),
            Self::RoundRobin => round_robin::order(seats, draw),
            Self::TwoChoices => two_choices::order(seats),
        }
    }
}

/// The policy needs a figure that the node does not give.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Unknown;

//! Why a read of a node does not count.

use std::fmt;

use usher_common::wire::ProbeFailure;

use crate::clock::Millis;

/// A closed reason, for labels, API and log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Trouble {
    /// There was no report.
    Fetch(ProbeFailure),
    /// Reports come promptly, but their `seq` stands still: the agent's sampler hangs.
    Frozen,
    /// Reports come, but their samples are too old.
    Stale,
}

impl Trouble {
    /// The word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Fetch(reason) => reason.as_str(),
            Self::Frozen => "frozen",
            Self::Stale => "stale",
        }
    }

    /// Whether somebody at the node's address answered, so that the fault is the node's.
    /// A silence can be our own: our network, our resolver.
    #[must_use]
    pub const fn is_proven(self) -> bool {
        use ProbeFailure::{Dns, Io, Reset, Timeout};
        !matches!(self, Self::Fetch(Timeout | Dns | Io | Reset))
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A trouble with its circumstances.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Misfortune {
    /// The closed reason.
    pub reason: Trouble,
    /// What exactly happened, the last time.
    pub detail: String,
    /// When the first of the failures in a row was.
    pub since: Millis,
}

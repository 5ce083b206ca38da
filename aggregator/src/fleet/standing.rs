//! Whether a node may take rooms, as far as the node itself goes. What a request asks
//! for (a region) and how much the node carries are placement's to judge.

use usher_common::wire::{NotReady, OperatorMode};

use super::{Life, Node};
use crate::clock::Millis;
use crate::config::Health;

/// How good a node is for new rooms; a lesser one is used only if there is no better.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// Nothing against it.
    Up,
    /// It missed a read.
    Suspect,
    /// Lost together with most of the fleet, its death not proven: better than nobody.
    LastResort,
}

/// Why a node gets no new rooms.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unfit {
    /// Never read: unknown is not idle.
    NeverRead,
    /// Another target has its name.
    NameTaken,
    /// It missed too many reads.
    Down,
    /// The operator set it to drain.
    Draining,
    /// The operator set it to maintenance.
    Maintenance,
    /// Its report says that it may not.
    NotReady,
    /// Its figures are too old.
    Stale,
    /// It was asked to keep room for this very meeting, and refused.
    Refused,
    /// It was asked so, and there was no answer in time.
    Unreachable,
}

impl Unfit {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::NeverRead,
        Self::NameTaken,
        Self::Down,
        Self::Draining,
        Self::Maintenance,
        Self::NotReady,
        Self::Stale,
        Self::Refused,
        Self::Unreachable,
    ];

    /// The word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NeverRead => "never_read",
            Self::NameTaken => "name_taken",
            Self::Down => "down",
            Self::Draining => "draining",
            Self::Maintenance => "maintenance",
            Self::NotReady => "not_ready",
            Self::Stale => "stale",
            Self::Refused => "refused",
            Self::Unreachable => "unreachable",
        }
    }
}

/// May it take new rooms? `panic` tells that most of the fleet was lost at once.
pub(super) fn standing(node: &Node, rules: &Health, panic: bool, now: Millis) -> Result<Standing, Unfit> {
    let latest = node.latest.as_ref().ok_or(Unfit::NeverRead)?;
    if node.shadowed_by.is_some() {
        return Err(Unfit::NameTaken);
    }
    let standing = match node.life {
        Life::New => return Err(Unfit::NeverRead),
        Life::Up => Standing::Up,
        Life::Suspect => Standing::Suspect,
        Life::Down if panic && is_perhaps_alive(node, rules, now) => Standing::LastResort,
        Life::Down => return Err(Unfit::Down),
    };
    match latest.report.operator.mode {
        OperatorMode::Maint => return Err(Unfit::Maintenance),
        OperatorMode::Drain => return Err(Unfit::Draining),
        OperatorMode::Ready => {}
    }
    if !latest.report.ready {
        return Err(Unfit::NotReady);
    }
    if standing != Standing::LastResort && now.saturating_sub(latest.sampled) > rules.max_age_ms {
        return Err(Unfit::Stale);
    }
    Ok(standing)
}

/// May people go on joining a room that is known to be on this node? `live` tells that
/// its last report shows the room with people in it. A node without reports keeps its rooms while its
/// page is served: what died may be the agent alone.
pub(super) fn is_joinable(node: &Node, live: bool, rules: &Health, panic: bool, now: Millis) -> bool {
    let Some(latest) = &node.latest else { return false };
    let alive = match node.life {
        Life::Up | Life::Suspect => true,
        Life::New => false,
        Life::Down => node.page == Some(true) || (panic && is_perhaps_alive(node, rules, now)),
    };
    let report = &latest.report;
    // A node that says it cannot hold meetings cannot hold one that nobody is in yet.
    let able = live || report.ready || report.not_ready.iter().all(|reason| *reason == NotReady::Draining);
    alive && able && node.shadowed_by.is_none() && report.operator.mode != OperatorMode::Maint
}

fn is_perhaps_alive(node: &Node, rules: &Health, now: Millis) -> bool {
    let proven = node.misfortune.as_ref().is_none_or(|misfortune| misfortune.reason.is_proven());
    !proven && now.saturating_sub(node.since) <= rules.panic_hold_ms
}

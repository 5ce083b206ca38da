//! Who may take a new room: filters that only subtract, each with its reason.
//!
//! The order is that of the reasons: what the operator wants comes first, what we merely suspect
//! comes last. So a node that is only *presumed* dead has passed everything else, and may be
//! fallen back on when most of the fleet looks dead and the fault is probably ours.

use usher_common::wire::OperatorMode;
use usher_common::words;

use super::candidate::{Candidate, Life};
use super::params::Params;
use super::ranking::Request;

/// The filter that removed a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Removal {
    /// The operator drains it.
    Draining,
    /// The operator keeps it in maintenance.
    Maintenance,
    /// It never reported.
    NeverSeen,
    /// It stands in another region than asked for, and must not be spilled over to.
    WrongRegion,
    /// Its agent says that it cannot take rooms.
    NotReady,
    /// Rooms sent there stay empty.
    BrokenOff,
    /// It does not say what the policy must know of it.
    LoadUnknown,
    /// Its load and what it was promised reach what it can carry.
    Full,
    /// It does not answer. Presumed only.
    Down,
    /// Its figures are too old. Presumed only.
    Stale,
}

words!(Removal, "removal" {
    Draining => "draining", Maintenance => "maintenance", NeverSeen => "never_seen",
    WrongRegion => "wrong_region", NotReady => "not_ready",
    BrokenOff => "broken_off", LoadUnknown => "load_unknown", Full => "full", Down => "down", Stale => "stale",
});

/// The first filter that a node does not pass before its load is looked at.
pub(super) fn refusal(
    candidate: &Candidate,
    request: &Request,
    params: &Params,
    now_ms: u64,
) -> Option<Removal> {
    match candidate.operator {
        OperatorMode::Drain => return Some(Removal::Draining),
        OperatorMode::Maint => return Some(Removal::Maintenance),
        OperatorMode::Ready => {}
    }
    if candidate.life == Life::NeverSeen || candidate.reading.is_none() {
        return Some(Removal::NeverSeen);
    }
    if request.region.is_some() && !params.region_spill && candidate.region != request.region {
        return Some(Removal::WrongRegion);
    }
    if !candidate.ready {
        return Some(Removal::NotReady);
    }
    candidate.breaker.is_open(now_ms).then_some(Removal::BrokenOff)
}

/// Why a node is presumed dead.
pub(super) fn presumed_dead(candidate: &Candidate, params: &Params, now_ms: u64) -> Option<Removal> {
    if candidate.life == Life::Down {
        return Some(Removal::Down);
    }
    let reading = candidate.reading.as_ref()?;
    (now_ms.saturating_sub(reading.at_ms) > params.stale_after_ms).then_some(Removal::Stale)
}

/// Whether so much of the fleet looks dead at once that the fault is probably ours.
pub(super) fn panicking(candidates: &[Candidate], params: &Params, now_ms: u64) -> bool {
    let seen = candidates.iter().filter(|candidate| candidate.reading.is_some());
    let (seen, dead) = seen.fold((0u32, 0u32), |(seen, dead), candidate| {
        (seen + 1, dead + u32::from(presumed_dead(candidate, params, now_ms).is_some()))
    });
    dead > 0 && f64::from(dead) > f64::from(seen) * params.panic_share
}

//! The best node for a new room: a pure function of the fleet, a request and a number
//! that breaks ties.
//!
//! ```text
//!  load  = max(smoothed CPU, bridge stress × 0.9)                    measured, 0..=1 and above
//!  score = load + people promised and not yet come × cost / cores    smallest wins
//! ```
//!
//! A node whose load is unknown comes after all that are known. Within 1 % of the best
//! the tie-breaker decides by hash: for a named room all replicas hand in the same
//! number, hence choose the same node. Whether a node lives is not judged here (see
//! `fleet::Standing`), nor is anything remembered: pledging is the caller's.

use usher_common::wire::NodeId;

use crate::clock::Millis;
use crate::config::{Placement, Policy};
use crate::fleet::{Node, Standing, Unfit};
use crate::target::TargetId;

/// A bridge at stress 1 is as full as a machine at 90 % CPU: its own threshold leaves a reserve.
const STRESS_WEIGHT: f64 = 0.9;
/// Cores of a node that does not say.
const CORES_UNKNOWN: f64 = 4.0;
/// Scores that differ by less are equal: the noise of a CPU measured over seconds.
const NEAR: f64 = 0.01;

/// A node as far as ranking goes.
#[derive(Debug, Clone)]
pub struct Candidate<'a> {
    /// Its target, which the choice names.
    pub target: &'a TargetId,
    /// Its name, for ties; `None` while it has none (then it is unfit).
    pub name: Option<&'a NodeId>,
    /// Its region.
    pub region: Option<&'a str>,
    /// Whether it may take rooms.
    pub standing: Result<Standing, Unfit>,
    /// Measured load; `None` when unknown.
    pub load: Option<f64>,
    /// People promised and not yet come, by whomever.
    pub pending: f64,
    /// Cores; `None` when unknown.
    pub cores: Option<u32>,
}

/// What is asked for.
#[derive(Debug, Clone, Copy)]
pub struct Wish<'a> {
    /// A region, or any.
    pub region: Option<&'a str>,
    /// Breaks ties: the same number gives the same choice.
    pub tie: u64,
}

/// No node may take the room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoPlace {
    /// Each node, by target, with its reason.
    pub reasons: Vec<(TargetId, Unfit)>,
}

impl<'a> Candidate<'a> {
    /// The figures of a node that count.
    #[must_use]
    pub fn of(node: &'a Node, standing: Result<Standing, Unfit>, rules: &Placement, now: Millis) -> Self {
        let report = node.latest.as_ref().map(|latest| latest.report.as_ref());
        let cpu = report.and_then(|report| report.cpu.as_ref());
        let busy = cpu.and_then(|cpu| cpu.busy_smooth.or(cpu.busy));
        let stress =
            report.and_then(|report| report.jitsi.as_ref()?.stress).map(|stress| stress * STRESS_WEIGHT);
        let reserved: f64 = report.iter().flat_map(|r| &r.reservations).map(|r| r.expected).sum();
        Self {
            target: &node.target.id,
            name: node.name(),
            region: node.region(),
            standing,
            load: [busy, stress].into_iter().flatten().filter(|load| load.is_finite()).reduce(f64::max),
            pending: reserved + node.pledges.expected(now, rules.memory_ms),
            cores: cpu.map(|cpu| cpu.cores).filter(|cores| *cores > 0),
        }
    }

    /// Smaller is better; `None` (after all others) when the load is unknown.
    fn score(&self, rules: &Placement) -> Option<f64> {
        let cores = self.cores.map_or(CORES_UNKNOWN, f64::from);
        match rules.policy {
            Policy::ExpectedLoad => Some(self.load? + self.pending * rules.cores_per_participant / cores),
            Policy::LeastCpu => self.load,
            Policy::Random => Some(0.0),
        }
    }

    fn fitness(&self, wish: Wish<'_>, rules: &Placement) -> Result<Standing, Unfit> {
        let standing = self.standing?;
        if wish.region.is_some_and(|region| self.region != Some(region)) {
            return Err(Unfit::WrongRegion);
        }
        if self.load.is_some_and(|load| load >= rules.full) {
            return Err(Unfit::Full);
        }
        Ok(standing)
    }
}

/// Chooses the node for a new room.
pub fn choose<'a>(
    candidates: &[Candidate<'a>],
    wish: Wish<'_>,
    rules: &Placement,
) -> Result<&'a TargetId, NoPlace> {
    let mut reasons = Vec::new();
    let mut fit = Vec::new();
    for candidate in candidates {
        match candidate.fitness(wish, rules) {
            Ok(standing) => fit.push((standing, candidate)),
            Err(unfit) => reasons.push((candidate.target.clone(), unfit)),
        }
    }
    let Some(best) = fit.iter().map(|(standing, _)| *standing).min() else { return Err(NoPlace { reasons }) };
    fit.retain(|(standing, _)| *standing == best);
    let scores = fit.iter().map(|(_, candidate)| candidate.score(rules).unwrap_or(f64::INFINITY));
    let least = scores.fold(f64::INFINITY, f64::min);
    let near = fit.iter().filter(|(_, candidate)| match candidate.score(rules) {
        Some(score) => score <= least + NEAR,
        None => least.is_infinite(),
    });
    let chosen = near.max_by_key(|(_, candidate)| mix(wish.tie, candidate.name, candidate.target));
    chosen.map(|(_, candidate)| candidate.target).ok_or(NoPlace { reasons })
}

/// Rendezvous hash (FNV-1a, then SplitMix64's finish): fixed, so that replicas of
/// different builds agree.
fn mix(tie: u64, name: Option<&NodeId>, target: &TargetId) -> u64 {
    let text = name.map_or(target.as_str(), NodeId::as_str);
    let bytes = tie.to_le_bytes().into_iter().chain(text.bytes());
    let hash = bytes
        .fold(0xcbf2_9ce4_8422_2325u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    let hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let hash = (hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    hash ^ (hash >> 31)
}

#[cfg(test)]
mod tests;

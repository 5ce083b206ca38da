//! The fleet as placement sees it: which nodes are candidates, and each one's figures. Pure.
//!
//! ```text
//!  Node ──standing, tried──► excluded, with its reason
//!    └──────────────────────► Candidate: reading, promises, slow start, breaker
//! ```
//!
//! What no fallback may override is decided here (a proven death, a name that is another's);
//! what is a matter of degree is placement's.

use usher_common::wire::NodeId;

use super::standing::standing;
use super::{Life, Node, Standing, State, Unfit};
use crate::clock::Millis;
use crate::decision::Excluded;
use crate::placement::{self, Breaker, Candidate, Promise, Reading, Witness};

/// The nodes sorted for one request.
#[derive(Debug, Clone, Default)]
pub struct Lineup {
    /// Those that placement may look at.
    pub candidates: Vec<Candidate>,
    /// The others, by name (or `host:port` while they have none), each with its reason.
    pub excluded: Vec<Excluded>,
}

/// A node that was asked for this very request and did not take it.
pub type Declined = (NodeId, Unfit);

/// Lets those back in that are left out because rooms sent there stay empty. When nobody else is
/// left, the fault may be ours: what sees the joins is broken, or callers ask and never come.
pub(super) fn forgive(candidates: &mut [Candidate]) {
    candidates.iter_mut().for_each(|candidate| candidate.breaker = Breaker::default());
}

impl State {
    /// Sorts the nodes for a request that was `declined` by some already.
    #[must_use]
    pub fn lineup(&self, declined: &[Declined], now: Millis) -> Lineup {
        let mut lineup = Lineup::default();
        let params = self.params_now(now);
        for node in self.nodes() {
            match self.fitness(node, declined, now) {
                Ok((name, standing)) => {
                    let cost = self.learned_cost(node, &params, now);
                    let learned = cost.map(|cost| (cost, params.cost_per_person / cost));
                    lineup.candidates.push(candidate(node, name, standing, learned));
                }
                Err(unfit) => {
                    let name = node.name().map_or_else(|| node.target.authority(), ToString::to_string);
                    lineup.excluded.push(Excluded { node: name, by: unfit });
                }
            }
        }
        lineup.excluded.sort();
        lineup
    }

    fn fitness<'a>(
        &self,
        node: &'a Node,
        declined: &[Declined],
        now: Millis,
    ) -> Result<(&'a NodeId, Standing), Unfit> {
        let standing = standing(node, self.rules(), self.panic(), now)?;
        let name = node.name().ok_or(Unfit::NeverRead)?;
        match declined.iter().find(|(declined, _)| declined == name) {
            Some((_, unfit)) => Err(*unfit),
            None => Ok((name, standing)),
        }
    }
}

/// `learned` is CPU per person on this node, and its capacity by that.
fn candidate(node: &Node, name: &NodeId, standing: Standing, learned: Option<(f64, f64)>) -> Candidate {
    let report = node.latest.as_ref().map(|latest| latest.report.as_ref());
    Candidate {
        node: name.clone(),
        region: node.region().map(str::to_owned),
        life: match (standing, node.life) {
            (Standing::LastResort, _) => placement::Life::Down,
            (Standing::Suspect, _) => placement::Life::Suspect,
            (Standing::Up, Life::New) => placement::Life::NeverSeen,
            (Standing::Up, _) => placement::Life::Up,
        },
        operator: report.map(|report| report.operator.mode).unwrap_or_default(),
        ready: report.is_some_and(|report| report.ready),
        not_ready: report.map_or_else(Vec::new, |report| report.not_ready.clone()),
        reading: reading(node),
        promises: promises(node),
        capacity: learned.map(|(_, capacity)| capacity),
        cost_per_person: learned.map(|(cost, _)| cost),
        in_rotation_since_at_ms: node.in_rotation_since,
        breaker: node.traffic.breaker.clone(),
    }
}

fn reading(node: &Node) -> Option<Reading> {
    let latest = node.latest.as_ref()?;
    let (cpu, jitsi) = (latest.report.cpu.as_ref(), latest.report.jitsi.as_ref());
    Some(Reading {
        at_ms: latest.sampled,
        cpu: cpu.and_then(|cpu| cpu.busy_smooth.or(cpu.busy)),
        stress: jitsi.and_then(|jitsi| jitsi.stress),
        participants: jitsi.and_then(|jitsi| jitsi.participants),
        joins_per_s: node.traffic.joins_per_s(),
        cores: cpu.map(|cpu| cpu.cores).filter(|cores| *cores > 0),
    })
}

/// What the node lists itself, and what we promised and it does not list (yet).
fn promises(node: &Node) -> Vec<Promise> {
    let listed = node.latest.iter().flat_map(|latest| {
        latest.report.reservations.iter().map(|reservation| Promise {
            people: reservation.expected,
            made_at_ms: latest.received.saturating_sub(reservation.age_ms),
            witness: Witness::Agent,
        })
    });
    let own = node.pledges.iter().map(|pledge| Promise {
        people: pledge.expected,
        made_at_ms: pledge.made,
        witness: if pledge.id.is_some() { Witness::Own } else { Witness::OwnOnly },
    });
    listed.chain(own).collect()
}

#[cfg(test)]
mod tests;

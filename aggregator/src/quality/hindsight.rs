//! Decisions once more, when newer reports are in; and the load as it lies.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use usher_common::wire::{NodeId, RoomKey};

use super::{Herd, Scores};
use crate::decision::{Decision, Inputs};
use crate::fleet::{Burden, Fleet};
use crate::placement::{Params, Request};
use crate::stats::Stats;

/// Decisions looked at again at one look, the newest: each costs a ranking of the whole fleet.
const LOOKS: usize = 4;
/// Rooms at most that are waited for; beyond it the oldest are not judged.
const ROOMS_MAX: usize = 20_000;

/// What waits to be looked at again.
#[derive(Debug)]
pub struct Hindsight {
    stats: Arc<Stats>,
    /// How long until every node has been read anew.
    ripe_ms: u64,
    made: VecDeque<Made>,
    awaited: VecDeque<Awaited>,
    herd: Herd,
    looked: Instant,
}

#[derive(Debug)]
struct Made {
    at_ms: u64,
    node: NodeId,
    request: Request,
    people: f64,
}

/// A promise of a named room.
#[derive(Debug)]
struct Awaited {
    due_ms: u64,
    room: RoomKey,
    people: f64,
}

impl Hindsight {
    /// Nothing to look at; `interval` is the scrape's, a herd is what one node got within
    /// `herd_window_ms`.
    #[must_use]
    pub fn new(stats: Arc<Stats>, interval: Duration, herd_window_ms: u64) -> Self {
        let ripe_ms = u64::try_from(interval.as_millis()).unwrap_or(u64::MAX).saturating_mul(2);
        let (made, awaited, herd) = (VecDeque::new(), VecDeque::new(), Herd::new(herd_window_ms));
        Self { stats, ripe_ms, made, awaited, herd, looked: Instant::now() }
    }

    /// A decision was made.
    pub fn made(&mut self, decision: &Decision) {
        let (Some(node), Some(last)) = (&decision.node, decision.tries.last()) else { return };
        let Inputs { now_ms: at_ms, params, .. } = &last.inputs;
        let people = params.people(decision.request.expected_people);
        self.herd.placed(node.clone(), *at_ms);
        let made = Made { at_ms: *at_ms, node: node.clone(), request: decision.request.clone(), people };
        self.made.push_back(made);
        if self.made.len() > LOOKS {
            self.made.pop_front();
        }
        if let Some(room) = &decision.request.room {
            let due_ms = at_ms.saturating_add(time_to_come_ms(params));
            self.awaited.push_back(Awaited { due_ms, room: room.clone(), people });
            if self.awaited.len() > ROOMS_MAX {
                self.awaited.pop_front();
            }
        }
    }

    /// Looks at what is due.
    pub fn look_back(&mut self, fleet: &Fleet) {
        let quality = &self.stats.quality;
        let inputs = fleet.look();
        let now_ms = inputs.now_ms;
        while let Some(made) =
            self.made.front().filter(|made| now_ms.saturating_sub(made.at_ms) >= self.ripe_ms)
        {
            if let Some(regret) = regret_now(made, &inputs) {
                quality.hindsight_regret.observe(regret);
            }
            self.made.pop_front();
        }
        while let Some(awaited) = self.awaited.front().filter(|awaited| awaited.due_ms <= now_ms) {
            let came = fleet.people_in(&awaited.room);
            quality.promised.inc_by(awaited.people);
            #[expect(clippy::cast_precision_loss, reason = "people in a room")]
            quality.arrived.inc_by(came as f64);
            quality.rooms_promised.with_label_values(&[if came > 0 { "yes" } else { "no" }]).inc();
            self.awaited.pop_front();
        }
        #[expect(clippy::cast_precision_loss, reason = "a number of rooms")]
        quality.herd.set(self.herd.largest(now_ms) as f64);
        let elapsed_s = self.looked.elapsed().as_secs_f64();
        self.looked = Instant::now();
        let lie = Lie::of(&fleet.burdens(), inputs.params.comfortable);
        quality.overload_nodes.inc_by(lie.overloaded * elapsed_s);
        quality.overload_people.inc_by(lie.overloaded_people * elapsed_s);
        if let Some(imbalance) = lie.imbalance {
            quality.imbalance.set(imbalance);
        }
    }
}

/// How long people take to come, as far as the policy itself expects anybody.
fn time_to_come_ms(params: &Params) -> u64 {
    params.known_promise_memory_ms.max(params.promise_memory_ms)
}

/// How much better another node is by what is known now, not counting the room that was placed.
fn regret_now(made: &Made, inputs: &Inputs) -> Option<f64> {
    let mut inputs = inputs.clone();
    let chosen = inputs.candidates.iter_mut().find(|candidate| candidate.node == made.node)?;
    let distance = |at_ms: u64| at_ms.abs_diff(made.at_ms);
    let own = (0..chosen.promises.len())
        .filter(|index| (chosen.promises[*index].people - made.people).abs() < 1e-9)
        .min_by_key(|index| distance(chosen.promises[*index].made_at_ms));
    if let Some(own) = own {
        chosen.promises.swap_remove(own);
    }
    Scores::of(&inputs, &made.request).regret(&made.node)
}

/// How the load lies on the fleet.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Lie {
    /// Nodes above the comfortable load.
    overloaded: f64,
    /// People on them.
    overloaded_people: f64,
    /// The highest load by the mean; `None` while nobody carries anything.
    imbalance: Option<f64>,
}

impl Lie {
    #[expect(clippy::cast_precision_loss, reason = "numbers of nodes and people")]
    fn of(burdens: &[Burden], comfortable: f64) -> Self {
        let over: Vec<&Burden> = burdens.iter().filter(|burden| burden.load > comfortable).collect();
        let mean = burdens.iter().map(|burden| burden.load).sum::<f64>() / burdens.len().max(1) as f64;
        let highest = burdens.iter().map(|burden| burden.load).fold(0.0, f64::max);
        Self {
            overloaded: over.len() as f64,
            overloaded_people: over.iter().filter_map(|burden| burden.participants).sum::<u64>() as f64,
            imbalance: (mean > 0.0).then(|| highest / mean),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::placement::{Candidate, Life, Promise, Reading, Witness};

    #[test]
    fn overload_is_counted_with_the_people_who_suffer_it() {
        let burden = |load, participants| Burden { load, participants };
        let lie = Lie::of(&[burden(0.9, Some(300)), burden(0.3, Some(40)), burden(0.95, None)], 0.85);
        assert_eq!((lie.overloaded, lie.overloaded_people), (2.0, 300.0));
        assert!(lie.imbalance.is_some_and(|imbalance| (imbalance - 0.95 / (2.15 / 3.0)).abs() < 1e-9));
        assert_eq!(Lie::of(&[], 0.85).imbalance, None);
    }

    #[test]
    fn the_room_itself_is_no_regret_and_a_better_node_is() {
        let node = |name: &str, cpu| Candidate {
            life: Life::Up,
            ready: true,
            reading: Some(Reading { at_ms: 5000, cpu: Some(cpu), cores: Some(8), ..Reading::default() }),
            ..Candidate::unseen(NodeId::parse(name).unwrap())
        };
        let mut fleet = vec![node("vm1", 0.3), node("vm2", 0.3)];
        fleet[0].promises = vec![Promise { people: 8.0, made_at_ms: 1004, witness: Witness::Agent }];
        let params = Params::default();
        let made =
            Made { at_ms: 1000, node: fleet[0].node.clone(), request: Request::default(), people: 8.0 };
        let inputs = Inputs { now_ms: 5000, seed: 1, params, candidates: fleet, excluded: Vec::new() };
        assert_eq!(regret_now(&made, &inputs), Some(0.0));
        let mut worse = inputs;
        worse.candidates[1].reading.as_mut().unwrap().cpu = Some(0.1);
        assert!(regret_now(&made, &worse).is_some_and(|regret| (regret - 0.2).abs() < 1e-9));
        worse.candidates.remove(0);
        assert_eq!(regret_now(&made, &worse), None, "it is gone");
    }
}

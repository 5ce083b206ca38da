//! Putting it together: filters, loads, admission, groups, the policy's order.

use super::candidate::{Candidate, Life};
use super::draw::Draw;
use super::eligible::{Removal, panicking, presumed_dead, refusal};
use super::filling::Filling;
use super::params::Params;
use super::policy::{Policy, Seat};
use super::ranking::{Choice, NoPlace, Placed, Ranking, Removed, Request, Tier};
use super::score::Load;

/// Chooses a node for one request.
///
/// `seed` decides ties where the room has no key; hand in another number for each request (a
/// counter will do, and `round-robin` wants one). The same arguments give the same choice.
///
/// # Errors
/// [`NoPlace`] with the reason of every node.
pub fn choose(
    candidates: &[Candidate],
    request: &Request,
    params: &Params,
    seed: u64,
    now_ms: u64,
) -> Result<Choice, NoPlace> {
    let survey = Survey::of(candidates, request, params, seed, now_ms);
    let Some((tier, best)) = survey.placed.first() else {
        return Err(NoPlace {
            alarm: survey.alarm,
            retry_after_ms: params.retry_after_ms,
            removed: survey.removed(candidates),
        });
    };
    let after = survey.placed.iter().skip(1).take(params.runners_up);
    Ok(Choice {
        node: best.node.clone(),
        runners_up: after.map(|(_, seat)| seat.node.clone()).collect(),
        people: params.people(request.expected_people),
        tier: *tier,
        load: best.load.clone(),
        candidates: survey.placed.len(),
        alarm: survey.alarm,
    })
}

/// What [`choose`] would see: every node, in the order they would be taken or with the filter that
/// removed it. The same arguments give the same order as [`choose`]'s.
#[must_use]
pub fn rank(candidates: &[Candidate], request: &Request, params: &Params, seed: u64, now_ms: u64) -> Ranking {
    let survey = Survey::of(candidates, request, params, seed, now_ms);
    let placed = |(tier, seat): &(Tier, Seat<'_>)| Placed {
        node: seat.node.clone(),
        tier: *tier,
        load: seat.load.clone(),
    };
    Ranking {
        policy: params.policy,
        alarm: survey.alarm,
        placed: survey.placed.iter().map(placed).collect(),
        removed: survey.removed(candidates),
    }
}

/// The whole fleet looked at for one request, by index, without a copied name.
struct Survey<'a> {
    placed: Vec<(Tier, Seat<'a>)>,
    removed: Vec<(usize, Removal, Option<Load>)>,
    alarm: bool,
}

impl<'a> Survey<'a> {
    fn of(candidates: &'a [Candidate], request: &Request, params: &Params, seed: u64, now_ms: u64) -> Self {
        let draw = Draw::of(request.room.as_ref(), seed);
        let mut alarm = panicking(candidates, params, now_ms);
        let (mut good, mut presumed, mut removed) = (Vec::new(), Vec::new(), Vec::new());
        let mut loads = loads(candidates, request, params, now_ms);
        for (index, candidate) in candidates.iter().enumerate() {
            let load = loads[index].take();
            if let Some(by) = refusal(candidate, request, params, now_ms) {
                removed.push((index, by, load));
                continue;
            }
            let Ok(key) = params.policy.key(candidate, load.as_ref(), params) else {
                removed.push((index, Removal::LoadUnknown, load));
                continue;
            };
            if load.as_ref().is_some_and(|load| load.with_ordinary_room(params) > params.full) {
                removed.push((index, Removal::Full, load));
                continue;
            }
            let node = &candidate.node;
            let seat = Seat { index, node, load, key, lot: draw.lot(node) };
            match presumed_dead(candidate, params, now_ms) {
                None => good.push((tier(candidate, seat.load.as_ref(), request, params), seat)),
                Some(by) => presumed.push((by, seat)),
            }
        }
        if params.policy == Policy::ExpectedLoad {
            let known = good.iter().filter_map(|(_, seat)| seat.load.as_ref());
            if let Some(filling) = Filling::of(request, known, params) {
                good.iter_mut().for_each(|(tier, seat)| *tier = filling.promote(*tier, seat.load.as_ref()));
            }
        }
        alarm |= good.is_empty() && !presumed.is_empty();
        if alarm {
            good.extend(presumed.into_iter().map(|(_, seat)| (Tier::PresumedDead, seat)));
        } else {
            removed.extend(presumed.into_iter().map(|(by, seat)| (seat.index, by, seat.load)));
        }
        Self { placed: in_order(good, draw, params), removed, alarm }
    }

    fn removed(mut self, candidates: &[Candidate]) -> Vec<Removed> {
        self.removed.sort_by(|a, b| candidates[a.0].node.cmp(&candidates[b.0].node));
        let named = |(index, by, load): (usize, Removal, Option<Load>)| Removed {
            node: candidates[index].node.clone(),
            by,
            load,
        };
        self.removed.into_iter().map(named).collect()
    }
}

/// Expected loads, those of old readings faded towards the mean of the fresh ones.
fn loads(candidates: &[Candidate], request: &Request, params: &Params, now_ms: u64) -> Vec<Option<Load>> {
    let people = params.people(request.expected_people);
    let mut loads: Vec<Option<Load>> =
        candidates.iter().map(|candidate| Load::of(candidate, people, params, now_ms)).collect();
    let is_old = |load: &Load| load.reading_age_ms > params.fresh_ms;
    if loads.iter().flatten().any(is_old)
        && let Some(mean) = mean_of_fresh(&loads, params)
    {
        loads
            .iter_mut()
            .flatten()
            .filter(|load| is_old(load))
            .for_each(|load| load.age_towards(mean, params));
    }
    loads
}

/// Mean expected load of the nodes with a fresh reading; `None` when there is none.
fn mean_of_fresh(loads: &[Option<Load>], params: &Params) -> Option<f64> {
    let fresh = loads.iter().flatten().filter(|load| load.reading_age_ms <= params.fresh_ms);
    let mut expected: Vec<f64> = fresh.map(|load| load.expected).collect();
    // summed in order of size: two replicas that list the nodes differently get the same last bit
    expected.sort_by(f64::total_cmp);
    (!expected.is_empty()).then(|| expected.iter().sum::<f64>() / expected.len() as f64)
}

/// Region first while it is comfortable, then anywhere comfortable, then region, then anywhere; a
/// node that missed its last scrape only after all these.
fn tier(candidate: &Candidate, load: Option<&Load>, request: &Request, params: &Params) -> Tier {
    if candidate.life == Life::Suspect {
        return Tier::Suspect;
    }
    let Some(wished) = &request.region else { return Tier::Wished };
    let crowded = load.is_some_and(|load| load.expected > params.comfortable);
    match (candidate.region.as_ref() == Some(wished), crowded) {
        (true, false) => Tier::Wished,
        (false, false) => Tier::SpillOver,
        (true, true) => Tier::WishedCrowded,
        (false, true) => Tier::SpillOverCrowded,
    }
}

/// Group by group, each in the policy's order.
fn in_order<'a>(seats: Vec<(Tier, Seat<'a>)>, draw: Draw, params: &Params) -> Vec<(Tier, Seat<'a>)> {
    let mut out = Vec::with_capacity(seats.len());
    let mut groups: [Vec<Seat<'a>>; Tier::ALL.len()] = Default::default();
    for (tier, seat) in seats {
        groups[tier as usize].push(seat);
    }
    for (tier, mut group) in Tier::ALL.iter().zip(groups) {
        params.policy.order(&mut group, draw, params);
        out.extend(group.into_iter().map(|seat| (*tier, seat)));
    }
    out
}

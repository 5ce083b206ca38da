//! What must hold for every fleet and every request, whatever the formula.

use proptest::prelude::*;
use usher_common::wire::{NodeId, OperatorMode, RoomKey};

use super::*;

pub(crate) const NOW_MS: u64 = 1_000_000;

/// Any state of a node that the outside can bring about, sane or not.
fn any_candidate(number: usize) -> impl Strategy<Value = Candidate> {
    let reading = (
        0..30_000u64,
        proptest::option::weighted(0.9, 0.0..1.0f64),
        proptest::option::weighted(0.5, 0.0..1.5f64),
        proptest::option::of(0..400u64),
        proptest::option::of(0.0..5.0f64),
        proptest::option::of(1..17u32),
    )
        .prop_map(|(age_ms, cpu, stress, participants, joins_per_s, cores)| Reading {
            at_ms: NOW_MS - age_ms,
            cpu,
            stress,
            participants,
            joins_per_s,
            cores,
        });
    let witness = prop_oneof![Just(Witness::Agent), Just(Witness::Own), Just(Witness::OwnOnly)];
    let promise = (0.0..40.0f64, 0..120_000u64, witness).prop_map(|(people, age_ms, witness)| Promise {
        people,
        made_at_ms: NOW_MS - age_ms,
        witness,
    });
    let life = prop_oneof![1 => Just(Life::NeverSeen), 6 => Just(Life::Up), 1 => Just(Life::Suspect), 2 => Just(Life::Down)];
    let operator = prop_oneof![6 => Just(OperatorMode::Ready), 1 => Just(OperatorMode::Drain), 1 => Just(OperatorMode::Maint)];
    (
        (life, operator, prop::bool::weighted(0.9), prop::option::weighted(0.9, reading)),
        prop::collection::vec(promise, 0..5),
        prop::option::of(0.25..4.0f64),
        prop::option::of(0.0005..0.01f64),
        prop::option::weighted(0.2, 0..120_000u64),
        prop::option::of(prop_oneof![Just("eu"), Just("us")]),
    )
        .prop_map(move |((life, operator, ready, reading), promises, capacity, cost, since, region)| {
            Candidate {
                region: region.map(str::to_owned),
                life,
                operator,
                ready,
                reading,
                promises,
                capacity,
                cost_per_person: cost,
                in_rotation_since_at_ms: since.map(|age_ms| NOW_MS - age_ms),
                ..Candidate::unseen(NodeId::parse(&format!("vm{number}")).unwrap())
            }
        })
}

pub(crate) fn any_fleet() -> impl Strategy<Value = Vec<Candidate>> {
    (0..12usize).prop_flat_map(|count| (0..count).map(any_candidate).collect::<Vec<_>>())
}

pub(crate) fn any_policy() -> impl Strategy<Value = Policy> {
    prop::sample::select(Policy::ALL)
}

pub(crate) fn any_request() -> impl Strategy<Value = Request> {
    (
        prop::option::of("[a-z]{1,4}"),
        prop::option::of(-5.0..500.0f64),
        prop::option::of(prop_oneof![Just("eu"), Just("asia")]),
    )
        .prop_map(|(name, expected_people, region)| Request {
            room: name.map(|name| RoomKey::of(b"secret", "", &name)),
            expected_people,
            region: region.map(str::to_owned),
        })
}

fn under(policy: Policy) -> Params {
    Params { policy, ..Params::default() }
}

/// A node with nothing against it.
fn good(number: usize, cpu: f64) -> Candidate {
    Candidate {
        life: Life::Up,
        ready: true,
        reading: Some(Reading {
            at_ms: NOW_MS,
            cpu: Some(cpu),
            participants: Some((cpu * 400.0) as u64),
            joins_per_s: Some(0.0),
            cores: Some(8),
            ..Reading::default()
        }),
        ..Candidate::unseen(NodeId::parse(&format!("vm{number}")).unwrap())
    }
}

proptest! {
    #[test]
    fn nobody_of_the_same_group_was_better(fleet in any_fleet(), request in any_request(), seed in any::<u64>()) {
        let params = under(Policy::ExpectedLoad);
        let ranking = rank(&fleet, &request, &params, seed, NOW_MS);
        let Ok(choice) = choose(&fleet, &request, &params, seed, NOW_MS) else {
            prop_assert!(ranking.placed.is_empty());
            return Ok(());
        };
        let chosen = choice.load.unwrap().score;
        let tolerance = if request.room.is_some() { params.near_equal } else { 0.0 };
        for other in &ranking.placed {
            prop_assert!(other.tier >= choice.tier);
            if other.tier == choice.tier {
                prop_assert!(chosen <= other.load.as_ref().unwrap().score + tolerance);
            }
        }
    }

    #[test]
    fn every_node_is_ranked_once_and_choose_takes_the_first(
        fleet in any_fleet(), request in any_request(), policy in any_policy(), seed in any::<u64>(),
    ) {
        let ranking = rank(&fleet, &request, &under(policy), seed, NOW_MS);
        let mut names: Vec<_> = ranking.placed.iter().map(|placed| &placed.node).collect();
        match choose(&fleet, &request, &under(policy), seed, NOW_MS) {
            Ok(choice) => {
                let order = std::iter::once(&choice.node).chain(&choice.runners_up);
                prop_assert!(order.eq(names.iter().copied().take(4)));
                prop_assert_eq!(choice.candidates, names.len());
            }
            Err(none) => {
                prop_assert!(names.is_empty());
                prop_assert_eq!(none.removed.len(), fleet.len());
                prop_assert!(none.retry_after_ms > 0);
            }
        }
        names.extend(ranking.removed.iter().map(|removed| &removed.node));
        names.sort();
        let mut all: Vec<_> = fleet.iter().map(|candidate| &candidate.node).collect();
        all.sort();
        prop_assert_eq!(names, all);
    }

    #[test]
    fn a_node_that_measures_more_never_ranks_better(
        mut fleet in any_fleet(), at in any::<prop::sample::Index>(), more in 0.0..0.5f64, seed in any::<u64>(),
    ) {
        prop_assume!(!fleet.is_empty());
        let at = at.index(fleet.len());
        // the others' ages are measured against a mean that this node must not move
        fleet.iter_mut().filter_map(|candidate| candidate.reading.as_mut()).for_each(|reading| reading.at_ms = NOW_MS);
        let place = |fleet: &[Candidate]| {
            let ranking = rank(fleet, &Request::default(), &Params::default(), seed, NOW_MS);
            // out of the ranking is worse than any place in it
            ranking.placed.iter().position(|placed| placed.node == fleet[at].node).unwrap_or(usize::MAX)
        };
        let before = place(&fleet);
        if let Some(Reading { cpu: Some(cpu), .. }) = fleet[at].reading.as_mut() {
            *cpu += more;
        }
        prop_assert!(place(&fleet) >= before);
    }

    #[test]
    fn a_node_that_was_promised_more_never_ranks_better(
        mut fleet in any_fleet(), at in any::<prop::sample::Index>(), people in 0.0..100.0f64, seed in any::<u64>(),
    ) {
        prop_assume!(!fleet.is_empty());
        let at = at.index(fleet.len());
        fleet.iter_mut().filter_map(|candidate| candidate.reading.as_mut()).for_each(|reading| reading.at_ms = NOW_MS);
        let place = |fleet: &[Candidate]| {
            let ranking = rank(fleet, &Request::default(), &Params::default(), seed, NOW_MS);
            ranking.placed.iter().position(|placed| placed.node == fleet[at].node).unwrap_or(usize::MAX)
        };
        let before = place(&fleet);
        fleet[at].promises.push(Promise { people, made_at_ms: NOW_MS - 1000, witness: Witness::Agent });
        prop_assert!(place(&fleet) >= before);
    }

    #[test]
    fn only_a_room_known_to_be_small_fills_and_never_a_node_that_is_nearly_full(
        fleet in any_fleet(), request in any_request(), policy in any_policy(), seed in any::<u64>(),
    ) {
        let params = under(policy);
        let ranking = rank(&fleet, &request, &params, seed, NOW_MS);
        let small = request.expected_people.is_some_and(|people| people <= params.small_room);
        for placed in ranking.placed.iter().filter(|placed| placed.tier == Tier::Filling) {
            prop_assert!(small && policy == Policy::ExpectedLoad);
            prop_assert!(placed.load.as_ref().unwrap().expected < params.comfortable);
        }
    }

    #[test]
    fn the_unknown_is_never_chosen_before_the_known_good(
        fleet in any_fleet(), policy in any_policy(), request in any_request(), cpu in 0.0..0.9f64, seed in any::<u64>(),
    ) {
        let mut fleet = fleet;
        fleet.push(good(99, cpu));
        let choice = choose(&fleet, &request, &under(policy), seed, NOW_MS).unwrap();
        let chosen = fleet.iter().find(|candidate| candidate.node == choice.node).unwrap();
        prop_assert!(matches!(chosen.life, Life::Up | Life::Suspect));
        prop_assert_eq!(chosen.operator, OperatorMode::Ready);
        prop_assert!(chosen.ready);
        let reading = chosen.reading.as_ref().unwrap();
        prop_assert!(NOW_MS - reading.at_ms <= Params::default().stale_after_ms);
        if policy == Policy::ExpectedLoad {
            prop_assert!(reading.cpu.is_some() || reading.stress.is_some());
        }
    }

    #[test]
    fn promises_never_exceed_what_a_node_can_carry(
        loads in prop::collection::vec(0.0..1.0f64, 1..6), policy in any_policy(), requests in 1..400usize,
    ) {
        let params = under(policy);
        let mut fleet: Vec<Candidate> = loads.iter().enumerate().map(|(i, cpu)| good(i, *cpu)).collect();
        for turn in 0..requests {
            match choose(&fleet, &Request::default(), &params, turn as u64, NOW_MS) {
                Ok(choice) => {
                    prop_assert!(choice.load.unwrap().expected <= params.full);
                    let taker = fleet.iter_mut().find(|candidate| candidate.node == choice.node).unwrap();
                    let promise = Promise { people: choice.people, made_at_ms: NOW_MS, witness: Witness::Agent };
                    taker.promises.push(promise);
                }
                Err(none) => {
                    prop_assert!(none.removed.iter().all(|removed| removed.by == Removal::Full));
                    break;
                }
            }
        }
        for node in &fleet {
            let promised: f64 = node.promises.iter().map(|promise| promise.people).sum();
            let cpu = node.reading.as_ref().unwrap().cpu.unwrap();
            prop_assert!(promised == 0.0 || cpu + promised * params.cost_per_person <= params.full + 1e-9);
        }
    }

    #[test]
    fn replicas_with_the_same_view_choose_alike_for_the_same_room(
        fleet in any_fleet(), policy in any_policy(), name in "[a-z]{1,8}", seeds in any::<(u64, u64)>(),
    ) {
        let request = Request { room: Some(RoomKey::of(b"secret", "", &name)), ..Request::default() };
        let mut other_order = fleet.clone();
        other_order.reverse();
        let one = choose(&fleet, &request, &under(policy), seeds.0, NOW_MS).map(|choice| choice.node);
        let two = choose(&other_order, &request, &under(policy), seeds.1, NOW_MS).map(|choice| choice.node);
        prop_assert_eq!(one, two);
    }

    #[test]
    fn a_ranking_and_its_inputs_are_json(fleet in any_fleet(), request in any_request(), seed in any::<u64>()) {
        let text = serde_json::to_string(&fleet).unwrap();
        let back: Vec<Candidate> = serde_json::from_str(&text).unwrap();
        let [here, there] = [&fleet, &back].map(|fleet| rank(fleet, &request, &Params::default(), seed, NOW_MS));
        let [here, there] = [here, there].map(|ranking| serde_json::to_value(ranking).unwrap());
        prop_assert_eq!(&here["placed"], &there["placed"]);
    }
}

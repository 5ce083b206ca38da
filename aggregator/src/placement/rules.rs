//! The rules one by one, on fleets small enough to reckon by hand.

use usher_common::wire::{NodeId, NotReady, OperatorMode, RoomKey};

use super::*;

const NOW_MS: u64 = 1_000_000;

fn node(number: usize, cpu: f64) -> Candidate {
    Candidate {
        life: Life::Up,
        ready: true,
        reading: Some(Reading {
            at_ms: NOW_MS,
            cpu: Some(cpu),
            participants: Some(10),
            joins_per_s: Some(0.0),
            cores: Some(8),
            ..Reading::default()
        }),
        ..Candidate::unseen(NodeId::parse(&format!("vm{number}")).unwrap())
    }
}

fn reading(candidate: &mut Candidate) -> &mut Reading {
    candidate.reading.as_mut().unwrap()
}

fn best(fleet: &[Candidate]) -> String {
    choose(fleet, &Request::default(), &Params::default(), 1, NOW_MS).unwrap().node.to_string()
}

fn removal(candidate: Candidate) -> Removal {
    let fleet = [candidate, node(9, 0.9)];
    let ranking = rank(&fleet, &Request::default(), &Params::default(), 1, NOW_MS);
    assert_eq!(ranking.removed.len(), 1, "{ranking:?}");
    ranking.removed[0].by
}

#[test]
fn every_filter_says_why() {
    assert_eq!(removal(Candidate { operator: OperatorMode::Drain, ..node(0, 0.1) }), Removal::Draining);
    assert_eq!(removal(Candidate { operator: OperatorMode::Maint, ..node(0, 0.1) }), Removal::Maintenance);
    assert_eq!(removal(Candidate::unseen(NodeId::parse("vm0").unwrap())), Removal::NeverSeen);
    let not_ready = vec![NotReady::BridgeUnlinked];
    assert_eq!(removal(Candidate { ready: false, not_ready, ..node(0, 0.1) }), Removal::NotReady);
    assert_eq!(removal(Candidate { life: Life::Down, ..node(0, 0.1) }), Removal::Down);
    assert_eq!(removal(node(0, 0.99)), Removal::Full);
    let mut stale = node(0, 0.1);
    reading(&mut stale).at_ms = NOW_MS - 15_001;
    assert_eq!(removal(stale), Removal::Stale);
    let mut blind = node(0, 0.1);
    reading(&mut blind).cpu = None;
    assert_eq!(removal(blind.clone()), Removal::LoadUnknown);
    reading(&mut blind).cpu = Some(f64::NAN);
    assert_eq!(removal(blind), Removal::LoadUnknown);
    let mut empty = node(0, 0.1);
    (0..8).for_each(|_| empty.breaker.placed(NOW_MS - 20_000, &Params::default()));
    assert!(empty.breaker.reported(Some(0), NOW_MS - 1000, &Params::default()));
    assert_eq!(removal(empty), Removal::BrokenOff);
}

#[test]
fn the_load_is_what_the_formula_says() {
    let mut candidate = node(0, 0.30);
    candidate.capacity = Some(0.5);
    reading(&mut candidate).joins_per_s = Some(0.1);
    reading(&mut candidate).stress = Some(0.40);
    let promise = |age_ms, witness| Promise { people: 8.0, made_at_ms: NOW_MS - age_ms, witness };
    candidate.promises =
        vec![promise(0, Witness::Own), promise(15_000, Witness::Agent), promise(0, Witness::OwnOnly)];
    let params = Params { replicas: 3, ..Params::default() };
    let ranking = rank(&[candidate], &Request::default(), &params, 1, NOW_MS);
    let load = ranking.placed[0].load.clone().unwrap();
    let promised = 8.0 + 8.0 / std::f64::consts::E + 24.0;
    assert!((load.base - 0.31).abs() < 1e-12, "the bridge's own opinion is worse than the CPU");
    assert!((load.promised_people - promised).abs() < 1e-9);
    assert_eq!((load.arriving_people, load.own_people, load.cost_per_person), (Some(9.0), 8.0, 0.004));
    let expected = 0.31 + 0.004 * (promised + 9.0 + 8.0);
    assert!((load.expected - expected).abs() < 1e-12);
    assert!((load.score - (expected - 0.85) * 0.5f64.sqrt()).abs() < 1e-12);
}

#[test]
fn promises_live_longer_where_joins_cannot_be_seen() {
    let mut blind = node(0, 0.3);
    reading(&mut blind).joins_per_s = None;
    blind.promises = vec![Promise { people: 10.0, made_at_ms: NOW_MS - 90_000, witness: Witness::Own }];
    let ranking = rank(&[blind], &Request::default(), &Params::default(), 1, NOW_MS);
    let load = ranking.placed[0].load.as_ref().unwrap();
    assert_eq!(load.arriving_people, None, "not seen is not nobody");
    assert!((load.promised_people - 10.0 / std::f64::consts::E).abs() < 1e-9);
}

#[test]
fn what_is_known_of_a_room_is_remembered_longer_than_what_is_guessed() {
    let mut candidate = node(0, 0.3);
    candidate.promises = vec![Promise { people: 108.0, made_at_ms: NOW_MS - 15_000, witness: Witness::Own }];
    let ranking = rank(&[candidate], &Request::default(), &Params::default(), 1, NOW_MS);
    let expected = 8.0 * (-1.0f64).exp() + 100.0 * (-15.0f64 / 90.0).exp();
    assert!((ranking.placed[0].load.as_ref().unwrap().promised_people - expected).abs() < 1e-9);
}

#[test]
fn an_idle_fleet_fills_evenly_though_no_report_comes() {
    let mut fleet: Vec<Candidate> = (0..10).map(|number| node(number, 0.2)).collect();
    for turn in 0..100 {
        let choice = choose(&fleet, &Request::default(), &Params::default(), turn, NOW_MS).unwrap();
        let taker = fleet.iter_mut().find(|candidate| candidate.node == choice.node).unwrap();
        taker.promises.push(Promise { people: choice.people, made_at_ms: NOW_MS, witness: Witness::Own });
    }
    assert!(fleet.iter().all(|candidate| candidate.promises.len() == 10), "{fleet:?}");
}

#[test]
fn an_old_low_reading_loses_against_a_fresh_one() {
    let mut old = node(0, 0.30);
    reading(&mut old).at_ms = NOW_MS - 12_000;
    assert_eq!(best(&[old.clone(), node(1, 0.40), node(2, 0.60)]), "vm1");
    reading(&mut old).at_ms = NOW_MS - 3_000;
    assert_eq!(best(&[old, node(1, 0.40), node(2, 0.60)]), "vm0");
}

#[test]
fn a_new_node_gets_its_share_gradually() {
    let fresh = |age_ms| Candidate { in_rotation_since_at_ms: Some(NOW_MS - age_ms), ..node(0, 0.05) };
    assert_eq!(best(&[fresh(0), node(1, 0.60)]), "vm1");
    assert_eq!(best(&[fresh(0), node(1, 0.80)]), "vm0", "still better than a full one");
    assert_eq!(best(&[fresh(30_000), node(1, 0.60)]), "vm0");
}

#[test]
fn when_most_of_the_fleet_looks_dead_the_living_come_first_and_an_alarm_is_raised() {
    let dead = |number| Candidate { life: Life::Down, ..node(number, 0.1) };
    let fleet = [dead(0), dead(1), dead(2), node(3, 0.5)];
    let ranking = rank(&fleet, &Request::default(), &Params::default(), 1, NOW_MS);
    assert!(ranking.alarm);
    assert_eq!(ranking.placed[0].node.as_str(), "vm3");
    assert!(ranking.placed[1..].iter().all(|placed| placed.tier == Tier::PresumedDead));
    assert_eq!(ranking.placed.len(), 4);

    let calm = [dead(0), node(1, 0.5), node(2, 0.5)];
    let ranking = rank(&calm, &Request::default(), &Params::default(), 1, NOW_MS);
    assert!(!ranking.alarm && ranking.removed[0].by == Removal::Down);
}

#[test]
fn the_dead_are_asked_rather_than_nobody_unless_they_had_refused() {
    let dead = Candidate { life: Life::Down, ..node(0, 0.1) };
    let draining = Candidate { operator: OperatorMode::Drain, ..node(1, 0.1) };
    let other = Candidate { operator: OperatorMode::Drain, ..node(2, 0.1) };
    let choice =
        choose(&[dead, draining.clone(), other.clone()], &Request::default(), &Params::default(), 1, NOW_MS);
    let choice = choice.unwrap();
    assert_eq!((choice.node.as_str(), choice.tier, choice.alarm), ("vm0", Tier::PresumedDead, true));
    let none = choose(&[draining, other], &Request::default(), &Params::default(), 1, NOW_MS).unwrap_err();
    assert!(!none.alarm);
    assert_eq!(none.to_string(), "no node can take the room: 2 draining; ask again in 5000 ms");
    let none = choose(&[], &Request::default(), &Params::default(), 1, NOW_MS).unwrap_err();
    assert_eq!(none.to_string(), "no node can take the room: no node is known; ask again in 5000 ms");
}

#[test]
fn a_region_is_kept_while_comfortable_then_spills_over_then_is_better_than_afar() {
    let eu = |number, cpu| Candidate { region: Some("eu".into()), ..node(number, cpu) };
    let wish = Request { region: Some("eu".into()), ..Request::default() };
    let first = |fleet: &[Candidate]| {
        let choice = choose(fleet, &wish, &Params::default(), 1, NOW_MS).unwrap();
        (choice.node.to_string(), choice.tier)
    };
    assert_eq!(first(&[eu(0, 0.7), node(1, 0.1)]), ("vm0".into(), Tier::Wished));
    assert_eq!(first(&[eu(0, 0.9), node(1, 0.1)]), ("vm1".into(), Tier::SpillOver));
    assert_eq!(first(&[eu(0, 0.9), node(1, 0.88)]), ("vm0".into(), Tier::WishedCrowded));
}

#[test]
fn without_spill_over_a_region_is_a_wall_and_with_it_a_full_or_lost_one_is_left() {
    let eu = |number, cpu| Candidate { region: Some("eu".into()), ..node(number, cpu) };
    let wish = Request { region: Some("eu".into()), ..Request::default() };
    let walled = Params { region_spill: false, ..Params::default() };
    for fleet in [[eu(0, 0.99), node(1, 0.1)], [Candidate { life: Life::Down, ..eu(0, 0.1) }, node(1, 0.1)]] {
        assert_eq!(choose(&fleet, &wish, &Params::default(), 1, NOW_MS).unwrap().node.as_str(), "vm1");
        let ranking = rank(&fleet, &wish, &walled, 1, NOW_MS);
        let elsewhere = ranking.removed.iter().find(|removed| removed.node.as_str() == "vm1").unwrap();
        assert_eq!(elsewhere.by, Removal::WrongRegion);
    }
    let nobody_asked = choose(&[node(0, 0.1)], &Request::default(), &walled, 1, NOW_MS);
    assert!(nobody_asked.is_ok());
}

#[test]
fn a_large_room_is_let_in_where_a_small_one_is_and_goes_to_the_emptiest() {
    let request = Request { expected_people: Some(300.0), ..Request::default() };
    let choice = choose(&[node(0, 0.9), node(1, 0.6)], &request, &Params::default(), 1, NOW_MS).unwrap();
    assert_eq!((choice.node.as_str(), choice.people), ("vm1", 300.0));
    assert!(choice.load.unwrap().expected > 1.0, "never clamped");
}

#[test]
fn rooms_spread_over_near_equals_and_each_keeps_its_node_when_another_goes() {
    let fleet: Vec<Candidate> = (0..10).map(|number| node(number, 0.300 + 0.0005 * number as f64)).collect();
    let place = |fleet: &[Candidate], name: usize| {
        let request = Request { room: Some(RoomKey::of(b"s", "", &name.to_string())), ..Request::default() };
        choose(fleet, &request, &Params::default(), 1, NOW_MS).unwrap().node
    };
    let before: Vec<_> = (0..200).map(|name| place(&fleet, name)).collect();
    for candidate in &fleet {
        assert!((5..40).contains(&before.iter().filter(|node| **node == candidate.node).count()));
    }
    for (name, was) in before.iter().enumerate().filter(|(_, was)| **was != fleet[3].node) {
        let without: Vec<Candidate> =
            fleet.iter().filter(|candidate| candidate.node != fleet[3].node).cloned().collect();
        assert_eq!(&place(&without, name), was);
    }
}

#[test]
fn each_policy_does_what_its_name_says() {
    let mut fleet = [node(0, 0.3), node(1, 0.2), node(2, 0.6)];
    fleet[1].promises = vec![Promise { people: 200.0, made_at_ms: NOW_MS, witness: Witness::Own }];
    reading(&mut fleet[2]).participants = Some(1);
    let take = |policy, seed| {
        let params = Params { policy, ..Params::default() };
        choose(&fleet, &Request::default(), &params, seed, NOW_MS).unwrap().node.to_string()
    };
    assert_eq!(take(Policy::ExpectedLoad, 1), "vm0");
    assert_eq!(take(Policy::LeastCpu, 1), "vm1", "promises are not looked at");
    assert_eq!(take(Policy::LeastParticipants, 1), "vm2");
    let turns: Vec<_> = (0..4).map(|turn| take(Policy::RoundRobin, turn)).collect();
    assert_eq!(turns, ["vm0", "vm1", "vm2", "vm0"]);
    let wins = |policy| {
        let drawn: Vec<_> = (0..300).map(|seed| take(policy, seed)).collect();
        ["vm0", "vm1", "vm2"].map(|name| drawn.iter().filter(|node| *node == name).count())
    };
    assert!(wins(Policy::Random).iter().all(|won| (70..130).contains(won)), "{:?}", wins(Policy::Random));
    // of three pairs the best node wins two, the second one, the worst none
    let [best, second, worst] =
        [wins(Policy::TwoChoices)[0], wins(Policy::TwoChoices)[1], wins(Policy::TwoChoices)[2]];
    assert!(best > 160 && second + worst > 60 && second.min(worst) == 0, "{best} {second} {worst}");
}

#[test]
fn policies_are_spelled_as_in_the_configuration() {
    let words: Vec<&str> = Policy::ALL.iter().map(|policy| policy.as_str()).collect();
    assert_eq!(
        words,
        ["expected-load", "least-cpu", "random", "round-robin", "two-choices", "least-participants"]
    );
    assert!(Policy::ALL.iter().all(|policy| policy.to_string().parse() == Ok(*policy)));
    let error = "best".parse::<Policy>().unwrap_err().to_string();
    assert!(error.contains("\"best\" is no policy: take one of expected-load, least-cpu"), "{error}");
}

#[test]
fn a_room_known_to_be_small_goes_where_it_is_busy_but_not_full_and_leaves_the_emptiest_to_the_others() {
    let fleet: Vec<Candidate> = [0.5, 0.6, 0.62, 0.8].iter().zip(0..).map(|(cpu, n)| node(n, *cpu)).collect();
    let asked = |people: Option<f64>, fleet: &[Candidate]| {
        let request = Request { expected_people: people, ..Request::default() };
        let choice = choose(fleet, &request, &Params::default(), 1, NOW_MS).unwrap();
        (choice.node.to_string(), choice.tier)
    };
    // the mean is 0.64 with three people: the band goes from 0.66 to 0.69
    assert_eq!(asked(Some(3.0), &fleet), ("vm0".to_owned(), Tier::Wished), "nobody is in the band");
    let mut busy = fleet.clone();
    reading(&mut busy[2]).cpu = Some(0.67);
    assert_eq!(asked(Some(3.0), &busy), ("vm2".to_owned(), Tier::Filling));
    assert_eq!(asked(None, &busy).0, "vm0", "nobody knows how large it becomes");
    assert_eq!(asked(Some(40.0), &busy).0, "vm0", "it needs the room");
    let idle: Vec<Candidate> = [0.1, 0.25, 0.3].iter().zip(0..).map(|(cpu, n)| node(n, *cpu)).collect();
    assert_eq!(asked(Some(3.0), &idle).0, "vm0", "there is room for any meeting anywhere");
}

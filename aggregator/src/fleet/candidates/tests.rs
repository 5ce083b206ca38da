use std::sync::Arc;

use proptest::prelude::*;
use usher_common::wire::{Cpu, OperatorMode, ProbeFailure, Report, Reservation, RoomKey};

use super::*;
use crate::config::Learn;
use crate::fleet::state::tests::{RULES, report};
use crate::fleet::{Event, Pledge};
use crate::placement::Params;
use crate::target::{Target, TargetId};

struct Scene {
    state: State,
    targets: Vec<Target>,
}

impl Scene {
    /// Nodes `vm0`, `vm1`, ... of which nothing is known.
    fn new(count: usize) -> Self {
        let targets: Vec<Target> =
            (0..count).map(|at| Target::parse(&format!("host{at}")).unwrap()).collect();
        let mut state = State::new(RULES, Params::default(), Learn::default());
        state.apply(Event::Targets(Arc::from(targets.clone())), 0);
        Self { state, targets }
    }

    fn id(&self, at: usize) -> TargetId {
        self.targets[at].id.clone()
    }

    fn report(&mut self, at: usize, report: Report, now: Millis) {
        self.state.apply(Event::Reported { target: self.id(at), report: Box::new(report) }, now);
    }

    fn busy(&mut self, at: usize, seq: u64, busy: f64, now: Millis) {
        self.report(at, with_cpu(report(&format!("vm{at}"), "b", seq), busy), now);
    }

    fn fail(&mut self, at: usize, now: Millis) {
        let (target, reason) = (self.id(at), ProbeFailure::Refused);
        self.state.apply(Event::Failed { target, reason, detail: String::new() }, now);
    }

    fn candidate(&self, at: usize, now: Millis) -> Candidate {
        let lineup = self.state.lineup(&[], now);
        let name = format!("vm{at}");
        lineup.candidates.into_iter().find(|candidate| candidate.node.as_str() == name).expect("a candidate")
    }

    fn excluded(&self, declined: &[Declined], now: Millis) -> Vec<(String, Unfit)> {
        let excluded = self.state.lineup(declined, now).excluded;
        excluded.into_iter().map(|excluded| (excluded.node, excluded.by)).collect()
    }
}

fn with_cpu(mut report: Report, busy: f64) -> Report {
    report.cpu = Some(Cpu {
        cores: 8,
        busy: Some(0.99),
        busy_smooth: Some(busy),
        steal: None,
        iowait: None,
        per_core_busy: None,
        load: None,
    });
    report
}

#[test]
fn the_smoothed_figures_go_in_with_the_time_at_which_they_were_true() {
    let mut scene = Scene::new(1);
    let mut said = with_cpu(report("vm0", "b", 1), 0.4);
    said.sample_age_ms = 300;
    scene.report(0, said, 1000);
    let reading = scene.candidate(0, 1100).reading.unwrap();
    assert_eq!((reading.at_ms, reading.cpu, reading.cores), (700, Some(0.4), Some(8)));
    assert_eq!((reading.stress, reading.participants, reading.joins_per_s), (None, None, None));
}

#[test]
fn a_promise_counts_once_ours_until_the_node_lists_it() {
    let mut scene = Scene::new(1);
    scene.busy(0, 1, 0.1, 1000);
    let id = scene.id(0);
    let pledges = &mut scene.state.node_mut(&id).unwrap().pledges;
    for id in [Some("told"), None] {
        let id = id.map(str::to_owned);
        pledges.add(Pledge { id, room: None, expected: 8.0, made: 1500, arrived: 0 });
    }
    let witnesses = |scene: &Scene, now| -> Vec<(Witness, u64)> {
        scene.candidate(0, now).promises.iter().map(|promise| (promise.witness, promise.made_at_ms)).collect()
    };
    assert_eq!(witnesses(&scene, 1600), [(Witness::Own, 1500), (Witness::OwnOnly, 1500)]);
    let mut said = with_cpu(report("vm0", "b", 2), 0.1);
    let (room_key, expected) = (None::<RoomKey>, 8.0);
    let told = Reservation { id: "told".to_owned(), room_key, expected, age_ms: 490, expires_in_ms: 60_000 };
    said.reservations.push(told);
    scene.report(0, said, 2000);
    scene.state.apply(Event::Unchanged { target: scene.id(0) }, 2500);
    assert_eq!(
        witnesses(&scene, 2600),
        [(Witness::Agent, 1510), (Witness::OwnOnly, 1500)],
        "its age is counted from when the report came, not from when it was last confirmed"
    );
}

#[test]
fn nodes_that_were_there_at_the_start_need_no_slow_start_and_all_others_do() {
    let mut scene = Scene::new(2);
    scene.busy(0, 1, 0.1, 10);
    scene.fail(1, 10);
    assert_eq!(scene.candidate(0, 10).in_rotation_since_at_ms, None);
    scene.busy(1, 1, 0.1, 2000);
    assert_eq!(scene.candidate(1, 2000).in_rotation_since_at_ms, Some(2000), "it came later");
    for (seq, (mode, now)) in
        [(OperatorMode::Drain, 3000), (OperatorMode::Ready, 4000)].into_iter().enumerate()
    {
        let mut said = with_cpu(report("vm0", "b", 2 + seq as u64), 0.1);
        said.operator.mode = mode;
        scene.report(0, said, now);
    }
    assert_eq!(scene.candidate(0, 4000).in_rotation_since_at_ms, Some(4000), "it was out for a while");
    scene.fail(0, 5000);
    assert_eq!(scene.candidate(0, 5000).in_rotation_since_at_ms, Some(4000), "one failure puts nobody out");
}

#[test]
fn a_node_that_did_not_answer_a_question_is_suspect_and_not_down_however_often() {
    let mut scene = Scene::new(1);
    scene.busy(0, 1, 0.1, 0);
    for now in 1..9 {
        let (target, reason) = (scene.id(0), ProbeFailure::Refused);
        scene.state.apply(Event::Silent { target, reason, detail: String::new() }, now);
        assert_eq!(scene.candidate(0, now).life, placement::Life::Suspect);
    }
    scene.fail(0, 10);
    assert_eq!(scene.excluded(&[], 10), [("vm0".to_owned(), Unfit::Down)], "the read settles it");
}

#[test]
fn who_is_unread_or_declined_is_excluded_by_name_and_reason() {
    let mut scene = Scene::new(3);
    scene.busy(0, 1, 0.1, 0);
    scene.busy(1, 1, 0.1, 0);
    let unread = ("host2:9100".to_owned(), Unfit::NeverRead);
    let declined = [(NodeId::parse("vm1").unwrap(), Unfit::Refused)];
    assert_eq!(scene.excluded(&declined, 0), [unread, ("vm1".to_owned(), Unfit::Refused)]);
}

proptest! {
    #[test]
    fn a_suspect_is_chosen_only_when_no_node_that_is_up_can_take_the_room(
        nodes in proptest::collection::vec((0.0..1.2f64, any::<bool>()), 1..8), seed in any::<u64>()
    ) {
        let mut scene = Scene::new(nodes.len());
        for (at, (busy, _)) in nodes.iter().enumerate() {
            scene.busy(at, 1, *busy, 0);
        }
        for (at, _) in nodes.iter().enumerate().filter(|(_, (_, suspect))| *suspect) {
            scene.fail(at, 1);
        }
        let lineup = scene.state.lineup(&[], 1);
        prop_assert_eq!(lineup.candidates.len() + lineup.excluded.len(), nodes.len());
        let params = Params::default();
        if let Ok(choice) =
            placement::choose(&lineup.candidates, &placement::Request::default(), &params, seed, 1)
        {
            let chosen: usize = choice.node.as_str()[2..].parse().unwrap();
            let room_left = |busy: f64| busy + 8.0 * params.cost_per_person <= params.full;
            let (busy, suspect) = nodes[chosen];
            prop_assert!(room_left(busy));
            prop_assert!(!suspect || nodes.iter().all(|(busy, suspect)| *suspect || !room_left(*busy)));
        } else {
            prop_assert!(nodes.iter().all(|(busy, _)| busy + 8.0 * params.cost_per_person > params.full));
        }
    }
}

#[test]
fn a_fleet_that_is_left_out_as_a_whole_because_nobody_joins_can_be_let_in_again() {
    let mut scene = Scene::new(1);
    scene.busy(0, 1, 0.1, 20_000);
    let (id, params) = (scene.id(0), Params::default());
    let breaker = &mut scene.state.node_mut(&id).unwrap().traffic.breaker;
    (0..8).for_each(|_| breaker.placed(0, &params));
    assert!(breaker.reported(Some(0), 20_000, &params));
    let choose = |lineup: &Lineup| {
        placement::choose(&lineup.candidates, &placement::Request::default(), &params, 0, 20_000)
    };
    let mut lineup = scene.state.lineup(&[], 20_000);
    assert_eq!(choose(&lineup).unwrap_err().removed[0].by, placement::Removal::BrokenOff);
    forgive(&mut lineup.candidates);
    assert!(choose(&lineup).is_ok());
}

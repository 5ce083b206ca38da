use serde_json::json;
use usher_common::wire::{ProbeFailure, RoomKey};

use super::*;
use crate::fleet::standing::standing;
use crate::fleet::{Pledge, Standing, Unfit};

pub(in crate::fleet) const RULES: Health =
    Health { fall: 2, rise: 2, panic: 0.5, panic_hold_ms: 60_000, max_age_ms: 3_000, page: true };

/// A report of a ready node.
pub(in crate::fleet) fn report(node: &str, boot_id: &str, seq: u64) -> Report {
    serde_json::from_value(json!({
        "schema": 1, "node": node, "public_url": format!("https://{node}.example.org"), "agent_version": "0",
        "boot_id": boot_id, "seq": seq, "sample_age_ms": 0, "ready": true
    }))
    .unwrap()
}

struct Scene {
    state: State,
    targets: Vec<TargetId>,
    seq: u64,
}

impl Scene {
    fn new(hosts: &[&str]) -> Self {
        let mut scene = Self {
            state: State::new(RULES, Params::default(), Learn::default()),
            targets: Vec::new(),
            seq: 0,
        };
        scene.discover(hosts);
        scene
    }

    fn discover(&mut self, hosts: &[&str]) {
        let targets: Vec<Target> = hosts.iter().map(|host| Target::parse(host).unwrap()).collect();
        self.targets = targets.iter().map(|target| target.id.clone()).collect();
        self.state.apply(Event::Targets(targets.into()), 0);
    }

    fn report(&mut self, at: usize, mut report: Report, now: Millis) -> Vec<Flip> {
        self.seq += 1;
        report.seq = self.seq;
        self.state.apply(Event::Reported { target: self.targets[at].clone(), report: Box::new(report) }, now)
    }

    fn fail(&mut self, at: usize, reason: ProbeFailure, now: Millis) -> Vec<Flip> {
        let target = self.targets[at].clone();
        self.state.apply(Event::Failed { target, reason, detail: "no".into() }, now)
    }

    fn standing(&self, at: usize, now: Millis) -> Result<Standing, Unfit> {
        standing(&self.state.nodes[&self.targets[at]], &RULES, self.state.panic(), now)
    }
}

fn key(name: &str) -> RoomKey {
    RoomKey::of(b"s", "", name)
}

fn with_room(mut report: Report, room: &str, participants: u64) -> Report {
    report.rooms.get_or_insert_default().push(usher_common::wire::Room {
        key: key(room),
        participants,
        age_s: None,
    });
    report
}

fn with_promise(mut report: Report, room: &str, id: &str, age_ms: u64) -> Report {
    report.reservations.push(usher_common::wire::Reservation {
        id: id.to_owned(),
        room_key: Some(key(room)),
        expected: 8.0,
        age_ms,
        expires_in_ms: 60_000,
    });
    report
}

#[test]
fn ready_means_a_whole_round_and_at_least_one_report() {
    let mut scene = Scene::new(&[]);
    assert!(scene.state.readiness().reasons[0].contains("discovery"));
    scene.discover(&["a", "b"]);
    scene.fail(0, ProbeFailure::Refused, 1);
    assert!(scene.state.readiness().reasons[0].contains("1 targets left"));
    scene.fail(1, ProbeFailure::Refused, 1);
    assert!(scene.state.readiness().reasons[0].contains("no target has given a report"));
    scene.report(0, report("a", "b", 1), 2);
    assert!(scene.state.readiness().ready);
    scene.discover(&["a", "b", "c"]);
    assert!(scene.state.readiness().ready, "a new target does not make us unready");
}

#[test]
fn of_two_targets_with_one_name_the_first_keeps_it_until_it_is_down() {
    let mut scene = Scene::new(&["a", "b"]);
    scene.report(0, report("vm", "x", 1), 0);
    let flips = scene.report(1, report("vm", "y", 1), 0);
    assert!(matches!(flips.last(), Some(Flip::NameTaken { .. })), "{flips:?}");
    assert_eq!(scene.standing(1, 0), Err(Unfit::NameTaken));
    assert!(scene.report(1, report("vm", "y", 1), 10).is_empty(), "said once");
    scene.fail(0, ProbeFailure::Refused, 20);
    scene.fail(0, ProbeFailure::Refused, 30);
    scene.report(1, report("vm", "y", 1), 40);
    assert_eq!(scene.standing(1, 40), Ok(Standing::Up));
    assert_eq!(scene.state.find("vm").unwrap().target.id, scene.targets[1]);
    scene.report(0, report("vm", "x", 1), 50);
    scene.report(0, report("vm", "x", 1), 60);
    assert_eq!(scene.standing(0, 60), Err(Unfit::NameTaken), "it lost its name while it was away");
    scene.discover(&["a"]);
    scene.report(0, report("vm", "x", 1), 70);
    assert_eq!(scene.standing(0, 70), Ok(Standing::Up));
}

#[test]
fn a_target_behind_which_the_node_changes_gives_up_the_old_name_and_its_promises() {
    let mut scene = Scene::new(&["a"]);
    scene.report(0, report("old", "x", 1), 0);
    let target = scene.targets[0].clone();
    let pledge = Pledge { id: None, room: None, expected: 8.0, made: 0, arrived: 0 };
    scene.state.node_mut(&target).unwrap().pledges.add(pledge);
    let flips = scene.report(0, report("new", "y", 1), 10);
    assert!(matches!(flips.first(), Some(Flip::Renamed { .. })), "{flips:?}");
    assert!(scene.state.find("old").is_none() && scene.state.find("new").is_some());
    assert!(scene.state.node_mut(&target).unwrap().pledges.is_empty());
}

#[test]
fn a_restart_and_the_operators_wishes_are_told_once() {
    let mut scene = Scene::new(&["a"]);
    scene.report(0, report("a", "x", 1), 0);
    assert!(matches!(scene.report(0, report("a", "y", 1), 1)[..], [Flip::Restarted(..)]));
    let mut draining = report("a", "y", 1);
    draining.operator.mode = OperatorMode::Drain;
    assert!(matches!(scene.report(0, draining.clone(), 2)[..], [Flip::Operator(_, OperatorMode::Drain)]));
    assert!(scene.report(0, draining, 3).is_empty());
    assert_eq!(scene.standing(0, 3), Err(Unfit::Draining));
}

#[test]
fn losing_most_of_the_fleet_in_silence_keeps_it_as_a_last_resort_for_a_while() {
    let mut scene = Scene::new(&["a", "b"]);
    for at in 0..2 {
        scene.report(at, report(["a", "b"][at], "x", 1), 0);
    }
    for at in 0..2 {
        scene.fail(at, ProbeFailure::Timeout, 1000);
        scene.fail(at, ProbeFailure::Timeout, 2000);
    }
    assert!(scene.state.panic());
    assert_eq!(scene.standing(0, 10_000), Ok(Standing::LastResort));
    scene.fail(0, ProbeFailure::Refused, 11_000);
    assert_eq!(scene.standing(0, 11_000), Err(Unfit::Down), "now its death is proven");
    scene.fail(1, ProbeFailure::Timeout, 62_001);
    assert!(!scene.state.panic(), "lost for good");
    assert_eq!(scene.standing(1, 62_001), Err(Unfit::Down));
}

#[test]
fn a_room_is_where_people_are_then_where_it_was_promised_first() {
    let mut scene = Scene::new(&["a", "b", "c"]);
    scene.report(0, with_promise(report("a", "x", 1), "r", "1", 500), 1000);
    scene.report(1, with_promise(report("b", "x", 1), "r", "2", 900), 1000);
    scene.report(2, report("c", "x", 1), 1000);
    let at = |scene: &Scene| -> Option<(String, bool)> {
        let found = scene.state.whereabouts(&key("r"), 1000)?;
        Some((found.node.name().unwrap().to_string(), found.live))
    };
    assert_eq!(at(&scene), Some(("b".to_owned(), false)));
    scene.report(0, with_room(report("a", "x", 1), "r", 2), 1000);
    assert_eq!(at(&scene), Some(("a".to_owned(), true)));
    scene.report(2, with_room(report("c", "x", 1), "r", 5), 1000);
    assert_eq!(
        at(&scene),
        Some(("c".to_owned(), true)),
        "the fullest of a split room, while ages are unknown"
    );
    let mut draining = with_room(report("c", "x", 1), "r", 5);
    (draining.operator.mode, draining.ready) = (OperatorMode::Drain, false);
    scene.report(2, draining.clone(), 1000);
    assert_eq!(at(&scene), Some(("c".to_owned(), true)), "a draining node keeps its rooms");
    draining.operator.mode = OperatorMode::Maint;
    scene.report(2, draining, 1000);
    assert_eq!(at(&scene), Some(("a".to_owned(), true)), "maintenance takes no joins");
    scene.fail(0, ProbeFailure::Refused, 1000);
    scene.fail(0, ProbeFailure::Refused, 1000);
    assert_eq!(at(&scene), Some(("b".to_owned(), false)), "nobody is sent to a node that is down");
}

#[test]
fn of_a_split_room_the_earlier_wins_and_what_is_about_as_early_goes_by_name() {
    for (ages, winner) in [([10, 300], "b"), ([300, 10], "a"), ([9, 12], "a")] {
        let mut scene = Scene::new(&["a", "b"]);
        for (at, age_s) in ages.into_iter().enumerate() {
            let mut said = with_room(report(["a", "b"][at], "x", 1), "r", 2 + at as u64);
            said.rooms.as_mut().unwrap()[0].age_s = Some(age_s);
            scene.report(at, said, 1000);
        }
        let found = scene.state.whereabouts(&key("r"), 1000).unwrap();
        assert_eq!((found.node.name().unwrap().as_str(), found.live), (winner, true));
        assert_eq!((scene.state.splits().live_total, scene.state.splits().live), (1, 1));
        scene.fail(0, ProbeFailure::Refused, 2000);
        scene.fail(0, ProbeFailure::Refused, 3000);
        assert_eq!(scene.state.splits().live, 0, "a node that is down counts for nothing");
        scene.report(1, report("b", "x", 1), 4000);
        for now in [4000, 4100] {
            scene.report(0, with_room(report("a", "x", 1), "r", 2), now);
        }
        assert_eq!(
            (scene.state.splits().live_total, scene.state.splits().live),
            (1, 0),
            "it ended elsewhere"
        );
    }
}

#[test]
fn the_rooms_of_a_node_whose_agent_is_silent_stay_while_its_page_is_served() {
    let mut scene = Scene::new(&["a", "b", "c"]);
    scene.report(0, with_room(report("vm1", "x", 1), "daily", 3), 0);
    scene.report(1, report("vm2", "x", 1), 0);
    scene.report(2, report("vm3", "x", 1), 0);
    let look = |scene: &mut Scene, served| {
        scene.state.apply(Event::Looked { target: scene.targets[0].clone(), served }, 2_000)
    };
    assert!(look(&mut scene, false).is_empty(), "a late answer of a trouble that is over");
    scene.fail(0, ProbeFailure::Timeout, 1_000);
    scene.fail(0, ProbeFailure::Timeout, 2_000);
    let node = |scene: &Scene| {
        scene.state.whereabouts(&key("daily"), 2_000).map(|found| found.node.name().unwrap().to_string())
    };
    assert_eq!(node(&scene), None, "nobody looked yet");
    assert!(matches!(look(&mut scene, true)[..], [Flip::Page(_, true)]));
    assert!(look(&mut scene, true).is_empty(), "told once");
    assert_eq!(node(&scene).as_deref(), Some("vm1"));
    assert_eq!(scene.standing(0, 2_000), Err(Unfit::Down), "new rooms go elsewhere");
    assert!(look(&mut scene, false).is_empty());
    assert_eq!(node(&scene).as_deref(), Some("vm1"), "missed once");
    look(&mut scene, true);
    look(&mut scene, false);
    assert!(matches!(look(&mut scene, false)[..], [Flip::Page(_, false)]), "twice in a row");
    assert_eq!(node(&scene), None);
    look(&mut scene, true);
    scene.report(0, with_room(report("vm1", "x", 1), "daily", 3), 3_000);
    scene.fail(0, ProbeFailure::Refused, 4_000);
    scene.fail(0, ProbeFailure::Refused, 5_000);
    assert_eq!(node(&scene), None, "what was seen in an earlier trouble does not count");
}

#[test]
fn a_promise_fades_and_is_forgotten_once_the_node_knows_it() {
    let mut scene = Scene::new(&["a"]);
    scene.report(0, report("a", "x", 1), 0);
    let target = scene.targets[0].clone();
    let pledge = |id: Option<&str>, room: Option<&str>| Pledge {
        id: id.map(str::to_owned),
        room: room.map(key),
        expected: 8.0,
        made: 0,
        arrived: 0,
    };
    let pledges = &mut scene.state.node_mut(&target).unwrap().pledges;
    pledges.add(pledge(Some("1"), Some("r")));
    pledges.add(pledge(None, Some("r")));
    pledges.add(pledge(None, None));
    let expected = |scene: &Scene, now| scene.state.nodes[&target].pledges.expected(now, 20_000);
    assert!((expected(&scene, 0) - 24.0).abs() < 1e-9);
    assert!((expected(&scene, 20_000) - 24.0 / std::f64::consts::E).abs() < 1e-9);
    scene.report(0, with_room(with_promise(report("a", "x", 1), "r", "1", 0), "r", 3), 0);
    assert!((expected(&scene, 0) - 13.0).abs() < 1e-9, "5 still to come of one, 8 of the other");
    scene.report(0, report("a", "x", 1), 450_001);
    assert!(scene.state.nodes[&target].pledges.is_empty());
    assert!(expected(&scene, 0).is_sign_positive(), "nothing promised is shown as 0, not as -0");
}

#[test]
fn events_of_targets_that_are_gone_change_nothing() {
    let mut scene = Scene::new(&["a"]);
    let target = scene.targets[0].clone();
    scene.discover(&[]);
    assert!(scene.state.apply(Event::Unchanged { target: target.clone() }, 1).is_empty());
    let report = Box::new(report("a", "x", 1));
    assert!(scene.state.apply(Event::Reported { target, report }, 1).is_empty());
    assert!(scene.state.find("a").is_none());
}

#[test]
fn a_promise_that_people_begin_to_keep_still_counts_for_those_who_are_on_their_way() {
    let mut scene = Scene::new(&["a"]);
    let target = scene.targets[0].clone();
    let promised = |at| with_promise(with_promise(report("a", "x", at), "r", "1", 1000), "s", "2", 1000);
    scene.report(0, promised(1), 5000);
    assert!(scene.state.nodes[&target].pledges.is_empty(), "the node lists both itself");
    // people come to the one; the other is given back
    scene.report(0, with_room(report("a", "x", 2), "r", 1), 7000);
    let left: Vec<_> = scene.state.nodes[&target].pledges.iter().cloned().collect();
    let ids: Vec<_> = left.iter().map(|pledge| pledge.id.as_deref()).collect();
    assert_eq!(ids, [Some("1")]);
    assert_eq!((left[0].made, left[0].arrived), (4000, 1), "its age goes on");
    let lineup = scene.state.lineup(&[], 7000);
    let people: Vec<_> = lineup.candidates[0].promises.iter().map(|promise| promise.people).collect();
    assert_eq!(people, [8.0], "counted once");
    // listed once more, it is the node's again
    scene.report(0, promised(3), 8000);
    assert!(scene.state.nodes[&target].pledges.is_empty());
}
